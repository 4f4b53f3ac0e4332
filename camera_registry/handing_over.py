"""Starting the eyes of a site that its own machine asks: stage by stage, by what that machine tells.

An eye is among the targets of the machine once it is marked as started. So each stage is marked, waited for,
and taken back where logins are refused, or where the machine tells nothing of it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import select, update

from camera_registry import models
from camera_registry.monitor import Monitor
from camera_registry.plan import Plan
from camera_registry.rollout import REFUSED, Progress, Started, Tell, bearable, mark_started, stages
from probes.result import LoginKey

LOOK_S = 2.0  # between two looks at what was told
SLACK_S = 120.0  # beyond the interval: for the way of the targets, the probes, and the way back


async def hand_over(
    monitor: Monitor, plan: Plan, tell: Tell, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> Started:
    """Start the eyes of ``plan``; as ``roll_out``. What the machine is silent about is not started."""
    targets = sorted((ask.target for shard in plan.shards for ask in shard.asks), key=lambda t: t.eye)
    longest = max((t.interval_s for t in targets), default=0.0)
    so_far = Started(0, 0, 0, None)
    for stage, group in stages(targets):
        keys = {target.eye: target.login_key for target in group}
        began, told = monitor.clock(), dict[str, bool]()
        reached = Progress(stage, len(group), so_far)
        try:
            await asyncio.to_thread(mark_started, monitor, list(keys))
            until = began + timedelta(seconds=longest + SLACK_S)
            while len(told) < len(group) and monitor.clock() < until:
                await pause(LOOK_S)
                told = await asyncio.to_thread(_told, monitor, list(keys), began)
                reached = replace(reached, asked=len(told), refused=_turned_away(keys, told))
                tell(reached)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(_take_back, monitor, keys.keys() - told.keys()))
            raise
        if reached.refused > bearable(stage, len(group)):
            await asyncio.to_thread(_take_back, monitor, keys.keys())
            return replace(reached.total, stopped=stage)
        await asyncio.to_thread(_take_back, monitor, keys.keys() - told.keys())
        reached = replace(reached, started=len(told))
        tell(reached)
        so_far = reached.total
        if not told:
            break  # nobody asks there
    return so_far


def _told(monitor: Monitor, codes: Collection[str], since: datetime) -> dict[str, bool]:
    """Of the eyes that were asked since, whether their login was refused."""
    with monitor.database.reading() as session:
        rows = session.execute(
            select(models.Eye.code, models.EyeState.probed_at, models.EyeState.rungs)
            .join(models.EyeState)
            .where(models.Eye.code.in_(codes), models.EyeState.probed_at >= since)
        ).all()
    refused = {str(reason) for reason in REFUSED}
    return {
        code: any(reason in refused and datetime.fromisoformat(at) >= since for _, _, reason, _, at in rungs)
        for code, _, rungs in rows
    }


def _turned_away(keys: dict[str, LoginKey | None], told: dict[str, bool]) -> int:
    return len({keys[eye] for eye, refused in told.items() if refused})


def _take_back(monitor: Monitor, codes: Collection[str]) -> None:
    if not codes:
        return
    with monitor.database.transaction() as session:
        session.execute(update(models.Eye).where(models.Eye.code.in_(codes)).values(started_at=None))
