"""The registry as a command finds it: the migrated database, and the key of its credentials."""

import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError
from structlog.contextvars import bound_contextvars, get_contextvars

from camera_registry.audit import Actor, new_request_id
from camera_registry.commands.common import Refused, err
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.i18n import LANGUAGES, N_, translate
from camera_registry.settings import Settings

# The account that somebody logged in as: it stays through sudo and runuser (proc_pid_loginuid(5)). Where
# nobody logged in, as in a container, it is 2^32 - 1, which no account has.
LOGIN = Path("/proc/self/loginuid")


@contextmanager
def open_database(loaded: Settings) -> Iterator[Database]:
    """The database of the settings, migrated; all that is done with it has one request id.

    Raises ``Refused`` where it does not work.
    """
    text = N_("The database does not work: {reason}")
    try:
        database = Database(loaded.url)
    except (OSError, ModuleNotFoundError, SQLAlchemyError) as error:
        raise Refused(text, reason=error) from None
    try:
        database.migrate()
        with bound_contextvars(request_id=new_request_id()):
            yield database
    except SQLAlchemyError as error:
        # The driver's own words: SQLAlchemy's text may quote the values of a statement.
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        raise Refused(text, reason=reason) from None
    finally:
        database.close()


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
