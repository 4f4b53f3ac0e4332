"""Probes of RTSP servers of other makers: LIVE555, aio-rtsp-toolkit, and two that carry UDP only."""

import asyncio

import pytest

from probes.reasons import Outcome, Reason
from probes.result import Depth, ProbeResult, Target, Transport
from tests.namespaces import inside
from tests.peers.asking import probe, stream
from tests.peers.conftest import Network


def delivered(result: ProbeResult, transport: Transport) -> None:
    assert [v.outcome for v in result.verdicts] == [Outcome.OK, Outcome.OK], result.transcript
    assert result.media is not None
    assert (result.media.codec, result.media.transport) == ("H264", transport)
    assert (result.media.width, result.media.height) == (320, 180)


async def test_aio_rtsp_toolkit(toolkit: int) -> None:
    delivered(await probe(Target("eye", "127.0.0.1", toolkit, "/normal.mp4"), Depth.DEEP), Transport.TCP)


async def test_aio_rtsp_toolkit_does_not_have_that_file(toolkit: int) -> None:
    result = await probe(Target("eye", "127.0.0.1", toolkit, "/none.mp4"))
    assert stream(result) == (Outcome.FAILING, Reason.STREAM_NOT_FOUND), result.transcript


async def test_vlc_carries_udp_only(vlc: int) -> None:
    delivered(await probe(Target("eye", "127.0.0.1", vlc, "/cam"), Depth.DEEP), Transport.UDP)


async def test_rtsp_rs_carries_udp_only(rtsp_rs: int) -> None:
    delivered(await probe(Target("eye", "127.0.0.1", rtsp_rs, "/"), Depth.DEEP), Transport.UDP)


@pytest.mark.parametrize("depth", [Depth.LIVENESS, Depth.DEEP])
def test_live555(network: Network, depth: Depth) -> None:
    eye = Target("eye", "127.0.0.1", network.live555_port, "/gst")
    result = inside(network.name, lambda: asyncio.run(probe(eye, depth)))
    assert {v.outcome for v in result.verdicts} == {Outcome.OK}, result.transcript


def test_live555_does_not_have_that_path(network: Network) -> None:
    eye = Target("eye", "127.0.0.1", network.live555_port, "/none")
    result = inside(network.name, lambda: asyncio.run(probe(eye)))
    assert stream(result) == (Outcome.FAILING, Reason.STREAM_NOT_FOUND)
