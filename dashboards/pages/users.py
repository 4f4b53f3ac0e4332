"""``/users``: who may sign in, as what, and what each sees; links that let somebody in."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth import links, sessions, tokens, users
from camera_registry.auth.roles import Permission, Role
from camera_registry.auth.users import NoSuchUser, Seeing, UserRow
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, collation_key
from camera_registry.models import Unit
from camera_registry.units import UnitTree, UnitVersion
from dashboards import tables
from dashboards.leafing import FromAddress, Wanted, chosen, leaf
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

ROWS = 100  # of one page
MOST_UNITS = 500  # of one user

Shown = Annotated[str, Form(max_length=users.LONGEST_SHOWN_NAME)]
Reason = Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)]
Units = Annotated[list[str] | None, Form(max_length=MOST_UNITS)]

router = APIRouter(prefix="/users", include_in_schema=False)


class Deed(StrEnum):
    """What is asked about on a page of its own before it is done to a user; as addresses say it."""

    LINK = "link"
    DISABLE = "disable"
    ENABLE = "enable"
    SIGN_OUT = "sign-out"
    REVOKE_TOKENS = "revoke-tokens"


@dataclass(frozen=True, slots=True)
class Words:
    """What a deed is asked about by, and what is said when it is done."""

    title: str
    about: str
    button: str
    done: str


DEEDS: Mapping[Deed, Words] = {
    Deed.LINK: Words(
        N_("Make a sign-in link for {name}?"),
        N_("Whoever has it signs in as this user, once, and may set a new password. Links of before end."),
        N_("Make a sign-in link"),
        N_("The link is made; links of before are over."),
    ),
    Deed.DISABLE: Words(
        N_("Disable {name}?"),
        N_("The user stays in the list and in the audit, and can be let in again."),
        N_("Disable"),
        N_("The user is disabled and signed out everywhere."),
    ),
    Deed.ENABLE: Words(
        N_("Let {name} in again?"),
        N_("With the password and the units of before; access tokens have to be made anew."),
        N_("Let in again"),
        N_("The user may sign in again."),
    ),
    Deed.SIGN_OUT: Words(
        N_("Sign {name} out of all devices?"),
        N_("The password goes on working. If somebody else may know it, make a sign-in link afterwards."),
        N_("Sign out of all devices"),
        N_("The user is signed out everywhere."),
    ),
    Deed.REVOKE_TOKENS: Words(
        N_("Revoke the access tokens of {name}?"),
        N_("Whatever program uses them is refused from that moment on. There is no way back."),
        N_("Revoke all"),
        N_("The access tokens are revoked."),
    ),
}


@router.get("", dependencies=[may(Permission.PEOPLE)])
def show(desk: AtDesk, request: Request, wanted: FromAddress) -> Response:
    return _list(desk, request, wanted)


@router.post("", dependencies=[may(Permission.PEOPLE), FromOwnPage])
def add(
    desk: AtDesk,
    request: Request,
    role: Annotated[Role, Form()],
    name: Annotated[str, Form(max_length=200)] = "",
    shown_name: Shown = "",
    everywhere: Annotated[bool, Form()] = False,
    unit: Units = None,
    reason: Reason = "",
) -> Response:
    """Let somebody in, and show the link by which they come in the first time."""
    try:
        why = audit.reason_of(reason)
        with desk.database.transaction() as session:
            seeing = _seeing(session, everywhere, unit or ())
            made = users.add(
                *(session, desk.actor, desk.scope, desk.now(), name, role, seeing, shown_name), reason=why
            )
            link = links.make(session, desk.actor, made.name, desk.now(), reason=why)
    except RegistryError as refused:
        typed = _Typed(name, shown_name, role, everywhere, tuple(unit or ()), reason)
        return _list(desk, request, Wanted(), refused=refused, typed=typed)
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
    reason: Reason = "",
) -> HTMLResponse:
    try:
        why = audit.reason_of(reason)
        with desk.database.transaction() as session:
            seeing = _seeing(session, everywhere, unit or ())
            users.change(
                *(session, desk.actor, desk.scope, desk.now(), name),
                role=role,
                seeing=seeing,
                shown_name=shown_name,
                reason=why,
            )
    except RegistryError as refused:
        typed = _Typed(name, shown_name, role, everywhere, tuple(unit or ()), reason)
        return _one(desk, request, name, refused=refused, typed=typed)
    return _one(desk, request, name, done=N_("Role and units are set; they hold from now on."))


@router.get("/{name}/{deed}", dependencies=[may(Permission.PEOPLE)])
def ask(desk: AtDesk, request: Request, name: str, deed: Deed) -> HTMLResponse:
    """Says what it touches, and wants to know why."""
    return _ask(desk, request, name, deed)


@router.post("/{name}/{deed}", dependencies=[may(Permission.PEOPLE), FromOwnPage])
def do(desk: AtDesk, request: Request, name: str, deed: Deed, reason: Reason = "") -> HTMLResponse:
    link = ""
    try:
        why = audit.reason_of(reason)
        with desk.database.transaction() as session:
            user = _user(session, desk, name)
            match deed:
                case Deed.LINK:
                    link = links.make(session, desk.actor, user.name, desk.now(), reason=why)
                case Deed.DISABLE:
                    users.disable(session, desk.actor, desk.scope, desk.now(), name, reason=why)
                case Deed.ENABLE:
                    users.enable(session, desk.actor, desk.scope, desk.now(), name, reason=why)
                case Deed.SIGN_OUT:
                    users.sign_out(session, desk.actor, user.id, desk.now(), reason=why)
                case Deed.REVOKE_TOKENS:
                    tokens.revoke_all(session, desk.actor, user.name, desk.now(), reason=why)
    except RegistryError as refused:
        return _ask(desk, request, name, deed, reason=reason, refused=refused)
    return _one(desk, request, name, done=DEEDS[deed].done, link=link)


@dataclass(frozen=True, slots=True)
class _Typed:
    """What stands in a form: what is so, or nothing of a new user; what was typed when it was refused."""

    name: str = ""
    shown_name: str = ""
    role: Role = Role.WARD_OFFICER
    everywhere: bool = False
    units: Collection[str] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Choices:
    """The units that may be given: those of today, and those of before the reorganisation."""

    present: Sequence[UnitVersion]
    former: Sequence[UnitVersion]
    everything: bool


def _list(
    desk: Desk,
    request: Request,
    wanted: Wanted,
    *,
    refused: RegistryError | None = None,
    typed: _Typed | None = None,
) -> Response:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = users.listed(session, desk.scope)
        choices = _choices(session, desk, reader)
    columns = _columns(reader)
    found = chosen(rows, columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "users", columns, found, reader)
    return page(
        request,
        desk,
        "users.html",
        reader=reader,
        status=409 if refused else 200,
        wanted=wanted,
        columns=tables.titles(columns),
        leaf=leaf(found, lambda row: row.name, wanted, ROWS),
        registered=len(rows),
        choices=choices,
        roles=Role,
        typed=typed or _Typed(),
        refused=refused.text(reader.language) if refused else "",
        longest_shown_name=users.LONGEST_SHOWN_NAME,
    )


def _columns(reader: Reader) -> Sequence[Column[UserRow]]:
    def sees(row: UserRow) -> str:
        return reader.say(N_("everything")) if row.everywhere else "; ".join(unit for _, unit in row.units)

    return (
        Column("name", N_("Name"), lambda row: row.name),
        Column("shown_name", N_("Shown as"), lambda row: row.shown_name),
        Column("role", N_("Role"), lambda row: reader.role(row.role)),
        Column("sees", N_("Sees"), sees),
        Column("by", N_("Signs in by"), lambda row: reader.say(_way_in(row))),
        Column("added", N_("Added"), lambda row: row.made_at),
        Column("added_by", N_("Added by"), lambda row: row.made_by),
        Column("disabled", N_("Disabled"), lambda row: row.disabled_at),
    )


def _way_in(row: UserRow) -> str:
    return N_("password") if row.has_password else N_("link alone")


def _one(
    desk: Desk,
    request: Request,
    name: str,
    *,
    done: str = "",
    link: str = "",
    refused: RegistryError | None = None,
    typed: _Typed | None = None,
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        user = _user(session, desk, name)
        open_ = sessions.of_user(session, user.id, reader.now)
        choices = _choices(session, desk, reader)
        living = tokens.living_of(session, user.name, reader.now)
    stands = _Typed(user.name, user.shown_name, user.role, user.everywhere, [uid for uid, _ in user.units])
    return page(
        request,
        desk,
        "user.html",
        reader=reader,
        status=409 if refused else 200,
        user=user,
        sessions=open_,
        tokens=living,
        typed=typed or stands,
        choices=choices,
        roles=Role,
        link=f"{str(request.base_url).rstrip('/')}{link}" if link else "",
        hours=links.HOURS,
        done=[reader.say(done)] if done else [],
        refused=refused.text(reader.language) if refused else "",
        longest_shown_name=users.LONGEST_SHOWN_NAME,
    )


def _ask(
    desk: Desk,
    request: Request,
    name: str,
    deed: Deed,
    *,
    reason: str = "",
    refused: RegistryError | None = None,
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        user = _user(session, desk, name)
        open_ = sessions.of_user(session, user.id, reader.now)
        living = tokens.living_of(session, user.name, reader.now)
    words = DEEDS[deed]
    return page(
        request,
        desk,
        "user_deed.html",
        reader=reader,
        status=409 if refused else 200,
        user=user,
        deed=deed,
        title=reader.say(words.title, name=user.name),
        about=words.about,
        button=words.button,
        sessions=open_,
        tokens=living,
        reason=reason,
        refused=refused.text(reader.language) if refused else "",
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
    today = reader.today
    units = [unit for unit in UnitTree.load(session).units.values() if desk.scope.covers(unit.id)]
    units.sort(key=lambda unit: (collation_key(unit.name), unit.uid))
    return _Choices(
        present=[unit for unit in units if unit.valid_on(today)],
        former=[unit for unit in units if unit.ended_by(today)],
        everything=desk.scope.unit_ids is None,
    )
