"""Maintenance windows as JSON: the list, a new one, one taken back, and what a pasted notice would cover.

Moments are ISO 8601 with an offset, or days of the registry's zone. A deed comes from our own pages or from a
program that names the origin it calls (``Origin``), like every deed here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from camera_registry import maintenance, notices, periods, power_cuts, windows
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.maintenance import AlreadyWithdrawn, Cover, Kind, NoSuchWindow
from camera_registry.power_cuts import Proposal
from camera_registry.recurrence import LONGEST_RULE
from camera_registry.uptime import Span

Text = Annotated[str, Field(max_length=maintenance.LONGEST_REASON)]

router = APIRouter(prefix="/api/v1/maintenance")


class NewWindow(BaseModel, extra="forbid"):
    """A window to enter; ``scopes`` as ``maintenance.cover_of`` reads them, ``recurrence`` an RRULE."""

    kind: Kind = Kind.WORK
    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
    scopes: list[Annotated[str, Field(max_length=300)]] = Field(max_length=maintenance.MOST_COVERS)
    reason: Text
    recurrence: Annotated[str, Field(max_length=LONGEST_RULE)] = ""
    notice: Annotated[str, Field(max_length=notices.LONGEST_NOTICE)] = ""


class Withdrawal(BaseModel, extra="forbid"):
    reason: Text


class PastedNotice(BaseModel, extra="forbid"):
    text: Annotated[str, Field(max_length=notices.LONGEST_NOTICE)]


@router.get("", dependencies=[may(Permission.VIEW)])
def listed(
    desk: AtDesk,
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
) -> Response:
    """The windows with a time between ``from`` and ``to``; without them, of three months and a year ahead."""
    now, zone = desk.now(), desk.settings.zone
    try:
        within = periods.asked(start, end, zone, now) if start or end else None
    except periods.PeriodError as refused:
        raise HTTPException(422, str(refused)) from None
    with desk.database.reading() as session:
        rows = windows.rows(session, desk.scope, now, zone, within)
    return _answer({"as_of": now, "windows": rows})


@router.post("", dependencies=[may(Permission.MAINTAIN), FromOwnPage])
def enter(desk: AtDesk, request: Request, told: NewWindow) -> Response:
    """Enter a window; 201 with it and with the closed months that it touches, 422 with what is wrong."""
    now, zone = desk.now(), desk.settings.zone
    try:
        with desk.database.transaction() as session:
            days = told.start.astimezone(zone).date(), now.astimezone(zone).date()
            window_id = maintenance.enter(
                session,
                desk.actor,
                now,
                zone,
                kind=told.kind,
                span=Span(told.start, told.end),
                covers=[maintenance.cover_of(session, desk.scope, text, *days) for text in told.scopes],
                reason=told.reason,
                recurrence=told.recurrence,
                notice=told.notice,
            )
    except RegistryError as refused:
        raise HTTPException(422, str(refused)) from None
    return _one(desk, window_id, now, 201)


@router.post("/{window_id}/withdraw", dependencies=[may(Permission.MAINTAIN), FromOwnPage])
def withdraw(desk: AtDesk, request: Request, window_id: Number, told: Withdrawal) -> Response:
    """Take a window back; 404 where there is none, 409 where it was taken back before."""
    now, zone = desk.now(), desk.settings.zone
    try:
        with desk.database.transaction() as session:
            windows.withdraw(session, desk.scope, desk.actor, now, zone, window_id, told.reason)
    except NoSuchWindow as refused:
        raise HTTPException(404, str(refused)) from None
    except AlreadyWithdrawn as refused:
        raise HTTPException(409, str(refused)) from None
    except RegistryError as refused:
        raise HTTPException(422, str(refused)) from None
    return _one(desk, window_id, now, 200)


@router.post("/notice", dependencies=[may(Permission.MAINTAIN), FromOwnPage])
def notice(desk: AtDesk, told: PastedNotice) -> Response:
    """What a notice's cuts would cover, and what is in doubt; nothing is entered."""
    now, zone = desk.now(), desk.settings.zone
    today = now.astimezone(zone).date()
    try:
        read = notices.read_notice(told.text, today, zone)
    except notices.NoticeError as refused:
        raise HTTPException(422, str(refused)) from None
    with desk.database.reading() as session:
        proposals = power_cuts.propose(session, desk.scope, read, today, zone)
        covers = {cover for each in proposals for match in each.matches for cover in match.covers}
        scopes = maintenance.scopes(session, covers)
    return _answer({"as_of": now, "cuts": _cuts(proposals, scopes), "unread": read.unread})


def _cuts(proposals: Sequence[Proposal], scopes: Mapping[Cover, str]) -> list[dict[str, Any]]:
    return [
        {
            "spans": [{"from": span.start, "to": span.end} for span in each.cut.spans],
            "reason": each.cut.reason,
            "faults": each.cut.faults,
            "areas": [
                {
                    "text": match.text,
                    "scopes": [scopes[cover] for cover in match.covers],
                    "doubt": match.doubt,
                }
                for match in each.matches
            ],
        }
        for each in proposals
    ]


def _one(desk: Desk, window_id: int, now: datetime, status: int) -> Response:
    zone = desk.settings.zone
    with desk.database.reading() as session:
        closed = windows.closed_months(session, maintenance.window(session, window_id), now, zone)
        row = windows.row(session, desk.scope, now, zone, window_id)
    return _answer({"window": row, "closed_months": closed}, status)


def _answer(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), status, media_type="application/json")
