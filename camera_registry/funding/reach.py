"""What of the funding ledger lies in a scope: the one place where it is cut.

A share is its point's. One that is no point's yet is of the unit of its programme, or else of its
contributor; without either it is the city's. A contributor is seen where one of his shares is, or his unit; a
level of the State's budget that is of no unit by everybody. A programme is seen where one of its shares is,
or its unit.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, and_, exists, func, or_, select, true
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.db import read_once
from camera_registry.funding.checks import FundingError
from camera_registry.funding.kinds import Source, State
from camera_registry.i18n import N_
from camera_registry.models import Contributor, MoneyEntry, MoneyShare, Point, Programme, Unit
from camera_registry.units import Scope, UnitTree

OF_THE_STATE = tuple(str(source) for source in Source if source.of_the_state)


@dataclass(frozen=True, slots=True)
class Reach:
    """What somebody may see on a day: everything, or ``points`` and ``units`` (ids; a unit is what became of
    it). They are empty where it is everything, so that nobody waits for thousands of them.
    """

    everything: bool
    points: Collection[int]
    units: Collection[int]

    @classmethod
    def load(cls, session: Session, scope: Scope, day: date) -> "Reach":
        return read_once(session, ("reach", scope, day), lambda: cls._read(session, scope, day))

    @classmethod
    def _read(cls, session: Session, scope: Scope, day: date) -> "Reach":
        if scope == Scope.everything():
            return cls(True, frozenset(), frozenset())
        return cls(False, queries.point_ids(session, scope, day), _units(session, scope, day))

    def holds_point(self, point_id: int) -> bool:
        return self.everything or point_id in self.points

    def holds_unit(self, unit_id: int | None) -> bool:
        """Whether what is of this unit alone (``None``: the city's) may be seen and changed."""
        return self.everything or unit_id in self.units

    def point(self) -> ColumnElement[bool]:
        """The condition on ``Point``."""
        return true() if self.everything else Point.id.in_(self.points)

    def share(self) -> ColumnElement[bool]:
        """The condition on ``MoneyShare``, in a statement that has its ``MoneyEntry``."""
        if self.everything:
            return true()
        programmes = select(Programme.id).correlate(None)
        owned = programmes.where(Programme.unit_id.in_(self.units))
        of_the_city = programmes.where(Programme.unit_id.is_(None))
        givers = select(Contributor.id).where(Contributor.unit_id.in_(self.units)).correlate(None)
        no_owner = or_(MoneyEntry.programme_id.is_(None), MoneyEntry.programme_id.in_(of_the_city))
        mine = or_(MoneyEntry.programme_id.in_(owned), and_(no_owner, MoneyEntry.contributor_id.in_(givers)))
        return or_(MoneyShare.point_id.in_(self.points), and_(MoneyShare.point_id.is_(None), mine))

    def entry(self) -> ColumnElement[bool]:
        """The condition on ``MoneyEntry``: one of its shares may be seen."""
        if self.everything:
            return true()
        return exists().where(MoneyShare.entry_id == MoneyEntry.id, self.share()).correlate(MoneyEntry)

    def whole_entry(self) -> ColumnElement[bool]:
        """The condition on ``MoneyEntry``: all of its shares may be seen."""
        if self.everything:
            return true()
        outside = exists().where(MoneyShare.entry_id == MoneyEntry.id, ~func.coalesce(self.share(), False))
        return ~outside.correlate(MoneyEntry)

    def contributor(self) -> ColumnElement[bool]:
        """The condition on ``Contributor``."""
        if self.everything:
            return true()
        gave = exists().where(
            MoneyEntry.contributor_id == Contributor.id,
            MoneyEntry.state != State.REFUSED,
            MoneyShare.entry_id == MoneyEntry.id,
            MoneyShare.point_id.in_(self.points),
        )
        of_all = and_(Contributor.unit_id.is_(None), Contributor.kind.in_(OF_THE_STATE))
        return or_(Contributor.unit_id.in_(self.units), of_all, gave.correlate(Contributor))

    def programme(self) -> ColumnElement[bool]:
        """The condition on ``Programme``."""
        if self.everything:
            return true()
        pays = exists().where(
            MoneyEntry.programme_id == Programme.id,
            MoneyEntry.state != State.REFUSED,
            MoneyShare.entry_id == MoneyEntry.id,
            MoneyShare.point_id.in_(self.points),
        )
        return or_(Programme.unit_id.in_(self.units), pays.correlate(Programme))


def owner(session: Session, reach: Reach, uid: str) -> int | None:
    """The id of the unit that something new is to be of; ``None``, the city's, without one.

    Raises ``FundingError`` where it is not within reach.
    """
    if not uid:
        if not reach.everything:
            raise FundingError(N_("Name the unit: the whole city is not yours."))
        return None
    unit_id = session.scalar(select(Unit.id).where(Unit.uid == uid))
    if unit_id is None or not reach.holds_unit(unit_id):
        raise FundingError(N_('No administrative unit is called "{text}".'), text=uid)
    return unit_id


def moved(session: Session, unit_id: int | None, uid: str, day: date) -> bool:
    """Whether what is of a unit (``None``: the city's) is to be another's, by its ``uid``.

    It is not where ``uid`` is what became of the unit by ``day``: so forms name it; blank where it was split.
    """
    if unit_id is None:
        return uid != ""
    return uid not in (session.get_one(Unit, unit_id).uid, unit_names(session, day)[unit_id][0])


def counted(session: Session, condition: ColumnElement[bool]) -> bool:
    """Whether an approved entry is of what the condition on ``MoneyEntry`` names: sums have it already."""
    approved = select(MoneyEntry.id).where(MoneyEntry.state == State.APPROVED, condition)
    return session.scalar(approved.limit(1)) is not None


def unit_names(session: Session, day: date) -> dict[int, tuple[str, str]]:
    """By id of a unit of any time what it is by ``day``: uid and name; several names where it was split."""
    tree = UnitTree.load(session)
    names: dict[int, tuple[str, str]] = {}
    for unit_id, unit in tree.units.items():
        parts = tree.parts_on(unit_id, day) or [unit]
        names[unit_id] = (parts[0].uid if len(parts) == 1 else "", ", ".join(part.name for part in parts))
    return names


def _units(session: Session, scope: Scope, day: date) -> frozenset[int]:
    """The units, of any time, of which all that they are by ``day`` lies in ``scope``."""
    tree = UnitTree.load(session)
    found = set()
    for unit_id in tree.units:
        parts = tree.parts_on(unit_id, day)
        above = [{part.id, *(unit.id for unit in tree.ancestors(part.id))} for part in parts]
        if parts and all(scope.holds(ids) for ids in above):
            found.add(unit_id)
    return frozenset(found)
