"""Points, devices and eyes changed by a person: seen before it is done, all or nothing, written down."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.audit import Actor, ReasonError
from camera_registry.db import Database
from camera_registry.editing import changing, selection
from camera_registry.editing.changing import Caution, Preview
from camera_registry.editing.selection import EditError, OutOfScope, Selection
from camera_registry.imports.difference import Kind
from camera_registry.models import Device, Eye, Point, Suspension
from camera_registry.units import Scope
from tests.camera_registry.registries import fresh
from tests.databases import sqlite_in

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, tzinfo=UTC)
CLERK = Actor("clerk", "10.0.0.7", "0123456789abcdef")
CITY = Scope.everything()


def filled(url: str) -> Database:
    """Three points of one eye each; the device of the first has a second eye."""
    database, _ = fresh(url, 3)
    with database.transaction() as session:
        device = session.scalars(select(Device).where(Device.code == "D1")).one()
        session.add(Eye(code="E1-2", device_id=device.id, channel=2, path="/1b"))
    return database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = filled(database_url)
    yield database
    database.close()


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = filled(sqlite_in(tmp_path_factory.mktemp("editing")))
    yield database
    database.close()


@pytest.fixture
def session(known: Database) -> Iterator[Session]:
    """What a test changes is taken back."""
    with known.reading() as session:
        yield session


def eyes(session: Session, *codes: str) -> Selection:
    return selection.select_eyes(session, CITY, codes, NOW, ZONE)


def look(session: Session, chosen: Selection, **wished: str) -> Preview:
    return changing.preview(session, chosen, wished, NOW, ZONE)


def change(session: Session, chosen: Selection, reason: str = "Kiểm kê", **wished: str) -> Preview:
    seen = look(session, chosen, **wished).seen
    return changing.apply(session, CLERK, chosen, wished, seen, reason, NOW, ZONE)


def told(preview: Preview) -> list[tuple[str, str, object, object]]:
    return [(e.thing.code, c.field.slug, c.before, c.after) for e in preview.changed for c in e.changes]


def test_what_was_seen_is_done_and_each_thing_has_its_line(database: Database) -> None:
    wished = {"funding": "XHH", "commissioned": "01/10/2026", "manufacturer": "Dahua", "purpose": ""}
    with database.reading() as session:
        seen = look(session, eyes(session, "E1", "E2"), **wished)
    assert told(seen) == [
        ("P1", "funding", "", "socialised"),
        ("P2", "funding", "", "socialised"),
        ("D1", "manufacturer", "", "Dahua"),
        ("D2", "manufacturer", "", "Dahua"),
        ("E1", "commissioned", date(2026, 1, 1), date(2026, 10, 1)),
        ("E2", "commissioned", date(2026, 1, 1), date(2026, 10, 1)),
    ]
    assert (seen.others, seen.counts) == (1, {Kind.POINT: 2, Kind.DEVICE: 2, Kind.EYE: 2})
    before = database.version()
    with database.transaction() as session:
        chosen = selection.select_eyes(session, CITY, ["E1", "E2"], NOW, ZONE, lock=True)
        changing.apply(session, CLERK, chosen, wished, seen.seen, " Kiểm kê  quý IV ", NOW, ZONE)
    assert database.version() == before + 1  # the monitor plans anew
    with database.reading() as session:
        eye = session.scalars(select(Eye).where(Eye.code == "E2")).one()
        assert eye.commissioned_at == datetime(2026, 9, 30, 17, tzinfo=UTC)  # midnight here
        lines = session.scalars(select(models.Audit).order_by(models.Audit.id)).all()
        assert [line.subject for line in lines] == [
            "point:P1", "point:P2", "device:D1", "device:D2", "eye:E1", "eye:E2",
        ]  # fmt: skip
        assert {(line.action, line.request_id, line.who, line.reason) for line in lines} == {
            ("changed", CLERK.request_id, "clerk", "Kiểm kê quý IV")
        }
        assert lines[-1].detail == {
            "before": {"commissioned": "2026-01-01"},
            "after": {"commissioned": "2026-10-01"},
        }
    not_done_where_something_has_changed_since(database)


def not_done_where_something_has_changed_since(database: Database) -> None:
    with database.reading() as session:
        seen = look(session, eyes(session, "E1", "E2"), funding="Tài trợ").seen
    with database.transaction() as session:
        change(session, eyes(session, "E2"), funding="NSTP")
    with database.transaction() as session:
        chosen = eyes(session, "E1", "E2")
        with pytest.raises(EditError, match="changed since you looked"):
            changing.apply(session, CLERK, chosen, {"funding": "Tài trợ"}, seen, "x", NOW, ZONE)
        found = session.scalars(select(Point.funding).order_by(Point.code)).all()
        assert found == ["socialised", "city_budget", ""]


@pytest.mark.parametrize(
    ("wished", "refused"),
    [
        pytest.param({"retired": "2025-12-31"}, {("retired", "E1"): "before 01/01/2026"}, id="days"),
        pytest.param({"commissioned": "31/02/2026"}, {("commissioned", ""): "not a date"}, id="no day"),
        pytest.param({"host": "10.0.0.300"}, {("host", ""): "neither an IP"}, id="address"),
        pytest.param({"host": "rtsp://a:b@10.0.0.3/"}, {("host", ""): "password"}, id="login in a host"),
        pytest.param({"path": "/live?password=geheim"}, {("path", ""): "password"}, id="login in a path"),
        pytest.param({"path": "/2", "host": ""}, {("host", "D1"): "IP address"}, id="no address"),
        pytest.param({"path": "/1b"}, {("path", "E1"): "belong already to E1-2"}, id="twice"),
        pytest.param({"channel": "2"}, {("channel", "E1"): "already to E1-2"}, id="channel"),
        pytest.param({"reach": "network", "path": ""}, {("path", "E1"): "path is missing"}, id="no path"),
        pytest.param({"k": "3"}, {("k", "P1"): "has only 2"}, id="k"),
        pytest.param({"k": "", "site": "S9"}, {("k", ""): "blank", ("site", ""): "no site"}, id="two"),
        pytest.param({"latitude": "21.7"}, {("latitude", "P1"): "one is missing"}, id="half a position"),
        pytest.param({"tls_check": "pin"}, {("tls_check", "D1"): "fingerprint"}, id="no pin"),
        pytest.param(
            {"suspended_until": "2026-12-01"}, {("suspended_until", "E1"): "not suspended"}, id="out"
        ),
    ],
)
def test_what_cannot_be_is_said_and_not_done(
    session: Session, wished: Mapping[str, str], refused: Mapping[tuple[str, str], str]
) -> None:
    preview = look(session, eyes(session, "E1"), **wished)
    said = {(each.slug, each.code): str(each.fault) for each in preview.refused}
    assert said.keys() == refused.keys()
    assert all(text in said[where] for where, text in refused.items()), said
    assert "geheim" not in str(said)
    with pytest.raises(EditError, match="Nothing was changed"):
        change(session, eyes(session, "E1"), **wished)


def test_what_changes_together_is_judged_together(session: Session) -> None:
    change(session, eyes(session, "E2"), reach="reported", path="", host="")
    assert not look(session, eyes(session, "E2"), reach="network", path="/2", host="10.0.0.2").refused
    (refused,) = look(session, eyes(session, "E2"), reach="network", path="/2").refused
    assert (refused.slug, "IP address" in str(refused.fault)) == ("reach", True)


def test_what_was_wrong_before_hinders_nobody(session: Session) -> None:
    point = session.scalars(select(Point).where(Point.code == "P1")).one()
    point.k = 9
    session.flush()
    assert not look(session, eyes(session, "E1"), address="Đường Kim Đồng").refused


def test_a_suspension_begins_moves_ends_and_is_taken_back(session: Session) -> None:
    def stands() -> list[tuple[str, str]]:
        rows = session.scalars(select(Suspension).order_by(Suspension.id))
        return [(f"{r.from_at:%d/%m %H}", f"{r.to_at:%d/%m %H}" if r.to_at else "") for r in rows]

    done = change(session, eyes(session, "E1"), suspended_from="2026-11-20")
    assert (stands(), tuple(done.cautions)) == ([("19/11 17", "")], (Caution.NO_LONGER_ASKED,))
    change(session, eyes(session, "E1"), suspended_from="2026-11-18")
    assert stands() == [("17/11 17", "")]
    change(session, eyes(session, "E1"), suspended_until="2026-11-22")
    assert stands() == [("17/11 17", "21/11 17")]
    change(session, eyes(session, "E1"), suspended_from="2026-12-01", suspended_until="2026-12-05")
    assert stands() == [("17/11 17", "21/11 17"), ("30/11 17", "04/12 17")]
    change(session, eyes(session, "E1"), suspended_from="", suspended_until="")
    assert stands() == [("17/11 17", "21/11 17")]


def test_a_device_has_a_new_address(session: Session) -> None:
    done = change(session, eyes(session, "E2"), host="Camera-2.example", port="8554")
    device = session.scalars(select(Device).where(Device.code == "D2")).one()
    assert tuple(done.cautions) == (Caution.LOGIN_FOLLOWS,)
    assert (device.host, device.port) == ("camera-2.example", 8554)


def test_the_password_goes_in_clear_to_no_new_address_unless_somebody_says_so(session: Session) -> None:
    device = session.scalars(select(Device).where(Device.code == "D2")).one()
    device.basic_allowed = True
    session.flush()
    assert told(look(session, eyes(session, "E2"), host="10.0.0.99")) == [
        ("D2", "host", "127.0.0.1", "10.0.0.99"),
        ("D2", "basic_allowed", True, False),
    ]
    session.add(models.Site(code="S2"))
    session.flush()
    assert ("D2", "basic_allowed", True, False) in told(look(session, eyes(session, "E2"), site="S2"))
    chosen = eyes(session, "E2")
    for wished in ({"host": "10.0.0.99", "basic_allowed": "yes"}, {"host": "127.0.0.1", "port": "8554"}):
        assert "basic_allowed" not in {slug for _, slug, *_ in told(look(session, chosen, **wished))}


def test_who_sees_a_ward_alone_sends_no_login_elsewhere(session: Session) -> None:
    unit = session.scalars(select(models.Unit.id).where(models.Unit.uid == "u-1")).one()
    chosen = selection.select_eyes(session, Scope.of([unit]), ["E2"], NOW, ZONE)
    for slug, typed in (
        *(("host", "10.0.0.99"), ("port", "8554"), ("site", "S2"), ("manufacturer", "Dahua")),
        *(("tls", "no"), ("tls_check", "none"), ("tls_pin", ""), ("basic_allowed", "yes")),
        *(("web_port", "81"), ("web_tls", "no"), ("onvif_port", "81")),
    ):
        with pytest.raises(EditError, match="cannot be changed"):
            look(session, chosen, **{slug: typed})
    assert not look(session, chosen, model="IPC-1", path="/9", address="Đường Kim Đồng").refused


def test_closed_months_that_are_touched_are_named(session: Session) -> None:
    for month in (date(2026, 9, 1), date(2026, 10, 1)):
        session.add(
            models.Closing(
                month=month, version=0, at=NOW, by="x", rules_version=1, inputs_hash="", figures_hash=""
            )
        )
    session.flush()
    chosen = eyes(session, "E1")
    assert look(session, chosen, retired="2026-10-15").closed == (date(2026, 10, 1),)
    assert look(session, chosen, k="2").closed == (date(2026, 9, 1), date(2026, 10, 1))
    assert look(session, chosen, purpose="Cổng").closed == ()


def test_only_what_is_in_scope_can_be_chosen(session: Session) -> None:
    other = models.Unit(uid="u-2", code="04255", name="Phường Nam Cường", kind="phuong")
    session.add(other)
    session.flush()
    unit = session.scalars(select(models.Unit.id).where(models.Unit.uid == "u-1")).one()
    point = session.scalars(select(models.PointUnit).where(models.PointUnit.unit_id == unit)).all()[0]
    point.unit_id = other.id
    session.flush()
    ward = Scope.of([unit])
    for pick, codes in ((selection.select_eyes, ["E1", "E2"]), (selection.select_points, ["P1", "P2"])):
        with pytest.raises(OutOfScope):
            pick(session, ward, codes, NOW, ZONE)
        assert pick(session, ward, codes[1:], NOW, ZONE).things[Kind.POINT][0].code == "P2"
    chosen = selection.select_eyes(session, ward, ["E2"], NOW, ZONE)
    (refused,) = look(session, chosen, path="/1").refused
    assert str(refused.fault) == "This address and path belong already to …."  # not its code
    with pytest.raises(OutOfScope):
        selection.select_eyes(session, CITY, ["E1", "E9"], NOW, ZONE)
    with pytest.raises(EditError, match="Nothing is chosen"):
        selection.select_points(session, CITY, [], NOW, ZONE)


def test_many_share_no_address_and_a_change_needs_a_reason(session: Session) -> None:
    many = eyes(session, "E1", "E2")
    assert {"host", "path", "eye_name", "channel"}.isdisjoint(field.slug for field in many.fields())
    with pytest.raises(EditError, match="cannot be changed"):
        look(session, many, host="10.0.0.9")
    with pytest.raises(ReasonError):
        change(session, many, reason=" ", funding="XHH")
    with pytest.raises(EditError, match="so already"):
        change(session, many, tls="no")
