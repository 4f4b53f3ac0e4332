"""Eyes counted where nobody needs their rows: by unit and standing, and how they are asked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.db import read_once
from camera_registry.health import EyeState
from camera_registry.i18n import collation_key
from camera_registry.models import Device, DevicePace, Eye, Site
from camera_registry.models import EyeState as State
from camera_registry.queries import MEASURED, Counted, Overlay, Totals, UnitRow
from camera_registry.units import Scope

LATELY = timedelta(minutes=1)
LEAST_SILENCE_S = 300  # a monitor that finished a probe this short a time ago is alive, whatever its pace
OVERDUE = 2  # intervals since its newest probe began: less than any silence that makes an eye unknown
STALLED = 0.1  # share of overdue eyes: a few may wait for slow devices, a tenth have nobody who asks


@dataclass(frozen=True, slots=True)
class Census:
    """As ``queries.totals`` and ``queries.units`` have it of the same eyes; units in the order of names."""

    totals: Totals
    units: Sequence[UnitRow]


class CountedEye(NamedTuple):
    """What of an eye is counted. ``state`` and its ``since`` are ``None`` where it was never probed."""

    point_id: int
    overlay: str
    state: str | None
    never_ok: bool
    probed_at: datetime | None
    interval_s: float
    started_at: datetime | None
    since: datetime | None
    site: str
    site_name: str

    def overdue(self, now: datetime) -> bool:
        """Whether its newest probe began too long ago; of one never asked, whether it was started then."""
        asked_at = self.probed_at or self.started_at
        return asked_at is None or (now - asked_at).total_seconds() > OVERDUE * self.interval_s


@dataclass(frozen=True, slots=True)
class SitePulse:
    """How the eyes of one site are asked: ``overdue`` of the ``waiting`` are not."""

    code: str
    name: str
    waiting: int
    overdue: int
    newest_probe_at: datetime | None

    @property
    def stalled(self) -> bool:
        """Whether so many are overdue that nobody asks there as it was planned."""
        return self.overdue > 0 and self.overdue >= STALLED * self.waiting


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the eyes are asked that should be: ``waiting`` of them, by site.

    ``asked``: those whose newest probe began within the last minute; ``due``: how many that should be.
    ``known_until``: the newest that was written of any, a probe or a change of state. ``sweep_s`` is the
    shortest interval of any of them.
    """

    waiting: int
    asked: int
    due: int
    newest_probe_at: datetime | None
    known_until: datetime | None
    sweep_s: float
    sites: Sequence[SitePulse]

    def patience_s(self, silence_factor: float) -> float:
        """Silence longer than this is a fault of the monitor."""
        return max(LEAST_SILENCE_S, silence_factor * self.sweep_s)

    @property
    def overdue(self) -> int:
        """How many have not been asked when they were due."""
        return sum(site.overdue for site in self.sites)

    @property
    def stalled(self) -> Sequence[SitePulse]:
        """The sites where what is known is old, though eyes should be asked."""
        return [site for site in self.sites if site.stalled]


def census(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> Census:
    """Every eye in scope, counted."""
    units = queries.point_units(session, scope, now.astimezone(zone).date())
    by_unit: dict[tuple[str, str], list[Counted]] = {}
    for eye in _eyes(session, scope, now, zone):
        if eye.point_id in units:
            by_unit.setdefault(units[eye.point_id], []).append(_counted(eye))
    return Census(
        queries.counted(eye for eyes in by_unit.values() for eye in eyes),
        [
            UnitRow(name, code, queries.counted(by_unit[name, code]))
            for name, code in sorted(by_unit, key=lambda unit: collation_key(unit[0]))
        ],
    )


def pulse(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> Pulse:
    """How the eyes in scope are asked."""
    return judge(_eyes(session, scope, now, zone), now)


def judge(eyes: Iterable[CountedEye], now: datetime) -> Pulse:
    """How those of ``eyes`` are asked that should be."""
    waiting = [eye for eye in eyes if eye.overlay == Overlay.IN_SERVICE]
    probed = [eye.probed_at for eye in waiting if eye.probed_at is not None]
    changed = [eye.since for eye in waiting if eye.since is not None]
    by_site: dict[tuple[str, str], list[CountedEye]] = {}
    for eye in waiting:
        by_site.setdefault((eye.site, eye.site_name), []).append(eye)
    lately_s = LATELY.total_seconds()
    return Pulse(
        waiting=len(waiting),
        asked=sum(now - at <= LATELY for at in probed),
        due=round(sum(lately_s / max(lately_s, eye.interval_s) for eye in waiting)),
        newest_probe_at=max(probed, default=None),
        known_until=max([*probed, *changed], default=None),
        sweep_s=min((eye.interval_s for eye in waiting), default=0.0),
        sites=[
            SitePulse(
                code,
                name,
                waiting=len(those),
                overdue=sum(eye.overdue(now) for eye in those),
                newest_probe_at=max((eye.probed_at for eye in those if eye.probed_at), default=None),
            )
            for (code, name), those in sorted(by_site.items())
        ],
    )


# --- how it is done ---------------------------------------------------------------------------------


def _eyes(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> Sequence[CountedEye]:
    interval_s = func.coalesce(DevicePace.effective_interval_s, Site.interval_s)
    listed = (
        select(Device.point_id, queries.overlay(now, zone))
        .add_columns(State.state, State.first_ok_at.is_(None), State.probed_at, interval_s)
        .add_columns(Eye.started_at, State.since, Site.code, Site.name)
        .select_from(Eye)
        .join(Device)
        .join(Site)
        .outerjoin(DevicePace, DevicePace.device_id == Device.id)
        .outerjoin(State, State.eye_id == Eye.id)
        .where(*queries.listed(session, scope, now, zone))
    )

    def read() -> Sequence[CountedEye]:
        # Past the session, as ``queries.eyes``.
        return [CountedEye(*row) for row in session.connection().execute(listed)]

    return read_once(session, ("census", scope, now), read)


def _counted(eye: CountedEye) -> Counted:
    measured = eye.overlay in MEASURED
    state = (eye.state or EyeState.UNKNOWN) if measured else None
    return Counted(
        eye.point_id,
        queries.standing(eye.overlay, state, backlog=measured and eye.never_ok),
        state not in (None, EyeState.UNKNOWN),
        eye.overlay == Overlay.NOT_STARTED and eye.probed_at is None,
        eye.probed_at,
    )
