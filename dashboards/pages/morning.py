"""``/units/{uid}/morning``: what is wrong in a ward, on a sheet of paper, for where there is no Internet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse

from camera_registry import wards
from camera_registry.alerts import copies, digests
from camera_registry.alerts.phrases import Speaker
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.health import EyeState
from camera_registry.incidents import Kind
from camera_registry.queries import EyeRow
from camera_registry.wards import PointRow, Ward
from dashboards.rendering import Reader, page, reader_of

MOST_POINTS = 100  # told on paper; the first page holds about twenty
MOST_CODES = 4  # of eyes that are named one by one

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Row:
    """A point on the sheet: its eyes that are not well, how they are, since when the first, and why.

    ``taken`` is since when somebody has what took its eyes in hand, ``None`` where nobody has.
    """

    point: PointRow
    eyes: Sequence[EyeRow]
    how: str
    since: datetime | None
    why: str
    taken: datetime | None


@router.get("/units/{uid}/morning", dependencies=[may(Permission.VIEW)])
def morning(desk: AtDesk, request: Request, uid: str) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        ward = wards.ward(session, desk.scope, reader.now, reader.zone, uid)
        if ward is None:
            raise HTTPException(404)
        copied = copies.of_unit(session, desk.scope, reader.now, reader.zone, reader.language, ward.unit)
    totals, says = ward.totals, Speaker(reader.language, reader.zone)
    working = totals.by_standing[EyeState.UP] + totals.by_standing[EyeState.DEGRADED]
    return page(
        request,
        desk,
        "morning.html",
        reader=reader,
        ward=ward,
        rows=[_row(ward, point, reader) for point in ward.wrong[:MOST_POINTS]],
        copied=copied,
        streams=digests.streams(working, totals.observed, totals.measured, says),
        most_codes=MOST_CODES,
    )


def _row(ward: Ward, point: PointRow, reader: Reader) -> Row:
    eyes = [eye for eye in point.eyes if wards.is_faulty(eye)]
    whys = [_why(ward, eye, reader) for eye in eyes]
    notes = [ward.acknowledged.get(ward.causes[eye.code].id) for eye in eyes if eye.code in ward.causes]
    return Row(
        point,
        eyes,
        ", ".join(dict.fromkeys(reader.standing(eye.standing) for eye in eyes)),
        min((eye.since for eye in eyes if eye.since), default=None),
        "; ".join(dict.fromkeys(filter(None, whys))),
        min((note.at for note in notes if note), default=None) if all(notes) else None,
    )


def _why(ward: Ward, eye: EyeRow, reader: Reader) -> str:
    """What took several eyes goes before what the probes say of one."""
    if eye.code in ward.covered:
        return reader.state("maintenance")
    cause = ward.causes.get(eye.code)
    if cause is not None and cause.kind is not Kind.EYE:
        return reader.incident(cause.kind)
    return reader.reported(eye.reported.word) if eye.reported else reader.why(eye)
