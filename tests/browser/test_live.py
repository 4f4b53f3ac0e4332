"""Chromium looks at the pages: what changes arrives by itself, and a lost connection is said out loud."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect
from sqlalchemy import select

from camera_registry import models
from camera_registry.db import Database
from probes.reasons import Reason
from tests.dashboards.city import NOW, fill, set_state
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.databases import sqlite_in

PATIENCE_MS = 20_000

LOST = "Mất liên lạc với hệ thống giám sát"


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    database = Database(sqlite_in(tmp_path))
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


def enter(page: Page, web: Web, address: str) -> None:
    signed_in_browser(page.context, web, address)


def count(page: Page, state: str) -> Locator:
    return page.locator("#totals .tiles a", has=page.locator(f".state.{state}")).locator("b")


def test_a_transition_arrives_by_itself(web: Web, page: Page, complaints: list[str]) -> None:
    with served(web) as address:
        enter(page, web, address)
        page.goto(address)
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        expect(count(page, "down")).to_have_text("1")

        change(web, "NC1-UP", "down", Reason.TCP_REFUSED)
        expect(count(page, "down")).to_have_text("2", timeout=PATIENCE_MS)

        page.goto(f"{address}/eyes?standing=down")
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        change(web, "AL1-LOCKED", "down", Reason.RTP_NONE)
        expect(page.locator("#list")).to_contain_text("AL1-LOCKED", timeout=PATIENCE_MS)
    assert complaints == []


def test_what_is_pressed_is_not_taken_from_under_the_finger(web: Web, page: Page) -> None:
    with served(web) as address:
        enter(page, web, address)
        page.goto(address)
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        count(page, "down").hover()
        page.mouse.down()
        with page.expect_response(address):
            change(web, "NC1-UP", "down", Reason.TCP_REFUSED)
        # A part that nobody presses is new; so the others have been looked at, too.
        expect(page.locator("#units")).to_contain_text("Mất kết nối2", timeout=PATIENCE_MS)
        expect(count(page, "down")).to_have_text("1")

        page.mouse.up()

        page.wait_for_url("**/eyes?*down*")


def test_what_is_written_of_an_incident_arrives_and_a_form_in_use_stays(web: Web, page: Page) -> None:
    """Nobody publishes here: the tables have a topic."""
    with web.database.transaction() as session:
        eye_id = session.scalars(select(models.Eye.id).where(models.Eye.code == "NC1-DOWN")).one()
    with served(web) as address:
        enter(page, web, address)
        page.goto(f"{address}/incidents")
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        page.get_by_label("Tìm kiếm").fill("chợ")
        with web.database.transaction() as session:
            incident = models.Incident(
                kind="eye", ancestor_id=eye_id, started_at=NOW, announced_at=NOW, recorded_at=NOW
            )
            incident.members.append(models.IncidentEye(eye_id=eye_id, from_at=NOW))
            session.add(incident)

        expect(page.locator("#list")).to_contain_text("NC1-DOWN", timeout=PATIENCE_MS)
        expect(page.get_by_label("Tìm kiếm")).to_have_value("chợ")

        page.get_by_role("button", name="Xem", exact=True).click()
        page.wait_for_url("**/incidents?q=ch*")
        page.go_back()
        page.wait_for_url("**/incidents")
        expect(page.get_by_label("Tìm kiếm")).to_have_value("")


def test_a_session_that_has_ended_is_said_to_have(web: Web, page: Page) -> None:
    with served(web) as address:
        enter(page, web, address)
        page.goto(address)
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        page.context.clear_cookies()

        change(web, "NC1-UP", "down", Reason.TCP_TIMEOUT)

        expect(page.locator("#line .ended")).to_be_visible(timeout=PATIENCE_MS)
        expect(page.locator("#line").get_by_role("link", name="Đăng nhập")).to_be_visible()


def test_a_lost_connection_is_said_and_what_was_missed_is_caught_up(web: Web, page: Page) -> None:
    with served(web) as address:
        enter(page, web, address)
        page.goto(address)
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
    expect(page.locator("#line")).to_contain_text(LOST, timeout=PATIENCE_MS)
    expect(page.locator("#line .lost")).to_be_visible()
    expect(page.locator("#line .live")).to_be_hidden()

    change(web, "NC1-UP", "down", Reason.TCP_TIMEOUT)  # while nobody listens
    again = make_web(web.database)
    with served(again, urlsplit(address).port or 0):
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
        expect(count(page, "down")).to_have_text("2")


def test_the_page_of_an_eye_is_live_too(web: Web, page: Page, complaints: list[str]) -> None:
    with served(web) as address:
        enter(page, web, address)
        page.goto(f"{address}/eyes/NC1-UP")
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)

        change(web, "NC1-UP", "down", Reason.RTP_STALLED)

        expect(page.locator(".now .state")).to_have_text("Mất kết nối", timeout=PATIENCE_MS)
    assert complaints == []


def test_nothing_is_wider_than_the_screen(browser: Browser, web: Web) -> None:
    """Every page is looked at on a desk and a telephone elsewhere; these on what lies between and beyond."""
    with served(web) as address:
        context = browser.new_context()
        signed_in_browser(context, web, address)
        page = context.new_page()
        for width in (320, 360, 768, 992, 3840):
            page.set_viewport_size({"width": width, "height": 740})
            for path in ("/", "/wall", "/eyes/NC1-DOWN", "/eyes/nobody"):
                page.goto(address + path)
                too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
                assert too_wide <= 0, (path, width)
        context.close()


def test_everything_is_there_without_a_script(browser: Browser, web: Web) -> None:
    with served(web) as address:
        context = browser.new_context(java_script_enabled=False)
        signed_in_browser(context, web, address)
        page = context.new_page()
        page.goto(address)
        expect(page.locator("#line")).to_contain_text("Hãy tải lại")
        page.get_by_role("navigation", name="Các trang").get_by_role("link", name="Mắt camera").click()
        page.get_by_label("Tìm kiếm").fill("hoa binh")
        page.get_by_role("button", name="Xem", exact=True).click()

        expect(page.locator("#list tbody tr")).to_have_count(1)
        page.get_by_role("link", name="NC1-DOWN").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("NC1-DOWN")
        context.close()
