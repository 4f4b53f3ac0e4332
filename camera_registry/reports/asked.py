"""What a report is asked to be about: kept as JSON, turned into days and words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta, tzinfo
from typing import Any, get_type_hints

from camera_registry import i18n, periods
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, Language, translate
from camera_registry.periods import YEARS, midnight
from camera_registry.reports.value import Kind
from camera_registry.uptime import Span

LONGEST_NAME = 100  # characters of a uid or a code

_NAMED = (1, 3, 12)  # months of a month, a quarter, a year


class AskedError(RegistryError):
    """No report can be made of what was asked for."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. ``first`` and ``last`` are days, both inclusive; a report of one day has one twice.

    ``unit`` is a uid, ``""`` for all that may be seen; ``point`` and ``programme`` are codes, ``proposal`` an
    id. ``units_at`` is the day whose units are named; ``None`` for ``last``.
    """

    kind: Kind
    first: date
    last: date
    unit: str = ""
    point: str = ""
    programme: str = ""
    units_at: date | None = None
    proposal: int | None = None

    @property
    def day_of_units(self) -> date:
        return self.units_at or self.last

    @property
    def months(self) -> int:
        """How many whole months it is about; 0 where it does not begin and end with one."""
        if self.first.day != 1 or (self.last + timedelta(days=1)).day != 1:
            return 0
        return 12 * (self.last.year - self.first.year) + self.last.month - self.first.month + 1

    def within(self, zone: tzinfo) -> Span:
        """The time it is about. Raises ``PeriodError`` for one longer than figures are counted of."""
        return periods.checked(self.span(zone))

    def span(self, zone: tzinfo) -> Span:
        """The time it is about, however long."""
        return Span(midnight(self.first, zone), midnight(self.last + timedelta(days=1), zone))

    def before(self) -> "Asked":
        """The same of the period before: as many months where it is months, else as many days.

        Units stay those of the same day, so that two periods are about the same places.
        """
        last = self.first - timedelta(days=1)
        if self.months:
            first = periods.months_later(self.first, -self.months)
        else:
            first = self.first - (self.last - self.first) - timedelta(days=1)
        return replace(self, first=first, last=last, units_at=self.day_of_units)


def checked(asked: Asked) -> Asked:
    """``asked``, if it can be asked. Raises ``AskedError``."""
    days = (asked.first, asked.last, asked.day_of_units)
    if asked.last < asked.first:
        raise AskedError(N_("A period ends on the day it began, or later."))
    if any(day.year not in YEARS for day in days):
        raise AskedError(N_("The days of a report lie between the years 2000 and 2099."))
    if any(len(text) > LONGEST_NAME for text in (asked.unit, asked.point, asked.programme)):
        raise AskedError(N_("The text is longer than {limit} characters."), limit=LONGEST_NAME)
    return asked


def to_json(asked: Asked) -> dict[str, Any]:
    """As a row keeps it: what says nothing is left out."""
    kept = {name: value for name, value in asdict(asked).items() if value not in ("", None)}
    return {name: str(value) if isinstance(value, date | Kind) else value for name, value in kept.items()}


def from_json(kept: Mapping[str, Any]) -> Asked:
    """Raises ``AskedError`` for what ``to_json`` never wrote."""
    try:
        said = {name: _READ[_TYPES[name]](value) for name, value in kept.items()}
        return checked(Asked(**said))
    except (KeyError, TypeError, ValueError) as error:
        raise AskedError(N_("What was asked of a report is not understood.")) from error


def period_words(asked: Asked, language: Language) -> str:
    """The period as a heading names it: ``tháng 9/2026``, ``quý III/2026``, ``năm 2026``, or its days."""
    first = asked.first
    months = asked.months
    if months in _NAMED and (first.month - 1) % months == 0:
        said = {1: N_("month {month}/{year}"), 3: N_("quarter {quarter}/{year}"), 12: N_("year {year}")}
        quarter = ("I", "II", "III", "IV")[(first.month - 1) // 3]
        return translate(said[months], language, month=first.month, quarter=quarter, year=first.year)
    if asked.first == asked.last:
        return translate(N_("day {day}"), language, day=i18n.day(first, language))
    said_days = {"first": i18n.day(first, language), "last": i18n.day(asked.last, language)}
    return translate(N_("from {first} to {last}"), language, **said_days)


def period_slug(asked: Asked) -> str:
    """The period in the name of a file: ``2026-09``, ``2026-Q3``, ``2026``, ``2026-09-01_2026-09-14``."""
    first = asked.first
    if asked.months == 1:
        return f"{first:%Y-%m}"
    if asked.months == 3 and first.month % 3 == 1:
        return f"{first.year}-Q{(first.month + 2) // 3}"
    if asked.months == 12 and first.month == 1:
        return f"{first.year}"
    return f"{first}" if first == asked.last else f"{first}_{asked.last}"


def _day(text: object) -> date:
    if not isinstance(text, str):
        raise TypeError(text)
    return date.fromisoformat(text)


def _text(text: object) -> str:
    if not isinstance(text, str):
        raise TypeError(text)
    return text


def _number(number: object) -> int:
    if not isinstance(number, int):
        raise TypeError(number)
    return number


_TYPES = get_type_hints(Asked)
_READ: Mapping[Any, Any] = {
    Kind: Kind,
    date: _day,
    date | None: _day,
    str: _text,
    int | None: _number,
}
