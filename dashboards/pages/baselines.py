"""The baselines that wait, one after the other: figures, a live picture on demand, a person's decision.

Keys do what the buttons do (``static/queue.js``); without a script they are forms and links.
"""

from collections.abc import Sequence
from datetime import date
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import audit, baselines, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.audit import Action
from camera_registry.auth.roles import Permission
from camera_registry.baselines import BaselineError, Waiting
from camera_registry.i18n import N_
from camera_registry.live import LiveError
from camera_registry.models import Eye
from dashboards.rendering import Reader, page, reader_of
from probes.result import Mode

router = APIRouter(include_in_schema=False)

Decision = Literal["approve", "reject"]
DONE = {
    "approve": N_('The baseline of the eye "{code}" is approved.'),
    "reject": N_('The baseline of the eye "{code}" is rejected.'),
    "undo": N_('The baseline of the eye "{code}" waits again.'),
}
LISTED = 12  # of those that come next, beside the one that is decided on

Code = Annotated[str, Form(max_length=64)]


@router.get("/baselines", dependencies=[may(Permission.REGISTER)])
def waiting(
    desk: AtDesk, request: Request, at: str = "", show: bool = False, done: str = "", was: str = ""
) -> HTMLResponse:
    """``at`` (``eye/mode``) is the one decided on, or else the first; ``show`` its live picture.

    ``done`` and ``was`` say what was decided just now, of which: it can be taken back.
    """
    return _page(request, desk, at=at, show=show, done=done, was=was)


@router.post("/baselines", dependencies=[may(Permission.REGISTER), FromOwnPage])
def decide(
    desk: AtDesk,
    request: Request,
    eye: Code,
    mode: Annotated[Mode, Form()],
    decision: Annotated[Decision, Form()],
) -> Response:
    """Approve a baseline, or reject it; then comes the next."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            day = _today(reader)
            following = _next(baselines.waiting(session, desk.scope, day), eye, mode)
            row = _eye(session, desk, day, eye)
            (baselines.approve if decision == "approve" else baselines.reject)(
                session, row, mode, desk.actor, reader.now
            )
    except BaselineError as refused:
        return _page(request, desk, refused=refused.text(reader.language))
    return RedirectResponse(_at(following, decision, f"{eye}/{mode}"), 303)


@router.post("/baselines/undo", dependencies=[may(Permission.REGISTER), FromOwnPage])
def undo(desk: AtDesk, request: Request, eye: Code, mode: Annotated[Mode, Form()]) -> Response:
    """Take one's last decision back."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            row = _eye(session, desk, _today(reader), eye)
            baselines.take_back(session, row, mode, desk.actor, reader.now)
    except BaselineError as refused:
        return _page(request, desk, refused=refused.text(reader.language))
    name = f"{eye}/{mode}"
    return RedirectResponse(_at(name, "undo", name), 303)


@router.get("/eyes/{code:path}/live.jpg", dependencies=[may(Permission.PICTURES), FromOwnPage])
def live(desk: AtDesk, request: Request, code: str) -> Response:
    """What the eye shows now, kept nowhere; that somebody looked is written down first."""
    if desk.look is None:
        raise HTTPException(404)
    reader = reader_of(request, desk)
    with desk.database.transaction() as session:
        _eye(session, desk, _today(reader), code)
        audit.record(
            session, desk.actor, Action.PICTURE_VIEWED, f"eye:{code}", reader.now, detail={"live": True}
        )
    try:
        picture = desk.look(code)
    except LiveError as refused:
        raise HTTPException(502, str(refused)) from None
    return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


def _eye(session: Session, desk: Desk, day: date, code: str) -> Eye:
    found = queries.eye_in(session, desk.scope, day, code)
    if found is None:
        raise HTTPException(404)
    return found


def _next(found: Sequence[Waiting], eye: str, mode: Mode) -> str:
    """The name of the one after this; of the last, the one before it."""
    at = next((n for n, each in enumerate(found) if (each.eye, each.mode) == (eye, mode)), len(found))
    others = [*found[at + 1 :], *reversed(found[:at])]
    return _name(others[0]) if others else ""


def _at(name: str, done: str, was: str) -> str:
    return "/baselines?" + urlencode({"at": name, "done": done, "was": was})


def _name(each: Waiting) -> str:
    return f"{each.eye}/{each.mode}"


def _today(reader: Reader) -> date:
    return reader.now.astimezone(reader.zone).date()


def _page(
    request: Request,
    desk: Desk,
    *,
    at: str = "",
    show: bool = False,
    done: str = "",
    was: str = "",
    refused: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = baselines.waiting(session, desk.scope, _today(reader))
        number = next((n for n, each in enumerate(found) if _name(each) == at), 0)
        chosen = found[number] if found else None
        newest = queries.measures(session, chosen.eye).get(chosen.eye) if chosen else None
    eye, _, mode = was.rpartition("/")
    return page(
        request,
        desk,
        "baselines.html",
        reader=reader,
        status=409 if refused else 200,
        waiting=found,
        chosen=chosen,
        number=number,
        before=_name(found[number - 1]) if number else "",
        after=_name(found[number + 1]) if number + 1 < len(found) else "",
        following=found[number + 1 : number + 1 + LISTED],
        newest=newest if newest is not None and chosen is not None and newest.mode == chosen.mode else None,
        show=show,
        done=reader.say(DONE[done], code=eye) if done in DONE and eye else "",
        undo=(eye, mode) if done in ("approve", "reject") and mode in set(Mode) else None,
        refused=refused,
        looks=desk.look is not None and desk.may(Permission.PICTURES),
    )
