"""What was measured of an eye over time, as curves for a chart."""

from datetime import timedelta
from typing import Annotated, Any

import orjson
import structlog
from fastapi import APIRouter, HTTPException, Query, Response

from camera_registry import periods, prometheus, samples
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.periods import PeriodError
from camera_registry.prometheus import PrometheusError
from camera_registry.uptime import Span

LATELY = timedelta(days=1)  # where nothing is said

SLACK = timedelta(minutes=5)  # a page that shows a week was made a moment ago

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1")


@router.get("/eyes/{code:path}/series", dependencies=[may(Permission.VIEW)])
def series(
    desk: AtDesk,
    code: str,
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
) -> Response:
    """Latency, bit rate, clock and sharpness of one eye from ``from`` until ``to``; of the last day where
    neither is said.

    Points are ``[seconds since 1970, value]``, ``null`` where a silence begins; at most
    ``samples.MOST_POINTS`` of each, the least and greatest of their time among them. ``source`` is
    ``prometheus`` for more than the registry's week, where one is configured and answers.
    """
    now, zone = desk.now(), desk.settings.zone
    try:
        within = periods.asked(start, end, zone, now) if start or end else Span(now - LATELY, now)
    except PeriodError as refused:
        raise HTTPException(422, str(refused)) from None
    with desk.database.reading() as session:
        found = samples.curves(session, desk.scope, now, zone, code, within)
    if found is None:
        raise HTTPException(404, "There is no such eye.")
    source, url = "registry", desk.settings.prometheus_url
    if url is not None and within.start < now - samples.KEPT - SLACK:
        try:
            source, found = "prometheus", prometheus.curves(url, code, within)
        except PrometheusError as silent:
            log.warning("curves of a week only", reason=str(silent))
    body: dict[str, Any] = {
        "as_of": now,
        "from": within.start,
        "to": within.end,
        "source": source,
        "series": [
            {"name": each.series, "unit": samples.UNITS[each.series], "points": each.points} for each in found
        ],
    }
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
