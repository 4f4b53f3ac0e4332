"""Figures of many eyes: who is counted, where, and that it is what watching every second finds."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.db import Database
from camera_registry.figures import Figure, Group, availability
from camera_registry.health import EYE
from camera_registry.periods import midnight, month_of
from camera_registry.units import Scope
from camera_registry.uptime import Served, Span, Tally
from tests.camera_registry.towns import STATES, found, maintain, move, write

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
SECOND = 1_000_000
HOUR = 3600 * SECOND
SEPTEMBER = month_of(date(2026, 9, 1), VIETNAM)
AFTER = datetime(2026, 10, 15, tzinfo=UTC)
EVERYTHING = Scope.everything()


def day(n: float) -> datetime:
    """So many days into September, local time."""
    return SEPTEMBER.start + timedelta(days=n)


def of(
    session: Session,
    group: Group,
    *,
    within: Span = SEPTEMBER,
    now: datetime = AFTER,
    scope: Scope = EVERYTHING,
    units_at: date = date(2026, 9, 30),
) -> dict[str, Figure]:
    figures = availability(session, scope, now, VIETNAM, within, group, units_at)
    return {figure.key: figure for figure in figures}


# --- second by second ---------------------------------------------------------------------------------

# The clocks change at midnight, where days and memberships begin; and a zone where they never do.
MIDNIGHTS = (
    ("Asia/Ho_Chi_Minh", date(2026, 7, 1)),
    ("America/Havana", date(2026, 3, 8)),  # 00:00 to 00:59 do not exist
    ("Africa/Cairo", date(2026, 10, 30)),  # 23:00 to 23:59 of the day before come twice
)
AROUND = 300  # seconds before and after midnight
SECONDS = st.integers(-AROUND - 60, AROUND + 60)
SPANS = st.tuples(SECONDS, SECONDS).map(sorted)
LIVES = st.fixed_dictionaries(
    {
        "ledger": st.dictionaries(SECONDS, st.sampled_from(STATES), max_size=6),
        "commissioned": st.none() | SECONDS,
        "retired": st.none() | SECONDS,
        "suspended": st.none() | SPANS,
    }
)
WINDOWS = st.lists(
    st.tuples(st.sampled_from(("all", "eye:E1", "point:P1", "point:P2", "unit:A", "unit:B")), SPANS),
    max_size=3,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(MIDNIGHTS),
    st.lists(LIVES, min_size=3, max_size=3),
    WINDOWS,
    st.lists(st.sampled_from(("P1", "P2")), unique=True),
)
def test_figures_by_unit_are_what_watching_every_second_finds(
    database: Database,
    border: tuple[str, date],
    lives: list[dict[str, Any]],
    windows: list[tuple[str, list[int]]],
    moved: list[str],
) -> None:
    zone, new_day = ZoneInfo(border[0]), border[1]
    middle = midnight(new_day, zone)

    def second(n: int) -> datetime:
        return middle + timedelta(seconds=n)

    period = Span(second(-AROUND), second(AROUND))
    point_of = {"E1": "P1", "E2": "P1", "E3": "P2"}
    with database.reading() as session:  # and nothing of it stays
        town = found(session, (2, 1))
        ids = {"eye": town.eyes, "point": town.points, "unit": town.units}
        for code, life in zip(point_of, lives, strict=True):
            eye = session.get_one(models.Eye, town.eyes[code])
            if life["commissioned"] is not None:
                eye.commissioned_at = second(life["commissioned"])
            if life["retired"] is not None:
                eye.retired_at = second(life["retired"])
            if life["suspended"] is not None:
                start, end = life["suspended"]
                session.add(models.Suspension(eye_id=eye.id, from_at=second(start), to_at=second(end)))
            write(session, eye.id, EYE, [(second(n), life["ledger"][n]) for n in sorted(life["ledger"])])
        for scope, (start, end) in windows:
            kind, _, name = scope.partition(":")
            maintain(session, Span(second(start), second(end)), kind, ids[kind][name] if name else None)
        for point in moved:
            move(session, town.points[point], town.units["B"], new_day)
        figures = availability(session, EVERYTHING, period.end, zone, period, Group.UNIT, new_day)

    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for n in range(-AROUND, AROUND):
        is_new = second(n).astimezone(zone).date() >= new_day
        for code, life in zip(point_of, lives, strict=True):
            unit = "B" if is_new and point_of[code] in moved else "A"
            covered_by = ("all", f"eye:{code}", f"point:{point_of[code]}", f"unit:{unit}")
            state = "unknown"
            for at in sorted(life["ledger"]):
                if at <= n:
                    state = life["ledger"][at]
            if any(scope in covered_by and start <= n < end for scope, (start, end) in windows):
                state = "maintenance"
            if (
                (life["commissioned"] is not None and n < life["commissioned"])
                or (life["retired"] is not None and n >= life["retired"])
                or (life["suspended"] is not None and life["suspended"][0] <= n < life["suspended"][1])
            ):
                state = "not_in_service"
            expected[unit][state] += SECOND
    states = (*STATES, "maintenance", "not_in_service")
    counted = {figure.key: {state: getattr(figure.tally, state) for state in states} for figure in figures}
    assert counted == {unit: {state: sums[state] for state in states} for unit, sums in expected.items()}


# --- stories ------------------------------------------------------------------------------------------


def test_a_point_that_moves_takes_its_eyes_along_from_that_day_on(database: Database) -> None:
    with database.reading() as session:
        town = found(session, (1,))
        write(session, town.eyes["E1"], EYE, [(day(-9), "up"), (day(12), "down"), (day(13), "up")])
        move(session, town.points["P1"], town.units["B"], date(2026, 9, 11))  # T8
        units = of(session, Group.UNIT)
        (total,) = of(session, Group.TOTAL).values()

    assert {uid: figure.tally.period for uid, figure in units.items()} == {"A": 240 * HOUR, "B": 480 * HOUR}
    assert (units["A"].tally.availability, units["B"].tally.availability) == (1, 456 / 480)
    assert (units["A"].outages, units["B"].outages, total.outages) == (0, 1, 1)
    assert (total.tally.period, total.eyes) == (720 * HOUR, 1)


def test_an_outage_counts_for_the_unit_it_began_in(database: Database) -> None:
    with database.reading() as session:
        town = found(session, (1,))
        write(session, town.eyes["E1"], EYE, [(day(0), "up"), (day(9), "down"), (day(11), "up")])
        move(session, town.points["P1"], town.units["B"], date(2026, 9, 11))
        units = of(session, Group.UNIT)

    assert (units["A"].outages, units["A"].longest_outage_s) == (1, 48 * 3600)
    assert (units["B"].outages, units["B"].tally.down) == (0, 24 * HOUR)


def test_sums_are_over_eyes_and_never_of_percentages(database: Database) -> None:
    with database.reading() as session:
        town = found(session, (1, 199))  # T9
        for code, eye_id in town.eyes.items():
            write(session, eye_id, EYE, [(day(0), "down" if code == "E1" else "up")])
        unit = of(session, Group.UNIT)["A"]
        points = of(session, Group.POINT)

    assert (unit.tally.availability, unit.eyes) == (0.995, 200)
    assert (points["P1"].served, points["P2"].served) == (Served(0, 720 * HOUR, 0), Served(720 * HOUR, 0, 0))


def test_an_eye_no_network_reaches_is_in_no_measured_figure(database: Database) -> None:
    with database.reading() as session:
        town = found(session, (2,))
        write(session, town.eyes["E1"], EYE, [(day(0), "up")])
        session.get_one(models.Eye, town.eyes["E2"]).reach = "reported"  # T17
        (total,) = of(session, Group.TOTAL).values()
        eyes = of(session, Group.EYE)

    assert (total.tally.period, total.eyes) == (720 * HOUR, 1)
    assert list(eyes) == ["E1"]


def test_where_nothing_is_observed_there_is_no_rate(database: Database) -> None:
    with database.reading() as session:
        found(session, (1,))
        (total,) = of(session, Group.TOTAL).values()

    assert (total.tally.availability, total.tally.coverage, total.tally.unknown) == (None, 0, 720 * HOUR)
    assert (total.mttr_s, total.mtbf_s, total.outages) == (None, None, 0)


def test_time_to_come_is_not_counted(database: Database) -> None:
    with database.reading() as session:
        town = found(session, (1,))
        write(session, town.eyes["E1"], EYE, [(day(0), "up"), (day(1), "down"), (day(2), "up")])
        (total,) = of(session, Group.TOTAL, now=day(3)).values()  # T1
        assert of(session, Group.TOTAL, now=day(-1)) == {}

    assert total.tally.availability == pytest.approx(2 / 3)
    assert (total.tally.coverage, total.tally.period) == (1, 72 * HOUR)


def test_units_are_those_of_the_day_that_is_asked_for(database: Database) -> None:
    with database.reading() as session:
        town = found(session, (1, 1), units=("A", "B"))
        new = models.Unit(uid="N", code="N", name="Phường Mới", kind="phuong", valid_from=date(2026, 9, 16))
        session.add(new)
        for unit_id in town.units.values():
            session.get_one(models.Unit, unit_id).valid_to = date(2026, 9, 15)
        session.flush()
        session.add_all(
            models.UnitSuccessor(unit_id=unit_id, successor_id=new.id) for unit_id in town.units.values()
        )
        move(session, town.points["P2"], town.units["B"], date(2026, 9, 3))
        write(session, town.eyes["E1"], EYE, [(day(0), "up")])
        before = of(session, Group.UNIT, units_at=date(2026, 9, 1))
        after = of(session, Group.UNIT, units_at=date(2026, 9, 30))

    assert {uid: figure.tally.period for uid, figure in before.items()} == {
        "A": (720 + 48) * HOUR,
        "B": (720 - 48) * HOUR,
    }
    assert [(figure.key, figure.name, figure.eyes) for figure in after.values()] == [("N", "Phường Mới", 2)]


def test_who_may_see_one_unit_sees_its_points_alone(database: Database) -> None:
    with database.reading() as session:
        town = found(session, (1, 1))
        move(session, town.points["P2"], town.units["B"], date(2026, 9, 11))
        seen = {name: set(of(session, Group.EYE, scope=Scope.of([town.units[name]]))) for name in ("A", "B")}
        units = of(session, Group.UNIT, scope=Scope.of([town.units["B"]]))

    assert seen == {"A": {"E1"}, "B": {"E2"}}
    assert set(units) == {"A", "B"}  # the point that is B's today, also while it was A's


def test_every_group_sums_to_the_same(database: Database) -> None:
    with database.reading() as session:
        town = found(session, (2, 1))
        for number, eye_id in enumerate(town.eyes.values()):
            write(session, eye_id, EYE, [(day(number), "up"), (day(5), "down"), (day(6 + number), "up")])
        move(session, town.points["P1"], town.units["B"], date(2026, 9, 11))
        groups = {group: of(session, group) for group in Group}

    for figures in groups.values():
        assert sum((f.tally for f in figures.values()), Tally()) == groups[Group.TOTAL][""].tally
        assert sum(f.outages for f in figures.values()) == 3
    assert {group: list(fs) for group, fs in groups.items()} == {
        Group.EYE: ["E1", "E2", "E3"],
        Group.POINT: ["P1", "P2"],
        Group.UNIT: ["A", "B"],
        Group.FUNDING: ["city_budget"],
        Group.SITE: ["S1"],
        Group.TOTAL: [""],
    }


@pytest.mark.parametrize(
    ("month", "hours"),
    [pytest.param(date(2026, 3, 1), 743, id="spring"), pytest.param(date(2026, 10, 1), 745, id="autumn")],
)
def test_a_month_with_a_clock_change_has_its_own_length(database: Database, month: date, hours: int) -> None:
    berlin = ZoneInfo("Europe/Berlin")  # T12
    period = month_of(month, berlin)
    with database.reading() as session:
        town = found(session, (1,))
        write(session, town.eyes["E1"], EYE, [(period.start, "up")])
        now = period.end + timedelta(days=40)
        (total,) = availability(session, EVERYTHING, now, berlin, period, Group.TOTAL, month)

    assert (total.tally.up, total.tally.period) == (hours * HOUR, hours * HOUR)
