"""Sites that a machine of their own asks: what it is given to ask, who it is, and what it brings.

The machine shows the token of its site and is given that site alone. One machine at a time asks a site:
whoever is not heard for ``HELD_FOR`` loses it to the next. What a machine brings is believed as a sweep of
the registry's own would be, eye by eye of its site; its posts are the beats of the site, so that one that
falls silent makes its site lost, and its eyes unknown, not down.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta, tzinfo
from hashlib import sha256

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import audit, login_states, sites
from camera_registry.audit import Action, Actor
from camera_registry.credentials import CredentialStore
from camera_registry.db import VERSION
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.inventory import load_targets
from camera_registry.models import Audit, Courier, Device, DevicePace, Eye, Site, Suspension
from camera_registry.monitor import memories_in
from camera_registry.periods import midnight
from camera_registry.push.wire import AskedEye, Bundle, KnownLogin, KnownPace, Post
from camera_registry.settings import Settings
from probes.logins import MOST_REFUSALS, LoginState
from probes.result import LoginKey, Target

HELD_FOR = timedelta(minutes=2)  # six beats of a machine
CALENDAR_S = 300  # how soon what the calendar brings (an eye taken into service, say) makes a new version
MOST_FETCHES, FETCHES_WITHIN = 30, timedelta(minutes=10)


class CourierError(RegistryError):
    """A site's machine is not given what it asks for."""


class NotDelivered(CourierError):
    """The registry asks this site itself."""


class AnotherMachine(CourierError):
    """Another machine asks the eyes of this site at present."""


class TooOften(CourierError):
    """The targets were fetched too often of late."""


def delivered_site(session: Session, site_id: int) -> Site:
    """The site of a token. Raises ``NotDelivered``."""
    site = session.get_one(Site, site_id)
    if not site.delivered:
        raise NotDelivered(N_('The registry asks the eyes of site "{code}" itself.'), code=site.code)
    return site


def claim(session: Session, site: Site, machine: str, now: datetime) -> None:
    """Have ``machine`` ask the eyes of the site from now on. Raises ``AnotherMachine``."""
    row = session.get(Courier, site.id, with_for_update=True)
    if row is None:
        session.add(Courier(site_id=site.id, machine=machine, heard_at=now))
        session.flush()
        return
    if row.machine != machine and now - row.heard_at < HELD_FOR:
        text = N_('Another machine asks the eyes of site "{code}"; it was heard {seconds} s ago.')
        raise AnotherMachine(text, code=site.code, seconds=round((now - row.heard_at).total_seconds()))
    row.machine, row.heard_at = machine, now


# --- what it is given ---------------------------------------------------------------------------------


def version(session: Session, now: datetime) -> str:
    """A name of what bundles are made of, the calendar included. Costs one read of one row."""
    number: int = session.execute(select(VERSION.c.version)).scalar_one()
    return f"{number}.{int(now.timestamp() // CALENDAR_S)}"


def bundle(
    session: Session, credentials: CredentialStore, settings: Settings, site: Site, now: datetime
) -> Bundle:
    """Every eye of the site that may be asked, with what is known of it and of the logins."""
    asked = load_targets(session, credentials, now, settings.zone, site=site.code)
    memories = memories_in(session, [each.eye_id for each in asked])
    ends = _ends(session, [each.eye_id for each in asked], settings.zone, now)
    return Bundle(
        site=site.code,
        interval_s=site.interval_s,
        deep_interval_s=settings.deep_interval_s,
        confirm_after=settings.confirm_after,
        lateness_days=settings.lateness_days,
        canaries=tuple(sites.read_canary(text) for text in site.canaries),
        # Pictures stay where they are seen: no machine but the registry's keeps one.
        eyes=tuple(
            AskedEye(
                replace(
                    each.target,
                    keep_picture=False,
                    interval_s=float(site.interval_s),
                    memory=memories.get(each.target.eye, each.target.memory),
                ),
                ends.get(each.eye_id),
            )
            for each in asked
        ),
        logins=_logins(session, site.code, [each.target for each in asked]),
    )


def note_fetched(session: Session, actor: Actor, site: Site, machine: str, eyes: int, now: datetime) -> None:
    """Write down that the targets leave the registry. Raises ``TooOften``."""
    subject = f"site:{site.code}"
    lately = session.scalar(
        select(func.count()).where(
            Audit.at > now - FETCHES_WITHIN, Audit.action == Action.TARGETS_FETCHED, Audit.subject == subject
        )
    )
    if (lately or 0) >= MOST_FETCHES:
        raise TooOften(N_("The targets were fetched {count} times in ten minutes."), count=MOST_FETCHES)
    detail = {"machine": machine[:8], "eyes": eyes}
    audit.record(session, actor, Action.TARGETS_FETCHED, subject, now, detail=detail)


def _ends(session: Session, eye_ids: Collection[int], zone: tzinfo, now: datetime) -> dict[int, datetime]:
    """From when on eyes may not be asked any more: the machine may be cut off by then."""
    ends: dict[int, datetime] = {}
    rows = session.execute(select(Eye.id, Eye.access_until, Eye.retired_at).where(Eye.id.in_(eye_ids)))
    suspended = select(Suspension.eye_id, Suspension.from_at).where(
        Suspension.eye_id.in_(eye_ids), Suspension.from_at > now
    )
    found = [(eye_id, at) for eye_id, at in session.execute(suspended)]
    for eye_id, last_day, retired_at in rows:
        if last_day is not None and last_day < date.max:
            found.append((eye_id, midnight(last_day + timedelta(days=1), zone)))
        if retired_at is not None:
            found.append((eye_id, retired_at))
    for eye_id, at in found:
        ends[eye_id] = min(at, ends.get(eye_id, at))
    return ends


def _logins(session: Session, site: str, targets: Sequence[Target]) -> tuple[KnownLogin, ...]:
    """The login budget of what is asked, and of no credential that was changed since."""
    wanted = {key for target in targets for key in _keys(target)}
    states = login_states.states_of(session, site)
    return tuple(
        KnownLogin(key.device, key.credential, state) for key, state in states.items() if key in wanted
    )


def _keys(target: Target) -> set[LoginKey]:
    both = target.login_key, target.login_key_of(target.onvif_credential)
    return {key for key in both if key is not None}


# --- what it brings -----------------------------------------------------------------------------------


def take_post(session: Session, site: Site, told: Post, now: datetime) -> None:
    """The site was heard, and what its machine learned of logins and devices is kept.

    Raises ``AnotherMachine``; what that one found stays worth delivering (``Ingest.deliver``).
    """
    claim(session, site, told.machine, now)
    if told.bears:
        sites.beat(session, site.id, now, told.every_s)
    if told.logins or told.paces:
        rows = session.execute(
            select(Device.id, Device.host, Device.port).where(
                Device.site_id == site.id, Device.host.is_not(None)
            )
        )
        devices: dict[str, list[int]] = {}
        for device_id, host, port in rows:
            devices.setdefault(f"{host}:{port}", []).append(device_id)
        for login in told.logins:
            if login.device in devices and len(login.state.rejected_at) <= 2 * MOST_REFUSALS:
                key = LoginKey(site.code, login.device, login.credential)
                login_states.keep(session, key, _stored(login.state))
        for pace in told.paces:
            _keep_pace(session, devices.get(pace.device, ()), pace)


def eyes_of(session: Session, site: Site, codes: Collection[str]) -> set[str]:
    """Those of the codes that are eyes of this site."""
    return set(
        session.scalars(select(Eye.code).join(Device).where(Device.site_id == site.id, Eye.code.in_(codes)))
    )


def delivery_key(site_id: int, told: Post) -> str:
    """What this batch is called among all deliveries: the machine's own name for it is its own affair."""
    return sha256(f"{site_id}/{told.machine}/{told.key}".encode()).hexdigest()


def _keep_pace(session: Session, device_ids: Collection[int], pace: KnownPace) -> None:
    for device_id in device_ids:
        session.merge(
            DevicePace(
                device_id=device_id,
                effective_interval_s=pace.effective_interval_s,
                probe_s=pace.probe_s,
            )
        )


def _stored(state: LoginState) -> LoginState:
    return replace(state, under_way=0, doubted_at=None)
