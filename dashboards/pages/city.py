"""The first page: what is wrong now, what is new, the city in numbers, its units, the monitor itself."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse

from camera_registry import queries
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.overview import overview
from camera_registry.own_health import own_health
from dashboards.day_chart import day_chart
from dashboards.rendering import page, reader_of

MOST_WRONG = 10  # incidents on the first page; their list has all

router = APIRouter(include_in_schema=False)


@router.get("/", dependencies=[may(Permission.VIEW)])
def city(desk: AtDesk, request: Request) -> Response:
    """Whoever answers for one unit is led to its page."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    with desk.database.reading() as session:
        home = queries.home(session, desk.scope, reader.today)
        if home is not None:
            return RedirectResponse(f"/units/{home.uid}", 303)
        seen = overview(session, desk.scope, reader.now, reader.zone)
        health = own_health(session, desk.scope, seen.pulse, desk.counters, desk.started_at, reader.now)
    return page(
        request,
        desk,
        "city.html",
        reader=reader,
        revision=revision,
        pulse=seen.pulse,
        seen=seen,
        totals=seen.totals,
        news=seen.day.news,
        chart=day_chart(seen.day, reader),
        health=health,
        most_wrong=MOST_WRONG,
    )
