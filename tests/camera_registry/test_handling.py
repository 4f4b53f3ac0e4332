"""What people do about incidents: done again, refused, and what a power cut leaves out of the count."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from camera_registry import handling, incident_book, maintenance, models, outages, wards
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.handling import Deed
from camera_registry.incidents import Kind
from camera_registry.maintenance import ScopeKind
from camera_registry.outages import IncidentRow
from camera_registry.units import Scope
from camera_registry.uptime import Span
from tests.dashboards.city import NOW, Wards
from tests.dashboards.ward import WARD, ZONE, fill_morning

OFFICER = Actor("hoa", "127.0.0.1")
EVERYTHING = Scope.everything()


@pytest.fixture
def town(database: Database) -> tuple[Database, Wards]:
    return database, fill_morning(database)


def incident(database: Database, kind: Kind, code: str, scope: Scope = EVERYTHING) -> IncidentRow:
    with database.reading() as session:
        rows = outages.incidents(session, scope, NOW, ZONE, kind=kind)
    return next(row for row in rows if row.code == code)


def told(database: Database, row: IncidentRow, scope: Scope = EVERYTHING) -> IncidentRow | None:
    with database.reading() as session:
        return outages.incident(session, scope, NOW, ZONE, row.id)


def test_an_incident_is_received_once_and_commented_on(town: tuple[Database, Wards]) -> None:
    database, _ = town
    market = incident(database, Kind.POINT, "NC1")
    with database.transaction() as session:
        first = handling.acknowledge(session, OFFICER, NOW, market)
    later = NOW + timedelta(minutes=5)
    with database.transaction() as session:
        assert handling.acknowledge(session, Actor("lan", "127.0.0.1"), later, market) == first
        handling.comment(session, OFFICER, later, market, "  Đã gọi điện lực\n")
    with database.reading() as session:
        notes = handling.notes(session, [market])[market.id]
        assert [(note.deed, note.by, note.text) for note in notes] == [
            (Deed.ACKNOWLEDGED, "hoa", ""),
            (Deed.COMMENT, "hoa", "Đã gọi điện lực"),
        ]
        assert handling.acknowledgements(session, [market]) == {market.id: first}
        audit = models.Audit
        lines = session.execute(select(audit.action, audit.subject, audit.reason).order_by(audit.id)).all()
    assert [tuple(line) for line in lines] == [
        ("incident_acknowledged", f"incident:{market.id}", ""),
        ("incident_commented", f"incident:{market.id}", "Đã gọi điện lực"),
    ]


def test_a_power_cut_takes_its_hours_out_of_the_count(town: tuple[Database, Wards]) -> None:
    database, places = town
    market = incident(database, Kind.POINT, "NC1")
    assert handling.affected(market) == [(ScopeKind.POINT, "NC1")]
    span = Span(market.started_at, NOW + timedelta(hours=2))
    with database.transaction() as session:
        assert handling.touched(session, [market]) == {market.id: 3}
        note = handling.report_power_cut(session, OFFICER, NOW, ZONE, market, span, "Mất điện")
        assert note.window is not None
        window = maintenance.window(session, note.window)
    assert (window.kind, window.span, window.entered_by) == (maintenance.Kind.POWER_CUT, span, "hoa")
    incident_book.fold(database, ZONE, NOW)
    withdrawn = told(database, market)
    assert withdrawn is not None, "what people did about it does not go away"
    assert withdrawn.withdrawn_at is not None
    assert told(database, market, Scope.of([places.au_lau])) is None
    with database.reading() as session:
        ward = wards.ward(session, Scope.of([places.nam_cuong]), NOW, ZONE, WARD)
    assert ward is not None
    assert [row.code for row in ward.inbox] == ["NC2-A"]
    assert set(ward.covered) == {"NC1-A", "NC1-B", "NC1-C"}
    assert [point.code for point in ward.wrong] == ["NC2", "NC3", "NC1"], "what is explained stands last"
    with database.transaction() as session, pytest.raises(RegistryError, match="cannot be put down"):
        handling.report_power_cut(session, OFFICER, NOW, ZONE, withdrawn, span, "Mất điện")


def test_what_is_refused_leaves_no_note(town: tuple[Database, Wards]) -> None:
    database, _ = town
    market = incident(database, Kind.POINT, "NC1")
    for begins, ends, said in (
        (-50, -50, "ends after it begins"),
        (-50, 8 * 24 * 60, "7 days at most"),
        (-50 - 25 * 60, 60, "more than a day before"),
    ):
        span = Span(NOW + timedelta(minutes=begins), NOW + timedelta(minutes=ends))
        with pytest.raises(RegistryError, match=said), database.transaction() as session:
            handling.report_power_cut(session, OFFICER, NOW, ZONE, market, span, "Mất điện")
    for text, said in ((" \n", "nothing written"), ("x" * 2_001, "longer than")):
        with pytest.raises(RegistryError, match=said), database.transaction() as session:
            handling.comment(session, OFFICER, NOW, market, text)
    with database.transaction() as session:
        assert handling.notes(session, [market]) == {}
        session.get_one(models.Incident, market.id).withdrawn_at = NOW
    assert told(database, market) is None, "without notes, what is withdrawn is told no more"


def row(kind: Kind, *points: str) -> IncidentRow:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    away = tuple(outages.Away(f"{point}-{n}", point, at, None) for n in (1, 2) for point in points)
    return IncidentRow(1, kind, "X", "", at, at, None, away)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        pytest.param(Kind.EYE, [("eye", "X")], id="an eye, and not its point"),
        pytest.param(Kind.DEVICE, [("device", "X")], id="a device"),
        pytest.param(Kind.AREA, [("point", "P1"), ("point", "P2")], id="an area: the points that fell"),
    ],
)
def test_what_a_power_cut_is_said_to_have_taken(kind: Kind, expected: list[tuple[str, str]]) -> None:
    assert handling.affected(row(kind, "P2", "P1")) == expected


def test_our_own_line_is_no_power_cut() -> None:
    assert not handling.reaches(row(Kind.SITE, "P1"))
