"""Which incident goes on in which: an outage that is told as another incident is the same outage to people.

When results come late, or a point moves, the same falls of the same eyes may make another incident than
they did before. The old one is withdrawn then, but what was said and done of it holds for its heirs: those
that were not withdrawn with it, and have outages of its eyes in the same time.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from camera_registry.handling import Deed
from camera_registry.incidents import Kind
from camera_registry.models import Incident, IncidentEye, IncidentNote, Message

REMEMBERED = timedelta(days=62)  # as far back as incidents are told anew when the registry changes

_Heir, _Mine, _Theirs = aliased(Incident), aliased(IncidentEye), aliased(IncidentEye)

# What holds of an incident and its heir; each has one of the two outages.
_INHERITS: tuple[ColumnElement[bool], ...] = (
    Incident.withdrawn_at.is_not(None),
    Incident.kind != Kind.SITE,  # of a site nothing is known
    _Heir.kind != Kind.SITE,
    or_(_Heir.withdrawn_at.is_(None), _Heir.withdrawn_at > Incident.withdrawn_at),
    _Theirs.incident_id == Incident.id,
    _Mine.eye_id == _Theirs.eye_id,
    _Mine.incident_id == _Heir.id,
    _Mine.from_at < func.coalesce(_Theirs.to_at, Incident.withdrawn_at),
    or_(_Mine.to_at.is_(None), _Theirs.from_at < _Mine.to_at),
)


def of_told(
    session: Session, now: datetime, since: datetime, waiting: Collection[int]
) -> Mapping[int, frozenset[int]]:
    """The incidents that were told of and then withdrawn, by each of their heirs (ids).

    Of heirs only those that go on, have changed after ``since``, or have inherited after it or from one of
    which something is ``waiting`` to be told (ids).
    """
    elders = _withdrawn(session, now, exists().where(Message.incident_id == Incident.id))
    if not elders:
        return {}
    going_on = _Heir.ended_at.is_(None) & _Heir.withdrawn_at.is_(None)
    matters = or_(going_on, _Heir.changed_at >= since, Incident.changed_at >= since, Incident.id.in_(waiting))
    found: dict[int, set[int]] = defaultdict(set)
    for elder, heir in session.execute(
        select(Incident.id, _Heir.id).where(Incident.id.in_(elders), matters, *_INHERITS).distinct()
    ):
        found[heir].add(elder)
    return {heir: frozenset(ids) for heir, ids in found.items()}


def since(session: Session, moment: datetime) -> Sequence[tuple[int, int, datetime]]:
    """Each heir of an incident that was withdrawn after then, that incident, and when."""
    elders = session.scalars(select(Incident.id).where(Incident.withdrawn_at > moment)).all()
    if not elders:
        return []
    rows = session.execute(
        select(_Heir.id, Incident.id, Incident.withdrawn_at)
        .where(Incident.id.in_(elders), *_INHERITS)
        .distinct()
    )
    return [(heir, elder, at) for heir, elder, at in rows if at is not None]


def heirs(session: Session, elders: Collection[int]) -> Mapping[int, Mapping[int, frozenset[int]]]:
    """Of those of these incidents that were withdrawn, the heirs that were not, and their eyes (all ids)."""
    found: dict[int, dict[int, set[int]]] = defaultdict(lambda: defaultdict(set))
    rows = session.execute(
        select(Incident.id, _Heir.id, _Mine.eye_id)
        .where(Incident.id.in_(elders), _Heir.withdrawn_at.is_(None), *_INHERITS)
        .distinct()
    )
    for elder, heir, eye in rows:
        found[elder][heir].add(eye)
    return {
        elder: {heir: frozenset(eyes) for heir, eyes in inherited.items()}
        for elder, inherited in found.items()
    }


def hand_down(session: Session, now: datetime, heirs: Collection[int]) -> None:
    """Who had taken an incident in hand has its heirs in hand, too: those of these ids that nobody has."""
    note = aliased(IncidentNote)
    taken = exists().where(note.incident_id == Incident.id, note.kind == Deed.ACKNOWLEDGED)
    elders = _withdrawn(session, now, taken)
    if not elders:
        return
    rows = session.execute(
        select(_Heir.id, IncidentNote)
        .join(Incident, Incident.id == IncidentNote.incident_id)
        .where(
            IncidentNote.kind == Deed.ACKNOWLEDGED,
            Incident.id.in_(elders),
            _Heir.id.in_(heirs),
            ~exists().where(note.incident_id == _Heir.id, note.kind == Deed.ACKNOWLEDGED),
            *_INHERITS,
        )
        .order_by(IncidentNote.id.desc())
    )
    for heir, first in dict(rows.all()).items():
        session.add(
            IncidentNote(incident_id=heir, kind=first.kind, at=first.at, by=first.by, text=first.text)
        )


def _withdrawn(session: Session, now: datetime, which: ColumnElement[bool]) -> Sequence[int]:
    """Few, most often none: looked for first, for the outages of all eyes are many."""
    return session.scalars(
        select(Incident.id).where(
            Incident.withdrawn_at.is_not(None), Incident.changed_at > now - REMEMBERED, which
        )
    ).all()
