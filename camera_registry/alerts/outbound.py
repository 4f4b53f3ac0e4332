"""HTTP to the outside, bounded in time and size, of which no log or error names the address.

Redirects are not followed: what is said to one address is for nobody else. A proxy of the environment
(``HTTPS_PROXY``) is used: in closed networks nothing else leads out.
"""

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any

import httpx2

from camera_registry.alerts.deadline import Deadline
from camera_registry.alerts.failures import NotSent

LONGEST_WAIT_S = 3_600  # that another side may ask for

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it writes down each address, where asked for more
logging.getLogger("httpcore2").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` as far as it was wanted; ``wait`` is what ``Retry-After`` asks for."""

    status: int
    body: bytes
    wait: timedelta | None


def exchange(
    method: str,
    url: str,
    *,
    deadline: Deadline,
    patience_s: float,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    most: int = 0,
) -> Answer:
    """Ask once. At most ``most`` bytes of the answer are read; more raise ``NotSent``, as does no answer.

    ``patience_s`` is for each step; the whole ends with ``deadline``.
    """

    def seen(event: str, info: Mapping[str, Any]) -> None:
        # TLS puts another socket in place of the first.
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            deadline.watch(info["return_value"].get_extra_info("socket"))

    try:
        with (
            httpx2.Client(timeout=patience_s, follow_redirects=False, verify=_trust()) as client,
            client.stream(
                method, url, content=content, headers=headers, extensions={"trace": seen}
            ) as answer,
        ):
            body = bytearray()
            if most:
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > most:
                        raise NotSent("too long an answer")
            return Answer(answer.status_code, bytes(body), _wait(answer.headers.get("Retry-After", "")))
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise NotSent(f"no answer: {type(error).__name__}") from None


@cache
def _trust() -> ssl.SSLContext:
    """Which certificates are believed; read once, for that takes longer than to say something."""
    return ssl.create_default_context()


def _wait(text: str) -> timedelta | None:
    """Seconds are understood; a date is not, and left to our own waits."""
    if not text.isascii() or not text.isdigit():
        return None
    return timedelta(seconds=min(int(text[:9]), LONGEST_WAIT_S))
