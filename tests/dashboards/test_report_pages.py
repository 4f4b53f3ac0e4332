"""The pages of reports: one read and taken home, a long one made meanwhile, schedules and letterheads."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape

import pytest
from cryptography.fernet import Fernet
from fastapi.testclient import TestClient

from camera_registry.auth.roles import Role
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.reports import jobs
from camera_registry.reports.jobs import File
from tests.dashboards.city import NOW, fill
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

WARD = "04273-2"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("reports")))
    fill(database)
    yield make_web(database, credential_key=Fernet.generate_key().decode())
    database.close()


@pytest.fixture(scope="module")
def client(web: Web) -> TestClient:
    return signed_in(web)


@pytest.mark.parametrize("ending", ["docx", "xlsx", "csv", "json", "html"])
def test_a_report_is_read_and_taken_home(client: TestClient, ending: str) -> None:
    address = f"/reports/uptime?unit={WARD}&period=2026-Q3"
    shown = client.get(address)
    assert (shown.status_code, "quý III/2026" in shown.text) == (200, True)
    taken = client.get(f"{address}&as={ending}")
    assert f"2026-Q3.{ending}" in taken.headers["content-disposition"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        pytest.param("/reports/funding?point=NC1", 200, id="a point"),
        pytest.param("/reports/funding?point=NONE", 409, id="no such point"),
        pytest.param("/reports/uptime?unit=NONE", 409, id="no such unit"),
        pytest.param("/reports/uptime?period=September", 409, id="no period"),
        pytest.param("/reports/inventory?day=yesterday", 409, id="no day"),
        pytest.param("/reports/proposal?proposal=x", 409, id="no number"),
        pytest.param("/reports/disclosure", 200, id="nothing is said yet"),
        pytest.param("/reports/weather", 422, id="no such kind"),
    ],
)
def test_a_question_is_answered_or_refused(client: TestClient, address: str, status: int) -> None:
    assert client.get(address).status_code == status


def test_a_ward_is_asked_about_its_own_and_may_not_read_what_is_weak(web: Web) -> None:
    ward = signed_in(web, Role.WARD_OFFICER, [WARD])
    assert "Phường Nam Cường" in ward.get("/reports/uptime").text
    assert ward.get("/reports/security").status_code == 403
    assert "/reports/security" not in ward.get("/reports").text


@pytest.mark.parametrize(
    ("role", "units"),
    [
        pytest.param(Role.WARD_OFFICER, [WARD], id="of the ward"),
        pytest.param(Role.ADMINISTRATOR, [], id="of the city"),
    ],
)
def test_a_unit_s_page_leads_to_its_report_and_its_disclosure(web: Web, role: Role, units: list[str]) -> None:
    reader = signed_in(web, role, units)
    page = unescape(reader.get(f"/units/{WARD}").text)
    addresses = set(re.findall(r'href="(/reports/[^"]*)"', page))
    assert addresses == {f"/reports/{kind}?unit={WARD}" for kind in ("uptime", "disclosure")}
    for address in addresses:
        shown = reader.get(address)
        assert (shown.status_code, "tháng 10/2026" in shown.text) == (200, True)


def test_a_long_report_is_made_meanwhile_and_can_be_cancelled(web: Web, client: TestClient) -> None:
    assert "<table" not in client.get("/reports/uptime?period=2026-10").text
    asked = client.post("/reports/kept?kind=uptime&period=2026-10", data={"format": "pdf"})
    assert (asked.status_code, "Đang chờ" in asked.text) == (200, True)
    work = jobs.lease(web.database, NOW)
    assert work is not None
    assert jobs.renew(web.database, work, NOW, 60)
    assert "60" in client.get(asked.url.path).text
    with web.database.transaction() as session:
        store = CredentialStore(web.app.state.desk.settings)
        kept = File("a.pdf", work.format, b"%PDF-")
        assert jobs.keep(session, store, work, kept, NOW, timedelta(days=1))
    assert client.get(f"{asked.url.path}/file").content == b"%PDF-"
    second = client.post("/reports/kept?kind=uptime&period=2026-10", data={"format": "pdf"}).url.path
    assert "Đã hủy" in client.post(f"{second}/cancel").text
    assert client.post(f"{second}/cancel").status_code == 409
    assert client.get(f"{second}/file").status_code == 404


def test_a_report_leads_to_its_schedule(web: Web, client: TestClient) -> None:
    shown = client.get(f"/reports/uptime?unit={WARD}&period=2026-Q3").text
    way = f"/reports/schedules?kind=uptime&amp;unit={WARD}"
    assert way in shown
    assert f'value="{WARD}" selected' in client.get(unescape(way)).text
    finance = signed_in(web, Role.FINANCE)
    assert way not in finance.get(f"/reports/uptime?unit={WARD}&period=2026-Q3").text
    assert "quản trị viên hoặc người trực vận hành" in finance.get("/reports/schedules").text


def test_a_schedule_is_made_and_ended(client: TestClient) -> None:
    said = {"kind": "uptime", "unit": WARD, "format": "pdf", "language": "vi", "every": "quarter"}
    assert client.post("/reports/schedules", data=said).status_code == 409, "without a reason"
    made = client.post("/reports/schedules", data=said | {"reason": "Theo quy chế"})
    assert "Hằng quý" in made.text
    assert client.post("/reports/schedules/1/end", data={"reason": "Thôi"}).status_code == 200
    assert client.get("/reports/schedules/1/end").status_code == 404, "it is ended already"


def test_a_schedule_of_a_programme_without_one_is_refused(client: TestClient) -> None:
    said = {"kind": "programme", "format": "pdf", "language": "vi", "every": "year", "reason": "Hằng năm"}
    assert client.post("/reports/schedules", data=said).status_code == 409


def test_what_others_asked_for_is_theirs_to_cancel(web: Web, client: TestClient) -> None:
    asked = client.post(f"/reports/kept?kind=uptime&unit={WARD}&period=2026-10", data={"format": "pdf"})
    auditor = signed_in(web, Role.AUDITOR)
    assert "/cancel" not in auditor.get(asked.url.path).text
    assert auditor.post(f"{asked.url.path}/cancel").status_code == 409
    assert "/cancel" in client.get(asked.url.path).text


def test_a_letterhead_stands_on_the_letters_of_its_unit(client: TestClient) -> None:
    said = {
        "unit": WARD,
        "body": "Cơ quan <giả lập>",
        "place": "Nam Cường",
        "recipients": "Như trên\n\nLưu: VT",
    }
    refused = client.post("/reports/letterheads", data=said)
    assert (refused.status_code, "Cơ quan &lt;giả lập&gt;" in refused.text) == (409, True)
    saved = client.post("/reports/letterheads", data=said | {"reason": "Mẫu mới"})
    assert "Lưu: VT" in saved.text
    letter = client.get(f"/reports/uptime?unit={WARD}&period=2026-10&as=html").text
    assert "CƠ QUAN &lt;GIẢ LẬP&gt;" in letter
