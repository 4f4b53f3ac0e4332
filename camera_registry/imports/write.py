"""Writes a plan without faults into the registry, within the caller's transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from camera_registry.credentials import CredentialStore
from camera_registry.imports.plan import DeviceDraft, EyeDraft, Options, Plan, PointDraft
from camera_registry.inventory import DeviceKind, add_site, withdraw_access
from camera_registry.models import Device, Eye, Point, PointUnit

_Row = TypeVar("_Row", Point, Device, Eye)


@dataclass(slots=True)
class Tally:
    """How many of one kind are new, were changed, and were as the file says."""

    new: int = 0
    changed: int = 0
    same: int = 0


@dataclass(slots=True)
class Written:
    points: Tally = field(default_factory=Tally)
    devices: Tally = field(default_factory=Tally)
    eyes: Tally = field(default_factory=Tally)


def write_plan(
    session: Session, credentials: CredentialStore, plan: Plan, options: Options, now: datetime
) -> Written:
    """Make and change what the plan says. Nothing is started: an eye is probed when somebody starts it."""
    written = Written()
    sets = {name: row.id for name, row in plan.known.credentials.items()}
    if plan.logins:
        sets |= credentials.put_all(session, plan.logins, now=now)
    sites = {code: site.id for code, site in plan.known.sites.items()}
    for code in sorted({device.site for point in plan.points for device in point.devices} - sites.keys()):
        sites[code] = add_site(session, code).id
    points = [(point, _point(session, point, written.points)) for point in plan.points]
    session.flush()
    for draft, point in points:
        _place(session, plan, draft, point, now.astimezone(options.zone))
    hosts = _shared_hosts(plan)
    devices = [
        (device, _device(session, device, point, sites, sets, hosts, written.devices))
        for draft, point in points
        for device in draft.devices
    ]
    session.flush()
    eyes = [
        (eye, _eye(session, eye, device, written.eyes))
        for device_draft, device in devices
        for eye in device_draft.eyes
    ]
    session.flush()
    for eye_draft, eye in eyes:
        if eye_draft.withdrawn_on is not None and eye.access_withdrawn_at is None:
            day = datetime.combine(eye_draft.withdrawn_on, time(), options.zone)
            withdraw_access(session, eye, day)
    session.flush()
    return written


def _point(session: Session, draft: PointDraft, tally: Tally) -> Point:
    values = dict(draft.values)
    if draft.notes:
        values["note"] = "; ".join(draft.notes)
    if draft.existing is None:
        return _made(session, Point(code=draft.code, **_plain(values)), tally)
    return _changed(draft.existing, values, tally)


def _place(session: Session, plan: Plan, draft: PointDraft, point: Point, today: datetime) -> None:
    """Where the point lies. A successor of its unit says nothing new, an older part of it says more."""
    unit = draft.unit
    if unit is None:
        return
    membership = plan.known.memberships.get(point.id)
    if membership is None:
        session.add(PointUnit(point_id=point.id, unit_id=unit.id, valid_from=None))
    elif not plan.known.tree.same_place(membership.unit_id, unit.id):
        if membership.valid_from == today.date():
            membership.unit_id = unit.id
        else:
            session.add(PointUnit(point_id=point.id, unit_id=unit.id, valid_from=today.date()))
    elif unit.valid_to is not None and plan.known.tree.units[membership.unit_id].valid_to is None:
        membership.unit_id = unit.id  # the lowest historical unit; the present one follows from it


def _device(
    session: Session,
    draft: DeviceDraft,
    point: Point,
    sites: Mapping[str, int],
    sets: Mapping[str, int],
    hosts: Mapping[tuple[str, str], int],
    tally: Tally,
) -> Device:
    values = {**draft.values, "site_id": sites[draft.site]}
    if draft.credential is not None:
        values["credential_id"] = sets[draft.credential]
    if draft.existing is not None:
        return _changed(draft.existing, values, tally)
    if "kind" not in values:
        many = len(draft.eyes) > 1 or hosts.get((draft.site, values.get("host", "")), 0) > 1
        values["kind"] = DeviceKind.RECORDER if many else DeviceKind.CAMERA
    return _made(session, Device(code=draft.code, point_id=point.id, **_plain(values)), tally)


def _shared_hosts(plan: Plan) -> dict[tuple[str, str], int]:
    """How many devices of the file answer at one host: a recorder serves several points."""
    hosts: dict[tuple[str, str], int] = {}
    for point in plan.points:
        for device in point.devices:
            if "host" in device.values:
                key = (device.site, device.values["host"])
                hosts[key] = hosts.get(key, 0) + 1
    return hosts


def _eye(session: Session, draft: EyeDraft, device: Device, tally: Tally) -> Eye:
    if draft.existing is None:
        return _made(session, Eye(code=draft.code, device_id=device.id, **_plain(draft.values)), tally)
    return _changed(draft.existing, draft.values, tally)


def _made(session: Session, row: _Row, tally: Tally) -> _Row:
    session.add(row)
    tally.new += 1
    return row


def _changed(row: _Row, values: dict[str, Any], tally: Tally) -> _Row:
    differing = {
        name: value
        for name, value in _plain(values).items()
        if value is not None and getattr(row, name) != value
    }
    for name, value in differing.items():
        setattr(row, name, value)
    if differing:
        tally.changed += 1
    else:
        tally.same += 1
    return row


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: str(value) if isinstance(value, StrEnum) else value for name, value in values.items()}
