"""The closed list of reasons, and what each makes of a check.

One slug serves everywhere: it is the metric label, the database value and the translation key.
The list may grow; a slug never changes its meaning and is never reused.
"""

from enum import StrEnum


class Check(StrEnum):
    """What is judged of an eye; each check has its own ledger."""

    STREAM = "stream"
    PICTURE = "picture"
    SNAPSHOT = "snapshot"
    CLOCK = "clock"
    RECORDING = "recording"


class Outcome(StrEnum):
    """What one probe says of one check. ``UNKNOWN`` means: we could not ask."""

    OK = "ok"
    FAILING = "failing"
    UNKNOWN = "unknown"
    OFF = "off"


class Reason(StrEnum):
    """Why a check, or a rung of the ladder, came out as it did."""

    OK = "OK"

    # network
    DNS_FAILED = "DNS_FAILED"
    HOST_UNREACHABLE = "HOST_UNREACHABLE"
    TCP_REFUSED = "TCP_REFUSED"
    TCP_TIMEOUT = "TCP_TIMEOUT"
    CONNECTION_RESET = "CONNECTION_RESET"
    TLS_HANDSHAKE_FAILED = "TLS_HANDSHAKE_FAILED"

    # RTSP
    RTSP_TIMEOUT = "RTSP_TIMEOUT"
    RTSP_PROTOCOL_ERROR = "RTSP_PROTOCOL_ERROR"
    RTSP_SERVER_ERROR = "RTSP_SERVER_ERROR"
    STREAM_NOT_FOUND = "STREAM_NOT_FOUND"
    CHANNEL_OFFLINE = "CHANNEL_OFFLINE"
    SDP_INVALID = "SDP_INVALID"
    NO_VIDEO_TRACK = "NO_VIDEO_TRACK"
    TRANSPORT_UNSUPPORTED = "TRANSPORT_UNSUPPORTED"
    STREAM_SLOTS_BUSY = "STREAM_SLOTS_BUSY"

    # login
    AUTH_REQUIRED_NO_CREDENTIALS = "AUTH_REQUIRED_NO_CREDENTIALS"
    AUTH_REJECTED = "AUTH_REJECTED"
    AUTH_LOCKED = "AUTH_LOCKED"
    AUTH_SUSPENDED = "AUTH_SUSPENDED"
    AUTH_UNSUPPORTED = "AUTH_UNSUPPORTED"
    AUTH_BASIC_REFUSED_BY_POLICY = "AUTH_BASIC_REFUSED_BY_POLICY"
    FORBIDDEN = "FORBIDDEN"

    # media
    RTP_NONE = "RTP_NONE"
    RTP_STALLED = "RTP_STALLED"
    RTP_LOSS = "RTP_LOSS"
    RTP_CORRUPT = "RTP_CORRUPT"
    KEYFRAME_NOT_SEEN = "KEYFRAME_NOT_SEEN"
    DECODE_FAILED = "DECODE_FAILED"
    CODEC_UNSUPPORTED = "CODEC_UNSUPPORTED"
    STREAM_ENCRYPTED = "STREAM_ENCRYPTED"
    SLOW_RESPONSE = "SLOW_RESPONSE"

    # the picture, once a keyframe was decoded
    PICTURE_BLACK = "PICTURE_BLACK"
    PICTURE_WHITE = "PICTURE_WHITE"
    PICTURE_LOW_CONTRAST = "PICTURE_LOW_CONTRAST"
    PICTURE_COVERED = "PICTURE_COVERED"
    PICTURE_BLURRED = "PICTURE_BLURRED"
    PICTURE_MOVED = "PICTURE_MOVED"
    PICTURE_FROZEN = "PICTURE_FROZEN"
    PICTURE_CORRUPT = "PICTURE_CORRUPT"
    PLACEHOLDER_PICTURE = "PLACEHOLDER_PICTURE"  # a card in place of a picture: "NO VIDEO"

    # snapshots
    SNAPSHOT_UNSUPPORTED = "SNAPSHOT_UNSUPPORTED"
    SNAPSHOT_URI_INVALID = "SNAPSHOT_URI_INVALID"
    SNAPSHOT_HTTP_ERROR = "SNAPSHOT_HTTP_ERROR"
    SNAPSHOT_TIMEOUT = "SNAPSHOT_TIMEOUT"
    SNAPSHOT_NOT_IMAGE = "SNAPSHOT_NOT_IMAGE"
    SNAPSHOT_TRUNCATED = "SNAPSHOT_TRUNCATED"
    SNAPSHOT_TOO_LARGE = "SNAPSHOT_TOO_LARGE"
    SNAPSHOT_STALE = "SNAPSHOT_STALE"

    # the device's clock
    CLOCK_DRIFT = "CLOCK_DRIFT"
    CLOCK_TZ_SUSPECT = "CLOCK_TZ_SUSPECT"
    CLOCK_UNSET = "CLOCK_UNSET"
    CLOCK_UNREADABLE = "CLOCK_UNREADABLE"
    CLOCK_INEXACT = "CLOCK_INEXACT"  # off by some seconds: a note

    # recording
    RETENTION_SHORT = "RETENTION_SHORT"
    RECORDING_STOPPED = "RECORDING_STOPPED"
    RETENTION_UNKNOWN = "RETENTION_UNKNOWN"

    # ONVIF
    ONVIF_UNREACHABLE = "ONVIF_UNREACHABLE"
    ONVIF_TIMEOUT = "ONVIF_TIMEOUT"
    ONVIF_HTTP_ERROR = "ONVIF_HTTP_ERROR"
    ONVIF_FAULT = "ONVIF_FAULT"
    ONVIF_MALFORMED = "ONVIF_MALFORMED"
    NO_PROFILES = "NO_PROFILES"
    XADDR_REWRITTEN = "XADDR_REWRITTEN"

    # the device is not the one we registered
    WRONG_DEVICE = "WRONG_DEVICE"

    # security: findings and notes, never health
    TLS_UNTRUSTED = "TLS_UNTRUSTED"
    TLS_PIN_MISMATCH = "TLS_PIN_MISMATCH"
    STREAM_OPEN_NO_AUTH = "STREAM_OPEN_NO_AUTH"
    SNAPSHOT_OPEN_NO_AUTH = "SNAPSHOT_OPEN_NO_AUTH"
    SDP_OPEN_NO_AUTH = "SDP_OPEN_NO_AUTH"
    CREDENTIALS_SENT_IN_CLEAR = "CREDENTIALS_SENT_IN_CLEAR"

    # the monitor itself
    PROBE_BUDGET_EXCEEDED = "PROBE_BUDGET_EXCEEDED"
    PROBE_SKIPPED_BACKPRESSURE = "PROBE_SKIPPED_BACKPRESSURE"
    MONITOR_MISCONFIGURED = "MONITOR_MISCONFIGURED"
    MONITOR_INTERNAL_ERROR = "MONITOR_INTERNAL_ERROR"
    VANTAGE_SUSPECT = "VANTAGE_SUSPECT"
    HOST_CLOCK_UNSYNCED = "HOST_CLOCK_UNSYNCED"  # ours: no other can be judged by it
    NO_RESULT = "NO_RESULT"  # silence: nothing was heard for 2.5 intervals
    NEVER_PROBED = "NEVER_PROBED"  # in service, but nobody has asked yet


NETWORK = frozenset(
    {
        Reason.DNS_FAILED,
        Reason.HOST_UNREACHABLE,
        Reason.TCP_REFUSED,
        Reason.TCP_TIMEOUT,
        Reason.CONNECTION_RESET,
        Reason.TLS_HANDSHAKE_FAILED,
    }
)
LOGIN = frozenset(
    {
        Reason.AUTH_REQUIRED_NO_CREDENTIALS,
        Reason.AUTH_REJECTED,
        Reason.AUTH_LOCKED,
        Reason.AUTH_SUSPENDED,
        Reason.AUTH_UNSUPPORTED,
        Reason.AUTH_BASIC_REFUSED_BY_POLICY,
        Reason.FORBIDDEN,
    }
)
MONITOR = frozenset(
    {
        Reason.PROBE_BUDGET_EXCEEDED,
        Reason.PROBE_SKIPPED_BACKPRESSURE,
        Reason.MONITOR_MISCONFIGURED,
        Reason.MONITOR_INTERNAL_ERROR,
        Reason.VANTAGE_SUSPECT,
        Reason.HOST_CLOCK_UNSYNCED,
        Reason.NO_RESULT,
        Reason.NEVER_PROBED,
    }
)

# We could not ask: neither up nor down may be concluded (truth: "Checks and states").
STREAM_UNKNOWN = LOGIN | MONITOR | {Reason.STREAM_SLOTS_BUSY, Reason.WRONG_DEVICE, Reason.TLS_PIN_MISMATCH}

# Said beside a verdict, never instead of one.
NOTES = frozenset(
    {
        Reason.RTP_LOSS,
        Reason.KEYFRAME_NOT_SEEN,
        Reason.SLOW_RESPONSE,
        Reason.TLS_UNTRUSTED,
        Reason.STREAM_OPEN_NO_AUTH,
        Reason.SDP_OPEN_NO_AUTH,
        Reason.CREDENTIALS_SENT_IN_CLEAR,
        Reason.SNAPSHOT_OPEN_NO_AUTH,
        Reason.ONVIF_UNREACHABLE,
        Reason.ONVIF_TIMEOUT,
        Reason.ONVIF_HTTP_ERROR,
        Reason.ONVIF_FAULT,
        Reason.ONVIF_MALFORMED,
        Reason.NO_PROFILES,
        Reason.XADDR_REWRITTEN,
        Reason.CLOCK_INEXACT,
    }
)

PICTURE_UNKNOWN = frozenset(
    {Reason.KEYFRAME_NOT_SEEN, Reason.CODEC_UNSUPPORTED, Reason.STREAM_ENCRYPTED} | MONITOR
)


def stream_outcome(reason: Reason) -> Outcome:
    """What ``reason`` makes of the stream check: delivered, not delivered, or not asked."""
    if reason is Reason.OK or reason in NOTES:
        return Outcome.OK
    return Outcome.UNKNOWN if reason in STREAM_UNKNOWN else Outcome.FAILING


def picture_outcome(reason: Reason) -> Outcome:
    """What ``reason`` makes of the picture check of a stream that was delivered."""
    if reason is Reason.OK:
        return Outcome.OK
    return Outcome.UNKNOWN if reason in PICTURE_UNKNOWN else Outcome.FAILING


def snapshot_outcome(reason: Reason) -> Outcome:
    """What ``reason`` makes of the snapshot check."""
    if reason is Reason.OK:
        return Outcome.OK
    if reason is Reason.SNAPSHOT_UNSUPPORTED:
        return Outcome.OFF
    return Outcome.UNKNOWN if reason in STREAM_UNKNOWN else Outcome.FAILING


def clock_outcome(reason: Reason) -> Outcome:
    """What ``reason`` makes of the clock check; a clock that cannot be read is not a wrong one."""
    if reason is Reason.OK:
        return Outcome.OK
    wrong = (Reason.CLOCK_DRIFT, Reason.CLOCK_TZ_SUSPECT, Reason.CLOCK_UNSET)
    return Outcome.FAILING if reason in wrong else Outcome.UNKNOWN


def recording_outcome(reason: Reason) -> Outcome:
    """What ``reason`` makes of the recording check; a recorder that does not tell turns it off."""
    if reason is Reason.OK:
        return Outcome.OK
    if reason is Reason.RETENTION_UNKNOWN:
        return Outcome.OFF
    short = (Reason.RETENTION_SHORT, Reason.RECORDING_STOPPED)
    return Outcome.FAILING if reason in short else Outcome.UNKNOWN
