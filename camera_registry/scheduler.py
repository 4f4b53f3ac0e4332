"""APScheduler as the clock: which shard is due, and the periodic jobs.

A handful of jobs, none per eye. Due times follow from the plan alone, so a restart resumes where the hour
stands and makes no burst; a slot that passed while nobody looked is not made up for.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime
from typing import Protocol

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from camera_registry.plan import Plan, Shard


class Dispatcher(Protocol):
    """Who sweeps: this process, or workers elsewhere."""

    def dispatch(self, shard: Shard, slot: int) -> None: ...


class DueShards:
    """Hands each shard to the dispatcher once per slot."""

    def __init__(self, dispatcher: Dispatcher, clock: Callable[[], datetime]) -> None:
        self._dispatcher = dispatcher
        self._clock = clock
        self._heap: list[tuple[float, str, int]] = []  # due at, shard, slot
        self._shards: dict[str, Shard] = {}

    def follow(self, plan: Plan) -> None:
        """Go by this plan from now on. Shards that stay keep their place in the queue."""
        now = self._clock().timestamp()
        before = {key: (shard.interval_s, shard.phase_s) for key, shard in self._shards.items()}
        self._shards = {shard.key: shard for shard in plan.shards}
        times = {key: (shard.interval_s, shard.phase_s) for key, shard in self._shards.items()}
        self._heap = [
            entry
            for entry in self._heap
            if times.get(entry[1]) == before[entry[1]]
            and entry[0] <= now + before[entry[1]][0]  # later: the clock was set back meanwhile
        ]
        heapq.heapify(self._heap)
        for key in times.keys() - {key for _, key, _ in self._heap}:
            self._queue(key, self._shards[key].slot_at(now) + 1)

    def tick(self) -> None:
        """Dispatch what is due now; of several missed slots only the newest."""
        now = self._clock().timestamp()
        while self._heap and self._heap[0][0] <= now:
            _, key, slot = heapq.heappop(self._heap)
            shard = self._shards[key]
            slot = max(slot, shard.slot_at(now))
            self._queue(key, slot + 1)
            self._dispatcher.dispatch(shard, slot)

    def _queue(self, key: str, slot: int) -> None:
        heapq.heappush(self._heap, (self._shards[key].due_at(slot), key, slot))


Job = Callable[[], Coroutine[None, None, None]]


class Jobs:
    """The periodic jobs of a process, each with its seconds between runs; begun when made.

    A run that takes longer than its interval is not started twice.
    """

    def __init__(self, jobs: Mapping[str, tuple[float, Job]]) -> None:
        self._running: set[asyncio.Task[None]] = set()
        self._scheduler = AsyncIOScheduler(timezone="UTC")
        for name, (seconds, job) in jobs.items():
            self._scheduler.add_job(
                self._run,
                "interval",
                args=[job],
                seconds=seconds,
                id=name,
                max_instances=1,
                coalesce=True,
                misfire_grace_time=None,  # a job that could not run in time runs late, and once
            )
        self._scheduler.start()

    async def stop(self) -> None:
        """Start no more runs, and wait for those that have begun: half a write helps nobody."""
        self._scheduler.pause()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._scheduler.shutdown(wait=False)

    async def _run(self, job: Job) -> None:
        task = asyncio.ensure_future(job())
        self._running.add(task)
        try:
            await asyncio.shield(task)
        finally:
            self._running.discard(task)
