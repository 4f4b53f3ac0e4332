"""Deep probes of simulated cameras: what the picture and the snapshot say, and what they leave untouched."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes.ladder import climb
from probes.reasons import Check, Outcome, Reason
from probes.result import Credential, Depth, Memory, ProbeResult, Step, Target
from probes.senses import Here, Senses
from probes.simulator import CameraSpec, ClipSpec, Fault, FaultKind, Fleet, HttpSpec, Simulator, Start
from probes.web import Web
from tests.probes.climbing import QUICK, Gate

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
GOOD = (Outcome.OK, Reason.OK)


@pytest.fixture
async def senses() -> AsyncIterator[Senses]:
    web = Web()
    yield Senses(Here(), web)
    await web.close()


def city(*faults: FaultKind) -> Fleet:
    clip = ClipSpec(width=320, height=180, gop_s=0.5)
    given = tuple(Fault(kind) for kind in faults)
    return Fleet((CameraSpec("camera", clip=clip, start=Start.IDR, http=HttpSpec(), faults=given),))


async def probed(
    sim: Simulator, senses: Senses, memory: Memory, now: datetime = NOON, depth: Depth = Depth.DEEP
) -> ProbeResult:
    spec = sim.spec_of("camera")
    host, port = sim.address_of("camera")
    target = Target(
        "E1",
        host,
        port,
        spec.path(),
        credential=Credential("1", spec.user, spec.password),
        web_port=sim.web_address_of("camera")[1],
        snapshot_path=spec.snapshot_path(),
        memory=memory,
    )
    return await climb(target, depth, logins=Gate(), senses=senses, clock=lambda: now, timeouts=QUICK)


def said(result: ProbeResult) -> dict[Check, tuple[Outcome, Reason]]:
    """The stream and its pictures; the device's clock is another story."""
    mine = (Check.STREAM, Check.PICTURE, Check.SNAPSHOT)
    return {v.check: (v.outcome, v.reason) for v in result.verdicts if v.check in mine}


async def test_a_deep_probe_looks_at_both_and_a_liveness_probe_at_neither(senses: Senses) -> None:
    async with Simulator(city()) as sim:
        deep = await probed(sim, senses, Memory())
        live = await probed(sim, senses, deep.memory, depth=Depth.LIVENESS)
    assert said(deep) == dict.fromkeys((Check.STREAM, Check.PICTURE, Check.SNAPSHOT), GOOD)
    steps = [rung.step for rung in deep.rungs]
    assert steps[steps.index(Step.DECODE) + 1] is Step.SNAPSHOT
    measured = deep.measured
    assert measured.sight is not None
    assert measured.sight.width == 320
    assert measured.picture_changed_at == measured.snapshot_changed_at == NOON
    assert said(live) == {Check.STREAM: GOOD}
    assert live.memory.seen is deep.memory.seen
    assert deep.memory.seen is not None
    shown = repr(deep)
    assert "thumb" not in shown


@pytest.mark.parametrize("frozen", [FaultKind.FROZEN, FaultKind.FROZEN_CLOCK], ids=str)
async def test_a_picture_that_stands_still_for_ten_minutes_is_frozen(
    senses: Senses, frozen: FaultKind
) -> None:
    memory, told = Memory(), []
    async with Simulator(city(frozen)) as sim:
        for minute in (0, 5, 10):
            result = await probed(sim, senses, memory, NOON + timedelta(minutes=minute))
            memory = result.memory
            told.append((said(result)[Check.PICTURE][1], said(result)[Check.SNAPSHOT][1]))
            assert said(result)[Check.STREAM] == GOOD
    assert told == [(Reason.OK, Reason.OK)] * 2 + [(Reason.PICTURE_FROZEN, Reason.SNAPSHOT_STALE)]
    assert result.measured.picture_changed_at == result.measured.snapshot_changed_at == NOON


async def test_a_stream_that_is_gone_says_nothing_of_the_snapshot(senses: Senses) -> None:
    async with Simulator(city(FaultKind.NO_RTP)) as sim:
        gone = said(await probed(sim, senses, Memory()))
    assert gone == {Check.STREAM: (Outcome.FAILING, Reason.RTP_NONE), Check.SNAPSHOT: GOOD}


async def test_a_snapshot_that_is_gone_says_nothing_of_the_stream(senses: Senses) -> None:
    async with Simulator(city(FaultKind.WEB_REFUSED)) as sim:
        gone = said(await probed(sim, senses, Memory()))
    failing = (Outcome.FAILING, Reason.TCP_REFUSED)
    assert gone == {Check.STREAM: GOOD, Check.PICTURE: GOOD, Check.SNAPSHOT: failing}


async def test_without_a_snapshot_path_or_a_web_none_is_taken(senses: Senses) -> None:
    async with Simulator(city()) as sim:
        blind = await probed(sim, Senses(Here()), Memory())
    assert Check.SNAPSHOT not in said(blind)
    assert await senses.snapshot(Target("E1", "127.0.0.1"), Gate(), NOON) is None


async def test_what_was_seen_is_no_part_of_what_is_compared_or_shown(senses: Senses) -> None:
    async with Simulator(city()) as sim:
        memory = (await probed(sim, senses, Memory())).memory
    bare = replace(memory, seen=None, seen_snapshot=None)
    assert memory == bare
    assert repr(memory) == repr(bare)
