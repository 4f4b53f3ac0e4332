"""HTTP to cameras: one request, its login and its limits; always to the configured host and to no other.

Each exchange has a connection of its own. A camera that drops an idle one (F023) cannot confuse us, and one
that hangs up when it is sent a password has said something.
"""

import asyncio
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from probes.errors import LinkError, ProbeError, WebProtocolError, WebTimeout, WebTooLarge
from probes.http_once import Answer, HungUp, exchange, request_bytes
from probes.login_attempt import Fields, Login
from probes.logins import LoginGate
from probes.paths import clean_path
from probes.reasons import Reason
from probes.result import Credential, Target, TlsCheck
from probes.rtsp.client import USER_AGENT, reason_of
from probes.rtsp.messages import Headers
from probes.tls import is_pin_mismatch, tls_context

MAX_LINE_BYTES: Final = 8190
MAX_HEADERS: Final = 128
MAX_PART_HEAD_BYTES: Final = 8 * 1024  # of the first part of a multipart answer
MOVED: Final = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class WebLimits:
    """Of one exchange: seconds to connect (TLS included), between bytes and in all; bytes of the body."""

    connect_s: float = 3.0
    first_byte_s: float = 5.0
    total_s: float = 10.0
    body_bytes: int = 8 * 1024 * 1024


DEFAULT_LIMITS: Final = WebLimits()
OUR_HEADERS: Final = (("User-Agent", USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "identity"))


@dataclass(frozen=True, slots=True)
class WebAnswer:
    """One answer; its ``repr`` shows nothing that a device could have put a credential into.

    ``path`` is the text of the request line that was answered; ``date`` the device's own word for the time
    (UTC); ``anonymous`` means that no password was asked for; ``whole`` is false where the connection ended
    before the announced end of the body; ``seconds`` is how long all of its exchanges took.
    """

    status: int
    reason: str = field(repr=False)
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)
    path: str = field(default="/", repr=False)
    date: datetime | None = None
    anonymous: bool = True
    whole: bool = True
    seconds: float = 0.0
    notes: tuple[Reason, ...] = ()


class Web:
    """The one HTTP client of a process; made inside or outside of a loop, used in one."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    def login(self, target: Target, credential: Credential | None, gate: LoginGate) -> Login:
        """A login to be handed to several requests, so that they cost one try together."""
        return Login(
            credential,
            target.login_key_of(credential),
            gate,
            basic_allowed=target.basic_allowed,
            algorithm=target.memory.algorithm,
        )

    async def request(
        self,
        target: Target,
        method: str,
        path: str,
        *,
        logins: LoginGate,
        credential: Credential | None,
        port: int | None = None,
        body: bytes = b"",
        content_type: str = "",
        limits: WebLimits = DEFAULT_LIMITS,
        headers: Iterable[tuple[str, str]] = (),
        login: Login | None = None,
    ) -> WebAnswer:
        """Ask ``target`` for ``path``, anonymously first; ``port`` is ``target.web_port`` unless given.

        One redirect is followed, to the same host and port only; other answers come back as they are, 403
        too. Raises ``LinkError`` (network and TLS reasons), ``WebError``, or ``ProbeError`` with a login
        reason. With ``login``, requests share one try of the password.
        """
        login = login or self.login(target, credential, logins)
        began = asyncio.get_running_loop().time()
        asking = _Asking(
            self._opened(), target, method, limits, body, (*headers, *_content_type(content_type))
        )
        url = _url(target, target.web_port if port is None else port, path)
        answer = await asking.ask(login, url)
        if answer.status in MOVED and (near := _same_place(url, answer.headers.get("Location") or "")):
            answer = await asking.ask(login, near)
        in_clear = (Reason.CREDENTIALS_SENT_IN_CLEAR,) if login.in_clear and not target.web_tls else ()
        return replace(
            answer,
            date=_date(answer.headers.get("Date")),
            anonymous=login.anonymous,
            seconds=asyncio.get_running_loop().time() - began,
            notes=(*_tls_notes(target), *in_clear),
        )

    async def anonymous(
        self,
        target: Target,
        method: str,
        path: str,
        *,
        port: int | None = None,
        body: bytes = b"",
        content_type: str = "",
        limits: WebLimits = DEFAULT_LIMITS,
        repeat: bool = True,
    ) -> WebAnswer:
        """Ask without a login; whatever comes is the answer, a challenge too.

        Without ``repeat``, for a body that proves a password, a device that hangs up is not asked again.
        Raises ``LinkError`` and ``WebError``.
        """
        url = _url(target, target.web_port if port is None else port, path)
        sent = request_bytes(
            method, url.authority, url.raw_path_qs, (*OUR_HEADERS, *_content_type(content_type)), body
        )
        try:
            answer = await self._once(target, url, sent, limits)
        except HungUp:
            if not repeat:
                raise
            answer = await self._once(target, url, sent, limits)
        return WebAnswer(
            answer.status,
            answer.reason,
            answer.headers,
            answer.body,
            path=url.raw_path_qs,
            date=_date(answer.headers.get("Date")),
            whole=answer.whole,
            notes=_tls_notes(target),
        )

    @staticmethod
    async def _once(target: Target, url: URL, sent: bytes, limits: WebLimits) -> Answer:
        assert url.host is not None
        assert url.port is not None
        return await exchange(
            url.host,
            url.port,
            sent,
            ssl=tls_context(target.tls_check, target.tls_pin) if target.web_tls else None,
            connect_s=limits.connect_s,
            first_byte_s=limits.first_byte_s,
            total_s=limits.total_s,
            body_bytes=limits.body_bytes,
        )

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(force_close=True, limit=0),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # nothing compressed is asked for, and a bomb stays small
                skip_auto_headers=("Accept", "Accept-Encoding", "Content-Type", "User-Agent"),
                max_line_size=MAX_LINE_BYTES,
                max_field_size=MAX_LINE_BYTES,
                max_headers=MAX_HEADERS,
            )
        return self._session


class _Asking:
    """One request, as often as redirect and login make it necessary to send it."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        target: Target,
        method: str,
        limits: WebLimits,
        body: bytes,
        headers: tuple[tuple[str, str], ...],
    ) -> None:
        self._session = session
        self._method = method
        self._limits = limits
        self._body = body
        self._headers = (*OUR_HEADERS, *headers)
        self._ssl = tls_context(target.tls_check, target.tls_pin) if target.web_tls else True
        self._timeout = aiohttp.ClientTimeout(
            total=limits.total_s,
            connect=limits.connect_s,
            sock_connect=limits.connect_s,
            sock_read=limits.first_byte_s,
        )

    async def ask(self, login: Login, url: URL) -> WebAnswer:
        return await login.ask(
            self._method, url.raw_path_qs, lambda fields: self.once(url, fields, not fields)
        )

    async def once(self, url: URL, fields: Fields = (), repeat: bool = True) -> WebAnswer:
        """One exchange; with ``repeat`` another where the device hung up without a byte (F023)."""
        try:
            return await self._exchange(url, fields)
        except HungUp:
            if not repeat:
                raise
        return await self._exchange(url, fields)

    async def _exchange(self, url: URL, fields: Fields) -> WebAnswer:
        try:
            async with self._session.request(
                self._method,
                url,
                data=self._body or None,
                headers=(*self._headers, *fields),
                allow_redirects=False,
                ssl=self._ssl,
                timeout=self._timeout,
            ) as response:
                body, whole = await _read(response, self._limits.body_bytes)
                return WebAnswer(
                    status=response.status,
                    reason=response.reason or "",
                    headers=_writable(response.headers.items()),
                    body=body,
                    path=url.raw_path_qs,
                    whole=whole,
                )
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _as_ours(error, self._limits) from None  # theirs hold headers and addresses


def _as_ours(error: BaseException, limits: WebLimits) -> ProbeError:
    match error:
        case aiohttp.ConnectionTimeoutError():
            return LinkError(Reason.TCP_TIMEOUT, f"not connected in {limits.connect_s:g} s")
        case TimeoutError():
            return WebTimeout(f"no whole answer in {limits.first_byte_s:g} s and {limits.total_s:g} s")
        case _ if is_pin_mismatch(error):
            return LinkError(Reason.TLS_PIN_MISMATCH, "another certificate than the pinned one")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return LinkError(Reason.TLS_HANDSHAKE_FAILED, type(error).__name__)
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return LinkError(Reason.DNS_FAILED, "the name is not known")
        case aiohttp.ClientConnectorError(os_error=cause):
            return LinkError(reason_of(cause), cause.strerror or type(cause).__name__)
        case aiohttp.ServerDisconnectedError() | ConnectionError() | aiohttp.ClientOSError():
            return HungUp(Reason.CONNECTION_RESET, "the device closed the connection")
        case aiohttp.ClientError() | ValueError():
            return WebProtocolError(f"no HTTP: {type(error).__name__}")
        case _:
            return LinkError(reason_of(error), type(error).__name__)


async def _read(response: aiohttp.ClientResponse, most: int) -> tuple[bytes, bool]:
    """The body, and whether it is whole; of an endless one only the first part (F084)."""
    if (response.content_length or 0) > most:
        raise WebTooLarge(f"{response.content_length} bytes announced")
    parts = (
        _FirstPart(response.headers.get("Content-Type", ""))
        if response.headers.get("Content-Type", "").lower().startswith("multipart/x-mixed-replace")
        else None
    )
    body = bytearray()
    try:
        while chunk := await response.content.readany():
            body += chunk
            if parts is not None and (part := parts.of(body)) is not None:
                return part, True
            if len(body) > most:
                raise WebTooLarge(f"more than {most} bytes")
    except (aiohttp.ClientPayloadError, ConnectionError):
        return bytes(body), False
    return bytes(body), parts is None


class _FirstPart:
    """Finds the first part of ``multipart/x-mixed-replace`` in what has come so far (RFC 2046, 5.1.1)."""

    def __init__(self, content_type: str) -> None:
        boundary = re.search(r'boundary="?([^";,\s]+)', content_type)
        # Some cameras write the two hyphens into the parameter as well.
        name = boundary[1].removeprefix("--") if boundary else ""
        self._boundary = b"--" + name.encode("latin-1", "replace")
        self._begin = -1
        self._length: int | None = None
        self._searched = 0

    def of(self, body: bytearray) -> bytes | None:
        if self._begin < 0 and not self._find_begin(body):
            return None
        if self._length is not None:
            end = self._begin + self._length
            return bytes(body[self._begin : end]) if len(body) >= end else None
        end = body.find(b"\r\n" + self._boundary, max(self._begin, self._searched))
        self._searched = max(self._begin, len(body) - len(self._boundary) - 2)
        return bytes(body[self._begin : end]) if end >= 0 else None

    def _find_begin(self, body: bytearray) -> bool:
        start = body.find(self._boundary)
        blank = body.find(b"\r\n\r\n", max(start, 0))
        if start < 0 or blank < 0:
            if len(body) > MAX_PART_HEAD_BYTES:
                raise WebProtocolError("multipart without a part")
            return False
        self._begin = blank + 4
        length = re.search(rb"content-length:[ \t]*(\d{1,9})\b", bytes(body[start:blank]), re.IGNORECASE)
        self._length = int(length[1]) if length else None
        return True


def _url(target: Target, port: int, path: str) -> URL:
    """Scheme, host and port as configured; ``path`` in the one form that request line and digest share."""
    host = f"[{target.host}]" if ":" in target.host else target.host
    scheme = "https" if target.web_tls else "http"
    return URL(f"{scheme}://{host}:{port}{clean_path(path)}", encoded=True)


def _same_place(asked: URL, location: str) -> URL | None:
    """Where a redirect leads, if it stays at this scheme, host and port (F090)."""
    try:
        parts = urlsplit(location)
        there = asked.join(URL(location, encoded=True))
        if parts.username is not None or not location or there.origin() != asked.origin():
            return None
        return asked.origin().join(URL(clean_path(there.raw_path_qs), encoded=True))
    except (ValueError, TypeError):
        return None


def _writable(fields: Iterable[tuple[str, str]]) -> Headers:
    """Without what is no UTF-8: aiohttp cannot send it back, and a realm that changed is a refused login."""
    return Headers(tuple((name, value) for name, value in fields if value.isascii() or _is_utf_8(value)))


def _is_utf_8(value: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in value)


def _date(value: str | None) -> datetime | None:
    """The ``Date`` header (RFC 9110, 5.6.7), aware and in UTC."""
    try:
        at = parsedate_to_datetime(value or "")
        return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).astimezone(UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _tls_notes(target: Target) -> tuple[Reason, ...]:
    unseen = target.web_tls and target.tls_check is TlsCheck.NONE
    return (Reason.TLS_UNTRUSTED,) if unseen else ()


def _content_type(value: str) -> tuple[tuple[str, str], ...]:
    return (("Content-Type", value),) if value else ()
