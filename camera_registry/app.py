"""The front door of the web: joins the API and the pages into one application."""

from ipaddress import ip_address

from fastapi import FastAPI

from camera_registry.api import events
from camera_registry.api.broadcast import Broadcaster
from camera_registry.api.desk import Desk
from camera_registry.db import Database
from camera_registry.i18n import N_, Language, translate
from camera_registry.metrics import Counters
from camera_registry.settings import Settings


def create_app(
    database: Database,
    settings: Settings,
    *,
    counters: Counters,
    broadcaster: Broadcaster,
    notice: str | None = None,
) -> FastAPI:
    """The web application.

    ``notice`` is an English msgid shown above every page, such as that the data are synthetic. Before the
    server stops, call ``broadcaster.close()``: open pages hold their streams for as long as they may.
    """
    app = FastAPI(title="Camera registry", docs_url=None, redoc_url=None)
    app.state.desk = Desk(database, settings, counters, broadcaster, notice)
    app.include_router(events.router)
    return app


class PublicBindRefused(Exception):
    """Asked to listen where others could reach pages that nobody has to sign in to."""

    MESSAGE = N_(
        "Cannot listen on {host}: there is no sign-in yet, so only this machine may connect. "
        "Use 127.0.0.1, and an SSH tunnel to look from elsewhere."
    )

    def __init__(self, host: str) -> None:
        self.host = host
        super().__init__("\n".join(self.text(language) for language in ("vi", "en")))

    def text(self, language: Language) -> str:
        return translate(self.MESSAGE, language, host=self.host)


def refuse_public_bind(host: str) -> None:
    """Raise ``PublicBindRefused`` unless ``host`` is a loopback address. Names but ``localhost`` are refused:
    what they resolve to may change between this check and the bind."""
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise PublicBindRefused(host)
