"""Closed months: their figures are frozen with what they were counted from, and a correction is an amendment.

A month is closed once nothing delivered late can change it any more. What is kept: for each eye and each
unit its point belonged to, the tally in microseconds; for each point how long it was served; the version of
the rules; the maintenance that was left out; a SHA-256 of all that was counted from, and one of what came of
it; who closed it and when. There is no way to reopen a month: triggers of the database refuse to change or
delete a row. An amendment counts anew from today's registry and stands beside what it corrects.

An eye that was not in service on any moment of the month has no figure. A unit is the one the registry
names for that time, not rolled up: reports do that to the day they are asked for.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, dataclass, fields
from datetime import UTC, date, datetime, timedelta, tzinfo
from hashlib import sha256
from typing import Any

import orjson
from sqlalchemy import func, insert, or_, select
from sqlalchemy.orm import Session

from camera_registry import audit, histories, maintenance
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.health import RULES_VERSION
from camera_registry.i18n import N_
from camera_registry.inventory import Reach
from camera_registry.maintenance import Inside
from camera_registry.models import ClosedFigure, ClosedPoint, Closing, Condition, Counted, Device, Eye, Point
from camera_registry.periods import month_of
from camera_registry.units import Scope
from camera_registry.uptime import (
    History,
    Served,
    Span,
    Tally,
    Turn,
    blips,
    clipped,
    outages,
    served,
    tally,
    without,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
LONGEST_REASON, LONGEST_TEXT = 1_000, 40  # characters: of an amendment, and quoted of what is no month

_COUNTED = tuple(each.name for each in fields(Tally))
assert set(_COUNTED) == set(Counted.__annotations__)


class ClosingError(RegistryError):
    """The month cannot be closed, amended or shown."""


@dataclass(frozen=True, slots=True)
class EyeFigure:
    """What one eye did in a month while its point belonged to one unit; times in microseconds.

    An outage belongs to the unit it began in, or was going on in when the month began. ``ended_down`` is
    that of the ``ended_outages`` together (their mean is the MTTR), ``longest_down`` that of any one.
    """

    eye_id: int
    unit_id: int | None
    tally: Tally
    outages: int
    ended_outages: int
    ended_down: int
    longest_down: int
    blips: int


@dataclass(frozen=True, slots=True)
class PointFigure:
    """For how long one point was served in a month while it belonged to one unit."""

    point_id: int
    unit_id: int | None
    served: Served


@dataclass(frozen=True, slots=True)
class Heading:
    """One closing (version 0) or amendment (1, 2, …) of a month, without its figures."""

    month: date
    version: int
    at: datetime
    by: str
    reason: str
    rules_version: int
    inputs_hash: str
    figures_hash: str


@dataclass(frozen=True, slots=True)
class Frozen:
    """A closed month whole. ``windows`` is the maintenance that was left out, as it then stood."""

    heading: Heading
    windows: tuple[Mapping[str, Any], ...]
    eyes: tuple[EyeFigure, ...]
    points: tuple[PointFigure, ...]

    @property
    def total(self) -> Tally:
        return sum((figure.tally for figure in self.eyes), Tally())


@dataclass(frozen=True, slots=True)
class Difference:
    """The figures of one eye in one unit that are not the same; ``None`` where one side has none."""

    eye_id: int
    unit_id: int | None
    before: EyeFigure | None
    after: EyeFigure | None


@dataclass(frozen=True, slots=True)
class PointDifference:
    """The same of one point."""

    point_id: int
    unit_id: int | None
    before: PointFigure | None
    after: PointFigure | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two countings of one month: where they differ, and whether they were counted from the same."""

    before: Frozen
    after: Frozen
    eyes: tuple[Difference, ...]
    points: tuple[PointDifference, ...]

    @property
    def same_inputs(self) -> bool:
        return self.before.heading.inputs_hash == self.after.heading.inputs_hash

    @property
    def same_figures(self) -> bool:
        return not (self.eyes or self.points)


@dataclass(frozen=True, slots=True)
class Verification:
    """A closed month against what the registry says of it today.

    ``intact``: the stored figures are still those whose hash was taken. ``compared``: with today's count.
    """

    compared: Compared
    intact: bool


def month_named(text: str) -> date:
    """The first day of ``2026-09``. Raises ``ClosingError`` for anything else."""
    written = text.strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d", written):
            return date.fromisoformat(f"{written}-01")
    except ValueError:
        pass
    raise ClosingError(N_('"{text}" is no month; write it as 2026-09.'), text=written[:LONGEST_TEXT])


# --- deeds ------------------------------------------------------------------------------------------


def close(
    session: Session, actor: Actor, month: date, now: datetime, zone: tzinfo, *, lateness: timedelta
) -> Frozen:
    """Freeze a month (its first day). ``lateness`` is how long results are taken that come late.

    Raises ``ClosingError`` before the month's end and ``lateness``, for a month that is closed already or in
    which no eye was in service, and while what began in the month still waits to be confirmed.
    """
    within = month_of(month, zone)
    if _newest(session, month) is not None:
        raise ClosingError(
            N_("The month {month} is closed already. Correct it by an amendment."), month=f"{month:%m/%Y}"
        )
    ready = within.end + lateness
    if now < ready:
        raise ClosingError(
            N_("The month {month} can be closed from {ready} on: until then results may come late."),
            month=f"{month:%m/%Y}",
            ready=f"{ready.astimezone(zone):%d/%m/%Y %H:%M}",
        )
    waiting = _undecided(session, within.end, now)
    if waiting:
        raise ClosingError(
            N_("{count} checks still wait for what began in {month} to be confirmed. Try again later."),
            count=waiting,
            month=f"{month:%m/%Y}",
        )
    counted = _count(session, month, now, zone, version=0, by=actor.name, reason="")
    if not counted.eyes:
        raise ClosingError(
            N_("No eye was in service in {month}: there is nothing to close."), month=f"{month:%m/%Y}"
        )
    _keep(session, counted)
    _note(session, actor, Action.MONTH_CLOSED, counted, now)
    return counted


def amend(
    session: Session, actor: Actor, month: date, now: datetime, zone: tzinfo, *, reason: str
) -> Compared:
    """Count a closed month anew and keep that beside what it corrects, which stays; returns both.

    Raises ``ClosingError`` without a reason, for a month that is not closed, and where nothing differs.
    """
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise ClosingError(
            N_("An amendment has a reason, of at most {limit} characters."), limit=LONGEST_REASON
        )
    before = _closed(session, month)
    version = before.heading.version + 1
    after = _count(session, month, now, zone, version=version, by=actor.name, reason=reason)
    compared = compare(before, after)
    same_rules = before.heading.rules_version == after.heading.rules_version
    if compared.same_figures and compared.same_inputs and same_rules:
        raise ClosingError(
            N_("Nothing of the month {month} has changed: there is nothing to amend."),
            month=f"{month:%m/%Y}",
        )
    _keep(session, after)
    _note(session, actor, Action.MONTH_AMENDED, after, now, reason=reason)
    return compared


# --- reads ------------------------------------------------------------------------------------------


def frozen(session: Session, month: date, version: int | None = None) -> Frozen | None:
    """The figures of a closed month (its first day), amended as it was last, or of one ``version``.

    ``None`` for a month that is not closed, or has no such version.
    """
    row = _newest(session, month) if version is None else _version(session, month, version)
    if row is None:
        return None
    eyes = session.scalars(
        select(ClosedFigure).where(ClosedFigure.closing_id == row.id).order_by(ClosedFigure.id)
    )
    points = session.scalars(
        select(ClosedPoint).where(ClosedPoint.closing_id == row.id).order_by(ClosedPoint.id)
    )
    return Frozen(
        _heading(row),
        tuple(row.windows),
        tuple(_eye_figure(each) for each in eyes),
        tuple(
            PointFigure(each.point_id, each.unit_id, Served(each.served, each.not_served, each.unknown))
            for each in points
        ),
    )


def headings(session: Session) -> list[Heading]:
    """Every closing and amendment there is, the newest month first, its newest version first."""
    rows = session.scalars(select(Closing).order_by(Closing.month.desc(), Closing.version.desc()))
    return [_heading(row) for row in rows]


def left_out(
    session: Session, scope: Scope, day: date, month: date
) -> list[tuple[Heading, tuple[Mapping[str, Any], ...]]]:
    """Every version of a month, the newest first, with the maintenance that it left out.

    Of the windows is told what they cover in ``scope``, as it is on ``day``; who does not see the whole city
    hears of no other.
    """
    rows = session.scalars(select(Closing).where(Closing.month == month).order_by(Closing.version.desc()))
    if scope.unit_ids is None:
        return [(_heading(row), tuple(row.windows)) for row in rows]
    inside = set(maintenance.names(session, Inside.load(session, scope, day).covers()).values())
    return [(_heading(row), tuple(_cut(row.windows, inside))) for row in rows]


def _cut(windows: Iterable[Mapping[str, Any]], inside: Set[str]) -> Iterator[Mapping[str, Any]]:
    for window in windows:
        if covers := [name for name in window["covers"] if name in inside]:
            yield {**window, "covers": covers}


def verify(session: Session, month: date, now: datetime, zone: tzinfo) -> Verification:
    """Count a closed month anew and keep nothing. Raises ``ClosingError`` for one that is not closed."""
    kept = _closed(session, month)
    today = _count(session, month, now, zone, version=kept.heading.version, by="", reason="")
    return Verification(compare(kept, today), intact(kept))


def intact(month: Frozen) -> bool:
    """Whether the figures are still those whose hash was taken."""
    return _figures_hash(month.eyes, month.points) == month.heading.figures_hash


def compare(before: Frozen, after: Frozen) -> Compared:
    """Where two countings of a month differ, by eye and by point."""
    old, new = ({(each.eye_id, each.unit_id): each for each in side.eyes} for side in (before, after))
    old_points, new_points = (
        {(each.point_id, each.unit_id): each for each in side.points} for side in (before, after)
    )
    return Compared(
        before,
        after,
        tuple(
            Difference(*key, old.get(key), new.get(key))
            for key in sorted(old.keys() | new.keys(), key=_order)
            if old.get(key) != new.get(key)
        ),
        tuple(
            PointDifference(*key, old_points.get(key), new_points.get(key))
            for key in sorted(old_points.keys() | new_points.keys(), key=_order)
            if old_points.get(key) != new_points.get(key)
        ),
    )


# --- counting ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stay:
    """A part of the month in which a point belonged to one unit."""

    span: Span
    unit_id: int | None


def _count(
    session: Session, month: date, now: datetime, zone: tzinfo, *, version: int, by: str, reason: str
) -> Frozen:
    within = month_of(month, zone)
    places = _places(session)
    known = histories.load(session, list(places), within, now, zone)
    serving = {eye_id: known[eye_id] for eye_id in sorted(known) if clipped(known[eye_id].service, within)}
    k_of = _k_of(session, {places[eye_id] for eye_id in serving})
    belonged = histories.memberships(session, list(k_of), zone)
    stays = {point_id: _stays(belonged[point_id], within) for point_id in k_of}
    together: dict[int, list[History]] = defaultdict(list)
    for eye_id, history in serving.items():
        together[places[eye_id]].append(history)
    eyes = tuple(
        figure
        for eye_id, history in serving.items()
        for figure in _eye_figures(eye_id, history, stays[places[eye_id]], within)
    )
    points = tuple(
        figure
        for point_id in sorted(together)
        for figure in _point_figures(point_id, together[point_id], k_of[point_id], stays[point_id])
    )
    lines: list[dict[str, Any]] = [{"month": f"{month:%Y-%m}", "zone": str(zone), "rules": RULES_VERSION}]
    lines += [_eye_inputs(eye_id, places[eye_id], history, within) for eye_id, history in serving.items()]
    lines += [_point_inputs(point_id, k_of[point_id], stays[point_id]) for point_id in sorted(k_of)]
    heading = Heading(
        month, version, now, by, reason, RULES_VERSION, _hash(lines), _figures_hash(eyes, points)
    )
    return Frozen(heading, _left_out(session, within, zone), eyes, points)


def _places(session: Session) -> dict[int, int]:
    """The point of every eye that is measured."""
    rows = session.execute(
        select(Eye.id, Device.point_id)
        .join(Device, Eye.device_id == Device.id)
        .where(Eye.reach == Reach.NETWORK)
    )
    return {row.id: row.point_id for row in rows}


def _k_of(session: Session, point_ids: set[int]) -> dict[int, int]:
    rows = session.execute(select(Point.id, Point.k))
    return {point_id: k for point_id, k in rows if point_id in point_ids}


def _stays(belonged: Sequence[tuple[datetime, int]], within: Span) -> tuple[_Stay, ...]:
    """The month cut where the point changed its unit; no unit before it had one."""
    starts: list[tuple[datetime, int | None]] = [(within.start, None)]
    for moment, unit_id in belonged:
        if moment <= within.start:
            starts = [(within.start, unit_id)]
        elif moment < within.end:
            starts.append((moment, unit_id))
    ends = [moment for moment, _ in starts[1:]] + [within.end]
    return tuple(_Stay(Span(start, end), unit_id) for (start, unit_id), end in zip(starts, ends, strict=True))


def _eye_figures(eye_id: int, history: History, stays: Sequence[_Stay], within: Span) -> Iterable[EyeFigure]:
    runs = outages(history, within)
    for unit_id in dict.fromkeys(stay.unit_id for stay in stays):
        spans = [stay.span for stay in stays if stay.unit_id == unit_id]
        begun = [run for run in runs if any(run.start in span for span in spans)]
        ended = [run.counted for run in begun if run.end is not None]
        yield EyeFigure(
            eye_id,
            unit_id,
            sum((tally(history, span) for span in spans), Tally()),
            outages=len(begun),
            ended_outages=len(ended),
            ended_down=sum(ended),
            longest_down=max((run.counted for run in begun), default=0),
            blips=sum(blips(history, span) for span in spans),
        )


def _point_figures(
    point_id: int, together: Sequence[History], k: int, stays: Sequence[_Stay]
) -> Iterable[PointFigure]:
    for unit_id in dict.fromkeys(stay.unit_id for stay in stays):
        parts = (served(together, k, stay.span) for stay in stays if stay.unit_id == unit_id)
        yield PointFigure(point_id, unit_id, sum(parts, Served()))


def _left_out(session: Session, within: Span, zone: tzinfo) -> tuple[Mapping[str, Any], ...]:
    windows = maintenance.windows(session, within, zone)
    names = maintenance.names(session, {cover for window in windows for cover in window.covers})
    return tuple(
        {
            "id": window.id,
            "kind": str(window.kind),
            "reason": window.reason,
            "covers": sorted(names.get(cover, str(cover.kind)) for cover in window.covers),
            "times": [[span.start.isoformat(), span.end.isoformat()] for span in window.spans(within, zone)],
            "recurrence": window.recurrence,
            "entered_at": window.entered_at.isoformat(),
            "entered_by": window.entered_by,
        }
        for window in windows
    )


# --- what it was counted from, written so that equal inputs are equal bytes ---------------------------


def _eye_inputs(eye_id: int, point_id: int, history: History, within: Span) -> dict[str, Any]:
    serving = clipped(history.service, within)
    return {
        "eye": eye_id,
        "point": point_id,
        "states": _turns(history.states, within),
        "checks": {str(check): _turns(turns, within) for check, turns in history.checks.items()},
        "service": _spans(serving),
        "maintenance": _spans(without(serving, without(serving, history.maintenance))),
        "blips": [_micros(blip) for blip in history.blips if blip in within],
        "judged": history.judged,
    }


def _point_inputs(point_id: int, k: int, stays: Sequence[_Stay]) -> dict[str, Any]:
    return {"point": point_id, "k": k, "units": [[_micros(s.span.start), s.unit_id] for s in stays]}


def _turns(turns: Sequence[Turn], within: Span) -> list[list[Any]]:
    """The state in which the month began, and every turn until its end (a run of down may end there)."""
    before = [turn for turn in turns if turn.at <= within.start][-1:]
    inside = [turn for turn in turns if within.start < turn.at <= within.end]
    return [
        [_micros(max(turn.at, within.start)), str(turn.state), str(turn.reason)] for turn in before + inside
    ]


def _spans(spans: Iterable[Span]) -> list[list[int]]:
    return [[_micros(span.start), _micros(span.end)] for span in spans]


def _micros(moment: datetime) -> int:
    return (moment - EPOCH) // MICROSECOND


def _figures_hash(eyes: Iterable[EyeFigure], points: Iterable[PointFigure]) -> str:
    lines = sorted(eyes, key=lambda each: _order((each.eye_id, each.unit_id)))
    more = sorted(points, key=lambda each: _order((each.point_id, each.unit_id)))
    return _hash([*(asdict(each) for each in lines), *(asdict(each) for each in more)])


def _hash(lines: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 over one JSON object a line, keys sorted, no blanks, moments in microseconds since 1970."""
    digest = sha256()
    for line in lines:
        digest.update(orjson.dumps(line, option=orjson.OPT_SORT_KEYS) + b"\n")
    return digest.hexdigest()


def _order(key: tuple[int, int | None]) -> tuple[int, int]:
    return key[0], key[1] or 0


# --- rows -------------------------------------------------------------------------------------------


def _keep(session: Session, counted: Frozen) -> None:
    row = Closing(**asdict(counted.heading), windows=list(counted.windows))
    session.add(row)
    session.flush()
    eyes: list[dict[str, Any]] = [
        {**asdict(each.tally), **{name: getattr(each, name) for name in _OWN}, "closing_id": row.id}
        for each in counted.eyes
    ]
    points = [
        {**asdict(each.served), "point_id": each.point_id, "unit_id": each.unit_id, "closing_id": row.id}
        for each in counted.points
    ]
    if eyes:
        session.execute(insert(ClosedFigure), eyes)
        session.execute(insert(ClosedPoint), points)


_OWN = tuple(each.name for each in fields(EyeFigure) if each.name != "tally")


def _eye_figure(row: ClosedFigure) -> EyeFigure:
    counted = Tally(**{name: getattr(row, name) for name in _COUNTED})
    return EyeFigure(tally=counted, **{name: getattr(row, name) for name in _OWN})


def _heading(row: Closing) -> Heading:
    return Heading(**{each.name: getattr(row, each.name) for each in fields(Heading)})


def _newest(session: Session, month: date) -> Closing | None:
    versions = select(Closing).where(Closing.month == month).order_by(Closing.version.desc())
    return session.scalars(versions.limit(1)).first()


def _version(session: Session, month: date, version: int) -> Closing | None:
    return session.scalar(select(Closing).where(Closing.month == month, Closing.version == version))


def _closed(session: Session, month: date) -> Frozen:
    found = frozen(session, month)
    if found is None:
        raise ClosingError(N_("The month {month} is not closed."), month=f"{month:%m/%Y}")
    return found


def _undecided(session: Session, end: datetime, now: datetime) -> int:
    """Checks that are asked, and for which something of before ``end`` is neither confirmed nor dropped."""
    waiting = select(func.count()).where(
        or_(Condition.suspect_since < end, Condition.good_since < end), Condition.silent_at >= now
    )
    return session.scalar(waiting) or 0


def _note(
    session: Session, actor: Actor, action: Action, counted: Frozen, now: datetime, reason: str = ""
) -> None:
    heading = counted.heading
    detail = {
        "version": heading.version,
        "rules_version": heading.rules_version,
        "inputs_hash": heading.inputs_hash,
        "figures_hash": heading.figures_hash,
        "windows": len(counted.windows),
    }
    audit.record(session, actor, action, f"month:{heading.month:%Y-%m}", now, detail=detail, reason=reason)
