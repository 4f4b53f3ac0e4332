"""Long lists page by page, by key: rows that come or go meanwhile move no page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Leaf(Generic[Row]):
    """Some rows; ``before`` and ``after`` are the keys of the pages beside them, or empty."""

    rows: Sequence[Row]
    before: str = ""
    after: str = ""


def leaf(
    rows: Sequence[Row], key: Callable[[Row], str], size: int, *, before: str = "", after: str = ""
) -> Leaf[Row]:
    """The rows behind the key ``after``, or those that end before ``before``, or the first.

    ``rows`` are in the order of their keys, and no two have the same.
    """
    start = 0
    if after:
        start = next((n for n, row in enumerate(rows) if key(row) > after), max(0, len(rows) - size))
    elif before:
        end = next((n for n, row in enumerate(rows) if key(row) >= before), len(rows))
        start = max(0, end - size)
    shown = rows[start : start + size]
    return Leaf(
        shown,
        before=key(shown[0]) if start else "",
        after=key(shown[-1]) if start + size < len(rows) else "",
    )
