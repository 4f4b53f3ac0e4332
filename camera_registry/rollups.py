"""What each eye did on each past day, kept: a cache of ``uptime.count`` that can be deleted at any time.

A row is believed while it cannot be wrong, and no writer but the judge has to be trusted for that. Whoever
changes a ledger deletes the rows after the change in the same transaction (``touch``). Whatever else a day
was counted from (its borders, service, windows, the rules) is named in the row's ``basis`` and compared with
what it is now: a window that is entered or withdrawn, an eye that is retired or suspended, another zone
simply make another basis. Months are believed as a whole: by the number of their rows and the sum of their
bases.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta, tzinfo
from hashlib import blake2b
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, bindparam, cast, delete, func, insert, select, text
from sqlalchemy.orm import Session

from camera_registry import histories, maintenance
from camera_registry.db import Database
from camera_registry.health import RULES_VERSION
from camera_registry.histories import Presence
from camera_registry.inventory import Reach
from camera_registry.models import Eye, Rollup, Transition
from camera_registry.periods import midnight
from camera_registry.uptime import Count, Span, Tally, clipped, count, touching

EYES_AT_ONCE = 100  # in one transaction: deliveries go in between
DAYS_AT_ONCE = 20_000  # of all eyes, in one round of the monitor: some seconds

_BASIS_BYTES = 6  # sums of a month's bases stay far below 2**63

_TALLY = tuple(each.name for each in fields(Tally))
_COUNTED = (*_TALLY, "blips")


class Stretch:
    """Whole days of one month, one after another, and what an eye's day is counted from."""

    def __init__(self, month: date, days: Sequence[Span]) -> None:
        self.month = month
        self.days = days
        self.span = Span(days[0].start, days[-1].end)
        self._plain = {day.end: _basis(day, Presence((day,), ())) for day in days}  # that count as a whole
        self._plain_sum = sum(self._plain.values())
        self._known: dict[Presence, Mapping[datetime, int]] = {}

    def expected(self, presence: Presence) -> tuple[int, int]:
        """The number of the rows of such an eye, and the sum of their bases."""
        if _whole(self.span, presence):
            return len(self.days), self._plain_sum
        bases = self.bases(presence)
        return len(bases), sum(bases.values())

    def bases(self, presence: Presence) -> Mapping[datetime, int]:
        """By the end of the day, the basis of each day in which such an eye is in service at all."""
        here = Presence(clipped(presence.service, self.span), clipped(presence.maintenance, self.span))
        if here not in self._known:  # a window mostly covers many eyes
            self._known[here] = dict(self._bases(here))
        return self._known[here]

    def _bases(self, here: Presence) -> Iterator[tuple[datetime, int]]:
        for day in self.days:
            if _whole(day, here):
                yield day.end, self._plain[day.end]
            elif serving := clipped(here.service, day):
                yield day.end, _basis(day, Presence(serving, clipped(here.maintenance, day)))


@dataclass(frozen=True, slots=True)
class Difference:
    """What was kept of an eye's day is not what its ledgers say. Lengths are in microseconds."""

    eye: str
    day: date
    column: str
    kept: int
    counted: int


@dataclass(frozen=True, slots=True)
class Verification:
    """How many days were compared, how many are not rolled up, and what differs."""

    compared: int
    missing: int
    differences: tuple[Difference, ...]


# --- reading ----------------------------------------------------------------------------------------


def sums(
    session: Session, zone: tzinfo, within: Span, present: Mapping[int, Presence], now: datetime
) -> dict[int, list[tuple[Span, Count]]]:
    """Of each of these eyes what is believed: parts of ``within``, in order, and what was counted in each."""
    stretches = _rolled(session, stretches_of(within, zone))
    if not stretches:
        return {}
    kept = _kept_sums(session, stretches, present if len(present) <= maintenance.FEW else None)
    unwritten = _unwritten(session, present, now)
    found: dict[int, list[tuple[Span, Count]]] = {}
    for eye_id, presence in present.items():
        found[eye_id] = [
            (stretch.span, believed)
            for stretch in stretches
            if stretch.span.end <= unwritten.get(eye_id, stretch.span.end)
            for believed in [_believed(stretch, presence, kept.get((stretch.month, eye_id)))]
            if believed is not None
        ]
    return found


def stretches_of(within: Span, zone: tzinfo) -> list[Stretch]:
    """The days of ``zone`` that lie in ``within`` as a whole, by month."""
    days: dict[date, list[Span]] = defaultdict(list)
    if within.end <= within.start:
        return []
    day = within.start.astimezone(zone).date()
    if midnight(day, zone) < within.start:
        day += timedelta(days=1)
    start = midnight(day, zone)
    while (end := midnight(day + timedelta(days=1), zone)) <= within.end:
        days[day.replace(day=1)].append(Span(start, end))
        day, start = day + timedelta(days=1), end
    return [Stretch(month, spans) for month, spans in days.items()]


# --- writing ----------------------------------------------------------------------------------------


def touch(session: Session, moments: Mapping[int, datetime]) -> None:
    """The ledgers of these eyes have changed from these moments on: forget what was counted of later days."""
    if moments:
        session.connection().execute(
            delete(Rollup).where(Rollup.eye_id == bindparam("of_eye"), Rollup.until > bindparam("since")),
            [{"of_eye": eye_id, "since": at} for eye_id, at in moments.items()],
        )


def make(database: Database, zone: tzinfo, now: datetime, *, most: int | None = None) -> int:
    """Count the past days that are not, or no longer, rolled up, the newest month first; returns how many.

    Deliveries go in between. Days whose silence is not written yet wait for the next time, and so does what
    is left when ``most`` days are done.
    """
    made = 0
    with database.reading() as session:
        doubtful = list(_doubtful(session, zone, now))
    for stretch, eye_ids in reversed(doubtful):
        for some in _chunks(eye_ids):
            if most is not None and made >= most:
                return made
            with database.transaction() as session:
                if not database.sqlite:
                    # A ledger that changes after we read it deletes what we write: not before we have.
                    session.execute(text("LOCK TABLE rollup IN EXCLUSIVE MODE"))
                made += _make(session, stretch, some, zone, now)
    return made


def verify(session: Session, zone: tzinfo, now: datetime) -> Verification:
    """Count every day that is kept again, from the ledgers, and compare."""
    codes = {row.id: row.code for row in session.execute(select(Eye.id, Eye.code))}
    compared = missing = 0
    differences: list[Difference] = []
    for stretch in _history_of(session, zone, now):
        for some in _chunks(_measured(session)):
            for eye_id, day, kept, true in _again(session, stretch, some, zone, now):
                if kept is None:
                    missing += 1
                    continue
                compared += 1
                named = codes[eye_id], day.start.astimezone(zone).date()
                differences += [
                    Difference(*named, name, kept[name], true[name])
                    for name in _COUNTED
                    if kept[name] != true[name]
                ]
    return Verification(compared, missing, tuple(differences))


# --- how it is done ---------------------------------------------------------------------------------


def _again(
    session: Session, stretch: Stretch, eye_ids: Sequence[int], zone: tzinfo, now: datetime
) -> Iterator[tuple[int, Span, Mapping[str, int] | None, Mapping[str, int]]]:
    """Every day of these eyes with what is kept of it, if that would be believed, and what is counted now."""
    present = histories.presences(session, eye_ids, stretch.span, zone)
    kept = _kept_days(session, stretch, present)
    unwritten = _unwritten(session, present, now)
    for eye_id, history in histories.read(session, present, stretch.span, now).items():
        bases = stretch.bases(present[eye_id])
        for day in stretch.days:
            if day.end in bases:
                row = kept.get((eye_id, day.end))
                holds = row and row["basis"] == bases[day.end] and day.end <= unwritten.get(eye_id, day.end)
                yield eye_id, day, row if holds else None, _columns(count(history, day))


def _whole(span: Span, presence: Presence) -> bool:
    """Whether such an eye counts all the time."""
    serving = touching(presence.service, span)
    return (
        len(serving) == 1
        and serving[0].start <= span.start
        and serving[0].end >= span.end
        and not touching(presence.maintenance, span)
    )


def _basis(day: Span, presence: Presence) -> int:
    """A number for everything but the ledgers that a day is counted from."""
    written = repr((RULES_VERSION, day, presence)).encode()
    return int.from_bytes(blake2b(written, digest_size=_BASIS_BYTES).digest())


def _believed(stretch: Stretch, presence: Presence, kept: tuple[int, int, Count] | None) -> Count | None:
    """What is kept of a stretch, if it is what would be counted now; time out of service needs no rows."""
    expected = stretch.expected(presence)
    if expected == (0, 0):
        return Count(Tally(not_in_service=stretch.span.length))
    if kept is None or kept[:2] != expected:
        return None
    absent = stretch.span.length - kept[2].tally.period
    return kept[2] + Count(Tally(not_in_service=absent)) if absent else kept[2]


def _rolled(session: Session, stretches: Sequence[Stretch]) -> list[Stretch]:
    """The stretches as far as anything is rolled up."""
    newest = session.scalar(select(func.max(Rollup.until)).where(Rollup.month == _newest_month()))
    if newest is None:
        return []
    cut = ((stretch, tuple(day for day in stretch.days if day.end <= newest)) for stretch in stretches)
    return [
        stretch if len(days) == len(stretch.days) else Stretch(stretch.month, days)
        for stretch, days in cut
        if days
    ]


def _newest_month() -> Any:
    return select(func.max(Rollup.month)).scalar_subquery()


def _kept_sums(
    session: Session, stretches: Sequence[Stretch], eye_ids: Collection[int] | None = None
) -> dict[tuple[date, int], tuple[int, int, Count]]:
    """By month and eye (``None``: all): how many rows, the sum of their bases, and what they counted."""
    names = [getattr(Rollup, name) for name in ("basis", *_COUNTED)]
    wanted = (
        select(Rollup.month, Rollup.eye_id, func.count(), *(_sum(column) for column in names))
        .where(
            Rollup.month >= stretches[0].month,
            Rollup.month <= stretches[-1].month,
            Rollup.until > stretches[0].span.start,
            Rollup.until <= stretches[-1].span.end,
        )
        .group_by(Rollup.month, Rollup.eye_id)
    )
    rows = session.execute(wanted if eye_ids is None else wanted.where(Rollup.eye_id.in_(eye_ids)))
    found: dict[tuple[date, int], tuple[int, int, Count]] = {}
    for month, eye_id, number, basis, *parts, blips in rows:
        found[month, eye_id] = number, basis, Count(Tally(*parts), blips)
    return found


def _sum(column: ColumnElement[int]) -> ColumnElement[int]:
    return cast(func.sum(column), BigInteger)  # PostgreSQL sums to a decimal


def _kept_days(
    session: Session, stretch: Stretch, eye_ids: Collection[int]
) -> dict[tuple[int, datetime], Mapping[str, int]]:
    names = ("basis", *_COUNTED)
    rows = session.execute(
        select(Rollup.eye_id, Rollup.until, *(getattr(Rollup, name) for name in names)).where(
            Rollup.month == stretch.month,
            Rollup.eye_id.in_(eye_ids),
            Rollup.until > stretch.span.start,
            Rollup.until <= stretch.span.end,
        )
    )
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in rows}


def _unwritten(session: Session, eye_ids: Collection[int], now: datetime) -> dict[int, datetime]:
    """From when on the ledgers of which eyes lack a silence that the next tick will write."""
    silent = histories.silences(session, eye_ids, now)
    return {
        eye_id: min(silence.dropped or silence.at for silence in checks.values())
        for eye_id, checks in silent.items()
    }


def _measured(session: Session) -> list[int]:
    return list(session.scalars(select(Eye.id).where(Eye.reach == Reach.NETWORK).order_by(Eye.id)))


def _history_of(session: Session, zone: tzinfo, now: datetime) -> list[Stretch]:
    """All past days since the first line of any ledger: before it, counting costs nothing."""
    first = session.scalar(select(func.min(Transition.at)))
    if first is None or first >= now:
        return []
    return stretches_of(Span(midnight(first.astimezone(zone).date(), zone), now), zone)


def _doubtful(session: Session, zone: tzinfo, now: datetime) -> Iterator[tuple[Stretch, list[int]]]:
    """By stretch, the eyes of which not every day is kept as it would be counted now."""
    stretches = _history_of(session, zone, now)
    if not stretches:
        return
    kept = _kept_sums(session, stretches)
    whole = Span(stretches[0].span.start, stretches[-1].span.end)
    present = histories.presences(session, _measured(session), whole, zone)
    for stretch in stretches:
        eye_ids = [
            eye_id
            for eye_id, presence in present.items()
            if _believed(stretch, presence, kept.get((stretch.month, eye_id))) is None
        ]
        if eye_ids:
            yield stretch, eye_ids


def _make(session: Session, stretch: Stretch, eye_ids: Sequence[int], zone: tzinfo, now: datetime) -> int:
    """Count the days of these eyes that are not kept as they would be counted now."""
    present = histories.presences(session, eye_ids, stretch.span, zone)
    unwritten = _unwritten(session, present, now)
    kept = _kept_bases(session, stretch, present)
    missing: dict[int, list[Span]] = {}
    gone: list[tuple[int, datetime]] = []
    for eye_id, presence in present.items():
        bases = stretch.bases(presence)
        there = kept.get(eye_id, {})
        gone += [(eye_id, until) for until, basis in there.items() if bases.get(until) != basis]
        missing[eye_id] = [
            day
            for day in stretch.days
            if day.end in bases
            and there.get(day.end) != bases[day.end]
            and day.end <= unwritten.get(eye_id, day.end)
        ]
    _forget(session, stretch, gone)
    return _count(session, stretch, {i: present[i] for i, days in missing.items() if days}, missing, now)


def _count(
    session: Session,
    stretch: Stretch,
    present: Mapping[int, Presence],
    missing: Mapping[int, Sequence[Span]],
    now: datetime,
) -> int:
    if not present:
        return 0
    period = Span(
        min(missing[eye_id][0].start for eye_id in present),
        max(missing[eye_id][-1].end for eye_id in present),
    )
    rows = [
        {"month": stretch.month, "eye_id": eye_id, "until": day.end}
        | {"basis": stretch.bases(present[eye_id])[day.end]}
        | _columns(count(history, day))
        for eye_id, history in histories.read(session, present, period, now).items()
        for day in missing[eye_id]
    ]
    session.connection().execute(insert(Rollup), rows)
    return len(rows)


def _kept_bases(
    session: Session, stretch: Stretch, eye_ids: Collection[int]
) -> dict[int, dict[datetime, int]]:
    """By eye and end of day, whatever is kept of the month until the end of the stretch."""
    found: dict[int, dict[datetime, int]] = defaultdict(dict)
    rows = select(Rollup.eye_id, Rollup.until, Rollup.basis).where(
        Rollup.month == stretch.month, Rollup.eye_id.in_(eye_ids), Rollup.until <= stretch.span.end
    )
    for eye_id, until, basis in session.execute(rows):
        found[eye_id][until] = basis
    return found


def _forget(session: Session, stretch: Stretch, gone: Sequence[tuple[int, datetime]]) -> None:
    if gone:
        session.connection().execute(
            delete(Rollup).where(
                Rollup.month == stretch.month,
                Rollup.eye_id == bindparam("of_eye"),
                Rollup.until == bindparam("of_day"),
            ),
            [{"of_eye": eye_id, "of_day": until} for eye_id, until in gone],
        )


def _columns(counted: Count) -> dict[str, int]:
    return {name: getattr(counted.tally, name) for name in _TALLY} | {"blips": counted.blips}


def _chunks(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    return (ids[n : n + EYES_AT_ONCE] for n in range(0, len(ids), EYES_AT_ONCE))
