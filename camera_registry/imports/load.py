"""The story of one import: sheets into rows, rows into a plan, the plan into the registry; or nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from camera_registry.imports.columns import check_mapping
from camera_registry.imports.difference import difference
from camera_registry.imports.faults import Problem
from camera_registry.imports.plan import Known, Options, Plan, make_plan
from camera_registry.imports.recording import record_import
from camera_registry.imports.rows import Row, read_rows
from camera_registry.imports.workbook import Sheet
from camera_registry.imports.write import Written, write_plan
from camera_registry.models import ColumnMapping


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file means for the registry as it stands. With ``problems`` nothing of it can be written."""

    rows: int
    plan: Plan
    problems: tuple[Problem, ...]
    unknown_headers: tuple[tuple[str, str], ...]  # sheet and header of columns passed over
    sheets_without_table: tuple[str, ...]
    mapping: Mapping[str, str]  # folded header to field, remembered or said now
    said: Mapping[str, str]  # of them what was said now


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did. With ``problems`` it did nothing."""

    rows: int
    written: Written
    problems: tuple[Problem, ...] = ()
    unknown_headers: tuple[tuple[str, str], ...] = ()  # sheet and header of columns passed over
    sheets_without_table: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)  # folded header to field, remembered or said now
    moved: tuple[str, ...] = ()  # codes of devices that get another address
    left_off: tuple[str, ...] = ()  # codes of devices that the file alone allows Basic


def examine(
    session: Session,
    sheets: list[Sheet],
    options: Options,
    now: datetime,
    *,
    mapping: Mapping[str, str] | None = None,
    track: Callable[[Sequence[Row]], Iterable[Row]] = iter,
) -> Examined:
    """Read the sheets of a file against the registry; nothing is written.

    ``mapping`` is what a person says of headers (header to field, ``""`` to pass a column over). Raises
    ``UnknownField`` for a mapping to a field that is not there.
    """
    said = check_mapping(mapping or {})
    remembered = {row.header: row.field for row in session.scalars(select(ColumnMapping))}
    known = Known(session)
    today = now.astimezone(options.zone).date()
    reading = read_rows(sheets, remembered | said, today, known.tree.knows)
    plan = make_plan(known, reading.rows, options, track)
    problems = sorted(
        reading.problems + plan.problems,
        key=lambda p: ([s.name for s in sheets].index(p.sheet), p.row, len(p.column), p.column),
    )
    return Examined(
        len(reading.rows),
        plan,
        tuple(problems),
        tuple(reading.unknown_headers),
        tuple(reading.sheets_without_table),
        remembered | said,
        said,
    )


def write_examined(
    session: Session, credentials: CredentialStore, examined: Examined, options: Options, now: datetime
) -> Written:
    """Write what was examined in the same transaction, and remember what was said of headers.

    Nothing imported is probed before somebody starts it.
    """
    written = write_plan(session, credentials, examined.plan, options, now)
    for header, field_name in examined.said.items():
        session.merge(ColumnMapping(header=header, field=field_name))
    return written


def load_inventory(
    session: Session,
    credentials: CredentialStore,
    sheets: list[Sheet],
    options: Options,
    now: datetime,
    *,
    mapping: Mapping[str, str] | None = None,
    track: Callable[[Sequence[Row]], Iterable[Row]] = iter,
    actor: Actor | None = None,
    name: str = "",
    reason: str = "",
) -> Outcome:
    """Import the sheets of a file, all or nothing, in the caller's transaction: see ``examine``.

    ``actor`` is who answers for it, ``name`` the file's, and ``reason`` why, for the audit. For a dry run,
    roll the transaction back.
    """
    found = examine(session, sheets, options, now, mapping=mapping, track=track)
    written = Written()
    moved: tuple[str, ...] = ()
    left_off: tuple[str, ...] = ()
    if not found.problems:
        changes = difference(found.plan)  # what was there before is known only before it is written
        moved, left_off = changes.moved, changes.left_off
        written = write_examined(session, credentials, found, options, now)
        if actor is not None:
            record_import(session, actor, name, changes, now, reason)
    return Outcome(
        found.rows,
        written,
        found.problems,
        found.unknown_headers,
        found.sheets_without_table,
        found.mapping,
        moved,
        left_off,
    )
