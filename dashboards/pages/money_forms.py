"""What the forms of money share: choices and whole numbers as a browser sends them."""

from enum import StrEnum
from typing import TypeVar

from fastapi import HTTPException

from camera_registry.funding.checks import FundingError
from camera_registry.i18n import N_

MOST_DIGITS = 12  # of a year, of how many gave, of the number of a thing

Slug = TypeVar("Slug", bound=StrEnum)


def slug(kind: type[Slug], text: str) -> Slug:
    """A choice of the form; 422 for one that it does not offer."""
    if text not in set(kind):
        raise HTTPException(422)
    return kind(text)


def whole(text: str) -> int | None:
    """A number of the form; nothing where it is blank. Raises ``FundingError``."""
    text = text.strip()
    if not text:
        return None
    if not text.isdecimal() or len(text) > MOST_DIGITS:
        raise FundingError(N_('"{text}" is no whole number.'), text=text[:40])
    return int(text)
