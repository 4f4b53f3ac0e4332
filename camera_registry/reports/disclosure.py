"""What residents are told of the cameras that they paid for: per installation point, at the end of a month.

The columns are those that Luật Thực hiện dân chủ ở cơ sở 10/2022/QH15 (Điều 11, 15) and, by analogy, NĐ
24/1999 ask for. Of a private person only the household and its residential group stand in it, unless he
consented. How an eye is right now, its address in the network and what it sees do not: months are over.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from camera_registry import custody
from camera_registry.custody import Custody
from camera_registry.funding import reading, words
from camera_registry.funding.kinds import Component, Form, Paper, Source, State
from camera_registry.funding.reading import ContributorRow, ProgrammeRow
from camera_registry.funding.sums import Line, Totals, entered, grouped, totals
from camera_registry.funding.words import FORMS, NO_BOOKS, UNALLOCATED
from camera_registry.i18n import N_, Language, collation_key
from camera_registry.models import Device, Eye
from camera_registry.money import Sum
from camera_registry.repairs.reading import RepairRow
from camera_registry.repairs.words import STATES
from camera_registry.reports.asked import Asked, AskedError
from camera_registry.reports.ground import Ground, Hardware, Place, hardware, stand
from camera_registry.reports.keeping import Keeping, Written, keeping, manager, papers
from camera_registry.reports.money_parts import (
    COLLECTING,
    UNKNOWN_COUNTS,
    added,
    by_source,
    givers,
    lines_of,
)
from camera_registry.reports.month_end import MonthEnd, month_end
from camera_registry.reports.repair_parts import standing
from camera_registry.reports.value import Facts, Measure, Report, Table, Text, Value
from camera_registry.spelling import fold
from camera_registry.units import Scope

GROUNDS = (N_("The Law on the Exercise of Democracy at the Grassroots Level, No. 10/2022/QH15"),)

GAVE_ONCE = N_("Who gave to several points counts once in the sum.")

# What was spent on, as residents are told it.
SPENT: Final[Sequence[tuple[str, str, tuple[Component | None, ...]]]] = (
    ("equipment", N_("Spent: equipment"), (Component.CAMERA, Component.STORAGE, Component.CENTRE)),
    ("building", N_("Spent: building"), (Component.POLE,)),
    ("line", N_("Spent: line"), (Component.LINE, Component.INTERNET)),
    ("electricity", N_("Spent: electricity"), (Component.ELECTRICITY,)),
    ("upkeep", N_("Spent: maintenance"), (Component.MAINTENANCE, None)),
)
COMMUNITY = (Source.HOUSEHOLD, Source.BUSINESS, Source.ORGANISATION)
HOUSEHOLDS, ORGANISATIONS = (Source.HOUSEHOLD, Source.DONOR), (Source.BUSINESS, Source.ORGANISATION)


@dataclass(frozen=True, slots=True)
class _Told:
    """Everything that is told of one point.

    ``offices`` are whom to call: the manager's, or else those of the unit that the point lies in.
    """

    place: Place
    stands: Hardware
    end: MonthEnd
    kept: Keeping
    offices: Sequence[str]
    lines: Sequence[Line]
    total: Totals
    decision: Written | None
    programmes: Sequence[ProgrammeRow]
    settlement: Written | None
    repairs: Sequence[RepairRow]


@dataclass(frozen=True, slots=True)
class _Field:
    """One column of a ward, one line of a point."""

    key: str
    title: str
    read: Callable[[Ground, _Told], Value]
    measure: Measure = Measure.TEXT
    weight: float = 1.0


def build(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Report:
    """Of a point, a unit or all. Raises ``AskedError`` for what is not whole months that are over."""
    ground = _stand(session, scope, asked, now, zone, language)
    lines = lines_of(ground)
    return _report(ground, lines, _waiting(ground), _told(ground, lines), _givers(ground))


def pages(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> list[Report]:
    """As ``build``; and, of a unit or all, behind it the same of each of the points: read once together."""
    ground = _stand(session, scope, asked, now, zone, language)
    lines = lines_of(ground)
    every, known, waiting = _told(ground, lines), _givers(ground), _waiting(ground)
    reports = [_report(ground, lines, waiting, every, known)]
    if ground.point is None:
        for told in every:
            own = [line for line in waiting if line.point == told.place.code]
            reports.append(_report(ground.of(told.place), told.lines, own, [told], known))
    return reports


def _stand(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Ground:
    if not asked.months:
        raise AskedError(N_("Residents are told of whole months."))
    ground = stand(session, scope, asked, now, zone, language)
    if asked.last >= ground.today:
        raise AskedError(
            N_("Residents are told of months that are over: how an eye is right now is not published.")
        )
    return ground


def _waiting(ground: Ground) -> list[Line]:
    return lines_of(ground, state=State.WAITING)


def _report(
    ground: Ground,
    lines: Sequence[Line],
    waiting: Sequence[Line],
    every: Sequence[_Told],
    known: Mapping[int, ContributorRow],
) -> Report:
    parts: list[Facts | Table]
    if ground.point is not None:
        ground = ground.of(every[0].place)  # as it may be named
        parts = [_facts(ground, group, every[0]) for group in GROUPS]
    else:
        parts = [_table(ground, group, every, lines) for group in GROUPS]
    return ground.report(
        N_("Public disclosure of security cameras"),
        (
            parts[0],
            _in_short(ground, parts, waiting),
            *parts[1:],
            by_source(ground, lines),
            _contributors(ground, lines, known),
            _how_to_read(ground),
            _footer(ground, every),
        ),
        grounds=GROUNDS,
        wide=ground.point is None,
    )


# --- what is told of a point ------------------------------------------------------------------------


def _told(ground: Ground, lines: Sequence[Line]) -> list[_Told]:
    of_point: dict[str, list[Line]] = {}
    for line in lines:
        of_point.setdefault(line.point, []).append(line)
    sums = grouped(lines, lambda line: line.point)
    stands, ends, kept = hardware(ground), month_end(ground), keeping(ground)
    homes, phones = _at_households(ground), _phones(ground)
    decided, settled = papers(ground, Paper.DECISION, Paper.MINUTES), papers(ground, Paper.SETTLEMENT)
    programmes = {row.code: row for row in reading.programmes(ground.session, ground.scope, ground.today)}
    repairs: dict[str, list[RepairRow]] = {}
    for repair in standing(ground):
        repairs.setdefault(repair.point, []).append(repair)
    return [
        _Told(
            _veiled(ground, place) if place.id in homes else place,
            *(stands[place.id], ends[place.id], kept[place.id]),
            _offices(place, kept[place.id].present, phones),
            *(of_point.get(place.code, ()), sums.get(place.code, Totals()), decided.get(place.id)),
            [
                programmes[code]
                for code in dict.fromkeys(line.programme for line in of_point.get(place.code, ()))
                if code in programmes
            ],
            *(settled.get(place.id), repairs.get(place.code, ())),
        )
        for place in ground.places.values()
        # Money may be a point's that has no eye any more; one without both is nothing to tell of.
        if stands[place.id].eyes or place.code in of_point or ground.point is not None
    ]


def _at_households(ground: Ground) -> set[int]:
    """The points that have an eye which a household lets us look through."""
    lent = or_(Eye.access_document != "", Eye.access_date.is_not(None), Eye.access_until.is_not(None))
    return set(
        ground.session.scalars(select(Device.point_id).join(Eye, Eye.device_id == Device.id).where(lent))
    )


def _phones(ground: Ground) -> Mapping[str, str]:
    """The telephone of each office that has any point in scope, by its name."""
    held = custody.present(ground.session, ground.scope, ground.asked.last)
    return {each.manager: each.phone for each in held if each.phone}


def _offices(place: Place, held: Custody | None, phones: Mapping[str, str]) -> Sequence[str]:
    """Whom to call: its manager, or else the offices that are named after the unit of today."""
    if held is not None and held.phone:
        return (f"{held.manager}: {held.phone}",)
    unit = f" {fold(place.unit)} "
    return [f"{name}: {phone}" for name, phone in phones.items() if place.unit and unit in f" {fold(name)} "]


def _veiled(ground: Ground, place: Place) -> Place:
    """Who lives where is nobody's business: the group stands for name and address."""
    return replace(place, name=ground.say(N_("At a household")), address="")


def _decision(ground: Ground, told: _Told) -> Value:
    if told.decision is not None:
        return told.decision.told(ground)
    said = [Written(row.decision, row.decided_on, "").told(ground) for row in told.programmes if row.decision]
    return "; ".join(said) or None


def _levels(ground: Ground, told: _Told) -> Value:
    return "; ".join(dict.fromkeys(row.levels for row in told.programmes if row.levels)) or None


def _of_eyes(ground: Ground, working: int, count: int) -> Value:
    return ground.say(N_("{working}/{count} eyes"), working=working, count=count) if count else None


def _state(ground: Ground, told: _Told) -> Value:
    return ground.say(told.end.words)


def _repair(ground: Ground, told: _Told) -> Value:
    """Its state and since when; what is broken was written for the office and is not published."""
    return (
        "; ".join(
            ground.say(
                N_("{state} since {day}"),
                state=ground.say(STATES[row.state]),
                day=ground.day(row.since.astimezone(ground.zone).date()),
            )
            for row in told.repairs
        )
        or None
    )


def _spent(components: Sequence[Component | None]) -> Callable[[Ground, _Told], Sum]:
    return lambda _, told: _sum(told.total.spent_by_component.get(each, Sum()) for each in components)


def _from(*sources: Source) -> Callable[[Ground, _Told], Sum]:
    return lambda _, told: _sum(told.total.by_source.get(each, Sum()) for each in sources)


def _form(*forms: Form) -> Callable[[Ground, _Told], Sum]:
    return lambda _, told: _sum(told.total.by_form.get(each, Sum()) for each in forms)


def _givers_of(*sources: Source) -> Callable[[Ground, _Told], int | None]:
    return lambda _, told: sum(givers(told.lines, each) or 0 for each in sources) or None


def _levels_of_budget(ground: Ground, told: _Told) -> Value:
    """Which levels of the State's budget gave; of all points together each point says it."""
    levels = [each for each in Source if each.of_the_state and each in told.total.by_source]
    return "; ".join(words.source(each, ground.language) for each in levels) or None


def _sum(sums: Iterable[Sum]) -> Sum:
    return sum(sums, Sum())


_DONG = Measure.DONG

STATE = (
    _Field("where", N_("Address"), lambda _, told: told.place.where or None, weight=2),
    _Field("unit", N_("Administrative unit"), lambda _, told: told.place.unit or None, weight=1.5),
    _Field("in_service", N_("In service since"), lambda _, told: told.stands.commissioned_on, Measure.DAY),
    _Field("eyes", N_("Eyes"), lambda _, told: told.stands.eyes, Measure.COUNT, 0.6),
    _Field(
        "working",
        N_("Operating"),
        lambda ground, told: _of_eyes(ground, told.end.working, told.end.measured),
    ),
    _Field(
        "reported_working",
        N_("Reported working"),
        lambda ground, told: _of_eyes(ground, told.end.reported_working, told.end.reported),
    ),
    _Field("state", N_("State at the end of the month"), _state, weight=1.5),
    _Field("repair", N_("Repair"), _repair, weight=1.8),
)
COLLECTED = (
    _Field("estimate", N_("Estimate"), lambda _, told: entered(told.total.estimate), _DONG),
    _Field("from_state", N_("State budget"), lambda _, told: told.total.from_state, _DONG),
    _Field("levels_of_budget", N_("Level of the budget"), _levels_of_budget, weight=0.9),
    _Field("from_community", N_("Funded by the community"), _from(*COMMUNITY), _DONG),
    _Field("from_donors", N_("Sponsored"), _from(Source.DONOR), _DONG),
    _Field("households", N_("Households that gave"), _givers_of(*HOUSEHOLDS), Measure.COUNT, 0.7),
    _Field(
        "organisations",
        N_("Organisations and businesses that gave"),
        _givers_of(*ORGANISATIONS),
        Measure.COUNT,
        0.7,
    ),
    _Field("money", N_("Collected: money"), _form(Form.MONEY), _DONG),
    _Field("in_kind", N_("Collected: in kind"), _form(Form.IN_KIND, Form.VALUED), _DONG),
    _Field("labour", N_("Collected: labour"), _form(Form.LABOUR), _DONG),
    _Field("collected", N_("Collected in all"), lambda _, told: told.total.collected, _DONG),
)
LEFT = (
    *(_Field(key, title, _spent(components), _DONG) for key, title, components in SPENT),
    _Field("spent", N_("Spent in all"), lambda _, told: told.total.spent, _DONG),
    _Field("balance", N_("Balance"), lambda _, told: told.total.balance, _DONG),
    _Field("settled", N_("Settled"), lambda _, told: entered(told.total.settled), _DONG),
)
PAPERS = (
    _Field("decision", N_("Decision or minutes"), _decision, weight=2),
    _Field("levels", N_("What each was to give"), _levels, weight=1.5),
    _Field(
        "settlement",
        N_("Settlement"),
        lambda ground, told: told.settlement.told(ground) if told.settlement else None,
        weight=1.5,
    ),
    _Field(
        "builder",
        N_("Built by"),
        lambda _, told: told.kept.warranty.party if told.kept.warranty else None,
        weight=1.5,
    ),
    _Field(
        "warranty_until",
        N_("Warranty until"),
        lambda _, told: told.kept.warranty.last if told.kept.warranty else None,
        Measure.DAY,
    ),
    _Field("manager", N_("Managed by"), lambda ground, told: manager(ground, told.kept), weight=2),
    _Field(
        "phone",
        N_("Phone of the office"),
        lambda _, told: (told.kept.present.phone or None) if told.kept.present else None,
    ),
)

GROUPS: Final[Sequence[tuple[str, str, Sequence[_Field]]]] = (
    ("state", N_("Points and their state"), STATE),
    ("collected", N_("Estimate and what was collected"), COLLECTED),
    ("spent", N_("What was spent, and what is left"), LEFT),
    ("papers", N_("Decisions and who is responsible"), PAPERS),
)


MONEY: Final = ("collected", "spent")


# --- the parts --------------------------------------------------------------------------------------

Group = tuple[str, str, Sequence[_Field]]


def _facts(ground: Ground, group: Group, told: _Told) -> Facts:
    key, title, fields = group
    cells = _cells(ground, fields, told, money=key in MONEY)
    return ground.facts(
        key,
        title,
        (
            ground.fact(each.key, each.title, cell, each.measure)
            for each, cell in zip(fields, cells, strict=True)
        ),
    )


def _table(ground: Ground, group: Group, every: Sequence[_Told], lines: Sequence[Line]) -> Table:
    """A row for each point; of money also one for what is no point's yet, so that the sum is the ledger's."""
    key, title, fields = group
    columns = (
        ground.column("number", N_("#"), Measure.COUNT, 0.4),
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=1.8),
        *(ground.column(each.key, each.title, each.measure, each.weight) for each in fields),
    )
    rows: list[tuple[Value, ...]] = [
        (number, told.place.code, told.place.name, *_cells(ground, fields, told, money=key in MONEY))
        for number, told in enumerate(every, 1)
    ]
    homeless = [line for line in lines if not line.point]
    if key in MONEY and homeless:
        of_none = zip(fields, _together(ground, fields, homeless), strict=True)
        cells = (Sum() if cell is None and each.measure is _DONG else cell for each, cell in of_none)
        rows.append((None, None, ground.say(UNALLOCATED), *cells))
    sums: list[Value] = list(_together(ground, fields, lines, every))
    for place, each in enumerate(fields):
        below = [row[3 + place] for row in rows]
        if each.measure is _DONG:
            sums[place] = added(below)
        elif key not in MONEY and each.measure is Measure.COUNT:
            sums[place] = sum(int(str(cell or 0)) for cell in below)
    total = None if key == "papers" else (None, None, ground.say(N_("Together")), *sums)
    notes = (GAVE_ONCE, UNKNOWN_COUNTS) if key == "collected" else ()
    return ground.table(key, title, columns, rows, total, notes)


def _cells(ground: Ground, fields: Sequence[_Field], told: _Told, *, money: bool) -> Iterable[Value]:
    """Of a point of which nothing stands in the ledger no amount is known: it did not cost nothing."""
    if money and not told.lines:
        return (None for _ in fields)
    return (each.read(ground, told) for each in fields)


def _together(
    ground: Ground, fields: Sequence[_Field], lines: Sequence[Line], every: Sequence[_Told] = ()
) -> tuple[Value, ...]:
    """The cells of several points, or of lines that are no point's."""
    ends = [each.end for each in every]
    end = MonthEnd(
        measured=sum(each.measured for each in ends),
        working=sum(each.working for each in ends),
        reported=sum(each.reported for each in ends),
        reported_working=sum(each.reported_working for each in ends),
    )
    told = _Told(
        *(Place(0, "", "", "", "", "", 0, "", None), Hardware(), end, Keeping(), ()),
        lines,
        totals(lines),
        decision=None,
        programmes=(),
        settlement=None,
        repairs=(),
    )
    return tuple(each.read(ground, told) for each in fields)


def _in_short(ground: Ground, parts: Iterable[Facts | Table], waiting: Sequence[Line]) -> Table:
    """What was estimated, collected, spent, and is left, in one line; and what is not counted in it yet."""
    told: dict[str, Value] = {}
    for part in parts:
        if isinstance(part, Facts):
            told |= {each.key: each.value for each in part.facts}
        elif part.total is not None:
            told |= zip((column.key for column in part.columns), part.total, strict=True)
    columns = (
        ground.column("estimate", N_("Estimate"), _DONG),
        ground.column("collected", N_("Collected"), _DONG),
        ground.column("spent", N_("Spent"), _DONG),
        ground.column("balance", N_("Balance"), _DONG),
        ground.column("settled", N_("Settled"), _DONG),
    )
    rows = [[told[column.key] for column in columns]] if "estimate" in told else []
    entries = len({line.entry for line in waiting})
    later = ground.say(N_("Still waiting to be approved, and not counted: {count} entries."), count=entries)
    return ground.table("in_short", N_("Money in short"), columns, rows, notes=(later,) if entries else ())


def _givers(ground: Ground) -> Mapping[int, ContributorRow]:
    return {row.id: row for row in reading.contributors(ground.session, ground.scope, ground.today)}


def _contributors(ground: Ground, lines: Sequence[Line], known: Mapping[int, ContributorRow]) -> Table:
    """Who gave: organisations and businesses by name, private persons as they consented; sums by giver."""
    giving = [line for line in lines if line.kind in COLLECTING]
    sums: dict[tuple[int, str, str, Form], list[Line]] = {}
    order = {source: number for number, source in enumerate(Source)}
    for line in giving:
        rank = order[line.source] if line.source is not None else len(order)
        who = _named(ground, known.get(line.contributor or 0), line)
        kind = words.source(line.source, ground.language)
        sums.setdefault((rank, who, kind, line.form), []).append(line)
    columns = (
        ground.column("number", N_("#"), Measure.COUNT, 0.4),
        ground.column("contributor", N_("Contributor"), weight=3),
        ground.column("source", N_("Source"), weight=1.3),
        ground.column("givers", N_("Number of contributors"), Measure.COUNT, 0.8),
        ground.column("form", N_("Form")),
        ground.column("amount", N_("Amount"), Measure.DONG, 1.3),
    )
    ordered = sorted(sums.items(), key=lambda each: (each[0][0], collation_key(each[0][1]), each[0][3]))
    rows = [
        (number, who, kind, givers(some), ground.say(FORMS[form]), Sum.of(line.amount for line in some))
        for number, ((_, who, kind, form), some) in enumerate(ordered, 1)
    ]
    total = (
        None,
        ground.say(N_("Together")),
        None,
        givers(giving),
        None,
        Sum.of(line.amount for line in giving),
    )
    return ground.table(
        "contributors",
        N_("Contributors"),
        columns,
        rows,
        total,
        (N_("Private persons are named only if they agreed to it; others as a household and its group."),),
    )


def _named(ground: Ground, row: ContributorRow | None, line: Line) -> str:
    if row is None:
        return words.source(line.source, ground.language)
    return words.public_name(
        row.kind, row.name, row.residential_group, row.consent_on, ground.today, ground.language
    )


def _how_to_read(ground: Ground) -> Text:
    said = (
        N_("How many eyes operate is told of the end of the month; how they are right now is not published."),
        N_("Eyes that no network reaches are told as people reported them, apart from those watched."),
        UNKNOWN_COUNTS,
        NO_BOOKS,
    )
    return Text("notes", ground.say(N_("How to read it")), tuple(ground.say(each) for each in said))


def _footer(ground: Ground, told: Sequence[_Told]) -> Text:
    """What is filled in by hand when it is posted; and where a fault is reported."""
    blank = "." * 40
    offices = dict.fromkeys(office for each in told for office in each.offices)
    where = "; ".join(offices) or blank
    lines = (
        ground.say(N_("To report a fault, call the office that manages the point: {offices}"), offices=where),
        ground.say(N_("Form and time of posting: {blank}"), blank=blank),
        ground.say(N_("Where comments are received: {blank}"), blank=blank),
        ground.say(N_("Drawn up by: {blank}"), blank=blank),
        ground.say(N_("Community investment supervision board: {blank}"), blank=blank),
    )
    return Text("posting", ground.say(N_("Posting and comments")), lines)
