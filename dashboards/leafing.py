"""Long lists: narrowed, sorted, and shown page by page, by key: rows that come or go move no page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Annotated, Generic, TypeVar
from urllib.parse import urlencode

from fastapi import Depends, Query

from camera_registry.spelling import fold
from dashboards import tables
from dashboards.tables import AsFile, Column

LONGEST_CONDITION = 200  # characters

Row = TypeVar("Row")
Condition = Annotated[str, Query(max_length=LONGEST_CONDITION)]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address asks of a list: rows that say all words of ``q``, in which order (see
    ``tables.ordered``), behind or before which row; or all of them as a file.
    """

    q: Condition = ""
    sort: Condition = ""
    before: Condition = ""
    after: Condition = ""
    as_: AsFile = None

    @property
    def query(self) -> dict[str, str]:
        """The choice and its order, for other addresses."""
        return {"q": self.q, "sort": self.sort}


FromAddress = Annotated[Wanted, Depends()]


@dataclass(frozen=True, slots=True)
class Leaf(Generic[Row]):
    """Some of ``total`` rows; ``first`` counts from 1.

    ``before`` and ``after`` are addresses of the pages beside them, or empty.
    """

    rows: Sequence[Row]
    first: int
    total: int
    before: str = ""
    after: str = ""


def chosen(rows: Sequence[Row], columns: Sequence[Column[Row]], wanted: Wanted) -> list[Row]:
    """The rows of which the columns together say each word, marks and capitals aside; in the order wanted."""
    words = fold(wanted.q).split()
    found = [row for row in rows if all(word in _said(columns, row) for word in words)] if words else rows
    return tables.ordered(found, columns, wanted.sort)


def leaf(
    rows: Sequence[Row],
    name: Callable[[Row], str],
    wanted: Wanted,
    size: int,
    kept: Mapping[str, str] = MappingProxyType({}),
) -> Leaf[Row]:
    """The rows behind the one that ``wanted.after`` names, or those before ``wanted.before``, or the first.

    No two rows have the same ``name``. In addresses the number of its row stands before it (``12|YB-0001``):
    where the row has gone, that is its place. ``kept`` are the conditions of the page beside ``wanted``.
    """
    start = 0
    if wanted.after:
        found, place = _place(rows, name, wanted.after)
        start = place + found if place + found < len(rows) else max(0, len(rows) - size)
    elif wanted.before:
        start = max(0, _place(rows, name, wanted.before)[1] - size)
    shown, end = rows[start : start + size], start + size
    return Leaf(
        shown,
        start + 1,
        len(rows),
        before=_address(wanted, kept, before=f"{start}|{name(shown[0])}") if start else "",
        after=_address(wanted, kept, after=f"{end - 1}|{name(shown[-1])}") if end < len(rows) else "",
    )


def _place(rows: Sequence[Row], name: Callable[[Row], str], key: str) -> tuple[bool, int]:
    number, _, wanted = key.partition("|")
    found = next((n for n, row in enumerate(rows) if name(row) == wanted), None)
    if found is not None:
        return True, found
    return False, min(int(number), len(rows)) if number.isdecimal() and len(number) < 10 else 0


def _address(wanted: Wanted, kept: Mapping[str, str], *, before: str = "", after: str = "") -> str:
    query = {**kept, **wanted.query, "before": before, "after": after}
    return "?" + urlencode({name: value for name, value in query.items() if value})


def _said(columns: Sequence[Column[Row]], row: Row) -> str:
    return fold(" ".join(value for column in columns if isinstance(value := column.value(row), str)))
