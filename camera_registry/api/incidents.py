"""Incidents as JSON: which outages share one cause, what was done about them, and what never worked yet.

``open=true`` are those that go on, ``open=false`` those that are over; ``from`` and ``to`` are days of the
registry's zone or moments with an offset, as everywhere. Of an incident only the eyes that the caller may see
are told.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Path, Query, Response
from pydantic import BaseModel, Field
from sqlalchemy.orm import Session

from camera_registry import handling, outages, periods
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.handling import HandlingError, Note
from camera_registry.incidents import Kind
from camera_registry.outages import IncidentRow
from camera_registry.periods import PeriodError
from camera_registry.repairs import reading

From = Annotated[str, Query(alias="from", description="A day, or a moment with its offset.")]
To = Annotated[str, Query(alias="to", description="The first day or moment no longer looked at.")]
Open = Annotated[bool | None, Query(alias="open", description="Going on, or over; without it, both.")]

Incident = Annotated[Number, Path(description="The id of an incident.")]

router = APIRouter(prefix="/api/v1")


class Comment(BaseModel, extra="forbid"):
    text: Annotated[str, Field(max_length=handling.LONGEST_COMMENT)]


@router.get("/incidents", dependencies=[may(Permission.VIEW)])
def incidents(
    desk: AtDesk,
    open_: Open = None,
    start: From = "",
    end: To = "",
    kind: Kind | None = None,
    unit: str | None = None,
    eye: str | None = None,
) -> Response:
    """The newest first. Without a period: all that are open, or whatever touches this month."""
    now, zone = desk.now(), desk.settings.zone
    try:
        within = None if open_ and not start else periods.asked(start, end, zone, now)
    except PeriodError as refused:
        raise HTTPException(422, str(refused)) from None
    with desk.database.reading() as session:
        found = outages.incidents(
            session, desk.scope, now, zone, open_=open_, within=within, kind=kind, unit=unit, eye=eye
        )
        taken = handling.acknowledgements(session, found)
    told = [{**_incident(each), "acknowledged": _note(taken.get(each.id))} for each in found]
    return _answer({"as_of": now, "incidents": told})


@router.get("/incidents/{number}", dependencies=[may(Permission.VIEW)])
def incident(desk: AtDesk, number: Incident) -> Response:
    """One incident by its id, with what was done about it, and its repairs."""
    with desk.database.reading() as session:
        found = _found(session, desk, number)
        notes = handling.notes(session, [found]).get(found.id, ())
        repairs = reading.of_incidents(session, desk.scope, desk.now(), desk.settings.zone, [found.id])
    body = {"as_of": desk.now(), **_incident(found), "notes": [_note(note) for note in notes]}
    body["repairs"] = [
        {"id": each.id, "point": each.point, "state": each.state, "since": each.since}
        for each in repairs.get(found.id, ())
    ]
    return _answer(body)


@router.post("/incidents/{number}/acknowledge", dependencies=[may(Permission.HANDLE), FromOwnPage])
def acknowledge(desk: AtDesk, number: Incident) -> Response:
    """Take it in hand. Done again, the answer is still the note of the first who did."""
    with desk.database.transaction() as session:
        found = _found(session, desk, number)
        note = handling.acknowledge(session, desk.actor, desk.now(), found)
    return _answer({"note": _note(note)})


@router.post("/incidents/{number}/comment", dependencies=[may(Permission.HANDLE), FromOwnPage])
def comment(desk: AtDesk, number: Incident, told: Comment) -> Response:
    """Say something of it; 201 with the note."""
    try:
        with desk.database.transaction() as session:
            found = _found(session, desk, number)
            note = handling.comment(session, desk.actor, desk.now(), found, told.text)
    except HandlingError as refused:
        raise HTTPException(422, str(refused)) from None
    return _answer({"note": _note(note)}, 201)


@router.get("/backlog", dependencies=[may(Permission.VIEW)])
def backlog(desk: AtDesk) -> Response:
    """The eyes in service that were never seen ok, and for how many seconds."""
    now = desk.now()
    with desk.database.reading() as session:
        found = outages.backlog(session, desk.scope, now, desk.settings.zone)
    return _answer(
        {
            "as_of": now,
            "eyes": [
                {
                    "eye": row.eye,
                    "name": row.name,
                    "point": row.point,
                    "point_name": row.point_name,
                    "unit": row.unit,
                    "since": row.since,
                    "age_s": _seconds(row.since, now),
                    "reason": row.reason,
                }
                for row in found
            ],
        }
    )


def _incident(row: IncidentRow) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "kind": row.kind,
        "ancestor": {"code": row.code, "name": row.name},
        "started_at": row.started_at,
        "announced_at": row.announced_at,
        "ended_at": row.ended_at,
        "withdrawn_at": row.withdrawn_at,
        "reaches_further": row.further,
        "points": row.points,
        "eyes": [
            {"eye": away.eye, "point": away.point, "from": away.from_at, "to": away.to_at}
            for away in row.away
        ],
    }


def _found(session: Session, desk: Desk, number: int) -> IncidentRow:
    found = outages.incident(session, desk.scope, desk.now(), desk.settings.zone, number)
    if found is None:
        raise HTTPException(404, "There is no such incident.")
    return found


def _note(note: Note | None) -> Mapping[str, Any] | None:
    if note is None:
        return None
    return {"kind": note.deed, "at": note.at, "by": note.by, "text": note.text, "window": note.window}


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, (now - since).total_seconds())


def _answer(body: Mapping[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), status, media_type="application/json")
