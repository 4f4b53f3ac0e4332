"""The story of one machine: fetch the targets, have them asked, deliver what was found, and again.

Each post is a beat of the site; its answer says whether the targets have changed. Without an answer eyes are
asked on, and what they say waits in the outbox, for as long as late results are taken. A machine whose token
has ended, or whose place another took, asks nobody.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final

import orjson
import structlog
from pydantic import TypeAdapter

from camera_registry.i18n import N_
from camera_registry.push import sealing, wire
from camera_registry.push.asking import Asking
from camera_registry.push.line import Away, Failed, Line, LineError, NotOurs
from camera_registry.push.outbox import Batch, KeptTargets, Outbox
from camera_registry.push.wire import Bundle, KnownLogin, KnownPace, Receipt
from camera_registry.scheduler import Jobs
from camera_registry.settings import Settings

log = structlog.get_logger(__name__)

BEAT_S: Final = 20.0  # between two posts: half the work of the registry's own beats, for two hundred machines
RUN_S: Final = 300.0  # between two runs of a machine that asks once, until it knows its site's interval
DISPATCH_S: Final = 1.0
KEEP_S: Final = 1.0
PLAN_S: Final = 60.0
STUCK: Final = 2  # single results in a row that the registry cannot take: enough tried for this time
CLOCK_TOLERANCE: Final = timedelta(seconds=5)  # results from ten seconds ahead are refused
SAID_AGAIN: Final = timedelta(hours=1)


class Courier:
    """One machine between its site and the registry."""

    def __init__(
        self,
        line: Line,
        outbox: Outbox,
        token: str,
        settings: Settings,
        clock: Callable[[], datetime],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``pause`` sleeps before a suspect is asked again (handed in: tests own time)."""
        self._line = line
        self._outbox = outbox
        self._token = token
        self._settings = settings
        self._clock = clock
        self._pause = pause
        self._next_s = BEAT_S  # until the next post, as the registry is told
        self._asking: Asking | None = None
        self._resting = True
        self._name = ""  # of the targets in hand
        self._confirmed_at: datetime | None = None
        self._lateness = timedelta(days=7)
        self._size = wire.MOST_RESULTS
        self._away = self._stuck_said = False
        self._clock_said_at: datetime | None = None
        self._looking = asyncio.Lock()

    async def run(self, stop: asyncio.Event) -> None:
        """Ask and deliver until ``stop`` is set; then end every session, and deliver what can be."""
        await self._recall()
        await self.look()
        if self._asking is not None:
            self._next_s = min(self._asking.interval_s, BEAT_S)
        jobs = Jobs(
            {
                "dispatch": (DISPATCH_S, self._dispatch),
                "keep": (KEEP_S, self._keep),
                "plan": (PLAN_S, self._plan),
                "look": (self._next_s, self.look),
            }
        )
        try:
            await stop.wait()
        finally:
            await jobs.stop()
            await self._close()

    async def once(self) -> bool:
        """Ask each eye once, and deliver. Returns whether eyes were asked, and everything is delivered.

        The next run is expected after the interval of the site. Nobody asked, or no word of the registry's,
        is nothing done.
        """
        self._next_s = RUN_S
        await self._recall()
        await self.look()
        if self._asking is not None:
            self._next_s = min(self._asking.interval_s, wire.MOST_BEAT_S)
        asked = self._asking is not None and not self._resting
        try:
            if self._asking is not None and asked:
                await self._asking.ask_all()
                log.info("asked", eyes=self._asking.eyes, waiting=self._outbox.waiting)
                if not self._asking.eyes:
                    log.warning("no eye of this site may be asked yet")
        finally:
            delivered = await self._close()
        some = self._asking is not None and self._asking.eyes > 0
        return asked and some and delivered and self._outbox.waiting == 0

    async def _close(self) -> bool:
        """End every probe in good order, and deliver what can be; the rest stays in the outbox.

        Returns whether the registry took it.
        """
        if self._asking is not None:
            await self._asking.close()
        try:
            await self._deliver()
        except LineError as error:
            log.warning("results wait", reason=str(error), waiting=self._outbox.waiting)
            return False
        return True

    async def look(self) -> None:
        """Deliver what waits, say that the site is heard, and go by the targets as they are now."""
        async with self._looking:
            try:
                receipt = await self._deliver()
                self._heard(receipt)
                if receipt.displaced:
                    await self._rest("another machine asks the eyes of this site")
                elif self._resting or not self._name.startswith(f"{receipt.version}."):
                    await self._fetch()
                else:
                    await self._confirm()
            except NotOurs as refused:
                await self._rest(str(refused))
            except LineError as error:
                if not self._away:
                    self._away = True
                    log.warning("results wait", reason=str(error), waiting=self._outbox.waiting)
            await self._rest_if_old()

    # --- delivering ---------------------------------------------------------------------------------

    async def _deliver(self) -> Receipt:
        """Post until nothing waits that the registry can take; at least once. Raises ``LineError``."""
        stuck = 0
        while True:
            batch = await asyncio.to_thread(self._outbox.batch, self._size) if stuck < STUCK else None
            logins = await asyncio.to_thread(self._outbox.untold_logins)
            paces = self._asking.untold_paces()[: wire.MOST_PACES] if self._asking else []
            bears = await self._asking.bears() if self._asking else True
            post = self._post(batch, logins, paces, bears)
            try:
                receipt = await asyncio.to_thread(self._line.post, post)
            except Failed as error:
                if batch is None:
                    raise
                stuck += await self._set_aside(batch, error)
                continue
            await asyncio.to_thread(self._outbox.told_logins, logins)
            if self._asking:
                self._asking.told_paces(paces)
            if batch is None:
                return receipt
            await asyncio.to_thread(self._outbox.delivered, batch.key)
            stuck, self._size = 0, wire.MOST_RESULTS
            self._say(receipt, len(batch.results))

    def _post(
        self, batch: Batch | None, logins: list[KnownLogin], paces: list[KnownPace], bears: bool
    ) -> bytes:
        return orjson.dumps(
            {
                "machine": self._outbox.machine,
                "key": batch.key if batch else "",
                "results": [orjson.Fragment(result) for result in batch.results] if batch else [],
                "logins": orjson.Fragment(_LOGINS.dump_json(logins)),
                "paces": orjson.Fragment(_PACES.dump_json(paces)),
                "bears": bears,
                "every_s": self._next_s,
            }
        )

    async def _set_aside(self, batch: Batch, error: Failed) -> bool:
        """Send a post that cannot be taken in halves. Returns whether it is one result, which then goes last.

        It is never given up before it is too late: perhaps it is the registry that is ill.
        """
        alone = len(batch.results) == 1
        if alone and not self._stuck_said:
            self._stuck_said = True
            log.error("results wait that the registry cannot take", reason=str(error))
        self._size = max(1, len(batch.results) // 2)
        await asyncio.to_thread(self._outbox.unbind, batch.key, last=alone)
        return alone

    def _say(self, receipt: Receipt, sent: int) -> None:
        told = {
            name: value
            for name in ("late", "refused", "held_back", "unknown", "malformed")
            if (value := getattr(receipt, name))
        }
        log.info("delivered", results=sent, waiting=self._outbox.waiting, **told)

    def _heard(self, receipt: Receipt) -> None:
        if self._away:
            self._away = False
            log.info("the registry answers again")
        now = self._clock()
        wrong = abs(receipt.now - now) > CLOCK_TOLERANCE
        if wrong and (self._clock_said_at is None or now - self._clock_said_at > SAID_AGAIN):
            self._clock_said_at = now
            seconds = round((now - receipt.now).total_seconds())
            log.error("the clock of this machine is wrong: results from the future are refused", by_s=seconds)

    # --- targets ------------------------------------------------------------------------------------

    async def _recall(self) -> None:
        """After a restart: the targets of before, until the registry says more."""
        kept = await asyncio.to_thread(self._outbox.targets)
        if kept is not None and (bundle := self._opened(kept.sealed)) is not None:
            self._confirmed_at = kept.at
            self._adopt(bundle, kept.name)
            await self._rest_if_old()

    async def _fetch(self) -> None:
        """Raises ``LineError``."""
        fetched = await asyncio.to_thread(self._line.fetch, "" if self._resting else self._name)
        if fetched.sealed is None:
            self._name = fetched.name
            await self._confirm()
            return
        bundle = self._opened(fetched.sealed)
        if bundle is None:
            raise Away(N_("What answers is not the registry."))
        self._confirmed_at = self._clock()
        kept = KeptTargets(fetched.name, self._confirmed_at, fetched.sealed)
        await asyncio.to_thread(self._outbox.keep_targets, kept)
        self._adopt(bundle, fetched.name)
        log.info("targets fetched", site=bundle.site, eyes=len(bundle.eyes))

    def _opened(self, sealed: bytes) -> Bundle | None:
        try:
            return wire.read_bundle(sealing.unseal(self._token, sealed))
        except ValueError:  # of another token; its text would quote what it read
            return None

    def _adopt(self, bundle: Bundle, name: str) -> None:
        self._name, self._resting = name, False
        self._lateness = timedelta(days=bundle.lateness_days)
        if self._asking is None:
            self._asking = Asking(bundle, self._outbox, self._settings, self._clock, self._pause)
        self._asking.follow(bundle)

    async def _confirm(self) -> None:
        self._confirmed_at = self._clock()
        await asyncio.to_thread(self._outbox.confirm_targets, self._name, self._confirmed_at)

    async def _rest(self, reason: str) -> None:
        """Ask nobody, after a restart neither, until the registry gives targets again."""
        if not self._resting or not self._name:
            log.error("nobody is asked", reason=reason)
        self._name, self._resting = "-", True
        if self._asking is not None:
            self._asking.rest()
        await asyncio.to_thread(self._outbox.forget_targets)

    async def _rest_if_old(self) -> None:
        """Who was told nothing for so long asks nobody: access may have ended, and results come too late."""
        if self._resting or self._confirmed_at is None:
            return
        if self._clock() - self._confirmed_at > self._lateness:
            await self._rest("the targets are too old")

    # --- jobs ---------------------------------------------------------------------------------------

    async def _dispatch(self) -> None:
        if self._asking is not None and not self._resting:
            await self._asking.dispatch()

    async def _keep(self) -> None:
        if self._asking is not None:
            await self._asking.keep()

    async def _plan(self) -> None:
        if self._asking is not None and not self._resting:
            self._asking.plan()


_LOGINS = TypeAdapter(list[KnownLogin])
_PACES = TypeAdapter(list[KnownPace])
