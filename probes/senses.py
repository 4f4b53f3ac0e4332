"""What a deep probe looks with: processes that decode and measure, and HTTP.

OpenCV, FFmpeg and the HTTP client are opened when there is something to look at: a check that runs each
minute, of a camera that is dead, must be cheap to start.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from probes.errors import WorkerError
from probes.logins import LoginGate
from probes.reasons import Reason
from probes.result import Seen, Sight, Target
from probes.rtsp.keyframe import Keyframe

if TYPE_CHECKING:
    from probes.snapshot import SnapshotTaken
    from probes.web import Web

P = ParamSpec("P")
T = TypeVar("T")


class Runner(Protocol):
    """Who runs what looks at a picture: ``Workers``, or ``Here``."""

    async def run(self, limit_s: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """``work(*args, **kwargs)``, in ``limit_s`` seconds. Raises what it raises, and ``WorkerError``."""


class Here:
    """This process, for a program that asks one eye once: what crashes it is seen by whoever called it."""

    async def run(self, limit_s: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            async with asyncio.timeout(limit_s):
                return await asyncio.to_thread(work, *args, **kwargs)
        except TimeoutError as error:
            raise WorkerError(Reason.DECODE_FAILED, f"no picture in {limit_s:g} s") from error


@dataclass(frozen=True, slots=True)
class Looked:
    """What a keyframe showed, and the series of the eye's pictures, grown by it."""

    reason: Reason
    sight: Sight
    similarity: float | None
    seen: Seen = field(repr=False)


class Senses:
    """Shared by all probes of a process; without ``web`` no snapshot is taken."""

    def __init__(self, runner: Runner, web: "Web | None" = None) -> None:
        self._runner = runner
        self._web = web

    async def look(self, target: Target, keyframe: Keyframe, limit_s: float, now: datetime) -> Looked:
        """Decode, measure and judge. Raises ``DecodeError`` and ``WorkerError``."""
        from probes.picture import judge, watch
        from probes.sight import glance_at_keyframe

        glance = await self._runner.run(limit_s, glance_at_keyframe, keyframe.codec, keyframe.data)
        seen = watch(target.memory.seen, glance, now)
        judgement = judge(glance.sight, target.baselines, seen, now, ptz=target.ptz)
        return Looked(judgement.reason, glance.sight, judgement.similarity, seen)

    async def snapshot(self, target: Target, logins: LoginGate, now: datetime) -> "SnapshotTaken | None":
        """``None`` where there is nothing to ask for, or nothing to ask with."""
        if self._web is None or target.snapshot_path is None:
            return None
        from probes.snapshot import take

        return await take(target, self._web, logins, self._runner, now)
