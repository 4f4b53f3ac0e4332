"""Signing in with the account of an organisation: OpenID Connect 1.0, the code flow with PKCE (RFC 7636).

The provider says who somebody is, and nothing more: whoever may sign in is made here first, with a role and
units. The first time a person is found by a verified mail address that is the name to sign in with; from then
on by the provider's own ``sub``, which is never given to another. The registry's settings name one provider.
"""

import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from threading import Lock
from typing import Any
from urllib.parse import quote_plus, urlencode

import httpx2
import orjson
import structlog
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, import_key
from pydantic import SecretStr
from sqlalchemy import select
from sqlalchemy.orm import Session

from camera_registry import audit
from camera_registry.audit import Action, Actor
from camera_registry.auth import bearer, throttle
from camera_registry.errors import RegistryError
from camera_registry.i18n import N_
from camera_registry.models import User
from camera_registry.settings import Settings, private

SCOPE = "openid email"
ALGORITHMS = ("RS256", "PS256", "ES256")  # signed by the provider's own key; "none" and shared secrets never
PATIENCE_S = 10.0
LARGEST_ANSWER = 256 * 1024
BEGUN_FOR = timedelta(minutes=10)
MOST_BEGUN_BY_ONE = 20  # address, at a time
MOST_BEGUN = 10_000
ASKED_AGAIN_AFTER = timedelta(seconds=10)  # where the provider did not describe itself
KNOWN_FOR = timedelta(hours=1)
LEEWAY_S = 60  # between the provider's clock and ours
LONGEST_SUBJECT = 255  # OpenID Connect Core 1.0, 2

log = structlog.get_logger(__name__)


class OidcError(RegistryError):
    """Nobody is signed in by this answer."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A sign-in that the browser has taken to the provider. ``key`` is for its cookie alone."""

    key: str = field(repr=False)
    state: str
    nonce: str
    verifier: str = field(repr=False)
    back: str  # where the provider sends the browser: an address of ours
    next: str
    origin: str  # the address that the browser came from, see ``throttle.neighbourhood``
    at: datetime


@dataclass(frozen=True, slots=True)
class Claims:
    """Who the provider says that it is. ``email`` is blank unless the provider has verified it."""

    subject: str
    email: str


@dataclass(frozen=True, slots=True)
class _Endpoints:
    authorization: str
    token: str
    keys: str
    at: datetime


class Provider:
    """The one provider of the settings. What it says of itself is asked when first needed, and each hour."""

    def __init__(self, issuer: str, client_id: str, client_secret: SecretStr | None) -> None:
        self._issuer = issuer
        self._client_id = client_id
        self._client_secret = client_secret
        self._begun: dict[str, Begun] = {}
        self._lock = Lock()
        self._endpoints: _Endpoints | None = None
        self._failed_at: datetime | None = None

    @classmethod
    def of(cls, settings: Settings) -> "Provider | None":
        if settings.oidc_issuer is None:
            return None
        return cls(settings.oidc_issuer, settings.oidc_client_id, settings.oidc_client_secret)

    def begin(self, back: str, next: str, origin: str, now: datetime) -> tuple[str, str]:
        """The address of the provider that the browser goes to, and the key for its cookie.

        Raises ``OidcError`` where the provider cannot be asked.
        """
        endpoints = self._known(now)
        whose = throttle.neighbourhood(origin)
        begun = Begun(bearer.mint(), bearer.mint(), bearer.mint(), bearer.mint(), back, next, whose, now)
        self._remember(begun)
        challenge = create_s256_code_challenge(begun.verifier)  # type: ignore[no-untyped-call]  # by its stubs
        query = {
            "response_type": "code",
            "client_id": self._client_id,
            "redirect_uri": back,
            "scope": SCOPE,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        joint = "&" if "?" in endpoints.authorization else "?"
        return f"{endpoints.authorization}{joint}{urlencode(query)}", begun.key

    def finish(self, key: str, query: Mapping[str, str], now: datetime) -> tuple[Claims, str]:
        """Who came back from the provider, and where to lead them. Each sign-in is finished once.

        Raises ``OidcError``: for one that was not begun by this browser, or too long ago, or before; for what
        the provider refuses; for an answer that proves nothing.
        """
        with self._lock:
            begun = self._begun.pop(bearer.digest(key), None)
        if begun is None or now - begun.at >= BEGUN_FOR:
            raise OidcError(N_("This sign-in was not begun here, or too long ago. Begin again."))
        if not secrets.compare_digest(query.get("state", "").encode(), begun.state.encode()):
            raise OidcError(N_("This sign-in was not begun here, or too long ago. Begin again."))
        if "code" not in query:
            log.warning("the provider refused a sign-in", error=query.get("error", "")[:100])
            raise OidcError(N_("The provider did not sign you in."))
        try:
            return self._claims(query["code"], begun, now), begun.next
        except (JoseError, ValueError, KeyError, TypeError) as error:
            # What is wrong with a proof is for the log: whoever sent it learns nothing.
            log.warning("the answer of the provider proves nothing", error=type(error).__name__)
            raise OidcError(N_("The answer of the provider proves nothing.")) from None

    def _remember(self, begun: Begun) -> None:
        """Whoever begins too many loses the oldest of their own."""
        with self._lock:
            fresh = {key: each for key, each in self._begun.items() if begun.at - each.at < BEGUN_FOR}
            own = [key for key, each in fresh.items() if each.origin == begun.origin]
            if len(own) >= MOST_BEGUN_BY_ONE:
                del fresh[own[0]]
            elif len(fresh) >= MOST_BEGUN:
                del fresh[next(iter(fresh))]
            self._begun = {**fresh, bearer.digest(begun.key): begun}

    def _claims(self, code: str, begun: Begun, now: datetime) -> Claims:
        endpoints = self._known(now)
        answer = self._ask(
            "POST",
            endpoints.token,
            data={
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": begun.back,
                "code_verifier": begun.verifier,
                **({} if self._client_secret else {"client_id": self._client_id}),
            },
            auth=self._login(),
        )
        # Keys change at any time: they are asked for anew.
        keys = KeySet([import_key(key) for key in self._ask("GET", endpoints.keys)["keys"]])
        token = jwt.decode(answer["id_token"], keys, algorithms=list(ALGORITHMS))
        proof = CodeIDToken(
            token.claims,
            token.header,
            {
                "iss": {"essential": True, "value": self._issuer},
                "aud": {"essential": True, "value": self._client_id},
            },
            {
                "nonce": begun.nonce,
                "client_id": self._client_id,
                "access_token": answer.get("access_token"),
            },
        )
        proof.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
        subject = proof["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise ValueError("sub")
        email = proof.get("email") if proof.get("email_verified") is True else ""
        return Claims(subject, email.strip().lower() if isinstance(email, str) else "")

    def _login(self) -> tuple[str, str] | None:
        """Name and secret of the registry, encoded before they are joined (RFC 6749, 2.3.1)."""
        if self._client_secret is None:
            return None
        return quote_plus(self._client_id), quote_plus(self._client_secret.get_secret_value())

    def _known(self, now: datetime) -> _Endpoints:
        known = self._endpoints
        if known is not None and now - known.at < KNOWN_FOR:
            return known
        if self._failed_at is not None and now - self._failed_at < ASKED_AGAIN_AFTER:
            raise OidcError(N_("The provider of sign-ins cannot be asked now."))
        try:
            self._endpoints = self._described(now)
        except OidcError:
            self._failed_at = now
            raise
        return self._endpoints

    def _described(self, now: datetime) -> _Endpoints:
        said = self._ask("GET", f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        authorization, token, keys = addresses = [said.get(name) for name in names]
        # OpenID Connect Discovery 1.0, 4.3: whoever calls itself otherwise is another.
        sealed = all(isinstance(each, str) and private(each) for each in addresses)
        if said.get("issuer") != self._issuer or not sealed:
            log.error("the provider of sign-ins describes itself otherwise than the settings do")
            raise OidcError(N_("The provider of sign-ins cannot be asked now."))
        return _Endpoints(str(authorization), str(token), str(keys), now)

    def _ask(self, method: str, address: str, **what: Any) -> dict[str, Any]:
        """What the provider answers: a JSON object. Raises ``OidcError``."""
        try:
            with (
                httpx2.Client(timeout=PATIENCE_S, verify=_trusted()) as client,
                client.stream(method, address, headers={"Accept": "application/json"}, **what) as answer,
            ):
                body = b""
                for part in answer.iter_bytes():
                    body += part
                    if len(body) > LARGEST_ANSWER:
                        raise ValueError("too large")
                told = orjson.loads(body)
                if answer.status_code != 200 or not isinstance(told, dict):
                    raise ValueError(f"status {answer.status_code}")
        except (httpx2.HTTPError, ValueError) as error:
            log.error("the provider of sign-ins cannot be asked", error=type(error).__name__)
            raise OidcError(N_("The provider of sign-ins cannot be asked now.")) from None
        return told


@cache
def _trusted() -> ssl.SSLContext:
    """The authorities of this machine; reading them takes longer than asking a provider."""
    return ssl.create_default_context()


def user_of(session: Session, claims: Claims, origin: str, request_id: str, now: datetime) -> User:
    """The user whom the claims mean; found by mail address, the provider's ``sub`` is kept with the user.

    Raises ``OidcError`` where nobody here is meant, or somebody who may not sign in any more.
    """
    user = session.scalar(select(User).where(User.subject == claims.subject))
    if user is None and claims.email:
        user = session.scalar(select(User).where(User.name == claims.email, User.subject.is_(None)))
        if user is not None and user.disabled_at is None:
            user.subject = claims.subject
            actor = Actor(user.name, origin, request_id)
            detail = {"before": {"subject": None}, "after": {"subject": claims.subject}}
            audit.record(session, actor, Action.USER_CHANGED, f"user:{user.name}", now, detail=detail)
    if user is None or user.disabled_at is not None:
        raise OidcError(
            N_("Your account is known to the provider, but not here. Ask the administrator of this system.")
        )
    return user
