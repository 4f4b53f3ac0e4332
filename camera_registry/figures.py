"""Availability of whatever people ask about: eyes, points, units, funds, sites, the city.

Sums of microseconds over eyes, never means of percentages (rule 9). Whole days come from the rollups where
these are believed, and everything else is counted from the ledgers: both give the same to the microsecond.
A month that is closed and lies in the period as a whole is taken as it was closed. What an eye did counts
for the unit its point belonged to at that moment, rolled up to the units of one day; an outage counts for
the unit it began in. One that crosses the border of a closed month counts on both sides of it.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import closings, histories, queries, rollups
from camera_registry.closings import Frozen
from camera_registry.db import read_once
from camera_registry.health import EYE
from camera_registry.histories import Presence
from camera_registry.i18n import collation_key
from camera_registry.models import Closing, Device, Eye, Point, PointUnit, Site
from camera_registry.periods import month_of
from camera_registry.units import Scope, UnitError, UnitTree, UnitVersion
from camera_registry.uptime import (
    Count,
    History,
    Outage,
    Runs,
    Served,
    Span,
    Tally,
    clipped,
    count,
    merged,
    outages,
    served,
    without,
)


class Group(StrEnum):
    """By what eyes are put together."""

    EYE = "eye"
    POINT = "point"
    UNIT = "unit"
    FUNDING = "funding"
    SITE = "site"
    TOTAL = "total"


@dataclass(frozen=True, slots=True)
class Figure:
    """The figures of one group. Rates and their coverage are properties of ``tally``.

    ``key`` is the code of an eye, point or site, the uid of a unit (``""``: of none), the slug of a fund;
    ``""`` for the total. ``eyes`` is how many of them were in service at some time of the period. ``served``
    is of points alone; ``units`` are the names of those that the eye or point lay in.
    """

    key: str
    name: str
    tally: Tally
    eyes: int
    outages: int
    mttr_s: float | None
    mtbf_s: float | None
    longest_outage_s: float
    blips: int
    served: Served | None = None
    units: tuple[str, ...] = ()


def availability(
    session: Session,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    within: Span,
    group: Group,
    units_at: date,
    *,
    unit: str | None = None,
    point: str | None = None,
) -> list[Figure]:
    """The figures of ``within`` as far as it is past, in the order of keys (of units: of their names).

    Cut to the eyes whose points are in ``scope`` today. Eyes that no network reaches are left out. Units
    are those of ``units_at``; where history does not name exactly one, the old one keeps its name (of a
    unit that was split, each point says which part it went into).
    ``unit`` (a uid, ``""`` for none) narrows to what was done in that unit, ``point`` (a code) to one point's
    eyes; for how long a point was served is told of all its time.
    """
    return by_groups(session, scope, now, zone, within, (group,), units_at, unit=unit, point=point)[group]


def by_groups(
    session: Session,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    within: Span,
    groups: Collection[Group],
    units_at: date,
    *,
    unit: str | None = None,
    point: str | None = None,
) -> dict[Group, list[Figure]]:
    """As ``availability``, put together in several ways of what is counted once."""
    places = _places(session, scope, now.astimezone(zone).date(), point, unit, units_at)
    period = within.until(now)
    shares, points = _count(session, places, period, zone, now, points=Group.POINT in groups)
    tree = UnitTree.load(session)
    of_day = _of_day(
        session, tree, {(places[eye_id].point_id, unit_id) for eye_id, unit_id in shares}, units_at
    )
    wanted = {key: share for key, share in shares.items() if unit in (None, _then(places, of_day, *key)[0])}
    return {group: _together(group, wanted, places, of_day, points) for group in groups}


@dataclass(frozen=True, slots=True)
class Ledger:
    """What an eye did, at which point, and its outages that count for what was asked.

    ``k`` is that of the point.
    """

    eye: str
    eye_name: str
    point: str
    point_name: str
    k: int
    history: History
    outages: tuple[Outage, ...]


def ledgers(
    session: Session,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    within: Span,
    units_at: date,
    *,
    unit: str | None = None,
    point: str | None = None,
) -> list[Ledger]:
    """The eyes' own ledgers behind what ``availability`` counts, by code.

    As they say today, also of closed months: of these only sums were frozen.
    """
    places = _places(session, scope, now.astimezone(zone).date(), point, unit, units_at)
    period = within.until(now)
    present = histories.presences(session, places, period, zone)
    stays = _stays(session, {place.point_id for place in places.values()}, period, zone)
    belonged = {(point_id, stay.unit_id) for point_id, several in stays.items() for stay in several}
    of_day = _of_day(session, UnitTree.load(session), belonged, units_at)
    closed = [month_of(month, zone) for month in closed_months(session, period, zone)]
    parts = [*closed, *without((period,), closed)]
    found: list[Ledger] = []
    for eye_id, history in _ledgers(session, present, period, now, whole=True).items():
        place = places[eye_id]
        here = stays[place.point_id]
        if any(unit in (None, of_day[place.point_id, stay.unit_id][0]) for stay in here):
            runs = (
                run
                for part in parts
                for run in outages(history, part)
                if unit in (None, of_day[place.point_id, _unit_at(here, run.start)][0])
            )
            found.append(
                Ledger(
                    *(place.code, place.name, place.point, place.point_name, place.k, history),
                    tuple(sorted(runs, key=lambda run: run.start)),
                )
            )
    return sorted(found, key=lambda each: each.eye)


def closed_months(session: Session, period: Span, zone: tzinfo) -> list[date]:
    """The first days of the closed months that lie in the period as a whole, in order."""
    months = session.scalars(select(Closing.month).distinct().order_by(Closing.month))
    return [
        month
        for month in months
        for span in [month_of(month, zone)]
        if period.start <= span.start and span.end <= period.end
    ]


# --- how it is done ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an eye stands, and what it is called."""

    code: str
    name: str
    point_id: int
    point: str
    point_name: str
    k: int
    funding: str
    site: str
    site_name: str


@dataclass(slots=True)
class _Share:
    """What is gathered of some eyes; it is added up once, at the end."""

    counts: list[Count] = field(default_factory=list)
    outages: list[Outage] = field(default_factory=list)
    closed: list[Runs] = field(default_factory=list)  # outages of closed months
    eyes: set[int] = field(default_factory=set)  # those that were in service at some time

    def take(self, eye_id: int, counted: Count) -> None:
        self.counts.append(counted)
        if counted.tally.in_service or counted.tally.maintenance:
            self.eyes.add(eye_id)

    def add(self, other: "_Share") -> None:
        self.counts += other.counts
        self.outages += other.outages
        self.closed += other.closed
        self.eyes |= other.eyes


Shares = dict[tuple[int, int | None], _Share]  # by eye and unit
OfDay = Mapping[tuple[int, int | None], tuple[str, str]]  # of a point and its unit then: uid and name


@dataclass(frozen=True, slots=True)
class _Stay:
    """A time in which a point belonged to one unit, or to none."""

    span: Span
    unit_id: int | None


def _then(places: Mapping[int, _Place], of_day: OfDay, eye_id: int, unit_id: int | None) -> tuple[str, str]:
    return of_day[places[eye_id].point_id, unit_id]


def _together(
    group: Group,
    shares: Shares,
    places: Mapping[int, _Place],
    of_day: OfDay,
    points: Mapping[int, Served],
) -> list[Figure]:
    gathered: dict[tuple[str, str], _Share] = defaultdict(_Share)
    serving: dict[tuple[str, str], Served] = {}
    lay_in: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (eye_id, unit_id), share in shares.items():
        place, unit = places[eye_id], _then(places, of_day, eye_id, unit_id)
        named = _named(group, place, unit)
        gathered[named].add(share)
        if group in (Group.POINT, Group.EYE) and unit[1]:
            lay_in[named].add(unit[1])
        if group is Group.POINT:
            serving[named] = points.get(place.point_id, Served())
    figures = [
        _figure(named, share, serving.get(named), tuple(sorted(lay_in.get(named, ()), key=collation_key)))
        for named, share in gathered.items()
    ]
    by_name = group is Group.UNIT
    return sorted(figures, key=lambda figure: (collation_key(figure.name) if by_name else (), figure.key))


def _places(
    session: Session, scope: Scope, day: date, point: str | None, unit: str | None, units_at: date
) -> dict[int, _Place]:
    """The eyes that can have a part in what is asked for, by their ids."""
    points = queries.point_ids(session, scope, day)
    if unit is not None:
        points = _ever_in(session, points, unit, units_at)
    wanted = (
        select(
            *(Eye.id, Eye.code, Eye.name, Point.id, Point.code, Point.name),
            *(Point.k, Point.funding, Site.code, Site.name),
        )
        .join(Device, Eye.device_id == Device.id)
        .join(Point, Device.point_id == Point.id)
        .join(Site, Device.site_id == Site.id)
        .order_by(Eye.id)
    )
    rows = session.execute(wanted if point is None else wanted.where(Point.code == point))
    return {eye_id: _Place(*place) for eye_id, *place in rows if place[2] in points}


def _ever_in(session: Session, points: Collection[int], unit: str, units_at: date) -> Collection[int]:
    """Those of the points that lay in this unit at some time, or may have: before they had any, in none."""
    rows = session.execute(select(PointUnit.point_id, PointUnit.unit_id))
    belonged: set[tuple[int, int | None]] = {(each, to) for each, to in rows if each in points}
    if not unit:
        belonged |= {(each, None) for each in points}
    of_day = _of_day(session, UnitTree.load(session), belonged, units_at)
    return {point_id for (point_id, _), named in of_day.items() if named[0] == unit}


def _count(
    session: Session,
    places: Mapping[int, _Place],
    period: Span,
    zone: tzinfo,
    now: datetime,
    *,
    points: bool,
) -> tuple[Shares, dict[int, Served]]:
    """What every eye did in every unit; if it is wanted, how long each point was served."""
    shares: Shares = defaultdict(_Share)
    serving: dict[int, Served] = defaultdict(Served)
    present = histories.presences(session, places, period, zone)
    stays = _stays(session, {place.point_id for place in places.values()}, period, zone)
    closed = _closed(session, period, zone)
    for month in closed:
        _take_closed(month, month_of(month.heading.month, zone), places, present, stays, shares, serving)
    for part in without((period,), [month_of(month.heading.month, zone) for month in closed]):
        _count_time(session, places, present, stays, part, zone, now, shares)
        ledgers = _ledgers(session, present, part, now, whole=points)
        for eye_id, history in ledgers.items():
            for outage in outages(history, part):
                unit_id = _unit_at(stays[places[eye_id].point_id], outage.start)
                shares[eye_id, unit_id].outages.append(outage)
        if points:
            _serve(places, ledgers, part, serving)
    return shares, serving


def _count_time(
    session: Session,
    places: Mapping[int, _Place],
    present: Mapping[int, Presence],
    stays: Mapping[int, Sequence[_Stay]],
    part: Span,
    zone: tzinfo,
    now: datetime,
    shares: Shares,
) -> None:
    """Take what is rolled up, and count the rest; what is to be counted around one time is read at once."""
    kept = rollups.sums(session, zone, part, present, now)
    rest: dict[Span, list[tuple[int, int | None]]] = defaultdict(list)
    for eye_id in present:
        for stay in stays[places[eye_id].point_id]:
            for here in clipped((stay.span,), part):
                taken = [
                    (span, counted)
                    for span, counted in kept.get(eye_id, ())
                    if here.start <= span.start and span.end <= here.end
                ]
                for _, counted in taken:
                    shares[eye_id, stay.unit_id].take(eye_id, counted)
                for hole in without((here,), [span for span, _ in taken]):
                    rest[hole].append((eye_id, stay.unit_id))
    for time in merged(rest):
        holes = [hole for hole in rest if time.start <= hole.start and hole.end <= time.end]
        eyes = {eye_id: present[eye_id] for hole in holes for eye_id, _ in rest[hole]}
        read = histories.read(session, eyes, time, now)
        for hole in holes:
            for eye_id, unit_id in rest[hole]:
                shares[eye_id, unit_id].take(eye_id, count(read[eye_id], hole))


def _ledgers(
    session: Session, present: Mapping[int, Presence], part: Span, now: datetime, *, whole: bool
) -> Mapping[int, History]:
    """Of each eye its own ledger; unless it is wanted whole, only where it goes down and where that ends.

    Figures and the ledgers behind them are often asked for together.
    """
    key = "ledgers", frozenset(present.items()), part, now, whole
    return read_once(session, key, lambda: _read_ledgers(session, present, part, now, whole=whole))


def _read_ledgers(
    session: Session, present: Mapping[int, Presence], part: Span, now: datetime, *, whole: bool
) -> Mapping[int, History]:
    silent = histories.silences(session, present, now)
    read = histories.read(session, {eye_id: present[eye_id] for eye_id in silent}, part, now)
    heard = [eye_id for eye_id in present if eye_id not in silent]
    turns = histories.turns(session, heard, part, (EYE,)) if whole else histories.falls(session, heard, part)
    for eye_id in heard:
        states = turns[eye_id][EYE] if eye_id in turns else ()
        read[eye_id] = History(
            states, service=present[eye_id].service, maintenance=present[eye_id].maintenance
        )
    return read


def _serve(
    places: Mapping[int, _Place],
    ledgers: Mapping[int, History],
    part: Span,
    serving: dict[int, Served],
) -> None:
    together: dict[int, list[History]] = defaultdict(list)
    k_of: dict[int, int] = {}
    for eye_id, history in ledgers.items():
        together[places[eye_id].point_id].append(history)
        k_of[places[eye_id].point_id] = places[eye_id].k
    for point_id, eyes in together.items():
        serving[point_id] += served(eyes, k_of[point_id], part)


def _closed(session: Session, period: Span, zone: tzinfo) -> list[Frozen]:
    """The closed months that lie in the period as a whole, in order."""
    months = closed_months(session, period, zone)
    return [month for each in months if (month := closings.frozen(session, each)) is not None]


def _take_closed(
    month: Frozen,
    span: Span,
    places: Mapping[int, _Place],
    present: Collection[int],
    stays: Mapping[int, Sequence[_Stay]],
    shares: Shares,
    serving: dict[int, Served],
) -> None:
    """An eye that has no figure in the month was not in service in it."""
    seen: set[int] = set()
    for figure in month.eyes:
        if figure.eye_id in places:
            seen.add(figure.eye_id)
            share = shares[figure.eye_id, figure.unit_id]
            share.take(figure.eye_id, Count(figure.tally, figure.blips))
            share.closed.append(
                Runs(figure.outages, figure.ended_outages, figure.ended_down, figure.longest_down)
            )
    for eye_id in present:
        if eye_id not in seen:
            for stay in stays[places[eye_id].point_id]:
                for here in clipped((stay.span,), span):
                    shares[eye_id, stay.unit_id].take(eye_id, Count(Tally(not_in_service=here.length)))
    point_ids = {place.point_id for place in places.values()}
    for point in month.points:
        if point.point_id in point_ids:
            serving[point.point_id] += point.served


def _stays(
    session: Session, point_ids: Collection[int], period: Span, zone: tzinfo
) -> dict[int, tuple[_Stay, ...]]:
    """The period cut where each point changes its unit."""
    return {
        point_id: tuple(_cut(begun, period))
        for point_id, begun in histories.memberships(session, point_ids, zone).items()
    }


def _cut(begun: Iterable[tuple[datetime, int]], period: Span) -> Iterator[_Stay]:
    start: datetime = period.start
    unit: int | None = None
    for at, unit_id in begun:
        if start < at < period.end:
            yield _Stay(Span(start, at), unit)
        if at < period.end:
            start, unit = max(start, at), unit_id
    yield _Stay(Span(start, period.end), unit)


def _unit_at(stays: Sequence[_Stay], moment: datetime) -> int | None:
    return stays[0].unit_id if len(stays) == 1 else next(s.unit_id for s in stays if moment in s.span)


def _of_day(
    session: Session, tree: UnitTree, wanted: Collection[tuple[int, int | None]], day: date
) -> dict[tuple[int, int | None], tuple[str, str]]:
    """The uid and name of what a unit, as one point had it, is called on ``day``.

    All points of a unit have the same answer, but for a unit that was split.
    """
    found: dict[tuple[int, int | None], tuple[str, str]] = {}
    alike: dict[int, UnitVersion | None] = {}
    apart: list[tuple[int, int]] = []
    for point_id, unit_id in wanted:
        if unit_id is None:
            found[point_id, unit_id] = ("", "")
            continue
        if unit_id not in alike:
            alike[unit_id] = _rolled_up(tree, unit_id, day)
        if (unit := alike[unit_id]) is not None:
            found[point_id, unit_id] = (unit.uid, unit.name)
        else:
            apart.append((point_id, unit_id))
    belonged: dict[int, list[tuple[date | None, int]]] = defaultdict(list)
    if apart:
        first = PointUnit.valid_from
        rows = select(PointUnit.point_id, first, PointUnit.unit_id).order_by(first.asc().nulls_first())
        for point_id, begun, to in session.execute(rows):
            belonged[point_id].append((begun, to))
    for point_id, unit_id in apart:
        unit = _rolled_up(tree, unit_id, day, belonged[point_id]) or tree.units[unit_id]
        found[point_id, unit_id] = (unit.uid, unit.name)
    return found


def _rolled_up(
    tree: UnitTree, unit_id: int, day: date, belonged: Sequence[tuple[date | None, int]] = ()
) -> UnitVersion | None:
    try:
        return tree.roll_up_point(unit_id, day, belonged)
    except UnitError:
        return None


def _named(group: Group, place: _Place, unit: tuple[str, str]) -> tuple[str, str]:
    """The key and the name of the group that this eye belongs to."""
    named: dict[Group, tuple[str, str]] = {
        Group.EYE: (place.code, place.name),
        Group.POINT: (place.point, place.point_name),
        Group.UNIT: unit,
        Group.FUNDING: (place.funding, place.funding),
        Group.SITE: (place.site, place.site_name),
        Group.TOTAL: ("", ""),
    }
    return named[group]


def _figure(named: tuple[str, str], share: _Share, serving: Served | None, units: tuple[str, ...]) -> Figure:
    total = Count.total(share.counts)
    summary = sum(share.closed, Runs.of(share.outages)).summary(total.tally)
    return Figure(
        *named,
        total.tally,
        len(share.eyes),
        summary.outages,
        summary.mttr_s,
        summary.mtbf_s,
        summary.longest_outage_s,
        total.blips,
        serving,
        units,
    )
