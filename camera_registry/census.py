"""Eyes counted by the database, where nobody needs rows: by unit and standing, and how they are asked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import and_, case, func, select
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.health import EyeState
from camera_registry.i18n import collation_key
from camera_registry.models import Device, DevicePace, Eye, Site
from camera_registry.models import EyeState as State
from camera_registry.queries import BACKLOG, MEASURED, Alike, Overlay, Totals, UnitRow
from camera_registry.units import Scope

LATELY = timedelta(minutes=1)
LEAST_SILENCE_S = 300  # a monitor that finished a probe this short a time ago is alive, whatever its pace
SWEEPS_MISSED = 2


@dataclass(frozen=True, slots=True)
class Census:
    """As ``queries.totals`` and ``queries.units`` have it of the same eyes; units in the order of names."""

    totals: Totals
    units: Sequence[UnitRow]


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the eyes are asked that should be: ``waiting`` of them.

    ``asked``: those whose newest probe began within the last minute; ``due``: how many that should be.
    ``sweep_s`` is the shortest interval of any of them.
    """

    waiting: int
    asked: int
    due: int
    newest_probe_at: datetime | None
    sweep_s: float

    def patience_s(self, silence_factor: float) -> float:
        """Silence longer than this is a fault of the monitor."""
        return max(LEAST_SILENCE_S, silence_factor * self.sweep_s)

    def outdated(self, now: datetime) -> bool:
        """Whether what is known is older than ``SWEEPS_MISSED`` sweeps, though eyes should be asked."""
        if not self.waiting:
            return False
        return self.newest_probe_at is None or now - self.newest_probe_at > SWEEPS_MISSED * timedelta(
            seconds=self.sweep_s
        )


def census(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> Census:
    """Every eye in scope, counted."""
    day = now.astimezone(zone).date()
    units = queries.point_units(session, scope, day)
    overlay = queries.overlay(now, zone)
    measured = overlay.in_(MEASURED)
    known = func.coalesce(State.state, EyeState.UNKNOWN)
    standing = case((and_(measured, State.first_ok_at.is_(None)), BACKLOG), (measured, known), else_=overlay)
    each = (
        select(
            Device.point_id,
            standing.label("standing"),
            and_(measured, known != EyeState.UNKNOWN).label("observed"),
            and_(overlay == Overlay.NOT_STARTED, State.probed_at.is_(None)).label("unasked"),
            State.probed_at,
        )
        .select_from(Eye)
        .join(Device)
        .outerjoin(State, State.eye_id == Eye.id)
        .where(*queries.listed(session, scope, now, zone))
        .subquery()
    )
    alike = (each.c.point_id, each.c.standing, each.c.observed, each.c.unasked)
    rows = session.execute(select(*alike, func.count(), func.max(each.c.probed_at)).group_by(*alike))
    by_unit: dict[tuple[str, str], list[Alike]] = {}
    for row in rows:
        if row.point_id in units:
            by_unit.setdefault(units[row.point_id], []).append(Alike(*row))
    return Census(
        queries.counted(each for those in by_unit.values() for each in those),
        [
            UnitRow(name, code, queries.counted(by_unit[name, code]))
            for name, code in sorted(by_unit, key=lambda unit: collation_key(unit[0]))
        ],
    )


def pulse(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> Pulse:
    """How the eyes in scope are asked."""
    interval = func.coalesce(DevicePace.effective_interval_s, Site.interval_s)
    lately_s = LATELY.total_seconds()
    each = (
        select(State.probed_at, interval.label("interval_s"))
        .select_from(Eye)
        .join(Device)
        .join(Site)
        .outerjoin(DevicePace, DevicePace.device_id == Device.id)
        .outerjoin(State, State.eye_id == Eye.id)
        .where(*queries.listed(session, scope, now, zone), queries.overlay(now, zone) == Overlay.IN_SERVICE)
        .subquery()
    )
    share = case((each.c.interval_s > lately_s, lately_s / each.c.interval_s), else_=1.0)
    waiting, asked, due, newest, shortest = session.execute(
        select(
            func.count(),
            func.count(case((each.c.probed_at >= now - LATELY, 1))),
            func.sum(share),
            func.max(each.c.probed_at),
            func.min(each.c.interval_s),
        ).select_from(each)
    ).one()
    return Pulse(waiting, asked, round(due or 0), newest, shortest or 0.0)
