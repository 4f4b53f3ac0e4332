"""An HTTP server on loopback that answers exactly the bytes a test wants, and keeps what it was asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from probes.rtsp.messages import Headers


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Headers
    body: bytes


@dataclass
class WebServer:
    """``asked`` grows with each request; ``connections`` with each connection."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0


# Bytes to send (then the connection is closed), or a story of its own on the writer.
Reply = bytes | Callable[[asyncio.StreamWriter], Awaitable[None]]
Answering = Callable[[Asked], Reply]


@asynccontextmanager
async def serving(
    answering: Answering, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[WebServer]:
    """Serve while the block lasts, on a free port unless one is wanted; connections are cut at its end."""
    server = WebServer()
    tasks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        try:
            while asked := await _read(reader):
                server.asked.append(asked)
                reply = answering(asked)
                if isinstance(reply, bytes):
                    writer.write(reply)
                    await writer.drain()
                else:
                    await reply(writer)
                break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(talk(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    listening = await asyncio.start_server(accept, host, port, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = Headers(tuple((name, value.strip()) for name, _, value in (s.partition(":") for s in lines)))
    body = await reader.readexactly(int(headers.get("Content-Length") or 0))
    return Asked(method, path, headers, body)


def reply(status: int = 200, body: bytes = b"", *fields: str, reason: str = "OK") -> bytes:
    """A whole answer; ``fields`` are header lines."""
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n" + body
