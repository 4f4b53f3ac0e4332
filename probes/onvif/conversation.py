"""One conversation with one device: every SOAP message of ours goes out here, and nowhere else.

Anonymously first: what is asked for then tells how this device wants to know us (HTTP Digest, a token in the
message, or both, F027), and no try of the password is spent on finding out.
"""

import secrets
from collections.abc import Callable
from datetime import datetime
from enum import Flag, auto
from typing import Final
from xml.etree.ElementTree import Element

from probes.digest import Challenge, choose, parse_challenges
from probes.errors import OnvifError, ProbeError, WebProtocolError, WebTimeout, WebTooLarge
from probes.login_attempt import attempt
from probes.logins import LoginGate
from probes.onvif.clock import DeviceClock
from probes.onvif.soap import CONTENT_TYPE, read_body, refuses_login, signed
from probes.reasons import Reason
from probes.result import Target
from probes.rtsp.exchange import redact
from probes.web import Web, WebAnswer, WebLimits

LIMITS: Final = WebLimits(first_byte_s=5.0, total_s=5.0, body_bytes=4 * 1024 * 1024)
NONCE_BYTES: Final = 16


class Proof(Flag):
    """How this device is told who asks."""

    NONE = 0
    HTTP = auto()  # Digest, in the header of HTTP
    TOKEN = auto()  # WS-UsernameToken, in the message


class Conversation:
    """What is known of one device while it is asked; one question at a time (F031).

    ``notes`` grows. Tokens carry the device's own time, as ``clock`` tells it; a token that was accepted is
    followed by others without a new try of the budget.
    """

    def __init__(
        self,
        target: Target,
        web: Web,
        logins: LoginGate,
        clock: DeviceClock,
        now: Callable[[], datetime],
        limits: WebLimits = LIMITS,
    ) -> None:
        self.notes: set[Reason] = set()
        self._target = target
        self._web = web
        self._gate = logins
        self._clock = clock
        self._now = now
        self._limits = limits
        self._credential = target.onvif_credential or target.credential
        self._key = target.login_key_of(self._credential)
        self._http = web.login(target, self._credential, logins)
        self._proof = Proof.NONE

    async def ask(self, path: str, message: bytes, content_type: str = CONTENT_TYPE) -> Element:
        """The body of the answer.

        Raises ``OnvifError``, ``LinkError``, or ``ProbeError`` with a login reason; silence is
        ``ONVIF_TIMEOUT``.
        """
        body, _ = await self.ask_raw(path, message, content_type)
        return body

    async def ask_raw(
        self, path: str, message: bytes, content_type: str = CONTENT_TYPE
    ) -> tuple[Element, bytes]:
        """The same, and the bytes of the answer for those who read them their own way."""
        try:
            answer = await self._send(path, message, content_type, self._proof)
            if self._is_refusal(answer):
                answer = await self._log_in(path, message, content_type, answer)
        except WebTimeout as error:
            raise OnvifError(Reason.ONVIF_TIMEOUT, error.detail) from None
        except (WebTooLarge, WebProtocolError) as error:
            raise OnvifError(Reason.ONVIF_HTTP_ERROR, error.detail) from None
        except ProbeError as error:
            if error.reason is not Reason.STREAM_SLOTS_BUSY:
                raise
            # Full sessions are no matter of ONVIF; a user who may watch and is none of ONVIF's is (F028).
            raise ProbeError(Reason.AUTH_REJECTED, error.detail) from None
        self.notes.update(answer.notes)
        if answer.status == 403:
            raise ProbeError(Reason.FORBIDDEN, "HTTP 403")
        try:
            return read_body(answer.status, answer.body), answer.body
        except OnvifError as error:
            secrets = self._credential.secrets if self._credential else ()  # a fault may say them back
            fault = OnvifError(error.reason, redact(error.detail, secrets), error.subcodes)
        raise fault

    async def _log_in(self, path: str, message: bytes, content_type: str, challenged: WebAnswer) -> WebAnswer:
        if self._proof is not Proof.NONE:
            raise ProbeError(Reason.FORBIDDEN, "refused after the login was accepted")
        if self._credential is None or self._key is None:
            raise ProbeError(Reason.AUTH_REQUIRED_NO_CREDENTIALS)
        if _offers_digest(challenged):
            # The login of HTTP reserves and settles its own try.
            answer = await self._send(path, message, content_type, Proof.HTTP)
            self._proof = Proof.HTTP
            if not self._is_refusal(answer):
                return answer
        proof = self._proof | Proof.TOKEN
        async with attempt(self._gate, self._key) as trying:
            answer = await self._send(path, message, content_type, proof)
            verdict = trying.answered(answer, refused=self._is_refusal(answer))
        if verdict is not Reason.OK:
            raise ProbeError(verdict)
        self._proof = proof
        return answer

    async def _send(self, path: str, message: bytes, content_type: str, proof: Proof) -> WebAnswer:
        if Proof.TOKEN in proof:
            assert self._credential is not None
            created = self._now() + self._clock.offset
            message = signed(message, self._credential, created, secrets.token_bytes(NONCE_BYTES))
        if Proof.HTTP in proof:
            return await self._web.request(
                self._target,
                "POST",
                path,
                port=self._target.onvif_port,
                body=message,
                content_type=content_type,
                limits=self._limits,
                logins=self._gate,
                credential=self._credential,
                login=self._http,
            )
        return await self._web.anonymous(
            self._target,
            "POST",
            path,
            port=self._target.onvif_port,
            body=message,
            content_type=content_type,
            limits=self._limits,
            repeat=Proof.TOKEN not in proof,
        )

    @staticmethod
    def _is_refusal(answer: WebAnswer) -> bool:
        if answer.status == 401:
            return True
        try:
            read_body(answer.status, answer.body)
        except OnvifError as error:
            return refuses_login(error)
        return False


def _offers_digest(answer: WebAnswer) -> bool:
    challenges = parse_challenges(answer.headers.all("WWW-Authenticate"))
    chosen = choose(challenges, basic_allowed=False)
    return answer.status == 401 and isinstance(chosen, Challenge)
