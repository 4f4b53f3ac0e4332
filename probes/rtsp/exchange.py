"""A recorded RTSP exchange as text: redacted, readable, and replayable by tests.

The form, one item a line:

    # a comment; ``# origin:`` says where the exchange comes from
    @12.3                     milliseconds since the connection was opened
    > DESCRIBE rtsp://…       a line that we sent
    < RTSP/1.0 200 OK         a line that came; it ended with CR LF
    < CSeq: 2\\n              the same, but it ended with a bare LF
    < a=control:track1\\      the same, but nothing ended it
    <$0 1400 80e0…            an interleaved frame: channel, length, and its first bytes in hex

Backslashes and what cannot be printed are escaped as in Python. Of a frame only the first
``FRAME_HEAD_BYTES`` are kept, enough to see how it is packed and too little to show what the
camera sees; a replay fills the rest.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import escape

FRAME_HEAD_BYTES: Final = 64  # parameter sets are shorter and stay whole
FRAME_FILLER: Final = b"\x55"
MIN_SECRET: Final = 4  # shorter ones would blot out ordinary words

_REDACTED: Final = "[redacted]"
_USERINFO: Final = re.compile(r"(?<=://)[^\s\"<>]*@")
_ANSWER: Final = re.compile(r"^((?:proxy-)?authorization\s*:\s*\w+)[^\r\n]*", re.IGNORECASE)
_COOKIE: Final = re.compile(r"^((?:set-)?cookie2?\s*:)[^\r\n]*", re.IGNORECASE)
# In queries, and in paths such as XM's /user=admin_password=…_channel=1_stream=0.sdp
_NAMED: Final = re.compile(
    r"((?:\b|_)(?:user(?:name)?|usr|login|pass(?:word|wd)?|pwd|psw|token|secret|auth|api_?key|sid)=)"
    r"(?!\[redacted\])(?:(?!_[a-z]+=)[^&;\s\"])*",
    re.IGNORECASE,
)


_LINE: Final = re.compile(r"[^\n]*\n|[^\n]+")
_LENGTH: Final = re.compile(r"^(content-length\s*:\s*)\d+", re.IGNORECASE)


class Way(StrEnum):
    """Who sent it."""

    SENT = ">"
    CAME = "<"


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes that went one way at ``at_ms``; with ``channel``, an interleaved frame without its header."""

    way: Way
    at_ms: float
    data: bytes
    channel: int | None = None

    @property
    def wire(self) -> bytes:
        """The bytes as they stood on the connection."""
        if self.channel is None:
            return self.data
        return b"$" + bytes([self.channel]) + len(self.data).to_bytes(2, "big") + self.data


def redact(line: str, secrets: Iterable[str] = ()) -> str:
    """``line`` without answers to challenges, cookies, userinfo, named credentials and the given secrets.

    Secrets are known by their guises too: as URLs, Basic, XML and dumps of bytes write them.
    """
    return _cleaned(line, _guises(secrets))


def _guises(secrets: Iterable[str]) -> tuple[str, ...]:
    """Longest first: one may be part of another."""
    found: set[str] = set()
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            data = secret.encode()
            found |= {secret, quote(secret), quote(secret, safe=""), escape(secret)}
            found |= {base64.b64encode(data).decode().rstrip("="), data.hex(), data.hex().upper()}
    return tuple(sorted(found, key=len, reverse=True))


def _cleaned(line: str, guises: tuple[str, ...]) -> str:
    for guise in guises:
        line = line.replace(guise, _REDACTED)
    line = _ANSWER.sub(rf"\1 {_REDACTED}", line)
    line = _COOKIE.sub(rf"\1 {_REDACTED}", line)
    line = _USERINFO.sub(f"{_REDACTED}@", line)
    return _NAMED.sub(rf"\1{_REDACTED}", line)


def write_exchange(parts: Iterable[Part], *, origin: str = "", secrets: Iterable[str] = ()) -> str:
    """The redacted text of an exchange."""
    hidden = _guises(secrets)
    lines = [f"# origin: {origin}"] if origin else []
    for part in parts:
        lines.append(f"@{part.at_ms:.1f}")
        if part.channel is not None:
            head = part.data[:FRAME_HEAD_BYTES].hex()
            lines.append(f"{part.way}${part.channel} {len(part.data)} {head}".rstrip())
            continue
        for raw in _redacted_lines(part.data.decode("utf-8", "surrogateescape"), hidden):
            text = _escape(raw)
            lines.append(f"{part.way} {text}" if text else part.way)
    return "\n".join(lines) + "\n"


def read_exchange(text: str) -> tuple[Part, ...]:
    """The parts of a recorded exchange. Raises ``ValueError`` with the line that cannot be read."""
    parts: list[Part] = []
    at_ms = 0.0
    fresh = True  # the next line begins a part
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        try:
            if line.startswith("@"):
                at_ms, fresh = float(line[1:]), True
                continue
            way = Way(line[0])
            if line[1:2] == "$":
                channel, length, *head = line[2:].split()
                data = bytes.fromhex("".join(head)).ljust(int(length), FRAME_FILLER)
                parts.append(Part(way, at_ms, data, int(channel)))
                fresh = True
                continue
            data = _unescape(line[2:])
        except ValueError as error:
            raise ValueError(f"line {number} of the exchange: {error}") from error
        if fresh or parts[-1].way is not way:
            parts.append(Part(way, at_ms, data))
        else:
            parts[-1] = Part(way, parts[-1].at_ms, parts[-1].data + data)
        fresh = False
    return tuple(parts)


def _redacted_lines(text: str, guises: tuple[str, ...]) -> list[str]:
    """Lines with their ends; ``Content-Length`` follows a body that became shorter or longer."""
    lines = [_cleaned(line, guises) for line in _LINE.findall(text)]
    blank = next((index for index, line in enumerate(lines) if not line.strip("\r\n")), len(lines))
    length = len("".join(lines[blank + 1 :]).encode("utf-8", "surrogateescape"))
    return [
        _LENGTH.sub(rf"\g<1>{length}", line) if index < blank else line for index, line in enumerate(lines)
    ]


def _escape(line: str) -> str:
    """One line as text: nothing stands for CR LF, ``\\n`` for a bare LF, ``\\`` for no end at all."""
    if line.endswith("\r\n"):
        body, end = line[:-2], ""
    elif line.endswith("\n"):
        body, end = line[:-1], "\\n"
    else:
        body, end = line, "\\"
    return "".join(char if char.isprintable() and char != "\\" else _code(char) for char in body) + end


def _code(char: str) -> str:
    number = ord(char)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _unescape(text: str) -> bytes:
    end = b"\r\n"
    if text.endswith("\\n"):
        text, end = text[:-2], b"\n"
    elif text.endswith("\\"):
        text, end = text[:-1], b""
    plain = _CODE.sub(lambda match: chr(int(match[0][2:], 16)), text)
    return plain.encode("utf-8", "surrogateescape") + end


_CODE: Final = re.compile(r"\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}")
