"""What a subscription says: which occasions, after how long, when not, how often at most. Pure."""

from dataclasses import dataclass
from datetime import time, timedelta

from camera_registry.alerts.occasions import What

CITY: frozenset[What] = frozenset(What)
WARD: frozenset[What] = frozenset({What.OUTAGE, What.UNSTABLE, What.RECOVERY})


@dataclass(frozen=True, slots=True)
class Rules:
    """How one subscription is served. The defaults are a ward's.

    An outage is told once it has lasted ``least``; where ``unacknowledged`` is not zero, only once it has gone
    on for so long without anybody having acknowledged it (that is how the next recipients hear of it).
    Within ``quiet`` (local time, may go past midnight) messages wait for its end, and are one digest then.
    Of more than ``per_hour`` messages in an hour the rest is one summary. Reminders come when an outage is so
    old. Digests come daily at ``daily``, weekly on ``weekly`` (0 is Monday) at ``digest_at``.
    """

    what: frozenset[What] = WARD
    least: timedelta = timedelta(minutes=10)
    unacknowledged: timedelta = timedelta(0)
    quiet: tuple[time, time] | None = (time(21, 30), time(6, 30))
    per_hour: int = 6
    reminders: tuple[timedelta, ...] = ()
    daily: bool = False
    weekly: int | None = None
    digest_at: time = time(7, 0)
    backlog: bool = False  # in the weekly digest, the eyes that never worked yet


