"""How a device's certificate is looked at: not at all, by its fingerprint, or by the authorities we trust."""

import hashlib
import hmac
import ssl
from functools import lru_cache
from typing import Final

from probes.result import TlsCheck

PIN_MISMATCH: Final = "the certificate is not the pinned one"
KEPT_CONTEXTS: Final = 1024  # one for each pin in use


@lru_cache(maxsize=KEPT_CONTEXTS)
def tls_context(check: TlsCheck, pin: str = "") -> ssl.SSLContext:
    """The context for one policy; ``pin`` is the SHA-256 of the leaf certificate in hexadecimal digits.

    Without verification old TLS is spoken too: cameras sign their own certificates and outlive their
    protocols. A wrong pin breaks the handshake with ``SSLCertVerificationError`` before a request is sent.
    """
    if check is TlsCheck.VERIFY:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.options |= 0x4  # OP_LEGACY_SERVER_CONNECT, which Python 3.11 does not name
    if check is TlsCheck.PIN:
        context.sslobject_class = _pinned(pin)
    return context


def is_pin_mismatch(error: BaseException | None) -> bool:
    """Whether a failed handshake failed because of the pin, however it was wrapped on its way."""
    return error is not None and PIN_MISMATCH in str(error)


def _pinned(pin: str) -> type[ssl.SSLObject]:
    wanted = pin.replace(":", "").lower()

    class PinnedObject(ssl.SSLObject):
        """Compares the leaf certificate as soon as the handshake is done."""

        def do_handshake(self) -> None:
            super().do_handshake()
            leaf = self.getpeercert(binary_form=True) or b""
            if not hmac.compare_digest(hashlib.sha256(leaf).hexdigest(), wanted):
                raise ssl.SSLCertVerificationError(PIN_MISMATCH)

    return PinnedObject
