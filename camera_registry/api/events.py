"""The stream of news that keeps an open page true."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from camera_registry import queries
from camera_registry.api.broadcast import BEAT_S, Change
from camera_registry.api.desk import AtDesk, Desk, identify, may
from camera_registry.auth.roles import Permission
from camera_registry.topics import Topic
from camera_registry.units import Scope

ASKED_AGAIN = timedelta(seconds=BEAT_S)  # who the reader is, and what he may see
KNOWN_FOR = timedelta(minutes=1)  # which eyes lie in a scope: other processes write the registry, too

router = APIRouter()


@router.get(
    "/api/v1/events", response_class=EventSourceResponse, dependencies=[may(Permission.VIEW, touch=False)]
)
async def events(desk: AtDesk, request: Request) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: ``change`` with ``{"revision", "eyes", "topics"}``, at once, then at each change.

    ``eyes`` are the codes to ask for again, of those in the reader's scope; empty for none, null for all.
    ``topics`` say what else changed somewhere: incidents, notes, maintenance, registry. With neither it is a
    beat. A page that comes back compares the revision with the one it shows and reads everything again if
    they differ. The stream ends with the reader's session, which it does not make last, and when he may
    see something else.
    """
    asked_at = desk.now()
    scoped = _Scoped(desk)
    with desk.broadcaster.listen() as listener:
        async for change in listener.changes():
            if desk.now() - asked_at >= ASKED_AGAIN:
                if await asyncio.to_thread(identify, request, touch=False) != desk.identity:
                    return
                asked_at = desk.now()
            yield ServerSentEvent(
                event="change",
                id=change.revision,
                data={
                    "revision": change.revision,
                    "eyes": await scoped.eyes(change),
                    "topics": change.topics,
                },
            )


class _Scoped:
    """Cuts changes to the eyes that the reader may see."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._codes: frozenset[str] = frozenset()
        self._read_at: datetime | None = None

    async def eyes(self, change: Change) -> list[str] | None:
        if not change.eyes:
            return None if change.eyes is None else []
        if self._desk.scope == Scope.everything():
            return list(change.eyes)
        if self._read_at is None or Topic.REGISTRY in change.topics or self._aged():
            self._codes = await asyncio.to_thread(self._read)
        return [code for code in change.eyes if code in self._codes]

    def _aged(self) -> bool:
        return self._read_at is None or self._desk.now() - self._read_at > KNOWN_FOR

    def _read(self) -> frozenset[str]:
        self._read_at = now = self._desk.now()
        zone = self._desk.settings.zone
        with self._desk.database.reading() as session:
            return frozenset(row.code for row in queries.eyes(session, self._desk.scope, now, zone))
