"""What holds for every answer: who may be addressed, and what a browser may do with what it gets."""

from ipaddress import ip_address, ip_network

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from camera_registry.api.problems import problem
from camera_registry.settings import Settings

# Pages load nothing from elsewhere, are framed by nobody, and tell nobody where a reader came from.
POLICY = ("default-src 'self'", "base-uri 'none'", "form-action 'self'", "frame-ancestors 'none'")
HEADERS = {
    "Content-Security-Policy": "; ".join(POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

HTTPS_ONLY = "max-age=31536000"  # a year (RFC 6797); said over HTTPS alone

# A page elsewhere can have its own name resolve to 127.0.0.1 and so read ours (DNS rebinding); the browser
# still sends that name.
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

STRANGE_NAME = "This server is not addressed by this name: see the setting PUBLIC_NAMES."
OPEN_LINE = "This server is reached over HTTPS only, from other machines."
# Only proxies say these. nginx before 1.29.7 shows by HTTP/1.0 where nobody told it otherwise; since then it
# speaks HTTP/1.1, says none of these, and cannot be told from a program on this machine.
SIGNS_OF_A_PROXY = frozenset(
    ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip")
)

STRANGE_PROXY = "This came through a proxy that is not named in the setting TRUSTED_PROXIES."
HIDING_PROXY = (
    "A proxy on this machine must say by what name it was asked (Host), and who asks (X-Forwarded-For)."
)
SILENT_PROXY = (
    "The proxy does not say who asks (X-Forwarded-For), or TRUSTED_PROXIES names more than proxies."
)

# PostgreSQL keeps none in a text, and nothing here has one in its name.
NUL = "An address holds no NUL character (%00)."


class Guard:
    """ASGI middleware: refuses requests of strange names, over open lines, of strange proxies, and with NUL.

    This machine itself may come without TLS, under its own names, if no proxy shows that speaks for others;
    everybody else over HTTPS, under ``public_names``, and behind proxies as somebody who is none of them:
    people without an address of their own would be slowed down, and written down, as one. Sets ``HEADERS``
    on every answer; what does not say that it may be kept is kept by nobody.
    """

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._public_names = frozenset(settings.public_names)
        self._proxies = tuple(ip_network(text) for text in settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https":
                    headers["Strict-Transport-Security"] = HTTPS_ONLY
            await send(message)

        answer = self._app
        if refusal := self._refusal(scope):
            answer = problem(421, refusal)
        elif "\0" in scope["path"] or b"%00" in scope["query_string"]:
            answer = problem(400, NUL)
        await answer(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> str:
        """Why this request is not answered; empty where it is."""
        headers = Headers(scope=scope)
        if not self._proxies and not SIGNS_OF_A_PROXY.isdisjoint(headers.keys()):
            return STRANGE_PROXY
        if _names_itself(scope):
            return "" if by_itself(scope) else HIDING_PROXY
        name = _name(headers.get("host", ""))
        if name not in self._public_names:
            return STRANGE_NAME
        if scope["scheme"] != "https":
            return OPEN_LINE
        return SILENT_PROXY if self._proxies and self._is_proxy(_client(scope)) else ""

    def _is_proxy(self, host: str) -> bool:
        try:
            address = ip_address(host)
        except ValueError:
            return False
        return address.is_loopback or any(address in network for network in self._proxies)


def by_itself(scope: Scope) -> bool:
    """Whether this machine asks, under its own name and for itself, as far as that can be told.

    A proxy on it that puts our name in place of the one it was asked by gives itself away by what it adds.
    One that adds nothing does not: where others are served too, this may open nothing.
    """
    shows = scope["http_version"] == "1.0" or not SIGNS_OF_A_PROXY.isdisjoint(Headers(scope=scope).keys())
    return _names_itself(scope) and not shows


def _names_itself(scope: Scope) -> bool:
    return _name(Headers(scope=scope).get("host", "")) in LOOPBACK_NAMES and is_loopback(_client(scope))


def is_loopback(host: str) -> bool:
    """Whether this is an address of this machine alone; names and inventions are not."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _client(scope: Scope) -> str:
    return str(scope["client"][0]) if scope["client"] else ""


def _name(host: str) -> str:
    """The name of a Host header, without its port (RFC 9112, 3.2)."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()
