"""Asks a recorder what it has kept: one login, a few dozen small questions, nothing played back.

Once a day for each recorder, not for each eye. Playing back would prove more and take the few replay sessions
from people who need them (F104).
"""

import asyncio
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice, pairwise
from typing import Final, TypeVar

from probes.errors import OnvifError, ProbeError, WebError
from probes.login_attempt import Login
from probes.logins import LoginGate
from probes.markup import MarkupError
from probes.onvif.clock import device_clock
from probes.onvif.device import Device
from probes.reasons import Reason
from probes.recording import dahua, isapi, profile_g
from probes.recording.dahua import CgiError, File
from probes.recording.isapi import Track
from probes.recording.port import (
    ChannelStatus,
    Confidence,
    DiskStatus,
    Footage,
    FootageReport,
    FootageStatus,
    Vendor,
    believed,
)
from probes.result import Target
from probes.web import Web, WebLimits

T = TypeVar("T")

BUDGET_S: Final = 300.0  # for one recorder: 64 channels x 10 questions x 0.3 s, and some air
LIMITS: Final = WebLimits(
    first_byte_s=10.0, total_s=15.0, body_bytes=4 * 1024 * 1024
)  # searching takes a while
LEAST_DAYS: Final = 92  # looked back, whatever is required
LONG_AGO: Final = timedelta(days=750)
MOST_MONTHS: Final = 25  # two years are the longest that anybody requires
RECENT: Final = (timedelta(hours=2), timedelta(hours=48))  # windows in which the newest file is looked for
MOST_PAGES: Final = 10  # in one window: 48 h in files of 3 minutes
CLOCK_MARGIN: Final = timedelta(hours=1)  # the file that is being written may end a little ahead
DAY: Final = timedelta(days=1)
NO_TRACKS: Final[tuple[Track, ...]] = ()
NO_FILES: Final[tuple[File, ...]] = ()

# What says that a path is not spoken here. ISAPI answers 403 for "not supported", too (hikvision_next #176).
NOT_SPOKEN: Final = frozenset({400, 403, 404, 405, 501})


class _NotTold(Exception):
    """The recorder does not speak this path, or its answer cannot be read."""


async def footage(
    target: Target,
    vendor: Vendor,
    *,
    web: Web,
    logins: LoginGate,
    now: datetime,
    channels: Collection[int] = (),
    budget_s: float = BUDGET_S,
) -> FootageReport:
    """Read one recorder. Never raises for what it does; what could not be read is unknown.

    ``target`` is any of its eyes; ``channels`` (from 1) those that are of interest, by default every one that
    it lists. All questions share one login, reserved in ``logins``; after the first refusal nothing more is
    asked. ``target.required_days`` tells how far to look back. Profile G needs ``target.onvif_port``.
    """
    reading = _Reading(target, web, web.login(target, target.credential, logins), logins, now)
    ask_in = {
        Vendor.HIKVISION: reading.in_isapi,
        Vendor.DAHUA: reading.in_cgi,
        Vendor.ONVIF: reading.in_profile_g,
    }
    reason = Reason.OK
    try:
        async with asyncio.timeout(budget_s):
            await ask_in[vendor](channels)
    except TimeoutError:
        reason = Reason.PROBE_BUDGET_EXCEEDED
    except ProbeError as error:
        unclear = isinstance(error, WebError | OnvifError)
        reason = Reason.RETENTION_UNKNOWN if unclear else error.reason
    except _NotTold:
        reason = Reason.RETENTION_UNKNOWN
    return FootageReport(
        at=now,
        vendor=vendor,
        reason=reason,
        footage=believed(tuple(reading.footage), reading.disks),
        disks=reading.disks,
        channels=reading.channels,
        serial=reading.serial,
    )


@dataclass(slots=True)
class _Reading:
    """One recorder, and what it has told so far."""

    target: Target
    web: Web
    login: Login
    logins: LoginGate
    now: datetime
    footage: list[Footage] = field(default_factory=list)
    disks: tuple[DiskStatus, ...] = ()
    channels: tuple[ChannelStatus, ...] = ()
    serial: str = ""

    # --- Hikvision ----------------------------------------------------------------------------------

    async def in_isapi(self, wanted: Collection[int]) -> None:
        self.serial = await self._if_told(isapi.DEVICE, isapi.parse_serial, "")
        clock = await self._told(isapi.TIME, isapi.parse_time)
        self.channels = await self._if_told(isapi.CHANNELS, isapi.parse_channels, ())
        self.disks = await self._if_told(isapi.STORAGE, isapi.parse_storage, ())
        tracks = await self._if_told(isapi.TRACKS, isapi.parse_tracks, NO_TRACKS)
        track_of = {track.channel: track.id for track in tracks}
        for channel in sorted(wanted or track_of or {c.channel for c in self.channels} or {1}):
            days = await self._days(track_of.get(channel, channel * 100 + 1), clock.date())
            self.footage.append(_of_days(channel, days, clock, self.now))

    async def _days(self, track: int, today: date) -> frozenset[date]:
        """The days that have footage, newest month first, until the footage ends or is enough."""
        enough = today - timedelta(days=max(LEAST_DAYS, self.target.required_days or 0) + 1)
        days: frozenset[date] = frozenset()
        for first in islice(_months_back(today), MOST_MONTHS):
            year, month = first.year, first.month

            def parse(body: bytes, year: int = year, month: int = month) -> frozenset[date]:
                return isapi.parse_days(body, year, month)

            found = await self._told(isapi.days_path(track), parse, isapi.days_request(year, month))
            days |= {day for day in found if day <= today}
            if first <= enough or (not found and first != today.replace(day=1)):
                break
        return days

    # --- Dahua --------------------------------------------------------------------------------------

    async def in_cgi(self, wanted: Collection[int]) -> None:
        self.serial = await self._if_told(dahua.SERIAL, dahua.parse_serial, "")
        clock = await self._told(dahua.TIME, dahua.parse_time)
        self.channels = await self._if_told(dahua.CHANNELS, dahua.parse_channels, ())
        self.disks = await self._if_told(dahua.DISKS, dahua.parse_disks, ())
        for channel in sorted(wanted or {c.channel for c in self.channels} or {1}):
            self.footage.append(await self._span(channel, clock))

    async def _span(self, channel: int, clock: datetime) -> Footage:
        """The oldest and the newest file, as far as the recorder heeds what it was asked."""
        until = clock + CLOCK_MARGIN
        # A clock that was never set stands in 2000, and its footage before that.
        first = await self._files(channel, min(dahua.BEFORE_ALL, clock - LONG_AGO), until, most_pages=1)
        if first is None:
            return Footage(channel)
        if not first:
            return Footage(channel, status=FootageStatus.NONE)
        oldest = first[0].start if _ascending(first) else None
        newest = None
        for window in RECENT:
            begin = clock - window
            files = await self._files(channel, begin, until, most_pages=MOST_PAGES)
            if files is None or any(file.end < begin or file.start > until for file in files):
                return _of_span(channel, oldest, None, clock, self.now)
            if files:
                newest = min(clock, max(file.end for file in files))
                break
        # Without any in the last window the newest is older than its beginning: how much, nobody asks.
        return _of_span(channel, oldest, newest or clock - RECENT[-1], clock, self.now)

    async def _files(
        self, channel: int, start: datetime, end: datetime, *, most_pages: int
    ) -> tuple[File, ...] | None:
        """What one search finds; ``None`` where it cannot be told which files are of ``channel``."""
        search = await self._told(dahua.NEW_SEARCH, dahua.parse_search)
        files: tuple[File, ...] = ()
        # Some firmware answers 400 where nothing is found.
        if await self._if_told(dahua.search_path(search, channel, start, end), dahua.is_ok, False):
            for _ in range(most_pages):
                page = await self._if_told(dahua.page_path(search), dahua.parse_page, NO_FILES)
                files += page
                if len(page) < dahua.PAGE:
                    break
        for path in dahua.end_paths(search):
            await self._if_told(path, dahua.is_ok, False)
        return dahua.of_channel(files, channel)

    # --- ONVIF ----------------------------------------------------------------------------------------

    async def in_profile_g(self, wanted: Collection[int]) -> None:
        if self.target.onvif_port is None:
            raise _NotTold
        began = asyncio.get_running_loop().time()

        def now() -> datetime:
            return self.now + timedelta(seconds=asyncio.get_running_loop().time() - began)

        clock = await device_clock(self.target, self.web, now)
        device = Device(self.target, self.web, self.logins, clock, now)
        self.serial = (await device.identity()).serial
        summary = await device.summary()
        if summary is None:
            raise _NotTold
        told = profile_g.footage(summary, await device.recordings(), wanted or {1}, clock.offset, self.now)
        self.footage.extend(told.footage)

    # --- asking -------------------------------------------------------------------------------------

    async def _told(self, path: str, parse: Callable[[bytes], T], body: bytes = b"") -> T:
        """Ask for one path. Raises ``_NotTold`` and ``ProbeError``."""
        answer = await self.web.request(
            self.target,
            "POST" if body else "GET",
            path,
            logins=self.logins,
            credential=self.target.credential,
            body=body,
            content_type="application/xml" if body else "",
            limits=LIMITS,
            login=self.login,
        )
        if not answer.whole or not 200 <= answer.status < 300:
            if answer.status == 503 or answer.status in NOT_SPOKEN:
                raise _NotTold
            raise ProbeError(Reason.RETENTION_UNKNOWN, f"HTTP {answer.status}")
        try:
            return parse(answer.body)
        except (MarkupError, CgiError) as error:
            raise _NotTold from error

    async def _if_told(self, path: str, parse: Callable[[bytes], T], otherwise: T) -> T:
        try:
            return await self._told(path, parse)
        except _NotTold:
            return otherwise


def _months_back(today: date) -> Iterator[date]:
    """The first of this month, of the one before, and so on."""
    first = today.replace(day=1)
    while True:
        yield first
        first = (first - DAY).replace(day=1)


def _of_days(channel: int, days: frozenset[date], clock: datetime, now: datetime) -> Footage:
    """Days of the recorder's calendar as footage; today is not over, and is not counted."""
    if not days:
        return Footage(channel, status=FootageStatus.NONE)

    def utc(day: date) -> datetime:
        midnight = datetime.combine(day, datetime.min.time())
        return now - max(timedelta(), clock - midnight)

    return Footage(
        channel,
        oldest=utc(min(days)),
        newest=utc(max(days) + DAY),
        days=float(sum(day < clock.date() for day in days)),
        status=FootageStatus.KEPT,
        confidence=Confidence.DAYS,
    )


def _of_span(
    channel: int, oldest: datetime | None, newest: datetime | None, clock: datetime, now: datetime
) -> Footage:
    known = oldest is not None and newest is not None
    return Footage(
        channel,
        oldest=None if oldest is None else now - (clock - oldest),
        newest=None if newest is None else now - (clock - newest),
        days=(newest - oldest) / DAY if oldest is not None and newest is not None else None,
        status=FootageStatus.KEPT,
        confidence=Confidence.SPAN if known else Confidence.NONE,
    )


def _ascending(files: Sequence[File]) -> bool:
    return all(one.start <= next_.start for one, next_ in pairwise(files))
