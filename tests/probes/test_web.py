"""HTTP to cameras, against servers that do what cameras do; each F number is an entry of the catalogue."""

import asyncio
import hashlib
import ssl
import tracemalloc
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from probes.digest import is_answer_of, parse_authorization
from probes.errors import LinkError, ProbeError, WebError, WebProtocolError, WebTimeout, WebTooLarge
from probes.paths import clean_path
from probes.reasons import Reason
from probes.result import Credential, Target, TlsCheck
from probes.web import Web, WebAnswer, WebLimits
from tests.probes.climbing import Gate, now
from tests.probes.web_server import Answering, Asked, Reply, reply, serving

ADMIN = Credential("c1", "admin", "kh#ông:đoán")
QUICK = WebLimits(connect_s=1.0, first_byte_s=0.3, total_s=0.8, body_bytes=64 * 1024)


def target(port: int, *, tls: bool = False) -> Target:
    return Target(eye="E1", host="127.0.0.1", web_port=port, web_tls=tls, credential=ADMIN)


async def ask(
    answering: Answering,
    *,
    path: str = "/snap.jpg",
    gate: Gate | None = None,
    basic_allowed: bool = False,
    credential: Credential | None = ADMIN,
) -> tuple[WebAnswer, list[Asked]]:
    """One GET; what came back and what the server saw."""
    async with serving(answering) as server:
        web = Web()
        try:
            answer = await web.request(
                replace(target(server.port), basic_allowed=basic_allowed),
                "GET",
                path,
                logins=gate or Gate(),
                credential=credential,
                limits=QUICK,
            )
        finally:
            await web.close()
    return answer, server.asked


def guarded(*challenges: str, password: str = ADMIN.password, text: bytes = b"") -> Answering:
    """Answers ``IMAGE`` to whoever proves the password, and the challenges to everybody else."""
    owner = Credential("", ADMIN.user, password)

    def answering(asked: Asked) -> Reply:
        given = asked.headers.get("Authorization") or ""
        _, fields = parse_authorization(given)
        if is_answer_of(given, owner, asked.method, {"n1"}) and fields.get("uri", asked.path) == asked.path:
            return reply(200, b"IMAGE")
        return reply(401, text, *(f"WWW-Authenticate: {challenge}" for challenge in challenges))

    return answering


# ---- logging in


@pytest.mark.parametrize(
    ("challenges", "scheme"),
    [
        pytest.param(['Digest realm="r", nonce="n1"'], "MD5", id="F078_rfc2069"),
        pytest.param(['Digest realm="r", nonce="n1", qop="auth"'], "MD5", id="F078_md5"),
        pytest.param(['Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256'], "SHA-256", id="F036"),
        pytest.param(
            ['Digest realm="r", nonce="n1", qop="auth", algorithm=MD5-sess'], "MD5-sess", id="F036_sess"
        ),
        pytest.param(
            ['Basic realm="r"', 'Digest realm="r", nonce="n1", algorithm=SHA-256, qop="auth"'],
            "SHA-256",
            id="F038_basic_offered_first",
        ),
    ],
)
async def test_a_challenge_is_answered_once(challenges: list[str], scheme: str) -> None:
    answer, asked = await ask(guarded(*challenges))
    assert (answer.status, answer.body, answer.anonymous) == (200, b"IMAGE", False)
    assert len(asked) == 2
    assert asked[0].headers.get("Authorization") is None
    _, fields = parse_authorization(asked[1].headers.get("Authorization") or "")
    assert fields.get("algorithm", "MD5") == scheme


async def test_without_a_challenge_no_password_is_sent() -> None:
    answer, asked = await ask(lambda _: reply(200, b"IMAGE"))
    assert answer.anonymous
    assert [request.headers.get("Authorization") for request in asked] == [None]


async def test_a_challenge_that_cannot_be_sent_back_gets_no_password() -> None:
    realm = "\u6444\u50cf\u673a".encode("gbk")
    challenge = b'HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm="' + realm + b'", nonce="n1"\r\n\r\n'
    gate = Gate()
    with pytest.raises(ProbeError) as error:
        await ask(lambda _: challenge, gate=gate)
    assert (error.value.reason, gate.states) == (Reason.AUTH_UNSUPPORTED, {})


async def test_a_wrong_password_costs_one_try_of_the_budget_that_rtsp_shares() -> None:
    gate = Gate()
    answering = guarded('Digest realm="r", nonce="n1", qop="auth"', password="another")
    with pytest.raises(ProbeError) as refused:
        await ask(answering, gate=gate)
    assert refused.value.reason is Reason.AUTH_REJECTED
    with pytest.raises(ProbeError) as held:
        await ask(answering, gate=gate)
    assert (held.value.reason, gate.refused) == (Reason.AUTH_REJECTED, 1)


@pytest.mark.parametrize(
    "text",
    ["The device is locked", "Temporary Suspension", "please try it after 5 minutes", "user lockout"],
)
async def test_a_lock_is_told_from_a_wrong_password(text: str) -> None:
    with pytest.raises(ProbeError) as refused:
        await ask(guarded('Digest realm="r", nonce="n1"', password="x", text=text.encode()))
    assert refused.value.reason is Reason.AUTH_LOCKED


async def test_a_device_that_hangs_up_on_a_password_is_not_asked_again() -> None:
    gate = Gate()

    def answering(asked: Asked) -> Reply:
        if asked.headers.get("Authorization"):
            return b""
        return reply(401, b"", 'WWW-Authenticate: Digest realm="r", nonce="n1"')

    with pytest.raises(ProbeError) as refused:
        await ask(answering, gate=gate)
    assert refused.value.reason is Reason.AUTH_REJECTED
    assert [len(state.rejected_at) for state in gate.states.values()] == [1]


async def test_a_stale_nonce_is_no_refusal() -> None:
    gate = Gate()
    seen: list[str] = []

    def answering(asked: Asked) -> Reply:
        given = asked.headers.get("Authorization") or ""
        seen.append(given)
        if is_answer_of(given, ADMIN, "GET", {"n2"}):
            return reply(200, b"IMAGE")
        stale = ', nonce="n2", stale=true' if given else ', nonce="n1"'
        return reply(401, b"", f'WWW-Authenticate: Digest realm="r"{stale}')

    answer, asked = await ask(answering, gate=gate)
    assert (answer.body, len(asked), gate.refused) == (b"IMAGE", 3, 0)


@pytest.mark.parametrize("allowed", [True, False])
async def test_basic_only_where_the_device_is_allowed_it(allowed: bool) -> None:
    answering = guarded('Basic realm="r"')
    if allowed:
        answer, _ = await ask(answering, basic_allowed=True)
        assert answer.notes == (Reason.CREDENTIALS_SENT_IN_CLEAR,)
    else:
        with pytest.raises(ProbeError) as refused:
            await ask(answering)
        assert refused.value.reason is Reason.AUTH_BASIC_REFUSED_BY_POLICY


async def test_a_challenge_without_a_credential_says_so() -> None:
    with pytest.raises(ProbeError) as refused:
        await ask(guarded('Digest realm="r", nonce="n1"'), credential=None)
    assert refused.value.reason is Reason.AUTH_REQUIRED_NO_CREDENTIALS


async def test_requests_that_share_a_login_cost_one_try() -> None:
    gate = Gate()
    async with serving(guarded('Digest realm="r", nonce="n1", qop="auth"')) as server:
        web, eye = Web(), target(server.port)
        login = web.login(eye, ADMIN, gate)
        for path in ("/a", "/b", "/c"):
            answer = await web.request(eye, "GET", path, logins=gate, credential=ADMIN, login=login)
            assert answer.body == b"IMAGE"
        await web.close()
    counts = [
        parse_authorization(asked.headers.get("Authorization") or "")[1].get("nc") for asked in server.asked
    ]
    assert counts == [None, "00000001", "00000002", "00000003"]


async def test_403_is_an_answer() -> None:
    answer, _ = await ask(lambda _: reply(403, b"notSupport"))
    assert answer.status == 403


# ---- addresses


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        pytest.param("/snap.jpg", "/snap.jpg", id="as_it_is"),
        pytest.param("snap.jpg", "/snap.jpg", id="without_a_slash"),
        pytest.param("/s?user=admin&password=p%40&channel=1", "/s?channel=1", id="F020_user_and_password"),
        pytest.param("/s?loginuse=a&loginpas=b", "/s", id="F020_nothing_left"),
        pytest.param("/s?User=a;chn=0", "/s?chn=0", id="F020_semicolons"),
        pytest.param("/a b#frag", "/a%20b", id="space_and_fragment"),
        pytest.param("/a\r\nX-Evil: 1", "/a%0D%0AX-Evil:%201", id="line_break"),
        pytest.param("/ảnh.jpg", "/%E1%BA%A3nh.jpg", id="vietnamese"),
        pytest.param("//other.host/x", "//other.host/x", id="looks_like_a_host"),
        pytest.param("/a/../b?x=%2F", "/a/../b?x=%2F", id="left_alone"),
    ],
)
async def test_the_path_that_is_sent(asked: str, sent: str) -> None:
    answer, requests = await ask(guarded('Digest realm="r", nonce="n1"'), path=asked)
    assert [request.path for request in requests] == [sent, sent]
    assert answer.path == sent


@given(st.text(max_size=200))
def test_no_path_breaks_the_request_line(path: str) -> None:
    try:
        sent = clean_path(path)
    except WebProtocolError:
        return
    assert sent.startswith("/")
    assert all(33 <= ord(char) < 127 for char in sent)


async def test_the_default_port_is_not_written() -> None:
    web = Web()
    async with serving(lambda _: reply(200), host="127.80.0.79", port=80) as server:
        eye = Target(eye="E1", host="127.80.0.79")
        await web.request(eye, "GET", "/", logins=Gate(), credential=None)
    await web.close()
    assert server.asked[0].headers.get("Host") == "127.80.0.79"  # F079


async def test_one_redirect_at_the_same_place_is_followed() -> None:
    answer, asked = await ask(
        lambda a: reply(302, b"", "Location: /real.jpg?user=a") if a.path == "/snap.jpg" else reply(200, b"I")
    )
    assert (answer.body, answer.path) == (b"I", "/real.jpg")
    assert len(asked) == 2


@pytest.mark.parametrize(
    "location",
    [
        pytest.param("http://127.0.0.2:{port}/x", id="F090_another_host"),
        pytest.param("http://127.0.0.1:1/x", id="F090_another_port"),
        pytest.param("https://127.0.0.1:{port}/x", id="another_scheme"),
        pytest.param("http://admin:pw@127.0.0.1:{port}/x", id="userinfo"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("http://[broken/x", id="broken"),
    ],
)
async def test_a_redirect_elsewhere_is_an_answer_and_nothing_more(location: str) -> None:
    ports: list[int] = []

    def answering(asked: Asked) -> Reply:
        host = asked.headers.get("Host") or ""
        return reply(302, b"", f"Location: {location.format(port=host.rpartition(':')[2])}")

    answer, asked = await ask(answering)
    assert (answer.status, len(asked), ports) == (302, 1, [])


async def test_a_second_redirect_is_not_followed() -> None:
    answer, asked = await ask(lambda a: reply(301, b"", f"Location: {a.path}x"))
    assert (answer.status, len(asked)) == (301, 2)


# ---- what cameras and worse things answer


async def _drip(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.05)


async def _endless_headers(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: b\r\n" * 1000)
        await writer.drain()


async def _endless_line(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-A: ")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def _endless_body(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def _endless_chunks(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1;" + b"e" * 4000 + b"\r\nx\r\n")
        await writer.drain()


async def _silence(writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _endless_multipart_head(writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n")
    while True:
        writer.write(b"X-A: b\r\n" * 100)
        await writer.drain()


@pytest.mark.parametrize(
    ("answered", "error"),
    [
        pytest.param(_silence, WebTimeout, id="silence"),
        pytest.param(_drip, WebTimeout, id="slow_drip"),
        pytest.param(_endless_headers, WebProtocolError, id="endless_headers"),
        pytest.param(_endless_line, WebProtocolError, id="endless_line"),
        pytest.param(_endless_body, WebTooLarge, id="F084_endless_body"),
        pytest.param(_endless_chunks, WebError, id="endless_chunks"),
        pytest.param(_endless_multipart_head, WebProtocolError, id="endless_multipart"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 52428800\r\n\r\nx", WebTooLarge, id="50_MB"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", WebProtocolError, id="another_protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", WebProtocolError, id="bad_length"),
        pytest.param(b"\x16\x03\x01\x00\xff", WebProtocolError, id="bytes"),
    ],
)
async def test_a_hostile_server_ends_in_an_error_of_ours(
    answered: bytes | Callable[[asyncio.StreamWriter], Awaitable[None]], error: type[ProbeError]
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(error) as raised:
            await ask(lambda _: answered)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 20_000_000
    assert ADMIN.password not in repr(raised.value)


async def test_an_idle_connection_that_was_dropped_is_asked_once_more() -> None:
    answers = iter([b"", reply(200, b"IMAGE")])
    answer, asked = await ask(lambda _: next(answers))
    assert (answer.body, len(asked)) == (b"IMAGE", 2)  # F023


async def test_a_server_that_always_hangs_up_is_reset() -> None:
    with pytest.raises(LinkError) as raised:
        await ask(lambda _: b"")
    assert raised.value.reason is Reason.CONNECTION_RESET


async def test_a_port_where_nobody_listens() -> None:
    async with serving(lambda _: b"") as server:
        port = server.port
    web = Web()
    with pytest.raises(LinkError) as raised:
        await web.request(target(port), "GET", "/", logins=Gate(), credential=None)
    await web.close()
    assert raised.value.reason is Reason.TCP_REFUSED


async def test_a_body_that_is_cut_off_is_said_to_be() -> None:
    answer, _ = await ask(lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n\xff\xd8half")
    assert (answer.body, answer.whole) == (b"\xff\xd8half", False)  # F082


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: 5\r\n\r\n", id="length"),
        pytest.param(b"\r\n--b\r\nContent-Type: image/jpeg\r\n\r\n", id="no_length"),
    ],
)
@pytest.mark.parametrize("boundary", ["b", '"b"', "--b"])
async def test_of_an_endless_stream_the_first_part_is_taken(head: bytes, boundary: str) -> None:
    async def stream(writer: asyncio.StreamWriter) -> None:
        kind = f"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary={boundary}\r\n\r\n"
        writer.write(kind.encode())
        while True:
            writer.write(head + b"IM\r\nG\r\n")
            await writer.drain()
            await asyncio.sleep(0.01)

    answer, _ = await ask(lambda _: stream)
    assert answer.body[:5] == b"IM\r\nG"  # F084
    assert answer.whole


async def test_the_date_of_the_device() -> None:
    answer, _ = await ask(lambda _: reply(200, b"", "Date: Sun, 22 Nov 2026 05:00:00 GMT"))
    assert answer.date == datetime(2026, 11, 22, 5, tzinfo=UTC)
    answer, _ = await ask(lambda _: reply(200, b"", "Date: yesterday"))
    assert answer.date is None


async def test_no_cookie_comes_back_and_no_proxy_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    web = Web()
    async with serving(lambda _: reply(200, b"", "Set-Cookie: a=b")) as server:
        for _ in range(2):
            await web.request(target(server.port), "GET", "/", logins=Gate(), credential=None)
    await web.close()
    assert [asked.headers.get("Cookie") for asked in server.asked] == [None, None]
    assert server.connections == 2


async def test_nothing_of_a_credential_shows() -> None:
    answer, _ = await ask(
        lambda a: reply(200, ADMIN.password.encode(), f"X-Echo: {a.headers.get('Host')}", reason="kh#ông")
    )
    assert ADMIN.password not in repr(answer)
    assert "kh#ông" not in repr(answer)


# ---- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[ssl.SSLContext, str]:
    """A server's context with a certificate that nobody signed, and its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "camera")])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now() - timedelta(days=1))
        .not_valid_after(now() + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "camera.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context, hashlib.sha256(signed.public_bytes(serialization.Encoding.DER)).hexdigest()


@pytest.mark.parametrize(
    ("check", "pin", "outcome"),
    [
        pytest.param(TlsCheck.NONE, "", (Reason.TLS_UNTRUSTED,), id="F026_not_looked_at"),
        pytest.param(TlsCheck.PIN, "right", (), id="pinned"),
        pytest.param(TlsCheck.PIN, "RIGHT", (), id="pinned_with_colons"),
        pytest.param(TlsCheck.PIN, "0" * 64, Reason.TLS_PIN_MISMATCH, id="another_certificate"),
        pytest.param(TlsCheck.VERIFY, "", Reason.TLS_HANDSHAKE_FAILED, id="self_signed_and_verified"),
    ],
)
async def test_how_the_certificate_is_looked_at(
    certificate: tuple[ssl.SSLContext, str], check: TlsCheck, pin: str, outcome: Reason | tuple[Reason, ...]
) -> None:
    context, fingerprint = certificate
    if pin.lower() == "right":
        pin = (
            fingerprint
            if pin == "right"
            else ":".join(fingerprint.upper()[i : i + 2] for i in range(0, 64, 2))
        )
    web = Web()
    async with serving(lambda _: reply(200, b"IMAGE"), tls=context) as server:
        eye = replace(target(server.port, tls=True), tls_check=check, tls_pin=pin)
        asking = web.request(eye, "GET", "/", logins=Gate(), credential=ADMIN, limits=QUICK)
        if isinstance(outcome, Reason):
            with pytest.raises(LinkError) as raised:
                await asking
            assert raised.value.reason is outcome
            assert server.asked == []
        else:
            assert (await asking).notes == outcome
    await web.close()


async def test_tls_asked_of_a_plain_server() -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    web = Web()
    async with await asyncio.start_server(refuse, "127.0.0.1", 0) as server:
        eye = target(server.sockets[0].getsockname()[1], tls=True)
        with pytest.raises(LinkError) as raised:
            await web.request(eye, "GET", "/", logins=Gate(), credential=None, limits=QUICK)
    await web.close()
    assert raised.value.reason is Reason.TLS_HANDSHAKE_FAILED
