"""The sweep against real sockets: who is asked again at once, who never, and how many at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import ParamSpec, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from camera_registry.counters import Counters
from camera_registry.login_book import LoginBook
from camera_registry.plan import Plan, make_plan
from camera_registry.sweep import Sweeper, Tools, _Door
from probes.reasons import Check, Outcome, Reason
from probes.result import Credential, Depth, ProbeResult, Target
from probes.senses import Here, Senses
from probes.simulator.clips import ClipSpec, Codec
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import NOON, PASSWORD, USER, Clock, Pauses, camera, said
from tests.probes.climbing import QUICK, SENSES

OK = (Outcome.OK, Reason.OK)
P = ParamSpec("P")
T = TypeVar("T")


class Sweep:
    """A sweeper, and what came of it."""

    def __init__(
        self,
        pause: Callable[[float], Awaitable[None]] | None = None,
        *,
        in_flight: int = 100,
        senses: Senses = SENSES,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.results: list[ProbeResult] = []
        self.pauses = Pauses()
        self.counters = Counters.new()
        logins = LoginBook({}, lambda *_: None, clock, self.counters)
        tools = Tools(logins, senses, clock, self.counters, QUICK)
        self.sweeper = Sweeper(
            tools, self.results.append, in_flight=in_flight, confirm_after=3, pause=pause or self.pauses
        )

    def said(self) -> dict[str, tuple[Outcome, Reason] | None]:
        return {result.eye: said(result) for result in self.results}

    def open_now(self) -> float:
        return self.counters.registry.get_sample_value("camera_registry_sessions_open") or 0.0

    def counted(self, check: Check, outcome: Outcome) -> float | None:
        labels = {"check": check.value, "outcome": outcome.value}
        return self.counters.registry.get_sample_value("camera_registry_probes_total", labels)


def targets_of(sim: Simulator) -> list[Target]:
    """Every channel of every simulated device, as ``device-channel``."""
    found = []
    for spec in sim.fleet.cameras:
        host, port = sim.address_of(spec.name)
        for channel in range(1, spec.channels + 1):
            found.append(
                Target(
                    f"{spec.name}-{channel}",
                    host,
                    port,
                    spec.path(channel),
                    credential=Credential("1", USER, PASSWORD),
                    site="S1",
                    sessions=spec.sessions or 1,
                )
            )
    return found


def planned(sim: Simulator) -> Plan:
    """One shard with every eye in it."""
    return make_plan(targets_of(sim), {"S1": 60}, deep_interval_s=300, shard_eyes=1000)


def city(count: int) -> Fleet:
    return Fleet(tuple(camera(f"c{n}", host=f"127.0.0.{n}") for n in range(1, count + 1)))


# --- suspects ---------------------------------------------------------------------------------------


async def test_a_suspect_is_asked_again_twice_at_once_and_lightly() -> None:
    async with Simulator(Fleet((camera("c", faults=(Fault(FaultKind.REFUSED),)),))) as sim:
        sweep = Sweep()
        await sweep.sweeper.ask(targets_of(sim)[0], Depth.DEEP)
    assert [result.depth for result in sweep.results] == [Depth.DEEP, Depth.LIVENESS, Depth.LIVENESS]
    assert [result.memory.failures for result in sweep.results] == [1, 2, 3]
    soon, later = sweep.pauses.asked
    assert 8 <= soon <= 12
    assert 15 <= later <= 20
    assert sweep.sweeper.memories["c-1"].failures == 3
    assert sweep.counted(Check.STREAM, Outcome.FAILING) == 3


async def test_once_confirmed_it_is_asked_in_its_turn_only() -> None:
    async with Simulator(Fleet((camera("c", faults=(Fault(FaultKind.REFUSED),)),))) as sim:
        sweep, target = Sweep(), targets_of(sim)[0]
        await sweep.sweeper.ask(target, Depth.LIVENESS)
        await sweep.sweeper.ask(target, Depth.LIVENESS)
    assert [result.memory.failures for result in sweep.results] == [1, 2, 3, 4]
    assert len(sweep.pauses.asked) == 2


async def test_a_suspect_that_is_back_is_left_in_peace() -> None:
    async with Simulator(Fleet((camera("c", faults=(Fault(FaultKind.REFUSED),)),))) as sim:
        asked: list[float] = []

        async def repaired_meanwhile(seconds: float) -> None:
            asked.append(seconds)
            await sim.play("c")

        sweep = Sweep(repaired_meanwhile)
        await sweep.sweeper.ask(targets_of(sim)[0], Depth.LIVENESS)
    assert [said(result) for result in sweep.results] == [(Outcome.FAILING, Reason.TCP_REFUSED), OK]
    assert len(asked) == 1


@pytest.mark.parametrize(
    "kind", [FaultKind.WRONG_PASSWORD, FaultKind.LOCKED, FaultKind.BUSY, FaultKind.UNAVAILABLE], ids=str
)
async def test_who_could_not_be_asked_is_no_suspect(kind: FaultKind) -> None:
    async with Simulator(Fleet((camera("c", faults=(Fault(kind),)),))) as sim:
        sweep = Sweep()
        await sweep.sweeper.ask(targets_of(sim)[0], Depth.LIVENESS)
        assert sim.counters().logins_refused <= 1
    assert [v.outcome for result in sweep.results for v in result.verdicts] == [Outcome.UNKNOWN]
    assert sweep.pauses.asked == []


async def test_an_eye_that_is_being_asked_is_left_alone() -> None:
    """Its turn comes while a suspicion waits: the two would disturb each other."""
    waiting, leave = asyncio.Event(), asyncio.Event()

    async def long(seconds: float) -> None:
        waiting.set()
        await leave.wait()

    async with Simulator(Fleet((camera("c", faults=(Fault(FaultKind.REFUSED),)),))) as sim:
        sweep, target = Sweep(long), targets_of(sim)[0]
        first = asyncio.create_task(sweep.sweeper.ask(target, Depth.LIVENESS))
        await waiting.wait()
        await sweep.sweeper.ask(target, Depth.LIVENESS)
        assert len(sweep.results) == 1
        leave.set()
        await first
        assert len(sweep.results) == 3
        await sweep.sweeper.ask(target, Depth.LIVENESS)
        assert len(sweep.results) == 4


# --- how many at once -------------------------------------------------------------------------------


async def test_a_recorder_never_sees_more_sessions_than_it_bears() -> None:
    async with Simulator(Fleet((camera("nvr", channels=8, sessions=2),))) as sim:
        sweep = Sweep()
        (shard,) = planned(sim).shards
        await sweep.sweeper.sweep(shard, 0)
        assert sim.counters().sessions_peak == 2
        assert sim.counters().sessions_refused == 0
        assert sim.counters().teardowns == sim.counters().sessions_opened == 8
    assert sweep.said() == {f"nvr-{n}": OK for n in range(1, 9)}


async def test_no_more_are_under_way_than_this_process_may() -> None:
    peak: list[float] = []

    def clock() -> datetime:  # every probe looks at it when it begins
        peak.append(sweep.open_now())
        return datetime.now(UTC)

    async with Simulator(city(8)) as sim:
        sweep = Sweep(in_flight=3, clock=clock)
        (shard,) = planned(sim).shards
        await sweep.sweeper.sweep(shard, 0)
    assert len(sweep.results) == 8
    assert max(peak) == 3
    assert sweep.open_now() == 0


async def test_a_probe_that_finds_no_place_in_its_interval_is_a_result() -> None:
    async with Simulator(Fleet((camera("nvr", channels=2, sessions=1),))) as sim:
        sweep = Sweep()
        first, second = (replace(target, interval_s=0.05) for target in targets_of(sim))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sweep.sweeper.ask(first, Depth.LIVENESS))
            tasks.create_task(sweep.sweeper.ask(second, Depth.LIVENESS))
        assert sim.counters().sessions_opened == 1
    # The first took longer than its interval, too; it had begun.
    assert sweep.said() == {
        "nvr-1": OK,
        "nvr-2": (Outcome.UNKNOWN, Reason.PROBE_SKIPPED_BACKPRESSURE),
    }
    assert sweep.pauses.asked == []
    assert sweep.counted(Check.STREAM, Outcome.UNKNOWN) == 1


async def test_a_setting_that_changes_counts_sessions_under_way() -> None:
    """From two sessions to one: who is inside counts, and nobody else is let in before both have gone."""
    async with Simulator(Fleet((camera("nvr", channels=8, sessions=2),))) as sim:
        sweep = Sweep()
        targets = targets_of(sim)
        sweep.sweeper.follow(targets)
        async with asyncio.TaskGroup() as tasks:
            for target in targets:
                tasks.create_task(sweep.sweeper.once(target, Depth.LIVENESS))
            while sim.counters().sessions_open < 2:
                await asyncio.sleep(0)
            sweep.sweeper.follow([replace(target, sessions=1) for target in targets])
            opened, most = sim.counters().sessions_opened, 0
            while len(sweep.results) < 8:
                if sim.counters().sessions_opened > opened:
                    most = max(most, sim.counters().sessions_open)
                await asyncio.sleep(0)
        assert (opened, most) == (2, 1)
        assert sim.counters().sessions_refused == 0


async def test_somebody_who_waits_goes_before_the_round() -> None:
    async with Simulator(Fleet((camera("nvr", channels=8, sessions=1),))) as sim:
        sweep = Sweep()
        async with asyncio.TaskGroup() as tasks:
            for target in targets_of(sim)[:7]:
                tasks.create_task(sweep.sweeper.once(target, Depth.LIVENESS))
            await asyncio.sleep(0)
            wanted = targets_of(sim)[7]
            tasks.create_task(sweep.sweeper.once(wanted, Depth.LIVENESS, record=True, urgent=True))
    assert [result.eye for result in sweep.results][:2] == ["nvr-1", "nvr-8"]
    assert "DESCRIBE" in sweep.results[1].transcript


@given(
    sessions=st.integers(1, 3),
    steps=st.lists(st.sampled_from(["come", "hurry", "give up", "leave", "narrow", "widen"]), max_size=30),
)
def test_a_door_lets_in_as_many_as_it_should(sessions: int, steps: list[str]) -> None:
    """Whoever comes, gives up or leaves, in whatever order: no place is lost and none is given twice."""

    async def story() -> None:
        door, bears = _Door(), sessions
        door.widen(bears)
        guests: list[asyncio.Task[None]] = []
        inside: set[asyncio.Event] = set()

        async def guest(urgent: bool) -> None:
            leave = asyncio.Event()
            async with door.passed(urgent=urgent):
                inside.add(leave)
                try:
                    await leave.wait()
                finally:
                    inside.discard(leave)

        for step in steps:
            before = len(inside)
            if step in ("come", "hurry"):
                guests.append(asyncio.create_task(guest(step == "hurry")))
            elif step == "give up" and guests:
                guests[-1].cancel()
            elif step == "leave" and inside:
                next(iter(inside)).set()
            elif step in ("narrow", "widen"):
                bears = max(1, bears + (1 if step == "widen" else -1))
                door.widen(bears)
            await settle()
            guests = [task for task in guests if not task.done()]
            assert len(inside) <= max(bears, before)
            assert len(inside) >= min(bears, len(guests)), "somebody waits at an open door"
        for task in guests:
            task.cancel()
        await asyncio.gather(*guests, return_exceptions=True)

    async def settle() -> None:
        for _ in range(6):
            await asyncio.sleep(0)

    asyncio.run(story())


# --- who may not be asked any more ------------------------------------------------------------------


async def test_a_probe_of_an_eye_that_is_withdrawn_is_cut_short() -> None:
    """Its session is torn down, its result dropped, its suspicion forgotten; the others go on."""
    async with Simulator(
        Fleet((camera("c", faults=(Fault(FaultKind.NO_RTP),)), camera("d", host="127.0.0.2")))
    ) as sim:
        sweep = Sweep()
        targets = targets_of(sim)
        sweep.sweeper.follow(targets)
        async with asyncio.timeout(QUICK.first_packet + 1), asyncio.TaskGroup() as tasks:
            asked = tasks.create_task(sweep.sweeper.once(targets[0], Depth.LIVENESS))
            while sim.counters("c").sessions_open == 0:
                await asyncio.sleep(0)
            sweep.sweeper.follow(targets[1:])
            sweep.sweeper.follow(targets[1:])  # and again, while it is being torn down
            assert await asked is None
            assert await sweep.sweeper.once(targets[0], Depth.LIVENESS) is None
            await sweep.sweeper.ask(targets[1], Depth.LIVENESS)
        counted = sim.counters("c")
        assert (counted.connections, counted.teardowns, counted.sessions_dropped) == (1, 1, 0)
    assert sweep.said() == {"d-1": OK}
    assert sweep.sweeper.memories.keys() == {"d-1"}
    assert sweep.open_now() == 0


async def test_an_eye_that_is_withdrawn_while_it_waits_is_not_asked() -> None:
    async with Simulator(Fleet((camera("nvr", channels=2, sessions=1),))) as sim:
        sweep = Sweep()
        first, second = targets_of(sim)
        sweep.sweeper.follow([first, second])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sweep.sweeper.once(first, Depth.LIVENESS))
            waiting = tasks.create_task(sweep.sweeper.once(second, Depth.LIVENESS))
            while sim.counters().sessions_open == 0:
                await asyncio.sleep(0)
            sweep.sweeper.follow([first])
            assert await waiting is None
            sweep.sweeper.follow([first, second])
            tasks.create_task(sweep.sweeper.once(second, Depth.LIVENESS))
        assert sim.counters().sessions_opened == 2
    assert sweep.said() == {"nvr-1": OK, "nvr-2": OK}


async def test_who_waits_at_the_door_goes_in_with_what_is_known_by_then() -> None:
    async with Simulator(Fleet((camera("nvr", channels=2, sessions=1),))) as sim:
        sweep = Sweep()
        first, second = targets_of(sim)
        outdated = replace(second, credential=Credential("0", USER, "outdated"))
        sweep.sweeper.follow([first, outdated])
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(sweep.sweeper.once(first, Depth.LIVENESS))
            tasks.create_task(sweep.sweeper.once(outdated, Depth.LIVENESS))
            while sim.counters().sessions_open == 0:
                await asyncio.sleep(0)
            sweep.sweeper.follow([first, second])
        assert sim.counters().logins_refused == 0
    assert sweep.said() == {"nvr-1": OK, "nvr-2": OK}


# --- our own faults ---------------------------------------------------------------------------------


async def test_our_bug_is_one_eyes_result_and_the_others_are_asked() -> None:
    class Stumbles(Here):
        async def run(self, limit_s: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
            if "H265" in args:
                raise RuntimeError("our bug")
            return await super().run(limit_s, work, *args, **kwargs)

    odd = camera("odd", clip=ClipSpec(codec=Codec.H265, width=320, height=180))
    async with Simulator(Fleet((odd, camera("c", host="127.0.0.2")))) as sim:
        sweep = Sweep(senses=Senses(Stumbles()))
        with capture_logs() as logged:
            async with asyncio.TaskGroup() as tasks:
                for target in targets_of(sim):
                    tasks.create_task(sweep.sweeper.ask(target, Depth.DEEP))
        assert sim.counters().sessions_open == sim.counters().sessions_dropped == 0
    assert sweep.said() == {"odd-1": (Outcome.UNKNOWN, Reason.MONITOR_INTERNAL_ERROR), "c-1": OK}
    assert sweep.open_now() == 0
    assert sweep.sweeper.memories["odd-1"].failures == 0
    assert [(entry["event"], entry["eye"], entry["exc_info"]) for entry in logged] == [
        ("probe failed", "odd-1", True)
    ]


# --- times ------------------------------------------------------------------------------------------


async def test_each_eye_of_a_shard_is_asked_at_its_own_moment() -> None:
    async with Simulator(city(5)) as sim:
        (shard,) = planned(sim).shards
        slot = shard.slot_at(NOON.timestamp())
        clock = Clock(datetime.fromtimestamp(shard.due_at(slot), UTC))
        sweep = Sweep(clock=clock)
        await sweep.sweeper.sweep(shard, slot)
    assert sorted(sweep.pauses.asked) == pytest.approx(sorted(a.offset_s for a in shard.asks), abs=1e-5)
    assert len(sweep.results) == 5
    assert sweep.counted(Check.STREAM, Outcome.OK) == 5


async def test_a_late_sweep_asks_at_once_and_says_how_late() -> None:
    async with Simulator(city(1)) as sim:
        (shard,) = planned(sim).shards
        clock = Clock()
        sweep = Sweep(clock=clock)
        slot = shard.slot_at(NOON.timestamp() - 600)
        await sweep.sweeper.sweep(shard, slot)
        lag = sweep.counters.registry.get_sample_value("camera_registry_sweep_lag_seconds")
    assert sweep.pauses.asked == []
    due = shard.due_at(slot) + shard.asks[0].offset_s
    assert lag == pytest.approx(NOON.timestamp() - due)


async def test_who_has_no_turn_is_not_asked() -> None:
    async with Simulator(Fleet((camera("nvr", channels=4, sessions=2),))) as sim:
        (shard,) = planned(sim).shards
        shard = replace(shard, asks=tuple(replace(a, every=2, turn=n % 2) for n, a in enumerate(shard.asks)))
        for slot in (0, 1):
            sweep = Sweep()
            await sweep.sweeper.sweep(shard, slot)
            assert set(sweep.said()) == {a.target.eye for a in shard.asks if a.turn == slot}


async def test_what_a_probe_learned_goes_into_the_next() -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        sweep, target = Sweep(), targets_of(sim)[0]
        await sweep.sweeper.ask(target, Depth.LIVENESS)
        first = sweep.results[0].memory
        assert first.transport is not None
        assert first.algorithm == "MD5"
        await sweep.sweeper.ask(target, Depth.LIVENESS)
        assert sweep.results[1].memory.probe_s != first.probe_s
        assert sweep.sweeper.memories == {"c-1": sweep.results[1].memory}
