"""What of the registry waits for a person, in numbers; and the points whose place is not known yet."""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from camera_registry import baselines, custody, queries
from camera_registry.alerts import reading as alerts
from camera_registry.funding import basis
from camera_registry.funding import reading as ledger
from camera_registry.models import Device, Eye, PictureGrade, Point
from camera_registry.queries import Overlay
from camera_registry.repairs import reading
from camera_registry.repairs.states import State
from camera_registry.units import Scope

SOON = timedelta(days=7)  # a word on an eye runs out


@dataclass(frozen=True, slots=True)
class ToDo:
    """How many of each wait: eyes, but for devices, points, messages, channels, repairs and money."""

    not_started: int
    baselines: int
    reports: int  # eyes that people report on, with no word that holds for longer than ``SOON``
    ungraded: int
    devices: int  # with another serial number
    not_handed_over: int
    unplaced: int
    dead: int  # messages
    failing: int  # channels of messages
    broken: int  # repairs that nobody has decided about
    unpaid: int  # repairs that wait for money
    unapproved: int  # entries of the funding ledger
    unfounded: int  # points for whose repair no money can be asked


@dataclass(frozen=True, slots=True)
class Unplaced:
    """A point without a unit, or without a position."""

    code: str
    name: str
    unit: str
    eyes: int
    positioned: bool


def to_do(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> ToDo:
    day = now.astimezone(zone).date()
    rows = queries.eyes(session, scope, now, zone)
    repairs = reading.counts(session, scope, day)
    reported = [row.reported for row in rows if row.overlay is Overlay.REPORTED]
    asked = {row.code for row in rows if row.overlay is Overlay.IN_SERVICE}
    graded = select(Eye.code).where(Eye.id.in_(select(PictureGrade.eye_id)))
    return ToDo(
        not_started=queries.totals(rows).not_started,
        baselines=len(baselines.waiting(session, scope, day)),
        reports=sum(word is None or word.expires_at <= now + SOON for word in reported),
        ungraded=len(asked.difference(session.scalars(graded))),
        devices=len(queries.unconfirmed(session, scope, day)),
        not_handed_over=len(custody.queue(session, scope, day, zone)),
        unplaced=len(unplaced(session, scope, now, zone)),
        dead=alerts.dead(session, scope, now, day),
        failing=alerts.failing(session, scope, day),
        broken=repairs[State.REPORTED],
        unpaid=repairs[State.WAITING_FOR_MONEY],
        unapproved=ledger.waiting_count(session, scope, day),
        unfounded=len(basis.missing_basis(session, scope, day)),
    )


def unplaced(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> list[Unplaced]:
    """The points in scope that have eyes in use, and no unit or no position; by code."""
    units = queries.point_units(session, scope, now.astimezone(zone).date())
    used = (
        select(Device.point_id, func.count())
        .join(Eye, Eye.device_id == Device.id)
        .where(or_(Eye.retired_at.is_(None), Eye.retired_at > now))
        .group_by(Device.point_id)
    )
    eyes = {row[0]: row[1] for row in session.execute(used)}
    points = session.execute(select(Point.id, Point.code, Point.name, Point.latitude).order_by(Point.code))
    return [
        Unplaced(code, name, units[id_][0], eyes[id_], latitude is not None)
        for id_, code, name, latitude in points
        if id_ in units and id_ in eyes and (latitude is None or not units[id_][0])
    ]
