"""Simulated recorders in three languages: every fault of a recording is told as it was played."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probes.reasons import Check, Outcome, Reason
from probes.recording.port import Vendor, recording_reason
from probes.recording.read import footage
from probes.result import Credential, Target
from probes.simulator import Auth, CameraSpec, Fault, Fleet, Simulator
from probes.simulator.faces import HttpSpec, Maker, OnvifSpec
from probes.simulator.kinds import OF_RECORDING, FaultKind
from probes.web import Web
from tests.probes.recording.recorders import TellingGate

REQUIRED_DAYS = 30.0
LANGUAGES = {
    Vendor.HIKVISION: HttpSpec(maker=Maker.HIKVISION, days=35),
    Vendor.DAHUA: HttpSpec(maker=Maker.DAHUA, days=35),
    Vendor.ONVIF: HttpSpec(days=35, onvif=OnvifSpec(profile_g=True)),
}


def cameras(vendor: Vendor) -> Fleet:
    """A good one, one for each fault, and one whose clock is three hours off."""
    base = CameraSpec("good", channels=2, auth=(Auth.SHA256, Auth.MD5), http=LANGUAGES[vendor])
    assert base.http is not None
    broken = [
        replace(base, name=kind.value, faults=(Fault(kind, value=7.0 if _has_value(kind) else None),))
        for kind in sorted(OF_RECORDING)
        # Profile G tells nothing of disks: it would be found at the very second when no footage is a day old.
        if not (vendor is Vendor.ONVIF and kind is FaultKind.DISK_ERROR)
    ]
    return Fleet((base, *broken, replace(base, name="clock", http=replace(base.http, clock_s=-10_800))))


def _has_value(kind: FaultKind) -> bool:
    return kind is FaultKind.RECORDING_SHORT


def outcome(reason: Reason) -> Outcome:
    if reason is Reason.OK:
        return Outcome.OK
    return Outcome.OFF if reason is Reason.RETENTION_UNKNOWN else Outcome.FAILING


@pytest.mark.parametrize("vendor", Vendor)
async def test_every_fault_is_told_as_it_was_played(vendor: Vendor) -> None:
    fleet, web = cameras(vendor), Web()
    told, dishonest = {}, []
    async with Simulator(fleet) as sim:
        for spec in fleet.cameras:
            host, port = sim.web_address_of(spec.name)
            target = Target(
                spec.name,
                host,
                credential=Credential("1", spec.user, spec.password),
                web_port=port,
                onvif_port=port if vendor is Vendor.ONVIF else None,
                required_days=REQUIRED_DAYS,
            )
            gate, now = TellingGate(), datetime.now(UTC)
            report = await footage(target, vendor, web=web, logins=gate, now=now, channels=(1, 2))
            assert len(gate.settled) == 1, "one login a recorder"
            reason = recording_reason(report.of(2), REQUIRED_DAYS, now)
            told[spec.name] = (reason, report.of(2).days)
            if not fleet.truth(spec.name, 2, sim.at()).accepts(Check.RECORDING, outcome(reason), reason):
                dishonest.append(f"{spec.name}: {reason}")
            assert report.serial
        counted = sim.counters()
    await web.close()
    assert dishonest == []
    for name in ("good", "clock"):  # ages are measured on the recorder's own clock
        reason, days = told[name]
        assert reason is Reason.OK
        assert days == pytest.approx(35.0, abs=0.001)
    assert counted.logins_refused == 0
