"""Points as a map shows them: where they stand, how their eyes are; and the outlines of units."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry.health import EyeState
from camera_registry.i18n import collation_key
from camera_registry.models import Point, Unit
from camera_registry.queries import BACKLOG, EyeRow, Overlay

# How a point with several eyes is shown: as the first of these that one of its eyes is.
WORST: tuple[str, ...] = tuple(
    str(standing)
    for standing in (
        *(EyeState.DOWN, EyeState.DEGRADED, EyeState.UNKNOWN, BACKLOG, EyeState.UP),
        *(Overlay.REPORTED, Overlay.ACCESS_WITHDRAWN, Overlay.NOT_IN_SERVICE),
    )
)


class Position(NamedTuple):
    """Degrees, WGS 84."""

    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True)
class PointRow:
    """A point and those of its eyes that were asked for, the worst first; at least one.

    ``unit`` is the unit of today; ``position`` is ``None`` where none is recorded.
    """

    code: str
    name: str
    unit: str
    unit_code: str
    funding: str
    position: Position | None
    eyes: tuple[EyeRow, ...]

    @property
    def standing(self) -> str:
        """That of its worst eye."""
        return self.eyes[0].standing

    @property
    def by_standing(self) -> Mapping[str, int]:
        """How many of its eyes stand so, the worst first; only what there is."""
        return Counter(str(eye.standing) for eye in self.eyes)

    @property
    def rank(self) -> tuple[int, Any, str]:
        """Its place among others: the worst first, then by unit and code."""
        return WORST.index(self.standing), collation_key(self.unit), self.code


def points(session: Session, eyes: Iterable[EyeRow]) -> list[PointRow]:
    """The points of these eyes, by rank. Whose eyes they are was cut to a scope by whoever read them."""
    by_point: dict[str, list[EyeRow]] = {}
    for eye in eyes:
        by_point.setdefault(eye.point, []).append(eye)
    stand = {
        code: Position(latitude, longitude)
        for code, latitude, longitude in session.execute(select(Point.code, Point.latitude, Point.longitude))
        if latitude is not None and longitude is not None
    }
    rows = [
        PointRow(
            code,
            (first := theirs[0]).point_name,
            first.unit,
            first.unit_code,
            first.funding,
            stand.get(code),
            tuple(sorted(theirs, key=lambda eye: (WORST.index(eye.standing), eye.code))),
        )
        for code, theirs in by_point.items()
    ]
    return sorted(rows, key=lambda row: row.rank)


def outlines(session: Session, day: date) -> list[dict[str, Any]]:
    """GeoJSON features (RFC 7946) of the units of ``day`` whose outlines the package carries.

    Their ``id`` is the unit's uid; properties are its name, and the place inside for its ``label``
    (longitude, latitude), ``null`` where none is recorded. Borders are public: they are of no scope.
    """
    rows = session.execute(
        select(Unit.uid, Unit.name, Unit.longitude, Unit.latitude)
        .where(Unit.uid.in_(_carried()))
        .where(Unit.valid_from.is_(None) | (Unit.valid_from <= day))
        .where(Unit.valid_to.is_(None) | (Unit.valid_to >= day))
        .order_by(Unit.uid)
    )
    return [
        {
            "type": "Feature",
            "id": uid,
            "properties": {"name": name, "label": None if longitude is None else (longitude, latitude)},
            "geometry": _carried()[uid],
        }
        for uid, name, longitude, latitude in rows
    ]


def features(rows: Sequence[PointRow]) -> list[dict[str, Any]]:
    """GeoJSON features of the points whose position is recorded."""
    return [
        {
            "type": "Feature",
            "properties": {
                "code": row.code,
                "name": row.name,
                "unit": row.unit,
                "unit_code": row.unit_code,
                "funding": row.funding,
                "standing": row.standing,
                "eyes": row.by_standing,
            },
            "geometry": {
                "type": "Point",
                "coordinates": (row.position.longitude, row.position.latitude),
            },
        }
        for row in rows
        if row.position is not None
    ]


@cache
def _carried() -> Mapping[str, Any]:
    """The geometries of the package's GeoJSON files, by the uid of their unit."""
    folder = resources.files("camera_registry") / "data"
    texts = [file.read_text(encoding="utf-8") for file in folder.iterdir() if file.name.endswith(".geojson")]
    return {each["id"]: each["geometry"] for text in texts for each in json.loads(text)["features"]}
