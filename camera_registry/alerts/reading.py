"""What of alerts somebody may see: channels, subscriptions, messages. Each is cut to a ``Scope`` here.

A thing of a unit is seen by who sees all that the unit is by today; what is the city desk's, or of a site,
or comes over a channel of the desk, by who sees everything.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from camera_registry import queries
from camera_registry.alerts import rules
from camera_registry.alerts.channels import Kind as ChannelKind
from camera_registry.alerts.outbox import State
from camera_registry.alerts.rules import Rules, RulesError
from camera_registry.i18n import Language, collation_key
from camera_registry.models import AlertChannel, Message, Site, Subscription
from camera_registry.outages import IncidentRow
from camera_registry.spelling import fold
from camera_registry.units import Scope, UnitTree, UnitVersion

PAGE = 50  # messages of one page
LOOKED_AT = 1_000  # messages whose words are compared before a page is given as it is
AT_ONCE = 500  # rows fetched
RECENT = timedelta(days=7)  # what was given up earlier waits for nobody any more


class Health(StrEnum):
    """How a channel does; one slug for translation."""

    WORKS = "works"
    SILENT = "silent"  # nothing was sent yet
    UNLINKED = "unlinked"  # it leads nowhere until somebody has sent its code
    FAILING = "failing"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel and how it does. ``unit`` is what its unit is called by today, empty for the city desk;
    ``unit_uid`` that of a unit of today, where it is one.

    ``shown`` is as much of the address as people may read; ``linked``: there is one, or none is needed.
    ``subscriptions`` and ``waiting`` count what goes on; ``dead`` what was given up within ``RECENT``.
    """

    id: int
    name: str
    kind: ChannelKind
    unit_id: int | None
    unit: str
    unit_uid: str
    language: Language
    shown: str
    linked: bool
    made_at: datetime
    made_by: str
    stopped_at: datetime | None
    failing_since: datetime | None
    error: str
    subscriptions: int
    waiting: int
    dead: int
    sent_at: datetime | None

    @property
    def health(self) -> Health:
        if self.stopped_at is not None:
            return Health.STOPPED
        if not self.linked:
            return Health.UNLINKED
        if self.failing_since is not None:
            return Health.FAILING
        return Health.SILENT if self.sent_at is None else Health.WORKS

    @property
    def health_since(self) -> datetime | None:
        """Since when it is stopped or failing; else when something was sent last."""
        return self.stopped_at or self.failing_since or self.sent_at


@dataclass(frozen=True, slots=True)
class SubscriptionRow:
    """Who hears what: ``unit`` and ``site`` are empty where it is of the whole city.

    ``unit`` is what the unit is called by today; ``channel_stopped``: nothing of it is told any more; nor is
    it where ``rules`` are ``None``, for they cannot be read.
    """

    id: int
    channel_id: int
    channel: str
    channel_kind: ChannelKind
    channel_stopped: bool
    unit_id: int | None
    unit: str
    site: str
    rules: Rules | None
    made_at: datetime
    made_by: str
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageRow:
    """What was said, or is to be said, over a channel. ``unit``: whom it is for, empty for the city desk."""

    id: int
    channel_id: int
    channel: str
    channel_kind: ChannelKind
    occasion: str
    kind: str
    incident: int | None
    unit: str
    made_at: datetime
    due_at: datetime
    sent_at: datetime | None
    state: State
    tries: int
    error: str
    title: str
    text: str

    @property
    def told_in_digest(self) -> bool:
        """Whether it was held, and somebody has read it in a digest since."""
        return self.state is State.HELD and self.sent_at is not None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which messages somebody wants to see; a condition that is ``None`` or empty holds for all.

    ``inbox``: what in-app inboxes hold (nothing that is held back, unless ``state`` says so), and of who sees
    everything the city desk's alone, unless a ``unit`` (the uid of one) is asked for. All words of ``text``
    must occur, marks aside.
    """

    inbox: bool = False
    channel: int | None = None
    state: State | None = None
    kind: str = ""
    unit: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Messages, the newest first. ``older`` is the key of what lies before; ``None`` at the end."""

    messages: Sequence[MessageRow]
    older: int | None


# --- channels ---------------------------------------------------------------------------------------


def channels(session: Session, scope: Scope, now: datetime, day: date) -> list[ChannelRow]:
    """Those in scope on ``day``: the city desk's first, then by unit and name; the stopped ones last."""
    found = session.scalars(select(AlertChannel).where(*_seen(session, scope, day, AlertChannel.unit_id)))
    rows = _channel_rows(session, list(found), now, day)
    return sorted(
        rows, key=lambda row: (row.stopped_at is not None, collation_key(row.unit), collation_key(row.name))
    )


def names(session: Session, scope: Scope, day: date) -> dict[int, str]:
    """What the channels in scope are called, by their numbers, in the order of their names."""
    seen = _seen(session, scope, day, AlertChannel.unit_id)
    found = session.execute(select(AlertChannel.id, AlertChannel.name).where(*seen)).all()
    return {row.id: row.name for row in sorted(found, key=lambda row: collation_key(row.name))}


def channel(session: Session, scope: Scope, now: datetime, day: date, channel_id: int) -> ChannelRow | None:
    """One of them by its number; ``None`` where no such channel is in scope."""
    seen = _seen(session, scope, day, AlertChannel.unit_id)
    found = session.scalars(select(AlertChannel).where(AlertChannel.id == channel_id, *seen))
    return next(iter(_channel_rows(session, list(found), now, day)), None)


def failing(session: Session, scope: Scope, day: date) -> int:
    """How many channels in scope nothing has arrived over of late, though it was tried."""
    condition = and_(AlertChannel.failing_since.is_not(None), AlertChannel.stopped_at.is_(None))
    seen = _seen(session, scope, day, AlertChannel.unit_id)
    return session.scalars(select(func.count()).select_from(AlertChannel).where(condition, *seen)).one()


# --- subscriptions ----------------------------------------------------------------------------------


def subscriptions(session: Session, scope: Scope, day: date, *, ended: bool = False) -> list[SubscriptionRow]:
    """Who hears what of what lies in scope, the whole city first, then by unit; or those that have ended."""
    over = Subscription.ended_at.is_not(None) if ended else Subscription.ended_at.is_(None)
    rows = _subscription_rows(session, scope, day, over)
    return sorted(
        rows, key=lambda row: (collation_key(row.unit), row.site, collation_key(row.channel), row.id)
    )


def subscription(session: Session, scope: Scope, day: date, subscription_id: int) -> SubscriptionRow | None:
    """One that goes on, by its number; ``None`` where no such subscription is in scope."""
    going_on = and_(Subscription.id == subscription_id, Subscription.ended_at.is_(None))
    return next(iter(_subscription_rows(session, scope, day, going_on)), None)


def unheard(session: Session, scope: Scope, day: date) -> list[UnitVersion]:
    """The units of points in scope that no subscription to a unit reaches over a living channel, by name."""
    tree = UnitTree.load(session)
    going_on = (
        select(Subscription.unit_id)
        .join(AlertChannel, AlertChannel.id == Subscription.channel_id)
        .where(Subscription.unit_id.is_not(None))
        .where(Subscription.ended_at.is_(None), AlertChannel.stopped_at.is_(None))
    )
    told = {part.id for each in session.scalars(going_on) if each for part in tree.parts_on(each, day)}
    return [
        unit
        for unit in queries.units_of_today(session, scope, day)
        if told.isdisjoint({unit.id, *(above.id for above in tree.ancestors(unit.id))})
    ]


# --- messages ---------------------------------------------------------------------------------------


def page(
    session: Session, scope: Scope, day: date, wanted: Wanted, before: int | None = None, limit: int = PAGE
) -> Page:
    """The newest messages in scope made before the one with the number ``before``.

    A rare word may leave a page short, or empty, though there is more: ``older`` then goes on.
    """
    words = fold(wanted.text).split()
    chosen: list[Message] = []
    seen = last = 0
    found = _select(session, scope, day, wanted, before, LOOKED_AT if words else limit + 1)
    with closing(session.scalars(found)) as rows:
        for row in rows:
            if len(chosen) == limit:
                return Page(_message_rows(session, day, chosen), last)
            seen, last = seen + 1, row.id
            if _says(row, words):
                chosen.append(row)
    return Page(_message_rows(session, day, chosen), last if seen == LOOKED_AT else None)


def every(session: Session, scope: Scope, day: date, wanted: Wanted, most: int) -> list[MessageRow]:
    """All that are wanted, the newest first, at most so many: for files."""
    words = fold(wanted.text).split()
    with closing(session.scalars(_select(session, scope, day, wanted))) as rows:
        chosen = list(islice((row for row in rows if _says(row, words)), most))
    return _message_rows(session, day, chosen)


def of_incident(session: Session, scope: Scope, day: date, incident: IncidentRow) -> list[MessageRow]:
    """What was said of an incident to those whom the reader may see, the oldest first."""
    seen = _told(session, scope, day)
    found = select(Message).where(Message.incident_id == incident.id, *seen).order_by(Message.id)
    return _message_rows(session, day, list(session.scalars(found)))


def message(session: Session, scope: Scope, day: date, message_id: int) -> MessageRow | None:
    """One message by its number; ``None`` where no such message is in scope."""
    seen = _told(session, scope, day)
    found = session.scalars(select(Message).where(Message.id == message_id, *seen))
    return next(iter(_message_rows(session, day, list(found))), None)


def dead(session: Session, scope: Scope, now: datetime, day: date) -> int:
    """How many messages in scope of those made within ``RECENT`` were given up."""
    condition = and_(Message.state == State.DEAD, Message.made_at >= now - RECENT)
    seen = _told(session, scope, day)
    return session.scalars(select(func.count()).select_from(Message).where(condition, *seen)).one()


# --- how it is done ---------------------------------------------------------------------------------


def _inside(session: Session, scope: Scope, day: date) -> list[int]:
    """The units, of any time, of which all that they are by ``day`` lies in ``scope``."""
    tree = UnitTree.load(session)
    parts = {unit_id: tree.parts_on(unit_id, day) for unit_id in tree.units}
    return [each for each, units in parts.items() if units and all(scope.covers(unit.id) for unit in units)]


def _seen(
    session: Session, scope: Scope, day: date, unit: InstrumentedAttribute[int | None]
) -> Sequence[ColumnElement[bool]]:
    """The condition that cuts to ``scope``; none where it is everything."""
    return () if scope.unit_ids is None else (unit.in_(_inside(session, scope, day)),)


def _told(session: Session, scope: Scope, day: date) -> Sequence[ColumnElement[bool]]:
    """The same for messages: one may name all that its channel hears of, whatever unit it is for."""
    owned = _seen(session, scope, day, AlertChannel.unit_id)
    return (
        *_seen(session, scope, day, Message.unit_id),
        *(Message.channel_id.in_(select(AlertChannel.id).where(mine)) for mine in owned),
    )


def _named(session: Session, day: date, unit_id: int | None) -> str:
    """What a unit is called by ``day``; of one that only ended, what it was called."""
    if unit_id is None:
        return ""
    tree = UnitTree.load(session)
    return ", ".join(unit.name for unit in tree.parts_on(unit_id, day) or [tree.units[unit_id]])


def _uid(session: Session, day: date, unit_id: int | None) -> str:
    parts = UnitTree.load(session).parts_on(unit_id, day) if unit_id is not None else []
    return parts[0].uid if len(parts) == 1 else ""


def _channel_rows(
    session: Session, found: Collection[AlertChannel], now: datetime, day: date
) -> list[ChannelRow]:
    told = _counted(session, Subscription.channel_id, Subscription.ended_at.is_(None))
    unsaid = and_(Message.state.in_((State.WAITING, State.HELD)), Message.sent_at.is_(None))
    waiting = _counted(session, Message.channel_id, unsaid)
    late = _counted(
        session, Message.channel_id, and_(Message.state == State.DEAD, Message.made_at >= now - RECENT)
    )
    newest = (
        select(Message.sent_at)
        .where(Message.channel_id == AlertChannel.id, Message.sent_at.is_not(None))
        .order_by(Message.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    ids = [row.id for row in found]
    sent = dict(session.execute(select(AlertChannel.id, newest).where(AlertChannel.id.in_(ids))).all())
    return [
        ChannelRow(
            row.id,
            row.name,
            ChannelKind(row.kind),
            row.unit_id,
            _named(session, day, row.unit_id),
            _uid(session, day, row.unit_id),
            "vi" if row.language == "vi" else "en",
            row.shown,
            row.kind == ChannelKind.INBOX or row.sealed is not None,
            row.made_at,
            row.made_by,
            row.stopped_at,
            row.failing_since,
            row.error,
            told.get(row.id, 0),
            waiting.get(row.id, 0),
            late.get(row.id, 0),
            sent.get(row.id),
        )
        for row in found
    ]


def _counted(
    session: Session, channel: InstrumentedAttribute[int], which: ColumnElement[bool]
) -> Mapping[int, int]:
    """How many such rows there are of each channel that has any: few, of all that was ever told."""
    found = select(channel, func.count()).where(which).group_by(channel)
    return dict(session.execute(found).all())


def _subscription_rows(
    session: Session, scope: Scope, day: date, which: ColumnElement[bool]
) -> list[SubscriptionRow]:
    """What lies in scope: of a channel that does, and of a unit that does."""
    units = (Subscription.unit_id, AlertChannel.unit_id)
    seen = [condition for unit in units for condition in _seen(session, scope, day, unit)]
    found = (
        select(Subscription, AlertChannel, Site.code)
        .join(AlertChannel, AlertChannel.id == Subscription.channel_id)
        .outerjoin(Site, Site.id == Subscription.site_id)
        .where(which, *seen)
    )
    return [
        SubscriptionRow(
            row.id,
            channel.id,
            channel.name,
            ChannelKind(channel.kind),
            channel.stopped_at is not None,
            row.unit_id,
            _named(session, day, row.unit_id),
            site or "",
            _readable(row.rules),
            row.made_at,
            row.made_by,
            row.ended_at,
        )
        for row, channel, site in session.execute(found)
    ]


def _readable(kept: object) -> Rules | None:
    try:
        return rules.from_json(kept)
    except RulesError:
        return None


def _select(
    session: Session,
    scope: Scope,
    day: date,
    wanted: Wanted,
    before: int | None = None,
    most: int | None = None,
) -> Select[Message]:
    """The newest first, of those with a number below ``before``; read as they are consumed."""
    found = select(Message.id).where(*_told(session, scope, day))
    if before is not None:
        found = found.where(Message.id < before)
    exact: Mapping[InstrumentedAttribute[Any], Any] = {
        Message.channel_id: wanted.channel,
        Message.state: wanted.state,
        Message.kind: wanted.kind or None,
    }
    found = found.where(*(column == value for column, value in exact.items() if value is not None))
    if wanted.unit:
        found = found.where(Message.unit_id.in_(_ids_of(session, day, wanted.unit)))
    if wanted.inbox:
        inboxes = select(AlertChannel.id).where(AlertChannel.kind == ChannelKind.INBOX)
        if scope.unit_ids is None and not wanted.unit:
            inboxes = inboxes.where(AlertChannel.unit_id.is_(None))
        else:
            inboxes = inboxes.where(*_seen(session, scope, day, AlertChannel.unit_id))
        found = found.where(Message.channel_id.in_(list(session.scalars(inboxes))))
        if wanted.state is None:
            found = found.where(Message.state == State.SENT)
    # Numbers are sorted, not texts.
    chosen = select(Message).where(Message.id.in_(found.order_by(Message.id.desc()).limit(most)))
    return chosen.order_by(Message.id.desc()).execution_options(yield_per=AT_ONCE)


def _ids_of(session: Session, day: date, uid: str) -> list[int]:
    """Every version of the unit that has this uid on ``day``: messages of before name what it was."""
    tree = UnitTree.load(session)
    return [each for each in tree.units if uid in {unit.uid for unit in tree.parts_on(each, day)}]


def _says(row: Message, words: Sequence[str]) -> bool:
    text = fold(f"{row.title} {row.text}") if words else ""
    return all(word in text for word in words)


def _message_rows(session: Session, day: date, found: Collection[Message]) -> list[MessageRow]:
    ids = {row.channel_id for row in found}
    channels = {row.id: row for row in session.scalars(select(AlertChannel).where(AlertChannel.id.in_(ids)))}
    return [
        MessageRow(
            row.id,
            row.channel_id,
            channels[row.channel_id].name,
            ChannelKind(channels[row.channel_id].kind),
            row.occasion,
            row.kind,
            row.incident_id,
            _named(session, day, row.unit_id),
            row.made_at,
            row.due_at,
            row.sent_at,
            State(row.state),
            row.tries,
            row.error,
            row.title,
            row.text,
        )
        for row in found
    ]
