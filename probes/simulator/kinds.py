"""The kinds of fault a simulated camera may have, and which of its parts heeds which."""

from enum import StrEnum
from typing import Final


class FaultKind(StrEnum):
    """The kinds of fault; the value is the word used in a fleet file."""

    # the whole device, RTSP and HTTP
    REFUSED = "refused"  # nobody listens: the connection is refused
    FILTERED = "filtered"  # the listen queue is full, so SYNs are dropped: the connection times out
    WRONG_PASSWORD = "401"  # the password was changed on the camera
    LOCKED = "locked"  # 401 even for the right password
    OTHER_DEVICE = "other_device"  # another serial answers at this address
    FIRMWARE = "firmware"  # it was updated

    # below RTSP
    TLS = "tls"  # answers the TLS ClientHello in plain text
    RESET = "reset"  # the first request is answered with RST

    # RTSP
    SILENT = "silent"  # accepts, never answers
    SLOW = "slow"  # `value` seconds before each answer
    SERVER_ERROR = "500"  # to DESCRIBE
    NOT_FOUND = "404"  # to DESCRIBE, after the password was accepted
    BUSY = "453"  # to SETUP: all sessions taken
    UNAVAILABLE = "503"  # to SETUP: how other makers say the same
    TEARDOWN_IGNORED = "teardown_ignored"  # never answered, as go2rtc does

    # hostile: each is tried against the limits of who reads it
    ENDLESS_HEADER = "endless_header"  # the head of the answer to DESCRIBE never ends
    HUGE_SDP = "huge_sdp"  # a body of 50 MB
    MANY_TRACKS = "many_tracks"  # 10,000 of them, the video is the last
    DRIPPING = "dripping"  # the answer to DESCRIBE comes a byte at a time
    ECHO = "echo"  # user and password stand in the URLs of the answer to DESCRIBE

    # media
    NO_RTP = "no_rtp"  # PLAY answers 200 and nothing follows
    STALL = "stall"  # `value` frames, none of them a keyframe, then silence
    LONG_GOP = "long_gop"  # `value` seconds between keyframes, as "smart" codecs have
    NO_KEYFRAME = "no_keyframe"  # P-frames only
    GARBAGE = "garbage"  # a frame cut short and junk after it, between good frames
    TRUNCATED = "truncated"  # the second half of each keyframe's packets is lost
    UNDECODABLE = "undecodable"  # whole keyframes in good order that no decoder accepts

    # the picture, in the stream and in the snapshot; the keyframes are whole and decode
    BLACK = "black"
    WHITE = "white"
    LOW_CONTRAST = "low_contrast"  # fog
    COVERED = "covered"  # something lies on the lens
    BLURRED = "blurred"  # out of focus; the noise stays sharp
    MOVED = "moved"  # looks elsewhere
    FROZEN = "frozen"  # the same picture, the clock in it too
    FROZEN_CLOCK = "frozen_clock"  # the same picture, the clock in it runs on
    CORRUPT = "corrupt"  # the lower part is flat green
    PLACEHOLDER = "placeholder"  # a card that says NO VIDEO
    INFRARED = "infrared"  # no fault: night, and the picture is grey

    # the whole of HTTP
    WEB_REFUSED = "web_refused"
    WEB_SILENT = "web_silent"  # accepts, never answers
    WEB_SLOW = "web_slow"  # `value` seconds before each answer
    WEB_ERROR = "web_500"

    # the snapshot alone
    SNAPSHOT_STALE = "snapshot_stale"  # the same bytes for ever
    SNAPSHOT_TRUNCATED = "snapshot_truncated"  # the second half is missing
    SNAPSHOT_CORRUPT = "snapshot_corrupt"  # bytes in the middle are others
    SNAPSHOT_BOMB = "snapshot_bomb"  # 320 kB that claim 30000 x 30000 pixels
    SNAPSHOT_HTML = "snapshot_html"  # 200, image/jpeg, and a page of text
    SNAPSHOT_EMPTY = "snapshot_empty"  # 200 and no body
    SNAPSHOT_MISSING = "snapshot_404"
    SNAPSHOT_DRIP = "snapshot_drip"  # a few bytes a second
    SNAPSHOT_ENDLESS = "snapshot_endless"  # never ends
    SNAPSHOT_REDIRECT = "snapshot_redirect"  # to another host
    SNAPSHOT_MULTIPART = "snapshot_multipart"  # no fault: motion JPEG; the first part is a picture
    SNAPSHOT_BUSY = "snapshot_503"  # no fault: 503 and then, asked again, a picture
    SNAPSHOT_TYPE = "snapshot_type"  # no fault: application/octet-stream

    # the clock
    CLOCK_OFF = "clock_off"  # `value` seconds fast
    CLOCK_UNSET = "clock_unset"  # 1 January 2000 and running
    CLOCK_MISSING = "clock_missing"  # no UTCDateTime, and no Date header

    # ONVIF
    ONVIF_SILENT = "onvif_silent"  # every operation hangs
    ONVIF_FAULT = "onvif_fault"  # every operation is answered by a fault
    ONVIF_HTML = "onvif_html"  # and by a page

    # recording
    RECORDING_SHORT = "recording_short"  # only the last `value` days are left
    RECORDING_STOPPED = "recording_stopped"  # nothing was written for two days
    DISK_ERROR = "disk_error"  # the disk says so, and nothing was written for 30 hours
    RECORDINGS_HIDDEN = "recordings_hidden"  # it records, and lists nothing (F102)


DEFAULT_VALUE: Final = {
    FaultKind.SLOW: 1.5,
    FaultKind.STALL: 3.0,
    FaultKind.LONG_GOP: 20.0,
    FaultKind.WEB_SLOW: 1.5,
    FaultKind.CLOCK_OFF: 3 * 3600.0,
    FaultKind.RECORDING_SHORT: 2.0,
}

_K = FaultKind
OF_DEVICE: Final = frozenset({_K.REFUSED, _K.FILTERED, _K.WRONG_PASSWORD, _K.LOCKED})
OF_PICTURE: Final = frozenset(
    {
        _K.BLACK, _K.WHITE, _K.LOW_CONTRAST, _K.COVERED, _K.BLURRED, _K.MOVED, _K.FROZEN, _K.FROZEN_CLOCK,
        _K.CORRUPT, _K.PLACEHOLDER, _K.INFRARED,
    }
)  # fmt: skip
OF_WEB: Final = frozenset(kind for kind in FaultKind if kind.name.startswith("WEB_"))
OF_SNAPSHOT: Final = frozenset(kind for kind in FaultKind if kind.name.startswith("SNAPSHOT_"))
OF_CLOCK: Final = frozenset(kind for kind in FaultKind if kind.name.startswith("CLOCK_"))
OF_ONVIF: Final = frozenset(kind for kind in FaultKind if kind.name.startswith("ONVIF_"))
OF_RECORDING: Final = frozenset(
    {_K.RECORDING_SHORT, _K.RECORDING_STOPPED, _K.DISK_ERROR, _K.RECORDINGS_HIDDEN}
)
OF_IDENTITY: Final = frozenset({_K.OTHER_DEVICE, _K.FIRMWARE})
OF_STREAM: Final = frozenset(FaultKind) - (
    OF_DEVICE | OF_PICTURE | OF_WEB | OF_SNAPSHOT | OF_CLOCK | OF_ONVIF | OF_RECORDING | OF_IDENTITY
)

# What each part of a device heeds. Of the faults it heeds, the first listed one that is on is played.
SEEN_BY_RTSP: Final = OF_DEVICE | OF_STREAM | OF_PICTURE
SEEN_BY_HTTP: Final = OF_DEVICE | OF_WEB
SEEN_BY_SNAPSHOT: Final = SEEN_BY_HTTP | OF_SNAPSHOT | OF_PICTURE
SEEN_BY_CLOCK: Final = SEEN_BY_HTTP | OF_ONVIF | OF_CLOCK
SEEN_BY_RECORDING: Final = SEEN_BY_HTTP | OF_ONVIF | OF_RECORDING
NEEDS_HTTP: Final = OF_WEB | OF_SNAPSHOT | OF_CLOCK | OF_ONVIF | OF_RECORDING | OF_IDENTITY

OF_WHOLE: Final = (
    frozenset({_K.REFUSED, _K.FILTERED, _K.TLS, _K.RESET}) | OF_WEB | OF_CLOCK | OF_ONVIF | OF_IDENTITY
)


# Faults of a group of pictures: a keyframe and the P-frames that lean on it.
OF_GROUPS: Final = frozenset({_K.STALL, _K.LONG_GOP, _K.NO_KEYFRAME, _K.GARBAGE, _K.UNDECODABLE})
