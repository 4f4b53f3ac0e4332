"""Simulated ONVIF devices for tests, and questions to them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from probes.onvif.clock import DeviceClock, device_clock
from probes.onvif.conversation import LIMITS
from probes.onvif.survey import Survey, survey
from probes.result import Credential, Target
from probes.simulator.counters import Counters
from probes.simulator.faces import Auth, HttpSpec, OnvifSpec
from probes.simulator.fleet import CameraSpec, Fleet
from probes.simulator.simulator import Simulator
from probes.web import Web, WebLimits
from tests.probes.climbing import Gate, now

PASSWORD = "kh#ông:đoán"


@dataclass
class Asking:
    """One simulated device and what is needed to ask it."""

    simulator: Simulator
    name: str
    target: Target
    web: Web
    gate: Gate
    limits: WebLimits = LIMITS

    @property
    def counters(self) -> Counters:
        return self.simulator.counters(self.name)

    async def clock(self) -> DeviceClock:
        return await device_clock(self.target, self.web, now)

    async def survey(self, password: str = PASSWORD) -> Survey:
        """As commissioning does it: the clock first, then everything."""
        target = replace(self.target, credential=Credential("c1", "admin", password))
        return await survey(target, self.web, self.gate, await self.clock(), now=now, limits=self.limits)


@asynccontextmanager
async def device(
    http: HttpSpec, onvif: OnvifSpec, *, channels: int = 1, host: str = "127.0.0.1"
) -> AsyncIterator[Asking]:
    """A camera that speaks RTSP, HTTP and ONVIF while the block lasts."""
    spec = CameraSpec(
        name="cam",
        host=host,
        port=0,
        channels=channels,
        paths=("/Streaming/Channels/{channel}01", "/Streaming/Channels/{channel}02"),
        auth=(Auth.MD5,),
        user="admin",
        password=PASSWORD,
        http=replace(http, onvif=onvif),
    )
    async with Simulator(Fleet((spec,))) as simulator:
        _, rtsp_port = simulator.address_of("cam")
        _, web_port = simulator.web_address_of("cam")
        target = Target(
            eye="E1",
            host=host,
            port=rtsp_port,
            web_port=web_port,
            onvif_port=web_port,
            web_tls=http.tls,
            credential=Credential("c1", "admin", PASSWORD),
        )
        web = Web()
        try:
            yield Asking(simulator, "cam", target, web, Gate())
        finally:
            await web.close()
