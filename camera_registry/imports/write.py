"""Writes a plan without faults into the registry, within the caller's transaction."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import insert
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from camera_registry.credentials import CredentialStore
from camera_registry.imports.plan import DeviceDraft, EyeDraft, Options, Plan, PointDraft
from camera_registry.inventory import DeviceKind, add_site, withdraw_access
from camera_registry.models import Base, Device, Eye, Point, PointUnit

_Row = TypeVar("_Row", Point, Device, Eye)
_Draft = TypeVar("_Draft", PointDraft, DeviceDraft, EyeDraft)


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
    devices = [device for point in plan.points for device in point.devices]
    eyes = [eye for device in devices for eye in device.eyes]
    for code in sorted({device.site for device in devices} - sites.keys()):
        sites[code] = add_site(session, code).id
    point_ids = _write(
        session, Point, [(point, point_values(point)) for point in plan.points], written.points
    )
    _place(session, plan, point_ids, now.astimezone(options.zone).date())
    hosts = Counter((device.site, device.now("host")) for device in devices)
    device_values = [
        (device, _device_values(device, sites, sets, hosts) | {"point_id": point_ids[device.point]})
        for device in devices
    ]
    device_ids = _write(session, Device, device_values, written.devices)
    eye_values = [(eye, eye.values | {"device_id": device_ids[eye.device]}) for eye in eyes]
    eye_ids = _write(session, Eye, eye_values, written.eyes)
    for draft in eyes:
        if draft.withdrawn_on is not None and getattr(draft.existing, "access_withdrawn_at", None) is None:
            day = datetime.combine(draft.withdrawn_on, time(), options.zone)
            withdraw_access(session, session.get_one(Eye, eye_ids[draft]), day)
    session.flush()
    return written


def point_values(draft: PointDraft) -> dict[str, Any]:
    """What rows say of a point, by the columns of its table."""
    return draft.values | ({"note": "; ".join(draft.notes)} if draft.notes else {})


def _device_values(
    draft: DeviceDraft,
    sites: Mapping[str, int],
    sets: Mapping[str, int],
    hosts: Mapping[tuple[str, str | None], int],
) -> dict[str, Any]:
    values = draft.values | {"site_id": sites[draft.site]}
    if draft.credential is not None:
        values["credential_id"] = sets[draft.credential]
    if draft.onvif_credential is not None:
        values["onvif_credential_id"] = sets[draft.onvif_credential]
    if draft.existing is None and "kind" not in values:
        # Several eyes at one address, or one address at several points: that is a recorder.
        shared = draft.now("host") is not None and hosts[draft.site, draft.now("host")] > 1
        values["kind"] = DeviceKind.RECORDER if shared or len(draft.eyes) > 1 else DeviceKind.CAMERA
    return values


def _place(session: Session, plan: Plan, point_ids: Mapping[PointDraft, int], today: date) -> None:
    """Where the points lie. A successor of a point's unit says nothing new; an older part of it says more."""
    tree = plan.known.tree
    new: list[dict[str, Any]] = []
    for draft, point_id in point_ids.items():
        unit, membership = draft.unit, plan.known.memberships.get(point_id)
        if unit is None:
            continue
        if membership is None:
            new.append({"point_id": point_id, "unit_id": unit.id, "valid_from": None})
        elif not tree.same_place(membership.unit_id, unit.id):
            if membership.valid_from == today:
                membership.unit_id = unit.id
            else:
                new.append({"point_id": point_id, "unit_id": unit.id, "valid_from": today})
        elif unit.valid_to is not None and tree.units[membership.unit_id].valid_to is None:
            membership.unit_id = unit.id  # the lowest historical unit; the present one follows from it
    if new:
        session.execute(insert(PointUnit), new)


def _write(
    session: Session, model: type[_Row], drafts: Sequence[tuple[_Draft, dict[str, Any]]], tally: Tally
) -> dict[_Draft, int]:
    """Insert the new and change the known; gives the database id of every draft.

    New rows go in as plain dictionaries: ten thousand mapped objects would take five seconds more.
    """
    ids: dict[_Draft, int] = {}
    new: list[tuple[_Draft, dict[str, Any]]] = []
    for draft, said in drafts:
        values = {k: str(v) if isinstance(v, StrEnum) else v for k, v in said.items() if v is not None}
        if draft.existing is None:
            new.append((draft, values | {"code": draft.code}))
            continue
        ids[draft] = draft.existing.id
        differing = {k: v for k, v in values.items() if getattr(draft.existing, k) != v}
        for name, value in differing.items():
            setattr(draft.existing, name, value)
        if differing:
            tally.changed += 1
        else:
            tally.same += 1
    if new:
        blank = _defaults(model)
        made = session.scalars(
            insert(model).returning(model.id, sort_by_parameter_order=True),
            [blank | values for _, values in new],
        ).all()
        ids |= {draft: row_id for (draft, _), row_id in zip(new, made, strict=True)}
    tally.new += len(new)
    return ids


def _defaults(model: type[Base]) -> dict[str, Any]:
    """A row with nothing said: executing many inserts at once wants the same columns in each."""
    return {
        column.name: column.default.arg if isinstance(column.default, ScalarElementColumnDefault) else None
        for column in model.__table__.columns
        if not column.primary_key
    }
