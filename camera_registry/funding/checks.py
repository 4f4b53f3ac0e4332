"""What every deed of the funding ledger looks at: texts that are not too long, days and years that can be."""

from datetime import date

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.spelling import clean

EARLIEST, YEARS_AHEAD = date(1990, 1, 1), 5  # of any day; others are mistyped


class FundingError(RegistryError):
    """It cannot stand in the funding ledger so."""


def said(text: str, limit: int) -> str:
    """``text`` in one line. Raises ``FundingError`` where it is longer than ``limit`` characters."""
    text = clean(text)
    if len(text) > limit:
        raise FundingError(N_("The text is longer than {limit} characters."), limit=limit)
    return text


def needed(text: str, limit: int, message: str) -> str:
    """The same of a text that must not be blank: ``message`` refuses that."""
    text = said(text, limit)
    if not text:
        raise FundingError(message)
    return text


def a_day(day: date | None, today: date, *, years_ahead: int = YEARS_AHEAD) -> None:
    """Raises ``FundingError`` for a day that is mistyped."""
    latest = today.replace(year=today.year + years_ahead, day=min(today.day, 28)) if years_ahead else today
    if day is not None and not EARLIEST <= day <= latest:
        raise FundingError(N_("{text} is too long ago or too far ahead."), text=f"{day:%d/%m/%Y}")


def a_year(year: int | None, today: date) -> None:
    """Raises ``FundingError`` for a year that is mistyped."""
    if year is not None and not EARLIEST.year <= year <= today.year + YEARS_AHEAD:
        raise FundingError(N_("{text} is too long ago or too far ahead."), text=str(year))
