"""What carries a session's packets, when the client has gone."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from probes.simulator.playback import Interleaved

LOOPS = [pytest.param(asyncio.run, id="asyncio"), pytest.param(uvloop.run, id="uvloop")]


@pytest.mark.parametrize("run", LOOPS)
def test_frames_for_a_client_that_has_gone_are_lost(run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def story() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
        wire = Interleaved(transport, 0)
        wire.send([b"heard"])
        transport.abort()
        await asyncio.sleep(0)  # the loop closes the socket, as between two frames
        wire.send([b"frame"])
        wire.send_broken([b"frame", b"frame"])
        server.close()
        await server.wait_closed()

    run(story())
