"""``/users``: who may sign in, as what, and what each sees; links that let somebody in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth import links, sessions, tokens, users
from camera_registry.auth.roles import Permission, Role
from camera_registry.auth.users import NoSuchUser, Seeing, UserRow
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, collation_key
from camera_registry.models import Unit
from camera_registry.units import UnitTree, UnitVersion
from dashboards.rendering import Reader, page, reader_of

MOST_UNITS = 500  # of one user

Shown = Annotated[str, Form(max_length=users.LONGEST_SHOWN_NAME)]
Units = Annotated[list[str] | None, Form(max_length=MOST_UNITS)]

router = APIRouter(prefix="/users", include_in_schema=False)


@router.get("", dependencies=[may(Permission.PEOPLE)])
def show(desk: AtDesk, request: Request) -> HTMLResponse:
    return _list(desk, request)


@router.post("", dependencies=[may(Permission.PEOPLE), FromOwnPage])
def add(
    desk: AtDesk,
    request: Request,
    role: Annotated[Role, Form()],
    name: Annotated[str, Form(max_length=200)] = "",
    shown_name: Shown = "",
    everywhere: Annotated[bool, Form()] = False,
    unit: Units = None,
) -> HTMLResponse:
    """Let somebody in, and show the link by which they come in the first time."""
    try:
        with desk.database.transaction() as session:
            seeing = _seeing(session, everywhere, unit or ())
            made = users.add(session, desk.actor, desk.scope, desk.now(), name, role, seeing, shown_name)
            link = links.make(session, desk.actor, made.name, desk.now())
    except RegistryError as refused:
        typed = _Typed(name, shown_name, role, everywhere, tuple(unit or ()))
        return _list(desk, request, refused=refused, typed=typed)
    return _one(desk, request, made.name, done=N_("The user is added."), link=link)


@router.get("/{name}", dependencies=[may(Permission.PEOPLE)])
def show_one(desk: AtDesk, request: Request, name: str) -> HTMLResponse:
    return _one(desk, request, name)


@router.post("/{name}", dependencies=[may(Permission.PEOPLE), FromOwnPage])
def change(
    desk: AtDesk,
    request: Request,
    name: str,
    role: Annotated[Role, Form()],
    shown_name: Shown = "",
    everywhere: Annotated[bool, Form()] = False,
    unit: Units = None,
) -> HTMLResponse:
    try:
        with desk.database.transaction() as session:
            seeing = _seeing(session, everywhere, unit or ())
            users.change(
                *(session, desk.actor, desk.scope, desk.now(), name),
                role=role,
                seeing=seeing,
                shown_name=shown_name,
            )
    except RegistryError as refused:
        return _one(desk, request, name, refused=refused)
    return _one(desk, request, name, done=N_("Role and units are set; they hold from now on."))


@router.get("/{name}/disable", dependencies=[may(Permission.PEOPLE)])
def ask_to_disable(desk: AtDesk, request: Request, name: str) -> HTMLResponse:
    """Says what it touches."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        user = _user(session, desk, name)
        open_ = len(sessions.of_user(session, user.id, reader.now))
        living = tokens.living_of(session, user.name, reader.now)
    return page(
        *(request, desk, "user_disable.html"), reader=reader, user=user, sessions=open_, tokens=len(living)
    )


@router.post("/{name}/disable", dependencies=[may(Permission.PEOPLE), FromOwnPage])
def disable(desk: AtDesk, request: Request, name: str) -> HTMLResponse:
    try:
        with desk.database.transaction() as session:
            users.disable(session, desk.actor, desk.scope, desk.now(), name)
    except RegistryError as refused:
        return _one(desk, request, name, refused=refused)
    return _one(desk, request, name, done=N_("The user is disabled and signed out everywhere."))


@router.post("/{name}/enable", dependencies=[may(Permission.PEOPLE), FromOwnPage])
def enable(desk: AtDesk, request: Request, name: str) -> HTMLResponse:
    with desk.database.transaction() as session:
        _user(session, desk, name)
        users.enable(session, desk.actor, desk.scope, desk.now(), name)
    return _one(desk, request, name, done=N_("The user may sign in again."))


@router.post("/{name}/tokens/revoke", dependencies=[may(Permission.PEOPLE), FromOwnPage])
def revoke_tokens(desk: AtDesk, request: Request, name: str) -> HTMLResponse:
    """End every access token of the user at once."""
    with desk.database.transaction() as session:
        user = _user(session, desk, name)
        tokens.revoke_all(session, desk.actor, user.name, desk.now())
    return _one(desk, request, name, done=N_("The access tokens are revoked."))


@router.post("/{name}/link", dependencies=[may(Permission.PEOPLE), FromOwnPage])
def make_link(desk: AtDesk, request: Request, name: str) -> HTMLResponse:
    """A link for a forgotten password; links of before end."""
    try:
        with desk.database.transaction() as session:
            user = _user(session, desk, name)
            link = links.make(session, desk.actor, user.name, desk.now())
    except RegistryError as refused:
        return _one(desk, request, name, refused=refused)
    return _one(desk, request, name, link=link)


@dataclass(frozen=True, slots=True)
class _Typed:
    """What stands in the form of a new user: nothing at first, and what was typed when it was refused."""

    name: str = ""
    shown_name: str = ""
    role: Role = Role.WARD_OFFICER
    everywhere: bool = False
    units: Collection[str] = ()


@dataclass(frozen=True, slots=True)
class _Choices:
    """The units that may be given: those of today, and those of before the reorganisation."""

    present: Sequence[UnitVersion]
    former: Sequence[UnitVersion]
    everything: bool


def _list(
    desk: Desk, request: Request, *, refused: RegistryError | None = None, typed: _Typed | None = None
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = users.listed(session, desk.scope)
        choices = _choices(session, desk, reader)
    return page(
        request,
        desk,
        "users.html",
        reader=reader,
        status=409 if refused else 200,
        rows=rows,
        choices=choices,
        roles=Role,
        typed=typed or _Typed(),
        refused=refused.text(reader.language) if refused else "",
        longest_shown_name=users.LONGEST_SHOWN_NAME,
    )


def _one(
    desk: Desk,
    request: Request,
    name: str,
    *,
    done: str = "",
    link: str = "",
    refused: RegistryError | None = None,
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        user = _user(session, desk, name)
        choices = _choices(session, desk, reader)
        living = tokens.living_of(session, user.name, reader.now)
    return page(
        request,
        desk,
        "user.html",
        reader=reader,
        status=409 if refused else 200,
        user=user,
        tokens=living,
        typed=_Typed(user.name, user.shown_name, user.role, user.everywhere, [uid for uid, _ in user.units]),
        choices=choices,
        roles=Role,
        link=f"{str(request.base_url).rstrip('/')}{link}" if link else "",
        hours=links.HOURS,
        done=[reader.say(done)] if done else [],
        refused=refused.text(reader.language) if refused else "",
        longest_shown_name=users.LONGEST_SHOWN_NAME,
    )


def _user(session: Session, desk: Desk, name: str) -> UserRow:
    try:
        return users.one(session, desk.scope, name)
    except NoSuchUser as unknown:
        raise HTTPException(404, str(unknown)) from None


def _seeing(session: Session, everywhere: bool, uids: Collection[str]) -> Seeing:
    """Units are named by their uids; one that is unknown is left out, as a form of ours has none."""
    if everywhere:
        return Seeing(everywhere=True)
    return Seeing(unit_ids=frozenset(session.scalars(select(Unit.id).where(Unit.uid.in_(uids)))))


def _choices(session: Session, desk: Desk, reader: Reader) -> _Choices:
    today = reader.now.astimezone(reader.zone).date()
    units = [unit for unit in UnitTree.load(session).units.values() if desk.scope.covers(unit.id)]
    units.sort(key=lambda unit: (collation_key(unit.name), unit.uid))
    return _Choices(
        present=[unit for unit in units if unit.valid_on(today)],
        former=[unit for unit in units if unit.ended_by(today)],
        everything=desk.scope.unit_ids is None,
    )
