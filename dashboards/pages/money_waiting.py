"""``/money/waiting``: entries of the funding ledger that wait for a second person, decided on together."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from camera_registry import audit
from camera_registry.api.desk import AtDesk, Desk, may
from camera_registry.api.numbers import Number
from camera_registry.api.same_origin import FromOwnPage
from camera_registry.auth.roles import Permission
from camera_registry.errors import RegistryError
from camera_registry.funding import entries, files, reading, words
from camera_registry.funding.files import LONGEST_FILE_NAME, Batch
from camera_registry.funding.kinds import State
from camera_registry.funding.reading import Wanted
from camera_registry.i18n import N_, NN_
from dashboards import leafing
from dashboards.leafing import FromAddress, leaf
from dashboards.rendering import page, reader_of

LONGEST_NAME = 200  # characters of a name of who enters
ROWS = 200  # of one page, and so decided on at once
APPROVED = NN_("{count} entry is approved and counts.", "{count} entries are approved and count.")
REFUSED = NN_("{count} entry is refused.", "{count} entries are refused.")

router = APIRouter(prefix="/money/waiting", include_in_schema=False)


class Decision(StrEnum):
    """What is decided on entries."""

    APPROVE = "approve"
    REFUSE = "refuse"


@router.get("", dependencies=[may(Permission.FUNDING)])
def waiting(desk: AtDesk, request: Request, wanted: FromAddress) -> HTMLResponse:
    """What waits, the oldest first."""
    return _page(desk, request, wanted)


@router.post("", dependencies=[may(Permission.APPROVE), FromOwnPage])
def decide(
    desk: AtDesk,
    request: Request,
    deed: Annotated[Decision, Form()],
    entry: Annotated[list[Number] | None, Form(max_length=ROWS)] = None,
    reason: Annotated[str, Form(max_length=2 * audit.LONGEST_REASON)] = "",
) -> HTMLResponse:
    """Approve or refuse every one of these, or none."""
    reader, numbers = reader_of(request, desk), list(dict.fromkeys(entry or ()))
    number = 0
    try:
        with desk.database.transaction() as session:
            for number in numbers:
                at = (session, desk.actor, desk.scope, number, reader.now, reader.zone)
                if deed is Decision.APPROVE:
                    entries.approve(*at)
                else:
                    entries.refuse(*at, reason=reason)
    except RegistryError as refused:
        why = refused.text(reader.language)
        said = reader.say(N_("Nothing is decided. Entry {number}: {why}"), number=number, why=why)
        return _page(desk, request, leafing.Wanted(), refused=said, reason=reason)
    if not numbers:
        said = reader.say(N_("No entry is chosen."))
        return _page(desk, request, leafing.Wanted(), refused=said, reason=reason)
    said = reader.many(*(APPROVED if deed is Decision.APPROVE else REFUSED), len(numbers))
    return _page(desk, request, leafing.Wanted(), done=[said])


@router.post("/file", dependencies=[may(Permission.APPROVE), FromOwnPage])
def approve_file(
    desk: AtDesk,
    request: Request,
    file: Annotated[str, Form(max_length=2 * LONGEST_FILE_NAME)],
    made_by: Annotated[str, Form(max_length=LONGEST_NAME)],
    last: Annotated[Number, Form()],
) -> HTMLResponse:
    """Approve what was shown of a file, up to the entry ``last``, and waits still."""
    reader = reader_of(request, desk)
    seen = Batch(file, made_by, (last,))
    try:
        with desk.database.transaction() as session:
            count = files.approve_file(session, desk.actor, desk.scope, seen, reader.now, reader.zone)
    except RegistryError as refused:
        return _page(desk, request, leafing.Wanted(), refused=refused.text(reader.language))
    return _page(desk, request, leafing.Wanted(), done=[reader.many(*APPROVED, count)])


def _page(
    desk: Desk,
    request: Request,
    wanted: leafing.Wanted,
    *,
    done: Sequence[str] = (),
    refused: str = "",
    reason: str = "",
) -> HTMLResponse:
    reader = reader_of(request, desk)
    with desk.database.reading() as session:
        rows = reading.every(session, desk.scope, reader.today, Wanted(state=State.WAITING))
        batches = files.batches(session, desk.scope, reader.today)
    rows.sort(key=lambda row: row.id)
    return page(
        request,
        desk,
        "money_waiting.html",
        reader=reader,
        status=409 if refused else 200,
        address="/money/waiting",
        rows=rows,
        batches=batches,
        leaf=leaf(rows, lambda row: str(row.id), wanted, ROWS),
        actor=desk.actor.name,
        done=done,
        refused=refused,
        reason=reason,
        words=words,
    )
