"""The engine and its transactions; the only room that commits.

SQLite runs in WAL mode with one writer at a time (``BEGIN IMMEDIATE``: a writer waits its turn instead of
failing half-way); PostgreSQL 15 or newer needs no such care. Both see the same tables.
"""

import fcntl
import sqlite3
from collections.abc import Callable, Hashable, Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager
from enum import IntEnum
from pathlib import Path
from typing import Any, TypeVar

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy import (
    Connection,
    Engine,
    Table,
    UpdateBase,
    column,
    create_engine,
    event,
    func,
    make_url,
    select,
    table,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.topics import TABLES, Topic

BUSY_TIMEOUT_MS = 30_000  # longer than any transaction of ours; a writer waits rather than fails
MIGRATION_LOCK = 0x6361_6D72  # any number that no other program on this database server uses

PLANNED = "planned"  # in the ``info`` of the tables that a plan is made of; a change of one is a new version
VERSION = table("registry_version", column("version"))  # one row
TOLD = table("topic_version", column("topic"), column("version"))  # a row for each topic
STEADY = "steady"  # of a session that reads one state: what ``read_once`` has read of it
TOPICS = "topics"  # of a connection: what its transaction has written so far

Read = TypeVar("Read")


class Role(IntEnum):
    """What only one process may be at a time. The numbers are PostgreSQL's advisory locks."""

    PROBER = 953_000_001  # asks eyes: two would each ask a camera for its one session
    SERVER = 953_000_002  # asks them on schedule


class Turn(IntEnum):
    """What one transaction may do at a time, because it decides by what it has read. Numbers as above."""

    LEDGER = 953_000_003  # enters what is not in the funding ledger yet


class RoleTaken(Exception):
    """Another process has this role with this database."""


class NewerDatabase(RegistryError):
    """A later version of this program has changed the tables."""


class Database:
    """One database. Use ``transaction()`` to write, ``reading()`` to read; migrate before either."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        if self.sqlite and parsed.database:
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        # PostgreSQL may be restarted under us: ask before use whether the connection still lives.
        # Errors show statements, never their values.
        self.engine: Engine = create_engine(parsed, pool_pre_ping=not self.sqlite, hide_parameters=True)
        if self.sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
        event.listen(self.engine, "after_execute", _note_written)
        event.listen(self.engine, "rollback", _forget_written)
        self._listeners: list[Callable[[Set[Topic]], None]] = []
        self._heard: dict[str, int] = {}  # the newest version of each topic that the listeners know of

    def listen(self, listener: Callable[[Set[Topic]], None]) -> None:
        """Have ``listener`` hear the topics of each transaction once it has committed, in its thread.

        Of other processes' transactions it hears whenever somebody calls ``hear``.
        """
        self._listeners.append(listener)

    def hear(self) -> None:
        """Tell the listeners what other processes have written since it was called last."""
        with self.engine.connect() as connection:
            versions = {row.topic: row.version for row in connection.execute(select(TOLD))}
        self._tell({topic: n for topic, n in versions.items() if n > self._heard.setdefault(topic, n)})

    def _tell(self, versions: Mapping[str, int]) -> None:
        self._heard.update(versions)
        if versions:
            for listener in self._listeners:
                listener({Topic(topic) for topic in versions})

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises.

        What changes a table that a plan is made of makes a new version of the registry, in the same
        transaction: whoever sees the version sees the change.
        """
        with Session(self.engine, expire_on_commit=False) as session:
            if self.sqlite:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            session.flush()
            written = session.connection().info
            if written.pop(PLANNED, False):
                session.execute(update(VERSION).values(version=VERSION.c.version + 1))
            versions = {
                topic: session.execute(
                    update(TOLD)
                    .where(TOLD.c.topic == topic)
                    .values(version=TOLD.c.version + 1)
                    .returning(TOLD.c.version)
                ).scalar_one()
                for topic in sorted(written.pop(TOPICS, ()))  # in one order: no two wait for each other
            }
            session.commit()
        self._tell(versions)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and changes nothing."""
        with Session(self.engine, expire_on_commit=False, info={STEADY: {}}) as session:
            if self.sqlite:
                session.connection().exec_driver_sql("BEGIN")
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session
            session.rollback()

    def version(self) -> int:
        """The version of what plans are made of. Read it before them: then nothing is missed."""
        with self.engine.connect() as connection:
            version: int = connection.execute(select(VERSION.c.version)).scalar_one()
        return version

    @contextmanager
    def hold(self, role: Role) -> Iterator[Callable[[], bool]]:
        """Be the one process in this role while the block lasts; it ends with the process, too.

        Gives a function that says whether the role is still ours: PostgreSQL gives it away when the
        connection breaks, and the function takes it again where nobody else has. Raises ``RoleTaken``.
        """
        if self.sqlite:
            with Path(f"{self.engine.url.database}.{role.name.lower()}").open("w") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise RoleTaken from None
                yield lambda: True
            return
        with ExitStack() as connected:
            lock = _AdvisoryLock(self.engine, role, connected)
            if not lock.held():
                raise RoleTaken
            yield lock.held

    def migrate(self) -> None:
        """Bring the tables to the newest revision; on a new database, make them. Raises ``NewerDatabase``."""
        with self.engine.connect() as connection:
            # All revisions or none, and of two programs that start at once the second waits.
            connection.exec_driver_sql(
                "BEGIN IMMEDIATE" if self.sqlite else f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
            )
            try:
                command.upgrade(alembic_config(connection), "head")
            except CommandError:  # it is of a revision that we do not know
                found = ", ".join(MigrationContext.configure(connection).get_current_heads())
                message = N_(
                    "The database was written by a later version of this program ({found}). Start that "
                    "version, or put a backup of before back into an empty database; nothing was changed."
                )
                raise NewerDatabase(message, found=found) from None
            connection.commit()

    def close(self) -> None:
        """Close every connection; one that a thread still uses, when it is given back."""
        event.listen(self.engine.pool, "checkin", _not_kept)
        self.engine.dispose()


def take_turn(session: Session, turn: Turn) -> None:
    """Wait until no other transaction has this turn, and have it until ours ends. Read afterwards.

    SQLite has one writer at a time as it is.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(turn)))


def read_once(session: Session, key: Hashable, read: Callable[[], Read]) -> Read:
    """What ``read`` reads, and the same again within one ``reading``, which sees one state from end to end.

    In a transaction, which may have changed it meanwhile, it is read each time.
    """
    known = session.info.get(STEADY)
    if known is None:
        return read()
    if key not in known:
        known[key] = read()
    found: Read = known[key]
    return found


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for an open connection; there is no alembic.ini and no second engine."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


def _not_kept(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.invalidate()


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Transactions are begun by us, in words; the driver's own guessing would begin them too late.
    connection.isolation_level = None
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")


class _AdvisoryLock:
    """A lock that lives as long as its connection, which is taken out of the pool for it."""

    def __init__(self, engine: Engine, number: int, connected: ExitStack) -> None:
        self._engine = engine
        self._number = number
        self._connected = connected
        self._connection: Connection | None = None

    def held(self) -> bool:
        """Whether we hold it; it is taken where it can be. Raises whatever the database raises."""
        if self._connection is not None:
            try:
                self._connection.scalar(select(1))
                self._connection.rollback()
                return True
            except DBAPIError:
                self._connected.close()
                self._connection = None
        connection = self._connected.enter_context(self._engine.connect())
        if not connection.scalar(select(func.pg_try_advisory_lock(self._number))):
            self._connected.close()
            return False
        connection.detach()
        connection.rollback()
        self._connection = connection
        return True


def _note_written(connection: Connection, statement: object, *_: object) -> None:
    changed = statement.table if isinstance(statement, UpdateBase) else None
    if not isinstance(changed, Table):
        return
    if changed.info.get(PLANNED):
        connection.info[PLANNED] = True
    if (topic := TABLES.get(changed.name)) is not None:
        connection.info[TOPICS] = connection.info.get(TOPICS, frozenset()) | {topic}


def _forget_written(connection: Connection) -> None:
    if not connection.invalidated:
        connection.info.pop(PLANNED, None)
        connection.info.pop(TOPICS, None)
