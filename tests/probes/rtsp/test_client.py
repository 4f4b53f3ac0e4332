import asyncio
import errno
import socket
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
import uvloop

from probes.errors import LinkError, ProbeError, RtspProtocolError
from probes.reasons import Reason
from probes.rtsp.client import USER_AGENT, RtspConnection, reason_of
from probes.rtsp.messages import Frame, Reader, Request
from tests.probes.rtsp.packets import rtp

URI = "rtsp://127.0.0.1/a"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def camera(talk: Talk) -> AsyncIterator[int]:
    """A server on loopback that talks as told; yields its port."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def head(reader: asyncio.StreamReader) -> Request:
    (request,) = Reader().feed(await reader.readuntil(b"\r\n\r\n"))
    assert isinstance(request, Request)
    return request


def answering(answer: bytes) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await reader.read()

    return talk


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")


async def ask(port: int, timeout: float = 0.05) -> ProbeError:
    """The error that an OPTIONS ends with."""
    connection = await RtspConnection.open("127.0.0.1", port)
    with pytest.raises(ProbeError) as error:
        await connection.request("OPTIONS", URI, timeout=timeout)
    await connection.close()
    return error.value


@pytest.mark.parametrize(
    ("talk", "reason"),
    [
        pytest.param(silent, Reason.RTSP_TIMEOUT, id="silent"),
        pytest.param(closing, Reason.CONNECTION_RESET, id="closes"),
        pytest.param(answering(b"RTSP/1.0 200 OK\r\nCSe"), Reason.RTSP_TIMEOUT, id="stops in the middle"),
        pytest.param(
            answering(b"RTSP/1.0 100 Continue\r\nCSeq: 1\r\n\r\n"), Reason.RTSP_TIMEOUT, id="only 100"
        ),
        pytest.param(
            answering(b"SSH-2.0-dropbear\r\n" * 3), Reason.RTSP_PROTOCOL_ERROR, id="another service"
        ),
        pytest.param(answering(b"\x00" * 9 + b"\xff" * 4_000_000), Reason.RTSP_PROTOCOL_ERROR, id="garbage"),
        pytest.param(
            answering(b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n"),
            Reason.RTSP_PROTOCOL_ERROR,
            id="huge",
        ),
    ],
)
async def test_what_goes_wrong_has_its_reason(talk: Talk, reason: Reason) -> None:
    async with camera(talk) as port:
        assert (await ask(port, 0.3 if reason is Reason.RTSP_PROTOCOL_ERROR else 0.05)).reason is reason


async def test_a_closed_port_is_refused() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
    with pytest.raises(LinkError) as error:
        await RtspConnection.open("127.0.0.1", port)
    assert error.value.reason is Reason.TCP_REFUSED


async def test_a_full_backlog_times_out() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        try:
            for filler in fillers:
                filler.setblocking(False)
                filler.connect_ex(("127.0.0.1", port))
            with pytest.raises(LinkError) as error:
                await RtspConnection.open("127.0.0.1", port, timeout=0.1)
            assert error.value.reason is Reason.TCP_TIMEOUT
        finally:
            for filler in fillers:
                filler.close()


async def test_a_name_that_nobody_knows() -> None:
    with pytest.raises(LinkError) as error:
        await RtspConnection.open("no-such-camera.invalid", 554, dns_timeout=0.4)
    assert error.value.reason is Reason.DNS_FAILED


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), Reason.HOST_UNREACHABLE),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), Reason.HOST_UNREACHABLE),
        (PermissionError(errno.EACCES, "Permission denied"), Reason.HOST_UNREACHABLE),
        (ConnectionRefusedError(), Reason.TCP_REFUSED),
        (TimeoutError(), Reason.TCP_TIMEOUT),
        (OSError(errno.ETIMEDOUT, "timed out"), Reason.TCP_TIMEOUT),
        (ConnectionResetError(), Reason.CONNECTION_RESET),
        (BrokenPipeError(), Reason.CONNECTION_RESET),
        (socket.gaierror(-2, "unknown"), Reason.DNS_FAILED),
        (ssl.SSLError(1, "wrong version"), Reason.TLS_HANDSHAKE_FAILED),
        (OSError(errno.EMFILE, "Too many open files"), Reason.MONITOR_INTERNAL_ERROR),
        (RtspProtocolError("x"), Reason.RTSP_PROTOCOL_ERROR),
        (KeyError("x"), Reason.MONITOR_INTERNAL_ERROR),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_has_one_reason(error: Exception, reason: Reason) -> None:
    assert reason_of(error) is reason


async def test_tls_with_a_server_that_has_none() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    async with camera(answering(b"")) as port:
        with pytest.raises(LinkError) as error:
            await RtspConnection.open("127.0.0.1", port, ssl=context, tls_timeout=0.1)
    assert error.value.reason is Reason.TLS_HANDSHAKE_FAILED


@pytest.mark.parametrize(
    "cseq", [pytest.param("", id="no CSeq"), "CSeq: 0\r\n", "CSeq: 999\r\n", "CSeq: abc\r\n", "cseq :1 \r\n"]
)
async def test_an_answer_is_recognised_by_order_where_its_number_is_nonsense(cseq: str) -> None:
    async with camera(answering(f"RTSP/1.0 200 OK\r\n{cseq}\r\n".encode())) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        assert (await connection.request("OPTIONS", URI)).status == 200
        await connection.close()


async def test_a_late_answer_is_not_taken_for_the_next_one() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        await head(reader)
        writer.write(b"RTSP/1.0 401 Late\r\nCSeq: 1\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 2\r\n\r\n")
        await reader.read()

    async with camera(talk) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        with pytest.raises(LinkError):
            await connection.request("OPTIONS", URI, timeout=0.02)
        assert (await connection.request("DESCRIBE", URI)).status == 200
        await connection.close()


async def test_every_request_names_its_sender_and_its_number() -> None:
    requests: list[Request] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            requests.append(await head(reader))
            writer.write(f"RTSP/1.0 200 OK\r\nCSeq: {len(requests)}\r\n\r\n".encode())

    async with camera(talk) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        for method in ("OPTIONS", "DESCRIBE"):
            await connection.request(method, URI)
        await connection.teardown(URI, "77")
    assert [(r.method, r.headers.get("CSeq"), r.headers.get("User-Agent")) for r in requests] == [
        ("OPTIONS", "1", USER_AGENT),
        ("DESCRIBE", "2", USER_AGENT),
        ("TEARDOWN", "3", USER_AGENT),
    ]
    assert requests[-1].headers.get("Session") == "77"


@pytest.mark.parametrize(
    ("frames", "size"),
    [
        pytest.param(12, 100, id="little, at the next look"),
        pytest.param(90, 1_400, id="much, as soon as it is there"),
    ],
)
async def test_frames_are_gathered_and_none_is_left(frames: int, size: int) -> None:
    """One by one they come; and the last is there when the camera has sent it and says nothing more."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head(reader)
        writer.write(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")
        for _ in range(frames):
            writer.write(b"$\x00" + size.to_bytes(2, "big") + bytes(size))
            await writer.drain()
            await asyncio.sleep(0.01)
        await reader.read()

    async with camera(talk) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        connection.reader.channels = frozenset((0, 1))
        handed_on: list[int] = []

        def take(came: Sequence[Frame]) -> bool:
            handed_on.append(len(came))
            return sum(handed_on) == frames

        connection.on_frames = take
        with connection.gathering():
            await connection.request("PLAY", URI)
            assert sum(handed_on) == frames or await connection.wait(10)
        assert sum(handed_on) == frames
        assert len(handed_on) <= frames // 4
        await connection.close()


async def test_requests_of_the_server_are_answered() -> None:
    answers: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"GET_PARAMETER * RTSP/1.0\r\nCSeq: 8\r\n\r\nANNOUNCE * RTSP/1.0\r\nCSeq: 9\r\n\r\n")
        answers.append(await reader.readuntil(b"\r\n\r\n"))
        answers.append(await reader.readuntil(b"\r\n\r\n"))

    async with camera(talk) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        with pytest.raises(LinkError):
            await connection.wait(5)
    assert answers == [
        b"RTSP/1.0 200 OK\r\nCSeq: 8\r\n\r\n",
        b"RTSP/1.0 501 Not Implemented\r\nCSeq: 9\r\n\r\n",
    ]


async def test_wait_ends_by_a_frame_by_time_or_by_the_end_of_the_connection() -> None:
    go_on = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packet = rtp(b"x")
        writer.write(b"$\0" + len(packet).to_bytes(2, "big") + packet)
        await go_on.wait()

    async with camera(talk) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        connection.reader.channels = frozenset((0, 1))
        frames: list[tuple[int, bytes]] = []

        def take(came: Sequence[tuple[int, bytes]]) -> bool:
            frames.extend(came)
            return True

        connection.on_frames = take
        assert await connection.wait(5)
        assert frames == [(0, rtp(b"x"))]
        assert not await connection.wait(0.01)
        go_on.set()
        with pytest.raises(LinkError):
            await connection.wait(5)
        with pytest.raises(LinkError):
            await connection.request("OPTIONS", URI)
        await connection.teardown(URI, "1")  # of a dead connection: nothing happens


async def test_teardown_is_sent_even_when_the_caller_is_cancelled() -> None:
    heard: list[str] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append((await head(reader)).method)
        await reader.read()  # and never answers, as go2rtc does
        heard.append("closed")

    async with camera(talk) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        task = asyncio.create_task(connection.teardown(URI, "1", timeout=0.1))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while "closed" not in heard:
            await asyncio.sleep(0.01)
    assert heard == ["TEARDOWN", "closed"]


async def test_teardown_does_not_wait_for_one_that_never_answers() -> None:
    async with camera(silent) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await connection.teardown(URI, "1", timeout=0.1)
        assert loop.time() - begin < 0.4


def test_teardown_on_a_busy_machine() -> None:
    """The half close is due between the end of the connection and the turn of whoever waits for it."""
    errors: list[str] = []
    patience = 0.1

    class Busy(RtspConnection):
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            time.sleep(patience)  # other work, before the loop looks at its timers again

    async def leave() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, said: errors.append(repr(said)))
        async with camera(answering(b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n")) as port:
            connection = await Busy.open("127.0.0.1", port)
            await connection.teardown(URI, "1", timeout=patience)

    uvloop.run(leave())  # whose transports can always write EOF, they say, closed ones too
    assert errors == []


async def test_udp_packets_come_from_the_camera_alone() -> None:
    async with camera(silent) as port:
        connection = await RtspConnection.open("127.0.0.1", port)
        frames: list[tuple[int, bytes]] = []

        def take(came: Sequence[tuple[int, bytes]]) -> bool:
            frames.extend(came)
            return len(frames) == 2

        connection.on_frames = take
        pair = await connection.open_udp_pair()
        assert pair.port % 2 == 0
        assert pair.client_port == f"{pair.port}-{pair.port + 1}"
        with socket.socket(type=socket.SOCK_DGRAM) as ours, socket.socket(type=socket.SOCK_DGRAM) as theirs:
            ours.bind(("127.0.0.1", 0))
            theirs.bind(("127.0.0.2", 0))
            theirs.sendto(b"a stranger", ("127.0.0.1", pair.port))
            ours.sendto(b"rtp", ("127.0.0.1", pair.port))
            ours.sendto(b"rtcp", ("127.0.0.1", pair.port + 1))
            assert await connection.wait(5)
            ours.settimeout(5)
            pair.punch("127.0.0.1", ours.getsockname()[1])
            assert ours.recv(100)[0] == 0x80
        assert sorted(frames) == [(0, b"rtp"), (1, b"rtcp")]
        await connection.close()


async def test_no_credential_shows_anywhere() -> None:
    secret = "canary-90ab"
    answer = f"RTSP/1.0 401 No {secret}\r\nCSeq: 1\r\nContent-Base: rtsp://admin:{secret}@h/\r\n\r\n"
    async with camera(answering(answer.encode())) as port:
        connection = await RtspConnection.open("127.0.0.1", port, secrets=[secret])
        headers = [("Authorization", f'Digest username="admin", response="{secret}"')]
        response = await connection.request("DESCRIBE", f"rtsp://127.0.0.1/a?password={secret}", headers)
        with pytest.raises(LinkError) as error:
            await connection.request("SETUP", f"rtsp://127.0.0.1/{secret}", headers, timeout=0.02)
        transcript = connection.transcript
        await connection.close()
    assert response.status == 401
    assert "WWW" not in transcript
    assert "> DESCRIBE" in transcript
    assert "< RTSP/1.0 401" in transcript
    for text in (transcript, connection.exchange, str(error.value), repr(error.value), repr(connection)):
        assert secret not in text
