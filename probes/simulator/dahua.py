"""Dahua's CGI as texts, from the "Dahua HTTP API": the actions that tell of channels, disks and footage."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

from probes.simulator.device import LOCAL, Device

FILE: Final = timedelta(hours=1)  # what a recorder puts into one file
PAGE: Final = 100
MAX_SEARCHES: Final = 8
DISK_BYTES: Final = 2_000_398_934_016
_WRITTEN: Final = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class File:
    """One file of footage, by the clock on the wall."""

    channel: int
    start: datetime
    end: datetime


@dataclass(slots=True)
class Searches:
    """The searches a device has open: what each still has to tell. Given back by ``destroy``."""

    open: dict[int, list[File]] = field(default_factory=dict)
    last: int = 0


def answer(path: str, query: str, device: Device, searches: Searches) -> str | None:
    """The lines of one action; ``None`` for one that the device does not have."""
    said = dict(parse_qsl(query, keep_blank_values=True))
    action = said.get("action", "")
    match path.removeprefix("/cgi-bin/"), action:
        case "magicBox.cgi", "getSerialNo":
            return f"sn={device.serial}\r\n"
        case "magicBox.cgi", "getSoftwareVersion":
            return f"version={device.firmware},build:2024-05-06\r\n"
        case "magicBox.cgi", "getDeviceType":
            return f"type={device.model}\r\n"
        case "global.cgi", "getCurrentTime":
            return f"result={_wall(device.now):{_WRITTEN}}\r\n" if device.has_clock else None
        case "storageDevice.cgi", "getDeviceAllInfo":
            return _disks(device)
        case "LogicDeviceManager.cgi", "getCameraState":
            return _channels(device)
        case "mediaFileFind.cgi", _:
            return _find(action, said, device, searches)
    return None


def channel_of_picture(path: str, query: str) -> int | None:
    """The channel whose snapshot a path names, from 1."""
    channel = dict(parse_qsl(query)).get("channel", "1")
    return int(channel[:4]) if path == "/cgi-bin/snapshot.cgi" and channel.isdecimal() else None


def _disks(device: Device) -> str:
    state, error = ("Success", "false") if device.disk_works else ("Error", "true")
    first = "list.info[0]"
    return "".join(
        f"{line}\r\n"
        for line in (
            f"{first}.Name=/dev/sda",
            f"{first}.State={state}",
            f"{first}.Detail[0].Path=/mnt/dvr/sda0",
            f"{first}.Detail[0].Type=ReadWrite",
            f"{first}.Detail[0].IsError={error}",
            f"{first}.Detail[0].TotalBytes={DISK_BYTES}.000000",
            f"{first}.Detail[0].UsedBytes={DISK_BYTES * 19 // 20}.000000",
        )
    )


def _channels(device: Device) -> str:
    """Channels count from 0 here."""
    lines = list[str]()
    for row, channel in enumerate(device.channels):
        state = "Connected" if device.online(channel) else "Disconnected"
        lines += [f"states[{row}].channel={channel - 1}", f"states[{row}].connectionState={state}"]
    return "".join(f"{line}\r\n" for line in lines)


def _find(action: str, said: dict[str, str], device: Device, searches: Searches) -> str | None:
    if action == "factory.create":
        if len(searches.open) >= MAX_SEARCHES:
            return None
        searches.last += 1
        searches.open[searches.last] = []
        return f"result={searches.last}\r\n"
    number = int(said["object"][:9]) if said.get("object", "").isdecimal() else 0
    if number not in searches.open:
        return None
    match action:
        case "findFile":
            found = _files(said, device)
            searches.open[number] = found
            return "OK\r\n" if found else None
        case "findNextFile":
            left = searches.open[number]
            count = min(PAGE, int(said["count"][:4]) if said.get("count", "").isdecimal() else PAGE)
            searches.open[number] = left[count:]
            return "".join(f"{line}\r\n" for line in _page(left[:count]))
        case "close":
            searches.open[number] = []
            return "OK\r\n"
        case "destroy":
            del searches.open[number]
            return "OK\r\n"
    return None


def _files(said: dict[str, str], device: Device) -> list[File]:
    """The files of one channel that touch the span asked for, oldest first."""
    channel = said.get("condition.Channel", "")
    if not channel.isdecimal() or int(channel[:4]) not in device.channels:
        return []
    try:
        start, end = (
            datetime.strptime(said.get(f"condition.{key}", ""), _WRITTEN).replace(tzinfo=LOCAL)
            for key in ("StartTime", "EndTime")
        )
    except ValueError:
        return []
    footage = device.footage(int(channel[:4]))
    if footage is None:
        return []
    oldest, newest = footage.oldest.astimezone(LOCAL), footage.newest.astimezone(LOCAL)
    files = list[File]()
    while oldest < newest:
        if oldest < end and min(oldest + FILE, newest) > start:
            files.append(File(int(channel[:4]), oldest, min(oldest + FILE, newest)))
        oldest += FILE
    return files


def _page(files: list[File]) -> Iterator[str]:
    yield f"found={len(files)}"
    for row, file in enumerate(files):
        yield f"items[{row}].Channel={file.channel - 1}"
        yield f"items[{row}].StartTime={file.start:{_WRITTEN}}"
        yield f"items[{row}].EndTime={file.end:{_WRITTEN}}"
        yield f"items[{row}].Type=dav"


def _wall(moment: datetime) -> datetime:
    return moment.astimezone(LOCAL)
