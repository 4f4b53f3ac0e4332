"""APScheduler as the clock: which shard is due, and the periodic jobs.

A handful of jobs, none per eye. Due times follow from the plan alone, so a restart resumes where the hour
stands and makes no burst; a slot that passed while nobody looked is not made up for.
"""

import heapq
from collections.abc import Awaitable, Callable
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
        kept = {key for key in times if before.get(key) == times[key]}
        self._heap = [entry for entry in self._heap if entry[1] in kept]
        heapq.heapify(self._heap)
        for key in times.keys() - kept:
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


Job = Callable[[], Awaitable[None] | None]


def start(jobs: dict[str, tuple[float, Job]]) -> AsyncIOScheduler:
    """Run each job (by name: seconds between runs, what to do) on the running loop until shut down.

    A run that takes longer than its interval is not started twice.
    """
    scheduler = AsyncIOScheduler(timezone="UTC")
    for name, (seconds, job) in jobs.items():
        scheduler.add_job(
            job,
            "interval",
            seconds=seconds,
            id=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,  # a job that could not run in time runs late, and once
        )
    scheduler.start()
    return scheduler
