"""What people and reports read of the funding ledger, cut to a ``Scope``: entries leaf by leaf, the lines
that sums are made of, programmes, contributors, what waits.

Of an entry that also concerns other units only the shares inside are told. See ``reach``.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from camera_registry import queries
from camera_registry.funding.kinds import Component, Form, Kind, Source, State
from camera_registry.funding.reach import Reach, unit_names
from camera_registry.funding.sums import Line, Totals, grouped, totals
from camera_registry.i18n import collation_key
from camera_registry.models import Contributor, MoneyEntry, MoneyShare, Point, Programme, Unit
from camera_registry.money import Sum
from camera_registry.spelling import fold
from camera_registry.units import Scope

LEAF = 50  # entries of one leaf
LOOKED_AT = 3_000  # whose words are compared before a leaf is given as it is


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One point's part of an entry; empty texts where it is no point's yet."""

    point: str
    point_name: str
    unit: str
    amount: int | None


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry, as it may be seen. ``amount`` sums the ``shares`` told; ``elsewhere``: there are others.

    ``reverses`` and ``reversed_by`` are the numbers of other entries (a reversing one that waits is told,
    too); ``contributor`` is a number, and ``contributor_name`` whom it names.
    """

    id: int
    kind: Kind
    dated: date
    budget_year: int
    programme: str
    programme_name: str
    contributor: int | None
    contributor_name: str
    source: Source | None
    givers: int | None
    form: Form
    component: Component | None
    shares: tuple[ShareRow, ...]
    elsewhere: bool
    payee: str
    text: str
    repair: int | None
    reverses: int | None
    reversed_by: int | None
    brought_by: str
    state: State
    made_at: datetime
    made_by: str
    decided_at: datetime | None
    decided_by: str
    decision: str

    @property
    def amount(self) -> Sum:
        return Sum.of(share.amount for share in self.shares)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; blank is all. All words of ``text`` must occur, marks aside."""

    kind: Kind | None = None
    state: State | None = None
    source: Source | None = None
    form: Form | None = None
    component: Component | None = None
    programme: str = ""
    contributor: int | None = None
    point: str = ""
    unit: str = ""  # uid, of today
    year: int | None = None
    first: date | None = None
    last: date | None = None
    repair: int | None = None
    brought_by: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Entries, those of the newest date first. ``older`` is the key that asks for what lies behind."""

    entries: tuple[EntryRow, ...]
    older: str = ""


@dataclass(frozen=True, slots=True)
class ProgrammeRow:
    """A programme; its sums are in its ``lines``. ``unit`` is empty for one of the city.

    ``changeable``: all of it is in the reader's scope.
    """

    code: str
    name: str
    decision: str
    decided_on: date | None
    levels: str
    first_year: int | None
    last_year: int | None
    unit_uid: str
    unit: str
    note: str
    changeable: bool


@dataclass(frozen=True, slots=True)
class ContributorRow:
    """Who gave. ``entries`` counts what may be seen and was not refused, ``given`` sums what was approved."""

    id: int
    kind: Source
    name: str
    unit_uid: str
    unit: str
    residential_group: str
    consent_on: date | None
    consent: str
    entries: int
    given: Sum
    changeable: bool


def entries(
    session: Session,
    scope: Scope,
    day: date,
    wanted: Wanted = Wanted(),
    *,
    behind: str = "",
    limit: int = LEAF,
) -> Leaf:
    """The first entries behind the key ``behind``, in scope on ``day``, those of the newest date first.

    A rare word may leave a leaf short, or empty, though there is more: ``older`` then goes on.
    """
    reach = Reach.load(session, scope, day)
    found = _wanted(session, reach, scope, day, wanted)
    key = _key(behind)
    if key is not None:
        dated, number = key
        found = found.where(
            or_(MoneyEntry.dated < dated, and_(MoneyEntry.dated == dated, MoneyEntry.id < number))
        )
    words = fold(wanted.text).split()
    if not words:
        rows = session.scalars(found.limit(limit + 1)).all()
        told = _told(session, reach, day, rows[:limit])
        return Leaf(tuple(told), _key_of(rows[limit - 1]) if len(rows) > limit else "")
    chosen: list[EntryRow] = []
    rows = session.scalars(found.limit(LOOKED_AT)).all()
    for first in range(0, len(rows), LEAF):
        for row, entry in zip(
            rows[first : first + LEAF], _told(session, reach, day, rows[first : first + LEAF]), strict=True
        ):
            if _says(entry, words):
                chosen.append(entry)
            if len(chosen) == limit:
                return Leaf(tuple(chosen), _key_of(row))
    return Leaf(tuple(chosen), _key_of(rows[-1]) if len(rows) == LOOKED_AT else "")


def every(session: Session, scope: Scope, day: date, wanted: Wanted = Wanted()) -> list[EntryRow]:
    """All that is wanted, in the order of ``entries``: for exports."""
    reach = Reach.load(session, scope, day)
    rows = session.scalars(_wanted(session, reach, scope, day, wanted)).all()
    words = fold(wanted.text).split()
    return [entry for entry in _told(session, reach, day, rows) if not words or _says(entry, words)]


def entry(session: Session, scope: Scope, day: date, entry_id: int) -> EntryRow | None:
    """One entry; ``None`` where there is none of this number in scope."""
    reach = Reach.load(session, scope, day)
    rows = session.scalars(select(MoneyEntry).where(MoneyEntry.id == entry_id, reach.entry())).all()
    return next(iter(_told(session, reach, day, rows)), None)


def waiting_count(session: Session, scope: Scope, day: date) -> int:
    """How many entries in scope wait to be approved."""
    reach = Reach.load(session, scope, day)
    waiting = select(func.count()).select_from(MoneyEntry).where(MoneyEntry.state == State.WAITING)
    return session.scalars(waiting.where(reach.entry())).one()


def lines(
    session: Session,
    scope: Scope,
    day: date,
    *,
    point: str | None = None,
    programme: str | None = None,
    unit: str | None = None,
    year: int | None = None,
    contributor: int | None = None,
    repair: int | None = None,
    until: date | None = None,
    state: State = State.APPROVED,
) -> list[Line]:
    """The shares of approved entries in scope: what sums are made of. In the order of date and number.

    ``point`` and ``programme`` are codes, ``unit`` a uid: what is of it, or of a unit in it, by ``day``.
    ``until`` is of the dates of entries, inclusive. What was reversed by then has no line, nor has what
    reversed it: it is as if it had never been said. ``state`` asks for lines that do not count (yet) instead.
    """
    if unit is not None:
        scope = within(session, scope, unit)
    reach = Reach.load(session, scope, day)
    conditions = [MoneyEntry.state == state, reach.share()]
    if point is not None:
        conditions.append(Point.code == point)
    if programme is not None:
        conditions.append(Programme.code == programme)
    if year is not None:
        conditions.append(MoneyEntry.budget_year == year)
    if contributor is not None:
        conditions.append(MoneyEntry.contributor_id == contributor)
    if repair is not None:
        conditions.append(MoneyEntry.repair_id == repair)
    back = select(MoneyEntry.reverses_id).where(
        MoneyEntry.reverses_id.is_not(None), MoneyEntry.state == State.APPROVED
    )
    if until is not None:
        conditions.append(MoneyEntry.dated <= until)
        back = back.where(MoneyEntry.dated <= until)
    if state == State.APPROVED:
        conditions += [MoneyEntry.reverses_id.is_(None), MoneyEntry.id.not_in(back.correlate(None))]
    rows = session.execute(
        select(*_LINE)
        .join(MoneyShare, MoneyShare.entry_id == MoneyEntry.id)
        .outerjoin(Point, Point.id == MoneyShare.point_id)
        .outerjoin(Programme, Programme.id == MoneyEntry.programme_id)
        .outerjoin(Contributor, Contributor.id == MoneyEntry.contributor_id)
        .where(*conditions)
        .order_by(MoneyEntry.dated, MoneyEntry.id, MoneyShare.id)
    )
    units = {point_id: unit_id for point_id, (unit_id, _) in queries.homes(session, day).items()}
    names = unit_names(session, day)
    return [_line(row, units, names) for row in rows]


def within(session: Session, scope: Scope, unit: str) -> Scope:
    """What of a scope lies in the unit of this uid: nothing where there is none."""
    return scope.narrowed(session.scalar(select(Unit.id).where(Unit.uid == unit)) or 0)


def totals_by_point(
    session: Session, scope: Scope, day: date, *, until: date | None = None
) -> dict[str, Totals]:
    """What each point's lines sum to, by its code; under ``""`` what is no point's yet."""
    return grouped(lines(session, scope, day, until=until), lambda line: line.point)


def years(session: Session, scope: Scope, day: date) -> list[int]:
    """The budget years of which there are entries in scope, the newest first."""
    reach = Reach.load(session, scope, day)
    found = select(MoneyEntry.budget_year).where(reach.entry()).distinct()
    return sorted(session.scalars(found), reverse=True)


def programmes(session: Session, scope: Scope, day: date) -> list[ProgrammeRow]:
    """The programmes in scope, by code."""
    reach = Reach.load(session, scope, day)
    names = unit_names(session, day)
    rows = session.scalars(select(Programme).where(reach.programme()).order_by(Programme.code))
    return [_programme(row, reach, names) for row in rows]


def programme(session: Session, scope: Scope, day: date, code: str) -> ProgrammeRow | None:
    """One programme; ``None`` where none of this code is in scope."""
    return next((row for row in programmes(session, scope, day) if row.code == code), None)


def contributors(session: Session, scope: Scope, day: date, text: str = "") -> list[ContributorRow]:
    """Who gave, as far as it may be seen: by kind and name; only those that all words of ``text`` tell of."""
    reach = Reach.load(session, scope, day)
    names = unit_names(session, day)
    given: dict[int, list[Line]] = defaultdict(list)
    for line in lines(session, scope, day):
        if line.contributor is not None and line.kind in (Kind.OPENING, Kind.CONTRIBUTION):
            given[line.contributor].append(line)
    counts = session.execute(
        select(MoneyEntry.contributor_id, func.count())
        .where(MoneyEntry.contributor_id.is_not(None), MoneyEntry.state != State.REFUSED, reach.entry())
        .group_by(MoneyEntry.contributor_id)
    )
    entries_of = {row[0]: row[1] for row in counts}
    found = [
        _contributor(row, reach, names, entries_of.get(row.id, 0), totals(given[row.id]).collected)
        for row in session.scalars(select(Contributor).where(reach.contributor()))
    ]
    words = fold(text).split()
    chosen = [row for row in found if not words or _says_who(row, words)]
    order = list(Source)
    return sorted(chosen, key=lambda row: (order.index(row.kind), collation_key(row.name), row.id))


def contributor(session: Session, scope: Scope, day: date, contributor_id: int) -> ContributorRow | None:
    """One contributor; ``None`` where none of this number is in scope."""
    return next((row for row in contributors(session, scope, day) if row.id == contributor_id), None)


# --- how it is done ---------------------------------------------------------------------------------


def _wanted(session: Session, reach: Reach, scope: Scope, day: date, wanted: Wanted) -> Select[MoneyEntry]:
    found = select(MoneyEntry).where(reach.entry())
    exact: Sequence[tuple[InstrumentedAttribute[Any], object]] = (
        (MoneyEntry.kind, wanted.kind),
        (MoneyEntry.state, wanted.state),
        (MoneyEntry.form, wanted.form),
        (MoneyEntry.component, wanted.component),
        (MoneyEntry.contributor_id, wanted.contributor),
        (MoneyEntry.budget_year, wanted.year),
        (MoneyEntry.repair_id, wanted.repair),
        (MoneyEntry.brought_by, wanted.brought_by or None),
    )
    found = found.where(*(column == value for column, value in exact if value is not None))
    if wanted.first is not None:
        found = found.where(MoneyEntry.dated >= wanted.first)
    if wanted.last is not None:
        found = found.where(MoneyEntry.dated <= wanted.last)
    if wanted.programme:
        codes = select(Programme.id).where(Programme.code == wanted.programme)
        found = found.where(MoneyEntry.programme_id.in_(codes))
    if wanted.source is not None:
        givers = select(Contributor.id).where(Contributor.kind == wanted.source)
        found = found.where(MoneyEntry.contributor_id.in_(givers))
    if wanted.point:
        points = select(Point.id).where(Point.code == wanted.point)
        found = found.where(_has_share(MoneyShare.point_id.in_(points), reach))
    if wanted.unit:
        inside = Reach.load(session, within(session, scope, wanted.unit), day)
        found = found.where(inside.entry())
    return found.order_by(MoneyEntry.dated.desc(), MoneyEntry.id.desc())


def _has_share(condition: ColumnElement[bool], reach: Reach) -> ColumnElement[bool]:
    return MoneyEntry.id.in_(
        select(MoneyShare.entry_id)
        .join(MoneyEntry, MoneyEntry.id == MoneyShare.entry_id)
        .where(condition, reach.share())
    )


def _told(session: Session, reach: Reach, day: date, rows: Sequence[MoneyEntry]) -> list[EntryRow]:
    ids = [row.id for row in rows]
    shares: Mapping[int, list[ShareRow]] = defaultdict(list)
    units = queries.point_units(session, Scope.everything(), day)
    for first in range(0, len(ids), LOOKED_AT):
        some = ids[first : first + LOOKED_AT]
        found = session.execute(
            select(MoneyShare.entry_id, MoneyShare.point_id, Point.code, Point.name, MoneyShare.amount)
            .join(MoneyEntry, MoneyEntry.id == MoneyShare.entry_id)
            .outerjoin(Point, Point.id == MoneyShare.point_id)
            .where(MoneyShare.entry_id.in_(some), reach.share())
            .order_by(MoneyShare.id)
        )
        for entry_id, point_id, code, name, amount in found:
            unit = units.get(point_id, ("", ""))[0] if point_id is not None else ""
            shares[entry_id].append(ShareRow(code or "", name or "", unit, amount))
    counts: dict[int, int] = {}
    reversed_by: dict[int, int] = {}
    for first in range(0, len(ids), LOOKED_AT):
        some = ids[first : first + LOOKED_AT]
        per_entry = (
            select(MoneyShare.entry_id, func.count())
            .where(MoneyShare.entry_id.in_(some))
            .group_by(MoneyShare.entry_id)
        )
        counts.update({row[0]: row[1] for row in session.execute(per_entry)})
        back = select(MoneyEntry.reverses_id, MoneyEntry.id).where(
            MoneyEntry.reverses_id.in_(some), MoneyEntry.state != State.REFUSED
        )
        reversed_by.update({former: number for former, number in session.execute(back) if former is not None})
    programme_ids = {row.programme_id for row in rows}
    giver_ids = {row.contributor_id for row in rows}
    paid_from = {row.id: row for row in session.scalars(select(Programme)) if row.id in programme_ids}
    givers = {row.id: row for row in session.scalars(select(Contributor)) if row.id in giver_ids}
    return [
        _entry(
            row,
            tuple(shares[row.id]),
            counts[row.id] > len(shares[row.id]),
            paid_from.get(row.programme_id or 0),
            givers.get(row.contributor_id or 0),
            reversed_by.get(row.id),
        )
        for row in rows
    ]


def _entry(
    row: MoneyEntry,
    shares: tuple[ShareRow, ...],
    elsewhere: bool,
    of: Programme | None,
    giver: Contributor | None,
    reversed_by: int | None,
) -> EntryRow:
    return EntryRow(
        id=row.id,
        kind=Kind(row.kind),
        dated=row.dated,
        budget_year=row.budget_year,
        programme=of.code if of is not None else "",
        programme_name=of.name if of is not None else "",
        contributor=row.contributor_id,
        contributor_name=giver.name if giver is not None else "",
        source=Source(giver.kind) if giver is not None else None,
        givers=row.givers,
        form=Form(row.form),
        component=Component(row.component) if row.component else None,
        shares=shares,
        elsewhere=elsewhere,
        payee=row.payee,
        text=row.text,
        repair=row.repair_id,
        reverses=row.reverses_id,
        reversed_by=reversed_by,
        brought_by=row.brought_by,
        state=State(row.state),
        made_at=row.made_at,
        made_by=row.made_by,
        decided_at=row.decided_at,
        decided_by=row.decided_by,
        decision=row.decision,
    )


_LINE = (
    MoneyEntry.id,
    MoneyEntry.kind,
    MoneyEntry.dated,
    MoneyEntry.budget_year,
    MoneyEntry.form,
    MoneyEntry.component,
    MoneyEntry.givers,
    MoneyEntry.contributor_id,
    MoneyEntry.repair_id,
    MoneyShare.point_id,
    MoneyShare.amount,
    Point.code.label("point"),
    Programme.code.label("programme"),
    Contributor.kind.label("source"),
    func.coalesce(Programme.unit_id, Contributor.unit_id).label("owner_id"),
)


def _line(row: Row[*tuple[Any, ...]], units: Mapping[int, int], names: Mapping[int, tuple[str, str]]) -> Line:
    unit_id = row.owner_id if row.point_id is None else units.get(row.point_id)
    uid, name = names[unit_id] if unit_id is not None else ("", "")
    return Line(
        entry=row.id,
        kind=Kind(row.kind),
        dated=row.dated,
        year=row.budget_year,
        form=Form(row.form),
        amount=row.amount,
        programme=row.programme or "",
        contributor=row.contributor_id,
        source=Source(row.source) if row.source is not None else None,
        givers=row.givers,
        component=Component(row.component) if row.component else None,
        point=row.point or "",
        unit_uid=uid,
        unit=name,
        repair=row.repair_id,
    )


def _programme(row: Programme, reach: Reach, names: Mapping[int, tuple[str, str]]) -> ProgrammeRow:
    uid, unit = names[row.unit_id] if row.unit_id is not None else ("", "")
    return ProgrammeRow(
        *(row.code, row.name, row.decision, row.decided_on, row.levels, row.first_year, row.last_year),
        *(uid, unit, row.note, reach.holds_unit(row.unit_id)),
    )


def _contributor(
    row: Contributor, reach: Reach, names: Mapping[int, tuple[str, str]], entries: int, given: Sum
) -> ContributorRow:
    uid, unit = names[row.unit_id] if row.unit_id is not None else ("", "")
    return ContributorRow(
        *(row.id, Source(row.kind), row.name, uid, unit, row.residential_group, row.consent_on, row.consent),
        *(entries, given, reach.holds_unit(row.unit_id)),
    )


def _says(row: EntryRow, words: Sequence[str]) -> bool:
    points = [text for share in row.shares for text in (share.point, share.point_name)]
    said = fold(
        " ".join(
            (
                row.text,
                row.payee,
                row.contributor_name,
                row.programme,
                row.programme_name,
                row.brought_by,
                *points,
            )
        )
    )
    return all(word in said for word in words)


def _says_who(row: ContributorRow, words: Sequence[str]) -> bool:
    said = fold(" ".join((row.name, row.unit, row.residential_group)))
    return all(word in said for word in words)


def _key_of(row: MoneyEntry) -> str:
    return f"{row.dated.isoformat()}.{row.id}"


def _key(text: str) -> tuple[date, int] | None:
    """``None`` for what is no key: the first leaf."""
    dated, _, number = text.partition(".")
    try:
        return date.fromisoformat(dated), int(number[:18])
    except ValueError:
        return None
