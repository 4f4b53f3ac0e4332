"""``/points/{code}``: a point: its eyes in the last day, its devices, who has it, what happens there."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from camera_registry import audit_log, points
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.explaining import STATES
from camera_registry.repairs import reading as repairs
from camera_registry.repairs import words as repair_words
from dashboards import strips
from dashboards.rendering import page, reader_of

FEW_INCIDENTS = 10  # the newest; the list of incidents has all

router = APIRouter(include_in_schema=False)


@router.get("/points/{code:path}/months", dependencies=[may(Permission.VIEW)])
def months(desk: AtDesk, request: Request, code: str) -> HTMLResponse:
    """The point's figures of this month and the last, for its page: asked for when that is there."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = points.months(session, desk.scope, reader.now, reader.zone, code)
    if found is None:
        raise HTTPException(404)
    return page(request, desk, "point_months.html", reader=reader, code=code, months=found)


@router.get("/points/{code:path}", dependencies=[may(Permission.VIEW)])
def point(desk: AtDesk, request: Request, code: str) -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    today = reader.today
    with desk.database.reading() as session:
        found = points.point(session, desk.scope, reader.now, reader.zone, code)
        if found is None:
            raise HTTPException(404)
        subjects = [f"point:{code}"]
        subjects += [f"device:{each.code}" for each in found.devices]
        subjects += [f"eye:{each.code}" for each in found.eyes]
        mended = repairs.of_point(session, desk.scope, reader.now, reader.zone, code)
        history = audit_log.history(session, desk.scope, today, subjects)
    return page(
        request,
        desk,
        "point.html",
        reader=reader,
        revision=revision,
        point=found,
        holder=found.held_on(today),
        days_of={code: strips.bars(intervals, found.day) for code, intervals in found.days.items()},
        marks=strips.marks(found.day, reader.language, reader.zone),
        states=STATES,
        few=FEW_INCIDENTS,
        repairs=mended,
        mending=repair_words,
        history=history,
    )
