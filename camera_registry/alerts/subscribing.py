"""Who hears of what: a channel is subscribed to a unit, a site or the whole city; changed; ended.

Deeds of people, each with its reason in the audit. They reach what lies in the scope of who does them, and a
unit's channel is told of that unit alone.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.alerts import reading, rules
from camera_registry.alerts.reading import ChannelRow, SubscriptionRow
from camera_registry.alerts.rules import Rules
from camera_registry.audit import Action, Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_, collation_key
from camera_registry.models import AlertChannel, Site, Subscription, Unit
from camera_registry.units import Scope, UnitTree, UnitVersion


class SubscriptionError(RegistryError):
    """This cannot be subscribed to."""


class NoSuchChannel(SubscriptionError):
    """No channel in scope has this number."""


class NoSuchSubscription(SubscriptionError):
    """No subscription in scope that goes on has this number."""


@dataclass(frozen=True, slots=True)
class Of:
    """What somebody is to hear of: a unit (by its uid), a site (by its code), or, of neither, the city."""

    unit: str = ""
    site: str = ""


def add(
    session: Session,
    scope: Scope,
    actor: Actor,
    now: datetime,
    day: date,
    channel_id: int,
    of: Of,
    wanted: Rules,
    *,
    reason: str,
) -> SubscriptionRow:
    """Have a channel told of something. Raises ``SubscriptionError`` and ``ReasonError``."""
    reason = audit.reason_of(reason)
    session.execute(select(AlertChannel.id).where(AlertChannel.id == channel_id).with_for_update())
    channel = known_channel(session, scope, now, day, channel_id)
    if channel.stopped_at is not None:
        raise SubscriptionError(N_('The channel "{name}" is stopped.'), name=channel.name)
    unit_id, site_id = _ids(session, scope, day, channel, of)
    same = select(Subscription.id).where(
        Subscription.channel_id == channel.id,
        Subscription.unit_id.is_(None) if unit_id is None else Subscription.unit_id == unit_id,
        Subscription.site_id.is_(None) if site_id is None else Subscription.site_id == site_id,
        Subscription.ended_at.is_(None),
    )
    if session.scalar(same) is not None:
        raise SubscriptionError(N_("The channel is told of this already: change that subscription."))
    row = Subscription(channel_id=channel.id, unit_id=unit_id, site_id=site_id)
    row.rules, row.made_at, row.made_by = rules.to_json(wanted), now, actor.name
    session.add(row)
    session.flush()
    made = known(session, scope, day, row.id)
    _record(session, actor, Action.SUBSCRIPTION_ADDED, made, now, None, _told(made), reason)
    return made


def change(
    session: Session,
    scope: Scope,
    actor: Actor,
    now: datetime,
    day: date,
    subscription_id: int,
    wanted: Rules,
    *,
    reason: str,
) -> SubscriptionRow:
    """From now on it is told by other rules. Raises ``NoSuchSubscription`` and ``ReasonError``."""
    reason = audit.reason_of(reason)
    _lock(session, subscription_id)
    before = known(session, scope, day, subscription_id)
    if before.rules == wanted:
        return before
    session.get_one(Subscription, subscription_id).rules = rules.to_json(wanted)
    session.flush()
    after = known(session, scope, day, subscription_id)
    _record(session, actor, Action.SUBSCRIPTION_CHANGED, after, now, _told(before), _told(after), reason)
    return after


def end(
    session: Session,
    scope: Scope,
    actor: Actor,
    now: datetime,
    day: date,
    subscription_id: int,
    *,
    reason: str,
) -> SubscriptionRow:
    """It is told no more. Raises ``NoSuchSubscription`` and ``ReasonError``."""
    reason = audit.reason_of(reason)
    _lock(session, subscription_id)
    before = known(session, scope, day, subscription_id)
    session.get_one(Subscription, subscription_id).ended_at = now
    session.flush()
    _record(session, actor, Action.SUBSCRIPTION_ENDED, before, now, _told(before), None, reason)
    return before


def known_channel(session: Session, scope: Scope, now: datetime, day: date, channel_id: int) -> ChannelRow:
    """Raises ``NoSuchChannel``."""
    found = reading.channel(session, scope, now, day, channel_id)
    if found is None:
        raise NoSuchChannel(N_("There is no channel No. {id}."), id=channel_id)
    return found


def known(session: Session, scope: Scope, day: date, subscription_id: int) -> SubscriptionRow:
    """Raises ``NoSuchSubscription``."""
    found = reading.subscription(session, scope, day, subscription_id)
    if found is None:
        raise NoSuchSubscription(N_("There is no subscription No. {id}."), id=subscription_id)
    return found


def units(session: Session, scope: Scope, day: date) -> list[UnitVersion]:
    """The units of ``day`` in scope, of every level, in the order of their names."""
    found = [unit for unit in UnitTree.load(session).units_of(day) if scope.covers(unit.id)]
    return sorted(found, key=lambda unit: (collation_key(unit.name), unit.uid))


def sites(session: Session, scope: Scope) -> list[str]:
    """The codes of the sites that can be told of; none but for who sees everything."""
    return [] if scope.unit_ids is not None else list(session.scalars(select(Site.code).order_by(Site.code)))


def owner_in(session: Session, scope: Scope, day: date, uid: str) -> int | None:
    """Whose a new channel is: the unit of this uid, or (``None``) the city desk where none is named.

    Raises ``SubscriptionError`` where ``scope`` does not hold it.
    """
    if uid:
        return unit_in(session, scope, day, uid)
    if scope.unit_ids is not None:
        raise SubscriptionError(N_("Name the unit whose channel it is: the city desk is not yours."))
    return None


def unit_in(session: Session, scope: Scope, day: date, uid: str) -> int:
    """The id of the unit of this uid, all of which lies in ``scope``. Raises ``SubscriptionError``."""
    unit_id = session.scalar(select(Unit.id).where(Unit.uid == uid))
    parts = UnitTree.load(session).parts_on(unit_id, day) if unit_id is not None else []
    if unit_id is None or not parts or not all(scope.covers(part.id) for part in parts):
        raise SubscriptionError(N_('No administrative unit is called "{text}".'), text=uid)
    return unit_id


# --- how it is done ---------------------------------------------------------------------------------


def _lock(session: Session, subscription_id: int) -> None:
    """Of two who change it at once the second waits, and sees what the first has done."""
    session.execute(select(Subscription.id).where(Subscription.id == subscription_id).with_for_update())


def _ids(
    session: Session, scope: Scope, day: date, channel: ChannelRow, of: Of
) -> tuple[int | None, int | None]:
    """What is to be told of, by its database ids: unit, site. Raises ``SubscriptionError``."""
    if of.unit:
        unit_id = unit_in(session, scope, day, of.unit)
        if channel.unit_id is not None and not _lies_in(session, day, unit_id, channel.unit_id):
            message = N_('The channel "{name}" belongs to {unit}, and hears of that alone.')
            raise SubscriptionError(message, name=channel.name, unit=channel.unit)
        return unit_id, None
    if scope.unit_ids is not None or channel.unit_id is not None:
        raise SubscriptionError(N_("Sites and the whole city are told to channels of the city desk alone."))
    if not of.site:
        return None, None
    site_id = session.scalar(select(Site.id).where(Site.code == of.site))
    if site_id is None:
        raise SubscriptionError(N_('There is no site "{code}".'), code=of.site)
    return None, site_id


def _lies_in(session: Session, day: date, unit_id: int, other_id: int) -> bool:
    """Whether all that a unit is by ``day`` is the other, or lies below it."""
    tree = UnitTree.load(session)
    inside = {unit.id for part in tree.parts_on(other_id, day) for unit in tree.within(part.id, day)}
    return all(part.id in inside for part in tree.parts_on(unit_id, day))


def _told(row: SubscriptionRow) -> dict[str, Any]:
    """As the audit keeps it."""
    kept = rules.to_json(row.rules) if row.rules is not None else {}  # unreadable: what they were is lost
    return {"channel": row.channel, "unit": row.unit, "site": row.site, **kept}


def _record(
    session: Session,
    actor: Actor,
    action: Action,
    row: SubscriptionRow,
    now: datetime,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    reason: str,
) -> None:
    detail = {"before": before, "after": after}
    audit.record(session, actor, action, f"subscription:{row.id}", now, detail=detail, reason=reason)
