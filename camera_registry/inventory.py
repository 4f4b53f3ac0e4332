"""Points, devices, eyes: what their words mean, which eyes may be asked, and how access to one ends."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from camera_registry.credentials import CredentialStore, erase
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import Credential, Device, DevicePace, Eye, Site, Suspension
from probes.result import Target


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


SESSIONS = {DeviceKind.CAMERA: 1, DeviceKind.RECORDER: 2}  # at a time, where the device row says nothing


_ASKED = (
    Eye.id.label("eye_id"),
    Eye.code,
    Eye.path,
    Eye.started_at,
    Device.id.label("device_id"),
    Device.kind,
    Device.host,
    Device.port,
    Device.tls,
    Device.basic_allowed,
    Device.credential_id,
    Device.manufacturer,
    Device.sessions,
    DevicePace.effective_interval_s,
    Site.id.label("site_id"),
    Site.code.label("site"),
    Site.interval_s,
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
) -> list[Asked]:
    """Every eye that may be asked at ``now``, in the order of site, device and channel.

    That is: in service, reached over the network by a known host and path, its access neither withdrawn
    nor past its last day (in ``zone``), and started, for importing probes nothing. ``started=False``
    gives those still to be started instead (``started_at`` is then ``now``); ``site`` keeps one site.
    """
    book = credentials.book(session)
    asked = (
        select(*_ASKED)  # columns: ten thousand mapped objects would take a second more
        .join(Device, Eye.device_id == Device.id)
        .join(Site, Device.site_id == Site.id)
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
            ),
        )
        for row in session.execute(asked)
    ]


def eye_by_code(session: Session, code: str) -> Eye:
    """The eye with this code. Raises ``InventoryError``."""
    eye = session.scalar(select(Eye).where(Eye.code == code))
    if eye is None:
        raise InventoryError(N_('There is no eye with the code "{code}".'), code=code)
    return eye


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

    The credential goes unless another eye, in service and with its consent, needs it. True if erased.
    """
    eye.access_withdrawn_at = eye.access_withdrawn_at or now
    session.flush()
    credential_id = session.get_one(Device, eye.device_id).credential_id
    if credential_id is None or _needed(session, credential_id, now):
        return False
    erase(session, credential_id, now)
    return True


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
            Device.credential_id == credential_id,
            Eye.access_withdrawn_at.is_(None),
            or_(Eye.retired_at.is_(None), Eye.retired_at > now),
        )
    )
    return session.scalar(served.limit(1)) is not None


def _open_suspension(session: Session, eye: Eye) -> Suspension | None:
    return session.scalar(select(Suspension).where(Suspension.eye_id == eye.id, Suspension.to_at.is_(None)))


def _retired(eye: Eye, now: datetime) -> bool:
    return eye.retired_at is not None and eye.retired_at <= now
