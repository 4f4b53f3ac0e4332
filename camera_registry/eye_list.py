"""The list of eyes as people leaf through it: which were chosen, in what order, and one leaf of them.

A leaf begins behind (or ends before) a row that its address names by the value it is sorted by and its codes:
rows that come, go or change meanwhile move no leaf, and the row itself need not be there any more.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from camera_registry import queries
from camera_registry.i18n import collation_key
from camera_registry.queries import STANDINGS, EyeRow, Overlay

LEAF = 50  # rows
NOT_MANAGED = "missing"  # of ``Choice.custody``
NOT_STARTED = str(Overlay.NOT_STARTED)  # of ``Choice.standing``, beside ``STANDINGS``: a part of the backlog


@dataclass(frozen=True, slots=True)
class Choice:
    """Which eyes somebody wants to see; an empty condition holds for all. It lives in a page's address.

    ``unit`` is the code of a unit of today, ``q`` words to search for.
    """

    standing: str = ""
    unit: str = ""
    funding: str = ""
    site: str = ""
    manufacturer: str = ""
    reason: str = ""
    custody: str = ""
    q: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The conditions that are set, by their names."""
        said = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in said.items() if value}


class Column(StrEnum):
    """What the list can be sorted by."""

    UNIT = "unit"
    STATE = "state"
    EYE = "eye"
    POINT = "point"
    REASON = "reason"
    SINCE = "since"
    PROBED = "probed"


# What of a row is compared, as it stands in an address; and how it ranks.
_VALUES: Mapping[Column, Callable[[EyeRow], str]] = {
    Column.UNIT: lambda row: row.unit,
    Column.STATE: lambda row: row.standing,
    Column.EYE: lambda row: row.code,
    Column.POINT: lambda row: row.point_name,
    Column.REASON: lambda row: row.reason or "",
    Column.SINCE: lambda row: row.since.isoformat() if row.since else "",
    Column.PROBED: lambda row: row.probed_at.isoformat() if row.probed_at else "",
}
_RANKS: Mapping[Column, Callable[[str], Any]] = {
    **dict.fromkeys(Column, str),
    Column.UNIT: collation_key,
    Column.POINT: collation_key,
    Column.STATE: lambda value: STANDINGS.index(value) if value in STANDINGS else -1,
}


@dataclass(frozen=True, slots=True)
class Order:
    """Sorted by one column, then by the codes of point and eye. Blanks come last in either direction."""

    column: Column = Column.UNIT
    descending: bool = False

    @classmethod
    def named(cls, name: str) -> "Order":
        """``since``, or ``-since`` for the other direction; by unit where the name is none of ours."""
        column = name.removeprefix("-")
        return cls(Column(column), name.startswith("-")) if column in set(Column) else cls()

    @property
    def name(self) -> str:
        return f"-{self.column}" if self.descending else str(self.column)


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some rows of the list; ``first`` counts from 1.

    ``after`` and ``before`` name the next leaf and the one before, and are empty where there is none.
    """

    rows: Sequence[EyeRow]
    first: int
    total: int
    after: str = ""
    before: str = ""


def choose(rows: Iterable[EyeRow], choice: Choice, unmanaged: Collection[str] = ()) -> list[EyeRow]:
    """The rows for which every condition holds. ``unmanaged`` are the codes of points without a custody."""
    standing = "" if choice.standing == NOT_STARTED else choice.standing
    found = queries.matching(rows, standing=standing, unit=choice.unit, text=choice.q)
    return [
        row
        for row in found
        if (choice.standing != NOT_STARTED or _not_started(row))
        and (not choice.funding or row.funding == choice.funding)
        and (not choice.site or row.site == choice.site)
        and (not choice.manufacturer or row.manufacturer == choice.manufacturer)
        and (not choice.reason or row.reason == choice.reason)
        and (choice.custody != NOT_MANAGED or row.point in unmanaged)
    ]


def ordered(rows: Iterable[EyeRow], order: Order) -> list[EyeRow]:
    return [row for _, row in _ranked(rows, order)]


def leaf(
    rows: Iterable[EyeRow], order: Order, *, after: str = "", before: str = "", size: int = LEAF
) -> Leaf:
    """One leaf of ``rows``: that behind the key ``after``, or before ``before``, or the first."""
    ranked = _ranked(rows, order)
    start = 0
    if key := _key(order, after or before):
        beyond = (n for n, (rank, _) in enumerate(ranked) if _follows(order, rank, key, equal=not after))
        found = next(beyond, max(0, len(ranked) - size))
        start = found if after else max(0, found - size)
    chosen = [row for _, row in ranked[start : start + size]]
    return Leaf(
        chosen,
        start + 1,
        len(ranked),
        after=_name(order, chosen[-1]) if start + size < len(ranked) else "",
        before=_name(order, chosen[0]) if start > 0 else "",
    )


def _not_started(row: EyeRow) -> bool:
    return row.overlay is Overlay.NOT_STARTED and row.probed_at is None


_Rank = tuple[bool, Any, str, str]  # blank, value, point, eye


def _parts(order: Order, row: EyeRow) -> tuple[str, str, str]:
    return _VALUES[order.column](row), row.point, row.code


def _rank(order: Order, value: str, point: str, eye: str) -> _Rank:
    return not value, _RANKS[order.column](value), point, eye


def _ranked(rows: Iterable[EyeRow], order: Order) -> list[tuple[_Rank, EyeRow]]:
    ranked = sorted(((_rank(order, *_parts(order, row)), row) for row in rows), key=lambda pair: pair[0])
    if not order.descending:
        return ranked
    blanks = [pair for pair in ranked if pair[0][0]]  # stay at the end
    return [*reversed(ranked[: len(ranked) - len(blanks)]), *blanks]


def _name(order: Order, row: EyeRow) -> str:
    """The key of a row in an address. Codes hold no bar."""
    return "|".join(_parts(order, row))


def _key(order: Order, name: str) -> _Rank | None:
    parts = name.rsplit("|", 2)
    return _rank(order, *parts) if len(parts) == 3 else None


def _follows(order: Order, rank: _Rank, key: _Rank, *, equal: bool) -> bool:
    """Whether a rank stands behind the key in this order, or ``equal`` to it."""
    if rank == key:
        return equal
    if order.descending and not rank[0] and not key[0]:
        return rank < key
    return rank > key
