"""The machine of a site: what waits on its disk, and what comes of hours without a line."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import orjson
import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from camera_registry import incident_book, models, settings, sites
from camera_registry.auth import tokens
from camera_registry.db import Database
from camera_registry.ingest import Ingest, rules
from camera_registry.push.courier import Courier
from camera_registry.push.line import Line, LineError
from camera_registry.push.outbox import Outbox, OutboxError
from camera_registry.push.wire import MOST_RESULTS, KnownLogin, Receipt
from probes.logins import LoginState, Status, key_of_set
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, LoginKey, Memory, ProbeResult, Verdict
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.couriers import CLERK, FIRST, Registry, found, ledger
from tests.camera_registry.watching import NOON, Clock, Pauses, camera
from tests.dashboards.serving import served, signed_in
from tests.databases import sqlite_in
from tests.servers import free_port

WEEK = timedelta(days=7)
HOUR_S = 3600


def result(after_s: float, eye: str = "c-1") -> ProbeResult:
    verdict = Verdict(Check.STREAM, Outcome.OK, Reason.OK, 60.0)
    return ProbeResult(
        eye, NOON + timedelta(seconds=after_s), Depth.LIVENESS, 0.5, (verdict,), Memory(gop_s=2.0)
    )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """What the registry does with all this is tried on both kinds: see ``test_couriers``."""
    with closing(Database(sqlite_in(tmp_path))) as made:
        yield made


# --- the outbox -------------------------------------------------------------------------------------


def test_a_batch_keeps_its_key_until_it_is_delivered(tmp_path: Path) -> None:
    with closing(Outbox(tmp_path)) as outbox:
        machine = outbox.machine
        outbox.put([result(n) for n in range(MOST_RESULTS + 1)], NOON, WEEK)
        first = outbox.batch()
    with closing(Outbox(tmp_path)) as outbox:
        assert outbox.machine == machine
        outbox.put([result(500)], NOON, WEEK)
        again = outbox.batch()
        assert first is not None
        assert (again, outbox.waiting) == (first, MOST_RESULTS + 2)
        assert outbox.delivered(first.key) == MOST_RESULTS
        rest = outbox.batch()
        assert rest is not None
        assert (len(rest.results), rest.key == first.key) == (2, False)
        outbox.unbind(rest.key)
        one = outbox.batch(1)
        assert one is not None
        assert one.results == rest.results[:1]
        assert outbox.memories() == {"c-1": Memory(gop_s=2.0)}


def test_what_would_be_refused_as_too_late_is_not_kept(tmp_path: Path) -> None:
    with closing(Outbox(tmp_path)) as outbox:
        assert outbox.put([result(0), result(60)], NOON, WEEK) == 0
        late = NOON + WEEK + timedelta(seconds=30)
        assert outbox.put([result(WEEK.total_seconds())], late, WEEK) == 1
        assert outbox.waiting == 2


def test_a_second_process_has_no_place_in_it(tmp_path: Path) -> None:
    with closing(Outbox(tmp_path)), pytest.raises(OutboxError, match="another push"):
        Outbox(tmp_path)


def test_logins_are_told_until_the_registry_knows_them(tmp_path: Path) -> None:
    state = LoginState(Status.GOOD, accepted_at=NOON)
    key, whole = LoginKey("S1", "10.0.0.1:554", "1.5"), key_of_set("1.5")
    with closing(Outbox(tmp_path)) as outbox:
        outbox.save_login(key, state)
        outbox.save_login(whole, state)
        told = outbox.untold_logins()
        assert told == [KnownLogin("10.0.0.1:554", "1.5", state)], "nothing of other sites' affairs"
        newer = LoginState(Status.REJECTED, rejected_at=(NOON,))
        outbox.save_login(key, newer)
        outbox.told_logins(told)
        assert outbox.untold_logins() == [KnownLogin("10.0.0.1:554", "1.5", newer)]
        assert outbox.logins() == {key: newer, whole: state}


# --- the line ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url", ["http://camera.example", "ftp://camera.example", "https://an:pw@camera.example", "camera.example"]
)
def test_the_token_goes_over_no_open_line(url: str) -> None:
    with pytest.raises(LineError, match="https"):
        Line(url, "crt_x", FIRST)


# --- the whole --------------------------------------------------------------------------------------


@contextmanager
def a_line(registry: Registry, port: int, outbox: Outbox) -> Iterator[Line]:
    with closing(Line(f"http://127.0.0.1:{port}", registry.token, outbox.machine)) as line:
        yield line


async def one_round(registry: Registry, folder: Path, port: int, clock: Clock) -> bool:
    """A machine begins, asks each eye once, and ends."""
    loaded = settings.load(data_dir=folder, host_clock="trusted")
    with closing(Outbox(folder)) as outbox, a_line(registry, port, outbox) as line:
        return await Courier(line, outbox, registry.token, loaded, clock, Pauses()).once()


async def test_a_round_that_reaches_nobody_is_no_success(database: Database, tmp_path: Path) -> None:
    clock, port = Clock(), free_port()
    async with Simulator(Fleet((camera("c"),))) as sim:
        registry = found(database, tmp_path, sim, clock)
        with database.transaction() as session:
            session.execute(update(models.Eye).values(retired_at=NOON - timedelta(days=1)))
        assert not await one_round(registry, tmp_path / "ward", port, clock), "no registry"
        with served(registry.web, port):
            assert not await one_round(registry, tmp_path / "ward", port, clock), "no eye to ask"
        assert not await one_round(registry, tmp_path / "ward", port, clock), "no registry, no eye"


async def test_hours_without_a_line_are_no_gap_afterwards(database: Database, tmp_path: Path) -> None:
    """T15: four eyes, asked each hour; for four hours nothing can be delivered. One is down for three."""
    clock, port = Clock(), free_port()
    cameras = (camera("r", channels=2, sessions=2), camera("c", host="127.0.0.2"))
    async with Simulator(Fleet((*cameras, camera("d", host="127.0.0.3")))) as sim:
        registry = found(database, tmp_path, sim, clock)
        with database.transaction() as session:
            session.execute(update(models.Site).values(interval_s=HOUR_S))
        with served(registry.web, port):
            assert await one_round(registry, tmp_path / "ward", port, clock)
        for hour in range(1, 5):
            clock.advance(HOUR_S)
            if hour == 1:
                await sim.play("d", Fault(FaultKind.REFUSED))
            elif hour == 4:
                await sim.play("d")
            assert not await one_round(registry, tmp_path / "ward", port, clock), "nothing is delivered"
        judge = Ingest(database, rules(), clock)
        judge.tick(clock())
        incident_book.fold(database, registry.web.app.state.desk.settings.zone, clock())
        assert {state for _, state, _ in ledger(database, "c-1")[1:]} == {"unknown"}
        clock.advance(HOUR_S)
        with served(registry.web, port):
            assert await one_round(registry, tmp_path / "ward", port, clock)
        assert sim.counters().sessions_open == 0
    incident_book.fold(database, registry.web.app.state.desk.settings.zone, clock())
    assert [state for _, state, _ in ledger(database, "c-1")] == ["up"]
    hours = [NOON + timedelta(hours=n) for n in (0, 1, 4)]
    assert [(at, state) for at, state, _ in ledger(database, "d-1")] == list(
        zip(hours, ["up", "down", "up"], strict=True)
    )
    with database.reading() as session:
        row = models.Incident
        standing = select(row.kind, row.started_at, row.ended_at).where(row.withdrawn_at.is_(None))
        assert [tuple(each) for each in session.execute(standing)] == [
            ("site", hours[1], NOON + timedelta(hours=5))
        ], "no outage is invented; what began and ended unheard is nobody's news"
    period = {"from": NOON.isoformat(), "to": clock().isoformat(), "group": "eye"}
    told = signed_in(registry.web).get("/api/v1/availability", params=period).json()["figures"]
    assert {(each["key"] == "d-1", each["coverage"]) for each in told} == {(True, 1.0), (False, 1.0)}
    assert sum(each["outages"] for each in told) == 1


async def test_a_machine_that_was_displaced_asks_nobody(database: Database, tmp_path: Path) -> None:
    clock, port = Clock(), free_port()
    async with Simulator(Fleet((camera("c"),))) as sim:
        registry = found(database, tmp_path, sim, clock)
        with served(registry.web, port):
            assert await one_round(registry, tmp_path / "first", port, clock)
            asked = sim.counters().connections
            with capture_logs() as logged:
                assert not await one_round(registry, tmp_path / "second", port, clock)
            assert [each["event"] for each in logged if each["log_level"] == "error"] == ["nobody is asked"]
            assert sim.counters().connections == asked
            clock.advance(120)
            assert await one_round(registry, tmp_path / "second", port, clock)
            assert not await one_round(registry, tmp_path / "first", port, clock)


async def test_who_was_told_nothing_for_a_week_asks_nobody(database: Database, tmp_path: Path) -> None:
    clock, port = Clock(), free_port()
    async with Simulator(Fleet((camera("c"),))) as sim:
        registry = found(database, tmp_path, sim, clock)
        with served(registry.web, port):
            assert await one_round(registry, tmp_path / "ward", port, clock)
        clock.advance(WEEK.total_seconds())
        await one_round(registry, tmp_path / "ward", port, clock)
        asked = sim.counters().connections
        clock.advance(1)
        await one_round(registry, tmp_path / "ward", port, clock)
        assert sim.counters().connections == asked


async def test_a_revoked_token_ends_it(database: Database, tmp_path: Path) -> None:
    clock, port = Clock(), free_port()
    async with Simulator(Fleet((camera("c"),))) as sim:
        registry = found(database, tmp_path, sim, clock)
        with served(registry.web, port):
            assert await one_round(registry, tmp_path / "ward", port, clock)
            with database.transaction() as session:
                tokens.revoke_all(session, CLERK, "an", clock())
            asked = sim.counters().connections
            assert not await one_round(registry, tmp_path / "ward", port, clock)
            assert sim.counters().connections == asked
    with closing(Outbox(tmp_path / "ward")) as outbox:
        assert outbox.targets() is None, "the copy is gone, too"


async def test_a_wrong_clock_is_said_and_a_site_taken_back_left(database: Database, tmp_path: Path) -> None:
    clock, port = Clock(), free_port()
    async with Simulator(Fleet((camera("c"),))) as sim:
        registry = found(database, tmp_path, sim, clock)
        with served(registry.web, port):
            ahead = Clock(NOON + timedelta(seconds=60))
            with capture_logs() as logged:
                assert await one_round(registry, tmp_path / "ward", port, ahead)
            assert [each["by_s"] for each in logged if "by_s" in each] == [60]
            assert ledger(database, "c-1") == [], "results from the future are refused"
            with database.transaction() as session:
                sites.set_delivered(session, CLERK, clock(), "S1", False)
            asked = sim.counters().connections
            assert not await one_round(registry, tmp_path / "ward", port, clock)
            assert sim.counters().connections == asked


class Sink(BaseHTTPRequestHandler):
    """A registry that cannot take a post with a certain eye in it."""

    taken: ClassVar[list[str]] = []
    well: ClassVar[bool] = True

    def do_POST(self) -> None:
        told = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        eyes = [each["eye"] for each in told["results"]]
        good = self.well and "bad-1" not in eyes
        self.taken.extend(eyes if good else ())
        receipt = Receipt(now=NOON, version="1.1").model_dump_json().encode()
        self.send_response(200 if good else 500)
        self.send_header("Content-Length", str(len(receipt)))
        self.end_headers()
        self.wfile.write(receipt)

    def log_message(self, *_: object) -> None:
        pass


async def test_what_the_registry_cannot_take_holds_up_nothing_else(tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Sink) as server, closing(Outbox(tmp_path)) as outbox:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        eyes = [f"e-{n}" for n in range(20)]
        outbox.put([result(0, eye) for eye in [*eyes[:7], "bad-1", *eyes[7:]]], NOON, WEEK)
        with closing(Line(f"http://127.0.0.1:{server.server_port}", "crt_x", outbox.machine)) as line:
            courier = Courier(line, outbox, "crt_x", settings.load(data_dir=tmp_path), Clock())
            with capture_logs() as logged:
                await courier.look()
            Sink.well = False
            outbox.put([result(0, "e-20")], NOON, WEEK)
            await courier.look()
            assert outbox.waiting == 2, "nothing is given up because the registry is ill"
            Sink.well = True
            await courier.look()
        server.shutdown()
        thread.join(10)
        assert outbox.waiting == 1
    assert sorted(Sink.taken) == sorted([*eyes, "e-20"]), "each once"
    errors = [each["event"] for each in logged if each["log_level"] == "error"]
    assert errors == ["results wait that the registry cannot take"]
