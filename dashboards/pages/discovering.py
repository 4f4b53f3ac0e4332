"""Which devices a network has; one of them commissioned: entered, asked what it is, its eyes agreed to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import (
    adding,
    audit,
    commissioning,
    deeds,
    discovering,
    errands,
    exports,
    models,
    queries,
)
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.api.whole_city import WholeCity
from camera_registry.audit import Action, ReasonError
from camera_registry.auth.roles import Permission
from camera_registry.commissioning import CommissioningError, DeviceReading, Proposed
from camera_registry.credentials import CredentialStore
from camera_registry.discovering import DiscoveryError, Listed
from camera_registry.errands import NoAnswer, Wish
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.imports.faults import MESSAGES, BadCell
from camera_registry.imports.plan import Options
from camera_registry.imports.values import code as code_of
from camera_registry.imports.values import text as text_of
from camera_registry.inventory import DeviceKind, InventoryError, point_by_code
from camera_registry.models import Device
from dashboards import tables
from dashboards.pages.importing import label
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import AsFile, Column, FileKind

SEARCHES = 8  # of the newest, told
LONGEST = 5_000  # characters of hosts
MOST_CHANNELS = 256  # of one device, as a form sends them
LONGEST_NAME = 300

router = APIRouter(
    prefix="/registry/discovery", include_in_schema=False, dependencies=[may(Permission.REGISTER), WholeCity]
)

Reason = Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)]
Many = Annotated[list[str] | None, Form(max_length=MOST_CHANNELS)]


@router.get("")
def show(
    desk: AtDesk,
    request: Request,
    search: Number = 0,
    sort: Annotated[str, Query(max_length=20)] = "",
    as_: AsFile = None,
) -> Response:
    """The newest searches, and what one of them found: the newest, or ``search``."""
    return _page(desk, request, search=search, sort=sort, as_=as_)


@router.post("", dependencies=[FromOwnPage])
def search(
    desk: AtDesk,
    request: Request,
    hosts: Annotated[str, Form(max_length=LONGEST)] = "",
    interface: Annotated[str, Form(max_length=64)] = "",
    try_ports: Annotated[bool, Form()] = False,
) -> Response:
    """Want a network asked by the process that asks eyes."""
    reader = reader_of(request, desk)
    try:
        named = discovering.addresses(hosts.replace(",", " ").split())
        with desk.database.transaction() as session:
            number = discovering.want(session, desk.actor, named, interface.strip(), try_ports, reader.now)
    except DiscoveryError as refused:
        return _page(desk, request, refused=refused.text(reader.language), hosts=hosts)
    return RedirectResponse(f"/registry/discovery?search={number}", 303)


@router.get("/add")
def add_form(
    desk: AtDesk, request: Request, host: str = "", onvif_port: str = "", hardware: str = ""
) -> HTMLResponse:
    """The form for a device that answered and is not registered."""
    return _add_form(desk, request, {"host": host, "onvif_port": onvif_port, "model": hardware[:100]})


@router.post("/add", dependencies=[FromOwnPage])
def add(
    desk: AtDesk,
    request: Request,
    point_code: Annotated[str, Form(max_length=64)],
    host: Annotated[str, Form(max_length=255)],
    kind: Annotated[str, Form(max_length=40)] = "",
    manufacturer: Annotated[str, Form(max_length=100)] = "",
    model: Annotated[str, Form(max_length=100)] = "",
    port: Annotated[str, Form(max_length=10)] = "",
    onvif_port: Annotated[str, Form(max_length=10)] = "",
    site: Annotated[str, Form(max_length=64)] = "",
    credential: Annotated[str, Form(max_length=100)] = "",
    user: Annotated[str, Form(max_length=256)] = "",
    password: Annotated[str, Form(max_length=256)] = "",
    reason: Reason = "",
) -> Response:
    """Enter the device; then it can be asked what it is."""
    reader = reader_of(request, desk)
    said = {
        "point_code": point_code.strip(),
        "host": host.strip(),
        "kind": kind,
        "manufacturer": manufacturer,
        "model": model,
        "port": port,
        "onvif_port": onvif_port,
        "site": site,
        "credential": credential,
    }
    form = said | {"reason": reason}
    secret = {"user": user, "password": password}
    options = Options(reader.today, reader.zone)
    try:
        why = audit.reason_of(reason)
        with desk.database.transaction() as session:
            point_by_code(session, said["point_code"])
            store = CredentialStore(desk.settings)
            code, wrong = adding.add_device(
                *(session, store, desk.actor, said | secret, options, reader.now), reason=why
            )
    except InventoryError as refused:
        return _add_form(desk, request, form, {"point_code": refused.text(reader.language)})
    except ReasonError as refused:
        return _add_form(desk, request, form, {"reason": refused.text(reader.language)})
    if wrong:
        faults = {name: problem.text(reader.language) for name, problem in wrong.items()}
        return _add_form(desk, request, form, faults)
    return _to(code)


@router.get("/device")
def choose(code: str) -> Response:
    """To the page of a registered device, by the code that somebody typed."""
    return _to(code.strip()[:64])


@router.get("/device/{code:path}")
def device(
    desk: AtDesk,
    request: Request,
    code: str,
    reading: Number = 0,
    done: Annotated[str, Query(pattern=r"^(\d{1,3}-\d{1,3})?$")] = "",
) -> HTMLResponse:
    """What a device said of itself when it was asked (``reading``), and the eyes proposed of that.

    ``done``: how many eyes of it are new and how many were completed just now.
    """
    return _device_page(desk, request, code, reading=reading, done=done)


@router.post("/device/{code:path}/ask", dependencies=[FromOwnPage])
def ask(desk: AtDesk, request: Request, code: str) -> Response:
    """Have the device asked what it is; its login is used, within the budget."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            row = _device(session, desk, reader, code)
            number = errands.want_device(session, row, Wish.READ, reader.now)
            audit.record(session, desk.actor, Action.DEVICE_ASKED, f"device:{row.code}", reader.now)
    except CommissioningError as refused:
        return _device_page(desk, request, code, refused=refused.text(reader.language))
    return _to(code, f"?reading={number}")


@router.post("/device/{code:path}/accept", dependencies=[FromOwnPage])
def accept(
    desk: AtDesk,
    request: Request,
    code: str,
    reading: Annotated[Number, Form()],
    channel: Annotated[list[int] | None, Form(max_length=MOST_CHANNELS)] = None,
    eye: Many = None,
    name: Many = None,
    take: Annotated[list[int] | None, Form(max_length=MOST_CHANNELS)] = None,
    reason: Reason = "",
) -> Response:
    """Write the eyes that are ticked (``take``: their channels), with codes and names as typed."""
    reader = reader_of(request, desk)
    typed = dict(zip(channel or (), zip(eye or (), name or (), strict=False), strict=False))
    try:
        why = audit.reason_of(reason)
        with desk.database.transaction() as session:
            row = _device(session, desk, reader, code)
            said = _reading(session, row, reading, reader)
            if said is None:
                raise HTTPException(409)
            chosen = [
                _as_typed(each, typed) for each in commissioning.propose(session, row, said.survey)
                if each.channel in (take or ())
            ]  # fmt: skip
            target = commissioning.target_of(session, CredentialStore(desk.settings), row)
            new, changed = commissioning.accept(
                *(session, desk.actor, row, target, said.survey, chosen, reader.now), reason=why
            )
    except BadCell as bad:
        text = reader.say(MESSAGES[bad.fault], **bad.values)
        return _device_page(desk, request, code, reading=reading, refused=text)
    except RegistryError as refused:
        return _device_page(desk, request, code, reading=reading, refused=refused.text(reader.language))
    return _to(code, f"?reading={reading}&done={new}-{changed}")


def _as_typed(each: Proposed, typed: Mapping[int, tuple[str, str]]) -> Proposed:
    """As a person has it; what the registry knows keeps its code. Raises ``BadCell``."""
    eye, name = typed.get(each.channel, (each.code, each.name))
    name = text_of(name, LONGEST_NAME) if name.strip() else ""
    return replace(each, name=name) if each.known else replace(each, code=code_of(eye), name=name)


def _device(session: Session, desk: Desk, reader: Reader, code: str) -> Device:
    day = reader.today
    found = queries.device_in(session, desk.scope, day, code)
    if found is None:
        raise HTTPException(404)
    return found


def _reading(session: Session, device: Device, number: int, reader: Reader) -> DeviceReading | None:
    """The answer of the device, ``None`` while it is waited for.

    Raises ``NoAnswer``, ``CommissioningError`` where it is not kept any more, and 404 for another's.
    """
    row = session.get(models.DeviceRequest, number)
    if row is None:
        raise CommissioningError(N_("What the device said is not kept any more: ask it again."))
    if row.device_id != device.id or row.wish != Wish.READ:
        raise HTTPException(404)
    return errands.reading_of(row, reader.now)


def _to(code: str, query: str = "") -> Response:
    return RedirectResponse(f"/registry/discovery/device/{quote(code, safe='')}{query}", 303)


def _page(
    desk: Desk,
    request: Request,
    *,
    search: int = 0,
    sort: str = "",
    as_: FileKind | None = None,
    refused: str = "",
    hosts: str = "",
) -> Response:
    reader = reader_of(request, desk)
    columns = _columns(reader)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        searches = discovering.searches(session, SEARCHES)
        chosen = next((each for each in searches if each.id == search), searches[0] if searches else None)
        answered = discovering.listed(session, chosen.found) if chosen and chosen.found else []
        devices = session.scalars(select(Device.code).where(Device.host.is_not(None)).order_by(Device.code))
        codes = devices.all()
    answered = tables.ordered(answered, columns, sort)
    if as_:
        return tables.export(desk, request, as_, "discovery", columns, answered, reader)
    return page(
        request,
        desk,
        "discovery.html",
        reader=reader,
        status=409 if refused else 200,
        address="/registry/discovery",
        revision=revision,
        searches=searches,
        chosen=chosen,
        answered=answered,
        columns=tables.titles(columns),
        query={"search": str(chosen.id) if chosen else "", "sort": sort},
        standings=deeds.ANSWERED,
        codes=codes,
        refused=refused,
        hosts=hosts,
        most=discovering.MOST_HOSTS,
    )


def _columns(reader: Reader) -> Sequence[Column[Listed]]:
    return (
        Column("host", N_("Host"), lambda row: row.found.host),
        Column("port", N_("ONVIF port"), lambda row: row.found.onvif_port),
        Column("name", N_("What it calls itself"), lambda row: row.found.name),
        Column("hardware", N_("Model"), lambda row: row.found.hardware),
        Column("location", N_("Location"), lambda row: row.found.location),
        Column("standing", N_("In the registry"), lambda row: reader.say(deeds.ANSWERED[row.standing])),
        Column("codes", N_("Code"), lambda row: ", ".join(row.codes)),
    )


def _device_page(
    desk: Desk, request: Request, code: str, *, reading: int = 0, done: str = "", refused: str = ""
) -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    said: DeviceReading | None = None
    proposed: list[Proposed] = []
    waiting = False
    with desk.database.reading() as session:
        row = _device(session, desk, reader, code)
        site = session.get_one(models.Site, row.site_id).code
        point = session.get_one(models.Point, row.point_id)
        try:
            if reading:
                said = _reading(session, row, reading, reader)
                waiting = said is None
            if said is not None:
                proposed = commissioning.propose(session, row, said.survey)
        except (NoAnswer, CommissioningError) as error:
            refused = refused or error.text(reader.language)
        told = {"point": point.code, "point_name": point.name, "site": site, "device": row.code}
        where = {"host": row.host, "kind": row.kind, "manufacturer": row.manufacturer, "model": row.model}
    return page(
        request,
        desk,
        "commission.html",
        reader=reader,
        status=409 if refused else 200,
        address=f"/registry/discovery/device/{quote(code, safe='')}?reading={reading}",
        revision=revision,
        device={**told, **where},
        reading=reading,
        waiting=waiting,
        said=said,
        proposed=proposed,
        done=done if any(each.known for each in proposed) else "",
        refused=refused,
    )


def _add_form(
    desk: Desk, request: Request, said: Mapping[str, str], wrong: Mapping[str, str] | None = None
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        points = session.execute(
            select(models.Point.code, models.Point.name).order_by(models.Point.code)
        ).all()
        sites = session.scalars(select(models.Site.code).order_by(models.Site.code)).all()
        sets = session.scalars(select(models.Credential.name).order_by(models.Credential.name)).all()
    return page(
        request,
        desk,
        "device_add.html",
        reader=reader,
        status=409 if wrong else 200,
        said=said,
        wrong=wrong or {},
        points=points,
        sites=sites,
        sets=sets,
        kinds=list(DeviceKind),
        label=lambda name: label(name, reader),
        shown=lambda name, value: exports.shown(name, value, reader.language),
    )
