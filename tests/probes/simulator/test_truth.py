"""The ladder climbed at every fault says what the table holds to be honest, and harms nobody."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from probes.ladder import Timeouts, climb
from probes.logins import NO_TIME, LoginOutcome, Permit
from probes.result import Credential, Depth, LoginKey, ProbeResult, Target
from probes.simulator import Auth, CameraSpec, Carries, ClipSpec, Codec, Fault, FaultKind, Fleet, Simulator
from probes.simulator.kinds import OF_DEVICE, OF_GROUPS, OF_STREAM
from tests.probes.climbing import SENSES

IMPATIENT = Timeouts(connect=0.8, answer=0.8, first_packet=0.8, window=0.3, stall=1.2, keyframe=2.0)


class EverybodyMayTry:
    async def reserve(self, key: LoginKey) -> Permit:
        return Permit(canary=False)

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        return None


def cameras(codec: Codec, transport: Carries) -> list[CameraSpec]:
    """A healthy camera, and one for each fault that this codec can have."""
    scripts = [("healthy", ())] + [
        (kind.value, (Fault(kind, value=0.05 if kind is FaultKind.SLOW else None),))
        for kind in sorted(OF_DEVICE | OF_STREAM)
        if not (codec is Codec.MJPEG and kind in OF_GROUPS)
    ]
    return [
        CameraSpec(
            name, tls=name == FaultKind.TLS, auth=(Auth.SHA256, Auth.MD5), transport=transport,
            clip=ClipSpec(codec, width=320, height=184, gop_s=0.5), faults=faults,
        )
        for name, faults in scripts
    ]  # fmt: skip


@pytest.mark.parametrize("transport", [Carries.TCP, Carries.UDP])
@pytest.mark.parametrize("codec", Codec)
async def test_every_fault_is_told_as_it_was_played(codec: Codec, transport: Carries) -> None:
    fleet = Fleet(tuple(cameras(codec, transport)))
    async with Simulator(fleet) as sim:

        async def probe(spec: CameraSpec) -> ProbeResult:
            host, port = sim.address_of(spec.name)
            target = Target(
                spec.name, host, port, spec.path(), spec.tls, Credential("1", spec.user, spec.password)
            )
            return await climb(
                target, Depth.DEEP, logins=EverybodyMayTry(), senses=SENSES,
                clock=lambda: datetime.now(UTC), timeouts=IMPATIENT,
            )  # fmt: skip

        results = await asyncio.gather(*map(probe, fleet.cameras))
        dishonest = [
            f"{result.eye}: {verdict.check.value} {verdict.reason.value}"
            for result in results
            for verdict in result.verdicts
            if not fleet.truth(result.eye, 1, sim.at()).accepts(
                verdict.check, verdict.outcome, verdict.reason
            )
        ]
        counted = sim.counters()
    assert dishonest == []
    assert counted.logins_refused == 2  # the changed password and the lock, once each
    assert counted.sessions_opened == counted.teardowns > 0
    assert (counted.sessions_open, counted.sessions_dropped, counted.sessions_peak) == (0, 0, 1)
