"""Passwords of people: what one may be, and its hash (argon2id, RFC 9106, second recommended choice).

A hash takes 64 MiB and a tenth of a second on purpose. So few are computed at once, and whoever comes
meanwhile waits as a coroutine: a hundred tries take no more memory than two, and no thread from other pages.
"""

from collections.abc import Callable
from functools import cache
from typing import TypeVar
from unicodedata import normalize

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_

AT_ONCE = 2
MOST_WAITING = 100
LEAST, MOST = 10, 200  # characters
LEAST_DIFFERENT = 5

Result = TypeVar("Result")

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_limiters: RunVar[CapacityLimiter] = RunVar("passwords")


class PasswordError(RegistryError):
    """The password may not be one, or is not the user's."""


class TooBusy(RegistryError):
    """More wait to have a password checked than anybody would wait behind."""


def acceptable(password: str, name: str) -> str:
    """The password as it is hashed. Raises ``PasswordError`` for one that is guessed at once.

    Length is what counts (NIST SP 800-63B, 5.1.1.2); no kinds of characters are prescribed.
    """
    password = _spelled(password)
    if not LEAST <= len(password) <= MOST:
        raise PasswordError(
            N_("A password has between {least} and {most} characters."), least=LEAST, most=MOST
        )
    holds_name = len(name) >= LEAST_DIFFERENT and name in password.lower()
    if len(set(password)) < LEAST_DIFFERENT or holds_name:
        raise PasswordError(
            N_("This password is too easy to guess: it repeats few characters, or contains the name.")
        )
    return password


def hashed(password: str) -> str:
    """The hash of an acceptable password."""
    return _hasher.hash(password)


def matches(kept: str, password: str) -> bool:
    """Whether ``password`` made the hash ``kept``; costs the same where there is none ("")."""
    try:
        _hasher.verify(kept or _of_nobody(), _spelled(password[: MOST + 1]))
    except (VerificationError, InvalidHashError):
        return False
    return bool(kept)


async def in_turn(work: Callable[[], Result]) -> Result:
    """Do what hashes a password in a thread, few at once. Raises ``TooBusy``, and what ``work`` raises."""
    limiter = _limiter()
    if limiter.statistics().tasks_waiting >= MOST_WAITING:
        raise TooBusy(N_("Too many people are signing in at this moment. Try again in a minute."))
    return await to_thread.run_sync(work, limiter=limiter)


def _limiter() -> CapacityLimiter:
    """One for each event loop."""
    try:
        return _limiters.get()
    except LookupError:
        _limiters.set(CapacityLimiter(AT_ONCE))
        return _limiters.get()


@cache
def _of_nobody() -> str:
    return _hasher.hash("nobody has this password")


def _spelled(password: str) -> str:
    """One keyboard writes ế as one character, another as three: the same password (RFC 8265, 4.2)."""
    return normalize("NFC", password)
