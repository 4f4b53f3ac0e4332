"""``prepare``: everything that a first start makes, without starting."""

import typer

from camera_registry.commands.common import command
from camera_registry.commands.storage import open_credentials, open_database


def add_to(app: typer.Typer) -> None:
    app.command("prepare")(prepare)


def prepare() -> None:
    """Make the database, or bring its tables to this version, and make the key where there is none."""
    with command() as loaded, open_database(loaded) as database:
        open_credentials(loaded, database)
