"""The one room that speaks to Apprise: services of other people's, by their URL, and Zalo.

Apprise writes addresses and texts into its log, so its log goes nowhere but into the reason of a failure, of
which only the number is kept.
"""

import logging
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import apprise
from apprise.plugins.zalo import NotifyZalo

from camera_registry.alerts.failures import NotSent, by_status

PATIENCE_S = 10.0  # to connect, and between two pieces of an answer
# Services that speak to the screen or the log of this very machine.
LOCAL = re.compile(r"(?i)(dbus|kde|qt|glib|gio|gnome|macosx|windows|syslog)s?:")

_STATUS = re.compile(r"error=(\d{3})\b")


class _Silence(logging.Handler):
    """Lets nothing out; remembers, for the thread that sends, the status of the newest refusal."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._of_thread = threading.local()

    def emit(self, record: logging.LogRecord) -> None:
        if found := _STATUS.search(record.getMessage()):
            self._of_thread.status = int(found[1])

    @contextmanager
    def heard(self) -> Iterator[None]:
        self._of_thread.status = None
        yield

    @property
    def status(self) -> int | None:
        status: int | None = getattr(self._of_thread, "status", None)
        return status


_silence = _Silence()
_log = logging.getLogger(apprise.logger.name)
_log.addHandler(_silence)
_log.setLevel(logging.WARNING)
_log.propagate = False
logging.getLogger("urllib3").setLevel(logging.WARNING)  # below, it writes down each address


def accepts(url: str) -> bool:
    """Whether Apprise knows the service, and the URL names all that it needs."""
    return LOCAL.match(url) is None and _made(url) is not None


def send(url: str, title: str, text: str) -> None:
    """Send plain text to the service of an Apprise URL. Raises ``NotSent``."""
    service = _made(url)
    if service is None:
        raise NotSent("Apprise does not know the address", for_good=True)
    _notify(service, title, text)


def send_zalo(api: str, token: str, chat: str, text: str) -> None:
    """Send to a chat of our bot (``token``) at the address ``api`` of the Bot API. Raises ``NotSent``."""
    try:
        bot = NotifyZalo(token=token, targets=[chat], asset=_ASSET, cto=PATIENCE_S, rto=PATIENCE_S)
    except (apprise.exception.AppriseException, TypeError):  # its text quotes the token
        raise NotSent("the bot token is not one") from None
    # The API has had several hosts; the plugin knows one of them.
    bot.notify_url = api.rstrip("/") + "/bot{token}/sendMessage"
    _notify(bot, "", text)


# The sender is named in no message, redirects lead nowhere else, nothing is kept on disk.
_ASSET = apprise.AppriseAsset(
    app_id="camera-registry",
    http_redirects=False,
    storage_mode=apprise.PersistentStoreMode.MEMORY,
)


def _made(url: str) -> apprise.NotifyBase | None:
    made = apprise.Apprise.instantiate(url, asset=_ASSET, suppress_exceptions=True)
    return made if isinstance(made, apprise.NotifyBase) else None


def _notify(service: apprise.NotifyBase, title: str, text: str) -> None:
    # We keep the pace ourselves, by channel; a new object has sent nothing yet and need not wait either.
    service.request_rate_per_sec = 0
    with _silence.heard():
        try:
            done = service.notify(body=text, title=title, body_format=apprise.NotifyFormat.TEXT)
        except Exception as error:  # a plugin of other people's may raise anything, and quote anything
            raise NotSent(f"Apprise failed: {type(error).__name__}") from None
        status = _silence.status
    if not done:
        raise by_status(status) if status is not None else NotSent("the service did not answer")
