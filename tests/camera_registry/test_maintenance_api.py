"""Maintenance over the API: entered, listed, taken back; a notice read; and who may not."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from camera_registry import models
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from tests.camera_registry.registries import fresh
from tests.dashboards.city import NOW, fill
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

OWN = {"Sec-Fetch-Site": "same-origin"}
URL = "/api/v1/maintenance"
WINDOW: dict[str, Any] = {
    "kind": "power_cut",
    "from": "2026-11-22T07:00:00+07:00",
    "to": "2026-11-22T11:00:00+07:00",
    "scopes": ["eye:E1", "unit:Phường Yên Bái"],
    "reason": "Sửa đường dây",
}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database, _ = fresh(database_url, 2)
    yield database
    database.close()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Database]:
    """For what is the same on every database: a refusal."""
    database, _ = fresh(sqlite_in(tmp_path), 1)
    yield database
    database.close()


@pytest.fixture
def client(database: Database) -> TestClient:
    return client_of(database)


@pytest.fixture
def ward(tmp_path: Path) -> Iterator[Web]:
    """The small city of two wards."""
    database = Database(sqlite_in(tmp_path))
    fill(database)
    yield make_web(database)
    database.close()


def client_of(database: Database) -> TestClient:
    """It is 10:00 on 22/11/2026 in Yên Bái."""
    return signed_in(make_web(database))


def audited(database: Database) -> list[tuple[str, str]]:
    with database.reading() as session:
        rows = session.scalars(select(models.Audit).order_by(models.Audit.id)).all()
        return [(row.action, row.origin) for row in rows]


def test_a_window_is_entered_listed_and_taken_back(client: TestClient, database: Database) -> None:
    made = client.post(URL, json=WINDOW, headers=OWN)
    assert made.status_code == 201
    window = made.json()["window"]
    assert made.json()["closed_months"] == []
    assert window == {
        "id": window["id"],
        "kind": "power_cut",
        "phase": "present",
        "start": "2026-11-22T00:00:00Z",
        "end": "2026-11-22T04:00:00Z",
        "recurrence": "",
        "reason": "Sửa đường dây",
        "scopes": window["scopes"],
        "names": window["names"],
        "eyes": 2,
        "entered_at": "2026-11-22T03:00:00Z",
        "entered_by": "administrator",
        "withdrawn_at": None,
        "withdrawn_by": "",
        "notice": "",
        "inside": True,
    }
    assert sorted(window["scopes"]) == ["eye:E1", "unit:u-1"]
    assert sorted(window["names"]) == ["eye:E1", "unit:Phường Yên Bái (u-1)"]
    assert client.get(URL).json()["windows"] == [window]
    assert client.get(URL, params={"from": "2026-11-23", "to": "2026-11-24"}).json()["windows"] == []

    undo = f"{URL}/{window['id']}/withdraw"
    taken = client.post(undo, json={"reason": "Nhập nhầm"}, headers=OWN)
    assert (taken.status_code, taken.json()["window"]["phase"]) == (200, "withdrawn")
    assert client.post(undo, json={"reason": "Nhập nhầm"}, headers=OWN).status_code == 409
    assert client.get(URL).json()["windows"][0]["withdrawn_by"] == "administrator"
    assert audited(database) == [
        ("maintenance_entered", "127.0.0.1"),
        ("maintenance_withdrawn", "127.0.0.1"),
    ]


def test_what_is_on_stands_first_and_what_recurs_shows_its_next_time(client: TestClient) -> None:
    def enter(start: str, end: str, reason: str, recurrence: str = "") -> None:
        window = WINDOW | {"from": f"{start}+07:00", "to": f"{end}+07:00", "reason": reason}
        made = client.post(URL, json=window | {"recurrence": recurrence}, headers=OWN)
        assert made.status_code == 201, made.text

    enter("2026-11-20T07:00:00", "2026-11-20T08:00:00", "past")
    enter("2026-11-21T07:00:00", "2026-11-21T08:00:00", "later past")
    enter("2026-12-20T07:00:00", "2026-12-20T08:00:00", "coming")
    enter("2026-10-07T01:00:00", "2026-10-07T02:00:00", "each Wednesday", "FREQ=WEEKLY;BYDAY=WE")
    enter("2026-11-22T07:00:00", "2026-11-22T11:00:00", "on")
    found = client.get(URL).json()["windows"]
    assert [(each["reason"], each["phase"]) for each in found] == [
        ("on", "present"),
        ("each Wednesday", "coming"),
        ("coming", "coming"),
        ("later past", "past"),
        ("past", "past"),
    ]
    assert found[1]["start"] == "2026-11-24T18:00:00Z"


def test_a_closed_month_that_is_touched_is_told(client: TestClient, database: Database) -> None:
    with database.transaction() as session:
        closing = {"version": 0, "at": NOW, "by": "An", "rules_version": 1}
        hashes = {"inputs_hash": "0" * 64, "figures_hash": "0" * 64}
        month = NOW.date().replace(month=10, day=1)
        session.add(models.Closing(month=month, **closing, **hashes))
    window = WINDOW | {"from": "2026-10-31T23:00:00+07:00", "to": "2026-11-01T01:00:00+07:00"}
    made = client.post(URL, json=window, headers=OWN)
    assert (made.status_code, made.json()["closed_months"]) == (201, ["2026-10-01"])


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"to": "2026-11-22T07:00:00+07:00"}, id="empty"),
        pytest.param({"to": "2026-11-22T11:00:00"}, id="no offset"),
        pytest.param({"from": "tomorrow"}, id="no moment"),
        pytest.param({"scopes": []}, id="nothing"),
        pytest.param({"scopes": ["eye:E9"]}, id="no such eye"),
        pytest.param({"scopes": ["unit:Phường Không Có"]}, id="no such unit"),
        pytest.param({"scopes": ["all"] * 501}, id="too much"),
        pytest.param({"reason": " "}, id="no reason"),
        pytest.param({"reason": "x" * 1_001}, id="an endless reason"),
        pytest.param({"kind": "party"}, id="no kind"),
        pytest.param({"recurrence": "FREQ=SECONDLY"}, id="each second"),
        pytest.param({"colour": "red"}, id="what is not known"),
    ],
)
def test_what_no_window_can_be_is_refused(small: Database, wrong: dict[str, Any]) -> None:
    refused = client_of(small).post(URL, json=WINDOW | wrong, headers=OWN)
    assert (refused.status_code, refused.headers["Content-Type"]) == (422, "application/problem+json")
    assert audited(small) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        pytest.param("", WINDOW, id="enter"),
        pytest.param("/1/withdraw", {"reason": "x"}, id="withdraw"),
        pytest.param("/notice", {"text": "x"}, id="notice"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}])
def test_only_our_own_pages_do_deeds(
    small: Database, path: str, body: dict[str, Any], headers: dict[str, str]
) -> None:
    client = client_of(small)
    client.headers.pop("Sec-Fetch-Site")
    assert client.post(f"{URL}{path}", json=body, headers=headers).status_code == 403
    assert audited(small) == []


def test_what_is_not_there_cannot_be_taken_back(client: TestClient) -> None:
    assert client.post(f"{URL}/7/withdraw", json={"reason": "x"}, headers=OWN).status_code == 404
    made = client.post(URL, json=WINDOW, headers=OWN).json()["window"]["id"]
    assert client.post(f"{URL}/{made}/withdraw", json={"reason": " "}, headers=OWN).status_code == 422


def test_a_notice_is_read_and_enters_nothing(client: TestClient, database: Database) -> None:
    text = "Từ 7h30 đến 17h00 ngày 12/12/2026: phường Yên Bái; thôn Ba\nLý do: Thay cột"
    read = client.post(f"{URL}/notice", json={"text": text}, headers=OWN).json()
    assert read["cuts"] == [
        {
            "spans": [{"from": "2026-12-12T00:30:00Z", "to": "2026-12-12T10:00:00Z"}],
            "reason": "Thay cột",
            "faults": [],
            "areas": [
                {"text": "phường Yên Bái", "scopes": ["unit:u-1"], "doubt": "part"},
                {"text": "thôn Ba, phường Yên Bái", "scopes": [], "doubt": "no_point"},
            ],
        }
    ]
    assert read["unread"] == []
    assert audited(database) == []
    nothing = client.post(f"{URL}/notice", json={"text": "Chào cả nhà"}, headers=OWN)
    assert nothing.status_code == 422


def test_a_period_that_is_none_is_refused(client: TestClient) -> None:
    assert client.get(URL, params={"from": "2026-11-23", "to": "2026-11-22"}).status_code == 422


@pytest.mark.parametrize(
    ("scope", "said"),
    [
        ("all", "Only somebody who sees the whole city can cover all of it."),
        ("site:yb", 'There is no site with the code "yb".'),
        ("eye:AL1-NEW", 'There is no eye with the code "AL1-NEW".'),
        ("eye:AL9", 'There is no eye with the code "AL9".'),
        ("device:AL1-D", 'There is no device with the code "AL1-D".'),
        ("point:AL1", 'There is no point with the code "AL1".'),
        ("unit:04543-2", 'There is no unit "04543-2" among yours.'),
    ],
)
def test_an_officer_names_only_what_lies_in_the_ward(ward: Web, scope: str, said: str) -> None:
    officer = signed_in(ward, Role.WARD_OFFICER, ["04273-2"])
    refused = officer.post(URL, json=WINDOW | {"scopes": ["point:NC1", scope]})
    assert (refused.status_code, refused.json()["detail"]) == (422, said)
    with ward.database.reading() as session:
        assert session.scalars(select(models.Maintenance)).all() == []


@pytest.mark.parametrize("uid", ["04273-2", "04543-2"])
@pytest.mark.parametrize("covered", ["eye:NC1-UP", "device:NC1-D", "point:NC1"])
def test_what_changed_wards_since_is_neithers_to_name(ward: Web, uid: str, covered: str) -> None:
    """Neither of who had it when the window begins, for today, nor of who has it today, for then."""
    with ward.database.transaction() as session:
        point = session.scalars(select(models.Point).where(models.Point.code == "NC1")).one()
        unit = session.scalars(select(models.Unit).where(models.Unit.uid == "04543-2")).one()
        session.add(models.PointUnit(point_id=point.id, unit_id=unit.id, valid_from=date(2026, 11, 20)))
    officer = signed_in(ward, Role.OPERATOR, [uid])
    before = {"from": "2026-11-10T07:00:00+07:00", "to": "2026-11-30T07:00:00+07:00"}
    assert officer.post(URL, json=WINDOW | before | {"scopes": [covered]}).status_code == 422
    spans = [f"{before['from']}/{before['to']}"]
    form = {"spans": spans, "covers": [covered], "reason": "x"}
    assert officer.post("/maintenance/cut", data=form).status_code == 409
    kind, _, code = covered.partition(":")
    typed = {"start": "2026-11-10T07:00", "end": "2026-11-30T07:00", "scope": kind, "codes": code}
    assert officer.post("/maintenance", data=typed | {"kind": "work", "reason": "x"}).status_code == 409
    assert [action for action, _ in audited(ward.database) if action.startswith("maintenance")] == []


def test_a_window_of_several_wards_is_not_taken_back_by_one(ward: Web) -> None:
    officer = signed_in(ward, Role.WARD_OFFICER, ["04273-2"])
    operator = signed_in(ward, Role.OPERATOR)
    ids = {
        name: operator.post(URL, json=WINDOW | {"scopes": scopes}).json()["window"]["id"]
        for name, scopes in (
            ("own", ["point:NC1"]),
            ("both", ["eye:NC1-UP", "eye:AL1-NEW"]),
            ("other", ["point:AL1"]),
        )
    }
    seen = {window["id"]: window["names"] for window in officer.get(URL).json()["windows"]}
    assert seen == {ids["own"]: ["point:NC1"], ids["both"]: ["eye:NC1-UP"]}
    answers = {
        name: officer.post(f"{URL}/{ids[name]}/withdraw", json={"reason": "Nhầm"}).status_code for name in ids
    }
    assert answers == {"own": 200, "both": 422, "other": 404}
