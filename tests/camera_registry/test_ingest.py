"""Ingest on both databases: what is delivered in any order, late, twice or never, ends in one ledger."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from camera_registry import models, sites
from camera_registry.db import Database
from camera_registry.health import Transition
from camera_registry.ingest import Ingest, rules
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry.registries import fresh

NOON = datetime(2026, 9, 1, 12, tzinfo=UTC)
REASON = {Outcome.OK: Reason.OK, Outcome.FAILING: Reason.RTP_NONE, Outcome.UNKNOWN: Reason.AUTH_REJECTED}
Ledger = dict[str, list[tuple[object, ...]]]


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def probe(eye: str, seconds: float, outcome: Outcome, picture: Outcome | None = None) -> ProbeResult:
    verdicts = [Verdict(Check.STREAM, outcome, REASON[outcome], 60.0)]
    if picture is not None:
        verdicts.append(Verdict(Check.PICTURE, picture, REASON[picture], 60.0))
    return ProbeResult(eye, at(seconds), Depth.LIVENESS, 0.5, tuple(verdicts), Memory())


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made, _ = fresh(database_url, eyes=2)
    yield made
    made.close()


def judge(database: Database, now: datetime = NOON + timedelta(hours=12), confirm_after: int = 2) -> Ingest:
    return Ingest(database, rules(confirm_after=confirm_after), clock=lambda: now)


def ledger(database: Database, ledger_name: str = "stream", eye: int = 1) -> list[tuple[float, str]]:
    with database.reading() as session:
        rows = session.scalars(
            select(models.Transition)
            .where(models.Transition.eye_id == eye, models.Transition.ledger == ledger_name)
            .order_by(models.Transition.at)
        )
        return [((r.at - NOON).total_seconds(), r.after) for r in rows]


def everything(database: Database) -> Ledger:
    """All that was concluded, without row ids and moments of recording."""
    with database.reading() as session:
        return {
            "transitions": sorted(
                (t.eye_id, t.ledger, t.at, t.before, t.after, t.reason)
                for t in session.scalars(select(models.Transition))
            ),
            "instabilities": sorted(
                (i.eye_id, i.check, i.at, i.reason) for i in session.scalars(select(models.Instability))
            ),
            "conditions": sorted(
                (c.eye_id, c.check, c.state, c.since, c.reason, c.heard_at, str(c.suspect_since), c.failures)
                for c in session.scalars(select(models.Condition))
            ),
            "eyes": sorted(
                (e.eye_id, e.state, e.since, e.reason, str(e.first_ok_at), e.probed_at)
                for e in session.scalars(select(models.EyeState))
            ),
        }


def forget(database: Database) -> None:
    with database.transaction() as session:
        for table in (
            models.Transition,
            models.Instability,
            models.Condition,
            models.EyeState,
            models.Delivery,
        ):
            session.execute(delete(table))


OK, FAILING, UNKNOWN = Outcome.OK, Outcome.FAILING, Outcome.UNKNOWN


def test_an_outage_is_written_from_its_first_failure(database: Database) -> None:
    ingest = judge(database)
    for n, outcome in enumerate([OK, FAILING, FAILING, FAILING, OK]):
        receipt = ingest.deliver(f"d{n}", [probe("E1", 60 * n, outcome)])
        if n == 1:
            assert receipt.changed == set()
        if n == 2:
            assert receipt.changed == {"E1"}
    assert ledger(database) == [(0, "ok"), (60, "failing"), (240, "ok")]
    assert ledger(database, "eye") == [(0, "up"), (60, "down"), (240, "up")]


def heard_until_and_again(database: Database, last: float, again: float) -> None:
    with database.transaction() as session:
        sites.heard(session, 1, at(-600), at(last), 10)
        sites.heard(session, 1, at(again), at(again + 3600), 10)


def test_failures_that_a_lost_site_tells_of_are_held_back(database: Database) -> None:
    with database.transaction() as session:
        sites.heard(session, 1, at(-600), at(50), 10)
    ingest = judge(database, now=at(599))
    ingest.deliver("before", [probe("E1", 0, OK), probe("E2", 0, OK, OK)])
    batch = [probe("E1", n, FAILING) for n in range(60, 600, 60)] + [probe("E2", 60, OK, FAILING)]
    receipt = ingest.deliver("lost", batch)
    assert (receipt.taken, receipt.held_back) == (10, 10)
    assert ingest.deliver("lost", batch).repeated
    alone = ingest.deliver("against an eye alone", [probe("E1", 90, FAILING)])
    assert (alone.taken, alone.held_back, alone.changed) == (1, 1, set())
    assert ingest.deliver("against an eye alone", []).repeated
    heard_until_and_again(database, 50, 600)
    ingest = judge(database, now=at(1000))
    ingest.deliver(
        "heard again", [probe("E1", 600, FAILING), probe("E1", 660, FAILING), probe("E2", 600, OK)]
    )
    assert ledger(database) == [(0, "ok"), (60, "unknown"), (600, "failing")]
    assert ledger(database, "picture", eye=2) == [(0, "ok")]
    assert [f.at for f in ingest.findings()["E1"][Check.STREAM]] == [at(0), at(600), at(660)]


def test_what_else_a_lost_site_tells_holds_however_late(database: Database) -> None:
    heard_until_and_again(database, 50, 600)
    ingest = judge(database, now=at(1000))
    ingest.deliver("now", [probe("E1", 0, OK), probe("E1", 600, OK)])
    assert ledger(database) == [(0, "ok"), (60, "unknown"), (600, "ok")]
    receipt = ingest.deliver("outbox", [probe("E1", n, OK) for n in range(60, 600, 60)])
    assert (receipt.late, receipt.held_back) == (9, 0)
    assert ledger(database) == [(0, "ok")]
    receipt = ingest.deliver("outbox of another", [probe("E2", n, FAILING) for n in (60, 120)])
    assert (receipt.held_back, ledger(database, eye=2)) == (0, [(60, "failing")])


def test_before_the_loss_is_noticed_a_failure_counts(database: Database) -> None:
    with database.transaction() as session:
        sites.heard(session, 1, at(-600), at(50), 10)
    failures = [probe("E1", 60, FAILING), probe("E1", 70, FAILING)]
    assert judge(database, now=at(80)).deliver("early", failures).held_back == 0
    assert ledger(database) == [(60, "failing")]
    failures = [probe("E1", 80, FAILING), probe("E1", 90, FAILING)]
    assert judge(database, now=at(95)).deliver("noticed", failures).held_back == 2


def test_the_same_delivery_again_changes_nothing(database: Database) -> None:
    ingest = judge(database)
    batch = [probe("E1", 0, OK), probe("E2", 1, FAILING)]
    assert not ingest.deliver("one", batch).repeated
    before = everything(database)
    assert ingest.deliver("one", batch).repeated
    ingest.deliver("the same under another key", batch)
    assert everything(database) == before


def test_silence_is_written_by_the_tick_and_shown_on_the_eye(database: Database) -> None:
    ingest = judge(database)
    ingest.deliver("d", [probe("E1", 0, OK)])
    assert ingest.tick(at(150)).changed == set()
    assert ingest.tick(at(151)).changed == {"E1"}
    assert ingest.tick(at(9999)).changed == set()
    assert ledger(database, "eye") == [(0, "up"), (60, "unknown")]
    with database.reading() as session:
        state = session.get_one(models.EyeState, 1)
        assert (state.state, state.reason, state.since) == ("unknown", "NO_RESULT", at(60))


def test_a_worker_cut_off_delivers_late_and_the_silence_goes(database: Database) -> None:
    ingest = judge(database)
    ingest.deliver("before", [probe("E1", 0, OK)])
    ingest.tick(at(3600))
    assert ledger(database) == [(0, "ok"), (60, "unknown")]
    receipt = ingest.deliver("outbox", [probe("E1", 60 * n, OK) for n in range(1, 60)])
    assert receipt.late == 59
    assert ledger(database) == [(0, "ok")]
    assert ledger(database, "eye") == [(0, "up")]


def test_a_late_good_result_takes_an_outage_back(database: Database) -> None:
    ingest = judge(database)
    for n, outcome in enumerate([OK, OK, FAILING, FAILING, FAILING]):
        ingest.deliver(f"d{n}", [probe("E1", 60 * n, outcome)])
    assert ledger(database) == [(0, "ok"), (120, "failing")]
    ingest.deliver("late", [probe("E1", 150, OK)])
    assert ledger(database) == [(0, "ok"), (180, "failing")]
    assert ledger(database, "eye") == [(0, "up"), (180, "down")]


@pytest.mark.parametrize("hours", [0.5, 3, 12, 48, 120])
def test_a_late_result_is_judged_from_the_settled_point_however_far_back(
    database: Database, hours: float
) -> None:
    ingest = judge(database, now=at(130 * 3600), confirm_after=3)
    step = hours * 3600

    def seldom(seconds: float, outcome: Outcome) -> ProbeResult:
        verdict = Verdict(Check.STREAM, outcome, REASON[outcome], 10 * step)
        return ProbeResult("E1", at(seconds), Depth.LIVENESS, 0.5, (verdict,), Memory())

    ingest.deliver("settled", [seldom(-300, OK), seldom(-200, OK), seldom(-100, OK)])
    ingest.deliver("suspect", [seldom(step, FAILING)])
    ingest.deliver("newest", [seldom(step + 200, FAILING)])
    assert ledger(database) == [(-300, "ok")]
    assert ingest.deliver("late", [seldom(step + 100, FAILING)]).late == 1
    assert ledger(database) == [(-300, "ok"), (step, "failing")]


def test_what_was_delivered_apart_before_the_hour_looked_at_is_not_taken_for_a_settled_run(
    database: Database,
) -> None:
    ingest = judge(database, confirm_after=2)

    def hourly(seconds: float, outcome: Outcome) -> ProbeResult:
        verdict = Verdict(Check.STREAM, outcome, REASON[outcome], 3600.0)
        return ProbeResult("E1", at(seconds), Depth.LIVENESS, 0.5, (verdict,), Memory())

    ingest.deliver("outbox", [hourly(0, FAILING), hourly(2000, FAILING), hourly(9000, OK)])
    ingest.deliver("apart", [hourly(1000, OK)])
    ingest.deliver("late", [hourly(8000, FAILING)])
    assert ledger(database) == [(1000, "ok"), (2000, "failing"), (9000, "ok")]


def test_what_was_never_anything_but_unknown_is_so_since_it_was_first_heard_of(database: Database) -> None:
    ingest = judge(database)
    for n, seconds in enumerate([0, 950, 825]):
        ingest.deliver(f"d{n}", [probe("E1", seconds, UNKNOWN)])
    with database.reading() as session:
        assert session.get_one(models.Condition, (1, Check.STREAM)).since == at(0)


def test_rows_that_a_late_result_leaves_right_keep_their_identity(database: Database) -> None:
    ingest = judge(database)
    for n, outcome in enumerate([OK, OK, FAILING, FAILING, OK]):
        ingest.deliver(f"d{n}", [probe("E1", 60 * n, outcome)])

    def ids() -> list[int]:
        with database.reading() as session:
            return sorted(session.scalars(select(models.Transition.id)))

    before = ids()
    ingest.deliver("late", [probe("E1", 200, FAILING)])
    assert ids() == before


def test_what_is_older_than_the_lateness_window_is_refused_and_counted(database: Database) -> None:
    ingest = judge(database, now=NOON + timedelta(days=7, seconds=1))
    receipt = ingest.deliver("old", [probe("E1", 0, OK), probe("E1", 2, OK)])
    assert (receipt.refused, receipt.taken) == (1, 1)
    assert ledger(database) == [(2, "ok")]


def test_a_result_from_the_future_is_refused_and_does_not_hold_up_the_eye(database: Database) -> None:
    ingest = judge(database, now=at(600))
    assert ingest.deliver("now", [probe("E1", 600, OK), probe("E2", 610, OK)]).taken == 2
    receipt = ingest.deliver("wrong clock", [probe("E1", 611, OK), probe("E1", 5 * 3600, OK)])
    assert (receipt.refused, receipt.taken) == (2, 0)
    ingest = judge(database, now=at(720))
    ingest.deliver("true", [probe("E1", 660, FAILING), probe("E1", 720, FAILING)])
    assert ledger(database, "eye") == [(600, "up"), (660, "down")]
    assert ingest.tick(at(871)).changed == {"E1", "E2"}


def test_results_of_an_unknown_eye_are_named_and_the_rest_is_taken(database: Database) -> None:
    receipt = judge(database).deliver("d", [probe("E1", 0, OK), probe("E77", 0, OK)])
    assert (receipt.unknown_eyes, receipt.taken) == ({"E77"}, 1)


def test_the_eye_is_down_from_the_start_of_a_confirmed_suspicion_whatever_came_between(
    database: Database,
) -> None:
    ingest = Ingest(database, rules(confirm_after=2), clock=lambda: at(9000))
    ingest.deliver("a", [probe("E1", n, OK, picture=FAILING) for n in (0, 60)])
    ingest.deliver("b", [probe("E1", 120, FAILING)])
    # The picture is confirmed failing from 0 s by its third failure, told in the same batch as the stream's.
    ingest.deliver("c", [probe("E1", 130, FAILING, picture=FAILING)])
    assert ledger(database, "eye") == [(0, "degraded"), (120, "down")]


def test_a_reason_that_changes_without_a_transition_is_shown(database: Database) -> None:
    ingest = judge(database)
    ingest.deliver("a", [probe("E1", 0, UNKNOWN)])
    with database.reading() as session:
        assert session.get_one(models.EyeState, 1).reason == Reason.AUTH_REJECTED


def test_prune_keeps_what_a_late_result_may_need(database: Database) -> None:
    ingest = judge(database)
    ingest.deliver("a", [probe("E1", 0, OK)])
    assert ingest.prune(at(14 * 86400)) == 0
    assert ingest.prune(at(16 * 86400)) == 1
    # A result after the gap is judged from the ledger alone.
    later = Ingest(database, rules(confirm_after=2), clock=lambda: at(16 * 86400))
    later.tick(at(16 * 86400))
    later.deliver("b", [probe("E1", 16 * 86400, FAILING), probe("E1", 16 * 86400 + 1, FAILING)])
    later.deliver("late", [probe("E1", 16 * 86400 - 30, OK)])
    assert ledger(database) == [(0, "ok"), (60, "unknown"), (16 * 86400 - 30, "ok"), (16 * 86400, "failing")]


def test_past_hours_are_packed_and_nothing_else_changes(database: Database) -> None:
    ingest = judge(database, now=at(30))
    for n in range(10):
        ingest.deliver(f"d{n}", [probe("E1", n, OK)])
    before = everything(database)
    assert ingest.pack(at(3600)) == 0
    assert ingest.pack(at(3 * 3600)) == 10
    assert ingest.pack(at(3 * 3600)) == 0
    with database.reading() as session:
        assert len(session.scalars(select(models.Delivery)).all()) == 1
    assert not ingest.deliver("d3", [probe("E1", 3, OK)]).repeated
    assert everything(database) == before
    assert len(ingest.findings()["E1"][Check.STREAM]) == 10


def test_after_a_long_stop_a_run_packs_the_oldest_hours_and_the_next_goes_on(database: Database) -> None:
    for hour in range(7):
        ingest = judge(database, now=at(3600 * hour + 60))
        ingest.deliver(f"a{hour}", [probe("E1", 3600 * hour, OK)])
        ingest.deliver(f"b{hour}", [probe("E1", 3600 * hour + 60, OK)])
    assert [ingest.pack(at(24 * 3600)) for _ in range(3)] == [8, 6, 0]
    with database.reading() as session:
        assert len(session.scalars(select(models.Delivery)).all()) == 7


deliveries = st.lists(
    st.tuples(
        st.sampled_from(["E1", "E2"]),
        st.integers(0, 40),
        st.sampled_from([OK, OK, OK, FAILING, FAILING, UNKNOWN]),
        st.sampled_from([None, None, OK, FAILING]),
    ),
    min_size=1,
    max_size=30,
    unique_by=lambda told: told[:2],
)


# The database is emptied for each example.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(deliveries, st.data())
def test_order_and_repetition_change_nothing(
    database: Database, told: list[tuple[str, int, Outcome, Outcome | None]], data: st.DataObject
) -> None:
    results = [probe(eye, 25 * n, outcome, picture) for eye, n, outcome, picture in told]
    numbers = count()
    ingest = judge(database)

    forget(database)
    for result in sorted(results, key=lambda r: r.at):
        ingest.deliver(f"d{next(numbers)}", [result])
    ingest.tick(at(25 * 60))
    expected = everything(database)

    forget(database)
    shuffled = data.draw(st.permutations(results + data.draw(st.lists(st.sampled_from(results), max_size=5))))
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        batch, shuffled = shuffled[:size], shuffled[size:]
        ingest.deliver(f"d{next(numbers)}", batch)
        if data.draw(st.booleans()):
            # A clock that runs ahead of what has been delivered writes silences that must be taken back.
            ingest.tick(max(r.at for r in results) + timedelta(seconds=data.draw(st.integers(0, 400))))
        if data.draw(st.booleans()):
            ingest.pack(NOON + timedelta(days=1))
    ingest.tick(at(25 * 60))
    assert everything(database) == expected
    for eye in (1, 2):
        for check in (Check.STREAM, Check.PICTURE):
            _, changes = ingest.refold(eye, check)
            refolded = [
                ((t.at - NOON).total_seconds(), t.after) for t in changes if isinstance(t, Transition)
            ]
            assert ledger(database, check, eye)[: len(refolded)] == refolded
