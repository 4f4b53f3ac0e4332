"""Once a day each device is read: who it is, what it calls its channels, and how far back its footage goes.

The identity goes to the facts of the device, the footage to the ``recording`` check of each of its eyes. Each
device has an hour of its own, by its name: a city's recorders are not all read at midnight, and a restart
reads none again that was read today.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from zlib import crc32

import structlog
from sqlalchemy import Row, select

from camera_registry import models
from camera_registry.brands import brand_of
from camera_registry.facts import take_survey
from camera_registry.monitor import Monitor, database_may_be_away
from camera_registry.scheduler import Jobs
from probes.errors import ProbeError
from probes.onvif.clock import UNREADABLE, DeviceClock, device_clock
from probes.onvif.survey import Survey, survey
from probes.reasons import Check, Outcome, Reason, recording_outcome
from probes.recording import profile_g
from probes.recording.port import FootageReport, Vendor, recording_reason
from probes.recording.read import footage
from probes.result import Depth, Measured, ProbeResult, Rung, Step, Target, Verdict

log = structlog.get_logger(__name__)

EVERY = timedelta(days=1)
AGAIN_AFTER = timedelta(hours=1)  # where nothing was learned: the device may have been off
AT_ONCE = 4  # devices
LOOK_S = 60.0  # between two looks at what is due
EVERY_S = EVERY.total_seconds()


@dataclass(frozen=True, slots=True)
class Surveyed:
    """One device with the eyes of it that may be asked; ``last`` is when it was last read."""

    device_id: int
    vendor: Vendor
    last: datetime | None
    eyes: tuple[Target, ...]

    @property
    def target(self) -> Target:
        """Any of its eyes: what is asked here is asked of the device."""
        return self.eyes[0]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading of a device brought; either may be missing."""

    survey: Survey | None
    footage: FootageReport | None


class Surveyor:
    """Reads each device on its hour, a few at a time, at the device's own door; enter to begin."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._tried: dict[int, datetime] = {}
        self._places = asyncio.Semaphore(AT_ONCE)
        self._readings: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Surveyor":
        self._jobs = Jobs({"survey": (LOOK_S, self.look)})
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._jobs.stop()
        for task in self._readings:
            task.cancel()
        await asyncio.gather(*self._readings, return_exceptions=True)

    @property
    def under_way(self) -> int:
        """How many devices are being read."""
        return len(self._readings)

    async def look(self) -> None:
        """Begin to read what is due."""
        with database_may_be_away("survey"):
            now = self._monitor.clock()
            for device in await asyncio.to_thread(self._devices):
                if _is_due(device, self._tried.get(device.device_id), now):
                    self._tried[device.device_id] = now
                    task = asyncio.create_task(self._read(device), name=f"survey {device.target.device}")
                    self._readings.add(task)
                    task.add_done_callback(self._ended)

    async def read(self, device: Surveyed) -> Reading:
        """Ask one device, now. Never raises for what it does."""
        monitor, target = self._monitor, device.target
        channels = sorted({eye.channel for eye in device.eyes})
        found, report, now = None, None, monitor.clock()
        async with self._places, monitor.sweeper.at_the_door(target):
            if target.onvif_port is not None:
                clock = await self._clock(target)
                found = await self._survey(target, clock)
                if found is not None and found.summary is not None:
                    report = profile_g.footage(found.summary, found.recordings, channels, clock.offset, now)
            if device.vendor is not Vendor.ONVIF:  # its own language tells more
                report = await footage(
                    target,
                    device.vendor,
                    web=monitor.web,
                    logins=monitor.tools.logins,
                    now=now,
                    channels=channels,
                )
        return Reading(found, report)

    async def _clock(self, target: Target) -> DeviceClock:
        try:
            return await device_clock(target, self._monitor.web, self._monitor.clock)
        except ProbeError:
            return UNREADABLE

    async def _survey(self, target: Target, clock: DeviceClock) -> Survey | None:
        monitor = self._monitor
        try:
            return await survey(target, monitor.web, monitor.tools.logins, clock, now=monitor.clock)
        except ProbeError as error:
            log.info("not surveyed", device=target.device, reason=str(error.reason))
            return None

    async def _read(self, device: Surveyed) -> None:
        began = self._monitor.clock()
        reading = await self.read(device)
        seconds = (self._monitor.clock() - began).total_seconds()
        if reading.survey is not None:
            with database_may_be_away("survey"):
                await asyncio.to_thread(self._keep, device, reading.survey, began)
        if reading.footage is not None:
            for result in recordings(device.eyes, reading.footage, began, seconds):
                self._monitor.results.put(result)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._readings.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("survey failed", survey=task.get_name(), exc_info=error)

    def _keep(self, device: Surveyed, found: Survey, now: datetime) -> None:
        with self._monitor.database.transaction() as session:
            take_survey(session, device.device_id, found, now)

    def _devices(self) -> list[Surveyed]:
        """Devices with eyes that are asked already, and a way to be read."""
        eyes: dict[tuple[str, str], list[Target]] = defaultdict(list)
        for target in self._monitor.targets():
            eyes[target.site, target.device].append(target)
        with self._monitor.database.reading() as session:
            rows = session.execute(
                select(
                    models.Device.id,
                    models.Site.code,
                    models.Device.host,
                    models.Device.port,
                    models.Device.manufacturer,
                    models.DeviceFacts.read_at,
                )
                .join(models.Site)
                .outerjoin(models.DeviceFacts, models.DeviceFacts.device_id == models.Device.id)
                .where(models.Device.host.is_not(None))
            ).all()
        return list(_surveyed(rows, eyes))


def _surveyed(
    rows: Iterable[Row[int, str, str | None, int, str, datetime]],
    eyes: Mapping[tuple[str, str], Sequence[Target]],
) -> Iterable[Surveyed]:
    """One for each host and port, however many rows the registry has for it."""
    seen: set[tuple[str, str]] = set()
    for device_id, site, host, port, manufacturer, last in rows:
        key = site, f"{host}:{port}"
        if key in seen or not eyes.get(key):
            continue
        seen.add(key)
        brand = brand_of(manufacturer)
        vendor = Vendor.ONVIF if brand is None else brand.recording
        if eyes[key][0].onvif_port is not None or vendor is not Vendor.ONVIF:
            yield Surveyed(device_id, vendor, last, tuple(eyes[key]))


def _is_due(device: Surveyed, tried: datetime | None, now: datetime) -> bool:
    """Once in each of its days, which begin at an hour of its own."""
    if tried is not None and now - tried < AGAIN_AFTER:
        return False
    if device.last is None:
        return True
    return device.last < day_begun(device.target, now)


def day_begun(target: Target, now: datetime) -> datetime:
    """When the day of a target's device that holds ``now`` began: its hour comes of its name."""
    phase = crc32(f"{target.site}/{target.device}".encode()) / 2**32 * EVERY_S
    return datetime.fromtimestamp((now.timestamp() - phase) // EVERY_S * EVERY_S + phase, UTC)


def recordings(
    eyes: Sequence[Target], report: FootageReport, at: datetime, seconds: float
) -> list[ProbeResult]:
    """What a reading of a device says of the ``recording`` check of each of its eyes."""
    results = []
    for eye in eyes:
        kept = report.of(eye.channel)
        reason = recording_reason(kept, eye.required_days, at)
        if reason is Reason.RETENTION_UNKNOWN and report.reason is not Reason.OK:
            reason = report.reason
        outcome = recording_outcome(reason)
        verdict = Verdict(Check.RECORDING, outcome, reason, EVERY_S)
        results.append(
            ProbeResult(
                eye=eye.eye,
                at=at,
                depth=Depth.SURVEY,
                seconds=seconds,
                verdicts=(verdict,),
                memory=replace(eye.memory, seen=None, seen_snapshot=None),
                rungs=(Rung(Step.RECORDING, seconds, Reason.OK if outcome is Outcome.OK else reason),),
                measured=Measured(recorded_days=kept.days),
            )
        )
    return results
