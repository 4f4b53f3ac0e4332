"""How wide the columns of a table are, and how large its letters: on paper nothing can be scrolled."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

SIZES_PT = (12, 11, 10, 9, 8, 7)  # of the letters of a table, the largest that has room
PADDING_MM = 2.4  # of a cell, left and right together
MM_OF_A_PT = 25.4 / 72
# How wide signs of the typeface are, of its size; measured in Tinos, a little more for what is bold.
_WIDE, _CAPITAL, _FIGURE, _NARROW, _OTHER = 0.95, 0.74, 0.52, 0.32, 0.52
LONG_TABLE, SMALL_PT = 40, (10, 9, 8, 7)  # lines: more of them shall not take more paper than they must
LONGEST_WORD = 24  # signs: a hash or an address is broken anywhere
_BROKEN = 6.0  # of a table's letters: what is left of such a word on a line at least
_MOST_OF_A_LINE = 40.0  # sizes: a longer text is broken into lines in any case


@dataclass(frozen=True, slots=True)
class Room:
    """Widths in mm, of each column; the size of the letters in pt."""

    widths: tuple[float, ...]
    size: int


def room(lines: Sequence[Sequence[str]], weights: Sequence[float], width: float) -> Room:
    """Columns get what their longest word needs, and of the rest as much as they weigh.

    Where all weigh the same, their texts do. Words are broken only where the smallest letters are too large.
    """
    columns = list(zip(*lines, strict=True))
    least = [max(map(_longest_word, column)) for column in columns]
    if len(set(weights)) == 1:
        weights = [max(1.0, *(min(_MOST_OF_A_LINE, _width(text)) for text in column)) for column in columns]
    for size in SIZES_PT if len(lines) <= LONG_TABLE else SMALL_PT:
        needed = [PADDING_MM + word * size * MM_OF_A_PT for word in least]
        if sum(needed) <= width:
            return Room(_shared(needed, weights, width), size)
    return Room(tuple(width * each / sum(needed) for each in needed), size)


def _shared(needed: Sequence[float], weights: Sequence[float], width: float) -> tuple[float, ...]:
    """The width, shared by weight, but that no column gets less than it needs."""
    fixed: set[int] = set()
    while True:
        free = width - sum(needed[place] for place in fixed)
        weight = sum(weights[place] for place in range(len(needed)) if place not in fixed)
        widths = [
            needed[place] if place in fixed else free * weights[place] / weight
            for place in range(len(needed))
        ]
        small = {place for place in range(len(needed)) if widths[place] < needed[place] - 1e-9}
        if not small:
            return tuple(round(each, 2) for each in widths)
        fixed |= small


@lru_cache(maxsize=20_000)  # cells of a column say the same words again and again
def _width(text: str) -> float:
    return sum(map(_sign, text))


@lru_cache(maxsize=20_000)
def _longest_word(text: str) -> float:
    return max((_width(word) for word in text.split(" ") if len(word) <= LONGEST_WORD), default=_BROKEN)


@lru_cache(maxsize=2_000)
def _sign(sign: str) -> float:
    if sign.isdigit():
        return _FIGURE
    if sign in "mwMWƯƠ%@—…":
        return _WIDE
    if sign.isupper():
        return _CAPITAL
    return _NARROW if sign in "il.,:;|!'ítjr()[]/-\N{NO-BREAK SPACE}" else _OTHER
