"""Dahua's CGI: recorders' own lines, the documentation's example, and what a stranger may send."""

import contextlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.recording import dahua
from probes.recording.dahua import CgiError, File
from probes.recording.port import ChannelStatus, DiskState, DiskStatus

DATA = Path(__file__).parents[2] / "data/recording"
NOON = datetime(2026, 8, 5, 12)  # noqa: DTZ001 – what stands on the recorder's wall clock
HOUR = timedelta(hours=1)


def said(name: str) -> bytes:
    return (DATA / f"dahua_{name}.txt").read_bytes()


def file(channel: int) -> File:
    return File(channel, NOON, NOON + HOUR)


def test_a_disk_is_the_sum_of_its_partitions_and_unusable_with_any_of_them() -> None:
    assert dahua.parse_disks(said("disks")) == (
        DiskStatus("/dev/sda", DiskState.USABLE, "Success", 495636710376, 600),
        DiskStatus("/dev/sdb", DiskState.UNUSABLE, "Success"),
        DiskStatus("/dev/sdc", DiskState.UNUSABLE, "Failure"),
        DiskStatus("/dev/md0", DiskState.UNKNOWN, "Degraded"),
    )


def test_channels_without_a_camera_are_none() -> None:
    assert dahua.parse_channels(said("channels")) == (
        ChannelStatus(1, online=True),
        ChannelStatus(2, online=False),
    )


def test_files_of_a_page() -> None:
    assert dahua.parse_page(said("page")) == (
        File(4, NOON, NOON + HOUR),
        File(4, NOON + HOUR, NOON + 2 * HOUR),
    )


def test_the_example_of_the_documentation_is_read() -> None:
    (found,) = dahua.parse_page(said("page_as_documented"))
    assert (found.channel, found.start.isoformat()) == (1, "2011-01-01T12:00:00")


@pytest.mark.parametrize(
    ("files", "of_five"),
    [
        pytest.param([4, 4], [4, 4], id="counted from 0, as recorders do"),
        pytest.param([5, 5], [5, 5], id="counted from 1, as documented"),
        pytest.param([0, 3, 4, 5], [4], id="the condition was ignored, counted from 0"),
        pytest.param([3, 4, 5], None, id="the condition was ignored: cannot be told"),
        pytest.param([0], None, id="... and none of it is on this page"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_files_of_channel_five(files: list[int], of_five: list[int] | None) -> None:
    kept = dahua.of_channel(tuple(map(file, files)), 5)
    assert (None if kept is None else [f.channel for f in kept]) == of_five


@pytest.mark.parametrize(
    ("body", "read"),
    [
        pytest.param(b"result = 2026-08-05 12:00:00\r\n", NOON, id="as documented"),
        pytest.param(b"result=2026-8-5 12:00:00", NOON, id="without zeros"),
    ],
)
def test_the_clock(body: bytes, read: datetime) -> None:
    assert dahua.parse_time(body) == read


@pytest.mark.parametrize("body", [b"", b"Error\r\nBad Request!\r\n", b"result=soon", b"<html>"])
def test_an_answer_without_what_was_asked_for(body: bytes) -> None:
    for parse in (dahua.parse_time, dahua.parse_search):
        with pytest.raises(CgiError):
            parse(body)


def test_a_search_is_begun_paged_and_given_back() -> None:
    assert dahua.parse_search(b"result=08137\r\n") == 8137
    assert dahua.search_path(8137, 5, NOON, NOON + HOUR) == (
        "/cgi-bin/mediaFileFind.cgi?action=findFile&object=8137&condition.Channel=5"
        "&condition.StartTime=2026-08-05%2012%3A00%3A00&condition.EndTime=2026-08-05%2013%3A00%3A00"
        "&condition.Types[0]=dav"
    )
    assert dahua.page_path(8137).endswith("action=findNextFile&object=8137&count=100")
    assert [path.rpartition("=")[2] for path in dahua.end_paths(8137)] == ["close", "destroy"]


def test_an_endless_answer_is_refused() -> None:
    with pytest.raises(CgiError):
        dahua.parse_pairs(b"a=b\n" * (dahua.MOST_LINES + 1))


def test_serial() -> None:
    assert dahua.parse_serial(b"sn=4K0123ABCD\r\n") == "4K0123ABCD"


@given(st.text("itemslist.fo[]0123=-: \nStarTmeEndChl", max_size=300).map(str.encode))
def test_only_our_error_comes_of_anything(body: bytes) -> None:
    for parse in (dahua.parse_page, dahua.parse_disks, dahua.parse_channels, dahua.parse_time):
        with contextlib.suppress(CgiError):
            parse(body)
