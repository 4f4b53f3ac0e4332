"""``/repairs/new``: something is reported broken, at a point or because of an incident."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy.orm import Session

from camera_registry import points, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import words as funding_words
from camera_registry.funding.kinds import Component
from camera_registry.inventory import InventoryError
from camera_registry.outages import IncidentRow
from camera_registry.queries import EyeRow
from camera_registry.repairs import deeds, reading
from camera_registry.repairs.deeds import LONGEST_TEXT
from dashboards.pages.incidents import found as incident_of
from dashboards.pages.repairs import MOST_EYES, known, moment_of
from dashboards.rendering import Reader, page, reader_of

LONGEST_CODE = 200

Code = Annotated[str, Form(max_length=LONGEST_CODE)]

router = APIRouter(prefix="/repairs/new", include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Told:
    """What stands in the form: what is known at first, and what was typed when it was refused."""

    fault: str = ""
    component: str = ""
    at: str = ""
    eyes: Sequence[str] = ()


def _told(
    fault: Annotated[str, Form(max_length=2 * LONGEST_TEXT)] = "",
    component: Annotated[str, Form(max_length=40)] = "",
    at: Annotated[str, Form(max_length=40)] = "",
    eye: Annotated[list[str] | None, Form(max_length=MOST_EYES)] = None,
) -> Told:
    return Told(fault, component, at, eye or ())


@router.get("", dependencies=[may(Permission.REPAIR)])
def form(
    desk: AtDesk,
    request: Request,
    point: Annotated[str, Query(max_length=LONGEST_CODE)] = "",
    incident: Annotated[Number, Query()] = 0,
) -> HTMLResponse:
    """The form, filled in with what is known of the incident; first its point, where that is not clear."""
    return _form(desk, request, point.strip(), incident)


@router.post("", dependencies=[may(Permission.REPAIR), FromOwnPage])
def report(
    desk: AtDesk,
    request: Request,
    told: Annotated[Told, Depends(_told)],
    point: Code,
    incident: Annotated[Number, Form()] = 0,
) -> Response:
    """Report it broken, and lead to its page."""
    reader = reader_of(request, desk)
    try:
        with desk.database.transaction() as session:
            number = deeds.open_repair(
                *(session, desk.actor, desk.scope, reader.now, reader.zone),
                fault=told.fault,
                point=point,
                incident=incident_of(session, desk, incident) if incident else None,
                eyes=told.eyes,
                component=known(Component, told.component),
                at=moment_of(told.at, reader),
            )
    except InventoryError:
        raise HTTPException(404) from None
    except RegistryError as refused:
        return _form(desk, request, point, incident, told, refused=refused.text(reader.language))
    return RedirectResponse(f"/repairs/{number}", 303)


# --- how it is done ---------------------------------------------------------------------------------


def _form(
    desk: Desk, request: Request, code: str, number: int, told: Told | None = None, *, refused: str = ""
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        incident = incident_of(session, desk, number) if number else None
        places = sorted({away.point for away in incident.away}) if incident else []
        code = code or (places[0] if len(places) == 1 else "")
        place = points.point(session, desk.scope, reader.now, reader.zone, code) if code else None
        unknown = bool(code) and place is None
        if unknown and told is None and number:
            raise HTTPException(404)
        eyes = queries.eyes(session, desk.scope, reader.now, reader.zone, point=code) if place else []
        repairs = reading.of_point(session, desk.scope, reader.now, reader.zone, code) if place else []
        named = _names(session, desk, reader, places)
    return page(
        request,
        desk,
        "repair_new.html",
        reader=reader,
        status=409 if refused else 404 if unknown else 200,
        incident=incident,
        choices=named,
        code=code,
        point=place,
        eyes=eyes,
        taken={eye: row.id for row in repairs if row.open for eye in row.eyes},
        told=told or _known_of(incident, eyes, reader),
        refused=refused,
        components=funding_words.COMPONENTS,
        longest_text=LONGEST_TEXT,
    )


def _names(session: Session, desk: Desk, reader: Reader, codes: Sequence[str]) -> dict[str, str]:
    """Of these points, the name by the code; only where one has to be chosen."""
    if len(codes) < 2:
        return {}
    rows = queries.eyes(session, desk.scope, reader.now, reader.zone)
    names = {row.point: row.point_name for row in rows}
    return {code: names.get(code, "") for code in codes}


def _known_of(incident: IncidentRow | None, eyes: Sequence[EyeRow], reader: Reader) -> Told:
    """What need not be typed: which eyes are gone, and why as far as it was measured."""
    away = {each.eye for each in incident.away if each.to_at is None} if incident else set()
    gone = [eye for eye in eyes if eye.code in away or (not away and eye.standing == "down")]
    reasons = dict.fromkeys(why for eye in gone if (why := reader.why(eye)))
    return Told(fault="\n".join(reasons), eyes=[eye.code for eye in gone])
