"""What each role may do. A person's scope says where; these say what."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is here; one slug for the database and for translation."""

    ADMINISTRATOR = "administrator"
    OPERATOR = "operator"  # of the city's police IT
    WARD_OFFICER = "ward_officer"
    FINANCE = "finance"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """One thing that a route may ask of who calls it."""

    VIEW = "view"  # what lies in the scope: states, incidents, figures
    HANDLE = "handle"  # acknowledge an incident, comment on it
    MAINTAIN = "maintain"  # maintenance windows and power cuts
    TELL = "tell"  # how an eye without a network is; how good a picture is
    PROBE = "probe"  # ask an eye now
    PICTURES = "pictures"  # look through an eye: personal data, each view is written down
    REGISTER = "register"  # points, devices, eyes: import, change, start, commission, approve
    FUNDING = "funding"  # the funding ledger, and who contributed
    MONEY = "money"  # who has a point, and who pays: entered
    APPROVE = "approve"  # what somebody else entered of money
    REPAIR = "repair"  # repairs: reported, moved on, proposed for funding
    AUDIT = "audit"  # who did what
    PEOPLE = "people"  # who may sign in, and as what
    ALERTS = "alerts"  # who hears of what; channels, and what did not arrive
    SCRAPE = "scrape"  # the metrics of the whole city; asked of tokens
    DELIVER = "deliver"  # what one site's machine needs and brings; of tokens of a site, and of no role


_P = Permission

GRANTS: Mapping[Role, frozenset[Permission]] = {
    Role.ADMINISTRATOR: frozenset(Permission) - {_P.DELIVER},
    Role.OPERATOR: frozenset(Permission) - {_P.AUDIT, _P.PEOPLE, _P.DELIVER, _P.APPROVE},
    Role.WARD_OFFICER: frozenset({_P.VIEW, _P.HANDLE, _P.MAINTAIN, _P.TELL, _P.PROBE, _P.FUNDING, _P.REPAIR}),
    Role.FINANCE: frozenset({_P.VIEW, _P.FUNDING, _P.MONEY, _P.APPROVE, _P.REPAIR}),
    Role.AUDITOR: frozenset({_P.VIEW, _P.FUNDING, _P.AUDIT}),
}
