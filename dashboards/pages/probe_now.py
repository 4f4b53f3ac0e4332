"""Probe now: a person has an eye asked and watches its rungs, in the page of the eye or on one of its own."""

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from camera_registry import probe_now
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.health import Standing, eye_standing
from camera_registry.inventory import InventoryError
from camera_registry.probe_now import Progress, TooOften
from dashboards import ladders
from dashboards.rendering import page, reader_of

router = APIRouter(include_in_schema=False)


@router.post("/eyes/{code:path}/probe", dependencies=[may(Permission.PROBE), FromOwnPage])
def ask(desk: AtDesk, request: Request, code: str) -> Response:
    """Have the eye asked. A script is answered with what it puts into the page, a form is led there."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            wanted = probe_now.ask(session, desk.actor, desk.scope, code, reader.now, reader.zone)
    except InventoryError:
        raise HTTPException(404) from None
    except TooOften as refused:
        text = refused.text(reader.language)
        return page(request, desk, "probe_refused.html", reader=reader, status=429, code=code, text=text)
    if "hx-request" in request.headers:
        return _page(request, desk, "probe_rungs.html", code, wanted)
    return RedirectResponse(request.url.path + f"/{wanted}", 303)


@router.get("/eyes/{code:path}/probe/{wanted}", dependencies=[may(Permission.PROBE)])
def watch(desk: AtDesk, request: Request, code: str, wanted: Number) -> HTMLResponse:
    """A page of its own, which asks for itself again where there is no script."""
    return _page(request, desk, "probe.html", code, wanted)


@router.get("/eyes/{code:path}/probe/{wanted}/rungs", dependencies=[may(Permission.PROBE)])
def rungs(desk: AtDesk, request: Request, code: str, wanted: Number) -> HTMLResponse:
    """The fragment, until nothing more will come."""
    return _page(request, desk, "probe_rungs.html", code, wanted)


def _page(request: Request, desk: Desk, template: str, code: str, wanted: int) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = probe_now.progress(session, desk.scope, code, wanted, reader.now, reader.zone)
    if found is None:
        raise HTTPException(404)
    result = found.result
    return page(
        request,
        desk,
        template,
        reader=reader,
        found=found,
        stages=ladders.climb(found.rungs, result.transcript if result else ""),
        standing=_standing(found),
    )


def _standing(found: Progress) -> Standing | None:
    """What this probe alone says of the eye; nothing is down before that is confirmed."""
    if found.result is None:
        return None
    return eye_standing({v.check: Standing(v.outcome, v.reason) for v in found.result.verdicts})
