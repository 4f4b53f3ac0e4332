"""``/reports/letterheads``: how the documents of each unit, and of the city desk, are headed and signed."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse

from camera_registry import audit, queries
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.reports import letterheads
from camera_registry.reports.letterheads import LONGEST, LONGEST_RECIPIENT, MOST_RECIPIENTS
from camera_registry.reports.owners import OwnerError
from camera_registry.reports.value import Head
from camera_registry.units import UnitVersion
from dashboards.rendering import Reader, page, reader_of

LONGEST_UID = 100
Line = Annotated[str, Form(max_length=400)]
Lines = Annotated[str, Form(max_length=2 * MOST_RECIPIENTS * LONGEST_RECIPIENT)]
Uid = Annotated[str, Form(max_length=LONGEST_UID)]

router = APIRouter(prefix="/reports/letterheads", include_in_schema=False)


@router.get("", dependencies=[may(Permission.VIEW)])
def show(
    desk: AtDesk, request: Request, unit: Annotated[str | None, Query(max_length=LONGEST_UID)] = None
) -> HTMLResponse:
    """All that there are; with ``unit`` (a uid; empty for the city desk) a form to change that one."""
    if unit is not None and not desk.may(Permission.REPAIR):
        raise HTTPException(403)
    return _page(desk, request, unit)


@router.post("", dependencies=[may(Permission.REPAIR), FromOwnPage])
def save(
    desk: AtDesk,
    request: Request,
    unit: Uid = "",
    parent: Line = "",
    body: Line = "",
    symbol: Line = "",
    place: Line = "",
    authority: Line = "",
    signer_title: Line = "",
    signer: Line = "",
    recipients: Lines = "",
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> HTMLResponse:
    """From now on the documents of ``unit`` are headed and signed so."""
    reader = reader_of(request, desk)
    typed = Head(
        *(parent, body, symbol, place, authority, signer_title, signer),
        recipients=tuple(recipients.splitlines()),
    )
    try:
        with desk.database.transaction() as session:
            letterheads.save(
                *(session, desk.scope, desk.actor, unit, typed, reader.now, reader.today), reason=reason
            )
    except OwnerError:
        raise HTTPException(404) from None
    except RegistryError as refused:
        return _page(desk, request, unit, typed, reason, refused=refused.text(reader.language))
    return _page(desk, request, done=N_("The letterhead is saved; documents are headed so from now on."))


def _page(
    desk: Desk,
    request: Request,
    unit: str | None = None,
    typed: Head | None = None,
    reason: str = "",
    *,
    refused: str = "",
    done: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        kept = letterheads.every(session, desk.scope, reader.today)
        units = queries.units_of_today(session, desk.scope, reader.today)
    names = {uid: name for uid, name, _ in kept} | {each.uid: each.name for each in units}
    if desk.scope.unit_ids is None:
        names[""] = reader.say(N_("The city desk"))
    if unit is not None and unit not in names:
        raise HTTPException(404)
    heads = {uid: head for uid, _, head in kept}
    return page(
        request,
        desk,
        "letterheads.html",
        reader=reader,
        status=409 if refused else 200,
        address="/reports/letterheads",
        kept=[(uid, names[uid], head) for uid, head in heads.items()],
        missing=_missing(reader, units, heads, everything=desk.scope.unit_ids is None),
        unit=unit,
        name=names.get(unit or ""),
        head=typed or heads.get(unit or "") or _proposed(names.get(unit or "", ""), unit),
        reason=reason,
        refused=refused,
        done=[reader.say(done)] if done else [],
        longest=LONGEST,
        most_recipients=MOST_RECIPIENTS,
    )


def _missing(
    reader: Reader, units: Sequence[UnitVersion], heads: dict[str, Head], *, everything: bool
) -> list[tuple[str, str]]:
    """Uid and name of those that have none of their own."""
    desk = [("", reader.say(N_("The city desk")))] if everything else []
    return [(uid, name) for uid, name in [*desk, *((u.uid, u.name) for u in units)] if uid not in heads]


def _proposed(name: str, unit: str | None) -> Head:
    """What a new one begins with: the place is the unit's own, its name without the kind."""
    return Head(place=name.partition(" ")[2] if unit else "")
