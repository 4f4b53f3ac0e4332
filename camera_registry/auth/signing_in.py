"""Signing in, told once: by name and password, or by a link; and choosing a password.

What hashes a password belongs into ``passwords.in_turn``.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.auth import links, passwords, sessions, throttle, tokens, users
from camera_registry.auth.identity import Identity
from camera_registry.auth.passwords import PasswordError
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import User, WebSession
from camera_registry.settings import Settings

log = structlog.get_logger(__name__)

# Whoever came by a link has no password, or has forgotten it: for so long nobody asks for the old one.
FRESH = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Asker:
    """The browser that asks: its address, what it calls itself, and the request."""

    origin: str
    agent: str
    request_id: str


class WrongLogin(RegistryError):
    """Name and password do not belong together; which of them is wrong is not said."""


def by_password(
    database: Database, settings: Settings, name: str, password: str, asker: Asker, now: datetime
) -> str:
    """Begin a session and return its token. Raises ``Throttled`` and ``WrongLogin``."""
    with database.transaction() as session:
        reserved = throttle.reserve(session, name, asker.origin, now)
        user = _user(session, name)
        kept = user.password_hash if user is not None and user.disabled_at is None else ""
    right = passwords.matches(kept, password)
    if not right or user is None:
        log.warning("a sign-in was refused", origin=asker.origin, user=user.name if user else "unknown")
    reserved.check(right)
    if not right or user is None:
        raise WrongLogin(N_("Name and password do not belong together."))
    with database.transaction() as session:
        throttle.succeeded(session, name, asker.origin, reserved)
        return begin(session, settings, user, asker, now, by="password")


def by_link(database: Database, settings: Settings, token: str, asker: Asker, now: datetime) -> str:
    """Use up the link, begin a session and return its token. Raises ``LinkOver``."""
    with database.transaction() as session:
        user = links.use(session, token, now)
        return begin(session, settings, user, asker, now, by="link")


def begin(session: Session, settings: Settings, user: User, asker: Asker, now: datetime, by: str) -> str:
    """Begin the session of somebody who is known to be ``user``, write it down, and return its token."""
    actor = Actor(user.name, asker.origin, asker.request_id)
    audit.record(session, actor, Action.SIGNED_IN, f"user:{user.name}", now, detail={"by": by})
    return sessions.begin(session, settings, user.id, now, asker.origin, asker.agent, by_link=by == "link")


def choose_password(database: Database, identity: Identity, current: str, chosen: str, now: datetime) -> None:
    """Set one's own password; every other session of one's own ends.

    Of who came by a link the access tokens end, too: somebody else may have made them.

    Raises ``PasswordError`` where the current one is wrong or the new one may not be one, and ``Throttled``.
    """
    chosen = passwords.acceptable(chosen, identity.name)
    with database.transaction() as session:
        user = session.get_one(User, identity.user_id)
        kept = user.password_hash
        reserved = None
        if asks_for_current(session, identity, now):
            reserved = throttle.reserve(session, identity.name, identity.origin, now)
    if reserved:
        right = passwords.matches(kept, current)
        reserved.check(right)
        if not right:
            raise PasswordError(N_("The current password is another one."))
    hashed = passwords.hashed(chosen)
    with database.transaction() as session:
        if reserved:
            throttle.succeeded(session, identity.name, identity.origin, reserved)
        if came_by_link(session, identity):
            tokens.revoke_all(session, identity.actor, identity.name, now)
        users.set_password(
            session, identity.actor, identity.user_id, hashed, now, session_id=identity.session_id
        )


def came_by_link(session: Session, identity: Identity) -> bool:
    """Whether a link began the session of who asks, instead of a password."""
    asking = session.get(WebSession, identity.session_id)
    return asking is not None and asking.by_link


def asks_for_current(session: Session, identity: Identity, now: datetime) -> bool:
    """Whether the old password has to be told before a new one is set."""
    if not session.get_one(User, identity.user_id).password_hash:
        return False
    asking = session.get(WebSession, identity.session_id)
    return asking is None or not asking.by_link or now - asking.begun_at > FRESH


def _user(session: Session, name: str) -> User | None:
    name = name.strip().lower()
    if not users.NAME.fullmatch(name):
        return None
    return session.scalar(select(User).where(User.name == name))
