"""``serve``: web, scheduler and probes in one process and one loop; its stop leaves no session open."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from typing import Annotated

import structlog
import typer
import uvicorn
import uvloop

from camera_registry.api.broadcast import Broadcaster
from camera_registry.app import create_app, refuse_public_bind
from camera_registry.commands.common import Refused, command, now, say, stop_on_signal
from camera_registry.commands.storage import open_credentials, open_database
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database, Role, RoleTaken
from camera_registry.errands import Errands
from camera_registry.i18n import N_
from camera_registry.live import LiveEye
from camera_registry.monitor import Monitor, Running, database_may_be_away, prepare
from camera_registry.scheduler import Jobs
from camera_registry.settings import Settings
from camera_registry.survey import Surveyor

log = structlog.get_logger(__name__)

BACKLOG = 128
TRY_S = 1.0  # between two looks at who has the role
ALREADY = N_("Another process already probes with this database.")


def add_to(app: typer.Typer) -> None:
    app.command()(serve)


def serve(
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
) -> None:
    """Probe every started eye on its schedule, judge, and show pages and metrics."""
    with command() as settings, open_database(settings) as database:
        refuse_public_bind(host)
        credentials = open_credentials(settings, database)

        async def until_stopped() -> None:
            stop = stop_on_signal()
            async with serving(database, settings, credentials, now, stop, host=host, port=port) as (
                _,
                address,
            ):
                say(settings, N_("Serving at {address} - stop with Ctrl-C."), address=address)
                await stop.wait()
                say(settings, N_("Stopping: closing the sessions on the cameras."))

        uvloop.run(until_stopped())


@asynccontextmanager
async def serving(
    database: Database,
    settings: Settings,
    credentials: CredentialStore,
    clock: Callable[[], datetime],
    stop: asyncio.Event,
    *,
    host: str,
    port: int,
    notice: str | None = None,
) -> AsyncIterator[tuple[Monitor, str]]:
    """Serve and probe while the block lasts; gives the monitor and the address of the pages.

    A command that asks eyes at this moment is waited for, until ``stop`` is set. Raises
    ``PublicBindRefused`` for an address that others could reach, ``Refused`` for one in use, and where
    another process already serves with this database.
    """
    refuse_public_bind(host)
    with ExitStack() as held:
        try:
            held.enter_context(database.hold(Role.SERVER))
        except RoleTaken:
            raise Refused(ALREADY) from None
        still_ours = await _only_prober(database, settings, stop, held)
        async with (
            _kept(still_ours),
            _serving(database, settings, credentials, clock, host, port, notice) as served,
        ):
            yield served


async def _only_prober(
    database: Database, settings: Settings, stop: asyncio.Event, held: ExitStack
) -> Callable[[], bool]:
    """Become the one who asks eyes. A command that asks some now ends soon; a ``start`` takes its minutes."""
    told = False
    while True:
        try:
            return held.enter_context(database.hold(Role.PROBER))
        except RoleTaken:
            if stop.is_set():
                raise Refused(ALREADY) from None
            if not told:
                say(settings, N_("A command is asking eyes at this moment; waiting until it has ended."))
                told = True
            await asyncio.sleep(TRY_S)


@asynccontextmanager
async def _kept(still_ours: Callable[[], bool]) -> AsyncIterator[None]:
    """Look after the role while the block lasts: a database that was restarted has forgotten who had it."""

    async def look() -> None:
        with database_may_be_away("role"):
            if not await asyncio.to_thread(still_ours):
                log.error("another process asks eyes, too: it took the role while the database was away")

    jobs = Jobs({"role": (TRY_S, look)})
    try:
        yield
    finally:
        await jobs.stop()


@asynccontextmanager
async def _serving(
    database: Database,
    settings: Settings,
    credentials: CredentialStore,
    clock: Callable[[], datetime],
    host: str,
    port: int,
    notice: str | None,
) -> AsyncIterator[tuple[Monitor, str]]:
    listener = _listen(host, port)
    counters, broadcaster = Counters.new(), Broadcaster()
    monitor = prepare(database, settings, credentials, counters, clock, broadcaster.publish)
    app = create_app(
        database,
        settings,
        counters=counters,
        broadcaster=broadcaster,
        notice=notice,
        now=clock,
        look=LiveEye(monitor),
    )
    server = _Server(
        uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
    )
    try:
        async with Running(monitor) as running, Errands(monitor, running.follower), Surveyor(monitor):
            web = asyncio.create_task(server.serve([listener]))
            try:
                yield monitor, f"http://{host}:{listener.getsockname()[1]}/"
            finally:
                broadcaster.close()
                server.should_exit = True
                await web
    finally:
        monitor.close()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        text = N_("Cannot listen on {host}, port {port}: {reason}")
        raise Refused(text, host=host, port=port, reason=error.strerror) from None


class _Server(uvicorn.Server):
    """Signals are ours: the probes must end in good order, too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
