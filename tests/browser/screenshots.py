"""The pictures of the READMEs: ``python -m tests.browser.screenshots`` draws ``docs/screenshots`` anew.

They show the synthetic city that pages are measured on (``tests.benchmarks.city``).
"""

import tempfile
from pathlib import Path
from typing import Literal

import numpy as np
from playwright.sync_api import sync_playwright

from camera_registry.auth.roles import Role
from camera_registry.commands.demo import NOTICE
from camera_registry.db import Database
from probes.opencv import cv2
from tests.benchmarks import city
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.dashboards.serving import make_web, served, signed_in_browser

HERE = Path(__file__).parents[2] / "docs" / "screenshots"
DESK, TELEPHONE, SCREEN = (1280, 900), (390, 844), (1920, 1080)
QUALITY = 82  # of WebP
SETTLED_MS = 2_500  # typefaces, curves and the map are there

PICTURES: tuple[tuple[str, str, tuple[int, int], Literal["light", "dark"]], ...] = (
    ("city", "/", DESK, "light"),
    ("city-telephone", "/", TELEPHONE, "light"),
    ("wall", "/wall", SCREEN, "dark"),
    ("map", "/map", DESK, "light"),
    ("ward-telephone", "/units/04252-2", TELEPHONE, "dark"),
    ("eye", "/eyes/{eye}", DESK, "light"),
    ("eye-telephone", "/eyes/{eye}", TELEPHONE, "dark"),
    ("eyes", "/eyes", DESK, "dark"),
    ("incidents", "/incidents", DESK, "light"),
    ("registry", "/registry", DESK, "light"),
)


def main() -> None:
    HERE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        database = Database(f"sqlite:///{folder / 'registry.db'}")
        database.migrate()
        city.fill(database, folder)
        web = make_web(database, notice=NOTICE)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        with served(web) as address:
            for picture, path, (width, height), scheme in PICTURES:
                context = browser.new_context(
                    viewport={"width": width, "height": height}, color_scheme=scheme
                )
                signed_in_browser(context, web, address, Role.ADMINISTRATOR)
                page = context.new_page()
                page.goto(address + path.format(eye="YB-0085-D1-M07"))
                page.wait_for_timeout(SETTLED_MS)
                _keep(page.screenshot(), HERE / f"{picture}.webp")
                context.close()
        browser.close()
        database.close()


def _keep(png: bytes, path: Path) -> None:
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    _, webp = cv2.imencode(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    path.write_bytes(webp.tobytes())


if __name__ == "__main__":
    main()
