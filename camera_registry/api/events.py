"""The stream of news that keeps an open page true."""

from collections.abc import AsyncIterator

from fastapi import APIRouter
from fastapi.sse import EventSourceResponse, ServerSentEvent

from camera_registry.api.desk import AtDesk, may
from camera_registry.auth.roles import Permission

router = APIRouter()


@router.get("/api/v1/events", response_class=EventSourceResponse, dependencies=[may(Permission.VIEW)])
async def events(desk: AtDesk) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: ``change`` with ``{"revision", "eyes"}``, at once and then at each change.

    ``eyes`` are the codes to ask for again, empty for a beat, null for all. A page that comes back
    compares the revision with the one it shows and reads everything again if they differ.
    """
    with desk.broadcaster.listen() as listener:
        async for change in listener.changes():
            yield ServerSentEvent(
                event="change", id=change.revision, data={"revision": change.revision, "eyes": change.eyes}
            )
