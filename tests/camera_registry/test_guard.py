"""The guard: which names are answered, over which lines, and what a proxy in front must have been told."""

from collections.abc import Iterator
from pathlib import Path
from socket import create_connection
from typing import Any

import pytest
from fastapi.testclient import TestClient

from camera_registry.app import MOST_SENT, PublicBindRefused, refuse_public_bind
from camera_registry.db import Database
from camera_registry.settings import load
from tests.dashboards.serving import make_web, served
from tests.databases import sqlite_in

NAMED: dict[str, Any] = {"public_names": "camera.example, 10.0.0.5"}
PROXIED = NAMED | {"trusted_proxies": "10.0.0.0/24"}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    database = Database(sqlite_in(tmp_path_factory.mktemp("guard")))
    yield database
    database.close()


@pytest.mark.parametrize(
    ("settings", "url", "address", "headers", "status"),
    [
        pytest.param({}, "http://127.0.0.1:8000", "127.0.0.1", {}, 200, id="address and port"),
        pytest.param({}, "http://x", "127.0.0.1", {"Host": "LOCALHOST"}, 200, id="name"),
        pytest.param({}, "http://x", "::1", {"Host": "[::1]:8000"}, 200, id="IPv6"),
        pytest.param({}, "http://x", "127.0.0.1", {"Host": "[::1]"}, 200, id="IPv6 without a port"),
        pytest.param({}, "http://attacker.example", "127.0.0.1", {}, 421, id="a name made to resolve to us"),
        pytest.param({}, "http://127.0.0.1.attacker.example", "127.0.0.1", {}, 421, id="a look-alike"),
        pytest.param({}, "http://x", "127.0.0.1", {"Host": ""}, 421, id="no name"),
        pytest.param({}, "http://localhost", "192.0.2.7", {}, 421, id="our name from another machine"),
        pytest.param({}, "http://localhost", "testclient", {}, 421, id="our name from nowhere"),
        pytest.param(NAMED, "https://camera.example", "192.0.2.7", {}, 200, id="a public name over TLS"),
        pytest.param(NAMED, "https://10.0.0.5", "192.0.2.7", {}, 200, id="a public address over TLS"),
        pytest.param(NAMED, "https://other.example", "192.0.2.7", {}, 421, id="another name over TLS"),
        pytest.param(NAMED, "http://camera.example", "192.0.2.7", {}, 421, id="an open line"),
        pytest.param(NAMED, "http://camera.example", "127.0.0.1", {}, 421, id="a proxy nobody named"),
        pytest.param(
            *(NAMED, "https://camera.example", "127.0.0.1", {"X-Forwarded-For": "192.0.2.7"}, 421),
            id="forwarded by a proxy nobody named",
        ),
        pytest.param(
            *(PROXIED, "https://camera.example", "192.0.2.7", {"X-Forwarded-For": "192.0.2.7"}, 200),
            id="forwarded by one that is named",
        ),
        pytest.param(PROXIED, "https://camera.example", "10.0.0.9", {}, 421, id="a proxy, for nobody"),
        pytest.param(PROXIED, "https://camera.example", "127.0.0.1", {}, 421, id="this machine, for nobody"),
        pytest.param(PROXIED, "http://localhost", "127.0.0.1", {}, 200, id="this machine, for itself"),
        pytest.param({}, "http://localhost", "127.0.0.1", {"Via": "1.1 x"}, 421, id="a proxy under our name"),
        pytest.param(
            *(PROXIED, "http://localhost", "127.0.0.1", {"X-Real-IP": "192.0.2.7"}, 421),
            id="one that is named, under our name",
        ),
    ],
)
def test_who_is_answered(
    database: Database,
    settings: dict[str, Any],
    url: str,
    address: str,
    headers: dict[str, str],
    status: int,
) -> None:
    client = TestClient(make_web(database, **settings).app, base_url=url, client=(address, 50_000))

    answer = client.get("/healthz", headers=headers)

    assert answer.status_code == status
    secure = answer.headers.get("strict-transport-security", "")
    assert secure.startswith("max-age=") == url.startswith("https:")


def test_nginx_as_it_came_is_not_taken_for_this_machine(database: Database) -> None:
    """Before 1.29.7 it spoke HTTP/1.0; it puts our address in place of the name it was asked by, and tells
    nobody's. What speaks HTTP/1.1 so is heard, and ``/metrics`` asks it for a token."""
    with served(make_web(database)) as address:
        host, port = address.removeprefix("http://").split(":")
        for version, status in (("1.0", 421), ("1.1", 200)):
            with create_connection((host, int(port)), timeout=10) as line:
                line.sendall(f"GET /healthz HTTP/{version}\r\nHost: {host}:{port}\r\n\r\n".encode())
                assert int(line.makefile("rb").readline().split()[1]) == status


@pytest.mark.parametrize("path", ["/", "/sign-in", "/api/v1/eyes", "/nothing", "/static/nothing", "/metrics"])
def test_strict_headers_on_every_answer(database: Database, path: str) -> None:
    client = TestClient(make_web(database).app, base_url="http://localhost", client=("127.0.0.1", 50_000))
    headers = client.get(path).headers

    assert "default-src 'self'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_loopback_may_be_bound(host: str) -> None:
    refuse_public_bind(host, load(data_dir=Path("unused")), tls=False)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "registry.example", ""])
def test_anything_else_needs_tls_and_a_name(host: str) -> None:
    plain, named, proxied = (load(data_dir=Path("unused"), **told) for told in ({}, NAMED, PROXIED))
    with pytest.raises(PublicBindRefused, match="without TLS") as refusal:
        refuse_public_bind(host, named, tls=False)
    assert "mật khẩu có thể bị đọc trộm" in refusal.value.text("vi")
    with pytest.raises(PublicBindRefused, match="PUBLIC_NAMES"):
        refuse_public_bind(host, plain, tls=True)

    refuse_public_bind(host, named, tls=True)
    refuse_public_bind(host, proxied, tls=False)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("/sign-in", "application/x-www-form-urlencoded", id="open to anybody"),
        pytest.param("/registry/edit", "application/x-www-form-urlencoded", id="a page"),
        pytest.param("/api/v1/maintenance", "application/json", id="for programs"),
    ],
)
def test_nobody_has_a_large_body_read(database: Database, path: str, kind: str) -> None:
    """A body is read before it is known who sends it."""
    client = TestClient(make_web(database).app, base_url="http://localhost", client=("127.0.0.1", 50_000))
    headers = {"content-type": kind, "sec-fetch-site": "same-origin"}
    for body in (b"x" * (MOST_SENT + 1), iter([b"x" * MOST_SENT, b"x"])):
        assert client.post(path, content=body, headers=headers).status_code == 413
