"""Debian's Prometheus, run for a test."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import orjson

from tests.servers import free_port, started


@contextmanager
def prometheus(config: Path, data: Path) -> Iterator[str]:
    """Run it with this configuration while the block lasts; yields its address.

    What lies in ``data`` is kept, however old; its log stands beside the configuration.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"

    def ready(_log: str) -> bool:
        try:
            with urlopen(f"{address}/-/ready", timeout=5):  # noqa: S310 our own child on loopback
                return True
        except URLError:
            return False

    words: list[str | Path] = [
        "prometheus",
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        "--storage.tsdb.retention.time=100y",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with started(words, log=config.with_name("prometheus.log"), ready=ready, deadline_s=30):
        yield address


def answer(address: str, path: str, **asked: str) -> Any:
    """The ``data`` of an answer of its HTTP API. Raises ``HTTPError`` for what it refuses."""
    with urlopen(f"{address}/api/v1/{path}?{urlencode(asked)}", timeout=20) as told:  # noqa: S310 the same
        return orjson.loads(told.read())["data"]
