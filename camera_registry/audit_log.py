"""Reads who did what: the whole log, narrowed and page by page; and the history of one thing.

Cut to a reader's ``Scope``: who may not see everything sees the deeds done to eyes, devices, points, units,
incidents, windows, repairs, proposals and entries of the funding ledger that lie in the scope today. What was
done to sites, people, months and files is of the whole city.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.sql.elements import SQLColumnExpression

from camera_registry import queries
from camera_registry.audit import Action
from camera_registry.funding.reach import Reach
from camera_registry.maintenance import ScopeKind
from camera_registry.models import (
    Audit,
    Contributor,
    Device,
    DocumentUse,
    Eye,
    IncidentEye,
    Maintenance,
    MaintenanceScope,
    MoneyEntry,
    Point,
    Programme,
    Proposal,
    Repair,
    Unit,
)
from camera_registry.spelling import fold
from camera_registry.units import Scope, UnitTree
from camera_registry.uptime import Span

PAGE = 100  # entries of one page
LOOKED_AT = 3_000  # whose words are compared before a page is given as it is: about a third of a second
AT_ONCE = 1_000  # rows fetched
HISTORY = 50

SORTED: Mapping[str, InstrumentedAttribute[Any]] = {  # by the id, for entries are made one after the other
    **{"at": Audit.id, "who": Audit.who, "action": Audit.action, "subject": Audit.subject}
}
NEWEST = "-at"
NOTHING: tuple[Any, ...] = (None, "", [])  # however it is written down

# To look is no change of the thing: it stands in the log, and not in the thing's history.
LOOKS = (
    *(Action.PICTURE_VIEWED, Action.PROBED, Action.EXPORTED, Action.DEVICE_ASKED),
    *(Action.DOCUMENT_VIEWED, Action.MADE_REPORT_OPENED),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that a deed changed; ``None`` where there was, or is, none."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One deed. ``detail`` is as it was written down; it holds no secret."""

    id: int
    at: datetime
    who: str
    origin: str
    action: str
    subject: str
    detail: Mapping[str, Any]
    request_id: str
    reason: str

    @property
    def kind(self) -> str:
        """Of what kind the subject is: ``eye``, ``point``, ``user``, …"""
        return self.subject.partition(":")[0]

    @property
    def name(self) -> str:
        """What the subject is called among its kind: an eye's code, a user's name."""
        return self.subject.partition(":")[2]

    @property
    def differences(self) -> list[Difference]:
        """What it changed, by field; empty where nothing is told as before and after."""
        if "after" not in self.detail and "before" not in self.detail:
            return []
        before, after = self.detail.get("before"), self.detail.get("after")
        if not isinstance(before or {}, Mapping) or not isinstance(after or {}, Mapping):
            return [Difference("", before, after)]
        before, after = before or {}, after or {}
        return [
            Difference(name, was, now)
            for name in dict.fromkeys([*before, *after])
            for was, now in [(before.get(name), after.get(name))]
            if was != now and not (was in NOTHING and now in NOTHING)
        ]

    @property
    def circumstances(self) -> dict[str, Any]:
        """What else was written down, by name; nothing of what was empty."""
        return {
            name: value
            for name, value in self.detail.items()
            if name not in ("before", "after") and value not in (*NOTHING, {})
        }


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of the log; blank is everything. All words of ``text`` must occur, marks aside."""

    who: str = ""
    action: str = ""
    subject: str = ""  # whole: "eye:YB-0001-01"
    request_id: str = ""
    text: str = ""
    within: Span | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, the newest first. ``older`` is the key that asks for what lies before; ``None`` at the end."""

    entries: tuple[Entry, ...]
    older: int | None


def page(
    session: Session,
    scope: Scope,
    day: date,
    wanted: Wanted,
    before: int | None = None,
    limit: int = PAGE,
    sort: str = NEWEST,
) -> Page:
    """The first entries behind that with the id ``before``, in scope on ``day``, the newest first or as
    ``sort`` says: one of ``SORTED``, with a dash before it for the other direction.

    A rare word may leave a page short, or empty, though there is more: ``older`` then goes on.
    """
    found = _behind(session, _select(session, scope, day, wanted, sort), sort, before)
    words = fold(wanted.text).split()
    if not words:
        entries = [_entry(row) for row in session.scalars(found.limit(limit + 1))]
        older = entries[limit - 1].id if len(entries) > limit else None
        return Page(tuple(entries[:limit]), older)
    chosen: list[Entry] = []
    seen = last = 0
    with closing(session.scalars(found.limit(LOOKED_AT).execution_options(yield_per=AT_ONCE))) as rows:
        for row in rows:
            seen, last = seen + 1, row.id
            if _says(row, words):
                chosen.append(_entry(row))
                if len(chosen) == limit:
                    return Page(tuple(chosen), last)
    return Page(tuple(chosen), last if seen == LOOKED_AT else None)


def every(session: Session, scope: Scope, day: date, wanted: Wanted, sort: str = NEWEST) -> Iterator[Entry]:
    """All that is wanted, in order, read as it is consumed: for exports."""
    words = fold(wanted.text).split()
    found = _select(session, scope, day, wanted, sort).execution_options(yield_per=AT_ONCE)
    with closing(session.scalars(found)) as rows:
        for row in rows:
            if not words or _says(row, words):
                yield _entry(row)


def history(
    session: Session, scope: Scope, day: date, subjects: Collection[str], limit: int = HISTORY
) -> list[Entry]:
    """What was changed of these things (``eye:CODE``, ``point:CODE``, …), in scope, the newest first."""
    found = _select(session, scope, day, Wanted()).where(
        Audit.subject.in_(subjects), Audit.action.not_in([str(look) for look in LOOKS])
    )
    return [_entry(row) for row in session.scalars(found.limit(limit))]


# --- how it is done ---------------------------------------------------------------------------------


def _select(session: Session, scope: Scope, day: date, wanted: Wanted, sort: str = NEWEST) -> Select[Audit]:
    exact = {Audit.who: wanted.who, Audit.action: wanted.action, Audit.subject: wanted.subject}
    exact[Audit.request_id] = wanted.request_id
    found = select(Audit).where(*(column == value for column, value in exact.items() if value))
    if wanted.within is not None:
        found = found.where(Audit.at >= wanted.within.start, Audit.at < wanted.within.end)
    column, down = _order(sort)
    return found.where(*_seen(session, scope, day)).order_by(
        column.desc() if down else column, Audit.id.desc()
    )


def _order(sort: str) -> tuple[InstrumentedAttribute[Any], bool]:
    """The column, and whether it goes down."""
    name = sort.removeprefix("-")
    return (SORTED[name], sort.startswith("-")) if name in SORTED else _order(NEWEST)


def _behind(session: Session, found: Select[Audit], sort: str, before: int | None) -> Select[Audit]:
    """Of ``found`` what comes behind its entry ``before``; of those equal to it, the older ones.

    By time that needs no entry of this number; in another order all is behind one that was not found.
    """
    if before is None:
        return found
    column, down = _order(sort)
    if column is Audit.id:
        return found.where(Audit.id < before if down else Audit.id > before)
    there = session.scalar(found.with_only_columns(column).where(Audit.id == before))
    if there is None:
        return found
    return found.where(
        or_(column < there if down else column > there, (column == there) & (Audit.id < before))
    )


def _seen(session: Session, scope: Scope, day: date) -> Sequence[ColumnElement[bool]]:
    """The condition that cuts to ``scope``; none where it is everything."""
    if scope.unit_ids is None:
        return ()
    points = queries.point_ids(session, scope, day)
    inside = Device.point_id.in_(points)
    eyes = select(Eye.id).join(Device, Eye.device_id == Device.id).where(inside)
    units = [unit.id for unit in UnitTree.load(session).units.values() if scope.covers(unit.id)]
    covers: dict[ScopeKind, Any] = {
        ScopeKind.EYE: eyes,
        ScopeKind.DEVICE: select(Device.id).where(inside),
        ScopeKind.POINT: points,
        ScopeKind.UNIT: units,
    }
    # Of a window that covers anything else, too, that would be told as well.
    outside = select(MaintenanceScope.maintenance_id).where(
        ~or_(
            *((MaintenanceScope.kind == kind) & MaintenanceScope.ref_id.in_(covers[kind]) for kind in covers)
        )
    )
    subjects = (
        select(_named("eye", Eye.code)).where(Eye.id.in_(eyes)),
        select(_named("device", Device.code)).where(inside),
        select(_named("point", Point.code)).where(Point.id.in_(points)),
        select(_named("unit", Unit.uid)).where(Unit.id.in_(units)),
        select(_named("incident", IncidentEye.incident_id.cast(String))).where(IncidentEye.eye_id.in_(eyes)),
        select(_named("maintenance", Maintenance.id.cast(String))).where(Maintenance.id.not_in(outside)),
        select(_named("repair", Repair.id.cast(String))).where(Repair.point_id.in_(points)),
        select(_named("proposal", Proposal.id.cast(String))).where(Proposal.unit_id.in_(units)),
        *_money(Reach.load(session, scope, day)),
    )
    return (or_(*(Audit.subject.in_(named) for named in subjects)),)


def _money(reach: Reach) -> Iterator[Select[Any]]:
    """What of the funding ledger lies wholly within: a deed tells all of the entry that it was done to."""
    yield select(_named("money", MoneyEntry.id.cast(String))).where(reach.whole_entry())
    yield select(_named("programme", Programme.code)).where(Programme.unit_id.in_(reach.units))
    yield select(_named("contributor", Contributor.id.cast(String))).where(
        Contributor.unit_id.in_(reach.units)
    )
    of_points = DocumentUse.point_id.in_(reach.points)
    yield select(_named("document", DocumentUse.document_id.cast(String))).where(of_points)


def _named(kind: str, name: SQLColumnExpression[str]) -> SQLColumnExpression[str]:
    return literal(f"{kind}:") + name


def _says(row: Audit, words: Sequence[str]) -> bool:
    detail = json.dumps(row.detail, ensure_ascii=False)
    said = fold(" ".join((row.who, row.origin, row.subject, row.reason, row.request_id, detail)))
    return all(word in said for word in words)


def _entry(row: Audit) -> Entry:
    return Entry(
        row.id,
        row.at,
        row.who,
        row.origin,
        row.action,
        row.subject,
        row.detail,
        row.request_id,
        row.reason,
    )
