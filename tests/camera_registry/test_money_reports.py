"""Reports on money say what the ledger says: totals are its sums, rows add up, names are those allowed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.db import Database
from camera_registry.funding import reading
from camera_registry.funding.kinds import Component, Form, Kind, Source
from camera_registry.funding.sums import Totals, totals
from camera_registry.health import EYE
from camera_registry.i18n import LANGUAGES, Language
from camera_registry.money import Sum
from camera_registry.reports import catalogue, disclosure
from camera_registry.reports.asked import Asked, AskedError
from camera_registry.reports.value import Facts, Measure, Report, Table, Text, Value
from camera_registry.reports.value import Kind as Of
from camera_registry.units import Scope
from tests.camera_registry.lived import ZONE
from tests.camera_registry.towns import Town, found, move, write
from tests.databases import sqlite_in

NOW = datetime(2026, 9, 8, 5, tzinfo=UTC)
TODAY = NOW.date()
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
EVERYTHING = Scope.everything()
AUGUST = Asked(Of.FUNDING, date(2026, 8, 1), date(2026, 8, 31))
BY = {"made_at": NOW, "made_by": "an"}
POINTS = ("P1", "P2", "P3", None)


class Undone(Exception):
    """Ends a transaction of which nothing is to stay."""


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Database, Town, dict[Source, int]]]:
    """P1 (2 eyes) and P2 (1) in unit A, P3 (3) in unit B; a programme; one contributor of each kind in A."""
    database = Database(sqlite_in(tmp_path_factory.mktemp("money")))
    with database.transaction() as session:
        town = found(session, [2, 1, 3])
        move(session, town.points["P3"], town.units["B"], date(2026, 1, 1))
        for eye in session.scalars(select(models.Eye)):
            eye.commissioned_at = eye.started_at = BEGAN
        for number, eye_id in enumerate(town.eyes.values()):
            state = "down" if number == 5 else "up"
            write(session, eye_id, EYE, [(BEGAN, state)])
            write(session, eye_id, "stream", [(BEGAN, "failing" if state == "down" else "ok")])
            write(session, eye_id, "picture", [(BEGAN, "unknown" if state == "down" else "ok")])
        session.add(
            models.Programme(code="CT", name="Chương trình", decision="QĐ 1", levels="100.000 đ", **BY)
        )
        givers = {}
        for source in Source:
            row = models.Contributor(
                kind=source, name=f"Tên {source}", unit_id=town.units["A"], residential_group="Tổ 5", **BY
            )
            session.add(row)
            session.flush()
            givers[source] = row.id
    yield database, town, givers
    database.close()


@contextmanager
def playing(database: Database) -> Iterator[Session]:
    """A transaction of which nothing stays."""
    try:
        with database.transaction() as session:
            yield session
            raise Undone
    except Undone:
        pass


@pytest.fixture
def session(base: tuple[Database, Town, dict[Source, int]]) -> Iterator[Session]:
    with playing(base[0]) as session:
        yield session


def enter(
    session: Session,
    town: Town,
    kind: Kind,
    shares: dict[str | None, int | None],
    *,
    giver: int | None = None,
    form: Form = Form.MONEY,
    component: Component | None = None,
    state: str = "approved",
    dated: date = date(2026, 8, 15),
    givers: int | None = None,
    programme: int | None = None,
    reverses: int | None = None,
    payee: str = "",
) -> int:
    known = [amount for amount in shares.values() if amount is not None]
    entry = models.MoneyEntry(
        kind=kind, dated=dated, budget_year=dated.year, contributor_id=giver, form=form,
        component=component or "", amount=sum(known) if len(known) == len(shares) else None,
        state=state, givers=givers, programme_id=programme, reverses_id=reverses, payee=payee,
        decided_at=None if state == "waiting" else NOW, decided_by="" if state == "waiting" else "hoa", **BY,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    for point, amount in shares.items():
        point_id = None if point is None else town.points[point]
        session.add(models.MoneyShare(entry_id=entry.id, point_id=point_id, amount=amount))
    session.flush()
    return entry.id


def build(session: Session, asked: Asked, scope: Scope = EVERYTHING, language: Language = "vi") -> Report:
    return catalogue.build(asked.kind)(session, scope, asked, NOW, ZONE, language)


def table(report: Report, key: str) -> Table:
    return next(part for part in report.all_parts if isinstance(part, Table) and part.key == key)


def fact(report: Report, key: str) -> Value:
    facts = (each for part in report.parts if isinstance(part, Facts) for each in part.facts)
    return next(each.value for each in facts if each.key == key)


def cells(part: Table, key: str) -> list[Value]:
    place = [column.key for column in part.columns].index(key)
    return [row[place] for row in part.rows]


def added(values: list[Value]) -> Sum:
    """A cell without an amount is read as one that nobody knows."""
    return sum((value if isinstance(value, Sum) else Sum(unknown=1) for value in values), Sum())


def summed(part: Table, key: str) -> Sum:
    """What stands in the row of totals; a table without rows has none, and sums up to nothing."""
    assert (part.total is not None) == bool(part.rows)
    if part.total is None:
        return Sum()
    value = part.total[[column.key for column in part.columns].index(key)]
    assert value is None or isinstance(value, Sum)
    return value or Sum()


def adds_up(report: Report) -> None:
    """Every column of money with a total: its rows make the total, of what is known and of what is not."""
    for part in report.all_parts:
        if isinstance(part, Table) and part.total is not None:
            for column in part.columns:
                if column.measure is Measure.DONG:
                    assert added(cells(part, column.key)) == summed(part, column.key), (part.key, column.key)


AMOUNTS = st.none() | st.integers(0, 10**10)
SHARES = st.dictionaries(st.sampled_from(POINTS), AMOUNTS, min_size=1)
ENTRIES = st.tuples(
    st.sampled_from(Kind),
    SHARES,
    st.sampled_from(Source) | st.none(),
    st.sampled_from(Form),
    st.sampled_from(Component),
    st.sampled_from(("approved", "approved", "approved", "waiting", "refused")),
    st.sampled_from((date(2025, 12, 31), date(2026, 8, 31), date(2026, 9, 1))),
    st.booleans(),
)


@settings(max_examples=15)
@given(st.lists(ENTRIES, max_size=12))
def test_every_total_is_the_ledger_s(
    base: tuple[Database, Town, dict[Source, int]],
    entries: list[tuple[Kind, dict[str | None, int | None], Source | None, Form, Component, str, date, bool]],
) -> None:
    database, town, givers = base
    with playing(database) as session:
        for kind, shares, source, form, component, state, dated, reversed_ in entries:
            spent = kind in (Kind.ESTIMATE, Kind.EXPENSE)
            about: dict[str, Any] = {
                "giver": None if source is None else givers[source],
                "form": form if kind is Kind.CONTRIBUTION else Form.MONEY,
                "component": component if spent else None,
                "dated": dated,
            }
            number = enter(session, town, kind, shares, state=state, **about)
            if reversed_ and state == "approved":
                back = {point: None if share is None else -share for point, share in shares.items()}
                enter(session, town, kind, back, reverses=number, **about)
        expected = totals(reading.lines(session, EVERYTHING, TODAY, until=AUGUST.last))
        report = build(session, AUGUST)
        adds_up(report)
        for key in ("estimate", "collected", "from_state", "from_people", "spent", "balance", "settled"):
            told = summed(table(report, "points"), key)
            assert fact(report, key) == told, key
            assert told.known == getattr(expected, key).known, key
            assert told.unknown >= getattr(expected, key).unknown, key
        assert summed(table(report, "sources"), "collected") == expected.collected
        assert summed(table(report, "components"), "spent") == expected.spent
        assert summed(table(report, "years"), "spent") == expected.spent
        of_units = [build(session, replace(AUGUST, unit=unit)) for unit in ("A", "B")]
        for key in ("collected", "spent"):
            homeless = _homeless(session, key)
            of_all = sum((summed(table(each, "points"), key) for each in of_units), Sum()) + homeless
            assert of_all == summed(table(report, "points"), key)
        _disclosed(session, expected)


def _homeless(session: Session, key: str) -> Sum:
    """What is of no point and of no unit either: the city's."""
    lines = reading.lines(session, EVERYTHING, TODAY, until=AUGUST.last)
    total: Sum = getattr(totals(line for line in lines if not line.point and not line.unit_uid), key)
    return total


def _disclosed(session: Session, expected: Totals) -> None:
    report = build(session, replace(AUGUST, kind=Of.DISCLOSURE))
    adds_up(report)
    given = [summed(table(report, "collected"), key) for key in ("money", "in_kind", "labour")]
    assert sum(each.known for each in given) == expected.collected.known
    left = table(report, "spent")
    spent = [summed(left, key) for key, _, _ in disclosure.SPENT]
    assert sum(each.known for each in spent) == summed(left, "spent").known == expected.spent.known
    assert summed(left, "balance").known == expected.balance.known
    in_short = table(report, "in_short")
    for key, part in (("estimate", "collected"), ("collected", "collected"), ("balance", "spent")):
        assert summed(table(report, part), key) == added(cells(in_short, key))
    assert summed(table(report, "contributors"), "amount") == expected.collected


def test_only_approved_entries_until_the_last_day_count(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    enter(session, town, Kind.CONTRIBUTION, {"P1": 5}, giver=givers[Source.CITY])
    enter(session, town, Kind.CONTRIBUTION, {"P1": 7}, giver=givers[Source.CITY], state="waiting")
    enter(session, town, Kind.CONTRIBUTION, {"P1": 11}, giver=givers[Source.CITY], dated=date(2026, 9, 1))
    report = build(session, replace(AUGUST, point="P1"))
    assert (fact(report, "collected"), fact(report, "waiting")) == (Sum(5), 1)


def test_of_a_point_each_entry_is_told_by_its_own_share(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    enter(session, town, Kind.CONTRIBUTION, {"P1": 5, "P3": 70}, giver=givers[Source.BUSINESS])
    enter(session, town, Kind.EXPENSE, {"P1": 3, "P3": 60}, component=Component.CAMERA, payee="Cửa hàng")
    report = build(session, replace(AUGUST, point="P1"))
    assert cells(table(report, "contributions"), "amount") == [Sum(5)]
    assert cells(table(report, "contributions"), "contributor") == ["Tên business"]
    assert cells(table(report, "expenses"), "amount") == [Sum(3)]
    assert fact(report, "balance") == Sum(2)
    assert "70" not in repr(report.parts)


def test_a_ward_never_sees_another_ward_s_contributors(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    enter(session, town, Kind.CONTRIBUTION, {"P1": 5}, giver=givers[Source.BUSINESS])
    other = models.Contributor(kind="business", name="BIMAT", unit_id=town.units["B"], **BY)
    session.add(other)
    session.flush()
    enter(session, town, Kind.CONTRIBUTION, {"P3": 7_777}, giver=other.id)
    ward = Scope.of([town.units["A"]])
    session.add(models.Letterhead(unit_id=town.units["A"], body="Công an phường A", **BY))
    session.flush()
    for kind in (Of.FUNDING, Of.DISCLOSURE, Of.REPAIRS):
        report = build(session, replace(AUGUST, kind=kind), ward)
        assert (report.about.split(",")[0], report.head.body) == ("Phường A", "Công an phường A")
        assert "BIMAT" not in repr(report.parts)
        assert "7777" not in repr(report.parts)
        for asked in (replace(AUGUST, kind=kind, unit="B"), replace(AUGUST, kind=kind, point="P3")):
            with pytest.raises(AskedError):
                build(session, asked, ward)


def test_a_unit_that_was_merged_since_keeps_what_was_no_points_yet(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    shares: dict[str | None, int | None] = {"P1": 90, "P2": 10, "P3": 1_000, None: 11}
    enter(session, town, Kind.CONTRIBUTION, shares, giver=givers[Source.HOUSEHOLD])
    merged = models.Unit(uid="C", code="C", name="Phường C", kind="phuong", valid_from=date(2026, 9, 1))
    session.add(merged)
    session.flush()
    for name in ("A", "B"):
        session.get_one(models.Unit, town.units[name]).valid_to = date(2026, 8, 31)
        session.add(models.UnitSuccessor(unit_id=town.units[name], successor_id=merged.id))
    session.flush()
    mine = Scope.of([merged.id])
    for scope in (EVERYTHING, mine):
        whole = build(session, replace(AUGUST, unit="C", units_at=TODAY), scope)
        assert fact(whole, "collected") == Sum(1_111)
    assert fact(build(session, replace(AUGUST, unit="A")), "collected") == Sum(111)
    assert fact(build(session, replace(AUGUST, unit="B")), "collected") == Sum(1_000)


def test_a_programme_reconciles_and_has_a_mean_of_one_side_alone(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    programme = session.scalars(select(models.Programme.id)).one()
    parts: dict[str | None, int | None] = {"P1": 600, "P2": 400}
    for kind in (Kind.ESTIMATE, Kind.CONTRIBUTION, Kind.EXPENSE, Kind.SETTLEMENT):
        enter(
            *(session, town, kind, parts),
            giver=givers[Source.CITY] if kind is Kind.CONTRIBUTION else None,
            component=Component.CAMERA if kind in (Kind.ESTIMATE, Kind.EXPENSE) else None,
            programme=programme,
        )
    enter(session, town, Kind.CONTRIBUTION, {"P1": 9}, giver=givers[Source.HOUSEHOLD])  # of no programme
    asked = replace(AUGUST, kind=Of.PROGRAMME, programme="CT")
    report = build(session, asked)
    adds_up(report)
    told = [fact(report, key) for key in ("estimate", "collected", "spent", "settled")]
    assert told == [Sum(1_000)] * 4
    assert [fact(report, key) for key in ("points", "devices", "eyes")] == [2, 2, 3]
    assert [fact(report, key) for key in ("per_point", "per_eye")] == [Sum(500), Sum(333)]
    enter(session, town, Kind.CONTRIBUTION, {"P1": 1}, giver=givers[Source.HOUSEHOLD], programme=programme)
    mixed = build(session, asked)
    assert not any(isinstance(part, Facts) and part.key == "means" for part in mixed.parts)
    with pytest.raises(AskedError):
        build(session, replace(asked, programme="NONE"))


def test_cost_of_a_usable_day_is_told_fund_by_fund(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    enter(session, town, Kind.CONTRIBUTION, {"P1": 10**6}, giver=givers[Source.CITY])
    enter(session, town, Kind.EXPENSE, {"P1": 10**6}, component=Component.CAMERA)
    enter(session, town, Kind.CONTRIBUTION, {"P2": 10**5}, giver=givers[Source.HOUSEHOLD])
    enter(session, town, Kind.EXPENSE, {"P2": 10**5}, component=Component.CAMERA)
    report = build(session, AUGUST)
    told = dict(
        zip(cells(table(report, "worked"), "point"), cells(table(report, "worked"), "per_day"), strict=True)
    )
    days = (AUGUST.span(ZONE).end - BEGAN) / timedelta(days=1)
    assert told["P1"] == Sum(round(10**6 / (2 * days)))
    assert told["P2"] == Sum(round(10**5 / days))
    assert told["P3"] is None
    assert table(report, "funds").total is None


# --- what residents are told ------------------------------------------------------------------------

DISCLOSED = replace(AUGUST, kind=Of.DISCLOSURE)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("source", "consent", "named"),
    [
        pytest.param(Source.HOUSEHOLD, None, False, id="a household"),
        pytest.param(Source.DONOR, None, False, id="a donor"),
        pytest.param(Source.HOUSEHOLD, date(2026, 9, 8), True, id="a household that agreed"),
        pytest.param(Source.DONOR, date(2026, 9, 9), False, id="a donor who will agree"),
        pytest.param(Source.ORGANISATION, None, True, id="an organisation"),
        pytest.param(Source.BUSINESS, None, True, id="a business"),
    ],
)
def test_private_persons_are_named_by_consent_alone(
    base: tuple[Database, Town, dict[Source, int]],
    session: Session,
    source: Source,
    consent: date | None,
    named: bool,
    language: Language,
) -> None:
    _, town, givers = base
    session.get_one(models.Contributor, givers[source]).consent_on = consent
    enter(session, town, Kind.CONTRIBUTION, {"P1": 5}, giver=givers[source])
    for report in disclosure.pages(session, EVERYTHING, DISCLOSED, NOW, ZONE, language):
        assert (f"Tên {source}" in repr(report.parts)) == (
            named and "P2" not in report.name and "P3" not in report.name
        )
    ward = build(session, DISCLOSED, language=language)
    (who,) = cells(table(ward, "contributors"), "contributor")
    assert ("Tổ 5" in str(who)) == (not named)
    assert cells(table(ward, "contributors"), "amount") == [Sum(5)]


def test_a_point_at_a_household_is_told_by_its_group(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, _ = base
    point = session.get_one(models.Point, town.points["P2"])
    point.name, point.address, point.residential_group = "Nhà ông BIMAT", "Số 5 BIMAT", "Tổ 7"
    session.scalars(select(models.Eye).where(models.Eye.code == "E3")).one().access_document = "Giấy đồng ý"
    session.flush()
    reports = disclosure.pages(session, EVERYTHING, DISCLOSED, NOW, ZONE, "vi")
    reports.append(build(session, replace(DISCLOSED, point="P2")))
    for report in reports:
        assert "BIMAT" not in repr((report.parts, report.about))
    assert cells(table(reports[0], "state"), "where")[1] == "Tổ 7"
    assert reports[-1].about.startswith("Tại hộ gia đình (P2)")


def test_how_many_gave_is_counted_once_and_what_was_reversed_not(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    household, business = givers[Source.HOUSEHOLD], givers[Source.BUSINESS]
    enter(session, town, Kind.CONTRIBUTION, {"P1": 4_500}, giver=household, givers=45)
    mistaken = enter(session, town, Kind.CONTRIBUTION, {"P1": 300}, giver=household, givers=3)
    enter(session, town, Kind.CONTRIBUTION, {"P1": -300}, giver=household, givers=3, reverses=mistaken)
    for _ in range(2):
        enter(session, town, Kind.CONTRIBUTION, {"P1": 10}, giver=business)
    report = build(session, replace(DISCLOSED, point="P1"))
    assert (fact(report, "households"), fact(report, "organisations")) == (45, 1)
    assert cells(table(report, "sources"), "givers") == [45, 1]


def test_residents_read_nothing_of_who_gave_what_was_taken_back(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    told: dict[str, Any] = {"giver": givers[Source.CITY], "givers": 3, "form": Form.IN_KIND}
    mistaken = enter(session, town, Kind.CONTRIBUTION, {"P1": 7, "P2": None}, **told)
    enter(session, town, Kind.CONTRIBUTION, {"P1": -7, "P2": None}, reverses=mistaken, **told)
    enter(session, town, Kind.CONTRIBUTION, {"P1": 7}, giver=givers[Source.BUSINESS])
    report = build(session, replace(DISCLOSED, point="P1"))
    assert fact(report, "levels_of_budget") is None
    assert cells(table(report, "contributors"), "contributor") == ["Tên business"]
    assert cells(table(report, "sources"), "collected") == [Sum(7)]
    assert fact(build(session, replace(DISCLOSED, point="P2")), "from_state") is None


def test_a_point_of_which_nothing_is_recorded_did_not_cost_nothing(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    enter(session, town, Kind.CONTRIBUTION, {"P1": 5}, giver=givers[Source.CITY])
    money = table(build(session, DISCLOSED), "collected")
    assert cells(money, "from_state") == [Sum(5), None, None]
    assert cells(money, "estimate") == [None, None, None]


def test_a_point_of_which_all_was_taken_back_is_one_of_which_nothing_is_recorded(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    told: list[tuple[Kind, dict[str, Any]]] = [
        (Kind.CONTRIBUTION, {"giver": givers[Source.CITY]}),
        (Kind.EXPENSE, {"component": Component.CAMERA}),
    ]
    for kind, about in told:
        mistaken = enter(session, town, kind, {"P1": 7, "P2": None}, **about)
        back: dict[str | None, int | None] = {"P1": -7, "P2": None}
        enter(session, town, kind, back, reverses=mistaken, **about)
    enter(session, town, Kind.CONTRIBUTION, {"P3": 5}, giver=givers[Source.CITY])
    assert reading.totals_by_point(session, EVERYTHING, TODAY).keys() == {"P3"}
    report = build(session, AUGUST)
    for key in ("collected", "spent", "balance"):
        assert cells(table(report, "points"), key)[:2] == [None, None]
        assert fact(report, key) == summed(table(report, "points"), key)
        assert fact(build(session, replace(AUGUST, point="P1")), key) is None
    assert cells(table(build(session, DISCLOSED), "spent"), "balance") == [None, None, Sum(5)]
    assert table(build(session, replace(AUGUST, point="P1")), "expenses").rows == ()


def test_sums_tell_of_the_points_of_which_nothing_is_recorded(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    enter(session, town, Kind.CONTRIBUTION, {"P1": 10}, giver=givers[Source.CITY])
    enter(session, town, Kind.ESTIMATE, {"P1": 8}, component=Component.CAMERA)
    enter(session, town, Kind.EXPENSE, {"P1": 3}, component=Component.CAMERA)
    enter(session, town, Kind.EXPENSE, {"P1": 4}, component=Component.POLE)
    enter(session, town, Kind.EXPENSE, {"P1": 1, "P2": 1}, component=Component.POLE, state="waiting")
    funding = build(session, AUGUST)
    assert cells(table(funding, "points"), "point") == list(POINTS[:3])
    assert cells(table(funding, "points"), "eyes") == [2, 1, 3]
    assert (fact(funding, "estimate"), fact(funding, "balance")) == (Sum(8, 2), Sum(3, 2))
    town_s, *of_points = disclosure.pages(session, EVERYTHING, DISCLOSED, NOW, ZONE, "vi")
    assert table(town_s, "in_short").rows == ((Sum(8, 2), Sum(10, 2), Sum(7, 2), Sum(3, 2), Sum(unknown=3)),)
    assert table(of_points[0], "in_short").rows == ((Sum(8), Sum(10), Sum(7), Sum(3), None),)
    assert cells(table(town_s, "spent"), "spent") == [Sum(7), None, None]
    waiting = [table(each, "in_short").notes for each in (town_s, *of_points)]
    assert waiting == [("Còn 1 khoản chờ duyệt, chưa tính.",)] * 3 + [()]


def test_of_what_cost_and_days_are_counted_from_is_said(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    report = build(session, AUGUST)
    worth = next(part for part in report.parts if isinstance(part, Facts) and part.key == "worth")
    assert worth.title == "Từ khi có số liệu theo dõi (01/01/2026)"
    for key in ("worked", "funds"):
        assert "ngày-mắt chỉ tính từ 01/01/2026" in table(report, key).notes[-1]


def test_nobody_is_told_to_call_an_office_that_was_dissolved(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, _ = base
    session.add(models.Unit(uid="C-1", code="C", name="Phường C", kind="ward", valid_to=date(2026, 6, 30)))
    for point, manager in (
        ("P1", "Công an phường C"),
        ("P2", "Công an phường A"),
        ("P3", "Công an phường C"),
    ):
        held = {"valid_from": date(2026, 2, 1), "manager": manager, "phone": f"phone of {manager}"}
        session.add(models.Custody(point_id=town.points[point], **held))
    session.flush()
    reports = disclosure.pages(session, EVERYTHING, DISCLOSED, NOW, ZONE, "vi")
    assert cells(table(reports[0], "papers"), "manager") == [
        "Chưa bàn giao",
        "Công an phường A",
        "Chưa bàn giao",
    ]
    assert "phone of Công an phường C" not in repr(reports)
    called = [
        part.paragraphs[0]
        for each in reports
        for part in each.parts
        if isinstance(part, Text) and part.key == "posting"
    ]
    assert ["phone of Công an phường A" in each for each in called] == [True, True, True, False]
    assert "....." in called[-1]


def test_a_manager_that_was_dissolved_is_named_as_one_that_was(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, _ = base
    session.add(models.Unit(uid="C-1", code="C", name="Phường C", kind="ward", valid_to=date(2026, 6, 30)))
    for point, office in (("P1", "Công an phường C"), ("P2", "Công an phường A")):
        held = {"valid_from": date(2026, 2, 1), "manager": office, "phone": "0216 3851 000"}
        session.add(models.Custody(point_id=town.points[point], electricity="Điện lực", **held))
    session.flush()
    managers = cells(table(build(session, AUGUST), "kept"), "manager")
    assert managers == ["Chưa bàn giao", "Công an phường A", None]
    one, other = (build(session, replace(AUGUST, point=point)) for point in ("P1", "P2"))
    assert (fact(one, "manager"), fact(one, "phone")) == ("Chưa bàn giao", None)
    assert "Công an phường C đã giải thể" in repr(one.parts)
    assert fact(one, "electricity") == "Điện lực"
    assert (fact(other, "manager"), fact(other, "phone")) == ("Công an phường A", "0216 3851 000")


def test_k_of_n_is_of_the_end_of_the_month(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, _ = base
    later = datetime(2026, 9, 1, 1, tzinfo=UTC)
    turned = models.Transition(
        eye_id=town.eyes["E1"],
        ledger=EYE,
        at=later,
        before="up",
        after="down",
        reason="TCP_TIMEOUT",
        recorded_at=later,
    )
    told = session.scalars(select(models.Eye).where(models.Eye.code == "E3")).one()
    told.reach = "reported"
    word = models.ReportWord(
        eye_id=told.id, at=datetime(2026, 8, 20, tzinfo=UTC), word="poor", by="Tổ trưởng", expires_at=NOW
    )
    session.add_all((turned, word))
    session.flush()
    state = table(build(session, DISCLOSED), "state")
    rows = list(
        zip(
            *(cells(state, key) for key in ("point", "working", "reported_working")),
            strict=True,
        )
    )
    assert rows == [("P1", "2/2 mắt", None), ("P2", None, "1/1 mắt"), ("P3", "2/3 mắt", None)]
    assert state.total is not None
    assert state.total[6:9] == (6, "4/5 mắt", "1/1 mắt")
    assert cells(state, "state") == ["Đang hoạt động", "Đang hoạt động", "Hoạt động một phần"]


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param(replace(DISCLOSED, last=date(2026, 8, 30)), id="not a whole month"),
        pytest.param(replace(DISCLOSED, first=date(2026, 9, 1), last=date(2026, 9, 30)), id="not over"),
        pytest.param(replace(DISCLOSED, first=date(2026, 10, 1), last=date(2026, 10, 31)), id="to come"),
    ],
)
def test_how_an_eye_is_right_now_is_not_published(session: Session, asked: Asked) -> None:
    with pytest.raises(AskedError):
        build(session, asked)


def test_papers_custody_and_where_to_call(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, givers = base
    programme = session.scalars(select(models.Programme.id)).one()
    enter(session, town, Kind.CONTRIBUTION, {"P1": 5}, giver=givers[Source.CITY], programme=programme)
    enter(session, town, Kind.CONTRIBUTION, {"P2": 5}, giver=givers[Source.CITY], programme=programme)
    minutes = models.Document(kind="minutes", number="BB 02", dated=date(2026, 3, 1), issuer="Tổ 5", **BY)
    session.add(minutes)
    session.flush()
    session.add_all(
        (
            models.DocumentUse(document_id=minutes.id, point_id=town.points["P1"]),
            models.Upkeep(
                point_id=town.points["P1"], kind="warranty", party="Cửa hàng", valid_to=date(2027, 1, 1), **BY
            ),
            models.Custody(
                point_id=town.points["P1"],
                valid_from=date(2026, 1, 1),
                manager="Công an phường A",
                phone="02163",
            ),
            models.Repair(
                point_id=town.points["P1"],
                state="reported",
                fault="NGUOIGAY",
                opened_at=BEGAN,
                opened_by="hoa",
            ),
        )
    )
    session.flush()
    repair = session.scalars(select(models.Repair)).one()
    session.add(
        models.RepairStep(repair_id=repair.id, at=BEGAN, state="reported", made_at=NOW, made_by="hoa")
    )
    session.flush()
    report = build(session, DISCLOSED)
    papers = table(report, "papers")
    assert cells(papers, "decision") == ["BB 02, 01/03/2026, Tổ 5", "QĐ 1", None]
    assert cells(papers, "levels") == ["100.000 đ", "100.000 đ", None]
    assert cells(papers, "warranty_until") == [date(2027, 1, 1), None, None]
    assert cells(table(report, "state"), "repair")[0] == "Đã báo hỏng từ 01/01/2026"
    assert "NGUOIGAY" not in repr(report.parts)
    posting = next(part for part in report.parts if isinstance(part, Text) and part.key == "posting")
    assert "Công an phường A: 02163" in posting.paragraphs[0]
    assert report.grounds


def test_the_sheet_of_a_point_is_its_units(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, _ = base
    desk = models.Letterhead(unit_id=None, body="Phòng của thành phố", **BY)
    session.add_all((desk, models.Letterhead(unit_id=town.units["A"], body="Công an phường A", **BY)))
    session.flush()
    heads = [build(session, replace(DISCLOSED, point=point)).head.body for point in ("P1", "P3", "")]
    assert heads == ["Công an phường A", "Phòng của thành phố", "Phòng của thành phố"]


SENT = date(2026, 8, 31)


def asking(session: Session, town: Town, amounts: Mapping[str, int | None]) -> Asked:
    """For a letter that asks for as much money for a repair at each of the points."""
    letter = models.Proposal(addressee="UBND tỉnh", title="Sửa camera", sent_on=SENT, **BY)
    session.add(letter)
    session.flush()
    for point, amount in amounts.items():
        repair = models.Repair(
            point_id=town.points[point],
            state="waiting_for_money",
            fault="Hỏng",
            opened_at=BEGAN,
            opened_by="hoa",
        )
        session.add(repair)
        session.flush()
        for state in ("reported", "waiting_for_money"):
            at = datetime(2026, 8, 1, tzinfo=UTC) if state == "waiting_for_money" else BEGAN
            session.add(
                models.RepairStep(repair_id=repair.id, at=at, state=state, made_at=NOW, made_by="hoa")
            )
        part = models.ProposalRepair(proposal_id=letter.id, repair_id=repair.id, amount=amount)
        part.missing = "internet contractor"
        session.add(part)
    session.flush()
    return replace(AUGUST, kind=Of.PROPOSAL, proposal=letter.id)


def test_a_letter_asks_for_what_was_chosen_and_says_what_is_missing(
    base: tuple[Database, Town, dict[Source, int]], session: Session
) -> None:
    _, town, _ = base
    about = asking(session, town, {"P1": 300, "P3": None})
    report = build(session, about)
    asked = table(report, "asked")
    assert cells(asked, "amount") == [Sum(300), Sum(0, 1)]
    assert summed(asked, "amount") == Sum(300, 1)
    assert cells(asked, "waiting_days") == [31, 31]  # until the end of the day on which it was sent
    assert (report.title, report.about, report.dated) == ("Tờ trình", "Về việc sửa camera", SENT)
    said = {part.key: part for part in report.parts if isinstance(part, Text)}
    assert said["addressee"].centred
    assert said["addressee"].paragraphs == ("Kính gửi: UBND tỉnh",)
    assert [part.key for part in report.parts] == ["addressee", "opening", "needed", "sum", "closing"]
    assert report.annex is not None
    assert [part.key for part in report.annex.parts] == ["asked", "basis", "missing"]
    assert not report.wide
    adds_up(report)
    lacking = table(report, "missing")
    assert cells(lacking, "point") == ["P1", "P3"]
    assert cells(lacking, "missing") == ["Đơn vị trả tiền Internet; Đơn vị thi công"] * 2  # as it was sent
    with pytest.raises(AskedError):
        build(session, replace(about, proposal=10**6))
    with pytest.raises(AskedError):
        build(session, about, Scope.of([town.units["A"]]))


@pytest.mark.parametrize(
    ("amounts", "language", "said"),
    [
        pytest.param(
            {"P1": 2_120_000, "P3": 3_000_015},
            "vi",
            "Tổng số tiền đề nghị: 5.120.015\N{NO-BREAK SPACE}đồng "
            "(Bằng chữ: Năm triệu một trăm hai mươi nghìn không trăm mười lăm đồng).",
            id="all-is-known",
        ),
        pytest.param(
            {"P1": 300, "P3": None},
            "vi",
            "Tổng số tiền đề nghị: 300\N{NO-BREAK SPACE}đồng (Bằng chữ: Ba trăm đồng), "
            "chưa kể 1 hạng mục chưa có báo giá.",
            id="some-is-known",
        ),
        pytest.param(
            {"P1": None, "P3": None},
            "vi",
            "Tổng số tiền đề nghị: chưa có số liệu, các hạng mục đều chưa có báo giá.",
            id="what-nobody-knows-has-no-words",
        ),
        pytest.param(
            {"P1": 105_000},
            "en",
            "Total sum asked for: 105,000\N{NO-BREAK SPACE}đồng "
            "(in words: One hundred and five thousand đồng).",
            id="English",
        ),
    ],
)
def test_a_letter_says_its_sum_in_figures_and_in_words(
    base: tuple[Database, Town, dict[Source, int]],
    session: Session,
    amounts: Mapping[str, int | None],
    language: Language,
    said: str,
) -> None:
    _, town, _ = base
    report = build(session, asking(session, town, amounts), language=language)

    (part,) = (part for part in report.parts if part.key == "sum")
    assert isinstance(part, Text)
    assert part.paragraphs[0] == said
    needed = table(report, "needed")
    assert cells(needed, "repairs") == [len(amounts)]
    assert summed(needed, "amount") == summed(table(report, "asked"), "amount") == Sum.of(amounts.values())


@pytest.mark.parametrize("kind", [kind for kind in Of if kind not in (Of.PROPOSAL, Of.PROGRAMME)])
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_question_has_the_same_answer(
    base: tuple[Database, Town, dict[Source, int]], kind: Of, language: Language
) -> None:
    with base[0].reading() as session:
        asked = replace(AUGUST, kind=kind)
        assert build(session, asked, language=language) == build(session, asked, language=language)
