"""How the figure of one eye came about: a bar of the period, what was left out and why, the arithmetic."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from camera_registry import explaining
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.explaining import ExplainError, Explanation
from dashboards import strips
from dashboards.choosing import choose
from dashboards.rendering import page, reader_of

MOST_ROWS = 500  # of a table; the API has all

router = APIRouter(include_in_schema=False)


@router.get("/eyes/{code:path}/figure", dependencies=[may(Permission.VIEW)])
def figure(
    desk: AtDesk,
    request: Request,
    code: str,
    period: str = "",
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    chosen = choose(reader, period, start, end)
    found: Explanation | None = None
    unmeasured = ""
    with desk.database.reading() as session:
        try:
            found = explaining.explain(session, desk.scope, reader.now, reader.zone, code, chosen.span)
        except ExplainError as refused:
            unmeasured = refused.text(reader.language)
    if found is None and not unmeasured:
        raise HTTPException(404)
    return page(
        request,
        desk,
        "figure.html",
        reader=reader,
        status=422 if chosen.problem else 200,
        code=code,
        period=chosen,
        found=found,
        unmeasured=unmeasured,
        strips=_strips(found) if found else [],
        marks=strips.marks(chosen.span, reader.language, reader.zone),
        limit=MOST_ROWS,
        states=explaining.STATES,
        mttr=explaining.MTTR,
        mtbf=explaining.MTBF,
    )


def _strips(found: Explanation) -> list[tuple[str, list[strips.Bar]]]:
    """The eye's bar, then one of each check that was made; by the name of the ledger."""
    ledgers = {explaining.EYE: found.intervals} | {
        str(check): intervals for check, intervals in found.checks.items() if check != "stream"
    }
    return [(ledger, list(strips.bars(intervals, found.asked))) for ledger, intervals in ledgers.items()]
