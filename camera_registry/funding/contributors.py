"""Contributors: levels of the State's budget, and households, businesses, organisations, donors.

What a person consented to is kept with the day and the paper: without it residents never read his name.
"""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.db import Turn, take_turn
from camera_registry.funding.checks import FundingError, a_day, needed, said
from camera_registry.funding.kinds import Source
from camera_registry.funding.reach import Reach, counted, moved, owner
from camera_registry.i18n import N_
from camera_registry.models import Contributor, MoneyEntry, Unit
from camera_registry.units import Scope

LONGEST_NAME, LONGEST_CONSENT = 200, 300  # characters


@dataclass(frozen=True, slots=True)
class Filled:
    """A contributor as a person fills it in. ``unit`` is a uid, empty for the city's; ``consent_on`` the day
    from which he may be named to residents, ``consent`` on which paper.
    """

    kind: Source
    name: str
    unit: str = ""
    residential_group: str = ""
    consent_on: date | None = None
    consent: str = ""


def save(
    session: Session,
    actor: Actor,
    scope: Scope,
    filled: Filled,
    now: datetime,
    zone: tzinfo,
    *,
    contributor_id: int | None = None,
    reason: str = "",
) -> int:
    """A new contributor, or that of ``contributor_id`` corrected; returns the number.

    Raises ``FundingError`` for what cannot be so, for one of the same kind and name in the same unit and
    group, for another kind or unit of one whose contributions count already, and for what is out of scope;
    ``ReasonError`` where such a one is renamed without a reason.
    """
    take_turn(session, Turn.LEDGER)
    today = now.astimezone(zone).date()
    reach = Reach.load(session, scope, today)
    a_day(filled.consent_on, today, years_ahead=0)
    values: dict[str, Any] = {
        "kind": str(filled.kind),
        "name": needed(filled.name, LONGEST_NAME, N_("A contributor needs a name.")),
        "unit_id": owner(session, reach, filled.unit),
        "residential_group": said(filled.residential_group, LONGEST_NAME),
        "consent_on": filled.consent_on,
        "consent": said(filled.consent, LONGEST_CONSENT),
    }
    if filled.consent and filled.consent_on is None:
        raise FundingError(N_("Say since which day the consent holds."))
    row = session.get(Contributor, contributor_id, with_for_update=True) if contributor_id else None
    if contributor_id and (row is None or not reach.holds_unit(row.unit_id)):
        raise FundingError(N_("There is no such contributor."))
    key = ("kind", "name", "unit_id", "residential_group")
    same = select(Contributor.id).where(*(getattr(Contributor, name) == values[name] for name in key))
    if session.scalar(same.where(Contributor.id != (contributor_id or 0))) is not None:
        raise FundingError(N_("{name} is entered already."), name=values["name"])
    if row is not None and counted(session, MoneyEntry.contributor_id == row.id):
        _may_be_so(session, row, filled, values, today, reason)
        values["unit_id"] = row.unit_id
    before = None if row is None else _told(session, row)
    if row is None:
        row = Contributor(made_at=now, made_by=actor.name)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    detail = {"before": before, "after": _told(session, row)}
    audit.record(
        session, actor, Action.CONTRIBUTOR_SAVED, f"contributor:{row.id}", now, detail=detail, reason=reason
    )
    return row.id


def _may_be_so(
    session: Session, row: Contributor, filled: Filled, values: dict[str, Any], today: date, reason: str
) -> None:
    """Of whom approved entries tell: sums by source and unit change by entries alone, a name for a reason."""
    if row.kind != values["kind"]:
        raise FundingError(
            N_("What it gave was approved under its kind: enter a contributor of the other kind.")
        )
    if moved(session, row.unit_id, filled.unit, today):
        raise FundingError(
            N_("What it gave was approved under its unit: enter a contributor of the other unit.")
        )
    if row.name != values["name"]:
        audit.reason_of(reason)


def _told(session: Session, row: Contributor) -> dict[str, Any]:
    """As the audit keeps it."""
    return {
        "kind": row.kind,
        "name": row.name,
        "unit": session.get_one(Unit, row.unit_id).uid if row.unit_id is not None else "",
        "residential_group": row.residential_group,
        "consent_on": row.consent_on,
        "consent": row.consent,
    }
