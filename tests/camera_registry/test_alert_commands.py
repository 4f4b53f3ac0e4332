"""Alerts at the terminal: channels made and tried, who hears what, what was told; no address is shown."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from camera_registry.cli import app
from camera_registry.db import Database
from camera_registry.units import load_data_set
from tests.dashboards.alerted import add_channel, add_message
from tests.databases import sqlite_in

CANARY = "canary.address@example.vn"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    database = Database(sqlite_in(tmp_path))
    with database.transaction() as session:
        load_data_set(session, "yen-bai")
        inbox = add_channel(session, "Hộp tin")
        add_message(session, inbox, "[MẤT KẾT NỐI] Điểm YB-1", state="dead", error="550")
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", str(database.engine.url))
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path))
    yield lambda words, typed="": CliRunner().invoke(app, words.split(), input=typed)
    database.close()


def test_a_morning_at_the_terminal(run: Callable[..., Result], tmp_path: Path) -> None:
    made = run("alerts add-channel Trực-ban --kind email --unit 04273-3 --reason Mới", f"{CANARY}\n")
    assert made.exit_code == 0, made.output
    assert "Chưa đặt máy chủ thư" in made.output
    policy = tmp_path / "policy.toml"
    policy.write_text("[ward]\nper_hour = 2\nquiet = []\n")
    asked = (
        f"subscribe 2 --unit 04273-3 --policy {policy} --reason Mới",
        "test 1",
        "resend 1 --reason Đã-sửa",
        "channels",
        "subscriptions",
        "messages --text",
    )
    answers = {words.split()[0]: run(f"alerts {words}") for words in asked}

    assert {name: answer.exit_code for name, answer in answers.items() if answer.exit_code} == {}
    assert "Nhiều nhất 2 tin mỗi giờ" in answers["subscribe"].output
    assert "Yên tĩnh" not in answers["subscribe"].output
    assert "ca…@example.vn" in answers["channels"].output
    assert "chưa gửi tin nào" in answers["channels"].output
    assert "Trực-ban" in answers["subscriptions"].output
    assert "[MẤT KẾT NỐI] Điểm YB-1" in answers["messages"].output
    assert [name for name, answer in answers.items() if CANARY in answer.output] == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("test 9", "Không có kênh số 9.", id="no such channel"),
        pytest.param("end-subscription 9 --reason x", "Không có đăng ký số 9.", id="no such subscription"),
        pytest.param(
            "subscribe 1 --unit x --site y --reason x",
            "không nêu cả hai",
            id="two places",
        ),
        pytest.param("subscribe 1 --policy nowhere --reason x", "nowhere", id="no such policy"),
        pytest.param("link-code 1", "Chỉ kênh Zalo", id="a code for an inbox"),
        pytest.param("link-code 2", "Chưa đặt bot Zalo", id="a code without a bot"),
    ],
)
def test_what_cannot_be_done(run: Callable[..., Result], words: str, said: str) -> None:
    run("alerts add-channel Zalo --kind zalo --reason x")
    refused = run(f"alerts {words}")
    assert refused.exit_code == 1
    assert said in refused.output
