"""The morning sheet of a ward, and the words that are copied from pages."""

import re
from collections.abc import Iterator
from datetime import date
from html import unescape

import pytest
from fastapi.testclient import TestClient

from camera_registry import custody
from camera_registry.audit import Actor
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from tests.dashboards.city import NOW
from tests.dashboards.serving import make_web, signed_in
from tests.dashboards.ward import OTHER_WARD, WARD, ZONE, fill_morning
from tests.databases import sqlite_in


@pytest.fixture(scope="module")
def officer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("morning")))
    fill_morning(database)
    with database.transaction() as session:
        custody.set_custody(
            *(session, Actor("clerk", "cli"), "NC1", "UBND phường Nam Cường", date(2026, 1, 1), NOW, ZONE),
            phone="0216 3852 999 / 0912",
        )
    yield signed_in(make_web(database), Role.WARD_OFFICER, [WARD])
    database.close()


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def copied(html: str) -> str:
    found = re.search(r"<textarea readonly[^>]*>(.*?)</textarea>", html, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def test_a_sheet_says_what_to_do_where(officer: TestClient) -> None:
    html = officer.get(f"/units/{WARD}/morning").text
    rows = [text_of(row) for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL)]

    assert rows == [
        "Điểm lắp đặt Mắt camera Từ lúc Nguyên nhân Đơn vị quản lý Điện thoại Ghi chú, ký nhận",
        "NC1 Chợ Tuy Lộc 3/3 mất kết nối 09:10 · 50 phút trước Cả một điểm: mất điện hoặc đường truyền "
        "UBND phường Nam Cường 0216 3852 999 / 0912",
        "NC2 Trường tiểu học Nam Cường 1/2 mất kết nối NC2-A 07:00 · 3 giờ trước Thiết bị không trả lời. "
        "Công an phường Nam Cường",
        "NC3 Đầu cầu Tuần Quán 1/1 hoạt động kém 21/11 14:00 · 20 giờ trước Hình ảnh không rõ nét. "
        "Điểm chưa bàn giao cho đơn vị nào",
    ]
    said = text_of(html)
    assert "Phiếu buổi sáng: Phường Nam Cường Tình hình lúc 22/11/2026 10:00" in said
    assert "Ngoài ra, 1 mắt camera chưa từng hoạt động." in said
    assert 'href="tel:02163852999"' in html
    assert "Hoà Bình" not in html, "the address of a point stands on no paper"


def test_the_sheet_of_another_ward_is_not_there(officer: TestClient) -> None:
    assert officer.get(f"/units/{OTHER_WARD}/morning").status_code == 404


def test_the_same_words_are_copied_from_the_ward_and_its_sheet(officer: TestClient) -> None:
    ward = officer.get(f"/units/{WARD}").text
    words = officer.get(f"/units/{WARD}/words")

    assert f'href="/units/{WARD}/morning"' in ward
    assert f'data-from="/units/{WARD}/words"' in ward
    assert words.headers["content-type"] == "text/plain; charset=utf-8"
    assert words.text == copied(officer.get(f"/units/{WARD}/morning").text)
    assert "- NC1: 3/3 mắt, từ 09:10 ngày 22/11 (50 phút); chờ UBND phường Nam Cường, ĐT 0216 3852 999" in (
        words.text
    )
    assert "tel:02163852999" in ward
    assert officer.get(f"/units/{OTHER_WARD}/words").status_code == 404


def test_words_of_an_incident_are_copied_from_its_page(officer: TestClient) -> None:
    pages = re.findall(r'href="(/incidents/\d+)"', officer.get(f"/units/{WARD}").text)
    words = {officer.get(f"{page}/words").text[:42] for page in pages}

    assert all(f'data-from="{page}/words"' in officer.get(page).text for page in pages)
    assert words == {
        "[MẤT KẾT NỐI] Điểm NC1, phường Nam Cường: ",
        "[MẤT KẾT NỐI] Điểm NC2, phường Nam Cường: ",
    }
