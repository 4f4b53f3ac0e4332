"""The login budget, told as stories: what is tried, what waits, and what never happens."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.logins import (
    DOUBT_PAUSE,
    LONGEST_LOCK,
    MASS_DEVICES,
    MASS_WINDOW,
    MOST_AT_ONCE,
    MOST_REFUSALS,
    NO_TIME,
    SPACING,
    WINDOW,
    LoginOutcome,
    LoginState,
    Permit,
    Refusal,
    Status,
    is_mass_failure,
    key_of_set,
    reserve,
    restarted,
    settle,
    stopped,
    try_now,
)
from probes.reasons import Reason
from probes.result import LoginKey

MIDNIGHT = datetime(2026, 9, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return MIDNIGHT + timedelta(hours=hours)


def tried(state: LoginState, hours: float, outcome: LoginOutcome) -> LoginState:
    state, answer = reserve(state, at(hours))
    assert isinstance(answer, Permit), answer
    return settle(state, outcome, at(hours))


def held_back(state: LoginState, hours: float) -> Reason:
    _, answer = reserve(state, at(hours))
    assert isinstance(answer, Refusal), answer
    return answer.reason


SERVED = Permit(canary=False, proven=True)
SERVED_RECENTLY = Permit(canary=False, proven=True, recent=True)
CANARY = Permit(canary=True)
PROVEN_CANARY = Permit(canary=True, proven=True)
GOOD = tried(LoginState(), 0, LoginOutcome.ACCEPTED)


def test_an_untried_key_is_tried_by_one_canary_while_its_siblings_wait() -> None:
    state, first = reserve(LoginState(), at(0))
    assert first == Permit(canary=True)
    state, second = reserve(state, at(0))
    assert isinstance(second, Refusal)
    assert second.wait
    state = settle(state, LoginOutcome.ACCEPTED, at(0))
    assert reserve(state, at(0))[1] == SERVED_RECENTLY


def test_a_good_key_serves_no_more_at_once_than_may_be_refused_in_a_row() -> None:
    """The password may have been changed a moment ago: then all that are under way are refused."""
    state = GOOD
    for _ in range(MOST_AT_ONCE):
        state, answer = reserve(state, at(1))
        assert answer == SERVED
    state, answer = reserve(state, at(1))
    assert answer == Refusal(Reason.AUTH_SUSPENDED, wait=True)
    state = settle(state, LoginOutcome.ACCEPTED, at(1))
    assert reserve(state, at(1))[1] == SERVED_RECENTLY


def test_after_a_refusal_the_next_try_waits_longer_than_any_lock() -> None:
    state = tried(GOOD, 1, LoginOutcome.REJECTED)
    assert held_back(state, 1 + 34 / 60) is Reason.AUTH_REJECTED
    state = tried(state, 1 + 36 / 60, LoginOutcome.REJECTED)
    assert held_back(state, 2.5) is Reason.AUTH_SUSPENDED
    assert held_back(state, 13) is Reason.AUTH_SUSPENDED
    state, answer = reserve(state, at(13.7))
    assert answer == Permit(canary=True)


def test_after_three_refusals_nothing_is_tried_until_the_first_is_a_day_old() -> None:
    state = tried(LoginState(), 0, LoginOutcome.REJECTED)
    state = tried(state, 0.6, LoginOutcome.REJECTED)
    state = tried(state, 12.7, LoginOutcome.REJECTED)
    for hours in (13, 20, 23.9):
        assert held_back(state, hours) is Reason.AUTH_SUSPENDED
    tried(state, 24.8, LoginOutcome.ACCEPTED)


def test_two_at_once_that_are_refused_leave_one_more_try() -> None:
    state, _ = reserve(GOOD, at(1))
    state, _ = reserve(state, at(1))
    state = settle(settle(state, LoginOutcome.REJECTED, at(1)), LoginOutcome.REJECTED, at(1))
    assert held_back(state, 12) is Reason.AUTH_SUSPENDED
    state = tried(state, 13.1, LoginOutcome.REJECTED)
    assert held_back(state, 24) is Reason.AUTH_SUSPENDED


def test_an_accepted_login_ends_the_pause_but_refusals_stay_counted() -> None:
    state = tried(GOOD, 1, LoginOutcome.REJECTED)
    state = tried(state, 2, LoginOutcome.ACCEPTED)
    assert state.status is Status.GOOD
    assert len(state.rejected_at) == 1


@pytest.mark.parametrize(
    ("state", "then"),
    [
        pytest.param(GOOD, PROVEN_CANARY, id="a good key is proved again by one canary"),
        pytest.param(LoginState(), Permit(canary=True), id="an untried key is tried"),
    ],
)
def test_after_a_restart(state: LoginState, then: Permit) -> None:
    assert reserve(restarted(state), at(2))[1] == then


def test_a_try_whose_end_was_never_learned_counts_as_refused() -> None:
    state, _ = reserve(LoginState(), at(0))
    state = restarted(state)
    assert state.rejected_at == (at(0),)
    assert held_back(state, 0.5) is Reason.AUTH_REJECTED


def test_unless_the_key_was_good_before() -> None:
    state, _ = reserve(restarted(GOOD), at(1))
    for _ in range(20):  # killed at every start
        state, answer = reserve(restarted(state), at(2))
        assert answer == PROVEN_CANARY
    assert state.rejected_at == ()


def test_a_reservation_that_was_lost_counts_as_refused_and_then_frees_the_key() -> None:
    state, _ = reserve(LoginState(), at(0))
    assert held_back(state, 0.1) is Reason.AUTH_REJECTED
    assert reserve(state, at(0.6))[1] == CANARY


def test_a_device_that_hangs_up_on_a_password_has_refused_it() -> None:
    state = tried(LoginState(), 0, LoginOutcome.UNANSWERED)
    assert held_back(state, 0.1) is Reason.AUTH_REJECTED


def test_but_of_a_good_key_a_broken_line_says_nothing() -> None:
    state = tried(GOOD, 1, LoginOutcome.UNANSWERED)
    assert (state.status, state.rejected_at) == (Status.GOOD, ())
    state = tried(restarted(state), 2, LoginOutcome.UNANSWERED)
    assert state.rejected_at == ()


# --- 401 because sessions are full --------------------------------------------------------------------


def minutes(n: float) -> float:
    return 1 + n / 60


def at_work(hours: float) -> LoginState:
    """A key that its device took at ``hours``."""
    return tried(GOOD, hours, LoginOutcome.ACCEPTED)


def test_a_refusal_a_moment_after_the_password_was_taken_is_doubted() -> None:
    state = tried(at_work(minutes(0)), minutes(5), LoginOutcome.REJECTED)
    assert state.status is Status.DOUBTED
    assert held_back(state, minutes(9)) is Reason.STREAM_SLOTS_BUSY
    assert reserve(state, at(minutes(10)))[1] == CANARY


def test_taken_again_it_was_full_sessions_and_counts_for_nothing() -> None:
    state = tried(at_work(minutes(0)), minutes(1), LoginOutcome.REJECTED)
    state = tried(state, minutes(6), LoginOutcome.ACCEPTED)
    assert (state.status, state.rejected_at) == (Status.GOOD, ())


def test_refused_again_the_password_was_changed() -> None:
    state = tried(at_work(minutes(0)), minutes(1), LoginOutcome.REJECTED)
    state = tried(state, minutes(6), LoginOutcome.REJECTED)
    assert (state.status, len(state.rejected_at)) == (Status.REJECTED, 2)
    assert held_back(state, minutes(40)) is Reason.AUTH_SUSPENDED
    state = tried(state, minutes(42), LoginOutcome.REJECTED)
    assert held_back(state, 24.9) is Reason.AUTH_SUSPENDED


def test_one_that_is_taken_beside_it_clears_the_doubt() -> None:
    state = at_work(minutes(0))
    for _ in range(2):
        state, _ = reserve(state, at(minutes(1)))
    state = settle(state, LoginOutcome.REJECTED, at(minutes(1)))
    state = settle(state, LoginOutcome.ACCEPTED, at(minutes(1)))
    assert (state.status, state.rejected_at) == (Status.GOOD, ())
    assert reserve(state, at(minutes(2)))[1] == SERVED_RECENTLY


def test_two_refused_beside_each_other_are_not_asked_again_within_the_spacing() -> None:
    state = at_work(minutes(0))
    for _ in range(2):
        state, _ = reserve(state, at(minutes(1)))
    for _ in range(2):
        state = settle(state, LoginOutcome.REJECTED, at(minutes(1)))
    assert held_back(state, minutes(35)) is Reason.STREAM_SLOTS_BUSY
    assert reserve(state, at(minutes(37)))[1] == CANARY


def test_sessions_that_are_full_again_and_again_are_asked_twice_in_a_spacing() -> None:
    state, refused = at_work(1), []
    for minute in range(1, 600):
        state, answer = reserve(state, at(minutes(minute)))
        if isinstance(answer, Refusal):
            continue
        full = not answer.canary  # each time that it serves again, somebody takes the session
        state = settle(state, LoginOutcome.REJECTED if full else LoginOutcome.ACCEPTED, at(minutes(minute)))
        refused += [minute] * full
    assert len(refused) > 20, "it never stays suspended"
    spacing = SPACING.total_seconds() / 60
    assert all(later - early >= spacing for early, later in zip(refused, refused[2:], strict=False))


def test_after_a_restart_nothing_is_doubted_any_more() -> None:
    state = restarted(replace(tried(at_work(minutes(0)), minutes(1), LoginOutcome.REJECTED), doubted_at=None))
    state = tried(state, minutes(6), LoginOutcome.ACCEPTED)
    assert len(state.rejected_at) == 1, "what cannot be told apart counts"


# --- a device that is locked --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("advertised", "waits"),
    [
        pytest.param(timedelta(minutes=5), SPACING, id="shorter than we wait anyway"),
        pytest.param(timedelta(minutes=90), timedelta(minutes=90), id="as long as it says"),
        pytest.param(timedelta(days=400), LONGEST_LOCK, id="no longer than we believe"),
        pytest.param(NO_TIME, SPACING, id="it does not say"),
    ],
)
def test_a_locked_device_is_left_alone(advertised: timedelta, waits: timedelta) -> None:
    state, _ = reserve(GOOD, at(1))
    state = settle(state, LoginOutcome.LOCKED, at(1), advertised)
    assert reserve(state, at(1) + waits - timedelta(seconds=1))[1] == Refusal(Reason.AUTH_LOCKED)
    assert reserve(state, at(1) + waits)[1] == CANARY


# --- a person says: try now ---------------------------------------------------------------------------


def rejected_for_the_day() -> LoginState:
    state = tried(LoginState(), 0, LoginOutcome.REJECTED)
    state = tried(state, 0.6, LoginOutcome.REJECTED)
    return tried(state, 12.7, LoginOutcome.REJECTED)


def test_a_person_may_have_it_tried_once_more() -> None:
    state = try_now(rejected_for_the_day(), at(14))
    assert reserve(state, at(14))[1] == CANARY
    state = tried(state, 14, LoginOutcome.REJECTED)
    assert held_back(state, 14.5) is Reason.AUTH_REJECTED


def test_but_not_within_the_time_of_a_lock() -> None:
    state = try_now(rejected_for_the_day(), at(13))
    assert held_back(state, 13.2) is Reason.AUTH_REJECTED
    assert reserve(state, at(13.3))[1] == CANARY
    locked = settle(reserve(GOOD, at(1))[0], LoginOutcome.LOCKED, at(1), timedelta(hours=2))
    assert isinstance(reserve(try_now(locked, at(2.9)), at(2.9))[1], Refusal)
    assert isinstance(reserve(try_now(locked, at(2.9)), at(3.1))[1], Permit)


# --- a credential that many devices share -------------------------------------------------------------


@pytest.mark.parametrize(
    ("ages_min", "mass"),
    [
        pytest.param([0, 1, 2, 3], True, id="more than three at once"),
        pytest.param([0, 1, 2], False, id="three"),
        pytest.param([0, 1, 2, 11], False, id="the fourth was long ago"),
    ],
)
def test_mass_failure(ages_min: list[float], mass: bool) -> None:
    assert is_mass_failure([at(1) - timedelta(minutes=m) for m in ages_min], at(1)) is mass
    assert (3, timedelta(minutes=10)) == (MASS_DEVICES, MASS_WINDOW)


def test_a_stopped_set_is_tried_by_one_canary_then_twice_a_day() -> None:
    assert key_of_set("c") == LoginKey("", "", "c")
    state = stopped(at(0))
    assert isinstance(reserve(state, at(0.5))[1], Refusal)
    state = tried(state, 0.6, LoginOutcome.REJECTED)
    assert isinstance(reserve(state, at(12.5))[1], Refusal)
    assert tried(state, 12.7, LoginOutcome.ACCEPTED).status is Status.GOOD


# --- invariants ---------------------------------------------------------------------------------------


@given(
    st.lists(
        st.tuples(
            st.sampled_from([1, 4, 5, 6, 9, 30, 36, 300, 600]),
            st.sampled_from(["wrong", "wrong", "wrong", "right", "half", "kill"]),
        ),
        max_size=200,
    ),
    st.integers(1, 8),
)
def test_in_no_24_hours_are_more_than_three_logins_refused_unexplained(
    events: list[tuple[int, str]], at_once: int
) -> None:
    """A password that is wrong more often than right, restarts in between, up to eight sessions at a time.

    Unexplained are those after which the device has not taken the same password again. Of all of them, no
    three fall into the time of a lock.
    """
    state, now = LoginState(), MIDNIGHT
    refusals: list[datetime] = []
    unexplained: list[datetime] = []
    for minutes_later, event in events:
        now += timedelta(minutes=minutes_later)
        if event == "kill":
            state = replace(restarted(replace(state, under_way=0)), doubted_at=None)
            continue
        permits = 0
        for _ in range(at_once):
            state, answer = reserve(state, now)
            permits += isinstance(answer, Permit)
        for nth in range(permits):
            right = event == "right" or (event == "half" and nth % 2 == 1)
            state = settle(state, LoginOutcome.ACCEPTED if right else LoginOutcome.REJECTED, now)
            if right:
                unexplained.clear()
            else:
                refusals.append(now)
                unexplained.append(now)
        assert len([r for r in unexplained if now - r < WINDOW]) <= MOST_REFUSALS
        assert len([r for r in refusals if now - r < SPACING]) <= 2
    assert DOUBT_PAUSE < SPACING
