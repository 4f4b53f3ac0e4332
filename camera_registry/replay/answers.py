"""What a played scenario comes to: figures of eyes, points and units, and incidents, as plain values."""

from collections.abc import Collection, Mapping
from datetime import datetime, tzinfo
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import figures, histories, incident_book, incidents, sites
from camera_registry.figures import Figure, Group
from camera_registry.histories import BEGINNING
from camera_registry.incidents import Incident, Kind
from camera_registry.models import EyeState
from camera_registry.replay.playing import Names, Played, play
from camera_registry.replay.scenario import Report, Scenario
from camera_registry.units import Scope
from camera_registry.uptime import Served, Span, Tally
from probes.reasons import Check

Answer = dict[str, Any]


def replay(scenario: Scenario) -> list[Answer]:
    """The answer to each report of ``scenario``, as ``docs/replay.md`` describes it.

    Raises ``ScenarioError`` for a window of maintenance that cannot be.
    """
    answers: list[Answer] = []
    for now, reports in groupby(scenario.reports, key=lambda report: report.now):
        with play(scenario, now) as played, played.database.reading() as session:
            causes = _causes(session, played)
            answers += [_answer(session, played, causes, report) for report in reports]
    return answers


def _answer(session: Session, played: Played, causes: Collection[Incident], report: Report) -> Answer:
    names, zone = played.names, played.scenario.setup.zone
    within = report.span.until(played.now)
    day = within.end.astimezone(zone).date()

    def by(group: Group) -> dict[str, Figure]:
        asked = figures.availability(session, Scope.everything(), played.now, zone, within, group, day)
        return {figure.key: figure for figure in asked}

    called = _called(names)
    of_eyes, of_points, of_units = by(Group.EYE), by(Group.POINT), by(Group.UNIT)
    return {
        "eyes": {name: _figures(of_eyes.get(name, _nothing(name))) for name in names.eyes},
        "points": {name: _served(of_points.get(name, _nothing(name)).served) for name in names.points},
        "units": {name: _figures(of_units.get(name, _nothing(name))) for name in names.units},
        "incidents": [_incident(each, called, zone) for each in causes if _touches(each, within)],
        "messages": None,  # nobody is told anything yet
    }


def _nothing(name: str) -> Figure:
    """Of a unit without eyes, say."""
    return Figure(name, name, Tally(), 0, 0, None, None, 0, 0)


def _figures(figure: Figure) -> Answer:
    tally = figure.tally
    return {
        "up_s": _seconds(tally.up),
        "degraded_s": _seconds(tally.degraded),
        "down_s": _seconds(tally.down),
        "unknown_s": _seconds(tally.unknown),
        "maintenance_s": _seconds(tally.maintenance),
        "not_in_service_s": _seconds(tally.not_in_service),
        "availability": tally.availability,
        "usable": tally.usable_rate,
        "coverage": tally.coverage,
        "usable_coverage": tally.usable_coverage,
        "outages": figure.outages,
        "longest_outage_s": _plain(figure.longest_outage_s),
        "mttr_s": _plain(figure.mttr_s),
        "mtbf_s": _plain(figure.mtbf_s),
        "blips": figure.blips,
    }


def _served(point: Served | None) -> Answer:
    point = point or Served()
    return {
        "served_s": _seconds(point.served),
        "not_served_s": _seconds(point.not_served),
        "unknown_s": _seconds(point.unknown),
    }


def _seconds(microseconds: int) -> float | None:
    return _plain(microseconds / 1_000_000)


def _plain(seconds: float | None) -> float | None:
    """Without a fraction where there is none."""
    return seconds if seconds is None or seconds % 1 else int(seconds)


# --- incidents --------------------------------------------------------------------------------------


def _causes(session: Session, played: Played) -> list[Incident]:
    """Every incident there ever was."""
    now, names = played.now, played.names
    setup = played.scenario.setup
    ever = Span(BEGINNING, now)
    found = histories.load(session, names.eyes.values(), ever, now, setup.zone)
    first_ok = session.execute(select(EyeState.eye_id, EyeState.first_ok_at))
    lives = incidents.lives_of(
        found,
        incident_book.places_of_today(session, setup.zone, now).values(),
        dict.fromkeys(found, setup.checks[Check.STREAM].interval_s),
        ever,
        {eye_id: at for eye_id, at in first_ok if at is not None},
    )
    return incidents.incidents(lives, sites.losses(session, ever, now), now)


def _touches(incident: Incident, within: Span) -> bool:
    return incident.started_at < within.end and (
        incident.ended_at is None or incident.ended_at > within.start
    )


def _called(names: Names) -> dict[Kind, dict[int, str]]:
    """The names of what incidents are of, by their ids."""
    ids: Mapping[Kind, Mapping[str, int]] = {
        Kind.EYE: names.eyes,
        Kind.DEVICE: names.devices,
        Kind.POINT: names.points,
        Kind.UNIT: names.units,
        Kind.AREA: names.units,
        Kind.SITE: names.sites,
    }
    return {kind: {id_: name for name, id_ in some.items()} for kind, some in ids.items()}


def _incident(incident: Incident, called: Mapping[Kind, Mapping[int, str]], zone: tzinfo) -> Answer:
    return {
        "kind": str(incident.kind),
        "ancestor": called[incident.kind][incident.ancestor],
        "started_at": _moment(incident.started_at, zone),
        "ended_at": _moment(incident.ended_at, zone),
        "eyes": [called[Kind.EYE][eye_id] for eye_id in sorted(incident.eyes)],  # as the setup has them
    }


def _moment(at: datetime | None, zone: tzinfo) -> str | None:
    return at.astimezone(zone).isoformat() if at is not None else None
