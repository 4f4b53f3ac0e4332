"""The words people read for what a registry holds: how an eye is reached and reported, who paid, what windows
of maintenance are of.

Apart from ``deeds``, which opens every room that has words: reports need these alone.
"""

from collections.abc import Mapping

from camera_registry.i18n import N_
from camera_registry.inventory import DeviceKind, Funding, Reach, Word
from camera_registry.maintenance import Kind, ScopeKind

REPORTED: Mapping[Word, str] = {
    Word.WORKING: N_("Reported working"),
    Word.POOR: N_("Reported working poorly"),
    Word.NOT_WORKING: N_("Reported not working"),
}

WINDOWS: Mapping[Kind, str] = {
    Kind.WORK: N_("Planned work"),
    Kind.POWER_CUT: N_("Power cut"),
}

SCOPES: Mapping[ScopeKind, str] = {
    ScopeKind.ALL: N_("Everything"),
    ScopeKind.EYE: N_("Eye"),
    ScopeKind.DEVICE: N_("Device"),
    ScopeKind.POINT: N_("Point"),
    ScopeKind.UNIT: N_("Unit"),
    ScopeKind.SITE: N_("Site"),
}

FUNDINGS: Mapping[Funding, str] = {
    Funding.STATE: N_("State budget"),
    Funding.CITY: N_("City budget"),
    Funding.COMMUNE: N_("Commune budget"),
    Funding.SOCIALISED: N_("Funded by the community"),
    Funding.SPONSORED: N_("Sponsored"),
    Funding.MIXED: N_("Mixed funding"),
}

DEVICE_KINDS: Mapping[DeviceKind, str] = {
    DeviceKind.CAMERA: N_("Camera"),
    DeviceKind.RECORDER: N_("Recorder"),
}

REACHES: Mapping[Reach, str] = {
    Reach.NETWORK: N_("Over the network"),
    Reach.REPORTED: N_("By people's reports"),
}
