"""A point moves to another unit on a day; what it belonged to before stays its history.

Figures of a time are those of the unit the point belonged to at that time, so a move of long ago re-counts
open months by units. Months that are closed keep theirs until they are amended.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.inventory import point_by_code
from camera_registry.maintenance import closed_months
from camera_registry.models import PointUnit
from camera_registry.periods import midnight
from camera_registry.units import Scope, UnitError, UnitNotValid, UnitTree, UnitVersion
from camera_registry.uptime import Span

LONGEST_DOCUMENT = 300  # characters
SHOWN_UNITS = 20  # candidates in a refusal
EARLIEST, YEARS_AHEAD = date(1990, 1, 1), 5  # of a move; others are mistyped


class MoveError(RegistryError):
    """The point cannot be moved so."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move came to. ``last`` is its last day, where the point moves on later; ``closed`` the closed
    months (their first days) that it touches and does not change.
    """

    point: str
    before: UnitVersion | None
    after: UnitVersion
    first: date
    last: date | None
    closed: tuple[date, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    """A move that can be made: what it comes to, and the rows it concerns.

    ``same_day`` is the move of that very day, which this one corrects; ``stays`` tells that the correction is
    not to have moved at all.
    """

    moved: Moved
    point_id: int
    same_day: PointUnit | None
    stays: bool


def would_move(session: Session, code: str, unit: str, first: date, now: datetime, zone: tzinfo) -> Moved:
    """What ``move_point`` would come to; nothing is changed. Raises as it does, but for the document."""
    return _plan(session, code, unit, first, now, zone, locked=False).moved


def move_point(
    session: Session,
    actor: Actor,
    code: str,
    unit: str,
    first: date,
    now: datetime,
    zone: tzinfo,
    *,
    document: str,
    reason: str = "",
) -> Moved:
    """From ``first`` on (a day of ``zone``) the point belongs to ``unit``: a name, code or uid of that day.

    Until it moves again: what is known of later moves stays. The same day again corrects. ``document`` is
    the paper that says so. Raises ``InventoryError`` for an unknown point, ``UnitError`` (naming what may be
    meant) for a unit that cannot be told, was not there on that day or has units below it, and ``MoveError``.
    """
    document, reason = document.strip(), reason.strip()
    if not document or len(document) > LONGEST_DOCUMENT or len(reason) > audit.LONGEST_REASON:
        raise MoveError(N_("A move names its document (at most {limit} characters)."), limit=LONGEST_DOCUMENT)
    plan = _plan(session, code, unit, first, now, zone, locked=True)
    moved = plan.moved
    if plan.same_day is None:
        session.add(PointUnit(point_id=plan.point_id, unit_id=moved.after.id, valid_from=first))
    elif plan.stays:
        session.delete(plan.same_day)
    else:
        plan.same_day.unit_id = moved.after.id
    session.flush()
    detail = {
        "from": first.isoformat(),
        "until": moved.last.isoformat() if moved.last else None,
        "before": {"unit": moved.before.uid if moved.before else None},
        "after": {"unit": moved.after.uid},
        "document": document,
        "corrected": plan.same_day is not None,
    }
    audit.record(session, actor, Action.POINT_MOVED, f"point:{code}", now, detail=detail, reason=reason)
    return moved


def unseen(session: Session, scope: Scope, moved: Moved) -> UnitVersion | None:
    """The unit of a move of which nothing lies in ``scope``, if there is one; the move is then for others.

    A point that is his today may have been another's on the day of the move.
    """
    units = (unit for unit in (moved.after, moved.before) if unit is not None)
    return next((unit for unit in units if queries.unit(session, scope, unit.uid) is None), None)


def _plan(
    session: Session, code: str, unit: str, first: date, now: datetime, zone: tzinfo, *, locked: bool
) -> _Plan:
    if not EARLIEST <= first <= now.astimezone(zone).date() + timedelta(days=366 * YEARS_AHEAD):
        raise MoveError(N_("{day} is too long ago or too far ahead for a move."), day=f"{first:%d/%m/%Y}")
    point = point_by_code(session, code, locked=locked)
    tree = UnitTree.load(session)
    after = lowest_unit(tree, unit, first)
    rows = list(
        session.scalars(
            select(PointUnit)
            .where(PointUnit.point_id == point.id)
            .order_by(PointUnit.valid_from.asc().nulls_first())
        )
    )
    same_day = next((row for row in rows if row.valid_from == first), None)
    earlier = [row for row in rows if row.valid_from is None or row.valid_from < first]
    later = [row.valid_from for row in rows if row.valid_from is not None and row.valid_from > first]
    before = _unit_on(tree, same_day or (earlier[-1] if earlier else None), first)
    if before == after:
        raise MoveError(
            N_("The point {code} belongs to {unit} on {day} already."),
            code=code,
            unit=str(after),
            day=f"{first:%d/%m/%Y}",
        )
    last = later[0] - timedelta(days=1) if later else None
    closed = touched_months(session, first, later[0] if later else None, now, zone)
    stays = bool(earlier) and _unit_on(tree, earlier[-1], first) == after
    return _Plan(Moved(code, before, after, first, last, closed), point.id, same_day, stays)


def lowest_unit(tree: UnitTree, text: str, day: date) -> UnitVersion:
    """The unit that ``text`` names on ``day``, if a point may belong to it.

    Raises ``UnitError``: for a name, code or uid of another time and for one of a unit that has units below
    it, naming those that may be meant.
    """
    unit = tree.resolve(text, day)
    if not unit.valid_on(day):  # a uid names its version whatever the day
        became = ", ".join(str(tree.units[after]) for after in tree.successors.get(unit.id, ()))
        raise UnitNotValid(
            N_('"{text}" names no unit valid on {day}; known: {units}.'),
            text=text,
            day=f"{day:%d/%m/%Y}",
            units=f"{unit} → {became}" if became else str(unit),
        )
    below = sorted(str(child) for child in tree.children(unit.id, day))
    if below:
        raise UnitError(
            N_("{unit} has units below it on {day}; a point belongs to one of those: {units}."),
            unit=str(unit),
            day=f"{day:%d/%m/%Y}",
            units="; ".join(below[:SHOWN_UNITS]) + (" …" if len(below) > SHOWN_UNITS else ""),
        )
    return unit


def touched_months(
    session: Session, first: date, end: date | None, now: datetime, zone: tzinfo
) -> tuple[date, ...]:
    """The closed months from ``first`` until before ``end`` (``None``: until now), by their first days."""
    span = Span(midnight(first, zone), midnight(end, zone) if end else now).until(now)
    return tuple(closed_months(session, [span], zone)) if span.length else ()


def _unit_on(tree: UnitTree, row: PointUnit | None, day: date) -> UnitVersion | None:
    """The unit of ``day`` that a membership comes to; its own where history does not name exactly one."""
    if row is None:
        return None
    try:
        return tree.roll_up(row.unit_id, day)
    except UnitError:
        return tree.units[row.unit_id]
