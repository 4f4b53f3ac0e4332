"""Routing, done: what happened and what was said go in, messages come out.

It is decided and worded while nobody waits, and written in short transactions. Each holds the row of the
cursor and sees whether somebody else has written messages since: then all is decided anew. The cursor is
advanced in the transaction of the last messages, so that of a process which is killed the next one says what
is not said yet. What a channel was told about an occasion is a key of the database, too: nothing is said
twice.
"""

import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from typing import Any

import structlog
from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from camera_registry import successions
from camera_registry.alerts import defaults, digests, happened, rules, words
from camera_registry.alerts.channels import Kind as ChannelKind
from camera_registry.alerts.happened import Ground, Happening
from camera_registry.alerts.occasions import Occasion
from camera_registry.alerts.outbox import READ_HERE, State
from camera_registry.alerts.routing import (
    DIGESTS,
    REMEMBERED,
    Kind,
    Listener,
    Said,
    Saying,
    after,
    inherited,
    moment_of_digest,
    sayings,
)
from camera_registry.alerts.rules import Rules, RulesError
from camera_registry.alerts.words import Words
from camera_registry.db import Database
from camera_registry.i18n import Language
from camera_registry.models import AlertChannel, AlertCursor, Message, Site, Subscription
from camera_registry.units import Scope, UnitTree

log = structlog.get_logger(__name__)

AT_ONCE = 25  # messages written in one transaction: others want to write, too
PAUSE_S = 0.05  # between two transactions: on SQLite who waits to write looks each 100 ms at the latest
TRIES = 3  # while somebody else writes messages; then the next call goes on
CURSOR_S = 60  # how often the cursor is written while nothing is said
WAITED_FOR = timedelta(days=30)  # what is held for longer is not told any more


def route(database: Database, zone: tzinfo, now: datetime) -> int:
    """Have said what is due now. Returns how many messages that are, those that are held among them.

    Cheap where nothing is due: it is looked first, and the lock taken only when something is to be written.
    Raises whatever the database raises; then what is not said yet is for the next call, and nothing is lost.
    """
    with database.reading() as session:
        cursor = session.get(AlertCursor, 1)
        lately = cursor is not None and timedelta(0) <= now - cursor.at < timedelta(seconds=CURSOR_S)
        if cursor is not None and lately and not _decide(session, zone, now, cursor):
            return 0
    made = 0
    for _ in range(TRIES):
        with database.transaction() as session:
            _locked_cursor(session, now)
            defaults.ensure(session, zone, now)
        with database.reading() as session:
            stand = _stand(session)
            plans = _decide(session, zone, now, session.get_one(AlertCursor, 1))
            drafts = [draft for plan in plans for draft in plan.drafts(session, zone, now)]
        written, done = _write(database, drafts, stand, now)
        made += written
        if done:
            break
    return made


def _write(
    database: Database, drafts: Sequence["_Draft"], stand: "_Stand", now: datetime
) -> tuple[int, bool]:
    """How many messages were new, and whether all was written, for nobody else had written any."""
    made = 0
    for first in range(0, max(1, len(drafts)), AT_ONCE):
        if first:
            time.sleep(PAUSE_S)
        with database.transaction() as session:
            cursor = _locked_cursor(session, now)
            if _stand(session) != stand:
                return made, False
            made += sum(draft.write(session, now) for draft in drafts[first : first + AT_ONCE])
            stand = _stand(session)
            if first + AT_ONCE >= len(drafts):
                cursor.at = now
    return made, True


def scope_of(tree: UnitTree, unit_id: int | None, day: date) -> Scope:
    """What a subscription of this unit is told of on ``day``: the unit's, and that of what it became."""
    if unit_id is None:
        return Scope.everything()
    return Scope.of([unit_id, *(unit.id for unit in tree.parts_on(unit_id, day))])


# --- who listens ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Reach:
    """The eyes that a subscription is of."""

    scope: Scope
    site_id: int | None

    def holds(self, ground: Ground, point: int, site: int) -> bool:
        if self.site_id is not None:
            return site == self.site_id
        _, lies_in = ground.homes.get(point, (0, frozenset[int]()))
        return self.scope.holds(lies_in)


@dataclass(frozen=True, slots=True)
class _Ear:
    """A subscription as it is served. ``unit`` is the name of its unit by today, ``site`` the site's code."""

    listener: Listener
    row: Subscription
    reach: _Reach
    unit: str
    site: str

    @property
    def rules(self) -> Rules:
        return self.listener.rules


def _ears(session: Session, zone: tzinfo, now: datetime, cursor: AlertCursor) -> dict[int, list[_Ear]]:
    """Who listens now, by channel."""
    day, tree = now.astimezone(zone).date(), UnitTree.load(session)
    sites = dict(session.execute(select(Site.id, Site.code)).all())
    found: dict[int, list[_Ear]] = defaultdict(list)
    rows = session.scalars(
        select(Subscription)
        .join(AlertChannel, AlertChannel.id == Subscription.channel_id)
        .where(Subscription.ended_at.is_(None), AlertChannel.stopped_at.is_(None))
        # A chat that nobody has linked yet hears nothing; once it is, of what then goes on.
        .where(or_(AlertChannel.kind != ChannelKind.ZALO, AlertChannel.sealed.is_not(None)))
        .order_by(Subscription.channel_id, Subscription.id)
    )
    for row in rows:
        try:
            said = rules.from_json(row.rules)
        except RulesError as error:
            _complain(row.id, str(error))  # of all others somebody still hears
            continue
        listener = Listener(row.id, said, max(cursor.began_at, row.made_at))
        names = {unit.name for unit in tree.parts_on(row.unit_id, day)} if row.unit_id is not None else set()
        site = sites.get(row.site_id, "") if row.site_id is not None else ""
        reach = _Reach(scope_of(tree, row.unit_id, day), row.site_id)
        found[row.channel_id].append(_Ear(listener, row, reach, ", ".join(sorted(names)), site))
    return found


@cache
def _complain(subscription: int, reason: str) -> None:
    """Once, not every few seconds."""
    log.error("a subscription's rules cannot be read: it is told nothing", id=subscription, reason=reason)


# --- what they are told -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Draft:
    """A message as it will be kept, and what it tells that was held: keys of occasions by kind."""

    row: Mapping[str, Any]
    tells: Mapping[Kind, Collection[str]]

    def write(self, session: Session, now: datetime) -> bool:
        """Whether it was not there yet."""
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        made = session.scalar(
            dialect.insert(Message)
            .values(**self.row)
            .on_conflict_do_nothing(index_elements=["channel_id", "occasion", "kind"])
            .returning(Message.id)
        )
        if made is not None:
            for kind, keys in self.tells.items():
                session.execute(
                    update(Message)
                    .where(
                        Message.channel_id == self.row["channel_id"],
                        Message.occasion.in_(keys),
                        Message.kind == str(kind),
                        Message.state == State.HELD,
                    )
                    .values(sent_at=now)
                )
        return made is not None


@dataclass(frozen=True, slots=True)
class _Plan:
    """What one channel is told for one of its subscriptions; ``elders``: of whom incidents are the heirs."""

    channel: AlertChannel
    ear: _Ear
    sayings: Sequence[Saying]
    occasions: Mapping[str, Occasion]
    elders: Mapping[str, Collection[str]]

    def drafts(self, session: Session, zone: tzinfo, now: datetime) -> list["_Draft"]:
        return [self._draft(session, saying, zone, now) for saying in self.sayings]

    def _draft(self, session: Session, saying: Saying, zone: tzinfo, now: datetime) -> "_Draft":
        said, told = self._said(session, saying, zone, now)
        occasion = self.occasions.get(saying.occasion)
        inbox = self.channel.kind == READ_HERE and not saying.held
        state = State.HELD if saying.held else State.SENT if inbox else State.WAITING
        return _Draft(
            {
                "channel_id": self.channel.id,
                "subscription_id": self.ear.row.id,
                "occasion": saying.occasion,
                "kind": str(saying.kind),
                "incident_id": occasion.incident if occasion else None,
                "unit_id": self.ear.row.unit_id,
                "made_at": now,
                "due_at": now,
                "title": said.title,
                "text": said.text,
                "told": told,
                "state": str(state),
                "tries": 0,
                "sent_at": now if inbox else None,
                "error": "",
            },
            self._tells(saying),
        )

    def _tells(self, saying: Saying) -> dict[Kind, list[str]]:
        found: dict[Kind, list[str]] = defaultdict(list)
        for kind, key in saying.tells:
            found[kind] += [key, *self.elders.get(key, ())]
        return found

    def _said(
        self, session: Session, saying: Saying, zone: tzinfo, now: datetime
    ) -> tuple[Words, dict[str, Any]]:
        language: Language = "en" if self.channel.language == "en" else "vi"
        if saying.kind not in DIGESTS:
            occasion = self.occasions[saying.occasion]
            said = words.message(
                saying.kind,
                occasion,
                language,
                zone,
                now,
                answerable=self.channel.kind == ChannelKind.ZALO,
                escalated=saying.escalated,
            )
            return said, words.told(saying.kind, occasion)
        held = [(kind, self.occasions[key]) for kind, key in saying.tells]
        if saying.kind is Kind.HELD:
            return (
                digests.held(saying.kind, held, language, zone, now, unit=self.ear.unit),
                digests.told_held(saying.kind, held),
            )
        digest = digests.read(
            session,
            self.ear.reach.scope,
            zone,
            now,
            kind=saying.kind,
            unit=self.ear.unit,
            since=self._since(saying, now),
            site=self.ear.site,
            backlog=saying.kind is Kind.WEEKLY and self.ear.rules.backlog,
        )
        return digests.words(digest, language, zone, held), digests.told(digest, held)

    def _since(self, saying: Saying, now: datetime) -> datetime:
        """What a digest looks back to: a week, a day, or when what was held of the night began."""
        if saying.kind is Kind.WEEKLY:
            return now - timedelta(days=7)
        if saying.kind is Kind.DAILY:
            return now - timedelta(days=1)
        began = [self.occasions[key].started_at for kind, key in saying.tells if kind is not Kind.RECOVERED]
        return max(min([saying.since or now, *began]), now - timedelta(days=1))


def _decide(session: Session, zone: tzinfo, now: datetime, cursor: AlertCursor) -> list[_Plan]:
    """What every channel is to be told now."""
    ears = _ears(session, zone, now, cursor)
    channels = {row.id: row for row in session.scalars(select(AlertChannel)) if row.id in ears}
    waiting = _waiting(session, now)
    heirs = successions.of_told(session, now, min(cursor.at, now) - happened.OVERLAP, waiting)
    happenings = happened.incidents(session, now, cursor.at, [*waiting, *heirs])
    elders = {_key(heir): frozenset(map(_key, ids)) for heir, ids in heirs.items()}
    if any(cursor.at < moment_of_digest(ear.rules, now, zone) for each in ears.values() for ear in each):
        happenings += happened.collected(session, now, cursor.began_at)
    ground = Ground.load(session, zone, now, happenings)
    keys = {each.occasion.key for each in happenings}.union(*elders.values())
    said = _said_to(session, now, keys)
    plans: list[_Plan] = []
    for channel_id, listening in ears.items():
        told = said[channel_id]
        for ear in listening:
            occasions = _heard_by(ear, listening, ground, happenings)
            of_heirs = {key for each in occasions for key in elders.get(each.key, ())}
            occasions = [each for each in occasions if each.key not in of_heirs]
            told = inherited(told, occasions, elders)
            due = sayings(ear.listener, occasions, told, now, zone)
            if due:
                known = {occasion.key: occasion for occasion in occasions}
                plans.append(_Plan(channels[channel_id], ear, due, known, elders))
                told = after(told, due, now)
    return plans


def _key(incident_id: int) -> str:
    return f"incident:{incident_id}"


def _heard_by(
    ear: _Ear, listening: Collection[_Ear], ground: Ground, happenings: Iterable[Happening]
) -> list[Occasion]:
    """What this subscription is of, cut to what its channel may hear: that of all its subscriptions."""

    def of_channel(point: int, site: int) -> bool:
        return any(each.reach.holds(ground, point, site) for each in listening)

    found: list[Occasion] = []
    for happening in happenings:
        if any(ear.reach.holds(ground, each.point, each.site) for each in happening.touched):
            occasion = happened.cut(happening, ground, of_channel)
            if occasion is not None:
                found.append(occasion)
    return found


def _said_to(session: Session, now: datetime, keys: Collection[str]) -> dict[int, list[Said]]:
    """What matters of what was said, by channel."""
    found: dict[int, list[Said]] = defaultdict(list)
    rows = session.execute(
        select(Message.channel_id, Message.kind, Message.occasion, Message.made_at, Message.state)
        .add_columns(Message.sent_at)
        .where(
            or_(Message.made_at > now - REMEMBERED, Message.occasion.in_(keys)),
            Message.kind.in_([str(kind) for kind in Kind]),
        )
        .order_by(Message.id)
    )
    for channel_id, kind, occasion, made_at, state, sent_at in rows:
        held = state == State.HELD
        found[channel_id].append(Said(Kind(kind), occasion, made_at, held, held and sent_at is None))
    return found


def _waiting(session: Session, now: datetime) -> list[int]:
    """The incidents of which something is held, and no digest has told it yet."""
    rows = session.scalars(
        select(Message.incident_id)
        .where(
            Message.state == State.HELD,
            Message.due_at > now - WAITED_FOR,
            Message.sent_at.is_(None),
            Message.incident_id.is_not(None),
        )
        .distinct()
    )
    return [incident_id for incident_id in rows if incident_id is not None]


_Stand = tuple[datetime | None, int | None]  # how far it is routed, and the newest message


def _stand(session: Session) -> _Stand:
    at = select(AlertCursor.at).where(AlertCursor.id == 1).scalar_subquery()
    newest = select(func.max(Message.id)).scalar_subquery()
    return tuple(session.execute(select(at, newest)).one())


def _locked_cursor(session: Session, now: datetime) -> AlertCursor:
    """The row of the cursor, ours until we commit; alerts begin when there is one.

    What a clock that was ahead wrote there, or into subscriptions, is brought back: else nobody heard of
    anything until that time.
    """
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    beginning = dialect.insert(AlertCursor).values(id=1, began_at=now, at=now)
    session.execute(beginning.on_conflict_do_nothing(index_elements=["id"]))
    cursor = session.scalars(select(AlertCursor).where(AlertCursor.id == 1).with_for_update()).one()
    if cursor.at > now:
        cursor.began_at, cursor.at = min(cursor.began_at, now), now
        session.execute(update(Subscription).where(Subscription.made_at > now).values(made_at=now))
    return cursor
