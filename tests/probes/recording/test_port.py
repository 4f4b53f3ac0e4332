"""What footage means: enough, too little, stopped, or not known."""

from datetime import UTC, datetime, timedelta

import pytest

from probes.reasons import Reason
from probes.recording.port import (
    Confidence,
    DiskState,
    DiskStatus,
    Footage,
    FootageReport,
    FootageStatus,
    Vendor,
    believed,
    recording_reason,
)

NOW = datetime(2026, 9, 30, 3, tzinfo=UTC)


def kept(days: float | None, *, newest_h: float = 0.0, channel: int = 1) -> Footage:
    newest = NOW - timedelta(hours=newest_h)
    oldest = None if days is None else newest - timedelta(days=days)
    return Footage(channel, oldest, newest, days, FootageStatus.KEPT, Confidence.SPAN)


NONE = Footage(2, status=FootageStatus.NONE)
UNKNOWN = Footage(2)
BROKEN = DiskStatus("a", DiskState.UNUSABLE, "error")
GOOD = DiskStatus("b", DiskState.USABLE, "ok")
UNCLEAR = DiskStatus("c", DiskState.UNKNOWN, "repairing")


@pytest.mark.parametrize(
    ("footage", "required", "reason"),
    [
        pytest.param(kept(30.0), 30, Reason.OK, id="exactly enough"),
        pytest.param(kept(29.9), 30, Reason.RETENTION_SHORT, id="too little"),
        pytest.param(kept(0.1), None, Reason.OK, id="no days required"),
        pytest.param(kept(40.0, newest_h=23), 30, Reason.OK, id="a quiet night"),
        pytest.param(
            kept(40.0, newest_h=25), 30, Reason.RECORDING_STOPPED, id="old footage enough, none new"
        ),
        pytest.param(
            kept(3.0, newest_h=25), None, Reason.RECORDING_STOPPED, id="stopped, whatever is required"
        ),
        pytest.param(kept(None), 30, Reason.RETENTION_UNKNOWN, id="the oldest is not known"),
        pytest.param(kept(None), None, Reason.OK, id="... and nobody asked for it"),
        pytest.param(NONE, 30, Reason.RECORDING_STOPPED, id="none"),
        pytest.param(UNKNOWN, None, Reason.RETENTION_UNKNOWN, id="not known"),
    ],
)
def test_what_footage_means(footage: Footage, required: float | None, reason: Reason) -> None:
    assert recording_reason(footage, required, NOW) is reason


@pytest.mark.parametrize(
    ("footage", "disks", "status"),
    [
        pytest.param((NONE,), (), FootageStatus.UNKNOWN, id="an empty list alone says nothing"),
        pytest.param((NONE,), (GOOD,), FootageStatus.UNKNOWN, id="... nor beside a good disk"),
        pytest.param((NONE,), (BROKEN, UNCLEAR), FootageStatus.UNKNOWN, id="... nor where a disk is unclear"),
        pytest.param((NONE,), (BROKEN, BROKEN), FootageStatus.NONE, id="no disk can be written to"),
        pytest.param((NONE, kept(3, channel=1)), (), FootageStatus.NONE, id="another channel has footage"),
        pytest.param((NONE, Footage(1)), (), FootageStatus.UNKNOWN, id="the other one is not known either"),
    ],
)
def test_none_is_believed_only_where_it_is_confirmed(
    footage: tuple[Footage, ...], disks: tuple[DiskStatus, ...], status: FootageStatus
) -> None:
    assert believed(footage, disks)[0].status is status


def test_of_a_channel_nobody_told_of_nothing_is_known() -> None:
    report = FootageReport(NOW, Vendor.DAHUA, Reason.OK, (kept(3),))
    assert report.of(1) == kept(3)
    assert report.of(2) == UNKNOWN


def test_what_was_kept_before_the_disks_broke_is_not_going_on() -> None:
    (footage,) = believed((kept(40),), (BROKEN,))
    assert footage.status is FootageStatus.STOPPED
    assert recording_reason(footage, 30, NOW) is Reason.RECORDING_STOPPED
