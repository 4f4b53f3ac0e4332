"""Who has a point, who pays for its power and line, who must mend it until when, and what is missing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from camera_registry import custody
from camera_registry.custody import Custody
from camera_registry.funding.basis import Missing, about_points, missing_basis
from camera_registry.funding.kinds import Duty, Paper
from camera_registry.funding.upkeep import UpkeepRow, upkeep
from camera_registry.models import Document
from camera_registry.reports.ground import Ground


@dataclass(frozen=True, slots=True)
class Keeping:
    """One point on the last day asked about; ``None``: nobody, or not on record.

    ``custody`` is what is on record, ``present`` the same of a manager that is still there.
    """

    custody: Custody | None = None
    present: Custody | None = None
    warranty: UpkeepRow | None = None
    contract: UpkeepRow | None = None
    missing: tuple[Missing, ...] = ()


@dataclass(frozen=True, slots=True)
class Written:
    """A document as a report names it."""

    number: str
    dated: date | None
    issuer: str

    def told(self, ground: Ground) -> str:
        day = ground.day(self.dated) if self.dated else ""
        return ", ".join(filter(None, (self.number, day, self.issuer)))


def keeping(ground: Ground, there_on: date | None = None) -> Mapping[int, Keeping]:
    """Of each point, by its id. What is missing is told as of today: that is when money is asked for.

    ``there_on`` is the day by which a manager may have been dissolved, today unless another is said.
    """
    day = ground.asked.last
    held = {each.point: each for each in custody.present(ground.session, ground.scope, day)}
    there = custody.still_there(ground.session, held.values(), there_on or ground.today)
    missing = {
        each.point: each.missing
        for each in missing_basis(
            ground.session, ground.scope, ground.today, point=ground.asked.point or None
        )
    }
    duties = _duties(ground, day)
    return {
        place.id: Keeping(
            held.get(place.code),
            there.get(place.code),
            duties.get((place.code, Duty.WARRANTY)),
            duties.get((place.code, Duty.MAINTENANCE)),
            missing.get(place.code, ()),
        )
        for place in ground.places.values()
    }


def manager(ground: Ground, kept: Keeping) -> str | None:
    """Whoever was dissolved manages nothing any more: the point waits to be handed over."""
    if kept.present is not None:
        return kept.present.manager
    return ground.say(custody.NOT_HANDED_OVER) if kept.custody is not None else None


def papers(ground: Ground, *kinds: Paper) -> Mapping[int, Written]:
    """Of each point, by its id, the newest document of these kinds that is about it.

    About itself, about an entry that it has a share of, or about the programme of such an entry.
    """
    documents = {
        row.id: row for row in ground.session.scalars(select(Document).where(Document.kind.in_(kinds)))
    }
    found: dict[int, Document] = {}
    for about in about_points():  # what is nearer to the point replaces what is farther
        nearer: dict[int, Document] = {}
        for point_id, document_id in ground.session.execute(about):
            document = documents.get(document_id)
            if point_id is None or point_id not in ground.places or document is None:
                continue
            if document.dated is not None and document.dated > ground.asked.last:
                continue
            known = nearer.get(point_id)
            if known is None or _age(known) <= _age(document):
                nearer[point_id] = document
        found |= nearer
    return {point_id: Written(each.number, each.dated, each.issuer) for point_id, each in found.items()}


# --- how it is done ---------------------------------------------------------------------------------


def _age(document: Document) -> tuple[date, int]:
    return document.dated or date.min, document.id


def _duties(ground: Ground, day: date) -> dict[tuple[str, Duty], UpkeepRow]:
    """Of each point and kind what lasts longest of what had begun by ``day``; what is over tells its end."""
    found: dict[tuple[str, Duty], UpkeepRow] = {}
    point = ground.asked.point or None
    for row in upkeep(ground.session, ground.scope, ground.today, point=point):
        if row.first is None or row.first <= day:
            found.setdefault((row.point, row.kind), row)
    return found
