"""Chromium walks every page: nobody is kept out, nothing complains, nothing weighs too much."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, ConsoleMessage, Page
from sqlalchemy import select
from starlette.routing import BaseRoute

from camera_registry import models
from camera_registry.db import Database
from tests.browser.axe import violations
from tests.browser.pages import NO_PAGES, PAGES, tour
from tests.dashboards.serving import Web, make_web, served, signed_in_browser

HEAVIEST = 300_000  # bytes of a page with all that it loads, the map aside
MAP = "/map"
WEIGHT = "performance.getEntries().reduce((sum, entry) => sum + (entry.encodedBodySize ?? 0), 0)"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder: Path = tmp_path_factory.mktemp("tour")
    database = Database(f"sqlite:///{folder / 'registry.db'}")
    database.migrate()
    tour(database)
    yield make_web(database, notice="These are synthetic data: no camera, place or event here exists.")
    database.close()


def routes(of: list[BaseRoute]) -> Iterator[APIRoute]:
    """Those of routers within the application, too."""
    for route in of:
        if isinstance(route, APIRoute):
            yield route
        elif (router := getattr(route, "original_router", None)) is not None:
            yield from routes(router.routes)


def test_every_page_has_an_address_to_look_at_it_by(web: Web) -> None:
    pages = {
        route.path
        for route in routes(web.app.routes)
        if "GET" in (route.methods or ()) and not route.include_in_schema
    }

    assert {*PAGES, *NO_PAGES} == pages


@pytest.mark.parametrize(
    ("language", "scheme", "width", "height"),
    [
        pytest.param("vi", "light", 1280, 900, id="Vietnamese, light, desk"),
        pytest.param("en", "dark", 390, 844, id="English, dark, telephone"),
    ],
)
def test_every_page(browser: Browser, web: Web, language: str, scheme: Any, width: int, height: int) -> None:
    faults: list[str] = []
    with served(web) as address:
        context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        signed_in_browser(context, web, address)
        context.add_cookies([{"name": "lang", "value": language, "url": address}])
        with web.database.reading() as session:
            me = session.scalars(select(models.User.name)).first()
        page = context.new_page()
        page.on("console", lambda message: faults.append(f"{page.url}: {complaint(message)}"))
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.on("request", lambda request: faults.append(f"{page.url}: asks {request.url}"))
        for path in PAGES.values():
            page.goto(address + path.format(me=me))
            faults += [f"{path}: {fault}" for fault in wrong(page, path, language)]
        context.close()

    asked = f": asks {address}/"
    assert [fault for fault in faults if asked not in fault and not fault.endswith(": ")] == []


def complaint(message: ConsoleMessage) -> str:
    return message.text if message.type in ("error", "warning") else ""


def wrong(page: Page, path: str, language: str) -> list[str]:
    """What is wrong with the page that is shown."""
    found = violations(page)
    if page.locator("html").get_attribute("lang") != language:
        found.append("speaks another language")
    if (wide := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
        found.append(f"is {wide} pixels wider than the screen")
    if (weight := page.evaluate(WEIGHT)) > HEAVIEST and path != MAP:
        found.append(f"weighs {weight} bytes")
    return found
