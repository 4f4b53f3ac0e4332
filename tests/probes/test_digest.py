import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.digest import (
    Challenge,
    authorize,
    choose,
    expected_response,
    is_answer_of,
    parse_authorization,
    parse_challenges,
)
from probes.reasons import Reason
from probes.result import Credential

MUFASA = Credential("c1", "Mufasa", "Circle of Life")
RFC_NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
RFC_CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        pytest.param("MD5", "8ca523f5e9506fed4657c9700eebdbec", id="MD5"),
        pytest.param(
            "SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1", id="SHA-256"
        ),
    ],
)
def test_answers_the_examples_of_rfc_7616_section_3_9_1(algorithm: str, response: str) -> None:
    (challenge,) = parse_challenges(
        [
            f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm}, '
            f'nonce="{RFC_NONCE}", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
        ]
    )
    value = authorize(challenge, MUFASA, "GET", "/dir/index.html", cnonce=RFC_CNONCE)
    scheme, fields = parse_authorization(value)
    assert scheme == "digest"
    assert fields == {
        "username": "Mufasa",
        "realm": "http-auth@example.org",
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "nonce": RFC_NONCE,
        "nc": "00000001",
        "cnonce": RFC_CNONCE,
        "qop": "auth",
        "response": response,
        "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
    }


def test_answers_without_qop_as_rfc_2069_did() -> None:
    # HA1 = MD5(admin:IP Camera:pa55), HA2 = MD5(DESCRIBE:rtsp://h/1), computed with md5sum
    challenge = Challenge("Digest", realm="IP Camera", nonce="abc")
    value = authorize(challenge, Credential("c", "admin", "pa55"), "DESCRIBE", "rtsp://h/1")
    fields = parse_authorization(value)[1]
    assert set(fields) == {"username", "realm", "nonce", "uri", "response"}
    assert fields["response"] == "a312fcbbe425eff01b8f20c5467a2909"


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(
            ['Digest realm="a", nonce="n"', 'Basic realm="a"'],
            [Challenge("Digest", "a", "n"), Challenge("Basic", "a")],
            id="two headers",
        ),
        pytest.param(
            ['Basic realm="a, b", Digest realm="c",nonce="n",algorithm=MD5 , stale=TRUE'],
            [Challenge("Basic", "a, b"), Challenge("Digest", "c", "n", "MD5", stale=True)],
            id="two challenges in one header, a comma inside quotes",
        ),
        pytest.param(
            ['Digest  realm = "a" ,nonce= "n"  algorithm="SHA-256"'],
            [Challenge("Digest", "a", "n", "SHA-256")],
            id="sloppy spaces, a missing comma, a quoted algorithm",
        ),
        pytest.param(["Digest realm=a, nonce=n"], [Challenge("Digest", "a", "n")], id="nothing quoted"),
        pytest.param(
            [r'Digest realm="say \"hi\"", nonce="n"'],
            [Challenge("Digest", r"say \"hi\"", "n")],
            id="escaped quotes stay as they are hashed",
        ),
        pytest.param(['Digest realm="a, nonce="n"'], None, id="a quote that nobody closed"),
        pytest.param(["Basic"], [Challenge("Basic")], id="no parameters"),
        pytest.param([""], [], id="empty"),
        pytest.param(['realm="a"'], [], id="no scheme"),
    ],
)
def test_reads_challenges(values: list[str], expected: list[Challenge] | None) -> None:
    challenges = parse_challenges(values)
    if expected is not None:
        assert list(challenges) == expected


MD5 = Challenge("Digest", "r", "n", "MD5")
SHA = Challenge("Digest", "r", "n", "SHA-256")
BARE = Challenge("Digest", "r", "n")
BASIC = Challenge("Basic", "r")
INT_ONLY = Challenge("Digest", "r", "n", qop="auth-int")
UNKNOWN = Challenge("Digest", "r", "n", "SHA-512-256")


@pytest.mark.parametrize(
    ("offered", "basic_allowed", "prefer", "expected"),
    [
        pytest.param([MD5, SHA], False, None, SHA, id="SHA-256 before MD5"),
        pytest.param([SHA, MD5], False, None, SHA, id="in either order"),
        pytest.param([SHA, MD5], False, "md5", MD5, id="the algorithm that worked last"),
        pytest.param([SHA], False, "MD5", SHA, id="a remembered algorithm that is no longer offered"),
        pytest.param([BASIC, BARE], True, None, BARE, id="Digest before Basic, even where Basic is allowed"),
        pytest.param([BASIC], True, None, BASIC, id="Basic alone, by opt-in"),
        pytest.param([BASIC], False, None, Reason.AUTH_BASIC_REFUSED_BY_POLICY, id="Basic alone"),
        pytest.param([UNKNOWN], False, None, Reason.AUTH_UNSUPPORTED, id="unknown algorithm"),
        pytest.param([UNKNOWN, BASIC], True, None, Reason.AUTH_UNSUPPORTED, id="no fall back to Basic"),
        pytest.param([INT_ONLY], False, None, Reason.AUTH_UNSUPPORTED, id="auth-int only"),
        pytest.param([], False, None, Reason.AUTH_UNSUPPORTED, id="a 401 without a challenge"),
    ],
)
def test_chooses_a_challenge(
    offered: list[Challenge], basic_allowed: bool, prefer: str | None, expected: Challenge | Reason
) -> None:
    assert choose(offered, basic_allowed=basic_allowed, prefer=prefer) == expected


def test_echoes_the_algorithm_as_sent_and_only_if_sent() -> None:
    assert "algorithm=md5" in authorize(Challenge("Digest", "r", "n", "md5"), MUFASA, "PLAY", "u")
    assert "algorithm" not in authorize(BARE, MUFASA, "PLAY", "u")


def test_basic_is_utf_8() -> None:
    assert authorize(BASIC, Credential("c", "quản", "trị"), "PLAY", "u") == "Basic cXXhuqNuOnRy4buL"


def test_a_session_key_needs_the_cnonce() -> None:
    value = authorize(Challenge("Digest", "r", "n", "MD5-sess"), MUFASA, "PLAY", "u")
    assert re.search(r'cnonce="[0-9a-f]{16}"', value)


@given(
    algorithm=st.sampled_from([None, "MD5", "MD5-sess", "SHA-256", "SHA-256-sess"]),
    qop=st.sampled_from([None, "auth", "auth,auth-int"]),
    user=st.text(
        st.characters(codec="utf-8", exclude_categories=["C"], exclude_characters='"\\'), max_size=20
    ),
    password=st.text(max_size=20),
)
def test_a_server_accepts_the_right_password_and_no_other(
    algorithm: str | None, qop: str | None, user: str, password: str
) -> None:
    challenge = Challenge("Digest", "r", "n", algorithm, qop)
    right, wrong = Credential("c", user, password), Credential("c", user, password + "x")
    value = authorize(challenge, right, "SETUP", "rtsp://h/a?b=c", nc=7)
    assert is_answer_of(value, right, "SETUP", {"n"})
    assert not is_answer_of(value, wrong, "SETUP", {"n"})
    assert not is_answer_of(value, right, "PLAY", {"n"})
    assert not is_answer_of(value, right, "SETUP", {"another nonce"})


@given(st.text())
def test_no_header_breaks_the_parser(text: str) -> None:
    choose(parse_challenges([text]), basic_allowed=True)
    is_answer_of(text, MUFASA, "GET", {""})


def test_missing_fields_are_a_key_error() -> None:
    with pytest.raises(KeyError):
        expected_response({"algorithm": "SHA-1"}, MUFASA, "GET")
