"""What tests of the registry begin with, and what each of them leaves behind: nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sqlalchemy.orm import Session

from camera_registry import settings
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command that a test runs sets up logs for its process, on an output that ends with the test."""
    yield
    structlog.reset_defaults()


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """A transaction on a new database; the test runs once on each kind."""
    with database.transaction() as session:
        yield session


@pytest.fixture
def store(tmp_path: Path, session: Session) -> CredentialStore:
    """Seals credentials of that database, with a key of its own."""
    store = CredentialStore(settings.load(data_dir=tmp_path / "keys"))
    store.prepare(session)
    return store
