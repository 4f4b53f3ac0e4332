"""The list of incidents: every leaf leads to the next and back, and conditions choose what they say."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import handling, incident_list, models, outages
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.incident_list import Choice, Leaf, Order, Phase
from camera_registry.incidents import Kind
from camera_registry.outages import IncidentRow, incident
from camera_registry.units import Scope
from camera_registry.uptime import Span
from tests.dashboards.city import NOW, Wards
from tests.dashboards.two_wards import OURS, THEIRS, Marks, fill_two_wards
from tests.dashboards.ward import CITY, FORMER, OTHER_WARD, WARD, ZONE, fill_morning
from tests.databases import sqlite_in

EVERYTHING = Scope.everything()
PAST = 23  # incidents that are over; several begin at one moment


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Wards]]:
    """The morning of two wards, with a past; one incident acknowledged, and one withdrawn with a note."""
    folder: Path = tmp_path_factory.mktemp("incidents")
    database = Database(sqlite_in(folder))
    wards = fill_morning(database)
    with database.transaction() as session:
        eyes = session.scalars(select(models.Eye).order_by(models.Eye.id)).all()
        for number in range(PAST):
            began = NOW - timedelta(days=1 + number // 4)
            row = models.Incident(
                kind="eye",
                ancestor_id=eyes[number % 3].id,
                started_at=began,
                announced_at=began,
                ended_at=began + timedelta(hours=1),
                recorded_at=began,
            )
            row.members = [
                models.IncidentEye(eye_id=eye.id, from_at=began, to_at=row.ended_at)
                for eye in eyes[: 1 + number % 3]
            ]
            session.add(row)
    officer = Actor("hoa", "cli")
    with database.transaction() as session:
        newest = [row.id for row in leaf(database).rows]
        for number in (newest[0], newest[5]):
            found = incident(session, EVERYTHING, NOW, ZONE, number)
            assert found is not None
            handling.acknowledge(session, officer, NOW, found)
        session.get_one(models.Incident, newest[5]).withdrawn_at = NOW
    yield database, wards
    database.close()


def leaf(database: Database, choice: Choice | None = None, scope: Scope = EVERYTHING, **asked: Any) -> Leaf:
    with database.reading() as session:
        return incident_list.leaf(session, scope, NOW, ZONE, choice or Choice(), **asked)


@settings(max_examples=15)
@given(order=st.sampled_from(Order), size=st.integers(1, 9))
def test_leaves_follow_each_other_and_lead_back(
    town: tuple[Database, Wards], order: Order, size: int
) -> None:
    database, _ = town
    whole = [row.id for row in leaf(database, order=order, size=1_000).rows]
    assert len(whole) == PAST + 3
    shown = leaf(database, order=order, size=size)
    ahead = [shown]
    while shown.after:
        shown = leaf(database, order=order, size=size, after=shown.after)
        ahead.append(shown)
    assert [row.id for each in ahead for row in each.rows] == whole
    back = [shown]
    while shown.before:
        shown = leaf(database, order=order, size=size, before=shown.before)
        back.append(shown)
    told = [row.id for each in reversed(back) for row in each.rows]
    assert told == whole
    assert {each.total for each in (*ahead, *back)} == {len(whole)}
    for each in (*ahead, *back):
        assert [row.id for row in each.rows] == whole[each.first - 1 :][: len(each.rows)]


def test_orders(town: tuple[Database, Wards]) -> None:
    rows = {order: leaf(town[0], order=order, size=1_000).rows for order in Order}
    assert [row.started_at for row in rows[Order.NEWEST]] == sorted(
        (row.started_at for row in rows[Order.NEWEST]), reverse=True
    )
    assert rows[Order.OLDEST] == rows[Order.NEWEST][::-1]
    assert [row.eyes for row in rows[Order.LARGEST]] == sorted(
        (row.eyes for row in rows[Order.LARGEST]), reverse=True
    )
    assert [row.weight(NOW) for row in rows[Order.HEAVIEST]] == sorted(
        (row.weight(NOW) for row in rows[Order.HEAVIEST]), reverse=True
    )
    for downwards, upwards in ((Order.LARGEST, Order.SMALLEST), (Order.HEAVIEST, Order.LIGHTEST)):
        assert rows[upwards] == rows[downwards][::-1]


def test_what_grows_meanwhile_moves_no_leaf(town: tuple[Database, Wards]) -> None:
    database, _ = town
    whole = [row.id for row in leaf(database, order=Order.HEAVIEST, size=1_000).rows]
    first = leaf(database, order=Order.HEAVIEST, size=2)
    with database.reading() as session:
        second = incident_list.leaf(
            session,
            EVERYTHING,
            NOW + timedelta(days=3),
            ZONE,
            Choice(),
            Order.HEAVIEST,
            after=first.after,
        )
    assert [row.id for row in (*first.rows, *second.rows)] == whole


@pytest.mark.parametrize("order", [Order.HEAVIEST, Order.LARGEST])
def test_what_ends_begins_and_joins_meanwhile_moves_no_leaf(database: Database, order: Order) -> None:
    fill_morning(database)
    first = leaf(database, order=order, size=1)
    whole = [row.id for row in leaf(database, order=order).rows]
    assert len(whole) == 3
    later = NOW + timedelta(days=2)
    with database.transaction() as session:
        for known in session.scalars(select(models.Incident).where(models.Incident.id.in_(whole[1:]))):
            known.ended_at = later
            for member in known.members:
                member.to_at = later
        eyes = session.scalars(select(models.Eye.id)).all()
        session.add_all(
            models.IncidentEye(incident_id=whole[-1], eye_id=eye, from_at=later - timedelta(days=1))
            for eye in eyes
        )
        new = models.Incident(
            kind="eye", ancestor_id=eyes[0], started_at=later, announced_at=later, recorded_at=later
        )
        new.members = [models.IncidentEye(eye_id=eyes[0], from_at=later)]
        session.add(new)
        session.flush()
        now_whole = [*whole, new.id]

    def turn(**key: str) -> Leaf:
        with database.reading() as session:
            at = NOW + timedelta(days=3)
            return incident_list.leaf(session, EVERYTHING, at, ZONE, Choice(), order, size=1, **key)

    ahead = [first]
    while key := ahead[-1].after:
        ahead.append(turn(after=key))
    assert [row.id for each in ahead for row in each.rows] == now_whole
    back = ahead[-1:]
    while key := back[-1].before:
        back.append(turn(before=key))
    assert [row.id for each in back for row in each.rows] == now_whole[::-1]


@pytest.mark.parametrize(
    ("choice", "count"),
    [
        pytest.param(Choice(phase=Phase.OPEN), 3, id="that go on"),
        pytest.param(Choice(phase=Phase.OVER), PAST - 1, id="that are over"),
        pytest.param(Choice(phase=Phase.WITHDRAWN), 1, id="that are left out"),
        pytest.param(Choice(kind=Kind.POINT), 1, id="of a kind"),
        pytest.param(Choice(acknowledged=True), 2, id="acknowledged"),
        pytest.param(Choice(phase=Phase.OPEN, acknowledged=False), 2, id="by nobody yet"),
        pytest.param(Choice(phase=Phase.OPEN, unit=WARD), 2, id="of a ward"),
        pytest.param(Choice(phase=Phase.OPEN, unit=OTHER_WARD), 1, id="of another"),
        pytest.param(Choice(phase=Phase.OPEN, unit=FORMER), 2, id="of a former unit"),
        pytest.param(Choice(phase=Phase.OPEN, unit=CITY), 3, id="of a city that was"),
        pytest.param(Choice(unit="nowhere"), 0, id="of no unit"),
        pytest.param(Choice(q="tuy loc CHO"), 24, id="words of a point, without marks"),
        pytest.param(Choice(q="cổng trường"), 1, id="words of an eye"),
        pytest.param(Choice(phase=Phase.OPEN, q="au lau"), 1, id="the unit of a point"),
        pytest.param(Choice(q="#15"), 1, id="a number"),
        pytest.param(Choice(q="9" * 40), 0, id="no number"),
        pytest.param(Choice(within=Span(NOW - timedelta(hours=2), NOW)), 3, id="of a time"),
    ],
)
def test_conditions(town: tuple[Database, Wards], choice: Choice, count: int) -> None:
    found = leaf(town[0], choice, size=1_000)
    assert (len(found.rows), found.total) == (count, count)
    with town[0].reading() as session:
        assert incident_list.number(session, EVERYTHING, NOW, ZONE, choice) == count


def test_an_incident_of_a_unit_is_found_by_its_name(database: Database) -> None:
    fill_morning(database)
    with database.reading() as session:
        eye = session.scalars(select(models.Eye).join(models.Device).join(models.Point)).first()
        unit = models.Unit(uid="x-1", code="x", name="Khu Đèo Ách", kind="phuong")
        assert eye is not None
        session.add(unit)
        session.flush()
        row = models.Incident(
            kind="area", ancestor_id=unit.id, started_at=NOW, announced_at=NOW, recorded_at=NOW
        )
        row.members = [models.IncidentEye(eye_id=eye.id, from_at=NOW)]
        session.add(row)
        session.flush()
        found = incident_list.leaf(session, EVERYTHING, NOW, ZONE, Choice(q="deo ach")).rows
        assert [each.id for each in found] == [row.id]


def test_only_what_lies_in_scope_is_told(town: tuple[Database, Wards]) -> None:
    database, wards = town
    (row,) = leaf(database, scope=Scope.of([wards.au_lau])).rows
    assert (row.code, row.further) == ("AL1-A", False)
    assert leaf(database, Choice(unit=WARD), scope=Scope.of([wards.au_lau])).rows == []


def by_words(session: Session, scope: Scope, marks: Marks) -> Sequence[IncidentRow]:
    return incident_list.leaf(session, scope, NOW, ZONE, Choice(q=marks.word)).rows


def by_point(session: Session, scope: Scope, marks: Marks) -> Sequence[IncidentRow]:
    return incident_list.leaf(session, scope, NOW, ZONE, Choice(point=f"{marks.code}-P")).rows


def by_code_of_point(session: Session, scope: Scope, marks: Marks) -> Sequence[IncidentRow]:
    return outages.incidents(session, scope, NOW, ZONE, point=f"{marks.code}-P")


def by_code_of_eye(session: Session, scope: Scope, marks: Marks) -> Sequence[IncidentRow]:
    return outages.incidents(session, scope, NOW, ZONE, eye=f"{marks.code}-E-DOWN")


@pytest.mark.parametrize("find", [by_words, by_point, by_code_of_point, by_code_of_eye])
def test_an_incident_shared_with_another_ward_tells_nothing_of_it(
    database: Database, find: Callable[[Session, Scope, Marks], Sequence[IncidentRow]]
) -> None:
    with database.transaction() as session:
        ours, theirs = fill_two_wards(session)
        (shared,) = session.scalars(
            select(models.IncidentEye).where(models.IncidentEye.incident_id == theirs.unit_incident)
        )
        session.add(
            models.IncidentEye(incident_id=ours.unit_incident, eye_id=shared.eye_id, from_at=shared.from_at)
        )
        our_ward = session.scalars(select(models.Unit.id).where(models.Unit.uid == OURS.uid)).one()
    with database.reading() as session:
        assert ours.unit_incident in {row.id for row in find(session, EVERYTHING, THEIRS)}
        scope = Scope.of([our_ward])
        assert find(session, scope, THEIRS) == []
        assert {row.id for row in find(session, scope, OURS)} == {ours.incident, ours.unit_incident}


@pytest.mark.parametrize("order", Order)
def test_a_key_that_is_none_gives_some_leaf(town: tuple[Database, Wards], order: Order) -> None:
    as_of = NOW.isoformat()
    for key in (
        *("", "x", "2026-11-22_1", f"9_x_{as_of}", "9_1_x", f"{2**70}_1_{as_of}", f"1_{2**70}_{as_of}"),
        *(f"0001-01-01T00:00+14:00_1_{as_of}", "9_1_0001-01-01T00:00+14:00", f"9_1_{as_of}"),
    ):
        assert leaf(town[0], order=order, after=key).total == PAST + 3
