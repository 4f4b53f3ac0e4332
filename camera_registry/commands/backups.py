"""``backup`` and ``restore``: the registry in one file, proved, and back again; the key goes its own way."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from camera_registry import audit, backups
from camera_registry.audit import Action
from camera_registry.backups import Manifest
from camera_registry.commands.common import Refused, command, now, say
from camera_registry.commands.storage import actor, open_database
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database, Role, RoleTaken
from camera_registry.errors import reason_of
from camera_registry.i18n import N_, moment, number
from camera_registry.settings import Settings

KILOBYTE = 1_000


def add_to(app: typer.Typer) -> None:
    app.command("backup")(backup)
    app.command("restore")(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="The file to make; an existing one is never overwritten.")],
    key: Annotated[
        Path | None, typer.Option(help="Also write the key of the passwords, to a file of its own.")
    ] = None,
) -> None:
    """Write the whole registry to one file while others go on using it, and prove the file.

    The key that opens its passwords is not in it: keep a copy of the key elsewhere.
    """
    with command() as loaded, open_database(loaded) as database:
        if key is not None and key.exists():
            raise Refused(N_("{file} is there already; a backup overwrites nothing."), file=key)
        store = CredentialStore(loaded)
        made = backups.write(database, store.fingerprints(), file, now())
        with database.transaction() as session:
            detail = {"rows": made.total}
            audit.record(session, actor(), Action.BACKED_UP, f"backup:{file.name}", now(), detail=detail)
        text = N_("{file}: the registry of {moment}, {rows} rows, {size} kB, written and compared.")
        _tell(loaded, text, made, file)
        if key is not None:
            _write_key(store, key)
            say(loaded, N_("The key is in {path}. Keep it in another place than the backup."), path=key)
        elif made.keys:
            say(
                loaded,
                N_("The key is not in it: without a copy of {path} its passwords cannot be opened."),
                path=store.path,
            )


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `camera-registry backup` wrote.")],
) -> None:
    """Put a backup back into the database of the settings, which must hold nothing yet.

    The database may be of the other kind than the one that the backup was made of.
    """
    with command() as loaded, open_database(loaded) as database, ExitStack() as held:
        _be_alone(database, held)
        made, given_up = backups.restore(file, database, loaded.data_dir, actor(), now())
        _tell(loaded, N_("{file}: the registry of {moment}, {rows} rows, restored and compared."), made, file)
        store = CredentialStore(loaded)
        if missing := [key for key in made.keys if key not in store.fingerprints()]:
            say(
                loaded,
                N_("Its passwords need the key {fingerprint}, which is not here: put your copy into {path}."),
                fingerprint=", ".join(missing),
                path=store.path,
            )
        if given_up:
            text = N_(
                "Messages that waited at that moment are given up ({count}): send again what still matters."
            )
            say(loaded, text, count=number(given_up, loaded.language))
        say(loaded, N_("What was done after that moment is not in it: who was let in or out, what was sent."))
        say(loaded, N_("Never serve both this registry and the one it was copied from."))


def _tell(loaded: Settings, text: str, made: Manifest, file: Path) -> None:
    say(
        loaded,
        text,
        file=file,
        moment=moment(made.made_at, loaded.language, loaded.zone),
        rows=number(made.total, loaded.language),
        size=number(round(file.stat().st_size / KILOBYTE), loaded.language),
    )


def _write_key(store: CredentialStore, file: Path) -> None:
    try:
        store.copy_keys(file)
    except OSError as error:
        raise Refused(N_("Cannot write {path}: {reason}"), path=file, reason=reason_of(error)) from None


def _be_alone(database: Database, held: ExitStack) -> None:
    try:
        for role in Role:
            held.enter_context(database.hold(role))
    except RoleTaken:
        raise Refused(N_("A server works with this database; stop it first.")) from None
