import asyncio
import json
import threading
from collections.abc import Iterator, Set
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy import update
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoneFree
from starlette.testclient import TestClient

from camera_registry import models
from camera_registry.api.broadcast import BEAT_S, MOST_CODES, Broadcaster, Change
from camera_registry.api.cookies import NAME
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from camera_registry.topics import TABLES, Topic
from tests.dashboards.city import NOW, add_eye, add_point, fill, set_state
from tests.dashboards.serving import Web, make_web, served, session_of, signed_in


@pytest.fixture
def filled(database: Database) -> Database:
    fill(database)
    return database


def client_of(web: Web, address: str = "127.0.0.1") -> TestClient:
    """Of nobody who has signed in."""
    here = "http://localhost" if address in ("127.0.0.1", "::1") else "https://camera.example"
    return TestClient(web.app, base_url=here, client=(address, 50_000))


@pytest.fixture
def client(filled: Database) -> TestClient:
    return signed_in(make_web(filled))


def test_every_eye(client: TestClient) -> None:
    answer = client.get("/api/v1/eyes").json()

    assert answer["as_of"] == "2026-11-22T03:00:00Z"
    assert len(answer["eyes"]) == 8
    down = next(eye for eye in answer["eyes"] if eye["code"] == "NC1-DOWN")
    assert (
        down
        | {
            "state": "down",
            "reason": "TCP_TIMEOUT",
            "overlay": "in_service",
            "unit": "Phường Nam Cường",
            "since": "2026-11-22T03:00:00Z",
            "interval_s": 60,
        }
        == down
    )


def test_eyes_narrowed(client: TestClient) -> None:
    answer = client.get("/api/v1/eyes", params={"standing": "down", "q": "hoa binh"}).json()

    assert [eye["code"] for eye in answer["eyes"]] == ["NC1-DOWN"]


def test_one_eye(client: TestClient) -> None:
    eye = client.get("/api/v1/eyes/NC1-DOWN").json()["eye"]

    assert eye["eye"]["state"] == "down"
    assert eye["checks"][0]["reason"] == "TCP_TIMEOUT"
    assert eye["transitions"][0]["after"] == "down"
    assert eye["transcript"].startswith("> DESCRIBE")


def test_a_code_may_hold_a_slash(database: Database) -> None:
    with database.transaction() as session:
        add_eye(session, add_point(session, "P", None), "TDP 4/1")

    client = signed_in(make_web(database))

    assert client.get("/api/v1/eyes/TDP%204%2F1").json()["eye"]["eye"]["code"] == "TDP 4/1"
    assert client.get("/eyes/TDP%204%2F1").status_code == 200


def test_there_are_no_findings_where_nothing_was_found(client: TestClient) -> None:
    assert client.get("/api/v1/findings").json()["findings"] == []


def test_totals_and_units_agree_with_the_eyes(client: TestClient) -> None:
    totals = client.get("/api/v1/totals").json()
    units = client.get("/api/v1/units").json()["units"]

    assert totals["totals"]["by_standing"]["down"] == 1
    assert totals["coverage"] == pytest.approx(0.6)
    assert [(unit["name"], unit["totals"]["eyes"]) for unit in units] == [
        ("Phường Âu Lâu", 5),
        ("Phường Nam Cường", 3),
    ]


def test_transitions_after_the_last_one_known(client: TestClient) -> None:
    lines = client.get("/api/v1/transitions").json()["transitions"]

    assert [(line["eye"], line["ledger"], line["after"]) for line in lines] == [("NC1-DOWN", "eye", "down")]
    assert client.get("/api/v1/transitions", params={"after": lines[-1]["id"]}).json() == {"transitions": []}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/api/v1/eyes/nobody", 404, id="no such eye"),
        pytest.param("/api/v1/nothing", 404, id="no such address"),
        pytest.param("/api/v1/transitions?after=soon", 422, id="not a number"),
        pytest.param("/api/v1/transitions?limit=1000000", 422, id="too many"),
    ],
)
def test_problems_can_be_read_by_a_program(client: TestClient, path: str, status: int) -> None:
    answer = client.get(path)

    assert answer.status_code == answer.json()["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_what_was_sent_wrong_is_not_repeated(client: TestClient) -> None:
    assert "s3cret" not in client.get("/api/v1/transitions?after=s3cret").text


# --- health, metrics --------------------------------------------------------------------------------


def test_healthy_while_probes_go_on(client: TestClient) -> None:
    answer = client.get("/healthz")

    assert answer.status_code == 200
    assert answer.json() | {"status": "ok", "newest_probe_age_s": 0.0} == answer.json()


def test_failing_when_probes_have_stopped(filled: Database) -> None:
    clock = iter([NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=5, seconds=1)])
    client = client_of(make_web(filled, now=lambda: next(clock)))  # the first moment is the start

    assert client.get("/healthz").status_code == 200
    answer = client.get("/healthz")

    assert answer.status_code == 503
    assert answer.json() | {"status": "failing", "newest_probe_age_s": 301.0} == answer.json()


def test_of_many_who_ask_whether_it_is_alive_one_reads(filled: Database) -> None:
    moments = [NOW, *(NOW + timedelta(seconds=s) for s in (0, 1, 4, 5))]
    clock = iter(moments)
    client = client_of(make_web(filled, now=lambda: next(clock)))
    ages = []
    for _ in moments[1:]:
        ages.append(client.get("/healthz").json()["newest_probe_age_s"])
        with filled.transaction() as session:
            session.execute(update(models.EyeState).values(probed_at=NOW + timedelta(seconds=1)))
    assert ages == [0.0, 1.0, 4.0, 4.0], "the last has read anew"


def test_a_program_that_has_only_just_started_is_given_time(filled: Database) -> None:
    assert client_of(make_web(filled, now=lambda: NOW + timedelta(days=1))).get("/healthz").status_code == 200


def test_nobody_waits_for_probes_of_an_empty_registry(database: Database) -> None:
    assert client_of(make_web(database)).get("/healthz").json()["status"] == "ok"


def test_failing_without_its_database(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.db'}")  # never migrated: no tables

    answer = client_of(make_web(database)).get("/healthz")

    assert (answer.status_code, answer.json()) == (503, {"status": "failing", "database": False})
    database.close()


@pytest.mark.parametrize(
    ("address", "token", "sent", "status"),
    [
        pytest.param("127.0.0.1", None, None, 403, id="this machine, or a proxy on it that says nothing"),
        pytest.param("127.0.0.1", "token", "Bearer token", 200, id="this machine with the token"),
        pytest.param("192.0.2.7", None, None, 403, id="elsewhere, no token set"),
        pytest.param("192.0.2.7", None, "Bearer ", 403, id="elsewhere, an empty token"),
        pytest.param("192.0.2.7", "tôken", "Bearer tôken", 200, id="elsewhere with the token"),
        pytest.param("192.0.2.7", "token", "bearer token", 200, id="scheme in small letters"),
        pytest.param("192.0.2.7", "token", "Bearer other", 403, id="elsewhere with another token"),
        pytest.param("192.0.2.7", "token", "Basic token", 403, id="another scheme"),
        pytest.param("testclient", None, None, 403, id="no address"),
    ],
)
def test_who_may_scrape_where_others_are_served(
    filled: Database, address: str, token: str | None, sent: str | None, status: int
) -> None:
    web = make_web(filled, metrics_token=token, public_names="camera.example")
    headers = [(b"Authorization", sent.encode())] if sent is not None else []

    answer = client_of(web, address).get("/metrics", headers=headers)

    assert answer.status_code == status
    assert ("camera_up" in answer.text) == (status == 200)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_machine_that_serves_nobody_else_may_scrape(filled: Database, address: str) -> None:
    assert "camera_up" in client_of(make_web(filled), address).get("/metrics").text


def test_a_proxy_on_this_machine_does_not_open_the_metrics(filled: Database) -> None:
    web = make_web(filled, public_names="camera.example")
    through = TestClient(web.app, base_url="https://camera.example", client=("127.0.0.1", 50_000))
    assert through.get("/metrics").status_code == 403


def test_metrics_read_the_state_at_scrape(filled: Database) -> None:
    client = client_of(make_web(filled))
    assert 'camera_up{eye="NC1-UP"} 1' in client.get("/metrics").text

    with filled.transaction() as session:
        eye = add_eye(session, add_point(session, "NEW", None), "NEW-1")
        set_state(session, eye, "down")

    assert 'camera_up{eye="NEW-1"} 0' in client.get("/metrics").text


# --- what no database keeps, and a database that is away ---------------------------------------------


@pytest.mark.parametrize(
    "address", ["/eyes/%00", "/eyes?q=a%00b", "/api/v1/eyes?q=%00", "/users/%00", "/api/v1/eyes/%00"]
)
def test_no_address_has_nul(client: TestClient, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.json()["detail"]) == (400, "An address holds no NUL character (%00).")


def test_nul_in_a_form_is_a_fault_of_what_was_sent(filled: Database) -> None:
    web = make_web(filled)
    client = TestClient(
        web.app,
        base_url="http://localhost",
        headers={"Sec-Fetch-Site": "same-origin"},
        cookies={NAME: session_of(web)},
        client=("127.0.0.1", 50_000),
        raise_server_exceptions=False,
    )
    answer = client.post("/registry/devices/confirm", data={"device": "\0", "reason": "x"})
    assert 400 <= answer.status_code < 500


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        pytest.param(OperationalError("SELECT 1", {}, Exception()), 503, id="away"),
        pytest.param(InterfaceError("SELECT 1", {}, Exception()), 503, id="a connection that broke"),
        pytest.param(NoneFree(), 503, id="no connection is free"),
        pytest.param(DataError("SELECT 1", {}, Exception()), 422, id="a value that it cannot keep"),
        pytest.param(IntegrityError("SELECT 1", {}, Exception()), 500, id="a rule that we broke"),
        pytest.param(ProgrammingError("SELECT 1", {}, Exception()), 500, id="a statement that is none"),
    ],
)
def test_only_a_database_that_is_away_is_called_so(
    database: Database, failure: Exception, status: int
) -> None:
    web = make_web(database)

    @web.app.get("/api/v1/failing")
    def fail() -> None:
        raise failure

    client = TestClient(
        web.app, base_url="http://localhost", client=("::1", 1), raise_server_exceptions=False
    )
    assert client.get("/api/v1/failing").status_code == status


def test_no_page_loads_a_documentation_from_elsewhere(client: TestClient) -> None:
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 404
    assert "/api/v1/eyes" in client.get("/openapi.json").json()["paths"]


# --- news -------------------------------------------------------------------------------------------


async def test_news_reaches_every_listener() -> None:
    broadcaster = Broadcaster()
    with broadcaster.listen() as one, broadcaster.listen() as other:
        first, second = one.changes(), other.changes()
        before = await anext(first)
        assert before == await anext(second) == Change(broadcaster.revision, ())

        await asyncio.to_thread(broadcaster.publish, ["E2", "E1"])

        change = await anext(first)
        assert change == await anext(second) == Change(broadcaster.revision, ("E1", "E2"))
        assert change.revision != before.revision


async def test_what_a_slow_listener_missed_is_told_at_once() -> None:
    broadcaster = Broadcaster()
    with broadcaster.listen() as listener:
        changes = listener.changes()
        await anext(changes)
        for n in range(1_000):
            broadcaster.publish([f"E{n % 3}"])

        assert (await anext(changes)).eyes == ("E0", "E1", "E2")


async def test_too_many_to_name_is_everything() -> None:
    broadcaster = Broadcaster()
    with broadcaster.listen() as listener:
        changes = listener.changes()
        await anext(changes)
        broadcaster.publish([f"E{n}" for n in range(MOST_CODES + 1)])
        broadcaster.publish(["E1"])

        assert (await anext(changes)).eyes is None
        broadcaster.publish(["E1"])
        assert (await anext(changes)).eyes == ("E1",)


async def test_a_quiet_line_beats() -> None:
    broadcaster = Broadcaster()
    with broadcaster.listen() as listener:
        changes = listener.changes(beat_s=0.01)
        first = await anext(changes)

        assert await anext(changes) == first


async def test_closing_ends_every_listener() -> None:
    broadcaster = Broadcaster()
    with broadcaster.listen() as listener:
        changes = listener.changes()
        await anext(changes)
        broadcaster.close()

        assert [change async for change in changes] == []


def test_a_listener_whose_loop_has_ended_hinders_nobody() -> None:
    broadcaster = Broadcaster()

    async def enter() -> None:
        broadcaster.enter(broadcaster.listen())

    asyncio.run(enter())

    broadcaster.publish(["E1"])


def events_of(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    for line in lines:
        if line.startswith("data: "):
            yield json.loads(line.removeprefix("data: "))


def _signed_in(web: Web, address: str) -> httpx2.Client:
    return httpx2.Client(base_url=address, timeout=20, cookies={NAME: session_of(web)})


def test_events_over_http(filled: Database) -> None:
    web = make_web(filled)
    with served(web) as address, _signed_in(web, address) as client:
        with client.stream("GET", "/api/v1/events") as stream:
            assert stream.headers["content-type"].startswith("text/event-stream")
            events = events_of(stream.iter_lines())
            assert next(events) == {"revision": web.broadcaster.revision, "eyes": [], "topics": []}

            publisher = threading.Thread(target=web.broadcaster.publish, args=(["NC1-UP"],))
            publisher.start()

            assert next(events)["eyes"] == ["NC1-UP"]
            publisher.join()

        with client.stream("GET", "/api/v1/events") as again:
            assert next(events_of(again.iter_lines()))["revision"] == web.broadcaster.revision


def test_the_news_names_no_eye_outside_of_the_scope(filled: Database) -> None:
    web = make_web(filled)
    cookies = {NAME: session_of(web, Role.WARD_OFFICER, ["04273-2"])}
    with (
        served(web) as address,
        httpx2.Client(base_url=address, timeout=20, cookies=cookies) as client,
        client.stream("GET", "/api/v1/events") as stream,
    ):
        events = events_of(stream.iter_lines())
        next(events)
        publisher = threading.Thread(target=web.broadcaster.publish, args=(["NC1-UP", "AL1-LOCKED"],))
        publisher.start()

        assert next(events)["eyes"] == ["NC1-UP"]
        publisher.join()


def test_who_writes_a_table_with_a_topic_tells_every_page(filled: Database) -> None:
    heard: list[Set[Topic]] = []
    filled.listen(heard.append)

    with filled.transaction() as session:
        session.add(
            models.Incident(kind="eye", ancestor_id=1, started_at=NOW, announced_at=NOW, recorded_at=NOW)
        )
    with suppress(ZeroDivisionError), filled.transaction() as session:
        session.execute(update(models.Eye).values(name="Mắt"))
        raise ZeroDivisionError
    with filled.transaction() as session:
        session.execute(update(models.EyeState).values(probe_s=1.0))

    assert heard == [{Topic.INCIDENTS}], "neither what was rolled back, nor what every probe writes"
    assert set(TABLES) <= set(models.Base.metadata.tables)


def test_a_stream_ends_with_the_session(filled: Database) -> None:
    clock = [NOW]
    web = make_web(filled, now=lambda: clock[-1])
    with served(web) as address, _signed_in(web, address) as client:
        with client.stream("GET", "/api/v1/events") as stream:
            events = events_of(stream.iter_lines())
            next(events)
            with filled.transaction() as session:
                session.query(models.WebSession).delete()
            clock.append(NOW + timedelta(seconds=BEAT_S))
            web.broadcaster.publish(["NC1-UP"])
            assert list(events) == []
        assert client.get("/api/v1/events").status_code == 401


def test_a_stopping_server_ends_its_streams(filled: Database) -> None:
    web = make_web(filled)
    with _signed_in(web, "") as client:
        with served(web) as address:
            stream = client.send(client.build_request("GET", f"{address}/api/v1/events"), stream=True)
            events = events_of(stream.iter_lines())
            next(events)

        assert list(events) == []
        stream.close()
