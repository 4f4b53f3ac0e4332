"""Maintenance windows as people read and tell them: what is coming, on and past; hours on a wall clock.

Cut to a reader's ``Scope``: a window that covers no eye inside it is not shown.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from enum import StrEnum

from sqlalchemy.orm import Session

from camera_registry import maintenance
from camera_registry.audit import Actor
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.maintenance import Cover, Ground, Inside, Kind, NoSuchWindow, ScopeKind, Window
from camera_registry.recurrence import WEEKDAYS, occurrences
from camera_registry.units import Scope
from camera_registry.uptime import Span

PAST, AHEAD = timedelta(days=92), timedelta(days=366)  # how far a list looks, unless it is asked otherwise

_MOMENTS = ("%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%d/%m/%Y %H:%M", "%Y-%m-%d", "%d/%m/%Y")


class WindowError(RegistryError):
    """What was told is no window."""


class Phase(StrEnum):
    """Where a window stands in time."""

    PRESENT = "present"
    COMING = "coming"
    PAST = "past"
    WITHDRAWN = "withdrawn"


class Repeats(StrEnum):
    """How a window comes again, as a form asks it."""

    ONCE = "once"
    DAILY = "daily"
    WEEKLY = "weekly"  # on its own weekday
    MONTHLY_DAY = "monthly_day"  # on its own day of the month
    MONTHLY_WEEKDAY = "monthly_weekday"  # on the first, second, … or last of its weekday


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One window of a list. ``start`` and ``end`` are of its present or next time, or of its last one.

    ``eyes`` counts those in scope that it covers then; ``scopes`` are what it covers, ``names`` the same as
    people call it, as far as the scope may be told. ``inside``: it covers nothing beyond the scope.
    """

    id: int
    kind: Kind
    phase: Phase
    start: datetime
    end: datetime
    recurrence: str
    reason: str
    scopes: tuple[str, ...]
    names: tuple[str, ...]
    eyes: int
    entered_at: datetime
    entered_by: str
    withdrawn_at: datetime | None
    withdrawn_by: str
    notice: str
    inside: bool


def rows(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, within: Span | None = None
) -> list[WindowRow]:
    """The windows with a time inside ``within``: those that are on, then coming, past and withdrawn ones."""
    within = within or Span(now - PAST, now + AHEAD)
    found = maintenance.windows(session, within, zone, withdrawn=True)
    if not found:
        return []
    called = _Called.load(session, found)
    ground = Ground.load(session, zone)
    inside = Inside.load(session, scope, now.astimezone(zone).date())
    listed = [row for each in found if (row := _row(each, called, ground, inside, now, within)) is not None]
    order = list(Phase)
    listed.sort(
        key=lambda row: (order.index(row.phase), row.start if row.phase is Phase.COMING else _later(row))
    )
    return listed


def row(session: Session, scope: Scope, now: datetime, zone: tzinfo, window_id: int) -> WindowRow | None:
    """One window as lists show it; ``None`` where the scope has none of its eyes."""
    window = maintenance.window(session, window_id)
    ground = Ground.load(session, zone)
    inside = Inside.load(session, scope, now.astimezone(zone).date())
    within = Span(min(window.span.start, now), max(window.span.end, now) + AHEAD)
    return _row(window, _Called.load(session, [window]), ground, inside, now, within)


def closed_months(session: Session, window: Window, now: datetime, zone: tzinfo) -> list[date]:
    """The closed months that a window touches, up to now: they keep their figures until they are amended."""
    until_now = Span(window.span.start, max(now, window.span.end))
    return maintenance.closed_months(session, window.spans(until_now, zone), zone)


def moment_of(text: str, zone: tzinfo) -> datetime:
    """``2026-12-12T07:30``, ``12/12/2026 07:30`` or a day (its beginning), on the clock of ``zone``."""
    for pattern in _MOMENTS:
        try:
            told = datetime.strptime(text.strip()[:20], pattern)  # noqa: DTZ007 (its zone comes next)
        except ValueError:
            continue
        return told.replace(tzinfo=zone).astimezone(UTC)
    raise WindowError(
        N_('"{text}" is no moment; write 12/12/2026 07:30 or 2026-12-12 07:30.'), text=text.strip()[:20]
    )


def rule_of(repeats: Repeats, start: datetime, zone: tzinfo, until: date | None = None) -> str:
    """The RRULE of a choice in a form, for a window that first begins at ``start``."""
    local = start.astimezone(zone)
    weekday = WEEKDAYS[local.weekday()]
    turn = (local.day + 6) // 7
    rules: Mapping[Repeats, str] = {
        Repeats.ONCE: "",
        Repeats.DAILY: "FREQ=DAILY",
        Repeats.WEEKLY: f"FREQ=WEEKLY;BYDAY={weekday}",
        Repeats.MONTHLY_DAY: f"FREQ=MONTHLY;BYMONTHDAY={local.day}",
        # There is no fifth Friday in most months: whoever begins on one means the last.
        Repeats.MONTHLY_WEEKDAY: f"FREQ=MONTHLY;BYDAY={turn if turn < 5 else -1}{weekday}",
    }
    end = f";UNTIL={until:%Y%m%d}" if until and repeats is not Repeats.ONCE else ""
    return rules[repeats] + end


def covers_of(session: Session, scope: Scope, kind: ScopeKind, codes: str, *days: date) -> list[Cover]:
    """What a form names in ``scope``: one kind, and codes or names with commas or on lines of their own.

    ``days`` are those of ``maintenance.cover_of``.
    """
    if kind is ScopeKind.ALL:
        return [maintenance.cover_of(session, scope, str(kind), *days)]
    told = [code.strip() for code in re.split(r"[,;\n]", codes) if code.strip()]
    return [maintenance.cover_of(session, scope, f"{kind}:{code}", *days) for code in told]


def withdraw(
    session: Session,
    scope: Scope,
    actor: Actor,
    now: datetime,
    zone: tzinfo,
    window_id: int,
    reason: str,
) -> Window:
    """Take back a window that lies in ``scope`` as a whole: see ``maintenance.withdraw``.

    One of which the scope has no eye is not there (``NoSuchWindow``); one that reaches beyond it is for
    whoever sees all of it (``WindowError``).
    """
    found = row(session, scope, now, zone, window_id)
    if found is None:
        raise NoSuchWindow(N_("There is no maintenance window {id}."), id=window_id)
    if not found.inside:
        message = N_("The window {id} covers more than you may see; it is not yours alone.")
        raise WindowError(message, id=window_id)
    return maintenance.withdraw(session, actor, now, zone, window_id, reason)


# --- how it is done ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Called:
    scopes: Mapping[Cover, str]
    names: Mapping[Cover, str]

    @classmethod
    def load(cls, session: Session, which: Sequence[Window]) -> "_Called":
        covers = {cover for each in which for cover in each.covers}
        return cls(maintenance.scopes(session, covers), maintenance.names(session, covers))


def _later(row: WindowRow) -> datetime:
    """Sorts what is past newest first."""
    return datetime.max.replace(tzinfo=UTC) - (row.start - datetime.min.replace(tzinfo=UTC))


def _row(
    window: Window,
    called: "_Called",
    ground: Ground,
    inside: Inside,
    now: datetime,
    within: Span,
) -> WindowRow | None:
    times = window.spans(within, ground.zone)
    shown = next((span for span in times if span.end > now), times[-1] if times else window.span)
    covered = ground.covered([window], shown)
    eyes = sum(1 for eye_id, spans in covered.items() if spans and inside.holds(Cover(ScopeKind.EYE, eye_id)))
    if not eyes and inside.scope.unit_ids is not None:
        return None
    told = [cover for cover in window.covers if inside.tells(cover)]
    whole = next(iter(occurrences(window.span, window.recurrence, shown, ground.zone)), shown)
    phase = Phase.PAST if whole.end <= now else Phase.COMING if whole.start > now else Phase.PRESENT
    return WindowRow(
        window.id,
        window.kind,
        Phase.WITHDRAWN if window.withdrawn_at else phase,
        whole.start,
        whole.end,
        window.recurrence,
        window.reason,
        tuple(called.scopes[cover] for cover in told if cover in called.scopes),
        tuple(called.names[cover] for cover in told if cover in called.names),
        eyes,
        window.entered_at,
        window.entered_by,
        window.withdrawn_at,
        window.withdrawn_by,
        window.notice,
        all(map(inside.holds, window.covers)),
    )
