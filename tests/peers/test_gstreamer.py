"""Probes of GStreamer's RTSP server: codecs, transports, passwords, refusals, broken streams."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from probes.reasons import Check, Outcome, Reason
from probes.result import Credential, Depth, Memory, Target, Transport
from tests.peers.asking import OpenGate, probe, stream
from tests.peers.conftest import PASSWORD, USER, Farm

ADMIN = Credential("admin", USER, PASSWORD)


def camera(port: int, path: str, *, tls: bool = False, credential: Credential | None = None) -> Target:
    return Target("eye", "127.0.0.1", port, path, tls=tls, credential=credential)


@contextmanager
def open_session(port: int, path: str) -> Iterator[None]:
    """Somebody else's session, as long as the block lasts."""
    url = f"rtsp://127.0.0.1:{port}{path}"
    with socket.create_connection(("127.0.0.1", port), timeout=5) as viewer:

        def ask(method: str, url: str, header: str) -> str:
            viewer.sendall(f"{method} {url} RTSP/1.0\r\nCSeq: 1\r\n{header}\r\n\r\n".encode())
            answer = viewer.recv(4096).decode()
            assert answer.startswith("RTSP/1.0 200"), answer
            return answer

        answer = ask("SETUP", f"{url}/stream=0", "Transport: RTP/AVP/TCP;unicast;interleaved=0-1")
        session = next(line for line in answer.splitlines() if line.startswith("Session:"))
        yield
        ask("TEARDOWN", url, session.partition(";")[0])


@pytest.mark.parametrize(
    ("path", "codec"),
    [pytest.param("/cam/0000", "H264", id="H.264"), pytest.param("/fault/h265", "H265", id="H.265")],
)
@pytest.mark.parametrize("depth", [Depth.LIVENESS, Depth.DEEP])
async def test_a_healthy_camera_is_ok(farm: Farm, path: str, codec: str, depth: Depth) -> None:
    result = await probe(camera(farm.port, path), depth)
    assert stream(result) == (Outcome.OK, Reason.OK), result.transcript
    assert result.media is not None
    assert (result.media.codec, result.media.transport) == (codec, Transport.TCP)
    if depth is Depth.DEEP:
        picture = result.verdict(Check.PICTURE)
        assert picture is not None
        assert picture.outcome is Outcome.OK
        assert (result.media.width, result.media.height) == (320, 180)


async def test_a_camera_that_carries_udp_only_is_asked_over_udp(farm: Farm) -> None:
    result = await probe(camera(farm.port, "/fault/udponly"), Depth.DEEP)
    assert [v.outcome for v in result.verdicts] == [Outcome.OK, Outcome.OK], result.transcript
    assert result.media is not None
    assert result.media.transport is Transport.UDP
    assert result.memory.transport is Transport.UDP


@pytest.mark.parametrize(
    ("credential", "outcome", "reason"),
    [
        pytest.param(ADMIN, Outcome.OK, Reason.OK, id="right"),
        pytest.param(
            Credential("admin", USER, "guess"), Outcome.UNKNOWN, Reason.AUTH_REJECTED, id="wrong password"
        ),
        pytest.param(
            Credential("admin", "nobody", PASSWORD), Outcome.UNKNOWN, Reason.AUTH_REJECTED, id="wrong name"
        ),
        pytest.param(None, Outcome.UNKNOWN, Reason.AUTH_REQUIRED_NO_CREDENTIALS, id="none"),
    ],
)
async def test_digest_login(
    farm: Farm, credential: Credential | None, outcome: Outcome, reason: Reason
) -> None:
    result = await probe(camera(farm.auth_port, "/cam/0001", credential=credential))
    assert stream(result) == (outcome, reason), result.transcript
    assert PASSWORD not in result.transcript
    assert "guess" not in result.transcript


async def test_a_stream_that_asks_for_no_password_is_a_finding_and_gets_none(farm: Farm) -> None:
    logins = OpenGate()
    result = await probe(camera(farm.port, "/cam/0002", credential=ADMIN), logins=logins)
    assert {Reason.SDP_OPEN_NO_AUTH, Reason.STREAM_OPEN_NO_AUTH} <= set(result.notes)
    assert logins.outcomes == []


async def test_rtsps_with_a_certificate_of_its_own_is_ok_and_noted(farm: Farm) -> None:
    result = await probe(camera(farm.tls_port, "/cam/0000", tls=True))
    assert stream(result)[0] is Outcome.OK, result.transcript
    assert Reason.TLS_UNTRUSTED in result.notes


async def test_rtsp_on_a_port_that_speaks_tls_is_failing(farm: Farm) -> None:
    result = await probe(camera(farm.tls_port, "/cam/0000"))
    assert stream(result)[0] is Outcome.FAILING


@pytest.mark.parametrize(
    ("path", "outcome", "reason"),
    [
        pytest.param("/cam/none", Outcome.FAILING, Reason.STREAM_NOT_FOUND, id="dead path"),
        pytest.param("/fault/404", Outcome.FAILING, Reason.STREAM_NOT_FOUND, id="404"),
        pytest.param("/fault/403", Outcome.UNKNOWN, Reason.FORBIDDEN, id="403"),
        pytest.param("/fault/500", Outcome.FAILING, Reason.RTSP_SERVER_ERROR, id="500"),
        pytest.param("/fault/453", Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY, id="453 at DESCRIBE"),
        pytest.param("/fault/setup453", Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY, id="453 at SETUP"),
        pytest.param("/fault/play453", Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY, id="453 at PLAY"),
        pytest.param("/fault/503", Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY, id="503 at DESCRIBE"),
        pytest.param("/fault/play503", Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY, id="503 at PLAY"),
    ],
)
async def test_a_refusal_has_its_reason(farm: Farm, path: str, outcome: Outcome, reason: Reason) -> None:
    result = await probe(camera(farm.port, path))
    assert stream(result) == (outcome, reason), result.transcript


async def test_a_session_that_is_taken_makes_us_wait_and_is_given_back(one_session_farm: int) -> None:
    ours = camera(one_session_farm, "/cam/0000")
    with open_session(one_session_farm, "/cam/0001"):
        busy = stream(await probe(ours))
    assert busy == (Outcome.UNKNOWN, Reason.STREAM_SLOTS_BUSY)
    for _ in range(2):  # our own TEARDOWN gives it back, too
        assert stream(await probe(ours)) == (Outcome.OK, Reason.OK)


async def test_a_stream_that_stalls_is_failing(farm: Farm) -> None:
    result = await probe(camera(farm.port, "/fault/stall"))
    assert stream(result) == (Outcome.FAILING, Reason.RTP_STALLED), result.transcript


async def test_rtp_without_a_keyframe_in_time_is_a_note(farm: Farm) -> None:
    learned = Memory(gop_s=0.5)  # shortens the wait: 1.5 x the learned distance + 2 s
    target = Target("eye", "127.0.0.1", farm.port, "/fault/nokey", memory=learned)
    result = await probe(target)
    assert stream(result)[0] is Outcome.OK, result.transcript
    assert Reason.KEYFRAME_NOT_SEEN in result.notes


async def test_lost_packets_are_counted_and_no_outage(farm: Farm) -> None:
    result = await probe(camera(farm.port, "/fault/loss"))
    assert stream(result)[0] is Outcome.OK, result.transcript
    assert result.media is not None
    if Reason.RTP_LOSS in result.notes:  # which packets are lost is a matter of chance
        assert result.media.lost > 0
