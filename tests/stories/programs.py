"""The programs as a person starts them: processes of their own, beside a city of simulated cameras."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import orjson
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.api.cookies import NAME
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.settings import Settings, load
from probes.simulator.fleet import Auth, CameraSpec, Fleet, load_fleet
from tests.people import session_token
from tests.servers import POLL_S, says_ready, started

PROGRAM = Path(sys.executable).with_name("camera-registry")
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)
SITE = "S1"


@dataclass(frozen=True)
class Home:
    """An installation of its own: a folder, a database, and the environment its programs see."""

    folder: Path
    env: Mapping[str, str]

    @property
    def url(self) -> str:
        return self.env["CAMERA_REGISTRY_DATABASE_URL"]

    @property
    def settings(self) -> Settings:
        return load(data_dir=self.folder, database_url=self.url)

    @cached_property
    def cookie(self) -> str:
        """Of an administrator's browser. Ask for it once the registry is there."""
        with opened(self) as database:
            return f"{NAME}={session_token(database, self.settings, datetime.now(UTC))}"

    def run(
        self, *words: str | Path, typed: str = "", env: Mapping[str, str] | None = None
    ) -> "subprocess.CompletedProcess[str]":
        """Run one command to its end."""
        return subprocess.run(
            [str(word) for word in (PROGRAM, *words)],
            input=typed,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**self.env, **(env or {})},
            cwd=self.folder,
        )

    @contextmanager
    def serve(
        self, name: str = "serve", env: Mapping[str, str] | None = None, *, ready: bool = True
    ) -> Iterator["Served"]:
        """``camera-registry serve`` on a free port; ``ready=False`` enters as soon as the process runs."""
        log = self.folder / f"{name}.log"
        entered: Callable[[str], bool] = _address_in if ready else lambda _: True
        with started(
            [PROGRAM, "serve", "--port", "0"],
            log=log,
            ready=entered,
            env={**self.env, **(env or {})},
            cwd=self.folder,
        ) as process:
            yield Served(process, log, self)


@dataclass(frozen=True, slots=True)
class Served:
    """A ``serve`` under way; what it said is in ``log``."""

    process: subprocess.Popen[bytes]
    log: Path
    home: Home

    @property
    def address(self) -> str:
        found = re.search(r"http://[0-9.:]+", self.said())
        assert found is not None, self.said()
        return found[0]

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def read(self, path: str) -> bytes:
        """What an administrator is shown."""
        return read_as(self.home.cookie, f"{self.address}{path}")

    def eyes(self) -> dict[str, dict[str, Any]]:
        """The rows of the list of eyes, by code."""
        return {row["code"]: row for row in orjson.loads(self.read("/api/v1/eyes"))["eyes"]}

    def kill(self) -> None:
        """SIGKILL: nothing is finished, nothing is closed."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self.process.terminate()
        return self.process.wait(20)


def read_as(cookie: str, address: str) -> bytes:
    """What a browser with this cookie is shown. Raises ``HTTPError`` for what is refused."""
    request = Request(address, headers={"Cookie": cookie})  # noqa: S310 our own child on loopback
    with urlopen(request, timeout=20) as answer:  # noqa: S310 the same
        body: bytes = answer.read()
    return body


def _address_in(log: str) -> bool:
    return "http://" in log


@dataclass(frozen=True, slots=True)
class City:
    """Simulated cameras, played by a process of their own."""

    fleet: Fleet
    control: str

    def counters(self, camera: str | None = None) -> dict[str, int]:
        """What was done to one camera, or to all of them together."""
        with urlopen(self.control, timeout=10) as answer:  # noqa: S310 our own child on loopback
            told = orjson.loads(answer.read())
        counted: dict[str, int] = told["total"] if camera is None else told["cameras"][camera]
        return counted

    def settled(self) -> dict[str, int]:
        """The counters once the last connection has ended."""
        wait_until(lambda: self.counters()["sessions_open"] == 0, "sessions to end")
        return self.counters()


@contextmanager
def simulated(home: Home, text: str) -> Iterator[City]:
    """Play the fleet that ``text`` describes (a FLEET.toml) while the block lasts."""
    file, log = home.folder / "fleet.toml", home.folder / "simulator.log"
    file.write_text(text)
    with started([PROGRAM, "simulate", file], log=log, ready=says_ready, env=home.env, cwd=home.folder):
        ready = orjson.loads(log.read_text().partition("READY ")[2].splitlines()[0])
        yield City(load_fleet(file), ready["control"])


@contextmanager
def opened(home: Home) -> Iterator[Database]:
    """The database of an installation."""
    database = Database(home.url)
    try:
        yield database
    finally:
        database.close()


def register(home: Home, fleet: Fleet, *, interval_s: int, started: bool = True) -> None:
    """A new registry in which every channel of the fleet is an eye of one site.

    Eyes are called ``<camera>-<channel>``; the site has the credential that the cameras accept.
    """
    store = CredentialStore(home.settings)
    with opened(home) as database:
        database.migrate()
        with database.transaction() as session:
            _fill(session, store, fleet, interval_s, started)


def eye_code(spec: CameraSpec, channel: int) -> str:
    return f"{spec.name}-{channel}"


def _fill(session: Session, store: CredentialStore, fleet: Fleet, interval_s: int, started: bool) -> None:
    store.prepare(session)
    unit = models.Unit(uid="u-1", code="04252", name="Phường Yên Bái", kind="phuong")
    site = models.Site(code=SITE, name=SITE, interval_s=interval_s)
    session.add_all([unit, site])
    session.flush()
    first = fleet.cameras[0]
    store.put(session, "cameras", first.user, first.password, now=LONG_AGO, site=site.id)
    for spec in fleet.cameras:
        point = models.Point(code=spec.name, name=f"Điểm {spec.name}")
        session.add(point)
        session.flush()
        session.add(models.PointUnit(point_id=point.id, unit_id=unit.id))
        device = _device(spec, point.id, site.id)
        session.add(device)
        session.flush()
        session.add_all(
            models.Eye(
                code=eye_code(spec, channel),
                device_id=device.id,
                channel=channel,
                path=spec.path(channel),
                commissioned_at=LONG_AGO,
                started_at=LONG_AGO if started else None,
            )
            for channel in range(1, spec.channels + 1)
        )


def _device(spec: CameraSpec, point: int, site: int) -> models.Device:
    return models.Device(
        code=spec.name,
        point_id=point,
        site_id=site,
        kind="recorder" if spec.channels > 1 else "camera",
        host=spec.host,
        port=spec.port,
        tls=spec.tls,
        basic_allowed=spec.auth == (Auth.BASIC,),
    )


def wait_until(holds: Callable[[], bool], what: str, deadline_s: float = 30.0) -> None:
    """Poll until ``holds()``. Raises ``AssertionError`` naming ``what`` did not come."""
    give_up = time.monotonic() + deadline_s
    while not holds():
        assert time.monotonic() < give_up, f"waited {deadline_s:g} s in vain for {what}"
        time.sleep(POLL_S)


def environment(folder: Path, url: str) -> dict[str, str]:
    """What programs see: nothing of this installation."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("CAMERA_REGISTRY_")}
    return env | {
        "COLUMNS": "200",
        "CAMERA_REGISTRY_DATA_DIR": str(folder),
        "CAMERA_REGISTRY_DATABASE_URL": url,
    }
