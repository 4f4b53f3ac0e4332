"""Keeps the login budget: reservations are stored before a password is sent, verdicts at once.

The rules are ``probes.logins``; this room remembers, and makes siblings wait for a canary's verdict.
"""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from camera_registry import models
from camera_registry.counters import Counters
from camera_registry.db import Database
from probes import logins
from probes.logins import LoginOutcome, LoginState, Permit, Refusal, Status
from probes.result import LoginKey

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
        self._storing = asyncio.Lock()

    async def reserve(self, key: LoginKey) -> Permit | Refusal:
        """Leave to send the credential once; waits while a try is under way that decides."""
        while True:
            before = self._states.get(key, LoginState())
            state, answer = logins.reserve(before, self._clock())
            self._states[key] = state
            if isinstance(answer, Refusal) and answer.wait and await self._next_verdict(key):
                continue
            if isinstance(answer, Permit) and answer.canary:
                try:
                    await asyncio.shield(self._store(key))
                except BaseException:  # cancelled, too: who got no permit holds nobody back
                    self._states[key] = before
                    self._wake_siblings(key)
                    # What was stored, or is being stored at this moment, must not look like a lost try.
                    with suppress(SQLAlchemyError):
                        await asyncio.shield(self._store(key))
                    raise
            return answer

    async def settle(self, key: LoginKey, outcome: LoginOutcome) -> None:
        """Keep how a try ended, and wake the siblings that wait for it."""
        before = self._states.get(key, LoginState())
        state = logins.settle(before, outcome, self._clock())
        self._states[key] = state
        if outcome is not LoginOutcome.UNUSED:
            self._counters.login_attempts.labels(outcome=outcome.value).inc()
        try:
            # A good key that stays good is not written each time: nothing is lost with it.
            if _durable(state) != _durable(before):
                await asyncio.shield(self._store(key))
        finally:
            self._wake_siblings(key)

    @property
    def refused(self) -> int:
        """How many keys are held back after a refusal."""
        return sum(state.status is Status.REJECTED for state in self._states.values())

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
    return replace(state, accepted_at=None, under_way=0)


def load_states(database: Database) -> dict[LoginKey, LoginState]:
    """The stored states as a process that just started may trust them."""
    with database.reading() as session:
        return {
            LoginKey(row.site, row.device, row.credential): logins.restarted(_state(row))
            for row in session.scalars(select(models.LoginBudget))
        }


def save_in(database: Database) -> Save:
    """A ``save`` that stores in ``database``."""

    def save(key: LoginKey, state: LoginState) -> None:
        with database.transaction() as session:
            session.merge(
                models.LoginBudget(
                    site=key.site,
                    device=key.device,
                    credential=key.credential,
                    status=state.status.value,
                    reserved_at=state.reserved_at,
                    accepted_at=state.accepted_at,
                    rejected_at=[at.isoformat() for at in state.rejected_at],
                    not_before=state.not_before,
                )
            )

    return save


def _state(row: models.LoginBudget) -> LoginState:
    return LoginState(
        status=Status(row.status),
        reserved_at=row.reserved_at,
        accepted_at=row.accepted_at,
        rejected_at=tuple(datetime.fromisoformat(at) for at in row.rejected_at),
        not_before=row.not_before,
    )
