"""Eyes that no network reaches: what people said of each, when that runs out, and a new word by one touch."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from camera_registry import queries, reported
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.i18n import N_
from camera_registry.inventory import Word
from camera_registry.reported import ReportError, Standing
from dashboards import tables
from dashboards.leafing import FromAddress, Wanted, chosen, leaf
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

BUTTONS = {
    Word.WORKING: N_("It works"),
    Word.POOR: N_("It works poorly"),
    Word.NOT_WORKING: N_("It does not work"),
}
LONGEST_NOTE = 2000
ROWS = 50  # of one page

router = APIRouter(prefix="/registry/reported", include_in_schema=False)


@router.get("", dependencies=[may(Permission.VIEW)])
def listed(desk: AtDesk, request: Request, wanted: FromAddress, told: str = "") -> Response:
    """``told`` is the code of the eye on which a word was taken just now."""
    return _page(desk, request, wanted, told=told)


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
            row = queries.eye_in(session, desk.scope, reader.today, eye)
            if row is None:
                raise HTTPException(404)
            days = desk.settings.report_days
            reported.report(
                session, row, word, reader.now, desk.actor, reader.now, days=days, note=note.strip()
            )
    except ReportError as refused:
        return _page(desk, request, Wanted(), refused=refused.text(reader.language))
    return RedirectResponse("/registry/reported?" + urlencode({"told": eye}), 303)


def _page(desk: Desk, request: Request, wanted: Wanted, *, told: str = "", refused: str = "") -> Response:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = reported.standings(session, desk.scope, reader.now, reader.zone)
    columns = _columns(reader)
    found = chosen(rows, columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "reported", columns, found, reader)
    return page(
        request,
        desk,
        "reported.html",
        reader=reader,
        status=409 if refused else 200,
        wanted=wanted,
        columns=tables.titles(columns),
        leaf=leaf(found, lambda row: row.eye, wanted, ROWS),
        registered=len(rows),
        told=told if any(told == each.eye for each in rows) else "",
        refused=refused,
        buttons=BUTTONS,
        days=desk.settings.report_days,
        longest_note=LONGEST_NOTE,
    )


def _columns(reader: Reader) -> Sequence[Column[Standing]]:
    return (
        Column("eye", N_("Eye code"), lambda row: row.eye),
        Column("name", N_("Eye name"), lambda row: row.name),
        Column("point", N_("Point"), lambda row: row.point_name),
        Column("unit", N_("Unit"), lambda row: row.unit),
        Column("word", N_("Report"), lambda row: reader.reported(row.word) if row.word else None),
        Column("at", N_("When"), lambda row: row.at),
        Column("by", N_("By"), lambda row: row.by),
        Column("note", N_("Note"), lambda row: row.note),
        Column("until", N_("Holds until"), lambda row: row.expires_at),
    )
