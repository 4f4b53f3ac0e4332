"""What others want asked: carried out by the one process that asks, answered, and nothing begun too late."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import func, select, update

from camera_registry import discovering, models
from camera_registry.audit import Actor
from camera_registry.counters import Counters
from camera_registry.db import Role
from camera_registry.errands import (
    PROBE_PATIENCE,
    ROLLOUT_PATIENCE,
    Answer,
    Errands,
    NoAnswer,
    forget_request,
    read_answer,
    read_rollout,
    request_probe,
    request_rollout,
    stop_rollout,
    wait_for,
)
from camera_registry.inventory import InventoryError, eye_by_code, withdraw_access
from camera_registry.monitor import Monitor, attending, prepare
from camera_registry.rollout import Ending
from probes.onvif.discovery import PORT
from probes.reasons import Outcome, Reason
from probes.result import Depth, Step
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.registries import LONG_AGO, fresh
from tests.camera_registry.watching import NOON, Clock, camera, said, shut, watch
from tests.databases import sqlite_in
from tests.probes.onvif.devices import answering, match

Found = TypeVar("Found")

DEADLINE_S = 20
MANY = [f"c{n:02}" for n in range(1, 23)]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_in(tmp_path)


@asynccontextmanager
async def asking(monitor: Monitor) -> AsyncIterator[None]:
    """The process that asks, at work."""
    async with asyncio.timeout(DEADLINE_S), attending(monitor) as follower, Errands(monitor, follower):
        yield


async def soon(look: Callable[[], Found | None]) -> Found:
    """What ``look`` finds, once it finds something."""
    while (found := look()) is None:
        await asyncio.sleep(0.02)
    return found


async def answer(monitor: Monitor, request: int) -> Answer:
    return await soon(lambda: read_answer(monitor.database, request, NOON))


async def ended(monitor: Monitor, rollout: int) -> models.Rollout:
    def look() -> models.Rollout | None:
        row = read_rollout(monitor.database, rollout, NOON)
        return row if row.ended_at is not None else None

    return await soon(look)


def wanted(monitor: Monitor, eye: str = "c-1", depth: Depth = Depth.LIVENESS, *, record: bool = False) -> int:
    return request_probe(monitor.database, eye, depth, record, monitor.clock())


def states(monitor: Monitor) -> dict[str, str]:
    with monitor.database.reading() as session:
        rows = session.execute(select(models.Eye.code, models.EyeState.state).join(models.EyeState))
        return {row.code: row.state for row in rows}


def started(monitor: Monitor) -> int:
    with monitor.database.reading() as session:
        return session.scalar(select(func.count()).where(models.Eye.started_at.is_not(None))) or 0


# --- networks ---------------------------------------------------------------------------------------


async def test_a_network_is_searched_for_whoever_wants_it(url: str, tmp_path: Path) -> None:
    """One that this machine cannot ask is refused in words; nobody is logged in to."""
    host, clerk = "127.37.2.1", Actor("an", "127.0.0.1")
    async with Simulator(Fleet((camera("c", host=host),))) as sim, answering([match()], (host, PORT)):
        monitor = watch(url, tmp_path, sim, Clock())
        with monitor.database.transaction() as session:
            discovering.want(session, clerk, [], "192.0.2.1", False, NOON)
            discovering.want(session, clerk, [host], "", False, NOON)

        def answered() -> list[discovering.Search] | None:
            with monitor.database.reading() as session:
                searches = discovering.searches(session, 2)
            return searches if all(search.answered_at for search in searches) else None

        async with asking(monitor):
            found, refused = await soon(answered)
        assert [(device.host, device.name) for device in found.found or ()] == [(host, "Cổng 1")]
        assert (refused.found, refused.refusal[:31]) == (None, "The network cannot be asked: Ca")
        assert sim.counters().sessions_opened == 0
        shut(monitor)


# --- probes -----------------------------------------------------------------------------------------


async def test_a_wish_is_answered_and_the_result_judged_like_any_other(
    database_url: str, tmp_path: Path
) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(database_url, tmp_path, sim, Clock())
        async with asking(monitor):
            request = wanted(monitor, depth=Depth.DEEP, record=True)
            assert read_answer(monitor.database, request, NOON) is None
            result = (await answer(monitor, request)).result
            forget_request(monitor.database, request)
        assert result is not None
        assert (result.eye, result.at, result.depth) == ("c-1", NOON, Depth.DEEP)
        assert said(result) == (Outcome.OK, Reason.OK)
        assert [rung.step for rung in result.rungs][-1] is Step.DECODE
        assert result.memory == monitor.sweeper.memories["c-1"]
        assert "DESCRIBE rtsp://" in result.transcript, "it was wanted in full"
        assert states(monitor) == {"c-1": "up"}
        assert sim.counters().sessions_opened == sim.counters().teardowns == 1
        shut(monitor)


async def test_what_failed_is_told_in_full(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c", faults=(Fault(FaultKind.NOT_FOUND),)),))) as sim:
        monitor = watch(url, tmp_path, sim, Clock())
        async with asking(monitor):
            result = (await answer(monitor, wanted(monitor))).result
        assert result is not None
        assert said(result) == (Outcome.FAILING, Reason.STREAM_NOT_FOUND)
        assert (result.memory.failures, result.rungs[-1].reason) == (1, Reason.STREAM_NOT_FOUND)
        assert "404" in result.transcript
        assert "loopback-only" not in result.transcript
        shut(monitor)


async def test_an_eye_may_be_as_new_as_the_wish(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"), camera("d", host="127.0.0.2")))) as sim:
        monitor = watch(url, tmp_path, sim, Clock(), started=False)
        with monitor.database.transaction() as session:
            session.execute(update(models.Eye).values(path=None))
        async with asking(monitor):
            assert await answer(monitor, wanted(monitor)) == Answer(None)
            with monitor.database.transaction() as session:
                session.execute(update(models.Eye).values(path="/live/1"))
            assert (await answer(monitor, wanted(monitor))).result is not None, "started or not"
        with pytest.raises(InventoryError):
            wanted(monitor, "E404")
        shut(monitor)


async def test_twenty_wishes_for_one_camera_are_one_session_at_a_time(
    database_url: str, tmp_path: Path
) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(database_url, tmp_path, sim, Clock())
        async with asking(monitor):
            requests = [wanted(monitor) for _ in range(20)]
            answers = [await answer(monitor, request) for request in requests]
        assert {said(a.result) for a in answers if a.result} == {(Outcome.OK, Reason.OK)}
        assert (sim.counters().sessions_opened, sim.counters().sessions_peak) == (20, 1)
        assert sim.counters().sessions_dropped == 0
        shut(monitor)


async def test_nobody_waits_for_an_old_wish(url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(url, tmp_path, sim, clock)
        old = wanted(monitor)
        clock.advance(PROBE_PATIENCE.total_seconds())
        async with asking(monitor):
            await answer(monitor, wanted(monitor))
            with pytest.raises(NoAnswer, match="120 seconds"):
                read_answer(monitor.database, old, clock() + timedelta(seconds=1))
        assert sim.counters().connections == 1
        shut(monitor)


async def test_consent_taken_back_ends_the_probe_under_way(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c", faults=(Fault(FaultKind.NO_RTP),)),))) as sim:
        monitor = watch(url, tmp_path, sim, Clock())
        async with asking(monitor):
            request = wanted(monitor)
            await soon(lambda: sim.counters().sessions_open or None)
            began = asyncio.get_running_loop().time()
            with monitor.database.transaction() as session:
                withdraw_access(session, eye_by_code(session, "c-1"), NOON)
            assert await answer(monitor, request) == Answer(None)
            assert asyncio.get_running_loop().time() - began < 2.5, "a second, and TEARDOWN"
            assert await answer(monitor, wanted(monitor)) == Answer(None)
        counted = sim.counters()
        assert (counted.connections, counted.teardowns, counted.sessions_dropped) == (1, 1, 0)
        assert states(monitor) == {}, "its result is dropped"
        shut(monitor)


async def test_who_stops_finishes_what_is_under_way_and_leaves_the_rest(url: str, tmp_path: Path) -> None:
    slow = camera("slow", host="127.0.0.2", faults=(Fault(FaultKind.NO_RTP),))
    async with Simulator(Fleet((camera("c"), slow))) as sim:
        monitor = watch(url, tmp_path, sim, Clock())
        requests = wanted(monitor), wanted(monitor, "slow-1")
        async with asking(monitor):
            await soon(lambda: sim.counters("slow").sessions_open or None)
        finished, left = (read_answer(monitor.database, request, NOON) for request in requests)
        assert finished is not None
        assert left is None
        assert sim.counters().sessions_dropped == sim.counters().sessions_open == 0
        shut(monitor)


async def test_answers_nobody_came_for_are_deleted(url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(url, tmp_path, sim, clock)
        wanted(monitor)
        clock.advance(660)
        newest = wanted(monitor)
        async with attending(monitor) as follower:
            await Errands(monitor, follower).tidy()
        with monitor.database.reading() as session:
            assert session.scalars(select(models.ProbeRequest.id)).all() == [newest]
        shut(monitor)


# --- who asks ---------------------------------------------------------------------------------------


async def test_where_nobody_asks_whoever_wants_to_know_does(database_url: str, tmp_path: Path) -> None:
    """Two at once: the first asks for both; nobody else made a monitor."""
    made: list[Monitor] = []
    async with Simulator(Fleet((camera("c"),))) as sim:
        first = watch(database_url, tmp_path, sim, lambda: datetime.now(UTC))

        def put_together() -> Monitor:
            made.append(
                prepare(
                    first.database,
                    first.settings,
                    first.credentials,
                    Counters.new(),
                    first.clock,
                    lambda _: None,
                )
            )
            return made[-1]

        async def ask() -> Answer:
            request = wanted(first)
            return await wait_for(
                first.database, put_together, lambda: read_answer(first.database, request, first.clock())
            )

        with first.database.hold(Role.PROBER):
            waiting = [asyncio.create_task(ask()) for _ in range(2)]
            await soon(lambda: open_requests(first) == 2 or None)
            assert made == []
        answers = await asyncio.gather(*waiting)
        assert {said(a.result) for a in answers if a.result} == {(Outcome.OK, Reason.OK)}
        assert len(made) <= 2
        assert (sim.counters().sessions_peak, sim.counters().sessions_dropped) == (1, 0)
        assert states(first) == {"c-1": "up"}
        with first.database.hold(Role.PROBER):
            pass
        shut(first)


def open_requests(monitor: Monitor) -> int:
    with monitor.database.reading() as session:
        open_ = select(func.count()).where(models.ProbeRequest.answered_at.is_(None))
        return session.scalar(open_) or 0


async def test_whoever_gives_up_gives_the_role_back(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(url, tmp_path, sim, Clock())

        def look() -> None:
            raise LookupError("nobody")

        with pytest.raises(LookupError):
            await wait_for(monitor.database, lambda: monitor, look)
        with monitor.database.hold(Role.PROBER):
            pass
        shut(monitor)


# --- starts of sites --------------------------------------------------------------------------------


def many() -> Fleet:
    return Fleet(tuple(camera(name) for name in MANY))


async def test_a_start_is_carried_out_and_stays_on_record(database_url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"), camera("d", host="127.0.0.2")))) as sim:
        monitor = watch(database_url, tmp_path, sim, Clock(), started=False)
        rollout = request_rollout(monitor.database, "S1", NOON)
        async with asking(monitor):
            row = await ended(monitor, rollout)
        assert (row.ending, row.requested_at, row.begun_at, row.ended_at) == (Ending.DONE, NOON, NOON, NOON)
        assert (row.asked, row.started, row.refused) == (2, 2, 0)
        assert (started(monitor), states(monitor)) == (2, {"c-1": "up", "d-1": "up"})
        with pytest.raises(InventoryError):
            request_rollout(monitor.database, "S2", NOON)
        shut(monitor)


async def test_refused_logins_end_it(url: str, tmp_path: Path) -> None:
    async with Simulator(many()) as sim:
        monitor = watch(url, tmp_path, sim, Clock(), wrong=MANY, started=False)
        rollout = request_rollout(monitor.database, "S1", NOON)
        async with asking(monitor):
            row = await ended(monitor, rollout)
        assert (row.ending, row.stage, row.asked, row.started, row.refused) == (
            Ending.REFUSED, "canary", 1, 0, 1,
        )  # fmt: skip
        shut(monitor)


async def test_it_tells_how_far_it_is_and_stops_when_it_is_asked_to(
    database_url: str, tmp_path: Path
) -> None:
    """The eleven of the last stage are spread over 20 s: it stops while most of them wait for their turn."""
    async with Simulator(many()) as sim:
        monitor = watch(database_url, tmp_path, sim, Clock(), started=False)
        rollout = request_rollout(monitor.database, "S1", NOON)

        def last_stage() -> models.Rollout | None:
            row = read_rollout(monitor.database, rollout, NOON)
            return row if row.stage == "all" and row.stage_asked else None

        async with asking(monitor):
            row = await soon(last_stage)
            assert (row.stage_eyes, row.asked, row.started) == (11, 11 + row.stage_asked, 11)
            stop_rollout(monitor.database, rollout, NOON)
            row = await ended(monitor, rollout)
        assert (row.ending, row.started) == (Ending.STOPPED, 11)
        assert started(monitor) == 11, "what was started stays started"
        # One that was just beginning when it was stopped is not counted as asked.
        assert row.asked <= sim.counters().connections < 22
        assert sim.counters().sessions_dropped == 0
        shut(monitor)


async def test_the_end_of_the_process_interrupts_it(url: str, tmp_path: Path) -> None:
    async with Simulator(many()) as sim:
        monitor = watch(url, tmp_path, sim, Clock(), started=False)
        rollout = request_rollout(monitor.database, "S1", NOON)
        async with asking(monitor):
            await soon(lambda: sim.counters().sessions_opened > 5 or None)
        row = read_rollout(monitor.database, rollout, NOON)
        assert (row.ending, row.ended_at) == (Ending.INTERRUPTED, NOON)
        assert sim.counters().sessions_dropped == sim.counters().sessions_open == 0
        before = sim.counters().connections
        async with asking(monitor):
            await answer(monitor, wanted(monitor, "c01-1"))
        assert sim.counters().connections == before + 1, "nobody goes on with it unasked"
        shut(monitor)


@pytest.mark.parametrize(
    ("values", "ending"),
    [
        pytest.param({"begun_at": NOON}, Ending.INTERRUPTED, id="begun by a process that was killed"),
        pytest.param({"requested_at": LONG_AGO}, Ending.INTERRUPTED, id="asked for long ago"),
        pytest.param({"stop_asked_at": NOON}, Ending.STOPPED, id="not wanted any more"),
    ],
)
async def test_these_are_never_begun(
    url: str, tmp_path: Path, values: dict[str, datetime], ending: Ending
) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(url, tmp_path, sim, Clock(), started=False)
        rollout = request_rollout(monitor.database, "S1", NOON)
        with monitor.database.transaction() as session:
            session.execute(update(models.Rollout).values(**values))
        async with asking(monitor):
            row = await ended(monitor, rollout)
        assert (row.ending, row.asked) == (ending, 0)
        assert sim.counters().connections == 0
        shut(monitor)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"begun_at": None}, id="nobody begins"),
        pytest.param({"begun_at": NOON, "stop_asked_at": NOON}, id="it does not stop"),
    ],
)
def test_nobody_waits_for_ever(url: str, values: dict[str, datetime]) -> None:
    database, _ = fresh(url)
    rollout = request_rollout(database, "S1", NOON)
    with database.transaction() as session:
        session.execute(update(models.Rollout).values(**values))
    read_rollout(database, rollout, NOON + ROLLOUT_PATIENCE)
    with pytest.raises(NoAnswer, match="60 seconds"):
        read_rollout(database, rollout, NOON + ROLLOUT_PATIENCE + timedelta(seconds=1))
    with database.transaction() as session:
        session.execute(update(models.Rollout).values(ended_at=NOON))
    read_rollout(database, rollout, NOON + ROLLOUT_PATIENCE + timedelta(seconds=1))
    database.close()


async def test_two_starts_of_one_site_go_one_after_the_other(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"), camera("d", host="127.0.0.2")))) as sim:
        monitor = watch(url, tmp_path, sim, Clock(), started=False)
        both = [request_rollout(monitor.database, "S1", NOON - ROLLOUT_PATIENCE / 2) for _ in range(2)]
        async with asking(monitor):
            rows = [await ended(monitor, rollout) for rollout in both]
        assert [(row.ending, row.started) for row in rows] == [(Ending.DONE, 2), (Ending.DONE, 0)]
        assert sim.counters().sessions_opened == 2
        shut(monitor)
