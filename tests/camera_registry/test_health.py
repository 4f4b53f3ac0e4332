"""The state machine, told as stories; its rules are those of the definition of truth."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry.health import (
    Condition,
    EyeState,
    Finding,
    Instability,
    Policy,
    Standing,
    Transition,
    eye_ledger,
    eye_standing,
    fall_silent,
    fold,
    step,
    unheard,
)
from probes.reasons import Check, Outcome, Reason

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
STREAM = Policy(confirm_after=2, recover_after=1)
PICTURE = Policy(confirm_after=3, recover_after=2)
OUTCOMES = {"o": Outcome.OK, "f": Outcome.FAILING, "u": Outcome.UNKNOWN, "x": Outcome.OFF}
REASONS = {
    Outcome.OK: Reason.OK,
    Outcome.FAILING: Reason.TCP_TIMEOUT,
    Outcome.UNKNOWN: Reason.AUTH_REJECTED,
    Outcome.OFF: Reason.OK,
}


def minute(n: float) -> datetime:
    return NOON + timedelta(minutes=n)


def finding(n: float, letter: str) -> Finding:
    return Finding(minute(n), OUTCOMES[letter], REASONS[OUTCOMES[letter]], 60.0)


def told(story: str, policy: Policy = STREAM) -> tuple[Condition, list[str]]:
    """Fold a story of one letter a minute (``.``: nothing heard); the changes as short words."""
    findings = [finding(n, letter) for n, letter in enumerate(story) if letter != "."]
    condition, changes = fold(unheard(NOON), findings, policy)
    words = []
    for change in changes:
        at = (change.at - NOON) / timedelta(minutes=1)
        words.append(f"{at:g}:{change.after}" if isinstance(change, Transition) else f"{at:g}:blip")
    return condition, words


@pytest.mark.parametrize(
    ("story", "policy", "expected"),
    [
        pytest.param("o", STREAM, ["0:ok"], id="the first good probe is ok at once"),
        pytest.param("f", STREAM, [], id="the first failure is only a suspicion"),
        pytest.param("ff", STREAM, ["0:failing"], id="confirmed, it counts from the first failure"),
        pytest.param("oof", STREAM, ["0:ok"], id="while a suspicion waits the former state goes on"),
        pytest.param(
            "oofo", STREAM, ["0:ok", "2:blip"], id="not confirmed: nothing was down, a blip is kept"
        ),
        pytest.param("offfo", STREAM, ["0:ok", "1:failing", "4:ok"], id="down and back"),
        pytest.param("u", STREAM, [], id="not asked: unknown goes on"),
        pytest.param(
            "ouo", STREAM, ["0:ok", "1:unknown", "2:ok"], id="not asked is unknown from its own time"
        ),
        pytest.param(
            "ofuf", STREAM, ["0:ok", "1:blip", "2:unknown"], id="not asked clears a suspicion, confirm anew"
        ),
        pytest.param("ofuff", STREAM, ["0:ok", "1:blip", "2:unknown", "3:failing"], id="confirmed anew"),
        pytest.param("offu", STREAM, ["0:ok", "1:failing", "3:unknown"], id="failing ends when not asked"),
        pytest.param("offuo", STREAM, ["0:ok", "1:failing", "3:unknown", "4:ok"], id="unknown to ok at once"),
        pytest.param("o...o", STREAM, ["0:ok", "1:unknown", "4:ok"], id="silence: from last + 1 interval"),
        pytest.param("o.o.o", STREAM, ["0:ok"], id="one missed probe is not silence"),
        pytest.param("of...f", STREAM, ["0:ok", "1:blip", "2:unknown"], id="silence clears a suspicion"),
        pytest.param("ff...o", STREAM, ["0:failing", "2:unknown", "5:ok"], id="silence ends an outage"),
        pytest.param("offf", PICTURE, ["0:ok", "1:failing"], id="picture: confirmed by the third failure"),
        pytest.param("offo", PICTURE, ["0:ok", "1:blip"], id="picture: two failures are a blip"),
        pytest.param("fffo", PICTURE, ["0:failing"], id="picture: one good result is not yet recovery"),
        pytest.param(
            "fffoo", PICTURE, ["0:failing", "3:ok"], id="picture: recovery begins at the first good one"
        ),
        pytest.param(
            "fffofoo", PICTURE, ["0:failing", "5:ok"], id="picture: good ones must follow each other"
        ),
        pytest.param("ox", STREAM, ["0:ok", "1:off"], id="a check can turn off"),
    ],
)
def test_story(story: str, policy: Policy, expected: list[str]) -> None:
    assert told(story, policy)[1] == expected


def test_silence_is_written_once_and_only_after_its_limit() -> None:
    condition, _ = told("o")
    assert fall_silent(condition, STREAM, minute(2.5)) == (condition, ())
    silent, changes = fall_silent(condition, STREAM, minute(2.51))
    assert changes == (Transition(minute(1), Outcome.OK, Outcome.UNKNOWN, Reason.NO_RESULT),)
    assert fall_silent(silent, STREAM, minute(600)) == (silent, ())


def test_an_eye_never_heard_does_not_fall_silent() -> None:
    assert fall_silent(unheard(NOON), STREAM, minute(600)) == (unheard(NOON), ())


def test_a_finding_that_is_not_newer_is_refused() -> None:
    condition, _ = told("oo")
    with pytest.raises(ValueError, match="not newer"):
        step(condition, finding(1, "o"), STREAM)


def test_the_reason_shown_is_the_newest_and_the_ledger_keeps_the_first() -> None:
    condition, changes = fold(
        unheard(NOON),
        [
            Finding(minute(n), Outcome.FAILING, r, 60)
            for n, r in enumerate((Reason.RTP_NONE, Reason.TCP_TIMEOUT))
        ],
        STREAM,
    )
    condition, more = step(condition, Finding(minute(2), Outcome.FAILING, Reason.TCP_REFUSED, 60), STREAM)
    assert [c.reason for c in (*changes, *more)] == [Reason.RTP_NONE]
    assert condition.reason is Reason.TCP_REFUSED


# --- the rules again, as plainly as they can be said, one second at a time ---------------------------


def second_by_second(findings: list[Finding], policy: Policy, seconds: int) -> list[str]:
    """The state of each second by rules 2 and 3, looking at everything known, without a machine."""

    def silent_after(index: int) -> bool:
        last = index + 1 == len(findings)
        until = minute(0) + timedelta(seconds=seconds) if last else findings[index + 1].at
        gap = (until - findings[index].at).total_seconds()
        return gap > policy.silence_factor * findings[index].interval_s

    states = ["unknown"] * seconds
    spans: list[tuple[datetime, str]] = []  # a state from a moment on
    state = "unknown"
    for i, f in enumerate(findings):
        if f.outcome is Outcome.UNKNOWN:
            state = "unknown"
        elif f.outcome is Outcome.OK:
            ahead = policy.recover_after if state == "failing" else 1
            if _run(findings, i, Outcome.OK, ahead, silent_after):
                state = "ok"
        elif _run(findings, i, Outcome.FAILING, policy.confirm_after, silent_after):
            state = "failing"
        spans.append((f.at, state))
        if silent_after(i):
            state = "unknown"
            spans.append((f.at + timedelta(seconds=f.interval_s), state))
    for at, named in spans:
        start = int((at - NOON).total_seconds())
        states[start:] = [named] * (seconds - start)
    return states


def _run(findings: list[Finding], i: int, outcome: Outcome, length: int, silent_after: object) -> bool:
    """``length`` findings from ``i`` on are ``outcome``, with no silence between them."""
    assert callable(silent_after)
    ahead = findings[i : i + length]
    return (
        len(ahead) == length
        and all(f.outcome is outcome for f in ahead)
        and not any(silent_after(i + n) for n in range(length - 1))
    )


histories = st.lists(
    st.tuples(st.integers(1, 200), st.sampled_from("oooofffu")), min_size=1, max_size=25
).map(lambda gaps: _history(gaps))


def _history(gaps: list[tuple[int, str]]) -> list[Finding]:
    at, made = 0, []
    for gap, letter in gaps:
        at += gap
        made.append(Finding(NOON + timedelta(seconds=at), OUTCOMES[letter], REASONS[OUTCOMES[letter]], 60.0))
    return made


@given(histories, st.sampled_from([STREAM, PICTURE, Policy(1, 1), Policy(3, 3)]), st.integers(1, 300))
def test_the_machine_agrees_with_the_rules_said_second_by_second(
    findings: list[Finding], policy: Policy, rest: int
) -> None:
    seconds = int((findings[-1].at - NOON).total_seconds()) + rest
    condition, changes = fold(unheard(NOON), findings, policy)
    _, silence = fall_silent(condition, policy, NOON + timedelta(seconds=seconds))
    states = ["unknown"] * seconds
    for change in (*changes, *silence):
        if isinstance(change, Transition):
            start = int((change.at - NOON).total_seconds())
            states[start:] = [change.after] * (seconds - start)
    assert states == second_by_second(findings, policy, seconds)


@given(histories)
def test_a_ledger_is_a_chain(findings: list[Finding]) -> None:
    _, changes = fold(unheard(NOON), findings, STREAM)
    chain = [c for c in changes if isinstance(c, Transition)]
    assert [t.at for t in chain] == sorted({t.at for t in chain})
    assert all(a.after == b.before for a, b in pairwise(chain))
    assert all(t.before != t.after for t in chain)
    blips = [c for c in changes if isinstance(c, Instability)]
    assert len(blips) == len({b.at for b in blips})


# --- the eye ----------------------------------------------------------------------------------------


def standing(letter: str) -> Standing:
    return Standing(OUTCOMES[letter], REASONS[OUTCOMES[letter]])


@pytest.mark.parametrize(
    ("stream", "picture", "state"),
    [
        pytest.param("o", "o", EyeState.UP, id="up"),
        pytest.param("o", "u", EyeState.UP, id="an unjudged picture is no fault"),
        pytest.param("o", "x", EyeState.UP, id="a check that is off is no fault"),
        pytest.param("o", "f", EyeState.DEGRADED, id="degraded"),
        pytest.param("f", "o", EyeState.DOWN, id="down"),
        pytest.param("f", "f", EyeState.DOWN, id="down whatever the picture was"),
        pytest.param("u", "f", EyeState.UNKNOWN, id="unknown while the stream is"),
    ],
)
def test_eye_state(stream: str, picture: str, state: EyeState) -> None:
    checks = {Check.STREAM: standing(stream), Check.PICTURE: standing(picture)}
    assert eye_standing(checks).state == state


def test_an_eye_never_probed_is_unknown() -> None:
    assert eye_standing({}) == Standing(Outcome.UNKNOWN, Reason.NEVER_PROBED)


def test_what_changes_at_one_moment_changes_the_eye_once() -> None:
    ledger = eye_ledger(
        {},
        {
            Check.STREAM: [Transition(minute(0), "unknown", "ok", Reason.OK)],
            Check.PICTURE: [Transition(minute(0), "unknown", "failing", Reason.DECODE_FAILED)],
        },
    )
    assert ledger == [Transition(minute(0), "unknown", EyeState.DEGRADED, Reason.DECODE_FAILED)]
