"""Reports made after each month, quarter or year, by unit, and over which channel each is sent.

A report is asked for once nothing delivered late can change its figures any more; where months are closed by
themselves, after the months that it is about. What was missed in a long stop is made up for, as far as three
periods back.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, closings
from camera_registry.alerts import outbox, subscribing
from camera_registry.audit import Action, Actor
from camera_registry.closings import ClosingError
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.funding import reading as funding
from camera_registry.i18n import LANGUAGES, N_, Language, translate
from camera_registry.models import AlertChannel, Closing, ReportSchedule, Unit
from camera_registry.periods import midnight, months_later
from camera_registry.reports import jobs, key_figures
from camera_registry.reports.asked import Asked, checked, from_json, period_words, to_json
from camera_registry.reports.jobs import Work
from camera_registry.reports.owners import may_see, owner_in, scope_of
from camera_registry.reports.value import Format, Kind, Report
from camera_registry.units import Scope

log = structlog.get_logger(__name__)

KIND = "report"  # of its message, beside those of ``alerts.routing.Kind``
MOST_MISSED = 3  # periods of one schedule, or months to close
PATIENCE = timedelta(days=2)  # for months that should be closed and cannot be
OURSELVES = Actor("camera-registry", "schedule")
LONGEST_TITLE = 200  # characters


class Every(StrEnum):
    """After which periods a report is made; one slug for the database and for translation."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


EVERY = {Every.MONTH: N_("Each month"), Every.QUARTER: N_("Each quarter"), Every.YEAR: N_("Each year")}
_MONTHS = {Every.MONTH: 1, Every.QUARTER: 3, Every.YEAR: 12}


class ScheduleError(RegistryError):
    """There can be no such schedule, or there is none."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """One schedule. ``asked`` has the first period it was made for; ``channel`` is ``""`` where it is kept.

    ``made_until`` is the last day of the newest period of which a report was asked for.
    """

    id: int
    asked: Asked
    format: Format
    language: Language
    every: Every
    unit: str
    unit_name: str
    channel_id: int | None
    channel: str
    made_at: datetime
    made_by: str
    ended_at: datetime | None
    made_until: date | None


# --- what people do -----------------------------------------------------------------------------------


def add(
    session: Session,
    scope: Scope,
    actor: Actor,
    now: datetime,
    day: date,
    asked: Asked,
    format_: Format,
    language: Language,
    every: Every,
    channel_id: int | None,
    *,
    reason: str,
) -> int:
    """Have a report made after each period from that of ``day`` on; returns the schedule's number.

    What ``asked`` says of days is left aside. Raises ``OwnerError``, ``ScheduleError``, ``ReasonError``, and
    ``SubscriptionError`` for a channel that is not in scope.
    """
    reason = audit.reason_of(reason)
    if asked.kind is Kind.PROPOSAL:
        raise ScheduleError(N_("A letter is made once; nothing of it comes again."))
    owner = owner_in(session, scope, day, asked.unit)
    if asked.kind is Kind.PROGRAMME:
        _check_programme(session, scope_of(session, day, owner), day, asked.programme)
    first = _first_of(every, day)
    asked = replace(asked, first=first, last=_last_of(every, first), units_at=None, proposal=None)
    row = ReportSchedule(
        kind=str(asked.kind),
        asked=to_json(checked(asked)),
        format=str(format_),
        language=language,
        every=str(every),
        unit_id=owner,
        channel_id=channel_id,
        made_at=now,
        made_by=actor.name,
        made_until=first - timedelta(days=1),
    )
    if channel_id is not None:
        channel = subscribing.known_channel(session, scope, now, day, channel_id)
        if channel.stopped_at is not None:
            raise ScheduleError(N_('The channel "{name}" is stopped.'), name=channel.name)
        if not _may_hear(session, day, channel.unit_id, owner):
            message = N_('The channel "{name}" belongs to {unit}, and hears of that alone.')
            raise ScheduleError(message, name=channel.name, unit=channel.unit)
    session.add(row)
    session.flush()
    _record(session, actor, Action.REPORT_SCHEDULE_ADDED, row, now, None, _told(row), reason)
    return row.id


def end(
    session: Session, scope: Scope, actor: Actor, now: datetime, day: date, number: int, *, reason: str
) -> None:
    """Nothing is made of it any more. Raises ``ScheduleError`` and ``ReasonError``."""
    reason = audit.reason_of(reason)
    row = session.get(ReportSchedule, number, with_for_update=True)
    if row is None or row.ended_at is not None or not may_see(session, scope, day, row.unit_id):
        raise ScheduleError(N_("There is no schedule No. {id}."), id=number)
    row.ended_at = now
    session.flush()
    _record(session, actor, Action.REPORT_SCHEDULE_ENDED, row, now, _told(row), None, reason)


def schedules(session: Session, scope: Scope, day: date) -> list[Schedule]:
    """Those of units in ``scope`` as of ``day``, going on before ended, the newest first."""
    rows = session.execute(
        select(ReportSchedule, Unit.uid, Unit.name, AlertChannel.name)
        .outerjoin(Unit, Unit.id == ReportSchedule.unit_id)
        .outerjoin(AlertChannel, AlertChannel.id == ReportSchedule.channel_id)
        .order_by(ReportSchedule.id.desc())
    )
    found = [
        _schedule(row, uid, name, channel)
        for row, uid, name, channel in rows
        if may_see(session, scope, day, row.unit_id)
    ]
    return sorted(found, key=lambda each: each.ended_at is not None)


# --- what happens by itself ---------------------------------------------------------------------------


def close_months(database: Database, zone: tzinfo, now: datetime, lateness: timedelta) -> int:
    """Close the newest months that are ready to be closed and are not; returns how many.

    One that cannot be closed yet is tried again at the next look.
    """
    month = (now - lateness).astimezone(zone).date().replace(day=1)
    closed = 0
    for back in range(1, MOST_MISSED + 1):
        wanted = months_later(month, -back)
        try:
            with database.transaction() as session:
                if session.scalar(select(Closing.id).where(Closing.month == wanted).limit(1)) is None:
                    closings.close(session, OURSELVES, wanted, now, zone, lateness=lateness)
                    closed += 1
        except ClosingError as refused:
            log.debug("a month is not closed yet", month=f"{wanted:%Y-%m}", reason=str(refused))
    return closed


def ask_due(
    database: Database, zone: tzinfo, now: datetime, lateness: timedelta, *, after_closing: bool
) -> int:
    """Ask for the reports of all periods that are over; returns how many. Each is asked for once.

    ``after_closing``: not before their months are closed, but for such as cannot be.
    """
    with database.reading() as session:
        living = session.scalars(select(ReportSchedule.id).where(ReportSchedule.ended_at.is_(None))).all()
    return sum(_ask(database, number, zone, now, lateness, after_closing) for number in living)


def _ask(
    database: Database, number: int, zone: tzinfo, now: datetime, lateness: timedelta, after_closing: bool
) -> int:
    with database.reading() as session:
        row = session.get_one(ReportSchedule, number)
        if not [*_over(row, zone, now, lateness)]:
            return 0
    with database.transaction() as session:
        row = session.get_one(ReportSchedule, number, with_for_update=True)
        asked = 0
        for first, last in [*_over(row, zone, now, lateness)][-MOST_MISSED:]:
            ready = midnight(last + timedelta(days=1), zone) + lateness
            if after_closing and now < ready + PATIENCE and not _closed(session, first, last):
                break
            question = replace(from_json(row.asked), first=first, last=last)
            jobs.put(
                *(session, question, Format(row.format), _language(row.language)),
                *(row.unit_id, row.made_by, now, row.id),
            )
            row.made_until = last
            asked += 1
        return asked


def send(session: Session, work: Work, report: Report, now: datetime, day: date) -> int | None:
    """Say over the channel of its schedule that a report is made; returns the message, if there is one.

    Nothing is said where nobody asked for it, the channel was stopped, or the unit is another's by now.
    """
    title = f"{report.title}: {report.about}"
    return _tell(session, work, title, "\n".join((title, *key_figures.lines(report))), now, day)


def send_failed(session: Session, work: Work, named: str, why: str, now: datetime, day: date) -> int | None:
    """Say, as ``send`` does, that a report ``named`` so could not be made, and ``why``."""
    heading = f"{named}, {_period(work)}"
    title = translate(N_("{title}: it could not be made"), work.language, title=heading)
    return _tell(session, work, title, f"{title}\n{why}", now, day)


# --- how it is done -----------------------------------------------------------------------------------


def _check_programme(session: Session, scope: Scope, day: date, code: str) -> None:
    """Raises ``ScheduleError`` where the owner of the reports has no such programme to be told of."""
    if not code:
        raise ScheduleError(N_("A report on a programme needs the code of the programme."))
    if funding.programme(session, scope, day, code) is None:
        raise ScheduleError(N_('There is no programme with the code "{code}".'), code=code)


def _tell(session: Session, work: Work, title: str, text: str, now: datetime, day: date) -> int | None:
    schedule = session.get(ReportSchedule, work.schedule_id) if work.schedule_id is not None else None
    if schedule is None or schedule.ended_at is not None or schedule.channel_id is None:
        return None
    channel = session.get_one(AlertChannel, schedule.channel_id)
    if channel.stopped_at is not None or not _may_hear(session, day, channel.unit_id, work.owner):
        return None
    occasion = f"report:{work.id}"
    return outbox.put(
        *(session, now),
        channel_id=channel.id,
        occasion=occasion,
        kind=KIND,
        title=title[:LONGEST_TITLE],
        text=text,
        told={
            "kind": KIND,
            "occasion": occasion,
            "report": work.id,
            "of": str(work.asked.kind),
            "unit": work.asked.unit or None,
            "period": _period(work),
        },
        report_id=work.id,
    )


def _period(work: Work) -> str:
    return period_words(work.asked, work.language)


def _first_of(every: Every, day: date) -> date:
    months = _MONTHS[every]
    return day.replace(month=day.month - (day.month - 1) % months, day=1)


def _last_of(every: Every, first: date) -> date:
    return months_later(first, _MONTHS[every]) - timedelta(days=1)


def _over(
    row: ReportSchedule, zone: tzinfo, now: datetime, lateness: timedelta
) -> Iterator[tuple[date, date]]:
    """The periods after the newest that was made of which nothing can change any more, the oldest first."""
    if row.ended_at is not None or row.made_until is None:
        return
    every = Every(row.every)
    first = row.made_until + timedelta(days=1)
    while midnight((last := _last_of(every, first)) + timedelta(days=1), zone) + lateness <= now:
        yield first, last
        first = last + timedelta(days=1)


def _closed(session: Session, first: date, last: date) -> bool:
    months = select(Closing.month).where(Closing.month >= first, Closing.month <= last).distinct()
    wanted = 12 * (last.year - first.year) + last.month - first.month + 1
    return len(session.scalars(months).all()) == wanted


def _may_hear(session: Session, day: date, channel_unit: int | None, owner: int | None) -> bool:
    return may_see(session, scope_of(session, day, channel_unit), day, owner)


def _language(kept: str) -> Language:
    return next(language for language in LANGUAGES if language == kept)


def _schedule(row: ReportSchedule, uid: str | None, name: str | None, channel: str | None) -> Schedule:
    return Schedule(
        id=row.id,
        asked=from_json(row.asked),
        format=Format(row.format),
        language=_language(row.language),
        every=Every(row.every),
        unit=uid or "",
        unit_name=name or "",
        channel_id=row.channel_id,
        channel=channel or "",
        made_at=row.made_at,
        made_by=row.made_by,
        ended_at=row.ended_at,
        made_until=row.made_until,
    )


def _told(row: ReportSchedule) -> dict[str, Any]:
    """As the audit keeps it."""
    kept = {name: value for name, value in row.asked.items() if name not in ("first", "last")}
    return {**kept, "format": row.format, "every": row.every, "channel": row.channel_id}


def _record(
    session: Session,
    actor: Actor,
    action: Action,
    row: ReportSchedule,
    now: datetime,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    reason: str,
) -> None:
    detail = {"before": before, "after": after}
    audit.record(session, actor, action, f"schedule:{row.id}", now, detail=detail, reason=reason)
