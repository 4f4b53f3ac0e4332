"""Devices that are not what they were: another serial number answers, and a person says if that is right."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from camera_registry import facts, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.facts import FactsError
from dashboards.rendering import page, reader_of

router = APIRouter(prefix="/registry/devices", include_in_schema=False)


@router.get("", dependencies=[may(Permission.REGISTER)])
def listed(desk: AtDesk, request: Request, done: str = "") -> HTMLResponse:
    """``done`` is the code of the device that was confirmed just now."""
    return _page(desk, request, done=done)


@router.post("/confirm", dependencies=[may(Permission.REGISTER), FromOwnPage])
def confirm(desk: AtDesk, request: Request, device: Annotated[str, Form(max_length=64)]) -> Response:
    """The device that answers now is the right one: its eyes are asked again."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            row = queries.device_in(session, desk.scope, reader.now.astimezone(reader.zone).date(), device)
            if row is None:
                raise HTTPException(404)
            facts.confirm_device(session, row, desk.actor, reader.now)
    except FactsError as refused:
        return _page(desk, request, refused=refused.text(reader.language))
    return RedirectResponse("/registry/devices?" + urlencode({"done": device}), 303)


def _page(desk: Desk, request: Request, *, done: str = "", refused: str = "") -> HTMLResponse:
    """Of ``done``, which stands in the address, only a device that somebody has confirmed is told."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        day = reader.now.astimezone(reader.zone).date()
        found = facts.waiting(session, desk.scope, day)
        device = queries.device_in(session, desk.scope, day, done) if done else None
        confirmed = device is not None and facts.confirmed(session, device)
    return page(
        request,
        desk,
        "devices.html",
        reader=reader,
        status=409 if refused else 200,
        changed=found,
        done=done if confirmed else "",
        refused=refused,
    )
