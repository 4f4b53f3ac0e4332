"""Figures of a period as JSON: the intervals of one eye and what they come to, and availability by group.

``from`` and ``to`` are days of the registry's zone (2026-09-01) or moments with an offset, ``to`` exclusive;
without them it is this month. A question is about ``periods.LONGEST_DAYS`` days at most. Lengths are seconds,
rates are fractions, ``null`` where nothing was observed; each rate has its coverage beside it.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, HTTPException, Query, Response

from camera_registry import explaining, figures, periods
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.auth.roles import Permission
from camera_registry.explaining import EYE, ExplainError
from camera_registry.figures import Figure, Group
from camera_registry.health import RULES_VERSION
from camera_registry.periods import PeriodError
from camera_registry.uptime import Span
from probes.reasons import Check

From = Annotated[str, Query(alias="from", description="A day, or a moment with its offset.")]
To = Annotated[str, Query(alias="to", description="The first day or moment no longer counted.")]

MICROSECONDS = 1_000_000

router = APIRouter(prefix="/api/v1")


@router.get("/eyes/{code:path}/intervals", dependencies=[may(Permission.VIEW)])
def intervals(
    desk: AtDesk, code: str, start: From = "", end: To = "", check: Check | None = None
) -> Response:
    """How one eye's figures came about; the intervals are of its own ledger, or of ``check``."""
    now, asked = _asked(desk, start, end)
    with desk.database.reading() as session:
        try:
            found = explaining.explain(session, desk.scope, now, desk.settings.zone, code, asked)
        except ExplainError as refused:
            raise HTTPException(409, str(refused)) from None
    if found is None:
        raise HTTPException(404, "There is no such eye.")
    return _answer({"as_of": now, **explaining.as_json(found, EYE if check is None else check)})


@router.get("/availability", dependencies=[may(Permission.VIEW)])
def availability(
    desk: AtDesk,
    start: From = "",
    end: To = "",
    group: Group = Group.UNIT,
    units_at: date | None = None,
    unit: str | None = None,
    point: str | None = None,
) -> Response:
    """The figures of a period by eye, point, unit, funding, site, or in total.

    Units are those of ``units_at`` (default: the last day of the period that has begun). ``unit`` (a uid)
    and ``point`` (a code) narrow what is counted.
    """
    now, asked = _asked(desk, start, end)
    zone = desk.settings.zone
    day = units_at or periods.last_day(asked, now, zone)
    with desk.database.reading() as session:
        found = figures.availability(
            session, desk.scope, now, zone, asked, group, day, unit=unit, point=point
        )
    return _answer(
        {
            "as_of": now,
            "from": asked.start,
            "to": asked.end,
            "counted_until": asked.until(now).end,
            "group": group,
            "units_at": day,
            "rules_version": RULES_VERSION,
            "figures": [_figure(each) for each in found],
        }
    )


def _asked(desk: Desk, start: str, end: str) -> tuple[datetime, Span]:
    """Now, and the period of a request."""
    now = desk.now()
    try:
        return now, periods.asked(start, end, desk.settings.zone, now)
    except PeriodError as refused:
        raise HTTPException(422, str(refused)) from None


def _figure(figure: Figure) -> Mapping[str, Any]:
    tally = figure.tally
    states = {f"{state}_s": getattr(tally, state) / MICROSECONDS for state in explaining.STATES}
    rates = {
        "availability": tally.availability,
        "coverage": tally.coverage,
        "usable": tally.usable_rate,
        "usable_coverage": tally.usable_coverage,
    }
    for check in (Check.SNAPSHOT, Check.CLOCK, Check.RECORDING):
        rates |= {str(check): tally.rate(check), f"{check}_coverage": tally.coverage_of(check)}
    served = figure.served
    return {
        "key": figure.key,
        "name": figure.name,
        "eyes": figure.eyes,
        **rates,
        **states,
        "outages": figure.outages,
        "longest_outage_s": figure.longest_outage_s,
        "mttr_s": figure.mttr_s,
        "mtbf_s": figure.mtbf_s,
        "blips": figure.blips,
        "served": None
        if served is None
        else {
            "served_s": served.served / MICROSECONDS,
            "not_served_s": served.not_served / MICROSECONDS,
            "unknown_s": served.unknown / MICROSECONDS,
        },
    }


def _answer(body: Mapping[str, Any]) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
