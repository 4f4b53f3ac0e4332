"""The monitor of one process: plan, sweeps, results and the periodic jobs, put together and taken down."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from camera_registry import baselines, incident_book, ingest, models, pictures, rollups, samples, sites
from camera_registry.canaries import Canary
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.engine.local import LocalEngine
from camera_registry.engine.results import Results
from camera_registry.host_clock import is_synchronised
from camera_registry.ingest import Ingest
from camera_registry.inventory import load_targets
from camera_registry.login_book import LoginBook
from camera_registry.login_states import load_states, save_in
from camera_registry.pictures import keep_picture
from camera_registry.plan import Pace, Plan, make_plan
from camera_registry.scheduler import DueShards, Jobs
from camera_registry.settings import Settings
from camera_registry.sweep import Sweeper, Tools
from probes.result import Memory, Target, Transport
from probes.senses import Senses
from probes.web import Web
from probes.workers import Workers

log = structlog.get_logger(__name__)

DISPATCH_S = 1.0
WRITE_S = 1.0
FOLLOW_S = 1.0  # how soon a started, changed or withdrawn eye is noticed
REPLAN_S = 60.0  # ... and what follows from the calendar, or from what probes learned
SILENCE_S = 10.0
INCIDENTS_S = 5.0
TIDY_S = 600.0
NOTED_PACE_CHANGE = 0.2  # of the learned length of a probe: smaller changes are not written


@dataclass(frozen=True, slots=True)
class Monitor:
    """Everything one process needs to ask eyes and keep what they say."""

    database: Database
    settings: Settings
    credentials: CredentialStore
    clock: Callable[[], datetime]
    counters: Counters
    ingest: Ingest
    tools: Tools
    sweeper: Sweeper
    results: Results
    workers: Workers
    web: Web
    paces: dict[tuple[str, str], Pace] = field(default_factory=dict)  # of the newest plan of the round

    def close(self) -> None:
        self.workers.close()

    def targets(
        self, site: str | None = None, *, started: bool = True, delivered: bool = False
    ) -> list[Target]:
        """The eyes that may be asked now, each with what earlier probes of it learned.

        Those of the sites that are asked from here or, where they are ``delivered``, by their own machines.
        """
        with self.database.reading() as session:
            asked = load_targets(
                session,
                self.credentials,
                self.clock(),
                self.settings.zone,
                site=site,
                started=started,
                delivered=delivered,
            )
        return [remembering(a.target, self.sweeper.memories.get(a.target.eye)) for a in asked]

    def plan(self) -> Plan:
        """The plan of this moment; what it computed of each device's pace is kept with the device."""
        plan = self.plan_of(self.targets())
        self.paces.clear()
        self.paces.update({(pace.site, pace.device): pace for pace in plan.paces})
        self._keep_paces(plan.paces)
        return plan

    def plan_of(self, targets: Collection[Target]) -> Plan:
        """The plan for these eyes at their sites' intervals."""
        with self.database.reading() as session:
            sites = session.execute(select(models.Site.code, models.Site.interval_s))
            intervals = {site.code: site.interval_s for site in sites}
        return make_plan(
            targets,
            intervals,
            deep_interval_s=self.settings.deep_interval_s,
            shard_eyes=self.settings.shard_eyes,
            before=self.paces,
            now=self.clock().timestamp(),
        )

    def _keep_paces(self, paces: Collection[Pace]) -> None:
        with self.database.reading() as session:
            rows = session.execute(
                select(models.Device.id, models.Site.code, models.Device.host, models.Device.port)
                .join(models.Site)
                .outerjoin(models.DevicePace)
                .add_columns(models.DevicePace.effective_interval_s, models.DevicePace.probe_s)
                .where(models.Device.host.is_not(None))
            ).all()
        known = {(pace.site, pace.device): pace for pace in paces}
        changed: dict[int, Pace] = {}
        for device_id, site, host, port, interval_s, probe_s in rows:
            pace = known.get((site, f"{host}:{port}"))
            if pace is not None and _differs(pace, interval_s, probe_s):
                changed[device_id] = pace
        if not changed:
            return
        with self.database.transaction() as session:
            for device_id, pace in changed.items():
                session.merge(
                    models.DevicePace(
                        device_id=device_id,
                        effective_interval_s=pace.effective_interval_s,
                        probe_s=pace.probe_s,
                    )
                )


def prepare(
    database: Database,
    settings: Settings,
    credentials: CredentialStore,
    counters: Counters,
    clock: Callable[[], datetime],
    news: Callable[[Collection[str]], None],
) -> Monitor:
    """Put a monitor together; nothing is asked yet. Call it inside the running loop.

    ``news`` hears, from the loop, the codes of eyes that were heard of or whose ledger changed.
    """
    judge = Ingest(
        database,
        ingest.rules(settings.confirm_after, settings.silence_factor, settings.lateness_days),
        clock,
        lambda session, eye, picture, at, now: keep_picture(session, credentials, eye, picture, at, now),
    )
    results = Results(judge, counters, news)
    workers, web = Workers(), Web()
    trusted = settings.host_clock == "trusted"
    tools = Tools(
        logins=LoginBook(load_states(database), save_in(database), clock, counters),
        senses=Senses(workers, web, (lambda: True) if trusted else is_synchronised),
        clock=clock,
        counters=counters,
    )
    sweeper = Sweeper(tools, results.put, in_flight=settings.in_flight, confirm_after=settings.confirm_after)
    sweeper.memories.update(load_memories(database))
    return Monitor(
        database, settings, credentials, clock, counters, judge, tools, sweeper, results, workers, web
    )


class Follower:
    """Has the sweeper, and the round where there is one, go by the registry as it is now."""

    def __init__(self, monitor: Monitor, due: DueShards | None = None) -> None:
        self._monitor = monitor
        self._due = due
        self._version: int | None = None
        self._planned_at = 0.0
        self._looking = asyncio.Lock()

    async def look(self) -> None:
        """Make a new plan if the registry has changed, or the last one is old. Otherwise it costs next to
        nothing."""
        async with self._looking:
            with database_may_be_away("plan"):
                version = await asyncio.to_thread(self._monitor.database.version)
                now = self._monitor.clock().timestamp()
                if version == self._version and 0 <= now - self._planned_at < REPLAN_S:
                    return
                # What makes a plan impossible (a lost key, say) is said once a minute, not every second.
                self._version, self._planned_at = version, now
                try:
                    unstarted, plan = await asyncio.to_thread(self._read)
                except SQLAlchemyError:
                    self._version = None
                    raise
                # An eye that was started in between is in both: it is asked as planned.
                planned = [ask.target for shard in plan.shards for ask in shard.asks]
                self._monitor.sweeper.follow([*unstarted, *planned])
                if self._due is not None:
                    self._due.follow(plan)

    def _read(self) -> tuple[list[Target], Plan]:
        return self._monitor.targets(started=False), self._monitor.plan()


@asynccontextmanager
async def attending(monitor: Monitor) -> AsyncIterator[Follower]:
    """Ask nobody, but write the results of whoever does, and follow the registry, while the block lasts."""
    follower = Follower(monitor)
    await follower.look()
    jobs = Jobs({"write": (WRITE_S, monitor.results.write), "follow": (FOLLOW_S, follower.look)})
    try:
        yield follower
    finally:
        await jobs.stop()
        await monitor.results.write()
        await monitor.web.close()


class Running:
    """A monitor at work: enter to begin, leave to stop without leaving a session open on any camera."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._engine = LocalEngine(monitor.sweeper, monitor.results.write)
        self._due = DueShards(self._engine, monitor.clock)
        self.follower = Follower(monitor, self._due)

    async def __aenter__(self) -> "Running":
        # Whatever was not watched is unknown before anybody looks.
        await self._silence()
        await self.follower.look()
        await self._beat()
        self._jobs = Jobs(
            {
                "dispatch": (DISPATCH_S, self._dispatch),
                "write": (WRITE_S, self._monitor.results.write),
                "follow": (FOLLOW_S, self.follower.look),
                "silence": (SILENCE_S, self._silence),
                "beat": (sites.BEAT_S, self._beat),
                "incidents": (INCIDENTS_S, self._fold_incidents),
                "tidy": (TIDY_S, self._tidy),
            }
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._jobs.stop()
        await self._engine.stop()
        await self._monitor.tools.canaries.close()
        await self._monitor.web.close()

    async def _dispatch(self) -> None:
        self._due.tick()

    async def _silence(self) -> None:
        with database_may_be_away("silence"):
            receipt = await asyncio.to_thread(self._monitor.ingest.tick, self._monitor.clock())
            self._monitor.results.tell(receipt)

    async def _fold_incidents(self) -> None:
        with database_may_be_away("incidents"):
            monitor = self._monitor
            zone, now = monitor.settings.zone, monitor.clock()
            await asyncio.to_thread(incident_book.fold, monitor.database, zone, now)

    async def _beat(self) -> None:
        """Say of each site that it is heard, as long as its own line bears."""
        monitor = self._monitor
        with database_may_be_away("beat"):
            named = await asyncio.to_thread(self._canaries)
            monitor.tools.canaries.follow(named)
            bear = await asyncio.gather(*(monitor.tools.canaries.bear(site) for site in named))
            heard = [site for site, bears in zip(named, bear, strict=True) if bears]
            await asyncio.to_thread(self._note_heard, heard, monitor.clock())

    def _canaries(self) -> dict[str, tuple[Canary, ...]]:
        with self._monitor.database.reading() as session:
            return sites.canaries_of(session)

    def _note_heard(self, heard: Collection[str], now: datetime) -> None:
        with self._monitor.database.transaction() as session:
            for site_id in session.scalars(select(models.Site.id).where(models.Site.code.in_(heard))):
                sites.beat(session, site_id, now)

    async def _tidy(self) -> None:
        with database_may_be_away("tidy"):
            await asyncio.to_thread(self._monitor.ingest.prune, self._monitor.clock())
            await asyncio.to_thread(self._monitor.ingest.pack, self._monitor.clock())
            await asyncio.to_thread(self._tidy_pictures, self._monitor.clock())
            await asyncio.to_thread(self._tidy_samples, self._monitor.clock())
            await asyncio.to_thread(self._roll_up, self._monitor.clock())

    def _roll_up(self, now: datetime) -> None:
        zone = self._monitor.settings.zone
        rollups.make(self._monitor.database, zone, now, most=rollups.DAYS_AT_ONCE)

    def _tidy_samples(self, now: datetime) -> None:
        with self._monitor.database.transaction() as session:
            samples.forget(session, now)

    def _tidy_pictures(self, now: datetime) -> None:
        """Propose the baselines that are ripe, and forget what has expired."""
        with self._monitor.database.transaction() as session:
            baselines.propose(session, now)
            baselines.forget_samples(session, now)
            pictures.forget_expired(session, now)


@contextmanager
def database_may_be_away(job: str) -> Iterator[None]:
    """A periodic job that finds no database says so, and runs again when it is due."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or type(error).__name__)
        log.error("job skipped: the database does not answer", job=job, reason=reason)


def _differs(pace: Pace, interval_s: float | None, probe_s: float | None) -> bool:
    if pace.effective_interval_s != interval_s:
        return True
    if pace.probe_s is None or probe_s is None:
        return pace.probe_s is not None
    return abs(pace.probe_s - probe_s) > NOTED_PACE_CHANGE * probe_s


def remembering(target: Target, memory: Memory | None) -> Target:
    """``target`` with what earlier probes of it learned."""
    return target if memory is None else replace(target, memory=memory)


def load_memories(database: Database) -> dict[str, Memory]:
    """What earlier probes learned. Failures in a row begin anew: what was not watched is not confirmed."""
    with database.reading() as session:
        return memories_in(session)


def memories_in(session: Session, eye_ids: Collection[int] | None = None) -> dict[str, Memory]:
    """As ``load_memories``, of some eyes or of all, by their codes."""
    stored = select(models.Eye.code, models.EyeState.memory).join(models.EyeState)
    if eye_ids is not None:
        stored = stored.where(models.Eye.id.in_(eye_ids))
    return {code: _memory(memory) for code, memory in session.execute(stored) if memory}


def _memory(stored: dict[str, Any]) -> Memory:
    known = {f.name for f in fields(Memory)} - {"failures"}
    kept = {name: value for name, value in stored.items() if name in known}
    if "transport" in kept:
        kept["transport"] = Transport(kept["transport"])
    return Memory(**kept)
