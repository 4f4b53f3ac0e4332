"""Reading a recorder over a real connection: one login, what was found, and what stays unknown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta

import pytest

from probes.logins import LoginOutcome
from probes.reasons import Reason
from probes.recording.port import Confidence, FootageReport, FootageStatus, Vendor, recording_reason
from probes.recording.read import footage
from probes.result import Credential, Target
from probes.web import Web
from tests.probes.recording.recorders import Dahua, Door, Hikvision, TellingGate
from tests.probes.web_server import Answering, Asked, Reply, WebServer, serving

NOW = datetime(2026, 9, 3, 3, 15, tzinfo=UTC)
WALL = datetime(2026, 9, 3, 10, 15)  # noqa: DTZ001 – the same moment on a wall in Đà Nẵng
DAY = timedelta(days=1)
PASSWORD = "c4nary-secret"


def last_days(n: int, *, but: frozenset[int] = frozenset()) -> frozenset[date]:
    """Today and the ``n`` days before it, without those so many days ago."""
    return frozenset(WALL.date() - ago * DAY for ago in range(n + 1) if ago not in but)


@asynccontextmanager
async def asking(door: Answering) -> AsyncIterator[tuple[Target, Web, TellingGate, WebServer]]:
    web = Web()
    async with serving(door) as server:
        target = Target(
            "E", "127.0.0.1", credential=Credential("1", "monitor", PASSWORD), web_port=server.port
        )
        try:
            yield target, web, TellingGate(), server
        finally:
            await web.close()


async def read(door: Door, vendor: Vendor, *channels: int) -> tuple[FootageReport, TellingGate, WebServer]:
    async with asking(door) as (target, web, gate, server):
        report = await footage(target, vendor, web=web, logins=gate, now=NOW, channels=channels)
        return report, gate, server


def judged(report: FootageReport, channel: int, required: float | None) -> Reason:
    return recording_reason(report.of(channel), required, NOW)


async def test_hikvision_days_are_counted_one_by_one() -> None:
    recorder = Hikvision(WALL, {1: last_days(40), 2: last_days(40, but=frozenset({5, 6, 7}))})
    report, _, _ = await read(Door(recorder), Vendor.HIKVISION)
    assert (report.reason, report.serial) == (Reason.OK, "HK1")
    first, second = report.footage
    assert (first.channel, first.days, first.confidence) == (1, 40.0, Confidence.DAYS)
    assert first.newest == NOW
    assert first.oldest == NOW - (WALL - datetime.combine(WALL.date() - 40 * DAY, datetime.min.time()))
    assert second.days == 37.0, "three days are missing in between"
    assert [judged(report, c, 38) for c in (1, 2, 3)] == [
        Reason.OK,
        Reason.RETENTION_SHORT,
        Reason.RETENTION_UNKNOWN,
    ]
    assert [(c.channel, c.online) for c in report.channels] == [(1, True), (2, True)]


async def test_hikvision_whose_clock_is_wrong_has_kept_no_less() -> None:
    wrong = WALL - timedelta(days=100, hours=3)
    days = frozenset(wrong.date() - ago * DAY for ago in range(31))
    report, _, _ = await read(Door(Hikvision(wrong, {1: days})), Vendor.HIKVISION)
    assert judged(report, 1, 30) is Reason.OK


async def test_hikvision_that_stopped_two_days_ago() -> None:
    recorder = Hikvision(WALL, {1: last_days(40, but=frozenset({0, 1}))})
    report, _, _ = await read(Door(recorder), Vendor.HIKVISION)
    assert judged(report, 1, 30) is Reason.RECORDING_STOPPED


@pytest.mark.parametrize(
    ("days", "disk", "status"),
    [
        pytest.param({1: frozenset()}, "ok", FootageStatus.UNKNOWN, id="nothing, and nothing confirms it"),
        pytest.param({1: frozenset()}, "error", FootageStatus.NONE, id="nothing, and the disk is broken"),
        pytest.param({1: frozenset(), 2: last_days(3)}, "ok", FootageStatus.NONE, id="another channel has"),
    ],
)
async def test_no_days(days: dict[int, frozenset[date]], disk: str, status: FootageStatus) -> None:
    report, _, _ = await read(Door(Hikvision(WALL, days, disk=disk)), Vendor.HIKVISION)
    assert report.of(1).status is status


async def test_months_are_asked_back_only_as_far_as_footage_goes() -> None:
    _, _, server = await read(Door(Hikvision(WALL, {1: last_days(400)})), Vendor.HIKVISION)
    asked = [a.path for a in server.asked if a.path.endswith("dailyDistribution")]
    assert len(asked) == 4, "June to September: 92 days are looked back in any case"


@pytest.mark.parametrize(
    ("silent", "reason", "days"),
    [
        pytest.param({"System/deviceInfo", "ContentMgmt/Storage"}, Reason.OK, 3.0, id="what is only useful"),
        pytest.param({"ContentMgmt/record/tracks"}, Reason.OK, 3.0, id="tracks: the usual numbers"),
        pytest.param({"System/time"}, Reason.RETENTION_UNKNOWN, None, id="the clock, which is needed"),
        pytest.param(
            {"ContentMgmt/record/tracks/101/dailyDistribution"}, Reason.RETENTION_UNKNOWN, None, id="days"
        ),
    ],
)
async def test_a_path_that_is_not_spoken(silent: set[str], reason: Reason, days: float | None) -> None:
    recorder = Hikvision(WALL, {1: last_days(3)}, silent=frozenset(silent))
    report, _, _ = await read(Door(recorder), Vendor.HIKVISION, 1)
    assert (report.reason, report.of(1).days) == (reason, days)


async def test_dahua_span_from_the_oldest_to_the_newest() -> None:
    recorder = Dahua(WALL, {1: (WALL - 45 * DAY, WALL), 2: (WALL - 10 * DAY, WALL - 5 * DAY)})
    report, _, _ = await read(Door(recorder), Vendor.DAHUA)
    assert (report.reason, report.serial, len(report.disks)) == (Reason.OK, "DH1", 1)
    first = report.of(1)
    assert (first.days, first.confidence, first.newest) == (45.0, Confidence.SPAN, NOW)
    assert [judged(report, c, 30) for c in (1, 2)] == [Reason.OK, Reason.RECORDING_STOPPED]
    assert recorder.destroyed == recorder.given, "every search is given back"


async def test_dahua_that_ignores_the_channel_is_read_as_far_as_it_can_be_told() -> None:
    recorder = Dahua(WALL, {1: (WALL - 3 * DAY, WALL), 2: (WALL - 2 * DAY, WALL)}, heeds_channel=False)
    report, _, _ = await read(Door(recorder), Vendor.DAHUA)
    assert [report.of(c).days for c in (1, 2)] == [3.0, 2.0]


async def test_dahua_that_ignores_the_times_has_an_unknown_newest() -> None:
    recorder = Dahua(WALL, {1: (WALL - 45 * DAY, WALL)}, heeds_times=False)
    report, _, _ = await read(Door(recorder), Vendor.DAHUA)
    assert (report.of(1).newest, judged(report, 1, 30)) == (None, Reason.RETENTION_UNKNOWN)


@pytest.mark.parametrize(
    ("recorder", "vendor"),
    [
        pytest.param(Hikvision(WALL, {c: last_days(40) for c in range(1, 9)}), Vendor.HIKVISION, id="isapi"),
        pytest.param(Dahua(WALL, dict.fromkeys(range(1, 9), (WALL - DAY, WALL))), Vendor.DAHUA, id="cgi"),
    ],
)
async def test_one_login_for_all_questions(recorder: Hikvision | Dahua, vendor: Vendor) -> None:
    door = Door(recorder)
    report, gate, server = await read(door, vendor)
    assert len(report.footage) == 8
    assert door.anonymous == 1
    assert gate.settled == [LoginOutcome.ACCEPTED]
    assert len(server.asked) > 20


@pytest.mark.parametrize("vendor", [Vendor.HIKVISION, Vendor.DAHUA])
async def test_a_refused_password_is_sent_once(vendor: Vendor) -> None:
    door = Door(Hikvision(WALL), open=False)
    report, gate, _ = await read(door, vendor, 1, 2)
    assert (door.refused, report.reason) == (1, Reason.AUTH_REJECTED)
    assert gate.settled == [LoginOutcome.REJECTED]
    assert judged(report, 1, 30) is Reason.RETENTION_UNKNOWN
    assert PASSWORD not in repr(report)


async def test_a_refusal_in_the_middle_ends_the_reading() -> None:
    recorder = Hikvision(WALL, {1: last_days(3), 2: last_days(3)})
    door = Door(recorder)

    def told(asked: object) -> bytes | None:
        answer = recorder(asked)  # type: ignore[arg-type]  # what it is handed is handed on
        door.open = "/101/" not in asked.path  # type: ignore[attr-defined]  # the same
        return answer

    door.told = told
    report, _, _ = await read(door, Vendor.HIKVISION)
    assert (report.reason, door.refused) == (Reason.FORBIDDEN, 1)


@pytest.mark.parametrize("vendor", [Vendor.HIKVISION, Vendor.DAHUA])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"<html>Not for you</html>", id="a page"),
        pytest.param(b'<!DOCTYPE l [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><l>&b;</l>', id="entity bomb"),
        pytest.param(b"items[0].StartTime=soon\n" * 30_000, id="endless lines"),
        pytest.param(b"x" * 5_000_000, id="5 MB"),
    ],
)
async def test_what_a_stranger_sends_is_unknown(vendor: Vendor, body: bytes) -> None:
    def told(asked: Asked) -> bytes:
        return b"sn=1" if "deviceInfo" in asked.path or "getSerialNo" in asked.path else body

    report, _, _ = await read(Door(told), vendor, 1)
    assert report.reason is Reason.RETENTION_UNKNOWN
    assert report.of(1).status is FootageStatus.UNKNOWN


async def test_an_answer_too_large_to_be_read_has_taken_the_password() -> None:
    report, gate, _ = await read(Door(lambda _: b"x" * 5_000_000), Vendor.HIKVISION, 1)
    assert (report.reason, gate.settled) == (Reason.RETENTION_UNKNOWN, [LoginOutcome.ACCEPTED])


async def test_nobody_there() -> None:
    async with asking(Door(Hikvision(WALL))) as (target, web, gate, server):
        pass
    web = Web()
    report = await footage(target, Vendor.HIKVISION, web=web, logins=gate, now=NOW)
    await web.close()
    assert (report.reason, report.footage, len(server.asked)) == (Reason.TCP_REFUSED, (), 0)


async def test_a_budget_that_is_used_up_keeps_what_was_read() -> None:
    door = Door(Hikvision(WALL, {1: last_days(3), 2: last_days(3)}))

    def answering(asked: Asked) -> Reply:
        return door(asked) if "/201/" not in asked.path else silence

    async def silence(_: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    async with asking(answering) as (target, web, gate, _):
        report = await footage(target, Vendor.HIKVISION, web=web, logins=gate, now=NOW, budget_s=0.4)
    assert report.reason is Reason.PROBE_BUDGET_EXCEEDED
    assert report.of(1).days == 3.0
