"""What a message says: the words that suffice where no page can be opened. Pure.

A telephone often cannot open a page of a closed network, so a message names the point, the unit, how many
eyes of how many, since when, what it probably is, and who is responsible. It never says an address, a picture
or a person. ``title`` is for the lock screen and the subject of a mail; ``text`` says everything by itself,
so a channel without titles sends ``text`` alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from camera_registry.alerts.occasions import Occasion, What
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
from camera_registry.alerts.routing import REMINDERS, Kind
from camera_registry.i18n import N_, NN_, Language
from camera_registry.incidents import NETWORK_CLASS
from camera_registry.incidents import Kind as IncidentKind
from camera_registry.words import reason_text

LONGEST_TITLE, LONGEST_TEXT = 78, 1_900  # characters; Zalo takes 2,000, and a link may follow
MOST_CODES = 3  # of eyes that are named one by one
MOST_TOLD = 200  # of eyes that programs are told of one by one
FEW = 4  # eyes of an incident that is over when all are back; of more, 80 % are enough


@dataclass(frozen=True, slots=True)
class Words:
    """A message as people read it: one line of ``LONGEST_TITLE``, and ``LONGEST_TEXT`` at most."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class _Saying:
    """How an occasion is said: its tag, what is so, and that it is over, with its tag.

    ``was``: what was so, where that is said otherwise. ``further``: a sentence of its own beside what is so.
    """

    tag: str
    so: str  # {eyes}, {since}
    over_tag: str
    over: str  # {until}
    was: str = ""  # {eyes}, {since}
    further: str = ""  # {eyes}


_SAYINGS: Mapping[What, _Saying] = {
    What.OUTAGE: _Saying(
        N_("DISCONNECTED"),
        N_("{eyes} disconnected since {since}"),
        N_("RESTORED"),
        N_("work again since {until}"),
    ),
    What.SITE: _Saying(
        N_("NOT HEARD"),
        N_("the monitor has not heard from there since {since}"),
        N_("HEARD AGAIN"),
        N_("heard again at {until}"),
        N_("the monitor had not heard from there since {since}"),
        N_("The state of {eyes} is unknown, which is not counted as disconnected."),
    ),
    What.DEGRADED: _Saying(
        N_("NO USABLE PICTURE"),
        N_("{eyes} without a usable picture since {since}"),
        N_("RESTORED"),
        N_("usable again since {until}"),
    ),
    What.UNSTABLE: _Saying(
        N_("UNSTEADY"),
        N_("{eyes} lost and back, again and again, since {since}"),
        N_("STEADY AGAIN"),
        N_("steady since {until}"),
    ),
    What.EXPOSURE: _Saying(
        N_("SECURITY"),
        N_("{eyes} can be seen without a login, found at {since}"),
        N_("MENDED"),
        N_("closed at {until}"),
    ),
    What.RETENTION: _Saying(
        N_("FOOTAGE"),
        N_("{eyes} recorded for fewer days than required, since {since}"),
        N_("MENDED"),
        N_("recorded long enough again since {until}"),
    ),
    What.CLOCK: _Saying(
        N_("WRONG CLOCK"),
        N_("{eyes} with a wrong clock since {since}"),
        N_("MENDED"),
        N_("right again since {until}"),
    ),
    What.FIRMWARE: _Saying(
        N_("DEVICE CHANGED"),
        N_("{eyes}: another firmware or another device answers, found at {since}"),
        N_("CONFIRMED"),
        N_("confirmed at {until}"),
    ),
}

_CAUSES: Mapping[IncidentKind, str] = {
    IncidentKind.EYE: N_("the camera itself, its power supply or its cable"),
    IncidentKind.DEVICE: N_("the device, its power or its line"),
    IncidentKind.POINT: N_("a power cut or a broken line at the point"),
    IncidentKind.UNIT: N_("a line or a power supply that the points share"),
    IncidentKind.AREA: N_("a power cut, or the line of the whole area"),
    IncidentKind.SITE: N_("the line to the site, or the power or the machine there"),
}

# What somebody should know besides.
_BESIDES: Mapping[What, str] = {
    What.SITE: N_("Look at the line and the power there first, then at the machine that asks."),
    What.UNSTABLE: N_("While it is so, its losses are not told one by one, unless one lasts."),
    What.EXPOSURE: N_("Tell the technicians to close it."),
    What.FIRMWARE: N_("If nobody of yours changed it, tell the technicians."),
}

EYES = NN_("{count} eye", "{count} eyes")
POINTS = NN_("{count} point", "{count} points")
OTHER_POINTS = NN_("and {count} other point", "and {count} other points")


def message(
    kind: Kind,
    occasion: Occasion,
    language: Language,
    zone: tzinfo,
    now: datetime,
    *,
    answerable: bool = False,
    escalated: bool = False,
) -> Words:
    """What a channel is told of one occasion.

    ``recovered`` says that it is over, or was withdrawn; a reminder that it goes on; every other kind that it
    is so. ``answerable``: the channel takes answers, so it is said how to take the thing in hand.
    ``escalated``: it is told because nobody has.
    """
    says = Speaker(language, zone)
    said = _SAYINGS[occasion.what]
    sentence = said.was if kind is Kind.RECOVERED and said.was else said.so
    so = says.say(sentence, eyes=_eyes(occasion, says), since=says.moment(occasion.started_at, now))
    parts: list[str] = []
    if kind is Kind.RECOVERED:
        if occasion.withdrawn_at is not None:
            parts.append(says.say(N_("what was told ({so}) is taken back"), so=so))
            parts.append(says.say(N_("A false report, or put down to a power cut or maintenance.")))
        else:
            parts.append(f"{so}, {_over(occasion, said, says, now)}")
    else:
        reminds = kind in _REMINDERS
        lasted = says.length(now - occasion.started_at)
        parts.append(says.say(N_("{so}, for {length} now"), so=so, length=lasted) if reminds else so)
        if said.further:
            parts.append(says.say(said.further, eyes=_eyes(occasion, says)))
        parts += _in_hand(occasion, says, now, asked=reminds or escalated)
        parts += [*_about(occasion, says), *_answer(occasion, says, answerable)]
    tag = _tag(kind, occasion, says)
    sentences = " ".join(_ended(part) for part in parts)
    text = shortened(f"[{tag}] {place(occasion, says)}: {sentences}", LONGEST_TEXT)
    eyes = _short_eyes(kind, occasion, says)
    room = LONGEST_TITLE - len(f"[{tag}] : {eyes}")
    title = f"[{tag}] {shortened(short_place(occasion, says), room)}: {eyes}"
    return Words(title, text)


def headline(kind: Kind, occasion: Occasion, says: Speaker, now: datetime) -> str:
    """One line of a list: what is where and since when; until when if it is over, else who is waited for."""
    where, ended = occasion.where, occasion.withdrawn_at or occasion.ended_at
    taken = occasion.acknowledged_at is not None
    eyes = _short_eyes(kind, occasion, says)
    what = f"[{_tag(kind, occasion, says)}] {short_place(occasion, says)}: {eyes}"
    if ended is not None:
        return says.came_and_went(what, occasion.started_at, ended, now)
    if occasion.what is What.SITE:
        return says.going_on(what, occasion.started_at, now, says.say(TAKEN) if taken else "")
    manager = None if not where.manager and where.offices else where.manager
    who = says.waiting_for(manager, where.phone, taken=taken)
    return says.going_on(what, occasion.started_at, now, who)


def told(kind: Kind, occasion: Occasion) -> dict[str, Any]:
    """The same as data, for programs: see docs/webhook.md. Codes, counts, slugs, moments; nothing else."""
    where, named = occasion.where, not is_person(occasion.where.manager)
    return {
        "kind": str(kind),
        "occasion": occasion.key,
        "what": str(occasion.what),
        "cause": str(occasion.kind) if occasion.kind else None,
        "reason": occasion.reason or None,
        "incident": occasion.incident,
        "unit": plain(where.unit, LONGEST_UNIT) or None,
        "point": plain(where.point, LONGEST_CODE) or None,
        "points": where.points,
        "site": plain(where.site, LONGEST_CODE) or None,
        "eyes": [plain(code, LONGEST_CODE) for code in occasion.eyes[:MOST_TOLD]],
        "eyes_away": len(occasion.eyes),
        "eyes_of": _of(occasion),
        "started_at": occasion.started_at.isoformat(),
        "ended_at": occasion.ended_at.isoformat() if occasion.ended_at else None,
        "withdrawn": occasion.withdrawn_at is not None,
        "acknowledged_at": occasion.acknowledged_at.isoformat() if occasion.acknowledged_at else None,
        "responsible": (plain(where.manager, LONGEST_OFFICE) if named else "") or None,
        "phone": (plain(where.phone, LONGEST_PHONE) if named else "") or None,
    }


def place(occasion: Occasion, says: Speaker) -> str:
    """``Điểm YB-0127, phường Yên Bái``; of several points the first; of a site its name."""
    where = occasion.where
    unit = plain(where.unit, LONGEST_UNIT)
    if occasion.what is What.SITE:
        return says.say(N_("Site {code}"), code=says.site(where.site, where.site_name))
    if where.point:
        point = says.say(N_("Point {code}"), code=plain(where.point, LONGEST_CODE))
        return f"{point}, {inside(unit)}" if unit else point
    points = says.many(*POINTS, where.points)
    if where.codes:
        first = ", ".join(plain(code, LONGEST_CODE) for code in where.codes)
        more = where.points - len(where.codes)
        points += f" ({first} {says.many(*OTHER_POINTS, more)})" if more > 0 else f" ({first})"
    return f"{unit}, {points}" if unit else points


def short_place(occasion: Occasion, says: Speaker) -> str:
    """The same without its beginning, for titles and lists: ``YB-0127, phường Yên Bái``."""
    where = occasion.where
    if occasion.what is What.SITE:
        return says.site(where.site, where.site_name)
    unit = plain(where.unit, LONGEST_UNIT)
    named = plain(where.point, LONGEST_CODE)
    if named and unit:
        return f"{named}, {inside(unit)}"
    return named or unit or says.many(*POINTS, where.points)


# --- how it is done ---------------------------------------------------------------------------------

_REMINDERS = frozenset(REMINDERS.values())


def _of(occasion: Occasion) -> int:
    """How many there are; never fewer than are gone, whatever was retired meanwhile."""
    return max(occasion.of_eyes, len(occasion.eyes))


def _eyes(occasion: Occasion, says: Speaker) -> str:
    gone, of = len(occasion.eyes), _of(occasion)
    if occasion.what is What.SITE:
        return says.many(*EYES, gone)
    text = says.say(N_("{count}/{of} eyes"), count=says.number(gone), of=says.number(of))
    if gone < of and gone <= MOST_CODES:
        text += f" ({', '.join(plain(code, LONGEST_CODE) for code in occasion.eyes)})"
    return text


def _over(occasion: Occasion, said: _Saying, says: Speaker, now: datetime) -> str:
    ended = occasion.ended_at or now
    until = says.moment(ended, now, beside=occasion.started_at)
    over = says.say(said.over, until=until)
    if occasion.what is What.OUTAGE and len(occasion.eyes) > FEW:
        over = says.say(N_("at least 80 % of them {over}"), over=over)
    return says.say(N_("{over}, after {length}"), over=over, length=says.length(ended - occasion.started_at))


def _about(occasion: Occasion, says: Speaker) -> list[str]:
    """Why, who is responsible, what somebody should know besides."""
    return [
        *_why(occasion, says),
        *_responsible(occasion, says),
        *(says.say(_BESIDES[what]) for what in (occasion.what,) if what in _BESIDES),
    ]


def _why(occasion: Occasion, says: Speaker) -> list[str]:
    if occasion.what in (What.UNSTABLE, What.EXPOSURE, What.FIRMWARE):
        return []
    away = occasion.what in (What.OUTAGE, What.SITE)
    if occasion.what is What.SITE or (away and occasion.reason in ("", *NETWORK_CLASS)):
        known = _CAUSES.get(occasion.kind) if occasion.kind else None
        cause = says.say(known) if known else ""
    else:
        cause = says.say(reason_text(occasion.reason)) if occasion.reason else ""
        cause = cause[:1].lower() + cause[1:] if cause[1:2].islower() else cause
        cause = cause.replace(": ", ", ")  # it stands after a colon
    if not cause:
        return []
    probable = N_("Probable cause: {cause}") if away else N_("Found: {cause}")
    return [says.say(probable, cause=cause)]


def _in_hand(occasion: Occasion, says: Speaker, now: datetime, *, asked: bool) -> list[str]:
    """Since when somebody has it in hand, who is not named; that nobody has, where that is ``asked``."""
    if occasion.acknowledged_at is not None:
        return [says.say(N_("Taken in hand at {at}."), at=says.moment(occasion.acknowledged_at, now))]
    return [says.say(N_("Nobody has taken it in hand yet."))] if asked else []


def _responsible(occasion: Occasion, says: Speaker) -> list[str]:
    where = occasion.where
    if where.manager:
        return [says.say(N_("Responsible: {who}"), who=says.office(where.manager, where.phone))]
    if where.point:
        return [says.say(N_("Nobody was handed this point."))]
    if occasion.what is What.SITE:  # its line is no matter of those who have the points
        return []
    return [
        says.say(
            N_("Several offices are responsible.") if where.offices else N_("Nobody was handed these points.")
        )
    ]


def _answer(occasion: Occasion, says: Speaker, answerable: bool) -> list[str]:
    """How it is taken in hand by an answer; nothing where somebody has, or where it is no incident."""
    where = occasion.where
    codes = [plain(code, LONGEST_CODE) for code in ((where.point,) if where.point else where.codes[:1])]
    if not answerable or not any(codes) or occasion.incident is None or occasion.acknowledged_at is not None:
        return []
    if where.point:
        return [says.say(N_("Answer NHAN {point} to take it in hand."), point=codes[0])]
    return [
        says.say(N_("Answer NHAN and one point's code to take it in hand: NHAN {point}."), point=codes[0])
    ]


def _ended(sentence: str) -> str:
    """A sentence that begins large and ends with a full stop."""
    return sentence if sentence.endswith((".", "…")) else f"{sentence}."


def _tag(kind: str, occasion: Occasion, says: Speaker) -> str:
    said = _SAYINGS[occasion.what]
    if kind is Kind.RECOVERED:
        return says.say(N_("TAKEN BACK") if occasion.withdrawn_at else said.over_tag)
    tag = says.say(said.tag)
    return says.say(N_("REMINDER: {tag}"), tag=tag) if kind in _REMINDERS else tag


def _short_eyes(kind: str, occasion: Occasion, says: Speaker) -> str:
    """How many of how many; of what is over how many it was, for of them none is missing."""
    if occasion.what is What.SITE or kind is Kind.RECOVERED:
        return says.many(*EYES, len(occasion.eyes))
    number = f"{says.number(len(occasion.eyes))}/{says.number(_of(occasion))}"
    return says.say(N_("{number} eyes"), number=number)
