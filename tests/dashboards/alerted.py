"""Channels, subscriptions and messages for tests, written through the tables."""

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from camera_registry.alerts import rules
from camera_registry.alerts.defaults import MADE_BY
from camera_registry.alerts.rules import WARD_RULES, Rules
from camera_registry.models import AlertChannel, Message, Subscription
from tests.dashboards.city import NOW


def add_channel(
    session: Session, name: str, kind: str = "inbox", unit_id: int | None = None, **columns: object
) -> int:
    """A channel that speaks Vietnamese and works."""
    usual = {"language": "vi", "made_at": NOW - timedelta(days=30), "made_by": MADE_BY}
    row = AlertChannel(name=name, kind=kind, unit_id=unit_id, **{**usual, **columns})
    session.add(row)
    session.flush()
    return row.id


def add_subscription(
    session: Session, channel_id: int, unit_id: int | None = None, said: Rules = WARD_RULES
) -> int:
    row = Subscription(
        channel_id=channel_id,
        unit_id=unit_id,
        rules=rules.to_json(said),
        made_at=NOW - timedelta(days=30),
        made_by=MADE_BY,
    )
    session.add(row)
    session.flush()
    return row.id


def add_message(
    session: Session,
    channel_id: int,
    text: str,
    *,
    occasion: str = "incident:1",
    kind: str = "opened",
    at: datetime = NOW,
    state: str = "sent",
    **columns: object,
) -> int:
    """One that was made at ``at``; its title is the beginning of its text."""
    usual = {"told": {}, "due_at": at, "sent_at": at if state == "sent" else None, "tries": 1}
    row = Message(
        channel_id=channel_id,
        occasion=occasion,
        kind=kind,
        made_at=at,
        title=text[:78],
        text=text,
        state=state,
        **{**usual, **columns},
    )
    session.add(row)
    session.flush()
    return row.id
