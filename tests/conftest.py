"""What every test may ask for: an empty database of either kind; and which tests come first."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from tests.servers import started

DATABASES = ("sqlite", "postgresql")

# Files here take minutes: begun last, they would keep one process at work while the others stand still.
LONG = tuple(Path(__file__).parent / folder for folder in ("stories", "mutations", "replay", "browser"))

# A test cluster may lose everything: nothing is ever written through to the disk.
CAREFREE = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=60",
)

_numbers = count()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first; within these and those, as they were found."""
    items.sort(key=lambda item: not any(item.path.is_relative_to(folder) for folder in LONG))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """URL of a private PostgreSQL cluster, on a unix socket only, with nothing in it."""
    # A short path, readable by the server's user: unix sockets allow 107 bytes, pytest's folders are private.
    folder = Path(tempfile.mkdtemp(prefix="registry-pg-"))
    try:
        with _cluster(folder):
            yield f"postgresql+psycopg://postgres@/postgres?host={folder}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a fresh, empty database; the test runs once on each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'registry.db'}"
        return
    cluster: str = request.getfixturevalue("postgres_url")
    name = f"test_{next(_numbers)}"
    with _admin(cluster) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    try:
        yield cluster.replace("/postgres?", f"/{name}?")
    finally:
        with _admin(cluster) as admin:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _admin(cluster: str) -> "psycopg.Connection[psycopg.rows.TupleRow]":
    return psycopg.connect(cluster.replace("+psycopg", ""), autocommit=True)


@contextmanager
def _cluster(folder: Path) -> Iterator[None]:
    """Run the newest PostgreSQL that Debian has installed, on a socket in ``folder``."""
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
        server,
        log=folder / "log",
        ready=lambda log: "ready to accept connections" in log,
        cwd=folder,
    ):
        yield
