"""Who hears of what, and when: decided from rules, what there is, and what was said before. Pure.

What a ward wants to know at once is what somebody can do something about at once, and what takes a whole
place away: a point, a device with several eyes, an area. It has two messages, one when it has lasted its ten
minutes and one when it is over. A single eye fails often, comes back by itself more often than not, and is
repaired in days: it is *collected*, and told in one list, on the first morning on which it has been out for
six hours. So are the things that probes find of an eye (a stream without a login, footage that is too
short, a wrong clock, another device), none of which is worse for waiting until the morning. What the rates or
the quiet hours hold back is *held*, and told in the next digest, once. Of a week's three messages one is kept
for a digest, which lists the single eyes, too: neither do a week's outages use up its list, nor the list an
outage's two. What reaches beyond one point is told whatever the week has had; so is, with the next morning's
digest, what takes several eyes away and has gone on for hours.

A city desk wants to hear at once of what no ward can handle: an area, a site that is not heard. Of all else
it wants to know whether somebody has it in hand: it hears of what nobody has acknowledged for four hours,
reads the rest in a digest each morning, and is reminded of what goes on after 1, 3 and 7 days.

- Told as new is what begins after the listener began to listen, is announced, and still goes on: what is over
  before it could be told makes no message, however late it was recorded. The backlog is never told so.
- That it is over hears who heard that it began, in whatever form; so does he that it was withdrawn.
- About one occasion a channel hears each kind of message once.
- Of an eye that falls again and again the single outages are not told to who was told that it is unstable,
  unless it is gone for hours. What takes several eyes is told, however unsteady they are.
- A reminder is of what was told before it came of that age; of several that are due at once, the oldest.
- The end of what was held is held, too; and that a single eye is back waits for a digest that comes anyway.
- While something is held that is worth a digest, whatever else becomes due joins it: the next free message is
  that digest.
- What was said later than now was said by a clock that was ahead: it is not said again, and counts for no
  rate.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from enum import StrEnum
from operator import attrgetter

from camera_registry.alerts.occasions import Occasion, What
from camera_registry.alerts.rules import Rules

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)
STEADILY_GONE = timedelta(hours=6)  # an unstable eye that is away for so long is not coming back by itself
REMEMBERED = WEEK + timedelta(days=1)  # how far back it matters what was said
FOR_OUTAGE = 2  # messages of a week that one outage makes
FOR_DIGEST = 1  # of a week, in which there always is room for what was collected


class Kind(StrEnum):
    """What a message is; one slug for the database, programs and translation."""

    OPENED = "opened"
    RECOVERED = "recovered"  # or withdrawn
    REMINDER_1D = "reminder_1d"
    REMINDER_3D = "reminder_3d"
    REMINDER_7D = "reminder_7d"
    UNSTABLE = "unstable"
    NOTICE = "notice"  # what probes found of an eye
    HELD = "held"  # a digest of what was too much for an hour or a week
    MORNING = "morning"  # ... of the quiet hours, and of what was collected
    DAILY = "daily"
    WEEKLY = "weekly"


LASTING = frozenset(
    {What.OUTAGE, What.SITE, What.DEGRADED}
)  # told when it has lasted, the rest as it is found
DIGESTS = frozenset({Kind.HELD, Kind.MORNING, Kind.DAILY, Kind.WEEKLY})
SCHEDULED = frozenset({Kind.DAILY, Kind.WEEKLY})
REMINDERS: Mapping[timedelta, Kind] = {
    timedelta(days=1): Kind.REMINDER_1D,
    timedelta(days=3): Kind.REMINDER_3D,
    timedelta(days=7): Kind.REMINDER_7D,
}


@dataclass(frozen=True, slots=True)
class Listener:
    """A subscription: its number, its rules, and since when it listens."""

    number: int
    rules: Rules
    since: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What a channel was told. ``held``: not by a message of its own; ``waits``: nor by a digest yet.

    ``occasion`` is the key of an occasion, or of a digest (see ``digest_key``).
    """

    kind: Kind
    occasion: str
    at: datetime
    held: bool = False
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Saying:
    """What a channel is to be told now.

    ``held``: it waits for a digest. A digest ``tells`` what was held before it and what is said along with
    it: (kind, key) of each. ``since`` is when the time began that a digest is of. ``escalated``: it is told
    because nobody has acknowledged it.
    """

    kind: Kind
    occasion: str
    held: bool = False
    escalated: bool = False
    tells: tuple[tuple[Kind, str], ...] = ()
    since: datetime | None = None


def sayings(
    listener: Listener, occasions: Collection[Occasion], said: Collection[Said], now: datetime, zone: tzinfo
) -> list[Saying]:
    """What the channel of this listener is to be told at ``now``, in order.

    ``occasions`` are cut to what the listener may hear of: those that go on, those that are over and of which
    the channel was told that they began, and those of which something waits. ``said`` is what the channel was
    told of them, and whatever else in the time ``REMEMBERED``.
    """
    return _Hearing(listener, occasions, said, now, zone).decide()


def after(said: Iterable[Said], new: Collection[Saying], now: datetime) -> list[Said]:
    """What a channel was told once ``new`` is said, too."""
    summed = {pair for saying in new for pair in saying.tells}
    every = [*said, *(Said(each.kind, each.occasion, now, each.held, each.held) for each in new)]
    return [replace(each, waits=each.waits and (each.kind, each.occasion) not in summed) for each in every]


def inherited(
    said: Sequence[Said], occasions: Iterable[Occasion], elders: Mapping[str, Collection[str]]
) -> list[Said]:
    """What a channel was told, and of what was said of incidents that were withdrawn, what holds of an heir.

    Who was told that it began is owed that it is over, once. Who was told of its end, too, is told anew that
    it goes on. ``elders`` are, by the key of each heir, the keys of those that it is told instead of.
    """
    every = list(said)
    for occasion in occasions:
        before = [each for each in said if each.occasion in elders.get(occasion.key, ())]
        own = {each.kind for each in said if each.occasion == occasion.key}
        counted = Counter(each.kind for each in before)
        owed = counted[Kind.OPENED] > counted[Kind.RECOVERED]
        if Kind.OPENED in own or not (owed or occasion.over):
            continue
        # Of two that say the same, what does not wait: it was said.
        latest = {each.kind: each for each in sorted(before, key=attrgetter("waits"), reverse=True)}
        every += [
            replace(each, occasion=occasion.key, held=True)  # it was one message
            for kind, each in latest.items()
            if kind not in own and not (owed and kind is Kind.RECOVERED)
        ]
    return every


def moment_of_digest(rules: Rules, now: datetime, zone: tzinfo, weekday: int | None = None) -> datetime:
    """The newest time of digests up to ``now``: ``digest_at``, or where that is quiet, when quiet ends.

    With ``weekday`` (0 is Monday), the newest on such a day.
    """
    at = rules.digest_at
    if rules.quiet is not None and _between(rules.quiet, at):
        at = rules.quiet[1]
    day = now.astimezone(zone).date()
    while True:
        moment = datetime.combine(day, at, zone).astimezone(UTC)
        if moment <= now and weekday in (None, day.weekday()):
            return moment
        day -= timedelta(days=1)


def is_quiet(rules: Rules, now: datetime, zone: tzinfo) -> bool:
    """Whether nobody is to be told anything now."""
    return rules.quiet is not None and _between(rules.quiet, now.astimezone(zone).time())


def digest_key(listener: Listener, moment: datetime, zone: tzinfo) -> str:
    """What a digest is about, as a channel hears it once: the subscription, and the minute it is of."""
    return f"digest:{moment.astimezone(zone):%Y-%m-%dT%H:%M}:{listener.number}"


def _between(quiet: tuple[time, time], at: time) -> bool:
    begin, end = quiet
    return begin <= at < end if begin < end else at >= begin or at < end


@dataclass(slots=True)
class _Hearing:
    """One listener at one moment: what he was told, and what is added to it."""

    listener: Listener
    occasions: Collection[Occasion]
    said: Collection[Said]
    now: datetime
    zone: tzinfo
    known: dict[str, Occasion] = field(init=False)
    told: dict[tuple[str, Kind], Said] = field(init=False)
    new: list[Saying] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        in_order = sorted(self.occasions, key=lambda occasion: (occasion.started_at, occasion.key))
        self.known = {occasion.key: occasion for occasion in in_order}
        self.told = {(each.occasion, each.kind): each for each in self.said}

    @property
    def rules(self) -> Rules:
        return self.listener.rules

    def decide(self) -> list[Saying]:
        for occasion in self.known.values():
            if not self._is_collected(occasion) or occasion.over:
                for kind in self._due(occasion, self.now):
                    self._say(occasion, kind)
        if not is_quiet(self.rules, self.now, self.zone):
            self._say_digest()
        return self.new

    # --- one occasion -----------------------------------------------------------------------------------

    def _is_collected(self, occasion: Occasion) -> bool:
        return occasion.alone and (occasion.what is not What.OUTAGE or self.rules.alone > timedelta(0))

    def _due(self, occasion: Occasion, by: datetime) -> Iterator[Kind]:
        """What of this occasion has become due ``by`` then, and was not said."""
        if occasion.what not in self.rules.what:
            return
        opened = self._heard(occasion)
        if occasion.over:
            if opened is None or opened.kind is not Kind.OPENED or What.RECOVERY not in self.rules.what:
                return
            never = occasion.withdrawn_at is not None and self._is_untold(occasion)
            if not never and (occasion.key, Kind.RECOVERED) not in self.told:
                yield Kind.RECOVERED
        elif opened is None:
            if self._is_news(occasion, by):
                yield _opening(occasion)
        elif not self._is_collected(occasion):
            yield from self._reminder(occasion, opened)

    def _heard(self, occasion: Occasion) -> Said | None:
        return self.told.get((occasion.key, _opening(occasion)))

    def _is_untold(self, occasion: Occasion) -> bool:
        """Whether that it began waits to be told."""
        opened = self._heard(occasion)
        return opened is not None and opened.waits

    def _is_news(self, occasion: Occasion, by: datetime) -> bool:
        """Whether it has gone on for long enough, and for whoever acts on it not to have acted."""
        if occasion.started_at < self.listener.since:
            return False
        if by < occasion.started_at + STEADILY_GONE and self._knows_unstable(occasion):
            return False
        if not self._is_escalation(occasion):
            return self._first_due(occasion) <= by
        return (
            occasion.acknowledged_at is None and self._first_due(occasion) + self.rules.unacknowledged <= by
        )

    def _knows_unstable(self, occasion: Occasion) -> bool:
        """Whether it is of an eye that was told of as unstable within a week."""
        return bool(occasion.unsteady) and any(
            each.kind is Kind.UNSTABLE and each.occasion.startswith(occasion.unsteady) and not each.waits
            for each in self._since(self.now - WEEK)
        )

    def _is_escalation(self, occasion: Occasion) -> bool:
        waits = self.rules.unacknowledged > timedelta(0) and not (occasion.wide and self.rules.wide_at_once)
        return waits and not self._is_collected(occasion)

    def _first_due(self, occasion: Occasion) -> datetime:
        if occasion.what not in LASTING:
            return occasion.told_at
        lasts = self.rules.alone if self._is_collected(occasion) else self.rules.least
        return max(occasion.told_at, occasion.started_at + max(lasts, self.rules.least))

    def _reminder(self, occasion: Occasion, opened: Said) -> Iterator[Kind]:
        ages = [age for age in self.rules.reminders if occasion.started_at + age <= self.now]
        if not ages or opened.at >= occasion.started_at + max(ages):
            return
        if (occasion.key, REMINDERS[max(ages)]) not in self.told:
            yield REMINDERS[max(ages)]

    def _say(self, occasion: Occasion, kind: Kind) -> None:
        """By a message of its own; or held, for a digest to tell."""
        held = (
            self._is_collected(occasion)
            or self._is_untold(occasion)
            or is_quiet(self.rules, self.now, self.zone)
            or bool(self._calling())
            or not self._may_speak_of(occasion)
        )
        escalated = kind is Kind.OPENED and self._is_escalation(occasion)
        self._add(Saying(kind, occasion.key, held, escalated))

    def _add(self, saying: Saying) -> None:
        self.new.append(saying)
        said = Said(saying.kind, saying.occasion, self.now, held=saying.held, waits=saying.held)
        self.told[saying.occasion, saying.kind] = said

    def _may_speak(self, *, wide: bool) -> bool:
        """Whether a message more is not too many for the hour, nor, unless it is ``wide``, for the week."""
        if sum(not each.held for each in self._since(self.now - HOUR)) >= self.rules.per_hour:
            return False
        return wide or not self.rules.per_week or len(self._of_week(self.now)) < self.rules.per_week

    def _may_speak_of(self, occasion: Occasion) -> bool:
        """... nor leaves a week without a digest."""
        return self._may_speak(wide=occasion.wide) and (
            occasion.wide
            or self.rules.per_week <= FOR_DIGEST
            or sum(each.kind not in DIGESTS for each in self._of_week(self.now))
            < self.rules.per_week - FOR_DIGEST
        )

    def _may_tell_collected(self, moment: datetime) -> bool:
        """Whether, at the time of digests, a list of single eyes is a week's only digest, or not too much."""
        if not any(each.kind in DIGESTS for each in self._since(moment - WEEK)):
            return self._may_speak(wide=self.rules.per_week > FOR_DIGEST)
        leaves = not self.rules.per_week or len(self._of_week(moment)) + FOR_OUTAGE < self.rules.per_week
        return leaves and self._may_speak(wide=False)

    def _of_week(self, until: datetime) -> list[Said]:
        """The messages since a week before then, besides digests that were asked for."""
        return [each for each in self._since(until - WEEK) if not each.held and each.kind not in SCHEDULED]

    def _since(self, moment: datetime) -> Iterator[Said]:
        """What was said after then."""
        return (each for each in self.told.values() if moment < each.at <= self.now)

    # --- digests ----------------------------------------------------------------------------------------

    def _say_digest(self) -> None:
        """One digest at most: that which was asked for, or one that what was held or collected calls for."""
        moment = moment_of_digest(self.rules, self.now, self.zone)
        collected = list(self._collected(moment))
        kind = self._scheduled(moment) or self._called_for(moment)
        if kind is None and collected and not self._digest_since(moment) and self._may_tell_collected(moment):
            kind = Kind.MORNING
        if kind is None:
            return
        for occasion in collected:
            self._add(Saying(_opening(occasion), occasion.key, held=True))
        waiting = self._waiting()
        of = moment if kind in SCHEDULED else self.now
        self._add(
            Saying(
                kind,
                digest_key(self.listener, of, self.zone),
                tells=tuple((each.kind, each.occasion) for each, _ in waiting),
                since=min((each.at for each, _ in waiting), default=of),
            )
        )

    def _called_for(self, moment: datetime) -> Kind | None:
        """The digest that nobody asked for, but that what is held is worth."""
        calling = self._calling()
        urgent = any(
            occasion.wide or (each.at < moment and _goes_on(each, occasion, moment))
            for each, occasion in calling
        )
        if not calling or not self._may_speak(wide=urgent):
            return None
        by_night = any(is_quiet(self.rules, each.at, self.zone) for each, _ in calling)
        return Kind.MORNING if by_night else Kind.HELD

    def _waiting(self) -> list[tuple[Said, Occasion]]:
        """What a digest has to tell; what is withdrawn before anybody was told of it is never told."""
        return [
            (each, occasion)
            for each in self.told.values()
            if each.waits and (occasion := self.known.get(each.occasion)) is not None
            if occasion.withdrawn_at is None or not self._is_untold(occasion)
        ]

    def _calling(self) -> list[tuple[Said, Occasion]]:
        """What of it is worth a digest of its own: a single eye is not."""
        return [(each, occasion) for each, occasion in self._waiting() if not self._is_collected(occasion)]

    def _scheduled(self, moment: datetime) -> Kind | None:
        weekday = self.rules.weekly
        if weekday is not None:
            weekly = moment_of_digest(self.rules, self.now, self.zone, weekday)
            if weekly >= self.listener.since and not self._digest_since(weekly, {Kind.WEEKLY}):
                return Kind.WEEKLY if self._may_speak(wide=True) else None
        if self.rules.daily and moment >= self.listener.since and not self._digest_since(moment, SCHEDULED):
            return Kind.DAILY if self._may_speak(wide=True) else None
        return None

    def _digest_since(self, moment: datetime, kinds: Iterable[Kind] = DIGESTS) -> bool:
        mine = f":{self.listener.number}"
        return any(
            each.kind in kinds and moment <= each.at <= self.now and each.occasion.endswith(mine)
            for each in self.told.values()
        )

    def _collected(self, moment: datetime) -> Iterator[Occasion]:
        """What of single eyes was due when digests are, and goes on."""
        for occasion in self.known.values():
            if self._is_collected(occasion) and not occasion.over and any(self._due(occasion, moment)):
                yield occasion


def _goes_on(said: Said, occasion: Occasion, moment: datetime) -> bool:
    """Whether it says that something began which by then had gone on for hours, and still does."""
    begins = said.kind is _opening(occasion) and not occasion.over
    return begins and occasion.started_at + STEADILY_GONE <= moment


def _opening(occasion: Occasion) -> Kind:
    """The kind of message that first tells of this."""
    if occasion.what in (What.OUTAGE, What.SITE):
        return Kind.OPENED
    return Kind.UNSTABLE if occasion.what is What.UNSTABLE else Kind.NOTICE
