"""``/money/enter``: an entry of the funding ledger, filled in with what is known, split over points."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.funding import contributors, documents, entries, prefilling, reading, words
from camera_registry.funding.checks import FundingError
from camera_registry.funding.contributors import LONGEST_NAME
from camera_registry.funding.entries import LONGEST_PAYEE, LONGEST_TEXT, Entered
from camera_registry.funding.kinds import Component, Kind, Paper, Source
from camera_registry.funding.kinds import Form as InForm
from camera_registry.funding.sharing import shares_of
from camera_registry.i18n import N_
from camera_registry.money import amount_of, evenly
from camera_registry.repairs import costs
from camera_registry.repairs import reading as repairs
from camera_registry.spelling import fold
from dashboards.dates import day_of
from dashboards.pages.money_forms import MOST_DIGITS, slug, whole
from dashboards.rendering import Reader, page, reader_of

LONGEST_CODE = 64
LONGEST_CODES = 10_000  # characters of codes that are pasted together
MOST_POINTS = 500  # of one entry, on a page
SPARE_ROWS, MORE_ROWS = 2, 5  # blank ones, to fill in
MOST_OFFERED = 400  # contributors that the field offers, the newest; others are found by their whole name

Text = Annotated[str, Form(max_length=2 * LONGEST_TEXT)]
Short = Annotated[str, Form(max_length=200)]
Several = Annotated[list[str] | None, Form(max_length=MOST_POINTS)]
_NUMBERED = re.compile(r"(.*)#(\d{1,18})\s*", re.DOTALL)

router = APIRouter(prefix="/money/enter", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the form: what is known at first, and what was typed when it was refused."""

    kind: str = Kind.CONTRIBUTION
    form: str = InForm.MONEY
    dated: str = ""
    budget_year: str = ""
    programme: str = ""
    component: str = ""
    contributor: str = ""
    new_kind: str = ""
    new_group: str = ""
    payee: str = ""
    givers: str = ""
    amount: str = ""
    unknown: bool = False
    rest: bool = False
    rows: tuple[tuple[str, str], ...] = ()  # codes of points, and their shares
    codes: str = ""
    text: str = ""
    paper: str = Paper.MINUTES
    number: str = ""
    paper_dated: str = ""
    issuer: str = ""
    repair: str = ""
    reason: str = ""


def _told(
    kind: Short = Kind.CONTRIBUTION,
    form: Short = InForm.MONEY,
    dated: Short = "",
    budget_year: Short = "",
    programme: Short = "",
    component: Short = "",
    contributor: Text = "",
    new_kind: Short = "",
    new_group: Text = "",
    payee: Text = "",
    givers: Short = "",
    amount: Short = "",
    unknown: Annotated[bool, Form()] = False,
    rest: Annotated[bool, Form()] = False,
    point: Several = None,
    share: Several = None,
    codes: Annotated[str, Form(max_length=LONGEST_CODES)] = "",
    text: Text = "",
    paper: Short = Paper.MINUTES,
    number: Short = "",
    paper_dated: Short = "",
    issuer: Text = "",
    repair: Short = "",
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> Told:
    rows = [
        (code.strip()[:LONGEST_CODE], amount.strip())
        for code, amount in zip(point or (), share or (), strict=False)
    ]
    return Told(
        *(kind, form, dated, budget_year, programme, component, contributor, new_kind, new_group, payee),
        *(givers, amount, unknown, rest, tuple(row for row in rows if any(row)), codes, text, paper, number),
        *(paper_dated, issuer, repair, reason),
    )


@router.get("", dependencies=[may(Permission.MONEY)])
def form(
    desk: AtDesk,
    request: Request,
    point: Annotated[list[str] | None, Query(max_length=MOST_POINTS)] = None,
    repair: Number | None = None,
    kind: Kind = Kind.CONTRIBUTION,
    programme: Annotated[str, Query(max_length=LONGEST_CODE)] = "",
    like: Number | None = None,
    done: bool = False,
) -> HTMLResponse:
    """The form: of these points, of the costs of a repair, like another entry, or of the last programme.

    ``done``: the reader has just made the entry ``like``, and the next one may be like it.
    """
    reader = reader_of(request, desk)
    told = Told(kind=kind, dated=reader.today.isoformat(), programme=programme)
    said: list[str] = []
    with desk.database.reading() as session:
        if like is not None:
            told = _like(session, desk, reader, told, like)
            if done:
                message = N_(
                    "Entry {number} waits for approval. What the next one may share with it is kept."
                )
                said.append(reader.say(message, number=like))
        elif not programme:
            last = prefilling.newest_of(session, desk.scope, reader.today, desk.actor.name)
            told = replace(told, programme=last.programme if last is not None else "")
        if repair is not None:
            told = _of_repair(session, desk, reader, told, repair)
    if point:
        told = replace(told, rows=tuple((code[:LONGEST_CODE], "") for code in point))
    return _form(desk, request, told, done=said)


@router.post("", dependencies=[may(Permission.MONEY), FromOwnPage])
def enter(
    desk: AtDesk, request: Request, told: Annotated[Told, Depends(_told)], step: Short = "enter"
) -> Response:
    """Enter it, or prepare it: ``step`` is ``split`` (the sum evenly over the points) or ``more`` (rows)."""
    reader = reader_of(request, desk)
    told = _with_codes(told)
    if step == "more":
        return _form(desk, request, told, spare=max(MORE_ROWS, len(told.rows)))
    try:
        if step == "split":
            told, said = _split(told, reader)
            return _form(desk, request, told, split=said)
        with desk.database.transaction() as session:
            number = _enter(session, desk, reader, told)
    except RegistryError as refused:
        return _form(desk, request, told, refused=refused.text(reader.language))
    if told.repair:
        return RedirectResponse(f"/repairs/{told.repair}", 303)
    return RedirectResponse(f"/money/enter?like={number}&done=true", 303)


def _enter(session: Session, desk: Desk, reader: Reader, told: Told) -> int:
    """Write the entry, with a new contributor and the paper that it stands on; returns its number."""
    rows = [(code, amount_of(share)) for code, share in told.rows if code or share]
    if any(not code for code, _ in rows):
        raise FundingError(N_("A share is there without a point."))
    dated = day_of(told.dated)
    if dated is None:
        raise FundingError(N_("Say of which day it is."))
    shares = shares_of(amount_of(told.amount), rows, unknown=told.unknown, rest=told.rest)
    kind = slug(Kind, told.kind)
    number = entries.enter(
        session,
        desk.actor,
        desk.scope,
        Entered(
            kind=kind,
            dated=dated,
            shares=shares,
            budget_year=whole(told.budget_year),
            programme=told.programme or None,
            contributor_id=_contributor(session, desk, reader, told),
            givers=whole(told.givers) if kind is Kind.CONTRIBUTION else None,
            form=slug(InForm, told.form),
            component=slug(Component, told.component) if told.component else None,
            payee=told.payee,
            text=told.text,
            repair_id=whole(told.repair),
        ),
        reader.now,
        reader.zone,
        told.reason,
    )
    if told.number.strip():
        paper = documents.Filled(
            *(slug(Paper, told.paper), told.number, day_of(told.paper_dated), told.issuer)
        )
        documents.add(
            *(session, CredentialStore(desk.settings), desk.actor, desk.scope, paper),
            *(documents.About(entry=number), reader.now, reader.zone),
        )
    return number


def _contributor(session: Session, desk: Desk, reader: Reader, told: Told) -> int | None:
    """The number of whom the form names: from the list, by the name, by a beginning of no other's, or new."""
    name = " ".join(told.contributor.split())
    if not name:
        return None
    if told.new_kind:
        point = told.rows[0][0] if told.rows else ""
        unit = prefilling.unit_of(session, desk.scope, reader.today, point)
        new = contributors.Filled(slug(Source, told.new_kind), name, unit, told.new_group)
        return contributors.save(session, desk.actor, desk.scope, new, reader.now, reader.zone)
    numbered = _NUMBERED.fullmatch(name)
    if numbered:
        return int(numbered[2])
    rows = reading.contributors(session, desk.scope, reader.today, name)
    same = [row for row in rows if fold(row.name) == fold(name)]
    same = same or [row for row in rows if fold(row.name).startswith(fold(name))]
    if len(same) == 1:
        return same[0].id
    if same:
        raise FundingError(
            N_('Several contributors are called "{name}", or begin so: choose one from the list.'), name=name
        )
    raise FundingError(
        N_('Nobody called "{name}" is among the contributors: say below of what kind, if it is a new one.'),
        name=name,
    )


def _split(told: Told, reader: Reader) -> tuple[Told, str]:
    """The sum evenly over the points, and what that is in words: đồng that are over are said."""
    codes = [code for code, _ in told.rows if code]
    amount = amount_of(told.amount)
    if not codes:
        raise FundingError(N_("Say over which points the sum is to be split."))
    if amount is None:
        raise FundingError(N_("Say which sum is to be split."))
    shares = evenly(amount, len(codes))
    over = amount % len(codes)
    said = reader.many(
        "{amount} for {count} point: {share}.",
        "{amount} over {count} points: {share} each.",
        len(codes),
        amount=reader.dong(amount),
        share=reader.dong(shares[-1]),
    )
    if over:
        more = reader.say(
            N_("{over} are over: one each for {points}."),
            over=reader.dong(over),
            points=", ".join(codes[:over]),
        )
        said = f"{said} {more}"
    rows = tuple((code, reader.number(share)) for code, share in zip(codes, shares, strict=True))
    return replace(told, rows=rows), said


def _with_codes(told: Told) -> Told:
    """The codes that were pasted together stand in rows of their own."""
    pasted = [code.strip()[:LONGEST_CODE] for code in re.split(r"[,;\n]+", told.codes) if code.strip()]
    have = {code for code, _ in told.rows}
    more = tuple((code, "") for code in dict.fromkeys(pasted) if code not in have)
    return replace(told, rows=(told.rows + more)[:MOST_POINTS], codes="")


def _like(session: Session, desk: Desk, reader: Reader, told: Told, number: int) -> Told:
    """What entries that follow one another share; who gave, how much, and for which points is typed anew."""
    other = reading.entry(session, desk.scope, reader.today, number)
    if other is None:
        raise HTTPException(404)
    return replace(
        told,
        kind=other.kind,
        form=other.form,
        dated=other.dated.isoformat(),
        budget_year=str(other.budget_year) if other.budget_year != other.dated.year else "",
        programme=other.programme,
        component=other.component or "",
    )


def _of_repair(session: Session, desk: Desk, reader: Reader, told: Told, number: int) -> Told:
    """The costs of a repair, as its chosen quotation and its payer tell them; without one, its point.

    404 for a repair out of scope.
    """
    found = repairs.repair(session, desk.scope, reader.now, reader.zone, number)
    if found is None:
        raise HTTPException(404)
    told = replace(
        told,
        kind=Kind.EXPENSE,
        form=InForm.MONEY,
        component=found.row.component or "",
        rows=((found.row.point, ""),),
        text=found.row.fault,
        paper=Paper.INVOICE,
        repair=str(number),
    )
    try:
        known = costs.prefilled(session, desk.scope, number, reader.now, reader.zone)
    except RegistryError:  # no quotation is chosen: the rest is typed
        return told
    ((point, amount),) = known.shares
    giver = known.contributor_id and reading.contributor(
        session, desk.scope, reader.today, known.contributor_id
    )
    return replace(
        told,
        component=known.component or "",
        contributor=f"{giver.name} #{giver.id}" if giver else "",
        payee=known.payee,
        amount="" if amount is None else reader.number(amount),
        rows=((point or "", ""),),
        text=known.text,
    )


def _covered(session: Session, desk: Desk, reader: Reader, told: Told) -> bool:
    """Whether it is of a repair that a warranty or a contract pays: then an expense needs a reason."""
    number = int(told.repair) if told.repair.isdecimal() and len(told.repair) <= MOST_DIGITS else 0
    found = repairs.repair(session, desk.scope, reader.now, reader.zone, number)
    return found is not None and found.row.payer is not None and found.row.payer.costs_nothing


def _form(
    desk: Desk,
    request: Request,
    told: Told,
    *,
    spare: int = SPARE_ROWS,
    done: Sequence[str] = (),
    refused: str = "",
    split: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    today = reader.today
    with desk.database.reading() as session:
        known = reading.contributors(session, desk.scope, today)
        programmes = reading.programmes(session, desk.scope, today)
        points = prefilling.points(session, desk.scope, today)
        covered = _covered(session, desk, reader, told)
    return page(
        request,
        desk,
        "money_enter.html",
        reader=reader,
        status=409 if refused else 200,
        address="/money/enter",
        told=told,
        rows=(*told.rows, *[("", "")] * spare),
        contributors=sorted(known, key=lambda row: -row.id)[:MOST_OFFERED],
        programmes={each.code: each.name for each in programmes},
        points=points,
        covered=covered,
        done=done,
        refused=refused,
        split=split,
        words=words,
        longest_name=LONGEST_NAME,
        longest_payee=LONGEST_PAYEE,
        longest_text=LONGEST_TEXT,
        longest_code=LONGEST_CODE,
        longest_codes=LONGEST_CODES,
        longest_reason=audit.LONGEST_REASON,
    )
