"""What rules and boards watch besides the eyes: incidents by unit, sites, messages, the database.

Read at scrape by a few short queries, and told anew each time: a unit or site that went takes its series
along.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import own_health, queries
from camera_registry.alerts.outbox import State
from camera_registry.census import SitePulse
from camera_registry.incidents import Kind
from camera_registry.metrics import escaped
from camera_registry.models import AlertChannel, AlertCursor, Device, Eye, Incident, IncidentEye, Message
from camera_registry.own_health import Keeping, SiteHeard
from camera_registry.units import Scope

# Sent messages are counted where they are sent, and dropped ones concern nobody.
WATCHED = (State.WAITING, State.HELD, State.DEAD)

UnitKey = tuple[str, str]  # name and code, as queries.point_units tells them


@dataclass(frozen=True, slots=True)
class Away:
    """What open incidents keep away in one unit: incidents of a kind, and the eyes that miss by them."""

    incidents: int
    eyes: int


@dataclass(frozen=True, slots=True)
class Outgoing:
    """Messages by state, when the oldest that waits was due, and how far was routed.

    Counted are the channels that have an address: those whose newest try arrived, or that were never tried,
    and those that fail. A message that was tried in vain is due again later, so it does not count as old.
    """

    by_state: Mapping[str, int]
    oldest_due_at: datetime | None
    routed_at: datetime | None
    channels_working: int
    channels_failing: int


@dataclass(frozen=True, slots=True)
class Gauges:
    """One reading."""

    away: Mapping[tuple[UnitKey, Kind], Away]
    sites: Sequence[SiteHeard]
    outgoing: Outgoing
    keeping: Keeping


def read(session: Session, zone: tzinfo, now: datetime) -> Gauges:
    """What is so at ``now``; of incidents, those that people may have heard of by then."""
    return Gauges(
        away=_away(session, zone, now),
        sites=own_health.heard(session, now),
        outgoing=_outgoing(session),
        keeping=own_health.keeping(session),
    )


def lines(gauges: Gauges, units: Mapping[UnitKey, str], asked: Iterable[SitePulse]) -> bytes:
    """The text exposition of a reading.

    ``units`` are the units of today that have eyes, by their labels (``metrics.unit_labels``); ``asked`` is
    how the eyes of each site are asked.
    """
    away = [
        (f'unit="{escaped(label)}",kind="{kind}"', gauges.away.get((unit, kind), Away(0, 0)))
        for unit, label in units.items()
        for kind in Kind
    ]
    asked = list(asked)
    messages, keeping = gauges.outgoing, gauges.keeping
    watched = [site for site in gauges.sites if site.heard_at is not None]
    families = (
        _family(
            "unit_incidents",
            "Open incidents that keep eyes of a unit away, by kind.",
            ((labels, found.incidents) for labels, found in away),
        ),
        _family(
            "unit_eyes_away",
            "Eyes of a unit that open incidents keep away, by the incidents' kind.",
            ((labels, found.eyes) for labels, found in away),
        ),
        _family(
            "camera_registry_site_lost",
            "Whether a watched site cannot be heard: nothing is known of its eyes.",
            ((_site(site.code), int(site.lost)) for site in watched),
        ),
        _family(
            "camera_registry_site_heard_timestamp_seconds",
            "When a watched site was last heard.",
            ((_site(site.code), _seconds(site.heard_at)) for site in watched),
        ),
        _family(
            "camera_registry_eyes_waiting",
            "Eyes of a site that should be asked.",
            ((_site(site.code), site.waiting) for site in asked),
        ),
        _family(
            "camera_registry_eyes_overdue",
            "Eyes of a site that were not asked when they were due.",
            ((_site(site.code), site.overdue) for site in asked),
        ),
        _family(
            "camera_registry_messages",
            "Messages that have not arrived, by what became of them.",
            ((f'state="{state}"', messages.by_state.get(state, 0)) for state in WATCHED),
        ),
        _family(
            "camera_registry_message_oldest_due_timestamp_seconds",
            "When the oldest message that waits was due; absent while none waits.",
            [("", _seconds(messages.oldest_due_at))],
        ),
        _family(
            "camera_registry_alerts_routed_timestamp_seconds",
            "Until when incidents and transitions have been read for messages.",
            [("", _seconds(messages.routed_at))],
        ),
        _family(
            "camera_registry_channels",
            "Channels that have an address, by whether what is sent over them arrives.",
            (
                ('state="working"', messages.channels_working),
                ('state="failing"', messages.channels_failing),
            ),
        ),
        _family(
            "camera_registry_results_written_timestamp_seconds",
            "When results were last written.",
            [("", _seconds(keeping.written_at))],
        ),
        _family("camera_registry_database_bytes", "What the database takes.", [("", keeping.size)]),
        _family(
            "camera_registry_database_free_bytes",
            "What is left on the disk of the database; absent where it stands on another machine.",
            [("", keeping.free)],
        ),
    )
    return "".join(families).encode()


def _away(session: Session, zone: tzinfo, now: datetime) -> dict[tuple[UnitKey, Kind], Away]:
    units = queries.point_units(session, Scope.everything(), now.astimezone(zone).date())
    rows = session.execute(
        select(Incident.id, Incident.kind, Device.point_id, IncidentEye.eye_id)
        .join(IncidentEye, IncidentEye.incident_id == Incident.id)
        .join(Eye, Eye.id == IncidentEye.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .where(
            Incident.ended_at.is_(None),
            Incident.withdrawn_at.is_(None),
            Incident.announced_at <= now,
            IncidentEye.to_at.is_(None),
        )
    )
    incidents: dict[tuple[UnitKey, Kind], set[int]] = defaultdict(set)
    eyes: dict[tuple[UnitKey, Kind], set[int]] = defaultdict(set)
    for incident_id, kind, point_id, eye_id in rows:
        place = units[point_id], Kind(kind)
        incidents[place].add(incident_id)
        eyes[place].add(eye_id)
    return {place: Away(len(found), len(eyes[place])) for place, found in incidents.items()}


def _outgoing(session: Session) -> Outgoing:
    rows = session.execute(
        select(Message.state, func.count(), func.min(Message.due_at))
        .where(Message.state.in_(WATCHED))
        .group_by(Message.state)
    )
    found = {state: (count, due_at) for state, count, due_at in rows}
    in_use, failing = session.execute(
        select(func.count(), func.count(AlertChannel.failing_since)).where(
            AlertChannel.sealed.is_not(None), AlertChannel.stopped_at.is_(None)
        )
    ).one()
    return Outgoing(
        by_state={state: count for state, (count, _) in found.items()},
        oldest_due_at=found.get(State.WAITING, (0, None))[1],
        routed_at=session.scalar(select(AlertCursor.at)),
        channels_working=in_use - failing,
        channels_failing=failing,
    )


def _site(code: str) -> str:
    return f'site="{escaped(code)}"'


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _family(name: str, text: str, samples: Iterable[tuple[str, float | None]]) -> str:
    """Help, type and the samples (labels, value) that there are."""
    told = (
        f"{name}{{{labels}}} {value:.13g}\n" if labels else f"{name} {value:.13g}\n"
        for labels, value in samples
        if value is not None
    )
    return f"# HELP {name} {text}\n# TYPE {name} gauge\n" + "".join(told)
