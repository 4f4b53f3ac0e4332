"""Chromium looks at the pages: what changes arrives by itself, and a lost connection is said out loud."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect
from sqlalchemy import select

from camera_registry import models
from camera_registry.db import Database
from probes.reasons import Reason
from tests.dashboards.city import fill, set_state
from tests.dashboards.serving import Web, make_web, served

PATIENCE_MS = 20_000

LOST = "Mất liên lạc với hệ thống giám sát"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    database = Database(f"sqlite:///{tmp_path / 'registry.db'}")
    database.migrate()
    fill(database)
    yield make_web(database)
    database.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    yield page
    page.close()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    """What the browser complains of, a breach of the content policy included."""
    heard: list[str] = []

    def console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            heard.append(message.text)

    page.on("console", console)
    page.on("pageerror", lambda error: heard.append(str(error)))
    return heard


def change(web: Web, code: str, state: str, reason: Reason) -> None:
    """What the judge does: one transaction, then the news of it."""
    with web.database.transaction() as session:
        eye = session.scalars(select(models.Eye.id).where(models.Eye.code == code)).one()
        set_state(session, eye, state, reason)
    web.broadcaster.publish([code])


def state_of(page: Page, code: str) -> str:
    return f'#rows tr[data-eye="{code}"] .state'


def test_a_transition_arrives_by_itself(web: Web, page: Page, complaints: list[str]) -> None:
    with served(web) as address:
        page.goto(address)
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator(state_of(page, "NC1-UP"))).to_have_text("Đang hoạt động")

        change(web, "NC1-UP", "down", Reason.TCP_REFUSED)

        row = page.locator('#rows tr[data-eye="NC1-UP"]')
        expect(row.locator(".state")).to_have_text("Mất kết nối", timeout=PATIENCE_MS)
        expect(row.locator(".why")).to_have_text("Thiết bị có trên mạng nhưng từ chối kết nối.")
        expect(page.locator("#totals .tiles a", has_text="Mất kết nối").locator("b")).to_have_text("2")
        expect(page.locator("#rows tr")).to_have_count(8)
    assert complaints == []


def test_a_row_comes_and_goes_with_the_choice(web: Web, page: Page) -> None:
    with served(web) as address:
        page.goto(f"{address}/?standing=down")
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("#rows tr")).to_have_count(1)

        change(web, "AL1-LOCKED", "down", Reason.RTP_NONE)
        expect(page.locator("#rows tr")).to_have_count(2, timeout=PATIENCE_MS)
        assert page.locator("#rows tr").first.get_attribute("data-eye") == "AL1-LOCKED"

        change(web, "NC1-DOWN", "up", Reason.OK)
        expect(page.locator('#rows tr[data-eye="NC1-DOWN"]')).to_have_count(0, timeout=PATIENCE_MS)
        expect(page.locator("#found")).to_have_text("1 mắt camera")


def test_a_lost_connection_is_said_and_what_was_missed_is_caught_up(web: Web, page: Page) -> None:
    with served(web) as address:
        page.goto(address)
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#line")).to_contain_text(LOST, timeout=PATIENCE_MS)
    expect(page.locator("#line .lost")).to_be_visible()
    expect(page.locator("#line .live")).to_be_hidden()

    change(web, "NC1-UP", "down", Reason.TCP_TIMEOUT)  # while nobody listens
    again = make_web(web.database)
    with served(again, urlsplit(address).port or 0):
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator(state_of(page, "NC1-UP"))).to_have_text("Mất kết nối")


def test_the_page_of_an_eye_is_live_too(web: Web, page: Page, complaints: list[str]) -> None:
    with served(web) as address:
        page.goto(f"{address}/eyes/NC1-UP")
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)

        change(web, "NC1-UP", "down", Reason.RTP_STALLED)

        expect(page.locator(".now .state")).to_have_text("Mất kết nối", timeout=PATIENCE_MS)
    assert complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 768, 992, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, web: Web, width: int, scheme: str) -> None:
    with served(web) as address:
        context = browser.new_context(
            viewport={"width": width, "height": 740},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        page = context.new_page()
        for path in ("/", "/eyes/NC1-DOWN", "/eyes/nobody", "/?lang=en"):
            page.goto(address + path)
            too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert too_wide <= 0, path
        context.close()


def test_everything_is_there_without_a_script(browser: Browser, web: Web) -> None:
    with served(web) as address:
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(address)
        page.get_by_label("Tìm kiếm").fill("hoa binh")
        page.get_by_role("button", name="Xem").click()

        expect(page.locator("#rows tr")).to_have_count(1)
        expect(page.locator("#line")).to_contain_text("Hãy tải lại")
        page.get_by_role("link", name="NC1-DOWN").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("NC1-DOWN")
        context.close()
