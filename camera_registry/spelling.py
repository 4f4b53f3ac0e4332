"""Vietnamese text as it is compared: composed or not, ``hòa`` or ``hoà``, with marks or without."""

import re
import unicodedata

# The five tone marks; the other combining marks (circumflex, breve, horn) make letters of their own.
TONES = "\u0300\u0301\u0303\u0309\u0323"  # grave, acute, tilde, hook, dot

_INVISIBLE = re.compile("[\u200b-\u200f\u2060\ufeff\u00ad]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # all but tabs and ends of lines
_NOT_WORD = re.compile(r"[\W_]+")
_LETTERS = re.compile(r"[^\W\d_]+")


def clean(text: str) -> str:
    """``text`` composed (NFC), without invisible and control characters, every run of blanks one space."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", _INVISIBLE.sub("", text))
    return " ".join(written(" ".join(text.split())).split())


def written(text: str) -> str:
    """``text`` without control characters, which no spreadsheet takes; lines stay."""
    return _CONTROL.sub("", text)


def spelled(text: str) -> str:
    """A key that keeps tone marks but not where in the syllable, nor how, they are written."""
    return _LETTERS.sub(_tone_last, clean(text).casefold())


def fold(text: str) -> str:
    """A key without marks, case or punctuation, ``đ`` as ``d``: for searching and for headers."""
    plain = text.replace("đ", "d").replace("Đ", "d")  # the one letter that does not decompose
    decomposed = unicodedata.normalize("NFD", _INVISIBLE.sub("", plain).casefold())
    bare = "".join(char for char in decomposed if not unicodedata.combining(char))
    return _NOT_WORD.sub(" ", bare).strip()


def _tone_last(word: re.Match[str]) -> str:
    letters: list[str] = []
    tones: list[str] = []
    for char in unicodedata.normalize("NFD", word[0]):
        (tones if char in TONES else letters).append(char)
    return "".join(letters + tones)
