"""The words that somebody copies and sends on by hand, where nothing is delivered: as a message would say it.

Cut to the ``Scope`` of who copies. Whoever gets them needs no page: they suffice without a link.
"""

from datetime import datetime, timedelta, tzinfo

from sqlalchemy.orm import Session

from camera_registry import queries
from camera_registry.alerts import digests, happened, words
from camera_registry.alerts.routing import Kind
from camera_registry.i18n import Language
from camera_registry.outages import IncidentRow
from camera_registry.units import Scope, UnitVersion

A_DAY = timedelta(days=1)


def of_unit(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, language: Language, unit: UnitVersion
) -> str:
    """What goes on in a unit, and what came and went there within a day."""
    digest = digests.read(
        *(session, scope.narrowed(unit.id), zone, now), kind=None, unit=unit.name, since=now - A_DAY
    )
    return digests.words(digest, language, zone).text


def of_incident(
    session: Session, scope: Scope, now: datetime, zone: tzinfo, language: Language, row: IncidentRow
) -> str:
    """One incident as it stands; ``row`` is as told to this scope."""
    of_it = (
        each for each in happened.incidents(session, now, now, [row.id]) if each.occasion.incident == row.id
    )
    happening = next(of_it)
    points = queries.point_ids(session, scope, now.astimezone(zone).date())
    ground = happened.Ground.load(session, zone, now, [happening])
    occasion = happened.cut(happening, ground, lambda point, site: point in points)
    assert occasion is not None  # the row has eyes in scope
    kind = Kind.RECOVERED if occasion.over else Kind.OPENED
    return words.message(kind, occasion, language, zone, now).text
