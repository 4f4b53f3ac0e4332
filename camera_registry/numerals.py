"""Whole numbers in words, as the sum stands in a letter beside its figures.

Written here, because the kept library reads Vietnamese numbers as nobody writes them on a paper about money
(num2words 0.5.14: 1.001 as "một nghìn lẻ một", 10**15 as a hundred thousand billions).
"""

from collections.abc import Callable, Iterator, Mapping

from camera_registry.i18n import Language

MOST = 10**18  # less than that

_VI = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
_VI_SCALES = ("", "nghìn", "triệu")  # then the same again, of "tỷ"
_BILLION = 10**9
_EN = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_EN_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_EN_SCALES = ("", "thousand", "million", "billion", "trillion", "quadrillion")


def in_words(number: int, language: Language) -> str:
    """``12_001_015`` as "mười hai triệu không trăm linh một nghìn không trăm mười lăm".

    In Vietnamese as offices write it: "linh", "mốt", "lăm"; "không trăm" where hundreds are none below a
    group that was told; groups of nothing are left out. Raises ``ValueError`` for less than zero and for
    ``MOST`` or more.
    """
    if not 0 <= number < MOST:
        raise ValueError(f"no words for {number}")
    return " ".join(_SAID[language](number))


# --- how it is done ---------------------------------------------------------------------------------


def _vietnamese(number: int, below: bool = False) -> Iterator[str]:
    """``below``: larger groups were told before it."""
    if number >= _BILLION:
        yield from _vietnamese(number // _BILLION, below)
        yield "tỷ"
        number, below = number % _BILLION, True
    if number == 0 and not below:
        yield _VI[0]
    for place, group in _groups(number):
        yield from _vietnamese_group(group, below)
        yield from filter(None, [_VI_SCALES[place]])
        below = True


def _vietnamese_group(group: int, below: bool) -> Iterator[str]:
    hundreds, tens, ones = group // 100, group // 10 % 10, group % 10
    if hundreds or below:
        yield from (_VI[hundreds], "trăm")
    if tens == 1:
        yield "mười"
    elif tens:
        yield from (_VI[tens], "mươi")
    elif ones and (hundreds or below):
        yield "linh"
    if ones == 1 and tens > 1:
        yield "mốt"
    elif ones == 5 and tens:
        yield "lăm"
    elif ones:
        yield _VI[ones]


def _english(number: int) -> Iterator[str]:
    if number == 0:
        yield _EN[0]
    for place, group in _groups(number):
        hundreds, rest = divmod(group, 100)
        if hundreds:
            yield from (_EN[hundreds], "hundred")
        if rest and (hundreds or (place == 0 and number > group)):
            yield "and"
        if rest < len(_EN):
            yield from [_EN[rest]] if rest else []
        else:
            yield "-".join(filter(None, (_EN_TENS[rest // 10], _EN[rest % 10] if rest % 10 else "")))
        yield from filter(None, [_EN_SCALES[place]])


def _groups(number: int) -> Iterator[tuple[int, int]]:
    """Its groups of three digits that are not nothing, from the left, each with its place from the right."""
    digits = f"{number:018}"
    for place in range(5, -1, -1):
        group = int(digits[15 - 3 * place : 18 - 3 * place])
        if group:
            yield place, group


_SAID: Mapping[Language, Callable[[int], Iterator[str]]] = {"vi": _vietnamese, "en": _english}
