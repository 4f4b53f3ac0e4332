"""Snapshots, pictures and clocks at every fault: what the probes say is what the table holds to be honest."""

import asyncio
from datetime import UTC, datetime

from probes.errors import ProbeError
from probes.ladder import climb
from probes.onvif.clock import clock_reason, device_clock
from probes.reasons import Check, Outcome, Reason
from probes.result import Credential, Depth, ProbeResult, Target
from probes.senses import Here, Senses
from probes.simulator import (
    Auth,
    CameraSpec,
    ClipSpec,
    Fault,
    FaultKind,
    Fleet,
    HttpSpec,
    OnvifSpec,
    Simulator,
    Start,
)
from probes.simulator.kinds import OF_CLOCK, OF_DEVICE, OF_ONVIF, OF_PICTURE, OF_SNAPSHOT, OF_WEB
from probes.web import Web
from tests.probes.climbing import QUICK, Gate

KINDS = sorted(OF_DEVICE | OF_PICTURE | OF_SNAPSHOT | OF_WEB | OF_CLOCK | OF_ONVIF)
VALUES = {FaultKind.WEB_SLOW: 0.1}


def city() -> Fleet:
    """A healthy camera, one for each fault of what is not the stream, and clocks that are a little off."""
    healthy = {"auth": (Auth.SHA256,), "clip": ClipSpec(width=320, height=180, gop_s=0.5), "start": Start.IDR}
    http = HttpSpec(onvif=OnvifSpec())
    faulty = [(kind.value, (Fault(kind, value=VALUES.get(kind)),), http) for kind in KINDS]
    clocks = [(f"{s:g} s", (), HttpSpec(clock_s=s, onvif=OnvifSpec())) for s in (-30.0, 120.0, -25_200.0)]
    return Fleet(
        tuple(
            CameraSpec(name, faults=faults, http=face, **healthy)  # type: ignore[arg-type]  # fields by name
            for name, faults, face in [("healthy", (), http), *faulty, *clocks]
        )
    )


def target_of(sim: Simulator, spec: CameraSpec) -> Target:
    host, port = sim.address_of(spec.name)
    web_port = sim.web_address_of(spec.name)[1]
    return Target(
        spec.name, host, port, spec.path(), credential=Credential("1", spec.user, spec.password),
        web_port=web_port, onvif_port=web_port, snapshot_path=spec.snapshot_path(),
    )  # fmt: skip


async def test_every_fault_is_told_as_it_was_played() -> None:
    web = Web()
    senses = Senses(Here(), web)
    async with Simulator(city()) as sim:

        async def probe(spec: CameraSpec) -> ProbeResult:
            return await climb(
                target_of(sim, spec), Depth.DEEP, logins=Gate(), senses=senses,
                clock=lambda: datetime.now(UTC), timeouts=QUICK,
            )  # fmt: skip

        results = await asyncio.gather(*map(probe, sim.fleet.cameras))
        await web.close()
        told = [(r.eye, v.check, v.outcome, v.reason) for r in results for v in r.verdicts]
        wrong = dishonest(sim, told)
        assert wrong == []
        counted = sim.counters()
    of_snapshots = {eye: reason for eye, check, _, reason in told if check is Check.SNAPSHOT}
    assert of_snapshots["healthy"] is Reason.OK
    assert of_snapshots[FaultKind.SNAPSHOT_BOMB] is Reason.SNAPSHOT_TOO_LARGE
    assert counted.locks == counted.sessions_dropped == 0


async def test_every_clock_is_told_as_it_goes() -> None:
    web = Web()

    async def told(sim: Simulator, spec: CameraSpec) -> tuple[str, Check, Outcome, Reason]:
        try:
            clock = await device_clock(target_of(sim, spec), web, lambda: datetime.now(UTC))
            reason = clock_reason(clock)
        except ProbeError as error:
            reason = error.reason if error.reason is Reason.TCP_REFUSED else Reason.CLOCK_UNREADABLE
        return spec.name, Check.CLOCK, clock_outcome(reason), reason

    async with Simulator(city()) as sim:
        said = await asyncio.gather(*(told(sim, spec) for spec in sim.fleet.cameras))
        await web.close()
        assert dishonest(sim, said) == []
        assert sim.counters().logins_refused == 0
    assert {name: reason for name, _, _, reason in said}[FaultKind.CLOCK_OFF] is Reason.CLOCK_TZ_SUSPECT


def clock_outcome(reason: Reason) -> Outcome:
    if reason is Reason.OK:
        return Outcome.OK
    unknown = reason in (Reason.CLOCK_UNREADABLE, Reason.TCP_REFUSED)
    return Outcome.UNKNOWN if unknown else Outcome.FAILING


def dishonest(sim: Simulator, told: list[tuple[str, Check, Outcome, Reason]]) -> list[str]:
    return [
        f"{name}: {check.value} {outcome.value} {reason.value}"
        for name, check, outcome, reason in told
        if not sim.truth(name, 1, sim.at()).accepts(check, outcome, reason)
    ]
