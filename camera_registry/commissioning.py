"""What a device says of itself, made into eyes: proposed first, and written when a person agrees.

What people wrote stays: an eye that the registry knows is only completed. New eyes are not asked until they
are started, like those of an import.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor, Change
from camera_registry.brands import brand_of, paths_of
from camera_registry.credentials import CredentialStore
from camera_registry.errors import RegistryError
from camera_registry.facts import take_survey
from camera_registry.i18n import N_
from camera_registry.inventory import HTTP_PORT, HTTPS_PORT, SESSIONS, DeviceKind, StreamChoice
from camera_registry.models import Device, Eye, Point, Site
from camera_registry.monitor import Monitor
from probes.errors import ProbeError
from probes.onvif.clock import UNREADABLE, device_clock
from probes.onvif.survey import Survey, survey
from probes.reasons import Reason
from probes.result import Target, TlsCheck


class CommissioningError(RegistryError):
    """A device cannot be read, or nothing can be proposed of it."""


@dataclass(frozen=True, slots=True)
class DeviceReading:
    """What one reading brought; without ``survey``, ``reason`` and ``detail`` say why."""

    survey: Survey | None
    reason: Reason = Reason.OK
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Proposed:
    """One eye as it would stand in the registry; ``code`` is new where ``known`` is false.

    ``path`` is that of the stream that the device's row chooses. ``differs``: the registry has another path;
    it stays.
    """

    channel: int
    code: str
    name: str
    path: str | None
    snapshot_path: str | None
    codec: str = ""
    width: int | None = None
    height: int | None = None
    known: bool = False
    differs: bool = False


def target_of(session: Session, credentials: CredentialStore, device: Device) -> Target:
    """A device as it is asked about itself; where its row names no port of ONVIF, by its maker's usual one.

    Raises ``CommissioningError`` where no network reaches it.
    """
    if device.host is None:
        raise CommissioningError(N_('No network reaches the device "{code}".'), code=device.code)
    book = credentials.book(session)
    credential = book.find(device.credential_id, device.site_id, device.manufacturer)
    onvif = device.onvif_credential_id
    brand = brand_of(device.manufacturer)
    return Target(
        eye=f"device:{device.code}",
        host=device.host,
        port=device.port,
        tls=device.tls,
        credential=credential,
        basic_allowed=device.basic_allowed,
        site=session.get_one(Site, device.site_id).code,
        sessions=device.sessions or SESSIONS[DeviceKind(device.kind)],
        web_port=device.web_port or (HTTPS_PORT if device.web_tls else HTTP_PORT),
        web_tls=device.web_tls,
        onvif_port=device.onvif_port or (brand.onvif_port if brand else None) or HTTP_PORT,
        tls_check=TlsCheck(device.tls_check),
        tls_pin=device.tls_pin,
        onvif_credential=None if onvif is None else book.find(onvif, device.site_id, device.manufacturer),
        serial=device.serial,
    )


async def read(target: Target, monitor: Monitor) -> DeviceReading:
    """Ask a device about itself, when it has a place for one more session. Never raises for what it does."""
    async with monitor.sweeper.at_the_door(target):
        try:
            clock = await device_clock(target, monitor.web, monitor.clock)
        except ProbeError:
            clock = UNREADABLE
        try:
            logins = monitor.tools.logins
            return DeviceReading(await survey(target, monitor.web, logins, clock, now=monitor.clock))
        except ProbeError as error:
            return DeviceReading(None, error.reason, error.detail)


def propose(session: Session, device: Device, found: Survey | None) -> list[Proposed]:
    """The eyes that ``device`` has by what it said or, where it said nothing, by its maker's ways."""
    known = {
        eye.channel: eye
        for eye in session.scalars(
            select(Eye).where(Eye.device_id == device.id, Eye.retired_at.is_(None)).order_by(Eye.id.desc())
        )
    }
    channels = _by_survey(device, found) if found is not None and found.channels else _by_maker(device, known)
    codes = _new_codes(session, device, sum(each.channel not in known for each in channels))
    proposed = []
    for each in channels:
        eye = known.get(each.channel)
        if eye is None:
            proposed.append(replace(each, code=codes.pop(0)))
            continue
        differs = eye.path is not None and each.path is not None and eye.path != each.path
        proposed.append(
            replace(
                each,
                code=eye.code,
                name=eye.name or each.name,
                path=eye.path or each.path,
                snapshot_path=eye.snapshot_path or each.snapshot_path,
                known=True,
                differs=differs,
            )
        )
    return proposed


def accept(
    session: Session,
    actor: Actor,
    device: Device,
    target: Target,
    found: Survey | None,
    chosen: Sequence[Proposed],
    now: datetime,
    *,
    reason: str = "",
) -> tuple[int, int]:
    """Write the eyes that a person agrees to, and the device's own facts; how many eyes are new, changed.

    ``chosen`` are those of ``propose``, with codes and names as the person has them. Raises
    ``CommissioningError`` where a code is taken.
    """
    changes = []
    for each in chosen:
        if each.known:
            changes += _complete(session, each)
            continue
        if session.scalar(select(Eye.id).where(func.lower(Eye.code) == each.code.lower())) is not None:
            raise CommissioningError(N_('The code "{code}" belongs to another eye.'), code=each.code)
        said = {
            "code": each.code,
            "name": each.name,
            "channel": each.channel,
            "path": each.path,
            "snapshot_path": each.snapshot_path,
        }
        session.add(Eye(**said, device_id=device.id, commissioned_at=now))
        session.flush()
        changes.append(Change(f"eye:{each.code}", None, said | {"device_code": device.code}))
    if found is not None:
        device.onvif_port = device.onvif_port or target.onvif_port
        take_survey(session, device.id, found, now)
    new = sum(change.before is None for change in changes)
    detail = {"new": new, "completed": len(changes) - new}
    subject = f"device:{device.code}"
    audit.record(session, actor, Action.COMMISSIONED, subject, now, detail=detail, reason=reason)
    audit.record_changes(session, actor, changes, now, reason)
    session.flush()
    return new, len(changes) - new


def _complete(session: Session, each: Proposed) -> list[Change]:
    """Fill in what is proposed of a known eye; what changed by it, if anything."""
    eye = session.scalars(select(Eye).where(Eye.code == each.code)).one()
    before, after = {}, {}
    for name in ("name", "path", "snapshot_path"):
        if (value := getattr(each, name)) != getattr(eye, name):
            before[name], after[name] = getattr(eye, name), value
            setattr(eye, name, value)
    return [Change(f"eye:{eye.code}", before, after)] if after else []


def _by_survey(device: Device, found: Survey) -> list[Proposed]:
    sub = StreamChoice(device.sub_stream) is StreamChoice.SUB
    return [
        Proposed(
            channel=said.channel,
            code="",
            name=said.name[:300],
            path=(said.sub_path if sub else None) or said.path,
            snapshot_path=said.snapshot_path,
            codec=said.codec,
            width=said.width,
            height=said.height,
        )
        for said in sorted(found.channels, key=lambda said: said.channel)
    ]


def _by_maker(device: Device, known: Mapping[int, Eye]) -> list[Proposed]:
    """Its first channel, and those that the registry knows: nobody says how many there are."""
    brand = brand_of(device.manufacturer)
    if brand is None:
        raise CommissioningError(
            N_('The device "{code}" said nothing of its channels, and the paths of its maker are not known.'),
            code=device.code,
        )
    sub = StreamChoice(device.sub_stream) is StreamChoice.SUB
    proposed = []
    for channel in sorted({1, *known}):
        if brand.single_channel and channel != 1:
            continue
        paths = paths_of(brand, channel)
        path = (paths.sub if sub else None) or paths.main
        proposed.append(Proposed(channel, "", "", path, paths.snapshot))
    return proposed


def _new_codes(session: Session, device: Device, count: int) -> list[str]:
    """Codes for ``count`` new eyes, as an import gives them: the point's, and a number of two digits."""
    point = session.get_one(Point, device.point_id).code
    taken: Sequence[str] = session.scalars(select(Eye.code)).all()
    used = {code.casefold() for code in taken}
    numbered = (f"{point}-{number:02}" for number in range(1, len(used) + count + 1))
    return [code for code in numbered if code.casefold() not in used][:count]
