"""What open pages hear of besides states of eyes: whoever writes these tables need not think of pages."""

from collections.abc import Mapping
from enum import StrEnum


class Topic(StrEnum):
    """A subject of pages. ``static/live.js`` and the pages' ``data-topics`` name them so, too."""

    INCIDENTS = "incidents"
    NOTES = "notes"  # what people say of incidents
    MAINTENANCE = "maintenance"
    REGISTRY = "registry"  # points, devices, eyes, and what people say of them
    MESSAGES = "messages"  # who is told, and what was
    MONEY = "money"  # the funding ledger, repairs, reports that were made


# What the monitor writes of its own accord at each probe is not here: states of eyes are told by their codes.
TABLES: Mapping[str, Topic] = {
    **dict.fromkeys(("incident", "incident_eye"), Topic.INCIDENTS),
    "incident_note": Topic.NOTES,
    **dict.fromkeys(("maintenance", "maintenance_scope"), Topic.MAINTENANCE),
    **dict.fromkeys(("alert_channel", "subscription", "message"), Topic.MESSAGES),
    **dict.fromkeys(
        (
            *("programme", "contributor", "money_entry", "money_share", "upkeep", "asset", "letterhead"),
            *("document", "document_use", "repair", "repair_eye", "repair_step", "quotation"),
            *("proposal", "proposal_repair", "report_schedule", "made_report"),
        ),
        Topic.MONEY,
    ),
    **dict.fromkeys(
        (
            *("unit", "unit_successor", "site", "point", "point_unit", "device", "eye", "suspension"),
            *("custody", "device_event", "baseline", "grade", "report_word", "rollout"),
            *("discovery", "device_request"),
        ),
        Topic.REGISTRY,
    ),
}
