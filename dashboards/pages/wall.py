"""``/wall``: the city for a big screen that nobody touches, read from four metres away."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.overview import overview
from dashboards import assets
from dashboards.day_chart import day_chart
from dashboards.rendering import page, reader_of

MOST_WRONG = 7  # incidents that a screen has room for
MOST_UNITS = 12

router = APIRouter(include_in_schema=False)


@router.get("/wall", dependencies=[may(Permission.VIEW)])
def wall(desk: AtDesk, request: Request) -> HTMLResponse:
    """Cut to what the reader may see, as every page; units with the most eyes that are down come first."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    with desk.database.reading() as session:
        seen = overview(session, desk.scope, reader.now, reader.zone)
    worst = sorted(seen.units, key=lambda unit: unit.totals.by_standing["down"], reverse=True)
    return page(
        request,
        desk,
        "wall.html",
        reader=reader,
        revision=revision,
        seen=seen,
        totals=seen.totals,
        units=worst[:MOST_UNITS],
        chart=day_chart(seen.day, reader),
        most_wrong=MOST_WRONG,
        mark=assets.mark(),
        zone=desk.settings.timezone,
    )
