"""A small registry to test on: one unit, one site, and as many single-eyed points as asked for."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.db import Database
from camera_registry.health import EyeState
from camera_registry.queries import EyeRow, Overlay
from probes.reasons import Reason

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
LAST_SEEN = datetime(2026, 11, 22, 3, tzinfo=UTC)

# An eye as lists show it.
GATE = EyeRow(
    code="YB-0001-01",
    name="Cổng chợ, hướng đường Hoà Bình",
    point="YB-0001",
    point_name="Đầu cầu Âu Lâu",
    unit="Phường Âu Lâu",
    unit_code="04543",
    site="yb",
    manufacturer="Hikvision",
    model="DS-2CD1",
    funding="socialised",
    overlay=Overlay.IN_SERVICE,
    state=EyeState.DOWN,
    reason=Reason.TCP_TIMEOUT,
    since=LAST_SEEN,
    probed_at=LAST_SEEN,
    probe_s=0.2,
    interval_s=60.0,
    backlog=False,
)


def add_eyes(session: Session, count: int, host: str = "127.0.0.1", port: int = 554) -> list[str]:
    """Points P1…, each with one device and one commissioned, started eye E1…; returns the eyes' codes."""
    unit = models.Unit(uid="u-1", code="04252", name="Phường Yên Bái", kind="phuong")
    site = models.Site(code="S1", name="S1")
    session.add_all([unit, site])
    session.flush()
    codes = []
    for n in range(1, count + 1):
        point = models.Point(code=f"P{n}", name=f"Point {n}")
        session.add(point)
        session.flush()
        session.add(models.PointUnit(point_id=point.id, unit_id=unit.id))
        device = models.Device(code=f"D{n}", point_id=point.id, site_id=site.id, host=host, port=port)
        session.add(device)
        session.flush()
        session.add(
            models.Eye(
                code=f"E{n}",
                device_id=device.id,
                path=f"/{n}",
                commissioned_at=LONG_AGO,
                started_at=LONG_AGO,
            )
        )
        codes.append(f"E{n}")
    return codes


def fresh(url: str, eyes: int = 1) -> tuple[Database, list[str]]:
    """A migrated database with ``eyes`` eyes."""
    database = Database(url)
    with database.transaction() as session:
        codes = add_eyes(session, eyes)
    return database, codes
