"""A report as text for spreadsheets: its parts one below the other, a blank line between them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from camera_registry.i18n import N_
from camera_registry.reports.value import Measure, Report
from dashboards.cells import Value, csv_file
from dashboards.reports import words
from dashboards.reports.sheets import Grid, Plain, about, grids

UNITS = {Measure.SHARE: "%", Measure.SECONDS: N_("seconds"), Measure.DONG: "đồng"}


def draw(report: Report) -> bytes:
    """Bare figures: a share in per cent, a length in seconds, đồng; heads or names of facts say which."""
    return csv_file(_lines(report), report.language)


def _lines(report: Report) -> Iterator[Sequence[Value]]:
    for text in about(report):
        yield [text]
    for grid in grids(report):
        yield []
        if grid.title and grid.title != grid.head[0]:
            yield [grid.title]
        yield _head(grid, report)
        for line in (*grid.rows, *([grid.total] if grid.total else [])):
            yield _row(line, grid, report)
        for note in grid.notes:
            yield [note]


def _head(grid: Grid, report: Report) -> Sequence[str]:
    line = (grid.total, *grid.rows)[-1]
    if grid.mixed or line is None:
        return grid.head
    return [_with_unit(title, measure, report) for title, (_, measure) in zip(grid.head, line, strict=True)]


def _row(line: Sequence[Plain], grid: Grid, report: Report) -> Sequence[Value]:
    cells = [_cell(plain, report) for plain in line]
    if grid.mixed:
        cells[0] = _with_unit(str(cells[0]), line[1][1], report)
    return cells


def _with_unit(title: str, measure: Measure, report: Report) -> str:
    return words.with_unit(title, words.say(report, UNITS[measure])) if measure in UNITS else title


def _cell(plain: Plain, report: Report) -> Value:
    value, measure = plain
    if measure is Measure.SHARE and isinstance(value, int | float):
        return round(value * 100, 4)
    if isinstance(value, datetime):
        return value.astimezone(report.zone).replace(tzinfo=None)  # a spreadsheet knows no zones
    return value
