"""What devices say of themselves, read daily: blanks are filled, a new firmware is an event, and
another serial number waits for a person.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.inventory import SERIAL_CHANGED
from camera_registry.models import Device, DeviceEvent, DeviceFacts, Eye, Point
from camera_registry.units import Scope
from probes.onvif.answers import Identity
from probes.onvif.survey import Survey

LONGEST = 100  # characters of what a device says of itself
LEAST_SHARED = 6  # characters at the end of two serial numbers that make them one


class Change(StrEnum):
    """How a device is not what it was."""

    FIRMWARE = "firmware_changed"
    SERIAL = SERIAL_CHANGED


class FactsError(RegistryError):
    """There is nothing to confirm of this device."""


def take_survey(session: Session, device_id: int, survey: Survey, now: datetime) -> list[DeviceEvent]:
    """Keep what a device said of itself; returns what changed by it.

    A first reading fills what the registry does not know; what a person wrote stays. While another serial
    number answers, ``load_targets`` marks the device's eyes; they are asked again when a person confirms
    the new device, or when the registered one is back.
    """
    device = session.get_one(Device, device_id)
    said = _cut(survey.identity)
    before = session.get(DeviceFacts, device.id)
    known = "" if before is None else before.firmware
    wrong = _check_serial(session, device, said.serial, now)
    events = [] if wrong is None else [wrong]
    if wrong is None and not _waiting(session, device):
        if known and said.firmware and known != said.firmware:
            events.append(
                DeviceEvent(
                    device_id=device.id, at=now, kind=Change.FIRMWARE, before=known, after=said.firmware
                )
            )
            session.add(events[-1])
        _fill(device, said, known)
    facts = before or DeviceFacts(device_id=device.id)
    facts.read_at = now
    facts.manufacturer, facts.model = said.manufacturer, said.model
    facts.firmware, facts.serial = said.firmware, said.serial
    facts.channels = [asdict(channel) for channel in survey.channels]
    facts.notes = [str(note) for note in survey.notes]
    session.add(facts)
    session.flush()
    return events


def confirm_device(
    session: Session, device: Device, actor: Actor, now: datetime, *, reason: str = ""
) -> None:
    """A person says that the device which answers now is the right one: from here on it is registered.

    Raises ``FactsError`` where no change of the serial number waits.
    """
    waiting = _waiting(session, device)
    if not waiting:
        raise FactsError(N_('No change of the device "{code}" waits for confirmation.'), code=device.code)
    for event in waiting:
        event.confirmed_at, event.confirmed_by = now, actor.name
    before, device.serial = device.serial, waiting[-1].after
    read = session.get(DeviceFacts, device.id)
    if read is not None and same_serial(read.serial, device.serial):
        for name in ("manufacturer", "model", "firmware"):
            setattr(device, name, getattr(read, name) or getattr(device, name))
    detail = {"before": before, "after": device.serial}
    audit.record(
        session, actor, Action.DEVICE_CONFIRMED, f"device:{device.code}", now, detail=detail, reason=reason
    )
    session.flush()


@dataclass(frozen=True, slots=True)
class Waiting:
    """A device that answers with another serial number than the registry has; its ``eyes`` are not asked."""

    device: str
    manufacturer: str
    model: str
    point: str
    point_name: str
    at: datetime
    before: str
    after: str
    eyes: int


def confirmed(session: Session, device: Device) -> bool:
    """Whether the device had another serial number, and a person has said that it is right."""
    changes = session.scalars(
        select(DeviceEvent.confirmed_at).where(
            DeviceEvent.device_id == device.id, DeviceEvent.kind == Change.SERIAL
        )
    ).all()
    return bool(changes) and None not in changes


def waiting(session: Session, scope: Scope, day: date) -> list[Waiting]:
    """The devices in scope on ``day`` that wait for a person, the longest first; with their newest number."""
    eyes = (
        select(func.count(Eye.id))
        .where(Eye.device_id == Device.id, Eye.retired_at.is_(None))
        .scalar_subquery()
    )
    found = session.execute(
        select(Device, Point, DeviceEvent, eyes)
        .join(Point, Device.point_id == Point.id)
        .join(DeviceEvent, DeviceEvent.device_id == Device.id)
        .where(DeviceEvent.kind == Change.SERIAL, DeviceEvent.confirmed_at.is_(None))
        .where(*queries.within(session, scope, day))
        .order_by(DeviceEvent.at, DeviceEvent.id)
    )
    newest = {
        device.id: Waiting(
            *(device.code, device.manufacturer, device.model, point.code, point.name),
            *(event.at, event.before, event.after, count),
        )
        for device, point, event, count in found
    }
    return list(newest.values())


def same_serial(one: str, other: str) -> bool:
    """Whether two serial numbers are one device's.

    Hikvision tells model, date and number in one word over ONVIF, while the label and the inventory
    have the number alone.
    """
    short, long = sorted(("".join(filter(str.isalnum, s)).casefold() for s in (one, other)), key=len)
    return short == long or (len(short) >= LEAST_SHARED and long.endswith(short))


def _check_serial(session: Session, device: Device, serial: str, now: datetime) -> DeviceEvent | None:
    """The event of another serial number, if it is new."""
    if not serial or not device.serial:
        return None
    waiting = _waiting(session, device)
    if same_serial(serial, device.serial):
        for event in waiting:
            event.confirmed_at = now  # by nobody: the registered device is back
        return None
    if waiting and same_serial(waiting[-1].after, serial):
        return None
    event = DeviceEvent(device_id=device.id, at=now, kind=Change.SERIAL, before=device.serial, after=serial)
    session.add(event)
    session.flush()
    return event


def _waiting(session: Session, device: Device) -> Sequence[DeviceEvent]:
    return session.scalars(
        select(DeviceEvent)
        .where(
            DeviceEvent.device_id == device.id,
            DeviceEvent.kind == Change.SERIAL,
            DeviceEvent.confirmed_at.is_(None),
        )
        .order_by(DeviceEvent.at, DeviceEvent.id)
    ).all()


def _fill(device: Device, said: Identity, firmware_before: str) -> None:
    for name in ("manufacturer", "model", "serial"):
        if not getattr(device, name):
            setattr(device, name, getattr(said, name))
    if said.firmware and device.firmware in ("", firmware_before):
        device.firmware = said.firmware


def _cut(said: Identity) -> Identity:
    return Identity(*(part[:LONGEST] for part in (said.manufacturer, said.model, said.firmware, said.serial)))
