"""Digests: what is open, for how long, and who is waited for, in one message instead of many.

Read with the ``Scope`` of whoever is told, and cut there: a ward's digest knows of no other. The worst stands
first, by what it has cost (the hours for which each eye was away, together). Of a long list the beginning is
told, and how much more there is.
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
    Speaker,
    inside,
    is_person,
    plain,
    shortened,
)
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
    are told of. ``working`` of the ``observed`` eyes deliver a stream. ``backlog``: points with eyes that
    never worked yet, the most first; ``None`` where it was not asked for.
    """

    kind: str  # see routing.Kind
    unit: str
    since: datetime
    now: datetime
    working: int
    observed: int
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
    kind: str,
    unit: str,
    since: datetime,
    site: str = "",
    backlog: bool = False,
) -> Digest:
    """A digest (``morning``, ``daily``, ``weekly``) for who is told of ``scope``.

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
        open=sorted((line for line in lines if line.ended_at is None), key=lambda line: -line.cost),
        over=sorted(
            (line for line in lines if line.ended_at is not None),
            key=lambda line: (line.ended_at or now, line.incident),
            reverse=True,
        ),
        units=_by_unit([row for row in found if row.open], eyes),
        backlog=_backlog(rows) if backlog else None,
    )


def words(digest: Digest, language: Language, zone: tzinfo) -> Words:
    """The digest as a message: ``LONGEST_TEXT`` at most, whatever the names."""
    says = Speaker(language, zone)
    unit = plain(digest.unit, LONGEST_UNIT) or says.say(N_("The whole city"))
    tag = says.say(_TAGS[digest.kind])
    stream = says.say(
        N_("{count}/{of} eyes deliver a stream."),
        count=says.number(digest.working),
        of=says.number(digest.observed),
    )
    begin = f"[{tag}] {unit}, {says.moment(digest.now, digest.now)}. {stream}"
    if not digest.open:
        begin += f" {says.say(N_('No incident goes on.'))}"
    counts = says.say(
        N_("{open} going on, {over} over"),
        open=says.number(len(digest.open)),
        over=says.number(len(digest.over)),
    )
    return Words(
        _title(tag, unit, counts),
        _fitted(begin, [section for section in _sections(digest, says) if section.lines], says),
    )


def held(
    said: Sequence[tuple[str, Occasion]], language: Language, zone: tzinfo, now: datetime, *, unit: str = ""
) -> Words:
    """One message instead of many: (kind, occasion) of each, in the order in which they would have come.

    ``unit`` is the name of whose channel it is, ``""`` for the city desk.
    """
    says = Speaker(language, zone)
    tag = says.say(N_("COLLECTED"))
    whose = plain(unit, LONGEST_UNIT) or says.say(N_("The whole city"))
    count = says.many(*_MESSAGES, len(said))
    section = _Section(
        says.say(N_("{messages} in one:"), messages=count),
        [headline(kind, occasion, says, now) for kind, occasion in said],
        _MESSAGES,
    )
    begin = f"[{tag}] {whose}, {says.moment(now, now)}."
    return Words(_title(tag, whose, count), _fitted(begin, [section], says))


def told(digest: Digest) -> dict[str, Any]:
    """The same as data, for programs: see docs/webhook.md. Of each list the first ``MOST_TOLD``."""
    backlog = digest.backlog
    return {
        "kind": str(digest.kind),
        "unit": plain(digest.unit, LONGEST_UNIT) or None,
        "since": digest.since.isoformat(),
        "at": digest.now.isoformat(),
        "eyes_working": digest.working,
        "eyes_observed": digest.observed,
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
    }


def told_held(kind: str, said: Sequence[tuple[str, Occasion]]) -> dict[str, Any]:
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

_TAGS: Mapping[str, str] = {
    "morning": N_("THIS MORNING"),
    "daily": N_("THE DAY"),
    "weekly": N_("THE WEEK"),
}
_INCIDENTS = NN_("{count} incident", "{count} incidents")
_MESSAGES = NN_("{count} message", "{count} messages")
_UNITS = NN_("{count} unit", "{count} units")


@dataclass(frozen=True, slots=True)
class _Section:
    """A heading and its lines; ``of`` says how many more there are."""

    heading: str
    lines: Sequence[str]
    of: tuple[str, str]


def _title(tag: str, unit: str, counts: str) -> str:
    return f"[{tag}] {shortened(unit, LONGEST_TITLE - len(f'[{tag}] : {counts}'))}: {counts}"


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
        return says.say(N_("Site {code}"), code=plain(line.site, LONGEST_CODE))
    return _named(line.point or says.many(*POINTS, line.points), line.units if several else (), says)


def _eyes(line: Line, says: Speaker) -> str:
    return says.say(N_("{number} eyes"), number=f"{says.number(line.eyes)}/{says.number(line.of_eyes)}")


def _open(line: Line, now: datetime, several: bool, says: Speaker) -> str:
    taken = f", {says.say(N_('taken in hand'))}" if line.acknowledged else ""
    return says.say(
        N_("{where}: {eyes} since {since} ({length}); {who}"),
        where=_where(line, several, says),
        eyes=_eyes(line, says),
        since=says.moment(line.started_at, now),
        length=says.length(now - line.started_at),
        who=_waiting_for(line, says) + taken,
    )


def _over(line: Line, now: datetime, several: bool, says: Speaker) -> str:
    ended = line.ended_at or now
    return says.say(
        N_("{where}: {eyes} from {since} to {until} ({length})"),
        where=_where(line, several, says),
        eyes=_eyes(line, says),
        since=says.moment(line.started_at, now),
        until=says.moment(ended, now, beside=line.started_at),
        length=says.length(ended - line.started_at),
    )


def _waiting_for(line: Line, says: Speaker) -> str:
    if line.site:
        return says.say(N_("state unknown, not counted as disconnected"))
    if line.manager is None:
        return says.say(N_("several are responsible"))
    if not line.manager:
        return says.say(N_("nobody was handed it"))
    return says.say(N_("waiting for {who}"), who=says.office(line.manager, line.phone))


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
