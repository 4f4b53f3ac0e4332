"""The baselines that wait for a person, a live picture of each on demand, and the person's decision."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from camera_registry import audit, baselines
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.audit import Action
from camera_registry.auth.roles import Permission
from camera_registry.baselines import BaselineError
from camera_registry.i18n import N_
from camera_registry.inventory import InventoryError, eye_by_code
from camera_registry.live import LiveError
from dashboards.rendering import page, reader_of
from probes.result import Mode

router = APIRouter(include_in_schema=False)

Decision = Literal["approve", "reject"]
DONE: dict[Decision, str] = {
    "approve": N_('The baseline of the eye "{code}" is approved.'),
    "reject": N_('The baseline of the eye "{code}" is rejected.'),
}


@router.get("/baselines", dependencies=[may(Permission.REGISTER)])
def waiting(desk: AtDesk, request: Request, show: str = "") -> HTMLResponse:
    """``show`` names the one whose live picture is shown: ``eye/mode``."""
    return _page(request, desk, show=show)


@router.post("/baselines", dependencies=[may(Permission.REGISTER), FromOwnPage])
def decide(
    desk: AtDesk,
    request: Request,
    eye: Annotated[str, Form(max_length=64)],
    mode: Annotated[Mode, Form()],
    decision: Annotated[Decision, Form()],
) -> HTMLResponse:
    """Approve a baseline, or reject it. Who decides is not known before there is sign-in: only from where."""
    actor = desk.actor
    reader = reader_of(request, desk)
    done, status = reader.say(DONE[decision], code=eye), 200
    try:
        with desk.database.transaction() as session:
            row = eye_by_code(session, eye)
            if decision == "approve":
                baselines.approve(session, row, mode, actor, desk.now())
            else:
                baselines.reject(session, row, mode, actor, desk.now())
    except (BaselineError, InventoryError) as refused:
        done, status = refused.text(reader.language), 409
    return _page(request, desk, done=done, status=status)


@router.get("/eyes/{code:path}/live.jpg", dependencies=[may(Permission.PICTURES), FromOwnPage])
def live(desk: AtDesk, request: Request, code: str) -> Response:
    """What the eye shows now, kept nowhere; that somebody looked is written down first."""
    if desk.look is None:
        raise HTTPException(404)
    try:
        with desk.database.transaction() as session:
            eye_by_code(session, code)
            audit.record(
                session,
                desk.actor,
                Action.PICTURE_VIEWED,
                f"eye:{code}",
                desk.now(),
                detail={"live": True},
            )
        picture = desk.look(code)
    except InventoryError:
        raise HTTPException(404) from None
    except LiveError as refused:
        raise HTTPException(502, str(refused)) from None
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def _page(request: Request, desk: Desk, *, show: str = "", done: str = "", status: int = 200) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        day = reader.now.astimezone(reader.zone).date()
        found = baselines.waiting(session, desk.scope, day)
    return page(
        request,
        desk,
        "baselines.html",
        reader=reader,
        status=status,
        waiting=found,
        show=show,
        done=done,
        looks=desk.look is not None,
    )
