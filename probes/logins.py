"""The login budget, pure: a monitor must never lock an account.

Recorders lock an address after a few refused logins (Hikvision: 30 minutes after 5 to 7; some products can
be set to 3), and count per account, not per channel or protocol. So tries are reserved before they are made,
one key of (site, device, credential) at a time, the same for RTSP, ONVIF and HTTP:

* an untried key, and every key after a restart, is tried by one canary while its siblings wait;
* after a refusal the next try waits ``SPACING``; after a second one ``COOL_DOWN``;
* no more than ``MOST_REFUSALS`` refusals fall into any 24 hours, tries under way counted as if refused;
* a try whose end was never learned (a killed process, a device that hung up or kept silent) counts as
  refused, unless the key is known to be good: then it says nothing of the password;
* a device that says it is locked is left alone for as long as it says, at least ``SPACING``.

Some devices answer 401 when all their sessions are taken. A refusal of a password that the same device took
less than ``RECENT`` ago is therefore *doubted*: the key rests for ``DOUBT_PAUSE`` and is tried once more. If
it is taken then, sessions were full and the refusal is not counted; if not, the password was changed. A try
that was under way at the same time and is taken clears the doubt at once. Two refusals within ``SPACING``
are never followed by a third one within it, doubted or not.

A credential that many devices share is a key of its own (``key_of_set``): when more than ``MASS_DEVICES`` of
them refuse what they took before, within ``MASS_WINDOW``, all its tries stop; then one canary tries for all.

Whoever keeps the states stores them after ``reserve`` and before the password is sent.
"""

from collections.abc import Iterable
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
MOST_AT_ONCE = 2  # tries of a good key under way: the password may have been changed a moment ago
RESERVED_FOR = timedelta(minutes=2)  # longer than any probe: a reservation older than this was lost
LONGEST_LOCK = timedelta(hours=24)  # that is believed of a device
RECENT = timedelta(minutes=10)
DOUBT_PAUSE = timedelta(minutes=5)
MASS_DEVICES = 3
MASS_WINDOW = timedelta(minutes=10)
NO_TIME = timedelta()


class Status(StrEnum):
    """What is known of a credential at a device."""

    UNTRIED = "untried"
    GOOD = "good"
    DOUBTED = "doubted"  # taken a moment ago, and refused since: sessions may be full
    LOCKED = "locked"  # the device says that it takes no password for a while
    REJECTED = "rejected"


class LoginOutcome(StrEnum):
    """How a reserved try ended."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    LOCKED = "locked"  # refused, and the device says that it is locked
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
    doubted_at: datetime | None = None  # the refusal that is doubted; of this process, never stored

    @property
    def proven(self) -> bool:
        """Accepted before, and not refused since."""
        return self.status is Status.GOOD or (self.status is Status.UNTRIED and self.accepted_at is not None)


@dataclass(frozen=True, slots=True)
class Permit:
    """Leave to send the credential once.

    ``canary``: the only one under way; ``proven``: it was good; ``recent``: so short a time ago that a
    refusal rather means that all sessions are taken.
    """

    canary: bool
    proven: bool = False
    recent: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """No leave: ``reason`` says why; ``wait`` that a try is under way and its verdict decides."""

    reason: Reason
    wait: bool = False


class LoginGate(Protocol):
    """Who keeps login states. A probe asks before it sends a credential, and tells how that ended."""

    async def reserve(self, key: LoginKey) -> Permit | Refusal:
        """Leave to send the credential once; waits for a canary's verdict where one is under way."""

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        """How the reserved try ended; called exactly once for each ``Permit``.

        ``advertised`` is how long the device says that it is locked.
        """


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
    if state.under_way >= min(_most_at_once(state, now), MOST_REFUSALS - len(state.rejected_at)):
        return state, Refusal(Reason.AUTH_SUSPENDED, wait=True)
    permit = Permit(canary=False, proven=True, recent=_is_recent(state, now))
    return replace(state, under_way=state.under_way + 1), permit


def settle(
    state: LoginState, outcome: LoginOutcome, now: datetime, advertised: timedelta = NO_TIME
) -> LoginState:
    """Say how a try ended."""
    canary = state.reserved_at is not None
    if not canary:
        state = replace(state, under_way=max(0, state.under_way - 1))
    match outcome:
        case LoginOutcome.ACCEPTED:
            return _accept(state, now)
        case LoginOutcome.LOCKED:
            return _lock(state, now, advertised)
        case LoginOutcome.REJECTED if not canary and _is_doubtful(state, now):
            return _doubt(state, now)
        case LoginOutcome.REJECTED:
            return _reject(state, now)
        case LoginOutcome.UNANSWERED if not state.proven:
            return _reject(state, now)
    return replace(state, reserved_at=None)


def restarted(state: LoginState) -> LoginState:
    """The state as a fresh process may trust it: a good key is proved again by one canary."""
    if state.status is Status.GOOD:
        return replace(state, status=Status.UNTRIED, reserved_at=None)
    return _lose(state)


def try_now(state: LoginState, now: datetime) -> LoginState:
    """The state after a person said to try again: one canary may, but not within ``SPACING`` of a refusal.

    Whoever says so answers for the day's budget, not for the device's lock.
    """
    recent = tuple(at for at in state.rejected_at if now - at < SPACING)
    lock = state.not_before if state.status is Status.LOCKED else None
    return LoginState(
        rejected_at=recent,
        not_before=max((at for at in (recent[-1] + SPACING if recent else None, lock) if at), default=None),
        under_way=state.under_way,
    )


# --- a credential that many devices share ----------------------------------------------------------------


def key_of_set(credential: str) -> LoginKey:
    """The key of a credential as a whole: of no site and no device."""
    return LoginKey("", "", credential)


def is_mass_failure(refused_at: Iterable[datetime], now: datetime) -> bool:
    """Whether so many devices refused at once what they took before (the newest refusal of each) that it
    is the password, or our own vault, and no matter of one device."""
    return sum(now - at < MASS_WINDOW for at in refused_at) > MASS_DEVICES


def stopped(now: datetime) -> LoginState:
    """The state of a whole credential after a mass failure: a canary tries for all after ``SPACING``."""
    return LoginState(Status.REJECTED, rejected_at=(now,), not_before=now + SPACING)


# --- steps -----------------------------------------------------------------------------------------------


def _accept(state: LoginState, at: datetime) -> LoginState:
    # Refusals stay counted, the device's own counter may remember them; not those that are explained now.
    doubted, rejected = state.doubted_at, state.rejected_at
    if state.status is Status.DOUBTED and doubted is not None:
        rejected = tuple(refused for refused in rejected if refused < doubted)
    return replace(
        state,
        status=Status.GOOD,
        reserved_at=None,
        accepted_at=at,
        rejected_at=rejected,
        not_before=None,
    )


def _doubt(state: LoginState, at: datetime) -> LoginState:
    """A refusal that full sessions may explain. After two of them within ``SPACING``: no third within it."""
    alone = state.status is Status.GOOD and (state.doubted_at is None or at - state.doubted_at >= SPACING)
    return replace(
        state,
        status=Status.DOUBTED,
        rejected_at=(*state.rejected_at, at),
        not_before=at + (DOUBT_PAUSE if alone else SPACING),
        doubted_at=at if state.status is Status.GOOD else state.doubted_at,
    )


def _lock(state: LoginState, at: datetime, advertised: timedelta) -> LoginState:
    wait = max(SPACING, min(advertised, LONGEST_LOCK))
    return replace(
        state,
        status=Status.LOCKED,
        reserved_at=None,
        rejected_at=(*state.rejected_at, at),
        not_before=at + wait,
    )


def _reject(state: LoginState, at: datetime) -> LoginState:
    rejected = (*state.rejected_at, at)
    again = len(rejected) > 1 and state.status in (Status.REJECTED, Status.UNTRIED)
    return replace(
        state,
        status=Status.REJECTED,
        reserved_at=None,
        rejected_at=rejected,
        not_before=at + (COOL_DOWN if again else SPACING),
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


def _most_at_once(state: LoginState, now: datetime) -> int:
    """One, while a second refusal would be the last that may fall into ``SPACING``."""
    refused = (*state.rejected_at, *((state.doubted_at,) if state.doubted_at else ()))
    return 1 if any(now - at < SPACING for at in refused) else MOST_AT_ONCE


def _is_recent(state: LoginState, now: datetime) -> bool:
    return state.accepted_at is not None and now - state.accepted_at < RECENT


def _is_doubtful(state: LoginState, now: datetime) -> bool:
    """Whether full sessions may explain a refusal; one that was under way beside a doubted one is, too."""
    return state.status in (Status.GOOD, Status.DOUBTED) and _is_recent(state, now)


def _refused(state: LoginState) -> Reason:
    """The first refusal is news; from the second on the budget itself holds tries back."""
    match state.status:
        case Status.DOUBTED:
            return Reason.STREAM_SLOTS_BUSY
        case Status.LOCKED:
            return Reason.AUTH_LOCKED
    return Reason.AUTH_REJECTED if len(state.rejected_at) == 1 else Reason.AUTH_SUSPENDED
