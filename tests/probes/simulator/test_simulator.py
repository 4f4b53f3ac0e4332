"""A simulated city as its visitors find it: logins, limits, faults, and the counters that tell of them."""

import asyncio
import http.client
import json
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import uvloop

from probes.simulator import (
    Auth,
    CameraSpec,
    Carries,
    ClipSpec,
    Codec,
    Fault,
    FaultKind,
    Fleet,
    Simulator,
    Start,
)
from tests.probes.simulator.visitor import Visitor, packet_of

SMALL = ClipSpec(width=320, height=180)
LOOPS = [pytest.param(asyncio.run, id="asyncio"), pytest.param(uvloop.run, id="uvloop")]
Runner = Callable[[Coroutine[Any, Any, None]], None]


class Hands:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def city(*cameras: CameraSpec, clock: Hands | None = None) -> Simulator:
    return Simulator(Fleet(cameras), clock=clock)


def visit(sim: Simulator, name: str = "cam", *, tls: bool = False, channel: int = 1) -> Any:
    return Visitor.at(sim.address_of(name), sim.spec_of(name).path(channel), tls=tls)


def camera(**changes: Any) -> CameraSpec:
    settings: dict[str, Any] = {"name": "cam", "clip": SMALL, "start": Start.IDR}
    return CameraSpec(**(settings | changes))


# -- a healthy camera --------------------------------------------------------------------------------------


async def test_a_session_flows_and_is_counted() -> None:
    async with city(camera()) as sim:
        async with await visit(sim) as visitor:
            assert (await visitor.ask("OPTIONS")).status == 200
            sdp = await visitor.ask("DESCRIBE")
            assert "a=rtpmap:96 H264/90000" in sdp.body
            assert (await visitor.play()).status == 200
            packets = await visitor.packets(0.35)
            assert sim.counters().sessions_open == 1
            visitor.say("TEARDOWN", visitor.base)
            assert (await visitor.reply()).status == 200
        counted = sim.counters("cam")
    stamps = list(dict.fromkeys(packet.timestamp for packet in packets))
    assert len(stamps) in (3, 4)
    assert {later - earlier for earlier, later in pairwise(stamps)} == {9000}
    numbers = [packet.sequence for packet in packets]
    assert numbers == [(numbers[0] + n) % 65536 for n in range(len(numbers))]
    assert sum(packet.marker for packet in packets) == len(stamps)
    assert counted.as_dict() == {
        "connections": 1, "requests": 5, "logins_accepted": 0, "logins_refused": 0, "locks": 0,
        "sessions_opened": 1, "sessions_open": 0, "sessions_peak": 1, "sessions_refused": 0,
        "sessions_dropped": 0, "teardowns": 1, "web_requests": 0, "snapshots": 0, "subscriptions": 0,
        "searches_open": 0,
    }  # fmt: skip


async def test_a_visitor_who_leaves_without_teardown_is_counted() -> None:
    async with city(camera()) as sim:
        async with await visit(sim) as visitor:
            await visitor.play()
        await until(lambda: sim.counters().sessions_dropped == 1)
        assert sim.counters().sessions_open == 0


async def test_most_cameras_begin_in_the_middle_of_a_group() -> None:
    hands = Hands()
    async with city(camera(start=Start.LIVE), clock=hands) as sim:
        begins = set[int]()
        for hands.at in (0.0, 0.3, 0.6):
            async with await visit(sim) as visitor:
                await visitor.play()
                begins.add((await visitor.packets(0.05))[0].payload[0] & 0x1F)
    assert 1 in begins  # a P-frame's slice


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("codec", "name"), [(Codec.H264, "h264"), (Codec.H265, "hevc"), (Codec.MJPEG, "mjpeg")]
)
async def test_ffprobe_decodes_it(codec: Codec, name: str, transport: str) -> None:
    spec = camera(
        auth=(Auth.MD5,), clip=ClipSpec(codec, 320, 184), paths=("/cam/realmonitor?channel={channel}",)
    )
    async with city(spec) as sim:
        host, port = sim.address_of("cam")
        url = f"rtsp://{spec.user}:{quote(spec.password)}@{host}:{port}{spec.path()}"
        probe = await asyncio.create_subprocess_exec(
            "ffprobe", "-v", "error", "-rtsp_transport", transport, "-read_intervals", "%+1", "-count_frames",
            "-show_entries", "stream=codec_name,width,height,nb_read_frames", "-of", "json", url,
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, _ = await probe.communicate()
        counted = sim.counters()
    stream = json.loads(said)["streams"][0]
    assert (stream["codec_name"], stream["width"], stream["height"]) == (name, 320, 184)
    assert int(stream["nb_read_frames"]) >= 5
    assert (counted.logins_accepted, counted.logins_refused, counted.teardowns) == (1, 0, 1)


async def test_udp_only_and_tcp_only_answer_461_to_the_other() -> None:
    async with city(camera(transport=Carries.UDP), camera(name="b", transport=Carries.TCP)) as sim:
        async with await visit(sim) as visitor:
            assert (await visitor.play()).status == 461
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ours:
                ours.bind(("127.0.0.1", 0))
                ours.setblocking(False)
                port = ours.getsockname()[1]
                played = await visitor.play(f"RTP/AVP;unicast;client_port={port}-{port + 1}")
                assert played.status == 200
                async with asyncio.timeout(2):
                    raw = await asyncio.get_running_loop().sock_recv(ours, 2000)
                assert packet_of(raw).payload[0] & 0x1F == 7
        async with await visit(sim, "b") as visitor:
            assert (await visitor.play("RTP/AVP;unicast;client_port=5000-5001")).status == 461


async def test_rtsps_with_a_certificate_of_its_own() -> None:
    async with city(camera(tls=True)) as sim, await visit(sim, tls=True) as visitor:
        assert (await visitor.play()).status == 200
        assert await visitor.packets(0.15)


# -- logins ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("qop", [True, False])
@pytest.mark.parametrize("auth", [a for a in Auth if a is not Auth.BASIC])
async def test_every_digest_lets_the_right_password_in(auth: Auth, qop: bool) -> None:
    async with city(camera(auth=(auth,), qop=qop)) as sim:
        async with await visit(sim) as visitor:
            assert (await visitor.login("DESCRIBE", "monitor", "loopback-only")).status == 200
        async with await visit(sim) as visitor:
            assert (await visitor.login("DESCRIBE", "monitor", "guess")).status == 401
        assert (sim.counters().logins_accepted, sim.counters().logins_refused) == (1, 1)


async def test_challenges_come_in_the_order_given() -> None:
    async with city(camera(auth=(Auth.SHA256, Auth.MD5, Auth.BASIC))) as sim, await visit(sim) as visitor:
        first = await visitor.ask("DESCRIBE")
        assert ["SHA-256" in c for c in first.challenges] == [True, False, False]
        assert first.challenges[2].startswith("Basic")
        assert (await visitor.login("DESCRIBE", "monitor", "loopback-only", offer=1)).status == 200
        encoded = "bW9uaXRvcjpsb29wYmFjay1vbmx5"
        assert (await visitor.ask("DESCRIBE", f"Authorization: Basic {encoded}")).status == 200
        assert (await visitor.ask("DESCRIBE", "Authorization: Basic nonsense")).status == 401


async def test_an_expired_nonce_is_told_and_is_no_refused_login() -> None:
    async with city(camera(auth=(Auth.MD5,), stale_once=True)) as sim:
        async with await visit(sim) as visitor:
            stale = await visitor.login("DESCRIBE", "monitor", "loopback-only")
            assert stale.status == 401
            assert "stale=true" in stale.challenges[0]
            assert (await visitor.login("DESCRIBE", "monitor", "loopback-only")).status == 200
        assert (sim.counters().logins_accepted, sim.counters().logins_refused) == (1, 0)


@pytest.mark.parametrize("told", [False, True])
async def test_a_guesser_is_locked_out_with_the_right_password_too(told: bool) -> None:
    hands = Hands()
    spec = camera(auth=(Auth.MD5,), channels=8, lock_after=3, lock_s=1800, lock_told=told)
    async with city(spec, clock=hands) as sim:
        for channel in (1, 2, 3):
            async with await visit(sim, channel=channel) as visitor:
                assert (await visitor.login("DESCRIBE", "monitor", "guess")).status == 401
        assert sim.counters().locks == 1
        hands.at = 1799
        async with await visit(sim, channel=4) as visitor:
            answer = await visitor.login("DESCRIBE", "monitor", "loopback-only")
            assert answer.status == 401
            assert ("locked" in answer.phrase) is told
        hands.at = 1801
        async with await visit(sim, channel=4) as visitor:
            assert (await visitor.login("DESCRIBE", "monitor", "loopback-only")).status == 200
        assert (sim.counters().logins_refused, sim.counters().locks) == (4, 1)


async def test_a_good_login_clears_the_count() -> None:
    async with city(camera(auth=(Auth.MD5,), lock_after=2)) as sim:
        for password in ("guess", "loopback-only", "guess", "loopback-only"):
            async with await visit(sim) as visitor:
                await visitor.login("DESCRIBE", "monitor", password)
        assert (sim.counters().logins_refused, sim.counters().locks) == (2, 0)


# -- limits ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("busy", [453, 503])
async def test_a_recorder_has_only_so_many_sessions(busy: int) -> None:
    async with city(camera(channels=4, sessions=2, busy=busy)) as sim:
        first, second, third = [await visit(sim, channel=channel) for channel in (1, 2, 3)]
        assert [(await v.play()).status for v in (first, second, third)] == [200, 200, busy]
        assert (sim.counters().sessions_peak, sim.counters().sessions_refused) == (2, 1)
        assert (await first.ask("TEARDOWN")).status == 200
        assert (await third.play()).status == 200
        for visitor in (first, second, third):
            await visitor.__aexit__()


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"x" * 20_000, id="endless line"),
        pytest.param(b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n", id="huge body"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
        pytest.param(b"\xff\xfe\r\n\r\n", id="no text"),
    ],
)
async def test_a_stranger_is_read_only_so_far(sent: bytes) -> None:
    async with city(camera()) as sim:
        async with await visit(sim) as visitor:
            visitor.writer.write(sent)
            async with asyncio.timeout(2):
                try:
                    said = await visitor.reader.read()
                except ConnectionResetError:
                    said = b""
        assert said in (b"", b"RTSP/1.0 400 Bad Request\r\n\r\n")


# -- faults ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "method", "status"),
    [
        pytest.param(FaultKind.SERVER_ERROR, "DESCRIBE", 500, id="500"),
        pytest.param(FaultKind.NOT_FOUND, "DESCRIBE", 404, id="404"),
        pytest.param(FaultKind.BUSY, "SETUP", 453, id="453"),
        pytest.param(FaultKind.UNAVAILABLE, "SETUP", 503, id="503"),
    ],
)
async def test_a_fault_is_an_answer_on_its_channel_and_passes(
    kind: FaultKind, method: str, status: int
) -> None:
    hands = Hands()
    spec = camera(channels=2, faults=(Fault(kind, 10, 20, channel=2),))
    wanted = "Transport: RTP/AVP/TCP;unicast;interleaved=0-1"
    async with city(spec, clock=hands) as sim:
        said = list[tuple[int, int]]()
        for hands.at in (9, 10, 20):
            async with await visit(sim) as healthy, await visit(sim, channel=2) as faulty:
                said.append(
                    ((await healthy.ask(method, wanted)).status, (await faulty.ask(method, wanted)).status)
                )
    assert said == [(200, 200), (200, status), (200, 200)]


@pytest.mark.parametrize("kind", [FaultKind.WRONG_PASSWORD, FaultKind.LOCKED])
async def test_the_right_password_is_refused(kind: FaultKind) -> None:
    async with city(camera(auth=(Auth.SHA256,), faults=(Fault(kind),))) as sim:
        async with await visit(sim) as visitor:
            assert (await visitor.login("DESCRIBE", "monitor", "loopback-only")).status == 401
        assert (sim.counters().logins_refused, sim.counters().locks) == (1, 0)


async def test_a_login_may_be_echoed_in_the_urls() -> None:
    spec = camera(auth=(Auth.MD5,), faults=(Fault(FaultKind.ECHO),))
    async with city(spec) as sim, await visit(sim) as visitor:
        sdp = await visitor.login("DESCRIBE", "monitor", "loopback-only")
        assert sdp.headers["content-base"].startswith("rtsp://monitor:loopback-only@127.0.0.1:")
        assert "a=control:rtsp://monitor:loopback-only@127.0.0.1:" in sdp.body


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [
        pytest.param(FaultKind.ENDLESS_HEADER, 50_000, None, id="endless header"),
        pytest.param(FaultKind.HUGE_SDP, 1_000_000, None, id="huge sdp"),
        pytest.param(FaultKind.DRIPPING, 2, 500, id="dripping"),
    ],
)
async def test_an_answer_that_is_not_meant_to_be_read(kind: FaultKind, least: int, most: int | None) -> None:
    async with city(camera(faults=(Fault(kind),))) as sim, await visit(sim) as visitor:
        visitor.say("DESCRIBE", visitor.base)
        raw = 0
        with suppress(TimeoutError):
            async with asyncio.timeout(0.4):
                while part := await visitor.reader.read(65536):
                    raw += len(part)
    assert raw >= least
    assert most is None or raw <= most


async def test_ten_thousand_tracks() -> None:
    async with city(camera(faults=(Fault(FaultKind.MANY_TRACKS),))) as sim, await visit(sim) as visitor:
        sdp = await visitor.ask("DESCRIBE")
    assert sdp.body.count("m=") == 10_000


async def test_who_comes_again_does_not_see_the_same_picture() -> None:
    """Evenly spaced visits would meet the same keyframe of a loop each time, and call it frozen."""
    hands = Hands()
    async with city(camera(), clock=hands) as sim:
        firsts = set[bytes]()
        for hands.at in (0.0, 11.0, 22.0, 33.0):
            async with await visit(sim) as visitor:
                await visitor.play()
                firsts.add(b"".join(packet.payload for packet in (await visitor.packets(0.05))[:5]))
    assert len(firsts) == 4


async def test_silence() -> None:
    async with city(camera(faults=(Fault(FaultKind.SILENT),))) as sim:
        async with await visit(sim) as visitor:
            visitor.say("OPTIONS", visitor.base)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await visitor.reply()
        assert sim.counters().requests == 1


async def test_slowness_delays_each_answer_and_the_media_behind_it() -> None:
    async with city(camera(faults=(Fault(FaultKind.SLOW, value=0.1),))) as sim, await visit(sim) as visitor:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        assert (await visitor.play()).status == 200
        assert loop.time() - begin >= 0.19
        assert await visitor.packets(0.1)


async def test_no_rtp_and_a_stall() -> None:
    async with (
        city(
            camera(faults=(Fault(FaultKind.NO_RTP),)),
            camera(name="b", faults=(Fault(FaultKind.STALL, value=2),)),
        ) as sim,
        await visit(sim) as visitor,
        await visit(sim, "b") as stalling,
    ):
        assert [(await v.play()).status for v in (visitor, stalling)] == [200, 200]
        assert await visitor.packets(0.2) == []
        packets = await stalling.packets(0.4)
    assert len({packet.timestamp for packet in packets}) == 2
    assert not any(is_idr(packet.payload) for packet in packets)


async def test_no_keyframe_ever_or_not_for_long() -> None:
    quick = ClipSpec(width=128, height=72, fps=50, gop_s=0.1)
    never, rarely = Fault(FaultKind.NO_KEYFRAME), Fault(FaultKind.LONG_GOP, value=20)
    async with city(
        camera(clip=quick), camera(name="b", clip=quick, faults=(never,)),
        camera(name="c", clip=quick, faults=(rarely,)),
    ) as sim:  # fmt: skip
        seen = list[int]()
        for name in ("cam", "b", "c"):
            async with await visit(sim, name) as visitor:
                await visitor.play()
                seen.append(sum(is_idr(packet.payload) for packet in await visitor.packets(0.4)))
    assert seen[0] >= 3
    assert seen[1:] == [0, 1]


async def test_garbage_stands_between_good_frames() -> None:
    async with (
        city(camera(clip=ClipSpec(width=128, height=72, fps=50), faults=(Fault(FaultKind.GARBAGE),))) as sim,
        await visit(sim) as visitor,
    ):
        await visitor.play()
        raw = b""
        async with asyncio.timeout(2):
            while len(raw) < 20_000:
                raw += await visitor.reader.read(65536)
    at, good = 0, 0
    while at < len(raw) and raw[at] == 0x24:
        at += 4 + int.from_bytes(raw[at + 2 : at + 4], "big")
        good += 1
    assert good >= 2
    assert b"$\0" in raw[at:]  # framing was lost, and there is something to find again


async def test_a_truncated_keyframe_shows_in_the_sequence() -> None:
    async with city(camera(faults=(Fault(FaultKind.TRUNCATED),))) as sim, await visit(sim) as visitor:
        await visitor.play()
        packets = await visitor.packets(0.15)
    numbers = [packet.sequence for packet in packets]
    assert any((b - a) % 65536 > 1 for a, b in pairwise(numbers))


async def test_teardown_may_go_unanswered_and_is_counted_all_the_same() -> None:
    async with city(camera(faults=(Fault(FaultKind.TEARDOWN_IGNORED),))) as sim:
        async with await visit(sim) as visitor:
            await visitor.play()
            visitor.say("TEARDOWN", visitor.base)
            await until(lambda: sim.counters().teardowns == 1)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await visitor.reply()
        assert (sim.counters().sessions_open, sim.counters().sessions_dropped) == (0, 0)


@pytest.mark.parametrize("run", LOOPS)
def test_a_listener_refuses_and_comes_back_at_the_same_port(run: Runner) -> None:
    async def story() -> None:
        hands = Hands()
        spec = camera(faults=(Fault(FaultKind.REFUSED, 10, 20), Fault(FaultKind.FILTERED, 20, 30)))
        async with city(spec, clock=hands) as sim:
            address = sim.address_of("cam")
            async with await visit(sim) as visitor:
                assert (await visitor.ask("OPTIONS")).status == 200
            hands.at = 10
            sim.follow()
            with pytest.raises(ConnectionRefusedError):
                await visit(sim)
            hands.at = 20
            sim.follow()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.2):
                    await asyncio.open_connection(*address)
            hands.at = 30
            sim.follow()
            async with await visit(sim) as visitor:
                assert (await visitor.ask("OPTIONS")).status == 200
            assert sim.address_of("cam") == address

    run(story())


@pytest.mark.parametrize("run", LOOPS)
def test_a_reset_and_a_broken_tls(run: Runner) -> None:
    async def story() -> None:
        broken = camera(name="b", tls=True, faults=(Fault(FaultKind.TLS),))
        async with city(camera(faults=(Fault(FaultKind.RESET),)), broken) as sim:
            async with await visit(sim) as visitor:
                with pytest.raises(ConnectionResetError):
                    await visitor.ask("OPTIONS")
            with pytest.raises(ssl.SSLError):
                await visit(sim, "b", tls=True)
            assert sim.counters().sessions_dropped == 0

    run(story())


async def test_listeners_follow_the_script_by_themselves() -> None:
    async with city(camera(faults=(Fault(FaultKind.REFUSED, 0, 0.2),))) as sim:
        with pytest.raises(ConnectionRefusedError):
            await visit(sim)
        await until(lambda: sim.at() > 0.3)
        async with await visit(sim) as visitor:
            assert (await visitor.ask("OPTIONS")).status == 200


async def test_another_script_can_be_played_at_any_time() -> None:
    async with city(camera()) as sim:
        await sim.play("cam", Fault(FaultKind.REFUSED))
        with pytest.raises(ConnectionRefusedError):
            await visit(sim)
        await sim.play("cam", Fault(FaultKind.NOT_FOUND))
        assert sim.truth("cam", 1, sim.at()) == sim.spec_of("cam").truth(1, 0)
        async with await visit(sim) as visitor:
            assert (await visitor.ask("DESCRIBE")).status == 404
        await sim.play("cam")
        async with await visit(sim) as visitor:
            assert (await visitor.ask("DESCRIBE")).status == 200


async def test_an_address_in_use_is_an_error_that_leaves_nothing_open() -> None:
    async with city(camera()) as sim:
        host, port = sim.address_of("cam")
        with pytest.raises(OSError, match="in use"):
            async with city(camera(name="free"), camera(host=host, port=port)):
                pass


# -- the program -------------------------------------------------------------------------------------------


def test_the_program_serves_a_city_counts_and_stops(tmp_path: Path) -> None:
    """953 channels, HTTP beside RTSP, in one process: far below 600 MB, counters by HTTP and at the end."""
    fleet = tmp_path / "fleet.toml"
    fleet.write_text(
        "[defaults.http.onvif]\nprofile_g = true\n"
        '[[camera]]\nname = "h264-{n}"\ncount = 600\nhost = "127.61.0.1"\n'
        '[[camera]]\nname = "h265-{n}"\ncount = 289\nhost = "127.62.0.1"\ncodec = "h265"\n'
        '[[recorder]]\nname = "recorder"\nhost = "127.63.0.1"\nchannels = 64\n'
    )
    program = subprocess.Popen(
        [sys.executable, "-m", "probes.simulator", fleet], stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).parents[3],
    )  # fmt: skip
    assert program.stdout is not None
    try:
        word, _, rest = program.stdout.readline().partition(" ")
        ready = json.loads(rest)
        assert (word, ready["channels"]) == ("READY", 953)
        counted = fetched(ready["control"])
        assert len(counted["cameras"]) == 890
        assert counted["total"]["connections"] == 0
        resident_kb = int(Path(f"/proc/{program.pid}/status").read_text().split("VmHWM:")[1].split()[0])
        assert resident_kb < 200_000
        program.send_signal(signal.SIGTERM)
        last, _ = program.communicate(timeout=10)
        assert json.loads(last)["total"] == counted["total"]
        assert program.returncode == 0
    finally:
        program.kill()
        program.wait()
        program.stdout.close()


def test_the_program_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text('[[camera]]\nname = "a"\nport = -1\n')
    done = subprocess.run(
        [sys.executable, "-m", "probes.simulator", path], capture_output=True, text=True,
        cwd=Path(__file__).parents[3], check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == f"{path}: camera[1].port: must be 0..65535, got -1\n"


# -- helpers -----------------------------------------------------------------------------------------------


def fetched(url: str) -> Any:
    control = http.client.HTTPConnection(urlsplit(url).netloc, timeout=5)
    control.request("GET", urlsplit(url).path)
    answer = json.load(control.getresponse())
    control.close()
    return answer


def is_idr(payload: bytes) -> bool:
    kind = payload[0] & 0x1F
    if kind == 28:
        return bool(payload[1] & 0x80) and payload[1] & 0x1F == 5
    return kind == 5


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)
