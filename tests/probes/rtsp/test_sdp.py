import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import SdpError
from probes.reasons import Reason
from probes.rtsp.messages import Headers
from probes.rtsp.sdp import Track, base_url, control_urls, parse_sdp

PLAIN = """v=0
o=- 1 1 IN IP4 10.0.0.5
s=Media
c=IN IP4 0.0.0.0
t=0 0
a=control:*
m=video 0 RTP/AVP 96
a=framerate:25
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;profile-level-id=4D001F;sprop-parameter-sets=Z00AHw==,aO48gA==
a=control:trackID=1
m=audio 0 RTP/AVP 8
a=control:trackID=2
"""


def video(text: str) -> Track:
    return parse_sdp(text.encode()).video


def test_reads_the_first_video() -> None:
    description = parse_sdp(PLAIN.encode())
    track = description.video
    assert (track.codec, track.payload_type, track.clock_rate) == ("H264", 96, 90000)
    assert (track.control, track.framerate) == ("trackID=1", 25.0)
    assert track.parameter_sets == (bytes.fromhex("674d001f"), bytes.fromhex("68ee3c80"))
    assert (description.control, description.tracks, description.encrypted) == ("*", 2, False)


@pytest.mark.parametrize(
    ("text", "codec", "payload_type", "control"),
    [
        pytest.param(PLAIN.replace("\n", "\r\n"), "H264", 96, "trackID=1", id="CR LF"),
        pytest.param(
            PLAIN.replace("90000", "90000 "), "H264", 96, "trackID=1", id="a trailing space in rtpmap"
        ),
        pytest.param(PLAIN.replace("s=Media", "s=a\ns=b\ns="), "H264", 96, "trackID=1", id="several s="),
        pytest.param(PLAIN.replace("c=IN IP4", "c=nonsense"), "H264", 96, "trackID=1", id="a bad c="),
        pytest.param("m=video 0 RTP/AVP 96\na=rtpmap:96 H265/90000", "H265", 96, None, id="video alone"),
        pytest.param("m=video 0 RTP/AVP 98\na=rtpmap:98 hevc/90000", "H265", 98, None, id="hevc as a name"),
        pytest.param("m=video 0 RTP/AVP 26\na=control:t", "JPEG", 26, "t", id="static JPEG"),
        pytest.param(
            "m=audio 0 RTP/AVP 97\na=rtpmap:97 AAC/8000\nm=video 0 RTP/AVP 26",
            "JPEG",
            26,
            None,
            id="JPEG after audio",
        ),
        pytest.param(
            "m=application/TP-LINK 0 RTP/AVP smart/1/90000\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000",
            "H264",
            96,
            None,
            id="TP-Link's own media type",
        ),
        pytest.param(
            "m=video 0 RTP/AVP 96\nm=audio 0 RTP/AVP 8\na=rtpmap:96 H264/90000",
            "H264",
            96,
            None,
            id="wrong track",
        ),
        pytest.param(
            "m=video 0 RTP/AVP 35\na=rtpmap:96 H264/90000", "H264", 96, None, id="m= and rtpmap differ"
        ),
        pytest.param("m=video 0 RTP/AVP 96", "", 96, None, id="no rtpmap"),
        pytest.param(
            "m=video 0 RTP/AVP 97 96\na=rtpmap:97 rtx/90000\na=rtpmap:96 H264/90000",
            "H264",
            96,
            None,
            id="repetitions told first",
        ),
        pytest.param(
            "m=video 0 RTP/AVP 97\na=rtpmap:97 VP8/90000\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000",
            "H264",
            96,
            None,
            id="a video of another codec first",
        ),
        pytest.param(
            "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=sendonly", "H264", 96, None, id="sendonly, alone"
        ),
        pytest.param(
            "m=video 0 RTP/AVP 96\na=rtpmap:96 AV1/90000", "AV1", 96, None, id="a codec of tomorrow"
        ),
        pytest.param("junk\n\nm=video 0 RTP/AVP 96\na=rtpmap:96 H264", "H264", 96, None, id="no clock rate"),
    ],
)
def test_forgives_what_cameras_write(text: str, codec: str, payload_type: int, control: str | None) -> None:
    track = video(text)
    assert (track.codec, track.payload_type, track.control) == (codec, payload_type, control)
    assert track.clock_rate == 90000


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", Reason.SDP_INVALID, id="nothing"),
        pytest.param("<html>login</html>", Reason.SDP_INVALID, id="a web page"),
        pytest.param("m=video", Reason.SDP_INVALID, id="a video without a payload type"),
        pytest.param("v=0\nm=audio 0 RTP/AVP 8", Reason.NO_VIDEO_TRACK, id="sound only"),
        pytest.param("v=0\ns=x", Reason.NO_VIDEO_TRACK, id="no media"),
    ],
)
def test_names_what_is_missing(text: str, reason: Reason) -> None:
    with pytest.raises(SdpError) as error:
        parse_sdp(text.encode())
    assert error.value.reason is reason


def test_encryption_is_seen() -> None:
    assert parse_sdp(b"m=video 0 RTP/SAVP 96\na=rtpmap:96 H264/90000").encrypted


def test_garbage_in_sprop_is_dropped() -> None:
    text = "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 sprop-parameter-sets=%%%,,ảnh,aO48gA"
    assert video(text).parameter_sets == (bytes.fromhex("68ee3c80"),)


@given(st.binary(max_size=500))
def test_nothing_but_our_errors_comes_out(body: bytes) -> None:
    try:
        parse_sdp(b"m=video 0 RTP/AVP 96\n" + body)
        parse_sdp(body)
    except SdpError:
        pass


ASKED = "rtsp://10.0.0.5:10554/cam?c=1"


@pytest.mark.parametrize(
    ("content_base", "expected"),
    [
        pytest.param("rtsp://10.0.0.5:10554/cam/", "rtsp://10.0.0.5:10554/cam/", id="by the book"),
        pytest.param("rtsp://10.0.0.5/cam/", "rtsp://10.0.0.5/cam/", id="our host without the port"),
        pytest.param("rtsp://192.168.1.9:554/cam/", "rtsp://10.0.0.5:10554/cam/", id="behind a NAT"),
        pytest.param("rtsp://::ffff:1.2.3.4/x/", "rtsp://10.0.0.5:10554/x/", id="IPv6 without brackets"),
        pytest.param("rtsp://rtsp://10.0.0.5/a/", "rtsp://10.0.0.5/a/", id="the scheme twice"),
        pytest.param("192.168.1.10:554/stream0/", "rtsp://10.0.0.5:10554/stream0/", id="no scheme"),
        pytest.param("/stream0/", "rtsp://10.0.0.5:10554/stream0/", id="a path only"),
        pytest.param("rtsp://admin:p4ss@10.0.0.5/a/", "rtsp://10.0.0.5/a/", id="userinfo echoed"),
        pytest.param("rtsp://admin:p@ss@10.0.0.5/a/", "rtsp://10.0.0.5/a/", id="userinfo with an at sign"),
        pytest.param("rtsp://a:p/4#s?s@10.0.0.5/a/", "rtsp://10.0.0.5/a/", id="userinfo that is not escaped"),
        pytest.param("", ASKED, id="empty"),
        pytest.param("rtsp://h/" + "x" * 5000, ASKED, id="endless"),
    ],
)
def test_repairs_the_base(content_base: str, expected: str) -> None:
    assert base_url(ASKED, Headers((("Content-Base", content_base),))) == expected


def test_content_location_serves_where_there_is_no_base() -> None:
    headers = Headers((("Content-Location", "rtsp://10.0.0.5/l/"),))
    assert base_url(ASKED, headers) == "rtsp://10.0.0.5/l/"
    assert base_url(ASKED, Headers()) == ASKED


@pytest.mark.parametrize(
    ("base", "control", "expected"),
    [
        pytest.param(
            "rtsp://h/cam/realmonitor?channel=1&subtype=0",
            "trackID=0",
            (
                "rtsp://h/cam/realmonitor?channel=1&subtype=0/trackID=0",
                "rtsp://h/cam/trackID=0",
                "rtsp://h/cam/realmonitor/trackID=0",
            ),
            id="the query stays in the middle (Dahua)",
        ),
        pytest.param("rtsp://h/a/", "t1", ("rtsp://h/a/t1",), id="a base that ends with a slash"),
        pytest.param("rtsp://h/a", "t1", ("rtsp://h/a/t1", "rtsp://h/t1"), id="a base that does not"),
        pytest.param("rtsp://h/a/b", "/t1", ("rtsp://h/a/b/t1", "rtsp://h/t1"), id="a control with a slash"),
        pytest.param("rtsp://h/a/", "rtsp://h/a/t1", ("rtsp://h/a/t1",), id="absolute"),
        pytest.param(
            "rtsp://h:8554/a/", "rtsp://10.9.9.9/b/t1", ("rtsp://h:8554/b/t1", "rtsp://h:8554/a/t1"), id="NAT"
        ),
        pytest.param("rtsp://h/a/", "rtsp://u:p@h/a/t1", ("rtsp://h/a/t1",), id="absolute, userinfo echoed"),
        pytest.param("rtsp://h/a/", "*", ("rtsp://h/a/",), id="the whole"),
        pytest.param("rtsp://h/a/", None, ("rtsp://h/a/",), id="none"),
        pytest.param("rtsp://h", "t1", ("rtsp://h/t1",), id="no path"),
        pytest.param("rtsp://h/a/", "//[", ("rtsp://h/a//[", "rtsp://h/a/["), id="an open bracket"),
    ],
)
def test_control_urls_in_the_order_to_try(base: str, control: str | None, expected: tuple[str, ...]) -> None:
    assert control_urls(base, control) == expected


@given(st.text(max_size=60), st.text(max_size=60))
def test_we_are_never_led_to_another_host(content_base: str, control: str) -> None:
    base = base_url(ASKED, Headers((("Content-Base", content_base),)))
    for url in (base, *control_urls(base, control)):
        assert url.startswith(("rtsp://10.0.0.5:", "rtsp://10.0.0.5/", "rtsp://10.0.0.5")), url
        assert "@10.0.0.5" not in url
