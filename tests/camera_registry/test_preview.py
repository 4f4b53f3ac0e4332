"""What a policy would have sent, from moment to moment, is what whoever looks all the time would say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camera_registry.alerts import routing
from camera_registry.alerts.happened import NOWHERE
from camera_registry.alerts.occasions import Occasion, What
from camera_registry.alerts.preview import Hearer, Sent, Stand, walk
from camera_registry.alerts.routing import Kind, Listener, Said
from camera_registry.alerts.rules import CITY, CITY_RULES, WARD_RULES, Rules
from camera_registry.incidents import Kind as Of
from camera_registry.uptime import Span

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BEGIN = datetime(2026, 9, 7, tzinfo=ZONE).astimezone(UTC)
TICK, HOUR, DAY = timedelta(minutes=10), timedelta(hours=1), timedelta(days=1)
TICKS = 11 * DAY // TICK  # a week passes, and what it held back is free again
MORNING = frozenset(BEGIN + n * DAY + timedelta(minutes=at) for n in range(11) for at in (390, 420))


def at(tick: int) -> datetime:
    return BEGIN + tick * TICK


RULES = (
    pytest.param(WARD_RULES, id="a ward's"),
    pytest.param(CITY_RULES, id="the city's"),
    pytest.param(replace(WARD_RULES, what=CITY, per_hour=1, per_week=2), id="few messages"),
    pytest.param(replace(WARD_RULES, alone=timedelta(0), quiet=None, per_week=0), id="single eyes at once"),
    pytest.param(
        replace(WARD_RULES, unacknowledged=HOUR, reminders=(DAY, 3 * DAY), weekly=2), id="later, and weekly"
    ),
    pytest.param(
        replace(WARD_RULES, what=CITY, quiet=(time(12), time(13, 30)), per_week=1, daily=True), id="at noon"
    ),
)


# --- what happens -----------------------------------------------------------------------------------


@st.composite
def incidents(draw: st.DrawFn, number: int) -> list[Stand]:
    """One, as it became known: that it is, that it was taken in hand, that its eyes are unstable, its end."""
    began = draw(st.integers(0, TICKS))
    known = began + draw(st.sampled_from((0, 1, 2, 40)))
    lasts = draw(st.sampled_from((1, 2, 3, 7, 30, 80, 200, 2000)))
    ends = max(known, began + lasts)
    unstable = f"{What.UNSTABLE}:{draw(st.integers(0, 4))}:"
    of = draw(st.sampled_from((Of.EYE, Of.EYE, Of.POINT, Of.POINT, Of.AREA, Of.SITE)))
    stand = Occasion(
        f"incident:{number}",
        What.SITE if of is Of.SITE else What.OUTAGE,
        NOWHERE,
        (),
        0,
        at(began),
        at(known),
        at(known),
        incident=number,
        kind=of,
        unsteady=draw(st.sampled_from(("", "", "", "", "", unstable))),
    )
    stands = [Stand(at(known), stand.key, stand)]
    for change in draw(st.lists(st.sampled_from(("taken", "unsteady")), max_size=2)):
        when = draw(st.integers(known, ends))
        stand = stands[-1].occasion or stand
        later = max(stands[-1].at, at(when))
        changed = (
            replace(stand, acknowledged_at=later)
            if change == "taken"
            else replace(stand, unsteady="" if stand.unsteady else unstable)
        )
        stands.append(Stand(later, stand.key, changed))
    stand = stands[-1].occasion or stand
    over = (
        replace(stand, withdrawn_at=at(ends))
        if draw(st.integers(0, 4)) == 0
        else replace(stand, ended_at=at(ends))
    )
    stands.append(Stand(at(ends), stand.key, over))
    if over.withdrawn_at is None and draw(st.integers(0, 4)) == 0:
        taken_back = at(ends + draw(st.integers(0, 100)))
        stands.append(Stand(taken_back, stand.key, replace(over, withdrawn_at=taken_back)))
    return stands


@st.composite
def findings(draw: st.DrawFn, number: int) -> list[Stand]:
    """What probes found of an eye, until it was so no longer."""
    began = draw(st.integers(0, TICKS))
    what = draw(st.sampled_from((What.DEGRADED, What.UNSTABLE, What.CLOCK)))
    found = Occasion(f"{what}:{number}:", what, NOWHERE, (), 0, at(began), at(began), at(began))
    until = at(began + draw(st.sampled_from((3, 100, 300, 2000))))
    return [Stand(found.started_at, found.key, found), Stand(until, found.key, None)]


@st.composite
def pasts(draw: st.DrawFn) -> list[Stand]:
    told = [draw(incidents(number)) for number in range(draw(st.integers(0, 14)))]
    told += [draw(findings(number)) for number in range(draw(st.integers(0, 5)))]
    return sorted((stand for each in told for stand in each), key=lambda stand: stand.at)


def looking_all_the_time(listener: Listener, stands: Sequence[Stand]) -> list[Sent]:
    """Asked at every tick, with all that is known and all that was said."""
    known: dict[str, Occasion] = {}
    said: list[Said] = []
    sent: list[Sent] = []
    left = list(stands)
    for now in map(at, range(TICKS)):
        while left and left[0].at <= now:
            stand = left.pop(0)
            if stand.occasion is None:
                known.pop(stand.key, None)
            else:
                known[stand.key] = stand.occasion
        occasions = [each for each in known.values() if each.incident is not None or now in MORNING]
        due = routing.sayings(listener, occasions, said, now, ZONE)
        said = routing.after(said, due, now)
        sent += [Sent(now, each.kind, each.occasion, each.held, each.escalated, each.tells) for each in due]
    return sent


@pytest.mark.parametrize("rules", RULES)
@settings(max_examples=8, deadline=None)
@given(stands=pasts())
def test_is_what_whoever_looks_all_the_time_says(rules: Rules, stands: list[Stand]) -> None:
    listener = Listener(1, rules, BEGIN)

    assert walk(listener, stands, {}, MORNING, at(TICKS), ZONE) == looking_all_the_time(listener, stands)


def sent(*minutes: int, held: bool = False) -> list[Sent]:
    return [Sent(BEGIN + timedelta(minutes=n), Kind.OPENED, f"{n}", held, False, ()) for n in minutes]


@pytest.mark.parametrize(
    ("said", "besides", "most_a_day", "most_a_week"),
    [
        pytest.param([], [], 0, 0, id="nothing"),
        pytest.param(sent(0, 1, 2, held=True), [], 0, 0, id="what is held is no message"),
        pytest.param(sent(0, 1439, 1440), [], 2, 3, id="days end at midnight"),
        pytest.param(sent(0, 10079), [], 1, 2, id="within seven days"),
        pytest.param(sent(0, 10080), [], 1, 1, id="seven days later"),
        pytest.param(sent(0, 100, 200), [Span(BEGIN, BEGIN + HOUR)], 3, 2, id="besides an hour"),
    ],
)
def test_messages_are_counted(
    said: list[Sent], besides: list[Span], most_a_day: int, most_a_week: int
) -> None:
    hearer = Hearer("u-1", "U1", said)
    assert (hearer.most_a_day(ZONE), hearer.most_a_week(besides)) == (most_a_day, most_a_week)
