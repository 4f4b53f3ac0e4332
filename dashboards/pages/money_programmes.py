"""``/money/programmes``: what money was set aside for, and what became of it; entered and corrected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from camera_registry import audit, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import documents, programmes, reading, words
from camera_registry.funding.documents import About
from camera_registry.funding.programmes import LONGEST_CODE, LONGEST_NAME, LONGEST_NOTE, Filled
from camera_registry.funding.reading import ProgrammeRow
from camera_registry.funding.sums import Line, Totals, over_points, totals, unknown_parts
from camera_registry.i18n import N_
from camera_registry.money import Sum
from dashboards import tables
from dashboards.dates import day_of
from dashboards.leafing import FromAddress, chosen
from dashboards.pages.money_forms import whole
from dashboards.rendering import page, reader_of
from dashboards.tables import Column

Text = Annotated[str, Form(max_length=2 * LONGEST_NAME)]
Short = Annotated[str, Form(max_length=200)]

router = APIRouter(prefix="/money/programmes", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the form."""

    code: str = ""
    name: str = ""
    decision: str = ""
    decided_on: str = ""
    levels: str = ""
    first_year: str = ""
    last_year: str = ""
    unit: str = ""
    note: str = ""
    reason: str = ""
    new: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """A programme with what its approved entries sum to; ``told``: the same over its points."""

    programme: ProgrammeRow
    totals: Totals
    told: Mapping[str, Sum | None]


def _told(
    code: Short = "",
    name: Text = "",
    decision: Text = "",
    decided_on: Short = "",
    levels: Text = "",
    first_year: Short = "",
    last_year: Short = "",
    unit: Short = "",
    note: Annotated[str, Form(max_length=2 * LONGEST_NOTE)] = "",
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
    new: Annotated[bool, Form()] = False,
) -> Told:
    return Told(code, name, decision, decided_on, levels, first_year, last_year, unit, note, reason, new)


def _known(of: Sum | None) -> int | None:
    """What a file has of a sum: nothing where nothing of it is known."""
    return None if of is None or (of.unknown and not of.known) else of.known


COLUMNS: Sequence[Column[Row]] = (
    Column("code", N_("Code"), lambda row: row.programme.code),
    Column("name", N_("Programme"), lambda row: row.programme.name),
    Column("unit", N_("Unit"), lambda row: row.programme.unit),
    Column("decision", N_("Decision"), lambda row: row.programme.decision),
    Column("first_year", N_("From year"), lambda row: row.programme.first_year),
    Column("last_year", N_("To year"), lambda row: row.programme.last_year),
    Column("estimate", N_("Estimated"), lambda row: _known(row.told["estimate"])),
    Column("collected", N_("Collected"), lambda row: _known(row.told["collected"])),
    Column("spent", N_("Spent"), lambda row: _known(row.told["spent"])),
    Column("balance", N_("Balance of money"), lambda row: _known(row.told["balance"])),
    Column("settled", N_("Settled"), lambda row: _known(row.told["settled"])),
    Column("unknown", N_("Entries without a figure"), lambda row: unknown_parts(row.told)),
)


@router.get("", dependencies=[may(Permission.FUNDING)])
def every(desk: AtDesk, request: Request, wanted: FromAddress) -> Response:
    """All in scope, each with its sums."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        lines = reading.lines(session, desk.scope, reader.today)
        known = reading.programmes(session, desk.scope, reader.today)
        waiting = reading.waiting_count(session, desk.scope, reader.today)
    of_programme: dict[str, list[Line]] = {}
    for line in lines:
        of_programme.setdefault(line.programme, []).append(line)
    rows = chosen([_row(each, of_programme.get(each.code, ())) for each in known], COLUMNS, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "programmes", COLUMNS, rows, reader)
    return page(
        request,
        desk,
        "money_programmes.html",
        reader=reader,
        wanted=wanted,
        columns=tables.titles(COLUMNS),
        rows=rows,
        apart=totals(of_programme[""]) if "" in of_programme else None,
        waiting=waiting,
    )


def _row(programme: ProgrammeRow, lines: Sequence[Line]) -> Row:
    return Row(programme, totals(lines), over_points(lines, {line.point for line in lines if line.point}))


@router.get("/enter", dependencies=[may(Permission.MONEY)])
def form(
    desk: AtDesk, request: Request, code: Annotated[str, Query(max_length=LONGEST_CODE)] = ""
) -> HTMLResponse:
    """The form of a new one, or of that with this code."""
    return shown(desk, request, code) if code else _form(desk, request, Told())


@router.post("/enter", dependencies=[may(Permission.MONEY), FromOwnPage])
def save(desk: AtDesk, request: Request, told: Annotated[Told, Depends(_told)]) -> Response:
    """Make it, or correct it."""
    reader = reader_of(request, desk)
    try:
        filled = Filled(
            *(told.code, told.name, told.decision, day_of(told.decided_on), told.levels),
            *(whole(told.first_year), whole(told.last_year), told.unit, told.note),
        )
        reason = told.reason if told.new else audit.reason_of(told.reason)
        with desk.database.transaction() as session:
            programmes.save(
                *(session, desk.actor, desk.scope, filled, reader.now, reader.zone),
                new=told.new,
                reason=reason,
            )
    except RegistryError as refused:
        return _form(desk, request, told, refused=refused.text(reader.language))
    return RedirectResponse("/money/programmes", 303)


def shown(desk: Desk, request: Request, code: str, *, refused: str = "") -> HTMLResponse:
    """The form of the programme of this code as it is; 404 where it is not the reader's to change."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        found = reading.programme(session, desk.scope, reader.today, code)
    if found is None or not found.changeable:
        raise HTTPException(404)
    told = Told(
        *(found.code, found.name, found.decision),
        decided_on=found.decided_on.isoformat() if found.decided_on else "",
        levels=found.levels,
        first_year=str(found.first_year or ""),
        last_year=str(found.last_year or ""),
        unit=found.unit_uid,
        note=found.note,
        new=False,
    )
    return _form(desk, request, told, refused=refused)


def _form(desk: Desk, request: Request, told: Told, *, refused: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        units = queries.units_of_today(session, desk.scope, reader.today)
        papers = documents.documents(session, desk.scope, reader.today, About(programme=told.code))
    return page(
        request,
        desk,
        "money_programme.html",
        reader=reader,
        status=409 if refused else 200,
        address="/money/programmes/enter",
        told=told,
        refused=refused,
        papers=papers,
        units={each.uid: each.name for each in units},
        whole_city=desk.scope.unit_ids is None,
        words=words,
        longest_code=LONGEST_CODE,
        longest_name=LONGEST_NAME,
    )
