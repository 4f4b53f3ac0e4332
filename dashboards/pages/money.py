"""``/money``: the funding ledger: what was estimated, collected, spent and is left; every entry of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.auth.roles import Permission
from camera_registry.funding import files, prefilling, reading, words
from camera_registry.funding.kinds import Component, Form, Kind, Source, State
from camera_registry.funding.reading import Wanted
from camera_registry.funding.sums import TOLD, Line, over_points, totals
from camera_registry.money import Sum
from dashboards import tables
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import AsFile, FileKind

LONGEST_CONDITION = 200  # characters

Condition = Annotated[str, Query(max_length=LONGEST_CONDITION)]
Slug = TypeVar("Slug", bound=StrEnum)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address asks of the list; blank is all. ``unit`` is a uid, ``contributor`` a number."""

    q: Condition = ""
    kind: Condition = ""
    state: Condition = ""
    source: Condition = ""
    form: Condition = ""
    component: Condition = ""
    programme: Condition = ""
    contributor: Condition = ""
    point: Condition = ""
    unit: Condition = ""
    year: Condition = ""

    @property
    def query(self) -> dict[str, str]:
        said = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {name: value for name, value in said.items() if value}

    @property
    def wanted(self) -> Wanted:
        """The same in values; what is none is not asked for."""
        return Wanted(
            kind=_slug(Kind, self.kind),
            state=_slug(State, self.state),
            source=_slug(Source, self.source),
            form=_slug(Form, self.form),
            component=_slug(Component, self.component),
            programme=self.programme,
            contributor=_whole(self.contributor),
            point=self.point,
            unit=self.unit,
            year=_whole(self.year),
            text=self.q,
        )


FromAddress = Annotated[Choice, Depends()]


@router.get("/money", dependencies=[may(Permission.FUNDING)])
def ledger(
    desk: AtDesk, request: Request, choice: FromAddress, behind: Condition = "", as_: AsFile = None
) -> Response:
    """The sums of what was chosen, and its entries leaf by leaf; or all of these as a file."""
    reader = reader_of(request, desk)
    if as_:
        return _file(desk, request, as_, choice, reader)
    today, scope, wanted = reader.today, desk.scope, choice.wanted
    with desk.database.reading() as session:
        leaf = reading.entries(session, scope, today, wanted, behind=behind)
        lines = reading.lines(
            *(session, scope, today),
            point=wanted.point or None,
            programme=wanted.programme or None,
            unit=wanted.unit or None,
            year=wanted.year,
            contributor=wanted.contributor,
        )
        told = _told(session, desk, reader, wanted, lines)
        programmes = reading.programmes(session, scope, today)
        units = queries.units_of_today(session, scope, today)
        years = reading.years(session, scope, today)
        giver = wanted.contributor and reading.contributor(session, scope, today, wanted.contributor)
        waiting = reading.waiting_count(session, scope, today)
    return page(
        request,
        desk,
        "money.html",
        reader=reader,
        choice=choice,
        leaf=leaf,
        behind=behind,
        older=f"?{urlencode(choice.query | {'behind': leaf.older})}" if leaf.older else "",
        totals=totals(lines),
        told=told,
        waiting=waiting,
        contributor=giver,
        programmes={each.code: each.name for each in programmes},
        units={each.uid: each.name for each in units},
        years=years,
        words=words,
    )


def _told(
    session: Session, desk: Desk, reader: Reader, wanted: Wanted, lines: Sequence[Line]
) -> Mapping[str, Sum | None]:
    """The sums as the reports of these points have them, with the points of which nothing is known.

    What one contributor gave, or what is of one budget year, is no whole of any point.
    """
    if wanted.contributor or wanted.year:
        whole = totals(lines)
        return {name: read(whole) for name, read in TOLD.items()}
    if wanted.programme:
        points = {line.point for line in lines if line.point}
    else:
        scope = reading.within(session, desk.scope, wanted.unit) if wanted.unit else desk.scope
        points = set(prefilling.points(session, scope, reader.today))
    return over_points(lines, points & {wanted.point} if wanted.point else points)


def _file(desk: Desk, request: Request, kind: FileKind, choice: Choice, reader: Reader) -> Response:
    """All entries that were chosen, in the form in which they can be brought back: a share a row.

    What was refused is among them where it was asked for: it stands in no ledger.
    """
    wanted = choice.wanted
    with desk.database.reading() as session:
        rows = reading.every(session, desk.scope, reader.today, wanted)
        if wanted.state is None:
            rows = [row for row in rows if row.state is not State.REFUSED]
        groups = files.groups_of(session, desk.scope, reader.today)
    tables.taken_home(desk, request, kind, "money", len(rows), reader)
    written = {FileKind.XLSX: files.workbook, FileKind.CSV: files.text}[kind]
    return tables.download(kind, "money", written(rows, groups, reader.language), reader)


def _slug(kind: type[Slug], text: str) -> Slug | None:
    return kind(text) if text in set(kind) else None


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 18 else None
