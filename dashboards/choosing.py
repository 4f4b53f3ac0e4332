"""The period a reader chose: by its name, by days, or none yet; and the choices a page offers."""

from dataclasses import dataclass
from datetime import date, timedelta

from camera_registry import periods
from camera_registry.i18n import N_
from camera_registry.periods import PeriodError
from camera_registry.uptime import Span
from dashboards.rendering import Reader

MONTHS_OFFERED, QUARTERS_OFFERED, YEARS_OFFERED = 15, 6, 2

_ROMAN = {"1": "I", "2": "II", "3": "III", "4": "IV"}  # quarters are written so here


@dataclass(frozen=True, slots=True)
class Period:
    """What a page is about: from the day ``first`` until before the day ``after``, or nearly so.

    ``problem`` says what was wrong with what was asked for.
    """

    span: Span
    name: str  # 2026-09, 2026-Q3, 2026; empty where it is none of these
    title: str
    first: date
    after: date
    months: tuple[tuple[str, str], ...]  # name and title
    quarters: tuple[tuple[str, str], ...]
    years: tuple[tuple[str, str], ...]
    problem: str = ""

    @property
    def query(self) -> dict[str, str]:
        """How another page is told the same period."""
        if self.name:
            return {"period": self.name}
        return {"from": self.span.start.isoformat(), "to": self.span.end.isoformat()}


def choose(reader: Reader, name: str, start: str, end: str) -> Period:
    """The period that an address names; where it names none, this month, and why."""
    problem = ""
    try:
        span = periods.named(name, reader.zone) if name else _days(reader, start, end)
    except PeriodError as refused:
        problem = refused.text(reader.language)
        span = periods.asked("", "", reader.zone, reader.now)
    today = reader.today
    known = periods.name_of(span, reader.zone)
    return Period(
        span=span,
        name=known,
        title=_title(reader, known) if known else _between(reader, span),
        first=span.start.astimezone(reader.zone).date(),
        after=(span.end - timedelta.resolution).astimezone(reader.zone).date() + timedelta(days=1),
        months=tuple((m, _title(reader, m)) for m in periods.newest_months(today, MONTHS_OFFERED)),
        quarters=tuple((q, _title(reader, q)) for q in periods.newest_quarters(today, QUARTERS_OFFERED)),
        years=tuple((y, _title(reader, y)) for y in periods.newest_years(today, YEARS_OFFERED)),
        problem=problem,
    )


def _days(reader: Reader, start: str, end: str) -> Span:
    return periods.asked(start, end, reader.zone, reader.now)


def _title(reader: Reader, name: str) -> str:
    year, _, part = name.partition("-")
    if part.startswith("Q"):
        return reader.say(N_("Quarter {quarter}/{year}"), quarter=_ROMAN[part[1:]], year=year)
    if not part:
        return reader.say(N_("Year {year}"), year=year)
    return reader.say(N_("Month {month}/{year}"), month=int(part), year=year)


def _between(reader: Reader, span: Span) -> str:
    return reader.say(
        N_("From {start} until {end}"), start=reader.plain_stamp(span.start), end=reader.plain_stamp(span.end)
    )
