"""Ways to ask a camera for a picture, each in a process of its own that tells what a probe cost it in CPU.

    python -m tests.benchmarks.methods NAME

reads lines of JSON ``{"host", "port", "path", "probes"}`` and answers each by ``{"cpu_ms", "wall_s"}``,
both for one probe. CPU is user + system of all threads; for ffprobe, a process a probe, that of the process.
"""

import asyncio
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from probes.ladder import DEFAULT_TIMEOUTS, Timeouts, climb
from probes.logins import NO_TIME, LoginOutcome, Permit
from probes.reasons import Outcome
from probes.result import Depth, LoginKey, Target
from probes.senses import Here, Senses
from tests.benchmarks.decoding import Decoding

# Cameras that answer are asked many at a time by whoever can; the others one after the other.
CONCURRENT = 20
WAVES = 3  # of them, one after the other: a monitor runs warm


SENSES = Senses(Here())
DECODING = Decoding()


class NoLogins:
    """These cameras ask for no password."""

    async def reserve(self, key: LoginKey) -> Permit:
        return Permit(canary=False)

    async def settle(self, key: LoginKey, outcome: LoginOutcome, advertised: timedelta = NO_TIME) -> None:
        return None


async def _climb(
    host: str,
    port: int,
    path: str,
    depth: Depth,
    timeouts: Timeouts = DEFAULT_TIMEOUTS,
    senses: Senses = SENSES,
) -> None:
    result = await climb(
        Target("eye", host, port, path),
        depth,
        logins=NoLogins(),
        senses=senses,
        clock=lambda: datetime.now(UTC),
        timeouts=timeouts,
    )
    assert all(verdict.outcome is Outcome.OK for verdict in result.verdicts), result.transcript


async def liveness(host: str, port: int, path: str) -> None:
    """Ours, to one whole keyframe, not decoded."""
    await _climb(host, port, path, Depth.LIVENESS)


async def decoded(host: str, port: int, path: str) -> None:
    """Ours, to one decoded keyframe and no further, as the others."""
    await _climb(host, port, path, Depth.DEEP, Timeouts(window=0), DECODING)


async def deep(host: str, port: int, path: str) -> None:
    """Ours as the round asks: RTP watched for 2 s, the keyframe decoded and measured."""
    await _climb(host, port, path, Depth.DEEP)


async def aiortsp(host: str, port: int, path: str) -> None:
    """To the end of the first keyframe that began before our eyes; not decoded."""
    from aiortsp.rtsp.reader import RTSPReader

    reader = RTSPReader(f"rtsp://{host}:{port}{path}", log_level=40)
    async with reader:
        await _keyframe_of(reader)
    # Its TEARDOWN belongs to the probe. Asked to stop while PLAY is answered, it may not hear it at once.
    while not reader._runner.done():
        reader._runner.cancel()
        await asyncio.wait({reader._runner}, timeout=1)


async def _keyframe_of(reader: Any) -> None:
    begun = False
    async for packet in reader.iter_packets():
        data = packet.data
        kind, start = data[0] & 31, True
        if kind == 28:  # FU-A (RFC 6184, 5.8)
            kind, start = data[1] & 31, bool(data[1] & 0x80)
        begun = begun or (kind == 5 and start)
        if begun and packet.m:
            return
    raise AssertionError("no keyframe")


def pyav(host: str, port: int, path: str) -> None:
    """``av.open`` as it is, and the first picture."""
    import av

    with av.open(f"rtsp://{host}:{port}{path}", options={"rtsp_transport": "tcp"}) as container:
        next(container.decode(video=0))


def opencv(host: str, port: int, path: str) -> None:
    """``VideoCapture`` as it is, and the first picture."""
    import cv2

    capture = cv2.VideoCapture(f"rtsp://{host}:{port}{path}", cv2.CAP_FFMPEG)
    try:
        assert capture.read()[0]
    finally:
        capture.release()


def ffprobe(host: str, port: int, path: str) -> None:
    """The usual command: what streams are there?"""
    command = ["ffprobe", "-v", "error", "-rtsp_transport", "tcp", "-show_streams", "-of", "json"]
    found = subprocess.run(
        [*command, f"rtsp://{host}:{port}{path}"], stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    assert json.loads(found.stdout)["streams"][0]["codec_name"] == "h264"


ASYNC: dict[str, Callable[[str, int, str], Awaitable[None]]] = {
    "liveness": liveness,
    "decoded": decoded,
    "deep": deep,
    "aiortsp": aiortsp,
}
BLOCKING: dict[str, Callable[[str, int, str], None]] = {"pyav": pyav, "opencv": opencv, "ffprobe": ffprobe}
NAMES = [*ASYNC, *BLOCKING]


def _cpu_s() -> float:
    own, children = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main(name: str) -> None:
    os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = "rtsp_transport;tcp"
    runner: asyncio.Runner | None = None
    if name in ASYNC:
        import uvloop

        # aiortsp runs on the same loop as ours: the ratio is that of the clients.
        runner = asyncio.Runner(loop_factory=uvloop.new_event_loop)
    for line in sys.stdin:
        asked = json.loads(line)
        host, port, path, probes = asked["host"], asked["port"], asked["path"], asked["probes"]

        async def in_waves(where: tuple[str, int, str] = (host, port, path), times: int = probes) -> None:
            for _ in range(WAVES):
                await asyncio.gather(*(ASYNC[name](*where) for _ in range(times // WAVES)))

        cpu, wall = _cpu_s(), time.monotonic()
        if runner:
            runner.run(in_waves())
        else:
            for _ in range(probes):
                BLOCKING[name](host, port, path)
        spent, took = _cpu_s() - cpu, time.monotonic() - wall
        print(json.dumps({"cpu_ms": 1000 * spent / probes, "wall_s": took / probes}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1])
