"""The demonstration's money: the known sums come out to the đồng, and residents' eyes say who paid."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import custody, demonstration, demonstration_money, demonstration_upkeep, models, units
from camera_registry.audit import Actor
from camera_registry.credentials import CredentialStore
from camera_registry.custody import Why
from camera_registry.db import Database
from camera_registry.funding import basis, files, reading
from camera_registry.funding.kinds import Kind, Source
from camera_registry.funding.kinds import State as Approval
from camera_registry.funding.sums import Totals, totals
from camera_registry.imports.load import load_inventory
from camera_registry.imports.plan import Options
from camera_registry.imports.workbook import open_workbook, read_workbook
from camera_registry.inventory import add_site
from camera_registry.money import Sum
from camera_registry.repairs.states import State, Step, fault_of
from camera_registry.settings import load
from camera_registry.units import Scope
from tests.databases import sqlite_in

NOW = datetime(2026, 11, 5, 3, tzinfo=UTC)
TODAY = date(2026, 11, 5)
ZONE = load().zone
ALL = Scope.everything()
BILLION = 1_000_000_000


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """The whole city with its money, and no year: nothing was ever measured of it."""
    folder = tmp_path_factory.mktemp("city")
    database = Database(sqlite_in(folder))
    demonstration.write_inventory(
        demonstration.make_city(), demonstration.Ports(8554, 8555), folder / "city.xlsx"
    )
    with database.transaction() as session:
        units.load_data_set(session, demonstration.DATA_SET)
        add_site(session, demonstration.SITE, "")
        options = Options(demonstration.UNITS_ON, ZONE, demonstration.SITE)
        store = CredentialStore(load(data_dir=folder))
        load_inventory(session, store, read_workbook(folder / "city.xlsx"), options, NOW)
        demonstration_money.fill(session, NOW, ZONE)
        demonstration_upkeep.fill(session, NOW, ZONE)
    with database.reading() as session:
        yield session
    database.close()


def of_programme(session: Session, code: str) -> Totals:
    return totals(reading.lines(session, ALL, TODAY, programme=code))


def test_ten_billion_at_27_points_reconcile(city: Session) -> None:
    paid = of_programme(city, demonstration_money.OF_THE_CITY)
    whole = Sum(10 * BILLION)
    assert (paid.estimate, paid.collected, paid.spent, paid.settled) == (whole, whole, whole, whole)
    assert paid.balance == Sum()
    assert paid.by_source == {Source.CITY: whole}
    lines = reading.lines(city, ALL, TODAY, programme=demonstration_money.OF_THE_CITY)
    spent = {line.point: totals(each for each in lines if each.point == line.point) for line in lines}
    assert len(spent) == 27
    assert all(each.collected == each.spent == each.settled == each.estimate for each in spent.values())
    assert eyes_of(city, set(spent)) == 44


def test_248_eyes_of_residents_say_who_paid(city: Session) -> None:
    lines = reading.lines(city, ALL, TODAY, programme=demonstration_money.OF_RESIDENTS)
    assert eyes_of(city, {line.point for line in lines}) == 248
    paid = totals(lines)
    assert set(paid.by_source) == {Source.HOUSEHOLD, Source.BUSINESS, Source.ORGANISATION, Source.DONOR}
    assert paid.collected == sum(paid.by_source.values(), Sum()) == sum(paid.by_form.values(), Sum())
    assert paid.collected.whole
    assert paid.from_state == Sum()
    assert not any(each.balance.known < 0 for each in reading.totals_by_point(city, ALL, TODAY).values())


def test_what_is_older_is_partly_not_known(city: Session) -> None:
    told = reading.totals_by_point(city, ALL, TODAY)
    assert any(each.collected.unknown for each in told.values())
    points = city.scalar(select(func.count()).select_from(models.Point)) or 0
    assert len(told) < points  # of the rest nobody wrote down anything


def test_every_name_says_that_it_is_made_up(city: Session) -> None:
    m = models
    for column in (m.Contributor.name, m.Programme.name, m.Document.title, m.Repair.fault, m.Quotation.party):
        names = city.scalars(select(column)).all()
        assert names
        assert all("mô phỏng" in name for name in names), column


def test_nobody_had_the_points_of_the_city_while_the_districts_ended(city: Session) -> None:
    def held(day: date) -> int:
        codes = {each.point for each in custody.present(city, ALL, day) if "thành phố" in each.electricity}
        return len(codes)

    points = {line.point for line in reading.lines(city, ALL, TODAY, programme="CT-2023")}
    assert held(date(2025, 2, 28)) == len(points)
    between = {each.point for each in custody.present(city, ALL, date(2025, 4, 1))}
    assert not points & between
    waiting = {each.why for each in custody.queue(city, ALL, TODAY, ZONE)}
    assert waiting == set(Why)
    assert basis.missing_basis(city, ALL, TODAY)


def test_the_whole_ledger_goes_out_and_comes_back(city: Session) -> None:
    told = [entry for entry in reading.every(city, ALL, TODAY) if entry.state is not Approval.REFUSED]
    written = files.workbook(told, files.groups_of(city, ALL, TODAY), "vi")
    sheets = open_workbook(written, "ledger.xlsx")
    done = files.import_ledger(city, Actor("other", "cli"), ALL, sheets, "ledger.xlsx", NOW, ZONE)
    assert (done.entered, done.unchanged, done.problems) == ((), len(told), ())


def test_repairs_are_in_every_state_and_their_stories_hold(city: Session) -> None:
    assert set(city.scalars(select(models.Repair.state))) == {str(state) for state in State}
    for repair in city.scalars(select(models.Repair)):
        rows = city.scalars(
            select(models.RepairStep)
            .where(models.RepairStep.repair_id == repair.id)
            .order_by(models.RepairStep.at, models.RepairStep.id)
        )
        assert fault_of([Step(row.at, State(row.state)) for row in rows]) == ""


def test_nothing_is_told_of_a_day_to_come(tmp_path: Path) -> None:
    now = datetime(2024, 6, 1, tzinfo=UTC)
    database = Database(sqlite_in(tmp_path))
    devices = demonstration.make_city()[:30]
    demonstration.write_inventory(devices, demonstration.Ports(1, 2), tmp_path / "city.xlsx")
    with database.transaction() as session:
        units.load_data_set(session, demonstration.DATA_SET)
        add_site(session, demonstration.SITE, "")
        options = Options(demonstration.UNITS_ON, ZONE, demonstration.SITE)
        store = CredentialStore(load(data_dir=tmp_path))
        load_inventory(session, store, read_workbook(tmp_path / "city.xlsx"), options, now)
        demonstration_money.fill(session, now, ZONE)
        demonstration_upkeep.fill(session, now, ZONE)
        newest = session.scalar(select(func.max(models.MoneyEntry.dated)))
        moments = session.scalars(select(func.max(models.RepairStep.at))).all()
        assert newest is not None
        assert newest <= now.date()
        assert all(moment <= now for moment in moments)
        assert session.scalar(select(func.count()).where(models.MoneyEntry.kind == Kind.EXPENSE))
    database.close()


def eyes_of(session: Session, points: set[str]) -> int:
    eyes = (
        select(func.count(models.Eye.id))
        .join(models.Device, models.Device.id == models.Eye.device_id)
        .join(models.Point, models.Point.id == models.Device.point_id)
        .where(models.Point.code.in_(points))
    )
    return session.scalar(eyes) or 0
