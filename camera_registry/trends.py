"""What the last day brought: how many eyes were in which state, and what is not as it was a day ago.

Told from the eyes' own ledgers. Most eyes are steady: in service all day, and heard. These are counted where
they are kept, backwards from what they are now by each turn of the day; so only turns are read, and not every
eye. The few others (commissioned, suspended, retired in between, or silent without anybody having written it)
are told one by one from their histories.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from operator import attrgetter
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from camera_registry import histories, models, queries
from camera_registry.health import EYE, EyeState
from camera_registry.inventory import Reach
from camera_registry.models import Condition, Device, Eye, Incident, IncidentEye, Suspension, Transition
from camera_registry.units import Scope
from camera_registry.uptime import DELIVERING, History, Span

STEP = timedelta(minutes=15)
DAY = timedelta(days=1)

States = Mapping[int, tuple[str | None, str | None]]  # of an eye: a day ago and now; None: not in service

NOWHERE = ""  # before its first ok, an eye is counted nowhere here

_at = attrgetter("at")
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class News:
    """What is not as it was at ``since``. Incidents are counted, eyes named by their codes, sorted.

    ``opened`` are the incidents that began since then and have been announced, ``ended`` those that are over
    since then, whenever they began. ``fell``, ``worsened`` and ``back`` compare two moments, not what was in
    between: down now and not then; degraded now, and neither degraded nor down then; delivering now and down
    then. ``first`` have never worked before that day: whatever they are now, they are in no other list. Of
    the backlog, never yet seen ok, are none.
    """

    since: datetime
    opened: int
    ended: int
    fell: tuple[str, ...]
    worsened: tuple[str, ...]
    back: tuple[str, ...]
    first: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Day:
    """The eyes in service by state at each moment: the quarter-hours of 24 hours, and now.

    An eye counts from its first ok on: before that it stands in the backlog. ``counts`` has of each state as
    many numbers as there are ``moments``; the last ones are the totals of every other face. Windows of
    maintenance change nothing here: what an eye is, it is in them too.
    """

    moments: tuple[datetime, ...]
    counts: Mapping[EyeState, tuple[int, ...]]
    news: News


def day(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> Day:
    """The 24 hours before ``now``, of eyes whose points are in ``scope`` today; days begin in ``zone``.

    Eyes that no network reaches are left out.
    """
    within = Span(now - DAY, now)
    today = now.astimezone(zone).date()
    inside = queries.within(session, scope, today)
    moments = _moments(within)
    seen_at = models.EyeState.first_ok_at
    counted = [
        Eye.reach == Reach.NETWORK,
        seen_at.is_not(None),
        or_(Eye.commissioned_at.is_(None), Eye.commissioned_at <= now),
        or_(Eye.retired_at.is_(None), Eye.retired_at > within.start),
        *inside,
    ]
    # No date is later than this day's end for those whose consent lasts through it.
    steady = and_(
        or_(Eye.commissioned_at.is_(None), Eye.commissioned_at <= within.start),
        or_(Eye.retired_at.is_(None), Eye.retired_at > now),
        or_(Eye.access_withdrawn_at.is_(None), Eye.access_withdrawn_at > now),
        or_(Eye.access_until.is_(None), Eye.access_until >= today),
        ~exists().where(
            Suspension.eye_id == Eye.id,
            Suspension.from_at <= now,
            or_(Suspension.to_at.is_(None), Suspension.to_at > within.start),
        ),
        ~exists().where(Condition.eye_id == Eye.id, *histories.fallen_silent(now)),
    )
    listed = (
        select(Eye.id, seen_at, models.EyeState.state, steady)
        .select_from(Eye)
        .join(Device)
        .join(models.EyeState)
        .where(*counted)
    )
    # Past the session, as ``queries.eyes``.
    rows = session.connection().execute(listed).all()
    seen = {eye_id: at for eye_id, at, _, _ in rows if at is not None}
    others = [eye_id for eye_id, _, _, is_steady in rows if not is_steady]
    loaded = histories.load(session, others, within, now, zone) if others else {}
    told = {eye_id: _since(seen[eye_id], history) for eye_id, history in loaded.items()}
    states = {eye_id: state for eye_id, _, state, is_steady in rows if is_steady}
    first = {eye_id: at for eye_id, at in seen.items() if at > within.start}
    turns = _from_first_ok(_turns(session, within, inside), states, first)
    numbers = _backwards(Counter(states.values()), turns, moments)
    for history in told.values():
        _add(numbers, history, moments)
    changed = _of_turns(turns) | {
        eye_id: (_state(history, within.start), _state(history, now)) for eye_id, history in told.items()
    }
    return Day(
        moments,
        {state: tuple(number[state] for number in numbers) for state in EyeState},
        _news(session, within, changed, first, inside),
    )


# --- how it is done ---------------------------------------------------------------------------------


class _Change(NamedTuple):
    eye_id: int
    at: datetime
    before: str
    after: str


def _moments(within: Span) -> tuple[datetime, ...]:
    """The quarter-hours of ``within`` (every zone's are those of UTC), and its end."""
    first = within.start + (_EPOCH - within.start) % STEP
    number = -((first - within.end) // STEP)
    return (*(first + n * STEP for n in range(number)), within.end)


def _turns(session: Session, within: Span, inside: Sequence[ColumnElement[bool]]) -> list[_Change]:
    """What the eyes' own ledgers say of ``within`` after its beginning, in order of time."""
    rows = (
        select(Transition.eye_id, Transition.at, Transition.before, Transition.after)
        .join(Eye)
        .join(Device)
        .where(Transition.ledger == EYE, Transition.at > within.start, Transition.at <= within.end, *inside)
        .order_by(Transition.at)
    )
    # Past the session, as ``queries.eyes``.
    return [_Change(*row) for row in session.connection().execute(rows).all()]


def _from_first_ok(
    turns: Iterable[_Change], states: Mapping[int, str], first: Mapping[int, datetime]
) -> list[_Change]:
    """The turns of these eyes, as they are now; of those whose first ok is within, from it on.

    That is a turn itself, out of nowhere.
    """
    kept = [
        turn
        for turn in turns
        if turn.eye_id in states and (turn.eye_id not in first or turn.at > first[turn.eye_id])
    ]
    became = {turn.eye_id: turn.before for turn in reversed(kept)}
    began = [
        _Change(eye_id, at, NOWHERE, became.get(eye_id, states[eye_id]))
        for eye_id, at in first.items()
        if eye_id in states
    ]
    return sorted(kept + began, key=_at)


def _backwards(
    now: Counter[str], turns: Sequence[_Change], moments: Sequence[datetime]
) -> list[Counter[str]]:
    """The numbers at each moment: those of now without the turns that came after it."""
    left = list(turns)
    number = now.copy()
    found: list[Counter[str]] = []
    for moment in reversed(moments):
        while left and left[-1].at > moment:
            turn = left.pop()
            number[turn.after] -= 1
            number[turn.before] += 1
        found.append(number.copy())
    return found[::-1]


def _since(first_ok_at: datetime, history: History) -> History:
    """The history from the first ok on."""
    worked = [Span(max(span.start, first_ok_at), span.end) for span in history.service]
    return replace(history, service=[span for span in worked if span.length])


def _add(numbers: Sequence[Counter[str]], history: History, moments: Sequence[datetime]) -> None:
    for number, moment in zip(numbers, moments, strict=True):
        state = _state(history, moment)
        if state is not None:
            number[state] += 1


def _state(history: History, moment: datetime) -> str | None:
    """What an eye was at one moment; ``None`` if it was not in service."""
    if not any(moment in span for span in history.service):
        return None
    place = bisect_right(history.states, moment, key=_at)
    return history.states[place - 1].state if place else EyeState.UNKNOWN


def _of_turns(turns: Iterable[_Change]) -> dict[int, tuple[str | None, str | None]]:
    """What was before the first turn of each eye, and what is after its last."""
    found: dict[int, tuple[str | None, str | None]] = {}
    for turn in turns:
        then, _ = found.get(turn.eye_id, (turn.before, None))
        found[turn.eye_id] = then, turn.after
    return found


def _news(
    session: Session,
    within: Span,
    changed: States,
    first: Collection[int],
    inside: Sequence[ColumnElement[bool]],
) -> News:
    down = EyeState.DOWN
    known = {eye: states for eye, states in changed.items() if eye not in first}
    fell = [eye for eye, (then, now) in known.items() if now == down != then]
    worsened = [
        eye
        for eye, (then, now) in known.items()
        if now == EyeState.DEGRADED and then not in (EyeState.DEGRADED, down)
    ]
    back = [eye for eye, (then, now) in known.items() if then == down and now in DELIVERING]
    codes = _codes(session, {*fell, *worsened, *back, *first})
    began = and_(Incident.started_at > within.start, Incident.announced_at <= within.end)
    return News(
        within.start,
        _incidents(session, inside, began),
        _incidents(session, inside, Incident.ended_at > within.start),
        *(tuple(sorted(codes[eye] for eye in those)) for those in (fell, worsened, back, first)),
    )


def _codes(session: Session, eye_ids: Collection[int]) -> dict[int, str]:
    rows = session.execute(select(Eye.id, Eye.code).where(Eye.id.in_(eye_ids)))
    return {row.id: row.code for row in rows}


def _incidents(session: Session, inside: Sequence[ColumnElement[bool]], which: ColumnElement[bool]) -> int:
    """How many such incidents have an eye in scope."""
    member = exists().where(
        IncidentEye.incident_id == Incident.id,
        Eye.id == IncidentEye.eye_id,
        Device.id == Eye.device_id,
        *inside,
    )
    return (
        session.scalar(
            select(func.count()).select_from(Incident).where(which, Incident.withdrawn_at.is_(None), member)
        )
        or 0
    )
