from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import ProbeError, RtspProtocolError
from probes.rtsp.messages import (
    MAX_BODY_BYTES,
    MAX_HEAD_BYTES,
    MAX_HEADERS,
    MAX_JUNK_BYTES,
    MAX_LINE_BYTES,
    Frame,
    Headers,
    Reader,
    Request,
    Response,
    TransportReply,
    parse_session,
    parse_transport,
)

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
RTP = b"\x80\x60" + bytes(10) + b"payload"


def frame(channel: int, data: bytes = RTP) -> bytes:
    return b"$" + bytes([channel]) + len(data).to_bytes(2, "big") + data


def read(data: bytes, channels: Sequence[int] = (0, 1)) -> list[Response | Request | Frame]:
    return Reader(channels).feed(data)


@pytest.mark.parametrize(
    ("data", "status", "cseq", "body"),
    [
        pytest.param(b"RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n", 200, 3, b"", id="by the book"),
        pytest.param(b"RTSP/1.0 200\r\nCSeq: 3\r\n\r\n", 200, 3, b"", id="no reason phrase"),
        pytest.param(b"RTSP/1.0 200 OK\nCSeq: 3\n\n", 200, 3, b"", id="line feeds only"),
        pytest.param(b"RTSP/1.0 200 OK\r\nCSeq: 3\n\r\n", 200, 3, b"", id="line ends mixed"),
        pytest.param(b"RTSP/1.0 401 Unauthorized \r\nCSeq: 3 \r\n\r\n", 401, 3, b"", id="trailing spaces"),
        pytest.param(b"RTSP/1.0 200 OK\r\nCseq : 3\r\n\r\n", 200, 3, b"", id="space before the colon"),
        pytest.param(b"RTSP/1.0 200 OK\r\n\r\n", 200, None, b"", id="no CSeq, no header at all"),
        pytest.param(b"\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n", 200, 3, b"", id="empty lines before"),
        pytest.param(b"RTSP/1.1 200 OK\r\nCSeq: 3\r\n\r\n", 200, 3, b"", id="another version"),
        pytest.param(
            b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nContent-length: 3 \r\n\r\nv=0", 200, 3, b"v=0", id="a body"
        ),
        pytest.param(
            b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nnonsense without colon\r\n\r\n",
            200,
            3,
            b"",
            id="a line of nonsense",
        ),
        pytest.param(b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nX: \xff\xfe\r\n\r\n", 200, 3, b"", id="no UTF-8"),
        pytest.param(b"RTSP/1.0 200 OK\r\nX: a\rb\r\nCSeq: 3\r\n\r\n", 200, 3, b"", id="a bare CR"),
    ],
)
def test_reads_responses_as_cameras_write_them(
    data: bytes, status: int, cseq: int | None, body: bytes
) -> None:
    (response,) = read(data)
    assert isinstance(response, Response)
    assert (response.status, response.cseq, response.body) == (status, cseq, body)


def test_header_names_know_no_case_and_may_repeat() -> None:
    (response,) = read(b"RTSP/1.0 401 No\r\nwww-authenticate: a\r\nWWW-Authenticate: b\r\n c\r\n\r\n")
    assert isinstance(response, Response)
    assert response.headers.all("WWW-AUTHENTICATE") == ("a", "b c")
    assert response.headers.get("Session") is None


def test_frames_responses_and_requests_come_in_order() -> None:
    request = Request("SET_PARAMETER", "rtsp://h/", Headers((("CSeq", "9"),)), b"ping")
    data = frame(0) + OK + b"\r\n" + frame(1) + request.encode() + frame(0)
    kinds = [type(item).__name__ for item in read(data)]
    assert kinds == ["Frame", "Response", "Frame", "Request", "Frame"]


@pytest.mark.parametrize(
    ("data", "frames", "messages", "resyncs", "stray"),
    [
        pytest.param(frame(0) + b"\r\n" + frame(1), 2, 0, 0, 0, id="CR LF between frames"),
        pytest.param(frame(6) + frame(0), 1, 0, 0, 1, id="a channel of an earlier session"),
        pytest.param(frame(0, b"") + frame(0), 1, 0, 0, 0, id="an empty frame"),
        pytest.param(frame(0)[:-3] + frame(0) * 2, 2, 0, 1, 0, id="a frame cut short"),
        pytest.param(b"garbage$garbage" + frame(0), 1, 0, 1, 0, id="junk with a dollar"),
        pytest.param(b"\x00\x01\x02RTSP" + OK, 0, 1, 1, 0, id="junk before a response"),
        pytest.param(b"RTSP/1.0 OK\r\n\r\n" + OK, 0, 1, 1, 0, id="a status line without a status"),
        pytest.param(b"SSH-2.0-OpenSSH_9.2\r\n", 0, 0, 1, 0, id="another service"),
        pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", 0, 0, 1, 0, id="a web server"),
    ],
)
def test_finds_its_way_back(data: bytes, frames: int, messages: int, resyncs: int, stray: int) -> None:
    reader = Reader((0, 1))
    reader.feed(data)
    assert (reader.frames, reader.messages, reader.resyncs, reader.stray) == (
        frames,
        messages,
        resyncs,
        stray,
    )


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * (MAX_HEAD_BYTES // 6), id="headers without end"),
        pytest.param(b"RTSP/1.0 200 OK\r\nX: " + b"y" * MAX_LINE_BYTES + b"\r\n\r\n", id="a long line"),
        pytest.param(b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * (MAX_HEADERS + 1) + b"\r\n", id="many headers"),
        pytest.param(
            f"RTSP/1.0 200 OK\r\nContent-Length: {MAX_BODY_BYTES + 1}\r\n\r\n".encode(), id="a large body"
        ),
        pytest.param(b"x" * (MAX_JUNK_BYTES + 100), id="junk without end"),
    ],
)
def test_limits_what_a_stranger_sends(data: bytes) -> None:
    with pytest.raises(RtspProtocolError):
        read(data)


WIRE = st.one_of(
    st.binary(max_size=30),
    st.sampled_from(
        [
            OK,
            frame(0),
            frame(1),
            frame(9),
            frame(0, b""),
            b"$",
            b"\r\n",
            b"RTSP/1.0 ",
            b"OPTIONS * RTSP/1.0\r\n\r\n",
        ]
    ),
    st.sampled_from(
        [b"RTSP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nv=0\r\n", b"GET_PARAM", frame(0)[:9], b"\n\n"]
    ),
)


@given(st.lists(WIRE, max_size=12).map(b"".join), st.lists(st.integers(0, 200), max_size=12))
def test_how_the_bytes_are_cut_changes_nothing(data: bytes, cuts: list[int]) -> None:
    at_once = Reader((0, 1))
    items = at_once.feed(data)
    in_pieces = Reader((0, 1))
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    pieces = [item for a, b in pairwise(places) for item in in_pieces.feed(data[a:b])]
    byte_by_byte = Reader((0, 1))
    drips = [item for byte in data for item in byte_by_byte.feed(bytes([byte]))]
    assert pieces == items
    assert drips == items
    assert at_once.resyncs == in_pieces.resyncs == byte_by_byte.resyncs


@given(st.lists(st.binary(max_size=400), max_size=8))
def test_nothing_but_our_errors_comes_out(pieces: list[bytes]) -> None:
    reader = Reader((0, 36))
    try:
        for piece in pieces:
            reader.feed(piece)
    except ProbeError:
        pass


@given(
    st.sampled_from(["OPTIONS", "DESCRIBE", "PLAY"]),
    st.lists(
        st.tuples(
            st.from_regex(r"X-[A-Za-z]{1,9}", fullmatch=True), st.from_regex(r"[!-~]{1,20}", fullmatch=True)
        )
    ),
    st.binary(max_size=100),
)
def test_what_is_written_is_read_again(method: str, fields: list[tuple[str, str]], body: bytes) -> None:
    request = Request(method, "rtsp://h/a?b=c", Headers((("CSeq", "1"), *fields)), body)
    (read_again,) = read(request.encode())
    assert isinstance(read_again, Request)
    assert (read_again.method, read_again.uri, read_again.body) == (method, "rtsp://h/a?b=c", body)
    assert read_again.headers.fields[: len(fields) + 1] == request.headers.fields


@pytest.mark.parametrize("text", ["rtsp://h/\r\nX: y", "rtsp://h/\nX: y", "rtsp://h/\ry"])
def test_a_line_break_never_gets_out(text: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        Request("OPTIONS", text).encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("RTP/AVP/TCP;unicast;interleaved=0-1", TransportReply(0), id="ours"),
        pytest.param("RTP/AVP/TCP;unicast;interleaved=10-11;ssrc=1", TransportReply(10), id="other channels"),
        pytest.param("RTP/AVP;unicast;interleaved=0", TransportReply(0), id="no TCP, one channel"),
        pytest.param("RTP/AVP/TCP;ssrc=00AA;interleaved=2-3", TransportReply(2), id="ssrc first"),
        pytest.param("RTP/AVP/TCP;unicast;interleaved=0-1; ssrc= 5", TransportReply(0), id="spaces"),
        pytest.param(
            "RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;source=10.0.0.9",
            TransportReply(None, 6000, "10.0.0.9"),
            id="UDP",
        ),
        pytest.param("RTP/AVP/TCP;interleaved=999", TransportReply(), id="no such channel"),
        pytest.param("", TransportReply(), id="empty"),
    ],
)
def test_reads_transport_replies(value: str, expected: TransportReply) -> None:
    assert parse_transport(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("12345678;timeout=60", ("12345678", 60.0), id="by the book"),
        pytest.param("x ; timeout", ("x", None), id="a timeout without a value"),
        pytest.param("x ;Timeout = 5 ", ("x", 5.0), id="spaces"),
        pytest.param("x", ("x", None), id="bare"),
    ],
)
def test_reads_session_headers(value: str, expected: tuple[str, float | None]) -> None:
    assert parse_session(value) == expected
