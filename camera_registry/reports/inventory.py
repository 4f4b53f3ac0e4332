"""The inventory as a report: points, devices and eyes of one day, each counted for itself, with who has them.

Addresses in the network stand in no report.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import custody
from camera_registry.i18n import N_, Language, collation_key
from camera_registry.inventory import DeviceKind, Funding, Reach
from camera_registry.models import Device, Eye
from camera_registry.register_words import DEVICE_KINDS, FUNDINGS, REACHES
from camera_registry.reports.asked import Asked
from camera_registry.reports.ground import Ground, Place, stand
from camera_registry.reports.value import Facts, Measure, Report, Table, Value
from camera_registry.units import Scope

YES, NO = N_("Yes"), N_("No")


@dataclass(frozen=True, slots=True)
class _Eye:
    code: str
    name: str
    channel: int
    purpose: str
    reach: str
    commissioned_on: date | None


@dataclass(frozen=True, slots=True)
class _Device:
    place: Place
    code: str
    kind: str
    manufacturer: str
    model: str
    serial: str
    firmware: str
    imported_on: date | None
    certificate: str
    eyes: Sequence[_Eye]


def build(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Report:
    """What stood there on the last day of the period. Raises ``AskedError``."""
    ground = stand(session, scope, asked, now, zone, language)
    devices = _devices(ground)
    return ground.report(
        N_("Inventory of security cameras"),
        (
            _totals(ground, devices),
            _units(ground, devices),
            _funds(ground, devices),
            _makers(ground, devices),
            _points(ground, devices),
            _hardware(ground, devices),
            _eyes(ground, devices),
        ),
        letter=False,
        wide=True,
    )


# --- how it is done ---------------------------------------------------------------------------------


def _devices(ground: Ground) -> list[_Device]:
    """The devices that had an eye on the last day, or never had any; of their eyes, those of that day."""
    end = ground.span.end
    eyes: dict[int, list[_Eye]] = {}
    without: set[int] = set()  # devices all of whose eyes are gone, or yet to come
    for eye in ground.session.scalars(select(Eye).order_by(Eye.channel, Eye.code)):
        begun = eye.commissioned_at
        if (eye.retired_at is not None and eye.retired_at <= end) or (begun is not None and begun >= end):
            without.add(eye.device_id)
            continue
        on = begun.astimezone(ground.zone).date() if begun else None
        eyes.setdefault(eye.device_id, []).append(
            _Eye(eye.code, eye.name, eye.channel, eye.purpose, eye.reach, on)
        )
    rows = ground.session.scalars(select(Device).order_by(Device.code))
    found = [
        _Device(
            ground.places[row.point_id],
            *(row.code, row.kind, row.manufacturer, row.model, row.serial, row.firmware),
            *(row.imported_on, row.certificate, eyes.get(row.id, ())),
        )
        for row in rows
        if row.point_id in ground.places and (row.id in eyes or row.id not in without)
    ]
    rank = {point_id: number for number, point_id in enumerate(ground.places)}
    return sorted(found, key=lambda device: (rank[device.place.id], device.code))


def _totals(ground: Ground, devices: Sequence[_Device]) -> Facts:
    kinds = Counter(device.kind for device in devices)
    eyes = [eye for device in devices for eye in device.eyes]
    reaches = Counter(eye.reach for eye in eyes)
    counted: list[tuple[str, str, int]] = [
        ("points", N_("Points"), len({device.place.id for device in devices})),
        ("devices", N_("Devices"), len(devices)),
        *((f"devices_{kind}", DEVICE_KINDS[kind], kinds[kind]) for kind in DeviceKind),
        ("eyes", N_("Eyes"), len(eyes)),
        *((f"eyes_{reach}", REACHES[reach], reaches[reach]) for reach in Reach),
    ]
    return ground.facts(
        "totals",
        N_("Together"),
        (ground.fact(key, title, count, Measure.COUNT) for key, title, count in counted),
    )


def _counted(
    ground: Ground, key: str, title: str, head: str, groups: Mapping[str, Sequence[_Device]]
) -> Table:
    """Points, devices and eyes of each group, and of all."""
    columns = (
        ground.column(key, head, weight=3),
        ground.column("points", N_("Points"), Measure.COUNT),
        ground.column("devices", N_("Devices"), Measure.COUNT),
        ground.column("eyes", N_("Eyes"), Measure.COUNT),
    )
    every = [device for group in groups.values() for device in group]
    rows = [(name, *_numbers(group)) for name, group in groups.items()]
    return ground.table(f"by_{key}", title, columns, rows, (ground.say(N_("Together")), *_numbers(every)))


def _numbers(devices: Iterable[_Device]) -> tuple[int, int, int]:
    every = list(devices)
    points = {device.place.id for device in every}
    return len(points), len(every), sum(len(device.eyes) for device in every)


def _grouped(devices: Iterable[_Device], names: Iterable[str]) -> dict[str, list[_Device]]:
    groups: dict[str, list[_Device]] = {}
    for device, name in zip(devices, names, strict=True):
        groups.setdefault(name, []).append(device)
    return dict(sorted(groups.items(), key=lambda group: (not group[0], collation_key(group[0]))))


def _units(ground: Ground, devices: Sequence[_Device]) -> Table:
    names = (device.place.unit or ground.say(N_("No unit")) for device in devices)
    return _counted(
        ground, "unit", N_("By administrative unit"), N_("Administrative unit"), _grouped(devices, names)
    )


def _funds(ground: Ground, devices: Sequence[_Device]) -> Table:
    names = (_fund(ground, device.place.funding) for device in devices)
    return _counted(ground, "funding", N_("By funding"), N_("Funding"), _grouped(devices, names))


def _makers(ground: Ground, devices: Sequence[_Device]) -> Table:
    unknown = ground.say(N_("Not recorded"))
    names = (device.manufacturer or unknown for device in devices)
    return _counted(
        ground, "manufacturer", N_("By manufacturer"), N_("Manufacturer"), _grouped(devices, names)
    )


def _fund(ground: Ground, slug: str) -> str:
    return ground.say(FUNDINGS[Funding(slug)]) if slug in tuple(Funding) else ground.say(N_("Not recorded"))


def _points(ground: Ground, devices: Sequence[_Device]) -> Table:
    day = ground.asked.last
    held = {each.point: each for each in custody.present(ground.session, ground.scope, day)}
    there = custody.still_there(ground.session, held.values(), day)
    columns = (
        ground.column("number", N_("#"), Measure.COUNT, 0.5),
        ground.column("point", N_("Point")),
        ground.column("name", N_("Name"), weight=2),
        ground.column("where", N_("Address"), weight=2),
        ground.column("unit", N_("Administrative unit"), weight=1.5),
        ground.column("devices", N_("Devices"), Measure.COUNT, 0.7),
        ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.7),
        ground.column("needed", N_("Eyes needed"), Measure.COUNT, 0.7),
        ground.column("funding", N_("Funding")),
        ground.column("signage", N_("Sign that it is filmed"), weight=0.8),
        ground.column("manager", N_("Managed by"), weight=1.5),
    )
    by_place: dict[int, list[_Device]] = {}
    for device in devices:
        by_place.setdefault(device.place.id, []).append(device)
    rows: list[tuple[Value, ...]] = []
    for number, (point_id, group) in enumerate(by_place.items(), 1):
        place = ground.places[point_id]
        waiting = ground.say(custody.NOT_HANDED_OVER) if place.code in held else None
        rows.append(
            (
                *(number, place.code, place.name, place.where, place.unit),
                *(len(group), sum(len(device.eyes) for device in group), place.k),
                _fund(ground, place.funding),
                None if place.signage is None else ground.say(YES if place.signage else NO),
                there[place.code].manager if place.code in there else waiting,
            )
        )
    _, device_count, eye_count = _numbers(devices)
    blank: tuple[Value, ...] = (None,)
    total = (*blank, ground.say(N_("Together")), *blank * 3, device_count, eye_count, *blank * 4)
    return ground.table("points", N_("Points"), columns, rows, total)


def _hardware(ground: Ground, devices: Sequence[_Device]) -> Table:
    columns = (
        ground.column("number", N_("#"), Measure.COUNT, 0.5),
        ground.column("device", N_("Device"), weight=1.5),
        ground.column("point", N_("Point")),
        ground.column("kind", N_("Kind"), weight=0.8),
        ground.column("manufacturer", N_("Manufacturer")),
        ground.column("model", N_("Model"), weight=1.5),
        ground.column("serial", N_("Serial number"), weight=1.5),
        ground.column("firmware", N_("Firmware"), weight=1.5),
        ground.column("imported_on", N_("Imported or bought on"), Measure.DAY),
        ground.column("certificate", N_("Certificate of conformity"), weight=1.5),
        ground.column("eyes", N_("Eyes"), Measure.COUNT, 0.7),
    )
    rows = [
        (
            *(number, device.code, device.place.code, ground.say(DEVICE_KINDS[DeviceKind(device.kind)])),
            *(device.manufacturer, device.model, device.serial, device.firmware),
            *(device.imported_on, device.certificate, len(device.eyes)),
        )
        for number, device in enumerate(devices, 1)
    ]
    return ground.table("devices", N_("Devices"), columns, rows)


def _eyes(ground: Ground, devices: Sequence[_Device]) -> Table:
    columns = (
        ground.column("number", N_("#"), Measure.COUNT, 0.5),
        ground.column("eye", N_("Eye"), weight=1.5),
        ground.column("name", N_("Name"), weight=2),
        ground.column("point", N_("Point")),
        ground.column("device", N_("Device"), weight=1.5),
        ground.column("channel", N_("Channel"), Measure.COUNT, 0.7),
        ground.column("purpose", N_("Purpose"), weight=1.5),
        ground.column("reach", N_("How it is heard of")),
        ground.column("commissioned_on", N_("In service since"), Measure.DAY),
    )
    rows = [
        (
            *(number, eye.code, eye.name, device.place.code, device.code, eye.channel, eye.purpose),
            *(ground.say(REACHES[Reach(eye.reach)]), eye.commissioned_on),
        )
        for number, (device, eye) in enumerate(
            ((device, eye) for device in devices for eye in device.eyes), 1
        )
    ]
    return ground.table("eyes", N_("Eyes"), columns, rows)
