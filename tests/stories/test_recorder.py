"""A recorder of 64 channels that bears two sessions, over a day: never locked, never falsely down.

The clock is ours (a day passes in seconds); the recorder, its lock, the probes and the registry are real.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import uvloop
from sqlalchemy import select

from camera_registry import models, queries
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.health import EyeState
from camera_registry.monitor import Monitor, prepare
from camera_registry.plan import Plan
from camera_registry.sweep import Sweeper
from camera_registry.units import Scope
from probes.reasons import Reason
from probes.result import Memory
from probes.simulator.clips import ClipSpec
from probes.simulator.fleet import Auth, CameraSpec, Fleet, Start
from probes.simulator.simulator import Simulator
from tests.servers import free_port
from tests.stories.programs import Home, opened, register

CHANNELS, SESSIONS, INTERVAL_S = 64, 2, 60
NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
DAY = timedelta(hours=24)
WRONG, RIGHT = "last year's password", "this year's password"


@dataclass(slots=True)
class Clock:
    """The time of the story; whoever waits moves it on."""

    now: datetime = NOON
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> datetime:
        return self.now

    def since_noon(self) -> float:
        return (self.now - NOON).total_seconds()

    async def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += timedelta(seconds=seconds)


def recorder() -> Fleet:
    spec = CameraSpec(
        "R",
        port=free_port(),
        channels=CHANNELS,
        paths=("/Streaming/Channels/{channel}02",),
        auth=(Auth.SHA256, Auth.MD5),
        password=RIGHT,
        sessions=SESSIONS,
        lock_after=5,
        start=Start.IDR,
        clip=ClipSpec(fps=25),
    )
    return Fleet((spec,))


@contextmanager
def watching(home: Home, clock: Clock) -> Iterator[Monitor]:
    """The monitor of a process, with our clock in the place of sleep; it decodes next to nothing."""
    settings = home.settings.model_copy(update={"deep_interval_s": 86_400})
    with opened(home) as database:
        made = prepare(database, settings, CredentialStore(settings), Counters.new(), clock, lambda _: None)
        sweeper = Sweeper(
            made.tools,
            made.results.put,
            in_flight=settings.in_flight,
            confirm_after=settings.confirm_after,
            pause=clock.pause,
        )
        yield replace(made, sweeper=sweeper)
        made.close()


async def watch(monitor: Monitor, plan: Plan, clock: Clock, until: datetime) -> None:
    """Sweep the one shard in each of its slots, write the results, and tick, as ``serve`` does."""
    (shard,) = plan.shards
    offset_s = shard.asks[0].offset_s  # of the one device, so of all
    slot = shard.slot_at(clock.now.timestamp() - offset_s) + 1
    while (due := datetime.fromtimestamp(shard.due_at(slot) + offset_s, UTC)) < until:
        clock.now = due
        await monitor.sweeper.sweep(shard, slot)
        if slot % 5 == 0:
            await monitor.results.write()
            monitor.ingest.tick(clock.now)
        slot += 1
    clock.now = until
    await monitor.results.write()
    monitor.ingest.tick(clock.now)


def rows(monitor: Monitor) -> list[queries.EyeRow]:
    with monitor.database.reading() as session:
        return queries.eyes(session, Scope.everything(), monitor.clock(), monitor.settings.zone)


def change_password(home: Home, monitor: Monitor, password: str) -> None:
    with monitor.database.transaction() as session:
        CredentialStore(home.settings).put(session, "cameras", None, password, now=monitor.clock())


def test_wrong_password_for_a_day(home: Home) -> None:
    fleet, clock = recorder(), Clock()
    register(home, fleet, interval_s=INTERVAL_S)

    async def story() -> None:
        with watching(home, clock) as monitor:
            async with Simulator(fleet, clock=clock.since_noon) as city:
                change_password(home, monitor, WRONG)
                # Its sessions took 10 s while the password was right: 64 x 10.2 s, two at a time, at 70 %.
                learned = {target.eye: Memory(probe_s=10.0) for target in monitor.targets()}
                monitor.sweeper.memories.update(learned)
                plan = monitor.plan()
                assert [pace.effective_interval_s for pace in plan.paces] == [480.0]

                await watch(monitor, plan, clock, NOON + DAY)
                counted = city.counters()
                assert counted.locks == 0
                assert counted.logins_refused <= 3
                assert counted.connections == CHANNELS * DAY.total_seconds() / 480
                assert max(clock.waits, default=0.0) < 1, "a refused login is not asked again at once"
                for row in rows(monitor):
                    assert row.interval_s == 480.0, "the pace that was computed is shown"
                    assert row.state is EyeState.UNKNOWN
                    assert row.reason in (Reason.AUTH_REJECTED, Reason.AUTH_SUSPENDED)
                with monitor.database.reading() as session:
                    fell = session.scalars(
                        select(models.Transition).where(models.Transition.after.in_(["down", "failing"]))
                    )
                    assert fell.all() == [], "no eye was falsely down"

                change_password(home, monitor, RIGHT)
                began = clock.now
                plan = monitor.plan()
                (pace,) = plan.paces
                await watch(monitor, plan, clock, began + timedelta(seconds=pace.effective_interval_s))
                for row in rows(monitor):
                    assert row.state is EyeState.UP
                    assert row.since is not None
                    assert row.since >= began
                counted = city.counters()
                assert counted.logins_refused <= 3
                assert (counted.sessions_peak, counted.sessions_dropped) == (SESSIONS, 0)

    uvloop.run(story())


def test_observed_within_the_effective_interval(home: Home) -> None:
    fleet, clock = recorder(), Clock()
    register(home, fleet, interval_s=INTERVAL_S)

    async def story() -> None:
        with watching(home, clock) as monitor:
            async with Simulator(fleet, clock=clock.since_noon) as city:
                plan = monitor.plan()
                (pace,) = plan.paces
                assert (pace.eyes, pace.sessions, pace.effective_interval_s) == (CHANNELS, SESSIONS, 120.0)
                await watch(monitor, plan, clock, NOON + timedelta(seconds=pace.effective_interval_s))
                counted = city.counters()
                assert {(row.state, row.interval_s) for row in rows(monitor)} == {(EyeState.UP, 120.0)}
                assert (counted.sessions_opened, counted.sessions_refused) == (CHANNELS, 0)
                assert counted.sessions_peak == SESSIONS
                assert (counted.sessions_open, counted.sessions_dropped) == (0, 0)

    uvloop.run(story())
