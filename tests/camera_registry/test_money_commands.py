"""``camera-registry money``: a ledger in and out at the terminal, approved by a second person."""

import csv
import stat
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import select
from typer.testing import CliRunner, Result

from camera_registry import models
from camera_registry.audit import Actor
from camera_registry.cli import app
from camera_registry.db import Database
from camera_registry.funding import entries
from camera_registry.funding.entries import Entered
from camera_registry.funding.kinds import Component, Kind
from camera_registry.settings import load
from camera_registry.units import Scope
from tests.camera_registry.registries import fresh
from tests.databases import sqlite_in

ROWS = (
    "Mã chứng từ;Ngày;Loại khoản;Mã điểm lắp đặt;Số tiền;Nguồn;Bên đóng góp\n"
    "PT-1;15/09/2023;Khoản thu;P1;2.000.000;Doanh nghiệp;=HYPERLINK(1)\n"
    "PT-1;;;P2;500.000;;\n"
)
Run = Callable[..., Result]


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Database:
    database, _ = fresh(sqlite_in(tmp_path), 2)
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", str(database.engine.url))
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("CAMERA_REGISTRY_LANGUAGE", "vi")
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "so.csv").write_text(ROWS, encoding="utf-8")
    return database


@pytest.fixture
def run(registry: Database) -> Run:
    return lambda *words: CliRunner().invoke(app, ["money", *(str(word) for word in words)])


def somebody_enters(database: Database) -> int:
    now = datetime.now(UTC)
    spent = Entered(Kind.EXPENSE, date(2024, 5, 1), [("P1", 900_000)], component=Component.LINE)
    with database.transaction() as session:
        return entries.enter(session, Actor("khac", "cli"), Scope.everything(), spent, now, load().zone)


def states(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(models.MoneyEntry.state).order_by(models.MoneyEntry.id)))


def test_a_file_comes_in_goes_out_and_comes_again(registry: Database, run: Run, tmp_path: Path) -> None:
    assert "1" in run("import", tmp_path / "so.csv", "--dry-run").output
    assert states(registry) == []
    done = run("import", tmp_path / "so.csv")
    assert done.exit_code == 0, done.output
    assert "money approve --file so.csv" in done.output
    assert states(registry) == ["waiting"]
    for name in ("out.csv", "out.xlsx"):
        assert run("export", tmp_path / name).exit_code == 0
        again = run("import", tmp_path / name)
        assert again.exit_code == 0, again.output
    assert states(registry) == ["waiting"]
    with (tmp_path / "out.csv").open(encoding="utf-8-sig") as file:
        assert [row["Bên đóng góp"] for row in csv.DictReader(file)] == ["'=HYPERLINK(1)"] * 2


def test_a_wrong_file_leaves_a_marked_copy(registry: Database, run: Run, tmp_path: Path) -> None:
    (tmp_path / "so.csv").write_text(ROWS.replace("500.000", "nửa triệu"), encoding="utf-8")
    refused = run("import", tmp_path / "so.csv")
    assert refused.exit_code == 1
    assert "E3  AMOUNT_INVALID" in refused.output
    assert states(registry) == []
    marked = load_workbook(tmp_path / "so-errors.xlsx").worksheets[0]
    assert [cell.coordinate for row in marked.iter_rows() for cell in row if cell.comment] == ["E3"]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        pytest.param(["template", "ra.xlsx"], "ra.xlsx", id="template"),
        pytest.param(["export", "ra.csv"], "ra.csv", id="export"),
        pytest.param(["list", "--csv", "ra.csv"], "ra.csv", id="table"),
        pytest.param(["import", "sai.csv", "--marked", "ra.xlsx"], "ra.xlsx", id="marked copy"),
    ],
)
def test_what_is_written_is_for_its_owner_and_replaces_what_was_there(
    run: Run, tmp_path: Path, words: list[str], name: str
) -> None:
    (tmp_path / "sai.csv").write_text(ROWS.replace("500.000", "nửa triệu"), encoding="utf-8")
    written = tmp_path / name
    written.write_bytes(b"of before")
    written.chmod(0o644)
    with written.open("rb") as opened:  # by a spreadsheet, say
        run(*(tmp_path / word if "." in word else word for word in words))
        assert opened.read() == b"of before", "whoever has it open keeps a whole file"
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert written.read_bytes() != b"of before"


def test_a_second_person_approves_and_takes_back(registry: Database, run: Run, tmp_path: Path) -> None:
    number = somebody_enters(registry)
    assert run("import", tmp_path / "so.csv").exit_code == 0
    assert run("approve", "--file", "so.csv").exit_code == 1  # who brought it in
    assert run("approve").exit_code == 1  # of what?
    assert run("approve", number).exit_code == 0
    assert run("refuse", number + 1, "--reason", "Nhầm").exit_code == 0
    assert run("reverse", number, "--reason", "Nhầm").exit_code == 0
    assert states(registry) == ["approved", "refused", "waiting"]
    told = run("list", "--waiting").output
    assert "-900.000" in told
    assert "Chờ duyệt" in told
    summed = run("sums").output
    assert "900.000" in summed
    assert "P1" in summed


def test_sums_say_of_which_points_nothing_is_known(registry: Database, run: Run, tmp_path: Path) -> None:
    number = somebody_enters(registry)
    assert run("approve", number).exit_code == 0
    before = run("sums").output
    assert run("reverse", number, "--reason", "Nhầm").exit_code == 0
    with registry.transaction() as session:
        somebody, now = Actor("khac", "cli"), datetime.now(UTC)
        entries.approve(session, somebody, Scope.everything(), number + 1, now, load().zone)
    assert run("sums", "--csv", tmp_path / "tong.csv").exit_code == 0
    with (tmp_path / "tong.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.reader(file))[1:]
    nothing = [""] * 6
    assert rows == [["P1", *nothing, "4"], ["P2", *nothing, "4"], ["Tổng cộng", *nothing, "8"]]
    told = [[cell.strip() for cell in line.split("│")[1:-1]] for line in before.splitlines() if "P1" in line]
    unknown = "chưa có số liệu"
    assert told == [["P1", unknown, "0", "0", "900.000", "-900.000", unknown, "2"]]


def test_lists_are_tables_and_files(registry: Database, run: Run, tmp_path: Path) -> None:
    years = ("--first-year", "2023", "--last-year", "2024")
    assert run("save-programme", "CT", "Camera", *years).exit_code == 0
    saved = run("set-upkeep", "P1", "warranty", "Nhà thầu", "--to", "31/12/2030", "--document", "15/HĐ")
    assert saved.exit_code == 0, saved.output
    assert "2023–2024" in run("programmes").output
    assert "31/12/2030" in run("upkeep", "P1").output
    assert run("end-upkeep", 1, "--reason", "Nhầm").exit_code == 0
    basis = tmp_path / "basis.csv"
    assert run("basis", "--csv", basis).exit_code == 0
    assert "P1" in basis.read_text(encoding="utf-8-sig")
    template = tmp_path / "mau.xlsx"
    assert run("template", template).exit_code == 0
    assert len(load_workbook(template).worksheets) == 2
    assert run("template", tmp_path / "mau.csv").exit_code == 1
