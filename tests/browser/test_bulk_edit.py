"""An operator finds eyes without typing tone marks, chooses some, and changes them together after a look."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import select

from camera_registry import models
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from tests.dashboards.city import fill
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.databases import sqlite_in

PATIENCE_MS = 20_000
DESK: ViewportSize = {"width": 1280, "height": 900}
TELEPHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("bulk")))
    fill(database)
    yield make_web(database)
    database.close()


@pytest.fixture
def page(browser: Browser, web: Web) -> Iterator[Page]:
    with served(web) as address:
        context = browser.new_context(viewport=DESK, locale="vi-VN", base_url=address)
        signed_in_browser(context, web, address, Role.OPERATOR)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        heard: list[str] = []
        page.on(
            "console", lambda said: heard.append(said.text) if said.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: heard.append(str(error)))
        yield page
        context.close()
    # Chromium says of every answer that is a refusal that it could not load it.
    assert [text for text in heard if "409" not in text] == []


def audit_of(web: Web) -> list[models.Audit]:
    with web.database.reading() as session:
        rows = select(models.Audit).where(models.Audit.action == "changed").order_by(models.Audit.id)
        found = list(session.scalars(rows))
        session.expunge_all()
    return found


def test_eyes_are_found_chosen_and_changed_together(page: Page, web: Web) -> None:
    rows = page.locator(".leaf tbody tr")
    page.goto("/eyes")
    page.get_by_label("Tìm kiếm").fill("cong cho hoa binh")
    page.get_by_label("Tìm kiếm").press("Enter")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("NC1-DOWN")
    assert "q=cong+cho+hoa+binh" in page.url

    page.get_by_label("Tìm kiếm").fill("cho tuy loc")
    page.get_by_role("button", name="Xem", exact=True).click()
    page.get_by_role("link", name="Mắt camera", exact=True).last.click()
    assert {"q=cho+tuy+loc", "sort=eye"} <= set(page.url.partition("?")[2].split("&"))
    expect(rows.first).to_contain_text("NC1-DOWN")

    change = page.get_by_role("button", name="Sửa các mắt đã chọn")
    expect(change).to_be_disabled()
    page.get_by_label("Chọn NC1-DOWN").check()
    page.get_by_label("Chọn NC1-UP").click(modifiers=["Shift"])  # and what lies between
    expect(change).to_have_text("Sửa các mắt đã chọn (3)")
    page.get_by_label("Chọn NC1-POOR").uncheck()
    with web.database.transaction() as session:  # the rows are put in anew; the choice stays
        eye = session.scalars(select(models.Eye).where(models.Eye.code == "NC1-UP")).one()
        eye.name = "Mắt tên mới"
    expect(rows.nth(2)).to_contain_text("Mắt tên mới")
    expect(change).to_have_text("Sửa các mắt đã chọn (2)")
    change.click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Sửa 2 mắt camera")
    retired, funding = page.get_by_label("Ngày thanh lý", exact=True), page.get_by_label("Nguồn kinh phí")
    retired.fill("2020-01-01")
    expect(page.get_by_label("Sửa: Ngày thanh lý")).to_be_checked()  # who types means it
    page.locator("#to-funding").select_option("socialised")
    page.get_by_role("button", name="Xem trước thay đổi").click()
    expect(retired).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#to-retired-fault")).to_contain_text("NC1-UP")
    expect(funding.last).to_have_value("socialised")

    page.get_by_label("Sửa: Ngày thanh lý").uncheck()
    page.set_viewport_size(TELEPHONE)
    page.emulate_media(color_scheme="dark")
    page.get_by_role("button", name="Xem trước thay đổi").click()
    expect(page.locator(".differences tbody tr")).to_have_count(1)
    expect(page.locator(".differences")).to_contain_text("Ngân sách thành phố")
    expect(page.get_by_role("status")).to_contain_text("1 mắt khác")
    assert page.evaluate("document.documentElement.scrollWidth") <= TELEPHONE["width"]
    assert audit_of(web) == []
    page.get_by_label("Lý do").fill("Đối chiếu hợp đồng xã hội hóa")
    page.get_by_role("button", name="Sửa 1 điểm lắp đặt").click()
    expect(page.get_by_role("status")).to_contain_text("Đã sửa 1 điểm lắp đặt")

    (line,) = audit_of(web)
    assert (line.subject, line.reason) == ("point:NC1", "Đối chiếu hợp đồng xã hội hóa")
    assert line.detail == {"before": {"funding": "city_budget"}, "after": {"funding": "socialised"}}
    assert line.who == "operator"
    assert len(line.request_id) == 16


def test_all_that_is_shown_is_changed_at_once(page: Page, web: Web) -> None:
    page.goto("/eyes?unit=04543")
    page.get_by_role("button", name="Sửa cả 5 mắt").click()
    page.get_by_label("Mục đích", exact=True).fill("An ninh trật tự")
    page.get_by_role("button", name="Xem trước thay đổi").click()
    page.get_by_label("Lý do").fill("Rà soát")
    page.get_by_role("button", name="Sửa 5 mắt camera").click()
    expect(page.get_by_role("status")).to_contain_text("Đã sửa 5 mắt camera")
    lines = [line for line in audit_of(web) if line.reason == "Rà soát"]
    assert len(lines) == 5
    assert len({line.request_id for line in lines}) == 1


def test_points_are_chosen_on_a_telephone_before_they_are_handed_over(page: Page, web: Web) -> None:
    page.goto("/eyes")
    signed_in_browser(page.context, web, page.url.removesuffix("/eyes"), Role.FINANCE)
    page.set_viewport_size(TELEPHONE)
    page.goto("/registry/custody")
    deed = page.locator("[data-chosen]")
    expect(deed).to_be_hidden()
    page.get_by_label("Chọn NC1").check()
    expect(deed).to_have_text("Bàn giao các điểm đã chọn (1)")
    expect(deed).to_be_in_viewport()
    deed.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ghi đơn vị quản lý")
