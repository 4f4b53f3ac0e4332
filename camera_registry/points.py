"""One point in full: its eyes and devices, who has it, which units it belonged to, what happens there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import zip_longest

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import custody, explaining, figures, histories, maintenance, outages, periods, queries
from camera_registry.custody import Custody
from camera_registry.explaining import Interval
from camera_registry.figures import Figure, Group
from camera_registry.health import EYE
from camera_registry.maintenance import Ground, Window
from camera_registry.models import Device, Eye, Point, PointUnit
from camera_registry.outages import IncidentRow
from camera_registry.queries import DeviceEventRow, EyeRow, FactsRow
from camera_registry.units import Scope, UnitTree, UnitVersion
from camera_registry.uptime import Span

LATELY = timedelta(days=30)  # how far incidents and maintenance are told back, and maintenance ahead


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device of the point: what the registry says of it, what it said itself, and what changed of late."""

    code: str
    kind: str
    manufacturer: str
    model: str
    serial: str
    firmware: str
    imported_on: date | None
    certificate: str
    facts: FactsRow | None
    events: Sequence[DeviceEventRow]


@dataclass(frozen=True, slots=True)
class Summary:
    """A point in a few words; ``devices`` and ``eyes`` count those in use, which are never the same thing."""

    code: str
    name: str
    unit: str
    devices: int
    eyes: int


@dataclass(frozen=True, slots=True)
class Home:
    """A unit the point belonged to from ``first`` (``None``: ever) to ``last`` (``None``: still).

    ``reorganised``: the point stayed where it is; the unit before became this one.
    """

    uid: str
    name: str
    first: date | None
    last: date | None
    reorganised: bool = False


@dataclass(frozen=True, slots=True)
class Planned:
    """A maintenance window over eyes of the point, one time of it; ``eyes`` counts those it covers."""

    window: Window
    span: Span
    eyes: int


@dataclass(frozen=True, slots=True)
class PointDetail:
    """A point with everything that its page tells. ``unit`` is the one of today, by its name and uid.

    ``days`` are the last 24 hours of each eye that is measured, by its code. Incidents and maintenance stand
    newest first, custodies and homes oldest first.
    """

    code: str
    name: str
    address: str
    residential_group: str
    position: tuple[float, float] | None  # latitude, longitude; degrees
    k: int
    funding: str
    signage: bool | None
    required_days: float | None
    keep_pictures_days: int | None
    note: str
    unit: str
    unit_uid: str
    eyes: Sequence[EyeRow]
    day: Span
    days: Mapping[str, Sequence[Interval]]
    devices: Sequence[DeviceRow]
    custodies: Sequence[Custody]
    homes: Sequence[Home]
    incidents: Sequence[IncidentRow]
    maintenance: Sequence[Planned]

    def held_on(self, day: date) -> Custody | None:
        """Who has the point on ``day``."""
        return next((each for each in reversed(self.custodies) if each.lasts_on(day)), None)


def point(session: Session, scope: Scope, now: datetime, zone: tzinfo, code: str) -> PointDetail | None:
    """One point; ``None`` where there is none of this code in scope."""
    today = now.astimezone(zone).date()
    row = session.scalar(select(Point).where(Point.code == code))
    units = queries.point_units(session, scope, today)
    if row is None or row.id not in units:
        return None
    unit, unit_code = units[row.id]
    day = Span(now - timedelta(days=1), now)
    around = Span(now - LATELY, now + LATELY)
    position = None
    if row.latitude is not None and row.longitude is not None:
        position = row.latitude, row.longitude
    return PointDetail(
        code=row.code,
        name=row.name,
        address=row.address,
        residential_group=row.residential_group,
        position=position,
        k=row.k,
        funding=row.funding,
        signage=row.signage,
        required_days=row.required_days,
        keep_pictures_days=row.keep_pictures_days,
        note=row.note,
        unit=unit,
        unit_uid=queries.unit_uid(session, unit, unit_code),
        eyes=queries.eyes(session, scope, now, zone, point=code),
        day=day,
        days=_days(session, row.id, day, now, zone),
        devices=_devices(session, row.id),
        custodies=custody.history(session, scope, today, code) or [],
        homes=_homes(session, row.id, today),
        incidents=outages.incidents(session, scope, now, zone, within=Span(now - LATELY, now), point=code),
        maintenance=_maintenance(session, row.id, around, zone),
    )


def summary(session: Session, scope: Scope, day: date, code: str) -> Summary | None:
    """One point in a few words; ``None`` where there is none of this code in scope on ``day``."""
    row = queries.point_in(session, scope, day, code)
    if row is None:
        return None
    standing = select(func.count(Eye.id), func.count(Eye.device_id.distinct())).join(
        Device, Device.id == Eye.device_id
    )
    eyes, devices = session.execute(standing.where(Device.point_id == row.id, Eye.retired_at.is_(None))).one()
    unit, _ = queries.point_units(session, scope, day)[row.id]
    return Summary(row.code, row.name, unit, devices, eyes)


def months(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, code: str
) -> list[tuple[Span, Figure | None]] | None:
    """The figures of a point in this month and the last, as far as anything was in service; ``None`` where
    there is none of this code in scope. Apart from ``point``, because it takes as long again.
    """
    today = now.astimezone(zone).date()
    if queries.point_in(session, scope, today, code) is None:
        return None
    spans = [periods.named(name, zone) for name in periods.newest_months(today, 2)]
    return [(span, _figure(session, scope, now, zone, span, code)) for span in spans]


def _eye_ids(session: Session, point_id: int) -> dict[int, str]:
    eyes = select(Eye.id, Eye.code).join(Device).where(Device.point_id == point_id).order_by(Eye.code)
    return {row.id: row.code for row in session.execute(eyes)}


def _days(
    session: Session, point_id: int, day: Span, now: datetime, zone: tzinfo
) -> dict[str, Sequence[Interval]]:
    codes = _eye_ids(session, point_id)
    read = histories.load(session, codes, day, now, zone)
    return {codes[eye_id]: explaining.intervals(history, EYE, day) for eye_id, history in read.items()}


def _devices(session: Session, point_id: int) -> list[DeviceRow]:
    rows = session.scalars(select(Device).where(Device.point_id == point_id).order_by(Device.code))
    return [
        DeviceRow(
            *(row.code, row.kind, row.manufacturer, row.model, row.serial, row.firmware),
            *(row.imported_on, row.certificate),
            *queries.device_says(session, row.id),
        )
        for row in rows
    ]


def _homes(session: Session, point_id: int, today: date) -> list[Home]:
    """A stay ends with its unit; the point then is where that unit went, until it is moved."""
    tree = UnitTree.load(session)
    rows = session.execute(
        select(PointUnit.valid_from, PointUnit.unit_id)
        .where(PointUnit.point_id == point_id)
        .order_by(func.coalesce(PointUnit.valid_from, date.min))
    )
    belonged = [(first, unit_id) for first, unit_id in rows]
    lasts = [first - timedelta(days=1) if first else None for first, _ in belonged[1:]]
    found: list[Home] = []
    before: UnitVersion | None = None
    for (first, unit_id), last in zip_longest(belonged, lasts):
        unit: UnitVersion | None = tree.units[unit_id]
        while unit is not None:
            begun = max(filter(None, (first, unit.valid_from)), default=None)
            ended = unit.ended_by(last or today)
            reorganised = before is not None and unit.id in tree.successors.get(before.id, ())
            found.append(Home(unit.uid, unit.name, begun, unit.valid_to if ended else last, reorganised))
            before, unit = unit, tree.became(unit, belonged) if ended else None
    return found


def _figure(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, month: Span, code: str
) -> Figure | None:
    units_at = periods.last_day(month, now, zone)
    found = figures.availability(session, scope, now, zone, month, Group.POINT, units_at, point=code)
    return next(iter(found), None)


def _maintenance(session: Session, point_id: int, around: Span, zone: tzinfo) -> list[Planned]:
    ground = Ground.load(session, zone, _eye_ids(session, point_id))
    found: list[Planned] = []
    for window in maintenance.windows(session, around, zone):
        covered = [spans for spans in ground.covered([window], around).values() if spans]
        times = {span for spans in covered for span in spans}
        found += [Planned(window, span, sum(span in spans for spans in covered)) for span in times]
    return sorted(found, key=lambda each: each.span, reverse=True)
