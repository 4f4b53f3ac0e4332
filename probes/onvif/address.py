"""The addresses that devices tell of themselves, pure: their host is never believed, their path is.

Behind a router a device tells the address it has inside, others tell 127.0.0.1 or the port twice (F015, F016,
F017, F091); one that was broken into could tell anybody's.
"""

import re
from dataclasses import dataclass
from typing import Final

from probes.errors import WebProtocolError
from probes.paths import clean_path

MAX_URI_CHARS: Final = 2048

# Schemes come twice (rtsp://rtsp://host) or not at all (192.168.1.10:554/stream0).
_URI: Final = re.compile(
    r"\s*(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://)*(?P<authority>[^/?#]*)(?P<path>[/?][^#]*)?", re.DOTALL
)
# XM devices write the login into the path itself: /user=admin_password=…_channel=1_stream=0.sdp
_LOGIN_IN_PATH: Final = re.compile(r"user(name)?=[^/]*passw(or)?d=", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Located:
    """What an address says. ``path`` holds the query, and no credentials; ``port`` is ``None`` if untold."""

    scheme: str
    host: str
    port: int | None
    path: str


def locate(uri: str) -> Located | None:
    """Read an address generously; ``None`` where it has no path that could be asked for."""
    if len(uri) > MAX_URI_CHARS or (found := _URI.match(uri)) is None:
        return None
    path = (found["path"] or "/").strip()
    if _LOGIN_IN_PATH.search(path.partition("?")[0]):
        return None
    try:
        path = clean_path(path)
    except WebProtocolError:
        return None
    host, port = _host_and_port(found["authority"].rpartition("@")[2].strip())
    return Located((found["scheme"] or "").lower(), host, port, path)


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if authority.startswith("["):
        host, _, rest = authority[1:].partition("]")
        return host, _port(rest.removeprefix(":"))
    host, *ports = authority.split(":")
    if len(ports) > 1 and "." not in host:
        return authority, None  # IPv6 without its brackets
    return host, _port(ports[0]) if ports else None


def _port(text: str) -> int | None:
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else 0
    return port if 0 < port < 65536 else None
