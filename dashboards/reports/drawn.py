"""The parts of a report with their figures written: what paper, a word processor and a browser draw alike."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from camera_registry import i18n
from camera_registry.i18n import N_
from camera_registry.reports.value import Facts, Measure, Part, Report, Strips, Table, Text, Value
from dashboards.reports import words


@dataclass(frozen=True, slots=True)
class DrawnText:
    title: str
    paragraphs: tuple[str, ...]
    centred: bool
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class DrawnFacts:
    """Of each fact its title, its figure, and its note, which may be blank."""

    title: str
    facts: tuple[tuple[str, str, str], ...]
    type: Literal["facts"] = "facts"


@dataclass(frozen=True, slots=True)
class DrawnTable:
    """``unit`` stands above it, ``notes`` below. ``right``: which columns hold figures."""

    title: str
    unit: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    total: tuple[str, ...] | None
    notes: tuple[str, ...]
    right: tuple[bool, ...]
    weights: tuple[float, ...]
    type: Literal["table"] = "table"

    @property
    def lines(self) -> tuple[tuple[str, ...], ...]:
        """Head, rows and total."""
        return (self.head, *self.rows, *([self.total] if self.total else []))


LEAST = 0.004  # of the time
BAD = ("degraded", "not_served", "down")  # drawn last, the worst on top
Bar: TypeAlias = tuple[str, float, float]  # state, start and width as shares of the time


@dataclass(frozen=True, slots=True)
class DrawnStrips:
    """Of each strip its label, its words, its bars. ``told`` is the head of the words."""

    title: str
    first: str
    last: str
    told: str
    legend: tuple[tuple[str, str], ...]
    strips: tuple[tuple[str, str, tuple[Bar, ...]], ...]
    type: Literal["strips"] = "strips"


Drawn: TypeAlias = DrawnText | DrawnFacts | DrawnTable | DrawnStrips


def drawn(report: Report) -> Iterator[Drawn]:
    """The parts, in their order, without those of the annex."""
    for part in report.parts:
        yield _part(part, report)


def annexed(report: Report) -> Iterator[Drawn]:
    """The parts of the annex, in their order."""
    for part in report.annex.parts if report.annex else ():
        yield _part(part, report)


def visible(bars: Sequence[Bar]) -> list[Bar]:
    """What a picture shows of a strip: what is bad is never thinner than can be seen, and lies on top."""
    found = []
    for state, start, width in bars:
        if state in BAD and width < LEAST:
            start, width = min(start, 1 - LEAST), LEAST
        found.append((state, start, width))
    return sorted(found, key=lambda bar: BAD.index(bar[0]) if bar[0] in BAD else -1)


def _telling(table: Table, report: Report) -> Table:
    """Without columns of words that tell nothing: blank in each row, or the unit that the report is about."""
    if len(table.rows) < 2:
        return table

    def tells(place: int) -> bool:
        if table.columns[place].measure is not Measure.TEXT:
            return True
        found = {row[place] or "" for row in table.rows}
        one = str(found.pop()) if len(found) == 1 else None
        about = bool(one) and table.columns[place].key == "unit" and one == report.about.partition(", ")[0]
        blank_total = table.total is None or not table.total[place]
        return not (blank_total and (one == "" or about))

    places = [place for place in range(len(table.columns)) if tells(place)]
    if len(places) == len(table.columns) or not places:
        return table

    def cut(row: Sequence[Value]) -> tuple[Value, ...]:
        return tuple(row[place] for place in places)

    return replace(
        table,
        columns=tuple(table.columns[place] for place in places),
        rows=tuple(map(cut, table.rows)),
        total=None if table.total is None else cut(table.total),
    )


def _part(part: Part, report: Report) -> Drawn:
    match part:
        case Text():
            return DrawnText(part.title, part.paragraphs, part.centred)
        case Facts():
            facts = ((each.title, words.fact(each, report), each.note) for each in part.facts)
            return DrawnFacts(part.title, tuple(facts))
        case Table():
            part = _telling(part, report)
            return DrawnTable(
                title=part.title,
                unit=words.unit(part, report),
                head=tuple(column.title for column in part.columns),
                rows=tuple(words.row(row, part.columns, report) for row in part.rows),
                total=words.total(part, report),
                notes=part.notes,
                right=tuple(column.measure in words.FIGURES for column in part.columns),
                weights=tuple(column.weight for column in part.columns),
            )
        case Strips():
            return DrawnStrips(
                title=part.title,
                first=i18n.day(part.first, report.language),
                last=i18n.day(part.last, report.language),
                told=words.say(report, N_("In words")),
                legend=part.legend,
                strips=tuple(
                    (
                        each.label,
                        each.told,
                        tuple(
                            (run.state, round(run.start, 6), round(run.end - run.start, 6))
                            for run in each.runs
                        ),
                    )
                    for each in part.strips
                ),
            )
