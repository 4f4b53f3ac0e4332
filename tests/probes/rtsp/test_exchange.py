from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.digest import authorize, choose, parse_challenges
from probes.reasons import Reason
from probes.result import Credential
from probes.rtsp.client import RtspConnection
from probes.rtsp.exchange import (
    FRAME_HEAD_BYTES,
    Part,
    Way,
    read_exchange,
    redact,
    write_exchange,
)
from probes.rtsp.messages import Frame, parse_session, parse_transport
from probes.rtsp.rtp import RtpStream
from probes.rtsp.sdp import base_url, control_urls, parse_sdp
from tests.probes.rtsp.replay import answers_of, replayed

EXCHANGES = sorted((Path(__file__).parents[2] / "data" / "rtsp").glob("*.txt"))
CREDENTIAL = Credential("c", "admin", "canary-5f2b")


@pytest.mark.parametrize("path", EXCHANGES, ids=lambda path: path.stem)
async def test_a_recorded_camera_gives_a_keyframe(path: Path) -> None:
    text = path.read_text()
    assert text.startswith("# origin: "), "every exchange says where it comes from"
    parts = read_exchange(text)
    asked = [part.data.split(b" ", 2) for part in parts if part.way is Way.SENT]
    async with replayed(answers_of(parts)) as (port, seen):
        connection = await RtspConnection.open("127.0.0.1", port, secrets=[CREDENTIAL.password], record=True)
        stream = await climb(
            connection, next(uri.decode() for method, uri, _ in asked if method == b"DESCRIBE")
        )
        assert stream.keyframe is not None
        assert (stream.keyframe.width, stream.keyframe.height) == (160, 90)
        assert (stream.lost, stream.corrupt, connection.reader.resyncs) == (0, 0, 0)
    methods_and_paths = [(r.method, r.uri) for r in seen if r.method != "OPTIONS"]
    assert methods_and_paths == [(m.decode(), u.decode()) for m, u, _ in asked if m != b"OPTIONS"]
    assert CREDENTIAL.password not in connection.transcript + connection.exchange
    # What we would record of it is again an exchange, with the same packets.
    again = read_exchange(connection.exchange)
    assert [p.channel for p in again if p.channel is not None] == [
        p.channel for p in parts if p.channel in connection.reader.channels
    ]


async def climb(connection: RtspConnection, uri: str) -> RtpStream:
    """The bare climb to a keyframe; the real one, with its reasons and budgets, is the ladder's."""
    response = await connection.request("DESCRIBE", uri, [("Accept", "application/sdp")])
    if response.status == 401:
        challenge = choose(parse_challenges(response.headers.all("WWW-Authenticate")), basic_allowed=False)
        assert not isinstance(challenge, Reason)
        answer = authorize(challenge, CREDENTIAL, "DESCRIBE", uri)
        response = await connection.request(
            "DESCRIBE", uri, [("Accept", "application/sdp"), ("Authorization", answer)]
        )
    track = parse_sdp(response.body).video
    url = control_urls(base_url(uri, response.headers), track.control)[0]
    setup = await connection.request("SETUP", url, [("Transport", "RTP/AVP/TCP;unicast;interleaved=0-1")])
    channel = parse_transport(setup.headers.get("Transport") or "").interleaved or 0
    session, _ = parse_session(setup.headers.get("Session") or "")
    stream = RtpStream(track)
    connection.reader.channels = frozenset((channel, channel + 1))

    def take(frames: Sequence[Frame]) -> bool:
        pushed = [stream.push(packet) for at, packet in frames if at == channel]
        return any(pushed)

    connection.on_frames = take
    await connection.request("PLAY", uri, [("Session", session), ("Range", "npt=0.000-")])
    if stream.keyframe is None:
        assert await connection.wait(5)
    await connection.teardown(uri, session)
    return stream


@pytest.mark.parametrize(
    ("line", "kept", "gone"),
    [
        pytest.param(
            'Authorization: Digest username="u", response="abc"', "Authorization: Digest", "abc", id="answer"
        ),
        pytest.param("authorization : Basic dTpw", "Basic", "dTpw", id="Basic"),
        pytest.param("Set-Cookie: sid=77", "Set-Cookie:", "77", id="cookie"),
        pytest.param("Content-Base: rtsp://u:p4ss@h/a/", "@h/a/", "p4ss", id="userinfo"),
        pytest.param("a=control:rtsp://u:p@ss/w0rd@h/a", "@h/a", "w0rd", id="userinfo that nobody escaped"),
        pytest.param(
            "PLAY rtsp://h/a?user=bob&password=p4ss&c=1 RTSP/1.0", "&c=1 RTSP/1.0", "p4ss", id="query"
        ),
        pytest.param("PLAY rtsp://h/a?Token=p4ss RTSP/1.0", "RTSP/1.0", "p4ss", id="token"),
        pytest.param(
            "PLAY rtsp://h/user=admin_password=p4ss_channel=1_stream=0.sdp RTSP/1.0",
            "_channel=1_stream=0.sdp RTSP/1.0",
            "p4ss",
            id="XM's path",
        ),
        pytest.param("X-Note: canary-5f2b and can%40ary", "X-Note:", "canary-5f2b", id="the secret itself"),
        pytest.param("X: Y2FuYXJ5LTVmMmI=", "X:", "Y2FuYXJ5", id="the secret in Base64"),
        pytest.param("X: 63616e6172792d35663262", "X:", "63616e", id="the secret in hexadecimal digits"),
    ],
)
def test_credentials_are_taken_out(line: str, kept: str, gone: str) -> None:
    cleaned = redact(line, ["canary-5f2b"])
    assert kept in cleaned
    assert gone not in cleaned


def test_nonces_stay() -> None:
    line = 'WWW-Authenticate: Digest realm="a", nonce="77"'
    assert redact(line) == line


def test_content_length_follows_the_redaction() -> None:
    body = b"a=control:rtsp://u:p@h/t\r\n"
    data = b"RTSP/1.0 200 OK\r\nContent-Length: 26\r\n\r\n" + body
    (part,) = read_exchange(write_exchange([Part(Way.CAME, 1.0, data)]))
    head, _, text = part.data.partition(b"\r\n\r\n")
    assert f"Content-Length: {len(text)}".encode() in head


LINES = st.binary(max_size=20).filter(lambda line: not set(line) & set(b"\n@=:"))
ENDS = st.sampled_from([b"\r\n", b"\n"])


@given(
    st.lists(
        st.one_of(
            st.builds(
                lambda lines, last: Part(Way.CAME, 1.5, b"".join(a + b for a, b in lines) + last),
                st.lists(st.tuples(LINES, ENDS), min_size=1, max_size=4),
                LINES,
            ),
            st.binary(max_size=FRAME_HEAD_BYTES).map(lambda data: Part(Way.CAME, 2.0, data, 1)),
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read_again(parts: list[Part]) -> None:
    assert read_exchange(write_exchange(parts, origin="a test")) == tuple(parts)


def test_of_a_long_frame_only_the_beginning_is_kept() -> None:
    (part,) = read_exchange(write_exchange([Part(Way.CAME, 0, bytes(range(200)), 0)]))
    assert len(part.data) == 200
    assert part.data[:FRAME_HEAD_BYTES] == bytes(range(FRAME_HEAD_BYTES))
    assert len(set(part.data[FRAME_HEAD_BYTES:])) == 1


@pytest.mark.parametrize("text", ["? what", "<$0 x", "@noon", "<$"])
def test_a_wrong_line_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"line 1 of the exchange|unpack"):
        read_exchange(text)
