"""A link in a message that shows the one incident it is about, to who has not signed in.

Opening it shows a button; pressing that gives the link to the browser it was pressed in. So the preview that
a chat makes of an address uses nothing up, and whoever a message was passed on to later sees nothing. That
browser sees the incident until the link is over, as the message's channel may see it, and may acknowledge it;
both stand in the audit under the channel's name. Kept of links and cookies is their SHA-256 alone.

Whoever delivers a message about an incident calls ``make(session, message_id, incident_id, now)`` and puts
the path behind ``PUBLIC_URL``. A link that was made for a delivery that did not arrive ends with the next.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from camera_registry import audit, handling, outages
from camera_registry.audit import Action, Actor
from camera_registry.auth import bearer, scopes
from camera_registry.errors import RegistryError
from camera_registry.handling import Note
from camera_registry.i18n import N_
from camera_registry.models import AlertChannel, Incident, IncidentLink, Message
from camera_registry.outages import IncidentRow
from camera_registry.units import Scope

HOURS = 72
PATH = "/i"
LONGEST_NAME = 100  # of who answers for a deed


class LinkOver(RegistryError):
    """The link is unknown, opened elsewhere, or older than ``HOURS``; which of these is not said."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link shows: the message, the incident as its channel may see it, and until when.

    ``scope`` is that of the message; ``channel`` the name of who answers for what is done.
    """

    title: str
    text: str
    channel: str
    scope: Scope
    incident: IncidentRow
    expires_at: datetime

    def actor(self, origin: str, request_id: str) -> Actor:
        return _actor(self.channel, origin, request_id)


def make(session: Session, message_id: int, incident_id: int, now: datetime) -> str:
    """The path of a new link to this incident, for who gets this message; kept nowhere.

    A link of this message that nobody opened ends: it belongs to a delivery that did not arrive.
    """
    session.execute(delete(IncidentLink).where(IncidentLink.expires_at <= now))
    session.execute(
        delete(IncidentLink).where(IncidentLink.message_id == message_id, IncidentLink.opened_at.is_(None))
    )
    token = bearer.mint()
    session.add(
        IncidentLink(
            token_hash=bearer.digest(token),
            message_id=message_id,
            incident_id=incident_id,
            made_at=now,
            expires_at=now + timedelta(hours=HOURS),
            opened_at=None,
        )
    )
    session.flush()
    return f"{PATH}/{token}"


def waits(session: Session, token: str, now: datetime) -> bool:
    """Whether nobody has opened the link yet. Raises ``LinkOver`` where there is none, or none any more."""
    return _living(session, token, now)[0].opened_at is None


def open_(session: Session, token: str, now: datetime, origin: str, request_id: str) -> str:
    """Give the link to one browser: the secret of its cookie.

    Raises ``LinkOver``; of two who press at once, for the second.
    """
    link, _, channel = _living(session, token, now)
    if link.opened_at is not None:
        raise LinkOver(_OVER)
    secret = bearer.mint()
    link.opened_at, link.browser_hash = now, bearer.digest(secret)
    session.flush()
    actor = _actor(channel.name, origin, request_id)
    audit.record(session, actor, Action.INCIDENT_LINK_OPENED, f"incident:{link.incident_id}", now)
    return secret


def show(session: Session, token: str, secret: str, now: datetime, zone: tzinfo) -> Opened:
    """What the link shows in the browser that opened it. Raises ``LinkOver``."""
    link, message, channel = _living(session, token, now)
    if link.browser_hash != bearer.digest(secret):
        raise LinkOver(_OVER)
    scope = _scope(session, message, channel)
    incident = outages.incident(session, scope, now, zone, link.incident_id)
    if incident is None:  # or its point went to another unit
        withdrawn = session.get_one(Incident, link.incident_id).withdrawn_at is not None
        raise LinkOver(_WITHDRAWN if withdrawn else _OVER)
    return Opened(message.title, message.text, channel.name, scope, incident, link.expires_at)


def acknowledge(session: Session, opened: Opened, actor: Actor, now: datetime) -> Note:
    """Whoever has the message takes its incident in hand."""
    return handling.acknowledge(session, actor, now, opened.incident)


# --- how it is done ---------------------------------------------------------------------------------

_WITHDRAWN = N_("A false report, or put down to a power cut or maintenance.")
_OVER = N_("This link was opened elsewhere, or is over. Sign in to see the incident.")


def _living(session: Session, token: str, now: datetime) -> tuple[IncidentLink, Message, AlertChannel]:
    found = session.execute(
        select(IncidentLink, Message, AlertChannel)
        .join(Message, Message.id == IncidentLink.message_id)
        .join(AlertChannel, AlertChannel.id == Message.channel_id)
        .where(IncidentLink.token_hash == bearer.digest(token), IncidentLink.expires_at > now)
        .where(AlertChannel.stopped_at.is_(None))
        .with_for_update(of=IncidentLink)
    ).one_or_none()
    if found is None:
        raise LinkOver(_OVER)
    return found[0], found[1], found[2]


def _scope(session: Session, message: Message, channel: AlertChannel) -> Scope:
    """What a message may tell: the eyes of the unit it is for, or whose channel it is; or everything."""
    unit_id = channel.unit_id if message.unit_id is None else message.unit_id
    return Scope.everything() if unit_id is None else scopes.of_units(session, [unit_id])


def _actor(channel: str, origin: str, request_id: str) -> Actor:
    return Actor(f"link:{channel}"[:LONGEST_NAME], origin, request_id)
