"""Who has a point and since when, and the queue of those that nobody was handed."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import custody, models
from camera_registry.audit import Action, Actor, ReasonError
from camera_registry.custody import Custody, CustodyError, Why
from camera_registry.db import Database
from camera_registry.inventory import InventoryError
from camera_registry.units import Scope, UnitTree, load_data_set
from tests.databases import sqlite_in

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
TODAY = date(2026, 11, 22)
CLERK = Actor("clerk", "cli")
CITY = Scope.everything()
EVER = date(2025, 3, 1)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    yield from registry(database_url)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """One registry for those who leave nothing behind."""
    yield from registry(sqlite_in(tmp_path_factory.mktemp("custody")))


def registry(url: str) -> Iterator[Session]:
    """Three points in phường Đồng Tâm of old, each with an eye."""
    database = Database(url)
    with database.transaction() as session:
        load_data_set(session, "yen-bai")
        dong_tam = session.scalars(select(models.Unit.id).where(models.Unit.uid == "04261-1")).one()
        site = models.Site(code="S1")
        session.add(site)
        session.flush()
        for code in ("P1", "P2", "P3"):
            point = models.Point(code=code, name=f"Điểm {code}")
            session.add(point)
            session.flush()
            session.add(models.PointUnit(point_id=point.id, unit_id=dong_tam))
            device = models.Device(code=code, point_id=point.id, site_id=site.id)
            session.add(device)
            session.flush()
            session.add(models.Eye(code=f"{code}-1", device_id=device.id))
        session.flush()
        yield session
    database.close()


def give(
    session: Session,
    manager: str,
    first: date,
    last: date | None = None,
    *,
    code: str = "P1",
    handed_over_on: date | None = None,
) -> Custody:
    return custody.set_custody(
        *(session, CLERK, code, manager, first, NOW, ZONE), last=last, handed_over_on=handed_over_on
    )


def story(session: Session, code: str = "P1") -> list[tuple[str, date, date | None]]:
    found = custody.history(session, CITY, TODAY, code)
    assert found is not None
    return [(each.manager, each.first, each.last) for each in found]


def test_a_custody_has_its_days_its_payers_and_its_minutes(session: Session) -> None:
    kept = custody.set_custody(
        *(session, CLERK, "P1", "  Công an phường  Yên Bái ", date(2025, 7, 1), NOW, ZONE),
        electricity="UBND phường Yên Bái",
        internet="Hộ ông A",
        handed_over_on=date(2025, 7, 15),
        document="BB 03/BB-BG",
        phone=" 0216  3852 999 ",
    )
    assert kept == Custody(
        *(
            "P1",
            "Điểm P1",
            date(2025, 7, 1),
            None,
            "Công an phường Yên Bái",
            "UBND phường Yên Bái",
            "Hộ ông A",
        ),
        *(date(2025, 7, 15), "BB 03/BB-BG", "0216 3852 999"),
    )
    assert custody.history(session, CITY, TODAY, "P1") == [kept]
    assert custody.present(session, CITY, TODAY) == [kept]
    assert custody.present(session, CITY, date(2025, 6, 30)) == []
    assert custody.history(session, CITY, TODAY, "P9") is None
    deed = session.scalars(select(models.Audit)).one()
    assert (deed.action, deed.subject, deed.detail["after"]["manager"]) == (
        *(Action.CUSTODY_SET, "point:P1"),
        "Công an phường Yên Bái",
    )


def test_who_follows_ends_who_was_before(session: Session) -> None:
    give(session, "A", date(2024, 1, 1))
    give(session, "C", date(2026, 1, 1))
    give(session, "B", date(2025, 1, 1))
    assert story(session) == [
        ("A", date(2024, 1, 1), date(2024, 12, 31)),
        ("B", date(2025, 1, 1), date(2025, 12, 31)),
        ("C", date(2026, 1, 1), None),
    ]
    give(session, "D", date(2025, 1, 1))
    assert story(session)[1] == ("D", date(2025, 1, 1), date(2025, 12, 31)), "the same day again corrects"
    with pytest.raises(CustodyError, match="01/01/2026"):
        give(session, "E", date(2025, 6, 1), date(2026, 2, 1))
    give(session, "E", date(2025, 6, 1), date(2025, 7, 31))
    assert story(session)[1:3] == [
        ("D", date(2025, 1, 1), date(2025, 5, 31)),
        ("E", date(2025, 6, 1), date(2025, 7, 31)),
    ]


def test_a_custody_ends_and_nobody_follows(session: Session) -> None:
    give(session, "A", date(2024, 1, 1))
    with pytest.raises(ReasonError):
        custody.end_custody(session, CLERK, "P1", EVER, NOW, ZONE, reason="")
    custody.end_custody(session, CLERK, "P1", EVER, NOW, ZONE, reason="Đội giải thể")
    assert story(session) == [("A", date(2024, 1, 1), EVER)]
    assert custody.present(session, CITY, EVER)[0].manager == "A"
    for last in (EVER, date(2023, 12, 31), date(2026, 1, 1)):
        with pytest.raises(CustodyError, match="No custody"):
            custody.end_custody(session, CLERK, "P1", last, NOW, ZONE, reason="x")
    deed = session.scalars(select(models.Audit).where(models.Audit.action == Action.CUSTODY_ENDED)).one()
    assert (deed.reason, deed.detail) == (
        "Đội giải thể",
        {"manager": "A", "before": {"to": None}, "after": {"to": "2025-03-01"}},
    )


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        pytest.param({"manager": " "}, "needs a manager", id="nobody"),
        pytest.param({"manager": "x" * 201}, "longer than 200", id="too long a name"),
        pytest.param({"last": date(2024, 12, 31)}, "ends on the day", id="ended before it began"),
        pytest.param({"first": date(1901, 1, 1)}, "01/01/1901", id="long ago"),
        pytest.param({"handed_over_on": date(2206, 1, 1)}, "01/01/2206", id="a mistyped year"),
    ],
)
def test_what_cannot_be_is_refused(known: Session, said: dict[str, object], reason: str) -> None:
    given: dict[str, object] = {"manager": "A", "first": date(2025, 1, 1)} | said
    with pytest.raises(CustodyError, match=reason):
        give(known, **given)  # type: ignore[arg-type]  # any of its fields
    with pytest.raises(InventoryError, match="P9"):
        give(known, "A", date(2025, 1, 1), code="P9")
    assert story(known) == []


days = st.dates(date(2024, 1, 1), date(2024, 2, 1))


@settings(max_examples=60)
@given(st.lists(st.tuples(days, st.none() | days), max_size=8))
def test_custodies_of_a_point_never_overlap(known: Session, wanted: list[tuple[date, date | None]]) -> None:
    trial = known.begin_nested()
    for number, (first, last) in enumerate(wanted):
        try:
            kept = give(known, f"M{number}", first, last)
        except CustodyError:
            continue
        assert kept.first == first
    told = story(known)
    trial.rollback()
    for (_, first, last), (_, following, _) in pairwise(told):
        assert last is not None
        assert first <= last < following


# --- the queue --------------------------------------------------------------------------------------


def waiting(session: Session, day: date = TODAY) -> list[tuple[str, Why, date | None]]:
    return [(each.point, each.why, each.since) for each in custody.queue(session, CITY, day, ZONE)]


def test_the_queue_names_who_waits_why_and_since_when(session: Session) -> None:
    assert waiting(session) == [(code, Why.NOBODY, None) for code in ("P1", "P2", "P3")]
    give(session, "UBND phường Đồng Tâm", date(2022, 5, 1), handed_over_on=date(2022, 5, 1))
    give(session, "Công an phường Yên Bái", date(2025, 7, 1), code="P2")
    give(session, "Công an phường Yên Bái", date(2025, 7, 1), handed_over_on=date(2025, 7, 9), code="P3")
    custody.end_custody(session, CLERK, "P3", date(2026, 1, 31), NOW, ZONE, reason="trả lại")
    assert waiting(session) == [
        ("P1", Why.DISSOLVED, date(2025, 7, 1)),
        ("P2", Why.NOT_HANDED_OVER, date(2025, 7, 1)),
        ("P3", Why.NOBODY, date(2026, 2, 1)),
    ]
    first = custody.queue(session, CITY, TODAY, ZONE)[0]
    assert (first.unit, first.eyes, first.manager) == ("Phường Yên Bái", 1, "UBND phường Đồng Tâm")
    assert waiting(session, date(2025, 6, 30)) == [("P2", Why.NOBODY, None), ("P3", Why.NOBODY, None)]
    give(session, "UBND phường Yên Bái", date(2026, 3, 1), handed_over_on=date(2026, 3, 1), code="P1")
    assert [code for code, *_ in waiting(session)] == ["P2", "P3"]


def test_points_of_retired_eyes_wait_for_nobody(session: Session) -> None:
    eye = session.scalars(select(models.Eye).where(models.Eye.code == "P1-1")).one()
    eye.retired_at = NOW
    session.flush()
    assert [code for code, *_ in waiting(session)] == ["P2", "P3"]


def test_the_queue_is_cut_to_a_scope(session: Session) -> None:
    give(session, "A", date(2025, 1, 1))
    units = {unit.uid: unit.id for unit in UnitTree.load(session).units.values()}
    ours, others = (Scope.of([units[uid]]) for uid in ("04252-2", "04273-3"))
    assert len(custody.queue(session, ours, TODAY, ZONE)) == 3
    assert custody.queue(session, others, TODAY, ZONE) == []
    assert (len(custody.present(session, ours, TODAY)), custody.present(session, others, TODAY)) == (1, [])
    assert custody.history(session, others, TODAY, "P1") is None


@pytest.mark.parametrize(
    ("manager", "first", "dissolved"),
    [
        pytest.param("UBND phường Đồng Tâm", EVER, "04261-1", id="a ward's committee"),
        pytest.param("Công an P. Đồng Tâm", EVER, "04261-1", id="abbreviated"),
        pytest.param("ubnd PHUONG dong tam (tổ 4)", EVER, "04261-1", id="without marks, with more words"),
        pytest.param("Đội quản lý đô thị thành phố Yên Bái", EVER, "132-1", id="the city"),
        pytest.param("UBND tỉnh Yên Bái", EVER, "15-1", id="the province"),
        pytest.param("UBND phường Nguyễn Phúc", date(2024, 1, 1), "04264-1", id="dissolved in 2024"),
        pytest.param("UBND phường Hồng Hà", date(2024, 1, 1), "04264-2", id="which grew in 2024"),
        pytest.param("UBND phường Nam Cường", EVER, None, id="which goes on, larger"),
        pytest.param("UBND phường Yên Bái", date(2025, 7, 1), None, id="of today"),
        pytest.param("UBND tỉnh Lào Cai", date(2025, 7, 1), None, id="a province of today"),
        pytest.param("Công ty Đồng Tâm", EVER, None, id="a company of that name"),
        pytest.param("Hộ ông Nguyễn Văn A", EVER, None, id="a household"),
        pytest.param("UBND phường Đồng Tâm", date(2025, 7, 1), None, id="one that was not there any more"),
        pytest.param("", EVER, None, id="nothing"),
    ],
)
def test_a_manager_that_a_reorganisation_dissolved(
    known: Session, manager: str, first: date, dissolved: str | None
) -> None:
    unit = custody.dissolved_unit(UnitTree.load(known), manager, first, TODAY)
    assert (unit.uid if unit else None) == dissolved
    assert custody.dissolved_unit(UnitTree.load(known), manager, first, max(first, EVER)) is None or (
        dissolved == "04264-1"
    )
