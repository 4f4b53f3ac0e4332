"""The page of a ward, the list of incidents, one of them: what they say, to whom, and what is done there."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import insert, select

from camera_registry import maintenance, models
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from camera_registry.maintenance import Kind
from tests.dashboards.city import NOW
from tests.dashboards.serving import Web, make_web, signed_in
from tests.dashboards.ward import FORMER, OTHER_WARD, WARD, fill_morning
from tests.databases import sqlite_in


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("ward")))
    fill_morning(database)
    yield make_web(database)
    database.close()


@pytest.fixture(scope="module")
def officer(web: Web) -> TestClient:
    client = signed_in(web, Role.WARD_OFFICER, [WARD])
    client.follow_redirects = False
    return client


def number_of(web: Web, code: str) -> int:
    """The id of the incident of this eye or point."""
    with web.database.reading() as session:
        table = models.Point if code in ("NC1", "NC2") else models.Eye
        of = select(table.id).where(table.code == code).scalar_subquery()
        kind = "point" if table is models.Point else "eye"
        return session.scalars(
            select(models.Incident.id).where(models.Incident.ancestor_id == of, models.Incident.kind == kind)
        ).one()


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_the_page_of_a_ward(officer: TestClient) -> None:
    said = text_of(officer.get(f"/units/{WARD}").text)
    for words in (
        "Phường Nam Cường",
        "Sự cố đang diễn ra (2)",
        "Chợ Tuy Lộc",
        "Đường Hoà Bình, tổ dân phố số 4",
        "09:10",
        "Cả một điểm",
        "Sửa chữa: Công an phường Nam Cường · Tiền điện: Trường tiểu học · Tiền Internet: UBND phường",
        "3 điểm lắp đặt ở đây chưa bàn giao cho ai",
        "1 điểm có mắt chưa từng hoạt động",
    ):
        assert words in said
    assert "Âu Lâu" not in said
    assert "100,00 %" not in text_of(officer.get(f"/units/{WARD}/month").text)


def test_a_former_unit_leads_to_what_it_became(officer: TestClient) -> None:
    html = officer.get(f"/units/{FORMER}").text
    assert "Xã Tuy Lộc (cũ, đến 30/06/2025)" in text_of(html)
    assert "Địa bàn nay thuộc: Phường Nam Cường" in text_of(html)
    assert f'href="/units/{WARD}"' in html


def test_what_lies_elsewhere_is_not_there(web: Web, officer: TestClient) -> None:
    elsewhere = number_of(web, "AL1-A")
    for path in (f"/units/{OTHER_WARD}", f"/units/{OTHER_WARD}/month", f"/incidents/{elsewhere}"):
        assert officer.get(path).status_code == 404
    cut = {"start": "2026-11-22T09:00", "end": "2026-11-22T12:00", "reason": "x"}
    deeds: dict[str, dict[str, str]] = {"acknowledge": {}, "comment": {"text": "x"}, "power-cut": cut}
    for deed, form in deeds.items():
        assert officer.post(f"/incidents/{elsewhere}/{deed}", data=form).status_code == 404
    assert officer.post(f"/api/v1/incidents/{elsewhere}/acknowledge").status_code == 404
    with web.database.reading() as session:
        assert session.scalars(select(models.IncidentNote)).all() == []
    assert "AL1" not in officer.get("/incidents").text


def test_who_only_looks_does_nothing(web: Web) -> None:
    auditor = signed_in(web, Role.AUDITOR)
    number = number_of(web, "NC1")
    page = auditor.get(f"/incidents/{number}").text
    assert "<form" not in page.partition("<main")[2]
    assert auditor.post(f"/incidents/{number}/acknowledge").status_code == 403


def test_an_incident_is_received_from_where_it_is_seen(web: Web, officer: TestClient) -> None:
    number = number_of(web, "NC2-A")
    back = f"/units/{WARD}#incident-{number}"
    done = officer.post(f"/incidents/{number}/acknowledge", data={"back": back})
    assert (done.status_code, done.headers["location"]) == (303, back)
    for elsewhere in ("//evil.example", "https://evil.example/incidents", "/sign-out", "javascript:1"):
        done = officer.post(f"/incidents/{number}/acknowledge", data={"back": elsewhere})
        assert done.headers["location"] == f"/incidents/{number}"
    page = text_of(officer.get(f"/incidents/{number}").text)
    assert page.count("Đã tiếp nhận: ward-officer") == 2, "done again, it is still the first"


def test_the_story_of_an_incident(web: Web, officer: TestClient) -> None:
    number = number_of(web, "NC1")
    said = officer.post(f"/incidents/{number}/comment", data={"text": "Cột bị <b>nghiêng</b>"})
    assert said.status_code == 303
    html = officer.get(f"/incidents/{number}").text
    page = text_of(html)
    for words in (
        "Bắt đầu: NC1-A, NC1-B, NC1-C",
        "Đã xác định là một sự cố",
        "Các mắt camera của cùng một điểm lắp đặt mất kết nối cùng lúc",
        "Có điện không?",
        "sẽ không tính vào tỷ lệ của 3 mắt camera",
        "kéo dài 50 phút",
    ):
        assert words in page
    assert "&lt;b&gt;nghiêng&lt;/b&gt;" in html
    assert officer.post(f"/incidents/{number}/comment", data={"text": " "}).status_code == 409


def test_a_power_cut_is_refused_with_what_was_typed_then_taken(web: Web, officer: TestClient) -> None:
    number = number_of(web, "NC1")
    form = {"start": "2026-11-22T09:10", "end": "2026-11-22T09:10", "reason": "Cây <đổ>"}
    refused = officer.post(f"/incidents/{number}/power-cut", data=form)
    assert refused.status_code == 409
    assert 'role="alert"' in refused.text
    assert 'value="Cây &lt;đổ&gt;"' in refused.text
    assert f'data-address="/incidents/{number}"' in refused.text
    assert f'href="/incidents/{number}?lang=en"' in refused.text
    taken = officer.post(f"/incidents/{number}/power-cut", data=form | {"end": "2026-11-22T14:00"})
    assert (taken.status_code, taken.headers["location"]) == (303, f"/incidents/{number}")
    again = officer.post(f"/incidents/{number}/power-cut", data=form | {"end": "2026-11-22T14:00"})
    assert (again.status_code, "đã được nhập rồi" in again.text) == (409, True)
    with web.database.reading() as session:
        window = session.scalars(select(models.Maintenance)).one()
        found = maintenance.window(session, window.id)
    assert (found.kind, found.reason, found.entered_by) == (
        Kind.POWER_CUT,
        "Cây <đổ>",
        f"ward-officer-{WARD}",
    )
    page = text_of(officer.get(f"/incidents/{number}").text)
    assert "báo mất điện : Cây <đổ>" in page
    assert "Cắt điện: Cây <đổ>" in text_of(officer.get(f"/units/{WARD}").text)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        pytest.param("", ["NC2-A", "NC1", "AL1-A"], id="those that go on, the heaviest first"),
        pytest.param("phase=all", ["NC1", "AL1-A", "NC2-A"], id="all, the newest first"),
        pytest.param(
            "q=&phase=&acknowledged=&kind=&unit=&from=&to=&sort=-since",
            ["NC1", "AL1-A", "NC2-A"],
            id="an empty form",
        ),
        pytest.param("phase=x&kind=x&sort=x&after=x", ["NC2-A", "NC1", "AL1-A"], id="no conditions of ours"),
        pytest.param("sort=since", ["NC2-A", "AL1-A", "NC1"], id="the oldest first"),
        pytest.param("kind=eye&unit=04273-2", ["NC2-A"], id="of a kind and a unit"),
        pytest.param("q=ben+do", ["AL1-A"], id="words"),
        pytest.param("point=NC1", ["NC1"], id="of a point"),
        pytest.param("point=NC", [], id="of no point"),
        pytest.param("from=2026-11-21&to=2026-11-22", [], id="of yesterday"),
        pytest.param("phase=over", [], id="over"),
    ],
)
def test_the_choice_lives_in_the_address(web: Web, query: str, codes: list[str]) -> None:
    page = signed_in(web).get(f"/incidents?{query}")
    assert page.status_code == 200
    assert [
        text_of(title).split()[-1 if "Chợ" in title else 0]
        for title in re.findall(r'<th scope="row"><a[^>]*>(.*?)</a>', page.text, re.DOTALL)
    ] == codes


def test_what_is_no_period_is_said(web: Web) -> None:
    page = signed_in(web).get("/incidents?from=2026-11-22&to=2026-11-21")
    assert page.status_code == 422
    assert 'role="alert"' in page.text


def test_the_list_is_taken_home(web: Web) -> None:
    file = signed_in(web).get("/incidents?as=csv&q=cong+truong&sort=-since")
    head, line, *rest = file.content.decode("utf-8-sig").splitlines()
    assert head.startswith("Số;Nguyên nhân;Ở đâu")
    assert "Cổng trường;NC2-A;1;1;1;22/11/2026 07:00:00" in line
    assert rest == []


def test_all_of_a_long_past_is_taken_home(tmp_path: Path) -> None:
    database = Database(sqlite_in(tmp_path))
    fill_morning(database)
    many = 10_010
    with database.transaction() as session:
        eye_id = session.scalars(select(models.Eye.id)).first()
        first = 1_000
        ended = {"ended_at": NOW, "recorded_at": NOW, "announced_at": NOW, "kind": "eye"}
        rows = [
            {"id": first + n, "ancestor_id": eye_id, "started_at": NOW - timedelta(minutes=n + 1)} | ended
            for n in range(many)
        ]
        session.execute(insert(models.Incident), rows)
        members = [
            {"incident_id": row["id"], "eye_id": eye_id, "from_at": row["started_at"], "to_at": NOW}
            for row in rows
        ]
        session.execute(insert(models.IncidentEye), members)
    file = signed_in(make_web(database)).get("/incidents?as=csv&phase=over")
    database.close()
    assert len(file.content.splitlines()) == 1 + many


def test_maintenance_is_entered_from_where_one_stands(officer: TestClient) -> None:
    form = officer.get("/maintenance?scope=point&codes=NC1,+NC2&start=2026-11-22T09:10").text
    for field in ('value="NC1, NC2"', 'value="2026-11-22T09:10"', '<option value="point" selected>'):
        assert field in form
