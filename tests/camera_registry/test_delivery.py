"""Messages on their way: real servers on loopback take them, refuse them, or say nothing."""

import hashlib
import hmac
import json
import logging
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from io import StringIO
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import parse_qs

import pytest
from structlog.testing import capture_logs

from camera_registry import settings
from camera_registry.alerts import channels, mail, outbox
from camera_registry.alerts.channels import Kind
from camera_registry.alerts.delivery import Delivery, Senders
from camera_registry.audit import Actor
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.models import AlertChannel, Incident, IncidentLink, Message
from tests.camera_registry import cuts
from tests.camera_registry.sinks import mail_sink, web_sink, zalo_api
from tests.camera_registry.watching import Clock
from tests.databases import sqlite_in
from tests.schemas import faults

NOW = cuts.at(0)
ACTOR = Actor("operator", "cli")
TOKEN = "123456789:k4n4ryb1rd-token"
CHAT = "k4n4ryb1rd0chat"
LOOPBACK = ("127.0.0.1",)
PUSHOVER = "pover://" + "k4n4ryb1rd" * 3 + "@" + "k4n4ryb1rd" * 3
CANARIES = ("k4n4ryb1rd", "123456789")
TITLE = "[MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 3/3 mắt camera mất kết nối"
TEXT = (
    "[MẤT KẾT NỐI] Điểm YB-0127, phường Yên Bái: 3/3 mắt camera mất kết nối từ 21:40 ngày 09/9.\n"
    "Nguyên nhân có thể: mất điện."
)
TOLD = {"kind": "opened", "point": "YB-0127", "points": 1, "eyes": ["YB-0127-01"], "withdrawn": False}


class Town:
    """A registry whose messages go out; ``secrets`` are those of its webhooks, by the channel's number."""

    def __init__(self, database: Database, keys: Path) -> None:
        self.database = database
        self.keys = keys
        self.store = CredentialStore(settings.load(data_dir=keys))
        self.clock = Clock(NOW)
        self.counters = Counters.new()
        self.secrets: dict[int, str] = {}
        with database.transaction() as session:
            self.store.prepare(session)

    @contextmanager
    def delivering(self, database: Database | None = None, **given: Any) -> Iterator[Delivery]:
        """``given`` are settings; another ``database`` is what another process has of the same."""
        loaded = settings.load(data_dir=self.keys, **{"webhook_networks": LOOPBACK, **given})
        senders = Senders(database or self.database, self.store, loaded)
        delivery = Delivery(database or self.database, senders, self.counters, self.clock)
        try:
            yield delivery
        finally:
            delivery.close()

    def deliver(self, **given: Any) -> None:
        """Send what is due by the town's clock."""
        with self.delivering(**given) as delivery:
            delivery.empty()

    def channel(self, kind: Kind, address: str = "", *, name: str = "") -> int:
        with self.database.transaction() as session:
            made = channels.add(
                *(session, self.store, ACTOR, NOW),
                name=name or str(kind),
                kind=kind,
                unit_id=None,
                language="vi",
                address=address,
                reason="x",
                networks=LOOPBACK,
            )
            if kind is Kind.ZALO:
                channels.link(session, self.store, channels.living(session, made.id), CHAT)
        self.secrets[made.id] = made.secret
        return made.id

    def say(self, channel: int, occasion: str = "incident:1", kind: str = "opened") -> int:
        with self.database.transaction() as session:
            return outbox.put(
                *(session, self.clock()),
                channel_id=channel,
                occasion=occasion,
                kind=kind,
                title=TITLE,
                text=TEXT,
                told=TOLD,
            )

    def message(self, number: int) -> Message:
        with self.database.transaction() as session:
            return session.get_one(Message, number)

    def outcome(self, number: int) -> tuple[str, str]:
        """State and error."""
        found = self.message(number)
        return found.state, found.error

    def counted(self, kind: Kind, outcome: str) -> float:
        labels = {"channel_kind": str(kind), "outcome": outcome}
        return self.counters.registry.get_sample_value("camera_registry_messages_total", labels) or 0.0


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    database = Database(sqlite_in(tmp_path))
    yield Town(database, tmp_path / "keys")
    database.close()


# --- mail -------------------------------------------------------------------------------------------


def smtp_url(port: int, login: str = "") -> str:
    return f"smtp://{login}127.0.0.1:{port}?from=camera@yenbai.example"


def test_a_mail_says_the_same_in_text_and_html(town: Town) -> None:
    number = town.say(town.channel(Kind.EMAIL, "truc.ban@phuong.example"))
    with mail_sink() as sink:
        town.deliver(smtp_url=smtp_url(sink.port))
    (arrived,) = sink.mails
    assert sink.recipients == ["truc.ban@phuong.example"]
    assert arrived["Subject"] == TITLE
    assert arrived["From"] == "Giám sát camera an ninh <camera@yenbai.example>"
    assert arrived["Auto-Submitted"] == "auto-generated"
    assert arrived["Message-ID"] == f"<message-{number}-{int(NOW.timestamp() * 1000)}@yenbai.example>"
    assert arrived.get_content_type() == "multipart/alternative"
    plain, page = arrived.get_body(("plain",)), arrived.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert plain.get_content().splitlines() == TEXT.splitlines()
    for line in TEXT.removeprefix("[MẤT KẾT NỐI] ").splitlines():  # the page's title says that
        assert line in page.get_content()
    assert town.outcome(number) == ("sent", "")
    assert town.counted(Kind.EMAIL, "sent") == 1


def test_mails_on_one_occasion_hang_together_and_each_has_its_own_name(town: Town) -> None:
    over = town.channel(Kind.EMAIL, "truc.ban@phuong.example")
    for kind in ("opened", "recovered"):
        town.say(over, kind=kind)
    with mail_sink() as sink:
        town.deliver(smtp_url=smtp_url(sink.port))
    assert len({arrived["References"] for arrived in sink.mails}) == 1
    assert len({arrived["Message-ID"] for arrived in sink.mails}) == 2


def test_the_login_goes_through_tls_only(town: Town, tmp_path: Path) -> None:
    pem = tmp_path / "mail.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=localhost", "-keyout", str(pem), "-out", str(tmp_path / "cert.pem")),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", pem)
    number = town.say(town.channel(Kind.EMAIL, "truc.ban@phuong.example"))
    with mail_sink(context) as sink:
        town.deliver(smtp_url=smtp_url(sink.port, "camera:k4n4ryb1rd%40@"))
    assert town.outcome(number) == ("sent", "")
    assert sink.logins == [("camera", "k4n4ryb1rd@")]


@pytest.mark.parametrize(
    ("refusal", "outcome"),
    [
        pytest.param("550 no such user here", ("dead", "SMTP 550"), id="nobody"),
        pytest.param("451 try later", ("waiting", "SMTP 451"), id="later"),
    ],
)
def test_what_a_mail_server_refuses(town: Town, refusal: str, outcome: tuple[str, str]) -> None:
    number = town.say(town.channel(Kind.EMAIL, "truc.ban@phuong.example"))
    with mail_sink() as sink:
        sink.refuse = refusal
        town.deliver(smtp_url=smtp_url(sink.port))
    assert town.outcome(number) == outcome


def test_without_a_server_messages_wait(town: Town) -> None:
    number = town.say(town.channel(Kind.EMAIL, "truc.ban@phuong.example"))
    town.deliver()
    assert town.outcome(number) == ("waiting", "no mail server is set: SMTP_URL")


# --- webhooks ---------------------------------------------------------------------------------------


def test_a_webhook_is_signed_and_as_its_schema_says(town: Town) -> None:
    with web_sink() as sink:
        over = town.channel(Kind.WEBHOOK, f"{sink.url}/hook?key=k4n4ryb1rd")
        number = town.say(over)
        town.deliver()
    (posted,) = sink.posted
    at = posted.headers["x-camera-registry-timestamp"]
    proof = hmac.new(town.secrets[over].encode(), f"{at}.".encode() + posted.body, hashlib.sha256)
    assert posted.headers["x-camera-registry-signature"] == f"v1={proof.hexdigest()}"
    assert int(at) == int(NOW.timestamp())
    said = json.loads(posted.body)
    schema = json.loads(Path("docs/webhook.schema.json").read_text(encoding="utf-8"))
    assert faults(schema, said) == []
    assert posted.headers["idempotency-key"] == said["id"] == mail.name_of(number, NOW)
    assert (said["title"], said["text"], said["told"]) == (TITLE, TEXT, TOLD)
    assert (posted.method, posted.path) == ("POST", "/hook?key=k4n4ryb1rd")


@pytest.mark.parametrize(
    ("status", "fields", "outcome", "wait_s"),
    [
        pytest.param(200, {}, ("sent", ""), None, id="ok"),
        pytest.param(202, {}, ("sent", ""), None, id="accepted"),
        pytest.param(400, {}, ("dead", "HTTP 400"), None, id="wrong"),
        pytest.param(413, {}, ("dead", "HTTP 413"), None, id="too-large"),
        pytest.param(422, {}, ("dead", "HTTP 422"), None, id="not-understood"),
        pytest.param(401, {}, ("waiting", "HTTP 401"), 30, id="token-renewed"),
        pytest.param(403, {}, ("waiting", "HTTP 403"), 30, id="not-allowed"),
        pytest.param(404, {}, ("waiting", "HTTP 404"), 30, id="moved"),
        pytest.param(407, {}, ("waiting", "HTTP 407"), 30, id="proxy"),
        pytest.param(408, {}, ("waiting", "HTTP 408"), 30, id="timeout"),
        pytest.param(429, {"Retry-After": "600"}, ("waiting", "HTTP 429"), 600, id="too-many"),
        pytest.param(429, {"Retry-After": "9" * 40}, ("waiting", "HTTP 429"), 3600, id="too-many-for-ever"),
        pytest.param(503, {"Retry-After": "Wed, 21 Oct"}, ("waiting", "HTTP 503"), 30, id="away"),
    ],
)
def test_what_a_webhook_answers(
    town: Town, status: int, fields: dict[str, str], outcome: tuple[str, str], wait_s: float | None
) -> None:
    with web_sink() as sink:
        sink.answer = lambda _posted: (status, fields, b"")
        number = town.say(town.channel(Kind.WEBHOOK, sink.url))
        town.deliver()
    assert town.outcome(number) == outcome
    if wait_s is not None:
        assert town.message(number).due_at == NOW + timedelta(seconds=wait_s)


def test_a_redirect_leads_nowhere(town: Town) -> None:
    with web_sink() as elsewhere, web_sink() as sink:
        sink.answer = lambda _posted: (307, {"Location": elsewhere.url}, b"")
        number = town.say(town.channel(Kind.WEBHOOK, sink.url))
        town.deliver()
    assert elsewhere.posted == []
    assert town.outcome(number) == ("waiting", "HTTP 307")


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "127.1", "2130706433", "cameras.example.vn", "metadata.example.vn"],
)
def test_a_webhook_leads_into_no_network_of_ours(
    town: Town, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """Not by a name either that led elsewhere when it was entered, nor by another way to write a number."""
    leads(monkeypatch, {"cameras.example.vn": ["127.0.0.1"], "metadata.example.vn": ["169.254.169.254"]})
    with web_sink() as sink:
        over = town.channel(Kind.WEBHOOK, "https://siem.example.vn/")
        with town.database.transaction() as session:
            address = channels.Address(f"http://{host}:{sink.port}/", "secret")
            channels._seal(town.store, channels.living(session, over), address)
        number = town.say(over)
        town.deliver(webhook_networks="10.20.0.0/16")
    assert sink.posted == []
    assert town.outcome(number) == ("waiting", "the address is not public: WEBHOOK_NETWORKS")


def test_a_webhook_goes_to_the_very_address_that_was_looked_at(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first address of the name may not be posted to, the second does not answer, the third does."""
    answers = iter([["10.0.0.1", "127.0.0.2", "127.0.0.1"]])
    leads(monkeypatch, {}, lambda _host: next(answers))
    with web_sink() as sink:
        over = town.channel(Kind.WEBHOOK, "https://siem.example.vn/")
        with town.database.transaction() as session:
            address = channels.Address(f"http://siem.example.vn:{sink.port}/hook", "secret")
            channels._seal(town.store, channels.living(session, over), address)
        number = town.say(over)
        town.deliver(webhook_networks="127.0.0.0/8")
    (posted,) = sink.posted
    assert posted.headers["host"] == f"siem.example.vn:{sink.port}"
    assert town.outcome(number) == ("sent", "")


def leads(
    monkeypatch: pytest.MonkeyPatch,
    names: Mapping[str, list[str]],
    other: Callable[[str], list[str]] = lambda host: [],
) -> None:
    """These names lead there."""
    real = socket.getaddrinfo

    def asked(host: Any, port: Any, *given: Any, **named: Any) -> Any:
        if isinstance(host, str) and host.endswith(".example.vn"):
            found = names.get(host) or other(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in found]
        return real(host, port, *given, **named)

    monkeypatch.setattr(socket, "getaddrinfo", asked)


def test_over_tls_the_certificate_is_that_of_the_name(
    town: Town, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from camera_registry.alerts import outbound

    leads(monkeypatch, {"siem.example.vn": ["127.0.0.1"], "other.example.vn": ["127.0.0.1"]})
    pem, certificate = tmp_path / "web.pem", tmp_path / "web.cert"
    names = "subjectAltName=DNS:siem.example.vn"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=x", "-addext", names, "-keyout", str(pem), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    outbound._trust.cache_clear()  # read once in a process
    with web_sink(context) as sink:
        numbers = [
            town.say(town.channel(Kind.WEBHOOK, f"https://{host}.example.vn:{sink.port}/", name=host))
            for host in ("siem", "other")
        ]
        town.deliver()
    outbound._trust.cache_clear()
    assert [town.outcome(number) for number in numbers] == [
        ("sent", ""),
        ("waiting", "no answer: ConnectError"),
    ]


def test_tries_follow_the_clock_under_one_name(town: Town) -> None:
    with web_sink() as sink:
        sink.answer = lambda _posted: (503, {}, b"") if len(sink.posted) < 3 else (200, {}, b"")
        over = town.channel(Kind.WEBHOOK, sink.url)
        number = town.say(over)
        for seconds in (0, 29, 1, 119, 1):
            town.clock.advance(seconds)
            town.deliver()
    assert len(sink.posted) == 3
    assert len({posted.headers["idempotency-key"] for posted in sink.posted}) == 1
    assert len({posted.headers["x-camera-registry-timestamp"] for posted in sink.posted}) == 3
    assert (town.outcome(number), town.message(number).tries) == (("sent", ""), 3)
    with town.database.transaction() as session:
        assert session.get_one(AlertChannel, over).failing_since is None
    assert (town.counted(Kind.WEBHOOK, "failed"), town.counted(Kind.WEBHOOK, "sent")) == (2, 1)


def test_the_pace_of_a_channel(town: Town) -> None:
    with web_sink() as sink, town.delivering() as delivery:
        over = town.channel(Kind.WEBHOOK, sink.url)
        for number in range(30):
            town.say(over, f"incident:{number}")
        delivery.empty()
        at_once = len(sink.posted)
        town.clock.advance(1)
        delivery.empty()
        assert (at_once, len(sink.posted) - at_once) == (20, 5)


# --- Zalo and others --------------------------------------------------------------------------------


def test_zalo_is_told_by_the_bot(town: Town) -> None:
    with zalo_api(TOKEN) as api:
        number = town.say(town.channel(Kind.ZALO))
        town.deliver(zalo_bot_token=TOKEN, zalo_api_url=api.url)
    assert api.sent == [(CHAT, TEXT)]
    assert town.outcome(number) == ("sent", "")


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        pytest.param(400, ("dead", "HTTP 400"), id="no-such-chat"),
        pytest.param(401, ("waiting", "HTTP 401"), id="token-renewed"),
        pytest.param(429, ("waiting", "HTTP 429"), id="too-many"),
        pytest.param(500, ("waiting", "HTTP 500"), id="away"),
    ],
)
def test_what_zalo_refuses(town: Town, status: int, outcome: tuple[str, str]) -> None:
    with zalo_api(TOKEN) as api:
        api.refuse = status
        number = town.say(town.channel(Kind.ZALO))
        town.deliver(zalo_bot_token=TOKEN, zalo_api_url=api.url)
    assert town.outcome(number) == outcome


@pytest.fixture
def pushover(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts the service at another address, where we let it ask."""
    from apprise.plugins.pushover import NotifyPushover

    from camera_registry.alerts import services

    def at(url: str) -> None:
        monkeypatch.setattr(NotifyPushover, "notify_url", f"{url}/1/messages.json")
        monkeypatch.setitem(services.SERVICES, "pover", (f"{url}/",))

    return at


def test_another_service_is_told_through_apprise(town: Town, pushover: Callable[[str], None]) -> None:
    with web_sink() as sink:
        sink.answer = lambda _posted: (200, {}, b"{}")
        pushover(sink.url)
        number = town.say(town.channel(Kind.APPRISE, PUSHOVER))
        town.deliver()
    (posted,) = sink.posted
    assert parse_qs(posted.body.decode())["message"] == [TEXT]
    assert town.outcome(number) == ("sent", "")


def test_a_service_asks_nobody_but_itself(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    from apprise.plugins.pushover import NotifyPushover

    with web_sink() as sink:
        monkeypatch.setattr(NotifyPushover, "notify_url", f"{sink.url}/1/messages.json")
        number = town.say(town.channel(Kind.APPRISE, PUSHOVER))
        town.deliver()
    assert sink.posted == []
    assert town.outcome(number) == ("dead", "the service leads elsewhere")


@contextmanager
def dripping(head: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server that says ``head``, then a byte now and then; and what it was asked."""
    asked: list[bytes] = []
    over = Event()

    def drip(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            asked.append(connection.recv(65_536))
            connection.sendall(head)
            while not over.wait(0.02):
                connection.sendall(b"x")

    def accept() -> None:
        with suppress(OSError), ThreadPoolExecutor() as pool:
            while True:
                pool.submit(drip, listening.accept()[0])

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:
        pool.submit(accept)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}", asked
        finally:
            over.set()
            listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize(
    ("head", "outcome"),
    [
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", ("sent", ""), id="taken"),
        pytest.param(
            b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n", ("waiting", "HTTP 500"), id="refused"
        ),
        pytest.param(
            b"HTTP/1.1 200 OK\r\nX: ", ("waiting", "no answer: RemoteProtocolError"), id="no-answer"
        ),
    ],
)
def test_a_service_that_drips_keeps_nobody_and_hears_it_once(
    town: Town,
    pushover: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    head: bytes,
    outcome: tuple[str, str],
) -> None:
    monkeypatch.setattr("camera_registry.alerts.delivery.WHOLE_S", 0.3)
    with dripping(head) as (url, asked):
        pushover(url)
        number = town.say(town.channel(Kind.APPRISE, PUSHOVER))
        began = time.monotonic()
        town.deliver()
        assert time.monotonic() - began < 3
    assert town.outcome(number) == outcome
    assert len(asked) == 1


def test_of_an_answer_without_end_a_beginning_is_read(town: Town, pushover: Callable[[str], None]) -> None:
    with web_sink() as sink:
        sink.answer = lambda _posted: (200, {}, b"x" * 2_000_000)
        pushover(sink.url)
        number = town.say(town.channel(Kind.APPRISE, PUSHOVER))
        town.deliver()
    assert town.outcome(number) == ("sent", "")


def test_a_chat_that_is_not_linked_hears_nothing(town: Town) -> None:
    over = town.channel(Kind.ZALO)
    with town.database.transaction() as session:
        session.get_one(AlertChannel, over).sealed = None
    number = town.say(over)
    town.deliver(zalo_bot_token=TOKEN)
    assert town.outcome(number) == ("dead", "not linked yet")


# --- links ------------------------------------------------------------------------------------------


def test_where_pages_can_be_reached_a_message_has_a_link_of_its_own(town: Town) -> None:
    with town.database.transaction() as session:
        incident = Incident(kind="point", ancestor_id=1, started_at=NOW, announced_at=NOW, recorded_at=NOW)
        session.add(incident)
        session.flush()
    with web_sink() as sink:
        number = town.say(town.channel(Kind.WEBHOOK, sink.url))
        with town.database.transaction() as session:
            session.get_one(Message, number).incident_id = incident.id
        town.deliver(public_url="https://camera.yenbai.example/")
    said = json.loads(sink.posted[0].body)["text"]
    assert said.startswith(f"{TEXT}\nhttps://camera.yenbai.example/i/")
    with town.database.transaction() as session:
        (link,) = session.query(IncidentLink).all()
        assert link.token_hash == hashlib.sha256(said.rpartition("/")[2].encode()).hexdigest()


# --- what goes wrong --------------------------------------------------------------------------------


@contextmanager
def silent() -> Iterator[int]:
    """The port of a server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_silent_mail_server_holds_up_no_webhook(town: Town) -> None:
    with silent() as port, web_sink() as sink:
        over = town.channel(Kind.EMAIL, "truc.ban@phuong.example")
        waiting = [town.say(over, f"incident:{number}") for number in range(4)]
        told = town.say(town.channel(Kind.WEBHOOK, sink.url))
        with town.delivering(smtp_url=smtp_url(port)) as delivery:
            delivery.look()
            give_up = time.monotonic() + 5
            while town.message(told).state != "sent" and time.monotonic() < give_up:
                time.sleep(0.01)
            assert town.message(told).state == "sent"
            assert {town.message(number).state for number in waiting} == {"waiting"}
            delivery.close(0)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(lambda: b"HTTP/1.1 200 OK\r\nX: ", id="headers"),
        pytest.param(lambda: b"", id="nothing"),
    ],
)
def test_no_exchange_outlasts_its_deadline(reply: Callable[[], bytes]) -> None:
    """A server that drips one byte at a time resets every time limit but this one."""
    from camera_registry.alerts import outbound
    from camera_registry.alerts.deadline import Deadline
    from camera_registry.alerts.failures import NotSent

    with socket.create_server(("127.0.0.1", 0)) as listening, ThreadPoolExecutor(1) as pool:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(reply())
                try:
                    while True:
                        connection.sendall(b"x" if reply() else b"")
                        time.sleep(0.02)
                        connection.getpeername()
                        if connection.recv(4096) == b"":
                            break
                except OSError:
                    pass

        pool.submit(drip)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        began = time.monotonic()
        with pytest.raises(NotSent), Deadline(0.3) as deadline:
            outbound.exchange("GET", url, deadline=deadline, patience_s=5.0, most=100)
        assert time.monotonic() - began < 3


@contextmanager
def all_logs() -> Iterator[StringIO]:
    """What reaches the root of the logs, on every level."""
    text, root = StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(text), root.level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        yield text
    finally:
        root.setLevel(level)
        root.removeHandler(handler)


def test_no_log_row_or_counter_has_a_secret(
    town: Town, capfd: pytest.CaptureFixture[str], pushover: Callable[[str], None]
) -> None:
    """Whatever is refused, and however much is logged."""
    with web_sink() as sink, zalo_api(TOKEN) as api, capture_logs() as logged, all_logs() as text:
        pushover(sink.url)
        sink.answer = lambda _posted: (500, {}, b"k4n4ryb1rd")
        api.refuse = 500
        numbers = [
            town.say(town.channel(Kind.WEBHOOK, f"{sink.url}/k4n4ryb1rd")),
            town.say(town.channel(Kind.APPRISE, PUSHOVER)),
            town.say(town.channel(Kind.ZALO)),
            town.say(town.channel(Kind.EMAIL, "k4n4ryb1rd@phuong.example")),
        ]
        with mail_sink() as mails:
            mails.refuse = "550 k4n4ryb1rd@phuong.example is nobody"
            town.deliver(smtp_url=smtp_url(mails.port), zalo_bot_token=TOKEN, zalo_api_url=api.url)
    assert [town.outcome(number)[1] for number in numbers] == ["HTTP 500", "HTTP 500", "HTTP 500", "SMTP 550"]
    everything = f"{logged} {capfd.readouterr()} {text.getvalue()} {town.counters.registry.collect()}"
    with town.database.engine.connect() as connection:
        for table in ("alert_channel", "message", "audit"):
            everything += str(connection.exec_driver_sql(f"SELECT * FROM {table}").all())  # noqa: S608 (names of tables of ours)
    assert [canary for canary in CANARIES if canary in everything] == []


def test_a_key_that_is_gone_stops_nobody_else(town: Town) -> None:
    with web_sink() as sink:
        broken, well = (town.channel(Kind.WEBHOOK, sink.url, name=name) for name in ("broken", "well"))
        with town.database.transaction() as session:
            session.get_one(AlertChannel, broken).sealed = b"no longer"
        numbers = town.say(broken), town.say(well)
        town.deliver()
    assert [town.outcome(number)[0] for number in numbers] == ["waiting", "sent"]


# --- two at once ------------------------------------------------------------------------------------


def test_two_processes_deliver_at_once_and_nothing_comes_twice(database_url: str, tmp_path: Path) -> None:
    """Each with a database, threads and counters of its own; a clock that stands, so nobody waits."""
    databases = [Database(database_url) for _ in range(2)]
    town = Town(databases[0], tmp_path / "keys")
    with mail_sink() as mails, web_sink() as sink:
        expected = set()
        for number in range(6):
            for kind, address in (
                (Kind.EMAIL, f"ward{number}@phuong.example"),
                (Kind.WEBHOOK, f"{sink.url}/{number}"),
            ):
                over = town.channel(kind, address, name=f"{kind} {number}")
                expected |= {town.say(over, f"incident:{n}") for n in range(5)}
        url = smtp_url(mails.port)

        def drain(database: Database) -> None:
            with town.delivering(database, smtp_url=url) as delivery:
                delivery.empty()

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(drain, databases))
    arrived = [mail_id.split("-")[1] for mail_id in (each["Message-ID"] for each in mails.mails)]
    arrived += [posted.headers["idempotency-key"].split("-")[1] for posted in sink.posted]
    for database in databases:
        database.close()
    assert sorted(map(int, arrived)) == sorted(expected)
