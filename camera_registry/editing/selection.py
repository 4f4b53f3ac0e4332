"""Which points, devices and eyes somebody wants to change, as far as he may, and how they stand."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.editing import fields
from camera_registry.editing.fields import FIELDS, SUSPENDED_FROM, SUSPENDED_UNTIL, Field
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.imports.difference import Kind
from camera_registry.models import Device, Eye, Point, Site, Suspension
from camera_registry.units import Scope

MOST_THINGS = 2_000  # in one change

_Row = TypeVar("_Row", Eye, Device, Point)


class EditError(RegistryError):
    """Nothing was changed."""


class OutOfScope(LookupError):
    """Some of what was chosen is not there, or not for this person to see."""


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """A point, device or eye as it stands: its values by field."""

    kind: Kind
    code: str
    name: str
    row: Eye | Device | Point
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen, and what it hangs on: of eyes their devices and points, too.

    ``within`` are the ids of all points that the person may see; ``whole_city``: these are all there are.
    """

    things: Mapping[Kind, Sequence[Thing]]
    sites: Sequence[Site]
    within: Collection[int]
    whole_city: bool

    def fields(self) -> list[Field]:
        """What this person can change of all of them together."""
        return [
            field
            for field in FIELDS
            if self.things[field.kind]
            and (not field.alone or len(self.things[field.kind]) == 1)
            and (self.whole_city or not field.aims)
        ]


def select_eyes(
    session: Session, scope: Scope, codes: Collection[str], now: datetime, zone: tzinfo, *, lock: bool = False
) -> Selection:
    """The eyes of these codes with their devices and points. Raises ``OutOfScope`` and ``EditError``.

    ``lock``: who else would change them waits.
    """
    eyes = _rows(session, Eye, Eye.code.in_(_some(codes)), lock)
    devices = _rows(session, Device, Device.id.in_({eye.device_id for eye in eyes}), lock)
    points = _rows(session, Point, Point.id.in_({device.point_id for device in devices}), lock)
    if len(eyes) < len(set(codes)):
        raise OutOfScope
    return _selection(session, scope, eyes, devices, points, now, zone)


def select_points(
    session: Session, scope: Scope, codes: Collection[str], now: datetime, zone: tzinfo, *, lock: bool = False
) -> Selection:
    """The points of these codes alone. Raises as ``select_eyes`` does."""
    points = _rows(session, Point, Point.code.in_(_some(codes)), lock)
    if len(points) < len(set(codes)):
        raise OutOfScope
    return _selection(session, scope, [], [], points, now, zone)


# --- how it is done -----------------------------------------------------------------------------------


def _some(codes: Collection[str]) -> Collection[str]:
    if not codes:
        raise EditError(N_("Nothing is chosen."))
    if len(codes) > MOST_THINGS:
        raise EditError(N_("At most {limit} can be changed at once."), limit=MOST_THINGS)
    return codes


def _rows(session: Session, table: type[_Row], which: ColumnElement[bool], lock: bool) -> list[_Row]:
    found: Select[_Row] = select(table).where(which).order_by(table.code)
    return list(session.scalars(found.with_for_update() if lock else found))


def _selection(
    session: Session,
    scope: Scope,
    eyes: Iterable[Eye],
    devices: Iterable[Device],
    points: Iterable[Point],
    now: datetime,
    zone: tzinfo,
) -> Selection:
    within = queries.point_ids(session, scope, now.astimezone(zone).date())
    if any(point.id not in within for point in points):
        raise OutOfScope
    sites = list(session.scalars(select(Site).order_by(Site.code)))
    codes = {site.id: site.code for site in sites}
    suspended = suspensions(session, eyes, now)
    return Selection(
        {
            Kind.EYE: [
                Thing(
                    Kind.EYE,
                    eye.code,
                    eye.name,
                    eye,
                    _values(eye, Kind.EYE, zone) | _out(suspended.get(eye.id), zone),
                )
                for eye in eyes
            ],
            Kind.DEVICE: [
                Thing(
                    Kind.DEVICE,
                    device.code,
                    " ".join(filter(None, (device.manufacturer, device.model))),
                    device,
                    _values(device, Kind.DEVICE, zone) | {"site": codes[device.site_id]},
                )
                for device in devices
            ],
            Kind.POINT: [
                Thing(Kind.POINT, point.code, point.name, point, _values(point, Kind.POINT, zone))
                for point in points
            ],
        },
        sites,
        within,
        scope.unit_ids is None,
    )


def _values(row: Eye | Device | Point, kind: Kind, zone: tzinfo) -> dict[str, Any]:
    return {
        field.slug: fields.value(field, getattr(row, field.column), zone)
        for field in FIELDS
        if field.kind is kind and field.column
    }


def suspensions(session: Session, eyes: Iterable[Eye], now: datetime) -> dict[int, Suspension]:
    """Of each eye the suspension that has not ended by now; the last to begin of several."""
    lasting = select(Suspension).where(
        Suspension.eye_id.in_([eye.id for eye in eyes]),
        or_(Suspension.to_at.is_(None), Suspension.to_at > now),
    )
    return {row.eye_id: row for row in session.scalars(lasting.order_by(Suspension.from_at))}


def _out(suspension: Suspension | None, zone: tzinfo) -> dict[str, date | None]:
    if suspension is None:
        return {SUSPENDED_FROM: None, SUSPENDED_UNTIL: None}
    until = suspension.to_at.astimezone(zone).date() if suspension.to_at else None
    return {SUSPENDED_FROM: suspension.from_at.astimezone(zone).date(), SUSPENDED_UNTIL: until}
