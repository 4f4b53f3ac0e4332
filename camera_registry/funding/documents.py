"""Papers and photos: decisions, minutes, invoices, quotations, and what they are about.

A paper is its number and its date; a copy of it may be kept, sealed, and each time that it is opened is
written down. Who sees a thing sees which papers it has; who sees all of the thing may open them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.funding.checks import FundingError, a_day, said
from camera_registry.funding.kinds import Paper
from camera_registry.funding.reach import Reach
from camera_registry.i18n import N_
from camera_registry.models import Document, DocumentUse, MoneyEntry, Point, Programme, Repair
from camera_registry.units import Scope

MOST_BYTES: Final = 8 * 1024 * 1024
LONGEST_NUMBER, LONGEST_ISSUER, LONGEST_TITLE = 100, 200, 300  # characters

# What may be kept, by how it begins: a name or a browser may say anything.
BEGINNINGS: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"%PDF-": "application/pdf",
}


@dataclass(frozen=True, slots=True)
class About:
    """What a paper is about: the code of a programme or a point, or the number of an entry or a repair."""

    programme: str | None = None
    point: str | None = None
    entry: int | None = None
    repair: int | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A paper as a person fills it in; ``content`` is a copy of it, where there is one."""

    kind: Paper
    number: str = ""
    dated: date | None = None
    issuer: str = ""
    title: str = ""
    content: bytes | None = None


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A paper. ``media_type`` is empty where no copy is kept; ``openable``: the reader may open it."""

    id: int
    kind: Paper
    number: str
    dated: date | None
    issuer: str
    title: str
    media_type: str
    size: int | None
    made_at: datetime
    made_by: str
    openable: bool


def add(
    session: Session,
    store: CredentialStore,
    actor: Actor,
    scope: Scope,
    filled: Filled,
    about: About,
    now: datetime,
    zone: tzinfo,
    reason: str = "",
) -> int:
    """A new paper about a thing that lies wholly in scope; returns its number.

    Raises ``FundingError`` for a thing that is not there, and for a copy that is too large or neither JPEG,
    PNG nor PDF; ``CredentialError`` where the key is missing.
    """
    today = now.astimezone(zone).date()
    use = _use(session, scope, today, about)
    a_day(filled.dated, today, years_ahead=0)
    row = Document(
        kind=str(filled.kind),
        number=said(filled.number, LONGEST_NUMBER),
        dated=filled.dated,
        issuer=said(filled.issuer, LONGEST_ISSUER),
        title=said(filled.title, LONGEST_TITLE),
        made_at=now,
        made_by=actor.name,
    )
    if filled.content:
        row.media_type = media_type(filled.content)
        row.size, row.sha256 = len(filled.content), sha256(filled.content).hexdigest()
        row.sealed = store.seal(_label(row), filled.content)
    elif not (row.number or row.title):
        raise FundingError(N_("A paper has a number, a title, or a copy."))
    session.add(row)
    session.flush()
    use.document_id = row.id
    session.add(use)
    session.flush()
    detail = {"before": None, "after": {**_told(row), "about": _subject(about)}}
    audit.record(
        session, actor, Action.DOCUMENT_ADDED, f"document:{row.id}", now, detail=detail, reason=reason
    )
    return row.id


def attach(
    session: Session,
    actor: Actor,
    scope: Scope,
    document_id: int,
    about: About,
    now: datetime,
    zone: tzinfo,
    reason: str = "",
) -> None:
    """A paper is about one more thing. Raises ``FundingError`` where either is not wholly in scope."""
    today = now.astimezone(zone).date()
    row = _openable(session, scope, today, document_id)
    use = _use(session, scope, today, about)
    values = (use.programme_id, use.point_id, use.entry_id, use.repair_id)
    there = select(DocumentUse).where(DocumentUse.document_id == row.id)
    for each in session.scalars(there):
        if (each.programme_id, each.point_id, each.entry_id, each.repair_id) == values:
            return
    use.document_id = row.id
    session.add(use)
    session.flush()
    detail = {"about": _subject(about)}
    audit.record(
        session, actor, Action.DOCUMENT_ADDED, f"document:{row.id}", now, detail=detail, reason=reason
    )


def opened(
    session: Session,
    store: CredentialStore,
    actor: Actor,
    scope: Scope,
    document_id: int,
    now: datetime,
    zone: tzinfo,
) -> tuple[str, bytes]:
    """The media type and the copy of a paper, and that it was opened written down.

    Raises ``FundingError`` where there is none in scope, ``CredentialError`` where it does not open.
    """
    row = _openable(session, scope, now.astimezone(zone).date(), document_id)
    if row.sealed is None:
        raise FundingError(N_("No copy of this paper is kept."))
    audit.record(session, actor, Action.DOCUMENT_VIEWED, f"document:{row.id}", now, detail=_told(row))
    return row.media_type, store.unseal(_label(row), row.sealed)


def documents(session: Session, scope: Scope, day: date, about: About) -> list[DocumentRow]:
    """The papers about a thing that is seen in scope, those of the newest date first; else none."""
    reach = Reach.load(session, scope, day)
    if not _seen(session, scope, day, about):
        return []
    openable = _whole(session, scope, day, about)
    conditions = {
        "programme": DocumentUse.programme_id.in_(
            select(Programme.id).where(Programme.code == about.programme, reach.programme())
        ),
        "point": DocumentUse.point_id.in_(select(Point.id).where(Point.code == about.point)),
        "entry": DocumentUse.entry_id == about.entry,
        "repair": DocumentUse.repair_id == about.repair,
    }
    uses = select(DocumentUse.document_id).where(conditions[_one(about)])
    rows = session.scalars(select(Document).where(Document.id.in_(uses)))
    found = [
        DocumentRow(
            *(row.id, Paper(row.kind), row.number, row.dated, row.issuer, row.title),
            *(row.media_type, row.size, row.made_at, row.made_by, openable and bool(row.media_type)),
        )
        for row in rows
    ]
    return sorted(found, key=lambda row: (-(row.dated or date.min).toordinal(), row.id))


def media_type(content: bytes) -> str:
    """Of a JPEG, a PNG or a PDF that may be kept. Raises ``FundingError`` for anything else."""
    if len(content) > MOST_BYTES:
        raise FundingError(N_("A copy of more than {limit} MB is not kept."), limit=MOST_BYTES >> 20)
    for beginning, name in BEGINNINGS.items():
        if content.startswith(beginning):
            return name
    raise FundingError(N_("A copy is a JPEG or PNG picture, or a PDF."))


def opens(store: CredentialStore, row: Document) -> bool:
    """Whether the copy, where one is kept, opens with the key and is the one that was given."""
    if row.sealed is None:
        return not row.sha256
    try:
        return sha256(store.unseal(_label(row), row.sealed)).hexdigest() == row.sha256
    except CredentialError:
        return False


def reseal(session: Session, store: CredentialStore) -> int:
    """Seal every copy anew with the newest key; returns how many. One that does not open stops it."""
    ids = session.scalars(select(Document.id).where(Document.sealed.is_not(None))).all()
    for document_id in ids:
        row = session.get_one(Document, document_id)
        if row.sealed is not None:
            row.sealed = store.seal(_label(row), store.unseal(_label(row), row.sealed))
        session.flush()
        session.expunge(row)  # one at a time in memory
    return len(ids)


# --- how it is done ---------------------------------------------------------------------------------


def _one(about: About) -> str:
    """Which of the four it is about."""
    said = [name for name in ("programme", "point", "entry", "repair") if getattr(about, name) is not None]
    if len(said) != 1:
        raise ValueError(f"a paper is about one thing: {about}")
    return said[0]


def _subject(about: About) -> str:
    kind = _one(about)
    return f"{'money' if kind == 'entry' else kind}:{getattr(about, kind)}"


def _seen(session: Session, scope: Scope, day: date, about: About) -> bool:
    """Whether something of the thing may be seen."""
    reach = Reach.load(session, scope, day)
    if about.programme is not None:
        found = select(Programme.id).where(Programme.code == about.programme, reach.programme())
        return session.scalar(found) is not None
    if about.entry is not None:
        return (
            session.scalar(select(MoneyEntry.id).where(MoneyEntry.id == about.entry, reach.entry()))
            is not None
        )
    return _whole(session, scope, day, about)


def _whole(session: Session, scope: Scope, day: date, about: About) -> bool:
    """Whether all of the thing lies in scope."""
    reach = Reach.load(session, scope, day)
    if about.programme is not None:
        row = session.scalar(select(Programme).where(Programme.code == about.programme))
        return row is not None and reach.holds_unit(row.unit_id)
    if about.point is not None:
        return queries.point_in(session, scope, day, about.point) is not None
    if about.repair is not None:
        repair = session.get(Repair, about.repair)
        return repair is not None and reach.holds_point(repair.point_id)
    found = select(MoneyEntry.id).where(MoneyEntry.id == about.entry, reach.whole_entry())
    return session.scalar(found) is not None


def _use(session: Session, scope: Scope, day: date, about: About) -> DocumentUse:
    """The row that says what a paper is about. Raises ``FundingError``."""
    kind = _one(about)
    if not _whole(session, scope, day, about):
        raise FundingError(N_("What the paper is about is not there, or not all of it is yours to see."))
    if kind == "programme":
        found = select(Programme.id).where(Programme.code == about.programme)
        return DocumentUse(programme_id=session.scalar(found))
    if kind == "point":
        return DocumentUse(point_id=session.scalar(select(Point.id).where(Point.code == about.point)))
    return DocumentUse(entry_id=about.entry, repair_id=about.repair)


def _openable(session: Session, scope: Scope, day: date, document_id: int) -> Document:
    """The row of a paper that is about a thing wholly in scope. Raises ``FundingError``."""
    row = session.get(Document, document_id)
    uses = session.scalars(select(DocumentUse).where(DocumentUse.document_id == document_id))
    if row is None or not any(_whole(session, scope, day, _about(session, use)) for use in uses):
        raise FundingError(N_("There is no such paper."))
    return row


def _about(session: Session, use: DocumentUse) -> About:
    if use.programme_id is not None:
        return About(programme=session.get_one(Programme, use.programme_id).code)
    if use.point_id is not None:
        return About(point=session.get_one(Point, use.point_id).code)
    return About(entry=use.entry_id, repair=use.repair_id)


def _told(row: Document) -> dict[str, Any]:
    """As the audit keeps it: nothing of the copy but its hash."""
    return {
        "kind": row.kind,
        "number": row.number,
        "dated": row.dated,
        "issuer": row.issuer,
        "title": row.title,
        "size": row.size,
        "sha256": row.sha256,
    }


def _label(row: Document) -> str:
    return f"document {row.sha256}"
