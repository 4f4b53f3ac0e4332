"""A small registry to test on: one unit, one site, and as many single-eyed points as asked for."""

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.db import Database

LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


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
    database.migrate()
    with database.transaction() as session:
        codes = add_eyes(session, eyes)
    return database, codes
