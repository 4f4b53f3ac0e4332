"""Where messages arrive in tests: a mail server, a web server and the API of Zalo bots, all on loopback."""

import asyncio
import json
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers import free_port

HOST = "127.0.0.1"
logging.getLogger("mail.log").setLevel(logging.ERROR)  # the server's own: it tells all that it hears


# --- mail -------------------------------------------------------------------------------------------


@dataclass
class MailSink:
    """``mails`` have arrived. ``refuse`` is the answer to the next recipients, such as ``550 no``.

    ``pause_s`` goes by before a mail that has arrived is accepted.
    """

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    refuse: str = ""
    pause_s: float = 0.0

    # aiosmtpd calls these by their names.
    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        self.recipients += envelope.rcpt_tos
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, policy=default))
        await asyncio.sleep(self.pause_s)
        return "250 OK"

    def login(self, *asked: Any) -> AuthResult:
        data = asked[-1]
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=True)


@contextmanager
def mail_sink(tls: ssl.SSLContext | None = None) -> Iterator[MailSink]:
    """A server that takes mail while the block lasts; with ``tls`` it offers STARTTLS and wants a login."""
    sink = MailSink()
    options: dict[str, Any] = {}
    if tls is not None:
        options = {"tls_context": tls, "auth_required": True, "authenticator": sink.login}
    sink.port = free_port()
    controller = Controller(sink, hostname=HOST, port=sink.port, **options)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


# --- web --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Posted:
    """One request as it came; names of headers are in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Answer = tuple[int, dict[str, str], bytes]


@dataclass
class WebSink:
    """``posted`` grows with each request; ``answer`` says what it is answered."""

    port: int = 0
    posted: list[Posted] = field(default_factory=list)
    answer: Callable[[Posted], Answer] = lambda _posted: (204, {}, b"")

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"


@contextmanager
def web_sink(tls: ssl.SSLContext | None = None) -> Iterator[WebSink]:
    """A web server while the block lasts; with ``tls`` it speaks nothing else."""
    sink = WebSink()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            posted = Posted(self.command, self.path, headers, body)
            sink.posted.append(posted)
            status, fields, content = sink.answer(posted)
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **fields}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _any

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((HOST, 0), Handler)
    server.daemon_threads = True
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    sink.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# --- Zalo -------------------------------------------------------------------------------------------


@dataclass
class ZaloApi:
    """The API of Zalo bots as documented: ``getUpdates`` waits for one update, ``sendMessage`` takes a text.

    ``sent`` are (chat, text) as they were accepted. ``refuse`` is the status of the next answers.
    """

    token: str
    web: WebSink
    sent: list[tuple[str, str]] = field(default_factory=list)
    refuse: int = 0
    longest_wait_s: float = 0.2
    _updates: Queue[dict[str, Any]] = field(default_factory=Queue)
    _number: int = 0
    _lock: Lock = field(default_factory=Lock)

    @property
    def url(self) -> str:
        return self.web.url

    def write(self, chat: str, text: str, *, key: str = "", group: bool = False) -> None:
        """Somebody writes to the bot."""
        with self._lock:
            self._number += 1
            message_id = key or f"16f6366b3f02645a{self._number:04x}"
        message = {
            "chat": {"id": chat, "chat_type": "GROUP" if group else "PRIVATE"},
            "text": text,
            "message_id": message_id,
            "date": 1_766_619_597_466,
            "from": {"id": chat, "display_name": "Người dân", "is_bot": False},
        }
        self._updates.put({"message": message, "event_name": "message.text.received"})

    def answer(self, posted: Posted) -> Answer:
        method = posted.path.removeprefix(f"/bot{self.token}/")
        asked = json.loads(posted.body or b"{}")
        if method == posted.path:
            return self._refused(401, "Unauthorized")
        if self.refuse:
            return self._refused(self.refuse, "no")
        if method == "getUpdates":
            try:
                result: Any = self._updates.get(timeout=min(float(asked["timeout"]), self.longest_wait_s))
            except Empty:
                return self._refused(408, "Request timeout")
            return self._ok(result)
        if method == "sendMessage":
            if not asked.get("chat_id") or not 0 < len(asked.get("text", "")) <= 2_000:
                return self._refused(400, "Bad request")
            self.sent.append((asked["chat_id"], asked["text"]))
            return self._ok({"message_id": "82599fa32f56d00e8941", "date": 1_749_632_637_199})
        return self._refused(404, "Not found")

    def _ok(self, result: Any) -> Answer:
        return 200, {}, json.dumps({"ok": True, "result": result}).encode()

    def _refused(self, status: int, description: str) -> Answer:
        content = {"ok": False, "error_code": status, "description": description}
        return 200 if status == 408 else status, {}, json.dumps(content).encode()


@contextmanager
def zalo_api(token: str) -> Iterator[ZaloApi]:
    with web_sink() as web:
        api = ZaloApi(token, web)
        web.answer = api.answer
        yield api
