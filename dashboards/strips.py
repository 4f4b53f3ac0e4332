"""A period as one bar: where each interval lies in it, in per cent, and the marks under it.

An outage of a minute would be thinner than a point in a month: what is bad has a least width, drawn last.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from itertools import groupby

from camera_registry.explaining import Interval
from camera_registry.i18n import Language
from camera_registry.uptime import Span, Tally

LEAST = 0.4  # per cent, of what is bad
BAD = ("degraded", "failing", "down")  # drawn last, the worst on top
WORSE = ("off", "not_in_service", "maintenance", "ok", "up", "unknown", *BAD)  # each than those before it
MOST = 1_000  # bars: a screen has not many more points
LAST_MARK = 88.0  # per cent: a mark further right has no room for its words


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval: where it begins and how wide it is, in per cent of the period.

    ``of`` is the interval, ``None`` where several are drawn as one.
    """

    state: str
    x: float
    width: float
    of: Interval | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment named under the bar."""

    x: float
    text: str


def bars(intervals: Sequence[Interval], period: Span) -> Sequence[Bar]:
    """What is to be drawn, in the order of drawing: at most about ``MOST`` bars.

    Of more intervals than that, each thousandth of the period shows the worst that happened in it.
    """
    found = [_bar(each, period) for each in intervals]
    if len(found) > MOST:
        found = _coarse(found)
    return sorted(found, key=lambda bar: BAD.index(bar.state) if bar.state in BAD else -1)


def parts(tally: Tally) -> Sequence[Bar]:
    """Time in service put together by state: what a rate and its coverage are made of."""
    whole = tally.period - tally.not_in_service
    found: list[Bar] = []
    x = 0.0
    for state in ("up", "degraded", "unknown", "maintenance", "down"):
        width = 100 * getattr(tally, state) / whole if whole else 0.0
        if width:
            found.append(Bar(state, round(x, 3), round(width, 3)))
        x += width
    return found


def marks(period: Span, language: Language, zone: tzinfo) -> Sequence[Mark]:
    """Hours of a day, days of some weeks, months of a year: at most seven."""
    days = (period.end - period.start) / timedelta(days=1)
    if days <= 2:
        return _placed(_hours(period, zone, 6 if days > 1 else 4), period, "%H:%M", zone)
    if days <= 62:
        step = max(1, round(days / 6))
        return _placed(_days(period, zone, step), period, _DAY[language], zone)
    months = max(1, round(days / 30.4 / 6))
    return _placed(_months(period, zone, months), period, "%m/%Y", zone)


_DAY = {"vi": "%d/%m", "en": "%m-%d"}


def _bar(each: Interval, period: Span) -> Bar:
    x = _place(each.span.start, period)
    width = _place(each.span.end, period) - x
    if each.state in BAD and width < LEAST:
        x, width = min(x, 100 - LEAST), LEAST
    return Bar(each.state, round(x, 3), round(width, 3), each)


def _coarse(many: Iterable[Bar]) -> list[Bar]:
    worst: dict[int, str] = {}
    for bar in many:
        first, last = (min(MOST - 1, int(edge * MOST / 100)) for edge in (bar.x, bar.x + bar.width))
        for place in range(first, last + 1):
            worst[place] = max(worst.get(place, bar.state), bar.state, key=WORSE.index)
    found = []
    for state, places in groupby(sorted(worst), key=lambda place: worst[place]):
        first, *others = places
        found.append(Bar(state, 100 * first / MOST, 100 * (1 + len(others)) / MOST))
    return found


def _place(at: datetime, period: Span) -> float:
    return 100 * ((at - period.start) / (period.end - period.start))


def _placed(moments: Iterable[datetime], period: Span, pattern: str, zone: tzinfo) -> Sequence[Mark]:
    found = [(_place(at, period), f"{at.astimezone(zone):{pattern}}") for at in moments]
    return [Mark(round(x, 3), text) for x, text in found if 0 <= x <= LAST_MARK]


def _hours(period: Span, zone: tzinfo, step: int) -> Iterator[datetime]:
    at = period.start
    while at < period.end:
        yield at
        at += timedelta(hours=step)


def _days(period: Span, zone: tzinfo, step: int) -> Iterator[datetime]:
    at = period.start.astimezone(zone)
    while at < period.end:
        yield at
        at += timedelta(days=step)  # of the wall clock: a day of a clock change is a day


def _months(period: Span, zone: tzinfo, step: int) -> Iterator[datetime]:
    at = period.start.astimezone(zone)
    at = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while at < period.end:
        yield at
        month = at.month - 1 + step
        at = at.replace(year=at.year + month // 12, month=month % 12 + 1)
