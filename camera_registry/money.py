"""Sums of đồng: whole numbers, and beside each how many of its parts nobody knows."""

from collections.abc import Iterable
from dataclasses import dataclass

MOST = 10**15  # đồng; a larger amount is mistyped


@dataclass(frozen=True, slots=True)
class Sum:
    """``known`` đồng, and ``unknown`` parts of which nobody knows how much they are: not nothing.

    Two sums add up part by part; of a difference (a balance) the unknown parts of both sides count.
    """

    known: int = 0
    unknown: int = 0

    @classmethod
    def of(cls, amounts: Iterable[int | None]) -> "Sum":
        """The sum of amounts, where ``None`` is one that is not known."""
        known = unknown = 0
        for amount in amounts:
            if amount is None:
                unknown += 1
            else:
                known += amount
        return cls(known, unknown)

    @property
    def whole(self) -> bool:
        """Whether all of it is known."""
        return self.unknown == 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(self.known + other.known, self.unknown + other.unknown)

    def __sub__(self, other: "Sum") -> "Sum":
        return Sum(self.known - other.known, self.unknown + other.unknown)
