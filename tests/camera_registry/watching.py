"""A city to watch in tests: simulated cameras, registered, and a clock that a test sets."""

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

from camera_registry import models, settings
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.monitor import Monitor, prepare
from camera_registry.sweep import Sweeper
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, ProbeResult, Target
from probes.simulator.clips import ClipSpec
from probes.simulator.fleet import Auth, CameraSpec, Start
from probes.simulator.simulator import Simulator
from tests.camera_registry.registries import LONG_AGO

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
USER, PASSWORD = "monitor", "loopback-only"


class Clock:
    """The time is what was set, and passes when told to."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Pauses:
    """Notes the seconds it was asked to wait, and does not wait."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.asked.append(seconds)
        await asyncio.sleep(0)


def camera(name: str, **spec: object) -> CameraSpec:
    """A small camera that begins at a keyframe: a probe of it takes a tenth of a second."""
    given: dict[str, object] = {
        "start": Start.IDR,
        "clip": ClipSpec(width=320, height=180),
        "auth": (Auth.MD5,),
    }
    return CameraSpec(name=name, **(given | spec))  # type: ignore[arg-type]  # any of its fields


def register(
    session: Session, sim: Simulator, credential: Callable[[str], int | None], *, started: bool
) -> list[str]:
    """Each simulated device with its eyes, named ``device-channel``; ``credential`` gives the set of each."""
    site, point = models.Site(code="S1"), models.Point(code="P1", name="P1")
    unit = models.Unit(uid="u-1", code="04252", name="Phường Yên Bái", kind="phuong")
    session.add_all([site, point, unit])
    session.flush()
    session.add(models.PointUnit(point_id=point.id, unit_id=unit.id))
    codes = []
    for spec in sim.fleet.cameras:
        host, port = sim.address_of(spec.name)
        device = models.Device(
            code=spec.name, point_id=point.id, site_id=site.id, host=host, port=port,
            kind="recorder" if spec.channels > 1 else "camera",
            sessions=spec.sessions or None,
            credential_id=credential(spec.name) if spec.auth else None,
        )  # fmt: skip
        session.add(device)
        session.flush()
        for channel in range(1, spec.channels + 1):
            codes.append(f"{spec.name}-{channel}")
            session.add(
                models.Eye(
                    code=codes[-1],
                    device_id=device.id,
                    channel=channel,
                    path=spec.path(channel),
                    commissioned_at=LONG_AGO,
                    started_at=LONG_AGO if started else None,
                )
            )
    return codes


def watch(
    url: str,
    folder: Path,
    sim: Simulator,
    clock: Callable[[], datetime],
    *,
    password: str = PASSWORD,
    wrong: Collection[str] = (),
    started: bool = True,
    news: Callable[[Collection[str]], None] = lambda _: None,
) -> Monitor:
    """A registry of the simulated cameras and its monitor. The devices in ``wrong`` have a wrong password."""
    database = Database(url)
    loaded = settings.load(data_dir=folder)
    store = CredentialStore(loaded)
    with database.transaction() as session:
        store.prepare(session)
        good = store.put(session, "good", USER, password, now=clock())
        bad = store.put(session, "bad", USER, "mistyped", now=clock())
        register(session, sim, lambda name: bad if name in wrong else good, started=started)
    return prepare(database, loaded, store, Counters.new(), clock, news)


def shut(monitor: Monitor) -> None:
    monitor.close()
    monitor.database.close()


async def asked(sweeper: Sweeper, target: Target, depth: Depth = Depth.LIVENESS) -> ProbeResult:
    """Ask one eye once; it may be asked."""
    result = await sweeper.once(target, depth)
    assert result is not None
    return result


def said(result: ProbeResult, check: Check = Check.STREAM) -> tuple[Outcome, Reason] | None:
    verdict = result.verdict(check)
    return (verdict.outcome, verdict.reason) if verdict else None
