"""The line from a machine to the registry: two requests, outwards only, over HTTPS (or on this very machine).

A proxy that the environment names (``HTTPS_PROXY``, ``NO_PROXY``) is used, and the authorities of the machine
(or of ``SSL_CERT_FILE``) are believed. Nothing is followed elsewhere: the token goes to the address that was
given, and nowhere else.
"""

import ssl
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import httpx2
import orjson
from pydantic import ValidationError

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.push.wire import MACHINE, RESULTS, TARGETS, Receipt
from camera_registry.settings import private

PATIENCE_S: Final = 15.0  # for one answer
LARGEST_TARGETS: Final = 64 * 1024 * 1024
LARGEST_RECEIPT: Final = 256 * 1024
LONGEST_REASON: Final = 200  # characters of what a refusal says


class LineError(RegistryError):
    """The registry did not do what it was asked."""


class Away(LineError):
    """No answer, or one of who stands before the registry: it may come later."""


class Failed(LineError):
    """The registry could not take this post; perhaps it can take others."""


class NotOurs(LineError):
    """The token is none, or not any more, or this site is asked by others."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the targets are called now, and they themselves, sealed; ``None`` where they are those known."""

    name: str
    sealed: bytes | None = field(repr=False)


class Line:
    """Asks the registry at ``url``. Its methods block; enter to begin."""

    def __init__(self, url: str, token: str, machine: str) -> None:
        """Raises ``LineError`` for an address that others could read along."""
        if not private(url) or "@" in url:
            raise LineError(N_("The registry is reached over https:// only (http:// on this machine)."))
        self._machine = machine
        secret = urlsplit(url).scheme == "https"
        self._client = httpx2.Client(
            base_url=url.rstrip("/"),
            headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"},
            timeout=PATIENCE_S,
            # On this machine nothing is handed to a proxy: it would read the token.
            trust_env=secret,
            verify=ssl.create_default_context() if secret else True,
        )

    def close(self) -> None:
        self._client.close()

    def fetch(self, known: str) -> Fetched:
        """The targets, unless those called ``known`` are still the ones. Raises ``LineError``."""
        headers = {MACHINE: self._machine} | ({"If-None-Match": f'"{known}"'} if known else {})
        status, told, body = self._ask("GET", TARGETS, LARGEST_TARGETS, headers=headers)
        if status != 304:
            _check(status, body)
        name = told.get("etag", "").removeprefix("W/").strip('"')
        return Fetched(name, None if status == 304 else body)

    def post(self, body: bytes) -> Receipt:
        """Deliver, and hear what came of it. Raises ``LineError``."""
        headers = {"Content-Type": "application/json"}
        status, _, answer = self._ask("POST", RESULTS, LARGEST_RECEIPT, headers=headers, content=body)
        _check(status, answer)
        try:
            return Receipt.model_validate_json(answer)
        except ValidationError:
            raise Away(N_("What answers is not the registry.")) from None

    def _ask(
        self, method: str, path: str, most: int, *, headers: dict[str, str], content: bytes | None = None
    ) -> tuple[int, httpx2.Headers, bytes]:
        until, body = time.monotonic() + PATIENCE_S, bytearray()
        try:
            with self._client.stream(method, path, headers=headers, content=content) as answer:
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > most:
                        raise Away(N_("What answers is not the registry."))
                    if time.monotonic() > until:
                        raise Away(N_("The registry does not answer: {reason}"), reason="timeout")
                return answer.status_code, answer.headers, bytes(body)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # Its text may hold the address of a proxy, with a password.
            reason = type(error).__name__
            raise Away(N_("The registry does not answer: {reason}"), reason=reason) from None


def _check(status: int, body: bytes) -> None:
    if status == 200:
        return
    reason = _said(body)
    match status:
        case 401 | 403:
            text = N_("The registry does not take this token (any more): {reason}")
            raise NotOurs(text, reason=reason)
        case 409:
            raise NotOurs(N_("The registry does not want this: {reason}"), reason=reason)
        case 413 | 422 | 500:
            raise Failed(N_("The registry answers {status}: {reason}"), status=status, reason=reason)
    raise Away(N_("The registry answers {status}: {reason}"), status=status, reason=reason)


def _said(body: bytes) -> str:
    """What a refusal says (RFC 9457), for a log."""
    try:
        told = orjson.loads(body[:LARGEST_RECEIPT])
        text = str(told.get("detail") or told.get("title"))
    except (ValueError, AttributeError):
        return "-"
    return "".join(char for char in text if char.isprintable())[:LONGEST_REASON]
