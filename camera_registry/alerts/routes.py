"""Routing, done: what happened and what was said go in, messages come out, in one transaction.

The row of the cursor is locked while somebody routes, so that no two do so at once. The cursor is advanced in
the transaction of the last messages, so that of a process which is killed the next one says what is not said
yet. What a channel was told about an occasion is a key of the database, too: nothing is said twice.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo
from functools import cache
from operator import attrgetter
from typing import Any

import structlog
from sqlalchemy import or_, select, update
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

AT_ONCE = 20  # subscriptions served in one transaction: digests are read in it, and others want to write, too
CURSOR_S = 60  # how often the cursor is written while nothing is said
WAITED_FOR = timedelta(days=30)  # what is held for longer is not told any more


def route(database: Database, zone: tzinfo, now: datetime) -> int:
    """Have said what is due now. Returns how many messages that are, those that are held among them.

    Cheap where nothing is due: it is looked first, and the lock taken only when something is to be written.
    Raises whatever the database raises; then nothing was said, and nothing is lost.
    """
    with database.reading() as session:
        cursor = session.get(AlertCursor, 1)
        lately = cursor is not None and now - cursor.at < timedelta(seconds=CURSOR_S)
        if cursor is not None and lately and not _decide(session, zone, now, cursor):
            return 0
    made, done = 0, False
    while not done:
        with database.transaction() as session:
            cursor = _locked_cursor(session, now)
            defaults.ensure(session, zone, now)
            plans = _decide(session, zone, now, cursor)
            written = sum(plan.write(session, zone, now) for plan in plans[:AT_ONCE])
            made, done = made + written, len(plans) <= AT_ONCE or not written
            if done:
                cursor.at = now
    return made


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
class _Plan:
    """What one channel is told for one of its subscriptions."""

    channel: AlertChannel
    ear: _Ear
    sayings: Sequence[Saying]
    occasions: Mapping[str, Occasion]
    elders: Mapping[str, Collection[str]]

    def write(self, session: Session, zone: tzinfo, now: datetime) -> int:
        return sum(self._write(session, saying, zone, now) for saying in self.sayings)

    def _write(self, session: Session, saying: Saying, zone: tzinfo, now: datetime) -> bool:
        said, told = self._said(session, saying, zone, now)
        occasion = self.occasions.get(saying.occasion)
        inbox = self.channel.kind == READ_HERE and not saying.held
        state = State.HELD if saying.held else State.SENT if inbox else State.WAITING
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        made = session.scalar(
            dialect.insert(Message)
            .values(
                channel_id=self.channel.id,
                subscription_id=self.ear.row.id,
                occasion=saying.occasion,
                kind=str(saying.kind),
                incident_id=occasion.incident if occasion else None,
                unit_id=self.ear.row.unit_id,
                made_at=now,
                due_at=now,
                title=said.title,
                text=said.text,
                told=told,
                state=str(state),
                tries=0,
                sent_at=now if inbox else None,
                error="",
            )
            .on_conflict_do_nothing(index_elements=["channel_id", "occasion", "kind"])
            .returning(Message.id)
        )
        if made is not None:
            for kind, key in saying.tells:
                session.execute(
                    update(Message)
                    .where(
                        Message.channel_id == self.channel.id,
                        Message.occasion.in_([key, *self.elders.get(key, ())]),
                        Message.kind == str(kind),
                        Message.state == State.HELD,
                    )
                    .values(sent_at=now)
                )
        return made is not None

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
            inherited = {key for each in occasions for key in elders.get(each.key, ())}
            occasions = [each for each in occasions if each.key not in inherited]
            told = _inherited(told, occasions, elders)
            due = sayings(ear.listener, occasions, told, now, zone)
            if due:
                known = {occasion.key: occasion for occasion in occasions}
                plans.append(_Plan(channels[channel_id], ear, due, known, elders))
                told = after(told, due, now)
    return plans


def _inherited(
    said: Sequence[Said], occasions: Iterable[Occasion], elders: Mapping[str, Collection[str]]
) -> list[Said]:
    """What a channel was told, and of what was said of incidents that were withdrawn, what holds of an heir.

    Who was told that it began is owed that it is over, once. Who was told of its end, too, is told anew that
    it goes on.
    """
    every = list(said)
    for occasion in occasions:
        before = [each for each in said if each.occasion in elders.get(occasion.key, ())]
        own = {each.kind for each in said if each.occasion == occasion.key}
        counted = Counter(each.kind for each in before)
        owed = counted[Kind.OPENED] > counted[Kind.RECOVERED]
        if Kind.OPENED in own or not (owed or occasion.over):
            continue
        # Of two that say the same, what does not wait: it was said.
        latest = {each.kind: each for each in sorted(before, key=attrgetter("waits"), reverse=True)}
        every += [
            replace(each, occasion=occasion.key, held=True)  # it was one message
            for kind, each in latest.items()
            if kind not in own and not (owed and kind is Kind.RECOVERED)
        ]
    return every


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


def _locked_cursor(session: Session, now: datetime) -> AlertCursor:
    """The row of the cursor, ours until we commit; alerts begin when there is one."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    beginning = dialect.insert(AlertCursor).values(id=1, began_at=now, at=now)
    session.execute(beginning.on_conflict_do_nothing(index_elements=["id"]))
    return session.scalars(select(AlertCursor).where(AlertCursor.id == 1).with_for_update()).one()
