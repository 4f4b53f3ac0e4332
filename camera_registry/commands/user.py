"""``user``: who may sign in. Nobody's password is an argument; whoever is added comes in by a link, once."""

import sys
from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table
from sqlalchemy.orm import Session

from camera_registry import deeds
from camera_registry.audit import Actor
from camera_registry.auth import links, passwords, tokens, users
from camera_registry.auth.roles import Role
from camera_registry.auth.users import Seeing, UserRow
from camera_registry.commands.common import Refused, command, now, out, read_password, say
from camera_registry.commands.storage import actor, changing, open_database
from camera_registry.i18n import N_, moment, translate
from camera_registry.settings import Settings
from camera_registry.units import Scope, UnitTree

EVERYTHING = Scope.everything()  # whoever has the console has the database

user_app = typer.Typer(no_args_is_help=True, help="Who may sign in.")

Name = Annotated[str, typer.Argument(help="Name to sign in with.")]
ItsRole = Annotated[Role, typer.Option(help="What the user is here.")]
ItsUnits = Annotated[
    list[str] | None,
    typer.Option("--unit", help="Name, code or uid of a unit that the user sees; give it again for more."),
]
Everywhere = Annotated[bool, typer.Option("--everywhere", help="The user sees the whole city.")]
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept.")]
Address = Annotated[
    str | None, typer.Option(help="Address of the pages that the link is to begin with.", metavar="URL")
]


def add_to(app: typer.Typer) -> None:
    app.add_typer(user_app, name="user")


@user_app.command("add")
def add(
    name: Name,
    role: ItsRole,
    unit: ItsUnits = None,
    everywhere: Everywhere = False,
    shown_name: Annotated[str, typer.Option(help="Name as colleagues know it.")] = "",
    ask_password: Annotated[
        bool, typer.Option("--password", help="Ask for a password instead of printing a link.")
    ] = False,
    address: Address = None,
    reason: Why = "",
) -> None:
    """Let somebody in, and print the link by which they come in the first time.

    An administrator sees everything unless units are named.
    """
    with command() as loaded, open_database(loaded) as database:
        chosen = _asked_password(name, loaded) if ask_password else ""
        with database.transaction() as session:
            whole = everywhere or (role is Role.ADMINISTRATOR and not unit)
            seeing = _seeing(session, loaded, unit or [], whole, now())
            made = users.add(
                *(session, actor(), EVERYTHING, now(), name, role, seeing, shown_name), reason=reason
            )
            if ask_password:
                users.set_password(session, actor(), made.id, chosen, now())
            else:
                _print_link(session, loaded, actor(), made.name, address, reason)
        say(loaded, N_("{name} may sign in."), name=made.name)


@user_app.command("list")
def list_users() -> None:
    """List everybody, with role and units."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        heads = (N_("Name"), N_("Shown as"), N_("Role"), N_("Sees"), N_("Signs in by"), N_("Disabled"))
        table = Table(*(translate(head, loaded.language) for head in heads))
        for user in users.listed(session, EVERYTHING):
            table.add_row(*_cells(user, loaded))
        out.print(table)


@user_app.command("link")
def link(name: Name, address: Address = None, reason: Why = "") -> None:
    """Print a link that signs somebody in once: a forgotten password, too many failed tries."""
    with command() as loaded, changing(loaded) as session:
        user = users.one(session, EVERYTHING, name)
        _print_link(session, loaded, actor(), user.name, address, reason)


@user_app.command("password")
def password(
    name: Name,
    revoke_tokens: Annotated[
        bool,
        typer.Option("--revoke-tokens", help="The password leaked: end what programs come in by, too."),
    ] = False,
) -> None:
    """Ask for a new password of somebody; every browser of theirs is signed out, and no link works any more.

    Access tokens go on working, and are listed, unless they are to be revoked.
    """
    with command() as loaded, open_database(loaded) as database:
        chosen = _asked_password(name, loaded)
        with database.transaction() as session:
            user = users.one(session, EVERYTHING, name)
            users.set_password(session, actor(), user.id, chosen, now())
            living = tokens.living_of(session, user.name, now())
            if revoke_tokens:
                tokens.revoke_all(session, actor(), user.name, now(), reason="--revoke-tokens")
        say(loaded, N_("The password is set; every browser of {name} is signed out."), name=user.name)
        names = ", ".join(token.name for token in living)
        if living and revoke_tokens:
            say(loaded, N_("Access tokens revoked: {names}."), names=names)
        elif living:
            say(
                loaded,
                N_("Access tokens that still work: {names}. If the password leaked, give --revoke-tokens."),
                names=names,
            )


@user_app.command("role")
def role(
    name: Name, role: Annotated[Role, typer.Argument(help="What the user is to be.")], reason: Why = ""
) -> None:
    """Make somebody something else; it holds at once."""
    with command() as loaded, changing(loaded) as session:
        user = users.one(session, EVERYTHING, name)
        seeing = Seeing(user.everywhere, users.unit_ids(session, user))
        users.change(
            *(session, actor(), EVERYTHING, now(), name),
            role=role,
            seeing=seeing,
            shown_name=user.shown_name,
            reason=reason,
        )
        say(loaded, N_("Role and units are set; they hold from now on."))


@user_app.command("units")
def units(name: Name, unit: ItsUnits = None, everywhere: Everywhere = False, reason: Why = "") -> None:
    """Set the units that somebody sees; it holds at once."""
    with command() as loaded, changing(loaded) as session:
        user = users.one(session, EVERYTHING, name)
        users.change(
            *(session, actor(), EVERYTHING, now(), name),
            role=user.role,
            seeing=_seeing(session, loaded, unit or [], everywhere, now()),
            shown_name=user.shown_name,
            reason=reason,
        )
        say(loaded, N_("Role and units are set; they hold from now on."))


@user_app.command("disable")
def disable(name: Name, reason: Why = "") -> None:
    """Let somebody in no more: every browser is signed out, access tokens stop working."""
    with command() as loaded, changing(loaded) as session:
        users.disable(session, actor(), EVERYTHING, now(), name, reason=reason)
        say(loaded, N_("The user is disabled and signed out everywhere."))


@user_app.command("enable")
def enable(name: Name, reason: Why = "") -> None:
    """Let somebody in again."""
    with command() as loaded, changing(loaded) as session:
        users.enable(session, actor(), EVERYTHING, now(), name, reason=reason)
        say(loaded, N_("The user may sign in again."))


@user_app.command("unlink")
def unlink(name: Name) -> None:
    """Forget who somebody is to the OIDC provider: who has this mail address there next is it."""
    with command() as loaded, changing(loaded) as session:
        users.unlink(session, actor(), EVERYTHING, now(), name)
        say(loaded, N_("Forgotten; the next sign-in by this mail address is remembered instead."))


def _seeing(
    session: Session, loaded: Settings, named: list[str], everywhere: bool, moment: datetime
) -> Seeing:
    if everywhere and named:
        raise Refused(N_("Name units, or say --everywhere, not both."))
    tree, today = UnitTree.load(session), moment.astimezone(loaded.zone).date()
    return Seeing(everywhere, frozenset(tree.resolve(text, today).id for text in named))


def _print_link(
    session: Session, loaded: Settings, by: Actor, name: str, address: str | None, reason: str
) -> None:
    path = links.make(session, by, name, now(), reason=reason)
    # Printed before it is committed; a link that then is none only says so.
    say(loaded, N_("This link signs in {name}, once, within {hours} hours:"), name=name, hours=links.HOURS)
    typer.echo(f"{(address or _usual_address(loaded)).rstrip('/')}{path}")


def _usual_address(loaded: Settings) -> str:
    return f"https://{loaded.public_names[0]}" if loaded.public_names else "http://127.0.0.1:8000"


def _asked_password(name: str, loaded: Settings) -> str:
    """The hash of a password that a person types, twice, or that standard input holds."""
    given = read_password(None, loaded)
    if sys.stdin.isatty() and read_password(None, loaded) != given:
        raise Refused(N_("The two passwords differ."))
    return passwords.hashed(passwords.acceptable(given, users.name_of(name)))


def _cells(user: UserRow, loaded: Settings) -> tuple[str, ...]:
    def speak(message: str) -> str:
        return translate(message, loaded.language)

    return (
        user.name,
        user.shown_name,
        speak(deeds.ROLES[user.role]),
        speak(N_("everything")) if user.everywhere else "; ".join(name for _, name in user.units),
        speak(N_("password")) if user.has_password else speak(N_("link alone")),
        moment(user.disabled_at, loaded.language, loaded.zone) if user.disabled_at else "",
    )
