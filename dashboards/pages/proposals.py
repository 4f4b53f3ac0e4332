"""``/proposals``: letters that ask for the money of repairs that wait for it; drawn up, and sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import LARGEST, Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import words as funding_words
from camera_registry.funding.basis import Missing, missing_basis
from camera_registry.i18n import N_
from camera_registry.money import Sum
from camera_registry.repairs import proposals, words
from camera_registry.repairs.deeds import LONGEST_LINE, LONGEST_NAME, LONGEST_TEXT, NoSuchRepair
from camera_registry.repairs.proposals import LONGEST_NUMBER, MOST_REPAIRS, ProposalDetail, ProposalRow
from camera_registry.reports.value import Format
from dashboards import tables
from dashboards.dates import day_of
from dashboards.leafing import FromAddress, chosen, leaf
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

ROWS = 50  # of one page
LONGEST_UID = 100

Numbers = Annotated[list[int] | None, Form(max_length=MOST_REPAIRS)]
Basis = Mapping[str, Sequence[Missing]]  # what a point lacks, by its code

router = APIRouter(prefix="/proposals", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the form of a letter."""

    addressee: str = ""
    title: str = ""
    text: str = ""
    unit: str = ""
    repairs: Sequence[int] = ()


def _told(
    addressee: Annotated[str, Form(max_length=2 * LONGEST_NAME)] = "",
    title: Annotated[str, Form(max_length=2 * LONGEST_LINE)] = "",
    text: Annotated[str, Form(max_length=2 * LONGEST_TEXT)] = "",
    unit: Annotated[str, Form(max_length=LONGEST_UID)] = "",
    repair: Numbers = None,
) -> Told:
    return Told(addressee, title, text, unit, [each for each in repair or () if 0 < each <= LARGEST])


FromForm = Annotated[Told, Depends(_told)]

COLUMNS: Sequence[Column[ProposalRow]] = (
    Column("number", N_("No."), lambda row: row.id),
    Column("title", N_("About"), lambda row: row.title),
    Column("unit", N_("Who asks"), lambda row: row.unit_name),
    Column("addressee", N_("Who is asked"), lambda row: row.addressee),
    Column("repairs", N_("Repairs"), lambda row: row.repairs),
    Column("total", N_("Asked for (đồng)"), lambda row: row.total.known),
    Column("sent", N_("Sent on"), lambda row: row.sent_on),
    Column("letter", N_("Number of the letter"), lambda row: row.number),
)


@router.get("", dependencies=[may(Permission.FUNDING)])
def show_all(desk: AtDesk, request: Request, wanted: FromAddress) -> Response:
    """Every letter, the newest first."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = proposals.proposals(session, desk.scope, reader.now, reader.zone)
        waiting = proposals.candidates(session, desk.scope, reader.now, reader.zone)
    found = chosen(rows, COLUMNS, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "proposals", COLUMNS, found, reader)
    return page(
        request,
        desk,
        "proposals.html",
        reader=reader,
        place="/repairs",
        wanted=wanted,
        columns=tables.titles(COLUMNS),
        leaf=leaf(found, lambda row: str(row.id), wanted, ROWS),
        waiting=[row for row in waiting if row.proposal is None],
        asked=Sum.of(row.asked for row in waiting if row.proposal is None),
    )


@router.get("/new", dependencies=[may(Permission.REPAIR)])
def form(
    desk: AtDesk,
    request: Request,
    repair: Annotated[list[int] | None, Query(max_length=MOST_REPAIRS)] = None,
) -> HTMLResponse:
    """A letter that is not drawn up yet, of these repairs, or of all that no letter asks for."""
    return _form(desk, request, None, None, repair)


@router.post("", dependencies=[may(Permission.REPAIR), FromOwnPage])
def draw_up(desk: AtDesk, request: Request, told: FromForm) -> Response:
    """Keep a new letter; it can be changed until it is sent."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            number = proposals.draft(
                *(session, desk.actor, desk.scope, reader.now, reader.zone),
                addressee=told.addressee,
                title=told.title,
                text=told.text,
                unit=told.unit,
                repairs=told.repairs,
            )
    except NoSuchRepair:
        raise HTTPException(404) from None
    except RegistryError as refused:
        return _form(desk, request, None, told, refused=refused.text(reader.language))
    return RedirectResponse(f"/proposals/{number}", 303)


@router.get("/{number}", dependencies=[may(Permission.FUNDING)])
def show(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    return _one(desk, request, number)


@router.get("/{number}/change", dependencies=[may(Permission.REPAIR)])
def change_form(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    return _form(desk, request, number, None)


@router.post("/{number}/change", dependencies=[may(Permission.REPAIR), FromOwnPage])
def change(desk: AtDesk, request: Request, number: Number, told: FromForm) -> Response:
    """Write a draft anew."""

    def deed(session: Session, reader: Reader) -> None:
        proposals.change(
            *(session, desk.actor, desk.scope, number, reader.now, reader.zone),
            addressee=told.addressee,
            title=told.title,
            text=told.text,
            repairs=told.repairs,
        )

    return _do(desk, request, number, deed, lambda said: _form(desk, request, number, told, refused=said))


@router.post("/{number}/send", dependencies=[may(Permission.REPAIR), FromOwnPage])
def send(
    desk: AtDesk,
    request: Request,
    number: Number,
    sent_on: Annotated[str, Form(max_length=20)] = "",
    letter: Annotated[str, Form(max_length=2 * LONGEST_NUMBER)] = "",
) -> Response:
    """It was signed and sent: what it asks for stays as it is."""

    def deed(session: Session, reader: Reader) -> None:
        proposals.send(
            *(session, desk.actor, desk.scope, number, reader.now, reader.zone),
            sent_on=day_of(sent_on) or reader.today,
            letter_number=letter,
        )

    typed = {"sent_on": sent_on, "letter": letter}
    return _do(desk, request, number, deed, lambda said: _one(desk, request, number, typed, refused=said))


# --- how it is done ---------------------------------------------------------------------------------


def _do(
    desk: Desk,
    request: Request,
    number: int,
    deed: Callable[[Session, Reader], None],
    refuse: Callable[[str], Response],
) -> Response:
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            deed(session, reader)
    except NoSuchRepair:
        raise HTTPException(404) from None
    except RegistryError as refused:
        return refuse(refused.text(reader.language))
    return RedirectResponse(f"/proposals/{number}", 303)


def _known(session: Session, desk: Desk, reader: Reader, number: int) -> ProposalDetail:
    found = proposals.proposal(session, desk.scope, reader.now, reader.zone, number)
    if found is None:
        raise HTTPException(404)
    return found


def _basis(session: Session, desk: Desk, reader: Reader) -> Basis:
    rows = missing_basis(session, desk.scope, reader.today)
    return {row.point: row.missing for row in rows}


def _one(
    desk: Desk,
    request: Request,
    number: int,
    typed: Mapping[str, str] | None = None,
    *,
    refused: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = _known(session, desk, reader, number)
        told = [each.repair for each in found.asked] if found.row.sent_on is None else []
        before = proposals.asked_before(session, told, reader.zone)
    return page(
        request,
        desk,
        "proposal.html",
        reader=reader,
        status=409 if refused else 200,
        place="/repairs",
        address=f"/proposals/{number}",
        proposal=found,
        row=found.row,
        before=before,
        typed=typed or {},
        refused=refused,
        formats=(Format.PDF, Format.DOCX, Format.XLSX),
        mending=words,
        funding=funding_words,
        longest_number=LONGEST_NUMBER,
    )


def _form(
    desk: Desk,
    request: Request,
    number: int | None,
    told: Told | None,
    repairs: Sequence[int] | None = None,
    *,
    refused: str = "",
) -> HTMLResponse:
    """``number`` is of the draft that is written anew, ``repairs`` those that another page chose."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = _known(session, desk, reader, number) if number is not None else None
        waiting = proposals.candidates(session, desk.scope, reader.now, reader.zone)
        before = proposals.asked_before(session, waiting, reader.zone)
        units = queries.units_of_today(session, desk.scope, reader.today)
        basis = _basis(session, desk, reader)
        former = proposals.proposals(session, desk.scope, reader.now, reader.zone)
    if found is not None and found.row.sent_on is not None:
        raise HTTPException(404)
    if told is None and found is not None:
        row = found.row
        told = Told(row.addressee, row.title, row.text, row.unit, [each.repair.id for each in found.asked])
    elif told is None:
        free = [row.id for row in waiting if row.proposal is None]
        told = replace(_usual(former, reader), repairs=free if repairs is None else repairs)
    return page(
        request,
        desk,
        "proposal_form.html",
        reader=reader,
        status=409 if refused else 200,
        place="/repairs",
        number=number,
        waiting=waiting,
        before=before,
        units=units,
        everything=desk.scope.unit_ids is None,
        basis=basis,
        told=told,
        refused=refused,
        mending=words,
        funding=funding_words,
        longest_name=LONGEST_NAME,
        longest_line=LONGEST_LINE,
        longest_text=LONGEST_TEXT,
    )


def _usual(former: Sequence[ProposalRow], reader: Reader) -> Told:
    """What a new letter begins with: who was asked the last time."""
    title = reader.say(N_("On money for the repair of security cameras"))
    return Told(former[0].addressee if former else "", title)
