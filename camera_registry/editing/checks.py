"""What cannot be of a point, a device or an eye that is changed; only of what the change touches.

What was wrong before, and is not touched, hinders nobody from changing something else.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry.editing.fields import SUSPENDED_FROM, SUSPENDED_UNTIL, Field, FieldFault
from camera_registry.editing.selection import Selection, Thing
from camera_registry.i18n import N_
from camera_registry.imports.difference import Kind
from camera_registry.imports.faults import Fault
from camera_registry.inventory import Reach
from camera_registry.models import Device, Eye, Site
from probes.result import TlsCheck

_ORDERED = (
    ("commissioned", "retired"),
    ("access_date", "access_until"),
    (SUSPENDED_FROM, SUSPENDED_UNTIL),
)
_WHERE = ("host", "port", "site", "path", "retired")  # what makes two eyes one


@dataclass(frozen=True, slots=True)
class Change:
    """One value of one thing that becomes another."""

    field: Field
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Changed:
    thing: Thing
    changes: Sequence[Change]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a value cannot be: for all (``code`` is empty), or for one thing."""

    slug: str
    code: str
    fault: FieldFault


_Values = Mapping[str, Any]
_After = Mapping[tuple[Kind, str], _Values]  # by kind and code
_Faults = Iterator[tuple[str, FieldFault]]  # by the slug of the field


def faults(session: Session, selection: Selection, changed: Sequence[Changed]) -> Iterator[Refused]:
    """Everything that cannot be, thing by thing."""
    after: dict[tuple[Kind, str], _Values] = {
        (thing.kind, thing.code): thing.values for things in selection.things.values() for thing in things
    }
    for each in changed:
        values = {change.field.slug: change.after for change in each.changes}
        after[each.thing.kind, each.thing.code] = {**each.thing.values, **values}
    checks = {Kind.EYE: _of_eye, Kind.DEVICE: _of_device, Kind.POINT: _of_point}
    for each in changed:
        touched = {change.field.slug for change in each.changes}
        for slug, fault in checks[each.thing.kind](session, each.thing, touched, after):
            if slug in touched:
                yield Refused(slug, each.thing.code, fault)
    moved = {
        (each.thing.kind, each.thing.code): change.field.slug
        for each in changed
        for change in each.changes
        if change.field.slug in _WHERE
    }
    if moved:
        yield from _doubles(session, selection, after, moved)


def _of_eye(session: Session, thing: Thing, touched: Collection[str], after: _After) -> _Faults:
    assert isinstance(thing.row, Eye)
    now = after[thing.kind, thing.code]
    for earlier, later in _ORDERED:
        first, last = now[earlier], now[later]
        if first is not None and last is not None and last < first:
            fault = FieldFault.of(Fault.DATE_ORDER, other=f"{first:%d/%m/%Y}")
            yield from ((slug, fault) for slug in (later, earlier))
    if now[SUSPENDED_UNTIL] is not None and now[SUSPENDED_FROM] is None:
        yield SUSPENDED_UNTIL, FieldFault(N_("The eye is not suspended."))
    device = session.get_one(Device, thing.row.device_id)
    if now["reach"] == Reach.NETWORK and now["path"] is None:
        fault = FieldFault.of(Fault.PATH_MISSING)
        yield from (("reach", fault), ("path", fault))
    if now["reach"] == Reach.NETWORK and after[Kind.DEVICE, device.code]["host"] is None:
        yield "reach", FieldFault.of(Fault.HOST_MISSING)
    if "channel" in touched:
        same = (Eye.device_id == device.id, Eye.channel == now["channel"], Eye.id != thing.row.id)
        holder = session.scalar(select(Eye.code).where(*same))
        if holder is not None:
            yield "channel", FieldFault.of(Fault.DUPLICATE_CHANNEL, channel=now["channel"], eye=holder)


def _of_device(session: Session, thing: Thing, touched: Collection[str], after: _After) -> _Faults:
    now = after[thing.kind, thing.code]
    if now["tls_check"] == TlsCheck.PIN and not now["tls_pin"]:
        fault = FieldFault.of(Fault.FINGERPRINT_MISSING)
        yield from (("tls_check", fault), ("tls_pin", fault))
    if "host" in touched and now["host"] is None:
        eyes = session.execute(select(Eye.code, Eye.reach).where(Eye.device_id == thing.row.id))
        if any(
            after.get((Kind.EYE, code), {"reach": reach})["reach"] == Reach.NETWORK for code, reach in eyes
        ):
            yield "host", FieldFault.of(Fault.HOST_MISSING)


def _of_point(session: Session, thing: Thing, touched: Collection[str], after: _After) -> _Faults:
    now = after[thing.kind, thing.code]
    if (now["latitude"] is None) != (now["longitude"] is None):
        fault = FieldFault.of(Fault.POSITION_INCOMPLETE)
        yield from (("latitude", fault), ("longitude", fault))
    if "k" in touched:
        eyes = select(func.count()).select_from(Eye).join(Device, Eye.device_id == Device.id)
        count = session.scalar(eyes.where(Device.point_id == thing.row.id, Eye.retired_at.is_(None))) or 0
        if now["k"] > max(count, 1):
            yield "k", FieldFault.of(Fault.K_TOO_LARGE, k=now["k"], n=count)


@dataclass(frozen=True, slots=True)
class _Place:
    """An eye where it will be asked; ``visible``: its code may be told."""

    eye: str
    device: str
    visible: bool


def _doubles(
    session: Session, selection: Selection, after: _After, moved: Mapping[tuple[Kind, str], str]
) -> Iterator[Refused]:
    """No two eyes of one address and path: it would be one eye, counted twice.

    ``moved``: what is asked elsewhere than before, and the field that says so.
    """
    found = (
        select(
            Eye.code,
            Eye.path,
            Eye.retired_at,
            Device.code,
            Device.host,
            Device.port,
            Device.point_id,
            Site.code,
        )
        .join(Device, Eye.device_id == Device.id)
        .join(Site, Device.site_id == Site.id)
        .order_by(Eye.code)
    )
    at: dict[tuple[str, str, int, str], list[_Place]] = {}
    for eye, path, retired, device, host, port, point_id, site in session.execute(found):
        own = after.get((Kind.EYE, eye), {"path": path, "retired": retired})
        there = after.get((Kind.DEVICE, device), {"host": host, "port": port, "site": site})
        if own["path"] and there["host"] and own["retired"] is None:
            key = (there["site"], there["host"], there["port"], own["path"])
            at.setdefault(key, []).append(_Place(eye, device, point_id in selection.within))
    for same in at.values():
        for place in same if len(same) > 1 else ():
            other = next(each for each in same if each is not place)
            fault = FieldFault.of(Fault.DUPLICATE_EYE, eye=other.eye if other.visible else "…")
            slug = moved.get((Kind.EYE, place.eye)) or moved.get((Kind.DEVICE, place.device))
            if slug is not None:
                yield Refused(slug, place.eye, fault)
