"""The dispatcher of one process: sweeps are tasks."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from camera_registry.plan import Shard
from camera_registry.sweep import Sweeper

log = structlog.get_logger(__name__)


class LocalEngine:
    """Runs sweeps in this process; ``write`` keeps what they have found so far."""

    def __init__(self, sweeper: Sweeper, write: Callable[[], Awaitable[None]]) -> None:
        self._sweeper = sweeper
        self._write = write
        self._sweeps: set[asyncio.Task[None]] = set()

    def dispatch(self, shard: Shard, slot: int) -> None:
        """Begin a sweep; it runs on its own."""
        task = asyncio.create_task(self._sweeper.sweep(shard, slot), name=f"sweep {shard.key}:{slot}")
        self._sweeps.add(task)
        task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """End every sweep, closing its sessions in good order, and write what is known."""
        for task in self._sweeps:
            task.cancel()
        await asyncio.gather(*self._sweeps, return_exceptions=True)
        await self._write()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._sweeps.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("sweep failed", sweep=task.get_name(), exc_info=error)
