"""What the lines of the funding ledger sum to: estimate, collected, spent, balance, settled. Pure.

Only money can be spent: the balance is of money alone, beside what was given as things, work, or at a value.
Nothing is ever averaged across what the State's budget and what the people paid.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeVar

from camera_registry.funding.kinds import Component, Form, Kind, Source
from camera_registry.money import Sum

Key = TypeVar("Key", bound=Hashable)

NOTHING = Sum()


@dataclass(frozen=True, slots=True)
class Line:
    """One point's share of one approved entry. Empty texts and ``None``: not recorded, or not yet any's.

    ``unit_uid`` and ``unit`` (its name) are of the unit that the point belongs to on the day asked for, or
    that the share is of where it is no point's yet. ``amount`` in đồng is ``None`` where nobody knows it.
    ``givers`` gave the whole entry together.
    """

    entry: int
    kind: Kind
    dated: date
    year: int
    form: Form
    amount: int | None
    programme: str = ""
    contributor: int | None = None
    source: Source | None = None
    givers: int | None = None
    component: Component | None = None
    point: str = ""
    unit_uid: str = ""
    unit: str = ""
    repair: int | None = None


@dataclass(frozen=True, slots=True)
class Totals:
    """What some lines sum to. ``collected`` has what was left before and what was given, in every form."""

    estimate: Sum = NOTHING
    opening: Sum = NOTHING
    contributed: Sum = NOTHING
    spent: Sum = NOTHING
    settled: Sum = NOTHING
    cost: Sum = NOTHING  # spent on what lasts, and things and work given for it
    by_source: Mapping[Source | None, Sum] = field(default_factory=dict)  # of collected
    by_form: Mapping[Form, Sum] = field(default_factory=dict)  # of collected
    estimated_by_component: Mapping[Component | None, Sum] = field(default_factory=dict)
    spent_by_component: Mapping[Component | None, Sum] = field(default_factory=dict)

    @property
    def collected(self) -> Sum:
        return self.opening + self.contributed

    @property
    def money(self) -> Sum:
        """What was collected as money, and so can be spent."""
        return self.by_form.get(Form.MONEY, NOTHING)

    @property
    def given(self) -> Sum:
        """What was collected in other forms: it is worth so much, and cannot be spent."""
        return _where(self.by_form, lambda form: form is not Form.MONEY)

    @property
    def balance(self) -> Sum:
        """Money that is left."""
        return self.money - self.spent

    @property
    def from_state(self) -> Sum:
        """What of ``collected`` levels of the State's budget gave."""
        return _where(self.by_source, lambda source: source is not None and source.of_the_state)

    @property
    def from_people(self) -> Sum:
        """What of ``collected`` households, businesses, organisations and donors gave."""
        return _where(self.by_source, lambda source: source is not None and not source.of_the_state)

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(
            self.estimate + other.estimate,
            self.opening + other.opening,
            self.contributed + other.contributed,
            self.spent + other.spent,
            self.settled + other.settled,
            self.cost + other.cost,
            _both(self.by_source, other.by_source),
            _both(self.by_form, other.by_form),
            _both(self.estimated_by_component, other.estimated_by_component),
            _both(self.spent_by_component, other.spent_by_component),
        )


def entered(amount: Sum) -> Sum | None:
    """An estimate, or what was settled; ``None`` where nobody entered any: it was not nothing."""
    return None if amount == NOTHING else amount


# What is told of money, and how it is read of the totals of one point of which anything is in the ledger.
TOLD: Final[Mapping[str, Callable[[Totals], Sum | None]]] = {
    "estimate": lambda of: entered(of.estimate),
    "opening": lambda of: of.opening,
    "contributed": lambda of: of.contributed,
    "collected": lambda of: of.collected,
    "from_state": lambda of: of.from_state,
    "from_people": lambda of: of.from_people,
    "money": lambda of: of.money,
    "given": lambda of: of.given,
    "spent": lambda of: of.spent,
    "balance": lambda of: of.balance,
    "settled": lambda of: entered(of.settled),
}


def over_points(lines: Iterable[Line], points: Collection[str]) -> dict[str, Sum | None]:
    """All of ``TOLD`` over the points of these codes, and over what is no point's yet.

    Of a point of which nothing stands in the ledger nothing is known, so it counts in each sum as a part that
    nobody knows; in that of estimates and of settlements each point without one does. ``None``: nothing is
    known of the one point that there is.
    """
    groups = grouped(lines, lambda line: line.point)
    homeless = groups.get("")

    def over(read: Callable[[Totals], Sum | None]) -> Sum | None:
        parts = [read(groups[point]) if point in groups else None for point in points]
        if homeless is not None:
            parts.append(read(homeless) or NOTHING)  # an estimate of no point: there is none
        if len(parts) == 1:
            return parts[0]
        return sum((Sum(unknown=1) if part is None else part for part in parts), NOTHING)

    return {name: over(read) for name, read in TOLD.items()}


def unknown_parts(told: Mapping[str, Sum | None]) -> int:
    """How many parts nobody knows of what ``over_points`` tells: estimated, collected, spent, settled."""
    counted = (told[name] for name in ("estimate", "collected", "spent", "settled"))
    return sum(1 if each is None else each.unknown for each in counted)


def totals(lines: Iterable[Line]) -> Totals:
    """What all these lines sum to."""
    kinds: dict[Kind, Sum] = {}
    cost = NOTHING
    by_source: dict[Source | None, Sum] = {}
    by_form: dict[Form, Sum] = {}
    estimated: dict[Component | None, Sum] = {}
    spent: dict[Component | None, Sum] = {}
    for line in lines:
        amount = Sum.of([line.amount])
        _add(kinds, line.kind, amount)
        if line.kind in (Kind.OPENING, Kind.CONTRIBUTION):
            _add(by_source, line.source, amount)
            _add(by_form, line.form, amount)
        elif line.kind is Kind.ESTIMATE:
            _add(estimated, line.component, amount)
        elif line.kind is Kind.EXPENSE:
            _add(spent, line.component, amount)
        if lasting(line):
            cost += amount
    return Totals(
        estimate=kinds.get(Kind.ESTIMATE, NOTHING),
        opening=kinds.get(Kind.OPENING, NOTHING),
        contributed=kinds.get(Kind.CONTRIBUTION, NOTHING),
        spent=kinds.get(Kind.EXPENSE, NOTHING),
        settled=kinds.get(Kind.SETTLEMENT, NOTHING),
        cost=cost,
        by_source=by_source,
        by_form=by_form,
        estimated_by_component=estimated,
        spent_by_component=spent,
    )


def grouped(lines: Iterable[Line], key: Callable[[Line], Key]) -> dict[Key, Totals]:
    """The totals of the lines of each key, in the order in which the keys come."""
    groups: dict[Key, list[Line]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return {each: totals(some) for each, some in groups.items()}


def lasting(line: Line) -> bool:
    """Whether it is part of what a point is worth: bought, built or given, not used up, nor mended."""
    if line.repair is not None or (line.component is not None and not line.component.lasting):
        return False
    if line.kind is Kind.EXPENSE:
        return line.component is not None
    return line.kind is Kind.CONTRIBUTION and line.form is not Form.MONEY


def _add(sums: dict[Key, Sum], key: Key, amount: Sum) -> None:
    sums[key] = sums.get(key, NOTHING) + amount


def _both(one: Mapping[Key, Sum], other: Mapping[Key, Sum]) -> dict[Key, Sum]:
    return {key: one.get(key, NOTHING) + other.get(key, NOTHING) for key in dict.fromkeys([*one, *other])}


def _where(sums: Mapping[Key, Sum], chosen: Callable[[Key], bool]) -> Sum:
    return sum((each for key, each in sums.items() if chosen(key)), NOTHING)
