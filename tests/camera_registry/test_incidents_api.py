"""Incidents for programs and people: what is told of them, to whom, and what is refused."""

from collections.abc import Iterator
from datetime import UTC

import pytest
from fastapi.testclient import TestClient

from camera_registry import outages
from camera_registry.db import Database
from camera_registry.incidents import Kind
from camera_registry.units import Scope
from camera_registry.uptime import Span
from tests.camera_registry.cuts import STORY, Book, at, fill, result
from tests.dashboards.serving import make_web, signed_in

TODAY = {"from": "2026-09-01", "to": "2026-09-02"}


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = fill(database_url)
    book = Book(made)
    book.deliver([each for each in STORY if each.eye != "E5"])
    book.deliver([result("E5", minute, "f") for minute in range(40, 45)])
    yield made
    made.close()


@pytest.fixture
def client(database: Database) -> TestClient:
    web = make_web(database, now=lambda: at(45))
    return signed_in(web)


def told(client: TestClient, **asked: str) -> list[tuple[str, str, list[str]]]:
    answer = client.get("/api/v1/incidents", params=asked)
    assert answer.status_code == 200, answer.text
    return [
        (each["kind"], each["ancestor"]["code"], sorted({away["eye"] for away in each["eyes"]}))
        for each in answer.json()["incidents"]
    ]


def test_all_of_a_day_newest_first(client: TestClient) -> None:
    found = told(client, **TODAY)
    assert found[0] == ("eye", "E6", ["E6"])
    assert ("point", "P1", ["E1", "E2"]) in found
    assert ("unit", "u-1", ["E1", "E2", "E3", "E4"]) in found
    assert len(found) == 11
    assert told(client) == found, "without a period it is this month"


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        pytest.param({"open": "true"}, 1, id="open"),
        pytest.param({"open": "false", **TODAY}, 10, id="over"),
        pytest.param({"kind": "point", **TODAY}, 1, id="of a kind"),
        pytest.param({"unit": "u-1", **TODAY}, 2, id="of a unit"),
        pytest.param({"unit": "u-2", **TODAY}, 9, id="of another unit"),
        pytest.param({"unit": "nowhere", **TODAY}, 0, id="of no unit"),
        pytest.param({"eye": "E1", **TODAY}, 2, id="of an eye"),
        pytest.param({"from": "2026-08-01", "to": "2026-09-01"}, 0, id="of another month"),
        pytest.param({"from": "2026-09-01T12:21:00Z", "to": "2026-09-01T12:22:00Z"}, 1, id="of a minute"),
    ],
)
def test_what_is_asked_for(client: TestClient, asked: dict[str, str], count: int) -> None:
    assert len(told(client, **asked)) == count


def test_one_incident(client: TestClient) -> None:
    (point,) = client.get("/api/v1/incidents", params={"kind": "point"}).json()["incidents"]
    number = point["id"]
    found = client.get(f"/api/v1/incidents/{number}").json()
    assert found == {
        "as_of": "2026-09-01T12:45:00Z",
        "id": number,
        "kind": "point",
        "ancestor": {"code": "P1", "name": "Point 1"},
        "started_at": "2026-09-01T12:05:00Z",
        "announced_at": "2026-09-01T12:07:00Z",
        "ended_at": "2026-09-01T12:11:00Z",
        "withdrawn_at": None,
        "reaches_further": False,
        "points": 1,
        "eyes": [
            {"eye": eye, "point": "P1", "from": "2026-09-01T12:05:00Z", "to": "2026-09-01T12:11:00Z"}
            for eye in ("E1", "E2")
        ],
        "notes": [],
        "repairs": [],
    }


@pytest.mark.parametrize(
    ("number", "status"), [("0", 404), ("999999", 404), ("-1", 422), (str(2**70), 422), ("one", 422)]
)
def test_no_such_incident(client: TestClient, number: str, status: int) -> None:
    assert client.get(f"/api/v1/incidents/{number}").status_code == status


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "yesterday"},
        {"to": "2026-09-01"},
        {"kind": "flood"},
        {"from": "2026-09-02", "to": "2026-09-01"},
    ],
    ids=str,
)
def test_what_is_refused(client: TestClient, asked: dict[str, str]) -> None:
    assert client.get("/api/v1/incidents", params=asked).status_code == 422


def test_what_was_done_is_told(client: TestClient) -> None:
    (goes_on,) = client.get("/api/v1/incidents", params={"open": "true"}).json()["incidents"]
    assert goes_on["acknowledged"] is None
    at = f"/api/v1/incidents/{goes_on['id']}"
    first = client.post(f"{at}/acknowledge")
    assert (first.status_code, first.json()["note"]["by"]) == (200, "administrator")
    assert client.post(f"{at}/acknowledge").json() == first.json()
    said = client.post(f"{at}/comment", json={"text": " Đang lên thang "})
    assert (said.status_code, said.json()["note"]["text"]) == (201, "Đang lên thang")
    assert client.post(f"{at}/comment", json={"text": " "}).status_code == 422
    assert [note["kind"] for note in client.get(at).json()["notes"]] == ["acknowledged", "comment"]
    (goes_on,) = client.get("/api/v1/incidents", params={"open": "true"}).json()["incidents"]
    assert goes_on["acknowledged"] == first.json()["note"]


def test_the_backlog(client: TestClient) -> None:
    (row,) = client.get("/api/v1/backlog").json()["eyes"]
    assert (row["eye"], row["point"], row["reason"]) == ("E5", "P3", "TCP_TIMEOUT")
    assert row["age_s"] == 645 * 60, "since it was commissioned"


def test_of_an_incident_only_the_eyes_in_scope_are_told(database: Database) -> None:
    ward = Scope.of([2])
    with database.reading() as session:
        everything = outages.incidents(session, Scope.everything(), at(45), UTC)
        found = outages.incidents(session, ward, at(45), UTC)
        assert outages.backlog(session, ward, at(45), UTC) == []
    assert len(everything) == 11
    assert {away.eye for row in found for away in row.away} == {"E6"}
    assert {row.kind for row in found} == {Kind.EYE}


def test_the_causes_of_an_eye(database: Database) -> None:
    with database.reading() as session:
        found = outages.causes(session, Scope.everything(), at(45), UTC, "E4", Span(at(0), at(45)))
    assert [(away.from_at, away.to_at, row.kind) for away, row in found] == [
        (at(20), at(44), Kind.UNIT),
    ]


def test_pages_and_metrics_say_so(client: TestClient) -> None:
    assert "Ongoing incidents" in client.get("/?lang=en").text
    assert "One eye" in client.get("/incidents?lang=en").text
    assert "A whole point: power or line: Point 1" in client.get("/eyes/E1?lang=en").text
    assert "Sự cố đang diễn ra" in client.get("/?lang=vi").text
    assert "Nhiều điểm của một đơn vị cùng lúc: U1" in client.get("/eyes/E1?lang=vi").text
    metrics = client.get("/metrics").text
    assert 'camera_registry_incidents{kind="eye"} 1\n' in metrics
    assert 'camera_registry_incidents{kind="area"} 0\n' in metrics
