"""Live events: which eyes changed, and what else (``topics``); every open page hears of it.

The broadcaster carries no state, only the news that there is a newer one; a page asks again for what
it shows. So nothing is lost by coalescing: a slow page hears of many changes at once.
"""

import asyncio
import secrets
import threading
from collections.abc import AsyncIterator, Collection
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

BEAT_S = 10.0  # a page that hears nothing for two beats knows that the line is dead
MOST_CODES = 500  # more changed eyes than this are not named: the page reads everything again


@dataclass(frozen=True, slots=True)
class Change:
    """What a page must ask for again. ``eyes`` is ``None`` where everything may have changed.

    ``topics`` name the tables that were written (``topics.Topic``). Revisions are compared for equality
    alone: they differ between two runs of the program.
    """

    revision: str
    eyes: tuple[str, ...] | None
    topics: tuple[str, ...] = ()


class Broadcaster:
    """Tells every listener in this process which eyes changed. ``publish`` may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._run = secrets.token_hex(4)
        self._count = 0
        self._listeners: set[Listener] = set()
        self._closed = False

    @property
    def revision(self) -> str:
        """The newest change that is known. Take it before reading what you show beside it."""
        return f"{self._run}.{self._count}"

    def publish(self, codes: Collection[str] = (), topics: Collection[str] = ()) -> None:
        """Say what changed, after its transaction has committed. Never blocks, never raises."""
        with self._lock:
            self._count += 1
            for listener in self._listeners:
                listener.add(codes, topics)

    def close(self) -> None:
        """End every stream, so that a stopping server need not wait for open pages."""
        with self._lock:
            self._closed = True
            for listener in self._listeners:
                listener.wake()

    def listen(self) -> "Listener":
        """A new listener; enter it, in the event loop that will read it."""
        return Listener(self)

    def enter(self, listener: "Listener") -> None:
        with self._lock:
            self._listeners.add(listener)

    def leave(self, listener: "Listener") -> None:
        with self._lock:
            self._listeners.discard(listener)

    def take(self, listener: "Listener") -> Change | None:
        """What the listener has not heard yet; ``None`` once the broadcaster is closed."""
        with self._lock:
            return None if self._closed else Change(self.revision, *listener.empty())


class Listener:
    """One open page. What it has not heard yet is a set, bounded by ``MOST_CODES``, not a queue."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        self._broadcaster = broadcaster
        self._loop = asyncio.get_running_loop()
        self._awake = asyncio.Event()
        self._codes: set[str] | None = set()
        self._topics: set[str] = set()

    def __enter__(self) -> "Listener":
        self._broadcaster.enter(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._broadcaster.leave(self)

    async def changes(self, beat_s: float = BEAT_S) -> AsyncIterator[Change]:
        """The state of things now, then each change; an empty one when nothing happened for ``beat_s``."""
        while (change := self._broadcaster.take(self)) is not None:
            yield change
            try:
                async with asyncio.timeout(beat_s):
                    await self._awake.wait()
            except TimeoutError:
                continue
            self._awake.clear()

    def add(self, codes: Collection[str], topics: Collection[str]) -> None:
        """Called by the broadcaster, under its lock, in the publisher's thread."""
        idle = self._codes is not None and not self._codes and not self._topics
        self._topics.update(topics)
        if self._codes is not None:
            self._codes.update(codes)
            if len(self._codes) > MOST_CODES:
                self._codes = None
        if idle:
            self.wake()

    def empty(self) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
        codes, self._codes = self._codes, set()
        topics, self._topics = self._topics, set()
        return None if codes is None else tuple(sorted(codes)), tuple(sorted(topics))

    def wake(self) -> None:
        with suppress(RuntimeError):  # its loop has ended, and with it the page
            self._loop.call_soon_threadsafe(self._awake.set)
