"""The head of a request, as RTSP and HTTP write it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case, the last of equal ones wins."""

    method: str
    uri: str
    headers: dict[str, str]


def parse_request(head: bytes, protocol: str) -> Request | None:
    """Read a head without its empty line; ``None`` if it is none of ``protocol`` ("RTSP/1.")."""
    try:
        first, *rest = head.decode().split("\r\n")
        method, uri, version = first.split(" ")
    except ValueError:
        return None
    if not version.startswith(protocol):
        return None
    headers = dict[str, str]()
    for line in rest:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return Request(method, uri, headers)
