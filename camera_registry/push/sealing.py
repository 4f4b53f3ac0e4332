"""Seals the targets of a site by the token of its machine: pure.

Whoever reads along behind TLS (a proxy of an office, a log of bodies) or finds the copy on the machine's disk
sees no password. The key comes of the token, which is of one site, by HKDF (RFC 5869) with a salt of each
seal's own; the text is under AES-256-GCM. The registry's own key stays where it is.
"""

import hmac
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

FORMAT: Final = b"CRT1"
SALT, NONCE = 16, 12  # bytes
SEALING, NAMING = b"camera-registry targets 1", b"camera-registry version 1"
NAME_LENGTH = 32  # hexadecimal digits


class NotOpened(ValueError):
    """It was sealed by another token, or is damaged."""


def seal(token: str, clear: bytes) -> bytes:
    """``clear`` under a key of this token."""
    salt, nonce = os.urandom(SALT), os.urandom(NONCE)
    return FORMAT + salt + nonce + AESGCM(_key(token, salt, SEALING)).encrypt(nonce, clear, FORMAT)


def unseal(token: str, sealed: bytes) -> bytes:
    """What was sealed. Raises ``NotOpened``."""
    head = len(FORMAT) + SALT + NONCE
    if not sealed.startswith(FORMAT) or len(sealed) < head:
        raise NotOpened
    salt, nonce = sealed[len(FORMAT) : head - NONCE], sealed[head - NONCE : head]
    try:
        return AESGCM(_key(token, salt, SEALING)).decrypt(nonce, sealed[head:], FORMAT)
    except InvalidTag:
        raise NotOpened from None


def name_of(token: str, clear: bytes) -> str:
    """A name of these contents; without the token no guess at them can be tried on it."""
    return hmac.digest(_key(token, b"", NAMING), clear, "sha256").hex()[:NAME_LENGTH]


def _key(token: str, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), 32, salt or None, purpose).derive(token.encode())
