"""The ledger as a file: in and out again, twice, and wrong files that change nothing and mark each cell."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from io import BytesIO
from threading import Barrier, BrokenBarrierError
from typing import TypeVar

import pytest
from openpyxl import load_workbook
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.funding import contributors, entries, files, programmes, reading
from camera_registry.funding.checks import FundingError
from camera_registry.funding.files import Imported, approve_file, import_ledger
from camera_registry.funding.kinds import Form, Kind, Source, State
from camera_registry.i18n import Language
from camera_registry.imports.faults import Fault, column_letter
from camera_registry.imports.workbook import Cell, Sheet, open_workbook
from camera_registry.repairs.deeds import LONGEST_TEXT, text_of
from camera_registry.settings import load
from camera_registry.units import Scope
from tests.camera_registry.registries import add_eyes
from tests.databases import Cluster, sqlite_in

NOW = datetime(2026, 9, 2, 3, tzinfo=UTC)
TODAY = date(2026, 9, 2)
Done = TypeVar("Done")
ZONE = load().zone
CLERK, CHIEF = Actor("ke.toan", "cli"), Actor("truong", "cli")
ALL = Scope.everything()
FILE = "so-kinh-phi.xlsx"
HEADER: list[Cell] = [
    *("Mã chứng từ", "Ngày", "Loại khoản", "Mã chương trình", "Mã điểm lắp đặt", "Số tiền", "Hình thức"),
    *("Hạng mục", "Nguồn", "Bên đóng góp", "Tổ dân phố", "Số hộ", "Nội dung"),
]
SHARED: list[list[Cell]] = [  # one contribution, split over two points; an expense; what nobody knows
    [
        "PT-1",
        "15/09/2023",
        "Khoản thu",
        "CT",
        "P1",
        "2.000.000",
        "",
        "",
        "Doanh nghiệp",
        "Công ty A",
        "",
        "",
        "",
    ],
    ["PT-1", "", "", "", "P2", 500_000.0, "", "", "", "", "", "", ""],
    ["PC-1", date(2023, 10, 1), "Chi", "CT", "P1", "1.500.000 đ", "", "Camera", "", "", "", "", "=2+2"],
    [
        "",
        "01/05/2022",
        "Thu",
        "",
        "P2",
        "Chưa có số liệu",
        "Ngày công",
        "",
        "Hộ gia đình",
        "",
        "TDP 4",
        12,
        "",
    ],
]


@pytest.fixture
def ledger(session: Session) -> Session:
    """Two points and one programme."""
    return begun(session)


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The same, for those who leave nothing behind."""
    database = Database(sqlite_in(tmp_path_factory.mktemp("ledger")))
    with database.transaction() as session:
        yield begun(session)
    database.close()


def begun(session: Session) -> Session:
    add_eyes(session, 2)
    programmes.save(session, CLERK, ALL, programmes.Filled("CT", "Camera an ninh"), NOW, ZONE)
    return session


def bring(session: Session, rows: Sequence[list[Cell]], name: str = FILE, scope: Scope = ALL) -> Imported:
    return import_ledger(session, CLERK, scope, [Sheet("Sổ", [HEADER, *rows])], name, NOW, ZONE)


def many(session: Session, table: type[models.Base] = models.MoneyEntry) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_rows_of_one_voucher_are_one_entry_that_waits(ledger: Session) -> None:
    done = bring(ledger, SHARED)
    assert (len(done.entered), done.unchanged, done.contributors, done.problems) == (3, 0, 2, ())
    told = {entry.id: entry for entry in reading.every(ledger, ALL, TODAY)}
    shared, spent, unknown = (told[number] for number in done.entered)
    assert [(share.point, share.amount) for share in shared.shares] == [("P1", 2_000_000), ("P2", 500_000)]
    assert (shared.kind, shared.source, shared.state) == (Kind.CONTRIBUTION, Source.BUSINESS, State.WAITING)
    assert (spent.programme, spent.text) == ("CT", "=2+2")
    assert (unknown.amount.unknown, unknown.form, unknown.givers) == (1, Form.LABOUR, 12)
    assert unknown.contributor_name == "Hộ gia đình"
    assert shared.brought_by == f"{FILE} · 2 · PT-1"


def test_the_same_file_again_changes_nothing(ledger: Session) -> None:
    bring(ledger, SHARED)
    again = bring(ledger, SHARED)
    assert (again.entered, again.unchanged, again.contributors) == ((), 3, 0)
    twice = bring(ledger, [SHARED[3], SHARED[3]])
    assert (len(twice.entered), twice.unchanged) == (1, 1)  # the same words in two rows are two gifts
    assert many(ledger) == 4


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_what_goes_out_comes_back_as_the_same(ledger: Session, language: Language, kind: str) -> None:
    done = bring(ledger, SHARED)
    entries.approve(ledger, CHIEF, ALL, done.entered[0], NOW, ZONE)
    back = entries.reverse(ledger, CLERK, ALL, done.entered[0], NOW, ZONE, reason="Nhập nhầm")
    told = reading.every(ledger, ALL, TODAY)
    write = files.workbook if kind == "xlsx" else files.text
    written = write(told, files.groups_of(ledger, ALL, TODAY), language)
    sheets = open_workbook(written, f"export.{kind}")
    assert back in {entry.id for entry in told}
    read = import_ledger(ledger, CLERK, ALL, sheets, f"export.{kind}", NOW, ZONE)
    assert (read.entered, read.unchanged, read.problems) == ((), 4, ())


def test_what_is_sent_twice_at_once_is_entered_once(postgres: Cluster) -> None:
    filled = contributors.Filled(Source.BUSINESS, "Công ty B")
    with postgres.database() as url:
        database = Database(url)
        with database.transaction() as session:
            begun(session)
        files_of = at_once(database, lambda session: bring(session, SHARED))
        assert sorted((len(done.entered), done.unchanged, done.contributors) for done in files_of) == [
            (0, 3, 0),
            (3, 0, 2),
        ]
        with pytest.raises(FundingError, match="entered already"):
            at_once(database, lambda session: contributors.save(session, CLERK, ALL, filled, NOW, ZONE))
        with database.reading() as session:
            assert (many(session), many(session, models.Contributor)) == (3, 3)
        database.close()


def test_no_cell_of_a_file_runs_as_a_formula(ledger: Session) -> None:
    bring(ledger, SHARED)
    told, groups = reading.every(ledger, ALL, TODAY), files.groups_of(ledger, ALL, TODAY)
    assert "'=2+2" in files.text(told, groups, "vi").decode()
    book = load_workbook(BytesIO(files.workbook(told, groups, "vi")))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert {cell.value for cell in cells} >= {"=2+2", 2_000_000, 500_000, "chưa có số liệu"}


def test_the_ledger_as_a_workbook_can_be_filtered_and_printed(ledger: Session) -> None:
    bring(ledger, SHARED)
    told, groups = reading.every(ledger, ALL, TODAY), files.groups_of(ledger, ALL, TODAY)
    sheet = load_workbook(BytesIO(files.workbook(told, groups, "vi"))).worksheets[0]

    letters = {cell.value: column_letter(place) for place, cell in enumerate(sheet[1])}
    amount, year = letters["Số tiền (đồng) *"], letters["Năm ngân sách"]
    formats = {cell.number_format for cell in sheet[amount][1:] if isinstance(cell.value, int)}
    assert formats == {"#,##0"}
    assert {cell.number_format for cell in sheet[year][1:]} == {"General"}
    assert sheet.column_dimensions[amount].width > len("2.000.000")
    assert sheet.auto_filter.ref == f"A1:{column_letter(sheet.max_column - 1)}{sheet.max_row}"
    assert (sheet.freeze_panes, sheet.print_title_rows) == ("C2", "$1:$1")
    for page in (sheet, *load_workbook(BytesIO(files.template("vi")))):
        assert (page.page_setup.orientation, page.page_setup.fitToHeight) == ("landscape", 0)


def test_the_same_rows_without_voucher_by_another_file_are_asked_about(ledger: Session) -> None:
    row = SHARED[3]
    (number,) = bring(ledger, [row]).entered
    refused = bring(ledger, [row, row], name="so (1).xlsx")
    assert said(refused) == {(2, "A", Fault.ENTRY_ALREADY)}
    assert refused.problems[0].values == {"number": number, "file": FILE}
    again = bring(ledger, [["PT-9", *row[1:]]], name="so (1).xlsx")
    assert len(again.entered) == 1, "with a voucher it is another"
    assert len(bring(ledger, [row, row]).entered) == 1, "a row more of the same file is a second one"


def test_what_was_refused_is_known_by_its_number(ledger: Session) -> None:
    numbers = bring(ledger, SHARED[:3]).entered
    entries.refuse(ledger, CHIEF, ALL, numbers[0], NOW, ZONE, reason="nhầm điểm")
    written = files.text(reading.every(ledger, ALL, TODAY), files.groups_of(ledger, ALL, TODAY), "vi")
    sheets = open_workbook(written, "export.csv")
    read = import_ledger(ledger, CLERK, ALL, sheets, "export.csv", NOW, ZONE)
    assert (read.entered, read.unchanged, read.problems) == ((), 2, ())


def test_control_characters_are_kept_nowhere(ledger: Session) -> None:
    row = [*SHARED[2]]
    row[12] = "Mua\x01 camera\x0b\x9f"
    bring(ledger, [row])
    told = reading.every(ledger, ALL, TODAY)
    assert [entry.text for entry in told] == ["Mua camera"]
    sheets = open_workbook(files.workbook(told, {}, "vi"), "export.xlsx")
    assert import_ledger(ledger, CLERK, ALL, sheets, "export.xlsx", NOW, ZONE).unchanged == 1
    assert text_of("Mắt 1\x00\nMắt 2\x1b", LONGEST_TEXT) == "Mắt 1\nMắt 2"


def test_what_a_file_says_otherwise_of_an_entry_is_refused(ledger: Session) -> None:
    bring(ledger, SHARED)
    other = [*SHARED[0]]
    other[5] = "2.000.001"
    refused = bring(ledger, [other, SHARED[1]])
    assert said(refused) == {(2, "A", Fault.ENTRY_OTHERWISE)}
    assert (
        bring(ledger, [other, SHARED[1]], name="khac.xlsx").problems == ()
    )  # another's voucher of that number


WRONG = [
    pytest.param(2, "x", {(2, "B", Fault.DATE_INVALID)}, 1, id="no day"),
    pytest.param(2, "", {(2, "B", Fault.DAY_MISSING)}, 1, id="day missing"),
    pytest.param(2, "03/09/2026", {(2, "B", Fault.DATE_OUT_OF_RANGE)}, 1, id="a day to come"),
    pytest.param(2, "Quà", {(2, "C", Fault.CHOICE_INVALID)}, 2, id="no kind"),
    pytest.param(2, "X", {(2, "D", Fault.PROGRAMME_UNKNOWN)}, 3, id="no programme"),
    pytest.param(2, "P9", {(2, "E", Fault.POINT_UNKNOWN)}, 4, id="no point"),
    pytest.param(3, "P1", {(3, "E", Fault.POINT_TWICE)}, 4, id="a point twice"),
    pytest.param(2, "2,5 triệu", {(2, "F", Fault.AMOUNT_INVALID)}, 5, id="no amount"),
    pytest.param(2, 12.5, {(2, "F", Fault.AMOUNT_INVALID)}, 5, id="less than one đồng"),
    pytest.param(2, 12.345, {(2, "F", Fault.AMOUNT_INVALID)}, 5, id="a fraction that looks like thousands"),
    pytest.param(2, True, {(2, "F", Fault.AMOUNT_INVALID)}, 5, id="a ticked box for an amount"),
    pytest.param(4, False, {(4, "F", Fault.AMOUNT_INVALID)}, 5, id="an unticked box for an amount"),
    pytest.param(5, True, {(5, "L", Fault.NUMBER_INVALID)}, 11, id="a ticked box for a number"),
    pytest.param(2, "", {(2, "F", Fault.AMOUNT_MISSING)}, 5, id="amount missing"),
    pytest.param(2, "-5.000", {(2, "C", Fault.NOT_ACCEPTED)}, 5, id="negative"),
    pytest.param(4, "Hiện vật", {(4, "C", Fault.NOT_ACCEPTED)}, 6, id="things spent"),
    pytest.param(4, "", {(4, "C", Fault.NOT_ACCEPTED)}, 7, id="spent on what"),
    pytest.param(2, "", {(2, "I", Fault.SOURCE_MISSING)}, 8, id="what the contributor is"),
    pytest.param(3, "Công ty B", {(3, "J", Fault.ENTRY_CONFLICT)}, 9, id="rows that differ"),
    pytest.param(5, "ba", {(5, "L", Fault.NUMBER_INVALID)}, 11, id="no number"),
]


@pytest.mark.parametrize(("row", "cell", "faults", "column"), WRONG)
def test_a_wrong_file_changes_nothing_and_each_cell_is_marked(
    empty: Session, row: int, cell: Cell, faults: set[tuple[int, str, Fault]], column: int
) -> None:
    rows = [[*line] for line in SHARED]
    rows[row - 2][column] = cell
    refused = bring(empty, rows)
    assert said(refused) == faults
    assert (many(empty), many(empty, models.MoneyShare), many(empty, models.Contributor)) == (0, 0, 0)
    sheet = Sheet("Sổ", [HEADER, *rows])
    book = load_workbook(BytesIO(files.marked(b"", "so.csv", [sheet], refused.problems)))
    for number, letter, fault in faults:
        comment = book["Sổ"][f"{letter}{number}"].comment
        assert comment is not None
        assert str(fault) in comment.text


def test_all_that_is_wrong_is_told_at_once(empty: Session) -> None:
    rows = [[*line] for line in SHARED]
    rows[0][5], rows[2][2], rows[3][4] = "?", "?", "P9"
    assert said(bring(empty, rows)) == {
        (2, "F", Fault.AMOUNT_INVALID),
        (4, "C", Fault.CHOICE_INVALID),
        (5, "E", Fault.POINT_UNKNOWN),
    }


def test_a_file_without_a_ledger_is_refused(empty: Session) -> None:
    for rows, fault in (
        ([["Xin chào"]], Fault.HEADER_MISSING),
        ([["Ngày", "Số tiền"]], Fault.LEDGER_COLUMN_MISSING),
    ):
        done = import_ledger(empty, CLERK, ALL, [Sheet("Sổ", [[*row] for row in rows])], FILE, NOW, ZONE)
        assert [problem.code for problem in done.problems] == [fault]


def test_the_template_is_read_again_as_an_empty_file(empty: Session) -> None:
    for language in ("vi", "en"):
        sheets = open_workbook(files.template(language), "template.xlsx")
        done = import_ledger(empty, CLERK, ALL, sheets[:1], "template.xlsx", NOW, ZONE)
        assert [problem.code for problem in done.problems] == [Fault.HEADER_MISSING]  # no row is filled in


def test_a_second_person_approves_all_that_a_file_brought(ledger: Session) -> None:
    bring(ledger, SHARED)
    bring(ledger, [SHARED[2]], name="so-kinh-phi.xlsx.cu.csv")
    seen = next(batch for batch in files.batches(ledger, ALL, TODAY) if batch.name == FILE)
    assert (seen.made_by, len(seen.numbers)) == (CLERK.name, 3)
    with pytest.raises(FundingError, match="Somebody else"):
        approve_file(ledger, CLERK, ALL, seen, NOW, ZONE)
    assert approve_file(ledger, CHIEF, ALL, seen, NOW, ZONE) == 3
    with pytest.raises(FundingError, match="Nothing that"):
        approve_file(ledger, CHIEF, ALL, seen, NOW, ZONE)


def test_nothing_is_approved_that_came_after_the_look(ledger: Session) -> None:
    row = ["", *SHARED[2][1:]]
    bring(ledger, [row])
    (seen,) = files.batches(ledger, ALL, TODAY)
    other = [["", *SHARED[3][1:]]]
    sheets = [Sheet("Sổ", [HEADER, *other])]
    import_ledger(ledger, Actor("nguoi.khac", "cli"), ALL, sheets, FILE, NOW, ZONE)
    assert approve_file(ledger, CHIEF, ALL, seen, NOW, ZONE) == 1, "what another brought waits still"
    bring(ledger, [SHARED[2]])
    (_, again) = sorted(files.batches(ledger, ALL, TODAY), key=lambda batch: batch.last)
    bring(ledger, [row, row])
    with pytest.raises(FundingError, match="More came"):
        approve_file(ledger, CHIEF, ALL, again, NOW, ZONE)
    assert reading.waiting_count(ledger, ALL, TODAY) == 3


def test_who_sees_one_ward_brings_in_only_what_is_there(ledger: Session) -> None:
    other = models.Unit(uid="u-2", code="04273", name="Phường Nam Cường", kind="phuong")
    ledger.add(other)
    ledger.flush()
    contributors.save(
        *(ledger, CLERK, ALL, contributors.Filled(Source.BUSINESS, "Công ty A", unit="u-2"), NOW, ZONE)
    )
    scope = Scope(frozenset({other.id}))
    refused = bring(ledger, [[*SHARED[2][:3], "", *SHARED[2][4:]]], scope=scope)
    assert said(refused) == {(2, "E", Fault.POINT_UNKNOWN)}
    own = Scope(frozenset({ledger.scalars(select(models.PointUnit.unit_id)).first() or 0}))
    rows = [[*row[:3], "", *row[4:]] for row in SHARED[:2]]
    done = bring(ledger, rows, scope=own)  # of a business of the same name in another ward it knows nothing
    assert (len(done.entered), done.contributors, done.problems) == (1, 1, ())
    (giver,) = reading.contributors(ledger, own, TODAY)
    assert (giver.name, giver.unit_uid) == ("Công ty A", "u-1")


def said(done: Imported) -> set[tuple[int, str, Fault]]:
    assert done.problems
    assert not done.entered
    return {(problem.row, problem.column, problem.code) for problem in done.problems}


def at_once(database: Database, deed: Callable[[Session], Done]) -> list[Done]:
    """What ``deed`` does in two transactions: neither ends before the other is done, unless it must wait."""
    both = Barrier(2)

    def do(_: int) -> Done:
        with database.transaction() as session:
            done = deed(session)
            with suppress(BrokenBarrierError):
                both.wait(0.3)
            return done

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(do, range(2)))
