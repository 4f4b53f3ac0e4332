"""The daily reading of devices: whose hour it is, what is kept of it, and what another device changes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select, update

from camera_registry import models
from camera_registry.audit import Actor
from camera_registry.facts import confirm_device
from camera_registry.monitor import Monitor
from camera_registry.survey import AGAIN_AFTER, Surveyor, day_begun
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth
from probes.simulator.faces import HttpSpec, Maker, OnvifSpec
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import Clock, camera, shut, watch

RECORDER = camera(
    "r", channels=2, http=HttpSpec(maker=Maker.HIKVISION, days=20, onvif=OnvifSpec(), firmware="1.0.0")
)


@asynccontextmanager
async def recorder(url: str, folder: Path, clock: Clock) -> AsyncIterator[tuple[Simulator, Monitor]]:
    async with Simulator(Fleet((RECORDER,))) as sim, asyncio.timeout(60):
        monitor = watch(url, folder, sim, clock)
        registered(monitor, sim)
        try:
            yield sim, monitor
        finally:
            await monitor.web.close()
            shut(monitor)


def registered(monitor: Monitor, sim: Simulator) -> None:
    """What an inventory says of the recorder beyond its stream."""
    _, port = sim.web_address_of("r")
    with monitor.database.transaction() as session:
        session.execute(
            update(models.Device).values(web_port=port, onvif_port=port, manufacturer="Hikvision")
        )
        session.execute(update(models.Eye).where(models.Eye.code == "r-1").values(required_days=30))
        session.execute(update(models.Eye).where(models.Eye.code == "r-2").values(required_days=10))


async def read_through(surveyor: Surveyor, monitor: Monitor) -> None:
    await surveyor.look()
    while surveyor.under_way:
        await asyncio.sleep(0.01)
    await monitor.results.write()


def recording(monitor: Monitor) -> dict[str, tuple[str, str]]:
    with monitor.database.reading() as session:
        rows = session.execute(
            select(models.Eye.code, models.Condition.state, models.Condition.reason)
            .join(models.Condition)
            .where(models.Condition.check == Check.RECORDING)
        )
        return {code: (state, reason) for code, state, reason in rows}


async def test_a_recorder_is_read_once_a_day_with_one_login(database_url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with recorder(database_url, tmp_path, clock) as (sim, monitor):
        begun = day_begun(monitor.targets()[0], clock.now)
        clock.advance((begun + timedelta(days=1, minutes=1) - clock.now).total_seconds())
        surveyor = Surveyor(monitor)
        await read_through(surveyor, monitor)
        assert recording(monitor) == {
            "r-1": (Outcome.FAILING, Reason.RETENTION_SHORT),
            "r-2": (Outcome.OK, Reason.OK),
        }
        with monitor.database.reading() as session:
            facts = session.scalars(select(models.DeviceFacts)).one()
            assert (facts.firmware, [channel["channel"] for channel in facts.channels]) == ("1.0.0", [1, 2])
            assert facts.read_at == clock.now
            days = session.scalars(select(models.EyeMeasures.recorded_days)).all()
            assert days == [20.0, 20.0]

        asked = sim.counters().web_requests
        clock.advance(AGAIN_AFTER.total_seconds() + 1)
        await read_through(surveyor, monitor)
        restarted = Surveyor(monitor)
        await read_through(restarted, monitor)
        assert sim.counters().web_requests == asked, "it was read again on the same day"
        clock.advance(timedelta(days=1).total_seconds())
        await read_through(restarted, monitor)
        assert sim.counters().web_requests > asked
        assert sim.counters().logins_refused == 0
        assert sim.counters().sessions_opened == 0, "a reading plays nothing"


async def test_a_device_that_is_off_is_tried_again_within_hours(database_url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with recorder(database_url, tmp_path, clock) as (_, monitor):
        with monitor.database.transaction() as session:
            here = session.scalars(select(models.Device.web_port)).one()
            session.execute(update(models.Device).values(web_port=1, onvif_port=1))
        surveyor = Surveyor(monitor)
        await read_through(surveyor, monitor)
        assert {state for state, _ in recording(monitor).values()} == {Outcome.UNKNOWN}
        with monitor.database.transaction() as session:
            session.execute(update(models.Device).values(web_port=here, onvif_port=here))
        await read_through(surveyor, monitor)
        assert {state for state, _ in recording(monitor).values()} == {Outcome.UNKNOWN}, "too soon"
        clock.advance(AGAIN_AFTER.total_seconds())
        await read_through(surveyor, monitor)
        assert recording(monitor)["r-2"] == (Outcome.OK, Reason.OK)


async def test_another_device_at_the_address_is_not_asked_until_a_person_says_so(
    database_url: str, tmp_path: Path
) -> None:
    clock = Clock()
    async with recorder(database_url, tmp_path, clock) as (sim, monitor):
        await read_through(Surveyor(monitor), monitor)
        with monitor.database.transaction() as session:
            session.execute(update(models.Device).values(serial="ANOTHER-ONE-0000001"))
        clock.advance(timedelta(days=1).total_seconds())
        await read_through(Surveyor(monitor), monitor)
        target = next(t for t in monitor.targets() if t.eye == "r-1")
        assert target.wrong_device
        result = await monitor.sweeper.once(target, Depth.LIVENESS)
        assert result is not None
        verdict = result.verdict(Check.STREAM)
        assert verdict is not None
        assert (verdict.outcome, verdict.reason) == (Outcome.UNKNOWN, Reason.WRONG_DEVICE)
        assert sim.counters().sessions_opened == 0

        with monitor.database.transaction() as session:
            device = session.scalars(select(models.Device)).one()
            confirm_device(session, device, Actor("operator", "cli"), clock.now)
        target = next(t for t in monitor.targets() if t.eye == "r-1")
        assert not target.wrong_device
        result = await monitor.sweeper.once(target, Depth.LIVENESS)
        assert result is not None
        assert sim.counters().sessions_opened == 1
