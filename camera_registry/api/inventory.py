"""What there is and how it is: eyes, units, totals, and the ledger, as JSON."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Response

from camera_registry import queries
from camera_registry.api.desk import AtDesk, may
from camera_registry.api.numbers import Number
from camera_registry.auth.roles import Permission
from camera_registry.queries import EyeRow

MOST_TRANSITIONS = 10_000

router = APIRouter(prefix="/api/v1")


def _answer(body: dict[str, Any]) -> Response:
    # orjson writes dataclasses as they are: a route with a model would cost ten times as much.
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


def _eyes(desk: AtDesk, standing: str = "", unit: str = "", text: str = "") -> dict[str, Any]:
    now = desk.now()
    with desk.database.reading() as session:
        rows = queries.eyes(session, desk.scope, now, desk.settings.zone)
    return {"as_of": now, "eyes": queries.matching(rows, standing=standing, unit=unit, text=text)}


@router.get("/eyes", dependencies=[may(Permission.VIEW)])
def eyes(desk: AtDesk, standing: str = "", unit: str = "", q: str = "") -> Response:
    """Every eye in scope, narrowed by ``standing``, ``unit`` (its code) and words."""
    return _answer(_eyes(desk, standing, unit, q))


@router.get("/eyes/{code:path}", dependencies=[may(Permission.VIEW)])
def eye(desk: AtDesk, code: str) -> Response:
    """One eye: its checks, the newest rung of each step, media and notes, its newest transitions."""
    now = desk.now()
    with desk.database.reading() as session:
        detail = queries.eye(session, desk.scope, now, desk.settings.zone, code)
    if detail is None:
        raise HTTPException(404, "There is no such eye.")
    return _answer({"as_of": now, "eye": detail})


@router.get("/findings", dependencies=[may(Permission.VIEW)])
def findings(desk: AtDesk) -> Response:
    """What probes proved of the security of eyes in scope, and is still so: never a matter of health."""
    now = desk.now()
    with desk.database.reading() as session:
        rows = queries.findings(session, desk.scope, now.astimezone(desk.settings.zone).date())
    return _answer({"as_of": now, "findings": rows})


@router.get("/units", dependencies=[may(Permission.VIEW)])
def units(desk: AtDesk) -> Response:
    """The units of today with their eyes by standing."""
    found = _eyes(desk)
    rows: list[EyeRow] = found["eyes"]
    return _answer({"as_of": found["as_of"], "units": queries.units(rows)})


@router.get("/totals", dependencies=[may(Permission.VIEW)])
def totals(desk: AtDesk) -> Response:
    """All eyes in scope by standing; rates are fractions, null where nothing is observed."""
    found = _eyes(desk)
    counted = queries.totals(found["eyes"])
    rates = {"working": counted.working, "coverage": counted.coverage}
    return _answer({"as_of": found["as_of"], "totals": counted, **rates})


@router.get("/transitions", dependencies=[may(Permission.VIEW)])
def transitions(
    desk: AtDesk,
    after: Number = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_TRANSITIONS)] = 1_000,
) -> Response:
    """The ledger's lines with an id above ``after``, oldest first; ask again with the last id you have."""
    today = desk.now().astimezone(desk.settings.zone).date()
    with desk.database.reading() as session:
        lines = queries.transitions(session, desk.scope, today, after, limit)
    return _answer({"transitions": lines})
