"""What people do about incidents, and say of them: acknowledged, commented on, put down to a power cut.

A deed is done to an ``IncidentRow``, so only to one that its doer is told of, and it reaches the eyes in that
row alone. It leaves a note, which is never changed or deleted, and a line in the audit.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, maintenance
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.incidents import Kind
from camera_registry.maintenance import Cover, ScopeKind
from camera_registry.models import Device, Eye, Incident, IncidentNote, Point
from camera_registry.outages import IncidentRow
from camera_registry.units import Scope
from camera_registry.uptime import Span

AT_ONCE = 1_000  # incidents of which a query asks, for databases limit what one may name
LONGEST_COMMENT = 2_000  # characters
MOST_NOTES = 500  # of one incident
LONGEST_CUT = timedelta(days=7)  # the flood of 2024 took power for four
EARLIEST_CUT = timedelta(days=1)  # before the incident began


class Deed(StrEnum):
    """What a note says; one slug for the database and for translation."""

    ACKNOWLEDGED = "acknowledged"
    COMMENT = "comment"
    POWER_CUT = "power_cut"


class HandlingError(RegistryError):
    """This cannot be done to the incident."""


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody did about an incident. ``window`` is the number of a power cut's maintenance window."""

    deed: Deed
    at: datetime
    by: str
    text: str
    window: int | None


# --- deeds ------------------------------------------------------------------------------------------


def acknowledge(session: Session, actor: Actor, now: datetime, incident: IncidentRow) -> Note:
    """Somebody takes the incident in hand. Done again, it is still the first who did."""
    _lock(session, incident)
    done = next((note for note in _notes(session, incident) if note.deed is Deed.ACKNOWLEDGED), None)
    return done or _write(session, actor, now, incident, Deed.ACKNOWLEDGED)


def comment(session: Session, actor: Actor, now: datetime, incident: IncidentRow, text: str) -> Note:
    """Somebody says something of it. Raises ``HandlingError`` for nothing, or too much."""
    text = text.strip()
    if not text:
        raise HandlingError(N_("There is nothing written in the comment."))
    if len(text) > LONGEST_COMMENT:
        raise HandlingError(N_("The text is longer than {limit} characters."), limit=LONGEST_COMMENT)
    _lock(session, incident)
    return _write(session, actor, now, incident, Deed.COMMENT, text)


def report_power_cut(
    session: Session,
    actor: Actor,
    now: datetime,
    zone: tzinfo,
    incident: IncidentRow,
    span: Span,
    reason: str,
) -> Note:
    """Put the incident down to a power cut of ``span``: a window that leaves its hours out of every figure.

    It covers what ``affected`` names. Raises ``HandlingError``, and ``MaintenanceError`` for what no window
    can be. Where ``span`` begins no later than the incident did, the incident is withdrawn when incidents are
    told anew: an outage that begins in maintenance is none before that ends.
    """
    if not reaches(incident):
        raise HandlingError(N_("This incident cannot be put down to a power cut."))
    if span.end - span.start > LONGEST_CUT:
        raise HandlingError(N_("A power cut reported here lasts {days} days at most."), days=LONGEST_CUT.days)
    if span.start < incident.started_at - EARLIEST_CUT:
        raise HandlingError(N_("The power cut begins more than a day before the incident did."))
    _lock(session, incident)
    day = span.start.astimezone(zone).date()
    window = maintenance.enter(
        session,
        actor,
        now,
        zone,
        kind=maintenance.Kind.POWER_CUT,
        span=span,
        covers=[_cover(session, *named, day) for named in affected(incident)],
        reason=reason,
    )
    return _write(session, actor, now, incident, Deed.POWER_CUT, reason.strip(), window)


def reaches(incident: IncidentRow) -> bool:
    """Whether a power cut may be its cause: of our own line it says nothing, and it must still be told."""
    return incident.kind is not Kind.SITE and incident.withdrawn_at is None


def affected(incident: IncidentRow) -> Sequence[tuple[ScopeKind, str]]:
    """What a power cut is said to have taken, by code: the eye, the device, or each point that has fallen.

    Never the unit itself: others in it have their power.
    """
    if incident.kind is Kind.EYE:
        return [(ScopeKind.EYE, incident.code)]
    if incident.kind is Kind.DEVICE:
        return [(ScopeKind.DEVICE, incident.code)]
    return [(ScopeKind.POINT, code) for code in sorted({away.point for away in incident.away})]


# --- reads ------------------------------------------------------------------------------------------


def notes(session: Session, rows: Iterable[IncidentRow]) -> Mapping[int, Sequence[Note]]:
    """What was done about each of these incidents, the oldest first, by their ids."""
    found: dict[int, list[Note]] = defaultdict(list)
    for incident_id, note in _told(session, [row.id for row in rows]):
        found[incident_id].append(note)
    return found


def acknowledgements(session: Session, rows: Iterable[IncidentRow]) -> Mapping[int, Note]:
    """Who has taken which of these incidents in hand, and when."""
    ids = [row.id for row in rows]
    return {
        incident_id: note
        for first in range(0, len(ids), AT_ONCE)
        for incident_id, note in _told(session, ids[first : first + AT_ONCE])
        if note.deed is Deed.ACKNOWLEDGED
    }


def touched(session: Session, rows: Collection[IncidentRow]) -> Mapping[int, int]:
    """How many eyes a power cut would leave out of the count, of each of these incidents by its id."""
    named = {row.id: set(affected(row)) for row in rows}
    points = {away.point for row in rows for away in row.away}
    places = session.execute(
        select(Eye.code, Device.code, Point.code)
        .join(Device, Device.id == Eye.device_id)
        .join(Point, Point.id == Device.point_id)
        .where(Point.code.in_(points), Eye.retired_at.is_(None))
    ).all()
    kinds = (ScopeKind.EYE, ScopeKind.DEVICE, ScopeKind.POINT)
    return {
        incident_id: sum(not covers.isdisjoint(zip(kinds, place, strict=True)) for place in places)
        for incident_id, covers in named.items()
    }


# --- how it is done ---------------------------------------------------------------------------------

_ACTIONS: Mapping[Deed, Action] = {
    Deed.ACKNOWLEDGED: Action.INCIDENT_ACKNOWLEDGED,
    Deed.COMMENT: Action.INCIDENT_COMMENTED,
    Deed.POWER_CUT: Action.POWER_CUT_REPORTED,
}


def _lock(session: Session, incident: IncidentRow) -> None:
    """Of two who do the same at once the second waits, and sees what the first has done."""
    session.execute(select(Incident.id).where(Incident.id == incident.id).with_for_update())


def _cover(session: Session, kind: ScopeKind, code: str, day: date) -> Cover:
    return maintenance.cover_of(session, Scope.everything(), f"{kind}:{code}", day)


def _notes(session: Session, incident: IncidentRow) -> list[Note]:
    return [note for _, note in _told(session, [incident.id])]


def _told(session: Session, incident_ids: Sequence[int]) -> list[tuple[int, Note]]:
    rows = session.scalars(
        select(IncidentNote).where(IncidentNote.incident_id.in_(incident_ids)).order_by(IncidentNote.id)
    )
    return [
        (row.incident_id, Note(Deed(row.kind), row.at, row.by, row.text, row.maintenance_id)) for row in rows
    ]


def _write(
    session: Session,
    actor: Actor,
    now: datetime,
    incident: IncidentRow,
    deed: Deed,
    text: str = "",
    window: int | None = None,
) -> Note:
    if len(_notes(session, incident)) >= MOST_NOTES:
        raise HandlingError(N_("An incident has {limit} notes at most."), limit=MOST_NOTES)
    note = Note(deed, now, actor.name, text, window)
    session.add(
        IncidentNote(
            incident_id=incident.id,
            kind=str(deed),
            at=now,
            by=actor.name,
            text=text,
            maintenance_id=window,
        )
    )
    detail = {} if window is None else {"window": window}
    subject = f"incident:{incident.id}"
    audit.record(session, actor, _ACTIONS[deed], subject, now, detail=detail, reason=text)
    session.flush()
    return note
