"""A program's way in: ``Authorization: Bearer crt_…``, made by somebody who answers for what it does.

A token sees what its owner sees, and may do what was granted to it as far as its owner's role still grants
it. It ends on its day, when it is revoked, or with its owner.

A token of a site is for the machine that asks its eyes (see ``couriers``), and good for nothing else. It
opens the passwords of the site's devices, so only who changes the registry and sees all of it makes one.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.auth import bearer, scopes
from camera_registry.auth.identity import Identity
from camera_registry.auth.roles import GRANTS, Permission, Role
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import ApiToken, Site, User

PREFIX = "crt_"  # so that people, and scanners for leaked secrets, know one when they see it
LONGEST = 100  # characters of what is looked up at all; ours have 47
LONGEST_NAME = 100
USUAL_DAYS, MOST_DAYS = 365, 1_826
MOST_LIVING = 50  # of one owner


class TokenError(RegistryError):
    """The token cannot be made, or not be revoked."""


class NoSuchToken(TokenError):
    """The owner has no token of this number."""


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as its owner sees it. ``permissions`` are those that still hold: the role may have changed."""

    id: int
    owner: str
    name: str
    permissions: tuple[Permission, ...]
    site: str  # its code, of a token of a site; else blank
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None  # to the hour
    revoked_at: datetime | None

    def living(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


def identify(
    database: Database, token: str, now: datetime, origin: str, request_id: str = ""
) -> Identity | None:
    """Whose token this is, with what it may do; ``None`` for one that is unknown, over, or whose owner is.

    Costs one short read. That a token is in use is written down once an hour.
    """
    if not token.startswith(PREFIX) or len(token) > LONGEST:
        return None
    with database.reading() as session:
        found = session.execute(
            select(ApiToken, User)
            .join(User, ApiToken.user_id == User.id)
            .where(ApiToken.token_hash == bearer.digest(token), ApiToken.revoked_at.is_(None))
            .where(ApiToken.expires_at > now, User.disabled_at.is_(None))
        ).one_or_none()
        if found is None:
            return None
        row, owner = found
        scope, units = scopes.of_user(session, owner.id, owner.everywhere)
        identity = Identity(
            user_id=owner.id,
            name=owner.name,
            role=Role(owner.role),
            scope=scope,
            origin=origin,
            request_id=request_id,
            shown_name=owner.shown_name,
            units=units,
            permissions=frozenset(_holds(owner, row)),
            token_id=row.id,
            site_id=row.site_id,
        )
        token_id, used_at = row.id, row.used_at
    if used_at is None or used_at < _hour(now):
        with database.transaction() as session:
            session.get_one(ApiToken, token_id).used_at = _hour(now)
    return identity


def grantable(role: Role, everywhere: bool) -> list[Permission]:
    """What somebody may grant a token: what the role grants; metrics are of the whole city or of nobody."""
    return [p for p in Permission if p in GRANTS[role] and (everywhere or p is not Permission.SCRAPE)]


def may_have_site(role: Role, everywhere: bool) -> bool:
    """Whether somebody may make the token of a site."""
    return everywhere and Permission.REGISTER in GRANTS[role]


def deliverable(session: Session) -> list[str]:
    """The codes of the sites that tokens are made for: those that a machine of their own asks."""
    return list(session.scalars(select(Site.code).where(Site.delivered).order_by(Site.code)))


def make(
    session: Session,
    actor: Actor,
    owner: str,
    name: str,
    permissions: Collection[Permission],
    now: datetime,
    days: int = USUAL_DAYS,
    *,
    site: str = "",
) -> str:
    """Make a token for ``owner`` (a user's name) and return it: it can be shown now and never again.

    With the code of a ``site`` it is that site's, and takes no other permission. Raises ``TokenError`` where
    the owner is unknown or disabled, does not hold such a permission, or has as many as ``MOST_LIVING``, and
    where the registry asks the site itself.
    """
    user = _user(session, owner)
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME:
        raise TokenError(N_("A token has a name of at most {limit} characters."), limit=LONGEST_NAME)
    if not 1 <= days <= MOST_DAYS:
        raise TokenError(N_("A token lasts between 1 and {days} days."), days=MOST_DAYS)
    site_id = None if not site else _site(session, user, site)
    if site_id is not None and not permissions:
        permissions = (Permission.DELIVER,)
    beyond = set(permissions) - set(_may_grant(user, site_id))
    if beyond or not permissions:
        raise TokenError(
            N_("{owner} cannot grant this to a token: {permissions}."),
            owner=user.name,
            permissions=", ".join(sorted(beyond)) or "–",
        )
    if len(living_of(session, user.name, now)) >= MOST_LIVING:
        raise TokenError(
            N_("{owner} has {limit} tokens already; revoke one."), owner=owner, limit=MOST_LIVING
        )
    token = PREFIX + bearer.mint()
    row = ApiToken(
        user_id=user.id,
        name=name,
        token_hash=bearer.digest(token),
        permissions=sorted(permissions),
        site_id=site_id,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    after = {"name": name, "permissions": sorted(permissions), "expires_at": row.expires_at.isoformat()}
    after |= {"site": site} if site else {}
    audit.record(
        session,
        actor,
        Action.TOKEN_MADE,
        f"user:{user.name}",
        now,
        detail={"token": row.id, "before": None, "after": after},
    )
    return token


def revoke(
    session: Session, actor: Actor, owner: str, token_id: int, now: datetime, *, reason: str = ""
) -> TokenRow:
    """End one of the owner's tokens at once. Raises ``NoSuchToken``; one that is revoked stays so."""
    user = _user(session, owner)
    row = session.scalar(select(ApiToken).where(ApiToken.id == token_id, ApiToken.user_id == user.id))
    if row is None:
        raise NoSuchToken(N_("{owner} has no token {id}."), owner=user.name, id=token_id)
    if row.revoked_at is None:
        row.revoked_at = now
        session.flush()
        after = {"revoked_at": now.isoformat()}
        audit.record(
            session,
            actor,
            Action.TOKEN_REVOKED,
            f"user:{user.name}",
            now,
            detail={"token": row.id, "name": row.name, "before": {"revoked_at": None}, "after": after},
            reason=reason,
        )
    site_of = None if row.site_id is None else session.get_one(Site, row.site_id)
    return _row(row, user, site_of.code if site_of else "")


def revoke_all(session: Session, actor: Actor, owner: str, now: datetime, *, reason: str = "") -> int:
    """End every living token of the owner at once; how many there were."""
    living = living_of(session, owner, now)
    for row in living:
        revoke(session, actor, owner, row.id, now, reason=reason)
    return len(living)


def of_owner(session: Session, owner: str | None = None) -> list[TokenRow]:
    """The tokens of one owner, or of all; the newest first, those that are over among them."""
    found = (
        select(ApiToken, User, Site.code)
        .join(User, ApiToken.user_id == User.id)
        .outerjoin(Site, ApiToken.site_id == Site.id)
        .order_by(ApiToken.id.desc())
    )
    if owner is not None:
        found = found.where(User.name == owner)
    return [_row(row, user, site or "") for row, user, site in session.execute(found)]


def living_of(session: Session, owner: str, now: datetime) -> list[TokenRow]:
    """The tokens by which a program of the owner may come in now; the newest first."""
    return [row for row in of_owner(session, owner) if row.living(now)]


def _row(row: ApiToken, owner: User, site: str) -> TokenRow:
    return TokenRow(
        row.id,
        owner.name,
        row.name,
        _holds(owner, row),
        site,
        row.made_at,
        row.expires_at,
        row.used_at,
        row.revoked_at,
    )


def _holds(owner: User, row: ApiToken) -> tuple[Permission, ...]:
    return tuple(p for p in _may_grant(owner, row.site_id) if p in row.permissions)


def _may_grant(owner: User, site_id: int | None) -> list[Permission]:
    role = Role(owner.role)
    if site_id is None:
        return grantable(role, owner.everywhere)
    return [Permission.DELIVER] if may_have_site(role, owner.everywhere) else []


def _site(session: Session, owner: User, code: str) -> int:
    """The site of this code. Raises ``TokenError`` where it is none whose machine delivers."""
    site = session.scalar(select(Site).where(Site.code == code))
    if site is None or not may_have_site(Role(owner.role), owner.everywhere):
        raise TokenError(N_('{owner} may make no token of a site "{code}".'), owner=owner.name, code=code)
    if not site.delivered:
        text = N_(
            'The site "{code}" is asked by the registry itself. First: camera-registry site delivered {code}'
        )
        raise TokenError(text, code=code)
    return site.id


def _user(session: Session, name: str) -> User:
    user = session.scalar(select(User).where(User.name == name, User.disabled_at.is_(None)))
    if user is None:
        raise TokenError(N_('Nobody who may sign in is called "{name}".'), name=name)
    return user


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)
