"""The clock of every cycle: anonymous, tolerant, and judged without hurry."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import ProbeError
from probes.onvif.clock import (
    UNREADABLE,
    ClockSource,
    DeviceClock,
    clock_noted,
    clock_of_date,
    clock_reason,
    device_clock,
)
from probes.reasons import Reason
from probes.result import Target
from probes.simulator.faces import HttpSpec, OnvifSpec
from probes.web import Web
from tests.probes.climbing import now
from tests.probes.onvif.devices import device
from tests.probes.web_server import Reply, reply, serving

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


def told(date: str, time: str) -> bytes:
    """An answer with this UTCDateTime; prefixes are not declared, as some cameras have it."""
    year, month, day = date.split("-")
    hour, minute, second = time.split(":")
    return (
        "<SOAP-ENV:Envelope><SOAP-ENV:Body><tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>"
        f"<tt:UTCDateTime><tt:Time><tt:Hour>{hour}</tt:Hour><tt:Minute>{minute}</tt:Minute>"
        f"<tt:Second>{second}</tt:Second></tt:Time><tt:Date><tt:Year>{year}</tt:Year>"
        f"<tt:Month>{month}</tt:Month><tt:Day>{day}</tt:Day></tt:Date></tt:UTCDateTime>"
        "</tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse></SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()


async def read(answered: Reply, at: datetime = NOON) -> DeviceClock:
    web = Web()
    async with serving(lambda _: answered) as server:
        target = Target(eye="E1", host="127.0.0.1", onvif_port=server.port)
        try:
            return await device_clock(target, web, lambda: at)
        finally:
            await web.close()


DATE = "Date: Sun, 22 Nov 2026 11:59:00 GMT"
FAULT = (
    b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body><e:Fault><e:Code><e:Value>e:Sender'
    b"</e:Value><e:Subcode><e:Value>ter:NotAuthorized</e:Value></e:Subcode></e:Code></e:Fault></e:Body>"
    b"</e:Envelope>"
)


@pytest.mark.parametrize(
    ("answered", "offset", "reason"),
    [
        pytest.param(reply(200, told("2026-11-22", "12:00:00")), 0.5, Reason.OK, id="right"),
        pytest.param(reply(200, told("2026-11-22", "12:01:30")), 90.5, Reason.CLOCK_DRIFT, id="drift"),
        pytest.param(reply(200, told("2026-11-22", "19:00:00")), 25200.5, Reason.CLOCK_TZ_SUSPECT, id="F012"),
        pytest.param(
            reply(200, told("2026-11-22", "11:30:00")), -1799.5, Reason.CLOCK_TZ_SUSPECT, id="F012_half_hour"
        ),
        pytest.param(
            reply(200, told("2026-11-22", "11:61:16")), 76.5, Reason.CLOCK_DRIFT, id="F013_overflow"
        ),
        pytest.param(reply(200, told("2000-01-01", "00:00:00")), None, Reason.CLOCK_UNSET, id="F013_unset"),
        pytest.param(
            reply(200, told("2026-13-41", "00:00:00"), DATE), -59.5, Reason.OK, id="absurd_date_then_http"
        ),
        pytest.param(reply(401, b"", DATE), -59.5, Reason.OK, id="F011_401_with_a_date"),
        pytest.param(reply(400, FAULT, DATE), -59.5, Reason.OK, id="F011_fault_with_a_date"),
        pytest.param(reply(200, FAULT), None, Reason.CLOCK_UNREADABLE, id="F011_fault_without_a_date"),
        pytest.param(reply(200, b"<html>hello", DATE), -59.5, Reason.OK, id="F022_html"),
        pytest.param(reply(404, b""), None, Reason.CLOCK_UNREADABLE, id="nothing"),
    ],
)
async def test_what_a_device_tells(answered: bytes, offset: float | None, reason: Reason) -> None:
    clock = await read(answered)
    if offset is not None:
        assert clock.offset_s == pytest.approx(offset, abs=0.2)
    assert clock_reason(clock) is reason


@pytest.mark.parametrize(
    "answered",
    [
        pytest.param(b"", id="hangs_up"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\n", id="50_MB"),
        pytest.param(b"nonsense\r\n\r\n", id="no_http"),
    ],
)
async def test_a_device_that_cannot_be_asked(answered: bytes) -> None:
    with pytest.raises(ProbeError):
        await read(answered)


@pytest.mark.parametrize("seconds", [0.0, 10800.0, -7200.0])
@pytest.mark.parametrize("open_clock", [True, False])
async def test_no_login_is_ever_spent(seconds: float, open_clock: bool) -> None:
    async with device(HttpSpec(clock_s=seconds), OnvifSpec(clock_open=open_clock)) as asking:
        clock = await asking.clock()
        assert asking.counters.logins_refused == asking.counters.logins_accepted == 0
    if open_clock:
        assert clock.source is ClockSource.ONVIF
    if clock.offset_s is not None:
        assert clock.offset_s == pytest.approx(seconds, abs=1.2)


async def test_half_of_the_way_is_taken_off() -> None:
    """A slow answer says the time of its middle; here the whole of it is on the way."""
    clock = clock_of_date(NOON + timedelta(seconds=1), NOON)
    assert clock == DeviceClock(1.5, ClockSource.HTTP)
    assert clock_of_date(None, NOON) is UNREADABLE


@given(st.floats(-1e8, 1e8))
def test_every_offset_has_one_reason(offset: float) -> None:
    clock = DeviceClock(offset, ClockSource.ONVIF)
    reason = clock_reason(clock)
    assert reason in (Reason.OK, Reason.CLOCK_DRIFT, Reason.CLOCK_TZ_SUSPECT)
    assert (reason is Reason.OK) == (abs(offset) <= 60)
    assert reason is not Reason.CLOCK_TZ_SUSPECT or abs(offset) >= 899
    assert clock_noted(clock) or abs(offset) <= 5
    assert clock_reason(replace(clock, unset=True)) is Reason.CLOCK_UNSET


@given(st.binary(max_size=300))
async def test_no_answer_breaks_it(body: bytes) -> None:
    clock = await read(reply(200, body))
    assert clock.source is None
    assert now() > NOON or clock.offset is not None
