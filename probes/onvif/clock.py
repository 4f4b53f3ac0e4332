"""What time a device thinks it is: the one ONVIF call of every cycle, anonymous and an envelope of our own.

It never logs in: a token signed for a clock that is off would be refused and cost a try of the password that
the stream needs. A device that asks for one here (ipycam, HiKam A7) tells the time in the ``Date`` of its
refusal.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from xml.etree.ElementTree import Element

from probes.errors import OnvifError
from probes.onvif.soap import CONTENT_TYPE, envelope, read_body
from probes.reasons import Reason
from probes.result import Target
from probes.web import Web, WebLimits

DEVICE_SERVICE: Final = "/onvif/device_service"  # ONVIF Core, 5.2: fixed, unlike that of every other service
LIMITS: Final = WebLimits(first_byte_s=5.0, total_s=5.0, body_bytes=64 * 1024)

WARNING_S: Final = 5.0  # off by more than this is noted
TOLERANCE_S: Final = 60.0  # and by more than this is failing
FIRST_YEAR: Final = 2020  # a clock before it was never set, or lost its battery (F013)
ZONE_STEP_S: Final = 900.0  # every zone of the world is a multiple of it away from UTC
ZONE_MARGIN_S: Final = 30.0

_QUESTION: Final = envelope(
    '<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"></GetSystemDateAndTime>'
)


class ClockSource(StrEnum):
    """Where the time was read."""

    ONVIF = "onvif"
    HTTP = "http"  # the Date header of any answer


@dataclass(frozen=True, slots=True)
class DeviceClock:
    """The device's time minus ours, in seconds; both ``None`` where it tells no time.

    Times are told in whole seconds, so half a second may be missing either way. ``unset`` means a year that
    no running clock shows.
    """

    offset_s: float | None = None
    source: ClockSource | None = None
    unset: bool = False

    @property
    def offset(self) -> timedelta:
        """What to add to our time to sign for this device; zero where nothing is known."""
        return timedelta(seconds=self.offset_s or 0.0)


UNREADABLE: Final = DeviceClock()


async def device_clock(
    target: Target, web: Web, now: Callable[[], datetime], limits: WebLimits = LIMITS
) -> DeviceClock:
    """Ask for the time, anonymously. Raises ``ProbeError`` where the device is not reached or stays silent.

    Without ONVIF's answer it is the ``Date`` of whatever was answered; without that ``UNREADABLE``.
    """
    loop = asyncio.get_running_loop()
    asked_at, began = now(), loop.time()
    answer = await web.anonymous(
        target,
        "POST",
        DEVICE_SERVICE,
        port=target.onvif_port,
        body=_QUESTION,
        content_type=CONTENT_TYPE,
        limits=limits,
    )
    between = asked_at + timedelta(seconds=(loop.time() - began) / 2)
    try:
        told = _utc_of(read_body(answer.status, answer.body))
    except OnvifError:
        told = None
    if told is not None:
        return _compare(told, between, ClockSource.ONVIF)
    return clock_of_date(answer.date, between)


def clock_of_date(date: datetime | None, at: datetime) -> DeviceClock:
    """The clock that the ``Date`` header of an answer shows, which came ``at`` our time."""
    return UNREADABLE if date is None else _compare(date, at, ClockSource.HTTP)


def clock_reason(clock: DeviceClock, tolerance_s: float = TOLERANCE_S) -> Reason:
    """What is wrong with a clock, if anything; drift by quarters of an hour is a wrong zone (F012)."""
    if clock.offset_s is None:
        return Reason.CLOCK_UNREADABLE
    if clock.unset:
        return Reason.CLOCK_UNSET
    off = abs(clock.offset_s)
    if off <= tolerance_s:
        return Reason.OK
    to_step = min(off % ZONE_STEP_S, -off % ZONE_STEP_S)
    if off >= ZONE_STEP_S - 1 and to_step < ZONE_MARGIN_S:
        return Reason.CLOCK_TZ_SUSPECT
    return Reason.CLOCK_DRIFT


def clock_noted(clock: DeviceClock) -> bool:
    """Whether the clock is off by more than what is worth a note."""
    return clock.offset_s is not None and abs(clock.offset_s) > WARNING_S


def _compare(told: datetime, ours: datetime, source: ClockSource) -> DeviceClock:
    # The second that is told has begun half a second ago, on average.
    offset = (told - ours).total_seconds() + 0.5
    return DeviceClock(offset, source, told.year < FIRST_YEAR)


def _utc_of(body: Element) -> datetime | None:
    """``UTCDateTime`` (ONVIF Device Management, 8.6.1.3); minutes as in 00:61:16 are carried on."""
    told = next(body.iter("UTCDateTime"), None)
    if told is None:
        return None
    said = {part.tag: (part.text or "").strip() for part in told.iter()}
    words = [said.get(name, "") for name in ("Year", "Month", "Day", "Hour", "Minute", "Second")]
    if not all(word.isascii() and word.isdigit() and len(word) <= 4 for word in words):
        return None
    year, month, day, hour, minute, second = (int(word) for word in words)
    try:
        return datetime(year, month, day, tzinfo=UTC) + timedelta(hours=hour, minutes=minute, seconds=second)
    except (ValueError, OverflowError):
        return None
