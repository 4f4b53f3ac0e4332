"""How the figure of one eye came about: what it is made of, what was left out and why, and the arithmetic.

One frozen value for the command, the page and the API. Nothing is counted here: the sums are those of
``uptime``, and the intervals are the same history cut where something changes, so the one can be checked
against the other. All lengths are in microseconds: exact, and beside them as people are shown them.

People are shown whole seconds, and these still sum. Every moment is cut to the second, as it is printed, and
lengths are counted between the moments so cut. Cutting keeps the order of moments, so the cut history has the
same intervals, and its sums are theirs. Percentages are made of the exact lengths.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from itertools import groupby, pairwise
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import histories, incidents, maintenance, models, outages, queries, uptime
from camera_registry.errors import RegistryError
from camera_registry.health import RULES_VERSION
from camera_registry.i18n import N_
from camera_registry.inventory import Reach
from camera_registry.maintenance import Kind
from camera_registry.periods import midnight, month_of
from camera_registry.units import Scope, UnitTree
from camera_registry.uptime import History, Span, Tally, Turn
from probes.reasons import Check, Reason

STATES = ("up", "degraded", "down", "unknown", uptime.MAINTENANCE, uptime.NOT_IN_SERVICE)  # sum to the period

MTTR = N_("Mean length of an outage that ended (MTTR)")
MTBF = N_("Mean time of operation for each outage (MTBF)")

ALWAYS = ("availability", "coverage", "usable", "usable_coverage")  # said even where nothing was observed

EYE = "eye"  # the ledger of the derived state; the others are named after their checks


class ExplainError(RegistryError):
    """There is no measured figure to explain."""


class Absence(StrEnum):
    """Why an eye is not in service."""

    NOT_COMMISSIONED = "not_commissioned"
    RETIRED = "retired"
    SUSPENDED = "suspended"
    ACCESS_WITHDRAWN = "access_withdrawn"
    ACCESS_ENDED = "access_ended"  # the consent of a household has run out


@dataclass(frozen=True, slots=True)
class Away:
    """A time out of service, cut to the period; ``note`` is what a person wrote of a suspension."""

    span: Span
    why: Absence
    note: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A maintenance window over this eye, cut to the period: who entered it, when, and why."""

    span: Span
    id: int
    kind: Kind
    reason: str
    entered_by: str
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """A time in which one thing holds. ``state`` is one of the ledger, ``maintenance`` or ``not_in_service``.

    ``reason`` is a ``Reason`` under a state and an ``Absence`` out of service; ``windows`` are the ids of
    the windows of maintenance.
    """

    span: Span
    state: str
    reason: str = ""
    windows: tuple[int, ...] = ()

    @property
    def us(self) -> int:
        return self.span.length

    @property
    def shown(self) -> int:
        return to_the_second(self.span).length


@dataclass(frozen=True, slots=True)
class Cause:
    """The incident that an outage was part of: what was lost as a whole, and what people call it."""

    id: int
    kind: incidents.Kind
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Outage:
    """A run of ``down``: ``us`` of it count. ``end`` is ``None`` where it goes on at the period's end."""

    start: datetime
    end: datetime | None
    us: int
    shown: int
    reason: str
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Blip:
    """A failed probe that was not confirmed: nothing was down."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Fraction:
    """One rate as it is divided: microseconds over microseconds."""

    name: str
    over: int
    under: int
    shown_over: int
    shown_under: int

    @property
    def share(self) -> float | None:
        """``None`` where nothing was observed: neither 0 nor 100 per cent."""
        return self.over / self.under if self.under else None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Time in which we could not say how it was, by reason."""

    reason: str
    us: int
    shown: int
    times: int


@dataclass(frozen=True, slots=True)
class Home:
    """The unit that the time was counted for."""

    span: Span
    unit: str


@dataclass(frozen=True, slots=True)
class Closed:
    """What a closed month inside the period says of the eye: reports print that, whatever came later."""

    month: date
    version: int  # 0 as closed; then the number of the amendment
    at: datetime
    by: str
    tally: Tally


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything a person needs to work out the figure of one eye again.

    ``asked`` is the period, ``counted`` the part of it that lies before now. ``intervals`` are those of
    the eye's ledger; ``checks`` those of each check that was made. ``fractions`` end with the check's own.
    ``tally`` is exact, ``shown`` what people are shown of it.
    """

    eye: str
    name: str
    asked: Span
    counted: Span
    intervals: tuple[Interval, ...]
    checks: Mapping[Check, tuple[Interval, ...]]
    tally: Tally
    shown: Tally
    fractions: tuple[Fraction, ...]
    away: tuple[Away, ...]
    windows: tuple[Window, ...]
    unknown: tuple[Unknown, ...]
    outages: tuple[Outage, ...]
    blips: tuple[Blip, ...]
    summary: uptime.Summary
    homes: tuple[Home, ...]
    closed: tuple[Closed, ...] = ()
    rules_version: int = RULES_VERSION

    @property
    def ended(self) -> int:
        """Outages that ended: those that MTTR is the mean of."""
        return sum(each.end is not None for each in self.outages)

    @property
    def ended_us(self) -> int:
        return sum(each.us for each in self.outages if each.end is not None)

    @property
    def ended_shown(self) -> int:
        return sum(each.shown for each in self.outages if each.end is not None)

    @property
    def summary_shown(self) -> uptime.Summary:
        """What the lengths that are shown come to: a mean to the second has to be theirs."""
        runs = (uptime.Outage(each.start, each.end, each.shown) for each in self.outages)
        return uptime.summary(self.shown, runs)

    @property
    def ahead_us(self) -> int:
        """The part of the period that has not yet come."""
        return self.asked.length - self.counted.length

    @property
    def asked_shown(self) -> int:
        return to_the_second(self.asked).length

    @property
    def ahead_shown(self) -> int:
        return self.asked_shown - to_the_second(self.counted).length


def to_the_second(span: Span) -> Span:
    """``span`` between its moments as they are printed."""
    return Span(_cut(span.start), _cut(span.end))


def history_to_the_second(history: History) -> History:
    """``history`` with every moment cut to the second; what lay within one second is gone."""
    return replace(
        history,
        states=_cut_turns(history.states),
        checks={check: _cut_turns(turns) for check, turns in history.checks.items()},
        service=uptime.merged(to_the_second(each) for each in history.service),
        maintenance=uptime.merged(to_the_second(each) for each in history.maintenance),
    )


def intervals(
    history: History, ledger: str, within: Span, away: Sequence[Away] = (), windows: Sequence[Window] = ()
) -> tuple[Interval, ...]:
    """``within`` without a gap, as ``ledger`` is counted, with the reasons of what is left out."""
    turns = history.states if ledger == EYE else history.checks.get(Check(ledger), ())
    found: list[Interval] = []
    for each in uptime.intervals(replace(history, states=turns), within):
        if each.state == uptime.NOT_IN_SERVICE:
            found.extend(_absent(each.span, away))
        elif each.state == uptime.MAINTENANCE:
            over = (w.id for w in windows if w.span.start < each.span.end and w.span.end > each.span.start)
            found.append(Interval(each.span, each.state, windows=tuple(sorted(set(over)))))
        else:
            found.append(Interval(each.span, each.state, each.reason or Reason.NEVER_PROBED))
    return tuple(found)


def explain(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, code: str, asked: Span
) -> Explanation | None:
    """How the figures of one eye came about; ``None`` where there is none of this code in scope.

    Raises ``ExplainError`` for an eye that no network reaches: a person's word is no measured figure.
    """
    eye = session.scalars(select(models.Eye).where(models.Eye.code == code)).one_or_none()
    today = now.astimezone(zone).date()
    if eye is None:
        return None
    device = session.get_one(models.Device, eye.device_id)
    if device.point_id not in queries.point_ids(session, scope, today):
        return None
    if eye.reach == Reach.REPORTED:
        raise ExplainError(
            N_('No network reaches the eye "{code}": people report on it, and nothing is measured.'),
            code=code,
        )
    counted = asked.until(now)
    history = histories.load(session, [eye.id], counted, now, zone)[eye.id]
    away = _away(session, eye, counted, zone)
    windows = sorted(_windows(session, eye.id, counted, zone), key=lambda each: (each.span, each.id))
    of_eye = intervals(history, EYE, counted, away, windows)
    tally, runs = uptime.tally(history, counted), uptime.outages(history, counted)
    shown = uptime.tally(history_to_the_second(history), to_the_second(counted))
    causes = outages.causes(session, scope, now, zone, code, counted)
    return Explanation(
        eye=eye.code,
        name=eye.name,
        asked=asked,
        counted=counted,
        intervals=of_eye,
        checks={
            check: intervals(history, check, counted, away, windows)
            for check in Check
            if history.checks.get(check)
        },
        tally=tally,
        shown=shown,
        fractions=_fractions(tally, shown),
        away=tuple(away),
        windows=tuple(windows),
        unknown=_unknown(of_eye),
        outages=_outages(history, runs, of_eye, causes),
        blips=_blips(session, eye.id, history, counted),
        summary=uptime.summary(tally, runs),
        homes=tuple(_homes(session, device.point_id, counted, zone)),
        closed=tuple(_closed(session, eye.id, asked, zone)),
    )


def as_json(found: Explanation, ledger: str = EYE) -> dict[str, Any]:
    """What a program is told: lengths in seconds, rates as fractions, ``null`` where nothing was observed.

    ``ledger`` chooses whose intervals: of the eye, or of one check; none of a check that was not made.
    """
    tally, summary = found.tally, found.summary
    chosen = found.intervals if ledger == EYE else found.checks.get(Check(ledger), ())
    return {
        "eye": found.eye,
        **_between(found.asked),
        "counted_until": found.counted.end,
        "rules_version": found.rules_version,
        "ledger": ledger,
        "intervals": [
            _between(each.span)
            | {"state": each.state, "reason": each.reason or None, "seconds": each.us / 1e6}
            | ({"windows": each.windows} if each.windows else {})
            for each in chosen
        ],
        "up_s": tally.up / 1e6,
        "degraded_s": tally.degraded / 1e6,
        "down_s": tally.down / 1e6,
        "unknown_s": tally.unknown / 1e6,
        "maintenance_s": tally.maintenance / 1e6,
        "not_in_service_s": tally.not_in_service / 1e6,
        "ahead_s": found.ahead_us / 1e6,
        "rates": {
            each.name: {"rate": each.share, "over_s": each.over / 1e6, "under_s": each.under / 1e6}
            for each in found.fractions
        },
        "unknown": [
            {"reason": each.reason, "seconds": each.us / 1e6, "times": each.times} for each in found.unknown
        ],
        "maintenance": [
            _between(each.span)
            | {"id": each.id, "kind": each.kind, "reason": each.reason}
            | {"entered_by": each.entered_by, "entered_at": each.entered_at}
            for each in found.windows
        ],
        "not_in_service": [_between(each.span) | {"why": each.why, "note": each.note} for each in found.away],
        "outages": [
            {"from": each.start, "to": each.end, "seconds": each.us / 1e6, "reason": each.reason}
            | {"incident": each.cause}
            for each in found.outages
        ],
        "blips": [{"at": each.at, "reason": each.reason} for each in found.blips],
        "longest_outage_s": summary.longest_outage_s,
        "mttr_s": summary.mttr_s,
        "mtbf_s": summary.mtbf_s,
        "units": [_between(each.span) | {"unit": each.unit} for each in found.homes],
        "closed_months": [
            {"month": each.month, "version": each.version, "at": each.at, "by": each.by}
            | {"availability": each.tally.availability, "coverage": each.tally.coverage}
            for each in found.closed
        ],
    }


# --- how it is done ---------------------------------------------------------------------------------


def _cut(at: datetime) -> datetime:
    return at.replace(microsecond=0)


def _cut_turns(turns: Sequence[Turn]) -> list[Turn]:
    """Of those in one second the last."""
    return list({_cut(turn.at): replace(turn, at=_cut(turn.at)) for turn in turns}.values())


def _between(span: Span) -> dict[str, Any]:
    return {"from": span.start, "to": span.end}


def _absent(span: Span, away: Sequence[Away]) -> Iterator[Interval]:
    """A time out of service, cut where its reason changes; of several, the first of ``Absence``."""
    edges = {edge for each in away for edge in (each.span.start, each.span.end)}
    inside = sorted(edge for edge in edges if span.start < edge < span.end)
    cut = (Span(start, end) for start, end in pairwise((span.start, *inside, span.end)))
    for why, parts in groupby(cut, key=lambda part: _why(part.start, away)):
        first, *others = parts
        yield Interval(Span(first.start, (others or [first])[-1].end), uptime.NOT_IN_SERVICE, why)


def _why(at: datetime, away: Sequence[Away]) -> str:
    return min((each.why for each in away if at in each.span), key=list(Absence).index, default="")


def _fractions(tally: Tally, shown: Tally) -> tuple[Fraction, ...]:
    """Every rate with its coverage (rule 6); of checks that said nothing, none."""
    return tuple(
        Fraction(name, over, under, shown_over, shown_under)
        for (name, over, under), (_, shown_over, shown_under) in zip(
            _divisions(tally), _divisions(shown), strict=True
        )
        if under or name in ALWAYS
    )


def _divisions(tally: Tally) -> Iterator[tuple[str, int, int]]:
    yield "availability", tally.up + tally.degraded, tally.observed
    yield "coverage", tally.observed, tally.in_service
    yield "usable", tally.usable, tally.pictured
    yield "usable_coverage", tally.pictured, tally.in_service
    for check in (Check.SNAPSHOT, Check.CLOCK, Check.RECORDING):
        good = getattr(tally, f"{check}_ok")
        known = good + getattr(tally, f"{check}_failing")
        yield str(check), good, known
        yield f"{check}_coverage", known, tally.in_service if known else 0


def _unknown(of_eye: Sequence[Interval]) -> tuple[Unknown, ...]:
    """By reason, the longest first."""
    by_reason: dict[str, list[Interval]] = defaultdict(list)
    for each in of_eye:
        if each.state == "unknown":
            by_reason[each.reason].append(each)
    found = [
        Unknown(reason, sum(each.us for each in parts), sum(each.shown for each in parts), len(parts))
        for reason, parts in by_reason.items()
    ]
    return tuple(sorted(found, key=lambda each: (-each.us, each.reason)))


def _outages(
    history: History,
    runs: Sequence[uptime.Outage],
    of_eye: Sequence[Interval],
    causes: Sequence[tuple[outages.Away, outages.IncidentRow]],
) -> tuple[Outage, ...]:
    states, shown = history.states, [0] * len(runs)
    for each in of_eye:
        if each.state == "down":
            shown[bisect_right(runs, each.span.start, key=lambda run: run.start) - 1] += each.shown
    return tuple(
        Outage(run.start, run.end, run.counted, us, _reason_at(states, run.start), _cause(run, causes))
        for run, us in zip(runs, shown, strict=True)
    )


def _cause(run: uptime.Outage, causes: Sequence[tuple[outages.Away, outages.IncidentRow]]) -> Cause | None:
    """Of the incidents that this outage was part of the first, one of many eyes before one of its own."""
    during = [
        row
        for away, row in causes
        if (run.end is None or away.from_at < run.end) and (away.to_at is None or away.to_at > run.start)
    ]
    row = min(during, key=lambda row: (row.kind is incidents.Kind.EYE, row.started_at), default=None)
    return None if row is None else Cause(row.id, row.kind, row.code, row.name)


def _reason_at(turns: Sequence[Turn], at: datetime) -> str:
    behind = bisect_right(turns, at, key=lambda turn: turn.at)
    return turns[behind - 1].reason if behind else ""


def _blips(session: Session, eye_id: int, history: History, within: Span) -> tuple[Blip, ...]:
    """Those that count, with their reasons as far as they are written down."""
    row = models.Instability
    noted = select(row.at, row.reason).where(row.eye_id == eye_id, row.check == Check.STREAM)
    reasons = {
        row.at: row.reason
        for row in session.execute(noted.where(row.at >= within.start, row.at < within.end))
    }
    counting = uptime.counted(history, within)
    return tuple(
        Blip(at, reasons.get(at, "")) for at in sorted(history.blips) if any(at in span for span in counting)
    )


def _windows(session: Session, eye_id: int, within: Span, zone: tzinfo) -> Iterator[Window]:
    """The windows over this eye, each time of a repeated one by itself."""
    ground = maintenance.Ground.load(session, zone, [eye_id])
    for each in maintenance.windows(session, within, zone):
        for span in ground.covered([each], within)[eye_id]:
            yield Window(span, each.id, each.kind, each.reason, each.entered_by, each.entered_at)


def _away(session: Session, eye: models.Eye, within: Span, zone: tzinfo) -> list[Away]:
    """Why the eye is not in service; where several reasons hold, the one that people would name first."""
    said: list[tuple[datetime, datetime, Absence, str]] = []
    if eye.commissioned_at is not None:
        said.append((within.start, eye.commissioned_at, Absence.NOT_COMMISSIONED, ""))
    if eye.retired_at is not None:
        said.append((eye.retired_at, within.end, Absence.RETIRED, ""))
    if eye.access_withdrawn_at is not None:
        said.append((eye.access_withdrawn_at, within.end, Absence.ACCESS_WITHDRAWN, ""))
    if eye.access_until is not None and eye.access_until < date.max:
        over = midnight(eye.access_until + timedelta(days=1), zone)
        said.append((over, within.end, Absence.ACCESS_ENDED, ""))
    row = models.Suspension
    for pause in session.scalars(select(row).where(row.eye_id == eye.id).order_by(row.from_at)):
        said.append((pause.from_at, pause.to_at or within.end, Absence.SUSPENDED, pause.reason))
    clipped = (
        Away(Span(max(start, within.start), min(end, within.end)), why, note)
        for start, end, why, note in said
    )
    return [each for each in clipped if each.span.length]


def _homes(session: Session, point_id: int, within: Span, zone: tzinfo) -> Iterator[Home]:
    """The units that the eye's point belonged to, one after the other."""
    tree = UnitTree.load(session)
    turns = histories.memberships(session, [point_id], zone).get(point_id, [])
    ends = [*(at for at, _ in turns[1:]), within.end]
    for (at, unit_id), until in zip(turns, ends, strict=False):  # a point of no unit has none
        span = Span(max(at, within.start), min(until, within.end))
        if span.length:
            yield Home(span, tree.units[unit_id].name)


def _closed(session: Session, eye_id: int, period: Span, zone: tzinfo) -> Iterator[Closed]:
    """The newest figures of the closed months that lie whole in the period."""
    closing, figure = models.Closing, models.ClosedFigure
    newest = select(closing.month, func.max(closing.version).label("version")).group_by(closing.month)
    last = newest.subquery()
    rows = session.execute(
        select(closing, figure)
        .join(last, (closing.month == last.c.month) & (closing.version == last.c.version))
        .join(figure, figure.closing_id == closing.id)
        .where(figure.eye_id == eye_id)
        .order_by(closing.month)
    )
    for head, parts in groupby(rows, key=lambda row: row[0]):
        month = month_of(head.month, zone)
        if period.start <= month.start and month.end <= period.end:
            tally = sum((_tally(part) for _, part in parts), Tally())
            yield Closed(head.month, head.version, head.at, head.by, tally)


def _tally(row: models.ClosedFigure) -> Tally:
    return Tally(*(getattr(row, each.name) for each in fields(Tally)))
