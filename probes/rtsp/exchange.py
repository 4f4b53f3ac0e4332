"""A recorded RTSP exchange as text: redacted, readable, and replayable by tests.

The form, one item a line:

    # a comment; ``# origin:`` says where the exchange comes from
    @12.3                     milliseconds since the connection was opened
    > DESCRIBE rtsp://…       a line that we sent
    < RTSP/1.0 200 OK         a line that came; it ended with CR LF
    < CSeq: 2\\n              the same, but it ended with a bare LF
    < a=control:track1\\      the same, but nothing ended it
    <$0 1400 80e0…            an interleaved frame: channel, length, and its first bytes in hex

Other control characters and backslashes are written ``\\xNN``. Of a frame only the first
``FRAME_HEAD_BYTES`` are kept, enough to see how it is packed and too little to show what the
camera sees; a replay fills the rest.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

FRAME_HEAD_BYTES: Final = 64  # parameter sets are shorter and stay whole
FRAME_FILLER: Final = b"\x55"
MIN_SECRET: Final = 4  # shorter ones would blot out ordinary words

_REDACTED: Final = "[redacted]"
_USERINFO: Final = re.compile(r"(?<=://)[^\s\"<>]*@")
_ANSWER: Final = re.compile(r"^((?:proxy-)?authorization\s*:\s*\w+).*", re.IGNORECASE)
_COOKIE: Final = re.compile(r"^((?:set-)?cookie2?\s*:).*", re.IGNORECASE)
# In queries, and in paths such as XM's /user=admin_password=…_channel=1_stream=0.sdp
_NAMED: Final = re.compile(
    r"((?:\b|_)(?:user(?:name)?|usr|login|pass(?:word|wd)?|pwd|psw|token|secret|auth|api_?key|sid)=)"
    r"(?!\[redacted\])(?:(?!_[a-z]+=)[^&;\s\"/])*",
    re.IGNORECASE,
)


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
    """``line`` without answers to challenges, cookies, userinfo, named credentials and the given secrets."""
    for secret in secrets:
        if len(secret) >= MIN_SECRET:
            line = line.replace(secret, _REDACTED)
    line = _ANSWER.sub(rf"\1 {_REDACTED}", line)
    line = _COOKIE.sub(rf"\1 {_REDACTED}", line)
    line = _USERINFO.sub(f"{_REDACTED}@", line)
    return _NAMED.sub(rf"\1{_REDACTED}", line)


def write_exchange(parts: Iterable[Part], *, origin: str = "", secrets: Iterable[str] = ()) -> str:
    """The redacted text of an exchange."""
    hidden = tuple(secrets)
    lines = [f"# origin: {origin}"] if origin else []
    for part in parts:
        lines.append(f"@{part.at_ms:.1f}")
        if part.channel is not None:
            head = part.data[:FRAME_HEAD_BYTES].hex()
            lines.append(f"{part.way}${part.channel} {len(part.data)} {head}".rstrip())
            continue
        for raw in part.data.decode("utf-8", "backslashreplace").splitlines(keepends=True):
            lines.append(f"{part.way} {_escape(raw, hidden)}")
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


def _escape(raw: str, secrets: tuple[str, ...]) -> str:
    body = raw.rstrip("\r\n")
    end = raw[len(body) :]
    text = "".join(
        char if char.isprintable() and char != "\\" else char.encode("unicode_escape").decode()
        for char in redact(body, secrets)
    )
    if end == "\r\n":
        return text
    return text + end.replace("\r", "\\r").replace("\n", "\\n") if end else text + "\\"


def _unescape(text: str) -> bytes:
    if text.endswith("\\") and not text.endswith("\\\\"):
        text, end = text[:-1], b""
    elif text.endswith("\\n") and not text.endswith("\\\\n"):
        text, end = text[:-2], b"\n"
    else:
        end = b"\r\n"
    plain = re.sub(r"\\(?:x([0-9a-f]{2})|u([0-9a-f]{4})|([\\nrt]))", _unescape_one, text)
    return plain.encode() + end


def _unescape_one(match: re.Match[str]) -> str:
    if match[3]:
        return {"\\": "\\", "n": "\n", "r": "\r", "t": "\t"}[match[3]]
    return chr(int(match[1] or match[2], 16))
