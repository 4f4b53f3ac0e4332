"""Random tokens whose bearer is believed: sessions and one-time links. Kept is their SHA-256 alone.

256 random bits need no slow hash, and whoever reads the table can use none of them.
"""

import secrets
from hashlib import sha256

BYTES = 32


def mint() -> str:
    """A new token, fit for a cookie and for an address: 43 characters."""
    return secrets.token_urlsafe(BYTES)


def digest(token: str) -> str:
    """What is kept of a token, and looked up when one is shown: 64 hexadecimal digits."""
    # What a header holds may be no text at all; it is then nobody's token.
    return sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
