"""The login budget, kept: written before a password is sent, shared by siblings, and true after a kill."""

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from camera_registry import models
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.login_book import LoginBook
from camera_registry.login_states import load_states, save_in
from camera_registry.sweep import Sweeper
from probes.logins import LoginOutcome, LoginState, Permit, Refusal, Status
from probes.reasons import Outcome, Reason
from probes.result import Depth, LoginKey, ProbeResult
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import PASSWORD, Clock, asked, camera, said, shut, watch
from tests.databases import sqlite_in

KEY = LoginKey("S1", "10.0.0.1:554", "1")
OTHER = LoginKey("S1", "10.0.0.2:554", "1")
CANARY, ONE_MORE = Permit(canary=True), Permit(canary=False, proven=True, recent=True)
PROVEN_CANARY = Permit(canary=True, proven=True)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def open_book(database: Database, clock: Clock) -> LoginBook:
    """As a process does that starts on this database."""
    return LoginBook(load_states(database), save_in(database), clock, Counters.new())


def stored(url: str) -> tuple[str, datetime | None, int, datetime | None]:
    """What anybody else sees of KEY: status, reserved at, refusals, not before; read by another engine."""
    other = Database(url)
    try:
        with other.reading() as session:
            row = session.get_one(models.LoginBudget, (KEY.site, KEY.device, KEY.credential))
            return row.status, row.reserved_at, len(row.rejected_at), row.not_before
    finally:
        other.close()


async def settled(book: LoginBook, outcome: LoginOutcome) -> None:
    assert isinstance(await book.reserve(KEY), Permit)
    await book.settle(KEY, outcome)


async def test_a_try_is_in_the_database_before_leave_is_given(
    database: Database, database_url: str, clock: Clock
) -> None:
    book = open_book(database, clock)
    assert await book.reserve(KEY) == CANARY
    assert stored(database_url) == ("untried", clock.now, 0, None)
    await book.settle(KEY, LoginOutcome.REJECTED)
    assert stored(database_url) == ("rejected", None, 1, clock.now + timedelta(minutes=35))


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        pytest.param(LoginOutcome.ACCEPTED, ONE_MORE, id="accepted: all may"),
        pytest.param(LoginOutcome.REJECTED, Refusal(Reason.AUTH_REJECTED), id="refused: none may"),
    ],
)
async def test_siblings_wait_for_the_canary(
    database: Database, clock: Clock, outcome: LoginOutcome, answer: Permit | Refusal
) -> None:
    book = open_book(database, clock)
    assert await book.reserve(KEY) == CANARY
    siblings = [asyncio.create_task(book.reserve(KEY)) for _ in range(2)]
    assert await book.reserve(OTHER) == CANARY, "another device waits for nobody"
    assert not any(sibling.done() for sibling in siblings)
    await book.settle(KEY, outcome)
    assert await asyncio.gather(*siblings) == [answer] * 2


async def test_where_nothing_was_learned_the_next_is_the_canary(database: Database, clock: Clock) -> None:
    book = open_book(database, clock)
    await book.reserve(KEY)
    siblings = [asyncio.create_task(book.reserve(KEY)) for _ in range(2)]
    await asyncio.sleep(0)
    await book.settle(KEY, LoginOutcome.UNUSED)
    done, waiting = await asyncio.wait(siblings, return_when=asyncio.FIRST_COMPLETED)
    assert [task.result() for task in done] == [CANARY]
    await book.settle(KEY, LoginOutcome.ACCEPTED)
    assert [await task for task in waiting] == [ONE_MORE]


async def test_a_reservation_that_cannot_be_stored_gives_no_leave(clock: Clock) -> None:
    broken = True

    def save(key: LoginKey, state: LoginState) -> None:
        if broken:
            raise OSError("disk full")

    book = LoginBook({}, save, clock, Counters.new())
    with pytest.raises(OSError, match="disk full"):
        await book.reserve(KEY)
    broken = False
    assert await book.reserve(KEY) == CANARY, "nobody got leave, so nobody is waited for"


async def test_who_is_cancelled_while_reserving_holds_nobody_back(database: Database, clock: Clock) -> None:
    book = open_book(database, clock)
    first = asyncio.create_task(book.reserve(KEY))
    await asyncio.sleep(0)
    sibling = asyncio.create_task(book.reserve(KEY))
    await asyncio.sleep(0)
    first.cancel()
    assert await sibling == CANARY


async def test_of_refusals_told_at_once_the_newest_state_stays(
    database: Database, database_url: str, clock: Clock
) -> None:
    book = open_book(database, clock)
    await settled(book, LoginOutcome.ACCEPTED)
    clock.advance(3600)
    for _ in range(2):
        assert await book.reserve(KEY) == Permit(canary=False, proven=True)
    await asyncio.gather(*(book.settle(KEY, LoginOutcome.REJECTED) for _ in range(2)))
    assert stored(database_url) == ("rejected", None, 2, clock.now + timedelta(hours=12))


async def test_a_killed_process_has_used_its_try(database: Database, clock: Clock) -> None:
    assert await open_book(database, clock).reserve(KEY) == CANARY
    # … kill -9 …
    clock.advance(60)
    book = open_book(database, clock)
    assert book.refused == 1
    assert await book.reserve(KEY) == Refusal(Reason.AUTH_REJECTED)
    clock.advance(35 * 60)
    assert await book.reserve(KEY) == CANARY


async def test_a_key_that_was_good_is_proved_again_by_one(database: Database, clock: Clock) -> None:
    await settled(open_book(database, clock), LoginOutcome.ACCEPTED)
    for _ in range(5):  # killed in the middle of each canary
        assert await open_book(database, clock).reserve(KEY) == PROVEN_CANARY
    assert open_book(database, clock).refused == 0


async def test_a_stop_before_the_password_was_sent_is_no_refusal(database: Database, clock: Clock) -> None:
    async with asyncio.timeout(20):
        for _ in range(5):
            book = open_book(database, clock)
            reserving = asyncio.create_task(book.reserve(KEY))
            await asyncio.sleep(0)  # it is being stored
            reserving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reserving
    assert open_book(database, clock).refused == 0


async def test_refusals_outlive_any_number_of_restarts(database: Database, clock: Clock) -> None:
    suspended = Refusal(Reason.AUTH_SUSPENDED)
    noon = clock.now
    for hours, answer in (
        (0, CANARY),
        (1, CANARY),
        (2, suspended),
        (14, CANARY),
        (15, suspended),
        (23, suspended),
    ):
        clock.now = noon + timedelta(hours=hours)
        book = open_book(database, clock)
        assert await book.reserve(KEY) == answer, hours
        if answer == CANARY:
            await book.settle(KEY, LoginOutcome.REJECTED)


async def test_a_good_key_is_written_once_and_not_for_each_probe(clock: Clock) -> None:
    saved: list[Status] = []
    book = LoginBook({}, lambda _key, state: saved.append(state.status), clock, Counters.new())
    for _ in range(20):
        await settled(book, LoginOutcome.ACCEPTED)
        clock.advance(60)
    assert saved == [Status.UNTRIED, Status.GOOD], "the canary's reservation, and its verdict"


async def test_tries_are_counted(clock: Clock) -> None:
    counters = Counters.new()
    book = LoginBook({}, lambda *_: None, clock, counters)
    for outcome in (
        LoginOutcome.UNUSED,
        LoginOutcome.ACCEPTED,
        LoginOutcome.ACCEPTED,
        LoginOutcome.UNANSWERED,
        LoginOutcome.REJECTED,
    ):
        await settled(book, outcome)
    name = "camera_registry_login_attempts_total"
    counted = [
        counters.registry.get_sample_value(name, {"outcome": outcome})
        for outcome in ("accepted", "rejected", "unanswered")
    ]
    assert counted == [2, 1, 1]
    assert book.refused == 1


# --- with real logins -------------------------------------------------------------------------------


async def test_a_wrong_password_is_tried_once_for_all_channels(
    database_url: str, tmp_path: Path, clock: Clock
) -> None:
    async with Simulator(Fleet((camera("nvr", channels=8, sessions=2, lock_after=5),))) as sim:
        monitor = watch(database_url, tmp_path, sim, clock, wrong={"nvr"})
        results = await asyncio.gather(*(asked(monitor.sweeper, target) for target in monitor.targets()))
        assert [said(result) for result in results] == [(Outcome.UNKNOWN, Reason.AUTH_REJECTED)] * 8
        assert (sim.counters().logins_refused, sim.counters().locks) == (1, 0)
        shut(monitor)


async def test_a_day_of_restarts_with_a_wrong_password_locks_nothing(tmp_path: Path, clock: Clock) -> None:
    url = sqlite_in(tmp_path)
    async with Simulator(Fleet((camera("nvr", channels=2, sessions=2, lock_after=5, lock_s=86_400),))) as sim:
        monitor = watch(url, tmp_path, sim, clock, wrong={"nvr"})
        for _ in range(48):
            clock.advance(1800)
            book = open_book(monitor.database, clock)
            tools = replace(monitor.tools, logins=book)
            sweeper = Sweeper(tools, lambda _: None, in_flight=10, confirm_after=3)
            await asyncio.gather(*(sweeper.once(target, Depth.LIVENESS) for target in monitor.targets()))
        assert (sim.counters().logins_refused, sim.counters().locks) == (3, 0)
        shut(monitor)


async def test_a_changed_password_is_tried_at_once(database_url: str, tmp_path: Path, clock: Clock) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(database_url, tmp_path, sim, clock, password="outdated")

        async def ask() -> ProbeResult:
            (target,) = monitor.targets()
            return await asked(monitor.sweeper, target)

        assert said(await ask()) == (Outcome.UNKNOWN, Reason.AUTH_REJECTED)
        clock.advance(60)
        assert said(await ask()) == (Outcome.UNKNOWN, Reason.AUTH_REJECTED)
        assert sim.counters().logins_refused == 1
        with monitor.database.transaction() as session:
            monitor.credentials.put(session, "good", None, PASSWORD, now=clock())
        assert said(await ask()) == (Outcome.OK, Reason.OK)
        assert sim.counters().logins_refused == 1
        with monitor.database.reading() as session:
            rows = session.scalars(select(models.LoginBudget.status).order_by(models.LoginBudget.credential))
            assert rows.all() == ["rejected", "good"], "what was refused stays on record under its own key"
        shut(monitor)


async def test_a_password_changed_on_the_camera_is_doubted_noticed_and_left_alone(
    tmp_path: Path, clock: Clock
) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(sqlite_in(tmp_path), tmp_path, sim, clock)
        (target,) = monitor.targets()
        heard = [said(await asked(monitor.sweeper, target))]
        await sim.play("c", Fault(FaultKind.WRONG_PASSWORD))
        for _ in range(11):
            clock.advance(60)
            heard.append(said(await asked(monitor.sweeper, target)))
        doubted = [(Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY)] * 5
        noticed = [(Outcome.UNKNOWN, Reason.AUTH_REJECTED), *[(Outcome.UNKNOWN, Reason.AUTH_SUSPENDED)] * 5]
        assert heard == [(Outcome.OK, Reason.OK), *doubted, *noticed]
        assert sim.counters().logins_refused == 2
        shut(monitor)
