"""Points for programs: moving one to another unit, who has which, which wait for a hand-over; closed months.

Days are ISO 8601 (2026-09-01), of the registry's zone. A move is refused with 404 for an unknown point and
with 409, naming the units that may be meant, for a unit that was not there on that day.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, ConfigDict, Field

from camera_registry import audit, closings, custody, moving, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import NotFromElsewhere
from camera_registry.api.whole_city import NOT_ALL
from camera_registry.auth.roles import Permission
from camera_registry.closings import ClosingError, Heading
from camera_registry.inventory import InventoryError, point_by_code
from camera_registry.moving import MoveError
from camera_registry.units import UnitError, UnitVersion

LONGEST_UNIT = 200  # characters

router = APIRouter(prefix="/api/v1")


class Move(BaseModel):
    """Which unit the point belongs to (name, code or uid of that day), from which day on, on which paper."""

    model_config = ConfigDict(extra="forbid")

    unit: Annotated[str, Field(min_length=1, max_length=LONGEST_UNIT)]
    first: Annotated[date, Field(alias="from")]
    document: Annotated[str, Field(min_length=1, max_length=moving.LONGEST_DOCUMENT)]
    reason: Annotated[str, Field(max_length=audit.LONGEST_REASON)] = ""


@router.post("/points/{code:path}/move", dependencies=[may(Permission.REGISTER), NotFromElsewhere])
def move(desk: AtDesk, code: str, wanted: Move) -> Response:
    """Have a point belong to another unit from a day on; the same day again corrects.

    Who does not see both units moves nothing between them.
    """
    now, zone = desk.now(), desk.settings.zone
    with desk.database.transaction() as session:
        try:
            point = point_by_code(session, code)
        except InventoryError:
            point = None
        if point is None or point.id not in queries.point_ids(session, desk.scope, _today(desk)):
            raise HTTPException(404, "There is no such point.")
        try:
            moved = moving.move_point(
                *(session, desk.actor, code, wanted.unit, wanted.first, now, zone),
                document=wanted.document,
                reason=wanted.reason,
            )
        except (UnitError, MoveError) as refused:
            raise HTTPException(409, str(refused)) from None
        if moving.unseen(session, desk.scope, moved) is not None:
            raise HTTPException(403, NOT_ALL)
    return _answer(
        {
            "point": moved.point,
            "unit": _unit(moved.after),
            "unit_before": _unit(moved.before) if moved.before is not None else None,
            "from": moved.first,
            "until": moved.last,
            "closed_months": [f"{month:%Y-%m}" for month in moved.closed],
        }
    )


@router.get("/points/{code:path}/custody", dependencies=[may(Permission.VIEW)])
def point_custody(desk: AtDesk, code: str) -> Response:
    """Everyone who ever had a point, the oldest first; ``last`` is the last day, ``null`` for still."""
    with desk.database.reading() as session:
        found = custody.history(session, desk.scope, _today(desk), code)
    if found is None:
        raise HTTPException(404, "There is no such point.")
    return _answer({"point": code, "custody": found})


@router.get("/custody", dependencies=[may(Permission.VIEW)])
def present_custody(desk: AtDesk, on: date | None = None) -> Response:
    """Who has which point on a day (default: today)."""
    day = on or _today(desk)
    with desk.database.reading() as session:
        return _answer({"on": day, "custody": custody.present(session, desk.scope, day)})


@router.get("/custody/queue", dependencies=[may(Permission.VIEW)])
def custody_queue(desk: AtDesk, on: date | None = None) -> Response:
    """The points that wait to be handed over on a day, why, and since when (``null``: ever)."""
    day = on or _today(desk)
    with desk.database.reading() as session:
        return _answer({"on": day, "waiting": custody.queue(session, desk.scope, day, desk.settings.zone)})


@router.get("/months", dependencies=[may(Permission.VIEW)])
def months(desk: AtDesk) -> Response:
    """The closed months and their amendments, the newest first; their figures are in ``/availability``."""
    with desk.database.reading() as session:
        return _answer({"months": [_heading(each) for each in closings.headings(session)]})


@router.get("/months/{month}", dependencies=[may(Permission.VIEW)])
def month(desk: AtDesk, month: str) -> Response:
    """Every version of one closed month, and what each left out as maintenance."""
    with desk.database.reading() as session:
        try:
            first = closings.month_named(month)
        except ClosingError as refused:
            raise HTTPException(422, str(refused)) from None
        found = closings.left_out(session, desk.scope, _today(desk), first)
    if not found:
        raise HTTPException(404, "This month is not closed.")
    return _answer({"versions": [{**_heading(each), "windows": windows} for each, windows in found]})


def _today(desk: Desk) -> date:
    return desk.now().astimezone(desk.settings.zone).date()


def _unit(unit: UnitVersion) -> Mapping[str, Any]:
    return {"uid": unit.uid, "code": unit.code, "name": unit.name}


def _heading(heading: Heading) -> dict[str, Any]:
    return asdict(heading) | {"month": f"{heading.month:%Y-%m}"}


def _answer(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
