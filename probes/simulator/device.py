"""What a simulated device knows of itself at one moment: its name, its clock, its channels, its footage."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final
from zlib import crc32

from probes.simulator.faces import HttpSpec, Maker
from probes.simulator.faults import Fault, active_fault
from probes.simulator.fleet import CameraSpec
from probes.simulator.kinds import OF_CLOCK, OF_IDENTITY, OF_RECORDING, SEEN_BY_RTSP, FaultKind

LOCAL: Final = timezone(timedelta(hours=7))  # makers' own interfaces speak of the time on the wall
UNSET: Final = datetime(2000, 1, 1, tzinfo=UTC)  # where a clock without a battery begins
STOPPED: Final = timedelta(days=2)
DISK_LOST: Final = timedelta(hours=30)

_NAMES: Final = {
    Maker.NONE: ("Simulated", "SIM-1"),
    Maker.HIKVISION: ("HIKVISION", "DS-2CD2043G2-I"),
    Maker.DAHUA: ("Dahua", "IPC-HFW2431S"),
}


@dataclass(frozen=True, slots=True)
class Footage:
    """What is kept of one channel: from, until (UTC of the device), and whether more is being written."""

    oldest: datetime
    newest: datetime
    writing: bool


@dataclass(frozen=True, slots=True)
class Device:
    """A camera or recorder ``at`` seconds after ``began`` (UTC), when the simulator started."""

    spec: CameraSpec
    http: HttpSpec
    began: datetime
    at: float

    @property
    def maker(self) -> str:
        return _NAMES[self.http.maker][0]

    @property
    def model(self) -> str:
        return _NAMES[self.http.maker][1]

    @property
    def serial(self) -> str:
        own = self.http.serial or f"SIM{crc32(self.spec.name.encode()):08X}"
        return f"{own}-OTHER" if self._kind(OF_IDENTITY) is FaultKind.OTHER_DEVICE else own

    @property
    def firmware(self) -> str:
        updated = self._kind(OF_IDENTITY) is FaultKind.FIRMWARE
        return f"{self.http.firmware}.1" if updated else self.http.firmware

    @property
    def now(self) -> datetime:
        """What its clock says, in its own idea of UTC."""
        fault = self._fault(None, OF_CLOCK)
        if fault is not None and fault.kind is FaultKind.CLOCK_UNSET:
            return UNSET + timedelta(seconds=self.at)
        offset = (
            fault.amount if fault is not None and fault.kind is FaultKind.CLOCK_OFF else self.http.clock_s
        )
        return self.began + timedelta(seconds=self.at + offset)

    @property
    def has_clock(self) -> bool:
        return self._kind(OF_CLOCK) is not FaultKind.CLOCK_MISSING

    @property
    def disk_works(self) -> bool:
        return self._kind(OF_RECORDING) is not FaultKind.DISK_ERROR

    @property
    def channels(self) -> range:
        return range(1, self.spec.channels + 1)

    def online(self, channel: int) -> bool:
        """Whether a recorder has a picture of this channel."""
        fault = self._fault(channel, SEEN_BY_RTSP)
        return fault is None or fault.kind not in (FaultKind.NOT_FOUND, FaultKind.PLACEHOLDER)

    def footage(self, channel: int) -> Footage | None:
        """What it lists for one channel; ``None``: nothing."""
        fault = self._fault(channel, OF_RECORDING)
        kind = None if fault is None else fault.kind
        if kind is FaultKind.RECORDINGS_HIDDEN:
            return None
        days = fault.amount if fault is not None and kind is FaultKind.RECORDING_SHORT else self.http.days
        missing = {FaultKind.RECORDING_STOPPED: STOPPED, FaultKind.DISK_ERROR: DISK_LOST}
        oldest, newest = self.now - timedelta(days=days), self.now
        if kind in missing:
            newest -= missing[kind]
        if not days or newest <= oldest:
            return None
        return Footage(oldest, newest, writing=kind not in missing)

    def _fault(self, channel: int | None, kinds: frozenset[FaultKind]) -> Fault | None:
        return active_fault(self.spec.faults, channel, self.at, kinds)

    def _kind(self, kinds: frozenset[FaultKind]) -> FaultKind | None:
        fault = self._fault(None, kinds)
        return None if fault is None else fault.kind
