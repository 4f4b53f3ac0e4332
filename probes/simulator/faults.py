"""What may go wrong with a simulated camera, when, and what an honest probe concludes from it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from math import floor, inf
from typing import Final

from probes.reasons import Check, Outcome, Reason
from probes.simulator.kinds import (
    DEFAULT_VALUE,
    OF_IDENTITY,
    OF_WHOLE,
    SEEN_BY_CLOCK,
    SEEN_BY_RECORDING,
    SEEN_BY_RTSP,
    SEEN_BY_SNAPSHOT,
)
from probes.simulator.kinds import FaultKind as FaultKind


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
        if self.channel is not None and self.kind in OF_WHOLE:
            raise InvalidSpec("channel", f"a whole camera is {self.kind.value}, not one of its channels")
        if self.value is not None and self.kind not in DEFAULT_VALUE:
            raise InvalidSpec("value", f"{self.kind.value} takes none")
        if (self.amount < 0 and self.kind is not FaultKind.CLOCK_OFF) or (
            self.kind is FaultKind.LONG_GOP and not 1 <= self.amount <= 60
        ):
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


def active_fault(
    faults: tuple[Fault, ...], channel: int | None, at: float, kinds: Collection[FaultKind]
) -> Fault | None:
    """The fault played for ``channel`` at ``at`` by a part that heeds ``kinds``: the first one that is on."""
    return next((f for f in faults if f.kind in kinds and f.concerns(channel) and f.active(at)), None)


# -- the truth ---------------------------------------------------------------------------------------------

# Slower than this and a probe may run out of its budget; slower than that and each answer times out.
BEARABLE_S: Final = 2.0
HOPELESS_S: Final = 6.0

# When a clock is wrong, and when it is wrong by a time zone (F012); the time of a request blurs both.
TOLERANCE_S: Final = 60.0
ZONE_S: Final = 30.0
BLUR_S: Final = 5.0

Saying = tuple[Outcome, Reason]
Sayings = frozenset[Saying]

_OK: Final = (Outcome.OK, Reason.OK)
_NOTHING: Final = Sayings()


@dataclass(frozen=True, slots=True)
class Truth:
    """What an honest probe may say of each check while one state of affairs holds.

    A check is empty where there is nothing to speak of: no picture without a stream, no snapshot without
    HTTP. The truth holds in [``since``, ``until``), seconds since the simulator started: a probe under way
    at either may say the truth of either side.
    """

    stream: Sayings
    picture: Sayings = _NOTHING
    snapshot: Sayings = _NOTHING
    clock: Sayings = _NOTHING
    recording: Sayings = _NOTHING
    since: float = -inf
    until: float = inf

    def of(self, check: Check) -> Sayings:
        sayings: Sayings = getattr(self, check.value)
        return sayings

    def accepts(self, check: Check, outcome: Outcome, reason: Reason) -> bool:
        """Whether a verdict is honest.

        Of what is not there only "unknown" or "off" is; and who got no stream may leave the rest unasked.
        """
        if (outcome, reason) in self.of(check):
            return True
        unasked = check is not Check.STREAM and _OK not in self.stream
        if unasked and outcome is Outcome.UNKNOWN:
            return True
        return not self.of(check) and outcome in (Outcome.UNKNOWN, Outcome.OFF)


@dataclass(frozen=True, slots=True)
class Change:
    """What a fault makes of the truth: of some checks it is another, and of some more may be said."""

    instead: Mapping[Check, Sayings] = field(default_factory=dict)
    also: Mapping[Check, Sayings] = field(default_factory=dict)

    def of(self, check: Check, healthy: Sayings) -> Sayings:
        if not healthy and check is not Check.STREAM:
            return healthy  # what a device does not have cannot fail
        return self.instead.get(check, healthy) | self.also.get(check, _NOTHING)


def _said(outcome: Outcome, *reasons: Reason) -> Sayings:
    return frozenset((outcome, reason) for reason in reasons)


def _failing(*reasons: Reason) -> Sayings:
    return _said(Outcome.FAILING, *reasons)


def _unknown(*reasons: Reason) -> Sayings:
    return _said(Outcome.UNKNOWN, *reasons)


def _no_stream(outcome: Outcome, *reasons: Reason) -> Change:
    return Change({Check.STREAM: _said(outcome, *reasons), Check.PICTURE: _NOTHING})


def _unreadable(*reasons: Reason) -> Change:
    """No answer to DESCRIBE that can be read. To a first login it may be how this device refuses."""
    stream = _failing(*reasons) | _unknown(*_NOT_LET_IN)
    return Change({Check.STREAM: stream, Check.PICTURE: _NOTHING})


def _delivered(picture: Sayings, *notes: Reason) -> Change:
    """A stream that flows; a note may stand in the place of OK."""
    return Change({Check.PICTURE: picture}, {Check.STREAM: _said(Outcome.OK, *notes)})


def _seen(*picture: Reason, in_time: bool = False) -> Change:
    """A stream that flows and shows what is wrong; ``in_time``: only when others have been seen before."""
    return _delivered(_failing(*picture) | (_FINE if in_time else _NOTHING))


def _snapshot(*reasons: Reason, in_time: bool = False) -> Change:
    return Change({Check.SNAPSHOT: _failing(*reasons) | (_FINE if in_time else _NOTHING)})


_FINE: Final = frozenset({_OK})
# A password that was taken a moment ago is doubted first: all sessions may be taken.
_NOT_LET_IN: Final = (Reason.AUTH_REJECTED, Reason.AUTH_SUSPENDED, Reason.STREAM_SLOTS_BUSY)
HEALTHY: Final = Truth(_FINE, _FINE)
_K = FaultKind
_R = Reason
_NO_KEYFRAME_YET: Final = _unknown(_R.KEYFRAME_NOT_SEEN)
_NO_ANSWER: Final = {
    Check.SNAPSHOT: _failing(_R.SNAPSHOT_HTTP_ERROR, _R.SNAPSHOT_TIMEOUT),
    Check.CLOCK: _unknown(_R.CLOCK_UNREADABLE),
    Check.RECORDING: _said(Outcome.OFF, _R.RETENTION_UNKNOWN) | _unknown(_R.RETENTION_UNKNOWN),
}
_UNREADABLE: Final = {check: _NO_ANSWER[check] for check in (Check.CLOCK, Check.RECORDING)}

_UNDATED: Final = {Check.RECORDING: _NO_ANSWER[Check.RECORDING]}


def _gone(*reasons: Reason) -> dict[Check, Sayings]:
    """What HTTP tells of a device that it cannot reach, be it that it fails or that nobody knows."""
    return {check: said | _unknown(*reasons) | _failing(*reasons) for check, said in _NO_ANSWER.items()}


def _unreachable(reason: Reason) -> Change:
    return Change({Check.STREAM: _failing(reason), Check.PICTURE: _NOTHING} | _gone(reason))


def _not_let_in(*reasons: Reason) -> Change:
    unknown = _unknown(*reasons)
    asked = {Check.STREAM: unknown, Check.PICTURE: _NOTHING, Check.SNAPSHOT: unknown}
    return Change(asked | {Check.RECORDING: unknown | _NO_ANSWER[Check.RECORDING]}, {Check.CLOCK: unknown})


_TABLE: Final = {
    _K.REFUSED: _unreachable(_R.TCP_REFUSED),
    _K.FILTERED: _unreachable(_R.TCP_TIMEOUT),
    _K.WRONG_PASSWORD: _not_let_in(*_NOT_LET_IN),
    _K.LOCKED: _not_let_in(_R.AUTH_LOCKED, *_NOT_LET_IN),
    # Only the daily look at the device tells.
    _K.OTHER_DEVICE: Change(also={Check.STREAM: _unknown(_R.WRONG_DEVICE)}),
    _K.FIRMWARE: Change(),
    _K.TLS: _no_stream(Outcome.FAILING, _R.TLS_HANDSHAKE_FAILED),
    _K.RESET: _no_stream(Outcome.FAILING, _R.CONNECTION_RESET),
    _K.SILENT: _no_stream(Outcome.FAILING, _R.RTSP_TIMEOUT),
    _K.SERVER_ERROR: _no_stream(Outcome.FAILING, _R.RTSP_SERVER_ERROR),
    _K.NOT_FOUND: _no_stream(Outcome.FAILING, _R.STREAM_NOT_FOUND, _R.CHANNEL_OFFLINE),
    _K.ENDLESS_HEADER: _unreadable(_R.RTSP_PROTOCOL_ERROR),
    _K.HUGE_SDP: _unreadable(_R.RTSP_PROTOCOL_ERROR, _R.SDP_INVALID),
    _K.MANY_TRACKS: _unreadable(_R.RTSP_PROTOCOL_ERROR, _R.SDP_INVALID, _R.NO_VIDEO_TRACK),
    _K.DRIPPING: _unreadable(_R.RTSP_TIMEOUT),
    _K.ECHO: Change(),
    _K.BUSY: _no_stream(Outcome.UNKNOWN, _R.STREAM_SLOTS_BUSY),
    _K.UNAVAILABLE: _no_stream(Outcome.UNKNOWN, _R.STREAM_SLOTS_BUSY),
    _K.TEARDOWN_IGNORED: Change(),
    _K.NO_RTP: _no_stream(Outcome.FAILING, _R.RTP_NONE),
    _K.STALL: _no_stream(Outcome.FAILING, _R.RTP_STALLED),
    _K.LONG_GOP: _delivered(_FINE | _NO_KEYFRAME_YET, _R.KEYFRAME_NOT_SEEN),
    _K.NO_KEYFRAME: _delivered(_NO_KEYFRAME_YET, _R.KEYFRAME_NOT_SEEN),
    _K.GARBAGE: _delivered(_FINE | _failing(_R.RTP_CORRUPT), _R.RTP_LOSS, _R.RTP_CORRUPT),
    _K.TRUNCATED: _delivered(
        _failing(_R.RTP_CORRUPT, _R.DECODE_FAILED) | _NO_KEYFRAME_YET,
        _R.RTP_LOSS, _R.RTP_CORRUPT, _R.KEYFRAME_NOT_SEEN,
    ),
    _K.UNDECODABLE: _delivered(_failing(_R.DECODE_FAILED)),
    _K.BLACK: _seen(_R.PICTURE_BLACK, _R.PICTURE_COVERED),
    _K.WHITE: _seen(_R.PICTURE_WHITE),
    _K.LOW_CONTRAST: _seen(_R.PICTURE_LOW_CONTRAST),
    _K.COVERED: _seen(_R.PICTURE_COVERED, _R.PICTURE_BLACK),
    _K.BLURRED: _seen(_R.PICTURE_BLURRED, in_time=True),
    _K.MOVED: _seen(_R.PICTURE_MOVED, in_time=True),
    _K.FROZEN: _seen(_R.PICTURE_FROZEN, in_time=True),
    _K.FROZEN_CLOCK: _seen(_R.PICTURE_FROZEN, in_time=True),
    # Of a file that decodes to flat rows nobody can tell whether the camera or the way here spoilt it.
    _K.CORRUPT: Change(
        {Check.PICTURE: _failing(_R.PICTURE_CORRUPT)}, {Check.SNAPSHOT: _failing(_R.SNAPSHOT_TRUNCATED)}
    ),
    _K.PLACEHOLDER: _seen(_R.PLACEHOLDER_PICTURE, _R.PICTURE_FROZEN, in_time=True),
    _K.INFRARED: Change(),
    _K.WEB_REFUSED: Change(_gone(_R.TCP_REFUSED)),
    _K.WEB_SILENT: Change(_NO_ANSWER),
    _K.WEB_ERROR: Change(
        {Check.SNAPSHOT: _failing(_R.SNAPSHOT_HTTP_ERROR), Check.RECORDING: _NO_ANSWER[Check.RECORDING]},
        {Check.CLOCK: _unknown(_R.CLOCK_UNREADABLE)},
    ),
    _K.SNAPSHOT_STALE: _snapshot(_R.SNAPSHOT_STALE, in_time=True),
    _K.SNAPSHOT_TRUNCATED: _snapshot(_R.SNAPSHOT_TRUNCATED),
    _K.SNAPSHOT_CORRUPT: _snapshot(_R.SNAPSHOT_TRUNCATED, _R.SNAPSHOT_NOT_IMAGE, in_time=True),
    _K.SNAPSHOT_BOMB: _snapshot(_R.SNAPSHOT_TOO_LARGE),
    _K.SNAPSHOT_HTML: _snapshot(_R.SNAPSHOT_NOT_IMAGE),
    _K.SNAPSHOT_EMPTY: _snapshot(_R.SNAPSHOT_NOT_IMAGE, _R.SNAPSHOT_TRUNCATED, _R.SNAPSHOT_HTTP_ERROR),
    _K.SNAPSHOT_MISSING: Change(
        {Check.SNAPSHOT: _failing(_R.SNAPSHOT_HTTP_ERROR) | _said(Outcome.OFF, _R.SNAPSHOT_UNSUPPORTED)}
    ),
    _K.SNAPSHOT_DRIP: _snapshot(_R.SNAPSHOT_TIMEOUT),
    _K.SNAPSHOT_ENDLESS: _snapshot(_R.SNAPSHOT_TOO_LARGE, _R.SNAPSHOT_TIMEOUT),
    _K.SNAPSHOT_REDIRECT: _snapshot(_R.SNAPSHOT_HTTP_ERROR, _R.SNAPSHOT_URI_INVALID),
    _K.SNAPSHOT_MULTIPART: Change(),
    _K.SNAPSHOT_BUSY: Change(also={Check.SNAPSHOT: _said(Outcome.OK, _R.SLOW_RESPONSE)}),
    _K.SNAPSHOT_TYPE: Change(),
    _K.CLOCK_UNSET: Change({Check.CLOCK: _failing(_R.CLOCK_UNSET)}, _UNDATED),
    _K.CLOCK_MISSING: Change({Check.CLOCK: _unknown(_R.CLOCK_UNREADABLE)}, _UNDATED),
    _K.ONVIF_SILENT: Change(also=_UNREADABLE),
    _K.ONVIF_FAULT: Change(also=_UNREADABLE),
    _K.ONVIF_HTML: Change(also=_UNREADABLE),
    _K.RECORDING_SHORT: Change({Check.RECORDING: _failing(_R.RETENTION_SHORT)}),
    _K.RECORDING_STOPPED: Change({Check.RECORDING: _failing(_R.RECORDING_STOPPED)}),
    _K.DISK_ERROR: Change({Check.RECORDING: _failing(_R.RECORDING_STOPPED)}),
    _K.RECORDINGS_HIDDEN: Change({Check.RECORDING: _NO_ANSWER[Check.RECORDING]}),
}  # fmt: skip


def expected(fault: Fault) -> Change:
    """What a fault makes of the truth of a healthy camera."""
    if fault.kind is FaultKind.CLOCK_OFF:
        return Change({Check.CLOCK: clock_truth(fault.amount)})
    if fault.kind is FaultKind.SLOW:
        return _slow(fault.amount)
    if fault.kind is FaultKind.WEB_SLOW:
        return _web_slow(fault.amount)
    return _TABLE[fault.kind]


def _slow(seconds: float) -> Change:
    bearable = _delivered(_FINE, Reason.SLOW_RESPONSE)
    if seconds <= BEARABLE_S:
        return bearable
    hopeless = _failing(Reason.RTSP_TIMEOUT)
    if seconds >= HOPELESS_S:
        return _no_stream(Outcome.FAILING, Reason.RTSP_TIMEOUT)
    given_up = _unknown(Reason.PROBE_BUDGET_EXCEEDED)
    stream = _FINE | _said(Outcome.OK, Reason.SLOW_RESPONSE) | hopeless | given_up
    return Change({Check.STREAM: stream, Check.PICTURE: _FINE | _NO_KEYFRAME_YET | given_up})


def _web_slow(seconds: float) -> Change:
    if seconds >= HOPELESS_S:
        return Change(_NO_ANSWER)
    slow = {Check.SNAPSHOT: _said(Outcome.OK, Reason.SLOW_RESPONSE)}
    if seconds <= BEARABLE_S:
        return Change(also=slow)
    return Change(also={check: said | slow.get(check, _NOTHING) for check, said in _NO_ANSWER.items()})


def clock_truth(offset_s: float) -> Sayings:
    """What may be said of a clock that is ``offset_s`` fast; a request's own time blurs the borders."""
    distance = abs(offset_s)
    whole_quarters = min(distance % 900, 900 - distance % 900)
    if distance < TOLERANCE_S - BLUR_S:
        return _FINE
    if distance < TOLERANCE_S + BLUR_S:
        return _FINE | _failing(Reason.CLOCK_DRIFT)
    if distance < 900 - ZONE_S - BLUR_S or whole_quarters > ZONE_S + BLUR_S:
        return _failing(Reason.CLOCK_DRIFT)
    if distance >= 900 + BLUR_S and whole_quarters < ZONE_S - BLUR_S:
        return _failing(Reason.CLOCK_TZ_SUSPECT)
    return _failing(Reason.CLOCK_DRIFT, Reason.CLOCK_TZ_SUSPECT)


_PARTS: Final = {
    Check.STREAM: SEEN_BY_RTSP | OF_IDENTITY,
    Check.PICTURE: SEEN_BY_RTSP,
    Check.SNAPSHOT: SEEN_BY_SNAPSHOT,
    Check.CLOCK: SEEN_BY_CLOCK,
    # Footage is dated by the device's clock.
    Check.RECORDING: SEEN_BY_RECORDING | {_K.CLOCK_UNSET, _K.CLOCK_MISSING},
}


def truth_at(faults: tuple[Fault, ...], channel: int, at: float, healthy: Truth = HEALTHY) -> Truth:
    """The truth about one channel at ``at`` and the span it holds for; ``healthy`` while no fault is on."""
    sayings = dict[str, Sayings]()
    for check, kinds in _PARTS.items():
        fault = active_fault(faults, channel, at, kinds)
        said = healthy.of(check)
        sayings[check.value] = said if fault is None else expected(fault).of(check, said)
    switches = [f.switches_around(at) for f in faults if f.concerns(channel)]
    return Truth(
        **sayings,
        since=max((before for before, _ in switches), default=-inf),
        until=min((after for _, after in switches), default=inf),
    )
