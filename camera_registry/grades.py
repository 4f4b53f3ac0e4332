"""How a person finds the picture of an eye, beside what is measured of it: kept with who said so and when."""

from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit, queries
from camera_registry.audit import Action, Actor
from camera_registry.models import Eye, PictureGrade
from camera_registry.queries import Overlay
from camera_registry.units import Scope


class Grade(StrEnum):
    """The three grades that the city's forms know."""

    GOOD = "good"  # tốt
    UNCLEAR = "unclear"  # không rõ nét
    NO_PICTURE = "no_picture"  # không có hình


def grade_picture(
    session: Session, eye: Eye, grade: Grade, actor: Actor, now: datetime, note: str = ""
) -> None:
    """Enter a grade for ``eye``; earlier ones stay."""
    session.add(PictureGrade(eye_id=eye.id, at=now, grade=str(grade), by=actor.name, note=note))
    detail = {"grade": str(grade)}
    audit.record(session, actor, Action.GRADE_GIVEN, f"eye:{eye.code}", now, detail=detail)
    session.flush()


@dataclass(frozen=True, slots=True)
class Graded:
    """An eye and the newest grade of its picture; ``None`` where nobody ever gave one."""

    eye: str
    name: str
    point_name: str
    unit: str
    state: str
    grade: Grade | None = None
    at: datetime | None = None
    by: str = ""


def queue(session: Session, scope: Scope, now: datetime, zone: tzinfo) -> list[Graded]:
    """The eyes in scope whose pictures can be graded: those never graded first, then the longest ago."""
    given = select(Eye.code, PictureGrade).join(Eye).order_by(PictureGrade.at, PictureGrade.id)
    newest = {row[0]: row[1] for row in session.execute(given)}
    found = []
    for row in queries.eyes(session, scope, now, zone):
        if row.overlay is Overlay.IN_SERVICE:
            place = (row.code, row.name, row.point_name, row.unit, row.standing)
            last = newest.get(row.code)
            found.append(
                Graded(*place) if last is None else Graded(*place, Grade(last.grade), last.at, last.by)
            )
    return sorted(found, key=lambda each: (each.at is not None, each.at or now, each.eye))
