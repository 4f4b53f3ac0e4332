"""Worker processes: what they give back, and what is lost with them."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator

import pytest

from probes.errors import DecodeError, WorkerError
from probes.reasons import Reason
from probes.sight import Glance, glance_at_keyframe
from probes.workers import Workers
from tests.probes.rtsp.packets import clip


@pytest.fixture
def workers() -> Iterator[Workers]:
    pool = Workers(1, wait_s=0.3)
    yield pool
    pool.close()


def hang() -> None:
    time.sleep(60)


def crash() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def eat() -> int:
    return len(bytearray(3 * 1024**3))


def stands_for() -> int:
    return os.getpid()


def complain() -> int:
    return os.write(2, b"[h264 @ 0x1] error while decoding MB 3 5\n")


async def look(workers: Workers) -> Glance:
    return await workers.run(10, glance_at_keyframe, "H264", clip("H264")[0])


async def test_a_keyframe_is_looked_at_in_another_process(workers: Workers) -> None:
    assert (await look(workers)).sight.width == 160
    assert await workers.run(10, stands_for) != os.getpid()


async def test_an_error_of_a_decoder_comes_back_as_it_was(workers: Workers) -> None:
    with pytest.raises(DecodeError) as error:
        await workers.run(10, glance_at_keyframe, "H264", b"junk" * 100)
    assert (error.value.reason, error.value.detail) == (Reason.DECODE_FAILED, "InvalidDataError")


async def test_what_a_decoder_says_is_not_heard(capfd: pytest.CaptureFixture[str]) -> None:
    pool = Workers(1)
    assert await pool.run(10, complain) > 0
    pool.close()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("work", "reason"),
    [
        pytest.param(hang, Reason.DECODE_FAILED, id="hangs"),
        pytest.param(crash, Reason.MONITOR_INTERNAL_ERROR, id="crashes"),
    ],
)
async def test_a_loss_costs_one_result(workers: Workers, work: object, reason: Reason) -> None:
    assert callable(work)
    await look(workers)
    began = time.monotonic()
    with pytest.raises(WorkerError) as error:
        await workers.run(0.2, work)
    assert error.value.reason is reason
    assert time.monotonic() - began < 30, "what hangs would take 60 s"
    assert (await look(workers)).sight.width == 160


async def test_memory_has_a_limit(workers: Workers) -> None:
    with pytest.raises(MemoryError):
        await workers.run(10, eat)
    assert (await look(workers)).sight.width == 160


async def test_who_finds_no_free_worker_is_told_so(workers: Workers) -> None:
    long = asyncio.create_task(workers.run(5, hang))
    await asyncio.sleep(0.05)
    with pytest.raises(WorkerError) as error:
        await workers.run(5, stands_for)
    assert error.value.reason is Reason.PROBE_SKIPPED_BACKPRESSURE
    long.cancel()
    with pytest.raises(asyncio.CancelledError):
        await long
    assert await workers.run(10, stands_for) != os.getpid()


def test_a_pool_that_was_never_used_ends_at_once() -> None:
    Workers(2).close()


async def test_a_worker_that_is_killed_while_it_waits_is_replaced(workers: Workers) -> None:
    killed = await workers.run(10, stands_for)
    os.kill(killed, signal.SIGKILL)
    lost: list[Reason] = []
    while True:
        try:
            now_there = await workers.run(10, stands_for)
        except WorkerError as error:
            lost.append(error.reason)
        else:
            if now_there != killed:
                break
        await asyncio.sleep(0.05)
    assert lost in ([], [Reason.MONITOR_INTERNAL_ERROR]), "one result at most"
    assert await workers.run(10, stands_for) == now_there
