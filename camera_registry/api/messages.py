"""What was told, to whom, and what came of it, as JSON: the newest first, page by page by key."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Query, Response

from camera_registry.alerts import reading
from camera_registry.alerts.outbox import State
from camera_registry.alerts.reading import Wanted
from camera_registry.api.audit import Before
from camera_registry.api.desk import AtDesk, may
from camera_registry.api.numbers import Number
from camera_registry.auth.roles import Permission

LONGEST = 200  # characters of one condition

Text = Annotated[str, Query(max_length=LONGEST)]

router = APIRouter(prefix="/api/v1/messages")


@router.get("", dependencies=[may(Permission.VIEW)])
def listed(
    desk: AtDesk,
    channel: Annotated[Number | None, Query(description="The id of a channel.")] = None,
    state: State | None = None,
    kind: Text = "",
    unit: Annotated[str, Query(max_length=LONGEST, description="The uid of a unit.")] = "",
    q: Text = "",
    before: Before = None,
) -> Response:
    """The newest messages; ``older``, where there is one, is the ``before`` of the next page.

    With words to look for (``q``) a page may be short, or empty, and have an ``older`` all the same.
    """
    now = desk.now()
    wanted = Wanted(channel=channel, state=state, kind=kind, unit=unit, text=q)
    with desk.database.reading() as session:
        day = now.astimezone(desk.settings.zone).date()
        found = reading.page(session, desk.scope, day, wanted, before)
    body = {"as_of": now, "messages": found.messages, "older": found.older}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
