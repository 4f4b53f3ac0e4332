"""Incidents: the list of them, one with its story, and what people do about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, HTTPException, Query, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import (
    deeds,
    first_aid,
    handling,
    incident_list,
    incident_story,
    maintenance,
    outages,
    queries,
    wards,
    windows,
)
from camera_registry.alerts import copies
from camera_registry.alerts import reading as alerts
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.handling import Note
from camera_registry.health import EyeState
from camera_registry.i18n import N_
from camera_registry.incident_list import Choice, Order, Phase
from camera_registry.incidents import Kind
from camera_registry.outages import IncidentRow
from camera_registry.queries import EyeRow
from camera_registry.repairs import reading as repair_reading
from camera_registry.repairs import words as repair_words
from camera_registry.uptime import Span
from dashboards import tables
from dashboards.choosing import choose
from dashboards.rendering import Reader, page, reader_of
from dashboards.tables import AsFile, Column

LONGEST_CONDITION = 200  # characters
MOST_IN_A_FILE = 50_000  # incidents
MOST_POINTS = 60  # of one incident that are told in full
CUT_LASTS = timedelta(hours=4)  # as the form proposes; a person says otherwise

Condition = Annotated[str, Query(max_length=LONGEST_CONDITION)]
Short = Annotated[str, Form(max_length=40)]
Words = Annotated[str, Form(max_length=handling.LONGEST_COMMENT)]
Back = Annotated[str, Form(max_length=500)]

ALL = "all"  # of ``phase``: not only those that go on
PHASES: Mapping[str, str] = {
    ALL: N_("All"),
    Phase.OPEN: N_("Going on"),
    Phase.OVER: N_("Over"),
    Phase.WITHDRAWN: N_("Left out of the count"),
}
ORDERS: Mapping[Order, str] = {
    Order.HEAVIEST: N_("What costs most first"),
    Order.NEWEST: N_("The newest first"),
    Order.OLDEST: N_("The oldest first"),
    Order.LARGEST: N_("The largest first"),
}
ACKNOWLEDGED: Mapping[str, str] = {"no": N_("Not acknowledged yet"), "yes": N_("Acknowledged")}

Slug = TypeVar("Slug", bound=StrEnum)

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the form of a power cut: a proposal at first, and what was typed when it was refused."""

    start: str
    end: str
    reason: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An incident of a list, how long its eyes were away (microseconds), and who has acknowledged it."""

    incident: IncidentRow
    weight: int
    acknowledged: Note | None


@router.get("/incidents", dependencies=[may(Permission.VIEW)])
def incidents(
    desk: AtDesk,
    request: Request,
    phase: Condition = "",
    kind: Condition = "",
    unit: Condition = "",
    point: Condition = "",
    acknowledged: Condition = "",
    period: Condition = "",
    start: Annotated[str, Query(alias="from", max_length=LONGEST_CONDITION)] = "",
    end: Annotated[str, Query(alias="to", max_length=LONGEST_CONDITION)] = "",
    q: Condition = "",
    sort: Condition = "",
    after: Condition = "",
    before: Condition = "",
    as_: AsFile = None,
) -> Response:
    """One leaf of the list, or all of it as a file: of the incidents that go on, unless ``phase`` says more.

    Without a period: of any time. A condition that is none of ours holds for all.
    """
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    timed = bool(period or start or end)
    chosen = choose(reader, period, start, end)
    within = chosen.span if timed and not chosen.problem else None
    choice = Choice(
        None if phase == ALL else _known(Phase, phase) or Phase.OPEN,
        _known(Kind, kind),
        unit,
        {"yes": True, "no": False}.get(acknowledged),
        within,
        q,
        point,
    )
    order = _known(Order, sort) or (Order.HEAVIEST if choice.phase is Phase.OPEN else Order.NEWEST)
    refused = ""
    with desk.database.reading() as session:
        if as_ is not None and (
            incident_list.number(session, desk.scope, reader.now, reader.zone, choice) > MOST_IN_A_FILE
        ):
            message = N_("More than {limit} entries are too many for a file: choose a period.")
            as_, refused = None, reader.say(message, limit=reader.number(MOST_IN_A_FILE))
        leaf = incident_list.leaf(
            session,
            desk.scope,
            reader.now,
            reader.zone,
            choice,
            order,
            after=after if as_ is None else "",
            before=before if as_ is None else "",
            size=incident_list.LEAF if as_ is None else MOST_IN_A_FILE,
        )
        taken = handling.acknowledgements(session, leaf.rows)
        going_on = replace(choice, phase=Phase.OPEN)
        open_ = incident_list.number(session, desk.scope, reader.now, reader.zone, going_on)
        units = queries.units_of_today(session, desk.scope, reader.today) if as_ is None else []
    listed = [Listed(row, round(row.weight(reader.now)) * 1_000_000, taken.get(row.id)) for row in leaf.rows]
    if as_ is not None:
        return tables.export(desk, request, as_, "incidents", _columns(reader), listed, reader)
    asked = {
        name: str(value)
        for name, value in request.query_params.items()
        if name in ("phase", "kind", "unit", "point", "acknowledged", "period", "from", "to", "q", "sort")
        and value
    }
    return page(
        request,
        desk,
        "incidents.html",
        reader=reader,
        status=409 if refused else 422 if timed and chosen.problem else 200,
        refused=refused,
        revision=revision,
        listed=listed,
        leaf=leaf,
        open_=open_,
        turns={
            "after": asked | {"after": leaf.after} if leaf.after else {},
            "before": asked | {"before": leaf.before} if leaf.before else {},
        },
        choice=choice,
        acknowledged=acknowledged,
        asked=asked,
        order=order,
        period=chosen,
        timed=timed,
        units=units,
        phases=PHASES,
        orders=ORDERS,
        acknowledgements=ACKNOWLEDGED,
        kinds=list(Kind),
        narrowed=len(asked.keys() - {"phase", "sort", "q", "point"}),
    )


@router.get("/incidents/{number}", dependencies=[may(Permission.VIEW)])
def incident(desk: AtDesk, request: Request, number: Number) -> Response:
    return _incident(desk, request, number)


@router.get("/incidents/{number}/words", dependencies=[may(Permission.VIEW)])
def words(desk: AtDesk, request: Request, number: Number) -> PlainTextResponse:
    """An incident as a message would say it; for whoever sends it on by hand."""
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        row = found(session, desk, number)
        said = copies.of_incident(session, desk.scope, reader.now, reader.zone, reader.language, row)
    return PlainTextResponse(said)


@router.post("/incidents/{number}/acknowledge", dependencies=[may(Permission.HANDLE), FromOwnPage])
def acknowledge(desk: AtDesk, number: Number, back: Back = "") -> Response:
    """Take it in hand."""
    with desk.database.transaction() as session:
        handling.acknowledge(session, desk.actor, desk.now(), found(session, desk, number))
    return _led_back(back, number)


@router.post("/incidents/{number}/comment", dependencies=[may(Permission.HANDLE), FromOwnPage])
def comment(desk: AtDesk, request: Request, number: Number, text: Words = "", back: Back = "") -> Response:
    """Say something of it."""
    try:
        with desk.database.transaction() as session:
            handling.comment(session, desk.actor, desk.now(), found(session, desk, number), text)
    except RegistryError as refused:
        return _incident(desk, request, number, refused=refused)
    return _led_back(back, number)


@router.post("/incidents/{number}/power-cut", dependencies=[may(Permission.MAINTAIN), FromOwnPage])
def power_cut(
    desk: AtDesk,
    request: Request,
    number: Number,
    start: Short,
    end: Short,
    reason: Annotated[str, Form(max_length=maintenance.LONGEST_REASON)] = "",
    back: Back = "",
) -> Response:
    """Put it down to a power cut; hours are those of the registry's zone."""
    zone, told = desk.settings.zone, Told(start, end, reason)
    try:
        span = Span(windows.moment_of(start, zone), windows.moment_of(end, zone))
        with desk.database.transaction() as session:
            row = found(session, desk, number)
            handling.report_power_cut(session, desk.actor, desk.now(), zone, row, span, reason)
    except RegistryError as refused:
        return _incident(desk, request, number, refused=refused, told=told)
    return _led_back(back, number)


def found(session: Session, desk: Desk, number: int) -> IncidentRow:
    """The incident; what the reader may not see is not there."""
    row = outages.incident(session, desk.scope, desk.now(), desk.settings.zone, number)
    if row is None:
        raise HTTPException(404)
    return row


def proposal(incident: IncidentRow, reader: Reader) -> Told:
    """The power cut that a form proposes: since the incident began, until it ended or some hours from now."""
    end = incident.ended_at or (reader.now + CUT_LASTS).replace(minute=0)
    begin, until = (_on_the_clock(at, reader) for at in (incident.started_at, end))
    return Told(begin, until, reader.say(N_("The power is out")))


# --- how it is done ---------------------------------------------------------------------------------


def _incident(
    desk: Desk,
    request: Request,
    number: int,
    *,
    refused: RegistryError | None = None,
    told: Told | None = None,
) -> Response:
    reader = reader_of(request, desk)
    revision = desk.broadcaster.revision
    with desk.database.reading() as session:
        row = found(session, desk, number)
        notes = handling.notes(session, [row]).get(row.id, ())
        codes = {away.eye for away in row.away}
        eyes = {
            eye.code: eye
            for eye in queries.eyes(session, desk.scope, reader.now, reader.zone)
            if eye.code in codes
        }
        points = wards.points(session, desk.scope, reader.today, eyes.values())
        cuts = {note.window: maintenance.window(session, note.window) for note in notes if note.window}
        touched = handling.touched(session, [row])[row.id]
        messages = alerts.of_incident(session, desk.scope, reader.today, row)
        repairs = repair_reading.of_incidents(session, desk.scope, reader.now, reader.zone, [row.id])
    return page(
        request,
        desk,
        "incident.html",
        reader=reader,
        status=409 if refused else 200,
        address=f"/incidents/{number}",
        revision=revision,
        incident=row,
        acknowledged=next((note for note in notes if note.deed is handling.Deed.ACKNOWLEDGED), None),
        events=incident_story.story(row, notes, reader.now),
        eyes=eyes,
        points={point.code: point for point in points},
        cuts=cuts,
        touched=touched,
        messages=messages,
        repairs=repairs.get(row.id, ()),
        words=deeds,
        mending=repair_words,
        meaning=first_aid.MEANINGS[row.kind],
        steps=first_aid.steps(row.kind, _reasons(row, eyes)) if row.open else [],
        told=told or proposal(row, reader),
        refused=refused.text(reader.language) if refused else "",
        longest_comment=handling.LONGEST_COMMENT,
        longest_reason=maintenance.LONGEST_REASON,
        reaches=handling.reaches(row),
        most_points=MOST_POINTS,
    )


def _reasons(incident: IncidentRow, eyes: Mapping[str, EyeRow]) -> list[str]:
    """Why the eyes that are not back are gone."""
    gone = (eyes.get(away.eye) for away in incident.away if away.to_at is None)
    return [eye.reason for eye in gone if eye and eye.reason and eye.state is not EyeState.UP]


def _known(slugs: type[Slug], text: str) -> Slug | None:
    return slugs(text) if text in set(slugs) else None


def _led_back(back: str, number: int) -> Response:
    """To where the deed was done: a page about incidents, else the incident's own."""
    parts = urlsplit(back)
    ours = not parts.scheme and not parts.netloc and parts.path.startswith(("/units/", "/incidents"))
    return RedirectResponse(back if ours else f"/incidents/{number}", 303)


def _on_the_clock(at: datetime, reader: Reader) -> str:
    """As a form's field for a moment takes it, to the minute."""
    return f"{at.astimezone(reader.zone):%Y-%m-%dT%H:%M}"


def _columns(reader: Reader) -> Sequence[Column[Listed]]:
    return (
        Column("number", N_("No."), lambda row: row.incident.id),
        Column("cause", N_("Cause"), lambda row: reader.incident(row.incident.kind)),
        Column("where", N_("Where"), lambda row: row.incident.name or row.incident.code),
        Column("code", N_("Code"), lambda row: row.incident.code),
        Column("eyes", N_("Eyes"), lambda row: row.incident.eyes),
        Column("missing", N_("Not back yet"), lambda row: row.incident.missing),
        Column("points", N_("Points"), lambda row: row.incident.points),
        Column("since", N_("Since"), lambda row: row.incident.started_at),
        Column("until", N_("Until"), lambda row: row.incident.ended_at),
        Column("weight", N_("Hours lost by its eyes"), lambda row: round(row.weight / 3_600_000_000, 1)),
        Column("by", N_("Acknowledged by"), lambda row: row.acknowledged.by if row.acknowledged else ""),
        Column("at", N_("Acknowledged at"), lambda row: row.acknowledged.at if row.acknowledged else None),
    )
