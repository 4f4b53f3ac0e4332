"""The map of the points, and the table beside it that says the same; the choice stands in the address."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request, Response

from camera_registry import atlas, eye_list, queries
from camera_registry.api.desk import AtDesk, may
from camera_registry.api.geojson import LONGEST_CONDITION, ChoiceOnMap, Condition
from camera_registry.atlas import PointRow
from camera_registry.auth.roles import Permission
from camera_registry.i18n import collation_key
from dashboards.pages.eyes import offered
from dashboards.rendering import page, reader_of

LEAF = 50  # rows of the table
MOST_TOLD = 12  # points that lie so close together that one touch means all of them

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some rows of the table; ``before`` and ``after`` name the leaves around it, or are empty."""

    rows: Sequence[PointRow]
    before: str
    after: str


@router.get("/map", dependencies=[may(Permission.VIEW)])
def map_(
    desk: AtDesk, request: Request, choice: ChoiceOnMap, before: Condition = "", after: Condition = ""
) -> Response:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    with desk.database.reading() as session:
        rows = queries.eyes(session, desk.scope, reader.now, reader.zone)
        points = atlas.points(session, eye_list.choose(rows, choice))
    leaf = _leaf(points, before, after)
    return page(
        request,
        desk,
        "map.html",
        reader=reader,
        revision=revision,
        choice=choice,
        points=points,
        eyes=sum(len(point.eyes) for point in points),
        unplaced=sum(point.position is None for point in points),
        leaf=leaf,
        before=f"?{urlencode(choice.query | {'before': leaf.before})}" if leaf.before else "",
        after=f"?{urlencode(choice.query | {'after': leaf.after})}" if leaf.after else "",
        worst=atlas.WORST,
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


def _leaf(points: Sequence[PointRow], before: str, after: str) -> Leaf:
    """The rows behind the one that ``after`` names, or before that of ``before``, or the first ones."""
    ranks = [point.rank for point in points]
    start = 0
    if behind := _rank(after):
        start = bisect_right(ranks, behind)
    elif ahead := _rank(before):
        start = max(0, bisect_left(ranks, ahead) - LEAF)
    rows = points[start : start + LEAF]
    return Leaf(
        rows,
        before=_name(rows[0]) if rows and start > 0 else "",
        after=_name(rows[-1]) if start + LEAF < len(points) else "",
    )


def _name(point: PointRow) -> str:
    """A row as an address names it: by what it ranks by, so that it need not be there any more."""
    return f"{point.standing}|{point.unit}|{point.code}"


def _rank(name: str) -> tuple[int, Any, str] | None:
    standing, _, rest = name.partition("|")
    unit, _, code = rest.rpartition("|")
    return (atlas.WORST.index(standing), collation_key(unit), code) if standing in atlas.WORST else None
