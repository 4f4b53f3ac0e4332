"""What a user may see, made of the units that somebody gave: what they became, and all that lies below.

A ward of before the reorganisation leads to the ward that it was merged into; a city that was dissolved, to
every ward that it became part of. Units are known by their rows: their codes were used again.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import bindparam, select, union_all
from sqlalchemy.orm import Session

from camera_registry.models import Unit, UnitSuccessor, UserUnit
from camera_registry.units import Scope, UnitTree

_its = select(UserUnit.unit_id).where(UserUnit.user_id == bindparam("user_id"))
_given = _its.cte(recursive=True)
_steps = union_all(
    select(UnitSuccessor.unit_id.label("before"), UnitSuccessor.successor_id.label("after")),
    select(Unit.parent_id, Unit.id),
).subquery()
_seen = _given.union(select(_steps.c.after).join(_given, _steps.c.before == _given.c.unit_id))
_named = select(Unit.id, Unit.name).where(Unit.id.in_(_its)).subquery()
_SEEN = select(_seen.c.unit_id, _named.c.name).outerjoin(_named, _named.c.id == _seen.c.unit_id)


def of_units(session: Session, unit_ids: Iterable[int]) -> Scope:
    """The scope made of these units (database ids)."""
    tree = UnitTree.load(session)
    below: dict[int, list[int]] = defaultdict(list)
    for unit in tree.units.values():
        if unit.parent_id is not None:
            below[unit.parent_id].append(unit.id)
    seen: set[int] = set()
    ahead = list(unit_ids)
    while ahead:
        unit_id = ahead.pop()
        if unit_id not in seen:
            seen.add(unit_id)
            ahead += [*tree.successors.get(unit_id, ()), *below[unit_id]]
    return Scope.of(seen)


def of_user(session: Session, user_id: int, everywhere: bool) -> tuple[Scope, tuple[str, ...]]:
    """The scope of a user, and the names of the units it was made of; everything has no names."""
    if everywhere:
        return Scope.everything(), ()
    rows = session.execute(_SEEN, {"user_id": user_id}).all()
    return Scope.of(row.unit_id for row in rows), tuple(sorted(row.name for row in rows if row.name))
