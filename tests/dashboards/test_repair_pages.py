"""The pages of repairs and proposals: from a fault to a letter that was sent; what was typed is kept."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from fastapi.testclient import TestClient

from camera_registry.auth.roles import Role
from camera_registry.db import Database
from tests.dashboards.city import fill
from tests.dashboards.serving import make_web, signed_in
from tests.databases import sqlite_in

JPEG = b"\xff\xd8\xff\xe0 a picture of a broken camera"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    """A ward's officer may do all of it; this one sees the whole city."""
    database = Database(sqlite_in(tmp_path))
    fill(database)
    yield signed_in(make_web(database, credential_key=Fernet.generate_key().decode()), Role.FINANCE)
    database.close()


def test_a_fault_becomes_a_letter_that_asks_for_its_money(client: TestClient) -> None:
    form = client.get("/repairs/new?point=NC1").text
    assert "Thiết bị không trả lời." in form, "why an eye is gone need not be typed"
    said = {"point": "NC1", "fault": "Hỏng nguồn <b>", "eye": ["NC1-DOWN"], "component": "camera"}
    repair = client.post("/repairs/new", data=said)
    assert (repair.status_code, repair.url.path) == (200, "/repairs/1")
    assert "Hỏng nguồn &lt;b&gt;" in repair.text
    again = client.post("/repairs/new", data=said)
    assert (again.status_code, "Hỏng nguồn &lt;b&gt;" in again.text) == (409, True)
    assert client.post("/repairs/1/move", data={"state": "written_off"}).status_code == 409, (
        "without a reason"
    )
    assert client.post("/repairs/1/move", data={"state": "waiting_for_money"}).status_code == 200
    wrong = client.post("/repairs/1/quotations", data={"party": "Cửa hàng A", "amount": "nhiều"})
    assert (wrong.status_code, 'value="Cửa hàng A"' in wrong.text) == (409, True)
    quoted = client.post("/repairs/1/quotations", data={"party": "Cửa hàng A", "amount": "4.500.000"})
    assert "4.500.000" in quoted.text
    assert "Đã chọn" in client.post("/repairs/1/choose", data={"quotation": 1}).text
    board = client.get("/repairs").text
    assert "Hỏng nguồn" in board
    assert "4.500.000" in board
    letter = client.post(
        "/proposals", data={"addressee": "Cơ quan giả lập", "title": "Xin kinh phí", "repair": [1]}
    )
    assert (letter.url.path, "4.500.000" in letter.text) == ("/proposals/1", True)
    assert "Cơ quan giả lập" in client.get("/proposals/new").text, "who was asked is known the next time"
    sent = client.post("/proposals/1/send", data={"sent_on": "20/11/2026", "letter": "05/TTr"})
    assert "05/TTr" in sent.text
    assert client.get("/proposals/1/change").status_code == 404, "what was sent is not changed"
    drawn = client.get("/reports/proposal?proposal=1&as=pdf")
    assert (drawn.headers["content-type"], drawn.content[:5]) == ("application/pdf", b"%PDF-")


def test_a_ward_reads_that_a_letter_of_the_city_asks_for_its_repair(tmp_path: Path) -> None:
    database = Database(sqlite_in(tmp_path))
    fill(database)
    web = make_web(database, credential_key=Fernet.generate_key().decode())
    city = signed_in(web, Role.FINANCE)
    city.post("/repairs/new", data={"point": "NC1", "fault": "Cột nghiêng"})
    city.post("/repairs/1/move", data={"state": "waiting_for_money"})
    city.post("/proposals", data={"addressee": "Cơ quan", "title": "Xin kinh phí", "repair": [1]})
    ward = signed_in(web, Role.WARD_OFFICER, ["04273-2"])
    assert "đề nghị của đơn vị khác, chưa gửi" in ward.get("/repairs").text
    city.post("/proposals/1/send", data={"sent_on": "20/11/2026"})
    for address in ("/repairs", "/repairs/1"):
        assert "/proposals/1" in city.get(address).text
        told = ward.get(address).text
        assert ("gửi ngày 20/11/2026" in told, "/proposals/1" in told) == (True, False)
    database.close()


def test_a_photo_is_kept_sealed_and_each_look_at_it_is_written_down(client: TestClient) -> None:
    client.post("/repairs/new", data={"point": "AL1", "fault": "Cột nghiêng"})
    sent = client.post(
        "/repairs/1/papers", data={"kind": "photo", "title": "Cột"}, files={"file": ("a.jpg", JPEG)}
    )
    assert "/money/documents/1" in sent.text
    shown = client.get("/money/documents/1")
    assert (shown.headers["content-type"], shown.content) == ("image/jpeg", JPEG)
    refused = client.post(
        "/repairs/1/papers",
        data={"kind": "photo", "title": "Kịch bản"},
        files={"file": ("a.html", b"<script>")},
    )
    assert (refused.status_code, 'value="Kịch bản"' in refused.text) == (409, True)
    assert client.get("/money/documents/2").status_code == 404


def test_a_point_says_what_is_being_mended_there(client: TestClient) -> None:
    assert "Báo sửa chữa" in client.get("/points/AL1").text
    client.post("/repairs/new", data={"point": "AL1", "fault": "Cột nghiêng"})
    assert "Cột nghiêng" in client.get("/points/AL1").text
    assert client.get("/repairs/new?point=NONE").status_code == 404
