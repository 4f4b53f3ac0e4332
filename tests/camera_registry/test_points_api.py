"""Points and closed months for programs."""

from datetime import date, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from camera_registry import closings, custody, models
from camera_registry.audit import Actor
from camera_registry.auth import tokens
from camera_registry.auth.roles import Permission, Role
from camera_registry.db import Database
from camera_registry.maintenance import Kind, cover_of, enter
from camera_registry.units import Scope
from camera_registry.uptime import Span
from tests.dashboards.city import NOW, fill
from tests.dashboards.serving import make_web, signed_in

HERE = "http://localhost"
MOVE = {"unit": "Phường Âu Lâu", "from": "2026-03-01", "document": "QĐ 12/QĐ-UBND"}


@pytest.fixture
def database(database: Database) -> Database:
    fill(database)
    return database


@pytest.fixture
def client(database: Database) -> TestClient:
    return signed_in(make_web(database))


def test_a_point_is_moved(client: TestClient, database: Database) -> None:
    answer = client.post("/api/v1/points/NC1/move", json=MOVE)
    assert answer.json() == {
        "point": "NC1",
        "unit": {"uid": "04543-2", "code": "04543", "name": "Phường Âu Lâu"},
        "unit_before": {"uid": "04273-2", "code": "04273", "name": "Phường Nam Cường"},
        "from": "2026-03-01",
        "until": None,
        "closed_months": [],
    }
    eyes = client.get("/api/v1/eyes", params={"unit": "04543"}).json()["eyes"]
    assert {eye["code"] for eye in eyes} >= {"NC1-UP", "AL1-NEW"}
    with database.reading() as session:
        deed = session.execute(select(models.Audit.action, models.Audit.who, models.Audit.origin)).one()
    assert tuple(deed) == ("point_moved", "administrator", "127.0.0.1")
    for code, body, status in (
        ("NC9", MOVE, 404),
        ("NC1", MOVE, 409),  # where it is already
        ("NC1", MOVE | {"unit": "Phường Hợp Minh"}, 409),
        ("NC1", MOVE | {"unit": ""}, 422),
        ("NC1", MOVE | {"from": "soon"}, 422),
        ("NC1", MOVE | {"form": "x"}, 422),
        ("NC1", {"unit": "Âu Lâu", "from": "2026-03-01"}, 422),
    ):
        refused = client.post(f"/api/v1/points/{code}/move", json=body)
        assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")
    gone = client.post("/api/v1/points/NC1/move", json=MOVE | {"unit": "Phường Hợp Minh"}).json()
    assert "Phường Hợp Minh [04546, …–30/06/2025] → Phường Âu Lâu" in gone["detail"]


def test_the_audit_says_which_token_moved_a_point(database: Database) -> None:
    web = make_web(database)
    signed_in(web)
    with database.transaction() as session:
        token = tokens.make(session, Actor("x", "cli"), "administrator", "gis", [Permission.REGISTER], NOW)
    program = TestClient(web.app, base_url=HERE, client=("127.0.0.1", 50_000))
    program.headers["Authorization"] = f"Bearer {token}"
    assert program.post("/api/v1/points/NC1/move", json=MOVE).is_success
    with database.reading() as session:
        moved = select(models.Audit).where(models.Audit.action == "point_moved")
        made = select(models.Audit.detail).where(models.Audit.action == "token_made")
        number = session.scalars(made).one()["token"]
        deed = session.scalars(moved).one()
        assert (deed.who, deed.origin) == ("administrator", f"127.0.0.1 (token {number})")


def test_who_sees_one_ward_moves_no_point_to_another(database: Database) -> None:
    web = make_web(database)
    client = signed_in(web, Role.OPERATOR, ["04273-2"])
    assert client.post("/api/v1/points/AL1/move", json=MOVE).status_code == 404
    assert client.post("/api/v1/points/NC1/move", json=MOVE).status_code == 403
    with database.reading() as session:
        assert session.scalars(select(models.PointUnit.valid_from)).all() == [None, None]
        assert session.scalars(select(models.Audit.id)).all() == []


def test_who_sees_one_ward_changes_no_past_of_another(database: Database) -> None:
    """A point that is his since the first of October was not his in March."""
    web = make_web(database)
    assert signed_in(web).post("/api/v1/points/NC1/move", json=MOVE | {"from": "2026-10-01"}).is_success
    client = signed_in(web, Role.OPERATOR, ["04543-2"])
    assert client.post("/api/v1/points/NC1/move", json=MOVE).status_code == 403
    form = {"point": "NC1", "unit": MOVE["unit"], "first": "2026-03-01", "document": "x"}
    for step in ("look", "move"):
        assert client.post("/registry/move", data=form | {"step": step}).status_code == 409
    with database.reading() as session:
        assert len(session.scalars(select(models.Audit.id)).all()) == 1


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 200, id="a program"),
        pytest.param({"origin": HERE}, 200, id="our own page"),
        pytest.param({"sec-fetch-site": "same-origin"}, 200, id="our own page, in a newer browser"),
        pytest.param({"origin": "http://elsewhere.example"}, 403, id="another page"),
        pytest.param({"origin": "null"}, 403, id="a page that does not say"),
        pytest.param({"sec-fetch-site": "cross-site"}, 403, id="another page, in a newer browser"),
    ],
)
def test_no_page_of_others_moves_a_point(client: TestClient, headers: dict[str, str], status: int) -> None:
    client.headers.pop("Sec-Fetch-Site")
    assert client.post("/api/v1/points/NC1/move", json=MOVE, headers=headers).status_code == status


def test_custody(client: TestClient, database: Database) -> None:
    actor, zone = Actor("clerk", "cli"), make_web(database).app.state.desk.settings.zone
    with database.transaction() as session:
        first = date(2024, 1, 1)
        custody.set_custody(session, actor, "NC1", "UBND xã Tuy Lộc", first, NOW, zone, handed_over_on=first)
    (known,) = client.get("/api/v1/points/NC1/custody").json()["custody"]
    assert (known["manager"], known["first"], known["last"]) == ("UBND xã Tuy Lộc", "2024-01-01", None)
    assert client.get("/api/v1/points/NC9/custody").status_code == 404
    assert len(client.get("/api/v1/custody").json()["custody"]) == 1
    assert client.get("/api/v1/custody", params={"on": "2023-12-31"}).json()["custody"] == []
    queue = client.get("/api/v1/custody/queue").json()
    assert queue["on"] == "2026-11-22"
    assert [(each["point"], each["why"], each["since"]) for each in queue["waiting"]] == [
        ("AL1", "nobody", None),
        ("NC1", "dissolved", "2025-07-01"),
    ]


def test_closed_months(client: TestClient, database: Database) -> None:
    assert client.get("/api/v1/months").json() == {"months": []}
    zone = make_web(database).app.state.desk.settings.zone
    month = date(2026, 10, 1)
    work = Span(NOW - timedelta(days=40), NOW - timedelta(days=39))
    with database.transaction() as session:
        for names in (["point:NC1", "eye:AL1-NEW"], ["point:AL1"]):
            covers = [cover_of(session, Scope.everything(), name, NOW.date()) for name in names]
            enter(
                *(session, Actor("clerk", "cli"), NOW, zone),
                kind=Kind.WORK,
                span=work,
                covers=covers,
                reason="x",
            )
        kept = closings.close(session, Actor("clerk", "cli"), month, NOW, zone, lateness=timedelta(days=7))
    (listed,) = client.get("/api/v1/months").json()["months"]
    assert (listed["month"], listed["version"], listed["by"]) == ("2026-10", 0, "clerk")
    assert listed["inputs_hash"] == kept.heading.inputs_hash
    (version,) = client.get("/api/v1/months/2026-10").json()["versions"]
    assert [window["covers"] for window in version["windows"]] == [
        ["eye:AL1-NEW", "point:NC1"],
        ["point:AL1"],
    ]
    officer = signed_in(make_web(database), Role.WARD_OFFICER, ["04273-2"])
    (version,) = officer.get("/api/v1/months/2026-10").json()["versions"]
    assert [window["covers"] for window in version["windows"]] == [["point:NC1"]]
    assert client.get("/api/v1/months/2026-09").status_code == 404
    assert client.get("/api/v1/months/soon").status_code == 422
