"""Repairs over the API, and cut to who asks."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from camera_registry import models
from camera_registry.audit import Actor
from camera_registry.auth.roles import Role
from camera_registry.repairs import deeds
from camera_registry.repairs.states import State
from camera_registry.units import Scope
from tests.camera_registry.registries import fresh
from tests.dashboards.city import NOW
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

URL = "/api/v1/repairs"
ZONE = UTC
HOA = Actor("hoa", "cli")
DAY = timedelta(days=1)
NOTHING = {"known": 0, "unknown": 0}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """A repair that was waiting for money for five days, and is being mended since yesterday."""
    database, _ = fresh(sqlite_in(tmp_path), 2)
    with database.transaction() as session:
        where = (session, HOA, Scope.everything())
        number = deeds.open_repair(
            *where, NOW, ZONE, fault="Cột đổ", point="P1", eyes=["E1"], at=NOW - 7 * DAY
        )  # fmt: skip
        for state, ago in ((State.WAITING_FOR_MONEY, 6), (State.IN_REPAIR, 1)):
            deeds.move(*where, number, state, NOW, ZONE, at=NOW - ago * DAY)
    yield make_web(database)
    database.close()


def test_the_board_as_programs_read_it(web: Web) -> None:
    client = signed_in(web)
    [repair] = client.get(URL).json()["repairs"]
    steps = repair.pop("steps")
    assert repair == {
        "id": 1,
        "point": "P1",
        "point_name": "Point 1",
        "unit": "Phường Yên Bái",
        "eyes": ["E1"],
        "fault": "Cột đổ",
        "component": None,
        "state": "in_repair",
        "since": "2026-11-21T03:00:00Z",
        "opened_at": "2026-11-15T03:00:00Z",
        "payer": None,
        "grounds": "",
        "incidents": [],
        "proposal": None,
        "asked": None,
        "spent": NOTHING,
        "given": NOTHING,
        "not_approved": NOTHING,
        "seconds": {
            "reported": 86_400.0,
            "waiting_for_money": 5 * 86_400.0,
            "in_repair": 86_400.0,
            "done": 0.0,
            "written_off": 0.0,
        },
    }
    assert [step["state"] for step in steps] == ["reported", "waiting_for_money", "in_repair"]
    past = client.get(URL, params={"from": "2026-11-01", "to": "2026-11-18"}).json()["repairs"]
    assert [(each["state"], each["seconds"]["in_repair"]) for each in past] == [("waiting_for_money", 0.0)]
    for narrowed in ({"state": "reported"}, {"point": "P2"}, {"unit": "u-9"}, {"payer": "city"}):
        assert client.get(URL, params=narrowed).json()["repairs"] == []
    assert client.get(URL, params={"from": "yesterday"}).status_code == 422
    assert client.get(URL, params={"state": "lost"}).status_code == 422


def test_a_ward_is_told_of_its_own(web: Web) -> None:
    with web.database.transaction() as session:
        session.add(models.Unit(uid="u-2", code="2", name="Phường khác", kind="phuong"))
    assert len(signed_in(web, Role.WARD_OFFICER, ["u-1"]).get(URL).json()["repairs"]) == 1
    assert signed_in(web, Role.WARD_OFFICER, ["u-2"]).get(URL).json()["repairs"] == []
