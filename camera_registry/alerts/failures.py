"""Why a message was not sent, in words that give no address away."""

from datetime import timedelta
from http import HTTPStatus

# What the other side may get over by itself, though it says that we are wrong.
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS}


class NotSent(Exception):
    """A try that failed. ``for_good``: no other try of this message will do better.

    The text stands in the database and on pages: status, kind of error; nothing that the other side said.
    ``wait`` is how long the other side asks to be left alone.
    """

    def __init__(self, reason: str, *, for_good: bool = False, wait: timedelta | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.for_good = for_good
        self.wait = wait


def by_status(status: int, wait: timedelta | None = None) -> NotSent:
    """What an HTTP status other than success means: a 4xx is final, but for those that pass."""
    final = 400 <= status < 500 and status not in _PASSING
    return NotSent(f"HTTP {status}", for_good=final, wait=wait)
