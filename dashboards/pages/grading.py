"""What people find of pictures: a queue of eyes to be graded, those never graded first."""

from typing import Annotated, Literal
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from camera_registry import grades, queries
from camera_registry.api.desk import AtDesk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.grades import Grade
from dashboards.rendering import page, reader_of

AT_ONCE = 30
LONGEST_NOTE = 2000

router = APIRouter(include_in_schema=False)


@router.get("/registry/grades", dependencies=[may(Permission.TELL)])
def listed(desk: AtDesk, request: Request, done: str = "", show: str = "") -> HTMLResponse:
    """The first of the queue: who is graded moves to its end. ``show`` is the eye whose picture is wanted."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = grades.queue(session, desk.scope, reader.now, reader.zone)
    return page(
        request,
        desk,
        "grades.html",
        reader=reader,
        eyes=found[:AT_ONCE],
        count=len(found),
        never=sum(each.grade is None for each in found),
        done=done if any(done == each.eye for each in found) else "",
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
        row = queries.eye_in(session, desk.scope, reader.now.astimezone(reader.zone).date(), code)
        if row is None:
            raise HTTPException(404)
        grades.grade_picture(session, row, grade, desk.actor, reader.now, note.strip())
    if back == "eye":
        return RedirectResponse(f"/eyes/{quote(code, safe='')}", 303)
    return RedirectResponse("/registry/grades?" + urlencode({"done": code}), 303)
