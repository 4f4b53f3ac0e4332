"""Vietnamese first, English second: messages, numbers and dates as people here write them.

Message ids are the English text, so English needs no catalogue. Catalogues are read from their ``.po``
source: nothing to compile, nothing that can be out of date.
"""

from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import Literal, get_args

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
LOCALE_DIR = Path(__file__).parent / "locale"


def N_(message: str) -> str:
    """Mark ``message`` for translation where it stands; translate it where a person reads it."""
    return message


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
