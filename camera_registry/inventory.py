"""Points, devices, eyes: what their words mean, which eyes may be asked, and how access to one ends."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, delete, func, or_, select, update
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.credentials import CredentialStore, erase
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import Credential, Device, DeviceEvent, DevicePace, Eye, Point, Site, Suspension
from probes.result import Baseline, Mode, Target, TlsCheck


class Funding(StrEnum):
    """Who paid for a point."""

    STATE = "state_budget"
    CITY = "city_budget"
    COMMUNE = "commune_budget"
    SOCIALISED = "socialised"
    SPONSORED = "sponsorship"
    MIXED = "mixed"


class DeviceKind(StrEnum):
    CAMERA = "camera"
    RECORDER = "recorder"


class Reach(StrEnum):
    """How we hear of an eye: over the network, or by a person's word."""

    NETWORK = "network"
    REPORTED = "reported"


class StreamChoice(StrEnum):
    """Which stream of an eye is probed; the sub stream costs a fifteenth of the traffic."""

    SUB = "sub"
    MAIN = "main"


class Word(StrEnum):
    """What a person reports of an eye that no network reaches."""

    WORKING = "working"
    POOR = "poor"  # it works, and shows too little
    NOT_WORKING = "not_working"


SERIAL_CHANGED = "serial_changed"  # the kind of a device's event that waits for a person

HTTP_PORT, HTTPS_PORT = 80, 443

SESSIONS = {DeviceKind.CAMERA: 1, DeviceKind.RECORDER: 2}  # at a time, where the device row says nothing


_ASKED = (
    Eye.id.label("eye_id"),
    Eye.code,
    Eye.path,
    Eye.snapshot_path,
    Eye.channel,
    Eye.ptz,
    func.coalesce(Eye.required_days, Point.required_days).label("required_days"),
    Point.keep_pictures_days,
    Eye.commissioned_at,
    Eye.started_at,
    Device.id.label("device_id"),
    Device.kind,
    Device.host,
    Device.port,
    Device.tls,
    Device.basic_allowed,
    Device.web_port,
    Device.web_tls,
    Device.onvif_port,
    Device.tls_check,
    Device.tls_pin,
    Device.credential_id,
    Device.onvif_credential_id,
    Device.serial,
    Device.manufacturer,
    Device.sessions,
    DevicePace.effective_interval_s,
    Site.id.label("site_id"),
    Site.code.label("site"),
    Site.interval_s,
    select(DeviceEvent.id)
    .where(
        DeviceEvent.device_id == Device.id,
        DeviceEvent.kind == SERIAL_CHANGED,
        DeviceEvent.confirmed_at.is_(None),
    )
    .exists()
    .label("wrong_device"),
)


class InventoryError(RegistryError):
    """An eye cannot be found, or is not in a state that allows what was asked."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An eye that may be asked now, and what a probe needs to ask it.

    ``target.eye`` is the eye's code; its interval is the effective one of the host where it is known.
    """

    eye_id: int
    device_id: int
    site_id: int
    started_at: datetime
    target: Target


def load_targets(
    session: Session,
    credentials: CredentialStore,
    now: datetime,
    zone: tzinfo,
    *,
    site: str | None = None,
    started: bool = True,
    delivered: bool | None = None,
) -> list[Asked]:
    """Every eye that may be asked at ``now``, in the order of site, device and channel.

    That is: in service, reached over the network by a known host and path, its access neither withdrawn
    nor past its last day (in ``zone``), and started, for importing probes nothing. ``started=False``
    gives those still to be started instead (``started_at`` is then ``now``); ``site`` keeps one site,
    ``delivered`` the sites that machines of their own ask, or those that the registry does.
    """
    book = credentials.book(session)
    baselines = _approved_baselines(session)
    asked = (
        select(*_ASKED)  # columns: ten thousand mapped objects would take a second more
        .join(Device, Eye.device_id == Device.id)
        .join(Site, Device.site_id == Site.id)
        .join(Point, Device.point_id == Point.id)
        .outerjoin(DevicePace, DevicePace.device_id == Device.id)
        .where(
            Eye.started_at <= now if started else Eye.started_at.is_(None),
            Eye.reach == Reach.NETWORK,
            Eye.path.is_not(None),
            Device.host.is_not(None),
            or_(Eye.commissioned_at.is_(None), Eye.commissioned_at <= now),
            or_(Eye.retired_at.is_(None), Eye.retired_at > now),
            Eye.access_withdrawn_at.is_(None),
            or_(Eye.access_until.is_(None), Eye.access_until >= now.astimezone(zone).date()),
            ~select(Suspension.id)
            .where(
                Suspension.eye_id == Eye.id,
                Suspension.from_at <= now,
                or_(Suspension.to_at.is_(None), Suspension.to_at > now),
            )
            .exists(),
        )
        .order_by(Device.site_id, Device.id, Eye.channel, Eye.id)
    )
    if site is not None:
        asked = asked.where(Site.code == site)
    if delivered is not None:
        asked = asked.where(Site.delivered.is_(delivered))
    return [
        Asked(
            row.eye_id,
            row.device_id,
            row.site_id,
            row.started_at or now,
            Target(
                eye=row.code,
                host=row.host,
                port=row.port,
                path=row.path,
                tls=row.tls,
                credential=book.find(row.credential_id, row.site_id, row.manufacturer),
                basic_allowed=row.basic_allowed,
                site=row.site,
                sessions=row.sessions or SESSIONS[DeviceKind(row.kind)],
                interval_s=row.effective_interval_s or float(row.interval_s),
                web_port=row.web_port or (HTTPS_PORT if row.web_tls else HTTP_PORT),
                web_tls=row.web_tls,
                onvif_port=row.onvif_port,
                tls_check=TlsCheck(row.tls_check),
                tls_pin=row.tls_pin,
                snapshot_path=row.snapshot_path,
                onvif_credential=None
                if row.onvif_credential_id is None
                else book.find(row.onvif_credential_id, row.site_id, row.manufacturer),
                channel=row.channel,
                serial=row.serial,
                ptz=row.ptz,
                required_days=_required_days(row, now),
                baselines=baselines.get(row.eye_id, ()),
                wrong_device=row.wrong_device,
                keep_picture=row.keep_pictures_days is not None,
            ),
        )
        for row in session.execute(asked)
    ]


def _approved_baselines(session: Session) -> dict[int, tuple[Baseline, ...]]:
    kept = select(models.Baseline).where(
        models.Baseline.approved_at.is_not(None), models.Baseline.withdrawn_at.is_(None)
    )
    found: dict[int, tuple[Baseline, ...]] = defaultdict(tuple)
    for row in session.scalars(kept.order_by(models.Baseline.id)):
        found[row.eye_id] += (
            Baseline(Mode(row.mode), row.brightness, row.contrast, row.sharpness, row.edges, row.samples),
        )
    return found


def _required_days(row: Row[*tuple[Any, ...]], now: datetime) -> float | None:
    """No more than the eye has been in service: nothing of the time before can have been kept."""
    days: float | None = row.required_days
    if days is None or row.commissioned_at is None:
        return days
    in_service: timedelta = now - row.commissioned_at
    return min(days, in_service / timedelta(days=1))


def eye_by_code(session: Session, code: str) -> Eye:
    """The eye with this code. Raises ``InventoryError``."""
    eye = session.scalar(select(Eye).where(Eye.code == code))
    if eye is None:
        raise InventoryError(N_('There is no eye with the code "{code}".'), code=code)
    return eye


def point_by_code(session: Session, code: str, *, locked: bool = False) -> Point:
    """Raises ``InventoryError`` for an unknown code. ``locked``: who else would change it waits."""
    found = select(Point).where(Point.code == code)
    point = session.scalar(found.with_for_update() if locked else found)
    if point is None:
        raise InventoryError(N_('There is no point with the code "{code}".'), code=code)
    return point


def device_by_code(session: Session, code: str) -> Device:
    """The device with this code. Raises ``InventoryError``."""
    device = session.scalar(select(Device).where(Device.code == code))
    if device is None:
        raise InventoryError(N_('There is no device with the code "{code}".'), code=code)
    return device


def site_by_code(session: Session, code: str) -> Site:
    """The site with this code. Raises ``InventoryError``."""
    site = session.scalar(select(Site).where(Site.code == code))
    if site is None:
        raise InventoryError(
            N_('There is no site "{text}"; add it first: camera-registry site add.'), text=code
        )
    return site


def add_site(session: Session, code: str, name: str = "", interval_s: int = 60) -> Site:
    """A new vantage. Raises ``InventoryError`` when the code is taken."""
    if session.scalar(select(Site.id).where(Site.code == code)) is not None:
        raise InventoryError(N_('There is already a site "{code}".'), code=code)
    site = Site(code=code, name=name, interval_s=interval_s)
    session.add(site)
    session.flush()
    return site


def withdraw_access(session: Session, eye: Eye, now: datetime) -> bool:
    """A household takes its consent back: never ask this eye again, and forget how to log in.

    A credential goes unless another eye, in service and with its consent, needs it. True if one was erased.
    What was seen of the eye's place goes, too: samples and baselines of its picture, pictures kept; what was
    found of its security is closed.
    """
    eye.access_withdrawn_at = eye.access_withdrawn_at or now
    session.flush()
    for table in (models.PictureSample, models.Baseline, models.KeptPicture):
        session.execute(delete(table).where(table.eye_id == eye.id))
    session.execute(
        update(models.Finding)
        .where(models.Finding.eye_id == eye.id, models.Finding.gone_at.is_(None))
        .values(gone_at=now)
    )
    device = session.get_one(Device, eye.device_id)
    own = {device.credential_id, device.onvif_credential_id} - {None}
    erased = [id_ for id_ in own if id_ is not None and not _needed(session, id_, now)]
    for credential_id in erased:
        erase(session, credential_id, now)
    return bool(erased)


def withdrawn_among(session: Session, eye_ids: Collection[int]) -> set[int]:
    """Those of the eyes whose access was withdrawn: a late result of one leaves no trace."""
    gone = select(Eye.id).where(Eye.id.in_(eye_ids), Eye.access_withdrawn_at.is_not(None))
    return set(session.scalars(gone))


def suspend(session: Session, eye: Eye, now: datetime, reason: str = "") -> None:
    """Take an eye out of service from ``now``. Raises ``InventoryError`` if it is out already."""
    if _open_suspension(session, eye) is not None or _retired(eye, now):
        raise InventoryError(N_('The eye "{code}" is out of service already.'), code=eye.code)
    session.add(Suspension(eye_id=eye.id, from_at=now, reason=reason))


def resume(session: Session, eye: Eye, now: datetime) -> None:
    """Put a suspended eye back in service. Raises ``InventoryError`` if it is not suspended."""
    suspension = _open_suspension(session, eye)
    if suspension is None:
        raise InventoryError(N_('The eye "{code}" is not suspended.'), code=eye.code)
    suspension.to_at = now


def retire(eye: Eye, now: datetime) -> None:
    """Take an eye out of service for good. Raises ``InventoryError`` if it is retired already."""
    if _retired(eye, now):
        raise InventoryError(N_('The eye "{code}" is out of service already.'), code=eye.code)
    eye.retired_at = now


def _needed(session: Session, credential_id: int, now: datetime) -> bool:
    """Whether the set serves a site or a manufacturer, or an eye that keeps its consent."""
    row = session.get_one(Credential, credential_id)
    if row.site_id is not None or row.manufacturer:
        return True
    served = (
        select(Eye.id)
        .join(Device, Eye.device_id == Device.id)
        .where(
            or_(Device.credential_id == credential_id, Device.onvif_credential_id == credential_id),
            Eye.access_withdrawn_at.is_(None),
            or_(Eye.retired_at.is_(None), Eye.retired_at > now),
        )
    )
    return session.scalar(served.limit(1)) is not None


def _open_suspension(session: Session, eye: Eye) -> Suspension | None:
    return session.scalar(select(Suspension).where(Suspension.eye_id == eye.id, Suspension.to_at.is_(None)))


def _retired(eye: Eye, now: datetime) -> bool:
    return eye.retired_at is not None and eye.retired_at <= now
