"""Digests: what is open, for how long, and who is waited for, in one message instead of many.

Read with the ``Scope`` of whoever is told, and cut there: a ward's digest knows of no other. The worst stands
first, by what it has cost (the hours for which each eye was away, together). Of a long list the beginning is
told, and how much more there is.

A digest that was asked for (daily, weekly) is read here, and says ``words``. One that tells what was not told
at once (held, morning) is made of the occasions themselves, and says ``held``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy.orm import Session

from camera_registry import custody, outages, queries
from camera_registry.alerts.occasions import Occasion
from camera_registry.alerts.phrases import (
    LONGEST_CODE,
    LONGEST_OFFICE,
    LONGEST_PHONE,
    LONGEST_UNIT,
    TAKEN,
    Speaker,
    inside,
    is_person,
    plain,
    shortened,
)
from camera_registry.alerts.routing import Kind as Message
from camera_registry.alerts.words import EYES, LONGEST_TEXT, LONGEST_TITLE, POINTS, Words, headline
from camera_registry.alerts.words import told as message_told
from camera_registry.custody import Custody
from camera_registry.handling import acknowledgements
from camera_registry.health import EyeState
from camera_registry.i18n import N_, NN_, Language, collation_key
from camera_registry.incidents import Kind
from camera_registry.outages import IncidentRow
from camera_registry.queries import EyeRow
from camera_registry.units import Scope
from camera_registry.uptime import Span

MOST_LINES = 15  # of one list in a message
MOST_TOLD = 100  # of one list, to programs


@dataclass(frozen=True, slots=True)
class Line:
    """One incident as a digest tells it, cut to who is told.

    ``eyes`` are away (of one that is over: were), of ``of_eyes`` in service at its points; ``point`` is the
    code where it is of one point. ``units`` are those of today that it touches. ``manager`` has all of its
    points, ``""`` where nobody was handed one; ``None`` where several have them. ``cost`` is in seconds.
    """

    incident: int
    kind: Kind
    point: str
    points: int
    units: tuple[str, ...]
    site: str  # the code, of a site that is not heard
    site_name: str
    eyes: int
    of_eyes: int
    started_at: datetime
    ended_at: datetime | None
    manager: str | None
    phone: str
    acknowledged: bool
    cost: float


@dataclass(frozen=True, slots=True)
class UnitLine:
    """What is open in one unit of today: for the digest of who hears of several."""

    unit: str
    incidents: int
    eyes: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class BacklogLine:
    """A point (its code) and how many of its eyes never worked yet."""

    point: str
    unit: str
    eyes: int


@dataclass(frozen=True, slots=True)
class Digest:
    """What stood at ``now``, and what came and went since ``since``; ``unit`` is ``""`` for the whole city.

    ``open``: the worst first; ``over``: what ended since then, the newest first. ``units`` only where several
    are told of. Of the ``measured`` eyes ``observed`` have a known state, and ``working`` deliver a
    stream. ``backlog``: points with eyes that
    never worked yet, the most first; ``None`` where it was not asked for.
    """

    kind: Message | None
    unit: str
    since: datetime
    now: datetime
    working: int
    observed: int
    measured: int
    open: Sequence[Line]
    over: Sequence[Line]
    units: Sequence[UnitLine]
    backlog: Sequence[BacklogLine] | None = None

    @property
    def empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.open or self.over or self.backlog)


def read(
    session: Session,
    scope: Scope,
    zone: tzinfo,
    now: datetime,
    *,
    kind: Message | None,
    unit: str,
    since: datetime,
    site: str = "",
    backlog: bool = False,
) -> Digest:
    """A digest (``morning``, ``daily``, ``weekly``) for who is told of ``scope``; ``None``: who asks for it.

    ``unit`` is the name of whose it is, ``""`` for the city. ``since``: when the quiet hours began, a day
    ago, a week ago. ``site`` (a code) cuts to the eyes of that site. ``backlog`` asks for the list of eyes
    that never worked.
    """
    rows = [row for row in queries.eyes(session, scope, now, zone) if site in ("", row.site)]
    eyes = {row.code: row for row in rows}
    going_on = outages.incidents(session, scope, now, zone, open_=True)
    past = outages.incidents(session, scope, now, zone, open_=False, within=Span(since, now))
    found = [_cut(row, eyes, site) for row in (*going_on, *past) if row.announced_at <= now]
    found = [row for row in found if row.away]
    taken = acknowledgements(session, found)
    held_by = {each.point: each for each in custody.present(session, scope, now.astimezone(zone).date())}
    lines = [_line(row, rows, held_by, row.id in taken, now) for row in found]
    totals = queries.totals(rows)
    return Digest(
        kind=kind,
        unit=unit,
        since=since,
        now=now,
        working=totals.by_standing[EyeState.UP] + totals.by_standing[EyeState.DEGRADED],
        observed=totals.observed,
        measured=totals.measured,
        open=sorted((line for line in lines if line.ended_at is None), key=lambda line: -line.cost),
        over=sorted(
            (line for line in lines if line.ended_at is not None),
            key=lambda line: (line.ended_at or now, line.incident),
            reverse=True,
        ),
        units=_by_unit([row for row in found if row.open], eyes),
        backlog=_backlog(rows) if backlog else None,
    )


def words(
    digest: Digest, language: Language, zone: tzinfo, held: Sequence[tuple[Message, Occasion]] = ()
) -> Words:
    """The digest as a message: ``LONGEST_TEXT`` at most, whatever the names.

    ``held`` is what waited for it: (kind, occasion) of each. Of these it adds what it does not tell anyway.
    """
    says = Speaker(language, zone)
    stream = streams(digest.working, digest.observed, digest.measured, says)
    quiet = [] if digest.open else [says.say(N_("No incident goes on."))]
    counts = says.say(
        N_("{open} going on, {over} over"),
        open=says.number(len(digest.open)),
        over=says.number(len(digest.over)),
    )
    named = {line.incident for line in (*digest.open, *digest.over)}
    others = [(kind, each) for kind, each in held if each.incident not in named]
    sections = [*_sections(digest, says), *_held(others, digest.now, says)]
    return _put_together(
        digest.kind, digest.unit, digest.now, counts, " ".join([stream, *quiet]), sections, says
    )


def streams(working: int, observed: int, measured: int, says: Speaker) -> str:
    """How many eyes deliver a stream, of all that are to: those of which nobody knows are not left out."""
    unknown = measured - observed
    if not measured:
        return says.say(N_("No eye is watched over the network."))
    if not observed:
        return says.many(
            "The state of {count} eye is unknown.", "The state of {count} eyes is unknown.", unknown
        )
    stream, of = says.number(working), says.number(measured)
    if not unknown:
        return says.say(N_("{count}/{of} eyes deliver a stream."), count=stream, of=of)
    return says.many(
        "{stream}/{of} eyes deliver a stream; the state of {count} eye is unknown.",
        "{stream}/{of} eyes deliver a stream; the state of {count} eyes is unknown.",
        unknown,
        stream=stream,
        of=of,
    )


def held(
    kind: Message,
    said: Sequence[tuple[Message, Occasion]],
    language: Language,
    zone: tzinfo,
    now: datetime,
    *,
    unit: str = "",
) -> Words:
    """One message instead of many, of what was not told at once: (kind, occasion) of each, in their order.

    ``kind`` is that of the message itself, ``unit`` the name of whose channel it is, ``""`` for the city
    desk. Of one occasion it tells where it stands now, once.
    """
    says = Speaker(language, zone)
    found = {occasion.key: occasion for _, occasion in said}.values()
    counts = says.say(
        N_("{open} things going on, {over} over"),
        open=says.number(sum(not each.over for each in found)),
        over=says.number(sum(each.over for each in found)),
    )
    return _put_together(kind, unit, now, counts, "", _held(said, now, says), says)


def told(digest: Digest, held: Sequence[tuple[Message, Occasion]] = ()) -> dict[str, Any]:
    """The same as data, for programs: see docs/webhook.md. Of each list the first ``MOST_TOLD``."""
    backlog = digest.backlog
    return {
        "kind": str(digest.kind) if digest.kind else None,
        "unit": plain(digest.unit, LONGEST_UNIT) or None,
        "since": digest.since.isoformat(),
        "at": digest.now.isoformat(),
        "eyes_working": digest.working,
        "eyes_observed": digest.observed,
        "eyes_measured": digest.measured,
        "incidents_open": len(digest.open),
        "incidents_over": len(digest.over),
        "open": [_line_told(line) for line in digest.open[:MOST_TOLD]],
        "over": [_line_told(line) for line in digest.over[:MOST_TOLD]],
        "units": [
            {
                "unit": plain(each.unit, LONGEST_UNIT) or None,
                "incidents": each.incidents,
                "eyes_away": each.eyes,
                "oldest_at": each.oldest_at.isoformat(),
            }
            for each in digest.units[:MOST_TOLD]
        ],
        "backlog": None
        if backlog is None
        else [
            {
                "point": plain(each.point, LONGEST_CODE),
                "unit": plain(each.unit, LONGEST_UNIT) or None,
                "eyes": each.eyes,
            }
            for each in backlog[:MOST_TOLD]
        ],
        "held": [message_told(kind, occasion) for kind, occasion in held[:MOST_TOLD]],
    }


def told_held(kind: Message, said: Sequence[tuple[Message, Occasion]]) -> dict[str, Any]:
    """What ``held`` says, as data; ``kind`` is that of the message itself."""
    return {
        "kind": str(kind),
        "messages": len(said),
        "held": [message_told(each, occasion) for each, occasion in said[:MOST_TOLD]],
    }


# --- how it is read ---------------------------------------------------------------------------------


def _cut(row: IncidentRow, eyes: Mapping[str, EyeRow], site: str) -> IncidentRow:
    return replace(row, away=tuple(away for away in row.away if away.eye in eyes)) if site else row


def _line(
    row: IncidentRow,
    rows: Iterable[EyeRow],
    held_by: Mapping[str, Custody],
    acknowledged: bool,
    now: datetime,
) -> Line:
    points = {away.point for away in row.away}
    stands = [each for each in rows if each.point in points]
    # Of one that goes on those that are not back; of one that is over all that it took.
    eyes = row.missing if row.open else row.eyes
    custodies = [held_by.get(point) for point in sorted(points)]
    managers = {each.manager if each else "" for each in custodies}
    phones = {each.phone for each in custodies if each}
    return Line(
        incident=row.id,
        kind=row.kind,
        point=min(points) if len(points) == 1 and row.kind is not Kind.SITE else "",
        points=len(points),
        units=tuple(sorted({each.unit for each in stands if each.unit}, key=collation_key)),
        site=row.code if row.kind is Kind.SITE else "",
        site_name=row.name if row.kind is Kind.SITE else "",
        eyes=eyes,
        of_eyes=max(eyes, sum(each.overlay in queries.MEASURED for each in stands)),
        started_at=row.started_at,
        ended_at=row.ended_at,
        manager=min(managers) if len(managers) == 1 else None,
        phone=min(phones) if len(managers) == len(phones) == 1 else "",
        acknowledged=acknowledged,
        cost=row.weight(now),
    )


def _by_unit(rows: Iterable[IncidentRow], eyes: Mapping[str, EyeRow]) -> list[UnitLine]:
    """What is open in each unit, the most eyes first; nothing where all are of one."""
    if len({row.unit for row in eyes.values()}) < 2:
        return []
    incidents: dict[str, set[int]] = defaultdict(set)
    away: dict[str, set[str]] = defaultdict(set)
    oldest: dict[str, datetime] = {}
    for row in rows:
        for each in row.away:
            if each.to_at is None and each.eye in eyes:
                unit = eyes[each.eye].unit
                incidents[unit].add(row.id)
                away[unit].add(each.eye)
                oldest[unit] = min(row.started_at, oldest.get(unit, row.started_at))
    found = [UnitLine(unit, len(incidents[unit]), len(gone), oldest[unit]) for unit, gone in away.items()]
    return sorted(found, key=lambda each: (-each.eyes, collation_key(each.unit)))


def _backlog(rows: Iterable[EyeRow]) -> list[BacklogLine]:
    counted = Counter((row.point, row.unit) for row in rows if row.backlog)
    found = [BacklogLine(point, unit, eyes) for (point, unit), eyes in counted.items()]
    return sorted(found, key=lambda each: (-each.eyes, each.point))


# --- how it is said ---------------------------------------------------------------------------------

_TAGS: Mapping[Message | None, str] = {
    None: N_("AS IT STANDS"),
    Message.HELD: N_("COLLECTED"),
    Message.MORNING: N_("THIS MORNING"),
    Message.DAILY: N_("THE DAY"),
    Message.WEEKLY: N_("THE WEEK"),
}
_INCIDENTS = NN_("{count} incident", "{count} incidents")
_OCCASIONS = NN_("{count} thing", "{count} things")
_UNITS = NN_("{count} unit", "{count} units")


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading and its lines; ``of`` says how many more there are."""

    heading: str
    lines: Sequence[str]
    of: tuple[str, str]


def _put_together(
    kind: Message | None,
    unit: str,
    now: datetime,
    counts: str,
    more: str,
    sections: Sequence[_Section],
    says: Speaker,
) -> Words:
    tag, whose = says.say(_TAGS[kind]), plain(unit, LONGEST_UNIT) or says.say(N_("The whole city"))
    begin = " ".join(filter(None, (f"[{tag}] {whose}, {says.moment(now, now)}.", more)))
    title = f"[{tag}] {shortened(whose, LONGEST_TITLE - len(f'[{tag}] : {counts}'))}: {counts}"
    return Words(title, _fitted(begin, [section for section in sections if section.lines], says))


def _held(said: Iterable[tuple[Message, Occasion]], now: datetime, says: Speaker) -> list[_Section]:
    """What waited, each occasion once: what goes on with what it says, what is over with its end."""
    newest = {occasion.key: (kind, occasion) for kind, occasion in said}.values()
    open_ = [headline(kind, each, says, now) for kind, each in newest if not each.over]
    over = [headline(Message.RECOVERED, each, says, now) for _, each in newest if each.over]
    return [
        _Section(says.say(N_("Going on, not told until now:")), open_, _OCCASIONS),
        _Section(says.say(N_("Came and went:")), over, _OCCASIONS),
    ]


def _sections(digest: Digest, says: Speaker) -> list[_Section]:
    several = not digest.unit or len(digest.units) > 1
    backlog = digest.backlog or ()
    return [
        _Section(
            says.say(N_("By unit:")),
            [
                f"{plain(each.unit, LONGEST_UNIT) or says.say(N_('No unit recorded'))}: "
                f"{says.many(*_INCIDENTS, each.incidents)}, {says.many(*EYES, each.eyes)}"
                for each in digest.units
            ],
            _UNITS,
        ),
        _Section(
            says.say(N_("Going on, the worst first:")),
            [_open(line, digest.now, several, says) for line in digest.open],
            _INCIDENTS,
        ),
        _Section(
            says.say(N_("Over since {since}:"), since=says.moment(digest.since, digest.now)),
            [_over(line, digest.now, several, says) for line in digest.over],
            _INCIDENTS,
        ),
        _Section(
            says.many(
                "Never worked yet: {count} eye.",
                "Never worked yet: {count} eyes.",
                sum(each.eyes for each in backlog),
            ),
            [
                f"{_named(each.point, [each.unit] if several and each.unit else [], says)}: "
                f"{says.many(*EYES, each.eyes)}"
                for each in backlog
            ],
            POINTS,
        ),
    ]


def _fitted(begin: str, sections: Sequence[_Section], says: Speaker) -> str:
    """As many lines of each section as fit into one message, and how many more there are."""
    text = begin
    for most in range(MOST_LINES, -1, -1):
        parts = [begin]
        for section in sections:
            parts += ["", section.heading, *(f"- {line}" for line in section.lines[:most])]
            more = len(section.lines) - most
            if more > 0:
                parts.append(says.say(N_("and {more} more"), more=says.many(*section.of, more)))
        text = "\n".join(parts)
        if len(text) <= LONGEST_TEXT:
            break
    return shortened(text, LONGEST_TEXT)


def _named(point: str, units: Sequence[str], says: Speaker) -> str:
    """``YB-0127, phường Yên Bái``; of several units how many."""
    if not units:
        return plain(point, LONGEST_CODE)
    unit = inside(plain(units[0], LONGEST_UNIT)) if len(units) == 1 else says.many(*_UNITS, len(units))
    return f"{plain(point, LONGEST_CODE)}, {unit}"


def _where(line: Line, several: bool, says: Speaker) -> str:
    if line.site:
        return says.say(N_("Site {code}"), code=says.site(line.site, line.site_name))
    return _named(line.point or says.many(*POINTS, line.points), line.units if several else (), says)


def _eyes(line: Line, says: Speaker) -> str:
    return says.say(N_("{number} eyes"), number=f"{says.number(line.eyes)}/{says.number(line.of_eyes)}")


def _open(line: Line, now: datetime, several: bool, says: Speaker) -> str:
    what = f"{_where(line, several, says)}: {_eyes(line, says)}"
    if not line.site:
        who = says.waiting_for(line.manager, line.phone, taken=line.acknowledged)
        return says.going_on(what, line.started_at, now, who)
    taken = [says.say(TAKEN)] if line.acknowledged else []
    unknown = says.say(N_("state unknown, not counted as disconnected"))
    return says.going_on(what, line.started_at, now, ", ".join([unknown, *taken]))


def _over(line: Line, now: datetime, several: bool, says: Speaker) -> str:
    what = f"{_where(line, several, says)}: {_eyes(line, says)}"
    return says.came_and_went(what, line.started_at, line.ended_at or now, now)


def _line_told(line: Line) -> dict[str, Any]:
    manager = "" if line.manager is None or is_person(line.manager) else line.manager
    return {
        "incident": line.incident,
        "cause": str(line.kind),
        "point": plain(line.point, LONGEST_CODE) or None,
        "points": line.points,
        "units": [plain(unit, LONGEST_UNIT) for unit in line.units[:MOST_TOLD]],
        "site": plain(line.site, LONGEST_CODE) or None,
        "eyes_away": line.eyes,
        "eyes_of": line.of_eyes,
        "started_at": line.started_at.isoformat(),
        "ended_at": line.ended_at.isoformat() if line.ended_at else None,
        "acknowledged": line.acknowledged,
        "responsible": plain(manager, LONGEST_OFFICE) or None,
        "phone": (plain(line.phone, LONGEST_PHONE) if manager else "") or None,
    }
