"""``/reports/kept``: reports made in the background, and those of schedules: how far, and their files."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialError, CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.reports import catalogue, jobs
from camera_registry.reports.asked import period_words
from camera_registry.reports.jobs import JobError, Made
from camera_registry.reports.owners import OwnerError
from camera_registry.reports.value import Format, Kind
from dashboards import tables
from dashboards.asking import OFFERED, FromAddress
from dashboards.leafing import FromAddress as FromList
from dashboards.leafing import chosen, leaf
from dashboards.pages.reports import allowed
from dashboards.rendering import Reader, page, reader_of
from dashboards.reports import MEDIA_TYPES
from dashboards.tables import Column

ROWS = 50  # of one page

router = APIRouter(prefix="/reports/kept", include_in_schema=False)


@router.get("", dependencies=[may(Permission.VIEW)])
def show_all(desk: AtDesk, request: Request, wanted: FromList) -> Response:
    """Those that the reader may see, the newest first."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        rows = jobs.made(session, desk.scope, reader.today)
    columns = _columns(reader)
    found = chosen([row for row in rows if desk.may(OFFERED[row.kind].permission)], columns, wanted)
    return page(
        request,
        desk,
        "reports_kept.html",
        reader=reader,
        revision=revision,
        wanted=wanted,
        columns=tables.titles(columns),
        leaf=leaf(found, lambda row: str(row.id), wanted, ROWS),
        **_words(reader),
    )


@router.post("", dependencies=[may(Permission.VIEW), FromOwnPage])
def ask(
    desk: AtDesk,
    request: Request,
    wish: FromAddress,
    kind: Annotated[Kind, Query()],
    format: Annotated[Format, Form()],
) -> Response:
    """Have one made. What it is about stands in the address."""
    allowed(desk, kind)
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            number = jobs.ask(
                *(session, desk.scope, desk.actor, wish.asked(kind, reader), format),
                *(reader.language, reader.now, reader.today),
            )
    except OwnerError:
        raise HTTPException(404) from None
    except RegistryError as refused:
        raise HTTPException(409, refused.message) from None
    return RedirectResponse(f"/reports/kept/{number}", 303)


@router.get("/{number}", dependencies=[may(Permission.VIEW)])
def show(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    """How far it is; its file, once it is made."""
    return _one(desk, request, number)


@router.post("/{number}/cancel", dependencies=[may(Permission.VIEW), FromOwnPage])
def cancel(desk: AtDesk, request: Request, number: Number) -> Response:
    """It is not made any more. One's own; those of others and of schedules are for who manages schedules."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            _known(session, desk, reader, number)
            jobs.cancel(
                *(session, desk.scope, desk.actor, reader.now, reader.today, number),
                any_=desk.may(Permission.ALERTS),
            )
    except JobError as refused:
        return _one(desk, request, number, refused=refused.text(reader.language))
    return RedirectResponse(f"/reports/kept/{number}", 303)


@router.post("/{number}/again", dependencies=[may(Permission.ALERTS), FromOwnPage])
def ask_again(desk: AtDesk, request: Request, number: Number) -> Response:
    """Have one of a schedule made that was cancelled, or could not be made."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            _known(session, desk, reader, number)
            again = jobs.ask_again(session, desk.scope, desk.actor, reader.now, reader.today, number)
    except JobError as refused:
        return _one(desk, request, number, refused=refused.text(reader.language))
    return RedirectResponse(f"/reports/kept/{again}", 303)


@router.get("/{number}/file", dependencies=[may(Permission.VIEW)])
def file(desk: AtDesk, request: Request, number: Number) -> Response:
    """The file; that it was opened is written down."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            _known(session, desk, reader, number)
            found = jobs.open_file(
                *(session, CredentialStore(desk.settings), desk.scope, desk.actor, reader.now),
                *(reader.today, number),
            )
    except JobError:
        raise HTTPException(404) from None
    except CredentialError as sealed:
        raise HTTPException(503, sealed.message) from None
    return Response(
        found.content,
        media_type=MEDIA_TYPES[found.format],
        headers={"Content-Disposition": f'attachment; filename="{found.name}"'},
    )


def _known(session: Session, desk: Desk, reader: Reader, number: int) -> Made:
    """What the reader may not see is not there."""
    found = jobs.one(session, desk.scope, reader.today, number)
    if found is None or not desk.may(OFFERED[found.kind].permission):
        raise HTTPException(404)
    return found


def _one(desk: Desk, request: Request, number: int, *, refused: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        found = _known(session, desk, reader, number)
    return page(
        request,
        desk,
        "report_kept.html",
        reader=reader,
        status=409 if refused else 200,
        address=f"/reports/kept/{number}",
        revision=revision,
        job=found,
        may_cancel=found.is_of(desk.actor) or desk.may(Permission.ALERTS),
        refused=refused,
        **_words(reader),
    )


def _words(reader: Reader) -> dict[str, Any]:
    return {
        "titles": catalogue.TITLES,
        "states": jobs.STATES,
        "period": lambda asked: period_words(asked, reader.language),
    }


def _columns(reader: Reader) -> tuple[Column[Made], ...]:
    return (
        Column("kind", N_("Report"), lambda row: reader.say(catalogue.TITLES[row.kind])),
        Column("about", N_("About"), lambda row: row.asked.point or row.asked.programme or row.unit_name),
        Column("made", N_("Asked for"), lambda row: row.made_at),
        Column("by", N_("By"), lambda row: row.made_by),
        Column("state", N_("State"), lambda row: reader.say(jobs.STATES[row.state])),
    )
