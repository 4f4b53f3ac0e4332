"""Amounts of đồng as people write them, and split over points: no đồng is lost, none is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry.money import MOST, AmountError, amount_of, evenly


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        pytest.param("", None, id="nothing"),
        pytest.param("  ", None, id="blank"),
        pytest.param("0", 0, id="zero-is-known"),
        pytest.param("12500000", 12_500_000, id="digits"),
        pytest.param("12.500.000", 12_500_000, id="points"),
        pytest.param("12,500,000", 12_500_000, id="commas"),
        pytest.param("12 500 000", 12_500_000, id="spaces"),
        pytest.param("12.500.000 đồng", 12_500_000, id="said-of-what"),
        pytest.param("12.500.000đ", 12_500_000, id="short"),
    ],
)
def test_an_amount_is_read_as_it_is_written(written: str, amount: int | None) -> None:
    assert amount_of(written) == amount


@pytest.mark.parametrize(
    "written",
    ["12,5", "12.500,00", "12.500,000", "-5", "=1+1", "1e9", "12 triệu", "1.00", str(MOST + 1), "9" * 5_000],
)
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(AmountError):
        amount_of(written)


@given(st.integers(0, MOST), st.integers(1, 500))
def test_a_split_sums_to_what_was_split(amount: int, parts: int) -> None:
    shares = evenly(amount, parts)
    assert (sum(shares), len(shares)) == (amount, parts)
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1
