"""``serve``: web, scheduler and probes in one process and one loop; its stop leaves no session open."""

import asyncio
import signal
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
from camera_registry.commands.common import Refused, command, now, open_credentials, open_database, say
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import AlreadyProbed, Database
from camera_registry.i18n import N_
from camera_registry.monitor import Monitor, Running, prepare
from camera_registry.settings import Settings

log = structlog.get_logger(__name__)

BACKLOG = 128


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
            async with serving(database, settings, credentials, now, host=host, port=port) as (_, address):
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
    *,
    host: str,
    port: int,
    notice: str | None = None,
) -> AsyncIterator[tuple[Monitor, str]]:
    """Serve and probe while the block lasts; gives the monitor and the address of the pages.

    Raises ``PublicBindRefused`` for an address that others could reach, ``Refused`` for one in use, and
    where another process already probes with this database.
    """
    refuse_public_bind(host)
    with ExitStack() as held:
        try:
            held.enter_context(database.only_prober())
        except AlreadyProbed:
            raise Refused(N_("Another process already probes with this database.")) from None
        async with _serving(database, settings, credentials, clock, host, port, notice) as served:
            yield served


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
    app = create_app(database, settings, counters=counters, broadcaster=broadcaster, notice=notice, now=clock)
    server = _Server(
        uvicorn.Config(app, log_level="warning", access_log=False, server_header=False, lifespan="off")
    )
    monitor = prepare(database, settings, credentials, counters, clock, broadcaster.publish)
    try:
        async with Running(monitor):
            web = asyncio.create_task(server.serve([listener]))
            try:
                yield monitor, f"http://{host}:{listener.getsockname()[1]}/"
            finally:
                broadcaster.close()
                server.should_exit = True
                await web
    finally:
        monitor.close()


def stop_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


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
