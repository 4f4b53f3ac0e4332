"""Incidents as faces tell them: open ones, past ones, the cause of an outage, and what never worked yet.

Every read takes a ``Scope`` and cuts to it: of an incident that reaches further, only the eyes in scope are
told, and that it does. What was withdrawn is not told, unless somebody has done something about it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import ColumnElement, Select, and_, exists, func, literal, or_, select
from sqlalchemy.orm import Session

from camera_registry import histories, queries
from camera_registry.incidents import Kind
from camera_registry.models import Device, Eye, Incident, IncidentEye, IncidentNote, Point, Repair, Site, Unit
from camera_registry.units import Scope
from camera_registry.uptime import Span
from probes.reasons import Reason

MOST_INCIDENTS = 1_000  # of one answer, the newest
MOST_ID = 2**63 - 1  # that a database knows

# For queries of ``Incident``: with an eye that ...; what is told at all where notes are, or repairs.
MEMBER = exists().where(
    IncidentEye.incident_id == Incident.id, Eye.id == IncidentEye.eye_id, Device.id == Eye.device_id
)
KEPT = or_(
    Incident.withdrawn_at.is_(None),
    exists().where(IncidentNote.incident_id == Incident.id),
    exists().where(Repair.incident_id == Incident.id),
)


@dataclass(frozen=True, slots=True)
class Away:
    """An eye that is or was part of an incident, and when; ``to_at`` is ``None`` while it still is."""

    eye: str
    point: str
    from_at: datetime
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One cause, and the eyes in scope that it took away.

    ``code`` is what people call the ancestor by: the code of an eye, device, point or site, the uid of a
    unit; ``name`` may be empty. ``place``: the point and the unit of today of what stands at one point, empty
    for what does not. ``further``: it took eyes outside of the scope, too. ``withdrawn_at``: since
    then the ledgers no longer bear it out, or its time is left out of the count.
    """

    id: int
    kind: Kind
    code: str
    name: str
    started_at: datetime
    announced_at: datetime
    ended_at: datetime | None
    away: tuple[Away, ...]
    further: bool = False
    withdrawn_at: datetime | None = None
    place: str = ""

    @property
    def open(self) -> bool:
        return self.ended_at is None and self.withdrawn_at is None

    @property
    def eyes(self) -> int:
        return len({away.eye for away in self.away})

    @property
    def missing(self) -> int:
        """How many of its eyes are not back yet."""
        return len({away.eye for away in self.away if away.to_at is None})

    def weight(self, now: datetime) -> float:
        """What it has cost by ``now``: the seconds for which each of its eyes was away, together."""
        until = self.withdrawn_at or now
        return sum(((away.to_at or until) - away.from_at).total_seconds() for away in self.away)

    @property
    def points(self) -> int:
        return len({away.point for away in self.away})


@dataclass(frozen=True, slots=True)
class _Ancestor:
    """What an incident is of; ``point`` is the name of the point it stands at, where it is none itself."""

    code: str
    name: str
    point: str
    point_id: int  # 0: it stands at no one point


UNNAMED = _Ancestor("", "", "", 0)


@dataclass(frozen=True, slots=True)
class BacklogRow:
    """An eye in service that was never seen ok; ``since`` when it is in service, where that is recorded."""

    eye: str
    name: str
    point: str
    point_name: str
    unit: str
    since: datetime | None
    reason: Reason | None


def incidents(
    session: Session,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    *,
    open_: bool | None = None,
    within: Span | None = None,
    kind: Kind | None = None,
    unit: str | None = None,
    eye: str | None = None,
    point: str | None = None,
) -> list[IncidentRow]:
    """The incidents that touch the scope, newest first, at most ``MOST_INCIDENTS``.

    ``open_``: still going on, or over; ``within``: touching this time; ``unit`` (a uid): one with an eye of
    this unit; ``eye`` and ``point`` (codes): one that this eye, or an eye of this point, was part of.
    """
    today = now.astimezone(zone).date()
    points, inside = queries.point_units(session, scope, today), queries.within(session, scope, today)
    conditions: list[ColumnElement[bool]] = [Incident.withdrawn_at.is_(None)]
    if open_ is not None:
        conditions.append(Incident.ended_at.is_(None) if open_ else Incident.ended_at.is_not(None))
    if within is not None:
        conditions.append(touching(within))
    if kind is not None:
        conditions.append(Incident.kind == kind)
    if eye is not None:
        conditions.append(Incident.id.in_(_of_eyes(Eye.code == eye, *inside)))
    if point is not None:
        conditions.append(Incident.id.in_(_of_eyes(Point.code == point, *inside)))
    if unit is not None:
        conditions.append(took_from(points_of(session, scope, now, zone, unit)))
    conditions.append(took_from(points))
    rows = session.scalars(
        select(Incident)
        .where(*conditions)
        .order_by(Incident.started_at.desc(), Incident.id)
        .limit(MOST_INCIDENTS)
    ).all()
    return told(session, points, rows)


def incident(session: Session, scope: Scope, now: datetime, zone: tzinfo, number: int) -> IncidentRow | None:
    """One incident by its id; ``None`` where none touches the scope.

    A withdrawn one is told while it has notes or repairs: what people did about it does not go away.
    """
    if not 0 < number <= MOST_ID:
        return None
    points = queries.point_units(session, scope, now.astimezone(zone).date())
    row = session.scalar(select(Incident).where(Incident.id == number, KEPT, took_from(points)))
    return None if row is None else told(session, points, [row])[0]


def causes(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, eye: str, within: Span
) -> list[tuple[Away, IncidentRow]]:
    """Of one eye the times it was away in ``within``, each with the incident it was part of, in order."""
    found = incidents(session, scope, now, zone, within=within, eye=eye)
    times = [(away, row) for row in found for away in row.away if away.eye == eye]
    return sorted(
        ((a, row) for a, row in times if a.from_at < within.end and (a.to_at or now) >= within.start),
        key=lambda pair: (pair[0].from_at, pair[1].id),
    )


def backlog(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> list[BacklogRow]:
    """The eyes in service, reached by network, that were never seen ok; the longest waiting first."""
    waiting = [row for row in queries.eyes(session, scope, now, zone) if row.backlog]
    codes = [row.code for row in waiting]
    said = session.execute(select(Eye.code, Eye.commissioned_at).where(Eye.code.in_(codes)))
    since = {row.code: row.commissioned_at for row in said}
    return sorted(
        (
            BacklogRow(
                row.code, row.name, row.point, row.point_name, row.unit, since.get(row.code), row.reason
            )
            for row in waiting
        ),
        key=lambda row: (row.since or histories.BEGINNING, row.eye),
    )


def open_by_kind(session: Session) -> dict[Kind, int]:
    """How many incidents of each kind are open, in the whole registry."""
    rows = session.execute(
        select(Incident.kind, func.count())
        .where(Incident.ended_at.is_(None), Incident.withdrawn_at.is_(None))
        .group_by(Incident.kind)
    )
    counted = {Kind(kind): number for kind, number in rows}
    return {kind: counted.get(kind, 0) for kind in Kind}


def touching(within: Span) -> ColumnElement[bool]:
    """For queries of ``Incident``: it goes on at some time of this span."""
    return and_(
        Incident.started_at < within.end,
        or_(Incident.ended_at.is_(None), Incident.ended_at > within.start),
    )


def took_from(points: Collection[int]) -> ColumnElement[bool]:
    """For queries of ``Incident``: an eye at one of these points (database ids) is or was part of it."""
    return MEMBER.where(Device.point_id.in_(points))


def told(
    session: Session, points: Mapping[int, tuple[str, str]], rows: Sequence[Incident]
) -> list[IncidentRow]:
    """These incidents in their order, as told to who may see these points (as ``queries.point_units``)."""
    away, further = _away(session, [row.id for row in rows], points)
    named = _named(session, rows)
    return [
        IncidentRow(
            id=row.id,
            kind=Kind(row.kind),
            code=ancestor.code,
            name=ancestor.name,
            started_at=row.started_at,
            announced_at=row.announced_at,
            ended_at=row.ended_at,
            away=tuple(away[row.id]),
            further=row.id in further,
            withdrawn_at=row.withdrawn_at,
            place=", ".join(filter(None, (ancestor.point, *points.get(ancestor.point_id, ())[:1]))),
        )
        for row in rows
        for ancestor in (named.get((row.kind, row.ancestor_id), UNNAMED),)
    ]


def points_of(session: Session, scope: Scope, now: datetime, zone: tzinfo, uid: str) -> Collection[int]:
    """The points in scope that lie in the unit of this uid, of any level."""
    unit = queries.unit(session, scope, uid)
    if unit is None:
        return ()
    return queries.point_ids(session, scope.narrowed(unit.id), now.astimezone(zone).date())


def _of_eyes(*which: ColumnElement[bool]) -> Select[int]:
    """The ids of the incidents that some eyes were part of: looked up by the eyes, which are few."""
    parts = select(IncidentEye.incident_id).join(Eye, Eye.id == IncidentEye.eye_id)
    return parts.join(Device, Device.id == Eye.device_id).join(Point).where(*which)


def _away(
    session: Session, incident_ids: Collection[int], points: Collection[int]
) -> tuple[dict[int, list[Away]], set[int]]:
    """Of each incident the eyes at these points; and the incidents that have others, too."""
    found: dict[int, list[Away]] = defaultdict(list)
    further: set[int] = set()
    rows = session.execute(
        select(IncidentEye.incident_id, Device.point_id, Eye.code, Point.code)
        .add_columns(IncidentEye.from_at, IncidentEye.to_at)
        .join(Eye, Eye.id == IncidentEye.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .join(Point, Point.id == Device.point_id)
        .where(IncidentEye.incident_id.in_(incident_ids))
        .order_by(IncidentEye.from_at, Eye.code)
    )
    for incident_id, point_id, eye, point, from_at, to_at in rows:
        if point_id in points:
            found[incident_id].append(Away(eye, point, from_at, to_at))
        else:
            further.add(incident_id)
    return found, further


def _named(session: Session, rows: Iterable[Incident]) -> dict[tuple[str, int], _Ancestor]:
    """What people call the ancestors, by kind and id."""
    ids: dict[str, set[int]] = defaultdict(set)
    for row in rows:
        ids[row.kind].add(row.ancestor_id)
    found: dict[tuple[str, int], _Ancestor] = {}
    nowhere = (literal(""), literal(0))
    for kind, wanted in ids.items():
        asked: Select[int, str, str, str, int] = {
            Kind.EYE: select(Eye.id, Eye.code, Eye.name, Point.name, Point.id)
            .select_from(Eye)
            .join(Device)
            .join(Point),
            Kind.DEVICE: select(Device.id, Device.code, Device.model, Point.name, Point.id)
            .select_from(Device)
            .join(Point),
            Kind.POINT: select(Point.id, Point.code, Point.name, literal(""), Point.id),
            Kind.SITE: select(Site.id, Site.code, Site.name, *nowhere),
            Kind.UNIT: select(Unit.id, Unit.uid, Unit.name, *nowhere),
            Kind.AREA: select(Unit.id, Unit.uid, Unit.name, *nowhere),
        }[Kind(kind)]
        for id_, code, name, point, point_id in session.execute(
            asked.where(asked.selected_columns[0].in_(wanted))
        ):
            found[kind, id_] = _Ancestor(code, name, point, point_id)
    return found
