"""What is refused or fails is said in words, with the menu of whoever has signed in, without internals."""

import re
from collections.abc import Iterator

import pytest
from fastapi import HTTPException
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError

from camera_registry.app import MOST_SENT
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from tests.dashboards.serving import Web, make_web, session_of, signed_in
from tests.databases import sqlite_in

SECRET = "rtsp://admin:hunter2@camera"
FORM = "application/x-www-form-urlencoded"
LARGE = b"x" * (MOST_SENT + 1)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("refusals")))
    web = make_web(database)

    def fail() -> None:
        raise RuntimeError(SECRET)

    def lose_the_database() -> None:
        raise OperationalError(SECRET, {}, Exception(SECRET))

    def be_asked_too_often() -> None:
        raise HTTPException(429, headers={"Retry-After": "60"})

    for path, route in (
        ("/fails", fail),
        ("/api/v1/fails", fail),
        ("/lost", lose_the_database),
        ("/api/v1/lost", lose_the_database),
        ("/often", be_asked_too_often),
    ):
        web.app.add_api_route(path, route, methods=["GET"])
    yield web
    database.close()


def client_of(web: Web, token: str | None) -> TestClient:
    client = TestClient(
        web.app,
        base_url="http://localhost",
        headers={"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "navigate"},
        client=("127.0.0.1", 50_000),
        raise_server_exceptions=False,
    )
    if token is not None:
        client.cookies.set("session", token)
    return client


REFUSED = (
    pytest.param("POST", "/incidents/1/acknowledge", 403, "Không được phép", id="not allowed"),
    pytest.param("GET", "/nothing", 404, "Không tìm thấy", id="no such page"),
    pytest.param("GET", "/eyes/nobody", 404, "Không tìm thấy", id="no such eye"),
    pytest.param("POST", "/", 405, "Không thực hiện được ở đây", id="nothing to send"),
    pytest.param("LARGE", "/sign-in", 413, "Quá lớn", id="too large, as it says"),
    pytest.param("STREAM", "/sign-in", 413, "Quá lớn", id="too large, as it comes"),
    pytest.param("GET", "/audit?before=x", 422, "Không hiểu được yêu cầu", id="not understood"),
    pytest.param("GET", "/often", 429, "Quá nhiều lần", id="too often"),
    pytest.param("GET", "/fails", 500, "Có lỗi xảy ra", id="a failure"),
    pytest.param("GET", "/lost", 503, "Tạm thời không dùng được", id="no database"),
)


@pytest.mark.parametrize(("method", "path", "status", "title"), REFUSED)
def test_who_has_signed_in_keeps_the_menu(web: Web, method: str, path: str, status: int, title: str) -> None:
    client = client_of(web, session_of(web, Role.AUDITOR))
    client.cookies.set("theme", "dark")
    match method:
        case "LARGE":
            answer = client.post(path, content=LARGE)
        case "STREAM":
            answer = client.post(path, content=iter([LARGE]), headers={"Content-Type": FORM})
        case _:
            answer = client.request(method, path)

    assert answer.status_code == status
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert f"<h1>{title}</h1>" in answer.text
    assert f"<title>{title} – Camera an ninh</title>" in answer.text
    assert 'data-theme="dark"' in answer.text
    assert 'hreflang="en"' in answer.text
    assert 'href="/incidents"' in answer.text
    assert 'action="/sign-out"' in answer.text
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    told = re.search(r"yêu cầu: (\S+)<", answer.text)
    assert (told is not None) == (status >= 500)
    assert told is None or told[1] == answer.headers["x-request-id"]


def test_nobody_has_no_menu(web: Web) -> None:
    nobody = client_of(web, None)
    for path, status in (("/nothing", 404), ("/fails", 500), ("/lost", 503)):
        answer = nobody.get(path)

        assert answer.status_code == status
        assert 'href="/incidents"' not in answer.text
        assert 'href="/sign-in"' in answer.text
    assert (
        nobody.get("/incidents", follow_redirects=False).headers["location"] == "/sign-in?next=%2Fincidents"
    )


@pytest.mark.parametrize(
    ("path", "status", "title"),
    [
        pytest.param("/api/v1/nothing", 404, "Not Found", id="nothing"),
        pytest.param("/api/v1/fails", 500, "Internal Server Error", id="a failure"),
        pytest.param("/api/v1/lost", 503, "Service Unavailable", id="no database"),
    ],
)
def test_programs_hear_problems(web: Web, path: str, status: int, title: str) -> None:
    answer = client_of(web, session_of(web)).get(path)

    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {"status": status, "title": title}


def test_a_program_that_sends_too_much_hears_a_problem(web: Web) -> None:
    for body in (LARGE, iter([LARGE])):
        answer = signed_in(web).post("/api/v1/maintenance", content=body)

        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_what_one_waits_for_is_told(web: Web) -> None:
    assert client_of(web, session_of(web)).get("/often").headers["retry-after"] == "60"
