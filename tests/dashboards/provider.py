"""An OpenID Connect provider for tests: it keeps to the standard until it is told to misbehave."""

import base64
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlsplit

import uvicorn
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI, HTTPException, Request
from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.servers import free_port

CLIENT, SECRET = "camera-registry", "canary+client:secret"

Spoil = Callable[[dict[str, Any]], dict[str, Any]]


def rsa_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "1"})


@dataclass
class FakeProvider:
    """``claims``, ``answer`` and ``document`` change what it would say; ``signs_with`` what it signs by."""

    address: str
    key: RSAKey = field(default_factory=rsa_key)
    signs_with: RSAKey | None = None
    claims: Spoil = field(default=lambda told: told)
    answer: Spoil = field(default=lambda told: told)
    document: Spoil = field(default=lambda told: told)
    granted: dict[str, dict[str, str]] = field(default_factory=dict)

    def agree(self, location: str) -> str:
        """What a person does there: where the browser is sent back to, as a path of ours."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        assert (asked["client_id"], asked["code_challenge_method"]) == (CLIENT, "S256")
        assert set(asked["scope"].split()) == {"openid", "email"}
        code = f"code-{len(self.granted)}"
        self.granted[code] = asked
        return f"{urlsplit(asked['redirect_uri']).path}?code={code}&state={asked['state']}"

    def app(self) -> FastAPI:
        app = FastAPI()

        @app.get("/.well-known/openid-configuration")
        def describe() -> dict[str, Any]:
            return self.document(
                {
                    "issuer": self.address,
                    "authorization_endpoint": f"{self.address}/authorize",
                    "token_endpoint": f"{self.address}/token",
                    "jwks_uri": f"{self.address}/keys",
                }
            )

        @app.get("/keys")
        def keys() -> dict[str, Any]:
            return {"keys": [self.key.as_dict(private=False)]}

        @app.post("/token")
        async def token(request: Request) -> dict[str, Any]:
            form = {name: str(value) for name, value in (await request.form()).items()}
            login = base64.b64encode(f"{CLIENT}:{quote_plus(SECRET)}".encode()).decode()
            asked = self.granted.pop(form["code"], None)
            verifier = form["code_verifier"]
            challenge = create_s256_code_challenge(verifier)  # type: ignore[no-untyped-call]  # by its stubs
            if (
                request.headers.get("authorization") != f"Basic {login}"
                or asked is None
                or form["redirect_uri"] != asked["redirect_uri"]
                or challenge != asked["code_challenge"]
            ):
                raise HTTPException(400)
            return self._proof(asked["nonce"])

        return app

    def _proof(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        told = self.claims(
            {
                **{"iss": self.address, "sub": "sub-1", "aud": CLIENT, "iat": now, "exp": now + 300},
                **{"nonce": nonce, "email": "Lan@example.vn", "email_verified": True},
            }
        )
        proof = jwt.encode({"alg": "RS256", "kid": "1"}, told, self.signs_with or self.key)
        return self.answer({"access_token": "x", "token_type": "Bearer", "id_token": proof})


@contextmanager
def provider() -> Iterator[FakeProvider]:
    """One on loopback, while the block lasts."""
    port = free_port()
    fake = FakeProvider(f"http://127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(fake.app(), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        give_up = time.monotonic() + 20
        while not server.started:
            assert thread.is_alive(), "the provider did not start"
            assert time.monotonic() < give_up, "the provider did not start in time"
            time.sleep(0.01)
        yield fake
    finally:
        server.should_exit = True
        thread.join(10)
