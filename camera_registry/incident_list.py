"""The list of incidents as people work through it: which were chosen, in what order, and one leaf of them.

A leaf begins behind (or ends before) an incident that its address names by what it is sorted by, its number,
and the moment of the first leaf: incidents that come, end or grow meanwhile move no leaf.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    SQLColumnExpression,
    and_,
    case,
    cast,
    exists,
    extract,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session

from camera_registry import outages, queries
from camera_registry.handling import Deed
from camera_registry.incidents import Kind
from camera_registry.models import Device, Eye, Incident, IncidentEye, IncidentNote, Moment, Point, Unit
from camera_registry.outages import IncidentRow
from camera_registry.spelling import fold
from camera_registry.units import Scope
from camera_registry.uptime import Span

LEAF = 50  # incidents
AT_ONCE = 1_000  # of which a query asks, for databases limit what one may name


class Phase(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    OVER = "over"
    WITHDRAWN = "withdrawn"  # no longer borne out, but somebody has done something about it


class Order(StrEnum):
    """What the list is sorted by, with a dash where it goes downwards, and so do the numbers of those alike.

    Eyes are those in scope; the weight of an incident is as ``IncidentRow.weight``.
    """

    HEAVIEST = "-weight"
    LIGHTEST = "weight"
    NEWEST = "-since"
    OLDEST = "since"
    LARGEST = "-eyes"
    SMALLEST = "eyes"

    @property
    def column(self) -> str:
        return self.removeprefix("-")

    @property
    def descending(self) -> bool:
        return self.startswith("-")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which incidents somebody wants to see; a condition that is ``None`` or empty holds for all.

    ``unit`` is the uid of a unit of any level, ``q`` words of an eye, its point and unit, or the number,
    ``point`` the code of a point of which it took an eye; ``acknowledged``: somebody has taken it in hand,
    or nobody.
    """

    phase: Phase | None = None
    kind: Kind | None = None
    unit: str = ""
    acknowledged: bool | None = None
    within: Span | None = None
    q: str = ""
    point: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some incidents of the list; ``first`` counts from 1.

    ``after`` and ``before`` name the next and the last leaf; empty: none.
    """

    rows: Sequence[IncidentRow]
    first: int
    total: int
    after: str = ""
    before: str = ""


def leaf(
    session: Session,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    choice: Choice,
    order: Order = Order.NEWEST,
    *,
    after: str = "",
    before: str = "",
    size: int = LEAF,
) -> Leaf:
    """One leaf of the incidents that people have been told of by ``now``: those behind the key ``after``, or
    the last ones before ``before``, or the first. A key that is none is as good as none.
    """
    points = queries.point_units(session, scope, now.astimezone(zone).date())
    chosen = _conditions(session, scope, now, zone, choice)
    key = _key(order, after or before)
    as_of = now if key is None else key.as_of
    value = _value(order, points, as_of)
    back = bool(before) and not after
    ahead = [] if key is None else [_beyond(order, value, key, back=back)]
    descending = order.descending != back
    ranked = [column.desc() if descending else column.asc() for column in (value, Incident.id)]
    found = session.execute(
        select(Incident, value).where(*chosen, *ahead).order_by(*ranked).limit(size + 1)
    ).all()
    shown = found[:size][::-1] if back else found[:size]
    more = len(found) > size
    edges = [_Key(worth, row.id, as_of) for row, worth in (*shown[:1], *shown[-1:])]
    earlier = _number(session, [*chosen, _beyond(order, value, edges[0], back=True)]) if edges and key else 0
    return Leaf(
        [
            row
            for first in range(0, len(shown), AT_ONCE)
            for row in outages.told(session, points, [row for row, _ in shown[first : first + AT_ONCE]])
        ],
        earlier + 1,
        _number(session, chosen),
        after=edges[1].name if edges and (back or more) else "",
        before=edges[0].name if earlier else "",
    )


def number(session: Session, scope: Scope, now: datetime, zone: tzinfo, choice: Choice) -> int:
    """How many there are."""
    return _number(session, _conditions(session, scope, now, zone, choice))


# --- how it is done ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Key:
    """Where an incident stands in an order as of a moment."""

    worth: datetime | int
    number: int
    as_of: datetime

    @property
    def name(self) -> str:
        worth = self.worth.isoformat() if isinstance(self.worth, datetime) else self.worth
        return f"{worth}_{self.number}_{self.as_of.isoformat()}"


_ACKNOWLEDGED = exists().where(
    IncidentNote.incident_id == Incident.id, IncidentNote.kind == str(Deed.ACKNOWLEDGED)
)
_PHASES: dict[Phase, ColumnElement[bool]] = {
    Phase.OPEN: and_(Incident.withdrawn_at.is_(None), Incident.ended_at.is_(None)),
    Phase.OVER: and_(Incident.withdrawn_at.is_(None), Incident.ended_at.is_not(None)),
    Phase.WITHDRAWN: Incident.withdrawn_at.is_not(None),
}


def _conditions(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, choice: Choice
) -> list[ColumnElement[bool]]:
    points = queries.point_units(session, scope, now.astimezone(zone).date())
    conditions = [outages.KEPT, Incident.announced_at <= now, outages.took_from(points)]
    if choice.phase is not None:
        conditions.append(_PHASES[choice.phase])
    if choice.kind is not None:
        conditions.append(Incident.kind == choice.kind)
    if choice.acknowledged is not None:
        conditions.append(_ACKNOWLEDGED if choice.acknowledged else ~_ACKNOWLEDGED)
    if choice.within is not None:
        conditions.append(outages.touching(choice.within))
    if choice.unit:
        conditions.append(outages.took_from(outages.points_of(session, scope, now, zone, choice.unit)))
    if choice.point:
        named = session.scalars(select(Point.id).where(Point.code == choice.point))
        conditions.append(outages.took_from([point for point in named if point in points]))
    if words := fold(choice.q).split():
        conditions.append(_says(session, points, words))
    return conditions


def _says(
    session: Session, points: Mapping[int, tuple[str, str]], words: Sequence[str]
) -> ColumnElement[bool]:
    """It has a number that is the only word, an eye at one of these points (with their units) of which all
    words are said, or is of a unit whose name says them.
    """
    named = select(Eye.id, Device.point_id, Eye.code, Eye.name, Point.code, Point.name).select_from(Eye)
    rows = session.execute(named.join(Device, Device.id == Eye.device_id).join(Point))
    eyes = [
        eye_id
        for eye_id, point_id, *texts in rows
        if point_id in points and _all_in(words, fold(" ".join((*texts, *points[point_id][:1]))))
    ]
    names = session.execute(select(Unit.id, Unit.name))
    units = [unit_id for unit_id, name in names if _all_in(words, fold(name))]
    of_unit = and_(Incident.kind.in_((Kind.UNIT, Kind.AREA)), Incident.ancestor_id.in_(units))
    number = int(words[0]) if len(words) == 1 and words[0].isdecimal() and len(words[0]) < 19 else 0
    return or_(Incident.id == number, of_unit, outages.MEMBER.where(Eye.id.in_(eyes)))


def _all_in(words: Sequence[str], said: str) -> bool:
    return all(word in said for word in words)


def _number(session: Session, which: Sequence[ColumnElement[bool]]) -> int:
    return session.scalars(select(func.count()).select_from(Incident).where(*which)).one()


def _value(order: Order, points: Collection[int], as_of: datetime) -> SQLColumnExpression[Any]:
    """What incidents are sorted by, as it was at ``as_of``: what they took or cost later adds nothing."""
    if order.column == "since":
        return Incident.started_at
    moment = literal(as_of, Moment())
    back_at = func.coalesce(IncidentEye.to_at, Incident.withdrawn_at, moment)
    until = case((back_at < moment, back_at), else_=moment)
    away_s = extract("epoch", until) - extract("epoch", IncidentEye.from_at)
    eyes = func.count(IncidentEye.eye_id.distinct())
    return (
        select(eyes if order.column == "eyes" else cast(func.coalesce(func.sum(away_s), 0), BigInteger))
        .join(Eye, Eye.id == IncidentEye.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .where(
            IncidentEye.incident_id == Incident.id,
            IncidentEye.from_at <= moment,
            Device.point_id.in_(points),
        )
        .correlate(Incident)
        .scalar_subquery()
    )


def _beyond(order: Order, value: SQLColumnExpression[Any], key: _Key, *, back: bool) -> ColumnElement[bool]:
    """The incidents that stand behind the key, or before it."""
    if order.descending == back:
        return or_(value > key.worth, and_(value == key.worth, Incident.id > key.number))
    return or_(value < key.worth, and_(value == key.worth, Incident.id < key.number))


def _key(order: Order, text: str) -> _Key | None:
    """What an address says of the last incident that was shown; ``None`` where it is not written so."""
    try:
        worth, number, as_of = text.split("_")
        moment = datetime.fromisoformat(as_of).astimezone(UTC)
        value = datetime.fromisoformat(worth).astimezone(UTC) if order.column == "since" else int(worth)
        key = _Key(value, int(number), moment)
    except (ValueError, OverflowError):
        return None
    numbers = (each for each in (key.worth, key.number) if isinstance(each, int))
    return key if all(0 <= each <= outages.MOST_ID for each in numbers) else None
