"""Each request gets an id: it stands in the answer, in every line of the log, and with what was done."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from camera_registry.audit import new_request_id

HEADER = "X-Request-Id"


class RequestIds:
    """ASGI middleware: ``request.state.request_id``, and ``HEADER`` of the answer.

    It is ours alone. What a client calls its request would stand in the audit as if we had said it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = new_request_id()
        scope.setdefault("state", {})["request_id"] = request_id

        async def named(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        with bound_contextvars(request_id=request_id):
            await self._app(scope, receive, named)
