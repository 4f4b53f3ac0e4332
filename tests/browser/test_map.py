"""The map in a browser: drawn and live where there is WebGL, a table where there is none."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from camera_registry import models, units
from camera_registry.db import Database
from probes.reasons import Reason
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.dashboards.city import NOW, add_eye, add_point, set_state
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.databases import sqlite_in

# Debian's Chromium on a machine without a graphics card: drawn by the processor.
SOFTWARE_GL = ["--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
POINTS = 30
READY = "#frame[data-state=ready]"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Points with an eye each along a street of Yên Bái; the first is down."""
    database = Database(sqlite_in(tmp_path_factory.mktemp("map")))
    with database.transaction() as session:
        units.load_data_set(session, "yen-bai")
        ward = session.query(models.Unit).filter_by(uid="04252-2").one()
        for n in range(POINTS):
            eye = add_eye(session, add_point(session, f"P{n:02}", ward.id, f"Tổ dân phố số {n}"), f"E{n:02}")
            set_state(session, eye, "up" if n else "down", Reason.OK if n else Reason.TCP_TIMEOUT)
            point = session.query(models.Point).filter_by(code=f"P{n:02}").one()
            point.latitude, point.longitude = 21.7141 + 0.0006 * n, 104.8963 + 0.0004 * n
    yield make_web(database)
    database.close()


@pytest.fixture(scope="module")
def address(web: Web) -> Iterator[str]:
    with served(web) as address:
        yield address


@pytest.fixture(scope="module")
def drawing(browser: Browser) -> Iterator[Browser]:
    """Another one, that can draw."""
    arguments = [each for each in ARGUMENTS if each != "--disable-gpu"]
    started = browser.browser_type.launch(executable_path=CHROMIUM, args=[*arguments, *SOFTWARE_GL])
    yield started
    started.close()


@pytest.fixture(scope="module")
def plain(browser: Browser) -> Iterator[Browser]:
    """And one that cannot."""
    started = browser.browser_type.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, "--disable-3d-apis"])
    yield started
    started.close()


def opened(
    browser: Browser, web: Web, address: str, path: str = "/map"
) -> tuple[BrowserContext, Page, list[str]]:
    """The page, and everything that went wrong on it."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="vi")
    signed_in_browser(context, web, address)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on(
        "request",
        lambda asked: wrong.append(asked.url) if not asked.url.startswith((address, "blob:")) else None,
    )
    page.goto(f"{address}{path}")
    return context, page, wrong


def test_the_morning_on_the_map(drawing: Browser, web: Web, address: str) -> None:
    """It is drawn; a link of the table leads to a point and tells of it; Escape leads back; it stays true."""
    context, page, wrong = opened(drawing, web, address)
    expect(page.locator(READY)).to_be_visible(timeout=30_000)
    assert page.locator("#map canvas").evaluate("canvas => canvas.width") > 300

    link = page.get_by_role("link", name="Xem trên bản đồ: Tổ dân phố số 0")
    link.focus()
    page.keyboard.press("Enter")
    card = page.get_by_role("complementary", name="Điểm đang chọn")
    expect(card).to_contain_text("Mất kết nối")
    expect(card.get_by_role("link", name="Tổ dân phố số 0")).to_have_attribute("href", "/points/P00")

    with web.database.transaction() as session:
        eye = session.query(models.Eye).filter_by(code="E00").one()
        set_state(session, eye.id, "up", at=NOW - timedelta(minutes=1))
    web.broadcaster.publish(["E00"])
    expect(card).to_contain_text("Đang hoạt động")
    expect(page.locator("#list")).not_to_contain_text("Mất kết nối")

    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    assert wrong == []
    context.close()


def test_a_touch_on_the_map_tells_of_the_point(drawing: Browser, web: Web, address: str) -> None:
    context, page, wrong = opened(drawing, web, address, "/map?q=P07#at=15/21.7183/104.8991")
    expect(page.locator(READY)).to_be_visible(timeout=30_000)

    page.locator("#map").click()  # in its middle, where the point is

    expect(page.get_by_role("complementary", name="Điểm đang chọn")).to_contain_text("Tổ dân phố số 7")
    assert wrong == []
    context.close()


def test_without_webgl_the_table_says_so_and_says_the_same(plain: Browser, web: Web, address: str) -> None:
    context, page, wrong = opened(plain, web, address)

    expect(page.get_by_text("Trình duyệt này không vẽ được bản đồ")).to_be_visible(timeout=30_000)
    expect(page.get_by_role("link", name="Tổ dân phố số 7", exact=True)).to_be_visible()
    assert wrong == []
    context.close()
