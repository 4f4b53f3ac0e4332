"""Signing in and out, by password and by link; how long it lasts, and what slows down who guesses."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fastapi import Request
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.api import events
from camera_registry.api.desk import identify
from camera_registry.audit import Actor
from camera_registry.auth import links, passwords, sessions, signing_in, throttle, tokens, users
from camera_registry.auth.roles import Permission, Role
from camera_registry.auth.signing_in import Asker, WrongLogin
from camera_registry.auth.throttle import Throttled
from camera_registry.auth.users import Seeing
from camera_registry.db import Database
from camera_registry.units import Scope
from tests.dashboards.city import NOW, fill
from tests.dashboards.serving import Web, make_web, signed_in
from tests.databases import sqlite_in

PASSWORD = "chiếc ô màu xanh"
TESTS = Actor("tests", "cli")
PAGE = "/availability"


@dataclass(slots=True)
class Clock:
    """A time that goes when it is told to."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now

    def wait(self, **length: float) -> None:
        self.now += timedelta(**length)


@dataclass(frozen=True, slots=True)
class House:
    """A registry in which ``an`` has a password, and a clock."""

    web: Web
    clock: Clock

    def browser(self, address: str = "127.0.0.1", url: str = "http://localhost") -> TestClient:
        return TestClient(
            self.web.app,
            base_url=url,
            client=(address, 50_000),
            headers={"Sec-Fetch-Site": "same-origin", "User-Agent": "Firefox on Linux"},
            follow_redirects=False,
        )

    def link(self, name: str = "an") -> str:
        with self.web.database.transaction() as session:
            return links.make(session, TESTS, name, self.clock())

    def signed_in(self) -> TestClient:
        browser = self.browser()
        assert browser.post(self.link()).status_code == 303
        return browser


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("house")
    database = Database(sqlite_in(folder))
    fill(database)
    with database.transaction() as session:
        for name in ("an", "binh"):
            made = users.add(
                *(session, TESTS, Scope.everything(), NOW, name, Role.OPERATOR), Seeing(everywhere=True)
            )
            users.set_password(session, TESTS, made.id, passwords.hashed(PASSWORD), NOW)
    yield database
    database.close()


@pytest.fixture
def house(database: Database) -> House:
    """Nobody is signed in, and nobody has failed."""
    with database.transaction() as session:
        for table in (models.WebSession, models.SignInFailure, models.SignInLink):
            session.query(table).delete()
    clock = Clock()
    return House(make_web(database, now=clock, public_names="camera.example"), clock)


def try_password(browser: TestClient, password: str = PASSWORD, name: str = "an", next: str = "/") -> int:
    form = {"name": name, "password": password, "next": next}
    return browser.post("/sign-in", data=form).status_code


# --- the way in and out -----------------------------------------------------------------------------


def test_a_day_of_a_reader(house: House) -> None:
    browser = house.browser()
    led = browser.get(f"{PAGE}?group=eye")
    assert (led.status_code, led.headers["location"]) == (303, "/sign-in?next=%2Favailability%3Fgroup%3Deye")
    page = browser.get(led.headers["location"]).text
    assert 'name="next" value="/availability?group=eye"' in page
    assert "Hãy xin quản trị viên" in page

    # The same letters, typed on a keyboard that composes them: NFD.
    decomposed = "chie\u0302\u0301c o\u0302 ma\u0300u xanh"
    came = browser.post(
        "/sign-in", data={"name": " AN ", "password": decomposed, "next": f"{PAGE}?group=eye"}
    )
    assert (came.status_code, came.headers["location"]) == (303, f"{PAGE}?group=eye")
    cookie = came.headers["set-cookie"]
    assert re.match(r"session=[\w-]{43}; HttpOnly; Max-Age=2592000; Path=/; SameSite=lax$", cookie)
    assert browser.get(PAGE).status_code == 200
    assert browser.get("/sign-in").status_code == 303, "who is in is led on"

    assert browser.post("/sign-out").headers["location"] == "/sign-in"
    assert browser.get(PAGE).status_code == 303
    stolen = house.browser()
    stolen.cookies.set("session", cookie.partition("=")[2].partition(";")[0])
    assert stolen.get(PAGE).status_code == 303, "the token ended with the session"


def test_over_tls_the_cookie_is_bound_to_the_host(house: House) -> None:
    browser = house.browser("192.0.2.7", "https://camera.example")
    came = browser.post("/sign-in", data={"name": "an", "password": PASSWORD})
    assert came.headers["set-cookie"].startswith("__Host-session=")
    assert came.headers["set-cookie"].endswith("Secure")
    assert browser.get(PAGE).status_code == 200


@pytest.mark.parametrize(
    ("next", "led"),
    [
        pytest.param("/eyes?q=a%20b", "/eyes?q=a%20b", id="a page of ours"),
        pytest.param("//evil.example/", "/", id="another host"),
        pytest.param("/\\evil.example/", "/", id="another host, to browsers"),
        pytest.param("https://evil.example/", "/", id="an address"),
        pytest.param("/x\r\nSet-Cookie: a=b", "/", id="a header"),
        pytest.param("", "/", id="nothing"),
    ],
)
def test_signing_in_leads_to_our_own_pages_alone(house: House, next: str, led: str) -> None:
    link = house.link()
    assert house.browser().post(link, data={"next": next or " "}).headers["location"] == led


def test_a_link_is_used_once_and_looked_at_as_often_as_a_chat_likes(house: House) -> None:
    link, preview = house.link(), house.browser("192.0.2.7", "https://camera.example")
    preview.headers.pop("Sec-Fetch-Site")
    for _ in range(3):
        assert "Đăng nhập với tên an" in preview.get(link).text
    assert preview.post(link).status_code == 403, "not from our own page"

    browser = house.browser()
    assert browser.post(link).headers["location"] == "/account"
    assert "Bạn vào bằng liên kết" in browser.get("/account").text
    for again in (house.browser().get(link), house.browser().post(link)):
        assert again.status_code == 410
        assert "đã được dùng hoặc đã hết hạn" in again.text

    late = house.link()
    house.clock.wait(hours=links.HOURS)
    assert house.browser().post(late).status_code == 410


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "header"),
    [
        pytest.param("GET", "/api/v1/eyes", {}, 401, ("www-authenticate", "Bearer"), id="a program"),
        pytest.param("POST", "/maintenance", {}, 303, ("location", "/sign-in"), id="a form"),
        pytest.param(
            *("GET", PAGE, {"HX-Current-URL": f"http://localhost{PAGE}"}, 401),
            ("hx-redirect", "/sign-in?next=%2Favailability"),
            id="a fragment",
        ),
        pytest.param("GET", PAGE, {"Sec-Fetch-Mode": "cors"}, 401, ("content-length", "0"), id="a script"),
        pytest.param(
            *("GET", "/api/v1/eyes", {"Authorization": "Bearer crt_x"}, 401, ("www-authenticate", "Bearer")),
            id="a token of nobody",
        ),
    ],
)
def test_who_has_not_signed_in(
    house: House, method: str, path: str, headers: dict[str, str], status: int, header: tuple[str, str]
) -> None:
    answer = house.browser().request(method, path, headers=headers)
    assert answer.status_code == status
    assert answer.headers[header[0]].startswith(header[1])


def test_a_token_opens_no_page(house: House) -> None:
    browser = house.signed_in()
    made = browser.post("/account/tokens", data={"name": "x", "permissions": "view"}).text
    token = re.search(r"crt_[\w-]{40,}", made)
    assert token is not None
    program = house.browser()
    program.headers["Authorization"] = f"Bearer {token[0]}"
    assert program.get("/api/v1/totals").status_code == 200
    assert program.get("/account").status_code == 303


# --- how long it lasts ------------------------------------------------------------------------------


def test_a_session_rests_for_three_days_and_lasts_for_thirty(house: House) -> None:
    browser = house.signed_in()
    for _ in range(14):
        house.clock.wait(days=2, hours=1)
        assert browser.get(PAGE).status_code == 200
    house.clock.wait(days=1, hours=12)
    assert browser.get(PAGE).status_code == 303, "thirty days are over"

    browser = house.signed_in()
    house.clock.wait(hours=72)
    assert browser.get(PAGE).status_code == 303, "nobody was there for three days"


def test_signing_out_elsewhere(house: House) -> None:
    here, there, third = (house.signed_in() for _ in range(3))
    page = here.get("/account").text
    assert page.count("Firefox on Linux") == 3
    number = re.findall(r'name="session_id" value="(\d+)"', page)[0]
    here.post("/account/sessions/end", data={"session_id": number})
    assert sorted(browser.get(PAGE).status_code for browser in (there, third)) == [200, 303]
    here.post("/account/sessions/end-others")
    assert [browser.get(PAGE).status_code for browser in (here, there, third)] == [200, 303, 303]
    assert "chỉ đang đăng nhập ở trình duyệt này" in here.get("/account").text
    assert here.post("/account/sessions/end-all").headers["location"] == "/sign-in"
    assert here.get(PAGE).status_code == 303


def test_an_administrator_signs_somebody_out_everywhere(house: House) -> None:
    theirs, administrator = house.signed_in(), signed_in(house.web, Role.ADMINISTRATOR)
    assert "Firefox on Linux" in administrator.get("/users/an").text
    deed = "/users/an/sign-out"
    assert "1 trình duyệt" in administrator.get(deed).text
    assert "Đã đăng xuất" in administrator.post(deed, data={"reason": "Mất điện thoại"}).text
    assert theirs.get(PAGE).status_code == 303
    with house.web.database.reading() as session:
        last = session.scalars(select(models.Audit).order_by(models.Audit.id.desc())).first()
        assert last is not None
        assert (last.action, last.subject, last.reason) == ("signed_out", "user:an", "Mất điện thoại")


def test_a_new_password_ends_the_other_sessions(house: House) -> None:
    here, there = house.signed_in(), house.signed_in()
    new = {"chosen": "bốn con vịt trên ao", "again": "bốn con vịt trên ao"}
    assert here.post("/account/password", data=new | {"again": "khác"}).status_code == 409
    assert here.post("/account/password", data={"chosen": "ngắn", "again": "ngắn"}).status_code == 409
    assert here.post("/account/password", data=new).status_code == 200, "fresh by link: no old one is asked"
    assert (here.get(PAGE).status_code, there.get(PAGE).status_code) == (200, 303)

    house.clock.wait(hours=1, seconds=1)
    back = {"chosen": PASSWORD, "again": PASSWORD}
    assert here.post("/account/password", data=back).status_code == 409, "later it is"
    assert here.post("/account/password", data=back | {"current": new["chosen"]}).status_code == 200
    with house.web.database.reading() as session:
        kept = session.scalars(select(models.User.password_hash).where(models.User.name == "an")).one()
    assert kept.startswith("$argon2id$")


def test_what_is_set_of_a_user_holds_from_the_next_request_on(house: House) -> None:
    browser, database = house.signed_in(), house.web.database
    everything = Scope.everything()

    def change(session: Session, role: Role) -> None:
        seeing = Seeing(everywhere=True)
        users.change(session, TESTS, everything, NOW, "an", role=role, seeing=seeing, shown_name="")

    assert browser.get("/baselines").status_code == 200
    with database.transaction() as session:
        change(session, role=Role.AUDITOR)
    assert browser.get("/baselines").status_code == 403
    assert "Vai trò của bạn" in browser.get("/baselines").text
    with database.transaction() as session:
        change(session, role=Role.OPERATOR)
        users.disable(session, TESTS, everything, NOW, "an")
    assert browser.get(PAGE).status_code == 303
    assert try_password(house.browser()) == 403, "and no password lets them in"
    with database.transaction() as session:
        users.enable(session, TESTS, everything, NOW, "an")
    assert browser.get(PAGE).status_code == 303, "the session has ended"


def test_an_open_page_alone_does_not_make_a_session_last(house: House) -> None:
    browser = house.signed_in()
    house.clock.wait(hours=71)
    stream = Request(
        {
            **{"type": "http", "method": "GET", "path": "/api/v1/events", "query_string": b""},
            **{"headers": [(b"cookie", f"session={browser.cookies['session']}".encode())]},
            **{"client": ("127.0.0.1", 50_000), "scheme": "http", "app": house.web.app},
        }
    )
    (route,) = (each for each in events.router.routes if isinstance(each, APIRoute))
    asks = route.dependencies[0].dependency
    assert asks is not None
    asks(stream)
    assert identify(stream, touch=False) == stream.state.identity
    house.clock.wait(hours=1)
    assert browser.get(PAGE).status_code == 303


def test_an_administrator_ends_the_tokens_of_somebody(house: House) -> None:
    with house.web.database.transaction() as session:
        made = [tokens.make(session, TESTS, "an", f"n{n}", [Permission.VIEW], NOW) for n in range(2)]
    browser = signed_in(house.web, Role.ADMINISTRATOR)
    deed = "/users/an/revoke-tokens"
    assert deed in browser.get("/users/an").text
    assert "n0" in browser.get(deed).text
    assert browser.post(deed, data={"reason": " "}).status_code == 409
    done = browser.post(deed, data={"reason": "Nghi bị lộ"})
    assert (done.status_code, deed in done.text) == (200, False)
    assert [tokens.identify(house.web.database, token, NOW, "") for token in made] == [None, None]


def test_a_link_for_somebody_else_has_a_reason_that_is_kept(house: House) -> None:
    administrator, deed = signed_in(house.web, Role.ADMINISTRATOR), "/users/an/link"
    assert deed in administrator.get("/users/an").text
    assert "Các liên kết trước đó hết hiệu lực" in administrator.get(deed).text
    refused = administrator.post(deed)
    assert (refused.status_code, links.PATH in refused.text) == (409, False)
    made = administrator.post(deed, data={"reason": "Quên mật khẩu"})
    found = re.search(rf'value="[^"]+({links.PATH}/[^"]+)"', made.text)
    assert found is not None
    assert house.browser().post(found[1]).status_code == 303
    with house.web.database.reading() as session:
        entry = select(models.Audit).where(models.Audit.action == "link_made")
        last = session.scalars(entry.order_by(models.Audit.id.desc())).first()
        assert last is not None
        assert (last.who, last.subject, last.reason) == ("administrator", "user:an", "Quên mật khẩu")


# --- who guesses ------------------------------------------------------------------------------------


def may_try(house: House, name: str, *, rightly: bool = False, origin: str = "192.0.2.70") -> bool:
    """Whether a try, from a station by default, is let through."""
    try:
        with house.web.database.transaction() as session:
            reserved = throttle.reserve(session, name, origin, house.clock())
        reserved.check(rightly)
        if rightly:
            with house.web.database.transaction() as session:
                throttle.succeeded(session, name, origin, reserved)
    except Throttled:
        return False
    return True


def test_each_failure_makes_the_next_try_wait_longer(house: House) -> None:
    browser = house.browser()
    free = throttle.WITH_A_NAME.free
    assert [try_password(browser, "wrong") for _ in range(free)] == [403] * free
    told = browser.post("/sign-in", data={"name": "an", "password": PASSWORD})
    assert (told.status_code, told.headers["retry-after"]) == (429, "1")
    assert "thử lại sau 1 giây" in told.text, "the right password waits, too"

    house.clock.wait(seconds=1)
    assert try_password(browser, "wrong") == 403
    house.clock.wait(seconds=1)
    assert try_password(browser) == 429, "two seconds now"
    assert try_password(browser, name="binh") == 303, "others of the same house do not wait"
    house.clock.wait(seconds=1)
    assert try_password(browser) == 303
    assert try_password(browser, "wrong") == 403, "and the count begins anew"


def test_whoever_is_guessed_at_has_a_link(house: House) -> None:
    for n in range(40):
        house.clock.wait(minutes=5)
        assert may_try(house, "an", origin=f"127.0.1.{n}")
    away = house.browser("127.0.2.1")
    assert try_password(away) == 429
    assert away.post(house.link()).status_code == 303
    assert try_password(away) == 303, "and from here nobody keeps them out again"


def test_a_house_where_somebody_guesses_lets_in_whoever_was_there_before(house: House) -> None:
    station = "127.0.3.1"
    assert try_password(house.browser(station)) == 303
    for n in range(throttle.WITH_AN_ADDRESS.free + 8):
        house.clock.wait(minutes=14)
        assert may_try(house, f"user{n}", origin=station)
    assert not may_try(house, "binh", origin=station)
    assert try_password(house.browser(station)) == 303


def test_a_house_where_somebody_guesses_does_not_tell_who_was_there_before(house: House) -> None:
    station = "127.0.3.2"
    assert try_password(house.browser(station)) == 303
    for n in range(throttle.WITH_AN_ADDRESS.free + 3):
        house.clock.wait(seconds=8)
        assert may_try(house, f"user{n}", origin=station)

    def told(name: str) -> tuple[int, str, str]:
        answer = house.browser(station).post("/sign-in", data={"name": name, "password": "wrong"})
        return answer.status_code, answer.headers.get("retry-after", ""), answer.text.replace(name, "an")

    tries = range(throttle.WITH_A_NAME.free + 2)
    answers = {name: [told(name) for _ in tries] for name in ("an", "binh", "nobody")}
    assert answers["an"] == answers["binh"] == answers["nobody"]
    assert {answer[:2] for answer in answers["an"]} == {(429, "8")}
    with house.web.database.reading() as session:
        row = models.SignInFailure
        counted = session.scalars(select(row.failures).where(row.key.startswith("too early: name:"))).all()
    assert counted == [throttle.WITH_A_NAME.free] * 3, "of each a password was looked at: it takes its time"
    house.clock.wait(seconds=8)
    assert told("an")[0] == 403
    house.clock.wait(seconds=16)
    assert told("nobody")[0] == 403


def test_a_house_where_somebody_guesses_on_and_on_waits(house: House) -> None:
    station = "127.0.3.3"
    assert try_password(house.browser(station)) == 303
    for n in range(throttle.WITH_AN_ADDRESS.free):
        assert may_try(house, f"user{n}", origin=station)
    for n in range(throttle.TOO_EARLY_AT_AN_ADDRESS.free - 1):
        assert not may_try(house, f"user{n}", origin=station)
    assert try_password(house.browser(station)) == 303
    assert try_password(house.browser(station), "wrong") == 429
    assert try_password(house.browser(station)) == 429, "its password is not even looked at"
    house.clock.wait(seconds=1)
    assert try_password(house.browser(station)) == 303


def test_one_address_does_not_guess_at_many_names(house: House) -> None:
    browser, free = house.browser(), throttle.WITH_AN_ADDRESS.free
    answers = [try_password(browser, "wrong", f"user{n}") for n in range(free + 1)]
    assert answers == [403] * free + [429]
    assert try_password(house.browser("127.0.0.9"), name="an") == 303
    with house.web.database.reading() as session:
        keys = session.scalars(select(models.SignInFailure.key)).all()
    assert not any("user" in key for key in keys), "what is typed as a name may be a password"


def test_an_address_is_forgiven_with_time_and_pays_nothing_for_who_signs_in(house: House) -> None:
    free = throttle.WITH_AN_ADDRESS.free
    for n in range(free + 5):
        house.clock.wait(seconds=40)
        assert may_try(house, f"user{n}")
    house.clock.wait(seconds=40)
    assert all(may_try(house, name, rightly=True) for name in ("an", "binh", "chi")), "a station at eight"
    assert may_try(house, "user")
    assert not may_try(house, "an", rightly=True), "and guessing is as slow as it was"

    house.clock.wait(minutes=15 * 8)
    assert [may_try(house, f"other{n}") for n in range(3)] == [True, True, False]


def test_slips_are_forgiven_once_the_password_is_right(house: House) -> None:
    """A station where people mistype every ten minutes never waits for it."""
    for _ in range(throttle.WITH_AN_ADDRESS.free):
        for name in ("an", "binh"):
            house.clock.wait(minutes=10)
            assert [may_try(house, name), may_try(house, name, rightly=True)] == [True, True]
    assert all(may_try(house, f"user{n}") for n in range(throttle.WITH_AN_ADDRESS.free))
    assert not may_try(house, "user")


def test_a_name_that_nobody_has_is_answered_as_one_that_somebody_has(house: House) -> None:
    form = {"name": "nobody", "password": "wrong"}
    unknown = house.browser().post("/sign-in", data=form)
    known = house.browser().post("/sign-in", data=form | {"name": "an"})
    assert unknown.status_code == known.status_code == 403
    assert unknown.text.replace("nobody", "an") == known.text
    for odd in ("\x00", "ế" * 150, "a'--", " "):
        assert try_password(house.browser(), name=odd) == 403


def test_a_hundred_tries_at_once_are_counted_as_a_hundred(house: House) -> None:
    database, settings = house.web.database, house.web.app.state.desk.settings

    def guess(n: int) -> type[Exception]:
        try:
            signing_in.by_password(database, settings, "an", f"guess {n}", Asker("127.0.0.1", "", ""), NOW)
        except (WrongLogin, Throttled) as refused:
            return type(refused)
        raise AssertionError("a guess was right")

    with ThreadPoolExecutor(10) as pool:
        outcomes = list(pool.map(guess, range(100)))
    assert outcomes.count(WrongLogin) == throttle.WITH_A_NAME.free


@given(st.integers(0, 10_000))
def test_the_wait_grows_up_to_its_end(failures: int) -> None:
    for patience in (throttle.WITH_A_NAME, throttle.WITH_AN_ADDRESS):
        wait = patience.wait(failures)
        assert timedelta(0) <= wait <= patience.wait(failures + 1) <= patience.longest
        assert bool(wait) == (failures >= patience.free)


@pytest.mark.parametrize(
    ("password", "name"),
    [
        pytest.param("ngắn", "an", id="short"),
        pytest.param("a" * 201, "an", id="endless"),
        pytest.param("aaaaaaaaaaab", "an", id="few characters"),
        pytest.param("CanBo.NamCuong 2026", "canbo.namcuong", id="the name"),
    ],
)
def test_passwords_that_are_guessed_at_once(password: str, name: str) -> None:
    with pytest.raises(passwords.PasswordError):
        passwords.acceptable(password, name)


def test_a_session_costs_one_short_read(house: House) -> None:
    """Two statements: whose it is; what he sees, where that is not everything."""
    browser, told = house.signed_in(), []
    engine = house.web.database.engine
    desk = house.web.app.state.desk
    event.listen(engine, "before_cursor_execute", lambda *heard: told.append(heard[2]))
    token = browser.cookies["session"]
    assert sessions.identify(desk.database, desk.settings, token, house.clock(), "") is not None
    assert [statement.split()[0] for statement in told] == ["BEGIN", "SELECT"]
