"""HTTP authentication as RTSP cameras use it: challenges in, an Authorization value out (RFC 7616, RFC 7617).

Pure: the ladder decides when a login may be tried, this room only how it is written down. The
second half is what a server needs to check an answer; the simulator uses it.
"""

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from probes.reasons import Reason
from probes.result import Credential

MAX_CHALLENGES: Final = 16

# In our order of preference. SHA-512-256 is left out: no camera is known to offer it.
_HASHES: Final = {
    "SHA-256": hashlib.sha256,
    "SHA-256-SESS": hashlib.sha256,
    "MD5": hashlib.md5,
    "MD5-SESS": hashlib.md5,
}
_PREFERENCE: Final = tuple(_HASHES)

# A parameter, or else a word that begins the next challenge. Commas and spaces between are not relied upon.
_PIECE: Final = re.compile(
    r"""(?P<name>[A-Za-z][\w-]*) \s* = \s* (?: "(?P<quoted>(?:\\.|[^"\\])*)"? | (?P<token>[^\s,]*) )
      | (?P<scheme>[A-Za-z][\w-]*)""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of a 401; ``None`` means: not sent.

    Quoted strings keep their backslashes: what is hashed is what is echoed (``unq`` of RFC 7616, 3.4).
    """

    scheme: str
    realm: str = ""
    nonce: str = ""
    algorithm: str | None = None
    qop: str | None = None
    opaque: str | None = None
    stale: bool = False

    @property
    def is_basic(self) -> bool:
        return self.scheme.lower() == "basic"

    @property
    def hash_name(self) -> str:
        """The algorithm in capitals; absent means MD5 (RFC 7616, 3.3)."""
        return (self.algorithm or "MD5").upper()

    @property
    def offers_auth(self) -> bool:
        """Whether qop is absent or holds ``auth``; ``auth-int`` alone is not spoken here."""
        offered = {word.strip().lower() for word in (self.qop or "").split(",")} - {""}
        return not offered or "auth" in offered

    @property
    def is_understood(self) -> bool:
        return (
            self.scheme.lower() == "digest"
            and self.hash_name in _HASHES
            and self.offers_auth
            and self.nonce != ""
        )


def parse_challenges(values: Iterable[str]) -> tuple[Challenge, ...]:
    """Every challenge of all ``WWW-Authenticate`` values, in the order sent, at most ``MAX_CHALLENGES``."""
    found: list[tuple[str, dict[str, str]]] = []
    for value in values:
        for scheme, fields in _parse(value):
            if len(found) < MAX_CHALLENGES:
                found.append((scheme, fields))
    return tuple(
        Challenge(
            scheme=scheme,
            realm=fields.get("realm", ""),
            nonce=fields.get("nonce", ""),
            algorithm=fields.get("algorithm") or None,
            qop=fields.get("qop") or None,
            opaque=fields.get("opaque"),
            stale=fields.get("stale", "").lower() == "true",
        )
        for scheme, fields in found
    )


def choose(
    challenges: Iterable[Challenge], *, basic_allowed: bool, prefer: str | None = None
) -> Challenge | Reason:
    """The challenge to answer, or the reason why none will be.

    Digest goes before Basic and SHA-256 before MD5, unless ``prefer`` names the algorithm this
    device accepted last (some refuse the SHA-256 they offer). Basic only as the sole offer and by
    opt-in: it is the password in clear.
    """
    offered = tuple(challenges)
    digests = sorted(
        (challenge for challenge in offered if challenge.is_understood),
        key=lambda challenge: (
            prefer is None or challenge.hash_name != prefer.upper(),
            _PREFERENCE.index(challenge.hash_name),
        ),
    )
    if digests:
        return digests[0]
    if offered and all(challenge.is_basic for challenge in offered):
        return offered[0] if basic_allowed else Reason.AUTH_BASIC_REFUSED_BY_POLICY
    return Reason.AUTH_UNSUPPORTED


def authorize(
    challenge: Challenge,
    credential: Credential,
    method: str,
    uri: str,
    *,
    nc: int = 1,
    cnonce: str | None = None,
) -> str:
    """The ``Authorization`` value that answers ``challenge``.

    ``uri`` must be the very text of the request line: cameras compare it by letter. ``nc`` counts
    the requests made with this nonce, from 1.
    """
    if challenge.is_basic:
        pair = f"{credential.user}:{credential.password}".encode()
        return "Basic " + base64.b64encode(pair).decode("ascii")
    fields = {
        "username": credential.user.replace("\\", "\\\\").replace('"', '\\"'),
        "realm": challenge.realm,
        "nonce": challenge.nonce,
        "uri": uri,
    }
    bare: dict[str, str] = {}  # written without quotes (RFC 7616, 3.4)
    if challenge.algorithm is not None:
        bare["algorithm"] = challenge.algorithm
    if challenge.qop is not None:
        bare |= {"qop": "auth", "nc": f"{nc:08x}"}
    if challenge.qop is not None or challenge.hash_name.endswith("-SESS"):
        fields["cnonce"] = cnonce if cnonce is not None else secrets.token_hex(8)
    fields["response"] = expected_response(fields | bare, credential, method)
    if challenge.opaque is not None:
        fields["opaque"] = challenge.opaque
    quoted = [f'{name}="{value}"' for name, value in fields.items()]
    return "Digest " + ", ".join(quoted + [f"{name}={value}" for name, value in bare.items()])


def expected_response(fields: Mapping[str, str], credential: Credential, method: str) -> str:
    """The ``response`` that belongs to these fields of an Authorization header (RFC 7616, 3.4.1).

    Raises ``KeyError`` when a needed field or the algorithm is missing from what we know.
    """
    name = fields.get("algorithm", "MD5").upper()
    algorithm = _HASHES[name]

    def digest(*parts: str) -> str:
        return algorithm(":".join(parts).encode("utf-8", "surrogateescape")).hexdigest()

    secret = digest(credential.user, fields["realm"], credential.password)
    if name.endswith("-SESS"):
        secret = digest(secret, fields["nonce"], fields["cnonce"])
    request = digest(method, fields["uri"])
    if "qop" in fields:
        return digest(secret, fields["nonce"], fields["nc"], fields["cnonce"], fields["qop"], request)
    return digest(secret, fields["nonce"], request)  # the form of RFC 2069, still the most common in cameras


def parse_authorization(value: str) -> tuple[str, dict[str, str]]:
    """Scheme (lower case) and fields of an ``Authorization`` value.

    Basic yields ``username`` and ``password``. What cannot be read yields fewer fields, never an error.
    """
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except ValueError:
            return "basic", {}
        return "basic", {"username": user, "password": password}
    parsed = _parse(value)
    return (parsed[0][0].lower(), parsed[0][1]) if parsed else ("", {})


def is_answer_of(value: str, credential: Credential, method: str, nonces: Container[str]) -> bool:
    """Whether an ``Authorization`` value proves ``credential`` for this request; for servers.

    ``nonces`` are those the server gave out and still accepts.
    """
    scheme, fields = parse_authorization(value)
    if scheme == "basic":
        given = f"{fields.get('username')}:{fields.get('password')}"
        return hmac.compare_digest(given.encode(), f"{credential.user}:{credential.password}".encode())
    if (scheme, fields.get("username")) != ("digest", credential.user) or fields.get("nonce") not in nonces:
        return False
    try:
        expected = expected_response(fields, credential, method)
    except KeyError:
        return False
    return hmac.compare_digest(expected.encode(), fields.get("response", "").lower().encode())


def _parse(value: str) -> list[tuple[str, dict[str, str]]]:
    """Schemes with their fields (names in lower case); fields before any scheme are dropped."""
    found: list[tuple[str, dict[str, str]]] = []
    for piece in _PIECE.finditer(value):
        if piece["scheme"] is not None:
            found.append((piece["scheme"], {}))
        elif found:
            text = piece["quoted"] if piece["quoted"] is not None else piece["token"]
            found[-1][1].setdefault(piece["name"].lower(), text)
    return found
