"""What figures are made of, as it is read: service, windows, ledgers, and silence that nobody has written."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy.orm import Session

from camera_registry import histories, models
from camera_registry.db import Database
from camera_registry.health import EYE
from camera_registry.histories import BEGINNING, END
from camera_registry.uptime import History, Span, Turn, blips, tally
from probes.reasons import Check, Outcome, Reason
from tests.camera_registry.towns import Town, found, maintain, move, write

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOON = datetime(2026, 9, 15, 12, tzinfo=ZONE).astimezone(UTC)
HOUR = 3_600_000_000


def hour(n: float) -> datetime:
    """So many hours after noon."""
    return NOON + timedelta(hours=n)


AFTERNOON = Span(hour(0), hour(6))
LATER = hour(100)

one_database = pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # nothing that databases could differ in


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Nothing that is written in it stays."""
    with database.reading() as session:
        yield session


@pytest.fixture
def town(session: Session) -> Town:
    return found(session, (2,))


def eye(session: Session, town: Town, code: str = "E1") -> models.Eye:
    return session.get_one(models.Eye, town.eyes[code])


def load(session: Session, town: Town, now: datetime = LATER, code: str = "E1") -> History:
    ids = list(town.eyes.values())
    return histories.load(session, ids, AFTERNOON, now, ZONE)[town.eyes[code]]


def service(session: Session, town: Town) -> tuple[Span, ...]:
    session.flush()
    return histories.service(session, [town.eyes["E1"]], ZONE)[town.eyes["E1"]]


@one_database
def test_without_a_date_an_eye_is_in_service_since_before_the_records(session: Session, town: Town) -> None:
    assert service(session, town) == (Span(BEGINNING, END),)


@one_database
def test_service_ends_with_what_comes_first(session: Session, town: Town) -> None:
    eye(session, town).commissioned_at = hour(0)
    eye(session, town).retired_at = hour(100)
    assert service(session, town) == (Span(hour(0), hour(100)),)

    eye(session, town).access_until = date(2026, 9, 16)  # that day is still agreed to
    assert service(session, town) == (Span(hour(0), hour(36)),)

    eye(session, town).access_withdrawn_at = hour(20)
    assert service(session, town) == (Span(hour(0), hour(20)),)


@one_database
def test_an_eye_that_was_retired_before_it_began_never_was_in_service(session: Session, town: Town) -> None:
    eye(session, town).commissioned_at = hour(3)
    eye(session, town).retired_at = hour(2)

    assert service(session, town) == ()


def test_suspensions_are_cut_out_once(session: Session, town: Town) -> None:
    eye(session, town).commissioned_at = hour(0)
    for start, end in ((1, 3), (2, 4), (9, None)):
        until = None if end is None else hour(end)
        session.add(models.Suspension(eye_id=town.eyes["E1"], from_at=hour(start), to_at=until))

    assert service(session, town) == (Span(hour(0), hour(1)), Span(hour(4), hour(9)))


@one_database
def test_an_eye_no_network_reaches_has_no_history(session: Session, town: Town) -> None:
    eye(session, town, "E2").reach = "reported"
    session.flush()

    assert histories.load(session, list(town.eyes.values()), AFTERNOON, hour(9), ZONE).keys() == {
        town.eyes["E1"]
    }


@one_database
def test_a_membership_begins_with_its_day(session: Session, town: Town) -> None:
    point = town.points["P1"]
    move(session, point, town.units["B"], date(2026, 9, 16))

    assert histories.memberships(session, [point], ZONE) == {
        point: [(BEGINNING, town.units["A"]), (hour(12), town.units["B"])]
    }
    assert histories.memberships(session, [-1], ZONE) == {-1: []}


def test_ledgers_begin_with_their_last_turn_before_the_period(session: Session, town: Town) -> None:
    write(
        session,
        town.eyes["E1"],
        EYE,
        [(hour(-9), "up"), (hour(-3), "down"), (hour(2), "up"), (hour(7), "down")],
    )
    write(session, town.eyes["E1"], "picture", [(hour(-1), "ok")])
    history = load(session, town)

    assert [(turn.at, turn.state) for turn in history.states] == [(hour(-3), "down"), (hour(2), "up")]
    assert {check: len(turns) for check, turns in history.checks.items()} == {Check.PICTURE: 1}
    assert load(session, town, code="E2").states == ()


def test_falls_are_what_outages_need(session: Session, town: Town) -> None:
    eye_id = town.eyes["E1"]
    write(
        session,
        eye_id,
        EYE,
        [(hour(-9), "up"), (hour(1), "degraded"), (hour(2), "down"), (hour(3), "up"), (hour(4), "unknown")],
    )

    found_here = histories.falls(session, [eye_id], AFTERNOON)[eye_id][EYE]
    assert [(turn.at, turn.state) for turn in found_here] == [
        (hour(-9), "up"),
        (hour(2), "down"),
        (hour(3), "up"),
    ]


def test_windows_and_blips_are_those_of_the_period(session: Session, town: Town) -> None:
    maintain(session, Span(hour(-2), hour(1)), "unit", town.units["A"])
    maintain(session, Span(hour(0.5), hour(2)), "eye", town.eyes["E1"])
    for check, at in (("stream", 3), ("stream", 7), ("picture", 3)):
        session.add(
            models.Instability(eye_id=town.eyes["E1"], check=check, at=hour(at), reason="TCP_TIMEOUT")
        )
    session.flush()
    history = load(session, town)

    assert history.maintenance == (Span(hour(0), hour(2)),)
    assert history.blips == [hour(3)]


# --- silence ------------------------------------------------------------------------------------------


def hear(
    session: Session, town: Town, check: Check, at: datetime, *, suspect: datetime | None = None
) -> None:
    """The newest result, asked for each minute; it was ok, or is suspected."""
    session.add(
        models.Condition(
            eye_id=town.eyes["E1"],
            check=check,
            state=Outcome.OK,
            since=hour(-9),
            reason=Reason.OK,
            heard_at=at,
            interval_s=60,
            silent_at=at + timedelta(seconds=150),
            suspect_since=suspect,
            suspect_reason=Reason.TCP_TIMEOUT if suspect else None,
            failures=int(suspect is not None),
            goods=0,
        )
    )
    session.flush()


def begin(session: Session, town: Town) -> None:
    """Everything was ok, but the clock, from the morning on."""
    write(session, town.eyes["E1"], EYE, [(hour(-9), "degraded")])
    write(session, town.eyes["E1"], Check.STREAM, [(hour(-9), "ok")])
    write(session, town.eyes["E1"], Check.CLOCK, [(hour(-9), "failing")])


def test_a_monitor_that_was_stopped_has_seen_nothing_since(session: Session, town: Town) -> None:
    begin(session, town)
    for check in (Check.STREAM, Check.CLOCK):
        hear(session, town, check, hour(2))
    history = load(session, town)
    found_here = tally(history, AFTERNOON)

    assert history.states[-1] == Turn(hour(2) + timedelta(minutes=1), "unknown", Reason.NO_RESULT)
    assert found_here.degraded == found_here.clock_failing == 2 * HOUR + HOUR // 60
    assert found_here.unknown == 4 * HOUR - HOUR // 60


@one_database
def test_silence_is_not_seen_before_it_is_due(session: Session, town: Town) -> None:
    begin(session, town)
    hear(session, town, Check.STREAM, hour(2))

    assert len(load(session, town, now=hour(2) + timedelta(seconds=150)).states) == 1
    assert len(load(session, town, now=hour(2) + timedelta(seconds=151)).states) == 2


@one_database
def test_a_check_that_falls_silent_no_longer_degrades_its_eye(session: Session, town: Town) -> None:
    begin(session, town)
    hear(session, town, Check.CLOCK, hour(2))
    found_here = tally(load(session, town), AFTERNOON)

    assert (found_here.degraded, found_here.up) == (2 * HOUR + HOUR // 60, 4 * HOUR - HOUR // 60)


@one_database
def test_silence_that_began_before_the_period_lasts_through_it(session: Session, town: Town) -> None:
    begin(session, town)
    for check in (Check.STREAM, Check.CLOCK):
        hear(session, town, check, hour(-1))

    assert tally(load(session, town), AFTERNOON).unknown == 6 * HOUR


@one_database
def test_a_suspicion_that_silence_ends_was_a_blip(session: Session, town: Town) -> None:
    begin(session, town)
    hear(session, town, Check.STREAM, hour(2), suspect=hour(2))

    assert blips(load(session, town), AFTERNOON) == 1
