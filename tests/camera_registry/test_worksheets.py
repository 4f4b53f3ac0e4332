"""Worksheets that can be read on paper: nothing is cut off, nothing lies over the row below."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry.worksheets import LINE_PT, MOST_ON_PAPER, WIDEST, Needs, height, needs, widths

LONG = "Đơn vị quản lý; Đơn vị trả tiền điện; Biên bản bàn giao hoặc quyết định xác lập sở hữu"


def test_a_figure_is_never_broken_and_never_cut_off() -> None:
    column = needs("Đã thu", [], ["10.000.000.000", "5"])

    assert column.least == column.most == len("10.000.000.000") + 3


def test_a_text_is_as_wide_as_its_longest_word_at_least() -> None:
    column = needs("Thiếu căn cứ", [LONG], [])

    assert (column.least, column.most) == (len("Thiếu") + 3, WIDEST)


def test_long_texts_make_room_for_what_cannot_be_broken() -> None:
    columns = [Needs(14, 14)] * 9 + [Needs(10, 60)] * 3

    found = widths(columns)

    assert found[:9] == [14] * 9
    assert sum(found) <= MOST_ON_PAPER
    assert min(found[9:]) > 20


def test_nothing_is_broken_where_there_is_room() -> None:
    assert widths([Needs(10, 40), Needs(8, 8)]) == [40, 8]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        pytest.param("", 10, 1, id="nothing"),
        pytest.param("Mắt camera", 12, 1, id="one line"),
        pytest.param("Số ngày chờ kinh phí", 10, 3, id="between words"),
        pytest.param("a" * 25, 10, 3, id="a word that is too long"),
        pytest.param("a\nb\nc", 10, 3, id="lines of its own"),
    ],
)
def test_a_row_is_as_high_as_its_longest_text(text: str, width: int, lines: int) -> None:
    assert height([("x", 10), (text, width)]) == lines * LINE_PT


@given(st.text(max_size=300), st.integers(6, 60))
def test_every_text_has_room(text: str, width: int) -> None:
    assert height([(text, width)]) >= min(409, len("".join(text.split())) / width * LINE_PT)
