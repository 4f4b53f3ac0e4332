"""One small HTTP exchange, without a login, on a connection of its own.

The clock of every device is asked in every cycle: a general client costs three times what this does.
"""

import asyncio
import ssl as tls
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from probes.errors import LinkError, ProbeError, WebProtocolError, WebTimeout, WebTooLarge
from probes.reasons import Reason
from probes.rtsp.client import reason_of
from probes.rtsp.messages import Headers
from probes.tls import is_pin_mismatch

MAX_HEAD_BYTES = 32 * 1024
MAX_HEADERS = 128
MOST_AROUND = 8  # bytes for one of the body: a chunk of one byte takes six


class HungUp(LinkError):
    """The connection was made, and ended before one byte of an answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``whole`` is false where the connection ended before the announced end of the body."""

    status: int
    reason: str
    headers: Headers
    body: bytes
    whole: bool


def request_bytes(
    method: str, authority: str, path: str, headers: Iterable[tuple[str, str]], body: bytes
) -> bytes:
    """A request as it is sent; ``path`` may be sent as it is (see ``paths.py``)."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {authority}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode("latin-1", "replace") + body


async def exchange(
    host: str,
    port: int,
    request: bytes,
    *,
    ssl: tls.SSLContext | None,
    connect_s: float,
    first_byte_s: float,
    total_s: float,
    body_bytes: int,
) -> Answer:
    """Connect, send, read one answer, close. Raises ``LinkError`` (``HungUp``) and ``WebError``."""
    loop = asyncio.get_running_loop()
    reading = _Reading(request, body_bytes, loop.create_future())
    try:
        async with asyncio.timeout(connect_s):
            await loop.create_connection(
                lambda: reading, host, port, ssl=ssl, server_hostname=host if ssl else None
            )
    except TimeoutError:
        raise LinkError(Reason.TCP_TIMEOUT, f"not connected in {connect_s:g} s") from None
    except (OSError, ValueError) as error:
        raise _as_ours(error) from None
    timers = (
        loop.call_later(first_byte_s, reading.give_up_if_silent, first_byte_s),
        loop.call_later(total_s, reading.fail, WebTimeout(f"no whole answer in {total_s:g} s")),
    )
    try:
        return await reading.done
    finally:
        for timer in timers:
            timer.cancel()
        reading.close()


def _as_ours(error: Exception) -> ProbeError:
    if is_pin_mismatch(error):
        return LinkError(Reason.TLS_PIN_MISMATCH, "another certificate than the pinned one")
    reason = Reason.TLS_HANDSHAKE_FAILED if isinstance(error, ValueError) else reason_of(error)
    return LinkError(reason, getattr(error, "strerror", None) or type(error).__name__)


class _Reading(asyncio.Protocol):
    """Sends the request and reads the answer; the methods named ``on_…`` are httptools'."""

    def __init__(self, request: bytes, body_bytes: int, done: "asyncio.Future[Answer]") -> None:
        self.done = done
        self._request = request
        self._most = body_bytes
        self._transport: asyncio.Transport | None = None
        self._parser = HttpResponseParser(self)
        self._reason = b""
        self._fields: list[tuple[str, str]] = []
        self._received = 0
        self._headed = False
        self._body = bytearray()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()  # nothing is left to be said

    def fail(self, error: ProbeError) -> None:
        if not self.done.done():
            self.done.set_exception(error)

    def give_up_if_silent(self, seconds: float) -> None:
        if not self._received:
            self.fail(WebTimeout(f"no answer in {seconds:g} s"))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        if self.done.done():
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as error:
            self.fail(WebProtocolError(f"no HTTP: {type(error).__name__}"))
        around = self._received - len(self._body)  # its head; chunks and trailers may have no end either
        if around > MAX_HEAD_BYTES + MOST_AROUND * len(self._body):
            self.fail(WebProtocolError(f"{around} bytes around a body of {len(self._body)}"))
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.done.done():
            return
        if self._headed:  # many cameras announce no length, and close
            self._finish(whole=not self._announced())
        elif self._received:
            self.fail(WebProtocolError("the answer ends within its head"))
        else:
            self.fail(HungUp(Reason.CONNECTION_RESET, "the device closed the connection"))

    def on_status(self, status: bytes) -> None:
        self._reason += status

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fields.append((name.decode("latin-1"), value.decode("latin-1").strip()))
        if len(self._fields) > MAX_HEADERS:
            self.fail(WebProtocolError(f"more than {MAX_HEADERS} headers"))

    def on_headers_complete(self) -> None:
        self._headed = True
        length = Headers(tuple(self._fields)).get("Content-Length") or ""
        if length.isascii() and length.isdigit() and int(length) > self._most:
            self.fail(WebTooLarge(f"{length} bytes announced"))

    def on_body(self, body: bytes) -> None:
        self._body += body
        if len(self._body) > self._most:
            self.fail(WebTooLarge(f"more than {self._most} bytes"))
            self.close()

    def on_message_complete(self) -> None:
        self._finish(whole=True)

    def _announced(self) -> bool:
        names = {name.lower() for name, _ in self._fields}
        return "content-length" in names or "transfer-encoding" in names

    def _finish(self, *, whole: bool) -> None:
        if not self.done.done():
            status = self._parser.get_status_code()
            reason = self._reason.decode("latin-1")
            headers = Headers(tuple(self._fields))
            self.done.set_result(Answer(status, reason, headers, bytes(self._body), whole))
