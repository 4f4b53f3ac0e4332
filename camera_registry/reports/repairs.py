"""Repairs of a period: which wait for what, days of waiting for money and of repair, who pays, what cost."""

from collections.abc import Sequence
from datetime import datetime, tzinfo

from sqlalchemy.orm import Session

from camera_registry.i18n import N_, Language
from camera_registry.money import Sum
from camera_registry.repairs.reading import RepairRow
from camera_registry.repairs.states import OPEN, State, Times
from camera_registry.repairs.words import PAYERS, STATES
from camera_registry.reports.asked import Asked
from camera_registry.reports.ground import Ground, hardware, stand
from camera_registry.reports.money_parts import lines_of
from camera_registry.reports.repair_parts import days, every_table, up_to, within
from camera_registry.reports.value import Facts, Measure, Report, Table
from camera_registry.reports.worth import by_fund, measured, point_costs
from camera_registry.units import Scope


def build(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Report:
    """Those that were open at some time of the period, as they stood at its end. Raises ``AskedError``."""
    ground = stand(session, scope, asked, now, zone, language)
    rows = within(ground)
    stands = hardware(ground)
    found = measured(ground, stands)
    return ground.report(
        N_("Report on repairs"),
        (
            _totals(ground, rows),
            _by_state(ground, rows),
            _by_payer(ground, rows),
            every_table(ground, rows),
            by_fund(ground, found, point_costs(ground, lines_of(ground), stands, found)),
        ),
        wide=True,
    )


# --- how it is done ---------------------------------------------------------------------------------


def _totals(ground: Ground, rows: Sequence[RepairRow]) -> Facts:
    times = Times.together(row.times for row in rows)
    eyes = {eye for row in rows if row.open for eye in row.eyes}
    return ground.facts(
        "totals",
        up_to(ground, N_("Together")),
        (
            ground.fact("repairs", N_("Repairs"), len(rows), Measure.COUNT),
            ground.fact("open", N_("Open repairs"), sum(row.open for row in rows), Measure.COUNT),
            ground.fact("eyes", N_("Eyes that wait for a repair"), len(eyes), Measure.COUNT),
            ground.fact(
                "waiting_days",
                N_("Days waiting for money"),
                days(times.waiting_for_money),
                Measure.NUMBER,
                N_("Of all repairs together, since each was reported."),
            ),
            ground.fact(
                "repair_days",
                N_("Days in repair"),
                days(times.being_repaired),
                Measure.NUMBER,
                N_("Of all repairs together, since each was reported."),
            ),
            ground.fact(
                "spent", N_("Spent"), _spent(rows), Measure.DONG, N_("What was approved in the ledger.")
            ),
        ),
    )


def _by_state(ground: Ground, rows: Sequence[RepairRow]) -> Table:
    columns = (
        ground.column("state", N_("State"), weight=2),
        ground.column("repairs", N_("Repairs"), Measure.COUNT),
        ground.column("points", N_("Points"), Measure.COUNT),
        ground.column("days", N_("Days in this state"), Measure.NUMBER),
        ground.column("asked", N_("Quotation"), Measure.DONG),
        ground.column("spent", N_("Spent"), Measure.DONG),
    )

    def told(
        name: str, some: Sequence[RepairRow], lasted: float | None
    ) -> tuple[str | int | float | Sum | None, ...]:
        asked = Sum.of(row.asked for row in some)
        return name, len(some), len({row.point for row in some}), lasted, asked, _spent(some)

    times = Times.together(row.times for row in rows)
    by_state = {state: [row for row in rows if row.state is state] for state in State}
    return ground.table(
        "states",
        up_to(ground, N_("By state")),
        columns,
        (
            told(ground.say(STATES[state]), some, days(times.of(state)) if state in OPEN else None)
            for state, some in by_state.items()
        ),
        told(ground.say(N_("Together")), rows, None),
        (N_("Days are of all repairs together: also of those that have left this state since."),),
    )


def _by_payer(ground: Ground, rows: Sequence[RepairRow]) -> Table:
    columns = (
        ground.column("payer", N_("Who pays"), weight=2),
        ground.column("repairs", N_("Repairs"), Measure.COUNT),
        ground.column("open", N_("Open repairs"), Measure.COUNT),
        ground.column("spent", N_("Spent"), Measure.DONG),
    )
    told = [
        (ground.say(PAYERS[payer]), len(some), sum(row.open for row in some), _spent(some))
        for payer in PAYERS
        if (some := [row for row in rows if row.payer is payer])
    ]
    total = (ground.say(N_("Together")), len(rows), sum(row.open for row in rows), _spent(rows))
    return ground.table("payers", N_("By who pays"), columns, told, total)


def _spent(rows: Sequence[RepairRow]) -> Sum:
    return sum((row.cost.spent for row in rows), Sum())
