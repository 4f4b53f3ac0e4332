"""How far a repair is and for how long: pure."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry.funding.kinds import Form, Kind, Source
from camera_registry.funding.sums import Line
from camera_registry.money import Sum
from camera_registry.repairs.costs import DAY_US, Fund, PointCost, per_eye_day, point_cost
from camera_registry.repairs.states import (
    MOVES,
    OPEN,
    State,
    Step,
    Times,
    days_in_states,
    fault_of,
    open_within,
    state_at,
)
from camera_registry.uptime import Tally

BEGAN = datetime(2026, 9, 1, tzinfo=UTC)
DAY = timedelta(days=1)
_S = State


def at(day: float) -> datetime:
    return BEGAN + day * DAY


STORY = [
    Step(at(0), _S.REPORTED),
    Step(at(2), _S.WAITING_FOR_MONEY),
    Step(at(2), _S.WAITING_FOR_MONEY, "remark"),
    Step(at(32), _S.IN_REPAIR),
    Step(at(35), _S.DONE),
]


@pytest.mark.parametrize(
    ("now", "since", "spent"),
    [
        pytest.param(
            40, None, {_S.REPORTED: 2, _S.WAITING_FOR_MONEY: 30, _S.IN_REPAIR: 3, _S.DONE: 5}, id="all"
        ),
        pytest.param(33, None, {_S.REPORTED: 2, _S.WAITING_FOR_MONEY: 30, _S.IN_REPAIR: 1}, id="as of then"),
        pytest.param(30, 10, {_S.WAITING_FOR_MONEY: 20}, id="a month of it"),
        pytest.param(2, None, {_S.REPORTED: 2}, id="the moment of a step"),
        pytest.param(0, None, {}, id="just reported"),
        pytest.param(-1, None, {}, id="before"),
        pytest.param(40, 36, {_S.DONE: 4}, id="after it was done"),
    ],
)
def test_days_in_states(now: float, since: float | None, spent: dict[State, float]) -> None:
    times = days_in_states(STORY, at(now), None if since is None else at(since))
    assert {state: time / DAY for state, time in times.by_state.items() if time} == spent
    assert times.broken / DAY == sum(days for state, days in spent.items() if state in OPEN)


def test_waiting_for_money_stands_apart_from_being_repaired() -> None:
    times = days_in_states(STORY, at(40))
    assert (times.waiting_for_money, times.being_repaired, times.broken) == (30 * DAY, 3 * DAY, 35 * DAY)
    both = Times.together([times, days_in_states(STORY, at(10))])
    assert (both.waiting_for_money, both.all) == (38 * DAY, 50 * DAY)
    assert Times.together([]).all == timedelta()


def test_a_state_holds_since_its_first_step() -> None:
    waiting = state_at(STORY, at(20))
    assert waiting is not None
    assert (waiting.state, waiting.at, waiting.text) == (_S.WAITING_FOR_MONEY, at(2), "")
    assert state_at(STORY, at(-1)) is None
    assert open_within(STORY, at(34), at(60))
    assert not open_within(STORY, at(35), at(60))
    assert not open_within(STORY, at(-9), at(0))


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        pytest.param(STORY, "", id="sound"),
        pytest.param([], "no step", id="none"),
        pytest.param(STORY[1:], "begins in another state", id="without its beginning"),
        pytest.param([STORY[0], Step(at(-1), _S.DONE)], "goes back in time", id="back in time"),
        pytest.param(
            [STORY[0], STORY[4], Step(at(36), _S.WAITING_FOR_MONEY)], "moves as none may", id="no such move"
        ),
    ],
)
def test_a_story_that_cannot_be(steps: list[Step], fault: str) -> None:
    assert fault_of(steps) == fault


def test_every_state_is_reached_and_none_leads_to_itself() -> None:
    assert {to for moves in MOVES.values() for to in moves} == set(State)
    assert all(state not in MOVES[state] for state in State)


@st.composite
def stories(draw: st.DrawFn) -> list[Step]:
    """A repair that lived by the moves there are, with remarks."""
    steps = [Step(BEGAN, State.REPORTED)]
    for _ in range(draw(st.integers(0, 12))):
        last = steps[-1]
        after = last.at + draw(st.timedeltas(timedelta(), timedelta(days=90)))
        state = draw(st.sampled_from([*MOVES[last.state], last.state]))
        steps.append(Step(last.at if state is last.state else after, state))
    return steps


@given(stories(), st.timedeltas(timedelta(), timedelta(days=2_000)), st.timedeltas(timedelta(), DAY * 400))
def test_all_states_together_are_the_time_since_it_was_reported(
    steps: list[Step], age: timedelta, cut: timedelta
) -> None:
    now, border = BEGAN + age, BEGAN + cut
    times = days_in_states(steps, now)
    assert times.all == now - BEGAN
    assert times.broken + times.of(State.DONE) + times.of(State.WRITTEN_OFF) == times.all
    assert times.waiting_for_money + times.being_repaired + times.of(State.REPORTED) == times.broken
    assert all(time >= timedelta() for time in times.by_state.values())
    # A period and what is before it are the whole: nothing is counted twice, nothing is lost.
    parts = Times.together(
        [days_in_states(steps, min(border, now)), days_in_states(steps, now, since=border)]
    )
    assert parts.by_state == times.by_state
    assert fault_of(steps) == ""
    present = state_at(steps, now)
    assert present is not None
    assert present.state in State


# --- what a usable day costs ------------------------------------------------------------------------


def line(kind: Kind, amount: int | None, source: Source | None = None, form: Form = Form.MONEY) -> Line:
    return Line(1, kind, BEGAN.date(), 2026, form, amount, source=source, point="P1")


@pytest.mark.parametrize(
    ("lines", "funding", "cost", "fund"),
    [
        pytest.param([], "socialised", Sum(0, 1), Fund.SOCIALISED, id="nothing in the ledger"),
        pytest.param([], "", Sum(0, 1), Fund.UNKNOWN, id="nothing anywhere"),
        pytest.param(
            [line(Kind.CONTRIBUTION, 9, Source.HOUSEHOLD)], "city_budget", Sum(0, 1), Fund.SOCIALISED,
            id="collected is not spent",
        ),
        pytest.param(
            [line(Kind.EXPENSE, 7, Source.COMMUNE), line(Kind.EXPENSE, -7, Source.COMMUNE),
             line(Kind.EXPENSE, 5, Source.COMMUNE)], "", Sum(5), Fund.STATE, id="reversed",
        ),
        pytest.param(
            [line(Kind.EXPENSE, 7), line(Kind.CONTRIBUTION, 3, Source.DONOR, Form.IN_KIND)], "city_budget",
            Sum(10), Fund.SOCIALISED, id="things given cost, too",
        ),
        pytest.param(
            [line(Kind.EXPENSE, None, Source.PROVINCE), line(Kind.CONTRIBUTION, 3, Source.DONOR)],
            "", Sum(0, 1), Fund.MIXED, id="both gave",
        ),
        pytest.param([line(Kind.ESTIMATE, 7), line(Kind.SETTLEMENT, 7)], "mixed", Sum(0, 1), Fund.MIXED,
                     id="estimated, not paid"),
    ],
)  # fmt: skip
def test_what_a_point_cost_and_whose_money_it_was(
    lines: list[Line], funding: str, cost: Sum, fund: Fund
) -> None:
    found = point_cost("P1", funding, lines, 2, Tally(up=5 * DAY_US, unknown=DAY_US, usable=4 * DAY_US))
    assert (found.cost, found.fund, found.eyes) == (cost, fund, 2)
    assert (found.usable_us, found.pictured_us, found.in_service_us) == (4 * DAY_US, 4 * DAY_US, 6 * DAY_US)


POINTS = st.builds(
    PointCost,
    point=st.just("P"),
    fund=st.sampled_from(Fund),
    eyes=st.integers(0, 9),
    cost=st.builds(Sum, known=st.integers(0, 10**10), unknown=st.integers(0, 2)),
    usable_us=st.integers(0, 400 * DAY_US),
    pictured_us=st.integers(0, 400 * DAY_US),
    in_service_us=st.integers(0, 400 * DAY_US),
)


@given(st.lists(POINTS, max_size=12))
def test_funds_are_never_put_into_one_average(points: list[PointCost]) -> None:
    """Each fund's figure is that of its own points alone, whatever the others are."""
    found = per_eye_day(points)
    assert set(found) == {point.fund for point in points}
    for fund, days in found.items():
        own = [point for point in points if point.fund is fund]
        assert per_eye_day(own) == {fund: days}
        assert (days.points, days.eyes) == (len(own), sum(point.eyes for point in own))
        assert days.cost == sum((point.cost for point in own), Sum())
        known = [point for point in own if point.cost.whole]
        assert days.counted == len(known)
        usable, cost = sum(p.usable_us for p in known), sum(p.cost.known for p in known)
        if usable:
            assert days.per_day is not None
            assert abs(days.per_day * usable - cost * DAY_US) * 2 <= usable
        else:
            assert days.per_day is None


def test_a_usable_day_of_an_eye_costs_its_share() -> None:
    """Two eyes for 100 days, of which 150 were usable, for three million đồng."""
    point = PointCost("P1", Fund.SOCIALISED, 2, Sum(3_000_000), 150 * DAY_US, 180 * DAY_US, 200 * DAY_US)
    assert point.per_day == 20_000
    assert per_eye_day([point])[Fund.SOCIALISED].coverage == 0.9
    unknown = PointCost("P2", Fund.SOCIALISED, 1, Sum(10, 1), 99 * DAY_US, 99 * DAY_US, 99 * DAY_US)
    both = per_eye_day([point, unknown])[Fund.SOCIALISED]
    assert (unknown.per_day, both.per_day, both.points, both.counted) == (None, 20_000, 2, 1)
