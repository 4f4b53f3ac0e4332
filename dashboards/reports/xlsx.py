"""A report as a workbook: a sheet for each part, numbers that can be counted with, ready to be printed."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook

from camera_registry.i18n import N_
from camera_registry.reports.value import Measure, Report
from camera_registry.worksheets import A4, LINE_PT, Needs, height, needs, widths
from dashboards.reports import words
from dashboards.reports.sheets import Grid, Plain, about, grids

LONGEST_NAME = 31  # characters, of a sheet
NEVER_IN_A_NAME = re.compile("[\\x00-\\x1f\\[\\]:*?/\\\\'\U00010000-\U0010ffff]")  # those count twice
COVER = 100  # characters, of its only column: as much as an upright page shows
HEAD = "#DCE6F1"
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
    note: Any
    dong: Any  # an amount among other figures
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
        parts = list(grids(report))
        said = [str(cell) for grid in parts if not any(grid.head) for ((cell, _),) in grid.rows]
        cover = _name(words.say(report, N_("Report")), taken)
        _cover(book.add_worksheet(cover), [*about(report), *said], report, styles)
        for grid in parts:
            if any(grid.head):
                _sheet(book.add_worksheet(_name(grid.title, taken)), grid, report, styles)
    return content.getvalue()


def _cover(sheet: Any, lines: Sequence[str], report: Report, styles: _Styles) -> None:
    """What it is, and the words that have no head, and so no sheet of their own."""
    sheet.set_default_row(LINE_PT)
    for number, text in enumerate(lines):
        sheet.set_row(number, height([(text, COVER)]))
        sheet.write_string(number, 0, text, styles.title if number == 0 else styles.text)
    sheet.set_column(0, 0, COVER)
    _print(sheet, report, "", report.wide)


def _sheet(sheet: Any, grid: Grid, report: Report, styles: _Styles) -> None:
    """The head stays in sight and on each printed page; the filter leaves the row of totals alone.

    Where a sheet is wider than a screen, so do the columns that say what a row is of.
    """
    head = _head(grid)
    room = widths([_needs(grid, head, place, report) for place in range(len(head))])
    wide = grid.wide or sum(room) > COVER
    for place, width in enumerate(room):
        sheet.set_column(place, place, width)
    sheet.set_default_row(LINE_PT)
    sheet.set_row(0, height(zip(head, room, strict=True)))
    sheet.write_row(0, 0, head, styles.head)
    lines = [*grid.rows, *([grid.total] if grid.total else [])]
    for number, line in enumerate(lines, start=1):
        texts = ((value, width) for (value, _), width in zip(line, room, strict=True))
        tall = height((value, width) for value, width in texts if isinstance(value, str))
        if tall > LINE_PT:
            sheet.set_row(number, tall)
        _row(sheet, number, line, number > len(grid.rows), grid.mixed, report, styles)
    for number, note in enumerate(grid.notes, start=len(lines) + 2):
        sheet.set_row(number, height([(note, sum(room))]))
        if len(room) > 1:
            sheet.merge_range(number, 0, number, len(room) - 1, "", styles.note)
        sheet.write_string(number, 0, note, styles.note)
    sheet.freeze_panes(1, _names(grid) if wide else 0)
    sheet.repeat_rows(0)
    if len(head) > 1:
        sheet.autofilter(0, 0, max(1, len(grid.rows)), len(head) - 1)
    _print(sheet, report, grid.title, wide)


def _print(sheet: Any, report: Report, title: str, wide: bool) -> None:
    """A4, as wide as the paper; above each page what it is, below it the number of the page."""
    sheet.set_paper(A4)
    sheet.set_margins(left=0.6, right=0.4)  # inches
    sheet.fit_to_pages(1, 0)
    if wide:
        sheet.set_landscape()
    said = words.say(report, words.SYNTHETIC) if report.synthetic else ""
    sheet.set_header(f"&L{_plain(report.title)}&R{_plain(title)}")
    sheet.set_footer(f"&L{_plain(said)}&R&P/&N")


def _plain(text: str) -> str:
    """Without marks in heads and feet of pages, which take 255 signs in all."""
    return text[:100].replace("&", "&&")


def _head(grid: Grid) -> list[str]:
    """What stands above a column of money says so, as amounts in a cell have no unit."""
    line = (grid.total, *grid.rows)[-1]
    if grid.mixed or line is None:
        return list(grid.head)
    return [
        words.with_unit(title, "đồng") if measure is Measure.DONG else title
        for title, (_, measure) in zip(grid.head, line, strict=True)
    ]


def _names(grid: Grid) -> int:
    """How many columns say what a row is of: up to the first that is a text."""
    line = (grid.total, *grid.rows)[-1] or ()
    return next((place for place, (_, measure) in enumerate(line, start=1) if measure is Measure.TEXT), 0)


def _row(
    sheet: Any,
    number: int,
    line: tuple[Plain, ...],
    total: bool,
    mixed: bool,
    report: Report,
    styles: _Styles,
) -> None:
    for place, (value, measure) in enumerate(line):
        style = styles.dong if mixed and measure is Measure.DONG else styles.measures[measure, total]
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


def _needs(grid: Grid, head: Sequence[str], place: int, report: Report) -> Needs:
    cells = [line[place] for line in (*grid.rows, *([grid.total] if grid.total else []))]
    texts = [value for value, _ in cells if isinstance(value, str)]
    figures = [
        words.written(value, measure, report)
        for value, measure in cells
        if value is not None and not isinstance(value, str)
    ]
    return needs(head[place], texts, figures)


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
    ruled = {**ground, "border": 1, "border_color": "#787878"}

    def style(measure: Measure, total: bool) -> Any:
        look: dict[str, Any] = {**ruled}
        if measure in formats:
            look["num_format"] = formats[measure]
        if measure is Measure.TEXT:
            look |= {"text_wrap": True, "align": "left", "indent": 1}  # apart from the figure before it
        if total:
            look["bold"] = True
        return book.add_format(look)

    centred = {"align": "center", "valign": "vcenter"}
    return _Styles(
        title=book.add_format({**ground, "bold": True, "font_size": 14, "text_wrap": True}),
        head=book.add_format({**ruled, **centred, "bold": True, "text_wrap": True, "bg_color": HEAD}),
        text=book.add_format({**ground, "text_wrap": True}),
        note=book.add_format({**ground, "italic": True, "text_wrap": True}),
        dong=book.add_format({**ruled, "num_format": '#,##0 "đồng"'}),
        measures={(measure, total): style(measure, total) for measure in Measure for total in (False, True)},
    )
