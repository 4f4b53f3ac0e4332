"""What people do about repairs, what it leaves, and who is told of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from camera_registry import custody, models, outages
from camera_registry.audit import Action, Actor
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.funding import entries, upkeep
from camera_registry.funding.basis import Missing
from camera_registry.funding.entries import Entered
from camera_registry.funding.kinds import Component, Duty, Kind, Source
from camera_registry.money import Sum
from camera_registry.outages import IncidentRow
from camera_registry.repairs import costs, deeds, proposals, reading
from camera_registry.repairs.reading import RepairDetail
from camera_registry.repairs.states import Payer, State
from camera_registry.units import Scope
from camera_registry.uptime import Span
from tests.camera_registry import cuts
from tests.camera_registry.cuts import Book
from tests.camera_registry.registries import add_eyes
from tests.databases import sqlite_in

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
TODAY = date(2026, 11, 22)
HOA, LAN = Actor("hoa", "cli"), Actor("lan", "cli")
CITY = Scope.everything()
DAY = timedelta(days=1)


@pytest.fixture
def session(database_url: str) -> Iterator[Session]:
    """On each kind of database: what is locked, and what is final, is the database's."""
    yield from town(database_url)


@pytest.fixture
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    yield from town(sqlite_in(tmp_path_factory.mktemp("repairs")))


def town(url: str) -> Iterator[Session]:
    """E1 and E2 at P1 and P2 of phường Yên Bái, E3 at P3 of phường Nam Cường."""
    database = Database(url)
    with database.transaction() as session:
        add_eyes(session, 3)
        other = models.Unit(uid="u-2", code="04999", name="Phường Nam Cường", kind="phuong")
        session.add(other)
        session.flush()
        third = session.scalars(
            select(models.PointUnit).join(models.Point).where(models.Point.code == "P3")
        ).one()
        third.unit_id = other.id
        session.flush()
        yield session
    database.close()


def ward(session: Session, uid: str = "u-1") -> Scope:
    return Scope.of([session.scalars(select(models.Unit.id).where(models.Unit.uid == uid)).one()])


def report(
    session: Session,
    point: str = "P1",
    eyes: tuple[str, ...] = (),
    component: Component | None = None,
    at: datetime | None = None,
) -> int:
    return deeds.open_repair(
        *(session, HOA, CITY, NOW, ZONE),
        fault="Hỏng nguồn", point=point, eyes=eyes, component=component, at=at,
    )  # fmt: skip


def say_anew(session: Session, number: int, *eyes: str) -> None:
    deeds.change(
        *(session, HOA, CITY, number, NOW, ZONE), fault="Hỏng cột", component=Component.POLE, eyes=eyes
    )


def move(session: Session, number: int, state: State, at: datetime = NOW, text: str = "") -> None:
    deeds.move(session, HOA, CITY, number, state, NOW, ZONE, at=at, text=text)


def quoted(session: Session, number: int, amount: int, party: str = "Cửa hàng A") -> int:
    chosen = deeds.quote(
        session, HOA, CITY, number, NOW, ZONE, party=party, amount=amount, dated=TODAY, text="Cả công"
    )
    deeds.choose(session, HOA, CITY, number, chosen, NOW, ZONE)
    return chosen


def told(session: Session, number: int, scope: Scope = CITY) -> RepairDetail:
    found = reading.repair(session, scope, NOW, ZONE, number)
    assert found is not None
    return found


def board(session: Session, scope: Scope = CITY) -> list[tuple[int, State]]:
    return [(row.id, row.state) for row in reading.board(session, scope, NOW, ZONE)]


@contextmanager
def refused(said: str) -> Iterator[None]:
    with pytest.raises(RegistryError) as raised:
        yield
    assert said in raised.value.text("en")


def test_a_repair_from_its_report_until_it_is_done_and_paid(session: Session) -> None:
    number = report(session, eyes=("E1",), component=Component.POLE, at=NOW - 40 * DAY)
    move(session, number, State.WAITING_FOR_MONEY, NOW - 38 * DAY)
    deeds.comment(session, HOA, CITY, number, "Đã gọi thợ", NOW, ZONE)
    quoted(session, number, 9_000_000, "Cửa hàng B")
    quoted(session, number, 4_500_000)
    deeds.set_payer(session, HOA, CITY, number, Payer.WARD, NOW, ZONE, grounds="QĐ 12/QĐ-UBND")
    move(session, number, State.IN_REPAIR, NOW - 8 * DAY)
    move(session, number, State.DONE, NOW - 5 * DAY, "Thay nguồn mới")
    entry = costs.spend(session, HOA, CITY, number, NOW, ZONE)

    found = told(session, number)
    row = found.row
    assert (row.point, row.eyes, row.fault, row.component) == ("P1", ("E1",), "Hỏng nguồn", Component.POLE)
    assert (row.state, row.since, row.open) == (State.DONE, NOW - 5 * DAY, False)
    assert (row.payer, row.grounds, row.asked) == (Payer.WARD, "QĐ 12/QĐ-UBND", 4_500_000)
    times = row.times
    assert (times.waiting_for_money, times.being_repaired, times.all) == (30 * DAY, 3 * DAY, 40 * DAY)
    assert [(step.state, step.text) for step in row.steps][2:] == [
        (State.WAITING_FOR_MONEY, "Đã gọi thợ"),
        (State.IN_REPAIR, ""),
        (State.DONE, "Thay nguồn mới"),
    ]
    assert found.moves == (State.IN_REPAIR,)
    assert [(each.amount, each.chosen) for each in found.quotations] == [
        (9_000_000, False),
        (4_500_000, True),
    ]
    assert (row.cost.spent, row.cost.waiting, found.expenses) == (Sum(), Sum(4_500_000), (entry,))

    made = session.get_one(models.MoneyEntry, entry)
    assert (made.kind, made.component, made.payee, made.repair_id) == (
        "expense",
        "pole",
        "Cửa hàng A",
        number,
    )
    with refused("in the ledger already"):
        costs.spend(session, HOA, CITY, number, NOW, ZONE)
    entries.approve(session, LAN, CITY, entry, NOW, ZONE)
    assert told(session, number).row.cost.spent == Sum(4_500_000)
    back = entries.reverse(session, HOA, CITY, entry, NOW, ZONE, reason="Nhầm")
    entries.approve(session, LAN, CITY, back, NOW, ZONE)
    assert told(session, number).row.cost == costs.Cost()
    again = costs.spend(session, HOA, CITY, number, NOW, ZONE, dated=TODAY - DAY)
    assert session.get_one(models.MoneyEntry, again).dated == TODAY - DAY

    actions = session.scalars(
        select(models.Audit.action)
        .where(models.Audit.subject == f"repair:{number}")
        .order_by(models.Audit.id)
    ).all()
    assert actions == [
        *(Action.REPAIR_OPENED, Action.REPAIR_MOVED, Action.REPAIR_CHANGED),
        *(Action.QUOTATION_ADDED, Action.QUOTATION_CHOSEN) * 2,
        *(Action.REPAIR_CHANGED, Action.REPAIR_MOVED, Action.REPAIR_MOVED),
    ]


def test_a_step_is_final(session: Session) -> None:
    number = report(session)
    step = session.scalars(select(models.RepairStep).where(models.RepairStep.repair_id == number)).one()
    step.at = NOW - DAY
    with pytest.raises(DBAPIError, match="is final"):
        session.flush()
    session.rollback()


def test_what_cannot_be_said_of_a_repair(one: Session) -> None:
    number = report(one, eyes=("E1",))
    with refused("open for the eye E1 already"):
        report(one, eyes=("E1",))
    with refused("no eye"):
        report(one, eyes=("E3",))
    with refused("no point"):
        report(one, point="P9")
    with refused("at which point"):
        report(one, point="")
    with refused("last three years"):
        report(one, at=NOW + DAY)
    with refused("last three years"):
        report(one, at=NOW - 1_200 * DAY)
    with refused("Say what is broken"):
        deeds.open_repair(one, HOA, CITY, NOW, ZONE, fault=" \n", point="P1")
    with refused("cannot be moved there"):
        move(one, number, State.REPORTED)
    with refused("why it is not repaired"):
        move(one, number, State.WRITTEN_OFF)
    with refused("a moment before"):
        move(one, number, State.IN_REPAIR, NOW + DAY)
    with refused("after that"):
        move(one, number, State.IN_REPAIR, NOW - DAY)
    with refused("more than nothing"):
        quoted(one, number, 0)
    with refused("too far ahead"):
        deeds.quote(one, HOA, CITY, number, NOW, ZONE, party="A", amount=1, dated=TODAY + DAY)
    with refused("no such paper"):
        deeds.quote(one, HOA, CITY, number, NOW, ZONE, party="A", amount=1, dated=TODAY, document=7)
    with refused("no such quotation"):
        deeds.choose(one, HOA, CITY, number, 7, NOW, ZONE)
    with refused("No quotation"):
        costs.spend(one, HOA, CITY, number, NOW, ZONE)
    with refused("nothing written"):
        deeds.comment(one, HOA, CITY, number, " ", NOW, ZONE)
    with refused("no such repair"):
        move(one, 2**70, State.DONE)


def test_what_is_broken_is_said_anew_until_it_is_over(one: Session) -> None:
    number = report(one, eyes=("E1",))
    say_anew(one, number)
    row = told(one, number).row
    assert (row.fault, row.component, row.eyes) == ("Hỏng cột", Component.POLE, ())
    other = report(one, eyes=("E1",))
    with refused(f"The repair {other} is open"):
        say_anew(one, number, "E1")
    move(one, other, State.DONE)
    say_anew(one, number, "E1")
    with refused(f"The repair {number} is open"):
        move(one, other, State.IN_REPAIR)  # it did not hold; but somebody sees to that eye already
    move(one, number, State.WRITTEN_OFF, text="Bỏ điểm")
    with refused("is over"):
        say_anew(one, number)
    move(one, other, State.IN_REPAIR)


def test_a_warranty_pays_by_its_paper_and_waits_for_no_money(one: Session) -> None:
    number = report(one, eyes=("E1",), at=NOW - 3 * DAY)
    with refused("name the paper"):
        deeds.set_payer(one, HOA, CITY, number, Payer.WARRANTY, NOW, ZONE)
    point = one.scalars(select(models.Point.id).where(models.Point.code == "P1")).one()
    one.add_all(
        models.Upkeep(point_id=point, made_at=NOW, made_by="hoa", **row)
        for row in (
            {"kind": "warranty", "party": "Công ty cũ", "valid_to": TODAY - 10 * DAY},
            {"kind": "warranty", "party": "Công ty X", "document": "HĐ 05", "valid_to": TODAY - 2 * DAY},
            {"kind": "maintenance", "party": "Công ty Y"},
        )
    )
    one.flush()
    assert [each.party for each in told(one, number).duties] == ["Công ty X", "Công ty Y"]
    deeds.set_payer(one, HOA, CITY, number, Payer.WARRANTY, NOW, ZONE)
    assert told(one, number).row.grounds == "Công ty X, HĐ 05"
    with refused("waits for no money"):
        move(one, number, State.WAITING_FOR_MONEY)
    deeds.set_payer(one, HOA, CITY, number, None, NOW, ZONE)
    move(one, number, State.WAITING_FOR_MONEY)
    with refused("It waits for money"):
        deeds.set_payer(one, HOA, CITY, number, Payer.CONTRACT, NOW, ZONE)
    assert (told(one, number).row.payer, told(one, number).row.grounds) == (None, "")


def test_a_point_without_a_named_eye_is_mended_once_at_a_time(session: Session) -> None:
    whole = report(session, "P1")
    with refused(f"The repair {whole} is open for this point already"):
        report(session, "P1")
    eye = report(session, "P1", ("E1",))
    with refused(f"The repair {whole} is open for this point already"):
        say_anew(session, eye)
    say_anew(session, whole)  # it is no second one of itself
    elsewhere = report(session, "P2")
    move(session, whole, State.DONE)
    again = report(session, "P1")
    with refused(f"The repair {again} is open for this point already"):
        move(session, whole, State.IN_REPAIR)
    assert {number for number, _ in board(session)} == {eye, elsewhere, again}


def test_a_retired_eye_is_not_repaired_any_more(one: Session) -> None:
    former = report(one, "P1", ("E1",))
    both = seen(one, incident(one, NOW - DAY, "E2", "E3"))
    for code in ("E1", "E2"):
        one.scalars(select(models.Eye).where(models.Eye.code == code)).one().retired_at = NOW - DAY
    one.flush()
    with refused('The eye "E2" is retired'):
        report(one, "P2", ("E2",))
    with refused('The eye "E2" is retired'):
        deeds.open_repair(one, HOA, CITY, NOW, ZONE, fault="Hỏng", incident=both, point="P2")
    with refused('The eye "E2" is retired'):
        say_anew(one, report(one, "P2"), "E2")
    say_anew(one, former, "E1")  # it was reported before
    move(one, former, State.WRITTEN_OFF, text="Bỏ mắt")
    third = deeds.open_repair(one, HOA, CITY, NOW, ZONE, fault="Hỏng", incident=both, point="P3")
    assert told(one, third).row.eyes == ("E3",)


def test_nothing_is_spent_where_a_warranty_pays(one: Session) -> None:
    number = report(one, "P3", ("E3",))
    quoted(one, number, 5_000_000)
    deeds.set_payer(one, HOA, CITY, number, Payer.WARRANTY, NOW, ZONE, grounds="BH 01")
    with refused("nothing is spent on it"):
        costs.spend(one, HOA, CITY, number, NOW, ZONE)
    deeds.set_payer(one, HOA, CITY, number, Payer.WARD, NOW, ZONE)
    costs.spend(one, HOA, CITY, number, NOW, ZONE)


def test_an_expense_beyond_a_warranty_says_why(one: Session) -> None:
    number = report(one, "P3", ("E3",))
    spent = Entered(
        Kind.EXPENSE,
        TODAY,
        [("P3", 400_000)],
        component=Component.MAINTENANCE,
        repair_id=number,
        text="Xe nâng",
    )

    def enter(reason: str = "", entered: Entered = spent) -> int:
        return entries.enter(one, HOA, CITY, entered, NOW, ZONE, reason)

    deeds.set_payer(one, HOA, CITY, number, Payer.CONTRACT, NOW, ZONE, grounds="HĐ 02")
    with refused("say why money is spent on it all the same"):
        enter()
    with refused("say why money is spent on it all the same"):
        enter("  ")
    beyond = one.get_one(models.MoneyEntry, enter("Hợp đồng không có xe nâng"))
    assert beyond.text == "Xe nâng; Hợp đồng không có xe nâng"
    given = Entered(Kind.CONTRIBUTION, TODAY, [("P3", 400_000)], repair_id=number)
    assert one.get_one(models.MoneyEntry, enter(entered=given)).text == "", "what is given is nobody's fault"


def test_a_warranty_that_pays_after_all_says_why(one: Session) -> None:
    number = report(one, "P3", ("E3",))
    quoted(one, number, 5_000_000)
    entry = costs.spend(one, HOA, CITY, number, NOW, ZONE)

    def under(reason: str) -> None:
        deeds.set_payer(one, HOA, CITY, number, Payer.WARRANTY, NOW, ZONE, grounds="BH 01", reason=reason)

    with refused("reverse that first, or say why"):
        under("")
    deeds.set_payer(one, HOA, CITY, number, Payer.WARD, NOW, ZONE)
    under("Nhà thầu trả phần vật tư")
    deeds.set_payer(one, HOA, CITY, number, None, NOW, ZONE)
    entries.refuse(one, LAN, CITY, entry, NOW, ZONE, reason="Còn bảo hành")
    under("")
    assert told(one, number).row.payer is Payer.WARRANTY


def test_what_a_clock_that_was_ahead_wrote_is_seen_and_goes_on(one: Session) -> None:
    """Written when the clock was ten days ahead, and read after it was set right."""
    ahead = NOW + 10 * DAY
    number = deeds.open_repair(one, HOA, CITY, ahead, ZONE, fault="Hỏng", point="P2", eyes=("E2",))
    assert board(one) == [(number, State.REPORTED)]
    assert reading.board(one, CITY, NOW, ZONE, within=Span(NOW - DAY, NOW)) == []
    assert told(one, number).row.times.all == 0 * DAY
    with refused("a moment before"):
        move(one, number, State.IN_REPAIR, NOW + DAY)
    move(one, number, State.IN_REPAIR)
    deeds.comment(one, HOA, CITY, number, "Đã gọi thợ", NOW, ZONE)
    assert (told(one, number).row.state, told(one, number).row.since) == (State.IN_REPAIR, ahead)
    assert told(one, number).moves == (State.DONE, State.WAITING_FOR_MONEY, State.WRITTEN_OFF)
    move(one, number, State.DONE)
    assert board(one) == []
    assert [step.at for step in told(one, number).row.steps] == [ahead] * 4
    assert report(one, "P2", ("E2",)) > number


def test_a_ward_sees_and_changes_its_own(one: Session) -> None:
    mine, theirs = report(one, "P1"), report(one, "P3")
    scope = ward(one)
    assert board(one, scope) == [(mine, State.REPORTED)]
    assert reading.repair(one, scope, NOW, ZONE, theirs) is None
    assert reading.of_point(one, scope, NOW, ZONE, "P3") == []
    assert reading.counts(one, scope, TODAY)[State.REPORTED] == 1
    assert reading.counts(one, CITY, TODAY)[State.REPORTED] == 2
    with refused("no such repair"):
        deeds.move(one, HOA, scope, theirs, State.DONE, NOW, ZONE)
    with refused("no point"):
        deeds.open_repair(one, HOA, scope, NOW, ZONE, fault="Hỏng", point="P3")
    rows = reading.board(one, CITY, NOW, ZONE, unit="u-2")
    assert [row.id for row in rows] == [theirs]
    assert reading.board(one, scope, NOW, ZONE, unit="u-2") == []
    assert [row.id for row in reading.board(one, CITY, NOW, ZONE, point="P1")] == [mine]


def test_the_board_is_in_the_order_of_states_and_of_waiting(one: Session) -> None:
    over = report(one, "P1", at=NOW - 30 * DAY)
    move(one, over, State.DONE, NOW - 15 * DAY)
    newer = report(one, "P1", at=NOW - 2 * DAY)
    older = report(one, "P2", at=NOW - 9 * DAY)
    mending = report(one, "P3", at=NOW - 20 * DAY)
    move(one, mending, State.IN_REPAIR, NOW - 12 * DAY)
    assert board(one) == [(older, State.REPORTED), (newer, State.REPORTED), (mending, State.IN_REPAIR)]
    assert [row.id for row in reading.board(one, CITY, NOW, ZONE, states=[State.DONE])] == [over]
    assert [row.id for row in reading.of_point(one, CITY, NOW, ZONE, "P1")] == [newer, over]
    # As it stood at the end of a time that is past: what was mended since was still open then.
    past = Span(NOW - 25 * DAY, NOW - 13 * DAY)
    rows = reading.board(one, CITY, NOW, ZONE, states=list(State), within=past)
    assert [(row.id, row.state, row.times.all / DAY) for row in rows] == [
        (mending, State.REPORTED, 7),
        (over, State.DONE, 17),
    ]
    assert (
        reading.board(one, CITY, NOW, ZONE, states=list(State), within=Span(NOW - 9 * DAY, NOW - 9 * DAY))
        == []
    )


# --- incidents --------------------------------------------------------------------------------------


def incident(session: Session, began: datetime, *eyes: str, withdrawn_at: datetime | None = None) -> int:
    """Of a unit, as the book writes it: its eyes fell when it began, and are away still."""
    row = models.Incident(
        kind="unit", ancestor_id=1, started_at=began, announced_at=began, recorded_at=began,
        withdrawn_at=withdrawn_at, changed_at=withdrawn_at or began,
    )  # fmt: skip
    session.add(row)
    session.flush()
    ids = session.scalars(select(models.Eye.id).where(models.Eye.code.in_(eyes)))
    session.add_all(models.IncidentEye(incident_id=row.id, eye_id=each, from_at=began) for each in ids)
    session.flush()
    return row.id


def seen(session: Session, number: int, scope: Scope = CITY) -> IncidentRow:
    found = outages.incident(session, scope, NOW, ZONE, number)
    assert found is not None
    return found


def test_a_repair_of_an_incident_has_its_eyes(one: Session) -> None:
    both = seen(one, incident(one, NOW - DAY, "E1", "E2"))
    with refused("at which point"):
        deeds.open_repair(one, HOA, CITY, NOW, ZONE, fault="Hỏng", incident=both)
    with refused("took no eye"):
        deeds.open_repair(one, HOA, CITY, NOW, ZONE, fault="Hỏng", incident=both, point="P3")
    number = deeds.open_repair(one, HOA, CITY, NOW, ZONE, fault="Hỏng", incident=both, point="P2")
    row = told(one, number).row
    assert (row.point, row.eyes, row.incidents) == ("P2", ("E2",), (both.id,))
    alone = seen(one, incident(one, NOW - DAY, "E3"))
    third = deeds.open_repair(one, HOA, CITY, NOW, ZONE, fault="Hỏng", incident=alone)
    assert told(one, third).row.point == "P3"
    found = reading.of_incidents(one, ward(one), NOW, ZONE, [both.id, alone.id])
    assert {number: [row.id for row in rows] for number, rows in found.items()} == {both.id: [number]}


def test_a_repair_survives_its_incident_being_told_anew(session: Session) -> None:
    """The one incident of a unit becomes one of each eye: the repair goes on with that of its own eye."""
    elder = incident(session, NOW - 2 * DAY, "E1", "E2")
    number = deeds.open_repair(
        session, HOA, CITY, NOW, ZONE, fault="Hỏng", incident=seen(session, elder), point="P1"
    )
    whole = report(session, "P2", at=NOW - DAY)  # the point as such: no eye is named
    session.get_one(models.Repair, whole).incident_id = elder
    session.get_one(models.Incident, elder).withdrawn_at = NOW - DAY
    assert seen(session, elder).withdrawn_at == NOW - DAY  # told on, for somebody has done something about it
    assert told(session, number).row.incidents == (elder,)  # nothing has come of it

    first = incident(session, NOW - 2 * DAY, "E1")
    second = incident(session, NOW - 2 * DAY, "E2")
    assert told(session, number).row.incidents == (first,)
    assert told(session, whole).row.incidents == (second,)
    found = reading.of_incidents(session, CITY, NOW, ZONE, [elder, first, second])
    assert {each: [row.id for row in rows] for each, rows in found.items()} == {
        elder: [number, whole],
        first: [number],
        second: [whole],
    }
    # And once more.
    session.get_one(models.Incident, first).withdrawn_at = NOW
    newest = incident(session, NOW - 2 * DAY, "E1", "E3")
    assert told(session, number).row.incidents == (newest,)
    assert list(reading.of_incidents(session, CITY, NOW, ZONE, [newest])) == [newest]


def test_late_results_make_another_incident_and_the_repair_goes_on_in_it(tmp_path: Path) -> None:
    """Both eyes of a point seemed to have fallen; results that came late say that it was one alone."""
    database = cuts.fill(sqlite_in(tmp_path))
    book = Book(database)
    book.clock.now = now = cuts.at(10)
    book.deliver(cuts.story(E1="ooofffffff", E2="ooofffffff"))
    (elder,) = book.ids().values()
    with database.transaction() as session:
        row = outages.incident(session, CITY, now, UTC, elder)
        number = deeds.open_repair(
            session, HOA, CITY, now, UTC, fault="Hỏng nguồn", incident=row, eyes=["E1"]
        )
    book.deliver([cuts.result("E2", minute + 0.5, "o") for minute in range(2, 10)])
    with database.reading() as session:
        found = reading.repair(session, CITY, now, UTC, number)
        assert found is not None
        (heir,) = found.row.incidents
        assert heir != elder
        assert [row.id for row in reading.of_incidents(session, CITY, now, UTC, [heir])[heir]] == [number]
        later = outages.incident(session, CITY, now, UTC, heir)
        assert later is not None
        assert (later.kind, [away.eye for away in later.away]) == ("eye", ["E1"])
    database.close()


# --- letters ----------------------------------------------------------------------------------------


def letter(session: Session, scope: Scope, *numbers: int, unit: str = "") -> int:
    return proposals.draft(
        *(session, HOA, scope, NOW, ZONE),
        addressee="UBND phường", title="Đề nghị kinh phí sửa chữa", repairs=numbers, unit=unit,
    )  # fmt: skip


def waiting(session: Session, point: str) -> int:
    number = report(session, point)
    move(session, number, State.WAITING_FOR_MONEY)
    return number


def test_a_letter_asks_for_what_was_quoted_and_stays_so_once_sent(session: Session) -> None:
    scope = ward(session)
    first, second = waiting(session, "P1"), waiting(session, "P2")
    quoted(session, first, 2_000_000)
    number = letter(session, scope, second, first)
    assert [row.proposal for row in proposals.candidates(session, scope, NOW, ZONE)] == [number, number]
    found = proposals.proposal(session, scope, NOW, ZONE, number)
    assert found is not None
    assert [(each.repair.id, each.amount) for each in found.asked] == [(first, 2_000_000), (second, None)]
    assert (found.row.unit, found.row.repairs, found.row.total) == ("u-1", 2, Sum(2_000_000, 1))
    assert not found.further
    quoted(session, second, 500_000)
    proposals.change(
        session,
        LAN,
        scope,
        number,
        NOW,
        ZONE,
        addressee="UBND",
        title="Đề nghị",
        repairs=[second],
        text="Gấp",
    )
    [row] = proposals.proposals(session, CITY, NOW, ZONE)
    assert (row.addressee, row.text, row.repairs, row.total) == ("UBND", "Gấp", 1, Sum(500_000))
    proposals.send(session, LAN, scope, number, NOW, ZONE, sent_on=TODAY, letter_number="15/TTr")
    quoted(session, second, 900_000)
    move(session, second, State.DONE)
    [row] = proposals.proposals(session, scope, NOW, ZONE)
    assert (row.sent_on, row.number, row.total) == (TODAY, "15/TTr", Sum(500_000))
    with refused("was sent"):
        proposals.send(session, LAN, scope, number, NOW, ZONE, sent_on=TODAY)


def test_what_a_letter_lacked_when_it_was_sent_it_lacks_for_ever(session: Session) -> None:
    number = letter(session, CITY, waiting(session, "P1"), waiting(session, "P2"))

    def lacks(duty: Missing) -> list[bool]:
        found = proposals.proposal(session, CITY, NOW, ZONE, number)
        assert found is not None
        return [duty in each.missing for each in found.asked]

    def warrant(point: str) -> None:
        by = upkeep.Filled(Duty.WARRANTY, "Nhà thầu", TODAY - 9 * DAY, TODAY + 9 * DAY)
        upkeep.set_upkeep(session, HOA, CITY, point, by, NOW, ZONE)

    assert lacks(Missing.WARRANTY) == lacks(Missing.MANAGER) == [True, True]
    warrant("P1")
    assert lacks(Missing.WARRANTY) == [False, True], "while it is a draft"
    proposals.send(session, HOA, CITY, number, NOW, ZONE, sent_on=TODAY - DAY)
    warrant("P2")
    custody.set_custody(session, HOA, "P1", "Công an phường", TODAY, NOW, ZONE)
    assert lacks(Missing.WARRANTY) == [False, True]
    assert lacks(Missing.MANAGER) == [True, True]


def test_one_sent_letter_asks_for_a_repair_until_it_waits_anew(session: Session) -> None:
    number = waiting(session, "P1")
    first, second = letter(session, CITY, number), letter(session, CITY, number)

    def before() -> dict[int, int]:
        rows = proposals.candidates(session, CITY, NOW, ZONE)
        return dict(proposals.asked_before(session, rows, ZONE))

    assert before() == {}
    # A clerk may tell of a letter that was sent before the repair was written down here.
    proposals.send(session, HOA, CITY, first, NOW, ZONE, sent_on=TODAY - DAY)
    deeds.comment(session, HOA, CITY, number, "Đã gửi", NOW, ZONE)
    assert before() == {number: first}
    with refused(f"The proposal {first}, which was sent, asks for the repair {number} already"):
        proposals.send(session, HOA, CITY, second, NOW, ZONE, sent_on=TODAY)
    later = NOW + 3 * DAY
    for state in (State.IN_REPAIR, State.WAITING_FOR_MONEY):  # what was given was not enough
        deeds.move(session, HOA, CITY, number, state, later, ZONE)
    assert before() == {}
    proposals.send(session, HOA, CITY, second, later, ZONE, sent_on=TODAY + 3 * DAY)
    assert before() == {number: second}


def test_a_letter_is_its_unit_s(one: Session) -> None:
    mine, theirs = waiting(one, "P1"), waiting(one, "P3")
    scope = ward(one)
    with refused("no such repair"):
        letter(one, scope, mine, theirs)
    with refused("no such repair"):
        letter(one, CITY, mine, theirs, unit="u-1")
    with refused("No administrative unit"):
        letter(one, scope, mine, unit="u-2")
    with refused("does not wait"):
        letter(one, CITY, report(one, "P2"))
    with refused("at least one"):
        letter(one, CITY)
    city = letter(one, CITY, mine, theirs)
    assert proposals.proposals(one, scope, NOW, ZONE) == []
    assert proposals.proposal(one, scope, NOW, ZONE, city) is None
    with refused("no such proposal"):
        proposals.send(one, HOA, scope, city, NOW, ZONE, sent_on=TODAY)
    move(one, theirs, State.DONE)
    with refused(f"The repair {theirs} does not wait"):
        proposals.send(one, HOA, CITY, city, NOW, ZONE, sent_on=TODAY)
    own = letter(one, scope, mine)
    assert [row.id for row in proposals.proposals(one, CITY, NOW, ZONE)] == [own, city]


def test_an_expense_is_from_the_budget_that_pays(one: Session) -> None:
    number = report(one)
    quoted(one, number, 1_000)
    deeds.set_payer(one, HOA, CITY, number, Payer.WARD, NOW, ZONE)
    assert costs.prefilled(one, CITY, number, NOW, ZONE).contributor_id is None  # nobody is known
    budgets = [
        models.Contributor(kind=kind, name=kind, made_at=NOW, made_by="hoa")
        for kind in (Source.COMMUNE, Source.PROVINCE)
    ]
    one.add_all(budgets)
    one.flush()
    units = {unit.uid: unit.id for unit in one.scalars(select(models.Unit))}
    own, theirs = (
        models.Contributor(kind=Source.COMMUNE, name=uid, unit_id=units[uid], made_at=NOW, made_by="hoa")
        for uid in ("u-1", "u-2")
    )
    one.add(theirs)
    one.flush()
    filled = costs.prefilled(one, CITY, number, NOW, ZONE)
    assert (filled.contributor_id, filled.component, filled.kind) == (
        *(budgets[0].id, Component.MAINTENANCE),
        Kind.EXPENSE,
    )
    one.add(own)
    one.flush()
    assert costs.prefilled(one, CITY, number, NOW, ZONE).contributor_id == own.id
