"""A browser in which somebody has signed in: until it signs out, rests too long, or is ended.

It is known by the token in its cookie. A session ends when nothing was asked for ``session_idle_h``, after
``session_days`` in any case, and at once with a new password, with the user's disabling, or at the user's
word.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from camera_registry.auth import bearer, scopes
from camera_registry.auth.identity import Identity
from camera_registry.auth.roles import GRANTS, Role
from camera_registry.db import Database
from camera_registry.models import User, WebSession
from camera_registry.settings import Settings

TOUCHED_EVERY = timedelta(minutes=1)  # that somebody is still there is written this often
LONGEST_AGENT = 200

_WHOSE = (
    select(
        *(WebSession.id, WebSession.seen_at, WebSession.user_id),
        *(User.name, User.shown_name, User.role, User.everywhere),
    )
    .join(User, WebSession.user_id == User.id)
    .where(WebSession.token_hash == bindparam("hash"), WebSession.expires_at > bindparam("now"))
    .where(User.disabled_at.is_(None))
)


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as its owner sees it in the list."""

    id: int
    begun_at: datetime
    seen_at: datetime  # to the minute
    expires_at: datetime
    origin: str
    agent: str
    by_link: bool


def begin(
    session: Session,
    settings: Settings,
    user_id: int,
    now: datetime,
    origin: str,
    agent: str = "",
    *,
    by_link: bool = False,
) -> str:
    """Begin one and return the token for its cookie, which is kept nowhere. What is over is swept out."""
    session.execute(delete(WebSession).where(WebSession.expires_at <= now))
    token = bearer.mint()
    session.add(
        WebSession(
            token_hash=bearer.digest(token),
            user_id=user_id,
            begun_at=now,
            seen_at=now,
            expires_at=_expiry(settings, now, now),
            origin=origin,
            agent="".join(filter(str.isprintable, agent))[:LONGEST_AGENT],
            by_link=by_link,
        )
    )
    return token


def identify(
    database: Database,
    settings: Settings,
    token: str,
    now: datetime,
    origin: str,
    request_id: str = "",
    *,
    touch: bool = True,
) -> Identity | None:
    """Whose browser this is; ``None`` for one that is unknown, over, or whose owner is disabled.

    Costs one short read. That a session is in use is written down once a minute, unless nobody is there:
    without ``touch``.
    """
    with database.reading() as session:
        row = session.execute(_WHOSE, {"hash": bearer.digest(token), "now": now}).one_or_none()
        if row is None:
            return None
        scope, units = scopes.of_user(session, row.user_id, row.everywhere)
    if touch and row.seen_at <= now - TOUCHED_EVERY:
        _touch(database, settings, row.id, now)
    role = Role(row.role)
    return Identity(
        user_id=row.user_id,
        name=row.name,
        role=role,
        scope=scope,
        origin=origin,
        request_id=request_id,
        shown_name=row.shown_name,
        units=units,
        permissions=GRANTS[role],
        session_id=row.id,
    )


def of_user(session: Session, user_id: int, now: datetime) -> list[SessionRow]:
    """The user's living sessions; the one that was seen last stands first."""
    row = WebSession
    living = (
        select(row.id, row.begun_at, row.seen_at, row.expires_at, row.origin, row.agent, row.by_link)
        .where(row.user_id == user_id, row.expires_at > now)
        .order_by(row.seen_at.desc(), row.id.desc())
    )
    return [SessionRow(*line) for line in session.execute(living)]


def end(session: Session, user_id: int, session_id: int) -> None:
    """End one session of the user; of others' sessions and of ended ones nothing is said."""
    session.execute(delete(WebSession).where(WebSession.user_id == user_id, WebSession.id == session_id))


def end_all(session: Session, user_id: int, but: int | None = None) -> None:
    """End every session of the user, but the one that asks for it where it is to go on."""
    session.execute(delete(WebSession).where(WebSession.user_id == user_id, WebSession.id != (but or 0)))


def _touch(database: Database, settings: Settings, session_id: int, now: datetime) -> None:
    with database.transaction() as session:
        row = session.get(WebSession, session_id)
        if row is not None:  # it may have been ended meanwhile
            row.seen_at = now
            row.expires_at = _expiry(settings, row.begun_at, now)


def _expiry(settings: Settings, begun: datetime, seen: datetime) -> datetime:
    return min(begun + timedelta(days=settings.session_days), seen + timedelta(hours=settings.session_idle_h))
