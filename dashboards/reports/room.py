"""How wide the columns of a table are, and how large its letters: on paper nothing can be scrolled."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from dashboards.reports import typeface

SIZES_PT = (12, 11, 10, 9, 8, 7)  # of the letters of a table, the largest that has room
PADDING_MM = 2.4  # of a cell, left and right together
MM_OF_A_PT = 25.4 / 72
# How wide signs of the typeface are, of its size; measured in Tinos, a little more for what is bold.
_WIDE, _CAPITAL, _FIGURE, _NARROW, _OTHER = 0.95, 0.74, 0.52, 0.32, 0.52
LONG_TABLE, SMALL_PT = 40, (10, 9, 8, 7)  # lines: more of them shall not take more paper than they must
LONGEST_WORD = 24  # signs: a hash or an address is broken anywhere
_BROKEN = 6.0  # of a table's letters: what is left of such a word on a line at least
_STEPS = 40  # of halving
_SURELY = 0.97  # of a line: kerning may make a text wider than its signs
_MOST_OF_A_LINE = 40.0  # sizes: a longer text is broken into lines in any case


@dataclass(frozen=True, slots=True)
class Room:
    """Widths in mm, of each column; the size of the letters in pt."""

    widths: tuple[float, ...]
    size: int


def room(lines: Sequence[Sequence[str]], weights: Sequence[float], width: float) -> Room:
    """Columns get what their longest word needs, and of the rest as much as they weigh, while they use it.

    Words are broken only where the smallest letters are too large.
    """
    columns = list(zip(*lines, strict=True))
    least = [max(map(_longest_word, column)) for column in columns]
    most = [max(min(_MOST_OF_A_LINE, _width(text)) for text in column) for column in columns]
    for size in SIZES_PT if len(lines) <= LONG_TABLE else SMALL_PT:
        mm = size * MM_OF_A_PT
        needed = [PADDING_MM + word * mm for word in least]
        if sum(needed) <= width:
            wanted = [PADDING_MM + max(word, text) * mm for word, text in zip(least, most, strict=True)]
            return Room(_shared(needed, wanted, weights, width), size)
    return Room(tuple(width * each / sum(needed) for each in needed), size)


def one_line(cells: Sequence[str], room: Room) -> bool:
    """Whether each cell of a row surely stands on one line: then no typesetting need find how tall it is."""
    mm = room.size * MM_OF_A_PT
    return all(
        "\n" not in cell and typeface.width(cell) * mm <= _SURELY * (wide - PADDING_MM)
        for cell, wide in zip(cells, room.widths, strict=True)
    )


def _shared(
    needed: Sequence[float], wanted: Sequence[float], weights: Sequence[float], width: float
) -> tuple[float, ...]:
    """The width, shared by weight, but no column gets less than it needs, nor more than its lines are long.

    What is left where all have what they want is shared, too.
    """
    if sum(wanted) <= width:
        return tuple(each * width / sum(wanted) for each in wanted)
    low, high = 0.0, width / min(weights)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        widths = [
            min(most, max(least, middle * weight))
            for least, most, weight in zip(needed, wanted, weights, strict=True)
        ]
        low, high = (middle, high) if sum(widths) < width else (low, middle)
    return tuple(round(each, 3) for each in widths)


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
