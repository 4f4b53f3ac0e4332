"""Alerts at work beside the monitor: routes, delivers, listens, and pings, off the loop that probes."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from camera_registry.alerts import heartbeat, routes
from camera_registry.alerts.delivery import Delivery, Senders
from camera_registry.alerts.failures import NotSent
from camera_registry.alerts.listening import Listener
from camera_registry.alerts.replies import Desk, Strangers
from camera_registry.alerts.zalo import Bot
from camera_registry.monitor import Monitor, database_may_be_away
from camera_registry.scheduler import Job, Jobs

log = structlog.get_logger(__name__)

ROUTE_S = 5.0
DELIVER_S = 1.0
HEARTBEAT_S = 60.0


class Alerting:
    """Enter to begin, leave to stop; what is being sent then is waited for.

    Its threads are its own: probes and pages wait for no other side.
    """

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        senders = Senders(monitor.database, monitor.credentials, monitor.settings)
        self._delivery = Delivery(monitor.database, senders, monitor.counters, monitor.clock)
        self._threads = ThreadPoolExecutor(3, "alerts")  # one for each job
        self._listener: Listener | None = None
        self._ill = ""

    async def __aenter__(self) -> "Alerting":
        monitor, settings = self._monitor, self._monitor.settings
        jobs: dict[str, tuple[float, Job]] = {
            "route": (ROUTE_S, self._route),
            "deliver": (DELIVER_S, self._deliver),
        }
        if settings.heartbeat_url is not None:
            jobs["heartbeat"] = (HEARTBEAT_S, self.beat)
        if settings.zalo_bot_token is not None:
            desk = Desk(monitor.credentials, settings.zone, settings.report_days, Strangers())
            bot = Bot(settings.zalo_api_url, settings.zalo_bot_token)
            self._listener = Listener(monitor.database, bot, desk, monitor.clock)
        self._jobs = Jobs(jobs)
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self._jobs.stop()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        if self._listener is not None:
            self._listener.close()
        self._delivery.close()
        self._threads.shutdown()

    async def _route(self) -> None:
        with database_may_be_away("route"):
            monitor = self._monitor
            await self._in_thread(routes.route, monitor.database, monitor.settings.zone, monitor.clock())

    async def _deliver(self) -> None:
        with database_may_be_away("deliver"):
            await self._in_thread(self._delivery.look)

    async def beat(self) -> None:
        """Ask the heartbeat's address, where the monitor is well."""
        with database_may_be_away("heartbeat"):
            await self._in_thread(self._ping)

    def _ping(self) -> None:
        monitor, now = self._monitor, self._monitor.clock()
        url = monitor.settings.heartbeat_url
        assert url is not None
        with monitor.database.reading() as session:
            ill = heartbeat.illness(session, monitor.settings.zone, monitor.settings.silence_factor, now)
        if ill and ill != self._ill:
            log.error("no heartbeat: the monitor is ill", reason=ill)
        self._ill = ill
        if ill:
            return
        try:
            heartbeat.ping(url.get_secret_value())
        except NotSent as failure:
            log.warning("the heartbeat's address does not answer", reason=failure.reason)
        else:
            monitor.counters.heartbeat_at.set(now.timestamp())

    async def _in_thread(self, work: Callable[..., object], *args: object) -> None:
        await asyncio.get_running_loop().run_in_executor(self._threads, partial(work, *args))
