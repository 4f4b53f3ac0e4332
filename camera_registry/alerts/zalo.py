"""What people write to our Zalo bot: asked for (``getUpdates``), for nothing can reach a closed network.

The API, as documented at bot.zaloplatforms.com/docs: ``POST /bot<token>/getUpdates`` with
``{"timeout": "30"}`` waits for so many seconds and gives one update, an object; without one it says 408. An
update that was given is not given again: one that is lost on the way is written once more by whoever misses
the answer. The token stands in the address, so no address is ever logged.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from pydantic import SecretStr

from camera_registry.alerts import outbound
from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import NotSent, by_status

WAIT_S = 30  # that the API holds a question for which there is no update
PATIENCE_S = 10.0  # beyond that
MOST_BYTES = 256 * 1024
LONGEST_ID, LONGEST_TEXT = 80, 500  # characters; of a longer text the rest is not read
LONGEST_ANSWER = 2_000  # that the API takes
NOTHING = 408


@dataclass(frozen=True, slots=True)
class Update:
    """What somebody wrote. ``key`` names the message for good; ``chat`` is where an answer goes."""

    key: str
    chat: str = field(repr=False)
    text: str = field(repr=False)
    group: bool = False


@dataclass(frozen=True, slots=True)
class Bot:
    """Our bot, at the address of the API."""

    api: str
    token: SecretStr

    def updates(self, deadline: Deadline, wait_s: int = WAIT_S) -> list[Update]:
        """What has come; empty where nothing did. Raises ``NotSent`` where the API refuses, or is away."""
        content = self._ask("getUpdates", {"timeout": str(wait_s)}, deadline, wait_s + PATIENCE_S)
        return read(content)

    def answer(self, chat: str, text: str, deadline: Deadline) -> None:
        """Write to somebody who has just written. Raises ``NotSent``."""
        self._ask("sendMessage", {"chat_id": chat, "text": text[:LONGEST_ANSWER]}, deadline, PATIENCE_S)

    def _ask(
        self, method: str, asked: Mapping[str, str], deadline: Deadline, patience_s: float
    ) -> dict[str, Any]:
        answer = outbound.exchange(
            "POST",
            f"{self.api.rstrip('/')}/bot{self.token.get_secret_value()}/{method}",
            deadline=deadline,
            patience_s=patience_s,
            content=orjson.dumps(asked),
            headers={"Content-Type": "application/json"},
            most=MOST_BYTES,
        )
        try:
            content = orjson.loads(answer.body)
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise by_status(answer.status, answer.wait) if answer.status != 200 else NotSent("no JSON")
        # The status of a refusal stands in the answer, whatever that of HTTP is.
        refusal = content.get("error_code") if content.get("ok") is False else None
        status = refusal if isinstance(refusal, int) else answer.status
        if method == "getUpdates" and status == NOTHING:
            return {}
        if status != 200 or content.get("ok") is not True:
            raise by_status(status, answer.wait)
        return content


def read(content: Mapping[str, Any]) -> list[Update]:
    """The texts in an answer to ``getUpdates``; whatever is no text message, or misshapen, is passed over."""
    result = content.get("result")
    found = (_update(each) for each in (result if isinstance(result, list) else [result]))
    return [update for update in found if update is not None]


def _update(raw: Any) -> Update | None:
    try:
        message = raw["message"]
        key, chat, text = message["message_id"], message["chat"]["id"], message["text"]
        group = message["chat"].get("chat_type") == "GROUP"
    except (LookupError, TypeError, AttributeError):
        return None
    if not all(isinstance(each, str) and each for each in (key, chat, text)):
        return None
    if max(len(key), len(chat)) > LONGEST_ID:
        return None
    return Update(f"zalo:{key}", chat, text[:LONGEST_TEXT], group)
