"""The words people read for the slugs of the funding ledger; and how somebody is named to residents."""

from collections.abc import Mapping
from datetime import date

from camera_registry.funding.basis import Missing
from camera_registry.funding.kinds import Component, Duty, Form, Kind, Paper, Source, State
from camera_registry.i18n import N_, Language, translate

KINDS: Mapping[Kind, str] = {
    Kind.ESTIMATE: N_("Estimate"),
    Kind.OPENING: N_("Opening balance"),
    Kind.CONTRIBUTION: N_("Contribution"),
    Kind.EXPENSE: N_("Expense"),
    Kind.SETTLEMENT: N_("Settlement"),
}

SOURCES: Mapping[Source, str] = {
    Source.CENTRAL: N_("Central budget"),
    Source.PROVINCE: N_("Provincial budget"),
    Source.CITY: N_("City budget"),
    Source.COMMUNE: N_("Commune budget"),
    Source.HOUSEHOLD: N_("Household"),
    Source.BUSINESS: N_("Business"),
    Source.ORGANISATION: N_("Organisation"),
    Source.DONOR: N_("Donor"),
}

FORMS: Mapping[Form, str] = {
    Form.MONEY: N_("Money"),
    Form.IN_KIND: N_("In kind"),
    Form.LABOUR: N_("Labour"),
    Form.VALUED: N_("Valued property"),
}

COMPONENTS: Mapping[Component, str] = {
    Component.CAMERA: N_("Camera"),
    Component.POLE: N_("Pole and cabinet"),
    Component.LINE: N_("Transmission line"),
    Component.STORAGE: N_("Storage"),
    Component.CENTRE: N_("Centre"),
    Component.ELECTRICITY: N_("Electricity"),
    Component.INTERNET: N_("Internet"),
    Component.MAINTENANCE: N_("Maintenance"),
}

STATES: Mapping[State, str] = {
    State.WAITING: N_("Waiting for approval"),
    State.APPROVED: N_("Approved"),
    State.REFUSED: N_("Refused"),
}

PAPERS: Mapping[Paper, str] = {
    Paper.DECISION: N_("Decision"),
    Paper.MINUTES: N_("Minutes of a meeting"),
    Paper.ACCEPTANCE: N_("Record of acceptance"),
    Paper.SETTLEMENT: N_("Settlement"),
    Paper.HAND_OVER: N_("Minutes of the hand-over"),
    Paper.OWNERSHIP: N_("Decision on ownership"),
    Paper.CONTRACT: N_("Contract"),
    Paper.INVOICE: N_("Invoice"),
    Paper.QUOTATION: N_("Quotation"),
    Paper.PHOTO: N_("Photo"),
    Paper.OTHER: N_("Other paper"),
}

DUTIES: Mapping[Duty, str] = {
    Duty.WARRANTY: N_("Warranty"),
    Duty.MAINTENANCE: N_("Maintenance contract"),
}

MISSING: Mapping[Missing, str] = {
    Missing.MANAGER: N_("Who manages it"),
    Missing.ELECTRICITY: N_("Who pays electricity"),
    Missing.INTERNET: N_("Who pays Internet"),
    Missing.SOURCE: N_("Who paid for it"),
    Missing.DECISION: N_("The decision or the minutes"),
    Missing.OWNERSHIP: N_("The paper of the hand-over or of ownership"),
    Missing.WARRANTY: N_("Until when its warranty lasts"),
    Missing.CONTRACTOR: N_("Who built it"),
}

NOT_RECORDED = N_("Not recorded")  # of a source or a component that an entry does not name
UNALLOCATED = N_("Not allocated to a point yet")
NO_BOOKS = N_("This is a register of funding; it does not replace the accounts.")


def source(kind: Source | None, language: Language) -> str:
    return translate(NOT_RECORDED if kind is None else SOURCES[kind], language)


def component(kind: Component | None, language: Language) -> str:
    return translate(NOT_RECORDED if kind is None else COMPONENTS[kind], language)


def public_name(
    kind: Source, name: str, group: str, consent_on: date | None, day: date, language: Language
) -> str:
    """How a contributor is named to residents on ``day``: a private person by name only where he had
    consented by then, else as a household or a donor of a residential group.
    """
    if not kind.private or (consent_on is not None and consent_on <= day):
        return name
    said = translate(SOURCES[kind], language)
    return f"{said}, {group}" if group else said
