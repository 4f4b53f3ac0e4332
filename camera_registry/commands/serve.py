"""``serve``: web, scheduler and probes in one process and one loop; its stop leaves no session open."""

import asyncio
import gc
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated

import structlog
import typer
import uvicorn
import uvloop

from camera_registry.alerts.alerting import Alerting
from camera_registry.api.broadcast import Broadcaster
from camera_registry.app import DRAWING, create_app, refuse_public_bind
from camera_registry.audit import Actor
from camera_registry.auth import links, users
from camera_registry.commands.common import Refused, command, now, say, stop_on_signal
from camera_registry.commands.storage import open_credentials, open_database
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database, Role, RoleTaken
from camera_registry.errands import Errands
from camera_registry.errors import reason_of
from camera_registry.i18n import N_
from camera_registry.live import LiveEye
from camera_registry.monitor import Monitor, Running, database_may_be_away, prepare
from camera_registry.reports.reporting import Reporting
from camera_registry.scheduler import Jobs
from camera_registry.settings import Settings
from camera_registry.survey import Surveyor

log = structlog.get_logger(__name__)

BACKLOG = 128
MOST_CONNECTIONS = 500  # at a time; an open page holds one
TRY_S = 1.0  # between two looks at who has the role
HEAR_S = 2.0  # … at what commands have written: an open page shows it as soon
ALREADY = N_("Another process already probes with this database.")


def add_to(app: typer.Typer) -> None:
    app.command()(serve)


@dataclass(frozen=True, slots=True)
class Door:
    """Where to listen; ``tls`` are the files of a certificate, with its chain, and of its key (PEM)."""

    host: str
    port: int
    tls: tuple[Path, Path] | None = None

    @property
    def scheme(self) -> str:
        return "https" if self.tls else "http"


def serve(
    host: Annotated[
        str,
        typer.Option(help="Address to listen on; others than loopback need TLS, or a proxy that speaks it."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = 8000,
    tls_cert: Annotated[
        Path | None, typer.Option(help="Certificate with its chain, PEM; read once, at the start.")
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help="Key of the certificate, PEM.")] = None,
) -> None:
    """Probe every started eye on its schedule, judge, and show pages and metrics.

    Where no administrator could sign in yet, prints a link that lets one in.
    """
    with command() as settings, open_database(settings) as database:
        door = Door(host, port, _certificate(tls_cert, tls_key))
        refuse_public_bind(host, settings, tls=door.tls is not None)
        credentials = open_credentials(settings, database)

        async def until_stopped() -> None:
            stop = stop_on_signal()
            async with serving(database, settings, credentials, now, stop, door) as (_, address):
                say(settings, N_("Serving at {address} - stop with Ctrl-C."), address=address)
                await asyncio.to_thread(_let_the_first_in, database, settings, address)
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
    door: Door,
    notice: str | None = None,
) -> AsyncIterator[tuple[Monitor, str]]:
    """Serve and probe while the block lasts; gives the monitor and the address of the pages.

    A command that asks eyes at this moment is waited for, until ``stop`` is set. Raises
    ``PublicBindRefused`` for an address that others could reach, ``Refused`` for one in use, and where
    another process already serves with this database.
    """
    refuse_public_bind(door.host, settings, tls=door.tls is not None)
    with ExitStack() as held:
        try:
            held.enter_context(database.hold(Role.SERVER))
        except RoleTaken:
            raise Refused(ALREADY) from None
        still_ours = await _only_prober(database, settings, stop, held)
        async with (
            _kept(still_ours),
            _serving(database, settings, credentials, clock, door, notice) as served,
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
    door: Door,
    notice: str | None,
) -> AsyncIterator[tuple[Monitor, str]]:
    listener = _listen(door.host, door.port)
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
        uvicorn.Config(
            app,
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="off",
            limit_concurrency=MOST_CONNECTIONS,
            ssl_certfile=door.tls and door.tls[0],
            ssl_keyfile=door.tls and door.tls[1],
            proxy_headers=bool(settings.trusted_proxies),
            forwarded_allow_ips=list(settings.trusted_proxies),
        )
    )

    async def hear() -> None:
        with database_may_be_away("news"):
            await asyncio.to_thread(database.hear)

    # What is here now stays as long as the process: no collection looks through it again, 0.1 s a time.
    gc.collect()
    gc.freeze()
    try:
        async with (
            Running(monitor) as running,
            Errands(monitor, running.follower),
            Surveyor(monitor),
            Alerting(monitor),
            Reporting(monitor, DRAWING, synthetic=notice is not None),
        ):
            web, news = asyncio.create_task(server.serve([listener])), Jobs({"news": (HEAR_S, hear)})
            try:
                yield monitor, f"{door.scheme}://{_in_address(door.host)}:{listener.getsockname()[1]}/"
            finally:
                await news.stop()
                broadcaster.close()
                server.should_exit = True
                await web
    finally:
        monitor.close()


def _certificate(cert: Path | None, key: Path | None) -> tuple[Path, Path] | None:
    """Both files or none. Raises ``Refused`` where they cannot be used."""
    if cert is None and key is None:
        return None
    if cert is None or key is None:
        raise Refused(N_("TLS needs both --tls-cert and --tls-key."))
    try:
        # A key with a passphrase is refused: nobody is there to type it.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(cert, key, password="")
    except (OSError, ssl.SSLError) as error:
        text = N_("Certificate or key cannot be used: {reason}")
        raise Refused(text, reason=reason_of(error)) from None
    return cert, key


def _let_the_first_in(database: Database, settings: Settings, address: str) -> None:
    """A new registry has nobody who could let others in."""
    with database.transaction() as session:
        name = users.stranded_administrator(session, now())
        path = links.make(session, Actor("serve", "cli"), name, now()) if name else ""
    if name:
        text = N_(
            "Nobody can sign in as administrator yet. This link signs in {name}, once, within {hours} hours:"
        )
        say(settings, text, name=name, hours=links.HOURS)
        typer.echo(f"{address.rstrip('/')}{path}")


def _in_address(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        text = N_("Cannot listen on {host}, port {port}: {reason}")
        plain = OSError(error.errno, os.strerror(error.errno or 0))  # without the address, told once
        raise Refused(text, host=host, port=port, reason=reason_of(plain)) from None


class _Server(uvicorn.Server):
    """Signals are ours: the probes must end in good order, too."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield
