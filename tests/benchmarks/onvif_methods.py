"""One way to ask cameras over ONVIF, in a process of its own: the time, the identity, where the snapshot is.

usage: python -m tests.benchmarks.onvif_methods NAME JSON   (prints one JSON object)
"""

import json
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, TypedDict

import uvloop

from probes.logins import NO_TIME, LoginOutcome, Permit
from probes.result import Credential, LoginKey, Target
from probes.web import Web
from tests.benchmarks.onvif_zeep import peak, rss

Each = Callable[[Callable[[], Awaitable[object]]], Awaitable[None]]  # asks one camera, and measures that


class Asked(TypedDict):
    """What a method is told."""

    hosts: list[str]
    port: int
    user: str
    password: str
    profile: str


class Permissive:
    """Every login is allowed: these cameras lock nobody."""

    async def reserve(self, key: LoginKey) -> Permit:
        return Permit(canary=False, proven=True)

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        return None


def now() -> datetime:
    return datetime.now(UTC)


def target(asked: Asked, host: str) -> Target:
    return Target(
        eye=host,
        host=host,
        onvif_port=asked["port"],
        credential=Credential("c1", asked["user"], asked["password"]),
    )


async def ours(asked: Asked, each: Each) -> None:
    """The port of ours over onvif-zeep-async, after the anonymous clock."""
    from probes.onvif.answers import MEDIA, Profile
    from probes.onvif.clock import device_clock
    from probes.onvif.device import Device

    web = Web()

    async def ask(host: str) -> object:
        eye = target(asked, host)
        device = Device(eye, web, Permissive(), await device_clock(eye, web, now), now)
        await device.identity()
        await device.snapshot_uri(Profile(asked["profile"], MEDIA))
        return device

    for host in asked["hosts"]:
        await each(partial(ask, host))
    await web.close()


async def clock(asked: Asked, each: Each) -> None:
    """What is asked in every cycle: the anonymous clock alone."""
    from probes.onvif.clock import device_clock

    web = Web()
    for host in asked["hosts"]:
        eye = target(asked, host)
        await each(partial(device_clock, eye, web, now))
    await web.close()


async def zeep_async(asked: Asked, each: Each) -> None:
    """onvif-zeep-async as it comes."""
    from onvif import ONVIFCamera

    kept: list[Any] = []

    async def ask(host: str) -> object:
        camera = ONVIFCamera(host, asked["port"], asked["user"], asked["password"], adjust_time=True)
        kept.append(camera)
        await camera.update_xaddrs()
        device = await camera.create_devicemgmt_service()
        await device.GetDeviceInformation()
        await camera.get_snapshot_uri(asked["profile"])
        return camera

    for host in asked["hosts"]:
        await each(partial(ask, host))
    for camera in kept:
        await camera.close()


METHODS = {"ours": ours, "clock": clock, "onvif-zeep-async": zeep_async}


async def run(name: str, asked: Asked) -> dict[str, Any]:
    kept: list[object] = []
    cpu_ms: list[float] = []
    rss_kb: list[float] = []

    async def each(ask: Callable[[], Awaitable[object]]) -> None:
        began, before = time.process_time(), rss()
        kept.append(await ask())
        cpu_ms.append(1000 * (time.process_time() - began))
        rss_kb.append(rss() - before)

    await METHODS[name](asked, each)
    return {"cpu_ms": cpu_ms, "rss_kb": rss_kb, "peak_kb": peak()}


if __name__ == "__main__":
    print(json.dumps(uvloop.run(run(sys.argv[1], json.loads(sys.argv[2])))))
