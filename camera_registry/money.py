"""Sums of đồng: whole numbers, and beside each how many of its parts nobody knows."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_

MOST = 10**15  # đồng; a larger amount is mistyped

# 10000000, 10.000.000, 10 000 000, 10,000,000; what it is an amount of may stand behind it.
_AMOUNT = re.compile(
    r"(\d+|\d{1,3}(?:\.\d{3})+|\d{1,3}(?:,\d{3})+|\d{1,3}(?:[ \u00a0]\d{3})+)\s*(?:đ|₫|đồng|vnđ|vnd)?",
    re.IGNORECASE,
)


class AmountError(RegistryError):
    """What was written is no amount of đồng."""


def amount_of(text: str) -> int | None:
    """An amount as people write it, ``10.000.000 đồng``; ``None`` for nothing. Raises ``AmountError``.

    A comma or a point parts thousands and never a fraction: there is nothing smaller than one đồng.
    """
    text = text.strip()
    if not text:
        return None
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise AmountError(
            N_('"{text}" is no amount of đồng: write it in digits, such as 12.500.000.'), text=text[:100]
        )
    amount = int(re.sub(r"\D", "", found[1]).lstrip("0")[:20] or "0")
    if amount > MOST:
        raise AmountError(N_('"{text}" is more than this ledger takes.'), text=text[:100])
    return amount


def evenly(amount: int, parts: int) -> list[int]:
    """``amount`` split over ``parts`` so that they sum to it; the đồng that are over go to the first ones."""
    share, over = divmod(amount, parts)
    return [share + (n < over) for n in range(parts)]


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
