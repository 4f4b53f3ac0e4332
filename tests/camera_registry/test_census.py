"""What the database counts is what the rows say; how eyes are asked, and when what is known is old."""

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from camera_registry import census, models, queries
from camera_registry.census import Census, CountedEye, Pulse, SitePulse
from camera_registry.db import Database
from camera_registry.health import Policy
from camera_registry.queries import Overlay
from camera_registry.units import Scope
from probes.reasons import Reason
from tests.dashboards.city import NOW, add_eye, add_point, fill, set_state

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
EVERYTHING = Scope.everything()


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url)
    database.migrate()
    yield database
    database.close()


def test_the_database_counts_what_the_rows_say(database: Database) -> None:
    wards = fill(database)
    with database.transaction() as session:
        homeless = add_point(session, "XX1", None)
        for number, first_ok_at in enumerate((None, None, NOW)):
            eye = add_eye(session, homeless, f"XX1-{number}")
            set_state(session, eye, "down", Reason.TCP_TIMEOUT, first_ok_at=first_ok_at)

    for scope in (EVERYTHING, Scope.of([wards.au_lau]), Scope.of([])):
        with database.reading() as session:
            rows = queries.eyes(session, scope, NOW, ZONE)
            counted = census.census(session, scope, NOW, ZONE)

        assert counted == Census(queries.totals(rows), queries.units(rows))


def pulse_of(database: Database) -> Pulse:
    with database.reading() as session:
        return census.pulse(session, EVERYTHING, NOW, ZONE)


def test_the_pulse_of_nothing(database: Database) -> None:
    pulse = pulse_of(database)

    assert pulse == Pulse(
        waiting=0, asked=0, due=0, newest_probe_at=None, known_until=None, sweep_s=0.0, sites=[]
    )
    assert not pulse.stalled


def test_how_the_eyes_are_asked(database: Database) -> None:
    ages = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
    with database.transaction() as session:
        device = add_point(session, "P", None)
        for number, age in enumerate(ages):
            set_state(session, add_eye(session, device, f"E{number}"), "up", at=NOW - age)
        add_eye(session, device, "NEW", started_at=NOW)
        add_eye(session, device, "LATER", started_at=None)
        site = session.scalars(select(models.Site)).one()
        site.interval_s, site.name = 120, "Yên Bái"

    pulse = pulse_of(database)

    newest = NOW - ages[0]
    assert pulse == Pulse(
        waiting=4,
        asked=2,
        due=2,
        newest_probe_at=newest,
        known_until=newest,
        sweep_s=120,
        sites=[SitePulse("yb", "Yên Bái", waiting=4, overdue=1, newest_probe_at=newest)],
    )
    assert pulse.patience_s(silence_factor=2.5) == 300, "the least"
    assert pulse.patience_s(silence_factor=5) == 600


def eyes_of(site: str, number: int, age_s: float | None, interval_s: float = 60) -> list[CountedEye]:
    """So many eyes in service, probed ``age_s`` ago; ``None``: never, though started a day ago."""
    at = None if age_s is None else NOW - timedelta(seconds=age_s)
    started_at = NOW - timedelta(days=1)
    eye = CountedEye(1, Overlay.IN_SERVICE, "up", False, at, interval_s, started_at, at, site, "")
    return [eye] * number


@pytest.mark.parametrize(
    ("eyes", "overdue", "stalled"),
    [
        pytest.param([*eyes_of("a", 952, 59), *eyes_of("a", 1, 3600)], 1, [], id="one of many waits"),
        pytest.param([*eyes_of("a", 952, 3600), *eyes_of("a", 1, 1)], 952, ["a"], id="one is fresh"),
        pytest.param([*eyes_of("a", 90, 0), *eyes_of("a", 10, 121)], 10, ["a"], id="a tenth"),
        pytest.param([*eyes_of("a", 91, 0), *eyes_of("a", 9, 121)], 9, [], id="less than a tenth"),
        pytest.param([*eyes_of("a", 900, 0), *eyes_of("b", 3, 3600)], 3, ["b"], id="a small site"),
        pytest.param(eyes_of("a", 5, 120), 0, [], id="two intervals"),
        pytest.param(eyes_of("a", 5, 120.1), 5, ["a"], id="longer than two intervals"),
        pytest.param(eyes_of("a", 5, 500, interval_s=300), 0, [], id="each by its own interval"),
        pytest.param([*eyes_of("b", 5, None), *eyes_of("a", 5, 1)], 5, ["b"], id="never asked"),
        pytest.param(
            [eye._replace(started_at=NOW) for eye in eyes_of("a", 5, None)], 0, [], id="only just started"
        ),
        pytest.param(
            [eye._replace(overlay=Overlay.NOT_IN_SERVICE) for eye in eyes_of("a", 5, 3600)],
            0,
            [],
            id="not to be asked",
        ),
    ],
)
def test_where_eyes_are_not_asked(eyes: list[CountedEye], overdue: int, stalled: list[str]) -> None:
    pulse = census.judge(eyes, NOW)

    assert pulse.overdue == overdue
    assert [site.code for site in pulse.stalled] == stalled


def test_it_is_said_before_the_first_eye_falls_silent() -> None:
    """Of eyes that were asked one after the other, until nobody asked any more."""
    eyes = [eye for age in range(60) for eye in eyes_of("a", 1, age)]

    def at(later_s: float) -> Pulse:
        return census.judge(eyes, NOW + timedelta(seconds=later_s))

    oldest_s, silence_factor = 59, Policy(3, 1).silence_factor
    assert at(silence_factor * 60 - oldest_s).stalled
    assert not at(60).stalled
