"""Climbing in tests: a gate that keeps a login state in memory, and pictures looked at in this process."""

from datetime import UTC, datetime, timedelta

from probes import logins
from probes.ladder import Timeouts, climb
from probes.logins import NO_TIME, LoginOutcome, LoginState, Permit, Refusal
from probes.result import Credential, Depth, LoginKey, ProbeResult, Target
from probes.senses import Here, Senses

# Loopback answers at once: what does not come soon does not come.
QUICK = Timeouts(
    connect=1.0,
    tls=1.0,
    answer=0.6,
    first_packet=0.8,
    window=0.4,
    stall=1.2,
    keyframe=2.0,
    longest_keyframe=2.5,
    decode=20.0,  # many are climbed at once, and look at their pictures in a few threads of this process
    session=12.0,
    deep_session=15.0,
)


SENSES = Senses(Here())


class Gate:
    """Login states of one test; ``refused`` counts tries that a device refused."""

    def __init__(self) -> None:
        self.states: dict[LoginKey, LoginState] = {}
        self.refused = 0

    async def reserve(self, key: LoginKey) -> Permit | Refusal:
        state, answer = logins.reserve(self.states.get(key, LoginState()), now())
        self.states[key] = state
        return answer

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        self.refused += outcome is LoginOutcome.REJECTED
        self.states[key] = logins.settle(self.states[key], outcome, now(), advertised)


def now() -> datetime:
    return datetime.now(UTC)


def credential(user: str, password: str) -> Credential:
    return Credential("1", user, password)


async def probe(
    target: Target,
    depth: Depth = Depth.DEEP,
    gate: Gate | None = None,
    timeouts: Timeouts = QUICK,
    record: bool = False,
    senses: Senses = SENSES,
) -> ProbeResult:
    return await climb(
        target, depth, logins=gate or Gate(), senses=senses, clock=now, timeouts=timeouts, record=record
    )
