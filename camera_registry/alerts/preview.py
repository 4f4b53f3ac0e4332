"""What a policy would have sent: the past, walked through with what was known at each moment.

Nothing is decided here: ``routing.sayings`` is asked what a channel is to be told, at every moment at which
its answer may be another one. The policy is tried as though it had come into force when the period began:
nobody is told as new of what began earlier. Pure.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from heapq import heapify, heappop, heappush

from camera_registry.alerts import routing
from camera_registry.alerts.occasions import Occasion
from camera_registry.alerts.routing import HOUR, REMEMBERED, WEEK, Kind, Listener, Said, Saying
from camera_registry.alerts.rules import Policy, Rules
from camera_registry.uptime import Span

DAY = timedelta(days=1)
ANYTHING = ""  # no occasion: a moment that is one of the clock's


@dataclass(frozen=True, slots=True)
class Stand:
    """From ``at`` on what is known under ``key`` is ``occasion``; ``None``: nothing any more."""

    at: datetime
    key: str
    occasion: Occasion | None


@dataclass(frozen=True, slots=True)
class Ward:
    """A unit of today that has eyes, and what was known of them, in order of time."""

    uid: str
    name: str
    stands: Sequence[Stand]


Elders = Mapping[str, Mapping[str, datetime]]


@dataclass(frozen=True, slots=True)
class Past:
    """What was known in a period: in the whole city, and in each unit.

    ``elders``: which incidents were withdrawn for another one, by the keys of both, and since when.
    """

    period: Span
    city: Sequence[Stand]
    wards: Sequence[Ward]
    elders: Elders


@dataclass(frozen=True, slots=True)
class Sent:
    """What would have been said at ``at``. What is ``held`` is no message: a digest ``tells`` it later."""

    at: datetime
    kind: Kind
    occasion: str
    held: bool
    escalated: bool
    tells: tuple[tuple[Kind, str], ...]


@dataclass(frozen=True, slots=True)
class Hearer:
    """Who would have been told what; ``uid`` and ``name`` are empty for the city desk."""

    uid: str
    name: str
    said: Sequence[Sent]

    @property
    def messages(self) -> list[Sent]:
        return [each for each in self.said if not each.held]

    def by_kind(self) -> dict[Kind, int]:
        """How many messages of each kind there is any of, in the order of kinds."""
        counted = Counter(each.kind for each in self.messages)
        return {kind: counted[kind] for kind in Kind if counted[kind]}

    def by_day(self, zone: tzinfo) -> dict[date, int]:
        """How many messages on each day of ``zone`` that had any."""
        return dict(Counter(each.at.astimezone(zone).date() for each in self.messages))

    def most_a_day(self, zone: tzinfo) -> int:
        return max(self.by_day(zone).values(), default=0)

    def most_a_week(self, besides: Collection[Span] = ()) -> int:
        """The most messages in any seven days, those sent in the time of ``besides`` not counted."""
        sent = [
            each.at for each in self.messages if not any(span.start <= each.at < span.end for span in besides)
        ]
        most = first = 0
        for last, at in enumerate(sent):
            while sent[first] <= at - WEEK:
                first += 1
            most = max(most, last - first + 1)
        return most


@dataclass(frozen=True, slots=True)
class Preview:
    """What a policy would have sent in a period: to the city desk, and to each ward."""

    period: Span
    city: Hearer
    wards: Sequence[Hearer]


def preview(past: Past, policy: Policy, zone: tzinfo) -> Preview:
    """What ``policy`` would have sent."""
    asked = {rules: _digests(rules, past.period, zone) for rules in (policy.city, policy.ward)}
    read_at = frozenset(moment for moments in asked.values() for moment in moments)

    def heard(rules: Rules, stands: Sequence[Stand]) -> list[Sent]:
        listener = Listener(1, rules, past.period.start)
        return walk(listener, stands, past.elders, read_at, past.period.end, zone)

    wards = [Hearer(ward.uid, ward.name, heard(policy.ward, ward.stands)) for ward in past.wards]
    return Preview(past.period, Hearer("", "", heard(policy.city, past.city)), wards)


def walk(
    listener: Listener,
    stands: Sequence[Stand],
    elders: Elders,
    read_at: Collection[datetime],
    until: datetime,
    zone: tzinfo,
) -> list[Sent]:
    """What this listener is told from when it listens until before ``until``, in order.

    ``stands`` are in order of time. What probes found of single eyes is looked at only at ``read_at``, the
    times of anybody's digests.
    """
    return _Walk(listener, stands, elders, read_at, until, zone).go()


def _digests(rules: Rules, period: Span, zone: tzinfo) -> Iterator[datetime]:
    """The times of digests after the period began and before it ends, newest first."""
    at = routing.moment_of_digest(rules, period.end - timedelta.resolution, zone)
    while at > period.start:
        yield at
        at = routing.moment_of_digest(rules, at - timedelta.resolution, zone)


@dataclass(slots=True)
class _Walk:
    """One listener on his way: what is known, what was said, and when to look again, and why."""

    listener: Listener
    stands: Sequence[Stand]
    elders: Elders
    read_at: Collection[datetime]
    until: datetime
    zone: tzinfo
    known: dict[str, Occasion] = field(init=False, default_factory=dict)
    said: list[Said] = field(init=False, default_factory=list)
    sent: list[Sent] = field(init=False, default_factory=list)
    ahead: list[tuple[datetime, str]] = field(init=False)

    def go(self) -> list[Sent]:
        coming = [(moment, ANYTHING) for moment in (self.listener.since, *self.read_at, *self._wakings())]
        self.ahead = [*coming, *((stand.at, stand.key) for stand in self.stands)]
        heapify(self.ahead)
        news = iter([*self.stands, Stand(datetime.max.replace(tzinfo=UTC), ANYTHING, None)])
        new = next(news)
        while self.ahead and self.ahead[0][0] < self.until:
            now = self.ahead[0][0]
            touched: set[str] = set()
            while self.ahead and self.ahead[0][0] == now:
                touched.add(heappop(self.ahead)[1])
            while new.at <= now:
                self._learn(new)
                new = next(news)
            if ANYTHING in touched or not touched.isdisjoint(self.known):
                self._speak(now)
        return self.sent

    def _wakings(self) -> Iterator[datetime]:
        """The ends of quiet hours."""
        if self.listener.rules.quiet is not None:
            day, last = (at.astimezone(self.zone).date() for at in (self.listener.since, self.until))
            while day <= last:
                yield datetime.combine(day, self.listener.rules.quiet[1], self.zone).astimezone(UTC)
                day += DAY

    def _learn(self, stand: Stand) -> None:
        occasion = stand.occasion
        if occasion is None or (occasion.over and not self._was_told(stand.key)):
            self.known.pop(stand.key, None)
            return
        if stand.key not in self.known:
            for moment in self._becomes_due(occasion):
                heappush(self.ahead, (max(moment, stand.at), stand.key))
        self.known[stand.key] = occasion

    def _becomes_due(self, occasion: Occasion) -> set[datetime]:
        """When rules may have something to say of it while it goes on."""
        rules = self.listener.rules
        first = [
            occasion.told_at,
            *(occasion.started_at + lasts for lasts in (rules.least, rules.alone, routing.STEADILY_GONE)),
        ]
        later = [moment + rules.unacknowledged for moment in first]
        return {*first, *later, *(occasion.started_at + age for age in rules.reminders)}

    def _was_told(self, key: str) -> bool:
        keys = {key, *self.elders.get(key, ())}
        return any(each.occasion in keys for each in self.said)

    def _speak(self, now: datetime) -> None:
        self.said = [each for each in self.said if each.at > now - REMEMBERED or each.occasion in self.known]
        elders = {
            key: [elder for elder, at in self.elders[key].items() if at <= now] for key in self._heirs()
        }
        of_heirs = {key for keys in elders.values() for key in keys}
        occasions = [
            each
            for each in self.known.values()
            if (each.incident is not None or now in self.read_at) and each.key not in of_heirs
        ]
        self.said = routing.inherited(self.said, occasions, elders)
        while due := routing.sayings(self.listener, occasions, self.said, now, self.zone):
            self.said = routing.after(self.said, due, now)
            for saying in due:
                self._say(saying, now)
        self._forget()

    def _heirs(self) -> Collection[str]:
        return self.elders.keys() & self.known.keys()

    def _say(self, saying: Saying, now: datetime) -> None:
        self.sent.append(Sent(now, saying.kind, saying.occasion, saying.held, saying.escalated, saying.tells))
        if not saying.held:  # there is room again when it counts no longer
            heappush(self.ahead, (now + HOUR, ANYTHING))
            heappush(self.ahead, (now + WEEK, ANYTHING))

    def _forget(self) -> None:
        """What is over, and of which nothing waits to be told."""
        over = [key for key, occasion in self.known.items() if occasion.over]
        if over:
            waiting = {each.occasion for each in self.said if each.waits}
            for key in over:
                if key not in waiting:
                    del self.known[key]
