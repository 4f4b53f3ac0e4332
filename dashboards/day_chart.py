"""The last 24 hours as a picture: how many eyes were not well, in layers of their states."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from camera_registry.health import EyeState
from camera_registry.trends import Day
from dashboards.rendering import Reader

LAYERS = (EyeState.DOWN, EyeState.DEGRADED, EyeState.UNKNOWN)  # from the ground up
HOURS_MARKED = 6
WIDTH, HEIGHT = 960, 160  # of the drawing; the page stretches it
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Layer:
    """A state: its outline as the points of a polygon, how many eyes at first, at most and now."""

    state: EyeState
    points: str
    first: int
    most: int
    most_at: datetime
    now: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment under the picture, or a number beside it; ``place``: per cent from the left or the ground."""

    place: float
    text: str


@dataclass(frozen=True, slots=True)
class DayChart:
    """``hours`` are the rows of the table that says the same: a moment and the number of each layer."""

    layers: Sequence[Layer]
    marks: Sequence[Mark]
    scale: Sequence[Mark]
    hours: Sequence[tuple[datetime, Sequence[int]]]


def day_chart(day: Day, reader: Reader) -> DayChart:
    """The eyes that were down, degraded or unknown, above each other."""
    highest = max(map(sum, zip(*(day.counts[state] for state in LAYERS), strict=True)))
    top = _round(highest)
    xs = _places(day.moments)
    ground = [0] * len(day.moments)
    layers = []
    for state in LAYERS:
        numbers = day.counts[state]
        roof = [low + number for low, number in zip(ground, numbers, strict=True)]
        most = max(numbers)
        layers.append(
            Layer(
                state,
                _outline(xs, ground, roof, top),
                numbers[0],
                most,
                day.moments[numbers.index(most)],
                numbers[-1],
            )
        )
        ground = roof
    whole = [n for n, at in enumerate(day.moments) if at.astimezone(reader.zone).minute == 0]
    return DayChart(
        layers,
        [
            Mark(round(xs[n] / WIDTH * 100, 2), f"{day.moments[n].astimezone(reader.zone):%H:%M}")
            for n in whole
            if day.moments[n].astimezone(reader.zone).hour % HOURS_MARKED == 0
        ],
        [Mark(100.0, reader.number(top)), Mark(0.0, reader.number(0))],
        [(day.moments[n], [day.counts[state][n] for state in LAYERS]) for n in reversed(whole)],
    )


def _places(moments: Sequence[datetime]) -> list[float]:
    """How far to the right each moment lies: the last step is shorter than the others."""
    length = (moments[-1] - moments[0]).total_seconds() or 1.0
    return [(at - moments[0]).total_seconds() / length * WIDTH for at in moments]


def _outline(xs: Sequence[float], ground: Sequence[int], roof: Sequence[int], top: int) -> str:
    there = list(zip(xs, roof, strict=True))
    back = list(zip(xs, ground, strict=True))[::-1]
    return " ".join(f"{x:.0f},{HEIGHT - number / top * HEIGHT:.1f}" for x, number in [*there, *back])


def _round(highest: int) -> int:
    """The next 1, 2 or 5 with zeros, so that the height of the picture is a number to remember."""
    size = 1
    while True:
        for step in _STEPS:
            if step * size >= highest:
                return max(step * size, 10)
        size *= 10
