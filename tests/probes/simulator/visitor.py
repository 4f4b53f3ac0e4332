"""A visitor of simulated cameras that shares no line with the probes: it asks, logs in, and takes frames."""

import asyncio
import hashlib
import re
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

PATIENCE_S = 5.0
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}


@dataclass(frozen=True)
class Reply:
    status: int
    phrase: str
    headers: dict[str, str]
    challenges: tuple[str, ...]
    body: str


@dataclass(frozen=True)
class Packet:
    sequence: int
    timestamp: int
    marker: bool
    payload: bytes


def packet_of(raw: bytes) -> Packet:
    first, second, sequence, timestamp, _ = struct.unpack_from(">BBHII", raw)
    assert first == 0x80
    assert second & 0x7F == 96
    return Packet(sequence, timestamp, bool(second & 0x80), raw[12:])


def authorization(challenge: str, method: str, uri: str, user: str, password: str) -> str:
    """RFC 7616, 3.4, written down once more."""
    said = {m[1]: m[2] or m[3] for m in re.finditer(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', challenge)}
    name = said.get("algorithm", "MD5")
    hash_of = HASHES[name.removesuffix("-sess")]

    def h(text: str) -> str:
        return hash_of(text.encode()).hexdigest()

    secret = h(f"{user}:{said['realm']}:{password}")
    if name.endswith("-sess"):
        secret = h(f"{secret}:{said['nonce']}:c0ffee")
    parts = [f'username="{user}"', f'realm="{said["realm"]}"', f'nonce="{said["nonce"]}"', f'uri="{uri}"']
    if "algorithm" in said:
        parts.append(f"algorithm={name}")
    if name.endswith("-sess") and "qop" not in said:
        parts.append('cnonce="c0ffee"')
    if "qop" in said:
        middle = f"{said['nonce']}:00000001:c0ffee:auth"
        parts += ["qop=auth", "nc=00000001", 'cnonce="c0ffee"']
    else:
        middle = said["nonce"]
    response = h(f"{secret}:{middle}:" + h(f"{method}:{uri}"))
    return "Digest " + ", ".join([*parts, f'response="{response}"'])


class Visitor:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, base: str) -> None:
        self.reader, self.writer, self.base = reader, writer, base
        self.session = ""
        self._cseq = 0

    @classmethod
    async def at(cls, address: tuple[str, int], path: str, *, tls: bool = False) -> Self:
        context = None
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        async with asyncio.timeout(PATIENCE_S):
            reader, writer = await asyncio.open_connection(*address, ssl=context)
        return cls(reader, writer, f"rtsp://{address[0]}:{address[1]}{path}")

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()

    def say(self, method: str, uri: str, *headers: str) -> None:
        self._cseq += 1
        lines = [f"{method} {uri} RTSP/1.0", f"CSeq: {self._cseq}", *headers]
        if self.session:
            lines.append(f"Session: {self.session}")
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def ask(self, method: str, *headers: str, track: str = "") -> Reply:
        self.say(method, self.base + track, *headers)
        async with asyncio.timeout(PATIENCE_S):
            return await self.reply()

    async def reply(self) -> Reply:
        while (first := await self.reader.readexactly(1)) == b"$":
            await self.frame_behind_dollar()
        head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        pairs = [(n.strip().lower(), v.strip()) for n, _, v in (line.partition(":") for line in head[1:])]
        headers = dict(pairs)
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        _, status, phrase = head[0].split(" ", 2)
        challenges = tuple(value for name, value in pairs if name == "www-authenticate")
        self.session = headers.get("session", self.session).partition(";")[0]
        return Reply(int(status), phrase, headers, challenges, body.decode())

    async def frame_behind_dollar(self) -> bytes:
        _, size = struct.unpack(">BH", await self.reader.readexactly(3))
        return await self.reader.readexactly(size)

    async def packets(self, seconds: float) -> list[Packet]:
        """All interleaved packets of the next ``seconds``."""
        taken: list[Packet] = []
        try:
            async with asyncio.timeout(seconds):
                while await self.reader.readexactly(1) == b"$":
                    taken.append(packet_of(await self.frame_behind_dollar()))
        except TimeoutError:
            pass
        return taken

    async def login(self, method: str, user: str, password: str, offer: int = 0, track: str = "") -> Reply:
        """Ask without credentials, then with an answer to the ``offer``-th challenge."""
        first = await self.ask(method, track=track)
        assert first.status == 401
        uri = self.base + track
        answer = authorization(first.challenges[offer], method, uri, user, password)
        return await self.ask(method, f"Authorization: {answer}", track=track)

    async def play(self, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> Reply:
        """SETUP and PLAY at a camera that asks for no password; the reply that decided."""
        reply = await self.ask("SETUP", f"Transport: {transport}", track="/trackID=1")
        return reply if reply.status != 200 else await self.ask("PLAY")
