"""A ward's own machine at work: a `serve`, a `push` and a city of cameras, each a process of its own."""

import re
import secrets
import socket
import sqlite3
import subprocess
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import ClassVar

import orjson
import pytest

from camera_registry import models, sites
from camera_registry.audit import Actor
from camera_registry.auth import tokens
from camera_registry.ingest import Ingest, rules
from camera_registry.push.line import Away, Line
from camera_registry.push.outbox import FILE
from probes.reasons import Check
from tests.certificates import make_certificate
from tests.servers import free_port, started
from tests.stories.programs import (
    PROGRAM,
    SITE,
    City,
    Home,
    Served,
    opened,
    register,
    simulated,
    wait_until,
)

FLEET = """
[defaults]
port = {port}
user = "watcher"
password = "{password}"
auth = ["sha-256", "md5"]
start = "idr"

[[camera]]
name = "{{n}}"
count = 10
host = "127.34.0.1"
path = "/live"

[[recorder]]
name = "nvr"
host = "127.34.1.1"
channels = 2
sessions = 2
"""


@dataclass(frozen=True)
class Ward:
    """The machine of the ward: a folder of its own, and no database; ``town`` is where the registry is."""

    town: Home
    folder: Path
    token: Path
    port: int

    @property
    def outbox(self) -> Path:
        return self.folder / FILE

    @property
    def log(self) -> Path:
        return self.folder.parent / "push.log"

    def words(self, *more: str) -> list[str | Path]:
        url = f"http://127.0.0.1:{self.port}"
        return [PROGRAM, "push", "--url", url, "--token", self.token, "--data", self.folder, *more]

    def once(self, address: str = "", **env: str) -> "subprocess.CompletedProcess[str]":
        """One round; ``address`` is another one than usual of the registry."""
        words = self.words("--once", *(("--url", address) if address else ()))
        return subprocess.run(
            words, capture_output=True, text=True, timeout=60, check=False, env=self.env | env
        )

    @property
    def env(self) -> dict[str, str]:
        env = {k: v for k, v in self.town.env.items() if not k.startswith("CAMERA_REGISTRY_")}
        # Nobody is at that port: what goes by such a proxy does not arrive.
        return env | {"CAMERA_REGISTRY_LOG_LEVEL": "debug", "HTTP_PROXY": "http://127.0.0.1:9"}

    @contextmanager
    def push(self) -> Iterator["subprocess.Popen[bytes]"]:
        ready = re.compile("Ctrl-C").search
        with started(
            self.words(), log=self.log, ready=lambda log: ready(log) is not None, env=self.env
        ) as process:
            yield process

    @contextmanager
    def serve(self, name: str) -> Iterator[Served]:
        """The registry, always at the same address."""
        log = self.town.folder / f"{name}.log"
        with started(
            [PROGRAM, "serve", "--port", str(self.port)],
            log=log,
            ready=lambda text: "http://" in text,
            env=self.town.env,
            cwd=self.town.folder,
        ) as process:
            yield Served(process, log, self.town)

    def queued(self) -> set[tuple[str, datetime]]:
        """The results that lie in the outbox; the machine must not run."""
        with closing(sqlite3.connect(self.outbox)) as connection:
            rows = [zlib.decompress(body) for (body,) in connection.execute("SELECT body FROM result")]
        told = [orjson.loads(row) for row in rows]
        return {(each["eye"], datetime.fromisoformat(each["at"])) for each in told}


@pytest.fixture
def password() -> str:
    return f"canary-{secrets.token_hex(8)}"


@pytest.fixture
def city(home: Home, password: str) -> Iterator[City]:
    with simulated(home, FLEET.format(port=free_port("127.34.0.1"), password=password)) as city:
        register(home, city.fleet, interval_s=2)
        yield city


@pytest.fixture
def ward(home: Home, city: City, tmp_path: Path) -> Ward:
    clerk, now, token = Actor("clerk", "cli"), datetime.now(UTC), tmp_path / "token"
    with opened(home) as database, database.transaction() as session:
        sites.set_delivered(session, clerk, now, SITE, True)
        session.add(models.User(name="an", role="operator", everywhere=True, made_at=now, made_by="tests"))
        session.flush()
        token.write_text(tokens.make(session, clerk, "an", "ward PC", (), now, site=SITE) + "\n")
    return Ward(home, tmp_path / "ward", token, free_port())


def judged(ward: Ward) -> dict[str, list[datetime]]:
    """When each eye was asked, as the registry has it."""
    with opened(ward.town) as database:
        judge = Ingest(database, rules(), lambda: datetime.now(UTC))
        found = judge.findings()
    return {eye: [finding.at for finding in checks[Check.STREAM]] for eye, checks in found.items()}


def all_up(served: Served) -> bool:
    rows = served.eyes()
    return len(rows) == 12 and {row["state"] for row in rows.values()} == {"up"}


def test_a_killed_machine_loses_nothing_and_tells_nothing(ward: Ward, city: City, password: str) -> None:
    with ward.serve("first") as served, ward.push() as push:
        wait_until(lambda: all_up(served), "states of all eyes")
        assert city.counters()["connections"] > 0
        served.stop()
        wait_until(lambda: "results wait" in ward.log.read_text(), "a line that is cut")
        asked = city.counters()["sessions_opened"]
        wait_until(lambda: city.counters()["sessions_opened"] > asked + 12, "more probes")
        push.kill()
        push.wait(10)
    queued, dropped = ward.queued(), city.settled()["sessions_dropped"]
    assert len(queued) >= 12
    with ward.serve("second") as served:
        with ward.push() as push:
            wait_until(lambda: all_up(served), "the states of now")
            wait_until(lambda: "waiting=0" in ward.log.read_text(), "what was queued")
            push.terminate()
            assert push.wait(20) == 0
        assert city.settled()["sessions_dropped"] == dropped, "no more than by the kill"
    found = judged(ward)
    assert {(eye, at) for eye, moments in found.items() for at in moments} >= queued
    assert all(len(set(moments)) == len(moments) for moments in found.values()), "none twice"
    files = [path for path in ward.town.folder.rglob("*") if path.is_file() and path.name != "fleet.toml"]
    told = [path for path in files if password.encode() in path.read_bytes()]
    assert (ward.outbox in files, told) == (True, [])
    assert ward.outbox.stat().st_mode & 0o077 == 0


def test_two_pushes_of_one_folder_are_one_too_many_and_a_token_is_no_argument(ward: Ward) -> None:
    with ward.push():
        second = subprocess.run(
            ward.words(), capture_output=True, text=True, timeout=60, check=False, env=ward.env
        )
        assert second.returncode == 1
        assert "database is locked" in second.stderr
    spoken = ward.words()
    spoken[spoken.index(ward.token)] = ward.token.read_text().strip()
    refused = subprocess.run(spoken, capture_output=True, text=True, timeout=60, check=False, env=ward.env)
    assert refused.returncode == 1
    assert ward.token.read_text().strip() not in refused.stderr


def test_once_asks_each_eye_and_delivers(ward: Ward) -> None:
    with ward.serve("serve") as served:
        done = ward.once()
        assert (done.returncode, all_up(served)) == (0, True), done.stderr
        assert {len(moments) for moments in judged(ward).values()} == {1}
        served.stop()
        offline = ward.once()
        assert offline.returncode == 1
        assert len(ward.queued()) == 12, "asked by the copy that was kept"


class Proxy(StreamRequestHandler):
    """Lets out what asks for CONNECT (RFC 9110, 9.3.6), and keeps what it could read."""

    asked: ClassVar[list[bytes]] = []
    passed: ClassVar[bytearray] = bytearray()

    def handle(self) -> None:
        self.asked.append(self.rfile.readline())
        while self.rfile.readline().strip():
            pass
        host, _, port = self.asked[-1].split()[1].decode().partition(":")
        with socket.create_connection((host, int(port)), timeout=30) as server:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            way_back = threading.Thread(target=self._pass_on, args=(server, self.connection))
            way_back.start()
            self._pass_on(self.connection, server)
            way_back.join(30)

    def _pass_on(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while some := one.recv(65_536):
                self.passed.extend(some)
                other.sendall(some)
            other.shutdown(socket.SHUT_WR)


def test_behind_a_proxy_that_lets_out_https_alone(ward: Ward, password: str) -> None:
    cert, key = make_certificate(ward.town.folder)
    words: list[str | Path] = [
        PROGRAM,
        "serve",
        "--port",
        str(ward.port),
        "--tls-cert",
        cert,
        "--tls-key",
        key,
    ]
    log, env = ward.town.folder / "tls.log", ward.town.env
    with (
        started(words, log=log, ready=lambda text: "https://" in text, env=env, cwd=ward.town.folder),
        ThreadingTCPServer(("127.0.0.1", 0), Proxy) as proxy,
    ):
        threading.Thread(target=proxy.serve_forever).start()
        here = {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.server_address[1]}"}
        address = f"https://127.0.0.1:{ward.port}"
        stranger = Line(address, ward.token.read_text().strip(), "1" * 32)
        with closing(stranger), pytest.raises(Away, match="ConnectError"):  # nobody vouches for it
            stranger.fetch("")
        done = ward.once(address, **here, SSL_CERT_FILE=str(cert))
        proxy.shutdown()
        assert done.returncode == 0, done.stderr
    assert {line.strip() for line in Proxy.asked} == {f"CONNECT 127.0.0.1:{ward.port} HTTP/1.1".encode()}
    assert len(judged(ward)) == 12
    for secret in (password, ward.token.read_text().strip()):
        assert secret.encode() not in Proxy.passed
        assert secret not in done.stderr + done.stdout
