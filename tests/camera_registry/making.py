"""A process that only makes reports, to be killed: its arguments are those of ``main``."""

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from camera_registry import settings
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.reports.making import Drawing, Maker
from camera_registry.reports.value import Format, Report


def main(url: str, keys: str, ahead_s: str, draw_s: str) -> None:
    """Make reports until the process is ended; each takes so long to draw. Its clock goes ahead."""
    database, ahead = Database(url), timedelta(seconds=float(ahead_s))
    loaded = settings.load(data_dir=Path(keys))

    def draw(report: Report, _format: Format) -> bytes:
        time.sleep(float(draw_s))
        return report.title.encode()

    drawing = Drawing(draw, lambda report, format_: f"{report.name}.{format_}")
    maker = Maker(*(database, CredentialStore(loaded), loaded, drawing), lambda: datetime.now(UTC) + ahead)
    print("READY", flush=True)
    while True:
        maker.look()
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
