"""Sums in words: as offices write them, and so that they are read as the number they were made of."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from camera_registry.numerals import MOST, in_words

ONES = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
FOR = {"mốt": 1, "lăm": 5} | {word: value for value, word in enumerate(ONES)}
ENGLISH = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven"),
    *("twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "quadrillion": 15}


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(0, "không", id="0"),
        pytest.param(5, "năm", id="5"),
        pytest.param(10, "mười", id="10"),
        pytest.param(15, "mười lăm", id="15"),
        pytest.param(20, "hai mươi", id="20"),
        pytest.param(21, "hai mươi mốt", id="21"),
        pytest.param(24, "hai mươi bốn", id="24"),
        pytest.param(25, "hai mươi lăm", id="25"),
        pytest.param(101, "một trăm linh một", id="101"),
        pytest.param(105, "một trăm linh năm", id="105"),
        pytest.param(111, "một trăm mười một", id="111"),
        pytest.param(1_000, "một nghìn", id="1.000"),
        pytest.param(1_001, "một nghìn không trăm linh một", id="1.001"),
        pytest.param(10_500, "mười nghìn năm trăm", id="10.500"),
        pytest.param(1_000_000, "một triệu", id="1.000.000"),
        pytest.param(1_005_000, "một triệu không trăm linh năm nghìn", id="1.005.000"),
        pytest.param(2_000_015, "hai triệu không trăm mười lăm", id="2.000.015"),
        pytest.param(
            12_345_678,
            "mười hai triệu ba trăm bốn mươi lăm nghìn sáu trăm bảy mươi tám",
            id="12.345.678",
        ),
        pytest.param(10_000_000_000, "mười tỷ", id="ten billions"),
        pytest.param(1_000_000_005, "một tỷ không trăm linh năm", id="a billion and five"),
        pytest.param(
            21_050_000_000, "hai mươi mốt tỷ không trăm năm mươi triệu", id="nothing but tens of millions"
        ),
        pytest.param(10**12, "một nghìn tỷ", id="a thousand billions"),
        pytest.param(10**15, "một triệu tỷ", id="the most that the ledger takes"),
    ],
)
def test_a_number_as_offices_write_it(number: int, said: str) -> None:
    assert in_words(number, "vi") == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        pytest.param(0, "zero", id="0"),
        pytest.param(21, "twenty-one", id="21"),
        pytest.param(105, "one hundred and five", id="105"),
        pytest.param(1_001, "one thousand and one", id="1,001"),
        pytest.param(
            12_345_678,
            "twelve million three hundred and forty-five thousand six hundred and seventy-eight",
            id="12,345,678",
        ),
        pytest.param(10**15, "one quadrillion", id="the most that the ledger takes"),
    ],
)
def test_a_number_in_english(number: int, said: str) -> None:
    assert in_words(number, "en") == said


NUMBERS = st.one_of(
    st.integers(0, MOST - 1),
    st.integers(0, 10**6),
    # Groups of nothing and of ones, which read unlike their neighbours.
    st.lists(st.sampled_from([0, 1, 5, 10, 15, 21, 100, 105, 999]), min_size=1, max_size=6).map(
        lambda groups: int("".join(f"{group:03}" for group in groups))
    ),
)


@given(NUMBERS)
@example(MOST - 1)
def test_who_reads_the_words_has_the_number(number: int) -> None:
    assert read_vietnamese(in_words(number, "vi").split()) == number
    assert read_english(in_words(number, "en")) == number


@pytest.mark.parametrize("number", [-1, MOST])
def test_there_are_no_words_for_it(number: int) -> None:
    with pytest.raises(ValueError, match="no words"):
        in_words(number, "vi")


def read_vietnamese(words: list[str]) -> int:
    """The number: what stands before a scale is of it, what stands behind it is below it."""
    for scale, worth in (("tỷ", 10**9), ("triệu", 10**6), ("nghìn", 1_000), ("trăm", 100)):
        if scale in words:
            at = len(words) - 1 - words[::-1].index(scale)
            return read_vietnamese(words[:at]) * worth + read_vietnamese(words[at + 1 :])
    match words:
        case []:
            return 0
        case ["linh", one]:
            return FOR[one]
        case ["mười", *rest]:
            return 10 + read_vietnamese(rest)
        case [tens, "mươi", *rest]:
            return FOR[tens] * 10 + read_vietnamese(rest)
    (one,) = words
    return FOR[one]


def read_english(said: str) -> int:
    found = group = 0
    for word in said.replace("-", " ").split():
        if word in SCALES:
            found, group = found + group * 10 ** SCALES[word], 0
        elif word == "hundred":
            group *= 100
        elif word in TENS:
            group += (TENS.index(word) + 2) * 10
        elif word != "and":
            group += ENGLISH.index(word)
    return found + group
