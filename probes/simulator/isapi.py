"""Hikvision's ISAPI as texts: the few resources that tell of channels, disks and footage.

From the public "Intelligent Security API (General Application) Developer Guide" and the "IP Surveillance API
(RaCM Part) User Guide 2.0".
"""

import re
from calendar import monthrange
from datetime import date
from typing import Final

from probes.simulator.device import LOCAL, Device
from probes.simulator.onvif import tag

NAMESPACE: Final = 'version="2.0" xmlns="http://www.hikvision.com/ver20/XMLSchema"'
DISK_MB: Final = 1_907_729
_DAYS: Final = re.compile(r"/ISAPI/ContentMgmt/record/tracks/(\d{1,6})/dailyDistribution")


def answer(path: str, body: bytes, device: Device) -> str | None:
    """The XML of one resource; ``None`` for one that the device does not support."""
    texts = {
        "/ISAPI/System/deviceInfo": _identity,
        "/ISAPI/System/time": _time,
        "/ISAPI/ContentMgmt/InputProxy/channels": _channels,
        "/ISAPI/ContentMgmt/InputProxy/channels/status": _status,
        "/ISAPI/ContentMgmt/Storage": _storage,
        "/ISAPI/ContentMgmt/record/tracks": _tracks,
    }
    if path in texts:
        return texts[path](device)
    days = _DAYS.fullmatch(path)
    return _days(device, int(days[1]), body) if days else None


def channel_of_picture(path: str) -> int | None:
    """The channel whose snapshot a path names; its id is channel x 100 + stream."""
    match = re.fullmatch(r"/ISAPI/Streaming/channels/(\d{1,4})0[12]/picture", path)
    return int(match[1]) if match else None


def unsupported() -> str:
    """What stands in the body of a 403: a refusal of the resource and not of the visitor (F046)."""
    said = (
        tag("statusCode", 4) + tag("statusString", "Invalid Operation") + tag("subStatusCode", "notSupport")
    )
    return _document("ResponseStatus", said)


def _identity(device: Device) -> str:
    said = {
        "deviceName": device.spec.name,
        "model": device.model,
        "serialNumber": device.serial,
        "firmwareVersion": f"V{device.firmware}",
        "deviceType": "NVR" if len(device.channels) > 1 else "IPCamera",
    }
    return _document("DeviceInfo", "".join(tag(key, said[key]) for key in said))


def _time(device: Device) -> str:
    said = tag("timeMode", "NTP")
    if device.has_clock:
        said += tag("localTime", device.now.astimezone(LOCAL).isoformat(timespec="seconds"))
    return _document("Time", said + tag("timeZone", "CST-7:00:00"))


def _source(channel: int) -> str:
    said = tag("proxyProtocol", "ONVIF") + tag("addressingFormatType", "ipaddress")
    said += tag("ipAddress", f"192.168.254.{channel % 250 + 2}") + tag("managePortNo", 80)
    return tag("sourceInputPortDescriptor", said + tag("srcInputPort", 1), raw=True)


def _channels(device: Device) -> str:
    said = "".join(
        tag("InputProxyChannel", tag("id", c) + tag("name", f"Camera {c:02}") + _source(c), raw=True)
        for c in device.channels
    )
    return _document("InputProxyChannelList", said)


def _status(device: Device) -> str:
    said = ""
    for channel in device.channels:
        online = device.online(channel)
        state = tag("online", str(online).lower())
        state += tag("chanDetectResult", "connect" if online else "netUnreachable")
        said += tag("InputProxyChannelStatus", tag("id", channel) + _source(channel) + state, raw=True)
    return _document("InputProxyChannelStatusList", said)


def _storage(device: Device) -> str:
    said = tag("id", 1) + tag("hddName", "hdda") + tag("hddType", "SATA")
    said += tag("status", "ok" if device.disk_works else "error") + tag("capacity", DISK_MB)
    said += tag("freeSpace", DISK_MB // 20) + tag("property", "RW")
    return _document("storage", tag("hddList", tag("hdd", said, raw=True), raw=True) + "<nasList/>")


def _tracks(device: Device) -> str:
    said = ""
    for channel in device.channels:
        number = channel * 100 + 1
        inside = tag("id", number) + tag("Channel", number) + tag("Enable", "true")
        said += tag(
            "Track", inside + tag("DefaultRecordingMode", "CMR") + tag("LoopEnable", "true"), raw=True
        )
    return _document("TrackList", said)


def _days(device: Device, track: int, body: bytes) -> str | None:
    """Which days of a month have footage of one track, by the calendar on the wall."""
    year, month = (re.search(rb"<" + key + rb">(\d{1,4})<", body) for key in (b"year", b"monthOfYear"))
    if year is None or month is None or not 1 <= int(month[1]) <= 12 or int(year[1]) == 0:
        return None
    footage = device.footage(track // 100) if track // 100 in device.channels else None
    said = ""
    for number in range(1, monthrange(int(year[1]), int(month[1]))[1] + 1):
        day = date(int(year[1]), int(month[1]), number)
        kept = (
            footage is not None
            and footage.oldest.astimezone(LOCAL).date() <= day <= footage.newest.astimezone(LOCAL).date()
        )
        inside = tag("id", number) + tag("dayOfMonth", number) + tag("record", str(kept).lower())
        said += tag("day", inside + (tag("recordType", "time") if kept else ""), raw=True)
    return _document("trackDailyDistribution", tag("dayList", said, raw=True))


def _document(name: str, inside: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tag(name, inside, NAMESPACE, raw=True)}'
