"""Repairs as faces tell them: the board, one in full, those of a point and of an incident.

Every read takes a ``Scope`` and cuts to the points in it. An incident that was told anew as another one
(``successions``) goes on in that: its repairs are those of its heirs.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from camera_registry import models, queries, successions
from camera_registry.funding.kinds import Component, Duty, Paper
from camera_registry.outages import MOST_ID
from camera_registry.repairs import costs
from camera_registry.repairs.costs import Cost
from camera_registry.repairs.states import (
    MOVES,
    OPEN,
    Payer,
    State,
    Step,
    Times,
    days_in_states,
    open_within,
    state_at,
)
from camera_registry.units import Scope
from camera_registry.uptime import Span

AT_ONCE = 1_000  # repairs of which a query asks, for databases limit what one may name


@dataclass(frozen=True, slots=True)
class RepairRow:
    """One repair as of a moment. ``since``: when it came into ``state``.

    ``unit`` is that of today. ``incidents`` is the one that it was reported of, or those that went on in its
    place with eyes of this repair, the newest first. ``asked`` is the chosen quotation, in đồng; ``proposal``
    the newest letter that asks for it.
    """

    id: int
    point: str
    point_name: str
    unit: str
    eyes: tuple[str, ...]
    fault: str
    component: Component | None
    state: State
    since: datetime
    opened_at: datetime
    opened_by: str
    payer: Payer | None
    grounds: str
    incidents: tuple[int, ...]
    asked: int | None
    cost: Cost
    proposal: int | None
    steps: tuple[Step, ...]
    times: Times

    @property
    def open(self) -> bool:
        return not self.state.over


@dataclass(frozen=True, slots=True)
class QuotationRow:
    id: int
    party: str
    amount: int
    dated: date
    text: str
    chosen: bool
    document: int | None


@dataclass(frozen=True, slots=True)
class PaperRow:
    """A document of a repair; ``openable``: its content is kept."""

    id: int
    kind: Paper
    number: str
    dated: date | None
    title: str
    openable: bool


@dataclass(frozen=True, slots=True)
class DutyRow:
    """Who must mend the point for nothing or by contract, on the day it was reported broken."""

    kind: Duty
    party: str
    valid_to: date | None
    document: str
    phone: str


@dataclass(frozen=True, slots=True)
class RepairDetail:
    """A repair with everything that its page tells; ``moves`` are the states it may be brought into.

    ``expenses`` are the numbers of the ledger's entries for it, oldest first, whatever their state.
    """

    row: RepairRow
    moves: tuple[State, ...]
    quotations: tuple[QuotationRow, ...]
    papers: tuple[PaperRow, ...]
    duties: tuple[DutyRow, ...]
    expenses: tuple[int, ...]


def board(
    session: Session,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    *,
    states: Collection[State] = OPEN,
    unit: str | None = None,
    point: str | None = None,
    payer: Payer | None = None,
    within: Span | None = None,
) -> list[RepairRow]:
    """The repairs in scope in these states, those that have waited longest first, state by state.

    ``unit`` (a uid) and ``point`` (a code) narrow. With ``within`` they are those that were open at some time
    of it, as they stood at its end or now: ``states`` are of then.
    """
    as_of = None if within is None else within.until(now).end
    which: list[ColumnElement[bool]] = []
    if as_of is None:
        which.append(models.Repair.state.in_(states))
    else:
        which.append(models.Repair.opened_at <= as_of)
    if point is not None:
        which.append(models.Point.code == point)
    if payer is not None:
        which.append(models.Repair.payer == payer)
    if unit is not None:
        found = queries.unit(session, scope, unit)
        if found is None:
            return []
        scope = scope.narrowed(found.id)
    rows = _rows(session, scope, now, zone, as_of, *which)
    if within is not None and as_of is not None:
        rows = [row for row in rows if open_within(row.steps, within.start, as_of)]
    order = list(State)
    return sorted(
        (row for row in rows if row.state in states),
        key=lambda row: (order.index(row.state), row.since, row.id),
    )


def repair(session: Session, scope: Scope, now: datetime, zone: tzinfo, number: int) -> RepairDetail | None:
    """One repair by its number; ``None`` where there is none in scope."""
    if not 0 < number <= MOST_ID:
        return None
    row = next(iter(_rows(session, scope, now, zone, None, models.Repair.id == number)), None)
    if row is None:
        return None
    day = row.opened_at.astimezone(zone).date()
    return RepairDetail(
        row,
        MOVES[row.state],
        _quotations(session, number),
        _papers(session, number),
        _duties(session, row.point, day),
        costs.entries_of(session, scope, now.astimezone(zone).date(), number),
    )


def of_point(session: Session, scope: Scope, now: datetime, zone: tzinfo, code: str) -> list[RepairRow]:
    """Every repair of a point, open ones first, then the newest."""
    rows = _rows(session, scope, now, zone, None, models.Point.code == code)
    return sorted(rows, key=lambda row: (not row.open, -row.opened_at.timestamp(), row.id))


def of_incidents(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, incidents: Iterable[int]
) -> Mapping[int, Sequence[RepairRow]]:
    """The repairs in scope of these incidents (numbers), and of those that went on in them; oldest first."""
    wanted = set(incidents)
    row, incident = models.Repair, models.Incident
    gone = select(incident.id).where(incident.id == row.incident_id, incident.withdrawn_at.is_not(None))
    rows = _rows(
        *(session, scope, now, zone, None),
        or_(row.incident_id.in_(wanted), and_(row.incident_id.is_not(None), gone.exists())),
    )
    reported = _reported(session, [each.id for each in rows])
    found: dict[int, list[RepairRow]] = defaultdict(list)
    for each in rows:
        for told_as in wanted.intersection({reported[each.id], *each.incidents}):
            found[told_as].append(each)
    return found


def asked(session: Session, numbers: Collection[int]) -> dict[int, int]:
    """What the chosen quotations of these repairs ask for, in đồng."""
    row = models.Quotation
    return {
        number: amount
        for some in _portions(numbers)
        for number, amount in session.execute(
            select(row.repair_id, row.amount).where(row.repair_id.in_(some), row.chosen)
        )
    }


def numbered(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, numbers: Collection[int]
) -> list[RepairRow]:
    """Those of these repairs that lie in scope."""
    return [
        row
        for some in _portions(numbers)
        for row in _rows(session, scope, now, zone, None, models.Repair.id.in_(some))
    ]


def counts(session: Session, scope: Scope, day: date) -> Mapping[State, int]:
    """How many repairs in scope are in each state."""
    row = models.Repair
    points = queries.point_ids(session, scope, day)
    told = session.execute(select(row.state, row.point_id, func.count()).group_by(row.state, row.point_id))
    found = dict.fromkeys(State, 0)
    for state, point_id, count in told:
        if point_id in points:
            found[State(state)] += count
    return found


# --- how it is done ---------------------------------------------------------------------------------


def _rows(
    session: Session,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    as_of: datetime | None,
    *which: ColumnElement[bool],
) -> list[RepairRow]:
    """As they stood at ``as_of``. Without it as they are: a clock that was ahead may have left steps that lie
    ahead of ``now``, and somebody has to see to those repairs, too."""
    row = models.Repair
    today = now.astimezone(zone).date()
    units = queries.point_units(session, scope, today)
    told = session.execute(
        select(row, models.Point)
        .join(models.Point, models.Point.id == row.point_id)
        .where(*which)
        .order_by(row.id)
    ).all()
    seen = {repair.id: (repair, point) for repair, point in told if point.id in units}
    steps, eyes = _steps(session, seen), _eyes(session, seen)
    quoted, letters = asked(session, seen), _letters(session, seen)
    spent = costs.of_repairs(session, scope, today, seen)
    incidents = _incidents(session, {number: repair for number, (repair, _) in seen.items()})
    rows = []
    for number, (repair, point) in seen.items():
        present = state_at(steps[number], max(now, steps[number][-1].at) if as_of is None else as_of)
        if present is None:
            continue  # it was reported later
        rows.append(
            RepairRow(
                id=number,
                point=point.code,
                point_name=point.name,
                unit=units[point.id][0],
                eyes=tuple(eyes[number]),
                fault=repair.fault,
                component=Component(repair.component) if repair.component else None,
                state=present.state,
                since=present.at,
                opened_at=repair.opened_at,
                opened_by=repair.opened_by,
                payer=Payer(repair.payer) if repair.payer else None,
                grounds=repair.grounds,
                incidents=incidents[number],
                asked=quoted.get(number),
                cost=spent.get(number, Cost()),
                proposal=letters.get(number),
                steps=tuple(steps[number]),
                times=days_in_states(steps[number], as_of or now),
            )
        )
    return rows


def _reported(session: Session, numbers: Collection[int]) -> dict[int, int]:
    row = models.Repair
    return {
        number: incident
        for some in _portions(numbers)
        for number, incident in session.execute(select(row.id, row.incident_id).where(row.id.in_(some)))
        if incident is not None
    }


def _incidents(session: Session, repairs: Mapping[int, models.Repair]) -> dict[int, tuple[int, ...]]:
    """Of each repair the incidents that it is told with: its own, or what that one went on in."""
    own = {number: row.incident_id for number, row in repairs.items() if row.incident_id is not None}
    heirs = successions.heirs(session, _withdrawn(session, own.values()))
    to_come_back = _to_come_back(session, {number for number, each in own.items() if each in heirs})
    found: dict[int, tuple[int, ...]] = dict.fromkeys(repairs, ())
    for number, incident in own.items():
        inherited = heirs.get(incident, {})
        ours = [heir for heir, eyes in inherited.items() if eyes & to_come_back[number]]
        found[number] = tuple(sorted(ours, reverse=True)) or (incident,)
    return found


def _withdrawn(session: Session, incidents: Iterable[int]) -> list[int]:
    row = models.Incident
    return [
        each
        for some in _portions(set(incidents))
        for each in session.scalars(select(row.id).where(row.id.in_(some), row.withdrawn_at.is_not(None)))
    ]


def _to_come_back(session: Session, numbers: Collection[int]) -> dict[int, set[int]]:
    """The eyes (ids) that each repair is to bring back: all of its point, where none is named."""
    found: dict[int, set[int]] = defaultdict(set)
    named, row = models.RepairEye, models.Repair
    for some in _portions(numbers):
        for number, eye in session.execute(
            select(named.repair_id, named.eye_id).where(named.repair_id.in_(some))
        ):
            found[number].add(eye)
        for number, eye in session.execute(
            select(row.id, models.Eye.id)
            .join(models.Device, models.Device.point_id == row.point_id)
            .join(models.Eye, models.Eye.device_id == models.Device.id)
            .where(row.id.in_(set(some) - found.keys()))
        ):
            found[number].add(eye)
    return found


def _portions(numbers: Collection[int]) -> Iterable[list[int]]:
    ordered = sorted(numbers)
    return (ordered[first : first + AT_ONCE] for first in range(0, len(ordered), AT_ONCE))


def _steps(session: Session, numbers: Collection[int]) -> dict[int, list[Step]]:
    found: dict[int, list[Step]] = defaultdict(list)
    row = models.RepairStep
    for some in _portions(numbers):
        for each in session.scalars(select(row).where(row.repair_id.in_(some)).order_by(row.id)):
            found[each.repair_id].append(
                Step(each.at, State(each.state), each.text, each.made_at, each.made_by)
            )
    return found


def _eyes(session: Session, numbers: Collection[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    row = models.RepairEye
    for some in _portions(numbers):
        told = session.execute(
            select(row.repair_id, models.Eye.code)
            .join(models.Eye, models.Eye.id == row.eye_id)
            .where(row.repair_id.in_(some))
            .order_by(models.Eye.code)
        )
        for number, code in told:
            found[number].append(code)
    return found


def _letters(session: Session, numbers: Collection[int]) -> dict[int, int]:
    row = models.ProposalRepair
    return {
        number: letter
        for some in _portions(numbers)
        for number, letter in session.execute(
            select(row.repair_id, func.max(row.proposal_id))
            .where(row.repair_id.in_(some))
            .group_by(row.repair_id)
        )
    }


def _quotations(session: Session, number: int) -> tuple[QuotationRow, ...]:
    row = models.Quotation
    rows = session.scalars(select(row).where(row.repair_id == number).order_by(row.dated, row.id))
    return tuple(
        QuotationRow(each.id, each.party, each.amount, each.dated, each.text, each.chosen, each.document_id)
        for each in rows
    )


def _papers(session: Session, number: int) -> tuple[PaperRow, ...]:
    row, use = models.Document, models.DocumentUse
    told = session.execute(
        select(row.id, row.kind, row.number, row.dated, row.title, row.sealed.is_not(None))
        .join(use, use.document_id == row.id)
        .where(use.repair_id == number)
        .order_by(row.id)
    )
    return tuple(
        PaperRow(id_, Paper(kind), name, dated, title, openable)
        for id_, kind, name, dated, title, openable in told
    )


def _duties(session: Session, code: str, day: date) -> tuple[DutyRow, ...]:
    row = models.Upkeep
    rows = session.scalars(
        select(row)
        .join(models.Point, models.Point.id == row.point_id)
        .where(models.Point.code == code, row.ended_at.is_(None))
        .order_by(row.id)
    )
    return tuple(
        DutyRow(Duty(each.kind), each.party, each.valid_to, each.document, each.phone)
        for each in rows
        if (each.valid_from or day) <= day <= (each.valid_to or day)
    )
