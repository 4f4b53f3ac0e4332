"""How the figures of a report are written: once for every face that people read, so all say the same."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime

from camera_registry import i18n
from camera_registry.i18n import N_, Language
from camera_registry.money import Sum
from camera_registry.reports.value import Column, Fact, Measure, Report, Run, Strips, Table, Value

NOTHING = "–"  # there is none, or nobody knows it
SYNTHETIC = N_("Demonstration: simulated cameras and synthetic data.")
FIGURES = set(Measure) - {Measure.TEXT, Measure.DAY, Measure.MOMENT}  # stand to the right


def say(report: Report, message: str, **values: object) -> str:
    """``message`` in the language of the report."""
    return i18n.translate(message, report.language, **values)


def written(value: Value, measure: Measure, report: Report) -> str:
    """A value as people read it; a length of time is told to the second. Of đồng only the number."""
    match value:
        case None:
            return _amount(Sum(unknown=1), report) if measure is Measure.DONG else NOTHING
        case str():
            return value or NOTHING
        case Sum():
            return _amount(value, report)
        case datetime():
            return i18n.stamp(value, report.language, report.zone)
        case date():
            return i18n.day(value, report.language)
    match measure:
        case Measure.SHARE:
            return i18n.percent(value, report.language)
        case Measure.IDENTIFIER:
            return str(value)
        case Measure.SECONDS:
            return i18n.duration(round(value) * 1_000_000, report.language)
        case _:
            return i18n.number(value, report.language)


def fact(each: Fact, report: Report) -> str:
    """The figure of a fact; money with its unit, which nothing beside it says."""
    if each.measure is Measure.DONG and isinstance(each.value, Sum | int):
        return _amount(each.value if isinstance(each.value, Sum) else Sum(each.value), report, i18n.dong)
    return written(each.value, each.measure, report)


def row(values: Sequence[Value], columns: Sequence[Column], report: Report) -> tuple[str, ...]:
    """The cells of a row of a table."""
    return tuple(
        written(value, column.measure, report) for value, column in zip(values, columns, strict=True)
    )


def total(table: Table, report: Report) -> tuple[str, ...] | None:
    """The cells of the row of totals; blank where there is nothing to add up."""
    if table.total is None:
        return None
    return tuple(
        "" if value is None else written(value, column.measure, report)
        for value, column in zip(table.total, table.columns, strict=True)
    )


def unit(table: Table, report: Report) -> str:
    """What stands above a table of money; blank above others."""
    money = any(column.measure is Measure.DONG for column in table.columns)
    return say(report, N_("Unit: đồng")) if money else ""


def with_unit(title: str, unit: str) -> str:
    """A head that says what its figures are of, once."""
    return title if f"({unit})" in title else f"{title} ({unit})"


def unknown(value: Value, measure: Measure) -> int:
    """How many parts of an amount nobody knows."""
    if measure is not Measure.DONG or isinstance(value, str):
        return 0
    return value.unknown if isinstance(value, Sum) else int(value is None)


def held(strips: Strips, runs: Iterable[Run]) -> tuple[float, ...]:
    """What share of the strip's time each state of the legend has."""
    runs = tuple(runs)
    return tuple(sum(run.end - run.start for run in runs if run.state == state) for state, _ in strips.legend)


def span(strips: Strips, report: Report) -> str:
    """The first and the last day of a strip."""
    return f"{i18n.day(strips.first, report.language)} – {i18n.day(strips.last, report.language)}"


def made(report: Report) -> str:
    """When the report was made, and the mark of frozen figures where it has one."""
    text = say(report, N_("Made at {time}."), time=written(report.as_of, Measure.MOMENT, report))
    if report.mark:
        text += " " + say(report, N_("Mark of the closed figures: {mark}."), mark=report.mark)
    return text


def _amount(value: Sum, report: Report, write: Callable[[int, Language], str] = i18n.number) -> str:
    known = write(value.known, report.language)
    if value.whole:
        return known
    if value.known:
        return say(report, N_("{known} and {count} not known"), known=known, count=value.unknown)
    if value.unknown == 1:
        return say(report, N_("not known"))
    return say(report, N_("not known ({count})"), count=value.unknown)
