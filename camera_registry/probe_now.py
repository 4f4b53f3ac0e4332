"""A person has an eye asked now, and watches: one probe of an eye at a time, some a minute for a person.

The probe goes the way of every other: the process that asks eyes begins it, through the same door and within
the same login budget. This room wants it, writes down who did, and tells how far it has come.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import audit, errands, login_states, queries
from camera_registry.audit import Action, Actor
from camera_registry.errands import PROBE_PATIENCE, NoAnswer
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.inventory import InventoryError
from camera_registry.models import Audit, Device, Eye, ProbeRequest, Site
from camera_registry.units import Scope
from probes.reasons import Reason
from probes.result import Depth, ProbeResult, Rung

MOST_A_MINUTE = 6  # of one person
HELD_BACK = frozenset({Reason.AUTH_REJECTED, Reason.AUTH_LOCKED, Reason.AUTH_SUSPENDED})
TAKEN_UP_WITHIN = timedelta(seconds=5)  # who asks eyes looks once a second


class TooOften(RegistryError):
    """This person has had enough eyes asked for the moment."""


class Stage(StrEnum):
    """How far a wanted probe is."""

    QUEUED = "queued"  # nobody has taken it up yet
    IGNORED = "ignored"  # … and somebody should have: perhaps no process asks eyes
    ASKING = "asking"
    ANSWERED = "answered"
    NOT_ASKED = "not_asked"  # no network reaches the eye, or it may not be asked
    GIVEN_UP = "given_up"

    @property
    def over(self) -> bool:
        """Nothing more will come."""
        return self in (Stage.ANSWERED, Stage.NOT_ASKED, Stage.GIVEN_UP)


@dataclass(frozen=True, slots=True)
class Progress:
    """A wanted probe as it stands. ``rungs`` are those climbed so far, in order; ``result`` comes at its end.

    ``no_login_before``: no password is sent to this device before then, whoever asks; only where the result
    tells that one was wanted.
    """

    request: int
    eye: str
    requested_at: datetime
    stage: Stage
    rungs: tuple[Rung, ...] = ()
    result: ProbeResult | None = None
    no_login_before: datetime | None = None


def ask(session: Session, actor: Actor, scope: Scope, code: str, now: datetime, zone: tzinfo) -> int:
    """Want an eye asked, deep and with its whole exchange. Returns the request to follow.

    Where one for this eye is open already, that one is returned, and nothing is written down. Raises
    ``InventoryError`` where there is none of this code in scope, ``TooOften`` after ``MOST_A_MINUTE``.
    """
    eye = queries.eye_in(session, scope, now.astimezone(zone).date(), code, locked=True)
    if eye is None:
        raise InventoryError(N_('There is no eye with the code "{code}".'), code=code)
    under_way = session.scalar(
        select(ProbeRequest.id)
        .where(
            ProbeRequest.eye_id == eye.id,
            ProbeRequest.answered_at.is_(None),
            ProbeRequest.requested_at > now - PROBE_PATIENCE,
            ProbeRequest.record,
        )
        .limit(1)
    )
    if under_way is not None:
        return under_way
    lately = select(func.count()).where(
        Audit.at > now - timedelta(minutes=1), Audit.action == Action.PROBED, Audit.who == actor.name
    )
    if (session.scalar(lately) or 0) >= MOST_A_MINUTE:
        raise TooOften(N_("You had {count} eyes asked within a minute; wait a little."), count=MOST_A_MINUTE)
    audit.record(session, actor, Action.PROBED, f"eye:{code}", now)
    return errands.want_probe(session, eye, Depth.DEEP, True, now)


def progress(
    session: Session, scope: Scope, code: str, request: int, now: datetime, zone: tzinfo
) -> Progress | None:
    """How far a request has come; ``None`` where this eye has none such in scope, or not any more."""
    eye = queries.eye_in(session, scope, now.astimezone(zone).date(), code)
    row = session.get(ProbeRequest, request)
    if eye is None or row is None or row.eye_id != eye.id:
        return None
    try:
        answer = errands.answer_of(row, now)
    except NoAnswer:
        return Progress(row.id, code, row.requested_at, Stage.GIVEN_UP, errands.rungs_of(row))
    if answer is None:
        return Progress(row.id, code, row.requested_at, _under_way(row, now), errands.rungs_of(row))
    result = answer.result
    if result is None:
        return Progress(row.id, code, row.requested_at, Stage.NOT_ASKED)
    held = any(verdict.reason in HELD_BACK for verdict in result.verdicts)
    until = _no_login_before(session, eye, now) if held else None
    return Progress(row.id, code, row.requested_at, Stage.ANSWERED, result.rungs, result, until)


def _under_way(row: ProbeRequest, now: datetime) -> Stage:
    if row.begun_at is not None:
        return Stage.ASKING
    return Stage.IGNORED if now - row.requested_at > TAKEN_UP_WITHIN else Stage.QUEUED


def _no_login_before(session: Session, eye: Eye, now: datetime) -> datetime | None:
    device = session.get_one(Device, eye.device_id)
    site = session.get_one(Site, device.site_id)
    return login_states.no_try_before(session, site.code, f"{device.host}:{device.port}", now)
