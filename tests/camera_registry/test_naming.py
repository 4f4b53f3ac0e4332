"""Points and eyes that somebody names: in full, by number; what a number fits several of is asked."""

import pytest

from camera_registry.alerts import naming
from camera_registry.alerts.naming import Named, Place
from camera_registry.spelling import fold

CITY = (
    *(Place("YB-0127", eye) for eye in ("", "YB-0127-01", "YB-0127-02")),
    *(Place("YB-0128"), Place("CHUA-DONG-3"), Place("NC-0300"), Place("YB-0300")),
)


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        pytest.param("YB-0127", ["YB-0127"], id="as-it-is"),
        pytest.param("yb 0127", ["YB-0127"], id="apart"),
        pytest.param("yb0127 va yb-0128", ["YB-0127", "YB-0128"], id="two"),
        pytest.param("yb-0127-01", ["YB-0127-01"], id="eye"),
        pytest.param("yb-0127 02", ["YB-0127-02"], id="eye-apart"),
        pytest.param("yb-0127 yb-0127", ["YB-0127"], id="twice"),
        pytest.param("yb-01271", [], id="longer"),
        pytest.param("127", [], id="part"),
        pytest.param("0127", ["YB-0127"], id="number"),
        pytest.param("điểm 0127 và 0128 nhé", ["YB-0127", "YB-0128"], id="numbers"),
        pytest.param("0127-02", ["YB-0127-02"], id="number-of-an-eye"),
        pytest.param("yb-0128 từ 0127", ["YB-0128"], id="number-beside-a-code"),
        pytest.param("3 mắt", [], id="count"),
        pytest.param("chùa đông 3", ["CHUA-DONG-3"], id="words"),
    ],
)
def test_what_is_named(text: str, codes: list[str]) -> None:
    assert [place.code for place in naming.named(fold(text).split(), CITY).places] == codes


def test_a_number_of_two_points_names_neither() -> None:
    assert naming.named(["0300"], CITY) == Named(perhaps=(Place("NC-0300"), Place("YB-0300")))


def test_words_beside_a_code_are_seen() -> None:
    assert naming.named(["yb", "0127"], CITY).beside == ()
    assert naming.named(["cot", "yb", "0127", "gay"], CITY).beside == ("cot", "gay")
