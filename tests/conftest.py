"""What every test may ask for, a database of either kind; and how all are run: in which order, how long."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from camera_registry.db import Database
from tests import databases
from tests.databases import KINDS, Cluster, sqlite_in, sqlite_url

# These take minutes, the first most of all: begun last, they would keep one process busy while others wait.
LONG = tuple(
    Path(__file__).parent / place
    for place in ("stories/test_kill.py", "replay/test_city.py", "mutations", "replay", "stories", "browser")
)

# Whatever tests start finds its modules compiled, in the environment of the tests, not in the checkout: even
# where Python was told to compile anew each time. A start takes 1 s, not 6.
sys.dont_write_bytecode, sys.pycache_prefix = False, str(Path(sys.prefix) / "compiled")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
os.environ["PYTHONPYCACHEPREFIX"] = sys.pycache_prefix

# A busy machine is no failure of the code: examples are bounded by their number, not by time.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first; the others as they were found."""

    def place(item: pytest.Item) -> int:
        return next((n for n, long in enumerate(LONG) if item.path.is_relative_to(long)), len(LONG))

    items.sort(key=place)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL of this process of tests."""
    with databases.cluster() as cluster:
        yield cluster


@pytest.fixture(params=KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a new database that has its tables and no rows; the test runs once on each kind."""
    if request.param == "sqlite":
        yield sqlite_in(tmp_path)
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    with cluster.database() as url:
        yield url


@pytest.fixture(params=KINDS)
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database that has nothing yet, not even tables; the test runs once on each kind."""
    if request.param == "sqlite":
        yield sqlite_url(tmp_path / "registry.db")
        return
    cluster: Cluster = request.getfixturevalue("postgres")
    with cluster.database(databases.EMPTY) as url:
        yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A new database that has its tables and no rows; the test runs once on each kind."""
    made = Database(database_url)
    yield made
    made.close()
