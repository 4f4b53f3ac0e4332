"""What people may be told of, as values that routing decides on and words are made of. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from camera_registry.incidents import Kind as IncidentKind


class What(StrEnum):
    """What an occasion is of, and what a channel may be subscribed to; one slug for rules and translation."""

    OUTAGE = "outage"
    SITE = "site"  # a site that cannot be seen: nothing is known of its eyes
    DEGRADED = "degraded"  # the picture is not usable
    UNSTABLE = "unstable"  # falls and comes back, again and again
    EXPOSURE = "exposure"  # can be seen without a login
    RETENTION = "retention"  # records less than it must
    CLOCK = "clock"
    FIRMWARE = "firmware"  # another firmware, or another device
    RECOVERY = "recovery"  # that what was told of is over


@dataclass(frozen=True, slots=True)
class Where:
    """Where something happened, in the words of people who know the place.

    ``point`` is the code where it is of one point; ``codes`` are the first few of several. ``manager`` is who
    has all of its points, and ``phone`` the number of that office; both are empty where nothing is recorded,
    or the points have several: so many as ``offices`` says.
    """

    unit_id: int | None  # of today
    unit: str  # its name
    point: str = ""
    points: int = 1
    site: str = ""  # the code, where a site cannot be seen
    manager: str = ""
    phone: str = ""
    codes: tuple[str, ...] = ()
    offices: int = 0
    site_name: str = ""  # what people call the site; may be empty


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that happened and may be told: an incident, or what one check of one eye found.

    ``key`` names it for good: ``incident:12``. ``eyes`` are the codes of those that it concerns now (once it
    is over: ever did), of ``of_eyes`` that are in service there. ``told_at`` is the moment before which
    nobody hears of it; ``reason`` the slug of what the probes say most of its eyes have.
    """

    key: str
    what: What
    where: Where
    eyes: tuple[str, ...]
    of_eyes: int
    started_at: datetime
    told_at: datetime
    recorded_at: datetime
    ended_at: datetime | None = None
    withdrawn_at: datetime | None = None
    acknowledged_at: datetime | None = None
    acknowledged_by: str = ""
    reason: str = ""
    incident: int | None = None
    kind: IncidentKind | None = None
    unsteady: str = ""  # of an outage of one eye that is unstable: what the keys that say so begin with

    @property
    def over(self) -> bool:
        return self.ended_at is not None or self.withdrawn_at is not None

    @property
    def alone(self) -> bool:
        """Of one eye: it is collected, where what takes several away is told at once."""
        return self.what not in (What.OUTAGE, What.SITE) or self.kind is IncidentKind.EYE

    @property
    def wide(self) -> bool:
        """It reaches beyond one point."""
        return self.kind in (IncidentKind.UNIT, IncidentKind.AREA, IncidentKind.SITE)
