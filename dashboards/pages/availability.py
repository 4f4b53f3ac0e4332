"""Availability of a period: by unit, then by the points of one, then by the eyes of a point, or otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from camera_registry import figures, periods
from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission
from camera_registry.figures import Figure, Group
from camera_registry.i18n import N_
from camera_registry.units import UnitTree
from camera_registry.uptime import Tally
from dashboards import strips, tables
from dashboards.choosing import choose
from dashboards.leafing import FromAddress, chosen, leaf
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import Column

LEAF = 100  # rows

GROUPS = {
    Group.UNIT: N_("Units"),
    Group.POINT: N_("Points"),
    Group.EYE: N_("Eyes"),
    Group.FUNDING: N_("Funding"),
    Group.SITE: N_("Sites"),
}
CODED = (Group.POINT, Group.EYE, Group.SITE)
BELOW = {Group.UNIT: Group.POINT, Group.POINT: Group.EYE}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: its figure, its words, and where it leads."""

    figure: Figure
    name: str
    bars: Sequence[strips.Bar]
    link: dict[str, str]  # to what it is made of; empty where there is nothing below

    @property
    def served(self) -> float | None:
        """The share of the known time in which a point was served (rule 10)."""
        served = self.figure.served
        known = served.served + served.not_served if served else 0
        return served.served / known if served and known else None

    @property
    def served_coverage(self) -> float | None:
        """The share of the time in which it is known whether the point was served."""
        served = self.figure.served
        known = served.served + served.not_served if served else 0
        return known / (known + served.unknown) if served and known + served.unknown else None


@router.get("/availability", dependencies=[may(Permission.VIEW)])
def availability(
    desk: AtDesk,
    request: Request,
    wanted: FromAddress,
    group: Group = Group.UNIT,
    period: str = "",
    start: Annotated[str, Query(alias="from")] = "",
    end: Annotated[str, Query(alias="to")] = "",
    units_at: str = "",
    unit: str | None = None,
    point: str | None = None,
) -> Response:
    """One leaf of the table, or all of it as a file. Unsorted rows are in the order of their names."""
    reader = reader_of(request, desk)
    asked = choose(reader, period, start, end)
    day = _day(units_at) or periods.last_day(asked.span, reader.now, reader.zone)
    with desk.database.reading() as session:
        found = figures.availability(
            session, desk.scope, reader.now, reader.zone, asked.span, group, day, unit=unit, point=point
        )
        called = {each.uid: each.name for each in UnitTree.load(session).units.values()}
    kept = {
        name: value
        for name, value in (("units_at", units_at), ("unit", unit), ("point", point))
        if value is not None
    }
    columns = _columns(group)
    rows = chosen([_row(reader, group, each, kept) for each in found], columns, wanted)
    if wanted.as_:
        return tables.export(desk, request, wanted.as_, "availability", columns, rows, reader)
    conditions = {**asked.query, "group": str(group), **kept}
    return page(
        request,
        desk,
        "availability.html",
        reader=reader,
        status=422 if asked.problem else 200,
        period=asked,
        group=group,
        groups=GROUPS,
        conditions=conditions,
        wanted=wanted,
        columns=tables.titles(columns),
        leaf=leaf(rows, lambda row: row.figure.key, wanted, LEAF, conditions),
        count=len(found),
        total=sum((each.tally for each in found), Tally()),
        outages=sum(each.outages for each in found),
        units_at=day,
        kept=kept,
        unit=unit,
        unit_name=called.get(unit or "", unit),
        point=point,
    )


def _columns(group: Group) -> Sequence[Column[Row]]:
    """Lengths are in hours."""
    coded: list[Column[Row]] = [Column("key", N_("Code"), lambda row: row.figure.key)]
    served: list[Column[Row]] = [Column("served", N_("Served"), lambda row: row.served, percent=True)]
    placed: list[Column[Row]] = [Column("unit", N_("Unit"), lambda row: ", ".join(row.figure.units))]
    return (
        *(coded if group in CODED else ()),
        Column("name", GROUPS[group], lambda row: row.name),
        *(placed if group in (Group.POINT, Group.EYE) else ()),
        Column("availability", N_("Availability"), lambda row: row.figure.tally.availability, percent=True),
        Column("coverage", N_("Coverage"), lambda row: row.figure.tally.coverage, percent=True),
        Column("usable", N_("Usable rate"), lambda row: row.figure.tally.usable_rate, percent=True),
        *(served if group is Group.POINT else ()),
        Column("maintenance", N_("Maintenance, h"), lambda row: _hours(row.figure.tally.maintenance / 1e6)),
        Column("outages", N_("Outages"), lambda row: row.figure.outages),
        Column("mttr", N_("Mean time to repair, h"), lambda row: _hours(row.figure.mttr_s)),
        Column("mtbf", N_("Mean time between outages, h"), lambda row: _hours(row.figure.mtbf_s)),
        Column("eyes", N_("Eyes"), lambda row: row.figure.eyes),
    )


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds / 3600, 2)


def _day(text: str) -> date | None:
    """Of what is no day, nothing: the default is named on the page."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _row(reader: Reader, group: Group, figure: Figure, kept: dict[str, str]) -> Row:
    name = reader.funding(figure.key) if group is Group.FUNDING else figure.name
    below = BELOW.get(group) if figure.key else None
    link = kept | {"group": str(below), str(group): figure.key} if below else {}
    return Row(figure, name, strips.parts(figure.tally), link)
