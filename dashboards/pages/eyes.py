"""The list of eyes: searched, narrowed, sorted, leafed through; all of it stands in the page's address."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.orm import Session

from camera_registry import custody, eye_list, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.auth.roles import Permission
from camera_registry.eye_list import Choice, Order
from camera_registry.i18n import N_, collation_key
from camera_registry.queries import EyeRow
from dashboards import tables
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import AsFile, Column

LONGEST_CONDITION = 200  # characters

Condition = Annotated[str, Query(max_length=LONGEST_CONDITION)]
Key = Annotated[str, Query(max_length=1_000)]

SORTABLE: Mapping[eye_list.Column, str] = {
    eye_list.Column.STATE: N_("State"),
    eye_list.Column.EYE: N_("Eye"),
    eye_list.Column.POINT: N_("Point"),
    eye_list.Column.UNIT: N_("Unit"),
    eye_list.Column.REASON: N_("Reason"),
    eye_list.Column.SINCE: N_("Since"),
    eye_list.Column.PROBED: N_("Last probe"),
}

router = APIRouter(include_in_schema=False)


def _choice(
    standing: Condition = "",
    unit: Condition = "",
    funding: Condition = "",
    site: Condition = "",
    manufacturer: Condition = "",
    reason: Condition = "",
    custody: Condition = "",
    q: Condition = "",
) -> Choice:
    return Choice(standing, unit, funding, site, manufacturer, reason, custody, q)


ChoiceOfAddress = Annotated[Choice, Depends(_choice)]


@dataclass(frozen=True, slots=True)
class Offered:
    """What the eyes in scope can be narrowed by: codes or slugs, and their words. Each leads to some eye."""

    units: Mapping[str, str]
    fundings: Mapping[str, str]
    reasons: Mapping[str, str]
    sites: Sequence[str]
    manufacturers: Sequence[str]


@router.get("/eyes", dependencies=[may(Permission.VIEW)])
def eyes(
    desk: AtDesk,
    request: Request,
    choice: ChoiceOfAddress,
    sort: Condition = "",
    after: Key = "",
    before: Key = "",
    as_: AsFile = None,
) -> Response:
    """One leaf of the list, or all that was chosen as a file.

    ``sort`` is a column's name, with a dash before it for the other direction.
    """
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision  # before reading: what changes meanwhile is read again
    order = Order.named(sort)
    with desk.database.reading() as session:
        rows = queries.eyes(session, desk.scope, reader.now, reader.zone)
        chosen = eye_list.choose(rows, choice, unmanaged(session, desk, reader, choice))
    if as_:
        return tables.export(
            desk, request, as_, "eyes", _columns(reader), eye_list.ordered(chosen, order), reader
        )
    shown = eye_list.leaf(chosen, order, after=after, before=before)
    query = choice.query | {"sort": order.name}
    return page(
        request,
        desk,
        "eyes.html",
        reader=reader,
        revision=revision,
        choice=choice,
        query=query,
        leaf=shown,
        before=f"?{urlencode(query | {'before': shown.before})}" if shown.before else "",
        after=f"?{urlencode(query | {'after': shown.after})}" if shown.after else "",
        registered=len(rows),
        standings=queries.STANDINGS,
        sortable=SORTABLE,
        offered=offered(rows, reader),
    )


def unmanaged(session: Session, desk: Desk, reader: Reader, choice: Choice) -> Collection[str]:
    """The points that nobody was handed, where the choice asks for them; else it is not looked up."""
    if not choice.custody:
        return ()
    today = reader.today
    return {each.point for each in custody.queue(session, desk.scope, today, reader.zone)}


def _columns(reader: Reader) -> Sequence[Column[EyeRow]]:
    """Of the file: what the page shows, and what it can be narrowed by."""
    return (
        Column("eye", N_("Eye code"), lambda row: row.code),
        Column("name", N_("Eye name"), lambda row: row.name),
        Column("point", N_("Point code"), lambda row: row.point),
        Column("point_name", N_("Point"), lambda row: row.point_name),
        Column("unit", N_("Unit"), lambda row: row.unit),
        Column("state", N_("State"), lambda row: reader.standing(row.standing)),
        Column("reason", N_("Reason"), reader.why),
        Column("since", N_("Since"), lambda row: row.since),
        Column("probed", N_("Last probe"), lambda row: row.probed_at),
        Column("funding", N_("Funding"), lambda row: reader.funding(row.funding)),
        Column("manufacturer", N_("Manufacturer"), lambda row: row.manufacturer),
        Column("model", N_("Model"), lambda row: row.model),
        Column("site", N_("Site"), lambda row: row.site),
    )


def offered(rows: Iterable[EyeRow], reader: Reader) -> Offered:
    reasons = {str(row.reason): reader.reason(row.reason) for row in rows if row.reason and reader.why(row)}
    return Offered(
        units={row.unit_code: row.unit for row in rows if row.unit_code},
        fundings=_by_word({slug: reader.funding(slug) for slug in {row.funding for row in rows} if slug}),
        reasons=_by_word(reasons),
        sites=sorted({row.site for row in rows}),
        manufacturers=sorted({row.manufacturer for row in rows if row.manufacturer}, key=str.casefold),
    )


def _by_word(words: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(words.items(), key=lambda pair: collation_key(pair[1])))
