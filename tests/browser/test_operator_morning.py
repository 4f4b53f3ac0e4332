"""The morning of an operator at a desk: what is wrong, the heaviest first, taken in hand and looked up."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import select

from camera_registry import models
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from probes.reasons import Reason
from tests.dashboards.city import NOW, set_state
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.dashboards.ward import fill_morning
from tests.databases import sqlite_in

DESK = ViewportSize(width=1440, height=900)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path))
    fill_morning(database)
    yield make_web(database)
    database.close()


def brightness(page: Page) -> int:
    """Of what a card is drawn on: the sum of red, green and blue."""
    found: int = page.evaluate(
        """() => getComputedStyle(document.querySelector("main > section, main .glance > section"))
            .backgroundColor.match(/\\d+/g).slice(0, 3).reduce((sum, each) => sum + Number(each), 0)"""
    )
    return found


def test_the_morning_of_an_operator(browser: Browser, web: Web) -> None:
    with served(web) as address:
        context = browser.new_context(viewport=DESK, locale="vi-VN", color_scheme="light")
        signed_in_browser(context, web, address, Role.OPERATOR)
        page = context.new_page()
        page.set_default_timeout(20_000)
        complaints: list[str] = []
        asked: set[str] = set()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))

        # The heaviest first: one eye for three hours before three eyes for fifty minutes.
        page.goto(f"{address}/")
        heaviest = page.locator("#incidents .heaviest li")
        expect(heaviest).to_have_count(3)
        named = ("NC2-A", "Chợ Tuy Lộc", "AL1-A")
        for place, name in enumerate(named):
            expect(heaviest.nth(place)).to_contain_text(name)
        expect(page.locator("#monitor")).to_contain_text("Cơ sở dữ liệu")

        # Taken in hand, with what was found out; the first page knows at once.
        heaviest.nth(1).get_by_role("link").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Chợ Tuy Lộc")
        page.get_by_role("button", name="Tiếp nhận").click()
        expect(page.locator("#story")).to_contain_text("operator")
        page.get_by_label("Ghi chú").fill("Đã gọi điện lực")
        page.get_by_role("button", name="Thêm ghi chú").click()
        expect(page.locator("#story")).to_contain_text("Đã gọi điện lực")
        page.goto(f"{address}/")
        expect(page.locator("#incidents .heaviest li", has_text="Chợ Tuy Lộc")).to_contain_text("✓ operator")

        # What changes meanwhile comes by itself.
        with web.database.transaction() as session:
            bridge = session.scalars(select(models.Eye.id).where(models.Eye.code == "NC3-A")).one()
            set_state(session, bridge, "down", Reason.TCP_TIMEOUT, NOW - timedelta(minutes=3))
        web.broadcaster.publish(["NC3-A"])
        expect(page.locator("#totals .tiles li", has_text="Mất kết nối")).to_contain_text("6")

        # Found without tone marks; the search stays in the address, and the way back leads to it.
        page.get_by_role("link", name="Mắt camera", exact=True).first.click()
        search = page.get_by_role("searchbox")
        search.fill("cho tuy loc")
        search.press("Enter")
        expect(page.locator("main table tbody tr")).to_have_count(3)
        assert "tuy" in page.url
        page.get_by_role("link", name="NC1-A").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("NC1-A")
        page.go_back()
        expect(page.locator("main table tbody tr")).to_have_count(3)

        # Dark by choice, kept from page to page; English and back.
        day = brightness(page)
        page.get_by_role("link", name="Tối").click()
        page.goto(f"{address}/incidents")
        assert brightness(page) < day / 2
        page.get_by_role("link", name="English").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Incidents")
        page.get_by_role("link", name="Tiếng Việt").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Sự cố")

        # On paper: no menu, no buttons, in colours of paper.
        page.emulate_media(media="print")
        assert page.locator("nav.pages").is_hidden()
        page.emulate_media(media="screen")

        assert complaints == []
        assert asked == {urlsplit(address).netloc}
        context.close()
