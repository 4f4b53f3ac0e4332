"""The parts of a report as plain grids: what a workbook and a text file of cells are both made of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from camera_registry.i18n import N_
from camera_registry.money import Sum
from camera_registry.reports.value import Facts, Measure, Part, Report, Strips, Table, Text, Value
from dashboards import cells
from dashboards.reports import words

Plain = tuple[cells.Value, Measure]


@dataclass(frozen=True, slots=True)
class Grid:
    """``head``, ``rows`` and ``total`` are of one width. ``notes`` stand below.

    ``mixed``: each row measures something else, as the facts of a report do. ``wide``: printed on a page
    on its side.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[Plain, ...], ...]
    total: tuple[Plain, ...] | None = None
    notes: tuple[str, ...] = ()
    mixed: bool = False
    wide: bool = False


def grids(report: Report) -> Iterator[Grid]:
    """One for each part, in their order, those of the annex last."""
    for number, part in enumerate(report.all_parts):
        wide = report.wide or number >= len(report.parts)
        yield replace(_grid(part, report), wide=wide)


def about(report: Report) -> Sequence[str]:
    """The lines above everything: what it is, of when, and of what."""
    lines = [report.title, report.about, words.made(report)]
    if report.synthetic:
        lines.append(words.say(report, words.SYNTHETIC))
    return [line for line in (*lines, *report.grounds) if line]


def _grid(part: Part, report: Report) -> Grid:
    match part:
        case Text():
            return Grid(part.title, (part.title,), tuple(((line, Measure.TEXT),) for line in part.paragraphs))
        case Facts():
            return _facts(part, report)
        case Table():
            return _table(part, report)
        case Strips():
            return _strips(part, report)


def _facts(part: Facts, report: Report) -> Grid:
    """One figure a line. Beside money stands how many parts of it nobody knows; a note where there is one."""
    money = any(each.measure is Measure.DONG for each in part.facts)
    noted = any(each.note for each in part.facts)
    head = [part.title or words.say(report, N_("What")), words.say(report, N_("Figure"))]
    head += [words.say(report, N_("not known"))] if money else []
    head += [words.say(report, N_("Note"))] if noted else []
    rows = []
    for each in part.facts:
        line: list[Plain] = [(each.title, Measure.TEXT), (_known(each.value), each.measure)]
        if money:
            counted = words.unknown(each.value, each.measure) if each.measure is Measure.DONG else None
            line.append((counted, Measure.COUNT))
        if noted:
            line.append((each.note, Measure.TEXT))
        rows.append(tuple(line))
    return Grid(part.title, tuple(head), tuple(rows), mixed=True)


def _table(table: Table, report: Report) -> Grid:
    """A column of money with unknown parts in it is followed by one that counts them."""
    lines = [*table.rows, *([table.total] if table.total else [])]
    counted = {
        place
        for place, column in enumerate(table.columns)
        if any(words.unknown(line[place], column.measure) for line in lines)
    }
    head = []
    for place, column in enumerate(table.columns):
        head.append(column.title)
        if place in counted:
            head.append(words.say(report, N_("{column}: not known"), column=column.title))

    def plain(line: Sequence[Value], total: bool) -> tuple[Plain, ...]:
        found: list[Plain] = []
        for place, (value, column) in enumerate(zip(line, table.columns, strict=True)):
            found.append((_known(value), column.measure))
            if place in counted:
                blank = total and value is None
                found.append((None if blank else words.unknown(value, column.measure), Measure.COUNT))
        return tuple(found)

    return Grid(
        table.title,
        tuple(head),
        tuple(plain(line, False) for line in table.rows),
        None if table.total is None else plain(table.total, True),
        table.notes,
    )


def _strips(part: Strips, report: Report) -> Grid:
    """What share of the time each state has, and the words of the strip."""
    head = (part.title, *(text for _, text in part.legend), words.say(report, N_("In words")))
    rows = []
    for each in part.strips:
        shares: list[Plain] = [(share, Measure.SHARE) for share in words.held(part, each.runs)]
        rows.append(((each.label, Measure.TEXT), *shares, (each.told, Measure.TEXT)))
    return Grid(part.title, head, tuple(rows), notes=(words.span(part, report),))


def _known(value: Value) -> cells.Value:
    """The number that stands in a cell; none where no part of it is known."""
    if isinstance(value, Sum):
        return value.known if value.known or value.whole else None
    return value
