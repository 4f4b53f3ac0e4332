"""Devices that are not what they were: another serial number answers, and a person says if that is right."""

from collections.abc import Sequence
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from camera_registry import audit, facts, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.facts import Waiting
from camera_registry.i18n import N_
from dashboards import tables
from dashboards.leafing import FromAddress, Wanted, chosen, leaf
from dashboards.rendering import page, reader_of
from dashboards.tables import Column

ROWS = 50  # of one page

WAITING: Sequence[Column[Waiting]] = (
    Column("device", N_("Device"), lambda row: row.device),
    Column("manufacturer", N_("Manufacturer"), lambda row: row.manufacturer),
    Column("model", N_("Model"), lambda row: row.model),
    Column("point", N_("Point code"), lambda row: row.point),
    Column("point_name", N_("Point"), lambda row: row.point_name),
    Column("before", N_("Registered"), lambda row: row.before),
    Column("after", N_("Answers now"), lambda row: row.after),
    Column("since", N_("Since"), lambda row: row.at),
    Column("eyes", N_("Eyes"), lambda row: row.eyes),
)

router = APIRouter(prefix="/registry/devices", include_in_schema=False)


@router.get("", dependencies=[may(Permission.REGISTER)])
def listed(desk: AtDesk, request: Request, wanted: FromAddress, done: str = "") -> Response:
    """``done`` is the code of the device that was confirmed just now."""
    return _page(desk, request, wanted, done=done)


@router.post("/confirm", dependencies=[may(Permission.REGISTER), FromOwnPage])
def confirm(
    desk: AtDesk,
    request: Request,
    device: Annotated[str, Form(max_length=64)],
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> Response:
    """The device that answers now is the right one: its eyes are asked again."""
    reader = reader_of(request, desk)
    try:
        why = audit.reason_of(reason)
        with desk.database.transaction() as session:
            row = queries.device_in(session, desk.scope, reader.today, device)
            if row is None:
                raise HTTPException(404)
            facts.confirm_device(session, row, desk.actor, reader.now, reason=why)
    except RegistryError as refused:
        return _page(desk, request, Wanted(), refused=refused.text(reader.language))
    return RedirectResponse("/registry/devices?" + urlencode({"done": device}), 303)


def _page(desk: Desk, request: Request, wanted: Wanted, *, done: str = "", refused: str = "") -> Response:
    """Of ``done``, which stands in the address, only a device that somebody has confirmed is told."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        day = reader.today
        rows = facts.waiting(session, desk.scope, day)
        device = queries.device_in(session, desk.scope, day, done) if done else None
        confirmed = device is not None and facts.confirmed(session, device)
    found = chosen(rows, WAITING, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "devices", WAITING, found, reader)
    return page(
        request,
        desk,
        "devices.html",
        reader=reader,
        status=409 if refused else 200,
        wanted=wanted,
        columns=tables.titles(WAITING),
        leaf=leaf(found, lambda row: row.device, wanted, ROWS),
        waiting=len(rows),
        done=done if confirmed else "",
        refused=refused,
    )
