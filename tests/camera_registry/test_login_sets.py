"""A credential that many devices share: stopped everywhere when it fails everywhere, and how that ends."""

from datetime import timedelta

import pytest

from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.login_book import LoginBook
from camera_registry.login_states import load_states, save_in
from probes.logins import LoginOutcome, Permit, Refusal
from probes.reasons import Reason
from probes.result import LoginKey
from tests.camera_registry.watching import Clock

KEYS = [LoginKey("S1", f"10.0.0.{n}:554", "cameras") for n in range(1, 31)]
ELSE = LoginKey("S1", "10.0.0.1:554", "recorders")
HOUR = 3600.0
SUSPENDED = Refusal(Reason.AUTH_SUSPENDED)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def open_book(database: Database, clock: Clock) -> LoginBook:
    """As a process does that starts on this database."""
    return LoginBook(load_states(database), save_in(database), clock, Counters.new())


class City:
    """Devices that take the password or do not; ``refused`` counts what they have seen."""

    def __init__(self) -> None:
        self.right = True
        self.refused: dict[LoginKey, int] = {}

    async def asked(self, book: LoginBook, *keys: LoginKey) -> list[Permit | Refusal]:
        """Ask each once, one after the other."""
        leaves = []
        for key in keys:
            leave = await book.reserve(key)
            leaves.append(leave)
            if isinstance(leave, Permit):
                if not self.right:
                    self.refused[key] = self.refused.get(key, 0) + 1
                outcome = LoginOutcome.ACCEPTED if self.right else LoginOutcome.REJECTED
                await book.settle(key, outcome)
        return leaves


@pytest.fixture
async def city(database: Database, clock: Clock) -> City:
    """Every device has taken the password an hour ago; now none does."""
    city = City()
    await city.asked(open_book(database, clock), *KEYS, ELSE)
    clock.advance(HOUR)
    city.right = False
    return city


async def stopped_book(city: City, database: Database, clock: Clock) -> LoginBook:
    book = open_book(database, clock)
    await city.asked(book, *KEYS)
    return book


async def test_after_the_fourth_device_nobody_is_asked(city: City, database: Database, clock: Clock) -> None:
    book = await stopped_book(city, database, clock)
    assert sum(city.refused.values()) == 4
    assert list(book.stopped) == ["cameras"]
    assert await city.asked(book, *KEYS) == [
        *[Refusal(Reason.AUTH_REJECTED)] * 4,
        *[SUSPENDED] * (len(KEYS) - 4),
    ]
    assert (await city.asked(book, ELSE))[0] == Permit(canary=True, proven=True), "another credential goes on"


async def test_a_few_devices_are_no_mass(city: City, database: Database, clock: Clock) -> None:
    book = open_book(database, clock)
    for key in KEYS[:12]:
        await city.asked(book, key)
        clock.advance(210)  # three in ten minutes
    assert (book.stopped, len(city.refused)) == ({}, 12)


async def test_devices_that_never_took_it_are_no_mass(database: Database, clock: Clock) -> None:
    city = City()
    city.right = False
    book = open_book(database, clock)
    await city.asked(book, *KEYS)
    assert (book.stopped, len(city.refused)) == ({}, len(KEYS)), "each is tried by its own canary"


async def test_a_restart_does_not_begin_anew(city: City, database: Database, clock: Clock) -> None:
    await stopped_book(city, database, clock)
    for _ in range(5):
        book = open_book(database, clock)
        await city.asked(book, *KEYS)
    assert list(book.stopped) == ["cameras"]
    assert sum(city.refused.values()) == 4


async def test_one_canary_tries_for_all_of_them(city: City, database: Database, clock: Clock) -> None:
    book = await stopped_book(city, database, clock)
    began = clock.now
    for hours, refused in ((0.5, 4), (0.7, 5), (12, 5), (13, 6), (23.9, 6), (26, 7)):
        clock.now = began + timedelta(hours=hours)
        await city.asked(book, *KEYS)
        assert sum(city.refused.values()) == refused, hours
    assert list(book.stopped) == ["cameras"]


async def test_the_canary_that_is_taken_frees_them_all(city: City, database: Database, clock: Clock) -> None:
    book = await stopped_book(city, database, clock)
    clock.advance(36 * 60)
    city.right = True
    assert all(isinstance(leave, Permit) for leave in await city.asked(book, *KEYS))
    assert book.stopped == {}
    assert open_book(database, clock).stopped == {}


async def test_a_canary_without_an_answer_says_nothing(city: City, database: Database, clock: Clock) -> None:
    book = await stopped_book(city, database, clock)
    clock.advance(36 * 60)
    assert isinstance(await book.reserve(KEYS[-1]), Permit)
    assert await book.reserve(KEYS[-2]) == SUSPENDED, "it is the only one under way"
    await book.settle(KEYS[-1], LoginOutcome.UNANSWERED)
    assert isinstance(await book.reserve(KEYS[-2]), Permit)


async def test_a_person_has_one_device_tried_again(database: Database, clock: Clock) -> None:
    city, key = City(), KEYS[0]
    city.right = False
    book = open_book(database, clock)
    for minutes in (0, 36, 12 * 60 + 5):
        clock.advance(minutes * 60)
        await city.asked(book, key)
    assert city.refused[key] == 3
    assert await book.try_now(key.site, key.device) == clock.now + timedelta(minutes=35)
    clock.advance(36 * 60)
    assert await book.try_now(key.site, key.device) is None
    city.right = True
    assert await city.asked(open_book(database, clock), key) == [Permit(canary=True)]
