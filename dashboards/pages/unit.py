"""``/units/{uid}``: one ward, or any unit of any time, as whoever answers for it needs it on a telephone."""

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, PlainTextResponse

from camera_registry import handling, maintenance, queries, wards
from camera_registry.alerts import copies
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.incidents import Kind
from camera_registry.outages import IncidentRow
from camera_registry.wards import PointRow, Ward
from dashboards.pages.incidents import proposal
from dashboards.rendering import page, reader_of

MOST_POINTS = 60  # with something wrong that are told in full; the list of eyes has all
MOST_WELL = 400  # points named where all is well

router = APIRouter(include_in_schema=False)


@router.get("/units/{uid}", dependencies=[may(Permission.VIEW)])
def unit(desk: AtDesk, request: Request, uid: str) -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    with desk.database.reading() as session:
        ward = wards.ward(session, desk.scope, reader.now, reader.zone, uid)
        if ward is None:
            raise HTTPException(404)
        touched = handling.touched(session, ward.inbox)
        today = reader.today
        home = queries.home(session, desk.scope, today)
    return page(
        request,
        desk,
        "unit.html",
        reader=reader,
        revision=revision,
        place="/" if home is not None and home.uid == uid else "",
        today=today,
        ward=ward,
        unmanaged=sum(point.custody is None for point in (*ward.wrong, *ward.waiting, *ward.well)),
        touched=touched,
        causes={point.code: _causes(ward, point) for point in ward.wrong[:MOST_POINTS]},
        proposals={incident.id: proposal(incident, reader) for incident in ward.inbox},
        cuttable={incident.id for incident in ward.inbox if handling.reaches(incident)},
        most_points=MOST_POINTS,
        most_well=MOST_WELL,
        longest_reason=maintenance.LONGEST_REASON,
    )


@router.get("/units/{uid}/month", dependencies=[may(Permission.VIEW)])
def month(desk: AtDesk, request: Request, uid: str) -> HTMLResponse:
    """A sentence for the page of a unit: its availability so far. Asked for when the page is there."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        tally = wards.month(session, desk.scope, reader.now, reader.zone, uid)
    if tally is None:
        raise HTTPException(404)
    return page(request, desk, "unit_month.html", reader=reader, tally=tally)


@router.get("/units/{uid}/words", dependencies=[may(Permission.VIEW)])
def words(desk: AtDesk, request: Request, uid: str) -> PlainTextResponse:
    """What goes on in a unit, as a message would say it; for whoever sends it on by hand."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        unit = queries.unit(session, desk.scope, uid)
        if unit is None:
            raise HTTPException(404)
        said = copies.of_unit(session, desk.scope, reader.now, reader.zone, reader.language, unit)
    return PlainTextResponse(said)


def _causes(ward: Ward, point: PointRow) -> list[IncidentRow]:
    """The incidents that took eyes of a point and are more than one eye's."""
    found = {cause.id: cause for eye in point.eyes if (cause := ward.causes.get(eye.code))}
    return [cause for cause in found.values() if cause.kind is not Kind.EYE]
