"""Letters that ask for repair money: drawn up from repairs that wait for it, and sent as they were then.

Each repair stands in one with the quotation that was chosen, and with what is missing of its basis. Until a
letter is sent both are those of today; from then on those that it was sent with.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, models, queries
from camera_registry.audit import Action, Actor
from camera_registry.custody import EARLIEST
from camera_registry.funding.basis import Missing, missing_basis
from camera_registry.funding.reach import Reach, owner, unit_names
from camera_registry.i18n import N_
from camera_registry.money import Sum
from camera_registry.outages import MOST_ID
from camera_registry.periods import midnight
from camera_registry.repairs import deeds, reading
from camera_registry.repairs.deeds import LONGEST_LINE, LONGEST_NAME, LONGEST_TEXT, NoSuchRepair, RepairError
from camera_registry.repairs.reading import RepairRow
from camera_registry.repairs.states import State, Step, Times, days_in_states
from camera_registry.units import Scope

LONGEST_NUMBER = 64  # characters
MOST_REPAIRS = 500  # of one letter
NO_UNIT = ("", "")


@dataclass(frozen=True, slots=True)
class Asked:
    """A repair in a letter, and the sum that is asked for it (``None``: no quotation was chosen).

    ``times`` are its times up to the end of the day on which the letter was sent, or up to now; ``missing``
    is what its point lacked when the letter was sent, or lacks now.
    """

    repair: RepairRow
    amount: int | None
    times: Times
    missing: tuple[Missing, ...]


@dataclass(frozen=True, slots=True)
class ProposalRow:
    """A letter. ``unit`` is the uid of who asks, ``""`` of the city; ``sent_on`` is ``None`` of a draft.

    ``repairs`` and ``total`` are of the repairs in scope. ``number`` is the one that the clerk gave it.
    """

    id: int
    unit: str
    unit_name: str
    addressee: str
    title: str
    text: str
    made_at: datetime
    made_by: str
    sent_on: date | None
    number: str
    repairs: int
    total: Sum


@dataclass(frozen=True, slots=True)
class ProposalDetail:
    """A letter with its repairs in scope, point by point; ``further``: it asks for others, too."""

    row: ProposalRow
    asked: tuple[Asked, ...]
    further: bool


# --- deeds ------------------------------------------------------------------------------------------


def draft(
    session: Session,
    actor: Actor,
    scope: Scope,
    now: datetime,
    zone: tzinfo,
    *,
    addressee: str,
    title: str,
    repairs: Collection[int],
    unit: str = "",
    text: str = "",
) -> int:
    """A new letter of a unit (a uid), or of the city; returns its number.

    Who sees one unit alone asks for that, unless another is said. Raises ``RepairError`` for a
    repair that lies elsewhere or does not wait for money, and ``FundingError`` for a unit out of scope.
    """
    day = now.astimezone(zone).date()
    reach = Reach.load(session, scope, day)
    home = queries.home(session, scope, day)
    unit_id = owner(session, reach, unit or (home.uid if home else ""))
    letter = models.Proposal(
        unit_id=unit_id,
        addressee=_addressee(addressee),
        title=_title(title),
        text=deeds.text_of(text, LONGEST_TEXT),
        made_at=now,
        made_by=actor.name,
    )
    wanted = _waiting(session, scope, unit_id, repairs, now, zone)
    session.add(letter)
    session.flush()
    session.add_all(models.ProposalRepair(proposal_id=letter.id, repair_id=each) for each in wanted)
    session.flush()
    _saved(session, actor, letter, None, wanted, now)
    return letter.id


def change(
    session: Session,
    actor: Actor,
    scope: Scope,
    number: int,
    now: datetime,
    zone: tzinfo,
    *,
    addressee: str,
    title: str,
    repairs: Collection[int],
    text: str = "",
) -> None:
    """Write a draft anew. Raises ``RepairError`` as ``draft`` does, and of a letter that was sent."""
    letter = _draft(session, scope, number, now, zone)
    row = models.ProposalRepair
    former = {each.repair_id: each for each in session.scalars(select(row).where(row.proposal_id == number))}
    before = _told(letter, list(former))
    wanted = _waiting(session, scope, letter.unit_id, repairs, now, zone)
    letter.addressee, letter.title = _addressee(addressee), _title(title)
    letter.text = deeds.text_of(text, LONGEST_TEXT)
    for repair_id in former.keys() - set(wanted):
        session.delete(former[repair_id])
    session.add_all(row(proposal_id=number, repair_id=each) for each in wanted if each not in former)
    session.flush()
    _saved(session, actor, letter, before, wanted, now)


def send(
    session: Session,
    actor: Actor,
    scope: Scope,
    number: int,
    now: datetime,
    zone: tzinfo,
    *,
    sent_on: date,
    letter_number: str = "",
) -> None:
    """A draft was signed and sent on that day, under the clerk's number: its sums and what is missing stay.

    Sums are those of now; missing is what of that day is not on record by now.
    Raises ``RepairError`` where one of its repairs does not wait for money any more, or another letter that
    was sent asks for it.
    """
    if not EARLIEST <= sent_on <= now.astimezone(zone).date():
        raise RepairError(N_("{text} is too long ago or too far ahead."), text=f"{sent_on:%d/%m/%Y}")
    letter = _draft(session, scope, number, now, zone)
    row = models.ProposalRepair
    parts = session.scalars(select(row).where(row.proposal_id == number)).all()
    numbers = _waiting(session, scope, letter.unit_id, [part.repair_id for part in parts], now, zone)
    before = asked_before(session, reading.numbered(session, scope, now, zone, numbers), zone)
    for repair_id, other in before.items():
        raise RepairError(
            N_("The proposal {letter}, which was sent, asks for the repair {number} already."),
            letter=other,
            number=repair_id,
        )
    asked = reading.asked(session, numbers)
    lacking = _lacking(session, sent_on, numbers)
    for part in parts:
        part.amount = asked.get(part.repair_id)
        part.missing = " ".join(lacking.get(part.repair_id, ()))
    letter.sent_on, letter.number = sent_on, deeds.text_of(letter_number, LONGEST_NUMBER)
    detail = {"before": {"sent_on": None}, "after": {"sent_on": sent_on, "number": letter.number}}
    audit.record(session, actor, Action.PROPOSAL_SENT, f"proposal:{number}", now, detail=detail)
    session.flush()


# --- reads ------------------------------------------------------------------------------------------


def candidates(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> list[RepairRow]:
    """The repairs in scope that wait for money; ``proposal`` says which are in a letter already."""
    return reading.board(session, scope, now, zone, states=[State.WAITING_FOR_MONEY])


def asked_before(session: Session, repairs: Iterable[RepairRow], zone: tzinfo) -> Mapping[int, int]:
    """Which of these repairs that wait for money a sent letter asks for, and which: numbers by number.

    A letter from before a repair came to wait anew asked for other money. One drawn up since is no
    such letter, even where it is told to have been sent before.
    """
    since = {row.id: came for row in repairs if (came := _came_to_wait(row.steps)) is not None}
    part, letter = models.ProposalRepair, models.Proposal
    told = session.execute(
        select(part.repair_id, letter.id, letter.sent_on, letter.made_at)
        .join(letter, letter.id == part.proposal_id)
        .where(letter.sent_on.is_not(None), part.repair_id.in_(since))
        .order_by(letter.id)
    )
    return {
        each.repair_id: each.id
        for each in told
        if each.sent_on >= since[each.repair_id].at.astimezone(zone).date()
        or each.made_at >= (since[each.repair_id].made_at or each.made_at)
    }


def _came_to_wait(steps: Sequence[Step]) -> Step | None:
    """The step by which it waits for money; ``None`` where it does not. Remarks lie after it."""
    found: Step | None = None
    for step in steps:
        if step.state is not State.WAITING_FOR_MONEY:
            found = None
        elif found is None:
            found = step
    return found


def proposals(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> list[ProposalRow]:
    """Every letter in scope, the newest first."""
    letter = models.Proposal
    rows = session.scalars(select(letter).order_by(letter.id.desc()))
    return _rows(session, scope, now, zone, list(rows))


def proposal(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, number: int
) -> ProposalDetail | None:
    """One letter by its number; ``None`` where there is none in scope."""
    letter = session.get(models.Proposal, number) if 0 < number <= MOST_ID else None
    row = next(iter(_rows(session, scope, now, zone, [letter] if letter else [])), None)
    if row is None:
        return None
    part = models.ProposalRepair
    rows = session.scalars(select(part).where(part.proposal_id == number))
    frozen = {each.repair_id: each for each in rows}
    today = now.astimezone(zone).date()
    lacking = _lacking(session, today, frozen.keys()) if row.sent_on is None else {}
    repairs = reading.numbered(session, scope, now, zone, list(frozen))
    end = now if row.sent_on is None else min(now, midnight(row.sent_on + timedelta(days=1), zone))
    asked = [
        Asked(
            each,
            each.asked if row.sent_on is None else frozen[each.id].amount,
            days_in_states(each.steps, end),
            lacking.get(each.id, ())
            if row.sent_on is None
            else tuple(map(Missing, frozen[each.id].missing.split())),
        )
        for each in sorted(repairs, key=lambda each: (each.point, each.id))
    ]
    return ProposalDetail(row, tuple(asked), len(asked) < len(frozen))


# --- how it is done ---------------------------------------------------------------------------------


def _lacking(session: Session, day: date, repairs: Collection[int]) -> Mapping[int, tuple[Missing, ...]]:
    """What is missing on a day of the points of these repairs, by the repair's number."""
    missing = {each.point: each.missing for each in missing_basis(session, Scope.everything(), day)}
    points = session.execute(
        select(models.Repair.id, models.Point.code)
        .join(models.Point, models.Point.id == models.Repair.point_id)
        .where(models.Repair.id.in_(repairs))
    )
    return {number: missing[code] for number, code in points if code in missing}


def _rows(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, letters: Sequence[models.Proposal]
) -> list[ProposalRow]:
    day = now.astimezone(zone).date()
    reach = Reach.load(session, scope, day)
    seen = [each for each in letters if reach.holds_unit(each.unit_id)]
    units = unit_names(session, day) if any(each.unit_id is not None for each in seen) else {}
    part, repair = models.ProposalRepair, models.Repair
    told = session.execute(
        select(part.proposal_id, part.repair_id, part.amount, repair.point_id)
        .join(repair, repair.id == part.repair_id)
        .where(part.proposal_id.in_([each.id for each in seen]))
    ).all()
    asked = reading.asked(session, {each.repair_id for each in told})
    sent = {each.id for each in seen if each.sent_on is not None}
    amounts: dict[int, list[int | None]] = defaultdict(list)
    for number, repair_id, amount, point_id in told:
        if reach.holds_point(point_id):
            amounts[number].append(amount if number in sent else asked.get(repair_id))
    return [
        ProposalRow(
            id=each.id,
            unit=units.get(each.unit_id or 0, NO_UNIT)[0],
            unit_name=units.get(each.unit_id or 0, NO_UNIT)[1],
            addressee=each.addressee,
            title=each.title,
            text=each.text,
            made_at=each.made_at,
            made_by=each.made_by,
            sent_on=each.sent_on,
            number=each.number,
            repairs=len(amounts[each.id]),
            total=Sum.of(amounts[each.id]),
        )
        for each in seen
    ]


def _draft(session: Session, scope: Scope, number: int, now: datetime, zone: tzinfo) -> models.Proposal:
    reach = Reach.load(session, scope, now.astimezone(zone).date())
    letter = None
    if 0 < number <= MOST_ID:
        wanted = select(models.Proposal).where(models.Proposal.id == number)
        letter = session.scalar(wanted.with_for_update())
    if letter is None or not reach.holds_unit(letter.unit_id):
        raise NoSuchRepair(N_("There is no such proposal."))
    if letter.sent_on is not None:
        raise RepairError(N_("The proposal was sent: it is not changed any more."))
    return letter


def _waiting(
    session: Session,
    scope: Scope,
    unit_id: int | None,
    repairs: Collection[int],
    now: datetime,
    zone: tzinfo,
) -> list[int]:
    """The numbers, each once. Raises ``RepairError`` for one that may not stand in a letter of this unit."""
    wanted = list(dict.fromkeys(repairs))
    if not 0 < len(wanted) <= MOST_REPAIRS:
        raise RepairError(N_("A proposal has at least one repair, and at most {limit}."), limit=MOST_REPAIRS)
    within = scope if unit_id is None else scope.narrowed(unit_id)
    for number in sorted(wanted):  # in one order, for each is locked
        repair = deeds.taken(session, within, number, now, zone)
        if repair.state != State.WAITING_FOR_MONEY:
            raise RepairError(N_("The repair {number} does not wait for money."), number=number)
    return wanted


def _addressee(typed: str) -> str:
    return deeds.text_of(typed, LONGEST_NAME, needed=N_("Say who is asked for the money."))


def _title(typed: str) -> str:
    return deeds.text_of(typed, LONGEST_LINE, needed=N_("Say what the proposal is about."))


def _told(letter: models.Proposal, repairs: Collection[int]) -> dict[str, object]:
    return {
        "addressee": letter.addressee,
        "title": letter.title,
        "text": letter.text,
        "repairs": sorted(repairs),
    }


def _saved(
    session: Session,
    actor: Actor,
    letter: models.Proposal,
    before: dict[str, object] | None,
    repairs: Collection[int],
    now: datetime,
) -> None:
    detail = {"before": before, "after": _told(letter, repairs)}
    audit.record(session, actor, Action.PROPOSAL_SAVED, f"proposal:{letter.id}", now, detail=detail)
    session.flush()
