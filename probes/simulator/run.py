"""The simulator as a program: one READY line, counters over HTTP, and once more as JSON at the end."""

import asyncio
import json
import signal
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TextIO

import uvloop

from probes.simulator.fleet import Fleet, load_fleet
from probes.simulator.simulator import Simulator

MAX_REQUEST_BYTES: Final = 8192
REQUEST_TIMEOUT_S: Final = 5.0


def run(
    fleet_path: Path, *, port: int | None = None, control_port: int = 0, out: TextIO = sys.stdout
) -> None:
    """Simulate a fleet file until SIGTERM or SIGINT.

    ``port`` takes the place of every camera's own. Writes ``READY {…}`` to ``out`` when all cameras listen,
    with the address of the counters (``GET /counters``) and the moment (UTC) from which the faults' times
    count; at the end one line of JSON, the same counters. Raises
    :class:`~probes.simulator.fleet.FleetError`, and :class:`OSError` for an address that cannot be had.
    """
    fleet = load_fleet(fleet_path)
    if port is not None:
        fleet = Fleet(tuple(replace(camera, port=port) for camera in fleet.cameras))
    uvloop.run(_serve(fleet, control_port, out))


async def _serve(fleet: Fleet, control_port: int, out: TextIO) -> None:
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop.set)
    async with Simulator(fleet) as simulator, await serve_counters(simulator, control_port) as control:
        host, port = control.sockets[0].getsockname()
        ready = {
            "control": f"http://{host}:{port}/counters",
            "started": simulator.started.isoformat(),
            "cameras": len(fleet.cameras),
            "channels": sum(camera.channels for camera in fleet.cameras),
        }
        print("READY", json.dumps(ready), file=out, flush=True)
        await asked_to_stop.wait()
        last = snapshot(simulator)
    print(json.dumps(last), file=out, flush=True)


def snapshot(simulator: Simulator) -> dict[str, Any]:
    """``{"at": seconds, "total": {…}, "cameras": {name: {…}}}``, the fields of :class:`Counters` in each."""
    cameras = {name: counters.as_dict() for name, counters in simulator.counted().items()}
    return {"at": round(simulator.at(), 3), "total": simulator.counters().as_dict(), "cameras": cameras}


async def serve_counters(simulator: Simulator, port: int = 0) -> asyncio.Server:
    """``GET /counters`` on 127.0.0.1; the smallest HTTP that answers it. Raises :class:`OSError`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                head = await reader.readuntil(b"\r\n\r\n")
                if head.startswith(b"GET /counters "):
                    status, body = "200 OK", json.dumps(snapshot(simulator)).encode()
                else:
                    status, body = "404 Not Found", b"{}"
                writer.write(
                    f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
                    + body
                )
                await writer.drain()
        except (OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            pass  # a visitor who does not finish a request gets no answer
        finally:
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", port, limit=MAX_REQUEST_BYTES)
