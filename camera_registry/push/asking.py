"""Asks the eyes of one site as its bundle says: the registry's own sweep, plan and login book, without it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from camera_registry.counters import Counters
from camera_registry.engine.local import LocalEngine
from camera_registry.host_clock import is_synchronised
from camera_registry.login_book import LoginBook
from camera_registry.plan import Pace, Plan, make_plan
from camera_registry.push.outbox import Outbox
from camera_registry.push.wire import Bundle, KnownPace
from camera_registry.scheduler import DueShards
from camera_registry.settings import Settings
from camera_registry.sweep import Sweeper, Tools
from probes import logins
from probes.result import Depth, LoginKey, ProbeResult
from probes.senses import Senses
from probes.web import Web
from probes.workers import Workers

log = structlog.get_logger(__name__)

NOBODY = Plan((), ())


class Asking:
    """Eyes being asked; make it in the running loop. What they say goes to the outbox by ``keep``."""

    def __init__(
        self,
        bundle: Bundle,
        outbox: Outbox,
        settings: Settings,
        clock: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._outbox = outbox
        self._settings = settings
        self._clock = clock
        self._found: list[ProbeResult] = []
        self._paces: dict[tuple[str, str], Pace] = {}
        self._told_paces: dict[str, KnownPace] = {}
        self._bundle = bundle
        counters = Counters.new()
        self._workers, self._web = Workers(), Web()
        trusted = settings.host_clock == "trusted"
        # What this machine has written down of logins is newer than what the registry has heard.
        theirs = {LoginKey(bundle.site, each.device, each.credential): each.state for each in bundle.logins}
        states = {key: logins.restarted(state) for key, state in (theirs | outbox.logins()).items()}
        self._tools = Tools(
            logins=LoginBook(states, outbox.save_login, clock, counters),
            senses=Senses(self._workers, self._web, (lambda: True) if trusted else is_synchronised),
            clock=clock,
            counters=counters,
        )
        self._sweeper = Sweeper(
            self._tools,
            self._found.append,
            in_flight=settings.in_flight,
            confirm_after=bundle.confirm_after,
            pause=pause,
        )
        self._sweeper.memories.update({eye.target.eye: eye.target.memory for eye in bundle.eyes})
        self._sweeper.memories.update(outbox.memories())
        self._engine = LocalEngine(self._sweeper, self.keep)
        self._due = DueShards(self._engine, clock)

    @property
    def eyes(self) -> int:
        """How many may be asked."""
        return len(self._bundle.eyes)

    @property
    def interval_s(self) -> float:
        """How often the site's eyes are to be asked."""
        return float(self._bundle.interval_s)

    def follow(self, bundle: Bundle) -> None:
        """Go by this bundle from now on. A probe of an eye that is in it no more is cut short."""
        self._bundle = bundle
        self.plan()

    def rest(self) -> None:
        """Ask nobody until the next ``follow``."""
        self._sweeper.follow([])
        self._due.follow(NOBODY)

    def plan(self) -> Plan:
        """Plan anew: probes have learned, and the time of an eye may be over."""
        now, bundle = self._clock(), self._bundle
        plan = make_plan(
            [eye.target for eye in bundle.eyes if eye.until is None or now < eye.until],
            {bundle.site: bundle.interval_s},
            deep_interval_s=bundle.deep_interval_s,
            shard_eyes=self._settings.shard_eyes,
            before=self._paces,
            now=now.timestamp(),
        )
        self._paces = {(pace.site, pace.device): pace for pace in plan.paces}
        self._sweeper.follow([ask.target for shard in plan.shards for ask in shard.asks])
        self._due.follow(plan)
        return plan

    async def dispatch(self) -> None:
        """Begin what is due."""
        self._due.tick()

    async def ask_all(self) -> None:
        """Ask each eye once, deep; a suspect again at once."""
        async with asyncio.TaskGroup() as tasks:
            for shard in self.plan().shards:
                for ask in shard.asks:
                    tasks.create_task(self._sweeper.ask(ask.target, Depth.DEEP))
        await self.keep()

    async def keep(self) -> None:
        """Put what was found into the outbox."""
        if not self._found:
            return
        some = self._found.copy()
        lateness = timedelta(days=self._bundle.lateness_days)
        dropped = await asyncio.to_thread(self._outbox.put, some, self._clock(), lateness)
        del self._found[: len(some)]  # not before they are safe
        if dropped:
            log.error("results dropped: not delivered in time, or too many", dropped=dropped)

    def untold_paces(self) -> list[KnownPace]:
        """Of which devices the registry does not know how often they are asked."""
        paces = (KnownPace(p.device, p.effective_interval_s, p.probe_s) for p in self._paces.values())
        return [pace for pace in paces if not _known(pace, self._told_paces.get(pace.device))]

    def told_paces(self, paces: list[KnownPace]) -> None:
        """The registry knows these."""
        self._told_paces.update({pace.device: pace for pace in paces})

    async def bears(self) -> bool:
        """Whether the site's own line does, by its canaries."""
        self._tools.canaries.follow({self._bundle.site: self._bundle.canaries})
        return await self._tools.canaries.bear(self._bundle.site)

    async def close(self) -> None:
        """End every probe in good order: no session stays open on a camera."""
        await self._engine.stop()
        await self._tools.canaries.close()
        await self._web.close()
        self._workers.close()


def _known(pace: KnownPace, told: KnownPace | None) -> bool:
    """Whether what was told is near enough: lengths of probes always change a little."""
    if told is None or pace.effective_interval_s != told.effective_interval_s:
        return False
    if pace.probe_s is None or told.probe_s is None:
        return pace.probe_s == told.probe_s
    return abs(pace.probe_s - told.probe_s) <= 0.2 * told.probe_s
