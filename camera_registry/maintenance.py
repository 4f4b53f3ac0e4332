"""Windows that leave the count: work that was planned, power cuts; what each covers, and when.

A window lasts from one moment to another, once or again by a rule (RFC 5545), for everything or for some
eyes, devices, points, units and sites. It may be entered before or after the fact. It is never deleted: it
is withdrawn. Probing goes on under it. What was rolled up of the days it touches is no longer believed
(``rollups``); what was closed stays as it is until it is amended.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.db import read_once
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import (
    Closing,
    Device,
    Eye,
    Maintenance,
    MaintenanceScope,
    Point,
    PointUnit,
    Site,
    Unit,
)
from camera_registry.notices import LONGEST_NOTICE
from camera_registry.recurrence import checked, occurrences
from camera_registry.units import Scope, UnitTree, UnitVersion
from camera_registry.uptime import Span, clipped, merged

LONGEST = timedelta(days=366)  # one that lasts longer is a suspension, or a year that was mistyped
LONGEST_RECURRING = timedelta(days=31)
LONGEST_REASON = 1_000  # characters
MOST_COVERS = 500
FEW = 100  # eyes or points: so many are looked up by their ids, of more all are read as they lie


class Kind(StrEnum):
    """Why nobody expects the eyes to answer."""

    WORK = "work"
    POWER_CUT = "power_cut"


class ScopeKind(StrEnum):
    """What a window names."""

    ALL = "all"
    EYE = "eye"
    DEVICE = "device"
    POINT = "point"
    UNIT = "unit"
    SITE = "site"


class MaintenanceError(RegistryError):
    """The window cannot be entered or withdrawn."""


class AlreadyEntered(MaintenanceError):
    """The same window stands: it covers the same in the same hours, for the same reason."""


class NoSuchWindow(MaintenanceError):
    """No window has this number."""


class AlreadyWithdrawn(MaintenanceError):
    """Somebody withdrew it before."""


@dataclass(frozen=True, slots=True, order=True)
class Cover:
    """One thing that a window covers: an eye, a device, ... by its database id; ``None`` for everything."""

    kind: ScopeKind
    ref_id: int | None = None


EVERYTHING = Cover(ScopeKind.ALL)


@dataclass(frozen=True, slots=True)
class Window:
    """One window as it was entered. ``span`` is its first time, ``recurrence`` the rule of the others."""

    id: int
    kind: Kind
    span: Span
    recurrence: str
    reason: str
    covers: tuple[Cover, ...]
    entered_at: datetime
    entered_by: str
    withdrawn_at: datetime | None = None
    withdrawn_by: str = ""
    notice: str = ""

    def spans(self, within: Span, zone: tzinfo) -> tuple[Span, ...]:
        """Its times inside ``within``, clipped to it."""
        return clipped(tuple(occurrences(self.span, self.recurrence, within, zone)), within)


# --- deeds ------------------------------------------------------------------------------------------


def enter(
    session: Session,
    actor: Actor,
    now: datetime,
    zone: tzinfo,
    *,
    kind: Kind,
    span: Span,
    covers: Collection[Cover],
    reason: str,
    recurrence: str = "",
    notice: str = "",
) -> int:
    """Enter a window and return its id. Raises ``MaintenanceError`` for what no window can be,
    and for one that stands already.

    ``span`` is its first time; ``recurrence`` the rule by which it comes again (see ``recurrence.checked``;
    ``RuleError``).
    Months that are closed keep their figures (see ``closed_months``).
    """
    reason, recurrence = reason.strip(), recurrence.strip().upper().removeprefix("RRULE:")
    _check(span, covers, reason, recurrence, notice, zone)
    for cover in covers:
        _check_known(session, cover)
    _check_new(session, kind, span, recurrence, reason, covers)
    row = Maintenance(
        kind=str(kind),
        from_at=span.start,
        to_at=span.end,
        recurrence=recurrence,
        reason=reason,
        entered_at=now,
        entered_by=actor.name,
        notice=notice,
    )
    session.add(row)
    session.flush()
    session.add_all(
        MaintenanceScope(maintenance_id=row.id, kind=str(cover.kind), ref_id=cover.ref_id)
        for cover in sorted(set(covers), key=str)
    )
    session.flush()
    detail = {
        "kind": str(kind),
        "from": span.start.isoformat(),
        "to": span.end.isoformat(),
        "recurrence": recurrence,
        "covers": sorted(scopes(session, covers).values() if EVERYTHING not in covers else ["all"]),
    }
    subject = f"maintenance:{row.id}"
    audit.record(session, actor, Action.MAINTENANCE_ENTERED, subject, now, detail=detail, reason=reason)
    return row.id


def withdraw(
    session: Session, actor: Actor, now: datetime, zone: tzinfo, window_id: int, reason: str
) -> Window:
    """Take a window back, as if it had never been, and return it. Raises ``MaintenanceError``."""
    if not reason.strip():
        raise MaintenanceError(N_("A window is withdrawn for a reason; none is given."))
    taken = session.scalars(
        update(Maintenance)
        .where(Maintenance.id == window_id, Maintenance.withdrawn_at.is_(None))
        .values(withdrawn_at=now, withdrawn_by=actor.name)
        .returning(Maintenance.id)
    ).all()
    found = window(session, window_id)
    if not taken:
        raise AlreadyWithdrawn(N_("The window {id} is withdrawn already."), id=window_id)
    subject = f"maintenance:{window_id}"
    audit.record(session, actor, Action.MAINTENANCE_WITHDRAWN, subject, now, reason=reason.strip())
    return found


# --- reads ------------------------------------------------------------------------------------------


def window(session: Session, window_id: int) -> Window:
    """One window, withdrawn or not. Raises ``MaintenanceError`` where there is none."""
    found = _windows(session, Maintenance.id == window_id)
    if not found:
        raise NoSuchWindow(N_("There is no maintenance window {id}."), id=window_id)
    return found[0]


def windows(session: Session, within: Span, zone: tzinfo, *, withdrawn: bool = False) -> list[Window]:
    """The windows with a time inside ``within``, by their first time; withdrawn ones if they are wanted."""
    key = (windows, within, zone, withdrawn)
    return list(read_once(session, key, lambda: _touching(session, within, zone, withdrawn=withdrawn)))


def _touching(session: Session, within: Span, zone: tzinfo, *, withdrawn: bool) -> list[Window]:
    conditions = [Maintenance.from_at < within.end]
    conditions.append(or_(Maintenance.recurrence != "", Maintenance.to_at > within.start))
    if not withdrawn:
        conditions.append(Maintenance.withdrawn_at.is_(None))
    return [each for each in _windows(session, *conditions) if each.spans(within, zone)]


def spans_of(
    session: Session, eye_ids: Collection[int], within: Span, zone: tzinfo
) -> dict[int, tuple[Span, ...]]:
    """When each of these eyes is covered inside ``within``: clipped to it, sorted, disjoint.

    A window on a unit covers the eyes whose points belong to it at that moment: to the unit, to one below
    it, or to one that it was or became (as far as history names exactly one).
    """
    return covered(session, windows(session, within, zone), within, zone, eye_ids)


def covered(
    session: Session,
    which: Sequence[Window],
    within: Span,
    zone: tzinfo,
    eye_ids: Collection[int] | None = None,
) -> dict[int, tuple[Span, ...]]:
    """When these windows cover each eye (``None``: every eye of the registry), as ``spans_of`` does."""
    with_units = any(cover.kind is ScopeKind.UNIT for each in which for cover in each.covers)
    return Ground.load(session, zone, eye_ids, with_units=with_units).covered(which, within)


@dataclass(frozen=True, slots=True)
class Ground:
    """Where eyes are and have been: read once, it answers for many windows."""

    zone: tzinfo
    places: Sequence[tuple[int, int, int, int]]  # of each eye: itself, its device, point and site
    members: Mapping[int, tuple["_Membership", ...]]  # of each point

    @classmethod
    def load(
        cls,
        session: Session,
        zone: tzinfo,
        eye_ids: Collection[int] | None = None,
        *,
        with_units: bool = True,
    ) -> "Ground":
        """Of these eyes (``None``: of all); without units where no window names one."""
        places = list(_places(session, eye_ids))
        points = None if eye_ids is None else {point_id for _, _, point_id, _ in places}
        return cls(zone, places, _members(session, zone, points) if with_units else {})

    def covered(self, which: Sequence[Window], within: Span) -> dict[int, tuple[Span, ...]]:
        """When these windows cover each eye inside ``within``: clipped to it, sorted, disjoint."""
        named: dict[ScopeKind, dict[int | None, list[Span]]] = {kind: defaultdict(list) for kind in ScopeKind}
        for each in which:
            inside = each.spans(within, self.zone)
            for cover in each.covers:
                named[cover.kind][cover.ref_id].extend(inside)
        everywhere = named[ScopeKind.ALL].get(None, [])
        eyes, devices, points, sites = (
            named[kind] for kind in (ScopeKind.EYE, ScopeKind.DEVICE, ScopeKind.POINT, ScopeKind.SITE)
        )
        on_units = {unit_id: merged(times) for unit_id, times in named[ScopeKind.UNIT].items()}
        # Most points share their history of units, and so what windows on units mean for them.
        by_history: dict[tuple[_Membership, ...], tuple[Span, ...]] = {}
        found: dict[int, tuple[Span, ...]] = {}
        for eye_id, device_id, point_id, site_id in self.places:
            history = self.members.get(point_id, ())
            if history not in by_history:
                by_history[history] = merged([*everywhere, *_on_units(history, on_units)])
            own = [
                *eyes.get(eye_id, ()),
                *devices.get(device_id, ()),
                *points.get(point_id, ()),
                *sites.get(site_id, ()),
            ]
            found[eye_id] = merged([*by_history[history], *own]) if own else by_history[history]
        return found


def closed_months(session: Session, spans: Iterable[Span], zone: tzinfo) -> list[date]:
    """The closed months that these times touch, by their first days: their figures stay until amended."""
    touched = {month for span in spans for month in _months(span, zone)}
    closed = session.scalars(select(Closing.month).distinct().order_by(Closing.month))
    return [month for month in closed if month in touched]


def cover_of(session: Session, scope: Scope, text: str, day: date, *others: date) -> Cover:
    """What ``all``, ``eye:CODE``, ``device:CODE``, ``point:CODE``, ``site:CODE`` or ``unit:NAME`` names.

    A unit is named as on ``day`` (see ``UnitTree.resolve``). What does not lie in ``scope`` on that day and
    on all ``others`` is named by nothing: of a window both the day on which it begins and today matter, as
    a point may belong to somebody else by now, or not yet. Everything, and a site, lie in the scope of the
    whole city alone. Raises ``MaintenanceError`` or ``UnitError``.
    """
    cover = _named(session, text, day)
    if not all(Inside.load(session, scope, each).holds(cover) for each in {day, *others}):
        raise _nothing(cover.kind, text.strip().partition(":")[2].strip())
    return cover


@dataclass(frozen=True, slots=True)
class Inside:
    """What of the things that windows name lies in a scope on a day; read once, it answers for many."""

    scope: Scope
    ids: Mapping[ScopeKind, Collection[int]]

    @classmethod
    def load(cls, session: Session, scope: Scope, day: date) -> "Inside":
        if scope.unit_ids is None:
            return cls(scope, {})
        points = queries.point_ids(session, scope, day)
        places = [place for place in _places(session, None) if place[2] in points]
        devices = session.scalars(select(Device.id).where(Device.point_id.in_(points)))
        return cls(
            scope,
            {
                ScopeKind.EYE: {eye_id for eye_id, *_ in places},
                ScopeKind.DEVICE: set(devices),
                ScopeKind.POINT: points,
            },
        )

    def holds(self, cover: Cover) -> bool:
        """Whether all of it lies inside."""
        if self.scope.unit_ids is None:
            return True
        if cover.ref_id is None or cover.kind is ScopeKind.SITE:
            return False
        if cover.kind is ScopeKind.UNIT:
            return self.scope.covers(cover.ref_id)
        return cover.ref_id in self.ids[cover.kind]

    def covers(self) -> set[Cover]:
        """Everything that lies inside, of a scope that is not the whole city."""
        ids = {**self.ids, ScopeKind.UNIT: self.scope.unit_ids or ()}
        return {Cover(kind, ref_id) for kind, refs in ids.items() for ref_id in refs}

    def tells(self, cover: Cover) -> bool:
        """Whether its name may be told: units and sites are no secret, what stands in them is."""
        return cover.kind not in self.ids or self.holds(cover)


def names(session: Session, covers: Collection[Cover]) -> dict[Cover, str]:
    """What people call these: ``eye:YB-0001-01``; a unit by its name and its uid."""
    return _called(session, covers, Unit.name + " (" + Unit.uid + ")")


def scopes(session: Session, covers: Collection[Cover]) -> dict[Cover, str]:
    """The same as ``cover_of`` reads it back, on any day: a unit by its uid alone."""
    return _called(session, covers, Unit.uid)


def lies_in(tree: UnitTree, unit_id: int) -> set[int]:
    """The unit, what it was and became while history names exactly one, and all that is above these."""
    found: set[int] = set()
    ahead = [tree.units[each] for each in _counterparts(tree, unit_id)]
    while ahead:
        unit = ahead.pop()
        if unit.id in found:
            continue
        found.add(unit.id)
        if unit.parent_id is not None:
            above = (tree.units[each] for each in _counterparts(tree, unit.parent_id))
            ahead.extend(each for each in above if each.id == unit.parent_id or _at_one_time(each, unit))
    return found


# --- how it is done ---------------------------------------------------------------------------------


def _named(session: Session, text: str, day: date) -> Cover:
    word, _, name = (part.strip() for part in text.strip().partition(":"))
    if word == ScopeKind.ALL and not name:
        return EVERYTHING
    if word == ScopeKind.UNIT and name:
        return Cover(ScopeKind.UNIT, UnitTree.load(session).resolve(name, day).id)
    for kind, table in _TABLES.items():
        if word == kind and kind is not ScopeKind.UNIT and name:
            found = session.scalar(select(table.id).where(table.code == name))
            if found is None:
                raise _nothing(kind, name)
            return Cover(kind, found)
    raise MaintenanceError(
        N_('"{text}" is no scope; possible are all, eye:, device:, point:, unit: and site: with a code.'),
        text=text.strip(),
    )


def _nothing(kind: ScopeKind, code: str) -> MaintenanceError:
    """The same for what is not there and for what lies outside of a scope."""
    return MaintenanceError(_NOTHING[kind], code=code)


_NOTHING: Mapping[ScopeKind, str] = {
    ScopeKind.ALL: N_("Only somebody who sees the whole city can cover all of it."),
    ScopeKind.EYE: N_('There is no eye with the code "{code}".'),
    ScopeKind.DEVICE: N_('There is no device with the code "{code}".'),
    ScopeKind.POINT: N_('There is no point with the code "{code}".'),
    ScopeKind.UNIT: N_('There is no unit "{code}" among yours.'),
    ScopeKind.SITE: N_('There is no site with the code "{code}".'),
}
_TABLES: Mapping[ScopeKind, Any] = {
    ScopeKind.EYE: Eye,
    ScopeKind.DEVICE: Device,
    ScopeKind.POINT: Point,
    ScopeKind.UNIT: Unit,
    ScopeKind.SITE: Site,
}


def _called(session: Session, covers: Collection[Cover], of_unit: Any) -> dict[Cover, str]:
    found: dict[Cover, str] = {EVERYTHING: str(ScopeKind.ALL)}
    for kind, table in _TABLES.items():
        ids = {cover.ref_id for cover in covers if cover.kind is kind}
        if ids:
            code = of_unit if table is Unit else table.code
            for ref_id, name in session.execute(select(table.id, code).where(table.id.in_(ids))):
                found[Cover(kind, ref_id)] = f"{kind}:{name}"
    return found


def _check(
    span: Span, covers: Collection[Cover], reason: str, recurrence: str, notice: str, zone: tzinfo
) -> None:
    if span.end <= span.start:
        raise MaintenanceError(N_("A window ends after it begins."))
    if not reason:
        raise MaintenanceError(N_("A window has a reason; none is given."))
    if len(reason) > LONGEST_REASON or len(notice) > LONGEST_NOTICE:
        raise MaintenanceError(N_("The text is too long."))
    if not covers:
        raise MaintenanceError(N_("A window covers something; nothing is named."))
    if len(covers) > MOST_COVERS:
        raise MaintenanceError(N_("A window names at most {most} things."), most=MOST_COVERS)
    longest = LONGEST_RECURRING if recurrence else LONGEST
    if span.end - span.start > longest:
        raise MaintenanceError(
            N_("A window lasts {days} days at most; eyes out of service for longer are suspended."),
            days=longest.days,
        )
    if recurrence:
        checked(recurrence, span.start, zone)


def _check_known(session: Session, cover: Cover) -> None:
    if cover.kind is ScopeKind.ALL:
        known = cover.ref_id is None
    else:
        known = cover.ref_id is not None and session.get(_TABLES[cover.kind], cover.ref_id) is not None
    if not known:
        raise MaintenanceError(
            N_('There is nothing that "{text}" names.'), text=f"{cover.kind}:{cover.ref_id}"
        )


def _check_new(
    session: Session, kind: Kind, span: Span, recurrence: str, reason: str, covers: Collection[Cover]
) -> None:
    standing = _windows(
        session,
        Maintenance.kind == str(kind),
        Maintenance.from_at == span.start,
        Maintenance.to_at == span.end,
        Maintenance.recurrence == recurrence,
        Maintenance.reason == reason,
        Maintenance.withdrawn_at.is_(None),
    )
    for each in standing:
        if set(each.covers) == set(covers):
            raise AlreadyEntered(
                N_("This very window is entered already; it has the number {id}."), id=each.id
            )


def _windows(session: Session, *conditions: Any) -> list[Window]:
    rows = session.scalars(
        select(Maintenance).where(*conditions).order_by(Maintenance.from_at, Maintenance.id)
    ).all()
    named: dict[int, list[Cover]] = defaultdict(list)
    scopes = (
        select(MaintenanceScope.maintenance_id, MaintenanceScope.kind, MaintenanceScope.ref_id)
        .join(Maintenance, Maintenance.id == MaintenanceScope.maintenance_id)
        .where(*conditions)
        .order_by(MaintenanceScope.id)
    )
    for window_id, kind, ref_id in session.execute(scopes):
        named[window_id].append(Cover(ScopeKind(kind), ref_id))
    return [
        Window(
            row.id,
            Kind(row.kind),
            Span(row.from_at, row.to_at),
            row.recurrence,
            row.reason,
            tuple(named[row.id]),
            row.entered_at,
            row.entered_by,
            row.withdrawn_at,
            row.withdrawn_by,
            row.notice,
        )
        for row in rows
    ]


def _places(session: Session, eye_ids: Collection[int] | None) -> Iterator[tuple[int, int, int, int]]:
    """Each eye with its device, point and site."""
    places = select(Eye.id, Device.id, Device.point_id, Device.site_id).join(
        Device, Eye.device_id == Device.id
    )
    wanted = None if eye_ids is None else set(eye_ids)
    if wanted is not None and len(wanted) <= FEW:
        places = places.where(Eye.id.in_(wanted))
    for eye_id, device_id, point_id, site_id in session.execute(places):
        if wanted is None or eye_id in wanted:
            yield eye_id, device_id, point_id, site_id


@dataclass(frozen=True, slots=True)
class _Membership:
    """A time in which a point lay in a unit; ``units`` are all that it lay in then."""

    span: Span
    units: frozenset[int]


def _members(
    session: Session, zone: tzinfo, points: Collection[int] | None
) -> dict[int, tuple[_Membership, ...]]:
    tree = UnitTree.load(session)
    begun: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    told = select(PointUnit.point_id, PointUnit.unit_id, PointUnit.valid_from).order_by(
        PointUnit.point_id, func.coalesce(PointUnit.valid_from, date.min)
    )
    if points is not None and len(points) <= FEW:
        told = told.where(PointUnit.point_id.in_(points))
    rows = session.execute(told)
    for point_id, unit_id, first in rows:
        at = datetime.combine(first, time(), zone).astimezone(UTC) if first else _BEGINNING
        begun[point_id].append((at, unit_id))
    within = {
        unit_id: frozenset(lies_in(tree, unit_id))
        for unit_id in {unit_id for turns in begun.values() for _, unit_id in turns}
    }
    return {
        point_id: tuple(
            _Membership(Span(at, until), within[unit_id])
            for (at, unit_id), (until, _) in pairwise([*turns, (_END, 0)])
        )
        for point_id, turns in begun.items()
    }


_BEGINNING, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def _on_units(
    memberships: Iterable[_Membership], windows: Mapping[int | None, Sequence[Span]]
) -> Iterator[Span]:
    for each in memberships:
        for unit_id in each.units & windows.keys():
            yield from clipped(windows[unit_id], each.span)


def _counterparts(tree: UnitTree, unit_id: int) -> set[int]:
    found = {unit_id}
    for links in (tree.successors, tree.predecessors):
        at = unit_id
        while len(steps := links.get(at, ())) == 1 and steps[0] not in found:
            at = steps[0]
            found.add(at)
    return found


def _at_one_time(one: UnitVersion, other: UnitVersion) -> bool:
    return (one.valid_from or date.min) <= (other.valid_to or date.max) and (
        other.valid_from or date.min
    ) <= (one.valid_to or date.max)


def _months(span: Span, zone: tzinfo) -> Iterator[date]:
    """The first days of the months that a time touches."""
    day = span.start.astimezone(zone).date().replace(day=1)
    last = (span.end - timedelta(microseconds=1)).astimezone(zone).date()
    while day <= last:
        yield day
        day = (day + timedelta(days=31)).replace(day=1)
