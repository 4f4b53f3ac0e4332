"""Databases for tests, of either kind: each is a copy of one that was migrated, with tables and no rows."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path

import psycopg

from camera_registry.db import Database
from tests.servers import started

KINDS = ("sqlite", "postgresql")
TABLES = "tables"  # in a cluster, the database that others are copied from
EMPTY = "template1"
MEMORY = Path("/dev/shm")
CLUSTER_BYTES = 1_000_000_000  # several times what one takes

# A test cluster may lose everything: nothing is ever written through to the disk.
CAREFREE = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=60",
    "max_wal_size=64MB",
)

_numbers = count()


def sqlite_in(folder: Path) -> str:
    """Put a new database into ``folder``; returns its URL."""
    file = folder / "registry.db"
    file.write_bytes(_migrated_file())
    return sqlite_url(file)


def sqlite_url(file: Path) -> str:
    return f"sqlite:///{file}"


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "registry.db"
        _migrate(sqlite_url(file))
        return file.read_bytes()


def _migrate(url: str) -> None:
    database = Database(url)
    database.migrate()
    database.close()  # the last to close an SQLite file leaves all of it in that file


@dataclass(frozen=True, slots=True)
class Cluster:
    """A PostgreSQL of our own, which listens on a socket in ``folder`` alone."""

    folder: Path

    @contextmanager
    def database(self, like: str = TABLES) -> Iterator[str]:
        """URL of a copy of the database named ``like``; it goes when the block ends."""
        name = f"test_{next(_numbers)}"
        self._do(f"CREATE DATABASE {name} TEMPLATE {like} STRATEGY FILE_COPY")
        try:
            yield self._url(name)
        finally:
            self._do(f"DROP DATABASE {name} WITH (FORCE)")

    def prepare(self) -> None:
        """Make the database that others are copied from."""
        self._do(f"CREATE DATABASE {TABLES}")
        _migrate(self._url(TABLES))

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

    def _do(self, statement: str) -> None:
        with psycopg.connect(host=str(self.folder), user="postgres", autocommit=True) as admin:
            admin.execute(statement.encode())


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Run the newest PostgreSQL that Debian has installed while the block lasts."""
    # A short path, readable by the server's user: unix sockets allow 107 bytes, pytest's folders are private.
    folder = Path(tempfile.mkdtemp(prefix="registry-pg-", dir=_memory()))
    try:
        with _running(folder):
            made = Cluster(folder)
            made.prepare()
            yield made
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _memory() -> Path | None:
    """Where files lie in memory, if there is room: the 300 of a new database cost a disk half a second."""
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > CLUSTER_BYTES:
        return MEMORY
    return None


@contextmanager
def _running(folder: Path) -> Iterator[None]:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda p: int(p.parent.name))
    assert found, "PostgreSQL is not installed; `make test` names the packages"
    binaries, data = found[-1], folder / "data"
    as_somebody: list[str] = []
    if os.getuid() == 0:  # PostgreSQL refuses to run as root
        somebody = pwd.getpwnam("postgres")
        os.chown(folder, somebody.pw_uid, somebody.pw_gid)
        as_somebody = [
            "setpriv",
            f"--reuid={somebody.pw_uid}",
            f"--regid={somebody.pw_gid}",
            "--clear-groups",
        ]
    # Vietnamese sorts by the application's own rules; C keeps the cluster independent of installed locales.
    initdb: list[str | Path] = [
        *as_somebody,
        binaries / "initdb",
        "-D",
        data,
        "-U",
        "postgres",
        "-A",
        "trust",
    ]
    initdb += ["-E", "UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(
        [str(word) for word in initdb], capture_output=True, text=True, check=False, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    settings = [word for setting in CAREFREE for word in ("-c", setting)]
    server: list[str | Path] = [
        *as_somebody,
        binaries / "postgres",
        "-D",
        data,
        "-k",
        folder,
        "-h",
        "",
        *settings,
    ]
    with started(
        server, log=folder / "log", ready=lambda log: "ready to accept connections" in log, cwd=folder
    ):
        yield
