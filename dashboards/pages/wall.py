"""``/wall``: the city for a big screen that nobody touches, read from five metres away."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.overview import overview
from camera_registry.own_health import own_health
from dashboards import assets
from dashboards.day_chart import day_chart
from dashboards.rendering import page, reader_of

MOST_WRONG, MOST_UNITS = 12, 16  # more than any screen has room for: its script says how many it leaves out

router = APIRouter(include_in_schema=False)


@router.get("/wall", dependencies=[may(Permission.VIEW)])
def wall(desk: AtDesk, request: Request) -> HTMLResponse:
    """Cut to what the reader may see, as every page."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    with desk.database.reading() as session:
        seen = overview(session, desk.scope, reader.now, reader.zone)
        health = own_health(session, desk.scope, seen.pulse, desk.counters, desk.started_at, reader.now)
    return page(
        request,
        desk,
        "wall.html",
        reader=reader,
        revision=revision,
        pulse=seen.pulse,
        seen=seen,
        totals=seen.totals,
        health=health,
        chart=day_chart(seen.day, reader),
        most_wrong=MOST_WRONG,
        most_units=MOST_UNITS,
        mark=assets.mark(),
        zone=desk.settings.timezone,
    )
