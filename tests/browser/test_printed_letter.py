"""A letter that a browser prints: upright to be signed, its annex on its side, every page marked."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

from playwright.sync_api import Browser
from pypdf import PdfReader

from camera_registry.reports.value import Annex, Format
from dashboards.reports import draw
from tests.dashboards.reports.sample import LETTER, MONEY


def test_a_browser_prints_the_annex_of_a_letter_on_its_side(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "letter.html"
    long = Annex("Danh mục và căn cứ", (replace(MONEY, rows=MONEY.rows * 15),))
    file.write_bytes(draw(replace(LETTER, annex=long), Format.HTML))
    page = browser.new_page()
    page.goto(file.as_uri())
    printed = PdfReader(BytesIO(page.pdf(prefer_css_page_size=True))).pages
    page.close()

    texts = [" ".join(each.extract_text().split()) for each in printed]
    lying = [each.mediabox.width > each.mediabox.height for each in printed]
    first = lying.index(True)
    assert lying == sorted(lying)
    assert "Nơi nhận" in texts[first - 1]
    assert "Phụ lục DANH MỤC VÀ CĂN CỨ (Kèm theo Tờ trình số" in texts[first]
    assert all("Bản trình diễn" in text for text in texts)
    assert sum("Tổng cộng" in text for text in texts) == 1, "a total is no foot of each page"
