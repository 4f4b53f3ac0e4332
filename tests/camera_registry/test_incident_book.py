"""The incidents as they are kept: whatever the order of deliveries, the same rows; and an id lives on."""

from collections.abc import Iterator
from datetime import UTC, timedelta
from random import Random

import pytest
from sqlalchemy import select, update

from camera_registry import incident_book, incidents, maintenance, models, sites
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.maintenance import Cover, ScopeKind
from camera_registry.models import Incident, IncidentDue
from camera_registry.uptime import Span
from tests.camera_registry.cuts import EXPECTED, EYES, STORY, Book, at, fill, minute, result, story

ALICE = Actor("alice", "cli")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = fill(database_url)
    yield made
    made.close()


@pytest.fixture
def book(database: Database) -> Book:
    return Book(database)


def test_delivered_at_once(book: Book) -> None:
    book.deliver(STORY)
    assert book.told() == sorted(EXPECTED)
    assert book.fold() == 0, "what is kept is what is so"


def test_delivered_minute_by_minute_an_id_lives_on(book: Book) -> None:
    seen: dict[str, int] = {}
    for now in range(46):
        book.clock.now = at(now)
        book.deliver([each for each in STORY if each.at == at(now)])
        announced = {
            f"{row.kind} {row.ancestor_id} {minute(row.started_at)}": row.id
            for row in book.rows()
            if row.announced_at < at(now)
        }
        assert {key: announced.get(key) for key in seen} == seen, "what was announced stays"
        seen |= announced
    assert book.told() == sorted(EXPECTED)


@pytest.mark.parametrize("seed", range(4))
def test_the_order_and_repetition_of_deliveries_change_nothing(book: Book, seed: int) -> None:
    random = Random(seed)
    shuffled = random.sample(STORY, len(STORY))
    cuts = sorted(random.sample(range(len(shuffled)), 7))
    for start, end in zip([0, *cuts], [*cuts, len(shuffled)], strict=True):
        book.deliver(shuffled[start:end], fold=random.random() < 0.7)
        book.deliver(random.sample(shuffled[:end], 5), fold=random.random() < 0.5)
    book.fold()
    assert book.told() == sorted(EXPECTED)


def test_killed_between_the_ledger_and_the_book_the_next_run_catches_up(book: Book) -> None:
    book.deliver([each for each in STORY if each.at < at(8)])
    book.deliver([each for each in STORY if each.at >= at(8)], fold=False)
    again = Book(book.database)
    assert again.fold() > 0
    assert again.told() == sorted(EXPECTED)
    with book.database.reading() as session:
        assert session.scalars(select(IncidentDue)).all() == []


def test_told_from_a_late_moment_it_is_as_from_the_beginning(book: Book) -> None:
    book.deliver(STORY)
    with book.database.reading() as session:
        places = incident_book.places_of_today(session, UTC, at(45))
    assert {eye: (place.point, place.unit) for eye, place in places.items()} == {
        n: (int(point[1]), 2 if point == "P4" else 1) for n, point in enumerate(EYES.values(), 1)
    }
    before = book.ids()
    for since in range(0, 46, 3):
        with book.database.transaction() as session:
            incident_book.touch(session, {1: at(since), 6: at(since)})
        assert book.fold() == 0, f"from {since}"
    assert book.ids() == before


def test_what_is_no_longer_borne_out_is_withdrawn(book: Book) -> None:
    cut = story(E1="ooofffffff", E2="ooofffffff")
    late = [result("E2", minute + 0.5, "o") for minute in range(2, 10)]
    book.clock.now = at(10)
    book.deliver(cut)
    assert book.told() == ["point 1 3-: 1 2"]
    book.deliver(late)
    assert book.told() == ["eye 1 3-: 1"], "it was one eye"
    with book.database.reading() as session:
        (gone,) = session.scalars(select(Incident).where(Incident.withdrawn_at.is_not(None)))
        assert (gone.kind, gone.withdrawn_at) == ("point", at(10))


def test_never_seen_ok_is_no_incident(book: Book) -> None:
    book.clock.now = at(10)
    book.deliver(story(E1="ffffffffff"))
    assert book.told() == []


def test_a_window_entered_afterwards_takes_an_incident_back(book: Book) -> None:
    book.deliver(STORY)
    cover = [Cover(ScopeKind.UNIT, 1)]
    span = Span(at(19), at(38))
    with book.database.transaction() as session:
        window = maintenance.enter(
            session,
            ALICE,
            at(45),
            UTC,
            kind=maintenance.Kind.POWER_CUT,
            span=span,
            covers=cover,
            reason="notice",
        )
    book.fold()
    others = [line for line in EXPECTED if line.startswith(("point", "eye 6"))]
    assert book.told() == sorted([*others, "eye 4 38-44: 4"])
    with book.database.transaction() as session:
        maintenance.withdraw(session, ALICE, at(45), UTC, window, "a mistake")
    book.fold()
    assert book.told() == sorted(EXPECTED)


def test_a_window_leaves_open_what_it_finds_open(book: Book) -> None:
    book.clock.now = at(10)
    with book.database.transaction() as session:
        maintenance.enter(
            session, ALICE, at(0), UTC, kind=maintenance.Kind.WORK, span=Span(at(12), at(20)),
            covers=[Cover(ScopeKind.POINT, 1)], reason="new mast",
        )  # fmt: skip
    book.deliver(story(E1="oooffffffff", E2="oooffffffff"))
    assert book.told() == ["point 1 3-: 1 2"]
    for now in (11, 12, 12.5):
        book.clock.now = at(now)
        book.fold()
    ids = book.ids()
    assert book.told() == ["point 1 3-: 1 2"]
    book.clock.now = at(20)
    assert book.fold() == 0, "still down"
    book.clock.now = at(25)
    book.deliver([result(eye, 24, "o") for eye in ("E1", "E2")])
    assert book.told() == ["point 1 3-24: 1 2"]
    assert book.ids() == ids


def test_a_straggler_becomes_one_by_the_passing_of_time(book: Book) -> None:
    book.clock.now = at(10)
    book.deliver(story(E1="oooffooo", E2="oooffffff", E3="oooffooo", E4="oooffooo", E5="oooffooo"))
    assert book.told() == ["area 1 3-5: 1 2 3 4 5", "eye 2 5-: 2"]
    again = [line for line in book.told() if line.startswith("area")]
    late = Book(book.database)
    late.clock.now = at(10)
    assert [line for line in late.told() if line.startswith("area")] == again


def test_it_waits_for_the_last_to_come_back(book: Book) -> None:
    for now in (5, 6):
        book.clock.now = at(now)
        letters = {f"E{n}": "ooofff"[:6] + ("o" if n != 2 and now == 6 else "") for n in (1, 2, 3, 4, 5)}
        book.deliver(story(**letters))
    assert book.told() == ["area 1 3-6: 1 2 3 4 5"]
    book.deliver([result("E2", 6.5, "f")])
    book.clock.now = at(8)
    book.fold()
    assert book.told() == ["area 1 3-6: 1 2 3 4 5", "eye 2 6-: 2"]


def test_a_site_that_is_lost(book: Book) -> None:
    with book.database.transaction() as session:
        sites.heard(session, 1, at(0), at(10), 10)
    book.clock.now = at(10)
    book.deliver(story(**dict.fromkeys(EYES, "o" * 11)))
    book.clock.now = at(15)
    book.judge.tick(at(15))
    book.fold()
    assert book.told() == ["site 1 10.1667-: 1 2 3 4 5 6"]
    with book.database.transaction() as session:
        sites.heard(session, 1, at(20), at(21), 10)
    book.clock.now = at(21)
    book.deliver([result(eye, 20, "o") for eye in EYES])
    book.fold()
    assert book.told() == ["site 1 10.1667-20: 1 2 3 4 5 6"]
    (row,) = book.rows()
    assert row.announced_at == at(10) + timedelta(seconds=35)


def test_maintenance_within_a_loss_that_lasts(book: Book) -> None:
    with book.database.transaction() as session:
        sites.heard(session, 1, at(0), at(10), 10)
        maintenance.enter(
            session, ALICE, at(0), UTC, kind=maintenance.Kind.WORK, span=Span(at(20), at(30)),
            covers=[Cover(ScopeKind.POINT, 1)], reason="new mast",
        )  # fmt: skip
    book.clock.now = at(10)
    book.deliver(story(**dict.fromkeys(EYES, "o" * 11)))
    for now in (15, 20, 25, 30):
        book.clock.now = at(now)
        book.judge.tick(at(now))
        book.fold()
    (row,) = book.rows()
    assert [(minute(m.from_at), m.to_at and minute(m.to_at)) for m in row.members if m.eye_id == 1] == [
        ("10.1667", "20"),
        ("30", None),
    ]
    assert book.fold() == 0


def test_a_point_that_moved_takes_its_open_incident_along(book: Book) -> None:
    book.clock.now = at(10)
    book.deliver(story(E1="ooofffffff", E2="ooofffffff", E3="ooofffffff", E4="ooofffffff", E5="ooofffffff"))
    assert book.told() == ["area 1 3-: 1 2 3 4 5"]
    with book.database.transaction() as session:
        session.execute(update(models.PointUnit).where(models.PointUnit.point_id == 1).values(unit_id=2))
    book.fold()
    assert book.told() == ["point 1 3-: 1 2", "unit 1 3-: 3 4 5"]


def test_the_kinds_fit_their_column() -> None:
    assert max(len(kind) for kind in incidents.Kind) <= 16
