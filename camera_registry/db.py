"""The engine and its transactions; the only room that commits.

SQLite runs in WAL mode with one writer at a time (``BEGIN IMMEDIATE``: a writer waits its turn instead of
failing half-way); PostgreSQL 15 or newer needs no such care. Both see the same tables.
"""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event, func, make_url, select
from sqlalchemy.orm import Session

BUSY_TIMEOUT_MS = 30_000  # longer than any transaction of ours; a writer waits rather than fails
MIGRATION_LOCK = 0x6361_6D72  # any number that no other program on this database server uses


ONLY_PROBER = 953_000_001  # PostgreSQL's advisory lock of whoever probes on schedule


class AlreadyProbed(Exception):
    """Another process probes on schedule with this database."""


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

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits when the block ends and rolls back when it raises."""
        with Session(self.engine, expire_on_commit=False) as session:
            if self.sqlite:
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            session.commit()

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees one consistent state and changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            if self.sqlite:
                session.connection().exec_driver_sql("BEGIN")
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session
            session.rollback()

    @contextmanager
    def only_prober(self) -> Iterator[None]:
        """Be the one process that probes on schedule; it ends with the block, and with the process.

        Two of them would each ask a camera for its one session, and each have a login budget in hand.
        Raises ``AlreadyProbed``.
        """
        if not self.sqlite:
            with self.engine.connect() as connection:
                connection.detach()  # the lock goes with the connection: it must not stay in the pool
                taken = connection.scalar(select(func.pg_try_advisory_lock(ONLY_PROBER)))
                connection.rollback()
                if not taken:
                    raise AlreadyProbed
                yield
            return
        with Path(f"{self.engine.url.database}.prober").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise AlreadyProbed from None
            yield

    def migrate(self) -> None:
        """Bring the tables to the newest revision; on a new database, make them."""
        with self.engine.connect() as connection:
            # All revisions or none, and of two programs that start at once the second waits.
            connection.exec_driver_sql(
                "BEGIN IMMEDIATE" if self.sqlite else f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
            )
            command.upgrade(alembic_config(connection), "head")
            connection.commit()

    def close(self) -> None:
        self.engine.dispose()


def alembic_config(connection: Connection) -> Config:
    """Alembic's configuration for an open connection; there is no alembic.ini and no second engine."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config


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
