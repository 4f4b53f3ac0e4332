"""Months, moves, decrees and custody, as a person types them."""

import csv
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
import typer
from sqlalchemy import select
from typer.testing import CliRunner, Result

from camera_registry import models
from camera_registry.commands import closing, custody, moving, registry
from camera_registry.db import Database
from camera_registry.maintenance import EVERYTHING, Kind, enter
from camera_registry.settings import load
from camera_registry.uptime import Span
from tests.camera_registry.test_closings import CLERK, READY, ZONE, close, local, story

Run = Callable[..., Result]
DATA = Path(__file__).parents[1] / "data" / "units"


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path / "var"))
    app = typer.Typer()
    for room in (registry, moving, closing, custody):
        room.add_to(app)

    def invoke(*words: str, wide: bool = True) -> Result:
        return CliRunner().invoke(app, list(words), env={"COLUMNS": "250" if wide else "100"})

    return invoke


def test_a_month_from_its_closing_to_its_amendment(run: Run, database: Database) -> None:
    with database.transaction() as session:
        story(session)
    with time_machine.travel(READY - timedelta(hours=1), tick=False):
        early = run("month", "close", "2026-09")
    assert (early.exit_code, "từ 08/10/2026 00:00" in early.output) == (1, True)
    with time_machine.travel(READY, tick=False):
        closed = run("month", "close", "2026-09")
    assert closed.exit_code == 0
    assert "Đã chốt số liệu tháng 09/2026" in closed.output
    assert "Phường Nam Cường" in closed.output
    assert run("month", "close", "2026-09").exit_code == 1
    assert "bản 0" in run("month", "show", "2026-09").output
    assert run("month", "show", "2026-10").exit_code == 1
    assert run("month", "show", "soon").exit_code == 1
    assert "không có gì khác" in run("month", "verify", "2026-09").output
    refused = run("month", "amend", "2026-09", "--reason", "x")
    assert (refused.exit_code, "không có gì để điều chỉnh" in refused.output) == (1, True)
    with database.transaction() as session:
        cut = Span(local(10, 2), local(10, 4))
        enter(
            session, CLERK, READY, ZONE, kind=Kind.POWER_CUT, span=cut, covers=[EVERYTHING], reason="Cắt điện"
        )
    differing = run("month", "verify", "2026-09")
    assert (differing.exit_code, "−2\xa0giờ 00\xa0phút" in differing.output) == (1, True)
    amended = run("month", "amend", "2026-09", "--reason", "Biên bản số 5")
    assert amended.exit_code == 0
    assert "E1" in amended.output
    assert "+0,82\xa0%" in amended.output, "of the eye: 6 of 240 hours, then 4 of 238"
    assert "+0,33\xa0%" in amended.output, "of its unit, with the 360 hours of the other one"
    shown = run("month", "show", "2026-09").output
    assert "bản 1" in shown
    assert "Biên bản số 5" in shown
    assert "Cắt điện" in shown
    assert "bản 0" in run("month", "show", "2026-09", "--version", "0").output
    told = json.loads(run("month", "show", "2026-09", "--json").output)
    assert (told["month"], told["version"], told["windows"][0]["covers"]) == ("2026-09", 1, ["all"])
    assert {unit["name"]: unit["eyes"] for unit in told["units"]} == {
        "Phường Nam Cường": 1,
        "Phường Yên Bái": 2,
    }
    listed = json.loads(run("month", "list", "--json").output)["months"]
    assert [(each["version"], each["reason"]) for each in listed] == [(1, "Biên bản số 5"), (0, "")]
    assert "Biên bản số 5" in run("month", "list").output
    verified = json.loads(run("month", "verify", "2026-09", "--json").output)
    assert (verified["intact"], verified["same_figures"], verified["eyes"]) == (True, True, [])


def test_an_amendment_for_programs(run: Run, database: Database) -> None:
    with database.transaction() as session:
        story(session)
        close(session)
        session.add(models.Suspension(eye_id=1, from_at=local(1), to_at=local(2)))
    told = json.loads(run("month", "amend", "2026-09", "--reason", "x", "--json").output)
    (eye,) = told["eyes"]
    day = 24 * 3_600_000_000
    assert eye["before"]["tally"]["up"] - eye["after"]["tally"]["up"] == day
    assert eye["after"]["tally"]["not_in_service"] == day
    assert [point["point"] for point in told["points"]] == ["P1"]


def test_decrees_moves_and_the_queue(run: Run, database: Database, tmp_path: Path) -> None:
    for name in ("2019-before", "2020-02-01", "2024-12-01"):
        assert run("units", "reorganise", str(DATA / f"{name}.csv")).exit_code == 0
    with database.transaction() as session:
        unit = session.scalars(select(models.Unit.id).where(models.Unit.uid == "04261-1")).one()
        point = models.Point(code="YB-1", name="=Cổng chợ")
        session.add(point)
        session.flush()
        session.add(models.PointUnit(point_id=point.id, unit_id=unit))
    decree = str(DATA / "2025-07-01.csv")
    dry = run("units", "reorganise", decree, "--dry-run")
    assert "YB-1" in dry.output
    assert "Chạy thử: không có gì bị thay đổi" in dry.output
    told = json.loads(run("units", "reorganise", decree, "--json").output)
    assert (told["dry_run"], len(told["ended"]), told["undecided"]) == (False, 22, [])
    assert told["following"] == [{"from": "04261-1", "to": "04252-2", "points": ["YB-1"]}]
    assert "không có gì thay đổi" in run("units", "reorganise", decree).output
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("Từ ngày,Đơn vị cũ\n01/07/2025,Phường Atlantis\n", encoding="utf-8")
    refused = run("units", "reorganise", str(wrong))
    assert refused.exit_code == 1
    assert "B2  Không có đơn vị hành chính nào tên là “Phường Atlantis”." in refused.output
    assert run("units", "reorganise", str(tmp_path / "none.csv")).exit_code == 1

    moved = run("point", "move", "YB-1", "Âu Lâu", "--from", "01/03/2026", "--document", "QĐ 12")
    assert (moved.exit_code, "Phường Âu Lâu [04543-3" in moved.output) == (0, True)
    again = run("point", "move", "YB-1", "Âu Lâu", "--from", "01/03/2026", "--document", "QĐ 12")
    assert (again.exit_code, "đã thuộc" in again.output) == (1, True)
    earlier = run("point", "move", "YB-1", "Văn Phú", "--from", "2026-01-01", "--document", "QĐ 1")
    assert "Đến hết ngày 28/02/2026" in earlier.output

    assert "Chưa có đơn vị quản lý" in run("custody", "queue").output
    paid = ("--electricity", "UBND", "--internet", "Hộ ông A", "--document", "BB 1")
    given = run("custody", "set", "YB-1", "--manager", "UBND phường Đồng Tâm", "--from", "2022-05-01", *paid)
    assert given.exit_code == 0
    assert "Đơn vị quản lý đã giải thể" in run("custody", "queue").output
    assert "Chưa có biên bản bàn giao" in run("custody", "queue", "--on", "2024-01-01").output
    assert "Hộ ông A" in run("custody", "list").output
    ended = run("custody", "end", "YB-1", "--on", "2025-06-30", "--reason", "giải thể")
    assert ended.exit_code == 0
    assert "30/06/2025" in run("custody", "list", "YB-1").output
    assert run("custody", "list", "YB-9").exit_code == 1
    file = tmp_path / "queue.csv"
    assert "1 dòng" in run("custody", "queue", "--csv", str(file)).output
    with file.open(encoding="utf-8-sig", newline="") as opened:
        head, row = csv.reader(opened)
    assert head[4:6] == ["Lý do", "Từ lúc"]
    assert row == [
        *("YB-1", "'=Cổng chợ", "Phường Âu Lâu", "0"),
        *("Chưa có đơn vị quản lý", "01/07/2025", "UBND phường Đồng Tâm"),
    ]


def test_the_settings_say_how_late_results_may_come() -> None:
    assert timedelta(days=load().lateness_days) == timedelta(days=7)
    assert datetime(2026, 10, 7, 17, tzinfo=UTC) == READY
