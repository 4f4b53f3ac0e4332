"""Who did what, as JSON: the newest first, narrowed by the address, page by page by key."""

from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, HTTPException, Query, Response

from camera_registry import audit_log
from camera_registry.api.desk import AtDesk, may
from camera_registry.api.numbers import LARGEST
from camera_registry.audit_log import Wanted
from camera_registry.auth.roles import Permission
from camera_registry.periods import midnight
from camera_registry.uptime import Span

LONGEST = 200  # characters of one condition
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

Text = Annotated[str, Query(max_length=LONGEST)]
Day = Annotated[str, Query(max_length=10, pattern=r"^(20\d\d-\d\d-\d\d)?$")]
Before = Annotated[int | None, Query(ge=1, le=LARGEST)]

router = APIRouter(prefix="/api/v1/audit")


@dataclass(frozen=True, slots=True)
class Asked:
    """The conditions as an address tells them, blank for none. Days are of the registry's zone, inclusive."""

    who: Text = ""
    action: Text = ""
    subject: Text = ""
    request: Text = ""
    q: Text = ""
    first: Day = ""
    last: Day = ""

    @property
    def query(self) -> dict[str, str]:
        """The same for another address."""
        return {name: value for name, value in asdict(self).items() if value}

    def wanted(self, zone: tzinfo) -> Wanted:
        """What it asks of the log. Raises 422 for a day that no calendar has."""
        try:
            start = midnight(date.fromisoformat(self.first), zone) if self.first else EARLIEST
            end = midnight(date.fromisoformat(self.last) + timedelta(days=1), zone) if self.last else LATEST
        except ValueError:
            raise HTTPException(422, "There is no such day.") from None
        within = Span(start, end) if self.first or self.last else None
        return Wanted(self.who, self.action, self.subject, self.request, self.q, within)


FromAddress = Annotated[Asked, Depends(Asked)]


@router.get("", dependencies=[may(Permission.AUDIT)])
def listed(desk: AtDesk, asked: FromAddress, before: Before = None) -> Response:
    """The newest entries; ``older``, where there is one, is the ``before`` of the next page.

    With words to look for (``q``) a page may be short, or empty, and have an ``older`` all the same.
    """
    zone = desk.settings.zone
    day = desk.now().astimezone(zone).date()
    with desk.database.reading() as session:
        found = audit_log.page(session, desk.scope, day, asked.wanted(zone), before)
    body = {"as_of": desk.now(), "entries": found.entries, "older": found.older}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
