"""One eye's September 2025, in which everything happens that can leave a figure: see ``fill``.

The month has 720 h. Not in service are 360 h before commissioning and 24 h of a suspension; 4 h are
maintenance (once, of two windows); 3 h 30 min are unknown; 16 h are down; of what is left, 3 h are degraded.
"""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.db import Database
from tests.camera_registry.registries import fresh

HOUR_US = 3_600_000_000
LATE = 214_837  # microseconds by which the first outage begins after midnight


def at(text: str) -> datetime:
    """``2025-09-24T15:00`` in Yên Bái."""
    return datetime.fromisoformat(f"{text}+07:00").astimezone(UTC)


def fill(url: str) -> Database:
    """Eye E1 with its September, E2 which nobody ever asked, E3 on which people report."""
    database, _ = fresh(url, 3)
    with database.transaction() as session:
        ids = {eye.code: eye.id for eye in session.scalars(select(models.Eye))}
        on_word = session.get_one(models.Eye, ids["E3"])
        on_word.reach, on_word.commissioned_at = "reported", at("2025-09-01T00:00")
        session.get_one(models.Eye, ids["E2"]).commissioned_at = at("2025-09-01T00:00")
        eye = session.get_one(models.Eye, ids["E1"])
        eye.name, eye.commissioned_at = "Cổng chợ <Tuy Lộc>", at("2025-09-16T00:00")
        session.add(
            models.Suspension(
                eye_id=eye.id, from_at=at("2025-09-20T00:00"), to_at=at("2025-09-21T00:00"), reason="Dời cột"
            )
        )
        session.add_all(
            models.Instability(eye_id=eye.id, check="stream", at=at(moment), reason="TCP_REFUSED")
            for moment in ("2025-09-22T08:30", "2025-09-29T10:00")
        )
        _maintain(session, eye.id)
        _tell(session, eye.id)
    return database


def _maintain(session: Session, eye_id: int) -> None:
    """Two windows of one power cut that overlap: together 4 h."""
    for start, end in (("2025-09-22T08:00", "2025-09-22T11:00"), ("2025-09-22T10:00", "2025-09-22T12:00")):
        window = models.Maintenance(
            kind="power_cut", from_at=at(start), to_at=at(end), reason="Cắt điện trạm 3 <b>",
            entered_at=at("2025-09-23T09:00"), entered_by="An",
        )  # fmt: skip
        session.add(window)
        session.flush()
        session.add(models.MaintenanceScope(maintenance_id=window.id, kind="eye", ref_id=eye_id))


EYE_LEDGER = (
    ("2025-09-16T00:00", "up", "OK"),
    ("2025-09-22T09:00", "down", "TCP_TIMEOUT"),  # under maintenance
    ("2025-09-22T11:00", "up", "OK"),
    ("2025-09-24T00:00", "down", "TCP_TIMEOUT"),  # a little late: see LATE
    ("2025-09-24T15:00", "up", "OK"),
    ("2025-09-26T10:00", "unknown", "NO_RESULT"),
    ("2025-09-26T12:30", "up", "OK"),
    ("2025-09-27T00:00", "unknown", "AUTH_REJECTED"),
    ("2025-09-27T01:00", "up", "OK"),
    ("2025-09-28T00:00", "degraded", "PICTURE_FROZEN"),
    ("2025-09-28T03:00", "up", "OK"),
    ("2025-09-30T23:00", "down", "RTSP_TIMEOUT"),
    ("2025-10-01T05:00", "up", "OK"),
)
PICTURE_LEDGER = (
    ("2025-09-17T00:00", "ok", "OK"),
    ("2025-09-28T00:00", "failing", "PICTURE_FROZEN"),
    ("2025-09-28T03:00", "ok", "OK"),
)
CLOCK_LEDGER = (("2025-09-16T00:00", "failing", "CLOCK_DRIFT"), ("2025-09-18T00:00", "unknown", "NO_RESULT"))


def _tell(session: Session, eye_id: int) -> None:
    for ledger, lines in (("eye", EYE_LEDGER), ("picture", PICTURE_LEDGER), ("clock", CLOCK_LEDGER)):
        before = "unknown"
        for moment, after, reason in lines:
            when = at(moment)
            if moment == "2025-09-24T00:00":
                when += timedelta(microseconds=LATE)
            session.add(
                models.Transition(
                    eye_id=eye_id, ledger=ledger, at=when, before=before, after=after, reason=reason,
                    recorded_at=when,
                )
            )  # fmt: skip
            before = after
