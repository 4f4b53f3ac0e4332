"""``/money/contributors``: who gave, and what; entered and corrected, with the consent to be named."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from camera_registry import audit, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import contributors, reading, words
from camera_registry.funding.contributors import LONGEST_CONSENT, LONGEST_NAME, Filled
from camera_registry.funding.kinds import Source
from camera_registry.funding.reading import ContributorRow
from camera_registry.i18n import N_
from dashboards import tables
from dashboards.dates import day_of
from dashboards.leafing import FromAddress, chosen, leaf
from dashboards.pages.money_forms import slug, whole
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

ROWS = 100  # of one page

Text = Annotated[str, Form(max_length=2 * LONGEST_CONSENT)]
Short = Annotated[str, Form(max_length=200)]

router = APIRouter(prefix="/money/contributors", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the form; ``number`` is empty for a new one."""

    number: str = ""
    kind: str = Source.HOUSEHOLD
    name: str = ""
    unit: str = ""
    residential_group: str = ""
    consent_on: str = ""
    consent: str = ""
    reason: str = ""


def _told(
    number: Short = "",
    kind: Short = Source.HOUSEHOLD,
    name: Text = "",
    unit: Short = "",
    residential_group: Text = "",
    consent_on: Short = "",
    consent: Text = "",
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> Told:
    return Told(number, kind, name, unit, residential_group, consent_on, consent, reason)


@router.get("", dependencies=[may(Permission.FUNDING)])
def every(
    desk: AtDesk, request: Request, wanted: FromAddress, kind: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """All in scope, or those of a kind, each with what was given so far."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        known = reading.contributors(session, desk.scope, reader.today)
        waiting = reading.waiting_count(session, desk.scope, reader.today)
    columns = _columns(reader)
    rows = chosen([row for row in known if not kind or row.kind == kind], columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "contributors", columns, rows, reader)
    return page(
        request,
        desk,
        "money_contributors.html",
        reader=reader,
        wanted=wanted,
        kind=kind,
        query={**wanted.query, "kind": kind},
        columns=tables.titles(columns),
        leaf=leaf(rows, lambda row: str(row.id), wanted, ROWS, {"kind": kind}),
        waiting=waiting,
        words=words,
    )


def _columns(reader: Reader) -> Sequence[Column[ContributorRow]]:
    return (
        Column("name", N_("Contributor"), lambda row: row.name),
        Column("kind", N_("Kind of contributor"), lambda row: reader.say(words.SOURCES[row.kind])),
        Column("unit", N_("Unit"), lambda row: row.unit),
        Column("group", N_("Residential group"), lambda row: row.residential_group),
        Column("given", N_("Given, đồng"), lambda row: row.given.known),
        Column("unknown", N_("Entries without a figure"), lambda row: row.given.unknown),
        Column("entries", N_("Funding entries"), lambda row: row.entries),
        Column("consent_on", N_("Consent to be named since"), lambda row: row.consent_on),
        Column("consent", N_("Paper of the consent"), lambda row: row.consent),
    )


@router.get("/enter", dependencies=[may(Permission.MONEY)])
def form(desk: AtDesk, request: Request, number: Number | None = None) -> HTMLResponse:
    """The form of a new one, or of that with this number."""
    reader = reader_of(request, desk)
    if number is None:
        return _form(desk, request, Told())
    with desk.database.reading() as session:
        found = reading.contributor(session, desk.scope, reader.today, number)
    if found is None or not found.changeable:
        raise HTTPException(404)
    told = Told(
        *(str(found.id), found.kind, found.name, found.unit_uid, found.residential_group),
        consent_on=found.consent_on.isoformat() if found.consent_on else "",
        consent=found.consent,
    )
    return _form(desk, request, told)


@router.post("/enter", dependencies=[may(Permission.MONEY), FromOwnPage])
def save(desk: AtDesk, request: Request, told: Annotated[Told, Depends(_told)]) -> Response:
    """Enter it, or correct it."""
    reader = reader_of(request, desk)
    try:
        filled = Filled(
            slug(Source, told.kind),
            *(told.name, told.unit, told.residential_group, day_of(told.consent_on), told.consent),
        )
        number = whole(told.number)
        reason = told.reason if number is None else audit.reason_of(told.reason)
        with desk.database.transaction() as session:
            contributors.save(
                *(session, desk.actor, desk.scope, filled, reader.now, reader.zone),
                contributor_id=number,
                reason=reason,
            )
    except RegistryError as refused:
        return _form(desk, request, told, refused=refused.text(reader.language))
    return RedirectResponse("/money/contributors", 303)


def _form(desk: Desk, request: Request, told: Told, *, refused: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        units = queries.units_of_today(session, desk.scope, reader.today)
    return page(
        request,
        desk,
        "money_contributor.html",
        reader=reader,
        status=409 if refused else 200,
        address="/money/contributors/enter",
        told=told,
        refused=refused,
        units={each.uid: each.name for each in units},
        whole_city=desk.scope.unit_ids is None,
        words=words,
        longest_name=LONGEST_NAME,
        longest_consent=LONGEST_CONSENT,
    )
