"""What every table can do: be sorted by an address, and be taken home as a file of what the filter shows.

A page names its columns once; the order of its rows and its files are made of them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from io import BytesIO
from itertools import islice
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query, Request, Response
from xlsxwriter import Workbook

from camera_registry import audit
from camera_registry.api.desk import Desk
from camera_registry.audit import Action
from camera_registry.i18n import Language, collation_key
from camera_registry.worksheets import A4, Needs, height, needs, widths
from dashboards.cells import Value, csv_file
from dashboards.rendering import Reader

Row = TypeVar("Row")

LONGEST_TOLD, MOST_TOLD = 200, 20  # characters of a condition that the audit keeps, and conditions
LONGEST_FIGURE = len("22/11/2026 10:00:00")  # characters, in a workbook
CHOOSES_NOTHING = ("as", "sort", "lang", "theme", "before", "after")  # of an address


class FileKind(StrEnum):
    """What ``?as=`` asks for."""

    CSV = "csv"
    XLSX = "xlsx"


MEDIA_TYPES: Mapping[FileKind, str] = {
    FileKind.CSV: "text/csv; charset=utf-8",
    FileKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

AsFile = Annotated[FileKind | None, Query(alias="as")]


@dataclass(frozen=True, slots=True)
class Column(Generic[Row]):
    """``name`` stands in addresses (``?sort=name``), ``title`` is a msgid, ``value`` is what a row says.

    A moment is written in the reader's zone, a share as a number of per cent if ``percent``. Rows are sorted
    by ``rank`` where it is not the value that tells their order.
    """

    name: str
    title: str
    value: Callable[[Row], Value]
    percent: bool = False
    rank: Callable[[Row], Value] | None = None


def titles(columns: Sequence[Column[Row]]) -> dict[str, str]:
    """The msgids of the columns' heads, by their names in addresses."""
    return {column.name: column.title for column in columns}


def ordered(rows: Sequence[Row], columns: Sequence[Column[Row]], sort: str) -> list[Row]:
    """``rows`` by the column that ``sort`` names, downwards with a ``-`` before it; empty values come last.

    Rows that are equal, and all of them if there is no such column, stay in the order they came in.
    """
    name = sort.removeprefix("-")
    column = next((column for column in columns if column.name == name), None)
    if column is None:
        return list(rows)
    read = column.rank or column.value
    told = [row for row in rows if read(row) not in (None, "")]
    silent = [row for row in rows if read(row) in (None, "")]
    return sorted(told, key=lambda row: _key(read(row)), reverse=sort.startswith("-")) + silent


def export(
    desk: Desk,
    request: Request,
    kind: FileKind,
    name: str,
    columns: Sequence[Column[Row]],
    rows: Sequence[Row],
    reader: Reader,
) -> Response:
    """As ``file``; that they were taken home stands in the audit."""
    taken_home(desk, request, kind, name, len(rows), reader)
    return file(kind, name, columns, rows, reader)


def taken_home(desk: Desk, request: Request, kind: FileKind, name: str, rows: int, reader: Reader) -> None:
    """Write down who took what home as a file: ``name`` as of ``deeds.FILES``, and what the address asked."""
    asked = {
        key: value[:LONGEST_TOLD]
        for key, value in request.query_params.items()
        if value and key not in CHOOSES_NOTHING
    }
    detail = {"asked": dict(islice(asked.items(), MOST_TOLD)), "rows": rows}
    with desk.database.transaction() as session:
        audit.record(session, desk.actor, Action.EXPORTED, f"{name}:{kind}", reader.now, detail=detail)


def file(
    kind: FileKind, name: str, columns: Sequence[Column[Row]], rows: Sequence[Row], reader: Reader
) -> Response:
    """The rows as a file to keep, its head in the reader's language: ``name`` with the day and an ending.

    CSV is UTF-8 with a mark that spreadsheets know it by, decimals and separators as they are usual in the
    language. What could be taken for a formula is made text.
    """
    head = [reader.say(column.title) for column in columns]
    cells = [[_cell(column, row, reader) for column in columns] for row in rows]
    shares = [column.percent for column in columns]
    content = {FileKind.CSV: _csv, FileKind.XLSX: _xlsx}[kind]
    return download(kind, name, content(head, cells, shares, reader.language), reader)


def download(kind: FileKind, name: str, content: bytes, reader: Reader) -> Response:
    """A file that the browser keeps, called ``name`` with the day and its ending."""
    return Response(
        content,
        media_type=MEDIA_TYPES[kind],
        headers={
            "Content-Disposition": f'attachment; filename="{name}-{reader.today:%Y-%m-%d}.{kind}"',
            "Cache-Control": "no-store",
        },
    )


def _key(value: Value) -> Any:
    return collation_key(value) if isinstance(value, str) else value


def _cell(column: Column[Row], row: Row, reader: Reader) -> Value:
    value = column.value(row)
    if isinstance(value, datetime):
        return value.astimezone(reader.zone).replace(tzinfo=None)  # a spreadsheet knows no zones
    return value


def _csv(
    head: Sequence[str], cells: Sequence[Sequence[Value]], shares: Sequence[bool], language: Language
) -> bytes:
    told = (
        [
            round(value * 100, 2) if share and isinstance(value, float) else value
            for value, share in zip(line, shares, strict=True)
        ]
        for line in cells
    )
    return csv_file([head, *told], language)


def _needs(title: str, values: Sequence[Value]) -> Needs:
    """Of a column: how its days and its figures are written is the sheet's own."""
    texts = [value for value in values if isinstance(value, str)]
    figures = [str(value)[:LONGEST_FIGURE] for value in values if not isinstance(value, str | None)]
    return needs(title, texts, figures)


def _xlsx(
    head: Sequence[str], cells: Sequence[Sequence[Value]], shares: Sequence[bool], language: Language
) -> bytes:
    """One sheet: the head stays in sight and on each printed page, numbers and days can be counted with."""
    content = BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    day = "dd/mm/yyyy" if language == "vi" else "yyyy-mm-dd"
    with Workbook(content, options) as book:
        sheet = book.add_worksheet()
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        top = {"valign": "top"}
        dates = book.add_format({**top, "num_format": day, "align": "left"})
        moments = book.add_format({**top, "num_format": f"{day} hh:mm:ss", "align": "left"})
        texts, figures = book.add_format({**top, "text_wrap": True}), book.add_format(top)
        percents = book.add_format({**top, "num_format": "0.00%"})
        sheet.write_row(0, 0, head, bold)
        for number, line in enumerate(cells, start=1):
            for place, value in enumerate(line):
                match value:
                    case datetime():
                        sheet.write_datetime(number, place, value, moments)
                    case date():
                        sheet.write_datetime(number, place, value, dates)
                    case str():
                        sheet.write_string(number, place, value, texts)
                    case None:
                        pass
                    case float() if shares[place]:
                        sheet.write_number(number, place, value, percents)
                    case _:
                        sheet.write_number(number, place, value, figures)
        room = widths([_needs(title, [line[place] for line in cells]) for place, title in enumerate(head)])
        for place, width in enumerate(room):
            sheet.set_column(place, place, width)
        for number, line in enumerate([head, *cells]):
            texts = zip(line, room, strict=True)
            sheet.set_row(number, height((text, width) for text, width in texts if isinstance(text, str)))
        sheet.freeze_panes(1, 0)
        sheet.repeat_rows(0)
        sheet.set_landscape()
        sheet.set_paper(A4)
        sheet.fit_to_pages(1, 0)
        sheet.autofilter(0, 0, max(1, len(cells)), len(head) - 1)
    return content.getvalue()
