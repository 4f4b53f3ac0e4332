"""Why a message was not sent, in words that say what to do; who acted over a channel."""

import re
from pathlib import Path

import pytest

from camera_registry import deeds
from camera_registry.alerts.failure_words import failure

ALERTS = Path(__file__).parents[2] / "camera_registry" / "alerts"


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ("SMTP 535", "Máy chủ thư không nhận tên đăng nhập hoặc mật khẩu: kiểm tra SMTP_URL. (SMTP 535)"),
        ("HTTP 503", "Bên nhận đang gặp sự cố; hệ thống sẽ gửi lại. (HTTP 503)"),
        (
            "no answer: TimeoutError",
            "Không có trả lời: kiểm tra đường truyền và tường lửa của máy chủ. (no answer: TimeoutError)",
        ),
        ("", ""),
        ("something newer", "something newer"),
    ],
)
def test_what_it_means_what_to_do_and_the_code(raw: str, said: str) -> None:
    assert failure(raw, "vi") == said


def test_whatever_is_raised_has_words() -> None:
    """Every reason that stands in the code; of those with more behind them the beginning."""
    sources = "".join(file.read_text(encoding="utf-8") for file in ALERTS.glob("*.py"))
    raised = [
        re.sub(r"\{(?:status|code)\}", "500", each)
        for each in re.findall(r'NotSent\(\s*f?"([^"]+)"', sources)
    ]

    assert len(raised) > 10
    assert [each for each in raised if failure(each, "vi") == each] == []


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("zalo:Zalo phường Nam Cường", "qua Zalo, kênh Zalo phường Nam Cường"),
        ("link:Thư 04273-2", "qua liên kết trong tin, kênh Thư 04273-2"),
        ("tuan.nguyen", "tuan.nguyen"),
    ],
)
def test_who_acted_over_a_channel_is_said_in_words(kept: str, said: str) -> None:
    assert deeds.who(kept, "vi") == said
