"""A city of cameras on loopback addresses, with scripted faults.

For the demonstration, for tests, and for users who want to try their thresholds; README.md tells how.
"""

from probes.simulator.clips import ClipSpec, Codec
from probes.simulator.counters import Counters
from probes.simulator.faces import (
    HttpSpec,
    KeepAlive,
    Maker,
    Malformed,
    Media,
    OnvifSpec,
    SnapshotUri,
    Token,
    XAddr,
)
from probes.simulator.faults import Fault, FaultKind, InvalidSpec, Truth
from probes.simulator.fleet import Auth, CameraSpec, Carries, Fleet, FleetError, Start, load_fleet
from probes.simulator.simulator import Simulator

__all__ = [
    "Auth",
    "CameraSpec",
    "Carries",
    "ClipSpec",
    "Codec",
    "Counters",
    "Fault",
    "FaultKind",
    "Fleet",
    "FleetError",
    "HttpSpec",
    "InvalidSpec",
    "KeepAlive",
    "Maker",
    "Malformed",
    "Media",
    "OnvifSpec",
    "Simulator",
    "SnapshotUri",
    "Start",
    "Token",
    "Truth",
    "XAddr",
    "load_fleet",
]
