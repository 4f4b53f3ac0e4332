"""What no route answers as it should is answered all the same: a failure inside, a body that is too large."""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Failures:
    """ASGI middleware; ``answer`` makes the answer of a status. Put the limiter of bodies inside of it.

    The failure itself goes on to whoever writes it into the log; who asked hears nothing of it.
    """

    def __init__(self, app: ASGIApp, answer: Callable[[Request, int], Awaitable[Response]]) -> None:
        self._app = app
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = replaced = False

        async def answer(status: int) -> None:
            response = await self._answer(Request(scope), status)
            await response(scope, receive, send)

        async def watched(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started, replaced = True, _is_the_limiters(message)
                if replaced:
                    await answer(413)
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as failure:
            if not started:
                await answer(_status(failure))
            raise


def _status(failure: Exception) -> int:
    """Of the database: away, out of connections, or asked to keep what it cannot, such as a NUL in a text."""
    if isinstance(failure, OperationalError | InterfaceError | NoneFree):
        return 503
    return 422 if isinstance(failure, DataError) else 500


def _is_the_limiters(message: Message) -> bool:
    """Starlette's limiter knows neither our pages nor our problems."""
    plain = Headers(raw=message["headers"]).get("content-type", "").startswith("text/plain")
    return message["status"] == 413 and plain
