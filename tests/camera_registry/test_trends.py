"""The last day: at every moment what the ledgers say; what is not as it was; cut to the reader's scope."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import histories, models, queries, trends
from camera_registry.db import Database
from camera_registry.health import EYE, EyeState
from camera_registry.trends import Day
from camera_registry.units import Scope
from camera_registry.uptime import MAINTENANCE, NOT_IN_SERVICE, Span, intervals
from probes.reasons import Check, Outcome, Reason
from tests.camera_registry.towns import Town, found, live, maintain, move, write

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 9, 15, 8, 7, 30, tzinfo=ZONE).astimezone(UTC)
YESTERDAY = NOW - timedelta(days=1)
LONG_AGO = NOW - timedelta(days=100)
EVERYTHING = Scope.everything()

one_database = pytest.mark.parametrize(
    "database_url", ["sqlite"], indirect=True
)  # nothing that databases could differ in


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Nothing that is written in it stays."""
    with database.reading() as session:
        yield session


def hours_ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def told(session: Session, town: Town, eye: str, *turns: tuple[float, str], seen_ok: bool = True) -> None:
    """An eye's own ledger, by hours before now; and the state that it ends in."""
    write(session, town.eyes[eye], EYE, [(hours_ago(hours), state) for hours, state in turns])
    keep_state(session, town.eyes[eye], turns[-1][1], LONG_AGO if seen_ok else None)


def keep_state(session: Session, eye_id: int, state: str, first_ok_at: datetime | None = LONG_AGO) -> None:
    session.add(models.EyeState(eye_id=eye_id, state=state, reason=Reason.OK, first_ok_at=first_ok_at))
    session.flush()


def incident(
    session: Session, eye_id: int, started: float, ended: float | None, *, announced: float | None = None
) -> None:
    ended_at = None if ended is None else hours_ago(ended)
    row = models.Incident(
        kind="eye",
        ancestor_id=eye_id,
        started_at=hours_ago(started),
        announced_at=hours_ago(started if announced is None else announced),
        ended_at=ended_at,
        recorded_at=NOW,
    )
    session.add(row)
    session.flush()
    session.add(
        models.IncidentEye(incident_id=row.id, eye_id=eye_id, from_at=hours_ago(started), to_at=ended_at)
    )
    session.flush()


def day(session: Session, scope: Scope = EVERYTHING) -> Day:
    return trends.day(session, scope, NOW, ZONE)


# --- the counts ---------------------------------------------------------------------------------------


@one_database
def test_the_moments_are_the_quarter_hours_and_now(session: Session) -> None:
    moments = day(session).moments

    assert moments[0] == YESTERDAY.replace(minute=15, second=0)
    assert moments[-2:] == (NOW.replace(minute=0, second=0), NOW)
    assert {after - before for before, after in pairwise(moments[:-1])} == {timedelta(minutes=15)}
    sharp = trends.day(session, EVERYTHING, moments[0], ZONE).moments
    assert (sharp[0], sharp[-1], len(sharp)) == (moments[0] - timedelta(days=1), moments[0], 97)


@one_database
def test_eyes_nobody_hears_are_unknown_and_others_no_part_of_it(session: Session) -> None:
    town = found(session, (4,))
    session.get_one(models.Eye, town.eyes["E1"]).reach = "reported"
    session.get_one(models.Eye, town.eyes["E2"]).commissioned_at = hours_ago(2)
    session.get_one(models.Eye, town.eyes["E3"]).retired_at = hours_ago(5)
    for eye in ("E1", "E2", "E3", "E4"):
        keep_state(session, town.eyes[eye], EyeState.UNKNOWN)

    counts = day(session).counts

    assert set(counts) == set(EyeState)
    assert (counts[EyeState.UNKNOWN][0], counts[EyeState.UNKNOWN][-1]) == (2, 2)
    assert counts[EyeState.UNKNOWN][-12] == 1  # neither the third any more nor the second yet


def _random_service(chance: random.Random, session: Session, town: Town) -> None:
    """Of some eyes: the beginning, the end, a pause, a consent; a stream that nobody has heard of late."""
    for eye_id in town.eyes.values():
        eye = session.get_one(models.Eye, eye_id)
        if chance.random() < 0.2:
            eye.commissioned_at = hours_ago(chance.uniform(-5, 40))
        if chance.random() < 0.2:
            eye.retired_at = hours_ago(chance.uniform(-5, 40))
        if chance.random() < 0.1:
            eye.access_withdrawn_at = hours_ago(chance.uniform(-5, 30))
        if chance.random() < 0.2:
            eye.access_until = NOW.astimezone(ZONE).date() - timedelta(days=chance.randint(-1, 2))
        if chance.random() < 0.2:
            begin = chance.uniform(-5, 40)
            until = chance.choice((None, hours_ago(begin - chance.uniform(0.1, 20))))
            session.add(models.Suspension(eye_id=eye_id, from_at=hours_ago(begin), to_at=until))
        if chance.random() < 0.3:
            heard_at = hours_ago(chance.uniform(0, 30))
            session.add(
                models.Condition(
                    eye_id=eye_id,
                    check=Check.STREAM,
                    state=chance.choice((Outcome.OK, Outcome.FAILING, Outcome.UNKNOWN)),
                    since=heard_at,
                    reason=Reason.OK,
                    heard_at=heard_at,
                    interval_s=60.0,
                    silent_at=heard_at + timedelta(seconds=150),
                )
            )
    session.flush()


def _by_hand(session: Session, town: Town, moments: tuple[datetime, ...]) -> list[Counter[str]]:
    """Each moment by itself: what the arithmetic of figures says an eye was at its instant."""
    window = Span(YESTERDAY, NOW + timedelta(seconds=1))
    histories_of = histories.load(session, list(town.eyes.values()), window, NOW, ZONE)
    counted = []
    kept = session.execute(select(models.EyeState.eye_id, models.EyeState.first_ok_at))
    worked = {row.eye_id: row.first_ok_at for row in kept}
    for moment in moments:
        instant = Span(moment, moment + timedelta(microseconds=1))
        states = (
            intervals(history, instant)[0].state
            for eye_id, history in histories_of.items()
            if (first_ok_at := worked.get(eye_id)) and first_ok_at <= moment
        )
        counted.append(Counter(state for state in states if state not in (NOT_IN_SERVICE, MAINTENANCE)))
    return counted


@one_database
def test_counts_are_those_of_the_histories(database: Database) -> None:
    @settings(max_examples=25)
    @given(seed=st.integers(0, 10**6))
    def hold(seed: int) -> None:
        with database.reading() as session:
            town = found(session, (3, 4))
            live(session, town, Span(NOW - timedelta(days=2), NOW), seed)
            _keep_newest(random.Random(seed), session, town)
            _random_service(random.Random(seed), session, town)

            found_day = day(session)

            assert [
                {state: found_day.counts[state][n] for state in EyeState}
                for n in range(len(found_day.moments))
            ] == [
                {state: numbers[state] for state in EyeState}
                for numbers in _by_hand(session, town, found_day.moments)
            ]

    hold()


def _keep_newest(chance: random.Random, session: Session, town: Town) -> None:
    """What the judge keeps beside the ledger: the state that it ends in, and the first ok, if any."""
    line = models.Transition
    for eye_id in town.eyes.values():
        lines = select(line.after).where(line.eye_id == eye_id, line.ledger == EYE)
        newest = session.scalar(lines.order_by(line.at.desc()).limit(1))
        if newest is not None:
            first_ok_at = chance.choice((LONG_AGO, LONG_AGO, hours_ago(chance.uniform(0, 24)), None))
            keep_state(session, eye_id, newest, first_ok_at)


@one_database
def test_the_newest_counts_are_the_totals_whatever_is_being_repaired(session: Session) -> None:
    town = found(session, (3,))
    told(session, town, "E1", (50, "up"), (3, "down"))
    told(session, town, "E2", (50, "up"), (30, "degraded"))
    maintain(session, Span(hours_ago(4), hours_ago(-4)), "all", None)

    newest = {state: numbers[-1] for state, numbers in day(session).counts.items()}

    totals = queries.totals(queries.eyes(session, EVERYTHING, NOW, ZONE)).by_standing
    assert (
        newest
        == {state: totals[state] for state in EyeState}
        == {"up": 0, "degraded": 1, "down": 1, "unknown": 0}
    )
    assert totals["backlog"] == 1


# --- what is new --------------------------------------------------------------------------------------


@one_database
def test_two_moments_are_compared_not_what_was_in_between(session: Session) -> None:
    town = found(session, (9,))
    told(session, town, "E1", (90, "up"), (3, "down"))  # fell
    told(session, town, "E2", (90, "up"), (3, "down"), (2, "up"))  # fell and is back: nothing is new
    told(session, town, "E3", (90, "down"), (3, "up"))  # back
    told(session, town, "E4", (90, "down"), (3, "degraded"))  # back, with a fault
    told(session, town, "E5", (90, "up"), (3, "degraded"))  # worsened
    told(session, town, "E6", (90, "degraded"), (3, "up"), (2, "degraded"))  # as it was
    told(session, town, "E7", (90, "up"), (30, "down"))  # fell the day before
    told(session, town, "E8", (90, "unknown"), (3, "down"), seen_ok=False)  # of the backlog
    told(session, town, "E9", (90, "up"), (3, "unknown"))  # nobody knows

    news = day(session).news

    assert news.since == YESTERDAY
    assert news.first == ()
    assert (news.fell, news.worsened, news.back) == (("E1",), ("E5",), ("E3", "E4"))


@one_database
def test_an_eye_counts_from_its_first_ok(session: Session) -> None:
    town = found(session, (4,))
    write(session, town.eyes["E1"], EYE, [(hours_ago(90), "down"), (hours_ago(3), "up")])
    keep_state(session, town.eyes["E1"], "up", hours_ago(3))
    write(session, town.eyes["E2"], EYE, [(hours_ago(4), "up"), (hours_ago(1), "down")])
    keep_state(session, town.eyes["E2"], "down", hours_ago(4))
    told(session, town, "E3", (90, "unknown"), (3, "down"), seen_ok=False)
    write(session, town.eyes["E4"], EYE, [(hours_ago(4), "up"), (hours_ago(0.1), "degraded")])
    keep_state(session, town.eyes["E4"], "degraded", hours_ago(4))

    found_day = day(session)

    assert found_day.news.first == ("E1", "E2", "E4")
    assert (found_day.news.fell, found_day.news.worsened, found_day.news.back) == ((), (), ())
    assert set(found_day.counts[EyeState.DOWN][:-5]) == {0}
    assert found_day.counts[EyeState.DOWN][-1] == 1
    assert (found_day.counts[EyeState.UP][0], found_day.counts[EyeState.UP][-1]) == (0, 1)


@one_database
def test_incidents_that_began_or_ended_within_the_day(session: Session) -> None:
    town = found(session, (1,))
    eye_id = town.eyes["E1"]
    incident(session, eye_id, 50, 30)  # over long ago
    incident(session, eye_id, 30, 20)  # ended
    incident(session, eye_id, 10, 5)  # opened and ended
    incident(session, eye_id, 3, None)  # opened
    incident(session, eye_id, 0.01, None, announced=-0.02)  # nobody has heard of it yet

    news = day(session).news

    assert (news.opened, news.ended) == (2, 2)


def test_only_what_is_in_scope_is_told(session: Session) -> None:
    town = found(session, (1, 1))
    move(session, town.points["P2"], town.units["B"], date(2026, 1, 1))
    for eye in ("E1", "E2"):
        told(session, town, eye, (90, "up"), (3, "down"))
        incident(session, town.eyes[eye], 3, None)

    told_of = {
        scope: (found_day.news.fell, found_day.news.opened, found_day.counts[EyeState.UP][0])
        for scope in (EVERYTHING, Scope.of([town.units["B"]]), Scope.of([]))
        for found_day in [day(session, scope)]
    }

    assert list(told_of.values()) == [(("E1", "E2"), 2, 2), (("E2",), 1, 1), ((), 0, 0)]
