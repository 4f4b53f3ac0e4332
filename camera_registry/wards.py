"""One unit as whoever answers for it needs it: what is wrong there, since when, why, and who repairs it.

Of a unit of today these are its points; of a higher one those of the units below it; of a former one those
that still stand in what it was.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import custody, figures, maintenance, outages, periods, queries, windows
from camera_registry.custody import Custody
from camera_registry.figures import Group
from camera_registry.handling import Note, acknowledgements
from camera_registry.health import EyeState
from camera_registry.inventory import Word
from camera_registry.models import Eye, Point
from camera_registry.outages import IncidentRow
from camera_registry.queries import EyeRow, Totals
from camera_registry.units import Scope, UnitTree, UnitVersion
from camera_registry.uptime import Span, Tally
from camera_registry.windows import Phase, WindowRow

SOON = timedelta(days=7)  # of maintenance that is coming

_FAULTS: Mapping[str, int] = {EyeState.DOWN: 0, EyeState.DEGRADED: 1, EyeState.UNKNOWN: 2}
_COMPLAINTS = frozenset({Word.NOT_WORKING, Word.POOR})
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point and its eyes, the worst first. ``custody`` is ``None`` where nobody was handed it."""

    code: str
    name: str
    address: str
    eyes: Sequence[EyeRow]
    custody: Custody | None


@dataclass(frozen=True, slots=True)
class UnitBelow:
    """A unit of today that lies in a higher or former one. ``uid`` is empty for points of no unit."""

    uid: str
    name: str
    totals: Totals


@dataclass(frozen=True, slots=True)
class Ward:
    """A unit and all that its page tells.

    ``became`` are what a former unit became, ``below`` the units of today where it is not one itself.
    Points stand in ``wrong`` (something does not work, the worst first), ``waiting`` (nothing is wrong but
    eyes that never worked yet) or ``well``. ``causes`` gives of an eye (by its code) the incident that took
    it; maintenance covers the eyes of ``covered`` now. ``inbox`` are the incidents that go on: those that
    nobody has acknowledged first, then the heaviest; ``acknowledged`` who has which.
    """

    unit: UnitVersion
    became: Sequence[UnitVersion]
    below: Sequence[UnitBelow]
    totals: Totals
    wrong: Sequence[PointRow]
    waiting: Sequence[PointRow]
    well: Sequence[PointRow]
    causes: Mapping[str, IncidentRow]
    covered: Collection[str]
    inbox: Sequence[IncidentRow]
    acknowledged: Mapping[int, Note]
    windows: Sequence[WindowRow]


def ward(session: Session, scope: Scope, now: datetime, zone: tzinfo, uid: str) -> Ward | None:
    """The unit of this uid, of any time and level; ``None`` where nothing of it lies in scope."""
    unit = queries.unit(session, scope, uid)
    if unit is None:
        return None
    today = now.astimezone(zone).date()
    inside = scope.narrowed(unit.id)
    rows = queries.eyes(session, inside, now, zone)
    open_ = [
        each for each in outages.incidents(session, inside, now, zone, open_=True) if each.announced_at <= now
    ]
    coming = windows.rows(session, inside, now, zone, Span(now, now + SOON))
    present = [each for each in coming if each.phase in (Phase.PRESENT, Phase.COMING)]
    covered = _covered(session, rows, now, zone) if present else frozenset()
    wrong, waiting, well = _sorted(points(session, inside, today, rows), covered)
    taken = acknowledgements(session, open_)
    tree = UnitTree.load(session)
    return Ward(
        unit=unit,
        became=[
            tree.units[after]
            for after in tree.successors.get(unit.id, ())
            if queries.unit(session, scope, tree.units[after].uid)
        ],
        below=_below(tree, unit, rows, today),
        totals=queries.totals(rows),
        wrong=wrong,
        waiting=waiting,
        well=well,
        causes={away.eye: each for each in reversed(open_) for away in each.away if away.to_at is None},
        covered=covered,
        inbox=sorted(open_, key=lambda each: (each.id in taken, -each.weight(now))),
        acknowledged=taken,
        windows=present,
    )


def month(session: Session, scope: Scope, now: datetime, zone: tzinfo, uid: str) -> Tally | None:
    """What the eyes of a unit did in the month of ``now``, as far as it is past; ``None`` as of ``ward``.

    Apart from it, because it takes much longer.
    """
    unit = queries.unit(session, scope, uid)
    if unit is None:
        return None
    today = now.astimezone(zone).date()
    within, inside = periods.month_of(today, zone), scope.narrowed(unit.id)
    found = figures.availability(session, inside, now, zone, within, Group.TOTAL, today)
    return sum((figure.tally for figure in found), Tally())


def points(session: Session, scope: Scope, day: date, rows: Iterable[EyeRow]) -> list[PointRow]:
    """The points of these eyes, with who has them on ``day``."""
    eyes: dict[str, list[EyeRow]] = {}
    for row in rows:
        eyes.setdefault(row.point, []).append(row)
    stands = session.execute(select(Point.code, Point.address).where(Point.code.in_(eyes)))
    address = {row.code: row.address for row in stands}
    held = {each.point: each for each in custody.present(session, scope, day)}
    return [
        PointRow(code, stand[0].point_name, address[code], sorted(stand, key=_badness), held.get(code))
        for code, stand in eyes.items()
    ]


# --- how it is done ---------------------------------------------------------------------------------


def _sorted(
    found: Iterable[PointRow], covered: Collection[str]
) -> tuple[list[PointRow], list[PointRow], list[PointRow]]:
    """What is wrong, what waits, what is well. Under maintenance is wrong, too, and stands last of it."""
    wrong: list[PointRow] = []
    waiting: list[PointRow] = []
    well: list[PointRow] = []
    for point in found:
        if any(map(is_faulty, point.eyes)):
            wrong.append(point)
        else:
            (waiting if any(eye.backlog for eye in point.eyes) else well).append(point)

    def badness(point: PointRow) -> tuple[bool, int, float]:
        bad = [eye for eye in point.eyes if is_faulty(eye)]
        newest = max(eye.since or _LONG_AGO for eye in bad)
        return all(eye.code in covered for eye in bad), _badness(bad[0])[0], -newest.timestamp()

    return sorted(wrong, key=badness), waiting, well


def is_faulty(eye: EyeRow) -> bool:
    """Something does not work here that did, or people say so."""
    complained = eye.reported is not None and eye.reported.word in _COMPLAINTS
    return complained or (eye.state in _FAULTS and not eye.backlog)


def _badness(eye: EyeRow) -> tuple[int, str]:
    """Eyes in the order in which a point shows them."""
    if eye.backlog:
        return len(_FAULTS) + 1, eye.code
    return _FAULTS.get(eye.standing, len(_FAULTS) if is_faulty(eye) else len(_FAULTS) + 2), eye.code


def _covered(session: Session, rows: Iterable[EyeRow], now: datetime, zone: tzinfo) -> frozenset[str]:
    """The eyes that maintenance covers now."""
    named = session.execute(select(Eye.id, Eye.code).where(Eye.code.in_([row.code for row in rows])))
    codes = {row.id: row.code for row in named}
    found = maintenance.spans_of(session, codes, Span(now, now + timedelta.resolution), zone)
    return frozenset(codes[eye_id] for eye_id, spans in found.items() if spans)


def _below(tree: UnitTree, unit: UnitVersion, rows: Sequence[EyeRow], day: date) -> list[UnitBelow]:
    uids = {(each.name, each.code): each.uid for each in tree.units_of(day)}
    below = queries.units(rows)
    if [(each.name, each.code) for each in below] == [(unit.name, unit.code)]:
        return []
    return [UnitBelow(uids.get((each.name, each.code), ""), each.name, each.totals) for each in below]
