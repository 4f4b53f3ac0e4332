"""A server that plays back a recorded exchange: to each request, what came after one of its method."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from probes.rtsp.exchange import Part, Way
from probes.rtsp.messages import Reader, Request


class Replay(asyncio.Protocol):
    """One connection. A request gets the next answer recorded for its method, with its own CSeq."""

    def __init__(self, answers: list[tuple[str, bytes]], seen: list[Request]) -> None:
        self._answers = answers
        self._seen = seen
        self._reader = Reader()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        for request in self._reader.feed(data):
            if not isinstance(request, Request):
                continue
            self._seen.append(request)
            found = next((answer for answer in self._answers if answer[0] == request.method), None)
            if found is not None:
                self._answers.remove(found)
                cseq = (request.headers.get("CSeq") or "").encode()
                self._transport.write(re.sub(rb"(?i)(\ncseq *: *)\d+", rb"\g<1>" + cseq, found[1]))


def answers_of(parts: Iterable[Part]) -> list[tuple[str, bytes]]:
    """The method of each request, and what came after it."""
    answers: list[tuple[str, bytes]] = []
    for part in parts:
        if part.way is Way.SENT:
            answers.append((part.data.partition(b" ")[0].decode(), b""))
        elif answers:
            answers[-1] = (answers[-1][0], answers[-1][1] + part.wire)
    return answers


@asynccontextmanager
async def replayed(answers: Iterable[tuple[str, bytes]]) -> AsyncIterator[tuple[int, list[Request]]]:
    """Serve the answers on a port of loopback; yields the port and the requests as they come."""
    waiting, seen = list(answers), list[Request]()
    server = await asyncio.get_running_loop().create_server(lambda: Replay(waiting, seen), "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen
