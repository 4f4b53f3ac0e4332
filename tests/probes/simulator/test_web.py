"""The HTTP face of a simulated camera as its visitors find it."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import av
import pytest
import uvloop

from probes.simulator import (
    Auth,
    CameraSpec,
    ClipSpec,
    Fault,
    FaultKind,
    Fleet,
    HttpSpec,
    KeepAlive,
    Maker,
    OnvifSpec,
    Simulator,
    SnapshotUri,
)
from tests.probes.simulator.asker import (
    Said,
    ask,
    closed,
    connected,
    envelope,
    heard,
    login,
    say,
    token,
)
from tests.probes.simulator.visitor import Visitor

SMALL = ClipSpec(width=320, height=180)
SNAPSHOT = "/snapshot.jpg?channel=1"
LOOPS = [pytest.param(asyncio.run, id="asyncio"), pytest.param(uvloop.run, id="uvloop")]


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def city(*faults: Fault, clock: Hands | None = None, **changes: Any) -> Simulator:
    """One camera with HTTP; fields of its HTTP face are given with ``http_`` before them."""
    http = {key.removeprefix("http_"): changes.pop(key) for key in list(changes) if key.startswith("http_")}
    spec = CameraSpec("cam", clip=SMALL, http=HttpSpec(**http), faults=faults, **changes)
    return Simulator(Fleet((spec,)), clock=clock)


def size_of(jpeg: bytes) -> tuple[int, int]:
    decoder = av.CodecContext.create("mjpeg", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    frame = decoder.decode(av.Packet(jpeg))[0]
    return frame.width, frame.height


# -- snapshots ---------------------------------------------------------------------------------------------


async def test_snapshots_are_pictures_and_no_two_in_a_row_are_alike() -> None:
    async with city() as sim:
        address = sim.web_address_of("cam")
        said = [await ask(address, SNAPSHOT) for _ in range(4)]
        counted = sim.counters()
    assert {(each.status, each.headers["content-type"]) for each in said} == {(200, "image/jpeg")}
    assert len({each.body for each in said}) == 4
    assert size_of(said[0].body) == (320, 180)
    assert (counted.snapshots, counted.web_requests, counted.requests) == (4, 4, 0)


@pytest.mark.parametrize("auth", [a for a in Auth if a is not Auth.BASIC])
async def test_every_digest_lets_the_right_password_in(auth: Auth) -> None:
    async with city(auth=(Auth.BASIC,), http_auth=(auth,)) as sim:
        address = sim.web_address_of("cam")
        assert (await login(address, SNAPSHOT)).status == 200
        assert (await login(address, SNAPSHOT, password="guess")).status == 401
        assert (sim.counters().logins_accepted, sim.counters().logins_refused) == (1, 1)


async def test_basic_is_what_it_is() -> None:
    async with city(auth=(Auth.BASIC,)) as sim:
        address = sim.web_address_of("cam")
        said = await ask(address, SNAPSHOT, headers=["Authorization: Basic bW9uaXRvcjpsb29wYmFjay1vbmx5"])
        assert said.status == 200


async def test_https_with_a_certificate_of_its_own() -> None:
    async with city(http_tls=True) as sim:
        assert (await ask(sim.web_address_of("cam"), SNAPSHOT, tls=True)).status == 200


async def test_the_three_protocols_share_one_lock() -> None:
    """Two refused at RTSP, one at HTTP, one at ONVIF: the fifth, with the right password, meets the lock."""
    hands = Hands()
    async with city(
        clock=hands, auth=(Auth.MD5,), lock_after=4, lock_s=1800, lock_told=True, http_onvif=OnvifSpec()
    ) as sim:
        address = sim.web_address_of("cam")
        for _ in range(2):
            async with await Visitor.at(sim.address_of("cam"), "/live/1") as visitor:
                await visitor.login("DESCRIBE", "monitor", "guess")
        await login(address, SNAPSHOT, password="guess")
        wrong = envelope("GetDeviceInformation", security=token("2026-01-01T00:00:00Z", password="guess"))
        assert (await ask(address, "/onvif/device_service", body=wrong)).status == 401
        assert sim.counters().locks == 1
        locked = await login(address, SNAPSHOT)
        assert locked.status == 401
        assert b"locked" in locked.body
        hands.at = 1801
        assert (await login(address, SNAPSHOT)).status == 200
        assert (sim.counters().logins_refused, sim.counters().locks) == (5, 1)


async def test_one_snapshot_may_be_handed_out_again_for_a_while() -> None:
    hands = Hands()
    async with city(clock=hands, http_cache_s=15) as sim:
        address = sim.web_address_of("cam")
        bodies = list[bytes]()
        for hands.at in (0, 14, 15):
            bodies.append((await ask(address, SNAPSHOT)).body)
    assert bodies[0] == bodies[1] != bodies[2]


async def test_the_date_is_that_of_the_device() -> None:
    async with city(http_clock_s=3 * 3600) as sim:
        said = await ask(sim.web_address_of("cam"), SNAPSHOT)
        device = sim.started + timedelta(hours=3, seconds=sim.at())
    assert abs(parsedate_to_datetime(said.headers["date"]) - device) < timedelta(seconds=2)


async def test_a_login_in_query_and_header_is_none() -> None:
    path = f"{SNAPSHOT}&user=monitor&password=hidden"
    async with city(auth=(Auth.MD5,), http_onvif=OnvifSpec(snapshot_uri=SnapshotUri.LOGIN)) as sim:
        assert (await login(sim.web_address_of("cam"), path)).status == 401
        assert (await login(sim.web_address_of("cam"), SNAPSHOT)).status == 200


# -- spoilt snapshots --------------------------------------------------------------------------------------

A_JPEG = (b"\xff\xd8", b"\xff\xd9")


def is_whole_jpeg(body: bytes) -> bool:
    return body.startswith(A_JPEG[0]) and body.rstrip(b"\0").endswith(A_JPEG[1])


@pytest.mark.parametrize(
    ("kind", "looks_so"),
    [
        pytest.param(
            FaultKind.SNAPSHOT_TRUNCATED,
            lambda said: said.body[:2] == A_JPEG[0] and not is_whole_jpeg(said.body),
            id="truncated",
        ),
        pytest.param(
            FaultKind.SNAPSHOT_CORRUPT, lambda said: is_whole_jpeg(said.body) and bytes(500) in said.body,
            id="corrupt",
        ),
        pytest.param(
            FaultKind.SNAPSHOT_BOMB,
            lambda said: len(said.body) == 320_000 and (30_000).to_bytes(2, "big") * 2 in said.body,
            id="bomb",
        ),
        pytest.param(
            FaultKind.SNAPSHOT_HTML,
            lambda said: said.body.startswith(b"<html>") and said.headers["content-type"] == "image/jpeg",
            id="a page",
        ),
        pytest.param(FaultKind.SNAPSHOT_EMPTY, lambda said: said.status == 200 and not said.body, id="empty"),
        pytest.param(FaultKind.SNAPSHOT_MISSING, lambda said: said.status == 404, id="404"),
        pytest.param(
            FaultKind.SNAPSHOT_REDIRECT,
            lambda said: said.status == 302 and said.headers["location"].startswith("http://127.99.99.99/"),
            id="redirect",
        ),
        pytest.param(
            FaultKind.SNAPSHOT_TYPE,
            lambda said: is_whole_jpeg(said.body) and "octet-stream" in said.headers["content-type"],
            id="type",
        ),
        pytest.param(FaultKind.WEB_ERROR, lambda said: said.status == 500, id="500"),
    ],
)  # fmt: skip
async def test_a_spoilt_snapshot(kind: FaultKind, looks_so: Callable[[Said], bool]) -> None:
    async with city(Fault(kind)) as sim:
        said = await ask(sim.web_address_of("cam"), SNAPSHOT)
    assert looks_so(said), said.headers


@pytest.mark.parametrize("kind", [FaultKind.SNAPSHOT_STALE, FaultKind.FROZEN, FaultKind.PLACEHOLDER])
async def test_what_stands_still_is_the_same_to_the_byte(kind: FaultKind) -> None:
    async with city(Fault(kind)) as sim:
        address = sim.web_address_of("cam")
        assert len({(await ask(address, SNAPSHOT)).body for _ in range(3)}) == 1


async def test_a_frozen_picture_with_a_running_clock_is_not() -> None:
    async with city(Fault(FaultKind.FROZEN_CLOCK)) as sim:
        address = sim.web_address_of("cam")
        assert len({(await ask(address, SNAPSHOT)).body for _ in range(3)}) == 3


async def test_busy_first_and_then_a_picture() -> None:
    async with city(Fault(FaultKind.SNAPSHOT_BUSY)) as sim:
        address = sim.web_address_of("cam")
        assert [(await ask(address, SNAPSHOT)).status for _ in range(4)] == [503, 200, 503, 200]


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        pytest.param(FaultKind.SNAPSHOT_DRIP, 1, 200, id="drip"),
        pytest.param(FaultKind.SNAPSHOT_ENDLESS, 200_000, None, id="endless"),
        pytest.param(FaultKind.SNAPSHOT_MULTIPART, 10_000, None, id="multipart"),
    ],
)
async def test_what_does_not_end(kind: FaultKind, least: int, most: int | None) -> None:
    async with city(Fault(kind)) as sim:
        streams = await connected(sim.web_address_of("cam"))
        say(streams, "GET", SNAPSHOT)
        await streams[0].readuntil(b"\r\n\r\n")
        body = b""
        with suppress(TimeoutError):
            async with asyncio.timeout(0.4):
                while part := await streams[0].read(65536):
                    body += part
        assert not streams[0].at_eof()
        await closed(streams)
    assert len(body) >= least
    assert most is None or len(body) <= most
    if kind is FaultKind.SNAPSHOT_MULTIPART:
        head, _, rest = body.partition(b"\r\n\r\n")
        assert head.startswith(b"--frame")
        assert rest[:2] == A_JPEG[0]


# -- the whole face ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("run", LOOPS)
def test_http_alone_goes_and_the_whole_device_goes(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    async def story() -> None:
        hands = Hands()
        faults = (Fault(FaultKind.WEB_REFUSED, 10, 20), Fault(FaultKind.REFUSED, 20, 30))
        async with city(*faults, clock=hands) as sim:
            web, rtsp = sim.web_address_of("cam"), sim.address_of("cam")
            reached = list[tuple[bool, bool]]()
            for hands.at in (0, 10, 20, 30):
                sim.follow()
                reached.append((await is_open(web), await is_open(rtsp)))
            assert sim.web_address_of("cam") == web
        assert reached == [(True, True), (False, True), (False, False), (True, True)]

    run(story())


async def is_open(address: tuple[str, int]) -> bool:
    try:
        await closed(await connected(address))
    except ConnectionRefusedError:
        return False
    return True


async def test_silence_and_slowness() -> None:
    async with city(Fault(FaultKind.WEB_SILENT)) as sim:
        streams = await connected(sim.web_address_of("cam"))
        say(streams, "GET", SNAPSHOT)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await streams[0].read(1)
        await closed(streams)
        await sim.play("cam", Fault(FaultKind.WEB_SLOW, value=0.1))
        begin = asyncio.get_running_loop().time()
        assert (await ask(sim.web_address_of("cam"), SNAPSHOT)).status == 200
        assert asyncio.get_running_loop().time() - begin >= 0.1


@pytest.mark.parametrize(
    ("keep_alive", "header", "second"),
    [
        pytest.param(KeepAlive.KEPT, "keep-alive", True, id="kept"),
        pytest.param(KeepAlive.CLOSED, "close", False, id="closed"),
        pytest.param(KeepAlive.CUT, "keep-alive", False, id="cut"),
    ],
)
async def test_a_connection_after_its_first_answer(keep_alive: KeepAlive, header: str, second: bool) -> None:
    async with city(http_keep_alive=keep_alive) as sim:
        streams = await connected(sim.web_address_of("cam"))
        say(streams, "GET", SNAPSHOT)
        assert (await heard(streams)).headers["connection"] == header
        say(streams, "GET", SNAPSHOT)
        if second:
            assert (await heard(streams)).status == 200
        else:
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await heard(streams)
        await closed(streams)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"x" * 20_000, id="endless line"),
        pytest.param(b"GET / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", id="huge body"),
        pytest.param(b"DESCRIBE / RTSP/1.0\r\n\r\n", id="another protocol"),
        pytest.param(b"\xff\xfe\r\n\r\n", id="no text"),
    ],
)
async def test_a_stranger_is_read_only_so_far(sent: bytes) -> None:
    async with city() as sim:
        streams = await connected(sim.web_address_of("cam"))
        streams[1].write(sent)
        async with asyncio.timeout(2):
            try:
                said = await streams[0].read()
            except ConnectionResetError:
                said = b""
        await closed(streams)
    assert said == b"" or said.startswith(b"HTTP/1.1 400 ")


async def test_other_paths_and_other_makers_are_not_there() -> None:
    async with city(http_maker=Maker.HIKVISION) as sim:
        address = sim.web_address_of("cam")
        for path in ("/", "/onvif/device_service", "/cgi-bin/magicBox.cgi?action=getSerialNo"):
            assert (await ask(address, path)).status == 404


async def test_a_camera_without_http_has_no_address() -> None:
    async with Simulator(Fleet((CameraSpec("cam", clip=SMALL),))) as sim:
        with pytest.raises(KeyError):
            sim.web_address_of("cam")


async def test_a_placeholder_is_one_channels_and_the_recorder_says_so() -> None:
    fault = Fault(FaultKind.PLACEHOLDER, channel=2)
    async with city(fault, channels=3, http_maker=Maker.HIKVISION) as sim:
        address = sim.web_address_of("cam")
        status = (await ask(address, "/ISAPI/ContentMgmt/InputProxy/channels/status")).text
        assert [part.split("<")[0] for part in status.split("<online>")[1:]] == ["true", "false", "true"]
        card = await ask(address, "/ISAPI/Streaming/channels/201/picture")
        assert card.body == (await ask(address, "/snapshot.jpg?channel=2")).body
        assert card.body != (await ask(address, "/snapshot.jpg?channel=1")).body
