"""RTSP on the wire: requests and responses as bytes, and a reader that forgives what cameras do (RFC 2326).

Pure: no socket is touched here. The reader takes bytes in any portions and hands back responses,
requests of the server and interleaved frames in the order they came. Limits on everything that a
stranger sends are the constants at the top.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from probes.errors import RtspProtocolError

MAX_HEAD_BYTES: Final = 32 * 1024  # start line and headers together
MAX_LINE_BYTES: Final = 8 * 1024
MAX_HEADERS: Final = 128
MAX_BODY_BYTES: Final = 256 * 1024
MAX_JUNK_BYTES: Final = 1024 * 1024  # what is skipped, in all, before we call it no RTSP
# An interleaved frame cannot be longer than its 16-bit length field (RFC 2326, 10.12).

VERSION: Final = "RTSP/1.0"


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in the order sent; names are compared without regard to case."""

    fields: tuple[tuple[str, str], ...] = ()

    def get(self, name: str) -> str | None:
        """The first value of this name."""
        wanted = name.lower()
        for key, value in self.fields:
            if key.lower() == wanted:
                return value
        return None

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of this name."""
        wanted = name.lower()
        return tuple(value for key, value in self.fields if key.lower() == wanted)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; ``repr`` shows no headers, they may hold an answer to a challenge.

    ``head`` holds the start line and headers exactly as they came, where it came.
    """

    method: str
    uri: str
    headers: Headers = field(default=Headers(), repr=False)
    body: bytes = field(default=b"", repr=False)
    head: bytes = field(default=b"", repr=False, compare=False)

    def encode(self) -> bytes:
        """The bytes to send, with ``Content-Length`` where there is a body.

        Raises ``ValueError`` where a line break stands inside a line.
        """
        return _encode(f"{self.method} {self.uri} {VERSION}", self.headers, self.body)


@dataclass(frozen=True, slots=True)
class Response:
    """One response. ``head`` holds the start line and headers exactly as they came."""

    status: int
    reason: str = ""
    headers: Headers = Headers()
    body: bytes = field(default=b"", repr=False)
    head: bytes = field(default=b"", repr=False, compare=False)

    @property
    def cseq(self) -> int | None:
        return _number(self.headers.get("CSeq"))

    def encode(self) -> bytes:
        """The bytes to send; for servers."""
        return _encode(f"{VERSION} {self.status} {self.reason}", self.headers, self.body)


class Frame(NamedTuple):
    """An interleaved RTP or RTCP packet."""

    channel: int
    data: bytes


_new: Final = tuple.__new__  # half the price of Frame(...), paid for every packet


@dataclass(frozen=True, slots=True)
class TransportReply:
    """What a server says in ``Transport``; what it leaves out is ``None``."""

    interleaved: int | None = None  # RTP channel; RTCP is the next one
    server_port: int | None = None  # RTP port; RTCP is the next one
    source: str | None = None
    secure: bool = False  # SRTP


def parse_transport(value: str) -> TransportReply:
    """Read a ``Transport`` reply generously.

    Seen from cameras: other channels than asked for, ``interleaved=0`` alone, ``RTP/AVP`` without
    ``/TCP``, spaces before ``ssrc``, ``ssrc`` first.
    """
    fields: dict[str, str] = {}
    for part in value.split(",")[0].split(";"):
        name, _, text = part.partition("=")
        fields.setdefault(name.strip().lower(), text.strip())
    interleaved = _number(fields.get("interleaved"))
    port = _number(fields.get("server_port"))
    return TransportReply(
        interleaved=interleaved if interleaved is not None and interleaved < 256 else None,
        server_port=port if port is not None and 0 < port < 65536 else None,
        source=fields.get("source") or None,
        secure="SAVP" in value.upper(),
    )


def parse_session(value: str) -> tuple[str, float | None]:
    """Session id and timeout in seconds (``None``: not said), also from ``x ; timeout`` (RFC 2326, 12.37)."""
    session, *parameters = value.split(";")
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip().lower() == "timeout":
            seconds = _number(text)
            return session.strip(), float(seconds) if seconds else None
    return session.strip(), None


class Reader:
    """Bytes in, messages and frames out.

    ``channels`` are the interleaved channels in use: frames on others are dropped (``stray``),
    for old LIVE555 servers deliver packets of earlier sessions. Where the framing is lost, the
    reader skips to the next frame on a known channel or response and counts that (``resyncs``,
    ``skipped`` bytes).
    """

    def __init__(self, channels: Iterable[int] = ()) -> None:
        self.channels: frozenset[int] = frozenset(channels)
        self.messages = 0
        self.frames = 0
        self.stray = 0
        self.resyncs = 0
        self.skipped = 0
        self._lost = False  # searching for the next frame or message
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._need = 1  # fewer pending bytes than this cannot bring anything

    def feed(self, data: bytes) -> list[Response | Request | Frame]:
        """What these bytes complete.

        Raises ``RtspProtocolError`` beyond a limit; the reader is then of no more use.
        """
        if self._pending:
            self._pending.append(data)
            self._pending_size += len(data)
            if self._pending_size < self._need:
                return []
            data = b"".join(self._pending)
            self._pending.clear()
        items: list[Response | Request | Frame] = []
        position = self._read(data, items)
        rest = len(data) - position
        if rest:
            self._pending.append(data[position:] if position else data)
        self._pending_size = rest
        return items

    def _read(self, data: bytes, items: list[Response | Request | Frame]) -> int:
        """Append what is complete to ``items``; the position of the first byte that must wait."""
        size = len(data)
        channels = self.channels
        position = 0
        while position < size:
            if self._lost:
                position, self._lost = self._search(data, position)
                if self._lost:
                    return position
            first = data[position]
            if first == 0x24 and position + 4 <= size and data[position + 1] in channels:
                # What nearly all bytes are; the rest of this loop sees everything else.
                end = position + 4 + (data[position + 2] << 8 | data[position + 3])
                if position + 4 < end <= size:
                    items.append(_new(Frame, (data[position + 1], data[position + 4 : end])))
                    self.frames += 1
                    position = end
                    continue
            if first == 0x24:  # "$"
                after = self._read_frame(data, position, items)
            elif first in b"\r\n \t\0":  # between messages: tolerated, not counted
                after = position + 1
            else:
                after = self._read_message(data, position, items)
            if after < 0:
                return position
            position = after
        self._need = 1
        return position

    def _read_frame(self, data: bytes, position: int, items: list[Response | Request | Frame]) -> int:
        """Read a frame that is not whole or not ours; where it ends, or -1 when more bytes are needed."""
        available = len(data) - position
        if available < 4:
            self._need = 5
            return -1
        channel = data[position + 1]
        length = data[position + 2] << 8 | data[position + 3]
        if length == 0:
            return position + 4
        known = channel in self.channels
        if not known:
            if available < 5:  # the fifth byte tells RTP from junk
                self._need = 5
                return -1
            if not _looks_like_rtp(data, position, length):
                return self._lose(position)
        if available < 4 + length:
            self._need = 4 + length
            return -1
        self.stray += 1
        return position + 4 + length

    def _read_message(self, data: bytes, position: int, items: list[Response | Request | Frame]) -> int:
        """Read the message at ``position``; where it ends, or -1 when more bytes are needed."""
        available = len(data) - position
        start = data[position : position + _LONGEST_START]
        if not _START.match(start):
            if available < _LONGEST_START and any(word.startswith(start) for word in _START_WORDS):
                self._need = available + 1
                return -1
            return self._lose(position)
        blank = _BLANK_LINE.search(data, position, position + MAX_HEAD_BYTES)
        if blank is None:
            if available >= MAX_HEAD_BYTES:
                raise RtspProtocolError(f"headers longer than {MAX_HEAD_BYTES} bytes")
            self._need = available + 1
            return -1
        head = data[position : blank.end()]
        # A bare CR is a blank (RFC 9112, 2.2): what a device says goes into what it is asked next.
        # What is no UTF-8 (a realm in GBK) must come out again as it came in: it is part of the digest.
        start_line, *lines = head.decode("utf-8", "surrogateescape").replace("\r", " ").split("\n")
        headers = _parse_headers(lines)
        length = _number(headers.get("Content-Length")) or 0
        if length > MAX_BODY_BYTES:
            raise RtspProtocolError(f"a body of {length} bytes, more than {MAX_BODY_BYTES}")
        end = blank.end() + length
        if end > len(data):
            self._need = end - position
            return -1
        message = _parse_start(start_line.strip(), headers, data[blank.end() : end], head)
        if message is None:
            return self._lose(position + 1)
        items.append(message)
        self.messages += 1
        return end

    def _lose(self, position: int) -> int:
        self._lost = True
        self.resyncs += 1
        return position

    def _search(self, data: bytes, begin: int) -> tuple[int, bool]:
        """Skip to what may be a frame or a response; its position, and whether we are still lost."""
        lost = True
        position = begin
        for anchor in _ANCHOR.finditer(data, begin):
            position = anchor.start()
            if data[position] != 0x24:
                lost = False
                break
            if len(data) - position < 5:
                break
            length = data[position + 2] << 8 | data[position + 3]
            if data[position + 1] in self.channels and _looks_like_rtp(data, position, length):
                lost = False
                break
        else:  # the last bytes may begin an anchor
            position = max(position, len(data) - _ANCHOR_BYTES + 1)
        self.skipped += position - begin
        if self.skipped > MAX_JUNK_BYTES:
            raise RtspProtocolError(f"more than {MAX_JUNK_BYTES} bytes that are not RTSP")
        self._need = len(data) - position + 1
        return position, lost


_METHODS: Final = (
    b"ANNOUNCE ",
    b"DESCRIBE ",
    b"GET_PARAMETER ",
    b"OPTIONS ",
    b"PAUSE ",
    b"PLAY ",
    b"RECORD ",
    b"REDIRECT ",
    b"SETUP ",
    b"SET_PARAMETER ",
    b"TEARDOWN ",
)
_START_WORDS: Final = (b"RTSP/1.", *_METHODS)
_LONGEST_START: Final = max(map(len, _START_WORDS))
_START: Final = re.compile(b"|".join(map(re.escape, _START_WORDS)))
_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_ANCHOR: Final = re.compile(rb"\$|RTSP/1\.\d \d")
_ANCHOR_BYTES: Final = 10
_STATUS_LINE: Final = re.compile(r"RTSP/1\.\d\s+(\d{3})(?:\s+(.*))?$")
_REQUEST_LINE: Final = re.compile(r"([A-Z_]+)\s+(\S+)\s+RTSP/1\.\d$")
_NUMBER: Final = re.compile(r"\s*(\d{1,9})(?!\d)")


def _looks_like_rtp(data: bytes, position: int, length: int) -> bool:
    """Whether a frame at ``position`` may be RTP or RTCP: long enough, version 2 (RFC 3550, 5.1 and 6.4)."""
    return length >= 8 and data[position + 4] >> 6 == 2


def _parse_headers(lines: list[str]) -> Headers:
    fields: list[tuple[str, str]] = []
    for line in lines:
        if len(line) > MAX_LINE_BYTES:
            raise RtspProtocolError(f"a header line longer than {MAX_LINE_BYTES} bytes")
        if line[:1] in (" ", "\t") and fields and line.strip():  # folded (RFC 2326, 4.2 by way of RFC 2068)
            fields[-1] = (fields[-1][0], f"{fields[-1][1]} {line.strip()}")
            continue
        name, colon, value = line.partition(":")
        if colon:
            fields.append((name.strip(), value.strip()))
    if len(fields) > MAX_HEADERS:
        raise RtspProtocolError(f"more than {MAX_HEADERS} headers")
    return Headers(tuple(fields))


def _parse_start(line: str, headers: Headers, body: bytes, head: bytes) -> Response | Request | None:
    if status := _STATUS_LINE.match(line):
        reason = (status[2] or "").encode("utf-8", "replace").decode()  # for people to read
        return Response(int(status[1]), reason, headers, body, head)
    if request := _REQUEST_LINE.match(line):
        return Request(request[1], request[2], headers, body, head)
    return None


def _number(text: str | None) -> int | None:
    """The number a value begins with."""
    match = _NUMBER.match(text or "")
    return int(match[1]) if match else None


def _encode(start: str, headers: Headers, body: bytes) -> bytes:
    lines = [start, *(f"{name}: {value}" for name, value in headers.fields)]
    if body and headers.get("Content-Length") is None:
        lines.append(f"Content-Length: {len(body)}")
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) - 1 or text.count("\r") != len(lines) - 1:
        raise ValueError("a line break inside a request or header")
    return text.encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body
