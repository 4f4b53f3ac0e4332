"""The pulse of the monitor for all who are shown what it measured: read once in a while, however many ask."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from camera_registry.census import Pulse
from camera_registry.units import Scope

KEPT = timedelta(seconds=5)


class Pulses:
    """Anybody may ask for the pulse, and it is read of every eye in scope: of many who ask, one reads.

    The others wait, and take what the one has read for as long as ``KEPT``.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: dict[Scope, tuple[datetime, Pulse]] = {}

    def at(self, scope: Scope, now: datetime, read: Callable[[], Pulse]) -> Pulse:
        """The pulse, ``KEPT`` old at most. What ``read`` raises is raised to whoever had it called."""
        with self._lock:
            self._kept = {
                each: kept for each, kept in self._kept.items() if timedelta() <= now - kept[0] < KEPT
            }
            if scope not in self._kept:
                self._kept[scope] = now, read()
            return self._kept[scope][1]
