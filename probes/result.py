"""The frozen values everybody passes on: what is asked, and what was measured.

``probes/`` stores nothing. Whatever the next probe of an eye should know travels in
``Target.memory`` and comes back, grown by this probe, in ``ProbeResult.memory``.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from probes.reasons import Check, Outcome, Reason


class Depth(StrEnum):
    """How far one probe climbs."""

    LIVENESS = "liveness"  # up to one whole keyframe, parsed and not decoded
    DEEP = "deep"  # the same, the picture looked at, the snapshot and the clock
    SURVEY = "survey"  # no stream: what its device told of itself and of its footage


class Transport(StrEnum):
    """How RTP travels."""

    TCP = "tcp"  # interleaved in the RTSP connection (RFC 2326, 10.12)
    UDP = "udp"


class TlsCheck(StrEnum):
    """How the certificate of a device is looked at."""

    NONE = "none"  # encrypted, the certificate not looked at: an explicit choice for each device
    PIN = "pin"  # the SHA-256 of the leaf certificate must be the one registered
    VERIFY = "verify"  # by the authorities this machine trusts


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
    SNAPSHOT = "snapshot"
    CLOCK = "clock"
    RECORDING = "recording"


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a password for one device, in clear; it lives only inside a ``Target``."""

    id: str
    user: str
    password: str = field(repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not show, should a device say it back: the pair as Basic sends it, and the password."""
        return f"{self.user}:{self.password}", self.password


@dataclass(frozen=True, slots=True)
class LoginKey:
    """What a device counts refused logins by: the site, the device, the credential."""

    site: str
    device: str
    credential: str


class Mode(StrEnum):
    """How a camera sees: in colour, or in grey under its infrared lamps."""

    COLOUR = "colour"
    GREY = "grey"


@dataclass(frozen=True, slots=True)
class Sight:
    """What was measured of one picture, on 320x180 grey; no picture can be made of it again.

    ``width`` and ``height`` are the picture's own, in pixels. ``brightness`` (mean) and ``contrast``
    (standard deviation) are in grey levels 0..255. ``sharpness`` is the share of the finest detail in all
    detail: no unit, about 1 in focus and below 0.5 out of it (see ``sight.py``).
    ``chroma`` is the mean distance from grey, in levels. ``flat`` is the share of pixels that lie in the
    eight commonest levels, black and white not counted: near 1 only for a drawn card. ``broken`` is the share
    of rows that a decoder filled in. ``dhash`` is the 64-bit difference hash. ``edges`` is where the edges
    are, upright and lying, one byte a cell (see ``sight.py``).
    """

    width: int
    height: int
    mode: Mode
    brightness: float
    contrast: float
    sharpness: float
    chroma: float
    flat: float
    broken: float
    dhash: int
    edges: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a series of pictures of one eye looked like; lives in the process only, never stored.

    ``changed_at`` is when the first of those pictures was taken that show the same; ``samples`` of them came
    until ``last_at``, the last ``equal`` of them identical to the bit. ``thumb`` is the first, 160x90 grey.
    ``touched`` and ``ticking`` are the tiles that differed from it at least once, and each time: a clock that
    is drawn over the picture. The last switch to another
    ``mode`` was at ``mode_since``.
    """

    thumb: bytes
    digest: bytes
    changed_at: datetime
    last_at: datetime
    mode: Mode
    samples: int = 1
    equal: int = 1
    touched: bytes = b""
    ticking: bytes = b""
    mode_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """What the next probe of this eye should know of the earlier ones."""

    gop_s: float | None = None  # learned distance between keyframes, seconds
    transport: Transport | None = None  # the one that worked last
    algorithm: str | None = None  # the Digest algorithm that was accepted last
    renews: bool | None = None  # whether each request needs a nonce of its own (see ``Login``)
    hangs_up: bool | None = None  # whether it closes the connection behind an answer, before a session
    failures: int = 0  # failing stream results in a row, up to now
    stalled: bool = False  # packets stopped the last time: watch longer before calling it alive
    probe_s: float | None = None  # learned length of a session, seconds (moving average)
    # Pictures are not stored, not even small ones: these two stay in the process that probes.
    seen: Seen | None = field(default=None, repr=False, compare=False)
    seen_snapshot: Seen | None = field(default=None, repr=False, compare=False)

    def without_pictures(self) -> "Memory":
        """What may leave the process."""
        return replace(self, seen=None, seen_snapshot=None)


@dataclass(frozen=True, slots=True)
class Baseline:
    """What an eye usually sees, in one mode: medians over ``samples`` pictures, approved by a person."""

    mode: Mode
    brightness: float
    contrast: float
    sharpness: float
    edges: bytes = field(repr=False)
    samples: int


@dataclass(frozen=True, slots=True)
class Target:
    """One eye as a probe sees it: an address, a path, and how gently to ask.

    ``path`` begins with ``/`` and holds the query; it never holds credentials. ``sessions`` is how
    many sessions the host bears at a time; ``interval_s`` and ``deep_interval_s`` are the effective
    intervals at which its stream, and what only a deep probe tells, are asked for.

    ``tls_pin`` is the SHA-256 of the leaf certificate in hexadecimal digits. Without ``onvif_port`` ONVIF is
    not asked; without ``onvif_credential`` it is asked with ``credential``. ``serial`` is the registered
    one, empty where it is not known. ``wrong_device``: another serial number answers here, and no person has
    confirmed it yet. ``keep_picture``: a snapshot that comes with something failing is wanted as evidence.
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
    web_port: int = 80
    web_tls: bool = False
    onvif_port: int | None = None
    tls_check: TlsCheck = TlsCheck.NONE
    tls_pin: str = ""
    snapshot_path: str | None = None
    onvif_credential: Credential | None = None
    channel: int = 1
    serial: str = ""
    ptz: bool = False
    required_days: float | None = None
    baselines: tuple[Baseline, ...] = ()
    wrong_device: bool = False
    keep_picture: bool = False

    @property
    def device(self) -> str:
        """The same site, host and port is one device, however many rows the registry has for it."""
        return f"{self.host}:{self.port}"

    @property
    def login_key(self) -> LoginKey | None:
        return self.login_key_of(self.credential)

    def login_key_of(self, credential: Credential | None) -> LoginKey | None:
        """What refusals of ``credential`` count by: the same key for RTSP, HTTP and ONVIF."""
        return LoginKey(self.site, self.device, credential.id) if credential is not None else None


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
class Measured:
    """What the rungs beyond the stream measured; ``None`` is what this probe did not measure.

    ``similarity`` (0..1) compares the edges with the approved baseline's. ``picture_changed_at`` and
    ``snapshot_changed_at`` are since when the stream's picture and the snapshot show the same.
    ``clock_offset_s`` is the device's clock minus UTC, seconds; ``recorded_days`` how far back footage goes.
    """

    sight: Sight | None = None
    similarity: float | None = None
    picture_changed_at: datetime | None = None
    snapshot_changed_at: datetime | None = None
    clock_offset_s: float | None = None
    recorded_days: float | None = None


NOTHING_MEASURED = Measured()


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """One probe of one eye. ``at`` (UTC, aware) is when it began and, with eye and check, its identity.

    ``picture`` is there only where ``Target.keep_picture`` asked for it.
    """

    eye: str
    at: datetime
    depth: Depth
    seconds: float
    verdicts: tuple[Verdict, ...]
    memory: Memory
    notes: tuple[Reason, ...] = ()
    rungs: tuple[Rung, ...] = ()
    media: Media | None = None
    measured: Measured = NOTHING_MEASURED
    picture: bytes | None = field(default=None, repr=False, compare=False)
    transcript: str = field(default="", repr=False)

    def verdict(self, check: Check) -> Verdict | None:
        return next((v for v in self.verdicts if v.check is check), None)

    def printable(self) -> "ProbeResult":
        """What may be shown and sent: without the small pictures of the memory, and without bytes."""
        sight = self.measured.sight
        measured = replace(self.measured, sight=None if sight is None else replace(sight, edges=b""))
        return replace(self, memory=self.memory.without_pictures(), measured=measured, picture=None)
