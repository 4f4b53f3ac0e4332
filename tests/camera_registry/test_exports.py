"""What is exported can be imported: nothing changes, and no password is in the file."""

import csv
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import select, update

from camera_registry import inventory, settings
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.exports import ExportError, export_inventory, template
from camera_registry.i18n import LANGUAGES, Language
from camera_registry.imports.columns import COLUMNS
from camera_registry.imports.load import Outcome, load_inventory
from camera_registry.imports.plan import Options
from camera_registry.imports.workbook import read_workbook
from camera_registry.models import Base, Eye, Point
from camera_registry.units import load_data_set

NOW = datetime(2026, 11, 1, 5, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
CANARY = "canary-7F3q"
FULL: list[dict[str, Any]] = [
    {
        "Mã điểm": "YB-0100",
        "Tên điểm": "Cổng chợ",
        "Phường": "Yên Bái",
        "Địa chỉ": "-12 Kim Đồng",
        "Tổ dân phố": "Tổ dân phố số 4",
        "Tọa độ": "21.7121, 104.8921",
        "Số mắt cần": 2,
        "Nguồn vốn": "Tài trợ",
        "Biển báo": "có",
        "Ghi chú": "=1+1",
        "Mã camera": "CAM 01",
        "Tên camera": "Nhìn ra đường",
        "Kênh": 3,
        "Mục đích": "an ninh",
        "Mã thiết bị": "NVR-1",
        "Loại thiết bị": "NVR",
        "Hãng": "Hikvision",
        "Model": "DS-1",
        "Số seri": "00123",
        "Firmware": "5.5",
        "Ngày mua": date(2024, 3, 15),
        "Chứng nhận hợp quy": "A-1",
        "IP": "10.0.0.1",
        "Cổng": 8554,
        "Cổng HTTP": 443,
        "HTTPS": "có",
        "Cổng ONVIF": 8000,
        "Kiểm tra chứng chỉ TLS": "ghim",
        "Dấu vân tay chứng chỉ": ":".join(["AB"] * 32),
        "Bộ tài khoản ONVIF": "chung",
        "Quay quét": "có",
        "Số ngày lưu": 30,
        "Số ngày lưu tại điểm": 15,
        "Số ngày giữ ảnh": 7,
        "TLS": "có",
        "Basic allowed": "không",
        "Số phiên": 3,
        "Luồng": "chính",
        "Snapshot": "/a.jpg",
        "Khu vực mạng": "north",
        "Bộ tài khoản": "chung",
        "Tài khoản": "admin",
        "Mật khẩu": CANARY,
        "Ngày lắp đặt": "01/10/2024",
        "Ngày thanh lý": "01/10/2027",
        "Văn bản đồng ý": "Giấy 1",
        "Ngày đồng ý": "01/03/2026",
        "Đồng ý đến ngày": "01/03/2027",
    },
    {"Mã điểm": "YB-0100", "Mã thiết bị": "NVR-1", "Kênh": 4},
    {"Tên điểm": "Ngã tư", "Phường": "Nam Cường", "Số mắt": 3, "Ghi chú": "@home; 'x'"},
    {"Tên điểm": "Chưa lắp", "Phường": "Âu Lâu", "Số mắt": 0},
]


class Registry:
    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.folder = folder
        self.store = CredentialStore(settings.load(data_dir=folder / "keys"))
        with database.transaction() as session:
            load_data_set(session, "yen-bai")
            inventory.add_site(session, "main")
            inventory.add_site(session, "north")
            self.store.prepare(session)
        heads = list(dict.fromkeys(head for row in FULL for head in row))
        book = Workbook()
        for line in [dict(zip(heads, heads, strict=True)), *FULL]:
            book.worksheets[0].append([line.get(head) for head in heads])
        book.save(folder / "full.xlsx")
        with database.transaction() as session:
            assert self._load(session, folder / "full.xlsx").problems == ()
            eye = session.scalars(select(Eye).where(Eye.code == "YB-0100-01")).one()
            inventory.withdraw_access(session, eye, NOW)
            session.execute(update(Eye).values(started_at=NOW))
            session.execute(update(Eye).values(commissioned_at=NOW).where(Eye.code == "CAM 01"))

    def _load(self, session: Any, path: Path) -> Outcome:
        how = Options(units_on=date(2026, 11, 1), zone=ZONE)
        return load_inventory(session, self.store, read_workbook(path), how, NOW)

    def load(self, path: Path) -> Outcome:
        with self.database.transaction() as session:
            return self._load(session, path)

    def export(self, path: Path, language: Language) -> int:
        with self.database.reading() as session:
            made, count = export_inventory(session, path, language, ZONE)
        path.write_bytes(made)
        return count

    def dump(self) -> dict[str, list[tuple[Any, ...]]]:
        with self.database.reading() as session:
            return {
                table.name: sorted((tuple(row) for row in session.execute(select(table))), key=repr)
                for table in Base.metadata.sorted_tables
            }


@pytest.fixture
def registry(database: Database, tmp_path: Path) -> Registry:
    return Registry(database, tmp_path)


def test_an_export_imported_again_changes_nothing(registry: Registry) -> None:
    before = registry.dump()
    for language in LANGUAGES:
        for name in ("out.csv", "out.xlsx"):
            path = registry.folder / name
            assert registry.export(path, language) == 6
            outcome = registry.load(path)
            assert outcome.problems == ()
            assert (outcome.unknown_headers, outcome.written.eyes.same) == ((), 5)
            assert registry.dump() == before


def test_passwords_and_formulas_stay_out(registry: Registry) -> None:
    path = registry.folder / "out.csv"
    registry.export(path, "vi")
    text = path.read_text(encoding="utf-8-sig")
    assert CANARY not in text
    assert "admin" not in text
    assert all(cell[:1] not in ("=", "+", "-", "@") for row in csv.reader(text.splitlines()) for cell in row)
    registry.export(registry.folder / "out.xlsx", "vi")
    sheet = load_workbook(registry.folder / "out.xlsx").worksheets[0]
    assert all(cell.data_type != "f" for row in sheet.iter_rows() for cell in row)


def test_an_export_makes_the_same_registry_elsewhere(registry: Registry) -> None:
    path = registry.folder / "out.xlsx"
    registry.export(path, "vi")
    with registry.database.transaction() as session:
        for table in reversed(Base.metadata.sorted_tables):
            # Not even an empty one of these lets a DELETE through.
            final = table.name.startswith(("closing", "closed_", "audit", "money_", "repair_step"))
            stays = table.name in ("unit", "unit_successor", "site", "credential", "topic_version")
            if not final and not stays:
                session.execute(table.delete())
    assert registry.load(path).problems == ()
    again = registry.folder / "again.csv"
    first = registry.folder / "first.csv"
    registry.export(again, "vi")
    with registry.database.reading() as session:
        assert {eye.started_at for eye in session.scalars(select(Eye))} == {None}, "nothing is started"
        assert session.scalars(select(Point.code).order_by(Point.code)).all() == [
            "YB-0100",
            "YB-0101",
            "YB-0102",
        ]
    first.write_bytes(again.read_bytes())
    assert registry.load(first).written.eyes.same == 5


def test_other_kinds_of_file_are_refused(registry: Registry) -> None:
    with pytest.raises(ExportError, match=r"out\.pdf"):
        registry.export(registry.folder / "out.pdf", "vi")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_template_can_be_filled_in(registry: Registry, language: Language) -> None:
    path = registry.folder / "template.xlsx"
    path.write_bytes(template(language))
    book = load_workbook(path)
    table, guide = book.worksheets
    assert [cell.value for cell in table[1]] == [getattr(column, language) for column in COLUMNS]
    assert guide.max_row == len(COLUMNS) + 1
    fields = [column.field for column in COLUMNS]
    for field, value in {"point_name": "Cổng trường", "unit": "Yên Bái", "count": "4"}.items():
        table.cell(2, fields.index(field) + 1, value)
    book.save(path)
    outcome = registry.load(path)
    assert (outcome.problems, outcome.written.eyes.new) == ((), 4)
    assert outcome.sheets_without_table == (guide.title,)
