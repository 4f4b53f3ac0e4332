"""A report as a workbook: a sheet for each part, numbers that can be counted with, ready to be printed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

from camera_registry.i18n import N_
from camera_registry.reports.value import Measure, Report
from dashboards.reports import words
from dashboards.reports.sheets import Grid, Plain, about, grids

A4 = 9  # as workbooks number sizes of paper
LONGEST_NAME = 31  # characters, of a sheet
NEVER_IN_A_NAME = re.compile("[\\x00-\\x1f\\[\\]:*?/\\\\'\U00010000-\U0010ffff]")  # those count twice
NARROWEST, WIDEST = 10, 60  # characters, of a column
A_DAY_S = 86_400
TYPEFACE = "Times New Roman"
FIGURES = {
    Measure.SHARE: "0.00%",
    Measure.SECONDS: "[h]:mm:ss",  # of days, as spreadsheets count time
    Measure.DONG: "#,##0",
    Measure.COUNT: "#,##0",
}


@dataclass(frozen=True, slots=True)
class _Styles:
    """What cells look like: of the head, of a measure, of the same in the row of totals."""

    title: Any
    head: Any
    text: Any
    measures: Mapping[tuple[Measure, bool], Any]  # whether in the row of totals


def draw(report: Report) -> bytes:
    """The same report makes the same bytes."""
    content = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(content, options) as book:
        made = report.as_of.astimezone(report.zone).replace(tzinfo=None)
        book.set_properties({"title": report.title, "comments": words.made(report), "created": made})
        styles = _styles(book, report)
        taken: set[str] = set()
        _cover(book.add_worksheet(_name(words.say(report, N_("Report")), taken)), report, styles)
        for grid in grids(report):
            _sheet(book.add_worksheet(_name(grid.title, taken)), grid, report, styles)
    return content.getvalue()


def _cover(sheet: Any, report: Report, styles: _Styles) -> None:
    lines = about(report)
    for number, text in enumerate(lines):
        sheet.write_string(number, 0, text, styles.title if number == 0 else styles.text)
    sheet.set_column(0, 0, 100)
    _print(sheet, report, report.wide)


def _sheet(sheet: Any, grid: Grid, report: Report, styles: _Styles) -> None:
    """The head stays in sight and on each printed page; the filter leaves the row of totals alone."""
    sheet.write_row(0, 0, grid.head, styles.head)
    for number, line in enumerate(grid.rows, start=1):
        _row(sheet, number, line, False, report, styles)
    last = len(grid.rows)
    if grid.total:
        last += 1
        _row(sheet, last, grid.total, True, report, styles)
    for number, note in enumerate(grid.notes, start=last + 2):
        sheet.write_string(number, 0, note)
    for place, width in enumerate(_widths(grid, report)):
        sheet.set_column(place, place, width)
    sheet.freeze_panes(1, 0)
    sheet.repeat_rows(0)
    sheet.autofilter(0, 0, max(1, len(grid.rows)), len(grid.head) - 1)
    _print(sheet, report, grid.wide)


def _print(sheet: Any, report: Report, wide: bool) -> None:
    """A4, as wide as the paper; above each page the title, below it the number of the page."""
    sheet.set_paper(A4)
    sheet.fit_to_pages(1, 0)
    if wide:
        sheet.set_landscape()
    said = words.say(report, words.SYNTHETIC) if report.synthetic else ""
    sheet.set_header("&L" + report.title.replace("&", "&&")[:120])
    sheet.set_footer(f"&L{said}&R&P/&N")


def _row(
    sheet: Any, number: int, line: tuple[Plain, ...], total: bool, report: Report, styles: _Styles
) -> None:
    for place, (value, measure) in enumerate(line):
        style = styles.measures[measure, total]
        match value:
            case None:
                sheet.write_blank(number, place, None, style)
            case str():
                sheet.write_string(number, place, value, styles.measures[Measure.TEXT, total])
            case datetime():
                there = value.astimezone(report.zone).replace(tzinfo=None)  # a spreadsheet knows no zones
                sheet.write_datetime(number, place, there, styles.measures[Measure.MOMENT, total])
            case date():
                sheet.write_datetime(number, place, value, styles.measures[Measure.DAY, total])
            case _:
                figure = value / A_DAY_S if measure is Measure.SECONDS else value
                sheet.write_number(number, place, figure, style)


def _widths(grid: Grid, report: Report) -> Iterator[int]:
    for place, title in enumerate(grid.head):
        cells = (line[place] for line in (*grid.rows, *([grid.total] if grid.total else [])))
        widest = max((len(words.written(value, measure, report)) for value, measure in cells), default=0)
        longest_word = max(map(len, title.split()), default=0) + 4  # and the arrow of the filter
        yield min(WIDEST, max(NARROWEST, longest_word, widest + 2))


def _name(title: str, taken: set[str]) -> str:
    """A name that a sheet may have, and no other has."""
    plain = " ".join(NEVER_IN_A_NAME.sub(" ", title).split()) or "–"
    name, number = plain[:LONGEST_NAME].strip(), 1
    while name.casefold() in taken:
        number += 1
        end = f" {number}"
        name = plain[: LONGEST_NAME - len(end)].strip() + end
    taken.add(name.casefold())
    return name


def _styles(book: Workbook, report: Report) -> _Styles:
    day = "dd/mm/yyyy" if report.language == "vi" else "yyyy-mm-dd"
    formats = {**FIGURES, Measure.DAY: day, Measure.MOMENT: f"{day} hh:mm"}
    ground = {"font_name": TYPEFACE, "font_size": 12, "valign": "top"}

    def style(measure: Measure, total: bool) -> Any:
        look: dict[str, Any] = {**ground}
        if measure in formats:
            look["num_format"] = formats[measure]
        if measure is Measure.TEXT:
            look["text_wrap"] = True
        if total:
            look |= {"bold": True, "top": 1}
        return book.add_format(look)

    return _Styles(
        book.add_format({**ground, "bold": True, "font_size": 14, "text_wrap": True}),
        book.add_format({**ground, "bold": True, "text_wrap": True, "bottom": 1}),
        book.add_format({**ground, "text_wrap": True}),
        {(measure, total): style(measure, total) for measure in Measure for total in (False, True)},
    )
