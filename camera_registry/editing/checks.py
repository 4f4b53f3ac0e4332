"""What cannot be of a point, a device or an eye that is changed; only of what the change touches.

What was wrong before, and is not touched, hinders nobody from changing something else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry.editing.fields import SUSPENDED_FROM, SUSPENDED_UNTIL, Field, FieldFault
from camera_registry.editing.selection import Thing
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


def faults(session: Session, changed: Sequence[Changed]) -> Iterator[Refused]:
    """Everything that cannot be, thing by thing."""
    checks = {Kind.EYE: _of_eye, Kind.DEVICE: _of_device, Kind.POINT: _of_point}
    after: dict[tuple[Kind, str], Mapping[str, Any]] = {}
    for each in changed:
        thing = each.thing
        now = {**thing.values, **{change.field.slug: change.after for change in each.changes}}
        after[thing.kind, thing.code] = now
        touched = {change.field.slug for change in each.changes}
        for slug, fault in checks[thing.kind](session, thing, now):
            if slug in touched:
                yield Refused(slug, thing.code, fault)
    if any(change.field.slug in _WHERE for each in changed for change in each.changes):
        yield from _doubles(session, after)


def _of_eye(session: Session, thing: Thing, now: Mapping[str, Any]) -> Iterator[tuple[str, FieldFault]]:
    for earlier, later in _ORDERED:
        first, last = now[earlier], now[later]
        if first is not None and last is not None and last < first:
            fault = FieldFault.of(Fault.DATE_ORDER, other=f"{first:%d/%m/%Y}")
            yield from ((slug, fault) for slug in (later, earlier))
    if now[SUSPENDED_UNTIL] is not None and now[SUSPENDED_FROM] is None:
        yield SUSPENDED_UNTIL, FieldFault(N_("The eye is not suspended."))
    assert isinstance(thing.row, Eye)
    device = session.get_one(Device, thing.row.device_id)
    if now["reach"] == Reach.NETWORK and now["path"] is None:
        fault = FieldFault.of(Fault.PATH_MISSING)
        yield from (("reach", fault), ("path", fault))
    if now["reach"] == Reach.NETWORK and device.host is None:
        yield "reach", FieldFault.of(Fault.HOST_MISSING)
    holder = session.scalar(
        select(Eye.code).where(
            Eye.device_id == device.id, Eye.channel == now["channel"], Eye.id != thing.row.id
        )
    )
    if holder is not None:
        yield "channel", FieldFault.of(Fault.DUPLICATE_CHANNEL, channel=now["channel"], eye=holder)


def _of_device(session: Session, thing: Thing, now: Mapping[str, Any]) -> Iterator[tuple[str, FieldFault]]:
    if now["tls_check"] == TlsCheck.PIN and not now["tls_pin"]:
        fault = FieldFault.of(Fault.FINGERPRINT_MISSING)
        yield from (("tls_check", fault), ("tls_pin", fault))
    asked = select(Eye.code).where(Eye.device_id == thing.row.id, Eye.reach == Reach.NETWORK).limit(1)
    if now["host"] is None and session.scalar(asked) is not None:
        yield "host", FieldFault.of(Fault.HOST_MISSING)


def _of_point(session: Session, thing: Thing, now: Mapping[str, Any]) -> Iterator[tuple[str, FieldFault]]:
    if (now["latitude"] is None) != (now["longitude"] is None):
        fault = FieldFault.of(Fault.POSITION_INCOMPLETE)
        yield from (("latitude", fault), ("longitude", fault))
    eyes = select(func.count()).select_from(Eye).join(Device, Eye.device_id == Device.id)
    count = session.scalar(eyes.where(Device.point_id == thing.row.id, Eye.retired_at.is_(None))) or 0
    if now["k"] > max(count, 1):
        yield "k", FieldFault.of(Fault.K_TOO_LARGE, k=now["k"], n=count)


def _doubles(session: Session, after: Mapping[tuple[Kind, str], Mapping[str, Any]]) -> Iterator[Refused]:
    """No two eyes of one address and path: it would be one eye, counted twice."""
    found = (
        select(Eye.code, Eye.path, Eye.retired_at, Device.code, Device.host, Device.port, Site.code)
        .join(Device, Eye.device_id == Device.id)
        .join(Site, Device.site_id == Site.id)
        .order_by(Eye.code)
    )
    seen: dict[tuple[str, str, int, str], list[tuple[str, str]]] = {}
    for eye, path, retired, device, host, port, site in session.execute(found):
        own = after.get((Kind.EYE, eye), {"path": path, "retired": retired})
        there = after.get((Kind.DEVICE, device), {"host": host, "port": port, "site": site})
        if own["path"] and there["host"] and own["retired"] is None:
            seen.setdefault((there["site"], there["host"], there["port"], own["path"]), []).append(
                (eye, device)
            )
    for same in seen.values():
        for eye, device in same:
            slug = next(
                (
                    s
                    for s, key in (("path", (Kind.EYE, eye)), ("host", (Kind.DEVICE, device)))
                    if key in after
                ),
                None,
            )
            if len(same) > 1 and slug is not None:
                other = next(code for code, _ in same if code != eye)
                yield Refused(slug, eye, FieldFault.of(Fault.DUPLICATE_EYE, eye=other))
