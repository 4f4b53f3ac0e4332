"""What a demonstration says of itself to the person who started it."""

import asyncio
from typing import Any

import pytest

from camera_registry.commands.common import Refused
from camera_registry.commands.demo import FAILURES, ready_line, reckoning_lines

WELL: dict[str, Any] = {
    "eyes": 1953,
    "observed": 1950,
    "by_state": {"up": 1800, "down": 150, "unknown": 3},
    "expected_by_state": {"up": 1801, "down": 149, "unknown": 3},
    "mismatches": 0,
    "probes": 4210,
    "locks": 0,
    "sessions_left_open": 0,
    "cpu_seconds": 41.5,
}


def test_the_reckoning_in_vietnamese() -> None:
    assert reckoning_lines(WELL, "vi") == [
        "Đã quan sát được 1.950 trong số 1.953 mắt camera, qua 4.210 lượt kiểm tra.",
        "  Đang hoạt động: 1.800 (theo kịch bản: 1.801)",
        "  Mất kết nối: 150 (theo kịch bản: 149)",
        "  Chưa xác định: 3 (theo kịch bản: 3)",
        "Kết luận sai: 0; tài khoản bị khóa: 0; phiên còn mở: 0; thời gian xử lý của CPU: 41,5 giây.",
        "Bản trình diễn đã chạy đúng như dự kiến.",
    ]


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        pytest.param("mismatches", "7 judgements differ", id="mismatches"),
        pytest.param("locks", "7 accounts were locked", id="locks"),
        pytest.param("sessions_left_open", "7 sessions were left open", id="sessions"),
    ],
)
def test_a_failure_is_named_last(failure: str, said: str) -> None:
    *_, before, last = reckoning_lines(WELL | {failure: 7}, "en")
    assert last.startswith(f"Exit code 2: {said}")
    assert ": 7;" in before


def test_every_failure_is_named() -> None:
    named = reckoning_lines(WELL | dict.fromkeys(FAILURES, 7), "en")[-len(FAILURES) :]
    assert all(line.startswith("Exit code 2: 7 ") for line in named)


async def test_a_simulator_that_is_not_ready_in_time() -> None:
    with pytest.raises(Refused, match="not ready within 0 s") as refused:
        await ready_line(asyncio.StreamReader(), 0)
    assert "máy đang bận" in refused.value.text("vi")


async def test_a_simulator_that_ends_at_once() -> None:
    said = asyncio.StreamReader()
    said.feed_eof()
    with pytest.raises(Refused, match="did not start"):
        await ready_line(said, 1)


async def test_a_simulator_that_is_ready() -> None:
    said = asyncio.StreamReader()
    said.feed_data(b"READY {}\n")
    assert await ready_line(said, 1) == "READY {}\n"
