"""Every report there is: what it is called, and who builds it. Its room is opened when one is to be built."""

from collections.abc import Callable, Mapping
from datetime import datetime, tzinfo
from importlib import import_module
from typing import TypeAlias

from sqlalchemy.orm import Session

from camera_registry.i18n import N_, Language
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


def build(kind: Kind) -> Builder:
    """Who builds reports of this kind, for (session, scope, asked, now, zone, language).

    It raises ``AskedError`` for what cannot be asked so, or is out of scope, and ``PeriodError``.
    """
    room = import_module(f"camera_registry.reports.{kind}")  # called as the report is
    builder: Builder = room.build
    return builder
