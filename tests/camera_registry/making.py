"""A process that makes reports and comes to no end, to be killed: its arguments are those of ``main``."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from camera_registry import settings
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.reports.making import Drawing, Maker
from camera_registry.reports.value import Format, Report


def main(url: str, keys: str) -> None:
    """Make reports until the process is ended, each of which takes a minute to draw."""
    loaded = settings.load(data_dir=Path(keys))

    def draw(_report: Report, _format: Format) -> bytes:
        time.sleep(60)
        return b""

    drawing = Drawing(draw, lambda report, format_: f"{report.name}.{format_}")
    maker = Maker(Database(url), CredentialStore(loaded), loaded, drawing, lambda: datetime.now(UTC))
    print("READY", flush=True)
    maker.look()


if __name__ == "__main__":
    main(*sys.argv[1:])
