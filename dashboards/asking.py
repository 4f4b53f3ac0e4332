"""What the form of a report asks, by kind, and the question that an address makes of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Query

from camera_registry import periods
from camera_registry.auth.roles import Permission
from camera_registry.i18n import N_
from camera_registry.reports import asked
from camera_registry.reports.asked import Asked, AskedError
from camera_registry.reports.value import Kind
from camera_registry.units import Scope
from dashboards import choosing
from dashboards.choosing import Period
from dashboards.dates import day_of
from dashboards.rendering import Reader

LONGEST_CONDITION = 200  # characters
LONG_DAYS = 100  # a report of more days is made in the background; a quarter has 92

Condition = Annotated[str, Query(max_length=LONGEST_CONDITION)]


class About(StrEnum):
    """What a report may be about: a field of its form."""

    UNIT = "unit"
    POINT = "point"
    PROGRAMME = "programme"
    PROPOSAL = "proposal"
    PERIOD = "period"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Offered:
    """A kind of report as people choose it: ``about`` is a msgid, ``permission`` is asked.

    ``fields`` are those of its form. ``needed``: without one of these there is no report.
    """

    about: str
    permission: Permission
    fields: tuple[About, ...]
    needed: frozenset[About] = frozenset()


_A = About

OFFERED: Mapping[Kind, Offered] = {
    Kind.UPTIME: Offered(
        N_("How well eyes worked in a month, quarter or year: rates, outages, causes, by point."),
        Permission.VIEW,
        (_A.UNIT, _A.PERIOD),
    ),
    Kind.FUNDING: Offered(
        N_("Who paid for a point, or for those of a unit, what it cost, how well it worked for that."),
        Permission.FUNDING,
        (_A.UNIT, _A.POINT, _A.DAY),
    ),
    Kind.PROGRAMME: Offered(
        N_("What a programme was to cost and what became of it, point by point."),
        Permission.FUNDING,
        (_A.PROGRAMME, _A.DAY),
        frozenset({_A.PROGRAMME}),
    ),
    Kind.DISCLOSURE: Offered(
        N_("What was collected and spent on points, for a notice board: nobody is named without consent."),
        Permission.FUNDING,
        (_A.UNIT, _A.POINT, _A.PERIOD),
        frozenset({_A.UNIT, _A.POINT}),
    ),
    Kind.REPAIRS: Offered(
        N_("What is broken, for how long it waits for money or is being mended, and what mending cost."),
        Permission.FUNDING,
        (_A.UNIT, _A.PERIOD),
    ),
    Kind.PROPOSAL: Offered(
        N_("The letter that asks for the money of chosen repairs, with its basis filled in."),
        Permission.FUNDING,
        (_A.PROPOSAL,),
        frozenset({_A.PROPOSAL}),
    ),
    Kind.SECURITY: Offered(
        N_("Eyes that strangers can reach, old firmware, passwords and certificates as they were found."),
        Permission.REGISTER,
        (_A.UNIT, _A.DAY),
    ),
    Kind.INVENTORY: Offered(
        N_("Points, devices and eyes as they are recorded, with who has them."),
        Permission.VIEW,
        (_A.UNIT, _A.DAY),
    ),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What an address says of a report; nothing where it says nothing.

    ``period`` is the name of one (see ``periods.named``), or its days stand in ``start`` and ``end`` (the
    first day that is no part of it any more). ``day`` is that of reports that are of no period.
    """

    unit: Condition = ""
    point: Condition = ""
    programme: Condition = ""
    proposal: Condition = ""
    period: Condition = ""
    start: Annotated[str, Query(alias="from", max_length=LONGEST_CONDITION)] = ""
    end: Annotated[str, Query(alias="to", max_length=LONGEST_CONDITION)] = ""
    units_at: Condition = ""
    day: Condition = ""

    @property
    def query(self) -> dict[str, str]:
        """The same for other addresses; what says nothing is left out."""
        said = {
            **{"unit": self.unit, "point": self.point, "programme": self.programme},
            **{"proposal": self.proposal, "period": self.period, "from": self.start, "to": self.end},
            **{"units_at": self.units_at, "day": self.day},
        }
        return {name: value for name, value in said.items() if value}

    def period_of(self, reader: Reader) -> Period:
        """The period that it names, with what its form offers."""
        return choosing.choose(reader, self._name(reader), self.start, self.end)

    def _name(self, reader: Reader) -> str:
        """The last month that is over where nothing is said of a period."""
        if self.period or self.start or self.end:
            return self.period
        return list(periods.newest_months(reader.today, 2))[1]

    def complete(self, kind: Kind) -> bool:
        """Whether it says what a report of this kind cannot do without."""
        needed = OFFERED[kind].needed
        return not needed or any(getattr(self, field) for field in needed)

    def asked(self, kind: Kind, reader: Reader) -> Asked:
        """The question. Raises ``RegistryError``, also where the period is none."""
        first, last = self._days(kind, reader)
        fields = OFFERED[kind].fields
        return asked.checked(
            Asked(
                kind,
                first,
                last,
                unit=self.unit if About.UNIT in fields and not self.point else "",
                point=self.point if About.POINT in fields else "",
                programme=self.programme if About.PROGRAMME in fields else "",
                units_at=day_of(self.units_at),
                proposal=_number(self.proposal) if About.PROPOSAL in fields else None,
            )
        )

    def _days(self, kind: Kind, reader: Reader) -> tuple[date, date]:
        if About.PERIOD not in OFFERED[kind].fields:
            day = day_of(self.day) or reader.today
            return day, day
        name = self._name(reader)
        asked_for = (self.start, self.end, reader.zone, reader.now)
        span = periods.named(name, reader.zone) if name else periods.asked(*asked_for)
        ends = (span.start, span.end - timedelta.resolution)
        first, last = (at.astimezone(reader.zone).date() for at in ends)
        return first, last


FromAddress = Annotated[Wish, Depends()]


def is_long(question: Asked, scope: Scope) -> bool:
    """Whether a reader would wait for it: figures of the whole city, or of more than a quarter."""
    if question.kind in (Kind.PROPOSAL, Kind.SECURITY, Kind.INVENTORY):
        return False
    everywhere = scope.unit_ids is None and not (question.unit or question.point or question.programme)
    return everywhere or (question.last - question.first).days >= LONG_DAYS


def _number(text: str) -> int:
    if not text.isdecimal() or len(text) > len(str(2**62)):
        raise AskedError(N_("What was asked of a report is not understood."))
    return int(text)
