"""The first page: the city in numbers, its units, and every eye; and the fragment that keeps it live."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from camera_registry import outages, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.auth.roles import Permission
from camera_registry.queries import EyeRow
from dashboards.rendering import Reader, page, reader_of

MOST_ROWS = 1_000  # more are not laid out at once; searching narrows them

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which eyes the reader wants to see; it lives in the page's address."""

    standing: str = ""
    unit: str = ""
    q: str = ""

    @property
    def query(self) -> dict[str, str]:
        return {"standing": self.standing, "unit": self.unit, "q": self.q}


@router.get("/", dependencies=[may(Permission.VIEW)])
def city(desk: AtDesk, request: Request, standing: str = "", unit: str = "", q: str = "") -> HTMLResponse:
    reader = reader_of(request, desk)
    return _city(request, desk, reader, "city.html", Choice(standing, unit, q), only=None)


@router.get("/live", dependencies=[may(Permission.VIEW)])
def live(
    desk: AtDesk,
    request: Request,
    standing: str = "",
    unit: str = "",
    q: str = "",
    eye: Annotated[list[str] | None, Query()] = None,
) -> HTMLResponse:
    """Totals, units and the rows of the named eyes; the page puts them in place of what it shows."""
    reader = reader_of(request, desk)
    return _city(request, desk, reader, "live.html", Choice(standing, unit, q), only=frozenset(eye or ()))


def _city(
    request: Request,
    desk: Desk,
    reader: Reader,
    template: str,
    choice: Choice,
    only: frozenset[str] | None,
) -> HTMLResponse:
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    with desk.database.reading() as session:
        rows = queries.eyes(session, desk.scope, reader.now, reader.zone)
        open_ = outages.incidents(session, desk.scope, reader.now, reader.zone, open_=True)
    chosen = queries.matching(rows, standing=choice.standing, unit=choice.unit, text=choice.q)
    places = {row.code: place for place, row in enumerate(rows)}
    shown = [(places[row.code], row) for row in chosen[:MOST_ROWS] if only is None or row.code in only]
    return page(
        request,
        desk,
        template,
        reader=reader,
        revision=revision,
        totals=queries.totals(rows),
        units=queries.units(rows),
        incidents=[each for each in open_ if each.announced_at <= reader.now],
        choice=choice,
        chosen=len(chosen),
        shown=shown,
        limit=MOST_ROWS,
        standings=queries.STANDINGS,
        names=_unit_names(rows),
    )


def _unit_names(rows: list[EyeRow]) -> dict[str, str]:
    return {row.unit_code: row.unit for row in rows}
