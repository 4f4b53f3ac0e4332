"""A ward as its officer sees it: what is wrong first, whose job it is, and nothing of other wards."""

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from camera_registry import custody, handling, models, wards
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.incidents import Kind
from camera_registry.units import Scope
from camera_registry.wards import Ward
from tests.dashboards.city import NOW, Wards
from tests.dashboards.ward import CITY, FORMER, OTHER_WARD, WARD, ZONE, fill_morning
from tests.databases import sqlite_in


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Wards]]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("wards")))
    yield database, fill_morning(database)
    database.close()


def ward(database: Database, uid: str, scope: Scope | None = None) -> Ward | None:
    with database.reading() as session:
        return wards.ward(session, scope or Scope.everything(), NOW, ZONE, uid)


def test_what_is_wrong_stands_first(town: tuple[Database, Wards]) -> None:
    database, places = town
    found = ward(database, WARD, Scope.of([places.nam_cuong]))
    assert found is not None
    assert [point.code for point in found.wrong] == ["NC1", "NC2", "NC3"], "what fell last, then what is poor"
    assert [eye.code for eye in found.wrong[1].eyes] == ["NC2-A", "NC2-B"]
    assert found.wrong[0].address == "Đường Hoà Bình, tổ dân phố số 4"
    assert [point.code for point in found.waiting] == ["NC4"]
    assert found.well == []
    assert (found.totals.eyes, found.totals.backlog) == (9, 1)
    assert found.causes["NC1-B"].kind is Kind.POINT
    assert (found.became, found.below, found.windows, set(found.covered)) == ([], [], [], set())


def test_whose_job_the_repair_is(town: tuple[Database, Wards]) -> None:
    found = ward(town[0], WARD)
    assert found is not None
    held: list[custody.Custody | None] = [point.custody for point in found.wrong]
    assert [each.manager if each else None for each in held] == [None, "Công an phường Nam Cường", None]


def test_what_nobody_has_acknowledged_stands_first(town: tuple[Database, Wards]) -> None:
    database, _ = town
    found = ward(database, WARD)
    assert found is not None
    assert [each.code for each in found.inbox] == ["NC2-A", "NC1"], "180 minutes of an eye, 50 of three"
    with database.transaction() as session:
        note = handling.acknowledge(session, Actor("hoa", "cli"), NOW, found.inbox[0])
    again = ward(database, WARD)
    assert again is not None
    assert [each.id for each in again.inbox] == [each.id for each in reversed(found.inbox)]
    assert again.acknowledged == {found.inbox[0].id: note}


def test_a_former_unit_says_what_it_became(town: tuple[Database, Wards]) -> None:
    database, places = town
    found = ward(database, FORMER)
    assert found is not None
    assert [unit.uid for unit in found.became] == [WARD]
    assert [(below.uid, below.totals.eyes) for below in found.below] == [(WARD, 9)]
    city = ward(database, CITY)
    assert city is not None
    assert [(below.uid, below.totals.eyes) for below in city.below] == [(OTHER_WARD, 2), (WARD, 9)]
    assert ward(database, CITY, Scope.of([places.au_lau])) is None, "more than who sees one part may see"


@pytest.mark.parametrize("uid", [WARD, FORMER, "15-2", "nowhere"])
def test_what_is_not_in_scope_is_not_there(town: tuple[Database, Wards], uid: str) -> None:
    database, places = town
    scope = Scope.of([places.au_lau])
    assert ward(database, uid, scope) is None
    with database.reading() as session:
        assert wards.month(session, scope, NOW, ZONE, uid) is None


def test_the_month_is_that_of_its_eyes(town: tuple[Database, Wards]) -> None:
    database, places = town
    with database.reading() as session:
        month = wards.month(session, Scope.of([places.au_lau]), NOW, ZONE, OTHER_WARD)
        eyes = session.scalars(select(models.Eye.id).where(models.Eye.code.like("AL1%"))).all()
    assert month is not None
    assert (month.down, len(eyes)) == (3_600_000_000, 2)
    assert month.availability == pytest.approx(51 / 52)
