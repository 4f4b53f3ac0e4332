"""Passwords of people: what one may be, and its hash (argon2id, RFC 9106, second recommended choice).

A hash takes 64 MiB and a tenth of a second on purpose. So few are computed at once, and whoever comes
meanwhile waits as a coroutine: a hundred tries take no more memory than two, and no thread from other pages.
"""

from functools import cache
from unicodedata import normalize

import anyio
from anyio import CapacityLimiter, to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_

AT_ONCE = 2
MOST_WAITING = 100
LEAST, MOST = 10, 200  # characters
LEAST_DIFFERENT = 5

_hasher = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
_limiter = anyio.lowlevel.RunVar[CapacityLimiter]("passwords")


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
    if len(set(password)) < LEAST_DIFFERENT or name in password.lower():
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


async def hashed_in_turn(password: str) -> str:
    """``hashed``, in its turn. Raises ``TooBusy``."""
    return await to_thread.run_sync(hashed, password, limiter=_turn())


async def matches_in_turn(kept: str, password: str) -> bool:
    """``matches``, in its turn. Raises ``TooBusy``."""
    return await to_thread.run_sync(matches, kept, password, limiter=_turn())


def _turn() -> CapacityLimiter:
    """One for each event loop."""
    limiter = _limiter.get(None)
    if limiter is None:
        limiter = CapacityLimiter(AT_ONCE)
        _limiter.set(limiter)
    if limiter.statistics().tasks_waiting >= MOST_WAITING:
        raise TooBusy(N_("Too many people are signing in at this moment. Try again in a minute."))
    return limiter


@cache
def _of_nobody() -> str:
    return _hasher.hash("nobody has this password")


def _spelled(password: str) -> str:
    """One keyboard writes ế as one character, another as three: both are the same password (RFC 8265, 4.2)."""
    return normalize("NFC", password)
