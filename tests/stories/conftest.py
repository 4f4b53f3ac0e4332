"""Installations of their own for the stories, on SQLite or on each database."""

from pathlib import Path

import pytest

from tests.databases import sqlite_url
from tests.stories.programs import Home, environment


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """An installation on its embedded database."""
    return Home(tmp_path, environment(tmp_path, sqlite_url(tmp_path / "registry.db")))


@pytest.fixture
def home_on_each(tmp_path: Path, database_url: str) -> Home:
    """An installation, once on each kind of database."""
    return Home(tmp_path, environment(tmp_path, database_url))
