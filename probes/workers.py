"""A few processes that look at pictures: what hangs or crashes there costs one result.

Decoders are large C libraries that are fed by strangers. They run in spawned processes with a hard limit of
time and of memory; a process that is lost is replaced, and the probe that asked gets a reason.
"""

import asyncio
import os
import resource
import signal
from collections.abc import Callable
from functools import partial
from multiprocessing import get_context
from typing import Final, ParamSpec, TypeVar

from pebble import ProcessExpired, ProcessPool

from probes.errors import WorkerError
from probes.reasons import Reason

P = ParamSpec("P")
T = TypeVar("T")

MEMORY_BYTES: Final = 2 * 1024**3  # of addresses; 0.6 GB of them are OpenCV, FFmpeg and NumPy themselves
TASKS: Final = 5000  # then a worker is replaced: whatever a decoder leaks is gone
WAIT_S: Final = 10.0  # for a free worker


class Workers:
    """``count`` processes, started when the first task comes; for use by one event loop."""

    def __init__(
        self, count: int = 1, *, memory_bytes: int = MEMORY_BYTES, tasks: int = TASKS, wait_s: float = WAIT_S
    ) -> None:
        self._new_pool = partial(
            ProcessPool,
            max_workers=count,
            max_tasks=tasks,
            initializer=_begin,
            initargs=(memory_bytes,),
            # A forked child would inherit sockets of cameras, and locks of threads it does not have.
            context=get_context("spawn"),
        )
        self._pool = self._new_pool()
        self._free = asyncio.Semaphore(count)
        self._wait_s = wait_s

    async def run(self, limit_s: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``work(*args, **kwargs)`` in a worker, at most ``limit_s`` seconds from its start.

        What ``work`` raises is raised here. Raises ``WorkerError``: ``DECODE_FAILED`` where it took longer,
        ``MONITOR_INTERNAL_ERROR`` where the process died, ``PROBE_SKIPPED_BACKPRESSURE`` where none was free.
        """
        try:
            async with asyncio.timeout(self._wait_s):
                await self._free.acquire()
        except TimeoutError as error:
            detail = f"no free worker in {self._wait_s:g} s"
            raise WorkerError(Reason.PROBE_SKIPPED_BACKPRESSURE, detail) from error
        try:
            future = self._pool.schedule(work, args=args, kwargs=kwargs, timeout=limit_s)
            return await asyncio.wrap_future(future)
        except TimeoutError as error:
            raise WorkerError(Reason.DECODE_FAILED, f"no picture in {limit_s:g} s") from error
        except ProcessExpired as error:
            raise WorkerError(Reason.MONITOR_INTERNAL_ERROR, "a worker died over a picture") from error
        except RuntimeError as error:
            if self._pool.active:
                raise  # of ``work``
            # Workers that die at their start take the pool with them; the next picture finds a new one.
            self._pool.stop()  # type: ignore[no-untyped-call]  # pebble has no types here
            self._pool = self._new_pool()
            raise WorkerError(Reason.MONITOR_INTERNAL_ERROR, "the workers were lost") from error
        finally:
            self._free.release()

    def close(self) -> None:
        """End the processes, at once; tasks under way are cancelled."""
        self._pool.stop()  # type: ignore[no-untyped-call]  # pebble has no types here
        self._pool.join()


def _begin(memory_bytes: int) -> None:
    """In each worker, first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends its workers
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would keep a picture
    # Decoders write a line for every damaged picture, in the words of libjpeg and FFmpeg.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 2)
    os.close(silence)
