"""The one room that speaks to Apprise: a few services of other people's, by their URL, and Zalo.

Apprise would ask any address in any way that a URL names (self-hosted services, ``?method=PUT&+Header=``,
files for templates and keys), and whoever makes channels is not whoever runs this machine. So a service is
one of ``SERVICES``, its URL has no arguments, and what it asks goes through ``outbound``: to the addresses
that stand there, with TLS checked, bounded in time and size.

Apprise writes addresses and texts into its log, so its log goes nowhere.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import apprise
import requests
from apprise.plugins.zalo import NotifyZalo
from requests.adapters import HTTPAdapter

from camera_registry.alerts import outbound
from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import NotSent, by_status

PATIENCE_S = 10.0  # to connect, and between two pieces of an answer
MOST_BYTES = 256 * 1024  # that are read of an answer

# Those that offices use and whose addresses are the same for everybody: under these a service may ask.
SERVICES: dict[str, tuple[str, ...]] = {
    "discord": ("https://discord.com/",),
    "gchat": ("https://chat.googleapis.com/",),
    "line": ("https://api.line.me/",),
    "pover": ("https://api.pushover.net/",),
    "slack": ("https://hooks.slack.com/", "https://slack.com/api/"),
    "tgram": ("https://api.telegram.org/",),
    "wxteams": ("https://api.ciscospark.com/", "https://webexapis.com/"),
}

_log = logging.getLogger(apprise.logger.name)
_log.addHandler(logging.NullHandler())
_log.propagate = False


def accepts(url: str) -> bool:
    """Whether it is one of the services, and the URL names all that it needs and nothing else."""
    return _places(url) is not None and _made(url) is not None


def send(url: str, title: str, text: str, deadline: Deadline) -> None:
    """Send plain text to the service of an Apprise URL. Raises ``NotSent``."""
    places = _places(url)
    service = None if places is None else _made(url)
    if places is None or service is None:
        raise NotSent("Apprise does not know the address", for_good=True)
    _notify(service, title, text, _Way(places, deadline))


def send_zalo(api: str, token: str, chat: str, text: str, deadline: Deadline) -> None:
    """Send to a chat of our bot (``token``) at the address ``api`` of the Bot API. Raises ``NotSent``."""
    try:
        bot = NotifyZalo(token=token, targets=[chat], asset=_ASSET)
    except (apprise.exception.AppriseException, TypeError):  # its text quotes the token
        raise NotSent("the bot token is not one") from None
    # The API has had several hosts; the plugin knows one of them.
    place = api.rstrip("/") + "/"
    bot.notify_url = place + "bot{token}/sendMessage"
    _notify(bot, "", text, _Way((place,), deadline))


# The sender is named in no message, redirects lead nowhere else, nothing is kept on disk.
_ASSET = apprise.AppriseAsset(
    app_id="camera-registry",
    http_redirects=False,
    storage_mode=apprise.PersistentStoreMode.MEMORY,
)


def _places(url: str) -> tuple[str, ...] | None:
    """Under which addresses the service of ``url`` may ask; ``None`` where it is none of ours."""
    schema, _, rest = url.partition("://")
    return None if "?" in rest else SERVICES.get(schema.lower())


def _made(url: str) -> apprise.NotifyBase | None:
    made = apprise.Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
    return made if isinstance(made, apprise.NotifyBase) else None


def _notify(service: apprise.NotifyBase, title: str, text: str, way: "_Way") -> None:
    # We keep the pace ourselves, by channel; a new object has sent nothing yet and need not wait either.
    service.request_rate_per_sec = 0
    with way.taken():
        try:
            done = service.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT)
        except Exception as error:  # a plugin of other people's may raise anything, and quote anything
            raise NotSent(f"Apprise failed: {type(error).__name__}") from None
    if not done:
        raise way.failure or NotSent("the service did not take it")


# --- how it asks ------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Way:
    """How one message leaves: under which addresses, until when; ``failure`` is the newest."""

    places: tuple[str, ...]
    deadline: Deadline
    failure: NotSent | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Whatever this thread asks by ``requests`` goes this way."""
        before = _way.set(self)
        try:
            yield
        finally:
            _way.reset(before)

    def ask(self, request: requests.PreparedRequest) -> requests.Response:
        url, body = str(request.url), request.body
        kept = {
            name: value if isinstance(value, str) else value.decode("latin-1")
            for name, value in request.headers.items()
            if name.lower() in _KEPT
        }
        try:
            if not (body is None or isinstance(body, str | bytes)):
                raise NotSent("Apprise failed: it sends a file", for_good=True)
            if not url.startswith(self.places):
                raise NotSent("the service leads elsewhere", for_good=True)
            answer = outbound.exchange(
                *(str(request.method), url),
                deadline=self.deadline,
                patience_s=PATIENCE_S,
                content=body.encode() if isinstance(body, str) else body,
                headers=kept,
                most=MOST_BYTES,
                whole=False,  # its status says that it was taken, whatever becomes of the rest
            )
        except NotSent as failure:
            self.failure = failure
            raise requests.ConnectionError from None
        self.failure = None if 200 <= answer.status < 300 else by_status(answer.status, answer.wait)
        response = requests.Response()
        # No headers: some services would wait here for as long as those ask.
        response.status_code, response.url, response.request = answer.status, url, request
        response._content, response._content_consumed = answer.body, True
        return response


_KEPT = frozenset({"content-type", "user-agent", "authorization", "accept"})  # others are of the connection
_way: ContextVar[_Way | None] = ContextVar("way", default=None)


class _Outbound(HTTPAdapter):
    """Carries what ``requests`` is asked: our way where one is taken, else its own."""

    def send(self, request: requests.PreparedRequest, *given: Any, **named: Any) -> requests.Response:
        way = _way.get()
        return super().send(request, *given, **named) if way is None else way.ask(request)


# Apprise's services make sessions of their own and take none from us.
requests.sessions.HTTPAdapter = _Outbound  # type: ignore[attr-defined] # its stubs export no such name
