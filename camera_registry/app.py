"""The front door of the web: joins the API and the pages into one application."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from ipaddress import ip_address

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from camera_registry.api import (
    audit,
    events,
    figures,
    geojson,
    incidents,
    inventory,
    maintenance,
    points,
    problems,
    series,
    watching,
)
from camera_registry.api.broadcast import Broadcaster
from camera_registry.api.desk import Desk, desk_of
from camera_registry.api.guard import Guard
from camera_registry.api.requests import RequestIds
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.settings import Settings
from dashboards.assets import Assets
from dashboards.pages import audit as audit_pages
from dashboards.pages import (
    account,
    availability,
    baselines,
    bulk,
    city,
    confirming,
    counting,
    eye,
    eyes,
    figure,
    grading,
    importing,
    point,
    probe_now,
    refusal,
    reported,
    sign_in,
    tokens,
    unit,
    users,
)
from dashboards.pages import incidents as incident_pages
from dashboards.pages import maintenance as maintenance_pages
from dashboards.pages import map as map_pages


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(
    database: Database,
    settings: Settings,
    *,
    counters: Counters,
    broadcaster: Broadcaster,
    notice: str | None = None,
    now: Callable[[], datetime] = _utc_now,
    look: Callable[[str], bytes] | None = None,
) -> FastAPI:
    """The web application.

    ``notice`` is an English msgid shown above every page, such as that the data are synthetic; ``look``
    takes a live picture (see ``Desk``). Before the
    server stops, call ``broadcaster.close()``: open pages hold their streams for as long as they may.
    """
    app = FastAPI(title="Camera registry", docs_url=None, redoc_url=None)
    database.listen(lambda topics: broadcaster.publish(topics=topics))
    app.state.desk = Desk(database, settings, counters, broadcaster, notice, now, now(), look)
    for room in (audit, events, figures, geojson, incidents, series, inventory, maintenance, points, watching):
        app.include_router(room.router)
    for face in (
        sign_in,
        account,
        users,
        city,
        baselines,
        availability,
        counting,
        figure,
        importing,
        reported,
        grading,
        confirming,
        maintenance_pages,
        eyes,
        bulk,
        probe_now,
        eye,
        point,
        incident_pages,
        unit,
        map_pages,
        audit_pages,
        tokens,
    ):
        app.include_router(face.router)
    app.mount("/static", Assets())
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_middleware(Guard)
    app.add_middleware(RequestIds)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if problems.for_program(request):
        return problems.refused(error)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return sign_in.led_there(request)
    return refusal.refusal(await desk_of(request), request, error.status_code, error.detail)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if problems.for_program(request):
        return problems.malformed(error)
    return refusal.refusal(await desk_of(request), request, 422)


class PublicBindRefused(RegistryError):
    """Asked to listen where others could reach pages that nobody has to sign in to."""


def refuse_public_bind(host: str) -> None:
    """Raise ``PublicBindRefused`` unless ``host`` is a loopback address.

    Of names only ``localhost`` passes: what another resolves to may change between this check and the bind.
    """
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise PublicBindRefused(
            N_(
                "Cannot listen on {host}: there is no sign-in yet, so only this machine may connect. "
                "Use 127.0.0.1, and an SSH tunnel to look from elsewhere."
            ),
            host=host,
        )
