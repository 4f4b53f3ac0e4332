"""The story of one import: sheets into rows, rows into a plan, the plan into the registry; or nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry.credentials import CredentialStore
from camera_registry.imports.columns import check_mapping
from camera_registry.imports.faults import Problem
from camera_registry.imports.plan import Known, Options, make_plan
from camera_registry.imports.rows import Row, read_rows
from camera_registry.imports.workbook import Sheet
from camera_registry.imports.write import Written, write_plan
from camera_registry.models import ColumnMapping


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import did. With ``problems`` it did nothing."""

    rows: int
    written: Written
    problems: tuple[Problem, ...] = ()
    unknown_headers: tuple[tuple[str, str], ...] = ()  # sheet and header of columns passed over
    sheets_without_table: tuple[str, ...] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)  # folded header to field, remembered or said now


def load_inventory(
    session: Session,
    credentials: CredentialStore,
    sheets: list[Sheet],
    options: Options,
    now: datetime,
    *,
    mapping: Mapping[str, str] | None = None,
    track: Callable[[Sequence[Row]], Iterable[Row]] = iter,
) -> Outcome:
    """Import the sheets of a file, all or nothing, in the caller's transaction.

    ``mapping`` is what a person says of headers (header to field, ``""`` to pass a column over); it is
    remembered when the import succeeds. Nothing imported is probed before somebody starts it. For a dry
    run, roll the transaction back. Raises ``UnknownField`` for a mapping to a field that is not there.
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
    written = Written() if problems else write_plan(session, credentials, plan, options, now)
    if not problems:
        for header, field_name in said.items():
            session.merge(ColumnMapping(header=header, field=field_name))
    return Outcome(
        len(reading.rows),
        written,
        tuple(problems),
        tuple(reading.unknown_headers),
        tuple(reading.sheets_without_table),
        remembered | said,
    )
