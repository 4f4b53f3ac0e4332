"""What an incident usually means, and what somebody without tools can look at on the spot.

Short sentences for a ward officer, by the reasons of the eyes that are gone. All are English msgids.
"""

from collections.abc import Iterable, Mapping, Sequence

from camera_registry.i18n import N_
from camera_registry.incidents import Kind
from probes.reasons import LOGIN, NETWORK, Reason

MEANINGS: Mapping[Kind, str] = {
    Kind.EYE: N_("This eye alone is lost: mostly the camera itself, its power supply or its cable."),
    Kind.DEVICE: N_("The eyes of one device were lost together: mostly the device, its power or its line."),
    Kind.POINT: N_("The eyes of one point were lost together: mostly the power or the line of the point."),
    Kind.UNIT: N_("Points of one unit were lost together: mostly a line or a power supply that they share."),
    Kind.AREA: N_("Most points of the unit were lost together: mostly a power cut, or the line of the area."),
    Kind.SITE: N_(
        "The monitoring itself lost its line. That is not held against the eyes: they are unknown meanwhile."
    ),
}

_AREA = (
    N_("Ask neighbours or the power company whether the whole area is without power or Internet."),
    N_("If the power is cut, report it here: these hours are then left out of the rate."),
)
_SUPPLY = (
    N_("Is there power? Look for the light of the camera or recorder, and of a lamp beside it."),
    N_("Is the Internet there? Look at the light of the router; ask the household or whoever pays for it."),
    N_("Are plugs and cables in place, dry, and whole?"),
    N_("Power is there but no light: pull the plug of the adapter, wait ten seconds, plug it in again."),
)
_CHANNEL = (
    N_("The recorder works. Is the cable of this camera in place, at the recorder and at the camera?"),
    N_("Does this camera have power? Look for its light at night."),
)
_RESTART = (
    N_("Pull the plug of the device, wait ten seconds, plug it in again; wait five minutes."),
    N_("If nothing changes, call the technicians: the settings of the device must be looked at."),
)
_LOGIN = (
    N_("Nothing to do on the spot: the password must be mended by the technicians."),
    N_("Do not try passwords: after a few wrong ones the device locks itself."),
)
_BUSY = (N_("Close the telephones and screens that watch this camera, or its recorder, all the time."),)
_LENS = (
    N_("Look at the lens: a cover, leaves, a cobweb, dew, a lamp shining into it?"),
    N_("Wipe the glass with a soft, clean cloth. Never climb where a ladder does not stand safely."),
)
_MOVED = (N_("Does the camera still look where it should? Has somebody hit or turned it?"),)
_FOOTAGE = (N_("Does the recorder beep, or show that its disk is missing or full? Tell the technicians."),)
_REPLACED = (N_("Was this camera or recorder replaced? Tell the technicians what stands there now."),)
_NOTHING = (N_("Nothing to do on the spot: the technicians mend it from afar."),)

_R = Reason
_STEPS: Mapping[Reason, Sequence[str]] = {
    **dict.fromkeys((*NETWORK, _R.RTSP_TIMEOUT), _SUPPLY),
    **dict.fromkeys(LOGIN, _LOGIN),
    **dict.fromkeys(
        (_R.RTSP_PROTOCOL_ERROR, _R.RTSP_SERVER_ERROR, _R.RTP_NONE, _R.RTP_STALLED, _R.RTP_CORRUPT), _RESTART
    ),
    **dict.fromkeys((_R.DECODE_FAILED, _R.PICTURE_FROZEN, _R.PICTURE_CORRUPT, _R.SNAPSHOT_STALE), _RESTART),
    **dict.fromkeys(
        (
            *(_R.PICTURE_BLACK, _R.PICTURE_WHITE, _R.PICTURE_LOW_CONTRAST),
            *(_R.PICTURE_COVERED, _R.PICTURE_BLURRED),
        ),
        _LENS,
    ),
    **dict.fromkeys((_R.RETENTION_SHORT, _R.RECORDING_STOPPED), _FOOTAGE),
    **dict.fromkeys((_R.CHANNEL_OFFLINE, _R.PLACEHOLDER_PICTURE), _CHANNEL),
    _R.STREAM_SLOTS_BUSY: _BUSY,
    _R.PICTURE_MOVED: _MOVED,
    _R.WRONG_DEVICE: _REPLACED,
}


def steps(kind: Kind, reasons: Iterable[str]) -> list[str]:
    """What to look at, in order, each once: msgids. ``reasons`` are those of the eyes that are gone."""
    if kind is Kind.SITE:
        return list(_NOTHING)
    groups: list[Sequence[str]] = [_AREA] if kind in (Kind.UNIT, Kind.AREA) else []
    groups += [_STEPS.get(Reason(slug), _NOTHING) for slug in sorted(set(reasons))]
    found = list(dict.fromkeys(step for group in groups for step in group))
    # Where there is something to do, it is not said beside it that there is nothing.
    return [step for step in found if step not in _NOTHING] or found
