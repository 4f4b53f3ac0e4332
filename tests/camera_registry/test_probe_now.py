"""A person has an eye asked: once at a time, some times a minute, within the scope and the login budget."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from camera_registry import models, probe_now
from camera_registry.audit import Action, Actor
from camera_registry.errands import PROBE_PATIENCE
from camera_registry.inventory import InventoryError
from camera_registry.monitor import Monitor
from camera_registry.probe_now import MOST_A_MINUTE, TAKEN_UP_WITHIN, Progress, Stage, TooOften
from camera_registry.units import Scope
from probes.reasons import Outcome, Reason
from probes.result import Depth, Step
from probes.simulator.faults import Fault, FaultKind
from probes.simulator.fleet import Fleet
from probes.simulator.simulator import Simulator
from tests.camera_registry.test_errands import asking
from tests.camera_registry.watching import NOON, Clock, asked, camera, said, shut, watch
from tests.databases import sqlite_in

OFFICER = Actor("nguyen.van.a", "127.0.0.1", "r-1")
EVERYTHING = Scope.everything()


def ask(monitor: Monitor, eye: str = "c-1", actor: Actor = OFFICER, scope: Scope = EVERYTHING) -> int:
    with monitor.database.transaction() as session:
        return probe_now.ask(session, actor, scope, eye, monitor.clock(), monitor.settings.zone)


def look(monitor: Monitor, request: int, eye: str = "c-1", scope: Scope = EVERYTHING) -> Progress | None:
    with monitor.database.reading() as session:
        return probe_now.progress(session, scope, eye, request, monitor.clock(), monitor.settings.zone)


def stage(monitor: Monitor, request: int) -> Stage:
    found = look(monitor, request)
    assert found is not None
    return found.stage


async def followed(monitor: Monitor, request: int) -> list[Progress]:
    """Every different word on it, until it is over."""
    heard: list[Progress] = []
    while not heard or not heard[-1].stage.over:
        found = await asyncio.to_thread(look, monitor, request)
        assert found is not None
        if not heard or found != heard[-1]:
            heard.append(found)
        await asyncio.sleep(0.02)
    return heard


async def test_a_person_sees_the_rungs_as_they_come(database_url: str, tmp_path: Path) -> None:
    slow = camera("c", faults=(Fault(FaultKind.SLOW, value=0.15),))
    async with Simulator(Fleet((slow,))) as sim:
        monitor = watch(database_url, tmp_path, sim, Clock())
        request = ask(monitor)
        assert stage(monitor, request) is Stage.QUEUED
        async with asking(monitor):
            heard = await followed(monitor, request)
        stages = list(dict.fromkeys(found.stage for found in heard))
        assert stages[-2:] == [Stage.ASKING, Stage.ANSWERED]
        climbed = [len(found.rungs) for found in heard]
        assert climbed == sorted(climbed)
        assert any(0 < number < climbed[-1] for number in climbed), "some came before the end"
        last = heard[-1]
        assert last.result is not None
        assert last.rungs[-1].step is Step.DECODE
        assert "DESCRIBE rtsp://" in last.result.transcript
        assert "loopback-only" not in last.result.transcript
        shut(monitor)


async def test_one_probe_of_an_eye_at_a_time_and_a_few_a_minute(tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c", channels=8),))) as sim:
        clock = Clock()
        monitor = watch(sqlite_in(tmp_path), tmp_path, sim, clock)
        first = ask(monitor)
        assert ask(monitor, actor=Actor("another", "127.0.0.1")) == first, "it is being asked already"
        for channel in range(2, MOST_A_MINUTE + 1):
            ask(monitor, f"c-{channel}")
        with pytest.raises(TooOften):
            ask(monitor, "c-7")
        ask(monitor, "c-7", Actor("another", "127.0.0.1"))
        clock.advance(61)
        assert stage(monitor, first) is Stage.IGNORED, f"after {TAKEN_UP_WITHIN} nobody has taken it up"
        ask(monitor, "c-8")
        clock.advance(PROBE_PATIENCE.total_seconds())
        assert stage(monitor, first) is Stage.GIVEN_UP
        assert ask(monitor) != first
        with monitor.database.reading() as session:
            row = models.Audit
            found = session.execute(select(row.who, row.subject).where(row.action == Action.PROBED))
            deeds = [tuple(deed) for deed in found]
        assert deeds[:2] == [(OFFICER.name, "eye:c-1"), (OFFICER.name, "eye:c-2")]
        assert len(deeds) == MOST_A_MINUTE + 3
        shut(monitor)


async def test_outside_the_scope_there_is_no_such_eye(tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"), camera("d", host="127.0.0.2")))) as sim:
        monitor = watch(sqlite_in(tmp_path), tmp_path, sim, Clock())
        elsewhere = Scope(frozenset({404}))
        request = ask(monitor)
        with pytest.raises(InventoryError):
            ask(monitor, scope=elsewhere)
        assert look(monitor, request, scope=elsewhere) is None
        assert look(monitor, request, "d-1") is None, "it is of another eye"
        assert look(monitor, request + 1) is None
        shut(monitor)


async def test_the_login_budget_binds_a_person_too(tmp_path: Path) -> None:
    async with Simulator(Fleet((camera("c"),))) as sim:
        monitor = watch(sqlite_in(tmp_path), tmp_path, sim, Clock(), wrong=["c"])
        async with asking(monitor):
            target = monitor.sweeper.target("c-1")
            assert target is not None
            refused = await asked(monitor.sweeper, target)
            assert said(refused) == (Outcome.UNKNOWN, Reason.AUTH_REJECTED)
            logins = sim.counters().logins_refused
            found = (await followed(monitor, ask(monitor)))[-1]
        assert found.result is not None
        assert found.result.depth is Depth.DEEP
        assert said(found.result) == (Outcome.UNKNOWN, Reason.AUTH_REJECTED)
        assert sim.counters().logins_refused == logins, "that was the last time: no password was sent"
        assert found.no_login_before is not None
        assert found.no_login_before > NOON
        shut(monitor)
