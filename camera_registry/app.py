"""The front door of the web: joins the API and the pages into one application."""

from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.middleware.gzip import GZipMiddleware

from camera_registry.api import (
    audit,
    couriers,
    events,
    figures,
    geojson,
    incidents,
    inventory,
    maintenance,
    messages,
    points,
    problems,
    series,
    watching,
)
from camera_registry.api import repairs as repairs_as_json
from camera_registry.api.broadcast import Broadcaster
from camera_registry.api.desk import Desk
from camera_registry.api.failures import Failures
from camera_registry.api.guard import Guard, is_loopback
from camera_registry.api.requests import RequestIds
from camera_registry.auth.oidc import Provider
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.reports.making import Drawing
from camera_registry.settings import Settings
from dashboards.assets import Assets
from dashboards.pages import (
    account,
    availability,
    baselines,
    bulk,
    channels,
    city,
    confirming,
    counting,
    custody,
    discovering,
    eye,
    eyes,
    figure,
    grading,
    importing,
    letterheads,
    message_link,
    money,
    money_basis,
    money_contributors,
    money_entering,
    money_entry,
    money_import,
    money_papers,
    money_point,
    money_programmes,
    money_waiting,
    morning,
    moving,
    oidc,
    papers,
    point,
    probe_now,
    proposals,
    refusal,
    registry,
    repair_new,
    repairs,
    report_jobs,
    reported,
    reports,
    schedules,
    sign_in,
    starting,
    subscriptions,
    tokens,
    unit,
    users,
    wall,
)
from dashboards.pages import audit as audit_pages
from dashboards.pages import incidents as incident_pages
from dashboards.pages import maintenance as maintenance_pages
from dashboards.pages import map as map_pages
from dashboards.pages import messages as message_pages
from dashboards.reports import draw, file_name

DRAWING = Drawing(draw, file_name)  # how reports become files: handed to whoever makes them in the background
MOST_SENT = 1024 * 1024  # bytes of a body, which may be read before it is known who sends it


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
    app.state.oidc = Provider.of(settings)
    for room in (
        *(audit, couriers, events, figures, geojson, incidents),
        *(series, inventory, maintenance, messages, points, repairs_as_json, watching),
    ):
        app.include_router(room.router)
    for face in (
        sign_in,
        account,
        users,
        city,
        wall,
        baselines,
        availability,
        counting,
        figure,
        importing,
        reported,
        grading,
        confirming,
        starting,
        discovering,
        maintenance_pages,
        eyes,
        bulk,
        custody,
        moving,
        registry,
        probe_now,
        eye,
        money_point,
        point,
        incident_pages,
        message_link,
        morning,
        unit,
        map_pages,
        audit_pages,
        message_pages,
        subscriptions,
        channels,
        tokens,
        oidc,
        repair_new,
        repairs,
        proposals,
        papers,
        money_import,
        money_entering,
        money_entry,
        money_waiting,
        money_programmes,
        money_contributors,
        money_basis,
        money_papers,
        money,
        letterheads,
        schedules,
        report_jobs,
        reports,
    ):
        app.include_router(face.router)
    app.mount("/static", Assets())
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MOST_SENT)
    app.add_middleware(Failures, answer=_failed)
    # No page holds a secret beside what an address can put there, so an answer's length betrays none.
    app.add_middleware(GZipMiddleware, compresslevel=5)
    app.add_middleware(Guard, settings=settings)
    app.add_middleware(RequestIds)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if problems.for_program(request):
        return problems.refused(error)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        return sign_in.led_there(request)
    page = await refusal.refusal(request, error.status_code, error.detail)
    page.headers.update(error.headers or {})
    return page


async def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    if problems.for_program(request):
        return problems.malformed(error)
    return await refusal.refusal(request, HTTPStatus.UNPROCESSABLE_ENTITY)


async def _failed(request: Request, status: int) -> Response:
    if problems.for_program(request):
        return problems.problem(status)
    return await refusal.refusal(request, status)


class PublicBindRefused(RegistryError):
    """Asked to listen where others could read along, or would not be answered."""


def refuse_public_bind(host: str, settings: Settings, *, tls: bool) -> None:
    """Raise ``PublicBindRefused`` where ``host`` is not loopback and nobody speaks TLS, or no name is known.

    Of names only ``localhost`` is loopback: what another resolves to may change between this check and the
    bind.
    """
    if host == "localhost" or is_loopback(host):
        return
    if not tls and not settings.trusted_proxies:
        raise PublicBindRefused(
            N_(
                "Cannot listen on {host} without TLS: passwords could be read on the way. Give --tls-cert "
                "and --tls-key, or name the proxy that speaks TLS in CAMERA_REGISTRY_TRUSTED_PROXIES; or use "
                "127.0.0.1, and an SSH tunnel to look from elsewhere."
            ),
            host=host,
        )
    if not settings.public_names:
        raise PublicBindRefused(
            N_(
                "Cannot listen on {host}: nobody would be answered. Name the host names that browsers will "
                "use in CAMERA_REGISTRY_PUBLIC_NAMES."
            ),
            host=host,
        )
