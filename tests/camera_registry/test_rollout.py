"""Starting a site: canary, ten, all; and it stops by itself when logins are refused."""

from pathlib import Path

import pytest
from sqlalchemy import select

from camera_registry import models
from camera_registry.inventory import eye_by_code, withdraw_access
from camera_registry.monitor import Monitor
from camera_registry.plan import Plan
from camera_registry.rollout import Progress, Stage, Started, forecast, roll_out, stages
from probes.result import Credential, Target
from probes.simulator.fleet import CameraSpec, Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.watching import NOON, Clock, Pauses, camera, shut, watch
from tests.databases import sqlite_in

THIRTY = [f"c{n:02}" for n in range(1, 31)]


def site(*more: CameraSpec) -> Fleet:
    return Fleet((*(camera(name) for name in THIRTY), *more))


class Start:
    """A start, and what was told of it."""

    def __init__(self, monitor: Monitor) -> None:
        self.monitor = monitor
        self.told: list[Progress] = []
        self.pauses = Pauses()

    async def run(self) -> Started:
        return await roll_out(self.monitor, self.plan(), self.told.append, self.pauses)

    def plan(self) -> Plan:
        return self.monitor.plan_of(self.monitor.targets("S1", started=False))

    def started(self) -> list[str]:
        with self.monitor.database.reading() as session:
            eyes = select(models.Eye.code).where(models.Eye.started_at.is_not(None)).order_by(models.Eye.code)
            return list(session.scalars(eyes))

    def states(self) -> set[str]:
        with self.monitor.database.reading() as session:
            return set(session.scalars(select(models.EyeState.state)))


@pytest.fixture
def url(tmp_path: Path) -> str:
    return sqlite_in(tmp_path)


async def test_one_then_ten_then_all(database_url: str, tmp_path: Path) -> None:
    async with Simulator(site()) as sim:
        start = Start(watch(database_url, tmp_path, sim, Clock(), started=False))
        assert await start.run() == Started(asked=30, started=30, refused=0, stopped=None)
        assert sim.counters().sessions_peak == 1
        assert sim.counters().sessions_opened == sim.counters().teardowns == 30
        assert start.started() == [f"{name}-1" for name in THIRTY]
        assert start.states() == {"up"}
        shut(start.monitor)
    assert [(p.stage, p.eyes, p.asked, p.total.started) for p in start.told] == [
        *((Stage.CANARY, 1, 1, started) for started in (0, 1)),
        *((Stage.FEW, 10, n, 1) for n in range(1, 11)),
        (Stage.FEW, 10, 10, 11),
        *((Stage.ALL, 19, n, 11) for n in range(1, 20)),
        (Stage.ALL, 19, 19, 30),
    ]
    assert [p.total.asked for p in start.told[-2:]] == [30, 30]
    spread = start.pauses.asked[11:]
    assert spread == pytest.approx([20 * n / 19 for n in range(19)]), "evenly, over a third of the interval"


async def test_what_was_started_is_not_started_again(url: str, tmp_path: Path) -> None:
    async with Simulator(site()) as sim:
        start = Start(watch(url, tmp_path, sim, Clock(), started=True))
        assert await start.run() == Started(0, 0, 0, None)
        assert sim.counters().connections == 0
        shut(start.monitor)


async def test_a_wrong_password_stops_at_the_canary_after_one_refusal(url: str, tmp_path: Path) -> None:
    async with Simulator(site()) as sim:
        start = Start(watch(url, tmp_path, sim, Clock(), wrong=THIRTY, started=False))
        assert await start.run() == Started(asked=1, started=0, refused=1, stopped=Stage.CANARY)
        assert sim.counters().logins_refused == sim.counters().connections == 1
        assert start.started() == []
        assert start.states() == {"unknown"}, "what was learned is kept"
        shut(start.monitor)


async def test_each_credential_has_its_canary(url: str, tmp_path: Path) -> None:
    async with Simulator(site()) as sim:
        start = Start(watch(url, tmp_path, sim, Clock(), wrong=THIRTY[20:], started=False))
        assert await start.run() == Started(asked=2, started=0, refused=1, stopped=Stage.CANARY)
        assert sim.counters().connections == 2
        shut(start.monitor)


async def test_two_of_thirty_with_their_own_password_stop_nobody(url: str, tmp_path: Path) -> None:
    fleet = Fleet(
        tuple(camera(n, password="its own" if n in ("c05", "c25") else "loopback-only") for n in THIRTY)
    )
    async with Simulator(fleet) as sim:
        start = Start(watch(url, tmp_path, sim, Clock(), started=False))
        assert await start.run() == Started(asked=30, started=30, refused=2, stopped=None)
        assert sim.counters().logins_refused == 2
        assert start.states() == {"up", "unknown"}
        shut(start.monitor)


@pytest.mark.parametrize(
    ("different", "ended"),
    [
        pytest.param(THIRTY[1:4], Started(11, 1, 3, Stage.FEW), id="three of the ten"),
        pytest.param(THIRTY[20:23], Started(30, 11, 3, Stage.ALL), id="three of the rest"),
    ],
)
async def test_many_refused_logins_stop_it(
    url: str, tmp_path: Path, different: list[str], ended: Started
) -> None:
    fleet = Fleet(tuple(camera(n, password="its own" if n in different else "loopback-only") for n in THIRTY))
    async with Simulator(fleet) as sim:
        start = Start(watch(url, tmp_path, sim, Clock(), started=False))
        assert await start.run() == ended
        assert len(start.started()) == ended.started
        assert sim.counters().logins_refused == 3
        shut(start.monitor)


async def test_whoever_takes_consent_back_meanwhile_is_not_asked(url: str, tmp_path: Path) -> None:
    async with Simulator(site()) as sim:
        start = Start(watch(url, tmp_path, sim, Clock(), started=False))

        async def before_the_last(seconds: float) -> None:
            await start.pauses(seconds)
            if len(start.pauses.asked) == 11:  # the canary and the ten wait no more
                with start.monitor.database.transaction() as session:
                    withdraw_access(session, eye_by_code(session, "c30-1"), NOON)
                start.monitor.sweeper.follow(start.monitor.targets(started=False))

        start.monitor.sweeper.follow(start.monitor.targets(started=False))
        ended = await roll_out(start.monitor, start.plan(), start.told.append, before_the_last)
        assert ended == Started(asked=29, started=29, refused=0, stopped=None)
        assert sim.counters("c30").connections == 0
        assert "c30-1" not in start.started()
        shut(start.monitor)


async def test_the_channels_of_a_recorder_that_refuses_count_as_one_login(url: str, tmp_path: Path) -> None:
    fleet = site(camera("nvr", channels=8, sessions=2, password="its own", lock_after=5))
    async with Simulator(fleet) as sim:
        start = Start(watch(url, tmp_path, sim, Clock(), started=False))
        ended = await start.run()
        assert (ended.refused, ended.stopped) == (1, None)
        assert (sim.counters("nvr").logins_refused, sim.counters("nvr").locks) == (1, 0)
        shut(start.monitor)


async def test_the_forecast_asks_nobody_and_names_the_slow(url: str, tmp_path: Path) -> None:
    fleet = site(camera("nvr", channels=64, sessions=2), camera("open", auth=()))
    async with Simulator(fleet) as sim:
        start = Start(watch(url, tmp_path, sim, Clock(), started=False))
        foreseen = forecast(start.plan())
        assert sim.counters().connections == 0
        shut(start.monitor)
    assert (foreseen.eyes, foreseen.devices, foreseen.logins, foreseen.without_credential) == (95, 32, 31, 1)
    (slow,) = foreseen.slow
    assert (slow.eyes, slow.every, slow.effective_interval_s) == (64, 2, 120.0)
    # 31 eyes a minute and 64 every two, 60 kB each; the first round at three times the pace.
    assert foreseen.mbit_s == pytest.approx((31 / 60 + 64 / 120) * 60_000 * 8 / 1e6)
    assert foreseen.minutes == pytest.approx(120 / 3 / 60)


def test_nothing_to_start_costs_nothing() -> None:
    foreseen = forecast(Plan((), ()))
    assert (foreseen.eyes, foreseen.logins, foreseen.mbit_s, foreseen.minutes) == (0, 0, 0, 0)


def test_where_every_device_has_its_own_credential_one_canary_stands_for_all() -> None:
    eyes = [
        Target(f"E{n:03}", f"10.0.0.{n}", site="S1", credential=Credential(str(n), "monitor", "its own"))
        for n in range(1, 101)
    ]
    assert [(stage, len(group)) for stage, group in stages(eyes)] == [
        (Stage.CANARY, 1),
        (Stage.FEW, 10),
        (Stage.ALL, 89),
    ]
