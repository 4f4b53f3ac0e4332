"""``/reports``: which there are; ``/reports/{kind}``: one as a page and as files, made while one waits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.audit import Action
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import reading as funding
from camera_registry.repairs import proposals
from camera_registry.reports import catalogue
from camera_registry.reports.asked import Asked, to_json
from camera_registry.reports.value import Format, Kind, Report
from camera_registry.units import UnitVersion
from dashboards.asking import OFFERED, About, FromAddress, Wish, is_long
from dashboards.rendering import Reader, page, reader_of
from dashboards.reports import MEDIA_TYPES, draw, file_name
from dashboards.reports.page import shown

AsFormat = Annotated[Format | None, Query(alias="as")]
FORMATS = (Format.PDF, Format.DOCX, Format.XLSX, Format.CSV, Format.JSON, Format.HTML)

router = APIRouter(prefix="/reports", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Choices:
    """What a form offers: units, codes and names of programmes, numbers and titles of letters."""

    units: Sequence[UnitVersion] = ()
    programmes: Sequence[tuple[str, str]] = ()
    proposals: Sequence[tuple[int, str]] = ()


@router.get("", dependencies=[may(Permission.VIEW)])
def show_all(desk: AtDesk, request: Request) -> HTMLResponse:
    """The reports that the reader may make."""
    return page(
        request,
        desk,
        "reports.html",
        reader=reader_of(request, desk),
        offered={kind: each for kind, each in OFFERED.items() if desk.may(each.permission)},
        titles=catalogue.TITLES,
    )


@router.get("/{kind}", dependencies=[may(Permission.VIEW)])
def show(desk: AtDesk, request: Request, kind: Kind, wish: FromAddress, as_: AsFormat = None) -> Response:
    """A report as a page, or as a file; one that takes long is asked for there, and made meanwhile."""
    allowed(desk, kind)
    reader = reader_of(request, desk)
    report, refused, long = None, "", False
    with desk.database.reading() as session:
        wish = at_home(session, desk, reader, kind, wish)
        choices = _choices(session, desk, reader)
        if wish.complete(kind):
            try:
                question = wish.asked(kind, reader)
                long = is_long(question, desk.scope)
                report = None if long else made(session, desk, reader, question)
            except RegistryError as error:
                refused = error.text(reader.language)
    if as_ is not None and report is not None:
        return file_of(desk, reader, question, report, as_)
    return page(
        request,
        desk,
        "report.html",
        reader=reader,
        status=409 if refused else 200,
        kind=kind,
        title=catalogue.TITLES[kind],
        offered=OFFERED[kind],
        wish=wish,
        period=wish.period_of(reader),
        choices=choices,
        everything=desk.scope.unit_ids is None,
        report=report,
        shown=shown(report) if report is not None else None,
        long=long,
        refused=refused,
        formats=FORMATS,
    )


# --- for the pages beside it --------------------------------------------------------------------------


def allowed(desk: Desk, kind: Kind) -> None:
    """Raises 403 where the reader may not have reports of this kind."""
    if not desk.may(OFFERED[kind].permission):
        raise HTTPException(403)


def at_home(session: Session, desk: Desk, reader: Reader, kind: Kind, wish: Wish) -> Wish:
    """Who sees one unit alone means that one."""
    if wish.unit or wish.point or About.UNIT not in OFFERED[kind].fields:
        return wish
    home = queries.home(session, desk.scope, reader.today)
    return replace(wish, unit=home.uid) if home is not None else wish


def made(session: Session, desk: Desk, reader: Reader, question: Asked) -> Report:
    """The report that answers. Raises ``RegistryError``."""
    build = catalogue.build(question.kind)
    report = build(session, desk.scope, question, reader.now, reader.zone, reader.language)
    return replace(report, synthetic=desk.notice is not None)


def file_of(desk: Desk, reader: Reader, question: Asked, report: Report, format: Format) -> Response:
    """The report as a file to keep; that it was taken home stands in the audit."""
    content = draw(report, format)
    with desk.database.transaction() as session:
        audit.record(
            *(session, desk.actor, Action.EXPORTED, f"report:{question.kind}", reader.now),
            detail={"asked": to_json(question), "format": format},
        )
    return Response(
        content,
        media_type=MEDIA_TYPES[format],
        headers={"Content-Disposition": f'attachment; filename="{file_name(report, format)}"'},
    )


# --- how it is done ---------------------------------------------------------------------------------


def _choices(session: Session, desk: Desk, reader: Reader) -> Choices:
    letters = proposals.proposals(session, desk.scope, reader.now, reader.zone)
    return Choices(
        queries.units_of_today(session, desk.scope, reader.today),
        [(row.code, row.name) for row in funding.programmes(session, desk.scope, reader.today)],
        [(row.id, row.title) for row in letters],
    )
