"""XML from strangers: what is read anyway, and what is refused."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.markup import MOST_DEPTH, MOST_ELEMENTS, MarkupError, parse_xml, text_of

ENTITY_BOMB = (
    b'<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol1 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">]>'
    b"<a><b>&lol1;</b></a>"
)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        pytest.param(b"<a><b>x</b></a>", "x", id="plain"),
        pytest.param(b'<t:a xmlns:t="urn:t"><t:b>x</t:b></t:a>', "x", id="prefixes are dropped"),
        pytest.param(b"<t:a><t:b>x</t:b></t:a>", "x", id="a prefix nobody declared"),
        pytest.param(
            b'<?xml version="1.0" encoding="GB2312"?><a><b>x</b></a>', "x", id="another encoding said"
        ),
        pytest.param(b"<a><b>C\xe9ng</b></a>", "C\ufffdng", id="bytes that are no UTF-8"),
        pytest.param(b"<a><b>x\x00\x1f</b></a>", "x", id="control characters"),
        pytest.param(b"\r\n  <a><b> x </b></a>\r\n\x00", "x", id="blanks around"),
        pytest.param(b"<a><b>&lt;x&gt;</b></a>", "<x>", id="the five entities of XML itself"),
        pytest.param(b"<a/>", "", id="not there"),
    ],
)
def test_what_is_read(body: bytes, text: str) -> None:
    assert text_of(parse_xml(body), "b") == text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(ENTITY_BOMB, id="entity bomb"),
        pytest.param(b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', id="document type"),
        pytest.param(b"<a>" * (MOST_DEPTH + 1) + b"</a>" * (MOST_DEPTH + 1), id="too deep"),
        pytest.param(b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>", id="too many"),
        pytest.param(b"", id="nothing"),
        pytest.param(b"<a><b>x</a>", id="not closed"),
        pytest.param(b"<html><br><p>404", id="a page"),
        pytest.param(b'{"ok": true}', id="JSON"),
        pytest.param(b"<a>&unheard;</a>", id="an entity nobody declared"),
    ],
)
def test_what_is_refused(body: bytes) -> None:
    with pytest.raises(MarkupError):
        parse_xml(body)


@given(st.one_of(st.binary(max_size=200), st.text("<>/ab:&;!\"' =", max_size=80).map(str.encode)))
def test_nothing_else_ever_comes_of_it(body: bytes) -> None:
    with contextlib.suppress(MarkupError):
        parse_xml(body)
