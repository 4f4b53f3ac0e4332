"""What every command does first and last: settings, the migrated database, the key, and a clear refusal."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from camera_registry import settings
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, translate
from camera_registry.settings import Settings, SettingsError

out = Console(highlight=False, soft_wrap=True)
err = Console(highlight=False, soft_wrap=True, stderr=True)


@contextmanager
def command() -> Iterator[Settings]:
    """The settings; a refusal inside is said in their language and ends the program with code 1."""
    try:
        loaded = settings.load()
    except SettingsError as refused:
        err.print(str(refused), style="red", markup=False)
        raise typer.Exit(1) from None
    try:
        yield loaded
    except RegistryError as refused:
        err.print(refused.text(loaded.language), style="red", markup=False)
        raise typer.Exit(1) from None


@contextmanager
def open_database(loaded: Settings) -> Iterator[Database]:
    """The database of the settings, migrated."""
    database = Database(loaded.url)
    try:
        database.migrate()
        yield database
    finally:
        database.close()


def open_credentials(loaded: Settings, database: Database) -> CredentialStore:
    """The credentials; when this is the first start, says where their key is and that a copy is needed."""
    store = CredentialStore(loaded)
    with database.reading() as session:
        made = store.prepare(session)
    if made:
        message = N_("A new key that seals camera passwords is in {path}. Keep a copy of it in a safe place.")
        for language in ("vi", "en"):
            err.print(translate(message, language, path=store.path), style="yellow", markup=False)
    return store


def say(loaded: Settings, message: str, **values: object) -> None:
    """A line for the person at the terminal, in the language of the settings."""
    out.print(translate(message, loaded.language, **values), markup=False)
