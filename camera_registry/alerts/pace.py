"""How fast a channel is spoken over: a bucket of tokens, filled by time. Pure."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Pace:
    """``burst`` messages at once, then ``per_s`` a second."""

    per_s: float
    burst: int


@dataclass(slots=True)
class Bucket:
    """The tokens of one channel, as of ``at``; full when made."""

    pace: Pace
    at: datetime
    tokens: float

    @classmethod
    def full(cls, pace: Pace, now: datetime) -> "Bucket":
        return cls(pace, now, pace.burst)

    def has(self, now: datetime) -> bool:
        """Whether a message may be sent at ``now``."""
        self._fill(now)
        return self.tokens >= 1

    def take(self, now: datetime) -> None:
        self._fill(now)
        self.tokens -= 1

    def _fill(self, now: datetime) -> None:
        # A clock that was set back fills nothing, and takes nothing away.
        passed = max(0.0, (now - self.at).total_seconds())
        self.tokens = min(self.pace.burst, self.tokens + passed * self.pace.per_s)
        self.at = now
