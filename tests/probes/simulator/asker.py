"""Asks simulated cameras over HTTP with nothing but sockets: one request a connection, or several on one."""

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from tests.probes.simulator.visitor import PATIENCE_S, authorization

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Said:
    status: int
    headers: dict[str, str]
    challenges: tuple[str, ...]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


async def connected(address: tuple[str, int], *, tls: bool = False) -> Streams:
    context = None
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.open_connection(*address, ssl=context)


async def closed(streams: Streams) -> None:
    streams[1].close()
    with suppress(OSError):
        await streams[1].wait_closed()


def say(streams: Streams, method: str, path: str, body: bytes = b"", headers: Iterable[str] = ()) -> None:
    lines = [f"{method} {path} HTTP/1.1", "Host: camera", f"Content-Length: {len(body)}", *headers]
    streams[1].write(("\r\n".join(lines) + "\r\n\r\n").encode() + body)


async def heard(streams: Streams) -> Said:
    """One whole answer; its body is as long as it says."""
    async with asyncio.timeout(PATIENCE_S):
        head = (await streams[0].readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(":") for line in head[1:])]
        headers = dict(pairs)
        body = await streams[0].readexactly(int(headers.get("content-length", "0")))
    challenges = tuple(value for name, value in pairs if name == "www-authenticate")
    return Said(int(head[0].split(" ")[1]), headers, challenges, body)


async def ask(
    address: tuple[str, int],
    path: str,
    *,
    body: bytes = b"",
    headers: Iterable[str] = (),
    tls: bool = False,
) -> Said:
    """GET, or POST where there is a body, on a connection of its own."""
    streams = await connected(address, tls=tls)
    try:
        say(streams, "POST" if body else "GET", path, body, headers)
        return await heard(streams)
    finally:
        await closed(streams)


async def login(
    address: tuple[str, int],
    path: str,
    *,
    user: str = "monitor",
    password: str = "loopback-only",
    body: bytes = b"",
    offer: int = 0,
) -> Said:
    """Ask without credentials, then with an answer to the ``offer``-th challenge, on another connection."""
    first = await ask(address, path, body=body)
    assert first.status == 401
    answer = authorization(first.challenges[offer], "POST" if body else "GET", path, user, password)
    return await ask(address, path, body=body, headers=[f"Authorization: {answer}"])


SERVICES = {
    "device": "http://www.onvif.org/ver10/device/wsdl",
    "media": "http://www.onvif.org/ver10/media/wsdl",
    "media2": "http://www.onvif.org/ver20/media/wsdl",
    "recording": "http://www.onvif.org/ver10/recording/wsdl",
    "search": "http://www.onvif.org/ver10/search/wsdl",
    "event": "http://www.onvif.org/ver10/events/wsdl",
}


def envelope(operation: str, service: str = "device", inside: str = "", security: str = "") -> bytes:
    return (
        '<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope">'
        f"<env:Header>{security}</env:Header><env:Body>"
        f'<{operation} xmlns="{SERVICES[service]}">{inside}</{operation}></env:Body></env:Envelope>'
    ).encode()


def token(created: str, user: str = "monitor", password: str = "loopback-only") -> str:
    """OASIS UsernameToken Profile 1.1, written down once more."""
    nonce = b"sixteen bytes ok"
    digest = base64.b64encode(hashlib.sha1(nonce + created.encode() + password.encode()).digest()).decode()
    return (
        "<Security><UsernameToken>"
        f"<Username>{user}</Username><Password>{digest}</Password>"
        f"<Nonce>{base64.b64encode(nonce).decode()}</Nonce><Created>{created}</Created>"
        "</UsernameToken></Security>"
    )
