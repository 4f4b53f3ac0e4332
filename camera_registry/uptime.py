"""The arithmetic of time: what an eye was for how long, and the rates that follow. Pure: no clock, no I/O.

The rules are numbered in the project's definition of truth ("Counting"). Everything is counted in whole
microseconds, so that the parts of a period sum to it exactly and splitting it changes nothing. Intervals are
half-open, [start, end). At one instant an eye is one of six things, the first that holds: not in service, in
maintenance, up, degraded, down, unknown. Time to come is none of them: hand in a period that ends by now
(``Span.until``).
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from operator import attrgetter
from typing import Final

from camera_registry.health import EyeState
from probes.reasons import Check, Outcome

NOT_IN_SERVICE: Final = "not_in_service"
MAINTENANCE: Final = "maintenance"

DELIVERING: Final = frozenset({str(EyeState.UP), str(EyeState.DEGRADED)})  # its ``stream`` is ok

_MICROSECOND = timedelta(microseconds=1)
_NONE = timedelta(0)
_SECOND = 1_000_000  # microseconds
_at, _start, _end = attrgetter("at"), attrgetter("start"), attrgetter("end")
_NOTHING: Mapping[str, int] = {}
_DOWN: Final = str(EyeState.DOWN)
_UNKNOWN: Final = str(EyeState.UNKNOWN)
_OTHERS = (Check.SNAPSHOT, Check.CLOCK, Check.RECORDING)  # with rates of their own


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A time, half-open: [start, end). It is empty where ``end`` is not after ``start``."""

    start: datetime
    end: datetime

    @property
    def length(self) -> int:
        """In microseconds."""
        return max(0, (self.end - self.start) // _MICROSECOND)

    def until(self, now: datetime) -> "Span":
        """The part that is past at ``now`` (rule 8); empty where all of it is to come."""
        return self if self.end <= now else Span(self.start, max(self.start, now))

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


@dataclass(frozen=True, slots=True)
class Turn:
    """From ``at`` on the state is ``state``; before the first turn of a ledger it is unknown."""

    at: datetime
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """Of one eye everything that the arithmetic needs, for the period that is asked for and no less.

    ``states`` is the eye's own ledger (up, degraded, down, unknown), ``checks`` those of its checks (ok,
    failing, unknown, off), each in order of time and from its last turn before the period on. ``service``
    and ``maintenance`` are sorted and disjoint (see ``merged``). ``blips`` are the moments, in order, at
    which its stream was suspected and nothing came of it. ``judged``: whether pictures are judged at all.
    """

    states: Sequence[Turn]
    checks: Mapping[Check, Sequence[Turn]] = field(default_factory=dict)
    service: Sequence[Span] = ()
    maintenance: Sequence[Span] = ()
    blips: Sequence[datetime] = ()
    judged: bool = True


@dataclass(frozen=True, slots=True)
class Interval:
    """What an eye was without a change: a state, ``MAINTENANCE`` or ``NOT_IN_SERVICE``; and why."""

    span: Span
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Tally:
    """Microseconds by state, and by what the rates are made of. Rates are fractions, ``None`` if of nothing.

    ``up`` … ``not_in_service`` sum to the period. ``usable`` and ``unusable`` are parts of up and degraded
    while the picture is ok or failing; ``down_judged`` is the part of down in which pictures are judged.
    """

    up: int = 0
    degraded: int = 0
    down: int = 0
    unknown: int = 0
    maintenance: int = 0
    not_in_service: int = 0
    usable: int = 0
    unusable: int = 0
    down_judged: int = 0
    snapshot_ok: int = 0
    snapshot_failing: int = 0
    clock_ok: int = 0
    clock_failing: int = 0
    recording_ok: int = 0
    recording_failing: int = 0

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(*(one + more for one, more in zip(_parts(self), _parts(other), strict=True)))

    @property
    def period(self) -> int:
        """All six states together: the length of what was tallied."""
        return self.in_service + self.maintenance + self.not_in_service

    @property
    def observed(self) -> int:
        """The time in which the stream was known to be ok or failing."""
        return self.up + self.degraded + self.down

    @property
    def in_service(self) -> int:
        """In service and outside maintenance: what every coverage is a part of."""
        return self.observed + self.unknown

    @property
    def availability(self) -> float | None:
        """Stream ok ÷ (stream ok + stream failing), rule 6."""
        return _rate(self.up + self.degraded, self.observed)

    @property
    def coverage(self) -> float | None:
        """What ``availability`` speaks for."""
        return _rate(self.observed, self.in_service)

    @property
    def pictured(self) -> int:
        """The denominator of the usable rate."""
        return self.usable + self.unusable + self.down_judged

    @property
    def usable_rate(self) -> float | None:
        """Stream and picture ok ÷ (stream ok and picture ok or failing, + stream failing), rule 6."""
        return _rate(self.usable, self.pictured)

    @property
    def usable_coverage(self) -> float | None:
        """What ``usable_rate`` speaks for."""
        return _rate(self.pictured, self.in_service)

    def rate(self, check: Check) -> float | None:
        """Ok ÷ (ok + failing) of the snapshot, the clock or the recording; of the others, their own rates."""
        if check is Check.STREAM:
            return self.availability
        if check is Check.PICTURE:
            return self.usable_rate
        ok, failing = self._of(check)
        return _rate(ok, ok + failing)

    def coverage_of(self, check: Check) -> float | None:
        """What ``rate`` of this check speaks for."""
        if check is Check.STREAM:
            return self.coverage
        if check is Check.PICTURE:
            return self.usable_coverage
        return _rate(sum(self._of(check)), self.in_service)

    def _of(self, check: Check) -> tuple[int, int]:
        return getattr(self, f"{check}_ok"), getattr(self, f"{check}_failing")


_parts = attrgetter(*(each.name for each in fields(Tally)))


@dataclass(frozen=True, slots=True)
class Count:
    """What adds up from day to day and from eye to eye: the time, and the suspicions that came to nothing."""

    tally: Tally = field(default_factory=Tally)
    blips: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.tally + other.tally, self.blips + other.blips)

    @classmethod
    def total(cls, counts: Iterable["Count"]) -> "Count":
        """The sum of many, sooner than one by one."""
        every = list(counts)
        if not every:
            return cls()
        parts = zip(*(_parts(each.tally) for each in every), strict=True)
        return cls(Tally(*map(sum, parts)), sum(each.blips for each in every))


@dataclass(frozen=True, slots=True)
class Outage:
    """A maximal run of down (rule 11), cut to the period. ``end`` is ``None`` where it goes on after that.

    ``counted`` is how much of it is in service and outside maintenance, in microseconds.
    """

    start: datetime
    end: datetime | None
    counted: int

    @property
    def seconds(self) -> float:
        return self.counted / _SECOND


@dataclass(frozen=True, slots=True)
class Summary:
    """What outages come to. ``mttr_s`` is the mean of those that ended, ``mtbf_s`` the time up or degraded
    for each outage; both ``None`` where there were none.
    """

    outages: int
    longest_outage_s: float
    mttr_s: float | None
    mtbf_s: float | None


@dataclass(frozen=True, slots=True)
class Runs:
    """Outages put together: how many, how many of them ended, and microseconds counted in these and in the
    longest of all.
    """

    outages: int = 0
    ended: int = 0
    ended_down: int = 0
    longest: int = 0

    @classmethod
    def of(cls, found: Iterable[Outage]) -> "Runs":
        every = list(found)
        ended = [run.counted for run in every if run.end is not None]
        return cls(len(every), len(ended), sum(ended), max((run.counted for run in every), default=0))

    def __add__(self, other: "Runs") -> "Runs":
        return Runs(
            self.outages + other.outages,
            self.ended + other.ended,
            self.ended_down + other.ended_down,
            max(self.longest, other.longest),
        )

    def summary(self, total: Tally) -> Summary:
        """The figures of rule 11; ``total`` is the tally of the same eyes and the same time."""
        delivering_s = (total.up + total.degraded) / _SECOND
        return Summary(
            outages=self.outages,
            longest_outage_s=self.longest / _SECOND,
            mttr_s=self.ended_down / _SECOND / self.ended if self.ended else None,
            mtbf_s=delivering_s / self.outages if self.outages else None,
        )


@dataclass(frozen=True, slots=True)
class Served:
    """Microseconds in which a point was served, was not, or may have been (rule 10)."""

    served: int = 0
    not_served: int = 0
    unknown: int = 0

    def __add__(self, other: "Served") -> "Served":
        return Served(
            self.served + other.served, self.not_served + other.not_served, self.unknown + other.unknown
        )


class Serving(StrEnum):
    """What a point is at one moment. In maintenance, or not in service: all of its eyes."""

    SERVED = "served"
    NOT_SERVED = "not_served"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    NOT_IN_SERVICE = "not_in_service"


# --- spans ------------------------------------------------------------------------------------------


def merged(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same time in sorted, disjoint, not even touching spans: overlapping windows count once (rule 7)."""
    found: list[Span] = []
    for span in sorted(span for span in spans if span.end > span.start):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return tuple(found)


def touching(spans: Sequence[Span], within: Span) -> Sequence[Span]:
    """Those of sorted, disjoint spans that share time with ``within``, as they are."""
    return spans[bisect_right(spans, within.start, key=_end) : bisect_left(spans, within.end, key=_start)]


def clipped(spans: Sequence[Span], within: Span) -> tuple[Span, ...]:
    """The parts of sorted, disjoint spans that lie in ``within``."""
    parts = [
        Span(max(span.start, within.start), min(span.end, within.end)) for span in touching(spans, within)
    ]
    return tuple([part for part in parts if part.start < part.end])


def without(spans: Sequence[Span], holes: Sequence[Span]) -> tuple[Span, ...]:
    """What is left of sorted, disjoint ``spans`` outside sorted, disjoint ``holes``."""
    if not holes:
        return tuple(spans)
    left: list[Span] = []
    number = 0
    for span in spans:
        start = span.start
        while number < len(holes) and holes[number].start < span.end:
            hole = holes[number]
            if start < hole.start:
                left.append(Span(start, hole.start))
            start = max(start, hole.end)
            if hole.end > span.end:
                break  # the next span may lie in it, too
            number += 1
        if start < span.end:
            left.append(Span(start, span.end))
    return tuple(left)


def length(spans: Iterable[Span]) -> int:
    """Of disjoint spans together, in microseconds."""
    return sum([span.end - span.start for span in spans], _NONE) // _MICROSECOND


# --- counting ---------------------------------------------------------------------------------------


def counted(history: History, within: Span) -> tuple[Span, ...]:
    """The parts of ``within`` that enter a figure: in service, outside maintenance."""
    return without(clipped(history.service, within), history.maintenance)


def intervals(history: History, within: Span) -> tuple[Interval, ...]:
    """The period without a gap, as it is counted."""
    serving = clipped(history.service, within)
    if within.end <= within.start:
        return ()
    cut = [Interval(span, NOT_IN_SERVICE) for span in without((within,), serving)]
    counting = without(serving, history.maintenance)
    cut += [Interval(span, MAINTENANCE) for span in without(serving, counting)]
    cut += [
        Interval(Span(start, end), turn.state, turn.reason)
        for turn, start, end in _pieces(history.states, counting)
    ]
    return tuple(sorted(cut, key=lambda interval: interval.span))


def tally(history: History, within: Span) -> Tally:
    """For how long the eye was what; all six states sum to the length of ``within`` exactly."""
    serving = clipped(history.service, within)
    counting = without(serving, history.maintenance)
    in_service = length(serving)
    states = _by_state(history.states, counting)
    lasted = {state: length(spans) for state, spans in states.items()}
    shown = off = _NOTHING
    down = lasted.get(EyeState.DOWN, 0)
    if history.judged:
        pictures = history.checks.get(Check.PICTURE, ())
        delivering = [states[state] for state in (EyeState.UP, EyeState.DEGRADED) if state in states]
        shown = _held(pictures, delivering[0] if len(delivering) == 1 else sorted(chain(*delivering)))
        off = _held(pictures, states.get(EyeState.DOWN, ()))
    snapshot, clock, recording = (_held(history.checks.get(check, ()), counting) for check in _OTHERS)
    return Tally(
        up=lasted.get(EyeState.UP, 0),
        degraded=lasted.get(EyeState.DEGRADED, 0),
        down=down,
        unknown=lasted.get(EyeState.UNKNOWN, 0),
        maintenance=in_service - sum(lasted.values()),
        not_in_service=within.length - in_service,
        usable=shown.get(Outcome.OK, 0),
        unusable=shown.get(Outcome.FAILING, 0),
        down_judged=down - off.get(Outcome.OFF, 0) if history.judged else 0,
        snapshot_ok=snapshot.get(Outcome.OK, 0),
        snapshot_failing=snapshot.get(Outcome.FAILING, 0),
        clock_ok=clock.get(Outcome.OK, 0),
        clock_failing=clock.get(Outcome.FAILING, 0),
        recording_ok=recording.get(Outcome.OK, 0),
        recording_failing=recording.get(Outcome.FAILING, 0),
    )


def count(history: History, within: Span) -> Count:
    """The tally of ``within`` and its blips."""
    return Count(tally(history, within), blips(history, within))


def outages(history: History, within: Span) -> tuple[Outage, ...]:
    """The runs of down that touch ``within``, each as one, however often a window interrupts it.

    What lies in maintenance or out of service is cut out; a run of which nothing is left is none.
    """
    if all(turn.state != _DOWN for turn in history.states):
        return ()
    down: list[Span] = []
    for turn, start, end in _pieces(history.states, (within,)):
        if turn.state != _DOWN:
            continue
        if down and down[-1].end == start:  # another reason, the same outage
            start = down.pop().start
        down.append(Span(start, end))
    counting = counted(history, within) if down else ()
    found: list[Outage] = []
    for run in down:
        parts = [min(span.end, run.end) - max(span.start, run.start) for span in touching(counting, run)]
        if part := sum(parts, _NONE) // _MICROSECOND:
            lasting = run.end == within.end and _state_at(history.states, run.end) == EyeState.DOWN
            found.append(Outage(run.start, None if lasting else run.end, part))
    return tuple(found)


def summary(total: Tally, found: Iterable[Outage]) -> Summary:
    """The figures of rule 11, of one eye or of many: ``total`` and the outages are of the same."""
    return Runs.of(found).summary(total)


def blips(history: History, within: Span) -> int:
    """How many suspicions came to nothing, in service and outside maintenance."""
    if not history.blips:
        return 0
    return sum(
        bisect_left(history.blips, span.end) - bisect_left(history.blips, span.start)
        for span in counted(history, within)
    )


def served(histories: Sequence[History], k: int, within: Span) -> Served:
    """How long a point was served by its eyes (rule 10): while at least ``k`` of them are up or degraded.

    An eye in maintenance counts as unknown. Where no eye is in service outside maintenance, nothing counts.
    """
    lasted: dict[Serving, timedelta] = defaultdict(timedelta)
    for serving, start, end in servings(histories, k, within):
        lasted[serving] += end - start
    return Served(
        lasted[Serving.SERVED] // _MICROSECOND,
        lasted[Serving.NOT_SERVED] // _MICROSECOND,
        lasted[Serving.UNKNOWN] // _MICROSECOND,
    )


def servings(
    histories: Sequence[History], k: int, within: Span
) -> Iterator[tuple[Serving, datetime, datetime]]:
    """The period without a gap, cut where something changes of a point: whether it is served, from, until."""
    # At each moment: how many more eyes deliver, may deliver, are counted at all.
    changes: dict[datetime, list[int]] = {}

    def note(moment: datetime, delivering: int, unknown: int, counted: int) -> None:
        change = changes.get(moment)
        if change is None:
            changes[moment] = [delivering, unknown, counted]
            return
        change[0] += delivering
        change[1] += unknown
        change[2] += counted

    for history in histories:
        serving = clipped(history.service, within)
        counting = without(serving, history.maintenance)
        for span in without(serving, counting):
            note(span.start, 0, 1, 0)
            note(span.end, 0, -1, 0)
        for turn, start, end in _pieces(history.states, counting):
            up, unclear = int(turn.state in DELIVERING), int(turn.state == _UNKNOWN)
            note(start, up, unclear, 1)
            note(end, -up, -unclear, -1)
    delivering = unknown = counting_eyes = 0
    before = within.start
    for moment in sorted(changes):
        if before < moment:
            yield _serving(delivering, unknown, counting_eyes, k), before, moment
        before = moment
        more = changes[moment]
        delivering, unknown, counting_eyes = delivering + more[0], unknown + more[1], counting_eyes + more[2]
    if before < within.end:
        yield Serving.NOT_IN_SERVICE, before, within.end


def _serving(delivering: int, unknown: int, counting_eyes: int, k: int) -> Serving:
    if not counting_eyes:
        return Serving.MAINTENANCE if unknown else Serving.NOT_IN_SERVICE
    if delivering >= k:
        return Serving.SERVED
    return Serving.NOT_SERVED if delivering + unknown < k else Serving.UNKNOWN


# --- how it is done ---------------------------------------------------------------------------------


def _pieces(turns: Sequence[Turn], spans: Sequence[Span]) -> Iterator[tuple[Turn, datetime, datetime]]:
    """Sorted, disjoint ``spans`` cut where the state turns, each piece with the turn that holds in it."""
    number = 0  # of the next turn
    count = len(turns)
    for span in spans:
        start = span.start
        number = bisect_right(turns, start, number, key=_at)
        holding = turns[number - 1] if number else Turn(start, EyeState.UNKNOWN)
        while number < count and turns[number].at < span.end:
            yield holding, start, turns[number].at
            holding = turns[number]
            start = holding.at
            number += 1
        yield holding, start, span.end


def _by_state(turns: Sequence[Turn], spans: Sequence[Span]) -> Mapping[str, Sequence[Span]]:
    """Sorted, disjoint ``spans`` by the state that holds in them, cut where it turns."""
    if not spans:
        return {}
    first = bisect_right(turns, spans[0].start, key=_at)
    if first == len(turns) or turns[first].at >= spans[-1].end:  # most days of most eyes: nothing turns
        return {turns[first - 1].state if first else str(EyeState.UNKNOWN): spans}
    found: dict[str, list[Span]] = defaultdict(list)
    for turn, start, end in _pieces(turns, spans):
        found[turn.state].append(Span(start, end))
    return found


def _held(turns: Sequence[Turn], spans: Sequence[Span]) -> Mapping[str, int]:
    """How long each state of a check held in ``spans``, in microseconds."""
    if not turns:  # never made
        return {}
    return {state: length(held) for state, held in _by_state(turns, spans).items()}


def _state_at(turns: Sequence[Turn], moment: datetime) -> str:
    """The state that holds at ``moment``."""
    return next((turn.state for turn in reversed(turns) if turn.at <= moment), EyeState.UNKNOWN)


def _rate(part: int, whole: int) -> float | None:
    return part / whole if whole else None
