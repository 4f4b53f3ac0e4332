"""ONVIF and WS-Discovery against a device nobody here wrote: ipycam, also with a wrong clock."""

import asyncio
import os
import shutil
import sys
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from probes.errors import ProbeError
from probes.onvif.clock import ClockSource, clock_reason, device_clock
from probes.onvif.discovery import discover, knock
from probes.onvif.survey import Survey, survey
from probes.reasons import Reason
from probes.result import Credential, Target
from probes.web import Web
from tests.namespaces import inside, namespace
from tests.probes.climbing import Gate, now
from tests.servers import says_ready, started

HERE = Path(__file__).parent
IPYCAM = HERE.parents[1] / ".venv" / "ipycam"
USER, PASSWORD = "admin", "admin12345"
HTTP, RTSP, WEB = 18083, 18591, 18084  # in a namespace every port is free
HOUR_S = 3600.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Peer:
    """A namespace with one ipycam in it; its clock is ahead by ``ahead_s``."""

    network: str
    ahead_s: float

    def ask(self, work: Callable[[Target, Web], Awaitable[T]], password: str = PASSWORD) -> T:
        """Do ``work`` inside the namespace."""

        async def story() -> T:
            target = Target(
                eye="E1",
                host="127.0.0.1",
                port=RTSP,
                onvif_port=HTTP,
                credential=Credential("c1", USER, password),
            )
            web = Web()
            try:
                return await work(target, web)
            finally:
                await web.close()

        return inside(self.network, lambda: asyncio.run(story()))


@pytest.fixture(
    scope="module", params=[pytest.param(0.0, id="clock_right"), pytest.param(HOUR_S, id="clock_ahead")]
)
def ipycam(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    folder = tmp_path_factory.mktemp("ipycam")
    ahead_s: float = request.param
    faketime = [shutil.which("faketime") or "faketime", "-f", f"+{ahead_s:g}s"] if ahead_s else []
    with namespace(routes=("224.0.0.0/4 dev lo",)) as name:
        argv: list[str | Path] = ["ip", "netns", "exec", name, *faketime, sys.executable]
        argv += [HERE / "ipycam_sim.py"]
        argv += [str(HTTP), str(RTSP), str(WEB), USER, PASSWORD]
        environment = os.environ | {"PYTHONPATH": str(IPYCAM)}
        with started(
            argv, log=folder / "ipycam.log", ready=says_ready, env=environment, cwd=folder, deadline_s=40
        ):
            yield Peer(name, ahead_s)


async def _survey(target: Target, web: Web, gate: Gate) -> Survey:
    clock = await device_clock(target, web, now)
    return await survey(target, web, gate, clock, now=now)


def test_its_clock_is_read_without_a_login(ipycam: Peer) -> None:
    clock = ipycam.ask(lambda target, web: device_clock(target, web, now))
    assert clock.source is ClockSource.HTTP  # it asks for a login before it tells the time (F011)
    assert clock.offset_s == pytest.approx(ipycam.ahead_s, abs=1.5)
    assert clock_reason(clock) is (Reason.CLOCK_TZ_SUSPECT if ipycam.ahead_s else Reason.OK)


def test_it_is_surveyed_whatever_its_clock(ipycam: Peer) -> None:
    """It refuses every token that lies 300 s off its own clock (F009)."""
    gate = Gate()
    found = ipycam.ask(lambda target, web: _survey(target, web, gate))
    assert found.identity.manufacturer
    assert found.identity.serial
    assert found.channels[0].path is not None
    assert found.channels[0].codec == "H264"
    assert found.channels[0].rtsp_port == RTSP
    assert found.channels[0].snapshot_path is not None
    assert gate.refused == 0


def test_a_wrong_password_costs_one_try(ipycam: Peer) -> None:
    gate = Gate()
    for _ in range(2):
        with pytest.raises(ProbeError) as refused:
            ipycam.ask(lambda target, web: _survey(target, web, gate), password="wrong")
        assert refused.value.reason is Reason.AUTH_REJECTED
    assert gate.refused == 1


def test_it_is_found_by_multicast(ipycam: Peer) -> None:
    (found,) = ipycam.ask(lambda target, web: discover(interface="127.0.0.1", seconds=0.6))
    assert (found.host, found.onvif_port) == ("127.0.0.1", HTTP)


def test_it_is_found_in_a_list(ipycam: Peer) -> None:
    found = ipycam.ask(lambda target, web: discover(["127.0.0.1", "127.0.0.9"], seconds=0.6))
    assert [device.host for device in found] == ["127.0.0.1"]


def test_a_knock_asks_nobody_who_wants_a_login_for_the_time(ipycam: Peer) -> None:
    assert ipycam.ask(lambda target, web: knock(["127.0.0.1"], web, now, ports=[HTTP])) == ()
