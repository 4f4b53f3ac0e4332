"""How far a repair is, what may follow, and for how long it was in each state. Pure.

A repair's steps lie in order of time, the first when it was reported. A step in the state of the one before
is a remark, and has that one's moment. Days of waiting for money stand apart from days of being mended: they
have other causes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise


class State(StrEnum):
    """How far a repair is; in the order of a board."""

    REPORTED = "reported"
    WAITING_FOR_MONEY = "waiting_for_money"
    IN_REPAIR = "in_repair"
    DONE = "done"
    WRITTEN_OFF = "written_off"  # it is not mended any more

    @property
    def over(self) -> bool:
        """Whether nobody has to do anything about it."""
        return self in (State.DONE, State.WRITTEN_OFF)


class Payer(StrEnum):
    """Who pays for a repair."""

    WARRANTY = "warranty"
    CONTRACT = "contract"  # of maintenance
    WARD = "ward"
    CITY = "city"
    CONTRIBUTORS = "contributors"

    @property
    def costs_nothing(self) -> bool:
        """Whether it is mended without money that would have to be asked for."""
        return self in (Payer.WARRANTY, Payer.CONTRACT)


OPEN = tuple(state for state in State if not state.over)

_S = State
# Back to being reported: the step before was a slip, or what was given up is taken up again.
MOVES: Mapping[State, tuple[State, ...]] = {
    _S.REPORTED: (_S.WAITING_FOR_MONEY, _S.IN_REPAIR, _S.DONE, _S.WRITTEN_OFF),
    _S.WAITING_FOR_MONEY: (_S.IN_REPAIR, _S.DONE, _S.WRITTEN_OFF, _S.REPORTED),
    _S.IN_REPAIR: (_S.DONE, _S.WAITING_FOR_MONEY, _S.WRITTEN_OFF),
    _S.DONE: (_S.IN_REPAIR,),  # it did not hold
    _S.WRITTEN_OFF: (_S.REPORTED,),
}


@dataclass(frozen=True, slots=True)
class Step:
    """When a repair came into ``state`` (``at``), or a remark in it; who wrote it down, and when."""

    at: datetime
    state: State
    text: str = ""
    made_at: datetime | None = None
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class Times:
    """How long in each state; of several repairs, all of them together."""

    by_state: Mapping[State, timedelta]

    def of(self, state: State) -> timedelta:
        return self.by_state.get(state, timedelta())

    @property
    def waiting_for_money(self) -> timedelta:
        return self.of(State.WAITING_FOR_MONEY)

    @property
    def being_repaired(self) -> timedelta:
        return self.of(State.IN_REPAIR)

    @property
    def broken(self) -> timedelta:
        """Until it was done or given up."""
        return sum((self.of(state) for state in OPEN), timedelta())

    @property
    def all(self) -> timedelta:
        return sum(self.by_state.values(), timedelta())

    @classmethod
    def together(cls, times: Iterable["Times"]) -> "Times":
        parts = list(times)
        return cls({state: sum((each.of(state) for each in parts), timedelta()) for state in State})


def days_in_states(steps: Sequence[Step], now: datetime, since: datetime | None = None) -> Times:
    """How long a repair was in each state from its first step to ``now``; of that, only after ``since``.

    What comes after ``now`` does not count. All states together are the time since it was reported.
    """
    spent = dict.fromkeys(State, timedelta())
    ends = [*(step.at for step in steps[1:]), now]
    for step, end in zip(steps, ends, strict=False):
        start = step.at if since is None else max(step.at, since)
        spent[step.state] += max(min(end, now) - start, timedelta())
    return Times(spent)


def state_at(steps: Sequence[Step], moment: datetime) -> Step | None:
    """The step that brought the state of a moment (remarks do not); ``None`` before it was reported."""
    found: Step | None = None
    for step in steps:
        if step.at > moment:
            break
        if found is None or step.state is not found.state:
            found = step
    return found


def open_within(steps: Sequence[Step], start: datetime, end: datetime) -> bool:
    """Whether it waited for somebody at some time from ``start`` until before ``end``."""
    return days_in_states(steps, end, start).broken > timedelta()


def fault_of(steps: Sequence[Step]) -> str:
    """What is wrong with a story of steps, in a word for a doctor; ``""`` of a sound one."""
    if not steps:
        return "no step"
    if steps[0].state is not State.REPORTED:
        return "begins in another state"
    for before, after in pairwise(steps):
        if after.at < before.at:
            return "goes back in time"
        if after.state is not before.state and after.state not in MOVES[before.state]:
            return "moves as none may"
    return ""
