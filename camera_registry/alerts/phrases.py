"""What messages and digests are put together from: names made safe and short, moments, lengths. Pure.

A message goes to telephones of others, so nothing of a name is believed: an address of a network in it is
left out, and so is all that is no letter, digit or sign; and it ends where its room does.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from camera_registry import i18n
from camera_registry.i18n import N_, NN_, Language
from camera_registry.spelling import clean

LONGEST_CODE, LONGEST_UNIT, LONGEST_OFFICE, LONGEST_PHONE = 40, 80, 100, 40  # characters

_A_DAY = timedelta(days=1)  # from it on, a length is told in days; up to two of them with hours
# Addresses of networks: IPv4; IPv6 and of network cards, with colons (two of which may be a time); of network
# cards, with hyphens.
_IPV4 = re.compile(r"(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\.?\d)")
_COLONS = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*")
_HYPHENS = re.compile(r"[0-9A-Fa-f]{1,2}(?:[:-][0-9A-Fa-f]{1,2}){5}")
# A household's camera may be in the hands of a person, who is not named: "hộ ông …", "bà …".
_PERSONS = frozenset({"hộ", "ho", "ông", "ong", "bà", "anh", "chị", "cô", "chú", "bác", "mr", "mrs", "ms"})
_DAYS, _HOURS = NN_("{count} day", "{count} days"), NN_("{count} hour", "{count} hours")
TAKEN = N_("taken in hand")
# What units are called by, large only where a sentence begins.
_KINDS = ("Phường ", "Xã ", "Thị trấn ", "Thị xã ", "Thành phố ", "Huyện ", "Tỉnh ", "Đặc khu ")


def shortened(text: str, limit: int) -> str:
    """``text``, or as much of it as ``limit`` characters hold, and a sign that there was more."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def plain(text: str, limit: int) -> str:
    """A name as a message may say it: one line, composed, no address of a network, at most ``limit`` long."""
    kept = "".join(char if unicodedata.category(char)[0] not in "CZ" else " " for char in clean(text))
    for shape in (_HYPHENS, _COLONS, _IPV4):
        kept = shape.sub(_hidden, kept)
    return shortened(clean(kept), limit)


def inside(name: str) -> str:
    """The name of a unit inside of a sentence: ``phường Yên Bái``."""
    return name[:1].lower() + name[1:] if name.startswith(_KINDS) else name


def is_person(manager: str) -> bool:
    """Whether a manager is named as a person or a household, not as an office."""
    words = re.split(r"[\s.,:]+", clean(manager).casefold(), maxsplit=1)
    return words[0] in _PERSONS


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says things in one language, of one zone."""

    language: Language
    zone: tzinfo

    def say(self, message: str, **values: object) -> str:
        return i18n.translate(message, self.language, **values)

    def many(self, one: str, more: str, count: int, **values: object) -> str:
        return i18n.translate_many(one, more, count, self.language, **values)

    def number(self, value: int) -> str:
        return i18n.number(value, self.language)

    def day(self, at: datetime, now: datetime) -> str:
        """A day as documents here write it (Decree 30/2020: a zero before days, and months one and two)."""
        there, here = at.astimezone(self.zone), now.astimezone(self.zone)
        if self.language == "en":
            return f"{there:%Y-%m-%d}"
        month = f"{there:%m}" if there.month < 3 else str(there.month)
        return f"{there:%d}/{month}" + (f"/{there.year}" if there.year != here.year else "")

    def moment(self, at: datetime, now: datetime, *, beside: datetime | None = None) -> str:
        """``21:40 ngày 09/9``; the hour alone where it is of the same day as ``beside``."""
        there = at.astimezone(self.zone)
        if beside is not None and beside.astimezone(self.zone).date() == there.date():
            return f"{there:%H:%M}"
        return self.say(N_("{time} on {day}"), time=f"{there:%H:%M}", day=self.day(at, now))

    def length(self, lasted: timedelta) -> str:
        """``2 giờ 15 phút``; ``1 ngày 5 giờ``; in days where it is long; at least a minute."""
        if lasted >= _A_DAY:
            days, hours = lasted // _A_DAY, lasted % _A_DAY // timedelta(hours=1)
            said = self.many(*_DAYS, days)
            return f"{said} {self.many(*_HOURS, hours)}" if days == 1 and hours else said
        minutes = max(1, lasted // timedelta(minutes=1))
        return i18n.duration(minutes * 60_000_000, self.language).replace("\N{NO-BREAK SPACE}", " ")

    def office(self, manager: str, phone: str) -> str:
        """Who has a point, and the number of that office; a person is not named, and called by nobody."""
        if is_person(manager):
            return self.say(N_("a household (see the registry)"))
        name, number = plain(manager, LONGEST_OFFICE), plain(phone, LONGEST_PHONE)
        return self.say(N_("{office}, phone {phone}"), office=name, phone=number) if number else name

    def waiting_for(self, manager: str | None, phone: str, *, taken: bool) -> str:
        """Who has to act, inside of a list; of what is ``taken`` in hand nobody is waited for.

        ``manager`` is empty where nobody was handed the point, ``None`` where several have the points.
        """
        if manager and not taken:
            return self.say(N_("waiting for {who}"), who=self.office(manager, phone))
        who = self.say(N_("several are responsible") if manager is None else N_("nobody was handed it"))
        if manager:
            who = self.say(N_("responsible is {who}"), who=self.office(manager, phone))
        return f"{self.say(TAKEN)}, {who}" if taken else who

    def site(self, code: str, name: str) -> str:
        """``HO-DAN (Hộ dân)``: what a site is called, beside its code."""
        said, called = plain(code, LONGEST_CODE), plain(name, LONGEST_UNIT)
        return f"{said} ({called})" if called and called != said else said

    def going_on(self, what: str, began: datetime, now: datetime, who: str) -> str:
        """One line of a list; ``who`` is waited for, ``""`` where that is not said."""
        line = self.say(
            N_("{what} since {since} ({length})"),
            what=what,
            since=self.moment(began, now),
            length=self.length(now - began),
        )
        return f"{line}; {who}" if who else line

    def came_and_went(self, what: str, began: datetime, ended: datetime, now: datetime) -> str:
        return self.say(
            N_("{what} from {since} to {until} ({length})"),
            what=what,
            since=self.moment(began, now),
            until=self.moment(ended, now, beside=began),
            length=self.length(ended - began),
        )


def _hidden(found: re.Match[str]) -> str:
    """A sign in place of an address; what only looks like one stays: a time, a number of a document."""
    text = found[0]
    if found.re is _IPV4 and any(int(part) > 255 for part in text.split(".")):
        return text
    return text if found.re is _COLONS and text.count(":") == 2 and "::" not in text else "…"
