"""Messages by e-mail: plain text and HTML of the same words, through one server of the settings.

Written on the standard library: the mail of Apprise 2.2 has a new ``Message-ID`` at each try, and one that is
not ours. Here a message has the same whenever it is sent, so that the receiver knows a repetition as one.
"""

import smtplib
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import SecretStr

from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import NotSent
from camera_registry.alerts.outbox import Due

PATIENCE_S = 10.0  # for one answer of the server
MOST_ATTACHED = 10 * 1024 * 1024  # bytes of a file; with base64 a third more, which most servers still take
PORTS = {"smtp": 587, "smtps": 465}
SENDER = {"vi": "Giám sát camera an ninh", "en": "Security camera monitor"}

# Our login is not taken: no other message fares better, and a person mends it.
_OURS = frozenset({454, 530, 534, 535, 538})


@dataclass(frozen=True, slots=True)
class Server:
    """Where our mail is handed over, and as whom. ``tls``: from the first byte on."""

    host: str
    port: int
    tls: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def of(cls, url: SecretStr) -> "Server":
        """As the setting names it: ``smtp://user:password@host:587?from=camera@example.vn``."""
        parts = urlsplit(url.get_secret_value())
        return cls(
            host=parts.hostname or "",
            port=parts.port or PORTS[parts.scheme],
            tls=parts.scheme == "smtps",
            sender=parse_qs(parts.query)["from"][0],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]

    @property
    def near(self) -> bool:
        """Whether it is this very machine, where nobody between can read along."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False


def composed(server: Server, due: Due, to: str, text: str, html: str, now: datetime) -> EmailMessage:
    """The mail that says ``due``. Mails on one occasion hang together (``References``)."""
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = due.title
    mail["From"] = Address(SENDER["vi" if due.language == "vi" else "en"], addr_spec=server.sender)
    mail["To"] = Address(addr_spec=to)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{named(due)}@{server.domain}>"
    mail["References"] = f"<{due.channel_id}.{due.occasion.replace(':', '.')}@{server.domain}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers
    mail["Content-Language"] = due.language
    # Not every server between takes eight bits.
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return mail


def attach(mail: EmailMessage, name: str, media_type: str, content: bytes) -> None:
    """Send a file along."""
    kind, _, detail = media_type.partition(";")[0].partition("/")
    mail.add_attachment(content, maintype=kind, subtype=detail, filename=name)


def named(due: Due) -> str:
    """What a message is called by whoever gets it, at every try, and never another one."""
    return name_of(due.id, due.made_at)


def name_of(number: int, made_at: datetime) -> str:
    """As ``named``; the moment tells it from one of the same number of another database."""
    return f"message-{number}-{int(made_at.timestamp() * 1000)}"


def send(server: Server, mail: EmailMessage, deadline: Deadline) -> None:
    """Hand it over. Raises ``NotSent``; what is raised after the server has accepted it is nothing to us."""
    try:
        _hand_over(server, mail, deadline)
    except smtplib.SMTPRecipientsRefused as error:
        code = next(iter(error.recipients.values()))[0]
        raise NotSent(f"SMTP {code}", for_good=500 <= code < 600) from None
    except smtplib.SMTPResponseException as error:
        code = error.smtp_code
        ours = code in _OURS or isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPSenderRefused)
        raise NotSent(f"SMTP {code}", for_good=500 <= code < 600 and not ours) from None
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise NotSent(f"no answer: {type(error).__name__}") from None


def _hand_over(server: Server, mail: EmailMessage, deadline: Deadline) -> None:
    context = ssl.create_default_context()
    # Our own name is not asked of DNS: a closed network has none that answers.
    smtp = _Connection(server, deadline, context)
    try:
        smtp.ehlo()
        if not server.tls and smtp.has_extn("starttls"):
            # Of a server on this machine no certificate is expected: nobody stands between.
            smtp.starttls(context=_trusting() if server.near else context)
            assert smtp.sock is not None
            deadline.watch(smtp.sock)
            smtp.ehlo()
        elif not server.tls and server.user and not server.near:
            raise NotSent("the server offers no TLS: the password is not sent")
        if server.user:
            smtp.login(server.user, server.password)
        smtp.send_message(mail)
    finally:
        with suppress(smtplib.SMTPException, OSError):
            smtp.quit()
        smtp.close()


def _trusting() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class _Connection(smtplib.SMTP):
    """Connects when made; has its socket watched; speaks TLS from the first byte where the server does."""

    def __init__(self, server: Server, deadline: Deadline, context: ssl.SSLContext) -> None:
        self._deadline = deadline
        self._tls = context if server.tls else None
        super().__init__(server.host, server.port, server.domain, timeout=PATIENCE_S)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connection = socket.create_connection((host, port), timeout)
        self._deadline.watch(connection)
        if self._tls is None:
            return connection
        wrapped = self._tls.wrap_socket(connection, server_hostname=host)
        self._deadline.watch(wrapped)
        return wrapped
