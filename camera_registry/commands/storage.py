"""The registry as a command finds it: the migrated database, and the key of its credentials."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from structlog.contextvars import bound_contextvars, get_contextvars

from camera_registry.audit import Actor, new_request_id
from camera_registry.commands.common import Refused, err, said_when_done
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.errors import RegistryError, reason_of
from camera_registry.i18n import LANGUAGES, N_, translate
from camera_registry.settings import Settings

# The account that somebody logged in as: it stays through sudo and runuser (proc_pid_loginuid(5)). Where
# nobody logged in, as in a container, it is 2^32 - 1, which no account has.
LOGIN = Path("/proc/self/loginuid")
# By what drivers say, what a person can do about it.
HELP = {
    "database is locked": N_("another program is writing to it; try again in a moment ({said})"),
    "disk is full": N_("the disk is full; make room, then try again ({said})"),
    "unable to open": N_("its file cannot be opened; see to the rights of the file and its folder ({said})"),
    "readonly database": N_("it can only be read; see to the rights of the file and its folder ({said})"),
    "malformed": N_("its file is damaged; put a backup back with camera-registry restore ({said})"),
    "not a database": N_("its file is damaged; put a backup back with camera-registry restore ({said})"),
    "connection failed": N_(
        "its server cannot be reached, or lets us not in; see to CAMERA_REGISTRY_DATABASE_URL ({said})"
    ),
}


@contextmanager
def open_database(loaded: Settings) -> Iterator[Database]:
    """The database of the settings, migrated; all that is done with it has one request id.

    Raises ``Refused`` where it does not work.
    """
    text = N_("The database does not work: {reason}")
    try:
        database = Database(loaded.url)
    except OSError as error:
        reason = RegistryError(N_("{path}: {reason}"), path=error.filename, reason=reason_of(error))
        raise Refused(text, reason=reason) from None
    except (ModuleNotFoundError, SQLAlchemyError) as error:
        raise Refused(text, reason=error) from None
    try:
        database.migrate()
        with bound_contextvars(request_id=new_request_id()):
            yield database
    except SQLAlchemyError as error:
        # The driver's own words: SQLAlchemy's text may quote the values of a statement.
        said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        message = next((HELP[words] for words in HELP if words in said), "{said}")
        raise Refused(text, reason=RegistryError(message, said=said)) from None
    finally:
        database.close()


@contextmanager
def changing(loaded: Settings) -> Iterator[Session]:
    """One transaction in the database of the settings; what is said inside is said once it is kept."""
    with open_database(loaded) as database, said_when_done(), database.transaction() as session:
        yield session


def open_credentials(loaded: Settings, database: Database) -> CredentialStore:
    """The credentials; when this is the first start, says where their key is and that a copy is needed."""
    store = CredentialStore(loaded)
    with database.reading() as session:
        made = store.prepare(session)
    if made:
        message = N_("A new key that seals camera passwords is in {path}. Keep a copy of it in a safe place.")
        for language in LANGUAGES:
            err.print(translate(message, language, path=store.path), style="yellow", markup=False)
    return store


def actor() -> Actor:
    """Who types: the name of the account on this machine; all that one command does has one request id.

    The kernel says which, never the environment: whoever types can change that, and would be two people.
    """
    uids = [os.getuid()]
    with suppress(OSError, ValueError):
        uids.insert(0, int(LOGIN.read_text()))
    for uid in uids:
        with suppress(KeyError, OverflowError):
            return Actor(pwd.getpwuid(uid).pw_name, "cli", get_contextvars().get("request_id", ""))
    return Actor(f"uid {uids[-1]}", "cli", get_contextvars().get("request_id", ""))
