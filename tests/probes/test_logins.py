"""The login budget, told as stories: what is tried, what waits, and what never happens."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.logins import (
    MOST_REFUSALS,
    WINDOW,
    LoginOutcome,
    LoginState,
    Permit,
    Refusal,
    Status,
    reserve,
    restarted,
    settle,
)
from probes.reasons import Reason

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
    assert reserve(state, at(0))[1] == SERVED


def test_a_good_key_serves_as_many_at_once_as_may_be_refused() -> None:
    """The password may have been changed a moment ago: then all that are under way are refused."""
    state = GOOD
    for _ in range(MOST_REFUSALS):
        state, answer = reserve(state, at(1))
        assert answer == SERVED
    state, answer = reserve(state, at(1))
    assert answer == Refusal(Reason.AUTH_SUSPENDED, wait=True)
    state = settle(state, LoginOutcome.ACCEPTED, at(1))
    assert reserve(state, at(1))[1] == SERVED


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


@given(
    st.lists(
        st.tuples(st.integers(1, 600), st.sampled_from(["wrong", "wrong", "wrong", "right", "kill"])),
        max_size=200,
    ),
    st.integers(1, 8),
)
def test_in_no_24_hours_are_more_than_three_logins_refused(
    events: list[tuple[int, str]], at_once: int
) -> None:
    """A password that is wrong more often than right, restarts in between, up to eight sessions at a time."""
    state, now = LoginState(), MIDNIGHT
    refusals: list[datetime] = []
    for minutes, event in events:
        now += timedelta(minutes=minutes)
        if event == "kill":
            state = restarted(state)
            continue
        permits = 0
        for _ in range(at_once):
            state, answer = reserve(state, now)
            permits += isinstance(answer, Permit)
        for _ in range(permits):
            outcome = LoginOutcome.ACCEPTED if event == "right" else LoginOutcome.REJECTED
            state = settle(state, outcome, now)
            if outcome is LoginOutcome.REJECTED:
                refusals.append(now)
    for moment in refusals:
        window = [r for r in refusals if moment <= r < moment + WINDOW]
        assert len(window) <= MOST_REFUSALS
