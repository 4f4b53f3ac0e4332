"""Reads a decree that reorganises units: a table in which one row says where one unit, or one point, went."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, Language, translate
from camera_registry.imports import values
from camera_registry.imports.faults import MESSAGES, BadCell, column_letter
from camera_registry.imports.workbook import Cell, Sheet, read_workbook
from camera_registry.spelling import fold

MOST_ROWS = 20_000
SHOWN_PROBLEMS = 50
HEADER_WITHIN = 40  # rows from the top

# The first of each language is the one the documentation writes.
HEADERS: Mapping[str, tuple[str, ...]] = {
    "from": ("Từ ngày", "From", "Ngày hiệu lực", "Có hiệu lực từ", "Effective from"),
    "old": ("Đơn vị cũ", "Old unit", "Đơn vị trước sắp xếp"),
    "point": ("Mã điểm", "Point code", "Mã điểm lắp đặt"),
    "name": ("Đơn vị mới", "New unit", "Đơn vị sau sắp xếp"),
    "code": ("Mã mới", "New code", "Mã đơn vị mới"),
    "uid": ("Phiên bản mới", "New version", "Uid"),
    "kind": ("Loại", "Kind", "Cấp"),
    "parent": ("Trực thuộc", "Parent", "Thuộc"),
    "latitude": ("Vĩ độ", "Latitude"),
    "longitude": ("Kinh độ", "Longitude"),
    "outline": ("Ranh giới", "Outline"),
    "document": ("Văn bản", "Document", "Nghị quyết", "Decree"),
    "note": ("Ghi chú", "Note"),
}
_FIELD_OF = {fold(header): name for name, headers in HEADERS.items() for header in headers}
_LIMITS = {"old": 200, "name": 200, "code": 32, "uid": 64, "kind": 32, "parent": 200, "outline": 200}
_LIMITS |= {"point": values.MAX_CODE, "document": 1_000, "note": 1_000}
OF_A_NEW_UNIT = ("name", "code", "uid", "kind", "parent", "latitude", "longitude", "outline")
_EARLIEST = date(1800, 1, 1)
_YEARS_AHEAD = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong at one place of the file. ``row`` counts from 1; ``column`` is a letter."""

    sheet: str
    row: int
    column: str
    message: str
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, language: Language) -> str:
        where = f"{self.sheet}!{self.column}{self.row}".lstrip("!")
        return f"{where}  {translate(self.message, language, **self.values)}"


class DecreeError(RegistryError):
    """The file cannot be applied; nothing was changed. ``problems`` say where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(N_("Nothing was changed. Wrong places of the file: {count}."), count=len(problems))
        self.problems = tuple(problems)

    def text(self, language: Language) -> str:
        lines = [problem.text(language) for problem in self.problems[:SHOWN_PROBLEMS]]
        return "\n".join([*lines, RegistryError.text(self, language)])


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """What a row says, by field; blank cells are left out."""

    sheet: str
    number: int
    columns: Mapping[str, int]
    said: Mapping[str, Any]

    @property
    def first(self) -> date | None:
        found: date | None = self.said.get("from")
        return found

    @property
    def names_new(self) -> bool:
        return not self.said.keys().isdisjoint(("name", "code", "uid"))

    def problem(self, name: str, message: str, **said: object) -> Problem:
        return Problem(self.sheet, self.number, column_letter(self.columns.get(name, 0)), message, said)

    def refusal(self, name: str, error: RegistryError) -> Problem:
        return self.problem(name, error.message, **error.values)


def read_decrees(path: Path, today: date) -> list[Row]:
    """The rows of a file (CSV, XLSX, XLS, ODS); at least one.

    Raises ``UnreadableFile``, and ``DecreeError`` for every cell that cannot be read or does not fit its row.
    """
    sheets = read_workbook(path)
    rows: list[Row] = []
    problems: list[Problem] = []
    for sheet in sheets:
        header = _header(sheet)
        if header is None:
            continue
        number, columns = header
        for index in range(number + 1, len(sheet.rows)):
            row, wrong = _read_row(sheet, index, columns, today)
            if row.said or wrong:
                rows.append(row)
                problems += wrong or _misfits(row)
    if not rows and not problems:
        name = sheets[0].name if sheets else ""
        problems.append(Problem(name, 1, "A", N_("The file has no table with an old or a new unit.")))
    if len(rows) > MOST_ROWS:
        over = rows[MOST_ROWS]
        problems = [over.problem("from", N_("A file has at most {limit} rows."), limit=MOST_ROWS)]
    if problems:
        raise DecreeError(problems)
    return rows


def _header(sheet: Sheet) -> tuple[int, Mapping[str, int]] | None:
    """The first row that names an old or a new unit among at least two fields."""
    for number, row in enumerate(sheet.rows[:HEADER_WITHIN]):
        columns: dict[str, int] = {}
        for index, cell in enumerate(row):
            name = _FIELD_OF.get(fold(cell)) if isinstance(cell, str) else None
            if name is not None:
                columns.setdefault(name, index)
        if len(columns) >= 2 and not columns.keys().isdisjoint(("old", "name", "uid")):
            return number, columns
    return None


def _read_row(sheet: Sheet, index: int, columns: Mapping[str, int], today: date) -> tuple[Row, list[Problem]]:
    said: dict[str, Any] = {}
    wrong: list[Problem] = []
    cells = sheet.rows[index]
    for name, column in columns.items():
        cell = cells[column] if column < len(cells) else ""
        if values.blank(cell):
            continue
        try:
            said[name] = _value(name, cell, today)
        except BadCell as bad:
            where = column_letter(column)
            wrong.append(Problem(sheet.name, index + 1, where, MESSAGES[bad.fault], bad.values))
    return Row(sheet.name, index + 1, columns, said), wrong


def _value(name: str, cell: Cell, today: date) -> Any:
    if name == "from":
        return values.day(cell, today + timedelta(days=366 * _YEARS_AHEAD), _EARLIEST)
    if name == "latitude":
        return values.latitude(cell)
    if name == "longitude":
        return values.longitude(cell)
    return values.text(cell, _LIMITS[name])


def _misfits(row: Row) -> Iterator[Problem]:
    said = row.said
    if said.keys() <= {"from", "document", "note"}:
        yield row.problem("old", N_("The row names no unit."))
    elif not said.keys().isdisjoint(("old", "point")) and row.first is None:
        yield row.problem("from", N_("The day is missing: what ends, or moves, does so on a day."))
    elif "point" in said and not row.names_new:
        yield row.problem("name", N_("The row does not say where the point goes."))
    elif not row.names_new and not said.keys().isdisjoint(OF_A_NEW_UNIT):
        yield row.problem("name", N_("The row describes a new unit and does not name it."))
    if ("latitude" in said) != ("longitude" in said):
        yield row.problem("latitude", N_("Latitude and longitude belong together; one is missing."))
