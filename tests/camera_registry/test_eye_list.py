"""The list of eyes: what is found, in what order, and leaves that hold while rows change."""

import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera_registry import eye_list
from camera_registry.eye_list import Choice, Column, Leaf, Order
from camera_registry.health import EyeState
from camera_registry.queries import EyeRow, Overlay
from tests.camera_registry.registries import GATE

NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
WAITING = replace(GATE, code="YB-0002-01", point="YB-0002", overlay=Overlay.NOT_STARTED, probed_at=None)
SCHOOL = replace(
    GATE, code="YB-0003-01", name="", point="YB-0003", point_name="Trường Kim Đồng", funding="", model="IPC"
)


@pytest.mark.parametrize(
    "words",
    [
        pytest.param("hoa binh", id="without marks"),
        pytest.param("hòa bình", id="the tone on the other vowel"),
        pytest.param(unicodedata.normalize("NFD", "hoà bình"), id="decomposed"),
        pytest.param("HOÀ BÌNH", id="capitals"),
        pytest.param("dau cau", id="đ as d"),
        pytest.param("đầu CẦU", id="đ"),
        pytest.param("binh chợ cổng", id="any order"),
        pytest.param("hikv ds 2cd1", id="parts of words, maker and model"),
        pytest.param("yb000101", id="a code without its dashes"),
        pytest.param("yb-0001-01", id="a code"),
        pytest.param("yb 0001 chợ", id="a code in words, and a word"),
    ],
)
def test_search(words: str) -> None:
    assert eye_list.choose([SCHOOL, GATE], Choice(q=words)) == [GATE]


@pytest.mark.parametrize(
    ("choice", "codes"),
    [
        pytest.param(Choice(), ["YB-0001-01", "YB-0002-01", "YB-0003-01"], id="all"),
        pytest.param(Choice(standing="not_started"), ["YB-0002-01"], id="not started"),
        pytest.param(Choice(standing="up"), [], id="a state"),
        pytest.param(Choice(funding="socialised"), ["YB-0001-01", "YB-0002-01"], id="funding"),
        pytest.param(Choice(custody="missing"), ["YB-0003-01"], id="not handed over"),
        pytest.param(Choice(reason="TCP_TIMEOUT", site="yb", q="kim dong"), ["YB-0003-01"], id="together"),
        pytest.param(Choice(manufacturer="Dahua"), [], id="another maker"),
    ],
)
def test_conditions(choice: Choice, codes: list[str]) -> None:
    found = eye_list.choose([GATE, WAITING, SCHOOL], choice, unmanaged={"YB-0003"})
    assert [row.code for row in found] == codes


def test_blanks_come_last_in_either_direction() -> None:
    rows = [replace(GATE, code="A", since=None), replace(GATE, code="B"), GATE]
    newer = replace(GATE, code="C", since=NOW + timedelta(hours=1))
    assert [row.code for row in eye_list.ordered([*rows, newer], Order.named("since"))] == [
        "B", "YB-0001-01", "C", "A",
    ]  # fmt: skip
    assert [row.code for row in eye_list.ordered([*rows, newer], Order.named("-since"))] == [
        "C", "YB-0001-01", "B", "A",
    ]  # fmt: skip


ROWS = st.lists(
    st.builds(
        lambda number, since, state, point: replace(
            GATE,
            code=f"E{number}",
            since=since and NOW - timedelta(minutes=since),
            state=state,
            point_name=point,
        ),
        st.integers(0, 10_000),
        st.none() | st.integers(1, 5),
        st.sampled_from(EyeState),
        st.sampled_from(["", "Ấm", "Đá | vôi", "Zêta"]),
    ),
    unique_by=lambda row: row.code,
    max_size=25,
)
ORDERS = st.builds(Order, st.sampled_from(Column), st.booleans())


def leaves(rows: list[EyeRow], order: Order) -> list[Leaf]:
    found = [eye_list.leaf(rows, order, size=4)]
    while found[-1].after:
        found.append(eye_list.leaf(rows, order, after=found[-1].after, size=4))
    return found


@given(ROWS, ORDERS)
def test_leaves_hold_every_row_once_and_lead_back(rows: list[EyeRow], order: Order) -> None:
    found = leaves(rows, order)
    assert [row for each in found for row in each.rows] == eye_list.ordered(rows, order)
    for former, later in pairwise(found):
        assert later.first == former.first + len(former.rows)
        assert eye_list.leaf(rows, order, before=later.before, size=4).rows == former.rows


@given(ROWS, ORDERS, st.data())
def test_a_leaf_holds_while_rows_go(rows: list[EyeRow], order: Order, data: st.DataObject) -> None:
    """Whatever goes of the first leaf, the row that its key names included, the next one begins as before."""
    first, *others = leaves(rows, order)
    if others:
        gone = data.draw(st.sets(st.sampled_from([row.code for row in first.rows])))
        left = [row for row in rows if row.code not in gone]
        assert eye_list.leaf(left, order, after=first.after, size=4).rows == others[0].rows


def test_a_key_from_elsewhere_is_no_harm() -> None:
    assert eye_list.leaf([GATE], Order(), after="x").rows == [GATE]
    assert eye_list.leaf([GATE], Order.named("nonsense"), after="zz|zz|zz").rows == [GATE]
    assert eye_list.leaf([], Order(), before="a|b|c") == Leaf([], 1, 0)
