"""Inventories as wards keep them go in; a wrong cell stops the whole file and is named."""

import csv
import re
import time
import traceback
import unicodedata
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from sqlalchemy import select

from camera_registry import settings
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.i18n import LANGUAGES, catalogue
from camera_registry.imports import values
from camera_registry.imports.columns import COLUMNS, NAMED, UnknownField
from camera_registry.imports.faults import MESSAGES, BadCell, Fault, Problem, column_letter
from camera_registry.imports.load import Outcome, load_inventory
from camera_registry.imports.marking import marked_copy
from camera_registry.imports.plan import Options, brand_path
from camera_registry.imports.rows import READERS
from camera_registry.imports.workbook import Sheet, UnreadableFile, read_workbook
from camera_registry.inventory import (
    Funding,
    StreamChoice,
    add_site,
    eye_by_code,
    load_targets,
    withdraw_access,
)
from camera_registry.models import Base, Credential, Device, Eye, Point, PointUnit, Unit
from camera_registry.spelling import TONES, fold
from camera_registry.units import load_data_set
from tests.data.imports.make_workbooks import household_list, technician, ward_sheets
from tests.databases import sqlite_in

NOW = datetime(2026, 11, 1, 5, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
TODAY = date(2026, 11, 1)


class Registry:
    """A registry with the city's units in it, and a way to import into it."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.store = CredentialStore(settings.load(data_dir=folder / "keys"))
        with database.transaction() as session:
            load_data_set(session, "yen-bai")
            self.store.prepare(session)

    def load(self, path: Path, mapping: dict[str, str] | None = None, **options: Any) -> Outcome:
        sheets = read_workbook(path)
        how = Options(**{"units_on": TODAY, "zone": ZONE, **options})
        with self.database.transaction() as session:
            return load_inventory(session, self.store, sheets, how, NOW, mapping=mapping)

    def rows(self, rows: list[list[Any]], **options: Any) -> Outcome:
        return self.load(workbook(self.folder / "rows.xlsx", {"Sheet": rows}), **options)

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.database.reading() as session:
            return {
                table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
                for table in Base.metadata.sorted_tables
            }

    def all(self, model: type[Any]) -> list[Any]:
        with self.database.reading() as session:
            found = list(session.scalars(select(model).order_by(model.id)))
            session.expunge_all()
            return found


@pytest.fixture
def registry(database: Database, tmp_path: Path) -> Registry:
    return Registry(database, tmp_path)


def workbook(path: Path, sheets: dict[str, list[list[Any]]]) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        page = book.create_sheet(name)
        for row in rows:
            page.append(row)
    book.save(path)
    return path


def said(outcome: Outcome) -> set[tuple[str, int, str, str]]:
    return {(p.sheet, p.row, p.column, p.code.value) for p in outcome.problems}


def marked_book(path: Path, outcome: Outcome) -> Workbook:
    sheets = read_workbook(path)
    marked = marked_copy(path.read_bytes(), path.name, sheets, outcome.problems, outcome.mapping)
    return load_workbook(BytesIO(marked))


# --- wrong inventories ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        pytest.param(ward_sheets, "xlsx", id="one sheet per ward"),
        pytest.param(technician, "xlsx", id="a technician's list"),
        pytest.param(household_list, "csv", id="households, CSV"),
    ],
)
def test_a_wrong_inventory_changes_nothing_and_names_each_error(
    registry: Registry, make: Callable[[Path], set[tuple[str, int, str, str]]], suffix: str
) -> None:
    path = registry.folder / f"wrong.{suffix}"
    expected = make(path)
    registry.rows([["Tên điểm", "Phường"], ["Có sẵn", "Yên Bái"]])
    before = registry.dump()
    outcome = registry.load(path)
    assert said(outcome) == expected
    assert registry.dump() == before
    for problem in outcome.problems:
        for language in LANGUAGES:
            text = problem.text(language)
            assert text
            assert "S3" not in text
            assert "{" not in text.replace("{c}", "")
        assert "S3" not in repr(problem)
    book = marked_book(path, outcome)
    for sheet, row, column, fault in expected:
        cell = (book[sheet] if sheet else book.worksheets[0])[f"{column}{row}"]
        assert cell.comment is not None
        assert fault in cell.comment.text
        assert cell.fill.start_color.rgb == "00FFC7CE"


@pytest.mark.parametrize("suffix", ["xlsx", "csv"])
def test_the_marked_copy_holds_no_password(registry: Registry, suffix: str) -> None:
    rows = [["Tên điểm", "Mật khẩu (camera)", "Khóa"], ["", "canary-1", "canary-2"], ["B", "canary-1", ""]]
    path = registry.folder / f"secret.{suffix}"
    if suffix == "csv":
        path.write_text("\n".join(";".join(row) for row in rows), encoding="utf-8")
    else:
        workbook(path, {"S": rows})
    outcome = registry.load(path, mapping={"Khóa": "password"})
    page = marked_book(path, outcome).worksheets[0]
    kept = [[cell or "" for cell in row] for row in page.iter_rows(values_only=True)]
    assert kept == [rows[0], ["", "", ""], ["B", "", ""]]


def test_every_fault_is_said_in_vietnamese() -> None:
    assert MESSAGES.keys() == set(Fault)
    assert [text for text in MESSAGES.values() if catalogue("vi").gettext(text) == text] == []


def test_the_three_workbooks_hold_some_thirty_faults(tmp_path: Path) -> None:
    found = {f for make in (ward_sheets, technician, household_list) for *_, f in make(tmp_path / "x")}
    assert len(found) >= 30


# --- inventories as they are ------------------------------------------------------------------------


def test_a_ward_list_with_titles_sections_totals_and_signatures(registry: Registry) -> None:
    outcome = registry.rows(
        [
            ["CÔNG AN TỈNH LÀO CAI"],
            ["Danh sách camera an ninh, tính đến ngày 01/11/2026"],
            [],
            ["TT", "Vị trí lắp đặt", "Số lượng mắt", "Nguồn kinh phí", "Ghi chú"],
            [1, 2, 3, 4, 5],
            ["I", "Phường Yên Bái"],
            [1, "Cổng chợ Km 4", 4, "Xã hội hoá", None],
            [2, "Ngã tư Cao Lanh", None, "xã hội hóa", "số lượng mắt: 3"],
            ["II", "Phường Nam Cường"],
            [1, "Cổng chợ Km 4", "2 mắt", "NSNN", None],
            ["Tổng cộng", None, 9],
            [],
            [None, "Người lập biểu", None, "Trưởng Công an phường"],
            [None, "Ai đó", None, "Ai khác"],
        ]
    )
    assert outcome.problems == ()
    points = registry.all(Point)
    assert [(p.code, p.name, p.funding) for p in points] == [
        ("YB-0001", "Cổng chợ Km 4", Funding.SOCIALISED),
        ("YB-0002", "Ngã tư Cao Lanh", Funding.SOCIALISED),
        ("YB-0003", "Cổng chợ Km 4", Funding.STATE),
    ]
    eyes = registry.all(Eye)
    assert [eye.code for eye in eyes][:5] == [f"YB-0001-0{n}" for n in range(1, 5)] + ["YB-0002-01"]
    assert len(eyes) == 9
    assert {eye.reach for eye in eyes} == {"reported"}
    assert all(eye.started_at is None for eye in eyes), "importing probes nothing"
    with registry.database.reading() as session:
        units = session.execute(
            select(Unit.uid).join(PointUnit, PointUnit.unit_id == Unit.id).order_by(PointUnit.point_id)
        ).scalars()
        assert list(units) == ["04252-2", "04252-2", "04273-3"]


def test_importing_again_changes_nothing(registry: Registry) -> None:
    rows: list[list[Any]] = [
        [
            "Tên điểm",
            "Phường",
            "Số mắt",
            "IP",
            "Hãng",
            "Tài khoản",
            "Mật khẩu",
            "Ngày lắp đặt",
            "Ghi chú",
            "CH",
        ],
        ["Cổng chợ", "Yên Bái", 4, "10.0.0.1", "Hikvision", "admin", "x", "05/2023", "a"],
        ["Cổng chợ", "Yên Bái", 2, None, None, None, None, None, "b"],
        ["Ngã tư", "Yên Bái", 2, "10.0.0.1", "Hikvision", None, None, None, None, 5],
        ["Hộ bà", "Âu Lâu", None, None, None, None, None, None, None],
    ]
    first = registry.rows(rows)
    assert first.problems == ()
    assert (first.written.points.new, first.written.devices.new, first.written.eyes.new) == (3, 5, 9)
    before = registry.dump()
    again = registry.rows(rows)
    assert again.problems == ()
    assert (again.written.points.same, again.written.devices.same, again.written.eyes.same) == (3, 5, 9)
    assert registry.dump() == before


@pytest.mark.parametrize("says", [pytest.param(None, id="left blank"), pytest.param("Có", id="as exported")])
def test_the_password_goes_in_clear_to_no_new_address(registry: Registry, says: str | None) -> None:
    rows: list[list[Any]] = [
        ["Tên điểm", "Phường", "Mã thiết bị", "IP", "Hãng", "Cho phép Basic"],
        ["Cổng chợ", "Yên Bái", "D1", "10.0.0.1", "Hikvision", "Có"],
    ]
    assert registry.rows(rows).moved == ()
    rows[1][3], rows[1][5] = "10.0.0.99", says
    first, again = registry.rows(rows), registry.rows(rows)
    assert (first.moved, again.moved) == (("D1",), ())
    (device,) = registry.all(Device)
    assert (device.host, device.basic_allowed) == ("10.0.0.99", False)
    assert again.left_off == (() if says is None else ("D1",)), "and it is told"


def test_a_recorder_is_what_several_eyes_or_points_share(registry: Registry) -> None:
    registry.rows(
        [
            ["Tên điểm", "Phường", "Số mắt", "IP", "Hãng"],
            ["A", "Yên Bái", 2, "10.0.0.1", "Hikvision"],
            ["B", "Yên Bái", 1, "10.0.0.2", "Dahua"],
            ["C", "Yên Bái", 1, "10.0.0.3", "Dahua"],
            ["D", "Yên Bái", 1, "10.0.0.3", "Dahua"],
        ]
    )
    # C and D are the same eye for a network: one host, one path.
    assert registry.all(Device) == []
    registry.rows(
        [
            ["Tên điểm", "Phường", "Số mắt", "Kênh", "IP", "Hãng"],
            ["A", "Yên Bái", 2, None, "10.0.0.1", "Hikvision"],
            ["B", "Yên Bái", 1, None, "10.0.0.2", "Dahua"],
            ["C", "Yên Bái", 1, 1, "10.0.0.3", "Dahua"],
            ["D", "Yên Bái", 1, 2, "10.0.0.3", "Dahua"],
        ]
    )
    assert [d.kind for d in registry.all(Device)] == ["recorder", "camera", "recorder", "recorder"]
    assert [eye.path for eye in registry.all(Eye)] == [
        "/Streaming/Channels/102",
        "/Streaming/Channels/202",
        "/cam/realmonitor?channel=1&subtype=1",
        "/cam/realmonitor?channel=1&subtype=1",
        "/cam/realmonitor?channel=2&subtype=1",
    ]


def test_urls_are_taken_apart_and_their_logins_sealed(registry: Registry) -> None:
    outcome = registry.rows(
        [
            ["Mã camera", "Tên điểm", "Phường", "Link RTSP"],
            ["E1", "A", "Yên Bái", "rtsp://admin:p%40ss%2F1@192.168.1.64:8554/Streaming/Channels/102"],
            ["E2", "B", "Yên Bái", "rtsps://cam.example/live?x=1"],
            ["E3", "C", "Yên Bái", "rtsp://[2001:db8::1]/live"],
        ]
    )
    assert outcome.problems == ()
    with registry.database.transaction() as session:
        for eye in session.scalars(select(Eye)):
            eye.started_at = NOW
    with registry.database.reading() as session:
        one, two, three = (asked.target for asked in load_targets(session, registry.store, NOW, ZONE))
    assert (one.host, one.port, one.path) == ("192.168.1.64", 8554, "/Streaming/Channels/102")
    assert one.credential is not None
    assert (one.credential.user, one.credential.password) == ("admin", "p@ss/1")
    assert (two.host, two.port, two.tls, two.path) == ("cam.example", 322, True, "/live?x=1")
    assert (three.host, three.port) == ("2001:db8::1", 554)
    assert "p@ss" not in repr(registry.dump())
    assert "p%40ss" not in repr(registry.dump())


def test_a_blank_password_stays_and_a_new_one_replaces(registry: Registry) -> None:
    head = ["Mã camera", "Tên điểm", "Phường", "IP", "Hãng", "Tài khoản", "Mật khẩu"]
    row = ["E1", "A", "Yên Bái", "10.0.0.1", "Hikvision"]

    def password() -> str:
        with registry.database.reading() as session:
            found = registry.store.for_device(session, session.scalars(select(Device)).one())
        assert found is not None
        return found.password

    registry.rows([head, [*row, "admin", " có dấu cách "]])
    assert password() == " có dấu cách "
    registry.rows([head, [*row, None, None]])
    assert password() == " có dấu cách "
    registry.rows([head, [*row, None, "-"]])
    assert password() == "-"


def test_named_sets_are_shared(registry: Registry) -> None:
    outcome = registry.rows(
        [
            ["Tên điểm", "Phường", "IP", "Hãng", "Bộ tài khoản", "Tài khoản", "Mật khẩu"],
            ["A", "Yên Bái", "10.0.0.1", "Dahua", "phường", None, None],
            ["B", "Yên Bái", "10.0.0.2", "Dahua", "phường", "admin", "x"],
        ]
    )
    assert outcome.problems == ()
    (only,) = registry.all(Credential)
    assert only.name == "phường"
    assert {device.credential_id for device in registry.all(Device)} == {only.id}


def test_merged_cells_and_two_header_rows(registry: Registry) -> None:
    book = Workbook()
    page = book.worksheets[0]
    page.title = "Nam Cường"
    page.append(["STT", "Tên điểm", "Toạ độ", None, "Thiết bị", None])
    page.append([None, None, "Vĩ độ", "Kinh độ", "Hãng", "Model"])
    page.append([1, "Cổng chợ", "21,7500", "104,8800", "KBVISION", "KX-1"])
    page.append([2, None, None, None, "Dahua", "DH-2"])
    for area in ("A1:A2", "B1:B2", "C1:D1", "E1:F1", "B3:B4", "C3:C4", "D3:D4"):
        page.merge_cells(area)
    path = registry.folder / "merged.xlsx"
    book.save(path)
    outcome = registry.load(path)
    assert outcome.problems == ()
    (point,) = registry.all(Point)
    assert (point.name, point.latitude, point.longitude) == ("Cổng chợ", 21.75, 104.88)
    assert [device.model for device in registry.all(Device)] == ["KX-1", "DH-2"]


BESIDE = [
    ["", "Tổng cộng", "", 3],
    ["Tổng cộng: 3 mắt"],
    ["TỔNG SỐ CAMERA", "", "", 3],
    ["", "Tổng cộng (I+II)", "", 3],
    ["*", "Tổng cộng toàn phường", "", 3],
    ["", "Cộng phường Nam Cường", "", "03 mắt"],
    ["", "Tổng cộng", "2 điểm", "3 mắt"],
    ["Nơi nhận:", "- Như trên;"],
    ["", "* Ghi chú: tính đến 20/12"],
    ["", "Yên Bái, ngày 20 tháng 12 năm 2026"],
    ["", "CÁN BỘ TỔNG HỢP", "", "PHÓ TRƯỞNG CÔNG AN PHƯỜNG"],
]


@pytest.mark.parametrize("line", BESIDE, ids=lambda line: " ".join(map(str, line)))
@pytest.mark.parametrize("merged", [False, True], ids=["", "merged"])
def test_sums_and_what_stands_below_are_no_points(registry: Registry, line: list[Any], merged: bool) -> None:
    rows: list[list[Any]] = [["STT", "Tên điểm", "Địa chỉ", "Số mắt", "Địa chỉ IP"], line]
    rows[1:1] = [[1, "A", "x", 2], [2, "B", "y", 1]]
    path = workbook(registry.folder / "rows.xlsx", {"Phường Nam Cường": rows})
    if merged:
        book = load_workbook(path)
        page = book.worksheets[0]
        text = next(cell for cell in line if cell)
        page["A4"] = text if isinstance(text, str) and len(text) > 1 else "Tổng cộng"
        page.merge_cells("A4:E4")
        book.save(path)
    outcome = registry.load(path)
    assert outcome.problems == ()
    assert (outcome.written.points.new, outcome.written.eyes.new) == (2, 3)


def test_places_whose_names_begin_like_a_sum_are_points(registry: Registry) -> None:
    rows: list[list[Any]] = [
        ["Tên điểm", "Số mắt"],
        ["Tổng kho xăng dầu", 2],
        ["Cộng đồng tổ 3", 1],
        ["Xã đội", 1],
    ]
    outcome = registry.load(workbook(registry.folder / "rows.xlsx", {"Nam Cường": rows}))
    assert outcome.problems == ()
    assert outcome.written.points.new == 3


def test_a_misspelt_ward_above_its_points_leaves_them_to_no_other(registry: Registry) -> None:
    rows: list[list[Any]] = [["STT", "Tên điểm", "Số mắt"], ["I", "Phường Yên Bái", ""], [1, "A", 1]]
    rows += [["II", "Phường Nam Cươngg", ""], [1, "B", 1]]
    outcome = registry.rows(rows)
    assert said(outcome) == {("Sheet", 4, "B", "UNIT_UNKNOWN")}


@pytest.mark.parametrize(("count", "eyes"), [(2, 2), (4, None)])
def test_a_number_merged_over_rows_is_theirs_together(
    registry: Registry, count: int, eyes: int | None
) -> None:
    rows: list[list[Any]] = [["Tên điểm", "Số mắt", "IP", "Hãng"], ["Km5", count, "10.0.0.1", "Dahua"]]
    rows.append(["", "", "10.0.0.2", "Dahua"])
    path = workbook(registry.folder / "rows.xlsx", {"Nam Cường": rows})
    book = load_workbook(path)
    for area in ("A2:A3", "B2:B3"):
        book.worksheets[0].merge_cells(area)
    book.save(path)
    outcome = registry.load(path)
    if eyes is None:
        assert {fault for *_, fault in said(outcome)} == {"COUNT_MERGED"}
        assert load_workbook(path).worksheets[0]["B2"].value == count
        assert "COUNT_MERGED" in str(marked_book(path, outcome).worksheets[0]["B2"].comment)
    else:
        assert (outcome.problems, outcome.written.eyes.new) == ((), eyes)


@pytest.mark.parametrize(
    ("rows", "fault"),
    [
        pytest.param([["Tên điểm", "Phường"]], ("Sheet", 2, "A", "ROWS_MISSING"), id="a head alone"),
        pytest.param([[""]], ("Sheet", 1, "A", "HEADER_MISSING"), id="nothing"),
        pytest.param(
            [["DANH S¸CH"], ["§Þa ®iÓm", "Ph\xad\xeang"], ["Chî", "Yªn B¸i"]],
            ("Sheet", 2, "A", "TEXT_NOT_UNICODE"),
            id="TCVN3",
        ),
    ],
)
def test_a_table_without_rows_or_head(
    registry: Registry, rows: list[list[str]], fault: tuple[str, int, str, str]
) -> None:
    assert said(registry.rows(rows)) == {fault}


def test_what_other_programs_name_a_sheet_can_be_marked(registry: Registry) -> None:
    name = "Danh sách camera của phường Yên Bái: quý III/2026"
    rows = [["Tên điểm", "Phường", "Số mắt"], ["A", "Yên Bái", "x"]]
    problem = Problem(name, 2, "C", Fault.NUMBER_INVALID, {"text": "x"})
    for file in ("x.ods", "x.xlsx"):  # neither can be opened as an XLSX
        copy = marked_copy(b"PK", file, [Sheet(name, [[*row] for row in rows])], [problem], {})
        page = load_workbook(BytesIO(copy)).worksheets[0]
        assert page["C2"].comment is not None


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_quotation_mark_swallows_no_rows(tmp_path: Path, end: str) -> None:
    path = tmp_path / "x.csv"
    rows = 'Tên điểm;Phường;Ghi chú\nA;Yên Bái;"hai\ndòng"\n'
    path.write_text(f"{rows}B;Yên Bái;19 inch{end}", encoding="utf-8")
    assert [len(row) for row in read_workbook(path)[0].rows] == [3, 3, 3]
    path.write_text(f'{rows}B;Yên Bái;"mới\nC;Yên Bái;x{end}', encoding="utf-8")
    with pytest.raises(UnreadableFile, match=r"x\.csv: in line 4 a cell begins"):
        read_workbook(path)


def test_unknown_headers_are_told_mapped_and_remembered(registry: Registry) -> None:
    rows: list[list[Any]] = [["Chỗ treo máy", "Phường", "Cán bộ"], ["Cổng chợ", "Yên Bái", "x"]]
    assert [p.code for p in registry.rows(rows).problems] == [Fault.HEADER_MISSING]
    with pytest.raises(UnknownField, match="nonsense"):
        registry.rows(rows, mapping={"Chỗ treo máy": "nonsense"})
    mapped = registry.rows(rows, mapping={"Chỗ treo máy": "point_name"})
    assert mapped.problems == ()
    assert mapped.unknown_headers == (("Sheet", "Cán bộ"),)
    assert registry.rows([["CHỖ TREO MÁY ", *rows[0][1:]], rows[1]]).problems == ()
    assert len(registry.all(Point)) == 1


def test_two_columns_of_one_meaning_are_refused(registry: Registry) -> None:
    outcome = registry.rows([["Tên điểm", "Phường", "Vị trí"], ["A", "Yên Bái", "B"]])
    assert said(outcome) == {("Sheet", 1, "C", "COLUMN_TWICE")}


def test_spelling_does_not_make_a_second_point(registry: Registry) -> None:
    for name in ("Nhà văn hóa", "Nhà văn hoá", unicodedata.normalize("NFD", "nhà  văn hóa\u00a0")):
        assert registry.rows([["Tên điểm", "Phường"], [name, "Yên Bái"]]).problems == ()
    assert len(registry.all(Point)) == 1


def test_a_code_that_lost_its_zeros_is_the_same_code(registry: Registry) -> None:
    registry.rows([["Mã điểm", "Tên điểm", "Phường"], ["001", "A", "4252"]])
    assert registry.rows([["Mã điểm", "Tên điểm", "Phường"], [1, "B", 4252.0]]).problems == ()
    assert [(point.code, point.name) for point in registry.all(Point)] == [("001", "B")]


def test_a_wards_old_file_is_read_by_the_units_of_its_day(registry: Registry) -> None:
    rows = [["Tên điểm", "Phường"], ["A", "Tuy Lộc"], ["B", "Văn Phú"]]
    assert registry.rows(rows, units_on=date(2023, 12, 31)).problems == ()
    with registry.database.reading() as session:
        units = session.scalars(select(Unit.uid).join(PointUnit, PointUnit.unit_id == Unit.id)).all()
    assert sorted(units) == ["04276-1", "04558-2"]
    before = registry.dump()
    again = registry.rows([["Tên điểm", "Phường"], ["A", "Nam Cường"], ["B", "Văn Phú"]])
    assert again.problems == ()
    assert registry.dump() == before, "today's units are what those became: nothing new"


def test_a_point_that_moves_keeps_its_past(registry: Registry) -> None:
    registry.rows([["Mã điểm", "Tên điểm", "Phường"], ["P", "A", "Yên Bái"]])
    registry.rows([["Mã điểm", "Tên điểm", "Phường"], ["P", "A", "Âu Lâu"]])
    assert [m.valid_from for m in registry.all(PointUnit)] == [None, TODAY]


def test_a_new_address_of_a_known_eye_moves_its_device(registry: Registry) -> None:
    head = ["Mã camera", "Tên điểm", "Phường", "IP", "Hãng"]
    registry.rows([head, ["E1", "A", "Yên Bái", "10.0.0.1", "Dahua"]])
    outcome = registry.rows([head, ["E1", "A", "Yên Bái", "10.0.0.9", "Dahua"]])
    assert (outcome.problems, outcome.written.devices.changed) == ((), 1)
    assert [device.host for device in registry.all(Device)] == ["10.0.0.9"]


def test_a_withdrawn_household_is_not_given_a_login_again(registry: Registry) -> None:
    rows = [["Mã camera", "Tên điểm", "Phường", "IP", "Hãng", "Tài khoản", "Mật khẩu"]]
    rows.append(["E1", "Hộ 1", "Yên Bái", "10.0.0.1", "Imou", "admin", "x"])
    registry.rows(rows)
    with registry.database.transaction() as session:
        withdraw_access(session, eye_by_code(session, "E1"), NOW)
    assert said(registry.rows(rows)) == {("Sheet", 2, "G", "ACCESS_WITHDRAWN")}


def test_several_sites_want_one_to_be_named(registry: Registry) -> None:
    with registry.database.transaction() as session:
        add_site(session, "north")
        add_site(session, "south")
    rows = [["Tên điểm", "Phường", "IP", "Hãng"], ["A", "Yên Bái", "10.0.0.1", "Dahua"]]
    assert [p.code for p in registry.rows(rows).problems] == [Fault.SITE_MISSING]
    assert registry.rows(rows, site="south").problems == ()


def test_a_dry_run_is_rolled_back(registry: Registry) -> None:
    path = workbook(
        registry.folder / "a.xlsx", {"Yên Bái": [["Tên điểm", "IP", "Hãng"], ["A", "h", "Dahua"]]}
    )
    before = registry.dump()
    with registry.database.transaction() as session:
        how = Options(units_on=TODAY, zone=ZONE)
        outcome = load_inventory(session, registry.store, read_workbook(path), how, NOW)
        session.rollback()
    assert outcome.written.eyes.new == 1
    assert registry.dump() == before


@pytest.mark.parametrize(
    ("encoding", "delimiter", "start"),
    [
        pytest.param("utf-8", ",", "", id="plain"),
        pytest.param("utf-8-sig", ";", "", id="Excel, UTF-8 with a mark"),
        pytest.param("utf-16", "\t", "", id="Excel, Unicode text"),
        pytest.param("utf-16-le", "\t", "", id="UTF-16 without a mark"),
        pytest.param("cp1258", ";", "", id="Vietnamese Windows"),
        pytest.param("utf-8", "|", "sep=|\n", id="delimiter named"),
    ],
)
def test_csv_of_every_make(tmp_path: Path, encoding: str, delimiter: str, start: str) -> None:
    path = tmp_path / "x.csv"
    # cp1258 knows tone marks only as characters of their own
    text = "Danh sách, năm 2026\nTên điểm;Phường\nCổng chợ;Yên Bái\n".replace(";", delimiter)
    if encoding == "cp1258":
        text = "".join(map(_as_1258, unicodedata.normalize("NFC", text)))
    path.write_bytes((start + text).encode(encoding))
    (sheet,) = read_workbook(path)
    assert [values.text(cell, 99) for cell in sheet.rows[2]] == ["Cổng chợ", "Yên Bái"]


def _as_1258(char: str) -> str:
    """A letter with its own mark composed and its tone after it: how that code page has it."""
    base, *marks = list(unicodedata.normalize("NFD", char))
    letter = unicodedata.normalize("NFC", base + "".join(mark for mark in marks if mark not in TONES))
    return letter + "".join(mark for mark in marks if mark in TONES)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("x.xlsx", b"not a zip", id="no spreadsheet"),
        pytest.param("x.xlsx", b"PK\x03\x04broken", id="a broken archive"),
        pytest.param("x.ods", b"", id="empty"),
        pytest.param("x.csv", bytes(range(128, 256)), id="no text"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=re.escape(name)) as refused:
        read_workbook(path)
    assert "Error" not in str(refused.value)


@pytest.mark.parametrize("name", ["x.pdf", "x.PDF", "x", "x.docx", "csv"])
def test_a_file_of_another_kind_is_no_table(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"%PDF-1.7 Ward;Eyes\n")
    with pytest.raises(UnreadableFile, match=r"no table that is read here; possible are: \.xlsx, \.csv"):
        read_workbook(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="No such file"):
        read_workbook(tmp_path / "none.csv")


def test_ten_thousand_rows_in_seconds(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        heads = ["STT", "Tên điểm", "Phường", "Địa chỉ", "Số mắt", "Hãng", "IP", "Cổng", "Ngày lắp đặt"]
        writer.writerow([*heads, "Tài khoản", "Mật khẩu"])
        for n in range(10_000):
            host = f"10.{n // 65536}.{n // 256 % 256}.{n % 256}"
            row = [n, f"Điểm {n}", "Yên Bái", "Đường Kim Đồng", 1, "Dahua", host, 554, "01/10/2024"]
            writer.writerow([*row, "admin", f"p{n}"])
    database = Database(sqlite_in(tmp_path))
    registry = Registry(database, tmp_path)
    for new in (10_000, 0):  # again, when each device has a login of its own
        begun = time.process_time()
        outcome = registry.load(path)
        assert time.process_time() - begun < 10
        assert (outcome.problems, outcome.written.eyes.new) == ((), new)
    database.close()


# --- single cells -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("read", "cell", "expected"),
    [
        pytest.param(lambda c: values.day(c, TODAY), "1/3/2024", date(2024, 3, 1), id="day first"),
        pytest.param(lambda c: values.day(c, TODAY), "01-03-24", date(2024, 3, 1), id="two digits of a year"),
        pytest.param(lambda c: values.day(c, TODAY), 45352.0, date(2024, 3, 1), id="Excel's day number"),
        pytest.param(lambda c: values.day(c, TODAY), "45352", date(2024, 3, 1), id="the same, as text"),
        pytest.param(lambda c: values.day(c, TODAY), "2024-03-01", date(2024, 3, 1), id="ISO"),
        pytest.param(lambda c: values.day(c, TODAY), "tháng 3/2024", date(2024, 3, 1), id="a month"),
        pytest.param(lambda c: values.day(c, TODAY), "01/03/2024 07:30", date(2024, 3, 1), id="with an hour"),
        pytest.param(lambda c: values.whole(c, 0, 9999), "1.024", 1024, id="thousands, Vietnamese"),
        pytest.param(lambda c: values.whole(c, 0, 9999), "1,024", 1024, id="thousands, English"),
        pytest.param(lambda c: values.whole(c, 0, 9999), 12.0, 12, id="a float"),
        pytest.param(lambda c: values.whole(c, 0, 9999), "12.0", 12, id="a float as text"),
        pytest.param(values.count, "số lượng mắt: 4", 4, id="a count in words"),
        pytest.param(values.count, "04 mắt", 4, id="a count with its unit"),
        pytest.param(values.code, 7.0, "7", id="a number as a code"),
        pytest.param(values.code, "\u00a0YB-0001\u200b ", "YB-0001", id="blanks of all kinds"),
        pytest.param(values.latitude, "21°42'10,5\"N", 21.7029167, id="degrees, minutes, seconds"),
        pytest.param(values.latitude, "21,7121", 21.7121, id="decimal comma"),
        pytest.param(values.position, "21.7121, 104.8921", (21.7121, 104.8921), id="two in one cell"),
        pytest.param(values.position, "(21,7121; 104,8921)", (21.7121, 104.8921), id="the same with commas"),
        pytest.param(values.yes_no, "X", True, id="a cross"),
        pytest.param(values.yes_no, "Không", False, id="no"),
        pytest.param(lambda c: values.host(c).host, "Cam.Example", "cam.example", id="a name"),
        pytest.param(lambda c: values.host(c).port, "10.0.0.1:8554", 8554, id="host and port"),
        pytest.param(lambda c: values.host(c).path, "http://10.0.0.1/doc/page", None, id="a web page"),
        pytest.param(lambda c: values.path(c).path, "stream1", "/stream1", id="slash"),
        pytest.param(values.snapshot_path, "http://10.0.0.1/a.jpg?x=1", "/a.jpg?x=1", id="a picture's URL"),
        pytest.param(lambda c: values.text(c, 99), "'=A1", "=A1", id="what an export made text"),
    ],
)
def test_cells_as_people_write_them(read: Callable[[Any], Any], cell: Any, expected: Any) -> None:
    assert read(cell) == expected


@pytest.mark.parametrize(
    ("read", "cell", "fault"),
    [
        pytest.param(values.host, "192.168.1", Fault.HOST_INVALID, id="three numbers"),
        pytest.param(values.host, "192.168.001.010", Fault.HOST_INVALID, id="leading zeros"),
        pytest.param(values.host, "192,168,1,10", Fault.HOST_INVALID, id="commas"),
        pytest.param(values.host, 1921681100, Fault.HOST_INVALID, id="a number"),
        pytest.param(values.host, "0.0.0.0", Fault.HOST_INVALID, id="nobody"),
        pytest.param(values.host, "10.0.0.1:0", Fault.PORT_INVALID, id="port 0"),
        pytest.param(values.fingerprint, "AB:CD", Fault.FINGERPRINT_INVALID, id="fingerprint cut off"),
        pytest.param(values.path, "/cam?user=admin&password=S3", Fault.CREDENTIAL_IN_PATH, id="in the query"),
        pytest.param(values.path, "/user%3Dadmin_pass%3DS3", Fault.CREDENTIAL_IN_PATH, id="percent-encoded"),
        pytest.param(values.path, "rtsp://a:b@c@10.0.0.1/1", Fault.URL_INVALID, id="an @ too many"),
        pytest.param(values.path, "http://10.0.0.1/1", Fault.URL_INVALID, id="not RTSP"),
        pytest.param(values.path, "/" + "a" * 500, Fault.PATH_INVALID, id="too long"),
        pytest.param(values.snapshot_path, "http://a:b@h/x", Fault.CREDENTIAL_IN_PATH, id="a picture's"),
        pytest.param(lambda c: values.whole(c, 0, 9), "1,5", Fault.NUMBER_INVALID, id="one and a half"),
        pytest.param(values.degrees, "nan", Fault.POSITION_INVALID, id="not a number"),
        pytest.param(lambda c: values.day(c, TODAY), "13/13/2024", Fault.DATE_INVALID, id="month 13"),
    ],
)
def test_cells_that_mean_nothing(read: Callable[[Any], Any], cell: Any, fault: Fault) -> None:
    with pytest.raises(BadCell) as refused:
        read(cell)
    assert refused.value.fault is fault
    assert "S3" not in "".join(traceback.format_exception(refused.value)) + repr(refused.value.values)


cells = st.one_of(st.text(max_size=60), st.floats(), st.integers(), st.booleans(), st.dates(), st.datetimes())


@given(cells)
def test_no_cell_breaks_a_reader(cell: Any) -> None:
    for read in READERS.values():
        with suppress(BadCell):
            read(cell, TODAY)


def test_no_header_means_two_fields() -> None:
    names = [fold(name) for c in COLUMNS for name in {fold(n) for n in (c.vi, c.en, *c.others)}]
    assert len(names) == len(set(names)) == len(NAMED)


def test_paths_of_makes() -> None:
    assert brand_path("HIKVISION", StreamChoice.SUB, 12) == "/Streaming/Channels/1202"
    assert brand_path("Imou", StreamChoice.MAIN, 1) == "/cam/realmonitor?channel=1&subtype=0"
    assert brand_path("Tapo", StreamChoice.SUB, 1) == "/stream2"
    assert brand_path("Tapo", StreamChoice.SUB, 2) is None
    assert brand_path("Noname", StreamChoice.SUB, 1) is None


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_column_letters(index: int, letters: str) -> None:
    assert column_letter(index) == letters
