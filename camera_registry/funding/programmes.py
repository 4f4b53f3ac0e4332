"""Programmes: what money was set aside for, by which decision. Entered and corrected by people."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.funding.checks import FundingError, a_day, a_year, needed, said
from camera_registry.funding.reach import Reach, counted, moved, owner
from camera_registry.i18n import N_
from camera_registry.models import MoneyEntry, Programme, Unit
from camera_registry.units import Scope

LONGEST_CODE, LONGEST_NAME, LONGEST_NOTE = 64, 300, 2_000  # characters


@dataclass(frozen=True, slots=True)
class Filled:
    """A programme as a person fills it in. ``decision`` is its number and who took it, ``levels`` what each
    was to give; ``unit`` a uid, empty for one of the city.
    """

    code: str
    name: str
    decision: str = ""
    decided_on: date | None = None
    levels: str = ""
    first_year: int | None = None
    last_year: int | None = None
    unit: str = ""
    note: str = ""


def save(
    session: Session,
    actor: Actor,
    scope: Scope,
    filled: Filled,
    now: datetime,
    zone: tzinfo,
    *,
    new: bool = False,
    reason: str = "",
) -> bool:
    """Make the programme of this code, or correct it; whether it is new. ``new``: it must be.

    Raises ``FundingError`` for what cannot be so, for a programme or a unit out of scope, and for another
    unit of one whose entries count already.
    """
    today = now.astimezone(zone).date()
    reach = Reach.load(session, scope, today)
    code = needed(filled.code, LONGEST_CODE, N_("A programme needs a code."))
    values: dict[str, Any] = {
        "name": needed(filled.name, LONGEST_NAME, N_("A programme needs a name.")),
        "decision": said(filled.decision, LONGEST_NAME),
        "decided_on": filled.decided_on,
        "levels": said(filled.levels, LONGEST_NAME),
        "first_year": filled.first_year,
        "last_year": filled.last_year,
        "unit_id": owner(session, reach, filled.unit),
        "note": said(filled.note, LONGEST_NOTE),
    }
    a_day(filled.decided_on, today)
    for year in (filled.first_year, filled.last_year):
        a_year(year, today)
    if filled.first_year and filled.last_year and filled.last_year < filled.first_year:
        raise FundingError(N_("A programme ends in the year it began, or later."))
    row = session.scalar(select(Programme).where(Programme.code == code).with_for_update())
    if row is not None and (new or not reach.holds_unit(row.unit_id)):
        raise FundingError(N_('There is a programme with the code "{code}" already.'), code=code)
    if row is not None and counted(session, MoneyEntry.programme_id == row.id):
        if moved(session, row.unit_id, filled.unit, today):
            raise FundingError(
                N_("Entries of it were approved under its unit: make a programme of the other unit.")
            )
        values["unit_id"] = row.unit_id
    before = None if row is None else _told(session, row)
    if row is None:
        row = Programme(code=code, made_at=now, made_by=actor.name)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    detail = {"before": before, "after": _told(session, row)}
    audit.record(
        session, actor, Action.PROGRAMME_SAVED, f"programme:{code}", now, detail=detail, reason=reason
    )
    return before is None


def _told(session: Session, row: Programme) -> dict[str, Any]:
    """As the audit keeps it."""
    return {
        "name": row.name,
        "decision": row.decision,
        "decided_on": row.decided_on,
        "levels": row.levels,
        "first_year": str(row.first_year or ""),
        "last_year": str(row.last_year or ""),
        "unit": session.get_one(Unit, row.unit_id).uid if row.unit_id is not None else "",
        "note": row.note,
    }
