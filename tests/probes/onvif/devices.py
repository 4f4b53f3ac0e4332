"""Simulated ONVIF devices for tests, and questions to them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import cast

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
HOST = "10.4.4.4"  # that tells of itself by ``match``


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


def match(
    xaddrs: str = f"http://{HOST}/onvif/device_service",
    types: str = "dn:NetworkVideoTransmitter",
    scopes: str = "onvif://www.onvif.org/name/C%E1%BB%95ng%201 onvif://www.onvif.org/hardware/DS-2CD",
) -> bytes:
    return (
        "<SOAP-ENV:Envelope><SOAP-ENV:Body><d:ProbeMatches><d:ProbeMatch><wsa:EndpointReference>"
        f"<wsa:Address>urn:uuid:1-2</wsa:Address></wsa:EndpointReference><d:Types>{types}</d:Types>"
        f"<d:Scopes>{scopes}</d:Scopes><d:XAddrs>{xaddrs}</d:XAddrs></d:ProbeMatch></d:ProbeMatches>"
        "</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


@asynccontextmanager
async def answering(
    answers: list[bytes], at: tuple[str, int] = ("127.0.0.1", 0)
) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A device that gives these answers to every probe of WS-Discovery; its port, and what it was asked."""
    asked: list[bytes] = []

    class Device(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            asked.append(data)
            for answer in answers:
                self.transport.sendto(answer, addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Device, local_addr=at)
    try:
        yield transport.get_extra_info("sockname")[1], asked
    finally:
        transport.close()
