"""Eyes counted where nobody needs their rows: by unit and standing, and how they are asked."""

from collections.abc import Sequence
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
SWEEPS_MISSED = 2


@dataclass(frozen=True, slots=True)
class Census:
    """As ``queries.totals`` and ``queries.units`` have it of the same eyes; units in the order of names."""

    totals: Totals
    units: Sequence[UnitRow]


@dataclass(frozen=True, slots=True)
class Pulse:
    """How the eyes are asked that should be: ``waiting`` of them.

    ``asked``: those whose newest probe began within the last minute; ``due``: how many that should be.
    ``sweep_s`` is the shortest interval of any of them.
    """

    waiting: int
    asked: int
    due: int
    newest_probe_at: datetime | None
    sweep_s: float

    def patience_s(self, silence_factor: float) -> float:
        """Silence longer than this is a fault of the monitor."""
        return max(LEAST_SILENCE_S, silence_factor * self.sweep_s)

    def outdated(self, now: datetime) -> bool:
        """Whether what is known is older than ``SWEEPS_MISSED`` sweeps, though eyes should be asked."""
        if not self.waiting:
            return False
        return self.newest_probe_at is None or now - self.newest_probe_at > SWEEPS_MISSED * timedelta(
            seconds=self.sweep_s
        )


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
    waiting = [eye for eye in _eyes(session, scope, now, zone) if eye.overlay == Overlay.IN_SERVICE]
    probed = [eye.probed_at for eye in waiting if eye.probed_at is not None]
    lately_s = LATELY.total_seconds()
    return Pulse(
        waiting=len(waiting),
        asked=sum(now - at <= LATELY for at in probed),
        due=round(sum(lately_s / max(lately_s, eye.interval_s) for eye in waiting)),
        newest_probe_at=max(probed, default=None),
        sweep_s=min((eye.interval_s for eye in waiting), default=0.0),
    )


# --- how it is done ---------------------------------------------------------------------------------


class _Eye(NamedTuple):
    """What of an eye is counted. ``state`` is ``None`` where it was never probed."""

    point_id: int
    overlay: str
    state: str | None
    never_ok: bool
    probed_at: datetime | None
    interval_s: float


def _eyes(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> Sequence[_Eye]:
    interval_s = func.coalesce(DevicePace.effective_interval_s, Site.interval_s)
    listed = (
        select(Device.point_id, queries.overlay(now, zone))
        .add_columns(State.state, State.first_ok_at.is_(None), State.probed_at, interval_s)
        .select_from(Eye)
        .join(Device)
        .join(Site)
        .outerjoin(DevicePace, DevicePace.device_id == Device.id)
        .outerjoin(State, State.eye_id == Eye.id)
        .where(*queries.listed(session, scope, now, zone))
    )

    def read() -> Sequence[_Eye]:
        # Past the session, as ``queries.eyes``.
        return [_Eye(*row) for row in session.connection().execute(listed)]

    return read_once(session, ("census", scope, now), read)


def _counted(eye: _Eye) -> Counted:
    measured = eye.overlay in MEASURED
    state = (eye.state or EyeState.UNKNOWN) if measured else None
    return Counted(
        eye.point_id,
        queries.standing(eye.overlay, state, backlog=measured and eye.never_ok),
        state not in (None, EyeState.UNKNOWN),
        eye.overlay == Overlay.NOT_STARTED and eye.probed_at is None,
        eye.probed_at,
    )
