"""``serve`` under way: its stop leaves no session open, it tells no secret, and it outlasts its database."""

import base64
import secrets
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from urllib.error import HTTPError
from urllib.parse import quote

import psycopg
import pytest
from sqlalchemy import make_url

from camera_registry.ingest import Ingest, rules
from probes.reasons import Check, Outcome, Reason
from tests.servers import free_port
from tests.stories.programs import LONG_AGO, Home, Served, eye_code, opened, register, simulated, wait_until

MOMENT_S = 0.1
GONE_S = 6.0  # how long the database is away; at its slowest an eye is asked every 4 s
MOST_TO_STOP_S = 8.0

LONG_PROBES = """
[defaults]
port = {port}
auth = ["sha-256", "md5"]

[[camera]]
name = "{{n}}"
count = 20
host = "127.32.0.1"
path = "/live"
fault = [
    {{kind = "no_keyframe", on = "1-5"}},
    {{kind = "no_rtp", on = "6-8"}},
    {{kind = "slow", on = "9-12", value = 0.7}},
    {{kind = "teardown_ignored", on = "13-16"}},
]
"""

TROUBLE = """
[defaults]
port = {port}
user = "watcher"
password = "{password}"
auth = ["sha-256", "md5"]
start = "idr"

[[camera]]
name = "{{n}}"
count = 10
host = "127.32.1.1"
path = "/live"
fault = [
    {{kind = "401", on = 2}},
    {{kind = "locked", on = 3}},
    {{kind = "404", on = 4}},
    {{kind = "500", on = 5}},
    {{kind = "garbage", on = 6}},
    {{kind = "undecodable", on = 7}},
    {{kind = "453", on = 8}},
    {{kind = "reset", on = 9}},
    {{kind = "stall", on = 10}},
]

[[camera]]
name = "in-clear"
host = "127.32.2.1"
auth = ["basic"]
path = "/live"
"""

CALM = """
[defaults]
port = {port}
auth = ["sha-256", "md5"]
start = "idr"

[[camera]]
name = "{{n}}"
count = 12
host = "127.32.3.1"
path = "/live"
"""


@pytest.mark.parametrize("sessions", [pytest.param(5, id="early"), pytest.param(12, id="in-full-swing")])
def test_stop_leaves_no_session_open(home: Home, sessions: int) -> None:
    with simulated(home, LONG_PROBES.format(port=free_port("127.32.0.1"))) as city:
        register(home, city.fleet, interval_s=2)
        with home.serve() as served:
            wait_until(lambda: city.counters()["sessions_open"] >= sessions, "sessions")
            began = time.monotonic()
            assert served.stop() == 0
            assert time.monotonic() - began < MOST_TO_STOP_S
        assert "Traceback" not in served.said()
        counted = city.settled()
        assert counted["sessions_dropped"] == 0
        assert counted["teardowns"] >= counted["sessions_opened"]


def test_no_secret_is_told(home: Home) -> None:
    """Whatever goes wrong, and however much is logged: the password is in no output and in no file."""
    password = secrets.token_urlsafe(12)
    forms = (password, quote(password), base64.b64encode(f"watcher:{password}".encode()).decode())
    told: dict[str, bytes] = {}
    debug = {"CAMERA_REGISTRY_LOG_LEVEL": "debug"}
    with simulated(home, TROUBLE.format(port=free_port("127.32.1.1"), password=password)) as city:
        register(home, city.fleet, interval_s=5)
        codes = [eye_code(spec, 1) for spec in city.fleet.cameras]
        with home.serve(env=debug) as served:
            wait_until(lambda: _all_probed_since(served, LONG_AGO), "every eye's probe")
            for path in ("/", "/metrics", "/api/v1/eyes", *(f"/api/v1/eyes/{c}" for c in codes)):
                told[path] = served.read(path)
            told |= {f"/eyes/{code}": served.read(f"/eyes/{code}") for code in codes}
            reasons = {row["reason"] for row in served.eyes().values()}
            served.stop()
        probed = home.run("probe", "4-1", "--json", "--transcript", env=debug)
    assert {Reason.AUTH_REJECTED, Reason.STREAM_SLOTS_BUSY} <= reasons
    assert b"DESCRIBE" in probed.stdout.encode()
    told |= {"serve": served.said().encode(), "probe": (probed.stdout + probed.stderr).encode()}
    kept = [path for path in home.folder.iterdir() if path.is_file() and path.name != "fleet.toml"]
    assert {"registry.db", "serve.log", "simulator.log"} <= {path.name for path in kept}
    told |= {path.name: path.read_bytes() for path in kept}
    found = {(place, form) for place, text in told.items() for form in forms if form.encode() in text}
    assert not found


def test_results_outlast_a_lost_database(home_on_each: Home) -> None:
    """While the database is away, eyes are asked as ever; afterwards every result is there."""
    home = home_on_each
    with simulated(home, CALM.format(port=free_port("127.32.3.1"))) as city, opened(home) as database:
        register(home, city.fleet, interval_s=1)
        judge = Ingest(database, rules(), clock=lambda: datetime.now(UTC))
        with home.serve() as served:
            wait_until(lambda: _all_probed_since(served, LONG_AGO), "every eye's probe")
            database.engine.dispose()
            with _away(home):
                gone_at = datetime.now(UTC)
                _watch_outage(served, home)
                back_at = datetime.now(UTC)
            wait_until(lambda: _all_probed_since(served, back_at), "results after the outage")
            served.stop()
        heard = {eye: checks[Check.STREAM] for eye, checks in judge.findings().items()}
        assert len(heard) == len(city.fleet.cameras)
        for eye, findings in heard.items():
            meanwhile = [f for f in findings if gone_at < f.at < back_at]
            assert {f.outcome for f in meanwhile} == {Outcome.OK}, f"{eye} was not asked during the outage"
        # Each probe is one connection; those under way at the stop have no result.
        lost = city.settled()["connections"] - sum(len(findings) for findings in heard.values())
        assert 0 <= lost <= len(city.fleet.cameras)
        assert "Traceback" not in served.said()
        assert city.settled()["sessions_dropped"] == 0


def _all_probed_since(served: Served, moment: datetime) -> bool:
    moments = [row["probed_at"] for row in served.eyes().values()]
    return all(at is not None and datetime.fromisoformat(at) > moment for at in moments)


@contextmanager
def _away(home: Home) -> Iterator[None]:
    """PostgreSQL turns everybody out and lets nobody in; SQLite's one place for a writer is taken."""
    url = make_url(home.url)
    if url.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(url.database), isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            yield
            holder.execute("ROLLBACK")
        return
    admin_url = url.set(drivername="postgresql", database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'.encode())
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database]
        )
        yield
        admin.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'.encode())


def _watch_outage(served: Served, home: Home) -> None:
    """Wait for its end; meanwhile the program says what is wrong, or (SQLite) goes on reading."""
    give_up = time.monotonic() + GONE_S
    while time.monotonic() < give_up:
        time.sleep(MOMENT_S)
    if home.url.startswith("sqlite"):
        assert served.eyes(), "readers see what was there"
        return
    assert "results wait: the database takes none" in served.said()
    with pytest.raises(HTTPError) as refused:
        served.read("/healthz")
    assert refused.value.code == 503
    refused.value.close()
