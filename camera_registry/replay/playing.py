"""Has a scenario judged: the real tables, the real ingest, in a database that lives as long as the question.

What came as it was made, or is said to have come at that very moment, is delivered first, each eye's at once;
then what came late, in the order in which it came. Order changes nothing but which of two results of one
moment holds: the one that came first.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from camera_registry import health, maintenance, models, sites
from camera_registry.audit import Actor
from camera_registry.db import Database
from camera_registry.health import Finding, Heard, Policy
from camera_registry.ingest import Ingest, Rules
from camera_registry.inventory import Reach
from camera_registry.maintenance import Cover, Kind, MaintenanceError
from camera_registry.replay.scenario import EARLIEST, LATEST, Scenario, ScenarioError, ScopeKind, Window
from probes.reasons import Check, Outcome, Reason

AT_ONCE = 5_000  # runs and single results in one delivery
_ANY = Policy(confirm_after=1, recover_after=1)  # of a check that is off
REPLAYER = Actor("replay", "cli")


@dataclass(frozen=True, slots=True)
class Names:
    """The database ids of what the setup names."""

    units: Mapping[str, int]
    sites: Mapping[str, int]
    points: Mapping[str, int]
    devices: Mapping[str, int]
    eyes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Played:
    """A scenario as it is known at ``now``, judged."""

    scenario: Scenario
    now: datetime
    database: Database
    names: Names


@contextmanager
def play(scenario: Scenario, now: datetime) -> Iterator[Played]:
    """Judge what of ``scenario`` is known at ``now``; the database goes when the block ends.

    Raises ``ScenarioError`` for a window that cannot be entered.
    """
    with TemporaryDirectory(prefix="replay-") as folder:
        database = Database(f"sqlite:///{Path(folder) / 'replay.db'}")
        try:
            event.listen(database.engine, "connect", _hurry)
            database.migrate()
            with database.transaction() as session:
                names = register(session, scenario)
                _enter_windows(session, scenario, names, now)
                _hear_sites(session, scenario, names, now)
            _hear(database, scenario, now)
            yield Played(scenario, now, database, names)
        finally:
            database.close()


def _hurry(connection: sqlite3.Connection, _record: Any) -> None:
    """What is lost when the machine stops is not missed."""
    connection.execute("PRAGMA synchronous=OFF")


# --- what there is ----------------------------------------------------------------------------------


def register(session: Session, scenario: Scenario) -> Names:
    """Enter the units, sites, points, devices and eyes of the setup into an empty database."""
    setup = scenario.setup
    stream_s = setup.checks[Check.STREAM].interval_s
    devices = {eye.device: (eye.point, eye.site) for eye in setup.eyes.values()}
    names = Names(*map(_numbered, (setup.units, setup.sites, setup.points, devices, setup.eyes)))
    rows: dict[type[models.Base], list[dict[str, Any]]] = {
        models.Unit: [
            {"id": n, "uid": name, "code": name, "name": name, "kind": ""} for name, n in names.units.items()
        ],
        models.Site: [
            {"id": n, "code": name, "interval_s": round(stream_s)} for name, n in names.sites.items()
        ],
        models.Point: [
            {"id": n, "code": name, "name": name, "k": setup.points[name].k}
            for name, n in names.points.items()
        ],
        models.PointUnit: [
            {"point_id": names.points[name], "unit_id": names.units[point.unit], "valid_from": None}
            for name, point in setup.points.items()
            if point.unit is not None
        ]
        + [
            {
                "point_id": names.points[move.point],
                "unit_id": names.units[move.unit],
                "valid_from": move.day,
            }
            for move in scenario.moves
        ],
        models.Device: [
            {
                "id": n,
                "code": name,
                "point_id": names.points[devices[name][0]],
                "site_id": names.sites[devices[name][1]],
            }
            for name, n in names.devices.items()
        ],
        models.DevicePace: [
            {"device_id": n, "effective_interval_s": stream_s} for n in names.devices.values()
        ],
        models.Eye: [
            {
                "id": n,
                "code": name,
                "device_id": names.devices[setup.eyes[name].device],
                "reach": str(Reach.NETWORK),
                "commissioned_at": setup.eyes[name].commissioned,
                "started_at": setup.eyes[name].commissioned,
                "retired_at": scenario.retired.get(name),
            }
            for name, n in names.eyes.items()
        ],
    }
    for table, some in rows.items():
        if some:
            session.execute(insert(table), some)
    return names


def _numbered(names: Collection[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names, 1)}


def _enter_windows(session: Session, scenario: Scenario, names: Names, now: datetime) -> None:
    for window in scenario.windows:
        try:
            maintenance.enter(
                session,
                REPLAYER,
                now,
                scenario.setup.zone,
                kind=Kind.WORK,
                span=window.span,
                covers=[_cover(window, names)],
                reason="replay",
            )
        except MaintenanceError as refused:
            raise ScenarioError(window.line, refused.message, **refused.values) from None


def _cover(window: Window, names: Names) -> Cover:
    ids: Mapping[ScopeKind, Mapping[str, int]] = {
        ScopeKind.EYE: names.eyes,
        ScopeKind.POINT: names.points,
        ScopeKind.UNIT: names.units,
        ScopeKind.SITE: names.sites,
        ScopeKind.ALL: {},
    }
    return Cover(maintenance.ScopeKind(window.kind), ids[window.kind].get(window.name))


# --- what was heard ---------------------------------------------------------------------------------


def _hear(database: Database, scenario: Scenario, now: datetime) -> None:
    policies = {check: asked.policy for check, asked in scenario.setup.checks.items()}
    rules = Rules({check: policies.get(check, _ANY) for check in Check})
    ingest = Ingest(database, rules, clock=lambda: now)
    known = [part for one in scenario.heard if (part := _known(one, now))]
    ingest.deliver_runs("off", _off(scenario, rules, known))
    for number, batch in enumerate(_deliveries(known)):
        ingest.deliver_runs(f"{number:09}", batch)
    ingest.tick(now)


def _known(one: Heard, now: datetime) -> Heard | None:
    """What of it is delivered by ``now``."""
    if one.received_at is not None:
        return one if one.received_at <= now else None
    told = health.part_before(one.told, now + timedelta(microseconds=1))
    return replace(one, told=told) if told else None


def _off(scenario: Scenario, rules: Rules, known: Sequence[Heard]) -> Iterator[Heard]:
    """Checks that the policy does not name, or of which nothing is known, are off from the beginning."""
    told = {(heard.eye, heard.check) for heard in known}
    for eye in scenario.setup.eyes:
        for check, policy in rules.policies.items():
            if check is not Check.STREAM and (eye, check) not in told:
                never_silent_s = (LATEST - EARLIEST).total_seconds() / policy.silence_factor
                yield Heard(eye, check, Finding(EARLIEST, Outcome.OFF, Reason.OK, never_silent_s))


def _hear_sites(session: Session, scenario: Scenario, names: Names, now: datetime) -> None:
    for beats in scenario.beats:
        known = min(beats.last_at, now)
        if beats.first_at <= now:
            last = beats.first_at + (known - beats.first_at) // beats.every * beats.every
            sites.heard(session, names.sites[beats.site], beats.first_at, last, beats.every_s)


def _deliveries(known: Sequence[Heard]) -> Iterator[list[Heard]]:
    """What is known, in batches that each hold all that came in time of some eyes, or are late."""
    in_time: dict[str, list[Heard]] = defaultdict(list)
    late: list[tuple[datetime, Heard]] = []
    for one in known:
        if one.received_at is None:
            in_time[one.eye].append(one)
            continue
        if told := health.part_since(one.told, one.received_at):
            in_time[one.eye].append(replace(one, told=told))
        if told := health.part_before(one.told, one.received_at):
            late.append((one.received_at, replace(one, told=told)))
    batch: list[Heard] = []
    for some in in_time.values():
        batch += some
        if len(batch) >= AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
    late.sort(key=lambda one: one[0])
    for n in range(0, len(late), AT_ONCE):
        yield [one for _, one in late[n : n + AT_ONCE]]
