"""Who did what: one row for each deed of a person that others must be able to follow.

A row is written in the transaction of its deed: neither is there without the other.
"""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from camera_registry import models
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_

LONGEST_REASON = 1_000  # characters


class Action(StrEnum):
    """What a person did; one slug for the database and for translation."""

    BASELINE_APPROVED = "baseline_approved"
    BASELINE_REJECTED = "baseline_rejected"
    BASELINES_RESET = "baselines_reset"
    BASELINE_TAKEN_BACK = "baseline_taken_back"  # an approval or a rejection that was a slip
    PROBED = "probed"  # had an eye asked at once
    INCIDENT_ACKNOWLEDGED = "incident_acknowledged"
    INCIDENT_COMMENTED = "incident_commented"
    POWER_CUT_REPORTED = "power_cut_reported"  # the window has its own row
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
    SITE_DELIVERED = "site_delivered"
    TARGETS_FETCHED = "targets_fetched"
    CUSTODY_ENDED = "custody_ended"
    UNITS_LOADED = "units_loaded"
    SITE_ADDED = "site_added"
    CREDENTIAL_SAVED = "credential_saved"  # its name and whom it serves, never what is in it
    CREDENTIAL_ERASED = "credential_erased"
    CREDENTIALS_RESEALED = "credentials_resealed"
    IMPORTED = "imported"  # a file; each thing that it made or changed has its own row
    EXPORTED = "exported"  # names and addresses leave the registry
    BACKED_UP = "backed_up"
    RESTORED = "restored"  # from a backup: what was done after it is not known here
    ADDED = "added"  # a point, a device, an eye: the subject says
    CHANGED = "changed"
    NETWORK_SEARCHED = "network_searched"  # for devices
    DEVICE_ASKED = "device_asked"  # what it is, with its login
    COMMISSIONED = "commissioned"  # a device as it described itself
    START_ASKED = "start_asked"
    START_STOPPED = "start_stopped"
    SUSPENDED = "suspended"
    RESUMED = "resumed"
    RETIRED = "retired"
    ACCESS_WITHDRAWN = "access_withdrawn"
    TOKEN_MADE = "token_made"  # noqa: S105 (a slug)
    TOKEN_REVOKED = "token_revoked"  # noqa: S105 (a slug)
    USER_ADDED = "user_added"
    USER_CHANGED = "user_changed"
    USER_DISABLED = "user_disabled"
    USER_ENABLED = "user_enabled"
    PASSWORD_SET = "password_set"  # noqa: S105 (a slug)
    LINK_MADE = "link_made"  # that signs somebody in once
    INCIDENT_LINK_OPENED = "incident_link_opened"  # by who got the message, without signing in
    SIGNED_OUT = "signed_out"  # several browsers at once
    SIGNED_IN = "signed_in"
    CHANNEL_ADDED = "channel_added"
    CHANNEL_CHANGED = "channel_changed"
    CHANNEL_STOPPED = "channel_stopped"
    CHANNEL_TRIED = "channel_tried"
    CHANNEL_LINK_ASKED = "channel_link_asked"  # a code that links a chat
    CHANNEL_LINKED = "channel_linked"  # by whoever sent the code
    MESSAGE_RESENT = "message_resent"
    SUBSCRIPTION_ADDED = "subscription_added"
    SUBSCRIPTION_CHANGED = "subscription_changed"
    SUBSCRIPTION_ENDED = "subscription_ended"
    PROGRAMME_SAVED = "programme_saved"
    CONTRIBUTOR_SAVED = "contributor_saved"
    MONEY_ENTERED = "money_entered"
    MONEY_APPROVED = "money_approved"
    MONEY_REFUSED = "money_refused"
    DOCUMENT_ADDED = "document_added"
    DOCUMENT_VIEWED = "document_viewed"
    UPKEEP_SET = "upkeep_set"
    UPKEEP_ENDED = "upkeep_ended"
    ASSET_SAVED = "asset_saved"
    REPAIR_OPENED = "repair_opened"
    REPAIR_MOVED = "repair_moved"
    REPAIR_CHANGED = "repair_changed"
    QUOTATION_ADDED = "quotation_added"
    QUOTATION_CHOSEN = "quotation_chosen"
    PROPOSAL_SAVED = "proposal_saved"
    PROPOSAL_SENT = "proposal_sent"
    MADE_REPORT_ASKED = "made_report_asked"
    MADE_REPORT_CANCELLED = "made_report_cancelled"
    MADE_REPORT_OPENED = "made_report_opened"
    REPORT_SCHEDULE_ADDED = "report_schedule_added"
    REPORT_SCHEDULE_ENDED = "report_schedule_ended"
    LETTERHEAD_SAVED = "letterhead_saved"


class ReasonError(RegistryError):
    """What is changed needs a reason."""


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, as far as it is known who, and where the request came from: ``cli``, or an address."""

    name: str
    origin: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What was made or changed of one thing, named as a subject; ``before`` is ``None`` of a new one."""

    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]

    @property
    def detail(self) -> dict[str, Any]:
        """As the audit keeps it: ``before`` and ``after`` by field."""
        before = None if self.before is None else _plain(self.before)
        return {"before": before, "after": _plain(self.after)}


def new_request_id() -> str:
    """Sixteen hexadecimal digits that tie together what one request, or one command, did."""
    return secrets.token_hex(8)


def reason_of(typed: str) -> str:
    """Why somebody changes something, in one line. Raises ``ReasonError`` where none is given."""
    reason = " ".join(typed.split())
    if not reason or len(reason) > LONGEST_REASON:
        raise ReasonError(N_("A change names its reason (at most {limit} characters)."), limit=LONGEST_REASON)
    return reason


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
    """Write down a deed done to ``subject`` (``eye:CODE``, ``device:CODE``); ``detail`` holds no secret.

    What changed stands in it as ``before`` and ``after``, each a value or values by field.
    """
    session.add(models.Audit(**_row(actor, action, subject, now, detail or {}, reason)))


def record_changes(
    session: Session, actor: Actor, changes: Iterable[Change], now: datetime, reason: str = ""
) -> None:
    """Write down what one deed made or changed of many things: a row each, ten thousand in a second."""
    rows = [
        _row(
            *(actor, Action.ADDED if change.before is None else Action.CHANGED, change.subject, now),
            change.detail,
            reason,
        )
        for change in changes
    ]
    if rows:
        session.execute(insert(models.Audit), rows)


def _row(
    actor: Actor, action: Action, subject: str, now: datetime, detail: Mapping[str, Any], reason: str
) -> dict[str, Any]:
    return {
        "at": now,
        "who": actor.name,
        "origin": actor.origin,
        "action": str(action),
        "subject": subject,
        "detail": _plain(detail),
        "request_id": actor.request_id,
        "reason": reason,
    }


def _plain(value: Any) -> Any:
    """As JSON has it: moments and days in ISO 8601."""
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value
