"""Chromium on the page of an eye: a real camera is asked and its rungs watched; curves are drawn and told."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import insert, select

from camera_registry import models
from camera_registry.errands import Errands
from camera_registry.monitor import Monitor, attending
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import NOON, Clock, camera, shut, watch
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.databases import sqlite_in

PATIENCE_MS = 20_000


@contextmanager
def at_work(url: str, folder: Path) -> Iterator[Monitor]:
    """A monitor that asks one simulated camera when it is wanted to, in a loop of its own thread."""
    ready: threading.Event = threading.Event()
    told: list[tuple[Monitor, asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def work() -> None:
        cameras = (camera("c", faults=(Fault(FaultKind.SLOW, value=0.3),)),)
        async with Simulator(Fleet(cameras)) as sim:
            monitor = watch(url, folder, sim, Clock())
            async with attending(monitor) as follower, Errands(monitor, follower):
                stop = asyncio.Event()
                told.append((monitor, asyncio.get_running_loop(), stop))
                ready.set()
                await stop.wait()

    thread = threading.Thread(target=asyncio.run, args=(work(),))
    thread.start()
    assert ready.wait(30), "the monitor did not begin"
    (monitor, loop, stop) = told[0]
    try:
        yield monitor
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(20)
        shut(monitor)
    assert not thread.is_alive(), "the monitor did not stop"


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Web, str]]:
    folder = tmp_path_factory.mktemp("eye")
    with at_work(sqlite_in(folder), folder) as monitor:
        with monitor.database.transaction() as session:
            eye = session.scalars(select(models.Eye.id)).one()
            usual = {"eye_id": eye, "bits_per_s": 512e3, "clock_offset_s": -1.5, "sharpness": 0.8}
            session.execute(
                insert(models.EyeSample),
                [
                    usual | {"at": NOON - timedelta(minutes=5 * n), "seconds": 2.0 if n == 9 else 0.1}
                    for n in range(1, 200)
                ],
            )
        web = make_web(monitor.database, now=lambda: NOON)
        with served(web) as address:
            yield web, address


@pytest.fixture
def page_of(browser: Browser, city: tuple[Web, str]) -> Iterator[Callable[..., Page]]:
    contexts: list[BrowserContext] = []

    def opened(**options: object) -> Page:
        context = browser.new_context(**options)  # type: ignore[arg-type]  # any of Playwright's own
        contexts.append(context)
        signed_in_browser(context, *city)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        return page

    yield opened
    for context in contexts:
        context.close()


def test_a_person_watches_a_probe_climb(page_of: Callable[..., Page], city: tuple[Web, str]) -> None:
    page = page_of(viewport={"width": 390, "height": 844})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{city[1]}/eyes/c-1")
    page.evaluate(
        """() => { window.steps = [];
        new MutationObserver(() => window.steps.push(document.querySelectorAll("#rungs .ladder li").length))
          .observe(document.getElementById("probe-now"), { childList: true, subtree: true }); }"""
    )
    page.get_by_role("button", name="Kiểm tra ngay").click()
    rungs = page.locator("#rungs")

    expect(rungs.locator(".verdict")).to_contain_text("Đang hoạt động", timeout=PATIENCE_MS)
    expect(rungs.locator(".ladder li")).to_have_count(7)
    assert len(set(page.evaluate("window.steps"))) > 2, "they came one after the other"
    rungs.get_by_text("Nội dung trao đổi").first.click()
    expect(rungs.locator("pre").first).to_contain_text("DESCRIBE rtsp://")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert complaints == []


def test_without_a_script_the_probe_has_a_page(page_of: Callable[..., Page], city: tuple[Web, str]) -> None:
    page = page_of(java_script_enabled=False)
    page.goto(f"{city[1]}/eyes/c-1?lang=en")
    page.get_by_role("button", name="Probe now").click()

    expect(page.locator(".verdict")).to_contain_text("Operating", timeout=PATIENCE_MS)
    assert "/probe/" in page.url


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_curves_are_drawn_and_told(page_of: Callable[..., Page], city: tuple[Web, str], scheme: str) -> None:
    page = page_of(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(f"{city[1]}/eyes/c-1?lang=vi")

    expect(page.locator(".curve canvas")).to_have_count(4, timeout=PATIENCE_MS)
    page.locator("#curves-table summary").click()
    table = page.get_by_role("region", name="Xem dưới dạng bảng")
    expect(table).to_contain_text("0,1 – 2", use_inner_text=True)
    page.locator('.curve[data-series="latency"] .u-over').hover()
    expect(page.locator("#curve-latency")).to_contain_text(": 0,1")
    expect(page.get_by_role("img", name="Thanh thời gian của Mắt camera")).to_be_visible()
    assert complaints == []
