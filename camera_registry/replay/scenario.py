"""Reads a scenario: what there is, what was heard of it and when, and what is asked. Pure: no clock, no I/O.

One JSON object a line; ``docs/replay.md`` tells the whole of it. Whatever is wrong is told with its line.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from math import isfinite
from typing import Any, Final, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import orjson

from camera_registry.errors import RegistryError
from camera_registry.health import Finding, Heard, Policy, Run
from camera_registry.i18n import N_, Language, translate
from camera_registry.uptime import Span
from probes.reasons import Check, Outcome, Reason

LONGEST_LINE = 32 * 1024 * 1024  # bytes: a setup that names 200,000 eyes
MOST_LINES = 5_000_000
LONGEST_NAME = 64  # characters
MOST_IN_A_RUN = 50_000_000  # results: one a second for more than a year
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
LONGEST_INTERVAL_S = 31 * 86400.0
ZONE = "Asia/Ho_Chi_Minh"

# What holds where a policy leaves it open: the product's own.
_INTERVALS: Final[Mapping[Check, float]] = {Check.STREAM: 60.0, Check.RECORDING: 86400.0}
_OTHER_INTERVAL_S = 300.0
_CONFIRM_AFTER: Final[Mapping[Check, int]] = {Check.RECORDING: 1}
_RECOVER_AFTER: Final[Mapping[Check, int]] = {Check.STREAM: 1, Check.RECORDING: 1}

# What is not ok needs a reason; where none is told, the one that says least of its check.
_UNSAID: Final[Mapping[Check, Reason]] = {
    Check.STREAM: Reason.RTP_NONE,
    Check.PICTURE: Reason.DECODE_FAILED,
    Check.SNAPSHOT: Reason.SNAPSHOT_NOT_IMAGE,
    Check.CLOCK: Reason.CLOCK_DRIFT,
    Check.RECORDING: Reason.RECORDING_STOPPED,
}


class ScenarioError(RegistryError):
    """A line of a scenario says nothing, or nothing that can be; the text tells which."""

    def __init__(self, line: int, message: str, **values: object) -> None:
        super().__init__(message, **values)
        self.line = line

    def text(self, language: Language) -> str:
        why = super().text(language)
        return translate(N_("Line {line}: {why}"), language, line=self.line, why=why)


class ScopeKind(StrEnum):
    """What a maintenance window may cover."""

    ALL = "all"
    EYE = "eye"
    POINT = "point"
    UNIT = "unit"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Asked:
    """How a check is asked and judged."""

    interval_s: float
    policy: Policy


@dataclass(frozen=True, slots=True)
class Point:
    unit: str | None
    k: int


@dataclass(frozen=True, slots=True)
class Eye:
    """``commissioned`` is ``None`` where it was in service since before the records."""

    point: str
    device: str
    site: str
    commissioned: datetime | None


@dataclass(frozen=True, slots=True)
class Setup:
    """What there is. A check that ``checks`` does not name is off."""

    zone: ZoneInfo
    checks: Mapping[Check, Asked]
    units: tuple[str, ...]
    points: Mapping[str, Point]
    eyes: Mapping[str, Eye]

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(eye.site for eye in self.eyes.values()))


@dataclass(frozen=True, slots=True)
class Window:
    """A time of maintenance; ``name`` is empty for everything."""

    line: int
    kind: ScopeKind
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Move:
    """From the midnight that ``day`` begins with, the point belongs to the unit."""

    point: str
    unit: str
    day: date


@dataclass(frozen=True, slots=True)
class Beats:
    """A site was heard every ``every_s`` seconds, from the first moment to the last."""

    site: str
    first_at: datetime
    last_at: datetime
    every_s: float

    @property
    def every(self) -> timedelta:
        return timedelta(seconds=self.every_s)


@dataclass(frozen=True, slots=True)
class Report:
    """What is asked: the figures of ``span`` as they are known at ``now``."""

    span: Span
    now: datetime


@dataclass(slots=True)
class Scenario:
    """All lines of one file."""

    setup: Setup
    heard: list[Heard] = field(default_factory=list)  # in the order of the lines
    windows: list[Window] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    retired: dict[str, datetime] = field(default_factory=dict)
    beats: list[Beats] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)


def read(lines: Iterable[bytes]) -> Scenario:
    """The scenario that ``lines`` tell. Raises ``ScenarioError``."""
    numbered = _objects(lines)
    number, first = next(numbered, (1, {}))
    if set(first) != {"setup"}:
        raise ScenarioError(number, N_("The first line is the setup."))
    scenario = Scenario(_setup(_Fields(number, "setup", first["setup"])))
    for number, line in numbered:
        if scenario.reports and set(line) != {"report"}:
            raise ScenarioError(number, N_("Nothing comes after a report."))
        _take(scenario, number, line)
    if not scenario.reports:
        raise ScenarioError(number, N_("The last line is a report; there is none."))
    return scenario


def _objects(lines: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(lines, 1):
        if number > MOST_LINES:
            raise ScenarioError(number, N_("A scenario has at most {most} lines."), most=MOST_LINES)
        if len(line) > LONGEST_LINE:
            raise ScenarioError(number, N_("The line is longer than {most} bytes."), most=LONGEST_LINE)
        if not line.strip():
            continue
        try:
            told = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise ScenarioError(number, N_("This is not JSON: {reason}"), reason=error.msg) from None
        if not isinstance(told, dict) or not told:
            raise ScenarioError(number, N_("Each line is one object with something in it."))
        yield number, told


# --- the setup --------------------------------------------------------------------------------------


def _setup(told: "_Fields") -> Setup:
    told.know({"eyes"}, {"timezone", "policy", "units", "points"})
    units = _units(told)
    points = {name: _point(each, units) for name, each in told.each("points")}
    eyes = {name: _eye(name, each, points) for name, each in told.each("eyes")}
    if not eyes:
        told.refuse(N_("There is no eye in the setup."))
    _check_devices(told, eyes)
    return Setup(_zone(told), _checks(told.inner("policy")), units, points, eyes)


def _zone(told: "_Fields") -> ZoneInfo:
    name = told.text("timezone", ZONE)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        told.refuse(N_('There is no time zone "{name}".'), name=name)


def _checks(told: "_Fields") -> dict[Check, Asked]:
    keys = {"interval_s", "confirm_after", "recover_after", "silence_factor"}
    told.know(set(), keys | {"checks"})
    factor = told.number("silence_factor", 1, 100, 2.5)
    checks = {Check.STREAM: _asked(told, Check.STREAM, factor)}
    for name, each in told.inner("checks").each_inside():
        check = each.one_of(Check, name)
        if check is Check.STREAM:
            each.refuse(N_("The policy of the stream stands beside the checks, not among them."))
        each.know(set(), keys)
        checks[check] = _asked(each, check, each.number("silence_factor", 1, 100, factor))
    return checks


def _asked(told: "_Fields", check: Check, silence_factor: float) -> Asked:
    interval_s = told.number("interval_s", 1, LONGEST_INTERVAL_S, _INTERVALS.get(check, _OTHER_INTERVAL_S))
    policy = Policy(
        confirm_after=told.whole("confirm_after", 1, 100, _CONFIRM_AFTER.get(check, 3)),
        recover_after=told.whole("recover_after", 1, 100, _RECOVER_AFTER.get(check, 2)),
        silence_factor=silence_factor,
    )
    return Asked(interval_s, policy)


def _units(told: "_Fields") -> tuple[str, ...]:
    units = told.get("units", [])
    if not isinstance(units, list):
        told.refuse(N_('"{key}" is a list of names.'), key=told.path("units"))
    for number, unit in enumerate(units):
        told.check_name("units", unit)
        if unit in units[:number]:
            told.refuse(N_('The unit "{name}" is named twice.'), name=unit)
    return tuple(units)


def _point(told: "_Fields", units: Collection[str]) -> Point:
    told.know(set(), {"unit", "k"})
    unit = told.known("unit", units) if "unit" in told.values else None
    return Point(unit, told.whole("k", 1, 10_000, 1))


def _eye(name: str, told: "_Fields", points: Mapping[str, Point]) -> Eye:
    told.know({"point"}, {"device", "site", "commissioned"})
    return Eye(
        told.known("point", points),
        told.text("device", name),
        told.text("site", "S1"),
        told.moment("commissioned") if told.get("commissioned", None) is not None else None,
    )


def _check_devices(told: "_Fields", eyes: Mapping[str, Eye]) -> None:
    places: dict[str, tuple[str, str]] = {}
    for eye in eyes.values():
        if places.setdefault(eye.device, (eye.point, eye.site)) != (eye.point, eye.site):
            told.refuse(N_('The device "{name}" has one point and one site.'), name=eye.device)


# --- the other lines --------------------------------------------------------------------------------


def _take(scenario: Scenario, number: int, line: Mapping[str, Any]) -> None:
    if "eye" in line:
        heard = _heard(_Fields(number, "", line), scenario.setup)
        if heard.check in scenario.setup.checks:  # of the others the policy wants to know nothing
            scenario.heard.append(heard)
        return
    kind = " ".join(line)
    told = _Fields(number, kind, line.get(kind, {}))
    match kind:
        case "maintenance":
            scenario.windows.append(_window(told, scenario.setup))
        case "move":
            scenario.moves.append(_move(told, scenario))
        case "retire":
            eye, at = _retired(told, scenario)
            scenario.retired[eye] = at
        case "heartbeat":
            scenario.beats.append(_beats(told, scenario.setup))
        case "report":
            scenario.reports.append(_report(told))
        case "setup":
            told.refuse(N_("There is one setup, on the first line."))
        case _:
            told.refuse(N_("It is not clear what this line tells."))


def _heard(told: "_Fields", setup: Setup) -> Heard:
    is_run = "every_s" in told.values
    moments = {"every_s", "from", "to"} if is_run else {"at"}
    told.know({"eye", "check", "outcome"} | moments, {"reason", "received_at"})
    eye = told.known("eye", setup.eyes)
    check = told.one_of(Check, told.text("check"))
    outcome = told.one_of(Outcome, told.text("outcome"))
    reason = Reason.OK if outcome is Outcome.OK else _UNSAID[check]
    if outcome is Outcome.UNKNOWN:
        reason = Reason.MONITOR_INTERNAL_ERROR
    if "reason" in told.values:
        reason = told.one_of(Reason, told.text("reason"))
    interval_s = setup.checks[check].interval_s if check in setup.checks else _OTHER_INTERVAL_S
    received_at = told.moment("received_at") if "received_at" in told.values else None
    if not is_run:
        at = told.moment("at")
        last, heard = at, Heard(eye, check, Finding(at, outcome, reason, interval_s), received_at)
    else:
        span = told.span()
        every_s, count = _rhythm(told, span)
        run = Run(span.start, every_s, count, outcome, reason, interval_s)
        last, heard = run.last_at, Heard(eye, check, run, received_at)
    if received_at is not None and received_at < last:
        told.refuse(N_("Nothing is received before it is made."))
    return heard


def _rhythm(told: "_Fields", span: Span) -> tuple[float, int]:
    """How far apart, and how many, from the beginning of ``span`` until, without, its end."""
    every_s = told.number("every_s", 0.001, LONGEST_INTERVAL_S)
    count = -((span.start - span.end) // timedelta(seconds=every_s))
    if count > MOST_IN_A_RUN:
        told.refuse(N_("A run has at most {most} results."), most=MOST_IN_A_RUN)
    return every_s, count


def _window(told: "_Fields", setup: Setup) -> Window:
    told.know({"scope", "from", "to"}, set())
    scope = told.text("scope")
    word, _, name = scope.partition(":")
    known: Mapping[str, Collection[str]] = {
        ScopeKind.EYE: setup.eyes,
        ScopeKind.POINT: setup.points,
        ScopeKind.UNIT: setup.units,
        ScopeKind.SITE: setup.sites,
    }
    if scope == ScopeKind.ALL:
        return Window(told.line, ScopeKind.ALL, "", told.span())
    if word not in known:
        told.refuse(N_('"{text}" is no scope: eye:, point:, unit: or site: with a name, or all.'), text=scope)
    told.check_known(word, name, known[word])
    return Window(told.line, ScopeKind(word), name, told.span())


def _move(told: "_Fields", scenario: Scenario) -> Move:
    told.know({"point", "unit", "from"}, set())
    local = told.moment("from").astimezone(scenario.setup.zone)
    if local.time() != time():
        told.refuse(N_("A point moves at midnight in {zone}."), zone=scenario.setup.zone)
    move = Move(
        told.known("point", scenario.setup.points), told.known("unit", scenario.setup.units), local.date()
    )
    if any((other.point, other.day) == (move.point, move.day) for other in scenario.moves):
        told.refuse(N_('The point "{name}" has moved on that day already.'), name=move.point)
    return move


def _retired(told: "_Fields", scenario: Scenario) -> tuple[str, datetime]:
    told.know({"eye", "at"}, set())
    eye, at = told.known("eye", scenario.setup.eyes), told.moment("at")
    if eye in scenario.retired:
        told.refuse(N_('The eye "{name}" has been retired already.'), name=eye)
    return eye, at


def _beats(told: "_Fields", setup: Setup) -> Beats:
    told.know({"site", "from", "to", "every_s"}, set())
    site, span = told.known("site", setup.sites), told.span()
    every_s, count = _rhythm(told, span)
    return Beats(site, span.start, span.start + (count - 1) * timedelta(seconds=every_s), every_s)


def _report(told: "_Fields") -> Report:
    told.know({"from", "to"}, {"now"})
    span = told.span()
    return Report(span, told.moment("now") if "now" in told.values else span.end)


# --- values -----------------------------------------------------------------------------------------

E = TypeVar("E", bound=StrEnum)


class _Fields:
    """The values of one object and where it stands; each is asked for as what it must be."""

    def __init__(self, line: int, place: str, values: object) -> None:
        self.line = line
        self._place = place
        if not isinstance(values, dict):
            self.refuse(N_('"{key}" is an object.'), key=place)
        self.values: dict[str, Any] = values

    def refuse(self, message: str, **values: object) -> NoReturn:
        raise ScenarioError(self.line, message, **values)

    def path(self, key: str) -> str:
        return f"{self._place}.{key}" if self._place else key

    def know(self, needed: Collection[str], possible: Collection[str]) -> None:
        """All of ``needed`` are there, and nothing else but ``possible``."""
        for key in self.values:
            if key not in needed and key not in possible:
                self.refuse(N_('Nothing is known of "{key}".'), key=self.path(key)[:LONGEST_NAME])
        for key in sorted(needed):
            if key not in self.values:
                self.refuse(N_('"{key}" is missing.'), key=self.path(key))

    def get(self, key: str, default: object) -> Any:
        return self.values.get(key, default)

    def inner(self, key: str) -> "_Fields":
        return _Fields(self.line, self.path(key), self.get(key, {}))

    def each(self, key: str) -> "Sequence[tuple[str, _Fields]]":
        return self.inner(key).each_inside()

    def each_inside(self) -> "Sequence[tuple[str, _Fields]]":
        for name in self.values:
            self.check_name(name, name)
        return [(name, _Fields(self.line, self.path(name), value)) for name, value in self.values.items()]

    def text(self, key: str, default: str | None = None) -> str:
        value = self.get(key, default)
        self.check_name(key, value)
        return str(value)

    def check_name(self, key: str, value: object) -> None:
        if not isinstance(value, str) or not 0 < len(value) <= LONGEST_NAME:
            self.refuse(
                N_('"{key}" is a text of 1 to {most} characters.'),
                key=self.path(key)[:LONGEST_NAME],
                most=LONGEST_NAME,
            )

    def known(self, key: str, names: Collection[str]) -> str:
        name = self.text(key)
        self.check_known(key, name, names)
        return name

    def check_known(self, kind: str, name: str, names: Collection[str]) -> None:
        if name not in names:
            self.refuse(N_('The setup names no {kind} "{name}".'), kind=kind, name=name)

    def one_of(self, kind: type[E], text: str) -> E:
        try:
            return kind(text)
        except ValueError:
            if len(kind) > 10:
                self.refuse(N_('There is no reason "{name}".'), name=text)
            self.refuse(N_('"{text}" is none of these: {names}'), text=text, names=", ".join(kind))

    def number(self, key: str, least: float, most: float, default: float | None = None) -> float:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
            value = None
        if value is None or not least <= value <= most:
            self.refuse(
                N_('"{key}" is a number from {least} to {most}.'),
                key=self.path(key),
                least=f"{least:g}",
                most=f"{most:g}",
            )
        return float(value)

    def whole(self, key: str, least: int, most: int, default: int) -> int:
        value = self.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.refuse(
                N_('"{key}" is a whole number from {least} to {most}.'),
                key=self.path(key),
                least=least,
                most=most,
            )
        return value

    def moment(self, key: str) -> datetime:
        value = self.get(key, None)
        try:
            at = datetime.fromisoformat(value)
            if at.tzinfo is not None and EARLIEST <= at <= LATEST:
                return at.astimezone(UTC)
        except (TypeError, ValueError):
            pass
        self.refuse(
            N_('"{key}" is a moment with an offset, such as 2026-09-01T00:00:00+07:00.'), key=self.path(key)
        )

    def span(self) -> Span:
        span = Span(self.moment("from"), self.moment("to"))
        if span.end <= span.start:
            self.refuse(N_("The end is not after the beginning."))
        return span
