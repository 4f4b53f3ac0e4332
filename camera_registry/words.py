"""The words people read for the slugs that machines keep: one short sentence a ward officer understands.

All are English msgids; ``i18n.translate`` makes them Vietnamese where a person reads.
"""

from collections.abc import Mapping

from camera_registry.i18n import N_
from probes.reasons import Check, Reason
from probes.result import Mode, Step

REASONS: Mapping[Reason, str] = {
    Reason.OK: N_("Working."),
    # network
    Reason.DNS_FAILED: N_("The name of the device cannot be resolved."),
    Reason.HOST_UNREACHABLE: N_("The network has no way to the device."),
    Reason.TCP_REFUSED: N_("The device is there but refuses the connection."),
    Reason.TCP_TIMEOUT: N_("The device does not answer."),
    Reason.CONNECTION_RESET: N_("The device broke the connection off."),
    Reason.TLS_HANDSHAKE_FAILED: N_("No secure connection could be agreed with the device."),
    # RTSP
    Reason.RTSP_TIMEOUT: N_("The device accepts the connection but does not answer."),
    Reason.RTSP_PROTOCOL_ERROR: N_("The device answers in a way that cannot be understood."),
    Reason.RTSP_SERVER_ERROR: N_("The device reports an error of its own."),
    Reason.STREAM_NOT_FOUND: N_("The device has no stream at this address."),
    Reason.CHANNEL_OFFLINE: N_("The recorder answers, but this channel has no camera."),
    Reason.SDP_INVALID: N_("The device describes its stream in a way that cannot be understood."),
    Reason.NO_VIDEO_TRACK: N_("The stream has no picture track."),
    Reason.TRANSPORT_UNSUPPORTED: N_("The device offers no way of sending that we can receive."),
    Reason.STREAM_SLOTS_BUSY: N_("All places of the device are taken by other viewers."),
    # login
    Reason.AUTH_REQUIRED_NO_CREDENTIALS: N_("The device asks for a password and none is recorded."),
    Reason.AUTH_REJECTED: N_("The device refuses the recorded password."),
    Reason.AUTH_LOCKED: N_("The device has locked the account."),
    Reason.AUTH_SUSPENDED: N_("We stopped logging in, so that the account is not locked."),
    Reason.AUTH_UNSUPPORTED: N_("The device asks for a login that we do not know."),
    Reason.AUTH_BASIC_REFUSED_BY_POLICY: N_("The device wants the password in clear; that is not allowed."),
    Reason.FORBIDDEN: N_("The account may not see this stream."),
    # media
    Reason.RTP_NONE: N_("The device promises a picture but sends nothing."),
    Reason.RTP_STALLED: N_("The picture stopped while it was being sent."),
    Reason.RTP_LOSS: N_("A part of the picture data was lost on the way."),
    Reason.RTP_CORRUPT: N_("The picture data arrive damaged."),
    Reason.KEYFRAME_NOT_SEEN: N_("Data arrive; no whole picture was due in this time."),
    Reason.DECODE_FAILED: N_("A picture arrives but cannot be decoded."),
    Reason.CODEC_UNSUPPORTED: N_("The picture is coded in a way that we cannot decode."),
    Reason.STREAM_ENCRYPTED: N_("The picture is encrypted by the device."),
    Reason.SLOW_RESPONSE: N_("The device answers slowly."),
    Reason.WRONG_DEVICE: N_("Another device answers at this address."),
    # security
    Reason.TLS_UNTRUSTED: N_("The device's certificate is not trusted."),
    Reason.STREAM_OPEN_NO_AUTH: N_("Anyone on the network can watch this stream without a password."),
    Reason.SDP_OPEN_NO_AUTH: N_("Anyone on the network can read the description of this stream."),
    Reason.CREDENTIALS_SENT_IN_CLEAR: N_("The password was sent in clear."),
    # the monitor itself
    Reason.PROBE_BUDGET_EXCEEDED: N_("The check took too long and was ended."),
    Reason.PROBE_SKIPPED_BACKPRESSURE: N_("The monitor was too busy to ask."),
    Reason.MONITOR_MISCONFIGURED: N_("The registry's entry for this eye is not complete enough to ask."),
    Reason.MONITOR_INTERNAL_ERROR: N_("The monitor itself failed."),
    Reason.VANTAGE_SUSPECT: N_("The place we ask from has lost its own line."),
    Reason.NO_RESULT: N_("Nothing has been heard for too long."),
    Reason.NEVER_PROBED: N_("Not asked yet."),
    # picture
    Reason.PICTURE_BLACK: N_("The picture is black."),
    Reason.PICTURE_WHITE: N_("The picture is white."),
    Reason.PICTURE_LOW_CONTRAST: N_("The picture has hardly any contrast."),
    Reason.PICTURE_COVERED: N_("The lens is covered."),
    Reason.PICTURE_BLURRED: N_("The picture is out of focus."),
    Reason.PICTURE_MOVED: N_("The camera looks elsewhere than it used to."),
    Reason.PICTURE_FROZEN: N_("The picture stands still."),
    Reason.PICTURE_CORRUPT: N_("The picture is damaged."),
    Reason.PLACEHOLDER_PICTURE: N_("The recorder shows a card in place of a picture."),
    # snapshot
    Reason.SNAPSHOT_UNSUPPORTED: N_("The device takes no snapshots."),
    Reason.SNAPSHOT_URI_INVALID: N_("The device names no usable address for snapshots."),
    Reason.SNAPSHOT_HTTP_ERROR: N_("The device refuses the snapshot with an error."),
    Reason.SNAPSHOT_TIMEOUT: N_("The snapshot does not come in time."),
    Reason.SNAPSHOT_NOT_IMAGE: N_("What the device sends as a snapshot is no image."),
    Reason.SNAPSHOT_TRUNCATED: N_("The snapshot is cut off or damaged."),
    Reason.SNAPSHOT_TOO_LARGE: N_("The snapshot is larger than we are willing to read."),
    Reason.SNAPSHOT_STALE: N_("The snapshot is always the same one."),
    # clock
    Reason.CLOCK_DRIFT: N_("The clock of the device is wrong."),
    Reason.CLOCK_TZ_SUSPECT: N_(
        "The clock of the device is wrong by whole quarters of an hour: its time zone is set wrong."
    ),
    Reason.CLOCK_UNSET: N_("The clock of the device was never set."),
    Reason.CLOCK_UNREADABLE: N_("The clock of the device cannot be read."),
    Reason.CLOCK_INEXACT: N_("The clock of the device is off by some seconds."),
    # recording
    Reason.RETENTION_SHORT: N_("The footage does not go back as far as required."),
    Reason.RECORDING_STOPPED: N_("Nothing is recorded any more."),
    Reason.RETENTION_UNKNOWN: N_("The recorder does not tell what it keeps."),
    # ONVIF
    Reason.ONVIF_UNREACHABLE: N_("ONVIF of the device cannot be reached."),
    Reason.ONVIF_TIMEOUT: N_("ONVIF of the device does not answer in time."),
    Reason.ONVIF_HTTP_ERROR: N_("ONVIF of the device answers with an error."),
    Reason.ONVIF_FAULT: N_("ONVIF of the device refuses what it is asked."),
    Reason.ONVIF_MALFORMED: N_("ONVIF of the device answers in a way that cannot be understood."),
    Reason.NO_PROFILES: N_("The device has no video profile."),
    Reason.XADDR_REWRITTEN: N_("The device names an address that only it knows; its registered one is used."),
    # security, the monitor
    Reason.TLS_PIN_MISMATCH: N_("The device shows another certificate than the registered one."),
    Reason.SNAPSHOT_OPEN_NO_AUTH: N_("Anybody can take snapshots without a password."),
    Reason.HOST_CLOCK_UNSYNCED: N_(
        "The clock of the monitoring machine is not synchronised, so no other can be judged."
    ),
}

# What an eye is counted as: the measured states, what never worked, and what stands outside of measuring.
STANDINGS: Mapping[str, str] = {
    "up": N_("Operating"),
    "degraded": N_("Operating poorly"),
    "down": N_("Disconnected"),
    "unknown": N_("Unknown"),
    "backlog": N_("Never worked yet"),
    "reported": N_("Reported by people"),
    "access_withdrawn": N_("Access withdrawn"),
    "not_in_service": N_("Not in service"),
}

# What a check is found to be; the ledgers of checks and of the eye share "unknown".
OUTCOMES: Mapping[str, str] = {
    "ok": N_("Good"),
    "failing": N_("Failing"),
    "unknown": STANDINGS["unknown"],
    "off": N_("Not checked"),
}

LEDGERS: Mapping[str, str] = {
    "eye": N_("Eye"),
    Check.STREAM: N_("Stream"),
    Check.PICTURE: N_("Picture"),
    Check.SNAPSHOT: N_("Snapshot"),
    Check.CLOCK: N_("Clock"),
    Check.RECORDING: N_("Recording"),
}

STEPS: Mapping[Step, str] = {
    Step.TCP: N_("Connect"),
    Step.TLS: N_("Secure the connection"),
    Step.DESCRIBE: N_("Ask for the stream"),
    Step.SETUP: N_("Agree how to send"),
    Step.PLAY: N_("Start"),
    Step.RTP: N_("First picture data"),
    Step.KEYFRAME: N_("One whole picture"),
    Step.DECODE: N_("Decode the picture"),
    Step.SNAPSHOT: N_("Take a snapshot"),
    Step.CLOCK: N_("Read the clock"),
    Step.RECORDING: N_("Ask for the footage"),
}

MODES: Mapping[Mode, str] = {Mode.COLOUR: N_("In colour"), Mode.GREY: N_("Infrared")}


def reason_text(slug: str) -> str:
    """The msgid for a stored reason; a slug of a newer program speaks for itself."""
    return REASONS.get(Reason(slug), slug) if slug in Reason.__members__ else slug
