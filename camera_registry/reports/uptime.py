"""Report 1: how the eyes of a ward, a unit or the city worked in a month, a quarter, a year, or some days.

Its figures are those of ``figures``, which pages and API show: the same to the microsecond.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import figures, maintenance, outages, queries, windows, words
from camera_registry.figures import Figure, Group, Ledger
from camera_registry.health import EyeState
from camera_registry.i18n import N_, Language
from camera_registry.inventory import Word
from camera_registry.maintenance import ScopeKind
from camera_registry.models import Eye, ReportWord
from camera_registry.queries import Overlay
from camera_registry.register_words import REPORTED, SCOPES, WINDOWS
from camera_registry.repairs import reading as repairs
from camera_registry.repairs.words import PAYERS, STATES
from camera_registry.reports import counted_by, strips
from camera_registry.reports.asked import Asked, AskedError, checked, period_words
from camera_registry.reports.ground import Ground, stand
from camera_registry.reports.repair_parts import days, up_to
from camera_registry.reports.value import Column, Facts, Measure, Part, Report, Strips, Table, Value
from camera_registry.units import Scope, UnitTree
from camera_registry.uptime import History, Outage, Served, Tally, length
from camera_registry.windows import Phase

LONGEST = 40  # outages that are listed one by one
SECOND = 1_000_000  # microseconds
COVERAGE = N_("For how much of the time in service it is known whether the stream came.")
KNOWN = N_("Of the time of all points that is known.")
LEFT_OUT = N_("Left out of both sides of each fraction.")
OF_THAT_DAY = N_("On the day of the report.")
NO_PART = N_("No part of any measured figure.")
NOT_OVER = N_("The period is not over yet.")
GROUPS = (Group.TOTAL, Group.UNIT, Group.POINT, Group.EYE)


def build(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Report:
    """The report of what ``asked`` names, cut to ``scope`` as figures are.

    A unit that there was not on the day whose units are named is told by those of its own time. Raises
    ``AskedError``, and ``PeriodError`` for a period too long or still to come.
    """
    asked = _of_its_time(session, checked(asked))
    asked.within(zone)
    if asked.span(zone).start >= now:
        raise AskedError(N_("The period has not begun yet."))
    ground = stand(session, scope, asked, now, zone, language)
    found, before = _counted(ground, asked, GROUPS), _counted(ground, asked.before(), (Group.TOTAL,))
    ledgers = _ledgers(ground)
    backlog = _backlog(ground)
    reported = _reported(ground)
    broken = _repairs(ground)
    closed = counted_by.closed(ground)
    parts: list[Part] = [
        _results(ground, found, before, backlog, reported, broken),
        _periods(ground, found, before),
    ]
    if len(found.by[Group.UNIT]) > 1:
        parts.append(_units(ground, found))
    parts += [
        _points(ground, found),
        _strips(ground, ledgers),
        _eyes(ground, found),
        _causes(ground, ledgers, bool(closed.months)),
        _longest(ground, ledgers),
        _maintenance(ground),
        reported,
        backlog,
        broken,
        counted_by.rules(ground),
    ]
    if closed.months:
        parts.append(counted_by.closings_table(ground, closed.months))
    report = ground.report(N_("Report on the operation of security cameras"), parts, wide=True)
    return replace(report, mark=closed.mark)


# --- what is counted ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Counted:
    """The figures of one period. ``served`` is of all its points together."""

    asked: Asked
    total: Figure
    by: Mapping[Group, Sequence[Figure]]
    served: Served


_NOBODY = Figure("", "", Tally(), 0, 0, None, None, 0.0, 0)


def _of_its_time(session: Session, asked: Asked) -> Asked:
    """Units are named as of the last day, unless another is asked for or the unit was another then."""
    unit = next((u for u in UnitTree.load(session).units.values() if u.uid == asked.unit), None)
    if unit is None or unit.valid_on(asked.day_of_units):
        return asked
    own_day = unit.valid_to if unit.ended_by(asked.day_of_units) else unit.valid_from
    if asked.units_at is not None or own_day is None:
        raise AskedError(
            N_("{unit} was no administrative unit on {day}."),
            unit=unit.name,
            day=f"{asked.day_of_units:%d/%m/%Y}",
        )
    return replace(asked, units_at=own_day)


def _where(ground: Ground) -> tuple[Scope, str | None]:
    """How figures are narrowed to the unit: to what was done in it, or, of a unit of units, to its points."""
    unit = ground.unit
    if unit is None:
        return ground.scope, None
    if UnitTree.load(ground.session).children(unit.id, ground.asked.day_of_units):
        return ground.scope.narrowed(unit.id), None
    return ground.scope, unit.uid


def _inside(ground: Ground) -> Scope:
    """The scope, narrowed to the unit that was asked about: for what is told as of today."""
    return ground.scope if ground.unit is None else ground.scope.narrowed(ground.unit.id)


def _counted(ground: Ground, asked: Asked, groups: Sequence[Group]) -> _Counted:
    scope, unit = _where(ground)
    found = figures.by_groups(
        *(ground.session, scope, ground.now, ground.zone),
        *(asked.within(ground.zone), groups, asked.day_of_units),
        unit=unit,
        point=asked.point or None,
    )
    total = next(iter(found[Group.TOTAL]), _NOBODY)
    served = sum((each.served for each in found.get(Group.POINT, ()) if each.served), Served())
    return _Counted(asked, total, found, served)


def _ledgers(ground: Ground) -> list[Ledger]:
    scope, unit = _where(ground)
    return figures.ledgers(
        *(ground.session, scope, ground.now, ground.zone),
        *(ground.asked.within(ground.zone), ground.asked.day_of_units),
        unit=unit,
        point=ground.asked.point or None,
    )


# --- figures ------------------------------------------------------------------------------------------


def _share(served: Served | None) -> float | None:
    """How much of the time that is known points were served."""
    known = served.served + served.not_served if served else 0
    return served.served / known if served and known else None


def _columns(ground: Ground, *, served: bool) -> tuple[Column, ...]:
    return (
        ground.column("availability", N_("Availability"), Measure.SHARE),
        ground.column("coverage", N_("Coverage"), Measure.SHARE),
        ground.column("usable", N_("Usable rate"), Measure.SHARE),
        *((ground.column("served", N_("Served"), Measure.SHARE),) if served else ()),
        ground.column("outages", N_("Outages"), Measure.COUNT, 0.8),
        ground.column("longest", N_("Longest outage, h"), Measure.NUMBER),
        ground.column("mttr", N_("Mean time to repair, h"), Measure.NUMBER),
        ground.column("mtbf", N_("Mean time between outages, h"), Measure.NUMBER, 1.1),
        ground.column("maintenance", N_("Maintenance, h"), Measure.NUMBER),
    )


def _cells(figure: Figure, *served: Served) -> tuple[Value, ...]:
    """Lengths in hours, as the page of availability has them."""
    return (
        figure.tally.availability,
        figure.tally.coverage,
        figure.tally.usable_rate,
        *(_share(each) for each in served),
        figure.outages,
        _hours(figure.longest_outage_s if figure.outages else None),
        _hours(figure.mttr_s),
        _hours(figure.mtbf_s),
        _hours(figure.tally.maintenance / SECOND),
    )


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 2)


def _results(
    ground: Ground, found: _Counted, before: _Counted, backlog: Table, reported: Table, broken: Table
) -> Facts:
    """What stands first: the figures that people ask for."""
    total, tally = found.total, found.total.tally
    then, now = before.total.tally.availability, tally.availability
    change = None if then is None or now is None else round(100 * (now - then), 2)
    longest = total.longest_outage_s if total.outages else None
    measured, points = len(found.by[Group.POINT]), len(ground.places)
    of_all = ground.say(N_("Of {count} points."), count=points) if measured < points else ""
    count, share, seconds = Measure.COUNT, Measure.SHARE, Measure.SECONDS
    said: list[tuple[str, str, Value, Measure, str]] = [
        ("eyes", N_("Eyes measured in the period"), total.eyes, count, ""),
        ("points", N_("Points measured in the period"), measured, count, of_all),
        ("availability", N_("Availability"), now, share, ""),
        ("coverage", N_("Coverage"), tally.coverage, share, COVERAGE),
        ("change", N_("Against the period before, percentage points"), change, Measure.NUMBER, ""),
        ("usable", N_("Usable rate"), tally.usable_rate, share, ""),
        ("usable_coverage", N_("Coverage of the usable rate"), tally.usable_coverage, share, ""),
        ("served", N_("Points served"), _share(found.served), share, KNOWN),
        ("outages", N_("Outages"), total.outages, count, ""),
        ("longest", N_("Longest outage"), longest, seconds, ""),
        ("mttr", N_("Mean time to repair (MTTR)"), total.mttr_s, seconds, N_("Of outages that ended.")),
        ("mtbf", N_("Mean time between outages (MTBF)"), total.mtbf_s, seconds, ""),
        ("maintenance", N_("Maintenance of all eyes"), tally.maintenance / SECOND, seconds, LEFT_OUT),
        ("backlog", N_("Eyes that never worked yet"), len(backlog.rows), count, OF_THAT_DAY),
        ("reported", N_("Eyes reported by people"), len(reported.rows), count, NO_PART),
        ("repairs", N_("Repairs open at the end of the period"), len(broken.rows), count, ""),
    ]
    if ground.span.end < ground.asked.span(ground.zone).end:
        said.insert(0, ("until", N_("Counted until"), ground.span.end, Measure.MOMENT, NOT_OVER))
    return ground.facts("results", N_("Results"), (ground.fact(*each) for each in said))


def _periods(ground: Ground, found: _Counted, before: _Counted) -> Table:
    return ground.table(
        "periods",
        N_("Against the period before"),
        (
            ground.column("period", N_("Period"), weight=2),
            ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.7),
            *_columns(ground, served=False),
        ),
        (
            (period_words(each.asked, ground.language), each.total.eyes, *_cells(each.total))
            for each in (found, before)
        ),
        notes=(N_("Both by the administrative units of the same day."),),
    )


def _units(ground: Ground, found: _Counted) -> Table:
    return ground.table(
        "units",
        N_("By unit"),
        (
            ground.column("unit", N_("Unit"), weight=2.5),
            ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.7),
            *_columns(ground, served=False),
        ),
        (
            (each.name or ground.say(N_("Without a unit")), each.eyes, *_cells(each))
            for each in found.by[Group.UNIT]
        ),
        total=(ground.say(N_("Together")), found.total.eyes, *_cells(found.total)),
        notes=(N_("An eye whose point changed its unit in the period counts in each for its time there."),),
    )


def _points(ground: Ground, found: _Counted) -> Table:
    """Each point once, whatever units it lay in; these are named where it is not one that was asked about."""
    units = ground.unit is None
    return ground.table(
        "points",
        N_("By point"),
        (
            ground.column("point", N_("Point"), weight=1.4),
            ground.column("name", N_("Name"), weight=3),
            *((ground.column("unit", N_("Unit"), weight=1.6),) if units else ()),
            ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.7),
            *_columns(ground, served=True),
        ),
        (
            (
                *(each.key, each.name, *((", ".join(each.units),) if units else ()), each.eyes),
                *_cells(each, each.served or Served()),
            )
            for each in found.by[Group.POINT]
        ),
        total=(
            *(ground.say(N_("Together")), None, *((None,) if units else ()), found.total.eyes),
            *_cells(found.total, found.served),
        ),
    )


def _eyes(ground: Ground, found: _Counted) -> Table:
    return ground.table(
        "eyes",
        N_("By eye"),
        (
            ground.column("eye", N_("Eye"), weight=1.6),
            ground.column("name", N_("Name"), weight=3),
            *_columns(ground, served=False),
        ),
        ((each.key, each.name, *_cells(each)) for each in found.by[Group.EYE]),
        total=(ground.say(N_("Together")), None, *_cells(found.total)),
    )


# --- what lies behind them ------------------------------------------------------------------------------


def _strips(ground: Ground, ledgers: Sequence[Ledger]) -> Strips:
    points: dict[str, tuple[str, int, list[History]]] = {}
    for each in ledgers:
        points.setdefault(each.point, (each.point_name, each.k, []))[2].append(each.history)
    days = (ground.asked.first, ground.asked.last)
    return strips.strips(points, ground.asked.span(ground.zone), ground.now, days, ground.language)


@dataclass(slots=True)
class _Cause:
    outages: int = 0
    down: int = 0
    longest: int = 0
    eyes: set[str] = field(default_factory=set)


def _reason(ledger: Ledger, outage: Outage) -> str:
    """Why the stream did not come when the outage began, or the period did."""
    turns = ledger.history.states
    return next((turn.reason for turn in reversed(turns) if turn.at <= outage.start), "")


def _causes(ground: Ground, ledgers: Sequence[Ledger], some_closed: bool) -> Table:
    causes: dict[str, _Cause] = defaultdict(_Cause)
    for each in ledgers:
        for outage in each.outages:
            cause = causes[_reason(each, outage)]
            cause.outages += 1
            cause.down += outage.counted
            cause.longest = max(cause.longest, outage.counted)
            cause.eyes.add(each.eye)
    told = sorted(causes.items(), key=lambda each: (-each[1].down, each[0]))
    notes = [N_("What was found when the outage began; it does not say whose fault it is.")]
    if some_closed:
        notes.append(N_("As the ledgers say today; figures of closed months stay as they were closed."))
    return ground.table(
        "causes",
        N_("Causes of outages"),
        (
            ground.column("reason", N_("Reason"), weight=5),
            ground.column("outages", N_("Outages"), Measure.COUNT),
            ground.column("eyes", N_("Eyes"), Measure.COUNT),
            ground.column("down", N_("Without a stream, together"), Measure.SECONDS, 2),
            ground.column("longest", N_("Longest outage"), Measure.SECONDS, 2),
        ),
        (
            (ground.say(words.reason_text(slug)), c.outages, len(c.eyes), c.down / SECOND, c.longest / SECOND)
            for slug, c in told
        ),
        total=(
            ground.say(N_("Together")),
            sum(cause.outages for _, cause in told),
            len({eye for _, cause in told for eye in cause.eyes}),
            sum(cause.down for _, cause in told) / SECOND,
            max((cause.longest for _, cause in told), default=0) / SECOND,
        ),
        notes=notes,
    )


def _longest(ground: Ground, ledgers: Sequence[Ledger]) -> Table:
    every = [(each, outage) for each in ledgers for outage in each.outages]
    every.sort(key=lambda pair: (-pair[1].counted, pair[1].start, pair[0].eye))
    notes = []
    if len(every) > LONGEST:
        notes.append(ground.say(N_("The {most} longest of {count}."), most=LONGEST, count=len(every)))
    return ground.table(
        "longest",
        N_("Longest outages"),
        (
            ground.column("eye", N_("Eye"), weight=1.5),
            ground.column("point", N_("Point"), weight=3),
            ground.column("from", N_("From"), Measure.MOMENT, 1.5),
            ground.column("to", N_("Until"), Measure.MOMENT, 1.5),
            ground.column("counted", N_("Counted in the period"), Measure.SECONDS, 1.5),
            ground.column("reason", N_("Reason"), weight=3),
        ),
        (
            (
                *(each.eye, f"{each.point_name} ({each.point})", *_ends(ground, each, outage)),
                *(outage.counted / SECOND, ground.say(words.reason_text(_reason(each, outage)))),
            )
            for each, outage in every[:LONGEST]
        ),
        notes=(*notes, N_("Counted is what lies in service and outside of maintenance.")),
    )


def _ends(ground: Ground, ledger: Ledger, outage: Outage) -> tuple[Value, Value]:
    """When the outage began and ended; in words where that lies outside of the period."""
    before = [turn for turn in ledger.history.states if turn.at < outage.start]
    older = outage.start == ground.span.start and before and before[-1].state == EyeState.DOWN
    return (
        ground.say(N_("before the period")) if older else outage.start,
        ground.say(N_("not restored in the period")) if outage.end is None else outage.end,
    )


def _maintenance(ground: Ground) -> Table:
    """The windows that were left out of the count, as they stand today."""
    listed = windows.rows(ground.session, _inside(ground), ground.now, ground.zone, ground.span)
    times = {
        window.id: window.spans(ground.span, ground.zone)
        for window in maintenance.windows(ground.session, ground.span, ground.zone)
    }
    rows = sorted(
        (row for row in listed if row.phase is not Phase.WITHDRAWN and times.get(row.id)),
        key=lambda row: (times[row.id][0].start, row.id),
    )
    return ground.table(
        "maintenance",
        N_("Maintenance that was left out"),
        (
            ground.column("window", N_("No."), Measure.IDENTIFIER, 0.6),
            ground.column("kind", N_("Kind"), weight=1.3),
            ground.column("first", N_("First time"), Measure.MOMENT, 1.4),
            ground.column("last", N_("End of the last"), Measure.MOMENT, 1.4),
            ground.column("times", N_("Times"), Measure.COUNT, 0.6),
            ground.column("lasting", N_("Together"), Measure.SECONDS, 1.2),
            ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.6),
            ground.column("covers", N_("What it covers"), weight=3),
            ground.column("reason", N_("Reason"), weight=3),
            ground.column("entered_by", N_("Entered by"), weight=1.2),
        ),
        (
            (
                *(row.id, ground.say(WINDOWS[row.kind]), times[row.id][0].start, times[row.id][-1].end),
                *(len(times[row.id]), length(times[row.id]) / SECOND, row.eyes),
                *(", ".join(_scope(ground, name) for name in row.names), row.reason, row.entered_by),
            )
            for row in rows
        ),
    )


def _scope(ground: Ground, name: str) -> str:
    kind, _, named = name.partition(":")
    return f"{ground.say(SCOPES[ScopeKind(kind)])} {named}".strip()


def _reported(ground: Ground) -> Table:
    """Eyes that no network reaches, with the newest word on each before the end of the period."""
    rows = [
        row
        for row in queries.eyes(ground.session, _inside(ground), ground.now, ground.zone)
        if row.overlay is Overlay.REPORTED and ground.asked.point in ("", row.point)
    ]
    said = _newest_words(ground) if rows else {}
    return ground.table(
        "reported",
        N_("Eyes reported by people"),
        (
            ground.column("eye", N_("Eye"), weight=1.5),
            ground.column("name", N_("Name"), weight=3),
            ground.column("point", N_("Point"), weight=3),
            ground.column("word", N_("Report"), weight=2),
            ground.column("at", N_("Reported at"), Measure.MOMENT, 1.5),
        ),
        (
            (row.code, row.name, f"{row.point_name} ({row.point})", *said.get(row.code, (None, None)))
            for row in rows
        ),
        notes=(N_("The newest word before the end of the period; it is no part of any measured figure."),),
    )


def _newest_words(ground: Ground) -> Mapping[str, tuple[str, datetime]]:
    newest = select(ReportWord.eye_id, func.max(ReportWord.at).label("at")).where(
        ReportWord.at < ground.span.end
    )
    of = newest.group_by(ReportWord.eye_id).subquery()
    rows = ground.session.execute(
        select(Eye.code, ReportWord.word, ReportWord.at)
        .join(Eye, Eye.id == ReportWord.eye_id)
        .join(of, (of.c.eye_id == ReportWord.eye_id) & (of.c.at == ReportWord.at))
    )
    return {code: (ground.say(REPORTED[Word(word)]), at) for code, word, at in rows}


def _backlog(ground: Ground) -> Table:
    found = outages.backlog(ground.session, _inside(ground), ground.now, ground.zone)
    return ground.table(
        "backlog",
        N_("Eyes that never worked yet"),
        (
            ground.column("eye", N_("Eye"), weight=1.5),
            ground.column("name", N_("Name"), weight=3),
            ground.column("point", N_("Point"), weight=3),
            ground.column("since", N_("In service since"), Measure.MOMENT, 1.5),
            ground.column("reason", N_("Reason"), weight=3),
        ),
        (
            (
                *(row.eye, row.name, f"{row.point_name} ({row.point})", row.since),
                ground.say(words.reason_text(row.reason)) if row.reason else None,
            )
            for row in found
            if ground.asked.point in ("", row.point)
        ),
        notes=(OF_THAT_DAY,),
    )


def _repairs(ground: Ground) -> Table:
    unit = ground.unit.uid if ground.unit else None
    found = repairs.board(
        *(ground.session, ground.scope, ground.now, ground.zone),
        unit=unit,
        point=ground.asked.point or None,
        within=ground.span,
    )
    return ground.table(
        "repairs",
        up_to(ground, N_("Repairs open at the end of the period")),
        (
            ground.column("repair", N_("No."), Measure.IDENTIFIER, 0.6),
            ground.column("point", N_("Point"), weight=3),
            ground.column("fault", N_("Fault"), weight=3),
            ground.column("state", N_("State"), weight=1.6),
            ground.column("opened", N_("Reported at"), Measure.MOMENT, 1.5),
            ground.column("since", N_("Since"), Measure.MOMENT, 1.5),
            ground.column("waited", N_("Days waiting for money"), Measure.NUMBER, 1.5),
            ground.column("mended", N_("Days in repair"), Measure.NUMBER, 1.5),
            ground.column("payer", N_("Who pays"), weight=1.5),
        ),
        (
            (
                *(row.id, f"{row.point_name} ({row.point})", row.fault, ground.say(STATES[row.state])),
                *(row.opened_at, row.since, days(row.times.waiting_for_money)),
                *(days(row.times.being_repaired), ground.say(PAYERS[row.payer])),
            )
            for row in found
        ),
    )
