"""Whether the monitor itself is at work: how much it asks, how late, and which of its sites are heard."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import sites
from camera_registry.counters import Counters
from camera_registry.models import Heartbeat, Site
from camera_registry.queries import LEAST_SILENCE_S, EyeRow, Overlay
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
class OwnHealth:
    """``asked``: eyes whose newest probe began within the last minute; ``due``: how many that should be.

    ``silent``: no probe has begun for longer than a monitor at work would ever be quiet. ``lag_s`` is how
    much later than due the newest one began. ``refused`` and ``held_back`` count results since the start.
    """

    asked: int
    due: int
    newest_probe_at: datetime | None
    silent: bool
    lag_s: float
    refused: int
    held_back: int
    sites: Sequence[SiteHeard]


def own_health(
    session: Session, rows: Iterable[EyeRow], counters: Counters, now: datetime, silence_factor: float
) -> OwnHealth:
    """Of a monitor that asks the eyes among ``rows``: hand in every eye of the registry."""
    waiting = [row for row in rows if row.overlay is Overlay.IN_SERVICE]
    probed = [row.probed_at for row in waiting if row.probed_at is not None]
    newest = max(probed, default=None)
    patience_s = max(LEAST_SILENCE_S, silence_factor * min((row.interval_s for row in waiting), default=0.0))
    quiet_s = (now - newest).total_seconds() if newest is not None else float("inf")
    return OwnHealth(
        asked=sum(now - at <= LATELY for at in probed),
        due=round(
            sum(LATELY.total_seconds() / max(row.interval_s, LATELY.total_seconds()) for row in waiting)
        ),
        newest_probe_at=newest,
        silent=bool(waiting) and quiet_s > patience_s,
        lag_s=_value(counters, "camera_registry_sweep_lag_seconds"),
        refused=int(_value(counters, "camera_registry_results_late_total")),
        held_back=int(_value(counters, "camera_registry_failures_held_back_total")),
        sites=_heard(session, now),
    )


def _value(counters: Counters, name: str) -> float:
    return counters.registry.get_sample_value(name) or 0.0


def _heard(session: Session, now: datetime) -> list[SiteHeard]:
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
