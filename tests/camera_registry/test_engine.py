"""Results on their way to the database: kept while it is away, written once, not lost by a stop."""

import asyncio
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta

import psycopg
import pytest
from sqlalchemy import event, func, select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from camera_registry import models
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.engine.local import LocalEngine
from camera_registry.engine.results import BATCH, Results
from camera_registry.ingest import Ingest, Receipt, rules
from camera_registry.login_book import LoginBook
from camera_registry.plan import make_plan
from camera_registry.sweep import Sweeper, Tools
from probes.reasons import Check, Outcome, Reason
from probes.result import Credential, Depth, Memory, ProbeResult, Target, Verdict
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.registries import add_eyes
from tests.camera_registry.watching import NOON, PASSWORD, USER, camera
from tests.probes.climbing import SENSES

Row = tuple[str, float, str]


def probe(eye: str, seconds: float, outcome: Outcome = Outcome.OK) -> ProbeResult:
    reason = Reason.OK if outcome is Outcome.OK else Reason.RTP_NONE
    verdict = Verdict(Check.STREAM, outcome, reason, 60.0)
    return ProbeResult(eye, NOON + timedelta(seconds=seconds), Depth.LIVENESS, 0.5, (verdict,), Memory())


@pytest.fixture
def database(database: Database) -> Database:
    if database.sqlite:  # a writer that finds it locked gives up soon
        event.listen(database.engine, "connect", lambda c, _: c.execute("PRAGMA busy_timeout=20"))
    with database.transaction() as session:
        add_eyes(session, 3)
    return database


@contextmanager
def away(database: Database) -> Iterator[None]:
    """The database takes nothing: SQLite is locked by another process, PostgreSQL refuses connections."""
    if database.sqlite:
        assert database.engine.url.database is not None
        with closing(sqlite3.connect(database.engine.url.database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            yield
        return
    name = database.engine.url.database
    cluster = database.engine.url.set(drivername="postgresql", database="postgres")
    with psycopg.connect(cluster.render_as_string(hide_password=False), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        yield
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


class Desk:
    """Where results are put, and what is heard of them."""

    def __init__(self, database: Database, ingest: type[Ingest] = Ingest) -> None:
        self.heard: list[set[str]] = []
        self.counters = Counters.new()
        judge = ingest(database, rules(confirm_after=2), lambda: NOON + timedelta(hours=12))
        self.results = Results(judge, self.counters, self._hear)

    def _hear(self, codes: Collection[str]) -> None:
        self.heard.append(set(codes))


def ledger(database: Database) -> list[Row]:
    with database.reading() as session:
        rows = session.execute(
            select(models.Eye.code, models.Transition.at, models.Transition.after)
            .join(models.Eye)
            .where(models.Transition.ledger == "stream")
            .order_by(models.Eye.code, models.Transition.at)
        )
        return [(code, (at - NOON).total_seconds(), after) for code, at, after in rows]


def deliveries(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(models.Delivery)).one()


async def test_results_wait_while_the_database_is_away(database: Database) -> None:
    desk = Desk(database)
    desk.results.put(probe("E1", 0))
    await desk.results.write()
    with away(database):
        desk.results.put(probe("E1", 60, Outcome.FAILING))
        await desk.results.write()
        await desk.results.write()
        desk.results.put(probe("E1", 120, Outcome.FAILING))
        desk.results.put(probe("E2", 121))
        await desk.results.write()
        assert desk.results.waiting == 3
        assert desk.heard == [{"E1"}]
    await desk.results.write()
    assert desk.results.waiting == 0
    assert ledger(database) == [("E1", 0, "ok"), ("E1", 60, "failing"), ("E2", 121, "ok")]
    assert desk.heard == [{"E1"}, {"E1"}, {"E1", "E2"}]
    assert deliveries(database) == 3


class HardOfHearing(Ingest):
    """The database took the delivery, and the connection broke before it could say so."""

    def deliver(self, key: str, results: Sequence[ProbeResult]) -> Receipt:
        receipt = super().deliver(key, results)
        if not receipt.repeated:
            raise OperationalError("COMMIT", {}, Exception("server closed the connection unexpectedly"))
        return receipt


async def test_what_was_taken_unheard_is_not_taken_twice(database: Database) -> None:
    desk = Desk(database, HardOfHearing)
    desk.results.put(probe("E1", 0))
    await desk.results.write()
    assert (desk.results.waiting, deliveries(database)) == (1, 1)
    await desk.results.write()
    assert (desk.results.waiting, deliveries(database)) == (0, 1)
    assert ledger(database) == [("E1", 0, "ok")]
    assert desk.heard == [{"E1"}], "pages hear of it all the same"


async def test_a_write_that_is_cancelled_loses_and_doubles_nothing(database: Database) -> None:
    desk = Desk(database)
    for n in range(3):
        desk.results.put(probe(f"E{n + 1}", n))
    writing = asyncio.create_task(desk.results.write())
    await asyncio.sleep(0)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    while desk.results.waiting:  # the thread may still hold the lock on SQLite
        await desk.results.write()
    assert ledger(database) == [("E1", 0, "ok"), ("E2", 1, "ok"), ("E3", 2, "ok")]
    assert deliveries(database) == 1


async def test_many_results_are_written_in_batches(database: Database) -> None:
    desk = Desk(database)
    for n in range(BATCH + 2):
        desk.results.put(probe(f"E{n % 3 + 1}", 10 * n / 3))
    await asyncio.gather(desk.results.write(), desk.results.write())  # two at once are one after the other
    assert deliveries(database) == 2
    assert [(eye, after) for eye, _, after in ledger(database)] == [("E1", "ok"), ("E2", "ok"), ("E3", "ok")]


async def test_late_and_strange_results_are_counted_and_harm_nobody(database: Database) -> None:
    desk = Desk(database)
    desk.results.put(probe("E1", -8 * 86_400))
    desk.results.put(probe("nobody", 0))
    desk.results.put(probe("E2", 0))
    await desk.results.write()
    assert ledger(database) == [("E2", 0, "ok")]
    assert desk.counters.registry.get_sample_value("camera_registry_results_late_total") == 1


# --- stopping ---------------------------------------------------------------------------------------


async def test_a_stop_leaves_no_session_open_and_writes_what_is_known(database: Database) -> None:
    """Four cameras that keep a probe waiting for their keyframe, and one that answered before the stop."""
    waiting = Fault(FaultKind.NO_KEYFRAME)
    fleet = Fleet(
        (camera("E1"), *(camera(f"w{n}", host=f"127.0.0.{n}", faults=(waiting,)) for n in range(2, 6)))
    )
    desk = Desk(database)
    logins = LoginBook({}, lambda *_: None, lambda: NOON, desk.counters)
    answered = asyncio.Event()

    def take(result: ProbeResult) -> None:
        answered.set()
        desk.results.put(result)

    tools = Tools(logins, SENSES, lambda: NOON, desk.counters)
    engine = LocalEngine(Sweeper(tools, take, in_flight=50, confirm_after=3), desk.results.write)
    async with Simulator(fleet) as sim:
        targets = [
            Target(
                spec.name, *sim.address_of(spec.name), spec.path(), credential=Credential("1", USER, PASSWORD)
            )
            for spec in fleet.cameras
        ]
        plan = make_plan(targets, {"": 60}, deep_interval_s=300, shard_eyes=100)
        for shard in plan.shards:
            engine.dispatch(shard, shard.slot_at(NOON.timestamp() - 120))
        async with asyncio.timeout(10):
            await answered.wait()
            while sim.counters().sessions_open < 4:
                await asyncio.sleep(0.01)
        await engine.stop()
        counted = sim.counters()
        assert (counted.sessions_opened, counted.teardowns) == (5, 5)
        assert (counted.sessions_open, counted.sessions_dropped) == (0, 0)
    assert ledger(database) == [("E1", 0, "ok")]
    assert desk.counters.registry.get_sample_value("camera_registry_sessions_open") == 0


async def test_a_sweep_that_breaks_is_logged_and_ends_alone(database: Database) -> None:
    desk = Desk(database)

    def broken(result: ProbeResult) -> None:
        raise RuntimeError("nobody takes results")

    logins = LoginBook({}, lambda *_: None, lambda: NOON, desk.counters)
    tools = Tools(logins, SENSES, lambda: NOON, desk.counters)
    engine = LocalEngine(Sweeper(tools, broken, in_flight=50, confirm_after=1), desk.results.write)
    async with Simulator(Fleet((camera("E1", auth=()),))) as sim:
        plan = make_plan(
            [Target("E1", *sim.address_of("E1"), "/live/1")], {"": 60}, deep_interval_s=300, shard_eyes=1
        )
        engine.dispatch(plan.shards[0], plan.shards[0].slot_at(NOON.timestamp() - 120))
        with capture_logs() as logged:
            async with asyncio.timeout(5):
                while not logged:
                    await asyncio.sleep(0.01)
        assert [entry["event"] for entry in logged] == ["sweep failed"]
    await engine.stop()
