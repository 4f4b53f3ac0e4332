"""Starting to ask the eyes of a site: what it will cost, then a person's yes, and how far it has come."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from camera_registry import audit, deeds, errands, starting
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.api.whole_city import WholeCity
from camera_registry.audit import ReasonError
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.inventory import InventoryError
from dashboards.rendering import page, reader_of

RUNS = 10  # of the newest, told

router = APIRouter(
    prefix="/registry/start", include_in_schema=False, dependencies=[may(Permission.REGISTER), WholeCity]
)


@router.get("")
def choose(desk: AtDesk, request: Request, site: str = "") -> HTMLResponse:
    """The sites; of the chosen one the forecast, and a button that begins."""
    return _page(desk, request, site)


def _page(desk: Desk, request: Request, site: str, *, mended: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        sites = starting.sites(session, reader.now, reader.zone)
        runs = starting.runs(session, RUNS)
    foreseen, refused = None, ""
    if any(site == each.code for each in sites):
        store = CredentialStore(desk.settings)
        try:
            foreseen = starting.foresee(desk.database, desk.settings, store, site, reader.now)
        except RegistryError as error:  # the key is gone, say
            refused = error.text(reader.language)
    return page(
        request,
        desk,
        "start.html",
        reader=reader,
        status=409 if mended else 200,
        address="/registry/start?" + urlencode({"site": site}),
        mended=mended,
        revision=revision,
        sites=sites,
        site=site,
        foreseen=foreseen,
        refused=refused,
        runs=runs,
        going_on=next((run.id for run in runs if run.site == site and run.ended_at is None), None),
        endings=deeds.ENDINGS,
    )


@router.post("", dependencies=[FromOwnPage])
def begin(
    desk: AtDesk,
    request: Request,
    site: Annotated[str, Form(max_length=64)],
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> Response:
    """Want the site started by the process that asks eyes."""
    try:
        why = audit.reason_of(reason)
        with desk.database.transaction() as session:
            number = starting.begin(session, desk.actor, site, desk.now(), reason=why)
    except ReasonError as refused:
        return _page(desk, request, site, mended=refused.text(reader_of(request, desk).language))
    except InventoryError:
        raise HTTPException(404) from None
    return RedirectResponse(f"/registry/start/{number}", 303)


@router.get("/{number}")
def follow(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    """How far a start has come, or how it ended; and whose logins were refused."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        run = starting.run(session, number)
        if run is None:
            raise HTTPException(404)
        refusing = starting.refusing(session, run.site, reader.now, reader.zone) if run.refused else []
    try:
        errands.read_rollout(desk.database, number, reader.now)
        silent = ""
    except errands.NoAnswer as error:
        silent = error.text(reader.language)
    return page(
        request,
        desk,
        "start_run.html",
        reader=reader,
        revision=revision,
        run=run,
        silent=silent,
        refusing=refusing,
        stages=deeds.STAGES,
        endings=deeds.ENDINGS,
    )


@router.post("/{number}/stop", dependencies=[FromOwnPage])
def stop(desk: AtDesk, number: Number) -> Response:
    """Want a start to end; eyes already started stay started. Nobody has to say why: it may be urgent."""
    with desk.database.transaction() as session:
        if starting.run(session, number) is None:
            raise HTTPException(404)
        starting.stop(session, desk.actor, number, desk.now())
    return RedirectResponse(f"/registry/start/{number}", 303)
