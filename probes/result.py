"""The frozen values everybody passes on: what is asked, and what was measured.

``probes/`` stores nothing. Whatever the next probe of an eye should know travels in
``Target.memory`` and comes back, grown by this probe, in ``ProbeResult.memory``.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from probes.reasons import Check, Outcome, Reason


class Depth(StrEnum):
    """How far one probe climbs."""

    LIVENESS = "liveness"  # up to one whole keyframe, parsed and not decoded
    DEEP = "deep"  # the same, and the keyframe decoded


class Transport(StrEnum):
    """How RTP travels."""

    TCP = "tcp"  # interleaved in the RTSP connection (RFC 2326, 10.12)
    UDP = "udp"


class Step(StrEnum):
    """The rungs of the ladder, in climbing order."""

    TCP = "tcp"
    TLS = "tls"
    DESCRIBE = "describe"
    SETUP = "setup"
    PLAY = "play"
    RTP = "rtp"
    KEYFRAME = "keyframe"
    DECODE = "decode"


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a password for one device, in clear; it lives only inside a ``Target``."""

    id: str
    user: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoginKey:
    """What a device counts refused logins by: the site, the device, the credential."""

    site: str
    device: str
    credential: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What the next probe of this eye should know of the earlier ones."""

    gop_s: float | None = None  # learned distance between keyframes, seconds
    transport: Transport | None = None  # the one that worked last
    algorithm: str | None = None  # the Digest algorithm that was accepted last
    failures: int = 0  # failing stream results in a row, up to now
    stalled: bool = False  # packets stopped the last time: watch longer before calling it alive
    probe_s: float | None = None  # learned length of a session, seconds (moving average)


@dataclass(frozen=True, slots=True)
class Target:
    """One eye as a probe sees it: an address, a path, and how gently to ask.

    ``path`` begins with ``/`` and holds the query; it never holds credentials. ``sessions`` is how
    many sessions the host bears at a time; ``interval_s`` and ``deep_interval_s`` are the effective
    intervals at which its stream, and what only a deep probe tells, are asked for.
    """

    eye: str
    host: str
    port: int = 554
    path: str = "/"
    tls: bool = False
    credential: Credential | None = None
    basic_allowed: bool = False
    site: str = ""
    sessions: int = 1
    interval_s: float = 60.0
    deep_interval_s: float = 300.0
    memory: Memory = Memory()

    @property
    def device(self) -> str:
        """The same site, host and port is one device, however many rows the registry has for it."""
        return f"{self.host}:{self.port}"

    @property
    def login_key(self) -> LoginKey | None:
        if self.credential is None:
            return None
        return LoginKey(self.site, self.device, self.credential.id)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the climb: how long it took (seconds) and how it ended."""

    step: Step
    seconds: float
    reason: Reason = Reason.OK
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one probe says of one check; ``interval_s`` is how often this check of this eye is asked."""

    check: Check
    outcome: Outcome
    reason: Reason
    interval_s: float


@dataclass(frozen=True, slots=True)
class Media:
    """What was learned of the stream. Unknown figures are ``None``, never zero."""

    codec: str
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    bitrate_bps: float | None = None
    packets: int = 0
    lost: int = 0
    transport: Transport = Transport.TCP


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of one eye. ``at`` (UTC, aware) is when it began and, with eye and check, its identity."""

    eye: str
    at: datetime
    depth: Depth
    seconds: float
    verdicts: tuple[Verdict, ...]
    memory: Memory
    notes: tuple[Reason, ...] = ()
    rungs: tuple[Rung, ...] = ()
    media: Media | None = None
    transcript: str = field(default="", repr=False)

    def verdict(self, check: Check) -> Verdict | None:
        return next((v for v in self.verdicts if v.check is check), None)
