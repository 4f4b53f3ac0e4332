"""What every test of the registry leaves behind: nothing."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command that a test runs sets up logs for its process, on an output that ends with the test."""
    yield
    structlog.reset_defaults()
