"""Runs of equal results: one run concludes what its results conclude one by one, in any order, told twice."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from camera_registry import sites
from camera_registry.db import Database
from camera_registry.health import (
    Finding,
    Heard,
    Policy,
    Run,
    Told,
    fold,
    in_order,
    one_by_one,
    part_before,
    part_since,
    unheard,
)
from camera_registry.ingest import Ingest, rules
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Verdict
from tests.camera_registry.registries import fresh
from tests.camera_registry.test_ingest import NOON, REASON, at, everything, forget, judge, ledger

OK, FAILING, UNKNOWN, OFF = Outcome.OK, Outcome.FAILING, Outcome.UNKNOWN, Outcome.OFF
STREAM = Policy(confirm_after=2, recover_after=1)
POLICIES = [STREAM, Policy(3, 2), Policy(1, 1), Policy(2, 3, silence_factor=1)]


def run(start: float, every_s: float, number: int, outcome: Outcome = OK) -> Run:
    return Run(at(start), every_s, number, outcome, REASON.get(outcome, Reason.OK), 60.0)


def finding(second: float, outcome: Outcome = OK) -> Finding:
    return Finding(at(second), outcome, REASON.get(outcome, Reason.OK), 60.0)


# Distances under and over the 150 s of silence, some of which meet on the same moments.
runs = st.builds(
    run,
    st.integers(0, 60).map(lambda n: 25.0 * n),
    st.sampled_from([12.5, 25.0, 50.0, 60.0, 150.0, 151.0, 400.0]),
    st.integers(1, 12),
    st.sampled_from([OK, OK, FAILING, FAILING, UNKNOWN, OFF]),
)
told = st.lists(st.one_of(runs, runs.map(lambda r: r.finding(0))), min_size=1, max_size=8)


def by_hand(every: Iterable[Told]) -> list[Finding]:
    """All findings in order of time; of two at one time the first told."""
    first: dict[datetime, Finding] = {}
    for one in one_by_one(every):
        first.setdefault(one.at, one)
    return [first[moment] for moment in sorted(first)]


# --- alone ------------------------------------------------------------------------------------------


@given(told)
def test_runs_put_in_order_tell_what_their_findings_tell(every: list[Told]) -> None:
    assert list(one_by_one(in_order(every))) == by_hand(every)


@given(told, st.sampled_from(POLICIES))
def test_a_run_is_judged_as_its_findings_one_by_one(every: list[Told], policy: Policy) -> None:
    assert fold(unheard(NOON), in_order(every), policy) == fold(unheard(NOON), by_hand(every), policy)


@given(runs, st.integers(-10, 2000))
def test_a_run_is_cut_between_its_findings(whole: Run, second: int) -> None:
    moment = at(second)
    parts = [part for part in (part_before(whole, moment), part_since(whole, moment)) if part]
    assert list(one_by_one(parts)) == list(one_by_one([whole]))
    assert all(f.at < moment for f in one_by_one(parts[:-1]))


@pytest.mark.parametrize(
    "outcome", [pytest.param(outcome, id=outcome) for outcome in (OK, FAILING, UNKNOWN, OFF)]
)
def test_a_run_costs_as_many_steps_as_change_something(outcome: Outcome) -> None:
    endless = run(0, 0.001, 10**12, outcome)  # 30 years: step by step this would not end
    condition, _ = fold(unheard(NOON), [endless], Policy(3, 2))
    assert (condition.state, condition.heard_at) == (outcome, endless.last_at)


def test_a_run_stays_whole_but_where_something_lies_between() -> None:
    assert in_order([run(0, 60, 100), run(0, 60, 100), finding(90), finding(120)]) == [
        run(0, 60, 2),
        finding(90),
        run(120, 60, 98),
    ]


@pytest.mark.parametrize(
    ("every_s", "number"),
    [pytest.param(60, 0, id="of nothing"), pytest.param(1e-9, 2, id="all at one moment")],
)
def test_what_is_no_run(every_s: float, number: int) -> None:
    with pytest.raises(ValueError, match="not a run"):
        run(0, every_s, number)


# --- through ingest ---------------------------------------------------------------------------------


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made, _ = fresh(database_url, eyes=2)
    yield made
    made.close()


def heard(*every: Told, eye: str = "E1", check: Check = Check.STREAM) -> list[Heard]:
    return [Heard(eye, check, one) for one in every]


def probe(one: Heard, single: Finding) -> ProbeResult:
    verdict = Verdict(one.check, single.outcome, single.reason, single.interval_s)
    return ProbeResult(one.eye, single.at, Depth.LIVENESS, 0.5, (verdict,), Memory())


def test_a_run_is_one_row_of_the_ledger_and_is_kept_as_a_run(database: Database) -> None:
    ingest = judge(database)
    receipt = ingest.deliver_runs("d", heard(run(0, 60, 100), run(6000, 60, 50, FAILING)))
    assert (receipt.taken, receipt.late, receipt.changed) == (150, 0, {"E1"})
    assert ledger(database) == [(0, "ok"), (6000, "failing")]
    with database.reading() as session:
        kept = ingest.kept(session, [(1, Check.STREAM)])
    assert kept == {(1, Check.STREAM): [run(0, 60, 100), run(6000, 60, 50, FAILING)]}
    assert len(ingest.findings()["E1"][Check.STREAM]) == 150


def test_the_same_runs_again_change_nothing(database: Database) -> None:
    ingest = judge(database)
    batch = heard(run(0, 60, 100), run(6000, 60, 50, FAILING))
    ingest.deliver_runs("one", batch)
    before = everything(database)
    assert ingest.deliver_runs("one", batch).repeated
    assert ingest.deliver_runs("the same under another key", batch).late == 150
    assert ingest.deliver_runs("a part of it", heard(run(600, 60, 3))).changed == set()
    assert everything(database) == before


def test_a_late_result_inside_a_run_is_judged_at_its_own_time(database: Database) -> None:
    ingest = judge(database)
    ingest.deliver_runs("run", heard(run(0, 60, 100)))
    receipt = ingest.deliver("late", [probe(heard(run(0, 1, 1))[0], finding(s, FAILING)) for s in (610, 620)])
    assert receipt.late == 2
    assert receipt.touched == {1: at(610)}
    assert ledger(database) == [(0, "ok"), (610, "failing"), (660, "ok")]


def test_a_late_run_fills_a_silence(database: Database) -> None:
    ingest = judge(database)
    ingest.deliver_runs("run", heard(run(0, 60, 10), run(6000, 60, 10)))
    assert ledger(database) == [(0, "ok"), (600, "unknown"), (6000, "ok")]
    assert ingest.deliver_runs("outbox", heard(run(600, 60, 90))).touched == {1: at(600)}
    assert ledger(database) == [(0, "ok")]


def test_what_of_a_run_was_too_late_when_it_was_received_is_refused(database: Database) -> None:
    ingest = judge(database)
    day = 86400
    late = Heard("E1", Check.STREAM, run(0, 3600, 48), at(8 * day))
    receipt = ingest.deliver_runs("late", [late])
    assert (receipt.taken, receipt.refused) == (24, 24)
    assert ledger(database)[0] == (day, "ok")
    as_made = Heard("E2", Check.STREAM, run(-30 * day, 60, 40 * 1440))
    assert ingest.deliver_runs("each as it was made", [as_made]).refused == 40 * 1440 - 30 * 1440 - 721


def test_of_a_failing_run_is_held_back_what_lies_in_a_loss_of_the_site(database: Database) -> None:
    with database.transaction() as session:
        sites.heard(session, 1, at(0), at(600), 10)
        sites.heard(session, 1, at(1200), at(9000), 10)
    ingest = judge(database)
    receipt = ingest.deliver_runs("d", heard(run(0, 60, 30, FAILING)))
    assert (receipt.taken, receipt.held_back) == (30, 9)
    assert ledger(database)[:3] == [(0, "failing"), (660, "unknown"), (1200, "failing")]
    with database.reading() as session:
        kept = ingest.kept(session, [(1, Check.STREAM)])
    assert kept == {(1, Check.STREAM): [run(0, 60, 11, FAILING), run(1200, 60, 10, FAILING)]}
    everywhere = ingest.deliver_runs("nothing is left of it", heard(run(660, 60, 3, FAILING)))
    assert (everywhere.held_back, everywhere.changed) == (3, set())


def test_runs_of_an_unknown_eye_are_named(database: Database) -> None:
    told = [*heard(run(0, 60, 3)), *heard(run(0, 60, 3), eye="E77")]
    receipt = judge(database).deliver_runs("d", told)
    assert (receipt.unknown_eyes, receipt.taken) == ({"E77"}, 3)


def test_the_earliest_change_of_each_eye_is_told(database: Database) -> None:
    ingest = judge(database)
    assert ingest.deliver_runs("a", [*heard(run(60, 60, 3)), *heard(run(0, 60, 3), eye="E2")]).touched == {
        1: at(60),
        2: at(0),
    }
    assert ingest.deliver_runs("b", heard(run(240, 60, 3))).touched == {}
    assert ingest.tick(at(3600)).touched == {1: at(420), 2: at(180)}


items = st.lists(
    st.tuples(
        st.sampled_from(["E1", "E2"]),
        st.sampled_from([Check.STREAM, Check.STREAM, Check.PICTURE]),
        st.one_of(runs, runs.map(lambda r: r.finding(0))),
    ),
    min_size=1,
    max_size=7,
)


def consistent(every: Iterable[tuple[str, Check, Told]]) -> list[Heard]:
    """Those that do not say two things of one moment: which of them held would depend on the order."""
    said: dict[tuple[str, Check, datetime], Outcome] = {}
    kept: list[Heard] = []
    for eye, check, one in every:
        new = {(eye, check, f.at): f.outcome for f in one_by_one([one])}
        if all(said.get(key, outcome) is outcome for key, outcome in new.items()):
            said |= new
            kept.append(Heard(eye, check, one))
    return kept


# The database is emptied for each example.
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(items.map(consistent), st.data())
def test_runs_in_any_order_conclude_what_their_results_conclude_one_by_one(
    database: Database, told: Sequence[Heard], data: st.DataObject
) -> None:
    numbers = count()
    ingest = judge(database)
    results = sorted(
        (probe(one, single) for one in told for single in one_by_one([one.told])), key=lambda r: r.at
    )

    forget(database)
    ingest.deliver("one by one", results)
    ingest.tick(at(9000))
    expected = everything(database)

    forget(database)
    again = data.draw(st.lists(st.sampled_from(told), max_size=3))
    shuffled = data.draw(st.permutations([*told, *again]))
    while shuffled:
        size = data.draw(st.integers(1, len(shuffled)))
        batch, shuffled = shuffled[:size], shuffled[size:]
        if data.draw(st.booleans()):
            ingest.deliver_runs(f"d{next(numbers)}", batch)
        else:
            singles = [probe(one, single) for one in batch for single in one_by_one([one.told])]
            ingest.deliver(f"d{next(numbers)}", singles)
        if data.draw(st.booleans()):
            # A clock that runs ahead of what has been delivered writes silences that must be taken back.
            ingest.tick(results[-1].at + timedelta(seconds=data.draw(st.integers(0, 400))))
        if data.draw(st.booleans()):
            ingest.pack(NOON + timedelta(days=1))
    ingest.tick(at(9000))
    assert everything(database) == expected


def test_what_a_run_says_beside_another_source_is_settled_by_who_came_first(database: Database) -> None:
    ingest = Ingest(database, rules(confirm_after=1), clock=lambda: at(43200))
    ingest.deliver_runs("d", heard(run(0, 60, 10), finding(120, FAILING)))
    assert ledger(database) == [(0, "ok")]
    ingest.deliver_runs("e", heard(finding(120, FAILING), run(0, 60, 10), finding(125, FAILING)))
    assert ledger(database) == [(0, "ok"), (125, "failing"), (180, "ok")]
