"""What the database counts is what the rows say; how eyes are asked, and when what is known is old."""

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from camera_registry import census, models, queries
from camera_registry.census import Census, Pulse
from camera_registry.db import Database
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

    assert pulse == Pulse(waiting=0, asked=0, due=0, newest_probe_at=None, sweep_s=0.0)
    assert not pulse.outdated(NOW)


def test_how_the_eyes_are_asked(database: Database) -> None:
    ages = (timedelta(seconds=10), timedelta(minutes=1), timedelta(minutes=5))
    with database.transaction() as session:
        device = add_point(session, "P", None)
        for number, age in enumerate(ages):
            set_state(session, add_eye(session, device, f"E{number}"), "up", at=NOW - age)
        add_eye(session, device, "NEW")
        add_eye(session, device, "LATER", started_at=None)
        session.scalars(select(models.Site)).one().interval_s = 120

    pulse = pulse_of(database)

    assert pulse == Pulse(waiting=4, asked=2, due=2, newest_probe_at=NOW - ages[0], sweep_s=120)
    assert pulse.patience_s(silence_factor=2.5) == 300, "the least"
    assert pulse.patience_s(silence_factor=5) == 600
    assert not pulse.outdated(NOW - ages[0] + timedelta(minutes=4))
    assert pulse.outdated(NOW - ages[0] + timedelta(minutes=4, seconds=1))
