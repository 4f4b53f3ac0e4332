"""One probe with nothing around it: every login allowed, decoded on the spot, short waits."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from probes.ladder import Timeouts, climb
from probes.logins import NO_TIME, LoginOutcome, Permit
from probes.reasons import Check, Outcome, Reason
from probes.result import Depth, LoginKey, ProbeResult, Target
from probes.senses import Here, Senses

# The peers send two pictures a second and a keyframe every two seconds.
SHORT = Timeouts(connect=3, answer=3, first_packet=3, window=1, stall=3, keyframe=5)


@dataclass
class OpenGate:
    """Lets every login through and keeps what came of it."""

    outcomes: list[LoginOutcome] = field(default_factory=list)

    async def reserve(self, key: LoginKey) -> Permit:
        return Permit(canary=True)

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        self.outcomes.append(outcome)


async def probe(
    target: Target, depth: Depth = Depth.LIVENESS, *, logins: OpenGate | None = None
) -> ProbeResult:
    """Climb once, with the transcript."""
    return await climb(
        target,
        depth,
        logins=logins or OpenGate(),
        senses=Senses(Here()),
        clock=lambda: datetime.now(UTC),
        timeouts=SHORT,
        record=True,
    )


def stream(result: ProbeResult) -> tuple[Outcome, Reason]:
    """What the probe says of the stream."""
    verdict = result.verdict(Check.STREAM)
    assert verdict is not None
    return verdict.outcome, verdict.reason
