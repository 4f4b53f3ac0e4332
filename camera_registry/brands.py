"""Where makers' devices have their streams and snapshots: what is proposed where a device's ONVIF is off.

The data is ``data/brands.toml``; a new maker is a table there and nothing here. What a device tells wins.
"""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from probes.recording.port import Vendor

Confidence = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Brand:
    """One maker's devices. Paths are templates of the channel (from 1), ``None`` where there is none.

    ``recording`` is the language in which its recorders are asked for footage; ``onvif_port`` is ``None``
    where ONVIF is not usual.
    """

    key: str
    names: tuple[str, ...]
    confidence: Confidence
    main: str | None = None
    sub: str | None = None
    snapshot: str | None = None
    rtsp_port: int = 554
    onvif_port: int | None = None
    recording: Vendor = Vendor.ONVIF
    single_channel: bool = False
    note: str = ""

    def has(self, channel: int) -> bool:
        """Whether its devices can have a channel of this number."""
        return channel == 1 or (channel > 1 and not self.single_channel)


@dataclass(frozen=True, slots=True)
class Paths:
    """What one channel is proposed to have."""

    main: str | None
    sub: str | None
    snapshot: str | None


def brand_of(maker: str) -> Brand | None:
    """The brand with whose name ``maker`` begins, as ONVIF or a person says it; the longest name wins."""
    said = f"{maker.strip().casefold()} "
    matches = [
        (len(name), brand)
        for brand in brands()
        for name in brand.names
        if said.startswith(name.casefold()) and not said[len(name)].isalnum()
    ]
    return max(matches, key=lambda match: match[0])[1] if matches else None


def paths_of(brand: Brand, channel: int) -> Paths:
    """The paths of ``channel``; raises ``ValueError`` for a second one of a maker that has only one."""
    if not brand.has(channel):
        raise ValueError(f"{brand.key} has no channel {channel}")
    main, sub, snapshot = (
        template.format(channel=channel) if template else None
        for template in (brand.main, brand.sub, brand.snapshot)
    )
    return Paths(main, sub, snapshot)


@cache
def brands() -> tuple[Brand, ...]:
    """All that are known, as they stand in the file."""
    tables = tomllib.loads((files(__package__) / "data" / "brands.toml").read_text(encoding="utf-8"))
    return tuple(_brand(key, table) for key, table in tables.items())


def _brand(key: str, table: dict[str, Any]) -> Brand:
    values = table | {"names": tuple(table["names"])}
    if "recording" in values:
        values["recording"] = Vendor(values["recording"])
    return Brand(key, **values)
