"""Reports at work beside the monitor: asked for after each period, made, and let go when they are old."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from camera_registry.monitor import Monitor, database_may_be_away
from camera_registry.reports import jobs, schedules
from camera_registry.reports.making import Drawing, Maker
from camera_registry.scheduler import Jobs

MAKE_S = 1.0
SCHEDULES_S = 60.0
TIDY_S = 600.0


class Reporting:
    """Enter to begin, leave to stop: what is being made then is given back, for whoever comes next."""

    def __init__(self, monitor: Monitor, drawing: Drawing, *, synthetic: bool = False) -> None:
        self._monitor = monitor
        self._maker = Maker(
            *(monitor.database, monitor.credentials, monitor.settings, drawing, monitor.clock),
            synthetic=synthetic,
        )
        self._threads = ThreadPoolExecutor(2, "reports")  # what is made, and all else

    async def __aenter__(self) -> "Reporting":
        self._jobs = Jobs(
            {
                "reports": (MAKE_S, self._make),
                "schedules": (SCHEDULES_S, self._schedule),
                "old reports": (TIDY_S, self._tidy),
            }
        )
        return self

    async def __aexit__(self, *_exc: object) -> None:
        self._maker.stop()
        await self._jobs.stop()
        await asyncio.to_thread(self._threads.shutdown)

    async def _make(self) -> None:
        with database_may_be_away("reports"):
            await self._in_thread(self._maker.look)

    async def _schedule(self) -> None:
        with database_may_be_away("schedules"):
            await self._in_thread(self.look_at_schedules)

    async def _tidy(self) -> None:
        with database_may_be_away("old reports"):
            await self._in_thread(self._forget)

    def look_at_schedules(self) -> None:
        """Close months, where that is set, and ask for the reports whose periods are over."""
        monitor, now = self._monitor, self._monitor.clock()
        loaded = monitor.settings
        lateness = timedelta(days=loaded.lateness_days)
        if loaded.close_months:
            schedules.close_months(monitor.database, loaded.zone, now, lateness)
        schedules.ask_due(*(monitor.database, loaded.zone, now, lateness), after_closing=loaded.close_months)

    def _forget(self) -> None:
        with self._monitor.database.transaction() as session:
            jobs.forget_expired(session, self._monitor.clock())

    async def _in_thread(self, work: Callable[[], object]) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, work)
