"""The pages about figures: how one came about, availability of a period, and the rules in words."""

import re
from collections.abc import Iterator
from datetime import timedelta
from html import unescape
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from camera_registry import health, models
from camera_registry.db import Database
from camera_registry.explaining import Interval
from camera_registry.uptime import Span, Tally
from dashboards import strips
from tests.camera_registry import september
from tests.camera_registry.september import HOUR_US, at
from tests.camera_registry.test_explaining import parsed
from tests.dashboards.serving import make_web, signed_in
from tests.databases import sqlite_in

NOW = at("2025-11-22T10:00")
FIGURE = "/eyes/E1/figure?period=2025-09"
PAGES = (
    FIGURE,
    "/eyes/E1/figure?from=2025-09-01&to=2025-10-01",
    "/eyes/E2/figure",
    "/eyes/E3/figure",
    "/availability?period=2025-Q3",
    "/availability?group=eye&period=2025-09",
    "/availability?group=point&unit=u-1&units_at=2025-09-01",
    "/availability?group=funding",
    "/counting",
)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("september")
    database = september.fill(sqlite_in(folder))
    yield database
    database.close()


@pytest.fixture
def client(database: Database) -> TestClient:
    web = make_web(database, now=lambda: NOW)
    return signed_in(web)


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_the_arithmetic_stands_on_the_page(client: TestClient) -> None:
    text = text_of(client.get(FIGURE).text)

    for words in (
        "Cách tính số liệu này",
        "Tháng 9/2025",
        "312 giờ 30 phút ÷ 328 giờ 30 phút = 95,13 %",
        "328 giờ 30 phút ÷ 332 giờ 00 phút = 98,95 %",
        "Chưa đưa vào sử dụng",
        "Tạm dừng hoạt động: Dời cột",
        "Cắt điện: Cắt điện trạm 3 <b>",
        "An, 23/09/2025 09:00 (nhập sau)",
        "Thiết bị không nhận mật khẩu ghi trong sổ đăng ký.",
        "30/09/2025 23:00 chưa kết thúc",
        f"phiên bản {health.RULES_VERSION}",
    ):
        assert words in text, words


def test_what_the_page_says_of_the_period_sums(client: TestClient) -> None:
    html = client.get(FIGURE).text
    legend = html.split('<table class="legend">')[1].split("</table>")[0]
    lengths = [parsed(text_of(row), "vi") for row in re.findall(r"<tr.*?</tr>", legend, re.DOTALL)]

    assert sum(lengths[:-1]) == lengths[-1] == 720 * HOUR_US


def test_a_page_without_a_figure_says_why(client: TestClient) -> None:
    assert "không kết nối mạng" in text_of(client.get("/eyes/E3/figure").text)
    assert "không quan sát được" in text_of(client.get("/eyes/E2/figure?period=2025-09").text)


def test_a_closed_month_is_named_with_the_figure_it_keeps(client: TestClient, database: Database) -> None:
    with database.transaction() as session:
        head = models.Closing(
            month=at("2025-08-01T12:00").date(), version=0, at=NOW, by="Bình", rules_version=1,
            inputs_hash="0" * 64, figures_hash="0" * 64,
        )  # fmt: skip
        session.add(head)
        session.flush()
        eye = session.query(models.Eye).filter_by(code="E1").one()
        nothing = dict.fromkeys(Tally.__dataclass_fields__, 0)
        session.add(
            models.ClosedFigure(
                closing_id=head.id, eye_id=eye.id, outages=1, ended_outages=1, ended_down=HOUR_US,
                longest_down=HOUR_US, blips=0, **nothing | {"up": 3 * HOUR_US, "down": HOUR_US},
            )
        )  # fmt: skip

    text = text_of(client.get("/eyes/E1/figure?period=2025-08").text)

    assert "Tháng 8/2025: Bình đã chốt, 22/11/2025 10:00 . Số liệu đã chốt là 75,00 %" in text


def test_units_lead_to_points_and_points_to_eyes_and_eyes_to_their_figure(client: TestClient) -> None:
    address = "/availability?period=2025-09"
    for text in ("Phường Yên Bái", "P1", "E1"):
        html = client.get(address).text
        assert "95,13 %" in text_of(html)
        found = re.search(rf'<th scope="row"><a href="([^"]+)">{text}</a>', html)
        assert found is not None, text
        target = unescape(found.group(1))
        address = target if target.startswith("/") else f"/availability{target}"

    assert address == "/eyes/E1/figure?period=2025-09"
    assert client.get(address).status_code == 200


def test_rates_stand_beside_their_coverage(client: TestClient) -> None:
    text = text_of(client.get("/availability?period=2025-09").text)

    assert "Độ phủ 31,23 %. Tỷ lệ hình dùng được 93,76 % (độ phủ 28,94 %)" in text
    assert "15 giờ 00 phút" in text  # MTTR


@pytest.mark.parametrize(
    ("query", "said"),
    [
        pytest.param("from=x", "“x” không phải là ngày", id="no day"),
        pytest.param("period=2025-13", "“2025-13” không phải là tháng", id="no month"),
        pytest.param("from=2020-01-01&to=2025-01-01", "nhiều nhất 400 ngày", id="too long"),
    ],
)
def test_what_is_no_period_is_said(client: TestClient, query: str, said: str) -> None:
    for page in ("/availability", "/eyes/E1/figure"):
        answer = client.get(f"{page}?{query}")
        assert answer.status_code == 422
        assert said in text_of(answer.text)


@pytest.mark.parametrize("language", ["vi", "en"])
def test_the_rules_have_twelve_numbers_and_a_version(client: TestClient, language: str) -> None:
    html = client.get(f"/counting?lang={language}").text

    assert len(re.findall(r"<li><b>", html)) == 12
    assert {"vi": "phiên bản", "en": "version"}[language] + f" {health.RULES_VERSION}" in html


def test_pages_lead_here(client: TestClient) -> None:
    assert 'href="/eyes/E1/figure?from=' in client.get("/eyes/E1").text
    assert "/eyes/E3/figure" not in client.get("/eyes/E3").text
    assert 'href="/availability"' in client.get("/").text


@pytest.mark.parametrize("path", PAGES)
def test_nothing_comes_from_elsewhere_or_stands_inline(client: TestClient, path: str) -> None:
    html = client.get(path).text

    assert re.findall(r'(?:src|href)="(?:https?:)?//', html) == []
    assert (
        re.findall(r'<script(?! type="module" src="/static/)|<style|\sstyle=|\son\w+=|<b>trạm|Lộc>', html)
        == []
    )


def test_nobody_of_this_code(client: TestClient) -> None:
    assert client.get("/eyes/nobody/figure").status_code == 404


def test_a_short_outage_can_be_seen_and_lies_inside() -> None:
    period = Span(at("2025-09-01T00:00"), at("2025-10-01T00:00"))
    last = Span(at("2025-09-30T23:59"), at("2025-10-01T00:00"))
    bars = strips.bars([Interval(last, "down"), Interval(Span(period.start, last.start), "up")], period)

    assert [bar.state for bar in bars] == ["up", "down"], "what is bad is drawn last"
    assert bars[1].width == strips.LEAST
    assert bars[1].x + bars[1].width <= 100


@pytest.mark.parametrize(
    ("start", "end", "texts"),
    [
        pytest.param("2025-09-24T00:00", "2025-09-25T00:00", ["00:00", "04:00", "08:00"], id="a day"),
        pytest.param("2025-09-01T00:00", "2025-10-01T00:00", ["01/09", "06/09", "11/09"], id="a month"),
        pytest.param(
            "2025-07-01T00:00", "2025-10-01T00:00", ["07/2025", "08/2025", "09/2025"], id="a quarter"
        ),
        pytest.param("2025-01-01T00:00", "2026-01-01T00:00", ["01/2025", "03/2025", "05/2025"], id="a year"),
    ],
)
def test_marks_under_the_bar(start: str, end: str, texts: list[str]) -> None:
    found = strips.marks(Span(at(start), at(end)), "vi", ZoneInfo("Asia/Ho_Chi_Minh"))

    assert [mark.text for mark in found][:3] == texts
    assert len(found) <= 7


def test_a_bar_of_very_many_intervals_shows_the_worst_of_each_place() -> None:
    minute = timedelta(minutes=1)
    start = at("2025-09-01T00:00")
    states = ["up", "unknown"] * 10_000
    states[12_345] = "down"
    found = strips.bars(
        [
            Interval(Span(start + n * minute, start + (n + 1) * minute), state)
            for n, state in enumerate(states)
        ],
        Span(start, start + len(states) * minute),
    )

    assert len(found) <= strips.MOST
    assert sum(bar.width for bar in found) == pytest.approx(100)
    assert [bar.state for bar in found] == ["unknown", "unknown", "down"]
    assert found[-1].x == pytest.approx(100 * 12_345 / 20_000, abs=0.1)


def test_the_table_is_sorted_and_taken_home(client: TestClient) -> None:
    asked = "/availability?period=2025-09&group=eye"
    sorted_ = client.get(f"{asked}&sort=-availability").text
    file = client.get(f"{asked}&sort=-availability&as=csv")
    head, *lines = file.content.decode("utf-8-sig").splitlines()

    assert 'aria-sort="descending"' in sorted_
    assert head.startswith("Mã;Mắt camera;Đơn vị;Tỷ lệ hoạt động;Độ phủ;")
    assert next(line.split(";")[0] for line in lines if line.split(";")[3]) == "E1"
    assert 'filename="availability-' in file.headers["content-disposition"]


@pytest.mark.parametrize(("group", "told"), [("point", "P1"), ("eye", "E1")])
def test_rows_are_found_by_the_unit_they_lie_in(client: TestClient, group: str, told: str) -> None:
    asked = f"/availability?period=2025-09&group={group}&q="
    assert f">{told}</a>" in client.get(f"{asked}yen+bai").text
    assert f">{told}</a>" not in client.get(f"{asked}deo+ach").text
