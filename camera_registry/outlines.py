"""Outlines of units from a GeoJSON file (RFC 7946), and whether a position lies inside one."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from camera_registry.errors import RegistryError, reason_of
from camera_registry.i18n import N_

MAX_BYTES = 64 * 1024 * 1024
CODE_NAMES = ("code", "ma", "ma_xa", "MA_XA")  # properties that may hold a unit's code, after the id

Ring = tuple[tuple[float, float], ...]  # (longitude, latitude), as GeoJSON writes them; the last is the first


class OutlineError(RegistryError):
    """The file of outlines cannot be read."""


@dataclass(frozen=True, slots=True)
class Outline:
    """The rings of one unit: its borders, the holes in it, and those of its exclaves alike."""

    rings: tuple[Ring, ...]

    def holds(self, latitude: float, longitude: float) -> bool:
        """Whether a position lies inside: a ray to the east crosses the rings an odd number of times.

        Degrees are taken as a plane: over a ward, and away from the poles and the date line, that is exact
        to far less than outlines are. A position on a border belongs to the side to the north-east of it.
        """
        crossings = 0
        for ring in self.rings:
            for (lon_a, lat_a), (lon_b, lat_b) in pairwise(ring):
                if (lat_a > latitude) != (lat_b > latitude):
                    crossings += longitude < lon_a + (latitude - lat_a) * (lon_b - lon_a) / (lat_b - lat_a)
        return crossings % 2 == 1


def read_outlines(path: Path) -> Mapping[str, Outline]:
    """The outlines of a file by their units' codes. Raises ``OutlineError``."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise OutlineError(
                N_("{file} is larger than {limit} MB."), file=path.name, limit=MAX_BYTES // 1024 // 1024
            )
        features = json.loads(path.read_text(encoding="utf-8"))["features"]
        return {code: _outline(each["geometry"]) for each in features if (code := _code(each))}
    except OSError as error:
        raise OutlineError(N_("{file} cannot be read: {why}."), file=path, why=reason_of(error)) from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise OutlineError(
            N_("{file} is no GeoJSON of polygons with the codes of units."), file=path.name
        ) from None


def _code(feature: Mapping[str, Any]) -> str:
    said = feature.get("properties") or {}
    return str(next((said[name] for name in CODE_NAMES if name in said), feature.get("id", "")))


def _outline(geometry: Mapping[str, Any]) -> Outline:
    found = geometry["coordinates"]
    polygons = {"Polygon": [found], "MultiPolygon": found}[geometry["type"]]
    return Outline(tuple(_ring(ring) for polygon in polygons for ring in polygon))


def _ring(positions: Iterable[Any]) -> Ring:
    return tuple((float(position[0]), float(position[1])) for position in positions)
