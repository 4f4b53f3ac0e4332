"""Eyes that no network reaches: what people said of each, when that runs out, and a new word by one touch."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from camera_registry import queries, reported
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.i18n import N_
from camera_registry.inventory import Word
from camera_registry.reported import ReportError
from dashboards.rendering import page, reader_of

BUTTONS = {
    Word.WORKING: N_("It works"),
    Word.POOR: N_("It works poorly"),
    Word.NOT_WORKING: N_("It does not work"),
}
LONGEST_NOTE = 2000

router = APIRouter(prefix="/registry/reported", include_in_schema=False)


@router.get("", dependencies=[may(Permission.VIEW)])
def listed(desk: AtDesk, request: Request, told: str = "") -> HTMLResponse:
    """``told`` is the code of the eye on which a word was taken just now."""
    return _page(desk, request, told=told)


@router.post("", dependencies=[may(Permission.TELL), FromOwnPage])
def tell(
    desk: AtDesk,
    request: Request,
    eye: Annotated[str, Form(max_length=64)],
    word: Annotated[Word, Form()],
    note: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
) -> Response:
    """Take the word of whoever is signed in, as of now."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            row = queries.eye_in(session, desk.scope, reader.now.astimezone(reader.zone).date(), eye)
            if row is None:
                raise HTTPException(404)
            days = desk.settings.report_days
            reported.report(
                session, row, word, reader.now, desk.actor, reader.now, days=days, note=note.strip()
            )
    except ReportError as refused:
        return _page(desk, request, refused=refused.text(reader.language))
    return RedirectResponse("/registry/reported?" + urlencode({"told": eye}), 303)


def _page(desk: Desk, request: Request, *, told: str = "", refused: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = reported.standings(session, desk.scope, reader.now, reader.zone)
    return page(
        request,
        desk,
        "reported.html",
        reader=reader,
        status=409 if refused else 200,
        eyes=found,
        told=told if any(told == each.eye for each in found) else "",
        refused=refused,
        buttons=BUTTONS,
        days=desk.settings.report_days,
        longest_note=LONGEST_NOTE,
    )
