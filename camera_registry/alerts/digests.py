"""Digests: what is open, for how long, and who is waited for, in one message instead of many.

Read with the ``Scope`` of whoever is told, and cut there: a ward's digest knows of no other. The worst stands
first, by what it has cost (the hours for which each eye was away, together). Of a long list the beginning is
told, and how much more there is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
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
from camera_registry.alerts.words import LONGEST_TEXT, LONGEST_TITLE, Words
from camera_registry.custody import Custody
from camera_registry.handling import acknowledgements
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
class Digest:
    """What stood at ``now``, and what came and went since ``since``; ``unit`` is ``""`` for the whole city.

    ``open``: the worst first; ``over``: began or ended within, the newest first. ``units`` only where several
    are told of. ``backlog``: points with eyes that never worked yet (code, unit, how many), the most first;
    ``None`` where it was not asked for.
    """

    kind: str  # see routing.Kind
    unit: str
    since: datetime
    now: datetime
    open: Sequence[Line]
    over: Sequence[Line]
    units: Sequence[UnitLine]
    backlog: Sequence[tuple[str, str, int]] | None = None

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

    ``unit`` is the name of whose it is, ``""`` for the city. ``since``: when the quiet hours began, a day ago,
    a week ago. ``site`` (a code) cuts to the eyes of that site. ``backlog`` asks for the list of eyes that
    never worked.
    """
    raise NotImplementedError


def words(digest: Digest, language: Language, zone: tzinfo) -> Words:
    """The digest as a message: ``LONGEST_TEXT`` at most, whatever the names."""
    raise NotImplementedError


def held(
    said: Sequence[tuple[str, Occasion]], language: Language, zone: tzinfo, now: datetime, *, unit: str = ""
) -> Words:
    """One message instead of those that were too many for an hour: (kind, occasion) of each, in order.

    Also serves where single occasions are collected into one message.
    """
    raise NotImplementedError


def told(digest: Digest) -> dict[str, Any]:
    """The same as data, for programs: see docs/webhook.md."""
    raise NotImplementedError


def told_held(said: Sequence[tuple[str, Occasion]]) -> dict[str, Any]:
    """What ``held`` says, as data."""
    raise NotImplementedError
