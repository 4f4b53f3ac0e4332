"""Maintenance windows: what can be entered, when they recur, and whom they cover at which moment."""

import time as clock
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import maintenance, models
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.maintenance import (
    EVERYTHING,
    AlreadyEntered,
    Cover,
    Kind,
    MaintenanceError,
    ScopeKind,
    cover_of,
)
from camera_registry.recurrence import RuleError, checked, occurrences
from camera_registry.units import Scope, UnitError
from camera_registry.uptime import Span
from tests.camera_registry.registries import fresh
from tests.databases import sqlite_in

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")  # clocks change on 29/03 and 25/10/2026
SOMEBODY = Actor("An", "cli")
NOW = datetime(2026, 3, 10, 5, tzinfo=UTC)
YEAR = Span(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
MINUTE = timedelta(minutes=1)
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def local(text: str, zone: ZoneInfo = ZONE) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


def between(start: str, end: str, zone: ZoneInfo = ZONE) -> Span:
    return Span(local(start, zone), local(end, zone))


def enter(
    session: Session,
    span: Span,
    *scopes: str,
    recurrence: str = "",
    reason: str = "Thay nguồn",
    zone: ZoneInfo = ZONE,
) -> int:
    covers = [cover_of(session, Scope.everything(), scope, span.start.date()) for scope in scopes]
    return maintenance.enter(
        session,
        SOMEBODY,
        NOW,
        zone,
        kind=Kind.WORK,
        span=span,
        covers=covers,
        reason=reason,
        recurrence=recurrence,
    )


def spans(session: Session, code: str, within: Span = YEAR, zone: ZoneInfo = ZONE) -> tuple[Span, ...]:
    eye_id = session.scalars(select(models.Eye.id).where(models.Eye.code == code)).one()
    return maintenance.spans_of(session, [eye_id], within, zone)[eye_id]


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Eyes E1 to E3 at points P1 to P3, each with its own device, in one unit."""
    database, _ = fresh(database_url, 3)
    yield database
    database.close()


@pytest.fixture(scope="module")
def quick(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database, _ = fresh(sqlite_in(tmp_path_factory.mktemp("maintenance")), 2)
    with database.transaction() as session:
        add_wards(session)
    yield database
    database.close()


# --- entered and withdrawn --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        pytest.param("all", "E1 E2 E3", id="everything"),
        pytest.param("eye:E2", "E2", id="an eye"),
        pytest.param("device:D2", "E2", id="a device"),
        pytest.param("point:P3", "E3", id="a point"),
        pytest.param("site:S1", "E1 E2 E3", id="a site"),
        pytest.param("unit:Phường Yên Bái", "E1 E2 E3", id="a unit by its name"),
        pytest.param("unit:04252", "E1 E2 E3", id="a unit by its code"),
        pytest.param("unit:u-1", "E1 E2 E3", id="a unit by its uid"),
    ],
)
def test_a_window_covers_what_it_names(database: Database, scope: str, covered: str) -> None:
    night = between("2026-03-12T22:00", "2026-03-13T02:00")
    with database.transaction() as session:
        enter(session, night, scope)
    with database.reading() as session:
        for code in ("E1", "E2", "E3"):
            assert spans(session, code) == ((night,) if code in covered.split() else ())


def test_a_window_is_kept_with_who_and_why_and_can_be_taken_back(database: Database) -> None:
    before_the_fact = between("2026-03-01T08:00", "2026-03-01T10:00")
    with database.transaction() as session:
        window_id = enter(session, before_the_fact, "eye:E1", "point:P2", reason="  Cắt điện đột xuất ")
    with database.transaction() as session:
        (window,) = maintenance.windows(session, YEAR, ZONE)
        assert (window.reason, window.entered_by, window.entered_at) == ("Cắt điện đột xuất", "An", NOW)
        assert {*maintenance.names(session, window.covers).values()} >= {"eye:E1", "point:P2"}
        assert spans(session, "E1") == spans(session, "E2") == (before_the_fact,)
        later = NOW + timedelta(hours=1)
        maintenance.withdraw(session, Actor("Bình", "cli"), later, ZONE, window_id, "Nhập nhầm")
    with database.reading() as session:
        assert maintenance.windows(session, YEAR, ZONE) == []
        (window,) = maintenance.windows(session, YEAR, ZONE, withdrawn=True)
        assert (window.withdrawn_at, window.withdrawn_by) == (later, "Bình")
        assert spans(session, "E1") == ()
        audited = session.scalars(select(models.Audit).order_by(models.Audit.id)).all()
        assert [(each.action, each.who, each.subject, each.reason) for each in audited] == [
            ("maintenance_entered", "An", f"maintenance:{window_id}", "Cắt điện đột xuất"),
            ("maintenance_withdrawn", "Bình", f"maintenance:{window_id}", "Nhập nhầm"),
        ]


def test_a_window_is_withdrawn_once_and_for_a_reason(database: Database) -> None:
    with database.transaction() as session:
        window_id = enter(session, between("2026-03-12T22:00", "2026-03-12T23:00"), "all")
        with pytest.raises(MaintenanceError, match="reason"):
            maintenance.withdraw(session, SOMEBODY, NOW, ZONE, window_id, " ")
        with pytest.raises(MaintenanceError, match="no maintenance window"):
            maintenance.withdraw(session, SOMEBODY, NOW, ZONE, window_id + 1, "x")
        maintenance.withdraw(session, SOMEBODY, NOW, ZONE, window_id, "x")
        with pytest.raises(MaintenanceError, match="already"):
            maintenance.withdraw(session, SOMEBODY, NOW, ZONE, window_id, "x")


def test_the_same_window_is_entered_once_until_it_is_taken_back(database: Database) -> None:
    hour = between("2026-03-12T22:00", "2026-03-12T23:00")
    with database.transaction() as session:
        window_id = enter(session, hour, "eye:E1", "point:P2")
        with pytest.raises(AlreadyEntered, match=str(window_id)):
            enter(session, hour, "point:P2", "eye:E1", "eye:E1", reason=" Thay nguồn")
        enter(session, hour, "eye:E1")
        enter(session, hour, "eye:E1", "point:P2", reason="Việc khác")
        enter(session, hour, "eye:E1", "point:P2", recurrence="FREQ=DAILY;COUNT=2")
        maintenance.withdraw(session, SOMEBODY, NOW, ZONE, window_id, "x")
        assert enter(session, hour, "eye:E1", "point:P2") != window_id


DAY = between("2026-03-12T22:00", "2026-03-12T23:00")  # a Thursday


@pytest.mark.parametrize(
    ("span", "covers", "reason", "recurrence", "complaint"),
    [
        pytest.param(Span(DAY.end, DAY.start), [EVERYTHING], "x", "", "ends after", id="backwards"),
        pytest.param(Span(DAY.start, DAY.start), [EVERYTHING], "x", "", "ends after", id="empty"),
        pytest.param(DAY, [EVERYTHING], " ", "", "reason", id="no reason"),
        pytest.param(DAY, [EVERYTHING], "x" * 1_001, "", "too long", id="an endless reason"),
        pytest.param(DAY, [], "x", "", "nothing is named", id="nothing"),
        pytest.param(DAY, [Cover(ScopeKind.EYE, 99)], "x", "", "eye:99", id="no such eye"),
        pytest.param(DAY, [Cover(ScopeKind.ALL, 1)], "x", "", "all:1", id="everything, and a number"),
        pytest.param(DAY, [Cover(ScopeKind.UNIT)], "x", "", "unit:None", id="no unit named"),
        pytest.param(
            DAY, [Cover(ScopeKind.EYE, n) for n in range(501)], "x", "", "at most 500", id="too much"
        ),
        pytest.param(
            Span(DAY.start, DAY.start + timedelta(days=367)), [EVERYTHING], "x", "", "366 days", id="too long"
        ),
        pytest.param(
            Span(DAY.start, DAY.start + timedelta(days=32)),
            [EVERYTHING],
            "x",
            "FREQ=MONTHLY",
            "31 days",
            id="too long to recur",
        ),
        pytest.param(
            DAY, [EVERYTHING], "x", "FREQ=WEEKLY;BYDAY=FR", "own rule", id="not on a day of the rule"
        ),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2", "own rule", id="never"),
        pytest.param(
            DAY, [EVERYTHING], "x", "FREQ=WEEKLY;UNTIL=20260101", "own rule", id="over before it begins"
        ),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=SECONDLY", "FREQ=DAILY", id="each second"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=HOURLY", "FREQ=DAILY", id="each hour"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=YEARLY", "FREQ=DAILY", id="each year"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=WEEKLY;BYHOUR=1", "understood", id="hours of its own"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=WEEKLY;BYEASTER=0", "understood", id="Easter"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=WEEKLY;FREQ=DAILY", "understood", id="twice"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=WEEKLY;COUNT=2;UNTIL=20270101", "not both", id="two ends"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=DAILY;COUNT=1001", "1 to 1000", id="too many"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=DAILY;INTERVAL=0", "1 to 60", id="interval zero"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=DAILY;INTERVAL=²", "understood", id="no number"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=WEEKLY;BYDAY=XX", "understood", id="no such day"),
        pytest.param(
            DAY, [EVERYTHING], "x", "FREQ=MONTHLY;BYMONTHDAY=77", "understood", id="no such month day"
        ),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=WEEKLY;UNTIL=tomorrow", "understood", id="no such end"),
        pytest.param(
            DAY, [EVERYTHING], "x", "FREQ=WEEKLY\nDTSTART:20260101", "understood", id="a second line"
        ),
        pytest.param(DAY, [EVERYTHING], "x", "every week", "understood", id="words"),
        pytest.param(DAY, [EVERYTHING], "x", "FREQ=WEEKLY;" * 40, "understood", id="endless"),
    ],
)
def test_what_no_window_can_be_is_refused(
    quick: Database, span: Span, covers: list[Cover], reason: str, recurrence: str, complaint: str
) -> None:
    with quick.reading() as session:
        with pytest.raises((MaintenanceError, RuleError), match=complaint):
            maintenance.enter(
                session,
                SOMEBODY,
                NOW,
                ZONE,
                kind=Kind.WORK,
                span=span,
                covers=covers,
                reason=reason,
                recurrence=recurrence,
            )
        assert session.scalars(select(models.Maintenance)).all() == []
        assert session.scalars(select(models.Audit)).all() == []


@pytest.mark.parametrize(
    "scope",
    ["", "all:1", "eye:", "eye", "eye:E9", "point:E1", "planet:Mars", "unit:", "unit:Phường Không Có"],
)
def test_a_scope_that_names_nothing_is_refused(quick: Database, scope: str) -> None:
    with quick.reading() as session, pytest.raises((MaintenanceError, UnitError)):
        cover_of(session, Scope.everything(), scope, date(2026, 3, 1))


def test_overlapping_windows_count_once(database: Database) -> None:
    with database.transaction() as session:
        enter(session, between("2026-03-12T08:00", "2026-03-12T10:00"), "eye:E1", "point:P1")
        enter(session, between("2026-03-12T09:00", "2026-03-12T12:00"), "unit:u-1")
        enter(session, between("2026-03-12T12:00", "2026-03-12T13:00"), "all")
    with database.reading() as session:
        assert spans(session, "E1") == (between("2026-03-12T08:00", "2026-03-12T13:00"),)
        assert spans(session, "E2") == (between("2026-03-12T09:00", "2026-03-12T13:00"),)
        noon = between("2026-03-12T11:30", "2026-03-12T12:30")
        assert spans(session, "E2", noon) == (noon,), "clipped"


def test_a_closed_month_that_a_window_touches_is_named(database: Database) -> None:
    with database.transaction() as session:
        for month in (1, 2):
            session.add(
                models.Closing(
                    month=date(2026, month, 1),
                    version=0,
                    at=NOW,
                    by="An",
                    rules_version=1,
                    inputs_hash="0" * 64,
                    figures_hash="0" * 64,
                )
            )
        session.flush()
        span = between("2026-01-31T23:00", "2026-02-01T01:00")
        assert maintenance.closed_months(session, [span], ZONE) == [date(2026, 1, 1), date(2026, 2, 1)]
        until_midnight = between("2026-02-28T23:00", "2026-03-01T00:00")
        assert maintenance.closed_months(session, [until_midnight], ZONE) == [date(2026, 2, 1)]
        assert (
            maintenance.closed_months(session, [between("2026-03-01T00:00", "2026-04-01T00:00")], ZONE) == []
        )


# --- units at that moment ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Wards:
    """Two wards of a city were merged into a third on 01/07/2026; a village is below one of them."""

    city: int
    one: int
    other: int
    village: int
    merged: int
    renamed: int


def add_wards(session: Session) -> Wards:
    last, first = date(2026, 6, 30), date(2026, 7, 1)
    city = models.Unit(uid="city", code="1", name="Thành phố A", kind="thanh_pho", valid_to=last)
    renamed = models.Unit(uid="town", code="1", name="Thị xã A", kind="thi_xa", valid_to=date(2026, 1, 31))
    city.valid_from = date(2026, 2, 1)
    session.add_all([city, renamed])
    session.flush()
    one = models.Unit(uid="one", code="2", name="Xã Một", kind="xa", parent_id=city.id, valid_to=last)
    other = models.Unit(uid="other", code="3", name="Xã Hai", kind="xa", parent_id=city.id, valid_to=last)
    merged = models.Unit(uid="merged", code="2", name="Phường Ba", kind="phuong", valid_from=first)
    apart = models.Unit(uid="apart", code="9", name="Phường Chín", kind="phuong", valid_from=first)
    session.add_all([one, other, merged, apart])
    session.flush()
    village = models.Unit(uid="village", code="4", name="Thôn Bốn", kind="thon", parent_id=one.id)
    session.add(village)
    session.add_all(
        models.UnitSuccessor(unit_id=before.id, successor_id=after.id)
        for before, after in ((one, merged), (other, merged), (city, merged), (city, apart), (renamed, city))
    )
    session.flush()
    return Wards(city.id, one.id, other.id, village.id, merged.id, renamed.id)


def belongs(session: Session, code: str, *since: tuple[int, date | None]) -> None:
    point_id = session.scalars(select(models.Point.id).where(models.Point.code == code)).one()
    for row in session.scalars(select(models.PointUnit).where(models.PointUnit.point_id == point_id)):
        session.delete(row)
    session.flush()
    session.add_all(
        models.PointUnit(point_id=point_id, unit_id=unit_id, valid_from=first) for unit_id, first in since
    )


BEFORE, AFTER = (
    between("2026-05-01T08:00", "2026-05-01T10:00"),
    between("2026-08-01T08:00", "2026-08-01T10:00"),
)


@pytest.mark.parametrize(
    ("unit", "span", "covered"),
    [
        pytest.param("one", BEFORE, "E1 E3", id="a ward, and a village below it"),
        pytest.param("one", AFTER, "E1 E3", id="an old ward after its end: those that had been there"),
        pytest.param("other", BEFORE, "", id="before the point moved there"),
        pytest.param("village", BEFORE, "E3", id="below it alone"),
        pytest.param("merged", AFTER, "E1 E2 E3", id="what became of both"),
        pytest.param("merged", BEFORE, "E1 E2 E3", id="entered on the new ward, of a time before it"),
        pytest.param("city", BEFORE, "E1 E3", id="the city above"),
        pytest.param("city", AFTER, "E1 E3", id="the city that is no more: those of its wards"),
        pytest.param("town", BEFORE, "E1 E3", id="the name the city had before"),
    ],
)
def test_a_unit_covers_those_that_belong_to_it_at_that_moment(
    database: Database, unit: str, span: Span, covered: str
) -> None:
    with database.transaction() as session:
        wards = add_wards(session)
        belongs(session, "P1", (wards.one, None))
        belongs(session, "P2", (wards.merged, None))
        belongs(session, "P3", (wards.village, None))
        enter(session, span, f"unit:{unit}")
    with database.reading() as session:
        assert [code for code in ("E1", "E2", "E3") if spans(session, code)] == covered.split()


def test_a_point_that_moves_takes_its_eyes_out_at_midnight(database: Database) -> None:
    week = between("2026-03-09T00:00", "2026-03-16T00:00")
    with database.transaction() as session:
        wards = add_wards(session)
        belongs(
            session, "P1", (wards.one, None), (wards.other, date(2026, 3, 11)), (wards.one, date(2026, 3, 13))
        )
        belongs(session, "P2", (wards.one, date(2026, 3, 12)))
        belongs(session, "P3")
        enter(session, week, "unit:one")
    with database.reading() as session:
        assert spans(session, "E1") == (
            between("2026-03-09T00:00", "2026-03-11T00:00"),
            between("2026-03-13T00:00", "2026-03-16T00:00"),
        )
        assert spans(session, "E2") == (between("2026-03-12T00:00", "2026-03-16T00:00"),)
        assert spans(session, "E3") == ()


# --- rules ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "rule", "days"),
    [
        pytest.param("2026-03-02", "FREQ=WEEKLY", "02/03 09/03 16/03 23/03 30/03", id="weekly"),
        pytest.param("2026-03-02", "FREQ=WEEKLY;INTERVAL=2", "02/03 16/03 30/03", id="each second week"),
        pytest.param(
            "2026-03-02", "FREQ=WEEKLY;BYDAY=MO,TH;COUNT=3", "02/03 05/03 09/03", id="two days, thrice"
        ),
        pytest.param(
            "2026-03-02", "FREQ=WEEKLY;UNTIL=20260316", "02/03 09/03 16/03", id="until a day, with it"
        ),
        pytest.param(
            "2026-03-02", "FREQ=WEEKLY;UNTIL=20260315T190000Z", "02/03 09/03 16/03", id="until, in UTC"
        ),
        pytest.param("2026-03-02", "FREQ=WEEKLY;UNTIL=20260316T015959", "02/03 09/03", id="until, local"),
        pytest.param("2026-01-15", "FREQ=MONTHLY", "15/03", id="monthly"),
        pytest.param(
            "2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=31", "31/03", id="on the 31st where there is one"
        ),
        pytest.param("2026-01-31", "FREQ=MONTHLY;BYMONTHDAY=-1", "31/03", id="on the last"),
        pytest.param("2026-01-03", "FREQ=MONTHLY;BYDAY=1SA", "07/03", id="on the first Saturday"),
        pytest.param("2026-01-30", "FREQ=MONTHLY;BYDAY=-1FR", "27/03", id="on the last Friday"),
        pytest.param("2026-03-29", "FREQ=DAILY", "29/03 30/03 31/03", id="daily"),
        pytest.param("2025-12-07", "FREQ=WEEKLY;BYMONTH=12", "", id="in December alone"),
    ],
)
def test_a_window_recurs(first: str, rule: str, days: str) -> None:
    march = between("2026-03-01T00:00", "2026-04-01T00:00")
    found = occurrences(between(f"{first}T02:00", f"{first}T04:00"), rule, march, ZONE)
    times = [(at.start.astimezone(ZONE), at.end.astimezone(ZONE)) for at in found]
    assert [f"{start:%d/%m}" for start, _ in times] == days.split()
    assert all((start.time(), end.time()) == (time(2), time(4)) for start, end in times)


def test_two_o_clock_stays_two_o_clock_when_clocks_change() -> None:
    first = between("2026-03-22T02:00", "2026-03-22T04:00", BERLIN)
    found = {at.start.astimezone(BERLIN).date(): at for at in occurrences(first, "FREQ=WEEKLY", YEAR, BERLIN)}
    hours = {
        day: (at.start.astimezone(BERLIN).hour, at.end.astimezone(BERLIN).hour, at.length / 3.6e9)
        for day, at in found.items()
    }
    assert hours[date(2026, 3, 22)] == (2, 4, 2)
    assert hours[date(2026, 3, 29)] == (3, 4, 1), "02:00 is left out that night"
    assert hours[date(2026, 4, 5)] == (2, 4, 2)
    assert hours[date(2026, 10, 25)] == (2, 4, 3), "02:00 comes twice, the first counts"
    assert hours[date(2026, 11, 1)] == (2, 4, 2)


def test_a_window_in_the_hour_left_out_and_after_it_does_not_take_place() -> None:
    first = between("2026-03-28T02:30", "2026-03-28T03:10", BERLIN)
    night = between("2026-03-29T00:00", "2026-03-30T00:00", BERLIN)
    assert list(occurrences(first, "FREQ=DAILY", night, BERLIN)) == []


def test_a_window_that_began_before_the_period_reaches_into_it() -> None:
    first = between("2026-01-01T22:00", "2026-01-03T06:00")
    day = between("2026-03-03T00:00", "2026-03-04T00:00")
    found = list(occurrences(first, "FREQ=MONTHLY", day, ZONE))
    assert found == [between("2026-03-01T22:00", "2026-03-03T06:00")]


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;COUNT=1000;BYMONTH=2;BYMONTHDAY=29", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29"]
)
def test_a_rule_that_hardly_comes_true_is_expanded_no_further_than_asked(rule: str) -> None:
    first = between("2024-02-29T02:00", "2024-02-29T04:00")
    assert list(occurrences(first, rule, YEAR, ZONE)) == []


@given(
    frequency=st.sampled_from(["DAILY", "WEEKLY", "MONTHLY"]),
    parts=st.lists(
        st.sampled_from(
            [
                "INTERVAL=60",
                "INTERVAL=7",
                "COUNT=1000",
                "UNTIL=20261231",
                "BYDAY=SU",
                "BYDAY=-1SU,1MO",
                "BYDAY=5TH",
                "BYMONTHDAY=29",
                "BYMONTHDAY=-1,31",
                "BYMONTHDAY=13",
                "BYMONTH=2",
                "BYMONTH=2,12",
                "WKST=SU",
                "X=1",
            ]
        ),
        max_size=5,
    ),
    day=st.dates(date(2024, 1, 1), date(2026, 12, 31)),
)
def test_a_rule_that_is_let_pass_begins_at_its_beginning_and_is_soon_expanded(
    frequency: str, parts: list[str], day: date
) -> None:
    rule = ";".join([f"FREQ={frequency}", *parts])
    first = between(f"{day}T02:00", f"{day}T04:00")
    try:
        checked(rule, first.start, ZONE)
    except RuleError:
        return
    began = clock.process_time()
    found = list(occurrences(first, rule, Span(first.start, YEAR.end + timedelta(days=366)), ZONE))
    assert clock.process_time() - began < 2
    assert found[0] == first
    assert all(one.end <= other.start for one, other in pairwise(found))


@given(st.text(st.sampled_from("FREQ=WEKLYDAIMONTHUBSP;,-+0123456789ZT \n"), max_size=60))
def test_no_text_breaks_the_reader_of_rules(text: str) -> None:
    with suppress(RuleError):
        checked(text, DAY.start, ZONE)


# --- against minutes counted one by one -------------------------------------------------------------

PERIOD_DAYS = 5
PERIOD_FROM = date(2026, 3, 27)  # clocks change in Berlin on the third day


@dataclass(frozen=True, slots=True)
class Told:
    """A window as a person tells it: local hours on a first day, and the weekdays on which it comes again."""

    day: date
    from_minute: int
    minutes: int
    weekdays: frozenset[int]  # empty: once
    scope: str


windows = st.builds(
    Told,
    day=st.dates(PERIOD_FROM - timedelta(days=9), PERIOD_FROM + timedelta(days=PERIOD_DAYS)),
    from_minute=st.integers(0, 24 * 60 - 1),
    minutes=st.integers(1, 30 * 60),
    weekdays=st.frozensets(st.integers(0, 6), max_size=3),
    scope=st.sampled_from(
        ["all", "eye:E1", "device:D2", "point:P1", "point:P2", "unit:one", "unit:other", "unit:city"]
    ),
)
moves = st.lists(
    st.tuples(st.sampled_from(["one", "other"]), st.integers(0, PERIOD_DAYS)),
    max_size=3,
    unique_by=lambda move: move[1],
)


@given(told=st.lists(windows, max_size=5), moved=moves)
@settings(max_examples=60)
def test_spans_are_the_minutes_that_are_covered(
    quick: Database, told: list[Told], moved: list[tuple[str, int]]
) -> None:
    last = PERIOD_FROM + timedelta(days=PERIOD_DAYS)
    within = between(f"{PERIOD_FROM}T00:00", f"{last}T00:00", BERLIN)
    with quick.reading() as session:
        wards = {unit.uid: unit.id for unit in session.scalars(select(models.Unit))}
        stays = ((wards[uid], PERIOD_FROM + timedelta(days=n)) for uid, n in moved)
        belongs(session, "P1", (wards["one"], None), *stays)
        belongs(session, "P2", (wards["other"], None))
        for n, each in enumerate(told):
            span, rule = _times(each)[0], _rule(each)
            enter(session, span, each.scope, recurrence=rule, reason=f"Lần {n}", zone=BERLIN)
        found = {code: spans(session, code, within, BERLIN) for code in ("E1", "E2")}
    times = {each: _times(each) for each in told}
    for code, covered in found.items():
        assert all(one.end < other.start for one, other in pairwise(covered)), "disjoint"
        at = within.start
        while at < within.end:
            units = ["city", _unit(code, at, moved)]
            names = [
                "all",
                f"eye:{code}",
                f"device:D{code[1]}",
                f"point:P{code[1]}",
                *(f"unit:{u}" for u in units),
            ]
            expected = any(at in span for each in told if each.scope in names for span in times[each])
            assert any(at in span for span in covered) == expected, (code, at)
            at += 7 * MINUTE


def _unit(code: str, at: datetime, moved: list[tuple[str, int]]) -> str:
    """Where the eye's point is in that minute: its newest move by that day."""
    if code == "E2":
        return "other"
    day = (at.astimezone(BERLIN).date() - PERIOD_FROM).days
    return max(((n, uid) for uid, n in moved if n <= day), default=(0, "one"))[1]


def _rule(told: Told) -> str:
    names = ",".join(name for day, name in enumerate(WEEKDAYS) if day in told.weekdays)
    return f"FREQ=WEEKLY;BYDAY={names}" if names else ""


def _times(told: Told) -> list[Span]:
    """Its first time, and the others by looking at each day for a month."""
    days = (told.day + timedelta(days=n) for n in range(7))
    day = next(day for day in days if not told.weekdays or day.weekday() in told.weekdays)
    begun = datetime.combine(day, time()) + told.from_minute * MINUTE
    first = _placed(begun, begun + told.minutes * MINUTE)
    if first.end <= first.start:  # wholly in the hour that is left out: nobody could enter it
        first = Span(first.start, first.start + MINUTE)
    start, end = (at.astimezone(BERLIN).replace(tzinfo=None) for at in (first.start, first.end))
    again = (start + timedelta(days=n) for n in range(1, 30))
    return [first, *(_placed(at, at + (end - start)) for at in again if at.weekday() in told.weekdays)]


def _placed(start: datetime, end: datetime) -> Span:
    return Span(*(at.replace(tzinfo=BERLIN).astimezone(UTC) for at in (start, end)))
