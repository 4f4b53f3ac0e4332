"""``camera-registry maintenance``, as a person types it."""

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from camera_registry import models
from camera_registry.cli import app
from camera_registry.db import Database
from tests.camera_registry.registries import LONG_AGO, fresh
from tests.databases import sqlite_in

Run = Callable[..., Result]
NOTICE = """Từ 7h30 đến 17h00 ngày 12/12/2026: phường Yên Bái; xã Không Có
Lý do: Thay cột
Mất điện lúc 14h00 nữa
"""


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Database]:
    database, _ = fresh(sqlite_in(tmp_path), 2)
    yield database
    database.close()


@pytest.fixture
def run(registry: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", f"sqlite:///{tmp_path / 'registry.db'}")
    monkeypatch.setenv("COLUMNS", "220")

    def invoke(*words: str, said: str | None = None) -> Result:
        return CliRunner().invoke(app, ["maintenance", *words], input=said)

    return invoke


def windows(registry: Database) -> list[tuple[str, str, str, str]]:
    with registry.reading() as session:
        rows = session.scalars(select(models.Maintenance).order_by(models.Maintenance.id))
        return [(row.kind, f"{row.from_at:%d/%m/%Y %H:%M}", row.recurrence, row.reason) for row in rows]


def test_a_window_is_added_listed_and_withdrawn(run: Run, registry: Database) -> None:
    when = ("--from", "12/12/2026 07:30", "--to", "2026-12-12 09:00")
    added = run("add", "--scope", "eye:E1", "--scope", "point:P2", *when, "--reason", "Thay nguồn",
                "--repeat", "freq=weekly;byday=sa")  # fmt: skip
    assert (added.exit_code, "2 mắt camera" in added.output) == (0, True)
    assert windows(registry) == [("work", "12/12/2026 00:30", "FREQ=WEEKLY;BYDAY=SA", "Thay nguồn")]
    listed = run("list", "--from", "01/12/2026", "--to", "31/12/2026").output
    for text in ("12/12/2026 07:30", "eye:E1, point:P2", "Thay nguồn", "FREQ=WEEKLY;BYDAY=SA"):
        assert text in listed
    assert run("withdraw", "1", "--reason", "Hoãn").exit_code == 0
    assert run("withdraw", "1", "--reason", "Hoãn").exit_code == 1
    assert "Đã hủy" in run("list", "--from", "01/12/2026", "--to", "31/12/2026").output


def test_a_closed_month_is_told(run: Run, registry: Database) -> None:
    with registry.transaction() as session:
        hashes = {"inputs_hash": "0" * 64, "figures_hash": "0" * 64}
        session.add(
            models.Closing(month=date(2026, 2, 1), version=0, at=LONG_AGO, by="An", rules_version=1, **hashes)
        )
    when = ("--from", "10/02/2026 07:30", "--to", "10/02/2026 08:30")
    added = run("add", "--scope", "all", *when, "--kind", "power_cut", "--reason", "Mất điện")
    assert (added.exit_code, "02/2026 đã chốt" in added.output) == (0, True)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(("--scope", "eye:E9"), "“E9”", id="no such eye"),
        pytest.param(("--scope", "all", "--to", "12/12/2026 07:00"), "kết thúc sau", id="backwards"),
        pytest.param(("--scope", "all", "--from", "mai"), "không phải là thời điểm", id="no moment"),
        pytest.param(("--scope", "all", "--repeat", "FREQ=SECONDLY"), "FREQ=SECONDLY", id="each second"),
        pytest.param(("--scope", "all", "--reason", " "), "lý do", id="no reason"),
    ],
)
def test_what_no_window_can_be_is_refused(
    run: Run, registry: Database, words: tuple[str, ...], complaint: str
) -> None:
    usual = ("--from", "12/12/2026 07:30", "--to", "12/12/2026 09:00", "--reason", "x")
    refused = run("add", *usual, *words)
    assert (refused.exit_code, complaint in refused.output) == (1, True)
    assert windows(registry) == []


def test_a_notice_is_shown_and_what_is_sure_is_entered_when_asked(
    run: Run, registry: Database, tmp_path: Path
) -> None:
    file = tmp_path / "notice.txt"
    file.write_text(NOTICE, encoding="utf-8")
    shown = run("notice", str(file))
    assert shown.exit_code == 0
    for text in ("12/12/2026 07:30:00", "phường Yên Bái", "xã Không Có", "Không có đơn vị", "Không hiểu"):
        assert text in shown.output
    assert windows(registry) == []
    assert run("notice", "-", "--enter", said=NOTICE).exit_code == 0
    assert windows(registry) == [("power_cut", "12/12/2026 00:30", "", "Thay cột")]
    assert run("notice", "-", said="Chào cả nhà").exit_code == 1
    assert run("notice", str(tmp_path / "none.txt")).exit_code == 1
    file.write_bytes(b"\xff\xfe\x00")
    assert run("notice", str(file)).exit_code == 1
