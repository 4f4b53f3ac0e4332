"""A picture outlives its probe only where its point says so, and only as evidence of something that fails."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select, update

from camera_registry import models
from camera_registry.audit import Actor
from camera_registry.monitor import attending
from camera_registry.pictures import reseal, view_picture
from probes.result import Depth
from probes.simulator.faces import HttpSpec
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import Clock, asked, camera, shut, watch


@pytest.mark.parametrize(
    ("fault", "days", "kept"),
    [
        pytest.param(FaultKind.BLACK, 3, 1, id="a black picture, where pictures are kept"),
        pytest.param(FaultKind.BLACK, None, 0, id="a black picture, where they are not"),
        pytest.param(None, 3, 0, id="nothing fails"),
    ],
)
async def test_kept_sealed_and_at_most_hourly(
    database_url: str, tmp_path: Path, fault: FaultKind | None, days: int | None, kept: int
) -> None:
    faults = () if fault is None else (Fault(fault),)
    clock = Clock()
    spec = camera("c", http=HttpSpec(), faults=faults)
    async with Simulator(Fleet((spec,))) as sim, asyncio.timeout(60):
        monitor = watch(database_url, tmp_path, sim, clock)
        with monitor.database.transaction() as session:
            session.execute(update(models.Device).values(web_port=sim.web_address_of("c")[1]))
            session.execute(update(models.Eye).values(snapshot_path=spec.snapshot_path(1)))
            session.execute(update(models.Point).values(keep_pictures_days=days))
        try:
            async with attending(monitor):
                for _ in range(2):
                    (target,) = monitor.targets()
                    result = await asked(monitor.sweeper, target, Depth.DEEP)
                    assert (result.picture is not None) == bool(kept)
                    assert result.printable().picture is None
                    await monitor.results.write()
                    clock.advance(300)
            with monitor.database.transaction() as session:
                rows = session.scalars(select(models.KeptPicture)).all()
                assert len(rows) == kept
                before = [row.sealed for row in rows]
                assert reseal(session, monitor.credentials) == kept
                rows = session.scalars(select(models.KeptPicture)).all()
                assert not set(before) & {row.sealed for row in rows}
                for row in rows:
                    assert b"JFIF" not in row.sealed
                    actor = Actor("operator", "cli")
                    clear = view_picture(session, monitor.credentials, row.id, actor, clock.now)
                    assert clear.startswith(b"\xff\xd8")
                assert len(session.scalars(select(models.Audit)).all()) == kept
        finally:
            shut(monitor)
