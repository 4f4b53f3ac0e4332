"""Every report there is: what it is called, what it is about, and who builds it."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from typing import TypeAlias

from sqlalchemy.orm import Session

from camera_registry.i18n import N_, Language
from camera_registry.reports import (
    disclosure,
    funding,
    inventory,
    programme,
    proposal,
    repairs,
    security,
    uptime,
)
from camera_registry.reports.asked import Asked
from camera_registry.reports.value import Kind, Report
from camera_registry.units import Scope

Builder: TypeAlias = Callable[[Session, Scope, Asked, datetime, tzinfo, Language], Report]

TITLES: Mapping[Kind, str] = {
    Kind.UPTIME: N_("Availability"),
    Kind.FUNDING: N_("Funding of installation points"),
    Kind.PROGRAMME: N_("Programme"),
    Kind.DISCLOSURE: N_("Public disclosure"),
    Kind.REPAIRS: N_("Repairs"),
    Kind.PROPOSAL: N_("Proposal for repair money"),
    Kind.SECURITY: N_("Security of cameras"),
    Kind.INVENTORY: N_("Inventory"),
}

_BUILDERS: Mapping[Kind, Builder] = {
    Kind.UPTIME: uptime.build,
    Kind.FUNDING: funding.build,
    Kind.PROGRAMME: programme.build,
    Kind.DISCLOSURE: disclosure.build,
    Kind.REPAIRS: repairs.build,
    Kind.PROPOSAL: proposal.build,
    Kind.SECURITY: security.build,
    Kind.INVENTORY: inventory.build,
}


def build(kind: Kind) -> Builder:
    """Who builds reports of this kind, for (session, scope, asked, now, zone, language).

    It raises ``AskedError`` for what cannot be asked so, or is out of scope, and ``PeriodError``.
    """
    return _BUILDERS[kind]
