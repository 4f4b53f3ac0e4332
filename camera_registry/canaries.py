"""Canaries: addresses behind a site's own line that always answer, asked whether the line bears.

No database is read here: the sweep asks, and stays small.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Final

TIMEOUT_S: Final = 3.0
FRESH_S: Final = 2.0  # an answer serves whoever asks within this time of the question


@dataclass(frozen=True, slots=True)
class Canary:
    """An address behind a site's line that answers TCP while the line bears."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class Canaries:
    """Asks canaries, once for all who want to know at the same time. Lives in one running loop."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._named: dict[str, tuple[Canary, ...]] = {}
        self._asked: dict[str, tuple[float, asyncio.Task[bool]]] = {}

    def follow(self, named: Mapping[str, Sequence[Canary]]) -> None:
        """Go by these canaries from now on, by site."""
        self._named = {site: tuple(canaries) for site, canaries in named.items()}

    async def bear(self, site: str) -> bool:
        """Whether the site's line bears: one of its canaries answers, or it has none."""
        canaries = self._named.get(site)
        if not canaries:
            return True
        asked_at, answer = self._asked.get(site, (0.0, None))
        if answer is None or self._clock() - asked_at >= FRESH_S:
            answer = asyncio.create_task(_any_answers(canaries))
            self._asked[site] = self._clock(), answer
        return await asyncio.shield(answer)

    async def close(self) -> None:
        """Leave nothing under way."""
        asked = [answer for _, answer in self._asked.values()]
        for answer in asked:
            answer.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _any_answers(canaries: Sequence[Canary]) -> bool:
    asking = [asyncio.create_task(_answers(canary)) for canary in canaries]
    try:
        for answer in asyncio.as_completed(asking):
            if await answer:
                return True
        return False
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


async def _answers(canary: Canary) -> bool:
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(canary.host, canary.port)
    except (OSError, UnicodeError):  # TimeoutError is an OSError; a name that is none is a UnicodeError
        return False
    writer.transport.abort()
    return True
