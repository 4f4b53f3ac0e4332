"""How wide the columns of a worksheet are and how high its rows, so that it can be read and printed.

Both are written into the file: LibreOffice works out no heights of a file in the form of Excel, and a text
broken into lines would lie over the row below.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil

A4 = 9  # as workbooks number sizes of paper
NARROWEST, WIDEST = 6, 60  # characters, of a column
BROKEN = 20  # characters: a text is not broken into shorter lines, unless its words are
MOST_ON_PAPER = 190  # characters side by side: more of them on A4 are too small to be read
ARROW = 3  # characters that the button of a filter takes of a head
HEAD_LINES = 4  # that a head is broken into, more or less
PADDING = 3
LINE_PT, MOST_PT = 15.75, 409  # of a line of 12 pt (21 pixels), and of the highest row there can be


@dataclass(frozen=True, slots=True)
class Needs:
    """Characters that a column takes: in no case less than ``least``, with no use for more than ``most``."""

    least: int
    most: int


def needs(title: str, texts: Sequence[str], figures: Sequence[str]) -> Needs:
    """Of a column with this head, and these in it: texts may go on in a line below, figures may not."""
    head = max((len(title) // HEAD_LINES, *map(len, title.split()))) + ARROW
    word = max((len(word) for text in texts for word in text.split()), default=0) + PADDING
    figure = max(map(len, figures), default=0) + PADDING
    least = max(NARROWEST, head, word, figure)
    longest = max(map(len, texts), default=0) + PADDING
    return Needs(min(WIDEST, least), min(WIDEST, max(least, longest)))


def widths(columns: Sequence[Needs]) -> list[int]:
    """What they take; where that is more than paper has room for, long texts are broken into lines."""
    for limit in range(WIDEST, BROKEN - 1, -1):
        found = [max(each.least, min(each.most, limit)) for each in columns]
        if sum(found) <= MOST_ON_PAPER:
            break
    return found


def height(cells: Iterable[tuple[str, float]]) -> float:
    """How high a row is (pt) whose texts stand in columns of these widths."""
    lines = max((_lines(text, width) for text, width in cells), default=1)
    return min(MOST_PT, lines * LINE_PT)


def _lines(text: str, width: float) -> int:
    """Into how many lines it is broken: between words, and a word that is too long anywhere."""
    count = 0
    for paragraph in text.split("\n"):
        count, used = count + 1, 0.0
        for word in paragraph.split():
            if used + len(word) <= width:
                used += len(word) + 1
            else:
                count += ceil(len(word) / width) - (not used)
                used = len(word) % width + 1
    return count
