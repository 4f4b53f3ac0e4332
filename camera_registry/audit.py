"""Who did what: one row for each deed of a person that others must be able to follow.

A row is written in the transaction of its deed: neither is there without the other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from camera_registry import models


class Action(StrEnum):
    """What a person did; one slug for the database and for translation."""

    BASELINE_APPROVED = "baseline_approved"
    BASELINE_REJECTED = "baseline_rejected"
    BASELINES_RESET = "baselines_reset"
    PICTURE_VIEWED = "picture_viewed"  # a live one, or one that was kept
    DEVICE_CONFIRMED = "device_confirmed"
    LOGIN_TRIED = "login_tried"  # "try now", past the login budget
    GRADE_GIVEN = "grade_given"
    REPORT_TAKEN = "report_taken"
    MAINTENANCE_ENTERED = "maintenance_entered"
    MAINTENANCE_WITHDRAWN = "maintenance_withdrawn"
    MONTH_CLOSED = "month_closed"
    MONTH_AMENDED = "month_amended"
    POINT_MOVED = "point_moved"
    UNITS_REORGANISED = "units_reorganised"
    CUSTODY_SET = "custody_set"
    SITE_CANARIES_SET = "site_canaries_set"
    CUSTODY_ENDED = "custody_ended"
    UNITS_LOADED = "units_loaded"
    SITE_ADDED = "site_added"
    CREDENTIAL_SAVED = "credential_saved"  # its name and whom it serves, never what is in it
    CREDENTIAL_ERASED = "credential_erased"
    CREDENTIALS_RESEALED = "credentials_resealed"
    IMPORTED = "imported"  # a file; each thing that it made or changed has its own row
    EXPORTED = "exported"  # names and addresses leave the registry
    ADDED = "added"  # a point, a device, an eye: the subject says
    CHANGED = "changed"
    COMMISSIONED = "commissioned"  # a device as it described itself
    START_ASKED = "start_asked"
    START_STOPPED = "start_stopped"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    RETIRED = "retired"
    ACCESS_WITHDRAWN = "access_withdrawn"
    TOKEN_MADE = "token_made"  # noqa: S105 (a slug)
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 (a slug)


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, as far as it is known who, and where the request came from: ``cli``, or an address."""

    name: str
    origin: str
    request_id: str = ""


def record(
    session: Session,
    actor: Actor,
    action: Action,
    subject: str,
    now: datetime,
    *,
    detail: Mapping[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Write down a deed done to ``subject`` (``eye:CODE``, ``device:CODE``); ``detail`` holds no secret."""
    session.add(
        models.Audit(
            at=now,
            who=actor.name,
            origin=actor.origin,
            action=str(action),
            subject=subject,
            detail=dict(detail or {}),
            request_id=actor.request_id,
            reason=reason,
        )
    )
