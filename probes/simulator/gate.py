"""Who may look: the camera's side of Digest and Basic (RFC 7616, RFC 7617), and its lock against guessing."""

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
from probes.simulator.fleet import Auth, CameraSpec

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


@dataclass(slots=True)
class Gate:
    """Judges the Authorization of each request to one camera, and counts what it judged."""

    counters: Counters
    locks: dict[tuple[str, str], Lock] = field(default_factory=dict)

    def judge(
        self,
        spec: CameraSpec,
        password: str | None,
        method: str,
        uri: str,
        header: str | None,
        visitor: Visitor,
        at: float,
    ) -> Answer:
        """``password`` is the one the camera accepts now; ``None``: it refuses everybody as locked out."""
        if not spec.auth:
            return Answer.WELCOME
        if header is None:
            return Answer.CHALLENGED
        user, right = _verified(spec, password or spec.password, method, uri, header, visitor.nonce)
        lock = self._lock(user, visitor.source)
        if password is None or at < lock.until:
            self.counters.logins_refused += 1
            return Answer.LOCKED
        if not right:
            self.counters.logins_refused += 1
            lock.refusals += 1
            if spec.lock_after and lock.refusals >= spec.lock_after:
                lock.refusals, lock.until = 0, at + spec.lock_s
                self.counters.locks += 1
            return Answer.REFUSED
        if visitor.stale_due:
            visitor.stale_due = False
            visitor.nonce = secrets.token_hex(16)
            return Answer.STALE
        lock.refusals = 0
        if not visitor.welcomed:
            visitor.welcomed = True
            self.counters.logins_accepted += 1
        return Answer.WELCOME

    def _lock(self, user: str, source: str) -> Lock:
        """Refusals are counted per account and address, as Hikvision does, and not per channel."""
        if (user, source) not in self.locks and len(self.locks) >= MAX_LOCKS:
            return Lock()
        return self.locks.setdefault((user, source), Lock())


def challenges(spec: CameraSpec, visitor: Visitor, *, stale: bool) -> list[str]:
    """The WWW-Authenticate values, in the order of ``spec.auth``."""
    said = list[str]()
    for auth in spec.auth:
        if auth is Auth.BASIC:
            said.append(f'Basic realm="{REALM}"')
            continue
        parts = [f'Digest realm="{REALM}"', f'nonce="{visitor.nonce}"']
        if auth is not Auth.MD5:  # plain MD5 is what older cameras mean by saying nothing
            parts.append(f"algorithm={_SAID[auth]}")
        if spec.qop:
            parts.append('qop="auth"')
        if stale:
            parts.append("stale=true")
        said.append(", ".join(parts))
    return said


def _verified(
    spec: CameraSpec, password: str, method: str, uri: str, header: str, nonce: str
) -> tuple[str, bool]:
    """The account that was named, and whether its password was right."""
    scheme, _, rest = header.partition(" ")
    if scheme.lower() == "basic":
        user, given = _basic(rest)
        right = (
            Auth.BASIC in spec.auth
            and user == spec.user
            and hmac.compare_digest(given.encode(), password.encode())
        )
        return user, right
    said = {
        m[1].lower(): re.sub(r"\\(.)", r"\1", m[2]) if m[2] is not None else m[3]
        for m in _PARAMETER.finditer(rest)
    }
    user = said.get("username", "")
    named = said.get("algorithm", "MD5").lower()
    auth = next((a for a in spec.auth if a.value == named and a is not Auth.BASIC), None)
    if scheme.lower() != "digest" or auth is None or user != spec.user or said.get("realm") != REALM:
        return user, False
    # The uri must be the very text of the request line (RFC 7616, 3.4.6; so do cameras, go2rtc #244).
    if said.get("nonce") != nonce or said.get("uri") != uri:
        return user, False
    response = _response(auth, said, f"{user}:{REALM}:{password}", f"{method}:{uri}")
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
