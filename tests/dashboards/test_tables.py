"""Tables: sorted by an address, taken home as files that spreadsheets open and nobody is harmed by."""

from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from python_calamine import CalamineWorkbook

from camera_registry.i18n import Language
from camera_registry.worksheets import LINE_PT
from dashboards.leafing import Leaf, Wanted, chosen, leaf
from dashboards.rendering import Reader
from dashboards.tables import Column, FileKind, file, ordered

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Ward:
    name: str
    eyes: int
    rate: float | None = None
    since: datetime | None = None


COLUMNS: tuple[Column[Ward], ...] = (
    Column("name", "Unit", lambda ward: ward.name),
    Column("eyes", "Eyes", lambda ward: ward.eyes),
    Column("rate", "Availability", lambda ward: ward.rate, percent=True),
    Column("since", "Since", lambda ward: ward.since),
)
AU_LAU, DONG, YEN_BAI = Ward("Âu Lâu", 9, 0.995, NOW), Ward("Đông", 10), Ward("Yên Bái", 9, 0.5)
WARDS = (YEN_BAI, DONG, AU_LAU)


def reader(language: Language) -> Reader:
    return Reader(language, ZoneInfo("Asia/Ho_Chi_Minh"), NOW)


@pytest.mark.parametrize(
    ("sort", "wards"),
    [
        pytest.param("name", (AU_LAU, DONG, YEN_BAI), id="as a Vietnamese dictionary"),
        pytest.param("-name", (YEN_BAI, DONG, AU_LAU), id="backwards"),
        pytest.param("eyes", (YEN_BAI, AU_LAU, DONG), id="equal rows keep their order"),
        pytest.param("rate", (YEN_BAI, AU_LAU, DONG), id="nothing comes last"),
        pytest.param("-rate", (AU_LAU, YEN_BAI, DONG), id="nothing comes last backwards, too"),
        pytest.param("nonsense", WARDS, id="no such column"),
    ],
)
def test_rows_are_sorted(sort: str, wards: tuple[Ward, ...]) -> None:
    assert ordered(WARDS, COLUMNS, sort) == list(wards)


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "vi",
            ["Đơn vị;Mắt camera;Tỷ lệ hoạt động;Từ lúc", "Âu Lâu;9;99,5;22/11/2026 10:00:00", "Đông;10;;"],
        ),
        ("en", ["Unit,Eyes,Availability,Since", "Âu Lâu,9,99.5,2026-11-22 10:00:00", "Đông,10,,"]),
    ],
)
def test_a_csv_is_as_spreadsheets_here_expect_it(language: Language, lines: list[str]) -> None:
    answer = file(FileKind.CSV, "units", COLUMNS, (AU_LAU, DONG), reader(language))

    assert bytes(answer.body).decode("utf-8-sig").splitlines() == lines
    assert bytes(answer.body).startswith(b"\xef\xbb\xbf")
    assert answer.headers["content-disposition"] == 'attachment; filename="units-2026-11-22.csv"'


def test_a_workbook_has_numbers_and_moments_and_can_be_read_as_it_opens() -> None:
    long = Ward("một tên rất dài " * 20, 9)
    answer = file(FileKind.XLSX, "units", COLUMNS, (AU_LAU, long), reader("vi"))
    sheet = load_workbook(BytesIO(bytes(answer.body))).active
    assert isinstance(sheet, Worksheet)

    cells = sheet[2]
    assert [cell.value for cell in cells] == ["Âu Lâu", 9, 0.995, datetime(2026, 11, 22, 10, 0)]  # noqa: DTZ001 – as in it
    assert [cell.number_format for cell in cells[2:]] == ["0.00%", "dd/mm/yyyy hh:mm:ss"]
    assert (sheet.freeze_panes, sheet.print_title_rows, sheet.auto_filter.ref) == ("A2", "$1:$1", "A1:D3")
    widths = [sheet.column_dimensions[letter].width for letter in "ABCD"]
    assert [round(width) for width in widths] == [61, 10, 9, 23]
    assert sheet["A3"].alignment.wrap_text
    assert (sheet.row_dimensions[1].height, sheet.row_dimensions[2].height) == (3 * LINE_PT, LINE_PT)
    assert (sheet.row_dimensions[3].height or 0) >= 5 * LINE_PT


@pytest.mark.parametrize("text", ["=1+1", "+84", "-2", "@SUM(A1)", "\t=1", "\r=1"])
def test_nothing_is_run_as_a_formula(text: str) -> None:
    rows = (Ward(text, 1),)

    csv = bytes(file(FileKind.CSV, "units", COLUMNS, rows, reader("en")).body).decode("utf-8-sig")
    book = bytes(file(FileKind.XLSX, "units", COLUMNS, rows, reader("en")).body)

    assert f"'{text}" in csv
    cell = CalamineWorkbook.from_filelike(BytesIO(book)).get_sheet_by_index(0).to_python()[1][0]
    assert isinstance(cell, str)
    assert cell.strip() == text.strip()


def leaf_of(wards: list[Ward], wanted: Wanted) -> Leaf[Ward]:
    return leaf(chosen(wards, COLUMNS, wanted), lambda ward: ward.name, wanted, size=3)


def beside(address: str) -> Wanted:
    said = dict(parse_qsl(address.removeprefix("?")))
    assert {"q", "sort"} >= said.keys() - {"before", "after"}
    return Wanted(said["q"], said.get("sort", ""), said.get("before", ""), said.get("after", ""))


@pytest.mark.parametrize("sort", ["", "name", "-eyes"])
def test_a_long_list_is_leafed_through_to_its_end_and_back(sort: str) -> None:
    wards = [Ward(f"Phường {n}", n % 3) for n in range(8)]
    leaves = [leaf_of(wards, Wanted(q="phuong", sort=sort))]
    while leaves[-1].after:
        leaves.append(leaf_of(wards, beside(leaves[-1].after)))
    assert [(each.first, len(each.rows)) for each in leaves] == [(1, 3), (4, 3), (7, 2)]
    assert [ward for each in leaves for ward in each.rows] == ordered(wards, COLUMNS, sort)
    assert leaf_of(wards, beside(leaves[-1].before)) == leaves[1]
    assert leaf_of(wards, beside(leaves[1].before)) == leaves[0]


@pytest.mark.parametrize(
    ("gone", "added", "shown"),
    [
        pytest.param([], ["A"], ["D", "E", "F"], id="one more before it"),
        pytest.param(["A", "B"], [], ["D", "E", "F"], id="some before it have gone"),
        pytest.param(["C"], [], ["D", "E", "F"], id="the row itself has gone"),
        pytest.param(["D", "E", "F", "G"], [], ["A", "B", "C"], id="all behind it have gone"),
    ],
)
def test_rows_that_come_and_go_move_no_page(gone: list[str], added: list[str], shown: list[str]) -> None:
    names = [name for name in "ABCDEFG" if name not in gone]
    rows = [Ward(f"{name}0", 1) for name in added] + [Ward(name, 1) for name in names]
    assert [ward.name for ward in leaf_of(rows, Wanted(after="2|C")).rows] == shown


@pytest.mark.parametrize("key", ["x", "|", "9999999999999|X", "-1|X", "99|X", "٣|X"])
def test_an_address_that_somebody_typed_shows_something(key: str) -> None:
    rows = [Ward(name, 1) for name in "ABCDEFG"]
    assert leaf_of(rows, Wanted(after=key)).rows
    assert leaf_of(rows, Wanted(before=key)).rows
