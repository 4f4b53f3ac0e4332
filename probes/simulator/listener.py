"""One bound TCP port that listens, refuses or drops, as a script wants it."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from typing import Final, cast

from probes.simulator.faults import Fault
from probes.simulator.kinds import FaultKind

BACKLOG: Final = 1024
PLAIN_ANSWER: Final = b"HTTP/1.1 400 Bad Request\r\n\r\n"
MANNERS: Final = {
    FaultKind.REFUSED: FaultKind.REFUSED,
    FaultKind.WEB_REFUSED: FaultKind.REFUSED,
    FaultKind.FILTERED: FaultKind.FILTERED,
    FaultKind.TLS: FaultKind.TLS,
}


def manner_of(fault: Fault | None) -> FaultKind | None:
    """How a listener behaves under a fault; ``None``: it listens."""
    return None if fault is None else MANNERS.get(fault.kind)


class Listener:
    """Bound to one address from the first moment on; ``welcome`` makes a protocol for each visitor's address.

    It listens once :meth:`become` was called. Raises :class:`OSError` for an address that cannot be had.
    """

    def __init__(
        self,
        address: tuple[str, int],
        welcome: Callable[[str], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._welcome = welcome
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._arrivals = set[asyncio.Task[None]]()
        self._socket = _bound(*address)
        self._filler: socket.socket | None = None
        self._manner: FaultKind | None = FaultKind.REFUSED  # bound, and not listening yet

    @property
    def address(self) -> tuple[str, int]:
        host, port = self._socket.getsockname()
        return str(host), int(port)

    def become(self, manner: FaultKind | None) -> None:
        """Refuse, drop what comes, break TLS, or (``None``) listen."""
        if manner is self._manner:
            return
        if self._manner is not FaultKind.REFUSED:
            self._stop_listening()
        if manner is FaultKind.FILTERED:
            self._fill()
        elif manner is not FaultKind.REFUSED:
            self._socket.listen(BACKLOG)
            self._loop.add_reader(self._socket, self._accept)
        self._manner = manner

    def close(self) -> None:
        for arrival in self._arrivals:
            arrival.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._filler is not None:
            self._filler.close()

    def _stop_listening(self) -> None:
        """A bound socket that does not listen: connections are refused and the port stays ours."""
        address = self.address
        self._loop.remove_reader(self._socket)
        self._socket.close()
        if self._filler is not None:
            self._filler.close()
            self._filler = None
        self._socket = _bound(*address)

    def _fill(self) -> None:
        """Fill the queue of a listener that never accepts; Linux drops the SYNs that come after."""
        self._socket.listen(0)
        self._filler = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._filler.setblocking(False)
        self._filler.connect_ex(self.address)

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            try:
                client, peer = self._socket.accept()
            except OSError:
                return  # nobody waits any more, or the visitor has left
            arrival = self._loop.create_task(self._receive(client, str(peer[0])))
            self._arrivals.add(arrival)
            arrival.add_done_callback(self._arrivals.discard)

    async def _receive(self, client: socket.socket, source: str) -> None:
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plain = self._manner is FaultKind.TLS
        try:
            await self._loop.connect_accepted_socket(
                PlainAnswer if plain else lambda: self._welcome(source),
                client,
                ssl=None if plain else self._tls,
            )
        except OSError:  # TLS errors are OSErrors: the visitor did not shake hands
            client.close()


def reset(transport: asyncio.Transport) -> None:
    """Make the close that follows send RST in place of FIN: a linger time of zero does it."""
    raw = transport.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setblocking(False)
    try:
        listener.bind((host, port))
    except OSError:
        listener.close()
        raise
    return listener


class PlainAnswer(asyncio.Protocol):
    """What meets a TLS ClientHello at a device whose TLS is broken."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(PLAIN_ANSWER)
        self._transport.close()
