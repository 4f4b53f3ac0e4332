"""Who may look: the device's side of Digest, Basic and UsernameToken, and its one lock against guessing.

RFC 7616, RFC 7617, OASIS Web Services Security UsernameToken Profile 1.1.
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from probes.simulator.counters import Counters
from probes.simulator.faces import Auth
from probes.simulator.faults import Fault
from probes.simulator.fleet import CameraSpec
from probes.simulator.kinds import FaultKind

REALM: Final = "Simulated camera"
MAX_LOCKS: Final = 1000  # accounts remembered; names come from strangers

_HASH: Final[dict[Auth, Callable[[bytes], "hashlib._Hash"]]] = {
    Auth.MD5: hashlib.md5,
    Auth.MD5_SESS: hashlib.md5,
    Auth.SHA256: hashlib.sha256,
    Auth.SHA256_SESS: hashlib.sha256,
}
_SAID: Final = {
    Auth.MD5: "MD5",
    Auth.MD5_SESS: "MD5-sess",
    Auth.SHA256: "SHA-256",
    Auth.SHA256_SESS: "SHA-256-sess",
}
_PARAMETER: Final = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


class Answer(Enum):
    WELCOME = "welcome"
    CHALLENGED = "challenged"  # no credentials came
    STALE = "stale"  # right, but made with an expired nonce
    REFUSED = "refused"
    LOCKED = "locked"


@dataclass(slots=True)
class Visitor:
    """What the camera remembers of one connection."""

    source: str
    nonce: str = field(default_factory=lambda: secrets.token_hex(16))
    stale_due: bool = False
    welcomed: bool = False


@dataclass(slots=True)
class Lock:
    refusals: int = 0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class Door:
    """What one face of a device asks of who comes in; a ``locked`` one refuses everybody."""

    auth: tuple[Auth, ...]
    user: str
    password: str = field(repr=False)
    qop: bool = True
    locked: bool = False


def door_of(spec: CameraSpec, fault: Fault | None, auth: tuple[Auth, ...]) -> Door:
    """The door of a camera under a fault; a changed password opens to nobody who knows the old one."""
    kind = None if fault is None else fault.kind
    password = f"changed from {spec.password}" if kind is FaultKind.WRONG_PASSWORD else spec.password
    return Door(auth, spec.user, password, spec.qop, locked=kind is FaultKind.LOCKED)


@dataclass(frozen=True, slots=True)
class UsernameToken:
    """WS-Security's proof of a password (OASIS UsernameToken Profile 1.1, 3.1), as it came."""

    user: str
    digest: str = field(repr=False)
    nonce: str = field(repr=False)
    created: str = ""

    def matches(self, user: str, password: str) -> bool:
        """Whether Password_Digest = Base64(SHA-1(nonce + created + password))."""
        try:
            nonce = base64.b64decode(self.nonce, validate=True)
        except binascii.Error:
            return False
        right = hashlib.sha1(nonce + self.created.encode() + password.encode()).digest()
        return self.user == user and hmac.compare_digest(base64.b64encode(right), self.digest.encode())


@dataclass(slots=True)
class Gate:
    """Judges who asks one device, at whichever of its faces, and counts what it judged.

    After ``lock_after`` refusals (0: never) an account is locked for ``lock_s`` seconds.
    """

    counters: Counters
    lock_after: int = 0
    lock_s: float = 0.0
    locks: dict[tuple[str, str], Lock] = field(default_factory=dict)

    def judge(
        self, door: Door, method: str, uri: str, header: str | None, visitor: Visitor, at: float
    ) -> Answer:
        """Judge the Authorization ``header`` of one request."""
        if not door.auth:
            return Answer.WELCOME
        if header is None:
            return Answer.CHALLENGED
        user, right = _verified(door, method, uri, header, visitor.nonce)
        refused = self._refused(door, user, right, visitor.source, at)
        if refused is not None:
            return refused
        if visitor.stale_due:
            visitor.stale_due = False
            visitor.nonce = secrets.token_hex(16)
            return Answer.STALE
        self._welcome(user, visitor)
        return Answer.WELCOME

    def judge_token(
        self, door: Door, token: UsernameToken | None, timely: bool, visitor: Visitor, at: float
    ) -> Answer:
        """Judge a token; one that is not ``timely`` is refused as one with a wrong password is."""
        if not door.auth:
            return Answer.WELCOME
        if token is None:
            return Answer.CHALLENGED
        right = timely and token.matches(door.user, door.password)
        refused = self._refused(door, token.user, right, visitor.source, at)
        if refused is not None:
            return refused
        self._welcome(token.user, visitor)
        return Answer.WELCOME

    def _refused(self, door: Door, user: str, right: bool, source: str, at: float) -> Answer | None:
        lock = self._lock(user, source)
        if door.locked or at < lock.until:
            self.counters.logins_refused += 1
            return Answer.LOCKED
        if right:
            return None
        self.counters.logins_refused += 1
        lock.refusals += 1
        if self.lock_after and lock.refusals >= self.lock_after:
            lock.refusals, lock.until = 0, at + self.lock_s
            self.counters.locks += 1
        return Answer.REFUSED

    def _welcome(self, user: str, visitor: Visitor) -> None:
        self._lock(user, visitor.source).refusals = 0
        if not visitor.welcomed:
            visitor.welcomed = True
            self.counters.logins_accepted += 1

    def _lock(self, user: str, source: str) -> Lock:
        """Refusals are counted per account and address, as Hikvision does, and not per channel."""
        if (user, source) not in self.locks and len(self.locks) >= MAX_LOCKS:
            return Lock()
        return self.locks.setdefault((user, source), Lock())


def challenges(door: Door, visitor: Visitor, *, stale: bool) -> list[str]:
    """The WWW-Authenticate values, in the order of ``door.auth``."""
    said = list[str]()
    for auth in door.auth:
        if auth is Auth.BASIC:
            said.append(f'Basic realm="{REALM}"')
            continue
        parts = [f'Digest realm="{REALM}"', f'nonce="{visitor.nonce}"']
        if auth is not Auth.MD5:  # plain MD5 is what older cameras mean by saying nothing
            parts.append(f"algorithm={_SAID[auth]}")
        if door.qop:
            parts.append('qop="auth"')
        if stale:
            parts.append("stale=true")
        said.append(", ".join(parts))
    return said


def _verified(door: Door, method: str, uri: str, header: str, nonce: str) -> tuple[str, bool]:
    """The account that was named, and whether its password was right."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "basic":
        user, given = _basic(rest)
        right = (
            Auth.BASIC in door.auth
            and user == door.user
            and hmac.compare_digest(given.encode(), door.password.encode())
        )
        return user, right
    said = {
        m[1].lower(): re.sub(r"\\(.)", r"\1", m[2]) if m[2] is not None else m[3]
        for m in _PARAMETER.finditer(rest)
    }
    user = said.get("username", "")
    named = said.get("algorithm", "MD5").lower()
    auth = next((a for a in door.auth if a.value == named and a is not Auth.BASIC), None)
    if scheme.lower() != "digest" or auth is None or user != door.user or said.get("realm") != REALM:
        return user, False
    # The uri must be the very text of the request line (RFC 7616, 3.4.6; so do cameras, go2rtc #244).
    if said.get("nonce") != nonce or said.get("uri") != uri:
        return user, False
    response = _response(auth, said, f"{user}:{REALM}:{door.password}", f"{method}:{uri}")
    return user, hmac.compare_digest(response.encode(), said.get("response", "").lower().encode())


def _response(auth: Auth, said: dict[str, str], a1: str, a2: str) -> str:
    """RFC 7616, 3.4.1; without qop as RFC 2069 had it."""

    def h(text: str) -> str:
        return _HASH[auth](text.encode()).hexdigest()

    secret = h(a1)
    if auth in (Auth.MD5_SESS, Auth.SHA256_SESS):
        secret = h(f"{secret}:{said['nonce']}:{said.get('cnonce', '')}")
    if "qop" not in said:
        return h(f"{secret}:{said['nonce']}:{h(a2)}")
    fresh = f"{said['nonce']}:{said.get('nc', '')}:{said.get('cnonce', '')}:{said['qop']}"
    return h(f"{secret}:{fresh}:{h(a2)}")


def _basic(encoded: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
