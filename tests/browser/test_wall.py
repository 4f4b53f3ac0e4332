"""The wall in Chromium: nothing is cut on any screen, and what is old is said over its whole width."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from camera_registry import models
from camera_registry.db import Database
from tests.dashboards.city import NOW, add_eye, add_point, fill, set_state
from tests.dashboards.serving import make_web, served, signed_in_browser
from tests.databases import sqlite_in

PATIENCE_MS = 20_000
WRONG, UNITS = 14, 22
SCREENS = ((1366, 768), (1920, 1080), (3840, 2160))
LONG = "Khu dân cư tái định cư đường Nguyễn Thái Học nối dài giai đoạn hai"

# Of each part of the page, how much of it is out of sight; and of the whole page.
CUT = """() => [document.documentElement, ...document.querySelectorAll("main > section")].map((part) =>
  Math.max(part.scrollHeight - part.clientHeight, part.scrollWidth - part.clientWidth))"""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """More units and incidents than a screen has room for, with names as long as they get."""
    database = Database(sqlite_in(tmp_path))
    fill(database)
    with database.transaction() as session:
        for number in range(UNITS):
            unit = models.Unit(uid=f"U{number}", code=f"U{number}", name=f"Phường {LONG}", kind="phuong")
            session.add(unit)
            session.flush()
            eye = add_eye(session, add_point(session, f"P{number}", unit.id, LONG), f"P{number}-D1-M01")
            set_state(session, eye, "down" if number < WRONG else "up")
            if number < WRONG:
                began = NOW - timedelta(days=number, minutes=59)
                row = models.Incident(
                    kind="eye", ancestor_id=eye, started_at=began, announced_at=began, recorded_at=began
                )
                row.members.append(models.IncidentEye(eye_id=eye, from_at=began))
                session.add(row)
    return database


def shown(page: Page, rows: str) -> tuple[int, str]:
    """How many rows of a list are seen, and what is said of the others."""
    part = page.locator("main > section", has=page.locator(rows))
    return page.locator(f"{rows} > li:visible").count(), part.locator(".further").inner_text()


def width_of(part: Locator) -> float:
    box = part.bounding_box()
    assert box is not None
    return box["width"]


def test_a_screen_says_all_or_how_much_more_there_is(browser: Browser, database: Database) -> None:
    web = make_web(database)
    with served(web) as address:
        for width, height in SCREENS:
            context = browser.new_context(viewport={"width": width, "height": height})
            signed_in_browser(context, web, address)
            page = context.new_page()
            page.goto(f"{address}/wall")
            expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
            page.evaluate("document.fonts.ready")

            cut: list[Any] = page.evaluate(CUT)
            assert [pixels for pixels in cut if pixels > 1] == [], (width, height)
            for rows, number in ((".heaviest", WRONG), (".units", UNITS + 2)):
                seen, said = shown(page, rows)
                assert 2 <= seen < number
                assert said == f"và {number - seen} mục khác"
            context.close()


def test_what_is_old_is_said_and_greys(browser: Browser, database: Database) -> None:
    web = make_web(database, now=lambda: NOW + timedelta(minutes=3))
    with served(web) as address:
        context = browser.new_context(viewport={"width": 1920, "height": 1080})
        signed_in_browser(context, web, address)
        page = context.new_page()
        page.goto(f"{address}/wall")
        alarm = page.locator("#alarm[role=alert]")
        expect(alarm).to_contain_text("3 phút trước", timeout=PATIENCE_MS)
        assert width_of(alarm) > 1800
        assert [pixels for pixels in page.evaluate(CUT) if pixels > 1] == []
        assert page.locator("#totals").evaluate("e => getComputedStyle(e).filter") == "grayscale(1)"
        expect(page.locator("#line .live")).to_be_visible(timeout=PATIENCE_MS)
    lost = page.locator("#line .lost")
    expect(lost).to_be_visible(timeout=PATIENCE_MS)
    assert width_of(page.locator("#line")) == 1920
    context.close()
    database.close()
