"""Reads what an eye's figures are made of: its ledgers, its time in service, the windows that cover it.

A silence that nobody has written yet (no monitor runs, say) is seen here, too: what the ledgers say of a time
that nobody watched is never taken for the truth (rule 3).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from operator import itemgetter

from sqlalchemy import ColumnElement, func, literal, select, union_all
from sqlalchemy.orm import Session, aliased

from camera_registry import health, maintenance
from camera_registry.health import EYE, EyeState, Standing
from camera_registry.inventory import Reach
from camera_registry.models import Condition, Eye, Instability, PointUnit, Suspension, Transition
from camera_registry.periods import midnight
from camera_registry.uptime import History, Span, Turn, merged, without
from probes.reasons import Check, Outcome, Reason

BEGINNING = datetime.min.replace(tzinfo=UTC)  # since before the records
END = datetime.max.replace(tzinfo=UTC)  # still

LEDGERS: tuple[str, ...] = (EYE, *(str(check) for check in Check))

Ledgers = dict[int, dict[str, list[Turn]]]  # of each eye, by name, in order of time


@dataclass(frozen=True, slots=True)
class Silence:
    """A check fell silent at ``at``; a suspicion since ``dropped`` came to nothing by it."""

    at: datetime
    dropped: datetime | None


Silences = Mapping[Check, Silence]  # of one eye


@dataclass(frozen=True, slots=True)
class Presence:
    """When an eye is in service, and when windows cover it: sorted and disjoint, the latter clipped."""

    service: tuple[Span, ...]
    maintenance: tuple[Span, ...]


def load(
    session: Session,
    eye_ids: Collection[int],
    within: Span,
    now: datetime,
    zone: tzinfo,
    *,
    judged: bool = True,
) -> dict[int, History]:
    """The histories of these eyes for ``within``, as they are known at ``now``.

    Eyes that no network reaches are left out: what people say of them is no part of a measured figure.
    ``judged``: whether the policy has pictures judged. Service is not clipped to ``within``, all else is
    (a ledger begins with its last turn before it).
    """
    return read(session, presences(session, eye_ids, within, zone), within, now, judged=judged)


def read(
    session: Session, present: Mapping[int, Presence], within: Span, now: datetime, *, judged: bool = True
) -> dict[int, History]:
    """As ``load``, of eyes whose presence is known for ``within`` and perhaps for more."""
    silent = silences(session, present, now)
    ledgers = turns(session, present, within)
    doubts = _blips(session, present, within)
    return {
        eye_id: _history(
            _with_silence(ledgers.get(eye_id, {}), silent.get(eye_id, {})),
            presence,
            _and_dropped(doubts.get(eye_id, []), silent.get(eye_id, {}), within),
            judged,
        )
        for eye_id, presence in present.items()
    }


def presences(session: Session, eye_ids: Collection[int], within: Span, zone: tzinfo) -> dict[int, Presence]:
    """When each of these eyes is there to be counted; those that no network reaches are left out."""
    serving = service(session, eye_ids, zone)
    windows = maintenance.spans_of(session, serving, within, zone)
    return {eye_id: Presence(spans, windows.get(eye_id, ())) for eye_id, spans in serving.items()}


def service(session: Session, eye_ids: Collection[int], zone: tzinfo) -> dict[int, tuple[Span, ...]]:
    """When each of these eyes is in service (rule 8); those that no network reaches are left out.

    From its commissioning (no date: since before the records) until its retirement, or until we may no
    longer look: the end of the last day that a household agreed to, or the moment it took that back. What is
    suspended is cut out.
    """
    suspended: dict[int, list[Span]] = defaultdict(list)
    rows = select(Suspension.eye_id, Suspension.from_at, Suspension.to_at)
    for eye_id, start, end in session.execute(rows.where(Suspension.eye_id.in_(eye_ids))):
        suspended[eye_id].append(Span(start, end or END))
    eyes = select(
        *(Eye.id, Eye.commissioned_at, Eye.retired_at, Eye.access_withdrawn_at, Eye.access_until)
    ).where(Eye.id.in_(eye_ids), Eye.reach == Reach.NETWORK)
    found: dict[int, tuple[Span, ...]] = {}
    for eye_id, commissioned, retired, withdrawn, access_until in session.execute(eyes):
        ends = [end for end in (retired, withdrawn) if end is not None]
        if access_until is not None and access_until < date.max:
            ends.append(midnight(access_until + timedelta(days=1), zone))
        whole = merged([Span(commissioned or BEGINNING, min(ends, default=END))])
        found[eye_id] = without(whole, merged(suspended.get(eye_id, ())))
    return found


def memberships(
    session: Session, point_ids: Collection[int], zone: tzinfo
) -> dict[int, list[tuple[datetime, int]]]:
    """Of each point, from which moment on it belongs to which unit; a day begins at midnight in ``zone``."""
    found: dict[int, list[tuple[datetime, int]]] = {point_id: [] for point_id in point_ids}
    told = select(PointUnit.point_id, PointUnit.unit_id, PointUnit.valid_from).order_by(
        PointUnit.point_id, func.coalesce(PointUnit.valid_from, date.min)
    )
    if len(found) <= maintenance.FEW:
        told = told.where(PointUnit.point_id.in_(found))
    for point_id, unit_id, first in session.execute(told):
        if point_id in found:
            found[point_id].append((midnight(first, zone) if first else BEGINNING, unit_id))
    return found


def turns(
    session: Session, eye_ids: Collection[int], within: Span, ledgers: Sequence[str] = LEDGERS
) -> Ledgers:
    """What the ledgers of these eyes say from their last turn before ``within`` on until its end."""
    found = _begun(session, eye_ids, within, ledgers)
    line = Transition
    rows = select(line.eye_id, line.ledger, line.at, line.after, line.reason).where(
        *_inside(eye_ids, within, ledgers)
    )
    told = session.execute(rows.order_by(line.eye_id, line.ledger, line.at))
    for (eye_id, ledger), those in groupby(told, key=itemgetter(0, 1)):
        found[eye_id][ledger].extend([Turn(at, after, reason) for _, _, at, after, reason in those])
    return found


def falls(session: Session, eye_ids: Collection[int], within: Span) -> Ledgers:
    """Of the eyes' own ledgers only the turns to down and from it: enough for outages, and soon read."""
    found = _begun(session, eye_ids, within, (EYE,))
    line = Transition
    rows = select(line.eye_id, line.at, line.after).where(
        *_inside(eye_ids, within, (EYE,)), (line.after == EyeState.DOWN) | (line.before == EyeState.DOWN)
    )
    told = session.execute(rows.order_by(line.eye_id, line.ledger, line.at))
    for eye_id, those in groupby(told, key=itemgetter(0)):
        found[eye_id][EYE].extend([Turn(at, after) for _, at, after in those])
    return found


def fallen_silent(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Which rows of ``Condition`` have fallen silent by ``now``, and do not say so yet."""
    return (
        Condition.silent_at < now,
        (Condition.state != Outcome.UNKNOWN) | Condition.suspect_since.is_not(None),
    )


def silences(session: Session, eye_ids: Collection[int], now: datetime) -> dict[int, dict[Check, Silence]]:
    """What has fallen silent by ``now`` and is not written yet: from the last result + 1 interval."""
    rows = session.execute(
        select(
            *(Condition.eye_id, Condition.check, Condition.heard_at),
            *(Condition.interval_s, Condition.suspect_since),
        ).where(Condition.eye_id.in_(eye_ids), *fallen_silent(now))
    )
    found: dict[int, dict[Check, Silence]] = defaultdict(dict)
    for eye_id, check, heard_at, interval_s, suspect_since in rows:
        assert heard_at is not None  # what was never heard cannot fall silent
        at = heard_at + timedelta(seconds=interval_s)
        found[eye_id][Check(check)] = Silence(at, suspect_since)
    return found


# --- how it is done ---------------------------------------------------------------------------------


def _begun(session: Session, eye_ids: Collection[int], within: Span, ledgers: Sequence[str]) -> Ledgers:
    """The last turn of each ledger until ``within`` begins."""
    names = union_all(*(select(literal(name).label("name")) for name in ledgers)).subquery()
    older = aliased(Transition)
    newest = (
        select(older.id)
        .where(older.eye_id == Eye.id, older.ledger == names.c.name, older.at <= within.start)
        .order_by(older.at.desc())
        .limit(1)
        .scalar_subquery()
    )
    line = Transition
    rows = (
        select(line.eye_id, line.ledger, line.at, line.after, line.reason)
        .select_from(Eye)
        .join(names, literal(True))
        .join(line, line.id == newest)
        .where(Eye.id.in_(eye_ids))
    )
    found: Ledgers = defaultdict(lambda: defaultdict(list))
    for eye_id, ledger, at, after, reason in session.execute(rows):
        found[eye_id][ledger].append(Turn(at, after, reason))
    return found


def _inside(
    eye_ids: Collection[int], within: Span, ledgers: Sequence[str]
) -> tuple[ColumnElement[bool], ...]:
    """The turns after the beginning of ``within``, until its end: a run of down may end there."""
    line = Transition
    return (
        line.eye_id.in_(eye_ids),
        line.ledger.in_(ledgers),
        line.at > within.start,
        line.at <= within.end,
    )


def _history(
    ledgers: Mapping[str, list[Turn]], presence: Presence, blips: Sequence[datetime], judged: bool
) -> History:
    checks = {check: ledgers[check] for check in Check if check in ledgers}
    return History(ledgers.get(EYE, ()), checks, presence.service, presence.maintenance, blips, judged)


def _with_silence(ledgers: Mapping[str, list[Turn]], silent: Silences) -> Mapping[str, list[Turn]]:
    """The ledgers as the next tick would leave them; the eye's own follows from its checks'."""
    if not silent:
        return ledgers
    checks = {check: list(ledgers.get(check, ())) for check in Check}
    for check, silence in silent.items():
        checks[check].append(Turn(silence.at, Outcome.UNKNOWN, Reason.NO_RESULT))
    first = min(silence.at for silence in silent.values())
    moments = sorted({turn.at for heard in checks.values() for turn in heard if turn.at >= first})
    eye = [turn for turn in ledgers.get(EYE, ()) if turn.at < first]
    eye += [_standing_at(checks, moment) for moment in moments]
    return {EYE: eye} | {check: heard for check, heard in checks.items() if heard}


def _standing_at(checks: Mapping[Check, Sequence[Turn]], moment: datetime) -> Turn:
    standings = {
        check: Standing(turn.state, Reason(turn.reason))
        for check, heard in checks.items()
        for turn in [next((turn for turn in reversed(heard) if turn.at <= moment), None)]
        if turn is not None
    }
    eye = health.eye_standing(standings)
    return Turn(moment, eye.state, eye.reason)


def _blips(session: Session, eye_ids: Collection[int], within: Span) -> dict[int, list[datetime]]:
    found: dict[int, list[datetime]] = defaultdict(list)
    rows = select(Instability.eye_id, Instability.at).where(
        Instability.eye_id.in_(eye_ids),
        Instability.check == Check.STREAM,
        Instability.at >= within.start,
        Instability.at < within.end,
    )
    for eye_id, at in session.execute(rows.order_by(Instability.at)):
        found[eye_id].append(at)
    return found


def _and_dropped(blips: list[datetime], silent: Silences, within: Span) -> list[datetime]:
    stream = silent.get(Check.STREAM)
    if stream is None or stream.dropped is None or stream.dropped not in within:
        return blips
    return [*blips, stream.dropped]
