"""The page of maintenance in a browser, on a telephone: a window by its form, a notice pasted and entered."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from tests.camera_registry.registries import fresh
from tests.dashboards.serving import make_web, served, signed_in_browser
from tests.databases import sqlite_in

PATIENCE_MS = 20_000
NOTICE = (Path(__file__).parents[1] / "data" / "notices" / "02_letter.txt").read_text(encoding="utf-8")


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A telephone in which somebody has signed in."""
    database, _ = fresh(sqlite_in(tmp_path), 2)
    web = make_web(database)
    with served(web) as address:
        viewport: ViewportSize = {"width": 360, "height": 740}
        context = browser.new_context(viewport=viewport, locale="vi-VN", base_url=address)
        signed_in_browser(context, web, address)
        yield context.new_page()
        context.close()
    database.close()


def test_a_person_with_a_telephone_enters_a_window_and_a_notice(page: Page) -> None:
    watching = page.context.new_page()
    watching.goto("/maintenance")
    watching.locator("#enter [name=reason]").fill("Việc khác")
    expect(watching.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)

    page.goto("/maintenance")
    page.get_by_label("Mã, hoặc tên đơn vị").fill("E1, E2")
    page.locator("[name=start]").fill("2026-11-22T07:30")
    page.locator("[name=end]").fill("2026-11-22T17:30")
    expect(page.locator("[name=start] + .echo")).to_have_text("Chủ Nhật, 22/11/2026 07:30")
    page.locator("#enter [name=reason]").fill("Thay nguồn")
    page.get_by_role("button", name="Nhập", exact=True).click()
    expect(page.locator("main").get_by_role("status")).to_contain_text("phạm vi 2 mắt camera")
    expect(page.locator("#windows")).to_contain_text("Đang diễn ra")
    page.reload()
    expect(page.locator("#windows article")).to_have_count(1)
    expect(watching.locator("#windows")).to_contain_text("Đang diễn ra", timeout=PATIENCE_MS)
    expect(watching.locator("#enter [name=reason]")).to_have_value("Việc khác")

    page.get_by_label("Thông báo").fill(f"{NOTICE}\nTừ 7h đến 8h ngày 20/12/2026: phường Yên Bái")
    page.get_by_role("button", name="Xem phạm vi").click()
    preview = page.locator("#preview")
    expect(preview).to_contain_text("15/12/2026 07:30")
    expect(preview).to_contain_text("Không có điểm lắp đặt nào ở đây")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    preview.get_by_role("button", name="Nhập lần cắt điện này").click()
    expect(page.locator("main").get_by_role("status")).to_contain_text("phạm vi 2 mắt camera")
    expect(page.locator("#windows")).to_contain_text("Sắp tới")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
