"""Recorders on loopback that speak ISAPI or CGI to whoever logs in once, from a calendar of footage."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlsplit

from probes.logins import NO_TIME, LoginOutcome
from probes.result import LoginKey
from tests.probes.climbing import Gate
from tests.probes.web_server import Asked, reply

HOUR = timedelta(hours=1)
CHALLENGE = 'WWW-Authenticate: Digest realm="R", nonce="n", qop="auth", algorithm=MD5'
Told = Callable[[Asked], bytes | None]


class TellingGate(Gate):
    """A login budget that remembers how each try ended."""

    def __init__(self) -> None:
        super().__init__()
        self.settled: list[LoginOutcome] = []

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        self.settled.append(outcome)
        await super().settle(key, outcome, advertised)


@dataclass
class Door:
    """Lets in with any password while it is ``open``; counts what it saw."""

    told: Told
    open: bool = True
    anonymous: int = 0
    refused: int = 0

    def __call__(self, asked: Asked) -> bytes:
        if not asked.headers.get("Authorization"):
            self.anonymous += 1
            return reply(401, b"", CHALLENGE, reason="Unauthorized")
        if not self.open:
            self.refused += 1
            return reply(401, b"", CHALLENGE, reason="Unauthorized")
        body = self.told(asked)
        return reply(404) if body is None else reply(200, body)


@dataclass
class Hikvision:
    """``days`` of footage by channel; ``clock`` is what stands on its wall."""

    clock: datetime
    days: Mapping[int, frozenset[date]] = field(default_factory=dict)
    silent: frozenset[str] = frozenset()  # paths that are not spoken
    disk: str = "ok"

    def __call__(self, asked: Asked) -> bytes | None:
        path = asked.path.removeprefix("/ISAPI/")
        if path in self.silent:
            return None
        match path:
            case "System/deviceInfo":
                return b"<DeviceInfo><serialNumber>HK1</serialNumber></DeviceInfo>"
            case "System/time":
                return f"<Time><localTime>{self.clock.isoformat()}+07:00</localTime></Time>".encode()
            case "ContentMgmt/InputProxy/channels/status":
                rows = "".join(
                    f"<InputProxyChannelStatus><id>{c}</id><online>true</online></InputProxyChannelStatus>"
                    for c in self.days
                )
                return f"<InputProxyChannelStatusList>{rows}</InputProxyChannelStatusList>".encode()
            case "ContentMgmt/Storage":
                disk = f"<hdd><id>1</id><status>{self.disk}</status></hdd>"
                return f"<storage><hddList>{disk}</hddList></storage>".encode()
            case "ContentMgmt/record/tracks":
                rows = "".join(f"<Track><id>{c}01</id></Track>" for c in self.days)
                return f"<TrackList>{rows}</TrackList>".encode()
        track = re.fullmatch(r"ContentMgmt/record/tracks/(\d+)01/dailyDistribution", path)
        month = re.search(rb"<year>(\d+)</year><monthOfYear>(\d+)</monthOfYear>", asked.body)
        if track is None or month is None or asked.method != "POST":
            return None
        rows = "".join(
            f"<day><dayOfMonth>{day.day}</dayOfMonth><record>true</record></day>"
            for day in self.days.get(int(track[1]), ())
            if (day.year, day.month) == (int(month[1]), int(month[2]))
        )
        return f"<trackDailyDistribution><dayList>{rows}</dayList></trackDailyDistribution>".encode()


@dataclass
class Dahua:
    """Hourly ``files`` by channel (from 1): first and last beginning."""

    clock: datetime
    files: Mapping[int, tuple[datetime, datetime]] = field(default_factory=dict)
    heeds_channel: bool = True
    heeds_times: bool = True
    state: str = "Success"
    searches: dict[str, list[str]] = field(default_factory=dict)
    given: int = 0
    destroyed: int = 0

    def __call__(self, asked: Asked) -> bytes | None:
        query = parse_qs(urlsplit(unquote(asked.path)).query)
        match (urlsplit(asked.path).path.removeprefix("/cgi-bin/"), query["action"][0]):
            case ("magicBox.cgi", "getSerialNo"):
                return b"sn=DH1\r\n"
            case ("global.cgi", "getCurrentTime"):
                return f"result={self.clock:%Y-%m-%d %H:%M:%S}\r\n".encode()
            case ("LogicDeviceManager.cgi", _):
                lines = (
                    f"states[{n}].channel={c - 1}\r\nstates[{n}].connectionState=Connected\r\n"
                    for n, c in enumerate(self.files)
                )
                return "".join(lines).encode()
            case ("storageDevice.cgi", _):
                return f"list.info[0].Name=/dev/sda\r\nlist.info[0].State={self.state}\r\n".encode()
            case ("mediaFileFind.cgi", action):
                return self._find(action, query)
        return None

    def _find(self, action: str, query: dict[str, list[str]]) -> bytes | None:
        if action == "factory.create":
            self.given += 1
            return f"result={self.given}\r\n".encode()
        search = query["object"][0]
        match action:
            case "findFile":
                found = self._found(
                    int(query["condition.Channel"][0]),
                    datetime.fromisoformat(query["condition.StartTime"][0]),
                    datetime.fromisoformat(query["condition.EndTime"][0]),
                )
                self.searches[search] = found
                return b"OK\r\n" if found else None
            case "findNextFile":
                page, self.searches[search] = self.searches[search][:100], self.searches[search][100:]
                lines = (line.replace("items[]", f"items[{n}]") for n, line in enumerate(page))
                return (f"found={len(page)}\r\n" + "".join(lines)).encode()
            case "destroy":
                self.destroyed += 1
        return b"OK\r\n"

    def _found(self, channel: int, start: datetime, end: datetime) -> list[str]:
        found = []
        for number, (first, last) in self.files.items():
            if self.heeds_channel and number != channel:
                continue
            begin = first
            while begin <= last:
                if not self.heeds_times or (begin <= end and begin + HOUR >= start):
                    found.append((begin, number))
                begin += HOUR
        return [
            f"items[].Channel={number - 1}\r\nitems[].StartTime={at}\r\nitems[].EndTime={at + HOUR}\r\n"
            for at, number in sorted(found)
        ]
