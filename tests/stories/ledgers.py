"""What must hold of every ledger, whatever happened to the process that wrote it."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import select

from camera_registry import health, models
from camera_registry.db import Database
from camera_registry.health import EYE, EyeState, Instability, Transition
from camera_registry.ingest import Ingest
from probes.reasons import Check, Reason

Ledgers = dict[tuple[int, str], list[Transition]]


def read_ledgers(database: Database) -> Ledgers:
    """Every transition, by eye and ledger, in order of time."""
    with database.reading() as session:
        ledgers: Ledgers = defaultdict(list)
        for row in session.scalars(select(models.Transition).order_by(models.Transition.at)):
            change = Transition(row.at, row.before, row.after, Reason(row.reason))
            ledgers[row.eye_id, row.ledger].append(change)
    return ledgers


def state_at(ledger: list[Transition], moment: datetime) -> str:
    """The state that holds at ``moment``."""
    return next((t.after for t in reversed(ledger) if t.at <= moment), str(EyeState.UNKNOWN))


def assert_proven(database: Database, judge: Ingest, now: datetime) -> Ledgers:
    """Each ledger is what the kept findings alone conclude by ``now``, silence included, each change once."""
    judge.tick(now)
    ledgers = read_ledgers(database)
    for key, ledger in ledgers.items():
        assert len({t.at for t in ledger}) == len(ledger), f"{key} has two transitions at one moment"
        states = [str(EyeState.UNKNOWN), *(t.after for t in ledger)]
        assert [t.before for t in ledger] == states[:-1], f"{key} is no chain"
    of_eyes: dict[int, dict[Check, list[Transition]]] = defaultdict(dict)
    for eye_id, check in _judged(database):
        condition, changes = judge.refold(eye_id, check)
        assert condition is not None, f"eye {eye_id} was judged from nothing that is kept"
        condition, silence = health.fall_silent(condition, judge.rules.policies[check], now)
        wanted = [*changes, *silence]
        assert ledgers[eye_id, check] == [c for c in wanted if isinstance(c, Transition)], (eye_id, check)
        doubts = [c for c in wanted if isinstance(c, Instability)]
        with database.reading() as session:
            row = session.get_one(models.Condition, (eye_id, check))
            assert (row.state, row.reason, row.heard_at, row.suspect_since) == (
                condition.state,
                condition.reason,
                condition.heard_at,
                condition.suspect_since,
            )
            rows = session.scalars(
                select(models.Instability)
                .where(models.Instability.eye_id == eye_id, models.Instability.check == check)
                .order_by(models.Instability.at)
            )
            assert [Instability(r.at, Reason(r.reason)) for r in rows] == doubts, (eye_id, check)
        of_eyes[eye_id][check] = ledgers[eye_id, check]
    for eye_id, checks in of_eyes.items():
        derived = health.eye_ledger({}, checks)
        assert ledgers[eye_id, EYE] == derived, f"the ledger of eye {eye_id} does not follow from its checks"
        with database.reading() as session:
            shown = session.get_one(models.EyeState, eye_id).state
        assert shown == (derived[-1].after if derived else EyeState.UNKNOWN)
    return ledgers


def _judged(database: Database) -> list[tuple[int, Check]]:
    with database.reading() as session:
        rows = session.execute(select(models.Condition.eye_id, models.Condition.check))
        return [(eye_id, Check(check)) for eye_id, check in rows]
