"""Whether the monitor itself is at work: how much it asks, how late, what it keeps, which sites are heard."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from camera_registry import sites
from camera_registry.census import Pulse
from camera_registry.counters import Counters
from camera_registry.models import Delivery, Heartbeat, Site
from camera_registry.units import Scope
from camera_registry.uptime import Span

LATELY = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class SiteHeard:
    """A vantage: when it was last heard, and whether it is lost. ``None``: it is not watched yet."""

    code: str
    name: str
    heard_at: datetime | None
    lost: bool


@dataclass(frozen=True, slots=True)
class Keeping:
    """The database, which answered just now, in ``answered_s``.

    ``written_at``: when results were last written, as far as they are kept; ``None``: none are. ``size`` is
    what it takes, ``free`` what is left on its disk, in bytes; ``free`` is ``None`` where it stands on a
    machine that we do not see.
    """

    product: str
    answered_s: float
    written_at: datetime | None
    size: int
    free: int | None


@dataclass(frozen=True, slots=True)
class OwnHealth:
    """``lag_s`` is how much later than due the newest probe began. ``refused`` and ``held_back`` count
    results since the program was started.
    """

    started_at: datetime
    pulse: Pulse
    lag_s: float
    refused: int
    held_back: int
    keeping: Keeping
    sites: Sequence[SiteHeard]


def own_health(
    session: Session, scope: Scope, pulse: Pulse, counters: Counters, started_at: datetime, now: datetime
) -> OwnHealth | None:
    """Of a monitor whose eyes have this pulse; ``None`` for whoever does not see every eye of it."""
    if scope != Scope.everything():
        return None
    return OwnHealth(
        started_at=started_at,
        pulse=pulse,
        lag_s=_value(counters, "camera_registry_sweep_lag_seconds"),
        refused=int(_value(counters, "camera_registry_results_late_total")),
        held_back=int(_value(counters, "camera_registry_failures_held_back_total")),
        keeping=keeping(session),
        sites=heard(session, now),
    )


def _value(counters: Counters, name: str) -> float:
    return counters.registry.get_sample_value(name) or 0.0


def keeping(session: Session) -> Keeping:
    """The database that answers this session."""
    began = time.perf_counter()
    written_at = session.scalar(select(Delivery.received_at).order_by(Delivery.last_at.desc()).limit(1))
    answered_s = time.perf_counter() - began
    if session.get_bind().dialect.name == "sqlite":
        version = session.scalar(select(func.sqlite_version()))
        pages, page_size = (session.scalar(text(f"PRAGMA {name}")) for name in ("page_count", "page_size"))
        path = session.scalar(text("SELECT file FROM pragma_database_list WHERE name = 'main'"))
        free = shutil.disk_usage(Path(path).parent).free
        return Keeping(f"SQLite {version}", answered_s, written_at, pages * page_size, free)
    version = session.scalar(text("SHOW server_version"))
    size = session.scalar(select(func.pg_database_size(func.current_database())))
    return Keeping(f"PostgreSQL {version}", answered_s, written_at, size or 0, None)


def heard(session: Session, now: datetime) -> list[SiteHeard]:
    """Every site in the order of codes, as it was heard by ``now``."""
    newest = (
        select(Heartbeat.site_id, func.max(Heartbeat.to_at).label("at"))
        .group_by(Heartbeat.site_id)
        .subquery()
    )
    rows = session.execute(
        select(Site.id, Site.code, Site.name, newest.c.at)
        .outerjoin(newest, newest.c.site_id == Site.id)
        .order_by(Site.code)
    ).all()
    losses = sites.losses(session, Span(now - LATELY, now), now)
    lost = {site_id for site_id, found in losses.items() if any(loss.heard_again is None for loss in found)}
    return [SiteHeard(row.code, row.name, row.at, row.id in lost) for row in rows]
