"""The words people read for repairs: states, and who pays."""

from collections.abc import Mapping

from camera_registry.i18n import N_
from camera_registry.repairs.costs import Fund
from camera_registry.repairs.states import Payer, State

STATES: Mapping[State, str] = {
    State.REPORTED: N_("Reported broken"),
    State.WAITING_FOR_MONEY: N_("Waiting for money"),
    State.IN_REPAIR: N_("In repair"),
    State.DONE: N_("Repaired"),
    State.WRITTEN_OFF: N_("Not repaired any more"),
}

# As verbs, on buttons and in what a command says.
MOVES: Mapping[State, str] = {
    State.REPORTED: N_("Back to reported"),
    State.WAITING_FOR_MONEY: N_("Wait for money"),
    State.IN_REPAIR: N_("Begin the repair"),
    State.DONE: N_("Repair done"),
    State.WRITTEN_OFF: N_("Give up the repair"),
}

PAYERS: Mapping[Payer | None, str] = {
    Payer.WARRANTY: N_("Warranty"),
    Payer.CONTRACT: N_("Maintenance contract"),
    Payer.WARD: N_("The ward's budget"),
    Payer.CITY: N_("The city's budget"),
    Payer.CONTRIBUTORS: N_("Contributors"),
    None: N_("Nobody yet"),
}

FUNDS: Mapping[Fund, str] = {
    Fund.STATE: N_("State budget"),
    Fund.SOCIALISED: N_("Funded by the community"),
    Fund.MIXED: N_("Both"),
    Fund.UNKNOWN: N_("Not recorded"),
}
