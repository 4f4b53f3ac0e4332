"""The funding ledger: two people, reversals, papers, what each scope sees of it, and what it sums to."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from camera_registry import audit_log, custody, doctor, models
from camera_registry.audit import Action, Actor, ReasonError
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.funding import (
    assets,
    basis,
    contributors,
    documents,
    entries,
    programmes,
    reading,
    upkeep,
)
from camera_registry.funding.basis import Missing
from camera_registry.funding.checks import FundingError
from camera_registry.funding.documents import About
from camera_registry.funding.entries import Entered
from camera_registry.funding.kinds import Component, Duty, Form, Kind, Paper, Source, State
from camera_registry.funding.reading import Wanted
from camera_registry.funding.sums import Totals, grouped, totals
from camera_registry.funding.words import public_name
from camera_registry.ingest import Ingest, rules
from camera_registry.inventory import InventoryError
from camera_registry.money import Sum
from camera_registry.repairs.costs import Fund, point_cost
from camera_registry.settings import load
from camera_registry.units import Scope
from camera_registry.uptime import Tally
from tests.camera_registry import towns
from tests.databases import KINDS, Cluster, sqlite_in

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
TODAY = date(2026, 11, 22)
AN, HOA = Actor("an", "cli"), Actor("hoa", "cli")
CITY = Scope.everything()
PDF = b"%PDF-1.7 minutes of a meeting"


@dataclass(frozen=True)
class Ledger:
    """A town with points P1, P2 in ward A and P3 in ward B; ``a`` and ``b`` see one ward each."""

    session: Session
    a: Scope
    b: Scope
    store: CredentialStore

    def enter(self, entered: Entered, scope: Scope = CITY, *, approved: bool = True) -> int:
        number = entries.enter(self.session, AN, scope, entered, NOW, ZONE)
        if approved:
            entries.approve(self.session, HOA, CITY, number, NOW, ZONE)
        return number

    def gave(self, name: str, unit: str = "A", kind: Source = Source.HOUSEHOLD) -> int:
        filled = contributors.Filled(kind, name, unit, "Tổ 5")
        return contributors.save(self.session, AN, CITY, filled, NOW, ZONE)

    def totals(self, scope: Scope = CITY) -> Totals:
        return totals(reading.lines(self.session, scope, TODAY))

    def seen(self, scope: Scope) -> list[int]:
        return sorted(row.id for row in reading.entries(self.session, scope, TODAY).entries)


def ledger_in(url: str, folder: Path) -> Iterator[Ledger]:
    database = Database(url)
    store = CredentialStore(load(data_dir=folder))
    with database.transaction() as session:
        town = towns.found(session, [2, 1, 1])
        towns.move(session, town.points["P3"], town.units["B"], date(2020, 1, 1))
        store.prepare(session)
        yield Ledger(session, Scope.of([town.units["A"]]), Scope.of([town.units["B"]]), store)
    database.close()


@pytest.fixture(scope="module", params=KINDS)
def one_ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """One registry for those who only are refused, or leave nothing behind."""
    folder = tmp_path_factory.mktemp("funding")
    if request.param == "sqlite":
        yield from ledger_in(sqlite_in(folder), folder)
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    with cluster.database() as url:
        yield from ledger_in(url, folder)


@pytest.fixture
def ledger(one_ledger: Ledger) -> Iterator[Ledger]:
    """The same for those who write: it is undone."""
    with one_ledger.session.begin_nested() as undone:
        yield one_ledger
        undone.rollback()


def contribution(*shares: tuple[str | None, int | None], **told: Any) -> Entered:
    return replace(Entered(Kind.CONTRIBUTION, date(2026, 3, 5), shares), **told)


def expense(*shares: tuple[str | None, int | None], **told: Any) -> Entered:
    filled = Entered(Kind.EXPENSE, date(2026, 4, 6), shares, component=Component.CAMERA)
    return replace(filled, **told)


# --- two people, and what was decided ------------------------------------------------------------------


def test_an_entry_counts_once_somebody_else_approved_it(ledger: Ledger) -> None:
    number = ledger.enter(contribution(("P1", 2_000_000), ("P2", 1_000_000)), approved=False)
    assert ledger.totals().collected == Sum()
    assert reading.waiting_count(ledger.session, CITY, TODAY) == 1

    with pytest.raises(FundingError):
        entries.approve(ledger.session, Actor("AN", "web"), CITY, number, NOW, ZONE)
    entries.approve(ledger.session, HOA, CITY, number, NOW, ZONE)

    row = reading.entry(ledger.session, CITY, TODAY, number)
    assert row is not None
    assert (row.state, row.made_by, row.decided_by) == (State.APPROVED, "an", "hoa")
    assert (row.amount, row.budget_year, row.elsewhere) == (Sum(3_000_000), 2026, False)
    assert ledger.totals().collected == Sum(3_000_000)
    assert reading.waiting_count(ledger.session, CITY, TODAY) == 0
    with pytest.raises(FundingError):
        entries.refuse(ledger.session, HOA, CITY, number, NOW, ZONE, reason="muộn")
    said = ledger.session.scalars(select(models.Audit.action).order_by(models.Audit.id)).all()
    assert said[-2:] == [Action.MONEY_ENTERED, Action.MONEY_APPROVED]


def test_who_entered_it_may_take_it_back_before_it_counts(ledger: Ledger) -> None:
    number = ledger.enter(expense(("P1", 500)), approved=False)
    with pytest.raises(ReasonError):
        entries.refuse(ledger.session, AN, CITY, number, NOW, ZONE, reason=" ")
    entries.refuse(ledger.session, AN, CITY, number, NOW, ZONE, reason="nhập nhầm")
    row = reading.entry(ledger.session, CITY, TODAY, number)
    assert row is not None
    assert (row.state, row.decision) == (State.REFUSED, "nhập nhầm")
    assert ledger.totals() == Totals()


def test_what_was_decided_is_final_in_the_database_itself(database: Database) -> None:
    with database.transaction() as session:
        towns.found(session, [1])
        number = entries.enter(session, AN, CITY, expense(("P1", 700)), NOW, ZONE)
        entries.approve(session, HOA, CITY, number, NOW, ZONE)
    for statement in (
        "UPDATE money_entry SET amount = 1",
        "DELETE FROM money_entry",
        "UPDATE money_share SET amount = 1",
        "DELETE FROM money_share",
    ):
        with pytest.raises(DBAPIError), database.transaction() as session:
            session.execute(text(statement))
    with database.transaction() as session:
        entries.enter(session, AN, CITY, expense(("P1", 700)), NOW, ZONE)
    approved = text("UPDATE money_entry SET state = 'approved', decided_by = :who WHERE id = 2")
    for who in ("an", ""):
        with pytest.raises(DBAPIError), database.transaction() as session:
            session.execute(approved, {"who": who})


def test_a_mistake_is_reversed_and_entered_anew(ledger: Ledger) -> None:
    wrong = ledger.enter(expense(("P1", 900_000), (None, 100_000)))
    back = entries.reverse(ledger.session, HOA, CITY, wrong, NOW, ZONE, reason="nhầm số tiền")
    assert ledger.totals().spent == Sum(1_000_000), "it counts until somebody else has approved it"
    with pytest.raises(FundingError):
        entries.approve(ledger.session, HOA, CITY, back, NOW, ZONE)
    with pytest.raises(FundingError):
        entries.reverse(ledger.session, AN, CITY, wrong, NOW, ZONE, reason="hai lần")
    entries.approve(ledger.session, AN, CITY, back, NOW, ZONE)

    assert ledger.totals().spent == Sum(0)
    rows = {row.id: row for row in reading.every(ledger.session, CITY, TODAY)}
    assert (rows[wrong].reversed_by, rows[back].reverses) == (back, wrong)
    assert [share.amount for share in rows[back].shares] == [-900_000, -100_000]
    with pytest.raises(FundingError):
        entries.reverse(ledger.session, AN, CITY, back, NOW, ZONE, reason="đảo của đảo")


def test_a_reversal_that_was_refused_leaves_room_for_another(ledger: Ledger) -> None:
    wrong = ledger.enter(expense(("P1", 900)))
    back = entries.reverse(ledger.session, AN, CITY, wrong, NOW, ZONE, reason="nhầm")
    entries.refuse(ledger.session, HOA, CITY, back, NOW, ZONE, reason="không nhầm")
    again = entries.reverse(ledger.session, AN, CITY, wrong, NOW, ZONE, reason="nhầm thật")
    entries.approve(ledger.session, HOA, CITY, again, NOW, ZONE)
    assert ledger.totals().spent == Sum(0)


def test_what_nobody_knows_is_gone_with_its_reversal(ledger: Ledger) -> None:
    unknown = ledger.enter(contribution(("P1", None), ("P2", 5)))
    row = ledger.session.get_one(models.MoneyEntry, unknown)
    assert row.amount is None
    assert ledger.totals().collected == Sum(5, 1)
    back = entries.reverse(ledger.session, AN, CITY, unknown, NOW, ZONE, reason="không có")
    entries.approve(ledger.session, HOA, CITY, back, NOW, ZONE)
    assert ledger.totals().collected == Sum(0, 0)
    earlier = totals(reading.lines(ledger.session, CITY, TODAY, until=date(2026, 3, 31)))
    assert earlier.collected == Sum(5, 1), "as it stood before"


@pytest.mark.parametrize(
    "entered",
    [
        pytest.param(contribution(), id="no share"),
        pytest.param(contribution(("P1", 1), ("P1", 2)), id="a point twice"),
        pytest.param(contribution((None, 1), (None, 2)), id="nobody's twice"),
        pytest.param(contribution(("P1", -1)), id="negative"),
        pytest.param(contribution(("P1", 10**15 + 1)), id="mistyped"),
        pytest.param(contribution(("P1", 10**15), ("P2", 10**15)), id="mistyped together"),
        pytest.param(contribution(("P9", 1)), id="no such point"),
        pytest.param(contribution(("P1", 1), programme="X"), id="no such programme"),
        pytest.param(contribution(("P1", 1), contributor_id=99), id="no such contributor"),
        pytest.param(contribution(("P1", 1), dated=date(2026, 11, 23)), id="tomorrow"),
        pytest.param(contribution(("P1", 1), dated=date(1026, 3, 5)), id="a thousand years ago"),
        pytest.param(contribution(("P1", 1), budget_year=2206), id="a year far ahead"),
        pytest.param(contribution(("P1", 1), givers=0), id="nobody gave it"),
        pytest.param(expense(("P1", 1), givers=3), id="givers of an expense"),
        pytest.param(expense(("P1", 1), form=Form.LABOUR), id="work is not spent"),
        pytest.param(expense(("P1", 1), component=None), id="spent on nothing"),
        pytest.param(expense(("P1", 1), repair_id=7), id="no such repair"),
        pytest.param(expense(("P1", 1), payee="x" * 201), id="a long name"),
    ],
)
def test_what_cannot_be_entered(one_ledger: Ledger, entered: Entered) -> None:
    with pytest.raises(FundingError):
        one_ledger.enter(entered)


# --- scopes --------------------------------------------------------------------------------------------


def test_a_ward_sees_its_shares_and_who_gave_them_and_no_others(ledger: Ledger) -> None:
    mine, theirs = ledger.gave("Bà Lan"), ledger.gave("Ông Bình", "B")
    own = ledger.enter(contribution(("P1", 100), contributor_id=mine))
    other = ledger.enter(contribution(("P3", 200), contributor_id=theirs))
    both = ledger.enter(contribution(("P2", 300), ("P3", 400), contributor_id=theirs, programme=None))

    assert ledger.seen(CITY) == [own, other, both]
    assert (ledger.seen(ledger.a), ledger.seen(ledger.b)) == ([own, both], [other, both])
    row = reading.entry(ledger.session, ledger.a, TODAY, both)
    assert row is not None
    assert ([share.point for share in row.shares], row.amount, row.elsewhere) == (["P2"], Sum(300), True)
    assert reading.entry(ledger.session, ledger.a, TODAY, other) is None

    def names(scope: Scope) -> set[str]:
        return {row.name for row in reading.contributors(ledger.session, scope, TODAY)}

    assert names(ledger.b) == {"Ông Bình"}
    assert names(ledger.a) == {"Bà Lan", "Ông Bình"}, "who gave to a point of the ward is seen there"
    assert (ledger.totals(ledger.a).collected, ledger.totals(ledger.b).collected) == (Sum(400), Sum(600))
    given = {row.name: row.given for row in reading.contributors(ledger.session, ledger.a, TODAY)}
    assert given["Ông Bình"] == Sum(300)
    assert reading.contributor(ledger.session, ledger.b, TODAY, mine) is None


def test_who_decides_sees_all_of_it(ledger: Ledger) -> None:
    both = ledger.enter(contribution(("P2", 300), ("P3", 400)), approved=False)
    mine = ledger.enter(contribution(("P2", 300)), approved=False)
    with pytest.raises(FundingError, match="other units"):
        entries.approve(ledger.session, HOA, ledger.a, both, NOW, ZONE)
    entries.approve(ledger.session, HOA, ledger.a, mine, NOW, ZONE)
    with pytest.raises(FundingError, match="no such entry"):
        entries.reverse(ledger.session, HOA, ledger.b, mine, NOW, ZONE, reason="x")
    with pytest.raises(FundingError, match="P3"):
        ledger.enter(contribution(("P1", 1), ("P3", 1)), ledger.a)


def test_deeds_are_told_to_who_sees_all_that_they_were_done_to(ledger: Ledger) -> None:
    mine, theirs = ledger.gave("Bà Lan"), ledger.gave("Ông Bình", "B")
    own = ledger.enter(contribution(("P1", 100), contributor_id=mine))
    both = ledger.enter(contribution(("P1", 300), ("P3", 400)))

    def subjects(scope: Scope) -> set[str]:
        page = audit_log.page(ledger.session, scope, TODAY, audit_log.Wanted())
        return {each.subject for each in page.entries}

    assert subjects(CITY) == {f"money:{own}", f"money:{both}", f"contributor:{mine}", f"contributor:{theirs}"}
    assert subjects(ledger.a) == {f"money:{own}", f"contributor:{mine}"}
    assert subjects(ledger.b) == {f"contributor:{theirs}"}


def test_what_is_no_points_yet_is_of_the_unit_of_its_programme(ledger: Ledger) -> None:
    for code, unit in (("CT-A", "A"), ("CT-TP", "")):
        programmes.save(ledger.session, AN, CITY, programmes.Filled(code, code, unit=unit), NOW, ZONE)
    lan = ledger.gave("Bà Lan")
    of_ward = ledger.enter(contribution((None, 10), programme="CT-A"))
    of_city = ledger.enter(contribution((None, 20), programme="CT-TP"))
    of_giver = ledger.enter(contribution((None, 30), programme="CT-TP", contributor_id=lan))
    assert ledger.seen(ledger.a) == [of_ward, of_giver]
    assert ledger.seen(ledger.b) == []
    assert of_city in ledger.seen(CITY)
    assert [row.code for row in reading.programmes(ledger.session, ledger.b, TODAY)] == []
    with pytest.raises(FundingError):
        ledger.enter(contribution((None, 5)), ledger.a)
    ledger.enter(contribution((None, 5), programme="CT-A"), ledger.a)
    by_point = reading.totals_by_point(ledger.session, ledger.a, TODAY)
    assert by_point[""].collected == Sum(45)


def test_a_scope_follows_the_point_to_another_unit(ledger: Ledger) -> None:
    number = ledger.enter(contribution(("P1", 100)))
    point = ledger.session.scalars(select(models.Point.id).where(models.Point.code == "P1")).one()
    unit = next(iter(ledger.b.unit_ids or ()))
    towns.move(ledger.session, point, unit, date(2026, 1, 1))
    assert (ledger.seen(ledger.a), ledger.seen(ledger.b)) == ([], [number])
    before = reading.entries(ledger.session, ledger.a, date(2025, 12, 31)).entries
    assert [row.id for row in before] == [number]


# --- lists ---------------------------------------------------------------------------------------------


def test_leaves_go_on_where_the_last_ended(ledger: Ledger) -> None:
    made = [ledger.enter(contribution(("P1", n), dated=date(2026, 3, 1 + n // 2))) for n in range(7)]
    found: list[int] = []
    behind = ""
    while True:
        leaf = reading.entries(ledger.session, CITY, TODAY, behind=behind, limit=3)
        found += [row.id for row in leaf.entries]
        behind = leaf.older
        if not behind:
            break
    assert found == made[::-1]


def test_what_is_wanted_of_the_ledger(ledger: Ledger) -> None:
    programmes.save(ledger.session, AN, CITY, programmes.Filled("CT-1", "Camera an ninh"), NOW, ZONE)
    shop = ledger.gave("Cửa hàng Hòa Bình", "B", Source.BUSINESS)
    first = ledger.enter(contribution(("P1", 100), text="mua camera", programme="CT-1"))
    second = ledger.enter(expense(("P3", 100), payee="Công ty Điện lực", component=Component.ELECTRICITY))
    third = ledger.enter(
        contribution(("P3", 7), ("P1", 2), contributor_id=shop, budget_year=2025, form=Form.IN_KIND),
        approved=False,
    )
    asked = {
        Wanted(): [third, second, first],
        Wanted(kind=Kind.CONTRIBUTION): [third, first],
        Wanted(state=State.WAITING): [third],
        Wanted(source=Source.BUSINESS): [third],
        Wanted(form=Form.IN_KIND): [third],
        Wanted(component=Component.ELECTRICITY): [second],
        Wanted(programme="CT-1"): [first],
        Wanted(contributor=shop): [third],
        Wanted(point="P1"): [third, first],
        Wanted(unit="B"): [third, second],
        Wanted(unit="nowhere"): [],
        Wanted(year=2025): [third],
        Wanted(first=date(2026, 4, 1)): [second],
        Wanted(last=date(2026, 4, 1)): [third, first],
        Wanted(text="hoa binh"): [third],
        Wanted(text="mua CAMERA"): [first],
        Wanted(text="point 3"): [third, second],
    }
    for wanted, numbers in asked.items():
        found = [row.id for row in reading.entries(ledger.session, CITY, TODAY, wanted).entries]
        assert sorted(found) == sorted(numbers), wanted
        assert [row.id for row in reading.every(ledger.session, CITY, TODAY, wanted)] == found
    assert reading.years(ledger.session, CITY, TODAY) == [2026, 2025]


# --- papers, warranties, assets ------------------------------------------------------------------------


def test_a_copy_of_a_paper_is_sealed_and_each_look_is_written_down(ledger: Ledger) -> None:
    filled = documents.Filled(Paper.MINUTES, "03/BB", date(2026, 3, 1), "Tổ 5", content=PDF)
    number = documents.add(ledger.session, ledger.store, AN, CITY, filled, About(point="P1"), NOW, ZONE)
    row = ledger.session.get_one(models.Document, number)
    assert row.sealed is not None
    assert PDF not in row.sealed
    opened = documents.opened(ledger.session, ledger.store, HOA, ledger.a, number, NOW, ZONE)
    assert opened == ("application/pdf", PDF)
    looks = select(models.Audit.who).where(models.Audit.action == Action.DOCUMENT_VIEWED)
    assert ledger.session.scalars(looks).all() == ["hoa"]
    with pytest.raises(FundingError):
        documents.opened(ledger.session, ledger.store, HOA, ledger.b, number, NOW, ZONE)
    assert documents.documents(ledger.session, ledger.b, TODAY, About(point="P1")) == []
    assert [each.number for each in documents.documents(ledger.session, CITY, TODAY, About(point="P1"))] == [
        "03/BB"
    ]
    ledger.store.renew_key()
    assert documents.reseal(ledger.session, ledger.store) == 1
    assert documents.opens(ledger.store, ledger.session.get_one(models.Document, number))


def test_a_paper_of_an_entry_of_two_wards_is_named_to_each_and_opened_by_neither(ledger: Ledger) -> None:
    number = ledger.enter(contribution(("P1", 1), ("P3", 2)))
    filled = documents.Filled(Paper.INVOICE, "HD 1", content=b"\xff\xd8\xff\xe0 a picture")
    about = About(entry=number)
    paper = documents.add(ledger.session, ledger.store, AN, CITY, filled, about, NOW, ZONE)
    (seen,) = documents.documents(ledger.session, ledger.a, TODAY, about)
    assert (seen.number, seen.openable) == ("HD 1", False)
    with pytest.raises(FundingError):
        documents.opened(ledger.session, ledger.store, HOA, ledger.a, paper, NOW, ZONE)
    documents.attach(ledger.session, AN, CITY, paper, About(point="P1"), NOW, ZONE)
    documents.attach(ledger.session, AN, CITY, paper, About(point="P1"), NOW, ZONE)
    assert documents.opened(ledger.session, ledger.store, HOA, ledger.a, paper, NOW, ZONE)[0] == "image/jpeg"
    assert len(ledger.session.scalars(select(models.DocumentUse)).all()) == 2


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"<html><script>", id="a page"),
        pytest.param(b"PK\x03\x04", id="a workbook"),
        pytest.param(b"%PDF-" + b"0" * documents.MOST_BYTES, id="too large"),
        pytest.param(None, id="nothing at all"),
    ],
)
def test_what_is_no_copy(one_ledger: Ledger, content: bytes | None) -> None:
    filled = documents.Filled(Paper.OTHER, content=content)
    with pytest.raises(FundingError):
        documents.add(one_ledger.session, one_ledger.store, AN, CITY, filled, About(point="P1"), NOW, ZONE)


def test_a_warranty_lasts_until_its_day_or_until_it_is_taken_back(ledger: Ledger) -> None:
    filled = upkeep.Filled(Duty.WARRANTY, "Công ty A", date(2025, 1, 1), date(2026, 11, 22), "HĐ 5")
    number = upkeep.set_upkeep(ledger.session, AN, ledger.a, "P1", filled, NOW, ZONE)
    (row,) = upkeep.upkeep(ledger.session, ledger.a, TODAY, point="P1")
    assert row.lasts_on(TODAY)
    assert not row.lasts_on(date(2026, 11, 23))
    assert upkeep.upkeep(ledger.session, ledger.b, TODAY) == []
    with pytest.raises(InventoryError):
        upkeep.set_upkeep(ledger.session, AN, ledger.b, "P1", filled, NOW, ZONE)
    longer = replace(filled, last=date(2027, 1, 1))
    assert upkeep.set_upkeep(ledger.session, AN, CITY, "P1", longer, NOW, ZONE, upkeep_id=number) == number
    upkeep.end_upkeep(ledger.session, AN, CITY, number, NOW, ZONE, reason="nhập nhầm điểm")
    assert upkeep.upkeep(ledger.session, CITY, TODAY) == []
    (ended,) = upkeep.upkeep(ledger.session, CITY, TODAY, ended=True)
    assert not ended.lasts_on(TODAY)
    with pytest.raises(FundingError):
        upkeep.end_upkeep(ledger.session, AN, CITY, number, NOW, ZONE, reason="hai lần")


def test_what_a_point_cost_is_recorded_or_reckoned_and_wears_each_december(ledger: Ledger) -> None:
    ledger.enter(expense(("P1", 9_000_000)))
    ledger.enter(contribution(("P1", 3_000_000), form=Form.IN_KIND))
    ledger.enter(expense(("P1", 500_000), component=Component.ELECTRICITY))
    filled = assets.Filled("TS-01", date(2023, 6, 1), None, "QĐ 12/QĐ-UBND")
    assets.save(ledger.session, AN, CITY, "P1", filled, NOW, ZONE)
    (row,) = assets.assets(ledger.session, ledger.a, TODAY, point="P1")
    assert (row.cost, row.fixed) == (12_000_000, True)
    worn = assets.wear(row, 12.5, TODAY)
    assert worn == assets.Wear(1_500_000, 3, 4_500_000, 7_500_000)
    at_the_end = assets.wear(row, 12.5, date(2040, 12, 31))
    assert at_the_end is not None
    assert (at_the_end.worn, at_the_end.left) == (12_000_000, 0)
    on_the_day = assets.wear(row, 12.5, date(2026, 12, 31))
    assert on_the_day is not None
    assert on_the_day.years == 4

    assets.save(ledger.session, AN, CITY, "P1", replace(filled, cost=8_000_000), NOW, ZONE)
    (row,) = assets.assets(ledger.session, CITY, TODAY, point="P1")
    assert (row.cost, row.fixed, assets.wear(row, 12.5, TODAY)) == (8_000_000, False, None)
    (bare,) = assets.assets(ledger.session, CITY, TODAY, point="P2")
    assert (bare.cost, bare.fixed) == (None, None), "nobody knows"


# --- contributors, programmes ---------------------------------------------------------------------------


def test_a_private_person_is_named_to_residents_by_consent_alone() -> None:
    for kind in Source:
        name = public_name(kind, "Trần A", "Tổ 5", None, TODAY, "vi")
        assert (name == "Trần A") is (not kind.private)
    said = public_name(Source.HOUSEHOLD, "Trần A", "Tổ 5", None, TODAY, "vi")
    assert said == "Hộ gia đình, Tổ 5"
    assert public_name(Source.HOUSEHOLD, "Trần A", "Tổ 5", TODAY, TODAY, "vi") == "Trần A"
    assert public_name(Source.HOUSEHOLD, "Trần A", "Tổ 5", TODAY, date(2026, 1, 1), "vi") != "Trần A"


def test_who_is_entered_already_is_not_entered_twice(ledger: Ledger) -> None:
    number = ledger.gave("Bà Lan")
    with pytest.raises(FundingError):
        ledger.gave("Bà  Lan ")
    ledger.gave("Bà Lan", "B")
    filled = contributors.Filled(Source.HOUSEHOLD, "Bà Lan", "A", "Tổ 5", TODAY, "Đơn 01")
    assert contributors.save(ledger.session, AN, CITY, filled, NOW, ZONE, contributor_id=number) == number
    row = reading.contributor(ledger.session, ledger.a, TODAY, number)
    assert row is not None
    assert (row.consent_on, row.changeable) == (TODAY, True)
    ledger.enter(contribution(("P1", 5), contributor_id=number))
    business = replace(filled, kind=Source.BUSINESS)
    with pytest.raises(FundingError, match="approved under its kind"):
        contributors.save(ledger.session, AN, CITY, business, NOW, ZONE, contributor_id=number)
    with pytest.raises(FundingError):
        contributors.save(ledger.session, AN, ledger.b, filled, NOW, ZONE, contributor_id=number)
    with pytest.raises(FundingError):
        contributors.save(ledger.session, AN, ledger.a, replace(filled, unit=""), NOW, ZONE)


def test_a_programme_is_corrected_by_who_has_it(ledger: Ledger) -> None:
    filled = programmes.Filled("CT-1", "Camera an ninh", "QĐ 100", date(2023, 1, 5), unit="A")
    assert programmes.save(ledger.session, AN, ledger.a, filled, NOW, ZONE)
    assert not programmes.save(ledger.session, AN, ledger.a, replace(filled, first_year=2023), NOW, ZONE)
    with pytest.raises(FundingError):
        programmes.save(ledger.session, AN, ledger.b, replace(filled, unit="B"), NOW, ZONE)
    with pytest.raises(FundingError):
        programmes.save(ledger.session, AN, CITY, filled, NOW, ZONE, new=True)
    with pytest.raises(FundingError):
        programmes.save(
            *(ledger.session, AN, CITY, replace(filled, first_year=2024, last_year=2023), NOW, ZONE)
        )
    row = reading.programme(ledger.session, ledger.a, TODAY, "CT-1")
    assert row is not None
    assert (row.first_year, row.unit_uid, row.changeable) == (2023, "A", True)


def test_what_was_approved_of_somebody_is_no_other_s_by_one_person_alone(ledger: Ledger) -> None:
    session = ledger.session
    programme = programmes.Filled("CT-1", "Camera", unit="A")
    programmes.save(session, AN, CITY, programme, NOW, ZONE)
    giver = ledger.gave("Bà Lan")
    filled = contributors.Filled(Source.HOUSEHOLD, "Bà Lan", "A", "Tổ 5")

    def saved(filled: contributors.Filled, reason: str = "") -> int:
        return contributors.save(session, AN, CITY, filled, NOW, ZONE, contributor_id=giver, reason=reason)

    saved(replace(filled, unit="B"))
    saved(filled)
    ledger.enter(contribution((None, 5), contributor_id=giver, programme="CT-1"))
    for unit in ("B", ""):
        with pytest.raises(FundingError, match="approved under its unit"):
            saved(replace(filled, unit=unit), "chuyển")
        with pytest.raises(FundingError, match="approved under its unit"):
            programmes.save(session, AN, CITY, replace(programme, unit=unit), NOW, ZONE, reason="chuyển")
    with pytest.raises(ReasonError):
        saved(replace(filled, name="Ông Khác"))
    saved(replace(filled, name="Bà Lan Anh"), "thiếu tên đệm")
    row = session.scalars(select(models.Audit).order_by(models.Audit.id.desc())).first()
    assert row is not None
    assert row.reason == "thiếu tên đệm"
    saved(replace(filled, name="Bà Lan Anh", consent_on=TODAY, consent="Đơn 01"))


def test_what_became_of_a_unit_is_no_other_unit(ledger: Ledger) -> None:
    session = ledger.session
    former = session.scalars(select(models.Unit).where(models.Unit.uid == "A")).one()
    programme = programmes.Filled("CT-1", "Camera", unit="A")
    programmes.save(session, AN, CITY, programme, NOW, ZONE)
    giver = ledger.gave("Bà Lan")
    ledger.enter(contribution((None, 5), contributor_id=giver, programme="CT-1"))
    merged = models.Unit(uid="C", code="C", name="Phường C", kind="phuong", valid_from=TODAY)
    session.add(merged)
    session.flush()
    former.valid_to = date(2026, 11, 21)
    session.add(models.UnitSuccessor(unit_id=former.id, successor_id=merged.id))
    session.flush()
    filled = contributors.Filled(Source.HOUSEHOLD, "Bà Lan", "C", "Tổ 6")
    contributors.save(session, AN, CITY, filled, NOW, ZONE, contributor_id=giver)
    programmes.save(session, AN, CITY, replace(programme, unit="C"), NOW, ZONE)
    with pytest.raises(FundingError):
        programmes.save(session, AN, CITY, replace(programme, unit="B"), NOW, ZONE)


# --- missing basis ---------------------------------------------------------------------------------------


def test_what_is_missing_before_money_can_be_asked_for(ledger: Ledger) -> None:
    session = ledger.session

    def missing(code: str = "P1") -> tuple[Missing, ...]:
        found = basis.missing_basis(session, CITY, TODAY, point=code)
        return found[0].missing if found else ()

    point = session.scalars(select(models.Point).where(models.Point.code == "P1")).one()
    point.funding = "socialised"
    assert missing() == tuple(each for each in Missing if each is not Missing.SOURCE)
    custody.set_custody(
        session, AN, "P1", "Công an xã", TODAY, NOW, ZONE, electricity="UBND", internet="Tổ 5"
    )
    assert missing() == (Missing.DECISION, Missing.OWNERSHIP, Missing.WARRANTY, Missing.CONTRACTOR)
    programmes.save(session, AN, CITY, programmes.Filled("CT-1", "Camera", "QĐ 5"), NOW, ZONE)
    ledger.enter(expense(("P1", 5), programme="CT-1", payee="Công ty A"))
    assert missing() == (Missing.OWNERSHIP, Missing.WARRANTY)
    filled = documents.Filled(Paper.HAND_OVER, "BB 1")
    documents.add(session, ledger.store, AN, CITY, filled, About(point="P1"), NOW, ZONE)
    over = upkeep.Filled(Duty.WARRANTY, "Công ty A", None, date(2020, 1, 1))
    upkeep.set_upkeep(session, AN, CITY, "P1", over, NOW, ZONE)
    assert missing() == (), "a warranty that is over is known to be"
    assert Missing.OWNERSHIP not in missing("P2"), "what the State bought is its own"
    assert {row.point for row in basis.missing_basis(session, ledger.a, TODAY)} == {"P2"}
    for eye in session.scalars(select(models.Eye)):
        eye.retired_at = NOW
    session.flush()
    assert basis.missing_basis(session, CITY, TODAY) == []


def test_what_was_taken_back_says_neither_who_paid_nor_by_which_decision(ledger: Ledger) -> None:
    session = ledger.session
    session.execute(update(models.Point).values(funding=""))
    programmes.save(session, AN, CITY, programmes.Filled("CT-1", "Camera", "QĐ 5"), NOW, ZONE)
    city, people = ledger.gave("Ngân sách TP", "", Source.CITY), ledger.gave("Bà Lan")
    minutes = documents.Filled(Paper.HAND_OVER, "BB 1")
    for giver in (city, people):
        number = ledger.enter(
            contribution(("P1", 70), (None, None), contributor_id=giver, programme="CT-1", form=Form.IN_KIND)
        )
        documents.add(session, ledger.store, AN, CITY, minutes, About(entry=number), NOW, ZONE)
        own = basis.missing_basis(session, CITY, TODAY, point="P1")[0].missing
        assert not {Missing.SOURCE, Missing.DECISION, Missing.OWNERSHIP} & set(own)
        back = entries.reverse(session, AN, CITY, number, NOW, ZONE, reason="nhầm nguồn")
        assert basis.missing_basis(session, CITY, TODAY, point="P1")[0].missing == own, "it waits"
        entries.approve(session, HOA, CITY, back, NOW, ZONE)
        assert {Missing.SOURCE, Missing.DECISION} <= set(
            basis.missing_basis(session, CITY, TODAY, point="P1")[0].missing
        )
    lines = reading.lines(session, CITY, TODAY)
    assert totals(lines) == Totals()
    assert point_cost("P1", "", lines, 1, Tally()).fund is Fund.UNKNOWN
    assert point_cost("P1", "", lines, 1, Tally()).cost == Sum(unknown=1)
    before = reading.lines(session, CITY, TODAY, until=date(2026, 3, 31))
    assert set(totals(before).by_source) == {Source.CITY, Source.HOUSEHOLD}, "it held then"


# --- invariants -------------------------------------------------------------------------------------------

SHARE = st.tuples(st.sampled_from(["P1", "P2", "P3", None]), st.none() | st.integers(0, 10**9))
SHARES = st.lists(SHARE, min_size=1, max_size=4, unique_by=lambda share: share[0])


@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.booleans(), SHARES, st.sampled_from(["approve", "reverse", "wait"])), max_size=6)
)
def test_whatever_is_entered_adds_up(
    one_ledger: Ledger, said: list[tuple[bool, list[tuple[str | None, int | None]], str]]
) -> None:
    session = one_ledger.session
    with session.begin_nested() as undone:
        for spent, shares, fate in said:
            entered = expense(*shares) if spent else contribution(*shares)
            number = one_ledger.enter(entered, approved=fate != "wait")
            if fate == "reverse":
                back = entries.reverse(session, AN, CITY, number, NOW, ZONE, reason="sai")
                entries.approve(session, HOA, CITY, back, NOW, ZONE)
        for row in session.scalars(select(models.MoneyEntry)):
            own = select(models.MoneyShare.amount).where(models.MoneyShare.entry_id == row.id)
            total = Sum.of(session.scalars(own))
            assert row.amount == (total.known if total.whole else None)
        lines = reading.lines(session, CITY, TODAY)
        whole = totals(lines)
        counted = [
            (spent, amount) for spent, shares, fate in said if fate == "approve" for _, amount in shares
        ]
        assert whole.spent == Sum.of(amount for spent, amount in counted if spent)
        assert whole.collected == Sum.of(amount for spent, amount in counted if not spent)
        assert whole.balance == whole.collected - whole.spent
        by_ward = [one_ledger.totals(one_ledger.a), one_ledger.totals(one_ledger.b)]
        nobodys = grouped(lines, lambda line: line.point).get("", Totals())
        assert sum(by_ward, nobodys) == whole
        assert reading.totals_by_point(session, CITY, TODAY) == grouped(lines, lambda line: line.point)
        undone.rollback()


# what somebody wrote, how it is undone, and the invariants that do not hold between
DAMAGES = (
    (
        "UPDATE money_share SET amount = 5 WHERE entry_id = 1",
        "UPDATE money_share SET amount = 700 WHERE entry_id = 1",
        {doctor.SHARES, doctor.REVERSED, doctor.BALANCED},
    ),
    (
        "UPDATE money_entry SET amount = 5 WHERE id = 1",
        "UPDATE money_entry SET amount = 700 WHERE id = 1",
        {doctor.SHARES},
    ),
    (
        "UPDATE money_entry SET decided_at = NULL WHERE id = 2",
        "UPDATE money_entry SET decided_at = made_at",
        {doctor.DECIDED},
    ),
    (
        "UPDATE money_entry SET kind = 'estimate' WHERE id = 2",
        "UPDATE money_entry SET kind = 'expense'",
        {doctor.REVERSED, doctor.BALANCED},
    ),
    ("UPDATE document_use SET point_id = NULL", "UPDATE document_use SET point_id = 1", {doctor.PAPERS}),
    ("UPDATE document SET sha256 = 'x'", "DELETE FROM document_use", {doctor.PAPERS}),
)


def test_the_doctor_sees_what_somebody_wrote_by_hand(database: Database, tmp_path: Path) -> None:
    store = CredentialStore(load(data_dir=tmp_path))
    with database.transaction() as session:
        towns.found(session, [1])
        store.prepare(session)
        number = entries.enter(session, AN, CITY, expense(("P1", 700)), NOW, ZONE)
        entries.approve(session, HOA, CITY, number, NOW, ZONE)
        back = entries.reverse(session, AN, CITY, number, NOW, ZONE, reason="sai")
        entries.approve(session, HOA, CITY, back, NOW, ZONE)
        paper = documents.Filled(Paper.INVOICE, content=PDF)
        documents.add(session, store, AN, CITY, paper, About(point="P1"), NOW, ZONE)
    assert broken(database, store) == set()
    with database.transaction() as session:  # who writes by hand gets around the triggers
        for table in ("money_entry", "money_share"):
            guard = f"{table}_is_final_update"
            off = f"DROP TRIGGER {guard}" if database.sqlite else f"ALTER TABLE {table} DISABLE TRIGGER USER"
            session.execute(text(off))
    for statement, undone, invariants in DAMAGES:
        with database.transaction() as session:
            session.execute(text(statement))
        assert broken(database, store) == invariants, statement
        with database.transaction() as session:
            session.execute(text(undone))


def broken(database: Database, store: CredentialStore) -> set[str]:
    judge = Ingest(database, rules(), lambda: NOW)
    return {each.invariant for each in doctor.examine(database, judge, store, ZONE, NOW) if not each.holds}
