"""The morning of an accountant at a desk: from a fault that waits for money to the money in a report."""

from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from docx import Document
from openpyxl import load_workbook
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from camera_registry.audit import Actor
from camera_registry.auth.roles import Role
from camera_registry.db import Database
from camera_registry.funding import contributors
from camera_registry.funding.kinds import Component, Source
from camera_registry.repairs import deeds
from camera_registry.repairs.states import Payer, State
from camera_registry.units import Scope
from tests.dashboards.city import NOW
from tests.dashboards.serving import Web, make_web, served, signed_in_browser
from tests.dashboards.ward import WARD, ZONE, fill_morning
from tests.databases import sqlite_in

DESK = ViewportSize(width=1440, height=900)
OFFICER = Actor("ward-officer", "127.0.0.1")
DAY = timedelta(days=1)
SCHOOL, BRIDGE = 1, 2  # repairs
FAULT = "Cháy nguồn mắt camera cổng trường"
GROUNDS = "Công văn 12/UBND"
MANAGED = ("Công an phường Nam Cường", "Ngân sách phường, xã")  # by whom, and who pays
BUDGET = "Ngân sách phường Nam Cường"
GIVER = "Cửa hàng vật liệu Hòa Bình"
# Of the school: its share of 20.000.000, which has one đồng more; what its repair cost; what is left.
COLLECTED, SPENT, LEFT = 6_666_667, 4_500_000, 2_166_667


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    """Two repairs of Nam Cường wait for money: the school's, which the ward pays, and the bridge's."""
    database = Database(sqlite_in(tmp_path))
    fill_morning(database)
    with database.transaction() as session:
        by = (session, OFFICER, Scope.everything())
        budget = contributors.Filled(Source.COMMUNE, BUDGET, WARD)
        contributors.save(*by, budget, NOW, ZONE)
        school = deeds.open_repair(
            *(*by, NOW - 30 * DAY, ZONE),
            fault=FAULT,
            point="NC2",
            eyes=["NC2-A"],
            component=Component.CAMERA,
        )
        bridge = deeds.open_repair(*by, NOW - 9 * DAY, ZONE, fault="Ống kính mờ", point="NC3")
        assert (school, bridge) == (SCHOOL, BRIDGE)
        deeds.set_payer(*by, school, Payer.WARD, NOW - 25 * DAY, ZONE, grounds=GROUNDS)
        for number, days in ((school, 20), (bridge, 5)):
            deeds.move(*by, number, State.WAITING_FOR_MONEY, NOW - days * DAY, ZONE)
    yield make_web(database)
    database.close()


def dong(amount: int) -> str:
    return f"{amount:,} đồng".replace(",", ".")


def download(page: Page, link: Locator) -> BytesIO:
    """What a link brings home."""
    with page.expect_download() as coming:
        link.click()
    return BytesIO(coming.value.path().read_bytes())


def cells(letter: BytesIO) -> list[list[str]]:
    """Every row of the tables of a letter."""
    document = Document(letter)
    return [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]


def blank(form: Locator) -> list[str]:
    """The names of the fields in which nothing stands."""
    found: list[str] = form.evaluate(
        """(form) => [...form.elements].filter((each) => each.name && each.type !== "checkbox" && !each.value)
            .map((each) => each.name)"""
    )
    return found


def fact(page: Page, title: str) -> Locator:
    """A figure, by what stands beside it."""
    return page.locator("main dl.facts > div").filter(
        has=page.locator("dt").get_by_text(title, exact=True)
    ).locator("dd")  # fmt: skip


def test_the_morning_of_an_accountant(browser: Browser, web: Web) -> None:
    with served(web) as address:
        complaints: list[str] = []
        asked: set[str] = set()

        def sits_down(*units: str) -> Page:
            context = browser.new_context(viewport=DESK, locale="vi-VN", color_scheme="light")
            signed_in_browser(context, web, address, Role.FINANCE, units)
            page = context.new_page()
            page.set_default_timeout(20_000)
            page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("request", lambda request: asked.add(urlsplit(request.url).netloc))
            return page

        page, second = sits_down(WARD), sits_down()

        # What waits for money: two, and nobody has said yet for how much.
        page.goto(f"{address}/repairs")
        expect(fact(page, "Chờ kinh phí")).to_have_text("2 hạng mục sửa chữa")
        expect(fact(page, "Tổng báo giá đã chọn")).to_have_text("2 hạng mục chưa chọn báo giá")

        # A quotation comes in, and is chosen.
        page.locator(f"#repair-{SCHOOL}").get_by_role("link").first.click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Trường tiểu học Nam Cường")
        page.locator("#quote summary").click()
        page.get_by_label("Đơn vị báo giá").fill("Điện máy Yên Bái")
        page.get_by_label("Số tiền (đồng)").fill("4.500.000")
        page.get_by_role("button", name="Lưu báo giá").click()
        page.get_by_role("button", name="Chọn Điện máy Yên Bái").click()
        expect(page.locator("#quotations tr.chosen")).to_contain_text(dong(SPENT))

        # The letter that asks for it: what waits is ticked; the bridge, without a sum, is left for later.
        page.goto(f"{address}/repairs")
        page.get_by_role("link", name="Lập đề nghị kinh phí").click()
        expect(page.get_by_role("checkbox", name=f"Sửa chữa {SCHOOL}:")).to_be_checked()
        page.get_by_role("checkbox", name=f"Sửa chữa {BRIDGE}:").uncheck()
        page.get_by_label("Nơi nhận đề nghị").fill("Cơ quan tài chính giả lập")
        page.get_by_role("button", name="Lưu bản nháp").click()
        expect(fact(page, "Số tiền đề nghị")).to_have_text(dong(SPENT))
        rows = cells(download(page, page.get_by_role("link", name="Văn bản DOCX")))
        (listed,) = (row for row in rows if FAULT in row)
        assert [listed[place] for place in (1, 2, 9)] == ["NC2", "Trường tiểu học Nam Cường", "4.500.000"]
        (basis,) = (row for row in rows if GROUNDS in row)
        assert [basis[place] for place in (0, 1, 6)] == ["NC2", *MANAGED]
        (missing,) = (row for row in rows if "Thời hạn bảo hành" in row[-1])
        assert (missing[0], "Đơn vị quản lý" in missing[-1]) == ("NC2", False)
        assert not any("NC3" in row for row in rows)

        # It is mended.
        page.goto(f"{address}/repairs/{SCHOOL}")
        page.locator("#moves summary", has_text="Báo đã sửa xong").click()
        page.get_by_role("button", name="Báo đã sửa xong").click()
        expect(page.locator("#head")).to_contain_text("Đã xong")

        # What it cost: nothing that is known is typed again.
        page.get_by_role("link", name="Ghi khoản chi").click()
        form = page.locator("form.money-entry")
        for name, value in (
            ("kind", "expense"),
            ("form", "money"),
            ("dated", "2026-11-22"),
            ("component", "camera"),
            ("contributor", f"{BUDGET} #1"),
            ("payee", "Điện máy Yên Bái"),
            ("amount", "4.500.000"),
            ("text", FAULT),
        ):
            expect(form.locator(f"[name={name}]")).to_have_value(value)
        expect(form.locator("[name=point]").first).to_have_value("NC2")
        # Of no programme, for one point alone, on a paper that only the accountant has; two rows are spare.
        not_known = {"budget_year", "programme", "givers", "new_kind", "new_group", "codes"}
        not_known |= {"number", "paper_dated", "issuer"}
        left = blank(form)
        assert set(left) == not_known | {"point", "share"}
        assert (left.count("point"), left.count("share")) == (2, 3)
        form.get_by_role("button", name="Ghi, chờ duyệt").click()
        expect(page).to_have_url(f"{address}/repairs/{SCHOOL}")
        expect(fact(page, "Chờ duyệt")).to_have_text(dong(SPENT))

        # A gift that three points share: evenly, and the two đồng that are over are said.
        page.goto(f"{address}/money/enter")
        page.get_by_label("Nguồn hoặc bên đóng góp").fill(GIVER)
        page.get_by_text("Bên đóng góp này chưa có trong danh sách").click()
        page.get_by_label("Loại bên đóng góp").select_option("business")
        page.get_by_label("Tổng số tiền (đồng)").fill("20000000")
        page.get_by_text("Nhiều điểm cùng lúc").click()
        page.get_by_label("Mã điểm, cách nhau").fill("NC1, NC2, NC3")
        page.get_by_role("button", name="Chia đều tổng số").click()
        said = page.get_by_role("status").filter(has_text="chia cho 3 điểm")
        expect(said).to_contain_text(f"mỗi điểm {dong(6_666_666)}. Còn dư 2 đồng")
        expect(said).to_contain_text("NC1, NC2.")
        shares = page.locator("[name=share]")
        for place, share in enumerate(("6.666.667", "6.666.667", "6.666.666")):
            expect(shares.nth(place)).to_have_value(share)
        expect(page.locator(".tally")).to_have_text(f"Các phần cộng lại: {dong(20_000_000)}")
        page.get_by_role("button", name="Ghi, chờ duyệt").click()
        expect(page.get_by_role("status").first).to_contain_text("đang chờ duyệt")

        # Nobody approves what is their own; somebody else reads both, and does.
        page.goto(f"{address}/money/waiting")
        expect(page.locator("main table tbody tr")).to_have_count(2)
        expect(page.locator("[name=entry]")).to_have_count(0)
        second.goto(f"{address}/money/waiting")
        expect(second.locator("main table")).to_contain_text(GIVER)
        second.get_by_role("checkbox", name="Chọn khoản").nth(0).check()
        second.get_by_role("checkbox", name="Chọn khoản").nth(1).check()
        second.get_by_role("button", name="Duyệt các khoản đã chọn (2)").click()
        expect(second.get_by_role("status").first).to_contain_text("2 khoản đã được duyệt")

        # The same sums on the page of the point, in its report, and in what is taken home of it.
        page.goto(f"{address}/points/NC2/money")
        for title, amount in (("Đã thu", COLLECTED), ("Đã chi", SPENT), ("Số dư (tiền)", LEFT)):
            expect(fact(page, title)).to_contain_text(dong(amount))
        page.get_by_role("link", name="Báo cáo", exact=True).last.click()
        sums = {"Đã thu": COLLECTED, "Đã chi": SPENT, "Số dư": LEFT}
        for title, amount in sums.items():
            expect(fact(page, title)).to_contain_text(dong(amount))
        expect(fact(page, "Nguyên giá")).to_have_text("chưa có số liệu")
        book = load_workbook(download(page, page.get_by_role("link", name="XLSX", exact=True)))
        kept = {str(row[0]): row[1] for sheet in book for row in sheet.iter_rows(values_only=True) if row[1:]}
        assert {title: kept[title] for title in sums} == sums

        assert complaints == []
        assert asked == {urlsplit(address).netloc}
        for each in (page, second):
            each.context.close()
