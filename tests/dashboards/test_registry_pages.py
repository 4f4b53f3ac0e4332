"""The pages of the registry: the list of eyes, changes by form, custody, moves, the desk that leads there."""

import re
from collections.abc import Iterator
from html import unescape

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from camera_registry import models
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from tests.dashboards.city import fill
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

NAM_CUONG = "04273-2"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("registry")))
    fill(database)
    yield make_web(database)
    database.close()


@pytest.fixture(scope="module")
def client(web: Web) -> TestClient:
    return signed_in(web)


@pytest.fixture(scope="module")
def ward(web: Web) -> TestClient:
    """An operator of one ward."""
    return signed_in(web, Role.OPERATOR, [NAM_CUONG])


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def listed(html: str) -> list[str]:
    return re.findall(r'name="eye" value="([^"]*)"', html)


def field(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]* value="([^"]*)"', html)
    assert found is not None, name
    return unescape(found[1])


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        pytest.param("q=cong+cho+hoa+binh", ["NC1-DOWN"], id="words without marks"),
        pytest.param("standing=not_started", ["AL1-NEW"], id="not started"),
        pytest.param("unit=04273&sort=-eye", ["NC1-UP", "NC1-POOR", "NC1-DOWN"], id="unit, sorted"),
        pytest.param("funding=socialised&reason=AUTH_LOCKED", ["AL1-LOCKED"], id="funding and reason"),
        pytest.param("custody=missing&standing=up", ["NC1-UP"], id="not handed over"),
        pytest.param("q=nirgendwo", [], id="nothing"),
    ],
)
def test_what_is_chosen_stands_in_the_address(client: TestClient, query: str, codes: list[str]) -> None:
    html = client.get(f"/eyes?{query}").text
    assert listed(html) == codes
    assert ("Không có mắt nào khớp" in html) is (not codes)


def test_the_list_goes_home_as_a_file(client: TestClient, web: Web) -> None:
    answer = client.get("/eyes?q=cho&as=csv")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.text.count("\r\n") == 4
    assert "Mất kết nối" in answer.text
    with web.database.reading() as session:
        taken = select(models.Audit).where(models.Audit.request_id == answer.headers["X-Request-Id"])
        (line,) = session.scalars(taken).all()
        assert (line.action, line.subject) == ("exported", "eyes:csv")
        assert line.detail == {"asked": {"q": "cho"}, "rows": 3}


def test_who_may_not_change_is_offered_nothing(web: Web) -> None:
    auditor = signed_in(web, Role.AUDITOR)
    assert listed(auditor.get("/eyes").text) == []
    assert "/eyes/NC1-UP" in auditor.get("/eyes").text
    assert auditor.get("/registry/edit?eye=NC1-UP").status_code == 403
    assert auditor.post("/registry/custody/end", data={"point": "NC1", "last": "x"}).status_code == 403


def test_a_ward_sees_and_changes_its_own(ward: TestClient) -> None:
    assert set(listed(ward.get("/eyes").text)) == {"NC1-UP", "NC1-POOR", "NC1-DOWN"}
    form = {"kind": "eye", "codes": "NC1-UP\nAL1-NEW", "change": "purpose", "to-purpose": "x", "step": "look"}
    away = {"point": "AL1", "manager": "x", "first": "2026-11-01", "last": "2026-11-01", "reason": "x"}
    for answer in (
        ward.get("/registry/edit?eye=AL1-NEW"),
        ward.get("/registry/edit?point=AL1"),
        ward.post("/registry/edit", data=form),
        ward.post("/registry/edit/apply", data={**form, "reason": "x", "seen": "x"}),
        ward.get("/registry/custody/history?point=AL1"),
        ward.get("/registry/custody/enter?point=AL1"),
        ward.post("/registry/custody/enter", data=away),
        ward.post("/registry/custody/end", data=away),
        ward.get("/registry/move?point=AL1"),
        ward.post(
            "/registry/move",
            data={"point": "AL1", "unit": "x", "first": "2026-11-01", "step": "move", "reason": "x"},
        ),
    ):
        assert answer.status_code == 404, answer.url
    out = {"point": "NC1", "unit": "Phường Âu Lâu", "first": "2026-11-01", "document": "x", "reason": "x"}
    for step in ("look", "move"):
        refused = ward.post("/registry/move", data={**out, "step": step})
        assert (refused.status_code, "ngoài phạm vi" in refused.text) == (409, True)
    assert "AL1" not in ward.get("/registry/custody").text


def test_one_eye_is_changed_after_a_look(client: TestClient, web: Web) -> None:
    form = {"kind": "eye", "codes": "NC1-POOR", "change": ["purpose", "funding"], "step": "look"}
    wrong = client.post("/registry/edit", data={**form, "to-purpose": "Cổng", "to-funding": "Vàng"})
    assert (wrong.status_code, field(wrong.text, "to-purpose")) == (409, "Cổng")
    assert "giá trị không hợp lệ: Nguồn kinh phí" in text_of(wrong.text)

    shown = client.post("/registry/edit", data={**form, "to-purpose": "Cổng", "to-funding": "XHH"})
    text = text_of(shown.text)
    assert "1 điểm lắp đặt, 1 mắt camera . Chưa có gì được sửa." in text
    assert "2 mắt khác cùng thiết bị hoặc cùng điểm" in text
    assert "Ngân sách thành phố Xã hội hóa" in text
    wishes = {**form, "to-purpose": "Cổng", "to-funding": "XHH", "seen": field(shown.text, "seen")}
    assert "Phải ghi lý do" in client.post("/registry/edit/apply", data={**wishes, "reason": " "}).text
    done = client.post("/registry/edit/apply", data={**wishes, "reason": "Kiểm kê"})
    assert (done.status_code, "Đã sửa 1 điểm lắp đặt" in done.text) == (200, True)
    again = client.post("/registry/edit/apply", data={**wishes, "reason": "Kiểm kê"})
    assert (again.status_code, "đã thay đổi sau khi bạn xem" in again.text) == (409, True)
    with web.database.reading() as session:
        lines = session.scalars(select(models.Audit).where(models.Audit.reason == "Kiểm kê")).all()
        assert [line.subject for line in lines] == ["point:NC1", "eye:NC1-POOR"]
        assert len({line.request_id for line in lines}) == 1


def test_all_that_the_choice_shows_is_changed_together(client: TestClient) -> None:
    html = client.get("/registry/edit?all=1&unit=04273").text
    assert field(html, "codes").split() == ["NC1-DOWN", "NC1-POOR", "NC1-UP"]
    assert "Chưa chọn mục nào" in client.get("/registry/edit").text


@pytest.mark.parametrize(
    ("path", "words", "sort", "first"),
    [
        pytest.param("/registry/custody", "nc1", "-point", "NC1;", id="points that nobody was handed"),
        pytest.param("/registry/grades", "cho tuy loc", "-eye", "NC1-UP;", id="grades"),
        pytest.param("/registry/reported", "al1", "eye", "AL1-CLOUD;", id="reports"),
        pytest.param("/registry/unplaced", "nc1", "-point", "NC1;", id="points without a position"),
        pytest.param("/users", "quan tri", "name", "administrator;", id="users"),
    ],
)
def test_a_list_is_searched_sorted_and_saved(web: Web, path: str, words: str, sort: str, first: str) -> None:
    client = signed_in(web)
    kept = client.get(path, params={"q": words, "sort": sort, "as": "csv"})
    assert kept.content.decode("utf-8-sig").splitlines()[1].startswith(first)
    assert "Không có mục nào chứa đủ" in client.get(path, params={"q": "không đâu có"}).text
    assert first[:-1] in client.get(path, params={"sort": "nonsense"}).text


def test_custody_is_entered_for_several_points_and_ends(client: TestClient) -> None:
    assert "2 điểm lắp đặt" in text_of(client.get("/registry/custody").text)
    told = {"point": ["NC1", "AL1"], "manager": "Công an phường Nam Cường", "electricity": "UBND phường"}
    refused = client.post("/registry/custody/enter", data={**told, "first": "hôm nay"})
    assert (refused.status_code, field(refused.text, "electricity")) == (409, "UBND phường")
    days = {"first": "2026-01-01", "handed_over_on": "15/01/2026", "document": "12/BB", "reason": "Bàn giao"}
    done = client.post("/registry/custody/enter", data={**told, **days})
    assert "2 điểm lắp đặt từ 01/01/2026" in done.text
    assert "Mọi điểm đều đã có biên bản bàn giao" in client.get("/registry/custody").text
    assert "12/BB" in client.get("/registry/custody/present?as=csv").text
    assert client.get("/registry/custody/present?q=cong+an+nc1").text.count("history?point=") == 1
    end = {"point": "NC1", "last": "2026-11-20"}
    assert client.post("/registry/custody/end", data=end).status_code == 409
    ended = client.post("/registry/custody/end", data={**end, "reason": "Trả lại"})
    assert "thôi quản lý từ 20/11/2026" in ended.text
    assert "Từ 01/01/2026 đến 20/11/2026" in text_of(client.get("/registry/custody/history?point=NC1").text)


def test_a_point_moves_after_a_look(client: TestClient, web: Web) -> None:
    form = {"point": "NC1", "unit": "Phường Âu Lâu", "first": "2026-11-10", "step": "look"}
    assert "Âu Lâu" in text_of(client.post("/registry/move", data=form).text)
    with web.database.reading() as session:
        assert session.scalars(select(models.Audit).where(models.Audit.action == "point_moved")).all() == []
    unknown = client.post("/registry/move", data={**form, "unit": "Phường Không Có"})
    assert (unknown.status_code, field(unknown.text, "first")) == (409, "2026-11-10")
    for missing in ({"document": "12/QĐ"}, {"reason": "Sáp nhập"}):
        assert client.post("/registry/move", data={**form, "step": "move", **missing}).status_code == 409
    done = client.post(
        "/registry/move", data={**form, "step": "move", "document": "12/QĐ", "reason": "Sáp nhập"}
    )
    assert "Đã chuyển điểm NC1" in done.text
    assert set(listed(client.get("/eyes?unit=04543&q=nc1").text)) == {"NC1-UP", "NC1-POOR", "NC1-DOWN"}


def test_the_desk_counts_what_waits_and_leads_there(client: TestClient, ward: TestClient) -> None:
    html = client.get("/registry").text
    assert "1 Mắt chưa bắt đầu theo dõi" in text_of(html)
    for address in ("/registry/import", "/registry/start", "/registry/unplaced", "/baselines"):
        assert f'href="{address}"' in html
    assert 'href="/registry/import"' not in ward.get("/registry").text  # that is the whole city's
    assert "Nhập tọa độ" in client.get("/registry/unplaced").text


def test_only_our_own_pages_change_anything(client: TestClient) -> None:
    for path in ("edit", "edit/apply", "custody/enter", "custody/end", "move"):
        answer = client.post(f"/registry/{path}", headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 403
