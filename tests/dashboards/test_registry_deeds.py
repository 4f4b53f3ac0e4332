"""Reports, grades, changed devices, starts, discovery and commissioning: done by a person, within a scope."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pydantic import TypeAdapter
from sqlalchemy import select

from camera_registry import discovering, models
from camera_registry.auth.roles import Role
from camera_registry.commissioning import DeviceReading
from camera_registry.credentials import CredentialStore
from camera_registry.errands import Wish
from dashboards.pages.grading import AT_ONCE
from probes.onvif.answers import Identity
from probes.onvif.discovery import Found
from probes.onvif.survey import Channel, Survey
from tests.camera_registry.registries import fresh
from tests.dashboards.city import NOW
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

LISTED = re.compile(r'<li id="(\w+)">')
WHY = {"reason": "Thay máy hỏng"}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """E1 is reported on; D2 is another device than it was; E3 is not started; E4 lies in another ward."""
    folder: Path = tmp_path_factory.mktemp("deeds")
    database, _ = fresh(sqlite_in(folder), 4)
    with database.transaction() as session:
        eyes = session.scalars(select(models.Eye).order_by(models.Eye.code)).all()
        eyes[0].reach, eyes[0].path, eyes[2].started_at = "reported", None, None
        session.get_one(models.Device, eyes[1].device_id).serial = "A1"
        session.add(
            models.DeviceEvent(
                device_id=eyes[1].device_id, at=NOW, kind="serial_changed", before="A1", after="B2"
            )
        )
        other = models.Unit(uid="u-2", code="04300", name="Phường Khác", kind="phuong")
        session.add(other)
        session.flush()
        session.scalars(
            select(models.PointUnit).join(models.Point).where(models.Point.code == "P4")
        ).one().unit_id = other.id
    web = make_web(database, data_dir=folder)
    with database.reading() as session:
        CredentialStore(web.app.state.desk.settings).prepare(session)
    yield web
    database.close()


@pytest.fixture
def client(web: Web) -> TestClient:
    return signed_in(web, Role.OPERATOR)


def _follow(client: TestClient, page: str, mark: str) -> str:
    """The page of grades that the first link before ``mark`` leads to."""
    link = re.search(rf'href="([?][^"#]+){mark}', page)
    assert link is not None
    return client.get(f"/registry/grades{unescape(link[1])}").text


def deeds(web: Web) -> list[tuple[str, str]]:
    with web.database.reading() as session:
        rows = session.execute(select(models.Audit.action, models.Audit.subject).order_by(models.Audit.id))
        return [(row.action, row.subject) for row in rows if not row.subject.startswith("user:")]


def test_a_ward_officer_reports_on_an_eye_without_a_network(web: Web) -> None:
    officer = signed_in(web, Role.WARD_OFFICER, ["u-1"])
    assert "Chưa có báo cáo" in officer.get("/registry/reported").text
    told = officer.post("/registry/reported", data={"eye": "E1", "word": "poor", "note": "<mờ> ban đêm"})
    for text in ("Đã ghi báo cáo về E1", "&lt;mờ&gt; ban đêm", "22/12/2026"):
        assert text in told.text
    assert ("report_taken", "eye:E1") in deeds(web)
    measured = officer.post("/registry/reported", data={"eye": "E2", "word": "working"})
    assert (measured.status_code, "không" in measured.text) == (409, True)
    assert officer.post("/registry/reported", data={"eye": "E4", "word": "working"}).status_code == 404
    assert signed_in(web, Role.FINANCE).post("/registry/reported", data={"eye": "E1"}).status_code == 403


def test_who_is_graded_moves_to_the_end(web: Web) -> None:
    officer = signed_in(web, Role.WARD_OFFICER, ["u-1"])
    first = officer.get("/registry/grades").text
    assert "E4" not in first, "another ward's"
    assert "live.jpg" not in first, "pictures are not for officers"
    done = officer.post("/eyes/E2/grade", data={"grade": "unclear", "back": "queue", "note": "lá che"})
    assert "Đã ghi đánh giá của E2" in done.text
    assert "Không rõ nét" in done.text.partition('id="E2"')[2]
    assert ("grade_given", "eye:E2") in deeds(web)
    assert officer.post("/eyes/E4/grade", data={"grade": "good"}).status_code == 404


def test_a_picture_is_shown_on_the_page_where_it_was_asked_for(tmp_path: Path) -> None:
    database, _ = fresh(sqlite_in(tmp_path), AT_ONCE + 2)
    client = signed_in(make_web(database, look=lambda code: b"picture"))
    page = client.get("/registry/grades").text
    for way in ('" rel="next', '" rel="prev'):
        page = _follow(client, page, way)
        shown = _follow(client, page, "#E")
        assert "live.jpg" in shown
        assert LISTED.findall(shown) == LISTED.findall(page)
    database.close()


def test_a_changed_device_is_confirmed_once(client: TestClient, web: Web) -> None:
    assert "B2" in client.get("/registry/devices").text
    narrow = signed_in(web, Role.OPERATOR, ["u-2"])
    assert "B2" not in narrow.get("/registry/devices").text
    assert narrow.post("/registry/devices/confirm", data={"device": "D2"} | WHY).status_code == 404
    done = client.post("/registry/devices/confirm", data={"device": "D2"} | WHY)
    assert "được kiểm tra trở lại" in done.text
    assert ("device_confirmed", "device:D2") in deeds(web)
    assert client.post("/registry/devices/confirm", data={"device": "D2"} | WHY).status_code == 409


def test_a_site_is_started_after_a_look_at_what_it_costs(client: TestClient, web: Web) -> None:
    shown = client.get("/registry/start?site=S1").text
    assert "Bắt đầu theo dõi 1 mắt camera của 1 thiết bị" in shown
    assert "Phải ghi lý do" in client.post("/registry/start", data={"site": "S1"}).text
    begun = client.post("/registry/start", data={"site": "S1"} | WHY)
    assert begun.url.path.startswith("/registry/start/")
    assert "Đang chờ hệ thống giám sát" in begun.text
    assert client.get("/registry/start?site=S1").text.count(begun.url.path) >= 1, "not begun twice"
    stopped = client.post(f"{begun.url.path}/stop")
    assert "Đang dừng" in stopped.text
    assert deeds(web)[-2:] == [("start_asked", "site:S1"), ("start_stopped", "site:S1")]
    with web.database.transaction() as session:
        row = session.scalars(select(models.Rollout)).one()
        row.ended_at, row.ending, row.started = NOW, "stopped", 1
    assert "Được người dùng dừng" in client.get(begun.url.path).text
    assert client.get("/registry/start/99").status_code == 404
    assert client.post("/registry/start", data={"site": "none"} | WHY).status_code == 404


def test_a_network_is_searched_and_what_answers_is_told_apart(client: TestClient, web: Web) -> None:
    wrong = client.post("/registry/discovery", data={"hosts": "10.0.0.0/8"})
    assert (wrong.status_code, "10.0.0.0/8" in wrong.text) == (409, True)
    asked = client.post("/registry/discovery", data={"hosts": "127.0.0.1, 127.0.0.8/30"})
    assert "Đang dò mạng" in asked.text
    assert deeds(web)[-1][0] == "network_searched"
    found = [Found("127.0.0.1", 80, name="<b>known</b>"), Found("127.0.0.9", 8899, hardware="H265")]
    with web.database.transaction() as session:
        row = session.scalars(select(models.Discovery)).one()
        assert row.hosts == ["127.0.0.1", "127.0.0.9", "127.0.0.10"]
        row.answered_at, row.answer = NOW, discovering.packed(found)
    shown = client.get("/registry/discovery").text
    for text in ("&lt;b&gt;known&lt;/b&gt;", "D1, D2", "/registry/discovery/add?host=127.0.0.9"):
        assert text in shown
    kept = client.get(f"/registry/discovery?search={row.id}&sort=-name&as=csv").content.decode("utf-8-sig")
    assert [line.partition(";")[0] for line in kept.splitlines()[1:]] == ["127.0.0.1", "127.0.0.9"]


def test_a_device_is_entered_and_checked_as_an_import_would(client: TestClient, web: Web) -> None:
    form = {"point_code": "P1", "host": "127.0.0.9", "onvif_port": "8899", "manufacturer": "Dahua"}
    assert "Phải ghi lý do" in client.post("/registry/discovery/add", data=form).text
    form |= WHY
    wrong = client.post("/registry/discovery/add", data={**form, "host": "127.0.0.999", "user": "admin"})
    assert (wrong.status_code, "127.0.0.999" in wrong.text) == (409, True)
    nowhere = client.post("/registry/discovery/add", data={**form, "point_code": "P77"})
    assert (nowhere.status_code, "P77" in nowhere.text) == (409, True)
    done = client.post("/registry/discovery/add", data={**form, "user": "admin", "password": "S3cret"})
    assert done.url.path == "/registry/discovery/device/P1-D1"
    assert "S3cret" not in done.text
    assert deeds(web)[-2:] == [("added", "device:P1-D1"), ("credential_saved", "credential:P1-D1")]
    waiting = client.post("/registry/discovery/device/P1-D1/ask")
    assert "Đang hỏi thiết bị" in waiting.text
    assert deeds(web)[-1] == ("device_asked", "device:P1-D1")


def test_what_a_device_says_becomes_eyes_as_a_person_has_them(client: TestClient, web: Web) -> None:
    channels = tuple(
        Channel(n, f"Kênh {n}", f"p{n}", "H264", 1920, 1080, f"/{n}01", f"/{n}02", None) for n in (1, 2, 3)
    )
    said = DeviceReading(Survey(Identity("Dahua", "NVR", "1.0", "SN-3"), channels))
    with web.database.transaction() as session:
        device = session.scalars(select(models.Device).where(models.Device.code == "D3")).one()
        row = models.DeviceRequest(device_id=device.id, wish=Wish.READ, requested_at=NOW, answered_at=NOW)
        row.answer = TypeAdapter(DeviceReading).dump_json(said)
        session.add(row)
        session.flush()
        number = row.id
    page = client.get(f"/registry/discovery/device/D3?reading={number}").text
    for text in ("SN-3", "/202", 'value="P3-01"'):
        assert text in page
    assert client.get(f"/registry/discovery/device/D2?reading={number}").status_code == 404, "of another"
    form = {
        "reading": number, "channel": [1, 2, 3], "eye": ["E3", "E1", "P3-B"], "name": ["", "Cổng", "Sân"],
        "take": [1, 2], **WHY,
    }  # fmt: skip
    taken = client.post("/registry/discovery/device/D3/accept", data=form)
    assert (taken.status_code, "E1" in taken.text) == (409, True), "the code is another eye's"
    done = client.post("/registry/discovery/device/D3/accept", data={**form, "eye": ["E3", "P3-A", "P3-B"]})
    assert "done=1-" in str(done.url)
    with web.database.reading() as session:
        eyes = session.execute(
            select(models.Eye.code, models.Eye.name, models.Eye.path, models.Eye.started_at)
            .join(models.Device)
            .where(models.Device.code == "D3")
            .order_by(models.Eye.channel)
        ).all()
    assert [tuple(eye) for eye in eyes] == [("E3", "", "/3", None), ("P3-A", "Cổng", "/202", None)]
    assert ("commissioned", "device:D3") in deeds(web)
    assert ("added", "eye:P3-A") in deeds(web)


@pytest.mark.parametrize("path", ["/registry/start", "/registry/discovery", "/registry/discovery/add"])
def test_what_reaches_beyond_a_ward_is_for_who_sees_all(web: Web, path: str) -> None:
    narrow = signed_in(web, Role.OPERATOR, ["u-1"])
    assert narrow.get(path).status_code == 403
    assert narrow.post(path, data={"site": "S1", "point_code": "P1", "host": "h"}).status_code == 403


def test_an_old_search_is_given_up() -> None:
    search = discovering.Search(1, (), "", False, NOW, "An", None, None, "")
    assert not search.given_up(NOW)
    assert search.given_up(NOW + timedelta(seconds=301))


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("/registry/devices?refused=", id="changed devices"),
        pytest.param("/registry/devices?done=E1", id="a device that is none"),
        pytest.param("/registry/devices?done=D1", id="a device that nobody confirmed"),
        pytest.param("/registry/reported?refused=", id="reports"),
        pytest.param("/registry/discovery?refused=", id="discovery"),
        pytest.param("/registry/discovery/device/D1?done=7-7", id="a device that was not asked"),
        pytest.param("/registry/discovery/device/D1?refused=", id="a device"),
    ],
)
def test_an_address_puts_no_words_on_a_page(client: TestClient, address: str) -> None:
    page = client.get(f"{address}Hay%20goi%20so%20nay" if address.endswith("=") else address)
    assert page.status_code == 200
    assert "Hay goi so nay" not in page.text
    assert 'class="told' not in page.text.partition("<main")[2]


def test_a_number_that_no_column_holds_is_refused(client: TestClient) -> None:
    """SQLite and PostgreSQL fail of more than 64 bits."""
    huge = 2**63
    for path in (
        *(f"/registry/start/{huge}", f"/eyes/E1/probe/{huge}", f"/eyes/E1/probe/{huge}/rungs"),
        *(f"/registry/discovery/device/D1?reading={huge}", f"/incidents/{huge}"),
        *(f"/api/v1/incidents/{huge}", f"/api/v1/transitions?after={huge}"),
    ):
        assert client.get(path).status_code == 422, path
        assert client.get(path.replace(str(huge), str(huge - 1))).status_code in (200, 404, 409), path
    reason = {"reason": "x"}
    for path, form in (
        *((f"/registry/start/{huge}/stop", {}), (f"/incidents/{huge}/acknowledge", {})),
        ("/maintenance/withdraw", {"window": huge} | reason),
        ("/account/tokens/revoke", {"token": huge}),
        ("/account/sessions/end", {"session_id": huge}),
        ("/registry/discovery/device/D1/accept", {"reading": huge}),
    ):
        assert client.post(path, data=form).status_code == 422, path
    assert client.post(f"/api/v1/maintenance/{huge}/withdraw", json=reason).status_code == 422
