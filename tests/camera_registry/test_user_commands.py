"""Who may sign in, as a person types it on the terminal."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from camera_registry.commands import registry, tokens, user

LINK = re.compile(r"https?://\S+/sign-in/link/[\w-]{43}")

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The commands over a registry of their own, with the units of Yên Bái."""
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    for room in (registry, tokens, user):
        room.add_to(app)

    def invoke(words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, words.split(), input=typed)

    assert invoke("units load yen-bai").exit_code == 0
    return invoke


def test_people_are_let_in_from_the_terminal(run: Run) -> None:
    assert LINK.search(run("user add An --role ward_officer --unit 04543").output)
    typed = run("user add sep --role administrator --password", typed="một hai ba bốn\n")
    assert "sep được đăng nhập" in typed.output
    for words in (
        "role an auditor --reason x",
        "units an --everywhere",
        "disable an",
        "enable an",
        "unlink an",
    ):
        assert run(f"user {words}").exit_code == 0
    assert run("user password an", typed="năm sáu bảy tám\n").exit_code == 0
    assert LINK.search(run("user link an --address https://camera.example/ --reason x").output)
    assert re.search(r"an .*Kiểm tra viên .*toàn bộ .*mật khẩu", run("user list").output)


def test_a_password_that_leaked_takes_the_tokens_along(run: Run) -> None:
    run("user add sep --role administrator")
    run("token add sep reports --may view")
    first = run("user password sep", typed="một hai ba bốn\n")
    assert "còn hiệu lực: reports" in first.output
    second = run("user password sep --revoke-tokens", typed="năm sáu bảy tám\n")
    assert "Đã thu hồi mã truy cập: reports" in second.output
    assert "reports" not in run("user password sep", typed="một hai ba bốn\n").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param("add an --role finance", "ít nhất một đơn vị", id="sees nothing"),
        pytest.param("add an --role finance --unit 04276-1 --everywhere", "không dùng cả hai", id="both"),
        pytest.param("add an --role finance --unit 04276", "Phường Nam Cường", id="a code of before"),
        pytest.param("add Ân --role finance --everywhere", "Tên đăng nhập", id="no name"),
        pytest.param("add an --role king --everywhere", "king", id="no role"),
        pytest.param("link nobody", "Không có người dùng nào", id="nobody"),
        pytest.param("add an --role finance --everywhere --password", "từ 10 đến 200", id="no password"),
    ],
)
def test_what_is_refused(run: Run, words: str, said: str) -> None:
    refused = run(f"user {words}", typed="\n")
    assert refused.exit_code != 0
    assert said in refused.output


def test_the_last_administrator_stays(run: Run) -> None:
    run("user add sep --role administrator")
    refused = run("user disable sep")
    assert (refused.exit_code, "quản trị viên cuối cùng" in refused.output) == (1, True)
