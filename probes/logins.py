"""The login budget, pure: a monitor must never lock an account.

Recorders lock an address after a few refused logins (Hikvision: 30 minutes after 5 to 7; some products can
be set to 3), and count per account, not per channel. So tries are reserved before they are made, one key
of (site, device, credential) at a time:

* an untried key, and every key after a restart, is tried by one canary while its siblings wait;
* after a refusal the next try waits ``SPACING``; after a second one ``COOL_DOWN``;
* no more than ``MOST_REFUSALS`` refusals fall into any 24 hours, tries under way counted as if refused;
* a try whose end was never learned (a killed process, a device that hung up or kept silent) counts as
  refused, unless the key is known to be good: then it says nothing of the password.

Whoever keeps the state stores it after ``reserve`` and before the password is sent.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from probes.reasons import Reason
from probes.result import LoginKey

SPACING = timedelta(minutes=35)  # Hikvision's lock lasts 30 minutes
COOL_DOWN = timedelta(hours=12)
WINDOW = timedelta(hours=24)
MOST_REFUSALS = 3  # the first definitive one, and two more within 24 hours
RESERVED_FOR = timedelta(minutes=2)  # longer than any probe: a reservation older than this was lost


class Status(StrEnum):
    """What is known of a credential at a device."""

    UNTRIED = "untried"
    GOOD = "good"
    REJECTED = "rejected"


class LoginOutcome(StrEnum):
    """How a reserved try ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"  # a wrong password, or a device that says it is locked
    UNANSWERED = "unanswered"  # it was sent, and the device hung up or kept silent
    UNUSED = "unused"  # it was never sent


@dataclass(frozen=True, slots=True)
class LoginState:
    """What a device has answered to a credential so far."""

    status: Status = Status.UNTRIED
    reserved_at: datetime | None = None  # a try is under way (canary or re-check)
    accepted_at: datetime | None = None
    rejected_at: tuple[datetime, ...] = ()  # refusals of the last 24 hours, newest last
    not_before: datetime | None = None
    under_way: int = 0  # tries of a good key; of this process, never stored

    @property
    def proven(self) -> bool:
        """Accepted before, and not refused since."""
        return self.status is Status.GOOD or (self.status is Status.UNTRIED and self.accepted_at is not None)


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send the credential once. ``canary``: the only one under way; ``proven``: it was good."""

    canary: bool
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """No leave: ``reason`` says why; ``wait`` that a try is under way and its verdict decides."""

    reason: Reason
    wait: bool = False


class LoginGate(Protocol):
    """Who keeps login states. The ladder asks before it sends a credential, and tells how that ended."""

    async def reserve(self, key: LoginKey) -> Permit | Refusal:
        """Leave to send the credential once; waits for a canary's verdict where one is under way."""

    async def settle(self, key: LoginKey, outcome: LoginOutcome) -> None:
        """How the reserved try ended; called exactly once for each ``Permit``."""


def reserve(state: LoginState, now: datetime) -> tuple[LoginState, Permit | Refusal]:
    """Ask for leave to send the credential once."""
    state = _forget(state, now)
    if state.reserved_at is not None:
        return state, Refusal(_refused(state), wait=True)
    if state.not_before is not None and now < state.not_before:
        return state, Refusal(_refused(state))
    if len(state.rejected_at) >= MOST_REFUSALS:
        return state, Refusal(Reason.AUTH_SUSPENDED)
    if state.status is not Status.GOOD:
        return replace(state, reserved_at=now), Permit(canary=True, proven=state.proven)
    if len(state.rejected_at) + state.under_way >= MOST_REFUSALS:
        return state, Refusal(Reason.AUTH_SUSPENDED, wait=True)
    return replace(state, under_way=state.under_way + 1), Permit(canary=False, proven=True)


def settle(state: LoginState, outcome: LoginOutcome, now: datetime) -> LoginState:
    """Say how a try ended."""
    if state.reserved_at is None:
        state = replace(state, under_way=max(0, state.under_way - 1))
    if outcome is LoginOutcome.ACCEPTED:
        # Refusals stay counted: the device's own lock counter may remember them.
        return replace(state, status=Status.GOOD, reserved_at=None, accepted_at=now, not_before=None)
    unanswered = outcome is LoginOutcome.UNANSWERED and not state.proven
    if outcome is LoginOutcome.REJECTED or unanswered:
        return _reject(state, now)
    return replace(state, reserved_at=None)


def restarted(state: LoginState) -> LoginState:
    """The state as a fresh process may trust it: a good key is proved again by one canary."""
    if state.status is Status.GOOD:
        return replace(state, status=Status.UNTRIED, reserved_at=None)
    return _lose(state)


def _reject(state: LoginState, at: datetime) -> LoginState:
    rejected = (*state.rejected_at, at)
    pause = SPACING if len(rejected) == 1 or state.status is Status.GOOD else COOL_DOWN
    return replace(
        state, status=Status.REJECTED, reserved_at=None, rejected_at=rejected, not_before=at + pause
    )


def _forget(state: LoginState, now: datetime) -> LoginState:
    if state.reserved_at is not None and now - state.reserved_at > RESERVED_FOR:
        state = _lose(state)
    return replace(state, rejected_at=tuple(at for at in state.rejected_at if now - at < WINDOW))


def _lose(state: LoginState) -> LoginState:
    """A reservation whose end nobody told."""
    if state.reserved_at is None:
        return state
    return replace(state, reserved_at=None) if state.proven else _reject(state, state.reserved_at)


def _refused(state: LoginState) -> Reason:
    """The first refusal is news; from the second on the budget itself holds tries back."""
    return Reason.AUTH_REJECTED if len(state.rejected_at) == 1 else Reason.AUTH_SUSPENDED
