"""What is kept of a deep probe: figures with their moments, findings with their evidence, never a picture."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from camera_registry import inventory, models, queries
from camera_registry.db import Database
from camera_registry.ingest import Ingest, rules
from camera_registry.units import Scope
from probes.reasons import Check, Outcome, Reason
from probes.result import NOTHING_MEASURED, Depth, Measured, Memory, ProbeResult, Verdict
from tests.camera_registry.registries import fresh
from tests.camera_registry.sights import result, seen, sight

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
NIGHT = NOON + timedelta(hours=12)
OPEN = Reason.STREAM_OPEN_NO_AUTH


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made, _ = fresh(database_url, eyes=1)
    yield made
    made.close()


def deliver(database: Database, *results: ProbeResult) -> None:
    judge = Ingest(database, rules(), clock=lambda: NIGHT)
    for one in results:
        judge.deliver(f"{one.at.isoformat()} {one.depth}", [one])


def measures(database: Database) -> queries.Measures | None:
    with database.reading() as session:
        return queries.measures(session).get("E1")


def state(database: Database) -> models.EyeState:
    with database.reading() as session:
        row = session.get_one(models.EyeState, 1)
        session.expunge(row)
        return row


def findings(database: Database) -> list[tuple[str, str, datetime, datetime | None]]:
    with database.reading() as session:
        rows = session.scalars(select(models.Finding).order_by(models.Finding.id))
        return [(row.reason, row.evidence, row.first_at, row.gone_at) for row in rows]


# --- measures ---------------------------------------------------------------------------------------


def test_each_group_of_figures_is_as_of_its_own_moment(database: Database) -> None:
    full = Measured(sight(), 0.9, at(-60), at(-30), clock_offset_s=-3.5)
    deliver(
        database,
        result(at(0), picture=Reason.OK, clock=Reason.OK, measured=full),
        result(at(5), picture=Reason.OK, clock=Reason.OK, measured=Measured(sight(80.0), 0.7, at(-60))),
    )

    kept = measures(database)
    assert kept is not None
    assert (kept.picture_at, kept.brightness, kept.similarity, kept.width) == (at(5), 80.0, 0.7, 640)
    assert (kept.snapshot_at, kept.snapshot_changed_at) == (at(0), at(-30))
    assert (kept.clock_at, kept.clock_offset_s) == (at(0), -3.5)
    assert (kept.picture_s, kept.snapshot_s, kept.clock_s) == (0.02, 0.3, 0.1)
    assert kept.recorded_days is None


def test_a_liveness_probe_leaves_the_figures(database: Database) -> None:
    deliver(
        database,
        result(at(0), picture=Reason.OK, measured=Measured(sight())),
        result(at(1), depth=Depth.LIVENESS),
    )

    kept = measures(database)
    assert kept is not None
    assert (kept.picture_at, kept.brightness) == (at(0), 100.0)


def test_a_late_result_measures_nothing_newer(database: Database) -> None:
    deliver(
        database,
        result(at(5), picture=Reason.OK, measured=Measured(sight(80.0))),
        result(at(0), picture=Reason.OK, measured=Measured(sight(20.0), clock_offset_s=1.0), clock=Reason.OK),
    )

    kept = measures(database)
    assert kept is not None
    assert (kept.picture_at, kept.brightness) == (at(5), 80.0)
    assert kept.clock_offset_s == 1.0, "the clock had not been read since"


def test_a_survey_is_no_probe_of_the_stream(database: Database) -> None:
    footage = Verdict(Check.RECORDING, Outcome.OK, Reason.OK, 86_400.0)
    surveyed = ProbeResult(
        "E1", at(10), Depth.SURVEY, 9.0, (footage,), Memory(), measured=Measured(recorded_days=29.0)
    )
    deliver(database, result(at(0), memory=Memory(gop_s=2.0)), surveyed)

    assert (state(database).probed_at, state(database).memory["gop_s"]) == (at(0), 2.0)
    kept = measures(database)
    assert kept is not None
    assert (kept.recorded_at, kept.recorded_days) == (at(10), 29.0)


def test_figures_of_a_check_that_is_not_known_are_none(database: Database) -> None:
    deliver(database, result(at(0), picture=Reason.OK, measured=Measured(sight(), picture_changed_at=at(0))))
    Ingest(database, rules(), clock=lambda: NIGHT).tick(NIGHT)  # nothing since: silence

    kept = measures(database)
    assert kept is not None
    assert (kept.usable, kept.brightness, kept.picture_changed_at) == (None, None, at(0))


def test_no_picture_is_stored_however_small(database: Database) -> None:
    remembered = Memory(gop_s=2.0, seen=seen(at(0)), seen_snapshot=seen(at(0)))
    deliver(database, result(at(0), picture=Reason.OK, measured=Measured(sight()), memory=remembered))

    assert state(database).memory.keys() == {"gop_s", "failures", "stalled"}
    with database.engine.connect() as connection:
        for table in models.Base.metadata.sorted_tables:
            for row in connection.execute(select(table)):
                assert b"a small picture" not in repr(tuple(row)).encode(), table.name


USABLE = [
    pytest.param(Reason.OK, Reason.OK, True, id="delivered and good"),
    pytest.param(Reason.OK, Reason.PICTURE_BLACK, False, id="delivered and black"),
    pytest.param(Reason.RTP_NONE, None, False, id="not delivered, pictures judged before"),
]


@pytest.mark.parametrize(("stream", "picture", "usable"), USABLE)
def test_usable(database: Database, stream: Reason, picture: Reason | None, usable: bool) -> None:
    deliver(database, result(at(0), picture=Reason.OK, measured=Measured(sight())))
    for minute in range(5, 25, 5):
        deliver(database, result(at(minute), stream=stream, picture=picture))

    kept = measures(database)
    assert kept is not None
    assert kept.usable is usable


def test_usable_is_not_said_where_pictures_are_not_judged(database: Database) -> None:
    deliver(database, result(at(0), measured=Measured(clock_offset_s=0.1), clock=Reason.OK))

    kept = measures(database)
    assert kept is not None
    assert kept.usable is None


# --- findings ---------------------------------------------------------------------------------------


def test_an_open_stream_is_a_finding_until_a_login_is_asked_for(database: Database) -> None:
    deliver(database, result(at(0), notes=(OPEN,)), result(at(1), depth=Depth.LIVENESS, notes=(OPEN,)))
    assert findings(database) == [(OPEN, "rtp", at(0), None)]

    deliver(database, result(at(2), depth=Depth.LIVENESS))
    assert findings(database) == [(OPEN, "rtp", at(0), at(2))]

    deliver(database, result(at(3), notes=(OPEN,)))
    assert findings(database)[1] == (OPEN, "rtp", at(3), None)


CLEAR = Reason.CREDENTIALS_SENT_IN_CLEAR
SHOT = Reason.SNAPSHOT_OPEN_NO_AUTH
BLIND = [
    pytest.param(OPEN, result(at(1), stream=Reason.TCP_TIMEOUT), id="a stream that did not come"),
    pytest.param(SHOT, result(at(1), depth=Depth.LIVENESS), id="a probe that asked for no snapshot"),
    pytest.param(SHOT, result(at(1), snapshot=Reason.SNAPSHOT_TIMEOUT), id="a snapshot that did not come"),
    pytest.param(CLEAR, result(at(1), depth=Depth.LIVENESS), id="a probe that did not speak HTTP"),
]


@pytest.mark.parametrize(("reason", "later"), BLIND)
def test_a_finding_is_not_closed_by(database: Database, reason: Reason, later: ProbeResult) -> None:
    deliver(database, result(at(0), snapshot=Reason.OK, notes=(reason,)), later)

    assert [gone for *_, gone in findings(database)] == [None]


def test_a_finding_of_a_snapshot_is_closed_by_one_that_needed_a_login(database: Database) -> None:
    deliver(database, result(at(0), snapshot=Reason.OK, notes=(SHOT,)), result(at(5), snapshot=Reason.OK))

    assert findings(database) == [(SHOT, "image", at(0), at(5))]


def test_a_late_result_reopens_nothing(database: Database) -> None:
    deliver(database, result(at(0), notes=(OPEN,)), result(at(5)), result(at(3), notes=(OPEN,)))

    assert findings(database) == [(OPEN, "rtp", at(0), at(5))]


def test_an_eye_whose_access_was_withdrawn_has_no_findings(database: Database) -> None:
    deliver(database, result(at(0), notes=(OPEN,)))
    with database.transaction() as session:
        inventory.withdraw_access(session, session.get_one(models.Eye, 1), at(1))
    deliver(database, result(at(0.5), notes=(OPEN, SHOT)))

    assert findings(database) == [(OPEN, "rtp", at(0), at(1))]
    with database.reading() as session:
        assert queries.findings(session, Scope.everything(), NOON.date()) == []


def test_nothing_measured_is_no_row(database: Database) -> None:
    deliver(database, result(at(0), measured=NOTHING_MEASURED))

    assert measures(database) is None
