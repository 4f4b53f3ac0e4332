"""Points move from unit to unit; what they belonged to stays, and figures follow."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import closings, models
from camera_registry.audit import Action, Actor
from camera_registry.db import Database
from camera_registry.inventory import InventoryError
from camera_registry.moving import LONGEST_DOCUMENT, Moved, MoveError, move_point
from camera_registry.units import UnitError, UnitNotValid, UnitTree, load_data_set, unit_at
from tests.databases import sqlite_in

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
CLERK = Actor("clerk", "cli")


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    yield from registry(database_url)


@pytest.fixture(scope="module")
def untouched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """For those who are refused: one registry serves them all."""
    yield from registry(sqlite_in(tmp_path_factory.mktemp("moving")))


def registry(url: str) -> Iterator[Session]:
    """The units of the city, and a point in xã Tuy Lộc of 2008."""
    database = Database(url)
    with database.transaction() as session:
        load_data_set(session, "yen-bai")
        tree = UnitTree.load(session)
        point = models.Point(code="YB-1", name="Cổng chợ")
        session.add(point)
        session.flush()
        tuy_loc = tree.resolve("04276-1", date(2020, 1, 1))
        session.add(models.PointUnit(point_id=point.id, unit_id=tuy_loc.id))
        session.flush()
        yield session
    database.close()


def move(session: Session, unit: str, first: date, document: str = "QĐ 12/QĐ-UBND") -> Moved:
    return move_point(session, CLERK, "YB-1", unit, first, NOW, ZONE, document=document)


def unit_on(session: Session, day: date) -> str:
    point_id = session.scalars(select(models.Point.id)).one()
    return unit_at(session, point_id, day).name


def rows(session: Session) -> list[date | None]:
    first = models.PointUnit.valid_from
    return list(session.scalars(select(first).order_by(first.asc().nulls_first())))


def test_a_point_moves_on_a_day_and_its_history_stays(session: Session) -> None:
    moved = move(session, "Phường Âu Lâu", date(2026, 3, 1))
    assert moved.before is not None
    assert (moved.before.name, moved.after.uid, moved.last) == ("Phường Nam Cường", "04543-3", None)
    assert unit_on(session, date(2024, 1, 1)) == "Xã Tuy Lộc"
    assert unit_on(session, date(2026, 2, 28)) == "Phường Nam Cường"
    assert unit_on(session, date(2026, 3, 1)) == "Phường Âu Lâu"
    deed = session.scalars(select(models.Audit)).one()
    assert (deed.action, deed.subject, deed.who) == (Action.POINT_MOVED, "point:YB-1", "clerk")
    assert deed.detail == {
        "from": "2026-03-01",
        "until": None,
        "before": {"unit": "04273-3"},
        "after": {"unit": "04543-3"},
        "document": "QĐ 12/QĐ-UBND",
        "corrected": False,
    }


def test_the_same_day_again_corrects(session: Session) -> None:
    day = date(2026, 3, 1)
    move(session, "Phường Âu Lâu", day)
    move(session, "Phường Văn Phú", day)
    assert (unit_on(session, day), rows(session)) == ("Phường Văn Phú", [None, day])
    move(session, "Phường Nam Cường", day)
    assert (unit_on(session, day), rows(session)) == ("Phường Nam Cường", [None]), "it never moved"
    assert session.query(models.Audit).count() == 3


def test_a_move_into_the_past_ends_where_the_next_begins(session: Session) -> None:
    move(session, "Phường Âu Lâu", date(2026, 3, 1))
    moved = move(session, "Phường Văn Phú", date(2025, 9, 1))
    assert moved.last == date(2026, 2, 28)
    names = [
        unit_on(session, date(*day)) for day in ((2025, 8, 31), (2025, 9, 1), (2026, 2, 28), (2026, 3, 1))
    ]
    assert names == ["Phường Nam Cường", "Phường Văn Phú", "Phường Văn Phú", "Phường Âu Lâu"]


def test_a_move_to_come_may_be_entered(session: Session) -> None:
    moved = move(session, "Phường Âu Lâu", date(2027, 1, 1))
    assert (moved.closed, unit_on(session, date(2026, 12, 31))) == ((), "Phường Nam Cường")


def test_a_name_means_the_unit_of_that_day(session: Session) -> None:
    assert move(session, "04543", date(2019, 5, 1)).after.uid == "04543-1"
    assert unit_on(session, date(2019, 5, 1)) == "Xã Giới Phiên"
    assert unit_on(session, date(2026, 1, 1)) == "Phường Âu Lâu", "which it became"


@pytest.mark.parametrize(
    ("unit", "day", "error", "said"),
    [
        pytest.param("Đồng Tâm", date(2026, 1, 1), UnitNotValid, "04261-1.*→ Phường Yên Bái", id="ended"),
        pytest.param("04261-1", date(2026, 1, 1), UnitNotValid, "04252-2", id="an old version"),
        pytest.param("04252-2", date(2025, 1, 1), UnitNotValid, "04252-2", id="a version to come"),
        pytest.param("Yên Bái", date(2023, 1, 1), UnitError, "132-1.*15-1|15-1.*132-1", id="two of a name"),
        pytest.param("TP Yên Bái", date(2023, 1, 1), UnitError, "belongs to one of.*Tuy Lộc", id="a city"),
        pytest.param("Tỉnh Lào Cai", date(2026, 1, 1), UnitError, "Phường Nam Cường", id="a province"),
        pytest.param("Atlantis", date(2026, 1, 1), UnitError, "Atlantis", id="nowhere"),
        pytest.param("Nam Cường", date(2026, 1, 1), MoveError, "already", id="where it is"),
        pytest.param("Âu Lâu", date(1980, 1, 1), MoveError, "01/01/1980", id="before all records"),
        pytest.param("Âu Lâu", date(2206, 1, 1), MoveError, "too far ahead", id="a mistyped year"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    untouched: Session, unit: str, day: date, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        move(untouched, unit, day)
    assert rows(untouched) == [None]
    assert untouched.query(models.Audit).count() == 0


def test_a_move_names_its_document(untouched: Session) -> None:
    for document in ("", "  ", "x" * (LONGEST_DOCUMENT + 1)):
        with pytest.raises(MoveError, match="document"):
            move(untouched, "Phường Âu Lâu", date(2026, 3, 1), document)


def test_an_unknown_point_is_refused(untouched: Session) -> None:
    with pytest.raises(InventoryError, match="YB-9"):
        move_point(untouched, CLERK, "YB-9", "Âu Lâu", date(2026, 3, 1), NOW, ZONE, document="x")


def test_closed_months_are_named_and_stay(session: Session) -> None:
    site = models.Site(code="S1")
    session.add(site)
    session.flush()
    point_id = session.scalars(select(models.Point.id)).one()
    device = models.Device(code="D1", point_id=point_id, site_id=site.id)
    session.add(device)
    session.flush()
    session.add(models.Eye(code="E1", device_id=device.id, commissioned_at=NOW - timedelta(days=900)))
    session.flush()
    months = [date(2026, 7, 1), date(2026, 8, 1), date(2026, 9, 1)]
    for month in months:
        closings.close(session, CLERK, month, NOW, ZONE, lateness=timedelta(days=7))
    kept = [closings.frozen(session, month) for month in months]
    assert move(session, "Phường Âu Lâu", date(2026, 9, 1)).closed == (date(2026, 9, 1),)
    assert move(session, "Phường Văn Phú", date(2026, 7, 31)).closed == (date(2026, 7, 1), date(2026, 8, 1))
    assert [closings.frozen(session, month) for month in months] == kept
    both = closings.amend(session, CLERK, date(2026, 7, 1), NOW, ZONE, reason="QĐ 12/QĐ-UBND")
    names = {unit.id: unit.name for unit in UnitTree.load(session).units.values()}
    days = {
        names[each.unit_id]: each.tally.unknown / 86_400_000_000 for each in both.after.eyes if each.unit_id
    }
    assert days == {"Xã Tuy Lộc": 30, "Phường Văn Phú": 1}
