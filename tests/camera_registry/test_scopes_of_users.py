"""What a user sees, made of old units and new: the traps of a reorganisation."""

from collections.abc import Iterator
from datetime import date

import pytest
from sqlalchemy.orm import Session

from camera_registry import models, queries
from camera_registry.auth import scopes
from camera_registry.db import Database
from tests.dashboards.city import NOW, REORGANISED, add_point, add_wards
from tests.databases import sqlite_in

LAST = date(2025, 6, 30)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The wards of ``city.py``, and what makes them hard.

    04543 was Minh Bảo before it became Âu Lâu's; Giới Phiên was split; a point moved to the other ward.
    """
    database = Database(sqlite_in(tmp_path_factory.mktemp("users")))
    with database.transaction() as session:
        wards = add_wards(session)
        reused = _unit(session, "04543", "Xã Minh Bảo", wards.city, ends=True)
        split = _unit(session, "04282", "Xã Giới Phiên", wards.city, ends=True)
        elsewhere = _unit(session, "04252-2", "Phường Yên Bái", wards.province)
        for before, after in ((reused, elsewhere), (split, wards.nam_cuong), (split, wards.au_lau)):
            session.add(models.UnitSuccessor(unit_id=before, successor_id=after))
        for code, unit in (
            *(("OLD", wards.tuy_loc), ("NEW", wards.nam_cuong), ("HM", wards.hop_minh)),
            *(("MB", reused), ("SPLIT", split), ("MOVED", wards.tuy_loc)),
        ):
            add_point(session, code, unit)
        moved = session.query(models.Point).filter_by(code="MOVED").one()
        session.add(models.PointUnit(point_id=moved.id, unit_id=wards.au_lau, valid_from=REORGANISED))
    yield database
    database.close()


def _unit(session: Session, uid: str, name: str, parent: int, *, ends: bool = False) -> int:
    unit = models.Unit(uid=uid, code=uid[:5], name=name, kind="xa" if ends else "phuong", parent_id=parent)
    unit.valid_from, unit.valid_to = (None, LAST) if ends else (REORGANISED, None)
    session.add(unit)
    session.flush()
    return unit.id


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        pytest.param(["04276"], {"OLD", "NEW"}, id="a ward that was merged: all of the ward that it became"),
        pytest.param(["04273-2"], {"OLD", "NEW"}, id="the ward of today: with its points of before"),
        pytest.param(["04543-2"], {"HM", "MOVED"}, id="a code that was used again, of today"),
        pytest.param(["04543"], {"MB"}, id="the same code, of before"),
        pytest.param(["04282"], {"OLD", "NEW", "HM", "MOVED", "SPLIT"}, id="a unit that was split: both"),
        pytest.param(["132"], {"OLD", "NEW", "HM", "MB", "MOVED", "SPLIT"}, id="the dissolved city"),
        pytest.param(["15-2"], {"OLD", "NEW", "HM", "MB", "MOVED", "SPLIT"}, id="the province"),
        pytest.param(["04276", "04543"], {"OLD", "NEW", "MB"}, id="two units"),
        pytest.param([], set(), id="none"),
    ],
)
def test_what_a_user_of_these_units_sees(database: Database, given: list[str], seen: set[str]) -> None:
    with database.transaction() as session:
        user = models.User(name="an", role="ward_officer", made_at=NOW, made_by="tests")
        session.add(user)
        session.flush()
        ids = session.query(models.Unit.id).filter(models.Unit.uid.in_(given))
        session.add_all(models.UserUnit(user_id=user.id, unit_id=row.id) for row in ids)
        session.flush()

        scope, names = scopes.of_user(session, user.id, everywhere=False)
        points = queries.point_ids(session, scope, NOW.date())

        codes = session.query(models.Point.code).filter(models.Point.id.in_(points))
        assert {row.code for row in codes} == seen
        assert len(names) == len(given)
        session.rollback()
