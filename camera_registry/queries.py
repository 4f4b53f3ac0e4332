"""Every read that more than one face needs: each takes a ``Scope`` and cuts to it here, so the numbers agree.

Pages, API and metrics count the same ``EyeRow`` values; none of them asks the tables for a state itself.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Row, Select, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from camera_registry import models
from camera_registry.db import read_once
from camera_registry.health import EyeState
from camera_registry.i18n import collation_key
from camera_registry.inventory import SERIAL_CHANGED, Reach, Word
from camera_registry.models import Device, DevicePace, Eye, Point, PointUnit, Site, Suspension
from camera_registry.spelling import fold
from camera_registry.units import Scope, UnitError, UnitTree, UnitVersion
from probes.reasons import Check, Outcome, Reason
from probes.result import Step

OBSERVED_FOR = timedelta(days=30)  # from an eye's first ok: its picture is recorded and shown, nobody is told

MOST_WORDS = 20  # of people, on one eye


class Overlay(StrEnum):
    """Whether an eye is measured at all. Only the first two are part of measured figures."""

    IN_SERVICE = "in_service"
    NOT_STARTED = "not_started"  # in service, but probing has not begun: importing probes nothing
    NOT_IN_SERVICE = "not_in_service"  # before commissioning, suspended, retired
    REPORTED = "reported"  # no network reaches it; people say how it is
    ACCESS_WITHDRAWN = "access_withdrawn"  # a household's consent was taken back, or has run out


MEASURED = (Overlay.IN_SERVICE, Overlay.NOT_STARTED)

BACKLOG = (
    "backlog"  # in service, reached by network, and never yet seen ok: whatever its state, it stands apart
)

# How eyes are counted, in the order in which faces show it. The first five are measured.
STANDINGS: tuple[str, ...] = tuple(
    str(standing)
    for standing in (
        *(EyeState.UP, EyeState.DEGRADED, EyeState.DOWN, EyeState.UNKNOWN, BACKLOG),
        *(Overlay.REPORTED, Overlay.ACCESS_WITHDRAWN, Overlay.NOT_IN_SERVICE),
    )
)


@dataclass(frozen=True, slots=True)
class Reported:
    """What a person said of an eye that no network reaches; it holds until it expires."""

    word: Word
    at: datetime
    by: str
    note: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class EyeRow:
    """One eye as every face lists it. ``state`` is ``None`` where the eye is not measured.

    ``unit`` is the unit of today that the point's unit became. ``interval_s`` is the effective one.
    ``observing``: the eye is in its first 30 days, and nobody is told of its picture. ``reported`` is a
    person's word, of an eye that no network reaches: no part of any measured figure.
    """

    code: str
    name: str
    point: str
    point_name: str
    unit: str
    unit_code: str
    site: str
    manufacturer: str
    model: str
    funding: str
    overlay: Overlay
    state: EyeState | None
    reason: Reason | None
    since: datetime | None
    probed_at: datetime | None
    probe_s: float | None
    interval_s: float
    backlog: bool
    observing: bool = False
    reported: Reported | None = None

    @property
    def standing(self) -> str:
        """What the eye is counted as: one of ``STANDINGS``."""
        return standing(self.overlay, self.state, backlog=self.backlog)


@dataclass(frozen=True, slots=True)
class Totals:
    """Eyes by standing. ``measured`` are in service and reached by network; ``observed`` have a state.

    The backlog stands apart from the states that its eyes are in, which are observed all the same: an eye
    that never worked and does not answer delivers no stream. ``not_started``: nobody has asked these yet,
    nor will before somebody starts them.
    """

    eyes: int
    points: int
    by_standing: Mapping[str, int]
    measured: int
    observed: int
    backlog: int
    not_started: int
    newest_probe_at: datetime | None

    @property
    def working(self) -> float | None:
        """Share of the observed that deliver a stream; ``None`` where nothing is observed."""
        working = self.by_standing[EyeState.UP] + self.by_standing[EyeState.DEGRADED]
        return working / self.observed if self.observed else None

    @property
    def coverage(self) -> float | None:
        """Share of the measured that are observed: how much ``working`` speaks for."""
        return self.observed / self.measured if self.measured else None

    @property
    def never_worked(self) -> int:
        """Those of the backlog that are observed, and so part of ``working``."""
        return self.observed - sum(self.by_standing[state] for state in EyeState if state != EyeState.UNKNOWN)


class Counted(NamedTuple):
    """What of an eye goes into ``Totals``. ``unasked``: nobody has begun to probe it."""

    point: str | int
    standing: str
    observed: bool
    unasked: bool
    probed_at: datetime | None


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit of today and its eyes, whatever the units of their points were called before."""

    name: str
    code: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class CheckRow:
    """Where one check of an eye stands. ``suspect_since``: it has failed, and waits to be confirmed."""

    check: str
    state: str
    reason: str
    since: datetime
    heard_at: datetime | None
    suspect_since: datetime | None


@dataclass(frozen=True, slots=True)
class TransitionRow:
    """One line of the ledger; ``ledger`` names a check, or ``eye``."""

    id: int
    eye: str
    ledger: str
    at: datetime
    before: str
    after: str
    reason: str
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class RungRow:
    """How one step went in the newest probe that came to it; ``at`` is when that probe began."""

    step: str
    seconds: float
    reason: str
    detail: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of an eye beyond its stream; units as in ``probes.result``, lengths in seconds.

    Each ``…_at`` is the moment its figures are of. Figures of a check that is not known now are ``None``;
    moments stay. ``usable``: whether it delivers a usable picture; ``None`` where pictures are not judged,
    or it is not known.
    """

    usable: bool | None
    picture_at: datetime | None
    picture_s: float | None
    picture_changed_at: datetime | None
    mode: str | None
    width: int | None
    height: int | None
    brightness: float | None
    contrast: float | None
    sharpness: float | None
    similarity: float | None
    snapshot_at: datetime | None
    snapshot_s: float | None
    snapshot_changed_at: datetime | None
    clock_at: datetime | None
    clock_s: float | None
    clock_offset_s: float | None
    recorded_at: datetime | None
    recorded_days: float | None


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A weakness that a probe proved; ``gone_at`` is when one that would have seen it did not."""

    eye: str
    reason: str
    evidence: str
    first_at: datetime
    last_at: datetime
    gone_at: datetime | None


@dataclass(frozen=True, slots=True)
class BaselineRow:
    """What an eye usually sees in one mode; it waits for a person until ``approved_at``."""

    mode: str
    brightness: float
    contrast: float
    sharpness: float
    samples: int
    proposed_at: datetime
    approved_at: datetime | None
    approved_by: str


@dataclass(frozen=True, slots=True)
class GradeRow:
    """How a person found the picture."""

    grade: str
    at: datetime
    by: str
    note: str


@dataclass(frozen=True, slots=True)
class FactsRow:
    """What a device said of itself when it was last read."""

    read_at: datetime
    manufacturer: str
    model: str
    firmware: str
    serial: str
    notes: Sequence[str]


@dataclass(frozen=True, slots=True)
class DeviceEventRow:
    """A device is not what it was; another serial number waits for a person until ``confirmed_at``."""

    device: str
    at: datetime
    kind: str
    before: str
    after: str
    confirmed_at: datetime | None
    confirmed_by: str


@dataclass(frozen=True, slots=True)
class KeptPictures:
    """That pictures of an eye are kept, and no more: each view of one is written down."""

    count: int
    newest_at: datetime
    gone_at: datetime  # the last of them


@dataclass(frozen=True, slots=True)
class EyeDetail:
    """One eye with all that its newest probe saw. ``transcript`` is redacted by whoever wrote it.

    ``rungs`` stand in climbing order. ``transcript`` is of the newest probe that did not end well, begun at
    ``transcript_at``. ``media`` has the figures of ``probes.result.Media`` that are known. Findings, grades,
    what happened to the device, and what people reported (at most ``MOST_WORDS``) stand newest first.
    """

    eye: EyeRow
    unit_uid: str
    reach: str  # see inventory.Reach
    address: str
    purpose: str
    channel: int
    device: str
    commissioned_at: datetime | None
    first_ok_at: datetime | None
    depth: str | None
    checks: Sequence[CheckRow]
    notes: Sequence[str]
    rungs: Sequence[RungRow]
    media: Mapping[str, Any] | None
    transcript: str
    transcript_at: datetime | None = None
    transitions: Sequence[TransitionRow] = field(default=())  # newest first
    ptz: bool = False
    required_days: float | None = None  # of footage
    measures: Measures | None = None
    findings: Sequence[FindingRow] = field(default=())
    baselines: Sequence[BaselineRow] = field(default=())
    grades: Sequence[GradeRow] = field(default=())
    facts: FactsRow | None = None
    device_events: Sequence[DeviceEventRow] = field(default=())
    kept_pictures: KeptPictures | None = None
    reports: Sequence[Reported] = field(default=())


def eyes(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, *, point: str | None = None
) -> list[EyeRow]:
    """Every eye in scope, or those of one point (its code), ordered by unit, point and code.

    Days begin in ``zone``. Retired eyes are not listed; their ledgers stay.
    """
    day = now.astimezone(zone).date()
    places = _Places.load(session, scope, day)
    asked = _eye_select(now, zone).where(*listed(session, scope, now, zone))
    if point is not None:
        asked = asked.where(Point.code == point)
    words = _reported(session, now)
    # Past the session: of rows of plain columns it adds nothing but a fifth of the time.
    found = session.connection().execute(asked).all()
    rows = [_eye_row(row, places, words) for row in found if row.point_id in places]
    by_name = sorted({(row.unit, row.unit_code) for row in rows}, key=lambda unit: collation_key(unit[0]))
    rank = {unit: n for n, unit in enumerate(by_name)}
    rows.sort(key=lambda row: (rank[row.unit, row.unit_code], row.point, row.code))
    return rows


def eye(session: Session, scope: Scope, now: datetime, zone: tzinfo, code: str) -> EyeDetail | None:
    """One eye in full; ``None`` where there is none of this code in scope."""
    places = _Places.load(session, scope, now.astimezone(zone).date())
    row = session.execute(_eye_select(now, zone).where(Eye.code == code)).one_or_none()
    if row is None or row.point_id not in places:
        return None
    registered = session.get_one(Eye, row.id)
    device = session.get_one(Device, registered.device_id)
    point = session.get_one(Point, device.point_id)
    state = session.get(models.EyeState, registered.id)
    checks = session.scalars(select(models.Condition).where(models.Condition.eye_id == registered.id))
    facts, events = device_says(session, device.id)
    return EyeDetail(
        eye=_eye_row(row, places, _reported(session, now)),
        unit_uid=unit_uid(session, *places.units[point.id]),
        reach=registered.reach,
        address=point.address,
        purpose=registered.purpose,
        channel=registered.channel,
        device=device.code,
        commissioned_at=registered.commissioned_at,
        first_ok_at=state.first_ok_at if state else None,
        depth=state.depth if state else None,
        checks=[
            CheckRow(c.check, c.state, c.reason, c.since, c.heard_at, c.suspect_since)
            for c in sorted(checks, key=lambda c: list(Check).index(Check(c.check)))
        ],
        notes=state.notes if state else [],
        rungs=_rungs(state) if state else [],
        media=state.media if state else None,
        transcript=state.transcript if state else "",
        transcript_at=state.transcript_at if state else None,
        transitions=_transitions(
            session, _transition_select().where(Eye.code == code).order_by(models.Transition.at.desc()), 50
        ),
        ptz=registered.ptz,
        required_days=point.required_days if registered.required_days is None else registered.required_days,
        measures=measures(session, code).get(code),
        findings=_findings(session, Eye.code == code),
        baselines=_baselines(session, registered.id),
        grades=_grades(session, registered.id),
        facts=facts,
        device_events=events,
        kept_pictures=_kept_pictures(session, registered.id, now),
        reports=_reports(session, registered.id, now),
    )


def device_says(session: Session, device_id: int) -> tuple[FactsRow | None, list[DeviceEventRow]]:
    """What a device last said of itself, and what has changed about it, newest first."""
    return _facts(session, device_id), _device_events(session, Device.id == device_id)


def unit_uid(session: Session, name: str, code: str) -> str:
    """The uid of a unit of today that ``eyes`` or ``point_units`` names; empty for none."""
    unit = models.Unit
    named = select(unit.uid).where(unit.name == name, unit.code == code)
    return session.scalar(named.order_by(unit.valid_to.is_not(None), unit.id.desc()).limit(1)) or ""


def standing(overlay: str, state: str | None, *, backlog: bool) -> str:
    """What an eye is counted as; ``state`` is ``None`` where it is not measured."""
    if backlog:
        return BACKLOG
    return overlay if state is None else state


def totals(rows: Iterable[EyeRow]) -> Totals:
    """Count eyes. Hand in ``eyes`` or a part of them: every total is made of the rows that are shown."""
    return counted(
        Counted(
            row.point,
            row.standing,
            row.state not in (None, EyeState.UNKNOWN),
            row.overlay is Overlay.NOT_STARTED and row.probed_at is None,
            row.probed_at,
        )
        for row in rows
    )


def counted(eyes: Iterable[Counted]) -> Totals:
    """As ``totals``, of eyes whose rows nobody needs."""
    eyes = list(eyes)
    numbers = Counter(eye.standing for eye in eyes)
    return Totals(
        eyes=len(eyes),
        points=len({eye.point for eye in eyes}),
        by_standing={standing: numbers[standing] for standing in STANDINGS},
        measured=sum(numbers[standing] for standing in (*EyeState, BACKLOG)),
        observed=sum(eye.observed for eye in eyes),
        backlog=numbers[BACKLOG],
        not_started=sum(eye.unasked for eye in eyes),
        newest_probe_at=max((eye.probed_at for eye in eyes if eye.probed_at), default=None),
    )


def units(rows: Iterable[EyeRow]) -> list[UnitRow]:
    """The units of today that have eyes, in the order of ``eyes``."""
    by_unit: dict[tuple[str, str], list[EyeRow]] = {}
    for row in rows:
        by_unit.setdefault((row.unit, row.unit_code), []).append(row)
    return [UnitRow(name, code, totals(members)) for (name, code), members in by_unit.items()]


def matching(rows: Iterable[EyeRow], *, standing: str = "", unit: str = "", text: str = "") -> list[EyeRow]:
    """The rows of one standing, one unit of today (its code), and all words of ``text``.

    Words are compared without tone marks and case; empty conditions hold for all.
    """
    words = fold(text).split()
    return [
        row
        for row in rows
        if (not standing or row.standing == standing)
        and (not unit or row.unit_code == unit)
        and (not words or _says(row, words))
    ]


def transitions(session: Session, scope: Scope, day: date, after: int, limit: int) -> list[TransitionRow]:
    """The ledger's lines with an id above ``after``, oldest first, at most ``limit``.

    Cut to the eyes whose points are in scope on ``day``.
    """
    lines = _transition_select().where(models.Transition.id > after).order_by(models.Transition.id)
    return _transitions(session, lines.where(*within(session, scope, day)), limit)


def eye_in(session: Session, scope: Scope, day: date, code: str, *, locked: bool = False) -> Eye | None:
    """The row of an eye, for what is done to it; ``None`` where none of this code is in scope on ``day``.

    ``locked``: who else would lock it waits.
    """
    found = select(Eye, Device.point_id).join(Device).where(Eye.code == code)
    row = session.execute(found.with_for_update(of=Eye, key_share=True) if locked else found).one_or_none()
    return row[0] if row is not None and row[1] in point_ids(session, scope, day) else None


def device_in(session: Session, scope: Scope, day: date, code: str) -> Device | None:
    """The row of a device, for what is done to it; ``None`` where none of this code is in scope then."""
    device = session.scalars(select(Device).where(Device.code == code)).one_or_none()
    return device if device is not None and device.point_id in point_ids(session, scope, day) else None


def point_in(session: Session, scope: Scope, day: date, code: str) -> Point | None:
    """The row of a point; ``None`` where none of this code is in scope on ``day``."""
    found = session.scalar(select(Point).where(Point.code == code))
    return found if found is not None and found.id in point_ids(session, scope, day) else None


def point_ids(session: Session, scope: Scope, day: date) -> Collection[int]:
    """The ids of the points in scope on ``day``."""
    return _Places.load(session, scope, day).units.keys()


def unit(session: Session, scope: Scope, uid: str) -> UnitVersion | None:
    """The unit of this uid, of any time and level; ``None`` where nothing of it lies in scope."""
    tree = UnitTree.load(session)
    found = next((each for each in tree.units.values() if each.uid == uid), None)
    return found if found is not None and scope.holds(_lies_in(tree, found.id)) else None


def units_of_today(session: Session, scope: Scope, day: date) -> list[UnitVersion]:
    """The units that points in scope belong to on ``day``, in the order of their names."""
    names = set(point_units(session, scope, day).values())
    found = [each for each in UnitTree.load(session).units_of(day) if (each.name, each.code) in names]
    return sorted(found, key=lambda each: collation_key(each.name))


def home(session: Session, scope: Scope, day: date) -> UnitVersion | None:
    """The one unit of today that a scope holds; ``None`` where it holds more or none, or everything."""
    units = units_of_today(session, scope, day) if scope != Scope.everything() else []
    return units[0] if len(units) == 1 else None


def point_units(session: Session, scope: Scope, day: date) -> Mapping[int, tuple[str, str]]:
    """The unit of ``day`` (name, code) of each point in scope; both empty for a point without one."""
    return _Places.load(session, scope, day).units


def homes(session: Session, day: date) -> Mapping[int, tuple[int, frozenset[int]]]:
    """Of each point that has a unit: that of ``day``, and all that it lies in, as a ``Scope`` holds them."""
    tree = UnitTree.load(session)
    lowest = _lowest(session, day)
    found = {u: (_today(tree, u, day), frozenset(_lies_in(tree, u))) for u in set(lowest.values())}
    return {point_id: found[unit_id] for point_id, unit_id in lowest.items()}


def within(session: Session, scope: Scope, day: date) -> list[ColumnElement[bool]]:
    """The condition on ``Device`` that cuts to ``scope`` on ``day``; none where it is everything."""
    if scope.unit_ids is None:
        return []
    return [Device.point_id.in_(point_ids(session, scope, day))]


def listed(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> list[ColumnElement[bool]]:
    """The conditions on ``Eye`` and ``Device`` for what ``eyes`` lists."""
    kept = or_(Eye.retired_at.is_(None), Eye.retired_at > now)
    return [kept, *within(session, scope, now.astimezone(zone).date())]


def overlay(now: datetime, zone: tzinfo) -> ColumnElement[str]:
    """The ``Overlay`` of an ``Eye``, as the database decides it."""
    suspended = exists().where(
        Suspension.eye_id == Eye.id,
        Suspension.from_at <= now,
        or_(Suspension.to_at.is_(None), Suspension.to_at > now),
    )
    consent_over = or_(Eye.access_withdrawn_at <= now, Eye.access_until < now.astimezone(zone).date())
    return case(
        # No date of commissioning: since before the records.
        (or_(suspended, Eye.commissioned_at > now, Eye.retired_at <= now), Overlay.NOT_IN_SERVICE),
        (Eye.reach == Reach.REPORTED, Overlay.REPORTED),
        (consent_over, Overlay.ACCESS_WITHDRAWN),
        (Eye.started_at <= now, Overlay.IN_SERVICE),
        else_=Overlay.NOT_STARTED,
    )


def conditions(session: Session) -> dict[str, list[tuple[str, str]]]:
    """For each eye the checks that have more to say than ``OK``, with their reasons."""
    ailing = (
        select(Eye.code, models.Condition.check, models.Condition.reason)
        .join(Eye, models.Condition.eye_id == Eye.id)
        .where(models.Condition.reason != Reason.OK)
        .order_by(models.Condition.check)
    )
    found: dict[str, list[tuple[str, str]]] = {}
    for code, check, reason in session.execute(ailing):
        found.setdefault(code, []).append((check, reason))
    return found


def measures(session: Session, code: str | None = None) -> dict[str, Measures]:
    """What was measured of each eye (or of one) beyond its stream; none of eyes of which nothing was."""
    found = _measures_select()
    if code is not None:
        found = found.where(Eye.code == code)
    return {row[0]: _measured(row) for row in session.execute(found)}


def findings(session: Session, scope: Scope, day: date) -> list[FindingRow]:
    """The open findings of eyes in scope on ``day``, newest first."""
    return _findings(session, models.Finding.gone_at.is_(None), *within(session, scope, day))


def unconfirmed(session: Session, scope: Scope, day: date) -> list[DeviceEventRow]:
    """The changes of devices in scope on ``day`` that wait for a person, newest first."""
    return _device_events(
        session,
        models.DeviceEvent.kind == SERIAL_CHANGED,
        models.DeviceEvent.confirmed_at.is_(None),
        *within(session, scope, day),
    )


# --- how it is done ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Places:
    """The points in scope, and the unit of today of each."""

    units: Mapping[int, tuple[str, str]]  # point id: name, code

    @classmethod
    def load(cls, session: Session, scope: Scope, day: date) -> "_Places":
        return read_once(session, ("places", scope, day), lambda: cls._read(session, scope, day))

    @classmethod
    def _read(cls, session: Session, scope: Scope, day: date) -> "_Places":
        tree, lowest = UnitTree.load(session), _lowest(session, day)
        today = {unit_id: _today(tree, unit_id, day) for unit_id in set(lowest.values())}
        covered = {u for u in today if scope.holds(_lies_in(tree, u))}
        return cls(
            {
                point_id: (tree.units[today[unit_id]].name, tree.units[today[unit_id]].code)
                for point_id, unit_id in lowest.items()
                if unit_id in covered
            }
            | (_homeless(session, lowest) if scope.unit_ids is None else {})
        )

    def __contains__(self, point_id: int) -> bool:
        return point_id in self.units


def _lowest(session: Session, day: date) -> dict[int, int]:
    """The unit of each point as its newest membership of ``day`` has it."""
    memberships = session.execute(
        select(PointUnit.point_id, PointUnit.unit_id)
        .where(or_(PointUnit.valid_from.is_(None), PointUnit.valid_from <= day))
        .order_by(PointUnit.point_id, func.coalesce(PointUnit.valid_from, date.min))
    )
    return {row.point_id: row.unit_id for row in memberships}  # the newest stays


def _homeless(session: Session, lowest: Mapping[int, int]) -> dict[int, tuple[str, str]]:
    """Points that belong to no unit yet: only who may see everything sees them."""
    return {point_id: ("", "") for point_id in session.scalars(select(Point.id)) if point_id not in lowest}


def _today(tree: UnitTree, unit_id: int, day: date) -> int:
    """The unit of ``day``; where history does not name exactly one, the old one keeps its name."""
    try:
        return tree.roll_up(unit_id, day).id
    except UnitError:
        return unit_id


def _lies_in(tree: UnitTree, unit_id: int) -> set[int]:
    """The unit, what was ever above it, and what it surely lies in since: of parts, what all lie in.

    Which part of a split unit a point stands in is not known before it is placed: who sees one part alone
    does not see it. A city that was dissolved into four wards lies in none of them.
    """
    above = {unit_id} | {each.id for each in tree.ancestors(unit_id)}
    parts = [_lies_in(tree, after) for after in tree.successors.get(unit_id, ())]
    return above.union(set.intersection(*parts)) if parts else above


def _eye_select(now: datetime, zone: tzinfo) -> Select[*tuple[Any, ...]]:
    """Eyes with what ``EyeRow`` takes, in its order, behind their ids; the database decides what it can."""
    unasked = case(
        (or_(Device.host.is_(None), Eye.path.is_(None)), Reason.MONITOR_MISCONFIGURED),
        else_=Reason.NEVER_PROBED,
    )
    interval_s = func.coalesce(DevicePace.effective_interval_s, Site.interval_s)
    state = models.EyeState
    return (
        select(
            *(Eye.id, Device.point_id, Eye.code, Eye.name, Point.code, Point.name, Site.code),
            *(Device.manufacturer, Device.model, Point.funding, overlay(now, zone)),
            *(
                func.coalesce(state.state, EyeState.UNKNOWN),
                func.coalesce(state.reason, unasked),
                state.since,
            ),
            *(state.probed_at, state.probe_s, interval_s, state.first_ok_at.is_(None)),
            func.coalesce(state.first_ok_at > now - OBSERVED_FOR, False),
        )
        .join(Device, Eye.device_id == Device.id)
        .join(Point, Device.point_id == Point.id)
        .join(Site, Device.site_id == Site.id)
        .outerjoin(DevicePace, DevicePace.device_id == Device.id)
        .outerjoin(state, state.eye_id == Eye.id)
    )


def _eye_row(row: Row[*tuple[Any, ...]], places: _Places, words: Mapping[int, Reported]) -> EyeRow:
    eye_id, point_id, code, name, point, point_name, site, manufacturer, model, funding, overlay = row[:11]
    state, reason, since, probed_at, probe_s, interval_s, never_ok, observing = row[11:]
    measured = overlay in MEASURED
    unit, unit_code = places.units[point_id]
    return EyeRow(
        code=code,
        name=name,
        point=point,
        point_name=point_name,
        unit=unit,
        unit_code=unit_code,
        site=site,
        manufacturer=manufacturer,
        model=model,
        funding=funding,
        overlay=_OVERLAYS[overlay],
        state=_STATES[state] if measured else None,
        reason=_REASONS[reason] if measured else None,
        since=since if measured else None,
        probed_at=probed_at,
        probe_s=probe_s,
        interval_s=interval_s,
        backlog=measured and never_ok,
        observing=measured and observing,
        reported=words.get(eye_id) if overlay == Overlay.REPORTED else None,
    )


def _reported(session: Session, now: datetime) -> dict[int, Reported]:
    """The newest word on each eye that still holds at ``now``."""
    word = models.ReportWord
    said = select(word).where(word.at <= now, word.expires_at > now).order_by(word.at)
    return {row.eye_id: _word(row) for row in session.scalars(said)}


def _reports(session: Session, eye_id: int, now: datetime) -> list[Reported]:
    word = models.ReportWord
    said = select(word).where(word.eye_id == eye_id, word.at <= now).order_by(word.at.desc())
    return [_word(row) for row in session.scalars(said.limit(MOST_WORDS))]


def _word(row: models.ReportWord) -> Reported:
    return Reported(Word(row.word), row.at, row.by, row.note, row.expires_at)


_FIGURES = {  # of each check: worth something only while the check is known
    Check.PICTURE: ("brightness", "contrast", "sharpness", "similarity"),
    Check.CLOCK: ("clock_offset_s",),
    Check.RECORDING: ("recorded_days",),
}


@cache
def _measures_select() -> Select[*tuple[Any, ...]]:
    kept = models.EyeMeasures
    states = {check: aliased(models.Condition) for check in (Check.STREAM, *_FIGURES)}
    columns = [getattr(kept, name) for name in _MEASURED]
    found = select(Eye.code, *(state.state for state in states.values()), *columns).outerjoin(
        kept, kept.eye_id == Eye.id
    )
    for check, state in states.items():
        found = found.outerjoin(state, (state.eye_id == Eye.id) & (state.check == check))
    judged = or_(kept.eye_id.is_not(None), states[Check.PICTURE].state.is_not(None))
    return found.where(judged)


def _measured(row: Row[*tuple[Any, ...]]) -> Measures:
    _, stream, picture, clock, recording, *columns = row
    states = {Check.PICTURE: picture, Check.CLOCK: clock, Check.RECORDING: recording}
    values = dict(zip(_MEASURED, columns, strict=True))
    for check, figures in _FIGURES.items():
        if states[check] not in (Outcome.OK, Outcome.FAILING):
            values |= dict.fromkeys(figures)
    return Measures(usable=_usable(stream, picture), **values)


def _usable(stream: str | None, picture: str | None) -> bool | None:
    """As truth's rule 6 counts: delivered and usable, or not; ``None`` is in no side of the fraction."""
    if picture in (None, Outcome.OFF):
        return None
    if stream == Outcome.FAILING:
        return False
    known = stream == Outcome.OK and picture in (Outcome.OK, Outcome.FAILING)
    return picture == Outcome.OK if known else None


def _findings(session: Session, *which: ColumnElement[bool]) -> list[FindingRow]:
    row = models.Finding
    found = (
        select(Eye.code, row.reason, row.evidence, row.first_at, row.last_at, row.gone_at)
        .join(Eye, row.eye_id == Eye.id)
        .join(Device, Eye.device_id == Device.id)
        .where(*which, Eye.access_withdrawn_at.is_(None))
        .order_by(row.first_at.desc(), Eye.code, row.reason)
    )
    return [FindingRow(*line) for line in session.execute(found)]


def _baselines(session: Session, eye_id: int) -> list[BaselineRow]:
    row = models.Baseline
    columns = (getattr(row, each.name) for each in fields(BaselineRow))
    standing = select(*columns).where(row.eye_id == eye_id, row.withdrawn_at.is_(None)).order_by(row.mode)
    return [BaselineRow(*line) for line in session.execute(standing)]


def _grades(session: Session, eye_id: int) -> list[GradeRow]:
    row = models.PictureGrade
    given = select(row.grade, row.at, row.by, row.note).where(row.eye_id == eye_id)
    newest = given.order_by(row.at.desc(), row.id.desc()).limit(10)
    return [GradeRow(*line) for line in session.execute(newest)]


def _kept_pictures(session: Session, eye_id: int, now: datetime) -> KeptPictures | None:
    row = models.KeptPicture
    kept = select(func.count(), func.max(row.at), func.max(row.expires_at))
    count, newest_at, gone_at = session.execute(kept.where(row.eye_id == eye_id, row.expires_at > now)).one()
    return KeptPictures(count, newest_at, gone_at) if count else None


def _facts(session: Session, device_id: int) -> FactsRow | None:
    read = session.get(models.DeviceFacts, device_id)
    if read is None:
        return None
    return FactsRow(read.read_at, read.manufacturer, read.model, read.firmware, read.serial, read.notes)


def _device_events(session: Session, *which: ColumnElement[bool]) -> list[DeviceEventRow]:
    row = models.DeviceEvent
    found = (
        select(Device.code, row.at, row.kind, row.before, row.after, row.confirmed_at, row.confirmed_by)
        .join(Device, row.device_id == Device.id)
        .where(*which)
        .order_by(row.at.desc(), row.id.desc())
    )
    return [DeviceEventRow(*line) for line in session.execute(found)]


_MEASURED = tuple(each.name for each in fields(Measures) if each.name != "usable")


# Looked up, not made: an enumeration's call costs as much as the rest of a row.
_OVERLAYS = {str(overlay): overlay for overlay in Overlay}
_STATES = {str(state): state for state in EyeState}
_REASONS = {str(reason): reason for reason in Reason}


def _rungs(state: models.EyeState) -> list[RungRow]:
    probed_at = state.probed_at
    if probed_at is None:
        return []
    found = [
        RungRow(step, seconds, reason, detail, datetime.fromisoformat(at[0]) if at else probed_at)
        for step, seconds, reason, detail, *at in state.rungs
    ]
    return sorted(found, key=lambda rung: _CLIMB[rung.step])


_CLIMB = {str(step): n for n, step in enumerate(Step)}


def _says(row: EyeRow, words: Sequence[str]) -> bool:
    said = _folded(row.code, row.name, row.point, row.point_name, row.unit, row.manufacturer, row.model)
    return all(word in said for word in words)


@lru_cache(maxsize=20_000)  # a few hundred bytes each; what an eye is called hardly ever changes
def _folded(*texts: str) -> str:
    """What can be searched for; codes stand in it a second time without their dashes."""
    code, _, point, *_ = (fold(text) for text in texts)
    return " ".join((fold(" ".join(texts)), code.replace(" ", ""), point.replace(" ", "")))


def _transition_select() -> Select[*tuple[Any, ...]]:
    line = models.Transition
    return (
        select(
            line.id, Eye.code, line.ledger, line.at, line.before, line.after, line.reason, line.recorded_at
        )
        .join(Eye, line.eye_id == Eye.id)
        .join(Device, Eye.device_id == Device.id)
    )


def _transitions(session: Session, lines: Select[*tuple[Any, ...]], limit: int) -> list[TransitionRow]:
    return [TransitionRow(*line) for line in session.execute(lines.limit(limit))]
