"""What every route finds on its desk: the database, the settings, the counters, the news, and the time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request

from camera_registry.api.broadcast import Broadcaster
from camera_registry.audit import Actor
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.metrics import StateLines
from camera_registry.settings import Settings
from camera_registry.units import Scope


@dataclass(frozen=True, slots=True)
class Desk:
    """Handed in once, when the application is made. ``notice`` is a sentence shown above every page.

    ``look`` takes a live picture of an eye by its code, as JPEG; ``None`` where no eye can be asked.
    """

    database: Database
    settings: Settings
    counters: Counters
    broadcaster: Broadcaster
    notice: str | None
    now: Callable[[], datetime]
    started_at: datetime
    look: Callable[[str], bytes] | None = None
    lines: StateLines = field(default_factory=StateLines)

    @property
    def scope(self) -> Scope:
        """What the reader may see. There is no sign-in yet: whoever reaches this machine sees everything."""
        return Scope.everything()


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AtDesk = Annotated[Desk, Depends(_desk)]


def actor_of(request: Request) -> Actor:
    """Whoever uses this machine: there is no sign-in yet."""
    return Actor("local", request.client.host if request.client else "")
