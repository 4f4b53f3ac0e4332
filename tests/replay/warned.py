"""A city whose time has passed, judged, and what the default policy of alerts would have sent in it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import process_time

from sqlalchemy import select

from camera_registry import incident_book
from camera_registry.alerts import past
from camera_registry.alerts.preview import Hearer, Past, Preview, preview
from camera_registry.alerts.routing import Kind
from camera_registry.alerts.rules import Policy
from camera_registry.incidents import Kind as IncidentKind
from camera_registry.models import Incident, IncidentEye
from camera_registry.replay.playing import play
from camera_registry.replay.scenario import read
from camera_registry.uptime import Span
from tests.replay import city
from tests.replay.city import ZONE, City, Shape

FLOOD_DAYS = 4  # until the last point is back
MOST_A_WEEK = 3  # messages of a ward outside the flood


@dataclass(frozen=True, slots=True)
class Warned:
    """``floods`` is by flooded ward, as far as the book made one incident of it: what the occasion is called.

    ``fallen`` is how many eyes fell on each day; ``preview_s`` the CPU that the preview took, seconds.
    """

    city: City
    past: Past
    preview: Preview
    flood: Span
    floods: Mapping[str, str]
    fallen: Mapping[date, int]
    preview_s: float

    def most_outside_the_flood(self, ward: Hearer) -> int:
        return ward.most_a_week([self.flood])


def warned(shape: Shape) -> Warned:
    """The whole time of a city, from its first midnight to its last, in a database that goes again."""
    made = city.make(shape)
    told = read(line.encode() for line in city.lines(made, [city.whole(shape)]))
    (now,) = {report.now for report in told.reports}
    period = Span(_midnight(shape.first), now)
    flood = Span(_midnight(shape.flood), _midnight(shape.flood + timedelta(days=FLOOD_DAYS)))
    with play(told, now) as played:
        incident_book.fold(played.database, ZONE, now)
        began = process_time()
        with played.database.reading() as session:
            known = past.read(session, ZONE, period)
            sent = preview(known, Policy(), ZONE)
            took = process_time() - began
            areas = session.execute(
                select(Incident.ancestor_id, Incident.id).where(
                    Incident.kind == IncidentKind.AREA,
                    Incident.started_at >= flood.start,
                    Incident.started_at < flood.end,
                )
            ).all()
            falls = session.scalars(
                select(IncidentEye.from_at)
                .join(Incident, Incident.id == IncidentEye.incident_id)
                .where(Incident.kind != IncidentKind.SITE)
            )
            fallen = Counter(at.astimezone(ZONE).date() for at in falls)
        names = {id_: name for name, id_ in played.names.units.items()}
    floods = {names[unit]: f"incident:{number}" for unit, number in areas}
    assert len(floods) == len(areas), "a ward is flooded once"
    return Warned(made, known, sent, flood, floods, fallen, took)


def news_of(ward: Hearer, occasion: str) -> list[tuple[Kind, datetime]]:
    """Each time that the ward heard of an occasion: which kind of news, and when; by a digest, too."""
    alone = [(each.kind, each.at) for each in ward.messages if each.occasion == occasion]
    in_digests = [
        (kind, each.at) for each in ward.messages for kind, about in each.tells if about == occasion
    ]
    return sorted([*alone, *in_digests], key=lambda news: news[1])


def told_after(year: Warned, *, alone: bool) -> list[timedelta]:
    """How long outages of single eyes, or of several, had gone on when their ward first heard of each."""
    found: list[timedelta] = []
    for ward, hearer in zip(year.past.wards, year.preview.wards, strict=True):
        began = {
            stand.key: stand.occasion.started_at
            for stand in ward.stands
            if stand.occasion is not None and stand.occasion.incident is not None
            if stand.occasion.alone is alone
        }
        heard: dict[str, datetime] = {}
        for each in hearer.messages:
            for occasion in (each.occasion, *(about for _, about in each.tells)):
                heard.setdefault(occasion, each.at)
        found += [heard[key] - at for key, at in began.items() if key in heard]
    return sorted(found)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE).astimezone(UTC)
