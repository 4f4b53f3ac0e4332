"""What of a point is not on record, and so why no money can be asked for to mend it ("thiếu căn cứ")."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, select, union_all
from sqlalchemy.orm import Session

from camera_registry import custody, queries
from camera_registry.funding.kinds import Duty, Form, Kind, Paper, State
from camera_registry.funding.reach import OF_THE_STATE
from camera_registry.inventory import Funding
from camera_registry.models import (
    Asset,
    Contributor,
    Custody,
    Device,
    Document,
    DocumentUse,
    Eye,
    MoneyEntry,
    MoneyShare,
    Point,
    Programme,
    Upkeep,
)
from camera_registry.units import Scope, UnitTree

DECIDED = (Paper.DECISION, Paper.MINUTES)
OWNED = (Paper.HAND_OVER, Paper.OWNERSHIP)
DONATED = (Funding.SOCIALISED, Funding.SPONSORED, Funding.MIXED)


class Missing(StrEnum):
    """What is not on record."""

    MANAGER = "manager"  # nobody has it now, or a unit that was dissolved
    ELECTRICITY = "electricity"  # who pays
    INTERNET = "internet"
    SOURCE = "source"  # who paid for it
    DECISION = "decision"  # or the minutes of those who decided it
    OWNERSHIP = "ownership"  # of what was donated: minutes of the hand-over, or what makes it public
    WARRANTY = "warranty"  # until when; known to be over is known
    CONTRACTOR = "contractor"


@dataclass(frozen=True, slots=True)
class PointBasis:
    """What a point lacks, in the order of ``Missing``."""

    point: str
    point_name: str
    unit_uid: str
    unit: str
    missing: tuple[Missing, ...]


def missing_basis(session: Session, scope: Scope, day: date, *, point: str | None = None) -> list[PointBasis]:
    """The points in scope that lack something on ``day``, by code; or the one of the code ``point``.

    What was entered, and was neither refused nor taken back, counts as on record. Points whose eyes are all
    retired ask for nothing.
    """
    wanted = select(Point).order_by(Point.code)
    if point is not None:
        wanted = wanted.where(Point.code == point)
    homes = queries.homes(session, day)
    tree = UnitTree.load(session)
    inside = queries.point_ids(session, scope, day)
    told, retired = _told(session, tree, day), _retired(session)
    found = []
    for row in session.scalars(wanted):
        missing = tuple(each for each in Missing if row.id not in told[each])
        if not missing or row.id not in inside or row.id in retired:
            continue
        unit = tree.units[homes[row.id][0]] if row.id in homes else None
        place = (unit.uid, unit.name) if unit is not None else ("", "")
        found.append(PointBasis(row.code, row.name, *place, missing))
    return found


def standing_entry() -> ColumnElement[bool]:
    """The condition on ``MoneyEntry``: not refused, not taken back, and taking nothing back."""
    back = select(MoneyEntry.reverses_id).where(MoneyEntry.state == State.APPROVED).correlate(None)
    taken_back = MoneyEntry.id.in_(back.where(MoneyEntry.reverses_id.is_not(None)))
    return and_(MoneyEntry.state != State.REFUSED, MoneyEntry.reverses_id.is_(None), ~taken_back)


def about_points() -> tuple[Select[int | None, int], ...]:
    """Pairs of ``point_id`` and ``document_id``: a paper of a programme, of an entry, of the point itself.

    The nearer to the point, the later; entries that do not stand make no paper one of their points.
    """
    shares = (
        select(MoneyShare.point_id, DocumentUse.document_id)
        .join(MoneyEntry, MoneyEntry.id == MoneyShare.entry_id)
        .where(standing_entry())
    )
    return (
        shares.join(DocumentUse, DocumentUse.programme_id == MoneyEntry.programme_id),
        shares.join(DocumentUse, DocumentUse.entry_id == MoneyEntry.id),
        select(DocumentUse.point_id, DocumentUse.document_id),
    )


# --- how it is done ---------------------------------------------------------------------------------


def _told(session: Session, tree: UnitTree, day: date) -> dict[Missing, Collection[int]]:
    """By what can be missing, the ids of the points of which it is on record."""
    managed, electricity, internet = _custody(session, tree, day)
    papers = _papers(session)
    entered = select(MoneyShare.point_id).join(MoneyEntry).where(standing_entry())
    decided = entered.join(Programme, Programme.id == MoneyEntry.programme_id).where(Programme.decision != "")
    giving = entered.where(MoneyEntry.kind.in_((Kind.OPENING, Kind.CONTRIBUTION)))
    sources = giving.where(MoneyEntry.contributor_id.is_not(None))
    paid = entered.where(MoneyEntry.kind == Kind.EXPENSE, MoneyEntry.payee != "")
    upkeep = select(Upkeep.point_id).where(Upkeep.ended_at.is_(None))
    warranted = upkeep.where(Upkeep.kind == Duty.WARRANTY, Upkeep.valid_to.is_not(None))
    people = giving.join(Contributor, Contributor.id == MoneyEntry.contributor_id).where(
        Contributor.kind.not_in(OF_THE_STATE)
    )
    donated = _ids(session, people, giving.where(MoneyEntry.form != Form.MONEY))
    donated |= _ids(session, select(Point.id).where(Point.funding.in_(DONATED)))
    bought = _ids(session, select(Point.id)) - donated
    return {
        Missing.MANAGER: managed,
        Missing.ELECTRICITY: electricity,
        Missing.INTERNET: internet,
        Missing.SOURCE: _ids(session, sources, select(Point.id).where(Point.funding != "")),
        Missing.DECISION: _ids(session, decided) | papers[DECIDED],
        Missing.OWNERSHIP: bought
        | _ids(session, select(Asset.point_id).where(Asset.ownership != ""))
        | papers[OWNED],
        Missing.WARRANTY: _ids(session, warranted),
        Missing.CONTRACTOR: _ids(session, paid, upkeep),
    }


def _custody(session: Session, tree: UnitTree, day: date) -> tuple[set[int], set[int], set[int]]:
    """Points with a manager that is still there; those of which is known who pays electricity, Internet."""
    managed: set[int] = set()
    electricity: set[int] = set()
    internet: set[int] = set()
    dissolved: dict[tuple[str, date], bool] = {}
    for row in session.scalars(select(Custody).where(Custody.valid_from <= day)):
        if row.valid_to is not None and row.valid_to < day:
            continue
        key = (row.manager, row.valid_from)
        if key not in dissolved:
            dissolved[key] = custody.dissolved_unit(tree, *key, day) is not None
        if not dissolved[key]:
            managed.add(row.point_id)
        if row.electricity:
            electricity.add(row.point_id)
        if row.internet:
            internet.add(row.point_id)
    return managed, electricity, internet


def _papers(session: Session) -> dict[tuple[Paper, ...], set[int]]:
    """The points that papers of these kinds are about."""
    about = union_all(*about_points()).subquery()
    found: dict[tuple[Paper, ...], set[int]] = {}
    for kinds in (DECIDED, OWNED):
        of_kind = select(Document.id).where(Document.kind.in_(kinds))
        found[kinds] = _ids(session, select(about.c.point_id).where(about.c.document_id.in_(of_kind)))
    return found


def _retired(session: Session) -> set[int]:
    """Points that have eyes, all of them retired."""
    eyes = select(Device.point_id).join(Eye, Eye.device_id == Device.id)
    return _ids(session, eyes) - _ids(session, eyes.where(Eye.retired_at.is_(None)))


def _ids(session: Session, *several: Select[Any]) -> set[int]:
    return {each for one in several for each in session.scalars(one) if each is not None}
