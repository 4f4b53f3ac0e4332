"""Keeps the login budget: reservations are stored before a password is sent, verdicts at once.

The rules are ``probes.logins``; this room remembers, makes siblings wait for a canary's verdict, and sees
when a credential fails at many devices at once. A key that is held back is free again by a changed password
(which is a new key), by time, or by a person (``try_now``).
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from camera_registry.counters import Counters
from probes import logins
from probes.logins import NO_TIME, LoginOutcome, LoginState, Permit, Refusal, Status, key_of_set
from probes.reasons import Reason
from probes.result import LoginKey

log = structlog.get_logger(__name__)

Save = Callable[[LoginKey, LoginState], None]

CANARY_WAIT_S = 20.0  # for a sibling's verdict; about as long as one probe may take


class LoginBook:
    """The login states of one process; ``save`` makes one durable before it counts."""

    def __init__(
        self,
        states: Mapping[LoginKey, LoginState],
        save: Save,
        clock: Callable[[], datetime],
        counters: Counters,
    ) -> None:
        self._states = dict(states)
        self._save = save
        self._clock = clock
        self._counters = counters
        self._verdicts: dict[LoginKey, asyncio.Event] = {}
        self._refused: dict[str, dict[LoginKey, datetime]] = defaultdict(dict)  # what was good, by credential
        self._tries_for_all: set[LoginKey] = set()  # keys whose try is the canary of a stopped credential
        self._storing = asyncio.Lock()
        counters.credentials_stopped.set_function(lambda: len(self.stopped))

    async def reserve(self, key: LoginKey) -> Permit | Refusal:
        """Leave to send the credential once; waits while a try is under way that decides."""
        while True:
            now = self._clock()
            before = self._states.get(key, LoginState())
            state, answer = logins.reserve(before, now)
            if isinstance(answer, Permit) and not self._may_try_for_all(key, now):
                return Refusal(Reason.AUTH_SUSPENDED)
            self._states[key] = state
            if isinstance(answer, Refusal) and answer.wait and await self._next_verdict(key):
                continue
            if isinstance(answer, Permit) and (answer.canary or key in self._tries_for_all):
                await self._store_reservation(key, before)
            return answer

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        """Keep how a try ended, and wake the siblings that wait for it."""
        now = self._clock()
        before = self._states.get(key, LoginState())
        state = logins.settle(before, outcome, now, advertised)
        self._states[key] = state
        if outcome is not LoginOutcome.UNUSED:
            self._counters.login_attempts.labels(outcome=outcome.value).inc()
        changed = [key] if _durable(state) != _durable(before) else []
        if (whole := self._settle_for_all(key, before, outcome, now)) is not None:
            changed.append(whole)
        try:
            # A good key that stays good is not written each time: nothing is lost with it.
            for one in changed:
                await asyncio.shield(self._store(one))
        finally:
            self._wake_siblings(key)

    async def try_now(self, site: str, device: str) -> datetime | None:
        """A person says: try this device again. ``None``: the next probe does; else not before that moment.

        ``device`` is ``host:port`` of its RTSP. Refusals of the last 24 hours are forgiven, but no try is
        made while the device may still be locked (35 minutes after the last one, or as long as it said), nor
        while the whole credential is stopped: after 35 minutes one canary tries for all, or it is changed.
        """
        waits = []
        for key in [key for key in self._states if (key.site, key.device) == (site, device)]:
            now = self._clock()
            if self._states[key].status in (Status.LOCKED, Status.REJECTED):
                self._states[key] = logins.try_now(self._states[key], now)
                await asyncio.shield(self._store(key))
            whole = self._states.get(key_of_set(key.credential), LoginState())
            waits += [s.not_before for s in (self._states[key], whole) if s.not_before and s.not_before > now]
        return max(waits, default=None)

    @property
    def refused(self) -> int:
        """How many keys are held back after a refusal."""
        held = (Status.REJECTED, Status.LOCKED, Status.DOUBTED)
        return sum(state.status in held and key.device != "" for key, state in self._states.items())

    @property
    def stopped(self) -> Mapping[str, datetime | None]:
        """Credentials whose tries have stopped everywhere, by id, and when one canary tries for all."""
        return {
            key.credential: state.not_before
            for key, state in self._states.items()
            if key.device == "" and state.status is Status.REJECTED
        }

    # --- a credential as a whole ------------------------------------------------------------------------

    def _may_try_for_all(self, key: LoginKey, now: datetime) -> bool:
        """Whether the credential is not stopped, or this try is the canary for all of its devices."""
        whole = key_of_set(key.credential)
        if self._states.get(whole, LoginState()).status is not Status.REJECTED:
            return True
        self._states[whole], leave = logins.reserve(self._states[whole], now)
        if isinstance(leave, Permit):
            self._tries_for_all.add(key)
        return isinstance(leave, Permit)

    def _settle_for_all(
        self, key: LoginKey, before: LoginState, outcome: LoginOutcome, now: datetime
    ) -> LoginKey | None:
        """What a try says of the credential as a whole; the key of the whole where that changed."""
        whole = key_of_set(key.credential)
        if key in self._tries_for_all:
            self._tries_for_all.discard(key)
            # Only an answer says something of the credential.
            told = outcome in (LoginOutcome.ACCEPTED, LoginOutcome.REJECTED)
            verdict = outcome if told else LoginOutcome.UNUSED
            self._states[whole] = logins.settle(self._states[whole], verdict, now)
            return whole
        refused = self._refused[key.credential]
        if outcome is not LoginOutcome.REJECTED or not before.proven:
            return None
        refused[key] = now
        if key.credential in self.stopped or not logins.is_mass_failure(refused.values(), now):
            return None
        # Once: what is stopped is not tried, so nothing more is refused.
        log.warning("a credential fails at many devices: stopped", credential=key.credential)
        self._states[whole] = logins.stopped(now)
        return whole

    # --- storing and waiting ----------------------------------------------------------------------------

    async def _store_reservation(self, key: LoginKey, before: LoginState) -> None:
        """Make the reservation durable; who is cut while doing so holds nobody back."""
        keys = [key, key_of_set(key.credential)] if key in self._tries_for_all else [key]
        try:
            for one in keys:
                await asyncio.shield(self._store(one))
        except BaseException:  # cancelled, too
            self._states[key] = before
            if key in self._tries_for_all:
                self._tries_for_all.discard(key)
                self._states[keys[1]] = replace(self._states[keys[1]], reserved_at=None)
            self._wake_siblings(key)
            # What was stored, or is being stored at this moment, must not look like a lost try.
            with suppress(Exception):  # whatever keeps them may be away
                for one in keys:
                    await asyncio.shield(self._store(one))
            raise

    async def _next_verdict(self, key: LoginKey) -> bool:
        verdict = self._verdicts.setdefault(key, asyncio.Event())
        try:
            async with asyncio.timeout(CANARY_WAIT_S):
                await verdict.wait()
        except TimeoutError:
            return False
        return True

    def _wake_siblings(self, key: LoginKey) -> None:
        if (waiting := self._verdicts.pop(key, None)) is not None:
            waiting.set()

    async def _store(self, key: LoginKey) -> None:
        """One after the other, so that the newest state is what stays; callers shield it from being cut."""
        async with self._storing:
            await asyncio.to_thread(self._save, key, self._states[key])


def _durable(state: LoginState) -> LoginState:
    return replace(state, accepted_at=None, under_way=0, doubted_at=None)
