"""Installations of their own for the stories, on SQLite or on each database."""

from pathlib import Path

import pytest

from tests.stories.programs import Home, environment


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the programs keep their compiled modules; the checkout stays as it is."""
    return tmp_path_factory.mktemp("compiled")


@pytest.fixture
def home(tmp_path: Path, compiled: Path) -> Home:
    """An installation on its embedded database."""
    return Home(tmp_path, environment(tmp_path, compiled, f"sqlite:///{tmp_path / 'registry.db'}"))


@pytest.fixture
def home_on_each(tmp_path: Path, compiled: Path, database_url: str) -> Home:
    """An installation, once on each kind of database."""
    return Home(tmp_path, environment(tmp_path, compiled, database_url))
