"""The made-up year: sound by the doctor, counted as a measured one would be, the same each time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import closings, demonstration, doctor, models, rollups, settings
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.demonstration_year import FIRST, NOW, ZONE, make_of, opened
from camera_registry.health import EyeState
from camera_registry.ingest import Ingest, rules

DEVICES = 24


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The year of a few devices."""
    folder = tmp_path_factory.mktemp("year")
    database = Database(f"sqlite:///{folder}/year.db")
    database.migrate()
    make_of(demonstration.make_city()[:DEVICES], database, folder)
    yield database
    database.close()


def test_the_doctor_is_content(year: Database, tmp_path: Path) -> None:
    judge = Ingest(year, rules(), lambda: NOW)
    store = CredentialStore(settings.load(data_dir=tmp_path))
    broken = [each for each in doctor.examine(year, judge, store, ZONE, NOW) if not each.holds]
    assert not broken


def test_every_day_that_is_over_is_rolled_up(year: Database) -> None:
    with year.reading() as session:
        verified = rollups.verify(session, ZONE, NOW)
    assert (verified.missing, verified.differences) == (0, ())
    assert verified.compared > 365 * DEVICES


def test_the_months_are_closed_as_they_would_be_counted_today(year: Database) -> None:
    with year.reading() as session:
        months = [heading.month for heading in closings.headings(session)]
        verified = closings.verify(session, months[0], NOW, ZONE)
    assert len(months) == 12
    assert months[-1] == FIRST
    assert verified.intact
    assert verified.compared.same_inputs
    assert verified.compared.same_figures


def test_everything_happens_in_it(year: Database) -> None:
    with year.reading() as session:
        for table in (models.Incident, models.ReportWord, models.Maintenance, models.Heartbeat):
            assert _many(session, table) > 0, table.__tablename__
        seen = set(session.scalars(select(models.Transition.after).where(models.Transition.ledger == "eye")))
    assert seen == {str(state) for state in EyeState}


def test_money_is_told_of_all_states(year: Database) -> None:
    with year.reading() as session:
        assert set(session.scalars(select(models.MoneyEntry.state))) == {"approved", "waiting", "refused"}
        assert session.scalar(select(models.MoneyEntry.id).where(models.MoneyEntry.reverses_id.is_not(None)))
        of_incidents = session.scalars(select(models.Repair.incident_id)).all()
    assert of_incidents
    assert None not in of_incidents


def test_it_is_made_once(tmp_path: Path) -> None:
    made = []

    def make(database: Database, folder: Path) -> None:
        made.append(folder)
        with database.transaction() as session:
            session.add(models.Site(code="S1"))

    for mark in ("one", "one", "two"):
        database = opened(tmp_path, mark, make)
        with database.reading() as session:
            assert _many(session, models.Site) == 1
        database.close()
    assert len(made) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["two.db"]


def _many(session: Session, table: type[models.Base]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0
