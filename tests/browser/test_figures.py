"""Chromium looks at the pages about figures: nothing is wider than the screen, and nothing needs a script."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.camera_registry import september
from tests.camera_registry.september import at
from tests.dashboards.serving import make_web, served, signed_in_browser
from tests.databases import sqlite_in

Enter = Callable[..., Page]

PATHS = (
    "/eyes/E1/figure?period=2025-09",
    "/eyes/E3/figure",
    "/availability?from=2025-09-01&to=2025-10-01",
    "/availability?period=2025-09&group=eye",
    "/counting",
)


@pytest.fixture(scope="module")
def enter(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enter]:
    """A new page of somebody who has signed in; addresses are paths."""
    folder: Path = tmp_path_factory.mktemp("september")
    database = september.fill(sqlite_in(folder))
    web = make_web(database, now=lambda: at("2025-11-22T10:00"))
    with served(web) as address:

        def enter(**options: Any) -> Page:
            context = browser.new_context(base_url=address, **options)
            signed_in_browser(context, web, address)
            return context.new_page()

        yield enter
    database.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_is_wider_than_the_screen(enter: Enter, width: int, scheme: str) -> None:
    page = enter(viewport={"width": width, "height": 740}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    for path in PATHS:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0, path
    page.context.close()
    assert complaints == [], "a breach of the content policy is told here"


def test_tables_scroll_inside_their_box_and_keep_their_heads(enter: Enter) -> None:
    page = enter(viewport={"width": 360, "height": 740})
    page.goto("/eyes/E1/figure?period=2025-09")
    box = page.get_by_role("region", name="Tất cả các khoảng thời gian")

    assert box.evaluate("box => box.scrollWidth > box.clientWidth")
    expect(box.get_by_role("columnheader", name="Độ dài")).to_be_visible()
    box.focus()
    page.keyboard.press("ArrowRight")
    expect(box).not_to_have_js_property("scrollLeft", 0)
    page.context.close()


@pytest.mark.parametrize("group", ["unit", "point", "eye"])
def test_a_rate_and_its_coverage_lie_within_a_telephone(enter: Enter, group: str) -> None:
    page = enter(viewport={"width": 360, "height": 740})
    page.goto(f"/availability?period=2025-09&group={group}")
    cell = page.locator("table.rates tbody td").first

    expect(cell).to_contain_text("95,13")
    expect(cell.locator(".covering")).to_contain_text("độ phủ")
    for part in (cell, cell.locator(".covering")):
        box = part.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= page.locator(".scroll").evaluate(
            "box => box.getBoundingClientRect().right"
        )
    page.context.close()


def test_the_bar_is_told_in_words_and_a_short_outage_is_seen(enter: Enter) -> None:
    page = enter()
    page.goto("/eyes/E1/figure?period=2025-Q3")

    expect(page.get_by_role("img", name="Thanh thời gian của Mắt camera")).to_be_visible()
    last = page.locator("svg.span").first.locator("rect.down").last.bounding_box()
    assert last is not None
    assert last["width"] >= 2, "one hour of a quarter"
    page.context.close()


def test_a_reader_comes_from_the_city_to_the_arithmetic_without_a_script(enter: Enter) -> None:
    page = enter(java_script_enabled=False)
    page.goto("/")
    page.get_by_role("link", name="Tỷ lệ hoạt động theo tháng hoặc quý").click()
    page.get_by_label("Tháng, quý hoặc năm").select_option("2025-09")
    page.get_by_role("button", name="Xem").first.click()
    for name in ("Phường Yên Bái", "P1", "E1"):
        page.locator("table.rates").get_by_role("link", name=name, exact=True).click()

    expect(page.get_by_role("heading", level=1)).to_have_text("Cách tính số liệu này")
    expect(page.locator("body")).to_contain_text(
        "328 giờ 30 phút ÷ 332 giờ 00 phút = 98,95 %".replace(" %", "\xa0%")
    )
    page.context.close()
