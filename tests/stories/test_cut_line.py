"""A line is cut: the point's own, or the one we ask through. Real cameras, real canaries."""

import asyncio
import socket
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select, update

from camera_registry import incident_book, models
from camera_registry.canaries import Canary
from camera_registry.monitor import Monitor, Running
from probes.result import Depth
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import Clock, camera, shut, watch
from tests.databases import sqlite_in

NAMES = ("c1", "c2", "c3")


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_in(tmp_path)


async def test_the_uplink_of_a_point_is_cut(url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with _city() as sim:
        monitor = watch(url, tmp_path, sim, clock)
        with closing(socket.create_server(("127.0.0.1", 0))) as canary:
            monitor.tools.canaries.follow({"S1": (_address(canary),)})
            await _asked(monitor, clock, 0)
            assert _states(monitor) == ["up", "up", "up"]
            await _cut(sim)
            for _ in range(3):
                await _asked(monitor, clock, 60)
            assert _states(monitor) == ["down", "down", "down"]
            (cut,) = _incidents(monitor, clock)
            assert (cut.kind, cut.ended_at) == ("point", None), "one cause, of which people hear once"
            await asyncio.gather(*(sim.play(name) for name in NAMES))
            await _asked(monitor, clock, 60)
            (over,) = _incidents(monitor, clock)
            assert (over.id, over.ended_at) == (cut.id, clock.now)
        await monitor.tools.canaries.close()
        shut(monitor)


async def test_our_own_line_is_cut_and_no_camera_is_blamed(url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with _city() as sim:
        monitor = watch(url, tmp_path, sim, clock)
        canary = socket.create_server(("127.0.0.1", 0))
        with closing(canary), monitor.database.transaction() as session:
            session.execute(update(models.Site).values(canaries=[str(_address(canary))]))
        # The canary is silent from the beginning: whatever happens now, the site is not heard.
        async with Running(monitor):
            assert _heard(monitor) == []
        monitor.tools.canaries.follow({})
        await _asked(monitor, clock, 0)
        assert _states(monitor) == ["up", "up", "up"]
        await _beat(monitor)
        assert _heard(monitor) == [(clock.now, clock.now)]
        await _cut(sim)
        monitor.tools.canaries.follow({"S1": (_nobody(),)})
        for _ in range(3):
            await _asked(monitor, clock, 60)
        assert _states(monitor) == ["unknown", "unknown", "unknown"]
        with monitor.database.reading() as session:
            assert set(session.scalars(select(models.EyeState.reason))) == {"VANTAGE_SUSPECT"}
        (lost,) = _incidents(monitor, clock)
        assert (lost.kind, lost.ended_at) == ("site", None)
        await monitor.tools.canaries.close()
        shut(monitor)


def _city() -> Simulator:
    return Simulator(Fleet(tuple(camera(name, host=f"127.0.0.{n}") for n, name in enumerate(NAMES, 2))))


def _address(server: socket.socket) -> Canary:
    return Canary("127.0.0.1", server.getsockname()[1])


def _nobody() -> Canary:
    """An address where nobody listens."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return _address(server)


async def _cut(sim: Simulator) -> None:
    await asyncio.gather(*(sim.play(name, Fault(FaultKind.REFUSED)) for name in NAMES))


async def _asked(monitor: Monitor, clock: Clock, later: float) -> None:
    """So many seconds later every eye is asked once, and the results are written."""
    clock.advance(later)
    targets = monitor.targets()
    await asyncio.gather(*(monitor.sweeper.once(target, Depth.LIVENESS) for target in targets))
    await monitor.results.write()


async def _beat(monitor: Monitor) -> None:
    with monitor.database.transaction() as session:
        session.execute(update(models.Site).values(canaries=[]))
    async with Running(monitor):
        pass


def _states(monitor: Monitor) -> list[str]:
    with monitor.database.reading() as session:
        return list(session.scalars(select(models.EyeState.state).order_by(models.EyeState.eye_id)))


def _heard(monitor: Monitor) -> list[tuple[datetime, datetime]]:
    with monitor.database.reading() as session:
        rows = session.execute(select(models.Heartbeat.from_at, models.Heartbeat.to_at))
        return [(row.from_at, row.to_at) for row in rows]


def _incidents(monitor: Monitor, clock: Clock) -> list[models.Incident]:
    incident_book.fold(monitor.database, monitor.settings.zone, clock.now)
    with monitor.database.reading() as session:
        found = list(session.scalars(select(models.Incident).where(models.Incident.withdrawn_at.is_(None))))
        session.expunge_all()
    return found
