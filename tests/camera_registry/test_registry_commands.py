"""The registry's commands, as a person types them."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import typer
from sqlalchemy import create_engine, text
from typer.testing import CliRunner, Result

from camera_registry import settings
from camera_registry.commands import registry
from camera_registry.commands.common import said_when_done, say

Run = Callable[..., Result]


@pytest.fixture
def run(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")
    app = typer.Typer()
    registry.add_to(app)

    def invoke(*words: str, typed: str | None = None) -> Result:
        return CliRunner().invoke(app, list(words), input=typed)

    return invoke


def test_from_nothing_to_an_inventory_and_back(run: Run, tmp_path: Path) -> None:
    source, wrong = tmp_path / "ward.csv", tmp_path / "wrong.csv"
    source.write_text("Tên điểm;Phường;Số mắt\nCổng chợ;Yên Bái;4\n", encoding="utf-8")
    wrong.write_text("Tên điểm;Phường;Số mắt\n;Yên Bái;4\n", encoding="utf-8")
    assert "35 mới" in run("units", "load", "yen-bai").output
    assert "Xã Tuy Lộc" in run("units", "list", "--on", "2023-12-31").output
    dry = run("import", str(source), "--dry-run")
    assert "credential.key" in dry.output, "the first start says where the key is"
    assert "Keep a copy" in dry.output
    assert "không có gì bị thay đổi" in dry.output
    done = run("import", str(source))
    assert (done.exit_code, "4 mới" in done.output) == (0, True)
    clear = tmp_path / "basic.csv"
    clear.write_text("Mã điểm lắp đặt;Mã thiết bị;Cho phép Basic\nYB-0001;YB-0001-D1;Có\n", encoding="utf-8")
    assert "(YB-0001-D1)" in run("import", str(clear), "--dry-run").output, "no file allows it a known device"
    refused = run("import", str(wrong))
    assert refused.exit_code == 1
    assert "A2  NAME_MISSING  Điểm lắp đặt chưa có tên.\n    The point has no name.\n" in refused.output
    assert (tmp_path / "wrong-errors.xlsx").exists()
    assert "Nothing was changed" in run("import", str(wrong), "--language", "en").output
    wrong.write_text("Tên điểm;Phường\n" + "Cổng chợ;Tuy Lộc\n" * 12, encoding="utf-8")
    older = run("import", str(wrong)).output
    assert "B11 +2  UNIT_NOT_VALID" in older, "a sentence is said once"
    assert older.count("--units-on") == 2, "once in each language"
    assert "4 dòng" in run("export", str(tmp_path / "out.xlsx")).output
    assert run("template", str(tmp_path / "template.xlsx")).exit_code == 0
    other_kind = run("template", str(tmp_path / "template.csv"))
    assert (other_kind.exit_code, "đuôi .xlsx" in other_kind.output) == (1, True)
    assert not (tmp_path / "template.csv").exists()
    assert run("import", str(tmp_path / "none.csv")).exit_code == 1


def test_credentials_by_prompt_and_file(run: Run, tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("canary-1\n")
    run("site", "add", "north", "--interval", "300")
    assert run("credentials", "set", "a", "--user", "admin", typed="canary-2\n").exit_code == 0
    assert run("credentials", "set", "b", "--user", "x", "--password-file", str(secret)).exit_code == 0
    third = run(
        "credentials",
        "set",
        "c",
        "--user",
        "x",
        "--password-file",
        "-",
        "--site",
        "north",
        typed="canary-3\n",
    )
    assert third.exit_code == 0
    listed = run("credentials", "list").output
    assert "canary" not in listed
    assert "north" in listed
    assert "3" in run("credentials", "rotate").output
    assert run("credentials", "erase", "a").exit_code == 0
    assert "(đã xóa)" in run("credentials", "list").output
    assert run("credentials", "erase", "zz").exit_code == 1
    assert run("credentials", "set", "d", "--user", "x", "--site", "mars", typed="y\n").exit_code == 1
    assert "300" in run("site", "list").output


def test_eyes_go_out_of_service(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "ward.csv"
    source.write_text("Mã camera;Tên điểm;Phường\nE1;Cổng chợ;Yên Bái\n", encoding="utf-8")
    run("units", "load", "yen-bai")
    run("import", str(source))
    said = [run("eye", word, "E1").exit_code for word in ("suspend", "suspend", "resume", "retire", "retire")]
    assert said == [0, 1, 0, 0, 1]
    withdrawn = run("eye", "withdraw-access", "E1")
    assert (withdrawn.exit_code, "vẫn được giữ lại" in withdrawn.output) == (0, True)
    unknown = run("eye", "retire", "E9")
    assert (unknown.exit_code, "E9" in unknown.output) == (1, True)


@pytest.mark.parametrize("words", [("export", "x.csv"), ("export", "x.xlsx"), ("template", "x.xlsx")])
def test_a_file_that_cannot_be_written_is_a_refusal(run: Run, tmp_path: Path, words: tuple[str, str]) -> None:
    command, name = words
    nowhere = run(command, str(tmp_path / "nowhere" / name))
    assert (nowhere.exit_code, nowhere.stdout) == (1, "")
    assert nowhere.stderr.endswith(f"/nowhere/{name}: không có tệp hoặc thư mục này\n")
    full = tmp_path / name
    full.symlink_to("/dev/full")
    assert run(command, str(full)).stderr.endswith(f"/{name}: ổ đĩa đã hết chỗ trống\n")


def test_what_is_wrong_is_told_where_the_marked_copy_cannot_be_written(run: Run, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("Tên điểm;Phường;Số mắt\n;Yên Bái;4\n", encoding="utf-8")
    run("units", "load", "yen-bai")
    refused = run("import", str(wrong), "--marked", str(tmp_path / "nowhere" / "marked.xlsx"))
    assert refused.exit_code == 1
    assert "A2  NAME_MISSING" in refused.stderr
    assert "Chưa có gì được thay đổi. Số ô sai: 1." in refused.stderr
    assert "marked.xlsx: không có tệp hoặc thư mục này" in refused.stderr


def test_a_key_that_cannot_be_read_is_a_refusal(run: Run, tmp_path: Path) -> None:
    key = tmp_path / "var" / "credential.key"
    key.mkdir(parents=True)
    refused = run("import", str(tmp_path / "any.csv"))
    assert refused.exit_code == 1
    assert refused.stderr == f"Hệ thống từ chối {key}: đây là thư mục, không phải tệp\n"


def test_a_database_of_a_later_version_is_left_alone(run: Run, database_url: str) -> None:
    run("units", "load", "yen-bai")
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    refused = run("units", "list")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "phiên bản mới hơn của chương trình ghi (9999)" in refused.stderr
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == "9999"
    engine.dispose()


def test_what_was_not_kept_is_not_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loaded = settings.load(data_dir=tmp_path)
    with suppress(OSError), said_when_done():
        say(loaded, "kept")
        raise OSError("the disk is full as it is committed")
    with said_when_done():
        say(loaded, "kept")
        assert capsys.readouterr().out == ""
    assert capsys.readouterr().out == "kept\n"
