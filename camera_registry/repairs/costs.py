"""What repairs cost, as the funding ledger has it; and what a usable day of an eye costs, fund by fund.

The cost of a repair is what was approved as spent on it. What the State's budget paid for and what the people
paid for are never put into one average: the one buys poles, lines and a centre, the other a camera on a wall.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models, queries
from camera_registry.audit import Actor
from camera_registry.errors import RegistryError
from camera_registry.funding import entries
from camera_registry.funding.entries import Entered
from camera_registry.funding.kinds import Component, Form, Kind, Source
from camera_registry.funding.kinds import State as Approval
from camera_registry.funding.reach import Reach
from camera_registry.funding.sums import NOTHING, Line, totals
from camera_registry.i18n import N_
from camera_registry.inventory import Funding
from camera_registry.money import Sum
from camera_registry.repairs import deeds
from camera_registry.repairs.states import Payer
from camera_registry.units import Scope
from camera_registry.uptime import Tally

DAY_US = 86_400_000_000  # microseconds
AT_ONCE = 1_000  # repairs of which a query asks


class Fund(StrEnum):
    """Whose money a point was made and kept with."""

    STATE = "state_budget"
    SOCIALISED = "socialised"
    MIXED = "mixed"  # both gave to it
    UNKNOWN = "unknown"


class CostError(RegistryError):
    """The expense of a repair cannot be made."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a repair has cost: money ``spent`` and things and work ``given`` for it, as approved; ``waiting``
    is the money that was entered and is not approved yet."""

    spent: Sum = NOTHING
    given: Sum = NOTHING
    waiting: Sum = NOTHING


@dataclass(frozen=True, slots=True)
class PointCost:
    """What a point has cost, by whom, and for how long its eyes delivered usable pictures (microseconds).

    ``cost`` is money spent on it, and things and work given; one part of it unknown where the ledger has
    neither. ``pictured_us`` is the time of which it is known whether the eyes were usable, ``in_service_us``
    all that they should have been: what lies between is no usable time here.
    """

    point: str
    fund: Fund
    eyes: int
    cost: Sum
    usable_us: int
    pictured_us: int
    in_service_us: int

    @property
    def per_day(self) -> int | None:
        """Đồng a usable day of an eye; ``None`` where not all of the cost is known, or no day was usable."""
        return _per_day(self.cost.known, self.usable_us) if self.cost.whole else None


@dataclass(frozen=True, slots=True)
class EyeDays:
    """The points of one fund together. ``counted`` are those whose cost is known as a whole: of them alone
    is ``per_day``, which ``counted_cost`` (đồng) and ``counted_us`` make."""

    fund: Fund
    points: int
    eyes: int
    cost: Sum
    usable_us: int
    pictured_us: int
    in_service_us: int
    counted: int
    counted_cost: int
    counted_us: int

    @property
    def coverage(self) -> float | None:
        """Of how much of the time in service it is known whether the eyes were usable."""
        return self.pictured_us / self.in_service_us if self.in_service_us else None

    @property
    def per_day(self) -> int | None:
        """Đồng a usable day of an eye; ``None`` where no day was usable."""
        return _per_day(self.counted_cost, self.counted_us)


def per_eye_day(points: Iterable[PointCost]) -> Mapping[Fund, EyeDays]:
    """The points put together by their fund, in the order of ``Fund``; there is no sum over funds. Pure."""
    by_fund: dict[Fund, list[PointCost]] = defaultdict(list)
    for point in points:
        by_fund[point.fund].append(point)
    return {fund: _eye_days(fund, by_fund[fund]) for fund in Fund if fund in by_fund}


def point_cost(point: str, funding: str, lines: Iterable[Line], eyes: int, tally: Tally) -> PointCost:
    """One point, from its lines of the ledger and what its eyes did in the same time. Pure.

    ``funding`` is the slug of the registry, which tells whose money it was where the ledger does not.
    """
    own = list(lines)
    summed = totals(own)
    paid = [line for line in own if line.kind is Kind.EXPENSE or _given(line)]
    cost = summed.spent + summed.given if paid else Sum(unknown=1)
    fund = _fund_of(own) or _REGISTERED.get(funding, Fund.UNKNOWN)
    return PointCost(point, fund, eyes, cost, tally.usable, tally.pictured, tally.in_service)


def _eye_days(fund: Fund, points: Collection[PointCost]) -> EyeDays:
    counted = [each for each in points if each.cost.whole]
    return EyeDays(
        fund,
        len(points),
        sum(each.eyes for each in points),
        sum((each.cost for each in points), NOTHING),
        sum(each.usable_us for each in points),
        sum(each.pictured_us for each in points),
        sum(each.in_service_us for each in points),
        len(counted),
        sum(each.cost.known for each in counted),
        sum(each.usable_us for each in counted),
    )


def _per_day(cost: int, usable_us: int) -> int | None:
    """Rounded half up, in whole numbers: floats would tell đồng that nobody paid."""
    return (cost * DAY_US * 2 + usable_us) // (2 * usable_us) if usable_us > 0 else None


def _given(line: Line) -> bool:
    return line.kind in (Kind.OPENING, Kind.CONTRIBUTION) and line.form is not Form.MONEY


def _fund_of(lines: Iterable[Line]) -> Fund | None:
    sources = {line.source for line in lines if line.source is not None}
    state = any(source.of_the_state for source in sources)
    people = any(not source.of_the_state for source in sources)
    if state and people:
        return Fund.MIXED
    return Fund.STATE if state else Fund.SOCIALISED if people else None


_REGISTERED: Mapping[str, Fund] = {
    Funding.STATE: Fund.STATE,
    Funding.CITY: Fund.STATE,
    Funding.COMMUNE: Fund.STATE,
    Funding.SOCIALISED: Fund.SOCIALISED,
    Funding.SPONSORED: Fund.SOCIALISED,
    Funding.MIXED: Fund.MIXED,
}


# --- of repairs -------------------------------------------------------------------------------------


def of_repairs(session: Session, scope: Scope, day: date, numbers: Collection[int]) -> dict[int, Cost]:
    """What each of these repairs has cost, as far as it lies in scope; nothing of those without an entry.

    An entry and the one that reverses it are both as if they had never been.
    """
    reach = Reach.load(session, scope, day)
    entry, share = models.MoneyEntry, models.MoneyShare
    amounts: dict[tuple[int, str], list[int | None]] = defaultdict(list)
    ordered = sorted(numbers)
    for first in range(0, len(ordered), AT_ONCE):
        rows = session.execute(
            select(entry.id, entry.repair_id, entry.kind, entry.form, entry.state, entry.reverses_id)
            .add_columns(share.amount)
            .join(share, share.entry_id == entry.id)
            .where(entry.repair_id.in_(ordered[first : first + AT_ONCE]), reach.share())
            .where(entry.state != Approval.REFUSED)
        ).all()
        back = {row.reverses_id for row in rows if row.reverses_id and row.state == Approval.APPROVED}
        for row in rows:
            if row.id in back or row.reverses_id in back:
                continue
            if row.state == Approval.WAITING:
                where = "waiting" if row.form == Form.MONEY and row.kind == Kind.EXPENSE else ""
            elif row.kind == Kind.EXPENSE:
                where = "spent"
            else:
                where = "given" if row.form != Form.MONEY else ""
            amounts[row.repair_id, where].append(row.amount)
    return {
        number: Cost(*(Sum.of(amounts.get((number, where), ())) for where in ("spent", "given", "waiting")))
        for number in {number for number, _ in amounts}
    }


def entries_of(session: Session, scope: Scope, day: date, number: int) -> tuple[int, ...]:
    """The numbers of the ledger's entries for a repair, those in scope in any state; oldest first."""
    entry, reach = models.MoneyEntry, Reach.load(session, scope, day)
    found = select(entry.id).where(entry.repair_id == number, reach.entry()).order_by(entry.id)
    return tuple(session.scalars(found))


def prefilled(session: Session, scope: Scope, number: int, now: datetime, zone: tzinfo) -> Entered:
    """The expense of a repair as its chosen quotation has it, dated today: for a form, or for ``spend``.

    Raises ``NoSuchRepair``, and ``CostError`` where no quotation was chosen, or a warranty or contract pays.
    """
    repair = deeds.taken(session, scope, number, now, zone)
    if repair.payer and Payer(repair.payer).costs_nothing:
        raise CostError(N_("Who pays is a warranty or a contract: nothing is spent on it."))
    row = models.Quotation
    chosen = session.scalar(select(row).where(row.repair_id == number, row.chosen))
    if chosen is None:
        raise CostError(N_("No quotation of this repair was chosen yet."))
    point = session.get_one(models.Point, repair.point_id)
    return Entered(
        kind=Kind.EXPENSE,
        dated=now.astimezone(zone).date(),
        shares=((point.code, chosen.amount),),
        contributor_id=_giver(session, scope, repair, now.astimezone(zone).date()),
        component=Component(repair.component) if repair.component else Component.MAINTENANCE,
        payee=chosen.party,
        text=repair.fault[: entries.LONGEST_TEXT],
        repair_id=number,
    )


def spend(
    session: Session,
    actor: Actor,
    scope: Scope,
    number: int,
    now: datetime,
    zone: tzinfo,
    *,
    dated: date | None = None,
    reason: str = "",
) -> int:
    """Enter the expense of a repair, by its chosen quotation; returns the number of the entry.

    It waits for somebody else's approval. Raises ``CostError`` also where one is in the ledger already:
    what is paid besides is entered there.
    """
    entered = prefilled(session, scope, number, now, zone)
    if any(sum_ != NOTHING for sum_ in _paid(of_repairs(session, scope, entered.dated, [number]), number)):
        raise CostError(N_("An expense of this repair is in the ledger already."))
    return entries.enter(
        session, actor, scope, replace(entered, dated=dated or entered.dated), now, zone, reason
    )


def _paid(costs: Mapping[int, Cost], number: int) -> tuple[Sum, Sum]:
    cost = costs.get(number, Cost())
    return cost.spent, cost.waiting


def _giver(session: Session, scope: Scope, repair: models.Repair, day: date) -> int | None:
    """Whose money it is: the budget that pays, of the point's own unit or else of none, where it is one."""
    row, reach = models.Contributor, Reach.load(session, scope, day)
    levels = _LEVELS.get(repair.payer, ())
    known = session.execute(
        select(row.id, row.unit_id).where(row.kind.in_(levels), reach.contributor())
    ).all()
    _, units = queries.homes(session, day).get(repair.point_id, (0, frozenset()))
    own = [each.id for each in known if each.unit_id in units]
    found = own or [each.id for each in known if each.unit_id is None]
    return found[0] if len(found) == 1 else None


_LEVELS: Mapping[str, tuple[Source, ...]] = {
    Payer.WARD: (Source.COMMUNE,),
    Payer.CITY: (Source.CITY, Source.PROVINCE),
}
