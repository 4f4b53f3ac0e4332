"""A person has the eyes of a site started: what that will ask of it, said first, and how far it has come.

The process that asks eyes does it: see ``errands`` and ``rollout``.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, tzinfo

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from camera_registry import audit, errands, queries
from camera_registry.audit import Action, Actor
from camera_registry.credentials import CredentialStore
from camera_registry.db import Database
from camera_registry.inventory import load_targets, site_by_code
from camera_registry.models import Rollout, Site
from camera_registry.monitor import load_memories, remembering
from camera_registry.plan import make_plan
from camera_registry.queries import EyeRow, Overlay
from camera_registry.rollout import REFUSED, Forecast, forecast
from camera_registry.settings import Settings
from camera_registry.units import Scope


@dataclass(frozen=True, slots=True)
class Startable:
    """A site, and how many of its eyes nobody has started yet."""

    code: str
    name: str
    interval_s: int
    waiting: int
    started: int


@dataclass(frozen=True, slots=True)
class Run:
    """One start of a site: how far it has come, or how it ended; see ``rollout.Stage`` and ``Ending``."""

    id: int
    site: str
    requested_at: datetime
    begun_at: datetime | None
    stage: str | None
    stage_eyes: int
    stage_asked: int
    asked: int  # eyes, in all stages
    started: int
    refused: int  # logins
    stop_asked_at: datetime | None
    ended_at: datetime | None
    ending: str | None


def sites(session: Session, now: datetime, zone: tzinfo) -> list[Startable]:
    """Every site, those with eyes to start first."""
    rows = queries.eyes(session, Scope.everything(), now, zone)
    waiting = Counter(row.site for row in rows if row.overlay is Overlay.NOT_STARTED)
    started = Counter(row.site for row in rows if row.overlay is Overlay.IN_SERVICE)
    found = [
        Startable(site.code, site.name, site.interval_s, waiting[site.code], started[site.code])
        for site in session.scalars(select(Site).order_by(Site.code))
    ]
    return sorted(found, key=lambda each: not each.waiting)


def foresee(
    database: Database, settings: Settings, credentials: CredentialStore, site: str, now: datetime
) -> Forecast:
    """What asking the eyes of ``site`` that are not started will ask of it; nobody is asked for it."""
    memories = load_memories(database)
    with database.reading() as session:
        asked = load_targets(session, credentials, now, settings.zone, site=site, started=False)
        intervals = {each.code: each.interval_s for each in session.scalars(select(Site))}
    targets = [remembering(each.target, memories.get(each.target.eye)) for each in asked]
    plan = make_plan(
        targets,
        intervals,
        deep_interval_s=settings.deep_interval_s,
        shard_eyes=settings.shard_eyes,
        now=now.timestamp(),
    )
    return forecast(plan)


def begin(session: Session, actor: Actor, site: str, now: datetime, *, reason: str = "") -> int:
    """Want the eyes of a site started; returns the number of the start.

    Raises ``InventoryError`` where there is no such site.
    """
    number = errands.want_rollout(session, site_by_code(session, site), now)
    detail = {"start": number}
    audit.record(session, actor, Action.START_ASKED, f"site:{site}", now, detail=detail, reason=reason)
    return number


def stop(session: Session, actor: Actor, number: int, now: datetime) -> None:
    """Want a start to end, where it has not. Eyes already started stay started."""
    row = session.get_one(Rollout, number)
    if row.ended_at is None and row.stop_asked_at is None:
        row.stop_asked_at = now
        site = session.get_one(Site, row.site_id).code
        audit.record(session, actor, Action.START_STOPPED, f"site:{site}", now, detail={"start": number})


def runs(session: Session, most: int) -> list[Run]:
    """The newest starts, newest first."""
    return _runs(session, _RUNS.limit(most))


def run(session: Session, number: int) -> Run | None:
    """The start of this number."""
    return next(iter(_runs(session, _RUNS.where(Rollout.id == number))), None)


def refusing(session: Session, site: str, now: datetime, zone: tzinfo) -> list[EyeRow]:
    """The eyes of a site whose devices refuse the login."""
    rows = queries.eyes(session, Scope.everything(), now, zone)
    return [row for row in rows if row.site == site and row.reason in REFUSED]


_RUNS = select(Rollout, Site.code).join(Site).order_by(Rollout.id.desc())


def _runs(session: Session, found: Select[Rollout, str]) -> list[Run]:
    return [
        Run(
            *(row.id, site, row.requested_at, row.begun_at, row.stage, row.stage_eyes, row.stage_asked),
            *(row.asked, row.started, row.refused, row.stop_asked_at, row.ended_at, row.ending),
        )
        for row, site in session.execute(found)
    ]
