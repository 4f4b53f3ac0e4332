"""A point moves to another unit: what that comes to is shown first, then entered with its paper."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from camera_registry import audit, moving, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import Point
from camera_registry.moving import LONGEST_DOCUMENT, Moved, MoveError
from camera_registry.units import UnitTree
from dashboards.dates import day_of
from dashboards.rendering import Reader, page, reader_of

LONGEST = 300  # characters of a code, or of a unit's name

router = APIRouter(prefix="/registry/move", include_in_schema=False, dependencies=[may(Permission.REGISTER)])


@dataclass(frozen=True, slots=True)
class Asked:
    """The move as it was typed."""

    point: str
    unit: str = ""
    first: str = ""
    document: str = ""
    reason: str = ""


def _asked(
    point: Annotated[str, Form(max_length=LONGEST)],
    unit: Annotated[str, Form(max_length=LONGEST)],
    first: Annotated[str, Form(max_length=20)],
    document: Annotated[str, Form(max_length=2 * LONGEST_DOCUMENT)] = "",
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> Asked:
    return Asked(point, unit, first, document, reason)


AskedByForm = Annotated[Asked, Depends(_asked)]


@router.get("")
def form(desk: AtDesk, request: Request, point: Annotated[str, Query(max_length=LONGEST)]) -> HTMLResponse:
    return _page(desk, request, Asked(point))


@router.post("", dependencies=[FromOwnPage])
def move(
    desk: AtDesk, request: Request, asked: AskedByForm, step: Annotated[Literal["look", "move"], Form()]
) -> HTMLResponse:
    """Show what the move would come to, or make it."""
    reader = reader_of(request, desk)
    try:
        first = day_of(asked.first)
        if first is None:
            raise MoveError(N_("A move begins on a day; none is given."))
        if step == "look":
            with desk.database.reading() as session:
                _known(session, desk, reader, asked.point)
                would = moving.would_move(session, asked.point, asked.unit, first, reader.now, reader.zone)
                _within(session, desk, would)
            return _page(desk, request, asked, would=would)
        reason = audit.reason_of(asked.reason)
        with desk.database.transaction() as session:
            _known(session, desk, reader, asked.point)
            done = moving.move_point(
                *(session, desk.actor, asked.point, asked.unit, first, reader.now, reader.zone),
                document=asked.document,
                reason=reason,
            )
            _within(session, desk, done)
    except RegistryError as refused:
        return _page(desk, request, asked, refused=refused.text(reader.language))
    return _page(desk, request, Asked(asked.point), done=done)


def _known(session: Session, desk: Desk, reader: Reader, code: str) -> Point:
    """The point, if it is in scope; 404 for any other."""
    found = queries.point_in(session, desk.scope, reader.today, code)
    if found is None:
        raise HTTPException(404)
    return found


def _within(session: Session, desk: Desk, moved: Moved) -> None:
    """Nobody moves a point to or from where he does not see it."""
    unseen = moving.unseen(session, desk.scope, moved)
    if unseen is not None:
        raise MoveError(N_("{unit} is not yours to see: somebody who sees both has to move it."), unit=unseen)


def _page(
    desk: Desk,
    request: Request,
    asked: Asked,
    *,
    would: Moved | None = None,
    done: Moved | None = None,
    refused: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    today = reader.today
    with desk.database.reading() as session:
        point = _known(session, desk, reader, asked.point)
        name, (unit, _) = point.name, queries.point_units(session, desk.scope, today)[point.id]
        tree = UnitTree.load(session)
    return page(
        request,
        desk,
        "move.html",
        reader=reader,
        status=409 if refused else 200,
        asked=asked,
        name=name,
        unit=unit,
        units=sorted({each.name for each in tree.units_of(today) if not tree.children(each.id, today)}),
        would=would,
        done=done,
        refused=refused,
        longest_document=LONGEST_DOCUMENT,
    )
