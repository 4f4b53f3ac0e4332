"""What every route finds on its desk: the database, the settings, the news, the time, and who is asking."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request

from camera_registry.api.broadcast import Broadcaster
from camera_registry.audit import Actor
from camera_registry.auth.identity import Identity
from camera_registry.auth.roles import Permission, Role
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.metrics import StateLines
from camera_registry.settings import Settings
from camera_registry.units import Scope


@dataclass(frozen=True, slots=True)
class Desk:
    """Handed in once, when the application is made. ``notice`` is a sentence shown above every page.

    ``look`` takes a live picture of an eye by its code, as JPEG; ``None`` where no eye can be asked.
    ``identity`` is who asks, on the desk of one request.
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
    identity: Identity | None = None

    @property
    def scope(self) -> Scope:
        """What the reader may see."""
        return self._known.scope

    @property
    def actor(self) -> Actor:
        """Who answers for a deed."""
        return self._known.actor

    def may(self, permission: Permission) -> bool:
        return self.identity is not None and self.identity.may(permission)

    @property
    def _known(self) -> Identity:
        if self.identity is None:
            raise LookupError("nobody has signed in: the route asks no permission")
        return self.identity


class May:
    """A dependency: only who may do this. Every route asks one permission, or is named as open to anybody."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(self, request: Request) -> None:
        identity = _identify(request)
        if not identity.may(self.permission):
            raise HTTPException(403, "Your role may not do this.")
        request.state.identity = identity


def may(permission: Permission) -> Any:
    """For ``dependencies=[…]`` of a route."""
    return Depends(May(permission))


def _identify(request: Request) -> Identity:
    """Whoever uses this machine: there is no sign-in yet."""
    origin = request.client.host if request.client else ""
    return Identity.of_role(0, "local", Role.ADMINISTRATOR, Scope.everything(), origin)


async def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return replace(desk, identity=getattr(request.state, "identity", None))


AtDesk = Annotated[Desk, Depends(_desk)]
