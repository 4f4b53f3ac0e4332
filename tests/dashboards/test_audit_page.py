"""The page of who did what, its files and its JSON; the page of tokens."""

import csv
import re
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import select

from camera_registry import audit, deeds, models
from camera_registry.audit import Action, Actor
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from dashboards import tables
from tests.dashboards.city import NOW, fill
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

LAN, MINH = Actor("lan", "10.0.0.7", "0123456789abcdef"), Actor("minh", "cli")


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("audit")))
    fill(database)
    with database.transaction() as session:
        detail = {"before": {"name": "=1+1"}, "after": {"name": "Cổng chợ", "retired": "2026-11-01"}}
        counts = {"point": {"new": 3, "same": 1_224}, "eye": {}}
        at = NOW - timedelta(days=1)
        audit.record(session, MINH, Action.IMPORTED, "file:danh-muc.xlsx", at, detail=counts)
        for n, subject in enumerate(("eye:NC1-UP", "eye:AL1-NEW", "site:yb")):
            at = NOW - timedelta(hours=n)
            audit.record(session, LAN, Action.CHANGED, subject, at, detail=detail, reason="Đổi tên")
    yield make_web(database)
    database.close()


def test_the_log_says_who_did_what_and_what_it_changed(web: Web) -> None:
    page = signed_in(web, Role.AUDITOR).get("/audit?subject=eye:NC1-UP").text
    assert "Đã sửa trong sổ đăng ký" in page
    assert '<a href="/eyes/NC1-UP">NC1-UP</a>' in page
    assert re.search(r"<del>=1\+1</del>.*<ins>Cổng chợ</ins>", page)
    assert "01/11/2026" in page
    assert "Đổi tên" in page
    assert "AL1-NEW" not in page


def test_counts_are_told_in_words(web: Web) -> None:
    page = signed_in(web, Role.AUDITOR).get("/audit?who=minh&lang=en").text
    assert "New: 3, Unchanged: 1,224" in page


def test_an_empty_log_says_so(web: Web) -> None:
    assert "Không có việc nào khớp" in signed_in(web, Role.AUDITOR).get("/audit?q=nothing+of+the+kind").text


@pytest.mark.parametrize("address", ["/audit?first=2026-02-31", "/audit?first=yesterday", "/audit?before=0"])
def test_what_cannot_be_asked_is_refused(web: Web, address: str) -> None:
    assert signed_in(web, Role.AUDITOR).get(address).status_code == 422


def test_an_auditor_of_a_ward_sees_its_things_alone(web: Web) -> None:
    client = signed_in(web, Role.AUDITOR, ["04273-2"])
    told = client.get("/api/v1/audit").json()
    assert [entry["subject"] for entry in told["entries"]] == ["eye:NC1-UP"]
    assert "AL1" not in client.get("/audit").text


def test_files_hold_what_the_conditions_show_and_run_nothing(web: Web) -> None:
    client = signed_in(web, Role.AUDITOR)
    text = client.get("/audit?who=lan&as=csv&lang=en").content.decode("utf-8-sig")
    head, *lines = csv.reader(StringIO(text))
    assert head[:4] == ["When", "Who", "From where", "Action"]
    assert [line[4] for line in lines] == ["Site yb", "Eye AL1-NEW", "Eye NC1-UP"]
    book = openpyxl.load_workbook(BytesIO(client.get("/audit?who=lan&as=xlsx").content))
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert "=1+1" in str([cell.value for cell in cells])
    assert {cell.data_type for cell in cells} <= {"s", "d", "n"}  # no formula
    row = models.Audit
    with web.database.reading() as session:
        exported = select(row.who, row.subject, row.detail).where(row.action == Action.EXPORTED)
        told = [(who, subject, detail["rows"]) for who, subject, detail in session.execute(exported)]
    assert told == [("auditor", "audit:csv", 3), ("auditor", "audit:xlsx", 3)]


def test_each_answer_names_its_request_and_the_audit_does_too(web: Web) -> None:
    client = signed_in(web, Role.OPERATOR)
    answer = client.post("/account/tokens", data={"name": "Prometheus", "permissions": ["view"]})
    request_id = answer.headers["X-Request-Id"]
    row = models.Audit
    with web.database.reading() as session:
        done = select(row.action, row.subject, row.who, row.origin).where(row.request_id == request_id)
        assert session.execute(done).all() == [("token_made", "user:operator", "operator", "127.0.0.1")]


def test_a_token_is_shown_once_works_and_is_revoked(web: Web) -> None:
    client = signed_in(web, Role.WARD_OFFICER, ["04273-2"])
    answer = client.post(
        "/account/tokens", data={"name": "báo cáo", "permissions": ["view", "handle"], "days": 30}
    )
    token = re.findall(r"crt_[\w-]{43}", answer.text)[0]
    assert token not in client.get("/account/tokens").text

    program = signed_in(web)
    program.cookies.clear()
    program.headers = {"Authorization": f"Bearer {token}"}
    eyes = program.get("/api/v1/eyes").json()["eyes"]
    assert {eye["point"] for eye in eyes} == {"NC1"}
    assert program.get("/account/tokens", follow_redirects=False).status_code == 303, "a token opens no page"

    with web.database.reading() as session:
        number = session.scalars(select(models.ApiToken.id).where(models.ApiToken.name == "báo cáo")).one()
    stranger = signed_in(web, Role.FINANCE).post("/account/tokens/revoke", data={"token": number})
    assert stranger.status_code == 409
    assert program.get("/api/v1/eyes").status_code == 200
    assert "Đã thu hồi" in client.post("/account/tokens/revoke", data={"token": number}).text
    assert program.get("/api/v1/eyes").status_code == 401


def test_what_one_may_not_do_is_not_granted(web: Web) -> None:
    client = signed_in(web, Role.WARD_OFFICER, ["04273-2"])
    for permission in ("people", "scrape"):
        answer = client.post("/account/tokens", data={"name": "x", "permissions": [permission]})
        assert answer.status_code == 409
    assert client.post("/account/tokens", data={"name": "x"}).status_code == 409
    assert client.post("/account/tokens", data={"name": " ", "permissions": ["view"]}).status_code == 409


@pytest.mark.parametrize(
    ("action", "subject", "detail", "vi", "en"),
    [
        pytest.param(
            *(Action.EXPORTED, "grades:xlsx", {"asked": {}, "rows": 3}),
            ["Đánh giá hình ảnh (XLSX)", "Số dòng: 3"],
            ["Grades of pictures (XLSX)", "Rows: 3"],
            id="all of a list, as a file",
        ),
        pytest.param(
            *(Action.EXPORTED, "incidents:csv", {"asked": {"phase": "all", "kind": "eye"}, "rows": 3}),
            ["Sự cố (CSV)", "Bộ lọc: Trạng thái: Tất cả, Nguyên nhân: Một mắt camera; Số dòng: 3"],
            ["Incidents (CSV)", "Conditions: State: All, Cause: One eye; Rows: 3"],
            id="some of a list",
        ),
        pytest.param(
            *(Action.MAINTENANCE_ENTERED, "maintenance:3"),
            {"kind": "work", "to": "2026-11-02", "recurrence": "", "covers": ["point:YB-2"]},
            ["Bảo trì 3", "Loại: Bảo trì theo kế hoạch; Đến lúc: 02/11/2026; Phạm vi: Điểm lắp đặt YB-2"],
            ["Maintenance 3", "What it is: Planned work; Until: 2026-11-02; What it covers: Point YB-2"],
            id="a window",
        ),
        pytest.param(
            *(Action.MAINTENANCE_ENTERED, "maintenance:4", {"covers": ["all"]}),
            ["Bảo trì 4", "Phạm vi: Toàn bộ"],
            ["Maintenance 4", "What it covers: Everything"],
            id="a window over everything",
        ),
        pytest.param(
            *(Action.NETWORK_SEARCHED, "discovery:7", {"hosts": [], "try_ports": True}),
            ["Dò tìm trong mạng 7", "Thử từng cổng: có"],
            ["Search of the network 7", "Ports are tried: yes"],
            id="a search",
        ),
        pytest.param(
            *(Action.USER_ADDED, "user:hoa", {"role": "ward_officer"}),
            ["Người dùng hoa", "Vai trò: Cán bộ phường, xã"],
            ["User hoa", "Role: Ward officer"],
            id="a person",
        ),
    ],
)  # fmt: skip
def test_deeds_are_told_in_words_and_not_in_slugs(
    web: Web, action: Action, subject: str, detail: dict[str, object], vi: list[str], en: list[str]
) -> None:
    with web.database.transaction() as session:
        audit.record(session, LAN, action, subject, NOW, detail=detail)
    client = signed_in(web, Role.AUDITOR)
    for language, delimiter, told in (("vi", ";", vi), ("en", ",", en)):
        asked = f"/audit?subject={subject}&lang={language}"
        text = client.get(f"{asked}&as=csv").content.decode("utf-8-sig")
        line = list(csv.reader(StringIO(text), delimiter=delimiter))[1]
        assert [line[4], line[6]] == told
        page = client.get(asked).text
        assert told[0][:1].lower() + told[0][1:] in re.sub(r"</?b>", "", page), "in its title, too"
        assert f">{subject}" not in page


def test_what_is_taken_home_is_named(web: Web) -> None:
    """Every list that can be taken home as a file."""
    pages = Path(tables.__file__).parent / "pages"
    call = re.compile(r'tables\.(?:export|taken_home)\(\s*desk, request, [\w.]+, "([\w-]+)"')
    names = {name for page in pages.glob("*.py") for name in call.findall(page.read_text(encoding="utf-8"))}
    assert names == set(deeds.FILES)
