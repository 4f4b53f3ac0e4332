"""Who did what: written down for good, read back narrowed, page by page, and cut to a scope."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from camera_registry import audit, audit_log, models
from camera_registry.audit import Action, Actor, Change
from camera_registry.audit_log import Difference, Wanted
from camera_registry.db import Database
from camera_registry.units import Scope
from camera_registry.uptime import Span
from tests.dashboards import city
from tests.databases import sqlite_in

NOW = city.NOW
TODAY = NOW.date()
CITY = Scope.everything()
LAN, MINH = Actor("lan", "10.0.0.7", "r1"), Actor("minh", "cli", "r2")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, city.Wards]]:
    made = Database(sqlite_in(tmp_path_factory.mktemp("audit")))
    wards = fill(made)
    with made.reading() as session:
        yield session, wards
    made.close()


def fill(database: Database) -> city.Wards:
    """The small city with deeds in both of its wards, and of the whole city."""
    wards = city.fill(database)
    with database.transaction() as session:
        did = [
            (LAN, Action.SUSPENDED, "eye:NC1-UP", "Sửa đường Hoà Bình"),
            (LAN, Action.DEVICE_CONFIRMED, "device:NC1-D", ""),
            (MINH, Action.POINT_MOVED, "point:AL1", ""),
            (MINH, Action.SITE_ADDED, "site:yb", ""),
            (LAN, Action.PICTURE_VIEWED, "eye:NC1-UP", ""),
        ]
        for n, (actor, action, subject, reason) in enumerate(did):
            at = NOW + timedelta(hours=n)
            audit.record(session, actor, action, subject, at, detail={"after": {"n": n}}, reason=reason)
    return wards


def subjects(page: audit_log.Page) -> list[str]:
    return [entry.subject for entry in page.entries]


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param(update(models.Audit).values(who="nobody"), id="change"),
        pytest.param(delete(models.Audit), id="delete"),
        pytest.param(text("TRUNCATE audit"), id="truncate"),
    ],
)
def test_what_was_written_is_never_changed(database: Database, tamper: object) -> None:
    if database.sqlite and "TRUNCATE" in str(tamper):
        tamper = text("DELETE FROM audit WHERE 1")
    with database.transaction() as session:
        audit.record(session, LAN, Action.SITE_ADDED, "site:yb", NOW)
    with pytest.raises(DBAPIError, match="never changed"), database.transaction() as session:
        session.execute(tamper)  # type: ignore[call-overload]  # any statement that tampers
    with database.reading() as session:
        assert session.scalars(select(models.Audit.who)).all() == ["lan"]


def test_a_change_is_told_by_field(database: Database) -> None:
    changes = [
        Change("point:P1", None, {"name": "Chợ", "built": date(2026, 1, 2)}),
        Change("eye:E1", {"retired": None, "k": 1}, {"retired": datetime(2026, 1, 2, tzinfo=UTC), "k": 2}),
    ]
    with database.transaction() as session:
        audit.record_changes(session, LAN, changes, NOW, "nhập lại")
        audit.record(
            session, LAN, Action.SITE_CANARIES_SET, "site:yb", NOW, detail={"before": [], "after": ["h"]}
        )
        audit.record(session, LAN, Action.GRADE_GIVEN, "eye:E1", NOW, detail={"grade": "good"})
    with database.reading() as session:
        grade, canaries, changed, added = audit_log.page(session, CITY, TODAY, Wanted()).entries
    assert (added.action, added.kind, added.name, added.reason) == ("added", "point", "P1", "nhập lại")
    assert added.differences == [Difference("name", None, "Chợ"), Difference("built", None, "2026-01-02")]
    assert (changed.who, changed.origin, changed.request_id) == ("lan", "10.0.0.7", "r1")
    assert changed.differences == [
        Difference("retired", None, "2026-01-02T00:00:00+00:00"),
        Difference("k", 1, 2),
    ]
    assert canaries.differences == [Difference("", [], ["h"])]
    assert (grade.differences, grade.circumstances) == ([], {"grade": "good"})


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        pytest.param(Wanted(who="minh"), ["site:yb", "point:AL1"], id="who"),
        pytest.param(Wanted(action="suspended"), ["eye:NC1-UP"], id="action"),
        pytest.param(Wanted(subject="eye:NC1-UP"), ["eye:NC1-UP", "eye:NC1-UP"], id="subject"),
        pytest.param(Wanted(request_id="r2", who="lan"), [], id="conditions hold together"),
        pytest.param(Wanted(text="hoa BINH"), ["eye:NC1-UP"], id="words without marks"),
        pytest.param(Wanted(text="10.0.0.7 nc1"), ["eye:NC1-UP", "device:NC1-D", "eye:NC1-UP"], id="words"),
        pytest.param(
            Wanted(within=Span(NOW + timedelta(hours=1), NOW + timedelta(hours=3))),
            ["point:AL1", "device:NC1-D"],
            id="period",
        ),
    ],
)
def test_the_log_is_narrowed(known: tuple[Session, city.Wards], wanted: Wanted, found: list[str]) -> None:
    session, _ = known
    assert subjects(audit_log.page(session, CITY, TODAY, wanted)) == found
    assert [entry.subject for entry in audit_log.every(session, CITY, TODAY, wanted)] == found


@pytest.mark.parametrize("text", ["", "after"])
def test_pages_follow_by_key(known: tuple[Session, city.Wards], text: str) -> None:
    session, _ = known
    first = audit_log.page(session, CITY, TODAY, Wanted(text=text), limit=2)
    assert first.older is not None
    second = audit_log.page(session, CITY, TODAY, Wanted(text=text), first.older, limit=2)
    last = audit_log.page(session, CITY, TODAY, Wanted(text=text), second.older, limit=2)
    ids = [entry.id for page in (first, second, last) for entry in page.entries]
    assert (ids, last.older) == ([5, 4, 3, 2, 1], None)


@pytest.mark.parametrize("sort", ["at", "-at", "who", "-who", "action", "-subject", "nonsense"])
def test_pages_follow_in_any_order(known: tuple[Session, city.Wards], sort: str) -> None:
    session, _ = known
    whole = list(audit_log.every(session, CITY, TODAY, Wanted(), sort))
    pages = [audit_log.page(session, CITY, TODAY, Wanted(), limit=2, sort=sort)]
    while (older := pages[-1].older) is not None:
        pages.append(audit_log.page(session, CITY, TODAY, Wanted(), older, limit=2, sort=sort))
    assert [entry for page in pages for entry in page.entries] == whole
    assert len(whole) == 5
    if (column := sort.removeprefix("-")) != "nonsense":
        values = [getattr(entry, column) for entry in whole]
        assert values == sorted(values, reverse=sort.startswith("-"))


def test_a_key_outside_the_scope_says_nothing(database: Database) -> None:
    ward = Scope.of([fill(database).nam_cuong])
    with database.reading() as session:
        elsewhere, nowhere = 3, 99
        for sort in ("who", "-who", "action", "-subject"):
            first = audit_log.page(session, ward, TODAY, Wanted(), sort=sort)
            assert len(first.entries) == 3
            for key in (elsewhere, nowhere):
                assert audit_log.page(session, ward, TODAY, Wanted(), key, sort=sort) == first
        newest = audit_log.page(session, ward, TODAY, Wanted(), nowhere)
        assert newest == audit_log.page(session, ward, TODAY, Wanted())


def test_an_auditor_of_a_ward_sees_its_things_alone(known: tuple[Session, city.Wards]) -> None:
    session, wards = known
    ward = Scope.of([wards.nam_cuong])
    assert subjects(audit_log.page(session, ward, TODAY, Wanted())) == [
        "eye:NC1-UP",
        "device:NC1-D",
        "eye:NC1-UP",
    ]


def test_the_history_of_a_thing_tells_changes_and_not_looks(known: tuple[Session, city.Wards]) -> None:
    session, wards = known
    entries = audit_log.history(session, Scope.of([wards.nam_cuong]), TODAY, ["eye:NC1-UP", "point:AL1"])
    assert [entry.action for entry in entries] == ["suspended"]


def test_a_rare_word_is_looked_for_leaf_by_leaf(database: Database) -> None:
    with database.transaction() as session:
        changes = [Change(f"eye:E{n}", None, {"name": "x"}) for n in range(audit_log.LOOKED_AT + 5)]
        changes[3] = Change("eye:E3", None, {"name": "Cầu Âu Lâu"})
        audit.record_changes(session, LAN, changes, NOW)
    with database.reading() as session:
        first = audit_log.page(session, CITY, TODAY, Wanted(text="au LAU"))
        assert ("eye:E3" in subjects(first), first.older) == (False, 6)
        second = audit_log.page(session, CITY, TODAY, Wanted(text="au LAU"), first.older)
        assert (subjects(second), second.older) == (["eye:E3"], None)
