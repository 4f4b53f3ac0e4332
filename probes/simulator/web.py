"""The HTTP face of a simulated device: snapshots, SOAP and makers' interfaces, and how they misbehave."""

import asyncio
import re
import ssl
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import format_datetime
from enum import Enum, auto
from itertools import chain, repeat
from typing import Final, cast
from zlib import crc32

from probes.simulator import dahua, images, isapi, onvif
from probes.simulator.camera import MAX_BODY_BYTES, MAX_HEAD_BYTES, Camera
from probes.simulator.device import Device
from probes.simulator.faces import HttpSpec, KeepAlive, Maker, Malformed, OnvifSpec, SnapshotUri, Token
from probes.simulator.faults import Fault, active_fault
from probes.simulator.fleet import CameraSpec
from probes.simulator.gate import Answer, Door, Visitor, challenges, door_of
from probes.simulator.head import Request, parse_request
from probes.simulator.kinds import OF_ONVIF, OF_PICTURE, SEEN_BY_HTTP, SEEN_BY_SNAPSHOT, FaultKind
from probes.simulator.listener import Listener, manner_of
from probes.simulator.pouring import Pouring
from probes.simulator.scene import Look

MAX_VISITORS: Final = 1000  # addresses remembered
OTHER_HOST: Final = "127.99.99.99"  # where a redirect would lead
CHUNK: Final = bytes(65_536)
DRIP_BYTES: Final = 16
DRIP_S: Final = 0.25
POUR_S: Final = 0.002
FRAME_S: Final = 0.2
PAGE: Final = b"<html><body>Not available</body></html>"
SOAP: Final = "application/soap+xml; charset=utf-8"
JPEG: Final = "image/jpeg"
BOUNDARY: Final = "frame"

_PHRASES: Final = {
    200: "OK", 302: "Found", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip


class Manner(Enum):
    """How an answer leaves the device."""

    WHOLE = auto()
    NEVER = auto()  # and the connection stays
    HANG_UP = auto()  # without one byte
    DRIP = auto()  # a few bytes at a time
    ENDLESS = auto()  # the body, and then zeros for ever
    MULTIPART = auto()  # the body as one of endless parts


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes = b""
    type: str = "text/html"
    headers: tuple[str, ...] = ()
    manner: Manner = Manner.WHOLE


NEVER: Final = Reply(200, manner=Manner.NEVER)


class Face:
    """Listens for HTTP beside a camera's RTSP; :meth:`follow` as the camera's own."""

    def __init__(self, camera: Camera, http: HttpSpec, tls: ssl.SSLContext | None) -> None:
        self.camera = camera
        self.http = http
        self.connections = set[Connection]()
        self._visitors = dict[str, Visitor]()
        spec = camera.spec
        self._paths = {spec.snapshot_path(channel): channel for channel in range(1, spec.channels + 1)}
        self._shots = Counter[int]()  # snapshots taken, by channel
        self._cached = dict[int, tuple[float, bytes]]()
        self._turned_away = set[int]()  # channels whose last snapshot was answered 503
        self._searches = dahua.Searches()
        self._listener = Listener(
            (camera.spec.host, http.port), lambda source: Connection(self, source), tls if http.tls else None
        )
        self.follow()

    @property
    def address(self) -> tuple[str, int]:
        return self._listener.address

    def fault(self) -> Fault | None:
        """The fault that HTTP as a whole has now."""
        return active_fault(self.camera.spec.faults, None, self.camera.clock(), SEEN_BY_HTTP)

    def follow(self) -> None:
        """Listen, or refuse to, as the script says for now."""
        self._listener.become(manner_of(self.fault()))

    def close(self) -> None:
        for connection in tuple(self.connections):
            connection.end()
        self._listener.close()

    def visitor(self, source: str) -> Visitor:
        """What is remembered of an address: its nonce holds over connections, which are often short."""
        if source not in self._visitors and len(self._visitors) >= MAX_VISITORS:
            self._visitors.clear()
        return self._visitors.setdefault(source, Visitor(source, stale_due=self.camera.spec.stale_once))

    def device(self) -> Device:
        camera = self.camera
        return Device(camera.spec, self.http, camera.began, camera.clock())

    # -- requests ----------------------------------------------------------------------------------------

    def answer(self, request: Request, body: bytes, visitor: Visitor) -> Reply:
        """What one request is answered, by the faults of now."""
        fault = self.fault()
        if fault is not None and fault.kind is FaultKind.WEB_SILENT:
            return NEVER
        if fault is not None and fault.kind is FaultKind.WEB_ERROR:
            return Reply(500, PAGE)
        path, _, query = request.uri.partition("?")
        if self.http.onvif is not None and path in onvif.PATHS.values():
            return self._soap(self.http.onvif, request, body, visitor, fault)
        channel = self._pictured(request.uri, path, query)
        known = channel is not None or self._is_makers(path)
        if not known:
            return Reply(404, PAGE)
        refused = self._refused(self._door(fault), request, visitor)
        if refused is not None:
            return refused
        if channel is not None:
            return self._snapshot(channel, request)
        return self._makers(path, query, body)

    def _is_makers(self, path: str) -> bool:
        return path.startswith(
            {Maker.HIKVISION: "/ISAPI/", Maker.DAHUA: "/cgi-bin/"}.get(self.http.maker, "\n")
        )

    def _door(self, fault: Fault | None) -> Door:
        spec = self.camera.spec
        return door_of(spec, fault, spec.web_auth)

    def _refused(self, door: Door, request: Request, visitor: Visitor) -> Reply | None:
        """The answer to who may not come in."""
        camera = self.camera
        answer = camera.gate.judge(
            door, request.method, request.uri, request.headers.get("authorization"), visitor, camera.clock()
        )
        return None if answer is Answer.WELCOME else self._challenge(door, visitor, answer)

    def _challenge(
        self, door: Door, visitor: Visitor, answer: Answer, body: bytes = PAGE, type_: str = "text/html"
    ) -> Reply:
        said = challenges(door, visitor, stale=answer is Answer.STALE)
        if answer is Answer.LOCKED and self.camera.spec.lock_told:
            body, type_ = b"The account is locked, try again later", "text/plain"
        return Reply(401, body, type_, tuple(f"WWW-Authenticate: {challenge}" for challenge in said))

    def _makers(self, path: str, query: str, body: bytes) -> Reply:
        if self.http.maker is Maker.HIKVISION:
            text = isapi.answer(path, body, self.device())
            xml = "application/xml"
            return (
                Reply(403, isapi.unsupported().encode(), xml)
                if text is None
                else Reply(200, text.encode(), xml)
            )
        text = dahua.answer(path, query, self.device(), self._searches)
        self.camera.counters.searches_open = len(self._searches.open)
        if text is None:
            return Reply(400, b"Error\r\nBad Request!\r\n", "text/plain")
        return Reply(200, text.encode(), "text/plain")

    # -- SOAP --------------------------------------------------------------------------------------------

    def _soap(
        self, spec: OnvifSpec, request: Request, body: bytes, visitor: Visitor, fault: Fault | None
    ) -> Reply:
        camera = self.camera
        trouble = active_fault(camera.spec.faults, None, camera.clock(), OF_ONVIF)
        match None if trouble is None else trouble.kind:
            case FaultKind.ONVIF_SILENT:
                return NEVER
            case FaultKind.ONVIF_FAULT:
                return Reply(spec.fault_status, onvif.out_of_order().encode(), SOAP)
            case FaultKind.ONVIF_HTML:
                return Reply(200, PAGE)
        call = onvif.parse_call(body)
        if request.method != "POST" or call is None:
            return Reply(400, PAGE)
        if call.name in spec.hang:
            return NEVER
        refused = self._soap_refused(spec, call, request, visitor, fault)
        if refused is not None:
            return refused
        self._count(call.name)
        device = self.device()
        host, port = camera.address
        rtsp = f"rtsp{'s' if camera.spec.tls else ''}://{host}:{port}"
        try:
            text = onvif.answer(call, device, spec, onvif.Site(self._base(), rtsp))
        except onvif.Unknown:
            if spec.drop_unknown:
                return Reply(500, manner=Manner.HANG_UP)
            return Reply(spec.fault_status, onvif.not_supported().encode(), SOAP)
        manner = Manner.ENDLESS if spec.malformed is Malformed.ENDLESS else Manner.WHOLE
        return Reply(200, onvif.malformed(text, spec.malformed, device), SOAP, manner=manner)

    def _soap_refused(
        self, spec: OnvifSpec, call: onvif.Call, request: Request, visitor: Visitor, fault: Fault | None
    ) -> Reply | None:
        camera = self.camera
        door = self._door(fault)
        if spec.user:
            changed = fault is not None and fault.kind is FaultKind.WRONG_PASSWORD
            door = replace(
                door, user=spec.user, password=f"{'changed from ' if changed else ''}{spec.password}"
            )
        anonymous = call.token is None and "authorization" not in request.headers
        open_ = onvif.BEFORE_LOGIN - (set() if spec.clock_open else {"GetSystemDateAndTime"})
        if anonymous and call.name in open_:
            return None
        camera = self.camera
        if spec.token is Token.HTTP or (spec.token is Token.EITHER and "authorization" in request.headers):
            answer = camera.gate.judge(
                door,
                request.method,
                request.uri,
                request.headers.get("authorization"),
                visitor,
                camera.clock(),
            )
        else:
            timely = call.token is not None and onvif.is_timely(call.token, spec, self.device().now)
            answer = camera.gate.judge_token(door, call.token, timely, visitor, camera.clock())
        if answer is Answer.WELCOME:
            return None
        said = onvif.not_authorized().encode()
        if spec.token is Token.DIGEST:
            return Reply(spec.fault_status, said, SOAP)
        return self._challenge(door, visitor, answer, said, SOAP)

    def _base(self) -> str:
        host, port = self.address
        return f"http{'s' if self.http.tls else ''}://{host}:{port}"

    def _count(self, operation: str) -> None:
        counters = self.camera.counters
        if operation in ("CreatePullPointSubscription", "Subscribe"):
            counters.subscriptions += 1
        elif operation == "FindRecordings":
            counters.searches_open += 1
        elif operation == "EndSearch":
            counters.searches_open = max(0, counters.searches_open - 1)

    # -- snapshots ---------------------------------------------------------------------------------------

    def _pictured(self, uri: str, path: str, query: str) -> int | None:
        """The channel whose snapshot is asked for."""
        own = self._paths.get(re.sub(r"[?&]user=.*", "", uri))
        if own is not None or not self.http.snapshot:
            return own
        found = None
        if self.http.maker is Maker.HIKVISION:
            found = isapi.channel_of_picture(path)
        elif self.http.maker is Maker.DAHUA:
            found = dahua.channel_of_picture(path, query)
        return found if found in self._paths.values() else None

    def _snapshot(self, channel: int, request: Request) -> Reply:
        camera = self.camera
        mixed = "user=" in request.uri and "authorization" in request.headers
        if mixed and self.http.onvif is not None and self.http.onvif.snapshot_uri is SnapshotUri.LOGIN:
            return Reply(401, PAGE)  # a login in both places is none (F020)
        fault = active_fault(camera.spec.faults, channel, camera.clock(), SEEN_BY_SNAPSHOT)
        kind = None if fault is None else fault.kind
        camera.counters.snapshots += 1
        if kind is FaultKind.SNAPSHOT_BUSY and channel not in self._turned_away:
            self._turned_away.add(channel)
            return Reply(503, PAGE)
        self._turned_away.discard(channel)
        picture = self._picture(channel, kind)
        spoilt = _SPOILT.get(kind) if kind is not None else None
        return Reply(200, picture, JPEG) if spoilt is None else spoilt(picture)

    def _picture(self, channel: int, kind: FaultKind | None) -> bytes:
        spec, now = self.camera.spec, self.camera.clock()
        until, cached = self._cached.get(channel, (0.0, b""))
        if cached and now < until:
            return cached
        made = pictures_of(spec, kind)
        turn = 0 if kind is FaultKind.SNAPSHOT_STALE else self._shots[channel]
        self._shots[channel] += 1
        picture = made[(crc32(f"{spec.name}/{channel}".encode()) + turn) % len(made)]
        if self.http.cache_s:
            self._cached[channel] = (now + self.http.cache_s, picture)
        return picture


def pictures_of(spec: CameraSpec, kind: FaultKind | None) -> tuple[bytes, ...]:
    """The JPEG files that a camera hands out under a fault; makes them when they are new."""
    return images.pictures(spec.clip.width, spec.clip.height, look_of(kind))


def look_of(kind: FaultKind | None) -> Look:
    return Look(kind.value) if kind is not None and kind in OF_PICTURE else Look.LIVE


_SPOILT: Final[dict[FaultKind, Callable[[bytes], Reply]]] = {
    FaultKind.SNAPSHOT_TRUNCATED: lambda picture: Reply(200, images.truncated(picture), JPEG),
    FaultKind.SNAPSHOT_CORRUPT: lambda picture: Reply(200, images.corrupted(picture), JPEG),
    FaultKind.SNAPSHOT_BOMB: lambda picture: Reply(200, images.bomb(picture), JPEG),
    FaultKind.SNAPSHOT_HTML: lambda _: Reply(200, PAGE, JPEG),
    FaultKind.SNAPSHOT_EMPTY: lambda _: Reply(200, b"", JPEG),
    FaultKind.SNAPSHOT_MISSING: lambda _: Reply(404, PAGE),
    FaultKind.SNAPSHOT_DRIP: lambda picture: Reply(200, picture, JPEG, manner=Manner.DRIP),
    FaultKind.SNAPSHOT_ENDLESS: lambda picture: Reply(200, picture, JPEG, manner=Manner.ENDLESS),
    FaultKind.SNAPSHOT_REDIRECT: lambda _: Reply(
        302, headers=(f"Location: http://{OTHER_HOST}/snapshot.jpg",)
    ),
    FaultKind.SNAPSHOT_MULTIPART: lambda picture: Reply(
        200, picture, f"multipart/x-mixed-replace; boundary={BOUNDARY}", manner=Manner.MULTIPART
    ),
    FaultKind.SNAPSHOT_TYPE: lambda picture: Reply(200, picture, "application/octet-stream"),
}


class Connection(asyncio.Protocol):
    """One HTTP/1.1 connection (RFC 9112)."""

    def __init__(self, face: Face, source: str) -> None:
        self._face = face
        self._visitor = face.visitor(source)
        self._buffer = bytearray()
        self._timer: asyncio.TimerHandle | None = None
        self._pouring: Pouring | None = None
        self._answered = False
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._face.camera.counters.connections += 1
        self._face.connections.add(self)
        self._visitor.welcomed = False  # accepted logins count once a connection

    def connection_lost(self, exc: Exception | None) -> None:
        self._face.connections.discard(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._pouring is not None:
            self._pouring.stop()

    def end(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while not self._transport.is_closing() and self._take():
            pass

    def _take(self) -> bool:
        """Take one request from the buffer."""
        buffer = self._buffer
        end = buffer.find(b"\r\n\r\n", 0, MAX_HEAD_BYTES)
        if end < 0:
            if len(buffer) >= MAX_HEAD_BYTES:
                self.end()
            return False
        request = parse_request(bytes(buffer[:end]), "HTTP/1.")
        length = "" if request is None else request.headers.get("content-length", "0")
        if request is None or not length.isdecimal() or int(length[:9]) > MAX_BODY_BYTES:
            self._transport.write(
                b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
            self._transport.close()
            return False
        whole = end + 4 + int(length)
        if len(buffer) < whole:
            return False
        body = bytes(buffer[end + 4 : whole])
        del buffer[:whole]
        self._handle(request, body)
        return True

    def _handle(self, request: Request, body: bytes) -> None:
        face = self._face
        if self._answered and face.http.keep_alive is KeepAlive.CUT:
            self._transport.close()
            return
        face.camera.counters.web_requests += 1
        reply = face.answer(request, body, self._visitor)
        closes = (
            face.http.keep_alive is KeepAlive.CLOSED
            or request.headers.get("connection", "").lower() == "close"
        )
        self._answered = True
        fault = face.fault()
        if fault is not None and fault.kind is FaultKind.WEB_SLOW:
            self._timer = self._loop.call_later(fault.amount, self._send, reply, closes)
        else:
            self._send(reply, closes)

    def _send(self, reply: Reply, closes: bool) -> None:
        if self._transport.is_closing() or reply.manner is Manner.NEVER:
            return
        if reply.manner is Manner.HANG_UP:
            self._transport.close()
            return
        bounded = reply.manner in (Manner.WHOLE, Manner.DRIP)
        lines = [f"HTTP/1.1 {reply.status} {_PHRASES[reply.status]}", f"Content-Type: {reply.type}"]
        device = self._face.device()
        if device.has_clock:
            lines.append(f"Date: {format_datetime(device.now, usegmt=True)}")
        if bounded:
            lines.append(f"Content-Length: {len(reply.body)}")
        lines += [*reply.headers, f"Connection: {'close' if closes or not bounded else 'keep-alive'}"]
        self._transport.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        match reply.manner:
            case Manner.WHOLE:
                self._transport.write(reply.body)
                if closes:
                    self._transport.close()
            case Manner.DRIP:
                self._pouring = Pouring(self._transport, _pieces(reply.body), DRIP_S)
            case Manner.ENDLESS:
                self._pouring = Pouring(self._transport, chain([reply.body], repeat(CHUNK)), POUR_S)
            case Manner.MULTIPART:
                self._pouring = Pouring(self._transport, repeat(_part(reply.body)), FRAME_S)


def _pieces(body: bytes) -> Iterator[bytes]:
    return (body[at : at + DRIP_BYTES] for at in range(0, len(body), DRIP_BYTES))


def _part(body: bytes) -> bytes:
    head = f"--{BOUNDARY}\r\nContent-Type: {JPEG}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body + b"\r\n"
