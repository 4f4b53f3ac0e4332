"""Probes through networks that drop, refuse and mislead."""

import asyncio

import pytest

from probes.reasons import Outcome, Reason
from probes.result import Target
from tests.namespaces import inside
from tests.peers.asking import probe, stream
from tests.peers.conftest import CLOSED, FILTERED, HALF_OPEN, ICMP_UNREACHABLE, UNREACHABLE, Network


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        pytest.param(FILTERED, Reason.TCP_TIMEOUT, id="filtered port"),
        pytest.param(CLOSED, Reason.TCP_REFUSED, id="closed port"),
        pytest.param(UNREACHABLE, Reason.HOST_UNREACHABLE, id="no route"),
        pytest.param(ICMP_UNREACHABLE, Reason.HOST_UNREACHABLE, id="a firewall says unreachable"),
        pytest.param(HALF_OPEN, Reason.RTSP_TIMEOUT, id="shakes hands and says no more"),
    ],
)
def test_a_network_fault_has_its_reason(network: Network, host: str, reason: Reason) -> None:
    eye = Target("eye", host, network.port, "/cam/0001")
    result = inside(network.name, lambda: asyncio.run(probe(eye)))
    assert stream(result) == (Outcome.FAILING, reason), result.transcript


def test_the_same_farm_answers_where_the_network_is_whole(network: Network) -> None:
    eye = Target("eye", "127.1.2.3", network.port, "/cam/0001")
    result = inside(network.name, lambda: asyncio.run(probe(eye)))
    assert stream(result)[0] is Outcome.OK
