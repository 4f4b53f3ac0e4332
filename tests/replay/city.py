"""A year of a city, made up from a seed: what a monitor of 953 eyes was told, as a scenario for ``replay``.

What happens to an eye is painted, layer upon layer: faults of its own, then of its device, its point and its
ward, then the silences of whoever asks. What is painted is then asked for on the eye's own minute, as the
monitor would: equal answers become runs, and a failure is asked about again after 8 to 12 s and 15 to 20 s
more.
"""

import json
import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import count, pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
MINUTE, HOUR, DAY = 60, 3600, 86400
INTERVAL: Final = {"stream": 60, "picture": 300, "snapshot": 300, "clock": 300, "recording": DAY}
SHARE: Final = {"stream": 1.0, "picture": 0.4, "snapshot": 0.2, "clock": 0.25, "recording": 0.1}
WARDS: Final = 15
SITES: Final = {"S1": 0.8, "S2": 0.15, "S3": 0.05}
BEAT_S: Final = 10

POLICY: Final = {
    "interval_s": 60,
    "confirm_after": 3,
    "recover_after": 1,
    "silence_factor": 2.5,
    "checks": {
        "picture": {"interval_s": 300, "confirm_after": 3, "recover_after": 2},
        "snapshot": {"interval_s": 300, "confirm_after": 3, "recover_after": 2},
        "clock": {"interval_s": 300, "confirm_after": 2, "recover_after": 2},
        "recording": {"interval_s": 86400, "confirm_after": 1, "recover_after": 1},
    },
}

Say = tuple[str, str] | None  # outcome and reason; None: nothing is heard
OK: Final[Say] = ("ok", "OK")
NETWORK: Final = ("TCP_TIMEOUT", "HOST_UNREACHABLE", "TCP_REFUSED", "RTSP_TIMEOUT", "CONNECTION_RESET")
FAULTS: Final = {
    "stream": (*NETWORK, "STREAM_NOT_FOUND", "RTP_NONE", "RTP_STALLED", "RTSP_SERVER_ERROR"),
    "picture": ("PICTURE_BLACK", "PICTURE_FROZEN", "PICTURE_BLURRED", "DECODE_FAILED"),
    "snapshot": ("SNAPSHOT_STALE", "SNAPSHOT_HTTP_ERROR", "SNAPSHOT_TRUNCATED"),
    "clock": ("CLOCK_DRIFT", "CLOCK_UNSET", "CLOCK_TZ_SUSPECT"),
    "recording": ("RETENTION_SHORT", "RECORDING_STOPPED"),
}
NOT_ASKED: Final = {
    "stream": ("AUTH_REJECTED", "STREAM_SLOTS_BUSY", "PROBE_SKIPPED_BACKPRESSURE"),
    "picture": ("KEYFRAME_NOT_SEEN",),
    "snapshot": ("MONITOR_INTERNAL_ERROR",),
    "clock": ("CLOCK_UNREADABLE",),
    "recording": ("MONITOR_INTERNAL_ERROR",),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a city, and how long. Days are counted from ``first``."""

    eyes: int
    points: int
    first: date
    days: int
    reorganised: tuple[date, date]  # both before the flood: incidents go by the units of today
    flood: date
    seed: int = 953

    def at(self, day: date) -> int:
        """Seconds from the beginning until the midnight of ``day``; the zone knows no clock change."""
        return (day - self.first).days * DAY

    @property
    def length(self) -> int:
        return self.days * DAY


YEAR: Final = Shape(953, 457, date(2024, 1, 1), 366, (date(2024, 3, 1), date(2024, 7, 1)), date(2024, 9, 9))
# Half of July to the days after the flood.
SUMMER: Final = Shape(60, 36, date(2024, 7, 17), 60, (date(2024, 8, 1), date(2024, 8, 20)), date(2024, 9, 9))


class Paint:
    """What would be heard at every second: disjoint spans, the newest layer on top."""

    def __init__(self, ground: Say) -> None:
        self._starts = [0]
        self._says = [ground]

    def put(self, start: float, end: float, say: Say) -> None:
        first, last = max(0, round(start)), round(end)
        if last <= first:
            return
        left, right = bisect_left(self._starts, first), bisect_right(self._starts, last)
        after = self._says[right - 1]
        self._starts[left:right] = [first, last]
        self._says[left:right] = [say, after]

    def at(self, second: float) -> Say:
        return self._says[bisect_right(self._starts, second) - 1]

    def spans(self, end: int) -> Iterator[tuple[int, int, Say]]:
        for index, start in enumerate(self._starts):
            until = self._starts[index + 1] if index + 1 < len(self._starts) else end
            if start < min(until, end):
                yield start, min(until, end), self._says[index]


@dataclass(slots=True)
class Eye:
    code: str
    point: str
    device: str
    site: str
    phase: int  # the second of the minute at which it is asked
    commissioned: int
    heard_from: int
    paints: dict[str, Paint] = field(default_factory=dict)


@dataclass(slots=True)
class City:
    shape: Shape
    chance: random.Random
    units: list[str]
    points: dict[str, str]  # its first unit
    k: dict[str, int]
    eyes: list[Eye]
    late: dict[str, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    silent: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))  # by site
    others: list[tuple[int, dict[str, Any]]] = field(default_factory=list)  # lines that are no results
    flooded: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)  # points that lost their power alone

    @property
    def sites(self) -> list[str]:
        return [site for site in SITES if any(eye.site == site for eye in self.eyes)]

    def of_point(self, point: str) -> list[Eye]:
        return [eye for eye in self.eyes if eye.point == point]


def make(shape: Shape) -> City:
    """A city in which everything has happened."""
    city = _ground(shape)
    for eye in city.eyes:
        _own_troubles(city, eye)
    _fate(city)
    _power_cuts(city)
    _reorganise(city)
    _flood(city)
    _outages_of_ours(city)
    _service(city)
    _maintenance(city)
    return city


def lines(city: City, reports: Sequence[dict[str, str]]) -> Iterator[str]:
    """The scenario, a line at a time: setup, what was heard in order of time, the reports."""
    yield json.dumps({"setup": _setup(city)})
    told = [(at, json.dumps(line)) for at, line in city.others]
    for eye in city.eyes:
        for check, paint in eye.paints.items():
            told += _heard(city, eye, check, paint)
    told.sort()
    again = city.chance.sample(range(len(told)), len(told) // 200)  # told twice: changes nothing
    told += [(at, text) for at, text in (told[i] for i in sorted(again)) if '"eye"' in text[:30]]
    yield from (text for _, text in told)
    for report in reports:
        yield json.dumps({"report": report})


def months(shape: Shape) -> list[dict[str, str]]:
    """A report of each month, as it is known at the end of everything."""
    ends = [shape.first]
    last = shape.first + timedelta(days=shape.days)
    while ends[-1] < last:
        ends.append(min(last, (ends[-1].replace(day=1) + timedelta(days=32)).replace(day=1)))
    now = _midnight(last)
    return [{"from": _midnight(a), "to": _midnight(b), "now": now} for a, b in pairwise(ends)]


def whole(shape: Shape) -> dict[str, str]:
    """A report of all of it."""
    last = _midnight(shape.first + timedelta(days=shape.days))
    return {"from": _midnight(shape.first), "to": last, "now": last}


# --- what there is --------------------------------------------------------------------------------------


def _ground(shape: Shape) -> City:
    chance = random.Random(shape.seed)
    wards = [f"W{n:02}" for n in range(1, WARDS + 1)]
    points = {f"P{n:03}": wards[n % WARDS] for n in range(shape.points)}
    city = City(shape, chance, [*wards, "N01"], points, {}, [])
    places = [*points, *(chance.choice(list(points)) for _ in range(shape.eyes - len(points)))]
    sites = {point: chance.choices(list(SITES), list(SITES.values()))[0] for point in points}
    devices = count(1)
    number = 0
    for point in points:
        device, room = "", 0
        for _ in range(places.count(point)):
            if room == 0:  # a camera has one eye, a recorder up to eight
                device, room = f"D{next(devices):03}", chance.choice((1, 1, 4, 8))
            number += 1
            room -= 1
            late_comer = chance.random() < 0.15
            began = int(chance.uniform(0, 0.7 * shape.length)) // HOUR * HOUR if late_comer else 0
            first = began + int(chance.choice((0, 0, 5 * HOUR, -6 * HOUR))) if late_comer else 0
            eye = Eye(
                f"E{number:03}", point, device, sites[point], chance.randrange(60), began, max(0, first)
            )
            asked = [check for check, share in SHARE.items() if chance.random() < share]
            eye.paints = {check: Paint(OK) for check in asked}
            city.eyes.append(eye)
        city.k[point] = min(places.count(point), chance.choice((1, 1, 1, 2)))
    return city


def _setup(city: City) -> dict[str, Any]:
    return {
        "timezone": str(ZONE),
        "policy": POLICY,
        "units": city.units,
        "points": {point: {"unit": unit, "k": city.k[point]} for point, unit in city.points.items()},
        "eyes": {
            eye.code: {
                "point": eye.point,
                "device": eye.device,
                "site": eye.site,
                "commissioned": _iso(city.shape, eye.commissioned),
            }
            for eye in city.eyes
        },
    }


# --- what happens -----------------------------------------------------------------------------------------


def _own_troubles(city: City, eye: Eye) -> None:
    """Of every check now and then: outages of every length, blips, moments in which nobody could ask."""
    chance, length = city.chance, city.shape.length
    for check, paint in eye.paints.items():
        scale = length / (366 * DAY)
        step = INTERVAL[check]
        for _ in range(_about(chance, 14 * scale if check == "stream" else 5 * scale)):
            start = chance.uniform(0, length)
            lasts = step * chance.choice((0.1, 0.4, 1, 2, 3, 5, 20, 90, 400)) * chance.uniform(0.5, 2)
            paint.put(start, start + lasts, ("failing", chance.choice(FAULTS[check])))
        for _ in range(_about(chance, 4 * scale)):
            start = chance.uniform(0, length)
            lasts = step * chance.choice((0.5, 3, 30, 300)) * chance.uniform(0.5, 2)
            paint.put(start, start + lasts, ("unknown", chance.choice(NOT_ASKED[check])))
        for _ in range(_about(chance, 2 * scale)):
            start = chance.uniform(0, length)
            paint.put(start, start + step * chance.choice((1, 2, 2.5, 3, 50)), None)
        if check != "stream":  # good once, and failing again
            start = chance.uniform(0, length)
            paint.put(start, start + 9 * step, ("failing", chance.choice(FAULTS[check])))
            paint.put(start + 5 * step, start + 6 * step, OK)
        if check == "snapshot" and chance.random() < 0.1:
            paint.put(0, length, ("off", "SNAPSHOT_UNSUPPORTED"))


def _fate(city: City) -> None:
    """Some flap, some never worked, some died for good."""
    chance, length = city.chance, city.shape.length
    chosen = chance.sample(city.eyes, max(6, len(city.eyes) // 16))
    third = len(chosen) // 3
    for eye in chosen[:third]:
        at, until = (start := chance.uniform(0, 0.9 * length)), start + chance.uniform(1, 6) * HOUR
        while at < until:
            lasts = chance.uniform(10, 500)
            eye.paints["stream"].put(at, at + lasts, ("failing", chance.choice(FAULTS["stream"])))
            at += lasts + chance.uniform(20, 600)
    for eye in chosen[third : 2 * third]:
        said = chance.choice((("failing", "TCP_TIMEOUT"), ("unknown", "AUTH_REJECTED"), None))
        eye.paints["stream"].put(0, chance.choice((length, 0.5 * length)), said)
    for eye in chosen[2 * third :]:
        eye.paints["stream"].put(chance.uniform(0.1, 0.9) * length, length, ("failing", "HOST_UNREACHABLE"))


def _power_cuts(city: City) -> None:
    """Of single points, all eyes within seconds; some are back one by one."""
    chance = city.chance
    for point in chance.sample(list(city.points), max(2, len(city.points) // 4)):
        start = chance.uniform(0, city.shape.length)
        end = start + chance.choice((5 * MINUTE, 40 * MINUTE, 6 * HOUR)) * chance.uniform(0.5, 2)
        city.cut.append(point)
        for eye in city.of_point(point):
            back = end + chance.uniform(0, 300)
            eye.paints["stream"].put(start + chance.uniform(0, 5), back, ("failing", "TCP_TIMEOUT"))


def _reorganise(city: City) -> None:
    """W14 and W15 become parts of W13; later W10, W11 and W12 one new ward, and a few points change sides."""
    first, second = city.shape.reorganised
    moves = [(point, "W13", first) for point, unit in city.points.items() if unit in ("W14", "W15")]
    moves += [(point, "N01", second) for point, unit in city.points.items() if unit in ("W10", "W11", "W12")]
    moves += [(point, "W02", second) for point in [p for p, unit in city.points.items() if unit == "W01"][:2]]
    for point, unit, day in moves:
        line = {"point": point, "unit": unit, "from": _midnight(day)}
        city.others.append((city.shape.at(day), {"move": line}))


def _flood(city: City) -> None:
    """Seven wards lose their power within minutes each; points come back one by one over three days."""
    chance = city.chance
    city.flooded = ["W03", "W04", "W05", "W06", "W07", "W08", "W09"]
    for ward in city.flooded:
        start = city.shape.at(city.shape.flood) + chance.uniform(14, 26) * HOUR
        points = [point for point, unit in city.points.items() if unit == ward]
        spared = set(points[:: max(10, len(points))])  # the first
        for point in points:
            if point in spared and len(points) > 4:
                continue
            falls = start + chance.choice((0, 0, 0, 0, 0, 0, 0, 3 * HOUR)) + chance.uniform(0, 30)
            back = start + chance.uniform(20, 60) * HOUR
            for eye in city.of_point(point):
                said = ("failing", chance.choice(NETWORK[:2]))
                eye.paints["stream"].put(falls + chance.uniform(0, 5), back + chance.uniform(0, 600), said)


def _outages_of_ours(city: City) -> None:
    """The monitor sleeps, workers die, links are cut and what was seen is told later."""
    chance, length = city.chance, city.shape.length
    for share, lasts in ((0.11, 90), (0.2, 3 * HOUR + 17), (0.55, 26 * MINUTE), (0.93, 11 * HOUR)):
        start = round(share * length) + 12345
        for site in city.sites:
            city.silent[site].append((start, start + lasts))
    city.silent["S2"].append((round(0.4 * length) + 777, round(0.4 * length) + 777 + 5 * HOUR))
    city.silent["S3"].append((round(0.6 * length) + 99, round(0.6 * length) + 99 + 40 * MINUTE))
    for eye in city.eyes:
        for start, end in city.silent[eye.site]:
            for paint in eye.paints.values():
                paint.put(start, end, None)
    for share, lasts, after in (
        (0.3, 6 * HOUR, 0),
        (0.5, 2 * HOUR, 6 * DAY),
        (0.6, HOUR, 8 * DAY),
        (0.7, 3 * HOUR, 7 * DAY - 2 * HOUR),
    ):
        start = round(share * length) + 4321
        for eye in chance.sample(city.eyes, 12):
            city.late[eye.code].append((start, start + lasts, start + lasts + after))
    for site in city.sites:
        beats = Paint(OK)
        for start, end in city.silent[site]:
            beats.put(start, end, None)
        for start, end, say in beats.spans(length):
            if say is not None:
                line = {"site": site, "from": _iso(city.shape, start), "to": _iso(city.shape, end)}
                city.others.append((start, {"heartbeat": line | {"every_s": BEAT_S}}))


def _service(city: City) -> None:
    """Nothing is heard before an eye is asked, and little after it has been retired."""
    chance, length = city.chance, city.shape.length
    retired = {eye.code for eye in chance.sample(city.eyes, max(2, len(city.eyes) // 33))}
    for eye in city.eyes:
        for paint in eye.paints.values():
            paint.put(0, eye.heard_from, None)
        if eye.code in retired:
            at = round(max(0.3 * length, eye.commissioned) + chance.uniform(0.01, 0.25) * length)
            city.others.append((at, {"retire": {"eye": eye.code, "at": _iso(city.shape, at)}}))
            still_asked = chance.choice((0, 2 * DAY))
            for paint in eye.paints.values():
                paint.put(at + still_asked, length, None)
        if "picture" in eye.paints:  # of a stream that does not come there is no picture
            for start, end, say in eye.paints["stream"].spans(length):
                if say != OK:
                    eye.paints["picture"].put(start, end, None)


def _maintenance(city: City) -> None:
    """Windows of every scope, some over troubles, some over each other, some entered long after."""
    chance, shape = city.chance, city.shape
    scopes = [f"eye:{eye.code}" for eye in chance.sample(city.eyes, len(city.eyes) // 8)]
    scopes += [f"point:{point}" for point in chance.sample(list(city.points), len(city.points) // 8)]
    scopes += [f"unit:{chance.choice(city.units)}" for _ in range(24)] + [
        f"site:{city.sites[-1]}",
        "all",
        "all",
    ]
    for scope in scopes:
        _window(city, scope, chance.uniform(0, shape.length), chance.choice((0.2, 1, 4, 30)) * HOUR)
        if chance.random() < 0.3:  # and one more over its end
            _window(city, scope, chance.uniform(0, shape.length), 3 * HOUR)
    for eye in chance.sample(city.eyes, len(city.eyes) // 6):
        down = [
            span for span in eye.paints["stream"].spans(shape.length) if span[2] and span[2][0] == "failing"
        ]
        if down:
            start, end, _ = chance.choice(down)
            _window(city, f"eye:{eye.code}", start - chance.uniform(-600, 600), min(end - start, DAY))
            _window(city, f"point:{eye.point}", start + 300, min(end - start, HOUR))
    for unit, day in (
        ("W14", shape.reorganised[0]),
        ("W13", shape.reorganised[0]),
        ("N01", shape.reorganised[1]),
    ):
        _window(city, f"unit:{unit}", shape.at(day) - 2 * HOUR, 5 * HOUR)  # over the hour of the move


def _window(city: City, scope: str, start: float, lasts: float) -> None:
    first = max(0, round(start))
    line = {
        "scope": scope,
        "from": _iso(city.shape, first),
        "to": _iso(city.shape, first + max(60, round(lasts))),
    }
    city.others.append((first, {"maintenance": line}))


# --- what is heard of it ----------------------------------------------------------------------------------


def _heard(city: City, eye: Eye, check: str, paint: Paint) -> Iterator[tuple[int, str]]:
    """Lines, each with the second at which it begins."""
    step = INTERVAL[check]
    late = city.late.get(eye.code, [])
    for start, end, say in paint.spans(city.shape.length):
        if say is None:
            continue
        first = start + (eye.phase - start) % step
        if first >= end:
            continue
        tail = f'"eye": "{eye.code}", "check": "{check}", "outcome": "{say[0]}", "reason": "{say[1]}"}}'
        for a, b, told in _cut(first, end, late, step):
            if told is None:
                yield a, _run(city.shape, a, b, step, tail)
            else:
                received = f'"received_at": "{_iso(city.shape, told)}", '
                yield a, _run(city.shape, a, b, step, received + tail)
        if check == "stream" and say[0] == "failing" and not any(a <= first < b for a, b, _ in late):
            yield from _asked_again(city, eye, first, paint)


def _run(shape: Shape, start: int, end: int, step: int, tail: str) -> str:
    if start + step >= end:
        return f'{{"at": "{_iso(shape, start)}", {tail}'
    return f'{{"every_s": {step}, "from": "{_iso(shape, start)}", "to": "{_iso(shape, end)}", {tail}'


def _cut(
    first: int, end: int, late: Sequence[tuple[int, int, int]], step: int
) -> Iterator[tuple[int, int, int | None]]:
    """[first, end) in parts that were told at once (None) or later; each begins when the eye is asked."""
    at = first
    for start, until, told in sorted(late):
        begin, finish = (at + step * max(0, -((at - moment) // step)) for moment in (start, until))
        if finish <= begin or begin >= end:
            continue
        if at < begin:
            yield at, begin, None
        yield begin, min(finish, end), told
        at = finish
    if at < end:
        yield at, end, None


def _asked_again(city: City, eye: Eye, first: int, paint: Paint) -> Iterator[tuple[int, str]]:
    """What a suspect says 8 to 12 s later, and 15 to 20 s after that."""
    at = first
    for shortest, longest in ((8, 12), (15, 20)):
        at += city.chance.randint(shortest, longest)
        say = paint.at(at)
        if say is None or at >= city.shape.length:
            return
        tail = f'"eye": "{eye.code}", "check": "stream", "outcome": "{say[0]}", "reason": "{say[1]}"}}'
        yield at, f'{{"at": "{_iso(city.shape, at)}", {tail}'
        if say[0] != "failing":
            return


def _about(chance: random.Random, mean: float) -> int:
    return int(mean * chance.uniform(0.5, 1.5) + chance.random())


def _midnight(day: date) -> str:
    return datetime.combine(day, time(), ZONE).isoformat()


def _iso(shape: Shape, second: int) -> str:
    days, rest = divmod(second, DAY)
    day = _DAYS.setdefault((shape.first, days), (shape.first + timedelta(days=days)).isoformat())
    return f"{day}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}+07:00"


_DAYS: dict[tuple[date, int], str] = {}
