"""``camera-registry repair``, as a person types it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from camera_registry.cli import app
from tests.camera_registry.registries import fresh
from tests.databases import sqlite_in

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    database, _ = fresh(sqlite_in(tmp_path), 2)
    database.close()
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", f"sqlite:///{tmp_path / 'registry.db'}")
    monkeypatch.setenv("COLUMNS", "220")
    return lambda *words: CliRunner().invoke(app, ["repair", *words])


def test_from_what_is_broken_to_the_letter_and_the_expense(run: Run) -> None:
    said = run("open", "--point", "P1", "--eye", "E1", "--fault", "Gãy cột", "--component", "pole")
    assert (said.exit_code, "số 1" in said.output) == (0, True)
    assert run("open", "--point", "P1", "--eye", "E1", "--fault", "Gãy cột").exit_code == 1
    assert run("move", "1", "waiting_for_money", "--text", "Chờ phường").exit_code == 0
    assert run("comment", "1", "Đã gọi thợ").exit_code == 0
    quoted = run(
        "quote", "1", "--party", "Cửa hàng A", "--amount", "2.500.000", "--text", "Cả công", "--choose"
    )
    assert quoted.exit_code == 0
    listed = run("list").output
    for text in ("P1", "Gãy cột", "Chờ kinh phí", "2.500.000", "Chưa có"):
        assert text in listed
    assert run("propose", "--repair", "1", "--to", "UBND", "--title", "Sửa cột").exit_code == 0
    assert run("propose", "--repair", "7", "--to", "UBND", "--title", "Sửa cột").exit_code == 1
    assert run("sent", "1", "--number", "5/TTr").exit_code == 0
    letters = run("proposals").output
    assert all(text in letters for text in ("Sửa cột", "UBND", "2.500.000"))
    assert run("payer", "1", "ward").exit_code == 0
    assert run("spend", "1").exit_code == 0
    refused = run("spend", "1")
    assert (refused.exit_code, "đã có khoản chi" in refused.output) == (1, True)
    story = run("show", "1").output
    for text in ("Chờ phường", "Đã gọi thợ", "Cửa hàng A: 2.500.000", "Ngân sách phường, xã", "Khoản"):
        assert text in story
    assert run("show", "2").exit_code == 1
    assert run("open", "--incident", "5", "--fault", "x").exit_code == 1
    assert run("move", "1", "done", "--at", "yesterday").exit_code == 1
    assert run("move", "1", "done").exit_code == 0
    assert "P1" not in run("list").output
    assert "P1" in run("list", "--state", "done").output
