"""Signing in with the account of an organisation: the whole way, and every answer that proves nothing."""

import re
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import select, update

from camera_registry import models
from camera_registry.api.broadcast import Broadcaster
from camera_registry.app import create_app
from camera_registry.auth.oidc import MOST_BEGUN_BY_ONE, OidcError, Provider
from camera_registry.auth.roles import Role
from camera_registry.counters import Counters
from camera_registry.db import Database
from camera_registry.settings import SettingsError, load
from tests.dashboards.provider import CLIENT, SECRET, FakeProvider, provider, rsa_key
from tests.databases import sqlite_in
from tests.servers import free_port, started


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    made = Database(sqlite_in(tmp_path_factory.mktemp("oidc")))
    now = datetime.now(UTC)
    with made.transaction() as session:
        session.add_all(
            models.User(name=name, role=Role.OPERATOR, everywhere=True, made_at=now, made_by="tests")
            for name in ("lan@example.vn", "minh@example.vn")
        )
    yield made
    made.close()


@pytest.fixture(scope="module")
def there() -> Iterator[FakeProvider]:
    with provider() as fake:
        yield fake


@pytest.fixture
def fake(there: FakeProvider, database: Database) -> FakeProvider:
    """The same one, as honest as it was; nobody has signed in by it yet."""
    there.claims = there.answer = there.document = lambda told: told
    there.signs_with = None
    with database.transaction() as session:
        session.execute(update(models.User).values(subject=None, disabled_at=None))
    return there


def app_of(
    database: Database, issuer: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> FastAPI:
    settings = load(
        data_dir=Path("unused"), oidc_issuer=issuer, oidc_client_id=CLIENT, oidc_client_secret=SECRET
    )
    return create_app(database, settings, counters=Counters.new(), broadcaster=Broadcaster(), now=now)


@pytest.fixture(scope="module")
def app(database: Database, there: FakeProvider) -> FastAPI:
    return app_of(database, there.address)


def browser(app: FastAPI) -> TestClient:
    """A new one, that nobody has signed in with."""
    return TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000), follow_redirects=False)


def there_and_back(client: TestClient, fake: FakeProvider, next: str = "/eyes") -> Any:
    gone = client.get("/sign-in/oidc", params={"next": next})
    assert gone.status_code == 303, gone.text
    return client.get(fake.agree(gone.headers["location"]))


def test_somebody_signs_in_and_is_known_by_subject_from_then_on(
    database: Database, app: FastAPI, fake: FakeProvider
) -> None:
    client = browser(app)
    assert 'href="/sign-in/oidc?next=%2Feyes"' in client.get("/sign-in?next=/eyes").text
    done = there_and_back(client, fake)
    assert (done.status_code, done.headers["location"]) == (303, "/eyes")
    assert client.get("/api/v1/eyes").status_code == 200
    row = models.Audit
    with database.reading() as session:
        told = session.execute(select(row.who, row.action, row.request_id, row.detail)).all()[-2:]
    assert [(each.who, each.action) for each in told] == [
        ("lan@example.vn", "user_changed"),
        ("lan@example.vn", "signed_in"),
    ]
    assert {each.request_id for each in told} == {done.headers["X-Request-Id"]}
    assert told[0].detail["after"] == {"subject": "sub-1"}

    fake.claims = lambda told: told | {"email": "minh@example.vn"}
    another = browser(app)
    assert there_and_back(another, fake).status_code == 303
    with database.reading() as session:
        assert session.scalars(select(row.who).order_by(row.id)).all()[-1] == "lan@example.vn"


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda told: {each: value for each, value in told.items() if each != name}


def unsigned(told: dict[str, Any]) -> dict[str, Any]:
    _, claims, _ = told["id_token"].split(".")
    return told | {"id_token": f"eyJhbGciOiJub25lIn0.{claims}."}


@pytest.mark.parametrize(
    ("part", "spoil"),
    [
        pytest.param("claims", lambda told: told | {"nonce": "another"}, id="wrong nonce"),
        pytest.param("claims", without("nonce"), id="no nonce"),
        pytest.param("claims", lambda told: told | {"aud": "another"}, id="for another"),
        pytest.param("claims", lambda told: told | {"aud": [CLIENT, "b"], "azp": "b"}, id="by another party"),
        pytest.param("claims", lambda told: told | {"iss": "https://elsewhere.example"}, id="of another"),
        pytest.param("claims", lambda told: told | {"exp": told["iat"] - 120}, id="expired"),
        pytest.param("claims", lambda told: told | {"iat": told["iat"] + 3_600}, id="of the future"),
        pytest.param("claims", without("sub"), id="of nobody"),
        pytest.param("claims", lambda told: told | {"sub": 7}, id="subject no text"),
        pytest.param("claims", lambda told: told | {"sub": "x" * 256}, id="subject too long"),
        pytest.param("answer", unsigned, id="unsigned"),
        pytest.param("answer", without("id_token"), id="no proof"),
        pytest.param("answer", lambda told: told | {"id_token": "x.y.z"}, id="no token at all"),
        pytest.param("answer", lambda told: told | {"filler": "x" * 300_000}, id="too large"),
    ],
)
def test_what_proves_nothing_signs_nobody_in(
    app: FastAPI, fake: FakeProvider, part: str, spoil: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    setattr(fake, part, spoil)
    client = browser(app)
    refused = there_and_back(client, fake)
    assert refused.status_code == 403
    assert client.get("/api/v1/eyes").status_code == 401


def test_another_key_signs_nobody_in(app: FastAPI, fake: FakeProvider) -> None:
    fake.signs_with = rsa_key()
    assert there_and_back(browser(app), fake).status_code == 403


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"email": "stranger@example.vn"}, id="unknown here"),
        pytest.param({"email_verified": False}, id="mail not verified"),
        pytest.param({"email_verified": "true"}, id="a word is no truth"),
        pytest.param({"email": None}, id="no mail"),
    ],
)
def test_who_is_not_known_here_is_told_whom_to_ask(
    app: FastAPI, fake: FakeProvider, claims: dict[str, Any]
) -> None:
    fake.claims = lambda told: told | claims
    refused = there_and_back(browser(app), fake)
    assert refused.status_code == 403
    assert "quản trị" in refused.text


def test_who_was_disabled_or_is_somebody_elses_name_stays_out(
    database: Database, app: FastAPI, fake: FakeProvider
) -> None:
    with database.transaction() as session:
        session.execute(update(models.User).values(disabled_at=datetime.now(UTC)))
    assert there_and_back(browser(app), fake).status_code == 403
    with database.transaction() as session:
        session.execute(update(models.User).values(disabled_at=None))
        session.execute(
            update(models.User).where(models.User.name == "lan@example.vn").values(subject="sub-of-before")
        )
    assert there_and_back(browser(app), fake).status_code == 403, "the mail was given away"


def test_a_way_back_is_gone_once_by_the_browser_that_began_it(app: FastAPI, fake: FakeProvider) -> None:
    client, stranger = browser(app), browser(app)
    gone = client.get("/sign-in/oidc")
    back = fake.agree(gone.headers["location"])
    assert stranger.get(back).status_code == 403, "a link that signs a victim in as somebody else"
    assert client.get(re.sub("state=[^&]*", "state=guessed", back)).status_code == 403
    assert client.get(back).status_code == 403, "the wrong try has used it up"

    back = fake.agree(client.get("/sign-in/oidc").headers["location"])
    cookie = client.cookies["oidc"]
    assert client.get(back).status_code == 303
    client.cookies.clear()
    client.cookies.set("oidc", cookie)
    assert client.get(back).status_code == 403, "replayed"


def test_a_way_back_is_open_for_ten_minutes(database: Database, fake: FakeProvider) -> None:
    late = timedelta()
    client = browser(app_of(database, fake.address, lambda: datetime.now(UTC) + late))
    back = fake.agree(client.get("/sign-in/oidc").headers["location"])
    late = timedelta(minutes=10)
    assert client.get(back).status_code == 403


def test_next_leads_to_no_page_of_others(app: FastAPI, fake: FakeProvider) -> None:
    client = browser(app)
    assert there_and_back(client, fake, "//elsewhere.example/").headers["location"] == "/"


def test_what_the_provider_refuses_is_said(app: FastAPI, fake: FakeProvider) -> None:
    client = browser(app)
    state = parse_qs(urlsplit(client.get("/sign-in/oidc").headers["location"]).query)["state"][0]
    refused = client.get("/sign-in/oidc/back", params={"error": "access_denied", "state": state})
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "document",
    [
        pytest.param({"issuer": "https://elsewhere.example"}, id="another issuer"),
        pytest.param({"token_endpoint": "http://elsewhere.example/token"}, id="in the open"),
        pytest.param({"jwks_uri": None}, id="no keys"),
    ],
)
def test_a_provider_that_describes_another_is_not_asked(
    database: Database, fake: FakeProvider, document: dict[str, Any]
) -> None:
    fake.document = lambda told: told | document
    refused = browser(app_of(database, fake.address)).get("/sign-in/oidc")
    assert (refused.status_code, "location" in refused.headers) == (403, False)


def test_a_provider_that_is_gone_is_said_to_be(database: Database) -> None:
    client = browser(app_of(database, f"http://127.0.0.1:{free_port()}"))
    assert client.get("/sign-in/oidc").status_code == 403
    assert client.get("/sign-in").status_code == 200, "a password goes on"


def test_a_provider_that_is_gone_is_left_alone_for_a_while(database: Database, fake: FakeProvider) -> None:
    late, asked = timedelta(), 0

    def gone(told: dict[str, Any]) -> dict[str, Any]:
        nonlocal asked
        asked += 1
        return {}

    fake.document = gone
    client = browser(app_of(database, fake.address, lambda: datetime.now(UTC) + late))
    assert [client.get("/sign-in/oidc").status_code for _ in range(3)] == [403] * 3
    assert asked == 1
    fake.document, late = lambda told: told, timedelta(seconds=10)
    assert client.get("/sign-in/oidc").status_code == 303


def test_who_begins_many_sign_ins_shuts_out_nobody_else(fake: FakeProvider) -> None:
    now, asked = datetime.now(UTC), Provider(fake.address, CLIENT, None)

    def begin(origin: str) -> tuple[str, str]:
        address, key = asked.begin("http://localhost/sign-in/oidc/back", "/", origin, now)
        return key, parse_qs(urlsplit(address).query)["state"][0]

    def outcome(begun: tuple[str, str]) -> str:
        with pytest.raises(OidcError) as refused:
            asked.finish(begun[0], {"error": "access_denied", "state": begun[1]}, now)
        return str(refused.value)

    somebody = begin("192.0.2.7")
    flood = [begin(f"2001:db8::{n:x}") for n in range(1_100)]
    for kept in (somebody, flood[-1], flood[-MOST_BEGUN_BY_ONE]):
        assert outcome(kept) == "The provider did not sign you in."
    assert "was not begun here" in outcome(flood[-MOST_BEGUN_BY_ONE - 1]), "a household is one address"


def test_without_a_provider_there_is_no_way_to_it(database: Database) -> None:
    settings = load(data_dir=Path("unused"))
    client = browser(create_app(database, settings, counters=Counters.new(), broadcaster=Broadcaster()))
    assert client.get("/sign-in/oidc").status_code == 404
    assert "/sign-in/oidc" not in client.get("/sign-in").text


@pytest.mark.parametrize("issuer", ["http://idp.example", "idp.example", "https://a@idp.example", "https://"])
def test_an_issuer_in_the_open_is_no_setting(issuer: str) -> None:
    with pytest.raises(SettingsError, match="OIDC_ISSUER"):
        load(data_dir=Path("unused"), oidc_issuer=issuer)


def test_a_provider_nobody_here_wrote(database: Database, fake: FakeProvider, tmp_path: Path) -> None:
    """``oidc-provider-mock``: its own discovery, keys, form and answers."""
    port = free_port()
    argv: list[str | Path] = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port)]
    with started(argv, log=tmp_path / "log", ready=lambda log: answers(port)):
        client = browser(app_of(database, f"http://localhost:{port}"))
        gone = client.get("/sign-in/oidc").headers["location"]
        claims = {"email": "minh@example.vn", "email_verified": True}
        assert httpx2.put(f"http://localhost:{port}/users/s-9", json=claims).status_code == 204
        agreed = httpx2.post(gone, data={"sub": "s-9"})
        back = urlsplit(agreed.headers["location"])
        done = client.get(f"{back.path}?{back.query}")
        assert (done.status_code, done.headers["location"]) == (303, "/")
    with database.reading() as session:
        subject = select(models.User.subject).where(models.User.name == "minh@example.vn")
        assert session.scalars(subject).one() == "s-9"


def answers(port: int) -> bool:
    try:
        return httpx2.get(f"http://localhost:{port}/jwks").status_code == 200
    except httpx2.HTTPError:
        return False
