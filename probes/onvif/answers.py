"""What the bodies of ONVIF answers say, pure: services, identity, profiles, addresses.

Only what a monitor needs is read, by names without prefixes; what is missing is empty, never an error.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final
from xml.etree.ElementTree import Element

from probes.markup import text_of

MAX_TEXT_CHARS: Final = 128
MAX_SERVICES: Final = 64
MAX_PROFILES: Final = 1024  # a recorder of 256 channels with four profiles each

DEVICE: Final = "http://www.onvif.org/ver10/device/wsdl"
MEDIA: Final = "http://www.onvif.org/ver10/media/wsdl"
MEDIA2: Final = "http://www.onvif.org/ver20/media/wsdl"
RECORDING: Final = "http://www.onvif.org/ver10/recording/wsdl"
SEARCH: Final = "http://www.onvif.org/ver10/search/wsdl"

_CAPABILITIES: Final = {"Device": DEVICE, "Media": MEDIA, "Recording": RECORDING, "Search": SEARCH}
_CODECS: Final = {"HEVC": "H265", "MPEG4": "MP4V-ES"}  # by the names of SDP
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a device says it is; empty where it does not say."""

    manufacturer: str = ""
    model: str = ""
    firmware: str = ""
    serial: str = ""
    hardware: str = ""


@dataclass(frozen=True, slots=True)
class Profile:
    """One way to get the picture of one source. ``service`` is the media service that knows it."""

    token: str
    service: str
    name: str = ""
    source: str = ""
    codec: str = ""
    width: int | None = None
    height: int | None = None

    @property
    def pixels(self) -> int:
        return (self.width or 0) * (self.height or 0)


def read_services(body: Element) -> dict[str, str]:
    """Namespace to address, of a GetServices answer."""
    services = list(body.iter("Service"))[:MAX_SERVICES]
    return {text_of(s, "Namespace"): text_of(s, "XAddr") for s in services if text_of(s, "XAddr")}


def read_capabilities(body: Element) -> dict[str, str]:
    """The same of a GetCapabilities answer, which some devices know alone (F024)."""
    return {
        namespace: text_of(element, "XAddr")
        for name, namespace in _CAPABILITIES.items()
        for element in body.iter(name)
        if text_of(element, "XAddr")
    }


def read_identity(body: Element) -> Identity:
    """GetDeviceInformation (ONVIF Device Management, 8.1.1)."""
    said = next(body.iter("GetDeviceInformationResponse"), body)
    return Identity(
        manufacturer=_text(said, "Manufacturer"),
        model=_text(said, "Model"),
        firmware=_text(said, "FirmwareVersion"),
        serial=_text(said, "SerialNumber"),
        hardware=_text(said, "HardwareId"),
    )


def read_profiles(body: Element, service: str) -> tuple[Profile, ...]:
    """GetProfiles of either media service, in the order told; without those that show no video source."""
    found: dict[str, Profile] = {}
    for element in list(body.iter("Profiles"))[:MAX_PROFILES]:
        token = element.get("token", "")
        if not token or len(token) > MAX_TEXT_CHARS:
            continue
        profile = Profile(token, service, _text(element, "Name"), _first(element, "SourceToken"))
        encoder = next(_encoders(element), None)
        if encoder is not None:
            coded = _text(encoder, "Encoding").upper()
            profile = replace(
                profile,
                codec=_CODECS.get(coded, coded),
                width=_number(encoder, "Resolution/Width"),
                height=_number(encoder, "Resolution/Height"),
            )
        if encoder is not None or profile.source:
            found.setdefault(token, profile)
    return tuple(found.values())


def read_uri(body: Element) -> str:
    """The address in an answer to GetStreamUri or GetSnapshotUri, of either media service; empty if none."""
    return next((text for element in body.iter("Uri") if (text := (element.text or "").strip())), "")


def _encoders(profile: Element) -> Iterator[Element]:
    yield from profile.iter("VideoEncoderConfiguration")
    yield from profile.iter("VideoEncoder")


def _first(element: Element, name: str) -> str:
    return next((_clean(found.text or "") for found in element.iter(name)), "")


def _text(element: Element, path: str) -> str:
    return _clean(text_of(element, path))


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()[:MAX_TEXT_CHARS]


def _number(element: Element, path: str) -> int | None:
    text = text_of(element, path)
    return int(text) if text.isascii() and text.isdigit() and 0 < len(text) <= 5 else None
