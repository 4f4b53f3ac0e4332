"""Vietnamese first, English second: messages, numbers and dates as people here write them.

Message ids are the English text, so English needs no catalogue. Catalogues are read from their ``.po``
source: nothing to compile, nothing that can be out of date.
"""

import re
from datetime import date, datetime, tzinfo
from functools import cache, lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args
from unicodedata import normalize

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LOCALE_DIR = Path(__file__).parent / "locale"


def N_(message: str) -> str:
    """Mark ``message`` for translation where it stands; translate it where a person reads it."""
    return message


def NN_(one: str, more: str) -> tuple[str, str]:
    """Mark a message about one thing and about several, for ``translate_many``."""
    return one, more


@cache
def catalogue(language: Language) -> NullTranslations:
    """The messages of one language."""
    source = LOCALE_DIR / language / "LC_MESSAGES" / "messages.po"
    if language == "en":
        return NullTranslations()
    with source.open("rb") as file:
        messages = read_po(file, locale=language)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    return GNUTranslations(compiled)


def translate(message: str, language: Language, **values: object) -> str:
    """``message`` in ``language``, its ``{names}`` filled from ``values``."""
    text = catalogue(language).gettext(message)
    return text.format(**values) if values else text


def translate_many(one: str, more: str, count: int, language: Language, **values: object) -> str:
    """A message about ``count`` things, which its ``{count}`` says as people write numbers."""
    text = catalogue(language).ngettext(one, more, count)
    return text.format(count=number(count, language), **values)


@lru_cache(maxsize=20_000)  # Babel's patterns are slow, and a page says the same few numbers over and over
def number(value: float, language: Language) -> str:
    """``12345.6`` as ``12.345,6`` or ``12,345.6``."""
    return format_decimal(value, locale=language)


def dong(amount: int, language: Language) -> str:
    """An amount with what it is of: ``12.500.000 đồng``."""
    return f"{number(amount, language)}\N{NO-BREAK SPACE}đồng"


def percent(share: float, language: Language) -> str:
    """A share of one with two decimals, as reports print it: ``0.995`` as ``99,50 %`` or ``99.50 %``."""
    return f"{format_decimal(share * 100, '#,##0.00', locale=language)}\N{NO-BREAK SPACE}%"


_UNITS = {"vi": ("giờ", "phút", "giây"), "en": ("h", "min", "s")}


def seconds(value: float, language: Language) -> str:
    """A short length of time as it was measured: ``0,412 giây``."""
    return f"{number(value, language)}\N{NO-BREAK SPACE}{_UNITS[language][2]}"


def duration(microseconds: int, language: Language) -> str:
    """A length of time, exact, so that what is printed sums: ``345 giờ 00 phút``, ``2 phút 03,5 giây``."""
    hour, minute, second = _UNITS[language]
    whole, fraction = divmod(microseconds, 1_000_000)
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    point = "," if language == "vi" else "."
    decimals = f"{point}{fraction:06}".rstrip("0") if fraction else ""
    parts = [f"{number(hours, language)}\N{NO-BREAK SPACE}{hour}"] if hours else []
    if hours or minutes or not (seconds or fraction):
        parts.append(f"{minutes:0{2 if hours else 1}}\N{NO-BREAK SPACE}{minute}")
    if seconds or fraction:
        parts.append(f"{seconds:0{2 if parts else 1}}{decimals}\N{NO-BREAK SPACE}{second}")
    return " ".join(parts)


# Babel's dates cost 40 microseconds each, and a page has thousands; these patterns need no names of months.
_DAY = {"vi": "%d/%m/%Y", "en": "%Y-%m-%d"}
_DAY_OF_YEAR = {"vi": "%d/%m", "en": "%m-%d"}


def moment(at: datetime, language: Language, zone: tzinfo) -> str:
    """A moment in full, in the reader's zone: ``22/11/2026 10:32:05 (+07:00)``."""
    there = at.astimezone(zone)
    return f"{there:{_DAY[language]} %H:%M:%S} ({there.isoformat()[-6:]})"


def stamp(at: datetime, language: Language, zone: tzinfo) -> str:
    """A moment with its year: ``22/11/2026 10:32``; with seconds where it has some."""
    there = at.astimezone(zone)
    return f"{there:{_DAY[language]} {'%H:%M:%S' if there.second or there.microsecond else '%H:%M'}}"


def day(day: date, language: Language) -> str:
    """A calendar day: ``22/11/2026``."""
    return f"{day:{_DAY[language]}}"


def short_moment(at: datetime, now: datetime, language: Language, zone: tzinfo) -> str:
    """A moment as short as it stays clear beside ``now``: ``10:32``, ``21/11 10:32``, ``21/11/2025``."""
    there, here = at.astimezone(zone), now.astimezone(zone)
    if there.date() == here.date():
        return f"{there:%H:%M}"
    if there.year == here.year:
        return f"{there:{_DAY_OF_YEAR[language]} %H:%M}"
    return f"{there:{_DAY[language]}}"


# Letters first, in the order of the Vietnamese alphabet; the five tones make no letter of their own and
# decide only between words of the same letters, in the order of dictionaries.
_LETTERS = {letter: rank for rank, letter in enumerate("aăâbcdđeêfghijklmnoôơpqrstuưvwxyz")}
_TONES = {
    "\N{COMBINING GRAVE ACCENT}": 1,
    "\N{COMBINING HOOK ABOVE}": 2,
    "\N{COMBINING TILDE}": 3,
    "\N{COMBINING ACUTE ACCENT}": 4,
    "\N{COMBINING DOT BELOW}": 5,
}
_NUMBERS, _FIGURES = re.compile("[0-9]+"), 12  # a longer one sorts by its first figures


@lru_cache(maxsize=20_000)  # the names of units, on each row of every list
def collation_key(text: str) -> tuple[tuple[tuple[int, str], ...], tuple[int, ...]]:
    """A key that sorts as a Vietnamese dictionary does; numbers, by their size, and signs before letters."""
    letters: list[tuple[int, str]] = []
    tones: list[int] = []
    for char in _NUMBERS.sub(lambda number: number[0].zfill(_FIGURES), normalize("NFC", text).casefold()):
        marks = normalize("NFD", char)
        letter = normalize("NFC", "".join(mark for mark in marks if mark not in _TONES))
        letters.append((_LETTERS.get(letter, -1), letter))
        tones.append(next((_TONES[mark] for mark in marks if mark in _TONES), 0))
    return tuple(letters), tuple(tones)
