"""Logging in at a device, by one code for RTSP, HTTP and ONVIF: leave, then the password, then the verdict.

``logins.py`` says whether a try may be made; here it is made, once, and its end is told whatever happens.
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final, Protocol, TypeVar

from probes.digest import Challenge, authorize, choose, parse_challenges
from probes.errors import ProbeError, WebTooLarge
from probes.logins import NO_TIME, LoginGate, LoginOutcome, Permit, Refusal
from probes.reasons import Reason
from probes.result import Credential, LoginKey
from probes.rtsp.messages import Headers

# Hikvision, Samsung, Tapo and Reolink say so in words only.
TEXT_OF_A_LOCK: Final = re.compile(r"\block(ed|out)?\b|suspen|\btry\b.{0,40}\b(later|after)\b", re.IGNORECASE)
LOCK_TEXT_BYTES: Final = 500  # of a refusal's body
# "Temporary Suspension: … 1784 seconds" (Tapo), "try it after 5 minutes" (Reolink)
LOCK_TIME: Final = re.compile(r"\b(\d{1,6})\s*(s|sec|second|m|min|minute|h|hour)s?\b", re.IGNORECASE)
LOCK_UNITS_S: Final = {"s": 1, "m": 60, "h": 3600}


class Answer(Protocol):
    """What RTSP and HTTP answers have in common."""

    @property
    def status(self) -> int: ...
    @property
    def reason(self) -> str: ...
    @property
    def headers(self) -> Headers: ...
    @property
    def body(self) -> bytes: ...


A = TypeVar("A", bound=Answer)
Fields = tuple[tuple[str, str], ...]


class Attempt:
    """One reserved try; whoever makes it says how it ended, by ``answered`` or by ``outcome``."""

    def __init__(self, leave: Permit) -> None:
        self.proven = leave.proven
        self.recent = leave.recent
        self.outcome = LoginOutcome.UNANSWERED
        self.advertised = NO_TIME

    def answered(self, answer: Answer, *, refused: bool) -> Reason:
        """Keep how ``answer`` ends the try; ``OK``, or the reason of the refusal."""
        if not refused:
            self.outcome = LoginOutcome.ACCEPTED
            return Reason.OK
        if TEXT_OF_A_LOCK.search(_words(answer)):
            self.outcome = LoginOutcome.LOCKED
            self.advertised = advertised_lock(answer)
            return Reason.AUTH_LOCKED
        self.outcome = LoginOutcome.REJECTED
        # The device took this password a moment ago: rather, all of its sessions are taken.
        return Reason.STREAM_SLOTS_BUSY if self.recent else Reason.AUTH_REJECTED


@asynccontextmanager
async def attempt(gate: LoginGate, key: LoginKey) -> AsyncIterator[Attempt]:
    """Reserve one try, and settle it as ``Attempt.outcome`` says when the block ends.

    Raises ``ProbeError`` with the budget's reason where there is no leave. An error of the device inside
    the block is ``AUTH_REJECTED`` unless the credential was known to be good: it may be a lock, or how this
    device refuses, and must not be tried again at once.
    """
    leave = await gate.reserve(key)
    if isinstance(leave, Refusal):
        raise ProbeError(leave.reason)
    trying = Attempt(leave)
    try:
        yield trying
    except WebTooLarge:
        # Whatever it is, it is no refusal: those are short.
        trying.outcome = LoginOutcome.ACCEPTED
        raise
    except ProbeError as error:
        if trying.proven or trying.outcome is not LoginOutcome.UNANSWERED:
            raise
        raise ProbeError(Reason.AUTH_REJECTED, f"no answer to the login: {error}") from error
    finally:
        # Told whatever happens, a cancelled probe included: siblings wait for this verdict.
        await asyncio.shield(gate.settle(key, trying.outcome, trying.advertised))


class Login:
    """The login of one conversation: anonymous until challenged, then once with leave of the budget.

    After an accepted login the same nonce serves the requests that follow; ``algorithm`` is what to prefer
    the next time and ``in_clear`` whether the password went out as Basic. ``renews`` is whether the device
    wants a new nonce for each request and does not call the old one stale. Not known (``None``), a 401 after
    an accepted login is answered once more, which tells; known to, each request is first made without one.
    """

    def __init__(
        self,
        credential: Credential | None,
        key: LoginKey | None,
        gate: LoginGate,
        *,
        basic_allowed: bool = False,
        algorithm: str | None = None,
        renews: bool | None = None,
    ) -> None:
        self.algorithm = algorithm
        self.renews = renews
        self.in_clear = False
        self._credential = credential
        self._key = key
        self._gate = gate
        self._basic_allowed = basic_allowed
        self._challenge: Challenge | None = None
        self._nonce_uses = 0
        self._cnonce = ""

    @property
    def anonymous(self) -> bool:
        """Whether nothing has been asked for a password so far."""
        return self._challenge is None

    async def ask(self, method: str, uri: str, send: Callable[[Fields], Awaitable[A]]) -> A:
        """The answer to one request, logged in where the device asks for it.

        ``send`` makes the request with the header fields it is given; ``uri`` is the very text of its request
        line. Raises ``ProbeError`` with a login reason, and whatever ``send`` raises.
        """
        answer = await send(self.opening(method, uri))
        if answer.status != 401:
            return answer
        if self._challenge is None:
            return await self._log_in(method, uri, send, answer)
        if self._take_stale(answer):
            answer = await send(self.fields(method, uri))
        elif self._take_renewed(answer):
            answer = await send(self.fields(method, uri))
            self.renews = answer.status != 401
        if answer.status == 401:
            # The password was accepted a moment ago: the account may not, or all sessions are taken.
            raise ProbeError(Reason.FORBIDDEN, f"{method} 401 after the login was accepted")
        return answer

    def opening(self, method: str, uri: str) -> Fields:
        """What to ask with first: where each request has its own nonce, an old one is a refused password."""
        return () if self.renews else self.fields(method, uri)

    def fields(self, method: str, uri: str) -> Fields:
        """``Authorization`` for this request; nothing before a challenge."""
        if self._challenge is None or self._credential is None:
            return ()
        self._nonce_uses += 1
        value = authorize(
            self._challenge, self._credential, method, uri, nc=self._nonce_uses, cnonce=self._cnonce
        )
        return (("Authorization", value),)

    def renewed(self, answer: Answer, method: str, uri: str) -> Fields:
        """``Authorization`` to ask again with after an accepted login, where only a new nonce is wanted."""
        wanted = answer.status == 401 and (self._take_stale(answer) or self._take_renewed(answer))
        return self.fields(method, uri) if wanted else ()

    async def _log_in(
        self, method: str, uri: str, send: Callable[[Fields], Awaitable[A]], challenged: A
    ) -> A:
        """Answer a challenge once; once more only for a stale nonce."""
        if self._credential is None or self._key is None:
            raise ProbeError(Reason.AUTH_REQUIRED_NO_CREDENTIALS)
        challenges = parse_challenges(challenged.headers.all("WWW-Authenticate"))
        chosen = choose(challenges, basic_allowed=self._basic_allowed, prefer=self.algorithm)
        if isinstance(chosen, Reason):
            raise ProbeError(chosen)
        async with attempt(self._gate, self._key) as trying:
            self._use(chosen)
            self.in_clear = chosen.is_basic
            answer = await send(self.fields(method, uri))
            if answer.status == 401 and self._take_stale(answer):
                answer = await send(self.fields(method, uri))
            verdict = trying.answered(answer, refused=answer.status == 401)
        if verdict is not Reason.OK:
            self._try_other_algorithm_next(challenges, chosen)
            raise ProbeError(verdict)
        self.algorithm = chosen.hash_name
        return answer

    def _use(self, challenge: Challenge) -> None:
        self._challenge = challenge
        self._nonce_uses = 0
        # One for all requests with this nonce: the key of a session is made of the first (RFC 7616, 3.4.2).
        self._cnonce = secrets.token_hex(8)

    def _take_stale(self, answer: Answer) -> bool:
        """A nonce may expire (RFC 7616, 3.3): that is no refusal, and is answered once with the new one."""
        for challenge in parse_challenges(answer.headers.all("WWW-Authenticate")):
            if challenge.stale and challenge.is_understood:
                self._use(challenge)
                return True
        return False

    def _take_renewed(self, answer: Answer) -> bool:
        used = self._challenge
        if used is None or used.is_basic or self.renews is False:
            return False
        for challenge in parse_challenges(answer.headers.all("WWW-Authenticate")):
            alike = challenge.is_understood and challenge.hash_name == used.hash_name
            if alike and (self.renews or challenge.nonce != used.nonce):
                self._use(challenge)
                return True
        return False

    def _try_other_algorithm_next(self, challenges: tuple[Challenge, ...], refused: Challenge) -> None:
        """Some cameras refuse the SHA-256 that they offer (gortsplib #863): the next try uses MD5."""
        others = [c.hash_name for c in challenges if c.is_understood and c.hash_name != refused.hash_name]
        self.algorithm = others[0] if others else None


def advertised_lock(answer: Answer) -> timedelta:
    """How long a locked device says that it stays so: ``Retry-After`` (RFC 9110, 10.2.3) or its own words."""
    after = (answer.headers.get("Retry-After") or "").strip()
    if re.fullmatch(r"[0-9]{1,6}", after):
        return timedelta(seconds=int(after))
    found = LOCK_TIME.search(_words(answer))
    return NO_TIME if found is None else int(found[1]) * timedelta(seconds=LOCK_UNITS_S[found[2][0].lower()])


def _words(answer: Answer) -> str:
    return f"{answer.reason} {answer.body[:LOCK_TEXT_BYTES].decode('utf-8', 'replace')}"
