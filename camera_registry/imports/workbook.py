"""Reads a spreadsheet of any usual kind into plain sheets of cells: XLSX, XLS, ODS, CSV."""

import csv
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from io import BytesIO, StringIO
from pathlib import Path

from python_calamine import CalamineError, CalamineWorkbook, SheetVisibleEnum

from camera_registry.errors import RegistryError, reason_of
from camera_registry.i18n import N_

Cell = str | int | float | bool | date | datetime | time | timedelta

MAX_BYTES = 64 * 1024 * 1024
MAX_UNPACKED = 512 * 1024 * 1024  # what the parts of an XLSX or ODS may grow to: an archive can be a bomb
MAX_ROWS = 100_000  # of one sheet
MAX_COLUMNS = 300
MAX_SHEETS = 200
SPREADSHEETS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
TEXTS = (".csv", ".tsv", ".txt")
DELIMITERS = (";", ",", "\t", "|")
LOOKED_AT = 40  # rows from which a delimiter is told
_END = "\N{END OF TRANSMISSION}"  # a line of our own after the last


class UnreadableFile(RegistryError):
    """The file is not a spreadsheet that can be read."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of one sheet, row by row; an empty cell is ``""``. Merged cells all show their value.

    ``corners`` names, for every (row, column) inside a merge, the cell at its top left.
    """

    name: str
    rows: list[list[Cell]]
    corners: Mapping[tuple[int, int], tuple[int, int]] = field(default_factory=dict)


def read_workbook(path: Path) -> list[Sheet]:
    """The visible sheets of a file. Raises ``UnreadableFile`` saying why there are none."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise _too_large(path.name, MAX_BYTES)
        data = path.read_bytes()
    except OSError as exc:
        raise UnreadableFile(N_("{file} cannot be read: {why}."), file=path, why=reason_of(exc)) from None
    return open_workbook(data, path.name)


def open_workbook(data: bytes, name: str) -> list[Sheet]:
    """``read_workbook`` of what is in hand; the end of ``name`` tells the kind. Nothing goes to disk."""
    spreadsheet = name.lower().endswith(SPREADSHEETS)
    if not spreadsheet and not name.lower().endswith(TEXTS):
        kinds = ", ".join((".xlsx", ".csv", *SPREADSHEETS[1:]))
        raise UnreadableFile(
            N_("{file} is no table that is read here; possible are: {kinds}."), file=name, kinds=kinds
        )
    sheets = _spreadsheet(data, name) if spreadsheet else [_csv(data, name)]
    for sheet in sheets:
        if len(sheet.rows) > MAX_ROWS or any(len(row) > MAX_COLUMNS for row in sheet.rows):
            raise UnreadableFile(
                N_('The sheet "{sheet}" has more than {rows} rows or {columns} columns.'),
                sheet=sheet.name,
                rows=MAX_ROWS,
                columns=MAX_COLUMNS,
            )
    return sheets


def _too_large(name: str, limit: int) -> UnreadableFile:
    return UnreadableFile(N_("{file} is larger than {limit} MB."), file=name, limit=limit // 1024 // 1024)


def _spreadsheet(data: bytes, name: str) -> list[Sheet]:
    file = BytesIO(data)
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                if sum(part.file_size for part in archive.infolist()) > MAX_UNPACKED:
                    raise _too_large(name, MAX_UNPACKED)
        with CalamineWorkbook.from_filelike(BytesIO(data)) as workbook:
            visible = [m.name for m in workbook.sheets_metadata if m.visible == SheetVisibleEnum.Visible]
            sheets = [_sheet(workbook, each) for each in visible[:MAX_SHEETS]]
        if name.lower().endswith((".xlsx", ".xlsm")) and zipfile.is_zipfile(file):  # it may be called so only
            _show_errors(file, sheets)
    except (CalamineError, zipfile.BadZipFile, OSError, ValueError):
        raise UnreadableFile(
            N_(
                "{file} cannot be read: it is damaged, or protected by a password. Open it in a spreadsheet "
                "program and save it anew as .xlsx, without a password."
            ),
            file=name,
        ) from None
    return sheets


def _show_errors(file: BytesIO, sheets: list[Sheet]) -> None:
    """Put ``#REF!`` and its like back: calamine reads them as blanks, and a blank means "unchanged"."""
    with zipfile.ZipFile(file) as archive:
        parts = [name for name in archive.namelist() if name.startswith("xl/worksheets/sheet")]
        if not any(b' t="e"' in archive.read(name) for name in parts):
            return
    from openpyxl import load_workbook  # half a second to open, and few sheets need it

    book = load_workbook(file, read_only=True, data_only=True)
    for sheet in sheets:
        for cells, shown in zip(book[sheet.name].iter_rows(min_col=1), sheet.rows, strict=False):
            for index, cell in enumerate(cells[: len(shown)]):
                if getattr(cell, "data_type", "") == "e":
                    shown[index] = str(cell.value)
    book.close()


def _sheet(workbook: CalamineWorkbook, name: str) -> Sheet:
    found = workbook.get_sheet_by_name(name)
    if found.total_height > MAX_ROWS or found.total_width > MAX_COLUMNS:
        return Sheet(name, [[""] * (MAX_COLUMNS + 1)])  # refused by the caller; not worth the memory
    rows: list[list[Cell]] = found.to_python(skip_empty_area=False)
    corners = {}
    for (top, left), (bottom, right) in found.merged_cell_ranges or ():
        for row in range(top, min(bottom + 1, len(rows))):
            for column in range(left, min(right + 1, len(rows[row]))):
                if (row, column) != (top, left):
                    corners[row, column] = (top, left)
                    rows[row][column] = rows[top][left]
    return Sheet(name, rows, corners)


def _csv(data: bytes, name: str) -> Sheet:
    text = _decoded(data, name)
    delimiter = None
    if text[:4].lower() == "sep=":  # Excel's own way to name the delimiter
        delimiter, text = text[4], text.partition("\n")[2]
    delimiter = delimiter or max(DELIMITERS, key=lambda each: _cuts(text, each))
    if text and not text.endswith(("\n", "\r")):
        text += "\n"
    lines: list[list[Cell]] = []
    begun = last = 1
    try:
        reader = csv.reader(StringIO(text + _END, newline=""), delimiter=delimiter)
        for line in reader:
            if line == [_END]:
                return Sheet("", lines)
            lines.append([*line])
            begun, last = reader.line_num + 1, begun
    except csv.Error as exc:
        raise UnreadableFile(N_("{file} is no CSV: {why}."), file=name, why=exc) from None
    raise UnreadableFile(  # the mark swallowed the rest of the file, which no reader complains of
        N_('{file}: in line {line} a cell begins with a quotation mark (") that nothing closes.'),
        file=name,
        line=last,
    )


def _decoded(raw: bytes, name: str) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ["utf-16"]
    elif raw[1:2] == b"\0":
        encodings = ["utf-16-le"]
    else:
        encodings = ["utf-8-sig", "cp1258"]  # cp1258: what Excel on a Vietnamese Windows calls CSV
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableFile(N_("{file} is no text in UTF-8, UTF-16 or Windows-1258."), file=name)


def _cuts(text: str, delimiter: str) -> int:
    rows = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    try:
        return sum(len(row) - 1 for row, _ in zip(rows, range(LOOKED_AT), strict=False) if row)
    except csv.Error:
        return 0
