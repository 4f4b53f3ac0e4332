"""The outbox: what is to be said, who sends it at this moment, and what became of it.

At least once: a message that another side has accepted is sent again only where nobody could write that
down. Who sends one leases it first; of a process that ended, the lease runs out. Over a channel one message
is under way at a time, and of one occasion the earlier ones go first: nobody hears that something is over
before he has heard of it. What has waited for too long is dropped, not sent: see ``_drop_old``.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import and_, bindparam, exists, func, not_, or_, select, update
from sqlalchemy.orm import Session, aliased

from camera_registry import audit
from camera_registry.alerts.routing import Kind
from camera_registry.audit import Action, Actor
from camera_registry.db import Database
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import AlertChannel, Incident, Message

FIRST_WAIT = timedelta(seconds=30)
WAIT_GROWS = 4
LONGEST_WAIT = timedelta(hours=1)
MOST_TRIES = 15  # the waits between them make half a day
FURTHEST = 2 * LONGEST_WAIT  # ahead that a wait or a lease may end; beyond, the clock was wrong that set it
NO_NEWS = timedelta(hours=6)  # that something began is then no news any more, if it is over, too
TOO_OLD = timedelta(days=3)  # nothing is said then but that something began that still goes on
LONGEST_ERROR = 200  # characters
WAITED_TOO_LONG = "waited too long"  # the error of what was dropped so
READ_HERE = "inbox"  # the kind of channel whose messages have arrived when they are written


class State(StrEnum):
    """What became of a message; one slug for the database and for translation."""

    WAITING = "waiting"  # for its moment, for whoever sends it, or for the next try
    HELD = "held"  # the channel has had its fill of this hour; a summary says so
    SENT = "sent"
    DEAD = "dead"  # given up; a person may have it sent again
    DROPPED = "dropped"  # its channel was stopped; or it has waited for too long, as its ``error`` says


class OutboxError(RegistryError):
    """The message cannot be sent again."""


@dataclass(frozen=True, slots=True)
class Due:
    """A message that is ours to send until ``leased_until``. ``kind`` is its kind, ``over`` the channel's.

    ``sealed`` is the channel's address, see ``channels.open_sealed``. ``tries`` counts this one.
    """

    id: int
    channel_id: int
    channel: str
    over: str
    language: str
    sealed: bytes | None = field(repr=False)
    occasion: str
    kind: str
    incident_id: int | None
    made_at: datetime
    title: str
    text: str
    told: dict[str, Any]
    report_id: int | None
    tries: int
    leased_until: datetime


# --- sending ----------------------------------------------------------------------------------------


def lease(
    database: Database,
    now: datetime,
    most: int,
    seconds: float,
    *,
    over: Collection[str],
    besides: Collection[int] = (),
) -> list[Due]:
    """Take at most ``most`` messages that are due, one of a channel, for so many seconds.

    ``over`` are the kinds of channels, ``besides`` the ids of those that have no turn. Of two processes that
    ask at once no two get the same message, nor messages of one channel.
    """
    asked = {
        "now": now,
        "furthest": now + FURTHEST,
        "over": list(over),
        "besides": list(besides),
        "most": most,
    }
    with database.reading() as session:
        # No writer waits for somebody who only looks, which is once a second.
        if session.scalar(_READY, asked) is None:
            return []
    until = now + timedelta(seconds=seconds)
    with database.transaction() as session:
        # The channels are locked, their messages read after that: who was here first has leased by then.
        locked = session.scalars(_LOCKED, asked).all()
        _drop_old(session, locked, now)
        found = (_take(session, channel_id, now, until) for channel_id in locked)
        return [due for due in found if due is not None]


def sent(database: Database, due: Due, now: datetime) -> None:
    """The other side has accepted it."""
    with database.transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id == due.id, Message.state != State.SENT)
            .values(state=State.SENT, sent_at=now, leased_until=None, error="")
        )
        session.execute(
            update(AlertChannel)
            .where(AlertChannel.id == due.channel_id, AlertChannel.failing_since.is_not(None))
            .values(failing_since=None, error="")
        )


def failed(
    database: Database,
    due: Due,
    now: datetime,
    error: str,
    *,
    for_good: bool = False,
    wait: timedelta | None = None,
) -> State:
    """It was not accepted: it waits for the next try, at least ``wait``, or is dead; returns which.

    ``error`` holds no address. Whoever has lost the lease meanwhile changes nothing.
    """
    error = error[:LONGEST_ERROR]
    dead = for_good or due.tries >= MOST_TRIES
    again_at = now + max(wait_after(due.tries), wait or timedelta(0))
    state = State.DEAD if dead else State.WAITING
    with database.transaction() as session:
        session.execute(
            update(Message)
            .where(Message.id == due.id, Message.state == State.WAITING)
            .where(Message.leased_until == due.leased_until)
            .values(state=state, due_at=Message.due_at if dead else again_at, leased_until=None, error=error)
        )
        session.execute(
            update(AlertChannel)
            .where(AlertChannel.id == due.channel_id)
            .values(failing_since=func.coalesce(AlertChannel.failing_since, now), error=error)
        )
    return state


def wait_after(tries: int) -> timedelta:
    """How long after so many failed tries the next one is: 30 s, 2 min, 8 min, 32 min, then each hour.

    The waits are kept in rows, not in a process: they outlast it.
    """
    grown = FIRST_WAIT.total_seconds() * WAIT_GROWS ** min(tries - 1, 10)
    return min(timedelta(seconds=grown), LONGEST_WAIT)


# --- what people do ---------------------------------------------------------------------------------


def put(
    session: Session,
    now: datetime,
    *,
    channel_id: int,
    occasion: str,
    kind: str,
    title: str,
    text: str,
    told: dict[str, Any],
    report_id: int | None = None,
) -> int:
    """Have something said that no subscription asked for, such as a test. Returns the message's id.

    ``report_id`` is the report that was made whose file goes with it, where the channel takes files.
    """
    channel = session.get_one(AlertChannel, channel_id)
    read_here = channel.kind == READ_HERE
    row = Message(
        channel_id=channel_id,
        occasion=occasion,
        kind=kind,
        unit_id=channel.unit_id,
        made_at=now,
        due_at=now,
        title=title,
        text=text,
        told=told,
        report_id=report_id,
        state=str(State.SENT if read_here else State.WAITING),
        sent_at=now if read_here else None,
        tries=0,
        error="",
    )
    session.add(row)
    session.flush()
    return row.id


def resend(session: Session, actor: Actor, now: datetime, message_id: int, reason: str) -> None:
    """Have a dead message tried again from the start.

    Raises ``OutboxError`` for one that is not dead, or whose channel was stopped; ``ReasonError``.
    """
    reason = audit.reason_of(reason)
    found = session.execute(
        select(Message, AlertChannel.name)
        .join(AlertChannel, AlertChannel.id == Message.channel_id)
        .where(Message.id == message_id, Message.state == State.DEAD, AlertChannel.stopped_at.is_(None))
        .with_for_update(of=Message)
    ).one_or_none()
    if found is None:
        raise OutboxError(N_("Only a message that was given up can be sent again, over a living channel."))
    row, channel = found
    row.state, row.due_at, row.tries, row.leased_until = str(State.WAITING), now, 0, None
    detail = {"channel": channel, "kind": row.kind, "occasion": row.occasion}
    audit.record(
        session, actor, Action.MESSAGE_RESENT, f"message:{row.id}", now, detail=detail, reason=reason
    )
    session.flush()


def drop(session: Session, channel_id: int) -> int:
    """Nothing of what waits for this channel is said any more; returns how much that was."""
    gone = session.execute(
        update(Message)
        .where(Message.channel_id == channel_id, Message.state.in_((State.WAITING, State.HELD)))
        .where(Message.sent_at.is_(None))  # what was held and then told in a digest was said
        .values(state=State.DROPPED, leased_until=None)
        .returning(Message.id)
    )
    return len(gone.all())


# --- how it is done ---------------------------------------------------------------------------------


# Looked for each second: the statements are made once, and given the moment.
_other = aliased(Message)
_in_the_way = exists().where(
    _other.channel_id == Message.channel_id,
    _other.state == State.WAITING,
    or_(
        and_(_other.leased_until > bindparam("now"), _other.leased_until <= bindparam("furthest")),
        and_(_other.occasion == Message.occasion, _other.id < Message.id),
    ),
)
_due = and_(
    Message.state == State.WAITING,
    or_(Message.due_at <= bindparam("now"), Message.due_at > bindparam("furthest")),
    ~_in_the_way,
)
_longest = select(func.min(Message.due_at)).where(_due, Message.channel_id == AlertChannel.id)

# The channels over which something can be sent, the longest waiting first.
_READY = (
    select(AlertChannel.id)
    .where(
        AlertChannel.kind.in_(bindparam("over", expanding=True)),
        AlertChannel.id.not_in(bindparam("besides", expanding=True)),
        AlertChannel.stopped_at.is_(None),
        exists().where(Message.channel_id == AlertChannel.id, _due),
    )
    .order_by(_longest.correlate(AlertChannel).scalar_subquery(), AlertChannel.id)
    .limit(bindparam("most"))
)
_LOCKED = _READY.with_for_update(skip_locked=True, key_share=True)
_NEXT = (
    select(Message)
    .where(Message.channel_id == bindparam("channel_id"), _due)
    .order_by(Message.due_at, Message.id)
    .limit(1)
)


def _drop_old(session: Session, channels: Collection[int], now: datetime) -> None:
    """Drop what is no news any more of what these channels wait for, where nothing is under way.

    After a stop of days, or of a channel, nobody wants to hear of twenty minutes of last week: that
    something began goes with all that was said of it since when it is old, was not sent again by a person,
    and its end waits, too. What has been due for longer than ``TOO_OLD`` goes, but for what began and still
    goes on; so does the end of what began and was dropped.
    """
    begun, ended = aliased(Message), aliased(Message)
    of_old = exists().where(
        begun.channel_id == Message.channel_id,
        begun.occasion == Message.occasion,
        begun.kind == Kind.OPENED,
        or_(
            and_(begun.state == State.DROPPED, Message.kind == Kind.RECOVERED),
            and_(
                begun.state == State.WAITING,
                begun.made_at < now - NO_NEWS,
                or_(begun.tries > 0, begun.due_at < now - NO_NEWS),
                exists().where(
                    ended.channel_id == Message.channel_id,
                    ended.occasion == Message.occasion,
                    ended.kind == Kind.RECOVERED,
                    ended.state == State.WAITING,
                ),
            ),
        ),
    )
    goes_on = exists().where(
        Incident.id == Message.incident_id, Incident.ended_at.is_(None), Incident.withdrawn_at.is_(None)
    )
    long_due = and_(Message.due_at < now - TOO_OLD, not_(and_(Message.kind == Kind.OPENED, goes_on)))
    under_way = exists().where(
        _other.channel_id == Message.channel_id,
        _other.leased_until > now,
        _other.leased_until <= now + FURTHEST,
    )
    # Chosen before any of them changes, for they decide on each other.
    gone = session.scalars(
        select(Message.id).where(
            Message.channel_id.in_(channels),
            Message.state == State.WAITING,
            not_(under_way),
            or_(long_due, of_old),
        )
    ).all()
    if gone:
        session.execute(
            update(Message)
            .where(Message.id.in_(gone))
            .values(state=State.DROPPED, leased_until=None, error=WAITED_TOO_LONG)
        )


def _take(session: Session, channel_id: int, now: datetime, until: datetime) -> Due | None:
    row = session.scalar(_NEXT, {"channel_id": channel_id, "now": now, "furthest": now + FURTHEST})
    if row is None:
        return None
    # Counted before it is sent: a message that ends the process would do so for ever.
    row.tries, row.leased_until = row.tries + 1, until
    channel = session.get_one(AlertChannel, channel_id)
    return Due(
        id=row.id,
        channel_id=channel_id,
        channel=channel.name,
        over=channel.kind,
        language=channel.language,
        sealed=channel.sealed,
        occasion=row.occasion,
        kind=row.kind,
        incident_id=row.incident_id,
        made_at=row.made_at,
        title=row.title,
        text=row.text,
        told=row.told,
        report_id=row.report_id,
        tries=row.tries,
        leased_until=until,
    )
