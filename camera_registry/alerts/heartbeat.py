"""The dead man's handle: an address outside is asked each minute, as long as the monitor does its work.

Who runs that address raises the alarm when nothing comes: a monitor that is ill cannot say so itself.
"""

from datetime import datetime, timedelta, tzinfo

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from camera_registry import census
from camera_registry.alerts import outbound
from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import by_status
from camera_registry.alerts.outbox import State
from camera_registry.models import AlertCursor, Message
from camera_registry.units import Scope

STUCK_AFTER = timedelta(minutes=15)  # that a message is due and nobody tries it, or nothing is routed
AHEAD_AT_MOST = timedelta(minutes=1)  # of our clock, by what another process has written
PATIENCE_S = 10.0
WHOLE_S = 30.0


def illness(session: Session, zone: tzinfo, silence_factor: float, now: datetime) -> str:
    """What is not as it should be, for the log; empty where sweeps and deliveries are fresh.

    A channel that fails is no illness: its messages are tried again, and its state is shown.
    """
    pulse = census.pulse(session, Scope.everything(), now, zone)
    patience = timedelta(seconds=pulse.patience_s(silence_factor))
    if pulse.waiting and (pulse.newest_probe_at is None or now - pulse.newest_probe_at > patience):
        return "no eye was asked for too long"
    due = select(func.min(Message.due_at)).where(Message.state == State.WAITING)
    oldest = session.scalar(due.where(func.coalesce(Message.leased_until, now) <= now))
    if oldest is not None and now - oldest > STUCK_AFTER:
        return "messages are due and nobody sends them"
    routed = session.scalar(select(AlertCursor.at))
    if routed is not None and now - routed > STUCK_AFTER:
        return "nothing was routed for too long"
    if routed is not None and routed - now > AHEAD_AT_MOST:
        return "the clock was set back: what happens now was routed already, by the books"
    return ""


def ping(url: str) -> None:
    """Ask the address (GET). Raises ``NotSent`` where it does not answer, or not with success."""
    with Deadline(WHOLE_S) as deadline:
        answer = outbound.exchange("GET", url, deadline=deadline, patience_s=PATIENCE_S)
    if not 200 <= answer.status < 300:
        raise by_status(answer.status)
