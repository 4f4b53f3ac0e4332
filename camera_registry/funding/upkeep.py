"""Who must mend a point: the warranty and the contract of maintenance, from one day to another."""

from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.funding.checks import FundingError, a_day, needed, said
from camera_registry.funding.kinds import Duty
from camera_registry.i18n import N_
from camera_registry.inventory import InventoryError
from camera_registry.models import Point, Upkeep
from camera_registry.units import Scope

LONGEST_PARTY, LONGEST_DOCUMENT, LONGEST_PHONE = 200, 300, 50  # characters


@dataclass(frozen=True, slots=True)
class UpkeepRow:
    """One duty. ``first`` and ``last`` are its days, ``None`` where they are not recorded."""

    id: int
    point: str
    point_name: str
    kind: Duty
    party: str
    first: date | None
    last: date | None
    document: str
    phone: str
    ended_at: datetime | None

    def lasts_on(self, day: date) -> bool:
        """Whether the party must mend the point on ``day``: one without a last day is not known to."""
        begun = self.first is None or self.first <= day
        return self.ended_at is None and begun and self.last is not None and self.last >= day


@dataclass(frozen=True, slots=True)
class Filled:
    """A duty as a person fills it in. ``phone`` is that of an office, never a person's own."""

    kind: Duty
    party: str
    first: date | None = None
    last: date | None = None
    document: str = ""
    phone: str = ""


def set_upkeep(
    session: Session,
    actor: Actor,
    scope: Scope,
    code: str,
    filled: Filled,
    now: datetime,
    zone: tzinfo,
    *,
    upkeep_id: int | None = None,
    reason: str = "",
) -> int:
    """A new duty at the point ``code``, or that of ``upkeep_id`` corrected; returns its number.

    Raises ``InventoryError`` for a point out of scope, and ``FundingError``.
    """
    today = now.astimezone(zone).date()
    point = _point(session, scope, today, code)
    for each in (filled.first, filled.last):
        a_day(each, today, years_ahead=20)
    if filled.first is not None and filled.last is not None and filled.last < filled.first:
        raise FundingError(N_("It ends on the day it began, or later."))
    values: dict[str, Any] = {
        "kind": str(filled.kind),
        "party": needed(filled.party, LONGEST_PARTY, N_("Say who must mend it.")),
        "valid_from": filled.first,
        "valid_to": filled.last,
        "document": said(filled.document, LONGEST_DOCUMENT),
        "phone": said(filled.phone, LONGEST_PHONE),
    }
    row = session.get(Upkeep, upkeep_id, with_for_update=True) if upkeep_id else None
    if upkeep_id and (row is None or row.point_id != point.id or row.ended_at is not None):
        raise FundingError(N_("There is no such warranty and no such contract any more."))
    before = None if row is None else _told(row)
    if row is None:
        row = Upkeep(point_id=point.id, made_at=now, made_by=actor.name)
        session.add(row)
    for name, value in values.items():
        setattr(row, name, value)
    session.flush()
    detail = {"before": before, "after": _told(row)}
    audit.record(session, actor, Action.UPKEEP_SET, f"point:{code}", now, detail=detail, reason=reason)
    return row.id


def end_upkeep(
    session: Session,
    actor: Actor,
    scope: Scope,
    upkeep_id: int,
    now: datetime,
    zone: tzinfo,
    *,
    reason: str,
) -> None:
    """It holds no more: entered wrongly, or ended early. Raises ``ReasonError``, ``FundingError``."""
    reason = audit.reason_of(reason)
    row = session.get(Upkeep, upkeep_id, with_for_update=True)
    inside = queries.point_ids(session, scope, now.astimezone(zone).date())
    if row is None or row.ended_at is not None or row.point_id not in inside:
        raise FundingError(N_("There is no such warranty and no such contract any more."))
    row.ended_at = now
    session.flush()
    code = session.get_one(Point, row.point_id).code
    detail = {**_told(row), "before": {"ended_at": None}, "after": {"ended_at": now}}
    audit.record(session, actor, Action.UPKEEP_ENDED, f"point:{code}", now, detail=detail, reason=reason)


def upkeep(
    session: Session, scope: Scope, day: date, *, point: str | None = None, ended: bool = False
) -> list[UpkeepRow]:
    """The duties at the points in scope on ``day``, or at one; by point, what lasts longest first.

    ``ended``: also those that were taken back.
    """
    found = select(Upkeep, Point).join(Point, Point.id == Upkeep.point_id)
    if point is not None:
        found = found.where(Point.code == point)
    if not ended:
        found = found.where(Upkeep.ended_at.is_(None))
    inside = queries.point_ids(session, scope, day)
    rows = [_row(row, at) for row, at in session.execute(found) if at.id in inside]
    return sorted(rows, key=lambda row: (row.point, -(row.last or date.min).toordinal(), row.id))


# --- how it is done ---------------------------------------------------------------------------------


def _point(session: Session, scope: Scope, day: date, code: str) -> Point:
    point = queries.point_in(session, scope, day, code)
    if point is None:
        raise InventoryError(N_('There is no point with the code "{code}".'), code=code)
    return point


def _row(row: Upkeep, point: Point) -> UpkeepRow:
    return UpkeepRow(
        *(row.id, point.code, point.name, Duty(row.kind), row.party, row.valid_from, row.valid_to),
        *(row.document, row.phone, row.ended_at),
    )


def _told(row: Upkeep) -> dict[str, Any]:
    """As the audit keeps it."""
    return {
        "kind": row.kind,
        "party": row.party,
        "from": row.valid_from,
        "to": row.valid_to,
        "document": row.document,
        "phone": row.phone,
    }
