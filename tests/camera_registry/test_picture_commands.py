"""The commands about pictures, as a person types them: each leaves a word, its author, a line of audit."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from typer.testing import CliRunner, Result

from camera_registry import models
from camera_registry.cli import app
from camera_registry.db import Database
from tests.camera_registry.registries import LONG_AGO, fresh

Run = Callable[..., Result]


@pytest.fixture
def registry(database_url: str) -> Iterator[Database]:
    """E1 has a baseline that waits; nobody reaches E2 over a network."""
    database, _ = fresh(database_url, 2)
    with database.transaction() as session:
        ids = {eye.code: eye.id for eye in session.scalars(select(models.Eye))}
        session.add(
            models.Baseline(
                eye_id=ids["E1"], mode="colour", brightness=118.0, contrast=40.0, sharpness=0.21,
                edges=b"\x01" * 8, samples=24, proposed_at=LONG_AGO,
            )
        )  # fmt: skip
        session.get_one(models.Eye, ids["E2"]).reach = "reported"
    yield database
    database.close()


@pytest.fixture
def run(registry: Database, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("CAMERA_REGISTRY_DATABASE_URL", database_url)
    monkeypatch.setenv("CAMERA_REGISTRY_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, list(words))

    return invoke


def audited(registry: Database) -> list[tuple[str, str, str]]:
    with registry.reading() as session:
        rows = session.execute(
            select(models.Audit.action, models.Audit.subject, models.Audit.origin).order_by(models.Audit.id)
        )
        return [(action, subject, origin) for action, subject, origin in rows]


def test_a_baseline_is_approved_then_reset(run: Run, registry: Database) -> None:
    assert "E1" in run("baseline", "list").output
    assert run("baseline", "approve", "E1", "colour").exit_code == 0
    assert "E1" not in run("baseline", "list").output
    assert run("baseline", "approve", "E1", "colour").exit_code == 1, "none waits any more"
    assert "1 " in run("baseline", "reset", "E1", "--reason", "turned").output
    assert audited(registry) == [
        ("baseline_approved", "eye:E1", "cli"),
        ("baselines_reset", "eye:E1", "cli"),
    ]


def test_a_baseline_is_rejected(run: Run, registry: Database) -> None:
    assert run("baseline", "reject", "E1", "colour", "--reason", "blurred").exit_code == 0
    assert [action for action, _, _ in audited(registry)] == ["baseline_rejected"]


@pytest.mark.parametrize(
    ("said", "grade"),
    [
        pytest.param("tot", "good", id="tot"),
        pytest.param("khong-ro-net", "unclear", id="khong-ro-net"),
        pytest.param("Không có hình", "no_picture", id="in words"),
        pytest.param("unclear", "unclear", id="in English"),
    ],
)
def test_a_grade_is_kept_with_its_author(run: Run, registry: Database, said: str, grade: str) -> None:
    done = run("grade", "E1", said, "--note", "lá che")
    assert done.exit_code == 0, done.output
    with registry.reading() as session:
        row = session.scalars(select(models.PictureGrade)).one()
        assert (row.grade, row.note, bool(row.by)) == (grade, "lá che", True)


def test_a_report_of_one_eye_and_of_a_file(run: Run, registry: Database, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("Mã camera;Tình trạng;Người báo cáo\nE2;Hỏng;Tổ trưởng\n", encoding="utf-8")
    bad.write_text("Mã camera;Tình trạng\nE1;Hỏng\nE9;Tốt\n", encoding="utf-8")
    assert run("reported", "E2", "tốt", "--day", "2026-01-02", "--by", "Tổ trưởng").exit_code == 0
    assert "1 " in run("reported", str(good)).output
    refused = run("reported", str(bad))
    assert refused.exit_code == 1
    assert "A2" in refused.output
    assert "A3" in refused.output
    with registry.reading() as session:
        said = session.scalars(select(models.ReportWord).order_by(models.ReportWord.at)).all()
        assert [(row.word, row.by) for row in said] == [
            ("working", "Tổ trưởng"),
            ("not_working", "Tổ trưởng"),
        ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        pytest.param(["grade", "E1", "đẹp"], "khong-co-hinh", id="no such grade"),
        pytest.param(["grade", "E404", "tot"], "E404", id="no such eye"),
        pytest.param(["reported", "E1", "tốt"], "E1", id="a measured eye"),
        pytest.param(["reported", "E2", "lạ"], "Hoạt động", id="no such word"),
        pytest.param(["reported", "nowhere.csv"], "nowhere.csv", id="no such file"),
        pytest.param(["baseline", "reject", "E2", "grey"], "E2", id="no baseline"),
    ],
)
def test_refused(run: Run, registry: Database, words: list[str], says: str) -> None:
    done = run(*words)
    assert done.exit_code == 1
    assert says in done.output
    assert audited(registry) == []
