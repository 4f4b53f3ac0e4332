"""Chromium walks every page: nobody is kept out, nothing complains, nothing weighs too much.

In both languages, each in both themes: a theme changes nothing but colours.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from fastapi.routing import APIRoute
from playwright.sync_api import Browser, ConsoleMessage, Page, Request
from sqlalchemy import select
from starlette.routing import BaseRoute

from camera_registry import models
from camera_registry.alerts import links as message_links
from camera_registry.audit import Actor
from camera_registry.auth import links
from camera_registry.db import Database
from tests.browser.axe import pale, violations
from tests.browser.pages import NO_PAGES, PAGES, VARIANTS, tour
from tests.dashboards.city import NOW
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.databases import sqlite_in

HEAVIEST = 300_000  # bytes of a page with all that it loads, the map aside
MAP = "/map"
DRIVER = "GL Driver Message"  # a map drawn without a graphics card
WEIGHT = "performance.getEntries().reduce((sum, entry) => sum + (entry.encodedBodySize ?? 0), 0)"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    folder: Path = tmp_path_factory.mktemp("tour")
    database = Database(sqlite_in(folder))
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
def test_every_page(
    browser: Browser, web: Web, language: str, scheme: Literal["light", "dark"], width: int, height: int
) -> None:
    other: Literal["light", "dark"] = "dark" if scheme == "light" else "light"
    faults: list[str] = []
    complaints: list[str] = []
    with served(web) as address:
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            reduced_motion="reduce",  # colours change at once
        )
        signed_in_browser(context, web, address)
        context.add_cookies([{"name": "lang", "value": language, "url": address}])
        with web.database.transaction() as session:
            me = session.scalars(select(models.User.name)).one()
            link = links.make(session, Actor("tests", "local"), me, NOW)
            opened = message_links.make(session, 1, 1, NOW)
            secret = message_links.open_(session, opened.removeprefix("/i/"), NOW, "local", "")
            unopened = message_links.make(session, 1, 1, NOW)
        context.add_cookies([{"name": "incident", "value": secret, "url": address + opened}])
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if grave(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: complaints.append(asked.url) if leaves(asked, address) else None)
        for path in (*PAGES.values(), *VARIANTS):
            page.goto(address + path.format(me=me, link=link, opened=opened, unopened=unopened))
            found = [*wrong(page, path, language), *complaints, *violations(page)]
            page.emulate_media(color_scheme=other)
            found += [f"{other}: {fault}" for fault in pale(page)]
            page.emulate_media(color_scheme=scheme)
            complaints.clear()  # axe tries styles that the content policy refuses
            faults += [f"{path}: {fault}" for fault in found]
        context.close()

    assert "\n".join(faults) == ""


def grave(said: ConsoleMessage) -> bool:
    return said.type in ("error", "warning") and DRIVER not in said.text


def leaves(asked: Request, address: str) -> bool:
    return not asked.url.startswith((f"{address}/", "blob:"))


def wrong(page: Page, path: str, language: str) -> list[str]:
    """What is wrong with the page that is shown."""
    found: list[str] = []
    if page.locator("html").get_attribute("lang") != language:
        found.append("speaks another language")
    if (wide := page.evaluate("document.documentElement.scrollWidth - innerWidth")) > 0:
        found.append(f"is {wide} pixels wider than the screen")
    if (weight := page.evaluate(WEIGHT)) > HEAVIEST and path != MAP:
        found.append(f"weighs {weight} bytes")
    return found
