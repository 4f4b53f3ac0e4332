"""What people find of pictures: a queue of eyes to be graded, those never graded first."""

from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from camera_registry import grades, queries
from camera_registry.api.desk import AtDesk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.grades import Grade, Graded
from camera_registry.i18n import N_
from dashboards import tables
from dashboards.leafing import FromAddress, chosen, leaf
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

AT_ONCE = 30
LONGEST_NOTE = 2000

router = APIRouter(include_in_schema=False)


@router.get("/registry/grades", dependencies=[may(Permission.TELL)])
def listed(desk: AtDesk, request: Request, wanted: FromAddress, done: str = "", show: str = "") -> Response:
    """The queue: who is graded moves to its end. ``show`` is the eye whose picture is wanted."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = grades.queue(session, desk.scope, reader.now, reader.zone)
    columns = _columns(reader)
    found = chosen(rows, columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "grades", columns, found, reader)
    return page(
        request,
        desk,
        "grades.html",
        reader=reader,
        wanted=wanted,
        columns=tables.titles(columns),
        leaf=leaf(found, lambda row: row.eye, wanted, AT_ONCE),
        count=len(rows),
        never=sum(each.grade is None for each in rows),
        done=done if any(done == each.eye for each in rows) else "",
        show=show,
        looks=desk.look is not None and desk.may(Permission.PICTURES),
    )


@router.post("/eyes/{code:path}/grade", dependencies=[may(Permission.TELL), FromOwnPage])
def give(
    desk: AtDesk,
    request: Request,
    code: str,
    grade: Annotated[Grade, Form()],
    note: Annotated[str, Form(max_length=LONGEST_NOTE)] = "",
    back: Annotated[Literal["queue", "eye"], Form()] = "eye",
) -> Response:
    """Grade the picture of an eye; ``back`` is the page that it was done from."""
    reader = reader_of(request, desk)
    with desk.database.transaction() as session:
        row = queries.eye_in(session, desk.scope, reader.today, code)
        if row is None:
            raise HTTPException(404)
        grades.grade_picture(session, row, grade, desk.actor, reader.now, note.strip())
    if back == "eye":
        return RedirectResponse(f"/eyes/{quote(code, safe='')}", 303)
    return RedirectResponse("/registry/grades?" + urlencode({"done": code}), 303)


def _columns(reader: Reader) -> Sequence[Column[Graded]]:
    return (
        Column("eye", N_("Eye code"), lambda row: row.eye),
        Column("name", N_("Eye name"), lambda row: row.name),
        Column("point", N_("Point"), lambda row: row.point_name),
        Column("unit", N_("Unit"), lambda row: row.unit),
        Column("state", N_("State"), lambda row: reader.standing(row.state)),
        Column("grade", N_("Grade"), lambda row: reader.grade(row.grade) if row.grade else None),
        Column("at", N_("When"), lambda row: row.at),
        Column("by", N_("By"), lambda row: row.by),
    )
