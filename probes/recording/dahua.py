"""Dahua's CGI, as far as footage goes: what to ask for, and what the answers say. Pure.

From the public "Dahua HTTP API" (4.10.5 Find Media Files, storage and LogicDeviceManager), which its OEM
brands share. Answers are lines of ``key=value``. Channels count from 1 in a condition and from 0 in an
answer; the documentation's own example counts from 1 in both.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import quote

from probes.recording.port import ChannelStatus, DiskState, DiskStatus

SERIAL: Final = "/cgi-bin/magicBox.cgi?action=getSerialNo"
TIME: Final = "/cgi-bin/global.cgi?action=getCurrentTime"
DISKS: Final = "/cgi-bin/storageDevice.cgi?action=getDeviceAllInfo"
CHANNELS: Final = "/cgi-bin/LogicDeviceManager.cgi?action=getCameraState&uniqueChannels[0]=-1"
NEW_SEARCH: Final = "/cgi-bin/mediaFileFind.cgi?action=factory.create"

MOST_LINES: Final = 20_000
LONGEST_LINE: Final = 1_000  # characters
MOST_CHANNELS: Final = 512
MOST_DISKS: Final = 128
PAGE: Final = 100  # files an answer; the documented maximum
BEFORE_ALL: Final = datetime(2000, 1, 1)  # noqa: DTZ001 – a wall clock's reading: the recorder tells no zone

TIME_FORMAT: Final = "%Y-%m-%d %H:%M:%S"
INDEXED: Final = re.compile(r"(?P<table>[A-Za-z.]+)\[(?P<row>\d{1,6})\]\.(?P<field>[A-Za-z.\[\]0-9]+)")
USABLE: Final = frozenset({"success", "running", "normal", "active"})
UNUSABLE: Final = frozenset({"error", "failure", "failed", "offline", "notexist", "unformatted"})


class CgiError(ValueError):
    """An answer that is no list of ``key=value``, or lacks what was asked for."""


@dataclass(frozen=True, slots=True)
class File:
    """One file of footage: the channel as it was written, and the recorder's wall clock (naive)."""

    channel: int
    start: datetime
    end: datetime


def search_path(search: int, channel: int, start: datetime, end: datetime) -> str:
    """Begin to look for footage of ``channel`` (from 1) between two readings of the recorder's clock."""
    return (
        f"/cgi-bin/mediaFileFind.cgi?action=findFile&object={search}&condition.Channel={channel}"
        f"&condition.StartTime={_written(start)}&condition.EndTime={_written(end)}&condition.Types[0]=dav"
    )


def page_path(search: int) -> str:
    """The next files that were found."""
    return f"/cgi-bin/mediaFileFind.cgi?action=findNextFile&object={search}&count={PAGE}"


def end_paths(search: int) -> tuple[str, str]:
    """Give the search back: a recorder has few of them."""
    path = f"/cgi-bin/mediaFileFind.cgi?object={search}&action="
    return f"{path}close", f"{path}destroy"


def parse_pairs(body: bytes) -> dict[str, str]:
    """The lines of an answer. Spaces around keys and values are dropped. Raises ``CgiError``."""
    lines = body.decode("utf-8", "replace").splitlines()
    if len(lines) > MOST_LINES:
        raise CgiError("more lines than we are willing to read")
    pairs = {}
    for line in lines:
        key, equals, value = line[:LONGEST_LINE].partition("=")
        if equals:
            pairs[key.replace(" ", "")] = value.strip()
    return pairs


def is_ok(body: bytes) -> bool:
    """Whether a command was taken."""
    return body.strip().lower() in (b"ok", b"true")


def parse_serial(body: bytes) -> str:
    """The serial number, from ``SERIAL``."""
    return parse_pairs(body).get("sn", "")[:128]


def parse_time(body: bytes) -> datetime:
    """The recorder's wall clock (naive), from ``TIME``. Raises ``CgiError``."""
    return _read(parse_pairs(body).get("result", ""))


def parse_search(body: bytes) -> int:
    """The number of a new search, from ``NEW_SEARCH``. Raises ``CgiError``."""
    said = parse_pairs(body).get("result", "")
    if not re.fullmatch(r"[0-9]{1,20}", said):
        raise CgiError("no search was given")
    return int(said)


def parse_disks(body: bytes) -> tuple[DiskStatus, ...]:
    """Disks with their partitions summed up, from ``DISKS``."""
    disks = []
    for row in _rows(parse_pairs(body), "list.info").values():
        said = row.get("State", "")
        disks.append(
            DiskStatus(
                row.get("Name", "")[:128],
                _disk_state(said, (v for k, v in row.items() if k.endswith(".IsError"))),
                said[:128],
                size := _sum(row, "TotalBytes"),
                None if size is None or (used := _sum(row, "UsedBytes")) is None else max(0, size - used),
            )
        )
    return tuple(disks[:MOST_DISKS])


def parse_channels(body: bytes) -> tuple[ChannelStatus, ...]:
    """Whether each channel's camera is connected, from ``CHANNELS``; channels that have none are left out."""
    channels = []
    for row in _rows(parse_pairs(body), "states").values():
        lowered = {key.lower(): value for key, value in row.items()}
        number, said = lowered.get("channel", ""), lowered.get("connectionstate", "").lower()
        if re.fullmatch(r"[0-9]{1,4}", number) and said not in ("", "empty", "unconfigured"):
            channels.append(ChannelStatus(int(number) + 1, online=said == "connected"))
    return tuple(sorted(channels, key=lambda c: c.channel))[:MOST_CHANNELS]


def parse_page(body: bytes) -> tuple[File, ...]:
    """The files of one page, in the order they came; those without a readable time are left out."""
    files = []
    for row in _rows(parse_pairs(body), "items").values():
        try:
            start, end = _read(row.get("StartTime", "")), _read(row.get("EndTime", ""))
        except CgiError:
            continue
        if re.fullmatch(r"[0-9]{1,4}", channel := row.get("Channel", "")) and start <= end:
            files.append(File(int(channel), start, end))
    return tuple(files[:PAGE])


def of_channel(files: tuple[File, ...], channel: int) -> tuple[File, ...] | None:
    """Those of ``files`` that are of ``channel`` (from 1); ``None`` where that cannot be told.

    Some recorders ignore the condition and list every channel (agsh/onvif #298): then a channel 0 among them
    tells from where they count.
    """
    numbers = {file.channel for file in files}
    if numbers <= {channel}:  # counted from 1, as in the documentation's example; also: nothing found
        return files
    if numbers <= {channel - 1}:
        return files
    if 0 in numbers:
        return tuple(file for file in files if file.channel == channel - 1) or None
    return None


def _rows(pairs: dict[str, str], table: str) -> dict[int, dict[str, str]]:
    rows: dict[int, dict[str, str]] = {}
    for key, value in pairs.items():
        found = INDEXED.fullmatch(key)
        if found is not None and found["table"] == table:
            rows.setdefault(int(found["row"]), {})[found["field"]] = value
    return dict(sorted(rows.items()))


def _disk_state(said: str, errors: Iterable[str]) -> DiskState:
    word = said.lower()
    if word in UNUSABLE or any(error.lower() == "true" for error in errors):
        return DiskState.UNUSABLE
    return DiskState.USABLE if word in USABLE else DiskState.UNKNOWN


def _sum(row: dict[str, str], field: str) -> int | None:
    sizes = [value for key, value in row.items() if key.endswith(f".{field}")]
    try:  # they are written as fractions: 2495680086016.000000
        return int(sum(float(size) for size in sizes)) if sizes else None
    except (ValueError, OverflowError):
        return None


def _read(said: str) -> datetime:
    try:
        return datetime.strptime(said, TIME_FORMAT)  # noqa: DTZ007 – the recorder's wall clock, of no zone
    except ValueError as error:
        raise CgiError("no readable time") from error


def _written(moment: datetime) -> str:
    return quote(moment.strftime(TIME_FORMAT))
