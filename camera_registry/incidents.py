"""Which outages share one cause, so that people hear of it once. Pure: no clock, no I/O.

The rules stand in the project's definition of truth ("Incidents"). What they leave open is decided so:

- Falls are looked at unit by unit, in order of time. A fall that no open group incident covers opens its own
  window, two intervals long (the longest interval of the eyes that fall in it). When it has passed, all falls
  in it that still lack a cause are looked at together, for the ancestors of the first one: its unit as an
  area; its unit; its point; its device. The first that qualifies is one incident of the lowest ancestor that
  covers the eyes that fell. If none does, the first eye gets an incident of its own, and the next fall has a
  window of its own: an unrelated fall a minute earlier does not split a power cut.
- Before a window has passed, what is known so far is decided, and may come out otherwise; nobody is told
  before ``announced_at``, when no window that opened earlier can change it, either.
- Counted is an eye whose stream was ok just before the window opened. One that was unknown, in maintenance or
  out of service just then counts only if it was ok when it was last known, and falls in the window.
- Only network-class falls make a group or join one. Every other fall is an incident of its eye.
- An eye is back when it is ok again, or out of service. Neither silence nor maintenance is a return: down,
  unknown, down is one incident, and so is a power cut that outlasts the window it was announced for.
- An outage that begins in maintenance opens nothing before the maintenance ends; ``down`` then is a fall of
  that moment.
- An incident that ends before all falls of its window have come loses those; they are falls of their own.
- It ends at the moment at which 80 % of its eyes are back. Who is back within two intervals of that was no
  straggler, and belongs to it until then: probes do not find all eyes of a street back at one moment. Who is
  still down then is an incident of its own from that moment on.
- While a site is lost, its eyes' falls open nothing; who is down when it is heard again falls at that moment.
  A site's own incident stands beside the others: its members are the eyes in service that were ever ok.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby, islice, takewhile, zip_longest
from operator import attrgetter, itemgetter

from camera_registry.health import EyeState
from camera_registry.uptime import DELIVERING, MAINTENANCE, NOT_IN_SERVICE, History, Span, intervals
from probes.reasons import NETWORK, Reason

# What a cut of power or of a line looks like.
NETWORK_CLASS = NETWORK | {Reason.RTSP_TIMEOUT, Reason.CHANNEL_OFFLINE}

WINDOW = 2  # intervals
LEAST_EYES = 2  # that make a group
LEAST_POINTS = 3  # that make an area


class Kind(StrEnum):
    """What an incident is of, lowest first; the site stands apart."""

    EYE = "eye"
    DEVICE = "device"
    POINT = "point"
    UNIT = "unit"
    AREA = "area"  # of a unit, too: many of its points lost power or uplink
    SITE = "site"


class State(StrEnum):
    """What an eye is for this purpose."""

    OK = "ok"  # its stream is
    DOWN = "down"
    UNKNOWN = "unknown"
    MAINTENANCE = "maintenance"
    OUT = "out"  # of service


_RANK = {kind: number for number, kind in enumerate(Kind)}


BACK = frozenset({State.OK, State.OUT})
NOT_COUNTED = frozenset({State.MAINTENANCE, State.OUT})


@dataclass(frozen=True, slots=True)
class Place:
    """Where an eye stands today: its ancestors, by their ids."""

    eye: int
    device: int
    point: int
    unit: int | None
    site: int


@dataclass(frozen=True, slots=True)
class Stage:
    """From ``at`` on the eye is in ``state``."""

    at: datetime
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """What became of one eye, in order of time; before the first stage it is out.

    ``interval_s`` is the one at which its stream is asked; ``first_ok_at`` when it was ok for the first time
    ever, also where that is before the first stage.
    """

    place: Place
    stages: Sequence[Stage]
    interval_s: float
    first_ok_at: datetime | None


@dataclass(frozen=True, slots=True)
class Loss:
    """A site was not heard from ``lost_from`` until ``heard_again`` (``None``: it still is not)."""

    lost_from: datetime  # the first beat that was missed
    noticed_at: datetime  # when enough were missed
    heard_again: datetime | None


@dataclass(frozen=True, slots=True)
class Member:
    """A part of an incident: this eye was away, half-open; ``to_at`` is ``None`` while it still is."""

    eye: int
    from_at: datetime
    to_at: datetime | None


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause. ``ancestor`` is the id of the eye, device, point, unit or site that it is of.

    The last members may come back a little after ``ended_at``.
    """

    kind: Kind
    ancestor: int
    started_at: datetime
    announced_at: datetime  # nobody hears of it before
    ended_at: datetime | None
    members: tuple[Member, ...]

    @property
    def eyes(self) -> frozenset[int]:
        """All that ever were members."""
        return frozenset(member.eye for member in self.members)


def incidents(
    lives: Iterable[Life],
    site_losses: Mapping[int, Sequence[Loss]],
    now: datetime,
    *,
    since: datetime | None = None,
    carried: Iterable[Incident] = (),
) -> list[Incident]:
    """All incidents until ``now``, in order of time. What is told of later is not known yet.

    With ``since`` nothing is decided before it: what was open then is ``carried`` on and comes back with what
    became of it, and what had ended by then is left out. Nothing may have been in the balance at ``since``:
    what had started was announced before it, and what had ended had no eye away. The lives reach back to
    where each eye was last known ok or down before ``since``.
    """
    every = [_until(life, now) for life in lives]
    found = _of_sites(every, site_losses, now, since)
    families: dict[tuple[int | None, int | None], list[Life]] = defaultdict(list)
    for life in every:
        place = life.place
        # Points without a unit have no ancestor in common.
        family = (place.unit, None) if place.unit is not None else (None, place.point)
        families[family].append(_while_heard(life, site_losses.get(place.site, ()), now))
    going = [incident for incident in carried if incident.kind is not Kind.SITE]
    for family_lives in families.values():
        eyes = {life.place.eye for life in family_lives}
        found += _Family(family_lives, now, since, [i for i in going if i.eyes & eyes]).run()
    return sorted(found, key=lambda i: (i.started_at, _RANK[i.kind], i.ancestor))


def lives_of(
    histories: Mapping[int, History],
    places: Iterable[Place],
    interval_s: Mapping[int, float],
    within: Span,
    first_ok_at: Mapping[int, datetime] | None = None,
) -> list[Life]:
    """The lives of eyes as their histories tell them ``within`` a period; eyes without a history have none.

    ``interval_s`` is by eye. Without ``first_ok_at`` the histories must be told from the beginning.
    """
    made: list[Life] = []
    for place in places:
        history = histories.get(place.eye)
        if history is None:
            continue
        stages: list[Stage] = []
        for interval in intervals(history, within):
            state = _state(interval.state)
            if not stages or stages[-1].state is not state:
                stages.append(Stage(interval.span.start, state, interval.reason))
        if first_ok_at is not None:
            first = first_ok_at.get(place.eye)
        else:
            first = next((turn.at for turn in history.states if turn.state in DELIVERING), None)
        made.append(Life(place, stages, interval_s[place.eye], first))
    return made


def _state(told: str) -> State:
    if told in DELIVERING:
        return State.OK
    if told == MAINTENANCE:
        return State.MAINTENANCE
    if told == NOT_IN_SERVICE:
        return State.OUT
    return State.DOWN if told == EyeState.DOWN else State.UNKNOWN


# --- sites ------------------------------------------------------------------------------------------


def _of_sites(
    lives: Collection[Life],
    losses: Mapping[int, Sequence[Loss]],
    now: datetime,
    since: datetime | None,
) -> list[Incident]:
    by_site: dict[int, list[Life]] = defaultdict(list)
    for life in lives:
        by_site[life.place.site].append(life)
    found: list[Incident] = []
    for site, lost in losses.items():
        for loss in _known(lost, now):
            if since is not None and loss.heard_again is not None and loss.heard_again < since:
                continue
            members = _in_order(m for life in by_site[site] for m in _without_site(life, loss))
            if members:
                started_at = members[0].from_at
                announced_at = max(started_at, loss.noticed_at)
                found.append(Incident(Kind.SITE, site, started_at, announced_at, loss.heard_again, members))
    return found


def _without_site(life: Life, loss: Loss) -> Iterator[Member]:
    """The times in which the eye was counted, ever seen ok, and without its site."""
    if life.first_ok_at is None:
        return
    lost_from = max(loss.lost_from, life.first_ok_at)
    counted_from: datetime | None = None
    ends: list[tuple[datetime, datetime | None]] = []
    for left_out, stages in groupby(life.stages, key=lambda stage: stage.state in NOT_COUNTED):
        at = next(stages).at
        if counted_from is not None:
            ends.append((counted_from, at))
        counted_from = None if left_out else at
    if counted_from is not None:
        ends.append((counted_from, None))
    for start, end in ends:
        from_at = max(lost_from, start)
        to_at = min((moment for moment in (end, loss.heard_again) if moment is not None), default=None)
        if to_at is None or from_at < to_at:
            yield Member(life.place.eye, from_at, to_at)


def _while_heard(life: Life, losses: Iterable[Loss], now: datetime) -> Life:
    """The same life, with each fall while its site was lost put off until it was heard again."""
    stages = life.stages
    for loss in _known(losses, now):
        told: list[Stage] = []
        again = loss.heard_again
        for stage, after in zip_longest(stages, stages[1:]):
            if stage.state is not State.DOWN or stage.at < loss.lost_from or (again and stage.at >= again):
                told.append(stage)
                continue
            told.append(Stage(stage.at, State.UNKNOWN))
            if again is not None and (after is None or after.at > again):
                told.append(replace(stage, at=again))
        stages = told
    return replace(life, stages=stages)


def _known(losses: Iterable[Loss], now: datetime) -> Iterator[Loss]:
    for loss in losses:
        if loss.lost_from <= now:
            heard = loss.heard_again is not None and loss.heard_again <= now
            yield loss if heard else replace(loss, heard_again=None)


def _until(life: Life, now: datetime) -> Life:
    """What is known at ``now``: one stage a moment, none that changes nothing."""
    stages: list[Stage] = []
    for stage in life.stages:
        if stage.at > now:
            break
        if stages and stages[-1].at == stage.at:
            stages.pop()
        if not stages or stages[-1].state is not stage.state:
            stages.append(stage)
    first = life.first_ok_at
    return replace(life, stages=stages, first_ok_at=None if first is not None and first > now else first)


def _in_order(members: Iterable[Member]) -> tuple[Member, ...]:
    return tuple(sorted(members, key=attrgetter("from_at", "eye")))


# --- one unit, in order of time ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Fall:
    """An eye that was ever ok went down. ``known_ok``: it was ok when it was last known."""

    at: datetime
    life: Life
    reason: str
    known_ok: bool

    @property
    def eye(self) -> int:
        return self.life.place.eye

    @property
    def network(self) -> bool:
        return self.reason in NETWORK_CLASS


@dataclass(slots=True, eq=False)
class _Open:
    """An incident in the making."""

    kind: Kind
    ancestor: int
    started_at: datetime
    announced_at: datetime
    promised: set[int] = field(default_factory=set)  # eyes that fall later in its window
    away: dict[int, datetime] = field(default_factory=dict)  # members that are not back, and since when
    ever: set[int] = field(default_factory=set)
    members: list[Member] = field(default_factory=list)  # the times that are over
    ended_at: datetime | None = None

    def covers(self, place: Place) -> bool:
        """Whether an eye of the same unit stands under this group's ancestor."""
        if self.kind is Kind.DEVICE:
            return place.device == self.ancestor
        return self.kind is not Kind.POINT or place.point == self.ancestor

    def join(self, eye: int, at: datetime) -> None:
        self.promised.discard(eye)
        self.ever.add(eye)
        self.away[eye] = at

    def leave(self, eye: int, at: datetime) -> None:
        self.members.append(Member(eye, self.away.pop(eye), at))

    @property
    def over(self) -> bool:
        """80 % of its eyes are back."""
        eyes = self.ever | self.promised
        return _most(len(eyes) - len(self.away.keys() | self.promised), len(eyes))

    def told(self) -> Incident:
        still = [Member(eye, since, None) for eye, since in self.away.items()]
        members = _in_order([*self.members, *still])
        return Incident(self.kind, self.ancestor, self.started_at, self.announced_at, self.ended_at, members)


class _Family:
    """The eyes of one unit, and the incidents among them, walked through in order of time."""

    def __init__(
        self, lives: Iterable[Life], now: datetime, since: datetime | None, carried: Iterable[Incident]
    ) -> None:
        self._until = now
        self._lives = {life.place.eye: life for life in sorted(lives, key=lambda life: life.place.eye)}
        self._since = since
        self._now = dict.fromkeys(self._lives, _Standing(State.OUT, False))
        self._before: dict[int, tuple[datetime, _Standing]] = {}  # what was, until the newest turn
        self._made: list[_Open] = []
        self._groups: list[_Open] = []  # that are open
        self._away: dict[int, _Open] = {}  # the open incident that each eye is away in
        falls = [fall for life in self._lives.values() for fall in _falls(life)]
        self._falls = {(fall.eye, fall.at): fall for fall in falls}
        self._grouping = sorted(
            (fall for fall in falls if fall.network and fall.known_ok), key=attrgetter("at", "eye")
        )
        self._times = [fall.at for fall in self._grouping]
        self._certain_at: datetime | None = None  # what was decided so far
        for incident in carried:
            self._carry(incident)

    def run(self) -> list[Incident]:
        turns = sorted(
            (stage.at, eye, stage.state) for eye, life in self._lives.items() for stage in life.stages
        )
        for at, together in groupby(turns, key=itemgetter(0)):
            turned = [(eye, state) for _, eye, state in together]
            for eye, state in turned:
                self._turn(eye, state, at)
            if self._since is not None and at < self._since:
                continue
            self._return([eye for eye, state in turned if state in BACK], at)
            for eye, _ in turned:
                fall = self._falls.get((eye, at))
                if fall is not None and eye not in self._away:
                    self._fall(fall)
        return [incident.told() for incident in self._made]

    def _turn(self, eye: int, state: State, at: datetime) -> None:
        was = self._now[eye]
        known_ok = state is State.OK if state in (State.OK, State.DOWN) else was.known_ok
        self._before[eye] = at, was
        self._now[eye] = _Standing(state, known_ok)

    def _just_before(self, eye: int, at: datetime) -> "_Standing":
        turned_at, was = self._before.get(eye, (None, None))
        return was if was is not None and turned_at == at else self._now[eye]

    def _carry(self, incident: Incident) -> None:
        """Go on with what was open at ``since``; what became of it after that is found out anew."""
        assert self._since is not None
        going = _Open(incident.kind, incident.ancestor, incident.started_at, incident.announced_at)
        self._begin(going)
        for member in incident.members:
            if member.from_at >= self._since:
                continue
            going.join(member.eye, member.from_at)
            if member.to_at is not None and member.to_at < self._since:
                going.leave(member.eye, member.to_at)
            else:
                self._away[member.eye] = going

    def _begin(self, incident: _Open) -> None:
        self._made.append(incident)
        if incident.kind is not Kind.EYE:
            self._groups.append(incident)

    def _join(self, incident: _Open, eye: int, at: datetime) -> None:
        incident.join(eye, at)
        self._away[eye] = incident

    def _return(self, eyes: Iterable[int], at: datetime) -> None:
        left: list[_Open] = []
        for eye in eyes:
            incident = self._away.pop(eye, None)
            if incident is not None:
                incident.leave(eye, at)
                left.append(incident)
        for incident in left:
            if incident.ended_at is None and incident.over:
                self._end(incident, at)

    def _end(self, incident: _Open, at: datetime) -> None:
        """Over; who is still down when a window more has passed goes on alone."""
        incident.ended_at = at
        incident.promised.clear()
        if incident.kind is not Kind.EYE:
            self._groups.remove(incident)
        for eye in sorted(incident.away):
            waited_until = at + _window([self._lives[eye]])
            if self._returns(eye, at, waited_until) or waited_until > self._until:
                continue
            incident.leave(eye, at)
            del self._away[eye]
            if self._now[eye].state is State.DOWN:
                self._alone(self._lives[eye], at)

    def _returns(self, eye: int, after: datetime, until: datetime) -> bool:
        stages = self._lives[eye].stages
        begin = bisect_right(stages, after, key=attrgetter("at"))
        later = takewhile(lambda stage: stage.at <= until, islice(stages, begin, None))
        return any(stage.state in BACK for stage in later)

    def _fall(self, fall: _Fall) -> None:
        group = self._covering(fall.life.place) if fall.network else None
        if group is not None:
            self._join(group, fall.eye, fall.at)
        elif fall.network and fall.known_ok:
            self._decide(fall)
        else:
            self._alone(fall.life, fall.at)

    def _alone(self, life: Life, at: datetime, window: timedelta | None = None) -> None:
        eye = life.place.eye
        incident = _Open(Kind.EYE, eye, at, self._settled(at, window or _window([life])))
        self._begin(incident)
        self._join(incident, eye, at)

    def _covering(self, place: Place) -> _Open | None:
        """The lowest open group over this place; of two alike, the elder."""
        over = (group for group in self._groups if group.covers(place))
        return min(over, key=lambda group: _RANK[group.kind], default=None)

    def _decide(self, first: _Fall) -> None:
        """Look at the window that this fall opens."""
        fallen, window = self._fallen(first)
        group = self._group(first, fallen) if len(fallen) >= LEAST_EYES else None
        if group is None:
            self._alone(first.life, first.at, window)
            return
        kind, ancestor, eyes = group
        incident = _Open(kind, ancestor, first.at, self._settled(first.at, window), promised=eyes)
        self._begin(incident)
        self._join(incident, first.eye, first.at)

    def _settled(self, at: datetime, window: timedelta) -> datetime:
        """When it is certain: an earlier, longer window may still make a group that takes it in."""
        self._certain_at = max(self._certain_at or at, at + window)
        return self._certain_at

    def _fallen(self, first: _Fall) -> tuple[set[int], timedelta]:
        """The eyes whose falls may belong to this one, and how long the window is that they are in."""
        begin = bisect_left(self._times, first.at)
        fallen = {first.eye}
        while True:
            window = _window(self._lives[eye] for eye in fallen)
            within = self._grouping[begin : bisect_right(self._times, first.at + window)]
            found = {fall.eye for fall in within if self._free(fall.life.place, first.at)}
            if found == fallen:
                return fallen, window
            fallen = found

    def _free(self, place: Place, at: datetime) -> bool:
        """Ok when it was last known just before ``at``, and under no group that explains its fall."""
        return self._just_before(place.eye, at).known_ok and self._covering(place) is None

    def _group(self, first: _Fall, fallen: set[int]) -> tuple[Kind, int, set[int]] | None:
        """What the first of the fallen eyes shares with others; ``None``: it fell alone."""
        home = first.life.place
        counted = list(self._counted(first.at, fallen))
        if home.unit is not None and _is_area(counted, fallen):
            return Kind.AREA, home.unit, set(fallen)
        kinds = (Kind.DEVICE, Kind.POINT, *([Kind.UNIT] if home.unit is not None else []))
        for kind in reversed(kinds):
            under = [place for place in counted if _id(place, kind) == _id(home, kind)]
            fell = [place for place in under if place.eye in fallen]
            if len(fell) >= LEAST_EYES and _most(len(fell), len(under)):
                lowest = next(low for low in kinds if len({_id(place, low) for place in fell}) == 1)
                return lowest, _id(home, lowest), {place.eye for place in fell}
        return None

    def _counted(self, at: datetime, fallen: set[int]) -> Iterator[Place]:
        for eye, life in self._lives.items():
            ok = self._just_before(eye, at).state is State.OK
            if eye in fallen or (ok and self._covering(life.place) is None):
                yield life.place


@dataclass(frozen=True, slots=True)
class _Standing:
    """What an eye is, and whether it was ok when it was last known."""

    state: State
    known_ok: bool


def _falls(life: Life) -> Iterator[_Fall]:
    known_ok = False
    for stage in life.stages:
        if stage.state is State.DOWN:
            if life.first_ok_at is not None and life.first_ok_at < stage.at:
                yield _Fall(stage.at, life, stage.reason, known_ok)
            known_ok = False
        elif stage.state is State.OK:
            known_ok = True


def _is_area(counted: Iterable[Place], fallen: Collection[int]) -> bool:
    points: dict[int, list[bool]] = defaultdict(list)
    for place in counted:
        points[place.point].append(place.eye in fallen)
    dark = sum(_most(sum(fell), len(fell)) for fell in points.values())
    return dark >= LEAST_POINTS and 2 * dark >= len(points)


def _id(place: Place, kind: Kind) -> int:
    ancestor: int = getattr(place, kind)
    return ancestor


def _most(part: int, whole: int) -> bool:
    """At least 80 %."""
    return 5 * part >= 4 * whole


def _window(lives: Iterable[Life]) -> timedelta:
    return timedelta(seconds=WINDOW * max(life.interval_s for life in lives))
