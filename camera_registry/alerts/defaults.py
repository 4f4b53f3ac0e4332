"""Who listens before anybody has set anything up: the city desk, and each unit that has eyes, on the pages.

Made once. What a person stops or ends is never made again. Of units that became one, one inbox goes on; the
inbox of a unit that was split ends, and its parts have their own.
"""

from collections import defaultdict
from datetime import datetime, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.alerts import rules
from camera_registry.alerts.channels import LONGEST_NAME, Kind
from camera_registry.alerts.rules import CITY_RULES, WARD_RULES, Rules
from camera_registry.i18n import N_, Language, translate
from camera_registry.models import AlertChannel, Device, Eye, Subscription
from camera_registry.units import UnitTree, UnitVersion

MADE_BY = "camera-registry"  # of what no person made
SPOKEN: Language = "vi"


def ensure(session: Session, zone: tzinfo, now: datetime) -> None:
    """The city desk and every unit of today that has eyes hear, in an inbox each, of what is theirs."""
    day, tree = now.astimezone(zone).date(), UnitTree.load(session)
    made: dict[int | None, list[AlertChannel]] = defaultdict(list)
    split: list[AlertChannel] = []
    rows = session.scalars(
        select(AlertChannel)
        .where(AlertChannel.kind == Kind.INBOX, AlertChannel.made_by == MADE_BY)
        .order_by(AlertChannel.id)
    )
    for channel in rows:
        parts = tree.parts_on(channel.unit_id, day) if channel.unit_id is not None else []
        if len(parts) > 1:
            split.append(channel)
        else:
            made[parts[0].id if parts else channel.unit_id].append(channel)
    if None not in made:
        _make(session, now, translate(N_("Inbox of the city desk"), SPOKEN), None, CITY_RULES)
    for unit in units_with_eyes(session, zone, now, tree):
        if unit.id not in made:
            _make(session, now, _name(session, unit), unit.id, WARD_RULES)
    doubled = [channel for channels in made.values() for channel in _living(session, channels)[1:]]
    for channel in (*doubled, *split):
        for subscription in _own(session, channel):
            subscription.ended_at = now
    session.flush()


def units_with_eyes(session: Session, zone: tzinfo, now: datetime, tree: UnitTree) -> list[UnitVersion]:
    """The units of today in which eyes are."""
    homes = queries.homes(session, now.astimezone(zone).date())
    points = session.scalars(select(Device.point_id).join(Eye).where(Eye.retired_at.is_(None)).distinct())
    units = {homes[point][0] for point in points if point in homes}
    return [tree.units[unit] for unit in sorted(units)]


def _living(session: Session, channels: list[AlertChannel]) -> list[AlertChannel]:
    return [channel for channel in channels if channel.stopped_at is None and _own(session, channel)]


def _own(session: Session, channel: AlertChannel) -> list[Subscription]:
    """What of this channel no person has made, and goes on."""
    return list(
        session.scalars(
            select(Subscription).where(
                Subscription.channel_id == channel.id,
                Subscription.made_by == MADE_BY,
                Subscription.ended_at.is_(None),
            )
        )
    )


def _name(session: Session, unit: UnitVersion) -> str:
    """What its inbox is called: units of different times have had the same name."""
    name = translate(N_("Inbox of {unit}"), SPOKEN, unit=unit.name)[:LONGEST_NAME]
    taken = session.scalar(select(AlertChannel.id).where(AlertChannel.name == name))
    return name if taken is None else f"{name[: LONGEST_NAME - len(unit.uid) - 3]} ({unit.uid})"


def _make(session: Session, now: datetime, name: str, unit_id: int | None, wanted: Rules) -> None:
    channel = AlertChannel(
        name=name, kind=str(Kind.INBOX), unit_id=unit_id, language=SPOKEN, made_at=now, made_by=MADE_BY
    )
    session.add(channel)
    session.flush()
    session.add(
        Subscription(
            channel_id=channel.id,
            unit_id=unit_id,
            rules=rules.to_json(wanted),
            made_at=now,
            made_by=MADE_BY,
        )
    )
    session.flush()
