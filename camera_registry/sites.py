"""Sites: the vantages that eyes are probed from, when they were heard, and the canaries that vouch for them.

Whoever probes a site writes a beat for it every few seconds. A site that was ever heard is watched: when
three beats are missed it is lost, until it is heard again; a time in which the registry itself did not listen
is nobody's silence. Its results are not used against its eyes
meanwhile; they become unknown by silence. A site may name canaries, addresses behind its own line that always
answer (the provider's gateway, say): while none of them does, the line is cut, no beat is written, and what
looks like a cut of a camera's line is none.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.canaries import Canary
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.incidents import Loss
from camera_registry.models import Courier, Heartbeat, Site
from camera_registry.uptime import Span

BEAT_S = 10.0
MISSED = 3  # beats, and the site is lost
GRACE = 0.5  # intervals that a beat may be late: clocks and jobs are not exact

MOST_CANARIES = 8
LONGEST_CANARY = 260  # characters


class SiteError(RegistryError):
    """The site is not as it was described."""


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


def nobody_listened(session: Session, since: datetime, until: datetime) -> None:
    """The registry itself was not at work in this time: a silence of sites that post to it is not theirs.

    Those that were not lost before count as heard meanwhile; from then on their silence is theirs again.
    """
    newest = (
        select(Heartbeat.site_id, func.max(Heartbeat.to_at).label("to_at"))
        .join(Site, Site.id == Heartbeat.site_id)
        .where(Site.delivered)
        .group_by(Heartbeat.site_id)
        .subquery()
    )
    this = (newest.c.site_id == Heartbeat.site_id) & (newest.c.to_at == Heartbeat.to_at)
    for row in session.scalars(select(Heartbeat).join(newest, this)):
        if since <= row.to_at + _patience(row.every_s):
            row.to_at = max(row.to_at, until)


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


# --- who asks ---------------------------------------------------------------------------------------


def set_delivered(session: Session, actor: Actor, now: datetime, code: str, delivered: bool) -> None:
    """Have this site's eyes asked by a machine of its own from now on, or by the registry.

    Raises ``SiteError`` for a site that is not there.
    """
    site = _site(session, code)
    if site.delivered != delivered:
        site.delivered = delivered
        session.execute(delete(Courier).where(Courier.site_id == site.id))
        detail = {"before": {"delivered": not delivered}, "after": {"delivered": delivered}}
        audit.record(session, actor, Action.SITE_DELIVERED, f"site:{code}", now, detail=detail)


# --- canaries ---------------------------------------------------------------------------------------


def set_canaries(
    session: Session, actor: Actor, now: datetime, code: str, canaries: Collection[str]
) -> list[str]:
    """Have this site vouched for by these addresses (none: by nobody). Returns them as they are kept.

    Raises ``SiteError`` for a site that is not there, or an address that is none.
    """
    site = _site(session, code)
    if len(canaries) > MOST_CANARIES:
        raise SiteError(N_("A site has at most {most} canaries."), most=MOST_CANARIES)
    before, after = site.canaries, sorted({str(read_canary(text)) for text in canaries})
    site.canaries = after
    detail = {"before": before, "after": after}
    audit.record(session, actor, Action.SITE_CANARIES_SET, f"site:{code}", now, detail=detail)
    return after


def read_canary(text: str) -> Canary:
    """``host:port`` or ``[IPv6]:port``, as a person writes it. Raises ``SiteError``."""
    host, colon, port = text.strip().rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    known = colon and bare and port.isascii() and port.isdecimal() and 0 < int(port) < 65536
    if len(text) > LONGEST_CANARY or not known or (":" in bare and bare == host) or set(bare) & set(" /@"):
        raise SiteError(N_('A canary is written host:port; "{text}" is not.'), text=text.strip()[:100])
    return Canary(bare, int(port))


def canaries_of(session: Session) -> dict[str, tuple[Canary, ...]]:
    """The canaries of every site that the registry asks, by its code."""
    rows = session.execute(select(Site.code, Site.canaries).where(~Site.delivered))
    return {code: tuple(read_canary(text) for text in texts) for code, texts in rows}


def _site(session: Session, code: str) -> Site:
    site = session.scalar(select(Site).where(Site.code == code))
    if site is None:
        raise SiteError(N_('There is no site "{code}".'), code=code)
    return site
