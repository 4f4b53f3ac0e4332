"""Ways to reach somebody: made, changed and stopped by people; the address sealed, and shown in part only.

A row's address opens with the key of the camera passwords, under a label of its own. Whoever adds a webhook
is shown the secret that signs its requests, once.
"""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.alerts import destinations, outbox
from camera_registry.audit import Action, Actor
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.i18n import LANGUAGES, N_
from camera_registry.models import AlertChannel, Unit

LONGEST_NAME = 100  # characters
LONGEST_ADDRESS = 1_000
SECRET_BYTES = 32

# RFC 5321 without its quoted local parts: nobody has such an address, and no header can be broken out of.
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Kind(StrEnum):
    """How a channel speaks; one slug for the database and for translation."""

    INBOX = "inbox"  # the pages of the registry
    EMAIL = "email"
    WEBHOOK = "webhook"
    ZALO = "zalo"  # a chat with our bot; empty until somebody has sent its link code
    APPRISE = "apprise"  # any other service that Apprise knows, by its URL


ADDRESSED = (Kind.EMAIL, Kind.WEBHOOK, Kind.APPRISE)  # whose address a person enters


class ChannelError(RegistryError):
    """The channel cannot be so."""


@dataclass(frozen=True, slots=True)
class Made:
    """A new channel. ``secret`` signs the requests of a webhook, and is shown now or never; else empty."""

    id: int
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """What a channel's row seals: an e-mail address, a URL, or the id of a chat; a webhook's secret."""

    text: str = field(repr=False)
    secret: str = field(default="", repr=False)


def add(
    session: Session,
    credentials: CredentialStore,
    actor: Actor,
    now: datetime,
    *,
    name: str,
    kind: Kind,
    unit_id: int | None,
    language: str,
    address: str,
    reason: str,
    networks: Sequence[str] = (),
) -> Made:
    """Make a channel of a unit (database id), or the city desk's (``None``).

    ``address`` is empty for an inbox and for Zalo; ``networks`` of ours are those where a webhook may be.
    Raises ``ChannelError``, ``ReasonError``, and ``CredentialError`` where the key is missing.
    """
    reason = audit.reason_of(reason)
    row = AlertChannel(
        name=_name(session, name),
        kind=str(kind),
        unit_id=unit_id,
        language=_language(language),
        sealed=None,
        shown="",
        made_at=now,
        made_by=actor.name,
        stopped_at=None,
        failing_since=None,
        error="",
    )
    text = checked(kind, address, networks)
    session.add(row)
    session.flush()
    secret = secrets.token_urlsafe(SECRET_BYTES) if kind is Kind.WEBHOOK else ""
    if text:
        _seal(credentials, row, Address(text, secret))
    _record(session, actor, now, Action.CHANNEL_ADDED, row, None, _seen(session, row), reason)
    session.flush()
    return Made(row.id, secret)


def change(
    session: Session,
    credentials: CredentialStore,
    actor: Actor,
    now: datetime,
    channel_id: int,
    *,
    reason: str,
    name: str | None = None,
    language: str | None = None,
    address: str | None = None,
    networks: Sequence[str] = (),
) -> None:
    """Change what is not ``None``. Kind and unit stay: what was said there was said to somebody.

    Raises as ``add`` does, and ``ChannelError`` for a channel that is not there, or stopped.
    """
    reason = audit.reason_of(reason)
    row = living(session, channel_id)
    before = _seen(session, row)
    changed_address = False
    if name is not None:
        row.name = _name(session, name, row.id)
    if language is not None:
        row.language = _language(language)
    if address is not None:
        text = checked(Kind(row.kind), address, networks)
        was = opened(credentials, row) if row.sealed is not None else None
        if text and (was is None or was.text != text):
            changed_address = True
            _seal(credentials, row, Address(text, was.secret if was else ""))
            row.failing_since, row.error = None, ""
    after = _seen(session, row)
    if changed_address:
        # Two addresses may look alike in what is shown of them.
        before, after = {**before, "new_address": False}, {**after, "new_address": True}
    if after != before:
        _record(session, actor, now, Action.CHANNEL_CHANGED, row, before, after, reason)
    session.flush()


def stop(session: Session, actor: Actor, now: datetime, channel_id: int, reason: str) -> None:
    """Nothing is said there any more; what still waited is dropped. The row stays, without its address.

    Raises ``ChannelError`` for a channel that is not there, or stopped; ``ReasonError``.
    """
    reason = audit.reason_of(reason)
    row = living(session, channel_id)
    before = _seen(session, row)
    row.stopped_at, row.sealed = now, None
    dropped = outbox.drop(session, row.id)
    after = {**_seen(session, row), "stopped_at": now, "dropped": dropped}
    _record(session, actor, now, Action.CHANNEL_STOPPED, row, before, after, reason)
    session.flush()


def link(session: Session, credentials: CredentialStore, row: AlertChannel, chat: str) -> None:
    """From now on the channel is this chat with our bot."""
    _seal(credentials, row, Address(chat))
    row.failing_since, row.error = None, ""
    session.flush()


def living(session: Session, channel_id: int) -> AlertChannel:
    """The channel, which may be spoken over. Raises ``ChannelError``."""
    row = session.get(AlertChannel, channel_id)
    if row is None or row.stopped_at is not None:
        raise ChannelError(N_("There is no such channel, or it has been stopped."))
    return row


def opened(credentials: CredentialStore, row: AlertChannel) -> Address:
    """The address in clear. Raises ``CredentialError`` where it does not open; not for a row without one."""
    assert row.sealed is not None
    return open_sealed(credentials, row.id, row.sealed)


def open_sealed(credentials: CredentialStore, channel_id: int, sealed: bytes) -> Address:
    """As ``opened``, of what was read from the row."""
    return Address(**orjson.loads(credentials.unseal(_label(channel_id), sealed)))


def reseal(session: Session, credentials: CredentialStore) -> int:
    """Seal every address anew with the newest key; returns how many. One that does not open stops it."""
    rows = session.scalars(select(AlertChannel).where(AlertChannel.sealed.is_not(None))).all()
    for row in rows:
        _seal(credentials, row, opened(credentials, row))
    return len(rows)


def checked(kind: Kind, typed: str, networks: Sequence[str] = ()) -> str:
    """An address as it is kept. Raises ``ChannelError``, which says what is wrong with it, and not it."""
    text = typed.strip()
    if kind not in ADDRESSED:
        if text:
            raise ChannelError(N_("A channel of this kind is given no address."))
        return ""
    if len(text) > LONGEST_ADDRESS or not text.isprintable() or " " in text:
        raise ChannelError(N_("An address is one word of at most {limit} characters."), limit=LONGEST_ADDRESS)
    if kind is Kind.EMAIL and _EMAIL.fullmatch(text) is None:
        raise ChannelError(N_("This is no e-mail address, like truc.ban@example.vn."))
    if kind is Kind.WEBHOOK:
        _check_webhook(text, networks)
    if kind is Kind.APPRISE:
        from camera_registry.alerts import services  # half a second that nothing else need wait

        if not services.accepts(text):
            _refuse_service(text, services.SERVICES)
    return text


def shown(kind: Kind, address: str) -> str:
    """As much as tells two channels apart and lets nobody write there."""
    if kind is Kind.EMAIL:
        who, _, where = address.rpartition("@")
        return f"{who[:2]}…@{where}"[:200]
    if kind is Kind.ZALO:
        return f"…{address[-4:]}"
    parts = urlsplit(address)
    return (
        f"{parts.scheme}://{parts.hostname}/…"[:200] if kind is Kind.WEBHOOK else f"{parts.scheme}://…"[:200]
    )


# --- how it is done ---------------------------------------------------------------------------------


def _label(channel_id: int) -> str:
    return f"channel {channel_id}"


def _seal(credentials: CredentialStore, row: AlertChannel, address: Address) -> None:
    clear = orjson.dumps({"text": address.text, "secret": address.secret})
    row.sealed = credentials.seal(_label(row.id), clear)
    row.shown = shown(Kind(row.kind), address.text)


def _name(session: Session, name: str, own_id: int | None = None) -> str:
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ChannelError(N_("A channel has a name of at most {limit} characters."), limit=LONGEST_NAME)
    taken = session.scalar(select(AlertChannel.id).where(AlertChannel.name == name))
    if taken not in (None, own_id):
        raise ChannelError(N_('Another channel is called "{name}".'), name=name)
    return name


def _language(language: str) -> str:
    if language not in LANGUAGES:
        raise ChannelError(N_("Channels speak {languages}."), languages=", ".join(LANGUAGES))
    return language


def _refuse_service(url: str, services: Iterable[str]) -> NoReturn:
    if url.partition("://")[0].lower() in services and "?" not in url:
        raise ChannelError(N_("Apprise knows no service with this URL, or something is missing in it."))
    raise ChannelError(
        N_("Of the services that Apprise knows these are used, by a URL without a question mark: {services}"),
        services=", ".join(f"{each}://" for each in services),
    )


def _check_webhook(url: str, networks: Sequence[str]) -> None:
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https"):
        raise ChannelError(N_("A webhook is an address like https://example.vn/hook."))
    if parts.username is not None or parts.fragment or not url.isascii():
        raise ChannelError(N_("A webhook's address has no name, password or fragment in it."))
    host = parts.hostname or ""
    if parts.scheme == "http" and not destinations.named(host, networks):
        raise ChannelError(
            N_(
                "Without TLS (http://) a webhook is an IP address in a network that the server's setting "
                "WEBHOOK_NETWORKS names."
            )
        )
    if not destinations.may(host, networks):
        raise ChannelError(
            N_(
                "A webhook may not be at this address. The server's setting WEBHOOK_NETWORKS names the "
                "private networks where one may be."
            )
        )


def _split(url: str) -> SplitResult | None:
    """``None`` where it has no host, or a port that is none."""
    try:
        parts = urlsplit(url)
        return parts if parts.hostname and parts.port != 0 else None
    except ValueError:
        return None


def _seen(session: Session, row: AlertChannel) -> Mapping[str, Any]:
    """What the audit may keep of it."""
    unit = None if row.unit_id is None else session.get_one(Unit, row.unit_id).name
    return {
        **{"name": row.name, "kind": row.kind, "unit": unit, "language": row.language},
        "address": row.shown,
    }


def _record(
    session: Session,
    actor: Actor,
    now: datetime,
    action: Action,
    row: AlertChannel,
    before: Mapping[str, Any] | None,
    after: Mapping[str, Any],
    reason: str,
) -> None:
    detail = {"before": before and dict(before), "after": dict(after)}
    audit.record(session, actor, action, f"channel:{row.name}", now, detail=detail, reason=reason)
