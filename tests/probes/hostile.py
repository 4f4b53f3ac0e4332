"""Devices that mean harm, as small as they can be: what they say over RTSP and HTTP, often without end."""

import asyncio
import gzip
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import chain, count, repeat
from urllib.parse import quote

from probes.rtsp.messages import Headers, Request
from tests.probes.pictures import jpeg, street
from tests.probes.rtsp.packets import rtp
from tests.probes.web_server import Asked, Reply, reply

PIECE = b"x" * 65536
MEGABYTE = 1024 * 1024
PAUSE_S = 0.02

# --- RTSP -----------------------------------------------------------------------------------------------

SDP = "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
Answering = Callable[[Request], bytes | Iterator[bytes]]


class LastWord(bytes):
    """An answer behind which the device closes the connection."""


def answer(request: Request, status: str = "200 OK", *fields: str, body: str = "") -> bytes:
    lines = [f"RTSP/1.0 {status}", f"CSeq: {request.headers.get('CSeq')}", *fields]
    if body:
        lines.append(f"Content-Length: {len(body.encode())}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body.encode()


HONEST: dict[str, Answering] = {
    "DESCRIBE": lambda request: answer(request, body=SDP),
    "SETUP": lambda request: answer(
        request, "200 OK", "Session: 1", "Transport: RTP/AVP/TCP;interleaved=0-1"
    ),
    "PLAY": answer,
    "TEARDOWN": answer,
}


class RtspTrap:
    """A device that answers as ``HONEST`` does, but for ``answers``; what is to be sent without end is."""

    def __init__(self, **answers: Answering) -> None:
        self.answers: Mapping[str, Answering] = HONEST | answers
        self.port = 0
        self.connections = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def open_connections(self, patience_s: float = 1.0) -> int:
        """How many are left when those that are ending have ended."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=patience_s)
        return len(self._tasks)

    @asynccontextmanager
    async def listening(self, tls: ssl.SSLContext | None = None) -> AsyncIterator["RtspTrap"]:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.get_running_loop().create_task(self._talk(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pouring: asyncio.Task[None] | None = None
        try:
            while True:
                request = _request(await reader.readuntil(b"\r\n\r\n"))
                if request is None:
                    continue
                said = self.answers[request.method](request)
                if isinstance(said, bytes):
                    writer.write(said)
                    await writer.drain()
                    if isinstance(said, LastWord):
                        break
                else:
                    pouring = asyncio.get_running_loop().create_task(_pour(writer, said))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            if pouring is not None:
                pouring.cancel()
                await asyncio.gather(pouring, return_exceptions=True)
            writer.transport.abort()


def _request(head: bytes) -> Request | None:
    """``None`` for an answer to a request of ours."""
    first, *lines = head.decode("utf-8", "surrogateescape").strip().split("\r\n")
    method, uri = first.split(" ")[:2]
    fields = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    return None if method.startswith("RTSP/") else Request(method, uri, Headers(fields))


async def _pour(writer: asyncio.StreamWriter, pieces: Iterator[bytes]) -> None:
    """Send ``pieces`` as fast as they are read; an empty one is a pause."""
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0 if piece else PAUSE_S)


def endless_header(request: Request) -> Iterator[bytes]:
    return chain([answer(request)[:-2]], repeat(b"X-Filler: " + b"y" * 1000 + b"\r\n"))


def huge_sdp(request: Request) -> Iterator[bytes]:
    head = answer(request, "200 OK", f"Content-Length: {50 * MEGABYTE}")
    return chain([head, SDP.encode()], repeat(PIECE, 50 * MEGABYTE // len(PIECE)))


def huge_sdp_unannounced(request: Request) -> Iterator[bytes]:
    return chain([answer(request), SDP.encode()], repeat(PIECE, 50 * MEGABYTE // len(PIECE)))


def many_tracks(request: Request) -> bytes:
    return answer(request, body="v=0\r\n" + "m=audio 0 RTP/AVP 0\r\n" * 10_000 + SDP[5:])


def dripping(request: Request) -> Iterator[bytes]:
    return chain.from_iterable((bytes([byte]), b"") for byte in answer(request, body=SDP) * 10)


def endless_continue(request: Request) -> Iterator[bytes]:
    return repeat(answer(request, "100 Continue") * 100)


def endless_requests(request: Request) -> Iterator[bytes]:
    return (b"OPTIONS rtsp://x/ RTSP/1.0\r\nCSeq: %d\r\n\r\n" % number for number in count())


def endless_strangers(request: Request) -> Iterator[bytes]:
    """Frames of a channel that nobody set up."""
    return repeat(frame(9, rtp(b"x" * 1400)) * 40)


def endless_junk(request: Request) -> Iterator[bytes]:
    return repeat(b"\xff" * 65536)


def http(request: Request) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html></html>"


def many_challenges(request: Request) -> bytes:
    fields = [f'WWW-Authenticate: Digest realm="{n}", nonce="{"n" * 200}"' for n in range(120)]
    return answer(request, "401 Unauthorized", *fields)


def line_break_in_session(request: Request) -> bytes:
    return answer(request, "200 OK", "Session: a\rX-Evil: 1", "Transport: RTP/AVP/TCP;interleaved=0-1")


def line_break_in_base(request: Request) -> bytes:
    return answer(request, "200 OK", "Content-Base: rtsp://127.0.0.1/a\rX-Evil: 1/", body=SDP)


def line_break_in_nonce(request: Request) -> bytes:
    return answer(request, "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="a\rX-Evil: 1"')


def unreadable_control(request: Request) -> bytes:
    sdp = SDP.replace("track1", "//[") + "a=fmtp:96 sprop-parameter-sets=\u1ea3nh\r\n"
    return answer(request, body=sdp)


def endless_fragment(request: Request) -> Iterator[bytes]:
    """One keyframe whose last fragment never comes (RFC 6184, 5.8)."""
    first = frame(0, rtp(b"\x7c\x85" + b"x" * 1400, sequence=0))
    more = (frame(0, rtp(b"\x7c\x05" + b"x" * 1400, sequence=number)) for number in count(1))
    return chain([answer(request), first], more)


def endless_parameter_sets(request: Request) -> Iterator[bytes]:
    """A new SPS in each packet, none of them small."""
    sets = (
        frame(0, rtp(b"\x67" + number.to_bytes(4, "big") + b"s" * 60_000, sequence=number))
        for number in count()
    )
    return chain([answer(request)], sets)


def endless_backlog(request: Request) -> Iterator[bytes]:
    """Every second packet is missing, of sources that change."""
    lost = (frame(0, rtp(b"\x41" + b"x" * 60_000, sequence=n * 2, ssrc=n % 7)) for n in count())
    return chain([answer(request)], lost)


def moved_elsewhere(host: str, port: int) -> Answering:
    return lambda request: answer(request, "302 Moved", f"Location: rtsp://{host}:{port}/a")


def echoing(user: str, password: str, status: str = "200 OK") -> Answering:
    """The login stands wherever a device can put it."""
    login = f"{quote(user)}:{quote(password, safe='')}"

    def say(request: Request) -> bytes:
        if request.headers.get("Authorization") is None:
            return answer(request, "401 Unauthorized", 'WWW-Authenticate: Digest realm="r", nonce="n"')
        base = request.uri.replace("://", f"://{login}@", 1)
        sdp = SDP.replace("track1", f"{base}/track1").replace("v=0", f"v=0\r\ni={password}\r\nu={login}")
        return answer(request, f"{status} for {password}", f"Content-Base: {base}/", body=sdp)

    return say


def frame(channel: int, packet: bytes) -> bytes:
    return struct.pack(">cBH", b"$", channel, len(packet)) + packet


# --- HTTP -----------------------------------------------------------------------------------------------

Story = Callable[[asyncio.StreamWriter], Awaitable[None]]


def without_end(head: bytes, piece: bytes, pause_s: float = 0.0) -> Story:
    async def story(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return story


OK = b"HTTP/1.1 200 OK\r\n"
GZIP_BOMB = gzip.compress(bytes(64 * MEGABYTE), 9)
ENTITY_BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a0 "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10))
    + b"]><Envelope><Body>&a9;</Body></Envelope>"
)
DEEP_XML = b"<a>" * 1_000_000
WIDE_XML = b"<Envelope><Body>" + b"<a/>" * 900_000 + b"</Body></Envelope>"
WEBSOCKET = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n" + b"\x82\x7f\xff" * 1000
)

# Whatever is asked for: what it is called, and what is said.
EVERYWHERE: dict[str, Reply] = {
    "silence": without_end(b"", b"", PAUSE_S),
    "slow drip": without_end(OK + b"Content-Length: 10000\r\n\r\n", b"x", PAUSE_S),
    "endless header": without_end(OK, b"X-Filler: y\r\n" * 1000),
    "endless line": without_end(OK + b"X-Filler: ", PIECE),
    "endless body": without_end(OK + b"\r\n", PIECE),
    "endless chunks": without_end(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + PIECE + b"\r\n"),
    "endless trailers": without_end(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX-Filler: ", PIECE),
    "endless multipart": without_end(
        OK + b"Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n", b"X-Filler: y\r\n" * 100
    ),
    "endless part": without_end(
        OK + b"Content-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n\r\n", PIECE
    ),
    "50 GB announced": OK + b"Content-Length: 53687091200\r\n\r\n",
    "a negative length": OK + b"Content-Length: -1\r\n\r\n",
    "a length of 5,000 digits": OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
    "gzip bomb": reply(200, GZIP_BOMB, "Content-Encoding: gzip"),
    "websocket": WEBSOCKET,
    "no HTTP": b"SSH-2.0-dropbear\r\n" * 100,
    "entity bomb": reply(200, ENTITY_BOMB),
    "depth without end": reply(200, DEEP_XML),
    "a million elements": reply(200, WIDE_XML),
}


def bomb(width: int, height: int, size: int = 320_000) -> bytes:
    """A JPEG of ``size`` bytes whose start of frame claims ``width`` x ``height`` pixels."""
    file = jpeg(street())
    at = file.index(b"\xff\xc0")
    claimed = file[: at + 5] + struct.pack(">HH", height, width) + file[at + 9 : -2]
    return claimed + b"\x55" * (size - len(claimed) - 2) + b"\xff\xd9"


def giant_isapi(asked: Asked) -> Reply:
    """A recorder that has a million of everything."""
    many = 40_000
    match asked.path.rpartition("/")[2]:
        case "time":
            body = "<Time><localTime>2026-09-01T12:00:00+07:00</localTime></Time>"
        case "status":
            row = "<InputProxyChannelStatus><id>{}</id></InputProxyChannelStatus>"
            body = f"<L>{''.join(row.format(n) for n in range(many // 2))}</L>"
        case "Storage":
            body = f"<storage>{'<hdd><capacity>999999999999999</capacity></hdd>' * (many // 2)}</storage>"
        case "tracks":
            body = f"<L>{'<Track><id>' + '9' * 5000 + '</id></Track>'}</L>"
        case "dailyDistribution":
            day = "<day><dayOfMonth>1</dayOfMonth><record>true</record></day>"
            body = f"<trackDailyDistribution>{day * (many // 4)}</trackDailyDistribution>"
        case _:
            body = f"<DeviceInfo><serialNumber>{'S' * MEGABYTE}</serialNumber></DeviceInfo>"
    return reply(200, body.encode())


def giant_cgi(asked: Asked) -> Reply:
    """A recorder whose searches never end and whose tables are full."""
    if "getCurrentTime" in asked.path:
        return reply(200, b"result=2026-09-01 12:00:00\r\n")
    if "factory.create" in asked.path:
        return reply(200, b"result=1\r\n")
    if "findNextFile" in asked.path:
        files = "".join(
            f"items[{n}].Channel=0\r\nitems[{n}].StartTime=2026-08-01 00:00:00\r\n"
            f"items[{n}].EndTime=2026-08-01 00:01:00\r\n"
            for n in range(5000)
        )
        return reply(200, files.encode())
    if "mediaFileFind" in asked.path:
        return reply(200, b"OK\r\n")
    return reply(200, ("list.info[0].Name=" + "9" * 5000 + "\r\n").encode() * 700)
