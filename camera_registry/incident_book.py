"""Keeps the incidents: folds the ledgers into their tables, and never says twice what it has said.

Everything here follows from the ledgers, so nothing can be lost: whoever changes a ledger notes the eye and
the moment in the same transaction (``touch``), and the next ``fold`` tells the incidents of its unit anew
from there. What else an incident depends on (windows, service, places, losses of sites) is compared with what
it was at the last fold. What comes out the same keeps its row; what is no longer borne out is withdrawn.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b

from sqlalchemy import and_, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, selectinload

from camera_registry import histories, incidents, sites, successions
from camera_registry.db import Database
from camera_registry.health import EYE, EyeState
from camera_registry.incidents import WINDOW, Incident, Kind, Life, Loss, Member, Place
from camera_registry.inventory import Reach
from camera_registry.models import (
    Device,
    DevicePace,
    Eye,
    IncidentDue,
    IncidentEye,
    IncidentFold,
    Maintenance,
    Point,
    PointUnit,
    RegistryVersion,
    Site,
    Transition,
)
from camera_registry.models import EyeState as EyeStateRow
from camera_registry.models import Incident as IncidentRow
from camera_registry.units import UnitError, UnitTree
from camera_registry.uptime import History, Span, Turn

# When the registry or a window changes, incidents are told anew this far back: what is older has been closed,
# or is about to be, and nobody is told of it any more.
REACH_BACK = timedelta(days=62)

STOPPED = timedelta(minutes=5)  # nothing folded for so long, and the registry was not at work meanwhile

_INSTANT = timedelta(microseconds=1)  # a time that ends with it after now has what begins or ends now
_KNOWN = (str(EyeState.UP), str(EyeState.DEGRADED), str(EyeState.DOWN))


def touch(session: Session, moments: Mapping[int, datetime]) -> None:
    """The ledgers of these eyes have changed from these moments on. Call it in the same transaction."""
    if not moments:
        return
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(IncidentDue)
    new = statement.excluded.since
    earliest = case((new < IncidentDue.since, new), else_=IncidentDue.since)
    session.connection().execute(
        statement.on_conflict_do_update(index_elements=["eye_id"], set_={"since": earliest}),
        [{"eye_id": eye_id, "since": at} for eye_id, at in sorted(moments.items())],
    )


def fold(database: Database, zone: tzinfo, now: datetime) -> int:
    """Bring the incidents up to ``now``. Returns how many rows are new or differ.

    Killed half-way, the next call does the rest. Raises whatever the database raises.
    """
    with database.reading() as session:
        told = session.execute(select(IncidentFold.basis, IncidentFold.folded_at)).one_or_none()
    basis, folded_at = told if told is not None else (None, None)
    if folded_at is not None and now - folded_at > STOPPED:
        with database.transaction() as session:
            sites.nobody_listened(session, folded_at, now)
    with database.reading() as session:
        city = _City.load(session, zone, now)
        due = city.due(session, basis, folded_at)
    changed = 0
    for family, since in due.items():
        with database.transaction() as session:
            changed += _fold_family(session, city, city.families[family], since)
    with database.transaction() as session:
        changed += _fold_sites(session, city, _back(now, REACH_BACK) if basis != city.basis else now)
        # A window that was entered meanwhile is no part of ``basis`` yet: the next fold sees it.
        session.merge(IncidentFold(id=1, basis=city.basis, folded_at=now))
    return changed


# --- what it depends on -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _City:
    """What all incidents of one fold are told from, besides the ledgers."""

    zone: tzinfo
    now: datetime
    places: Mapping[int, Place]
    interval_s: Mapping[int, float]
    families: Mapping[tuple[int | None, int | None], Sequence[int]]  # eyes by unit, else by point
    losses: Mapping[int, Sequence[Loss]]
    basis: str

    @classmethod
    def load(cls, session: Session, zone: tzinfo, now: datetime) -> "_City":
        places = places_of_today(session, zone, now)
        families: dict[tuple[int | None, int | None], list[int]] = defaultdict(list)
        for eye_id, place in places.items():
            families[place.unit, None if place.unit is not None else place.point].append(eye_id)
        rows = session.execute(
            select(Eye.id, func.coalesce(DevicePace.effective_interval_s, Site.interval_s))
            .join(Device, Eye.device_id == Device.id)
            .join(Site, Device.site_id == Site.id)
            .outerjoin(DevicePace, DevicePace.device_id == Device.id)
        )
        losses = sites.losses(session, Span(histories.BEGINNING, now), now)
        windows = session.execute(
            select(func.count(), func.max(Maintenance.id), func.count(Maintenance.withdrawn_at))
        ).one()
        version = session.scalar(select(RegistryVersion.version))
        basis = repr((version, tuple(windows), sorted(losses.items()), sorted(places.items(), key=str)))
        return cls(
            zone,
            now,
            places,
            {eye_id: float(seconds) for eye_id, seconds in rows},
            families,
            losses,
            blake2b(basis.encode(), digest_size=16).hexdigest(),
        )

    def due(
        self, session: Session, basis: str | None, folded_at: datetime | None
    ) -> dict[tuple[int | None, int | None], datetime]:
        """Which families are to be told anew, and since when."""
        since: dict[int, datetime] = {row.eye_id: row.since for row in session.scalars(select(IncidentDue))}
        if folded_at is None:
            since = dict.fromkeys(self.places, histories.BEGINNING)
        elif basis != self.basis:
            back = _back(self.now, REACH_BACK)
            since = {eye_id: min(back, since.get(eye_id, back)) for eye_id in self.places}
        else:
            for eye_id, at in self._turned(session, folded_at) + _still_out(session):
                since[eye_id] = min(at, since.get(eye_id, at))
        found: dict[tuple[int | None, int | None], datetime] = {}
        for key, eyes in self.families.items():
            moments = [since[eye_id] for eye_id in eyes if eye_id in since]
            if moments:
                found[key] = min(moments)
        return found

    def _turned(self, session: Session, since: datetime) -> list[tuple[int, datetime]]:
        """Eyes that came into the count or left it by the mere passing of time."""
        passed = Span(since, self.now + _INSTANT)
        turned: list[tuple[int, datetime]] = []
        for eye_id, presence in histories.presences(session, self.places, passed, self.zone).items():
            ends = [
                end for span in (*presence.service, *presence.maintenance) for end in (span.start, span.end)
            ]
            moments = [end for end in ends if since < end <= self.now]
            if moments:
                turned.append((eye_id, min(moments)))
        return turned


def places_of_today(session: Session, zone: tzinfo, now: datetime) -> dict[int, Place]:
    """Where each eye that a network reaches stands: its device, point and site, and the unit of today."""
    day, tree = now.astimezone(zone).date(), UnitTree.load(session)
    units: dict[int, int] = {}
    memberships = select(PointUnit.point_id, PointUnit.unit_id, PointUnit.valid_from).order_by(
        PointUnit.point_id, PointUnit.valid_from.is_not(None), PointUnit.valid_from
    )
    for point_id, unit_id, valid_from in session.execute(memberships):
        if valid_from is None or valid_from <= day:
            units[point_id] = unit_id
    today: dict[int, int] = {}
    for unit_id in set(units.values()):
        try:
            today[unit_id] = tree.roll_up(unit_id, day).id
        except UnitError:  # history does not name exactly one
            today[unit_id] = unit_id
    rows = session.execute(
        select(Eye.id, Device.id, Point.id, Device.site_id)
        .join(Device, Eye.device_id == Device.id)
        .join(Point, Device.point_id == Point.id)
        .where(Eye.reach == Reach.NETWORK)
    )
    return {
        eye: Place(eye, device, point, today[units[point]] if point in units else None, site)
        for eye, device, point, site in rows
    }


def _still_out(session: Session) -> list[tuple[int, datetime]]:
    """Members of ended incidents that are not back yet: they become stragglers when a window has passed."""
    rows = session.execute(
        select(IncidentEye.eye_id, IncidentRow.ended_at)
        .join(IncidentRow, IncidentRow.id == IncidentEye.incident_id)
        .where(
            IncidentEye.to_at.is_(None), IncidentRow.ended_at.is_not(None), IncidentRow.withdrawn_at.is_(None)
        )
    )
    return [(eye_id, at) for eye_id, at in rows if at is not None]


# --- one unit ---------------------------------------------------------------------------------------


def _fold_family(session: Session, city: _City, eyes: Sequence[int], due: datetime) -> int:
    # Held until we commit: a ledger that changes from now on is noted after us, and folded next time.
    noted = session.scalars(
        select(IncidentDue).where(IncidentDue.eye_id.in_(eyes)).order_by(IncidentDue.eye_id).with_for_update()
    ).all()
    due = min([due, *(row.since for row in noted)])
    longest = max(city.interval_s[eye_id] for eye_id in eyes)
    window = timedelta(seconds=WINDOW * longest)
    since, kept = _from_where(session, city, eyes, _back(due, window), window)
    carried = [_value(row) for row in kept if row.started_at < since]
    lives = _lives(session, city, eyes, since)
    found = incidents.incidents(lives, city.losses, city.now, since=since, carried=carried)
    mine = [incident for incident in found if incident.kind is not Kind.SITE]
    changed = _keep(session, kept, mine, city.now)
    ahead = session.scalars(
        select(Transition.eye_id)
        .where(Transition.eye_id.in_(eyes), Transition.ledger == EYE, Transition.at > city.now)
        .distinct()
    )
    # What a clock that is a little ahead told is for the next fold.
    done = {row.eye_id for row in noted} - set(ahead)
    session.execute(delete(IncidentDue).where(IncidentDue.eye_id.in_(done)))
    return changed


def _from_where(
    session: Session, city: _City, eyes: Sequence[int], since: datetime, window: timedelta
) -> tuple[datetime, list[IncidentRow]]:
    """The newest moment up to ``since`` at which nothing was in the balance, and the rows told from there."""
    while True:
        kept = _rows(session, eyes, since, window)
        earlier = since
        for row in kept:
            if row.started_at >= since:
                continue
            if row.announced_at >= since or not _fits(row, city):
                earlier = min(earlier, row.started_at)
            elif row.ended_at is not None and row.ended_at < since:
                earlier = min(earlier, row.ended_at)  # its last eyes came back later
        if earlier == since:
            return since, kept
        since = earlier


def _rows(session: Session, eyes: Sequence[int], since: datetime, window: timedelta) -> list[IncidentRow]:
    """The incidents of these eyes that were not over and done with at ``since``."""
    # Nothing is told, and nobody comes back, later than two windows after the end.
    mine = (
        select(IncidentEye.incident_id)
        .join(IncidentRow, IncidentRow.id == IncidentEye.incident_id)
        .where(
            or_(IncidentRow.ended_at.is_(None), IncidentRow.ended_at >= _back(since, 2 * window)),
            IncidentRow.withdrawn_at.is_(None),
            IncidentRow.kind != Kind.SITE,
            IncidentEye.eye_id.in_(eyes),
        )
    )
    rows = session.scalars(
        select(IncidentRow)
        .where(IncidentRow.id.in_(mine))
        .options(selectinload(IncidentRow.members))
        .order_by(IncidentRow.id)
    )
    return [row for row in rows if not _done(row, since)]


def _done(row: IncidentRow, since: datetime) -> bool:
    moments = [row.announced_at, row.ended_at, *(member.to_at for member in row.members)]
    return all(moment is not None and moment < since for moment in moments)


def _fits(row: IncidentRow, city: _City) -> bool:
    """Whether the ancestor is still that of all its eyes: a point may have moved."""
    of = "unit" if row.kind == Kind.AREA else row.kind
    places = [city.places.get(member.eye_id) for member in row.members]
    return all(place is not None and getattr(place, of) == row.ancestor_id for place in places)


def _lives(session: Session, city: _City, eyes: Sequence[int], since: datetime) -> list[Life]:
    """The lives of these eyes since each was last known ok or down."""
    known = (
        select(Transition.eye_id, func.max(Transition.at).label("at"))
        .where(
            Transition.eye_id.in_(eyes),
            Transition.ledger == EYE,
            Transition.after.in_(_KNOWN),
            Transition.at < since,
        )
        .group_by(Transition.eye_id)
        .subquery()
    )
    rows = session.execute(
        select(Transition.eye_id, Transition.at, Transition.after, Transition.reason)
        .outerjoin(known, known.c.eye_id == Transition.eye_id)
        .where(
            Transition.eye_id.in_(eyes),
            Transition.ledger == EYE,
            or_(Transition.at >= known.c.at, and_(known.c.at.is_(None), Transition.at >= since)),
        )
        .order_by(Transition.eye_id, Transition.at)
    )
    turns: dict[int, list[Turn]] = defaultdict(list)
    for eye_id, at, after, reason in rows:
        turns[eye_id].append(Turn(at, after, reason))
    begin = min((told[0].at for told in turns.values()), default=city.now)
    within = Span(min(begin, since), city.now + _INSTANT)
    present = histories.presences(session, eyes, within, city.zone)
    read = {
        eye_id: History(turns.get(eye_id, ()), service=presence.service, maintenance=presence.maintenance)
        for eye_id, presence in present.items()
    }
    first_ok = session.execute(
        select(EyeStateRow.eye_id, EyeStateRow.first_ok_at).where(EyeStateRow.eye_id.in_(eyes))
    )
    firsts = {eye_id: at for eye_id, at in first_ok if at is not None}
    places = [city.places[eye_id] for eye_id in eyes]
    return incidents.lives_of(read, places, city.interval_s, within, firsts)


# --- sites ------------------------------------------------------------------------------------------


def _fold_sites(session: Session, city: _City, edge: datetime) -> int:
    """The incidents of sites lost after ``edge``; a loss that goes on may cover other eyes by now."""
    losses = {
        site: [loss for loss in lost if loss.heard_again is None or loss.heard_again > edge]
        for site, lost in city.losses.items()
    }
    found: list[Incident] = []
    begin = min((loss.lost_from for lost in losses.values() for loss in lost), default=None)
    if begin is not None:
        eyes = [eye_id for eye_id, place in city.places.items() if losses.get(place.site)]
        lives = _lives(session, city, eyes, begin)
        found = [i for i in incidents.incidents(lives, losses, city.now) if i.kind is Kind.SITE]
    kept = session.scalars(
        select(IncidentRow)
        .where(
            IncidentRow.kind == Kind.SITE,
            IncidentRow.withdrawn_at.is_(None),
            or_(IncidentRow.ended_at.is_(None), IncidentRow.ended_at > edge),
        )
        .options(selectinload(IncidentRow.members))
        .order_by(IncidentRow.id)
    ).all()
    return _keep(session, kept, found, city.now)


# --- rows -------------------------------------------------------------------------------------------


def _keep(session: Session, kept: Sequence[IncidentRow], found: Iterable[Incident], now: datetime) -> int:
    """Make the rows say what was found. What is the same cause keeps its row, and its id."""
    changed: list[IncidentRow] = []
    left = {row.id: row for row in kept}
    by_fall: dict[tuple[int, datetime], int] = {
        (member.eye_id, member.from_at): row.id for row in kept for member in row.members
    }
    for incident in found:
        row = _same(incident, left, by_fall)
        if row is None:
            row = IncidentRow(recorded_at=now, withdrawn_at=None, members=[])
            session.add(row)
        else:
            del left[row.id]
        if _say(row, incident):
            row.changed_at = now
            changed.append(row)
    for row in left.values():
        row.withdrawn_at = row.changed_at = now
    session.flush()
    if changed:
        successions.hand_down(session, now, [row.id for row in changed])
    return len(changed) + len(left)


def _same(
    incident: Incident, left: Mapping[int, IncidentRow], by_fall: Mapping[tuple[int, datetime], int]
) -> IncidentRow | None:
    """The row of the same kind that shares the most outages with this incident; of two alike the elder."""
    shared: dict[int, int] = defaultdict(int)
    for member in incident.members:
        row_id = by_fall.get((member.eye, member.from_at))
        if row_id is not None and row_id in left and left[row_id].kind == incident.kind:
            shared[row_id] += 1
    best = min(shared, key=lambda row_id: (-shared[row_id], row_id), default=None)
    return None if best is None else left[best]


def _say(row: IncidentRow, incident: Incident) -> bool:
    """Have the row say this; whether it did not yet."""
    wanted = {
        "kind": str(incident.kind),
        "ancestor_id": incident.ancestor,
        "started_at": incident.started_at,
        "announced_at": incident.announced_at,
        "ended_at": incident.ended_at,
    }
    differs = False
    for name, value in wanted.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
            differs = True
    there = {(member.eye_id, member.from_at): member for member in row.members}
    told = {(member.eye, member.from_at): member.to_at for member in incident.members}
    for key, member in there.items():
        if key not in told:
            row.members.remove(member)
            differs = True
        elif member.to_at != told[key]:
            member.to_at = told[key]
            differs = True
    for (eye_id, from_at), to_at in told.items():
        if (eye_id, from_at) not in there:
            row.members.append(IncidentEye(eye_id=eye_id, from_at=from_at, to_at=to_at))
            differs = True
    return differs


def _value(row: IncidentRow) -> Incident:
    return Incident(
        Kind(row.kind),
        row.ancestor_id,
        row.started_at,
        row.announced_at,
        row.ended_at,
        tuple(Member(member.eye_id, member.from_at, member.to_at) for member in row.members),
    )


def _back(moment: datetime, by: timedelta) -> datetime:
    """Earlier by so much, as far as there is time at all."""
    beginning = datetime.min.replace(tzinfo=UTC)
    return moment - by if moment - beginning > by else beginning
