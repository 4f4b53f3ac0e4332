"""A process that only delivers, to be killed: its arguments are those of ``main``."""

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from camera_registry import settings
from camera_registry.alerts.delivery import Delivery, Senders
from camera_registry.counters import Counters
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database


def main(url: str, keys: str, smtp_url: str, ahead_s: str) -> None:
    """Deliver until the process is ended. Its clock goes ahead: leases of those before it have run out."""
    database, ahead = Database(url), timedelta(seconds=float(ahead_s))
    loaded = settings.load(data_dir=Path(keys), smtp_url=smtp_url)
    delivery = Delivery(
        database,
        Senders(database, CredentialStore(loaded), loaded),
        Counters.new(),
        lambda: datetime.now(UTC) + ahead,
    )
    print("READY", flush=True)
    while True:
        delivery.look()
        time.sleep(0.01)


if __name__ == "__main__":
    main(*sys.argv[1:])
