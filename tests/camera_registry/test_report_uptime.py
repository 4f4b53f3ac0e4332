"""The uptime report says what pages and the API say: of the city, of a unit, of a point; closed or not."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event
from sqlalchemy.orm import Session

from camera_registry import closings, figures, models
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.figures import Figure, Group
from camera_registry.health import EYE
from camera_registry.periods import PeriodError, midnight, month_of
from camera_registry.reports import uptime
from camera_registry.reports.asked import Asked, AskedError
from camera_registry.reports.value import Facts, Kind, Part, Report, Strips, Table, Text, Value
from camera_registry.units import Scope
from camera_registry.uptime import Served, Serving, Span, served, servings
from tests.camera_registry import towns
from tests.camera_registry.towns import Town

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 10, 15, tzinfo=UTC)
CITY = Scope.everything()
LATENESS = timedelta(days=7)
SEPTEMBER = Asked(Kind.UPTIME, date(2026, 9, 1), date(2026, 9, 30))
MONTH = month_of(SEPTEMBER.first, ZONE)
WARD_B = replace(SEPTEMBER, unit="B")
P = TypeVar("P", bound=Part)


def lived(session: Session, seed: int = 18) -> Town:
    """Three points with six eyes, a third of which moved from A to B; maintenance; ledgers at random."""
    town = towns.found(session, (3, 2, 1))
    towns.live(session, town, Span(MONTH.start, MONTH.start + timedelta(days=5)), seed)
    towns.move(session, town.points["P2"], town.units["B"], date(2026, 9, 3))
    towns.maintain(session, Span(MONTH.start, MONTH.start + timedelta(hours=5)), "point", town.points["P1"])
    reported = session.get_one(models.Eye, town.eyes["E6"])
    reported.reach = "reported"
    at, until = MONTH.start + timedelta(days=3), NOW + timedelta(days=99)
    word = models.ReportWord(eye_id=reported.id, at=at, word="not_working", by="tổ trưởng", expires_at=until)
    session.add(word)
    session.flush()
    return town


def built(session: Session, asked: Asked, scope: Scope = CITY, now: datetime = NOW) -> Report:
    return uptime.build(session, scope, asked, now, ZONE, "vi")


def part(report: Report, key: str, kind: type[P]) -> P:
    found = next(each for each in report.parts if each.key == key)
    assert isinstance(found, kind)
    return found


def facts(report: Report) -> Mapping[str, Value]:
    return {fact.key: fact.value for fact in part(report, "results", Facts).facts}


def hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 2)


def cells(figure: Figure) -> tuple[Value, ...]:
    tally = figure.tally
    longest = figure.longest_outage_s if figure.outages else None
    return (
        *(tally.availability, tally.coverage, tally.usable_rate, figure.outages),
        *(hours(each) for each in (longest, figure.mttr_s, figure.mtbf_s, tally.maintenance / 1e6)),
    )


@pytest.mark.parametrize(
    ("asked", "unit", "point"),
    [
        pytest.param(SEPTEMBER, None, None, id="city"),
        pytest.param(WARD_B, "B", None, id="ward"),
        pytest.param(replace(SEPTEMBER, point="P2"), None, "P2", id="point"),
        pytest.param(replace(SEPTEMBER, last=date(2026, 10, 31)), None, None, id="not over yet"),
    ],
)
def test_says_what_the_pages_say(session: Session, asked: Asked, unit: str | None, point: str | None) -> None:
    lived(session)
    report = built(session, asked)
    found = {
        group: figures.availability(
            *(session, CITY, NOW, ZONE, asked.within(ZONE), group, asked.day_of_units), unit=unit, point=point
        )
        for group in (Group.TOTAL, Group.UNIT, Group.POINT, Group.EYE)
    }
    (total,) = found[Group.TOTAL]
    said = facts(report)
    assert said["availability"] == total.tally.availability
    assert (said["coverage"], said["usable"]) == (total.tally.coverage, total.tally.usable_rate)
    assert (said["outages"], said["mttr"], said["mtbf"]) == (total.outages, total.mttr_s, total.mtbf_s)
    assert (said["eyes"], said["points"]) == (total.eyes, len(found[Group.POINT]))
    assert said["maintenance"] == total.tally.maintenance / 1e6
    assert ("until" in said) == (asked.last > NOW.date())
    for key, group in (("points", Group.POINT), ("eyes", Group.EYE)):
        table = part(report, key, Table)
        assert [row[0] for row in table.rows] == [figure.key for figure in found[group]]
        for row, figure in zip(table.rows, found[group], strict=True):
            assert set(cells(figure)) <= set(row)
        assert table.total is not None
        assert set(cells(total)) <= set(table.total)
    units = [each.key for each in report.parts if each.key == "units"]
    assert bool(units) == (len(found[Group.UNIT]) > 1)
    causes = part(report, "causes", Table).total
    assert causes is not None
    assert causes[1] == total.outages  # outages of a unit begin in it; their time may reach beyond
    if unit is None:
        assert causes[3] == total.tally.down / 1e6


def test_a_closed_month_keeps_its_figures_and_shows_its_hash(session: Session) -> None:
    town = lived(session)
    open_ = built(session, SEPTEMBER)
    closed = closings.close(session, Actor("trực ban", "cli"), SEPTEMBER.first, NOW, ZONE, lateness=LATENESS)
    towns.maintain(session, MONTH, "eye", town.eyes["E1"])  # told too late
    report = built(session, SEPTEMBER)
    assert report.mark == closed.heading.figures_hash
    assert open_.mark == ""
    for key in ("availability", "outages", "mttr", "maintenance", "served"):
        assert facts(report)[key] == facts(open_)[key]
    assert part(report, "points", Table) == part(open_, "points", Table)
    (row,) = part(report, "closings", Table).rows
    assert row[-2:] == (closed.heading.inputs_hash, closed.heading.figures_hash)
    assert built(session, WARD_B).mark == report.mark
    assert built(session, replace(SEPTEMBER, last=date(2026, 10, 3))).mark == ""


def test_tells_reported_eyes_maintenance_and_rules_apart(session: Session) -> None:
    lived(session)
    report = built(session, SEPTEMBER)
    (reported,) = part(report, "reported", Table).rows
    assert (reported[0], reported[3]) == ("E6", "Báo cáo: không hoạt động")
    assert all(row[0] != "E6" for row in part(report, "eyes", Table).rows)
    (window,) = part(report, "maintenance", Table).rows
    assert window[2:7] == (MONTH.start, MONTH.start + timedelta(hours=5), 1, 5 * 3600.0, 3)
    assert "phiên bản 1" in part(report, "rules", Text).title
    assert not part(report, "repairs", Table).rows
    assert report.title == "Báo cáo tình trạng hoạt động của camera an ninh"
    assert report.name == "uptime-all-2026-09"


def test_is_cut_to_the_scope(session: Session) -> None:
    town = lived(session)
    inside = Scope.of([town.units["B"]])
    report = built(session, WARD_B, inside)
    assert [row[0] for row in part(report, "points", Table).rows] == ["P2"]
    everything = repr(report.parts)
    assert "P1" not in everything
    assert "P3" not in everything
    with pytest.raises(AskedError):
        built(session, replace(SEPTEMBER, unit="A"), inside)
    with pytest.raises(AskedError):
        built(session, replace(SEPTEMBER, point="P1"), inside)


def test_names_units_of_a_day_on_which_they_were(session: Session) -> None:
    town = lived(session)
    session.get_one(models.Unit, town.units["A"]).valid_to = date(2026, 9, 20)
    session.flush()
    report = built(session, replace(SEPTEMBER, unit="A"))
    assert "20/09/2026" in report.about
    with pytest.raises(AskedError):
        built(session, replace(SEPTEMBER, unit="A", units_at=date(2026, 9, 30)))


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        pytest.param(replace(SEPTEMBER, first=date(2024, 1, 1)), PeriodError, id="too long"),
        pytest.param(
            replace(SEPTEMBER, first=date(2026, 11, 1), last=date(2026, 11, 30)), AskedError, id="to come"
        ),
        pytest.param(replace(SEPTEMBER, unit="C"), AskedError, id="no unit"),
    ],
)
def test_refuses(session: Session, asked: Asked, error: type[Exception]) -> None:
    towns.found(session, [1])
    with pytest.raises(error):
        built(session, asked)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6), k=st.integers(1, 3))
def test_lines_of_time_leave_no_gap_and_sum_to_what_was_served(database: Database, seed: int, k: int) -> None:
    with database.reading() as session:  # and nothing of it stays
        town = lived(session, seed)
        session.get_one(models.Point, town.points["P1"]).k = k
        session.flush()
        ledgers = figures.ledgers(session, CITY, NOW, ZONE, MONTH, SEPTEMBER.last)
        drawn = part(built(session, SEPTEMBER), "served", Strips)
    eyes = [each.history for each in ledgers if each.point == "P1"]
    pieces = list(servings(eyes, k, MONTH))
    assert pieces[0][1] == MONTH.start
    assert pieces[-1][2] == MONTH.end
    assert all(end == start for (_, _, end), (_, start, _) in pairwise(pieces))
    lasted = {
        state: sum(((end - start) for held, start, end in pieces if held is state), timedelta())
        for state in Serving
    }
    micro = timedelta(microseconds=1)
    of = (lasted[state] // micro for state in (Serving.SERVED, Serving.NOT_SERVED, Serving.UNKNOWN))
    assert Served(*of) == served(eyes, k, MONTH)
    (line,) = (strip for strip in drawn.strips if strip.label.startswith("P1"))
    assert line.runs[0].start == 0
    assert line.runs[-1].end == 1
    assert all(one.end == other.start for one, other in pairwise(line.runs))
    assert all(one.state != other.state for one, other in pairwise(line.runs))


def test_the_ledgers_behind_the_figures_are_not_read_again(database: Database) -> None:
    asked: list[str] = []

    def note(*heard: Any) -> None:
        asked.append(heard[2])

    with database.reading() as session:  # and nothing of it stays
        lived(session)
        figures.by_groups(session, CITY, NOW, ZONE, MONTH, (Group.POINT,), SEPTEMBER.last)
        event.listen(database.engine, "before_cursor_execute", note)
        try:
            found = figures.ledgers(session, CITY, NOW, ZONE, MONTH, SEPTEMBER.last)
        finally:
            event.remove(database.engine, "before_cursor_execute", note)

    assert any(each.history.states for each in found)
    assert asked
    assert [statement for statement in asked if "transition" in statement] == []


def test_compares_with_the_period_before_it(session: Session) -> None:
    town = lived(session)
    august = Span(midnight(date(2026, 8, 1), ZONE), MONTH.start)
    half = august.start + (august.end - august.start) / 2
    lives = [(august.start, "up"), (half, "down")]
    expected: list[tuple[str, float | None, float | None]] = [("P1", None, None), ("P3", 0.5, 50.0)]
    for point, before, change in expected:
        if point == "P3":
            session.get_one(models.Eye, town.eyes["E6"]).reach = "network"
            session.execute(delete(models.Transition).where(models.Transition.eye_id == town.eyes["E6"]))
            towns.write(session, town.eyes["E6"], EYE, [*lives, (MONTH.start, "up"), (MONTH.end, "unknown")])
        report = built(session, replace(SEPTEMBER, point=point))
        now, earlier = part(report, "periods", Table).rows
        assert (now[0], earlier[0]) == ("tháng 9/2026", "tháng 8/2026")
        assert earlier[2] == before  # of P1 nobody watched it
        assert facts(report)["change"] == change
