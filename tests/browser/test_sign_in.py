"""A telephone on its first day: the link, a password, out again; and what who guesses is told."""

from pathlib import Path

from playwright.sync_api import Browser, ViewportSize, expect

from camera_registry.audit import Actor
from camera_registry.auth import links, throttle, users
from camera_registry.auth.roles import Role
from camera_registry.auth.users import Seeing
from camera_registry.units import Scope
from tests.camera_registry.registries import fresh
from tests.dashboards.city import NOW
from tests.dashboards.serving import make_web, served
from tests.databases import sqlite_in

PASSWORD = "bến sông chiều mưa"


def test_the_first_day_of_a_ward_officer(browser: Browser, tmp_path: Path) -> None:
    database, _ = fresh(sqlite_in(tmp_path), 2)
    now, tests = [NOW], Actor("tests", "cli")
    with database.transaction() as session:
        seeing = Seeing(everywhere=True)
        users.add(session, tests, Scope.everything(), NOW, "an", Role.WARD_OFFICER, seeing, "Nguyễn Văn An")
        link = links.make(session, tests, "an", NOW)
    with served(make_web(database, now=lambda: now[-1])) as address:
        viewport: ViewportSize = {"width": 390, "height": 844}
        context = browser.new_context(viewport=viewport, locale="vi-VN", base_url=address)
        page = context.new_page()

        page.goto(link)
        page.get_by_role("button", name="Đăng nhập với tên Nguyễn Văn An").click()
        page.get_by_label("Mật khẩu mới", exact=True).fill(PASSWORD)
        page.get_by_label("Nhập lại mật khẩu mới").fill(PASSWORD)
        page.get_by_role("button", name="Đặt mật khẩu").click()
        expect(page.get_by_role("status")).to_contain_text("Đã đặt mật khẩu")
        page.get_by_role("button", name="Đăng xuất", exact=True).click()

        page.goto("/availability")
        for n in range(throttle.WITH_A_NAME.free + 1):
            page.get_by_label("Tên đăng nhập").fill("an")
            page.get_by_label("Mật khẩu").fill(f"đoán {n}")
            page.get_by_role("button", name="Đăng nhập").click()
        expect(page.get_by_role("alert")).to_contain_text("Hãy thử lại sau 1 giây")
        now.append(NOW.replace(second=1))
        page.get_by_label("Mật khẩu").fill(PASSWORD)
        page.get_by_role("button", name="Đăng nhập").click()
        expect(page).to_have_url(f"{address}/availability")
        context.close()
    database.close()
