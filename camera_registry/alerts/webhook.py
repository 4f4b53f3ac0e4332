"""Messages for programs: one JSON document a message, signed, as docs/webhook.md and its schema have it.

The signature is HMAC-SHA256 over the time and the body, so that neither can be changed, nor an old request be
sent again later. The key of idempotency is the same at every try.
"""

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime

import orjson

from camera_registry.alerts import outbound
from camera_registry.alerts.channels import Address
from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import by_status
from camera_registry.alerts.mail import named
from camera_registry.alerts.outbox import Due

SCHEMA = "camera-registry/message/1"
PATIENCE_S = 10.0
AGENT = "camera-registry"


def send(
    due: Due, address: Address, text: str, now: datetime, deadline: Deadline, within: Sequence[str]
) -> None:
    """Post it. Accepted is any 2xx; redirects are not followed. Raises ``NotSent``.

    ``within`` are the networks of ours in which a webhook may be.
    """
    body = document(due, text)
    headers = {
        "Content-Type": "application/json",
        "User-Agent": AGENT,
        "Idempotency-Key": named(due),
        **signed(address.secret, body, now),
    }
    answer = outbound.exchange(
        *("POST", address.text),
        deadline=deadline,
        patience_s=PATIENCE_S,
        content=body,
        headers=headers,
        within=within,
    )
    if not 200 <= answer.status < 300:
        raise by_status(answer.status, answer.wait)


def document(due: Due, text: str) -> bytes:
    """What is posted."""
    return orjson.dumps(
        {
            "schema": SCHEMA,
            "id": named(due),
            "channel": due.channel,
            "kind": due.kind,
            "occasion": due.occasion,
            "language": due.language,
            "made_at": due.made_at,
            "title": due.title,
            "text": text,
            "told": due.told,
        },
        option=orjson.OPT_UTC_Z,
    )


def signed(secret: str, body: bytes, now: datetime) -> dict[str, str]:
    """The headers that prove who sent ``body``, and when."""
    at = str(int(now.timestamp()))
    proof = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Camera-Registry-Timestamp": at, "X-Camera-Registry-Signature": f"v1={proof}"}
