"""The state machine of one check, and the eye's state derived from its checks. Pure: no clock, no I/O.

The rules are numbered in the project's definition of truth ("Counting"): 2 confirmation, 3 silence,
5 order. A condition is folded over findings in the order of their own times; ``now`` is never asked for,
it is handed in. Equal findings at equal distances may be told as one run: it is folded in as many steps as
change something, and means what its findings mean one by one.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from heapq import heapify, heappop, heappush

from probes.reasons import Check, Outcome, Reason

RULES_VERSION = 1  # printed on reports; grows when a figure could come out differently


EYE = "eye"  # the ledger of an eye's derived state, beside those of its checks


class EyeState(StrEnum):
    """The state of an eye, derived from its checks."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Policy:
    """When a suspicion counts. ``silence_factor`` is in intervals."""

    confirm_after: int
    recover_after: int
    silence_factor: float = 2.5


@dataclass(frozen=True, slots=True)
class Finding:
    """What one probe says of one check, at the probe's own time."""

    at: datetime
    outcome: Outcome
    reason: Reason
    interval_s: float


@dataclass(frozen=True, slots=True)
class Run:
    """``count`` equal findings: the first at ``at``, each of the others ``every_s`` seconds after the one
    before it.

    Raises ``ValueError`` for a run of nothing, or whose findings are less than a microsecond apart.
    """

    at: datetime
    every_s: float
    count: int
    outcome: Outcome
    reason: Reason
    interval_s: float

    def __post_init__(self) -> None:
        if self.count < 1 or self.every <= timedelta(0):
            raise ValueError(f"not a run: {self.count} findings, {self.every_s} s apart")

    @property
    def every(self) -> timedelta:
        return timedelta(seconds=self.every_s)

    @property
    def last_at(self) -> datetime:
        return self.at + (self.count - 1) * self.every

    def before(self, moment: datetime) -> int:
        """How many of its findings are earlier than ``moment``."""
        return min(self.count, max(0, -((self.at - moment) // self.every)))

    def finding(self, n: int) -> Finding:
        """The finding that ``n`` others of the run are before."""
        return Finding(self.at + n * self.every, self.outcome, self.reason, self.interval_s)

    def part(self, start: int, stop: int) -> "Told":
        """Its findings from number ``start`` up to, without, number ``stop``; at least one."""
        first = self.finding(start)
        return first if stop == start + 1 else replace(self, at=first.at, count=stop - start)


Told = Finding | Run


@dataclass(frozen=True, slots=True)
class Heard:
    """What was told of one check of one eye. Without ``received_at`` each result came as it was made."""

    eye: str
    check: Check
    told: Told
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Where one check stands after the newest finding."""

    state: Outcome
    since: datetime
    reason: Reason
    heard_at: datetime | None = None
    interval_s: float = 0.0
    suspect_since: datetime | None = None
    suspect_reason: Reason | None = None
    failures: int = 0
    good_since: datetime | None = None
    goods: int = 0

    def silent_from(self, policy: Policy) -> datetime | None:
        """The first moment at which silence makes the state unknown; None before the first result."""
        if self.heard_at is None:
            return None
        return self.heard_at + timedelta(seconds=policy.silence_factor * self.interval_s)

    @property
    def settled(self) -> bool:
        """Nothing pending: what comes next does not depend on how the state was reached."""
        return self.suspect_since is None and self.good_since is None


@dataclass(frozen=True, slots=True)
class Transition:
    """The state changed from ``before`` to ``after`` at ``at``."""

    at: datetime
    before: str
    after: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Instability:
    """A suspicion that was never confirmed: nothing was down."""

    at: datetime
    reason: Reason


Change = Transition | Instability


def unheard(since: datetime) -> Condition:
    """The condition before the first result: unknown."""
    return Condition(Outcome.UNKNOWN, since, Reason.NEVER_PROBED)


def step(condition: Condition, finding: Finding, policy: Policy) -> tuple[Condition, tuple[Change, ...]]:
    """Judge one finding that is newer than all before it; silence before it is judged first.

    Raises ``ValueError`` for a finding that is not newer: such a one is late, and is judged by folding
    again from before it (``fold``).
    """
    if condition.heard_at is not None and finding.at <= condition.heard_at:
        raise ValueError(f"finding at {finding.at} is not newer than {condition.heard_at}")
    condition, silent = fall_silent(condition, policy, finding.at)
    judge = {
        Outcome.OK: _judge_ok,
        Outcome.FAILING: _judge_failing,
        Outcome.UNKNOWN: _judge_not_asked,
        Outcome.OFF: _judge_not_asked,
    }[finding.outcome]
    condition, changes = judge(condition, finding, policy)
    return replace(condition, heard_at=finding.at, interval_s=finding.interval_s), silent + changes


def fall_silent(condition: Condition, policy: Policy, now: datetime) -> tuple[Condition, tuple[Change, ...]]:
    """Rule 3: if nothing was heard for too long, the state is unknown from the last result + 1 interval."""
    limit = condition.silent_from(policy)
    if limit is None or now <= limit or condition.heard_at is None:
        return condition, ()
    if condition.state is Outcome.UNKNOWN and condition.settled:
        return condition, ()
    at = condition.heard_at + timedelta(seconds=condition.interval_s)
    condition, doubts = _drop_suspicion(condition)
    condition, changes = _enter(condition, Outcome.UNKNOWN, at, Reason.NO_RESULT)
    return condition, doubts + changes


def fold(condition: Condition, told: Iterable[Told], policy: Policy) -> tuple[Condition, tuple[Change, ...]]:
    """Judge findings and runs one after another; they are in the order of their times, each time once."""
    changes: list[Change] = []
    for one in told:
        if isinstance(one, Finding):
            condition, more = step(condition, one, policy)
        else:
            condition, more = step_run(condition, one, policy)
        changes.extend(more)
    return condition, tuple(changes)


def step_run(condition: Condition, run: Run, policy: Policy) -> tuple[Condition, tuple[Change, ...]]:
    """Judge a run that is newer than all before it, as its findings would be judged one by one.

    From the second of them on each comes as long after the one before it: the first of these that changes
    nothing shows that the rest change nothing either. Where silence lies between them each changes something.
    Raises ``ValueError`` as ``step`` does.
    """
    condition, first = step(condition, run.finding(0), policy)
    changes = list(first)
    for n in range(1, run.count):
        after, more = step(condition, run.finding(n), policy)
        if not more and replace(after, heard_at=condition.heard_at) == condition:
            return replace(after, heard_at=run.last_at), tuple(changes)
        condition = after
        changes.extend(more)
    return condition, tuple(changes)


# --- in the order of their times --------------------------------------------------------------------


def one_by_one(told: Iterable[Told]) -> Iterator[Finding]:
    """The findings, those of runs one by one."""
    for one in told:
        if isinstance(one, Finding):
            yield one
        else:
            yield from (one.finding(n) for n in range(one.count))


def in_order(told: Iterable[Told]) -> list[Told]:
    """What was told, in the order of its times, each time once: of two at one time the first told holds.

    A run stays whole as far as nothing else lies between its findings.
    """
    every = list(told)
    if not any(isinstance(one, Run) for one in every):
        by_time: dict[datetime, Told] = {}
        for one in every:
            by_time.setdefault(one.at, one)
        return [by_time[at] for at in sorted(by_time)]
    runs = [one if isinstance(one, Run) else _run_of_one(one) for one in every]
    ahead = [(run.at, rank, 0) for rank, run in enumerate(runs)]  # the next finding of each
    heapify(ahead)
    ordered: list[Told] = []

    def advance(rank: int, n: int) -> None:
        if n < runs[rank].count:
            heappush(ahead, (runs[rank].finding(n).at, rank, n))

    while ahead:
        at, rank, n = heappop(ahead)
        run = runs[rank]
        in_step: list[tuple[int, int]] = []  # told again, finding by finding
        while ahead and ahead[0][0] == at:
            _, other, m = heappop(ahead)
            if runs[other].every == run.every:
                in_step.append((other, m))
            else:
                advance(other, m + 1)
        stop = run.before(ahead[0][0]) if ahead else run.count
        ordered.append(run.part(n, stop))
        advance(rank, stop)
        for other, m in in_step:
            advance(other, m + stop - n)
    return ordered


def _run_of_one(finding: Finding) -> Run:
    return Run(finding.at, 1.0, 1, finding.outcome, finding.reason, finding.interval_s)


def part_before(told: Told, moment: datetime) -> Told | None:
    """What of it is earlier than ``moment``."""
    if isinstance(told, Finding):
        return told if told.at < moment else None
    stop = told.before(moment)
    return told.part(0, stop) if stop else None


def part_since(told: Told, moment: datetime) -> Told | None:
    """What of it is not earlier than ``moment``."""
    if isinstance(told, Finding):
        return told if told.at >= moment else None
    start = told.before(moment)
    return told.part(start, told.count) if start < told.count else None


def how_many(told: Told) -> int:
    return 1 if isinstance(told, Finding) else told.count


def last_of(told: Told) -> Finding:
    return told if isinstance(told, Finding) else told.finding(told.count - 1)


# --- one finding ------------------------------------------------------------------------------------


def _judge_ok(condition: Condition, finding: Finding, policy: Policy) -> tuple[Condition, tuple[Change, ...]]:
    condition, doubts = _drop_suspicion(condition)
    if condition.state is not Outcome.FAILING:
        condition, changes = _enter(condition, Outcome.OK, finding.at, finding.reason)
        return condition, doubts + changes
    goods, good_since = condition.goods + 1, condition.good_since or finding.at
    if goods < policy.recover_after:
        return replace(condition, goods=goods, good_since=good_since), doubts
    condition, changes = _enter(condition, Outcome.OK, good_since, finding.reason)
    return condition, doubts + changes


def _judge_failing(
    condition: Condition, finding: Finding, policy: Policy
) -> tuple[Condition, tuple[Change, ...]]:
    if condition.state is Outcome.FAILING:
        return replace(condition, reason=finding.reason, goods=0, good_since=None), ()
    failures = condition.failures + 1
    since = condition.suspect_since or finding.at
    reason = condition.suspect_reason or finding.reason
    if failures < policy.confirm_after:
        # The former state goes on; of an unknown one, the newest probe's reason says most.
        shown = finding.reason if condition.state is Outcome.UNKNOWN else condition.reason
        waiting = replace(
            condition, reason=shown, failures=failures, suspect_since=since, suspect_reason=reason
        )
        return waiting, ()
    return _enter(condition, Outcome.FAILING, since, reason)


def _judge_not_asked(
    condition: Condition, finding: Finding, policy: Policy
) -> tuple[Condition, tuple[Change, ...]]:
    condition, doubts = _drop_suspicion(condition)
    condition, changes = _enter(condition, finding.outcome, finding.at, finding.reason)
    return condition, doubts + changes


def _drop_suspicion(condition: Condition) -> tuple[Condition, tuple[Change, ...]]:
    if condition.suspect_since is None or condition.suspect_reason is None:
        return condition, ()
    doubt = Instability(condition.suspect_since, condition.suspect_reason)
    return replace(condition, suspect_since=None, suspect_reason=None, failures=0), (doubt,)


def _enter(
    condition: Condition, state: Outcome, at: datetime, reason: Reason
) -> tuple[Condition, tuple[Change, ...]]:
    """Be in ``state``: a transition where that is a change, otherwise only the newest reason."""
    if condition.state is state:
        return replace(condition, reason=reason), ()
    settled = replace(
        condition,
        state=state,
        since=at,
        reason=reason,
        suspect_since=None,
        suspect_reason=None,
        failures=0,
        good_since=None,
        goods=0,
    )
    return settled, (Transition(at, condition.state, state, reason),)


# --- the eye ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Standing:
    """A state and its reason: of one check, or of the eye."""

    state: str
    reason: Reason


NEVER_HEARD = Standing(Outcome.UNKNOWN, Reason.NEVER_PROBED)


def eye_standing(checks: Mapping[Check, Standing]) -> Standing:
    """The eye's state: down, unknown, degraded or up, with the reason of the check that decides it."""
    stream = checks.get(Check.STREAM, NEVER_HEARD)
    if stream.state == Outcome.FAILING:
        return Standing(EyeState.DOWN, stream.reason)
    if stream.state != Outcome.OK:
        return Standing(EyeState.UNKNOWN, stream.reason)
    for check in Check:
        standing = checks.get(check)
        if check is not Check.STREAM and standing is not None and standing.state == Outcome.FAILING:
            return Standing(EyeState.DEGRADED, standing.reason)
    return Standing(EyeState.UP, stream.reason)


def eye_ledger(
    before: Mapping[Check, Standing], ledgers: Mapping[Check, Sequence[Transition]]
) -> list[Transition]:
    """The eye's transitions that follow from its checks' transitions.

    ``before`` is where the checks stood before the first of them; ``ledgers`` are in order of time. What
    changes at one moment changes together.
    """
    standings = dict(before)
    moves = sorted(
        ((t.at, check, t) for check, ledger in ledgers.items() for t in ledger), key=lambda m: m[0]
    )
    eye = eye_standing(standings)
    made: list[Transition] = []
    for index, (at, check, move) in enumerate(moves):
        standings[check] = Standing(move.after, move.reason)
        if index + 1 < len(moves) and moves[index + 1][0] == at:
            continue
        now = eye_standing(standings)
        if now.state != eye.state:
            made.append(Transition(at, eye.state, now.state, now.reason))
        eye = now
    return made
