"""Amounts of đồng as people write them, and split over points: no đồng is lost, none is made."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry.funding.sharing import Shares, SharingError, shares_of
from camera_registry.money import MOST, AmountError, amount_of, evenly

POINTS = [("YB-1", None), ("YB-2", None)]


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


@pytest.mark.parametrize(
    ("amount", "rows", "ticks", "shares"),
    [
        pytest.param(9, [], {}, ((None, 9),), id="of-no-point-yet"),
        pytest.param(9, [("YB-1", None)], {}, (("YB-1", 9),), id="one-point-has-all"),
        pytest.param(9, [("YB-1", 4), ("YB-2", 5)], {}, (("YB-1", 4), ("YB-2", 5)), id="told-apart"),
        pytest.param(None, [("YB-1", 4), ("YB-2", 5)], {}, (("YB-1", 4), ("YB-2", 5)), id="the-sum-follows"),
        pytest.param(
            9, [("YB-1", 4)], {"rest": True}, (("YB-1", 4), (None, 5)), id="what-is-over-is-nobody's-yet"
        ),
        pytest.param(None, [], {"unknown": True}, ((None, None),), id="not-known"),
        pytest.param(
            None,
            [("YB-1", 4), ("YB-2", None)],
            {"unknown": True},
            (("YB-1", 4), ("YB-2", None)),
            id="one-share-not-known",
        ),
    ],
)
def test_shares_are_as_they_were_filled_in(
    amount: int | None, rows: list[tuple[str, int | None]], ticks: dict[str, bool], shares: Shares
) -> None:
    assert shares_of(amount, rows, **ticks) == shares


@pytest.mark.parametrize(
    ("amount", "rows", "said"),
    [
        pytest.param(None, [], "how much it is", id="nothing-said"),
        pytest.param(9, POINTS, "9\N{NO-BREAK SPACE}đồng is not split yet", id="not-split"),
        pytest.param(None, POINTS, "how much is for YB-1", id="no-share"),
        pytest.param(9, [("YB-1", 4)], "5\N{NO-BREAK SPACE}đồng of the sum is no point's", id="over"),
        pytest.param(3, [("YB-1", 4)], "1\N{NO-BREAK SPACE}đồng more than the sum", id="too-much"),
        pytest.param(8, [("YB-1", 4), ("YB-1", 4)], "YB-1 is named twice", id="twice"),
    ],
)
def test_shares_that_do_not_make_the_sum_are_refused(
    amount: int | None, rows: list[tuple[str, int | None]], said: str
) -> None:
    with pytest.raises(SharingError, match=said):
        shares_of(amount, rows)
