"""When a maintenance window comes again: recurrence rules (RFC 5545), told by the clock on the wall. Pure.

Only rules that a person can follow: daily, weekly, monthly by day or by weekday. One by hours or seconds is
no maintenance, and one that never comes true would be looked for until the year 9999.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import takewhile
from typing import Final

from dateutil.rrule import rrulestr

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.uptime import Span

LONGEST_RULE, MOST_INTERVAL, MOST_COUNT = 300, 60, 1_000
FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY")
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")

_WEEKDAY = f"(?:{'|'.join(WEEKDAYS)})"
_DAY = r"-?(?:[1-9]|[12]\d|3[01])"
_MONTH = r"(?:[1-9]|1[0-2])"
_PARTS: Final = {  # RFC 5545, 3.3.10, as far as it is taken
    "FREQ": "[A-Z]+",
    "INTERVAL": r"\d+",
    "COUNT": r"\d+",
    "UNTIL": r"20\d{6}(?:T\d{6}Z?)?",
    "BYDAY": rf"(?:-?[1-5])?{_WEEKDAY}(?:,(?:-?[1-5])?{_WEEKDAY})*",
    "BYMONTHDAY": f"{_DAY}(?:,{_DAY})*",
    "BYMONTH": f"{_MONTH}(?:,{_MONTH})*",
    "WKST": _WEEKDAY,
}
_LOCAL = "%Y%m%dT%H%M%S"  # as RFC 5545 writes a moment; later ones sort after earlier ones


class RuleError(RegistryError):
    """The rule is none, or none that a window may have."""


def checked(text: str, first: datetime, zone: tzinfo) -> None:
    """Raise ``RuleError`` unless ``text`` is a rule that a window beginning at ``first`` may have.

    ``UNTIL`` may be a day (it is still inside), a local moment, or one in UTC. The first beginning must be
    one of the rule's own: what RFC 5545 leaves undefined is refused.
    """
    start = _on_the_wall(first, zone)
    parts = _read(text, zone)
    if not _on_a_day_of(parts, start) or parts.get("UNTIL", _LATEST) < f"{start:{_LOCAL}}":
        raise RuleError(N_("The window does not begin on a day of its own rule."))
    if start.microsecond:  # rules know whole seconds
        raise RuleError(N_("A window that comes again begins at a whole second."))


def occurrences(first: Span, recurrence: str, within: Span, zone: tzinfo) -> Iterator[Span]:
    """The times of a window that meet ``within``, in order of their beginning, as they are, not clipped.

    ``recurrence`` is a rule that ``checked`` lets pass, or nothing. Both ends keep their place on the clock
    of ``zone``: 02:00 to 04:00 is that in summer and in winter. A moment that a clock change leaves out is
    taken by the offset before it, of one that comes twice the first (RFC 5545, 3.3.5); a time that is empty
    then does not take place.
    """
    if not recurrence:
        if first.start < within.end and first.end > within.start:
            yield first
        return
    start, end = _on_the_wall(first.start, zone), _on_the_wall(first.end, zone)
    last = _on_the_wall(within.end, zone) + timedelta(days=1)  # no clock change is as long as a day
    rule = rrulestr(
        ";".join(f"{name}={value}" for name, value in _read(recurrence, zone).items()), dtstart=start
    )
    for begun in takewhile(lambda at: at <= last, rule):
        span = first if begun == start else _placed(begun, begun + (end - start), zone)
        if span.start < within.end and span.end > within.start and span.start < span.end:
            yield span


def _read(text: str, zone: tzinfo) -> dict[str, str]:
    """The parts of a rule, ``UNTIL`` as a local moment."""
    told = [part.partition("=") for part in text.split(";")]
    parts = {name: value for name, _, value in told}
    sound = len(text) <= LONGEST_RULE and len(parts) == len(told)
    if not sound or not all(
        name in _PARTS and re.fullmatch(_PARTS[name], value, re.ASCII) for name, value in parts.items()
    ):
        raise _not_understood(text)
    if parts.get("FREQ") not in FREQUENCIES:
        raise RuleError(
            N_("A rule is one of FREQ=DAILY, FREQ=WEEKLY and FREQ=MONTHLY; this is not: {rule}"), rule=text
        )
    if "COUNT" in parts and "UNTIL" in parts:
        raise RuleError(N_("A rule has COUNT or UNTIL, not both."))
    for name, most in (("INTERVAL", MOST_INTERVAL), ("COUNT", MOST_COUNT)):
        if not 1 <= int(parts.get(name, "1")) <= most:
            raise RuleError(N_("{name} of a rule is from 1 to {most}."), name=name, most=most)
    if parts["FREQ"] != "MONTHLY" and re.search(
        r"\d", parts.get("BYDAY", "")
    ):  # "the second Monday" of what?
        raise _not_understood(text)
    if "UNTIL" in parts:
        parts["UNTIL"] = _until(parts["UNTIL"], zone)
    return parts


def _until(text: str, zone: tzinfo) -> str:
    try:
        if "T" not in text:
            return f"{datetime.combine(date.fromisoformat(text), time.max):{_LOCAL}}"
        at = datetime.fromisoformat(text)
        return f"{at if at.tzinfo is None else _on_the_wall(at, zone):{_LOCAL}}"
    except ValueError:
        raise _not_understood(f"UNTIL={text}") from None


_LATEST = "9999"


def _on_a_day_of(parts: dict[str, str], start: datetime) -> bool:
    """Whether the rule comes true at its very beginning: then it is found at once, and again."""
    following = (start.replace(day=28) + timedelta(days=4)).replace(day=1)
    length = (following - timedelta(days=1)).day
    weekday = WEEKDAYS[start.weekday()]
    turns = {"", str((start.day + 6) // 7), str(-((length - start.day) // 7 + 1))}
    days = {str(start.day), str(start.day - length - 1)}
    return (
        (not (named := parts.get("BYDAY")) or any(f"{turn}{weekday}" in named.split(",") for turn in turns))
        and (not (named := parts.get("BYMONTHDAY")) or not days.isdisjoint(named.split(",")))
        and (not (named := parts.get("BYMONTH")) or str(start.month) in named.split(","))
    )


def _not_understood(text: str) -> RuleError:
    return RuleError(N_("The rule cannot be understood: {rule}"), rule=text[:LONGEST_RULE])


def _on_the_wall(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def _placed(start: datetime, end: datetime, zone: tzinfo) -> Span:
    return Span(start.replace(tzinfo=zone).astimezone(UTC), end.replace(tzinfo=zone).astimezone(UTC))
