"""The pure parts: envelopes, faults, addresses and answers."""

import base64
import hashlib
import re
from datetime import UTC, datetime, timedelta, timezone
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.errors import OnvifError
from probes.markup import parse_xml
from probes.onvif import answers
from probes.onvif.address import Located, locate
from probes.onvif.soap import envelope, read_body, refuses_login, signed
from probes.reasons import Reason
from probes.result import Credential


@pytest.mark.parametrize(
    ("uri", "located"),
    [
        pytest.param(
            "http://10.0.0.5/onvif/media", Located("http", "10.0.0.5", None, "/onvif/media"), id="plain"
        ),
        pytest.param(
            "http://192.168.1.106:8106:8106/onvif/x",
            Located("http", "192.168.1.106", 8106, "/onvif/x"),
            id="F016_double_port",
        ),
        pytest.param("http://fe80::1/x", Located("http", "fe80::1", None, "/x"), id="F016_ipv6_bare"),
        pytest.param("http://[fe80::1]:80/x", Located("http", "fe80::1", 80, "/x"), id="ipv6"),
        pytest.param(
            "192.168.1.10:554/stream0/", Located("", "192.168.1.10", 554, "/stream0/"), id="F047_no_scheme"
        ),
        pytest.param("rtsp://rtsp://h/a", Located("rtsp", "h", None, "/a"), id="F047_twice"),
        pytest.param("/onvif/media", Located("", "", None, "/onvif/media"), id="path_alone"),
        pytest.param(
            "rtsp://u:p@h:99999/a?b=1", Located("rtsp", "h", None, "/a?b=1"), id="userinfo_and_port"
        ),
        pytest.param(
            "http://h/s?user=a&password=b&c=1", Located("http", "h", None, "/s?c=1"), id="F020_login_in_query"
        ),
        pytest.param(
            "rtsp://h/user=admin_password=tlJ_channel=1_stream=0.sdp?real_stream", None, id="F068_xm"
        ),
        pytest.param("rtsp://h", Located("rtsp", "h", None, "/"), id="no_path"),
        pytest.param("http://h/" + "x" * 5000, None, id="too_long"),
    ],
)
def test_addresses(uri: str, located: Located | None) -> None:
    assert locate(uri) == located


@given(st.text(max_size=100))
def test_no_address_breaks_it(uri: str) -> None:
    located = locate(uri)
    assert located is None or located.path.startswith("/")


def test_a_token_as_the_profile_writes_it() -> None:
    """Web Services Security UsernameToken Profile 1.0, 3.1: Base64(SHA-1(nonce + created + password))."""
    credential = Credential("c1", "a<b", "mật&khẩu")
    at = datetime(2026, 11, 22, 9, 30, 15, 999999, tzinfo=UTC)
    text = signed(envelope("<x/>"), credential, at, b"0123456789abcdef").decode()
    digest = hashlib.sha1(b"0123456789abcdef2026-11-22T09:30:15Z" + "mật&khẩu".encode()).digest()
    token = parse_xml(text.encode()).find("Header/Security/UsernameToken")
    assert token is not None
    assert [(part.tag, part.text) for part in token] == [
        ("Username", "a<b"),
        ("Password", base64.b64encode(digest).decode()),
        ("Nonce", base64.b64encode(b"0123456789abcdef").decode()),
        ("Created", "2026-11-22T09:30:15Z"),
    ]
    assert credential.password not in text


SUBCODE = (
    "<Code><Value>s:Sender</Value><Subcode><Value>{}</Value></Subcode></Code><Reason><Text>{}</Text></Reason>"
)


@pytest.mark.parametrize(
    ("fault", "login"),
    [
        pytest.param(SUBCODE.format("ter:NotAuthorized", ""), True, id="ter"),
        pytest.param(SUBCODE.format("wsse:FailedAuthentication", ""), True, id="wsse"),
        pytest.param(SUBCODE.format("ter:ActionNotSupported", "no such thing"), False, id="F008_unsupported"),
        pytest.param(SUBCODE.format("", "Sender not Authorized"), True, id="in_words"),
        pytest.param(
            "<faultcode>s:Client</faultcode><faultstring>Unauthorized</faultstring>", True, id="soap_1_1"
        ),
        pytest.param("", False, id="empty"),
    ],
)
@pytest.mark.parametrize("status", [200, 400, 500])
def test_faults(fault: str, login: bool, status: int) -> None:
    body = f"<s:Envelope><s:Body><s:Fault>{fault}</s:Fault></s:Body></s:Envelope>".encode()
    with pytest.raises(OnvifError) as raised:
        read_body(status, body)
    assert raised.value.reason is Reason.ONVIF_FAULT
    assert refuses_login(raised.value) is login


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        pytest.param(200, b"<html><body>hello</body></html>", Reason.ONVIF_MALFORMED, id="html"),
        pytest.param(404, b"<html><body>hello</body></html>", Reason.ONVIF_HTTP_ERROR, id="html_404"),
        pytest.param(500, b"", Reason.ONVIF_HTTP_ERROR, id="nothing_500"),
        pytest.param(200, b"", Reason.ONVIF_MALFORMED, id="nothing"),
        pytest.param(200, b"<Envelope/>", Reason.ONVIF_MALFORMED, id="no_body"),
        pytest.param(500, b"<Envelope><Body><x/></Body></Envelope>", Reason.ONVIF_HTTP_ERROR, id="soap_500"),
        pytest.param(
            200,
            b'<!DOCTYPE x [<!ENTITY a "b">]><Envelope><Body>&a;</Body></Envelope>',
            Reason.ONVIF_MALFORMED,
            id="entities",
        ),
    ],
)
def test_what_is_no_answer(status: int, body: bytes, reason: Reason) -> None:
    with pytest.raises(OnvifError) as raised:
        read_body(status, body)
    assert raised.value.reason is reason  # F022
    assert not refuses_login(raised.value)


def _body(inner: str) -> Element:
    return read_body(200, f"<Envelope><Body>{inner}</Body></Envelope>".encode())


def test_profiles_that_miss_this_and_that() -> None:
    told = """<r><trt:Profiles token="a"><tt:Name>  ngõ 12\u0007 </tt:Name><tt:VideoSourceConfiguration>
      <tt:SourceToken>v1</tt:SourceToken></tt:VideoSourceConfiguration><tt:VideoEncoderConfiguration>
      <tt:Encoding>h264</tt:Encoding><tt:Resolution><tt:Width>1920</tt:Width><tt:Height>x</tt:Height></tt:Resolution>
      </tt:VideoEncoderConfiguration></trt:Profiles><trt:Profiles token=""/><trt:Profiles token="audio"/>
      <trt:Profiles token="a"><tt:SourceToken>v2</tt:SourceToken></trt:Profiles></r>"""
    (profile,) = answers.read_profiles(_body(told), answers.MEDIA)
    assert (profile.token, profile.name, profile.source, profile.codec) == ("a", "ngõ 12", "v1", "H264")
    assert (profile.width, profile.height, profile.pixels) == (1920, None, 0)


@given(st.text(alphabet=st.sampled_from("<>/&; aTokenProfiles=\"'Uri"), max_size=200))
def test_no_answer_breaks_the_readers(text: str) -> None:
    try:
        body = _body(text)
    except OnvifError:
        return
    answers.read_services(body)
    answers.read_capabilities(body)
    answers.read_identity(body)
    answers.read_profiles(body, answers.MEDIA2)
    answers.read_uri(body)


def test_the_time_of_a_token_ends_in_z() -> None:
    at = datetime(2026, 11, 22, 16, 0, tzinfo=timezone(timedelta(hours=7))).astimezone(UTC)
    text = signed(envelope(""), Credential("1", "u", "p"), at, b"n").decode()
    assert re.search(r"Created>2026-11-22T09:00:00Z<", text)  # F014
