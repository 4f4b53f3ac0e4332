"""The city at a glance: what is wrong, what it weighs, how the day went; for the first page and the wall."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import census, handling, histories, outages, queries, trends
from camera_registry.census import Pulse
from camera_registry.handling import Note
from camera_registry.models import Condition, Device, Eye
from camera_registry.outages import IncidentRow
from camera_registry.queries import Totals
from camera_registry.trends import Day
from camera_registry.units import Scope


@dataclass(frozen=True, slots=True)
class Wrong:
    """An incident that goes on, and who has received it."""

    incident: IncidentRow
    received: Note | None


@dataclass(frozen=True, slots=True)
class UnitNow:
    """A unit of today; ``uid`` is empty where no unit is recorded."""

    uid: str
    name: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Overview:
    """``wrong``: the announced incidents that go on, the heaviest first. Units stand the worst first.

    Where eyes are not asked as they should be, ``day`` ends with what is known, as the totals do.
    """

    pulse: Pulse
    totals: Totals
    units: Sequence[UnitNow]
    wrong: Sequence[Wrong]
    day: Day


def overview(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> Overview:
    """What lies in ``scope`` at ``now``."""
    counted = census.census(session, scope, now, zone)
    pulse = census.pulse(session, scope, now, zone)
    open_ = [
        each for each in outages.incidents(session, scope, now, zone, open_=True) if each.announced_at <= now
    ]
    taken = handling.acknowledgements(session, open_)
    today = now.astimezone(zone).date()
    uids = {(unit.name, unit.code): unit.uid for unit in queries.units_of_today(session, scope, today)}
    return Overview(
        pulse,
        counted.totals,
        [
            UnitNow(uids.get((unit.name, unit.code), ""), unit.name, unit.totals)
            for unit in sorted(counted.units, key=lambda unit: _health(unit.totals))
        ],
        [
            Wrong(each, taken.get(each.id))
            for each in sorted(open_, key=lambda each: each.weight(now), reverse=True)
        ],
        trends.day(session, scope, _known_until(session, scope, pulse, now, zone), zone),
    )


def _known_until(session: Session, scope: Scope, pulse: Pulse, now: datetime, zone: tzinfo) -> datetime:
    """When states were last as they are written: before any silence that nobody has written yet."""
    if not pulse.stalled:
        return now
    first_silence = session.scalar(
        select(func.min(Condition.silent_at))
        .join(Eye)
        .join(Device)
        .where(*queries.listed(session, scope, now, zone), *histories.fallen_silent(now))
    )
    return min(filter(None, (now, pulse.known_until, first_silence)))


def _health(totals: Totals) -> tuple[int, int, int]:
    """The lower, the worse; equal ones stay in the order of names."""
    down, degraded, unknown = (totals.by_standing[state] for state in ("down", "degraded", "unknown"))
    return -down, -degraded, -unknown
