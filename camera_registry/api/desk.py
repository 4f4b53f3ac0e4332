"""What every route finds on its desk: the database, the settings, the news, the time, and who is asking."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Request

from camera_registry import census
from camera_registry.api import cookies
from camera_registry.api.broadcast import Broadcaster
from camera_registry.api.problems import for_program
from camera_registry.api.pulses import Pulses
from camera_registry.audit import Actor
from camera_registry.auth import sessions, tokens
from camera_registry.auth.identity import Identity
from camera_registry.auth.roles import Permission
from camera_registry.census import Pulse
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.i18n import N_
from camera_registry.imports.uploads import Uploads
from camera_registry.metrics import StateLines
from camera_registry.settings import Settings
from camera_registry.units import Scope

NOT_SIGNED_IN = N_("Sign in first.")
NOT_YOURS = N_("Your role may not do this.")


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
    pulses: Pulses = field(default_factory=Pulses)
    uploads: Uploads = field(default_factory=Uploads)
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

    def pulse(self, scope: Scope, now: datetime) -> Pulse:
        """How the eyes in ``scope`` are asked, as of a few seconds ago at most."""
        return self.pulses.at(scope, now, lambda: self._read_pulse(scope, now))

    def _read_pulse(self, scope: Scope, now: datetime) -> Pulse:
        with self.database.reading() as session:
            return census.pulse(session, scope, now, self.settings.zone)

    @property
    def _known(self) -> Identity:
        if self.identity is None:
            raise LookupError("nobody has signed in: the route asks no permission")
        return self.identity


class May:
    """A dependency: only who may do this. Every route asks one permission, or is named as open to anybody.

    Without ``touch`` the session goes on resting: what an open page does by itself shows nobody there.
    """

    def __init__(self, permission: Permission, *, touch: bool = True) -> None:
        self.permission = permission
        self._touch = touch

    def __call__(self, request: Request) -> None:
        identity = identify(request, touch=self._touch)
        if identity is None:
            raise HTTPException(401, NOT_SIGNED_IN, {"WWW-Authenticate": 'Bearer realm="camera registry"'})
        if not identity.may(self.permission):
            raise HTTPException(403, NOT_YOURS)
        request.state.identity = identity


def may(permission: Permission, *, touch: bool = True) -> Any:
    """For ``dependencies=[…]`` of a route; see ``May``."""
    return Depends(May(permission, touch=touch))


def identify(request: Request, *, touch: bool = True) -> Identity | None:
    """Who asks, by the cookie of a session or, on the addresses for programs, by a token; one short read.

    A token opens no page: it shall not make tokens, nor set a password.
    """
    desk: Desk = request.app.state.desk
    now, origin = desk.now(), request.client.host if request.client else ""
    request_id = getattr(request.state, "request_id", "")
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and for_program(request):
        return tokens.identify(desk.database, token.strip(), now, origin, request_id)
    known = cookies.session_token(request)
    if known is None:
        return None
    return sessions.identify(desk.database, desk.settings, known, now, origin, request_id, touch=touch)


def by_token(request: Request) -> bool:
    """Whether a program asks: known once the route's permission has been asked."""
    identity: Identity | None = getattr(request.state, "identity", None)
    return identity is not None and identity.session_id is None


async def desk_of(request: Request) -> Desk:
    """The desk of one request; whoever asks is on it once the route's permission has been asked."""
    desk: Desk = request.app.state.desk
    return replace(desk, identity=getattr(request.state, "identity", None))


AtDesk = Annotated[Desk, Depends(desk_of)]
