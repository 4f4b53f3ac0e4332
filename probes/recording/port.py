"""What is learned of a recorder's footage, whatever language it was asked in, and what that means."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from probes.reasons import Reason

STOPPED_AFTER: Final = timedelta(
    hours=24
)  # without new footage: longer than a quiet night with motion recording


class Vendor(StrEnum):
    """In whose language a recorder is asked."""

    HIKVISION = "hikvision"  # ISAPI
    DAHUA = "dahua"  # CGI
    ONVIF = "onvif"  # Profile G


class FootageStatus(StrEnum):
    """Whether a channel has footage."""

    KEPT = "kept"
    STOPPED = "stopped"  # there is footage, and no disk that more could be written to
    NONE = "none"  # the recorder said so, in a language in which it can be believed
    UNKNOWN = "unknown"


class Confidence(StrEnum):
    """How the number of days was found."""

    DAYS = "days"  # every day was counted
    SPAN = "span"  # from the oldest and the newest footage only: gaps between them are not seen
    NONE = "none"


class DiskState(StrEnum):
    """Whether a disk can be written to."""

    USABLE = "usable"
    UNUSABLE = "unusable"
    UNKNOWN = "unknown"  # a word that no documentation explains


@dataclass(frozen=True, slots=True)
class DiskStatus:
    """One disk as the recorder tells it. Sizes are bytes, ``None`` where it does not say."""

    name: str
    state: DiskState
    said: str  # the recorder's own word
    size_bytes: int | None = None
    free_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """One channel of a recorder; ``online``: its camera answers the recorder (``None``: not said)."""

    channel: int
    name: str = ""
    online: bool | None = None


@dataclass(frozen=True, slots=True)
class Footage:
    """What one channel (from 1) has kept.

    ``oldest`` and ``newest`` are UTC: ages are measured on the recorder's own clock, so that one which is
    wrong by hours does not change them. ``days`` are whole days before now that have footage (``DAYS``), or
    the distance between the two (``SPAN``); ``None``: not known.
    """

    channel: int
    oldest: datetime | None = None
    newest: datetime | None = None
    days: float | None = None
    status: FootageStatus = FootageStatus.UNKNOWN
    confidence: Confidence = Confidence.NONE


@dataclass(frozen=True, slots=True)
class FootageReport:
    """One reading of one recorder, at ``at`` (UTC).

    ``reason`` is OK, or why some or all of it could not be read (network, login, ``RETENTION_UNKNOWN``);
    what was read until then is there. ``serial`` is empty where it was not told.
    """

    at: datetime
    vendor: Vendor
    reason: Reason
    footage: tuple[Footage, ...] = ()
    disks: tuple[DiskStatus, ...] = ()
    channels: tuple[ChannelStatus, ...] = ()
    serial: str = ""

    def of(self, channel: int) -> Footage:
        """The footage of ``channel``, unknown where nothing was learned of it."""
        return next((f for f in self.footage if f.channel == channel), Footage(channel))


def recording_reason(footage: Footage, required_days: float | None, now: datetime) -> Reason:
    """What the footage of an eye means at ``now`` where ``required_days`` must be kept (``None``: any).

    ``OK``, ``RETENTION_SHORT``, ``RECORDING_STOPPED`` (no footage, none for 24 h, no disk) or
    ``RETENTION_UNKNOWN``. Whoever asks lowers ``required_days`` to an eye's days in service: a recorder
    commissioned last week cannot have kept a month.
    """
    match footage.status:
        case FootageStatus.UNKNOWN:
            return Reason.RETENTION_UNKNOWN
        case FootageStatus.NONE | FootageStatus.STOPPED:
            return Reason.RECORDING_STOPPED
    if footage.newest is not None and now - footage.newest > STOPPED_AFTER:
        return Reason.RECORDING_STOPPED
    if required_days is None:
        return Reason.OK
    if footage.days is None:
        return Reason.RETENTION_UNKNOWN
    return Reason.OK if footage.days >= required_days else Reason.RETENTION_SHORT


def believed(footage: tuple[Footage, ...], disks: tuple[DiskStatus, ...]) -> tuple[Footage, ...]:
    """``footage`` with "none" only where it is confirmed: elsewhere it is unknown.

    Recorders answer an empty list to a search that they do not support, or to an account that may not see the
    footage. "None" is believed of a channel where the same reading found footage of another one, or where the
    recorder has disks and cannot write to any: then what is kept is what there was before.
    """
    if disks and all(disk.state is DiskState.UNUSABLE for disk in disks):
        return tuple(
            replace(f, status=FootageStatus.STOPPED) if f.status is FootageStatus.KEPT else f for f in footage
        )
    if any(f.status is FootageStatus.KEPT for f in footage):
        return footage
    return tuple(
        replace(f, status=FootageStatus.UNKNOWN) if f.status is FootageStatus.NONE else f for f in footage
    )
