"""What a map draws, as GeoJSON (RFC 7946): points with how their eyes are, and the outlines of units."""

from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Query, Response

from camera_registry import atlas, eye_list, queries
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.eye_list import Choice

LONGEST_CONDITION = 200  # characters
UNITS_HOLD_S = 3600  # outlines change with a decree

Condition = Annotated[str, Query(max_length=LONGEST_CONDITION)]

router = APIRouter(prefix="/api/v1")


def _choice(
    standing: Condition = "",
    unit: Condition = "",
    funding: Condition = "",
    site: Condition = "",
    q: Condition = "",
) -> Choice:
    return Choice(standing, unit, funding, site, q=q)


ChoiceOnMap = Annotated[Choice, Depends(_choice)]


@router.get("/points.geojson", dependencies=[may(Permission.VIEW)])
def points(desk: AtDesk, choice: ChoiceOnMap) -> Response:
    """The points whose position is recorded and one of whose eyes was chosen; ``eyes`` counts those."""
    with desk.database.reading() as session:
        rows = queries.eyes(session, desk.scope, desk.now(), desk.settings.zone)
        found = atlas.points(session, eye_list.choose(rows, choice))
    return _collection(atlas.features(found), "no-store")


@router.get("/units.geojson", dependencies=[may(Permission.VIEW)])
def units(desk: AtDesk) -> Response:
    """The outlines of the units of today, as far as they are known."""
    with desk.database.reading() as session:
        found = atlas.outlines(session, desk.now().astimezone(desk.settings.zone).date())
    return _collection(found, f"private, max-age={UNITS_HOLD_S}")


def _collection(features: list[dict[str, Any]], hold: str) -> Response:
    return Response(
        orjson.dumps({"type": "FeatureCollection", "features": features}),
        media_type="application/geo+json",
        headers={"Cache-Control": hold},
    )
