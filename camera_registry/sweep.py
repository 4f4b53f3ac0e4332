"""The story of one shard: climb the ladder for each eye whose turn it is, ask a suspect again at once, hand
the results on.

A few hundred probes are under way at once, and no device sees more sessions than it bears. A probe that could
not begin within its interval is a result, too (backpressure), not a pile-up.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from camera_registry.counters import Counters
from camera_registry.plan import Plan, Shard
from probes.ladder import DEFAULT_TIMEOUTS, Decode, Timeouts, climb
from probes.logins import LoginGate
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Target, Verdict

log = structlog.get_logger(__name__)

# A suspect is asked again after 8 to 12 s, and 15 to 20 s later once more (truth.md, rule 2).
RE_ASK_AFTER_S = ((8.0, 12.0), (15.0, 20.0))


@dataclass(frozen=True, slots=True)
class Tools:
    """What every probe of this process shares."""

    logins: LoginGate
    decode: Decode
    clock: Callable[[], datetime]
    counters: Counters
    timeouts: Timeouts = DEFAULT_TIMEOUTS


class Sweeper:
    """Asks eyes. ``hand_on`` takes each result as it comes; ``pause`` sleeps (handed in: tests own time)."""

    def __init__(
        self,
        tools: Tools,
        hand_on: Callable[[ProbeResult], None],
        *,
        in_flight: int,
        confirm_after: int,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.memories: dict[str, Memory] = {}  # by eye; newest last
        self._tools = tools
        self._hand_on = hand_on
        self._confirm_after = confirm_after
        self._pause = pause
        self._places = asyncio.Semaphore(in_flight)
        self._doors: dict[tuple[str, str], _Door] = {}
        self._asking: set[str] = set()
        self._planned: dict[str, Target] = {}
        self._dropped: set[str] = set()

    def follow(self, plan: Plan) -> None:
        """Go by this plan: eyes that it no longer holds are not asked any more, not even by sweeps already
        under way; the others are asked with what it says of them (a new password, say)."""
        planned = {ask.target.eye: ask.target for shard in plan.shards for ask in shard.asks}
        self._dropped = (self._dropped | self._planned.keys()) - planned.keys()
        self._planned = planned

    async def sweep(self, shard: Shard, slot: int) -> None:
        """Ask every eye of the shard whose turn ``slot`` is, each at its own moment; returns when all are."""
        due_at = shard.due_at(slot)
        async with asyncio.TaskGroup() as tasks:
            for ask in shard.asks:
                depth = ask.depth(slot)
                if depth is not None:
                    tasks.create_task(self._ask_at(ask.target, depth, due_at + ask.offset_s))

    async def ask(self, target: Target, depth: Depth) -> None:
        """Ask one eye, and again at once while it is suspect. One that is being asked already is left alone:
        its result is on the way."""
        if target.eye not in self._asking:
            await self.ask_again(target, await self.once(target, depth))

    async def ask_again(self, target: Target, result: ProbeResult) -> None:
        """Confirm or clear the suspicion that ``result`` raised, if it did; never for a refused login."""
        for shortest, longest in RE_ASK_AFTER_S:
            verdict = result.verdict(Check.STREAM)
            suspect = verdict is not None and verdict.outcome is Outcome.FAILING
            if not suspect or result.memory.failures >= self._confirm_after:
                return
            self._asking.add(target.eye)
            try:
                await self._pause(random.uniform(shortest, longest))
                if target.eye in self._dropped:
                    return
                result = await self.once(target, Depth.LIVENESS)
            finally:
                self._asking.discard(target.eye)

    async def once(self, target: Target, depth: Depth) -> ProbeResult:
        """Ask one eye once, when its device and this process have a place, and hand the result on."""
        self._asking.add(target.eye)
        try:
            result = await self._probe(target, depth)
        finally:
            self._asking.discard(target.eye)
        self.memories[target.eye] = result.memory
        for verdict in result.verdicts:
            self._tools.counters.probes.labels(check=verdict.check.value, outcome=verdict.outcome.value).inc()
        self._hand_on(result)
        return result

    async def _ask_at(self, target: Target, depth: Depth, due_at: float) -> None:
        wait = due_at - self._tools.clock().timestamp()
        if wait > 0:
            await self._pause(wait)
        if target.eye in self._dropped:
            return
        self._tools.counters.sweep_lag.set(max(0.0, self._tools.clock().timestamp() - due_at))
        await self.ask(target, depth)

    async def _probe(self, target: Target, depth: Depth) -> ProbeResult:
        target = self._planned.get(target.eye, target)
        target = replace(target, memory=self.memories.get(target.eye, target.memory))
        try:
            async with asyncio.timeout(target.interval_s) as patience, self._door(target), self._places:
                patience.reschedule(None)  # begun: from here on the probe keeps its own time
                return await self._climb(target, depth)
        except TimeoutError:
            return _not_asked(target, depth, self._tools.clock(), Reason.PROBE_SKIPPED_BACKPRESSURE)

    async def _climb(self, target: Target, depth: Depth) -> ProbeResult:
        tools = self._tools
        tools.counters.sessions_open.inc()
        try:
            return await climb(
                target,
                depth,
                logins=tools.logins,
                decode=tools.decode,
                clock=tools.clock,
                timeouts=tools.timeouts,
            )
        except Exception:
            # Our bug, and one eye's: it must be seen in the log, and the other eyes must still be asked.
            log.exception("probe failed", eye=target.eye)
            return _not_asked(target, depth, tools.clock(), Reason.MONITOR_INTERNAL_ERROR)
        finally:
            tools.counters.sessions_open.dec()

    def _door(self, target: Target) -> "_Door":
        key = (target.site, target.device)
        door = self._doors.get(key)
        if door is None or door.sessions != target.sessions:
            door = self._doors[key] = _Door(target.sessions)
        return door


class _Door(asyncio.Semaphore):
    """As many sessions as one device bears at a time."""

    def __init__(self, sessions: int) -> None:
        super().__init__(sessions)
        self.sessions = sessions


def _not_asked(target: Target, depth: Depth, now: datetime, reason: Reason) -> ProbeResult:
    """The monitor could not ask: unknown, and nothing learned of the camera."""
    verdict = Verdict(Check.STREAM, Outcome.UNKNOWN, reason, target.interval_s)
    return ProbeResult(target.eye, now, depth, 0.0, (verdict,), memory=replace(target.memory, failures=0))
