"""The synthetic city of 953 eyes with a ledger of 90 days, incidents and rollups: what pages are measured on.

How often what happens is made up, and said below; the same seed makes the same ledger.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import insert, select, update

from camera_registry import demonstration, incident_book, models, rollups, settings, units
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.health import EYE, EyeState
from camera_registry.imports.load import load_inventory
from camera_registry.imports.plan import Options
from camera_registry.imports.workbook import read_workbook
from camera_registry.inventory import add_site
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Step

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
DAYS = 90
BEGUN = NOW - timedelta(days=DAYS)
NEVER_OK = 0.04  # share of eyes that were down from the first day
INTERVAL_S = 60.0
CUTS = 24  # power cuts of one device's street each: its point and the next ones fall together
CUT_POINTS = 6

# What happens to an eye: its state, the days between two of them, how long one lasts (median, hours), why.
EPISODES = (
    (EyeState.DOWN, 5.0, 0.5, Reason.TCP_TIMEOUT),
    (EyeState.DEGRADED, 15.0, 4.0, Reason.DECODE_FAILED),
    (EyeState.UNKNOWN, 20.0, 1.0, Reason.STREAM_SLOTS_BUSY),
)

# What the ledgers of the checks say in each state of the eye: of stream and of picture.
_SAID = {
    EyeState.UP: (Outcome.OK, Outcome.OK),
    EyeState.DEGRADED: (Outcome.OK, Outcome.FAILING),
    EyeState.DOWN: (Outcome.FAILING, Outcome.UNKNOWN),
    EyeState.UNKNOWN: (Outcome.UNKNOWN, Outcome.UNKNOWN),
}

# The rungs of a probe that goes well, with their seconds; the rung at which another ends, and after how long.
_CLIMB = (
    (Step.TCP, 0.012), (Step.DESCRIBE, 0.035), (Step.SETUP, 0.021), (Step.PLAY, 0.018),
    (Step.RTP, 0.164), (Step.KEYFRAME, 0.430), (Step.DECODE, 0.031),
)  # fmt: skip
_FALLS_AT = {
    Reason.TCP_TIMEOUT: (Step.TCP, 5.0),
    Reason.TCP_REFUSED: (Step.TCP, 0.002),
    Reason.STREAM_SLOTS_BUSY: (Step.SETUP, 0.024),
    Reason.DECODE_FAILED: (Step.DECODE, 0.044),
}
SAMPLES_EVERY = timedelta(hours=1)
SAMPLED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Turn:
    at: datetime
    state: EyeState
    reason: Reason


def fill(database: Database, folder: Path, seed: int = 90) -> None:
    """The whole city, as of ``NOW``; ``folder`` takes its workbook. Some tens of seconds."""
    _import(database, folder)
    chance = random.Random(seed)
    with database.transaction() as session:
        eyes = session.execute(
            select(models.Eye.id, models.Device.point_id).join(models.Device).order_by(models.Eye.id)
        ).all()
        cuts = list(_cuts(chance, sorted({row.point_id for row in eyes})))
        ledgers = {
            row.id: _ledger(chance, [cut for point_ids, cut in cuts if row.point_id in point_ids])
            for row in eyes
        }
        session.execute(insert(models.Transition), [*_transitions(ledgers)])
        session.execute(insert(models.EyeState), [_state(*each) for each in ledgers.items()])
        session.execute(
            insert(models.Condition), [row for each in ledgers.items() for row in _conditions(*each)]
        )
        session.execute(insert(models.EyeSample), [*_samples(chance, ledgers)])
        session.execute(update(models.Eye).values(started_at=BEGUN))
    incident_book.fold(database, ZONE, NOW)
    rollups.make(database, ZONE, NOW)


def _import(database: Database, folder: Path) -> None:
    workbook = folder / "inventory.xlsx"
    demonstration.write_inventory(demonstration.make_city(), demonstration.Ports(8554, 8555), workbook)
    with database.transaction() as session:
        units.load_data_set(session, demonstration.DATA_SET)
        add_site(session, demonstration.SITE, "")
        options = Options(demonstration.UNITS_ON, ZONE, demonstration.SITE)
        credentials = CredentialStore(settings.load(data_dir=folder))
        outcome = load_inventory(session, credentials, read_workbook(workbook), options, BEGUN)
        assert not outcome.problems, outcome.problems[:3]


def _cuts(
    chance: random.Random, point_ids: Sequence[int]
) -> Iterator[tuple[frozenset[int], tuple[datetime, timedelta]]]:
    """Neighbours that fall at one time: which points, from when on, and for how long."""
    for _ in range(CUTS):
        first = chance.randrange(len(point_ids) - CUT_POINTS)
        at = BEGUN + timedelta(seconds=chance.randrange(DAYS * 86_400))
        yield (
            frozenset(point_ids[first : first + CUT_POINTS]),
            (at, timedelta(minutes=chance.randint(10, 240))),
        )


def _ledger(chance: random.Random, cuts: Sequence[tuple[datetime, timedelta]]) -> list[_Turn]:
    """One eye's turns: up but for what happens to it; of two things at a time the first counts."""
    if chance.random() < NEVER_OK:
        return [_Turn(BEGUN, EyeState.DOWN, Reason.TCP_REFUSED)]
    happens = [(at, at + length, EyeState.DOWN, Reason.TCP_TIMEOUT) for at, length in cuts]
    for state, every_days, hours, reason in EPISODES:
        at = BEGUN + timedelta(days=chance.expovariate(1 / every_days))
        while at < NOW:
            end = at + timedelta(hours=hours * chance.lognormvariate(0, 1))
            happens.append((at, end, state, reason))
            at = end + timedelta(days=chance.expovariate(1 / every_days))
    turns = [_Turn(BEGUN, EyeState.UP, Reason.OK)]
    free = BEGUN
    for at, end, state, reason in sorted(happens):
        if at > free and at < NOW:
            turns.append(_Turn(at, state, reason))
            if end < NOW:
                turns.append(_Turn(end, EyeState.UP, Reason.OK))
            free = end
    return turns


def _transitions(ledgers: dict[int, list[_Turn]]) -> Iterator[dict[str, object]]:
    for eye_id, turns in ledgers.items():
        before: dict[str, str] = {}
        for turn in turns:
            stream, picture = _SAID[turn.state]
            for ledger, after in ((EYE, turn.state), (Check.STREAM, stream), (Check.PICTURE, picture)):
                was = before.get(ledger, "unknown")
                if was != after:
                    yield {
                        "eye_id": eye_id,
                        "ledger": str(ledger),
                        "at": turn.at,
                        "before": was,
                        "after": str(after),
                        "reason": turn.reason,
                        "recorded_at": turn.at,
                    }
                before[ledger] = str(after)


def _state(eye_id: int, turns: Sequence[_Turn]) -> dict[str, object]:
    newest = turns[-1]
    ever_ok = any(turn.state is EyeState.UP for turn in turns)
    return {
        "eye_id": eye_id,
        "state": newest.state,
        "since": newest.at,
        "reason": newest.reason,
        "first_ok_at": BEGUN if ever_ok else None,
        "probed_at": NOW - timedelta(seconds=eye_id % 60),
        "probe_s": 0.25,
        "depth": Depth.LIVENESS,
        "rungs": _rungs(turns, NOW - timedelta(seconds=eye_id % 60)),
    }


def _rungs(turns: Sequence[_Turn], probed_at: datetime) -> list[list[object]]:
    """The newest of each rung: those above the one that fails are of the last probe before it fell."""
    newest = turns[-1]
    falls_at, after = _FALLS_AT.get(newest.reason, (None, 0.0))
    rungs: list[list[object]] = []
    at, reached = probed_at, True
    for step, seconds in _CLIMB:
        if step is falls_at:
            rungs.append([str(step), after, str(newest.reason), "", at.isoformat()])
            at, reached = newest.at - timedelta(seconds=INTERVAL_S), False
        elif reached or len(turns) > 1:
            rungs.append([str(step), seconds, str(Reason.OK), "", at.isoformat()])
    return rungs


def _samples(chance: random.Random, ledgers: dict[int, list[_Turn]]) -> Iterator[dict[str, object]]:
    """What deep probes measured on the last day, while the eye was up."""
    for eye_id, turns in ledgers.items():
        usual_bits, usual_sharpness, offset = (
            chance.uniform(3e5, 2e6), chance.uniform(0.15, 0.4), chance.uniform(-3, 3)
        )  # fmt: skip
        for n in range(SAMPLED // SAMPLES_EVERY):
            at = NOW - SAMPLED + n * SAMPLES_EVERY + timedelta(seconds=eye_id % 3600)
            if next(turn for turn in reversed(turns) if turn.at <= at).state is EyeState.UP:
                yield {
                    "eye_id": eye_id,
                    "at": at,
                    "seconds": 0.1 * chance.lognormvariate(0, 0.4),
                    "bits_per_s": usual_bits * chance.uniform(0.8, 1.2),
                    "clock_offset_s": offset + 0.05 * n,
                    "sharpness": usual_sharpness * chance.uniform(0.95, 1.05),
                }


def _conditions(eye_id: int, turns: Sequence[_Turn]) -> Iterator[dict[str, object]]:
    newest = turns[-1]
    heard_at = NOW - timedelta(seconds=eye_id % 60)
    for check, outcome in zip((Check.STREAM, Check.PICTURE), _SAID[newest.state], strict=True):
        yield {
            "eye_id": eye_id,
            "check": check,
            "state": outcome,
            "since": newest.at,
            "reason": Reason.OK if outcome is Outcome.OK else newest.reason,
            "heard_at": heard_at,
            "interval_s": INTERVAL_S,
            "silent_at": heard_at + timedelta(seconds=2.5 * INTERVAL_S),
        }
