"""Who makes a request: the frozen value that routes find on their desk."""

from dataclasses import dataclass, field

from camera_registry.audit import Actor
from camera_registry.auth.roles import Permission, Role
from camera_registry.units import Scope


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody who has signed in, or whose token was shown.

    ``user_id`` is the database id; ``units`` are the names of the units the scope was made of, for people
    to read, empty where it is everything. ``permissions`` may be fewer than the role grants: a token's.
    """

    user_id: int
    name: str
    role: Role
    scope: Scope
    origin: str  # the address that the request came from
    request_id: str = ""
    shown_name: str = ""
    units: tuple[str, ...] = ()
    permissions: frozenset[Permission] = field(default=frozenset())
    session_id: int | None = None  # of a browser; a token has none
    token_id: int | None = None  # of a program
    site_id: int | None = None  # the one whose machine this is; it may do nothing else

    @property
    def actor(self) -> Actor:
        """As the audit writes it down: a program with the token that it came by, one of its owner's."""
        by = "" if self.token_id is None else f" (token {self.token_id})"
        return Actor(self.name, self.origin + by, self.request_id)

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions
