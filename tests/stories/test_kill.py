"""``serve`` is killed twenty times: nothing is lost or doubled, silence is unknown, no account is locked.

And the doctor finds nothing.
"""

import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from camera_registry import models
from camera_registry.db import Database
from camera_registry.health import EYE, EyeState
from camera_registry.ingest import Ingest, rules
from probes.reasons import Check, Reason
from tests.databases import KINDS, Cluster, sqlite_in
from tests.servers import free_port
from tests.stories.ledgers import Ledgers, assert_proven, state_at
from tests.stories.programs import City, Home, Served, environment, opened, register, simulated, wait_until

LIVES = 20
LEAST_SHOWN = 15  # probes, in a life that is not cut short while it starts

# Asked each second, and silent after ten: a process that comes back within that goes on where it stood.
CONFIRM_AFTER, SILENCE_FACTOR = 2, 10
POLICY = {
    "CAMERA_REGISTRY_CONFIRM_AFTER": str(CONFIRM_AFTER),
    "CAMERA_REGISTRY_SILENCE_FACTOR": str(SILENCE_FACTOR),
}

# Faults begin once every camera has accepted the password: a try that a kill cut off is then no refusal.
FLEET = """
[defaults]
port = {port}
password = "only for loopback"
auth = ["sha-256", "md5"]
lock_after = 5
start = "idr"

[[camera]]
name = "K{{n:02}}"
count = 36
host = "{host}"
path = "/live"
fault = [
    {{kind = "refused", on = "1-6", from = 20, to = 35, every = 25}},
    {{kind = "453", on = "7-12", from = 22, to = 30, every = 13}},
    {{kind = "404", on = "13-17", from = 21}},
    {{kind = "reset", on = "18-22", from = 20, to = 30, every = 17}},
    {{kind = "500", on = "23-26", from = 23, to = 65, every = 51}},
    {{kind = "undecodable", on = "27-30", from = 20}},
]

[[recorder]]
name = "R"
channels = 3
host = "{host}"
port = {other_port}
fault = [{{kind = "404", channel = 2, from = 20, to = 33, every = 21}}]
"""


@pytest.mark.timeout(600)
def test_killed_twenty_times(tmp_path: Path, postgres: Cluster) -> None:
    # Both at once: most of the time goes by while processes start.
    with postgres.database() as on_postgresql, ThreadPoolExecutor() as pool, ExitStack() as cities:
        told = []
        for seed, (kind, url) in enumerate(zip(KINDS, (sqlite_in(tmp_path), on_postgresql), strict=True)):
            folder, host = tmp_path / kind, f"127.30.{seed}.1"
            folder.mkdir()
            home = Home(folder, environment(folder, url))
            fleet = FLEET.format(host=host, port=free_port(host), other_port=free_port(host))
            city = cities.enter_context(simulated(home, fleet))
            register(home, city.fleet, interval_s=1)
            told.append(pool.submit(_killed_twenty_times, home, city, random.Random(seed)))
        for story in told:
            story.result()


def _killed_twenty_times(home: Home, city: City, chance: random.Random) -> None:
    with opened(home) as database:
        judge = Ingest(database, rules(CONFIRM_AFTER, SILENCE_FACTOR), _now)
        with home.serve("first", POLICY) as served:
            wait_until(lambda: len(_heard(database)) == 39, "every eye to be asked")
            served.stop()
        assert "Traceback" not in served.said()
        counted = city.settled()
        assert counted["sessions_dropped"] == 0, "a graceful stop closes every session"

        shown: set[tuple[str, datetime]] = set()
        for life in range(LIVES):
            # Every fifth is killed while it starts.
            ready = life % 5 != 4
            seconds = chance.uniform(0.5, 3.0)
            with home.serve(f"life-{life}", POLICY, ready=ready) as served:
                if ready:
                    _live(served, seconds, shown)
                else:
                    time.sleep(seconds / 6)
                served.kill()
            assert "Traceback" not in served.said()
        findings = judge.findings()
        kept = {
            (eye, finding.at)
            for eye, checks in findings.items()
            for heard in checks.values()
            for finding in heard
        }
        assert shown <= kept, "what a page has shown is gone"

        # Off for longer than the silence limit of any eye, and on once more.
        wait_until(lambda: _now() > _last_silence(database), "silence", 90)
        ledgers = assert_proven(database, judge, _now())
        assert sum(len(ledger) for ledger in ledgers.values()) > 150, "too little happened to prove much"
        before = _heard(database)
        again = _now()
        with home.serve("last", POLICY) as served:
            for code, row in served.eyes().items():
                unwatched = datetime.fromisoformat(row["probed_at"]) < again
                assert not unwatched or row["state"] == EyeState.UNKNOWN, (code, row)
            wait_until(
                lambda: all(at > again for at, _ in _heard(database).values()), "every eye to be asked"
            )
            served.stop()
        assert "Traceback" not in served.said()
        ledgers = assert_proven(database, judge, _now())
        _assert_unknown_in_between(ledgers, before, again)
        examined = home.run("doctor", env=POLICY)
        assert examined.returncode == 0, examined.stdout + examined.stderr
        last = city.settled()
    assert last["logins_refused"] == 0
    assert last["locks"] == 0


def _live(served: Served, seconds: float, shown: set[tuple[str, datetime]]) -> None:
    """Look at the list of eyes for a while, and until some were asked; note which probe of each was shown."""
    before, began = len(shown), time.monotonic()
    while (lived := time.monotonic() - began) < seconds or len(shown) < before + LEAST_SHOWN:
        assert lived < 60, "nothing is asked"
        shown.update(
            (code, datetime.fromisoformat(row["probed_at"]))
            for code, row in served.eyes().items()
            if row["probed_at"] is not None
        )
        time.sleep(0.2)


def _now() -> datetime:
    return datetime.now(UTC)


def _heard(database: Database) -> dict[int, tuple[datetime, float]]:
    """When each eye's stream was heard of last, and the interval it was asked at then, by eye."""
    with database.reading() as session:
        rows = session.scalars(select(models.Condition).where(models.Condition.check == Check.STREAM))
        return {row.eye_id: (row.heard_at, row.interval_s) for row in rows if row.heard_at is not None}


def _last_silence(database: Database) -> datetime:
    with database.reading() as session:
        moments = session.scalars(
            select(models.Condition.silent_at).where(models.Condition.check == Check.STREAM)
        )
        return max(moment for moment in moments if moment is not None)


def _assert_unknown_in_between(
    ledgers: Ledgers, before: dict[int, tuple[datetime, float]], after: datetime
) -> None:
    """From one interval after its last result until it was asked again, each eye is unknown."""
    for eye, (heard_at, interval_s) in before.items():
        silent_at = heard_at + timedelta(seconds=interval_s)
        for ledger in (ledgers[eye, Check.STREAM], ledgers[eye, EYE]):
            assert state_at(ledger, silent_at) == EyeState.UNKNOWN
            assert state_at(ledger, after) == EyeState.UNKNOWN
            assert not [t for t in ledger if silent_at < t.at <= after]
        stood = state_at(ledgers[eye, EYE], silent_at - timedelta(microseconds=1))
        if stood != EyeState.UNKNOWN:
            (fell,) = (t for t in ledgers[eye, EYE] if t.at == silent_at)
            assert (fell.before, fell.reason) == (stood, Reason.NO_RESULT)
