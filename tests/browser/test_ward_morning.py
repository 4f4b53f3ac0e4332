"""The morning of a ward officer: on a telephone of 390 px, in the street, over a weak line."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import select

from camera_registry import maintenance, models
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from tests.dashboards.city import NOW
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.dashboards.ward import WARD, fill_morning
from tests.databases import sqlite_in

PHONE = ViewportSize(width=390, height=844)
PATIENCE_MS = 20_000
LEAST_TARGET = 44  # CSS pixels, of what the officer presses
MOST_BYTES = 120_000  # of a ward's page as it comes over the line, with what the phone has not kept
WEAK = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 20_000}  # bytes/s


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path))
    fill_morning(database)
    yield make_web(database)
    database.close()


def small_targets(page: Page) -> list[str]:
    """What can be pressed to do something and is too small for a thumb."""
    found: list[str] = page.evaluate(
        """(least) => [...document.querySelectorAll("main button, main summary.button, main .button")]
            .filter((each) => each.checkVisibility())
            .filter((each) => each.getBoundingClientRect().height < least || each.offsetWidth < least)
            .map((each) => each.outerHTML)""",
        LEAST_TARGET,
    )
    return found


def say_something(web: Web, text: str) -> None:
    """What somebody else does to the incident that is being looked at."""
    with web.database.transaction() as session:
        number = session.scalars(select(models.Incident.id).where(models.Incident.kind == "point")).one()
        note = models.IncidentNote(incident_id=number, kind="comment", at=NOW, by="An", text=text)
        session.add(note)


def fits(page: Page) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert small_targets(page) == []


def test_the_morning_of_a_ward_officer(browser: Browser, web: Web) -> None:
    with served(web) as address:
        context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, locale="vi-VN")
        signed_in_browser(context, web, address, Role.WARD_OFFICER, [WARD])
        page = context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", WEAK)

        # What is wrong, since when, why, and whose job it is.
        page.goto(f"{address}/units/{WARD}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Phường Nam Cường")
        expect(page.locator("#inbox")).to_contain_text("Sự cố đang diễn ra (2)")
        expect(page.locator("#wrong")).to_contain_text("Sửa chữa: Công an phường Nam Cường")
        expect(page.locator(".month")).to_contain_text("Tỷ lệ")
        fits(page)
        ours = page.evaluate(
            """performance.getEntriesByType("resource")
                .filter(({ name }) => !name.includes("/vendor/") && !name.endsWith("/events"))
                .reduce((sum, each) => sum + each.encodedBodySize,
                        performance.getEntriesByType("navigation")[0].encodedBodySize)"""
        )
        assert ours < MOST_BYTES

        # One touch takes it in hand; the page stays where it is.
        school = page.locator("#inbox article", has_text="NC2-A")
        school.get_by_role("button", name="Tiếp nhận").tap()
        expect(school).to_contain_text("Đã tiếp nhận: ward-officer")
        expect(school.get_by_role("button", name="Tiếp nhận")).to_have_count(0)
        assert page.url == f"{address}/units/{WARD}"

        # Without a connection nothing is pretended, and the same touch works later.
        market = page.locator("#inbox article", has_text="Chợ Tuy Lộc")
        line.send("Network.emulateNetworkConditions", WEAK | {"offline": True})
        market.get_by_role("button", name="Tiếp nhận").tap()
        expect(page.locator("#unsent")).to_be_visible()
        line.send("Network.emulateNetworkConditions", WEAK)
        market.get_by_role("button", name="Tiếp nhận").tap()
        expect(market).to_contain_text("Đã tiếp nhận: ward-officer")

        # What was seen on the spot. The session has ended: what was written waits for its writer.
        market.get_by_role("link", name="Chợ Tuy Lộc").tap()
        expect(page.locator("#cause")).to_contain_text("Có điện không?")
        incident = page.url
        page.get_by_label("Ghi chú").fill("Cả dãy phố mất điện")
        context.clear_cookies()
        page.get_by_role("button", name="Thêm ghi chú").tap()
        expect(page.get_by_role("button", name="Đăng nhập")).to_be_visible()
        signed_in_browser(context, web, address, Role.WARD_OFFICER, [WARD])
        page.goto(incident)
        expect(page.get_by_label("Ghi chú")).to_have_value("Cả dãy phố mất điện")
        page.get_by_role("button", name="Thêm ghi chú").tap()
        expect(page.locator("#story")).to_contain_text("Cả dãy phố mất điện")
        expect(page.get_by_label("Ghi chú")).to_have_value("")
        fits(page)

        # A power cut: opened by one touch, sent by another. What is typed stays when the page renews itself,
        # and when it was refused.
        page.locator("summary", has_text="Báo mất điện").tap()
        expect(page.locator(".cut")).to_contain_text("sẽ không tính vào tỷ lệ của 3 mắt camera")
        fits(page)
        page.get_by_label("Lý do").fill("Cây đổ")
        page.get_by_label("Dự kiến đến").fill("2026-11-22T01:00")
        page.get_by_label("Dự kiến đến").blur()
        say_something(web, "Đội điện đang đến")
        expect(page.locator("#story")).to_contain_text("Đội điện đang đến", timeout=PATIENCE_MS)
        page.get_by_role("button", name="Gửi báo cáo").tap()
        expect(page.locator("#work [role=alert]")).to_be_visible()
        say_something(web, "Đội điện đã đến")
        expect(page.locator("#story")).to_contain_text("Đội điện đã đến", timeout=PATIENCE_MS)
        expect(page.locator("#line .live")).to_be_visible()
        page.get_by_label("Dự kiến đến").fill("2026-11-22T14:00")
        page.get_by_role("button", name="Gửi báo cáo").tap()
        expect(page.locator("#story")).to_contain_text("báo mất điện")
        with web.database.reading() as session:
            number = session.scalars(select(models.Maintenance.id)).one()
            assert maintenance.window(session, number).reason == "Cây đổ"

        # The same in English, and still one hand wide.
        page.get_by_role("link", name="English").tap()
        expect(page.locator("#story")).to_contain_text("Power cut reported by ward-officer")
        page.goto(f"{address}/incidents")
        expect(page.get_by_role("heading", level=1)).to_have_text("Incidents")
        fits(page)
        # While there was no connection, then no session, and once a refusal.
        meant = ("ERR_INTERNET_DISCONNECTED", "Failed to fetch", "401 (Unauthorized)", "409 (Conflict)")
        assert [said for said in complaints if not any(word in said for word in meant)] == []
        context.close()


def test_the_deeds_work_without_a_script(browser: Browser, web: Web) -> None:
    with served(web) as address:
        context = browser.new_context(viewport=PHONE, java_script_enabled=False)
        signed_in_browser(context, web, address, Role.WARD_OFFICER, [WARD])
        page = context.new_page()
        page.goto(f"{address}/units/{WARD}")
        page.locator("#inbox article", has_text="NC2-A").get_by_role("button", name="Tiếp nhận").click()
        expect(page.locator("#inbox article", has_text="NC2-A")).to_contain_text("Đã tiếp nhận: ward-officer")
        assert page.url.startswith(f"{address}/units/{WARD}#incident-")
        market = page.locator("#inbox article", has_text="Chợ Tuy Lộc")
        market.locator("summary").click()
        market.get_by_role("button", name="Gửi báo cáo").click()
        expect(page.locator("#windows")).to_contain_text("Mất điện")
        context.close()


def test_words_are_copied_over_an_open_line_and_the_sheet_is_one_page(browser: Browser, web: Web) -> None:
    with served(web) as address:
        context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, locale="vi-VN")
        signed_in_browser(context, web, address, Role.WARD_OFFICER, [WARD])
        page = context.new_page()
        for path, words in (
            ("/incidents/2", "[MẤT KẾT NỐI] "),
            (f"/units/{WARD}", "[TÌNH HÌNH] Phường Nam Cường"),
            (f"/units/{WARD}/morning", "[TÌNH HÌNH] Phường Nam Cường"),
        ):
            page.goto(f"{address}{path}")
            page.locator("summary", has_text="Sao chép cho Zalo").tap()
            expect(page.get_by_text("Đã sao chép")).to_be_visible()
            selected = page.evaluate(
                "document.activeElement.value.slice(0, document.activeElement.selectionEnd)"
            )
            assert selected.startswith(words)
            fits(page)
        sheet = page.pdf(prefer_css_page_size=True)
        assert re.findall(rb"/MediaBox \[0 0 (\d+)", sheet) == [b"841"], "one page of A4, across"
        context.close()
