"""``/eyes/{code}``: how an eye is and was, how far probes climbed, what was measured, what people changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlalchemy.orm import Session

from camera_registry import audit_log, custody, explaining, queries, samples
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.auth.roles import Permission
from camera_registry.explaining import Explanation
from camera_registry.i18n import N_
from camera_registry.inventory import Reach
from camera_registry.queries import MEASURED, EyeDetail
from camera_registry.uptime import Span
from dashboards import ladders, strips
from dashboards.rendering import Reader, page, reader_of

SPANS = {
    "24h": (timedelta(days=1), N_("24 hours")),
    "7d": (timedelta(days=7), N_("7 days")),
    "90d": (timedelta(days=90), N_("90 days")),
    "1y": (timedelta(days=365), N_("1 year")),
}
FEW_ROWS, MOST_ROWS = 6, 60  # of a table, at once and unfolded; the page of the figure has all

# What each curve is called, and how its values are written: as they are, or in thousands.
CURVES = {
    samples.Series.LATENCY: (N_("Until the first packet, seconds"), 1),
    samples.Series.BITRATE: (N_("Bit rate, kbit/s"), 1000),
    samples.Series.CLOCK: (N_("Clock of the device minus ours, seconds"), 1),
    samples.Series.SHARPNESS: (N_("Sharpness"), 1),
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Past:
    """A span of an eye's past: by which name it was asked for, and what came of it."""

    name: str
    span: Span
    found: Explanation
    bars: list[strips.Bar]
    marks: list[strips.Mark]


@router.get("/eyes/{code:path}", dependencies=[may(Permission.VIEW)])
def eye(desk: AtDesk, request: Request, code: str, span: str = "24h") -> HTMLResponse:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    today = reader.today
    with desk.database.reading() as session:
        detail = queries.eye(session, desk.scope, reader.now, reader.zone, code)
        if detail is None:
            raise HTTPException(404)
        past = _past(session, desk, reader, detail, span if span in SPANS else "24h")
        custodies = custody.history(session, desk.scope, today, detail.eye.point) or []
        subjects = [f"eye:{code}", f"device:{detail.device}", f"point:{detail.eye.point}"]
        history = audit_log.history(session, desk.scope, today, subjects)
    return page(
        request,
        desk,
        "eye.html",
        reader=reader,
        revision=revision,
        detail=detail,
        eye=detail.eye,
        past=past,
        spans=SPANS,
        states=explaining.STATES,
        curves=CURVES,
        curves_kept=samples.KEPT,
        curves_from=_curves_from(desk, reader, past),
        stages=ladders.ladder(detail),
        holder=next((each for each in reversed(custodies) if each.lasts_on(today)), None),
        history=history,
        askable=detail.eye.overlay in MEASURED,
        few=FEW_ROWS,
        limit=MOST_ROWS,
    )


def _curves_from(desk: Desk, reader: Reader, past: Past | None) -> datetime:
    """Where the curves of the page begin: what the registry has forgotten only Prometheus can tell."""
    kept_from = reader.now - samples.KEPT
    if past is None:
        return kept_from
    return past.span.start if desk.settings.prometheus_url else max(past.span.start, kept_from)


def _past(session: Session, desk: Desk, reader: Reader, detail: EyeDetail, name: str) -> Past | None:
    """``None`` of an eye that no network reaches: nothing was measured of it."""
    if detail.reach == Reach.REPORTED:
        return None
    span = Span(reader.now - SPANS[name][0], reader.now)
    found = explaining.explain(session, desk.scope, reader.now, reader.zone, detail.eye.code, span)
    if found is None:
        return None
    bars = list(strips.bars(found.intervals, span))
    return Past(name, span, found, bars, list(strips.marks(span, reader.language, reader.zone)))
