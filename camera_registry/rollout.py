"""Starting to ask eyes: first say what it will cost, then one canary, then ten, then all; stop by itself
when logins are refused.

Importing probes nothing. An eye is *started* once it was asked here; from then on the round asks it.
"""

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import update

from camera_registry import models
from camera_registry.monitor import Monitor
from camera_registry.plan import Pace, Plan
from probes.reasons import Check, Reason
from probes.result import Depth, LoginKey, ProbeResult, Target

FEW = 10
REFUSED_SHARE = 0.1  # of those asked: more refused logins than that stop the start
REFUSED_AT_LEAST = 2
SUB_STREAM_BYTES = 60_000  # of one liveness probe (46 KB measured at 360p, with handshake and half a GOP)
STARTED_AT_ONCE = 200  # eyes marked in one transaction
REFUSED = frozenset({Reason.AUTH_REJECTED, Reason.AUTH_SUSPENDED, Reason.AUTH_LOCKED})


class Stage(StrEnum):
    """The steps of a start."""

    CANARY = "canary"
    FEW = "few"
    ALL = "all"


class Ending(StrEnum):
    """How a start that somebody asked for has ended."""

    DONE = "done"
    REFUSED = "refused"  # it stopped by itself: too many logins were refused
    STOPPED = "stopped"  # somebody asked it to
    INTERRUPTED = "interrupted"  # by the end of the process that asked, or nobody began it in time


@dataclass(frozen=True, slots=True)
class Forecast:
    """What asking these eyes will ask of the network and of the devices."""

    eyes: int
    devices: int
    logins: int  # keys of (site, device, credential), each tried once first
    without_credential: int
    mbit_s: float  # once the round runs
    minutes: float  # until all have been asked once
    sessions: tuple[tuple[int, int], ...]  # (at a time on one device, on so many devices)
    slow: tuple[Pace, ...]  # devices that cannot be asked each interval


@dataclass(frozen=True, slots=True)
class Started:
    """How a start ended. ``stopped`` names the stage at which too many logins were refused."""

    asked: int
    started: int
    refused: int
    stopped: Stage | None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a start has come: ``asked`` of the ``eyes`` of its stage, with so many logins refused."""

    stage: Stage
    eyes: int
    before: Started  # what the stages before it came to
    asked: int = 0
    started: int = 0
    refused: int = 0

    @property
    def total(self) -> Started:
        """What the start would come to if it ended here."""
        before = self.before
        return Started(
            before.asked + self.asked, before.started + self.started, before.refused + self.refused, None
        )


Tell = Callable[[Progress], None]


def forecast(plan: Plan) -> Forecast:
    """What the plan asks of devices and lines."""
    asks = [ask for shard in plan.shards for ask in shard.asks]
    per_second = sum(1 / ask.target.interval_s for ask in asks)
    longest = max((ask.target.interval_s for ask in asks), default=0.0)
    return Forecast(
        eyes=len(asks),
        devices=len(plan.paces),
        logins=len({ask.target.login_key for ask in asks} - {None}),
        without_credential=sum(ask.target.credential is None for ask in asks),
        mbit_s=per_second * SUB_STREAM_BYTES * 8 / 1e6,
        minutes=_first_round_s(len(asks), longest) / 60,
        sessions=tuple(sorted(Counter(pace.sessions for pace in plan.paces).items())),
        slow=tuple(pace for pace in plan.paces if pace.every > 1),
    )


async def roll_out(
    monitor: Monitor,
    plan: Plan,
    tell: Tell,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Started:
    """Ask the eyes of ``plan`` for the first time and start them. ``tell`` hears of each one asked,
    and of each stage that was started.

    Stops where more logins are refused than ``REFUSED_SHARE`` (one is enough for the canary); the eyes
    of the stage that failed, and of those after it, are not started, nor are those that may not be asked any
    more when their turn comes. Somebody must write the results meanwhile (``monitor.attending``).
    """
    targets = sorted((ask.target for shard in plan.shards for ask in shard.asks), key=lambda t: t.eye)
    longest = max((t.interval_s for t in targets), default=0.0)
    so_far = Started(0, 0, 0, None)
    suspects: list[asyncio.Task[None]] = []
    try:
        for stage, group in stages(targets):
            spread_s = _first_round_s(len(group), longest) if stage is Stage.ALL else 0.0
            begun = Progress(stage, len(group), so_far)
            asked, reached = await _ask_all(monitor, group, spread_s, pause, begun, tell, suspects)
            if reached.refused > bearable(stage, len(group)):
                so_far = replace(reached.total, stopped=stage)
                break
            await monitor.results.write()
            await asyncio.to_thread(mark_started, monitor, asked)
            reached = replace(reached, started=len(asked))
            tell(reached)
            so_far = reached.total
        await asyncio.gather(*suspects)
    finally:
        for task in suspects:
            task.cancel()
        await asyncio.gather(*suspects, return_exceptions=True)
        await monitor.results.write()
    return so_far


def bearable(stage: Stage, eyes: int) -> int:
    """How many refused logins a stage may meet: of the canaries none, later a camera may have its own."""
    if stage is Stage.CANARY:
        return 0
    return max(REFUSED_AT_LEAST, math.floor(REFUSED_SHARE * eyes))


def stages(targets: Sequence[Target]) -> list[tuple[Stage, list[Target]]]:
    """One eye for each shared credential, then ten, then the rest; no eye twice.

    Where devices have credentials of their own, one canary stands for all: it tells nothing of the others.
    """
    firsts: dict[str | None, Target] = {}
    for target in targets:
        firsts.setdefault(target.credential.id if target.credential else None, target)
    canaries = list(firsts.values())[: len(firsts) if len(firsts) <= FEW else 1]
    chosen = {target.eye for target in canaries}
    rest = [target for target in targets if target.eye not in chosen]
    stages = [(Stage.CANARY, canaries), (Stage.FEW, rest[:FEW]), (Stage.ALL, rest[FEW:])]
    return [(stage, group) for stage, group in stages if group]


def _first_round_s(eyes: int, interval_s: float) -> float:
    """The first round goes at three times the pace of the later ones: somebody waits for it."""
    return interval_s / 3 if eyes > FEW else 0.0


async def _ask_all(
    monitor: Monitor,
    targets: Sequence[Target],
    spread_s: float,
    pause: Callable[[float], Awaitable[None]],
    begun: Progress,
    tell: Tell,
    suspects: list[asyncio.Task[None]],
) -> tuple[list[str], Progress]:
    """Ask each once, evenly spread; returns who was asked, and how far that came.

    Those that fail are asked again by tasks that go on as ``suspects``.
    """
    asked: list[str] = []
    turned_away: set[LoginKey | None] = set()

    def reached() -> Progress:
        return replace(begun, asked=len(asked), refused=len(turned_away))

    async def one(number: int, target: Target) -> None:
        await pause(spread_s * number / len(targets))
        result = await monitor.sweeper.once(target, Depth.LIVENESS)
        if result is None:
            return
        asked.append(target.eye)
        if _refused(result):
            turned_away.add(target.login_key)
        suspects.append(asyncio.create_task(monitor.sweeper.ask_again(target, result)))
        tell(reached())

    async with asyncio.TaskGroup() as tasks:
        for number, target in enumerate(targets):
            tasks.create_task(one(number, target))
    return asked, reached()


def _refused(result: ProbeResult) -> bool:
    verdict = result.verdict(Check.STREAM)
    return verdict is not None and verdict.reason in REFUSED


def mark_started(monitor: Monitor, codes: Sequence[str]) -> None:
    """Have the round ask these eyes, from now on."""
    now = monitor.clock()
    for first in range(0, len(codes), STARTED_AT_ONCE):
        with monitor.database.transaction() as session:
            session.execute(
                update(models.Eye)
                .where(models.Eye.code.in_(codes[first : first + STARTED_AT_ONCE]))
                .where(models.Eye.started_at.is_(None))
                .values(started_at=now)
            )
