"""Sends what is long, or never ends, piece by piece and only as fast as the other side reads."""

import asyncio
from collections.abc import Iterator
from typing import Final

MAX_UNSENT_BYTES: Final = 1 << 20


class Pouring:
    """Sends ``pieces``, one each ``pause`` seconds at most, until they end or :meth:`stop` is called."""

    def __init__(self, transport: asyncio.Transport, pieces: Iterator[bytes], pause: float) -> None:
        self._transport = transport
        self._pieces = pieces
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._step()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _step(self) -> None:
        if self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() < MAX_UNSENT_BYTES:
            piece = next(self._pieces, None)
            if piece is None:
                return
            self._transport.write(piece)
        self._timer = self._loop.call_later(self._pause, self._step)
