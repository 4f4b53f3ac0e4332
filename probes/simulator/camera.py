"""One simulated device: it listens, speaks RTSP (RFC 2326) and misbehaves as its script says."""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import chain, repeat
from typing import Final, cast

from probes.simulator.counters import Counters
from probes.simulator.faults import Fault, active_fault
from probes.simulator.fleet import CameraSpec, Carries
from probes.simulator.gate import Answer, Gate, Visitor, challenges, door_of
from probes.simulator.head import Request, parse_request
from probes.simulator.kinds import SEEN_BY_RTSP, FaultKind
from probes.simulator.listener import Listener, manner_of, reset
from probes.simulator.playback import Datagrams, Interleaved, Session, Wire, clip_of, plan
from probes.simulator.pouring import Pouring

Clock = Callable[[], float]  # seconds since the simulator started

MAX_HEAD_BYTES: Final = 16_384
MAX_BODY_BYTES: Final = 65_536
TRACK: Final = "trackID=1"
TRACKS: Final = 9_999  # beside the one that is asked for
HUGE_BYTES: Final = 50 * 1024 * 1024
POUR_S: Final = 0.005
SESSION_TIMEOUT_S: Final = 60

_PHRASES: Final = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed",
    453: "Not Enough Bandwidth", 454: "Session Not Found", 461: "Unsupported Transport",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip
_METHODS: Final = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"


def path_of(request: Request) -> str:
    """The path and query of an RTSP request."""
    return re.sub(r"^rtsps?://[^/]*", "", request.uri, flags=re.IGNORECASE)


class Camera:
    """One device; :meth:`follow` must be called when its script may have switched."""

    def __init__(self, spec: CameraSpec, clock: Clock, began: datetime, tls: ssl.SSLContext | None) -> None:
        self.spec = spec
        self.counters = Counters()
        self.gate = Gate(self.counters, spec.lock_after, spec.lock_s)
        self.clock = clock
        self.began = began
        self.sessions = set[Session]()
        self.visits = Counter[int]()  # sessions played, by channel
        self.connections = set[Connection]()
        self.channels = {
            spec.path(channel, stream): channel
            for channel in range(1, spec.channels + 1)
            for stream in range(len(spec.paths))
        }
        self._listener = Listener(
            (spec.host, spec.port), lambda source: Connection(self, source), tls if spec.tls else None
        )
        try:
            self.follow()
        except BaseException:
            self._listener.close()
            raise

    @property
    def address(self) -> tuple[str, int]:
        return self._listener.address

    def fault(self, channel: int | None) -> Fault | None:
        """The fault that RTSP has now, on ``channel`` or (``None``) as a whole."""
        return active_fault(self.spec.faults, channel, self.clock(), SEEN_BY_RTSP)

    def follow(self) -> None:
        """Listen, or refuse to, as the script says for now."""
        self._listener.become(manner_of(self.fault(None)))

    def close(self) -> None:
        for connection in tuple(self.connections):
            connection.end()
        self._listener.close()


class Connection(asyncio.Protocol):
    """One RTSP connection and the session that was set up over it."""

    def __init__(self, camera: Camera, source: str) -> None:
        self._camera = camera
        self._visitor = Visitor(source, stale_due=camera.spec.stale_once)
        self._buffer = bytearray()
        self._session: Session | None = None
        self._pouring: Pouring | None = None
        self._ended_here = False
        self._loop = asyncio.get_running_loop()

    # -- bytes -------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._camera.counters.connections += 1
        self._camera.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._camera.connections.discard(self)
        if self._session is not None and not self._ended_here:
            self._camera.counters.sessions_dropped += 1
        if self._pouring is not None:
            self._pouring.stop()
        self._end_session()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self._transport.is_closing() and self._take():
            pass

    def end(self) -> None:
        """The camera itself hangs up."""
        self._ended_here = True
        self._end_session()
        self._transport.abort()

    def _take(self) -> bool:
        """Take one request, or one frame of the client's RTCP, from the buffer."""
        buffer = self._buffer
        while buffer.startswith((b"\r", b"\n")):
            del buffer[:1]
        if buffer.startswith(b"$"):
            return self._drop(4 + int.from_bytes(buffer[2:4], "big")) if len(buffer) >= 4 else False
        end = buffer.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(buffer) >= MAX_HEAD_BYTES:
                self.end()
            return False
        request = parse_request(bytes(buffer[:end]), "RTSP/1.")
        if request is None:
            self._transport.write(b"RTSP/1.0 400 Bad Request\r\n\r\n")
            self._transport.close()
            return False
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length[:9]) > MAX_BODY_BYTES:
            self.end()
            return False
        if not self._drop(end + 4 + int(length)):
            return False
        self._camera.counters.requests += 1
        self._handle(request)
        return True

    def _drop(self, size: int) -> bool:
        if len(self._buffer) < size:
            return False
        del self._buffer[:size]
        return True

    # -- requests ----------------------------------------------------------------------------------------

    def _handle(self, request: Request) -> None:
        channel = self._channel(path_of(request))
        fault = self._camera.fault(channel)
        kind = None if fault is None else fault.kind
        if kind is FaultKind.SILENT:
            return
        if kind is FaultKind.RESET:
            reset(self._transport)
            self.end()
        elif request.method == "OPTIONS":
            self._reply(request, 200, f"Public: {_METHODS}")
        elif not self._admitted(request, fault):
            return
        elif channel is None or (kind is FaultKind.NOT_FOUND and self._session is None):
            self._reply(request, 404)  # a session that plays goes on, and can be torn down
        elif request.method == "DESCRIBE":
            self._describe(request, channel, fault)
        elif request.method == "SETUP":
            self._setup(request, kind)
        elif request.method in ("PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER"):
            self._control(request, channel, fault)
        else:
            self._reply(request, 405, f"Allow: {_METHODS}")

    def _channel(self, path: str) -> int | None:
        channels = self._camera.channels
        for known in (path, path.removesuffix("/"), path.removesuffix(TRACK).removesuffix("/")):
            if known in channels:
                return channels[known]
        return None

    def _admitted(self, request: Request, fault: Fault | None) -> bool:
        """Whether the request may pass; if not it has been answered."""
        camera = self._camera
        door = door_of(camera.spec, fault, camera.spec.auth)
        answer = camera.gate.judge(
            door, request.method, request.uri, request.headers.get("authorization"),
            self._visitor, camera.clock(),
        )  # fmt: skip
        if answer is Answer.WELCOME:
            return True
        asked = [
            f"WWW-Authenticate: {c}" for c in challenges(door, self._visitor, stale=answer is Answer.STALE)
        ]
        told = answer is Answer.LOCKED and camera.spec.lock_told
        self._reply(request, 401, *asked, phrase="The account is locked, try again later" if told else "")
        return False

    def _describe(self, request: Request, channel: int, fault: Fault | None) -> None:
        if fault is not None and fault.kind is FaultKind.SERVER_ERROR:
            self._reply(request, 500)
            return
        kind = None if fault is None else fault.kind
        if kind in _NEVER_READ:
            self._pouring = Pouring(self._transport, _NEVER_READ[kind](request), POUR_S)
            return
        host = self._camera.address[0]
        lines = [
            "v=0", f"o=- {channel} 1 IN IP4 {host}", "s=Simulated camera", "c=IN IP4 0.0.0.0", "t=0 0",
            "a=range:npt=now-", "a=control:*", *clip_of(self._camera.spec, fault).media, f"a=control:{TRACK}",
        ]  # fmt: skip
        base = request.uri.removesuffix("/")
        if kind is FaultKind.ECHO:
            base = base.replace("://", f"://{self._camera.spec.user}:{self._camera.spec.password}@", 1)
            lines[-1] = f"a=control:{base}/{TRACK}"
        elif kind is FaultKind.MANY_TRACKS:
            lines[6:6] = ["m=audio 0 RTP/AVP 0"] * TRACKS
        body = "".join(f"{line}\r\n" for line in lines)
        self._reply(request, 200, f"Content-Base: {base}/", "Content-Type: application/sdp", body=body)

    def _setup(self, request: Request, kind: FaultKind | None) -> None:
        camera = self._camera
        wanted = request.headers.get("transport", "")
        over_tcp = "RTP/AVP/TCP" in wanted.upper()
        refused = Carries.UDP if over_tcp else Carries.TCP
        if camera.spec.transport is refused or "multicast" in wanted.lower():
            self._reply(request, 461)
            return
        slots = camera.spec.sessions
        full = slots > 0 and self._session is None and len(camera.sessions) >= slots
        if full or kind in (FaultKind.BUSY, FaultKind.UNAVAILABLE):
            camera.counters.sessions_refused += 1
            scripted = {FaultKind.BUSY: 453, FaultKind.UNAVAILABLE: 503}
            self._reply(request, camera.spec.busy if kind is None else scripted.get(kind, camera.spec.busy))
            return
        wire, transport = self._wire(wanted, over_tcp)
        if wire is None:
            self._reply(request, 461)
            return
        self._open_session(wire)
        assert self._session is not None
        session = f"Session: {self._session.id};timeout={SESSION_TIMEOUT_S}"
        self._reply(request, 200, session, f"Transport: {transport}")

    def _wire(self, wanted: str, over_tcp: bool) -> tuple[Wire | None, str]:
        """What carries the track and the Transport header that says so; no wire for one we cannot read."""
        if over_tcp:
            match = re.search(r"interleaved=(\d{1,3})", wanted)
            first = min(int(match[1]), 254) if match else 0
            return Interleaved(self._transport, first), f"RTP/AVP/TCP;unicast;interleaved={first}-{first + 1}"
        match = re.search(r"client_port=(\d{1,5})", wanted)
        if match is None or not 0 < int(match[1]) < 65535:
            return None, ""
        port = int(match[1])
        wire = Datagrams(self._camera.address[0], (self._visitor.source, port))
        ours = f"server_port={wire.port}-{wire.port + 1}"
        return wire, f"RTP/AVP;unicast;client_port={port}-{port + 1};{ours}"

    def _control(self, request: Request, channel: int, fault: Fault | None) -> None:
        session = self._session
        if session is None or request.headers.get("session", "").partition(";")[0].strip() != session.id:
            self._reply(request, 454)
            return
        named = f"Session: {session.id}"
        if request.method == "PLAY":
            info = f"url={request.uri};seq={session.sequence};rtptime={session.timestamp}"
            camera = self._camera
            what = plan(camera.spec, channel, fault, camera.clock(), camera.visits[channel])
            camera.visits[channel] += 1
            self._reply(
                request, 200, named, "Range: npt=0.000-", f"RTP-Info: {info}", then=lambda: session.play(what)
            )
        elif request.method == "TEARDOWN":
            self._camera.counters.teardowns += 1
            self._end_session()
            if fault is None or fault.kind is not FaultKind.TEARDOWN_IGNORED:
                self._reply(request, 200, named)
        else:
            if request.method == "PAUSE":
                session.pause()
            self._reply(request, 200, named)

    def _open_session(self, wire: Wire) -> None:
        """A second SETUP in a session replaces its track."""
        if self._session is not None:
            self._session.close()
            self._session.wire = wire
            return
        camera = self._camera
        self._session = Session(wire)
        camera.sessions.add(self._session)
        camera.counters.sessions_opened += 1
        camera.counters.sessions_open += 1
        camera.counters.sessions_peak = max(camera.counters.sessions_peak, camera.counters.sessions_open)

    def _end_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._camera.sessions.discard(self._session)
            self._camera.counters.sessions_open -= 1
            self._session = None

    # -- answers -----------------------------------------------------------------------------------------

    def _reply(
        self,
        request: Request,
        status: int,
        *headers: str,
        body: str = "",
        phrase: str = "",
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """Answer now, or after the delay of a slow camera; ``then`` goes on behind the answer."""
        lines = [
            f"RTSP/1.0 {status} {phrase or _PHRASES[status]}",
            f"CSeq: {request.headers.get('cseq', '0')}",
        ]
        lines += headers
        if body:
            lines.append(f"Content-Length: {len(body)}")
        raw = ("\r\n".join(lines) + "\r\n\r\n" + body).encode()
        fault = self._camera.fault(self._channel(path_of(request)))
        delay = fault.amount if fault is not None and fault.kind is FaultKind.SLOW else 0.0
        if delay:
            self._loop.call_later(delay, self._send, raw, then)
        else:
            self._send(raw, then)

    def _send(self, raw: bytes, then: Callable[[], None]) -> None:
        if not self._transport.is_closing():
            self._transport.write(raw)
            then()


def _head(request: Request) -> bytes:
    return f"RTSP/1.0 200 OK\r\nCSeq: {request.headers.get('cseq', '0')}\r\n".encode()


def _endless_header(request: Request) -> Iterator[bytes]:
    return chain([_head(request), b"X-Filler: "], repeat(b"a" * 4096))


def _huge_sdp(request: Request) -> Iterator[bytes]:
    head = _head(request) + f"Content-Type: application/sdp\r\nContent-Length: {HUGE_BYTES}\r\n\r\n".encode()
    line = b"a=filler:" + b"a" * 4085 + b"\r\n"
    return chain([head, b"v=0\r\n"], repeat(line * 16, HUGE_BYTES // len(line) // 16))


def _dripping(request: Request) -> Iterator[bytes]:
    return (bytes([byte]) for byte in _head(request) * 100)


_NEVER_READ: Final[Mapping[FaultKind | None, Callable[[Request], Iterator[bytes]]]] = {
    FaultKind.ENDLESS_HEADER: _endless_header,
    FaultKind.HUGE_SDP: _huge_sdp,
    FaultKind.DRIPPING: _dripping,
}
