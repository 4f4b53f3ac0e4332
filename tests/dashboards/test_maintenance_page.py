"""The page of maintenance: a window entered by its form, a notice previewed and entered, one taken back."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select

from camera_registry import maintenance, models
from camera_registry.db import Database
from camera_registry.maintenance import Kind, Window
from camera_registry.settings import load
from camera_registry.uptime import Span
from tests.camera_registry.registries import fresh
from tests.dashboards.city import NOW
from tests.dashboards.serving import make_web, signed_in
from tests.databases import sqlite_in

OWN = {"Sec-Fetch-Site": "same-origin"}
ZONE = load().zone
FORM = {
    "kind": "work",
    "scope": "eye",
    "codes": "E1, E2",
    "start": "2026-11-24T07:30",
    "end": "2026-11-24T09:00",
    "repeats": "weekly",
    "until": "2026-12-31",
    "reason": "Vệ sinh <ống kính>",
}
NOTICE = """Từ 7h30 đến 17h00 ngày 12/12/2026: TDP số 1 phường Yên Bái; thôn Minh Long xã Tuy Lộc
Lý do: Thay cột
Mất điện lúc 14h00 chưa rõ"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database, _ = fresh(sqlite_in(tmp_path), 3)
    with database.transaction() as session:
        point = session.scalars(select(models.Point).where(models.Point.code == "P1")).one()
        point.residential_group = "Tổ dân phố số 1"
    yield database
    database.close()


@pytest.fixture
def client(database: Database) -> TestClient:
    """It is 10:00 on 22/11/2026 in Yên Bái."""
    return signed_in(make_web(database))


def windows(database: Database) -> list[Window]:
    with database.reading() as session:
        return maintenance.windows(session, Span(NOW, NOW.replace(year=2027)), ZONE, withdrawn=True)


def test_a_window_is_entered_seen_and_taken_back(client: TestClient, database: Database) -> None:
    assert "Không có đợt nào" in client.get("/maintenance").text
    done = client.post("/maintenance", data=FORM, headers=OWN)
    assert (done.status_code, done.request.method) == (200, "GET"), "loaded again, it enters nothing again"
    for text in (
        "phạm vi 2 mắt camera",
        "Sắp tới",
        "Vệ sinh &lt;ống kính&gt;",
        "24/11/2026 07:30:00",
        "hằng tuần",
    ):
        assert text in done.text
    again = client.post("/maintenance", data=FORM, headers=OWN)
    (row,) = windows(database)
    assert (again.status_code, f"mang số {row.id}" in again.text) == (409, True)
    assert "mang số" not in client.get(f"/maintenance?done={row.id}&done=99").text
    assert (row.recurrence, row.entered_by) == ("FREQ=WEEKLY;BYDAY=TU;UNTIL=20261231", "administrator")
    taken = client.post("/maintenance/withdraw", data={"window": row.id, "reason": "Nhầm"}, headers=OWN)
    assert (taken.status_code, taken.request.method, "Đã hủy" in taken.text) == (200, "GET", True)
    again = client.post("/maintenance/withdraw", data={"window": row.id, "reason": "Nhầm"}, headers=OWN)
    assert again.status_code == 409


@pytest.mark.parametrize(
    ("repeats", "rule"),
    [
        pytest.param("once", "", id="once"),
        pytest.param("daily", "FREQ=DAILY;UNTIL=20261231", id="daily"),
        pytest.param("monthly_day", "FREQ=MONTHLY;BYMONTHDAY=24;UNTIL=20261231", id="by day"),
        pytest.param("monthly_weekday", "FREQ=MONTHLY;BYDAY=4TU;UNTIL=20261231", id="by weekday"),
    ],
)
def test_how_it_comes_again_is_chosen(
    client: TestClient, database: Database, repeats: str, rule: str
) -> None:
    assert client.post("/maintenance", data=FORM | {"repeats": repeats}, headers=OWN).status_code == 200
    assert [row.recurrence for row in windows(database)] == [rule]


def test_the_fifth_weekday_means_the_last(client: TestClient, database: Database) -> None:
    fifth = FORM | {"start": "2026-11-29T01:00", "end": "2026-11-29T02:00", "repeats": "monthly_weekday"}
    assert client.post("/maintenance", data=fifth, headers=OWN).status_code == 200
    assert [row.recurrence for row in windows(database)] == ["FREQ=MONTHLY;BYDAY=-1SU;UNTIL=20261231"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        pytest.param({"end": "2026-11-24T07:30"}, "phải kết thúc sau khi bắt đầu", id="empty"),
        pytest.param({"codes": "E9"}, "“E9”", id="no such eye"),
        pytest.param({"codes": " , "}, "chưa nêu phạm vi", id="nothing"),
        pytest.param({"scope": "unit", "codes": "Phường Không Có"}, "Phường Không Có", id="no such unit"),
        pytest.param({"reason": ""}, "chưa ghi lý do", id="no reason"),
        pytest.param({"start": "hôm nay"}, "không phải là thời điểm", id="no moment"),
    ],
)
def test_what_is_refused_says_why_and_keeps_what_was_typed(
    client: TestClient, database: Database, wrong: dict[str, str], said: str
) -> None:
    refused = client.post("/maintenance", data=FORM | wrong, headers=OWN)
    assert (refused.status_code, said in unescape(refused.text)) == (409, True)
    assert (FORM | wrong)["codes"] in unescape(refused.text)
    assert windows(database) == []


def test_a_notice_is_shown_before_it_is_entered(client: TestClient, database: Database) -> None:
    shown = client.post("/maintenance/notice", data={"text": NOTICE}, headers=OWN)
    assert (shown.status_code, windows(database)) == (200, [])
    for text in (
        "12/12/2026 07:30:00",
        "TDP 1, phường Yên Bái",
        "Không có đơn vị hành chính nào",
        "Không hiểu",
    ):
        assert text in shown.text
    assert "Phần chắc chắn gồm 1 mắt camera" in shown.text
    ticked = re.findall(r'name="covers" value="([^"]+)" checked', shown.text)
    (times,) = re.findall(r'name="spans" value="([^"]+)"', shown.text)
    assert ticked == ["point:P1"]
    form = {"spans": times, "covers": [*ticked, "unit:u-1"], "reason": "Thay cột", "text": NOTICE}
    entered = client.post("/maintenance/cut", data=form, headers=OWN)
    assert (entered.status_code, "phạm vi 3 mắt camera" in entered.text) == (200, True)
    (window,) = windows(database)
    assert (window.kind, window.notice, window.reason) == (Kind.POWER_CUT, NOTICE, "Thay cột")
    with database.reading() as session:
        assert set(maintenance.scopes(session, window.covers).values()) >= {"point:P1", "unit:u-1"}


@pytest.mark.parametrize(
    "form",
    [
        pytest.param({"spans": "x/y", "covers": "point:P1"}, id="no times"),
        pytest.param({"spans": "2026-12-12T07:30/2026-12-12T08:30", "covers": "point:P1"}, id="no offset"),
        pytest.param({"spans": "2026-12-12T07:30Z/2026-12-12T08:30Z"}, id="nothing ticked"),
        pytest.param(
            {"spans": "2026-12-12T07:30Z/2026-12-12T08:30Z", "covers": "point:P9"}, id="no such point"
        ),
    ],
)
def test_a_cut_that_was_tampered_with_is_refused(
    client: TestClient, database: Database, form: dict[str, str]
) -> None:
    assert client.post("/maintenance/cut", data=form | {"reason": "x"}, headers=OWN).status_code == 409
    assert windows(database) == []


def test_a_text_that_is_no_notice_says_so(client: TestClient) -> None:
    answer = client.post("/maintenance/notice", data={"text": "Chào cả nhà"}, headers=OWN)
    assert (answer.status_code, "Không tìm thấy lịch" in answer.text) == (409, True)


@pytest.mark.parametrize("path", ["", "/withdraw", "/notice", "/cut"])
def test_only_our_own_pages_do_deeds(client: TestClient, database: Database, path: str) -> None:
    form = {**FORM, "window": "1", "text": NOTICE, "spans": "x"}
    client.headers.pop("Sec-Fetch-Site")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {}):
        assert client.post(f"/maintenance{path}", data=form, headers=headers).status_code == 403
    assert windows(database) == []


def test_the_page_speaks_english_too(client: TestClient) -> None:
    html = client.get("/maintenance?lang=en").text
    assert "Paste a notice of a power cut" in html
    assert "Each month, on the same day" in html
