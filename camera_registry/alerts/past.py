"""Reads the past as it became known, moment by moment, for trying a policy on it.

It follows ``happened``, which reads what is so now. What kept rows do not tell is decided here:

- An incident is known when it was announced and written down, what a check found when it was written down.
  What was written with the very first is taken as written in time: of what was before, nobody kept it.
- That an incident is over is known when it ends; who belongs to it, when he falls.
- Places are those of the end of the period: a unit is asked about as what it is then.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta, tzinfo
from itertools import groupby, pairwise
from operator import attrgetter

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from camera_registry import queries, successions
from camera_registry.alerts import defaults, happened
from camera_registry.alerts.happened import A_DAY, DEVICE_CHANGES, FAILING, NOWHERE, UNSTEADY
from camera_registry.alerts.occasions import Occasion, What
from camera_registry.alerts.preview import Past, Stand, Ward
from camera_registry.alerts.routes import scope_of
from camera_registry.facts import Change
from camera_registry.findings import EXPOSURES
from camera_registry.handling import Deed
from camera_registry.health import EYE, EyeState
from camera_registry.incidents import Kind
from camera_registry.models import (
    Device,
    DeviceEvent,
    Eye,
    Finding,
    Incident,
    IncidentEye,
    IncidentNote,
    Transition,
)
from camera_registry.units import Scope, UnitTree
from camera_registry.uptime import Span
from probes.reasons import Outcome

LEDGERS: Mapping[str, tuple[What, str]] = {
    EYE: (What.DEGRADED, str(EyeState.DEGRADED)),
    **{str(check): (what, str(Outcome.FAILING)) for check, what in FAILING.items()},
}


def read(session: Session, zone: tzinfo, period: Span) -> Past:
    """What was known in ``period``, in the whole city and in each unit that has eyes at its end."""
    every = [*_incidents(session, period), *_found(session, period)]
    day, tree = period.end.astimezone(zone).date(), UnitTree.load(session)
    homes = queries.homes(session, day)

    def heard(scope: Scope) -> list[Stand]:
        stands = (stand for each in every for stand in each.heard(scope, homes))
        return sorted(stands, key=attrgetter("at"))

    wards = [
        Ward(unit.uid, unit.name, heard(scope_of(tree, unit.id, day)))
        for unit in defaults.units_with_eyes(session, zone, period.end, tree)
    ]
    elders: dict[str, dict[str, datetime]] = defaultdict(dict)
    for heir, elder, withdrawn_at in successions.since(session, period.start - A_DAY):
        elders[_key(heir)][_key(elder)] = withdrawn_at
    return Past(period, heard(Scope.everything()), sorted(wards, key=attrgetter("name", "uid")), elders)


Homes = Mapping[int, tuple[int, frozenset[int]]]


@dataclass(frozen=True, slots=True)
class _Episode:
    """What was known of one thing, in order of time; where its eyes are (points), and since when."""

    stands: Sequence[Stand]
    places: Mapping[int, datetime]

    def heard(self, scope: Scope, homes: Homes) -> Iterator[Stand]:
        """As it was known to those who hear of ``scope``: from when it is of one of their eyes."""
        nowhere = (0, frozenset[int]())
        mine = [at for point, at in self.places.items() if scope.holds(homes.get(point, nowhere)[1])]
        if not mine:
            return
        begin = min(mine)
        newest = max((n for n, stand in enumerate(self.stands) if stand.at <= begin), default=0)
        for stand in self.stands[newest:]:
            yield stand if stand.at >= begin else replace(stand, at=begin)


# --- incidents --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Row:
    """An incident and its eyes, by id: the point of each, and since when it is part of it."""

    incident: Incident
    known_at: datetime
    eyes: Mapping[int, tuple[int, datetime]]


@dataclass(frozen=True, slots=True)
class _Turn:
    """From ``at`` on the eye is unstable, the first of the outages that tell so having begun then; or not."""

    at: datetime
    began: datetime | None


def _incidents(session: Session, period: Span) -> list[_Episode]:
    """The incidents of the period, and the eyes that were part of too many of them."""
    rows = _rows(session, period)
    notes = session.execute(
        select(IncidentNote.incident_id, func.min(IncidentNote.at))
        .where(IncidentNote.kind == Deed.ACKNOWLEDGED)
        .group_by(IncidentNote.incident_id)
    )
    taken = dict(notes.all())
    counted: dict[int, list[_Row]] = defaultdict(list)
    for row in rows:
        if row.incident.kind != Kind.SITE:
            for eye in row.eyes:
                counted[eye].append(row)
    turns = {eye: told for eye, some in counted.items() if (told := _turns(eye, some))}
    found = [_episode(row, taken, turns) for row in rows if row.incident.started_at >= period.start]
    return [*found, *(_unstable(eye, counted[eye][0].eyes[eye][0], told) for eye, told in turns.items())]


def _rows(session: Session, period: Span) -> list[_Row]:
    """The incidents of the period, and of the day before, which make an eye unstable, too."""
    within = (Incident.started_at > period.start - A_DAY, Incident.announced_at < period.end)
    eyes: dict[int, dict[int, tuple[int, datetime]]] = defaultdict(dict)
    members = session.execute(
        select(IncidentEye.incident_id, IncidentEye.eye_id, Device.point_id, IncidentEye.from_at)
        .join(Incident, Incident.id == IncidentEye.incident_id)
        .join(Eye, Eye.id == IncidentEye.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .where(*within)
        .order_by(IncidentEye.from_at)
    )
    for incident_id, eye, point, from_at in members:
        eyes[incident_id].setdefault(eye, (point, from_at))
    folded_first = session.scalar(select(func.min(Incident.recorded_at)))
    return [
        _Row(
            row,
            _known_at(row.announced_at, row.recorded_at, folded_first),
            eyes[row.id],
        )
        for row in session.scalars(select(Incident).where(*within).order_by(Incident.id))
        if eyes[row.id]
    ]


def _episode(row: _Row, taken: Mapping[int, datetime], turns: Mapping[int, Sequence[_Turn]]) -> _Episode:
    """What was known of an incident: that it is, that it was taken in hand, that its eyes are unstable."""
    incident = row.incident
    taken_at = taken.get(incident.id)
    of_site = incident.kind == Kind.SITE
    ends = [at for at in (incident.ended_at, incident.withdrawn_at) if at is not None]
    moments = [] if taken_at is None else [taken_at]
    alone = next(iter(row.eyes)) if incident.kind == Kind.EYE else None
    own_turns = turns.get(alone, ()) if alone is not None else ()
    moments += [turn.at for turn in own_turns]
    changed = {at for at in moments if not ends or at < min(ends)} | set(ends)
    occasion = replace(
        _occasion(
            _key(incident.id),
            What.SITE if of_site else What.OUTAGE,
            incident.started_at,
            incident.announced_at,
        ),
        incident=incident.id,
        kind=Kind(incident.kind),
    )

    def known(at: datetime) -> Occasion:
        return replace(
            occasion,
            ended_at=_by(incident.ended_at, at),
            withdrawn_at=_by(incident.withdrawn_at, at),
            acknowledged_at=_by(taken_at, at),
            unsteady=happened.unstable_keys(alone) if alone and _is_unstable(own_turns, at) else "",
        )

    later = sorted(at for at in changed if at > row.known_at)
    stands = [Stand(at, occasion.key, known(at)) for at in (row.known_at, *later)]
    places: dict[int, datetime] = {}
    for point, from_at in row.eyes.values():
        places[point] = min(from_at, places.get(point, from_at))
    return _Episode(stands, places)


def _turns(eye: int, rows: Sequence[_Row]) -> list[_Turn]:
    """When the eye became unstable and when it was so no longer, by the incidents that it was part of."""
    if len(rows) < UNSTEADY:
        return []
    told: list[_Turn] = []
    ends = {row.incident.id: row.incident.started_at + A_DAY for row in rows}
    moments = {row.known_at for row in rows} | set(ends.values())
    moments |= {row.incident.withdrawn_at for row in rows if row.incident.withdrawn_at is not None}
    for at in sorted(moments):
        counted = [
            row.eyes[eye][1]
            for row in rows
            if row.known_at <= at < ends[row.incident.id] and _by(row.incident.withdrawn_at, at) is None
        ]
        began = min(counted) if len(counted) >= UNSTEADY else None
        if began != (told[-1].began if told else None):
            told.append(_Turn(at, began))
    return told


def _is_unstable(turns: Sequence[_Turn], at: datetime) -> bool:
    newest = max((turn for turn in turns if turn.at <= at), key=attrgetter("at"), default=None)
    return newest is not None and newest.began is not None


def _unstable(eye: int, point: int, turns: Sequence[_Turn]) -> _Episode:
    """That an eye is unstable, anew in each week."""
    stands: list[Stand] = []
    key = ""
    for turn in _weekly(turns):
        if key:
            stands.append(Stand(turn.at, key, None))
        key = happened.unstable_key(eye, turn.at) if turn.began is not None else ""
        if turn.began is not None:
            stands.append(Stand(turn.at, key, _occasion(key, What.UNSTABLE, turn.began, turn.began)))
    return _Episode(stands, {point: stands[0].at})


def _weekly(turns: Sequence[_Turn]) -> Iterator[_Turn]:
    """The same, and once more at the beginning of each week (of UTC) in which the eye still is unstable."""
    for turn, after in pairwise(turns):
        at = turn.at
        while at < after.at:
            yield replace(turn, at=at)
            if turn.began is None:
                break
            monday = at.date() + timedelta(days=7 - at.weekday())
            at = datetime.combine(monday, time(), UTC)
    yield turns[-1]  # it is over


# --- what probes found of single eyes -----------------------------------------------------------------


def _found(session: Session, period: Span) -> Iterator[_Episode]:
    yield from _exposed(session, period)
    yield from _lasting(session, period)
    yield from _changed(session, period)


def _exposed(session: Session, period: Span) -> Iterator[_Episode]:
    """What anyone could see: of several proofs of an eye the first that holds."""
    rows = session.execute(
        select(Finding.id, Finding.first_at, Finding.gone_at, Eye.id, Device.point_id)
        .join(Eye, Eye.id == Finding.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .where(
            Finding.evidence.in_(EXPOSURES),
            Finding.first_at >= period.start,
            Finding.first_at < period.end,
            Eye.access_withdrawn_at.is_(None),
        )
        .order_by(Eye.id, Finding.first_at, Finding.id)
    )
    for _, proofs in groupby(rows, key=lambda row: row[3]):
        held_until = period.start
        for number, first_at, gone_at, _, point in proofs:
            until = gone_at or period.end
            if until > held_until:
                begin = max(first_at, held_until)
                occasion = _occasion(f"exposure:{number}", What.EXPOSURE, first_at, first_at)
                yield _held(occasion, point, begin, until)
                held_until = until


def _lasting(session: Session, period: Span) -> Iterator[_Episode]:
    """Pictures that could not be used, recordings that were too short, clocks that were wrong."""
    written_first = session.scalar(select(func.min(Transition.recorded_at)))
    of_ledger = (Transition.eye_id, Transition.ledger)
    until, until_recorded = (
        func.lead(column, type_=Transition.at.type).over(partition_by=of_ledger, order_by=Transition.at)
        for column in (Transition.at, Transition.recorded_at)
    )
    turns = (
        select(*of_ledger, Transition.at, Transition.after, Transition.recorded_at)
        .add_columns(until.label("until"), until_recorded.label("until_recorded"))
        .where(Transition.ledger.in_(LEDGERS), Transition.at >= period.start, Transition.at < period.end)
        .subquery()
    )
    rows = session.execute(
        select(turns, Device.point_id)
        .join(Eye, Eye.id == turns.c.eye_id)
        .join(Device, Device.id == Eye.device_id)
        .where(turns.c.after.in_({bad for _, bad in LEDGERS.values()}))
    )
    for eye, ledger, at, after, recorded_at, until, until_recorded_at, point in rows:
        what, bad = LEDGERS[ledger]
        begin = _known_at(at, recorded_at, written_first)
        end = _known_at(until, until_recorded_at, written_first) if until is not None else period.end
        if after == bad and begin < end:
            yield _held(_occasion(f"{what}:{eye}:{at:%Y%m%dT%H%M%S}", what, at, at), point, begin, end)


def _changed(session: Session, period: Span) -> Iterator[_Episode]:
    """Devices with another firmware; those that were others, until somebody confirmed them."""
    rows = session.execute(
        select(DeviceEvent.id, DeviceEvent.at, DeviceEvent.kind, DeviceEvent.confirmed_at, Device.point_id)
        .join(Device, Device.id == DeviceEvent.device_id)
        .where(
            DeviceEvent.at >= period.start,
            DeviceEvent.at < period.end,
            exists().where(Eye.device_id == Device.id, Eye.retired_at.is_(None)),
        )
    )
    for number, at, kind, confirmed_at, point in rows:
        until = at + DEVICE_CHANGES
        if kind != Change.FIRMWARE and confirmed_at is not None:
            until = min(until, confirmed_at)
        if until > at:
            yield _held(_occasion(f"device:{number}", What.FIRMWARE, at, at), point, at, until)


def _held(occasion: Occasion, point: int, begin: datetime, until: datetime) -> _Episode:
    """It was so in this time, at this point."""
    stands = [Stand(begin, occasion.key, occasion), Stand(until, occasion.key, None)]
    return _Episode(stands, {point: begin})


def _occasion(key: str, what: What, started_at: datetime, told_at: datetime) -> Occasion:
    """Without the words that a message would have: nothing is written."""
    return Occasion(
        key=key,
        what=what,
        where=NOWHERE,
        eyes=(),
        of_eyes=0,
        started_at=started_at,
        told_at=told_at,
        recorded_at=told_at,
    )


def _known_at(at: datetime, recorded_at: datetime, first: datetime | None) -> datetime:
    """When somebody could hear of it: what was ``first`` written down is taken as written in time."""
    return at if recorded_at == first else max(at, recorded_at)


def _key(incident_id: int) -> str:
    return f"incident:{incident_id}"


def _by(moment: datetime | None, at: datetime) -> datetime | None:
    """What of it was known then."""
    return moment if moment is not None and moment <= at else None
