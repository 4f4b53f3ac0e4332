from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from camera_registry import models, queries
from camera_registry.db import Database
from camera_registry.queries import EyeRow, Overlay
from camera_registry.units import Scope
from probes.reasons import Reason
from tests.dashboards.city import NOW, REORGANISED, Wards, add_eye, add_point, add_transition, fill, set_state

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
EVERYTHING = Scope.everything()


@pytest.fixture
def wards(database: Database) -> Wards:
    return fill(database)


def rows_of(database: Database, scope: Scope = EVERYTHING) -> dict[str, EyeRow]:
    with database.reading() as session:
        return {row.code: row for row in queries.eyes(session, scope, NOW, ZONE)}


@pytest.mark.usefixtures("wards")
def test_each_eye_is_counted_once_as_what_it_is(database: Database) -> None:
    rows = rows_of(database)

    assert {code: row.standing for code, row in rows.items()} == {
        "NC1-UP": "up",
        "NC1-POOR": "degraded",
        "NC1-DOWN": "down",
        "AL1-LOCKED": "backlog",
        "AL1-NEW": "backlog",
        "AL1-CLOUD": "reported",
        "AL1-HOME": "access_withdrawn",
        "AL1-PAUSED": "not_in_service",
    }
    totals = queries.totals(rows.values())
    assert sum(totals.by_standing.values()) == totals.eyes == 8
    assert totals.points == 2
    assert (totals.measured, totals.observed) == (5, 3)
    assert totals.working == pytest.approx(2 / 3)
    assert totals.coverage == pytest.approx(3 / 5)
    assert (totals.backlog, totals.not_started) == (2, 1)
    assert totals.newest_probe_at == NOW


@pytest.mark.usefixtures("wards")
def test_what_never_worked_stands_apart_and_is_observed(database: Database) -> None:
    before = queries.totals(rows_of(database).values())
    with database.transaction() as session:
        bridge = session.scalars(select(models.Device.id).where(models.Device.code == "AL1-D")).one()
        for number in range(3):
            eye = add_eye(session, bridge, f"AL1-DEAD{number}")
            set_state(session, eye, "down", Reason.TCP_TIMEOUT, first_ok_at=None)

    totals = queries.totals(rows_of(database).values())

    assert totals.by_standing == {**before.by_standing, "backlog": 5}
    assert (totals.backlog, totals.observed, totals.never_worked) == (5, 6, 3)
    assert totals.working == pytest.approx(2 / 6)


@pytest.mark.usefixtures("wards")
def test_an_eye_that_is_not_measured_has_no_state(database: Database) -> None:
    rows = rows_of(database)

    for code in ("AL1-CLOUD", "AL1-HOME", "AL1-PAUSED"):
        assert (rows[code].state, rows[code].reason, rows[code].since) == (None, None, None)
        assert not rows[code].backlog


@pytest.mark.usefixtures("wards")
def test_an_eye_nobody_has_asked_is_unknown_and_says_why(database: Database) -> None:
    new = rows_of(database)["AL1-NEW"]

    assert (new.state, new.reason) == ("unknown", Reason.NEVER_PROBED)
    assert new.overlay is Overlay.NOT_STARTED


@pytest.mark.usefixtures("wards")
@pytest.mark.parametrize(
    ("days", "observing"),
    [
        pytest.param(29, True, id="in its first thirty days"),
        pytest.param(30, False, id="after them"),
        pytest.param(None, False, id="not yet seen ok"),
    ],
)
def test_an_eye_is_observed_before_anybody_is_told(
    database: Database, days: int | None, observing: bool
) -> None:
    with database.transaction() as session:
        eye = session.scalars(select(models.Eye).where(models.Eye.code == "NC1-UP")).one()
        state = session.get_one(models.EyeState, eye.id)
        state.first_ok_at = None if days is None else NOW - timedelta(days=days)

    assert rows_of(database)["NC1-UP"].observing is observing


def test_nothing_registered_gives_no_rates(database: Database) -> None:
    totals = queries.totals(rows_of(database).values())

    assert (totals.eyes, totals.working, totals.coverage) == (0, None, None)


@pytest.mark.parametrize(
    ("columns", "overlay"),
    [
        pytest.param({"commissioned_at": NOW}, Overlay.IN_SERVICE, id="commissioned this moment"),
        pytest.param({"commissioned_at": None}, Overlay.IN_SERVICE, id="commissioned before the records"),
        pytest.param(
            {"commissioned_at": NOW + timedelta(seconds=1)}, Overlay.NOT_IN_SERVICE, id="not yet commissioned"
        ),
        pytest.param({"access_until": date(2026, 11, 22)}, Overlay.IN_SERVICE, id="last day of consent"),
        pytest.param({"access_until": date(2026, 11, 21)}, Overlay.ACCESS_WITHDRAWN, id="consent ran out"),
        pytest.param({"started_at": NOW + timedelta(1)}, Overlay.NOT_STARTED, id="to be started tomorrow"),
        pytest.param(
            {"reach": "reported", "commissioned_at": NOW + timedelta(1)},
            Overlay.NOT_IN_SERVICE,
            id="reported and not yet commissioned",
        ),
    ],
)
def test_overlay(database: Database, columns: dict[str, object], overlay: Overlay) -> None:
    with database.transaction() as session:
        add_eye(session, add_point(session, "P", None), "E", **columns)

    assert rows_of(database)["E"].overlay is overlay


def test_a_suspension_is_half_open(database: Database) -> None:
    with database.transaction() as session:
        device = add_point(session, "P", None)
        for code, start, end in (("OVER", -2, 0), ("NOW", 0, 1), ("AHEAD", 1, 2)):
            eye = add_eye(session, device, code)
            from_at, to_at = NOW + timedelta(hours=start), NOW + timedelta(hours=end)
            session.add(models.Suspension(eye_id=eye, from_at=from_at, to_at=to_at))

    standings = {code: row.overlay for code, row in rows_of(database).items()}

    assert standings == {
        "OVER": Overlay.IN_SERVICE,
        "NOW": Overlay.NOT_IN_SERVICE,
        "AHEAD": Overlay.IN_SERVICE,
    }


def test_a_retired_eye_is_gone_from_the_lists_and_keeps_its_page(database: Database) -> None:
    with database.transaction() as session:
        add_eye(session, add_point(session, "P", None), "E", retired_at=NOW)

    assert rows_of(database) == {}
    with database.reading() as session:
        detail = queries.eye(session, EVERYTHING, NOW, ZONE, "E")
    assert detail is not None
    assert detail.eye.overlay is Overlay.NOT_IN_SERVICE


def test_an_eye_without_an_address_says_so(database: Database) -> None:
    with database.transaction() as session:
        add_eye(session, add_point(session, "P", None), "E", path=None)

    assert rows_of(database)["E"].reason is Reason.MONITOR_MISCONFIGURED


@pytest.mark.usefixtures("wards")
def test_units_are_those_of_today_in_the_order_of_the_alphabet(database: Database) -> None:
    units = queries.units(rows_of(database).values())

    assert [(unit.name, unit.code, unit.totals.eyes) for unit in units] == [
        ("Phường Âu Lâu", "04543", 5),
        ("Phường Nam Cường", "04273", 3),
    ]


def test_a_moved_point_belongs_to_its_newest_unit(database: Database, wards: Wards) -> None:
    with database.transaction() as session:
        point = session.scalars(select(models.Point).where(models.Point.code == "NC1")).one()
        for day, unit in ((REORGANISED, wards.au_lau), (date(2027, 1, 1), wards.nam_cuong)):
            session.add(models.PointUnit(point_id=point.id, unit_id=unit, valid_from=day))

    assert rows_of(database)["NC1-UP"].unit == "Phường Âu Lâu"


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        pytest.param(("nam_cuong",), {"NC1"}, id="a ward of today"),
        pytest.param(("tuy_loc",), {"NC1"}, id="the ward it was before"),
        pytest.param(("province",), {"NC1", "AL1", "NC2"}, id="all above"),
        pytest.param(("city",), {"NC1", "AL1"}, id="the dissolved city, and what stood in it"),
        pytest.param((), set(), id="nothing"),
    ],
)
def test_scope_cuts_every_read(
    database: Database, wards: Wards, scope: tuple[str, ...], seen: set[str]
) -> None:
    with database.transaction() as session:  # stands in the new ward only: never was in Tuy Lộc
        newer = add_eye(session, add_point(session, "NC2", wards.nam_cuong), "NC2-UP")
        add_transition(session, newer, "unknown", "up", Reason.OK)
    if scope == ("nam_cuong",):
        seen = seen | {"NC2"}
    cut = Scope.of(getattr(wards, name) for name in scope)

    rows = rows_of(database, cut)

    assert {row.point for row in rows.values()} == seen
    with database.reading() as session:
        ledger = queries.transitions(session, cut, NOW.date(), after=0, limit=10)
        assert {line.eye.split("-")[0] for line in ledger} == seen & {"NC1", "NC2"}
        detail = queries.eye(session, cut, NOW, ZONE, "NC1-DOWN")
        assert (detail is not None) == ("NC1" in seen)


def test_a_point_without_a_unit_is_seen_by_who_sees_everything(database: Database, wards: Wards) -> None:
    with database.transaction() as session:
        add_eye(session, add_point(session, "LOST", None), "LOST-1")

    assert rows_of(database)["LOST-1"].unit == ""
    assert "LOST-1" not in rows_of(database, Scope.of([wards.province, wards.city]))


@pytest.mark.usefixtures("wards")
@pytest.mark.parametrize(
    ("conditions", "codes"),
    [
        pytest.param({"text": "hoa binh"}, {"NC1-DOWN"}, id="without tone marks"),
        pytest.param({"text": "HÒA bình"}, {"NC1-DOWN"}, id="hòa for hoà"),
        pytest.param({"text": "dau cau home"}, {"AL1-HOME"}, id="point and code, đ as d"),
        pytest.param({"standing": "down"}, {"NC1-DOWN"}, id="a state"),
        pytest.param({"standing": "backlog"}, {"AL1-LOCKED", "AL1-NEW"}, id="backlog"),
        pytest.param({"unit": "04273", "standing": "up"}, {"NC1-UP"}, id="unit and state"),
        pytest.param({"unit": "04273", "text": "cloud"}, set(), id="nothing matches all"),
    ],
)
def test_matching(database: Database, conditions: dict[str, str], codes: set[str]) -> None:
    found = queries.matching(rows_of(database).values(), **conditions)

    assert {row.code for row in found} == codes


@pytest.mark.usefixtures("wards")
def test_one_eye_in_full(database: Database) -> None:
    with database.reading() as session:
        detail = queries.eye(session, EVERYTHING, NOW, ZONE, "NC1-DOWN")

    assert detail is not None
    assert detail.device == "NC1-D"
    assert [(check.check, check.state, check.reason) for check in detail.checks] == [
        ("stream", "failing", "TCP_TIMEOUT")
    ]
    assert [(line.before, line.after) for line in detail.transitions] == [("up", "down")]
    assert detail.transcript.startswith("> DESCRIBE")


def test_transitions_are_read_on_from_the_last_one_known(database: Database, wards: Wards) -> None:
    with database.transaction() as session:
        eye = session.scalars(select(models.Eye.id).where(models.Eye.code == "NC1-UP")).one()
        for minute in range(1, 4):
            add_transition(
                session,
                eye,
                *(("up", "down") if minute % 2 else ("down", "up")),
                Reason.RTP_NONE,
                NOW + timedelta(minutes=minute),
            )

    with database.reading() as session:
        everything = queries.transitions(session, EVERYTHING, NOW.date(), after=0, limit=100)
        rest = queries.transitions(session, EVERYTHING, NOW.date(), after=everything[1].id, limit=1)

    assert len(everything) == 4
    assert rest == [everything[2]]
