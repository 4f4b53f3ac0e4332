"""Periods as people ask for them: a month or quarter of the registry's zone, days of it, or exact moments.

Every period is half-open: ``to`` is the first moment (or day) that is no part of it any more.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.uptime import Span

LONGEST_DAYS = 400  # of one question: a year and a month to compare it with
LONGEST_TEXT = 40  # characters of a moment: ISO 8601 with microseconds and offset has 32
YEARS = range(2000, 2100)  # that a person may mean

_MONTHS_OF_A_QUARTER = 3


class PeriodError(RegistryError):
    """What was asked for is no period, or too long a one."""


def moment_of(text: str, zone: tzinfo) -> datetime:
    """``2026-09-01`` is its midnight in ``zone``; anything else is ISO 8601 with an offset, or refused."""
    written = text.strip()
    try:
        if len(written) <= LONGEST_TEXT:
            if re.fullmatch(r"\d{4}-\d\d-\d\d", written, re.ASCII):
                return midnight(_known(date.fromisoformat(written)), zone)
            moment = datetime.fromisoformat(written)
            if moment.tzinfo is not None and moment.year in YEARS:
                return moment.astimezone(UTC)
    except ValueError:
        pass
    raise PeriodError(
        N_('"{text}" is no day (2026-09-01) and no moment with an offset (2026-09-01T07:00:00+07:00).'),
        text=written[:LONGEST_TEXT],
    )


def midnight(day: date, zone: tzinfo) -> datetime:
    """The moment at which ``day`` begins in ``zone``, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def asked(start: str, end: str, zone: tzinfo, now: datetime) -> Span:
    """From ``start`` until ``end``; neither: the month of ``now``; one: from it until now, or refused.

    Raises ``PeriodError`` for a period that is empty or longer than ``LONGEST_DAYS``.
    """
    if not start and not end:
        return month_of(now.astimezone(zone).date(), zone)
    if not start:
        raise PeriodError(N_("A period needs its beginning."))
    return checked(Span(moment_of(start, zone), moment_of(end, zone) if end else now))


def checked(period: Span) -> Span:
    """``period``, if it is one that may be asked for. Raises ``PeriodError``."""
    if period.end <= period.start:
        raise PeriodError(N_("A period ends after it began."))
    if period.end - period.start > timedelta(days=LONGEST_DAYS):
        raise PeriodError(N_("A question is about at most {days} days."), days=LONGEST_DAYS)
    return period


def named(text: str, zone: tzinfo) -> Span:
    """``2026-09`` (a month), ``2026-Q3`` (a quarter) or ``2026`` (a year) of ``zone``.

    Raises ``PeriodError`` for anything else.
    """
    found = re.fullmatch(r"(\d{4})(?:-(?:(\d\d)|Q([1-4])))?", text.strip(), re.ASCII)
    try:
        if found is not None:
            year, month, quarter = found.groups()
            if quarter is not None:
                return quarter_of(_known(date(int(year), 3 * int(quarter) - 2, 1)), zone)
            if month is not None:
                return month_of(_known(date(int(year), int(month), 1)), zone)
            return year_of(_known(date(int(year), 1, 1)), zone)
    except ValueError:
        pass
    raise PeriodError(
        N_('"{text}" is no month (2026-09), no quarter (2026-Q3) and no year (2026).'),
        text=text[:LONGEST_TEXT],
    )


def month_of(day: date, zone: tzinfo) -> Span:
    """The month of ``zone`` that ``day`` lies in."""
    first = day.replace(day=1)
    return Span(midnight(first, zone), midnight(months_later(first, 1), zone))


def quarter_of(day: date, zone: tzinfo) -> Span:
    """The quarter of ``zone`` that ``day`` lies in."""
    first = day.replace(month=day.month - (day.month - 1) % _MONTHS_OF_A_QUARTER, day=1)
    return Span(midnight(first, zone), midnight(months_later(first, _MONTHS_OF_A_QUARTER), zone))


def year_of(day: date, zone: tzinfo) -> Span:
    """The year of ``zone`` that ``day`` lies in."""
    first = day.replace(month=1, day=1)
    return Span(midnight(first, zone), midnight(months_later(first, 12), zone))


def name_of(period: Span, zone: tzinfo) -> str:
    """What ``named`` would make ``period`` of; empty where it is no month, no quarter and no year."""
    first = period.start.astimezone(zone).date()
    if period == month_of(first, zone):
        return f"{first:%Y-%m}"
    if period == quarter_of(first, zone):
        return f"{first.year}-Q{(first.month + 2) // 3}"
    if period == year_of(first, zone):
        return f"{first.year}"
    return ""


def newest_months(day: date, count: int) -> Iterator[str]:
    """The names of the month of ``day`` and of those before it, newest first."""
    for back in range(count):
        yield f"{months_later(day.replace(day=1), -back):%Y-%m}"


def newest_quarters(day: date, count: int) -> Iterator[str]:
    """The names of the quarter of ``day`` and of those before it, newest first."""
    for back in range(count):
        first = months_later(day.replace(day=1), -_MONTHS_OF_A_QUARTER * back)
        yield f"{first.year}-Q{(first.month + 2) // 3}"


def newest_years(day: date, count: int) -> Iterator[str]:
    """The names of the year of ``day`` and of those before it, newest first."""
    for back in range(count):
        yield f"{day.year - back}"


def last_day(period: Span, now: datetime, zone: tzinfo) -> date:
    """The last day of ``period`` that has begun: the day whose units a report of it names."""
    return min(period.end - timedelta.resolution, now).astimezone(zone).date()


def _known(day: date) -> date:
    if day.year not in YEARS:
        raise ValueError(f"{day} is in no year that anybody means")
    return day


def months_later(first: date, months: int) -> date:
    """The same day of the month so many months later; ``first`` is the first of one."""
    years, month = divmod(first.month - 1 + months, 12)
    return first.replace(year=first.year + years, month=month + 1)
