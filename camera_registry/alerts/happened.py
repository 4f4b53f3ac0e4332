"""What has happened that may be told: read from the judge's tables, and cut to those who may hear of it.

Read every few seconds, so only what may matter now is read: the incidents that are open, those of which
somebody was told and that have changed since the cursor, and those that wait for a digest. What is collected
from probes is read when a digest may be due, as it stands then. An eye is unstable when it was part of
``UNSTEADY`` incidents within a day: suspicions that nobody confirmed are not counted, for a line that loses
one probe in two hundred has seven of them a day, and nobody misses anything.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, tzinfo
from itertools import groupby
from typing import Any

from sqlalchemy import Select, exists, func, or_, select
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.alerts.occasions import Occasion, What, Where
from camera_registry.facts import Change
from camera_registry.findings import EXPOSURES
from camera_registry.handling import Deed
from camera_registry.health import EyeState
from camera_registry.incidents import Kind
from camera_registry.models import (
    Condition,
    Custody,
    Device,
    DeviceEvent,
    Eye,
    Finding,
    Incident,
    IncidentEye,
    IncidentNote,
    Message,
    Point,
    Site,
)
from camera_registry.models import EyeState as EyeStateRow
from camera_registry.units import UnitTree
from probes.reasons import Check, Outcome

OVERLAP = timedelta(minutes=15)  # a transaction that the cursor passed has committed by then
A_DAY = timedelta(days=1)
UNSTEADY = 4  # incidents of one eye within a day
DEVICE_CHANGES = timedelta(days=8)  # how old a changed device is news, after however long a stop

NOWHERE = Where(None, "")  # before an occasion is cut
FIRST_CODES = 3  # of the points of an occasion that takes several

FAILING: Mapping[Check, What] = {Check.RECORDING: What.RETENTION, Check.CLOCK: What.CLOCK}


@dataclass(frozen=True, slots=True)
class Touched:
    """An eye that something happened to. ``away``: it still is. ``reason``: what probes say of it."""

    id: int
    eye: str
    point: int
    site: int
    away: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Happening:
    """An occasion before it is cut: all the eyes it is of, and what is the same whoever hears of it."""

    occasion: Occasion
    touched: tuple[Touched, ...]


@dataclass(frozen=True, slots=True)
class Ground:
    """Where points lie and who has them, as far as happenings touch them.

    ``homes`` is as ``queries.homes`` has it, of every point.
    """

    homes: Mapping[int, tuple[int, frozenset[int]]]
    unit_names: Mapping[int, str]
    codes: Mapping[int, str]
    in_service: Mapping[tuple[int, int], int]  # eyes by point and site
    custodies: Mapping[int, tuple[str, str]]  # by point: manager, phone

    @classmethod
    def load(cls, session: Session, zone: tzinfo, now: datetime, happenings: Iterable[Happening]) -> "Ground":
        points = {each.point for happening in happenings for each in happening.touched}
        day = now.astimezone(zone).date()
        tree = UnitTree.load(session)
        codes = session.execute(select(Point.id, Point.code).where(Point.id.in_(points)))
        counted = session.execute(
            select(Device.point_id, Device.site_id, func.count())
            .join(Eye, Eye.device_id == Device.id)
            .where(Device.point_id.in_(points), queries.overlay(now, zone).in_(queries.MEASURED))
            .group_by(Device.point_id, Device.site_id)
        )
        lasting = session.execute(
            select(Custody.point_id, Custody.manager, Custody.phone).where(
                Custody.point_id.in_(points),
                Custody.valid_from <= day,
                or_(Custody.valid_to.is_(None), Custody.valid_to >= day),
            )
        )
        return cls(
            homes=queries.homes(session, day),
            unit_names={unit.id: unit.name for unit in tree.units.values()},
            codes=dict(codes.all()),
            in_service={(point, site): count for point, site, count in counted},
            custodies={point: (manager, phone) for point, manager, phone in lasting},
        )


def incidents(
    session: Session, now: datetime, cursor_at: datetime, waiting: Collection[int]
) -> list[Happening]:
    """The incidents that are open, those over or withdrawn since the cursor, and the ``waiting`` (their ids).

    Of those that are over only such of which somebody was told. Raises whatever the database raises.
    """
    since = min(cursor_at, now) - OVERLAP  # a clock may have been set back
    rows = session.scalars(
        select(Incident)
        .where(
            or_(
                Incident.ended_at.is_(None) & Incident.withdrawn_at.is_(None),
                Incident.changed_at.is_not(None)
                & (Incident.changed_at >= since)
                & exists().where(Message.incident_id == Incident.id),
                Incident.id.in_(waiting),
            )
        )
        .order_by(Incident.id)
    ).all()
    touched, unsteady = _members(session, rows), unstable_eyes(session, now)
    taken = _acknowledgements(session, rows)
    named = session.execute(select(Site.id, Site.code, Site.name))
    sites = {each: (code, name) for each, code, name in named}
    return [
        _incident(row, touched[row.id], taken.get(row.id), sites, unsteady) for row in rows if touched[row.id]
    ]


def collected(session: Session, now: datetime, since: datetime) -> list[Happening]:
    """What is so of single eyes, or devices, besides outages, and began after ``since``."""
    found = [*_unstable(session, now), *_exposed(session, since), *_failing(session, since)]
    return [*found, *_degraded(session, since), *_changed(session, max(since, now - DEVICE_CHANGES))]


def unstable_eyes(session: Session, now: datetime) -> frozenset[int]:
    """The eyes (database ids) that were part of ``UNSTEADY`` incidents within a day."""
    return frozenset(row.eye_id for row in session.execute(_unsteady(now)))


def unstable_key(eye_id: int, now: datetime) -> str:
    """That an eye is unstable is told once a week."""
    return f"{unstable_keys(eye_id)}{now:%G-W%V}"


def unstable_keys(eye_id: int) -> str:
    """What all the keys that say so of this eye begin with."""
    return f"unstable:{eye_id}:"


def cut(happening: Happening, ground: Ground, may_hear: Callable[[int, int], bool]) -> Occasion | None:
    """What of it somebody may hear: of the eyes for whose point and site ``may_hear`` holds.

    ``None`` where it concerns no such eye.
    """
    heard = [each for each in happening.touched if may_hear(each.point, each.site)]
    if not heard:
        return None
    occasion = happening.occasion
    concerned = heard if occasion.over else [each for each in heard if each.away] or heard
    places = {(each.point, each.site) for each in heard}
    points = {point for point, _ in places}
    reasons = Counter(each.reason for each in concerned if each.reason and not occasion.over)
    return replace(
        occasion,
        eyes=tuple(dict.fromkeys(each.eye for each in concerned)),
        of_eyes=sum(ground.in_service.get(place, 0) for place in places),
        where=_where(points, ground, occasion.where),
        reason=reasons.most_common(1)[0][0] if reasons else "",
    )


def _where(points: Collection[int], ground: Ground, before: Where) -> Where:
    units = {ground.homes[point][0] if point in ground.homes else None for point in points}
    unit = units.pop() if len(units) == 1 else None
    custodies = {ground.custodies.get(point, ("", "")) for point in points}
    managers, phones = ({each[n] for each in custodies} for n in (0, 1))
    codes = sorted(ground.codes[point] for point in points)
    return replace(
        before,
        unit_id=unit,
        unit=ground.unit_names[unit] if unit is not None else "",
        point=codes[0] if len(codes) == 1 and not before.site else "",
        points=len(codes),
        manager=next(iter(managers)) if len(managers) == 1 else "",
        phone=phones.pop() if len(custodies) == 1 else "",
        codes=tuple(codes[:FIRST_CODES]),
        offices=len(managers - {""}),
    )


# --- incidents --------------------------------------------------------------------------------------


def _incident(
    row: Incident,
    touched: tuple[Touched, ...],
    taken: IncidentNote | None,
    sites: Mapping[int, tuple[str, str]],
    unsteady: Collection[int],
) -> Happening:
    of_site = row.kind == Kind.SITE
    site, site_name = sites.get(row.ancestor_id, ("", "")) if of_site else ("", "")
    occasion = Occasion(
        key=f"incident:{row.id}",
        what=What.SITE if of_site else What.OUTAGE,
        where=replace(NOWHERE, site=site, site_name=site_name),
        eyes=(),
        of_eyes=0,
        started_at=row.started_at,
        told_at=row.announced_at,
        recorded_at=row.recorded_at,
        ended_at=row.ended_at,
        withdrawn_at=row.withdrawn_at,
        acknowledged_at=taken.at if taken else None,
        acknowledged_by=taken.by if taken else "",
        incident=row.id,
        kind=Kind(row.kind),
        unsteady=unstable_keys(touched[0].id) if row.kind == Kind.EYE and touched[0].id in unsteady else "",
    )
    return Happening(occasion, touched)


def _members(session: Session, rows: Sequence[Incident]) -> Mapping[int, tuple[Touched, ...]]:
    """The eyes that ever were part of these incidents, by incident."""
    found: dict[int, dict[int, Touched]] = defaultdict(dict)
    members = session.execute(
        select(IncidentEye.incident_id, IncidentEye.to_at, *_TOUCHED)
        .join(Eye, Eye.id == IncidentEye.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .outerjoin(EyeStateRow, EyeStateRow.eye_id == Eye.id)
        .where(IncidentEye.incident_id.in_([row.id for row in rows]))
        .order_by(IncidentEye.incident_id, Eye.code, IncidentEye.from_at)
    )
    for incident_id, to_at, *eye in members:
        touched = _touched(eye, away=to_at is None)
        before = found[incident_id].get(touched.id)
        found[incident_id][touched.id] = before if before is not None and before.away else touched
    return defaultdict(tuple, {incident_id: tuple(eyes.values()) for incident_id, eyes in found.items()})


def _acknowledgements(session: Session, rows: Sequence[Incident]) -> Mapping[int, IncidentNote]:
    """Who took each in hand first."""
    notes = session.scalars(
        select(IncidentNote)
        .where(IncidentNote.incident_id.in_([row.id for row in rows]), IncidentNote.kind == Deed.ACKNOWLEDGED)
        .order_by(IncidentNote.id.desc())
    )
    return {note.incident_id: note for note in notes}


# --- what is collected --------------------------------------------------------------------------------


def _unsteady(now: datetime) -> Select[int, datetime]:
    began = func.min(IncidentEye.from_at).label("began")
    return (
        select(IncidentEye.eye_id, began)
        .join(Incident, Incident.id == IncidentEye.incident_id)
        .where(
            Incident.started_at > now - A_DAY,
            Incident.withdrawn_at.is_(None),
            Incident.kind != Kind.SITE,
            Incident.announced_at <= now,
        )
        .group_by(IncidentEye.eye_id)
        .having(func.count(IncidentEye.incident_id.distinct()) >= UNSTEADY)
    )


def _unstable(session: Session, now: datetime) -> Iterator[Happening]:
    unsteady = _unsteady(now).subquery()
    rows = session.execute(
        select(unsteady.c.began, *_TOUCHED)
        .join(Eye, Eye.id == unsteady.c.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .outerjoin(EyeStateRow, EyeStateRow.eye_id == Eye.id)
    )
    for began, *eye in rows:
        touched = _touched(eye)
        yield _alone(unstable_key(touched.id, now), What.UNSTABLE, began, [touched])


def _exposed(session: Session, since: datetime) -> Iterator[Happening]:
    """What anyone can see, by eye: of several proofs the first."""
    rows = session.execute(
        select(Finding.id, Finding.first_at, *_TOUCHED[:-1], Finding.reason)
        .join(Eye, Eye.id == Finding.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .where(
            Finding.gone_at.is_(None),
            Finding.evidence.in_(EXPOSURES),
            Finding.first_at >= since,
            Eye.access_withdrawn_at.is_(None),
        )
        .order_by(Finding.first_at, Finding.id)
    )
    seen: set[int] = set()
    for number, first_at, *eye in rows:
        touched = _touched(eye)
        if touched.id not in seen:
            seen.add(touched.id)
            yield _alone(f"exposure:{number}", What.EXPOSURE, first_at, [touched])


def _failing(session: Session, since: datetime) -> Iterator[Happening]:
    """Recordings that are too short, clocks that are wrong."""
    rows = session.execute(
        select(Condition.check, Condition.since, *_TOUCHED[:-1], Condition.reason)
        .join(Eye, Eye.id == Condition.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .where(Condition.check.in_(FAILING), Condition.state == Outcome.FAILING, Condition.since >= since)
    )
    for check, began, *eye in rows:
        what, touched = FAILING[Check(check)], _touched(eye)
        yield _alone(f"{what}:{touched.id}:{began:%Y%m%dT%H%M%S}", what, began, [touched])


def _degraded(session: Session, since: datetime) -> Iterator[Happening]:
    """Eyes whose picture cannot be used, although a stream comes."""
    rows = session.execute(
        select(EyeStateRow.since, *_TOUCHED)
        .join(Eye, Eye.id == EyeStateRow.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .where(EyeStateRow.state == EyeState.DEGRADED, EyeStateRow.since >= since)
    )
    for began, *eye in rows:
        touched = _touched(eye)
        if began is not None:
            yield _alone(f"degraded:{touched.id}:{began:%Y%m%dT%H%M%S}", What.DEGRADED, began, [touched])


def _changed(session: Session, since: datetime) -> Iterator[Happening]:
    """Devices with another firmware, or that are others; of these, while nobody has confirmed them."""
    rows = session.execute(
        select(DeviceEvent.id, DeviceEvent.at, *_TOUCHED[:-1], DeviceEvent.kind)
        .join(Device, Device.id == DeviceEvent.device_id)
        .join(Eye, Eye.device_id == Device.id)
        .where(
            DeviceEvent.at >= since,
            or_(DeviceEvent.kind == Change.FIRMWARE, DeviceEvent.confirmed_at.is_(None)),
            Eye.retired_at.is_(None),
        )
        .order_by(DeviceEvent.id, Eye.code)
    )
    for (number, at), lines in groupby(rows, key=lambda row: (row.id, row.at)):
        eyes = [_touched(eye) for _, _, *eye in lines]
        yield _alone(f"device:{number}", What.FIRMWARE, at, eyes)


def _alone(key: str, what: What, began: datetime, touched: Sequence[Touched]) -> Happening:
    return Happening(
        Occasion(
            key=key,
            what=what,
            where=NOWHERE,
            eyes=(),
            of_eyes=0,
            started_at=began,
            told_at=began,
            recorded_at=began,
        ),
        tuple(touched),
    )


# An eye as it is touched, with what was found of it last; ``EyeState`` may be joined, or give its place.
_TOUCHED = (Eye.id, Eye.code, Device.point_id, Device.site_id, EyeStateRow.reason)


def _touched(eye: Sequence[Any], *, away: bool = True) -> Touched:
    eye_id, code, point, site, reason = eye
    return Touched(eye_id, code, point, site, away, reason or "")
