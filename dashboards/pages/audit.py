"""Who did what: the log, narrowed by its address; each entry with what it changed, and a file of them all."""

from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from camera_registry import audit_log, deeds
from camera_registry.api.audit import Before, FromAddress
from camera_registry.api.desk import AtDesk, may
from camera_registry.audit_log import Entry
from camera_registry.auth.roles import Permission
from camera_registry.i18n import N_, collation_key
from dashboards import tables
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import AsFile, Column

MOST_EXPORTED = 50_000
SORTABLE = {"at": N_("When"), "who": N_("Who"), "action": N_("Action"), "subject": N_("To what")}

router = APIRouter(include_in_schema=False)


@router.get("/audit", dependencies=[may(Permission.AUDIT)])
def show(
    desk: AtDesk,
    request: Request,
    asked: FromAddress,
    before: Before = None,
    sort: Annotated[str, Query(max_length=20)] = "",
    as_: AsFile = None,
) -> Response:
    """A page of the log, or with ``?as=`` a file of all that the conditions show."""
    reader = reader_of(request, desk)
    day = reader.today
    wanted = asked.wanted(reader.zone)
    refused = ""
    with desk.database.reading() as session:
        if as_ is not None:
            every = list(islice(audit_log.every(session, desk.scope, day, wanted, sort), MOST_EXPORTED + 1))
            if len(every) <= MOST_EXPORTED:
                return tables.export(desk, request, as_, "audit", _columns(reader), every, reader)
            message = N_("More than {limit} entries are too many for a file: choose a period.")
            refused = reader.say(message, limit=reader.number(MOST_EXPORTED))
        found = audit_log.page(session, desk.scope, day, wanted, before, sort=sort)
    actions = {str(action): reader.say(words) for action, words in deeds.ACTIONS.items()}
    return page(
        request,
        desk,
        "audit.html",
        reader=reader,
        status=409 if refused else 200,
        asked=asked,
        query=asked.query | ({"sort": sort} if sort else {}),
        sort=sort or audit_log.NEWEST,
        sortable=SORTABLE,
        refused=refused,
        found=found,
        before=before,
        actions=dict(sorted(actions.items(), key=lambda action: collation_key(action[1]))),
    )


def _columns(reader: Reader) -> list[Column[Entry]]:
    return [
        Column("at", N_("When"), lambda entry: entry.at),
        Column("who", N_("Who"), lambda entry: entry.who),
        Column("origin", N_("From where"), lambda entry: entry.origin),
        Column("action", N_("Action"), lambda entry: reader.action(entry.action)),
        Column("subject", N_("To what"), lambda entry: reader.subject(entry.subject)),
        Column("changed", N_("Before and after"), lambda entry: _changed(entry, reader)),
        Column("detail", N_("Details"), lambda entry: _told(entry, reader)),
        Column("reason", N_("Reason"), lambda entry: entry.reason),
        Column("request", N_("Request"), lambda entry: entry.request_id),
    ]


def _changed(entry: Entry, reader: Reader) -> str:
    return "; ".join(
        f"{reader.field(each.field, entry.kind)}: {reader.value(each.field, each.before)} → "
        f"{reader.value(each.field, each.after)}"
        for each in entry.differences
    )


def _told(entry: Entry, reader: Reader) -> str:
    return "; ".join(
        f"{reader.field(name, entry.kind)}: {reader.value(name, value)}"
        for name, value in entry.circumstances.items()
    )
