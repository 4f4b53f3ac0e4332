"""Writes a plan without faults into the registry, within the caller's transaction."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import insert, select
from sqlalchemy.orm import Session
from sqlalchemy.sql.schema import ScalarElementColumnDefault

from camera_registry import audit
from camera_registry.audit import Action, Actor, Change
from camera_registry.credentials import CredentialStore
from camera_registry.imports.plan import DeviceDraft, EyeDraft, Options, Plan, PointDraft
from camera_registry.inventory import DeviceKind, add_site, withdraw_access
from camera_registry.models import Base, Credential, Device, Eye, Point, PointUnit

LONGEST_FILE_NAME = 150  # characters of it that are kept

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
    changes: list[Change] = field(default_factory=list)
    credentials: list[str] = field(default_factory=list)  # the names of those that were made or changed
    withdrawn: list[str] = field(default_factory=list)  # the codes of eyes whose access was


@dataclass(slots=True)
class _Told:
    """Collects what is made and changed; a database id is told by the name of what it is of."""

    changes: list[Change]
    names: dict[str, Mapping[int, str]]  # by column

    def note(self, subject: str, before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
        told_before = None if before is None else self._named(before)
        self.changes.append(Change(subject, told_before, self._named(after)))

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            name.removesuffix("_id"): self.names[name].get(value) if name in self.names else value
            for name, value in values.items()
        }


def write_plan(
    session: Session, credentials: CredentialStore, plan: Plan, options: Options, now: datetime
) -> Written:
    """Make and change what the plan says. Nothing is started: an eye is probed when somebody starts it."""
    written = Written()
    sets = {name: row.id for name, row in plan.known.credentials.items()}
    if plan.logins:
        sets |= credentials.put_all(session, plan.logins, now=now)
        changed = session.scalars(select(Credential.name).where(Credential.changed_at == now))
        written.credentials = sorted(plan.logins.keys() & set(changed))
    sites = {code: site.id for code, site in plan.known.sites.items()}
    devices = [device for point in plan.points for device in point.devices]
    eyes = [eye for device in devices for eye in device.eyes]
    for code in sorted({device.site for device in devices} - sites.keys()):
        sites[code] = add_site(session, code).id
        written.changes.append(Change(f"site:{code}", None, {"code": code}))
    of_sets = {id_: name for name, id_ in sets.items()}
    told = _Told(
        written.changes,
        {
            "site_id": {id_: code for code, id_ in sites.items()},
            "point_id": {id_: point.code for id_, point in plan.known.points.items()},
            "device_id": {id_: device.code for id_, device in plan.known.devices.items()},
            "credential_id": of_sets,
            "onvif_credential_id": of_sets,
        },
    )
    point_values = [(point, _point_values(point)) for point in plan.points]
    point_ids = _write(session, Point, point_values, written.points, told)
    told.names["point_id"] = {id_: draft.code for draft, id_ in point_ids.items()} | told.names["point_id"]
    _place(session, plan, point_ids, now.astimezone(options.zone).date(), told)
    hosts = Counter((device.site, device.now("host")) for device in devices)
    device_values = [
        (device, _device_values(device, sites, sets, hosts) | {"point_id": point_ids[device.point]})
        for device in devices
    ]
    device_ids = _write(session, Device, device_values, written.devices, told)
    told.names["device_id"] = {id_: draft.code for draft, id_ in device_ids.items()} | told.names["device_id"]
    eye_values = [(eye, eye.values | {"device_id": device_ids[eye.device]}) for eye in eyes]
    eye_ids = _write(session, Eye, eye_values, written.eyes, told)
    for draft in eyes:
        if draft.withdrawn_on is not None and getattr(draft.existing, "access_withdrawn_at", None) is None:
            day = datetime.combine(draft.withdrawn_on, time(), options.zone)
            withdraw_access(session, session.get_one(Eye, eye_ids[draft]), day)
            written.withdrawn.append(draft.code)
    written.changes = _together(written.changes)
    session.flush()
    return written


def note_import(session: Session, actor: Actor, now: datetime, file: str, written: Written) -> None:
    """Write into the audit what an import wrote: the file with its counts, and each thing with its values."""
    counts = {
        name: {"new": tally.new, "changed": tally.changed, "same": tally.same}
        for name, tally in (("points", written.points), ("devices", written.devices), ("eyes", written.eyes))
    }
    audit.record(session, actor, Action.IMPORTED, f"file:{file[:LONGEST_FILE_NAME]}", now, detail=counts)
    audit.record_changes(session, actor, written.changes, now)
    for name in written.credentials:
        audit.record(session, actor, Action.CREDENTIAL_SAVED, f"credential:{name}", now)
    for code in written.withdrawn:
        audit.record(session, actor, Action.ACCESS_WITHDRAWN, f"eye:{code}", now)


def _point_values(draft: PointDraft) -> dict[str, Any]:
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


def _together(changes: Iterable[Change]) -> list[Change]:
    """One change of each thing: a new point and the unit that it lies in are one."""
    found: dict[str, Change] = {}
    for change in changes:
        first = found.get(change.subject)
        if first is None:
            found[change.subject] = change
        else:
            before = None if first.before is None else {**first.before, **(change.before or {})}
            found[change.subject] = Change(change.subject, before, {**first.after, **change.after})
    return list(found.values())


def _place(
    session: Session, plan: Plan, point_ids: Mapping[PointDraft, int], today: date, told: _Told
) -> None:
    """Where the points lie. A successor of a point's unit says nothing new; an older part of it says more."""
    tree = plan.known.tree
    new: list[dict[str, Any]] = []
    for draft, point_id in point_ids.items():
        unit, membership = draft.unit, plan.known.memberships.get(point_id)
        if unit is None:
            continue
        former = tree.units[membership.unit_id].uid if membership is not None else None
        if membership is None:
            new.append({"point_id": point_id, "unit_id": unit.id, "valid_from": None})
        elif not tree.same_place(membership.unit_id, unit.id):
            if membership.valid_from == today:
                membership.unit_id = unit.id
            else:
                new.append({"point_id": point_id, "unit_id": unit.id, "valid_from": today})
        elif unit.valid_to is not None and tree.units[membership.unit_id].valid_to is None:
            membership.unit_id = unit.id  # the lowest historical unit; the present one follows from it
        else:
            continue
        told.note(f"point:{draft.code}", {"unit": former}, {"unit": unit.uid})
    if new:
        session.execute(insert(PointUnit), new)


def _write(
    session: Session,
    model: type[_Row],
    drafts: Sequence[tuple[_Draft, dict[str, Any]]],
    tally: Tally,
    told: _Told,
) -> dict[_Draft, int]:
    """Insert the new and change the known; gives the database id of every draft.

    New rows go in as plain dictionaries: ten thousand mapped objects would take five seconds more.
    """
    ids: dict[_Draft, int] = {}
    new: list[tuple[_Draft, dict[str, Any]]] = []
    for draft, said in drafts:
        values = {k: str(v) if isinstance(v, StrEnum) else v for k, v in said.items() if v is not None}
        subject = f"{model.__tablename__}:{draft.code}"
        if draft.existing is None:
            new.append((draft, values | {"code": draft.code}))
            told.note(subject, None, values)
            continue
        ids[draft] = draft.existing.id
        differing = {k: v for k, v in values.items() if getattr(draft.existing, k) != v}
        before = {name: getattr(draft.existing, name) for name in differing}
        for name, value in differing.items():
            setattr(draft.existing, name, value)
        if differing:
            tally.changed += 1
            told.note(subject, before, differing)
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
