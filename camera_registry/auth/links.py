"""Links that sign somebody in once: the first administrator, a new user, a forgotten password.

Opening one shows a button; pressing it uses the link up. So the preview that a chat makes of an address does
not. A user has one link at a time; it ends with a new password, and with what the user was when it was made.
"""

from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.auth import bearer
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import SignInLink, User

HOURS = 24
PATH = "/sign-in/link"


class NobodyToLetIn(RegistryError):
    """Nobody who may sign in has this name."""


class LinkOver(RegistryError):
    """The link is unknown, used, or older than ``HOURS``; which of these is not said."""


def make(session: Session, actor: Actor, user: str, now: datetime, *, reason: str = "") -> str:
    """The path of a new link for an enabled user; it is shown once and kept nowhere.

    Links of before end; ``reason`` is why, for the audit. Raises ``NobodyToLetIn`` where nobody is called
    this, or may not sign in.
    """
    user_id = session.scalar(select(User.id).where(User.name == user, User.disabled_at.is_(None)))
    if user_id is None:
        raise NobodyToLetIn(N_("{name} is unknown or disabled: no link lets them in."), name=user)
    session.execute(delete(SignInLink).where(SignInLink.expires_at <= now))
    end(session, user_id, now)
    token = bearer.mint()
    session.add(
        SignInLink(
            token_hash=bearer.digest(token),
            user_id=user_id,
            made_at=now,
            expires_at=now + timedelta(hours=HOURS),
            used_at=None,
        )
    )
    audit.record(session, actor, Action.LINK_MADE, f"user:{user}", now, reason=reason)
    return f"{PATH}/{token}"


def user_of(session: Session, token: str, now: datetime) -> User:
    """Whom the link would sign in. Raises ``LinkOver``."""
    return _living(session, token, now)[1]


def use(session: Session, token: str, now: datetime) -> User:
    """Use up the link, and the user's others; whom it signs in.

    Raises ``LinkOver``; of two who press at once, for the second.
    """
    _, user = _living(session, token, now)
    end(session, user.id, now)
    return user


def end(session: Session, user_id: int, now: datetime) -> None:
    """No link of the user signs anybody in any more."""
    living = SignInLink.user_id == user_id, SignInLink.used_at.is_(None)
    session.execute(update(SignInLink).where(*living).values(used_at=now))


def _living(session: Session, token: str, now: datetime) -> tuple[SignInLink, User]:
    found = session.execute(
        select(SignInLink, User)
        .join(User, SignInLink.user_id == User.id)
        .where(SignInLink.token_hash == bearer.digest(token), SignInLink.used_at.is_(None))
        .where(SignInLink.expires_at > now, User.disabled_at.is_(None))
        .with_for_update(of=SignInLink)
    ).one_or_none()
    if found is None:
        raise LinkOver(N_("This link has been used, or is over. Ask for a new one."))
    return found[0], found[1]
