"""``/money/basis``: the points for whose repair no money can be asked, and what is missing of each."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.funding import basis, reading, words
from camera_registry.funding.basis import Missing, PointBasis
from camera_registry.i18n import N_
from dashboards import tables
from dashboards.leafing import FromAddress, chosen, leaf
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

ROWS = 100  # of one page

router = APIRouter(include_in_schema=False)


@router.get("/money/basis", dependencies=[may(Permission.FUNDING)])
def missing_basis(
    desk: AtDesk,
    request: Request,
    wanted: FromAddress,
    missing: Annotated[str, Query(max_length=20)] = "",
) -> Response:
    """All that lack something, or those that lack ``missing``."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        every = basis.missing_basis(session, desk.scope, reader.today)
        waiting = reading.waiting_count(session, desk.scope, reader.today)
    counts = Counter(each for row in every for each in row.missing)
    columns = _columns(reader)
    rows = chosen([row for row in every if not missing or missing in row.missing], columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "basis", columns, rows, reader)
    return page(
        request,
        desk,
        "money_basis.html",
        reader=reader,
        wanted=wanted,
        missing=missing,
        query={**wanted.query, "missing": missing},
        counts={each: counts[each] for each in Missing if counts[each]},
        columns={"point": N_("Point code"), "unit": N_("Unit"), "count": N_("Missing")},
        leaf=leaf(rows, lambda row: row.point, wanted, ROWS, {"missing": missing}),
        waiting=waiting,
        words=words,
    )


def _columns(reader: Reader) -> Sequence[Column[PointBasis]]:
    def lacks(each: Missing) -> Column[PointBasis]:
        return Column(
            each, words.MISSING[each], lambda row: reader.say(N_("missing")) if each in row.missing else ""
        )

    return (
        Column("point", N_("Point code"), lambda row: row.point),
        Column("name", N_("Point"), lambda row: row.point_name),
        Column("unit", N_("Unit"), lambda row: row.unit),
        Column("count", N_("Missing"), lambda row: len(row.missing)),
        *map(lacks, Missing),
    )
