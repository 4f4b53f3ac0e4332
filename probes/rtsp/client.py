"""A thin mover of bytes between one camera and the pure rooms: connect, ask, wait, tear down.

Everything that can be decided without a socket is decided elsewhere; the ladder says what to ask.
Timers are few (one per wait) because a sweep runs hundreds of these at once.
"""

import asyncio
import errno
import socket
import ssl as tls
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, cast

from probes.errors import LinkError, ProbeError, RtspProtocolError
from probes.reasons import Reason
from probes.rtsp.exchange import Part, Way, write_exchange
from probes.rtsp.messages import Frame, Headers, Reader, Request, Response
from probes.tls import is_pin_mismatch

# Some cameras answer 401 to a client without a name (go2rtc #235).
USER_AGENT: Final = "camera-registry"

MAX_TRANSCRIPT_PARTS: Final = 64
MAX_TRANSCRIPT_PART_BYTES: Final = 16 * 1024
MAX_RECORDED_FRAMES: Final = 512
MAX_RECORDED_BYTES: Final = 4 * 1024 * 1024  # a frame may hold 64 KiB
MAX_ANSWERED_REQUESTS: Final = 16  # of the server to us
UDP_BUFFER_BYTES: Final = 2 * 1024 * 1024  # a 1080p keyframe comes as one burst
UDP_PORT_TRIES: Final = 32
LAST_WORD_S: Final = 3.0  # slow cameras take 1.5 s for each answer
GATHERED_BYTES: Final = 65_536  # half of the least receive buffer that Linux gives
GATHERED_S: Final = 0.25  # far below any time by which a stream is judged


def reason_of(error: BaseException) -> Reason:
    """The reason an exception of ours, of the system or of TLS stands for; the only such table.

    A bare ``TimeoutError`` is a connection that was not made; silence afterwards carries its own reason.
    """
    match error:
        case ProbeError():
            return error.reason
        case tls.SSLError():
            return Reason.TLS_HANDSHAKE_FAILED
        case socket.gaierror():
            return Reason.DNS_FAILED
        case TimeoutError():  # ETIMEDOUT too
            return Reason.TCP_TIMEOUT
        case ConnectionRefusedError():
            return Reason.TCP_REFUSED
        case ConnectionError():
            return Reason.CONNECTION_RESET
        case OSError(errno=number) if number in _UNREACHABLE:
            return Reason.HOST_UNREACHABLE
        case OSError(errno=number) if number in _OURS:
            return Reason.MONITOR_INTERNAL_ERROR
        case OSError():
            return Reason.CONNECTION_RESET
        case _:
            return Reason.MONITOR_INTERNAL_ERROR


# EACCES and EPERM: a firewall on the way answers "prohibited".
_UNREACHABLE: Final = {
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EHOSTDOWN,
    errno.ENETDOWN,
    errno.EACCES,
    errno.EPERM,
}
_OURS: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EADDRNOTAVAIL}


class RtspConnection(asyncio.Protocol):
    """One RTSP connection, from ``open`` to ``close``.

    ``on_frames(frames)`` is called with the RTP and RTCP packets of each read, in order, on ``channels``
    (0 and 1 for UDP) and says whether that ends the present ``wait``. Errors are ``ProbeError``, each with
    its reason, none with a credential.
    """

    def __init__(self, host: str, secrets: Iterable[str] = (), *, record: bool = False) -> None:
        self.host = host
        self.on_frames: Callable[[Sequence[Frame]], bool] | None = None
        self.tcp_s = 0.0  # how long the connection took, without TLS
        self.tls_s = 0.0
        self.reader = Reader()
        self.bytes_received = 0
        self.set_up: Response | None = None  # the answer to SETUP, whoever still waits for it
        self.sources: set[str] = set()  # addresses that RTP may come from over UDP
        self._secrets = tuple(secrets)
        self._record = record
        self._loop = asyncio.get_running_loop()
        self._opened_at = self._loop.time()
        self._transport: asyncio.Transport | None = None
        self._cseq = 0
        self._pending: dict[int, asyncio.Future[Response]] = {}
        self._given_up: set[int] = set()  # numbers of requests that nobody waits for any more
        self._waiter: asyncio.Future[bool] | None = None
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self._failure: ProbeError | None = None
        self._answered = 0
        self._parts: deque[tuple[Way, float, bytes]] = deque(maxlen=MAX_TRANSCRIPT_PARTS)
        self._frames: list[tuple[float, Frame]] = []
        self._udp: UdpPair | None = None
        self._leaving: tuple[asyncio.TimerHandle, ...] = ()  # how long a TEARDOWN may take
        self._ended = False  # the device sends nothing more
        self._gathering: asyncio.TimerHandle | None = None  # to the next look at what has come
        self._socket: socket.socket | None = None  # the transport's, while we gather

    # ---- the ladder's side

    @classmethod
    async def open(
        cls,
        host: str,
        port: int,
        *,
        ssl: tls.SSLContext | None = None,
        timeout: float = 3.0,
        tls_timeout: float = 4.0,
        dns_timeout: float = 2.0,
        secrets: Iterable[str] = (),
        record: bool = False,
    ) -> "RtspConnection":
        """Connect; times in seconds. Raises ``LinkError``.

        ``secrets`` never show in a transcript; ``record`` keeps the frames for ``exchange``.
        """
        first, *others = await _resolve(host, port, dns_timeout)
        connection = cls(host, secrets, record=record)
        try:
            await connection._connect(first, port, timeout)
        except LinkError:
            if not others:
                raise
            await connection._connect(others[0], port, timeout)
        connection.tcp_s = connection._loop.time() - connection._opened_at
        if ssl is not None:
            await connection._start_tls(ssl, tls_timeout)
        return connection

    async def request(
        self,
        method: str,
        uri: str,
        headers: Iterable[tuple[str, str]] = (),
        *,
        body: bytes = b"",
        timeout: float = 5.0,
    ) -> Response:
        """Ask and wait for the final response.

        Raises ``LinkError`` (``RTSP_TIMEOUT``, ``CONNECTION_RESET``) or ``RtspProtocolError``. The answer to
        SETUP is waited for a moment longer even by a caller that is cancelled, and kept (``set_up``): the
        camera may have opened a session, which must be torn down.
        """
        cseq, answer = self._send(method, uri, headers, body)
        if method == "SETUP":
            answer.add_done_callback(self._answered_setup)
        timer = self._loop.call_later(timeout, self._expire, cseq, f"no answer to {method} in {timeout:g} s")
        try:
            return await (asyncio.shield(answer) if method == "SETUP" else answer)
        except asyncio.CancelledError:
            if method == "SETUP":
                await asyncio.wait([answer], timeout=LAST_WORD_S)
            raise
        finally:
            timer.cancel()
            self._give_up(cseq)

    @property
    def is_over(self) -> bool:
        """Whether nothing can be asked here any more."""
        return self._ended or self._failure is not None

    async def over_within(self, seconds: float) -> bool:
        """Whether the device ends the connection so soon."""
        await asyncio.wait([self._closed], timeout=seconds)
        return self.is_over

    async def wait(self, timeout: float) -> bool:
        """Wait until ``on_frames`` returns true (True) or ``timeout`` seconds pass (False).

        Look first whether what you wait for is there already: packets may come with the PLAY reply.
        Raises what ended the connection, if it ended.
        """
        if self._failure is not None:
            raise self._failure
        waiter: asyncio.Future[bool] = self._loop.create_future()
        self._waiter = waiter
        timer = self._loop.call_later(timeout, _wake, waiter, False)
        try:
            return await waiter
        finally:
            timer.cancel()
            self._waiter = None

    @contextmanager
    def gathering(self) -> Iterator[None]:
        """Read several pictures at a time while the block lasts, at the latest every ``GATHERED_S`` seconds.

        To be woken for each picture is most of what it costs to wait for a keyframe. The kernel wakes us for
        ``GATHERED_BYTES``, or when less is asked for (SO_RCVLOWAT, socket(7)); datagrams come one by one.
        """
        if self._udp is not None or self._failure is not None:
            yield
            return
        assert self._transport is not None
        # One for all calls: what uvloop hands out makes a socket object for each of them.
        self._socket = socket.socket(fileno=self._transport.get_extra_info("socket").fileno())
        self._gathering = self._look_later()
        try:
            self._wake_at(GATHERED_BYTES)
            yield
        finally:
            self._gathering.cancel()
            self._gathering = None
            self._wake_at(1)
            self._socket.detach()  # it is the transport's to close
            self._socket = None

    async def open_udp_pair(self) -> "UdpPair":
        """Two neighbouring UDP ports; their packets go to ``on_frames`` as channels 0 (RTP) and 1 (RTCP)."""
        if self._udp is None:
            self.sources.add(self.peer_host)
            self._udp = await UdpPair.open(self)
        return self._udp

    async def teardown(
        self,
        uri: str,
        session: str,
        headers: Iterable[tuple[str, str]] = (),
        *,
        again: Callable[[Response], Iterable[tuple[str, str]]] | None = None,
        timeout: float = 1.0,
    ) -> None:
        """Send TEARDOWN and close when it is answered, at the latest after twice ``timeout`` seconds.

        Never raises of itself. A cancelled caller still waits for the close: a session dropped
        without TEARDOWN blocks a slot of the camera until it is rebooted (retina #34). ``again`` is shown a
        refusal, and may give other headers to ask with, once. ``session`` may be empty: not said.
        """
        if self._failure is not None or self._transport is None:
            return await self.close()
        self.on_frames = None
        named = (("Session", session),) if session else ()
        try:
            _, answer = self._send("TEARDOWN", uri, (*headers, *named))
        except (ValueError, ProbeError):
            return await self.close()

        def answered(answer: "asyncio.Future[Response]") -> None:
            if again is not None and not answer.cancelled() and answer.exception() is None:
                with suppress(ValueError, ProbeError):
                    if other := tuple(again(answer.result())):
                        _, second = self._send("TEARDOWN", uri, (*other, *named))
                        second.add_done_callback(self._answered_teardown)
                        return
            self._answered_teardown(answer)

        answer.add_done_callback(answered)
        # Half closed first: an RST would make a busy camera lose the TEARDOWN that it has not yet read.
        self._leaving = (
            self._loop.call_later(timeout, self._end),
            self._loop.call_later(2 * timeout, self._drop),
        )
        try:
            await asyncio.shield(self._closed)
        except asyncio.CancelledError:
            await asyncio.shield(self._closed)
            raise
        finally:
            self._stop_leaving()

    async def close(self, timeout: float = 1.0) -> None:
        """Close and wait until closed, at most ``timeout`` seconds."""
        self.on_frames = None
        if self._udp is not None:
            self._udp.close()
        if self._transport is None or self._closed.done():
            return
        self._transport.close()
        timer = self._loop.call_later(timeout, self._drop)
        try:
            await asyncio.shield(self._closed)
        finally:
            timer.cancel()

    @property
    def local_host(self) -> str:
        """Our address as the camera's side of the network knows it."""
        assert self._transport is not None
        return str(self._transport.get_extra_info("sockname")[0])

    @property
    def peer_host(self) -> str:
        """The camera's address."""
        assert self._transport is not None
        return str(self._transport.get_extra_info("peername")[0])

    @property
    def transcript(self) -> str:
        """What was said, redacted, in the form of ``rtsp/exchange.py``; no frames."""
        return write_exchange(self._said(), secrets=self._secrets)

    @property
    def exchange(self) -> str:
        """The transcript with the frames, where the connection was opened to ``record``."""
        frames = (Part(Way.CAME, at, frame.data, frame.channel) for at, frame in self._frames)
        parts = sorted([*self._said(), *frames], key=lambda part: part.at_ms)
        return write_exchange(parts, secrets=self._secrets)

    # ---- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self.bytes_received += len(data)
        if self._gathering is not None:
            self._wake_at(GATHERED_BYTES)
        try:
            items = self.reader.feed(data)
        except RtspProtocolError as error:
            self._fail(error)
            return
        frames = [item for item in items if type(item) is Frame]
        if frames:
            self._hand_on(frames)
            if len(frames) == len(items):
                return
        for item in items:
            if type(item) is Response:
                self._note(Way.CAME, item.head + item.body)
                self._answer(item)
            elif type(item) is Request:
                self._note(Way.CAME, item.head + item.body)
                self._answer_request(item)

    def packet_received(self, channel: int, packet: bytes) -> None:
        """A datagram came."""
        self.bytes_received += len(packet)
        self._hand_on([Frame(channel, packet)])

    def eof_received(self) -> None:
        self._ended = True

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_leaving()  # here: whoever waits for the end runs only after timers that are due
        if self._udp is not None:
            self._udp.close()
        if self._failure is None:
            if not self.reader.messages and self.reader.resyncs:
                self._failure = RtspProtocolError("the device closed; it had not sent RTSP")
            elif exc is None:
                self._failure = LinkError(Reason.CONNECTION_RESET, "the device closed the connection")
            else:
                self._failure = LinkError(Reason.CONNECTION_RESET, _say(exc))
        self._break(self._failure)
        if not self._closed.done():
            self._closed.set_result(None)

    # ---- details

    def _hand_on(self, frames: Sequence[Frame]) -> None:
        within = len(self._frames) < MAX_RECORDED_FRAMES and self.bytes_received < MAX_RECORDED_BYTES
        if self._record and within:
            now = self._now_ms()
            self._frames.extend((now, frame) for frame in frames)
        if self.on_frames is not None and self.on_frames(frames):
            _wake(self._waiter, True)

    def _look(self) -> None:
        self._wake_at(1)
        self._gathering = self._look_later()

    def _look_later(self) -> asyncio.TimerHandle:
        """At the next beat, which all connections share: so many are looked at while the process is awake."""
        beats = self._loop.time() // GATHERED_S + 1
        return self._loop.call_at(beats * GATHERED_S, self._look)

    def _wake_at(self, size: int) -> None:
        """Ask to be woken once so many bytes have come, at once where they are here."""
        if self._socket is not None and self._failure is None:  # else it may be closed
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, size)

    async def _connect(self, address: str, port: int, timeout: float) -> None:
        try:
            async with asyncio.timeout(timeout):
                await self._loop.create_connection(lambda: self, address, port)
        except TimeoutError as error:
            raise LinkError(Reason.TCP_TIMEOUT, f"not connected in {timeout:g} s") from error
        except OSError as error:
            raise LinkError(reason_of(error), _say(error)) from error

    async def _start_tls(self, context: tls.SSLContext, timeout: float) -> None:
        assert self._transport is not None
        begin = self._loop.time()
        try:
            transport = await self._loop.start_tls(
                self._transport,
                self,
                context,
                server_hostname=self.host,
                ssl_handshake_timeout=timeout,
                ssl_shutdown_timeout=1.0,
            )
        except (OSError, ValueError) as error:
            self._drop()
            wrong = is_pin_mismatch(error)
            reason = Reason.TLS_PIN_MISMATCH if wrong else Reason.TLS_HANDSHAKE_FAILED
            raise LinkError(reason, _say(error)) from error
        except asyncio.CancelledError:
            self._drop()
            raise
        assert transport is not None
        self._transport = transport
        self.tls_s = self._loop.time() - begin

    def _send(
        self, method: str, uri: str, headers: Iterable[tuple[str, str]], body: bytes = b""
    ) -> tuple[int, asyncio.Future[Response]]:
        if self._failure is not None or self._transport is None:
            raise self._failure or LinkError(Reason.CONNECTION_RESET, "not connected")
        self._cseq += 1
        fields = (("CSeq", str(self._cseq)), ("User-Agent", USER_AGENT), *headers)
        data = Request(method, uri, Headers(fields), body).encode()
        self._note(Way.SENT, data)
        self._pending[self._cseq] = answer = self._loop.create_future()
        self._transport.write(data)
        return self._cseq, answer

    def _answer(self, response: Response) -> None:
        if response.status < 200 or not self._pending:
            return
        cseq = response.cseq
        if cseq in self._given_up:
            return
        # Missing, nonsense, or that of a request which was answered long ago (Tapo C220, retina #136).
        if cseq is None or cseq not in self._pending:
            cseq = next(iter(self._pending))
        answer = self._pending.pop(cseq)
        if not answer.done():
            answer.set_result(response)

    def _give_up(self, cseq: int) -> "asyncio.Future[Response] | None":
        """Wait no more for this answer: it is not to be taken for another one."""
        answer = self._pending.pop(cseq, None)
        if answer is not None:
            self._given_up.add(cseq)
        return answer

    def _answer_request(self, request: Request) -> None:
        self._answered += 1
        if self._answered > MAX_ANSWERED_REQUESTS or self._transport is None:
            return
        alive = request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER")
        fields = (("CSeq", request.headers.get("CSeq") or "0"),)
        response = Response(200 if alive else 501, "OK" if alive else "Not Implemented", Headers(fields))
        data = response.encode()
        self._note(Way.SENT, data)
        self._transport.write(data)

    def _answered_setup(self, answer: "asyncio.Future[Response]") -> None:
        if not answer.cancelled() and answer.exception() is None:
            self.set_up = answer.result()

    def _answered_teardown(self, answer: "asyncio.Future[Response]") -> None:
        if not answer.cancelled():
            answer.exception()  # retrieved: whatever happened, we close
        if self._transport is not None:
            self._transport.close()

    def _expire(self, cseq: int, detail: str) -> None:
        answer = self._give_up(cseq)
        if answer is None or answer.done():
            return
        if not self.reader.messages and self.reader.resyncs:
            answer.set_exception(RtspProtocolError(f"{detail}; what came is not RTSP"))
        else:
            answer.set_exception(LinkError(Reason.RTSP_TIMEOUT, detail))

    def _end(self) -> None:
        """Say that nothing more comes from us, and go on reading; TLS knows no half (RFC 8446, 6.1)."""
        transport = self._transport
        if transport is not None and transport.can_write_eof() and not transport.is_closing():
            # uvloop raises where the handle went and the transport was not told: nothing is left to end.
            with suppress(RuntimeError):
                transport.write_eof()

    def _stop_leaving(self) -> None:
        for timer in self._leaving:
            timer.cancel()

    def _drop(self) -> None:
        """Close without manners; also where asyncio does not tell us of the end (a failed TLS handshake)."""
        if self._transport is not None:
            self._transport.abort()
        if not self._closed.done():
            self._closed.set_result(None)

    def _fail(self, error: ProbeError) -> None:
        self._failure = error
        self._break(error)
        if self._transport is not None:
            self._transport.abort()

    def _break(self, error: ProbeError) -> None:
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(error)
        self._pending.clear()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def _note(self, way: Way, data: bytes) -> None:
        self._parts.append((way, self._now_ms(), data[:MAX_TRANSCRIPT_PART_BYTES]))

    def _said(self) -> list[Part]:
        return [Part(way, at_ms, data) for way, at_ms, data in self._parts]

    def _now_ms(self) -> float:
        return (self._loop.time() - self._opened_at) * 1000


class UdpPair:
    """Two UDP ports of ours for one stream; closed with the connection."""

    def __init__(self, rtp: asyncio.DatagramTransport, rtcp: asyncio.DatagramTransport, port: int) -> None:
        self._transports = (rtp, rtcp)
        self.port = port  # RTP; RTCP is the next one

    @property
    def client_port(self) -> str:
        """The value of ``client_port`` in a Transport header."""
        return f"{self.port}-{self.port + 1}"

    @classmethod
    async def open(cls, connection: RtspConnection) -> "UdpPair":
        """Bind a pair on the address of the RTSP connection, RTP even (RFC 3550, 11); or ``LinkError``."""
        loop = asyncio.get_running_loop()
        host = connection.local_host
        for _ in range(UDP_PORT_TRIES):
            rtp, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(connection, 0), (host, 0))
            port = int(rtp.get_extra_info("sockname")[1])
            try:
                if port % 2:
                    raise OSError(errno.EADDRINUSE, "an odd port")
                rtcp, _ = await loop.create_datagram_endpoint(
                    lambda: _Datagrams(connection, 1), (host, port + 1)
                )
            except OSError:
                rtp.close()
                continue
            for transport in (rtp, rtcp):
                sock = transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_BUFFER_BYTES)
            return cls(rtp, rtcp, port)
        raise LinkError(Reason.MONITOR_INTERNAL_ERROR, "no free pair of UDP ports")

    def punch(self, host: str, server_port: int) -> None:
        """Open the way through a NAT: an empty RTP packet and an empty receiver report to the server."""
        rtp, rtcp = self._transports
        rtp.sendto(b"\x80\x00" + bytes(10), (host, server_port))
        rtcp.sendto(b"\x80\xc9\x00\x01" + bytes(4), (host, server_port + 1))

    def close(self) -> None:
        for transport in self._transports:
            transport.close()


class _Datagrams(asyncio.DatagramProtocol):
    """Hands the datagrams of the camera, and of nobody else, to the connection."""

    def __init__(self, connection: RtspConnection, channel: int) -> None:
        self._connection = connection
        self._channel = channel

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if addr[0] in self._connection.sources:
            self._connection.packet_received(self._channel, data)

    def error_received(self, exc: Exception) -> None:
        """A port of the server is closed; whether RTP comes is judged by its coming."""


async def _resolve(host: str, port: int, timeout: float) -> list[str]:
    """The first address of ``host`` in each family; literals cost nothing.

    A name may have an address that the camera does not listen at: of ``localhost``, ``::1`` comes first.
    """
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, host)
        except (OSError, ValueError):
            continue
        return [host]
    try:
        async with asyncio.timeout(timeout):
            infos = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise LinkError(Reason.DNS_FAILED, f"no answer for {host} in {timeout:g} s") from error
    except (OSError, UnicodeError) as error:
        raise LinkError(Reason.DNS_FAILED, f"{host}: {_say(error)}") from error
    by_family: dict[int, str] = {}
    for family, *_, address in infos:
        by_family.setdefault(family, str(address[0]))
    return list(by_family.values())


def _wake(waiter: "asyncio.Future[bool] | None", result: bool) -> None:
    if waiter is not None and not waiter.done():
        waiter.set_result(result)


def _say(error: BaseException) -> str:
    """The text of a system error without addresses of Python objects."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
