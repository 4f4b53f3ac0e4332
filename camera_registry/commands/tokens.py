"""``token``: the ways in of programs. A token is printed once, by itself, so that a file can take it."""

from typing import Annotated

import typer
from rich.table import Table

from camera_registry import deeds
from camera_registry.auth import tokens
from camera_registry.auth.roles import Permission
from camera_registry.commands.common import command, err, now, out, say
from camera_registry.commands.storage import actor, changing, open_database
from camera_registry.i18n import N_, moment, translate

token_app = typer.Typer(no_args_is_help=True, help="The ways in of programs.")

Owner = Annotated[str, typer.Argument(metavar="USER", help="Name of the user in whose name it asks.")]


def add_to(app: typer.Typer) -> None:
    app.add_typer(token_app, name="token")


@token_app.command("add")
def add(
    owner: Owner,
    name: Annotated[str, typer.Argument(help="What uses it, such as Prometheus.")],
    may: Annotated[
        list[Permission] | None, typer.Option(help="What it may do; give it again for more.")
    ] = None,
    site: Annotated[
        str, typer.Option(help="Of the machine that asks this site's eyes; it may do nothing else.")
    ] = "",
    days: Annotated[int, typer.Option(help="It ends after so many days.")] = tokens.USUAL_DAYS,
) -> None:
    """Make a token and print it, once: what is kept can be used by nobody."""
    with command() as loaded, open_database(loaded) as database:
        with database.transaction() as session:
            made = tokens.make(session, actor(), owner, name, may or (), now(), days, site=site)
        text = translate(N_("The token; it is not shown again:"), loaded.language)
        err.print(text, style="yellow", markup=False)
        typer.echo(made)


@token_app.command("list")
def list_tokens(
    owner: Annotated[str | None, typer.Argument(metavar="[USER]", help="Of one user; else of all.")] = None,
) -> None:
    """List the tokens, never what they are."""
    with command() as loaded, open_database(loaded) as database, database.reading() as session:
        heads = (
            *(N_("No."), N_("User"), N_("Name"), N_("Site"), N_("May")),
            *(N_("Last used"), N_("Ends"), N_("Revoked")),
        )
        table = Table(*(translate(head, loaded.language) for head in heads))
        for row in tokens.of_owner(session, owner):
            may = (
                translate(deeds.PERMISSIONS[permission], loaded.language) for permission in row.permissions
            )
            ends = [
                moment(at, loaded.language, loaded.zone) if at is not None else ""
                for at in (row.used_at, row.expires_at, row.revoked_at)
            ]
            table.add_row(str(row.id), row.owner, row.name, row.site, "; ".join(may), *ends)
        out.print(table)


@token_app.command("revoke")
def revoke(owner: Owner, number: Annotated[int, typer.Argument(help="Number of the token.")]) -> None:
    """End a token at once. There is no way back."""
    with command() as loaded, changing(loaded) as session:
        ended = tokens.revoke(session, actor(), owner, number, now())
        say(loaded, N_('The token "{name}" is revoked.'), name=ended.name)
