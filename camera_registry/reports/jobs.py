"""Reports that take a while: asked for, made by one process at a time, kept sealed, opened, and gone.

Whoever makes one leases it, and renews the lease while he is at work; of a process that ended, the lease runs
out, and another takes the report up again. One that ended three processes is given up. Where several servers
share a database, leases are of its clock: theirs may differ.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, update
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import LANGUAGES, N_, Language
from camera_registry.models import MadeReport, Moment, ReportSchedule, Unit
from camera_registry.reports.asked import Asked, checked, from_json, to_json
from camera_registry.reports.owners import may_see, owner_in
from camera_registry.reports.value import Format, Kind
from camera_registry.units import Scope

LEASE = timedelta(seconds=60)
MOST_TRIES = 3  # processes that begin to make one
MOST_WAITING = 20  # of one person at a time
MOST_BYTES = 40 * 1024 * 1024  # of a file
MOST_LISTED = 200
LONGEST_ERROR, LONGEST_FILE_NAME = 300, 200  # characters
CRASHED = N_("It ended the process that made it, {count} times.")


class State(StrEnum):
    """What became of a report; one slug for the database and for translation."""

    WAITING = "waiting"
    MAKING = "making"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"  # its file is gone


STATES = {
    State.WAITING: N_("Waiting to be made"),
    State.MAKING: N_("Being made"),
    State.DONE: N_("Made"),
    State.FAILED: N_("Not made"),
    State.CANCELLED: N_("Cancelled"),
    State.EXPIRED: N_("No longer kept"),
}
PENDING = (State.WAITING, State.MAKING)
NOT_MADE = (State.FAILED, State.CANCELLED)


class JobError(RegistryError):
    """The report cannot be asked for, cancelled or opened."""


@dataclass(frozen=True, slots=True)
class Made:
    """One report as lists show it. ``done`` is of a hundred; ``error`` says why it was not made.

    ``unit`` is the uid of the unit whose it is, ``""`` of the city desk; ``schedule`` the number of the one
    that asked for it.
    """

    id: int
    kind: Kind
    asked: Asked
    format: Format
    language: Language
    unit: str
    unit_name: str
    state: State
    done: int
    made_at: datetime
    made_by: str
    began_at: datetime | None
    ended_at: datetime | None
    expires_at: datetime | None
    name: str
    size: int | None
    sha256: str
    error: str
    schedule: int | None

    @property
    def pending(self) -> bool:
        return self.state in PENDING

    @property
    def can_be_asked_again(self) -> bool:
        """Whether its schedule, which asks once, left a gap."""
        return self.schedule is not None and self.state in NOT_MADE

    def is_of(self, actor: Actor) -> bool:
        """Whether nobody but this person waits for it."""
        return self.schedule is None and self.made_by == actor.name


@dataclass(frozen=True, slots=True)
class Work:
    """A report that is ours to make, cut to what its owner (a unit's database id) may see.

    ``attempt`` counts the processes that began to make it, this one included; after ``MOST_TRIES`` it is to
    be given up.
    """

    id: int
    asked: Asked
    format: Format
    language: Language
    owner: int | None
    schedule_id: int | None
    attempt: int


@dataclass(frozen=True, slots=True)
class File:
    name: str
    format: Format
    content: bytes = field(repr=False)


# --- what people do -----------------------------------------------------------------------------------


def ask(
    session: Session,
    scope: Scope,
    actor: Actor,
    asked: Asked,
    format_: Format,
    language: Language,
    now: datetime,
    day: date,
) -> int:
    """Have a report made for who sees its unit; returns its number.

    Raises ``AskedError``, ``OwnerError``, and ``JobError`` for who waits for too many already.
    """
    owner = _owner(session, scope, day, asked)
    mine = select(MadeReport.id).where(MadeReport.made_by == actor.name, MadeReport.state.in_(PENDING))
    if len(session.scalars(mine.limit(MOST_WAITING)).all()) == MOST_WAITING:
        raise JobError(N_("You wait for {most} reports already."), most=MOST_WAITING)
    number = put(session, asked, format_, language, owner, actor.name, now)
    detail = {"kind": str(asked.kind), "asked": to_json(asked), "format": str(format_)}
    audit.record(session, actor, Action.MADE_REPORT_ASKED, f"report:{number}", now, detail=detail)
    return number


def put(
    session: Session,
    asked: Asked,
    format_: Format,
    language: Language,
    owner: int | None,
    by: str,
    now: datetime,
    schedule_id: int | None = None,
) -> int:
    """Have a report made; returns its number."""
    row = MadeReport(
        schedule_id=schedule_id,
        kind=str(asked.kind),
        asked=to_json(checked(asked)),
        format=str(format_),
        language=language,
        unit_id=owner,
        state=str(State.WAITING),
        made_at=now,
        made_by=by,
    )
    session.add(row)
    session.flush()
    return row.id


def cancel(
    session: Session, scope: Scope, actor: Actor, now: datetime, day: date, number: int, *, any_: bool = False
) -> None:
    """It is not made any more; whoever is making it stops.

    ``any_``: also one that somebody else, or a schedule, asked for. Raises ``JobError`` for such a one
    otherwise, and where it is not pending.
    """
    row = _row(session, scope, day, number, locked=True)
    if not any_ and (row.schedule_id is not None or row.made_by != actor.name):
        raise JobError(N_("Somebody else, or a schedule, asked for this report."))
    if row.state not in PENDING:
        raise JobError(N_("Only a report that is not made yet can be cancelled."))
    row.state, row.ended_at, row.leased_until = str(State.CANCELLED), now, None
    detail = {"kind": row.kind}
    audit.record(session, actor, Action.MADE_REPORT_CANCELLED, f"report:{number}", now, detail=detail)
    session.flush()


def ask_again(session: Session, scope: Scope, actor: Actor, now: datetime, day: date, number: int) -> int:
    """Have a report of a schedule made that was cancelled, or could not be made; returns its new number.

    It goes where those of the schedule go. Raises ``JobError`` where there is nothing to be made again, or
    somebody asked already.
    """
    row = _row(session, scope, day, number)
    if row.schedule_id is None or row.state not in NOT_MADE:
        raise JobError(N_("Only a report of a schedule that was not made is asked for again."))
    session.get_one(ReportSchedule, row.schedule_id, with_for_update=True)  # of two who ask, one waits
    since = select(MadeReport.asked).where(
        MadeReport.schedule_id == row.schedule_id,
        MadeReport.id > number,
        MadeReport.state.not_in(NOT_MADE),
    )
    if row.asked in session.scalars(since).all():
        raise JobError(N_("It was asked for again already."))
    again = put(
        *(session, from_json(row.asked), Format(row.format), _language(row.language)),
        *(row.unit_id, actor.name, now, row.schedule_id),
    )
    detail = {"kind": row.kind, "asked": row.asked, "format": row.format, "instead_of": number}
    audit.record(session, actor, Action.MADE_REPORT_ASKED, f"report:{again}", now, detail=detail)
    return again


def open_file(
    session: Session,
    store: CredentialStore,
    scope: Scope,
    actor: Actor,
    now: datetime,
    day: date,
    number: int,
) -> File:
    """The file, and that it was opened is written down.

    Raises ``JobError`` where there is none, ``CredentialError`` where it does not open.
    """
    row = _row(session, scope, day, number)
    if row.sealed is None or row.expires_at is None or row.expires_at <= now:
        raise JobError(N_("This report has no file, or no longer."))
    found = _file(store, row)
    detail = {"kind": row.kind, "name": row.name}
    audit.record(session, actor, Action.MADE_REPORT_OPENED, f"report:{number}", now, detail=detail)
    return found


# --- reads --------------------------------------------------------------------------------------------


def made(session: Session, scope: Scope, day: date) -> list[Made]:
    """The reports whose unit lies in ``scope`` as of ``day``, the newest first, at most ``MOST_LISTED``."""
    return [*islice(_listed(session, scope, day), MOST_LISTED)]


def one(session: Session, scope: Scope, day: date, number: int) -> Made | None:
    """One report; ``None`` where there is none in ``scope``."""
    return next(_listed(session, scope, day, MadeReport.id == number), None)


def file_of(session: Session, store: CredentialStore, number: int, now: datetime) -> File | None:
    """The file of a report, for a message that it goes with; ``None`` where it is gone."""
    row = session.get(MadeReport, number)
    if row is None or row.sealed is None or row.expires_at is None or row.expires_at <= now:
        return None
    return _file(store, row)


# --- making -------------------------------------------------------------------------------------------


def lease(database: Database, now: datetime) -> Work | None:
    """The report that has waited longest, to be made by us; ``None`` where none waits.

    One whose maker was not heard of for ``LEASE`` waits again. A lease that ends too far ahead was set by a
    clock that was wrong.
    """
    with database.reading() as session:
        if session.scalar(_next(_clock(session, now)).with_only_columns(MadeReport.id)) is None:
            return None  # who only looks lets no writer wait
    with database.transaction() as session:
        clock = _clock(session, now)
        row = session.scalar(_next(clock).with_for_update(skip_locked=True))
        if row is None:
            return None
        row.state, row.leased_until, row.done = str(State.MAKING), clock + LEASE, 0
        row.began_at, row.tries = now, row.tries + 1
        return Work(
            row.id,
            from_json(row.asked),
            Format(row.format),
            _language(row.language),
            row.unit_id,
            row.schedule_id,
            row.tries,
        )


def renew(database: Database, work: Work, now: datetime, done: int) -> bool:
    """Say how far it is, and that we are at it; ``False`` where it is ours no more: it was cancelled, say."""
    with database.transaction() as session:
        changed = session.execute(
            update(MadeReport)
            .where(*_ours(work))
            .values(done=done, leased_until=_clock(session, now) + LEASE)
            .returning(MadeReport.id)
        )
        return changed.first() is not None


def keep(
    session: Session, store: CredentialStore, work: Work, file: File, now: datetime, keep: timedelta
) -> bool:
    """Keep the file for so long, sealed; ``False``, and nothing is kept, where the work is ours no more.

    Raises ``JobError`` for a file too large, ``CredentialError`` where the key is missing.
    """
    if len(file.content) > MOST_BYTES:
        raise JobError(N_("A report of more than {limit} MB is not kept."), limit=MOST_BYTES >> 20)
    row = session.scalar(select(MadeReport).where(*_ours(work)).with_for_update())
    if row is None:
        return False
    row.sealed = store.seal(_label(work.id), file.content)
    row.name, row.size = file.name[:LONGEST_FILE_NAME], len(file.content)
    row.sha256 = hashlib.sha256(file.content).hexdigest()
    row.state, row.done, row.ended_at, row.leased_until = str(State.DONE), 100, now, None
    row.expires_at = now + keep
    session.flush()
    return True


def fail(session: Session, work: Work, now: datetime, error: str) -> bool:
    """It cannot be made; ``error`` says why to people. ``False`` where the work is ours no more."""
    changed = session.execute(
        update(MadeReport)
        .where(*_ours(work))
        .values(state=State.FAILED, ended_at=now, leased_until=None, error=error[:LONGEST_ERROR])
        .returning(MadeReport.id)
    )
    return changed.first() is not None


def give_back(database: Database, work: Work) -> None:
    """We stop before it is made: whoever looks next makes it."""
    with database.transaction() as session:
        session.execute(
            update(MadeReport)
            .where(*_ours(work))
            .values(state=State.WAITING, leased_until=None, done=0, tries=MadeReport.tries - 1)
        )


def forget_expired(session: Session, now: datetime) -> int:
    """Let go of the files whose time is over; returns how many."""
    gone = session.execute(
        update(MadeReport)
        .where(MadeReport.expires_at <= now, MadeReport.sealed.is_not(None))
        .values(sealed=None, state=State.EXPIRED)
        .returning(MadeReport.id)
    )
    return len(gone.all())


def reseal(session: Session, store: CredentialStore) -> int:
    """Seal every kept file anew with the newest key; returns how many. One that does not open stops it."""
    ids = session.scalars(select(MadeReport.id).where(MadeReport.sealed.is_not(None))).all()
    for number in ids:
        row = session.get_one(MadeReport, number)
        assert row.sealed is not None
        row.sealed = store.seal(_label(number), store.unseal(_label(number), row.sealed))
        session.flush()
        session.expunge(row)  # one at a time in memory
    return len(ids)


# --- how it is done -----------------------------------------------------------------------------------


def _owner(session: Session, scope: Scope, day: date, asked: Asked) -> int | None:
    """The unit that was asked about; of who does not see the city else that of the point, or his own."""
    if asked.unit or scope.unit_ids is None:
        return owner_in(session, scope, day, asked.unit)
    if asked.point and (point := queries.point_in(session, scope, day, asked.point)) is not None:
        unit_id, _ = queries.homes(session, day)[point.id]
        return unit_id
    home = queries.home(session, scope, day)
    return owner_in(session, scope, day, "" if home is None else home.uid)


def _clock(session: Session, now: datetime) -> datetime:
    """The clock that all who lease share: the database's, or the machine's, where there is but one."""
    if session.get_bind().dialect.name == "sqlite":
        return now
    return session.scalars(select(func.clock_timestamp(type_=Moment()))).one()


def _next(clock: datetime) -> Select[MadeReport]:
    """The report that has waited longest for somebody to make it."""
    ready = or_(
        MadeReport.state == State.WAITING,
        and_(
            MadeReport.state == State.MAKING,
            or_(MadeReport.leased_until < clock, MadeReport.leased_until > clock + 2 * LEASE),
        ),
    )
    return select(MadeReport).where(ready).order_by(MadeReport.made_at, MadeReport.id).limit(1)


def _ours(work: Work) -> tuple[ColumnElement[bool], ...]:
    """Whoever else took it up began a try of his own, and so did whoever cancelled it end ours."""
    return (MadeReport.id == work.id, MadeReport.state == State.MAKING, MadeReport.tries == work.attempt)


def _label(number: int) -> str:
    return f"report {number}"


def _file(store: CredentialStore, row: MadeReport) -> File:
    assert row.sealed is not None
    return File(row.name, Format(row.format), store.unseal(_label(row.id), row.sealed))


def _language(kept: str) -> Language:
    return next(language for language in LANGUAGES if language == kept)


def _row(session: Session, scope: Scope, day: date, number: int, *, locked: bool = False) -> MadeReport:
    row = session.get(MadeReport, number, with_for_update=locked or None)
    if row is None or not may_see(session, scope, day, row.unit_id):
        raise JobError(N_("There is no report No. {id}."), id=number)
    return row


# What lists show: everything but the file.
_LISTED = (
    *(MadeReport.id, MadeReport.asked, MadeReport.format, MadeReport.language, MadeReport.unit_id),
    *(MadeReport.state, MadeReport.done, MadeReport.made_at, MadeReport.made_by, MadeReport.began_at),
    *(MadeReport.ended_at, MadeReport.expires_at, MadeReport.name, MadeReport.size, MadeReport.sha256),
    *(MadeReport.error, MadeReport.schedule_id),
)


def _listed(session: Session, scope: Scope, day: date, *which: ColumnElement[bool]) -> Iterator[Made]:
    rows = session.execute(
        select(*_LISTED, Unit.uid, Unit.name)
        .outerjoin(Unit, Unit.id == MadeReport.unit_id)
        .where(*which)
        .order_by(MadeReport.id.desc())
    )
    seen: dict[int | None, bool] = {}
    for row in rows:
        owner = row.unit_id
        if owner not in seen:
            seen[owner] = may_see(session, scope, day, owner)
        if not seen[owner]:
            continue
        asked = from_json(row.asked)
        yield Made(
            id=row.id,
            kind=asked.kind,
            asked=asked,
            format=Format(row.format),
            language=_language(row.language),
            unit=row.uid or "",
            unit_name=row.name_1 or "",
            state=State(row.state),
            done=row.done,
            made_at=row.made_at,
            made_by=row.made_by,
            began_at=row.began_at,
            ended_at=row.ended_at,
            expires_at=row.expires_at,
            name=row.name,
            size=row.size,
            sha256=row.sha256,
            error=row.error,
            schedule=row.schedule_id,
        )
