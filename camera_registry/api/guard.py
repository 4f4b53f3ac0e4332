"""What holds for every answer: who may be addressed, and what a browser may do with what it gets."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from camera_registry.api.problems import problem

# Pages load nothing from elsewhere, are framed by nobody, and tell nobody where a reader came from.
POLICY = ("default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'")
HEADERS = {
    "Content-Security-Policy": "; ".join(POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# A page elsewhere can have its own name resolve to 127.0.0.1 and so read ours (DNS rebinding); the browser
# still sends that name. Other names come with sign-in.
NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class Guard:
    """ASGI middleware: refuses requests that address us by a strange name, and sets ``HEADERS``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        if _name(Headers(scope=scope).get("host", "")) in NAMES:
            await self._app(scope, receive, guarded)
        else:
            await problem(421, "This server is addressed as localhost only.")(scope, receive, guarded)


def _name(host: str) -> str:
    """The name of a Host header, without its port (RFC 9112, 3.2)."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
