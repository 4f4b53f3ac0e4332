from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from camera_registry import periods
from camera_registry.periods import PeriodError
from camera_registry.uptime import Span

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("start", "end", "span"),
    [
        pytest.param(
            "2026-09-01", "2026-10-01", ("2026-09-01T00:00+07:00", "2026-10-01T00:00+07:00"), id="days"
        ),
        pytest.param(
            "2026-09-01T06:30:00+07:00",
            "2026-09-01T00:00:00Z",
            ("2026-08-31T23:30Z", "2026-09-01T00:00Z"),
            id="moments",
        ),
        pytest.param("2026-11-01", "", ("2026-11-01T00:00+07:00", "2026-11-22T03:00Z"), id="until now"),
        pytest.param("", "", ("2026-11-01T00:00+07:00", "2026-12-01T00:00+07:00"), id="this month"),
    ],
)
def test_what_is_asked_for(start: str, end: str, span: tuple[str, str]) -> None:
    assert periods.asked(start, end, ZONE, NOW) == Span(at(span[0]), at(span[1]))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        pytest.param("yesterday", "2026-10-01", id="words"),
        pytest.param("2026-09-01T00:00:00", "2026-10-01", id="no offset"),
        pytest.param("2026-02-30", "2026-10-01", id="no such day"),
        pytest.param("0001-01-01", "0001-02-01", id="the beginning of time"),
        pytest.param("9999-12-31", "", id="the end of time"),
        pytest.param("2026-09-01" + " " * 100 + "x" * 10_000, "", id="long"),
        pytest.param("", "2026-10-01", id="no beginning"),
        pytest.param("2026-10-01", "2026-10-01", id="empty"),
        pytest.param("2026-10-01", "2026-09-01", id="backwards"),
        pytest.param("2025-01-01", "2026-10-01", id="too long"),
    ],
)
def test_what_is_no_period(start: str, end: str) -> None:
    with pytest.raises(PeriodError) as refused:
        periods.asked(start, end, ZONE, NOW)
    assert len(refused.value.text("vi")) < 200


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        pytest.param("2026-09", "2026-09-01", "2026-10-01", id="month"),
        pytest.param("2026-12", "2026-12-01", "2027-01-01", id="last month"),
        pytest.param("2026-Q1", "2026-01-01", "2026-04-01", id="first quarter"),
        pytest.param("2026-Q4", "2026-10-01", "2027-01-01", id="last quarter"),
        pytest.param("2026", "2026-01-01", "2027-01-01", id="year"),
    ],
)
def test_months_quarters_and_years_have_names(name: str, first: str, last: str) -> None:
    span = periods.named(name, ZONE)
    assert span == Span(*(periods.midnight(date.fromisoformat(day), ZONE) for day in (first, last)))
    assert periods.name_of(span, ZONE) == name


@pytest.mark.parametrize("name", ["2026-13", "2026-Q5", "September", "0000-01", "٢٠٢٦-09", ""])
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(PeriodError):
        periods.named(name, ZONE)


def test_the_newest_come_first() -> None:
    day = date(2026, 2, 28)
    assert list(periods.newest_months(day, 4)) == ["2026-02", "2026-01", "2025-12", "2025-11"]
    assert list(periods.newest_quarters(day, 3)) == ["2026-Q1", "2025-Q4", "2025-Q3"]
    assert list(periods.newest_years(day, 2)) == ["2026", "2025"]


def test_the_last_day_is_one_that_has_begun() -> None:
    assert periods.last_day(periods.named("2026-11", ZONE), NOW, ZONE) == date(2026, 11, 22)
    assert periods.last_day(periods.named("2026-10", ZONE), NOW, ZONE) == date(2026, 10, 31)


@pytest.mark.parametrize(
    ("name", "hours"),
    [
        pytest.param("2026-03", 743, id="an hour is left out"),
        pytest.param("2026-10", 745, id="an hour comes twice"),
        pytest.param("2026-Q1", 90 * 24 - 1, id="a quarter"),
    ],
)
def test_a_month_with_a_clock_change_has_its_hours(name: str, hours: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    span = periods.named(name, zone)
    assert span.length == hours * 3_600_000_000
    assert periods.name_of(span, zone) == name
