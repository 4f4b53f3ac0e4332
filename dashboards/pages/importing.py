"""An inventory imported on screen: a file sent, looked at cell by cell, and written when a person says so."""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select
from starlette.datastructures import FormData, UploadFile

from camera_registry import audit, exports, models
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.api.uploading import MOST_READ, file_of, form_of
from camera_registry.api.whole_city import WholeCity
from camera_registry.audit import ReasonError
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.imports.columns import BY_FIELD, COLUMNS
from camera_registry.imports.difference import LEFT_OFF, MOVED, Cell, Kind, Line, listed
from camera_registry.imports.faults import Fault
from camera_registry.imports.plan import Options
from camera_registry.imports.uploads import MOST_BYTES, Upload, UploadError
from camera_registry.imports.workbook import SPREADSHEETS
from dashboards import tables
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import AsFile, Column

AT_ONCE_S = 2.0  # a ward's file is read by then; for a city's the page shows how far it is
SHOWN = 200  # lines of each kind, and problems: the file and the marked copy have all
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS: Mapping[Kind, str] = {Kind.POINT: N_("Points"), Kind.DEVICE: N_("Devices"), Kind.EYE: N_("Eyes")}

router = APIRouter(
    prefix="/registry/import", include_in_schema=False, dependencies=[may(Permission.REGISTER), WholeCity]
)


@router.get("")
def choose(desk: AtDesk, request: Request) -> HTMLResponse:
    """The form to send a file."""
    return _form(desk, request)


@router.get("/template.xlsx")
def template(desk: AtDesk, request: Request) -> Response:
    """The empty workbook to fill in, in the reader's language."""
    made = exports.template(reader_of(request, desk).language)
    return Response(made, media_type=XLSX, headers=_named("inventory.xlsx"))


@router.post("", dependencies=[FromOwnPage], max_body_size=MOST_READ * MOST_BYTES)
async def send(desk: AtDesk, request: Request) -> Response:
    """Take a file, and look at it."""
    reader = reader_of(request, desk)
    form: FormData | None = None
    try:
        form = await form_of(request, MOST_BYTES)
        name, data = await file_of(form, "file")
        upload = desk.uploads.take(_user(desk), name, data, _options(form, reader), reader.now)
        await _a_while(desk.uploads.look(upload, desk.database, reader.now))
    except HTTPException as error:
        if error.status_code != 413:
            raise
        text = N_("The file is larger than {limit} MB.")
        return _form(desk, request, refused=reader.say(text, limit=MOST_BYTES // 1024 // 1024), status=413)
    except UploadError as refused:
        return _form(desk, request, refused=refused.text(reader.language), status=409)
    finally:
        if form is not None:
            await form.close()
    return _to(upload)


@router.get("/{key}")
def show(desk: AtDesk, request: Request, key: str, as_: AsFile = None) -> Response:
    """How far the file is: being read, wrong, ready to be written, written; or all that it would change."""
    upload = _upload(desk, key)
    if as_ and upload.preview is not None and upload.preview.difference is not None:
        reader = reader_of(request, desk)
        rows = [(line, cell) for line in upload.preview.difference.lines for cell in line.cells]
        return tables.export(desk, request, as_, "import-preview", _columns(reader), rows, reader)
    return _shown(desk, request, upload)


@router.get("/{key}/marked.xlsx")
def marked(desk: AtDesk, key: str) -> Response:
    """The file again with its wrong cells marked, passwords left out."""
    upload = _upload(desk, key)
    if upload.preview is None or not upload.preview.marked:
        raise HTTPException(404)
    name = f"{upload.name.rpartition('.')[0] or 'inventory'}-errors.xlsx"
    return Response(upload.preview.marked, media_type=XLSX, headers=_named(name))


@router.post("/{key}/mapping", dependencies=[FromOwnPage])
async def map_columns(
    desk: AtDesk,
    key: str,
    header: Annotated[list[str], Form(max_length=2000)],
    field: Annotated[list[str], Form(max_length=2000)],
) -> Response:
    """Read columns otherwise, and look again."""
    upload = _upload(desk, key)
    known = {heading.text: heading.field for heading in upload.preview.headings} if upload.preview else {}
    said = dict(zip(header, field, strict=False))
    changed = {text: name for text, name in said.items() if text in known and known[text] != name}
    with suppress(UploadError):  # it is being read: the page shows it
        if any(name and name not in BY_FIELD for name in changed.values()):
            raise HTTPException(422)
        upload.mapping = {**upload.mapping, **changed}
        await _a_while(desk.uploads.look(upload, desk.database, desk.now()))
    return _to(upload)


@router.post("/{key}/day", dependencies=[FromOwnPage])
async def read_as_on(desk: AtDesk, key: str, units_on: Annotated[date, Form()]) -> Response:
    """Read the units that the file names as those of a day, and look again."""
    upload = _upload(desk, key)
    with suppress(UploadError):  # it is being read: the page shows it
        upload.options = replace(upload.options, units_on=units_on)
        await _a_while(desk.uploads.look(upload, desk.database, desk.now()))
    return _to(upload)


@router.post("/{key}/apply", dependencies=[FromOwnPage])
async def apply(
    desk: AtDesk,
    request: Request,
    key: str,
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> Response:
    """Write what the preview showed, and nothing else."""
    upload = _upload(desk, key)
    try:
        why = audit.reason_of(reason)
    except ReasonError as refused:
        return await run_in_threadpool(_shown, desk, request, upload, refused=refused)
    with suppress(UploadError):
        store = CredentialStore(desk.settings)
        await _a_while(desk.uploads.write(upload, desk.database, store, desk.actor, desk.now(), reason=why))
    return _to(upload)


@router.post("/{key}/drop", dependencies=[FromOwnPage])
def drop(desk: AtDesk, key: str) -> Response:
    """Forget the file."""
    desk.uploads.drop(_upload(desk, key))
    return RedirectResponse("/registry/import", 303)


def label(name: str, reader: Reader) -> str:
    """What a field of an inventory is called."""
    column = BY_FIELD[name]
    return (column.vi if reader.language == "vi" else column.en).removesuffix(" *")


def cell_text(name: str, value: Any, reader: Reader) -> str:
    """A value of an inventory as people read it; nothing is a dash."""
    if value is None or value == "":
        return "–"
    if isinstance(value, datetime):
        return reader.day(value.astimezone(reader.zone).date())
    if isinstance(value, date):
        return reader.day(value)
    told = exports.shown(name, value, reader.language)
    return reader.number(told) if isinstance(told, float) else str(told)


def _columns(reader: Reader) -> Sequence[Column[tuple[Line, Cell]]]:
    """Of the file of a preview: a row for each value that would change."""

    def text(cell: Cell, value: Any) -> str:
        return "" if value in (None, "") else cell_text(cell.field, value, reader)

    return (
        Column("kind", N_("Kind"), lambda row: reader.kind(row[0].kind)),
        Column("code", N_("Code"), lambda row: row[0].code),
        Column("new", N_("New"), lambda row: reader.say(N_("yes") if row[0].new else N_("no"))),
        Column("field", N_("Field"), lambda row: label(row[1].field, reader)),
        Column("before", N_("Before the import"), lambda row: text(row[1], row[1].before)),
        Column("after", N_("After the import"), lambda row: text(row[1], row[1].after)),
        Column("sheet", N_("Sheet"), lambda row: row[0].sheet),
        Column("row", N_("Row"), lambda row: row[0].row),
    )


def _key_cells(cells: Sequence[Cell]) -> list[Cell]:
    """Of a new thing, what tells it from others."""
    wanted = ("point_name", "unit", "eye_name", "manufacturer", "host", "channel", "path", "reach")
    return [cell for name in wanted for cell in cells if cell.field == name and cell.after not in (None, "")]


def _shown(
    desk: Desk, request: Request, upload: Upload, *, refused: RegistryError | None = None
) -> HTMLResponse:
    reader = reader_of(request, desk)
    return page(
        request,
        desk,
        "import_preview.html",
        reader=reader,
        status=409 if refused else 200,
        mended=refused.text(reader.language) if refused else "",
        upload=upload,
        preview=upload.preview,
        kinds=KINDS,
        shown=SHOWN,
        moved=MOVED,
        of_another_day=upload.preview is not None
        and any(problem.code is Fault.UNIT_NOT_VALID for problem in upload.preview.problems),
        left_off=LEFT_OFF,
        listed=listed,
        fields={column.field: label(column.field, reader) for column in COLUMNS},
        cell=lambda name, value: cell_text(name, value, reader),
        key_cells=_key_cells,
        refused=upload.refused.text(reader.language) if upload.refused else "",
    )


def _form(desk: Desk, request: Request, *, refused: str = "", status: int = 200) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        sites = session.scalars(select(models.Site.code).order_by(models.Site.code)).all()
    return page(
        request,
        desk,
        "import.html",
        reader=reader,
        status=status,
        refused=refused,
        sites=sites,
        today=reader.today,
        most_mb=MOST_BYTES // 1024 // 1024,
        kinds=", ".join((".csv", *SPREADSHEETS)),
    )


def _options(form: FormData, reader: Reader) -> Options:
    """How the file is to be read, as the form says. Raises ``UploadError``."""

    def said(name: str) -> str:
        value = form.get(name)
        return "" if value is None or isinstance(value, UploadFile) else value.strip()[:200]

    try:
        day = date.fromisoformat(said("units_on")) if said("units_on") else None
    except ValueError:
        raise UploadError(N_('"{text}" is no day.'), text=said("units_on")) from None
    return Options(
        units_on=day or reader.today,
        zone=reader.zone,
        site=said("site") or None,
        unit=said("unit") or None,
        prefix=said("prefix") or "YB",
    )


def _upload(desk: Desk, key: str) -> Upload:
    upload = desk.uploads.of(_user(desk), key, desk.now())
    if upload is None:
        raise HTTPException(404)
    return upload


def _user(desk: Desk) -> int:
    assert desk.identity is not None
    return desk.identity.user_id


async def _a_while(work: "Future[None]") -> None:
    """Wait a little for the work: what is done by then is shown at once."""
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.shield(asyncio.wrap_future(work)), AT_ONCE_S)


def _to(upload: Upload) -> Response:
    return RedirectResponse(f"/registry/import/{upload.key}", 303)


def _named(name: str) -> Mapping[str, str]:
    safe = "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-_.") else "_" for letter in name
    )
    return {"Content-Disposition": f'attachment; filename="{safe}"', "Cache-Control": "no-store"}
