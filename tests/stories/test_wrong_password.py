"""A wrong password for a day, on 64 channels, over RTSP, HTTP and ONVIF together: no lock, three refusals.

The clock is ours (a day passes in seconds); the recorder, its one lock for all protocols, the budget in its
database and every exchange are real.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import uvloop

from camera_registry.counters import Counters
from camera_registry.login_book import LoginBook
from camera_registry.login_states import load_states, save_in
from probes.errors import ProbeError
from probes.ladder import climb
from probes.logins import LoginGate
from probes.onvif.clock import device_clock
from probes.onvif.device import Device
from probes.reasons import Reason
from probes.result import Credential, Depth, Target
from probes.simulator import Auth, CameraSpec, Fleet, Simulator
from probes.simulator.clips import ClipSpec
from probes.simulator.faces import HttpSpec, Maker, OnvifSpec
from probes.simulator.fleet import Start
from probes.web import Web
from tests.probes.climbing import SENSES
from tests.stories.programs import Home, opened
from tests.stories.test_recorder import NOON, Clock

CHANNELS, AT_ONCE = 64, 6
EVERY = timedelta(minutes=47)  # in no step with the budget's times
DAY = timedelta(hours=24)
WRONG, RIGHT = Credential("1", "viewer", "last year's"), Credential("2", "viewer", "this year's")

Ask = Callable[[Target, Web, LoginGate, Clock], Awaitable[Reason]]


def recorder() -> CameraSpec:
    return CameraSpec(
        "R",
        channels=CHANNELS,
        paths=("/Streaming/Channels/{channel}02",),
        auth=(Auth.SHA256, Auth.MD5),
        user=RIGHT.user,
        password=RIGHT.password,
        lock_after=5,
        sessions=CHANNELS,
        start=Start.IDR,
        clip=ClipSpec(width=320, height=184),
        http=HttpSpec(maker=Maker.HIKVISION, onvif=OnvifSpec()),
    )


async def over_rtsp(target: Target, web: Web, logins: LoginGate, clock: Clock) -> Reason:
    result = await climb(target, Depth.LIVENESS, logins=logins, senses=SENSES, clock=clock)
    return result.verdicts[0].reason


async def over_http(target: Target, web: Web, logins: LoginGate, clock: Clock) -> Reason:
    path = f"/ISAPI/Streaming/channels/{target.channel}01/picture"
    answer = await web.request(target, "GET", path, logins=logins, credential=target.credential)
    return Reason.OK if answer.status == 200 else Reason.SNAPSHOT_HTTP_ERROR


async def over_onvif(target: Target, web: Web, logins: LoginGate, clock: Clock) -> Reason:
    device = Device(target, web, logins, await device_clock(target, web, clock), clock)
    await device.identity()
    return Reason.OK


PROTOCOLS: tuple[Ask, ...] = (over_rtsp, over_http, over_onvif)


async def ask_all(targets: list[Target], web: Web, logins: LoginGate, clock: Clock) -> Counter[Reason]:
    """Every channel over every protocol, a dozen at a time; what came of it."""
    places = asyncio.Semaphore(AT_ONCE)

    async def asked(ask: Ask, target: Target) -> Reason:
        async with places:
            try:
                return await ask(target, web, logins, clock)
            except ProbeError as error:
                return error.reason

    return Counter(await asyncio.gather(*(asked(ask, target) for target in targets for ask in PROTOCOLS)))


def test_a_wrong_password_for_a_day_over_three_protocols(home: Home) -> None:
    clock = Clock()

    async def story() -> None:
        spec, web = recorder(), Web()
        with opened(home) as database:
            database.migrate()

            def book() -> LoginBook:
                return LoginBook(load_states(database), save_in(database), clock, Counters.new())

            async with Simulator(Fleet((spec,)), clock=clock.since_noon) as sim:
                (host, port), (_, web_port) = sim.address_of("R"), sim.web_address_of("R")
                targets = [
                    Target(
                        f"E{channel}",
                        host,
                        port,
                        spec.path(channel),
                        credential=WRONG,
                        web_port=web_port,
                        onvif_port=web_port,
                        channel=channel,
                    )
                    for channel in range(1, CHANNELS + 1)
                ]
                rounds = 0
                heard = Counter[Reason]()
                refused: list[datetime] = []
                logins = book()
                while clock.now < NOON + DAY:
                    if rounds % 10 == 9:
                        logins = book()  # the monitor is started anew
                    heard += await ask_all(targets, web, logins, clock)
                    counted = sim.counters()
                    refused += [clock.now] * (counted.logins_refused - len(refused))
                    clock.now += EVERY
                    rounds += 1
                assert counted.locks == 0
                assert 1 <= len(refused) <= 3
                assert all(b - a >= timedelta(minutes=35) for a, b in pairwise(refused))
                assert heard.keys() == {Reason.AUTH_REJECTED, Reason.AUTH_SUSPENDED}
                assert heard.total() == rounds * CHANNELS * len(PROTOCOLS)
                assert counted.sessions_opened == 0

                # The password of the registry is put right: a new credential, tried at once.
                right = [replace(target, credential=RIGHT) for target in targets]
                assert await ask_all(right, web, logins, clock) == {Reason.OK: CHANNELS * len(PROTOCOLS)}
                assert sim.counters().logins_refused == len(refused)
        await web.close()

    uvloop.run(story())
