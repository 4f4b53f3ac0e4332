"""The arithmetic of time, against second-by-second reckonings that know nothing of how it is done."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry.periods import month_of
from camera_registry.uptime import (
    Count,
    History,
    Interval,
    Outage,
    Runs,
    Served,
    Span,
    Tally,
    Turn,
    blips,
    clipped,
    count,
    counted,
    intervals,
    length,
    merged,
    outages,
    served,
    summary,
    tally,
    without,
)
from probes.reasons import Check

ZERO = datetime(2026, 9, 1, tzinfo=UTC)
SECOND = 1_000_000
HOUR = 3600 * SECOND
LONG = 40  # seconds of a random history

EYE_STATES = ("up", "degraded", "down", "unknown")
CHECK_STATES = ("ok", "failing", "unknown", "off")


def second(n: float) -> datetime:
    return ZERO + timedelta(seconds=n)


def hour(n: float) -> datetime:
    return ZERO + timedelta(hours=n)


def hours(start: float, end: float) -> Span:
    return Span(hour(start), hour(end))


def seconds(start: float, end: float) -> Span:
    return Span(second(start), second(end))


def told(*turns: tuple[float, str]) -> tuple[Turn, ...]:
    return tuple(Turn(hour(at), state) for at, state in turns)


ALWAYS = (hours(-10_000, 10_000),)


# --- histories nobody thought of ----------------------------------------------------------------------


def ledgers(states: Sequence[str], moments: st.SearchStrategy[float]) -> st.SearchStrategy[tuple[Turn, ...]]:
    """In order of time, each moment once, no two neighbours equal."""

    def ledger(turns: dict[float, str]) -> tuple[Turn, ...]:
        found: list[Turn] = []
        for at in sorted(turns):
            if not found or found[-1].state != turns[at]:
                found.append(Turn(second(at), turns[at]))
        return tuple(found)

    return st.dictionaries(moments, st.sampled_from(states), max_size=8).map(ledger)


def spans(moments: st.SearchStrategy[float], most: int) -> st.SearchStrategy[tuple[Span, ...]]:
    """Any, also empty ones and such as overlap."""
    ends = st.tuples(moments, moments)
    return st.lists(ends, max_size=most).map(lambda pairs: tuple(seconds(*sorted(pair)) for pair in pairs))


def histories(moments: st.SearchStrategy[float]) -> st.SearchStrategy[History]:
    return st.builds(
        History,
        ledgers(EYE_STATES, moments),
        st.fixed_dictionaries({}, optional={c: ledgers(CHECK_STATES, moments) for c in Check}),
        spans(moments, 3).map(merged),
        spans(moments, 4).map(merged),
        st.lists(moments.map(second), max_size=6).map(lambda found: tuple(sorted(found))),
        st.booleans(),
    )


TICKS = st.integers(-5, LONG + 5).map(float)  # whole seconds, before and after the period, too
INSTANTS = st.integers(-5 * SECOND, (LONG + 5) * SECOND).map(lambda n: n / SECOND)
PERIOD = seconds(0, LONG)


# --- the same, second by second -----------------------------------------------------------------------


def inside(windows: Iterable[Span], moment: datetime) -> bool:
    return any(window.start <= moment < window.end for window in windows)


def state_at(turns: Iterable[Turn], moment: datetime) -> str:
    state = "unknown"
    for turn in turns:
        if turn.at <= moment:
            state = turn.state
    return state


def is_counted(history: History, moment: datetime) -> bool:
    return inside(history.service, moment) and not inside(history.maintenance, moment)


def what(history: History, moment: datetime) -> str:
    if not inside(history.service, moment):
        return "not_in_service"
    if inside(history.maintenance, moment):
        return "maintenance"
    return state_at(history.states, moment)


def by_the_second(history: History, period: Span) -> Tally:
    found: Counter[str] = Counter()
    moment = period.start
    while moment < period.end:
        now = what(history, moment)
        found[now] += SECOND
        picture = state_at(history.checks.get(Check.PICTURE, ()), moment)
        if history.judged and now in ("up", "degraded") and picture == "ok":
            found["usable"] += SECOND
        if history.judged and now in ("up", "degraded") and picture == "failing":
            found["unusable"] += SECOND
        if history.judged and now == "down" and picture != "off":
            found["down_judged"] += SECOND
        if now in EYE_STATES:
            for check in (Check.SNAPSHOT, Check.CLOCK, Check.RECORDING):
                state = state_at(history.checks.get(check, ()), moment)
                if state in ("ok", "failing"):
                    found[f"{check}_{state}"] += SECOND
        moment += timedelta(seconds=1)
    return Tally(**found)


def outages_by_the_second(history: History, period: Span) -> list[Outage]:
    """Runs of down in the ledger; of each the seconds that count, if there are any."""
    found: list[Outage] = []
    run: datetime | None = None
    down = 0
    moment = period.start
    while moment <= period.end:
        is_down = state_at(history.states, moment) == "down"
        over = moment == period.end
        if run is not None and (over or not is_down):
            if down:
                found.append(Outage(run, None if is_down else moment, down))
            run, down = None, 0
        if is_down and not over:
            run = run or moment
            down += SECOND * is_counted(history, moment)
        moment += timedelta(seconds=1)
    return found


def served_by_the_second(eyes: Sequence[History], k: int, period: Span) -> Served:
    found = {"served": 0, "not_served": 0, "unknown": 0}
    moment = period.start
    while moment < period.end:
        here = [what(eye, moment) for eye in eyes]
        good = sum(state in ("up", "degraded") for state in here)
        perhaps = sum(state in ("unknown", "maintenance") for state in here)
        if any(state in EYE_STATES for state in here):
            verdict = "served" if good >= k else "not_served" if good + perhaps < k else "unknown"
            found[verdict] += SECOND
        moment += timedelta(seconds=1)
    return Served(**found)


@given(histories(TICKS))
def test_a_tally_is_what_counting_every_second_gives(history: History) -> None:
    assert tally(history, PERIOD) == by_the_second(history, PERIOD)


@given(histories(TICKS))
def test_outages_are_what_watching_every_second_finds(history: History) -> None:
    assert list(outages(history, PERIOD)) == outages_by_the_second(history, PERIOD)


@given(histories(TICKS))
def test_a_blip_counts_where_the_eye_is_counted(history: History) -> None:
    assert blips(history, PERIOD) == sum(
        is_counted(history, blip) for blip in history.blips if PERIOD.start <= blip < PERIOD.end
    )


@given(st.lists(histories(TICKS), max_size=4), st.integers(1, 4))
def test_a_point_is_served_as_every_second_says(eyes: list[History], k: int) -> None:
    assert served(eyes, k, PERIOD) == served_by_the_second(eyes, k, PERIOD)


@given(histories(TICKS))
def test_intervals_say_of_every_second_what_it_was(history: History) -> None:
    found = intervals(history, PERIOD)

    assert [each.span.start for each in found] == [PERIOD.start, *(each.span.end for each in found[:-1])]
    assert found[-1].span.end == PERIOD.end
    for n in range(LONG):
        (held,) = (each.state for each in found if second(n) in each.span)
        assert held == what(history, second(n))


# --- invariants ---------------------------------------------------------------------------------------


@given(histories(INSTANTS), INSTANTS, INSTANTS)
def test_all_states_together_are_the_period(history: History, one: float, other: float) -> None:
    period = seconds(*sorted((one, other)))
    counted_here = tally(history, period)

    assert counted_here.period == period.length
    assert counted_here.usable + counted_here.unusable <= counted_here.up + counted_here.degraded
    assert counted_here.down_judged <= counted_here.down
    assert counted_here.in_service == length(counted(history, period))


@given(histories(INSTANTS), st.lists(INSTANTS, min_size=2, max_size=6), st.integers(1, 2))
def test_splitting_a_period_changes_no_sum(history: History, borders: list[float], k: int) -> None:
    borders.sort()
    whole = seconds(borders[0], borders[-1])
    parts = [seconds(start, end) for start, end in pairwise(borders)]

    assert sum((count(history, part) for part in parts), Count()) == count(history, whole)
    assert sum((served([history], k, part) for part in parts), Served()) == served([history], k, whole)


@given(histories(INSTANTS))
def test_outages_together_are_the_time_down(history: History) -> None:
    found = outages(history, PERIOD)

    assert sum(outage.counted for outage in found) == tally(history, PERIOD).down
    assert all(outage.counted > 0 for outage in found)


@given(spans(INSTANTS, 6), spans(INSTANTS, 6), INSTANTS)
def test_spans_are_sets_of_moments(some: tuple[Span, ...], others: tuple[Span, ...], at: float) -> None:
    moment = second(at)

    assert inside(merged(some), moment) == inside(some, moment)
    left = without(merged(some), merged(others))
    assert inside(left, moment) == (inside(some, moment) and not inside(others, moment))
    assert inside(clipped(merged(some), PERIOD), moment) == (inside(some, moment) and moment in PERIOD)
    for before, after in pairwise(left):
        assert before.end <= after.start


@given(histories(INSTANTS), spans(INSTANTS, 3))
def test_a_window_entered_twice_counts_once(history: History, windows: tuple[Span, ...]) -> None:
    once, twice = (
        History(history.states, history.checks, history.service, merged(entered))
        for entered in (windows, windows * 2)
    )
    assert tally(once, PERIOD) == tally(twice, PERIOD)


# --- vectors ------------------------------------------------------------------------------------------

DAY_DOWN = History(told((0, "up"), (30, "down"), (54, "up")), service=ALWAYS)


def test_time_to_come_is_no_part_of_a_month() -> None:
    month = hours(0, 720).until(hour(72))  # T1
    counted_here = tally(DAY_DOWN, month)

    assert counted_here.availability == pytest.approx(2 / 3)
    assert counted_here.coverage == 1
    assert counted_here.period == 72 * HOUR


def test_a_month_that_has_not_begun_has_no_figures() -> None:
    counted_here = tally(DAY_DOWN, hours(0, 720).until(hour(-1)))

    assert counted_here == Tally()
    assert (counted_here.availability, counted_here.coverage, counted_here.usable_rate) == (None, None, None)
    assert intervals(DAY_DOWN, hours(0, 720).until(hour(-1))) == ()


def test_a_monitor_that_slept_lowers_the_coverage_alone() -> None:
    slept = History(told((0, "up"), (12, "unknown")), service=ALWAYS)  # T3
    counted_here = tally(slept, hours(0, 24))

    assert (counted_here.availability, counted_here.coverage) == (1, 0.5)


def test_maintenance_leaves_both_sides_of_the_fraction() -> None:
    at_work = History(
        told((0, "up"), (11, "down"), (13, "up")), service=ALWAYS, maintenance=(hours(10, 14),)
    )  # T4
    counted_here = tally(at_work, hours(0, 24))

    assert counted_here.availability == 1
    assert (counted_here.observed, counted_here.maintenance) == (20 * HOUR, 4 * HOUR)
    assert outages(at_work, hours(0, 24)) == ()


def test_before_its_commissioning_an_eye_is_not_in_service() -> None:
    new = History(told((360, "up"), (400, "down"), (415, "up")), service=(hours(360, 10_000),))  # T5
    counted_here = tally(new, hours(0, 720))

    assert counted_here.availability == 345 / 360
    assert counted_here.not_in_service == 360 * HOUR


def test_an_outage_that_goes_on_has_no_end() -> None:
    failing = History(told((0, "up"), (24 - 1 / 12, "down")), service=ALWAYS)  # T6
    (outage,) = outages(failing, hours(0, 24))

    assert (outage.end, outage.seconds) == (None, 300)
    assert summary(tally(failing, hours(0, 24)), [outage]).mttr_s is None


def test_an_outage_that_ends_with_the_period_has_ended() -> None:
    failing = History(told((0, "up"), (23, "down"), (24, "up")), service=ALWAYS)

    assert outages(failing, hours(0, 24)) == (Outage(hour(23), hour(24), HOUR),)


def test_a_window_in_an_outage_does_not_make_it_two() -> None:
    failing = History(told((0, "up"), (5, "down"), (10, "up")), service=ALWAYS, maintenance=(hours(6, 8),))

    assert outages(failing, hours(0, 24)) == (Outage(hour(5), hour(10), 3 * HOUR),)


def test_an_outage_in_two_reasons_is_one() -> None:
    failing = History(
        (Turn(hour(0), "up"), Turn(hour(1), "down", "TCP_TIMEOUT"), Turn(hour(2), "down", "TCP_REFUSED")),
        service=ALWAYS,
    )

    assert outages(failing, hours(0, 3)) == (Outage(hour(1), None, 2 * HOUR),)


def test_repairs_are_averaged_over_outages_that_ended() -> None:
    failing = History(
        told((0, "up"), (1, "down"), (2, "up"), (5, "down"), (8, "up"), (23, "down")), service=ALWAYS
    )
    found = summary(tally(failing, hours(0, 24)), outages(failing, hours(0, 24)))

    assert (found.outages, found.longest_outage_s) == (3, 3 * 3600)
    assert found.mttr_s == 2 * 3600
    assert found.mtbf_s == 19 * 3600 / 3


def test_without_outages_nothing_is_averaged() -> None:
    found = summary(Tally(up=HOUR), [])

    assert (found.outages, found.longest_outage_s, found.mttr_s, found.mtbf_s) == (0, 0, None, None)


def test_outages_add_up() -> None:
    first, second_ = Outage(hour(0), hour(1), HOUR), Outage(hour(2), None, 5 * HOUR)

    assert Runs.of([first]) + Runs.of([second_]) == Runs.of([first, second_]) == Runs(2, 1, HOUR, 5 * HOUR)


def test_units_are_weighted_by_time_and_not_by_percentages() -> None:
    dead, good = Tally(down=720 * HOUR), Tally(up=720 * HOUR)  # T9

    assert sum([dead] + [good] * 199, Tally()).availability == 0.995


def pictured(states: tuple[Turn, ...], pictures: tuple[Turn, ...], *, judged: bool = True) -> Tally:
    return tally(History(states, {Check.PICTURE: pictures}, service=ALWAYS, judged=judged), hours(0, 24))


@pytest.mark.parametrize(
    ("states", "pictures", "judged", "usable", "coverage"),
    [
        pytest.param(told((0, "up")), told((0, "ok")), True, 1, 1, id="good"),
        pytest.param(told((0, "up")), told((0, "failing")), True, 0, 1, id="T13: frozen all day"),
        pytest.param(told((0, "up")), told((0, "ok"), (6, "failing")), True, 0.25, 1, id="black from six"),
        pytest.param(
            told((0, "up"), (12, "down")), told((0, "ok"), (12, "unknown")), True, 0.5, 1, id="down"
        ),
        pytest.param(told((0, "up"), (12, "down")), told((0, "off")), True, None, 0, id="switched off"),
        pytest.param(told((0, "up"), (12, "down")), (), False, None, 0, id="T19: never judged"),
        pytest.param(told((0, "down")), (), True, 0, 1, id="dead, would be judged"),
        pytest.param(told((0, "up")), told((0, "ok"), (6, "unknown")), True, 1, 0.25, id="not known"),
    ],
)
def test_a_usable_picture_is_delivered_and_seen(
    states: tuple[Turn, ...],
    pictures: tuple[Turn, ...],
    judged: bool,
    usable: float | None,
    coverage: float | None,
) -> None:
    found = pictured(states, pictures, judged=judged)

    assert (found.usable_rate, found.usable_coverage) == (usable, coverage)
    assert (found.rate(Check.PICTURE), found.coverage_of(Check.PICTURE)) == (usable, coverage)


def test_a_wrong_clock_is_the_clocks_own_failure() -> None:
    history = History(
        told((0, "degraded")),
        {Check.CLOCK: told((0, "failing")), Check.PICTURE: told((0, "ok"))},
        service=ALWAYS,
    )  # T18
    found = tally(history, hours(0, 720))

    assert (found.availability, found.usable_rate, found.rate(Check.CLOCK)) == (1, 1, 0)
    assert found.coverage_of(Check.CLOCK) == 1
    assert (found.rate(Check.SNAPSHOT), found.coverage_of(Check.SNAPSHOT)) == (None, 0)
    assert (found.rate(Check.STREAM), found.coverage_of(Check.STREAM)) == (1, 1)


@pytest.mark.parametrize(
    ("month", "hours_long"),
    [
        pytest.param(date(2026, 3, 1), 743, id="spring"),
        pytest.param(date(2026, 10, 1), 745, id="autumn"),
        pytest.param(date(2026, 7, 1), 744, id="neither"),
    ],
)
def test_a_month_with_a_clock_change_is_as_long_as_it_is(month: date, hours_long: int) -> None:
    period = month_of(month, ZoneInfo("Europe/Berlin"))  # T12
    found = tally(History((Turn(period.start, "up"),), service=(period,)), period)

    assert found.up == period.length == hours_long * HOUR
    assert found.availability == 1


def test_a_point_needs_as_many_eyes_as_it_says() -> None:
    one = History(told((0, "up"), (6, "down")), service=ALWAYS)
    other = History(told((0, "degraded"), (12, "unknown")), service=ALWAYS, maintenance=(hours(3, 4),))

    assert served([one, other], 2, hours(0, 24)) == Served(5 * HOUR, 18 * HOUR, 1 * HOUR)
    assert served([one, other], 1, hours(0, 24)) == Served(12 * HOUR, 0, 12 * HOUR)
    assert served([one], 2, hours(0, 6)) == Served(0, 6 * HOUR, 0)


def test_a_point_whose_eyes_are_all_under_repair_is_not_counted() -> None:
    repaired = History(told((0, "up")), service=(hours(0, 12),), maintenance=(hours(6, 24),))

    assert served([repaired], 1, hours(0, 24)) == Served(6 * HOUR, 0, 0)
    assert served([], 1, hours(0, 24)) == Served()


def test_the_interval_of_a_state_says_why() -> None:
    failing = History(
        (Turn(hour(0), "up", "OK"), Turn(hour(4), "down", "TCP_TIMEOUT")),
        service=(hours(1, 10),),
        maintenance=(hours(5, 6), hours(9, 12)),
    )

    assert intervals(failing, hours(0, 12)) == (
        Interval(hours(0, 1), "not_in_service"),
        Interval(hours(1, 4), "up", "OK"),
        Interval(hours(4, 5), "down", "TCP_TIMEOUT"),
        Interval(hours(5, 6), "maintenance"),
        Interval(hours(6, 9), "down", "TCP_TIMEOUT"),
        Interval(hours(9, 10), "maintenance"),
        Interval(hours(10, 12), "not_in_service"),
    )
