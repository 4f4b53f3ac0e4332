"""For those who watch the monitor itself: is it alive, and what does it measure."""

from collections.abc import Mapping
from hmac import compare_digest

import orjson
from fastapi import APIRouter, HTTPException, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from camera_registry import gauges, metrics, outages, queries, samples
from camera_registry.api.desk import AtDesk, Desk, identify
from camera_registry.api.guard import by_itself
from camera_registry.auth.roles import Permission
from camera_registry.units import Scope

router = APIRouter()


@router.get("/healthz")
def healthz(desk: AtDesk) -> Response:
    """200 while the database answers and probes go on; 503 with the reason otherwise."""
    now = desk.now()
    try:
        pulse = desk.pulse(Scope.everything(), now)
    except SQLAlchemyError:
        return _health(503, {"status": "failing", "database": False})
    # A program that has only just started may have had no time to probe.
    heard = max(filter(None, (pulse.newest_probe_at, desk.started_at)))
    patience_s = pulse.patience_s(desk.settings.silence_factor)
    stalled = bool(pulse.waiting) and (now - heard).total_seconds() > patience_s
    newest = pulse.newest_probe_at
    body = {
        "status": "failing" if stalled else "ok",
        "database": True,
        "eyes_waiting": pulse.waiting,
        "newest_probe_at": newest,
        "newest_probe_age_s": (now - newest).total_seconds() if newest else None,
        "patience_s": patience_s,
    }
    return _health(503 if stalled else 200, body)


def _health(status: int, body: Mapping[str, object]) -> Response:
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), status, media_type="application/json")


@router.get("/metrics")
def scrape(desk: AtDesk, request: Request) -> Response:
    """Prometheus text: for who has the token of the settings, for who may scrape, and for a lone machine."""
    if not _may_scrape(desk, request):
        raise HTTPException(403, "Metrics are for a bearer of a token that may scrape; see deploy/README.md.")
    now, everything = desk.now(), Scope.everything()
    with desk.database.reading() as session:
        rows = queries.eyes(session, everything, now, desk.settings.zone)
        ailing = queries.conditions(session)
        measures = queries.measures(session)
        findings = queries.findings(session, everything, now.astimezone(desk.settings.zone).date())
        incidents = metrics.incident_lines(outages.open_by_kind(session))
        streams = metrics.stream_lines(samples.newest(session, now))
        watched = gauges.read(session, desk.settings.zone, now)
    units, asked = queries.units(rows), desk.pulse(everything, now).sites
    eyes = desk.lines.render(rows, units, ailing, measures, findings)
    others = gauges.lines(watched, metrics.unit_labels(units), asked)
    return Response(
        metrics.exposition(eyes + streams + incidents + others, desk.counters),
        media_type=metrics.CONTENT_TYPE,
    )


def _may_scrape(desk: Desk, request: Request) -> bool:
    # A proxy in front that says nothing of itself looks like this machine: see the guard.
    if by_itself(request.scope) and not desk.settings.public_names:
        return True
    if _has_settings_token(desk, request):
        return True
    identity = identify(request)
    # Metrics are of the whole city: who sees a part of it has no use for them.
    return identity is not None and identity.may(Permission.SCRAPE) and identity.scope.unit_ids is None


def _has_settings_token(desk: Desk, request: Request) -> bool:
    if desk.settings.metrics_token is None:
        return False
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    # Starlette reads headers as Latin-1; what was sent are those bytes.
    wanted = desk.settings.metrics_token.get_secret_value()
    return kind.lower() == "bearer" and compare_digest(token.strip().encode("latin-1"), wanted.encode())
