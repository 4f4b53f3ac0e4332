"""The parts of reports that tell of money, made of the ledger's own lines: their totals are the ledger's.

A sum counts what of it nobody knows. What the State gave and what the people gave stand apart, and no
mean is made of both.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from camera_registry.funding import reading, words
from camera_registry.funding.kinds import Component, Form, Kind, Source, State
from camera_registry.funding.reading import EntryRow, Wanted
from camera_registry.funding.sums import TOLD, Line, Totals, entered, grouped, over_points, totals
from camera_registry.funding.words import FORMS, UNALLOCATED
from camera_registry.i18n import N_, NN_, translate_many
from camera_registry.money import Sum
from camera_registry.reports.ground import Ground, Hardware, all_of
from camera_registry.reports.value import Column, Fact, Facts, Measure, Table, Value
from camera_registry.units import Scope

UNKNOWN_COUNTS = N_("An amount that nobody knows is not nothing: beside each sum stands how many there are.")
NEVER_MIXED = N_("State budget and funding by the community are never put into one average.")
TOGETHER = N_("Together")
MOST_NAMED = 3  # points of one entry; of more their number is told

COLLECTING = (Kind.OPENING, Kind.CONTRIBUTION)


@dataclass(frozen=True, slots=True)
class Listed:
    """One approved entry as a report lists it: what of it is of the points asked about."""

    entry: EntryRow
    amount: Sum
    points: tuple[str, ...]


def lines_of(ground: Ground, *, programme: str | None = None, state: State = State.APPROVED) -> list[Line]:
    """The ledger's lines of the points asked about, until the last day; with a unit, also its own, by the
    day whose units are asked about: it may have been merged since.

    Of one point, only its own.
    """
    asked = ground.asked
    found = reading.lines(
        ground.session, ground.scope, ground.today, programme=programme, until=asked.last, state=state
    )
    if not (asked.unit or asked.point):
        return found
    codes = ground.codes
    homeless: set[int] = set()
    if asked.unit and not asked.point:
        of_unit = reading.lines(  # in no scope: units of today hold none of that day's
            *(ground.session, Scope.everything(), asked.day_of_units),
            programme=programme,
            unit=asked.unit,
            until=asked.last,
            state=state,
        )
        homeless = {line.entry for line in of_unit if not line.point}
    return [line for line in found if line.point in codes or (not line.point and line.entry in homeless)]


def listed(
    ground: Ground, lines: Sequence[Line], kinds: Iterable[Kind], *, programme: str = ""
) -> list[Listed]:
    """The entries of these kinds that the lines are of, the oldest first."""
    of_entry: dict[int, list[Line]] = {}
    for line in lines:
        if line.kind in tuple(kinds):
            of_entry.setdefault(line.entry, []).append(line)
    wanted = Wanted(
        state=State.APPROVED, programme=programme, point=ground.asked.point, last=ground.asked.last
    )
    rows = {row.id: row for row in reading.every(ground.session, ground.scope, ground.today, wanted)}
    return [
        Listed(
            rows[entry],
            Sum.of(line.amount for line in some),
            tuple(dict.fromkeys(line.point for line in some if line.point)),
        )
        for entry, some in of_entry.items()
        if entry in rows
    ]


def money_facts(ground: Ground, lines: Sequence[Line], waiting: Sequence[Line]) -> Facts:
    """Estimate, collected, spent, balance, settled; and apart what waits to be approved.

    The sums are those under the points, one by one: of a point of which nothing stands, nothing is known.
    """
    told = over_points(lines, ground.codes)

    def dong(key: str, title: str, note: str = "") -> Fact:
        return ground.fact(key, title, told[key], Measure.DONG, note)

    return ground.facts(
        "money",
        N_("Funding"),
        (
            dong("estimate", N_("Estimate")),
            dong("opening", N_("Balance brought forward")),
            dong("contributed", N_("Contributed")),
            dong("collected", N_("Collected"), N_("Brought forward and contributed.")),
            dong("from_state", N_("of that, from the State's budget")),
            dong("from_people", N_("of that, from the community")),
            dong("money", N_("of that, in money")),
            dong("given", N_("of that, things and work at their value")),
            dong("spent", N_("Spent")),
            dong("balance", N_("Balance"), N_("Only money can be spent: of it alone.")),
            dong("settled", N_("Settled")),
            ground.fact(
                "waiting",
                N_("Entries that wait to be approved"),
                len({line.entry for line in waiting}),
                Measure.COUNT,
                N_("They count in no sum."),
            ),
        ),
    )


def by_source(ground: Ground, lines: Sequence[Line]) -> Table:
    """What was collected, source by source and form by form; and how many gave, as far as it is recorded."""
    given = [line for line in lines if line.kind in COLLECTING]
    groups = grouped(given, lambda line: line.source)
    columns = (
        ground.column("source", N_("Source"), weight=2),
        *(ground.column(form, FORMS[form], Measure.DONG, 1.2) for form in Form),
        ground.column("collected", N_("Collected"), Measure.DONG, 1.3),
        ground.column("givers", N_("Number of contributors"), Measure.COUNT, 0.8),
    )
    rows = [
        (
            words.source(source, ground.language),
            *_forms(groups[source]),
            groups[source].collected,
            givers(given, source),
        )
        for source in (*Source, None)
        if source in groups
    ]
    every = totals(given)
    return ground.table(
        "sources",
        N_("Collected, by source"),
        columns,
        rows,
        (ground.say(TOGETHER), *_forms(every), every.collected, givers(given)),
        (NEVER_MIXED, UNKNOWN_COUNTS),
    )


def givers(lines: Iterable[Line], source: Source | str | None = "") -> int | None:
    """How many gave: of an entry of many as many as it says, of others each contributor once.

    Of one source, or (``""``) of all; ``None`` where nobody recorded it. What was reversed was not given.
    """
    together: dict[int, int] = {}
    gave: dict[int, Sum] = {}
    for line in lines:
        if line.kind is not Kind.CONTRIBUTION or (source != "" and line.source is not source):
            continue
        if line.givers is not None:
            together[line.entry] = -line.givers if (line.amount or 0) < 0 else line.givers
        elif line.contributor is not None:
            gave[line.contributor] = gave.get(line.contributor, Sum()) + Sum.of([line.amount])
    single = sum(amount.known > 0 or not amount.whole for amount in gave.values())
    return sum(together.values()) + single or None


def by_component(ground: Ground, lines: Sequence[Line]) -> Table:
    """What was estimated and spent, component by component."""
    total = totals(lines)
    columns = (
        ground.column("component", N_("Component"), weight=2),
        ground.column("estimate", N_("Estimate"), Measure.DONG),
        ground.column("spent", N_("Spent"), Measure.DONG),
    )
    parts: tuple[Component | None, ...] = (*Component, None)
    rows: list[tuple[Value, ...]] = [
        (
            words.component(part, ground.language),
            entered(total.estimated_by_component.get(part, Sum())),
            total.spent_by_component.get(part, Sum()),
        )
        for part in parts
        if part in total.estimated_by_component or part in total.spent_by_component
    ]
    return ground.table(
        "components",
        N_("Spent, by component"),
        columns,
        rows,
        (ground.say(TOGETHER), *sums_under(columns, rows)),
    )


def by_year(ground: Ground, lines: Sequence[Line]) -> Table:
    """The same year by year of the budget."""
    groups = grouped(lines, lambda line: line.year)
    kept = [key for key in _MONEY if key != "balance"]  # of one year alone it says nothing
    columns = (ground.column("year", N_("Budget year")), *_money_columns(ground, kept))
    rows: list[tuple[Value, ...]] = [(str(year), *_money(groups[year], kept)) for year in sorted(groups)]
    total: tuple[Value, ...] = (ground.say(TOGETHER), *sums_under(columns, rows))
    return ground.table("years", N_("By budget year"), columns, rows, total)


def by_point(ground: Ground, lines: Sequence[Line], stands: Mapping[int, Hardware]) -> Table:
    """The same point by point, with its devices and eyes; and what is no point's yet."""
    groups = grouped(lines, lambda line: line.point)
    columns = (
        ground.column("number", N_("#"), Measure.COUNT, 0.5),
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=2),
        ground.column("unit", N_("Administrative unit"), weight=1.5),
        ground.column("devices", N_("Devices"), Measure.COUNT, 0.7),
        ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.7),
        *_money_columns(ground),
    )
    places = ground.places.values()
    rows: list[tuple[Value, ...]] = [
        (
            *(number, place.code, place.name, place.unit, stands[place.id].devices, stands[place.id].eyes),
            *(_money(groups[place.code]) if place.code in groups else (None for _ in _MONEY)),
        )
        for number, place in enumerate(places, 1)
    ]
    if "" in groups:
        homeless = (
            amount or Sum() for amount in _money(groups[""])
        )  # an estimate of no point: there is none
        rows.append((None, None, ground.say(UNALLOCATED), None, None, None, *homeless))
    together = all_of(stands[place.id] for place in places)
    total: tuple[Value, ...] = (
        *(None, None, ground.say(TOGETHER), None, together.devices, together.eyes),
        *sums_under(columns, rows),
    )
    nothing = sum(1 for place in ground.places.values() if place.code not in groups)
    told = ground.say(N_("Points of which nothing stands in the ledger: {count}."), count=nothing)
    return ground.table(
        "points",
        N_("By installation point"),
        columns,
        rows,
        total,
        (told, UNKNOWN_COUNTS) if nothing else (UNKNOWN_COUNTS,),
    )


def contributions(ground: Ground, entries: Sequence[Listed]) -> Table:
    """Who gave what and when, by name: for those who may read the ledger."""
    columns = (
        ground.column("entry", N_("Ledger entry"), Measure.IDENTIFIER, 0.6),
        ground.column("dated", N_("Date"), Measure.DAY),
        ground.column("contributor", N_("Contributor"), weight=2),
        ground.column("source", N_("Source"), weight=1.3),
        ground.column("form", N_("Form")),
        ground.column("givers", N_("Gave together"), Measure.COUNT, 0.8),
        ground.column("points", N_("Points"), weight=1.3),
        ground.column("amount", N_("Amount"), Measure.DONG, 1.3),
        ground.column("text", N_("Remark"), weight=2),
    )
    rows = [
        (
            *(each.entry.id, each.entry.dated, each.entry.contributor_name),
            *(
                words.source(each.entry.source, ground.language),
                ground.say(FORMS[each.entry.form]),
                each.entry.givers,
            ),
            *(_points(ground, each), each.amount, each.entry.text),
        )
        for each in entries
    ]
    return _with_sum(ground, "contributions", N_("Contributions"), columns, rows, entries, 7)


def expenses(ground: Ground, entries: Sequence[Listed]) -> Table:
    """What was spent on what, when, and to whom."""
    columns = (
        ground.column("entry", N_("Ledger entry"), Measure.IDENTIFIER, 0.6),
        ground.column("dated", N_("Date"), Measure.DAY),
        ground.column("component", N_("Component"), weight=1.3),
        ground.column("payee", N_("Paid to"), weight=2),
        ground.column("points", N_("Points"), weight=1.3),
        ground.column("amount", N_("Amount"), Measure.DONG, 1.3),
        ground.column("text", N_("Remark"), weight=2),
    )
    rows = [
        (
            *(
                each.entry.id,
                each.entry.dated,
                words.component(each.entry.component, ground.language),
                each.entry.payee,
            ),
            *(_points(ground, each), each.amount, each.entry.text),
        )
        for each in entries
    ]
    return _with_sum(ground, "expenses", N_("Expenses"), columns, rows, entries, 5)


def added(cells: Iterable[Value]) -> Sum:
    """What stands under a column of money: a cell without an amount is one that nobody knows."""
    return sum((cell if isinstance(cell, Sum) else Sum(unknown=1) for cell in cells), Sum())


def sums_under(columns: Sequence[Column], rows: Sequence[Sequence[Value]]) -> tuple[Sum, ...]:
    """What stands under each column of money, from left to right."""
    money = [place for place, column in enumerate(columns) if column.measure is Measure.DONG]
    return tuple(added(row[place] for row in rows) for place in money)


# --- how it is done ---------------------------------------------------------------------------------

_MONEY: Mapping[str, str] = {  # of ``TOLD``, the columns of a table and their titles
    "estimate": N_("Estimate"),
    "from_state": N_("From the State's budget"),
    "from_people": N_("From the community"),
    "collected": N_("Collected"),
    "spent": N_("Spent"),
    "balance": N_("Balance"),
    "settled": N_("Settled"),
}


def _money_columns(ground: Ground, kept: Iterable[str] = _MONEY) -> tuple[Column, ...]:
    return tuple(ground.column(key, _MONEY[key], Measure.DONG, 1.3) for key in kept)


def _money(total: Totals, kept: Iterable[str] = _MONEY) -> tuple[Sum | None, ...]:
    return tuple(TOLD[key](total) for key in kept)


def _forms(total: Totals) -> tuple[Sum, ...]:
    return tuple(total.by_form.get(form, Sum()) for form in Form)


def _points(ground: Ground, each: Listed) -> str:
    if len(each.points) > MOST_NAMED:
        return translate_many(*NN_("{count} point", "{count} points"), len(each.points), ground.language)
    return ", ".join(each.points) or ground.say(UNALLOCATED)


def _with_sum(
    ground: Ground,
    key: str,
    title: str,
    columns: Sequence[Column],
    rows: Sequence[tuple[Value, ...]],
    entries: Sequence[Listed],
    place: int,
) -> Table:
    """The table with the sum of its amounts under them."""
    blank: list[Value] = [None] * len(columns)
    blank[2], blank[place] = ground.say(TOGETHER), sum((each.amount for each in entries), Sum())
    return ground.table(key, title, columns, rows, blank)
