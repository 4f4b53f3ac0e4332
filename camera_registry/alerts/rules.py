"""What a subscription says: which occasions, after how long, when not, how often at most. Pure.

The same words serve the database (JSON), the policy file of ``alerts preview`` (TOML) and people:
``"10m"``, ``"12h"``, ``"7d"`` are lengths, ``"06:30"`` is a time of day.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import time, timedelta
from typing import Any

from camera_registry.alerts.occasions import What
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_

CITY: frozenset[What] = frozenset(What)
WARD: frozenset[What] = frozenset({What.OUTAGE, What.UNSTABLE, What.RECOVERY})

REMINDERS = (timedelta(days=1), timedelta(days=3), timedelta(days=7))  # ages that there are reminders of
LONGEST = timedelta(days=30)  # that anything waits
MOST_PER_HOUR, MOST_PER_WEEK = 60, 500


class RulesError(RegistryError):
    """Rules cannot be so."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How one subscription is served. The defaults are a ward's.

    What takes several eyes away is told at once: when it has lasted ``least``; where ``unacknowledged`` is
    not zero, only once it has gone on for so much longer without anybody having acknowledged it (that is how
    the next recipients hear of it), but what reaches beyond one point, or a site, without this delay where
    ``wide_at_once``. Everything of one eye is collected into a digest: an outage once it has lasted ``alone``
    (zero: it is told as that of several eyes is), what probes found of it as soon as there is one.

    Within ``quiet`` (local time, may go past midnight) messages wait for its end, and are one digest then.
    Of more than ``per_hour`` messages in an hour the rest is one summary; of more than ``per_week`` in seven
    days (zero: no limit; digests that were asked for do not count, and what is wide is told all the same) the
    rest waits for the next digest; the last of them is kept for one, where there is more than one.
    Reminders come when an outage is so old. Digests come daily (``daily``) and weekly (``weekly``: 0 is
    Monday) at ``digest_at``; what was collected is told at that time, too.
    """

    what: frozenset[What] = WARD
    least: timedelta = timedelta(minutes=10)
    alone: timedelta = timedelta(hours=6)
    unacknowledged: timedelta = timedelta(0)
    wide_at_once: bool = False
    quiet: tuple[time, time] | None = (time(21, 30), time(6, 30))
    per_hour: int = 6
    per_week: int = 3
    reminders: tuple[timedelta, ...] = ()
    daily: bool = False
    weekly: int | None = None
    digest_at: time = time(6, 30)
    backlog: bool = False  # in the weekly digest, the eyes that never worked yet


WARD_RULES = Rules()
CITY_RULES = Rules(
    what=CITY,
    unacknowledged=timedelta(hours=4),
    wide_at_once=True,
    quiet=None,
    per_hour=12,
    per_week=0,
    reminders=REMINDERS,
    daily=True,
    weekly=0,
    digest_at=time(7, 0),
    backlog=True,
)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of the city desk and of each ward, as one file has them."""

    city: Rules = CITY_RULES
    ward: Rules = WARD_RULES


def to_json(rules: Rules) -> dict[str, Any]:
    """The rules as they are kept; every one of them, so that a later default changes nobody's."""
    return {
        "what": sorted(map(str, rules.what)),
        "least": _length(rules.least),
        "alone": _length(rules.alone),
        "unacknowledged": _length(rules.unacknowledged),
        "wide_at_once": rules.wide_at_once,
        "quiet": None if rules.quiet is None else [f"{each:%H:%M}" for each in rules.quiet],
        "per_hour": rules.per_hour,
        "per_week": rules.per_week,
        "reminders": [_length(each) for each in rules.reminders],
        "daily": rules.daily,
        "weekly": rules.weekly,
        "digest_at": f"{rules.digest_at:%H:%M}",
        "backlog": rules.backlog,
    }


def from_json(said: object, base: Rules = WARD_RULES) -> Rules:
    """The rules that these words say; what is not said is as in ``base``. Raises ``RulesError``."""
    if not isinstance(said, Mapping):
        raise RulesError(N_("Rules are a table of names and values."))
    if unknown := sorted(set(said) - _READ.keys()):
        raise RulesError(
            N_('There is no rule "{name}"; there are: {names}.'), name=unknown[0], names=", ".join(_READ)
        )
    rules = replace(base, **{name: _READ[name](name, value) for name, value in said.items()})
    check(rules)
    return rules


def check(rules: Rules) -> None:
    """Raises ``RulesError`` for rules that cannot be kept."""
    for name in ("least", "alone", "unacknowledged"):
        if not timedelta(0) <= getattr(rules, name) <= LONGEST:
            raise RulesError(N_('"{name}" is between nothing and {days} days.'), name=name, days=LONGEST.days)
    if rules.quiet is not None and rules.quiet[0] == rules.quiet[1]:
        raise RulesError(N_("Quiet hours end at another time than they begin."))
    _within("per_hour", rules.per_hour, 1, MOST_PER_HOUR)
    _within("per_week", rules.per_week, 0, MOST_PER_WEEK)
    if rules.weekly is not None:
        _within("weekly", rules.weekly, 0, 6)
    if not set(rules.reminders) <= set(REMINDERS):
        raise RulesError(
            N_("Reminders come after {lengths} alone."), lengths=", ".join(map(_length, REMINDERS))
        )


def read_policy(text: str) -> Policy:
    """A policy file: TOML with the tables ``[city]`` and ``[ward]``. Raises ``RulesError``.

    What it does not say is as it is by default.
    """
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RulesError(N_("The policy is not TOML: {error}"), error=str(error)) from None
    names = [each.name for each in fields(Policy)]
    for name, table in said.items():
        if name not in names or not isinstance(table, dict):
            raise RulesError(
                N_('A policy has the tables {names}, not "{name}".'), name=name, names=", ".join(names)
            )
    return Policy(from_json(said.get("city", {}), CITY_RULES), from_json(said.get("ward", {}), WARD_RULES))


# --- how each is written ------------------------------------------------------------------------------

_UNITS: Mapping[str, timedelta] = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_WRITTEN = re.compile(r"(\d{1,6})([dhms])")


def _length(lasting: timedelta) -> str:
    return next(f"{lasting // unit}{name}" for name, unit in _UNITS.items() if not lasting % unit)


def _as_length(name: str, said: object) -> timedelta:
    found = _WRITTEN.fullmatch(said) if isinstance(said, str) else None
    if found is None:
        raise RulesError(N_('"{name}" is a length as "10m", "4h" or "7d".'), name=name)
    return int(found[1]) * _UNITS[found[2]]


def _as_time(name: str, said: object) -> time:
    try:
        return time.fromisoformat(said if isinstance(said, str) and len(said) == len("06:30") else "")
    except ValueError:
        raise RulesError(N_('"{name}" is a time of day as "06:30".'), name=name) from None


def _as_quiet(name: str, said: object) -> tuple[time, time] | None:
    if said is None or said == []:  # TOML knows no null
        return None
    if not isinstance(said, list) or len(said) != 2:
        raise RulesError(N_('"{name}" is two times of day, or nothing.'), name=name)
    return _as_time(name, said[0]), _as_time(name, said[1])


def _as_what(name: str, said: object) -> frozenset[What]:
    known = {str(what): what for what in What}
    if not isinstance(said, list) or not all(isinstance(each, str) and each in known for each in said):
        raise RulesError(N_('"{name}" is a list of {known}.'), name=name, known=", ".join(known))
    return frozenset(known[each] for each in said)


def _as_reminders(name: str, said: object) -> tuple[timedelta, ...]:
    if not isinstance(said, list):
        raise RulesError(N_('"{name}" is a list of lengths.'), name=name)
    return tuple(sorted({_as_length(name, each) for each in said}))


def _as_number(name: str, said: object) -> int:
    if type(said) is not int:
        raise RulesError(N_('"{name}" is a whole number.'), name=name)
    return said


def _as_weekday(name: str, said: object) -> int | None:
    return None if said is None or said == "" else _as_number(name, said)  # TOML knows no null


def _as_switch(name: str, said: object) -> bool:
    if not isinstance(said, bool):
        raise RulesError(N_('"{name}" is true or false.'), name=name)
    return said


_READ: Mapping[str, Callable[[str, object], Any]] = {
    "what": _as_what,
    "least": _as_length,
    "alone": _as_length,
    "unacknowledged": _as_length,
    "wide_at_once": _as_switch,
    "quiet": _as_quiet,
    "per_hour": _as_number,
    "per_week": _as_number,
    "reminders": _as_reminders,
    "daily": _as_switch,
    "weekly": _as_weekday,
    "digest_at": _as_time,
    "backlog": _as_switch,
}


def _within(name: str, number: int, least: int, most: int) -> None:
    if not least <= number <= most:
        raise RulesError(N_('"{name}" is between {least} and {most}.'), name=name, least=least, most=most)
