"""Devices that mean harm: each ends in a reason, in its time, with little memory and nothing left open."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path

import pytest

from probes.errors import ProbeError
from probes.ladder import Timeouts, climb
from probes.onvif.clock import UNREADABLE, clock_reason, device_clock
from probes.onvif.survey import survey
from probes.reasons import Reason
from probes.recording.port import Vendor
from probes.recording.read import footage
from probes.result import Depth, Target
from probes.senses import Senses
from probes.snapshot import take
from probes.web import Web, WebLimits
from probes.workers import Workers
from tests.probes import hostile
from tests.probes.climbing import Gate, credential, now
from tests.probes.hostile import EVERYWHERE, RtspTrap
from tests.probes.web_server import Asked, Reply, reply, serving

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
LOGIN = credential("monitor", "p4ss #1/wörd")
MOST_GROWTH = 50 * hostile.MEGABYTE
MOST_S = 6.0  # any question of this file

RTSP_TIMES = Timeouts(
    connect=0.5, tls=0.5, answer=0.4, first_packet=0.4, window=0.2, stall=0.6,
    keyframe=0.6, longest_keyframe=0.8, session=3.0, deep_session=4.0,
)  # fmt: skip
HTTP_TIMES = WebLimits(connect_s=0.5, first_byte_s=0.3, total_s=0.5)
SOAP_TIMES = WebLimits(connect_s=0.5, first_byte_s=0.3, total_s=0.5, body_bytes=4 * hostile.MEGABYTE)
CLOCK_TIMES = WebLimits(connect_s=0.5, first_byte_s=0.3, total_s=0.5, body_bytes=64 * 1024)
RECORDER_S = 1.0
SETTLE_S = 0.1  # connections that were cut are gone

REFUSES = 'WWW-Authenticate: Digest realm="r", nonce="n"'


@dataclass(frozen=True, slots=True)
class Ended:
    """How one question ended, the end of what it told of that, and whether a login stood in it."""

    reason: Reason
    seconds: float
    told: str
    leaks: bool


@dataclass(frozen=True, slots=True)
class Evening:
    """What came of all traps, played one after another in one process."""

    ended: dict[str, Ended]
    growth: int  # of resident memory, bytes
    peak: int  # the same at its highest, with what the devices themselves take
    connections_left: int
    tasks_left: int
    reached_elsewhere: int  # connections to the host that redirects and addresses named
    unhandled: tuple[str, ...]  # what the event loop had to complain of


@dataclass(slots=True)
class Asker:
    """Asks a device on loopback everything that the monitor asks."""

    web: Web
    workers: Workers

    def target(self, port: int, path: str = "/a") -> Target:
        return Target(
            "E1", "127.0.0.1", port, path, credential=LOGIN, web_port=port, onvif_port=port,
            snapshot_path="/s.jpg", required_days=30,
        )  # fmt: skip

    async def stream(self, port: int) -> tuple[Reason, str]:
        result = await climb(
            self.target(port), Depth.LIVENESS, logins=Gate(), senses=Senses(self.workers), clock=now,
            timeouts=RTSP_TIMES, record=True,
        )  # fmt: skip
        return result.verdicts[0].reason, f"{result} {result.transcript}"

    async def snapshot(self, port: int) -> tuple[Reason, str]:
        taken = await take(
            self.target(port), self.web, Gate(), self.workers, NOON, retry_s=0.01, limits=HTTP_TIMES
        )
        return taken.reason, str(taken)

    async def clock(self, port: int) -> tuple[Reason, str]:
        try:
            read = await device_clock(self.target(port), self.web, now, CLOCK_TIMES)
        except ProbeError as error:
            return Reason.CLOCK_UNREADABLE, repr(error)
        return clock_reason(read), str(read)

    async def onvif(self, port: int) -> tuple[Reason, str]:
        try:
            found = await survey(self.target(port), self.web, Gate(), UNREADABLE, now=now, limits=SOAP_TIMES)
        except ProbeError as error:
            return error.reason, f"{error} {error!r} {error.__context__!r}"
        return Reason.OK, str(found)

    async def isapi(self, port: int) -> tuple[Reason, str]:
        return await self._footage(port, Vendor.HIKVISION)

    async def cgi(self, port: int) -> tuple[Reason, str]:
        return await self._footage(port, Vendor.DAHUA)

    async def _footage(self, port: int, vendor: Vendor) -> tuple[Reason, str]:
        report = await footage(
            self.target(port), vendor, web=self.web, logins=Gate(), now=NOON, budget_s=RECORDER_S
        )
        return report.reason, str(report)


OVER_HTTP = ("snapshot", "clock", "onvif", "isapi", "cgi")
TRAPS: dict[str, Callable[[], RtspTrap]] = {
    "endless header": lambda: RtspTrap(DESCRIBE=hostile.endless_header),
    "SDP of 50 MB": lambda: RtspTrap(DESCRIBE=hostile.huge_sdp),
    "SDP of 50 MB, unannounced": lambda: RtspTrap(DESCRIBE=hostile.huge_sdp_unannounced),
    "10,000 tracks": lambda: RtspTrap(DESCRIBE=hostile.many_tracks),
    "slow drip": lambda: RtspTrap(DESCRIBE=hostile.dripping),
    "endless 100 Continue": lambda: RtspTrap(DESCRIBE=hostile.endless_continue),
    "endless requests to us": lambda: RtspTrap(DESCRIBE=hostile.endless_requests),
    "endless frames of a strange channel": lambda: RtspTrap(DESCRIBE=hostile.endless_strangers),
    "endless junk": lambda: RtspTrap(DESCRIBE=hostile.endless_junk),
    "a web server": lambda: RtspTrap(DESCRIBE=hostile.http),
    "120 challenges": lambda: RtspTrap(DESCRIBE=hostile.many_challenges),
    "a line break in the session": lambda: RtspTrap(SETUP=hostile.line_break_in_session),
    "a line break in the base": lambda: RtspTrap(DESCRIBE=hostile.line_break_in_base),
    "a line break in the nonce": lambda: RtspTrap(DESCRIBE=hostile.line_break_in_nonce),
    "URLs that cannot be read": lambda: RtspTrap(DESCRIBE=hostile.unreadable_control),
    "SETUP announces 50 MB": lambda: RtspTrap(SETUP=hostile.huge_sdp),
    "endless header after PLAY": lambda: RtspTrap(PLAY=hostile.endless_header),
    "a keyframe without end": lambda: RtspTrap(PLAY=hostile.endless_fragment),
    "parameter sets without end": lambda: RtspTrap(PLAY=hostile.endless_parameter_sets),
    "packets of changing sources": lambda: RtspTrap(PLAY=hostile.endless_backlog),
    "login echoed": lambda: RtspTrap(DESCRIBE=hostile.echoing(LOGIN.user, LOGIN.password)),
    "login echoed by an error": lambda: RtspTrap(
        DESCRIBE=hostile.echoing(LOGIN.user, LOGIN.password, "404 Not Found")
    ),
}  # fmt: skip


def images() -> dict[str, Reply]:
    return {
        "320 kB that claim 100 Mpx": reply(200, hostile.bomb(10_000, 10_000)),
        "320 kB that claim 4 Gpx": reply(200, hostile.bomb(65_500, 65_500)),
        "320 kB that claim 35 Mpx": reply(200, hostile.bomb(7_000, 5_000)),
    }


def echoing(asked: Asked) -> Reply:
    """Says the login back in whatever comes: a page, a fault, a header."""
    if asked.headers.get("Authorization") is None and b"UsernameToken" not in asked.body:
        return reply(401, b"", REFUSES)
    fault = (
        f"<Envelope><Body><Fault><Code><Value>{LOGIN.password}</Value></Code><Reason>"
        f"<Text>no {LOGIN.user}:{LOGIN.password} here</Text></Reason></Fault></Body></Envelope>"
    )
    return reply(400, fault.encode(), reason=f"No {LOGIN.user}")


@pytest.fixture(scope="module")
def evening() -> Evening:
    """Played in a process of its own: what other tests took before is not what a trap takes."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
        return alone.submit(_play).result()


def _play() -> Evening:
    return asyncio.run(_evening())


async def _evening() -> Evening:
    asker = Asker(Web(), Workers(1))
    ended: dict[str, Ended] = {}
    left = elsewhere = 0
    unhandled: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unhandled.append(str(context)))

    async def ask(name: str, question: Callable[[int], Awaitable[tuple[Reason, str]]], port: int) -> None:
        began = time.monotonic()
        async with asyncio.timeout(3 * MOST_S):
            reason, told = await question(port)
        leaks = any(secret in told for secret in LOGIN.secrets)
        ended[name] = Ended(reason, time.monotonic() - began, told[-2000:], leaks)

    async def ask_over_http(name: str, say: Callable[[Asked], Reply], *kinds: str) -> None:
        for kind in kinds or OVER_HTTP:
            async with serving(say) as server:
                await ask(f"{kind}: {name}", getattr(asker, kind), server.port)

    def say_always(said: Reply) -> Callable[[Asked], Reply]:
        return lambda _: said

    try:
        await ask_over_http("warm", say_always(reply(200, hostile.bomb(640, 360))))
        async with RtspTrap().listening() as trap:
            await ask("stream: warm", asker.stream, trap.port)
        before = _memory("VmRSS")
        tasks = len(asyncio.all_tasks())
        for name, make in TRAPS.items():
            async with make().listening() as trap:
                await ask(f"stream: {name}", asker.stream, trap.port)
                left += await trap.open_connections()
        for name, said in EVERYWHERE.items():
            await ask_over_http(name, say_always(said))
        for name, said in images().items():
            await ask_over_http(name, say_always(said), "snapshot")
        await ask_over_http("a million of everything", hostile.giant_isapi, "isapi")
        await ask_over_http("a million of everything", hostile.giant_cgi, "cgi")
        await ask_over_http("login echoed", echoing)
        async with serving(lambda _: reply(200), host="127.0.0.2") as other:
            away = f"Location: http://monitor:x@127.0.0.2:{other.port}/"
            await ask_over_http("redirect to another host", say_always(reply(302, b"", away)))
            moved = RtspTrap(DESCRIBE=hostile.moved_elsewhere("127.0.0.2", other.port))
            async with moved.listening():
                await ask("stream: redirect to another host", asker.stream, moved.port)
            elsewhere = other.connections
        growth, peak = _memory("VmRSS") - before, _memory("VmHWM") - before
        await asyncio.sleep(SETTLE_S)
        return Evening(
            ended, growth, peak, left, len(asyncio.all_tasks()) - tasks, elsewhere, tuple(unhandled)
        )
    finally:
        asker.workers.close()
        await asker.web.close()


def _memory(kind: str) -> int:
    """Resident memory of this process in bytes: ``VmRSS``, or at its highest ``VmHWM`` (proc(5))."""
    return 1024 * int(Path("/proc/self/status").read_text().partition(f"{kind}:")[2].split()[0])


# --- what came of it ------------------------------------------------------------------------------------

R = Reason
TOO_MUCH = {R.SNAPSHOT_TOO_LARGE}
BAD_HTTP = {R.SNAPSHOT_HTTP_ERROR}
NO_IMAGE = {R.SNAPSHOT_NOT_IMAGE}
BAD_SOAP = {R.ONVIF_HTTP_ERROR}
NO_SOAP = {R.ONVIF_MALFORMED}

# Snapshot and ONVIF; the clock cannot be read and the recorder's footage is not known, or not in time.
OF_EVERYWHERE = {
    "silence": ({R.SNAPSHOT_TIMEOUT}, {R.ONVIF_TIMEOUT}),
    "slow drip": ({R.SNAPSHOT_TIMEOUT}, {R.ONVIF_TIMEOUT}),
    "endless header": (BAD_HTTP, BAD_SOAP),
    "endless line": (BAD_HTTP, BAD_SOAP),
    "endless body": (TOO_MUCH, BAD_SOAP),
    "endless chunks": (TOO_MUCH, BAD_SOAP),
    "endless trailers": (BAD_HTTP | {R.SNAPSHOT_TRUNCATED}, BAD_SOAP | {R.ONVIF_MALFORMED}),
    "endless multipart": (BAD_HTTP, BAD_SOAP),
    "endless part": (TOO_MUCH, BAD_SOAP),
    "50 GB announced": (TOO_MUCH, BAD_SOAP),
    "a negative length": (BAD_HTTP, BAD_SOAP),
    "a length of 5,000 digits": (BAD_HTTP, BAD_SOAP),
    "gzip bomb": (NO_IMAGE, NO_SOAP),
    "websocket": (BAD_HTTP, BAD_SOAP),
    "no HTTP": (BAD_HTTP, BAD_SOAP),
    "entity bomb": (NO_IMAGE, NO_SOAP),
    "depth without end": (NO_IMAGE, NO_SOAP),
    "a million elements": (NO_IMAGE, NO_SOAP),
    "redirect to another host": (BAD_HTTP, BAD_SOAP),
    "login echoed": (BAD_HTTP, {R.ONVIF_FAULT}),
}
NO_FOOTAGE = {R.RETENTION_UNKNOWN, R.PROBE_BUDGET_EXCEEDED}

OF_STREAM = {
    "endless header": {R.RTSP_PROTOCOL_ERROR},
    "SDP of 50 MB": {R.RTSP_PROTOCOL_ERROR},
    "SDP of 50 MB, unannounced": {R.SDP_INVALID},
    "10,000 tracks": {R.NO_VIDEO_TRACK},
    "slow drip": {R.RTSP_TIMEOUT},
    "endless 100 Continue": {R.RTSP_TIMEOUT},
    "endless requests to us": {R.RTSP_TIMEOUT},
    "endless frames of a strange channel": {R.RTSP_TIMEOUT},
    "endless junk": {R.RTSP_PROTOCOL_ERROR},
    "a web server": {R.RTSP_PROTOCOL_ERROR, R.RTSP_TIMEOUT},
    "120 challenges": {R.AUTH_REJECTED},
    "a line break in the session": {R.RTP_NONE},
    "a line break in the base": {R.RTP_NONE},
    "a line break in the nonce": {R.AUTH_REJECTED},
    "URLs that cannot be read": {R.RTP_NONE},
    "SETUP announces 50 MB": {R.RTSP_PROTOCOL_ERROR},
    "endless header after PLAY": {R.RTSP_PROTOCOL_ERROR},
    "a keyframe without end": {R.OK},  # packets flow: the stream lives, of its picture nothing is said
    "parameter sets without end": {R.OK},
    "packets of changing sources": {R.OK},
    "login echoed": {R.RTP_NONE},
    "login echoed by an error": {R.STREAM_NOT_FOUND},
    "redirect to another host": {R.RTSP_PROTOCOL_ERROR},
}


def _expected() -> Iterator[tuple[str, set[Reason]]]:
    for name, reasons in OF_STREAM.items():
        yield f"stream: {name}", reasons
    for name, (snapshot, onvif) in OF_EVERYWHERE.items():
        yield f"snapshot: {name}", snapshot
        yield f"onvif: {name}", onvif
        yield f"clock: {name}", {R.CLOCK_UNREADABLE}
        yield f"isapi: {name}", NO_FOOTAGE
        yield f"cgi: {name}", NO_FOOTAGE
    yield "snapshot: 320 kB that claim 100 Mpx", TOO_MUCH
    yield "snapshot: 320 kB that claim 4 Gpx", TOO_MUCH
    yield "snapshot: 320 kB that claim 35 Mpx", {R.SNAPSHOT_TRUNCATED, R.SNAPSHOT_NOT_IMAGE}
    yield "isapi: a million of everything", {R.OK, R.RETENTION_UNKNOWN, R.PROBE_BUDGET_EXCEEDED}
    yield "cgi: a million of everything", {R.OK, R.RETENTION_UNKNOWN, R.PROBE_BUDGET_EXCEEDED}


@pytest.mark.parametrize(("name", "reasons"), [pytest.param(*each, id=each[0]) for each in _expected()])
def test_a_trap_ends_in_a_reason_and_in_time(evening: Evening, name: str, reasons: set[Reason]) -> None:
    ended = evening.ended[name]
    assert ended.reason in reasons, ended.told
    assert ended.seconds < MOST_S


def test_all_together_take_little_memory_and_leave_nothing_open(evening: Evening) -> None:
    assert evening.growth < MOST_GROWTH
    assert evening.peak < 2 * MOST_GROWTH
    assert evening.connections_left == 0
    assert evening.tasks_left == 0
    assert evening.unhandled == ()


def test_nobody_is_sent_elsewhere(evening: Evening) -> None:
    assert evening.reached_elsewhere == 0


def test_no_answer_brings_the_login_back(evening: Evening) -> None:
    assert {name for name, ended in evening.ended.items() if ended.leaks} == set()
