"""What people report of eyes that no network reaches: a dated word with its author, which expires.

No part of any measured figure: it stands in a column of its own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.imports import values
from camera_registry.imports.columns import Header, find_header
from camera_registry.imports.faults import BadCell, Fault, Problem, column_letter
from camera_registry.imports.workbook import Cell, Sheet
from camera_registry.inventory import Reach, Word
from camera_registry.models import Eye, ReportWord
from camera_registry.queries import Overlay
from camera_registry.spelling import fold
from camera_registry.units import Scope

# The headers of a report, beside "Mã camera" and "Ghi chú", which mean what they mean in an inventory.
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "word": ("Tình trạng", "Tình trạng hoạt động", "Trạng thái", "Hiện trạng", "Status", "Condition"),
    "day": ("Ngày", "Ngày báo cáo", "Ngày kiểm tra", "Tính đến ngày", "Date", "Reported on"),
    "by": ("Người báo cáo", "Người báo", "Người kiểm tra", "Reported by"),
}
_MAPPING = {fold(header): name for name, headers in _HEADERS.items() for header in headers}


class ReportError(RegistryError):
    """The word cannot be taken."""


@dataclass(frozen=True, slots=True)
class Report:
    """What reading a report's file did. With ``problems`` nothing was taken."""

    words: int
    problems: tuple[Problem, ...] = ()


def report(
    session: Session,
    eye: Eye,
    word: Word,
    at: datetime,
    actor: Actor,
    now: datetime,
    *,
    days: int,
    by: str = "",
    note: str = "",
) -> None:
    """Take a person's word on ``eye``, as of ``at``; it holds for ``days`` from then.

    ``by`` is who said it, if not who enters it. The same moment again replaces the word. Raises
    ``ReportError`` for an eye that is measured over the network, and for a moment that is still to come.
    """
    if eye.reach != Reach.REPORTED:
        raise ReportError(
            N_('The eye "{code}" is watched over the network: no report counts.'), code=eye.code
        )
    if at > now:
        raise ReportError(N_("A report cannot be of a time to come."))
    row = session.scalar(select(ReportWord).where(ReportWord.eye_id == eye.id, ReportWord.at == at))
    if row is None:
        row = ReportWord(eye_id=eye.id, at=at)
        session.add(row)
    row.word, row.by, row.note = str(word), by or actor.name, note
    row.expires_at = at + timedelta(days=days)
    detail = {"word": str(word), "of": at.isoformat(), "by": row.by}
    audit.record(session, actor, Action.REPORT_TAKEN, f"eye:{eye.code}", now, detail=detail)
    session.flush()


@dataclass(frozen=True, slots=True)
class Standing:
    """An eye that no network reaches, and the newest word on it; ``None`` where nobody ever said one.

    The word holds until ``expires_at``; one that has run out counts no more.
    """

    eye: str
    name: str
    point: str
    point_name: str
    unit: str
    word: Word | None = None
    at: datetime | None = None
    by: str = ""
    note: str = ""
    expires_at: datetime | None = None

    def holds(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at > now


def standings(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> list[Standing]:
    """The eyes in scope that people report on: those without a word first, then what runs out soonest."""
    said = select(Eye.code, ReportWord).join(Eye).where(ReportWord.at <= now).order_by(ReportWord.at)
    newest = {row[0]: row[1] for row in session.execute(said)}
    found = []
    for row in queries.eyes(session, scope, now, zone):
        if row.overlay is not Overlay.REPORTED:
            continue
        place = (row.code, row.name, row.point, row.point_name, row.unit)
        if (word := newest.get(row.code)) is None:
            found.append(Standing(*place))
        else:
            of = (Word(word.word), word.at, word.by, word.note, word.expires_at)
            found.append(Standing(*place, *of))
    return sorted(found, key=lambda each: (each.expires_at is not None, each.expires_at or now, each.eye))


def import_report(
    session: Session, sheets: Sequence[Sheet], actor: Actor, now: datetime, zone: tzinfo, *, days: int
) -> Report:
    """Take the words of a group head's file, all or nothing, in the caller's transaction.

    A row has an eye's code and its condition; the day (blank: today), who says so, and a note may be blank.
    A day means its beginning in ``zone``, so that the same file again changes nothing.
    """
    today = now.astimezone(zone).date()
    read = [_read(sheet, today) for sheet in sheets]
    lines = [line for found, _ in read for line in found]
    problems = [problem for _, found in read for problem in found]
    if not lines and not problems:
        problems.append(Problem(sheets[0].name if sheets else "", 1, "A", Fault.HEADER_MISSING))
    eyes = {eye.code: eye for eye in session.scalars(select(Eye))}
    for line in lines:
        if line.said["eye_code"] not in eyes:
            problems.append(line.problem("eye_code", Fault.EYE_UNKNOWN, text=line.said["eye_code"]))
        elif eyes[line.said["eye_code"]].reach != Reach.REPORTED:
            problems.append(line.problem("eye_code", Fault.EYE_MEASURED, text=line.said["eye_code"]))
    if problems:
        return Report(0, tuple(problems))
    for line in lines:
        said = line.said
        at = datetime.combine(said.get("day", today), time(), zone)
        report(
            session,
            eyes[said["eye_code"]],
            said["word"],
            at,
            actor,
            now,
            days=days,
            by=said.get("by", ""),
            note=said.get("note", ""),
        )
    return Report(len(lines))


@dataclass(frozen=True, slots=True)
class _Line:
    sheet: str
    number: int
    columns: Mapping[str, int]
    said: Mapping[str, Any]

    def problem(self, name: str, fault: Fault, **said: object) -> Problem:
        column = column_letter(self.columns.get(name, 0))
        return Problem(self.sheet, self.number, column, fault, said)


def _read(sheet: Sheet, today: date) -> tuple[list[_Line], list[Problem]]:
    lines: list[_Line] = []
    problems: list[Problem] = []
    header = find_header(sheet, _MAPPING)
    if header is None:
        return lines, problems
    if not {"eye_code", "word"} <= header.columns.keys():
        return lines, [Problem(sheet.name, header.row + 1, "A", Fault.REPORT_COLUMN_MISSING)]
    for index in range(header.row + 1, len(sheet.rows)):
        said: dict[str, Any] = {}
        bad = len(problems)
        for name, cell in _cells(sheet.rows[index], header):
            try:
                said[name] = _READERS[name](cell, today)
            except BadCell as refused:
                column = column_letter(header.columns[name])
                problems.append(Problem(sheet.name, index + 1, column, refused.fault, dict(refused.values)))
        line = _Line(sheet.name, index + 1, header.columns, said)
        if len(problems) == bad and "eye_code" in said:
            if "word" in said:
                lines.append(line)
            else:
                problems.append(line.problem("word", Fault.WORD_MISSING))
    return lines, problems


def _cells(row: Sequence[Cell], header: Header) -> list[tuple[str, Cell]]:
    return [
        (name, row[at])
        for name, at in header.columns.items()
        if name in _READERS and at < len(row) and not values.blank(row[at])
    ]


_READERS: Mapping[str, Callable[[Cell, date], object]] = {
    "eye_code": lambda cell, today: values.code(cell),
    "word": lambda cell, today: values.choice(Word, cell),
    "day": values.day,
    "by": lambda cell, today: values.text(cell, 100),
    "note": lambda cell, today: values.text(cell, 2000),
}
