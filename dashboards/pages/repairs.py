"""``/repairs``: what is to be mended, by how far it is; one with its story, who pays, and what is done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, TypeVar

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import money, queries, windows
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.funding import documents
from camera_registry.funding import words as funding_words
from camera_registry.funding.documents import About
from camera_registry.funding.kinds import Component
from camera_registry.i18n import N_
from camera_registry.money import Sum
from camera_registry.repairs import deeds, letters, reading, words
from camera_registry.repairs.deeds import LONGEST_LINE, LONGEST_NAME, LONGEST_TEXT, NoSuchRepair, RepairError
from camera_registry.repairs.letters import Letter
from camera_registry.repairs.reading import RepairRow
from camera_registry.repairs.states import OPEN, Payer, State
from dashboards import tables
from dashboards.dates import day_of
from dashboards.leafing import Condition, FromAddress, chosen, leaf
from dashboards.pages import papers
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

ROWS = 100  # of one page of a table
CARDS = 30  # of one column of the board; its table has all
MOST_EYES = 500  # of one form

Text = Annotated[str, Form(max_length=2 * LONGEST_TEXT)]
Line = Annotated[str, Form(max_length=2 * LONGEST_LINE)]
Short = Annotated[str, Form(max_length=40)]
Slug = Annotated[str, Form(max_length=40)]
Codes = Annotated[list[str] | None, Form(max_length=MOST_EYES)]

Known = TypeVar("Known", State, Payer, Component)

router = APIRouter(prefix="/repairs", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Waits:
    """Those of a list that wait for money: how many, what was quoted for them, how long the first waits."""

    count: int
    asked: Sum
    longest: timedelta


def _columns(reader: Reader) -> Sequence[Column[RepairRow]]:
    def days(state: State) -> Callable[[RepairRow], float]:
        return lambda row: round(row.times.of(state).total_seconds() / 86_400, 1)

    return (
        Column("number", N_("No."), lambda row: row.id),
        Column("point", N_("Point code"), lambda row: row.point),
        Column("name", N_("Point"), lambda row: row.point_name),
        Column("unit", N_("Unit"), lambda row: row.unit),
        Column("eyes", N_("Eyes"), lambda row: ", ".join(row.eyes)),
        Column("fault", N_("What is broken"), lambda row: row.fault),
        Column("state", N_("State"), lambda row: reader.say(words.STATES[row.state])),
        Column("since", N_("Since"), lambda row: row.since),
        Column("opened", N_("Reported"), lambda row: row.opened_at),
        Column("waiting", N_("Days waiting for money"), days(State.WAITING_FOR_MONEY)),
        Column("mending", N_("Days in repair"), days(State.IN_REPAIR)),
        Column("payer", N_("Who pays"), lambda row: reader.say(words.PAYERS[row.payer])),
        Column("asked", N_("Chosen quotation (đồng)"), lambda row: row.asked),
        Column("spent", N_("Spent (đồng)"), _spent),
    )


@router.get("", dependencies=[may(Permission.VIEW)])
def board(
    desk: AtDesk,
    request: Request,
    wanted: FromAddress,
    state: Condition = "",
    unit: Condition = "",
    payer: Condition = "",
) -> Response:
    """Those that are open, side by side by how far they are; or, with a ``state``, the table of that one."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    one = known(State, state)
    with desk.database.reading() as session:
        rows = reading.board(
            *(session, desk.scope, reader.now, reader.zone),
            states=OPEN if one is None else (one,),
            unit=unit or None,
            payer=known(Payer, payer),
        )
        counts = reading.counts(session, desk.scope, reader.today)
        units = queries.units_of_today(session, desk.scope, reader.today)
        asked_in = _letters(session, desk, reader, rows)
    columns = _columns(reader)
    found = chosen(rows, columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "repairs", columns, found, reader)
    kept = {"state": one or "", "unit": unit, "payer": payer}
    return page(
        request,
        desk,
        "repairs.html",
        reader=reader,
        revision=revision,
        state=one,
        columns={each: [row for row in found if row.state is each] for each in OPEN},
        titles=tables.titles(columns),
        leaf=leaf(found, lambda row: str(row.id), wanted, ROWS, kept) if one else None,
        counts=counts,
        cards=CARDS,
        waits=_waits(found),
        letters=asked_in,
        wanted=wanted,
        query={**wanted.query, **kept},
        unit=unit,
        payer=payer,
        units=units,
        mending=words,
        payers={each: word for each, word in words.PAYERS.items() if each},
        narrowed=bool(wanted.q or unit or payer),
    )


@router.get("/{number}", dependencies=[may(Permission.VIEW)])
def show(desk: AtDesk, request: Request, number: Number) -> HTMLResponse:
    return _one(desk, request, number)


@router.post("/{number}/move", dependencies=[may(Permission.REPAIR), FromOwnPage])
def move(
    desk: AtDesk, request: Request, number: Number, state: Slug, at: Short = "", text: Text = ""
) -> Response:
    """Bring it into another state as of ``at``, or of now."""

    def deed(session: Session, reader: Reader) -> None:
        wanted = known(State, state)
        if wanted is None:
            raise HTTPException(422)
        deeds.move(
            *(session, desk.actor, desk.scope, number, wanted, reader.now, reader.zone),
            at=moment_of(at, reader),
            text=text,
        )

    return _do(desk, request, number, f"move-{state}", {"at": at, "text": text}, deed)


@router.post("/{number}/comment", dependencies=[may(Permission.REPAIR), FromOwnPage])
def comment(desk: AtDesk, request: Request, number: Number, text: Text = "") -> Response:
    """Remark something."""

    def deed(session: Session, reader: Reader) -> None:
        deeds.comment(session, desk.actor, desk.scope, number, text, reader.now, reader.zone)

    return _do(desk, request, number, "comment", {"text": text}, deed)


@router.post("/{number}/change", dependencies=[may(Permission.REPAIR), FromOwnPage])
def change(
    desk: AtDesk,
    request: Request,
    number: Number,
    fault: Text = "",
    component: Slug = "",
    eye: Codes = None,
    reason: Line = "",
) -> Response:
    """Say anew what is broken, and which eyes it takes."""

    def deed(session: Session, reader: Reader) -> None:
        deeds.change(
            *(session, desk.actor, desk.scope, number, reader.now, reader.zone),
            fault=fault,
            component=known(Component, component),
            eyes=eye or (),
            reason=reason,
        )

    typed = {"fault": fault, "component": component, "eyes": eye or []}
    return _do(desk, request, number, "change", typed, deed)


@router.post("/{number}/payer", dependencies=[may(Permission.REPAIR), FromOwnPage])
def payer(
    desk: AtDesk, request: Request, number: Number, payer: Slug = "", grounds: Line = "", reason: Line = ""
) -> Response:
    """Say who pays, and on which paper; why, where money was spent and a warranty or contract pays."""

    def deed(session: Session, reader: Reader) -> None:
        who = known(Payer, payer)
        deeds.set_payer(
            *(session, desk.actor, desk.scope, number, who, reader.now, reader.zone),
            grounds=grounds,
            reason=reason,
        )

    typed = {"payer": payer, "grounds": grounds, "reason": reason}
    return _do(desk, request, number, "payer", typed, deed)


@router.post("/{number}/quotations", dependencies=[may(Permission.REPAIR), FromOwnPage])
def quote(
    desk: AtDesk,
    request: Request,
    number: Number,
    party: Annotated[str, Form(max_length=2 * LONGEST_NAME)] = "",
    amount: Short = "",
    dated: Short = "",
    text: Line = "",
    document: Annotated[Number, Form()] = 0,
) -> Response:
    """Take down what somebody asks for it."""

    def deed(session: Session, reader: Reader) -> None:
        asked = money.amount_of(amount)
        if asked is None:
            raise RepairError(N_("A quotation asks for a whole number of đồng, more than nothing."))
        deeds.quote(
            *(session, desk.actor, desk.scope, number, reader.now, reader.zone),
            party=party,
            amount=asked,
            dated=day_of(dated) or reader.today,
            text=text,
            document=document or None,
        )

    typed = {"party": party, "amount": amount, "dated": dated, "text": text, "document": str(document)}
    return _do(desk, request, number, "quote", typed, deed)


@router.post("/{number}/choose", dependencies=[may(Permission.REPAIR), FromOwnPage])
def choose(
    desk: AtDesk, request: Request, number: Number, quotation: Annotated[Number, Form()], reason: Line = ""
) -> Response:
    """Ask for money by this quotation."""

    def deed(session: Session, reader: Reader) -> None:
        deeds.choose(
            *(session, desk.actor, desk.scope, number, quotation, reader.now, reader.zone), reason=reason
        )

    return _do(desk, request, number, "quotations", {}, deed)


@router.post(
    "/{number}/papers", dependencies=[may(Permission.REPAIR), FromOwnPage], max_body_size=papers.BODY
)
async def add_paper(desk: AtDesk, request: Request, number: Number) -> Response:
    """A photo of what is broken, an invoice, an acceptance."""
    try:
        said = await papers.sent(request)
    except HTTPException as error:
        if error.status_code != 413:
            raise
        text = reader_of(request, desk).say(
            N_("A copy of more than {limit} MB is not kept."), limit=papers.MOST_MB
        )
        return await run_in_threadpool(_one, desk, request, number, "paper", {}, refused=text)

    def deed(session: Session, reader: Reader) -> None:
        if reading.repair(session, desk.scope, reader.now, reader.zone, number) is None:
            raise HTTPException(404)
        documents.add(
            *(session, CredentialStore(desk.settings), desk.actor, desk.scope, said.filled()),
            *(About(repair=number), reader.now, reader.zone),
        )

    return await run_in_threadpool(_do, desk, request, number, "paper", said.typed, deed)


def moment_of(text: str, reader: Reader) -> datetime | None:
    """A moment as a form writes it, on the clock of the reader; ``None`` for nothing, and that is now."""
    return windows.moment_of(text, reader.zone) if text.strip() else None


def known(slugs: type[Known], text: str) -> Known | None:
    """The slug that a form or an address names; ``None`` for what is none of ours."""
    return slugs(text) if text in set(slugs) else None


# --- how it is done ---------------------------------------------------------------------------------


def _do(
    desk: Desk,
    request: Request,
    number: int,
    form: str,
    typed: Mapping[str, object],
    deed: Callable[[Session, Reader], None],
) -> Response:
    """A deed on one repair in its transaction, and back to its page; refused, with what was typed."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            deed(session, reader)
    except NoSuchRepair:
        raise HTTPException(404) from None
    except RegistryError as refused:
        return _one(desk, request, number, form, typed, refused=refused.text(reader.language))
    return RedirectResponse(f"/repairs/{number}", 303)


def _one(
    desk: Desk,
    request: Request,
    number: int,
    form: str = "",
    typed: Mapping[str, object] | None = None,
    *,
    refused: str = "",
) -> HTMLResponse:
    """``form`` is the one that was refused, ``typed`` what stood in it."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        found = reading.repair(session, desk.scope, reader.now, reader.zone, number)
        if found is None:
            raise HTTPException(404)
        eyes = queries.eyes(session, desk.scope, reader.now, reader.zone, point=found.row.point)
        asked_in = _letters(session, desk, reader, [found.row])
    return page(
        request,
        desk,
        "repair.html",
        reader=reader,
        status=409 if refused else 200,
        address=f"/repairs/{number}",
        revision=revision,
        repair=found,
        row=found.row,
        letters=asked_in,
        eyes={eye.code: eye for eye in eyes},
        mending=words,
        funding=funding_words,
        form=form,
        typed=typed or {},
        refused=refused,
        longest_text=LONGEST_TEXT,
        longest_line=LONGEST_LINE,
        longest_name=LONGEST_NAME,
        most_mb=papers.MOST_MB,
    )


def _letters(session: Session, desk: Desk, reader: Reader, rows: Sequence[RepairRow]) -> Mapping[int, Letter]:
    numbers = {row.proposal for row in rows if row.proposal is not None}
    return letters.letters(session, desk.scope, reader.today, numbers)


def _waits(rows: Sequence[RepairRow]) -> Waits:
    waiting = [row for row in rows if row.state is State.WAITING_FOR_MONEY]
    longest = max((row.times.waiting_for_money for row in waiting), default=timedelta())
    return Waits(len(waiting), Sum.of(row.asked for row in waiting), longest)


def _spent(row: RepairRow) -> int | None:
    """What a table says of the cost: nothing where some of it is not known."""
    return row.cost.spent.known if row.cost.spent.whole else None
