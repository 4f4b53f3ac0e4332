"""What is known of an entry before anybody types it: points to choose from, the last entry, the unit."""

from collections.abc import Mapping
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.funding import reading
from camera_registry.funding.reading import EntryRow
from camera_registry.models import MoneyEntry, Point
from camera_registry.units import Scope, UnitTree


def newest_of(session: Session, scope: Scope, day: date, who: str) -> EntryRow | None:
    """The entry that somebody made last, as far as it is in scope."""
    number = session.scalar(select(func.max(MoneyEntry.id)).where(MoneyEntry.made_by == who))
    return None if number is None else reading.entry(session, scope, day, number)


def points(session: Session, scope: Scope, day: date) -> Mapping[str, str]:
    """The names of the points in scope, by code."""
    inside = queries.point_ids(session, scope, day)
    rows = session.execute(select(Point.id, Point.code, Point.name).order_by(Point.code))
    return {row.code: row.name for row in rows if row.id in inside}


def unit_of(session: Session, scope: Scope, day: date, code: str) -> str:
    """The uid of the unit that a point belongs to; without a point that of the scope, where it is one."""
    point = queries.point_in(session, scope, day, code)
    homes = queries.homes(session, day)
    if point is not None and point.id in homes:
        return UnitTree.load(session).units[homes[point.id][0]].uid
    home = queries.home(session, scope, day)
    return home.uid if home is not None else ""
