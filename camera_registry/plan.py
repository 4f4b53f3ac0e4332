"""Which eye is asked when: pure. A due time follows from names alone, so a restart changes none.

Every device has a phase within its site's interval, from a hash of its address; a shard is a slice of phases
that is swept together. A recorder that cannot be asked each interval is asked every n-th time, its channels
in turn (truth.md, rule 4): *effective interval* = n x interval.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from zlib import crc32

from probes.result import Depth, Target

ASSUMED_PROBE_S = 2.0  # of a device not asked yet
PAUSE_S = 0.2  # between two sessions on one device
BEAT_S = 1.0  # probes begin on the full second: those that begin together share wake-ups, and cost half
LOAD = 0.7  # share of its time that a device is asked to spend on us
LOAD_TO_QUICKEN = 0.55  # ... before it is asked more often again: near the border the pace must not flutter


@dataclass(frozen=True, slots=True)
class Ask:
    """One eye in its shard: asked ``offset_s`` after the shard is due, in every ``every``-th slot.

    Of its asks, every ``deep_every``-th is deep.
    """

    target: Target
    offset_s: float
    every: int
    turn: int
    deep_every: int

    def depth(self, slot: int) -> Depth | None:
        """How deep to ask in ``slot``; None: not its turn."""
        asks, rest = divmod(slot + self.turn, self.every)
        if rest:
            return None
        return (
            Depth.DEEP if (asks + crc32(self.target.eye.encode())) % self.deep_every == 0 else Depth.LIVENESS
        )


@dataclass(frozen=True, slots=True)
class Shard:
    """A slice of one site's eyes; slot ``n`` is due at ``n * interval_s + phase_s`` of the epoch."""

    key: str
    interval_s: int
    phase_s: float
    asks: tuple[Ask, ...]

    def slot_at(self, moment: float) -> int:
        """The newest slot that is due at ``moment`` (seconds of the epoch)."""
        return math.floor((moment - self.phase_s) / self.interval_s)

    def due_at(self, slot: int) -> float:
        return slot * self.interval_s + self.phase_s


@dataclass(frozen=True, slots=True)
class Pace:
    """How a device is asked: of its ``eyes``, each every ``every``-th interval.

    A device that must be asked more slowly is told so before it is: results carry the interval that is
    ``announced`` (since ``since``, seconds of the epoch), and once each eye has one that does, the pace
    follows. Otherwise the change itself would be silence (rule 3).
    """

    site: str
    device: str
    eyes: int
    sessions: int
    probe_s: float | None
    every: int
    interval_s: int
    announced: int
    since: float

    @property
    def effective_interval_s(self) -> float:
        return float(self.announced * self.interval_s)

    @property
    def round_s(self) -> float:
        """How long it takes to ask each of the eyes once."""
        return _round_s(self.eyes, self.sessions, self.probe_s)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of every site."""

    shards: tuple[Shard, ...]
    paces: tuple[Pace, ...]


def bearable(eyes: int, sessions: int, probe_s: float | None, interval_s: int, load: float = LOAD) -> int:
    """Every how many intervals each of ``eyes`` behind one device can be asked (rule 4)."""
    return max(1, math.ceil(_round_s(eyes, sessions, probe_s) / (load * interval_s)))


def _round_s(eyes: int, sessions: int, probe_s: float | None) -> float:
    return eyes * ((ASSUMED_PROBE_S if probe_s is None else probe_s) + PAUSE_S) / sessions


NO_PACES: Mapping[tuple[str, str], Pace] = {}


def make_plan(
    targets: Iterable[Target],
    intervals: Mapping[str, int],
    *,
    deep_interval_s: int,
    shard_eyes: int,
    before: Mapping[tuple[str, str], Pace] = NO_PACES,
    now: float = 0.0,
) -> Plan:
    """The plan for these eyes; ``intervals`` gives each site's own interval in seconds.

    ``before`` holds the paces of the plan that this one follows at ``now`` (seconds of the epoch).
    """
    by_device: dict[tuple[str, str], list[Target]] = defaultdict(list)
    for target in targets:
        by_device[target.site, target.device].append(target)
    for group in by_device.values():
        group.sort(key=lambda t: t.eye)  # turns follow from names, not from the order of rows
    paces = {
        key: _pace(key, group, intervals[key[0]], before.get(key), now) for key, group in by_device.items()
    }

    shards: list[Shard] = []
    for site in sorted({site for site, _ in by_device}):
        interval = intervals[site]
        own = {key: group for key, group in by_device.items() if key[0] == site}
        count = math.ceil(sum(len(group) for group in own.values()) / shard_eyes)
        slices: dict[int, list[Ask]] = defaultdict(list)
        for key, group in own.items():
            phase = crc32("/".join(key).encode()) / 2**32
            number = int(phase * count)
            offset_s = _on_beat(phase * interval) - _on_beat(number / count * interval)
            slices[number].extend(_asks(group, paces[key], offset_s, deep_interval_s))
        for number in sorted(slices):
            phase_s = _on_beat(number / count * interval)
            shards.append(Shard(f"{site}/{number}of{count}", interval, phase_s, tuple(slices[number])))
    return Plan(tuple(shards), tuple(paces.values()))


def _on_beat(seconds: float) -> float:
    return math.floor(seconds / BEAT_S) * BEAT_S


def _pace(
    key: tuple[str, str], group: Sequence[Target], interval_s: int, before: Pace | None, now: float
) -> Pace:
    learned = [t.memory.probe_s for t in group if t.memory.probe_s is not None]
    probe_s = median(learned) if learned else None
    sessions = min(t.sessions for t in group)
    wanted = bearable(len(group), sessions, probe_s, interval_s)
    if before is not None and before.interval_s == interval_s and wanted < before.announced:
        quicker = bearable(len(group), sessions, probe_s, interval_s, LOAD_TO_QUICKEN)
        wanted = min(quicker, before.announced)
    every, since = wanted, now
    if before is not None and before.interval_s == interval_s and wanted > before.every:
        since = now if wanted > before.announced else before.since
        if now - since < before.every * interval_s:
            every = before.every
    return Pace(*key, len(group), sessions, probe_s, every, interval_s, wanted, since)


def _asks(group: Sequence[Target], pace: Pace, offset_s: float, deep_interval_s: int) -> Iterable[Ask]:
    deep_every = max(1, round(deep_interval_s / pace.effective_interval_s))
    for number, target in enumerate(group):
        paced = replace(
            target,
            sessions=pace.sessions,
            interval_s=pace.effective_interval_s,
            deep_interval_s=pace.effective_interval_s * deep_every,
        )
        yield Ask(paced, offset_s, pace.every, number % pace.every, deep_every)
