"""How long somebody waits after failed tries to sign in: kept in the database, by name and by address.

The first few are free; then each doubles the wait. A try is counted before its password is looked at, so that
a hundred at once are counted as a hundred, and taken back when the password was right. Failures are forgotten
one by one while nobody tries, and those of a name at an address once it signs in there: they were slips.

Nobody elsewhere locks out anybody. Whoever has signed in from an address of late is let in there by the right
password while it is too early for others: whatever strangers try elsewhere, and, up to a second and larger
patience, others in the same house. Of every name a password that comes too early is looked at and counted
alike: neither an answer nor the time that it takes tells whose names are known there. A link made at the
console always signs in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from camera_registry.audit import Action
from camera_registry.auth.users import NAME
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import Audit, SignInFailure

FORGOTTEN_AFTER = timedelta(days=1)
KNOWN_FOR = timedelta(days=90)  # after signing in somewhere
ONE_FORGOTTEN = timedelta(minutes=15)  # a failure less, for each that passes without a try
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


WITH_A_NAME = Patience(free=5, longest=timedelta(minutes=5))  # at one address
WITH_A_NAME_ANYWHERE = Patience(free=20, longest=timedelta(minutes=5))
# Behind one address may sit a whole police station.
WITH_AN_ADDRESS = Patience(free=20, longest=timedelta(minutes=15))
TOO_EARLY_AT_AN_ADDRESS = Patience(free=100, longest=timedelta(minutes=15))
OF_A_NAME = (WITH_A_NAME, WITH_A_NAME_ANYWHERE)


class Throttled(RegistryError):
    """Too many failures of late; the text says how many seconds to wait."""


@dataclass(frozen=True, slots=True)
class Reserved:
    """A try that is counted as failed until it has ``succeeded``; ``before`` holds what stood at each key.

    ``too_early`` is what it hears if it was; the right password of a ``known`` name is heard all the same.
    """

    at: datetime
    before: Mapping[str, tuple[int, datetime]]
    known: bool
    too_early: Throttled | None = None

    def check(self, right: bool) -> None:
        """Raise ``Throttled`` if it came too early, unless the password is ``right`` and the name known."""
        if self.too_early is not None and not (right and self.known):
            raise self.too_early


def reserve(session: Session, name: str, origin: str, now: datetime) -> Reserved:
    """Count a try as failed, before it is made. Raises ``Throttled`` while it is too early for anybody.

    ``check`` what came of it once this transaction is over: what raises inside of it is not counted.

    Rows are made, and then locked, in the order of their keys: of many first tries at once each is counted,
    and no two wait for each other in a circle.
    """
    session.execute(delete(SignInFailure).where(SignInFailure.last_at < now - FORGOTTEN_AFTER))
    known = _is_known(session, name, origin, now)
    too_early = None
    patiences = _keys(name, origin)
    rows = _made(session, patiences, now)
    left = {patiences[row.key]: _left(row, patiences[row.key], now) for row in rows}
    if max(left.values()) > timedelta(0):
        too_early = Throttled(
            N_("Too many failed tries. Try again in {seconds} s."),
            seconds=-(-max(left.values()) // timedelta(seconds=1)),
        )
        patiences = _keys_too_early(name, origin)
        rows = _made(session, patiences, now)
        left_then = (_left(row, patiences[row.key], now) for row in rows)
        if max(left[WITH_A_NAME], *left_then) > timedelta(0):
            raise too_early
    before = {row.key: (row.failures, row.last_at) for row in rows}
    for row in rows:
        row.failures, row.last_at = _not_forgotten(row, now) + 1, now
    return Reserved(now, before, known, too_early)


def succeeded(session: Session, name: str, origin: str, reserved: Reserved) -> None:
    """The password was right: the name starts anew; of the address this try is taken back, and its slips.

    No more than that: whoever has one account could go on guessing at others. The time of the last failure
    comes back too: that one colleague signs in makes no other one wait.
    """
    patiences = _keys_too_early(name, origin) if reserved.too_early else _keys(name, origin)
    slips = next(reserved.before[key][0] for key in patiences if patiences[key] is WITH_A_NAME)
    for row in _locked(session, patiences):
        alone = row.last_at == reserved.at
        if patiences[row.key] in OF_A_NAME:
            row.failures = 0
        elif alone:
            failures, row.last_at = reserved.before[row.key]
            row.failures = max(0, failures - slips)
        else:
            row.failures = max(0, row.failures - 1 - slips)


def _left(row: SignInFailure, patience: Patience, now: datetime) -> timedelta:
    return row.last_at + patience.wait(row.failures) - now


def _made(session: Session, keys: Collection[str], now: datetime) -> Sequence[SignInFailure]:
    """The rows of the keys, locked, even of those that nobody has tried yet."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    rows = [{"key": key, "failures": 0, "last_at": now} for key in sorted(keys)]
    session.connection().execute(dialect.insert(SignInFailure).on_conflict_do_nothing(), rows)
    return _locked(session, keys)


def _locked(session: Session, keys: Collection[str]) -> Sequence[SignInFailure]:
    row = SignInFailure
    wanted = select(row).where(row.key.in_(keys)).order_by(row.key).with_for_update()
    return session.scalars(wanted.execution_options(populate_existing=True)).all()


def _not_forgotten(row: SignInFailure, now: datetime) -> int:
    return max(0, row.failures - max(0, (now - row.last_at) // ONE_FORGOTTEN))


def _is_known(session: Session, name: str, origin: str, now: datetime) -> bool:
    """Whether this name has signed in from this address of late."""
    name = name.strip().lower()
    if not NAME.fullmatch(name):
        return False
    came = select(Audit.origin).where(
        Audit.subject == f"user:{name}", Audit.action == Action.SIGNED_IN, Audit.at > now - KNOWN_FOR
    )
    return neighbourhood(origin) in {neighbourhood(each) for each in session.scalars(came.distinct())}


def _keys(name: str, origin: str) -> Mapping[str, Patience]:
    """Names are kept as hashes: people type passwords into that field."""
    hashed = sha256(name.strip().lower().encode("utf-8", "surrogatepass")).hexdigest()
    address = neighbourhood(origin)
    return {
        f"name:{hashed}": WITH_A_NAME_ANYWHERE,
        f"name:{hashed}@{address}": WITH_A_NAME,
        f"address:{address}": WITH_AN_ADDRESS,
    }


def _keys_too_early(name: str, origin: str) -> Mapping[str, Patience]:
    """What counts while it is too early; these sort, and so are locked, after the others."""
    whose = {patience: key for key, patience in _keys(name, origin).items()}
    return {
        f"too early: {whose[WITH_A_NAME]}": WITH_A_NAME,
        f"too early: {whose[WITH_AN_ADDRESS]}": TOO_EARLY_AT_AN_ADDRESS,
    }


def neighbourhood(origin: str) -> str:
    """What counts as one address: of IPv6, what one household has."""
    try:
        address = ip_address(origin)
    except ValueError:
        return origin[:100]
    return (
        str(ip_network((address, IPV6_OF_ONE), strict=False)) if isinstance(address, IPv6Address) else origin
    )
