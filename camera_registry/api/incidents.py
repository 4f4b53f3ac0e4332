"""Incidents as JSON: which outages share one cause, and which eyes never worked yet.

``open=true`` are those that go on, ``open=false`` those that are over; ``from`` and ``to`` are days of the
registry's zone or moments with an offset, as everywhere. Of an incident only the eyes that the caller may see
are told.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Response

from camera_registry import outages, periods
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.incidents import Kind
from camera_registry.outages import IncidentRow
from camera_registry.periods import PeriodError

From = Annotated[str, Query(alias="from", description="A day, or a moment with its offset.")]
To = Annotated[str, Query(alias="to", description="The first day or moment no longer looked at.")]
Open = Annotated[bool | None, Query(alias="open", description="Going on, or over; without it, both.")]

MOST_ID = 2**63 - 1

router = APIRouter(prefix="/api/v1")


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
    return _answer({"as_of": now, "incidents": [_incident(each) for each in found]})


@router.get("/incidents/{number}", dependencies=[may(Permission.VIEW)])
def incident(desk: AtDesk, number: int) -> Response:
    """One incident by its id."""
    now = desk.now()
    found: list[IncidentRow] = []
    if 0 < number <= MOST_ID:
        with desk.database.reading() as session:
            found = outages.incidents(session, desk.scope, now, desk.settings.zone, id_=number)
    if not found:
        raise HTTPException(404, "There is no such incident.")
    return _answer({"as_of": now, **_incident(found[0])})


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
        "points": row.points,
        "eyes": [
            {"eye": away.eye, "point": away.point, "from": away.from_at, "to": away.to_at}
            for away in row.away
        ],
    }


def _seconds(since: datetime | None, now: datetime) -> float | None:
    return None if since is None else max(0.0, (now - since).total_seconds())


def _answer(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
