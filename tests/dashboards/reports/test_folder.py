"""A folder of pages for residents: complete in itself, harmless wherever it is put."""

from dataclasses import replace
from pathlib import Path

import pytest
from lxml import html

from camera_registry.reports.value import Format, Report
from dashboards.reports import file_name
from dashboards.reports.folder import pages, publish
from tests.dashboards.reports.sample import MARKUP, REPORT

YEN_BAI = replace(REPORT, name="yb-0127", about="Điểm YB-0127, phường Yên Bái")
AU_LAU = replace(REPORT, name="yb-0300", about="Âu Lâu <script>alert(1)</script>")
REPORTS = (YEN_BAI, AU_LAU)


def test_the_index_leads_to_every_page_and_each_back() -> None:
    whole = replace(YEN_BAI, name="disclosure-all-2026-10", about="Toàn địa bàn, tháng 10 năm 2026")
    files = pages("Công khai tháng 10 năm 2026", (whole, *REPORTS))

    index = html.fromstring(files["index.html"].decode())
    links = [(link.text_content(), link.get("href")) for link in index.iter("a")]
    assert links == [  # the page of all, then in the order of a Vietnamese dictionary
        (whole.about, file_name(whole, Format.HTML)),
        (AU_LAU.about, file_name(AU_LAU, Format.HTML)),
        (YEN_BAI.about, file_name(YEN_BAI, Format.HTML)),
    ]
    for _, name in links:
        page = html.fromstring(files[str(name)].decode())
        assert [link.get("href") for link in page.iter("a")] == ["index.html"]


def test_pages_load_nothing_and_run_nothing() -> None:
    for content in pages(MARKUP, REPORTS).values():
        text = content.decode()
        page = html.fromstring(text)

        assert "default-src 'none'" in text
        assert list(page.iter("script", "img", "link", "iframe", "object", "form")) == []
        assert [
            (node.tag, key)
            for node in page.iter()
            for key in node.attrib
            if key in ("src", "style") or key.startswith("on")
        ] == []
        assert "http" not in text.replace("http-equiv", "")
        assert "mô phỏng" in text


def test_a_folder_is_written(tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("of somebody else")

    written = publish(tmp_path / "2026-10", "Công khai", REPORTS)

    assert sorted(path.name for path in written) == ["index.html", "yb-0127.html", "yb-0300.html"]
    assert all(path.read_bytes().startswith(b"<!doctype html>") for path in written)


def test_codes_that_make_one_file_name_are_numbered_in_their_order() -> None:
    codes = ("P 9", "P-9", "p-9", "P-9-2", "P-8", "index")
    reports = [replace(YEN_BAI, name=code, about=code) for code in codes]

    for given in (reports, reports[::-1]):
        files = pages("Công khai", given)
        links = html.fromstring(files["index.html"].decode()).iter("a")
        assert {link.text_content(): link.get("href") for link in links} == {
            "P 9": "P-9.html",
            "P-9": "P-9-3.html",
            "p-9": "p-9-4.html",
            "P-9-2": "P-9-2.html",
            "P-8": "P-8.html",
            "index": "index-2.html",
        }


@pytest.mark.parametrize(
    "reports",
    [
        pytest.param((), id="none"),
        pytest.param((YEN_BAI, replace(AU_LAU, name=YEN_BAI.name)), id="two of one name"),
    ],
)
def test_pages_need_names_of_their_own(reports: tuple[Report, ...]) -> None:
    with pytest.raises(ValueError, match="names of their own"):
        pages("Công khai", reports)
