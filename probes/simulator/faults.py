"""What may go wrong with a simulated camera, when, and what an honest probe concludes from it."""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import floor, inf
from typing import Final

from probes.reasons import Check, Outcome, Reason


class FaultKind(StrEnum):
    """The kinds of fault; the value is the word used in a fleet file."""

    # below RTSP
    REFUSED = "refused"  # nobody listens: the connection is refused
    FILTERED = "filtered"  # the listen queue is full, so SYNs are dropped: the connection times out
    TLS = "tls"  # answers the TLS ClientHello in plain text
    RESET = "reset"  # the first request is answered with RST

    # RTSP
    SILENT = "silent"  # accepts, never answers
    SLOW = "slow"  # `value` seconds before each answer
    SERVER_ERROR = "500"  # to DESCRIBE
    NOT_FOUND = "404"  # to DESCRIBE, after the password was accepted
    WRONG_PASSWORD = "401"  # the password was changed on the camera
    LOCKED = "locked"  # 401 even for the right password
    BUSY = "453"  # to SETUP: all sessions taken
    UNAVAILABLE = "503"  # to SETUP: how other makers say the same
    TEARDOWN_IGNORED = "teardown_ignored"  # never answered, as go2rtc does

    # media
    NO_RTP = "no_rtp"  # PLAY answers 200 and nothing follows
    STALL = "stall"  # `value` frames, none of them a keyframe, then silence
    LONG_GOP = "long_gop"  # `value` seconds between keyframes, as "smart" codecs have
    NO_KEYFRAME = "no_keyframe"  # P-frames only
    GARBAGE = "garbage"  # a frame cut short and junk after it, between good frames
    TRUNCATED = "truncated"  # the second half of each keyframe's packets is lost
    UNDECODABLE = "undecodable"  # whole keyframes in good order that no decoder accepts


DEFAULT_VALUE: Final = {
    FaultKind.SLOW: 1.5,
    FaultKind.STALL: 3.0,
    FaultKind.LONG_GOP: 20.0,
}

# Slower than this and a probe may run out of its budget; slower than that and each answer times out.
BEARABLE_S: Final = 2.0
HOPELESS_S: Final = 6.0


class InvalidSpec(ValueError):
    """One field of a fleet is wrong: which, and why."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of one camera, or of one ``channel`` of it (from 1; ``None``: all).

    It is on in [``start``, ``end``), seconds since the simulator started; with ``every`` that span
    repeats each ``every`` seconds. ``value`` means what the kind says; ``None`` takes its default.
    Raises :class:`InvalidSpec`.
    """

    kind: FaultKind
    start: float = 0.0
    end: float = inf
    every: float | None = None
    channel: int | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        if self.start < 0:
            raise InvalidSpec("from", f"must not be negative, got {self.start:g}")
        if self.end <= self.start:
            raise InvalidSpec("to", f"must be later than from ({self.start:g}), got {self.end:g}")
        if self.every is not None and self.every <= self.end - self.start:
            raise InvalidSpec("every", "must be longer than the span from..to that it repeats")
        if self.channel is not None and self.kind in BELOW_RTSP:
            raise InvalidSpec("channel", f"a whole camera is {self.kind.value}, not one of its channels")
        if self.value is not None and self.kind not in DEFAULT_VALUE:
            raise InvalidSpec("value", f"{self.kind.value} takes none")
        if self.amount < 0 or (self.kind is FaultKind.LONG_GOP and not 1 <= self.amount <= 60):
            raise InvalidSpec("value", f"out of range for {self.kind.value}: {self.amount:g}")

    @property
    def amount(self) -> float:
        return DEFAULT_VALUE.get(self.kind, 0.0) if self.value is None else self.value

    def concerns(self, channel: int | None) -> bool:
        return self.channel is None or self.channel == channel

    def active(self, at: float) -> bool:
        if at < self.start:
            return False
        return (at if self.every is None else self.start + (at - self.start) % self.every) < self.end

    def switches_around(self, at: float) -> tuple[float, float]:
        """The last moment up to ``at`` and the first one after it when this fault goes on or off."""
        moments = [-inf, self.start, self.end]
        if self.every is not None and at >= self.start:
            begin = self.start + floor((at - self.start) / self.every) * self.every
            moments = [begin, begin + self.end - self.start, begin + self.every]
        return max(m for m in moments if m <= at), min((m for m in moments if m > at), default=inf)


BELOW_RTSP: Final = frozenset({FaultKind.REFUSED, FaultKind.FILTERED, FaultKind.TLS, FaultKind.RESET})


# Faults of a group of pictures: a keyframe and the P-frames that lean on it.
OF_GROUPS: Final = frozenset(
    {FaultKind.STALL, FaultKind.LONG_GOP, FaultKind.NO_KEYFRAME, FaultKind.GARBAGE, FaultKind.UNDECODABLE}
)


def active_fault(faults: tuple[Fault, ...], channel: int | None, at: float) -> Fault | None:
    """The fault played for ``channel`` at ``at``: the first listed one that is on."""
    return next((f for f in faults if f.concerns(channel) and f.active(at)), None)


Saying = tuple[Outcome, Reason]

_OK: Final = (Outcome.OK, Reason.OK)
_FAILED: Final = frozenset[Saying]()  # no stream, so nothing is said of the picture


@dataclass(frozen=True, slots=True)
class Truth:
    """What an honest probe may say while one state of affairs holds.

    ``picture`` is empty where there is no picture to speak of. The truth holds in [``since``, ``until``),
    seconds since the simulator started: a probe under way at either may say the truth of either side.
    """

    stream: frozenset[Saying]
    picture: frozenset[Saying]
    since: float = -inf
    until: float = inf

    def accepts(self, check: Check, outcome: Outcome, reason: Reason) -> bool:
        """Whether a verdict is honest. Of a picture that was not delivered only "unknown" is."""
        if check is Check.STREAM:
            return (outcome, reason) in self.stream
        if check is Check.PICTURE:
            if not self.picture:
                return outcome is Outcome.UNKNOWN
            return (outcome, reason) in self.picture
        raise ValueError(f"nothing is simulated of {check.value}")


def _stream_only(outcome: Outcome, *reasons: Reason) -> Truth:
    return Truth(frozenset((outcome, reason) for reason in reasons), _FAILED)


def _delivered(*picture: Saying, notes: tuple[Reason, ...] = ()) -> Truth:
    """A stream that flows; a note may stand in the place of OK."""
    return Truth(frozenset([_OK, *((Outcome.OK, note) for note in notes)]), frozenset(picture))


HEALTHY: Final = _delivered(_OK)
PASSWORD_IN_CLEAR_ONLY: Final = Truth(
    HEALTHY.stream | {(Outcome.UNKNOWN, Reason.AUTH_BASIC_REFUSED_BY_POLICY)}, HEALTHY.picture
)

_NO_KEYFRAME_YET: Final = (Outcome.UNKNOWN, Reason.KEYFRAME_NOT_SEEN)
_TABLE: Final = {
    FaultKind.REFUSED: _stream_only(Outcome.FAILING, Reason.TCP_REFUSED),
    FaultKind.FILTERED: _stream_only(Outcome.FAILING, Reason.TCP_TIMEOUT),
    FaultKind.TLS: _stream_only(Outcome.FAILING, Reason.TLS_HANDSHAKE_FAILED),
    FaultKind.RESET: _stream_only(Outcome.FAILING, Reason.CONNECTION_RESET),
    FaultKind.SILENT: _stream_only(Outcome.FAILING, Reason.RTSP_TIMEOUT),
    FaultKind.SERVER_ERROR: _stream_only(Outcome.FAILING, Reason.RTSP_SERVER_ERROR),
    FaultKind.NOT_FOUND: _stream_only(Outcome.FAILING, Reason.STREAM_NOT_FOUND, Reason.CHANNEL_OFFLINE),
    FaultKind.WRONG_PASSWORD: _stream_only(Outcome.UNKNOWN, Reason.AUTH_REJECTED, Reason.AUTH_SUSPENDED),
    FaultKind.LOCKED: _stream_only(
        Outcome.UNKNOWN, Reason.AUTH_LOCKED, Reason.AUTH_REJECTED, Reason.AUTH_SUSPENDED
    ),
    FaultKind.BUSY: _stream_only(Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY),
    FaultKind.UNAVAILABLE: _stream_only(Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY),
    FaultKind.TEARDOWN_IGNORED: HEALTHY,
    FaultKind.NO_RTP: _stream_only(Outcome.FAILING, Reason.RTP_NONE),
    FaultKind.STALL: _stream_only(Outcome.FAILING, Reason.RTP_STALLED),
    FaultKind.LONG_GOP: _delivered(_OK, _NO_KEYFRAME_YET, notes=(Reason.KEYFRAME_NOT_SEEN,)),
    FaultKind.NO_KEYFRAME: _delivered(_NO_KEYFRAME_YET, notes=(Reason.KEYFRAME_NOT_SEEN,)),
    FaultKind.GARBAGE: _delivered(
        _OK, (Outcome.FAILING, Reason.RTP_CORRUPT), notes=(Reason.RTP_LOSS, Reason.RTP_CORRUPT)
    ),
    FaultKind.TRUNCATED: _delivered(
        (Outcome.FAILING, Reason.RTP_CORRUPT),
        (Outcome.FAILING, Reason.DECODE_FAILED),
        _NO_KEYFRAME_YET,
        notes=(Reason.RTP_LOSS, Reason.RTP_CORRUPT, Reason.KEYFRAME_NOT_SEEN),
    ),
    FaultKind.UNDECODABLE: _delivered((Outcome.FAILING, Reason.DECODE_FAILED)),
}


def expected(fault: Fault) -> Truth:
    """What an honest probe may conclude while ``fault`` is on; ``since`` and ``until`` are left open."""
    if fault.kind is not FaultKind.SLOW:
        return _TABLE[fault.kind]
    bearable = _delivered(_OK, notes=(Reason.SLOW_RESPONSE,))
    if fault.amount <= BEARABLE_S:
        return bearable
    hopeless = _stream_only(Outcome.FAILING, Reason.RTSP_TIMEOUT)
    if fault.amount >= HOPELESS_S:
        return hopeless
    between = hopeless.stream | bearable.stream | {(Outcome.UNKNOWN, Reason.PROBE_BUDGET_EXCEEDED)}
    return Truth(
        between, bearable.picture | {_NO_KEYFRAME_YET, (Outcome.UNKNOWN, Reason.PROBE_BUDGET_EXCEEDED)}
    )


def truth_at(faults: tuple[Fault, ...], channel: int, at: float, otherwise: Truth = HEALTHY) -> Truth:
    """The truth about one channel at ``at`` and the span it holds for; ``otherwise`` while no fault is on."""
    fault = active_fault(faults, channel, at)
    truth = otherwise if fault is None else expected(fault)
    switches = [f.switches_around(at) for f in faults if f.concerns(channel)]
    return replace(
        truth,
        since=max((before for before, _ in switches), default=-inf),
        until=min((after for _, after in switches), default=inf),
    )
