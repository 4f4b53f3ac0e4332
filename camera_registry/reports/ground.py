"""What every builder of a report stands on: who asks about what, which points that is, and their names."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import i18n, queries
from camera_registry.i18n import N_, Language, collation_key, translate
from camera_registry.models import Device, Eye, Point, Unit
from camera_registry.reports.asked import Asked, AskedError, checked, period_slug, period_words
from camera_registry.reports.letterheads import head_of
from camera_registry.reports.value import Column, Fact, Facts, Measure, Part, Report, Table, Value
from camera_registry.units import Scope, UnitVersion
from camera_registry.uptime import Span

EVERYWHERE = N_("The whole area")
NOTHING = N_("There is none.")


@dataclass(frozen=True, slots=True)
class Place:
    """An installation point as a report names it; ``unit`` is the name of that of the day asked for."""

    id: int
    code: str
    name: str
    address: str
    residential_group: str
    unit: str
    k: int
    funding: str
    signage: bool | None

    @property
    def where(self) -> str:
        """Its address and residential group, as far as they are known."""
        return ", ".join(filter(None, (self.address, self.residential_group)))


@dataclass(frozen=True, slots=True)
class Hardware:
    """What stands at a point on the last day of a report: devices and eyes, which are never added up."""

    devices: int = 0
    eyes: int = 0
    commissioned_on: date | None = None  # of the eye that was first


@dataclass(frozen=True, slots=True)
class Ground:
    """A question with its answer's outline. ``places`` are by database id, in the order of units and codes.

    ``unit`` is the version that was asked about, ``point`` the one point; ``None`` for all in scope.
    """

    session: Session
    scope: Scope
    asked: Asked
    now: datetime
    zone: tzinfo
    language: Language
    unit: UnitVersion | None
    point: Place | None
    places: Mapping[int, Place]

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def span(self) -> Span:
        """The time asked about, as far as it is past."""
        return self.asked.span(self.zone).until(self.now)

    @property
    def codes(self) -> frozenset[str]:
        return frozenset(place.code for place in self.places.values())

    def only(self, codes: Collection[str]) -> "Ground":
        """The same of these points alone."""
        chosen = {number: place for number, place in self.places.items() if place.code in codes}
        return replace(self, places=chosen)

    def of(self, place: Place) -> "Ground":
        """The same of one of these points."""
        asked = replace(self.asked, point=place.code)
        return replace(self, asked=asked, point=place, places={place.id: place})

    def say(self, message: str, **values: object) -> str:
        return translate(message, self.language, **values)

    def day(self, day: date) -> str:
        return i18n.day(day, self.language)

    def column(self, key: str, title: str, measure: Measure = Measure.TEXT, weight: float = 1.0) -> Column:
        return Column(key, self.say(title), measure, weight)

    def fact(
        self, key: str, title: str, value: Value, measure: Measure = Measure.TEXT, note: str = ""
    ) -> Fact:
        """``title`` and ``note`` are msgids."""
        return Fact(key, self.say(title), value, measure, self.say(note) if note else "")

    def facts(self, key: str, title: str, facts: Iterable[Fact]) -> Facts:
        return Facts(key, self.say(title), tuple(facts))

    def table(
        self,
        key: str,
        title: str,
        columns: Sequence[Column],
        rows: Iterable[Sequence[Value]],
        total: Sequence[Value] | None = None,
        notes: Iterable[str] = (),
    ) -> Table:
        """``title`` and ``notes`` are msgids; a note may be told already. A table without rows says so."""
        told = tuple(tuple(row) for row in rows)
        return Table(
            key,
            self.say(title),
            tuple(columns),
            told,
            None if total is None or not told else tuple(total),
            tuple(self.say(note) for note in (*(() if told else (NOTHING,)), *notes)),
        )

    @property
    def subject(self) -> str:
        """What it is about, in words: a point, a unit, or all."""
        if self.point is not None:
            return f"{self.point.name} ({self.point.code})"
        if self.unit is not None:
            return self.unit.name
        if self.scope == Scope.everything():
            return self.say(EVERYWHERE)
        return ", ".join(each.name for each in queries.units_of_today(self.session, self.scope, self.today))

    @property
    def owner(self) -> str:
        """The uid of the unit whose document it is: the one asked about, or seen at all, or of the point."""
        home = None if self.asked.unit else queries.home(self.session, self.scope, self.today)
        if home is None and not self.asked.unit and self.point is not None:
            lies_in = queries.homes(self.session, self.today).get(self.point.id)
            own = None if lies_in is None else self.session.get(Unit, lies_in[0])
            return "" if own is None else own.uid
        return home.uid if home is not None else self.asked.unit

    def report(
        self,
        title: str,
        parts: Iterable[Part],
        *,
        about: str = "",
        slug: str = "",
        grounds: Iterable[str] = (),
        letter: bool = True,
        wide: bool = False,
    ) -> Report:
        """The report of these parts. ``title`` and ``grounds`` are msgids.

        ``about`` and ``slug`` (of the file's name) are of the subject where they are not given.
        """
        asked = self.asked
        slug = slug or asked.point or asked.unit or "all"
        units = ""
        if asked.day_of_units != asked.last:
            units = self.say(N_("by the administrative units of {day}"), day=self.day(asked.day_of_units))
        return Report(
            kind=asked.kind,
            name=f"{asked.kind}-{slug}-{period_slug(asked)}",
            title=self.say(title),
            about=", ".join(filter(None, (about or self.subject, period_words(asked, self.language), units))),
            language=self.language,
            zone=self.zone,
            as_of=self.now,
            parts=tuple(parts),
            head=head_of(self.session, self.scope, self.owner),
            grounds=tuple(self.say(ground) for ground in grounds),
            letter=letter,
            wide=wide,
        )


def stand(
    session: Session, scope: Scope, asked: Asked, now: datetime, zone: tzinfo, language: Language
) -> Ground:
    """The ground of ``asked``, cut to what lies in ``scope`` today.

    Raises ``AskedError`` for a unit or a point of which nothing is in it, and for days that are to come.
    """
    checked(asked)
    if asked.span(zone).start >= now:
        raise AskedError(N_("The period has not begun yet."))
    today, day = now.astimezone(zone).date(), asked.day_of_units
    seen = queries.point_ids(session, scope, today)
    names = queries.point_units(session, Scope.everything(), day)
    unit = None
    inside = names.keys()
    if asked.unit:
        unit = queries.unit(session, scope, asked.unit)
        if unit is None:
            raise AskedError(N_('No administrative unit is called "{text}".'), text=asked.unit)
        inside = queries.point_units(session, Scope.of([unit.id]), day).keys()
    rows = session.execute(
        select(
            *(Point.id, Point.code, Point.name, Point.address, Point.residential_group),
            *(Point.k, Point.funding, Point.signage),
        )
    )
    found = [
        Place(*row[:5], names.get(row.id, ("", ""))[0], *row[5:])
        for row in rows
        if row.id in seen and row.id in inside and asked.point in ("", row.code)
    ]
    if asked.point and not found:
        raise AskedError(N_('There is no point with the code "{code}".'), code=asked.point)
    found.sort(key=lambda place: (collation_key(place.unit), place.code))
    return Ground(
        *(session, scope, asked, now, zone, language, unit),
        point=found[0] if asked.point else None,
        places={place.id: place for place in found},
    )


def hardware(ground: Ground) -> dict[int, Hardware]:
    """What stands at each of the points at the end of the time asked about, by the point's id.

    An eye counts that was not retired by then; a device that has such an eye, or never had any.
    """
    end = ground.span.end
    rows = ground.session.execute(
        select(Device.point_id, Device.id, Eye.id, Eye.commissioned_at, Eye.retired_at).outerjoin(
            Eye, Eye.device_id == Device.id
        )
    )
    devices: dict[int, set[int]] = {}
    eyes: dict[int, list[date | None]] = {}
    for point_id, device_id, eye_id, commissioned_at, retired_at in rows:
        if point_id not in ground.places or (retired_at is not None and retired_at <= end):
            continue
        if commissioned_at is not None and commissioned_at >= end:
            continue
        devices.setdefault(point_id, set()).add(device_id)
        if eye_id is not None:
            begun = commissioned_at.astimezone(ground.zone).date() if commissioned_at else None
            eyes.setdefault(point_id, []).append(begun)
    return {
        point_id: Hardware(
            len(devices.get(point_id, ())),
            len(eyes.get(point_id, ())),
            min(filter(None, eyes.get(point_id, ())), default=None),
        )
        for point_id in ground.places
    }


def all_of(parts: Iterable[Hardware]) -> Hardware:
    """Several together."""
    every = list(parts)
    return Hardware(
        sum(each.devices for each in every),
        sum(each.eyes for each in every),
        min((each.commissioned_on for each in every if each.commissioned_on), default=None),
    )


def past_month(today: date) -> tuple[date, date]:
    """The first and the last day of the newest month that is over."""
    last = today.replace(day=1) - timedelta(days=1)
    return last.replace(day=1), last
