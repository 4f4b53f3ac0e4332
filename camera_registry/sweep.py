"""The story of one shard: climb the ladder for each eye whose turn it is, ask a suspect again at once, hand
the results on.

A few hundred probes are under way at once, and no device sees more sessions than it bears. A probe that could
not begin within its interval is a result, too (backpressure), not a pile-up.
"""

import asyncio
import heapq
import random
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

import structlog

from camera_registry.canaries import Canaries
from camera_registry.counters import Counters
from camera_registry.plan import Shard
from probes.ladder import DEFAULT_TIMEOUTS, Timeouts, climb
from probes.logins import LoginGate
from probes.reasons import NETWORK, Check, Outcome, Reason
from probes.result import Depth, Memory, ProbeResult, Rung, Target, Verdict
from probes.senses import Senses

log = structlog.get_logger(__name__)

# A suspect is asked again after 8 to 12 s, and 15 to 20 s later once more (truth.md, rule 2).
RE_ASK_AFTER_S = ((8.0, 12.0), (15.0, 20.0))


# What a camera's line that is cut looks like, and our own just so.
CUT = NETWORK | {Reason.RTSP_TIMEOUT}

Told = Callable[[Rung], None]


@dataclass(frozen=True, slots=True)
class Tools:
    """What every probe of this process shares."""

    logins: LoginGate
    senses: Senses
    clock: Callable[[], datetime]
    counters: Counters
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    canaries: Canaries = field(default_factory=Canaries)


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
        self._asking: dict[str, list[asyncio.Timeout]] = defaultdict(list)  # each probe's patience, by eye
        self._suspects: set[str] = set()  # that wait to be asked again
        self._followed: dict[str, Target] = {}
        self._sessions: dict[tuple[str, str], int] = {}  # that each device bears
        self._dropped: set[str] = set()

    def follow(self, targets: Iterable[Target]) -> None:
        """Go by these eyes, asking them with what is said of them here (a new password, say).

        Those that were among the ones before and are no more are not asked again, not even by sweeps under
        way; a probe of one that is under way is cut short: its session is torn down, its result dropped.
        """
        followed = {target.eye: target for target in targets}
        self._dropped = (self._dropped | self._followed.keys()) - followed.keys()
        self._followed = followed
        self._sessions = {}
        for target in followed.values():
            device = target.site, target.device
            self._sessions[device] = min(target.sessions, self._sessions.get(device, target.sessions))
        for device, door in self._doors.items():
            door.widen(self._sessions.get(device, door.sessions))
        now = asyncio.get_running_loop().time()
        for eye in self._dropped & self._asking.keys():
            for patience in self._asking[eye]:
                if not patience.expired():
                    patience.reschedule(now)

    def target(self, eye: str) -> Target | None:
        """What is known of an eye that may be asked now; ``None`` of any other."""
        return self._followed.get(eye)

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
        if target.eye not in self._asking and target.eye not in self._suspects:
            await self.ask_again(target, await self.once(target, depth))

    async def ask_again(self, target: Target, result: ProbeResult | None) -> None:
        """Confirm or clear the suspicion that ``result`` raised, if it did; never for a refused login."""
        for shortest, longest in RE_ASK_AFTER_S:
            verdict = result.verdict(Check.STREAM) if result is not None else None
            suspect = verdict is not None and verdict.outcome is Outcome.FAILING
            if result is None or not suspect or result.memory.failures >= self._confirm_after:
                return
            self._suspects.add(target.eye)
            try:
                await self._pause(random.uniform(shortest, longest))
                result = await self.once(target, Depth.LIVENESS)
            finally:
                self._suspects.discard(target.eye)

    async def once(
        self,
        target: Target,
        depth: Depth,
        *,
        record: bool = False,
        urgent: bool = False,
        told: Told | None = None,
    ) -> ProbeResult | None:
        """Ask one eye once, when its device and this process have a place, and hand the result on.

        ``record`` keeps the whole exchange; ``urgent`` goes before those whose turn it is, because somebody
        waits; ``told`` hears of each rung as it ends. ``None``: the eye may not be asked any more (see
        ``follow``).
        """
        result = await self._probe(target, depth, record, urgent, told)
        if result is None:
            return None
        self.memories[target.eye] = result.memory
        for verdict in result.verdicts:
            self._tools.counters.probes.labels(check=verdict.check.value, outcome=verdict.outcome.value).inc()
        self._hand_on(result)
        return result

    @asynccontextmanager
    async def at_the_door(self, target: Target) -> AsyncIterator[None]:
        """Have a place at the eye's device while the block lasts, for something else than a probe."""
        async with self._door(target).passed(urgent=False):
            yield

    async def _ask_at(self, target: Target, depth: Depth, due_at: float) -> None:
        wait = due_at - self._tools.clock().timestamp()
        if wait > 0:
            await self._pause(wait)
        if target.eye in self._dropped:
            return
        self._tools.counters.sweep_lag.set(max(0.0, self._tools.clock().timestamp() - due_at))
        await self.ask(target, depth)

    async def _probe(
        self, target: Target, depth: Depth, record: bool, urgent: bool, told: Told | None
    ) -> ProbeResult | None:
        eye, begun = target.eye, False
        if eye in self._dropped:
            return None
        patience = asyncio.timeout(target.interval_s)
        self._asking[eye].append(patience)
        try:
            async with patience, self._door(target).passed(urgent=urgent), self._places:
                if eye in self._dropped:
                    return None
                target = self._as_known_now(target)
                if target.wrong_device:
                    return _not_asked(target, depth, self._tools.clock(), Reason.WRONG_DEVICE)
                patience.reschedule(None)  # from here on the probe keeps its own time
                begun = True
                return await self._climb(target, depth, record, told)
        except TimeoutError:
            if begun or eye in self._dropped:
                return None
            return _not_asked(target, depth, self._tools.clock(), Reason.PROBE_SKIPPED_BACKPRESSURE)
        finally:
            self._asking[eye].remove(patience)
            if not self._asking[eye]:
                del self._asking[eye]

    def _as_known_now(self, target: Target) -> Target:
        """Much may have changed while it waited for its turn."""
        target = self._followed.get(target.eye, target)
        return replace(target, memory=self.memories.get(target.eye, target.memory))

    async def _climb(self, target: Target, depth: Depth, record: bool, told: Told | None) -> ProbeResult:
        tools = self._tools
        tools.counters.sessions_open.inc()
        try:
            result = await climb(
                target,
                depth,
                logins=tools.logins,
                senses=tools.senses,
                clock=tools.clock,
                timeouts=tools.timeouts,
                record=record,
                told=told,
            )
            return result if await self._bears_witness(target, result) else _of_our_line(target, result)
        except Exception:
            # Our bug, and one eye's: it must be seen in the log, and the other eyes must still be asked.
            log.exception("probe failed", eye=target.eye)
            return _not_asked(target, depth, tools.clock(), Reason.MONITOR_INTERNAL_ERROR)
        finally:
            tools.counters.sessions_open.dec()

    async def _bears_witness(self, target: Target, result: ProbeResult) -> bool:
        """Whether the result speaks of the eye, and not of a line of ours that is cut."""
        verdict = result.verdict(Check.STREAM)
        if verdict is None or verdict.outcome is not Outcome.FAILING or verdict.reason not in CUT:
            return True
        return await self._tools.canaries.bear(target.site)

    def _door(self, target: Target) -> "_Door":
        device = target.site, target.device
        door = self._doors.setdefault(device, _Door())
        door.widen(self._sessions.get(device, target.sessions))
        return door


class _Door:
    """As many sessions as one device bears at a time; the urgent first, then first come, first served."""

    def __init__(self) -> None:
        self.sessions = 1
        self._inside = 0
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []  # a heap
        self._numbers = count()

    def widen(self, sessions: int) -> None:
        """Let in so many from now on; who is inside stays, and counts."""
        self.sessions = sessions
        self._let_in()

    @asynccontextmanager
    async def passed(self, *, urgent: bool) -> AsyncIterator[None]:
        """Be inside while the block lasts."""
        place = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (not urgent, next(self._numbers), place))
        self._let_in()
        try:
            await place
            yield
        finally:
            if not place.cancelled():  # else: it was never let in
                self._inside -= 1
                self._let_in()

    def _let_in(self) -> None:
        while self._waiting and self._inside < self.sessions:
            *_, place = heapq.heappop(self._waiting)
            if not place.done():  # else: who waited has gone
                self._inside += 1
                place.set_result(None)


def _not_asked(target: Target, depth: Depth, now: datetime, reason: Reason) -> ProbeResult:
    """The monitor could not ask: unknown, and nothing learned of the camera."""
    verdict = Verdict(Check.STREAM, Outcome.UNKNOWN, reason, target.interval_s)
    return ProbeResult(target.eye, now, depth, 0.0, (verdict,), memory=replace(target.memory, failures=0))


def _of_our_line(target: Target, result: ProbeResult) -> ProbeResult:
    """What a probe saw while our own line was cut: nothing of the camera."""
    verdict = Verdict(Check.STREAM, Outcome.UNKNOWN, Reason.VANTAGE_SUSPECT, target.interval_s)
    return replace(result, verdicts=(verdict,), memory=replace(result.memory, failures=0))
