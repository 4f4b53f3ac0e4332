"""Why a message was not sent, in words that give no address away."""

from datetime import timedelta
from http import HTTPStatus

# What speaks of this one message. Any other refusal (401, 403, 404, 407, 429 …) is of the channel: a token
# that was renewed, an address that moved, a proxy; once that is mended all that waits can be said.
_OF_THE_MESSAGE = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
}


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
    """What an HTTP status other than success means: final is what refuses the message itself."""
    return NotSent(f"HTTP {status}", for_good=status in _OF_THE_MESSAGE, wait=wait)
