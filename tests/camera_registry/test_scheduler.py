"""The clock of the round: each slot once, no burst after a restart, nothing made up for."""

import asyncio

import pytest

from camera_registry.plan import Plan, Shard
from camera_registry.scheduler import DueShards, Jobs
from tests.camera_registry.watching import Clock


class Sent:
    """A dispatcher that only notes what it was handed."""

    def __init__(self) -> None:
        self.slots: list[tuple[str, int]] = []

    def dispatch(self, shard: Shard, slot: int) -> None:
        self.slots.append((shard.key, slot))

    def taken(self) -> list[tuple[str, int]]:
        slots, self.slots = self.slots, []
        return slots


def plan(**shards: tuple[int, float]) -> Plan:
    """Shards by name, with interval and phase."""
    return Plan(tuple(Shard(key, interval, phase, ()) for key, (interval, phase) in shards.items()), ())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sent() -> Sent:
    return Sent()


def run(due: DueShards, clock: Clock, seconds: int) -> None:
    """Let time pass as it does, a tick a second."""
    for _ in range(seconds):
        clock.advance(1)
        due.tick()


def slot(clock: Clock, interval_s: int) -> int:
    return int(clock().timestamp() // interval_s)


def test_each_slot_goes_out_once_at_its_time(sent: Sent, clock: Clock) -> None:
    due = DueShards(sent, clock)
    due.follow(plan(a=(60, 10), b=(60, 40)))
    first = slot(clock, 60)
    run(due, clock, 9)
    assert sent.taken() == []
    run(due, clock, 1)
    assert sent.taken() == [("a", first)]
    run(due, clock, 170)
    assert sent.taken() == [
        ("b", first), ("a", first + 1), ("b", first + 1), ("a", first + 2), ("b", first + 2),
    ]  # fmt: skip


def test_shards_due_together_go_out_together_in_order(sent: Sent, clock: Clock) -> None:
    due = DueShards(sent, clock)
    due.follow(plan(a=(60, 10), b=(60, 10.5), c=(60, 11)))
    clock.advance(12)
    due.tick()
    assert [key for key, _ in sent.taken()] == ["a", "b", "c"]


def test_a_restart_makes_no_burst(sent: Sent, clock: Clock) -> None:
    city = plan(**{f"s{n:02}": (60, n) for n in range(60)})
    first = DueShards(sent, clock)
    first.follow(city)
    run(first, clock, 90)
    sent.taken()
    restarted = DueShards(sent, clock)
    restarted.follow(city)
    restarted.tick()
    assert sent.taken() == []
    run(restarted, clock, 60)
    after = sent.taken()
    assert len(after) == len(set(after)) == 60


def test_missed_slots_are_not_made_up_for(sent: Sent, clock: Clock) -> None:
    due = DueShards(sent, clock)
    due.follow(plan(a=(60, 10), b=(300, 20)))
    run(due, clock, 30)
    sent.taken()
    clock.advance(3600)
    due.tick()
    now = slot(clock, 60)
    assert sorted(sent.taken()) == [("a", now), ("b", slot(clock, 300))]
    run(due, clock, 60)
    assert sent.taken() == [("a", now + 1)]


def test_a_new_plan_moves_nobody_who_stays(sent: Sent, clock: Clock) -> None:
    due = DueShards(sent, clock)
    due.follow(plan(a=(60, 10), gone=(60, 12)))
    run(due, clock, 30)
    first = slot(clock, 60)
    assert sent.taken() == [("a", first), ("gone", first)]
    due.follow(plan(a=(60, 10), new=(60, 50)))
    due.tick()
    assert sent.taken() == []
    run(due, clock, 60)
    assert sent.taken() == [("new", first), ("a", first + 1)]


def test_a_plan_made_while_a_slot_is_due_does_not_lose_it(sent: Sent, clock: Clock) -> None:
    due = DueShards(sent, clock)
    due.follow(plan(a=(60, 10)))
    clock.advance(10)
    due.follow(plan(a=(60, 10)))
    due.tick()
    due.follow(plan(a=(60, 10)))
    due.tick()
    assert sent.taken() == [("a", slot(clock, 60))]


def test_the_dispatched_shard_is_the_one_of_the_newest_plan(clock: Clock) -> None:
    seen: list[Shard] = []

    class Keeping:
        def dispatch(self, shard: Shard, slot: int) -> None:
            seen.append(shard)

    due = DueShards(Keeping(), clock)
    due.follow(plan(a=(60, 10)))
    newer = plan(a=(60, 10))
    due.follow(newer)
    run(due, clock, 10)
    assert seen == [newer.shards[0]]
    assert seen[0] is newer.shards[0]


def test_a_changed_interval_holds_from_the_next_slot(sent: Sent, clock: Clock) -> None:
    due = DueShards(sent, clock)
    due.follow(plan(a=(60, 10)))
    run(due, clock, 20)
    sent.taken()
    due.follow(plan(a=(300, 10)))
    run(due, clock, 289)
    assert sent.taken() == []
    run(due, clock, 1)
    assert sent.taken() == [("a", slot(clock, 300))]


def test_a_clock_set_back_keeps_nobody_waiting(sent: Sent, clock: Clock) -> None:
    due = DueShards(sent, clock)
    due.follow(plan(a=(60, 10)))
    run(due, clock, 30)
    sent.taken()
    clock.advance(-3600)
    due.follow(plan(a=(60, 10)))
    run(due, clock, 60)
    assert sent.taken() == [("a", slot(clock, 60))]


# --- jobs -------------------------------------------------------------------------------------------


class Work:
    """A job that counts its runs, and waits for leave to end."""

    def __init__(self) -> None:
        self.begun = self.ended = self.at_once = 0
        self.running = asyncio.Event()
        self.leave = asyncio.Event()

    async def __call__(self) -> None:
        self.begun += 1
        self.at_once = max(self.at_once, self.begun - self.ended)
        self.running.set()
        await self.leave.wait()
        self.ended += 1


async def test_a_job_that_takes_longer_than_its_interval_is_not_run_twice() -> None:
    work = Work()
    jobs = Jobs({"work": (0.01, work)})
    await work.running.wait()
    await asyncio.sleep(0.08)
    assert work.begun == 1
    work.leave.set()
    async with asyncio.timeout(5):
        while work.ended < 3:
            await asyncio.sleep(0.01)
    assert work.at_once == 1
    await jobs.stop()


async def test_stop_waits_for_a_run_that_has_begun_and_begins_no_other() -> None:
    work = Work()
    jobs = Jobs({"work": (0.01, work)})
    await work.running.wait()
    stopping = asyncio.create_task(jobs.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    work.leave.set()
    await stopping
    assert (work.begun, work.ended) == (1, 1)
    await asyncio.sleep(0.05)
    assert work.begun == 1


async def test_a_run_that_fails_ends_neither_its_job_nor_the_others() -> None:
    work, runs = Work(), 0
    work.leave.set()

    async def failing() -> None:
        nonlocal runs
        runs += 1
        raise RuntimeError("our bug")

    jobs = Jobs({"failing": (0.01, failing), "work": (0.01, work)})
    async with asyncio.timeout(5):
        while runs < 2 or work.ended < 2:
            await asyncio.sleep(0.01)
    await jobs.stop()
