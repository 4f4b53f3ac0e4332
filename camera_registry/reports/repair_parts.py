"""The parts of reports that tell of repairs: which wait for what, for how long, and who pays."""

from collections.abc import Sequence
from datetime import timedelta

from camera_registry.funding.words import COMPONENTS
from camera_registry.i18n import N_
from camera_registry.money import Sum
from camera_registry.repairs import reading
from camera_registry.repairs.reading import RepairRow
from camera_registry.repairs.states import OPEN, State, Times
from camera_registry.repairs.words import PAYERS, STATES
from camera_registry.reports.ground import Ground
from camera_registry.reports.value import Measure, Table, Value

DAY_S = 86_400


def within(ground: Ground, states: Sequence[State] = tuple(State)) -> list[RepairRow]:
    """The repairs of the points asked about that were open at some time of the period, as of its end."""
    found = reading.board(
        *(ground.session, ground.scope, ground.now, ground.zone),
        states=states,
        within=ground.span,
    )
    codes = ground.codes
    return [row for row in found if row.point in codes]


def standing(ground: Ground) -> list[RepairRow]:
    """Those of them that are open at the end of the period."""
    return within(ground, OPEN)


def open_table(ground: Ground, rows: Sequence[RepairRow]) -> Table:
    """Repairs that are not done: in which state, since when, who pays."""
    columns = (
        ground.column("repair", N_("Repair"), Measure.IDENTIFIER, 0.6),
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=2),
        ground.column("fault", N_("Fault"), weight=2.5),
        ground.column("state", N_("State"), weight=1.3),
        ground.column("since", N_("Since"), Measure.MOMENT),
        ground.column("broken", N_("Days broken"), Measure.NUMBER, 0.8),
        ground.column("payer", N_("Who pays"), weight=1.3),
        ground.column("asked", N_("Quotation"), Measure.DONG, 1.2),
    )
    told = [
        (
            *(row.id, row.point, row.point_name, row.fault, ground.say(STATES[row.state]), row.since),
            *(days(row.times.broken), ground.say(PAYERS[row.payer]), Sum.of([row.asked])),
        )
        for row in rows
    ]
    return ground.table("repairs", up_to(ground, N_("Open repairs")), columns, told)


def every_table(ground: Ground, rows: Sequence[RepairRow]) -> Table:
    """Every repair with the days that it was in each state, and its cost."""
    columns = (
        ground.column("repair", N_("Repair"), Measure.IDENTIFIER, 0.6),
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=2),
        ground.column("unit", N_("Administrative unit"), weight=1.3),
        ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.6),
        ground.column("fault", N_("Fault"), weight=2.5),
        ground.column("component", N_("Component")),
        ground.column("opened", N_("Reported broken at"), Measure.MOMENT),
        ground.column("state", N_("State"), weight=1.3),
        ground.column("reported_days", N_("Days reported"), Measure.NUMBER, 0.8),
        ground.column("waiting_days", N_("Days waiting for money"), Measure.NUMBER, 0.8),
        ground.column("repair_days", N_("Days in repair"), Measure.NUMBER, 0.8),
        ground.column("payer", N_("Who pays"), weight=1.3),
        ground.column("spent", N_("Spent"), Measure.DONG, 1.2),
    )
    told: list[tuple[Value, ...]] = [
        (
            *(row.id, row.point, row.point_name, row.unit, len(row.eyes), row.fault),
            None if row.component is None else ground.say(COMPONENTS[row.component]),
            *(row.opened_at, ground.say(STATES[row.state]), *_days(row.times)),
            *(ground.say(PAYERS[row.payer]), row.cost.spent),
        )
        for row in rows
    ]
    times = Times.together(row.times for row in rows)
    blank: tuple[Value, ...] = (None,)
    spent = sum((row.cost.spent for row in rows), Sum())
    total = (*blank * 2, ground.say(N_("Together")), *blank * 6, *_days(times), None, spent)
    return ground.table("repairs", up_to(ground, N_("Repairs")), columns, told, total)


def up_to(ground: Ground, title: str) -> str:
    """``title`` (a msgid) of a part that counts days, with the day that they end with."""
    last = min(ground.asked.last, ground.today)
    return ground.say(N_("{title} (days up to {day})"), title=ground.say(title), day=ground.day(last))


def days(lasted: timedelta) -> float:
    """Days, with one decimal."""
    return round(lasted.total_seconds() / DAY_S, 1)


def _days(times: Times) -> tuple[float, float, float]:
    return days(times.of(State.REPORTED)), days(times.waiting_for_money), days(times.being_repaired)
