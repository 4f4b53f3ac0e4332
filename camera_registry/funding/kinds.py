"""What the words of the funding ledger mean; one slug for the database, for files and for translation."""

from enum import StrEnum


class Kind(StrEnum):
    """What an entry says."""

    ESTIMATE = "estimate"  # what it was to cost
    OPENING = "opening"  # what was left when this ledger began
    CONTRIBUTION = "contribution"  # collected, or given
    EXPENSE = "expense"
    SETTLEMENT = "settlement"  # what was accepted as spent, once it was examined


class Source(StrEnum):
    """Where money, things or work come from: a level of the State's budget, or the people."""

    CENTRAL = "central_budget"
    PROVINCE = "province_budget"
    CITY = "city_budget"  # of the district level, which ended on 01/07/2025
    COMMUNE = "commune_budget"
    HOUSEHOLD = "household"
    BUSINESS = "business"
    ORGANISATION = "organisation"
    DONOR = "donor"

    @property
    def of_the_state(self) -> bool:
        return self in (Source.CENTRAL, Source.PROVINCE, Source.CITY, Source.COMMUNE)

    @property
    def private(self) -> bool:
        """Whether its name is that of persons: told to residents by consent alone."""
        return self in (Source.HOUSEHOLD, Source.DONOR)


class Form(StrEnum):
    """In what form something was given; what is no money is worth what it was valued at."""

    MONEY = "money"
    IN_KIND = "in_kind"
    LABOUR = "labour"
    VALUED = "valued"  # a thing that was there already, at the value it was appraised at


class Component(StrEnum):
    """What money was spent on, or is to be."""

    CAMERA = "camera"
    POLE = "pole"  # and cabinet
    LINE = "line"
    STORAGE = "storage"
    CENTRE = "centre"
    ELECTRICITY = "electricity"
    INTERNET = "internet"
    MAINTENANCE = "maintenance"

    @property
    def lasting(self) -> bool:
        """Whether it becomes part of what a point is worth, rather than being used up."""
        return self not in (Component.ELECTRICITY, Component.INTERNET, Component.MAINTENANCE)


class State(StrEnum):
    """How far an entry is. Sums are of those approved."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


class Paper(StrEnum):
    """What kind of document something is."""

    DECISION = "decision"
    MINUTES = "minutes"  # of a meeting that decided
    ACCEPTANCE = "acceptance"
    SETTLEMENT = "settlement"
    HAND_OVER = "hand_over"
    OWNERSHIP = "ownership"  # that makes it public property
    CONTRACT = "contract"
    INVOICE = "invoice"
    QUOTATION = "quotation"
    PHOTO = "photo"
    OTHER = "other"


class Duty(StrEnum):
    """Why somebody must mend a point."""

    WARRANTY = "warranty"
    MAINTENANCE = "maintenance"  # by contract
