"""The map of the points, and the table beside it that says the same; the choice stands in the address."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request, Response

from camera_registry import atlas, eye_list, queries, words
from camera_registry.api.desk import AtDesk, may
from camera_registry.api.geojson import LONGEST_CONDITION, ChoiceOnMap
from camera_registry.atlas import PointRow
from camera_registry.auth.roles import Permission
from camera_registry.health import EyeState
from camera_registry.i18n import N_
from dashboards import tables
from dashboards.leafing import FromAddress, leaf
from dashboards.pages.eyes import offered
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

LEAF = 50  # rows of the table
SORTABLE = 4  # columns of it
MOST_TOLD = 12  # points that lie so close together that one touch means all of them

router = APIRouter(include_in_schema=False)


@router.get("/map", dependencies=[may(Permission.VIEW)])
def map_(desk: AtDesk, request: Request, choice: ChoiceOnMap, wanted: FromAddress) -> Response:
    """The map with one leaf of the table, or all of the table as a file. Unsorted, the worst come first."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    with desk.database.reading() as session:
        rows = queries.eyes(session, desk.scope, reader.now, reader.zone)
        points = atlas.points(session, eye_list.choose(rows, choice))
    columns = _columns(reader)
    ordered = tables.ordered(points, columns, wanted.sort)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "points", columns, ordered, reader)
    return page(
        request,
        desk,
        "map.html",
        reader=reader,
        revision=revision,
        choice=choice,
        query=choice.query | wanted.query,
        sort=wanted.sort,
        columns=tables.titles(columns[:SORTABLE]),
        points=points,
        eyes=sum(len(point.eyes) for point in points),
        unplaced=sum(point.position is None for point in points),
        leaf=leaf(ordered, lambda point: point.code, wanted, LEAF, choice.query),
        worst=atlas.WORST,
        signs=(*EyeState,),
        offered=offered(rows, reader),
        registered=bool(rows),
    )


@router.get("/map/points", dependencies=[may(Permission.VIEW)])
def told(
    desk: AtDesk,
    request: Request,
    code: Annotated[
        list[Annotated[str, Query(max_length=LONGEST_CONDITION)]], Query(min_length=1, max_length=MOST_TOLD)
    ],
) -> Response:
    """What the map says of points that were touched: a fragment."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = [
            row
            for each in dict.fromkeys(code)
            for row in queries.eyes(session, desk.scope, reader.now, reader.zone, point=each)
        ]
        points = atlas.points(session, rows)
    if not points:
        raise HTTPException(404, "There is no such point.")
    return page(request, desk, "map_points.html", reader=reader, points=points)


def _columns(reader: Reader) -> Sequence[Column[PointRow]]:
    """Of the file; the first ``SORTABLE`` are those of the table."""
    return (
        Column(
            "state",
            N_("State"),
            lambda point: reader.standing(point.standing),
            rank=lambda point: atlas.WORST.index(point.standing),
        ),
        Column("point", N_("Point"), lambda point: point.name),
        Column("unit", N_("Unit"), lambda point: point.unit),
        Column("eyes", N_("Eyes"), lambda point: len(point.eyes)),
        Column("code", N_("Point code"), lambda point: point.code),
        Column("funding", N_("Funding"), lambda point: reader.funding(point.funding)),
        *(_count(standing) for standing in atlas.WORST),
        Column("latitude", N_("Latitude"), lambda point: point.position.latitude if point.position else None),
        Column(
            "longitude", N_("Longitude"), lambda point: point.position.longitude if point.position else None
        ),
    )


def _count(standing: str) -> Column[PointRow]:
    return Column(standing, words.STANDINGS[standing], lambda point: point.by_standing.get(standing, 0))
