"""In a browser: a file with wrong cells comes back marked, is mended and written; baselines by keys alone."""

import time
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from statistics import quantiles
from typing import Any

import cv2
import numpy as np
import pytest
from openpyxl import Workbook, load_workbook
from playwright.sync_api import Browser, FilePayload, Page, expect
from sqlalchemy import func, select

from camera_registry import models
from camera_registry.credentials import CredentialStore
from tests.browser.axe import violations
from tests.camera_registry.registries import fresh
from tests.dashboards.city import NOW
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.databases import sqlite_in

WAITING = 24
HEADS = ["Tên điểm", "Phường", "Mã camera", "Địa chỉ IP", "Hãng", "Tài khoản", "Mật khẩu"]
RIGHT = ["Cổng chợ", "Phường Yên Bái", "YB-1", "10.1.0.9", "Hikvision", "admin", "S3cret word"]
PICTURE = cv2.imencode(".jpg", np.full((36, 64, 3), 90, np.uint8))[1].tobytes()


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder = tmp_path_factory.mktemp("import")
    database, codes = fresh(sqlite_in(folder), WAITING)
    with database.transaction() as session:
        ids = session.scalars(select(models.Eye.id).order_by(models.Eye.id))
        session.add_all(
            models.Baseline(
                eye_id=eye_id, mode="colour", brightness=100.0 + n, contrast=40.0, sharpness=0.2,
                edges=b"\x01" * 8, samples=24, proposed_at=NOW + timedelta(seconds=n),
            )
            for n, eye_id in enumerate(ids)
        )  # fmt: skip
    web = make_web(database, data_dir=folder, look=lambda code: PICTURE)
    with database.reading() as session:
        CredentialStore(web.app.state.desk.settings).prepare(session)
    assert len(codes) == WAITING
    yield web
    database.close()


@pytest.fixture(scope="module")
def address(web: Web) -> Iterator[str]:
    with served(web) as address:
        yield address


@pytest.fixture
def page(browser: Browser, web: Web, address: str) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="vi-VN")
    signed_in_browser(context, web, address)
    page = context.new_page()
    yield page
    context.close()


def file(*rows: list[Any]) -> FilePayload:
    book, made = Workbook(), BytesIO()
    for row in (HEADS, *rows):
        book.worksheets[0].append(row)
    book.save(made)
    return {"name": "phường.xlsx", "mimeType": "application/octet-stream", "buffer": made.getvalue()}


def test_a_wrong_file_comes_back_marked_and_the_mended_one_is_written(
    page: Page, address: str, web: Web
) -> None:
    page.goto(f"{address}/registry/import")
    page.get_by_label("Tệp", exact=True).set_input_files(
        file(RIGHT, ["Bến xe", "Phường Lạ", "YB-2", "10.1.0.999", *RIGHT[4:]])
    )
    page.get_by_role("button", name="Xem trước").click()
    expect(page.get_by_role("alert")).to_contain_text("2 ô sai")
    assert violations(page) == []
    with page.expect_download() as taken:
        page.get_by_role("link", name="Tải bảng tính đã đánh dấu").click()
    sheet = load_workbook(BytesIO(taken.value.path().read_bytes())).worksheets[0]
    comments = {
        cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment
    }
    assert comments.keys() == {"B3", "D3"}
    assert all(word in comments["B3"] for word in ("UNIT_UNKNOWN", "Phường Lạ"))
    assert [sheet["G2"].value, sheet["G3"].value] == [None, None], "passwords are left out"

    page.get_by_role("link", name="Gửi tệp đã sửa").click()
    page.get_by_label("Tệp", exact=True).set_input_files(
        file(RIGHT, ["Bến xe", "Phường Yên Bái", "YB-2", "10.1.0.10", *RIGHT[4:]])
    )
    page.get_by_role("button", name="Xem trước").click()
    expect(page.locator("#outcome")).to_contain_text("Bến xe")
    assert "S3cret" not in page.content()
    assert violations(page) == []
    page.get_by_label("Lý do").fill("Kiểm kê quý IV")
    page.get_by_role("button", name="Nhập: 6 mới").click()
    expect(page.get_by_role("status").first).to_contain_text("Đã nhập danh mục")
    with web.database.reading() as session:
        codes = session.scalars(select(models.Eye.code).where(models.Eye.code.startswith("YB-"))).all()
    assert sorted(codes) == ["YB-1", "YB-2"]


def test_baselines_go_by_keys_alone(page: Page, address: str, web: Web) -> None:
    page.goto(f"{address}/baselines")
    title = page.locator("#one")
    expect(title).to_contain_text("E1")
    expect(title).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("v")
    expect(page.get_by_role("img", name="E1")).to_have_js_property("complete", True)
    page.keyboard.press("j")
    expect(title).to_contain_text("E2")
    page.keyboard.press("k")
    expect(title).to_contain_text("E1")
    page.keyboard.press("r")
    expect(page.get_by_role("status")).to_contain_text("từ chối")
    page.keyboard.press("u")
    expect(page.get_by_role("status")).to_contain_text("lại chờ duyệt")
    expect(title).to_contain_text("E1")

    took = []
    for number in range(2, WAITING + 1):
        began = time.monotonic()
        page.keyboard.press("a")
        expect(title).to_contain_text(f"E{number}")
        took.append(time.monotonic() - began)
    page.keyboard.press("a")
    expect(page.locator("main")).to_contain_text("Không có hình chuẩn nào chờ duyệt")
    assert quantiles(took, n=4)[0] < 0.6, "a hundred in a minute, where the machine has nothing else to do"
    with web.database.reading() as session:
        approved = select(func.count()).where(models.Baseline.approved_by == "administrator")
        assert session.scalar(approved) == WAITING
        viewed = session.scalars(
            select(models.Audit.subject).where(models.Audit.action == "picture_viewed")
        ).all()
    assert viewed == ["eye:E1"]


def test_letters_outside_of_the_card_decide_nothing(page: Page, address: str, web: Web) -> None:
    with web.database.transaction() as session:
        for row in session.scalars(select(models.Baseline).limit(2)):
            row.approved_at, row.approved_by = None, ""
    page.goto(f"{address}/baselines")
    page.locator(".brand").focus()
    page.keyboard.press("a")
    page.keyboard.press("r")
    expect(page.locator("#one")).to_be_visible()
    with web.database.reading() as session:
        waiting = select(func.count()).where(models.Baseline.approved_at.is_(None))
        assert session.scalar(waiting) == 2
