"""Paths as they may be sent to a device, pure: one text for request line and digest, no credentials."""

import re
from typing import Final
from urllib.parse import parse_qsl, quote

from probes.errors import WebProtocolError

MAX_PATH_CHARS: Final = 2048

# Query keys in which cameras like to find a password; some refuse to see one there and in a header (F020).
CREDENTIAL_KEYS: Final = frozenset(
    {"user", "usr", "username", "password", "passwd", "pass", "pwd", "loginuse", "loginpas"}
)
_PLAIN: Final = re.compile(r"/[A-Za-z0-9/._-]{0,200}")  # as most are
# Everything a path or a query may hold (RFC 3986, 3.3 and 3.4), and what cameras put there besides.
_AS_IT_IS: Final = "/?:@!$&'()*+,;=-._~%[]{}|\\^`\""


def clean_path(path: str) -> str:
    """A path with its query as it may be sent: no fragment, no credentials, nothing that breaks the line.

    Raises ``WebProtocolError`` where it is longer than a camera's path can be.
    """
    if _PLAIN.fullmatch(path):
        return path
    if len(path) > MAX_PATH_CHARS:
        raise WebProtocolError("a path that is too long")
    path, _, query = path.partition("#")[0].partition("?")
    kept = [pair for pair in re.split("[&;]", query) if not _holds_credential(pair)]
    text = path if path.startswith("/") else f"/{path}"
    if query:
        separator = ";" if "&" not in query and ";" in query else "&"
        text += f"?{separator.join(kept)}" if kept else ""
    return quote(text, safe=_AS_IT_IS)


def _holds_credential(pair: str) -> bool:
    return any(name.strip().lower() in CREDENTIAL_KEYS for name, _ in parse_qsl(pair, keep_blank_values=True))
