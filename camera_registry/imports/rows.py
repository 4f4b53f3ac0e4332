"""A sheet into rows: one frozen ``Row`` for each line that speaks of a point or an eye."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from camera_registry.credentials import MAX_SECRET
from camera_registry.imports import values
from camera_registry.imports.columns import SECRET, Header, find_header
from camera_registry.imports.faults import BadCell, Fault, Problem, column_letter
from camera_registry.imports.values import Address
from camera_registry.imports.workbook import Cell, Sheet
from camera_registry.inventory import DeviceKind, Funding, Reach, StreamChoice
from camera_registry.spelling import clean, fold, spelled
from probes.result import TlsCheck

# A line that sums up: its whole words, or those that begin them; no place is called so.
TOTALS = frozenset(spelled(word) for word in ("Tổng", "Cộng", "Total", "TC"))
SUMS = tuple(
    spelled(word) for word in ("Tổng cộng", "Tổng số", "Cộng phường", "Cộng xã", "Cộng toàn", "Tổng toàn")
)
# The first words of what stands below a table.
FOOTERS = tuple(
    spelled(word)
    for word in (
        "Người lập",
        "Thủ trưởng",
        "Nơi nhận",
        "Người tổng hợp",
        "Cán bộ tổng hợp",
        "Xác nhận",
        "Trưởng Công an",
        "Phó trưởng",
        "Chủ tịch",
        "Phó chủ tịch",
        "Ghi chú:",
        "TM.",
        "KT.",
        "Prepared by",
    )
)
LITERAL = frozenset({"user", "password"})  # a dash may be a password
HOST_FAULTS = (Fault.HOST_INVALID, Fault.PORT_INVALID)  # quote the host alone, which is no secret here
MOST_DAYS = 3650
FOOTER_CELLS = 3  # a line of a table says more than a line of signatures
_NUMBERING = re.compile(r"^(?:[IVXLC]+|[A-ZĐ]|\d+)\s*[.)/-]\s*")
_COLUMN_NUMBER = re.compile(r"\(?\d{1,2}\)?")
# Folded: a line that names a ward begins so; xã hội hóa and xã đội are something else.
_WARD = re.compile(r"(?:phuong|xa|thi tran|dac khu) (?!hoi |doi\b)")
_BULLETS = re.compile(r"^[\W_]+")
# Folded: a number, with what it counts; and the line of place and day above signatures.
_COUNTED = re.compile(r"(?:(?:\d+|diem|mat|camera|vi tri|cai|chiec|bo)(?: |$))*")
_PLACE_AND_DAY = re.compile(r"(?:[a-z ]{1,40} )?ngay [\d ]*thang [\d ]*nam [\d ]*")
# TCVN3, a code of before Unicode, has đ and Đ here; read as Unicode, no other text has them before a letter.
_TCVN3 = re.compile(r"[®§][^\W\d_]")


@dataclass(frozen=True, slots=True)
class Row:
    """What one line says; ``None`` is a blank cell. ``number`` counts from 1, as spreadsheets do."""

    sheet: str
    number: int
    columns: Mapping[str, int] = field(repr=False)
    bad: frozenset[str] = frozenset()  # fields whose cells could not be read
    section: str | None = None  # the unit's name in a line of its own above
    point_code: str | None = None
    point_name: str | None = None
    unit: str | None = None
    unit_code: str | None = None
    address: str | None = None
    residential_group: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    position: tuple[float, float] | None = None
    k: int | None = None
    funding: Funding | None = None
    signage: bool | None = None
    point_required_days: float | None = None
    keep_pictures_days: int | None = None
    note: str | None = None
    eye_code: str | None = None
    eye_name: str | None = None
    count: int | None = None
    channel: int | None = None
    purpose: str | None = None
    ptz: bool | None = None
    required_days: float | None = None
    reach: Reach | None = None
    device_code: str | None = None
    kind: DeviceKind | None = None
    manufacturer: str | None = None
    model: str | None = None
    serial: str | None = None
    firmware: str | None = None
    imported_on: date | None = None
    certificate: str | None = None
    host: Address | None = None
    port: int | None = None
    web_port: int | None = None
    web_tls: bool | None = None
    onvif_port: int | None = None
    tls_check: TlsCheck | None = None
    tls_pin: str | None = None
    tls: bool | None = None
    basic_allowed: bool | None = None
    sessions: int | None = None
    sub_stream: StreamChoice | None = None
    path: Address | None = None
    snapshot_path: str | None = None
    site: str | None = None
    credential: str | None = None
    onvif_credential: str | None = None
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    commissioned: date | None = None
    retired: date | None = None
    access_document: str | None = None
    access_date: date | None = None
    access_until: date | None = None
    access_withdrawn: date | None = None

    def problem(self, name: str, fault: Fault, **said: object) -> Problem:
        """A fault of this row in the column of the field ``name``, or in the first that there is."""
        index = self.columns.get(name)
        if index is None:
            index = self.columns.get("point_name", min(self.columns.values(), default=0))
        return Problem(self.sheet, self.number, column_letter(index), fault, said)


@dataclass(slots=True)
class Reading:
    """What reading the sheets gave: rows, problems, and what was passed over without harm."""

    rows: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unknown_headers: list[tuple[str, str]] = field(default_factory=list)  # sheet, header
    sheets_without_table: list[str] = field(default_factory=list)


def read_rows(
    sheets: list[Sheet], mapping: Mapping[str, str], today: date, is_unit: Callable[[str], bool]
) -> Reading:
    """Every row of every sheet that has a table. ``is_unit`` tells whether a text names a unit."""
    reading = Reading()
    heads: list[tuple[Sheet, Header]] = []
    for sheet in sheets:
        try:
            header = find_header(sheet, mapping)
        except BadCell as bad:
            row, column = bad.values.pop("row"), bad.values.pop("column")
            assert isinstance(row, int)
            assert isinstance(column, int)
            reading.problems.append(
                Problem(sheet.name, row + 1, column_letter(column), bad.fault, bad.values)
            )
            continue
        if header is None:
            old = next((n for n, row in enumerate(sheet.rows, 1) if any(map(_in_tcvn3, row))), None)
            if old is not None:
                reading.problems.append(Problem(sheet.name, old, "A", Fault.TEXT_NOT_UNICODE))
            elif is_unit(sheet.name):  # a ward's sheet must not be passed over in silence
                reading.problems.append(Problem(sheet.name, 1, "A", Fault.HEADER_MISSING))
            elif any(not values.blank(cell) for row in sheet.rows for cell in row):
                reading.sheets_without_table.append(sheet.name)
            continue
        if not header.columns.keys() & {"point_name", "point_code", "eye_code"}:
            reading.problems.append(Problem(sheet.name, header.row + 1, "A", Fault.COLUMN_MISSING))
            continue
        heads.append((sheet, header))
        reading.unknown_headers += [(sheet.name, text) for text in header.unknown]
        for row in _lines(sheet, header, is_unit, reading):
            _read_line(sheet, header, row, today, reading)
    if not reading.rows and not reading.problems:
        for sheet, header in heads[:1]:
            reading.problems.append(Problem(sheet.name, header.row + 2, "A", Fault.ROWS_MISSING))
        if not heads:
            name = sheets[0].name if sheets else ""
            reading.problems.append(Problem(name, 1, "A", Fault.HEADER_MISSING))
    return reading


def _in_tcvn3(cell: Cell) -> bool:
    return isinstance(cell, str) and _TCVN3.search(cell) is not None


def _lines(
    sheet: Sheet, header: Header, is_unit: Callable[[str], bool], reading: Reading
) -> Iterator[tuple[int, str | None]]:
    """The lines of the table (counted from 0), each with the unit named in a line above it."""
    head = _texts(sheet.rows[header.row])
    section: str | None = None
    for number in range(header.row + 1, len(sheet.rows)):
        texts = _texts(sheet.rows[number])
        if not texts or texts == head:
            continue
        if len(texts) > 2 and all(_COLUMN_NUMBER.fullmatch(text) for text in texts):
            continue  # the line (1) (2) (3) below a header
        named = set(texts[1:] if _ordinal(texts[0]) else texts)
        if len(named) == 1 and _of_one_text(sheet.rows[number], header, text := named.pop()):
            name = _NUMBERING.sub("", text)
            if is_unit(name):
                section = name
                continue
            if not texts[0].isdigit() and _WARD.match(fold(name)) and not _below(texts):
                # Misspelt, it must not leave what follows to the unit above.
                column = next(at for at, cell in enumerate(sheet.rows[number]) if text in _texts([cell]))
                where = column_letter(column)
                reading.problems.append(
                    Problem(sheet.name, number + 1, where, Fault.UNIT_UNKNOWN, {"text": name})
                )
                continue
        if _sums_up(texts):
            continue
        if _below(texts) and all(len(set(_texts(row))) <= FOOTER_CELLS for row in sheet.rows[number + 1 :]):
            return
        if len(texts) > FOOTER_CELLS and len(set(texts)) == 1:  # a remark, merged over the columns
            continue
        yield number, section


def _sums_up(texts: list[str]) -> bool:
    """Whether a line has the word for a sum, and beside it numbers alone."""
    words = [text for text in dict.fromkeys(texts) if not _COUNTED.fullmatch(fold(text))]
    if len(words) > 1 and _ordinal(words[0]):
        del words[0]
    if len(words) != 1:
        return False
    said = spelled(_NUMBERING.sub("", _BULLETS.sub("", words[0])))
    return said.rstrip(": ") in TOTALS or said.startswith(SUMS)


def _below(texts: list[str]) -> bool:
    """Whether a line may be the first of those below a table: notes, place and day, signatures."""
    told = set(texts)
    if len(told) == 1 and _PLACE_AND_DAY.fullmatch(fold(texts[0])):
        return True
    return len(told) <= FOOTER_CELLS and any(
        spelled(_BULLETS.sub("", text)).startswith(FOOTERS) for text in told
    )


def _of_one_text(cells: list[Cell], header: Header, text: str) -> bool:
    """Whether no point is named: its cells are blank, or merged into the one text of the line."""
    named = [cells[header.columns[name]] for name in ("point_name", "eye_code") if name in header.columns]
    return all(values.blank(cell) or clean(str(cell)) == text for cell in named)


def _texts(cells: list[Cell]) -> list[str]:
    return [clean(str(cell)).removesuffix(".0") for cell in cells if not values.blank(cell)]


def _ordinal(text: str) -> bool:
    return bool(re.fullmatch(r"(?:[IVXLC]+|\d{1,4}|[A-ZĐ])[.)]?", text))


def _read_line(
    sheet: Sheet, header: Header, line: tuple[int, str | None], today: date, reading: Reading
) -> None:
    number, section = line
    cells = sheet.rows[number]
    said: dict[str, Any] = {}
    bad_fields = set()
    for name, index in header.columns.items():
        cell = cells[index] if index < len(cells) else ""
        if cell == "" or (name not in LITERAL and values.blank(cell)):
            continue
        try:
            said[name] = READERS[name](cell, today)
            if name == "count":
                said[name] = _count_of_one(said[name], sheet, number, index)
        except BadCell as bad:
            quoted = (
                bad.values if name not in SECRET or bad.fault in HOST_FAULTS else {**bad.values, "text": "…"}
            )
            reading.problems.append(
                Problem(sheet.name, number + 1, column_letter(index), bad.fault, dict(quoted))
            )
            bad_fields.add(name)
    for name in ("point_name", "eye_name", "note"):
        if name in said and (found := values.count_within(said[name]))[1] is not None:
            said[name], counted = found[0] or None, found[1]
            said.setdefault("count", counted)
    if said:
        reading.rows.append(
            Row(sheet.name, number + 1, header.columns, frozenset(bad_fields), section, **said)
        )


def _count_of_one(count: int, sheet: Sheet, number: int, column: int) -> int:
    """The eyes of one line: a cell merged over several lines says how many they have together."""
    corner = sheet.corners.get((number, column), (number, column))
    lines = 1
    while sheet.corners.get((corner[0] + lines, column)) == corner:
        lines += 1
    if lines == 1:
        return count
    if count != lines:
        raise BadCell(Fault.COUNT_MERGED, count=count, rows=lines)
    return 1


def _text(limit: int) -> Callable[[Cell, date], str]:
    return lambda cell, today: values.text(cell, limit)


def _secret(cell: Cell, today: date) -> str:
    """A user name or password, to the letter: blanks inside and around it may belong to it."""
    if not isinstance(cell, str):
        return values.text(cell, MAX_SECRET)
    found = cell.strip("\r\n")
    if len(found) > MAX_SECRET or not found.isprintable():
        raise BadCell(Fault.CREDENTIAL_INVALID, limit=MAX_SECRET)
    return found


def _planned(cell: Cell, today: date) -> date:
    return values.day(cell, today.replace(year=today.year + 5, day=min(today.day, 28)))


def _past(cell: Cell, today: date) -> date:
    return values.day(cell, today)


def _far(cell: Cell, today: date) -> date:
    return values.day(cell, date(2100, 12, 31))


def _code(cell: Cell, today: date) -> str:
    return values.code(cell)


READERS: Mapping[str, Callable[[Cell, date], object]] = {
    "point_code": _code,
    "point_name": _text(300),
    "unit": _text(200),
    "unit_code": _text(64),
    "address": _text(500),
    "residential_group": _text(200),
    "latitude": lambda cell, today: values.latitude(cell),
    "longitude": lambda cell, today: values.longitude(cell),
    "position": lambda cell, today: values.position(cell),
    "k": lambda cell, today: values.whole(cell, 1, 512),
    "funding": lambda cell, today: values.choice(Funding, cell),
    "signage": lambda cell, today: values.yes_no(cell),
    "point_required_days": lambda cell, today: float(values.whole(cell, 1, MOST_DAYS)),
    "keep_pictures_days": lambda cell, today: values.whole(cell, 1, MOST_DAYS),
    "note": _text(2000),
    "eye_code": _code,
    "eye_name": _text(300),
    "count": lambda cell, today: values.count(cell),
    "channel": lambda cell, today: values.whole(cell, 1, 1024),
    "purpose": _text(200),
    "ptz": lambda cell, today: values.yes_no(cell),
    "required_days": lambda cell, today: float(values.whole(cell, 1, MOST_DAYS)),
    "reach": lambda cell, today: values.choice(Reach, cell),
    "device_code": _code,
    "kind": lambda cell, today: values.choice(DeviceKind, cell),
    "manufacturer": _text(100),
    "model": _text(100),
    "serial": _text(100),
    "firmware": _text(100),
    "imported_on": _past,
    "certificate": _text(100),
    "host": lambda cell, today: values.host(cell),
    "port": lambda cell, today: values.port(cell),
    "web_port": lambda cell, today: values.port(cell),
    "web_tls": lambda cell, today: values.yes_no(cell),
    "onvif_port": lambda cell, today: values.port(cell),
    "tls_check": lambda cell, today: values.choice(TlsCheck, cell),
    "tls_pin": lambda cell, today: values.fingerprint(cell),
    "tls": lambda cell, today: values.yes_no(cell),
    "basic_allowed": lambda cell, today: values.yes_no(cell),
    "sessions": lambda cell, today: values.whole(cell, 1, 64),
    "sub_stream": lambda cell, today: values.choice(StreamChoice, cell),
    "path": lambda cell, today: values.path(cell),
    "snapshot_path": lambda cell, today: values.snapshot_path(cell),
    "site": _code,
    "credential": _text(100),
    "onvif_credential": _text(100),
    "user": _secret,
    "password": _secret,
    "commissioned": _planned,
    "retired": _planned,
    "access_document": _text(300),
    "access_date": _past,
    "access_until": _far,
    "access_withdrawn": _past,
}
