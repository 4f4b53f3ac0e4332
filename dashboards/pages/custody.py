"""Who has a point and who pays for it: those that nobody was handed, those in custody, the history of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from camera_registry import audit, custody
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.custody import (
    LONGEST_DOCUMENT,
    LONGEST_NAME,
    LONGEST_PHONE,
    WHY_TEXTS,
    Custody,
    CustodyError,
    Waiting,
)
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from dashboards import tables
from dashboards.dates import day_of
from dashboards.leafing import FromAddress, Wanted, chosen, leaf
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

ROWS = 100  # of one page
MOST_POINTS = 500  # handed over at once
LONGEST_CODE = 200

Code = Annotated[str, Query(max_length=LONGEST_CODE)]
Points = Annotated[list[str] | None, Query(alias="point", max_length=MOST_POINTS)]
Text = Annotated[str, Form(max_length=2 * LONGEST_NAME)]
Day = Annotated[str, Form(max_length=20)]
Reason = Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)]

router = APIRouter(prefix="/registry/custody", include_in_schema=False)


QUEUE: Sequence[Column[Waiting]] = (
    Column("point", N_("Point code"), lambda row: row.point),
    Column("name", N_("Point"), lambda row: row.point_name),
    Column("unit", N_("Unit"), lambda row: row.unit),
    Column("eyes", N_("Eyes"), lambda row: row.eyes),
    Column("since", N_("Since"), lambda row: row.since),
    Column("manager", N_("Managed by"), lambda row: row.manager),
)
PRESENT: Sequence[Column[Custody]] = (
    Column("point", N_("Point code"), lambda row: row.point),
    Column("name", N_("Point"), lambda row: row.point_name),
    Column("manager", N_("Managed by"), lambda row: row.manager),
    Column("phone", N_("Phone of the office"), lambda row: row.phone),
    Column("first", N_("From"), lambda row: row.first),
    Column("last", N_("To"), lambda row: row.last),
    Column("electricity", N_("Pays electricity"), lambda row: row.electricity),
    Column("internet", N_("Pays Internet"), lambda row: row.internet),
    Column("handed_over_on", N_("Handed over on"), lambda row: row.handed_over_on),
    Column("document", N_("Document"), lambda row: row.document),
)

Row = TypeVar("Row", Waiting, Custody)


@dataclass(frozen=True, slots=True)
class Told:
    """What was typed of a new custody."""

    manager: str = ""
    first: str = ""
    last: str = ""
    electricity: str = ""
    internet: str = ""
    handed_over_on: str = ""
    document: str = ""
    phone: str = ""
    reason: str = ""


def _told(
    manager: Text = "",
    first: Day = "",
    last: Day = "",
    electricity: Text = "",
    internet: Text = "",
    handed_over_on: Day = "",
    document: Annotated[str, Form(max_length=2 * LONGEST_DOCUMENT)] = "",
    phone: Annotated[str, Form(max_length=2 * LONGEST_PHONE)] = "",
    reason: Reason = "",
) -> Told:
    return Told(manager, first, last, electricity, internet, handed_over_on, document, phone, reason)


@router.get("", dependencies=[may(Permission.VIEW)])
def queue(desk: AtDesk, request: Request, wanted: FromAddress) -> Response:
    """The points that nobody was handed, the longest first."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = custody.queue(session, desk.scope, reader.today, reader.zone)
    why: Column[Waiting] = Column("why", N_("Why"), lambda row: reader.say(WHY_TEXTS[row.why]))
    return _listed(desk, request, rows, (*QUEUE, why), wanted)


@router.get("/present", dependencies=[may(Permission.VIEW)])
def present(desk: AtDesk, request: Request, wanted: FromAddress) -> Response:
    """The custodies of today, by point."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = custody.present(session, desk.scope, reader.today)
    return _listed(desk, request, rows, PRESENT, wanted)


@router.get("/history", dependencies=[may(Permission.VIEW)])
def history(desk: AtDesk, request: Request, point: Code) -> HTMLResponse:
    """Who had one point, and who has it."""
    return _history(desk, request, point)


@router.get("/enter", dependencies=[may(Permission.MONEY)])
def form(desk: AtDesk, request: Request, point: Points = None) -> HTMLResponse:
    """The form to hand over these points together."""
    return _form(desk, request, point or [], Told())


@router.post("/enter", dependencies=[may(Permission.MONEY), FromOwnPage])
def enter(
    desk: AtDesk,
    request: Request,
    told: Annotated[Told, Depends(_told)],
    point: Annotated[list[str] | None, Form(max_length=MOST_POINTS)] = None,
) -> HTMLResponse:
    """Hand over every one of the points, or none."""
    reader, points = reader_of(request, desk), list(dict.fromkeys(point or ()))
    try:
        first = day_of(told.first)
        if first is None:
            raise CustodyError(N_("A custody begins on a day; none is given."))
        reason = audit.reason_of(told.reason)
        with desk.database.transaction() as session:
            for code in points:
                _known(session, desk, reader, code)
                custody.set_custody(
                    *(session, desk.actor, code, told.manager, first, reader.now, reader.zone),
                    last=day_of(told.last),
                    electricity=told.electricity,
                    internet=told.internet,
                    handed_over_on=day_of(told.handed_over_on),
                    document=told.document,
                    phone=told.phone,
                    reason=reason,
                )
    except RegistryError as refused:
        return _form(desk, request, points, told, refused=refused.text(reader.language))
    said = reader.many(
        "{count} point is in the custody of {manager} from {day} on.",
        "{count} points are in the custody of {manager} from {day} on.",
        len(points),
        manager=told.manager,
        day=reader.day(first),
    )
    if len(points) == 1:
        return _history(desk, request, points[0], done=said)
    return page(request, desk, "custody_done.html", reader=reader, done=said, points=points)


@router.post("/end", dependencies=[may(Permission.MONEY), FromOwnPage])
def end(
    desk: AtDesk,
    request: Request,
    point: Annotated[str, Form(max_length=LONGEST_CODE)],
    last: Day,
    reason: Reason = "",
) -> HTMLResponse:
    """A custody ends, and nobody follows."""
    reader = reader_of(request, desk)
    try:
        day = day_of(last)
        if day is None:
            raise CustodyError(N_("A custody ends on a day; none is given."))
        with desk.database.transaction() as session:
            _known(session, desk, reader, point)
            ended = custody.end_custody(
                *(session, desk.actor, point, day, reader.now, reader.zone), reason=reason
            )
    except RegistryError as refused:
        return _history(desk, request, point, refused=refused.text(reader.language))
    done = N_("The custody of {manager} ends on {day}; the point waits to be handed over.")
    said = reader.say(done, manager=ended.manager, day=reader.day(day))
    return _history(desk, request, point, done=said)


def _known(session: Session, desk: Desk, reader: Reader, code: str) -> list[Custody]:
    """The history of a point in scope; 404 for any other."""
    found = custody.history(session, desk.scope, reader.today, code)
    if found is None:
        raise HTTPException(404)
    return found


def _listed(
    desk: Desk,
    request: Request,
    rows: Sequence[Row],
    columns: Sequence[Column[Row]],
    wanted: Wanted,
) -> Response:
    reader = reader_of(request, desk)
    found = chosen(rows, columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "custody", columns, found, reader)
    return page(
        request,
        desk,
        "custody.html",
        reader=reader,
        path=request.url.path,
        wanted=wanted,
        columns=tables.titles(columns),
        leaf=leaf(found, lambda row: row.point, wanted, ROWS),
        why=WHY_TEXTS,
    )


def _form(
    desk: Desk, request: Request, codes: Sequence[str], told: Told, *, refused: str = ""
) -> HTMLResponse:
    reader = reader_of(request, desk)
    today = reader.today
    with desk.database.reading() as session:
        points = {code: _lasting(_known(session, desk, reader, code), today) for code in codes}
    return page(
        request,
        desk,
        "custody_enter.html",
        reader=reader,
        status=409 if refused else 200,
        points=points,
        told=told,
        refused=refused,
        longest_name=LONGEST_NAME,
        longest_document=LONGEST_DOCUMENT,
        longest_phone=LONGEST_PHONE,
    )


def _lasting(rows: Sequence[Custody], day: date) -> Custody | None:
    return next((row for row in rows if row.lasts_on(day)), None)


def _history(desk: Desk, request: Request, point: str, *, done: str = "", refused: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = _known(session, desk, reader, point)
    today = reader.today
    return page(
        request,
        desk,
        "custody_history.html",
        reader=reader,
        status=409 if refused else 200,
        point=point,
        rows=list(reversed(rows)),
        now=_lasting(rows, today),
        done=done,
        refused=refused,
        today=today,
    )
