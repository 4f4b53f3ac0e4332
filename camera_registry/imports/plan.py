"""What the rows of an inventory mean for the registry: which points, devices and eyes they speak of.

Nothing is written here. A row finds what it speaks of by its codes; without codes by name and unit (a
point), by address (a device), by path or channel (an eye), so that importing a file again changes nothing.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, tzinfo
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry.brands import brand_of, paths_of
from camera_registry.imports.faults import Fault, Problem
from camera_registry.imports.rows import Row
from camera_registry.inventory import DeviceKind, Reach, StreamChoice
from camera_registry.models import Credential, Device, Eye, Point, PointUnit, Site
from camera_registry.spelling import clean, fold, spelled
from camera_registry.units import AmbiguousUnit, UnitError, UnitNotValid, UnitTree, UnitVersion
from probes.result import TlsCheck

RTSP_PORT = 554
RTSPS_PORT = 322  # RFC 7826, 19.1
FIRST_SITE = "main"  # made when an inventory comes before any site
POINT_COLUMNS = ("address", "residential_group", "k", "funding", "signage", "keep_pictures_days")
DEVICE_COLUMNS = (
    "kind",
    "manufacturer",
    "model",
    "serial",
    "firmware",
    "imported_on",
    "certificate",
    "web_port",
    "web_tls",
    "onvif_port",
    "tls_check",
    "tls_pin",
    "basic_allowed",
    "sessions",
    "sub_stream",
)
EYE_COLUMNS = (
    "purpose",
    "ptz",
    "required_days",
    "snapshot_path",
    "access_document",
    "access_date",
    "access_until",
)


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is to be read. ``units_on`` is the day whose units its names and codes mean."""

    units_on: date
    zone: tzinfo
    site: str | None = None
    unit: str | None = None
    prefix: str = "YB"  # of codes for points that have none


@dataclass(slots=True, eq=False)
class Draft:
    """What rows say of one thing: model columns and values, and the row that said each first."""

    row: Row
    values: dict[str, Any] = field(default_factory=dict)
    said_by: dict[str, Row] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class PointDraft(Draft):
    code: str = ""  # "" until one is given out
    existing: Point | None = None
    unit: UnitVersion | None = None
    devices: "list[DeviceDraft]" = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class DeviceDraft(Draft):
    point: PointDraft = field(kw_only=True)
    site: str = field(kw_only=True)
    code: str = ""
    existing: Device | None = None
    eyes: "list[EyeDraft]" = field(default_factory=list)
    credential: str | None = None
    onvif_credential: str | None = None
    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    basic_left_off: bool = False  # the file allows Basic, and the registry does not

    def now(self, column: str) -> Any:
        """The value that the device will have."""
        found = self.values.get(column)
        return getattr(self.existing, column) if found is None and self.existing is not None else found


@dataclass(slots=True, eq=False)
class EyeDraft(Draft):
    device: DeviceDraft = field(kw_only=True)
    code: str = ""
    existing: Eye | None = None
    withdrawn_on: date | None = None


@dataclass(slots=True)
class Plan:
    known: "Known"
    points: list[PointDraft] = field(default_factory=list)
    logins: dict[str, tuple[str | None, str | None]] = field(default_factory=dict, repr=False)
    problems: list[Problem] = field(default_factory=list)


class Known:
    """The registry as it stands, in hand: a file of ten thousand rows asks it ten thousand times."""

    def __init__(self, session: Session) -> None:
        self.tree = UnitTree.load(session)
        self.sites = {site.code: site for site in session.scalars(select(Site).order_by(Site.id))}
        self.site_codes = {site.id: site.code for site in self.sites.values()}
        self.points = {point.id: point for point in session.scalars(select(Point).order_by(Point.code))}
        self.devices = {device.id: device for device in session.scalars(select(Device).order_by(Device.code))}
        self.eyes = {eye.id: eye for eye in session.scalars(select(Eye).order_by(Eye.code))}
        self.credentials = {row.name: row for row in session.scalars(select(Credential))}
        self.credential_names = {row.id: name for name, row in self.credentials.items()}
        self.memberships: dict[int, PointUnit] = {}  # the newest of each point
        for membership in session.scalars(
            select(PointUnit).order_by(PointUnit.valid_from.asc().nulls_first(), PointUnit.id)
        ):
            self.memberships[membership.point_id] = membership
        self.point_codes = {code_key(point.code): point for point in self.points.values()}
        self.device_codes = {code_key(device.code): device for device in self.devices.values()}
        self.eye_codes = {code_key(eye.code): eye for eye in self.eyes.values()}
        self.namesakes: dict[str, list[Point]] = defaultdict(list)
        for point in self.points.values():
            self.namesakes[spelled(point.name)].append(point)
        self.devices_at: dict[int, list[Device]] = defaultdict(list)
        for device in self.devices.values():
            self.devices_at[device.point_id].append(device)
        self.eyes_of: dict[int, list[Eye]] = defaultdict(list)
        for eye in self.eyes.values():
            self.eyes_of[eye.device_id].append(eye)


def code_key(code: str) -> str:
    """Codes are compared without case, and numbers without the zeros that spreadsheets drop."""
    key = clean(code).casefold()
    return key.lstrip("0") if key.isdigit() else key


def make_plan(
    known: Known,
    rows: Sequence[Row],
    options: Options,
    track: Callable[[Sequence[Row]], Iterable[Row]] = iter,
) -> Plan:
    """Find or draft everything that the rows speak of; every fault stands in ``Plan.problems``."""
    planner = _Planner(known, options)
    for row in track(rows):
        planner.take(row)
    planner.finish()
    return planner.plan


class _Planner:
    def __init__(self, known: Known, options: Options) -> None:
        self.known = known
        self.options = options
        self.plan = Plan(known)
        self.by_code: dict[str, PointDraft] = {}
        self.by_name: dict[tuple[str, int], PointDraft] = {}
        self.by_point: dict[int, PointDraft] = {}
        self.devices_by_code: dict[str, DeviceDraft] = {}
        self.devices_by_id: dict[int, DeviceDraft] = {}
        self.devices_by_address: dict[tuple[PointDraft, str, str, int], DeviceDraft] = {}
        self.eyes_by_code: dict[str, EyeDraft] = {}
        self.resolved: dict[str, UnitVersion | UnitError] = {}

    # --- one row -----------------------------------------------------------------------------------

    def take(self, row: Row) -> None:
        self._check_row(row)
        point = self._point(row)
        if point is None:
            return
        self._tell_point(point, row)
        site = self._site(row)
        if site is None:
            return
        count = 1 if row.count is None else row.count
        if count > 1 and (row.eye_code or (row.path and row.path.path and "{c}" not in row.path.path)):
            self._fault(row, "count", Fault.COUNT_WITH_ONE_EYE, count=count)
            return
        for device, eyes in self._devices(row, point, site, count):
            self._tell_device(device, row)
            for nth in range(eyes):
                self._eye(row, device, None if row.channel is None else row.channel + nth)

    def _check_row(self, row: Row) -> None:
        places = {"latitude": row.latitude, "longitude": row.longitude}
        missing = [name for name, value in places.items() if value is None and name not in row.bad]
        if len(missing) == 1 and row.position is None:
            self._fault(row, missing[0], Fault.POSITION_INCOMPLETE)
        for earlier, later in (
            ("commissioned", "retired"),
            ("access_date", "access_until"),
            ("access_date", "access_withdrawn"),
        ):
            first, last = getattr(row, earlier), getattr(row, later)
            if first is not None and last is not None and last < first:
                self._fault(row, later, Fault.DATE_ORDER, other=f"{first:%d/%m/%Y}")
        for name in ("host", "port", "tls", "path", "user", "password"):
            said = {value for value in self._address(row, name) if value is not None}
            if len(said) > 1:
                self._fault(row, name, Fault.URL_CONFLICT)

    def _address(self, row: Row, name: str) -> tuple[Any, ...]:
        """What the columns and the URLs of a row say of one part of its address."""
        column = getattr(row, name) if name not in ("host", "path") else None
        return (column, *(getattr(cell, name) for cell in (row.host, row.path) if cell is not None))

    def _said(self, row: Row, name: str) -> Any:
        return next((value for value in self._address(row, name) if value is not None), None)

    # --- the point ---------------------------------------------------------------------------------

    def _point(self, row: Row) -> PointDraft | None:
        if "point_code" in row.bad:
            return None
        if row.point_code is None and row.point_name is None and row.eye_code is not None:
            eye = self.known.eye_codes.get(code_key(row.eye_code))
            if eye is not None:
                return self._known_point(self.known.devices[eye.device_id].point_id, row)
        key = code_key(row.point_code) if row.point_code else ""
        existing = self.known.point_codes.get(key)
        unit = self._unit(row, optional=key in self.by_code or existing is not None)
        if key in self.by_code:
            return self._joined(self.by_code[key], row, unit)
        if existing is None and row.point_name is None:
            if "point_name" not in row.bad:
                self._fault(row, "point_name", Fault.NAME_MISSING)
            return None
        if existing is None and unit is None:
            return None
        if existing is not None:
            draft = self._known_point(existing.id, row)
        else:
            assert row.point_name is not None
            assert unit is not None
            found = self._by_name(row, row.point_name, unit)
            if found is None:
                return None
            draft = found
        if key:
            draft.code = draft.code or clean(row.point_code or "")
            self.by_code[key] = draft
        return self._joined(draft, row, unit)

    def _joined(self, draft: PointDraft, row: Row, unit: UnitVersion | None) -> PointDraft:
        if unit is not None and draft.unit is None:
            draft.unit = unit
        elif unit is not None and draft.unit is not None and draft.unit.id != unit.id:
            self._fault(row, "unit", Fault.POINT_CONFLICT, row_=draft.row)
        return draft

    def _by_name(self, row: Row, name: str, unit: UnitVersion) -> PointDraft | None:
        """A point without a known code: one of the same name at the same place, or a new one."""
        key = (spelled(name), unit.id)
        if not row.point_code and key in self.by_name:
            return self.by_name[key]
        if not row.point_code:
            found = [
                point
                for point in self.known.namesakes.get(key[0], ())
                if (at := self.known.memberships.get(point.id)) is not None
                and self.known.tree.same_place(at.unit_id, unit.id)
            ]
            same = [point for point in found if self.known.memberships[point.id].unit_id == unit.id]
            chosen = same or found
            if len(chosen) > 1:
                codes = ", ".join(point.code for point in chosen)
                self._fault(row, "point_name", Fault.POINT_AMBIGUOUS, text=name, codes=codes)
                return None
            if chosen:
                return self._known_point(chosen[0].id, row)
        draft = PointDraft(row)
        self.plan.points.append(draft)
        self.by_name.setdefault(key, draft)
        return draft

    def _known_point(self, point_id: int, row: Row) -> PointDraft:
        if point_id not in self.by_point:
            point = self.known.points[point_id]
            draft = PointDraft(row, code=point.code, existing=point)
            self.by_point[point_id] = self.by_code[code_key(point.code)] = draft
            self.plan.points.append(draft)
        return self.by_point[point_id]

    def _tell_point(self, point: PointDraft, row: Row) -> None:
        self._tell(point, row, "point_name", Fault.POINT_CONFLICT, column="name")
        for name in POINT_COLUMNS:
            self._tell(point, row, name, Fault.POINT_CONFLICT)
        self._tell(point, row, "point_required_days", Fault.POINT_CONFLICT, column="required_days")
        place = (row.latitude, row.longitude) if row.position is None else row.position
        if None not in place:
            for name, value in zip(("latitude", "longitude"), place, strict=True):
                self._tell(point, row, name, Fault.POINT_CONFLICT, value=value)
        if row.note is not None and row.note not in point.notes:
            point.notes.append(row.note)

    def _unit(self, row: Row, *, optional: bool) -> UnitVersion | None:
        """The unit that a row means: its code or name, the line above, the sheet, or the option."""
        if row.bad & {"unit", "unit_code"}:
            return None
        by_code = self._resolve(row, "unit_code", row.unit_code) if row.unit_code else None
        if row.unit is not None and by_code is not None:
            if fold(row.unit) not in (fold(by_code.name), *_bare_names(by_code)):
                self._fault(row, "unit", Fault.UNIT_MISMATCH, text=row.unit, unit=by_code)
            return by_code
        if row.unit is not None or row.unit_code is not None:
            return by_code if row.unit is None else self._resolve(row, "unit", row.unit)
        sheet = row.sheet if self.known.tree.knows(row.sheet) else None
        text = row.section or sheet or self.options.unit
        if text is None:
            if not optional:
                self._fault(row, "unit", Fault.UNIT_MISSING)
            return None
        return self._resolve(row, "unit", text)

    def _resolve(self, row: Row, name: str, text: str) -> UnitVersion | None:
        if text not in self.resolved:
            try:
                self.resolved[text] = self.known.tree.resolve(text, self.options.units_on)
            except UnitError as refused:
                self.resolved[text] = refused
        found = self.resolved[text]
        if isinstance(found, UnitVersion):
            return found
        faults = {UnitNotValid: Fault.UNIT_NOT_VALID, AmbiguousUnit: Fault.UNIT_AMBIGUOUS}
        fault = faults.get(type(found), Fault.UNIT_UNKNOWN)
        self.plan.problems.append(row.problem(name, fault, **found.values))
        return None

    # --- the device --------------------------------------------------------------------------------

    def _site(self, row: Row) -> str | None:
        sites = self.known.sites
        code = row.site or self.options.site
        if code is not None and code not in sites:
            self._fault(row, "site", Fault.SITE_UNKNOWN, text=code)
            return None
        if code is None and len(sites) > 1 and self._said(row, "host") is not None:
            self._fault(row, "site", Fault.SITE_MISSING)
            return None
        return code or next(iter(sites), FIRST_SITE)

    def _devices(self, row: Row, point: PointDraft, site: str, count: int) -> list[tuple[DeviceDraft, int]]:
        """The devices that a row speaks of, and how many of its eyes each has."""
        if row.device_code is not None:
            device = self._device_by_code(row, row.device_code, point, site)
            return [] if device is None else [(device, count)]
        if count == 0:
            return []
        eye = self.known.eye_codes.get(code_key(row.eye_code)) if row.eye_code else None
        if eye is not None:
            if self.known.devices[eye.device_id].point_id != getattr(point.existing, "id", None):
                there = self.known.devices[eye.device_id].code
                self._fault(row, "eye_code", Fault.EYE_ELSEWHERE, text=eye.code, device=there)
                return []
            return [(self._known_device(self.known.devices[eye.device_id], point, row), count)]
        host = self._said(row, "host")
        if host is not None:
            return [(self._device_by_address(row, host, point, site), count)]
        if row.kind is DeviceKind.RECORDER:
            return [(self._hostless(row, point, site), count)]
        return [(self._hostless(row, point, site), 1) for _ in range(count)]

    def _device_by_code(self, row: Row, code: str, point: PointDraft, site: str) -> DeviceDraft | None:
        key = code_key(code)
        existing = self.known.device_codes.get(key)
        draft = self.devices_by_code.get(key)
        if draft is None and existing is None:
            draft = self.devices_by_code[key] = self._new_device(row, point, site)
            draft.code = clean(code)
        elif draft is None and existing is not None:
            if existing.point_id != getattr(point.existing, "id", None):
                there = self.known.points[existing.point_id].code
                self._fault(row, "device_code", Fault.DEVICE_ELSEWHERE, text=code, point=there)
                return None
            draft = self._known_device(existing, point, row)
        assert draft is not None
        if draft.point is not point:
            there = draft.point.code or draft.point.values.get("name", "")
            self._fault(row, "device_code", Fault.DEVICE_ELSEWHERE, text=code, point=there)
            return None
        if (host := self._said(row, "host")) is not None:
            self.devices_by_address.setdefault((point, site, host, self._port(row)), draft)
        return draft

    def _device_by_address(self, row: Row, host: str, point: PointDraft, site: str) -> DeviceDraft:
        key = (point, site, host, self._port(row))
        if key not in self.devices_by_address:
            known = [
                device
                for device in self._known_devices(point)
                if (self.known.site_codes[device.site_id], device.host, device.port) == key[1:]
            ]
            self.devices_by_address[key] = (
                self._known_device(known[0], point, row) if known else self._new_device(row, point, site)
            )
        return self.devices_by_address[key]

    def _hostless(self, row: Row, point: PointDraft, site: str) -> DeviceDraft:
        """The next device of this point that no network reaches, in the order of the file and of codes."""
        for device in self._known_devices(point):
            if device.host is None and device.id not in self.devices_by_id:
                return self._known_device(device, point, row)
        return self._new_device(row, point, site)

    def _known_devices(self, point: PointDraft) -> list[Device]:
        return self.known.devices_at.get(point.existing.id, []) if point.existing is not None else []

    def _known_device(self, device: Device, point: PointDraft, row: Row) -> DeviceDraft:
        if device.id not in self.devices_by_id:
            site = self.known.site_codes[device.site_id]
            draft = DeviceDraft(row, point=point, site=site, code=device.code, existing=device)
            point.devices.append(draft)
            self.devices_by_id[device.id] = self.devices_by_code[code_key(device.code)] = draft
        return self.devices_by_id[device.id]

    def _new_device(self, row: Row, point: PointDraft, site: str) -> DeviceDraft:
        draft = DeviceDraft(row, point=point, site=site)
        point.devices.append(draft)
        return draft

    def _port(self, row: Row) -> int:
        default = RTSPS_PORT if self._said(row, "tls") else RTSP_PORT
        found = self._said(row, "port")
        return default if found is None else int(found)

    def _tell_device(self, device: DeviceDraft, row: Row) -> None:
        for name in DEVICE_COLUMNS:
            self._tell(device, row, name, Fault.DEVICE_CONFLICT)
        for name in ("host", "port", "tls"):
            self._tell(device, row, name, Fault.DEVICE_CONFLICT, value=self._said(row, name))
        if device.existing is None and "host" in device.values:
            device.values.setdefault("port", self._port(row))
        if row.site is not None:
            device.site = row.site
        for name, value in (
            ("credential", row.credential),
            ("onvif_credential", row.onvif_credential),
            ("user", self._said(row, "user")),
            ("password", self._said(row, "password")),
        ):
            if value is None:
                continue
            if getattr(device, name) not in (None, value):
                first = device.said_by[name]
                self._fault(row, name, Fault.CREDENTIAL_CONFLICT, row_=first)
            else:
                setattr(device, name, value)
                device.said_by.setdefault(name, row)

    # --- the eye -----------------------------------------------------------------------------------

    def _eye(self, row: Row, device: DeviceDraft, channel: int | None) -> None:
        if "eye_code" in row.bad:
            return
        existing = self._existing_eye(row, device, channel)
        key = code_key(row.eye_code) if row.eye_code else ""
        if key in self.eyes_by_code:
            first = self.eyes_by_code[key].row
            self._fault(row, "eye_code", Fault.DUPLICATE_CODE, text=row.eye_code, row_=first)
            return
        if existing is not None and existing.device_id != getattr(device.existing, "id", None):
            there = self.known.devices[existing.device_id].code
            self._fault(row, "eye_code", Fault.EYE_ELSEWHERE, text=row.eye_code, device=there)
            return
        draft = EyeDraft(row, device=device, existing=existing)
        draft.code = existing.code if existing is not None else clean(row.eye_code or "")
        if draft.code:
            self.eyes_by_code[code_key(draft.code)] = draft
        if channel is None:
            channel = existing.channel if existing is not None else self._free_channel(device, bool(key))
        holder = self._holder(device, channel, existing)
        if holder is not None:
            self._fault(row, "channel", Fault.DUPLICATE_CHANNEL, channel=channel, eye=holder)
            return
        device.eyes.append(draft)
        draft.values["channel"] = channel
        self._tell_eye(draft, row, channel)

    def _existing_eye(self, row: Row, device: DeviceDraft, channel: int | None) -> Eye | None:
        if row.eye_code is not None:
            return self.known.eye_codes.get(code_key(row.eye_code))
        if device.existing is None:
            return None
        taken = {draft.existing.id for draft in device.eyes if draft.existing is not None}
        free = [eye for eye in self.known.eyes_of.get(device.existing.id, ()) if eye.id not in taken]
        path = self._said(row, "path")
        if channel is None and path is not None:
            return next((eye for eye in free if eye.path == path), None)
        if channel is None:
            channel = self._free_channel(device, new=False)
        return next((eye for eye in free if eye.channel == channel), None)

    def _free_channel(self, device: DeviceDraft, new: bool) -> int:
        """The lowest channel that the file has not used; for a new eye, nor the registry."""
        used = {draft.values.get("channel") for draft in device.eyes}
        if new and device.existing is not None:
            used |= {eye.channel for eye in self.known.eyes_of.get(device.existing.id, ())}
        return next(number for number in range(1, len(used) + 2) if number not in used)

    def _holder(self, device: DeviceDraft, channel: int, own: Eye | None) -> str | None:
        """Who else has this channel of the device."""
        for draft in device.eyes:
            if draft.values["channel"] == channel:
                return draft.code or self._where(draft.row)
        moved = {draft.existing.id for draft in device.eyes if draft.existing is not None}
        if device.existing is not None:
            for eye in self.known.eyes_of.get(device.existing.id, ()):
                if eye.channel == channel and eye is not own and eye.id not in moved:
                    return eye.code
        return None

    def _tell_eye(self, draft: EyeDraft, row: Row, channel: int) -> None:
        values = draft.values
        for name in EYE_COLUMNS:
            if getattr(row, name) is not None:
                values[name] = getattr(row, name)
        if row.eye_name is not None:
            values["name"] = row.eye_name
        for name, column in (("commissioned", "commissioned_at"), ("retired", "retired_at")):
            if (day := getattr(row, name)) is not None:
                values[column] = self._moment(day, getattr(draft.existing, column, None))
        draft.withdrawn_on = row.access_withdrawn
        self._tell_way(draft, row, channel)

    def _tell_way(self, draft: EyeDraft, row: Row, channel: int) -> None:
        """How the eye is heard of, and its path: as written, or as its manufacturer's devices have it."""
        device, existing = draft.device, draft.existing
        host = device.now("host")
        if row.reach is not None:
            draft.values["reach"] = row.reach
        elif self._said(row, "host") is not None or (existing is None and host is not None):
            draft.values["reach"] = Reach.NETWORK
        elif existing is None:
            draft.values["reach"] = Reach.REPORTED
        network = draft.values.get("reach", getattr(existing, "reach", None)) == Reach.NETWORK
        path = self._said(row, "path")
        if path is not None:
            draft.values["path"] = path.replace("{c}", str(channel))
        elif network and (existing is None or existing.path is None) and "path" not in row.bad:
            choice = device.now("sub_stream") or StreamChoice.SUB
            known = brand_path(device.now("manufacturer") or "", StreamChoice(choice), channel)
            if known is None and host is not None:
                self._fault(row, "path", Fault.PATH_MISSING)
            draft.values["path"] = known
        if network and host is None and not row.bad & {"host", "path"}:
            self._fault(row, "host", Fault.HOST_MISSING)

    def _moment(self, day: date, before: datetime | None) -> datetime:
        """Midnight of ``day``; a moment of that very day that is known more exactly stays."""
        if before is not None and before.astimezone(self.options.zone).date() == day:
            return before
        return datetime.combine(day, time(), self.options.zone)

    # --- all rows together -------------------------------------------------------------------------

    def finish(self) -> None:
        self._give_codes()
        self._check_points()
        self._check_addresses()
        self._check_logins()
        self._hold_back_basic()

    def _give_codes(self) -> None:
        """New codes count on from the highest; those of devices and eyes begin with their point's."""
        pattern = re.compile(rf"{re.escape(self.options.prefix)}-(\d+)", re.IGNORECASE)
        taken = [point.code for point in self.known.points.values()]
        taken += [draft.code for draft in self.plan.points]
        numbers = [int(match[1]) for code in taken if (match := pattern.fullmatch(code))]
        number = max(numbers, default=0)
        devices = self.known.device_codes.keys() | self.devices_by_code.keys()
        eyes = self.known.eye_codes.keys() | self.eyes_by_code.keys()
        for point in self.plan.points:
            if not point.code:
                number += 1
                point.code = f"{self.options.prefix}-{number:04}"
            at_point = self._known_devices(point)
            new_devices = _numbered(f"{point.code}-D", len(at_point), devices, 1)
            new_eyes = _numbered(f"{point.code}-", 0, eyes, 2)
            for device in point.devices:
                device.code = device.code or next(new_devices)
                for eye in device.eyes:
                    eye.code = eye.code or next(new_eyes)

    def _check_points(self) -> None:
        for point in self.plan.points:
            k = point.values.get("k")
            known = {
                eye.id
                for device in self._known_devices(point)
                for eye in self.known.eyes_of.get(device.id, ())
                if eye.retired_at is None
            }
            drafts = [eye for device in point.devices for eye in device.eyes]
            known |= {eye.existing.id for eye in drafts if eye.existing is not None}
            count = len(known) + sum(eye.existing is None for eye in drafts)
            if k is not None and k > max(count, 1):
                self._fault(point.said_by["k"], "k", Fault.K_TOO_LARGE, k=k, n=count)

    def _check_addresses(self) -> None:
        """No two eyes of one address and path: it would be one eye, counted twice."""
        drafts = [eye for point in self.plan.points for device in point.devices for eye in device.eyes]
        told = {eye.existing.id for eye in drafts if eye.existing is not None}
        seen: dict[tuple[str, str, int, str], str] = {}
        for known in self.known.eyes.values():
            device = self.known.devices[known.device_id]
            if known.id not in told and device.host and known.path and known.retired_at is None:
                site = self.known.site_codes[device.site_id]
                seen[site, device.host, device.port, known.path] = known.code
        for eye in drafts:
            path = eye.values.get("path") or getattr(eye.existing, "path", None)
            host = eye.device.now("host")
            retired = eye.values.get("retired_at") or getattr(eye.existing, "retired_at", None)
            if not host or not path or retired is not None:
                continue
            key = (eye.device.site, host, eye.device.now("port") or RTSP_PORT, path)
            if key in seen:
                self._fault(eye.row, "path", Fault.DUPLICATE_EYE, eye=seen[key])
            else:
                seen[key] = f"{eye.code} ({self._where(eye.row)})"

    def _check_logins(self) -> None:
        devices = [device for point in self.plan.points for device in point.devices]
        made = {device.credential for device in devices if device.password is not None}
        first: dict[str, DeviceDraft] = {}
        for device in devices:
            self._check_login(device, first, made)
            name = device.onvif_credential
            if name is not None and name not in made and name not in self.known.credentials:
                row = device.said_by["onvif_credential"]
                self._fault(row, "onvif_credential", Fault.CREDENTIAL_UNKNOWN, text=name)
            if device.now("tls_check") == TlsCheck.PIN and not device.now("tls_pin"):
                row = device.said_by.get("tls_check", device.row)
                self._fault(row, "tls_check", Fault.FINGERPRINT_MISSING)

    def _check_login(self, device: DeviceDraft, first: dict[str, DeviceDraft], made: set[str | None]) -> None:
        given = device.user is not None or device.password is not None
        if device.credential is None and not given:
            return
        name = device.credential = device.credential or device.code
        row = device.said_by[
            next(what for what in ("password", "user", "credential") if what in device.said_by)
        ]
        if row.bad & {"user", "password"}:
            return
        existing = self.known.credentials.get(name)
        opens = existing is not None and existing.sealed is not None
        if given and device.eyes and all(self._withdrawn(eye) for eye in device.eyes):
            self._fault(row, "password", Fault.ACCESS_WITHDRAWN)
        elif given and name in first and self.plan.logins[name] != (device.user, device.password):
            self._fault(row, "password", Fault.CREDENTIAL_CONFLICT, row_=first[name].row)
        elif given:
            if not opens and (device.user is None or device.password is None):
                missing = "user" if device.user is None else "password"
                self._fault(row, missing, Fault.CREDENTIAL_INCOMPLETE)
            self.plan.logins[name] = (device.user, device.password)
            first.setdefault(name, device)
        elif existing is None and name not in made:
            self._fault(row, "credential", Fault.CREDENTIAL_UNKNOWN, text=name)

    def _hold_back_basic(self) -> None:
        """Basic, the password in clear, is allowed a known device by a person who edits it, and by no file.

        An exported file says what was: what the machine at the address of before was allowed is no leave
        for the one that is there now, however often the file comes.
        """
        for device in (device for point in self.plan.points for device in point.devices):
            known = device.existing
            if known is None:
                continue
            before = self.known.site_codes[known.site_id], known.host
            if not known.basic_allowed:
                device.basic_left_off = bool(device.values.pop("basic_allowed", False))
            elif before != (device.site, device.now("host")):
                device.values["basic_allowed"] = False

    def _withdrawn(self, eye: EyeDraft) -> bool:
        return getattr(eye.existing, "access_withdrawn_at", None) is not None or eye.withdrawn_on is not None

    # --- saying so ---------------------------------------------------------------------------------

    def _tell(
        self,
        draft: Draft,
        row: Row,
        name: str,
        fault: Fault,
        *,
        value: Any = None,
        column: str | None = None,
    ) -> None:
        column = column or name
        value = getattr(row, name) if value is None and name not in ("host", "port", "tls") else value
        if value is None:
            return
        if column in draft.values and draft.values[column] != value:
            self._fault(row, name, fault, row_=draft.said_by[column])
            return
        draft.values[column] = value
        draft.said_by.setdefault(column, row)

    def _fault(self, row: Row, name: str, fault: Fault, *, row_: Row | None = None, **said: object) -> None:
        if row_ is not None:
            said["row"] = self._where(row_) if row_.sheet != row.sheet else row_.number
        self.plan.problems.append(row.problem(name, fault, **said))

    def _where(self, row: Row) -> str:
        return f"{row.sheet}!{row.number}" if row.sheet else str(row.number)


def brand_path(manufacturer: str, stream: StreamChoice, channel: int) -> str | None:
    """The RTSP path that devices of a manufacturer have for a channel, where it is known."""
    brand = brand_of(manufacturer)
    if brand is None or not brand.has(channel):
        return None
    paths = paths_of(brand, channel)
    return paths.main if stream is StreamChoice.MAIN else paths.sub


def _bare_names(unit: UnitVersion) -> tuple[str, ...]:
    words = fold(unit.name).split()
    return tuple(" ".join(words[n:]) for n in (1, 2) if len(words) > n)


def _numbered(start: str, after: int, taken: Iterable[str], digits: int) -> Iterator[str]:
    known = set(taken)
    number = after
    while True:
        number += 1
        code = f"{start}{number:0{digits}}"
        if code_key(code) not in known:
            yield code
