"""How many eyes of a point operated at the last moment of a period: of the past, never of right now."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import or_, select

from camera_registry import histories, uptime
from camera_registry.i18n import N_
from camera_registry.inventory import Reach, Word
from camera_registry.models import Device, Eye, ReportWord, Suspension
from camera_registry.reports.ground import Ground
from camera_registry.uptime import DELIVERING, MAINTENANCE, NOT_IN_SERVICE, Span

OPERATING = N_("Operating")
PARTLY = N_("Partly operating")
NOT_OPERATING = N_("Not operating")
UNKNOWN = N_("Unknown")
NO_EYES = N_("No eye in service")


@dataclass(frozen=True, slots=True)
class MonthEnd:
    """Eyes of one point that were in service then. ``measured`` are ``working``, down, or not known.

    ``reported`` are those that no network reaches, ``reported_working`` of them people said to be working
    (well or poorly), ``reported_known`` is of how many anybody had said anything that still held.
    """

    measured: int = 0
    working: int = 0
    down: int = 0
    reported: int = 0
    reported_working: int = 0
    reported_known: int = 0

    @property
    def words(self) -> str:
        """All of it in a msgid; a person's word counts here where there is nothing else."""
        eyes, working, down = self.measured, self.working, self.down
        if not eyes:
            eyes, working = self.reported, self.reported_working
            down = self.reported_known - self.reported_working
        if not eyes:
            return NO_EYES
        if working == eyes:
            return OPERATING
        if working:
            return PARTLY
        return NOT_OPERATING if down == eyes else UNKNOWN


def month_end(ground: Ground) -> Mapping[int, MonthEnd]:
    """Of each point, by its id."""
    end = ground.span.end
    last = Span(end - timedelta.resolution, end)
    rows = ground.session.execute(
        select(Eye.id, Eye.reach, Device.point_id)
        .join(Device, Eye.device_id == Device.id)
        .where(
            or_(Eye.commissioned_at.is_(None), Eye.commissioned_at < end),
            or_(Eye.retired_at.is_(None), Eye.retired_at >= end),
            or_(Eye.access_withdrawn_at.is_(None), Eye.access_withdrawn_at >= end),
        )
    ).all()
    points = {row.id: row.point_id for row in rows if row.point_id in ground.places}
    found = dict.fromkeys(ground.places, MonthEnd())
    read = histories.load(ground.session, points, last, ground.now, ground.zone)
    for eye_id, history in read.items():
        state = uptime.intervals(history, last)[-1].state
        if state == NOT_IN_SERVICE:
            continue
        was = found[points[eye_id]]
        found[points[eye_id]] = replace(
            was,
            measured=was.measured + 1,
            working=was.working + (state in DELIVERING),
            down=was.down + (state not in DELIVERING and state not in ("unknown", MAINTENANCE)),
        )
    said, suspended = _words(ground, end), _suspended(ground, end)
    for eye_id in [row.id for row in rows if row.reach == Reach.REPORTED and row.id in points]:
        if eye_id in suspended:
            continue
        word, was = said.get(eye_id), found[points[eye_id]]
        found[points[eye_id]] = replace(
            was,
            reported=was.reported + 1,
            reported_working=was.reported_working + (word in (Word.WORKING, Word.POOR)),
            reported_known=was.reported_known + (word is not None),
        )
    return found


def _words(ground: Ground, end: datetime) -> dict[int, str]:
    """The newest word on each eye that held then."""
    said = (
        select(ReportWord.eye_id, ReportWord.word)
        .where(ReportWord.at < end, ReportWord.expires_at >= end)
        .order_by(ReportWord.at, ReportWord.id)
    )
    return dict(ground.session.execute(said).all())


def _suspended(ground: Ground, at: datetime) -> set[int]:
    row = Suspension
    there = select(row.eye_id).where(row.from_at < at, or_(row.to_at.is_(None), row.to_at >= at))
    return set(ground.session.scalars(there))
