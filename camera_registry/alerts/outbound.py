"""HTTP to the outside, bounded in time and size, of which no log or error names the address.

Redirects are not followed: what is said to one address is for nobody else. A proxy of the environment
(``HTTPS_PROXY``) is used: in closed networks nothing else leads out.

An address that somebody typed may be anywhere: ``within`` keeps it to where webhooks may lead, and the
connection goes to the very address that was looked at, whatever its name leads to a moment later.
"""

import logging
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from typing import Any
from urllib.request import getproxies, proxy_bypass

import httpx2

from camera_registry.alerts import destinations
from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import NotSent

LONGEST_WAIT_S = 3_600  # that another side may ask for

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it writes down each address, where asked for more
logging.getLogger("httpcore2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` as far as it was wanted; ``wait`` is what ``Retry-After`` asks for."""

    status: int
    body: bytes
    wait: timedelta | None


def exchange(
    method: str,
    url: str,
    *,
    deadline: Deadline,
    patience_s: float,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    most: int = 0,
    whole: bool = True,
    within: Sequence[str] | None = None,
) -> Answer:
    """Ask once. At most ``most`` bytes of the answer are read; more raise ``NotSent``, as does no answer.

    ``patience_s`` is for each step; the whole ends with ``deadline``. Where not the ``whole`` answer is
    wanted, it ends with what has come. ``within`` are networks besides the Internet; ``None``: the address is
    one of the settings, and may be anywhere.
    """
    try:
        *others, last = [_Route(url)] if within is None else _routes(httpx2.URL(url), within)
        for route in others:
            with suppress(httpx2.ConnectError, httpx2.ConnectTimeout):
                return _once(route, method, deadline, patience_s, content, headers, most, whole)
        return _once(last, method, deadline, patience_s, content, headers, most, whole)
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise NotSent(f"no answer: {type(error).__name__}") from None


@dataclass(frozen=True, slots=True)
class _Route:
    """One way to an address. ``name`` is the host that was asked for, where ``url`` has its IP address."""

    url: str | httpx2.URL = field(repr=False)
    name: str = ""
    netloc: str = ""
    proxy: str | None = None

    def client(self, patience_s: float) -> httpx2.Client:
        return httpx2.Client(
            timeout=patience_s,
            follow_redirects=False,
            verify=_trust(),
            # The proxy was looked for already, by the name.
            trust_env=not (self.name or self.proxy),
            proxy=self.proxy,
        )


def _routes(url: httpx2.URL, within: Sequence[str]) -> list[_Route]:
    """Raises ``NotSent`` where the host is, or leads to, what is neither public nor within."""
    proxies = {} if proxy_bypass(url.host) else getproxies()
    if proxy := proxies.get(url.scheme) or proxies.get("all"):
        # Behind a proxy there may be nobody to say where a name leads; what is known to be ours is refused.
        if destinations.addresses(url.host) or not destinations.may(url.host, within):
            destinations.found(url.host, within)
        return [_Route(url, proxy=proxy)]
    netloc = url.netloc.decode("ascii")
    return [
        _Route(url.copy_with(host=address), url.host, netloc)
        for address in destinations.found(url.host, within)
    ]


def _once(
    route: _Route,
    method: str,
    deadline: Deadline,
    patience_s: float,
    content: bytes | None,
    headers: Mapping[str, str] | None,
    most: int,
    whole: bool,
) -> Answer:

    def seen(event: str, info: Mapping[str, Any]) -> None:
        # TLS puts another socket in place of the first.
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            deadline.watch(info["return_value"].get_extra_info("socket"))

    extensions: dict[str, Any] = {"trace": seen}
    given = dict(headers or {})
    if route.name:
        extensions["sni_hostname"], given["Host"] = route.name, route.netloc
    with (
        route.client(patience_s) as client,
        client.stream(method, route.url, content=content, headers=given, extensions=extensions) as answer,
    ):
        wait = _wait(answer.headers.get("Retry-After", ""))
        return Answer(answer.status_code, _body(answer, most, whole) if most else b"", wait)


def _body(answer: httpx2.Response, most: int, whole: bool) -> bytes:
    body = bytearray()
    try:
        for part in answer.iter_bytes():
            body += part
            if len(body) > most and whole:
                raise NotSent("too long an answer")
            if len(body) > most:
                break
    except (httpx2.HTTPError, OSError):
        if whole:
            raise
    return bytes(body[:most])


@cache
def _trust() -> ssl.SSLContext:
    """Which certificates are believed; read once, for that takes longer than to say something."""
    return ssl.create_default_context()


def _wait(text: str) -> timedelta | None:
    """Seconds are understood; a date is not, and left to our own waits."""
    if not text.isascii() or not text.isdigit():
        return None
    return timedelta(seconds=min(int(text[:9]), LONGEST_WAIT_S))
