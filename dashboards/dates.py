"""A day as a form or a person writes it."""

from datetime import date

from camera_registry.errors import RegistryError
from camera_registry.imports import values
from camera_registry.imports.faults import MESSAGES, BadCell


class NoDay(RegistryError):
    """What was written is no day."""


def day_of(text: str) -> date | None:
    """``2026-11-22`` as browsers write it, or ``22/11/2026``; ``None`` for nothing. Raises ``NoDay``."""
    if not text.strip():
        return None
    try:
        return values.day(text, date.max, date.min)  # how far away it may lie is for the deed to say
    except BadCell as bad:
        raise NoDay(MESSAGES[bad.fault], **bad.values) from None
