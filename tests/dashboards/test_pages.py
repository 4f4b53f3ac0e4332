import re
from datetime import timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event, select, update

from camera_registry import models
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from camera_registry.ingest import Ingest, rules
from probes.reasons import Reason
from tests.browser.pages import tour
from tests.dashboards.city import NOW, add_eye, add_point, fill, fill_many, set_state
from tests.dashboards.serving import make_web, signed_in


def client_of(database: Database, notice: str | None = None) -> TestClient:
    web = make_web(database, notice=notice)
    return signed_in(web)


@pytest.fixture
def client(database: Database) -> TestClient:
    fill(database)
    return client_of(database)


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_the_first_page_speaks_vietnamese(client: TestClient) -> None:
    html = client.get("/").text
    text = text_of(html)

    assert '<html lang="vi">' in html
    assert "8 mắt camera tại 2 điểm" in text
    assert "66,67 % có tín hiệu, trong 3 mắt đã xác định được trạng thái." in text
    assert "Độ phủ: 60,00 % của 5 mắt đang vận hành." in text
    assert "1 Đang hoạt động 1 Hoạt động kém 1 Mất kết nối 0 Chưa xác định 2 Chưa từng hoạt động" in text
    assert "1 mắt camera chưa bắt đầu theo dõi." in text
    assert "Không có sự cố nào đang diễn ra." in text


def test_eyes_that_work_for_the_first_time_are_told_once(database: Database) -> None:
    fill_many(database, 66)  # a third of them is down again
    html = client_of(database).get("/").text

    assert re.findall(r'<details id="news-(\w+)">', html) == ["first"]
    assert '<a href="/eyes?sort=-since">…</a>' in html


def test_what_is_not_observed_is_no_percentage(client: TestClient) -> None:
    html = client.get("/").text
    tile = re.search(r'href="/units/04543-2".*?</a>', html, re.DOTALL)

    assert tile is not None
    assert "không quan sát được" in tile.group()


def test_the_language_is_remembered(client: TestClient) -> None:
    assert "8 eyes at 2 points" in client.get("/?lang=en").text
    assert "8 eyes at 2 points" in client.get("/").text
    assert "8 mắt camera tại 2 điểm" in client.get("/?lang=vi").text
    assert "8 mắt camera tại 2 điểm" in client.get("/?lang=xx").text


def test_the_theme_is_remembered_and_stands_in_the_page(client: TestClient) -> None:
    assert '<html lang="vi">' in client.get("/").text
    assert '<html lang="vi" data-theme="dark">' in client.get("/?theme=dark").text
    assert '<html lang="vi" data-theme="dark">' in client.get("/counting").text
    assert '<html lang="vi">' in client.get("/?theme=auto").text


def test_switching_the_language_keeps_the_choice(client: TestClient) -> None:
    html = client.get("/eyes", params={"standing": "down", "q": "hoà bình"}).text

    assert 'href="?standing=down&amp;q=ho%C3%A0+b%C3%ACnh&amp;lang=en"' in html
    assert 'value="hoà bình"' in html


def test_whoever_answers_for_one_unit_is_led_to_it(database: Database) -> None:
    fill(database)
    web = make_web(database)
    officer = signed_in(web, Role.WARD_OFFICER, ["04546"])  # what became of it is Âu Lâu

    assert officer.get("/", follow_redirects=False).headers["location"] == "/units/04543-2"
    assert '<a href="/" aria-current="page">Hôm nay</a>' in officer.get("/units/04543-2").text
    assert '<a href="/">Hôm nay</a>' in signed_in(web).get("/units/04543-2").text
    assert signed_in(web, Role.AUDITOR).get("/", follow_redirects=False).status_code == 200


def test_the_heaviest_incident_stands_first_and_says_who_has_it(database: Database) -> None:
    tour(database)
    with database.transaction() as session:
        eye_id = session.scalars(select(models.Eye.id).where(models.Eye.code == "NC1-POOR")).one()
        began = NOW - timedelta(hours=3)
        older = models.Incident(
            kind="eye", ancestor_id=eye_id, started_at=began, announced_at=began, recorded_at=began
        )
        older.members.append(models.IncidentEye(eye_id=eye_id, from_at=began))
        session.add(older)
    client = client_of(database)

    for page in ("/", "/wall"):
        text = text_of(client.get(page).text)
        assert "Sự cố đang diễn ra (2)" in text
        assert text.index("Mắt NC1-POOR") < text.index("Cổng chợ")
        assert "Chưa ai tiếp nhận" in text


MEASURED = ("/", "/wall", "/eyes", "/map", "/incidents", "/registry", "/eyes/NC1-DOWN", "/points/NC1")
NOT_ASKING = "Hệ thống giám sát đang không kiểm tra camera."


def test_a_monitor_that_does_not_ask_is_said_to_be_so(database: Database) -> None:
    fill(database)
    later = signed_in(make_web(database, now=lambda: NOW + timedelta(minutes=20)))
    client = client_of(database)

    for page in (*MEASURED, "/units/04273-2"):
        assert later.get(page).text.count(NOT_ASKING) == 1, page
        assert NOT_ASKING not in client.get(page).text, page


def test_eyes_that_are_not_asked_are_said_to_be_so_to_who_sees_them(database: Database) -> None:
    fill(database)
    with database.transaction() as session:
        market = models.Site(code="cho", name="Chợ Tuy Lộc")
        session.add(market)
        session.flush()
        session.scalars(select(models.Device).where(models.Device.code == "NC1-D")).one().site_id = market.id
        theirs = select(models.Eye.id).where(models.Eye.code.startswith("NC1"))
        session.execute(
            update(models.EyeState)
            .where(models.EyeState.eye_id.in_(theirs))
            .values(probed_at=NOW - timedelta(hours=1))
        )
    web = make_web(database)

    def alarm(page: str, *units: str) -> str:
        role = Role.WARD_OFFICER if units else Role.ADMINISTRATOR
        found = re.search(r'<div id="alarm".*?</div>', signed_in(web, role, units).get(page).text, re.DOTALL)
        assert found is not None
        return text_of(found[0])

    whole = alarm("/")
    assert "3 trong 4 mắt camera không được kiểm tra đúng hạn" in whole
    assert whole.endswith("Khu vực mạng Chợ Tuy Lộc: 3 / 3, lượt kiểm tra mới nhất 60 phút trước.")
    assert alarm("/eyes") == whole
    assert alarm("/", "04273-2").startswith(NOT_ASKING)
    assert alarm("/", "04543-2") == ""


def test_the_last_day_is_as_old_as_what_stands_beside_it(database: Database) -> None:
    """From the last probe on, until silence is written and after it."""
    fill_many(database, 60)
    with database.transaction() as session:
        for condition in session.scalars(select(models.Condition)):
            condition.heard_at = NOW - timedelta(seconds=condition.eye_id % 60)
            condition.silent_at = condition.heard_at + timedelta(seconds=150)

    def unknown(later_s: int) -> tuple[str, str]:
        html = signed_in(make_web(database, now=lambda: NOW + timedelta(seconds=later_s))).get("/").text
        tile = re.search(r'standing=unknown"><b>(\d+)</b>', html)
        layer = re.search(r'<li><span class="state unknown">[^<]*</span> <b class="figures">(\d+)</b>', html)
        assert tile is not None
        assert layer is not None
        assert ("24 giờ tính đến" in html) == (later_s > 60)
        return tile[1], layer[1]

    assert unknown(30) == unknown(119) == unknown(3600) == ("0", "0")
    with database.transaction() as session:
        session.get_one(models.EyeState, 1).probed_at = NOW + timedelta(minutes=59)  # the only one asked
    assert unknown(3600) == ("0", "0")
    Ingest(database, rules(), lambda: NOW + timedelta(hours=1)).tick(NOW + timedelta(hours=1))
    assert unknown(3600) == ("60", "60"), "written now"


def test_a_first_failure_is_not_called_never_asked(database: Database) -> None:
    with database.transaction() as session:
        eye = add_eye(session, add_point(session, "P", None), "E", started_at=None)
        set_state(session, eye, "unknown", Reason.NEVER_PROBED, first_ok_at=None)

    text = text_of(client_of(database).get("/eyes").text)

    assert "chờ xác nhận" in text
    assert "chưa bắt đầu theo dõi" not in text


def test_an_eye_that_was_never_asked_has_a_page(client: TestClient) -> None:
    assert "Chưa bắt đầu theo dõi." in client.get("/eyes/AL1-NEW").text
    assert "Theo báo cáo" in client.get("/eyes/AL1-CLOUD").text


def test_what_strangers_wrote_is_text(database: Database) -> None:
    hostile = '"><script>alert(1)</script>'
    with database.transaction() as session:
        eye = add_eye(session, add_point(session, "P", None, hostile), "E", name=hostile)
        set_state(session, eye, "down", Reason.RTSP_TIMEOUT, transcript=hostile)
    client = client_of(database)

    for page in ("/eyes", "/eyes/E", "/points/P", "/eyes?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"):
        html = client.get(page).text
        assert "<script>alert" not in html
        assert "&lt;script&gt;" in html


def test_nothing_in_a_page_comes_from_elsewhere_or_stands_inline(client: TestClient) -> None:
    for page in ("/", "/eyes/NC1-DOWN"):
        html = client.get(page).text
        assert re.findall(r'(?:src|href)="(?:https?:)?//', html) == []
        assert re.findall(r"<script>|<style|\sstyle=|\son\w+=", html) == []


def test_an_empty_registry_says_what_to_do(database: Database) -> None:
    text = text_of(client_of(database).get("/").text)

    assert "Chưa có mắt camera nào trong sổ đăng ký." in text
    assert "camera-registry import" in text


def test_a_notice_stands_above_every_page(database: Database) -> None:
    client = client_of(database, notice="Not in service")

    for page in ("/", "/eyes/nobody"):
        assert '<p class="notice" role="note">Không vận hành</p>' in client.get(page).text


def test_no_eye_of_a_city_has_a_question_of_its_own(database: Database) -> None:
    """How long it takes is for ``make bench``."""
    fill_many(database, 953)
    client = client_of(database)
    client.get("/")
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *heard: asked.append(heard[2]))

    client.get("/")

    assert 0 < len(asked) <= 30
