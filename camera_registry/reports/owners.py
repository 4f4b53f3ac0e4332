"""Whose a report, a schedule or a letterhead is: a unit's, or the city desk's; and so who may see it."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import Unit
from camera_registry.units import Scope, UnitTree


class OwnerError(RegistryError):
    """Nobody in the scope of who asks could own it."""


def owner_in(session: Session, scope: Scope, day: date, uid: str) -> int | None:
    """The id of the unit of this uid, all of which lies in ``scope``; ``None`` (the city desk's) without one.

    Raises ``OwnerError`` where ``scope`` does not hold it.
    """
    if not uid:
        if scope.unit_ids is not None:
            raise OwnerError(N_("Name the unit: the whole city is not yours."))
        return None
    unit_id = session.scalar(select(Unit.id).where(Unit.uid == uid))
    if unit_id is None or not may_see(session, scope, day, unit_id):
        raise OwnerError(N_('No administrative unit is called "{text}".'), text=uid)
    return unit_id


def may_see(session: Session, scope: Scope, day: date, owner: int | None) -> bool:
    """Whether all that belongs to ``owner`` (a unit's database id; ``None``: the city desk) is in ``scope``.

    A unit is what became of it by ``day``.
    """
    if scope.unit_ids is None and not scope.inside:
        return True
    if owner is None:
        return False
    tree = UnitTree.load(session)
    parts = tree.parts_on(owner, day)
    above = [{part.id, *(unit.id for unit in tree.ancestors(part.id))} for part in parts]
    return bool(parts) and all(scope.holds(ids) for ids in above)


def scope_of(session: Session, day: date, owner: int | None) -> Scope:
    """What may stand in a report that ``owner`` may see."""
    if owner is None:
        return Scope.everything()
    return Scope.of(part.id for part in UnitTree.load(session).parts_on(owner, day))
