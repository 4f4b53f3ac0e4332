"""The web application for tests: made over a database, and served for real on a free port."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from playwright.sync_api import BrowserContext

from camera_registry.api.broadcast import Broadcaster
from camera_registry.api.cookies import NAME
from camera_registry.app import create_app
from camera_registry.auth.roles import Role
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.settings import load
from tests.dashboards.city import NOW
from tests.people import session_token


@dataclass(frozen=True, slots=True)
class Web:
    """An application with what was handed in to it."""

    app: FastAPI
    database: Database
    counters: Counters
    broadcaster: Broadcaster


def make_web(
    database: Database,
    *,
    now: Callable[[], datetime] = lambda: NOW,
    notice: str | None = None,
    look: Callable[[str], bytes] | None = None,
    data_dir: Path = Path("unused"),
    **settings: object,
) -> Web:
    """The application over ``database``: it is ``NOW``, and settings are the usual, unless told otherwise.

    ``data_dir`` has the key of credentials.
    """
    counters, broadcaster = Counters.new(), Broadcaster()
    loaded = load(data_dir=data_dir, **settings)
    app = create_app(
        database, loaded, counters=counters, broadcaster=broadcaster, notice=notice, now=now, look=look
    )
    return Web(app, database, counters, broadcaster)


@contextmanager
def served(web: Web, port: int = 0) -> Iterator[str]:
    """Serve on loopback while the block lasts; yields the address, ``http://127.0.0.1:port``."""
    config = uvicorn.Config(
        web.app, host="127.0.0.1", port=port, log_level="error", timeout_graceful_shutdown=5
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        give_up = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            assert time.monotonic() < give_up, "the server did not start in time"
            time.sleep(0.01)
        taken: int = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{taken}"
    finally:
        web.broadcaster.close()
        server.should_exit = True
        thread.join(10)
    assert not thread.is_alive(), "the server did not stop"


def signed_in(web: Web, role: Role = Role.ADMINISTRATOR, units: Sequence[str] = ()) -> TestClient:
    """A client that has signed in as somebody of this role, who may see these units (uids), or everything."""
    return TestClient(
        web.app,
        base_url="http://localhost",
        headers={"Sec-Fetch-Site": "same-origin"},
        cookies={NAME: session_of(web, role, units)},
        client=("127.0.0.1", 50_000),
    )


def signed_in_browser(
    context: BrowserContext,
    web: Web,
    address: str,
    role: Role = Role.ADMINISTRATOR,
    units: Sequence[str] = (),
) -> None:
    """As ``signed_in``, of a browser that will ask ``address``."""
    context.add_cookies([{"name": NAME, "value": session_of(web, role, units), "url": address}])


def session_of(web: Web, role: Role = Role.ADMINISTRATOR, units: Sequence[str] = ()) -> str:
    """The token of a new session of somebody like this: one user for each role and units."""
    desk = web.app.state.desk
    return session_token(web.database, desk.settings, desk.now(), role, units)
