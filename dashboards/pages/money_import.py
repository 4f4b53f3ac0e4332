"""``/money/import``: entries of the funding ledger out of a spreadsheet; each waits for a second person."""

from base64 import b64encode
from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.api.uploading import MOST_READ, file_of, form_of
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import files, reading
from camera_registry.funding.checks import FundingError
from camera_registry.funding.files import Imported
from camera_registry.i18n import N_
from camera_registry.imports.faults import Problem
from camera_registry.imports.workbook import SPREADSHEETS, open_workbook
from dashboards import tables
from dashboards.rendering import page, reader_of
from dashboards.tables import FileKind

MOST_BYTES = 4 * 1024 * 1024  # ten thousand rows are 1 MB
SHOWN = 200  # wrong cells; the marked copy has all
COPY = "funding-ledger-marked"

router = APIRouter(prefix="/money/import", include_in_schema=False)


@router.get("", dependencies=[may(Permission.MONEY)])
def choose(desk: AtDesk, request: Request) -> HTMLResponse:
    """The form to send a file."""
    return _page(desk, request)


@router.get("/template.xlsx", dependencies=[may(Permission.MONEY)])
def template(desk: AtDesk, request: Request) -> Response:
    """The empty workbook to fill in, in the reader's language."""
    reader = reader_of(request, desk)
    return tables.download(FileKind.XLSX, "funding-ledger", files.template(reader.language), reader)


@router.post("", dependencies=[may(Permission.MONEY), FromOwnPage], max_body_size=MOST_READ * MOST_BYTES)
async def send(desk: AtDesk, request: Request) -> Response:
    """Enter all of a file, or nothing: then say which cells are wrong, or give the file back marked."""
    form = None
    try:
        form = await form_of(request, MOST_BYTES)
        name, data = await file_of(form, "file")
        marked = form.get("step") == "marked"
    except HTTPException as error:
        if error.status_code != 413:
            raise
        text = N_("The file is larger than {limit} MB.")
        refused = reader_of(request, desk).say(text, limit=MOST_BYTES >> 20)
        return await run_in_threadpool(_page, desk, request, refused=refused, status=413)
    finally:
        if form is not None:
            await form.close()
    return await run_in_threadpool(_take, desk, request, name, data, marked=marked)


def _take(desk: Desk, request: Request, name: str, data: bytes, *, marked: bool) -> Response:
    """``marked``: nothing is entered, and the answer is the file with what is wrong in it marked."""
    reader = reader_of(request, desk)
    try:
        if not data:
            raise FundingError(N_("The file is empty."))
        sheets = open_workbook(data, name)
        with desk.database.transaction() as session, session.begin_nested() as looked:
            done = files.import_ledger(session, desk.actor, desk.scope, sheets, name, reader.now, reader.zone)
            if marked:
                looked.rollback()
    except RegistryError as refused:
        return _page(desk, request, refused=refused.text(reader.language), status=409)
    if marked:
        copy = files.marked(data, name, sheets, done.problems)
        return tables.download(FileKind.XLSX, COPY, copy, reader)
    if done.problems:
        copy = files.marked(data, name, sheets, done.problems)
        return _page(desk, request, problems=done.problems, copy=copy, status=409)
    return _page(desk, request, done=done)


def _page(
    desk: Desk,
    request: Request,
    *,
    refused: str = "",
    problems: Sequence[Problem] = (),
    copy: bytes = b"",
    done: Imported | None = None,
    status: int = 200,
) -> HTMLResponse:
    """``copy`` is the file with its wrong cells marked. It goes with the page, for nothing of it is kept."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        waiting = reading.waiting_count(session, desk.scope, reader.today)
    return page(
        request,
        desk,
        "money_import.html",
        reader=reader,
        status=status,
        address="/money/import",
        waiting=waiting,
        refused=refused,
        problems=problems,
        shown=SHOWN,
        copy=f"data:{tables.MEDIA_TYPES[FileKind.XLSX]};base64,{b64encode(copy).decode()}",
        copy_name=f"{COPY}-{reader.today:%Y-%m-%d}.{FileKind.XLSX}",
        done=done,
        most_mb=MOST_BYTES >> 20,
        kinds=", ".join((".csv", *SPREADSHEETS)),
    )
