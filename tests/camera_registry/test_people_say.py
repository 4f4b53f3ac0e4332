"""Grades, reports of eyes that no network reaches, and pictures that are kept because a record says so."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import grades, inventory, models, pictures, queries, reported
from camera_registry.audit import Actor
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.grades import Grade
from camera_registry.imports.faults import Fault
from camera_registry.imports.workbook import Sheet, read_workbook
from camera_registry.inventory import Word
from camera_registry.pictures import PictureError
from camera_registry.queries import EyeRow, Overlay
from camera_registry.reported import ReportError
from camera_registry.units import Scope
from tests.camera_registry.registries import add_eyes

NOW = datetime(2026, 9, 10, 3, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
WHO = Actor("Tổ trưởng tổ 4", "cli", request_id="r-1")


@pytest.fixture
def session(session: Session) -> Session:
    add_eyes(session, 2)
    inventory.eye_by_code(session, "E2").reach = "reported"
    session.flush()
    return session


def listed(session: Session, code: str = "E2", now: datetime = NOW) -> EyeRow:
    rows = queries.eyes(session, Scope.everything(), now, ZONE)
    return next(row for row in rows if row.code == code)


def say(session: Session, word: Word, at: datetime, code: str = "E2") -> None:
    eye = inventory.eye_by_code(session, code)
    reported.report(session, eye, word, at, WHO, NOW, days=30)


def deeds(session: Session) -> list[tuple[str, str]]:
    return [(row.action, row.subject) for row in session.scalars(select(models.Audit))]


# --- reports ----------------------------------------------------------------------------------------


def test_a_word_holds_for_its_term_and_is_no_measured_figure(session: Session) -> None:
    """T17 of the truth vectors."""
    say(session, Word.WORKING, NOW)

    row = listed(session)
    assert row.reported is not None
    assert (row.reported.word, row.reported.by, row.reported.at) == (Word.WORKING, "Tổ trưởng tổ 4", NOW)
    assert (row.overlay, row.state) == (Overlay.REPORTED, None)
    totals = queries.totals([row])
    assert (totals.measured, totals.working, totals.coverage) == (0, None, None)
    assert listed(session, now=NOW + timedelta(days=29)).reported is not None
    assert listed(session, now=NOW + timedelta(days=30)).reported is None
    assert deeds(session) == [("report_taken", "eye:E2")]


def test_the_newest_word_counts(session: Session) -> None:
    say(session, Word.NOT_WORKING, NOW)
    say(session, Word.WORKING, NOW - timedelta(days=1))

    row = listed(session)
    assert row.reported is not None
    assert row.reported.word is Word.NOT_WORKING


def test_nobodys_word_counts_for_an_eye_that_is_measured(session: Session) -> None:
    with pytest.raises(ReportError, match="E1"):
        say(session, Word.WORKING, NOW, "E1")
    with pytest.raises(ReportError):
        say(session, Word.WORKING, NOW + timedelta(seconds=1))
    assert listed(session, "E1").reported is None


def take(session: Session, *rows: list[str]) -> reported.Report:
    sheets = [Sheet("", [[*row] for row in rows])]
    return reported.import_report(session, sheets, WHO, NOW, ZONE, days=30)


HEAD = ["STT", "Mã camera", "Tình trạng", "Ngày báo cáo", "Người báo cáo", "Ghi chú"]


def test_a_group_heads_file(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "báo cáo.csv"
    path.write_text(
        "STT;Mã camera;Tình trạng;Ngày báo cáo;Người báo cáo;Ghi chú\n"
        "1;E2;Không rõ nét;09/09/2026;Ông Bình;ống kính bẩn\n",
        "utf-8",
    )
    for _ in range(2):  # the same file again changes nothing
        done = reported.import_report(session, read_workbook(path), WHO, NOW, ZONE, days=30)
        assert (done.words, done.problems) == (1, ())

    row = listed(session)
    assert row.reported is not None
    assert (row.reported.word, row.reported.by, row.reported.note) == (Word.POOR, "Ông Bình", "ống kính bẩn")
    assert row.reported.at == datetime(2026, 9, 9, tzinfo=ZONE)
    assert len(session.scalars(select(models.ReportWord)).all()) == 1


WRONG = [
    pytest.param(["1", "E9", "Hỏng"], Fault.EYE_UNKNOWN, "B2", id="no such eye"),
    pytest.param(["1", "E1", "Hỏng"], Fault.EYE_MEASURED, "B2", id="an eye on the network"),
    pytest.param(["1", "E2", "chắc là tốt"], Fault.CHOICE_INVALID, "C2", id="no such condition"),
    pytest.param(["1", "E2", ""], Fault.WORD_MISSING, "C2", id="no condition"),
    pytest.param(["1", "E2", "Tốt", "11/09/2026"], Fault.DATE_OUT_OF_RANGE, "D2", id="tomorrow"),
]


@pytest.mark.parametrize(("row", "fault", "cell"), WRONG)
def test_one_wrong_cell_and_nothing_is_taken(
    session: Session, row: list[str], fault: Fault, cell: str
) -> None:
    done = take(session, HEAD, row, ["2", "E2", "Tốt"])

    assert [(p.code, f"{p.column}{p.row}") for p in done.problems] == [(fault, cell)]
    assert done.words == 0
    assert session.scalars(select(models.ReportWord)).all() == []


@pytest.mark.parametrize(
    ("head", "fault"),
    [
        pytest.param(["Mã camera", "Ghi chú"], Fault.REPORT_COLUMN_MISSING, id="no condition"),
        pytest.param(["a", "b"], Fault.HEADER_MISSING, id="no header"),
    ],
)
def test_a_file_that_is_no_report(session: Session, head: list[str], fault: Fault) -> None:
    assert [p.code for p in take(session, head, ["E2", "Tốt"]).problems] == [fault]


# --- grades -----------------------------------------------------------------------------------------


def test_grades_are_kept_with_who_and_when(session: Session) -> None:
    eye = inventory.eye_by_code(session, "E1")
    grades.grade_picture(session, eye, Grade.GOOD, WHO, NOW - timedelta(days=1))
    grades.grade_picture(session, eye, Grade.UNCLEAR, WHO, NOW, "mạng nhện")

    detail = queries.eye(session, Scope.everything(), NOW, ZONE, "E1")
    assert detail is not None
    assert [(g.grade, g.by, g.note) for g in detail.grades] == [
        ("unclear", "Tổ trưởng tổ 4", "mạng nhện"),
        ("good", "Tổ trưởng tổ 4", ""),
    ]
    assert deeds(session) == [("grade_given", "eye:E1")] * 2


# --- pictures that are kept --------------------------------------------------------------------------

JPEG = b"\xff\xd8 a picture of the market gate \xff\xd9"


def keep(session: Session, store: CredentialStore, days: int | None) -> bool:
    session.scalars(select(models.Point).where(models.Point.code == "P1")).one().keep_pictures_days = days
    session.flush()
    return pictures.keep_picture(session, store, inventory.eye_by_code(session, "E1"), JPEG, NOW, NOW)


def test_no_picture_is_kept_unless_the_point_says_so(session: Session, store: CredentialStore) -> None:
    assert not keep(session, store, None)
    assert session.scalars(select(models.KeptPicture)).all() == []


def test_a_kept_picture_is_sealed_viewed_on_record_and_expires(
    session: Session, store: CredentialStore
) -> None:
    assert keep(session, store, 7)
    (row,) = session.scalars(select(models.KeptPicture)).all()
    assert b"market gate" not in row.sealed

    assert pictures.view_picture(session, store, row.id, WHO, NOW, "đơn trình báo") == JPEG
    (deed,) = session.scalars(select(models.Audit)).all()
    assert (deed.action, deed.subject, deed.reason, deed.request_id) == (
        "picture_viewed",
        "eye:E1",
        "đơn trình báo",
        "r-1",
    )

    over = NOW + timedelta(days=7)
    with pytest.raises(PictureError):
        pictures.view_picture(session, store, row.id, WHO, over)
    assert pictures.forget_expired(session, over - timedelta(seconds=1)) == 0
    assert pictures.forget_expired(session, over) == 1


def test_a_sealed_picture_opens_as_no_other_eyes(session: Session, store: CredentialStore) -> None:
    keep(session, store, 7)
    (row,) = session.scalars(select(models.KeptPicture)).all()
    row.eye_id = inventory.eye_by_code(session, "E2").id

    with pytest.raises(CredentialError):
        pictures.view_picture(session, store, row.id, WHO, NOW)


def test_nothing_is_kept_of_a_withdrawn_eye_nor_what_is_too_large(
    session: Session, store: CredentialStore
) -> None:
    assert keep(session, store, 7)
    eye = inventory.eye_by_code(session, "E1")
    with pytest.raises(PictureError):
        pictures.keep_picture(session, store, eye, b"x" * (pictures.MOST_BYTES + 1), NOW, NOW)

    inventory.withdraw_access(session, eye, NOW)

    assert session.scalars(select(models.KeptPicture)).all() == []
    assert not pictures.keep_picture(session, store, eye, JPEG, NOW + timedelta(hours=1), NOW)
