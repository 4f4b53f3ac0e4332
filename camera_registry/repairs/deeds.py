"""What people do about repairs: report one, move it on, say who pays, take quotations and choose one.

A deed reaches only what lies at points in its doer's scope; of another repair it says that there is none. It
leaves a step, which is never changed, or a line in the audit with what was before and after; most leave both.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, models, queries
from camera_registry.audit import Action, Actor
from camera_registry.custody import EARLIEST
from camera_registry.errors import RegistryError
from camera_registry.funding.basis import standing_entry
from camera_registry.funding.kinds import Component, Duty, Kind
from camera_registry.i18n import N_
from camera_registry.inventory import InventoryError
from camera_registry.money import MOST
from camera_registry.outages import MOST_ID, IncidentRow
from camera_registry.repairs.states import MOVES, OPEN, Payer, State
from camera_registry.spelling import written
from camera_registry.units import Scope

LONGEST_TEXT, LONGEST_NAME, LONGEST_LINE = 2_000, 200, 300  # characters
MOST_STEPS, MOST_QUOTATIONS = 500, 50  # of one repair
EARLIEST_REPORT = timedelta(days=3 * 366)  # before now: what was broken when a registry began


class RepairError(RegistryError):
    """This cannot be done about the repair."""


class NoSuchRepair(RepairError):
    """There is no repair, quotation or proposal of this number in scope."""


def open_repair(
    session: Session,
    actor: Actor,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    *,
    fault: str,
    point: str = "",
    incident: IncidentRow | None = None,
    eyes: Collection[str] = (),
    component: Component | None = None,
    at: datetime | None = None,
) -> int:
    """Report something broken at a point (a code) as of ``at``, or of now; returns the repair's number.

    Of an incident the point need not be named where it took eyes of one alone; the eyes, where none are
    named, are those of the point that are still away, or all that were; not those retired since. Raises
    ``RepairError``: no such point or eye in scope, a retired eye, or an open repair of it already.
    """
    fault = text_of(fault, LONGEST_TEXT, needed=N_("Say what is broken."))
    began = now if at is None else at
    if not now - EARLIEST_REPORT <= began <= now:
        raise RepairError(N_("A repair is reported for now, or for a moment of the last three years."))
    code = point or _one_point(incident)
    row = queries.point_in(session, scope, now.astimezone(zone).date(), code)
    if row is None:
        raise InventoryError(N_('There is no point with the code "{code}".'), code=code)
    found = _eyes(session, row, list(dict.fromkeys(eyes)))
    if found:
        _refuse_retired(session, found, now)
    elif incident is not None:
        away = _eyes(session, row, _away(incident, code))
        retired = _retired(session, away, now)
        found = {code: id_ for code, id_ in away.items() if code not in retired}
        if not found:
            _refuse_retired(session, away, now)
    _refuse_again(session, row.id, found)
    repair = models.Repair(
        point_id=row.id,
        incident_id=None if incident is None else incident.id,
        state=State.REPORTED,
        component=component or "",
        fault=fault,
        opened_at=began,
        opened_by=actor.name,
    )
    session.add(repair)
    session.flush()
    session.add_all(models.RepairEye(repair_id=repair.id, eye_id=eye_id) for eye_id in found.values())
    _step(session, actor, now, repair, State.REPORTED, began)
    told = {
        "point": row.code,
        "eyes": sorted(found),
        "component": component or "",
        "incident": repair.incident_id,
        "at": began,
    }
    subject = f"repair:{repair.id}"
    audit.record(session, actor, Action.REPAIR_OPENED, subject, now, detail={"after": told}, reason=fault)
    session.flush()
    return repair.id


def move(
    session: Session,
    actor: Actor,
    scope: Scope,
    number: int,
    state: State,
    now: datetime,
    zone: tzinfo,
    *,
    at: datetime | None = None,
    text: str = "",
) -> None:
    """Bring a repair into another state as of ``at``: not before it came into the present one, nor ahead.

    Raises ``RepairError`` for a move that ``states.MOVES`` does not have, for one to written off without a
    reason, and for waiting for money where warranty or contract pays.
    """
    text = text_of(text, LONGEST_TEXT)
    repair = taken(session, scope, number, now, zone)
    before = State(repair.state)
    if state not in MOVES[before]:
        raise RepairError(N_("A repair in this state cannot be moved there."))
    if state is State.WRITTEN_OFF and not text:
        raise RepairError(N_("Say why it is not repaired any more."))
    if state is State.WAITING_FOR_MONEY and repair.payer and Payer(repair.payer).costs_nothing:
        raise RepairError(N_("Who pays is a warranty or a contract: it waits for no money."))
    if state in OPEN and before.over:
        _refuse_again(session, repair.point_id, _eyes_of(session, repair), number)
    moment = _step(session, actor, now, repair, state, now if at is None else at, text)
    repair.state = state
    detail = {"before": {"state": before}, "after": {"state": state, "at": moment}}
    audit.record(session, actor, Action.REPAIR_MOVED, f"repair:{number}", now, detail=detail, reason=text)
    session.flush()


def comment(
    session: Session, actor: Actor, scope: Scope, number: int, text: str, now: datetime, zone: tzinfo
) -> None:
    """Remark something on a repair, without moving it."""
    text = text_of(text, LONGEST_TEXT, needed=N_("There is nothing written in the comment."))
    repair = taken(session, scope, number, now, zone)
    _step(session, actor, now, repair, State(repair.state), None, text)
    audit.record(session, actor, Action.REPAIR_CHANGED, f"repair:{number}", now, reason=text)
    session.flush()


def change(
    session: Session,
    actor: Actor,
    scope: Scope,
    number: int,
    now: datetime,
    zone: tzinfo,
    *,
    fault: str,
    component: Component | None,
    eyes: Collection[str],
    reason: str = "",
) -> None:
    """Say anew what is broken, what it is part of, and which eyes it takes. Not of one that is over."""
    fault = text_of(fault, LONGEST_TEXT, needed=N_("Say what is broken."))
    repair = taken(session, scope, number, now, zone)
    if State(repair.state).over:
        raise RepairError(N_("The repair is over: it is not changed any more."))
    point = session.get_one(models.Point, repair.point_id)
    had = _eyes_of(session, repair)
    wanted = _eyes(session, point, list(dict.fromkeys(eyes)))
    before = {"fault": repair.fault, "component": repair.component, "eyes": sorted(had)}
    after = {"fault": fault, "component": str(component or ""), "eyes": sorted(wanted)}
    if before == after:
        return
    new = {code: id_ for code, id_ in wanted.items() if code not in had}
    _refuse_retired(session, new, now)
    if new or not wanted:
        _refuse_again(session, repair.point_id, new, number)
    repair.fault, repair.component = fault, component or ""
    for code in had.keys() - wanted.keys():
        session.delete(session.get_one(models.RepairEye, (repair.id, had[code])))
    session.add_all(
        models.RepairEye(repair_id=repair.id, eye_id=wanted[code]) for code in wanted.keys() - had.keys()
    )
    _changed(session, actor, now, number, before, after, reason)


def set_payer(
    session: Session,
    actor: Actor,
    scope: Scope,
    number: int,
    payer: Payer | None,
    now: datetime,
    zone: tzinfo,
    *,
    grounds: str = "",
    reason: str = "",
) -> None:
    """Say who pays for a repair, and on which paper; ``None`` takes it back.

    Of a warranty or a contract the paper is the one that is recorded of the point, where none is said; where
    none is recorded either, it must be. That one of these pays for what money was spent on as well takes a
    ``reason``. Raises ``RepairError``.
    """
    grounds = text_of(grounds, LONGEST_LINE)
    repair = taken(session, scope, number, now, zone)
    if payer is not None and payer.costs_nothing:
        grounds = grounds or duty_of(
            session, repair.point_id, payer, repair.opened_at.astimezone(zone).date()
        )
        if not grounds:
            raise RepairError(N_("No warranty or contract is recorded of this point: name the paper."))
        if repair.state == State.WAITING_FOR_MONEY:
            raise RepairError(N_("It waits for money: begin the repair first, or take it back."))
        if not reason.strip() and _spent_on(session, number):
            raise RepairError(
                N_("Money is in the ledger as spent on it: reverse that first, or say why it is right.")
            )
    before = {"payer": repair.payer, "grounds": repair.grounds}
    after = {"payer": str(payer or ""), "grounds": grounds if payer else ""}
    if before != after:
        repair.payer, repair.grounds = after["payer"], after["grounds"]
        _changed(session, actor, now, number, before, after, reason)


def quote(
    session: Session,
    actor: Actor,
    scope: Scope,
    number: int,
    now: datetime,
    zone: tzinfo,
    *,
    party: str,
    amount: int,
    dated: date,
    text: str = "",
    document: int | None = None,
) -> int:
    """Take down what somebody asks for a repair, in đồng; returns the quotation's number.

    ``document`` is the number of a paper that is attached to this repair. Raises ``RepairError``.
    """
    party = text_of(party, LONGEST_NAME, needed=N_("Say who quotes."))
    text = text_of(text, LONGEST_LINE)
    if not 0 < amount <= MOST:
        raise RepairError(N_("A quotation asks for a whole number of đồng, more than nothing."))
    if not EARLIEST <= dated <= now.astimezone(zone).date():
        raise RepairError(N_("{text} is too long ago or too far ahead."), text=f"{dated:%d/%m/%Y}")
    repair = taken(session, scope, number, now, zone)
    if len(_quotations(session, number)) >= MOST_QUOTATIONS:
        raise RepairError(N_("A repair has {limit} quotations at most."), limit=MOST_QUOTATIONS)
    use = models.DocumentUse
    if document is not None and not session.scalar(
        select(use.id).where(use.document_id == document, use.repair_id == number)
    ):
        raise NoSuchRepair(N_("There is no such paper of this repair."))
    row = models.Quotation(
        repair_id=repair.id,
        party=party,
        amount=amount,
        dated=dated,
        document_id=document,
        text=text,
        made_at=now,
        made_by=actor.name,
    )
    session.add(row)
    session.flush()
    after = {"quotation": row.id, "party": party, "amount": amount, "dated": dated, "document": document}
    subject = f"repair:{number}"
    audit.record(session, actor, Action.QUOTATION_ADDED, subject, now, detail={"after": after}, reason=text)
    return row.id


def choose(
    session: Session,
    actor: Actor,
    scope: Scope,
    number: int,
    quotation: int,
    now: datetime,
    zone: tzinfo,
    *,
    reason: str = "",
) -> None:
    """Choose one of a repair's quotations, instead of the one chosen before: money is asked for by it."""
    reason = text_of(reason, LONGEST_LINE)
    taken(session, scope, number, now, zone)
    rows = _quotations(session, number)
    wanted = next((row for row in rows if row.id == quotation), None)
    if wanted is None:
        raise NoSuchRepair(N_("There is no such quotation of this repair."))
    former = next((row for row in rows if row.chosen), None)
    if former is wanted:
        return
    if former is not None:
        former.chosen = False
    wanted.chosen = True
    detail = {"before": _quoted(former), "after": _quoted(wanted)}
    audit.record(
        session, actor, Action.QUOTATION_CHOSEN, f"repair:{number}", now, detail=detail, reason=reason
    )
    session.flush()


# --- for the rooms beside it --------------------------------------------------------------------------


def taken(session: Session, scope: Scope, number: int, now: datetime, zone: tzinfo) -> models.Repair:
    """A repair in scope, locked: of two deeds at once the second waits. Raises ``NoSuchRepair``."""
    row = None
    if 0 < number <= MOST_ID:
        row = session.scalar(select(models.Repair).where(models.Repair.id == number).with_for_update())
    if row is None or row.point_id not in queries.point_ids(session, scope, now.astimezone(zone).date()):
        raise NoSuchRepair(N_("There is no such repair."))
    return row


def duty_of(session: Session, point_id: int, payer: Payer, day: date) -> str:
    """Who must mend a point on ``day`` by warranty or contract, and by which paper; ``""``: nobody."""
    kind = Duty.WARRANTY if payer is Payer.WARRANTY else Duty.MAINTENANCE
    row = models.Upkeep
    rows = session.scalars(
        select(row).where(row.point_id == point_id, row.kind == kind, row.ended_at.is_(None)).order_by(row.id)
    )
    for each in rows:
        if (each.valid_from or day) <= day <= (each.valid_to or day):
            return ", ".join(filter(None, (each.party, each.document)))[:LONGEST_LINE]
    return ""


def text_of(typed: str, limit: int, *, needed: str = "") -> str:
    """What was typed, in one line unless it is long. Raises ``RepairError`` for too much, or for nothing."""
    text = written(typed.strip() if limit == LONGEST_TEXT else " ".join(typed.split()))
    if needed and not text:
        raise RepairError(needed)
    if len(text) > limit:
        raise RepairError(N_("The text is longer than {limit} characters."), limit=limit)
    return text


# --- how it is done ---------------------------------------------------------------------------------


def _one_point(incident: IncidentRow | None) -> str:
    points = {away.point for away in incident.away} if incident is not None else set()
    if len(points) != 1:
        raise RepairError(N_("Say at which point something is broken."))
    return points.pop()


def _away(incident: IncidentRow, point: str) -> list[str]:
    away = [each for each in incident.away if each.point == point]
    if not away:
        raise RepairError(N_("The incident took no eye of this point."))
    return list(dict.fromkeys(each.eye for each in [a for a in away if a.to_at is None] or away))


def _eyes(session: Session, point: models.Point, codes: Sequence[str]) -> dict[str, int]:
    rows = session.execute(
        select(models.Eye.code, models.Eye.id)
        .join(models.Device)
        .where(models.Device.point_id == point.id, models.Eye.code.in_(codes))
    )
    found = {each.code: each.id for each in rows}
    for code in codes:
        if code not in found:
            raise RepairError(N_('There is no eye "{code}" at this point.'), code=code)
    return found


def _eyes_of(session: Session, repair: models.Repair) -> dict[str, int]:
    row = models.RepairEye
    rows = session.execute(
        select(models.Eye.code, models.Eye.id)
        .join(row, row.eye_id == models.Eye.id)
        .where(row.repair_id == repair.id)
    )
    return {each.code: each.id for each in rows}


def _retired(session: Session, eyes: Mapping[str, int], now: datetime) -> Sequence[str]:
    row = models.Eye
    found = select(row.code).where(row.id.in_(eyes.values()), row.retired_at <= now).order_by(row.code)
    return session.scalars(found).all()


def _refuse_retired(session: Session, eyes: Mapping[str, int], now: datetime) -> None:
    retired = _retired(session, eyes, now)
    if retired:
        raise RepairError(N_('The eye "{code}" is retired: it is not repaired.'), code=retired[0])


def _refuse_again(
    session: Session, point_id: int, eyes: Mapping[str, int], itself: int | None = None
) -> None:
    """An eye is mended once at a time, and so is a point: else what it costs would be told twice.

    Without ``eyes`` it is a repair of the point as such. ``itself`` is the repair that is not a second one.
    The point is locked: the second of two people who report the same sees what the first has done.
    """
    session.execute(select(models.Point.id).where(models.Point.id == point_id).with_for_update())
    row, eye = models.Repair, models.RepairEye
    if not eyes:
        named = select(eye.repair_id).where(eye.repair_id == row.id)
        whole = session.scalars(
            select(row.id)
            .where(row.point_id == point_id, row.state.in_(OPEN), row.id != (itself or 0), ~named.exists())
            .order_by(row.id)
        ).first()
        if whole is not None:
            raise RepairError(
                N_("The repair {number} is open for this point already: name the eyes of this one."),
                number=whole,
            )
        return
    other = session.execute(
        select(row.id, models.Eye.code)
        .join(eye, eye.repair_id == row.id)
        .join(models.Eye, models.Eye.id == eye.eye_id)
        .where(row.state.in_(OPEN), eye.eye_id.in_(eyes.values()))
        .order_by(row.id)
    ).first()
    if other is not None:
        raise RepairError(
            N_("The repair {number} is open for the eye {code} already."), number=other.id, code=other.code
        )


def _step(
    session: Session,
    actor: Actor,
    now: datetime,
    repair: models.Repair,
    state: State,
    at: datetime | None,
    text: str = "",
) -> datetime:
    """Without ``at`` a remark: of the moment of the step before, so that a move may be as of earlier.

    Steps lie in order. Where a clock was ahead, so is the newest: what follows it has its moment.
    """
    row = models.RepairStep
    before = session.scalars(select(row.at).where(row.repair_id == repair.id).order_by(row.id)).all()
    if len(before) >= MOST_STEPS:
        raise RepairError(N_("A repair has {limit} steps at most."), limit=MOST_STEPS)
    if at is not None and at > now:
        raise RepairError(N_("A repair is moved as of now, or of a moment before."))
    if at is None or (before and before[-1] > now):
        at = before[-1]
    if before and at < before[-1]:
        raise RepairError(N_("The repair came into its present state after that."))
    session.add(row(repair_id=repair.id, at=at, state=state, text=text, made_at=now, made_by=actor.name))
    return at


def _spent_on(session: Session, number: int) -> bool:
    """Whether an expense of the repair is entered that was neither refused nor taken back."""
    row = models.MoneyEntry
    spent = select(row.id).where(row.repair_id == number, row.kind == Kind.EXPENSE, standing_entry())
    return session.scalars(spent).first() is not None


def _quotations(session: Session, number: int) -> Sequence[models.Quotation]:
    row = models.Quotation
    return session.scalars(select(row).where(row.repair_id == number).order_by(row.id)).all()


def _quoted(row: models.Quotation | None) -> dict[str, Any] | None:
    return None if row is None else {"quotation": row.id, "party": row.party, "amount": row.amount}


def _changed(
    session: Session,
    actor: Actor,
    now: datetime,
    number: int,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    reason: str,
) -> None:
    detail = {"before": before, "after": after}
    reason = text_of(reason, LONGEST_LINE)
    audit.record(session, actor, Action.REPAIR_CHANGED, f"repair:{number}", now, detail=detail, reason=reason)
    session.flush()
