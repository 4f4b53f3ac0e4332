"""What the cameras of one maker have in common: paths, ports, the language of recorders."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from camera_registry.spelling import fold
from probes.recording.port import Vendor


@dataclass(frozen=True, slots=True)
class Brand:
    """The ways of one maker; ``None`` where it has none, or they are not known.

    Templates have a place for the channel; those without one are of cameras that have only the first.
    """

    main: str
    sub: str | None = None
    snapshot: str | None = None
    onvif_port: int | None = None
    speaks: Vendor | None = None

    def main_path(self, channel: int) -> str | None:
        return _filled(self.main, channel)

    def sub_path(self, channel: int) -> str | None:
        return _filled(self.sub, channel)

    def snapshot_path(self, channel: int) -> str | None:
        return _filled(self.snapshot, channel)


def brand_of(manufacturer: str) -> Brand | None:
    """The ways of a maker, by any of its names, or by one in a longer one: "Zhejiang Dahua Vision"."""
    said = f" {fold(manufacturer)} "
    named = [name for name in _brands() if f" {name} " in said]
    return _brands()[max(named, key=len)] if named else None


def vendor_of(manufacturer: str) -> Vendor | None:
    """In whose language a recorder of this maker is asked; ``None`` where it has none of its own."""
    brand = brand_of(manufacturer)
    return None if brand is None else brand.speaks


def _filled(template: str | None, channel: int) -> str | None:
    if template is None or ("{c" not in template and channel != 1):
        return None
    return template.replace("{c}", str(channel))


@cache
def _brands() -> Mapping[str, Brand]:
    text = (resources.files("camera_registry") / "data" / "brands.toml").read_text(encoding="utf-8")
    return {
        fold(name): Brand(
            main=brand["main"],
            sub=brand.get("sub"),
            snapshot=brand.get("snapshot"),
            onvif_port=brand.get("onvif_port"),
            speaks=Vendor(brand["speaks"]) if "speaks" in brand else None,
        )
        for brand in tomllib.loads(text)["brand"]
        for name in brand["names"]
    }
