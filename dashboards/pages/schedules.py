"""``/reports/schedules``: reports made after each month, quarter or year, and over which channel they go."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.alerts import reading as alerts
from camera_registry.alerts.subscribing import SubscriptionError
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import reading as funding
from camera_registry.i18n import LANGUAGES, N_, Language
from camera_registry.reports import catalogue, schedules
from camera_registry.reports.asked import LONGEST_NAME, Asked
from camera_registry.reports.owners import OwnerError
from camera_registry.reports.schedules import Every, Schedule
from camera_registry.reports.value import Format, Kind
from dashboards.asking import OFFERED
from dashboards.pages.reports import FORMATS, allowed
from dashboards.rendering import Reader, page, reader_of

Condition = Annotated[str, Query(max_length=LONGEST_NAME)]
Reason = Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)]
SPOKEN: Mapping[Language, str] = {"vi": "Tiếng Việt", "en": "English"}

router = APIRouter(prefix="/reports/schedules", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the form of a new schedule."""

    kind: Kind = Kind.UPTIME
    unit: str = ""
    programme: str = ""
    format: Format = Format.PDF
    language: Language = LANGUAGES[0]
    every: Every = Every.MONTH
    channel: int = 0
    reason: str = ""


def _told(
    kind: Annotated[Kind, Form()],
    format: Annotated[Format, Form()],
    every: Annotated[Every, Form()],
    language: Annotated[Language, Form()],
    unit: Annotated[str, Form(max_length=LONGEST_NAME)] = "",
    programme: Annotated[str, Form(max_length=LONGEST_NAME)] = "",
    channel: Annotated[Number, Form()] = 0,
    reason: Reason = "",
) -> Told:
    return Told(kind, unit, programme, format, language, every, channel, reason)


@router.get("", dependencies=[may(Permission.VIEW)])
def show(
    desk: AtDesk,
    request: Request,
    kind: Kind = Kind.UPTIME,
    unit: Condition = "",
    programme: Condition = "",
) -> HTMLResponse:
    """Those there are; the form begins with the report that the page of one was about."""
    language = reader_of(request, desk).language
    return _list(desk, request, Told(kind, unit, programme, language=language))


@router.post("", dependencies=[may(Permission.ALERTS), FromOwnPage])
def add(desk: AtDesk, request: Request, told: Annotated[Told, Depends(_told)]) -> HTMLResponse:
    """Have a report made after each period from this one on."""
    allowed(desk, told.kind)
    reader = reader_of(request, desk)
    programme = told.programme if told.kind is Kind.PROGRAMME else ""
    asked = Asked(told.kind, reader.today, reader.today, unit=told.unit, programme=programme)
    try:
        with desk.database.transaction() as session:
            schedules.add(
                *(session, desk.scope, desk.actor, reader.now, reader.today, asked, told.format),
                *(told.language, told.every, told.channel or None),
                reason=told.reason,
            )
    except (OwnerError, SubscriptionError):
        raise HTTPException(404) from None
    except RegistryError as refused:
        return _list(desk, request, told, refused=refused.text(reader.language))
    return _list(
        desk, request, done=N_("The schedule is made: its first report comes when this period is over.")
    )


@router.get("/{number}/end", dependencies=[may(Permission.ALERTS)])
def ask_to_end(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    """Says what is made no more, and wants to know why."""
    return _ask(desk, request, number)


@router.post("/{number}/end", dependencies=[may(Permission.ALERTS), FromOwnPage])
def end(desk: AtDesk, request: Request, number: Number, reason: Reason = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            _known(session, desk, reader, number)
            schedules.end(*(session, desk.scope, desk.actor, reader.now, reader.today, number), reason=reason)
    except RegistryError as refused:
        return _ask(desk, request, number, reason, refused=refused.text(reader.language))
    return _list(desk, request, done=N_("The schedule is ended."))


def _seen(session: Session, desk: Desk, reader: Reader) -> list[Schedule]:
    """Those of kinds that the reader may have."""
    found = schedules.schedules(session, desk.scope, reader.today)
    return [each for each in found if desk.may(OFFERED[each.asked.kind].permission)]


def _known(session: Session, desk: Desk, reader: Reader, number: int) -> Schedule:
    """One that goes on; what the reader may not see is not there."""
    found = _seen(session, desk, reader)
    row = next((each for each in found if each.id == number and each.ended_at is None), None)
    if row is None:
        raise HTTPException(404)
    return row


def _list(
    desk: Desk, request: Request, told: Told | None = None, *, refused: str = "", done: str = ""
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = _seen(session, desk, reader)
        units = queries.units_of_today(session, desk.scope, reader.today)
        channels = alerts.channels(session, desk.scope, reader.now, reader.today)
        programmes = funding.programmes(session, desk.scope, reader.today)
    return page(
        request,
        desk,
        "schedules.html",
        reader=reader,
        status=409 if refused else 200,
        address="/reports/schedules",
        rows=rows,
        told=told or Told(language=reader.language),
        refused=refused,
        done=[reader.say(done)] if done else [],
        units=units,
        programmes=programmes if desk.may(OFFERED[Kind.PROGRAMME].permission) else [],
        channels=[each for each in channels if each.stopped_at is None],
        everything=desk.scope.unit_ids is None,
        kinds=[kind for kind in Kind if kind is not Kind.PROPOSAL and desk.may(OFFERED[kind].permission)],
        formats=FORMATS,
        spoken=SPOKEN,
        titles=catalogue.TITLES,
        every=schedules.EVERY,
        lateness=timedelta(days=desk.settings.lateness_days),
    )


def _ask(desk: Desk, request: Request, number: int, reason: str = "", *, refused: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        row = _known(session, desk, reader, number)
    return page(
        request,
        desk,
        "schedule_end.html",
        reader=reader,
        status=409 if refused else 200,
        row=row,
        reason=reason,
        refused=refused,
        titles=catalogue.TITLES,
        every=schedules.EVERY,
    )
