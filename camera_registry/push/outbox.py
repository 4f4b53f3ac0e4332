"""What a machine keeps on its disk: results until they are delivered, and what it must know after a restart.

One SQLite file, of one process at a time. Results of hours without a line survive the end of the process in
whatever way it comes; a batch keeps its key until the registry has taken it. No password is in it: the
targets lie here as they came, sealed by a token that is kept elsewhere.
"""

import os
import secrets
import sqlite3
import threading
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.push.wire import MOST_LOGINS, MOST_POSTED, MOST_RESULTS, KnownLogin, dump_result
from probes.logins import LoginState
from probes.result import LoginKey, Memory, ProbeResult

FILE: Final = "push.db"
FORMAT: Final = 1  # of the tables
MOST_KEPT: Final = 500_000  # results; about 200 MB, a week of fifty eyes
ROOM: Final = 64 * 1024  # bytes of a post that are no results

_TABLES = """
CREATE TABLE result (id INTEGER PRIMARY KEY, at TEXT NOT NULL, key TEXT, body BLOB NOT NULL);
CREATE INDEX result_key ON result (key) WHERE key IS NOT NULL;
CREATE TABLE login (
    site TEXT, device TEXT, credential TEXT, state BLOB NOT NULL, told INTEGER NOT NULL,
    PRIMARY KEY (site, device, credential)
);
CREATE TABLE memory (eye TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE kept (name TEXT PRIMARY KEY, value BLOB NOT NULL);
"""


class OutboxError(RegistryError):
    """The folder cannot be used."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Results that go together; ``key`` stays theirs until they are delivered."""

    key: str
    results: tuple[bytes, ...] = field(repr=False)  # each as JSON


@dataclass(frozen=True, slots=True)
class KeptTargets:
    """The targets as they came: sealed; ``name`` as the registry names them, last confirmed at ``at``."""

    name: str
    at: datetime
    sealed: bytes = field(repr=False)


class Outbox:
    """The file in ``folder``. Methods may be called by any thread."""

    def __init__(self, folder: Path) -> None:
        """Raises ``OutboxError`` where it cannot be opened, or another process has it."""
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))  # SQLite makes its other files alike
            self._connection = sqlite3.connect(
                path, timeout=1.0, isolation_level=None, check_same_thread=False
            )
            self._begin()
        except (OSError, sqlite3.Error) as error:
            text = N_("The folder {path} cannot be used, or another push uses it: {reason}")
            raise OutboxError(text, path=folder, reason=error) from None
        self._lock = threading.Lock()
        self.machine = self._machine()
        self._waiting: int = self._connection.execute("SELECT count(*) FROM result").fetchone()[0]

    def close(self) -> None:
        self._connection.close()

    @property
    def waiting(self) -> int:
        """How many results are not delivered yet."""
        return self._waiting

    # --- results ------------------------------------------------------------------------------------

    def put(self, results: Sequence[ProbeResult], now: datetime, lateness: timedelta) -> int:
        """Keep results, and what their probes learned.

        Returns how many older ones went: those that the registry would refuse as too late, and what is more
        than ``MOST_KEPT``.
        """
        rows = [(result.at.isoformat(), zlib.compress(dump_result(result))) for result in results]
        memories = [(r.eye, _memories().dump_json(r.memory.without_pictures())) for r in results]
        with self._transaction() as connection:
            connection.executemany("INSERT INTO result (at, body) VALUES (?, ?)", rows)
            connection.executemany("INSERT OR REPLACE INTO memory VALUES (?, ?)", memories)
            self._waiting += len(rows)
            # All moments are UTC, written alike: their texts have their order.
            gone = connection.execute("DELETE FROM result WHERE at < ?", [(now - lateness).isoformat()])
            dropped = gone.rowcount
            if (beyond := self._waiting - dropped - MOST_KEPT) > 0:
                oldest = "DELETE FROM result WHERE id IN (SELECT id FROM result ORDER BY id LIMIT ?)"
                dropped += connection.execute(oldest, [beyond]).rowcount
            self._waiting -= dropped
        return dropped

    def batch(self, most: int = MOST_RESULTS) -> Batch | None:
        """The oldest results that wait, at most so many; those that were sent before, as they were sent."""
        with self._transaction() as connection:
            sent = connection.execute(
                "SELECT key FROM result WHERE key IS NOT NULL ORDER BY id LIMIT 1"
            ).fetchone()
            if sent is not None:
                found = connection.execute("SELECT body FROM result WHERE key = ? ORDER BY id", sent)
                return Batch(sent[0], tuple(zlib.decompress(body) for (body,) in found))
            room = MOST_POSTED - ROOM
            chosen: list[int] = []
            bodies: list[bytes] = []
            found = connection.execute("SELECT id, body FROM result ORDER BY id LIMIT ?", [most])
            for number, packed in found.fetchall():
                body = zlib.decompress(packed)
                room -= len(body) + 1
                if room < 0 and bodies:
                    break
                chosen.append(number)
                bodies.append(body)
            if not bodies:
                return None
            key = secrets.token_hex(16)
            connection.executemany("UPDATE result SET key = ? WHERE id = ?", [(key, n) for n in chosen])
            return Batch(key, tuple(bodies))

    def delivered(self, key: str) -> int:
        """These need not be kept any more. Returns how many they were."""
        with self._transaction() as connection:
            gone = connection.execute("DELETE FROM result WHERE key = ?", [key]).rowcount
            self._waiting -= gone
        return gone

    def unbind(self, key: str, *, last: bool = False) -> None:
        """Have the results of a batch go otherwise: in smaller ones, or, of one result, after all others."""
        moved = "UPDATE result SET key = NULL, id = (SELECT max(id) FROM result) + 1 WHERE key = ?"
        with self._transaction() as connection:
            connection.execute(moved if last else "UPDATE result SET key = NULL WHERE key = ?", [key])

    def memories(self) -> dict[str, Memory]:
        """What earlier probes learned, by eye."""
        with self._lock:
            rows = self._connection.execute("SELECT eye, body FROM memory").fetchall()
        return {eye: _memories().validate_json(body) for eye, body in rows}

    # --- logins -------------------------------------------------------------------------------------

    def save_login(self, key: LoginKey, state: LoginState) -> None:
        """Keep what is left of a login budget; what was told of it is told again."""
        row = key.site, key.device, key.credential, _states().dump_json(state)
        with self._transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO login VALUES (?, ?, ?, ?, 0)", row)

    def logins(self) -> dict[LoginKey, LoginState]:
        """Every login budget that was kept."""
        with self._lock:
            rows = self._connection.execute("SELECT site, device, credential, state FROM login").fetchall()
        return {LoginKey(*key): _states().validate_json(state) for *key, state in rows}

    def untold_logins(self) -> list[KnownLogin]:
        """What the registry does not know of them yet; nothing of credentials as a whole."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT device, credential, state FROM login WHERE NOT told AND device != '' LIMIT ?",
                [MOST_LOGINS],
            ).fetchall()
        return [
            KnownLogin(device, credential, _states().validate_json(state))
            for device, credential, state in rows
        ]

    def told_logins(self, logins: Collection[KnownLogin]) -> None:
        """The registry knows these, unless they have changed since."""
        with self._transaction() as connection:
            connection.executemany(
                "UPDATE login SET told = 1 WHERE device = ? AND credential = ? AND state = ?",
                [(login.device, login.credential, _states().dump_json(login.state)) for login in logins],
            )

    # --- targets ------------------------------------------------------------------------------------

    def keep_targets(self, targets: KeptTargets) -> None:
        """For a restart without a line to the registry."""
        named = {"name": targets.name.encode(), "at": targets.at.isoformat().encode()}
        self._keep(named | {"targets": targets.sealed})

    def confirm_targets(self, name: str, at: datetime) -> None:
        """The registry said at that moment that they are still the ones, and what they are called."""
        self._keep({"name": name.encode(), "at": at.isoformat().encode()})

    def targets(self) -> KeptTargets | None:
        with self._lock:
            kept = dict(self._connection.execute("SELECT name, value FROM kept").fetchall())
        if "targets" not in kept:
            return None
        return KeptTargets(
            kept["name"].decode(), datetime.fromisoformat(kept["at"].decode()), kept["targets"]
        )

    def forget_targets(self) -> None:
        with self._transaction() as connection:
            connection.execute("DELETE FROM kept WHERE name IN ('name', 'at', 'targets')")

    def _keep(self, values: Mapping[str, bytes]) -> None:
        with self._transaction() as connection:
            connection.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", list(values.items()))

    def _machine(self) -> str:
        row = self._connection.execute("SELECT value FROM kept WHERE name = 'machine'").fetchone()
        if row is not None:
            return str(row[0].decode())
        name = secrets.token_hex(16)
        self._connection.execute("INSERT INTO kept VALUES ('machine', ?)", [name.encode()])
        return name

    def _begin(self) -> None:
        connection = self._connection
        # The lock is kept to the end of the process: a second one is refused.
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # a ward's PC is switched off at the wall
        connection.execute("BEGIN IMMEDIATE")
        version: int = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            for statement in filter(str.strip, _TABLES.split(";")):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {FORMAT}")
        connection.execute("COMMIT")
        if version not in (0, FORMAT):
            raise sqlite3.DatabaseError("written by another version")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")


@cache
def _states() -> TypeAdapter[LoginState]:
    return TypeAdapter(LoginState)


@cache
def _memories() -> TypeAdapter[Memory]:
    return TypeAdapter(Memory)
