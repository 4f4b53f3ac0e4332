"""What lines of the funding ledger sum to, whatever they are: balances reconcile, groups add up."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry.funding.kinds import Component, Form, Kind, Source
from camera_registry.funding.sums import Line, Totals, grouped, lasting, totals
from camera_registry.money import Sum

DAY = date(2026, 3, 5)
AMOUNTS = st.none() | st.integers(-(10**12), 10**12)
KEYS: Sequence[Callable[[Line], object]] = (
    lambda line: line.point,
    lambda line: line.unit_uid,
    lambda line: line.programme,
    lambda line: line.year,
    lambda line: (line.source, line.form, line.component),
    lambda line: line.entry,
)


@st.composite
def some_lines(draw: st.DrawFn) -> list[Line]:
    line = st.builds(
        Line,
        entry=st.integers(1, 9),
        kind=st.sampled_from(Kind),
        dated=st.just(DAY),
        year=st.integers(2020, 2023),
        form=st.sampled_from(Form),
        amount=AMOUNTS,
        programme=st.sampled_from(["", "CT-1", "CT-2"]),
        contributor=st.none(),
        source=st.none() | st.sampled_from(Source),
        givers=st.none(),
        component=st.none() | st.sampled_from(Component),
        point=st.sampled_from(["", "P1", "P2", "P3"]),
        unit_uid=st.sampled_from(["", "A", "B"]),
        unit=st.just(""),
        repair=st.none() | st.just(1),
    )
    return draw(st.lists(line, max_size=30))


def line(kind: Kind, amount: int | None, form: Form = Form.MONEY, **told: Any) -> Line:
    return Line(1, kind, DAY, 2026, form, amount, **told)


@given(some_lines())
def test_the_totals_of_any_grouping_make_up_those_of_the_whole(lines: list[Line]) -> None:
    whole = totals(lines)
    for key in KEYS:
        assert sum(grouped(lines, key).values(), Totals()) == whole


@given(some_lines())
def test_balances_reconcile(lines: list[Line]) -> None:
    whole = totals(lines)

    assert whole.collected == whole.opening + whole.contributed
    assert sum(whole.by_source.values(), Sum()) == whole.collected
    assert sum(whole.by_form.values(), Sum()) == whole.collected
    assert whole.money + whole.given == whole.collected
    assert whole.balance.known == whole.money.known - whole.spent.known
    assert whole.balance.unknown == whole.money.unknown + whole.spent.unknown
    assert sum(whole.spent_by_component.values(), Sum()) == whole.spent
    assert sum(whole.estimated_by_component.values(), Sum()) == whole.estimate
    nobody = whole.by_source.get(None, Sum())
    assert whole.from_state + whole.from_people + nobody == whole.collected
    parts = whole.estimate + whole.collected + whole.spent + whole.settled
    assert parts == Sum.of(each.amount for each in lines), "nothing is counted twice, nothing left out"
    assert whole.cost == Sum.of(each.amount for each in lines if lasting(each))


def test_an_unknown_amount_is_not_nothing() -> None:
    whole = totals(
        [line(Kind.CONTRIBUTION, None), line(Kind.CONTRIBUTION, 500_000), line(Kind.EXPENSE, None)]
    )
    assert whole.collected == Sum(500_000, 1)
    assert whole.balance == Sum(500_000, 2)


def test_only_money_can_be_spent() -> None:
    whole = totals(
        [
            line(Kind.CONTRIBUTION, 3_000_000),
            line(Kind.CONTRIBUTION, 2_000_000, Form.IN_KIND),
            line(Kind.CONTRIBUTION, 400_000, Form.LABOUR),
            line(Kind.EXPENSE, 2_500_000, component=Component.CAMERA),
        ]
    )
    assert (whole.collected, whole.given, whole.balance) == (Sum(5_400_000), Sum(2_400_000), Sum(500_000))
    assert whole.cost == Sum(4_900_000), "what was given is part of what a point is worth"


@pytest.mark.parametrize(
    ("said", "lasts"),
    [
        pytest.param(line(Kind.EXPENSE, 1, component=Component.POLE), True, id="a pole was bought"),
        pytest.param(line(Kind.EXPENSE, 1, component=Component.ELECTRICITY), False, id="power is used up"),
        pytest.param(line(Kind.EXPENSE, 1, component=Component.CAMERA, repair=1), False, id="mended"),
        pytest.param(line(Kind.CONTRIBUTION, 1, Form.IN_KIND), True, id="a thing was given"),
        pytest.param(line(Kind.CONTRIBUTION, 1), False, id="money was given, and is told where it is spent"),
        pytest.param(line(Kind.ESTIMATE, 1, component=Component.CAMERA), False, id="estimated"),
    ],
)
def test_what_a_point_is_worth(said: Line, lasts: bool) -> None:
    assert lasting(said) is lasts
