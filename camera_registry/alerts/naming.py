"""Which points and eyes somebody's words name: by a code, however it is written, or by its number alone."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from camera_registry.spelling import fold

LONGEST_SPELLING = 5  # words that a code may be written as
SHORTEST_NUMBER = 3  # digits: "2 eyes" names nothing
MOST_PLACES = 10  # of one message

_BEFORE_NUMBER = re.compile(r"^[^0-9]+")


@dataclass(frozen=True, slots=True)
class Place:
    """A point with all its eyes or, with ``eye``, that one alone; both by code."""

    point: str
    eye: str = ""

    @property
    def code(self) -> str:
        return self.eye or self.point


@dataclass(frozen=True, slots=True)
class Named:
    """The places that are named, in order; those one of which is meant, where a number fits several.

    ``beside`` are the words that name none.
    """

    places: tuple[Place, ...] = ()
    perhaps: tuple[Place, ...] = ()
    beside: tuple[str, ...] = ()


def named(words: Sequence[str], places: Iterable[Place]) -> Named:
    """What ``words``, without marks and case, name of ``places``.

    ``YB-0127``, ``yb 0127`` and ``yb0127`` are one; ``0127`` is, too, where no code is written in full. An
    eye's code means that eye, not its point.
    """
    by_code: dict[str, list[Place]] = {}
    by_number: dict[str, list[Place]] = defaultdict(list)
    for place in sorted(places, key=lambda each: (each.eye != "", each.code)):
        key = "".join(fold(place.code).split())
        by_code.setdefault(key, [place])
        number = _BEFORE_NUMBER.sub("", key)
        if len(number) >= SHORTEST_NUMBER:
            by_number[number].append(place)
    found, beside = _found(words, by_code)
    if not found:
        found, beside = _found(words, by_number)
    certain = dict.fromkeys(meant[0] for meant in found if len(meant) == 1)
    perhaps = dict.fromkeys(place for meant in found if len(meant) > 1 for place in meant)
    return Named(tuple(certain)[:MOST_PLACES], tuple(perhaps)[:MOST_PLACES], beside)


def _found(
    words: Sequence[str], known: Mapping[str, list[Place]]
) -> tuple[list[list[Place]], tuple[str, ...]]:
    """What is known by these words, the longest spelling first, and the other words."""
    found: list[list[Place]] = []
    beside: list[str] = []
    place = 0
    while place < len(words):
        longest = min(LONGEST_SPELLING, len(words) - place)
        for length in range(longest, 0, -1):
            if meant := known.get("".join(words[place : place + length])):
                found.append(meant)
                place += length
                break
        else:
            beside.append(words[place])
            place += 1
    return found, tuple(beside)
