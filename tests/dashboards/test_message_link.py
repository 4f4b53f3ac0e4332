"""The link of a message: a button first, one browser after it, one incident, and no way to anything else."""

import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from camera_registry import models
from camera_registry.alerts import links
from camera_registry.db import Database
from tests.dashboards.city import NOW
from tests.dashboards.serving import Web, make_web
from tests.dashboards.ward import WARD, fill_morning
from tests.databases import sqlite_in


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("links")))
    fill_morning(database)
    yield make_web(database)
    database.close()


@pytest.fixture
def path(web: Web) -> str:
    """A new link to the incident of the market, which a chat of its ward got, with a note of somebody."""
    with web.database.transaction() as session:
        unit = session.query(models.Unit).filter_by(uid=WARD).one()
        channel = models.AlertChannel(kind="zalo", language="vi", unit_id=unit.id, made_at=NOW, made_by="x")
        channel.name = f"Trực ban {session.query(models.AlertChannel).count()}"
        incident = session.query(models.Incident).filter_by(kind="point").one()
        note = models.IncidentNote(
            incident_id=incident.id, kind="comment", at=NOW, by="tuan.ng", text="BIMAT"
        )
        session.add_all((channel, note))
        session.flush()
        row = models.Message(
            **{"channel_id": channel.id, "occasion": f"incident:{incident.id}", "kind": "opened"},
            **{"incident_id": incident.id, "unit_id": unit.id, "made_at": NOW, "due_at": NOW, "told": {}},
            **{"title": "[MẤT KẾT NỐI] NC1", "text": "Điểm NC1 mất kết nối.", "state": "sent"},
        )
        session.add(row)
        session.flush()
        return links.make(session, row.id, incident.id, NOW)


def browser(web: Web, site: str = "same-origin") -> TestClient:
    return TestClient(
        web.app, base_url="http://localhost", headers={"Sec-Fetch-Site": site}, client=("127.0.0.1", 50_000)
    )


def test_looking_uses_nothing_up(web: Web, path: str) -> None:
    for _ in range(3):
        page = browser(web, "none").get(path)
        assert (page.status_code, "Xem sự cố" in page.text, "NC1" in page.text) == (200, True, False)
    with web.database.reading() as session:
        assert [link.opened_at for link in session.query(models.IncidentLink)][-1] is None


def test_one_browser_sees_one_incident_and_takes_it_in_hand(web: Web, path: str) -> None:
    mine = browser(web)
    shown = mine.post(path)

    assert (shown.status_code, str(shown.url)) == (200, f"http://localhost{path}")
    assert shown.headers["x-robots-tag"] == "noindex, nofollow"
    assert shown.headers["cache-control"] == "no-store"
    for words in ("[MẤT KẾT NỐI] NC1", "Điểm NC1 mất kết nối.", "NC1-A", "Bắt đầu: NC1-A, NC1-B, NC1-C"):
        assert words in shown.text
    for secret in ("BIMAT", "tuan.ng", "Hoà Bình", "Chợ Tuy Lộc", "NC2", "127.0.1"):
        assert secret not in shown.text
    assert {
        link for link in re.findall(r'(?:href|action)="([^"]+)"', shown.text) if "/static/" not in link
    } == {f"{path}/acknowledge"}
    assert "Đã tiếp nhận" in mine.post(f"{path}/acknowledge").text
    assert mine.get("/incidents", follow_redirects=False).status_code == 303, "nobody has signed in"
    other = browser(web)
    assert [other.get(path).status_code, other.post(path).status_code] == [410, 410]
    assert other.post(f"{path}/acknowledge").status_code == 410
    cookie = next(each for each in mine.cookies.jar if each.name == "incident")
    assert (cookie.path, cookie.has_nonstandard_attr("HttpOnly")) == (path, True)


def test_a_deed_comes_from_our_own_page(web: Web, path: str) -> None:
    assert browser(web, "cross-site").post(path).status_code == 403
    assert browser(web).get(path).status_code == 200, "still nobody's"


@pytest.mark.parametrize("token", ["x", "a" * 43, "%F0%9F%98%80"])
def test_an_unknown_link_says_that_it_is_over(web: Web, token: str) -> None:
    for answer in (browser(web).get(f"/i/{token}"), browser(web).post(f"/i/{token}")):
        assert (answer.status_code, 'href="/sign-in"' in answer.text) == (410, True)
