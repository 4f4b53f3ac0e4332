"""What every route finds on its desk: the database, the settings, the counters, the news, and the time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Request

from camera_registry.api.broadcast import Broadcaster
from camera_registry.db import Database
from camera_registry.metrics import Counters
from camera_registry.settings import Settings


@dataclass(frozen=True, slots=True)
class Desk:
    """Handed in once, when the application is made. ``notice`` is a sentence shown above every page."""

    database: Database
    settings: Settings
    counters: Counters
    broadcaster: Broadcaster
    notice: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]
