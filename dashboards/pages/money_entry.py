"""``/money/entries/{number}``: one entry of the ledger: its shares, its papers; decided on, or reversed."""

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import documents, entries, reading, words
from camera_registry.funding.documents import About
from dashboards.rendering import Reader, page, reader_of

Reason = Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)]

router = APIRouter(prefix="/money/entries", include_in_schema=False)


@router.get("/{number}", dependencies=[may(Permission.FUNDING)])
def entry(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    """As far as it may be seen."""
    return shown(desk, request, number)


@router.post("/{number}/approve", dependencies=[may(Permission.APPROVE), FromOwnPage])
def approve(desk: AtDesk, request: Request, number: Number) -> Response:
    """It counts from now on."""

    def deed(session: Session, reader: Reader) -> int:
        entries.approve(session, desk.actor, desk.scope, number, reader.now, reader.zone)
        return number

    return _do(desk, request, number, deed)


@router.post("/{number}/refuse", dependencies=[may(Permission.APPROVE), FromOwnPage])
def refuse(desk: AtDesk, request: Request, number: Number, reason: Reason = "") -> Response:
    """It never counts."""

    def deed(session: Session, reader: Reader) -> int:
        entries.refuse(session, desk.actor, desk.scope, number, reader.now, reader.zone, reason=reason)
        return number

    return _do(desk, request, number, deed, reason)


@router.post("/{number}/reverse", dependencies=[may(Permission.MONEY), FromOwnPage])
def reverse(desk: AtDesk, request: Request, number: Number, reason: Reason = "") -> Response:
    """An entry that takes it back waits for approval: that one is shown."""

    def deed(session: Session, reader: Reader) -> int:
        return entries.reverse(
            session, desk.actor, desk.scope, number, reader.now, reader.zone, reason=reason
        )

    return _do(desk, request, number, deed, reason)


def _do(
    desk: Desk, request: Request, number: int, deed: Callable[[Session, Reader], int], reason: str = ""
) -> Response:
    """Do it, and show the entry that it made or changed; or say why it cannot be."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            told = deed(session, reader)
    except RegistryError as refused:
        return shown(desk, request, number, refused=refused.text(reader.language), reason=reason)
    return RedirectResponse(f"/money/entries/{told}", 303)


def shown(desk: Desk, request: Request, number: int, *, refused: str = "", reason: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = reading.entry(session, desk.scope, reader.today, number)
        if found is None:
            raise HTTPException(404)
        papers = documents.documents(session, desk.scope, reader.today, About(entry=number))
    return page(
        request,
        desk,
        "money_entry.html",
        reader=reader,
        status=409 if refused else 200,
        address=f"/money/entries/{number}",
        entry=found,
        papers=papers,
        actor=desk.actor.name,
        refused=refused,
        reason=reason,
        words=words,
    )
