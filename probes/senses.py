"""What a deep probe looks with: processes that decode and measure, and HTTP.

OpenCV, FFmpeg and the HTTP client are opened when there is something to look at: a check that runs each
minute, of a camera that is dead, must be cheap to start.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, ParamSpec, Protocol, TypeVar

from probes.errors import ProbeError, WorkerError
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


@dataclass(frozen=True, slots=True)
class ClockRead:
    """What a device's clock shows: ``offset_s`` is its time minus UTC; ``inexact`` is worth a note."""

    reason: Reason
    offset_s: float | None = None
    inexact: bool = False
    detail: str = ""


def _taken_as_right() -> bool:
    return True


class Senses:
    """Shared by all probes of a process; without ``web`` no snapshot is taken and no clock is read.

    ``host_clock`` tells whether our own clock is synchronised: by one that is not, no other is judged.
    """

    def __init__(
        self, runner: Runner, web: "Web | None" = None, host_clock: Callable[[], bool] = _taken_as_right
    ) -> None:
        self._runner = runner
        self._web = web
        self._host_clock = host_clock

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

    async def clock(
        self, target: Target, date: datetime | None, now: Callable[[], datetime]
    ) -> ClockRead | None:
        """The device's clock by ONVIF; without that by ``date``, which it has just told over HTTP.

        ``None`` where there is neither.
        """
        if self._web is None or (target.onvif_port is None and date is None):
            return None
        from probes.onvif.clock import clock_noted, clock_of_date, clock_reason, device_clock

        if not self._host_clock():
            return ClockRead(Reason.HOST_CLOCK_UNSYNCED)
        if target.onvif_port is None:
            read = clock_of_date(date, now())
        else:
            try:
                read = await device_clock(target, self._web, now)
            except ProbeError as error:
                return ClockRead(Reason.CLOCK_UNREADABLE, detail=str(error))
        reason = clock_reason(read)
        return ClockRead(reason, read.offset_s, inexact=reason is Reason.OK and clock_noted(read))
