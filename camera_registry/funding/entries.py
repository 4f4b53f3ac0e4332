"""Lines of the funding ledger: entered by one person, approved or refused by another, reversed by a third.

What waits counts in no sum. What was decided never changes: a mistake is taken back by a reversing entry,
with the same shares negated, and entered anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.funding.checks import FundingError, a_day, a_year, said
from camera_registry.funding.kinds import Component, Form, Kind, State
from camera_registry.funding.reach import Reach
from camera_registry.i18n import N_
from camera_registry.models import Contributor, MoneyEntry, MoneyShare, Point, Programme, Repair
from camera_registry.money import MOST
from camera_registry.repairs.states import Payer
from camera_registry.spelling import fold
from camera_registry.units import Scope

LONGEST_PAYEE, LONGEST_TEXT, LONGEST_ORIGIN = 200, 2_000, 300  # characters
MOST_SHARES = 2_000  # of one entry
MOST_GIVERS = 1_000_000
UNALLOCATED = "unallocated"  # in the audit, the share that is no point's yet


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry as a person fills it in. ``shares`` are (code of a point, đồng): of each point once, and at
    most one of no point yet; ``None`` for an amount is one that nobody knows.

    ``programme`` is a code, ``contributor_id`` who gave it, or whose money was spent. ``budget_year`` is that
    of ``dated`` unless another is said.
    """

    kind: Kind
    dated: date
    shares: Sequence[tuple[str | None, int | None]]
    budget_year: int | None = None
    programme: str | None = None
    contributor_id: int | None = None
    givers: int | None = None
    form: Form = Form.MONEY
    component: Component | None = None
    payee: str = ""
    text: str = ""
    repair_id: int | None = None
    brought_by: str = ""


def enter(
    session: Session,
    actor: Actor,
    scope: Scope,
    entered: Entered,
    now: datetime,
    zone: tzinfo,
    reason: str = "",
) -> int:
    """A new entry, that waits for somebody else to approve it; returns its number.

    An expense of a repair that a warranty or a contract pays needs a ``reason``, which becomes part of its
    text: who approves it reads it. Raises ``FundingError`` for what cannot be so, and for points, programmes
    and contributors out of scope; ``ReasonError`` for a reason that is too long.
    """
    today = now.astimezone(zone).date()
    reach = Reach.load(session, scope, today)
    a_day(entered.dated, today, years_ahead=0)
    a_year(entered.budget_year, today)
    _check(entered)
    points = _points(session, reach, entered.shares)
    programme_id = _programme(session, reach, entered.programme)
    contributor_id = _contributor(session, reach, entered.contributor_id)
    if None in points and not reach.everything:
        _own(session, reach, programme_id, contributor_id)
    if entered.repair_id is not None:
        repair = session.get(Repair, entered.repair_id)
        if repair is None or repair.point_id not in points:
            raise FundingError(N_("The repair is of none of these points."))
        if entered.kind is Kind.EXPENSE and repair.payer and Payer(repair.payer).costs_nothing:
            entered = _beyond(entered, reason)
    entry = MoneyEntry(
        kind=str(entered.kind),
        dated=entered.dated,
        budget_year=entered.budget_year or entered.dated.year,
        programme_id=programme_id,
        contributor_id=contributor_id,
        givers=entered.givers,
        form=str(entered.form),
        component=str(entered.component or ""),
        payee=said(entered.payee, LONGEST_PAYEE),
        text=said(entered.text, LONGEST_TEXT),
        repair_id=entered.repair_id,
        brought_by=said(entered.brought_by, LONGEST_ORIGIN),
    )
    shares = dict(zip(points, (amount for _, amount in entered.shares), strict=True))
    return _write(session, actor, entry, shares, now, reason)


def approve(
    session: Session,
    actor: Actor,
    scope: Scope,
    entry_id: int,
    now: datetime,
    zone: tzinfo,
    reason: str = "",
) -> None:
    """From now on the entry counts. Raises ``FundingError`` where the same person entered it, where it was
    decided already, and where some of it lies out of scope: who approves it sees all of it.
    """
    entry = _waiting(session, scope, entry_id, now.astimezone(zone).date())
    if fold(entry.made_by) == fold(actor.name):
        raise FundingError(N_("Somebody else must approve it than who entered it."))
    _decide(session, actor, entry, State.APPROVED, now, reason)


def refuse(
    session: Session, actor: Actor, scope: Scope, entry_id: int, now: datetime, zone: tzinfo, *, reason: str
) -> None:
    """The entry never counts; who entered it may refuse it, too. Raises ``ReasonError``, ``FundingError``."""
    reason = audit.reason_of(reason)
    entry = _waiting(session, scope, entry_id, now.astimezone(zone).date())
    _decide(session, actor, entry, State.REFUSED, now, reason)


def reverse(
    session: Session, actor: Actor, scope: Scope, entry_id: int, now: datetime, zone: tzinfo, *, reason: str
) -> int:
    """An entry of today that takes an approved one back, once somebody else approves it; returns its number.

    It has the shares of the other, negated, and its kind, budget year, programme and contributor. Raises
    ``ReasonError``, and ``FundingError`` for what is not approved, was reversed, or reverses another.
    """
    reason = audit.reason_of(reason)
    today = now.astimezone(zone).date()
    former = _entry(session, scope, entry_id, today)
    if former.state != State.APPROVED:
        raise FundingError(N_("Only what was approved is reversed."))
    if former.reverses_id is not None:
        raise FundingError(N_("A reversing entry is not reversed; enter anew what holds."))
    others = select(MoneyEntry.id).where(
        MoneyEntry.reverses_id == former.id, MoneyEntry.state != State.REFUSED
    )
    if session.scalar(others) is not None:
        raise FundingError(N_("A reversing entry of it is there already."))
    same = ("kind", "budget_year", "programme_id", "contributor_id", "givers", "form", "component", "payee")
    entry = MoneyEntry(
        **{name: getattr(former, name) for name in (*same, "repair_id")},
        dated=max(today, former.dated),
        text=said(reason, LONGEST_TEXT),
        reverses_id=former.id,
    )
    shares = {
        share.point_id: None if share.amount is None else -share.amount
        for share in session.scalars(
            select(MoneyShare).where(MoneyShare.entry_id == former.id).order_by(MoneyShare.id)
        )
    }
    return _write(session, actor, entry, shares, now, reason)


# --- how it is done ---------------------------------------------------------------------------------


def _beyond(entered: Entered, reason: str) -> Entered:
    """An expense that a warranty or a contract does not cover, though it pays for the repair."""
    if not reason.strip():
        raise FundingError(
            N_("A warranty or a contract pays for this repair: say why money is spent on it all the same.")
        )
    return replace(entered, text="; ".join(filter(None, (entered.text.strip(), audit.reason_of(reason)))))


def _check(entered: Entered) -> None:
    codes = [code for code, _ in entered.shares]
    if not codes:
        raise FundingError(N_("An entry has an amount, known or not."))
    if len(codes) > MOST_SHARES or len(set(codes)) != len(codes):
        raise FundingError(
            N_("Each point has one share of an entry, of at most {limit} points."), limit=MOST_SHARES
        )
    for _, amount in entered.shares:
        if amount is not None and not 0 <= amount <= MOST:
            raise FundingError(N_("An amount is at least nothing; a mistake is reversed, not made negative."))
    if entered.kind is Kind.EXPENSE and entered.form is not Form.MONEY:
        raise FundingError(N_("Only money can be spent; things and work are contributions."))
    if entered.kind is Kind.EXPENSE and entered.component is None:
        raise FundingError(N_("Say what the money was spent on."))
    if entered.givers is not None and not 1 <= entered.givers <= MOST_GIVERS:
        raise FundingError(N_("At least one gave it, and at most {limit}."), limit=MOST_GIVERS)
    if entered.givers is not None and entered.kind is not Kind.CONTRIBUTION:
        raise FundingError(N_("Only of a contribution it is told how many gave it."))
    if entered.repair_id is not None and entered.kind not in (Kind.EXPENSE, Kind.CONTRIBUTION):
        raise FundingError(N_("Only expenses and contributions are of a repair."))


def _points(
    session: Session, reach: Reach, shares: Sequence[tuple[str | None, int | None]]
) -> list[int | None]:
    """The ids of the points of the shares, in their order."""
    codes = [code for code, _ in shares if code is not None]
    rows = session.execute(select(Point.code, Point.id).where(Point.code.in_(codes)))
    ids = {code: point_id for code, point_id in rows if reach.holds_point(point_id)}
    for code in codes:
        if code not in ids:
            raise FundingError(N_('There is no point with the code "{code}".'), code=code)
    return [None if code is None else ids[code] for code, _ in shares]


def _programme(session: Session, reach: Reach, code: str | None) -> int | None:
    if not code:
        return None
    found = session.scalar(select(Programme.id).where(Programme.code == code, reach.programme()))
    if found is None:
        raise FundingError(N_('There is no programme with the code "{code}".'), code=code)
    return found


def _contributor(session: Session, reach: Reach, contributor_id: int | None) -> int | None:
    if contributor_id is None:
        return None
    found = session.scalar(
        select(Contributor.id).where(Contributor.id == contributor_id, reach.contributor())
    )
    if found is None:
        raise FundingError(N_("There is no such contributor."))
    return found


def _own(session: Session, reach: Reach, programme_id: int | None, contributor_id: int | None) -> None:
    """What is no point's yet must be of a unit in reach: see ``reach``."""
    unit_id = None
    if programme_id is not None:
        unit_id = session.get_one(Programme, programme_id).unit_id
    if unit_id is None and contributor_id is not None:
        unit_id = session.get_one(Contributor, contributor_id).unit_id
    if not reach.holds_unit(unit_id):
        raise FundingError(N_("Say of which points it is, or of which programme of your unit."))


def _write(
    session: Session,
    actor: Actor,
    entry: MoneyEntry,
    shares: Mapping[int | None, int | None],
    now: datetime,
    reason: str,
) -> int:
    amounts = list(shares.values())
    entry.amount = None if None in amounts else sum(each for each in amounts if each is not None)
    if entry.amount is not None and abs(entry.amount) > MOST:
        raise FundingError(N_("An amount is at most {limit} đồng."), limit=MOST)
    entry.state, entry.made_at, entry.made_by = str(State.WAITING), now, actor.name
    session.add(entry)
    session.flush()
    session.add_all(
        MoneyShare(entry_id=entry.id, point_id=point_id, amount=amount) for point_id, amount in shares.items()
    )
    session.flush()
    detail = {"before": None, "after": _told(session, entry, shares)}
    audit.record(session, actor, Action.MONEY_ENTERED, f"money:{entry.id}", now, detail=detail, reason=reason)
    return entry.id


def _entry(session: Session, scope: Scope, entry_id: int, day: date) -> MoneyEntry:
    """The row, held against others. Raises ``FundingError`` where not all of it lies in scope."""
    reach = Reach.load(session, scope, day)
    found = session.scalar(
        select(MoneyEntry).where(MoneyEntry.id == entry_id, reach.entry()).with_for_update(of=MoneyEntry)
    )
    if found is None:
        raise FundingError(N_("There is no such entry."))
    if session.scalar(select(MoneyEntry.id).where(MoneyEntry.id == entry_id, reach.whole_entry())) is None:
        raise FundingError(N_("The entry concerns other units, too: who sees all of them decides on it."))
    return found


def _waiting(session: Session, scope: Scope, entry_id: int, day: date) -> MoneyEntry:
    entry = _entry(session, scope, entry_id, day)
    if entry.state != State.WAITING:
        raise FundingError(N_("It was decided by {who} already."), who=entry.decided_by)
    return entry


def _decide(
    session: Session, actor: Actor, entry: MoneyEntry, state: State, now: datetime, reason: str
) -> None:
    entry.state, entry.decided_at, entry.decided_by, entry.decision = str(state), now, actor.name, reason
    session.flush()
    action = Action.MONEY_APPROVED if state is State.APPROVED else Action.MONEY_REFUSED
    detail = {"before": {"state": str(State.WAITING)}, "after": {"state": str(state)}}
    audit.record(session, actor, action, f"money:{entry.id}", now, detail=detail, reason=reason)


def _told(session: Session, entry: MoneyEntry, shares: Mapping[int | None, int | None]) -> dict[str, Any]:
    """As the audit keeps it: points and programme by their codes, nobody by name."""
    codes = {
        row.id: row.code
        for row in session.execute(select(Point.id, Point.code).where(Point.id.in_([*shares])))
    }
    programme = session.get(Programme, entry.programme_id) if entry.programme_id is not None else None
    return {
        "kind": entry.kind,
        "dated": entry.dated,
        "budget_year": str(entry.budget_year),
        "programme": programme.code if programme is not None else "",
        "contributor": entry.contributor_id,
        "givers": entry.givers,
        "form": entry.form,
        "component": entry.component,
        "amount": entry.amount,
        "shares": {
            codes[point] if point is not None else UNALLOCATED: amount for point, amount in shares.items()
        },
        "payee": entry.payee,
        "text": entry.text,
        "repair": entry.repair_id,
        "reverses": entry.reverses_id,
        "brought_by": entry.brought_by,
    }
