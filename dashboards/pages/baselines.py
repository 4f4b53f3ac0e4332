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
from dashboards import tables
from dashboards.leafing import LONGEST_CONDITION, FromAddress, Wanted, chosen
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column
from probes.result import Mode

router = APIRouter(include_in_schema=False)

Decision = Literal["approve", "reject"]
DONE = {
    "approve": N_('The baseline of the eye "{code}" is approved.'),
    "reject": N_('The baseline of the eye "{code}" is rejected.'),
    "undo": N_('The baseline of the eye "{code}" waits again.'),
}
EVERYTHING = Wanted()
LISTED = 12  # of those that come next, beside the one that is decided on

Code = Annotated[str, Form(max_length=64)]


@router.get("/baselines", dependencies=[may(Permission.REGISTER)])
def waiting(
    desk: AtDesk,
    request: Request,
    wanted: FromAddress,
    at: str = "",
    show: bool = False,
    done: str = "",
    was: str = "",
) -> Response:
    """``at`` (``eye/mode``) is the one decided on, or else the first; ``show`` its live picture.

    ``done`` and ``was`` say what was decided just now, of which: it can be taken back.
    """
    if wanted.as_:
        reader = reader_of(request, desk)
        columns = _columns(reader)
        with desk.database.reading() as session:
            rows = chosen(baselines.waiting(session, desk.scope, reader.today), columns, wanted)
        return tables.export(desk, request, wanted.as_, "baselines", columns, rows, reader)
    return _page(request, desk, at=at, show=show, done=done, was=was, wanted=wanted)


@router.post("/baselines", dependencies=[may(Permission.REGISTER), FromOwnPage])
def decide(
    desk: AtDesk,
    request: Request,
    eye: Code,
    mode: Annotated[Mode, Form()],
    decision: Annotated[Decision, Form()],
    q: Annotated[str, Form(max_length=LONGEST_CONDITION)] = "",
    sort: Annotated[str, Form(max_length=LONGEST_CONDITION)] = "",
) -> Response:
    """Approve a baseline, or reject it; then comes the next of those that were looked for."""
    reader, wanted = reader_of(request, desk), Wanted(q=q, sort=sort)
    try:
        with desk.database.transaction() as session:
            day = reader.today
            rows = baselines.waiting(session, desk.scope, day)
            following = _next(chosen(rows, _columns(reader), wanted), eye, mode)
            row = _eye(session, desk, day, eye)
            (baselines.approve if decision == "approve" else baselines.reject)(
                session, row, mode, desk.actor, reader.now
            )
    except BaselineError as refused:
        return _page(request, desk, refused=refused.text(reader.language), wanted=wanted)
    return RedirectResponse(_at(following, decision, f"{eye}/{mode}", wanted), 303)


@router.post("/baselines/undo", dependencies=[may(Permission.REGISTER), FromOwnPage])
def undo(desk: AtDesk, request: Request, eye: Code, mode: Annotated[Mode, Form()]) -> Response:
    """Take one's last decision back."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            row = _eye(session, desk, reader.today, eye)
            baselines.take_back(session, row, mode, desk.actor, reader.now)
    except BaselineError as refused:
        return _page(request, desk, refused=refused.text(reader.language))
    name = f"{eye}/{mode}"
    return RedirectResponse(_at(name, "undo", name, Wanted()), 303)


@router.get("/eyes/{code:path}/live.jpg", dependencies=[may(Permission.PICTURES), FromOwnPage])
def live(desk: AtDesk, request: Request, code: str) -> Response:
    """What the eye shows now, kept nowhere; that somebody looked is written down first."""
    if desk.look is None:
        raise HTTPException(404)
    reader = reader_of(request, desk)
    with desk.database.transaction() as session:
        _eye(session, desk, reader.today, code)
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


def _at(name: str, done: str, was: str, wanted: Wanted) -> str:
    return "/baselines?" + urlencode({"at": name, "done": done, "was": was} | wanted.query)


def _columns(reader: Reader) -> Sequence[Column[Waiting]]:
    return (
        Column("eye", N_("Eye code"), lambda row: row.eye),
        Column("name", N_("Eye name"), lambda row: row.name),
        Column("point", N_("Point"), lambda row: row.point_name),
        Column("mode", N_("Mode"), lambda row: reader.mode(row.mode)),
        Column("samples", N_("Samples"), lambda row: row.samples),
        Column("proposed", N_("Proposed"), lambda row: row.proposed_at),
        Column("brightness", N_("Brightness"), lambda row: round(row.brightness, 1)),
        Column("contrast", N_("Contrast"), lambda row: round(row.contrast, 1)),
        Column("sharpness", N_("Sharpness"), lambda row: round(row.sharpness, 3)),
    )


def _name(each: Waiting) -> str:
    return f"{each.eye}/{each.mode}"


def _page(
    request: Request,
    desk: Desk,
    *,
    at: str = "",
    show: bool = False,
    done: str = "",
    was: str = "",
    refused: str = "",
    wanted: Wanted = EVERYTHING,
) -> HTMLResponse:
    reader = reader_of(request, desk)
    columns = _columns(reader)
    with desk.database.reading() as session:
        rows = baselines.waiting(session, desk.scope, reader.today)
        found = chosen(rows, columns, wanted)
        number = next((n for n, each in enumerate(found) if _name(each) == at), 0)
        one = found[number] if found else None
        newest = queries.measures(session, one.eye).get(one.eye) if one else None
    eye, _, mode = was.rpartition("/")
    return page(
        request,
        desk,
        "baselines.html",
        reader=reader,
        status=409 if refused else 200,
        wanted=wanted,
        columns=tables.titles(columns),
        registered=len(rows),
        waiting=found,
        chosen=one,
        number=number,
        before=_name(found[number - 1]) if number else "",
        after=_name(found[number + 1]) if number + 1 < len(found) else "",
        following=found[number + 1 : number + 1 + LISTED],
        newest=newest if newest is not None and one is not None and newest.mode == one.mode else None,
        show=show,
        done=reader.say(DONE[done], code=eye) if done in DONE and eye else "",
        undo=(eye, mode) if done in ("approve", "reject") and mode in set(Mode) else None,
        refused=refused,
        looks=desk.look is not None and desk.may(Permission.PICTURES),
    )
