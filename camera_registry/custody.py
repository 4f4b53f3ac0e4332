"""Who manages a point, who pays for its power and line, since when, on which paper; and what nobody has.

A custody lasts from one day to another, or until now; two of one point never overlap. The queue
("chưa bàn giao") names the points that have fallen between: without a present custody, with a manager that a
reorganisation dissolved, or with one to whom they were never handed over in form.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.inventory import point_by_code
from camera_registry.models import Custody as Row
from camera_registry.models import Device, Eye, Point
from camera_registry.spelling import fold
from camera_registry.units import KIND_WORDS, Scope, UnitError, UnitTree, UnitVersion

LONGEST_NAME, LONGEST_DOCUMENT, LONGEST_PHONE = 200, 300, 50  # characters
EARLIEST, YEARS_AHEAD = date(1990, 1, 1), 5  # of any day; others are mistyped
LONGEST_NAME_OF_A_UNIT = 8  # words: "thành phố Hồ Chí Minh" has five


class CustodyError(RegistryError):
    """The custody cannot be entered so."""


class Why(StrEnum):
    """Why a point stands in the queue; the first that holds."""

    NOBODY = "nobody"
    DISSOLVED = "dissolved"
    NOT_HANDED_OVER = "not_handed_over"


NOT_HANDED_OVER = N_("Not handed over yet")  # in place of a manager that was dissolved

WHY_TEXTS: Mapping[Why, str] = {
    Why.NOBODY: N_("Nobody manages it"),
    Why.DISSOLVED: N_("Its manager was dissolved"),
    Why.NOT_HANDED_OVER: N_("It was never handed over in form"),
}


@dataclass(frozen=True, slots=True)
class Custody:
    """One custody. ``last`` is its last day (``None``: still), ``handed_over_on`` that of the minutes.

    ``phone`` is the number of the office, under which somebody answers for the point: never a person's own.
    """

    point: str
    point_name: str
    first: date
    last: date | None
    manager: str
    electricity: str
    internet: str
    handed_over_on: date | None
    document: str
    phone: str = ""

    def lasts_on(self, day: date) -> bool:
        return self.first <= day and (self.last is None or self.last >= day)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A point of the queue. ``since`` is ``None`` where nobody ever managed it, so far as is recorded."""

    point: str
    point_name: str
    unit: str
    eyes: int
    why: Why
    since: date | None
    manager: str


# --- deeds ------------------------------------------------------------------------------------------


def set_custody(
    session: Session,
    actor: Actor,
    code: str,
    manager: str,
    first: date,
    now: datetime,
    zone: tzinfo,
    *,
    last: date | None = None,
    electricity: str = "",
    internet: str = "",
    handed_over_on: date | None = None,
    document: str = "",
    phone: str = "",
    reason: str = "",
) -> Custody:
    """From ``first`` on ``manager`` has the point, until ``last`` or until the next custody known.

    The one before ends the day before; the same day again corrects. ``electricity`` and ``internet`` say who
    pays; ``handed_over_on`` and ``document`` are of the minutes of the hand-over; ``phone`` is the number of
    the office. Raises ``InventoryError`` for an unknown point, and ``CustodyError``.
    """
    said = {"manager": manager, "electricity": electricity, "internet": internet, "document": document}
    said["phone"] = phone
    said = {name: " ".join(text.split()) for name, text in said.items()}
    _check(said, [first, last, handed_over_on], now.astimezone(zone).date())
    if last is not None and last < first:
        raise CustodyError(N_("A custody ends on the day it began, or later."))
    point = point_by_code(session, code, locked=True)
    rows = list(session.scalars(select(Row).where(Row.point_id == point.id).order_by(Row.valid_from)))
    following = next((row for row in rows if row.valid_from > first), None)
    if following is not None and (last is None or last >= following.valid_from):
        if last is not None:
            raise CustodyError(
                N_("From {day} on the point is in the custody of {manager}; end before that."),
                day=f"{following.valid_from:%d/%m/%Y}",
                manager=following.manager,
            )
        last = following.valid_from - timedelta(days=1)
    row = next((row for row in rows if row.valid_from == first), None)
    corrected = row is not None
    had = row or next((row for row in rows if _custody(row, point).lasts_on(first)), None)
    before = None if had is None else _told(had)
    if row is None:
        for former in rows:
            if former.valid_from < first and (former.valid_to is None or former.valid_to >= first):
                former.valid_to = first - timedelta(days=1)
        row = Row(point_id=point.id, valid_from=first)
        session.add(row)
    for name, text in said.items():
        setattr(row, name, text)
    row.valid_to, row.handed_over_on = last, handed_over_on
    session.flush()
    detail = {"before": before, "after": _told(row), "corrected": corrected}
    audit.record(session, actor, Action.CUSTODY_SET, f"point:{code}", now, detail=detail, reason=reason)
    return _custody(row, point)


def end_custody(
    session: Session, actor: Actor, code: str, last: date, now: datetime, zone: tzinfo, *, reason: str
) -> Custody:
    """The custody of ``last`` ends with that day, and nobody follows: the point joins the queue.

    Raises ``ReasonError``, ``InventoryError``, and ``CustodyError`` where nobody has the point on that day or
    the end is known already.
    """
    reason = audit.reason_of(reason)
    _check({}, [last], now.astimezone(zone).date())
    point = point_by_code(session, code, locked=True)
    rows = session.scalars(select(Row).where(Row.point_id == point.id, Row.valid_from <= last))
    row = next((each for each in rows if each.valid_to is None or each.valid_to > last), None)
    if row is None:
        raise CustodyError(
            N_("No custody of the point {code} lasts beyond {day}."), code=code, day=f"{last:%d/%m/%Y}"
        )
    detail = {"manager": row.manager, "before": {"to": row.valid_to}, "after": {"to": last}}
    row.valid_to = last
    session.flush()
    audit.record(session, actor, Action.CUSTODY_ENDED, f"point:{code}", now, detail=detail, reason=reason)
    return _custody(row, point)


# --- reads ------------------------------------------------------------------------------------------


def history(session: Session, scope: Scope, day: date, code: str) -> list[Custody] | None:
    """Every custody of one point, the oldest first; ``None`` where no such point is in scope on ``day``."""
    point = session.scalar(select(Point).where(Point.code == code))
    if point is None or point.id not in queries.point_ids(session, scope, day):
        return None
    rows = session.scalars(select(Row).where(Row.point_id == point.id).order_by(Row.valid_from))
    return [_custody(row, point) for row in rows]


def present(session: Session, scope: Scope, day: date) -> list[Custody]:
    """The custodies in scope that last on ``day``, by point."""
    points = queries.point_ids(session, scope, day)
    rows = session.execute(
        select(Row, Point).join(Point, Row.point_id == Point.id).order_by(Point.code, Row.valid_from)
    )
    found = [_custody(row, point) for row, point in rows if point.id in points]
    return [each for each in found if each.lasts_on(day)]


def queue(session: Session, scope: Scope, day: date, zone: tzinfo) -> list[Waiting]:
    """The points in scope that wait to be handed over on ``day``: the longest first, those of ever before.

    A point whose eyes are all retired waits for nobody.
    """
    units = queries.point_units(session, scope, day)
    known: dict[int, list[Custody]] = defaultdict(list)
    rows = session.execute(
        select(Row, Point).join(Point, Row.point_id == Point.id).order_by(Row.point_id, Row.valid_from)
    )
    for row, point in rows:
        known[point.id].append(_custody(row, point))
    eyes = _eyes(session, day, zone)
    tree = UnitTree.load(session)
    dissolved: dict[tuple[str, date], date | None] = {}
    waiting: list[Waiting] = []
    for point_id, code, name in session.execute(select(Point.id, Point.code, Point.name)):
        alive, all_retired = eyes.get(point_id, (0, False))
        if point_id not in units or all_retired:
            continue
        found = _why(known[point_id], day, tree, dissolved)
        if found is not None:
            why, since, manager = found
            waiting.append(Waiting(code, name, units[point_id][0], alive, why, since, manager))
    return sorted(waiting, key=lambda each: (each.since or date.min, each.point))


def dissolved_unit(tree: UnitTree, manager: str, first: date, day: date) -> UnitVersion | None:
    """The unit that a manager's name holds as of ``first``, if it was dissolved by ``day``.

    Only a unit that is named with its kind counts, the longest such words: "UBND phường Hồng Hà", "Công an
    P. Hồng Hà"; a company called Hồng Hà is no ward. What became a single unit of the same name goes on.
    """
    unit = _named_unit(tree, fold(manager).split(), first)
    while unit is not None and unit.ended_by(day):
        became = [tree.units[after] for after in tree.successors.get(unit.id, ())]
        if len(became) != 1 or fold(became[0].name) != fold(unit.name):
            return unit
        unit = became[0]
    return None


def still_there(session: Session, custodies: Iterable[Custody], day: date) -> dict[str, Custody]:
    """By the code of the point, those whose manager no reorganisation ended by ``day``."""
    tree = UnitTree.load(session)
    there: dict[tuple[str, date], bool] = {}
    found: dict[str, Custody] = {}
    for each in custodies:
        key = each.manager, each.first
        if key not in there:
            there[key] = dissolved_unit(tree, *key, day) is None
        if there[key]:
            found[each.point] = each
    return found


# --- how it is done ---------------------------------------------------------------------------------

_KIND_STARTS = tuple(f"{word} " for words in KIND_WORDS.values() for word in words)


def _named_unit(tree: UnitTree, words: Sequence[str], day: date) -> UnitVersion | None:
    for length in range(min(len(words), LONGEST_NAME_OF_A_UNIT), 1, -1):
        for start in range(len(words) - length + 1):
            text = " ".join(words[start : start + length])
            if text.startswith(_KIND_STARTS) and tree.knows(text):
                try:
                    return tree.resolve(text, day)
                except UnitError:
                    continue  # of another time, or several: nothing can be said
    return None


def _why(
    custodies: Sequence[Custody], day: date, tree: UnitTree, dissolved: dict[tuple[str, date], date | None]
) -> tuple[Why, date | None, str] | None:
    begun = [each for each in custodies if each.first <= day]
    if not begun:
        return Why.NOBODY, None, ""
    newest = begun[-1]
    if newest.last is not None and newest.last < day:
        return Why.NOBODY, newest.last + timedelta(days=1), newest.manager
    key = (newest.manager, newest.first)
    if key not in dissolved:
        unit = dissolved_unit(tree, *key, day)
        dissolved[key] = unit.valid_to if unit is not None else None
    ended = dissolved[key]
    if ended is not None:
        return Why.DISSOLVED, ended + timedelta(days=1), newest.manager
    if newest.handed_over_on is None or newest.handed_over_on > day:
        return Why.NOT_HANDED_OVER, newest.first, newest.manager
    return None


def _eyes(session: Session, day: date, zone: tzinfo) -> dict[int, tuple[int, bool]]:
    """Of each point with eyes: how many are not retired by ``day``, and whether none is."""
    rows = session.execute(select(Device.point_id, Eye.retired_at).join(Device, Eye.device_id == Device.id))
    counts: dict[int, list[int]] = defaultdict(lambda: [0, 0])
    for point_id, retired_at in rows:
        gone = retired_at is not None and retired_at.astimezone(zone).date() <= day
        counts[point_id][gone] += 1
    return {point_id: (alive, not alive) for point_id, (alive, _) in counts.items()}


def _check(said: Mapping[str, str], days: Sequence[date | None], today: date) -> None:
    if "manager" in said and not said["manager"]:
        raise CustodyError(N_("A custody needs a manager."))
    for name, text in said.items():
        limit = {"document": LONGEST_DOCUMENT, "phone": LONGEST_PHONE}.get(name, LONGEST_NAME)
        if len(text) > limit:
            raise CustodyError(N_("The text is longer than {limit} characters."), limit=limit)
    latest = today + timedelta(days=366 * YEARS_AHEAD)
    for each in days:
        if each is not None and not EARLIEST <= each <= latest:
            raise CustodyError(N_("{text} is too long ago or too far ahead."), text=f"{each:%d/%m/%Y}")


def _told(row: Row) -> dict[str, Any]:
    """As the audit keeps it."""
    return {
        "manager": row.manager,
        "electricity": row.electricity,
        "internet": row.internet,
        "document": row.document,
        "phone": row.phone,
        "from": row.valid_from,
        "to": row.valid_to,
        "handed_over_on": row.handed_over_on,
    }


def _custody(row: Row, point: Point) -> Custody:
    return Custody(
        point.code,
        point.name,
        row.valid_from,
        row.valid_to,
        row.manager,
        row.electricity,
        row.internet,
        row.handed_over_on,
        row.document,
        row.phone,
    )
