"""Starting a site that its own machine asks: by stages, taken back where logins are refused."""

import asyncio
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from camera_registry import models
from camera_registry.db import Database
from camera_registry.handing_over import hand_over
from camera_registry.monitor import Monitor
from camera_registry.rollout import Progress, Stage, Started
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Rung, Step, Verdict
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import Clock, camera, shut, watch

FLEET = Fleet((camera("r", channels=14, sessions=2),))
EYES = 14


@dataclass
class Machine:
    """Plays the machine of the site between two looks: it tells of each started eye, once."""

    monitor: Monitor
    clock: Clock
    refuses: Collection[str] = ()
    silent: bool = False
    told: set[str] = field(default_factory=set)

    async def __call__(self, seconds: float) -> None:
        self.clock.advance(seconds)
        if not self.silent:
            fresh = started(self.monitor.database) - self.told
            self.told |= fresh
            self.monitor.ingest.deliver(f"{len(self.told)}-{self.clock.now}", [*map(self._result, fresh)])
        await asyncio.sleep(0)

    def _result(self, eye: str) -> ProbeResult:
        refused = eye in self.refuses
        reason = Reason.AUTH_REJECTED if refused else Reason.OK
        outcome = Outcome.UNKNOWN if refused else Outcome.OK
        at = self.clock.now - timedelta(seconds=0.5)
        return ProbeResult(
            eye=eye,
            at=at,
            depth=Depth.LIVENESS,
            seconds=0.1,
            verdicts=(Verdict(Check.STREAM, outcome, reason, 60.0),),
            memory=Memory(),
            rungs=(Rung(Step.DESCRIBE, 0.1, reason),),
        )


def started(database: Database) -> set[str]:
    with database.reading() as session:
        return set(session.scalars(select(models.Eye.code).where(models.Eye.started_at.is_not(None))))


@contextmanager
def delivered(url: str, folder: Path, sim: Simulator, clock: Clock) -> Iterator[Monitor]:
    monitor = watch(url, folder, sim, clock, started=False)
    with monitor.database.transaction() as session:
        session.execute(update(models.Site).values(delivered=True))
    yield monitor
    shut(monitor)


@pytest.mark.parametrize(
    ("machine", "ended", "left"),
    [
        pytest.param({}, Started(EYES, EYES, 0, None), EYES, id="all is well"),
        pytest.param({"silent": True}, Started(0, 0, 0, None), 0, id="nobody is there"),
        pytest.param({"refuses": ["r-1"]}, Started(1, 0, 1, Stage.CANARY), 0, id="the canary is refused"),
    ],
)
async def test_eyes_are_started_as_far_as_the_machine_tells_well_of_them(
    database_url: str, tmp_path: Path, machine: dict[str, object], ended: Started, left: int
) -> None:
    clock, heard = Clock(), list[Progress]()
    async with Simulator(FLEET) as sim:
        with delivered(database_url, tmp_path, sim, clock) as monitor:
            assert monitor.targets(started=False) == [], "nobody here asks them"
            plan = monitor.plan_of(monitor.targets("S1", started=False, delivered=True))
            plays = Machine(monitor, clock, **machine)  # type: ignore[arg-type]  # any of its fields
            assert await hand_over(monitor, plan, heard.append, plays) == ended
            assert len(started(monitor.database)) == left
            assert monitor.targets() == []
        assert sim.counters().connections == 0
    assert heard


async def test_who_stops_it_keeps_what_the_machine_told_of(database_url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(FLEET) as sim:
        with delivered(database_url, tmp_path, sim, clock) as monitor:
            plan = monitor.plan_of(monitor.targets("S1", started=False, delivered=True))
            plays = Machine(monitor, clock)

            async def until_the_third_stage(seconds: float) -> None:
                plays.silent = len(plays.told) >= 11
                await plays(seconds)
                if plays.silent:
                    raise asyncio.CancelledError

            with pytest.raises(asyncio.CancelledError):
                await hand_over(monitor, plan, lambda _: None, until_the_third_stage)
            assert started(monitor.database) == plays.told
