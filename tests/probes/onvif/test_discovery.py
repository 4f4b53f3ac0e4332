"""WS-Discovery: answers as devices give them, and answers from those who are none."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.onvif.discovery import MOST_BYTES, Found, discover, knock, read_match
from probes.simulator.faces import HttpSpec, OnvifSpec
from tests.namespaces import inside, namespace
from tests.probes.climbing import now
from tests.probes.onvif.devices import HOST, answering, device, match


@pytest.mark.parametrize(
    ("xaddrs", "port", "tls"),
    [
        pytest.param(f"http://{HOST}/onvif/device_service", 80, False, id="plain"),
        pytest.param(f"http://{HOST}:8000/onvif/device_service", 8000, False, id="reolink"),
        pytest.param(f"http://[fe80::1]:81/x http://{HOST}:82/x", 82, False, id="the_one_that_answered"),
        pytest.param("http://192.168.1.64:83/x", 83, False, id="F015_nat"),
        pytest.param(f"http://{HOST}:8106:8106/x", 8106, False, id="F016_double_port"),
        pytest.param(f"https://{HOST}/x", 443, True, id="tls"),
        pytest.param("", 80, False, id="no_address"),
    ],
)
def test_a_device_is_where_its_answer_came_from(xaddrs: str, port: int, tls: bool) -> None:
    assert read_match(match(xaddrs), HOST) == Found(
        HOST, port, tls, endpoint="urn:uuid:1-2", name="Cổng 1", hardware="DS-2CD"
    )


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(match(types="dn:Printer", scopes=""), id="printer"),
        pytest.param(b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + match(), id="entities"),
        pytest.param(match()[:200], id="cut"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_camera(answer: bytes) -> None:
    assert read_match(answer, HOST) is None


@given(st.binary(max_size=500))
def test_no_datagram_breaks_it(answer: bytes) -> None:
    assert read_match(answer, HOST) is None


async def test_each_device_of_a_list_is_asked_twice_and_told_once() -> None:
    async with answering([match()]) as (port, asked):
        found = await discover(["127.0.0.1"], seconds=0.2, port=port)
    assert [(device.host, device.name) for device in found] == [("127.0.0.1", "Cổng 1")]
    assert len(asked) == 2
    assert asked[0] == asked[1]


async def test_one_host_that_talks_without_end_does_not_fill_the_list() -> None:
    flood = [match().replace(b"1-2", b"%d" % n) for n in range(400)]
    async with answering(flood) as (port, _):
        found = await discover(["127.0.0.1"], seconds=0.2, port=port)
    assert 0 < len(found) <= MOST_BYTES // len(match())


async def test_who_was_not_asked_is_not_heard() -> None:
    async with answering([match()]) as (port, asked):
        assert await discover(["127.0.0.77"], seconds=0.05, port=port) == ()
    assert asked == []


def test_a_network_without_multicast_says_so() -> None:
    with namespace() as name, pytest.raises(OSError, match="unreachable"):
        inside(name, lambda: asyncio.run(discover(seconds=0.05)))


async def test_a_knock_at_a_list_of_hosts() -> None:
    async with device(HttpSpec(), OnvifSpec()) as asking:
        port = asking.target.onvif_port
        assert port is not None
        found = await knock(["127.0.0.1", "127.0.0.1", "127.0.0.55"], asking.web, now, ports=[port, 1])
        assert found == (Found("127.0.0.1", port),)
        assert asking.counters.logins_refused == 0
