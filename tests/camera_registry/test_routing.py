"""Who hears of what, and when: days of a channel as they are told, and what holds whenever it is looked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_registry.alerts import routing
from camera_registry.alerts.occasions import Occasion, What, Where
from camera_registry.alerts.routing import DIGESTS, SCHEDULED, Kind, Listener, Said
from camera_registry.alerts.rules import CITY_RULES, WARD, WARD_RULES, Rules
from camera_registry.incidents import Kind as Of

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = datetime(2026, 9, 7, tzinfo=ZONE)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PLAIN = replace(WARD_RULES, quiet=None, per_week=0)
WHENEVER = replace(PLAIN, what=frozenset(What), reminders=(DAY, 3 * DAY, 7 * DAY))
AT_ONCE = replace(PLAIN, alone=timedelta(0))
NIGHT = (time(21, 30), time(6, 30))


def at(text: str) -> datetime:
    """``Mon 10:05``, ``Wed+1 06:30`` (of the second week), in the zone."""
    day, clock = text.split()
    name, _, week = day.partition("+")
    hour, minute = clock.split(":")
    days = DAYS.index(name) + 7 * int(week or 0)
    return (MONDAY + timedelta(days=days, hours=int(hour), minutes=int(minute))).astimezone(UTC)


def written(moment: datetime) -> str:
    local = moment.astimezone(ZONE)
    weeks, day = divmod((local - MONDAY).days, 7)
    return f"{DAYS[day]}{f'+{weeks}' if weeks else ''} {local:%H:%M}"


@dataclass(frozen=True)
class Happens:
    """Something in the world; ``None``: never. ``known``: when it was recorded, unless as it began."""

    name: str
    of: Of | None
    begins: datetime
    ends: datetime | None = None
    withdrawn: datetime | None = None
    taken: datetime | None = None  # acknowledged
    known: datetime | None = None
    end_known: datetime | None = None
    what: What = field(default=What.OUTAGE, kw_only=True)
    unsteady: str = field(default="", kw_only=True)

    def seen(self, now: datetime) -> Occasion | None:
        if (self.known or self.begins) > now:
            return None

        def by_now(moment: datetime | None, known: datetime | None = None) -> datetime | None:
            return moment if moment is not None and (known or moment) <= now else None

        return Occasion(
            key=self.name,
            what=What.SITE if self.of is Of.SITE else self.what,
            where=Where(1, "Ward"),
            eyes=("E1",),
            of_eyes=4,
            started_at=self.begins,
            told_at=self.begins + 2 * MINUTE,
            recorded_at=self.known or self.begins,
            ended_at=by_now(self.ends, self.end_known),
            withdrawn_at=by_now(self.withdrawn),
            acknowledged_at=by_now(self.taken),
            kind=self.of,
            unsteady=self.unsteady,
        )


def point(
    name: str,
    begins: str,
    ends: str = "",
    of: Of | None = Of.POINT,
    *,
    withdrawn: str = "",
    taken: str = "",
    known: str = "",
    end_known: str = "",
) -> Happens:
    moments = [at(text) if text else None for text in (ends, withdrawn, taken, known, end_known)]
    return Happens(name, of, at(begins), *moments)


def eye(name: str, begins: str, ends: str = "") -> Happens:
    return point(name, begins, ends, Of.EYE)


def area(name: str, begins: str, ends: str = "", taken: str = "") -> Happens:
    return point(name, begins, ends, Of.AREA, taken=taken)


def found(name: str, what: What, begins: str, ends: str = "") -> Happens:
    return replace(point(name, begins, ends, None), what=what)


@dataclass
class Channel:
    """A channel with one listener, and all that it was ever told."""

    rules: Rules
    since: datetime = MONDAY - 30 * DAY
    said: list[Said] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    spoken: list[tuple[datetime, Kind, str]] = field(default_factory=list)  # held ones are not

    def look(self, world: Iterable[Happens], now: datetime) -> None:
        occasions = [occasion for each in world if (occasion := each.seen(now)) is not None]
        new = routing.sayings(Listener(7, self.rules, self.since), occasions, self.said, now, ZONE)
        for saying in new:
            if saying.kind in DIGESTS:
                told = ", ".join(f"{kind} {key}" for kind, key in saying.tells)
                self.lines.append(f"{written(now)} {saying.kind}: {told}".rstrip(": "))
            elif not saying.held:
                escalated = " escalated" if saying.escalated else ""
                self.lines.append(f"{written(now)} {saying.kind} {saying.occasion}{escalated}")
            if not saying.held:
                self.spoken.append((now, saying.kind, saying.occasion))
        self.said = routing.after(self.said, new, now)


def lived(rules: Rules, world: Sequence[Happens], until: str, since: str = "Mon 00:00") -> list[str]:
    channel = Channel(rules, at(since))
    now = MONDAY
    while now <= at(until):
        channel.look(world, now.astimezone(UTC))
        now += 5 * MINUTE
    return channel.lines


@pytest.mark.parametrize(
    ("rules", "world", "until", "expected"),
    [
        pytest.param(
            PLAIN,
            [point("p", "Mon 10:00", "Mon 12:00")],
            "Mon 23:00",
            ["Mon 10:10 opened p", "Mon 12:00 recovered p"],
            id="two messages an incident",
        ),
        pytest.param(
            PLAIN, [point("p", "Mon 10:00", "Mon 10:09")], "Tue 23:00", [], id="a blip reaches no telephone"
        ),
        pytest.param(
            PLAIN,
            [point("p", "Mon 10:00", "Mon 12:00", known="Mon 15:00", end_known="Mon 15:00")],
            "Tue 23:00",
            [],
            id="over before it could be told",
        ),
        pytest.param(
            PLAIN,
            [point("p", "Mon 10:00", "Mon 18:00", known="Mon 15:00")],
            "Mon 23:00",
            ["Mon 15:00 opened p", "Mon 18:00 recovered p"],
            id="recorded late, and still so",
        ),
        pytest.param(
            PLAIN,
            [point("p", "Mon 10:00", withdrawn="Mon 11:00")],
            "Mon 23:00",
            ["Mon 10:10 opened p", "Mon 11:00 recovered p"],
            id="withdrawn after it was told",
        ),
        pytest.param(
            PLAIN, [point("p", "Mon 10:00", withdrawn="Mon 10:05")], "Mon 23:00", [], id="withdrawn before"
        ),
        pytest.param(
            replace(PLAIN, what=WARD - {What.RECOVERY}),
            [point("p", "Mon 10:00", "Mon 12:00")],
            "Mon 23:00",
            ["Mon 10:10 opened p"],
            id="recoveries unwanted",
        ),
        pytest.param(
            PLAIN, [point("s", "Mon 10:00", "Mon 12:00", Of.SITE)], "Mon 23:00", [], id="sites unwanted"
        ),
        pytest.param(
            CITY_RULES,
            [point("s", "Mon 10:00", "Mon 12:00", Of.SITE)],
            "Mon 23:00",
            ["Mon 07:00 weekly", "Mon 10:10 opened s", "Mon 12:00 recovered s"],
            id="a site, to the city desk at once",
        ),
        pytest.param(
            CITY_RULES,
            [area("a", "Mon 10:00", "Mon 12:00", taken="Mon 10:05"), point("p", "Mon 10:00", "Mon 14:00")],
            "Mon 23:00",
            ["Mon 07:00 weekly", "Mon 10:10 opened a", "Mon 12:00 recovered a"],
            id="to the city desk an area at once and a point that is back in time never",
        ),
        pytest.param(
            CITY_RULES,
            [point("p", "Mon 10:00", "Mon 20:00"), point("q", "Mon 10:00", taken="Mon 14:05")],
            "Mon 23:00",
            ["Mon 07:00 weekly", "Mon 14:10 opened p escalated", "Mon 20:00 recovered p"],
            id="what nobody has acknowledged for four hours is escalated",
        ),
        pytest.param(
            CITY_RULES,
            [point("p", "Mon 10:00")],
            "Tue+1 12:00",
            [
                "Mon 07:00 weekly",
                "Mon 14:10 opened p escalated",
                "Tue 07:00 daily",
                "Tue 10:00 reminder_1d p",
                "Wed 07:00 daily",
                "Thu 07:00 daily",
                "Thu 10:00 reminder_3d p",
                "Fri 07:00 daily",
                "Sat 07:00 daily",
                "Sun 07:00 daily",
                "Mon+1 07:00 weekly",
                "Mon+1 10:00 reminder_7d p",
                "Tue+1 07:00 daily",
            ],
            id="a city desk's week: digests and reminders",
        ),
        pytest.param(
            WARD_RULES,
            [point("p", "Mon 23:00", "Tue 02:00"), point("q", "Tue 01:00", "Tue 09:00")],
            "Tue 23:00",
            ["Tue 06:30 morning: opened p, opened q, recovered p", "Tue 09:00 recovered q"],
            id="a night is one digest in the morning",
        ),
        pytest.param(
            WARD_RULES,
            [point("p", "Mon 20:00", "Tue 02:00")],
            "Tue 23:00",
            ["Mon 20:10 opened p", "Tue 06:30 morning: recovered p"],
            id="told in the evening, over in the night",
        ),
        pytest.param(
            WARD_RULES,
            [point("p", "Mon 23:00", withdrawn="Tue 02:00")],
            "Tue 23:00",
            [],
            id="withdrawn in the night, before anybody was told",
        ),
        pytest.param(
            WARD_RULES,
            [eye("e", "Mon 10:00", "Mon 21:00"), eye("f", "Mon 20:00", "Tue 06:00")],
            "Wed 23:00",
            [],
            id="single eyes come back by themselves",
        ),
        pytest.param(
            WARD_RULES,
            [eye("e", "Mon 10:00", "Wed 12:00"), eye("f", "Mon 17:00", "Thu 12:00")],
            "Sat 12:00",
            ["Tue 06:30 morning: opened e, opened f"],
            id="single eyes in one list; that they are back is worth no message",
        ),
        pytest.param(
            WARD_RULES,
            [eye("e", "Mon 10:00", "Tue 12:00"), point("p", "Wed 22:00", "Thu 12:00")],
            "Fri 12:00",
            [
                "Tue 06:30 morning: opened e",
                "Thu 06:30 morning: recovered e, opened p",
                "Thu 12:00 recovered p",
            ],
            id="... but joins a digest that comes anyway",
        ),
        pytest.param(
            replace(PLAIN, alone=timedelta(0)),
            [eye("e", "Mon 10:00", "Mon 12:00")],
            "Mon 23:00",
            ["Mon 10:10 opened e", "Mon 12:00 recovered e"],
            id="single eyes at once, for who wants that",
        ),
        pytest.param(
            WARD_RULES,
            [point("p", "Mon 10:00", "Mon 12:00"), point("q", "Wed 10:00", "Wed 12:00")],
            "Wed+1 12:00",
            [
                "Mon 10:10 opened p",
                "Mon 12:00 recovered p",
                "Wed 10:10 held: opened q",
                "Mon+1 10:10 held: recovered q",
            ],
            id="three messages a week, one of them a digest, and the rest when there is room",
        ),
        pytest.param(
            WARD_RULES,
            [
                point("p", "Mon 10:00", "Mon 12:00"),
                point("q", "Tue 10:00"),
                area("a", "Wed 10:00", "Wed 12:00"),
            ],
            "Thu 12:00",
            [
                "Mon 10:10 opened p",
                "Mon 12:00 recovered p",
                "Tue 10:10 held: opened q",
                "Wed 10:10 opened a",
                "Wed 12:00 recovered a",
            ],
            id="an area is told whatever the week has had",
        ),
        pytest.param(
            WARD_RULES,
            [point("p", "Mon 10:00", "Mon 12:00"), eye("e", "Mon 12:00")],
            "Tue+1 12:00",
            ["Mon 10:10 opened p", "Mon 12:00 recovered p", "Tue 06:30 morning: opened e"],
            id="the list of single eyes has its own of a week's messages",
        ),
        pytest.param(
            WARD_RULES,
            [
                eye("e", "Mon 03:00"),
                eye("f", "Mon 18:00"),
                *(point(f"p{week}", f"Tue+{week} 10:00", f"Tue+{week} 13:00") for week in range(3)),
            ],
            "Thu+2 12:00",
            [
                "Tue 06:30 morning: opened e, opened f",
                *("Tue 10:10 opened p0", "Tue 13:00 recovered p0"),
                *("Tue+1 10:10 opened p1", "Tue+1 13:00 recovered p1"),
                *("Tue+2 10:10 opened p2", "Tue+2 13:00 recovered p2"),
            ],
            id="... and leaves two to an outage",
        ),
        pytest.param(
            WARD_RULES,
            [
                eye("e", "Wed 03:00"),
                eye("f", "Wed+1 03:00"),
                *(point(f"p{week}", f"Mon+{week} 10:00", f"Mon+{week} 13:00") for week in range(3)),
            ],
            "Thu+2 12:00",
            [
                *("Mon 10:10 opened p0", "Mon 13:00 recovered p0", "Thu 06:30 morning: opened e"),
                *("Mon+1 10:10 opened p1", "Mon+1 13:00 recovered p1", "Thu+1 06:30 morning: opened f"),
                *("Mon+2 10:10 opened p2", "Mon+2 13:00 recovered p2"),
            ],
            id="... however regular outages are",
        ),
        pytest.param(
            WARD_RULES,
            [
                *(point(f"p{n}", f"{DAYS[n]} 10:00", f"{DAYS[n]} 11:00") for n in range(3)),
                point("r", "Wed 12:00", "Wed 20:00"),
                point("q", "Wed 13:00"),
                point("s", "Thu 04:00"),
            ],
            "Sat 12:00",
            [
                *("Mon 10:10 opened p0", "Mon 11:00 recovered p0", "Tue 10:10 held: opened p1"),
                "Thu 06:30 morning: recovered p1, opened p2, recovered p2, opened r, opened q, recovered r, "
                "opened s",
            ],
            id="what has taken a point for hours is told in the morning whatever the week has had",
        ),
        pytest.param(
            replace(PLAIN, per_hour=2),
            [point(f"p{n}", "Mon 10:00", "Mon 16:00") for n in range(5)],
            "Mon 15:00",
            ["Mon 10:10 opened p0", "Mon 10:10 opened p1", "Mon 11:10 held: opened p2, opened p3, opened p4"],
            id="too many for an hour: one summary",
        ),
        pytest.param(
            replace(PLAIN, per_hour=1),
            [
                point("p", "Mon 10:00", "Mon 16:00"),
                point("q", "Mon 10:00", "Mon 10:30"),
                point("r", "Mon 11:00", "Mon 16:00"),
            ],
            "Mon 15:00",
            ["Mon 10:10 opened p", "Mon 11:10 held: opened q, recovered q, opened r"],
            id="what becomes due while something is held joins it",
        ),
        pytest.param(
            WHENEVER,
            [
                found("x", What.EXPOSURE, "Mon 10:00"),
                found("c", What.CLOCK, "Mon 11:00", "Mon 15:00"),
                found("u", What.UNSTABLE, "Mon 12:00"),
                found("d", What.DEGRADED, "Tue 03:00"),
            ],
            "Wed 12:00",
            ["Tue 06:30 morning: notice x, unstable u", "Wed 06:30 morning: notice d"],
            id="what probes find is told in the morning, once",
        ),
        pytest.param(
            AT_ONCE,
            [
                found("unstable:3:W37", What.UNSTABLE, "Mon 05:00"),
                replace(eye("e", "Mon 05:30", "Mon 06:00"), unsteady="unstable:3:"),
                replace(eye("f", "Mon 10:00", "Mon 12:00"), unsteady="unstable:3:"),
                replace(eye("g", "Mon 14:00", "Mon 22:00"), unsteady="unstable:3:"),
                replace(eye("h", "Mon 14:00", "Mon 15:00"), unsteady="unstable:33:"),
                eye("i", "Mon 14:00", "Mon 15:00"),
            ],
            "Mon 23:00",
            [
                *("Mon 05:40 opened e", "Mon 06:00 recovered e"),
                "Mon 06:30 morning: unstable unstable:3:W37",
                *(
                    "Mon 14:10 opened h",
                    "Mon 14:10 opened i",
                    "Mon 15:00 recovered h",
                    "Mon 15:00 recovered i",
                ),
                *("Mon 20:00 opened g", "Mon 22:00 recovered g"),
            ],
            id="no single outages of an eye that was told of as unstable, unless it is gone for hours",
        ),
        pytest.param(
            replace(AT_ONCE, what=WARD - {What.UNSTABLE}),
            [
                found("unstable:3:W37", What.UNSTABLE, "Mon 05:00"),
                replace(eye("e", "Mon 10:00", "Mon 12:00"), unsteady="unstable:3:"),
            ],
            "Mon 23:00",
            ["Mon 10:10 opened e", "Mon 12:00 recovered e"],
            id="... they are told to who does not hear that it is unstable",
        ),
        pytest.param(
            replace(WARD_RULES, weekly=0, daily=False, digest_at=time(5, 0)),
            [],
            "Mon+1 12:00",
            ["Mon 06:30 weekly", "Mon+1 06:30 weekly"],
            id="a digest that would come in the quiet hours comes when they end",
        ),
    ],
)
def test_days_of_a_channel(rules: Rules, world: list[Happens], until: str, expected: list[str]) -> None:
    assert lived(rules, world, until) == expected


def test_what_began_before_anybody_listened_is_not_told_as_new() -> None:
    world = [point("old", "Mon 10:00"), eye("dead", "Mon 10:00"), point("new", "Tue 10:00")]
    assert lived(PLAIN, world, "Wed 12:00", since="Tue 00:00") == ["Tue 10:10 opened new"]


def test_after_a_stop_of_days_what_goes_on_is_told_and_one_digest_made_up_for() -> None:
    world = [point("over", "Mon 10:00", "Tue 10:00"), point("open", "Mon 11:00")]
    channel = Channel(replace(CITY_RULES, unacknowledged=timedelta(0)))
    for moment in ("Mon 09:00", "Thu 12:00", "Thu 12:05"):
        channel.look(world, at(moment))
    assert channel.lines == ["Mon 09:00 weekly", "Thu 12:00 opened open", "Thu 12:00 daily"]


def test_what_a_clock_that_was_ahead_said_counts_for_no_rate_and_no_digest() -> None:
    """Nor is it said again."""
    ahead = [Said(Kind.OPENED, f"of a year ahead {n}", at("Mon 10:00") + 365 * DAY) for n in range(12)]
    ahead += [Said(kind, "digest:2027-09-07T06:30:7", at("Mon 10:00") + 365 * DAY) for kind in DIGESTS]
    ahead.append(Said(Kind.OPENED, "said", at("Mon 10:00") + 365 * DAY))
    channel = Channel(WARD_RULES, said=ahead)
    world = [point("p", "Mon 10:00", "Mon 12:00"), point("said", "Mon 10:00"), eye("e", "Mon 13:00")]
    for moment in ("Mon 10:10", "Mon 12:00", "Tue 06:30"):
        channel.look(world, at(moment))
    assert channel.lines == ["Mon 10:10 opened p", "Mon 12:00 recovered p", "Tue 06:30 morning: opened e"]
    desk = Channel(CITY_RULES, said=ahead)
    desk.look([], at("Tue 07:00"))
    assert desk.lines == ["Tue 07:00 weekly"]


def test_two_subscriptions_of_one_channel_say_a_thing_once() -> None:
    channel = Channel(PLAIN)
    world = [point("p", "Mon 10:00")]
    channel.look(world, at("Mon 10:30"))
    other = Listener(8, PLAIN, MONDAY)
    occasion = world[0].seen(at("Mon 10:30"))
    assert occasion is not None
    assert routing.sayings(other, [occasion], channel.said, at("Mon 10:30"), ZONE) == []


# --- whenever it is looked --------------------------------------------------------------------------

minutes = st.integers(0, 4 * 24 * 60)
spans = st.integers(0, 30) | st.integers(0, 3 * 24 * 60)


@st.composite
def happenings(draw: st.DrawFn) -> Happens:
    begins = (MONDAY + draw(minutes) * MINUTE).astimezone(UTC)
    lasts, known = draw(spans), draw(st.integers(0, 600))
    ends = begins + lasts * MINUTE if draw(st.booleans()) else None
    withdrawn = begins + draw(spans) * MINUTE if draw(st.integers(0, 9)) == 0 else None
    taken = begins + draw(spans) * MINUTE if draw(st.booleans()) else None
    of = draw(st.sampled_from([Of.EYE, Of.EYE, Of.DEVICE, Of.POINT, Of.AREA, Of.SITE]))
    late = begins + known * MINUTE
    name = f"{draw(st.integers(0, 10**9))}"
    return Happens(name, of, begins, ends, withdrawn, taken, late, max(late, ends) if ends else None)


rules_drawn = st.builds(
    Rules,
    what=st.sampled_from([WARD, frozenset(What)]),
    least=st.sampled_from([timedelta(0), 10 * MINUTE, HOUR]),
    alone=st.sampled_from([timedelta(0), 6 * HOUR]),
    unacknowledged=st.sampled_from([timedelta(0), 4 * HOUR]),
    wide_at_once=st.booleans(),
    quiet=st.sampled_from([None, NIGHT, (time(12, 0), time(14, 0))]),
    per_hour=st.sampled_from([1, 2, 6]),
    per_week=st.sampled_from([0, 1, 3]),
    reminders=st.sampled_from([(), (DAY, 3 * DAY, 7 * DAY)]),
    daily=st.booleans(),
    weekly=st.sampled_from([None, 2]),
    digest_at=st.sampled_from([time(6, 30), time(13, 0), time(23, 0)]),
)
looks = st.lists(st.integers(0, 6 * 24 * 60), max_size=60)
soon = st.sets(st.sampled_from([0, 1, 5, 10, 60, 240, 720]), max_size=4)


@settings(max_examples=200)
@given(rules_drawn, st.lists(happenings(), max_size=12, unique_by=lambda each: each.name), looks, soon)
def test_whenever_it_is_looked(rules: Rules, world: list[Happens], looks: list[int], soon: set[int]) -> None:
    """At any moments, and so soon after each change."""
    channel = Channel(rules)
    edges = {edge for each in world for edge in (each.begins, each.ends, each.withdrawn, each.taken) if edge}
    moments = {MONDAY.astimezone(UTC) + look * MINUTE for look in looks}
    for now in sorted(moments | {edge + wait * MINUTE for edge in edges for wait in soon}):
        channel.look(world, now)
    by_name = {each.name: each for each in world}
    keys = [(said.kind, said.occasion) for said in channel.said]
    assert len(keys) == len(set(keys)), "each kind of message once"
    opened = {said.occasion: said for said in channel.said if said.kind is Kind.OPENED}
    for said in channel.said:
        if said.kind in DIGESTS:
            continue
        happens = by_name[said.occasion]
        assert not happens.unsteady
        if said.kind is Kind.OPENED:
            lasted = (happens.ends or said.at) - happens.begins
            assert lasted >= rules.least or (happens.ends and said.at < (happens.end_known or happens.ends))
            assert said.at >= happens.begins + rules.least
        if said.kind is Kind.RECOVERED:
            assert opened[said.occasion].at <= said.at
    spoken = channel.spoken
    wide = {each.name for each in world if each.of in (Of.AREA, Of.SITE)}
    for nth, (moment, kind, name) in enumerate(spoken, 1):
        assert not routing.is_quiet(rules, moment, ZONE)
        before = spoken[:nth]  # and this one
        assert sum(moment - HOUR < other for other, *_ in before) <= rules.per_hour
        of_week = sum(moment - 7 * DAY < other and each not in SCHEDULED for other, each, _ in before)
        if rules.per_week and kind not in DIGESTS and name not in wide:
            assert of_week <= rules.per_week
    told = [pair for line in channel.lines if ": " in line for pair in line.split(": ")[1].split(", ")]
    assert len(told) == len(set(told)), "what was held is told once"
    apart = {f"{kind} {name}" for _, kind, name in spoken}
    assert not apart & set(told), "... and not by itself, too"
