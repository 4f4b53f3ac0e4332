"""Sites: the vantages that eyes are probed from, when they were heard, and the canaries that vouch for them.

Whoever probes a site writes a beat for it every few seconds. A site that was ever heard is watched: when
three beats are missed it is lost, until it is heard again. Its results are not used against its eyes
meanwhile; they become unknown by silence. A site may name canaries, addresses behind its own line that always
answer (the provider's gateway, say): while none of them does, the line is cut, no beat is written, and what
looks like a cut of a camera's line is none.
"""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from time import monotonic

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.incidents import Loss
from camera_registry.models import Heartbeat, Site
from camera_registry.uptime import Span

BEAT_S = 10.0
MISSED = 3  # beats, and the site is lost
GRACE = 0.5  # intervals that a beat may be late: clocks and jobs are not exact

CANARY_TIMEOUT_S = 3.0
CANARY_FRESH_S = 2.0  # an answer serves whoever asks within this time of the question
MOST_CANARIES = 8
LONGEST_CANARY = 260  # characters


class SiteError(RegistryError):
    """The site is not as it was described."""


@dataclass(frozen=True, slots=True)
class Canary:
    """An address behind a site's line that answers TCP while the line bears."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Canary":
        """Read ``host:port`` or ``[IPv6]:port``. Raises ``SiteError``."""
        host, colon, port = text.strip().rpartition(":")
        bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
        known = colon and bare and port.isascii() and port.isdecimal() and 0 < int(port) < 65536
        if (
            len(text) > LONGEST_CANARY
            or not known
            or (":" in bare and bare == host)
            or set(bare) & set(" /@")
        ):
            raise SiteError(N_('A canary is written host:port; "{text}" is not.'), text=text.strip()[:100])
        return cls(bare, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


# --- heartbeats -------------------------------------------------------------------------------------


def beat(session: Session, site_id: int, at: datetime, every_s: float = BEAT_S) -> None:
    """The site was heard at ``at``; the next beat is due ``every_s`` later."""
    heard(session, site_id, at, at, every_s)


def heard(session: Session, site_id: int, first: datetime, last: datetime, every_s: float) -> None:
    """The site was heard each ``every_s`` seconds from ``first`` to ``last``. Order and repetition change
    nothing.
    """
    reach = _patience(every_s)
    rows = session.scalars(
        select(Heartbeat)
        .where(
            Heartbeat.site_id == site_id, Heartbeat.to_at >= first - reach, Heartbeat.from_at <= last + reach
        )
        .order_by(Heartbeat.from_at)
    ).all()
    if not rows:
        session.add(Heartbeat(site_id=site_id, from_at=first, to_at=last, every_s=every_s))
        return
    from_at, to_at = min(rows[0].from_at, first), max(last, *(row.to_at for row in rows))
    if len(rows) > 1:
        session.execute(delete(Heartbeat).where(Heartbeat.id.in_([row.id for row in rows[1:]])))
    rows[0].from_at, rows[0].to_at, rows[0].every_s = from_at, to_at, every_s


def losses(session: Session, within: Span, now: datetime) -> dict[int, list[Loss]]:
    """When each watched site was lost, as far as that touches ``within`` and is known at ``now``."""
    found: dict[int, list[Loss]] = {}
    rows: dict[int, list[Heartbeat]] = {}
    # Of what was heard before the period only the newest matters: a loss may reach from there into it.
    newest_before = (
        select(Heartbeat.site_id, func.max(Heartbeat.to_at).label("to_at"))
        .where(Heartbeat.from_at <= now, Heartbeat.to_at < within.start)
        .group_by(Heartbeat.site_id)
        .subquery()
    )
    for row in session.scalars(
        select(Heartbeat)
        .outerjoin(newest_before, newest_before.c.site_id == Heartbeat.site_id)
        .where(
            Heartbeat.from_at <= now,
            (Heartbeat.to_at >= within.start) | (Heartbeat.to_at == newest_before.c.to_at),
        )
        .order_by(Heartbeat.site_id, Heartbeat.from_at)
    ):
        rows.setdefault(row.site_id, []).append(row)
    for site_id, times in rows.items():
        lost = [_loss(one, after.from_at) for one, after in pairwise(times)]
        if now > times[-1].to_at + _patience(times[-1].every_s):
            lost.append(_loss(times[-1], None))
        found[site_id] = [
            loss
            for loss in lost
            if loss.lost_from < within.end and (loss.heard_again is None or loss.heard_again > within.start)
        ]
    return found


def _patience(every_s: float) -> timedelta:
    return timedelta(seconds=(MISSED + GRACE) * every_s)


def _loss(row: Heartbeat, heard_again: datetime | None) -> Loss:
    lost_from = row.to_at + timedelta(seconds=row.every_s)
    return Loss(lost_from, row.to_at + _patience(row.every_s), heard_again)


# --- canaries ---------------------------------------------------------------------------------------


def set_canaries(
    session: Session, actor: Actor, now: datetime, code: str, canaries: Collection[str]
) -> list[str]:
    """Have this site vouched for by these addresses (none: by nobody). Returns them as they are kept.

    Raises ``SiteError`` for a site that is not there, or an address that is none.
    """
    site = session.scalar(select(Site).where(Site.code == code))
    if site is None:
        raise SiteError(N_('There is no site "{code}".'), code=code)
    if len(canaries) > MOST_CANARIES:
        raise SiteError(N_("A site has at most {most} canaries."), most=MOST_CANARIES)
    before, after = site.canaries, sorted({str(Canary.parse(text)) for text in canaries})
    site.canaries = after
    detail = {"before": before, "after": after}
    audit.record(session, actor, Action.SITE_CANARIES_SET, f"site:{code}", now, detail=detail)
    return after


def canaries_of(session: Session) -> dict[str, tuple[Canary, ...]]:
    """The canaries of every site, by its code."""
    rows = session.execute(select(Site.code, Site.canaries))
    return {code: tuple(Canary.parse(text) for text in texts) for code, texts in rows}


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
        if answer is None or self._clock() - asked_at >= CANARY_FRESH_S:
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
        async with asyncio.timeout(CANARY_TIMEOUT_S):
            _, writer = await asyncio.open_connection(canary.host, canary.port)
    except (OSError, UnicodeError):  # TimeoutError is an OSError; a name that is none is a UnicodeError
        return False
    writer.transport.abort()
    return True
