"""How a person finds the picture of an eye, beside what is measured of it: kept with who said so and when."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.models import Eye, PictureGrade


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
