"""An inventory imported on screen: looked at, mended, agreed to; never twice, and never by a ward."""

import time
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from openpyxl import Workbook, load_workbook
from sqlalchemy import select
from starlette.testclient import TestClient

from camera_registry import models
from camera_registry.auth.roles import Role
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.imports import uploads
from tests.camera_registry.registries import fresh
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

HEADS = ["Mã điểm lắp đặt", "Tên điểm", "Phường", "Mã camera", "Địa chỉ IP", "Hãng", "Tài khoản", "Mật khẩu"]
ROW = ["", "Ngã tư Cao Lanh", "Phường Yên Bái", "YB-1", "10.1.0.9", "Hikvision", "admin", "S3cret word"]
WHY = {"reason": "Kiểm kê quý IV"}


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    database, _ = fresh(sqlite_in(tmp_path), 2)
    web = make_web(database, data_dir=tmp_path)
    with database.reading() as session:
        CredentialStore(web.app.state.desk.settings).prepare(session)
    yield web
    database.close()


@pytest.fixture
def client(web: Web) -> TestClient:
    return signed_in(web)


def workbook(*rows: list[Any]) -> bytes:
    book, made = Workbook(), BytesIO()
    for row in (HEADS, *rows):
        book.worksheets[0].append(row)
    book.save(made)
    return made.getvalue()


def sent(client: TestClient, data: bytes, name: str = "phường.xlsx") -> Response:
    """The page that a file leads to, once it has been read."""
    answer: Response = client.post("/registry/import", files={"file": (name, data)}, data={"prefix": "YB"})
    return settled(client, answer)


def settled(client: TestClient, answer: Response) -> Response:
    give_up = time.monotonic() + 30
    while 'id="work"' in answer.text:
        assert time.monotonic() < give_up
        time.sleep(0.05)
        answer = client.get(answer.url)
    return answer


def eyes(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(models.Eye.code).order_by(models.Eye.code)))


def test_a_file_is_looked_at_then_written_and_written_down(client: TestClient, web: Web) -> None:
    changed = ["P1", "Cổng chợ <lớn>", "", "E1", "", "", "", ""]
    shown = sent(client, workbook(ROW, changed))
    for text in ("Cổng chợ &lt;lớn&gt;", "Point 1", "YB-1", "Ngã tư Cao Lanh", "Nhập: 3 mới, 1 thay đổi"):
        assert text in shown.text
    assert "S3cret" not in shown.text
    kept = client.get(f"{shown.url.path}?as=csv").content.decode("utf-8-sig")
    assert "Point 1;Cổng chợ <lớn>" in kept
    assert "S3cret" not in kept
    assert "Phải ghi lý do" in client.post(f"{shown.url.path}/apply").text
    assert eyes(web.database) == ["E1", "E2"], "only looked at"
    done = settled(client, client.post(f"{shown.url.path}/apply", data=WHY))
    assert (done.status_code, "Đã nhập danh mục" in done.text) == (200, True)
    assert eyes(web.database) == ["E1", "E2", "YB-1"]
    with web.database.reading() as session:
        rows = session.scalars(select(models.Audit)).all()
        told = {(row.action, row.subject): row.detail for row in rows}
        assert {row.reason for row in rows if row.action != "exported"} == {WHY["reason"]}
    assert ("imported", "file:phường.xlsx") in told
    assert told["changed", "point:P1"] == {
        "before": {"point_name": "Point 1"}, "after": {"point_name": "Cổng chợ <lớn>"}
    }  # fmt: skip
    assert ("added", "eye:YB-1") in told
    assert "S3cret" not in repr(told)
    again = settled(client, client.post(f"{shown.url.path}/apply", data=WHY))
    assert eyes(web.database) == ["E1", "E2", "YB-1"]
    assert again.status_code == 200


def test_wrong_cells_come_back_marked_without_passwords(client: TestClient, web: Web) -> None:
    shown = sent(
        client, workbook([*ROW[:4], "10.1.0.999", *ROW[5:]], [*ROW[:2], "Phường Lạ", "YB-2", *ROW[4:]])
    )
    assert "2 ô sai" in shown.text
    marked = client.get(f"{shown.url.path}/marked.xlsx")
    sheet = load_workbook(BytesIO(marked.content)).worksheets[0]
    commented = {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.comment}
    assert commented == {"E2", "C3"}
    assert [sheet["H1"].value, sheet["H2"].value, sheet["H3"].value] == ["Mật khẩu", None, None]
    assert eyes(web.database) == ["E1", "E2"]


def test_an_older_inventory_is_read_again_as_of_its_day(client: TestClient, web: Web) -> None:
    with web.database.transaction() as session:
        last = date(2025, 6, 30)
        session.add(models.Unit(uid="u-0", code="04251", name="Xã Tuy Lộc", kind="xa", valid_to=last))
    shown = sent(client, workbook([*ROW[:2], "Xã Tuy Lộc", *ROW[3:]]))
    assert "hãy cho biết ngày của danh mục" in shown.text
    assert "--units-on" not in shown.text
    assert f'action="{shown.url.path}/day"' in shown.text
    read = settled(client, client.post(f"{shown.url.path}/day", data={"units_on": "2023-12-31"}))
    assert "Nhập: 3 mới" in read.text
    assert client.post(f"{shown.url.path}/day", data={"units_on": "x"}).status_code == 422


def test_the_registry_moves_on_while_somebody_looks(client: TestClient, web: Web) -> None:
    shown = sent(client, workbook(["P1", "Tên mới", "", "E1", "", "", "", ""]))
    with web.database.transaction() as session:
        session.scalars(select(models.Point).where(models.Point.code == "P1")).one().name = "Tên khác"
    anew = settled(client, client.post(f"{shown.url.path}/apply", data=WHY))
    assert "Sổ đăng ký đã thay đổi sau khi bạn xem" in anew.text
    assert "Tên khác" in anew.text
    with web.database.reading() as session:
        assert session.scalars(select(models.Point.name).where(models.Point.code == "P1")).one() == "Tên khác"
    done = settled(client, client.post(f"{shown.url.path}/apply", data=WHY))
    assert "Đã nhập danh mục" in done.text


def test_a_file_allows_no_known_device_basic(client: TestClient) -> None:
    shown = sent(client, "Mã điểm lắp đặt;Mã thiết bị;Cho phép Basic\nP1;D1;Có\n".encode(), "a.csv")
    for text in ("ở 1 thiết bị mà sổ đăng ký không cho phép (D1)", "Không có gì để nhập"):
        assert text in shown.text


def test_columns_are_read_as_a_person_says_and_that_is_remembered(client: TestClient, web: Web) -> None:
    data = "Mã điểm lắp đặt;Chỗ ấy\nP1;Bến xe\n".encode()
    shown = sent(client, data, "a.csv")
    assert "Bến xe" not in shown.text
    form = {"header": ["Mã điểm lắp đặt", "Chỗ ấy"], "field": ["point_code", "point_name"]}
    mapped = settled(client, client.post(f"{shown.url.path}/mapping", data=form))
    assert "Bến xe" in mapped.text
    settled(client, client.post(f"{shown.url.path}/apply", data=WHY))
    assert "Bến xe" not in sent(client, data, "a.csv").text.partition("<h2>Cách hiểu")[0]


@pytest.mark.parametrize(
    ("name", "data", "status", "said"),
    [
        pytest.param("a.xlsx", b"", 409, "Tệp rỗng", id="empty"),
        pytest.param("a.xlsx", b"no workbook", 200, "không đọc được: tệp bị hỏng", id="no workbook"),
        pytest.param("a.pdf", b"%PDF-1.7", 200, "chỉ nhận: .xlsx, .csv", id="no table"),
        pytest.param("a.csv", b"x" * (uploads.MOST_BYTES + 1), 413, "16 MB", id="too large"),
    ],
)
def test_what_is_no_inventory_says_so(
    client: TestClient, name: str, data: bytes, status: int, said: str
) -> None:
    answer = sent(client, data, name)
    assert (answer.status_code, said in answer.text) == (status, True)


def test_a_file_is_its_senders_alone(client: TestClient, web: Web) -> None:
    shown = sent(client, workbook(ROW))
    other = signed_in(web, Role.OPERATOR)
    for path in ("", "/marked.xlsx"):
        assert other.get(f"{shown.url.path}{path}").status_code == 404
    for deed in ("apply", "drop"):
        assert other.post(f"{shown.url.path}/{deed}").status_code == 404
    assert signed_in(web, Role.OPERATOR, ["u-1"]).get("/registry/import").status_code == 403, "one ward only"
    client.post(f"{shown.url.path}/drop")
    assert client.get(shown.url.path).status_code == 404
    assert eyes(web.database) == ["E1", "E2"]


def test_pages_answer_while_a_city_is_read(client: TestClient, web: Web) -> None:
    """And only one file is read at a time."""
    rows = [["", f"Điểm {n}", "Phường Yên Bái", f"C-{n}", "", "", "", ""] for n in range(1500)]
    answer = client.post(
        "/registry/import", files={"file": ("city.xlsx", workbook(*rows))}, follow_redirects=False
    )
    slowest = 0.0
    while True:
        began = time.monotonic()
        shown = client.get(answer.headers["location"])
        slowest = max(slowest, time.monotonic() - began)
        if 'id="work"' not in shown.text:
            break
    assert "1.500" in shown.text
    assert slowest < 5.0
