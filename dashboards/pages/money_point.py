"""``/points/{code}/money``: who paid for a point, what it cost, what is left, who mends it, what lacks."""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import audit, points
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import assets, basis, documents, reading, upkeep, words
from camera_registry.funding.assets import LONGEST_NUMBER, LONGEST_OWNERSHIP
from camera_registry.funding.documents import About
from camera_registry.funding.kinds import Duty
from camera_registry.funding.reading import Wanted
from camera_registry.funding.sums import totals
from camera_registry.funding.upkeep import LONGEST_DOCUMENT, LONGEST_PARTY, LONGEST_PHONE
from camera_registry.money import amount_of
from camera_registry.repairs import reading as repairs
from camera_registry.repairs import words as mending
from dashboards.dates import day_of
from dashboards.pages.money_forms import slug
from dashboards.rendering import Reader, page, reader_of

Text = Annotated[str, Form(max_length=2 * LONGEST_OWNERSHIP)]
Short = Annotated[str, Form(max_length=200)]
Reason = Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)]

# What is missing, and where it can be entered: an address of the point, or a part of this page.
WAYS: Mapping[basis.Missing, str] = {
    basis.Missing.MANAGER: "/registry/custody/enter?point=",
    basis.Missing.ELECTRICITY: "/registry/custody/enter?point=",
    basis.Missing.INTERNET: "/registry/custody/enter?point=",
    basis.Missing.SOURCE: "/money/enter?point=",
    basis.Missing.DECISION: "#papers",
    basis.Missing.OWNERSHIP: "#asset",
    basis.Missing.WARRANTY: "#upkeep",
    basis.Missing.CONTRACTOR: "#upkeep",
}

router = APIRouter(prefix="/points/{code:path}/money", include_in_schema=False)


@router.get("", dependencies=[may(Permission.FUNDING)])
def funding(desk: AtDesk, request: Request, code: str) -> HTMLResponse:
    return shown(desk, request, code)


@router.post("/asset", dependencies=[may(Permission.MONEY), FromOwnPage])
def save_asset(
    desk: AtDesk,
    request: Request,
    code: str,
    number: Short = "",
    in_use_on: Short = "",
    cost: Short = "",
    ownership: Text = "",
    reason: Reason = "",
) -> Response:
    """The point as the books of assets have it."""
    typed = {"number": number, "in_use_on": in_use_on, "cost": cost, "ownership": ownership, "reason": reason}

    def deed(session: Session, reader: Reader) -> None:
        filled = assets.Filled(number, day_of(in_use_on), amount_of(cost), ownership)
        assets.save(
            *(session, desk.actor, desk.scope, code, filled, reader.now, reader.zone),
            reason=audit.reason_of(reason),
        )

    return _do(desk, request, code, "asset", typed, deed)


@router.post("/upkeep", dependencies=[may(Permission.MONEY), FromOwnPage])
def add_upkeep(
    desk: AtDesk,
    request: Request,
    code: str,
    kind: Short = "",
    party: Text = "",
    first: Short = "",
    last: Short = "",
    document: Text = "",
    phone: Short = "",
) -> Response:
    """Somebody must mend the point, by warranty or contract."""
    typed = {"kind": kind, "party": party, "first": first, "last": last, "document": document, "phone": phone}

    def deed(session: Session, reader: Reader) -> None:
        filled = upkeep.Filled(slug(Duty, kind), party, day_of(first), day_of(last), document, phone)
        upkeep.set_upkeep(session, desk.actor, desk.scope, code, filled, reader.now, reader.zone)

    return _do(desk, request, code, "upkeep", typed, deed)


@router.post("/upkeep/end", dependencies=[may(Permission.MONEY), FromOwnPage])
def end_upkeep(
    desk: AtDesk, request: Request, code: str, upkeep_id: Annotated[Number, Form()], reason: Reason = ""
) -> Response:
    """A warranty or a contract holds no more."""

    def deed(session: Session, reader: Reader) -> None:
        upkeep.end_upkeep(
            *(session, desk.actor, desk.scope, upkeep_id, reader.now, reader.zone), reason=reason
        )

    return _do(desk, request, code, f"end-{upkeep_id}", {"reason": reason}, deed)


def _do(
    desk: Desk,
    request: Request,
    code: str,
    form: str,
    typed: Mapping[str, str],
    deed: Callable[[Session, Reader], None],
) -> Response:
    """Do it, and back to the page; refused, with what was typed. 404 for a point out of scope."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            if points.summary(session, desk.scope, reader.today, code) is None:
                raise HTTPException(404)
            deed(session, reader)
    except RegistryError as refused:
        return shown(desk, request, code, refused=refused.text(reader.language), form=form, typed=typed)
    return RedirectResponse(f"/points/{code}/money#{form.partition('-')[0]}", 303)


def shown(
    desk: Desk,
    request: Request,
    code: str,
    *,
    refused: str = "",
    form: str = "",
    typed: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """The page; of the form that was ``refused`` with what was ``typed`` in it. 404 out of scope."""
    reader = reader_of(request, desk)
    today, scope = reader.today, desk.scope
    with desk.database.reading() as session:
        point = points.summary(session, scope, today, code)
        if point is None:
            raise HTTPException(404)
        lines = reading.lines(session, scope, today, point=code)
        leaf = reading.entries(session, scope, today, Wanted(point=code))
        asset = next(iter(assets.assets(session, scope, today, point=code)))
        lacking = basis.missing_basis(session, scope, today, point=code)
        duties = upkeep.upkeep(session, scope, today, point=code)
        papers = documents.documents(session, scope, today, About(point=code))
        mended = repairs.of_point(session, scope, reader.now, reader.zone, code)
    return page(
        request,
        desk,
        "money_point.html",
        reader=reader,
        status=409 if refused else 200,
        place="/money",
        address=f"/points/{code}/money",
        point=point,
        totals=totals(lines),
        leaf=leaf,
        asset=asset,
        wear=assets.wear(asset, desk.settings.asset_wear_percent, today),
        wear_percent=desk.settings.asset_wear_percent,
        missing=lacking[0].missing if lacking else (),
        ways=WAYS,
        duties=duties,
        papers=papers,
        repairs=mended,
        mending=mending,
        refused=refused,
        form=form,
        typed=typed or {},
        today=today,
        words=words,
        longest_number=LONGEST_NUMBER,
        longest_ownership=LONGEST_OWNERSHIP,
        longest_party=LONGEST_PARTY,
        longest_document=LONGEST_DOCUMENT,
        longest_phone=LONGEST_PHONE,
    )
