"""Whatever people start beside each other, one process asks: no camera sees a session more than it bears."""

import asyncio
import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import orjson
import pytest
from sqlalchemy import func, select, update

from camera_registry import models
from camera_registry.db import Database, Role
from camera_registry.errands import Answer, read_answer, request_probe, wait_for
from camera_registry.inventory import eye_by_code, withdraw_access
from camera_registry.monitor import Monitor
from camera_registry.rollout import Ending
from probes.reasons import Outcome, Reason
from probes.result import Depth
from tests.camera_registry.watching import said
from tests.servers import free_port
from tests.stories.programs import LONG_AGO, PROGRAM, SITE, Home, opened, register, simulated, wait_until

ONE_CAMERA = """
[[camera]]
name = "c"
host = "127.33.0.1"
port = {port}
auth = ["md5"]
sessions = 1
start = "idr"
path = "/live"
"""

# Every liveness probe of the first takes 5 s: it describes and plays, and sends nothing.
SLOW = """
[defaults]
port = {port}
start = "idr"
auth = ["md5"]

[[camera]]
name = "slow"
host = "127.33.1.1"
fault = [{{kind = "no_rtp"}}]

[[camera]]
name = "brisk"
host = "127.33.1.2"
"""

MANY = """
[[camera]]
name = "{{n:02}}"
count = {count}
host = "127.33.2.1"
port = {port}
auth = ["md5"]
start = "idr"
path = "/live"
"""


def many(count: int) -> str:
    return MANY.format(count=count, port=free_port("127.33.2.1"))


@contextmanager
def begun(home: Home, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """A command that goes on while the block lasts."""
    process = subprocess.Popen(
        [PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=home.env,
        cwd=home.folder,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def started_eyes(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).where(models.Eye.started_at.is_not(None))) or 0


def rollout(database: Database) -> tuple[str | None, str | None]:
    """Stage and ending of the one start on record."""
    with database.reading() as session:
        row = session.scalars(select(models.Rollout)).one_or_none()
        return (row.stage, row.ending) if row else (None, None)


def open_requests(database: Database) -> int:
    with database.reading() as session:
        open_ = select(func.count()).where(models.ProbeRequest.answered_at.is_(None))
        return session.scalar(open_) or 0


# --- probe ------------------------------------------------------------------------------------------


def test_twenty_probes_beside_a_fast_round(home_on_each: Home) -> None:
    home = home_on_each
    with simulated(home, ONE_CAMERA.format(port=free_port("127.33.0.1"))) as city, opened(home) as database:
        register(home, city.fleet, interval_s=1)
        with home.serve() as served:
            wait_until(lambda: served.eyes()["c-1"]["probed_at"] is not None, "the round")
            with begun(home, "probe", "c-1", "--liveness", "--json") as command:
                answers = asyncio.run(_ask_twenty_times(database))
                out, err = command.communicate(timeout=30)
            assert (command.returncode, orjson.loads(out)["state"]) == (0, "up"), err
            assert open_requests(database) == 0
            served.stop()
        assert {said(answer.result) for answer in answers if answer.result} == {(Outcome.OK, Reason.OK)}
        counted = city.settled()
        assert counted["sessions_opened"] > 21, "the round went on"
        assert (counted["sessions_peak"], counted["sessions_refused"], counted["sessions_dropped"]) == (
            1,
            0,
            0,
        )


async def _ask_twenty_times(database: Database) -> list[Answer]:
    """As twenty commands do, each from its wish to its answer; ``serve`` asks, so that none of them does."""

    def nobody_else() -> Monitor:
        raise AssertionError("serve has the role")

    async def ask() -> Answer:
        now = datetime.now(UTC)
        request = await asyncio.to_thread(request_probe, database, "c-1", Depth.LIVENESS, False, now)
        return await wait_for(database, nobody_else, partial(read_answer, database, request, now))

    return await asyncio.gather(*(ask() for _ in range(20)))


def test_probe_goes_on_by_itself_when_serve_is_killed(home: Home) -> None:
    with simulated(home, SLOW.format(port=free_port("127.33.1.1"))) as city, opened(home) as database:
        register(home, city.fleet, interval_s=60, started=False)
        with home.serve() as served, begun(home, "probe", "slow-1", "--liveness") as command:
            wait_until(lambda: city.counters()["sessions_open"] == 1, "the probe")
            served.kill()
            out, err = command.communicate(timeout=30)
        assert (command.returncode, "RTP_NONE" in out) == (2, True), err
        assert open_requests(database) == 0
        counted = city.settled()
        assert (counted["sessions_opened"], counted["sessions_dropped"]) == (2, 1), (
            "the killed one's, and ours"
        )


def test_probe_knows_nothing_where_nobody_answers(home: Home) -> None:
    with simulated(home, SLOW.format(port=free_port("127.33.1.1"))) as city, opened(home) as database:
        register(home, city.fleet, interval_s=60)
        with database.hold(Role.PROBER), begun(home, "probe", "brisk-1") as command:
            wait_until(lambda: open_requests(database) == 1, "the request")
            with database.transaction() as session:  # two minutes later
                session.execute(update(models.ProbeRequest).values(requested_at=LONG_AGO))
            out, err = command.communicate(timeout=30)
        assert (command.returncode, out, len(err.splitlines())) == (3, "", 1)
        assert "120 giây" in err
        assert city.counters()["connections"] == 0


# --- what changes meanwhile -------------------------------------------------------------------------


def test_consent_taken_back_ends_the_session_and_there_is_no_further_one(home: Home) -> None:
    with simulated(home, SLOW.format(port=free_port("127.33.1.1"))) as city, opened(home) as database:
        register(home, city.fleet, interval_s=1)
        with home.serve() as served:
            wait_until(lambda: city.counters("slow")["sessions_open"] == 1, "a session")
            with database.transaction() as session:
                withdraw_access(session, eye_by_code(session, "slow-1"), datetime.now(UTC))
            began = time.monotonic()
            wait_until(lambda: city.counters("slow")["sessions_open"] == 0, "its end")
            assert time.monotonic() - began < 2.5, "noticed within a second; TEARDOWN is waited for"
            opened_by_then = city.counters("slow")["connections"]
            others = city.counters("brisk")["connections"]
            wait_until(lambda: city.counters("brisk")["connections"] > others + 2, "the round")
            counted = city.counters("slow")
            assert (counted["connections"], counted["sessions_dropped"]) == (opened_by_then, 0)
            served.stop()


# --- start ------------------------------------------------------------------------------------------


def test_start_beside_serve_is_carried_out_by_it(home_on_each: Home) -> None:
    home = home_on_each
    with (
        simulated(home, many(3)) as city,
        opened(home) as database,
    ):
        register(home, city.fleet, interval_s=1, started=False)
        with home.serve() as served:
            done = home.run("start", "--site", SITE, "--yes")
            assert (done.returncode, "bắt đầu theo dõi: 3" in done.stdout) == (0, True), done.stderr
            assert rollout(database)[1] == Ending.DONE
            before = city.counters()["sessions_opened"]
            wait_until(lambda: city.counters()["sessions_opened"] > before + 3, "the round")
            served.stop()
        counted = city.settled()
        assert (counted["sessions_peak"], counted["sessions_dropped"]) == (1, 0)


@pytest.mark.parametrize("beside", [True, False], ids=["beside serve", "by itself"])
def test_ctrl_c_stops_a_start(home: Home, beside: bool) -> None:
    with (
        simulated(home, many(30)) as city,
        opened(home) as database,
    ):
        register(home, city.fleet, interval_s=60, started=False)
        with home.serve() if beside else contextlib.nullcontext() as served:
            with begun(home, "start", "--site", SITE, "--yes") as command:
                wait_until(lambda: rollout(database)[0] == "all", "the last stage")
                command.send_signal(signal.SIGINT)
                out, err = command.communicate(timeout=30)
            assert (command.returncode, "Đã dừng theo yêu cầu" in err) == (1, True), err
            assert "Đang dừng" in out
            assert "Traceback" not in err
            assert (rollout(database)[1], started_eyes(database)) == (Ending.STOPPED, 11)
            if served is not None:
                assert served.stop() == 0
        assert city.settled()["sessions_dropped"] == 0


def test_a_start_does_not_outlive_the_process_that_asked(home: Home) -> None:
    with (
        simulated(home, many(30)) as city,
        opened(home) as database,
    ):
        register(home, city.fleet, interval_s=60, started=False)
        with home.serve() as served, begun(home, "start", "--site", SITE, "--yes") as command:
            wait_until(lambda: rollout(database)[0] == "all", "the last stage")
            served.kill()
            _, err = command.communicate(timeout=30)
        assert (command.returncode, "Bị gián đoạn" in err) == (1, True), err
        assert (rollout(database)[1], started_eyes(database)) == (Ending.INTERRUPTED, 11)


def test_serve_waits_for_a_command_that_asks(home: Home) -> None:
    with simulated(home, SLOW.format(port=free_port("127.33.1.1"))) as city:
        register(home, city.fleet, interval_s=60)
        with begun(home, "probe", "slow-1", "--liveness") as command:
            wait_until(lambda: city.counters()["sessions_open"] == 1, "the probe")
            command.send_signal(signal.SIGSTOP)  # it keeps its role until serve has asked for it
            with home.serve(ready=False) as served:
                wait_until(lambda: "Một lệnh khác đang kiểm tra camera" in served.said(), "serve to wait")
                assert "Đang phục vụ" not in served.said()
                command.send_signal(signal.SIGCONT)
                assert command.wait(10) == 2
                wait_until(lambda: "Đang phục vụ" in served.said(), "serve to serve")
                served.stop()
        assert city.settled()["sessions_peak"] == 1
