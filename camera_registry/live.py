"""One live picture for a person who asks: taken through the same door as a probe, in memory, kept nowhere."""

import asyncio
from datetime import datetime

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.monitor import Monitor
from probes.ladder import climb
from probes.reasons import Outcome
from probes.result import Depth, Target
from probes.rtsp.keyframe import Keyframe
from probes.senses import Looked, Runner, Senses

AT_ONCE = 2  # each holds a session of a camera, and a thread of the web
PATIENCE_S = 60.0  # a deep probe takes 47 s at most


class LiveError(RegistryError):
    """No picture came."""


class LiveEye:
    """Takes live pictures with what a monitor asks with: its login book, its workers, its doors."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self._loop = asyncio.get_running_loop()
        self._places = asyncio.Semaphore(AT_ONCE)

    def __call__(self, eye: str) -> bytes:
        """A JPEG of what an eye shows now; for threads other than the loop's. Raises ``LiveError``."""
        return asyncio.run_coroutine_threadsafe(self.look(eye), self._loop).result()

    async def look(self, eye: str) -> bytes:
        """As above, in the loop."""
        target = self._monitor.sweeper.target(eye)
        if target is None or target.wrong_device:
            raise LiveError(N_('The eye "{code}" may not be asked over the network.'), code=eye)
        if self._places.locked():  # nobody waits here: a thread of the web would wait along
            raise LiveError(N_("Others are taking live pictures just now. Try again in a minute."))
        drawing = _Drawing(self._monitor.workers)
        try:
            async with (
                asyncio.timeout(PATIENCE_S),
                self._places,
                self._monitor.sweeper.at_the_door(target),
            ):
                logins, clock = self._monitor.tools.logins, self._monitor.clock
                result = await climb(target, Depth.DEEP, logins=logins, senses=drawing, clock=clock)
        except TimeoutError:
            raise LiveError(N_("No picture came: {reason}"), reason="PROBE_BUDGET_EXCEEDED") from None
        if drawing.jpeg is None:
            reasons = [verdict.reason for verdict in result.verdicts if verdict.outcome is not Outcome.OK]
            raise LiveError(N_("No picture came: {reason}"), reason=", ".join(reasons))
        return drawing.jpeg


class _Drawing(Senses):
    """Looks at a keyframe as any probe does, and draws it."""

    def __init__(self, runner: Runner) -> None:
        super().__init__(runner)
        self.jpeg: bytes | None = None

    async def look(self, target: Target, keyframe: Keyframe, limit_s: float, now: datetime) -> Looked:
        from probes.still import draw_keyframe  # opens the decoder, which serve needs for nothing else

        self.jpeg = await self._runner.run(limit_s, draw_keyframe, keyframe.codec, keyframe.data)
        return await super().look(target, keyframe, limit_s, now)
