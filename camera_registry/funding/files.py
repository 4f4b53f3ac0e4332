"""The funding ledger as a file, in and out: a row is one point's share of one entry.

Books are kept elsewhere, too, and in spreadsheets: what is brought in waits to be approved like anything that
is entered, all of a file or nothing of it. Rows with the same voucher are one entry. What is in the ledger
already is passed over, so the same file again changes nothing; where it says something else it is refused,
because entries are not changed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from enum import StrEnum
from hashlib import blake2b
from io import BytesIO, StringIO
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.audit import Actor
from camera_registry.db import Turn, take_turn
from camera_registry.errors import RegistryError
from camera_registry.exports import empty_workbook, write_csv, write_xlsx
from camera_registry.funding import contributors, entries, reading
from camera_registry.funding.checks import FundingError
from camera_registry.funding.entries import LONGEST_PAYEE, LONGEST_TEXT, MOST_GIVERS, Entered
from camera_registry.funding.kinds import Component, Form, Kind, Source, State
from camera_registry.funding.reach import Reach, unit_names
from camera_registry.funding.reading import EntryRow
from camera_registry.funding.words import STATES
from camera_registry.i18n import N_, Language, translate
from camera_registry.imports import values
from camera_registry.imports.columns import Column, find_header
from camera_registry.imports.faults import BadCell, Fault, Problem, column_letter
from camera_registry.imports.values import CHOICES
from camera_registry.imports.workbook import Cell, Sheet
from camera_registry.models import Contributor, Point, Programme
from camera_registry.money import AmountError, amount_of
from camera_registry.spelling import clean, fold
from camera_registry.units import Scope

UNKNOWN: Final[Mapping[Language, str]] = {"vi": "chưa có số liệu", "en": "not known"}
SHEETS: Final[Mapping[Language, tuple[str, str]]] = {
    "vi": ("Sổ kinh phí", "Hướng dẫn"),
    "en": ("Funding ledger", "Guide"),
}
EARLIEST_YEAR, YEARS_AHEAD = 1990, 5
LONGEST_FILE_NAME = 150  # characters of it that are kept with what it brought
PART = " · "  # between the file, the row and the voucher that an entry was brought by

COLUMNS: Final[tuple[Column, ...]] = (
    Column("number", "Số trong sổ", "Number in the ledger", ("Số khoản",)),
    Column("voucher", "Mã chứng từ", "Voucher", ("Số chứng từ", "Chứng từ", "Số phiếu"), "PT-012"),
    Column("dated", "Ngày *", "Date *", ("Ngày", "Ngày chứng từ", "Ngày tháng"), "15/09/2023"),
    Column("budget_year", "Năm ngân sách", "Budget year", ("Năm", "Niên độ"), "2023"),
    Column("kind", "Loại khoản *", "Kind *", ("Loại khoản", "Loại", "Thu/chi"), "Khoản thu"),
    Column("programme", "Mã chương trình", "Programme", ("Chương trình", "Mã CT"), "CT-2023"),
    Column("point", "Mã điểm lắp đặt", "Point code", ("Mã điểm", "Mã vị trí"), "YB-0001"),
    Column(
        "amount", "Số tiền (đồng) *", "Amount (đồng) *", ("Số tiền", "Thành tiền", "Giá trị"), "12.500.000"
    ),
    Column("form", "Hình thức", "Form", ("Hình thức đóng góp",), "Tiền"),
    Column("component", "Hạng mục", "Component", ("Khoản mục", "Hạng mục chi"), "Camera"),
    Column("source", "Nguồn", "Source", ("Nguồn kinh phí", "Nguồn vốn", "Loại bên đóng góp"), "Doanh nghiệp"),
    Column("contributor", "Bên đóng góp", "Contributor", ("Đơn vị đóng góp", "Người đóng góp", "Họ và tên")),
    Column("group", "Tổ dân phố/thôn", "Residential group", ("Tổ dân phố", "TDP", "Thôn"), "Tổ dân phố số 4"),
    Column("givers", "Số hộ, tổ chức góp", "Givers", ("Số hộ", "Số bên đóng góp", "Số hộ đóng góp"), "35"),
    Column("payee", "Bên nhận", "Payee", ("Đơn vị nhận", "Đơn vị thi công", "Nhà thầu")),
    Column("text", "Nội dung", "Description", ("Diễn giải", "Ghi chú")),
)
STATE: Final = Column("state", "Trạng thái", "State")  # written, never read: who approves is another person
MAPPING: Final[Mapping[str, str]] = {
    fold(name): column.field
    for column in (*COLUMNS, STATE)
    for name in (column.vi, column.en, *column.others)
}
MEANINGS: Final[Mapping[str, str]] = {
    "number": N_("Blank: a new entry. Exports write it, so that the file can come back."),
    "voucher": N_("Rows with the same voucher are one entry, shared by several points."),
    "dated": N_("Required: the day of the voucher."),
    "budget_year": N_("Blank: the year of the date."),
    "kind": N_("Required."),
    "programme": N_("The code of a programme that is entered already."),
    "point": N_("Blank: allocated to no point yet."),
    "amount": N_("Whole đồng. Of an amount that nobody knows write so in words: it is not nothing."),
    "form": N_("Blank: money. Only money can be spent."),
    "component": N_("Required of an expense: what it was spent on."),
    "source": N_("Of a contribution: a level of the budget, or who of the people gave it."),
    "contributor": N_("Blank: as the source is called. Another name is entered as a new contributor."),
    "givers": N_("How many households or others gave it together."),
}
CHOSEN: Final[Mapping[str, type[StrEnum]]] = {
    "kind": Kind,
    "form": Form,
    "component": Component,
    "source": Source,
}
NEEDED: Final = {"kind": Fault.KIND_MISSING, "dated": Fault.DAY_MISSING, "amount": Fault.AMOUNT_MISSING}


@dataclass(frozen=True, slots=True)
class Imported:
    """What a file did: which entries are new, how many were there already. With ``problems`` nothing."""

    entered: tuple[int, ...] = ()
    unchanged: int = 0
    contributors: int = 0  # that nobody had entered before
    problems: tuple[Problem, ...] = ()
    without_table: tuple[str, ...] = ()  # sheets that were passed over


@dataclass(frozen=True, slots=True)
class Batch:
    """What waits of the files of one name that one person brought: the ``numbers`` of entries, ascending."""

    name: str
    made_by: str
    numbers: tuple[int, ...]

    @property
    def key(self) -> tuple[str, str]:
        return self.name, self.made_by

    @property
    def last(self) -> int:
        return self.numbers[-1]


# --- out ------------------------------------------------------------------------------------------------


def template(language: Language) -> bytes:
    """An empty workbook to fill in, with a guide on its second sheet."""
    choices = {name: [_word(each, language) for each in kind] for name, kind in CHOSEN.items()}
    return empty_workbook(COLUMNS, SHEETS[language], language, choices=choices, meanings=MEANINGS)


def workbook(told: Iterable[EntryRow], groups: Mapping[int, str], language: Language) -> bytes:
    """These entries as XLSX, a share a row; ``groups`` as of ``groups_of``."""
    made = BytesIO()
    write_xlsx(made, SHEETS[language][0], (*COLUMNS, STATE), _rows(told, groups, language), language)
    return made.getvalue()


def text(told: Iterable[EntryRow], groups: Mapping[int, str], language: Language) -> bytes:
    """The same as CSV, in UTF-8 with the mark that Excel knows it by."""
    made = StringIO(newline="")
    write_csv(made, (*COLUMNS, STATE), _rows(told, groups, language), language)
    return made.getvalue().encode("utf-8-sig")


def groups_of(session: Session, scope: Scope, day: date) -> Mapping[int, str]:
    """The residential group of each contributor in scope, by number."""
    reach = Reach.load(session, scope, day)
    rows = session.execute(select(Contributor.id, Contributor.residential_group).where(reach.contributor()))
    return {row.id: row.residential_group for row in rows}


def _rows(
    told: Iterable[EntryRow], groups: Mapping[int, str], language: Language
) -> Iterator[dict[str, Any]]:
    for entry in told:
        said = {
            "number": entry.id,
            "voucher": _voucher_of(entry),
            "dated": entry.dated,
            "budget_year": entry.budget_year,
            "programme": entry.programme,
            "contributor": entry.contributor_name,
            "group": groups.get(entry.contributor or 0, ""),
            "givers": entry.givers,
            "payee": entry.payee,
            "text": entry.text,
            "state": translate(STATES[entry.state], language),
        }
        chosen = {name: getattr(entry, name) for name in CHOSEN}
        said |= {name: _word(value, language) for name, value in chosen.items() if value is not None}
        for share in entry.shares:
            amount = UNKNOWN[language] if share.amount is None else share.amount
            row = said | {"point": share.point, "amount": amount}
            yield {name: value for name, value in row.items() if value not in (None, "")}


def _word(value: StrEnum, language: Language) -> str:
    words = CHOICES[type(value)][value]
    return words[0] if language == "vi" else words[-1]


# --- in -------------------------------------------------------------------------------------------------


def import_ledger(
    session: Session,
    actor: Actor,
    scope: Scope,
    sheets: Sequence[Sheet],
    name: str,
    now: datetime,
    zone: tzinfo,
    *,
    reason: str = "",
) -> Imported:
    """Enter what stands in the sheets of the file ``name``, all or nothing, in the caller's transaction.

    Contributors that nobody entered yet are entered, in the unit of the point.
    """
    today = now.astimezone(zone).date()
    found = _read(sheets, today)
    take_turn(session, Turn.LEDGER)  # the same file may come twice at once
    ground = _Ground.load(session, scope, today)
    problems = [*found.problems]
    drafts = list(_drafts(found.lines, problems))
    fresh: list[_Draft] = []
    unchanged = 0
    for draft in drafts:
        known = _check(draft, ground, name, problems)
        if known:
            unchanged += 1
        else:
            fresh.append(draft)
    entered: list[int] = []
    made = 0
    if not problems:
        with session.begin_nested() as all_of_it:
            for draft in fresh:
                try:
                    giver, new = _contributor(session, actor, scope, ground, draft, now, zone)
                    made += new
                    entered.append(
                        entries.enter(session, actor, scope, draft.entered(name, giver), now, zone, reason)
                    )
                except RegistryError as refused:
                    problems.append(draft.first.problem("kind", Fault.NOT_ACCEPTED, why=refused))
            if problems:
                all_of_it.rollback()
    if problems:
        order = [sheet.name for sheet in sheets]
        problems.sort(key=lambda p: (order.index(p.sheet), p.row, len(p.column), p.column))
        return Imported(problems=tuple(problems), without_table=tuple(found.without_table))
    return Imported(tuple(entered), unchanged, made, (), tuple(found.without_table))


def batches(session: Session, scope: Scope, day: date) -> list[Batch]:
    """The files of which something waits, each for who brought it, the oldest first."""
    brought: dict[tuple[str, str], list[int]] = {}
    waiting = reading.every(session, scope, day, reading.Wanted(state=State.WAITING))
    for entry in sorted(waiting, key=lambda entry: entry.id):
        name = entry.brought_by.partition(PART)[0]
        if name:
            brought.setdefault((name, entry.made_by), []).append(entry.id)
    return [Batch(name, made_by, tuple(numbers)) for (name, made_by), numbers in brought.items()]


def approve_file(
    session: Session,
    actor: Actor,
    scope: Scope,
    seen: Batch,
    now: datetime,
    zone: tzinfo,
    reason: str = "",
) -> int:
    """Approve what waits still of what was ``seen``; returns how many entries.

    Raises ``FundingError`` where nothing of it waits in scope, where more was brought under the same name
    since it was seen, and as ``entries.approve`` does.
    """
    found = batches(session, scope, now.astimezone(zone).date())
    waiting = next((some for some in found if some.key == seen.key), None)
    if waiting is None:
        raise FundingError(N_("Nothing that {file} brought waits to be approved."), file=seen.name)
    if waiting.last > seen.last:
        raise FundingError(
            N_("More came under the name {file} meanwhile. Look at all of it, then approve."), file=seen.name
        )
    for number in waiting.numbers:
        entries.approve(session, actor, scope, number, now, zone, reason)
    return len(waiting.numbers)


def marked(data: bytes, name: str, sheets: Sequence[Sheet], problems: Sequence[Problem]) -> bytes:
    """The file ``data`` as a workbook in which each wrong cell is marked, and says what is wrong with it."""
    from camera_registry.imports.marking import marked_copy  # opens openpyxl: half a second

    return marked_copy(data, name, sheets, problems, MAPPING)


# --- rows -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Line:
    """One row of a sheet, read. ``sound``: no cell of it is wrong."""

    sheet: str
    number: int
    columns: Mapping[str, int]
    said: Mapping[str, Any]
    sound: bool

    def problem(self, name: str, fault: Fault, **said: object) -> Problem:
        return Problem(self.sheet, self.number, column_letter(self.columns.get(name, 0)), fault, said)


@dataclass(frozen=True, slots=True)
class _Reading:
    lines: list[_Line]
    problems: list[Problem]
    without_table: list[str]


def _read(sheets: Sequence[Sheet], today: date) -> _Reading:
    read = _Reading([], [], [])
    for sheet in sheets:
        try:
            header = find_header(sheet, MAPPING)
        except BadCell as bad:
            where = {name: bad.values.pop(name) for name in ("row", "column")}
            row, column = (int(str(each)) for each in where.values())
            read.problems.append(Problem(sheet.name, row + 1, column_letter(column), bad.fault, bad.values))
            continue
        if header is None or not header.columns.keys() & NEEDED.keys():
            if any(not values.blank(cell) for row in sheet.rows for cell in row):
                read.without_table.append(sheet.name)
        elif not header.columns.keys() >= NEEDED.keys():
            read.problems.append(Problem(sheet.name, header.row + 1, "A", Fault.LEDGER_COLUMN_MISSING))
        else:
            for index in range(header.row + 1, len(sheet.rows)):
                _read_row(sheet, index, header.columns, today, read)
    if not read.lines and not read.problems:
        read.problems.append(Problem(sheets[0].name if sheets else "", 1, "A", Fault.HEADER_MISSING))
    return read


def _read_row(sheet: Sheet, index: int, columns: Mapping[str, int], today: date, read: _Reading) -> None:
    cells = sheet.rows[index]
    said: dict[str, Any] = {}
    bad = set()
    for name, at in columns.items():
        if name not in READERS or at >= len(cells) or values.blank(cells[at]):
            continue
        try:
            said[name] = READERS[name](cells[at], today)
        except BadCell as refused:
            bad.add(name)
            problem = Problem(sheet.name, index + 1, column_letter(at), refused.fault, dict(refused.values))
            read.problems.append(problem)
    if not said and not bad:
        return
    # Rows after the first of an entry need their share alone: what is blank is as above.
    missing = [name for name in (("amount",) if "voucher" in said else NEEDED) if name not in {*said, *bad}]
    line = _Line(sheet.name, index + 1, columns, said, not bad and not missing)
    read.problems.extend(line.problem(name, NEEDED[name], **OF_NEEDED.get(name, {})) for name in missing)
    read.lines.append(line)


OF_NEEDED: Final = {"amount": {"unknown": UNKNOWN["vi"]}}


def _amount(cell: Cell, today: date) -> tuple[int | None]:
    """In a tuple, because ``None`` is an amount that nobody knows."""
    if isinstance(cell, bool):  # a ticked box is no đồng
        raise BadCell(Fault.AMOUNT_INVALID, text=str(cell).upper())
    found = values.text(cell, 100)
    if isinstance(cell, float) and not cell.is_integer():  # as text, 12.345 were twelve thousand
        raise BadCell(Fault.AMOUNT_INVALID, text=found)
    if fold(found) in (fold(words) for words in UNKNOWN.values()):
        return (None,)
    sign = -1 if found.startswith("-") else 1
    try:
        amount = amount_of(found.removeprefix("-"))
    except AmountError:
        raise BadCell(Fault.AMOUNT_INVALID, text=found) from None
    return (None if amount is None else sign * amount,)


READERS: Final[Mapping[str, Callable[[Cell, date], object]]] = {
    "number": lambda cell, today: values.whole(cell, 1, 2**62),
    "voucher": lambda cell, today: values.text(cell, 64),
    "dated": values.day,
    "budget_year": lambda cell, today: values.whole(cell, EARLIEST_YEAR, today.year + YEARS_AHEAD),
    "kind": lambda cell, today: values.choice(Kind, cell),
    "programme": lambda cell, today: values.text(cell, 64),
    "point": lambda cell, today: values.code(cell),
    "amount": _amount,
    "form": lambda cell, today: values.choice(Form, cell),
    "component": lambda cell, today: values.choice(Component, cell),
    "source": lambda cell, today: values.choice(Source, cell),
    "contributor": lambda cell, today: values.text(cell, contributors.LONGEST_NAME),
    "group": lambda cell, today: values.text(cell, contributors.LONGEST_NAME),
    "givers": lambda cell, today: values.whole(cell, 1, MOST_GIVERS),
    "payee": lambda cell, today: values.text(cell, LONGEST_PAYEE),
    "text": lambda cell, today: values.text(cell, LONGEST_TEXT),
}
OF_A_SHARE: Final = ("point", "amount")


# --- entries --------------------------------------------------------------------------------------------

Content = tuple[object, ...]  # all that an entry says, to compare


@dataclass(frozen=True, slots=True)
class _Draft:
    """An entry as the rows of a file tell it: ``said`` is of the entry, ``lines`` have the shares."""

    lines: Sequence[_Line]
    said: Mapping[str, Any]
    voucher: str  # as written, or made of what it says

    @property
    def first(self) -> _Line:
        return self.lines[0]

    @property
    def shares(self) -> list[tuple[str | None, int | None]]:
        return [(line.said.get("point"), line.said["amount"][0]) for line in self.lines]

    @property
    def giver(self) -> tuple[Source, str, str] | None:
        """Kind, name and group of the contributor; a level of the budget need not be named."""
        source = self.said.get("source")
        if source is None:
            return None
        return source, self.said.get("contributor") or _word(source, "vi"), self.said.get("group", "")

    def entered(self, file: str, contributor_id: int | None) -> Entered:
        said = self.said
        return Entered(
            kind=said["kind"],
            dated=said["dated"],
            shares=self.shares,
            budget_year=said.get("budget_year"),
            programme=said.get("programme"),
            contributor_id=contributor_id,
            givers=said.get("givers"),
            form=said.get("form", Form.MONEY),
            component=said.get("component"),
            payee=said.get("payee", ""),
            text=said.get("text", ""),
            brought_by=PART.join((kept_name(file), str(self.first.number), self.voucher)),
        )

    def content(self) -> Content:
        said = self.said
        giver = self.giver
        return (
            *(said["kind"], said["dated"], said.get("budget_year", said["dated"].year)),
            *(said.get("programme", ""), said.get("givers"), said.get("form", Form.MONEY)),
            *(said.get("component"), said.get("payee", ""), said.get("text", "")),
            giver and (giver[0], fold(giver[1]), fold(giver[2])),
            frozenset((point or "", amount) for point, amount in self.shares),
        )


def _drafts(lines: Sequence[_Line], problems: list[Problem]) -> Iterator[_Draft]:
    """The rows put together to entries; rows of one voucher that do not agree are problems."""
    together: dict[object, list[_Line]] = defaultdict(list)
    for line in lines:
        alone = (line.sheet, line.number)
        together[line.said.get("number") or line.said.get("voucher") or alone].append(line)
    seen: Counter[str] = Counter()
    for some in together.values():
        if not all(line.sound for line in some):
            continue  # told already; what else were said of it might be for that reason
        said: dict[str, Any] = {}
        sayers: dict[str, _Line] = {}
        had = len(problems)
        points: dict[str | None, _Line] = {}
        for line in some:
            for name, value in line.said.items():
                if name in OF_A_SHARE:
                    continue
                if said.setdefault(name, value) != value:
                    problems.append(line.problem(name, Fault.ENTRY_CONFLICT, row=sayers[name].number))
                sayers.setdefault(name, line)
            point = line.said.get("point")
            if point in points:
                problems.append(line.problem("point", Fault.POINT_TWICE, row=points[point].number))
            points.setdefault(point, line)
        for name in ("kind", "dated"):
            if name not in said:
                problems.append(some[0].problem(name, NEEDED[name]))
        if "contributor" in said and "source" not in said:
            problems.append(sayers["contributor"].problem("source", Fault.SOURCE_MISSING))
        if len(problems) > had:
            continue
        draft = _Draft(some, said, str(said.get("voucher", "")))
        yield draft if draft.voucher else _Draft(some, said, _made_voucher(draft, seen))


def _made_voucher(draft: _Draft, seen: Counter[str]) -> str:
    """A name for a row without a voucher, by which it is known again: what it says, and its how-manieth."""
    *said, shares = draft.content()
    assert isinstance(shares, frozenset)
    digest = blake2b(repr((said, sorted(shares, key=str))).encode(), digest_size=6).hexdigest()
    seen[digest] += 1
    return f"#{digest}-{seen[digest]}"


def _voucher_of(entry: EntryRow) -> str:
    """The voucher that an entry was brought with; ``""`` where none was written."""
    parts = entry.brought_by.split(PART, 2)
    return parts[2] if len(parts) == 3 and not parts[2].startswith("#") else ""


def kept_name(name: str) -> str:
    """The name of a file as it is kept with what the file brought."""
    return clean(name.replace(PART, " "))[:LONGEST_FILE_NAME].strip()


@dataclass(frozen=True, slots=True)
class _Ground:
    """What a file is read against: all in scope, read once."""

    reach: Reach
    points: Mapping[str, int]
    programmes: frozenset[str]
    contributors: dict[tuple[Source, str, str], dict[str, int]]  # by kind, name and group: by unit
    numbers: Mapping[int, Content]
    vouchers: Mapping[str, Sequence[tuple[str, int]]]  # the file that brought it, and its number
    units: Mapping[int, str]  # uid of each point's unit of today

    @classmethod
    def load(cls, session: Session, scope: Scope, day: date) -> "_Ground":
        reach = Reach.load(session, scope, day)
        groups = groups_of(session, scope, day)
        names = unit_names(session, day)
        givers: dict[tuple[Source, str, str], dict[str, int]] = defaultdict(dict)
        for row in session.scalars(select(Contributor).where(reach.contributor()).order_by(Contributor.id)):
            unit = names[row.unit_id][0] if row.unit_id is not None else ""
            key = Source(row.kind), fold(row.name), fold(row.residential_group)
            givers[key].setdefault(unit, row.id)
        numbers: dict[int, Content] = {}
        vouchers: dict[str, list[tuple[str, int]]] = defaultdict(list)
        for entry in reading.every(session, scope, day):
            numbers[entry.id] = _content(entry, groups)
            file, _, voucher = (*entry.brought_by.split(PART, 2), "", "")[:3]
            if voucher and entry.state is not State.REFUSED:  # what was refused may be brought anew
                vouchers[voucher].append((file, entry.id))
        points = session.execute(select(Point.code, Point.id).where(reach.point()))
        homes = queries.homes(session, day)
        return cls(
            reach,
            {row.code: row.id for row in points},
            frozenset(session.scalars(select(Programme.code).where(reach.programme()))),
            givers,
            numbers,
            vouchers,
            {point_id: names[unit_id][0] for point_id, (unit_id, _) in homes.items()},
        )


def _content(entry: EntryRow, groups: Mapping[int, str]) -> Content:
    giver = (
        (entry.source, fold(entry.contributor_name), fold(groups.get(entry.contributor or 0, "")))
        if entry.source is not None
        else None
    )
    return (
        *(entry.kind, entry.dated, entry.budget_year),
        *(entry.programme, entry.givers, entry.form),
        *(entry.component, entry.payee, entry.text),
        giver,
        frozenset((share.point, share.amount) for share in entry.shares),
    )


def _check(draft: _Draft, ground: _Ground, file: str, problems: list[Problem]) -> bool:
    """Whether the entry is in the ledger already; what is wrong with it goes to ``problems``."""
    number = draft.said.get("number")
    if number is not None:
        if number not in ground.numbers:
            problems.append(draft.first.problem("number", Fault.ENTRY_UNKNOWN, text=str(number)))
        elif ground.numbers[number] != draft.content():
            problems.append(draft.first.problem("number", Fault.ENTRY_OTHERWISE))
        return True
    named = ground.vouchers.get(draft.voucher, ())
    same = {other: it for other, it in named if ground.numbers[it] == draft.content()}
    own = kept_name(file)
    if own in same or (same and not draft.voucher.startswith("#")):
        return True
    if any(other == own for other, _ in named):
        problems.append(draft.first.problem("voucher", Fault.ENTRY_OTHERWISE))
        return True
    for other, it in same.items():  # a copy of that file, or by chance
        problems.append(draft.first.problem("voucher", Fault.ENTRY_ALREADY, number=it, file=other))
        return True
    for line in draft.lines:
        point = line.said.get("point")
        if point is not None and point not in ground.points:
            problems.append(line.problem("point", Fault.POINT_UNKNOWN, text=point))
    programme = draft.said.get("programme")
    if programme is not None and programme not in ground.programmes:
        problems.append(draft.first.problem("programme", Fault.PROGRAMME_UNKNOWN, text=programme))
    return False


def _contributor(
    session: Session,
    actor: Actor,
    scope: Scope,
    ground: _Ground,
    draft: _Draft,
    now: datetime,
    zone: tzinfo,
) -> tuple[int | None, bool]:
    """The number of who gave it, and whether he is new."""
    if draft.giver is None:
        return None, False
    source, name, group = draft.giver
    unit = _unit_of(draft, ground, source)
    known = ground.contributors[source, fold(name), fold(group)]
    if source.of_the_state and known:
        return known.get(unit) or next(iter(known.values())), False
    if unit not in known:
        filled = contributors.Filled(source, name, unit=unit, residential_group=group)
        known[unit] = contributors.save(session, actor, scope, filled, now, zone)
        return known[unit], True
    return known[unit], False


def _unit_of(draft: _Draft, ground: _Ground, source: Source) -> str:
    """The uid of the unit that the first point of an entry belongs to; of the levels above it, none."""
    if source in (Source.CENTRAL, Source.PROVINCE, Source.CITY):
        return ""
    points = [ground.points[code] for code, _ in draft.shares if code is not None]
    return ground.units.get(points[0], "") if points else ""


assert set(READERS) == {column.field for column in COLUMNS}
