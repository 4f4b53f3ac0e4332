"""``report`` at the terminal: which days, which units, which file; and that a made-up year says so."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from camera_registry import models
from camera_registry.cli import app
from camera_registry.db import Database
from camera_registry.reports.value import Format
from tests.camera_registry.registries import fresh
from tests.databases import sqlite_in

Run = Callable[[str], Result]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Path]]:
    folder = tmp_path_factory.mktemp("reports")
    database, _ = fresh(sqlite_in(folder), 2)
    made = {"made_at": datetime(2026, 1, 1, tzinfo=UTC), "made_by": "an"}
    with database.transaction() as session:
        session.add(models.Programme(code="CT-1", name="Camera an ninh", **made))
        session.add(models.Proposal(addressee="UBND phường", title="Sửa camera", **made))
    yield database, folder
    database.close()


@pytest.fixture
def run(registry: tuple[Database, Path], monkeypatch: pytest.MonkeyPatch) -> Run:
    database, folder = registry
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", str(database.engine.url))
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(folder))
    monkeypatch.chdir(folder)
    return lambda words: CliRunner().invoke(app, ["report", *words.split()])


@pytest.mark.parametrize("ending", [pytest.param(form, id=form) for form in Format if form is not Format.PDF])
def test_a_file_is_what_its_ending_says(run: Run, registry: tuple[Database, Path], ending: Format) -> None:
    done = run(f"inventory --city --month 2026-09 --out inventory.{ending}")
    assert done.exit_code == 0, done.output
    assert (registry[1] / f"inventory.{ending}").stat().st_size > 200


@pytest.mark.parametrize(
    ("words", "name"),
    [
        pytest.param("uptime --city --month 2026-Q3 --format csv", "uptime-all-2026-Q3.csv", id="quarter"),
        pytest.param("uptime --unit u-1 --month 2026-02 --format csv", "uptime-u-1-2026-02.csv", id="unit"),
        pytest.param(
            "repairs --point P1 --from 2026-02-01 --to 2026-02-14 --format csv",
            "repairs-P1-2026-02-01_2026-02-14.csv",
            id="days of a point",
        ),
        pytest.param(
            "funding --programme CT-1 --month 2026-02 --format csv",
            "programme-CT-1-2026-02.csv",
            id="programme",
        ),
        pytest.param("programme CT-1 --month 2026 --format json", "programme-CT-1-2026.json", id="year"),
        pytest.param("proposal 1 --format csv", "proposal-1.csv", id="proposal"),
    ],
)
def test_a_file_is_named_after_its_report(
    run: Run, registry: tuple[Database, Path], words: str, name: str
) -> None:
    done = run(words)
    assert done.exit_code == 0, done.output
    assert (registry[1] / name).is_file()
    with registry[0].reading() as session:
        newest = session.scalars(select(models.Audit).order_by(models.Audit.id.desc())).first()
        assert newest is not None
        assert (newest.action, newest.subject) == ("exported", f"file:{name}")


def test_a_unit_is_found_by_its_name_on_its_day(run: Run, registry: tuple[Database, Path]) -> None:
    done = CliRunner().invoke(
        app, ["report", "inventory", "--unit", "phuong yen bai", "--month", "2026-09", "--out", "named.json"]
    )
    assert done.exit_code == 0, done.output
    assert "Phường Yên Bái" in json.loads((registry[1] / "named.json").read_text())["about"]


def test_either_language(run: Run, registry: tuple[Database, Path]) -> None:
    for language, title in (("vi", "Danh mục camera an ninh"), ("en", "Inventory of security cameras")):
        assert run(f"inventory --city --language {language} --out titled.json").exit_code == 0
        assert json.loads((registry[1] / "titled.json").read_text())["title"] == title


def test_a_folder_of_pages_has_one_of_each_point(run: Run, registry: tuple[Database, Path]) -> None:
    done = run("disclosure --city --month 2026-09 --folder pages")
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in (registry[1] / "pages").iterdir()) == [
        "disclosure-P1-2026-09.html",
        "disclosure-P2-2026-09.html",
        "disclosure-all-2026-09.html",
        "index.html",
    ]
    assert "<script" not in "".join(path.read_text() for path in (registry[1] / "pages").iterdir())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param("uptime", 2, id="about nothing"),
        pytest.param("uptime --city --point P1", 2, id="about two things"),
        pytest.param("uptime --city --month 2026-09 --from 2026-09-01", 1, id="two periods"),
        pytest.param("uptime --city --from 2026-09-01", 1, id="half a period"),
        pytest.param("uptime --city --month 2026-13", 1, id="no month"),
        pytest.param("uptime --city --from 2026-09-02 --to 2026-09-01", 1, id="backwards"),
        pytest.param("inventory --unit nowhere", 1, id="no unit"),
        pytest.param("inventory --point P9", 1, id="no point"),
        pytest.param("programme CT-9", 1, id="no programme"),
        pytest.param("proposal 9", 1, id="no proposal"),
        pytest.param("inventory --city --out list.odt", 1, id="no such file"),
        pytest.param("inventory --city --out nowhere/list.csv", 1, id="no such folder"),
        pytest.param("inventory --city --language fr", 1, id="no such language"),
        pytest.param("disclosure --city --month 2099-01", 1, id="to come"),
        pytest.param("disclosure --city --folder pages --format pdf", 2, id="a folder of PDF"),
    ],
)
def test_refused(run: Run, words: str, code: int) -> None:
    done = run(words)
    assert done.exit_code == code, done.output
    assert "Traceback" not in done.output


def test_a_file_is_for_its_owner_and_is_replaced_whole(run: Run, registry: tuple[Database, Path]) -> None:
    file = registry[1] / "list.json"
    file.write_text("of last month")
    with file.open() as opened:
        assert run("inventory --city --month 2026-09 --out list.json").exit_code == 0
        assert opened.read() == "of last month", "who reads it now reads it to its end"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in registry[1].iterdir() if path.name.startswith(".list")] == []
