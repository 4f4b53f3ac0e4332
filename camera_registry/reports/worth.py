"""What points did since monitoring has figures, and what a usable day of their eyes costs.

Costs count from the beginning, days only from when monitoring began, and it is said so. What the State paid
for and what the people did are never put into one mean: see ``repairs.costs``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import func, select

from camera_registry import figures
from camera_registry.figures import Figure, Group
from camera_registry.funding.sums import Line
from camera_registry.i18n import N_
from camera_registry.models import Transition
from camera_registry.money import Sum
from camera_registry.periods import midnight
from camera_registry.repairs.costs import DAY_US, PointCost, per_eye_day, point_cost
from camera_registry.repairs.words import FUNDS
from camera_registry.reports.ground import Ground, Hardware, all_of
from camera_registry.reports.value import Facts, Measure, Table, Value
from camera_registry.uptime import Span, Tally


@dataclass(frozen=True, slots=True)
class Measured:
    """The figures of each point, by its code, and the day from which they are counted."""

    since: date
    figures: Mapping[str, Figure]

    def tally(self, code: str) -> Tally:
        return self.figures[code].tally if code in self.figures else Tally()

    @property
    def total(self) -> Tally:
        return sum((each.tally for each in self.figures.values()), Tally())


def measured(ground: Ground, stands: Mapping[int, Hardware]) -> Measured:
    """From commissioning, or from when anything was first heard, until the end of the period."""
    end = ground.span.end
    first: datetime | None = ground.session.scalar(select(func.min(Transition.at)))
    heard = (first or end).astimezone(ground.zone).date()
    since = max(all_of(stands.values()).commissioned_on or heard, heard)
    start = min(midnight(since, ground.zone), end).astimezone(UTC)
    found = figures.availability(
        *(ground.session, ground.scope, ground.now, ground.zone, Span(start, end)),
        *(Group.POINT, ground.asked.day_of_units),
        point=ground.asked.point or None,
    )
    codes = ground.codes
    return Measured(since, {each.key: each for each in found if each.key in codes})


def point_costs(
    ground: Ground, lines: Sequence[Line], stands: Mapping[int, Hardware], found: Measured
) -> dict[str, PointCost]:
    """Of each point that stands there, by its code."""
    of_point: dict[str, list[Line]] = {}
    for line in lines:
        of_point.setdefault(line.point, []).append(line)
    return {
        place.code: point_cost(
            *(place.code, place.funding, of_point.get(place.code, ()), stands[place.id].eyes),
            found.tally(place.code),
        )
        for place in ground.places.values()
    }


def worked(ground: Ground, found: Measured, costs: Mapping[str, PointCost]) -> Table:
    """Point by point: how much it worked, and what that cost."""
    columns = (
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=2),
        ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.7),
        ground.column("availability", N_("Availability"), Measure.SHARE),
        ground.column("coverage", N_("Coverage"), Measure.SHARE),
        ground.column("usable", N_("Usable rate"), Measure.SHARE),
        ground.column("usable_days", N_("Usable eye-days"), Measure.NUMBER),
        ground.column("fund", N_("Paid for by"), weight=1.2),
        ground.column("cost", N_("Cost so far"), Measure.DONG, 1.4),
        ground.column("per_day", N_("Cost of a usable eye-day"), Measure.DONG, 1.2),
    )
    rows: list[tuple[Value, ...]] = []
    for place in ground.places.values():
        tally, cost = found.tally(place.code), costs[place.code]
        rows.append(
            (
                *(place.code, place.name, cost.eyes, tally.availability, tally.coverage, tally.usable_rate),
                *(_days(cost.usable_us), ground.say(FUNDS[cost.fund]), cost.cost, _dong(cost.per_day)),
            )
        )
    return ground.table(
        "worked",
        ground.say(
            N_("What the points did since there are monitoring figures ({day})"), day=ground.day(found.since)
        ),
        columns,
        rows,
        notes=(_since(ground, found),),
    )


def by_fund(ground: Ground, found: Measured, costs: Mapping[str, PointCost]) -> Table:
    """The same, fund by fund; there is no sum over funds."""
    columns = (
        ground.column("fund", N_("Paid for by"), weight=2),
        ground.column("points", N_("Points"), Measure.COUNT, 0.7),
        ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.7),
        ground.column("usable_days", N_("Usable eye-days"), Measure.NUMBER),
        ground.column("coverage", N_("Coverage of the usable rate"), Measure.SHARE),
        ground.column("cost", N_("Cost so far"), Measure.DONG, 1.4),
        ground.column("counted", N_("Points whose cost is known"), Measure.COUNT, 0.9),
        ground.column("per_day", N_("Cost of a usable eye-day"), Measure.DONG, 1.2),
    )
    rows = [
        (
            *(ground.say(FUNDS[fund]), each.points, each.eyes, _days(each.usable_us), each.coverage),
            *(each.cost, each.counted, _dong(each.per_day)),
        )
        for fund, each in per_eye_day(costs.values()).items()
    ]
    return ground.table(
        "funds",
        N_("Cost of a usable eye-day, by who paid"),
        columns,
        rows,
        notes=(
            N_("State budget and funding by the community are never put into one average."),
            N_("What a day costs is told of the points alone whose cost is wholly known."),
            _since(ground, found),
        ),
    )


def worked_facts(ground: Ground, found: Measured, costs: Mapping[str, PointCost]) -> Facts:
    """The same of all points together, without a mean over funds."""
    total = found.total
    days = sum(cost.usable_us for cost in costs.values())
    return ground.facts(
        "worth",
        ground.say(N_("Since there are monitoring figures ({day})"), day=ground.day(found.since)),
        (
            ground.fact("since", N_("Counted since"), found.since, Measure.DAY),
            ground.fact("availability", N_("Availability"), total.availability, Measure.SHARE),
            ground.fact("coverage", N_("Coverage"), total.coverage, Measure.SHARE),
            ground.fact("usable", N_("Usable rate"), total.usable_rate, Measure.SHARE),
            ground.fact("usable_days", N_("Usable eye-days"), _days(days), Measure.NUMBER),
        ),
    )


# --- how it is done ---------------------------------------------------------------------------------


def _since(ground: Ground, found: Measured) -> str:
    return ground.say(
        N_("Costs count from the beginning, eye-days only from {day}: the cost of a day will go on falling."),
        day=ground.day(found.since),
    )


def _days(microseconds: int) -> float:
    return round(microseconds / DAY_US, 1)


def _dong(amount: int | None) -> Sum | None:
    return None if amount is None else Sum(amount)
