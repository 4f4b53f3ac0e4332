"""Repairs as JSON: what is to be mended, who pays, what it costs, and for how long it was in each state.

Amounts are whole đồng: ``known`` is what is known of a sum, ``unknown`` how many of its parts nobody knows.
Without a period the repairs of today; with one those that were open in it, as they stood at its end.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Response

from camera_registry import periods
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.money import Sum
from camera_registry.periods import PeriodError
from camera_registry.repairs import reading
from camera_registry.repairs.reading import RepairRow
from camera_registry.repairs.states import OPEN, Payer, State

From = Annotated[str, Query(alias="from", description="A day, or a moment with its offset.")]
To = Annotated[str, Query(alias="to", description="The first day or moment no longer looked at.")]
States = Annotated[list[State] | None, Query(alias="state", description="Repeat it; without it, all open.")]

router = APIRouter(prefix="/api/v1")


@router.get("/repairs", dependencies=[may(Permission.FUNDING)])
def repairs(
    desk: AtDesk,
    states: States = None,
    start: From = "",
    end: To = "",
    unit: str | None = None,
    point: str | None = None,
    payer: Payer | None = None,
) -> Response:
    """By state, those that have waited longest first; ``unit`` is a uid, ``point`` a code."""
    now, zone = desk.now(), desk.settings.zone
    try:
        within = periods.asked(start, end, zone, now) if start or end else None
    except PeriodError as refused:
        raise HTTPException(422, str(refused)) from None
    with desk.database.reading() as session:
        found = reading.board(
            *(session, desk.scope, now, zone),
            states=states or (OPEN if within is None else tuple(State)),
            unit=unit,
            point=point,
            payer=payer,
            within=within,
        )
    body = {"as_of": now, "repairs": [_repair(each) for each in found]}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


def _repair(row: RepairRow) -> Mapping[str, Any]:
    return {
        "id": row.id,
        "point": row.point,
        "point_name": row.point_name,
        "unit": row.unit,
        "eyes": row.eyes,
        "fault": row.fault,
        "component": row.component,
        "state": row.state,
        "since": row.since,
        "opened_at": row.opened_at,
        "payer": row.payer,
        "grounds": row.grounds,
        "incidents": row.incidents,
        "proposal": row.proposal,
        "asked": row.asked,
        "spent": _sum(row.cost.spent),
        "given": _sum(row.cost.given),
        "not_approved": _sum(row.cost.waiting),
        "seconds": {str(state): row.times.of(state).total_seconds() for state in State},
        "steps": [{"at": step.at, "state": step.state, "text": step.text} for step in row.steps],
    }


def _sum(amount: Sum) -> Mapping[str, int]:
    return {"known": amount.known, "unknown": amount.unknown}
