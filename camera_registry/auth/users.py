"""People who may sign in: made, given a role and units, disabled; each deed is written to the audit.

Nobody is deleted, so that a name in the audit stays somebody's. An administrator whose scope is everything
always remains: who could let anybody in otherwise? Whoever has a scope manages people within it alone.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.auth import links, sessions, tokens
from camera_registry.auth.roles import Role
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import Unit, User, UserUnit
from camera_registry.units import Scope

NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}")
LONGEST_SHOWN_NAME = 200
FIRST = "admin"


class UserError(RegistryError):
    """What was asked cannot be done to this user."""


class NoSuchUser(UserError):
    """Nobody in scope has this name."""


class LastAdministrator(UserError):
    """Nobody would be left who can let people in."""


@dataclass(frozen=True, slots=True)
class UserRow:
    """Somebody who may sign in. ``units`` are (uid, name), empty where the scope is everything."""

    id: int
    name: str
    shown_name: str
    role: Role
    everywhere: bool
    units: Sequence[tuple[str, str]]
    has_password: bool
    made_at: datetime
    made_by: str
    disabled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Seeing:
    """What somebody is to see: everything, or units (database ids)."""

    everywhere: bool = False
    unit_ids: frozenset[int] = frozenset()


def name_of(text: str) -> str:
    """A name to sign in with, as it is kept. Raises ``UserError`` for what is none."""
    name = text.strip().lower()
    if not NAME.fullmatch(name):
        raise UserError(
            N_(
                "A name to sign in with has at most 100 of these: a to z, digits, and . _ @ + - ; "
                "a letter or digit first."
            )
        )
    return name


def listed(session: Session, scope: Scope) -> list[UserRow]:
    """Everybody in scope, by name; the disabled among them."""
    units: dict[int, list[Unit]] = {}
    for user_id, unit in session.execute(select(UserUnit.user_id, Unit).join(Unit).order_by(Unit.name)):
        units.setdefault(user_id, []).append(unit)
    return [
        _row(user, units.get(user.id, ()))
        for user in session.scalars(select(User).order_by(User.name))
        if _within(scope, user.everywhere, [unit.id for unit in units.get(user.id, ())])
    ]


def one(session: Session, scope: Scope, name: str) -> UserRow:
    """Raises ``NoSuchUser`` where nobody in scope has this name."""
    found = next((user for user in listed(session, scope) if user.name == name.strip().lower()), None)
    if found is None:
        raise NoSuchUser(N_('There is no user called "{name}".'), name=name)
    return found


def unit_ids(session: Session, user: UserRow) -> frozenset[int]:
    """The database ids of the units that the user was given."""
    return frozenset(session.scalars(select(UserUnit.unit_id).where(UserUnit.user_id == user.id)))


def add(
    session: Session,
    actor: Actor,
    scope: Scope,
    now: datetime,
    name: str,
    role: Role,
    seeing: Seeing,
    shown_name: str = "",
    *,
    reason: str = "",
) -> UserRow:
    """Let somebody in, who has no password yet. Raises ``UserError``; ``scope`` is that of who does it."""
    name = name_of(name)
    if session.scalar(select(User.id).where(User.name == name)) is not None:
        raise UserError(N_('There is a user called "{name}" already.'), name=name)
    _seeing_allowed(scope, seeing)
    user = User(
        name=name,
        shown_name=_shown(shown_name),
        role=role,
        everywhere=seeing.everywhere,
        made_at=now,
        made_by=actor.name,
    )
    session.add(user)
    session.flush()
    session.add_all(UserUnit(user_id=user.id, unit_id=unit_id) for unit_id in sorted(seeing.unit_ids))
    session.flush()
    made = one(session, scope, name)
    told = {"before": None, "after": _told(made)}
    _record(session, actor, Action.USER_ADDED, made, now, told, reason)
    return made


def change(
    session: Session,
    actor: Actor,
    scope: Scope,
    now: datetime,
    name: str,
    *,
    role: Role,
    seeing: Seeing,
    shown_name: str,
    reason: str = "",
) -> UserRow:
    """Set what somebody is and sees. Raises ``UserError``; it holds from the next request on.

    A link that was made for less, or for more, signs nobody in any more.
    """
    before = one(session, scope, name)
    _seeing_allowed(scope, seeing)
    if role is not Role.ADMINISTRATOR or not seeing.everywhere:
        _others_remain(session, before)
    user = session.get_one(User, before.id)
    user.role, user.everywhere, user.shown_name = role, seeing.everywhere, _shown(shown_name)
    session.execute(delete(UserUnit).where(UserUnit.user_id == user.id))
    session.add_all(UserUnit(user_id=user.id, unit_id=unit_id) for unit_id in sorted(seeing.unit_ids))
    session.flush()
    after = one(session, scope, name)
    if (after.role, after.everywhere, after.units) != (before.role, before.everywhere, before.units):
        links.end(session, after.id, now)
    if after != before:
        told = {"before": _told(before), "after": _told(after)}
        _record(session, actor, Action.USER_CHANGED, after, now, told, reason)
    return after


def disable(
    session: Session, actor: Actor, scope: Scope, now: datetime, name: str, *, reason: str = ""
) -> UserRow:
    """Let somebody in no more: sessions, links and access tokens end at once. Raises ``UserError``."""
    before = one(session, scope, name)
    if before.disabled_at is None:
        _others_remain(session, before)
        tokens.revoke_all(session, actor, before.name, now, reason=reason)
        session.get_one(User, before.id).disabled_at = now
        sessions.end_all(session, before.id)
        links.end(session, before.id, now)
        session.flush()
        _record(session, actor, Action.USER_DISABLED, before, now, reason=reason)
    return one(session, scope, name)


def enable(
    session: Session, actor: Actor, scope: Scope, now: datetime, name: str, *, reason: str = ""
) -> UserRow:
    """Let somebody in again, with the password of before and no token. Raises ``NoSuchUser``."""
    before = one(session, scope, name)
    if before.disabled_at is not None:
        session.get_one(User, before.id).disabled_at = None
        session.flush()
        _record(session, actor, Action.USER_ENABLED, before, now, reason=reason)
    return one(session, scope, name)


def unlink(session: Session, actor: Actor, scope: Scope, now: datetime, name: str) -> UserRow:
    """Forget by what ``sub`` the OIDC provider knows somebody: who signs in next by this mail address is it.

    Raises ``NoSuchUser``.
    """
    row = one(session, scope, name)
    user = session.get_one(User, row.id)
    if user.subject is not None:
        told = {"before": {"subject": user.subject}, "after": {"subject": None}}
        user.subject = None
        _record(session, actor, Action.USER_CHANGED, row, now, told)
    return row


def sign_out(
    session: Session,
    actor: Actor,
    user_id: int,
    now: datetime,
    *,
    but: int | None = None,
    reason: str = "",
) -> int:
    """End the user's sessions, but the one of this number where it is to go on; how many there were."""
    ended = [row for row in sessions.of_user(session, user_id, now) if row.id != but]
    if ended:
        sessions.end_all(session, user_id, but=but)
        subject = f"user:{session.get_one(User, user_id).name}"
        detail = {"browsers": len(ended)}
        audit.record(session, actor, Action.SIGNED_OUT, subject, now, detail=detail, reason=reason)
    return len(ended)


def set_password(
    session: Session, actor: Actor, user_id: int, hashed: str, now: datetime, *, session_id: int | None = None
) -> None:
    """Keep a new password's hash and end the user's links and sessions, but the one it was set in."""
    user = session.get_one(User, user_id)
    user.password_hash = hashed
    sessions.end_all(session, user_id, but=session_id)
    links.end(session, user_id, now)
    session.flush()
    audit.record(session, actor, Action.PASSWORD_SET, f"user:{user.name}", now)


def stranded_administrator(session: Session, now: datetime) -> str | None:
    """The name of an administrator of everything where none has a way in; a registry without any gets one.

    ``None`` where one has a password, or is known to the OIDC provider. Raises ``UserError`` where the name
    of the first is somebody else's.
    """
    administrators = session.scalars(_administrators().order_by(User.id)).all()
    if any(user.password_hash or user.subject for user in administrators):
        return None
    if administrators:
        return administrators[0].name
    actor = Actor("serve", "cli")
    return add(
        *(session, actor, Scope.everything(), now, FIRST, Role.ADMINISTRATOR), Seeing(everywhere=True)
    ).name


def _administrators() -> Select[User]:
    return select(User).where(
        User.role == Role.ADMINISTRATOR, User.everywhere.is_(True), User.disabled_at.is_(None)
    )


def _others_remain(session: Session, leaving: UserRow) -> None:
    """Locks the rows it counts: of two administrators who disable each other, one stays."""
    administrators = {user.id for user in session.scalars(_administrators().with_for_update())}
    if administrators == {leaving.id}:
        raise LastAdministrator(
            N_("{name} is the last administrator who sees everything: make another one first."),
            name=leaving.name,
        )


def _within(scope: Scope, everywhere: bool, unit_ids: Collection[int]) -> bool:
    if scope.unit_ids is None:
        return True
    return not everywhere and all(scope.covers(unit_id) for unit_id in unit_ids)


def _seeing_allowed(scope: Scope, seeing: Seeing) -> None:
    if not seeing.everywhere and not seeing.unit_ids:
        raise UserError(N_("Name at least one unit, or everything."))
    if not _within(scope, seeing.everywhere, seeing.unit_ids):
        raise UserError(N_("You can give others only what you see yourself."))


def _shown(text: str) -> str:
    return "".join(char for char in " ".join(text.split()) if char.isprintable())[:LONGEST_SHOWN_NAME]


def _row(user: User, units: Collection[Unit]) -> UserRow:
    return UserRow(
        id=user.id,
        name=user.name,
        shown_name=user.shown_name,
        role=Role(user.role),
        everywhere=user.everywhere,
        units=tuple((unit.uid, unit.name) for unit in units),
        has_password=bool(user.password_hash),
        made_at=user.made_at,
        made_by=user.made_by,
        disabled_at=user.disabled_at,
    )


def _told(row: UserRow) -> dict[str, Any]:
    """As the audit keeps it."""
    return {
        "role": row.role,
        "everywhere": row.everywhere,
        "units": [uid for uid, _ in row.units],
        "shown_name": row.shown_name,
    }


def _record(
    session: Session,
    actor: Actor,
    action: Action,
    user: UserRow,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    audit.record(session, actor, action, f"user:{user.name}", now, detail=detail, reason=reason)
