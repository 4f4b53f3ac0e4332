"""The pulse of the monitor for those who ask whether it is alive: read once in a while, however many ask."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from camera_registry.census import Pulse

KEPT = timedelta(seconds=5)


class Pulses:
    """Anybody may ask for the pulse, and it is read of every eye: of many who ask, one reads.

    The others wait, and take what the one has read for as long as ``KEPT``.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: tuple[datetime, Pulse] | None = None

    def at(self, now: datetime, read: Callable[[], Pulse]) -> Pulse:
        """The pulse, ``KEPT`` old at most. What ``read`` raises is raised to whoever had it called."""
        with self._lock:
            if self._kept is None or not timedelta() <= now - self._kept[0] < KEPT:
                self._kept = now, read()
            return self._kept[1]
