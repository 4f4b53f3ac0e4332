"""A person tries a channel: one message that says so, through the outbox like any other."""

from datetime import datetime, tzinfo

from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.alerts import outbox
from camera_registry.alerts.channels import ChannelError
from camera_registry.alerts.phrases import Speaker
from camera_registry.alerts.reading import ChannelRow
from camera_registry.audit import Action, Actor
from camera_registry.i18n import N_, translate

KIND = "test"  # of its message, beside those of ``routing.Kind``


def send_test(session: Session, actor: Actor, now: datetime, zone: tzinfo, channel: ChannelRow) -> int:
    """Returns the message's number. Raises ``ChannelError`` for a channel that leads nowhere."""
    if channel.stopped_at is not None or not channel.linked:
        raise ChannelError(N_("The channel leads nowhere: it is stopped, or not linked yet."))
    at = Speaker(channel.language, zone).moment(now, now)
    text = N_(
        "[TEST] A message that only tries this channel, sent at {moment}. "
        "If you can read it, alerts of the cameras will reach you here."
    )
    number = outbox.put(
        session,
        now,
        channel_id=channel.id,
        occasion=f"test:{now.isoformat()}",
        kind=KIND,
        title=translate(N_("[TEST] The registry of cameras"), channel.language),
        text=translate(text, channel.language, moment=at),
        told={"kind": KIND},
    )
    detail = {"message": number}
    audit.record(session, actor, Action.CHANNEL_TRIED, f"channel:{channel.name}", now, detail=detail)
    return number
