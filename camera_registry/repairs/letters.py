"""Letters as the repairs in them tell of them: when each was sent, and whether the reader has it before him.

A repair of a ward may stand in a letter of the city, which the ward does not see: it reads that there is one.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.funding.reach import Reach
from camera_registry.units import Scope


@dataclass(frozen=True, slots=True)
class Letter:
    """``in_scope``: the reader may have it. ``sent_on`` is ``None`` of a draft."""

    id: int
    sent_on: date | None
    in_scope: bool


def letters(session: Session, scope: Scope, day: date, numbers: Collection[int]) -> Mapping[int, Letter]:
    """The letters of these numbers, those of units out of scope among them."""
    if not numbers:
        return {}
    reach = Reach.load(session, scope, day)
    row = models.Proposal
    told = session.execute(select(row.id, row.sent_on, row.unit_id).where(row.id.in_(numbers)))
    return {each.id: Letter(each.id, each.sent_on, reach.holds_unit(each.unit_id)) for each in told}
