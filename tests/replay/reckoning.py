"""The rules of counting, applied to a scenario by hand: plain, small, sharing no line with the product.

Moments are whole microseconds since 1970. Results become *stretches*: equal outcomes that neither another
outcome nor a silence interrupts. A stretch that is long enough decides, from its first result on; that is all
there is to confirmation, recovery and silence. Then one sweep over every change of an eye adds up what holds
between two changes.
"""

import json
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

LATENESS = 7 * 86_400 * 1_000_000
CHECKS = ("stream", "picture", "snapshot", "clock", "recording")
STATES = ("up", "degraded", "down", "unknown", "maintenance", "not_in_service")


def moment(text: str) -> int:
    since = datetime.fromisoformat(text) - datetime.fromisoformat("1970-01-01T00:00:00+00:00")
    return since // timedelta(microseconds=1)


def micros(seconds: float) -> int:
    return round(seconds * 1_000_000)


@dataclass(frozen=True, slots=True)
class Piece:
    """Equal results at ``first``, ``first + step`` …, told at ``told`` (None: each at its own time)."""

    first: int
    step: int
    count: int
    outcome: str
    told: int | None
    line: int

    @property
    def last(self) -> int:
        return self.first + (self.count - 1) * self.step

    def times(self) -> range:
        return range(self.first, self.last + 1, self.step)

    def between(self, start: int, end: int) -> "Piece | None":
        """What of it lies in [start, end)."""
        before = max(0, -((self.first - start) // self.step))
        count = min(self.count, max(0, -((self.first - end) // self.step))) - before
        if count <= 0:
            return None
        return replace(self, first=self.first + before * self.step, count=count)

    def known(self, now: int) -> "Piece | None":
        """What of it is told by ``now`` and was not too late when it was told."""
        if self.told is None:
            return self.between(self.first, now + 1)
        return self.between(self.told - LATENESS, self.last + 1) if self.told <= now else None


@dataclass(frozen=True, slots=True)
class Policy:
    interval: int
    confirm_after: int
    recover_after: int
    longest_quiet: float  # microseconds; more is silence


@dataclass(frozen=True, slots=True)
class Window:
    kind: str  # eye, point, unit, site, all
    name: str
    start: int
    end: int


@dataclass(slots=True)
class Scenario:
    """A scenario, read."""

    policies: dict[str, Policy] = field(default_factory=dict)
    units: list[str] = field(default_factory=list)
    points: dict[str, tuple[str, int]] = field(default_factory=dict)  # its first unit, k
    eyes: dict[str, tuple[str, str]] = field(default_factory=dict)  # its point and site
    service: dict[str, tuple[int, int]] = field(default_factory=dict)
    pieces: dict[tuple[str, str], list[Piece]] = field(default_factory=lambda: defaultdict(list))
    windows: list[Window] = field(default_factory=list)
    moves: dict[str, list[tuple[int, str]]] = field(default_factory=lambda: defaultdict(list))
    beats: dict[str, list[tuple[int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    reports: list[tuple[int, int, int]] = field(default_factory=list)  # from, to, now


ALWAYS = 1 << 62


def read(lines: Iterable[str]) -> Scenario:
    scenario = Scenario()
    for number, text in enumerate(lines):
        if text.strip():
            _take(scenario, json.loads(text), number)
    return scenario


def _take(scenario: Scenario, line: Mapping[str, Any], number: int) -> None:
    if "setup" in line:
        _set_up(scenario, line["setup"])
    elif "maintenance" in line:
        said = line["maintenance"]
        kind, _, name = said["scope"].partition(":")
        scenario.windows.append(Window(kind, name, moment(said["from"]), moment(said["to"])))
    elif "move" in line:
        said = line["move"]
        scenario.moves[said["point"]].append((moment(said["from"]), said["unit"]))
    elif "retire" in line:
        start, _ = scenario.service[line["retire"]["eye"]]
        scenario.service[line["retire"]["eye"]] = start, moment(line["retire"]["at"])
    elif "heartbeat" in line:
        said = line["heartbeat"]
        first, end, step = moment(said["from"]), moment(said["to"]), micros(said["every_s"])
        scenario.beats[said["site"]].append((first, -((first - end) // step), step))
    elif "report" in line:
        said = line["report"]
        scenario.reports.append(
            (moment(said["from"]), moment(said["to"]), moment(said.get("now", said["to"])))
        )
    elif "eye" in line:
        scenario.pieces[line["eye"], line["check"]].append(_piece(line, number))


def _piece(line: Mapping[str, Any], number: int) -> Piece:
    told = moment(line["received_at"]) if "received_at" in line else None
    if "every_s" not in line:
        return Piece(moment(line["at"]), 1, 1, line["outcome"], told, number)
    first, end, step = moment(line["from"]), moment(line["to"]), micros(line["every_s"])
    return Piece(first, step, -((first - end) // step), line["outcome"], told, number)


# What holds where a policy leaves it open.
DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "stream": {"interval_s": 60, "confirm_after": 3, "recover_after": 1},
    "picture": {"interval_s": 300, "confirm_after": 3, "recover_after": 2},
    "snapshot": {"interval_s": 300, "confirm_after": 3, "recover_after": 2},
    "clock": {"interval_s": 300, "confirm_after": 3, "recover_after": 2},
    "recording": {"interval_s": 86400, "confirm_after": 1, "recover_after": 1},
}


def _set_up(scenario: Scenario, setup: Mapping[str, Any]) -> None:
    stream = setup.get("policy", {})
    for check, said in {"stream": stream, **stream.get("checks", {})}.items():
        policy = {**DEFAULTS[check]} | {"silence_factor": stream.get("silence_factor", 2.5)} | said
        interval = micros(policy["interval_s"])
        scenario.policies[check] = Policy(
            interval, policy["confirm_after"], policy["recover_after"], policy["silence_factor"] * interval
        )
    scenario.units = list(setup.get("units", []))
    scenario.points = {name: (p.get("unit", ""), p.get("k", 1)) for name, p in setup["points"].items()}
    for name, eye in setup["eyes"].items():
        scenario.eyes[name] = eye["point"], eye.get("site", "S1")
        began = eye.get("commissioned")
        scenario.service[name] = moment(began) if began else -ALWAYS, ALWAYS


# --- rules 2, 3 and 5: what the results of one check make of it ------------------------------------------


@dataclass(slots=True)
class Stretch:
    outcome: str
    first: int
    last: int
    count: int


def losses(beats: Iterable[tuple[int, int, int]], now: int) -> Iterator[tuple[int, int]]:
    """When a site was lost that was heard so: three beats missed, the third of them by half a beat."""
    heard = sorted(
        (first, first + (min(count, (now - first) // step + 1) - 1) * step, step)
        for first, count, step in beats
        if first <= now
    )
    for (_, last, step), (again, _, _) in pairwise([*heard, (ALWAYS, 0, 0)]):
        if min(again, now) - last > 3.5 * step:
            yield last + step, again


def believed(pieces: Iterable[Piece], lost: Sequence[tuple[int, int]]) -> Iterator[Piece]:
    """What a site said while it was lost is not used against its eyes."""
    for piece in pieces:
        start = -ALWAYS
        for left, again in lost if piece.outcome == "failing" else ():
            if piece.told is not None and piece.told >= again:
                continue  # it kept what it saw until it was heard
            if part := piece.between(start, left):
                yield part
            start = again
        if rest := piece.between(start, ALWAYS):
            yield rest


Turns = list[tuple[int, str]]  # from then on; unknown before


def judge(pieces: Sequence[Piece], policy: Policy, now: int) -> tuple[Turns, list[int]]:
    """The states of one check, and the moments of failures that were never confirmed."""
    state, turns, blips = "unknown", [(-ALWAYS, "unknown")], []
    stretches = list(_stretches(pieces, policy, now))
    for index, stretch in enumerate(stretches):
        newest = index + 1 == len(stretches)
        heard_again = now if newest else stretches[index + 1].first
        silent = heard_again - stretch.last > policy.longest_quiet
        became = state
        if stretch.outcome in ("unknown", "off"):
            became = stretch.outcome
        elif stretch.outcome == "ok":
            if state != "failing" or stretch.count >= policy.recover_after:
                became = "ok"
        elif state != "failing":
            if stretch.count >= policy.confirm_after:
                became = "failing"
            elif silent or not newest:  # else it still waits
                blips.append(stretch.first)
        if became != state:
            turns.append((stretch.first, became))
            state = became
        if silent and state != "unknown":
            turns.append((stretch.last + policy.interval, "unknown"))
            state = "unknown"
    return turns, blips


def _stretches(pieces: Sequence[Piece], policy: Policy, now: int) -> Iterator[Stretch]:
    open_: Stretch | None = None
    once = {(p.first, p.step, p.count, p.outcome, p.told): p for p in reversed(pieces)}  # told again: nothing
    for piece in _apart([known for piece in once.values() if (known := piece.known(now))]):
        alone = [piece] if piece.step <= policy.longest_quiet else _singles(piece)
        for part in alone:
            if open_ is not None:
                if open_.outcome == part.outcome and part.first - open_.last <= policy.longest_quiet:
                    open_.last, open_.count = part.last, open_.count + part.count
                    continue
                yield open_
            open_ = Stretch(part.outcome, part.first, part.last, part.count)
    if open_ is not None:
        yield open_


def _apart(pieces: list[Piece]) -> Iterator[Piece]:
    """The pieces in order of time, those that reach into each other as single results, each time once."""
    pieces.sort(key=lambda piece: (piece.first, piece.line))
    together: list[Piece] = []
    for piece in pieces:
        if together and piece.first > max(p.last for p in together):
            yield from _untangled(together)
            together = []
        together.append(piece)
    yield from _untangled(together)


def _untangled(pieces: list[Piece]) -> Iterator[Piece]:
    """Each piece is cut where another begins or ends; what still lies side by side is told apart."""
    if len(pieces) < 2:
        yield from pieces
        return
    cuts = sorted({piece.first for piece in pieces} | {piece.last + 1 for piece in pieces})
    beside: dict[int, list[Piece]] = defaultdict(list)
    for piece in pieces:
        for index in range(bisect_left(cuts, piece.first), bisect_left(cuts, piece.last + 1)):
            part = piece.between(cuts[index], cuts[index + 1])
            if part is not None:
                beside[cuts[index]].append(part)
    for cut in sorted(beside):
        yield from _each_time_once(beside[cut])


def _each_time_once(pieces: list[Piece]) -> Iterator[Piece]:
    if len(pieces) < 2:
        yield from pieces
        return
    said: dict[int, Piece] = {}
    for piece in pieces:
        for single in _singles(piece):
            before = said.get(single.first)
            if before is None or _told(single) < _told(before):
                said[single.first] = single
    yield from (said[at] for at in sorted(said))


def _told(single: Piece) -> tuple[int, int]:
    return single.first if single.told is None else single.told, single.line


def _singles(piece: Piece) -> list[Piece]:
    return [Piece(at, 1, 1, piece.outcome, piece.told, piece.line) for at in piece.times()]


# --- rules 1 and 6 to 11: what holds between two changes of an eye ------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """What held of an eye in [start, end)."""

    start: int
    end: int
    kind: str  # one of STATES
    checks: Mapping[str, str]
    unit: str
    fall: int  # which run of ``down`` this lies in; -1: none


@dataclass(slots=True)
class Sums:
    """Microseconds; ``outages`` are the lengths of all, ``ended`` of those whose end is known."""

    of: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATES, 0))
    usable: int = 0
    unusable: int = 0
    down_judged: int = 0
    outages: list[int] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    blips: int = 0

    def take(self, held: Held, length: int) -> None:
        self.of[held.kind] += length
        picture = held.checks["picture"]
        if held.kind in ("up", "degraded"):
            self.usable += length * (picture == "ok")
            self.unusable += length * (picture == "failing")
        elif held.kind == "down" and picture != "off":
            self.down_judged += length

    def answer(self) -> dict[str, Any]:
        shown = self.of["up"] + self.of["degraded"]
        observed = shown + self.of["down"]
        asked = observed + self.of["unknown"]
        judged = self.usable + self.unusable + self.down_judged
        return {f"{state}_s": self.of[state] / 1e6 for state in STATES} | {
            "availability": _rate(shown, observed),
            "coverage": _rate(observed, asked),
            "usable": _rate(self.usable, judged),
            "usable_coverage": _rate(judged, asked),
            "outages": len(self.outages),
            "longest_outage_s": max(self.outages, default=0) / 1e6,
            "mttr_s": sum(self.ended) / len(self.ended) / 1e6 if self.ended else None,
            "mtbf_s": shown / len(self.outages) / 1e6 if self.outages else None,
            "blips": self.blips,
        }


def total(parts: Iterable[Sums]) -> Sums:
    """Rule 9: seconds are added up, never percentages."""
    whole = Sums()
    for part in parts:
        for state in STATES:
            whole.of[state] += part.of[state]
        whole.usable += part.usable
        whole.unusable += part.unusable
        whole.down_judged += part.down_judged
        whole.outages += part.outages
        whole.ended += part.ended
        whole.blips += part.blips
    return whole


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None


class Eye:
    """One eye as it is known at ``now``: everything that held of it, in order of time."""

    def __init__(self, scenario: Scenario, name: str, now: int) -> None:
        point, site = scenario.eyes[name]
        self.service = scenario.service[name]
        self.units = [(-ALWAYS, scenario.points[point][0]), *sorted(scenario.moves[point])]
        self.windows = [
            part
            for window in scenario.windows
            for part in self._part_of(window, {"eye": name, "point": point, "site": site})
        ]
        lost = list(losses(scenario.beats[site], now))
        self.turns: dict[str, Turns] = {check: [(-ALWAYS, "off")] for check in CHECKS}
        self.blips: list[int] = []
        for check, policy in scenario.policies.items():
            pieces = scenario.pieces.get((name, check), [])
            heard = (piece.first if piece.told is None else piece.told for piece in pieces)
            if check != "stream" and min(heard, default=ALWAYS) > now:
                continue  # never judged: as good as off
            self.turns[check], blips = judge(list(believed(pieces, lost)), policy, now)
            if check == "stream":
                self.blips = blips
        self.falls = [
            (at, until)
            for (at, state), (until, _) in pairwise([*self.turns["stream"], (ALWAYS, "")])
            if state == "failing"
        ]
        self.history = list(self._history())  # without gaps, from always to always
        self._starts = [held.start for held in self.history]

    def _part_of(self, window: Window, names: Mapping[str, str]) -> Iterator[tuple[int, int]]:
        if window.kind == "all" or names.get(window.kind) == window.name:
            yield window.start, window.end
        if window.kind == "unit":
            for (since, unit), (until, _) in pairwise([*self.units, (ALWAYS, "")]):
                start, end = max(since, window.start), min(until, window.end)
                if unit == window.name and start < end:
                    yield start, end

    def _history(self) -> Iterator[Held]:
        changes: list[tuple[int, str, str]] = [
            (at, check, state) for check, turns in self.turns.items() for at, state in turns
        ]
        changes += [(at, "unit", unit) for at, unit in self.units]
        if self.service[0] < self.service[1]:
            changes += [(at, "service", word) for at, word in zip(self.service, ("yes", "no"), strict=True)]
        changes += [(at, "work", "+") for at, _ in self.windows] + [
            (at, "work", "-") for _, at in self.windows
        ]
        changes += [(at, "fall", str(n)) for n, (at, _) in enumerate(self.falls)]
        changes.sort(key=lambda change: change[0])
        now = {"service": "no", "unit": "", "fall": "-1"}
        at_work = 0
        for (at, what, value), (until, _, _) in pairwise([*changes, (ALWAYS, "", "")]):
            if what == "work":
                at_work += 1 if value == "+" else -1
            else:
                now[what] = value
            if at < until:
                checks = {check: now.get(check, "off") for check in CHECKS}
                kind = self._kind(checks, now["service"] == "yes", at_work > 0)
                fall = int(now["fall"]) if checks["stream"] == "failing" else -1
                yield Held(at, until, kind, checks, now["unit"], fall)

    def _kind(self, checks: Mapping[str, str], in_service: bool, at_work: bool) -> str:
        if not in_service:
            return "not_in_service"
        if at_work:
            return "maintenance"
        if checks["stream"] != "ok":
            return "down" if checks["stream"] == "failing" else "unknown"
        others = (state for check, state in checks.items() if check != "stream")
        return "degraded" if "failing" in others else "up"

    def within(self, start: int, end: int) -> list[Held]:
        first, last = bisect_right(self._starts, start) - 1, bisect_left(self._starts, end)
        return [
            Held(max(h.start, start), min(h.end, end), h.kind, h.checks, h.unit, h.fall)
            for h in self.history[first:last]
        ]

    def sums(self, start: int, end: int) -> Sums:
        """Everything that is counted of it in [start, end)."""
        sums = Sums()
        for held in self.within(start, end):
            sums.take(held, held.end - held.start)
            if held.kind not in ("maintenance", "not_in_service"):
                sums.blips += bisect_left(self.blips, held.end) - bisect_left(self.blips, held.start)
        sums.outages, sums.ended = self.outages(start, end, start, end)
        return sums

    def outages(self, start: int, end: int, since: int, until: int) -> tuple[list[int], list[int]]:
        """The lengths in [start, end) of the outages that begin in [since, until), and of the ended ones."""
        lengths: dict[int, int] = defaultdict(int)
        for held in self.within(start, end):
            if held.kind == "down" and since <= max(start, self.falls[held.fall][0]) < until:
                lengths[held.fall] += held.end - held.start
        ended = [length for fall, length in lengths.items() if self.falls[fall][1] <= end]
        return list(lengths.values()), ended


Answer = dict[str, dict[str, dict[str, Any]]]  # "eyes", "points", "units"; by name


def reckon(scenario: Scenario) -> list[Answer]:
    """An answer for each report of the scenario."""
    answers: list[Answer] = []
    told: dict[int, dict[str, Eye]] = {}
    for start, end, now in scenario.reports:
        if now not in told:
            told[now] = {name: Eye(scenario, name, now) for name in scenario.eyes}
        answers.append(_answer(scenario, told[now], start, min(end, now)))
    return answers


def _answer(scenario: Scenario, eyes: Mapping[str, Eye], start: int, end: int) -> Answer:
    of_units: dict[str, list[Sums]] = {unit: [] for unit in scenario.units}
    points: dict[str, list[Eye]] = {point: [] for point in scenario.points}
    for name, (point, _) in scenario.eyes.items():
        points[point].append(eyes[name])
        for (since, unit), (until, _) in pairwise([*eyes[name].units, (ALWAYS, "")]):
            first, last = max(start, since), min(end, until)
            if first < last:
                part = eyes[name].sums(first, last)
                # One outage is one, also when its point moves meanwhile: it counts where it began.
                part.outages, part.ended = eyes[name].outages(start, end, first, last)
                of_units.setdefault(unit, []).append(part)
    return {
        "eyes": {name: eye.sums(start, end).answer() for name, eye in eyes.items()},
        "units": {unit: total(parts).answer() for unit, parts in of_units.items()},
        "points": {
            point: _served([eye.within(start, end) for eye in its], scenario.points[point][1])
            for point, its in points.items()
        },
    }


def _served(histories: Iterable[Iterable[Held]], k: int) -> dict[str, float]:
    """Rule 10; an eye under maintenance cannot be told, and where that is all of them nothing is counted."""
    changes: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for history in histories:
        for held in history:
            kind = "shown" if held.kind in ("up", "degraded") else held.kind
            changes[held.start].append((kind, +1))
            changes[held.end].append((kind, -1))
    holding: dict[str, int] = defaultdict(int)
    sums = dict.fromkeys(("served", "not_served", "unknown"), 0)
    moments = sorted(changes)
    for at, until in pairwise(moments):
        for kind, change in changes[at]:
            holding[kind] += change
        if holding["shown"] + holding["down"] + holding["unknown"] == 0:
            continue
        if holding["shown"] >= k:
            sums["served"] += until - at
        elif holding["shown"] + holding["unknown"] + holding["maintenance"] < k:
            sums["not_served"] += until - at
        else:
            sums["unknown"] += until - at
    return {f"{name}_s": length / 1e6 for name, length in sums.items()}
