"""The map of the points, and the table beside it that says the same; the choice stands in the address."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import gt, lt
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, HTTPException, Query, Request, Response

from camera_registry import atlas, eye_list, queries, words
from camera_registry.api.desk import AtDesk, may
from camera_registry.api.geojson import LONGEST_CONDITION, ChoiceOnMap, Condition
from camera_registry.atlas import PointRow
from camera_registry.auth.roles import Permission
from camera_registry.health import EyeState
from camera_registry.i18n import N_, collation_key
from dashboards import tables
from dashboards.pages.eyes import offered
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import AsFile, Column

LEAF = 50  # rows of the table
MOST_TOLD = 12  # points that lie so close together that one touch means all of them

router = APIRouter(include_in_schema=False)


# What the table is sorted by: what of a point is compared, as an address says it, and how that ranks.
SORTABLE: Mapping[str, str] = {
    "state": N_("State"),
    "point": N_("Point"),
    "unit": N_("Unit"),
    "eyes": N_("Eyes"),
}
_VALUES: Mapping[str, Callable[[PointRow], str]] = {
    "state": lambda point: point.standing,
    "point": lambda point: point.name,
    "unit": lambda point: point.unit,
    "eyes": lambda point: str(len(point.eyes)),
}
_RANKS: Mapping[str, Callable[[str], Any]] = {
    "state": atlas.WORST.index,
    "point": collation_key,
    "unit": collation_key,
    "eyes": int,
}
_Rank = tuple[Any, Any, str]


@dataclass(frozen=True, slots=True)
class Order:
    """By one column, then by unit and code. A row is named in addresses by what it ranks by, so that it need
    not be there any more.
    """

    column: str = "state"
    descending: bool = False

    @classmethod
    def named(cls, sort: str) -> "Order":
        """``unit``, or ``-unit`` downwards; the worst first where it is no column."""
        column = sort.removeprefix("-")
        return cls(column, sort.startswith("-")) if column in SORTABLE else cls()

    @property
    def name(self) -> str:
        return f"-{self.column}" if self.descending else self.column

    def name_of(self, point: PointRow) -> str:
        return f"{_VALUES[self.column](point)}|{point.unit}|{point.code}"

    def rank(self, name: str) -> _Rank | None:
        """``None`` where a name is not written as ``name_of`` writes."""
        value, _, rest = name.partition("|")
        unit, bar, code = rest.rpartition("|")
        try:
            return (_RANKS[self.column](value), collation_key(unit), code) if bar else None
        except ValueError:
            return None

    def of(self, points: Sequence[PointRow]) -> list[PointRow]:
        return sorted(points, key=lambda point: self.rank(self.name_of(point)), reverse=self.descending)


@dataclass(frozen=True, slots=True)
class Leaf:
    """Some rows of the table; ``before`` and ``after`` name the leaves around it, or are empty."""

    rows: Sequence[PointRow]
    before: str
    after: str


@router.get("/map", dependencies=[may(Permission.VIEW)])
def map_(
    desk: AtDesk,
    request: Request,
    choice: ChoiceOnMap,
    sort: Condition = "",
    before: Condition = "",
    after: Condition = "",
    as_: AsFile = None,
) -> Response:
    """The map with one leaf of the table, or all of the table as a file."""
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    order = Order.named(sort)
    with desk.database.reading() as session:
        rows = queries.eyes(session, desk.scope, reader.now, reader.zone)
        points = order.of(atlas.points(session, eye_list.choose(rows, choice)))
    if as_:
        return tables.export(desk, request, as_, "points", _columns(reader), points, reader)
    leaf = _leaf(points, order, before, after)
    query = choice.query | {"sort": order.name}
    return page(
        request,
        desk,
        "map.html",
        reader=reader,
        revision=revision,
        choice=choice,
        query=query,
        sortable=SORTABLE,
        points=points,
        eyes=sum(len(point.eyes) for point in points),
        unplaced=sum(point.position is None for point in points),
        leaf=leaf,
        before=f"?{urlencode(query | {'before': leaf.before})}" if leaf.before else "",
        after=f"?{urlencode(query | {'after': leaf.after})}" if leaf.after else "",
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
    """Of the file."""
    return (
        Column("state", N_("State"), lambda point: reader.standing(point.standing)),
        Column("code", N_("Point code"), lambda point: point.code),
        Column("point", N_("Point"), lambda point: point.name),
        Column("unit", N_("Unit"), lambda point: point.unit),
        Column("funding", N_("Funding"), lambda point: reader.funding(point.funding)),
        Column("eyes", N_("Eyes"), lambda point: len(point.eyes)),
        *(
            Column(standing, words.STANDINGS[standing], lambda point, of=standing: point.by_standing[of])
            for standing in atlas.WORST
        ),
        Column("latitude", N_("Latitude"), lambda point: point.position and point.position.latitude),
        Column("longitude", N_("Longitude"), lambda point: point.position and point.position.longitude),
    )


def _leaf(points: Sequence[PointRow], order: Order, before: str, after: str) -> Leaf:
    """The rows behind the one that ``after`` names, or before that of ``before``, or the first ones."""
    stands_before = gt if order.descending else lt
    ranks = [order.rank(order.name_of(point)) for point in points]
    start = 0
    if behind := order.rank(after):
        start = sum(not stands_before(behind, rank) for rank in ranks)
    elif ahead := order.rank(before):
        start = max(0, sum(stands_before(rank, ahead) for rank in ranks) - LEAF)
    rows = points[start : start + LEAF]
    return Leaf(
        rows,
        before=order.name_of(rows[0]) if rows and start > 0 else "",
        after=order.name_of(rows[-1]) if start + LEAF < len(points) else "",
    )
