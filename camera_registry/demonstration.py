"""A synthetic city: an inventory to import and a fleet of simulated cameras that answers for it.

Facts are only the 953 eyes, the city's 44 cameras at 27 points, the 248 that residents paid for in 2023, and
the eyes of Hợp Minh (54) and Tuy Lộc (23) at the end of 2023. How the others spread, and every point,
address, device, day and fault, is made up here and says so. The same seed makes the same city.
"""

import csv
import random
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from importlib import resources
from ipaddress import IPv4Address
from math import cos, radians
from pathlib import Path

import xlsxwriter

from camera_registry.imports.columns import BY_FIELD
from camera_registry.inventory import DeviceKind
from camera_registry.outlines import Outline, read_outlines

UNITS_ON = date(2023, 12, 31)  # the day whose units the inventory names
DATA_SET = "yen-bai"
SITE = "CITY"
USER = "monitor"
FIRST_ADDRESS = IPv4Address("127.40.0.1")
CALM = 20  # so many first devices are healthy: those that are asked before all others come from among them

# Eyes by unit of 2023. Hợp Minh and Tuy Lộc are reported figures, the others are synthetic; the sum is 953.
EYES = {
    "Phường Đồng Tâm": 110,
    "Phường Nguyễn Thái Học": 104,
    "Phường Yên Ninh": 96,
    "Phường Minh Tân": 92,
    "Phường Yên Thịnh": 88,
    "Phường Hồng Hà": 70,
    "Phường Nguyễn Phúc": 62,
    "Phường Hợp Minh": 54,
    "Phường Nam Cường": 48,
    "Xã Tân Thịnh": 47,
    "Xã Giới Phiên": 46,
    "Xã Âu Lâu": 44,
    "Xã Văn Phú": 38,
    "Xã Minh Bảo": 31,
    "Xã Tuy Lộc": 23,
}
CITY_POINTS = 27  # 17 of two cameras and 10 of one: 44
CITY_PAIRS = 17
SOCIALISED_OF_2023 = 248  # eyes; those before the city's and these are older
OPENED = date(2023, 12, 31)  # the city's points; the others are dated here at random
OLDEST = date(2016, 3, 1)
SPREAD_M = {"Phường": 450.0, "Xã": 900.0}  # of points about the middle of their unit: one standard deviation
METRES_A_DEGREE = 111_320.0  # of latitude
POINT_SIZES = ((1, 40), (2, 30), (3, 14), (4, 10), (6, 5), (8, 1))  # eyes at a socialised point: weight
MAKERS = (("Hikvision", 34), ("Dahua", 22), ("KBVision", 14), ("Imou", 10), ("EZVIZ", 8), ("Vantech", 5))
LARGE_RECORDER = 24  # channels of the one in the busiest unit: it is asked at the pace it bears

# Kind of fault and its share of devices, per mille; what is left is healthy.
FAULTS = (
    ("refused", 50),
    ("filtered", 35),
    ("silent", 30),
    ("reset", 10),
    ("no_rtp", 25),
    ("stall", 15),
    ("404", 20),
    ("500", 5),
    ("453", 35),
    ("503", 20),
    ("401", 25),
    ("undecodable", 25),
    ("long_gop", 20),
    ("no_keyframe", 10),
    ("slow", 20),
    # of the picture: the stream is there, and shows nothing of use
    ("black", 8),
    ("covered", 8),
    ("blurred", 12),
    ("low_contrast", 4),
    ("corrupt", 5),
    ("placeholder", 5),
    ("frozen_clock", 5),
    # of devices with HTTP; others are healthy in their place
    ("snapshot_stale", 6),
    ("snapshot_html", 4),
    ("snapshot_404", 4),
    ("snapshot_503", 4),
    ("web_silent", 4),
    ("clock_off", 20),
    ("clock_unset", 4),
    ("clock_missing", 3),
    ("recording_short", 8),
)
OF_HTTP = ("snapshot_", "web_", "clock_", "recording_")
SILENT_MAKERS = ("EZVIZ", "Vantech")  # in this city without HTTP and ONVIF
SPEAKS = {"Hikvision": "hikvision", "Dahua": "dahua"}
REQUIRED_DAYS = 30
# A power cut at every 25th healthy point: it comes and goes while one looks.
CUT_EVERY, CUT_FROM_S, CUT_TO_S, CUT_AGAIN_S = 25, 150, 330, 900


# The columns of the inventory, in the order of ``_rows``.
FIELDS = (
    *("point_code", "point_name", "unit", "funding", "eye_code", "channel", "device_code", "kind"),
    *("manufacturer", "host", "port", "path", "site", "commissioned", "note"),
    *("web_port", "onvif_port", "snapshot_path", "required_days", "latitude", "longitude"),
)


@dataclass(frozen=True, slots=True)
class Ports:
    """Where every device of the city listens."""

    rtsp: int
    web: int


@dataclass(frozen=True, slots=True)
class DemoPoint:
    """An installation point, how many eyes it has, where on the map it stands and since when, all made up."""

    code: str
    name: str
    unit: str
    funding: str
    eyes: int
    latitude: float
    longitude: float
    opened: date = OPENED


@dataclass(frozen=True, slots=True)
class DemoDevice:
    """A device of a point, with what is played on it (empty: healthy)."""

    code: str
    point: DemoPoint
    channels: int
    host: str
    maker: str
    codec: str
    fault: str
    cut: bool

    @property
    def kind(self) -> DeviceKind:
        return DeviceKind.RECORDER if self.channels > 1 else DeviceKind.CAMERA

    def eye(self, channel: int) -> str:
        return f"{self.code}-M{channel:02}"

    def path(self, channel: int) -> str:
        return f"/Streaming/Channels/{channel}02"

    @property
    def speaks_http(self) -> bool:
        return self.maker not in SILENT_MAKERS

    def snapshot_path(self, channel: int) -> str:
        return f"/snapshot.jpg?channel={channel}"


def make_city(seed: int = 953) -> list[DemoDevice]:
    """The devices of the city, in the order of their points' codes."""
    chance = random.Random(seed)
    devices: list[DemoDevice] = []
    for point in _points(chance, random.Random(seed + 1)):
        # A camera each for small points, one recorder for the others.
        parts = [point.eyes] if point.eyes > 2 else [1] * point.eyes
        for number, channels in enumerate(parts, start=1):
            devices.append(_device(chance, point, number, channels, len(devices)))
    opened = _opened({device.point for device in devices}, random.Random(seed + 2))
    return [replace(each, point=replace(each.point, opened=opened[each.point.code])) for each in devices]


def write_inventory(devices: Sequence[DemoDevice], ports: Ports, path: Path) -> None:
    """An inventory as a ward would keep it, one sheet for each unit, with a title over the header."""
    with xlsxwriter.Workbook(path) as book:
        title = book.add_format({"bold": True, "font_size": 13})
        for unit in EYES:
            sheet = book.add_worksheet(unit)
            sheet.write(0, 0, f"DANH SÁCH CAMERA AN NINH - {unit.upper()} (DỮ LIỆU MÔ PHỎNG)", title)
            sheet.write_row(2, 0, [BY_FIELD[name].vi for name in FIELDS])
            row = 3
            for device in devices:
                if device.point.unit != unit:
                    continue
                for cells in _rows(device, ports):
                    sheet.write_row(row, 0, cells)
                    row += 1


def write_fleet(devices: Sequence[DemoDevice], ports: Ports, password: str, path: Path) -> None:
    """The fleet that plays these devices, all on the same ports of their own addresses."""
    path.write_text("\n".join(_fleet_lines(devices, ports, password)))


def _points(chance: random.Random, where: random.Random) -> Iterator[DemoPoint]:
    """Every unit's points: the city's are spread over the units, residents' fill up to the unit's eyes."""
    number = 0
    grounds = _grounds()
    units = list(EYES)
    of_city: dict[str, list[int]] = {unit: [] for unit in units}
    for n in range(CITY_POINTS):
        of_city[units[n % len(units)]].append(2 if n < CITY_PAIRS else 1)
    for unit, eyes in EYES.items():
        sizes = [(size, "Ngân sách thành phố") for size in of_city[unit]]
        left = eyes - sum(of_city[unit])
        if unit == units[0]:
            sizes.append((LARGE_RECORDER, "Xã hội hóa"))
            left -= LARGE_RECORDER
        while left:
            wanted = chance.choices([s for s, _ in POINT_SIZES], [w for _, w in POINT_SIZES])[0]
            sizes.append((min(wanted, left), "Xã hội hóa"))
            left -= sizes[-1][0]
        for size, funding in sizes:
            number += 1
            name = f"Điểm mô phỏng {number:03}"
            yield DemoPoint(
                f"YB-{number:04}", name, unit, funding, size, *_position(where, unit, grounds[unit])
            )


def _opened(points: Collection[DemoPoint], chance: random.Random) -> dict[str, date]:
    """By code: residents' points of 2023 have so many eyes together; all others of theirs are older."""
    opened: dict[str, date] = {}
    left = SOCIALISED_OF_2023
    for point in chance.sample(sorted(points, key=lambda point: point.code), len(points)):
        if point.funding != "Xã hội hóa":
            opened[point.code] = OPENED
            continue
        first, days = OLDEST, (date(2022, 12, 31) - OLDEST).days
        if point.eyes <= left:
            left -= point.eyes
            first, days = date(2023, 2, 1), 330
        opened[point.code] = first + timedelta(days=chance.randrange(days))
    return opened


@dataclass(frozen=True, slots=True)
class _Ground:
    """The middle of a unit of 2023, and the ward of today that it lies in."""

    latitude: float
    longitude: float
    ward: Outline


def _grounds() -> Mapping[str, _Ground]:
    data = resources.files("camera_registry") / "data"
    with resources.as_file(data / f"{DATA_SET}.geojson") as file:
        wards = read_outlines(file).values()
    rows = csv.DictReader((data / f"{DATA_SET}.csv").read_text(encoding="utf-8").splitlines())
    day = f"{UNITS_ON}"
    middles = {
        row["name"]: (float(row["latitude"]), float(row["longitude"]))
        for row in rows
        if row["name"] in EYES and row["valid_from"] <= day <= (row["valid_to"] or day)
    }
    return {
        name: _Ground(*middle, next(ward for ward in wards if ward.holds(*middle)))
        for name, middle in middles.items()
    }


def _position(where: random.Random, unit: str, ground: _Ground) -> tuple[float, float]:
    """Somewhere about the middle of the unit, inside its ward of today."""
    spread = SPREAD_M[unit.split()[0]] / METRES_A_DEGREE
    while True:
        latitude = where.gauss(ground.latitude, spread)
        longitude = where.gauss(ground.longitude, spread / cos(radians(ground.latitude)))
        if ground.ward.holds(latitude, longitude):
            return round(latitude, 6), round(longitude, 6)


def _device(chance: random.Random, point: DemoPoint, number: int, channels: int, index: int) -> DemoDevice:
    kinds = [kind for kind, _ in FAULTS] + [""]
    shares = [share for _, share in FAULTS]
    fault = chance.choices(kinds, [*shares, 1000 - sum(shares)])[0]
    maker = chance.choices([m for m, _ in MAKERS], [w for _, w in MAKERS])[0]
    if index < CALM or channels == LARGE_RECORDER or (maker in SILENT_MAKERS and fault.startswith(OF_HTTP)):
        fault = ""
    # Addresses that end in 0 or 255 are left out: some systems take them for a network's own.
    block, last = divmod(index, 254)
    return DemoDevice(
        code=f"{point.code}-D{number}",
        point=point,
        channels=channels,
        host=str(FIRST_ADDRESS + block * 256 + last),
        maker=maker,
        codec="h265" if chance.random() < 0.1 else "h264",
        fault=fault,
        cut=not fault and index % CUT_EVERY == CUT_EVERY - 1,
    )


def _rows(device: DemoDevice, ports: Ports) -> Iterator[list[object]]:
    for channel in range(1, device.channels + 1):
        yield [
            device.point.code,
            device.point.name,
            device.point.unit,
            device.point.funding,
            device.eye(channel),
            channel,
            device.code,
            "Đầu ghi hình" if device.kind is DeviceKind.RECORDER else "Camera",
            device.maker,
            device.host,
            ports.rtsp,
            device.path(channel),
            SITE,
            f"{device.point.opened:%d/%m/%Y}",
            "Dữ liệu mô phỏng",
            *(
                (ports.web, ports.web, device.snapshot_path(channel), REQUIRED_DAYS)
                if device.speaks_http
                else ("", "", "", "")
            ),
            device.point.latitude,
            device.point.longitude,
        ]


def _fleet_lines(devices: Sequence[DemoDevice], ports: Ports, password: str) -> Iterator[str]:
    yield from ("[defaults]", f"port = {ports.rtsp}", f'user = "{USER}"', f'password = "{password}"')
    yield from ('auth = ["sha-256", "md5"]', "lock_after = 5", "")
    for device in devices:
        recorder = device.kind is DeviceKind.RECORDER
        entry = "recorder" if recorder else "camera"
        yield f"[[{entry}]]"
        yield f'name = "{device.code}"'
        yield f'host = "{device.host}"'
        yield f'codec = "{device.codec}"'
        if recorder:
            yield f"channels = {device.channels}"
            yield 'paths = ["/Streaming/Channels/{channel}02"]'
        else:
            yield f'path = "{device.path(1)}"'
            yield "sessions = 1"
        if device.speaks_http:
            yield from (f"[{entry}.http]", f"port = {ports.web}", f"days = {REQUIRED_DAYS + 5}")
            yield f'maker = "{SPEAKS.get(device.maker, "none")}"'
            yield from (f"[{entry}.http.onvif]", "window_s = 5")
        if device.fault:
            yield from (f"[[{entry}.fault]]", f'kind = "{device.fault}"')
        if device.cut:
            yield from (f"[[{entry}.fault]]", 'kind = "refused"', f"from = {CUT_FROM_S}", f"to = {CUT_TO_S}")
            yield f"every = {CUT_AGAIN_S}"
        yield ""
