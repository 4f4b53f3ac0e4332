"""How long somebody waits after failed tries to sign in: kept in the database, by name and by address.

The first few are free; then each doubles the wait. A try is counted before its password is looked at, so that
a hundred at once are counted as a hundred, and taken back when the password was right. A name is never locked
for good: that would let anybody lock out everybody. A link made at the console always signs in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete
from sqlalchemy.orm import Session

from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import SignInFailure

FORGOTTEN_AFTER = timedelta(days=1)
IPV6_OF_ONE = 64  # bits: a household has as many addresses as it likes below


@dataclass(frozen=True, slots=True)
class Patience:
    """``free`` tries at once; from then on 1 s, 2 s, 4 s … at most ``longest``."""

    free: int
    longest: timedelta

    def wait(self, failures: int) -> timedelta:
        """The wait after so many failures in a row."""
        if failures < self.free:
            return timedelta(0)
        return min(self.longest, timedelta(seconds=2.0 ** min(failures - self.free, 30)))


# Behind one address may sit a whole police station.
WITH_A_NAME = Patience(free=5, longest=timedelta(minutes=5))
WITH_AN_ADDRESS = Patience(free=20, longest=timedelta(minutes=15))


class Throttled(RegistryError):
    """Too many failures of late; the text says how many seconds to wait."""


def reserve(session: Session, name: str, origin: str, now: datetime) -> None:
    """Count a try as failed, before it is made. Raises ``Throttled`` while it is too early for one.

    Rows are taken in the order of their keys, so that two tries never wait for each other in a circle.
    """
    session.execute(delete(SignInFailure).where(SignInFailure.last_at < now - FORGOTTEN_AFTER))
    rows = {key: session.get(SignInFailure, key, with_for_update=True) for key in sorted(_keys(name, origin))}
    waits = [
        row.last_at + patience.wait(row.failures) - now
        for key, patience in _keys(name, origin).items()
        if (row := rows[key]) is not None
    ]
    left = max(waits, default=timedelta(0))
    if left > timedelta(0):
        raise Throttled(
            N_("Too many failed tries. Try again in {seconds} s."), seconds=-(-left // timedelta(seconds=1))
        )
    for key, row in rows.items():
        if row is None:
            session.add(SignInFailure(key=key, failures=1, last_at=now))
        else:
            row.failures, row.last_at = row.failures + 1, now


def succeeded(session: Session, name: str, origin: str) -> None:
    """The password was right: the name starts anew; of the address only this try is taken back.

    Otherwise whoever has one account could go on guessing at others.
    """
    for key, patience in _keys(name, origin).items():
        row = session.get(SignInFailure, key, with_for_update=True)
        if row is not None:
            row.failures = 0 if patience is WITH_A_NAME else max(0, row.failures - 1)


def _keys(name: str, origin: str) -> Mapping[str, Patience]:
    """Names are kept as hashes: people type passwords into that field."""
    hashed = sha256(name.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
    return {f"name:{hashed}": WITH_A_NAME, f"address:{_neighbourhood(origin)}": WITH_AN_ADDRESS}


def _neighbourhood(origin: str) -> str:
    try:
        address = ip_address(origin)
    except ValueError:
        return origin[:100]
    return (
        str(ip_network((address, IPV6_OF_ONE), strict=False)) if isinstance(address, IPv6Address) else origin
    )
