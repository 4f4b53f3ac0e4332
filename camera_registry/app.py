"""The front door of the web: joins the API and the pages into one application."""

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from camera_registry.api import events, figures, incidents, inventory, maintenance, points, problems, watching
from camera_registry.api.broadcast import Broadcaster
from camera_registry.api.desk import Desk
from camera_registry.api.guard import Guard
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.settings import Settings
from dashboards.assets import Assets
from dashboards.pages import availability, baselines, city, counting, eye, figure, refusal
from dashboards.pages import maintenance as maintenance_pages

FOR_PROGRAMS = ("/api/", "/metrics", "/healthz")  # refusals there are problem details, elsewhere pages


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
    for room in (events, figures, incidents, inventory, maintenance, points, watching):
        app.include_router(room.router)
    for face in (city, baselines, availability, counting, figure, maintenance_pages, eye):
        app.include_router(face.router)
    app.mount("/static", Assets())
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_middleware(Guard)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if request.url.path.startswith(FOR_PROGRAMS):
        return problems.refused(error)
    return refusal.refusal(request, error.status_code)


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if request.url.path.startswith(FOR_PROGRAMS):
        return problems.malformed(error)
    return refusal.refusal(request, 422)


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
