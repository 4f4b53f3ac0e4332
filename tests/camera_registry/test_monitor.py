"""The whole monitor: who is asked, what a restart remembers, and that nobody watching is unknown."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select, update
from structlog.testing import capture_logs

from camera_registry import models
from camera_registry.counters import Counters
from camera_registry.inventory import eye_by_code, withdraw_access
from camera_registry.monitor import Follower, Monitor, Running, prepare
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Transport, Verdict
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import NOON, Clock, camera, shut, watch
from tests.databases import sqlite_in


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_in(tmp_path)


def ledger(monitor: Monitor, eye: str = "c-1") -> list[tuple[datetime, str, str]]:
    with monitor.database.reading() as session:
        rows = session.execute(
            select(models.Transition.at, models.Transition.after, models.Transition.reason)
            .join(models.Eye)
            .where(models.Transition.ledger == "eye", models.Eye.code == eye)
            .order_by(models.Transition.at)
        )
        return [(at, after, reason) for at, after, reason in rows]


def planned(monitor: Monitor) -> list[str]:
    return sorted(ask.target.eye for shard in monitor.plan().shards for ask in shard.asks)


def change(monitor: Monitor, table: type[models.Base], **values: object) -> None:
    with monitor.database.transaction() as session:
        session.execute(update(table).values(**values))


# --- who is asked -----------------------------------------------------------------------------------


async def test_a_started_eye_is_asked_in_its_turn_and_pages_hear_of_it(url: str, tmp_path: Path) -> None:
    heard: asyncio.Queue[Collection[str]] = asyncio.Queue()
    clock = Clock()
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(url, tmp_path, sim, clock, news=heard.put_nowait)
        (shard,) = monitor.plan().shards
        async with Running(monitor), asyncio.timeout(20):
            turn = shard.due_at(shard.slot_at(clock().timestamp()) + 1) + shard.asks[0].offset_s
            clock.now = datetime.fromtimestamp(turn, UTC)
            assert set(await heard.get()) == {"c-1"}
            assert [(at, state) for at, state, _ in ledger(monitor)] == [(clock.now, "up")]
        assert sim.counters().sessions_opened == sim.counters().teardowns == 1
        shut(monitor)


@pytest.mark.parametrize(
    ("table", "values"),
    [
        pytest.param(models.Eye, {"started_at": None}, id="not started"),
        pytest.param(models.Eye, {"retired_at": NOON}, id="retired"),
        pytest.param(models.Eye, {"commissioned_at": NOON + timedelta(days=1)}, id="not commissioned yet"),
        pytest.param(models.Eye, {"access_withdrawn_at": NOON}, id="access withdrawn"),
        pytest.param(models.Eye, {"access_until": (NOON - timedelta(days=1)).date()}, id="access run out"),
        pytest.param(models.Eye, {"reach": "reported"}, id="known by word of mouth only"),
        pytest.param(models.Device, {"host": None}, id="no address"),
    ],
)
async def test_nobody_else_is_planned(
    url: str, tmp_path: Path, table: type[models.Base], values: dict[str, object]
) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(url, tmp_path, sim, Clock())
        assert planned(monitor) == ["c-1"]
        change(monitor, table, **values)
        assert planned(monitor) == []
        shut(monitor)


async def test_a_household_that_takes_its_consent_back_is_asked_no_more(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"), camera("household", host="127.0.0.2")))) as sim:
        monitor = watch(url, tmp_path, sim, Clock())
        assert planned(monitor) == ["c-1", "household-1"]
        with monitor.database.transaction() as session:
            withdraw_access(session, eye_by_code(session, "household-1"), monitor.clock())
        assert planned(monitor) == ["c-1"]
        shut(monitor)


# --- what changes meanwhile -------------------------------------------------------------------------


async def test_what_changes_is_noticed_within_a_second(database_url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"), camera("household", host="127.0.0.2")))) as sim:
        monitor = watch(database_url, tmp_path, sim, Clock())
        async with Running(monitor), asyncio.timeout(10):
            before = monitor.sweeper.target("household-1")
            assert before is not None
            assert before.credential is not None
            with monitor.database.transaction() as session:
                monitor.credentials.put(session, "good", None, "changed", now=NOON + timedelta(seconds=1))
                session.execute(update(models.Site).values(interval_s=120))
            while (after := monitor.sweeper.target("household-1")) == before:
                await asyncio.sleep(0.02)
            assert after is not None
            assert after.credential is not None
            assert (after.credential.password, after.interval_s) == ("changed", 120.0)
            began = asyncio.get_running_loop().time()
            with monitor.database.transaction() as session:
                withdraw_access(session, eye_by_code(session, "household-1"), monitor.clock())
            while monitor.sweeper.target("household-1") is not None:
                await asyncio.sleep(0.02)
            assert asyncio.get_running_loop().time() - began < 1.5
            assert monitor.sweeper.target("c-1") is not None
        shut(monitor)


async def test_the_calendar_is_looked_at_each_minute_and_nothing_else_without_a_change(
    url: str, tmp_path: Path
) -> None:
    clock, plans = Clock(), 0
    async with Simulator(Fleet((camera("c"), camera("d", host="127.0.0.2")))) as sim:
        monitor = watch(url, tmp_path, sim, clock)

        def note(_c: object, _cursor: object, statement: str, *_: object) -> None:
            nonlocal plans
            plans += "FROM credential" in statement

        with monitor.database.transaction() as session:
            eye_by_code(session, "d-1").retired_at = NOON + timedelta(seconds=30)
        event.listen(monitor.database.engine, "before_cursor_execute", note)
        follower = Follower(monitor)
        await follower.look()
        assert (plans, monitor.sweeper.target("d-1") is None) == (2, False), "of started and of other eyes"
        clock.advance(59)
        await follower.look()
        assert (plans, monitor.sweeper.target("d-1") is None) == (2, False)
        clock.advance(1)
        await follower.look()
        assert (plans, monitor.sweeper.target("d-1") is None) == (4, True)
        clock.advance(-3600)
        await follower.look()
        assert plans == 6, "a clock that was set back does not hold it up"
        shut(monitor)


# --- pace -------------------------------------------------------------------------------------------


async def test_the_pace_of_a_recorder_is_kept_with_it(database_url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("nvr", channels=64, sessions=2), camera("c")))) as sim:
        monitor = watch(database_url, tmp_path, sim, Clock())

        def kept() -> dict[str, tuple[float | None, float | None]]:
            with monitor.database.reading() as session:
                pace = models.DevicePace
                rows = session.execute(
                    select(models.Device.code, pace.effective_interval_s, pace.probe_s).join(pace)
                )
                return {code: (interval_s, probe_s) for code, interval_s, probe_s in rows}

        monitor.plan()
        assert kept() == {"nvr": (120.0, None), "c": (60.0, None)}
        # It turns out to be slow.
        monitor.sweeper.memories.update({f"nvr-{n}": Memory(probe_s=6.0) for n in range(1, 65)})
        monitor.plan()
        assert kept()["nvr"] == (300.0, 6.0)
        assert {t.interval_s for t in monitor.targets() if t.eye.startswith("nvr")} == {300.0}
        # A little quicker is not worth a write.
        monitor.sweeper.memories.update({f"nvr-{n}": Memory(probe_s=5.9) for n in range(1, 65)})
        monitor.plan()
        assert kept()["nvr"] == (300.0, 6.0)
        shut(monitor)


async def test_two_rows_of_one_device_share_its_pace(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("nvr", channels=2, sessions=2),))) as sim:
        monitor = watch(url, tmp_path, sim, Clock())
        with monitor.database.transaction() as session:
            row = session.scalars(select(models.Device)).one()
            twin = models.Device(
                code="again", point_id=row.point_id, site_id=row.site_id, host=row.host, port=row.port
            )
            session.add(twin)
            session.flush()
            session.add(models.Eye(code="again-1", device_id=twin.id, path="/live/1", started_at=NOON))
        (pace,) = monitor.plan().paces
        assert (pace.eyes, pace.sessions) == (3, 1), "as careful as the more careful of the two rows"
        with monitor.database.reading() as session:
            assert session.scalars(select(models.DevicePace.effective_interval_s)).all() == [60.0, 60.0]
        shut(monitor)


# --- restarts ---------------------------------------------------------------------------------------


async def test_a_restart_remembers_what_was_learned_and_not_the_failures(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        first = watch(url, tmp_path, sim, Clock())
        learned = Memory(
            gop_s=4.0, transport=Transport.UDP, algorithm="MD5", failures=2, stalled=True, probe_s=1.5
        )
        verdict = Verdict(Check.STREAM, Outcome.FAILING, Reason.RTP_STALLED, 60.0)
        first.results.put(ProbeResult("c-1", NOON, Depth.LIVENESS, 1.5, (verdict,), learned))
        await first.results.write()
        restarted = again(first)
        assert restarted.sweeper.memories == {"c-1": replace(learned, failures=0)}
        assert restarted.targets()[0].memory == replace(learned, failures=0)
        assert restarted.plan().paces[0].probe_s == 1.5
        restarted.close()
        shut(first)


async def test_what_an_older_version_remembered_otherwise_is_left_out(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        first = watch(url, tmp_path, sim, Clock())
        await first.sweeper.once(first.targets()[0], Depth.LIVENESS)
        await first.results.write()
        change(first, models.EyeState, memory={"gop_s": 2.0, "colour": "green"})
        restarted = again(first)
        assert restarted.sweeper.memories == {"c-1": Memory(gop_s=2.0)}
        restarted.close()
        shut(first)


async def test_a_suspicion_does_not_outlive_a_restart_by_itself(url: str, tmp_path: Path) -> None:
    """Two failures before the restart and one after it: three in a row, but nobody watched in between."""
    clock = Clock()
    async with Simulator(Fleet((camera("c"),))) as sim:
        first = watch(url, tmp_path, sim, clock)
        await asked(first)
        await sim.play("c", Fault(FaultKind.REFUSED))
        for _ in range(2):
            clock.advance(60)
            await asked(first)
        assert [state for _, state, _ in ledger(first)] == ["up"]
        clock.advance(3600)
        restarted = again(first)
        async with Running(restarted):
            pass
        await asked(restarted)
        assert [state for _, state, _ in ledger(restarted)] == ["up", "unknown"]
        restarted.close()
        shut(first)


async def test_a_monitor_that_was_off_shows_unknown_before_anybody_looks(url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(Fleet((camera("c"),))) as sim:
        first = watch(url, tmp_path, sim, clock)
        await asked(first)
        assert ledger(first) == [(NOON, "up", "OK")]
        clock.advance(3600)
        heard: list[str] = []
        restarted = again(first, heard.extend)
        async with Running(restarted):
            assert ledger(restarted) == [
                (NOON, "up", "OK"),
                (NOON + timedelta(seconds=60), "unknown", "NO_RESULT"),
            ]
            assert heard == ["c-1"]
        assert sim.counters().connections == 1, "the restart asks nobody before its turn"
        restarted.close()
        shut(first)


async def test_a_short_restart_is_no_silence(url: str, tmp_path: Path) -> None:
    clock = Clock()
    async with Simulator(Fleet((camera("c"),))) as sim:
        first = watch(url, tmp_path, sim, clock)
        await asked(first)
        clock.advance(90)
        restarted = again(first)
        async with Running(restarted):
            pass
        assert ledger(restarted) == [(NOON, "up", "OK")]
        restarted.close()
        shut(first)


async def test_a_monitor_without_its_database_starts_and_says_so(url: str, tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(url, tmp_path, sim, Clock())
        with closing(monitor.database.engine.raw_connection()) as connection:
            connection.cursor().execute("ALTER TABLE site RENAME TO elsewhere")
        with capture_logs() as logged:
            async with Running(monitor):
                pass
        missing = "no such table: site"
        assert [(entry["job"], entry["reason"]) for entry in logged] == [("plan", missing), ("beat", missing)]
        shut(monitor)


async def asked(monitor: Monitor) -> None:
    """Every eye is asked once, and the results are written."""
    for target in monitor.targets():
        await monitor.sweeper.once(target, Depth.LIVENESS)
    await monitor.results.write()


def again(monitor: Monitor, news: Callable[[Collection[str]], None] = lambda _: None) -> Monitor:
    """The monitor as the next process puts it together."""
    return prepare(
        monitor.database, monitor.settings, monitor.credentials, Counters.new(), monitor.clock, news
    )
