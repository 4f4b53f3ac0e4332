"""Hikvision's ISAPI, as far as footage goes: what to ask for, and what the answers say. Pure.

From the public "Intelligent Security API (General Application) Developer Guide" and the "IP Surveillance API
(RaCM Part) User Guide 2.0". Every request reads, the one POST included: it carries the month asked for.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from probes.markup import MarkupError, parse_xml, text_of
from probes.recording.port import ChannelStatus, DiskState, DiskStatus

DEVICE: Final = "/ISAPI/System/deviceInfo"
TIME: Final = "/ISAPI/System/time"
CHANNELS: Final = "/ISAPI/ContentMgmt/InputProxy/channels/status"
STORAGE: Final = "/ISAPI/ContentMgmt/Storage"
TRACKS: Final = "/ISAPI/ContentMgmt/record/tracks"

MOST_CHANNELS: Final = 512
MOST_DISKS: Final = 128
LONGEST_NAME: Final = 128  # characters

MEBIBYTE: Final = 1 << 20  # ISAPI tells sizes in MB
USABLE: Final = frozenset({"ok", "idle", "normal", "sleeping"})
UNUSABLE: Final = frozenset(
    {
        "error", "unformatted", "mismatch", "offline", "smartfailed", "notexist", "formating", "formatting",
        "unidentified", "exception",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Track:
    """One stream that a recorder can keep. Its id is channel x 100 + stream (1: main)."""

    id: int
    channel: int
    enabled: bool


def days_path(track: int) -> str:
    """Where the days of a month that have footage of ``track`` are told."""
    return f"/ISAPI/ContentMgmt/record/tracks/{track}/dailyDistribution"


def days_request(year: int, month: int) -> bytes:
    """The month that is asked for, to be sent to ``days_path``."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<trackDailyParam><year>{year}</year><monthOfYear>{month}</monthOfYear></trackDailyParam>"
    ).encode()


def parse_serial(body: bytes) -> str:
    """The serial number in an answer from ``DEVICE``. Raises ``MarkupError``."""
    return text_of(parse_xml(body), "serialNumber")[:LONGEST_NAME]


def parse_time(body: bytes) -> datetime:
    """The recorder's wall clock (naive), from ``TIME``. Raises ``MarkupError``."""
    said = text_of(parse_xml(body), "localTime")
    try:
        return datetime.fromisoformat(said).replace(tzinfo=None)
    except ValueError as error:
        raise MarkupError("no readable localTime") from error


def parse_channels(body: bytes) -> tuple[ChannelStatus, ...]:
    """The channels of a recorder, from ``CHANNELS``. Raises ``MarkupError``."""
    found = (
        ChannelStatus(number, text_of(element, "name")[:LONGEST_NAME], _flag(text_of(element, "online")))
        for element in parse_xml(body).iter("InputProxyChannelStatus")
        if (number := _number(text_of(element, "id"))) is not None
    )
    return tuple(sorted({c.channel: c for c in found}.values(), key=lambda c: c.channel))[:MOST_CHANNELS]


def parse_storage(body: bytes) -> tuple[DiskStatus, ...]:
    """Disks and network shares, from ``STORAGE``. Raises ``MarkupError``."""
    root = parse_xml(body)
    disks = []
    for element in (*root.iter("hdd"), *root.iter("nas")):
        said = text_of(element, "status")
        free = _number(text_of(element, "freeSpace"))
        size = _number(text_of(element, "capacity"))
        name = text_of(element, "hddName") or text_of(element, "id")
        disks.append(
            DiskStatus(
                name[:LONGEST_NAME],
                _disk_state(said),
                said[:LONGEST_NAME],
                None if size is None else size * MEBIBYTE,
                None if free is None else free * MEBIBYTE,
            )
        )
    return tuple(disks[:MOST_DISKS])


def parse_tracks(body: bytes) -> tuple[Track, ...]:
    """The main track of each channel, from ``TRACKS``. Raises ``MarkupError``.

    The channel is read from the id: ``Channel`` holds 1 on some recorders and 101 on others.
    """
    tracks: dict[int, Track] = {}
    for element in parse_xml(body).iter("Track"):
        number = _number(text_of(element, "id"))
        if number is not None and number % 100 == 1 and 0 < number // 100 <= MOST_CHANNELS:
            enabled = _flag(text_of(element, "Enable")) is not False
            tracks[number // 100] = Track(number, number // 100, enabled)
    return tuple(tracks[channel] for channel in sorted(tracks))


def parse_days(body: bytes, year: int, month: int) -> frozenset[date]:
    """The days of that month that have footage, from ``days_path``. Raises ``MarkupError``."""
    root = parse_xml(body)
    if root.tag != "trackDailyDistribution":
        raise MarkupError(f"{root.tag[:40]} in the place of trackDailyDistribution")
    days = set()
    for element in root.iter("day"):
        number = _number(text_of(element, "dayOfMonth"))
        if number is not None and _flag(text_of(element, "record")):
            try:
                days.add(date(year, month, number))
            except ValueError as error:
                raise MarkupError(f"day {number} of month {month}") from error
    return frozenset(days)


def _disk_state(said: str) -> DiskState:
    word = said.lower()
    if word in USABLE:
        return DiskState.USABLE
    return DiskState.UNUSABLE if word in UNUSABLE else DiskState.UNKNOWN


def _flag(text: str) -> bool | None:
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower())


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 15 else None
