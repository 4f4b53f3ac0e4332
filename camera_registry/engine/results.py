"""What the probes of this process concluded, on its way to ingest: in batches, through one writer."""

import asyncio
import uuid
from collections.abc import Callable, Collection, Sequence

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from camera_registry.counters import Counters
from camera_registry.ingest import Ingest, Receipt
from probes.result import ProbeResult

log = structlog.get_logger(__name__)

BATCH = 2_000  # results in one transaction
MOST_WAITING = 200_000  # results kept while the database is away: hours of a city


class Results:
    """What the probes concluded and the database has not yet got."""

    def __init__(self, ingest: Ingest, counters: Counters, news: Callable[[Collection[str]], None]) -> None:
        self._ingest = ingest
        self._counters = counters
        self._news = news
        self._waiting: list[ProbeResult] = []
        self._batch: tuple[str, Sequence[ProbeResult]] | None = None
        self._failed: str | None = None  # the batch that was refused once
        self._writing = asyncio.Lock()

    def put(self, result: ProbeResult) -> None:
        """Take a result; it is written with the next batch."""
        self._waiting.append(result)
        if len(self._waiting) > MOST_WAITING:
            del self._waiting[: len(self._waiting) - MOST_WAITING]
            log.error("results dropped: the database has been away for too long", kept=MOST_WAITING)

    async def write(self) -> None:
        """Write what waits, in one transaction a batch. A batch that fails is kept and tried again.

        The key of a batch stays with it: if the database took it and we did not hear so, the second try
        changes nothing.
        """
        async with self._writing:
            while self._batch is not None or self._waiting:
                if self._batch is None:
                    self._batch = uuid.uuid4().hex, self._waiting[:BATCH]
                    del self._waiting[:BATCH]
                try:
                    receipt = await asyncio.to_thread(self._ingest.deliver, *self._batch)
                except Exception as error:
                    if isinstance(error, DBAPIError) and _away(error):
                        reason = str(error.orig)  # the driver's words; ours would quote values
                        log.error(
                            "results wait: the database takes none", waiting=self.waiting, reason=reason
                        )
                        return
                    if self._failed != self._batch[0]:
                        # Perhaps a write that was cut short here goes on there: the same once more.
                        self._failed = self._batch[0]
                        continue
                    # Our bug. It must be seen, and one result must not hold up all others for ever.
                    log.exception("results refused by ingest", results=len(self._batch[1]))
                    self._split()
                    continue
                heard = {result.eye for result in self._batch[1]}
                self._batch = None
                self.tell(receipt, heard)

    def _split(self) -> None:
        """Try the halves of the batch apart, and give up one that is a single result."""
        assert self._batch is not None
        _, batch = self._batch
        self._batch = None
        if len(batch) > 1:
            half = len(batch) // 2
            self._batch = uuid.uuid4().hex, batch[:half]
            self._waiting[:0] = batch[half:]

    @property
    def waiting(self) -> int:
        return len(self._waiting) + (len(self._batch[1]) if self._batch else 0)

    def tell(self, receipt: Receipt, heard: Collection[str] = ()) -> None:
        """Count what was refused, and pass on which eyes were heard of or changed."""
        self._counters.results_late.inc(receipt.refused)
        self._counters.failures_held_back.inc(receipt.held_back)
        if receipt.unknown_eyes:
            log.warning("results of eyes that are not registered", eyes=sorted(receipt.unknown_eyes)[:10])
        if news := receipt.changed.union(heard):
            self._news(news)


def _away(error: DBAPIError) -> bool:
    """The database cannot be had now, as opposed to: it refuses what it is given."""
    return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
